//! Makes the rule of a foreign key good over rows that have lost their parents.

use std::collections::HashSet;

use super::effects::{Clearing, Effect};
use super::toll::Promise;
use super::{Export, Orphans};
use crate::change::error::ChangeError;
use crate::change::executor::Executor;
use crate::change::journal::{Journal, Rows, Step};
use crate::change::undo::row_name;
use crate::change::values::{Key, Stored, is_one_of, tuple};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{ByName, Table};
use crate::schema::sql::{identifier, list};
use crate::server::connection::Reader;

/// Bytes of values in one statement of the journal; a longer row has one of its own.
const STATEMENT: usize = 512 << 10;

/// What became of the rows: so many were deleted, with those that hung on them, and in so many a column was
/// set NULL; or nothing was changed or all of it taken back, for this reason.
pub type Cleared = Result<(u64, u64), String>;

/// Takes away or clears what has lost its parents, by the rule of the key: just the rows that the
/// user was asked for.
///
/// `tables` are those of the database as they are now. Step numbers from `next_step` on are
/// used. Where other rows would be changed than `promise` says, or not all of them, what was changed
/// is taken back.
///
/// # Errors
/// The connection is lost, the rows stay in use, or journal or export cannot be written. What
/// was committed so far stays so, and is in the journal.
pub fn clear(
    executor: &mut Executor,
    journal: &mut Journal,
    next_step: &mut usize,
    tables: &ByName<Table>,
    orphans: &Orphans,
    export: &mut Export,
    promise: &Promise,
) -> Result<Cleared, ChangeError> {
    let clearing = match Clearing::of(tables, orphans) {
        Ok(clearing) => clearing,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(why) = clearing.objection(executor.connection())? {
        return Ok(Err(why));
    }
    let mut run = Running {
        clearing,
        open: promise.clone(),
        done: Vec::new(),
    };
    let mut after = None;
    let why = loop {
        let batch = run.clearing.batch(executor.connection(), after.as_ref())?;
        let Some(last) = batch.last().cloned() else {
            break run.what_is_open();
        };
        let changed = run.batch(executor, journal, next_step, &batch, export)?;
        if let Err(why) = changed {
            break Some(why);
        }
        after = Some(last);
    };
    let Some(why) = why else {
        return Ok(Ok(run.counted()));
    };
    for step in run.done.iter().rev() {
        let count = step.rows.as_ref().map_or(0, |rows| rows.count);
        executor.take_back_rows(step, &step.inverse, count, journal)?;
    }
    Ok(Err(why))
}

/// A clearing under way.
struct Running<'a> {
    clearing: Clearing<'a>,
    /// Rows that the user was asked for and that are not done yet.
    open: Promise,
    /// Steps that were done.
    done: Vec<Step>,
}

impl Running<'_> {
    /// Changes one batch in one transaction, or says why not.
    fn batch(
        &mut self,
        executor: &mut Executor,
        journal: &mut Journal,
        next_step: &mut usize,
        batch: &[Key],
        export: &mut Export,
    ) -> Result<Result<(), String>, ChangeError> {
        let first_step = *next_step;
        let mut effects = Vec::new();
        let table = &self.clearing.orphans.table;
        let prepared = executor.transact(table, journal, |connection| {
            *next_step = first_step;
            export.take_back()?;
            // Some may have found a parent by now, and from here on none can.
            let rows = self.clearing.locked(connection, batch)?;
            if rows.is_empty() {
                return Ok(Ok(Vec::new()));
            }
            effects = match self
                .clearing
                .effects(connection, rows, true, &HashSet::new())?
            {
                Ok(effects) => effects,
                Err(why) => return Ok(Err(why)),
            };
            if let Some(why) = self.not_asked_for(&effects) {
                return Ok(Err(why));
            }
            let mut steps = Vec::new();
            for effect in &effects {
                self.steps(connection, effect, export, next_step, &mut steps)?;
            }
            Ok(Ok(steps))
        });
        let steps = match prepared {
            Ok(Ok(steps)) => steps,
            Ok(Err(why)) => {
                export.take_back()?;
                return Ok(Err(why));
            }
            Err(error) => {
                // After a lost connection the rows may be gone: their export stays.
                if !matches!(&error, ChangeError::Server(error) if error.is_lost()) {
                    export.take_back()?;
                }
                return Err(error);
            }
        };
        export.keep();
        for effect in &effects {
            if let Some(open) = self.open.get_mut(&effect.deed()) {
                for row in &effect.rows {
                    open.remove(row);
                }
            }
        }
        self.done.extend(steps);
        Ok(Ok(()))
    }

    /// Says so where rows would be changed that the user was not asked for.
    fn not_asked_for(&self, effects: &[Effect]) -> Option<String> {
        effects.iter().find_map(|effect| {
            let open = self.open.get(&effect.deed());
            let others = effect.rows.iter();
            let others = others.filter(|row| open.is_none_or(|open| !open.contains(*row)));
            let count = others.count() as u64;
            (count > 0).then(|| {
                format!(
                    "{} of {} would be changed that nobody was asked for, because the database has changed \
                     meanwhile; run the command again",
                    crate::text::count(count, "row"),
                    effect.table
                )
            })
        })
    }

    /// Says so where rows that the user was asked for are not to be changed any more.
    fn what_is_open(&self) -> Option<String> {
        let mut open = self.open.iter();
        let ((table, _), rows) = open.find(|(_, rows)| !rows.is_empty())?;
        Some(format!(
            "{} of {table} need no change any more, because the database has changed meanwhile; run the \
             command again",
            crate::text::count(rows.len() as u64, "row")
        ))
    }

    fn counted(&self) -> (u64, u64) {
        let (mut deleted, mut set_null) = (0, 0);
        for step in &self.done {
            let rows = step.rows.as_ref().map_or(0, |rows| rows.count);
            match step.statement.starts_with("DELETE") {
                true => deleted += rows,
                false => set_null += rows,
            }
        }
        (deleted, set_null)
    }

    /// Exports the rows of an effect, and makes its steps.
    fn steps(
        &self,
        connection: &mut Reader,
        effect: &Effect,
        export: &mut Export,
        next_step: &mut usize,
        steps: &mut Vec<Step>,
    ) -> Result<(), ChangeError> {
        let Some(definition) = self.clearing.tables.get(&effect.table) else {
            return Ok(());
        };
        let rows = stored_rows(connection, &effect.table, definition, &effect.rows)?;
        let constraint = &self.clearing.orphans.constraint;
        export.write(
            constraint,
            &effect.table,
            definition,
            &effect.columns,
            &rows,
        )?;
        let writer = RowSteps {
            constraint,
            effect,
            definition,
            stored: Stored::of(definition),
        };
        let mut chunk: Vec<&StoredRow> = Vec::new();
        let mut size = 0;
        for row in &rows {
            let length: usize = row.iter().flatten().map(Vec::len).sum();
            if !chunk.is_empty() && size + length > STATEMENT {
                steps.push(writer.step(*next_step, &chunk)?);
                *next_step += 1;
                chunk.clear();
                size = 0;
            }
            chunk.push(row);
            size += length;
        }
        if !chunk.is_empty() {
            steps.push(writer.step(*next_step, &chunk)?);
            *next_step += 1;
        }
        Ok(())
    }
}

/// The values that a row is stored in.
pub(super) type StoredRow = Vec<Option<Vec<u8>>>;

/// Whole rows by their primary keys.
fn stored_rows(
    connection: &mut Reader,
    table: &str,
    definition: &Table,
    keys: &[Key],
) -> Result<Vec<StoredRow>, ChangeError> {
    let stored = Stored::of(definition);
    let key_names = definition.primary_key_columns();
    let condition = is_one_of(&tuple(key_names.iter().map(|c| identifier(c))), keys);
    let sql = format!(
        "SELECT {} FROM {} WHERE {condition}",
        stored.selected(),
        identifier(table)
    );
    let names = stored.columns.iter().map(|(name, _)| name.as_str());
    let names = names
        .chain(key_names.iter().map(String::as_str))
        .chain([table]);
    let sql = Meaning::new(Operation::Select, names).pass(sql)?;
    let mut rows = Vec::new();
    let most = keys.len() as u64;
    connection.each(&format!("rows of {table}"), &sql, most, |row| {
        rows.push(row.into_values().collect());
    })?;
    Ok(rows)
}

/// Makes the steps of one effect.
struct RowSteps<'a> {
    constraint: &'a str,
    effect: &'a Effect,
    definition: &'a Table,
    stored: Stored<'a>,
}

impl RowSteps<'_> {
    fn step(&self, number: usize, rows: &[&StoredRow]) -> Result<Step, Blocked> {
        let key_names = self.definition.primary_key_columns();
        let keys: Vec<Key> = rows
            .iter()
            .map(|row| self.stored.literals(row, &key_names))
            .collect();
        let names = tuple(key_names.iter().map(|column| identifier(column)));
        let condition = is_one_of(&names, &keys);
        let changed = match self.effect.columns.is_empty() {
            true => self.deletion(rows, &condition)?,
            false => self.clearing(rows, &names, &keys, &condition)?,
        };
        let table = &self.effect.table;
        Ok(Step {
            step: number,
            table: table.clone(),
            statement: changed.statement,
            inverse: changed.inverse,
            why: format!(
                "{} of {table} {}, for the foreign key {}",
                crate::text::count(rows.len() as u64, "row"),
                changed.what,
                self.constraint
            ),
            rows: Some(Rows {
                count: rows.len() as u64,
                named: rows.iter().map(|row| self.name(row, &key_names)).collect(),
                ..changed.rows
            }),
            ..Step::default()
        })
    }

    /// A row as people call it: `id 9001`.
    fn name(&self, row: &StoredRow, key_names: &[String]) -> String {
        let columns = self.stored.columns.iter().map(|(name, _)| (*name).clone());
        let whole: crate::snapshot::Row = columns.zip(row.iter().cloned()).collect();
        let key = key_names.iter().filter_map(|name| {
            let value = whole
                .iter()
                .find(|(other, _)| other.eq_ignore_ascii_case(name))?;
            Some((name.clone(), value.1.clone()))
        });
        row_name(&key.collect())
    }

    /// What the statement names: the table, its primary key, and these columns.
    fn meaning<'n>(
        &'n self,
        operation: Operation,
        columns: impl IntoIterator<Item = &'n String>,
    ) -> Meaning {
        let keys = self.definition.primary_key_columns();
        let columns = columns.into_iter().cloned();
        Meaning::new(
            operation,
            columns.chain(keys).chain([self.effect.table.clone()]),
        )
    }

    /// The question for those of the rows that fulfil a condition, by their primary keys.
    fn look(&self, select: &str, condition: &str, columns: &[String]) -> Result<String, Blocked> {
        let table = identifier(&self.effect.table);
        let sql = format!("SELECT {select} FROM {table} WHERE {condition}");
        self.meaning(Operation::Select, columns).pass(sql)
    }

    fn deletion(&self, rows: &[&StoredRow], condition: &str) -> Result<RowChange, Blocked> {
        let table = identifier(&self.effect.table);
        let stored = self.stored.columns.iter().map(|(name, _)| *name);
        let mut inverse = format!("INSERT INTO {table} ({}) VALUES ", list(stored.clone()));
        let mut values = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            if place > 0 {
                inverse.push_str(", ");
            }
            let from = inverse.len();
            inverse.push_str(&format!("({})", self.stored.all_literals(row).join(", ")));
            values.push((from, inverse.len()));
        }
        let key = list(&self.definition.primary_key_columns());
        let delete = self.meaning(Operation::Delete, []);
        Ok(RowChange {
            what: "deleted",
            statement: delete.pass(format!("DELETE FROM {table} WHERE {condition}"))?,
            inverse: self.meaning(Operation::Insert, stored).pass(inverse)?,
            rows: Rows {
                still_as_before: self.look("COUNT(*)", condition, &[])?,
                as_left: Some(self.look(&key, condition, &[])?),
                values,
                ..Rows::default()
            },
        })
    }

    fn clearing(
        &self,
        rows: &[&StoredRow],
        names: &str,
        keys: &[Key],
        condition: &str,
    ) -> Result<RowChange, Blocked> {
        let table = identifier(&self.effect.table);
        let columns = &self.effect.columns;
        // Such columns would say that a person had changed the row.
        let kept: Vec<&String> = self
            .definition
            .columns
            .iter()
            .filter(|(_, column)| column.on_update_now)
            .map(|(name, _)| name)
            .collect();
        let keeping: String = kept
            .iter()
            .map(|name| format!(", {0} = {0}", identifier(name)))
            .collect();
        let cleared: Vec<String> = columns
            .iter()
            .map(|column| format!("{} = NULL", identifier(column)))
            .collect();
        let restored: Vec<String> = columns
            .iter()
            .map(|column| {
                let cases: String = rows
                    .iter()
                    .zip(keys)
                    .map(|(row, key)| {
                        let key = tuple(key.iter().cloned());
                        let value = self.stored.literals(row, std::slice::from_ref(column));
                        format!(" WHEN {names} = {key} THEN {}", value.join(""))
                    })
                    .collect();
                format!("{} = CASE{cases} END", identifier(column))
            })
            .collect();
        let is_null = |not: &str| {
            let columns = columns.iter();
            let columns = columns.map(|column| format!("{} IS {not}NULL", identifier(column)));
            columns.collect::<Vec<_>>().join(" AND ")
        };
        let update = self.meaning(Operation::Update, columns.iter().chain(kept));
        let before = format!("{condition} AND {}", is_null("NOT "));
        let after = format!("{condition} AND {}", is_null(""));
        let key = list(&self.definition.primary_key_columns());
        Ok(RowChange {
            what: "set NULL",
            statement: update.pass(format!(
                "UPDATE {table} SET {}{keeping} WHERE {condition}",
                cleared.join(", ")
            ))?,
            inverse: update.pass(format!(
                "UPDATE {table} SET {}{keeping} WHERE {after}",
                restored.join(", ")
            ))?,
            rows: Rows {
                still_as_before: self.look("COUNT(*)", &before, columns)?,
                as_left: Some(self.look(&key, &after, columns)?),
                ..Rows::default()
            },
        })
    }
}

/// A change of rows and its inverse.
struct RowChange {
    what: &'static str,
    statement: String,
    inverse: String,
    rows: Rows,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;
    use crate::schema::lexer::{Lexer, SqlModes, Token};
    use crate::schema::test_schema::hostile_schema;

    /// The identifiers that our own lexer finds quoted in a statement.
    fn quoted(statement: &str) -> HashSet<String> {
        let mut lexer = Lexer::new(statement, SqlModes::default());
        let mut names = HashSet::new();
        loop {
            match lexer.next_lexeme().token {
                Token::End => return names,
                Token::Quoted(name) => {
                    names.insert(name.into_owned());
                }
                _ => {}
            }
        }
    }

    #[test]
    fn rows_are_changed_by_the_statements_that_are_meant_whatever_names_and_values_are() {
        let names = hostile::names();
        for (name, value) in names.iter().zip(names.iter().rev()) {
            let schema = hostile_schema(name);
            let (table, definition) = schema.tables.last().expect("the child");
            let row: StoredRow = vec![Some(b"7".to_vec()), Some(value.clone().into_bytes())];
            for columns in [Vec::new(), vec![name.clone()]] {
                let effect = Effect {
                    table: table.clone(),
                    columns: columns.clone(),
                    rows: Vec::new(),
                };
                let steps = RowSteps {
                    constraint: "k",
                    effect: &effect,
                    definition,
                    stored: Stored::of(definition),
                };
                let step = match steps.step(1, &[&row]) {
                    Ok(step) => step,
                    Err(blocked) => {
                        assert!(hostile::is_unstorable(name), "{blocked}");
                        continue;
                    }
                };
                let rows = step.rows.clone().expect("rows");
                let mut meant = HashSet::from([table.clone(), "id".to_owned()]);
                meant.extend(columns);
                assert_eq!(quoted(&step.statement), meant);
                assert_eq!(rows.named, ["id 7"]);
                meant.insert(name.clone());
                assert_eq!(quoted(&step.inverse), meant);
                assert!(step.check_inverse().is_ok());
                for (from, to) in rows.values {
                    assert!(step.inverse[from..to].starts_with("(7, "));
                }
            }
        }
    }
}

//! Makes the rule of a foreign key good over rows that have lost their parents.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::{ALIAS, Export, Orphans, Remedy, anti_join, parent, primary_key, qualified, question};
use crate::repair::apply::Applier;
use crate::repair::error::RepairError;
use crate::repair::journal::{Journal, Rows, Step};
use crate::repair::values::{Stored, literal};
use crate::schema::model::{ForeignKey, ReferentialAction, Table, find};
use crate::schema::sql::{identifier, list, string};
use crate::server::connection::{Connection, first};
use crate::server::error::ServerError;

/// Rows that one transaction begins with; what hangs on them goes with them.
const BATCH: usize = 500;
/// Most rows that may hang on those of one transaction.
const MOST: usize = 100_000;
/// Bytes of values in one statement of the journal; a longer row has one of its own.
const STATEMENT: usize = 512 << 10;

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// So many rows were deleted, and in so many a column was set NULL.
    Done {
        /// Rows deleted, with those that hung on them.
        deleted: u64,
        /// Rows in which a column was set NULL.
        set_null: u64,
    },
    /// Nothing was changed, or no more.
    Refused(String),
}

/// The values of a row's primary key, as literals.
type Key = Vec<String>;

/// What happens to rows of one table.
#[derive(Clone, Debug)]
struct Effect {
    table: String,
    /// The columns to set NULL; none where the rows are deleted.
    columns: Vec<String>,
    rows: Vec<Key>,
}

impl Effect {
    fn own(&self) -> impl Iterator<Item = (String, Key)> {
        let rows = self.rows.iter();
        rows.map(|row| (self.table.clone(), row.clone()))
    }
}

/// Takes away or clears what has lost its parents, by the rule of the key.
///
/// `tables` are those of the database as they are now. Step numbers from `next_step` on are
/// used.
///
/// # Errors
/// The connection is lost, the rows stay in use, or journal or export cannot be written. What
/// was committed so far stays so, and is in the journal.
pub fn clear(
    applier: &mut Applier,
    journal: &mut Journal,
    next_step: &mut usize,
    tables: &IndexMap<String, Table>,
    orphans: &Orphans,
    export: &mut Export,
) -> Result<Cleared, RepairError> {
    let Some(definition) = tables.get(&orphans.table) else {
        return Ok(Cleared::Refused(format!("{} is gone", orphans.table)));
    };
    let columns = match orphans.by_rule {
        Ok(Remedy::SetNull) => orphans.key.columns.clone(),
        Ok(_) => Vec::new(),
        Err(ref why) => return Ok(Cleared::Refused(why.clone())),
    };
    if columns.is_empty() && is_referenced_from_elsewhere(applier.connection(), &orphans.table)? {
        return Ok(Cleared::Refused(format!(
            "foreign keys of another database lead to {}; rows there would go unseen",
            orphans.table
        )));
    }
    let clearing = Clearing {
        tables,
        orphans,
        definition,
        columns,
    };
    // Everything is looked at before anything is changed: all rows may go, or none.
    let mut after = None;
    loop {
        let batch = clearing.batch(applier.connection(), after.as_ref())?;
        let Some(last) = batch.last().cloned() else {
            break;
        };
        if let Err(why) = clearing.effects(applier.connection(), batch, false)? {
            return Ok(Cleared::Refused(why));
        }
        after = Some(last);
    }
    let (mut deleted, mut set_null) = (0, 0);
    let mut after = None;
    loop {
        let batch = clearing.batch(applier.connection(), after.as_ref())?;
        let Some(last) = batch.last().cloned() else {
            return Ok(Cleared::Done { deleted, set_null });
        };
        let done = applier.patiently(&orphans.table, |connection| {
            clearing.change(connection, journal, next_step, &batch, export)
        })?;
        match done {
            Cleared::Done {
                deleted: more,
                set_null: cleared,
            } => {
                deleted += more;
                set_null += cleared;
            }
            refused => return Ok(refused),
        }
        after = Some(last);
    }
}

/// Whether foreign keys of other databases lead to a table, as far as the account can see them.
fn is_referenced_from_elsewhere(
    connection: &mut Connection,
    table: &str,
) -> Result<bool, ServerError> {
    let sql = include_str!("../../../sql/references-from-elsewhere.sql");
    let sql = sql.replace("'TABLE'", &string(table));
    let answer = connection.ask("foreign keys of other databases", &sql)?;
    Ok(answer.first().and_then(first).is_some_and(|n| n != "0"))
}

struct Clearing<'a> {
    tables: &'a IndexMap<String, Table>,
    orphans: &'a Orphans,
    definition: &'a Table,
    /// The columns to set NULL; none where the rows are deleted.
    columns: Vec<String>,
}

impl Clearing<'_> {
    /// The next rows after `after` that have lost their parent.
    fn batch(
        &self,
        connection: &mut Connection,
        after: Option<&Key>,
    ) -> Result<Vec<Key>, ServerError> {
        let table = &self.orphans.table;
        let columns = primary_key(self.definition);
        let names = tuple(columns.iter().map(|column| qualified(table, column)));
        let orphans = question(&unwrapped(&names), table, &self.orphans.key, ALIAS);
        let from = after.map_or_else(String::new, |key| {
            format!(" AND {names} > {}", tuple(key.iter().cloned()))
        });
        let order = unwrapped(&names);
        let sql = format!("{orphans}{from} ORDER BY {order} LIMIT {BATCH}");
        keys(connection, self.definition, &columns, &sql)
    }

    /// What has to happen to these rows and to all that hang on them, in the order in which it
    /// can: or why it must not. With `lock` nobody can change that until the transaction ends.
    fn effects(
        &self,
        connection: &mut Connection,
        rows: Vec<Key>,
        lock: bool,
    ) -> Result<Result<Vec<Effect>, String>, ServerError> {
        let mut effects = vec![Effect {
            table: self.orphans.table.clone(),
            columns: self.columns.clone(),
            rows,
        }];
        let mut deleted: HashSet<(String, Key)> = HashSet::new();
        if self.columns.is_empty() {
            deleted.extend(effects.iter().flat_map(Effect::own));
        }
        let mut restricted: Vec<(String, String, Vec<Key>)> = Vec::new();
        let mut next = 0;
        while let Some(effect) = effects.get(next).cloned() {
            next += 1;
            if !effect.columns.is_empty() {
                continue;
            }
            for (child, definition) in self.tables {
                for (name, key) in &definition.foreign_keys {
                    let leads_here = key.referenced_database.is_none()
                        && key.referenced_table.eq_ignore_ascii_case(&effect.table);
                    if !leads_here {
                        continue;
                    }
                    let mut rows = self.children(connection, child, key, &effect, lock)?;
                    rows.retain(|row| !deleted.contains(&(child.clone(), row.clone())));
                    if rows.is_empty() {
                        continue;
                    }
                    if definition.primary_key.is_empty() {
                        return Ok(Err(format!(
                            "rows of {child} hang on them, and it has no primary key"
                        )));
                    }
                    let columns = match key.on_delete {
                        ReferentialAction::Cascade => Vec::new(),
                        ReferentialAction::SetNull => key.columns.clone(),
                        _ => {
                            restricted.push((child.clone(), name.clone(), rows));
                            continue;
                        }
                    };
                    let effect = Effect {
                        table: child.clone(),
                        columns,
                        rows,
                    };
                    if effect.columns.is_empty() {
                        deleted.extend(effect.own());
                    }
                    effects.push(effect);
                }
            }
            let all: usize = effects.iter().map(|effect| effect.rows.len()).sum();
            if all > MOST {
                return Ok(Err(format!("more than {MOST} other rows hang on them")));
            }
        }
        for (child, name, rows) in restricted {
            let held = rows
                .iter()
                .filter(|row| !deleted.contains(&(child.clone(), Key::clone(row))))
                .count();
            if held > 0 {
                return Ok(Err(format!(
                    "{held} rows of {child} hang on them by {name}, whose rule is RESTRICT"
                )));
            }
        }
        // Rows of which a column is cleared may go in the end.
        for effect in effects
            .iter_mut()
            .filter(|effect| !effect.columns.is_empty())
        {
            let table = effect.table.clone();
            effect
                .rows
                .retain(|row| !deleted.contains(&(table.clone(), row.clone())));
        }
        effects.retain(|effect| !effect.rows.is_empty());
        // What loses its parent first, and the parents after their children.
        effects.reverse();
        effects.sort_by_key(|effect| effect.columns.is_empty());
        Ok(Ok(effects))
    }

    /// The rows of a table that refer to rows about to be deleted.
    fn children(
        &self,
        connection: &mut Connection,
        child: &str,
        key: &ForeignKey,
        effect: &Effect,
        lock: bool,
    ) -> Result<Vec<Key>, ServerError> {
        let (Some(definition), Some(parent_definition)) =
            (self.tables.get(child), self.tables.get(&effect.table))
        else {
            return Ok(Vec::new());
        };
        let mut columns = primary_key(definition);
        if columns.is_empty() {
            columns.clone_from(&key.columns);
        }
        let own = columns.iter().map(|column| qualified(child, column));
        let own: Vec<String> = own.collect();
        let parents = primary_key(parent_definition);
        let parents = tuple(parents.iter().map(|c| format!("{ALIAS}.{}", identifier(c))));
        let sql = format!(
            "SELECT {} FROM {} JOIN {} AS {ALIAS} ON {} WHERE {}{}",
            own.join(", "),
            identifier(child),
            parent(key),
            anti_join(child, key, ALIAS).joined(),
            is_one_of(&parents, &effect.rows),
            if lock { " FOR UPDATE" } else { "" }
        );
        keys(connection, definition, &columns, &sql)
    }

    /// Changes one batch in one transaction.
    fn change(
        &self,
        connection: &mut Connection,
        journal: &mut Journal,
        next_step: &mut usize,
        batch: &[Key],
        export: &mut Export,
    ) -> Result<Cleared, RepairError> {
        let mut steps = Vec::new();
        let changed = self.change_inside(connection, journal, next_step, batch, export, &mut steps);
        if matches!(changed, Ok(Cleared::Done { .. })) {
            for step in &steps {
                journal.done(step.step)?;
            }
            export.keep();
            return changed;
        }
        // A connection that is gone may have taken the commit with it: the rows will tell.
        let is_lost = matches!(&changed, Err(RepairError::Server(error)) if error.is_lost());
        if !is_lost {
            connection.run("the end of the transaction", "ROLLBACK")?;
            for step in &steps {
                journal.undone(step.step)?;
            }
            export.take_back()?;
        }
        changed
    }

    fn change_inside(
        &self,
        connection: &mut Connection,
        journal: &mut Journal,
        next_step: &mut usize,
        batch: &[Key],
        export: &mut Export,
        steps: &mut Vec<Step>,
    ) -> Result<Cleared, RepairError> {
        connection.run("a transaction", "START TRANSACTION")?;
        let table = &self.orphans.table;
        let columns = primary_key(self.definition);
        let names = tuple(columns.iter().map(|column| qualified(table, column)));
        // Some may have found a parent by now, and from here on none can.
        let sql = format!(
            "{} AND {} FOR UPDATE",
            question(&unwrapped(&names), table, &self.orphans.key, ALIAS),
            is_one_of(&names, batch)
        );
        let rows = keys(connection, self.definition, &columns, &sql)?;
        if rows.is_empty() {
            return Ok(Cleared::Done {
                deleted: 0,
                set_null: 0,
            });
        }
        let effects = match self.effects(connection, rows, true)? {
            Ok(effects) => effects,
            Err(why) => return Ok(Cleared::Refused(why)),
        };
        for effect in &effects {
            self.steps(connection, effect, export, next_step, steps)?;
        }
        for step in steps.iter() {
            journal.doing(step)?;
        }
        let (mut deleted, mut set_null) = (0, 0);
        for step in steps.iter() {
            let changed = connection.run(&step.why, &step.statement)?;
            let expected = step.rows.as_ref().map_or(0, |rows| rows.count);
            if changed != expected {
                return Err(RepairError::Changed {
                    what: format!("rows of {}", step.table),
                    detail: format!("{changed} changed where {expected} should have"),
                });
            }
            match step.statement.starts_with("DELETE") {
                true => deleted += changed,
                false => set_null += changed,
            }
        }
        connection.run("the commit", "COMMIT")?;
        Ok(Cleared::Done { deleted, set_null })
    }

    /// Exports the rows of an effect, and makes its steps.
    fn steps(
        &self,
        connection: &mut Connection,
        effect: &Effect,
        export: &mut Export,
        next_step: &mut usize,
        steps: &mut Vec<Step>,
    ) -> Result<(), RepairError> {
        let Some(definition) = self.tables.get(&effect.table) else {
            return Ok(());
        };
        let stored = Stored::of(definition);
        let key_names = primary_key(definition);
        let condition = is_one_of(
            &tuple(key_names.iter().map(|c| identifier(c))),
            &effect.rows,
        );
        let sql = format!(
            "SELECT {} FROM {} WHERE {condition}",
            stored.selected(),
            identifier(&effect.table)
        );
        let about = format!("rows of {}", effect.table);
        let mut rows: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
        connection.each(&about, &sql, |row| rows.push(row.into_values().collect()))?;
        export.write(
            &self.orphans.constraint,
            &effect.table,
            definition,
            &effect.columns,
            &rows,
        )?;
        let mut chunk: Vec<&[Option<Vec<u8>>]> = Vec::new();
        let mut size = 0;
        for row in &rows {
            let length: usize = row.iter().flatten().map(Vec::len).sum();
            if !chunk.is_empty() && size + length > STATEMENT {
                steps.push(self.step(*next_step, effect, definition, &stored, &chunk));
                *next_step += 1;
                chunk.clear();
                size = 0;
            }
            chunk.push(row);
            size += length;
        }
        if !chunk.is_empty() {
            steps.push(self.step(*next_step, effect, definition, &stored, &chunk));
            *next_step += 1;
        }
        Ok(())
    }

    fn step(
        &self,
        number: usize,
        effect: &Effect,
        definition: &Table,
        stored: &Stored,
        rows: &[&[Option<Vec<u8>>]],
    ) -> Step {
        let table = identifier(&effect.table);
        let key_names = primary_key(definition);
        let keys: Vec<Key> = rows
            .iter()
            .map(|row| stored.literals(row, &key_names))
            .collect();
        let names = tuple(key_names.iter().map(|column| identifier(column)));
        let condition = is_one_of(&names, &keys);
        let (statement, inverse, still, what);
        if effect.columns.is_empty() {
            let values: Vec<String> = rows
                .iter()
                .map(|row| format!("({})", stored.all_literals(row).join(", ")))
                .collect();
            what = "deleted";
            statement = format!("DELETE FROM {table} WHERE {condition}");
            inverse = format!(
                "INSERT INTO {table} ({}) VALUES {}",
                list(stored.columns.iter().map(|(name, _)| *name)),
                values.join(", ")
            );
            still = format!("SELECT COUNT(*) FROM {table} WHERE {condition}");
        } else {
            // Such columns would say that a person had changed the row.
            let kept: String = definition
                .columns
                .iter()
                .filter(|(_, column)| column.on_update_now)
                .map(|(name, _)| format!(", {0} = {0}", identifier(name)))
                .collect();
            let cleared: Vec<String> = effect
                .columns
                .iter()
                .map(|column| format!("{} = NULL", identifier(column)))
                .collect();
            let restored: Vec<String> = effect
                .columns
                .iter()
                .map(|column| {
                    let cases: String = rows
                        .iter()
                        .zip(&keys)
                        .map(|(row, key)| {
                            let key = tuple(key.iter().cloned());
                            let value = stored.literals(row, std::slice::from_ref(column));
                            format!(" WHEN {names} = {key} THEN {}", value.join(""))
                        })
                        .collect();
                    format!("{} = CASE{cases} END", identifier(column))
                })
                .collect();
            let is_null = |not: &str| {
                let columns = effect.columns.iter();
                let columns = columns.map(|column| format!("{} IS {not}NULL", identifier(column)));
                columns.collect::<Vec<_>>().join(" AND ")
            };
            what = "set NULL";
            statement = format!(
                "UPDATE {table} SET {}{kept} WHERE {condition}",
                cleared.join(", ")
            );
            inverse = format!(
                "UPDATE {table} SET {}{kept} WHERE {condition} AND {}",
                restored.join(", "),
                is_null("")
            );
            still = format!(
                "SELECT COUNT(*) FROM {table} WHERE {condition} AND {}",
                is_null("NOT ")
            );
        }
        Step {
            step: number,
            table: effect.table.clone(),
            statement,
            inverse,
            why: format!(
                "{} of {} {what}, for the foreign key {}",
                crate::text::count(rows.len() as u64, "row"),
                effect.table,
                self.orphans.constraint
            ),
            before: None,
            proofs: Vec::new(),
            locks: Vec::new(),
            rows: Some(Rows {
                count: rows.len() as u64,
                still_as_before: still,
            }),
        }
    }
}

/// Primary keys that a question answers with.
fn keys(
    connection: &mut Connection,
    definition: &Table,
    columns: &[String],
    sql: &str,
) -> Result<Vec<Key>, ServerError> {
    let mut keys = Vec::new();
    connection.each("rows to change", sql, |row| {
        let values = columns.iter().zip(row.values());
        keys.push(
            values
                .map(|(name, value)| match find(&definition.columns, name) {
                    Some(column) => literal(column, value.as_deref()),
                    None => "NULL".to_owned(),
                })
                .collect(),
        );
    })?;
    Ok(keys)
}

/// `a`, or `(a, b)`.
fn tuple(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    }
}

fn unwrapped(tuple: &str) -> String {
    let inner = tuple
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    inner.unwrap_or(tuple).to_owned()
}

fn is_one_of(names: &str, keys: &[Key]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| tuple(key.iter().cloned())).collect();
    format!("{names} IN ({})", keys.join(", "))
}

//! What happens to rows that have lost their parents, and to all that hang on them.

use std::collections::HashSet;

use super::{ALIAS, Orphans, Remedy, anti_join, meaning, parent, qualified, question};
use crate::change::error::ChangeError;
use crate::change::values::{Key, is_one_of, literal, tuple};
use crate::gate::{Meaning, Operation};
use crate::schema::model::{ByName, ForeignKey, ReferentialAction, Table, find};
use crate::schema::sql::{identifier, string};
use crate::server::answer::{MOST_ROWS, first};
use crate::server::connection::Reader;
use crate::server::sql;

/// Rows that one transaction begins with; what hangs on them goes with them.
const BATCH: usize = 500;
/// Most rows that may hang on those of one transaction.
const MOST: usize = 100_000;

/// What happens to rows of one table.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) table: String,
    /// The columns to set NULL; none where the rows are deleted.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Key>,
}

impl Effect {
    /// The table, and what happens to its rows.
    pub(super) fn deed(&self) -> (String, Vec<String>) {
        (self.table.clone(), self.columns.clone())
    }

    fn own(&self) -> impl Iterator<Item = (String, Key)> {
        let rows = self.rows.iter();
        rows.map(|row| (self.table.clone(), row.clone()))
    }
}

/// Rows of which it is known that they are gone by the time that others are looked at.
pub(super) type Gone = HashSet<(String, Key)>;

/// Whether foreign keys of other databases lead to a table, as far as the account can see them.
pub(super) fn is_referenced_from_elsewhere(
    connection: &mut Reader,
    table: &str,
) -> Result<bool, ChangeError> {
    let sql = sql!("references-from-elsewhere");
    // Behind the line that says what it asks.
    let sql = sql.split_once('\n').map_or(sql, |(_, sql)| sql);
    let sql = sql.replace("'TABLE'", &string(table));
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let answer = connection.ask("foreign keys of other databases", &sql)?;
    Ok(answer.first().and_then(first).is_some_and(|n| n != "0"))
}

/// The rule of a foreign key, made good over rows that have lost their parents.
pub(super) struct Clearing<'a> {
    /// The tables with the foreign keys that are in force.
    pub(super) tables: &'a ByName<Table>,
    pub(super) orphans: &'a Orphans,
    pub(super) definition: &'a Table,
    /// The columns to set NULL; none where the rows are deleted.
    pub(super) columns: Vec<String>,
}

impl<'a> Clearing<'a> {
    /// Of rows that were found; or why they cannot be cleared.
    pub(super) fn of(tables: &'a ByName<Table>, orphans: &'a Orphans) -> Result<Self, String> {
        let Some(definition) = tables.get(&orphans.table) else {
            return Err(format!("{} is gone", orphans.table));
        };
        let columns = match orphans.by_rule {
            Ok(Remedy::SetNull) => orphans.key.columns.clone(),
            Ok(_) => Vec::new(),
            Err(ref why) => return Err(why.clone()),
        };
        Ok(Self {
            tables,
            orphans,
            definition,
            columns,
        })
    }

    /// Why rows must not be deleted, although all that can be seen of this database allows it.
    pub(super) fn objection(&self, connection: &mut Reader) -> Result<Option<String>, ChangeError> {
        let table = &self.orphans.table;
        let elsewhere = self.columns.is_empty() && is_referenced_from_elsewhere(connection, table)?;
        Ok(elsewhere.then(|| {
            format!("foreign keys of another database lead to {table}; rows there would go unseen")
        }))
    }

    /// The next rows after `after` that have lost their parent.
    pub(super) fn batch(
        &self,
        connection: &mut Reader,
        after: Option<&Key>,
    ) -> Result<Vec<Key>, ChangeError> {
        let names = self.key_names();
        let from = after.map_or_else(String::new, |key| {
            format!(" AND {names} > {}", tuple(key.iter().cloned()))
        });
        let order = unwrapped(&names);
        self.ask(
            connection,
            &format!("{from} ORDER BY {order} LIMIT {BATCH}"),
        )
    }

    /// Those of the rows that still have no parent, and can find none until the transaction ends.
    pub(super) fn locked(
        &self,
        connection: &mut Reader,
        rows: &[Key],
    ) -> Result<Vec<Key>, ChangeError> {
        let among = is_one_of(&self.key_names(), rows);
        self.ask(connection, &format!(" AND {among} FOR UPDATE"))
    }

    fn ask(&self, connection: &mut Reader, more: &str) -> Result<Vec<Key>, ChangeError> {
        let table = &self.orphans.table;
        let columns = self.definition.primary_key_columns();
        let orphans = question(
            &unwrapped(&self.key_names()),
            table,
            &self.orphans.key,
            ALIAS,
        );
        let meaning = meaning(table, &self.orphans.key, ALIAS, &columns);
        let sql = meaning.pass(format!("{orphans}{more}"))?;
        keys(connection, self.definition, &columns, &sql)
    }

    fn key_names(&self) -> String {
        let columns = self.definition.primary_key_columns();
        let table = &self.orphans.table;
        tuple(columns.iter().map(|column| qualified(table, column)))
    }

    /// What has to happen to these rows and to all that hang on them, in the order in which it
    /// can: or why it must not. With `lock` nobody can change that until the transaction ends.
    ///
    /// Rows of `gone` are taken for deleted already.
    pub(super) fn effects(
        &self,
        connection: &mut Reader,
        rows: Vec<Key>,
        lock: bool,
        gone: &Gone,
    ) -> Result<Result<Vec<Effect>, String>, ChangeError> {
        let mut effects = vec![Effect {
            table: self.orphans.table.clone(),
            columns: self.columns.clone(),
            rows,
        }];
        let mut deleted = gone.clone();
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
                for (name, key) in self.keys_of(child, definition) {
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

    /// The foreign keys of a table with the one that rows are cleared for: as soon as it is there, it does the same to rows
    /// that lose their parents by that.
    fn keys_of<'k>(
        &'k self,
        table: &str,
        definition: &'k Table,
    ) -> impl Iterator<Item = (&'k String, &'k ForeignKey)> {
        let Orphans {
            constraint, key, ..
        } = self.orphans;
        let made = (*table == self.orphans.table).then_some((constraint, key));
        let there = definition.foreign_keys.iter();
        there
            .filter(move |(name, _)| made.is_none_or(|(made, _)| *name != made))
            .chain(made)
    }

    /// The rows of a table that refer to rows about to be deleted.
    pub(super) fn children(
        &self,
        connection: &mut Reader,
        child: &str,
        key: &ForeignKey,
        effect: &Effect,
        lock: bool,
    ) -> Result<Vec<Key>, ChangeError> {
        let (Some(definition), Some(parent_definition)) =
            (self.tables.get(child), self.tables.get(&effect.table))
        else {
            return Ok(Vec::new());
        };
        let mut columns = definition.primary_key_columns();
        if columns.is_empty() {
            columns.clone_from(&key.columns);
        }
        let own = columns.iter().map(|column| qualified(child, column));
        let own: Vec<String> = own.collect();
        let parents = parent_definition.primary_key_columns();
        let parents = tuple(parents.iter().map(|c| format!("{ALIAS}.{}", identifier(c))));
        let named = [child, &key.referenced_table, ALIAS.trim_matches('`')];
        let named = named.into_iter().chain(key.referenced_database.as_deref());
        let parent_key = parent_definition.primary_key_columns();
        let named_columns = columns.iter().chain(&parent_key);
        let named_columns = named_columns
            .chain(&key.columns)
            .chain(&key.referenced_columns);
        let named = named.chain(named_columns.map(String::as_str));
        let meaning = Meaning::new(Operation::Select, named);
        let sql = format!(
            "SELECT {} FROM {} JOIN {} AS {ALIAS} ON {} WHERE {}{}",
            own.join(", "),
            identifier(child),
            parent(key),
            anti_join(child, key, ALIAS).joined(),
            is_one_of(&parents, &effect.rows),
            if lock { " FOR UPDATE" } else { "" }
        );
        keys(connection, definition, &columns, &meaning.pass(sql)?)
    }
}

/// Primary keys that a question answers with.
fn keys(
    connection: &mut Reader,
    definition: &Table,
    columns: &[String],
    sql: &str,
) -> Result<Vec<Key>, ChangeError> {
    let mut keys = Vec::new();
    connection.each("rows to change", sql, MOST_ROWS, |row| {
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

fn unwrapped(tuple: &str) -> String {
    let inner = tuple
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    inner.unwrap_or(tuple).to_owned()
}

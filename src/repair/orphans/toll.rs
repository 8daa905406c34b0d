//! What clearing rows is going to change, counted before anybody is asked.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;

use super::effects::{Clearing, Effect, Gone};
use super::{Orphans, Remedy};
use crate::change::error::ChangeError;
use crate::change::values::Key;
use crate::repair::plan::{Plan, PlannedStep};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{ByName, Schema, Table, TriggerEvent};
use crate::schema::references::{self, Access};
use crate::server::connection::Reader;
use crate::text::count;

/// Rows of a parent that are looked at in one question.
const CHUNK: usize = 500;

/// The rows that are changed for one foreign key, by their table and the columns that are set NULL: none
/// where the rows are deleted.
pub type Promise = IndexMap<(String, Vec<String>), HashSet<Key>>;

/// How many rows of one table are changed for one foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The foreign key that is to be added.
    pub constraint: String,
    /// The table whose rows are changed.
    pub table: String,
    /// The columns of them that are set NULL; none where they are deleted.
    pub columns: Vec<String>,
    /// How many.
    pub rows: u64,
}

impl Tally {
    /// What happens to them, for people: `DELETE 2 rows of civicrm_contribution`.
    pub fn describe(&self) -> String {
        let rows = count(self.rows, "row");
        let (table, columns) = (&self.table, self.columns.join(" and "));
        match self.columns.is_empty() {
            true => format!("DELETE {rows} of {table}"),
            false => format!("UPDATE {rows} of {table}, set {columns} NULL"),
        }
    }
}

/// All that clearing is going to change, by the foreign key that it is done for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toll {
    promises: IndexMap<(String, String), Promise>,
}

impl Toll {
    /// Counts what has to be changed so that the steps of a plan can run, in the order in which they
    /// do, as far as `remedies` allow it: what cascades, and what loses its parent only by that.
    /// Nothing is changed.
    ///
    /// # Errors
    /// The connection is lost, or the account may not read the tables.
    pub fn of(
        connection: &mut Reader,
        plan: &Plan,
        tables: &ByName<Table>,
        remedies: &[Remedy],
    ) -> Result<Self, ChangeError> {
        let mut count = Counting {
            tables: tables.clone(),
            gone: Gone::new(),
            cleared: HashSet::new(),
        };
        let mut toll = Self::default();
        if remedies.iter().all(|remedy| *remedy == Remedy::Stop) {
            return Ok(toll);
        }
        for planned in &plan.steps {
            count.step(connection, planned, remedies, &mut toll)?;
        }
        Ok(toll)
    }

    /// What the user is asked for one foreign key.
    pub fn promise(&self, table: &str, constraint: &str) -> Option<&Promise> {
        self.promises
            .get(&(table.to_owned(), constraint.to_owned()))
    }

    /// The numbers, by foreign key and table.
    pub fn tallies(&self) -> Vec<Tally> {
        let promises = self.promises.iter();
        let tallies = promises.flat_map(|((_, constraint), promise)| {
            promise.iter().map(|((table, columns), rows)| Tally {
                constraint: constraint.clone(),
                table: table.clone(),
                columns: columns.clone(),
                rows: rows.len() as u64,
            })
        });
        tallies.collect()
    }

    /// The tables that triggers write to when these rows are changed.
    pub fn written_by_triggers(&self, schema: &Schema) -> BTreeSet<String> {
        let mut tables = BTreeSet::new();
        for tally in self.tallies() {
            let event = match tally.columns.is_empty() {
                true => TriggerEvent::Delete,
                false => TriggerEvent::Update,
            };
            let triggers = schema.triggers.values().filter(|trigger| {
                trigger.event == event && trigger.table.eq_ignore_ascii_case(&tally.table)
            });
            for trigger in triggers {
                let accesses = references::of(&trigger.body, SqlModes::default()).accesses;
                let writes = accesses.into_iter();
                let writes = writes.filter(|(_, access)| *access != Access::Select);
                tables.extend(writes.map(|(name, _)| name.name));
            }
        }
        tables
    }

    /// How many rows are deleted, and in how many columns are set NULL.
    pub fn totals(&self) -> (u64, u64) {
        let tallies = self.tallies();
        let (deleted, set_null): (Vec<&Tally>, _) =
            tallies.iter().partition(|tally| tally.columns.is_empty());
        let sum = |tallies: Vec<&Tally>| tallies.iter().map(|tally| tally.rows).sum();
        (sum(deleted), sum(set_null))
    }
}

/// The database as the steps counted so far would leave it.
struct Counting {
    /// With the foreign keys that these steps add.
    tables: ByName<Table>,
    gone: Gone,
    /// Rows with the columns that are NULL by then.
    cleared: HashSet<(String, String, Key)>,
}

impl Counting {
    fn step(
        &mut self,
        connection: &mut Reader,
        planned: &PlannedStep,
        remedies: &[Remedy],
        toll: &mut Toll,
    ) -> Result<(), ChangeError> {
        let mut runs = true;
        let table = &planned.table;
        for new in &planned.new_keys {
            let Some(definition) = self.tables.get(table).cloned() else {
                continue;
            };
            let (constraint, key) = (&new.constraint, &new.key);
            let found = Orphans::find(connection, table, &definition, constraint, key)?;
            let made = self.made(connection, &found)?;
            if found.rows == 0 && made.is_empty() {
                continue;
            }
            let is_allowed = matches!(&found.by_rule, Ok(remedy) if remedies.contains(remedy));
            let promise = match is_allowed && new.in_force.is_none() {
                true => self.promise(connection, &found, made)?,
                false => None,
            };
            runs &= promise.is_some();
            let name = (table.clone(), constraint.clone());
            toll.promises.extend(promise.map(|promise| (name, promise)));
        }
        if runs {
            self.tables
                .insert(planned.table.clone(), planned.after.clone());
        }
        Ok(())
    }

    /// Rows that lose the parent of a foreign key that is not there yet only because rows counted
    /// before are deleted.
    fn made(&self, connection: &mut Reader, found: &Orphans) -> Result<Vec<Key>, ChangeError> {
        let Ok(clearing) = Clearing::of(&self.tables, found) else {
            return Ok(Vec::new());
        };
        let parent = &found.key.referenced_table;
        let parents = self.gone.iter();
        let parents = parents.filter(|(table, _)| table.eq_ignore_ascii_case(parent));
        let parents: Vec<Key> = parents.map(|(_, row)| row.clone()).collect();
        let mut made = Vec::new();
        for rows in parents.chunks(CHUNK) {
            let effect = Effect {
                table: parent.clone(),
                columns: Vec::new(),
                rows: rows.to_vec(),
            };
            made.extend(clearing.children(connection, &found.table, &found.key, &effect, false)?);
        }
        made.retain(|row| self.is_there(found, row));
        Ok(made)
    }

    /// Whether a row still refers to something by then.
    fn is_there(&self, found: &Orphans, row: &Key) -> bool {
        let mut columns = found.key.columns.iter();
        !self.gone.contains(&(found.table.clone(), row.clone()))
            && !columns.any(|column| {
                let cleared = (found.table.clone(), column.clone(), row.clone());
                self.cleared.contains(&cleared)
            })
    }

    /// The rows to change for one foreign key; `None` where they cannot be.
    fn promise(
        &mut self,
        connection: &mut Reader,
        found: &Orphans,
        new: Vec<Key>,
    ) -> Result<Option<Promise>, ChangeError> {
        let tables = self.tables.clone();
        let Ok(clearing) = Clearing::of(&tables, found) else {
            return Ok(None);
        };
        if clearing.objection(connection)?.is_some() {
            return Ok(None);
        }
        let mut promise = Promise::default();
        let (mut gone, mut cleared) = (self.gone.clone(), self.cleared.clone());
        let mut after = None;
        let mut new = new.chunks(CHUNK);
        loop {
            let batch = clearing.batch(connection, after.as_ref())?;
            let rows = match batch.last().cloned() {
                Some(last) => {
                    after = Some(last);
                    batch
                }
                None => match new.next() {
                    Some(rows) => rows.to_vec(),
                    None => break,
                },
            };
            let rows = rows.into_iter().filter(|row| self.is_there(found, row));
            let rows: Vec<Key> = rows.collect();
            if rows.is_empty() {
                continue;
            }
            let Ok(effects) = clearing.effects(connection, rows, false, &gone)? else {
                return Ok(None);
            };
            for effect in effects {
                let Effect {
                    table,
                    columns,
                    rows,
                } = effect;
                let all = promise.entry((table.clone(), columns.clone())).or_default();
                for row in rows {
                    let mut news = columns.is_empty();
                    if news {
                        gone.insert((table.clone(), row.clone()));
                    }
                    for column in &columns {
                        news |= cleared.insert((table.clone(), column.clone(), row.clone()));
                    }
                    if news {
                        all.insert(row);
                    }
                }
            }
        }
        promise.retain(|_, rows| !rows.is_empty());
        (self.gone, self.cleared) = (gone, cleared);
        Ok(Some(promise))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_counted_by_key_table_and_deed() {
        let rows = |ids: &[&str]| -> HashSet<Key> {
            ids.iter().map(|id| vec![(*id).to_owned()]).collect()
        };
        let deleted = (("contribution".to_owned(), Vec::new()), rows(&["1", "2"]));
        let columns = vec!["contribution_id".to_owned()];
        let cleared = (("line_item".to_owned(), columns), rows(&["7"]));
        let promise: Promise = [deleted, cleared].into_iter().collect();
        let name = ("contribution".to_owned(), "FK_contact".to_owned());
        let toll = Toll {
            promises: [(name, promise)].into_iter().collect(),
        };
        let lines: Vec<String> = toll.tallies().iter().map(Tally::describe).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        DELETE 2 rows of contribution
        UPDATE 1 row of line_item, set contribution_id NULL
        ");
        assert_eq!(toll.totals(), (2, 1));
        assert!(toll.promise("contribution", "FK_contact").is_some());
        assert_eq!(toll.promise("contribution", "other"), None);
    }
}

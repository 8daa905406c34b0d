//! Running a plan on a server, going on with one that was interrupted, and taking it back.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::apply::{Applier, Outcome, definition};
use super::error::RepairError;
use super::journal::{Journal, Progress, Record, Step};
use super::online;
use super::orphans::{self, Cleared, Export, Orphans, Remedy};
use super::plan::{Cost, Plan, PlannedStep, Proof, alter};
use super::undo;
use crate::schema::ddl::{self, Statement};
use crate::schema::lexer::SqlModes;
use crate::schema::model::Table;
use crate::schema::sql::{Duplicates, alter_table, identifier};
use crate::server::connection::{Connection, first};
use crate::snapshot::Snapshot;

/// Definitions of tables as SHOW CREATE TABLE prints them, by name.
pub type Definitions = IndexMap<String, String>;

/// How often a key is tried to which new orphans come while the old ones are cleared.
const ROUNDS: u32 = 3;

/// A step that was not run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    /// Its table.
    pub table: String,
    /// Its statement.
    pub statement: String,
    /// Why not.
    pub why: String,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Steps that ran.
    pub done: usize,
    /// Steps that did not.
    pub not_run: Vec<NotRun>,
    /// Rows deleted because they, or what they hung on, had lost their parents.
    pub deleted: u64,
    /// Rows of which a column was set NULL for the same reason.
    pub set_null: u64,
    /// Files that these rows were written to.
    pub exported: Vec<PathBuf>,
}

/// Puts tables into a snapshot as SHOW CREATE TABLE prints them: the views of
/// information_schema know neither the order of indexes nor their options. Returns the text.
///
/// # Errors
/// The connection is lost.
pub fn read_definitions(
    connection: &mut Connection,
    snapshot: &mut Snapshot,
) -> Result<Definitions, RepairError> {
    let names: Vec<String> = snapshot.schema.tables.keys().cloned().collect();
    let mut definitions = Definitions::new();
    for name in names {
        let Some(text) = definition(connection, &name)? else {
            continue;
        };
        if let Some(table) = parsed(&text) {
            snapshot.schema.tables.insert(name.clone(), table);
        }
        definitions.insert(name, text);
    }
    Ok(definitions)
}

/// A table out of what SHOW CREATE TABLE prints; `None` where that is not SQL.
pub(super) fn parsed(definition: &str) -> Option<Table> {
    let parse = |text: &str| match ddl::parse(text, SqlModes::default()) {
        Ok(Statement::CreateTable(create)) => Some(create.table),
        _ => None,
    };
    parse(definition).or_else(|| parse(&with_constraints_quoted(definition)))
}

/// MariaDB 10.5 prints the names of foreign keys as they are, backquotes and all.
fn with_constraints_quoted(definition: &str) -> String {
    let line = |line: &str| {
        let named = line.strip_prefix("  CONSTRAINT `")?;
        let (name, rest) = named.rsplit_once("` FOREIGN KEY (`")?;
        let name = identifier(name);
        Some(format!("  CONSTRAINT {name} FOREIGN KEY (`{rest}"))
    };
    let lines = definition.lines();
    let lines: Vec<String> = lines
        .map(|text| line(text).unwrap_or_else(|| text.to_owned()))
        .collect();
    lines.join("\n")
}

/// The rows that have lost a parent to which keys of a step lead, with the name of the key that
/// is there already.
///
/// # Errors
/// The connection is lost, or the account may not read the tables.
pub fn orphans_of<'p>(
    connection: &mut Connection,
    planned: &'p PlannedStep,
    tables: &IndexMap<String, Table>,
) -> Result<Vec<(Orphans, Option<&'p str>)>, RepairError> {
    let mut all = Vec::new();
    for proof in &planned.proofs {
        let Proof::NoOrphans {
            table,
            constraint,
            key,
            in_force,
        } = proof
        else {
            continue;
        };
        let Some(definition) = tables.get(table) else {
            continue;
        };
        let found = Orphans::find(connection, table, definition, constraint, key)?;
        if found.rows > 0 {
            all.push((found, in_force.as_deref()));
        }
    }
    Ok(all)
}

/// A planned step as the journal has it; `before` is the table's definition now.
pub fn step(number: usize, planned: &PlannedStep, before: Option<&str>) -> Step {
    let mut actions = planned.actions.clone();
    // A server that cannot do it so is to say so, not to copy the table.
    if planned.cost != Cost::Copy {
        actions.push("ALGORITHM=INPLACE".to_owned());
    }
    let inverse = match before {
        Some(before) => alter::as_printed(&planned.inverse, before),
        None => planned.inverse.clone(),
    };
    let (mut proofs, mut locks) = (Vec::new(), Vec::new());
    let mut in_force_throughout = true;
    // A copy is made with checks on, and the server looks at every row.
    let planned_proofs = planned.proofs.iter().filter(|_| planned.cost != Cost::Copy);
    for (number, proof) in planned_proofs.enumerate() {
        let Proof::NoOrphans {
            table,
            key,
            in_force,
            ..
        } = proof
        else {
            continue;
        };
        in_force_throughout &= in_force.is_some();
        // An alias, because the parent may be the child itself.
        let alias = format!("`cividb_parent_{number}`");
        proofs.push(orphans::count(table, key, &alias));
        if locks.is_empty() {
            locks.push(format!("{} WRITE", identifier(table)));
        }
        let parent = orphans::parent(key);
        let lock = format!("{parent} READ");
        if *table != key.referenced_table && !locks.contains(&lock) {
            locks.push(lock);
        }
        locks.push(format!("{parent} AS {alias} READ"));
    }
    // Nobody can make an orphan of a key that is there until the same statement gives it
    // another name or rule.
    if in_force_throughout {
        locks.clear();
    }
    Step {
        step: number,
        table: planned.table.clone(),
        statement: alter_table(&planned.table, &actions),
        inverse: alter_table(&planned.table, &inverse),
        why: planned.why.join("; "),
        before: before.map(str::to_owned),
        proofs,
        locks,
        rows: None,
    }
}

/// A plan being run.
pub struct Run<'a, 'b> {
    /// The session.
    pub applier: Applier<'a>,
    /// The journal.
    pub journal: &'b mut Journal,
    /// Definitions of the tables that the plan was made for.
    pub definitions: Definitions,
    /// The same as the model has them.
    pub tables: IndexMap<String, Table>,
    /// Bytes by table.
    pub table_bytes: &'b IndexMap<String, u64>,
    /// Largest table that is written anew.
    pub max_copy: u64,
    /// The number of the next step.
    pub next_step: usize,
    /// What may be done about rows that have lost their parents.
    pub remedies: &'b [Remedy],
    /// Where they are exported to first.
    pub export: Option<Export>,
}

impl Run<'_, '_> {
    /// Runs a plan, step after step. A table of which a step was not run is left alone from
    /// then on, because the steps after it build on it.
    ///
    /// # Errors
    /// As [`Applier::run`].
    pub fn run(&mut self, plan: &Plan) -> Result<Ran, RepairError> {
        let mut ran = Ran::default();
        let total = plan.steps.len();
        for (place, planned) in plan.steps.iter().enumerate() {
            let skip = |ran: &mut Ran, why: String| {
                ran.not_run.push(NotRun {
                    table: planned.table.clone(),
                    statement: planned.statement(),
                    why,
                });
            };
            if let Some(why) = self.objection(planned)? {
                skip(&mut ran, why);
                continue;
            }
            match self.step(planned, (place + 1, total), &mut ran)? {
                Err(why) => skip(&mut ran, why),
                Ok(()) => {
                    ran.done += 1;
                    let table = planned.table.clone();
                    if let Some(now) = self.applier.definition(&table)? {
                        let read = parsed(&now).unwrap_or_else(|| planned.after.clone());
                        self.tables.insert(table.clone(), read);
                        self.definitions.insert(table, now);
                    }
                }
            }
        }
        let exported = self.export.iter().flat_map(Export::paths);
        ran.exported = exported.map(Path::to_owned).collect();
        Ok(ran)
    }

    /// Runs one step, or says why it was not run.
    fn step(
        &mut self,
        planned: &PlannedStep,
        place: (usize, usize),
        ran: &mut Ran,
    ) -> Result<Result<(), String>, RepairError> {
        for _ in 0..ROUNDS {
            let before = self.definitions.get(&planned.table).map(String::as_str);
            let step = step(self.next_step, planned, before);
            self.next_step += 1;
            match self.applier.run(&step, self.journal, place)? {
                Outcome::Done => return Ok(Ok(())),
                Outcome::Refused(why) => return Ok(Err(why)),
                Outcome::Orphans(_) => {
                    if let Err(why) = self.clear(planned, ran)? {
                        return Ok(Err(why));
                    }
                }
            }
        }
        Ok(Err(
            "rows lose their parents faster than they can be cleared".to_owned(),
        ))
    }

    /// Clears what has lost its parents, as far as that is allowed; else says why not.
    fn clear(
        &mut self,
        planned: &PlannedStep,
        ran: &mut Ran,
    ) -> Result<Result<(), String>, RepairError> {
        let tables = &self.tables;
        for (found, in_force) in orphans_of(self.applier.connection(), planned, tables)? {
            if let Some(name) = in_force {
                return Ok(Err(format!(
                    "{} (the foreign key {name} is there, but was made, or they were written, with \
                     foreign_key_checks off: drop it, and repair foreign-keys brings it back)",
                    found.describe()
                )));
            }
            let is_allowed = matches!(&found.by_rule, Ok(remedy) if self.remedies.contains(remedy));
            let Some(export) = self.export.as_mut().filter(|_| is_allowed) else {
                return Ok(Err(found.describe()));
            };
            self.applier.tell(&format!(
                "{} of {} without a parent for {}: exporting and clearing",
                crate::text::count(found.rows, "row"),
                found.table,
                found.constraint
            ));
            let next = &mut self.next_step;
            let cleared = orphans::clear(
                &mut self.applier,
                self.journal,
                next,
                tables,
                &found,
                export,
            )?;
            match cleared {
                Cleared::Done { deleted, set_null } => {
                    ran.deleted += deleted;
                    ran.set_null += set_null;
                }
                Cleared::Refused(why) => {
                    return Ok(Err(format!("{}; but {why}", found.describe())));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Why a step must not run.
    fn objection(&mut self, planned: &PlannedStep) -> Result<Option<String>, RepairError> {
        let table = &planned.table;
        let bytes = self.table_bytes.get(table).copied().unwrap_or(0);
        if planned.cost == Cost::Copy && bytes > self.max_copy {
            return Ok(Some(format!(
                "{table} has {} MiB and would be written anew while its writers wait; --max-copy-size \
                 allows more; {}",
                bytes >> 20,
                online::advice(planned, &self.tables, self.applier.database())
            )));
        }
        // The steps before it may have been refused.
        let now = self.definitions.get(table).and_then(|text| parsed(text));
        if now.is_some_and(|now| {
            now.foreign_keys != planned.before.foreign_keys
                || now.indexes != planned.before.indexes
                || now.engine != planned.before.engine
        }) {
            return Ok(Some("a step before it was not run".to_owned()));
        }
        for proof in &planned.proofs {
            if let Proof::NoDuplicates {
                table,
                index,
                parts,
            } = proof
            {
                let duplicates = Duplicates {
                    table,
                    parts,
                    nulls_equal: false,
                };
                let count = self.applier.count(&duplicates.count())?;
                if count != "0" {
                    return Ok(Some(format!(
                        "{count} values stand more than once in the columns of the unique index {index}"
                    )));
                }
            }
        }
        Ok(None)
    }
}

/// Finds out how a run ended that was interrupted: steps of which the journal does not say
/// that they were done were, if their table or rows are no longer as they were.
///
/// # Errors
/// As [`Applier::settle`].
pub fn settle(
    applier: &mut Applier,
    record: &Record,
    journal: &mut Journal,
) -> Result<(), RepairError> {
    let open = record
        .steps
        .iter()
        .filter(|(_, progress)| *progress == Progress::Doing);
    open.rev()
        .try_for_each(|(step, _)| applier.settle(step, journal))
}

/// Takes a run back, last step first, until every table is as it was, byte for byte but for
/// AUTO_INCREMENT counters. Returns how many steps were taken back.
///
/// # Errors
/// As [`Applier::run`]; what was taken back so far stays so, and is noted.
pub fn take_back(
    applier: &mut Applier,
    record: &Record,
    journal: &mut Journal,
) -> Result<usize, RepairError> {
    let mut undone = 0;
    for (step, _) in undo::steps(record) {
        match &step.rows {
            Some(rows) => applier.take_back_rows(step, rows, journal)?,
            None => applier.take_back(step, journal)?,
        }
        undone += 1;
    }
    Ok(undone)
}

/// The ALTER TABLE that brings a table from one printed definition to another; `None` where
/// the model sees no difference.
pub(super) fn way_back(table: &str, now: &str, before: &str) -> Option<String> {
    let actions = alter::actions(&parsed(now)?, &parsed(before)?, true);
    let actions = alter::as_printed(&actions, before);
    (!actions.is_empty()).then(|| alter_table(table, &actions))
}

/// The first value of an answer.
pub(super) fn answer_of(answer: &[crate::snapshot::Row]) -> String {
    answer.first().and_then(first).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mariadb_10_5_prints_unquoted_are_read() {
        let printed = "CREATE TABLE `c` (\n  `id` int,\n  `p` int,\n  KEY `p` (`p`),\n  \
                       CONSTRAINT `-- `37`; DROP TABLE x` FOREIGN KEY (`p`) REFERENCES `p` (`id`)\n) ENGINE=InnoDB";
        let table = parsed(printed).expect("a table");
        let names: Vec<&String> = table.foreign_keys.keys().collect();
        assert_eq!(names, ["-- `37`; DROP TABLE x"]);
    }
}

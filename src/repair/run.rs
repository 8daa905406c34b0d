//! Running a plan on a server, going on with one that was interrupted, and taking it back.

use indexmap::IndexMap;

use super::apply::{Applier, Outcome, definition};
use super::error::RepairError;
use super::journal::{Journal, Progress, Record, Step};
use super::plan::{Cost, Plan, PlannedStep, Proof, alter};
use super::undo;
use crate::schema::ddl::{self, Statement};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{ForeignKey, KeyPart, Table};
use crate::schema::sql::{alter_table, identifier};
use crate::server::connection::{Connection, first};
use crate::snapshot::Snapshot;

/// Definitions of tables as SHOW CREATE TABLE prints them, by name.
pub type Definitions = IndexMap<String, String>;

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

fn parsed(definition: &str) -> Option<Table> {
    match ddl::parse(definition, SqlModes::default()) {
        Ok(Statement::CreateTable(create)) => Some(create.table),
        _ => None,
    }
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
    let (mut proofs, mut parents) = (Vec::new(), Vec::new());
    // A copy is made with checks on, and the server looks at every row.
    let planned_proofs = planned.proofs.iter().filter(|_| planned.cost != Cost::Copy);
    for (number, proof) in planned_proofs.enumerate() {
        if let Proof::NoOrphans { table, key, .. } = proof {
            // An alias, because the parent may be the child itself.
            let alias = format!("`cividb_parent_{number}`");
            proofs.push(orphans(table, key, &alias));
            let parent = parent(key);
            if *table != key.referenced_table && !parents.contains(&parent) {
                parents.push(parent.clone());
            }
            parents.push(format!("{parent} AS {alias}"));
        }
    }
    Step {
        step: number,
        table: planned.table.clone(),
        statement: alter_table(&planned.table, &actions),
        inverse: alter_table(&planned.table, &inverse),
        why: planned.why.join("; "),
        before: before.map(str::to_owned),
        proofs,
        parents,
    }
}

fn parent(key: &ForeignKey) -> String {
    match &key.referenced_database {
        Some(database) => format!(
            "{}.{}",
            identifier(database),
            identifier(&key.referenced_table)
        ),
        None => identifier(&key.referenced_table),
    }
}

/// The question how many rows have lost their parent, which goes by `alias`. A NULL in any
/// column means that there is none.
fn orphans(table: &str, key: &ForeignKey, alias: &str) -> String {
    let child = identifier(table);
    let pairs = key.columns.iter().zip(&key.referenced_columns);
    let joined: Vec<String> = pairs
        .map(|(column, parent)| {
            format!(
                "{alias}.{} = {child}.{}",
                identifier(parent),
                identifier(column)
            )
        })
        .collect();
    let there: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("{child}.{} IS NOT NULL", identifier(column)))
        .collect();
    let first = key.referenced_columns.first().map_or("", String::as_str);
    format!(
        "SELECT COUNT(*) FROM {child} LEFT JOIN {} AS {alias} ON {} WHERE {} AND {alias}.{} IS NULL",
        parent(key),
        joined.join(" AND "),
        there.join(" AND "),
        identifier(first)
    )
}

/// The question how many values stand more than once where a unique index is to come.
fn duplicates(table: &str, parts: &[KeyPart]) -> String {
    let part = |part: &KeyPart| {
        let column = identifier(&part.column);
        match part.length {
            Some(length) => format!("LEFT({column}, {length})"),
            None => column,
        }
    };
    let columns: Vec<String> = parts.iter().map(part).collect();
    let there: Vec<String> = columns.iter().map(|c| format!("{c} IS NOT NULL")).collect();
    format!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM {} WHERE {} GROUP BY {} HAVING COUNT(*) > 1) AS d",
        identifier(table),
        there.join(" AND "),
        columns.join(", ")
    )
}

/// A plan being run.
pub struct Run<'a, 'b> {
    /// The session.
    pub applier: Applier<'a>,
    /// The journal.
    pub journal: &'b mut Journal,
    /// Definitions of the tables that the plan was made for.
    pub definitions: Definitions,
    /// Bytes by table.
    pub table_bytes: &'b IndexMap<String, u64>,
    /// Largest table that is written anew.
    pub max_copy: u64,
    /// The number of the first step.
    pub first_step: usize,
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
            let mut skip = |why: String| {
                ran.not_run.push(NotRun {
                    table: planned.table.clone(),
                    statement: planned.statement(),
                    why,
                });
            };
            if let Some(why) = self.objection(planned)? {
                skip(why);
                continue;
            }
            let before = self.definitions.get(&planned.table).map(String::as_str);
            let step = step(self.first_step + place, planned, before);
            let outcome = self.applier.run(&step, self.journal, place + 1, total)?;
            match outcome {
                Outcome::Refused(why) => skip(why),
                Outcome::Done => {
                    ran.done += 1;
                    if let Some(now) = self.applier.definition(&planned.table)? {
                        self.definitions.insert(planned.table.clone(), now);
                    }
                }
            }
        }
        Ok(ran)
    }

    /// Why a step must not run.
    fn objection(&mut self, planned: &PlannedStep) -> Result<Option<String>, RepairError> {
        let table = &planned.table;
        let bytes = self.table_bytes.get(table).copied().unwrap_or(0);
        if planned.cost == Cost::Copy && bytes > self.max_copy {
            return Ok(Some(format!(
                "{table} has {} MiB and would be written anew while its writers wait; --max-copy-size \
                 allows more, and without foreign keys pt-online-schema-change or gh-ost does it beside \
                 the running site",
                bytes >> 20
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
                let count = self.applier.count(&duplicates(table, parts))?;
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
/// that they were done were, if their table is no longer as it was.
///
/// # Errors
/// The connection is lost, or the journal cannot be written.
pub fn settle(
    connection: &mut Connection,
    record: &Record,
    journal: &mut Journal,
) -> Result<(), RepairError> {
    for (step, progress) in &record.steps {
        if *progress == Progress::Doing {
            let now = definition(connection, &step.table)?;
            if now == step.before {
                journal.undone(step.step)?;
            } else {
                journal.done(step.step)?;
            }
        }
    }
    Ok(())
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
        applier.take_back(step, journal)?;
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

//! Running a plan on a server, going on with one that was interrupted, and taking it back.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::online;
use super::orphans::{self, Export, Orphans, Promise, Remedy, Toll};
use super::plan::{Cost, NewKey, Plan, PlannedStep};
use crate::change::alter;
use crate::change::definition::{Definitions, parsed};
use crate::change::error::ChangeError;
use crate::change::executor::{Executor, Outcome};
use crate::change::journal::{Journal, Progress, Record, Step};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{ByName, Table};
use crate::schema::sql::{Duplicates, alter_table, identifier};
use crate::server::connection::Reader;

/// How often a key is tried to which new orphans come while the old ones are cleared.
const ROUNDS: u32 = 3;

/// A statement that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(rename = "NotRunStep"))]
pub struct NotRun {
    /// Its table.
    pub table: String,
    /// What would have run.
    pub statement: String,
    /// Why it did not.
    pub why: String,
    /// The reason as one word for programs.
    pub id: &'static str,
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

/// The rows that have lost a parent to which keys of a step lead, with the name of the key that
/// is there already.
///
/// # Errors
/// The connection is lost, or the account may not read the tables.
pub fn orphans_of<'p>(
    connection: &mut Reader,
    planned: &'p PlannedStep,
    tables: &ByName<Table>,
) -> Result<Vec<(Orphans, Option<&'p str>)>, ChangeError> {
    let mut all = Vec::new();
    let table = &planned.table;
    let Some(definition) = tables.get(table) else {
        return Ok(all);
    };
    for new in &planned.new_keys {
        let found = Orphans::find(connection, table, definition, &new.constraint, &new.key)?;
        if found.rows > 0 {
            all.push((found, new.in_force.as_deref()));
        }
    }
    Ok(all)
}

/// A planned step as the journal has it; `before` is the table's definition now.
///
/// # Errors
/// A statement does not pass the gate.
pub fn step(number: usize, planned: &PlannedStep, before: Option<&str>) -> Result<Step, Blocked> {
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
    let table = &planned.table;
    // A copy is made with checks on, and the server looks at every row.
    let new_keys = planned.new_keys.iter();
    let new_keys = new_keys.filter(|_| planned.cost != Cost::Copy);
    for (number, NewKey { key, in_force, .. }) in new_keys.enumerate() {
        in_force_throughout &= in_force.is_some();
        // An alias, because the parent may be the child itself.
        let alias = format!("`cividb_parent_{number}`");
        proofs.push(orphans::count(table, key, &alias)?);
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
    if !locks.is_empty() {
        lock_meaning(planned).pass(format!("LOCK TABLES {}", locks.join(", ")))?;
    }
    Ok(Step {
        step: number,
        table: planned.table.clone(),
        statement: planned
            .meaning
            .pass(alter_table(&planned.table, &actions))?,
        inverse: planned
            .inverse_meaning
            .pass(alter_table(&planned.table, &inverse))?,
        why: planned.why.join("; "),
        before: before.map(str::to_owned),
        proofs,
        locks,
        ..Step::default()
    })
}

/// The lock under which the proofs of a step are made.
fn lock_meaning(planned: &PlannedStep) -> Meaning {
    let mut names = vec![planned.table.clone()];
    for (number, NewKey { key, .. }) in planned.new_keys.iter().enumerate() {
        names.push(key.referenced_table.clone());
        names.extend(key.referenced_database.clone());
        names.push(format!("cividb_parent_{number}"));
    }
    Meaning::new(Operation::LockTables, names)
}

/// Why a step is not run: as one word for programs, and for people.
type Reason = (&'static str, String);

/// Rows that have lost their parents.
const ORPHANS: &str = "orphans";

/// A plan being run.
pub struct Run<'a, 'b> {
    /// The session.
    pub executor: Executor<'a>,
    /// The journal.
    pub journal: &'b mut Journal,
    /// Definitions of the tables that the plan was made for.
    pub definitions: Definitions,
    /// The same as the model has them.
    pub tables: ByName<Table>,
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
    /// Just the rows that the user was asked for.
    pub toll: &'b Toll,
}

impl Run<'_, '_> {
    /// Runs a plan, step after step. A step that builds on what one before it
    /// should have changed is not run either.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn run(&mut self, plan: &Plan) -> Result<Ran, ChangeError> {
        let mut ran = Ran::default();
        let total = plan.steps.len();
        for (place, planned) in plan.steps.iter().enumerate() {
            let skip = |ran: &mut Ran, (id, why): Reason| {
                ran.not_run.push(NotRun {
                    table: planned.table.clone(),
                    statement: planned.statement(),
                    why,
                    id,
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
                    if let Some(now) = self.executor.definition(&table)? {
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
    ) -> Result<Result<(), Reason>, ChangeError> {
        for _ in 0..ROUNDS {
            let before = self.definitions.get(&planned.table).map(String::as_str);
            let step = step(self.next_step, planned, before)?;
            self.next_step += 1;
            match self.executor.run(&step, self.journal, place)? {
                Outcome::Done => return Ok(Ok(())),
                Outcome::Refused(why) => return Ok(Err(("server", why))),
                Outcome::Orphans(_) => {
                    if let Err(why) = self.clear(planned, ran)? {
                        return Ok(Err(why));
                    }
                }
            }
        }
        let why = "rows lose their parents faster than they can be cleared";
        Ok(Err((ORPHANS, why.to_owned())))
    }

    /// Clears what has lost its parents, as far as that is allowed; else says why not.
    fn clear(
        &mut self,
        planned: &PlannedStep,
        ran: &mut Ran,
    ) -> Result<Result<(), Reason>, ChangeError> {
        let tables = &self.tables;
        for (found, in_force) in orphans_of(self.executor.connection(), planned, tables)? {
            if let Some(name) = in_force {
                let why = format!(
                    "{} (the foreign key {name} is there, but was made, or they were written, with \
                     foreign_key_checks off: drop it, and repair foreign-keys brings it back)",
                    found.describe()
                );
                return Ok(Err((ORPHANS, why)));
            }
            let is_allowed = matches!(&found.by_rule, Ok(remedy) if self.remedies.contains(remedy));
            let Some(export) = self.export.as_mut().filter(|_| is_allowed) else {
                return Ok(Err((ORPHANS, found.describe())));
            };
            let nothing = Promise::default();
            let promise = self.toll.promise(&found.table, &found.constraint);
            self.executor.tell(&format!(
                "{} of {} without a parent for {}: exporting and clearing",
                crate::text::count(found.rows, "row"),
                found.table,
                found.constraint
            ));
            let next = &mut self.next_step;
            let cleared = orphans::clear(
                &mut self.executor,
                self.journal,
                next,
                tables,
                &found,
                export,
                promise.unwrap_or(&nothing),
            )?;
            match cleared {
                Ok((deleted, set_null)) => {
                    ran.deleted += deleted;
                    ran.set_null += set_null;
                }
                Err(why) => {
                    let why = format!("{}; but {why}", found.describe());
                    return Ok(Err((ORPHANS, why)));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Why a step must not run.
    fn objection(&mut self, planned: &PlannedStep) -> Result<Option<Reason>, ChangeError> {
        let table = &planned.table;
        let bytes = self.table_bytes.get(table).copied().unwrap_or(0);
        if planned.cost == Cost::Copy && bytes > self.max_copy {
            let why = format!(
                "{table} has {} MiB and would be written anew while its writers wait; --max-copy-size \
                 allows more; {}",
                bytes >> 20,
                online::advice(planned, &self.tables, self.executor.database())
            );
            return Ok(Some(("too-big", why)));
        }
        // The steps before it may have been refused.
        let now = self.definitions.get(table).and_then(|text| parsed(text));
        if let Some(now) = now
            && let Some(object) = planned.builds_on(&now)
        {
            let why = format!(
                "it builds on {object}, which is not as the steps before it should have left it"
            );
            return Ok(Some(("step-before", why)));
        }
        for (index, parts) in &planned.new_unique {
            let duplicates = Duplicates {
                table,
                parts,
                left_out: &[],
            };
            let names = parts.iter().map(|part| part.column.as_str());
            let meaning = Meaning::new(Operation::Select, names.chain([table.as_str()]));
            let count = self.executor.count(&meaning.pass(duplicates.count())?)?;
            if count != "0" {
                let why = match count.as_str() {
                    "1" => format!(
                        "1 value stands more than once in the columns of the unique index {index}"
                    ),
                    _ => format!(
                        "{count} values stand more than once in the columns of the unique index {index}"
                    ),
                };
                return Ok(Some(("duplicates", why)));
            }
        }
        Ok(None)
    }
}

/// Finds out how a run ended that was interrupted: steps of which the journal does not say
/// that they were done were, if their table or rows are no longer as they were.
///
/// # Errors
/// As [`Executor::settle`].
pub fn settle(
    executor: &mut Executor,
    record: &Record,
    journal: &mut Journal,
) -> Result<(), ChangeError> {
    let open = record
        .steps
        .iter()
        .filter(|(_, progress)| *progress == Progress::Doing);
    open.rev()
        .try_for_each(|(step, _)| executor.settle(step, journal))
}

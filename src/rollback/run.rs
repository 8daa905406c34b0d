//! The exchange, once the backup is proved: from the beginning, or from where it was cut off.

use crate::change::error::ChangeError;
use crate::change::exchange::{self, KeyChange, Program, ProgramKind, Record, Reference};
use crate::change::executor::{Executor, Outcome};
use crate::change::journal::{self, Journal, Kind, Progress, Step};
use crate::change::refusal::Refusal;
use crate::extract::with_definer;
use crate::gate::{Meaning, Operation};
use crate::schema::sql::identifier;

use super::plan::Plan;

/// What an exchange has left undone: foreign keys that could not be made again, as sentences.
pub type Left = Vec<String>;

/// Notes that what stands beside the site is proved, and what goes and comes; from here on the exchange may begin.
///
/// # Errors
/// The site has changed since it was planned, something cannot be read, or the connection is lost.
pub fn record(executor: &mut Executor, plan: &Plan) -> Result<Record, ChangeError> {
    is_as_planned(executor, plan)?;
    let exchange = &plan.exchange;
    move_triggers(executor, plan)?;
    let coming = exchange::names(executor.connection(), &exchange.beside)?;
    let comes = exchange::read_programs(executor.connection(), &exchange.beside, &coming)?;
    let going = &plan.programs_go;
    let goes = exchange::read_programs(executor.connection(), &exchange.database, going)?;
    let comes = comes
        .into_iter()
        .map(|program| match plan.definers.get(&program.name) {
            Some(account) => Program {
                statement: with_definer(&program.statement, account),
                ..program
            },
            None => program,
        });
    let comes = new_ones(executor, comes.collect(), &goes)?;
    exchange::prove(executor, exchange, &goes, &comes)?;
    let record = Record::read(executor.connection(), &exchange.aside)?;
    record.ok_or_else(|| Refusal::NothingSetAside(exchange.aside.clone()).into())
}

/// Makes the triggers of others on the tables that come, so that they come with them.
fn move_triggers(executor: &mut Executor, plan: &Plan) -> Result<(), ChangeError> {
    let exchange = &plan.exchange;
    let moved = &plan.triggers_moved;
    let moved = exchange::read_programs(executor.connection(), &exchange.database, moved)?;
    executor.connection().use_database(&exchange.beside)?;
    for trigger in &moved {
        match exchange::make_programs(executor, std::slice::from_ref(trigger), &[]) {
            Err(ChangeError::Server(error)) if !error.is_lost() => {
                let why = format!(
                    "{} of the site cannot be made on the table of the backup ({error}); drop it before, where it may be lost",
                    trigger.name.describe()
                );
                return Err(Refusal::NotProved(why).into());
            }
            made => made?,
        }
    }
    Ok(())
}

/// Makes sure that the site still has the tables that it had when this was planned.
///
/// # Errors
/// One has come or gone, or the connection is lost.
pub fn is_as_planned(executor: &mut Executor, plan: &Plan) -> Result<(), ChangeError> {
    let exchange = &plan.exchange;
    let now = exchange::tables(executor.connection(), &exchange.database)?;
    let stays = plan.stays.iter().map(|table| &table.name);
    let known = exchange.goes.iter().chain(stays);
    let known: std::collections::BTreeSet<String> = known.cloned().collect();
    if let Some(table) = now.symmetric_difference(&known).next() {
        let why = "it has come or gone since this was planned".to_owned();
        return Err(ChangeError::Changed(format!("table {table}"), why));
    }
    Ok(())
}

/// What comes, without routines that the CMS has as well and that stay.
fn new_ones(
    executor: &mut Executor,
    comes: Vec<Program>,
    goes: &[Program],
) -> Result<Vec<Program>, ChangeError> {
    let mut new = Vec::new();
    for program in comes {
        let is_routine = matches!(
            program.name.kind,
            ProgramKind::Function | ProgramKind::Procedure
        );
        let stays = is_routine && !goes.iter().any(|it| it.name == program.name);
        let there = match stays {
            true => exchange::show_program(executor.connection(), &program.name)?,
            false => None,
        };
        match there {
            None => new.push(program),
            Some(there) if there == program => {}
            Some(_) => return Err(Refusal::NameTaken(program.name.describe()).into()),
        }
    }
    Ok(new)
}

/// Lets the tables of a record change places, with the foreign keys that lead to them. `earlier` are the steps of the
/// journal from before it was cut off.
///
/// # Errors
/// The errors of [`exchange::forward`]; the journal tells how to go on.
pub fn run(
    executor: &mut Executor,
    journal: &mut Journal,
    record: &Record,
    earlier: &[(Step, Progress)],
) -> Result<Left, ChangeError> {
    let exchange = &record.exchange;
    executor.connection().use_database(&exchange.database)?;
    let mut steps = Steps {
        earlier,
        next: earlier.iter().map(|(step, _)| step.step).max().unwrap_or(0) + 1,
    };
    let mut left = Left::new();
    for reference in &exchange.references {
        let Some(KeyChange { drop, add }) = &reference.goes else {
            continue;
        };
        if steps.done(drop).is_some() {
            continue;
        }
        let why = format!(
            "foreign key {} of {} to {} leads across",
            reference.key, reference.table, reference.parent
        );
        let step = Step {
            before: executor.definition(&reference.table)?,
            ..steps.step(&reference.table, drop, add, why)
        };
        if let Outcome::Refused(why) | Outcome::Orphans(why) =
            executor.run(&step, journal, (1, 1))?
        {
            return Err(Refusal::Server(why).into());
        }
    }
    let step = exchange_step(&mut steps, record)?;
    if steps.done(&step.statement).is_none() {
        journal.doing(&step)?;
        exchange::forward(executor, record)?;
        journal.done(step.step, None)?;
    }
    for reference in &exchange.references {
        let Some(change) = &reference.comes else {
            continue;
        };
        if steps.done(&change.add).is_none() {
            left.extend(make_key(executor, journal, &mut steps, reference, change)?);
        }
    }
    Ok(left)
}

fn exchange_step(steps: &mut Steps, record: &Record) -> Result<Step, ChangeError> {
    let exchange = &record.exchange;
    let why = format!(
        "the tables of {} change places with those of the backup",
        exchange.database
    );
    let (there, back) = (exchange.way_there()?, exchange.way_back()?);
    let earlier = steps.earlier.iter();
    let mut earlier = earlier.filter(|(step, _)| matches!(step.kind(), Kind::Exchange(_)));
    let number = earlier.next().map(|(step, _)| step.step);
    let mut step = steps.step("", &there, &back, why);
    step.step = number.unwrap_or(step.step);
    step.exchange = Some(exchange.clone());
    Ok(step)
}

/// Makes a foreign key again between a table that came and one that stayed; a sentence where it cannot be.
fn make_key(
    executor: &mut Executor,
    journal: &mut Journal,
    steps: &mut Steps,
    Reference {
        table, key, parent, ..
    }: &Reference,
    KeyChange { drop, add }: &KeyChange,
) -> Result<Option<String>, ChangeError> {
    let why = format!("foreign key {key} of {table} to {parent} leads across");
    let alias = journal::PARENT;
    let locks = vec![
        format!("{} WRITE", identifier(table)),
        format!("{} READ", identifier(parent)),
        format!("{} AS {} READ", identifier(parent), identifier(alias)),
    ];
    let lock = format!("LOCK TABLES {}", locks.join(", "));
    Meaning::new(Operation::LockTables, [table, parent, alias]).pass(lock)?;
    let step = Step {
        before: executor.definition(table)?,
        proofs: journal::proofs(table, add)?,
        locks,
        ..steps.step(table, add, drop, why)
    };
    let why = match executor.run(&step, journal, (1, 1)) {
        Ok(Outcome::Done) => return Ok(None),
        Ok(Outcome::Orphans(rows)) => {
            format!("{rows} of its rows have no parent in {parent}; clear them")
        }
        Ok(Outcome::Refused(why)) => why,
        Err(ChangeError::Server(error)) if !error.is_lost() => error.to_string(),
        Err(error) => return Err(error),
    };
    Ok(Some(format!(
        "foreign key {key} of {table} was not made again: {why}; then run: {};",
        on_one_line(table, add)
    )))
}

/// An ALTER TABLE with one action on one line, to be printed as part of a sentence.
fn on_one_line(table: &str, alter: &str) -> String {
    let head = format!("ALTER TABLE {}", identifier(table));
    match alter.strip_prefix(&head) {
        Some(action) => format!("{head} {}", action.trim_start()),
        None => alter.to_owned(),
    }
}

/// Goes on with an exchange that was cut off.
///
/// # Errors
/// It had not begun, or the errors of [`run`].
pub fn resume(
    executor: &mut Executor,
    journal: &mut Journal,
    record: &Record,
    earlier: &[(Step, Progress)],
) -> Result<Left, ChangeError> {
    if !record.is_proved {
        return Err(Refusal::NotRestored(record.exchange.database.clone()).into());
    }
    executor
        .connection()
        .use_database(&record.exchange.database)?;
    let mut settled = Vec::new();
    for (step, progress) in earlier {
        let is_open = *progress == Progress::Doing;
        if is_open && !matches!(step.kind(), Kind::Exchange(_)) {
            let was_run = executor.definition(&step.table)? != step.before;
            executor.settle(step, journal)?;
            let progress = if was_run {
                Progress::Done
            } else {
                Progress::Undone
            };
            settled.push((step.clone(), progress));
        } else {
            settled.push((step.clone(), *progress));
        }
    }
    run(executor, journal, record, &settled)
}

/// The steps of an exchange, and those that an earlier run has done.
struct Steps<'a> {
    earlier: &'a [(Step, Progress)],
    next: usize,
}

impl Steps<'_> {
    /// The step with this statement, where it was done.
    fn done(&self, statement: &str) -> Option<&Step> {
        let mut earlier = self.earlier.iter();
        let found = earlier
            .find(|(step, progress)| step.statement == statement && *progress == Progress::Done);
        found.map(|(step, _)| step)
    }

    fn step(&mut self, table: &str, statement: &str, inverse: &str, why: String) -> Step {
        let number = self.next;
        self.next += 1;
        Step {
            step: number,
            table: table.to_owned(),
            statement: statement.to_owned(),
            inverse: inverse.to_owned(),
            why,
            ..Step::default()
        }
    }
}

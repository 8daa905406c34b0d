//! The exchange itself, from wherever it stands: forward and back.

use super::model::{Exchange, rename};
use super::programs::{self, Program, ProgramKind, ProgramName};
use super::record::{self, Record};
use super::standing::{Fate, Stranger, past};
use super::state::tables;
use crate::change::error::ChangeError;
use crate::change::executor::{Executor, run};

/// One of the two sides of an exchange.
struct Side<'a> {
    /// Where its tables are while they are not in force.
    place: &'a str,
    tables: &'a [String],
    programs: &'a [Program],
}

fn sides(record: &Record) -> (Side<'_>, Side<'_>) {
    let exchange = &record.exchange;
    let goes = Side {
        place: &exchange.aside,
        tables: &exchange.goes,
        programs: &record.goes,
    };
    let comes = Side {
        place: &exchange.beside,
        tables: &exchange.comes,
        programs: &record.comes,
    };
    (goes, comes)
}

/// Goes on with an exchange until the tables that come are in force, with their triggers, views and routines.
///
/// # Errors
/// Something is no longer as it was recorded, a table stays in use, or the server refuses. Where no table had moved,
/// the triggers that were dropped are made again; where the connection is lost, going on or going back finishes it.
pub fn forward(executor: &mut Executor, record: &Record) -> Result<(), ChangeError> {
    let (goes, comes) = sides(record);
    converge(executor, &record.exchange, &goes, &comes)
}

/// Goes back, from wherever an exchange stands, until the tables that went are in force again, with their triggers, views
/// and routines. `strangers` are those that stand there and are not as the record says.
///
/// # Errors
/// The errors of [`forward`].
pub fn back(
    executor: &mut Executor,
    record: &Record,
    strangers: &[Stranger],
) -> Result<(), ChangeError> {
    let moves = |it: &&Stranger| it.fate == Fate::Moves;
    let moving = strangers.iter().filter(moves).map(|it| &it.program);
    record::note_on_both(executor.connection(), &record.exchange.aside, moving)?;
    let record = past(record, strangers);
    let (goes, comes) = sides(&record);
    converge(executor, &record.exchange, &comes, &goes)
}

fn converge(
    executor: &mut Executor,
    exchange: &Exchange,
    leaving: &Side,
    arriving: &Side,
) -> Result<(), ChangeError> {
    let database = &exchange.database;
    if executor.database() != database {
        let what = format!("what is set aside in {}", exchange.aside);
        let why = format!("it is of the database {database}");
        return Err(ChangeError::Changed(what, why));
    }
    executor.connection().use_database(database)?;
    if let Err(error) = change_places(executor, exchange, leaving, arriving) {
        let is_lost = matches!(&error, ChangeError::Server(error) if error.is_lost());
        let is_unmoved = !is_lost && is_unmoved(executor, database, leaving, arriving)?;
        if is_unmoved {
            // The tables that stay in force get their triggers back.
            programs::make(executor, leaving.programs, arriving.programs)?;
        }
        return Err(error);
    }
    programs::make(executor, arriving.programs, leaving.programs)?;
    let stays = |name: &&programs::ProgramName| {
        name.kind == ProgramKind::Trigger || arriving.programs.iter().any(|it| it.name == **name)
    };
    let left = leaving.programs.iter().map(|program| &program.name);
    for name in left.filter(|name| !stays(name)) {
        if programs::show(executor.connection(), name)?.is_some() {
            let (about, drop) = (name.describe(), name.dropping(database)?);
            executor.patiently(&name.name, |connection| run(connection, &about, &drop))?;
        }
    }
    Ok(())
}

/// Whether every table is where it was before.
fn is_unmoved(
    executor: &mut Executor,
    database: &str,
    leaving: &Side,
    arriving: &Side,
) -> Result<bool, ChangeError> {
    let there = tables(executor.connection(), database)?;
    let waiting = tables(executor.connection(), arriving.place)?;
    Ok(leaving.tables.iter().all(|table| there.contains(table))
        && arriving.tables.iter().all(|table| waiting.contains(table)))
}

/// Moves the tables that are not yet where they are to be.
fn change_places(
    executor: &mut Executor,
    exchange: &Exchange,
    leaving: &Side,
    arriving: &Side,
) -> Result<(), ChangeError> {
    let database = &exchange.database;
    let gone = tables(executor.connection(), leaving.place)?;
    let waiting = tables(executor.connection(), arriving.place)?;
    let to_leave: Vec<&String> = leaving
        .tables
        .iter()
        .filter(|table| !gone.contains(*table))
        .collect();
    let to_arrive: Vec<&String> = arriving
        .tables
        .iter()
        .filter(|table| waiting.contains(*table))
        .collect();
    if to_leave.is_empty() && to_arrive.is_empty() {
        return Ok(());
    }
    drop_triggers(executor, database, &to_leave, leaving.programs)?;
    drop_triggers(executor, arriving.place, &to_arrive, arriving.programs)?;
    let sql = rename(
        database,
        (&to_leave, leaving.place),
        (&to_arrive, arriving.place),
    )?;
    executor.tell(&format!(
        "{} tables leave {database} and {} come",
        to_leave.len(),
        to_arrive.len()
    ));
    executor.patiently("one of the tables of CiviCRM", |connection| {
        run(connection, "the exchange of the tables", &sql)
    })
}

/// Drops the triggers of tables, each of which is kept in the record.
fn drop_triggers(
    executor: &mut Executor,
    database: &str,
    of: &[&String],
    recorded: &[Program],
) -> Result<(), ChangeError> {
    let all = programs::all(executor.connection(), database)?;
    let theirs = all
        .into_iter()
        .filter(|(_, table)| table.as_ref().is_some_and(|table| of.contains(&table)));
    let theirs: Vec<_> = theirs.map(|(name, _)| name).collect();
    // None is dropped before all are known.
    let is_known = |name: &&ProgramName| recorded.iter().any(|program| program.name == **name);
    if let Some(name) = theirs.iter().find(|name| !is_known(name)) {
        let why = "it was made since the exchange was prepared".to_owned();
        return Err(ChangeError::ChangedMeanwhile(name.describe(), why));
    }
    for name in theirs {
        let drop = name.dropping(database)?;
        let what = name.describe();
        executor.patiently(&name.name, |connection| run(connection, &what, &drop))?;
    }
    Ok(())
}

//! Removes what an exchange has set aside.

use super::keys;
use super::model::Exchange;
use super::programs::{self, ProgramName};
use super::record::{Record, TABLE};
use super::state::{InForce, State, tables};
use crate::change::error::ChangeError;
use crate::change::executor::{Executor, run, unchecked};
use crate::change::refusal::Refusal;
use crate::gate::{Meaning, Operation};
use crate::schema::sql::identifier;
use crate::server::connection::Reader;

/// What is removed of an exchange: the tables that are not in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clearance {
    /// Databases with the tables that are dropped there.
    pub tables: Vec<(String, Vec<String>)>,
    /// Databases that are dropped, because they were made for the exchange.
    pub databases: Vec<String>,
}

impl Clearance {
    /// What would be removed.
    ///
    /// # Errors
    /// The exchange is under way, so that nothing of it may go; a foreign key of another table leads to what would be
    /// removed; or the connection is lost.
    pub fn of(connection: &mut Reader, record: &Record) -> Result<Self, ChangeError> {
        let exchange = &record.exchange;
        if State::of_record(connection, record)?.in_force == InForce::Mixed {
            return Err(Refusal::ExchangeUnderWay(exchange.database.clone()).into());
        }
        let mut clearance = Self::default();
        for (database, listed) in [
            (&exchange.beside, &exchange.comes),
            (&exchange.aside, &exchange.goes),
        ] {
            let there = tables(connection, database)?;
            let listed = listed.iter().filter(|table| there.contains(*table));
            let listed: Vec<String> = listed.cloned().collect();
            let others = there
                .iter()
                .any(|table| table != TABLE && !listed.contains(table));
            if exchange.made.contains(database) && !others {
                clearance.databases.push(database.clone());
            }
            keys::check_removal(connection, exchange, (database, &listed))?;
            clearance.tables.push((database.clone(), listed));
        }
        Ok(clearance)
    }
}

/// Removes what is not in force of an exchange, for good; its record goes last.
///
/// # Errors
/// The exchange is under way, the server refuses, or the connection is lost. It can be called again.
pub fn clear(executor: &mut Executor, record: &Record) -> Result<Clearance, ChangeError> {
    let clearance = Clearance::of(executor.connection(), record)?;
    let exchange: &Exchange = &record.exchange;
    for (database, listed) in &clearance.tables {
        let is_made = clearance.databases.contains(database);
        if !is_made && *database == exchange.beside {
            drop_programs(executor, database)?;
        }
        drop_tables(executor, database, listed)?;
        if *database == exchange.aside {
            drop_tables(executor, database, &[TABLE.to_owned()])?;
        }
        if is_made {
            // A run that was cut off right at the beginning has not made it.
            let sql = format!("DROP DATABASE IF EXISTS {}", identifier(database));
            let sql = Meaning::new(Operation::DropDatabase, [database]).pass(sql)?;
            run(executor.connection(), "a database", &sql)?;
        }
    }
    Ok(clearance)
}

/// Drops tables of a database, and views and routines that belong to them, for good.
///
/// # Errors
/// The server refuses, a table stays in use, or the connection is lost; some may be gone then.
pub fn drop_in_place(
    executor: &mut Executor,
    database: &str,
    tables: &[String],
    programs: &[ProgramName],
) -> Result<(), ChangeError> {
    let there = programs::all(executor.connection(), database)?;
    for (name, table) in there {
        // Triggers go with their tables.
        if table.is_none() && programs.contains(&name) {
            let (about, drop) = (name.describe(), name.dropping(database)?);
            executor.patiently(&name.name, |connection| run(connection, &about, &drop))?;
        }
    }
    drop_tables(executor, database, tables)
}

/// Drops tables that refer to one another.
fn drop_tables(
    executor: &mut Executor,
    database: &str,
    listed: &[String],
) -> Result<(), ChangeError> {
    if listed.is_empty() {
        return Ok(());
    }
    let named = listed
        .iter()
        .map(|table| format!("{}.{}", identifier(database), identifier(table)));
    let sql = format!("DROP TABLE {}", named.collect::<Vec<_>>().join(", "));
    let names = listed.iter().map(String::as_str).chain([database]);
    let sql = Meaning::new(Operation::DropTable, names).pass(sql)?;
    executor.patiently("a table that is set aside", |connection| {
        unchecked(connection, "the tables that are set aside", &sql)
    })
}

/// Drops the views and routines that a restore left in a database that was empty before; triggers go with their tables.
fn drop_programs(executor: &mut Executor, database: &str) -> Result<(), ChangeError> {
    for (name, table) in programs::all(executor.connection(), database)? {
        if table.is_none() {
            let (about, drop) = (name.describe(), name.dropping(database)?);
            run(executor.connection(), &about, &drop)?;
        }
    }
    Ok(())
}

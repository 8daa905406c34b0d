//! How far an exchange got, told by where its tables are.

use std::collections::BTreeSet;

use super::model::Exchange;
use super::record::Record;
use crate::change::error::ChangeError;
use crate::gate::{Meaning, Operation};
use crate::schema::sql::string;
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;

/// Which tables are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    /// Those that are to go, or have come back.
    Old,
    /// Those that came.
    New,
    /// Some of both: the server ended in the middle of a RENAME TABLE that it does not do as a whole.
    Mixed,
}

/// How far an exchange got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Tables that are in force and not set aside.
    pub goes_in_force: usize,
    /// Tables that have come.
    pub comes_in_force: usize,
    /// Which tables are in force.
    pub in_force: InForce,
}

impl State {
    /// Looks where the tables are.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn of(connection: &mut Reader, exchange: &Exchange) -> Result<Self, ServerError> {
        let aside = tables(connection, &exchange.aside)?;
        let beside = tables(connection, &exchange.beside)?;
        let goes_in_force = count(&exchange.goes, |table| !aside.contains(table));
        let comes_in_force = count(&exchange.comes, |table| !beside.contains(table));
        let all = |number: usize, tables: &[String]| number == tables.len();
        let in_force = match (goes_in_force, comes_in_force) {
            (goes, 0) if all(goes, &exchange.goes) => InForce::Old,
            (0, comes) if all(comes, &exchange.comes) => InForce::New,
            _ => InForce::Mixed,
        };
        Ok(Self {
            goes_in_force,
            comes_in_force,
            in_force,
        })
    }

    /// How far the exchange of a record got. Before what comes is proved, nothing has moved, whatever is missing of it.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn of_record(connection: &mut Reader, record: &Record) -> Result<Self, ChangeError> {
        if record.is_proved {
            return Ok(Self::of(connection, &record.exchange)?);
        }
        Ok(Self {
            goes_in_force: record.exchange.goes.len(),
            comes_in_force: 0,
            in_force: InForce::Old,
        })
    }
}

fn count(tables: &[String], is_so: impl Fn(&String) -> bool) -> usize {
    tables.iter().filter(|table| is_so(table)).count()
}

/// The tables of a database; none where it is not there.
///
/// # Errors
/// The connection is lost.
pub fn tables(connection: &mut Reader, database: &str) -> Result<BTreeSet<String>, ServerError> {
    let sql = format!(
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = {} AND TABLE_TYPE <> 'VIEW'",
        string(database)
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let answer = connection.ask("the tables", &sql)?;
    Ok(answer.iter().filter_map(|row| text(row, "name")).collect())
}

//! The rows that a server answers with, bounded in number and in memory.

use std::mem::ManuallyDrop;

use mysql::prelude::Protocol;
use mysql::{QueryResult, Value};

use super::watch::Watch;
use crate::schema::model::Account;
use crate::snapshot::Row;

/// The most bytes of memory that the answer to one question may take which is kept as a whole.
pub(super) const ANSWER: usize = 256 << 20;
/// The most rows of one answer of which anything is kept, be it one number: no site comes near as many.
pub(crate) const MOST_ROWS: u64 = 1 << 24;
/// The answer to one question: rows by column name.
pub type Answer = Vec<Row>;

/// What a row takes in memory besides its values, roughly: the map, and its tables.
pub(super) const ROW: usize = 160;
/// What a value takes in memory besides its bytes and those of its name, roughly: both handles, and what the
/// allocator rounds up.
pub(super) const CELL: usize = 112;

/// Why talking to a server came to an end.
pub(super) enum Fault {
    /// The library says so.
    Library(mysql::Error),
    /// The server sent what no server sends; in words.
    Breach(String),
}

impl From<mysql::Error> for Fault {
    fn from(error: mysql::Error) -> Self {
        Self::Library(error)
    }
}

/// Counts rows until there are more than `most`.
pub(super) fn row_limit(most: u64) -> impl FnMut() -> Result<(), String> {
    let mut count = 0;
    move || {
        count += 1;
        match count <= most {
            true => Ok(()),
            false => Err(format!("it sent more than {most} rows in answer")),
        }
    }
}

/// Takes the names of the columns and the values of a row, or says why it is too much.
pub(super) type TakeRow<'t> =
    &'t mut dyn FnMut(&[String], Vec<Option<Vec<u8>>>) -> Result<(), String>;

/// Reads the only answer to a statement, row by row, until `take` says why it is too much.
pub(super) fn read_rows<P: Protocol>(
    answer: QueryResult<'_, '_, '_, P>,
    watch: Option<&Watch>,
    take: TakeRow<'_>,
) -> Result<(), Fault> {
    // What is dropped before its end reads the rest of what the server sends, which may have none.
    let mut answer = ManuallyDrop::new(answer);
    let columns = answer.columns();
    let columns = columns.as_ref().iter();
    let names: Vec<String> = columns.map(|it| it.name_str().into_owned()).collect();
    let mut result = Ok(());
    while result.is_ok()
        && let Some(row) = answer.next()
    {
        result = row.map_err(Fault::Library).and_then(|row| {
            let values = row.unwrap_raw().into_iter();
            let values = values.map(|value| value.and_then(bytes)).collect();
            // What is done with it takes its own time and memory.
            let taken = match watch {
                Some(watch) => watch.piece(|| take(&names, values)),
                None => take(&names, values),
            };
            taken.map_err(Fault::Breach)
        });
    }
    let is_read = match result {
        Ok(()) | Err(Fault::Library(mysql::Error::MySqlError(_))) => true,
        Err(_) => false,
    };
    if is_read {
        match answer.iter().map(ManuallyDrop::new) {
            None => {
                drop(ManuallyDrop::into_inner(answer));
                return result;
            }
            Some(_) => {
                let why = "it sent more than one answer".to_owned();
                result = result.and(Err(Fault::Breach(why)));
            }
        }
    }
    if let Some(watch) = watch {
        watch.hang_up();
    }
    result
}

/// A value of a row as text. Letter case of the column's name does not count: MySQL names the columns of
/// information_schema in capitals whatever was asked.
pub(crate) fn text(row: &Row, column: &str) -> Option<String> {
    let (_, value) = row
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(column))?;
    let value = value.as_deref()?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The first value of a row as text.
pub(crate) fn first(row: &Row) -> Option<String> {
    let value = row.values().next()?.as_deref()?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// Reads `user@host` as functions and information_schema print it: without quotes, so the last @ is the one
/// that separates.
pub(crate) fn account(text: &str) -> Account {
    let (user, host) = text.rsplit_once('@').unwrap_or((text, "%"));
    Account {
        user: user.to_owned(),
        host: host.to_owned(),
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        // Only prepared statements answer with anything else.
        other => Some(other.as_sql(true).into_bytes()),
    }
}

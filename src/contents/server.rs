//! The rows of a running server.

use std::cmp::Ordering;
use std::sync::Arc;

use indexmap::IndexMap;

use super::dump::Passed;
use super::form::Spelling;
use super::pass::{Cell, CellsOfRow, Pass, Shape};
use crate::dump::values::Value;
use crate::gate::{Meaning, Operation};
use crate::schema::model::{Schema, Table, find};
use crate::schema::sql::identifier;
use crate::server::connection::{Reader, Setting, text};
use crate::server::error::ServerError;
use crate::server::sql;

/// The most rows of one question.
pub(super) const PART: u64 = 100_000;
/// How long a connection may wait while the other source is read: a day.
const IDLE: u64 = 24 * 60 * 60;
/// Storage engines that show the rows of one moment for as long as a transaction lasts.
const KEEPING: [&str; 3] = ["InnoDB", "RocksDB", "TokuDB"];

/// When the rows of each table were changed last, at the moment at which a connection sees them.
pub struct Moment(IndexMap<String, Change>);

#[derive(PartialEq, Eq)]
struct Change {
    time: Option<String>,
    engine: String,
}

/// Begins to see the rows of one moment, as far as the storage engines keep it: UTF-8 and UTC, and nothing locked.
///
/// # Errors
/// The connection is lost.
pub fn begin(connection: &mut Reader) -> Result<Moment, ServerError> {
    for setting in [Setting::IdleSeconds(IDLE), Setting::FreshStatistics] {
        match connection.set(setting) {
            Err(error) if error.is_lost() => return Err(error),
            // Servers that do not know the latter always answer so.
            _ => {}
        }
    }
    connection.set(Setting::Utf8)?;
    connection.set(Setting::Utc)?;
    connection.set(Setting::RepeatableRead)?;
    connection.begin_reading_tables()?;
    Moment::of(connection)
}

impl Moment {
    fn of(connection: &mut Reader) -> Result<Self, ServerError> {
        let sql = sql!("changes-of-tables");
        let answer = connection.ask("when tables were changed", sql)?;
        let changes = answer.iter().filter_map(|row| {
            let change = Change {
                time: text(row, "update_time"),
                engine: text(row, "engine").unwrap_or_default(),
            };
            Some((text(row, "table_name")?.to_ascii_lowercase(), change))
        });
        Ok(Self(changes.collect()))
    }

    /// The tables in lower case whose rows were changed since, each with its storage engine where that does not keep
    /// the rows of one moment. Servers count in seconds: a change in the same second as the one before is not seen. Nor is
    /// one that the server has forgotten, as it does of tables that it has not used for long.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn changed_since(
        &self,
        connection: &mut Reader,
    ) -> Result<Vec<(String, Option<String>)>, ServerError> {
        let Self(now) = Self::of(connection)?;
        let changed = now.into_iter().filter(|(table, now)| {
            let before = self.0.get(table);
            now.time.is_some() && before.is_some_and(|before| before.time != now.time)
        });
        let with_engine = |(table, change): (String, Change)| {
            let keeps = |known: &&str| known.eq_ignore_ascii_case(&change.engine);
            let is_kept = KEEPING.iter().any(keeps);
            (table, (!is_kept).then_some(change.engine))
        };
        Ok(changed.map(with_engine).collect())
    }
}

/// Reads the rows of the tables of a server, at the moment of [`begin`]: tables with a primary key that is one
/// whole number in parts, others in one statement. `watch` is told the name of each table.
///
/// # Errors
/// The connection is lost.
pub fn read<P: Pass>(
    connection: &mut Reader,
    schema: &Schema,
    pass: &P,
    watch: &mut dyn FnMut(&str),
) -> Result<Passed<P::Facts>, ServerError> {
    let mut passed = Passed::default();
    for (name, table) in &schema.tables {
        let Some(shape) = pass.shape(name, table) else {
            continue;
        };
        watch(name);
        let mut facts = pass.no_rows(&shape);
        let counter = counter(table).and_then(|column| shape.columns.get_index_of(&column));
        let result = rows(connection, name, &shape, counter, pass, &mut facts);
        connection.let_go()?;
        match result {
            Ok(()) => {
                let shape = Arc::new(shape);
                passed
                    .tables
                    .insert(name.to_ascii_lowercase(), (shape, facts));
            }
            Err(error) if error.is_lost() => return Err(error),
            Err(error) => {
                passed
                    .unread
                    .insert(name.to_ascii_lowercase(), error.to_string());
            }
        }
    }
    Ok(passed)
}

/// The column in lower case by which a table is read in parts: the only one of its primary key, if it holds whole numbers.
pub(super) fn counter(table: &Table) -> Option<String> {
    let [part] = &table.primary_key[..] else {
        return None;
    };
    let column = find(&table.columns, &part.column)?;
    let word = column.data_type.split(['(', ' ']).next()?;
    let is_whole = word == "integer" || word.ends_with("int");
    is_whole.then(|| part.column.to_ascii_lowercase())
}

/// What stands behind the name of a table to read a part of it: the rows behind the last number that was read.
pub(super) fn part(counter: Option<&str>, last: Option<i128>) -> String {
    let Some(counter) = counter.map(identifier) else {
        return String::new();
    };
    let behind = last.map(|last| format!(" WHERE {counter} > {last}"));
    let behind = behind.unwrap_or_default();
    format!("{behind} ORDER BY {counter} LIMIT {PART}")
}

/// The number behind `last` that a server sent.
///
/// # Errors
/// It is none, or not behind it; in words.
pub(super) fn number_behind(value: Option<&[u8]>, last: Option<i128>) -> Result<i128, String> {
    let number = value.and_then(|value| std::str::from_utf8(value).ok()?.parse::<i128>().ok());
    let number = number.ok_or("it sent what is no number in a column of numbers")?;
    match last.map_or(Ordering::Greater, |last| number.cmp(&last)) {
        Ordering::Greater => Ok(number),
        _ => Err("it sent rows in another order than was asked for".to_owned()),
    }
}

fn rows<P: Pass>(
    connection: &mut Reader,
    table: &str,
    shape: &Shape,
    counter: Option<usize>,
    pass: &P,
    facts: &mut P::Facts,
) -> Result<(), ServerError> {
    let columns: Vec<String> = shape.columns.keys().map(|name| identifier(name)).collect();
    let columns = match columns.is_empty() {
        // All are generated: the rows are counted.
        true => "1".to_owned(),
        false => columns.join(", "),
    };
    let by = counter.and_then(|index| Some(shape.columns.get_index(index)?.0.as_str()));
    let mut last = None;
    loop {
        let sql = format!(
            "SELECT {columns} FROM {}{}",
            identifier(table),
            part(by, last)
        );
        let names = shape.columns.keys().map(String::as_str).chain([table]);
        let sql = Meaning::new(Operation::Select, names).pass(sql)?;
        let mut count = 0;
        connection.each_row(table, &sql, |values| {
            count += 1;
            if let Some(index) = counter {
                let value = values.get(index).and_then(Option::as_deref);
                last = Some(number_behind(value, last)?);
            }
            let cells: Vec<Cell> = values
                .iter()
                .zip(shape.columns.values())
                .map(|(value, form)| {
                    let value = value.as_deref().map_or(Value::Null, Value::Plain);
                    let value = form.canonical(value, Spelling::OF_SERVER);
                    value.map_or(Cell::Null, Cell::Value)
                })
                .collect();
            pass.take(
                CellsOfRow {
                    shape,
                    cells: &cells,
                },
                facts,
            );
            Ok(())
        })?;
        if by.is_none() || count < PART {
            return Ok(());
        }
    }
}

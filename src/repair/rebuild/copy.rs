//! Rows of one table, from one database to another, counted and summed up on both sides.

use indexmap::IndexMap;
use md5::{Digest, Md5};
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::super::orphans::value_of;
use super::Made;
use crate::change::error::ChangeError;
use crate::change::values::{Stored, exact, literal, type_name};
use crate::gate::{Meaning, Operation};
use crate::schema::model::{Column, Table, find};
use crate::schema::sql::identifier;
use crate::server::answer::{first, text};
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::sql;
use crate::server::writer::Writer;
use crate::snapshot::Row;

/// Bytes of values in one statement; a longer row has one of its own.
const STATEMENT: usize = 512 << 10;
/// How many rows that gave trouble are named.
const SAMPLE: usize = 5;

/// What became of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TableOutcome {
    /// Rows in the old one.
    pub rows: u64,
    /// Rows in the new one.
    pub copied: u64,
    /// Whether all values of the copied rows are the same on both sides.
    pub same_values: bool,
    /// Rows of which the new one changed a value.
    pub altered: u64,
    /// Rows that the new one did not take.
    pub left_out: u64,
    /// Some of both: the primary key, and what the server says.
    pub sample: Vec<String>,
    /// The sum of the old rows.
    #[serde(skip)]
    sum: Sum,
}

impl TableOutcome {
    /// Whether every row is there as it was.
    pub fn is_whole(&self) -> bool {
        self.rows == self.copied && self.same_values && self.left_out == 0 && self.altered == 0
    }
}

/// A sum of rows that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum(u128);

impl Sum {
    fn add<'v>(&mut self, values: impl Iterator<Item = Option<&'v [u8]>>) {
        let mut digest = Md5::new();
        for value in values {
            match value {
                Some(value) => {
                    digest.update((value.len() as u64 + 1).to_le_bytes());
                    digest.update(value);
                }
                None => digest.update(0_u64.to_le_bytes()),
            }
        }
        let sum = u128::from_le_bytes(digest.finalize().into());
        self.0 = self.0.wrapping_add(sum);
    }
}

/// The session's `sql_mode`: values are taken as they are, zero dates as well, or not at all.
/// Without `strict` the server makes of them what comes nearest, and warns.
pub(super) fn sql_mode(strict: bool) -> String {
    let strict = if strict { ",STRICT_ALL_TABLES" } else { "" };
    format!("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES{strict}'")
}

/// The next values of AUTO_INCREMENT by table: a number that was given once is not given again.
pub(super) fn counters(old: &mut Reader) -> Result<IndexMap<String, String>, ServerError> {
    let sql = sql!("auto-increments");
    let answer = old.ask("the next numbers", sql)?;
    let counters = answer.iter();
    Ok(counters
        .filter_map(|row| Some((text(row, "table_name")?, text(row, "auto_increment")?)))
        .collect())
}

/// The columns that both sides store, in the order of the new table.
fn common(made: &Made) -> Vec<(&String, &Column)> {
    let old = made.old.as_ref();
    let is_stored_there = |name: &str| {
        old.and_then(|old| find(&old.columns, name))
            .is_some_and(|column| column.generated.is_none())
    };
    let columns = Stored::of(&made.table).columns.into_iter();
    columns.filter(|(name, _)| is_stored_there(name)).collect()
}

/// A statement that names a table and these columns.
fn meaning(operation: Operation, table: &str, columns: &[(&String, &Column)]) -> Meaning {
    let columns = columns.iter().map(|(name, _)| name.as_str());
    Meaning::new(operation, columns.chain([table]))
}

fn selected(columns: &[(&String, &Column)], of: &Table) -> String {
    let columns = columns.iter();
    let columns =
        columns.map(|(name, column)| exact(name, find(&of.columns, name).unwrap_or(column)));
    columns.collect::<Vec<_>>().join(", ")
}

/// Copies all rows.
pub(super) fn copy(
    old: &mut Reader,
    new: &mut Writer,
    name: &str,
    made: &Made,
) -> Result<TableOutcome, ChangeError> {
    let mut outcome = TableOutcome::default();
    let Some(old_table) = &made.old else {
        return Ok(outcome);
    };
    let columns = common(made);
    if columns.is_empty() {
        return Ok(outcome);
    }
    let filled: Vec<(&String, &'static str)> = made
        .filled
        .iter()
        .filter_map(|name| Some((name, nothing(find(&made.table.columns, name)?)?)))
        .collect();
    let names = columns.iter().map(|(name, _)| *name);
    let names = names.chain(filled.iter().map(|(name, _)| *name));
    let inserted: Vec<String> = names.cloned().collect();
    let names: Vec<String> = inserted.iter().map(|name| identifier(name)).collect();
    let mut batch = Batch {
        meaning: Meaning::new(
            Operation::Insert,
            inserted.iter().chain([&name.to_owned()]).cloned(),
        ),
        into: format!(
            "INSERT INTO {} ({}) VALUES ",
            identifier(name),
            names.join(", ")
        ),
        name,
        keys: made.table.primary_key_columns(),
        columns: &columns,
        filled: filled.iter().map(|(_, value)| *value).collect(),
        rows: Vec::new(),
        size: 0,
    };
    let meaning = meaning(Operation::Select, name, &columns);
    let sql = meaning.pass(format!(
        "SELECT {} FROM {}",
        selected(&columns, old_table),
        identifier(name)
    ))?;
    let mut trouble: Option<ChangeError> = None;
    old.each(&format!("rows of {name}"), &sql, u64::MAX, |row| {
        if trouble.is_some() {
            return;
        }
        outcome.rows += 1;
        outcome.sum.add(row.values().map(Option::as_deref));
        trouble = batch.add(new, row, &mut outcome).err();
    })?;
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    batch.write(new, &mut outcome)?;
    Ok(outcome)
}

/// What stands in a column that must not be NULL and has no default; `None` where the server
/// knows by itself.
fn nothing(column: &Column) -> Option<&'static str> {
    if column.nullable || column.default.is_some() || column.auto_increment {
        return None;
    }
    Some(match type_name(column) {
        "date" => "'0000-00-00'",
        "datetime" | "timestamp" => "'0000-00-00 00:00:00'",
        name if name.ends_with("int") => "0",
        "decimal" | "double" | "float" | "bit" | "year" | "time" => "0",
        "json" => "'null'",
        "enum" => return None,
        _ => "''",
    })
}

/// Rows on their way.
struct Batch<'a> {
    /// What each INSERT is meant to be.
    meaning: Meaning,
    into: String,
    name: &'a str,
    /// The primary key.
    keys: Vec<String>,
    columns: &'a [(&'a String, &'a Column)],
    /// What stands in the columns that the old table lacks.
    filled: Vec<&'static str>,
    rows: Vec<(String, Row)>,
    size: usize,
}

impl Batch<'_> {
    fn add(
        &mut self,
        new: &mut Writer,
        row: Row,
        outcome: &mut TableOutcome,
    ) -> Result<(), ChangeError> {
        let values = self.values(&row, literal);
        if !self.rows.is_empty() && self.size + values.len() > STATEMENT {
            self.write(new, outcome)?;
        }
        self.size += values.len();
        self.rows.push((values, row));
        Ok(())
    }

    /// A row as a statement has it.
    fn values(&self, row: &Row, literal: impl Fn(&Column, Option<&[u8]>) -> String) -> String {
        let values = self.columns.iter().zip(row.values());
        let values = values.map(|((_, column), value)| literal(column, value.as_deref()));
        let filled = self.filled.iter().map(|value| (*value).to_owned());
        let values: Vec<String> = values.chain(filled).collect();
        format!("({})", values.join(", "))
    }

    /// Writes what has gathered: at once, or where the server objects row by row.
    fn write(&mut self, new: &mut Writer, outcome: &mut TableOutcome) -> Result<(), ChangeError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let about = format!("rows of {}", self.name);
        let all: Vec<&str> = self
            .rows
            .iter()
            .map(|(values, _)| values.as_str())
            .collect();
        let statement = format!("{}{}", self.into, all.join(", "));
        let statement = self.meaning.pass(statement)?;
        match new.run(&about, &statement) {
            Ok(_) => {}
            Err(error @ ServerError::Query { .. }) if self.rows.len() > 1 || !is_full(&error) => {
                for (values, row) in &self.rows {
                    self.write_one(new, values, row, outcome)?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        self.rows.clear();
        self.size = 0;
        Ok(())
    }

    fn write_one(
        &self,
        new: &mut Writer,
        values: &str,
        row: &Row,
        outcome: &mut TableOutcome,
    ) -> Result<(), ChangeError> {
        let about = format!("a row of {}", self.name);
        let statement = self.meaning.pass(format!("{}{values}", self.into))?;
        let message = match new.run(&about, &statement) {
            Ok(_) => return Ok(()),
            Err(error) if is_full(&error) => return Err(error.into()),
            Err(ServerError::Query { message, .. }) => message,
            Err(error) => return Err(error.into()),
        };
        // Even a lenient server takes no NULL where none may be.
        let values = self.values(row, |column, value| match value {
            None if !column.nullable => nothing(column).unwrap_or("DEFAULT").to_owned(),
            _ => literal(column, value),
        });
        let statement = self.meaning.pass(format!("{}{values}", self.into))?;
        new.run("the session's settings", &sql_mode(false))?;
        let lenient = new.run(&about, &statement);
        new.run("the session's settings", &sql_mode(true))?;
        match lenient {
            Ok(_) => outcome.altered += 1,
            Err(ServerError::Query { .. }) => outcome.left_out += 1,
            Err(error) => return Err(error.into()),
        }
        if outcome.sample.len() < SAMPLE {
            let keys = self.keys.iter().map(|key| value_of(row, key));
            let keys: Vec<String> = keys.collect();
            let keys = keys.join(", ");
            outcome.sample.push(format!("{keys}: {message}"));
        }
        Ok(())
    }
}

/// Errors that are not about the row: ER_DISK_FULL, ER_RECORD_FILE_FULL, ER_GET_ERRNO.
fn is_full(error: &ServerError) -> bool {
    matches!(error.code(), Some(1021 | 1114 | 1030))
}

/// Reads what was written, and compares.
pub(super) fn verify(
    new: &mut Writer,
    name: &str,
    made: &Made,
    outcome: &mut TableOutcome,
) -> Result<(), ChangeError> {
    let columns = common(made);
    let about = format!("rows of {name}");
    if columns.is_empty() {
        outcome.same_values = true;
        let sql = format!("SELECT COUNT(*) FROM {}", identifier(name));
        let sql = meaning(Operation::Select, name, &columns).pass(sql)?;
        let answer = new.ask(&about, &sql)?;
        let count = answer.first().and_then(first);
        outcome.copied = count.and_then(|count| count.parse().ok()).unwrap_or(0);
        return Ok(());
    }
    let mut sum = Sum::default();
    let sql = meaning(Operation::Select, name, &columns).pass(format!(
        "SELECT {} FROM {}",
        selected(&columns, &made.table),
        identifier(name)
    ))?;
    new.each(&about, &sql, u64::MAX, |row| {
        outcome.copied += 1;
        sum.add(row.values().map(Option::as_deref));
    })?;
    outcome.same_values = sum == outcome.sum;
    Ok(())
}

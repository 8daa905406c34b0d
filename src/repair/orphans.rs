//! Rows that have lost their parents, which no foreign key can be added over.
//!
//! They are counted and shown, and left alone unless the user said otherwise. Then the key's
//! own rule is made good, as if the key had been there when the parents went: SET NULL clears
//! the column, CASCADE deletes the row with all that hangs on it by keys that are there. Rows
//! go in small transactions, exported and noted in the journal before they change.

mod clear;
mod effects;
mod export;
mod toll;

use crate::change::error::ChangeError;
use crate::change::proof::{anti_join, meaning, question};
use crate::schema::model::{ForeignKey, ReferentialAction, Table, find};
use crate::schema::sql::{first_rows, identifier};
use crate::server::answer::first;
use crate::server::connection::Reader;
use crate::snapshot::Row;

pub use crate::change::proof::{count, parent};
pub use clear::{Cleared, clear};
pub use export::Export;
pub use toll::{Promise, Tally, Toll};

/// How many rows are shown.
const SAMPLE: usize = 3;

/// What to do about rows that have lost their parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Remedy {
    /// Nothing: their foreign key is not added
    Stop,
    /// Set the column NULL, where the foreign key's rule is ON DELETE SET NULL
    SetNull,
    /// Delete the rows, where the foreign key's rule is ON DELETE CASCADE
    Delete,
}

impl Remedy {
    /// As on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::SetNull => "set-null",
            Self::Delete => "delete",
        }
    }
}

/// The rows that have lost the parent to which one foreign key leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphans {
    /// Their table.
    pub table: String,
    /// The name of the foreign key.
    pub constraint: String,
    /// What it says.
    pub key: ForeignKey,
    /// How many there are.
    pub rows: u64,
    /// Some of them: the primary key and what they refer to, as `id 5 (contact_id 4000000)`.
    pub sample: Vec<String>,
    /// What the key's own rule would have done to them; why nothing, where it is none.
    pub by_rule: Result<Remedy, String>,
}

impl Orphans {
    /// Looks for them. `definition` is of `table`.
    ///
    /// # Errors
    /// The connection is lost, or the account may not read the tables.
    pub fn find(
        connection: &mut Reader,
        table: &str,
        definition: &Table,
        constraint: &str,
        key: &ForeignKey,
    ) -> Result<Self, ChangeError> {
        let about = format!("rows of {table} without a parent");
        let answer = connection.ask(&about, &count(table, key, ALIAS)?)?;
        let rows = answer.first().and_then(first);
        let rows = rows.and_then(|rows| rows.parse().ok()).unwrap_or(0);
        let mut sample = Vec::new();
        if rows > 0 {
            let mut columns = definition.primary_key_columns();
            columns.retain(|column| !key.columns.contains(column));
            let shown = columns.iter().chain(&key.columns);
            let shown: Vec<String> = shown.map(|column| qualified(table, column)).collect();
            let order = definition.primary_key_columns();
            let order: Vec<String> = order
                .iter()
                .map(|column| qualified(table, column))
                .collect();
            let join = anti_join(table, key, ALIAS);
            let sql = first_rows(&shown, &join.from(), &join.filter(), &order, SAMPLE);
            let sql = meaning(table, key, ALIAS, &columns).pass(sql)?;
            let answer = connection.ask(&about, &sql)?;
            sample.extend(answer.iter().map(|row| shown_row(row, &columns, key)));
        }
        Ok(Self {
            table: table.to_owned(),
            constraint: constraint.to_owned(),
            key: key.clone(),
            rows,
            sample,
            by_rule: by_rule(key, definition),
        })
    }

    /// What stands in the way.
    pub fn describe_rows(&self) -> String {
        let is_all = self.rows <= self.sample.len() as u64;
        let more = if is_all { "" } else { ", …" };
        let (have, their) = match self.rows {
            1 => ("has", "its"),
            _ => ("have", "their"),
        };
        format!(
            "{} of {} {have} lost {their} parent in {}: {}{more}",
            crate::text::count(self.rows, "row"),
            self.table,
            self.key.referenced_table,
            self.sample.join(", "),
        )
    }

    /// What stands in the way, and what to do.
    pub fn describe(&self) -> String {
        let what_to_do = match &self.by_rule {
            Ok(remedy) => format!(
                "--orphans {} --export DIR {} them, as the key's own rule would have",
                remedy.as_str(),
                match remedy {
                    Remedy::Delete => "deletes",
                    _ => "clears the column of",
                }
            ),
            Err(why) => why.clone(),
        };
        format!("{}; {what_to_do}", self.describe_rows())
    }
}

/// What a key's own rule does to a child whose parent goes.
fn by_rule(key: &ForeignKey, table: &Table) -> Result<Remedy, String> {
    if table.primary_key.is_empty() {
        return Err(
            "the table has no primary key to tell its rows apart by; decide for each row by hand"
                .to_owned(),
        );
    }
    let is_null_able = |column: &String| find(&table.columns, column).is_some_and(|c| c.nullable);
    match key.on_delete {
        ReferentialAction::Cascade => Ok(Remedy::Delete),
        ReferentialAction::SetNull if key.columns.iter().all(is_null_able) => Ok(Remedy::SetNull),
        ReferentialAction::SetNull => Err(
            "its rule is SET NULL, and the column takes no NULL; decide for each row by hand"
                .to_owned(),
        ),
        _ => Err(
            "its rule is RESTRICT, which neither deletes nor clears; decide for each row by hand"
                .to_owned(),
        ),
    }
}

/// A column's name and its value in a row, for people: `id 9001`.
pub(super) fn value_of(row: &Row, column: &str) -> String {
    let value = row.get(column).cloned().flatten().unwrap_or_default();
    format!("{column} {}", String::from_utf8_lossy(&value))
}

fn shown_row(row: &Row, columns: &[String], key: &ForeignKey) -> String {
    let parents: Vec<String> = key.columns.iter().map(|it| value_of(row, it)).collect();
    let own: Vec<String> = columns.iter().map(|it| value_of(row, it)).collect();
    match own.is_empty() {
        true => parents.join(", "),
        false => format!("{} ({})", own.join(", "), parents.join(", ")),
    }
}

/// What the parent goes by where one is enough.
const ALIAS: &str = "`cividb_parent`";

fn qualified(table: &str, column: &str) -> String {
    format!("{}.{}", identifier(table), identifier(column))
}

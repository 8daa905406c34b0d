//! The three readings: sums of all tables, rows of the tables that differ, and the rows to be shown.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use super::digest::{Hashes, TableDigest};
use super::pass::{Cell, CellsOfRow, Pass, Shape};
use crate::row_file::{RowFile, RowFileError};
use crate::schema::model::Table;

/// Keys of rows by table in lower case: the columns that make them.
pub type KeyColumns = HashMap<String, Vec<String>>;

/// Reads every table into a [`TableDigest`].
#[derive(Clone)]
pub struct DigestPass {
    /// The hashes of the run.
    pub hashes: Hashes,
    /// The only tables to read, each with the columns that make the key of a row; `None` for all tables.
    pub only: Option<Arc<KeyColumns>>,
}

impl Pass for DigestPass {
    type Facts = TableDigest;

    fn shape(&self, name: &str, table: &Table) -> Option<Shape> {
        let key = match &self.only {
            Some(only) => Some(only.get(&name.to_ascii_lowercase())?.as_slice()),
            None => None,
        };
        Some(Shape::of(name, table, key))
    }

    fn no_rows(&self, shape: &Shape) -> TableDigest {
        TableDigest::new(shape.columns.keys())
    }

    fn take(&self, row: CellsOfRow<'_>, facts: &mut TableDigest) {
        let key = self.hashes.several(row.values(&row.shape.key));
        facts.rows += 1;
        facts.keys = facts.keys.wrapping_add(u128::from(key));
        for (cell, column) in row.cells.iter().zip(facts.columns.values_mut()) {
            match cell {
                Cell::LeftOut => column.left_out += 1,
                Cell::Null => column.nulls += 1,
                Cell::Value(value) => {
                    let hash = self.hashes.cell(key, value);
                    column.sum = column.sum.wrapping_add(u128::from(hash));
                }
            }
        }
        if let Some((by, sum)) = &row.shape.counted {
            let amount = sum.and_then(|sum| row.cells.get(sum)).and_then(Cell::value);
            facts.totals.count(row.values(by), amount);
        }
    }

    fn unread(&self, facts: &mut TableDigest) {
        facts.unread += 1;
    }

    fn merge(&self, ours: &mut TableDigest, theirs: TableDigest) {
        ours.merge(&theirs);
    }
}

/// Which columns of a table are read row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsOfTable {
    /// The columns that make the key of a row.
    pub key: Vec<String>,
    /// The columns whose values are hashed.
    pub columns: Vec<String>,
}

/// Reads the rows of some tables as hashes of their keys and values.
#[derive(Clone)]
pub struct RowPass {
    /// The hashes of the run.
    pub hashes: Hashes,
    /// The tables to read, in lower case.
    pub tables: Arc<IndexMap<String, RowsOfTable>>,
    /// The rows to take: those whose key has this remainder …
    pub part: u64,
    /// … when divided by this number.
    pub parts: u64,
}

/// Rows as hashes: of their keys, and behind one another of the values of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashedRows {
    /// The indexes in the shape of the columns whose values are hashed; `None` where the table has no such column.
    pub columns: Vec<Option<usize>>,
    /// The hash of the key of each row.
    pub keys: Vec<u64>,
    /// The hashes of the values of each row; 0 is NULL, 1 was left out.
    pub cells: Vec<u64>,
}

impl Pass for RowPass {
    type Facts = HashedRows;

    fn shape(&self, name: &str, table: &Table) -> Option<Shape> {
        let wanted = self.tables.get(&name.to_ascii_lowercase())?;
        Some(Shape::of(name, table, Some(&wanted.key)))
    }

    fn no_rows(&self, shape: &Shape) -> HashedRows {
        let wanted = self.tables.get(&shape.table);
        let columns = wanted.map(|wanted| {
            let columns = wanted.columns.iter();
            columns
                .map(|name| shape.columns.get_index_of(name))
                .collect()
        });
        HashedRows {
            columns: columns.unwrap_or_default(),
            ..HashedRows::default()
        }
    }

    fn take(&self, row: CellsOfRow<'_>, facts: &mut HashedRows) {
        let key = self.hashes.several(row.values(&row.shape.key));
        if key % self.parts.max(1) != self.part {
            return;
        }
        facts.keys.push(key);
        for column in &facts.columns {
            let cell = column.and_then(|column| row.cells.get(column));
            facts.cells.push(match cell {
                None | Some(Cell::LeftOut) => 1,
                Some(Cell::Null) => 0,
                Some(Cell::Value(value)) => self.hashes.cell(key, value).max(2),
            });
        }
    }

    fn unread(&self, _: &mut HashedRows) {}

    fn merge(&self, ours: &mut HashedRows, theirs: HashedRows) {
        ours.keys.extend(theirs.keys);
        ours.cells.extend(theirs.cells);
    }
}

/// Reads the keys and values of some rows.
#[derive(Clone)]
pub struct FindPass {
    /// The hashes of the run.
    pub hashes: Hashes,
    /// The tables to read, in lower case, with the columns that make the key of a row.
    pub tables: Arc<KeyColumns>,
    /// The hashes of the keys of the rows to take, by table in lower case.
    pub wanted: Arc<WantedRows>,
    /// Whether the values are kept besides the keys.
    pub with_values: bool,
}

/// Hashes of keys of rows, by table in lower case.
pub type WantedRows = HashMap<String, HashSet<u64>>;

/// A row that was found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRow {
    /// The hash of its key.
    pub hash: u64,
    /// The values of its key, with commas between them, cut where they are long; empty where the table has no key and no
    /// values are wanted.
    pub key: String,
    /// Its values by column in lower case, where they are kept; `None` is NULL.
    pub values: IndexMap<String, Option<Vec<u8>>>,
}

impl Pass for FindPass {
    type Facts = Vec<FoundRow>;

    fn shape(&self, name: &str, table: &Table) -> Option<Shape> {
        let key = self.tables.get(&name.to_ascii_lowercase())?;
        Some(Shape::of(name, table, Some(key)))
    }

    fn no_rows(&self, _: &Shape) -> Vec<FoundRow> {
        Vec::new()
    }

    fn take(&self, row: CellsOfRow<'_>, facts: &mut Vec<FoundRow>) {
        let hash = self.hashes.several(row.values(&row.shape.key));
        let wanted = self.wanted.get(&row.shape.table);
        if !wanted.is_some_and(|wanted| wanted.contains(&hash)) {
            return;
        }
        let shape = row.shape;
        let written: Vec<Option<Vec<u8>>> = row
            .written()
            .map(|value| value.map(Cow::into_owned))
            .collect();
        // Without a key it would be the whole row, which only the user may ask for.
        let is_shown = self.with_values || !shape.is_without_key;
        let key = shape.key.iter().filter(|_| is_shown);
        let key = key.map(|place| match written.get(*place) {
            Some(Some(value)) => String::from_utf8_lossy(value).into_owned(),
            _ => "NULL".to_owned(),
        });
        let key = shortened(key.collect::<Vec<_>>().join(","));
        facts.push(FoundRow {
            hash,
            key,
            values: match self.with_values {
                true => shape.columns.keys().cloned().zip(written).collect(),
                false => IndexMap::new(),
            },
        });
    }

    fn unread(&self, _: &mut Vec<FoundRow>) {}

    fn merge(&self, ours: &mut Vec<FoundRow>, theirs: Vec<FoundRow>) {
        ours.extend(theirs);
    }
}

/// The most characters of a key that are shown.
const SHOWN: usize = 200;

/// The beginning of a key.
fn shortened(mut key: String) -> String {
    if let Some((end, _)) = key.char_indices().nth(SHOWN) {
        key.truncate(end);
        key.push('…');
    }
    key
}

/// How many rows of a table are still to be written, by the hashes of their keys. Rows without a key that are equal stand
/// for one another.
pub type RowsToWrite = HashMap<u64, usize>;

/// Writes some rows to files.
#[derive(Clone)]
pub struct ExportPass {
    /// The hashes of the run.
    pub hashes: Hashes,
    /// The tables to read, in lower case, with the columns that make the key of a row.
    pub tables: Arc<KeyColumns>,
    /// The rows to write, by table in lower case.
    pub wanted: Arc<HashMap<String, Mutex<RowsToWrite>>>,
    /// The files to write to, by table in lower case.
    pub files: Arc<HashMap<String, Mutex<RowFile>>>,
}

impl Pass for ExportPass {
    /// The first error.
    type Facts = Option<RowFileError>;

    fn shape(&self, name: &str, table: &Table) -> Option<Shape> {
        let key = self.tables.get(&name.to_ascii_lowercase())?;
        Some(Shape::of(name, table, Some(key)))
    }

    fn no_rows(&self, _: &Shape) -> Option<RowFileError> {
        None
    }

    fn take(&self, row: CellsOfRow<'_>, facts: &mut Option<RowFileError>) {
        let table = &row.shape.table;
        let hash = self.hashes.several(row.values(&row.shape.key));
        let (Some(wanted), Some(file)) = (self.wanted.get(table), self.files.get(table)) else {
            return;
        };
        let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = wanted.get_mut(&hash).filter(|left| **left > 0);
        if let Some(left) = is_wanted
            && facts.is_none()
        {
            *left -= 1;
            drop(wanted);
            let values: Vec<Option<Cow<'_, [u8]>>> = row.written().collect();
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            *facts = file.row(values.iter().map(Option::as_deref)).err();
        }
    }

    fn unread(&self, _: &mut Option<RowFileError>) {}

    fn merge(&self, ours: &mut Option<RowFileError>, theirs: Option<RowFileError>) {
        *ours = ours.take().or(theirs);
    }
}

//! One reading of the rows of a source: what each row is taken for.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::form::Form;
use super::totals::Count;
use crate::schema::model::{Table, find};

/// What is read of a table: its columns, and which of them make the key of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The name of the table in lower case.
    pub table: String,
    /// The columns by their names in lower case, without those that the server generates.
    pub columns: IndexMap<String, Form>,
    /// The indexes of the columns that make the key of a row.
    pub key: Vec<usize>,
    /// Whether the table has no key, so that all its columns stand for one.
    pub is_without_key: bool,
    /// What is counted of the rows: the columns that make the kind of a row, and the one of amounts.
    pub counted: Option<(Vec<usize>, Option<usize>)>,
}

impl Shape {
    /// The shape of a table. The key is made of the columns that are given, or of the primary key, or of the column `id`,
    /// or else of all columns in the order of their names, so that equal tables have equal keys whatever the order of
    /// their columns.
    pub fn of(name: &str, table: &Table, key: Option<&[String]>) -> Self {
        let columns: IndexMap<String, Form> = table
            .columns
            .iter()
            .filter(|(_, column)| column.generated.is_none())
            .map(|(name, column)| (name.to_ascii_lowercase(), Form::of(column, table)))
            .collect();
        let own: Vec<String> = match key {
            Some(key) => key.to_vec(),
            None => key_of(table),
        };
        let place = |name: &String| columns.get_index_of(&name.to_ascii_lowercase());
        let mut key: Vec<usize> = own.iter().filter_map(place).collect();
        if key.len() < own.len() || key.is_empty() {
            let mut names: Vec<&String> = columns.keys().collect();
            names.sort();
            key = names.into_iter().filter_map(place).collect();
        }
        let is_without_key = key.len() == columns.len() && key.len() != key_of(table).len();
        let table = name.to_ascii_lowercase();
        let counted = Count::of_table(&table).map(|count| {
            let places = |names: &[&str]| {
                let places = names.iter().map(|name| columns.get_index_of(*name));
                places.collect::<Option<Vec<usize>>>()
            };
            let sum = count.sum.and_then(|sum| columns.get_index_of(sum));
            (places(count.by).unwrap_or_default(), sum)
        });
        Self {
            table,
            columns,
            is_without_key,
            key,
            counted,
        }
    }
}

/// The columns of the primary key, or the column `id` where there is none; empty where a table has neither.
pub fn key_of(table: &Table) -> Vec<String> {
    let primary = table.primary_key.iter();
    let primary: Vec<String> = primary
        .map(|part| part.column.to_ascii_lowercase())
        .collect();
    match primary.is_empty() && find(&table.columns, "id").is_some() {
        true => vec!["id".to_owned()],
        false => primary,
    }
}

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'r> {
    /// The row came without a value for the column.
    LeftOut,
    /// NULL.
    Null,
    /// The value in its canonical form.
    Value(&'r [u8]),
}

impl Cell<'_> {
    /// The value; `None` for NULL and for what was left out.
    pub fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::LeftOut | Self::Null => None,
        }
    }
}

/// A row: the values of the columns of its shape, in their order.
#[derive(Clone, Copy, Debug)]
pub struct CellsOfRow<'r> {
    /// The shape of the table.
    pub shape: &'r Shape,
    /// One value for each column.
    pub cells: &'r [Cell<'r>],
}

impl CellsOfRow<'_> {
    /// The values of all columns as people and SQL write them.
    pub fn written(&self) -> impl Iterator<Item = Option<Cow<'_, [u8]>>> {
        let forms = self.shape.columns.values();
        let cells = self.cells.iter().zip(forms);
        cells.map(|(cell, form)| cell.value().map(|value| form.written(value)))
    }

    /// The values of these columns.
    pub fn values(&self, columns: &[usize]) -> impl Iterator<Item = Option<&[u8]>> {
        columns
            .iter()
            .map(|column| self.cells.get(*column).and_then(Cell::value))
    }
}

/// One reading of the rows of a source.
pub trait Pass: Clone + Send + Sync + 'static {
    /// What is kept of a table.
    type Facts: Send + 'static;

    /// The shape in which a table is read; `None` where nothing of it is needed.
    fn shape(&self, name: &str, table: &Table) -> Option<Shape>;
    /// What is kept of a table before any row is read.
    fn no_rows(&self, shape: &Shape) -> Self::Facts;
    /// Takes one row.
    fn take(&self, row: CellsOfRow<'_>, facts: &mut Self::Facts);
    /// Takes a row that cannot be read.
    fn unread(&self, facts: &mut Self::Facts);
    /// Adds what another thread has kept of other rows of the table.
    fn merge(&self, ours: &mut Self::Facts, theirs: Self::Facts);
}

//! Rows of the CMS's tables in a snapshot.

use crate::serialized::Value;
use crate::snapshot::{Row, Snapshot};

/// The tables of one CMS, which all have the same prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    pub snapshot: &'a Snapshot,
    pub prefix: &'a str,
}

impl<'a> Tables<'a> {
    /// The rows that were kept of a table; `None` where the table is not there, a dump has none of its rows, or not all of them
    /// could be read.
    pub fn rows(self, table: &str) -> Option<&'a [Row]> {
        let name = format!("{}{table}", self.prefix);
        let name = self.name(&name)?;
        if self.snapshot.rows_hidden.contains_key(name) {
            return None;
        }
        // What a server says is an estimate, which may be 0 for few rows.
        let is_dump = self.snapshot.server.is_none();
        if is_dump && !self.snapshot.row_counts.contains_key(name) {
            return None;
        }
        Some(self.snapshot.rows.get(name).map_or(&[], Vec::as_slice))
    }

    /// Why the rows of a table could not be read.
    pub fn why_hidden(self, table: &str) -> Option<&'a str> {
        let name = format!("{}{table}", self.prefix);
        let hidden = self.snapshot.rows_hidden.get(self.name(&name)?)?;
        Some(hidden.as_str())
    }

    /// Whether there is a table of this name with these columns.
    pub fn has(self, table: &str, columns: &[&str]) -> bool {
        let name = format!("{}{table}", self.prefix);
        let tables = &self.snapshot.schema.tables;
        let table = crate::schema::model::find(tables, &name);
        table.is_some_and(|table| {
            let mut columns = columns.iter();
            columns.all(|column| crate::schema::model::find(&table.columns, column).is_some())
        })
    }

    /// The serialized value in `column` of the row whose `name_column` holds `name`.
    pub fn value(self, table: &str, [name_column, column]: [&str; 2], name: &str) -> Option<Value> {
        let rows = self.rows(table)?;
        let row = rows
            .iter()
            .find(|row| text(row, name_column).as_deref() == Some(name))?;
        Value::parse(bytes(row, column)?)
    }

    fn name(self, wanted: &str) -> Option<&'a str> {
        let tables = &self.snapshot.schema.tables;
        let found = crate::schema::model::find_entry(tables, wanted)?;
        Some(found.0.as_str())
    }
}

/// The value of a column; `None` where it is NULL or not there.
pub(super) fn bytes<'a>(row: &'a Row, column: &str) -> Option<&'a [u8]> {
    row.get(column)?.as_deref()
}

/// The same as text.
pub(super) fn text(row: &Row, column: &str) -> Option<String> {
    bytes(row, column).map(|value| String::from_utf8_lossy(value).into_owned())
}

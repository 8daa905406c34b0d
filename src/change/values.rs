//! Values of rows, between the answer to a question and a statement that writes them.

use crate::schema::model::{Column, Table};
use crate::schema::sql::{hexadecimal, identifier, string};

/// The columns that a row is stored in, as against those that are computed from them.
pub struct Stored<'a> {
    /// In the order of the table.
    pub columns: Vec<(&'a String, &'a Column)>,
}

impl<'a> Stored<'a> {
    /// Of a table.
    pub fn of(table: &'a Table) -> Self {
        let columns = table.columns.iter();
        Self {
            columns: columns
                .filter(|(_, column)| column.generated.is_none())
                .collect(),
        }
    }

    /// For a SELECT that [`Stored::all_literals`] takes the answer of.
    pub fn selected(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|(name, column)| exact(name, column));
        columns.collect::<Vec<_>>().join(", ")
    }

    /// The values of some columns as literals.
    pub fn literals(&self, row: &[Option<Vec<u8>>], names: &[String]) -> Vec<String> {
        let place = |wanted: &String| {
            let mut columns = self.columns.iter();
            columns.position(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        let all = self.all_literals(row);
        let wanted = names.iter().filter_map(place);
        wanted.filter_map(|place| all.get(place).cloned()).collect()
    }

    /// All values as literals.
    pub fn all_literals(&self, row: &[Option<Vec<u8>>]) -> Vec<String> {
        let values = row.iter().zip(&self.columns);
        values
            .map(|(value, (_, column))| literal(column, value.as_deref()))
            .collect()
    }
}

/// A column as a question asks for its exact value: FLOAT is printed with six digits; as DOUBLE it is whole.
pub fn exact(name: &str, column: &Column) -> String {
    let name = identifier(name);
    match type_name(column) == "float" {
        true => format!("{name} + 0e0 AS {name}"),
        false => name,
    }
}

/// The type without its length and attributes.
pub fn type_name(column: &Column) -> &str {
    let end = column.data_type.find(|c: char| !c.is_ascii_alphanumeric());
    &column.data_type[..end.unwrap_or(column.data_type.len())]
}

/// Whether values are bytes and no text.
pub fn is_binary(column: &Column) -> bool {
    let name = type_name(column);
    name.ends_with("blob")
        || name.ends_with("binary")
        || ["bit", "geometry", "point", "polygon", "linestring"].contains(&name)
        || name.starts_with("multi")
        || name == "geometrycollection"
}

/// The values of a row's primary key, as literals.
pub type Key = Vec<String>;

/// `a`, or `(a, b)`.
pub fn tuple(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join(", ")),
    }
}

/// The condition that the primary key, of which `names` is the [`tuple`], is one of these.
pub fn is_one_of(names: &str, keys: &[Key]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| tuple(key.iter().cloned())).collect();
    format!("{names} IN ({})", keys.join(", "))
}

/// A value as a statement has it.
pub fn literal(column: &Column, value: Option<&[u8]>) -> String {
    let Some(value) = value else {
        return "NULL".to_owned();
    };
    let text = match std::str::from_utf8(value) {
        Ok(text) if !is_binary(column) => text,
        _ if value.is_empty() => return "''".to_owned(),
        _ => return format!("0x{}", hexadecimal(value)),
    };
    let name = type_name(column);
    let is_number =
        name.ends_with("int") || name == "decimal" || name == "double" || name == "float";
    // Whatever else a column of numbers may hold is a string.
    let is_plain = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && text.parse::<f64>().is_ok();
    if is_number && is_plain {
        text.to_owned()
    } else {
        string(text)
    }
}

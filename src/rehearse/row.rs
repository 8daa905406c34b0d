//! A row to fire triggers with: a value for each column that has none of its own.

use indexmap::IndexMap;

use crate::schema::model::{Column, IndexKind, Table};
use crate::schema::sql::{identifier, string};
use crate::snapshot::Row;

/// Which of two values a column gets: another one for an UPDATE than for the INSERT before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Insert,
    Update,
}

/// The row, as SQL literals by column.
pub(super) type Literals = IndexMap<String, String>;

/// Values for a new row of a table. `parents` has a value that exists for each column with a foreign key whose parent
/// table has rows; `model` is a row of the table itself, if it has any: its values are like those of the site.
pub(super) fn new_row(
    table: &Table,
    parents: &IndexMap<String, String>,
    model: Option<&Row>,
) -> Literals {
    let mut row = Literals::new();
    for (name, column) in &table.columns {
        if column.generated.is_some() || column.auto_increment {
            continue;
        }
        let unique = is_unique(table, name);
        let like_site = || value_of(model?, name);
        let is_parent = table
            .foreign_keys
            .values()
            .any(|key| key.columns.contains(name));
        let literal = match (parents.get(name), unique) {
            (None, true) if column.nullable && is_parent => "NULL".to_owned(),
            (Some(parent), _) => parent.clone(),
            (None, _) if is_parent && column.nullable => "NULL".to_owned(),
            (None, false) => like_site().unwrap_or_else(|| made_up(column, Turn::Insert)),
            (None, true) => made_up(column, Turn::Insert),
        };
        row.insert(name.clone(), literal);
    }
    row
}

/// Other values for the columns of a row that are in no key, for an UPDATE.
pub(super) fn changed(table: &Table) -> Literals {
    let in_key = |name: &str| {
        let of_keys = table.foreign_keys.values().flat_map(|key| &key.columns);
        let of_indexes = table
            .indexes
            .values()
            .filter(|index| index.kind == IndexKind::Unique);
        let parts = of_indexes
            .flat_map(|index| &index.parts)
            .chain(&table.primary_key);
        of_keys.into_iter().any(|column| column == name)
            || parts.into_iter().any(|part| part.column == name)
    };
    let columns = table.columns.iter().filter(|(name, column)| {
        column.generated.is_none() && !column.auto_increment && !in_key(name)
    });
    columns
        .map(|(name, column)| (name.clone(), made_up(column, Turn::Update)))
        .collect()
}

/// Columns and values for an INSERT.
pub(super) fn insert(name: &str, row: &Literals) -> String {
    let columns: Vec<String> = row.keys().map(|column| identifier(column)).collect();
    let values: Vec<&str> = row.values().map(String::as_str).collect();
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        identifier(name),
        columns.join(", "),
        values.join(", ")
    )
}

/// A value of a row as a literal that keeps every byte.
pub(super) fn value_of(row: &Row, column: &str) -> Option<String> {
    let bytes = row.get(column)?.as_ref()?;
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => string(text),
        Err(_) => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{}", digits.concat())
        }
    })
}

pub(super) fn is_unique(table: &Table, column: &str) -> bool {
    let of_indexes = table
        .indexes
        .values()
        .filter(|index| index.kind == IndexKind::Unique);
    let parts = of_indexes
        .flat_map(|index| &index.parts)
        .chain(&table.primary_key);
    parts.into_iter().any(|part| part.column == column)
}

/// A value of the column's type.
fn made_up(column: &Column, turn: Turn) -> String {
    let data_type = column.data_type.as_str();
    let base = data_type.split(['(', ' ']).next().unwrap_or_default();
    let is_first = turn == Turn::Insert;
    let pick = |first: &str, second: &str| {
        let value = if is_first { first } else { second };
        value.to_owned()
    };
    match base {
        "tinyint" | "bool" | "boolean" | "bit" => pick("1", "0"),
        "smallint" => pick("32001", "32002"),
        "mediumint" => pick("8300001", "8300002"),
        "int" | "integer" | "bigint" => pick("2147000001", "2147000002"),
        "decimal" | "numeric" | "float" | "double" | "real" => pick("1", "2"),
        "date" => pick("'2001-02-03'", "'2001-02-04'"),
        "datetime" | "timestamp" => pick("'2001-02-03 04:05:06'", "'2001-02-04 04:05:06'"),
        "time" => pick("'04:05:06'", "'04:05:07'"),
        "year" => pick("2001", "2002"),
        "json" => pick("'{}'", "'[]'"),
        "enum" | "set" => first_of(data_type),
        "geometry" | "point" => pick(
            "ST_GeomFromText('POINT(1 1)')",
            "ST_GeomFromText('POINT(2 2)')",
        ),
        "inet4" => pick("'192.0.2.1'", "'192.0.2.2'"),
        "inet6" => pick("'2001:db8::1'", "'2001:db8::2'"),
        "uuid" => pick(
            "'a1b2c3d4-0000-4000-8000-000000000001'",
            "'a1b2c3d4-0000-4000-8000-000000000002'",
        ),
        _ => text(data_type, turn),
    }
}

/// Text that fits into a column, and that a row of the site hardly has.
fn text(data_type: &str, turn: Turn) -> String {
    let digits: String = data_type
        .split_once('(')
        .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect())
        .unwrap_or_default();
    let length = digits.parse::<usize>().unwrap_or(usize::MAX);
    let text = match turn {
        Turn::Insert => "7q cividb",
        Turn::Update => "8q cividb",
    };
    let short: String = text.chars().take(length).collect();
    string(&short)
}

/// The first value of an ENUM or SET, as its type prints it.
fn first_of(data_type: &str) -> String {
    let Some((_, values)) = data_type.split_once('(') else {
        return "''".to_owned();
    };
    let mut literal = String::new();
    let mut quotes = 0;
    let mut rest = values.chars().peekable();
    while let Some(character) = rest.next() {
        literal.push(character);
        if character == '\'' {
            quotes += 1;
            let is_doubled = quotes > 1 && rest.peek() == Some(&'\'');
            if is_doubled {
                literal.extend(rest.next());
                quotes = 1;
            } else if quotes == 2 {
                return literal;
            }
        }
    }
    "''".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_gets_a_value_that_fits() {
        for (data_type, first, second) in [
            ("int unsigned", "2147000001", "2147000002"),
            ("varchar(3)", "'7q '", "'8q '"),
            ("longtext", "'7q cividb'", "'8q cividb'"),
            ("enum('it''s','b')", "'it''s'", "'it''s'"),
            ("set('a','b')", "'a'", "'a'"),
            ("datetime", "'2001-02-03 04:05:06'", "'2001-02-04 04:05:06'"),
        ] {
            let column = Column::new(data_type, false);
            assert_eq!(made_up(&column, Turn::Insert), first);
            assert_eq!(made_up(&column, Turn::Update), second);
        }
    }
}

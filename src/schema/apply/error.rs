//! Why a server would refuse a statement.

use crate::schema::element::Duplicate;

/// Why a server would refuse a statement. The schema is then as before the statement, except for the actions of
/// an ALTER TABLE that come before the one refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The statement needs an object that does not exist.
    #[error("there is no {kind} {name}{}", in_table(.table))]
    Missing {
        /// The kind of object: `table`, `column`, `index` and so on.
        kind: &'static str,
        /// The name of the object.
        name: String,
        /// The table in which the object was looked for; `None` if it is a table itself.
        table: Option<String>,
    },
    /// The statement creates an object that exists already.
    #[error("the {kind} {name} exists already{}", in_table(.table))]
    Exists {
        /// The kind of object: `table`, `column`, `index` and so on.
        kind: &'static str,
        /// The name of the object.
        name: String,
        /// The table that has the object; `None` if it is a table itself.
        table: Option<String>,
    },
}

fn in_table(table: &Option<String>) -> String {
    let table = table.as_ref();
    table.map_or_else(String::new, |table| format!(" in table {table}"))
}

pub(super) fn missing(kind: &'static str, name: &str) -> ApplyError {
    let (name, table) = (name.to_owned(), None);
    ApplyError::Missing { kind, name, table }
}

pub(super) fn missing_in(table: &str, kind: &'static str, name: &str) -> ApplyError {
    let (name, table) = (name.to_owned(), Some(table.to_owned()));
    ApplyError::Missing { kind, name, table }
}

pub(super) fn exists(kind: &'static str, name: &str) -> ApplyError {
    let (name, table) = (name.to_owned(), None);
    ApplyError::Exists { kind, name, table }
}

pub(super) fn duplicate_in(table: &str, duplicate: Duplicate) -> ApplyError {
    let (Duplicate { kind, name }, table) = (duplicate, Some(table.to_owned()));
    ApplyError::Exists { kind, name, table }
}

pub(super) fn refuse_unless(tolerated: bool, error: ApplyError) -> Result<(), ApplyError> {
    if tolerated { Ok(()) } else { Err(error) }
}

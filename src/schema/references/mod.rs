//! Finds the objects that the body of a trigger, view, routine or event uses.
//!
//! This is not a grammar of all of SQL, but one pass over the tokens that knows in which clause it is. Where it
//! cannot be certain it reports nothing, because a name that it invents would be a false alarm about somebody's
//! backup. Names in strings that are run as SQL cannot be seen.

mod builtin;
mod scan;
mod selected;
#[cfg(test)]
mod tests;
mod users;

use super::{lexer::SqlModes, model::Name};

pub use selected::{Selected, selected};
pub use users::{User, users};

/// The objects that the body of a stored program or view names: each list in order, without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Tables and views that are read or written; not those that the body makes itself.
    pub tables: Vec<Name>,
    /// Columns of the trigger's own table, named by `NEW.` or `OLD.`.
    pub new_old_columns: Vec<String>,
    /// Columns whose table is certain: those of INSERT lists, the targets of
    /// single-table UPDATEs, and those qualified by a table or an unambiguous alias.
    pub columns: Vec<(Name, String)>,
    /// Functions called that are neither built in nor part of the language.
    pub functions: Vec<Name>,
    /// Procedures that the body calls.
    pub procedures: Vec<Name>,
    /// What the body certainly does with tables and views, as far as it takes privileges on them.
    pub accesses: Vec<(Name, Access)>,
    /// Columns of the trigger's own table that `SET NEW.column = …` changes.
    pub new_columns_set: Vec<String>,
}

/// What a statement does with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// The statement reads the table.
    Select,
    /// The statement adds rows to the table.
    Insert,
    /// The statement changes rows of the table.
    Update,
    /// The statement deletes rows of the table.
    Delete,
}

/// Finds the objects that a body uses. `body` is a trigger's body, a view's query, or the whole definition of a
/// routine or event.
pub fn of(body: &str, modes: SqlModes) -> References {
    scan::scan(body, modes)
}

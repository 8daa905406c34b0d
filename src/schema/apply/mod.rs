//! Runs statements on the schema model as a server runs them on a database.
//!
//! A [`Schema`](super::model::Schema) is one database. The caller decides which database a qualified name means; here only the last
//! part of a name counts. Statements that do not change a schema have no effect.

mod error;
mod names;
mod programs;
mod statement;
mod table;
mod tables;
#[cfg(test)]
mod tests;

pub use error::ApplyError;
pub(crate) use names::rename_key;

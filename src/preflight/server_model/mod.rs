//! A server on paper: runs the operations of upgrade steps on the schema model, and refuses what a MySQL or MariaDB
//! server would refuse, with the number and the words that this server has for it.
//!
//! - `model`: the server itself, with its settings
//! - [`error`]: the errors and their words
//! - `create`: CREATE TABLE, DROP TABLE, RENAME TABLE and views
//! - `alter`: ALTER TABLE
//! - `foreign_key`: what a foreign key needs
//! - `limits`: lengths of keys

mod alter;
mod create;
pub mod error;
mod foreign_key;
mod limits;
mod model;
#[cfg(test)]
mod tests;

pub use alter::Silent;
pub(super) use alter::resolved;
pub(super) use create::written;
pub use error::ServerError;
pub(super) use limits::has_short_prefixes;
pub use model::ServerModel;

//! A grammar for the statements of a dump: what mysqldump, mariadb-dump, phpMyAdmin, Adminer
//! and mydumper write and SHOW CREATE prints, on MySQL 5.0 to 9.x and MariaDB 5.x to 11.x.
//!
//! Text becomes the canonical model at once, so that the same table gives the same
//! [`Table`](super::model::Table) whichever server printed it. The grammar is not that of a
//! server: it takes what a server would take of these statements, but does not look into
//! expressions, bodies and partitions. Nothing in it recurses, so no nesting is too deep.

mod alter;
mod column;
mod data_type;
mod error;
mod key;
mod other;
mod parse;
pub(crate) mod parser;
mod program;
mod statement;
mod table;
#[cfg(test)]
mod tests;

pub use error::DdlError;
pub use parse::{parse, parse_with_charsets};
pub use statement::*;

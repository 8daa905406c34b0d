//! Reads a database on a running server into a [`Snapshot`]: one question for each view of information_schema,
//! put together here.

mod database;
mod facts;
mod printed;
mod programs;
mod rows;
mod tables;
mod used;

pub use database::{ReadOptions, read, server_facts};
pub use printed::show_create_table;
pub use rows::count;

use super::answer::text;
use crate::snapshot::Row;

/// A value of a row as text; empty where it is NULL or missing.
fn name(row: &Row, column: &str) -> String {
    text(row, column).unwrap_or_default()
}

//! What two sources hold, compared row by row: through a restore, a move to another server, an upgrade.
//!
//! ```text
//! dump, server -> rows in one canonical form -> sums by table and column -> tables that differ
//!              -> (read again) hashes of their rows -> lost, new, changed -> the steps that did it on purpose
//! ```
//!
//! - [`form`]: one form for each value, however it is spelled
//! - [`pass`]: one reading of the rows of a source
//! - `layout`, [`dump`], [`server`]: readings of dumps and servers
//! - [`digest`]: sums of hashes that stand for a table
//! - [`passes`]: the readings: sums, rows of the tables that differ, rows to show or to write
//! - [`difference`]: rows matched by their keys
//! - [`export`]: the rows that differ, as files
//! - [`through`]: what the steps of an upgrade do on purpose
//! - [`matching`]: which table and column of one source is which of the other
//! - [`side`]: one of the two sources; `again`: what is read again of it
//! - `judge`: what differs, and what of it is meant
//! - [`comparison`]: the whole
//! - [`totals`]: numbers that people check by hand

mod again;
pub mod comparison;
pub mod difference;
pub mod digest;
pub mod dump;
pub mod export;
pub mod form;
mod judge;
mod layout;
pub mod matching;
pub mod pass;
pub mod passes;
pub mod server;
pub mod side;
pub mod through;
pub mod totals;

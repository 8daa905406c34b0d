//! Questions about rows (are there orphans, duplicates, NULLs where none may be?), and their
//! answers from a dump or a server.
//!
//! ```text
//! schema, release, target -> questions -> dump:   gather (one pass), then rows (a second, if anything was found)
//!                                      -> server: SQL, in ranges of keys
//!                                      -> answers -> checks::rows -> findings
//! ```
//!
//! - [`question`]: what is asked of which table, from its own keys, its release and the target
//! - [`rules`]: what CiviCRM's upgrade steps ask of rows, and references that are not foreign keys
//! - [`collation`], [`alike`], [`ids`]: what is equal, sets of ids
//! - [`needs`]: which columns the questions look at
//! - [`gather`]: the first pass over a dump; [`layout`]: which values of its rows are read, [`table_facts`]: what is kept of them
//! - [`rows`]: the second pass: the offending rows themselves
//! - [`dump`]: both passes in order
//! - [`for_upgrade`]: answers as an upgrade on paper takes them
//! - [`sql`]: the same questions as SQL
//! - [`server`]: asks them
//! - [`answer`]: what is found
//!
//! A dump and a server that hold the same rows give the same answers.

pub mod alike;
pub mod answer;
pub mod collation;
pub mod dump;
pub mod for_upgrade;
pub mod gather;
pub mod ids;
pub mod layout;
pub mod needs;
pub mod question;
pub mod rows;
pub mod rules;
pub mod server;
pub mod sql;
pub mod table_facts;

pub use answer::{Answer, Answers, ExportOptions, MAX_KEYS, NotAnswered, Sample, Statistics};

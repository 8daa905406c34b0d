//! cividb: verify, compare and repair the MySQL and MariaDB databases of CiviCRM sites.
//!
//! The rooms, and the way of the data from left to right:
//!
//! ```text
//! cli -> source -> dump or server -> Snapshot -> checks (with civicrm) -> findings -> report
//!                                                                     -> repair (only with --apply)
//! ```
//!
//! - [`cli`]: arguments, one file per command
//! - [`source`]: what the user named, and the facts from there
//! - [`dump`]: bytes, then statements, then facts: containers, scanner, reader
//! - [`server`]: a running server: the way in, its views of information_schema, grants, probe
//! - [`snapshot`]: all that is known about one database, from whichever source
//! - [`schema`]: what a database is made of: model, DDL in and out, comparison
//! - [`civicrm`]: what CiviCRM should look like: releases, tables, triggers
//! - [`checks`]: rules, from a snapshot to findings; [`checks::table`] lists them all
//! - [`integrity`]: questions about rows, answered from a dump or by a server
//! - [`repair`]: changes with a journal, and the way back
//! - [`report`]: findings for people and for programs
//! - [`privilege`] and [`server_version`]: words that several rooms share; [`row_file`]: rows that
//!   are exported; [`threads`]: how many work
//!
//! Rooms look only to the right of themselves: `schema` knows nothing of CiviCRM, `checks`
//! nothing of terminals, and no check asks where a fact came from.
//!
//! # Example
//! ```
//! use cividb::checks::{self, Context, Severity};
//! use cividb::source::{Access, Location};
//!
//! let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.sql.gz");
//! for location in Location::expand(sample, &Access::default())? {
//!     let snapshot = location.read(None, &mut |_| {})?;
//!     let findings = checks::verify(&snapshot, &Context::default());
//!     assert_eq!(findings.count(Severity::Error), 0);
//! }
//! # Ok::<(), cividb::source::SourceError>(())
//! ```

pub mod change;
pub mod checks;
pub mod civicrm;
pub mod cli;
pub mod dump;
pub mod exit;
pub mod grants;
pub mod integrity;
pub mod privilege;
pub mod repair;
pub mod report;
pub mod row_file;
pub mod schema;
pub mod server;
pub mod server_version;
pub mod snapshot;
pub mod source;
pub mod text;
pub mod threads;

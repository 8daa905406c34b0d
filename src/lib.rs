//! cividb: verify, compare and repair the MySQL and MariaDB databases of CiviCRM sites.
//!
//! The way of the data:
//!
//! ```text
//! cli -> -> -> -> -> -> -> Case Snapshot checks dump findings gate or report server source
//!                                                                  findings -> repair -> change (only with --apply)
//! ```
//!
//! # The map
//! Each room, and the rooms that it may use. A room stands below all that it uses; `tests/layers.rs` reads this
//! map and holds every path of the code against it.
//!
//! ```text
//! exit -> nothing
//! text -> nothing
//! threads -> nothing
//! row_file -> nothing
//! small_file -> nothing
//! serialized -> nothing
//! server_version -> nothing
//! dialect -> server_version
//! schema -> text
//! gate -> text
//! privilege -> server_version
//! grants -> privilege schema server_version
//! snapshot -> grants schema server_version
//! civicrm -> grants privilege schema server_version small_file snapshot threads
//! cms -> schema serialized snapshot
//! dump -> schema server_version snapshot threads
//! server -> gate grants privilege schema server_version small_file snapshot text
//! change -> gate row_file schema server small_file snapshot text
//! sandbox -> gate schema server server_version text
//! settings -> server
//! source -> civicrm dump schema server settings snapshot text
//! case -> civicrm cms server_version snapshot
//! preflight -> case civicrm gate grants privilege schema server_version snapshot
//! integrity -> case civicrm dump gate preflight row_file schema server snapshot source text
//! contents -> civicrm dump gate row_file schema server snapshot source text
//! checks -> case civicrm cms contents dialect dump gate grants integrity preflight privilege schema serialized server server_version settings snapshot text
//! repair -> case change checks civicrm gate grants preflight row_file schema server server_version snapshot source text
//! rehearse -> dump gate preflight sandbox schema server server_version snapshot source text
//! extract -> civicrm dialect dump gate schema server_version snapshot text
//! rollback -> case change civicrm contents dump extract gate grants privilege rehearse sandbox schema server server_version snapshot source text
//! messages -> checks
//! runbook -> case checks civicrm cms grants preflight serialized server server_version settings snapshot text
//! report -> case change checks civicrm contents exit extract integrity messages preflight rehearse repair rollback runbook schema server_version snapshot text
//! fleet -> checks civicrm report server small_file
//! cli -> case change checks civicrm contents dump exit extract fleet gate grants integrity messages preflight rehearse repair report rollback row_file runbook schema server server_version settings small_file snapshot source text threads
//! ```
//!
//! - [`exit`]: the exit codes
//! - [`text`]: text made safe for terminals, numbers and counts in words
//! - [`threads`]: how many threads work, and work shared among them
//! - [`row_file`]: files of exported rows
//! - [`small_file`]: files that are read as a whole
//! - [`serialized`]: values that PHP wrote
//! - [`server_version`], [`privilege`]: versions of servers, names of privileges
//! - [`dialect`]: what servers take of what others have
//! - [`schema`]: what a database is made of: model, DDL in and out, comparison
//! - [`gate`]: reads every statement back before it is printed or run
//! - [`grants`]: what an account may do, and what it would have to be allowed
//! - [`snapshot`]: all that is known about one database, from whichever source
//! - [`civicrm`]: what CiviCRM should look like: releases, tables, triggers, privileges
//! - [`cms`]: what the tables of the CMS say
//! - [`dump`]: bytes, then statements, then facts: containers, scanner, reader
//! - [`server`]: a running server: the way in, its views of information_schema, the probe
//! - [`sandbox`]: a throw-away server to try things on
//! - [`settings`]: a site's settings file, read as data
//! - [`source`]: what the user named, and the facts from there
//! - [`case`]: a snapshot with its site, its release and where it is to go: what rules take
//! - [`preflight`]: an upgrade on paper: where it would stop, and what mends it before
//! - [`integrity`]: questions about rows, answered from a dump or by a server
//! - [`contents`]: what two sources hold, compared row by row
//! - [`checks`]: rules, from facts to findings
//! - [`change`]: one way to change a database: step, executor, journal, undo
//! - [`rehearse`]: a backup restored for real, and proved to work
//! - [`repair`]: findings to plans, and what keeps them from doing harm
//! - [`extract`]: a dump in, a dump out: the part that is wanted, as its new server takes it
//! - [`rollback`]: back to a backup, without the tables of the CMS
//! - [`messages`]: what error messages mean, and which findings are their cause
//! - [`runbook`]: the upgrade guide for one site
//! - [`report`]: findings for people and for programs
//! - [`fleet`]: many sources in one run
//! - [`cli`]: arguments, one file per command
//!
//! # Example
//! ```
//! use cividb::case::Case;
//! use cividb::checks::{Examination, Selection, Severity, VERIFY, examine};
//! use cividb::civicrm::catalogue::Catalogue;
//! use cividb::source::{Access, Location};
//!
//! let catalogue = Catalogue::embedded()?;
//! let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.sql.gz");
//! for location in Location::expand(sample, &Access::default())? {
//!     let case = Case::new(location.read(None, &mut |_| {})?, &catalogue);
//!     let findings = examine(&Examination::of(&case), VERIFY, &Selection::default());
//!     assert_eq!(findings.count(Severity::Error), 0);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod case;
pub mod change;
pub mod checks;
pub mod civicrm;
pub mod cli;
pub mod cms;
pub mod contents;
pub mod dialect;
pub mod dump;
pub mod exit;
pub mod extract;
pub mod fleet;
pub mod gate;
pub mod grants;
#[cfg(test)]
#[path = "../tests/integration/hostile.rs"]
mod hostile;
pub mod integrity;
pub mod messages;
pub mod preflight;
pub mod privilege;
pub mod rehearse;
pub mod repair;
pub mod report;
pub mod rollback;
pub mod row_file;
pub mod runbook;
pub mod sandbox;
pub mod schema;
pub mod serialized;
pub mod server;
pub mod server_version;
pub mod settings;
#[cfg(test)]
#[path = "../tests/integration/skip.rs"]
mod skip;
pub mod small_file;
pub mod snapshot;
pub mod source;
pub mod text;
pub mod threads;

//! Checks and their rules: they turn what is known of a database into findings.
//!
//! A [`Check`] stands in the file of its rules, [`registry`] collects all of them, and a command is a set of
//! [`Group`]s. Rules look at an [`Examination`] only and never ask where a fact came from; what a source cannot
//! tell, their needs say ([`Need`]).

pub mod acceptance;
mod advice;
pub mod against;
mod age;
mod check;
mod cms;
mod commands;
mod conduct;
mod content;
pub mod contents;
mod cut;
mod definers;
mod examination;
mod extensions;
mod finding;
pub mod grants;
mod letter_case;
mod needs;
mod objects;
pub mod pieces;
mod places;
mod programs;
pub mod registry;
mod restore;
mod restore_privilege;
mod rows;
pub mod schema;
mod server;
mod settings;
mod site;
pub mod upgrade;
mod users;
pub mod version;
pub mod wholeness;

pub use age::MaxAge;
pub use check::{Check, Group, Rule, Severity};
pub use cms::LIGHTBOX_MENDED;
pub use commands::{
    CHECK, COMMANDS, COMPARE, DIFF, GRANTS, ORPHANS, PREFLIGHT, REHEARSE, REHEARSE_SITE, VERIFY,
    VERSION, commands_of,
};
pub use cut::cut;
pub use examination::{Examination, OtherSource, Privileges, Rows};
pub use finding::{Detected, Finding, Findings, NotChecked, Object, RowsFound};
pub use needs::{Answer, BEGINNING_MISSING, Lack, Need};
pub use objects::is_made_again;
pub use places::stored_place;
pub use registry::{Selection, examine};

//! Checks and their rules: they turn what is known of a database into findings.
//!
//! A [`Check`] stands in the file of its rules, [`registry`] collects all of them, and a command is a set of
//! [`Group`]s. Rules look at an [`Examination`] only and never ask where a fact came from; what a source cannot
//! tell, their needs say ([`Need`]).

pub mod acceptance;
pub mod against;
mod check;
mod content;
mod definers;
mod examination;
mod finding;
pub mod grants;
mod needs;
mod objects;
pub mod pieces;
pub mod registry;
mod restore;
mod rows;
pub mod schema;
mod server;
pub mod upgrade;
pub mod version;
pub mod wholeness;

pub use check::{Check, Group, Rule, Severity};
pub use examination::{Examination, OtherSource, Privileges, Rows};
pub use finding::{Detected, Finding, Findings, NotChecked, Object, RowsFound};
pub use needs::{Answer, BEGINNING_MISSING, Lack, Need};
pub use registry::{Selection, examine};

/// Adds the findings that say that a dump is cut or damaged, so that its structure may be
/// incomplete as well.
pub fn cut(examined: &Examination, findings: &mut Findings) {
    let mut found = Findings::default();
    for check in wholeness::CUT {
        registry::run(check, &[Group::Dump], examined, &mut found);
    }
    found
        .list
        .retain(|finding| finding.severity == Severity::Error);
    findings.list.append(&mut found.list);
}

/// The groups of `verify`: whether a dump is complete and can be restored.
pub const VERIFY: &[Group] = &[
    Group::Dump,
    Group::Restore,
    Group::Objects,
    Group::Backup,
    Group::Against,
];

/// The groups of `diff`: how a schema differs from its release.
pub const DIFF: &[Group] = &[Group::Schema, Group::Release];

/// The groups of `version`: what `civicrm_domain.version` says.
pub const VERSION: &[Group] = &[Group::Version, Group::Release];

/// The groups of `grants`: whether the account and the server are fit for an upgrade.
pub const GRANTS: &[Group] = &[Group::Grants, Group::Server];

/// The groups of `orphans`: whether the rows are sound.
pub const ORPHANS: &[Group] = &[Group::Rows];

/// The groups of `preflight`: whether the upgrade succeeds.
pub const PREFLIGHT: &[Group] = &[Group::Upgrade];

/// The groups of `check`: everything that can be checked of a source.
pub const CHECK: &[Group] = &[
    Group::Dump,
    Group::Restore,
    Group::Objects,
    Group::Schema,
    Group::Release,
    Group::Version,
    Group::Server,
    Group::Grants,
    Group::Rows,
    Group::Upgrade,
];

/// The commands that make checks, each with its groups.
pub const COMMANDS: &[(&str, &[Group])] = &[
    ("verify", VERIFY),
    ("check", CHECK),
    ("diff", DIFF),
    ("version", VERSION),
    ("grants", GRANTS),
    ("orphans", ORPHANS),
    ("preflight", PREFLIGHT),
];

//! Which checks each command makes.

use super::{Check, Group};

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
pub const PREFLIGHT: &[Group] = &[Group::Upgrade, Group::Begin];

/// The groups of `compare`: what was lost or changed between two sources.
pub const COMPARE: &[Group] = &[Group::Contents];

/// The groups of `rehearse` that look whether the restored database works.
pub const REHEARSE: &[Group] = &[Group::Objects];

/// The groups of `rehearse` that look at the site in the restored database. What they find, the site had before its
/// backup was made.
pub const REHEARSE_SITE: &[Group] = &[Group::Schema, Group::Release, Group::Version];

/// All groups of `rehearse`.
const REHEARSE_ALL: &[Group] = &[
    Group::Dump,
    Group::Restore,
    Group::Objects,
    Group::Backup,
    Group::Against,
    Group::Schema,
    Group::Release,
    Group::Version,
    Group::Rows,
    Group::Contents,
];

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
    Group::Settings,
    Group::Site,
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
    ("compare", COMPARE),
    ("rehearse", REHEARSE_ALL),
];

/// The names of the commands that make a check, in the order of [`COMMANDS`].
pub fn commands_of(check: &Check) -> Vec<&'static str> {
    let commands = COMMANDS.iter();
    commands
        .filter(|(_, groups)| check.is_in(groups))
        .map(|(name, _)| *name)
        .collect()
}

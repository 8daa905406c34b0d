//! What a check is: an entry of the registry, with the rules that look for it.

use schemars::JsonSchema;
use serde::Serialize;

use super::examination::Examination;
use super::finding::Findings;
use super::needs::Need;

/// What a finding does to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing fails for it.
    Note,
    /// The backup, the upgrade or the application may fail or lose data.
    Warning,
    /// The backup, the upgrade or the application will fail or lose data.
    Error,
}

impl Severity {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A check: what it is called, what it looks for, and the rules that do so.
///
/// A check stands in the file of its rules; [`super::registry::FAMILIES`] collects them all.
#[derive(Debug)]
pub struct Check {
    /// Part of the contract with scripts; never changes.
    pub id: &'static str,
    /// How its findings usually rank; a finding may rank lower or higher where it does less or more harm.
    pub severity: Severity,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// What happens to somebody who ignores a finding.
    pub why: &'static str,
    /// What to do about a finding, in general; a finding says it for its own case.
    pub fix: &'static str,
    /// The message of a typical finding.
    pub example: &'static str,
    /// Where the knowledge comes from: releases, files and messages of CiviCRM or of a server; empty where it is
    /// plain.
    pub source: &'static str,
    /// What looks for it. Each rule makes findings of this check alone.
    pub rules: &'static [Rule],
}

/// One way in which a check looks at a source.
#[derive(Debug)]
pub struct Rule {
    /// The commands that run it are those that include this group.
    pub group: Group,
    /// What has to be known before it can run. Where a need is not met, the check is reported as not made.
    pub needs: &'static [Need],
    /// Adds the findings.
    pub run: fn(&'static Check, &Examination, &mut Findings),
}

/// Rules that belong together. A command is a set of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Whether a dump is whole, as a file.
    Dump,
    /// What a restore of a dump would meet.
    Restore,
    /// Whether all objects are there and fit together.
    Objects,
    /// Whether a backup is a state to go back to.
    Backup,
    /// Whether a backup holds what its site holds.
    Against,
    /// Whether the schema is that of its release.
    Schema,
    /// Whether `civicrm_domain.version` names the release that the schema is of.
    Release,
    /// What `civicrm_domain.version` says.
    Version,
    /// Whether the server fits.
    Server,
    /// Whether the account may do what it has to do.
    Grants,
    /// Whether the rows are sound.
    Rows,
}

impl PartialEq for Check {
    /// Ids are unique.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Check {}

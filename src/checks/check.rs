//! What a check is: an entry of the registry, with the rules that look for it.

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::examination::Examination;
use super::finding::Findings;
use super::needs::Need;

/// What a finding means to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The finding is worth knowing; nothing fails because of it.
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

/// A check: one kind of problem, and the rules that look for it.
///
/// A check stands in the file of its rules; [`super::registry::FAMILIES`] collects them all.
#[derive(Debug)]
pub struct Check {
    /// The name that reports and options use. It is part of the contract with scripts and never
    /// changes.
    pub id: &'static str,
    /// How its findings usually rank; a finding may rank lower or higher where it does less or more harm.
    pub severity: Severity,
    /// What the check looks for, in a few words.
    pub title: &'static str,
    /// What happens to somebody who ignores a finding.
    pub why: &'static str,
    /// What to do about a finding, in general; a finding says it for its own case.
    pub fix: &'static str,
    /// The message of a typical finding.
    pub example: &'static str,
    /// Where the knowledge comes from: releases, files and messages of CiviCRM or of a server; empty where no
    /// source is needed.
    pub source: &'static str,
    /// The rules that look for the problem. Each makes findings of this check only.
    pub rules: &'static [Rule],
}

/// One way in which a check looks at a source.
#[derive(Debug)]
pub struct Rule {
    /// The group that the rule belongs to: the commands that run it are those that include this
    /// group.
    pub group: Group,
    /// What has to be known before the rule can run. Where a need is not met, the check is reported as not
    /// made.
    pub needs: &'static [Need],
    /// The function that looks at a source and adds the findings.
    pub run: fn(&'static Check, &Examination, &mut Findings),
}

impl Rule {
    /// A rule of a group, with what it needs and what adds its findings.
    pub(super) const fn new(
        group: Group,
        needs: &'static [Need],
        run: fn(&'static Check, &Examination, &mut Findings),
    ) -> Self {
        Self { group, needs, run }
    }
}

/// Rules that belong together. A command is a set of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Rules that look whether a dump is complete, as a file.
    Dump,
    /// Rules that look what a restore of a dump would stop at.
    Restore,
    /// Rules that look whether all objects exist and fit together.
    Objects,
    /// Rules that look whether a backup is a state to go back to.
    Backup,
    /// Rules that compare a backup with its site.
    Against,
    /// Rules that compare the schema with its release.
    Schema,
    /// Rules that look whether `civicrm_domain.version` names the release that the schema is of.
    Release,
    /// Rules that look whether `civicrm_domain.version` is one that CiviCRM takes.
    Version,
    /// Rules that look whether the server and its settings fit the release.
    Server,
    /// Rules that look whether the account has the privileges that it needs.
    Grants,
    /// Rules that turn the answers to questions about rows into findings.
    Rows,
    /// Rules that turn an upgrade on paper into findings.
    Upgrade,
    /// Rules that look at the settings file of the site.
    Settings,
    /// Rules that tell from the settings file that the upgrade does not begin: errors that those of [`Group::Settings`] find
    /// as well.
    Begin,
    /// Rules that look at what the database says of the site.
    Site,
    /// Rules that turn the comparison of the contents of two sources into findings.
    Contents,
}

impl Check {
    /// Whether a rule of the check belongs to one of these groups.
    pub fn is_in(&self, groups: &[Group]) -> bool {
        self.rules.iter().any(|rule| groups.contains(&rule.group))
    }
}

impl PartialEq for Check {
    /// Checks are equal when their ids are, which are unique.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Check {}

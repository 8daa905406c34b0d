//! What checks find, and what they could not look at.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::acceptance::Accepted;
use super::check::{Check, Severity};
use super::needs::Lack;
use super::registry::{self, Selection};
use crate::integrity::Sample;
use crate::snapshot::At;

/// The thing a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Object {
    /// `table`, `view`, `trigger`, `function`, `procedure`, `event`, `account`, `file`, …
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The table it belongs to, where it belongs to one.
    pub table: Option<String>,
}

/// Something a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// How it ranks.
    pub severity: Severity,
    /// What it is about; `None` for the source as a whole.
    pub object: Option<Object>,
    /// What should be.
    pub expected: Option<String>,
    /// What is.
    pub actual: Option<String>,
    /// One sentence for people.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Where in the dump.
    pub at: Option<At>,
    /// The rows it is about, where it is about rows.
    pub rows: Option<RowsFound>,
    /// What CiviCRM's own upgrades leave in every database says where it comes from, in a few
    /// words; reports fold such findings.
    pub inherited: Option<String>,
    /// Somebody knows the finding and lives with it: it is shown and does not count.
    pub accepted: Option<Accepted>,
}

/// Rows that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RowsFound {
    /// How many; `None` where a stream could not be read again to count them.
    pub count: Option<u64>,
    /// Different values among them, or groups of equal rows, where they were counted.
    pub values: Option<u64>,
    /// The columns that are wrong.
    pub columns: Vec<String>,
    /// The upgrade step that fails on them.
    pub step: Option<String>,
    /// The first of them.
    pub samples: Vec<Sample>,
    /// The file they were written to.
    pub file: Option<PathBuf>,
}

impl Finding {
    /// A finding of the check's own severity about the source as a whole.
    pub fn new(check: &'static Check, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            check,
            severity: check.severity,
            object: None,
            expected: None,
            actual: None,
            message: message.into(),
            fix: fix.into(),
            at: None,
            rows: None,
            inherited: None,
            accepted: None,
        }
    }

    /// Ranks it differently from the check's usual severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says what it is about.
    #[must_use]
    pub fn about(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.object = Some(Object {
            kind,
            name: name.into(),
            table: None,
        });
        self
    }

    /// Says which table the object belongs to.
    #[must_use]
    pub fn of_table(mut self, table: impl Into<String>) -> Self {
        if let Some(object) = &mut self.object {
            object.table = Some(table.into());
        }
        self
    }

    /// Sets both sides.
    #[must_use]
    pub fn sides(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.actual = Some(actual.into());
        self
    }

    /// Says where in the dump.
    #[must_use]
    pub fn at(mut self, at: &At) -> Self {
        self.at = Some(at.clone());
        self
    }
}

/// A check that was not made, or not of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NotChecked {
    /// The check's id.
    pub check: &'static str,
    /// Why not.
    pub why: String,
    /// Whether the command promises to look at it, so that the report is not complete. What such a source never
    /// has, and what the user left out, is not missed.
    pub incomplete: bool,
}

/// What the checks of one run found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Worst first once [`Findings::sort`] was called.
    pub list: Vec<Finding>,
    /// Checks that could not be made.
    pub not_checked: Vec<NotChecked>,
}

/// The release that a schema is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Detected {
    /// The last release of that schema, as a minor release where that is enough.
    pub release: String,
    /// Name of the state in the catalogue.
    pub state: String,
    /// How many differences there are to it.
    pub differences: usize,
    /// Other states that fit as well.
    pub also: Vec<String>,
    /// Objects that tell it from its neighbours.
    pub evidence: Vec<String>,
    /// Tables and columns of later releases.
    pub later: Vec<String>,
    /// Tables that no release says anything about, by class.
    pub not_compared: BTreeMap<&'static str, usize>,
    /// The last step that the upgrader noted.
    pub last_step: Option<String>,
}

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Says that a check was not made, or not of everything. The same is said once.
    pub fn skip(&mut self, check: &'static Check, lack: impl Into<Lack>) {
        let lack = lack.into();
        let skipped = NotChecked {
            check: check.id,
            why: lack.why,
            incomplete: lack.incomplete,
        };
        if !self.not_checked.contains(&skipped) {
            self.not_checked.push(skipped);
        }
    }

    /// Whether something was not looked at that should have been.
    pub fn are_incomplete(&self) -> bool {
        self.not_checked.iter().any(|skipped| skipped.incomplete)
    }

    /// Whether there is a finding of this check.
    pub fn has(&self, check: &Check) -> bool {
        self.list.iter().any(|finding| finding.check.id == check.id)
    }

    /// Keeps the findings of selected checks.
    pub fn retain(&mut self, selection: &Selection) {
        self.list
            .retain(|finding| selection.includes(finding.check));
    }

    /// How many findings rank so; accepted ones do not count.
    pub fn count(&self, severity: Severity) -> usize {
        let counted = self
            .list
            .iter()
            .filter(|finding| finding.accepted.is_none());
        counted
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// How many findings are accepted.
    pub fn count_accepted(&self) -> usize {
        self.list
            .iter()
            .filter(|finding| finding.accepted.is_some())
            .count()
    }

    /// Worst first, then in the order of the registry; within a check what is
    /// inherited last, otherwise as found. Accepted ones stand behind all others.
    pub fn sort(&mut self) {
        self.list.sort_by_cached_key(|finding| {
            let severity = std::cmp::Reverse(finding.severity);
            let rank = registry::position(finding.check.id);
            let is_accepted = finding.accepted.is_some();
            (is_accepted, severity, rank, finding.inherited.is_some())
        });
    }
}

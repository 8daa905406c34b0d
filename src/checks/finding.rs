//! What checks have found, and what they could not look at.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::acceptance::Accepted;
use super::check::{Check, Severity};
use super::needs::Lack;
use super::registry::{self, Selection};
use crate::integrity::Sample;
use crate::snapshot::At;

/// The thing a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Object {
    /// `table`, `view`, `trigger`, `function`, `procedure`, `event`, `account`, `file`, …
    pub kind: &'static str,
    /// The object's name.
    pub name: String,
    /// The table that the object belongs to; `None` for one that does not belong to a table.
    pub table: Option<String>,
}

impl Object {
    /// The table that it is, or belongs to.
    pub fn of_table(&self) -> Option<&str> {
        let own = (self.kind == "table").then_some(self.name.as_str());
        self.table.as_deref().or(own)
    }
}

/// Something that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that has found it.
    pub check: &'static Check,
    /// The severity of this finding.
    pub severity: Severity,
    /// The object that the finding is about; `None` for the source as a whole.
    pub object: Option<Object>,
    /// What was expected, where that can be said.
    pub expected: Option<String>,
    /// What the source has instead, where that can be said.
    pub actual: Option<String>,
    /// What was found, as one sentence for people.
    pub message: String,
    /// What to do about the finding.
    pub fix: String,
    /// Where in the dump the finding stands.
    pub at: Option<At>,
    /// The rows that the finding is about, where it is about rows.
    pub rows: Option<RowsFound>,
    /// Where the finding comes from, in a few words, if it is inherited: CiviCRM's own upgrades
    /// leave it in every database. Reports fold such findings.
    pub inherited: Option<String>,
    /// Why and until when the finding is accepted: an accepted finding is shown and does not count.
    pub accepted: Option<Accepted>,
}

/// Rows that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RowsFound {
    /// The number of rows; `None` where a stream could not be read again to count them.
    pub count: Option<u64>,
    /// The number of different values, or of groups of equal rows, where they were counted.
    pub values: Option<u64>,
    /// The columns whose values are wrong.
    pub columns: Vec<String>,
    /// The upgrade step that fails because of these rows.
    pub step: Option<String>,
    /// The first of the rows.
    pub samples: Vec<Sample>,
    /// The file that the rows were written to.
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

    /// Gives the finding another severity than the usual one of its check.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says which object the finding is about.
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

    /// Says what was expected and what the source has instead.
    #[must_use]
    pub fn sides(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.actual = Some(actual.into());
        self
    }

    /// What it takes in memory, roughly.
    fn bytes(&self) -> usize {
        let sides = [&self.expected, &self.actual].into_iter().flatten();
        let object = self.object.as_ref();
        let names = object.map_or(0, |object| {
            object.name.len() + object.table.as_ref().map_or(0, String::len)
        });
        let sides: usize = sides.map(String::len).sum();
        self.message.len() + self.fix.len() + names + sides + OVERHEAD
    }

    /// Says where in the dump the finding stands.
    #[must_use]
    pub fn at(mut self, at: &At) -> Self {
        self.at = Some(at.clone());
        self
    }
}

/// A check that was not made, or not of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct NotChecked {
    /// The id of the check.
    pub check: &'static str,
    /// Why the check was not made.
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
    /// The bytes of the findings in the list, roughly.
    bytes: usize,
    /// How many findings of each check were left out, because there are too many.
    left_out: BTreeMap<&'static str, u64>,
}

/// The most bytes that the findings of one source take, roughly; a real database with everything wrong has not half of it.
const MAX_BYTES: usize = 16 << 20;

/// What a finding takes besides its texts, roughly; a list of them grows by doubling.
const OVERHEAD: usize = 640;

/// The release that a schema is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Detected {
    /// The last release of that schema, as a minor release where that is enough.
    pub release: String,
    /// The name of the state in the catalogue.
    pub state: String,
    /// How many differences the schema has from this state.
    pub differences: usize,
    /// Other states that fit as well.
    pub also: Vec<String>,
    /// Objects that distinguish the release from its neighbours.
    pub evidence: Vec<String>,
    /// Tables and columns that only later releases have.
    pub later: Vec<String>,
    /// The number of tables that belong to no release, by class.
    pub not_compared: BTreeMap<&'static str, usize>,
    /// The last upgrade step that the upgrader noted as finished.
    pub last_step: Option<String>,
}

impl Findings {
    /// Adds a finding to the list. Where there are very many, or very long ones, the rest is counted only, and said by
    /// [`Findings::sort`].
    pub fn push(&mut self, finding: Finding) {
        let bytes = self.bytes + finding.bytes();
        match bytes <= MAX_BYTES {
            true => {
                self.bytes = bytes;
                self.list.push(finding);
            }
            false => *self.left_out.entry(finding.check.id).or_default() += 1,
        }
    }

    /// Notes that a check was not made, or not of everything. The same note is kept once.
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

    /// Whether something could not be looked at that the command promises to look at.
    pub fn are_incomplete(&self) -> bool {
        self.not_checked.iter().any(|skipped| skipped.incomplete)
    }

    /// Whether there is a finding of this check.
    pub fn has(&self, check: &Check) -> bool {
        self.list.iter().any(|finding| finding.check.id == check.id)
    }

    /// Adds what was found in another part or form of the same source, and sorts all. What a check has found already
    /// about an object is not said twice.
    pub fn merge(&mut self, others: Self) {
        let about = |finding: &Finding| {
            let object = finding.object.as_ref()?;
            Some((finding.check.id, object.kind, object.name.clone()))
        };
        let known: HashSet<_> = self.list.iter().filter_map(about).collect();
        for finding in others.list {
            if about(&finding).is_none_or(|about| !known.contains(&about)) {
                self.push(finding);
            }
        }
        for skipped in others.not_checked {
            if !self.not_checked.contains(&skipped) {
                self.not_checked.push(skipped);
            }
        }
        for (check, number) in others.left_out {
            *self.left_out.entry(check).or_default() += number;
        }
        self.sort();
    }

    /// Takes what could not be looked at for something that the command does not promise to look at.
    pub fn promise_nothing(&mut self) {
        for skipped in &mut self.not_checked {
            skipped.incomplete = false;
        }
    }

    /// Lets no finding rank higher than `highest`: those that do no harm to what a command is about.
    pub fn cap(&mut self, highest: Severity) {
        for finding in &mut self.list {
            finding.severity = finding.severity.min(highest);
        }
    }

    /// Removes the findings of checks that are not selected.
    pub fn retain(&mut self, selection: &Selection) {
        self.list
            .retain(|finding| selection.includes(finding.check));
    }

    /// How many findings have this severity; accepted ones do not count.
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

    /// Says of each check of which findings were left out how many these are.
    fn say_what_was_left_out(&mut self) {
        for (check, number) in std::mem::take(&mut self.left_out) {
            self.not_checked.push(NotChecked {
                check,
                why: format!(
                    "{} more than are kept ({} MiB) left out",
                    crate::text::count(number, "finding"),
                    MAX_BYTES >> 20
                ),
                incomplete: true,
            });
        }
    }

    /// Sorts the findings: the most severe first, then in the order of the registry, then inherited
    /// ones behind others, otherwise as they were found. Accepted findings stand behind all others.
    pub fn sort(&mut self) {
        self.say_what_was_left_out();
        self.list.sort_by_cached_key(|finding| {
            let severity = std::cmp::Reverse(finding.severity);
            let rank = registry::position(finding.check.id);
            let is_accepted = finding.accepted.is_some();
            (is_accepted, severity, rank, finding.inherited.is_some())
        });
    }
}

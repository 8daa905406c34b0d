//! What is kept of a source when its report is written: enough for the lines at the end of many reports.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::render::Unread;
use super::{Report, Section, Verdict};
use crate::checks::{Severity, is_made_again};

use crate::exit::Exit;
use crate::text::count;

/// What is kept of a source. It takes about a kilobyte, however long the report is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The command that made the report.
    pub command: String,
    /// The source as the user named it, without a password.
    pub source: String,
    /// The name of the site, where a list of sites gives one.
    pub site: Option<String>,
    /// What the report came to, or why there is none.
    pub result: Result<Outcome, String>,
}

/// What a report came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict's reason in a few words: the number of findings, or what is left to do.
    pub reason: String,
    /// The message of the worst finding that counts and is more than a note.
    pub worst: Option<String>,
    /// The number of findings that count, by their check and severity, the most severe first.
    pub checks: Vec<CheckCount>,
    /// The number of accepted findings.
    pub accepted: u64,
    /// Whether the verdict counts warnings as errors.
    pub strict: bool,
    /// The number of tables.
    pub tables: u64,
    /// The number of rows of all tables.
    pub rows: u64,
    /// Release of CiviCRM that the site declares.
    pub civicrm: Option<String>,
    /// When the file of a dump was last written to: seconds since 1970, where that is known.
    pub modified: Option<u64>,
    /// How the findings compare with those of an earlier run, where there is one.
    pub baseline: Option<Changes>,
}

/// How many findings one check has of one severity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCount {
    /// The id of the check.
    pub check: String,
    /// The severity of these findings.
    pub severity: Severity,
    /// How many they are.
    pub findings: u64,
}

/// How many findings are new, gone and the same, compared with an earlier run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Those that the earlier run did not have.
    pub new: u64,
    /// Those that only the earlier run had.
    pub gone: u64,
    /// Those of both.
    pub same: u64,
}

impl Digest {
    /// What is kept of a report.
    pub fn of(report: &Report) -> Self {
        let mut checks: Vec<CheckCount> = Vec::new();
        let counted = report.findings.list.iter();
        for finding in counted.filter(|finding| finding.accepted.is_none()) {
            let is_it = |it: &&mut CheckCount| {
                it.check == finding.check.id && it.severity == finding.severity
            };
            match checks.iter_mut().find(is_it) {
                Some(known) => known.findings += 1,
                None => checks.push(CheckCount {
                    check: finding.check.id.to_owned(),
                    severity: finding.severity,
                    findings: 1,
                }),
            }
        }
        let changes = report.sections.iter().find_map(|section| match section {
            Section::Baseline(baseline) => Some(baseline.changes()),
            _ => None,
        });
        let declared = report.civicrm.as_ref();
        let declared = declared.and_then(|civicrm| civicrm.declared.iter().flatten().next());
        let modified = report.source.modified;
        let modified = modified.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
        Self {
            command: report.command.to_owned(),
            source: report.source.name.clone(),
            site: report.site.clone(),
            result: Ok(Outcome {
                verdict: report.verdict(),
                reason: reason(report),
                worst: worst(report).map(str::to_owned),
                checks,
                accepted: report.findings.count_accepted() as u64,
                strict: report.strict,
                tables: report.inventory.tables as u64,
                rows: report.inventory.rows,
                civicrm: declared.cloned(),
                modified: modified.map(|since| since.as_secs()),
                baseline: changes,
            }),
        }
    }

    /// What is kept of a source without a report.
    pub fn unread(unread: &Unread) -> Self {
        Self {
            command: unread.command.to_owned(),
            source: unread.name.to_owned(),
            site: unread.site.map(str::to_owned),
            result: Err(unread.message.to_owned()),
        }
    }

    /// The name for people: that of the site, if it has one, and that of the source.
    pub fn name(&self) -> String {
        name(self.site.as_deref(), &self.source)
    }

    /// Why there is no report, without the source's own name in front.
    pub fn why_unread(&self) -> Option<&str> {
        let message = self.result.as_ref().err()?;
        let behind = message.strip_prefix(self.source.as_str());
        Some(
            behind
                .and_then(|rest| rest.strip_prefix(": "))
                .unwrap_or(message),
        )
    }

    /// The exit code that these sources lead to together: one that could not be read leaves the result
    /// incomplete, and is a failure where none could be read.
    pub fn exit(digests: &[Self]) -> Exit {
        let reports = digests
            .iter()
            .filter_map(|digest| digest.result.as_ref().ok());
        let worst = reports.clone().fold(Exit::Fine, |worst, outcome| {
            worst.worse(outcome.verdict.exit())
        });
        match (digests.len() - reports.clone().count(), reports.count()) {
            (0, _) => worst,
            (_, 0) => Exit::Failure,
            _ => worst.worse(Exit::Incomplete),
        }
    }
}

impl Outcome {
    /// How many findings of this severity count.
    pub fn count(&self, severity: Severity) -> u64 {
        let of_it = self.checks.iter().filter(|it| it.severity == severity);
        of_it.map(|it| it.findings).sum()
    }
}

/// The name for people: that of the site, if it has one, and that of the source.
pub(super) fn name(site: Option<&str>, source: &str) -> String {
    match site {
        Some(site) => format!("{site}: {source}"),
        None => source.to_owned(),
    }
}

/// The message of the worst finding that counts and is more than a note.
fn worst(report: &Report) -> Option<&str> {
    let findings = report.findings.list.iter();
    let counted =
        findings.filter(|finding| finding.accepted.is_none() && finding.severity > Severity::Note);
    // What is lost for good, or stops the restore, comes before what CiviCRM makes again; of equals the first.
    let worst = counted.min_by_key(|finding| (Reverse(finding.severity), is_made_again(finding)));
    worst.map(|finding| finding.message.as_str())
}

/// What a verdict comes from, in a few words.
pub(super) fn reason(report: &Report) -> String {
    let mut counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|severity| {
            let number = report.findings.count(severity) as u64;
            (number > 0).then(|| count(number, severity.as_str()))
        })
        .collect();
    let accepted = report.findings.count_accepted();
    if accepted > 0 {
        counts.push(format!("{accepted} accepted"));
    }
    match report.outcome() {
        Some(left) => left,
        None if counts.is_empty() => "nothing found".to_owned(),
        None => counts.join(", "),
    }
}

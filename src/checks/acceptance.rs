//! Accepted findings: those that the user has decided to live with, for a reason and until a day.
//!
//! An accepted finding is shown and counted as accepted; it does not make a report fail. After its last day it
//! counts again.

use std::time::SystemTime;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, format_description::well_known::Iso8601};

use super::check::Check;
use super::finding::{Finding, Findings, Object};
use super::registry;

/// One entry of the list of accepted findings: those of one check, about one object or about any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The check whose findings are accepted.
    pub check: &'static Check,
    /// The object whose findings are accepted, as `NAME` or `TABLE.NAME`, letter case ignored;
    /// `None` for any object.
    pub object: Option<String>,
    /// Why the findings are accepted, for whoever reads the report.
    pub reason: String,
    /// The last day on which the findings are accepted, in UTC.
    pub until: Date,
}

/// Why, and until when, a finding is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Accepted {
    /// The reason that the entry gives.
    pub reason: String,
    /// The last day on which the finding is accepted, as `2027-01-31`.
    pub until: String,
}

/// An entry as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    check: String,
    object: Option<String>,
    reason: String,
    until: String,
}

/// The part of the file that this module reads: options are read where the arguments are.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    accept: Vec<Entry>,
}

/// Why a list of accepted findings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AcceptanceError {
    /// The text is not TOML, or not of the form of a `cividb.toml`.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// An entry names a check that does not exist.
    #[error(
        "[[accept]] names the check '{0}', which does not exist; `cividb explain` lists all checks"
    )]
    UnknownCheck(String),
    /// The last day of an entry is not a date.
    #[error("[[accept]] of {check}: until = \"{until}\" is not a day of the form 2027-01-31")]
    Day {
        /// The check that the entry names.
        check: String,
        /// The text that stands in the place of the date.
        until: String,
    },
    /// An entry has no reason: nobody who reads it in a year would know why it stands there.
    #[error("[[accept]] of {0}: the reason is empty; say why the finding is accepted")]
    NoReason(String),
}

/// Reads the list out of the text of a `cividb.toml`.
///
/// # Errors
/// The text is not of that form, or an entry names an unknown check, has no reason or no day.
pub fn parse(text: &str) -> Result<Vec<Acceptance>, AcceptanceError> {
    let file: File = toml::from_str(text)?;
    of_entries(file.accept)
}

/// Takes the entries of a list that stands in another file.
///
/// # Errors
/// An entry names an unknown check, has no reason or no day.
pub fn of_entries(entries: Vec<Entry>) -> Result<Vec<Acceptance>, AcceptanceError> {
    entries.into_iter().map(Acceptance::of).collect()
}

impl Acceptance {
    fn of(entry: Entry) -> Result<Self, AcceptanceError> {
        let Some(check) = registry::find(&entry.check) else {
            return Err(AcceptanceError::UnknownCheck(entry.check));
        };
        if entry.reason.trim().is_empty() {
            return Err(AcceptanceError::NoReason(entry.check));
        }
        let Ok(until) = Date::parse(&entry.until, &Iso8601::DATE) else {
            let Entry { check, until, .. } = entry;
            return Err(AcceptanceError::Day { check, until });
        };
        Ok(Self {
            check,
            object: entry.object,
            reason: entry.reason,
            until,
        })
    }

    fn covers(&self, finding: &Finding) -> bool {
        let object = finding.object.as_ref();
        let is_it = |wanted: &String| object.is_some_and(|object| is_called(object, wanted));
        finding.check == self.check && self.object.as_ref().is_none_or(is_it)
    }
}

fn is_called(Object { name, table, .. }: &Object, wanted: &str) -> bool {
    let with_table = table.as_ref().map(|table| format!("{table}.{name}"));
    name.eq_ignore_ascii_case(wanted)
        || with_table.is_some_and(|name| name.eq_ignore_ascii_case(wanted))
}

/// Today's date in UTC.
pub fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

/// The first moment of tomorrow in UTC, from which on other findings are accepted than today.
pub fn end_of_today() -> SystemTime {
    let tomorrow = today().next_day().unwrap_or(Date::MAX);
    tomorrow.midnight().assume_utc().into()
}

/// Marks the findings that are accepted on this day, and sorts all.
pub fn accept(findings: &mut Findings, list: &[Acceptance], today: Date) {
    for finding in &mut findings.list {
        let mut valid = list.iter().filter(|entry| entry.until >= today);
        finding.accepted = valid
            .find(|entry| entry.covers(finding))
            .map(|entry| Accepted {
                reason: entry.reason.clone(),
                until: entry.until.to_string(),
            });
    }
    findings.sort();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Severity;
    use crate::checks::schema::FK_NAME;

    const LIST: &str = r#"
        [[accept]]
        check = "fk-name"
        object = "civicrm_case.civicrm_case_ibfk_1"
        reason = "renamed with the next upgrade"
        until = "2027-01-31"
    "#;

    fn findings() -> Findings {
        let mut findings = Findings::default();
        for name in ["civicrm_case_ibfk_1", "civicrm_case_ibfk_2"] {
            let finding = Finding::new(&FK_NAME, "another name", "rename it");
            findings.push(finding.about("foreign-key", name).of_table("civicrm_case"));
        }
        findings
    }

    fn errors_on(day: &str) -> usize {
        let mut findings = findings();
        let list = parse(LIST).unwrap();
        accept(
            &mut findings,
            &list,
            Date::parse(day, &Iso8601::DATE).unwrap(),
        );
        assert_eq!(findings.list.len(), 2);
        findings.count(Severity::Error)
    }

    #[test]
    fn an_accepted_finding_counts_again_after_its_last_day() {
        assert_eq!(errors_on("2027-01-31"), 1);
        assert_eq!(errors_on("2027-02-01"), 2);
    }

    #[test]
    fn an_entry_without_reason_day_or_known_check_is_refused() {
        for (from, to) in [
            ("renamed with the next upgrade", " "),
            ("2027-01-31", "soon"),
            ("fk-name", "fk-nmae"),
            ("reason", "raeson"),
        ] {
            assert!(parse(&LIST.replace(from, to)).is_err(), "{to}");
        }
        assert_eq!(parse("").unwrap(), []);
    }
}

//! How the findings of a source compare with those of an earlier run.

use std::io::{self, Write};

use anstyle::Style;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Changes;
use super::human::Detail;
use crate::checks::{Finding, Findings};
use crate::text::{count, printable};

/// Lines of each kind that are shown before the rest is only counted.
const SHOWN: usize = 5;

/// How the findings of a source compare with those of an earlier run, under the key `baseline`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BaselineSummary {
    /// Whether the earlier run has a report on this source. Without one all findings are new.
    pub known: bool,
    /// Findings that the earlier run did not have.
    pub new: Vec<KnownFinding>,
    /// Findings that only the earlier run had.
    pub gone: Vec<KnownFinding>,
    /// The number of findings of both runs.
    pub same: u64,
}

/// What tells a finding of one run from others: its check and its object. Messages may hold numbers that change from
/// day to day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct KnownFinding {
    /// The id of the check.
    pub check: String,
    /// The object of the finding; null for the source as a whole.
    pub object: Option<KnownObject>,
    /// The message.
    pub message: String,
}

/// The object of a finding of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct KnownObject {
    /// `table`, `view`, `trigger` and so on.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// The table that it belongs to.
    pub table: Option<String>,
}

impl KnownFinding {
    fn of(finding: &Finding) -> Self {
        Self {
            check: finding.check.id.to_owned(),
            object: finding.object.as_ref().map(|object| KnownObject {
                kind: object.kind.to_owned(),
                name: object.name.clone(),
                table: object.table.clone(),
            }),
            message: finding.message.clone(),
        }
    }

    /// Whether both are about the same.
    fn is(&self, other: &Self) -> bool {
        self.check == other.check && self.object == other.object
    }

    fn key(&self) -> (&str, &str, &str, &str) {
        let object = self.object.as_ref();
        (
            &self.check,
            object.map_or("", |it| &it.kind),
            object.map_or("", |it| &it.name),
            object
                .and_then(|it| it.table.as_deref())
                .unwrap_or_default(),
        )
    }
}

impl BaselineSummary {
    /// Compares findings with those that an earlier run has of the same source; `None` if it has no report on it.
    pub fn of(findings: &Findings, before: Option<Vec<KnownFinding>>) -> Self {
        let known = before.is_some();
        let mut before = before.unwrap_or_default();
        before.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut now: Vec<KnownFinding> = findings.list.iter().map(KnownFinding::of).collect();
        now.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut summary = Self {
            known,
            new: Vec::new(),
            gone: Vec::new(),
            same: 0,
        };
        let mut before = before.into_iter().peekable();
        for finding in now {
            while let Some(gone) = before.next_if(|it| it.key() < finding.key()) {
                summary.gone.push(gone);
            }
            match before.next_if(|it| it.is(&finding)) {
                Some(_) => summary.same += 1,
                None => summary.new.push(finding),
            }
        }
        summary.gone.extend(before);
        summary
    }

    pub(super) fn changes(&self) -> Changes {
        Changes {
            new: self.new.len() as u64,
            gone: self.gone.len() as u64,
            same: self.same,
        }
    }
}

/// Says what is new and what is gone, a line each.
pub(super) fn write(
    summary: &BaselineSummary,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Changes { new, gone, same } = summary.changes();
    let known = match summary.known {
        true => "",
        false => ", which has no report on this source",
    };
    writeln!(
        out,
        "\ncompared with the earlier run{known}: {new} new, {gone} gone, {same} the same"
    )?;
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    for (word, list) in [("new", &summary.new), ("gone", &summary.gone)] {
        let shown = match detail {
            Detail::Verbose => list.len(),
            _ if list.len() <= SHOWN + 1 => list.len(),
            _ => SHOWN,
        };
        for finding in list.iter().take(shown) {
            let (id, message) = (printable(&finding.check), printable(&finding.message));
            writeln!(out, "{bold}{word}{bold:#}  {dim}{id}{dim:#}  {message}")?;
        }
        if list.len() > shown {
            let more = count((list.len() - shown) as u64, "more");
            writeln!(
                out,
                "       and {} (--verbose lists them)",
                more.trim_end_matches('s')
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::schema::{FK_NAME, INDEX_EXTRA};

    #[test]
    fn findings_are_told_by_check_and_object_and_not_by_their_words() {
        let finding = |check, name: &str, message: &str| {
            Finding::new(check, message, "fix").about("table", name)
        };
        let mut now = Findings::default();
        now.push(finding(&FK_NAME, "b", "5 days old"));
        now.push(finding(&INDEX_EXTRA, "a", "new"));
        // The same twice is two.
        now.push(finding(&FK_NAME, "b", "5 days old"));
        let mut before = Findings::default();
        before.push(finding(&FK_NAME, "b", "4 days old"));
        before.push(finding(&FK_NAME, "c", "gone"));
        let before: Vec<KnownFinding> = before.list.iter().map(KnownFinding::of).collect();
        let summary = BaselineSummary::of(&now, Some(before));
        let names = |list: &[KnownFinding]| {
            let names = list.iter().flat_map(|it| it.object.as_ref());
            names.map(|it| it.name.clone()).collect::<String>()
        };
        assert_eq!(
            (names(&summary.new), names(&summary.gone)),
            ("ba".into(), "c".into())
        );
        assert_eq!(summary.same, 1);
        assert!(summary.known && !BaselineSummary::of(&now, None).known);
        assert_eq!(BaselineSummary::of(&now, None).changes().new, 3);
    }
}

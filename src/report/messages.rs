//! What error messages mean, and which of their causes a source has.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::human::Detail;
use crate::checks::Findings;
use crate::messages::cause::{self, Relation};
use crate::messages::table::Message;
use crate::messages::tally::{Case, Explained, Seen};
use crate::messages::{Names, Recogniser, Tally};
use crate::text::{count, printable};

/// Cases of one message that people see before the rest is only counted.
const SHOWN: usize = 5;
/// Findings about other objects than the message names, which people see.
const ELSEWHERE: usize = 3;

/// The messages of a log, or one that somebody gave.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct MessagesSummary {
    /// The name of the log; `None` where a message was given.
    pub log: Option<String>,
    /// The lines of the log.
    pub lines: u64,
    /// Why the log could not be read to its end; `None` where it could.
    pub damage: Option<String>,
    /// The source on which the causes were looked for.
    pub looked_at: Option<String>,
    /// Messages that are known, the most frequent first.
    pub explained: Vec<ExplainedMessage>,
    /// Messages that are not known.
    pub unknown: Vec<UnknownMessage>,
    /// How many more records are about unknown errors, of which nothing is kept.
    pub unknown_left_out: u64,
}

/// A message that is known.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ExplainedMessage {
    /// Its id.
    pub message: String,
    /// What it says, in plain words.
    pub title: String,
    /// Who says it.
    pub by: String,
    /// The releases of CiviCRM that say it; empty where that does not depend on the release.
    pub releases: String,
    /// The numbers of the server's errors that mean the same.
    pub codes: Vec<u32>,
    /// What to do.
    pub fix: String,
    /// The section of the upgrade guide for 4.4 that speaks of it; empty where none does.
    pub guide: String,
    /// What may be the cause.
    pub causes: Vec<MessageCause>,
    /// The number of records with it.
    pub count: u64,
    /// The line of the first one.
    pub first_line: u64,
    /// By the names in the message.
    pub cases: Vec<MessageCase>,
    /// How many records name something else than the cases that are listed.
    pub cases_left_out: u64,
}

/// What may be the cause of a message.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct MessageCause {
    /// The cause as a clause.
    pub cause: String,
    /// The checks that look for it.
    pub checks: Vec<String>,
    /// Whether the source has it, for any of the cases; `None` where that was not looked at, or not by all of its
    /// checks.
    pub found: Option<bool>,
    /// Where a source was named, the checks that were not made, each with the reason.
    pub not_checked: Vec<CheckNotMade>,
}

/// A check that was not made.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct CheckNotMade {
    /// Its id.
    pub check: String,
    /// Why it was not made.
    pub why: String,
}

/// Records that name the same objects.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct MessageCase {
    /// The first words of the statement that failed.
    pub statement: Option<&'static str>,
    /// Tables and views.
    pub tables: BTreeSet<String>,
    /// Columns.
    pub columns: BTreeSet<String>,
    /// Foreign keys, indexes and stored programs.
    pub keys: BTreeSet<String>,
    /// The number of records.
    pub count: u64,
    /// The line of the first one.
    pub first_line: u64,
    /// What was found in the source, the nearest first.
    pub found: Vec<CauseFound>,
    #[serde(skip)]
    words: String,
}

/// A finding that belongs to a message.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct CauseFound {
    /// The position of the cause in `causes`, from 0.
    pub cause: usize,
    /// How it belongs to the message.
    pub relation: Relation,
    /// The id of the check.
    pub check: &'static str,
    /// What was found.
    pub message: String,
}

/// A message that is not known.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct UnknownMessage {
    /// Its words as far as they are known ones; `…` stands for all others.
    pub text: String,
    /// The number of the server's error.
    pub code: Option<u32>,
    /// The number of records with it.
    pub count: u64,
    /// The line of the first one.
    pub first_line: u64,
    /// The ids of the messages that are most like it, with their titles.
    pub nearest: Vec<(String, String)>,
}

impl MessagesSummary {
    /// What was found in a log, or in a message; of a source that was looked at, its name and what was found there.
    pub fn of(
        log: Option<String>,
        lines: u64,
        tally: &Tally,
        recogniser: &Recogniser,
        looked_at: Option<(&str, &Findings)>,
    ) -> Self {
        let findings = looked_at.map(|(_, findings)| findings);
        let explained = tally.explained.iter().filter_map(|(at, seen)| {
            let message = recogniser.message(*at)?;
            Some(ExplainedMessage::of(message, seen, findings))
        });
        let mut explained: Vec<ExplainedMessage> = explained.collect();
        explained.sort_by(|a, b| b.count.cmp(&a.count).then(a.first_line.cmp(&b.first_line)));
        let unknown = tally.unknown.iter().map(|(unknown, seen)| UnknownMessage {
            text: unknown.text.clone(),
            code: unknown.number,
            count: seen.count,
            first_line: seen.first_line,
            nearest: nearest(seen, recogniser),
        });
        Self {
            log,
            lines,
            damage: None,
            looked_at: looked_at.map(|(name, _)| name.to_owned()),
            explained,
            unknown: unknown.collect(),
            unknown_left_out: tally.unknown_left_out,
        }
    }

    /// Puts names for what the advice leaves open: the source, the release to upgrade to, the log.
    pub fn fill_in(&mut self, places: &[(&str, String)]) {
        for message in &mut self.explained {
            for (place, name) in places {
                message.fix = message.fix.replace(place, name);
            }
        }
    }

    /// Whether everything was read, and every message is known.
    pub fn is_complete(&self) -> bool {
        self.unknown.is_empty() && self.unknown_left_out == 0 && self.damage.is_none()
    }

    /// The findings about the objects of the messages, or about the database as a whole.
    pub fn is_cause(&self, check: &str, message: &str) -> bool {
        let cases = self.explained.iter().flat_map(|message| &message.cases);
        let mut found = cases.flat_map(|case| &case.found);
        found.any(|found| {
            found.relation != Relation::Elsewhere
                && found.check == check
                && found.message == message
        })
    }
}

fn nearest(seen: &Seen, recogniser: &Recogniser) -> Vec<(String, String)> {
    let entries = seen.nearest.iter().filter_map(|at| recogniser.message(*at));
    entries
        .map(|message| (message.id.clone(), message.title.clone()))
        .collect()
}

impl ExplainedMessage {
    fn of(message: &Message, seen: &Explained, findings: Option<&Findings>) -> Self {
        let cases: Vec<MessageCase> = seen
            .cases
            .iter()
            .map(|(names, case)| MessageCase::of(message, names, case, findings))
            .collect();
        let causes = message.causes.iter().enumerate().map(|(at, cause)| {
            let mut found = cases.iter().flat_map(|case| &case.found);
            let is_found =
                found.any(|found| found.cause == at && found.relation != Relation::Elsewhere);
            let looked = findings.map(|findings| cause::looked(cause, findings));
            let found = match &looked {
                Some(_) if is_found => Some(true),
                Some(looked) if looked.not_made.is_empty() && !looked.made.is_empty() => {
                    Some(false)
                }
                _ => None,
            };
            let not_made = looked.map(|looked| looked.not_made).unwrap_or_default();
            let not_made = not_made.into_iter();
            let not_checked = not_made
                .map(|(check, why)| CheckNotMade { check, why })
                .collect();
            MessageCause {
                cause: cause.is.clone(),
                checks: cause.checks.clone(),
                found,
                not_checked,
            }
        });
        Self {
            causes: causes.collect(),
            message: message.id.clone(),
            title: message.title.clone(),
            by: message.by.clone(),
            releases: message.releases.clone(),
            codes: message.codes.clone(),
            fix: message.fix.clone(),
            guide: message.guide.clone(),
            count: seen.count,
            first_line: seen.first_line,
            cases,
            cases_left_out: seen.cases_left_out,
        }
    }
}

impl MessageCase {
    fn of(message: &Message, names: &Names, case: &Case, findings: Option<&Findings>) -> Self {
        let mut found = Vec::new();
        for (at, cause) in message.causes.iter().enumerate() {
            let of_cause = findings.map(|findings| cause::of(cause, names, findings));
            for (relation, finding) in of_cause.unwrap_or_default() {
                found.push(CauseFound {
                    cause: at,
                    relation,
                    check: finding.check.id,
                    message: finding.message.clone(),
                });
            }
        }
        found.sort_by_key(|found| found.relation);
        Self {
            statement: case.operation,
            words: names.describe(),
            tables: names.tables.clone(),
            columns: names.columns.clone(),
            keys: names.keys.clone(),
            count: case.count,
            first_line: case.first_line,
            found,
        }
    }
}

/// Writes what the messages mean, for people.
///
/// # Errors
/// The output cannot be written.
pub fn write(summary: &MessagesSummary, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    if let Some(log) = &summary.log {
        let known = count(summary.explained.len() as u64, "known message");
        let unknown = match summary.unknown.len() as u64 {
            0 => String::new(),
            number => format!(", {number} unknown"),
        };
        let lines = count(summary.lines, "line");
        writeln!(
            out,
            "{bold}{}{bold:#}  {known}{unknown} in {lines}",
            printable(log)
        )?;
        if summary.explained.is_empty() && summary.unknown.is_empty() {
            writeln!(out, "  no error message stands in it")?;
        }
        if let Some(damage) = &summary.damage {
            writeln!(
                out,
                "  it could not be read to its end: {}",
                printable(damage)
            )?;
        }
    }
    if detail == Detail::Quiet {
        return Ok(());
    }
    let in_log = summary.log.is_some();
    for (at, message) in summary.explained.iter().enumerate() {
        if at > 0 || in_log {
            writeln!(out)?;
        }
        explained(message, in_log, summary.looked_at.as_deref(), detail, out)?;
    }
    for unknown in &summary.unknown {
        if in_log || !summary.explained.is_empty() {
            writeln!(out)?;
        }
        self::unknown(unknown, in_log, out)?;
    }
    if summary.unknown_left_out > 0 {
        let more = count(summary.unknown_left_out, "more unknown message");
        writeln!(out, "\n{more}")?;
    }
    Ok(())
}

fn explained(
    message: &ExplainedMessage,
    in_log: bool,
    looked_at: Option<&str>,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let times = match in_log {
        true => format!("{}×  ", message.count),
        false => String::new(),
    };
    let id = &message.message;
    writeln!(
        out,
        "{times}{bold}{}{bold:#}  {dim}{id}{dim:#}",
        message.title
    )?;
    let mut said = message.by.clone();
    if !message.releases.is_empty() {
        said.push_str(&format!(", CiviCRM {}", message.releases));
    }
    if let [first, ..] = message.codes[..] {
        let codes: Vec<String> = message.codes.iter().map(u32::to_string).collect();
        let noun = if message.codes.len() == 1 {
            "error"
        } else {
            "errors"
        };
        let _ = first;
        said.push_str(&format!(", {noun} {}", codes.join(", ")));
    }
    writeln!(out, "  said by {said}")?;
    let shown = if detail == Detail::Verbose {
        usize::MAX
    } else {
        SHOWN
    };
    for case in message.cases.iter().take(shown) {
        if case.words.is_empty() && !in_log {
            continue;
        }
        let mut about = case.words.clone();
        if let Some(statement) = case.statement {
            let separator = if about.is_empty() { "" } else { ", " };
            about.push_str(&format!("{separator}in {statement}"));
        }
        if about.is_empty() {
            about.push_str("no name");
        }
        let place = match in_log {
            true => format!(
                "  {dim}{}×, first in line {}{dim:#}",
                case.count, case.first_line
            ),
            false => String::new(),
        };
        writeln!(out, "  about   {}{place}", printable(&about))?;
        answers(case, looked_at, out)?;
    }
    let more = message.cases.len().saturating_sub(shown) as u64 + message.cases_left_out;
    if more > 0 {
        writeln!(out, "          {more} more (--verbose lists the first 20)")?;
    }
    if let [case] = &message.cases[..]
        && case.words.is_empty()
        && !in_log
    {
        answers(case, looked_at, out)?;
    }
    let word = if message.causes.len() == 1 {
        "cause "
    } else {
        "causes"
    };
    for (at, cause) in message.causes.iter().enumerate() {
        let lead = if at == 0 { word } else { "      " };
        let checks = checks_of(cause, looked_at.is_some());
        writeln!(
            out,
            "  {lead}  {} {dim}({}){dim:#}",
            cause.cause,
            printable(&checks)
        )?;
    }
    writeln!(out, "  fix     {}", printable(&message.fix))?;
    if !message.guide.is_empty() {
        writeln!(out, "  guide   {}", message.guide)?;
    }
    Ok(())
}

/// What the checks of a cause came to, in words.
fn checks_of(cause: &MessageCause, is_looked_at: bool) -> String {
    if cause.checks.is_empty() {
        return "not to be seen in a database".to_owned();
    }
    if !is_looked_at {
        return format!("checks: {}", cause.checks.join(", "));
    }
    if cause.found == Some(true) {
        return "found".to_owned();
    }
    let is_made = |id: &&String| {
        cause
            .not_checked
            .iter()
            .all(|skipped| skipped.check != **id)
    };
    let made: Vec<&str> = cause
        .checks
        .iter()
        .filter(is_made)
        .map(String::as_str)
        .collect();
    let mut parts = Vec::new();
    if !made.is_empty() {
        parts.push(format!("not found by {}", made.join(", ")));
    }
    for CheckNotMade { check, why } in &cause.not_checked {
        parts.push(format!("not checked: {check}, {why}"));
    }
    parts.join("; ")
}

/// What the source has of the causes of one case.
fn answers(case: &MessageCase, looked_at: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let Some(source) = looked_at else {
        return Ok(());
    };
    let mut elsewhere = 0;
    for found in &case.found {
        let (word, colour) = match found.relation {
            Relation::This => ("this one", AnsiColor::Red),
            Relation::Possible => ("perhaps", AnsiColor::Yellow),
            Relation::Elsewhere => {
                elsewhere += 1;
                if elsewhere > ELSEWHERE {
                    continue;
                }
                ("elsewhere", AnsiColor::White)
            }
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        writeln!(
            out,
            "          {style}{word}{style:#}: {} ({})",
            printable(&found.message),
            found.check
        )?;
    }
    if elsewhere > ELSEWHERE {
        writeln!(
            out,
            "          and {} more elsewhere",
            elsewhere - ELSEWHERE
        )?;
    }
    if case.found.is_empty() {
        writeln!(
            out,
            "          none of its causes was found in {}",
            printable(source)
        )?;
    }
    Ok(())
}

fn unknown(unknown: &UnknownMessage, in_log: bool, out: &mut dyn Write) -> io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let times = match in_log {
        true => format!("{}×  ", unknown.count),
        false => String::new(),
    };
    let code = match unknown.code {
        Some(code) => format!(" (error {code})"),
        None => String::new(),
    };
    let place = match in_log {
        true => format!("  {dim}first in line {}{dim:#}", unknown.first_line),
        false => String::new(),
    };
    writeln!(
        out,
        "{times}{bold}not a message that cividb knows{bold:#}{code}{place}"
    )?;
    if in_log {
        writeln!(out, "  words   {}", printable(&unknown.text))?;
    }
    match &unknown.nearest[..] {
        [] => writeln!(out, "  nearest none"),
        [(id, title), others @ ..] => {
            writeln!(out, "  nearest {title} {dim}({id}){dim:#}")?;
            others
                .iter()
                .try_for_each(|(id, title)| writeln!(out, "          {title} {dim}({id}){dim:#}"))
        }
    }
}

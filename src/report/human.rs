//! The report for people: worst first, one line a finding, short.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use indexmap::IndexMap;

use super::section::Position;
use super::wrap::wrapped;
use super::{Changes, Digest, Layout, Report, Verdict, by_table, digest};
use crate::checks::acceptance::Accepted;
use crate::checks::{BEGINNING_MISSING, Detected, Finding, NotChecked, Severity};
use crate::snapshot::SourceKind;
use crate::text::{count, printable, thousands};

/// Findings of one check that are shown before the rest is only counted.
const SHOWN: usize = 5;
/// Findings of a report beyond which of each check only the first are shown, whatever the command.
const MANY: usize = 200;
/// What the second line of a broken one begins with: under facts, and under findings.
const FACT_INDENT: usize = 4;
const FINDING_INDENT: usize = 7;
/// Characters of the worst finding that stand behind a source in a list of them.
const SUMMARY_CHARACTERS: usize = 160;

/// How much to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The verdict only.
    Quiet,
    /// What matters.
    #[default]
    Normal,
    /// All findings, and rows by table.
    Verbose,
}

/// What a report for people looks like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// How much it says.
    pub detail: Detail,
    /// The number of columns at which lines are broken, but for the verdict and what is to be pasted; `None` leaves all
    /// lines whole.
    pub width: Option<usize>,
}

/// Writes the report on one source.
///
/// # Errors
/// The output cannot be written.
pub fn write(report: &Report, form: Form, out: &mut dyn Write) -> io::Result<()> {
    let Form { detail, width } = form;
    let bold = Style::new().bold();
    writeln!(out, "{}", verdict_of(report))?;
    if detail == Detail::Quiet {
        return Ok(());
    }
    let mut facts_written = facts(report).into_iter();
    facts_written.try_for_each(|fact| fact_line(&fact, width, out))?;

    let detected = report.civicrm.as_ref();
    let detected = detected.and_then(|civicrm| civicrm.detected.as_ref());
    if let Some(detected) =
        detected.filter(|_| !matches!(report.layout, Layout::ByCheck | Layout::InFull))
    {
        fact_line(&schema_line(detected), width, out)?;
        if !detected.evidence.is_empty() {
            let evidence = printable(&detected.evidence.join(", "));
            fact_line(&format!("because {evidence}"), width, out)?;
        }
        let others = detected.not_compared.iter();
        let others: Vec<String> = others.map(|(class, n)| format!("{n} {class}")).collect();
        if !others.is_empty() {
            let others = others.join(", ");
            fact_line(&format!("tables not compared: {others}"), width, out)?;
        }
        if let (Some(step), true) = (&detected.last_step, !detected.later.is_empty()) {
            writeln!(out, "  last upgrade step noted: {}", printable(step))?;
        }
    }
    if let Some(other) = &report.compared_with {
        writeln!(out, "  compared with {}", printable(other))?;
    }
    sections(report, Position::BeforeFindings, detail, out)?;

    let findings = report.findings.list.iter();
    let inherited = findings
        .clone()
        .filter(|finding| finding.inherited.is_some());
    let inherited = inherited.count();
    let folding = inherited > SHOWN && detail != Detail::Verbose;
    let many = report.findings.list.len();
    let is_folded = many > MANY && detail != Detail::Verbose;
    let is_of_table = |finding: &&Finding| {
        !is_folded
            && report.layout == Layout::ReleaseAndByTable
            && by_table::table_of(finding).is_some()
    };
    let (accepted, counted): (Vec<_>, Vec<_>) =
        findings.partition(|finding| finding.accepted.is_some());
    let (by_table, list): (Vec<_>, Vec<_>) = counted.into_iter().partition(is_of_table);
    for group in list.chunk_by(|a, b| by_table::is_same_kind(a, b)) {
        if folding && by_table::is_inherited(group) {
            writeln!(out)?;
            by_table::fold(group, width, out)?;
        } else {
            let shown = match report.layout {
                Layout::InFull if !is_folded => usize::MAX,
                _ => SHOWN,
            };
            group_of_findings(group, form, shown, out)?;
        }
    }
    by_table::write(&by_table, folding, width, out)?;
    if folding {
        writeln!(
            out,
            "\n{inherited} differences are what CiviCRM's own upgrades leave in a database (--verbose lists them)"
        )?;
    }
    accepted_lines(
        &accepted,
        if is_folded { SHOWN } else { usize::MAX },
        width,
        out,
    )?;
    if is_folded {
        let many = count(many as u64, "finding");
        writeln!(
            out,
            "\n{many} are too many to show: of each check the first are (--verbose lists all, --format json has them)"
        )?;
    }
    if !report.findings.not_checked.is_empty() {
        writeln!(out)?;
        not_checked_lines(&report.findings.not_checked, width, out)?;
    }
    sections(report, Position::AfterFindings, detail, out)?;
    if detail == Detail::Verbose && !report.row_counts.is_empty() {
        writeln!(out, "\n{bold}rows{bold:#}")?;
        for (table, rows) in &report.row_counts {
            writeln!(out, "  {:>14}  {}", thousands(*rows), printable(table))?;
        }
    }
    Ok(())
}

fn fact_line(fact: &str, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", wrapped(&format!("  {fact}"), width, FACT_INDENT))
}

/// The sections that people read at this place.
fn sections(
    report: &Report,
    place: Position,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sections = report.sections.iter();
    let mut here = sections.filter(|section| section.place() == place);
    here.try_for_each(|section| section.write(detail, out))
}

/// Accepted findings, the first of each check, each with its reason and its last day.
fn accepted_lines(
    findings: &[&Finding],
    at_most: usize,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    for group in findings.chunk_by(|a, b| a.check.id == b.check.id) {
        for finding in group.iter().take(at_most) {
            let Some(Accepted { reason, until }) = &finding.accepted else {
                continue;
            };
            let (id, message) = (finding.check.id, printable(&finding.message));
            let line = format!("{bold}accepted{bold:#}  {dim}{id}{dim:#}  {message}");
            writeln!(out, "\n{}", wrapped(&line, width, FINDING_INDENT))?;
            let line = format!("       until {until}: {}", printable(reason));
            writeln!(out, "{}", wrapped(&line, width, FINDING_INDENT))?;
        }
        more_of_check(group.len().saturating_sub(at_most), out)?;
    }
    Ok(())
}

fn more_of_check(more: usize, out: &mut dyn Write) -> io::Result<()> {
    if more == 0 {
        return Ok(());
    }
    let more = thousands(more as u64);
    writeln!(
        out,
        "       and {more} more of this check (--verbose lists them)"
    )
}

/// One line for each reason, with the checks that were not made for it.
fn not_checked_lines(
    not_checked: &[NotChecked],
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bold = Style::new().bold();
    let mut by_reason: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for skipped in not_checked {
        let checks = by_reason.entry(&skipped.why).or_default();
        checks.push(skipped.check);
    }
    for (why, checks) in by_reason {
        // Of half a dump most checks are not made: the list would only hide why.
        let checks = match why == BEGINNING_MISSING && checks.len() > SHOWN {
            true => format!("{} checks that need all of the dump", checks.len()),
            false => checks.join(", "),
        };
        let why = printable(why);
        let line = format!("{bold}not checked{bold:#}  {checks}: {why}");
        writeln!(out, "{}", wrapped(&line, width, FINDING_INDENT))?;
    }
    Ok(())
}

/// One line for a source in a list of them: what its report came to, with the worst finding in words, or why there is
/// no report.
///
/// # Errors
/// The output cannot be written.
pub fn summary_line(digest: &Digest, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let name = printable(&digest.name());
    let line = match &digest.result {
        Ok(outcome) => {
            let worst = outcome.worst.as_deref().map(in_short).unwrap_or_default();
            let verdict = verdict_line(outcome.verdict, &name, &outcome.reason);
            format!("{verdict}{worst}")
        }
        Err(_) => {
            let style = bold_in(AnsiColor::Red);
            let why = digest.why_unread().map(in_short).unwrap_or_default();
            format!("{style}????{style:#}  {name}  (no report){why}")
        }
    };
    writeln!(out, "{}", wrapped(&line, width, FINDING_INDENT))
}

/// The beginning of a message, behind a colon.
fn in_short(message: &str) -> String {
    let message = printable(message);
    match message.char_indices().nth(SUMMARY_CHARACTERS) {
        Some((end, _)) => format!(": {}…", &message[..end]),
        None => format!(": {message}"),
    }
}

/// How many sources got which verdict, as the last line of a list of them; where they were compared with an earlier run
/// how many findings are new and gone as well.
///
/// # Errors
/// The output cannot be written.
pub fn totals_line(digests: &[Digest], out: &mut dyn Write) -> io::Result<()> {
    let all = [Verdict::Pass, Verdict::Fail, Verdict::Incomplete];
    let reports = || {
        digests
            .iter()
            .filter_map(|digest| digest.result.as_ref().ok())
    };
    let of = |wanted: Verdict| reports().filter(|is| is.verdict == wanted).count();
    let mut totals: Vec<String> = all
        .into_iter()
        .filter(|verdict| of(*verdict) > 0)
        .map(|verdict| format!("{} {}", of(verdict), verdict.word()))
        .collect();
    let unread = digests.len() - reports().count();
    if unread > 0 {
        totals.push(format!("{unread} could not be read"));
    }
    let sources = count(digests.len() as u64, "source");
    writeln!(out, "{sources}: {}", totals.join(", "))?;
    let changes: Vec<&Changes> = reports().filter_map(|it| it.baseline.as_ref()).collect();
    if !changes.is_empty() {
        let sum = |of: fn(&Changes) -> u64| changes.iter().map(|it| of(it)).sum::<u64>();
        let (new, gone, same) = (sum(|it| it.new), sum(|it| it.gone), sum(|it| it.same));
        writeln!(
            out,
            "findings since the earlier run: {new} new, {gone} gone, {same} the same"
        )?;
    }
    Ok(())
}

/// One line for a source: its name, the verdict, and why.
fn verdict_of(report: &Report) -> String {
    let name = digest::name(report.site.as_deref(), &report.source.name);
    verdict_line(report.verdict(), &printable(&name), &digest::reason(report))
}

fn verdict_line(verdict: Verdict, name: &str, reason: &str) -> String {
    let word = verdict.word();
    let style = bold_in(match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail => AnsiColor::Red,
        Verdict::Incomplete => AnsiColor::Yellow,
    });
    format!("{style}{word}{style:#}  {name}  ({reason})")
}

/// What the source is, which site is in it, and how much of what: a line each.
pub(super) fn facts(report: &Report) -> [String; 3] {
    [origin(report), site(report), inventory(report)]
}

fn origin(report: &Report) -> String {
    let source = &report.source;
    if source.kind == SourceKind::Server {
        return server(report);
    }
    let mut text = match source.producer {
        crate::snapshot::Producer::Unknown => "dump of an unknown program".to_owned(),
        producer => producer.name().to_owned(),
    };
    if let Some(version) = &source.producer_version {
        text.push_str(&format!(" {version}"));
    }
    if let Some(server) = &source.server_version {
        text.push_str(&format!(", from {server}"));
    }
    if let Some(database) = &report.database {
        text.push_str(&format!(", database {database}"));
        if source.databases.len() > 1 {
            text.push_str(&format!(" (of {})", source.databases.len()));
        }
    }
    text.push_str(&format!(", {}", source.container));
    if let Some(finished) = &source.finished {
        text.push_str(&format!(", finished {finished}"));
    }
    printable(&text)
}

fn server(report: &Report) -> String {
    let source = &report.source;
    let mut text = match &source.server_version {
        Some(version) => version.to_string(),
        None => "a server".to_owned(),
    };
    if let Some(database) = &report.database {
        text.push_str(&format!(", database {database}"));
    }
    if let Some(server) = &report.server {
        if let Some(account) = &server.account {
            text.push_str(&format!(", as {}@{}", account.user, account.host));
        }
        text.push_str(if server.encrypted { ", encrypted" } else { "" });
        if server.is_replica == Some(true) {
            text.push_str(", a replica");
        }
        if server.is_galera {
            text.push_str(", in a Galera cluster");
        }
    }
    printable(&text)
}

fn site(report: &Report) -> String {
    let Some(civicrm) = &report.civicrm else {
        // Where the user says that none are meant to be there, that is the reason of a check that was not made.
        let reasons = report
            .findings
            .not_checked
            .iter()
            .map(|skipped| skipped.why.as_str());
        let mut of_user = reasons.filter(|why| why.starts_with("no CiviCRM tables"));
        return of_user.next().unwrap_or("no CiviCRM tables").to_owned();
    };
    let versions = civicrm.declared.iter().flatten();
    let mut versions: Vec<&str> = versions.map(String::as_str).collect();
    versions.retain(|version| !version.trim().is_empty());
    versions.dedup();
    let mut text = if versions.is_empty() {
        "CiviCRM of unknown version".to_owned()
    } else {
        format!("CiviCRM {}", versions.join(", "))
    };
    if !civicrm.locales.is_empty() {
        text.push_str(&format!(", multilingual ({})", civicrm.locales.join(", ")));
    }
    if civicrm.logging {
        text.push_str(", logging on");
    }
    printable(&text)
}

/// Which release the schema is of, and why.
fn schema_line(detected: &Detected) -> String {
    let also = match &detected.also[..] {
        [] => String::new(),
        also => format!(" (or {}, which cannot be told apart)", also.join(", ")),
    };
    let differences = count(detected.differences as u64, "difference");
    let later = match &detected.later[..] {
        [] => String::new(),
        later => format!("; of later releases: {}", later.join(", ")),
    };
    let release = &detected.release;
    printable(&format!(
        "schema of CiviCRM {release}{also}: {differences}{later}"
    ))
}

fn inventory(report: &Report) -> String {
    let inventory = &report.inventory;
    let about = if inventory.rows_estimated {
        "about "
    } else {
        ""
    };
    let mut parts = vec![
        count(inventory.tables as u64, "table"),
        format!("{about}{}", count(inventory.rows, "row")),
    ];
    for (number, noun) in [
        (inventory.views, "view"),
        (inventory.triggers, "trigger"),
        (inventory.functions, "function"),
        (inventory.procedures, "procedure"),
        (inventory.events, "event"),
    ] {
        if number > 0 || noun == "trigger" {
            parts.push(count(number as u64, noun));
        }
    }
    let mut text = parts.join(", ");
    if !inventory.complete {
        let far = match report.source.kind {
            SourceKind::Dump => ", as far as it could be read",
            SourceKind::Server => ", as far as this account may see",
        };
        text.push_str(far);
    }
    text
}

/// How the word for a severity looks.
pub(super) fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Error => bold_in(AnsiColor::Red),
        Severity::Warning => bold_in(AnsiColor::Yellow),
        Severity::Note => Style::new().bold(),
    }
}

fn bold_in(colour: AnsiColor) -> Style {
    Style::new().bold().fg_color(Some(colour.into()))
}

/// Findings of one check: the first few, the number of the others, and each fix once.
fn group_of_findings(
    group: &[&Finding],
    Form { detail, width }: Form,
    at_most: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    let style = style_of(first.severity);
    let dim = Style::new().dimmed();
    let shown = if detail == Detail::Verbose || group.len() <= at_most.saturating_add(1) {
        group.len()
    } else {
        at_most
    };
    writeln!(out)?;
    for (i, finding) in group.iter().take(shown).enumerate() {
        let place = match &finding.at {
            Some(at) => format!("{dim}, {}{dim:#}", printable(&at.to_string())),
            None => String::new(),
        };
        let (word, id) = (finding.severity.as_str(), finding.check.id);
        let message = printable(&finding.message);
        let line = format!("{style}{word}{style:#}  {dim}{id}{dim:#}  {message}{place}");
        writeln!(out, "{}", wrapped(&line, width, FINDING_INDENT))?;
        let next = group.get(i + 1).filter(|_| i + 1 < shown);
        if next.is_none_or(|next| next.fix != finding.fix) {
            if i + 1 == shown {
                more_of_check(group.len() - shown, out)?;
            }
            writeln!(out, "       fix: {}", printable(&finding.fix))?;
        }
    }
    Ok(())
}

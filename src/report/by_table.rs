//! Differences of schemas for people: table by table, worst first; what every upgraded
//! database has is folded into a line per kind.

use std::io::{self, Write};

use indexmap::IndexMap;

use super::human::style_of;
use super::wrap::wrapped;
use crate::checks::Finding;
use crate::text::{count, printable};

/// Sources and objects that a folded line names before the rest is only counted.
const NAMED: usize = 3;
/// What the second line of a broken one begins with.
const INDENT: usize = 9;

/// The table that a finding is about.
pub(super) fn table_of(finding: &Finding) -> Option<&str> {
    let object = finding.object.as_ref()?;
    match (&object.table, object.kind) {
        (Some(table), _) => Some(table),
        (None, "table") => Some(&object.name),
        _ => None,
    }
}

/// Writes findings, which are sorted, under their tables, each fix once at the end.
pub fn write(
    findings: &[&Finding],
    folding: bool,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    let dim = anstyle::Style::new().dimmed();
    let mut shown: Vec<&Finding> = Vec::new();
    let mut folded: Vec<&[&Finding]> = Vec::new();
    for group in findings.chunk_by(|a, b| is_same_kind(a, b)) {
        if folding && is_inherited(group) {
            folded.push(group);
        } else {
            shown.extend(group);
        }
    }
    // Sorted worst first, so that the first of a table is its worst.
    let mut tables: IndexMap<&str, Vec<&Finding>> = IndexMap::new();
    let mut fixes: IndexMap<&str, usize> = IndexMap::new();
    for finding in shown {
        let table = table_of(finding).unwrap_or_default();
        tables.entry(table).or_default().push(finding);
        *fixes.entry(&finding.fix).or_default() += 1;
    }
    for (table, findings) in &tables {
        writeln!(out, "\n{bold}{}{bold:#}", printable(table))?;
        for finding in findings {
            let style = style_of(finding.severity);
            let word = finding.severity.as_str();
            let id = finding.check.id;
            let message = printable(&finding.message);
            let line = format!("  {style}{word}{style:#}  {dim}{id}{dim:#}  {message}");
            writeln!(out, "{}", wrapped(&line, width, INDENT))?;
        }
    }
    if !folded.is_empty() {
        writeln!(out)?;
    }
    for group in folded {
        fold(group, width, out)?;
        for finding in group {
            *fixes.entry(&finding.fix).or_default() += 1;
        }
    }
    if !fixes.is_empty() {
        writeln!(out)?;
    }
    for (fix, number) in fixes {
        let number = count(number as u64, "difference");
        writeln!(out, "fix for {number}: {}", printable(fix))?;
    }
    Ok(())
}

/// Whether two findings, one after the other, belong into one group.
pub(super) fn is_same_kind(one: &Finding, other: &Finding) -> bool {
    one.check.id == other.check.id
        && one.severity == other.severity
        && one.inherited.is_some() == other.inherited.is_some()
}

/// Whether all of a group are what CiviCRM's upgrades leave.
pub(super) fn is_inherited(group: &[&Finding]) -> bool {
    group.iter().all(|finding| finding.inherited.is_some())
}

/// One line for findings of one check that every upgraded database has.
pub(super) fn fold(
    group: &[&Finding],
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    let path = |finding: &Finding| match &finding.object {
        Some(object) => match &object.table {
            Some(table) => format!("{table}.{}", object.name),
            None => object.name.clone(),
        },
        None => String::new(),
    };
    let source = |finding: &Finding| finding.inherited.clone().unwrap_or_default();
    let text = if group.len() <= NAMED {
        let each = group
            .iter()
            .map(|it| format!("{} ({})", path(it), source(it)));
        each.collect::<Vec<_>>().join(", ")
    } else {
        let such_as: Vec<String> = group.iter().take(NAMED).map(|it| path(it)).collect();
        let sources = sources(group.iter().map(|it| source(it)));
        format!("{}: {sources}; such as {}", group.len(), such_as.join(", "))
    };
    let style = style_of(first.severity);
    let dim = anstyle::Style::new().dimmed();
    let (word, id, text) = (first.severity.as_str(), first.check.id, printable(&text));
    let line = format!("{style}{word}{style:#}  {dim}{id}{dim:#}  {text}");
    writeln!(out, "{}", wrapped(&line, width, INDENT))
}

/// The most frequent sources with their numbers.
fn sources(all: impl Iterator<Item = String>) -> String {
    let mut counts: IndexMap<String, usize> = IndexMap::new();
    for source in all {
        *counts.entry(source).or_default() += 1;
    }
    counts.sort_by(|_, a, _, b| b.cmp(a));
    // A single one more takes no more room than its number.
    let named = NAMED + usize::from(counts.len() == NAMED + 1);
    let first = counts.iter().take(named);
    let words = first.map(|(source, number)| format!("{number} {source}"));
    let mut words: Vec<String> = words.collect();
    if counts.len() > named {
        let others: usize = counts.values().skip(named).sum();
        words.push(format!("{others} of {} other ages", counts.len() - named));
    }
    words.join(", ")
}

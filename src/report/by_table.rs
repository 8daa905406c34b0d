//! Differences of schemas for people: table by table, worst first; what every upgraded
//! database has is folded into a line per kind.

use std::io::{self, Write};

use indexmap::IndexMap;

use super::human::{Detail, style_of};
use super::text::{count, printable};
use crate::checks::Finding;

/// Sources and objects that a folded line names before the rest is only counted.
const NAMED: usize = 3;
/// Fewer findings of a kind are shown in full.
const FEWEST_FOLDED: usize = 3;

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
///
/// # Errors
/// The output cannot be written.
pub fn write(findings: &[&Finding], detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    let bold = anstyle::Style::new().bold();
    let dim = anstyle::Style::new().dimmed();
    let mut shown: Vec<&Finding> = Vec::new();
    let mut folded: Vec<&[&Finding]> = Vec::new();
    for group in findings.chunk_by(|a, b| is_same_kind(a, b)) {
        if is_folded(group, detail) {
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
            writeln!(out, "  {style}{word}{style:#}  {dim}{id}{dim:#}  {message}")?;
        }
    }
    if !folded.is_empty() {
        writeln!(out)?;
    }
    for group in folded {
        fold(group, out)?;
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

/// Whether a group is shown as a line.
pub(super) fn is_folded(group: &[&Finding], detail: Detail) -> bool {
    detail != Detail::Verbose
        && group.len() >= FEWEST_FOLDED
        && group.iter().all(|finding| finding.inherited.is_some())
}

/// One line for findings of one check that every upgraded database has.
///
/// # Errors
/// The output cannot be written.
pub(super) fn fold(group: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    let mut sources: IndexMap<&str, usize> = IndexMap::new();
    for finding in group {
        *sources
            .entry(finding.inherited.as_deref().unwrap_or_default())
            .or_default() += 1;
    }
    sources.sort_by(|_, a, _, b| b.cmp(a));
    let total = sources.len();
    // A single one more takes no more room than its number.
    let named = if total == NAMED + 1 { total } else { NAMED };
    let mut origins: Vec<String> = sources
        .iter()
        .take(named)
        .map(|(source, number)| format!("{number} {source}"))
        .collect();
    if total > named {
        let others: usize = sources.values().skip(named).sum();
        origins.push(format!("{others} of {} other ages", total - named));
    }
    let objects: Vec<String> = group
        .iter()
        .take(NAMED)
        .filter_map(|finding| finding.object.as_ref())
        .map(|object| match &object.table {
            Some(table) => format!("{table}.{}", object.name),
            None => object.name.clone(),
        })
        .collect();
    let etc = if group.len() > NAMED { ", …" } else { "" };
    let style = style_of(first.severity);
    let dim = anstyle::Style::new().dimmed();
    let (word, id) = (first.severity.as_str(), first.check.id);
    writeln!(
        out,
        "{style}{word}{style:#}  {dim}{id}{dim:#}  {} that CiviCRM's upgrades leave: {}",
        group.len(),
        printable(&origins.join(", ")),
    )?;
    writeln!(
        out,
        "       ({}{etc}; --verbose lists all)",
        printable(&objects.join(", "))
    )
}

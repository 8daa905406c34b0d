//! Differences of schemas for people: table by table, worst first; what every upgraded
//! database has is folded into a line per kind.

use std::io::{self, Write};

use indexmap::IndexMap;

use super::human::{Detail, style_of};
use super::text::{count, printable};
use crate::checks::Finding;

/// Sources and objects that a folded line names before the rest is only counted.
const NAMED: usize = 3;

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
    let (folded, shown): (Vec<&Finding>, Vec<&Finding>) = findings
        .iter()
        .partition(|finding| finding.inherited.is_some() && detail != Detail::Verbose);
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
    let mut rest = &folded[..];
    if !rest.is_empty() {
        writeln!(out)?;
    }
    while let Some(first) = rest.first() {
        let same = |finding: &&&Finding| finding.check.id == first.check.id;
        let (group, after) = rest.split_at(rest.iter().take_while(same).count());
        rest = after;
        fold(group, out)?;
        *fixes.entry(&first.fix).or_default() += group.len();
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
    let mut origins: Vec<String> = sources
        .iter()
        .take(NAMED)
        .map(|(source, number)| format!("{number} {source}"))
        .collect();
    if total > NAMED {
        let others: usize = sources.values().skip(NAMED).sum();
        origins.push(format!("{others} of {} other ages", total - NAMED));
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

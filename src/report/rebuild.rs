//! A new database made out of an old one, or to be made.

use std::io::{self, Write};

use anstyle::Style;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::plan::OrphanRows;
use crate::repair::rebuild::TableOutcome;
use crate::text::{count, printable};

/// A new database out of an old one.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RebuildSummary {
    /// Where it is made.
    pub into: String,
    /// The release whose structure it gets.
    pub release: String,
    /// Whether it was made.
    pub applied: bool,
    /// Whether every row came over as it was, and every trigger, routine, view and event.
    pub whole: bool,
    /// Its tables.
    pub tables: Vec<RebuiltTable>,
    /// Triggers, routines, views and events; those made, once it was made.
    pub programs: usize,
    /// Those that belong to the account that made them, because it may not name another.
    pub other_definer: Vec<String>,
    /// Those that could not be made, and why.
    pub failed: Vec<String>,
    /// Rows that have lost their parents.
    pub orphans: Vec<OrphanRows>,
}

impl RebuildSummary {
    /// Whether it is yet to be made, or came out whole and sound.
    pub(super) fn is_fine(&self) -> bool {
        !self.applied || self.whole && self.orphans.is_empty()
    }

    /// What came of it, in a few words.
    pub(super) fn outcome(&self) -> String {
        let words = match (self.applied, self.is_fine()) {
            (false, _) => "not made yet",
            (true, true) => "made, with every row",
            (true, false) => "made, with differences",
        };
        words.to_owned()
    }
}

/// A table of a new database.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RebuiltTable {
    /// Its name.
    pub table: String,
    /// Made as the release has it, not as it was.
    pub of_release: bool,
    /// The old database lacks it.
    pub new: bool,
    /// Columns that the release does not have.
    pub kept_columns: Vec<String>,
    /// Columns of the release that the old table lacks.
    pub filled_columns: Vec<String>,
    /// Indexes and foreign keys of the old table that the release does not have.
    pub left_out_keys: Vec<String>,
    /// What became of its rows, once it was made.
    #[serde(flatten)]
    pub outcome: TableOutcome,
}

/// What is to be made, or was.
pub(super) fn write(rebuild: &RebuildSummary, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    let into = printable(&rebuild.into);
    let (own, of_release): (Vec<_>, Vec<_>) =
        rebuild.tables.iter().partition(|table| !table.of_release);
    let heading = match (rebuild.applied, rebuild.whole) {
        (false, _) => "to make",
        (true, true) => "made",
        (true, false) => "made, with differences",
    };
    let release = &rebuild.release;
    writeln!(
        out,
        "\n{bold}{heading}{bold:#}  {into}, as CiviCRM {release}"
    )?;
    writeln!(
        out,
        "  {} of the release, {} as they are (custom data, logs, extensions, other software)",
        count(of_release.len() as u64, "table"),
        own.len()
    )?;
    writeln!(
        out,
        "  {} triggers, routines, views and events",
        rebuild.programs
    )?;
    if rebuild.applied {
        let rows = rebuild.tables.iter().map(|table| table.outcome.copied);
        writeln!(out, "  {} copied", count(rows.sum(), "row"))?;
    }
    for table in &rebuild.tables {
        for line in table_lines(table, rebuild.applied) {
            writeln!(out, "  {}: {}", printable(&table.table), printable(&line))?;
        }
    }
    for name in &rebuild.other_definer {
        writeln!(
            out,
            "  {}: belongs to this account now, which may not name another",
            printable(name)
        )?;
    }
    for failed in &rebuild.failed {
        writeln!(out, "  not made: {}", printable(failed))?;
    }
    for orphans in &rebuild.orphans {
        let line = format!(
            "{} without a parent in {} ({}): {}",
            count(orphans.rows, "row"),
            orphans.parent,
            orphans.foreign_key,
            orphans.sample.join(", ")
        );
        writeln!(out, "  {}: {}", printable(&orphans.table), printable(&line))?;
    }
    if !rebuild.applied {
        writeln!(
            out,
            "  nothing was made; --apply makes it, and only reads the old database"
        )?;
    }
    Ok(())
}

fn table_lines(table: &RebuiltTable, applied: bool) -> Vec<String> {
    let outcome = &table.outcome;
    let mut lines = Vec::new();
    for (names, what) in [
        (
            &table.kept_columns,
            "keeps columns that the release does not have:",
        ),
        (
            &table.filled_columns,
            "gets columns that the old one lacks:",
        ),
        (
            &table.left_out_keys,
            "leaves out indexes and foreign keys that the release does not have:",
        ),
    ] {
        if !names.is_empty() {
            lines.push(format!("{what} {}", names.join(", ")));
        }
    }
    if table.new {
        lines.push("missing in the old database, made empty".to_owned());
    }
    if applied {
        if outcome.left_out > 0 {
            lines.push(format!("{} not taken", count(outcome.left_out, "row")));
        }
        if outcome.altered > 0 {
            let rows = count(outcome.altered, "row");
            lines.push(format!("{rows} changed on the way"));
        }
        let (rows, copied) = (outcome.rows, outcome.copied);
        if outcome.left_out == 0 && rows != copied {
            lines.push(format!("{rows} rows read, {copied} rows there"));
        } else if outcome.left_out + outcome.altered == 0 && !outcome.same_values {
            lines.push("values are not the same in both".to_owned());
        }
        lines.extend(outcome.sample.iter().cloned());
    }
    lines
}

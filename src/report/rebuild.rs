//! A new database out of an old one, for people.

use std::io::{self, Write};

use anstyle::Style;

use super::{RebuildSummary, RebuiltTable};
use crate::text::{count, printable};

/// What is to be made, or was.
pub(super) fn lines(rebuild: &RebuildSummary, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    let into = printable(&rebuild.into);
    let (own, of_release): (Vec<_>, Vec<_>) =
        rebuild.tables.iter().partition(|table| !table.of_release);
    let heading = match (rebuild.applied, rebuild.whole) {
        (false, _) => "to make",
        (true, true) => "made",
        (true, false) => "made, with differences",
    };
    writeln!(
        out,
        "\n{bold}{heading}{bold:#}  {into}, as CiviCRM {}",
        rebuild.release
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
        let rows = rebuild.tables.iter().map(|table| table.copied).sum();
        writeln!(out, "  {} copied", count(rows, "row"))?;
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
    let mut lines = Vec::new();
    let mut names = |names: &[String], what: &str| {
        if !names.is_empty() {
            lines.push(format!("{what} {}", names.join(", ")));
        }
    };
    names(
        &table.kept_columns,
        "keeps columns that the release does not have:",
    );
    names(
        &table.filled_columns,
        "gets columns that the old one lacks:",
    );
    names(
        &table.left_out_keys,
        "leaves out indexes and foreign keys that the release does not have:",
    );
    if table.new {
        lines.push("missing in the old database, made empty".to_owned());
    }
    if applied {
        if table.left_out > 0 {
            lines.push(format!("{} not taken", count(table.left_out, "row")));
        }
        if table.altered > 0 {
            lines.push(format!(
                "{} changed on the way",
                count(table.altered, "row")
            ));
        }
        if table.left_out == 0 && table.rows != table.copied {
            lines.push(format!(
                "{} rows read, {} rows there",
                table.rows, table.copied
            ));
        } else if table.left_out + table.altered == 0 && !table.same_values {
            lines.push("values are not the same in both".to_owned());
        }
        lines.extend(table.sample.iter().cloned());
    }
    lines
}

//! How the contents of two sources compare.

use std::io::{self, Write};
use std::path::PathBuf;

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::human::Detail;
use crate::contents::comparison::{Comparison, Item, What};
use crate::contents::totals::Total;
use crate::text::{count, printable, thousands};

/// How the contents of two sources compare, under the key `contents`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ContentsSummary {
    /// Whether nothing is lost or changed but what upgrade steps do on purpose.
    pub intact: bool,
    /// Tables whose contents are equal.
    pub equal_tables: u64,
    /// Columns whose contents are equal, in all tables.
    pub equal_columns: u64,
    /// Rows of the first source that were compared.
    pub rows: u64,
    /// The versions before and after the upgrade that lies between the sources; null where there is no upgrade.
    pub through: Option<[String; 2]>,
    /// What upgrade steps did on purpose.
    pub on_purpose: Vec<ContentsChange>,
    /// What nothing explains.
    pub unexplained: Vec<ContentsChange>,
    /// Tables that differ and whose rows come and go by themselves.
    pub volatile: Vec<String>,
    /// Tables that could not be compared, each with the reason.
    pub not_compared: Vec<(String, String)>,
    /// Numbers that people check by hand.
    pub totals: Vec<ContentsTotal>,
    /// Files that the rows which differ were written to, with `--export`.
    pub exported: Vec<PathBuf>,
}

/// A difference between two sources.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ContentsChange {
    /// The table.
    pub table: String,
    /// `table-lost`, `table-new`, `column-lost`, `rows-lost`, `rows-new` or `changed`.
    pub what: &'static str,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// The number of rows; null where a stream could not be read again to count them.
    pub rows: Option<u64>,
    /// How many of the rows were NULL before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub were_null: Option<u64>,
    /// How many of the rows are NULL now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub are_null: Option<u64>,
    /// The upgrade steps that do this on purpose.
    pub steps: Vec<String>,
    /// The keys of some of the rows.
    pub keys: Vec<String>,
    /// Values of some of the rows, with `--show-values`.
    pub values: Vec<ContentsValue>,
}

/// A value of a row before and afterwards.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ContentsValue {
    /// The key of the row.
    pub key: String,
    /// The value before, as text; null for NULL.
    pub before: Option<String>,
    /// The value afterwards, as text; null for NULL.
    pub after: Option<String>,
}

/// A number of rows before and afterwards.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ContentsTotal {
    /// What is counted, such as contributions.
    pub title: &'static str,
    /// The values that make the kind of the rows, such as status and currency.
    pub kind: Vec<String>,
    /// The number before, with the sum of the amounts in hundredths.
    pub before: Total,
    /// The number afterwards.
    pub after: Total,
}

impl ContentsChange {
    fn of(item: &Item) -> Self {
        let (what, column) = match &item.what {
            What::TableLost => ("table-lost", None),
            What::TableNew => ("table-new", None),
            What::ColumnLost(column) => ("column-lost", Some(column)),
            What::RowsLost => ("rows-lost", None),
            What::RowsNew => ("rows-new", None),
            What::Changed { column, .. } => ("changed", Some(column)),
        };
        let nulls = match item.what {
            What::Changed {
                were_null,
                are_null,
                ..
            } => (Some(were_null), Some(are_null)),
            _ => (None, None),
        };
        Self {
            table: item.table.clone(),
            what,
            column: column.cloned(),
            rows: item.rows,
            were_null: nulls.0,
            are_null: nulls.1,
            steps: item.steps.clone(),
            keys: item.keys.clone(),
            values: (item.values.iter())
                .map(|change| {
                    let text = |value: &Option<Vec<u8>>| {
                        let text = String::from_utf8_lossy(value.as_ref()?).into_owned();
                        Some(text)
                    };
                    ContentsValue {
                        key: change.key.clone(),
                        before: text(&change.before),
                        after: text(&change.after),
                    }
                })
                .collect(),
        }
    }

    /// The change in a few words.
    fn line(&self) -> String {
        let rows = |noun: &str| match self.rows {
            Some(rows) => count(rows, noun),
            None => format!("{noun}s"),
        };
        let column = self.column.as_deref().unwrap_or_default();
        let what = match self.what {
            "table-lost" => format!("gone, with {}", rows("row")),
            "table-new" => format!("new, with {}", rows("row")),
            "column-lost" => format!("the column {column} is gone, with {}", rows("value")),
            "rows-lost" => format!("{} gone", rows("row")),
            "rows-new" => format!("{} new", rows("row")),
            _ => format!("{column}: {} changed{}", rows("row"), self.nulls()),
        };
        format!("{}: {what}", self.table)
    }

    fn nulls(&self) -> String {
        match (self.were_null.unwrap_or(0), self.rows) {
            (0, _) => String::new(),
            (nulls, Some(rows)) if nulls == rows => ", all of them NULL before".to_owned(),
            (nulls, _) => format!(", {} of them NULL before", thousands(nulls)),
        }
    }
}

impl ContentsSummary {
    /// The summary of a comparison.
    pub fn of(comparison: &Comparison) -> Self {
        let through = comparison.through.as_ref();
        Self {
            intact: comparison.is_intact(),
            equal_tables: comparison.equal_tables,
            equal_columns: comparison.equal_columns,
            rows: comparison.rows,
            through: through.map(|(from, target)| [from.to_string(), target.to_string()]),
            on_purpose: comparison.explained().map(ContentsChange::of).collect(),
            unexplained: comparison.unexplained().map(ContentsChange::of).collect(),
            volatile: comparison.volatile.clone(),
            not_compared: comparison.not_compared.clone(),
            exported: comparison.exported.clone(),
            totals: (comparison.totals.iter())
                .map(|total| ContentsTotal {
                    title: total.title,
                    kind: total.kind.clone(),
                    before: total.before,
                    after: total.after,
                })
                .collect(),
        }
    }

    /// What the comparison comes to, for the first line.
    pub(super) fn outcome(&self) -> String {
        let columns = |what: &str| self.on_purpose.iter().filter(|it| it.what == what).count();
        let changed = columns("changed") as u64;
        let purpose = match (self.on_purpose.len() as u64, changed) {
            (0, _) => String::new(),
            (all, 0) => format!("; {} by upgrade steps", count(all, "change")),
            (_, changed) => format!("; {} changed by upgrade steps", count(changed, "column")),
        };
        let equal = format!(
            "{}, {} equal{purpose}",
            count(self.equal_tables, "table"),
            count(self.equal_columns, "column")
        );
        let new = self.unexplained.len() as u64;
        match (self.intact, self.not_compared.is_empty()) {
            (true, true) if new > 0 => {
                format!("intact, with new rows in {}: {equal}", count(new, "table"))
            }
            (true, true) => format!("intact: {equal}"),
            (true, false) => format!("not all could be compared: {equal}"),
            (false, _) => format!("not intact: {equal}"),
        }
    }
}

/// Writes what steps did on purpose, and the totals.
pub(super) fn write(
    summary: &ContentsSummary,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    if !summary.on_purpose.is_empty() {
        writeln!(out, "\nchanged by upgrade steps")?;
        for change in &summary.on_purpose {
            let steps = match change.steps.as_slice() {
                [] => String::new(),
                [one] => one.clone(),
                [first, .., last] => format!("{first} to {last}"),
            };
            writeln!(
                out,
                "  {} ({})",
                printable(&change.line()),
                printable(&steps)
            )?;
        }
    }
    if !summary.volatile.is_empty() {
        let tables = count(summary.volatile.len() as u64, "table");
        let names = summary.volatile.join(", ");
        writeln!(
            out,
            "\nnot counted: {tables} of caches, queues, sessions and logs that differ: {}",
            printable(&names)
        )?;
    }
    if !summary.exported.is_empty() {
        writeln!(out, "\nrows that differ, as files for LOAD DATA")?;
        for path in &summary.exported {
            writeln!(out, "  {}", printable(&path.display().to_string()))?;
        }
    }
    totals(summary, detail, out)
}

/// The most lines of totals unless all are wanted.
const MAX_TOTALS: usize = 20;

fn totals(summary: &ContentsSummary, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
    let wanted = match detail {
        Detail::Verbose => usize::MAX,
        _ => MAX_TOTALS,
    };
    if summary.totals.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:<44} {:>20} {:>20}", "totals", "before", "after")?;
    // What differs is what people look for.
    let mut lines: Vec<&ContentsTotal> = summary.totals.iter().collect();
    lines.sort_by_key(|line| line.before == line.after);
    let left_out = lines.len().saturating_sub(wanted);
    lines.truncate(wanted);
    for line in lines {
        let kind: Vec<&str> = line
            .kind
            .iter()
            .map(String::as_str)
            .filter(|it| !it.is_empty())
            .collect();
        let name = match kind.is_empty() {
            true => line.title.to_owned(),
            false => format!("{} {}", line.title, kind.join(" ")),
        };
        let mark = match line.before == line.after {
            true => "",
            false => "  differs",
        };
        writeln!(
            out,
            "  {:<42} {:>20} {:>20}{mark}",
            printable(&name),
            shown(line.before),
            shown(line.after)
        )?;
    }
    if left_out > 0 {
        writeln!(
            out,
            "  … and {} more, with --verbose",
            thousands(left_out as u64)
        )?;
    }
    Ok(())
}

fn shown(total: Total) -> String {
    let rows = thousands(total.rows);
    match total.hundredths {
        Some(amount) => {
            let sign = if amount < 0 { "-" } else { "" };
            let amount = amount.unsigned_abs();
            format!(
                "{rows} = {sign}{}.{:02}",
                thousands(amount / 100),
                amount % 100
            )
        }
        None => rows,
    }
}

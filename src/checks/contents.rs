//! What was lost or changed between two sources ([`crate::contents`]), as findings.

use super::{Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity};
use crate::contents::comparison::{Comparison, Item, What};
use crate::text::count;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &CONTENTS_TABLE_LOST,
    &CONTENTS_COLUMN_LOST,
    &CONTENTS_ROWS_LOST,
    &CONTENTS_CHANGED,
    &CONTENTS_ROWS_NEW,
];

const SOURCE: &str = "the operations of every upgrade step, schemas/upgrade";

/// What each check looks for is in [`check_of`].
const DIFFERENCES: Rule = Rule::new(Group::Contents, &[Need::Contents], differences);

/// The id of the check that a difference is a finding of.
fn check_of(what: &What) -> &'static str {
    match what {
        What::TableLost => CONTENTS_TABLE_LOST.id,
        What::ColumnLost(_) => CONTENTS_COLUMN_LOST.id,
        What::RowsLost => CONTENTS_ROWS_LOST.id,
        What::Changed { .. } => CONTENTS_CHANGED.id,
        What::RowsNew | What::TableNew => CONTENTS_ROWS_NEW.id,
    }
}

pub(crate) static CONTENTS_TABLE_LOST: Check = Check {
    id: "contents-table-lost",
    severity: Severity::Error,
    title: "a table with rows is no longer there",
    why: "Its data is lost.",
    fix: "Find out what dropped the table, and bring it back from the first source.",
    example: "table civicrm_worldregion with 2 rows is only in before.sql",
    source: SOURCE,
    rules: &[DIFFERENCES],
};

pub(crate) static CONTENTS_COLUMN_LOST: Check = Check {
    id: "contents-column-lost",
    severity: Severity::Error,
    title: "a column with values is no longer there",
    why: "Its data is lost.",
    fix: "Find out what dropped the column, and bring its values back from the first source.",
    example: "civicrm_worldregion: the column name with 2 values is only in before.sql",
    source: SOURCE,
    rules: &[DIFFERENCES],
};

pub(crate) static CONTENTS_ROWS_LOST: Check = Check {
    id: "contents-rows-lost",
    severity: Severity::Error,
    title: "rows are no longer there",
    why: "Their data is lost, unless somebody deleted them on purpose in the meantime.",
    fix: "Find out whether somebody deleted the rows; otherwise bring them back from the first source.",
    example: "civicrm_worldregion: 1 row is only in before.sql: 2",
    source: SOURCE,
    rules: &[DIFFERENCES],
};

pub(crate) static CONTENTS_CHANGED: Check = Check {
    id: "contents-changed",
    severity: Severity::Error,
    title: "rows that both sources have differ in a column",
    why: "The data was changed by something else than the upgrade, or in the meantime.",
    fix: "Compare the rows in both sources, and find out who or what changed them.",
    example: "civicrm_worldregion.name: 1 row has another value: 2",
    source: SOURCE,
    rules: &[DIFFERENCES],
};

pub(crate) static CONTENTS_ROWS_NEW: Check = Check {
    id: "contents-rows-new",
    severity: Severity::Warning,
    title: "rows are there that the first source does not have",
    why: "The two sources are not of the same moment, or something added rows.",
    fix: "Find out what added the rows; on a site that went on running it is usual.",
    example: "civicrm_worldregion: 1 row is only in after.sql: 3",
    source: SOURCE,
    rules: &[
        DIFFERENCES,
        Rule::new(Group::Contents, &[Need::Contents], not_compared),
    ],
};

fn differences(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some((comparison, before)) = examined.contents else {
        return;
    };
    let after = &examined.snapshot().source.name;
    let is_of_check = |item: &&Item| check_of(&item.what) == check.id;
    for item in comparison.unexplained().filter(is_of_check) {
        let finding = Finding::new(check, message(item, before, after), check.fix);
        findings.push(match &item.what {
            What::ColumnLost(column) | What::Changed { column, .. } => {
                finding.about("column", column).of_table(&item.table)
            }
            _ => finding.about("table", &item.table),
        });
    }
}

fn message(item: &Item, before: &str, after: &str) -> String {
    let table = &item.table;
    let number = |what: &str| match item.rows {
        Some(rows) => count(rows, what),
        None => format!("{what}s"),
    };
    let is = match item.rows {
        Some(1) => "is",
        _ => "are",
    };
    let values = item.values.iter().map(|change| {
        let (before, after) = (
            value(change.before.as_deref()),
            value(change.after.as_deref()),
        );
        format!("{} ({before} before, {after} now)", change.key)
    });
    let rows: Vec<String> = match item.values.is_empty() {
        true => item.keys.clone(),
        false => values.collect(),
    };
    let keys = match rows.is_empty() {
        true => String::new(),
        false => format!(": {}", rows.join(", ")),
    };
    match &item.what {
        What::TableLost => format!("table {table} with {} is only in {before}", number("row")),
        What::TableNew => format!("table {table} with {} is only in {after}", number("row")),
        What::ColumnLost(column) => {
            format!(
                "{table}: the column {column} with {} is only in {before}",
                number("value")
            )
        }
        What::RowsLost => format!("{table}: {} {is} only in {before}{keys}", number("row")),
        What::RowsNew => format!("{table}: {} {is} only in {after}{keys}", number("row")),
        What::Changed {
            column,
            were_null,
            are_null,
        } => {
            let has = match item.rows {
                Some(1) => "has another value",
                _ => "have other values",
            };
            let nulls = match (*were_null, *are_null) {
                (0, 0) => String::new(),
                (were, 0) => format!(" ({were} of them NULL before)"),
                (0, are) => format!(" ({are} of them NULL now)"),
                (were, are) => format!(" ({were} of them NULL before, {are} NULL now)"),
            };
            format!("{table}.{column}: {} {has}{nulls}{keys}", number("row"))
        }
    }
}

/// A value for a message: its first characters in quotes, or NULL.
fn value(bytes: Option<&[u8]>) -> String {
    const SHOWN: usize = 60;
    let Some(bytes) = bytes else {
        return "NULL".to_owned();
    };
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("'{}…'", text.get(..end).unwrap_or_default()),
        None => format!("'{text}'"),
    }
}

fn not_compared(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some((comparison, _)) = examined.contents else {
        return;
    };
    let Comparison { not_compared, .. } = comparison;
    for (table, why) in not_compared {
        findings.skip(check, Lack::of_promised(format!("{table}: {why}")));
    }
}

//! The whole comparison: what is equal, what differs, and what of it steps of an upgrade did on purpose.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::again::{digest_again, find_rows, rows};
use super::digest::{ColumnDigest, Hashes, TableDigest};
use super::dump::Passed;
use super::export::Export;
use super::form::Form;
use super::judge::{Judge, comes_and_goes};
use super::matching::Matched;
pub use super::side::{ContentsError, Side, Watch};
use super::through::{Purpose, StepNames};
use super::totals::{COUNTS, Total, Totals};
use crate::civicrm::release::Version;
use crate::snapshot::Snapshot;

/// What to compare.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The most rows of each kind that are shown.
    pub samples: usize,
    /// Whether the values of the rows that are shown are kept besides their keys.
    pub with_values: bool,
    /// Whether caches, queues, sessions and logs count.
    pub with_volatile: bool,
    /// The versions before and after the upgrade that lies between the sources.
    pub through: Option<(Version, Version)>,
}

/// What differs in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Only the first source has the table, which has rows.
    TableLost,
    /// Only the second source has the table, which has rows.
    TableNew,
    /// Only the first source has the column.
    ColumnLost(String),
    /// Rows that only the first source has.
    RowsLost,
    /// Rows that only the second source has.
    RowsNew,
    /// The column has other values in the rows that both have.
    Changed {
        /// The column, as the second source names it.
        column: String,
        /// How many of the rows were NULL before.
        were_null: u64,
        /// How many of the rows are NULL now.
        are_null: u64,
    },
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The table, as the first source names it if it has it.
    pub table: String,
    /// What differs.
    pub what: What,
    /// The number of rows; `None` where a stream could not be read again to count them.
    pub rows: Option<u64>,
    /// The upgrade steps that do this on purpose; empty where none does.
    pub steps: StepNames,
    /// The keys of some of the rows.
    pub keys: Vec<String>,
    /// Values of some of the rows, where they are asked for and the column has others.
    pub values: Vec<ValueChange>,
}

/// A value of a row before and afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// The key of the row.
    pub key: String,
    /// The value before; `None` is NULL.
    pub before: Option<Vec<u8>>,
    /// The value afterwards; `None` is NULL.
    pub after: Option<Vec<u8>>,
}

/// A number of rows before and afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalPair {
    /// What is counted.
    pub title: &'static str,
    /// The values that make the kind of the rows.
    pub kind: Vec<String>,
    /// The number before.
    pub before: Total,
    /// The number afterwards.
    pub after: Total,
}

/// How the contents of two sources compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Tables whose contents are equal.
    pub equal_tables: u64,
    /// Columns whose contents are equal, in all tables.
    pub equal_columns: u64,
    /// Rows of the first source that were compared.
    pub rows: u64,
    /// What differs, in the order of the tables.
    pub items: Vec<Item>,
    /// Tables that differ and whose contents come and go by themselves.
    pub volatile: Vec<String>,
    /// Tables or columns that could not be compared, with the reason.
    pub not_compared: Vec<(String, String)>,
    /// Numbers that people check by hand.
    pub totals: Vec<TotalPair>,
    /// The versions before and after the upgrade that lies between the sources.
    pub through: Option<(Version, Version)>,
    /// The files that the rows which differ were written to.
    pub exported: Vec<PathBuf>,
}

/// Compares two sources that have been read once. Where an [`Export`] is given, all rows that differ are written.
///
/// # Errors
/// One of them cannot be read again, or the rows cannot be written.
pub fn compare<'l>(
    mut before: Side<'l>,
    mut after: Side<'l>,
    hashes: Hashes,
    options: &Options,
    mut export: Option<Export>,
    watch: Watch<'_>,
) -> Result<(Comparison, Snapshot, Snapshot), ContentsError> {
    let purpose = match &options.through {
        Some((from, target)) => Purpose::of(from, target)?,
        None => Purpose::default(),
    };
    let mut matched = Matched::of(&before.snapshot.schema, &after.snapshot.schema, &purpose);
    let mut comparison = Comparison {
        through: options.through.clone(),
        ..Comparison::default()
    };
    digest_again(
        &matched,
        &mut before,
        &mut after,
        hashes,
        &mut comparison,
        watch,
    )?;
    for side in [&before, &after] {
        comparison.not_compared.extend(side.not_read());
    }
    leave_out_times_without_zone(&mut matched, &before, &after, &mut comparison);
    let judge = Judge {
        purpose: &purpose,
        before: before.snapshot.schema.clone(),
        after: after.snapshot.schema.clone(),
        options,
    };
    judge.one_sided(&matched, &before, &after, &mut comparison);
    let mut differing = Vec::new();
    for pair in &matched.pairs {
        if comparison
            .not_compared
            .iter()
            .any(|(table, _)| *table == pair.before)
        {
            continue;
        }
        if judge.is_equal(pair, &before, &after, &mut comparison) {
            continue;
        }
        match comes_and_goes(&pair.after) && !options.with_volatile {
            true => comparison.volatile.push(pair.before.clone()),
            false => differing.push(pair),
        }
    }
    let can_be_read_again = before.can_be_read_again() && after.can_be_read_again();
    if can_be_read_again && !differing.is_empty() {
        let export = export.as_mut();
        let differences = rows(
            &differing,
            &mut before,
            &mut after,
            hashes,
            options,
            export,
            watch,
        )?;
        let mut shown = HashMap::new();
        for (pair, difference) in differing.iter().zip(&differences) {
            shown.insert(pair.before.clone(), difference.shown());
        }
        let found = find_rows(
            &differing,
            shown,
            &mut before,
            &mut after,
            hashes,
            options,
            watch,
        )?;
        for (pair, difference) in differing.iter().zip(&differences) {
            let names = found.get(&pair.before);
            let rows_before = before.rows(&pair.before);
            judge.rows(pair, difference, rows_before, names, &mut comparison);
        }
    } else if options.through.is_some() {
        let why = "a pipe cannot be read twice, so that what upgrade steps did cannot be told from what was lost";
        let tables = differing.into_iter().map(|pair| pair.before.clone());
        comparison
            .not_compared
            .extend(tables.map(|table| (table, why.to_owned())));
    } else {
        for pair in differing {
            judge.sums(pair, &before, &after, &mut comparison);
        }
    }
    comparison.totals = totals(&before.digests, &after.digests);
    if let Some(export) = export {
        comparison.exported = export.finish()?;
    }
    Ok((comparison, before.snapshot, after.snapshot))
}

/// Leaves out columns of times that differ where one of the dumps does not say in which time zone they are.
fn leave_out_times_without_zone(
    matched: &mut Matched,
    before: &Side<'_>,
    after: &Side<'_>,
    comparison: &mut Comparison,
) {
    let column = |side: &Side<'_>, table: &String, name: &String| {
        let (shape, digest) = side.digests.tables.get(table)?;
        Some((*shape.columns.get(name)?, *digest.columns.get(name)?))
    };
    for pair in &mut matched.pairs {
        let table = pair.before.clone();
        let lacks_zone = before.digests.without_zone.contains(&table)
            || after.digests.without_zone.contains(&pair.after);
        if !lacks_zone {
            continue;
        }
        let after_name = pair.after.clone();
        pair.columns.retain(|(old, new)| {
            let (ours, theirs) = (column(before, &table, old), column(after, &after_name, new));
            let is_time = [&ours, &theirs]
                .into_iter()
                .flatten()
                .any(|(form, _)| *form == Form::Timestamp);
            let digest = |side: Option<(Form, ColumnDigest)>| side.map(|(_, digest)| digest);
            let is_kept = !is_time || digest(ours) == digest(theirs);
            if !is_kept {
                let why = "one of the dumps does not say in which time zone its times are";
                let what = format!("{table}.{old}");
                comparison.not_compared.push((what, why.to_owned()));
            }
            is_kept
        });
    }
}

fn totals(before: &Passed<TableDigest>, after: &Passed<TableDigest>) -> Vec<TotalPair> {
    let of = |passed: &Passed<TableDigest>, table: &str| -> Totals {
        let digest = passed.tables.get(table);
        digest
            .map(|(_, digest)| digest.totals.clone())
            .unwrap_or_default()
    };
    let mut pairs = Vec::new();
    for count in COUNTS {
        let (ours, theirs) = (of(before, count.table), of(after, count.table));
        let mut kinds: BTreeMap<Vec<String>, ()> = BTreeMap::new();
        for (kind, _) in ours.iter().chain(theirs.iter()) {
            kinds.insert(kind.to_vec(), ());
        }
        pairs.extend(kinds.into_keys().map(|kind| TotalPair {
            title: count.title,
            before: ours.of(&kind),
            after: theirs.of(&kind),
            kind,
        }));
    }
    let custom = |passed: &Passed<TableDigest>| {
        let tables = passed.tables.iter();
        let rows = tables.filter(|(table, _)| table.starts_with("civicrm_value_"));
        Total {
            rows: rows.map(|(_, (_, digest))| digest.rows).sum(),
            hundredths: None,
        }
    };
    let (before, after) = (custom(before), custom(after));
    if before.rows + after.rows > 0 {
        pairs.push(TotalPair {
            title: "rows of custom data",
            kind: Vec::new(),
            before,
            after,
        });
    }
    pairs
}

impl Comparison {
    /// Whether nothing is lost or changed but what upgrade steps do on purpose; rows may be new.
    pub fn is_intact(&self) -> bool {
        let is_new = |item: &Item| matches!(item.what, What::RowsNew | What::TableNew);
        self.unexplained().all(is_new)
    }

    /// The differences that no step explains.
    pub fn unexplained(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.steps.is_empty())
    }

    /// The differences that steps of the upgrade make on purpose.
    pub fn explained(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.steps.is_empty())
    }
}

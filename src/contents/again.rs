//! What is read again: tables whose keys turned out to be others, rows of tables that differ, and rows to show.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;

use super::comparison::{Comparison, Options, ValueChange};
use super::difference::RowDifference;
use super::digest::Hashes;
use super::dump::Passed;
use super::export::Export;
use super::matching::{Matched, TablePair, Which};
use super::passes::{DigestPass, FindPass, FoundRow, KeyColumns, RowPass, RowsOfTable, WantedRows};
use super::side::{ContentsError, Side, Watch};

/// Most bytes of hashes of rows that are held at a time; past them the sources are read once more for each such part.
const MAX_BYTES: u64 = 128 << 20;

/// Sums up again the tables whose keys turned out to be others than those of the first reading: keys that came behind the
/// rows, and keys that the other source has not.
pub(super) fn digest_again<'l>(
    matched: &Matched,
    before: &mut Side<'l>,
    after: &mut Side<'l>,
    hashes: Hashes,
    comparison: &mut Comparison,
    watch: Watch<'_>,
) -> Result<(), ContentsError> {
    let (mut of_before, mut of_after) = (KeyColumns::new(), KeyColumns::new());
    for pair in &matched.pairs {
        let (ours, theirs) = &pair.key;
        if before
            .key_used(&pair.before)
            .is_some_and(|used| used != *ours)
        {
            of_before.insert(pair.before.clone(), ours.clone());
        }
        if after
            .key_used(&pair.after)
            .is_some_and(|used| used != *theirs)
        {
            of_after.insert(pair.after.clone(), theirs.clone());
        }
    }
    for (side, keys) in [(before, of_before), (after, of_after)] {
        if keys.is_empty() {
            continue;
        }
        if side.can_be_read_again() {
            let pass = DigestPass {
                hashes,
                only: Some(Arc::new(keys)),
            };
            let again = side.again(&pass, watch)?;
            side.digests.tables.extend(again.tables);
        } else {
            let why = "its key came behind its rows, and a stream cannot be read twice";
            let tables = keys.into_keys().map(|table| (table, why.to_owned()));
            comparison.not_compared.extend(tables);
        }
    }
    Ok(())
}

/// Reads the rows of the tables that differ, in parts that fit into memory, and matches them.
pub(super) fn rows<'l>(
    pairs: &[&TablePair],
    before: &mut Side<'l>,
    after: &mut Side<'l>,
    hashes: Hashes,
    options: &Options,
    mut export: Option<&mut Export>,
    watch: Watch<'_>,
) -> Result<Vec<RowDifference>, ContentsError> {
    let bytes = pairs.iter().map(|pair| {
        let rows = before.rows(&pair.before) + after.rows(&pair.after);
        rows * (pair.columns.len() as u64 + 3) * 8
    });
    let parts = bytes.sum::<u64>().div_ceil(MAX_BYTES).max(1);
    let wanted = |which| {
        let tables = pairs.iter().map(|pair| {
            let wanted = RowsOfTable {
                key: pair.key(which).clone(),
                columns: pair.columns(which).cloned().collect(),
            };
            (pair.table(which).clone(), wanted)
        });
        Arc::new(tables.collect::<IndexMap<String, RowsOfTable>>())
    };
    let (of_before, of_after) = (wanted(Which::Before), wanted(Which::After));
    let mut differences = vec![RowDifference::default(); pairs.len()];
    for part in 0..parts {
        let pass = |tables: &Arc<_>| RowPass {
            hashes,
            tables: Arc::clone(tables),
            part,
            parts,
        };
        let mut ours = before.again(&pass(&of_before), watch)?;
        let mut theirs = after.again(&pass(&of_after), watch)?;
        let mut differing = HashMap::new();
        for (pair, difference) in pairs.iter().zip(&mut differences) {
            let width = pair.columns.len();
            let take = |passed: &mut Passed<_>, table: &str| {
                let facts = passed.tables.swap_remove(table).map(|(_, facts)| facts);
                facts.unwrap_or_else(|| super::passes::HashedRows {
                    columns: vec![None; width],
                    ..Default::default()
                })
            };
            let ours = take(&mut ours, &pair.before);
            let theirs = take(&mut theirs, &pair.after);
            let most = match export {
                Some(_) => usize::MAX,
                None => options.samples,
            };
            let mut of_part = RowDifference::default();
            of_part.add(&ours, &theirs, most);
            difference.merge(&of_part, options.samples);
            differing.insert(pair.before.clone(), of_part);
        }
        if let Some(export) = &mut export {
            export.rows(pairs, &differing, Which::Before, before, hashes, watch)?;
            export.rows(pairs, &differing, Which::After, after, hashes, watch)?;
        }
    }
    Ok(differences)
}

/// A row to show, as far as each source has it.
#[derive(Default)]
pub(super) struct ShownRow {
    before: Option<FoundRow>,
    after: Option<FoundRow>,
}

impl ShownRow {
    pub(super) fn key(&self) -> Option<&str> {
        let row = self.before.as_ref().or(self.after.as_ref())?;
        Some(&row.key)
    }

    /// The values of a column, where both sources have the row and its values were kept.
    pub(super) fn values(&self, old: &str, new: &str) -> Option<ValueChange> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        Some(ValueChange {
            key: before.key.clone(),
            before: before.values.get(old)?.clone(),
            after: after.values.get(new)?.clone(),
        })
    }
}

/// Rows to show by the hashes of their keys, by table before.
pub(super) type ShownRows = HashMap<String, HashMap<u64, ShownRow>>;

/// Reads the rows to show.
pub(super) fn find_rows<'l>(
    pairs: &[&TablePair],
    shown: WantedRows,
    before: &mut Side<'l>,
    after: &mut Side<'l>,
    hashes: Hashes,
    options: &Options,
    watch: Watch<'_>,
) -> Result<ShownRows, ContentsError> {
    let mut all = ShownRows::new();
    if shown.values().all(HashSet::is_empty) {
        return Ok(all);
    }
    for (side, which) in [(before, Which::Before), (after, Which::After)] {
        let (mut tables, mut wanted) = (KeyColumns::new(), HashMap::new());
        for pair in pairs {
            let Some(hashes) = shown.get(&pair.before).filter(|hashes| !hashes.is_empty()) else {
                continue;
            };
            let table = pair.table(which);
            tables.insert(table.clone(), pair.key(which).clone());
            wanted.insert(table.clone(), hashes.clone());
        }
        let pass = FindPass {
            hashes,
            tables: Arc::new(tables),
            wanted: Arc::new(wanted),
            with_values: options.with_values,
        };
        let mut found = side.again(&pass, watch)?;
        for pair in pairs {
            let Some((_, rows)) = found.tables.swap_remove(pair.table(which)) else {
                continue;
            };
            let of_table = all.entry(pair.before.clone()).or_default();
            for row in rows {
                let shown = of_table.entry(row.hash).or_default();
                match which {
                    Which::Before => shown.before = Some(row),
                    Which::After => shown.after = Some(row),
                }
            }
        }
    }
    Ok(all)
}

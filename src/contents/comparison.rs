//! The whole comparison: what is equal, what differs, and what of it steps of an upgrade did on purpose.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::difference::RowDifference;
use super::digest::{ColumnDigest, Hashes, TableDigest};
use super::dump::{self, Passed};
use super::export::Export;
use super::form::Form;
use super::matching::{Matched, TablePair, Which};
use super::pass::Pass;
use super::passes::{DigestPass, FindPass, FoundRow, KeyColumns, RowPass, RowsOfTable, WantedRows};
use super::server;
use super::through::{Effect, Purpose, StepNames};
use super::totals::{COUNTS, Total, Totals};
use crate::civicrm::naming::is_volatile;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::steps::StepError;
use crate::row_file::RowFileError;
use crate::schema::model::{ReferentialAction, Schema, find};
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::snapshot::{ObjectKind, Snapshot};
use crate::source::{Location, SourceError};

/// Most bytes of hashes of rows that are held at a time; past them the sources are read once more for each such part.
const MAX_BYTES: u64 = 128 << 20;

/// Rows of a table that no step deletes to the last.
const MANY_ROWS: u64 = 10;

/// Why two sources could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// One of them cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The server cannot be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The steps of the upgrade cannot be read.
    #[error(transparent)]
    Steps(#[from] StepError),
    /// The rows that differ cannot be written.
    #[error(transparent)]
    Export(#[from] RowFileError),
}

/// One of the two sources.
pub struct Side<'l> {
    location: &'l Location,
    connection: Option<Reader>,
    /// What the source holds besides its rows.
    pub snapshot: Snapshot,
    digests: Passed<TableDigest>,
}

/// Tells how far a source has been read: the name of the source, and a table or a share of a file.
pub type Watch<'w> = &'w mut dyn FnMut(&Location, &crate::dump::container::Progress);

impl<'l> Side<'l> {
    /// Reads a source once: its facts, and the sums of its tables.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn read(
        location: &'l Location,
        database: Option<&str>,
        hashes: Hashes,
        watch: Watch<'_>,
    ) -> Result<Self, ContentsError> {
        let pass = DigestPass { hashes, only: None };
        if let Location::Server(place) = location {
            let (mut connection, database) = place.connect(database)?;
            let snapshot = place.read(&mut connection, &database)?;
            let digests = server::read(&mut connection, &snapshot.schema, &pass, &mut |_| {})?;
            return Ok(Self {
                location,
                connection: Some(connection),
                snapshot,
                digests,
            });
        }
        let mut watch = |progress: &_| watch(location, progress);
        let (snapshot, digests) = dump::read(location, database, &pass, &mut watch)?;
        Ok(Self {
            location,
            connection: None,
            snapshot,
            digests,
        })
    }

    fn can_be_read_again(&self) -> bool {
        self.location.can_be_read_again()
    }

    pub(super) fn again<P: Pass>(
        &mut self,
        pass: &P,
        watch: Watch<'_>,
    ) -> Result<Passed<P::Facts>, ContentsError> {
        if let Some(connection) = &mut self.connection {
            let schema = &self.snapshot.schema;
            return Ok(server::read(connection, schema, pass, &mut |_| {})?);
        }
        let database = self.snapshot.database.as_deref();
        let mut watch = |progress: &_| watch(self.location, progress);
        let (_, passed) = dump::read(self.location, database, pass, &mut watch)?;
        Ok(passed)
    }

    fn rows(&self, table: &str) -> u64 {
        let digest = self.digests.tables.get(table);
        digest.map_or(0, |(_, digest)| digest.rows)
    }

    /// What of the source could not be read for a comparison: the table or part, and why.
    fn not_read(&self) -> Vec<(String, String)> {
        let name = self.location.name();
        let mut all = Vec::new();
        if let Some(why) = self.snapshot.hidden.get(&ObjectKind::Table) {
            all.push(("tables".to_owned(), format!("{name}: {why}")));
        }
        if let Some((verb, line)) = &self.digests.changed {
            let why =
                format!("{name}: line {line}: {verb} changes rows in a way that is not followed");
            all.push(("rows".to_owned(), why));
        }
        if self.snapshot.rows_estimated {
            return all;
        }
        for (table, count) in &self.snapshot.row_counts {
            let table = table.to_ascii_lowercase();
            let digest = self.digests.tables.get(&table);
            let read = digest.map_or(0, |(_, digest)| digest.rows + digest.unread);
            if read != *count {
                let rows = crate::text::count(*count, "row");
                let why = format!(
                    "{name}: {rows} of it are there, and {read} could be read for a comparison"
                );
                all.push((table, why));
            }
        }
        all
    }

    /// Whether there may be tables and columns that the account cannot see.
    fn hides_tables(&self) -> bool {
        self.snapshot.hidden.contains_key(&ObjectKind::Table)
    }

    /// The columns that made the keys of the rows of a table.
    fn key_used(&self, table: &str) -> Option<Vec<String>> {
        let (shape, _) = self.digests.tables.get(table)?;
        let names = shape
            .key
            .iter()
            .filter_map(|column| shape.columns.get_index(*column));
        Some(names.map(|(name, _)| name.clone()).collect())
    }
}

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

/// Sums up again the tables whose keys turned out to be others than those of the first reading: keys that came behind the
/// rows, and keys that the other source has not.
fn digest_again<'l>(
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
fn rows<'l>(
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
        let mut differing = WantedRows::new();
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
            differing.insert(pair.before.clone(), of_part.shown());
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
struct ShownRow {
    before: Option<FoundRow>,
    after: Option<FoundRow>,
}

impl ShownRow {
    fn key(&self) -> Option<&str> {
        let row = self.before.as_ref().or(self.after.as_ref())?;
        Some(&row.key)
    }

    /// The values of a column, where both sources have the row and its values were kept.
    fn values(&self, old: &str, new: &str) -> Option<ValueChange> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        Some(ValueChange {
            key: before.key.clone(),
            before: before.values.get(old)?.clone(),
            after: after.values.get(new)?.clone(),
        })
    }
}

/// Rows to show by the hashes of their keys, by table before.
type ShownRows = HashMap<String, HashMap<u64, ShownRow>>;

/// Reads the rows to show.
fn find_rows<'l>(
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

/// Says what differs, and what of it is meant.
struct Judge<'a> {
    purpose: &'a Purpose,
    /// The schema before, whose foreign keys delete and empty rows along with others.
    before: Schema,
    after: Schema,
    options: &'a Options,
}

impl Judge<'_> {
    fn one_sided(
        &self,
        matched: &Matched,
        before: &Side<'_>,
        after: &Side<'_>,
        comparison: &mut Comparison,
    ) {
        let tables = (matched.only_before.iter()).map(|table| {
            (
                table,
                before.rows(table),
                What::TableLost,
                self.purpose.drops(table),
            )
        });
        let new = (matched.only_after.iter()).map(|table| {
            (
                table,
                after.rows(table),
                What::TableNew,
                self.purpose.creates(table),
            )
        });
        for (table, rows, what, steps) in tables.chain(new) {
            let may_be_hidden = what == What::TableLost && after.hides_tables()
                || what == What::TableNew && before.hides_tables();
            if rows == 0 || may_be_hidden {
                continue;
            }
            if comes_and_goes(table) && !self.options.with_volatile {
                comparison.volatile.push(table.clone());
                continue;
            }
            comparison.items.push(Item {
                table: table.clone(),
                what,
                rows: Some(rows),
                steps,
                keys: Vec::new(),
                values: Vec::new(),
            });
        }
    }

    /// Whether the sums of a table are equal; counts what is.
    fn is_equal(
        &self,
        pair: &TablePair,
        before: &Side<'_>,
        after: &Side<'_>,
        comparison: &mut Comparison,
    ) -> bool {
        let digest = |side: &Side<'_>, table: &str| {
            let digest = side.digests.tables.get(table);
            digest.map_or_else(TableDigest::default, |(_, digest)| digest.clone())
        };
        let ours = digest(before, &pair.before);
        let theirs = digest(after, &pair.after);
        comparison.rows += ours.rows;
        let reasons = [(before, &pair.before, &ours), (after, &pair.after, &theirs)];
        for (side, table, digest) in reasons {
            if let Some(why) = unreadable(side, table, digest) {
                comparison.not_compared.push((pair.before.clone(), why));
                return true;
            }
        }
        let column = |digest: &TableDigest, name: &String| {
            digest.columns.get(name).copied().unwrap_or_default()
        };
        let same = |(old, new): &&(String, String)| {
            let (ours, theirs) = (column(&ours, old), column(&theirs, new));
            ours == theirs && ours.left_out == 0
        };
        let equal = pair.columns.iter().filter(same).count();
        let is_equal = equal == pair.columns.len() && ours.keys == theirs.keys;
        comparison.equal_columns += equal as u64;
        comparison.equal_tables += u64::from(is_equal);
        for name in &pair.only_before {
            let ColumnDigest {
                nulls, left_out, ..
            } = column(&ours, name);
            let values = ours.rows.saturating_sub(nulls + left_out);
            if values > 0 && !after.hides_tables() {
                comparison.items.push(Item {
                    table: pair.before.clone(),
                    what: What::ColumnLost(name.clone()),
                    rows: Some(values),
                    steps: self
                        .purpose
                        .effects(&pair.names(), name, false, &[Effect::Drops]),
                    keys: Vec::new(),
                    values: Vec::new(),
                });
            }
        }
        is_equal
    }

    fn rows(
        &self,
        pair: &TablePair,
        difference: &RowDifference,
        rows_before: u64,
        shown: Option<&HashMap<u64, ShownRow>>,
        comparison: &mut Comparison,
    ) {
        let rows_of = |hashes: &[u64]| {
            let found = hashes.iter().filter_map(|hash| shown?.get(hash));
            let mut found: Vec<&ShownRow> = found.collect();
            found.sort_by_key(|row| {
                let key = row.key().unwrap_or_default();
                (key.parse::<u64>().unwrap_or(u64::MAX), key)
            });
            found
        };
        let keys = |hashes: &[u64]| -> Vec<String> {
            let rows = rows_of(hashes).into_iter();
            rows.filter_map(ShownRow::key).map(str::to_owned).collect()
        };
        let names = pair.names();
        let mut add = |what, rows, steps, keys, values| {
            if rows > 0 {
                comparison.items.push(Item {
                    table: pair.before.clone(),
                    what,
                    rows: Some(rows),
                    steps,
                    keys,
                    values,
                });
            }
        };
        let samples = &difference.samples;
        // Steps delete some rows of a table. Where many are gone and none is left, something else did it.
        let is_emptied = difference.lost == rows_before && rows_before >= MANY_ROWS;
        let deletes = match is_emptied {
            true => StepNames::new(),
            false => self.deletes(&names, 3),
        };
        add(
            What::RowsLost,
            difference.lost,
            deletes,
            keys(&samples.lost),
            Vec::new(),
        );
        add(
            What::RowsNew,
            difference.new,
            self.purpose.inserts(&names),
            keys(&samples.new),
            Vec::new(),
        );
        for ((old, new), cells) in pair.columns.iter().zip(&difference.columns) {
            let mut steps = self.sets(pair, old, new);
            if steps.is_empty() && cells.are_null == cells.changed {
                steps = self.emptied(pair, old);
            }
            let fills = self.fills(pair, new);
            // Where steps fill NULLs, only that is meant.
            let parts = match steps.is_empty() && !fills.is_empty() {
                true => vec![
                    (cells.were_null, cells.were_null, 0, fills),
                    (cells.changed - cells.were_null, 0, cells.are_null, steps),
                ],
                false => vec![(cells.changed, cells.were_null, cells.are_null, steps)],
            };
            for (rows, were_null, are_null, steps) in parts {
                let column = new.clone();
                let what = What::Changed {
                    column,
                    were_null,
                    are_null,
                };
                let values = rows_of(&cells.samples);
                let values = values.iter().filter_map(|row| row.values(old, new));
                add(what, rows, steps, keys(&cells.samples), values.collect());
            }
        }
    }

    /// What sums alone tell of a table that differs.
    fn sums(
        &self,
        pair: &TablePair,
        before: &Side<'_>,
        after: &Side<'_>,
        comparison: &mut Comparison,
    ) {
        let names = pair.names();
        let (ours, theirs) = (before.rows(&pair.before), after.rows(&pair.after));
        let (what, steps) = match ours.cmp(&theirs) {
            std::cmp::Ordering::Greater => (What::RowsLost, self.deletes(&names, 3)),
            std::cmp::Ordering::Less => (What::RowsNew, self.purpose.inserts(&names)),
            std::cmp::Ordering::Equal => {
                let columns = |side: &Side<'_>, table: &str| {
                    let digest = side.digests.tables.get(table);
                    digest
                        .map(|(_, digest)| digest.columns.clone())
                        .unwrap_or_default()
                };
                let (ours, theirs) = (columns(before, &pair.before), columns(after, &pair.after));
                for (old, new) in &pair.columns {
                    if ours.get(old) != theirs.get(new) {
                        let what = What::Changed {
                            column: new.clone(),
                            were_null: 0,
                            are_null: 0,
                        };
                        comparison.items.push(Item {
                            table: pair.before.clone(),
                            what,
                            rows: None,
                            steps: self.sets(pair, old, new),
                            keys: Vec::new(),
                            values: Vec::new(),
                        });
                    }
                }
                return;
            }
        };
        comparison.items.push(Item {
            table: pair.before.clone(),
            what,
            rows: Some(ours.abs_diff(theirs)),
            steps,
            keys: Vec::new(),
            values: Vec::new(),
        });
    }

    /// The steps that set values of a column, or give it a type that holds other values.
    fn sets(&self, pair: &TablePair, old: &str, new: &str) -> StepNames {
        let before = find(&self.before.tables, &pair.before);
        let column = before.and_then(|table| find(&table.columns, old));
        let on_update = column.is_some_and(|column| column.on_update_now);
        let after = find(&self.after.tables, &pair.after);
        let now = after.and_then(|table| Some((find(&table.columns, new)?, table)));
        let old_form = column
            .zip(before)
            .map(|(column, table)| Form::of(column, table));
        let new_form = now.map(|(column, table)| Form::of(column, table));
        let effects: &[Effect] = match old_form == new_form {
            true => &[Effect::Sets],
            false => &[Effect::Sets, Effect::Retypes],
        };
        self.purpose.effects(&pair.names(), new, on_update, effects)
    }

    /// The steps that fill NULLs of a column.
    fn fills(&self, pair: &TablePair, column: &str) -> StepNames {
        let effects = [Effect::Fills, Effect::Retypes];
        self.purpose.effects(&pair.names(), column, false, &effects)
    }

    /// The steps that delete rows of a table, or rows that those refer to with ON DELETE CASCADE.
    fn deletes(&self, tables: &[&str], depth: u8) -> StepNames {
        let steps = self.purpose.deletes(tables);
        if !steps.is_empty() || depth == 0 {
            return steps;
        }
        let parents = tables
            .iter()
            .filter_map(|table| find(&self.before.tables, table))
            .flat_map(|table| table.foreign_keys.values())
            .filter(|key| key.on_delete == ReferentialAction::Cascade)
            .map(|key| key.referenced_table.to_ascii_lowercase());
        let mut all: StepNames = parents
            .filter(|parent| !tables.contains(&parent.as_str()))
            .flat_map(|parent| self.deletes(&[&parent], depth - 1))
            .collect();
        all.dedup();
        all
    }

    /// The steps that delete rows which a column refers to with ON DELETE SET NULL.
    fn emptied(&self, pair: &TablePair, column: &str) -> StepNames {
        let Some(table) = find(&self.before.tables, &pair.before) else {
            return StepNames::new();
        };
        let keys = table.foreign_keys.values().filter(|key| {
            let is_of_column = |name: &String| name.eq_ignore_ascii_case(column);
            key.on_delete == ReferentialAction::SetNull && key.columns.iter().any(is_of_column)
        });
        let parents = keys.map(|key| key.referenced_table.to_ascii_lowercase());
        parents
            .flat_map(|parent| self.deletes(&[&parent], 3))
            .collect()
    }
}

/// Whether the rows of a table come and go without users' doing, or only note what was done.
fn comes_and_goes(table: &str) -> bool {
    is_volatile(table)
        || ["log_", "snap_civicrm_"]
            .iter()
            .any(|start| table.starts_with(start))
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

/// Why the contents of a table of one source cannot be compared.
fn unreadable(side: &Side<'_>, table: &str, digest: &TableDigest) -> Option<String> {
    let name = side.location.name();
    if let Some(why) = side.digests.unread.get(table) {
        return Some(format!("{name}: {why}"));
    }
    if digest.unread > 0 {
        let rows = crate::text::count(digest.unread, "row");
        return Some(format!("{name}: {rows} of it cannot be read"));
    }
    let charset = side.digests.odd_charsets.get(table)?;
    Some(format!(
        "{name}: its text is in the character set {charset}, which is not read"
    ))
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

//! What differs, and what of it steps of an upgrade did on purpose.

use std::collections::HashMap;

use super::again::ShownRow;
use super::comparison::{Comparison, Item, Options, What};
use super::difference::RowDifference;
use super::digest::{ColumnDigest, TableDigest};
use super::form::Form;
use super::matching::{Matched, TablePair};
use super::side::{Side, unreadable};
use super::through::{Effect, Purpose, StepNames};
use crate::civicrm::naming::is_volatile;
use crate::schema::model::{ReferentialAction, Schema, find};

/// Rows of a table that no step deletes to the last.
const MANY_ROWS: u64 = 10;

/// Says what differs, and what of it is meant.
pub(super) struct Judge<'a> {
    pub(super) purpose: &'a Purpose,
    /// The schema before, whose foreign keys delete and empty rows along with others.
    pub(super) before: Schema,
    pub(super) after: Schema,
    pub(super) options: &'a Options,
}

impl Judge<'_> {
    pub(super) fn one_sided(
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
    pub(super) fn is_equal(
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

    pub(super) fn rows(
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
            let keys = rows.filter_map(ShownRow::key);
            keys.filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect()
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
    pub(super) fn sums(
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
pub(super) fn comes_and_goes(table: &str) -> bool {
    is_volatile(table)
        || ["log_", "snap_civicrm_"]
            .iter()
            .any(|start| table.starts_with(start))
}

//! The comparison of all tables, and of what stands on a table itself.

use std::collections::HashMap;

use super::difference::{ColumnAspect, Difference, DifferenceKind, Side};
use super::names::{Named, match_names};
use super::{charset, column, foreign_key, index};
use crate::schema::model::{Schema, Table};

/// What counts as the same.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether the actual schema is a text that no server has run. Such a text need not have the indexes that a
    /// server makes for foreign keys.
    pub not_from_server: bool,
    /// Other names under which a foreign key of the reference is as good, by its name in the reference. (Names
    /// of constraints are unique in a database.)
    pub foreign_key_aliases: HashMap<String, Vec<String>>,
}

/// All differences between the actual schema and the reference: tables that both have in
/// the order of the reference, then missing ones, then extra ones. Each object gives one
/// difference, save a foreign key that has another rule and another name: that gives two.
///
/// The comparison is by meaning: names of columns, indexes and constraints without letter case; names of tables
/// exactly first and then without letter case; numeric defaults by value; JSON as the LONGTEXT in `utf8mb4_bin`
/// that MariaDB makes of it; an index prefix as long as the column as the whole column. Foreign keys are
/// matched by the columns they connect, then compared by rule and by name. Indexes are matched by name, then by
/// what they cover. The index that a server makes for a foreign key may exist or not, as long as some index
/// serves the foreign key. The order of columns, ROW_FORMAT, CHECK constraints, views, triggers, routines and events are not compared: every
/// server prints their text in its own way.
pub fn compare(actual: &Schema, reference: &Schema, options: &Options) -> Vec<Difference> {
    compare_some(actual, reference, options, |_| true)
}

/// What [`compare`] finds in the tables whose names `is_wanted` says yes to, whatever their letter case.
pub fn compare_some(
    actual: &Schema,
    reference: &Schema,
    options: &Options,
    is_wanted: impl Fn(&str) -> bool,
) -> Vec<Difference> {
    let (both, mut extra, mut missing) = match_names(&actual.tables, &reference.tables);
    extra.retain(|(name, _)| is_wanted(name));
    missing.retain(|(name, _)| is_wanted(name));
    let mut differences = Vec::new();
    for (actual, reference) in both.into_iter().filter(|(_, (name, _))| is_wanted(name)) {
        Comparison {
            name: reference.0,
            actual_name: actual.0,
            actual: actual.1,
            reference: reference.1,
            options,
            differences: &mut differences,
        }
        .run();
    }
    let one_sided = |kind, (name, table): Named<Table>| {
        let side = Some(Side::new(name, &summary(table)));
        let (actual, reference) = match kind {
            DifferenceKind::TableMissing => (None, side),
            _ => (side, None),
        };
        Difference::new(kind, name, actual, reference)
    };
    let missing = missing.into_iter();
    differences.extend(missing.map(|table| one_sided(DifferenceKind::TableMissing, table)));
    let extra = extra.into_iter();
    differences.extend(extra.map(|table| one_sided(DifferenceKind::TableExtra, table)));
    differences
}

/// A summary of a table: how many columns, indexes and foreign keys it has.
fn summary(table: &Table) -> String {
    format!(
        "{} columns, {} indexes, {} foreign keys",
        table.columns.len(),
        table.indexes.len(),
        table.foreign_keys.len()
    )
}

/// One table that both schemas have.
pub(super) struct Comparison<'a> {
    pub(super) name: &'a str,
    pub(super) actual_name: &'a str,
    pub(super) actual: &'a Table,
    pub(super) reference: &'a Table,
    pub(super) options: &'a Options,
    pub(super) differences: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    fn run(mut self) {
        self.table_options();
        column::compare(&mut self);
        index::compare_primary_key(&mut self);
        index::compare(&mut self);
        foreign_key::compare(&mut self);
    }

    fn table_options(&mut self) {
        let (actual, reference) = (self.actual, self.reference);
        if let (Some(ours), Some(theirs)) = (&actual.engine, &reference.engine)
            && !ours.eq_ignore_ascii_case(theirs)
        {
            self.table_difference(DifferenceKind::EngineDiffers, ours, theirs);
        }
        let ours = charset::of_table(actual);
        let theirs = charset::of_table(reference);
        let kind = match ours.difference(theirs) {
            Some(ColumnAspect::Charset) => DifferenceKind::CharsetDiffers,
            Some(_) => DifferenceKind::CollationDiffers,
            None => return,
        };
        self.table_difference(kind, ours.name(), theirs.name());
    }

    pub(super) fn table_difference(&mut self, kind: DifferenceKind, actual: &str, reference: &str) {
        let actual = Side::new(self.actual_name, actual);
        let reference = Side::new(self.name, reference);
        self.add(kind, Some(actual), Some(reference));
    }

    pub(super) fn add(
        &mut self,
        kind: DifferenceKind,
        actual: Option<Side>,
        reference: Option<Side>,
    ) {
        let difference = Difference::new(kind, self.name, actual, reference);
        self.differences.push(difference);
    }
}

//! Compares two schemas by meaning.
//!
//! Objects are equal when a server treats them alike, however it prints them: see [`compare`].

mod charset;
mod column;
mod foreign_key;
mod index;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use indexmap::IndexMap;

use super::model::{Schema, Table};
use crate::text::printable;

pub use charset::{in_charset_of, usual_charset};
pub use column::differing as column_aspects;
pub use foreign_key::{differing_rules as foreign_key_rules, same_ends};
pub use index::differing as index_aspects;

/// An object in which the two schemas differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The kind of difference.
    pub kind: DifferenceKind,
    /// The name of the table, in the reference's spelling if the reference has the table.
    pub table: String,
    /// The object in the actual schema; `None` when it is missing there.
    pub actual: Option<Side>,
    /// The object in the reference; `None` when it is extra.
    pub reference: Option<Side>,
}

impl Difference {
    /// The object's name: in the reference if it is there, else in the actual schema.
    pub fn name(&self) -> &str {
        self.reference
            .as_ref()
            .or(self.actual.as_ref())
            .map_or(&self.table, |side| &side.name)
    }

    fn new(
        kind: DifferenceKind,
        table: &str,
        actual: Option<Side>,
        reference: Option<Side>,
    ) -> Self {
        Self {
            kind,
            table: table.to_owned(),
            actual,
            reference,
        }
    }
}

/// An object as one of the two schemas has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Name of the column, index or constraint, or of the table when the object is a table.
    pub name: String,
    /// The object in a few words of SQL on one line, without control characters.
    pub definition: String,
}

impl Side {
    fn new(name: &str, definition: &str) -> Self {
        Self {
            name: name.to_owned(),
            definition: printable(definition),
        }
    }
}

/// The kinds of differences between an object and its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The actual schema lacks a table. No difference inside that table is reported.
    TableMissing,
    /// The actual schema has a table that the reference lacks.
    TableExtra,
    /// The tables have different storage engines.
    EngineDiffers,
    /// The default character sets of the tables differ. Columns that inherit it are not reported as well.
    CharsetDiffers,
    /// The default collations of the tables differ, within the same character set.
    CollationDiffers,
    /// The actual schema lacks a column.
    ColumnMissing,
    /// The actual schema has a column that the reference lacks.
    ColumnExtra,
    /// Both have the column, and it differs in these aspects, at least one.
    ColumnDiffers(Vec<ColumnAspect>),
    /// The primary keys differ, or only one side has one.
    PrimaryKeyDiffers,
    /// The actual schema lacks an index.
    IndexMissing,
    /// The actual schema has an index that the reference lacks; also one that repeats another.
    IndexExtra,
    /// Both have an index of this name, and it differs in these aspects, at least one.
    IndexDiffers(Vec<IndexAspect>),
    /// Both have the index, under different names.
    IndexName,
    /// The actual schema lacks a foreign key.
    ForeignKeyMissing,
    /// The actual schema has a foreign key that the reference lacks; also one that repeats another.
    ForeignKeyExtra,
    /// Both have the foreign key, and these rules of it differ, at least one.
    ForeignKeyDiffers(Vec<ForeignKeyRule>),
    /// Both have the foreign key, under different names.
    ForeignKeyName,
}

/// The aspects in which a column can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnAspect {
    /// The data type of the column.
    Type,
    /// Whether the column allows NULL.
    Nullability,
    /// The default value of the column.
    Default,
    /// Whether the column has AUTO_INCREMENT.
    AutoIncrement,
    /// Whether the column has ON UPDATE CURRENT_TIMESTAMP.
    OnUpdate,
    /// The character set of the column.
    Charset,
    /// The collation of the column, within the same character set.
    Collation,
    /// Whether the column is generated, or from which expression.
    Generated,
}

/// The aspects in which an index can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexAspect {
    /// The columns of the index, or their order.
    Columns,
    /// Whether the index is UNIQUE.
    Uniqueness,
    /// The prefix lengths of the index's columns.
    Prefix,
    /// The ascending or descending order of a column of the index.
    Direction,
    /// Whether the index is FULLTEXT, SPATIAL or neither.
    Kind,
}

/// The two rules of a foreign key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForeignKeyRule {
    /// The rule ON DELETE.
    OnDelete,
    /// The rule ON UPDATE.
    OnUpdate,
}

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
    let (both, extra, missing) = match_names(&actual.tables, &reference.tables);
    let mut differences = Vec::new();
    for (actual, reference) in both {
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
struct Comparison<'a> {
    name: &'a str,
    actual_name: &'a str,
    actual: &'a Table,
    reference: &'a Table,
    options: &'a Options,
    differences: &'a mut Vec<Difference>,
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

    fn table_difference(&mut self, kind: DifferenceKind, actual: &str, reference: &str) {
        let actual = Side::new(self.actual_name, actual);
        let reference = Side::new(self.name, reference);
        self.add(kind, Some(actual), Some(reference));
    }

    fn add(&mut self, kind: DifferenceKind, actual: Option<Side>, reference: Option<Side>) {
        let difference = Difference::new(kind, self.name, actual, reference);
        self.differences.push(difference);
    }
}

/// An object with its name.
type Named<'a, T> = (&'a String, &'a T);

/// Matches objects by name, exactly first and then without letter case: pairs in the order
/// of the reference, then what only the actual side has, then what only the reference has.
#[expect(clippy::type_complexity, reason = "three lists, taken apart at once")]
fn match_names<'a, T>(
    actual: &'a IndexMap<String, T>,
    reference: &'a IndexMap<String, T>,
) -> (
    Vec<(Named<'a, T>, Named<'a, T>)>,
    Vec<Named<'a, T>>,
    Vec<Named<'a, T>>,
) {
    let mut extra: Vec<Named<T>> = actual
        .iter()
        .filter(|(name, _)| !reference.contains_key(*name))
        .collect();
    let mut both = Vec::with_capacity(reference.len());
    let mut missing = Vec::new();
    for object in reference {
        if let Some(exact) = actual.get_key_value(object.0) {
            both.push((exact, object));
            continue;
        }
        let mut names = extra.iter().map(|(name, _)| name);
        match names.position(|name| name.eq_ignore_ascii_case(object.0)) {
            Some(position) => both.push((extra.remove(position), object)),
            None => missing.push(object),
        }
    }
    (both, extra, missing)
}

/// Takes from both lists the pairs for which `same` holds, each object at most once.
fn take_pairs<'a, T>(
    actual: &mut Vec<Named<'a, T>>,
    reference: &mut Vec<Named<'a, T>>,
    same: impl Fn(Named<'a, T>, Named<'a, T>) -> bool,
) -> Vec<(Named<'a, T>, Named<'a, T>)> {
    let mut pairs = Vec::new();
    reference.retain(|&object| {
        let partner = actual.iter().position(|&other| same(other, object));
        if let Some(position) = partner {
            pairs.push((actual.remove(position), object));
        }
        partner.is_none()
    });
    pairs
}

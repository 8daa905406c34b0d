//! Tables and columns in another character set than the rest of the database.
//!
//! Each column is restated, not CONVERT TO CHARACTER SET: that knows no exceptions, and makes a
//! MEDIUMTEXT of a TEXT where characters come to take more bytes.

use indexmap::IndexMap;

use super::family::Family;
use super::planner::{Planner, Purpose};
use crate::schema::charset::{drop_inherited, has_charset};
use crate::schema::compare::{Difference, DifferenceKind as Kind};
use crate::schema::meaning::is_json;
use crate::schema::model::{Table, find};
use crate::schema::sql::with_charset;

/// One ALTER for each table, restating what differs.
pub(super) fn plan<'d>(planner: &mut Planner, differences: impl Iterator<Item = &'d Difference>) {
    let mut by_table: IndexMap<&str, Vec<&Difference>> = IndexMap::new();
    for difference in differences {
        by_table
            .entry(&difference.table)
            .or_default()
            .push(difference);
    }
    for (name, differences) in by_table {
        let Some((name, before, wanted)) = planner.with_reference(name) else {
            continue;
        };
        let after = converted(&before, wanted, &differences);
        if let Some(why) = hindrance(planner, &name, &before, &after) {
            planner.refuse(&name, &name, why);
            continue;
        }
        let from = before.collation.or(before.charset).unwrap_or_default();
        let to = after.collation.as_ref().or(after.charset.as_ref());
        let why = match to {
            Some(to) if *to == from => {
                format!("columns are not in {from} as their table and the database")
            }
            to => {
                let to = to.map_or("", String::as_str);
                format!("the table is in {from}, the rest of the database in {to}")
            }
        };
        planner.step(&name, after, Purpose::new(Family::Charset, why));
    }
}

/// The table with the character sets of the reference, as far as they differ.
fn converted(before: &Table, wanted: &Table, differences: &[&Difference]) -> Table {
    let is_table = |difference: &&Difference| {
        matches!(
            difference.kind,
            Kind::CharsetDiffers | Kind::CollationDiffers
        )
    };
    let mut after = before.clone();
    let whole = differences.iter().any(is_table);
    if whole {
        after.charset.clone_from(&wanted.charset);
        after.collation.clone_from(&wanted.collation);
    }
    let defaults = Table {
        charset: after.charset.clone(),
        collation: after.collation.clone(),
        ..Table::default()
    };
    for (name, column) in &mut after.columns {
        let is_named = |difference: &&Difference| {
            !is_table(difference)
                && difference
                    .actual
                    .as_ref()
                    .is_some_and(|side| side.name == *name)
        };
        let is_text = has_charset(&column.data_type) && !is_json(column, before);
        let own = differences.iter().any(is_named);
        let inherits = column.charset.is_none() && column.collation.is_none();
        let pattern = find(&wanted.columns, name).filter(|_| is_text && (whole || own));
        match pattern.map(|pattern| with_charset(pattern, wanted)) {
            Some(pattern) => {
                column.charset = pattern.charset;
                column.collation = pattern.collation;
            }
            // A column that CiviCRM does not know goes along with its table.
            None if is_text && whole && inherits => continue,
            None => *column = with_charset(column, before),
        }
        drop_inherited(column, &defaults);
    }
    after
}

/// What speaks against it.
fn hindrance(planner: &Planner, name: &str, before: &Table, after: &Table) -> Option<String> {
    let changed = || {
        after.columns.iter().filter_map(|(column, definition)| {
            let new = with_charset(definition, after);
            let old = with_charset(before.columns.get(column)?, before);
            (old != new).then_some((column, old.charset, new.charset))
        })
    };
    for (column, old, new) in changed() {
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        if !holds_all(&old, &new) {
            return Some(format!(
                "column {column} is in {old}, which has characters that {new} has not; \
                 bring the other tables to {old}, as CiviCRM's own conversion does"
            ));
        }
    }
    let is_changed = |columns: &[String]| {
        let mut columns = columns.iter();
        columns.any(|column| changed().any(|(other, ..)| other.eq_ignore_ascii_case(column)))
    };
    for (table, definition) in &planner.now.tables {
        for (constraint, key) in &definition.foreign_keys {
            let child = table == name && is_changed(&key.columns);
            let parent = key.referenced_table.eq_ignore_ascii_case(name)
                && is_changed(&key.referenced_columns);
            if child || parent {
                return Some(format!(
                    "the foreign key {constraint} of {table} connects text columns, whose character \
                     sets no single statement changes together: drop it, repair the charset of both \
                     tables, then repair foreign-keys adds it again"
                ));
            }
        }
    }
    None
}

/// Whether every character of `old` is in `new`.
fn holds_all(old: &str, new: &str) -> bool {
    match (old, new) {
        (old, new) if old == new => true,
        (_, "utf8mb4") => true,
        ("utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030", _) => false,
        (_, "utf8mb3") => true,
        _ => false,
    }
}

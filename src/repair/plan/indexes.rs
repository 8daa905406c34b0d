//! Indexes that are missing, are different or have another name.

use indexmap::IndexMap;

use super::family::Family;
use super::foreign_key_names::rename_index;
use super::planner::{Planner, Purpose};
use crate::civicrm::upgrade::keys::DropKind;
use crate::schema::compare::{Difference, DifferenceKind as Kind};
use crate::schema::meaning::{is_just_on, serves};
use crate::schema::model::{ForeignKey, Index, IndexKind, KeyPart, Table, find};

/// A plain index on whole columns.
pub(super) fn plain(columns: &[String]) -> Index {
    Index {
        kind: IndexKind::Plain,
        parts: columns.iter().map(KeyPart::column).collect(),
    }
}

/// One step for each table, and one more for each unique index that rows may refuse.
pub(super) fn plan<'d>(planner: &mut Planner, differences: impl Iterator<Item = &'d Difference>) {
    let mut by_table: IndexMap<(&str, Option<&str>), Vec<&Difference>> = IndexMap::new();
    for difference in differences {
        let becomes_unique = difference.kind != Kind::IndexName
            && reference_index(planner, difference)
                .is_some_and(|index| index.kind == IndexKind::Unique);
        let alone = becomes_unique.then(|| difference.name());
        by_table
            .entry((&difference.table, alone))
            .or_default()
            .push(difference);
    }
    // What is not alone first: a unique index may wait for somebody to look at the rows.
    by_table.sort_by(|left, _, right, _| left.1.is_some().cmp(&right.1.is_some()));
    for ((table, _), differences) in by_table {
        plan_table(planner, table, &differences);
    }
}

fn reference_index<'a>(planner: &Planner<'a>, difference: &Difference) -> Option<&'a Index> {
    let name = &difference.reference.as_ref()?.name;
    find(&planner.reference_table(&difference.table)?.indexes, name)
}

fn plan_table(planner: &mut Planner, table: &str, differences: &[&Difference]) {
    let Some((table, before)) = planner.table(table) else {
        return;
    };
    let (table, before) = (table.clone(), before.clone());
    let mut after = before.clone();
    let mut why = Vec::new();
    let mut needed = None;
    for difference in differences {
        let Some(index) = reference_index(planner, difference) else {
            continue;
        };
        let name = difference.name();
        let mut changed = after.clone();
        let edited = edit(planner, &mut changed, difference, index);
        let edited = edited.and_then(|()| parents_are_served(planner, &table, &before, &changed));
        match edited {
            Err(why) => planner.refuse(&table, name, why),
            Ok(()) => {
                after = changed;
                needed = needed.or(planner.needed_for_upgrade(DropKind::Index, &table, name));
                why.push(describe(difference));
            }
        }
    }
    serve_keys(&before, &mut after, planner.reference_table(&table));
    let purpose = Purpose {
        family: Family::Indexes,
        why,
        needed_for_upgrade: needed,
    };
    planner.step(&table, after, purpose);
}

fn describe(difference: &Difference) -> String {
    let name = difference.name();
    match (&difference.actual, &difference.reference) {
        (Some(actual), Some(_)) if difference.kind == Kind::IndexName => {
            format!("the index {} is to be named {name}", actual.name)
        }
        (Some(actual), Some(reference)) => format!(
            "the index {name} is {}, CiviCRM has {}",
            actual.definition, reference.definition
        ),
        _ => format!("the index {name} is missing"),
    }
}

/// Makes one change of a table.
fn edit(
    planner: &Planner,
    table: &mut Table,
    difference: &Difference,
    index: &Index,
) -> Result<(), String> {
    let is_missing = |part: &&KeyPart| {
        !part.column.starts_with('(') && find(&table.columns, &part.column).is_none()
    };
    if let Some(part) = index.parts.iter().find(is_missing) {
        return Err(format!("its column {} is missing", part.column));
    }
    let name = difference.name();
    let old = difference.actual.as_ref().map(|side| side.name.as_str());
    let renamed = old.filter(|_| difference.kind == Kind::IndexName);
    if let (Some(old), None) = (old, renamed) {
        let indexes = &mut table.indexes;
        indexes.retain(|other, _| !other.eq_ignore_ascii_case(old));
    }
    if find(&table.indexes, name).is_some() {
        return Err(format!("its name {name} is that of another index"));
    }
    // One that is the same under a name that CiviCRM does not know becomes it.
    let wanted = planner.reference_table(&difference.table);
    let mut indexes = table.indexes.iter();
    let same = indexes.find(|(other, definition)| {
        *definition == index && wanted.is_some_and(|it| find(&it.indexes, other).is_none())
    });
    match renamed
        .or(same.map(|(other, _)| other.as_str()))
        .map(str::to_owned)
    {
        Some(other) => rename_index(planner, table, &other, name),
        None => {
            table.indexes.insert(name.to_owned(), index.clone());
        }
    }
    Ok(())
}

/// Servers drop no index that a foreign key needs: a key that would lose its own gets the one
/// that the reference has for it, or one as a server makes it.
fn serve_keys(before: &Table, after: &mut Table, reference: Option<&Table>) {
    for (name, ForeignKey { columns, .. }) in after.foreign_keys.clone() {
        if !serves(before, &columns) || serves(after, &columns) {
            continue;
        }
        let asked_for = reference.into_iter().flat_map(|table| &table.indexes);
        let asked_for = asked_for.filter(|(_, index)| is_just_on(index, &columns));
        let mut names = asked_for.map(|(name, _)| name).chain([&name]);
        let free = names.find(|name| find(&after.indexes, name).is_none());
        // Without a name it gets the one that a server would choose, which is free.
        let free = free.cloned();
        let _ = after.add_index(free, plain(&columns));
    }
}

/// Whether the foreign keys to this table keep the index that they need.
fn parents_are_served(
    planner: &Planner,
    table: &str,
    before: &Table,
    after: &Table,
) -> Result<(), String> {
    for (child, definition) in &planner.now.tables {
        for (name, key) in &definition.foreign_keys {
            if key.referenced_table.eq_ignore_ascii_case(table)
                && serves(before, &key.referenced_columns)
                && !serves(after, &key.referenced_columns)
            {
                return Err(format!(
                    "the foreign key {name} of {child} needs the index as it is"
                ));
            }
        }
    }
    Ok(())
}

/// Indexes that servers make for foreign keys may have any name, unless the coming upgrade
/// drops them by theirs.
pub(super) fn plan_for_upgrade(planner: &mut Planner) {
    let drops = planner.upgrade.clone();
    let drops = drops.iter();
    for drop in drops.filter(|drop| drop.unconditional && drop.kind == DropKind::Index) {
        let Some((table, before, wanted)) = planner.with_reference(&drop.table) else {
            continue;
        };
        let name = &drop.name;
        let Some(index) = find(&wanted.indexes, name) else {
            continue;
        };
        if find(&before.indexes, name).is_some() || !columns_exist(index, &before) {
            continue;
        }
        let columns: Vec<String> = index.parts.iter().map(|p| p.column.clone()).collect();
        let mut keys = before.foreign_keys.values();
        if index.kind != IndexKind::Plain || !keys.any(|key| key.columns.iter().eq(&columns)) {
            continue;
        }
        let mut after = before.clone();
        let own = before.indexes.iter().find(|(other, index)| {
            is_just_on(index, &columns) && find(&wanted.indexes, other).is_none()
        });
        match own {
            Some((own, _)) => rename_index(planner, &mut after, own, name),
            None => {
                after.indexes.insert(name.clone(), index.clone());
            }
        }
        let why = format!("the index of a foreign key is to be named {name}");
        let needed = planner.needed_for_upgrade(DropKind::Index, &table, name);
        let purpose = Purpose::new(Family::FkNames, why);
        planner.step(&table, after, purpose.needed(needed));
    }
}

fn columns_exist(index: &Index, table: &Table) -> bool {
    let mut parts = index.parts.iter();
    parts.all(|part| find(&table.columns, &part.column).is_some())
}

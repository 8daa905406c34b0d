//! Foreign keys that are missing.

use super::family::Family;
use super::foreign_key_names::holder;
use super::planner::{Planner, Purpose};
use super::proofs::is_innodb;
use crate::civicrm::upgrade::keys::DropKind;
use crate::schema::charset::has_charset;
use crate::schema::compare::Difference;
use crate::schema::meaning::{is_just_on, serves};
use crate::schema::model::{ForeignKey, ReferentialAction, Table, find};
use crate::schema::sql::with_charset;

/// One step for each key: a key whose rows have lost their parents must not hold up others.
pub(super) fn plan<'d>(planner: &mut Planner, missing: impl Iterator<Item = &'d Difference>) {
    let needed = |planner: &Planner, difference: &Difference| {
        planner.needed_for_upgrade(DropKind::ForeignKey, &difference.table, difference.name())
    };
    let mut missing: Vec<_> = missing
        .map(|found| (needed(planner, found), found))
        .collect();
    missing.sort_by_key(|(needed, _)| needed.is_none());
    for (needed, difference) in missing {
        let name = difference.name();
        let wanted = planner.reference_table(&difference.table);
        let Some(key) = wanted.and_then(|table| find(&table.foreign_keys, name)) else {
            continue;
        };
        let Some((table, definition)) = planner.table(&difference.table) else {
            continue;
        };
        let (table, mut after) = (table.clone(), definition.clone());
        if let Err(why) = fits(planner, &table, definition, name, key) {
            planner.refuse(&table, name, why);
            continue;
        }
        // As this table's own names are spelled.
        let mut key = key.clone();
        if let Some((parent, _)) = planner.table(&key.referenced_table) {
            key.referenced_table.clone_from(parent);
        }
        if !serves(&after, &key.columns) {
            let asked_for = wanted.and_then(|table| {
                let mut indexes = table.indexes.iter();
                indexes.find(|(name, index)| {
                    is_just_on(index, &key.columns) && find(&after.indexes, name).is_none()
                })
            });
            let (index_name, index) = match asked_for {
                Some((name, index)) => (name.clone(), index.clone()),
                None => (name.to_owned(), super::indexes::plain(&key.columns)),
            };
            if find(&after.indexes, &index_name).is_some() {
                let why = format!(
                    "its table has no index on its columns, and another index is named {index_name}"
                );
                planner.refuse(&table, name, why);
                continue;
            }
            after.indexes.insert(index_name, index);
        }
        after.foreign_keys.insert(name.to_owned(), key);
        let why = format!("the foreign key {name} is missing");
        let purpose = Purpose::new(Family::ForeignKeys, why);
        planner.step(&table, after, purpose.needed(needed));
    }
}

/// Those keys that the engines of these tables had kept away.
pub(super) fn plan_of_tables<'d>(
    planner: &mut Planner,
    missing: impl Iterator<Item = &'d Difference>,
    converted: &[String],
) {
    let is_converted = |table: &str| converted.iter().any(|it| it.eq_ignore_ascii_case(table));
    let reference = planner.reference;
    let concerned = |difference: &&Difference| {
        let table = reference.schema.table(&difference.table);
        let key = table.and_then(|table| find(&table.foreign_keys, difference.name()));
        is_converted(&difference.table)
            || key.is_some_and(|key| is_converted(&key.referenced_table))
    };
    plan(planner, missing.filter(concerned));
}

/// Whether a server would take the key.
fn fits(
    planner: &Planner,
    name: &str,
    table: &Table,
    constraint: &str,
    key: &ForeignKey,
) -> Result<(), String> {
    if let Some((other, held)) = holder(planner, constraint) {
        let is_its_own = other.eq_ignore_ascii_case(name);
        return Err(match is_its_own {
            true => "a foreign key of this name is there and leads elsewhere: cividb diff --sql prints the statements that \
                 drop it and add the right one".to_owned(),
            false => format!("its name is that of the foreign key {held} of {other}"),
        });
    }
    let parent_name = &key.referenced_table;
    let Some((parent_name, parent)) = planner.table(parent_name) else {
        return Err(format!("its parent table {parent_name} is missing"));
    };
    for (name, table) in [(name, table), (parent_name.as_str(), parent)] {
        if let Some(engine) = table.engine.as_deref().filter(|engine| !is_innodb(engine)) {
            return Err(format!(
                "the engine of {name} is {engine}, which has no foreign keys"
            ));
        }
    }
    for (own, parents) in key.columns.iter().zip(&key.referenced_columns) {
        let Some(own_column) = find(&table.columns, own) else {
            return Err(format!("its column {own} is missing"));
        };
        let Some(parent_column) = find(&parent.columns, parents) else {
            return Err(format!(
                "the column {parents} of its parent {parent_name} is missing"
            ));
        };
        let own_column = with_charset(own_column, table);
        let parent_column = with_charset(parent_column, parent);
        let (left, right) = (&own_column.data_type, &parent_column.data_type);
        if has_charset(left) && has_charset(right) {
            let (left, right) = (&own_column.collation, &parent_column.collation);
            if left != right {
                let name = |collation: &Option<String>| collation.clone().unwrap_or_default();
                return Err(format!(
                    "its column {own} is in {}, the column {parents} of {parent_name} in {}",
                    name(left),
                    name(right)
                ));
            }
        } else if left != right {
            return Err(format!(
                "its column {own} is {left}, the column {parents} of {parent_name} is {right}: make \
                 both the same first (cividb diff --sql)"
            ));
        }
    }
    if !serves(parent, &key.referenced_columns) {
        return Err(format!(
            "no index of its parent {parent_name} begins with {}",
            key.referenced_columns.join(", ")
        ));
    }
    null_hindrance(table, key).map_or(Ok(()), Err)
}

/// What keeps a key with SET NULL from a table.
pub(super) fn null_hindrance(table: &Table, key: &ForeignKey) -> Option<String> {
    let sets_null = [key.on_delete, key.on_update].contains(&ReferentialAction::SetNull);
    let mut columns = key.columns.iter();
    let column = columns
        .find(|column| find(&table.columns, column).is_some_and(|column| !column.nullable))?;
    sets_null.then(|| {
        format!(
            "its rule is SET NULL, and the column {column} is NOT NULL: let it take NULL first \
             (cividb diff --sql)"
        )
    })
}

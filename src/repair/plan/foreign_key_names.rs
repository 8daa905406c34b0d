//! Foreign keys that are there, with another name or other rules.
//!
//! A key never is off for a moment: the old one is dropped and the new one added in one ALTER,
//! all keys of a table together. Names of foreign keys are unique in a database, whatever
//! their letter case, and no server takes an ALTER that drops and adds the same name
//! (measured: errors 121 and 1826). So a key waits until its name is free; keys that wait for
//! each other in a circle, and keys that only change their rules, go by way of a temporary
//! name.

use indexmap::IndexSet;
use md5::{Digest, Md5};

use super::family::Family;
use super::foreign_keys;
use super::planner::{Planner, Purpose};
use crate::civicrm::upgrade::keys::DropKind;
use crate::schema::apply::rename_key;
use crate::schema::compare::{Difference, DifferenceKind as Kind, index_aspects};
use crate::schema::meaning::{is_just_on, is_server_made, same_names, serves};
use crate::schema::model::{ForeignKey, Table, find};
use crate::schema::sql::hexadecimal;

/// How temporary names begin; what is left of a run that was killed can be told by it.
pub const TEMPORARY: &str = "cividb_tmp_";

/// A foreign key and what it is to become.
struct Change {
    family: Family,
    table: String,
    from: String,
    to: String,
    key: ForeignKey,
    why: String,
    needed_for_upgrade: Option<String>,
}

/// Plans the changes of names and of rules.
pub(super) fn plan<'d>(
    planner: &mut Planner,
    names: impl Iterator<Item = &'d Difference>,
    rules: impl Iterator<Item = &'d Difference>,
    family: Family,
) {
    let mut changes: Vec<Change> = Vec::new();
    let rules = rules.filter(|difference| matches!(difference.kind, Kind::ForeignKeyDiffers(_)));
    changes.extend(rules.filter_map(|it| Change::new(planner, it, Family::ForeignKeys)));
    for difference in names.filter(|_| family.includes(Family::FkNames)) {
        if let Some(change) = Change::new(planner, difference, Family::FkNames)
            && !changes
                .iter()
                .any(|other| other.is_of(&change.table, &change.from))
        {
            changes.push(change);
        }
    }
    // What the upgrade needs first, otherwise in the order of the tables.
    let place = |change: &Change| planner.now.tables.get_index_of(&change.table);
    changes.sort_by_key(|change| (change.needed_for_upgrade.is_none(), place(change)));
    run(planner, changes);
}

impl Change {
    fn new(planner: &mut Planner, difference: &Difference, family: Family) -> Option<Self> {
        let from = &difference.actual.as_ref()?.name;
        let to = &difference.reference.as_ref()?.name;
        let reference = planner.reference_table(&difference.table)?;
        let wanted = find(&reference.foreign_keys, to)?;
        let (table, definition) = planner.table(&difference.table)?;
        let old = find(&definition.foreign_keys, from)?;
        let is_alias = planner.reference.options.foreign_key_aliases.get(to);
        let keeps_name =
            is_alias.is_some_and(|names| names.iter().any(|name| name.eq_ignore_ascii_case(from)));
        let to = if keeps_name { from } else { to };
        let (key, why) = if family == Family::FkNames {
            let why = format!("the foreign key {from} is to be named {to}");
            (old.clone(), why)
        } else {
            let rules = |key: &ForeignKey| {
                format!(
                    "ON DELETE {} ON UPDATE {}",
                    key.on_delete.as_sql(),
                    key.on_update.as_sql()
                )
            };
            let why = format!(
                "the foreign key {from} says {}, CiviCRM has {to} with {}",
                rules(old),
                rules(wanted)
            );
            let key = ForeignKey {
                on_delete: wanted.on_delete,
                on_update: wanted.on_update,
                ..old.clone()
            };
            (key, why)
        };
        let change = Self {
            family,
            needed_for_upgrade: planner.needed_for_upgrade(DropKind::ForeignKey, table, to),
            table: table.clone(),
            from: from.clone(),
            to: to.clone(),
            key,
            why,
        };
        let hindrance = foreign_keys::null_hindrance(definition, &change.key);
        match hindrance.filter(|_| family == Family::ForeignKeys) {
            Some(why) => {
                planner.refuse(&change.table, &change.from, why);
                None
            }
            None => Some(change),
        }
    }

    fn is_of(&self, table: &str, name: &str) -> bool {
        self.table.eq_ignore_ascii_case(table) && self.from.eq_ignore_ascii_case(name)
    }
}

fn run(planner: &mut Planner, mut pending: Vec<Change>) {
    // The same name under other rules.
    let tables: IndexSet<String> = pending.iter().map(|it| it.table.clone()).collect();
    for table in tables {
        let same =
            |change: &Change| change.table == table && change.from.eq_ignore_ascii_case(&change.to);
        to_temporary(planner, &mut pending, same);
    }
    while !pending.is_empty() {
        let blocked: Vec<Option<(String, String)>> = pending
            .iter()
            .map(|change| holder(planner, &change.to))
            .collect();
        if let Some(table) = ready_table(&pending, &blocked) {
            let mut free = blocked.iter().map(Option::is_none);
            let (ready, rest) = pending
                .into_iter()
                .partition(|change| free.next().unwrap_or_default() && change.table == table);
            pending = rest;
            apply(planner, ready);
        } else if let Some((place, why)) = hopeless(&pending, &blocked) {
            let Change { table, from, .. } = pending.remove(place);
            planner.refuse(&table, &from, why);
        } else {
            let circle = in_circle(&pending, &blocked);
            let (table, from) = pending
                .get(circle)
                .map(|change| (change.table.clone(), change.from.clone()))
                .unwrap_or_default();
            to_temporary(planner, &mut pending, |change| change.is_of(&table, &from));
        }
    }
}

/// The foreign key that has this name by now, and its table.
pub(super) fn holder(planner: &Planner, name: &str) -> Option<(String, String)> {
    planner.now.tables.iter().find_map(|(table, definition)| {
        let mut names = definition.foreign_keys.keys();
        let found = names.find(|other| other.eq_ignore_ascii_case(name))?;
        Some((table.clone(), found.clone()))
    })
}

/// The table whose changes can be made now: all of them if there is one such, else some.
fn ready_table(pending: &[Change], blocked: &[Option<(String, String)>]) -> Option<String> {
    let both = || pending.iter().zip(blocked);
    let free = || {
        both()
            .filter(|(_, blocked)| blocked.is_none())
            .map(|(change, _)| change)
    };
    let is_whole = |change: &&Change| {
        both().all(|(other, blocked)| other.table != change.table || blocked.is_none())
    };
    free()
        .find(is_whole)
        .or_else(|| free().next())
        .map(|change| change.table.clone())
}

/// A change whose name is held by a key that stays.
fn hopeless(pending: &[Change], blocked: &[Option<(String, String)>]) -> Option<(usize, String)> {
    pending.iter().zip(blocked).enumerate().find_map(|(place, (change, blocked))| {
        let (table, name) = blocked.as_ref()?;
        let leaves = pending.iter().any(|other| other.is_of(table, name));
        let to = &change.to;
        (!leaves).then(|| {
            (place, format!(
                "its name {to} is that of a foreign key of {table}, which stays as it is: drop that \
                 one or give it another name first"
            ))
        })
    })
}

/// A change that waits, over others, for itself; every change waits for another one.
fn in_circle(pending: &[Change], blocked: &[Option<(String, String)>]) -> usize {
    let mut place = 0;
    for _ in pending {
        let next = blocked
            .get(place)
            .and_then(Option::as_ref)
            .and_then(|(table, name)| pending.iter().position(|change| change.is_of(table, name)));
        place = next.unwrap_or(place);
    }
    place
}

/// Makes changes of one table whose names are free.
fn apply(planner: &mut Planner, changes: Vec<Change>) {
    let Some(first) = changes.first() else { return };
    let table = first.table.clone();
    let Some(definition) = planner.now.tables.get(&table) else {
        return;
    };
    let mut after = definition.clone();
    for change in &changes {
        let Change { from, to, key, .. } = change;
        replace(planner, &table, &mut after, from, to, key);
    }
    let purpose = Purpose {
        family: first.family,
        needed_for_upgrade: changes
            .iter()
            .find_map(|change| change.needed_for_upgrade.clone()),
        why: changes.into_iter().map(|change| change.why).collect(),
    };
    planner.step(&table, after, purpose);
}

/// Gives keys of one table a name that nothing else has, and what they are to say already.
fn to_temporary(planner: &mut Planner, pending: &mut [Change], is_meant: impl Fn(&Change) -> bool) {
    let mut after: Option<(String, Table)> = None;
    let mut why = Vec::new();
    let mut family = Family::FkNames;
    let mut needed = None;
    for change in pending.iter_mut().filter(|change| is_meant(change)) {
        if after.is_none() {
            let definition = planner.now.tables.get(&change.table).cloned();
            after = definition.map(|definition| (change.table.clone(), definition));
        }
        let Some((table, definition)) = &mut after else {
            return;
        };
        let name = temporary_name(planner, definition, table, &change.from);
        replace(planner, table, definition, &change.from, &name, &change.key);
        family = change.family;
        needed = needed.or(change.needed_for_upgrade.clone());
        why.push(format!("{}, by way of a temporary name", change.why));
        change.from = name;
    }
    if let Some((table, definition)) = after {
        let purpose = Purpose {
            family,
            why,
            needed_for_upgrade: needed,
        };
        planner.step(&table, definition, purpose);
    }
}

/// A name that no foreign key and no index of the table has.
fn temporary_name(planner: &Planner, table: &Table, table_name: &str, key: &str) -> String {
    let mut names = (0_u32..).map(|number| {
        let digest = Md5::digest(format!("{table_name}\0{key}\0{number}"));
        format!("{TEMPORARY}{:.12}", hexadecimal(&digest))
    });
    let is_free = |name: &String| {
        find(&table.foreign_keys, name).is_none()
            && find(&table.indexes, name).is_none()
            && holder(planner, name).is_none()
    };
    names.find(is_free).unwrap_or_default()
}

/// Puts a key in the place of another one, and lets the index that goes by its name follow.
fn replace(
    planner: &Planner,
    table_name: &str,
    table: &mut Table,
    from: &str,
    to: &str,
    key: &ForeignKey,
) {
    if let Some(index) = own_index(planner, table_name, table, from, &key.columns)
        && !index.eq_ignore_ascii_case(to)
    {
        match find(&table.indexes, to) {
            None => rename_index(planner, table, &index, to),
            // There is one of the right name: the one that went by the old name was for nothing
            // but this key.
            Some(other) if is_just_on(other, &key.columns) && index.eq_ignore_ascii_case(from) => {
                table.indexes.shift_remove(&index);
            }
            Some(_) => {}
        }
    }
    let keys = &mut table.foreign_keys;
    keys.retain(|name, _| !name.eq_ignore_ascii_case(from));
    keys.insert(to.to_owned(), key.clone());
}

/// The index that goes by the foreign key's name, or else the only one that serves it, which
/// the server may have made for it and would rename along. An index that CiviCRM asks for by
/// another name than the key's keeps it.
fn own_index(
    planner: &Planner,
    table_name: &str,
    table: &Table,
    key: &str,
    columns: &[String],
) -> Option<String> {
    let indexes = table.indexes.iter();
    let just_on = || indexes.clone().filter(|(_, it)| is_just_on(it, columns));
    let namesake = just_on().find(|(name, _)| name.eq_ignore_ascii_case(key));
    let (name, index) = namesake.or_else(|| just_on().next())?;
    let mut without = table.clone();
    without.indexes.shift_remove(name);
    let shared = table.foreign_keys.values();
    let shared = shared.filter(|key| same_names(&key.columns, columns));
    if namesake.is_none() && serves(&without, columns) || shared.count() > 1 {
        return None;
    }
    if let Some(reference) = planner.reference_table(table_name) {
        let is_of_key = |name: &str, index| is_server_made(name, index, &reference.foreign_keys);
        let asked_for = reference.indexes.iter().any(|(asked, definition)| {
            let same = index_aspects(index, table, definition, reference).is_empty();
            let is_this =
                asked.eq_ignore_ascii_case(name) && find(&reference.foreign_keys, name).is_none();
            same && (is_this || !is_of_key(asked, definition))
        });
        if asked_for {
            return None;
        }
    }
    Some(name.clone())
}

/// Renames an index: in its place where the server can.
pub(super) fn rename_index(planner: &Planner, table: &mut Table, from: &str, to: &str) {
    if planner.server.rename_index {
        rename_key(&mut table.indexes, from, to);
    } else if let Some(place) = table
        .indexes
        .keys()
        .position(|name| name.eq_ignore_ascii_case(from))
        && let Some((_, index)) = table.indexes.shift_remove_index(place)
    {
        table.indexes.insert(to.to_owned(), index);
    }
}

//! What the new database will be.

use indexmap::IndexMap;

use crate::change::definition::{Definitions, parsed};
use crate::change::refusal::Refusal;
use crate::civicrm::detect::Detection;
use crate::schema::compare::same_ends;
use crate::schema::meaning::is_just_on;
use crate::schema::model::{Column, ForeignKey, Index, Table, find, find_entry};
use crate::schema::sql::{ForeignKeys, create_table};
use crate::snapshot::Snapshot;

/// What will be made.
#[derive(Clone, Debug, Default)]
pub struct Blueprint {
    /// In the order in which they are made and filled.
    pub tables: IndexMap<String, Made>,
    /// Names of foreign keys that two tables would have.
    pub taken: Vec<String>,
}

impl Blueprint {
    /// Refuses where two tables would have foreign keys of the same name.
    ///
    /// # Errors
    /// They would.
    pub fn has_room_for_names(&self) -> Result<(), Refusal> {
        match self.taken.is_empty() {
            true => Ok(()),
            false => Err(Refusal::NamesTaken(self.taken.join(", "))),
        }
    }
}

/// One table of the new database.
#[derive(Clone, Debug)]
pub struct Made {
    /// What makes it.
    pub statement: String,
    /// What it will be.
    pub table: Table,
    /// As it is in the old database; `None` where it is missing there.
    pub old: Option<Table>,
    /// The release knows it; else it is made just as it was.
    pub of_release: bool,
    /// Columns that the old one has and the release has not: kept.
    pub kept: Vec<String>,
    /// Columns of the release that the old one lacks: their rows get the default.
    pub filled: Vec<String>,
    /// Indexes and foreign keys that the old one has and the release has not: left out.
    pub left_out: Vec<String>,
}

/// Plans the new database.
pub fn blueprint(
    snapshot: &Snapshot,
    detection: &Detection,
    definitions: &Definitions,
) -> Blueprint {
    let old = &snapshot.schema;
    let mut tables = IndexMap::new();
    let reference = &detection.reference;
    for (name, wanted) in &reference.schema.tables {
        // Tables of custom data are copied as they are.
        if reference.custom.contains(name) {
            continue;
        }
        let found = find_entry(&old.tables, name);
        let spelled = found.map_or(name, |(spelled, _)| spelled);
        let made = of_release(spelled, wanted, found.map(|(_, table)| table));
        tables.insert(spelled.clone(), made);
    }
    for (name, table) in &old.tables {
        if tables.contains_key(name) {
            continue;
        }
        let printed = definitions.get(name).filter(|text| parsed(text).is_some());
        let statement = match printed {
            Some(definition) => definition.clone(),
            None => create_table(name, table, ForeignKeys::Included),
        };
        let made = Made {
            statement,
            table: table.clone(),
            old: Some(table.clone()),
            of_release: false,
            kept: Vec::new(),
            filled: Vec::new(),
            left_out: Vec::new(),
        };
        tables.insert(name.clone(), made);
    }
    let mut names: IndexMap<String, usize> = IndexMap::new();
    for made in tables.values() {
        for name in made.table.foreign_keys.keys() {
            *names.entry(name.to_lowercase()).or_default() += 1;
        }
    }
    let taken = names.into_iter().filter(|(_, count)| *count > 1);
    Blueprint {
        tables,
        taken: taken.map(|(name, _)| name).collect(),
    }
}

/// A table as the release has it, with what else the old one holds.
fn of_release(name: &str, wanted: &Table, old: Option<&Table>) -> Made {
    let mut table = wanted.clone();
    let (mut kept, mut filled, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(old) = old {
        for (name, column) in &old.columns {
            if find(&wanted.columns, name).is_none() {
                table.columns.insert(name.clone(), column.clone());
                kept.push(name.clone());
            }
        }
        let is_kept = |column: &String| kept.contains(column);
        for (name, index) in &old.indexes {
            let is_there = find(&table.indexes, name).is_some();
            if !is_there && index.parts.iter().any(|part| is_kept(&part.column)) {
                table.indexes.insert(name.clone(), index.clone());
            } else if !is_there && !is_like_one(index, &table) {
                left_out.push(name.clone());
            }
        }
        for (name, key) in &old.foreign_keys {
            let is_there = find(&table.foreign_keys, name).is_some();
            if !is_there && key.columns.iter().any(is_kept) {
                table.foreign_keys.insert(name.clone(), key.clone());
            } else if !is_there && !connects_the_same(key, &table) {
                left_out.push(name.clone());
            }
        }
        let stored = |(_, column): &(&String, &Column)| column.generated.is_none();
        for (name, _) in wanted.columns.iter().filter(stored) {
            if find(&old.columns, name).is_none() {
                filled.push(name.clone());
            }
        }
    }
    Made {
        statement: create_table(name, &table, ForeignKeys::Included),
        table,
        old: old.cloned(),
        of_release: true,
        kept,
        filled,
        left_out,
    }
}

fn is_like_one(index: &Index, table: &Table) -> bool {
    table
        .indexes
        .values()
        .any(|other| other.parts == index.parts)
        || table
            .foreign_keys
            .values()
            .any(|key| is_just_on(index, &key.columns))
}

fn connects_the_same(key: &ForeignKey, table: &Table) -> bool {
    let mut others = table.foreign_keys.values();
    others.any(|other| same_ends(key, other))
}

//! A new database with the structure of the release and the data of an old one: CiviCRM's own
//! advice when a schema is beyond repair.
//!
//! The old database is only read. The new one begins empty; while it is made it holds a table
//! [`UNFINISHED`], so that nobody takes it for a whole one.

mod copy;
mod programs;

use indexmap::IndexMap;

use super::error::RepairError;
use super::orphans::Orphans;
use super::run::{Definitions, parsed};
use crate::civicrm::detect::Detection;
use crate::schema::model::{Column, ForeignKey, Index, Table, find, find_entry};
use crate::schema::sql::{ForeignKeys, create_table, identifier};
use crate::server::connection::{Connection, first};
use crate::snapshot::Snapshot;

pub use copy::TableOutcome;

/// Stands in a database that is not whole yet.
pub const UNFINISHED: &str = "cividb_rebuild_unfinished";

/// What will be made.
#[derive(Clone, Debug, Default)]
pub struct Blueprint {
    /// In the order in which they are made and filled.
    pub tables: IndexMap<String, Made>,
    /// Names of foreign keys that two tables would have.
    pub taken: Vec<String>,
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

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Rebuilt {
    /// By table.
    pub tables: IndexMap<String, TableOutcome>,
    /// Rows that have lost their parents, by foreign key of the new database.
    pub orphans: Vec<Orphans>,
    /// Triggers, routines, views and events made.
    pub programs: usize,
    /// Those that now belong to the account that made them, because it may not name others.
    pub other_definer: Vec<String>,
    /// Those that could not be made, and what the server says.
    pub failed: Vec<String>,
}

impl Rebuilt {
    /// Whether every row is there as it was, and every object.
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty() && self.tables.values().all(TableOutcome::is_whole)
    }
}

/// Plans the new database.
pub fn blueprint(
    snapshot: &Snapshot,
    detection: &Detection,
    definitions: &Definitions,
) -> Blueprint {
    let old = &snapshot.schema;
    let mut tables = IndexMap::new();
    for (name, wanted) in &detection.reference.schema.tables {
        let found = find_entry(&old.tables, name);
        let spelled = found.map_or(name, |(spelled, _)| spelled);
        let made = of_release(spelled, wanted, found.map(|(_, table)| table));
        tables.insert(spelled.clone(), made);
    }
    for (name, table) in &old.tables {
        if tables.contains_key(name) {
            continue;
        }
        // MariaDB 10.5 prints some names so that no server takes them.
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
            .any(|key| crate::schema::meaning::is_just_on(index, &key.columns))
}

fn connects_the_same(key: &ForeignKey, table: &Table) -> bool {
    let mut others = table.foreign_keys.values();
    others.any(|other| crate::schema::compare::same_ends(key, other))
}

/// Whether a database is empty; else what stands in it.
///
/// # Errors
/// The connection is lost.
pub fn is_empty(connection: &mut Connection) -> Result<Result<(), String>, RepairError> {
    let answer = connection.ask("the new database", "SHOW TABLES")?;
    let names: Vec<String> = answer.iter().filter_map(first).collect();
    let Some(one) = names.first() else {
        return Ok(Ok(()));
    };
    if names.iter().any(|name| name == UNFINISHED) {
        return Ok(Err(
            "an unfinished rebuild stands in it; drop the database and make it anew".to_owned(),
        ));
    }
    Ok(Err(format!("it is not empty (it holds {one})")))
}

/// Makes the new database over `new` out of what `old` reads. `tell` hears of each table.
///
/// # Errors
/// A connection is lost, or a table cannot be made. The new database is then unfinished, and
/// holds [`UNFINISHED`].
pub fn rebuild(
    old: &mut Connection,
    new: &mut Connection,
    snapshot: &Snapshot,
    blueprint: &Blueprint,
    tell: &mut dyn FnMut(&str),
) -> Result<Rebuilt, RepairError> {
    prepare(old, new)?;
    let unfinished = identifier(UNFINISHED);
    new.run(
        "the mark",
        &format!("CREATE TABLE {unfinished} (id INT PRIMARY KEY)"),
    )?;
    // Tables and rows come in any order, and orphans come as well; they are counted afterwards.
    new.run(
        "the session's settings",
        "SET SESSION foreign_key_checks = 0",
    )?;
    for (name, made) in &blueprint.tables {
        new.run(&format!("table {name}"), &made.statement)?;
    }
    let counters = copy::counters(old)?;
    let mut rebuilt = Rebuilt::default();
    let total = blueprint.tables.len();
    for (number, (name, made)) in blueprint.tables.iter().enumerate() {
        tell(&format!("{}/{total} {name}", number + 1));
        let mut outcome = copy::copy(old, new, name, made)?;
        if let Some(next) = counters.get(name) {
            let sql = format!("ALTER TABLE {} AUTO_INCREMENT = {next}", identifier(name));
            new.run(&format!("the counter of {name}"), &sql)?;
        }
        copy::verify(new, name, made, &mut outcome)?;
        rebuilt.tables.insert(name.clone(), outcome);
    }
    new.run(
        "the session's settings",
        "SET SESSION foreign_key_checks = 1",
    )?;
    programs::restore(old, new, &snapshot.schema, &mut rebuilt)?;
    for (name, made) in &blueprint.tables {
        for (constraint, key) in &made.table.foreign_keys {
            if find(&blueprint.tables, &key.referenced_table).is_some() {
                let found = Orphans::find(new, name, &made.table, constraint, key)?;
                if found.rows > 0 {
                    rebuilt.orphans.push(found);
                }
            }
        }
    }
    new.run("the mark", &format!("DROP TABLE {unfinished}"))?;
    Ok(rebuilt)
}

/// Both sessions print and take values in the same way, and the old one sees one moment.
fn prepare(old: &mut Connection, new: &mut Connection) -> Result<(), RepairError> {
    let about = "the session's settings";
    for connection in [&mut *old, &mut *new] {
        connection.run(about, "SET SESSION time_zone = '+00:00'")?;
    }
    old.run(
        about,
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    )?;
    old.run(about, "START TRANSACTION WITH CONSISTENT SNAPSHOT")?;
    new.run(about, "SET SESSION TRANSACTION READ WRITE")?;
    new.run(about, &copy::sql_mode(true))?;
    // See Applier: MySQL 8.4 and later.
    let lenient = "SET SESSION restrict_fk_on_non_standard_key = OFF";
    match new.run(about, lenient) {
        Err(error) if error.is_lost() => Err(error.into()),
        _ => Ok(()),
    }
}

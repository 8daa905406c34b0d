//! A new database with the structure of the release and the data of an old one: CiviCRM's own
//! advice when a schema is beyond repair.
//!
//! The old database is only read. The new one begins empty; while it is made it holds a table
//! [`UNFINISHED`], so that nobody takes it for a whole one.

mod copy;
mod programs;

use indexmap::IndexMap;

use super::orphans::Orphans;
use crate::change::definition::{Definitions, parsed};
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::change::session;
use crate::change::whole_schema::creation;
use crate::civicrm::detect::Detection;
use crate::gate::{Meaning, Operation};
use crate::schema::model::{Column, ForeignKey, Index, Table, find, find_entry};
use crate::schema::sql::{ForeignKeys, create_table, identifier};
use crate::server::connection::{Reader, Setting, first, text};
use crate::server::error::ServerError;
use crate::server::writer::Writer;
use crate::snapshot::Snapshot;
use crate::source::ServerLocation;

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
            .any(|key| crate::schema::meaning::is_just_on(index, &key.columns))
}

fn connects_the_same(key: &ForeignKey, table: &Table) -> bool {
    let mut others = table.foreign_keys.values();
    others.any(|other| crate::schema::compare::same_ends(key, other))
}

/// Refuses to copy a database that the account does not see all of.
///
/// # Errors
/// Something of it is hidden.
pub fn all_is_visible(snapshot: &Snapshot, database: &str) -> Result<(), Refusal> {
    match snapshot.hidden.first() {
        Some((kind, why)) => {
            let what = format!("{kind:?}: {why}");
            Err(Refusal::NotAllVisible(database.to_owned(), what))
        }
        None => Ok(()),
    }
}

/// Connects to the new database, makes it if it is not there, with the character set of the old one,
/// and sees that it is empty.
///
/// # Errors
/// There is no way in, the account may not make it, or it is not empty.
pub fn begin(target: &ServerLocation, name: &str, old: &mut Reader) -> Result<Writer, ChangeError> {
    let mut reader = Reader::open(&target.login)?;
    let is_there = match reader.use_database(name) {
        Err(ServerError::UnknownDatabase { .. }) => false,
        other => other.map(|()| true)?,
    };
    let mut new = session::begin(reader)?;
    if !is_there {
        let sql = "SELECT @@character_set_database AS charset, @@collation_database AS collation";
        let answer = old.ask("the database's character set", sql)?;
        let value = |column| answer.first().and_then(|row| text(row, column));
        let charset = value("charset").unwrap_or_else(|| "utf8mb4".to_owned());
        let collation = value("collation").unwrap_or_else(|| "utf8mb4_unicode_ci".to_owned());
        let sql = format!(
            "CREATE DATABASE {} CHARACTER SET {charset} COLLATE {collation}",
            identifier(name)
        );
        let sql = Meaning::new(Operation::CreateDatabase, [name]).pass(sql)?;
        new.run("the new database", &sql)?;
        new.use_database(name)?;
    }
    if let Err(why) = is_empty(&mut new)? {
        let message = format!("{name} of {}: {why}", target.name);
        return Err(Refusal::NewDatabaseNotEmpty(message).into());
    }
    Ok(new)
}

/// Whether a database is empty; else what stands in it.
fn is_empty(connection: &mut Reader) -> Result<Result<(), String>, ChangeError> {
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

/// Proves that no row of the old database would be without its parent in the new one, so that it can
/// be filled while foreign keys are not checked. From here on `old` sees one moment, from which all is
/// copied as well.
///
/// # Errors
/// Rows have lost their parents; they are named, and nothing has been made yet. Or the connection is
/// lost.
pub fn prove(old: &mut Reader, blueprint: &Blueprint) -> Result<(), ChangeError> {
    old.set(Setting::Utc)?;
    old.set(Setting::RepeatableRead)?;
    old.begin_reading()?;
    let mut named = Vec::new();
    for (name, made) in &blueprint.tables {
        let Some(table) = &made.old else { continue };
        for (constraint, key) in &made.table.foreign_keys {
            let rows = without_parent(old, blueprint, (name, table), (constraint, key))?;
            named.extend(rows);
        }
    }
    match named.is_empty() {
        true => Ok(()),
        false => Err(Refusal::LostParents(named.join("; ")).into()),
    }
}

/// The rows of a table of the old database that would have no parent in the new one, in words.
fn without_parent(
    old: &mut Reader,
    blueprint: &Blueprint,
    (name, table): (&str, &Table),
    (constraint, key): (&str, &ForeignKey),
) -> Result<Option<String>, ChangeError> {
    let Some((spelled, parent)) = find_entry(&blueprint.tables, &key.referenced_table) else {
        return Ok(None);
    };
    // A column that the old table lacks is filled with its default.
    if key
        .columns
        .iter()
        .any(|column| find(&table.columns, column).is_none())
    {
        return Ok(None);
    }
    let has = |table: &Table| {
        let mut columns = key.referenced_columns.iter();
        columns.all(|column| find(&table.columns, column).is_some())
    };
    if parent.old.as_ref().is_some_and(has) {
        let mut key = key.clone();
        key.referenced_table.clone_from(spelled);
        let found = Orphans::find(old, name, table, constraint, &key)?;
        return Ok((found.rows > 0).then(|| found.describe_rows()));
    }
    let there = key.columns.iter();
    let there: Vec<String> = there
        .map(|column| format!("{} IS NOT NULL", identifier(column)))
        .collect();
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE {}",
        identifier(name),
        there.join(" AND ")
    );
    let names = key.columns.iter().map(String::as_str).chain([name]);
    let sql = Meaning::new(Operation::Select, names).pass(sql)?;
    let answer = old.ask(&format!("rows of {name} without a parent"), &sql)?;
    let rows = answer.first().and_then(first);
    let rows = rows.filter(|rows| rows != "0");
    Ok(rows.map(|rows| {
        format!(
            "{rows} rows of {name} refer to {}, which is not there yet",
            key.referenced_table
        )
    }))
}

/// Makes the new database over `new` out of what `old` reads, of which [`prove`] has proved that no row
/// has lost its parent. `tell` hears of each table.
///
/// # Errors
/// A connection is lost, or a table cannot be made. The new database is then unfinished, and
/// holds [`UNFINISHED`].
pub fn rebuild(
    old: &mut Reader,
    new: &mut Writer,
    snapshot: &Snapshot,
    blueprint: &Blueprint,
    tell: &mut dyn FnMut(&str),
) -> Result<Rebuilt, ChangeError> {
    new.run("the session's settings", &copy::sql_mode(true))?;
    let unfinished = identifier(UNFINISHED);
    new.run(
        "the mark",
        &format!("CREATE TABLE {unfinished} (id INT PRIMARY KEY)"),
    )?;
    // Tables and rows come in any order. That each row has its parent has been proved (`prove`); rows
    // that the new tables do not take can leave others behind, which are counted afterwards.
    new.run(
        "the session's settings",
        "SET SESSION foreign_key_checks = 0",
    )?;
    for (name, made) in &blueprint.tables {
        let meaning = creation(name, &made.table)?;
        let meaning = match made.of_release {
            true => meaning,
            // As the old server printed it, with more than the model knows.
            false => meaning.at_least(name),
        };
        let statement = meaning.pass(made.statement.clone())?;
        new.run(&format!("table {name}"), &statement)?;
    }
    let counters = copy::counters(old)?;
    let mut rebuilt = Rebuilt::default();
    let total = blueprint.tables.len();
    for (number, (name, made)) in blueprint.tables.iter().enumerate() {
        tell(&format!("{}/{total} {name}", number + 1));
        let mut outcome = copy::copy(old, new, name, made)?;
        if let Some(next) = counters.get(name) {
            let sql = format!("ALTER TABLE {} AUTO_INCREMENT = {next}", identifier(name));
            let sql = Meaning::new(Operation::AlterTable, [name]).pass(sql)?;
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

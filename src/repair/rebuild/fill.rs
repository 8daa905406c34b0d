//! Makes the tables of the new database, and fills them.

use indexmap::IndexMap;

use super::blueprint::Blueprint;
use super::copy::{self, TableOutcome};
use super::programs;
use crate::change::error::ChangeError;
use crate::change::whole_schema::creation;
use crate::gate::{Meaning, Operation};
use crate::repair::orphans::Orphans;
use crate::schema::model::find;
use crate::schema::sql::identifier;
use crate::server::connection::Reader;
use crate::server::writer::Writer;
use crate::snapshot::Snapshot;

/// Stands in a database that is not whole yet.
pub const UNFINISHED: &str = "cividb_rebuild_unfinished";

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

/// Makes the new database over `new` out of what `old` reads, of which [`super::prove`] has proved that no row
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

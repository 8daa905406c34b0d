//! Compares what arrived on the private server with what the dump holds.

use super::failure::{Failure, Phase};
use super::ground::Ground;
use super::stage::Stage;
use super::{RehearseError, Restored};
use crate::gate::{Meaning, Operation};
use crate::schema::model::find;
use crate::schema::sql::identifier;
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::reader;
use crate::snapshot::Snapshot;
use crate::text::thousands;

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    /// Number of tables whose rows were counted.
    pub tables: usize,
    /// Number of rows counted.
    pub rows: u64,
}

/// What the dump holds has to be there: tables with as many rows, triggers, routines, views and events. What a
/// statement was meant to make that failed is not named a second time. Where statements of the dump change rows, the
/// numbers of rows that differ are said to be not compared. The counts go into `there`.
///
/// # Errors
/// The server is gone.
pub fn compare(
    stage: &dyn Ground,
    dump: &Snapshot,
    there: &mut Snapshot,
    restored: &Restored,
) -> Result<(Compared, Vec<Failure>, Vec<String>), RehearseError> {
    let mut failures = Vec::new();
    let mut not_compared = Vec::new();
    let failed = |name: &str| {
        let mut all = restored.failures.iter();
        all.any(|failure| failure.about.name.as_deref() == Some(name))
    };
    for (kind, name) in lost(dump, there) {
        if !failed(&name) {
            let message = format!("{kind} {name} of the dump is not there after the restore");
            failures.push(Failure::found(Phase::Compare, kind, &name, message, LOST));
        }
    }
    let mut reader = stage.reader()?;
    let tables = there.schema.tables.keys().map(String::as_str);
    let counts = reader::count(&mut reader, tables).map_err(|error| stage.explain(error.into()))?;
    for (table, rows) in &dump.row_counts {
        let Some((name, _)) = there.schema.tables.get_key_value(table) else {
            continue;
        };
        let arrived = counts.get(name).copied().unwrap_or(0);
        if arrived != *rows && !failed(table) {
            if let Some((verb, at)) = &restored.changes_rows {
                not_compared.push(format!(
                    "the number of rows of {table} ({} after the restore, {} inserted by the dump): the dump changes rows by \
                     {verb} (line {}), which is run and not counted",
                    thousands(arrived),
                    thousands(*rows),
                    thousands(at.place.line)
                ));
                continue;
            }
            let message = format!(
                "table {table}: {} rows after the restore, and {} in the dump",
                thousands(arrived),
                thousands(*rows)
            );
            failures.push(Failure::found(
                Phase::Compare,
                "table",
                table,
                message,
                ROWS,
            ));
        }
    }
    there.rows_estimated = counts.len() < there.schema.tables.len();
    there.row_counts = counts;
    let compared = Compared {
        tables: there.row_counts.len(),
        rows: there.row_counts.values().sum(),
    };
    there.row_counts.retain(|_, rows| *rows > 0);
    Ok((compared, failures, not_compared))
}

/// The checksums of tables on two servers.
#[derive(Clone, Debug, Default)]
pub struct Checksums {
    /// How many tables have the same on both.
    pub same: usize,
    /// Tables that have different ones.
    pub differ: Vec<String>,
}

/// Compares the CHECKSUM TABLE of each table of the dump with that on the site's server.
///
/// # Errors
/// One of the servers is gone.
pub fn checksums(
    stage: &Stage,
    dump: &Snapshot,
    site: &mut Reader,
) -> Result<Checksums, RehearseError> {
    let mut restored = stage.reader()?;
    let mut found = Checksums::default();
    for table in dump.schema.tables.keys() {
        let ours = checksum(&mut restored, table).map_err(|error| stage.explain(error))?;
        let theirs = checksum(site, table)?;
        if ours.is_some() && ours == theirs {
            found.same += 1;
        } else {
            found.differ.push(table.clone());
        }
    }
    Ok(found)
}

/// The checksum of one table; `None` where the server has none, as of a table that is not there.
fn checksum(reader: &mut Reader, table: &str) -> Result<Option<String>, ServerError> {
    let sql = format!("CHECKSUM TABLE {}", identifier(table));
    let sql = Meaning::new(Operation::Checksum, [table]).pass(sql)?;
    match reader.ask(&format!("the checksum of {table}"), &sql) {
        Ok(answer) => Ok(answer.first().and_then(|row| text(row, "Checksum"))),
        Err(error) if error.is_lost() => Err(error),
        Err(_) => Ok(None),
    }
}

const LOST: &str =
    "Look whether a later statement of the dump removes it, as when two dumps were joined.";

const ROWS: &str = "Look whether the dump has rows twice (INSERT IGNORE, REPLACE), or makes triggers before the rows.";

/// The objects of the dump that are not on the server, by kind and name.
fn lost(dump: &Snapshot, there: &Snapshot) -> Vec<(&'static str, String)> {
    let (ours, theirs) = (&dump.schema, &there.schema);
    let mut lost = Vec::new();
    let mut add = |kind, name: &str, is_there: bool| {
        if !is_there {
            lost.push((kind, name.to_owned()));
        }
    };
    for name in ours.tables.keys() {
        add("table", name, theirs.has_relation(name));
    }
    // A stand-in that is left is a view that the dump has lost; what it made is a table.
    for name in ours.views.keys().chain(ours.stand_ins.keys()) {
        add("view", name, find(&theirs.views, name).is_some());
    }
    for name in ours.triggers.keys() {
        add("trigger", name, theirs.trigger(name).is_some());
    }
    for (kind, name) in ours.routines.keys() {
        add(kind.as_str(), name, theirs.routine(*kind, name).is_some());
    }
    for name in ours.events.keys() {
        add("event", name, find(&theirs.events, name).is_some());
    }
    lost
}

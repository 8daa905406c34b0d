//! Compares what arrived on the private server with what the dump holds.

use super::failure::{Failure, Phase};
use super::stage::Stage;
use super::{RehearseError, Restored};
use crate::schema::model::find;
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
/// statement was meant to make that failed is not named a second time. The counts go into `there`.
///
/// # Errors
/// The server is gone.
pub fn compare(
    stage: &Stage,
    dump: &Snapshot,
    there: &mut Snapshot,
    restored: &Restored,
) -> Result<(Compared, Vec<Failure>), RehearseError> {
    let mut failures = Vec::new();
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
    let counts = reader::count(&mut reader, tables).map_err(|error| stage.explain(error))?;
    for (table, rows) in &dump.row_counts {
        let Some((name, _)) = there.schema.tables.get_key_value(table) else {
            continue;
        };
        let arrived = counts.get(name).copied().unwrap_or(0);
        if arrived != *rows && !failed(table) {
            let message = format!(
                "table {table}: {} rows after the restore, and {} in the dump",
                thousands(arrived),
                thousands(*rows)
            );
            failures.push(Failure::found(Phase::Compare, "table", table, message, ROWS));
        }
    }
    there.rows_estimated = counts.len() < there.schema.tables.len();
    there.row_counts = counts;
    let compared = Compared {
        tables: there.row_counts.len(),
        rows: there.row_counts.values().sum(),
    };
    there.row_counts.retain(|_, rows| *rows > 0);
    Ok((compared, failures))
}

const LOST: &str = "Look whether a later statement of the dump removes it, as when two dumps were joined.";

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

//! Whether the rows of the new database are those of the old one.

use std::sync::Arc;

use indexmap::IndexMap;

use super::blueprint::{Blueprint, Made};
use super::copy::TableOutcome;
use crate::change::error::ChangeError;
use crate::contents::digest::{Hashes, TableDigest};
use crate::contents::dump::Passed;
use crate::contents::matching::{Matched, Which};
use crate::contents::passes::DigestPass;
use crate::contents::server;
use crate::contents::through::Purpose;
use crate::schema::model::{Schema, Table};
use crate::server::connection::Reader;
use crate::server::writer::Writer;

/// Reads the rows of both databases as a comparison of contents does, and notes how each table came out. `old` still
/// sees the moment from which the rows were copied.
///
/// # Errors
/// A connection is lost.
pub(super) fn compare(
    old: &mut Reader,
    new: &mut Writer,
    blueprint: &Blueprint,
    outcomes: &mut IndexMap<String, TableOutcome>,
) -> Result<(), ChangeError> {
    let before = schema(blueprint, |made| made.old.clone());
    let after = schema(blueprint, |made| Some(made.table.clone()));
    let matched = Matched::of(&before, &after, &Purpose::default());
    let hashes = Hashes::random();
    let pass = |which| {
        let pairs = matched.pairs.iter();
        let keys = pairs.map(|pair| (pair.table(which).clone(), pair.key(which).clone()));
        DigestPass {
            hashes,
            only: Some(Arc::new(keys.collect())),
        }
    };
    let there = server::read(old, &before, &pass(Which::Before), &mut |_| {})?;
    server::begin(new)?;
    let here = server::read(new, &after, &pass(Which::After), &mut |_| {})?;
    new.end_reading()?;
    for (name, outcome) in outcomes {
        let name = name.to_ascii_lowercase();
        let Some(pair) = matched.pairs.iter().find(|pair| pair.after == name) else {
            // The old database has no such table.
            outcome.same_values = true;
            continue;
        };
        let unread = [&there, &here].map(|side| side.unread.get(&name));
        outcome.sample.extend(unread.into_iter().flatten().cloned());
        let (Some(ours), Some(theirs)) = (digest(&there, &name), digest(&here, &name)) else {
            continue;
        };
        let same = |(old, new): &(String, String)| ours.columns.get(old) == theirs.columns.get(new);
        outcome.copied = theirs.rows;
        outcome.same_values =
            (ours.rows, ours.keys) == (theirs.rows, theirs.keys) && pair.columns.iter().all(same);
    }
    Ok(())
}

fn digest<'p>(passed: &'p Passed<TableDigest>, table: &str) -> Option<&'p TableDigest> {
    passed.tables.get(table).map(|(_, digest)| digest)
}

/// The tables of one of the databases.
fn schema(blueprint: &Blueprint, table: impl Fn(&Made) -> Option<Table>) -> Schema {
    let tables = blueprint.tables.iter();
    Schema {
        tables: tables
            .filter_map(|(name, made)| Some((name.clone(), table(made)?)))
            .collect(),
        ..Schema::default()
    }
}

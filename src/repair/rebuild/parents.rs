//! Whether every row has its parent in the new database.

use super::blueprint::Blueprint;
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::gate::{Meaning, Operation};
use crate::repair::orphans::Orphans;
use crate::schema::model::{ForeignKey, Table, find, find_entry};
use crate::schema::sql::identifier;
use crate::server::answer::first;
use crate::server::connection::{Reader, Setting};

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

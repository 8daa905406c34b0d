//! Tables that two servers find equal by themselves: each sums up hashes of its rows, and sends the sum alone.

use std::sync::Arc;

use super::digest::{Hashes, TableDigest};
use super::form::{Charset, Form};
use super::matching::{Matched, Which};
use super::pass::Shape;
use super::server::{PART, counter, number_behind, part};
use super::side::Side;
use super::through::Purpose;
use crate::gate::{Meaning, Operation};
use crate::schema::model::{Table, find};
use crate::schema::sql::{identifier, string};
use crate::server::connection::{Reader, text};
use crate::server::error::ServerError;

/// The rows of a table as one server sums them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    /// Less than `rows` where the server could not hash a row: then the sum says nothing.
    hashed: u64,
    total: u128,
}

/// Notes in both sides the tables that the two servers find equal. What they do not find equal may still be: they spell
/// some values in other ways.
///
/// # Errors
/// A connection is lost.
pub(super) fn digest(sides: &mut [Side<'_>; 2], hashes: Hashes) -> Result<(), ServerError> {
    // Unknown to whoever made the rows, as the seed of the hashes is.
    let salt = format!("{:016x}", hashes.cell(0, b"salt of the servers"));
    let [before, after] = sides;
    let schemas = (
        before.snapshot.schema.clone(),
        after.snapshot.schema.clone(),
    );
    let matched = Matched::of(&schemas.0, &schemas.1, &Purpose::default());
    for pair in &matched.pairs {
        let tables = (
            find(&schemas.0.tables, pair.table(Which::Before)),
            find(&schemas.1.tables, pair.table(Which::After)),
        );
        let (Some(ours), Some(theirs)) = tables else {
            continue;
        };
        let shapes = [
            Shape::of(&pair.before, ours, None),
            Shape::of(&pair.after, theirs, None),
        ];
        let [one, other] = &shapes;
        let is_like = one.columns.len() == other.columns.len()
            && one
                .columns
                .iter()
                .all(|(name, form)| other.columns.get(name) == Some(form));
        if !is_like || one.columns.is_empty() {
            continue;
        }
        // In the order of one of them.
        let columns: Vec<(&String, Form)> = one
            .columns
            .iter()
            .map(|(name, form)| (name, *form))
            .collect();
        let Some(sum) = sum_of(before, &pair.before, ours, &columns, &salt)? else {
            continue;
        };
        if sum.hashed != sum.rows
            || sum_of(after, &pair.after, theirs, &columns, &salt)? != Some(sum)
        {
            continue;
        }
        before.by_server += 1;
        let digest = TableDigest {
            rows: sum.rows,
            keys: sum.total,
            ..TableDigest::new(one.columns.keys())
        };
        let [one, other] = shapes;
        for (side, shape) in [(&mut *before, one), (&mut *after, other)] {
            let name = shape.table.clone();
            let found = (Arc::new(shape), digest.clone());
            side.digests.tables.insert(name, found);
        }
    }
    Ok(())
}

/// The sum of a table; `None` where the server does not give it.
fn sum_of(
    side: &mut Side<'_>,
    name: &str,
    table: &Table,
    columns: &[(&String, Form)],
    salt: &str,
) -> Result<Option<Sum>, ServerError> {
    let spelled = side.snapshot.schema.tables.keys();
    let mut spelled = spelled.filter(|known| known.eq_ignore_ascii_case(name));
    let name = spelled.next().map_or(name, String::as_str);
    let Some((connection, _)) = &mut side.connection else {
        return Ok(None);
    };
    let result = sum(connection, name, table, columns, salt);
    connection.let_go()?;
    match result {
        Err(error) if error.is_lost() => Err(error),
        // It is read row by row then, which says what is wrong.
        result => Ok(result.ok().flatten()),
    }
}

fn sum(
    connection: &mut Reader,
    name: &str,
    table: &Table,
    columns: &[(&String, Form)],
    salt: &str,
) -> Result<Option<Sum>, ServerError> {
    let by = counter(table);
    let names = columns.iter().map(|(name, _)| name.as_str());
    let names: Vec<&str> = names.chain([name]).collect();
    let mut all = Sum::default();
    let mut last = None;
    loop {
        let sql = question(name, by.as_deref(), last, columns, salt);
        let sql = Meaning::new(Operation::Select, names.iter().copied()).pass(sql)?;
        let answer = connection.ask(&format!("a sum of {name}"), &sql)?;
        let row = answer.first();
        let number = |column: &str| row.and_then(|row| text(row, column)?.parse::<u128>().ok());
        let count = |column: &str| {
            let count = number(column).and_then(|count| u64::try_from(count).ok());
            count.unwrap_or_default()
        };
        let rows = count("part_rows");
        all.rows += rows;
        all.hashed += count("part_hashed");
        all.total = all
            .total
            .wrapping_add(number("part_total").unwrap_or_default());
        if by.is_none() || rows < PART {
            return Ok(Some(all));
        }
        let behind = row.and_then(|row| text(row, "part_last"));
        match number_behind(behind.as_deref().map(str::as_bytes), last) {
            Ok(number) => last = Some(number),
            Err(_) => return Ok(None),
        }
    }
}

/// The question for the sum of a part of a table.
fn question(
    name: &str,
    by: Option<&str>,
    last: Option<i128>,
    columns: &[(&String, Form)],
    salt: &str,
) -> String {
    let cells: Vec<String> = columns
        .iter()
        .map(|(name, form)| cell(name, *form))
        .collect();
    let key = by.map_or_else(|| "0".to_owned(), identifier);
    format!(
        "SELECT COUNT(*) AS part_rows, COUNT(part_hash) AS part_hashed, SUM(part_hash) AS part_total, MAX(part_key) AS \
         part_last FROM (SELECT {key} AS part_key, CAST(CONV(SUBSTRING(SHA2(CONCAT({}, {}), 256), 1, 16), 16, 10) AS \
         DECIMAL(20)) AS part_hash FROM {}{}) AS part",
        string(salt),
        cells.join(", "),
        identifier(name),
        part(by, last)
    )
}

/// A value with its length, so that no two rows read the same; `N` is NULL.
fn cell(name: &str, form: Form) -> String {
    let value = match form {
        Form::Text(Charset::Utf8) => identifier(name),
        Form::Text(_) => format!("CONVERT({} USING utf8mb4)", identifier(name)),
        _ => identifier(name),
    };
    format!("COALESCE(CONCAT(LENGTH({value}), ':', CAST({value} AS BINARY)), 'N')")
}

//! The rows of a running server.

use std::sync::Arc;

use bumpalo::Bump;

use super::dump::Passed;
use super::form::Spelling;
use super::pass::{Cell, CellsOfRow, Pass, Shape};
use crate::dump::values::Value;
use crate::gate::{Meaning, Operation};
use crate::schema::model::Schema;
use crate::schema::sql::identifier;
use crate::server::connection::{Reader, Setting};
use crate::server::error::ServerError;

/// Reads all rows of the tables of a server, each table in one statement, all in one transaction that sees one moment
/// of the database as far as the storage engines allow. Nothing is locked. `watch` is told the name of each table.
///
/// # Errors
/// The connection is lost.
pub fn read<P: Pass>(
    connection: &mut Reader,
    schema: &Schema,
    pass: &P,
    watch: &mut dyn FnMut(&str),
) -> Result<Passed<P::Facts>, ServerError> {
    connection.set(Setting::Utf8)?;
    connection.set(Setting::Utc)?;
    connection.set(Setting::RepeatableRead)?;
    connection.begin_reading()?;
    let mut passed = Passed::default();
    for (name, table) in &schema.tables {
        let Some(shape) = pass.shape(name, table) else {
            continue;
        };
        watch(name);
        let mut facts = pass.no_rows(&shape);
        match rows(connection, name, &shape, pass, &mut facts) {
            Ok(()) => {
                let shape = Arc::new(shape);
                passed
                    .tables
                    .insert(name.to_ascii_lowercase(), (shape, facts));
            }
            Err(error) if error.is_lost() => return Err(error),
            Err(error) => {
                passed
                    .unread
                    .insert(name.to_ascii_lowercase(), error.to_string());
            }
        }
    }
    connection.end_reading()?;
    Ok(passed)
}

fn rows<P: Pass>(
    connection: &mut Reader,
    table: &str,
    shape: &Shape,
    pass: &P,
    facts: &mut P::Facts,
) -> Result<(), ServerError> {
    let columns: Vec<String> = shape.columns.keys().map(|name| identifier(name)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), identifier(table));
    let names = shape.columns.keys().map(String::as_str).chain([table]);
    let sql = Meaning::new(Operation::Select, names).pass(sql)?;
    let mut made = Bump::new();
    connection.each_row(table, &sql, |values| {
        made.reset();
        let cells = values.iter().zip(shape.columns.values());
        let cells = made.alloc_slice_fill_iter(cells.map(|(value, form)| {
            let value = value.as_deref().map_or(Value::Null, Value::Plain);
            let value = form.canonical(value, Spelling::OF_SERVER, &made);
            value.map_or(Cell::Null, Cell::Value)
        }));
        pass.take(CellsOfRow { shape, cells }, facts);
    })
}

//! A table as text that people compare.

use super::column::column_definition;
use super::keys::{foreign_key_item, index_item, primary_key_item};
use super::quoting::identifier;
use super::table::table_options;
use crate::schema::meaning::{default_text, is_json, is_server_made, serves};
use crate::schema::model::{Column, DefaultValue, Table};

/// A CREATE TABLE for people, made to be compared line by line: columns, indexes and foreign keys are sorted by
/// name, every line is complete with its comma, and what has no meaning is left out. Indexes that servers make
/// for foreign keys are left out; a foreign key that lacks one says so. ROW_FORMAT and checks are not included.
pub fn canonical(name: &str, table: &Table) -> String {
    let mut columns: Vec<String> = table
        .columns
        .iter()
        .map(|(name, column)| {
            let column = canonical_column(column, table);
            format!("{} {}", identifier(name), column_definition(&column))
        })
        .collect();
    let mut indexes: Vec<String> = table
        .indexes
        .iter()
        .filter(|(name, index)| !is_server_made(name, index, &table.foreign_keys))
        .map(|(name, index)| index_item(name, index))
        .collect();
    let mut foreign_keys: Vec<String> = table
        .foreign_keys
        .iter()
        .map(|(name, key)| {
            let note = match serves(table, &key.columns) {
                true => "",
                false => " /* no index serves it */",
            };
            foreign_key_item(name, key) + note
        })
        .collect();
    for lines in [&mut columns, &mut indexes, &mut foreign_keys] {
        lines.sort_unstable_by_key(|line| line.to_lowercase());
    }
    let mut text = format!("CREATE TABLE {} (\n", identifier(name));
    let lines = columns
        .into_iter()
        .chain(primary_key_item(table))
        .chain(indexes)
        .chain(foreign_keys);
    text.extend(lines.map(|line| format!("  {line},\n")));
    let options = table_options(&Table {
        engine: table.engine.clone(),
        charset: table.charset.clone(),
        collation: table.collation.clone(),
        ..Table::default()
    });
    text + ")" + &options + "\n"
}

fn canonical_column(column: &Column, table: &Table) -> Column {
    let mut column = column.clone();
    if is_json(&column, table) {
        "json".clone_into(&mut column.data_type);
        column.charset = None;
        column.collation = None;
    }
    if let Some(DefaultValue::Literal(text)) = &mut column.default {
        *text = default_text(text, &column.data_type).into_owned();
    }
    column
}

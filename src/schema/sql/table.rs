//! CREATE TABLE and ALTER TABLE.

use super::column::{charset_words, whole_column_definition};
use super::keys::{foreign_key_item, index_item, primary_key_item};
use super::quoting::identifier;
use crate::schema::model::{ForeignKey, Table};

/// Whether [`create_table`] writes the foreign keys too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignKeys {
    /// Foreign keys are written inside CREATE TABLE: the parent tables must exist.
    Included,
    /// Foreign keys are left out, to be added once all tables exist.
    Omitted,
}

/// A CREATE TABLE statement, one item per line: columns, primary key, indexes, foreign
/// keys and checks, each in the order of the model.
pub fn create_table(name: &str, table: &Table, foreign_keys: ForeignKeys) -> String {
    create_table_with(name, table, |_| foreign_keys == ForeignKeys::Included)
}

pub(super) fn create_table_with(
    name: &str,
    table: &Table,
    keep: impl Fn(&ForeignKey) -> bool,
) -> String {
    let columns = table.columns.iter().map(|(name, column)| {
        let definition = whole_column_definition(column);
        format!("{} {definition}", identifier(name))
    });
    let indexes = table.indexes.iter();
    let foreign_keys = table.foreign_keys.iter().filter(|(_, key)| keep(key));
    let checks = table.checks.iter();
    let items: Vec<String> = columns
        .chain(primary_key_item(table))
        .chain(indexes.map(|(name, index)| index_item(name, index)))
        .chain(foreign_keys.map(|(name, key)| foreign_key_item(name, key)))
        .chain(checks.map(|check| format!("CHECK ({check})")))
        .collect();
    let (name, items, options) = (identifier(name), items.join(",\n  "), table_options(table));
    format!("CREATE TABLE {name} (\n  {items}\n){options}")
}

/// An ALTER TABLE statement with one action per line.
pub(crate) fn alter_table(name: &str, actions: &[String]) -> String {
    format!(
        "ALTER TABLE {}\n  {}",
        identifier(name),
        actions.join(",\n  ")
    )
}

/// Engine, character set and row format, as far as the table names them, with a blank before each.
pub(super) fn table_options(table: &Table) -> String {
    let engine = table.engine.iter().map(|name| format!("ENGINE={name}"));
    let format = table
        .row_format
        .iter()
        .map(|name| format!("ROW_FORMAT={name}"));
    let options = engine.chain(charset_option(table)).chain(format);
    options.map(|option| format!(" {option}")).collect()
}

/// `DEFAULT CHARACTER SET … COLLATE …`, as far as the table names them.
pub(crate) fn charset_option(table: &Table) -> Option<String> {
    let words = charset_words(&table.charset, &table.collation);
    (!words.is_empty()).then(|| format!("DEFAULT {}", words.join(" ")))
}

//! The gate for statements that bring one schema to another, or make it anew.

use super::gate::{Blocked, Meaning, Operation, target};
use crate::schema::model::{DefaultValue, Index, Schema, Table, find_entry};

/// Lets statements pass that change or create tables of `schemas`, and names those that do not.
///
/// Each has to be an ALTER TABLE or a CREATE TABLE of a table that one of the schemas has, and names
/// nothing but that table, its columns, indexes and foreign keys in them and what those lead to.
/// Comments (`-- …`) and settings of the session stay as they are.
pub fn pass(statements: Vec<String>, schemas: &[&Schema]) -> Vec<Result<String, Blocked>> {
    let statements = statements.into_iter();
    statements
        .map(|statement| pass_one(statement, schemas))
        .collect()
}

fn pass_one(statement: String, schemas: &[&Schema]) -> Result<String, Blocked> {
    if statement.starts_with("-- ") || statement.starts_with("SET SESSION ") {
        return Ok(statement);
    }
    let operation = match statement.starts_with("CREATE") {
        true => Operation::CreateTable,
        false => Operation::AlterTable,
    };
    let name = target(operation, &statement).unwrap_or_default();
    let tables: Vec<(&String, &Table)> = schemas
        .iter()
        .filter_map(|schema| find_entry(&schema.tables, &name))
        .collect();
    let spelled = tables.iter().find(|(spelled, _)| **spelled == name);
    // A table that no schema has is none of those that the statements are about.
    let spelled = spelled.map_or("", |(spelled, _)| spelled.as_str());
    let mut meaning = Meaning::new(operation, [spelled]);
    for (_, table) in &tables {
        let names = names(table);
        meaning = meaning.or_names(names);
        for piece in pieces(table) {
            let of_piece = Meaning::new(operation, [""; 0]).with_piece(piece)?;
            meaning = meaning.or_all_of(of_piece);
        }
    }
    meaning.pass(statement)
}

/// What a CREATE TABLE of a table is meant to be, with all its foreign keys.
///
/// # Errors
/// A piece of SQL in the table cannot be read.
pub fn creation(name: &str, table: &Table) -> Result<Meaning, Blocked> {
    let names = names(table);
    let meaning = Meaning::new(Operation::CreateTable, names.into_iter().chain([name]));
    pieces(table)
        .into_iter()
        .try_fold(meaning, Meaning::with_piece)
}

/// Identifiers of a table's definition but its own name.
fn names(table: &Table) -> Vec<&str> {
    let mut names: Vec<&str> = table.columns.keys().map(String::as_str).collect();
    for part in &table.primary_key {
        names.push(&part.column);
    }
    for (name, index) in &table.indexes {
        names.push(name);
        names.extend(plain_columns(index));
    }
    for (name, key) in &table.foreign_keys {
        names.push(name);
        names.push(&key.referenced_table);
        names.extend(key.referenced_database.as_deref());
        let columns = key.columns.iter().chain(&key.referenced_columns);
        names.extend(columns.map(String::as_str));
    }
    names
}

fn plain_columns(index: &Index) -> impl Iterator<Item = &str> {
    let columns = index.parts.iter().map(|part| part.column.as_str());
    columns.filter(|column| !column.starts_with('('))
}

/// Pieces of SQL that a table's definition takes over as they are.
fn pieces(table: &Table) -> Vec<&str> {
    let mut pieces: Vec<&str> = table.checks.iter().map(String::as_str).collect();
    for column in table.columns.values() {
        pieces.extend(column.generated.as_deref());
        if let Some(DefaultValue::Expression(text)) = &column.default {
            pieces.push(text);
        }
    }
    for index in table.indexes.values() {
        let columns = index.parts.iter().map(|part| part.column.as_str());
        pieces.extend(columns.filter(|column| column.starts_with('(')));
    }
    pieces
}

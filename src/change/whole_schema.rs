//! The gate for statements that bring one schema to another, or make it anew.

use super::gate::{Blocked, Meaning, Operation, Problem, target};
use crate::schema::model::{DefaultValue, Index, Schema, Table, find, find_entry};

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
        expressions_can_be_told(table)?;
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
    expressions_can_be_told(table)?;
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

/// Makes sure that each part of an index is either a column or an expression: the generators take for
/// an expression what begins with a parenthesis.
///
/// # Errors
/// A column that an index has is called like an expression.
pub(super) fn expressions_can_be_told(table: &Table) -> Result<(), Blocked> {
    let indexes = table.indexes.values().flat_map(|index| &index.parts);
    let mut parts = table.primary_key.iter().chain(indexes);
    let is_both = |column: &str| column.starts_with('(') && find(&table.columns, column).is_some();
    match parts.find(|part| is_both(&part.column)) {
        Some(part) => Err(Blocked {
            statement: String::new(),
            problem: Problem::LooksLikeExpression(part.column.clone()),
        }),
        None => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::change::alter;
    use crate::schema::compare::{Options, compare};
    use crate::schema::ddl::{self, Statement};
    use crate::schema::lexer::SqlModes;
    use crate::schema::sql::{alter_table, schema_sql, statements_to};
    use crate::schema::test_schema::{hostile_name, hostile_schema};

    fn options() -> Options {
        Options::default()
    }

    /// Statements that passed; a NUL is the only reason not to.
    fn passed(statements: Vec<String>, schemas: &[&Schema], name: &str) -> Vec<String> {
        let judged = pass(statements, schemas).into_iter();
        judged
            .filter_map(|judged| match judged {
                Ok(statement) => Some(statement),
                Err(blocked) => {
                    let is_meant = blocked.problem == Problem::Nul && name.contains('\0');
                    let looks_like_expression = name.starts_with('(');
                    assert!(is_meant || looks_like_expression, "{blocked}");
                    None
                }
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn whatever_names_are_the_statements_are_those_that_are_meant(name in hostile_name()) {
            let schema = hostile_schema(&name);
            // Made anew: our own parser reads the same table back.
            for statement in passed(schema_sql(&schema), &[&schema], &name) {
                let Ok(Statement::CreateTable(create)) = ddl::parse(&statement, SqlModes::default()) else {
                    return Err(TestCaseError::fail(format!("not read: {statement}")));
                };
                let meant = schema.tables.get(&create.name.name);
                prop_assert_eq!(Some(&create.table.columns), meant.map(|table| &table.columns));
                prop_assert_eq!(
                    Some(&create.table.foreign_keys),
                    meant.map(|table| &table.foreign_keys)
                );
            }
            // Changed, by diff and by repair, and back.
            let mut without = schema.clone();
            for table in without.tables.values_mut() {
                table.indexes.clear();
                table.foreign_keys.clear();
            }
            for (from, to) in [(&without, &schema), (&schema, &without)] {
                let differences = compare(from, to, &options());
                passed(statements_to(from, to, &differences), &[from, to], &name);
                for ((table, from), to) in from.tables.iter().zip(to.tables.values()) {
                    let actions = alter::actions(from, to, true);
                    let meaning = alter::meaning(table, from, to, true);
                    if actions.is_empty() {
                        continue;
                    }
                    let judged = meaning.and_then(|meaning| meaning.pass(alter_table(table, &actions)));
                    let refused = name.contains('\0') || name.starts_with('(');
                    prop_assert!(judged.is_ok() || refused, "{:?}", judged);
                }
            }
        }
    }
}

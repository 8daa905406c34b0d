//! The gate for statements that bring one schema to another, or make it anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::gate::{Blocked, Meaning, Operation, Problem, identifiers, target};
use crate::schema::compare::{Difference, DifferenceKind as Kind};
use crate::schema::model::{DefaultValue, Index, Schema, Table, find, find_entry};
use crate::schema::sql::{schema_sql, statements_to};

/// Identifiers that the statements about a table have to hold between them, by the table's name; all
/// in small letters, because a statement takes one of two spellings.
type Needed = BTreeMap<String, BTreeSet<String>>;

/// The statements of [`schema_sql`], each as it passes the gate or why it does not.
///
/// Those of a table have to name all of it between them, and nothing else.
pub fn schema_creation(schema: &Schema) -> Vec<Result<String, Blocked>> {
    let mut needed = Needed::new();
    for (name, table) in &schema.tables {
        need(&mut needed, name, created(name, table));
    }
    pass(schema_sql(schema), &[schema], &needed)
}

/// The statements of [`statements_to`], each as it passes the gate or why it does not.
///
/// Each has to be an ALTER TABLE or a CREATE TABLE of a table that one of the schemas has, and names
/// nothing but that table, its columns, indexes and foreign keys in them and what those lead to.
/// Between them they have to name all that differs. Comments (`-- …`) stay as they are.
pub fn schema_change(
    from: &Schema,
    to: &Schema,
    differences: &[Difference],
) -> Vec<Result<String, Blocked>> {
    let mut needed = Needed::new();
    for difference in differences {
        let table = find_entry(&to.tables, &difference.table);
        let names = match (&difference.kind, table) {
            (Kind::TableMissing, Some((name, table))) => created(name, table),
            (
                Kind::ColumnMissing
                | Kind::ColumnDiffers(_)
                | Kind::IndexMissing
                | Kind::IndexDiffers(_)
                | Kind::IndexName
                | Kind::ForeignKeyMissing
                | Kind::ForeignKeyDiffers(_)
                | Kind::ForeignKeyName,
                Some(_),
            ) => {
                let old = difference.actual.iter().map(|side| side.name.clone());
                old.chain([difference.name().to_owned()]).collect()
            }
            _ => continue,
        };
        need(&mut needed, &difference.table, names);
    }
    pass(statements_to(from, to, differences), &[from, to], &needed)
}

fn need(needed: &mut Needed, table: &str, names: BTreeSet<String>) {
    let names = names.iter().map(|name| name.to_lowercase());
    let of_table = needed.entry(table.to_lowercase()).or_default();
    of_table.extend(names);
}

/// All that makes a table; none where a piece of it cannot be read, which no statement survives.
fn created(name: &str, table: &Table) -> BTreeSet<String> {
    creation(name, table).map_or_else(|_| BTreeSet::new(), |meaning| meaning.names().clone())
}

fn pass(
    statements: Vec<String>,
    schemas: &[&Schema],
    needed: &Needed,
) -> Vec<Result<String, Blocked>> {
    let mut named = Needed::new();
    let mut judged = Vec::with_capacity(statements.len());
    for statement in statements {
        let is_comment = statement.starts_with("-- ") && !statement.contains('\n');
        let table = target(operation(&statement), &statement).unwrap_or_default();
        let passed = match is_comment {
            true => Ok(statement),
            false => pass_one(&table, statement, schemas),
        };
        if let (false, Ok(statement)) = (is_comment, &passed) {
            need(&mut named, &table, identifiers(statement));
        }
        judged.push((table.to_lowercase(), passed));
    }
    let judged = judged.into_iter().map(|(table, passed)| {
        let (Some(needed), Some(named)) = (needed.get(&table), named.get(&table)) else {
            return passed;
        };
        let missing: Vec<String> = needed.difference(named).cloned().collect();
        match (passed, missing.is_empty()) {
            (Ok(statement), false) => Err(Blocked {
                statement,
                problem: Problem::OtherNames {
                    missing,
                    unexpected: Vec::new(),
                },
            }),
            (passed, _) => passed,
        }
    });
    judged.collect()
}

fn operation(statement: &str) -> Operation {
    match statement.starts_with("CREATE") {
        true => Operation::CreateTable,
        false => Operation::AlterTable,
    }
}

fn pass_one(name: &str, statement: String, schemas: &[&Schema]) -> Result<String, Blocked> {
    let operation = operation(&statement);
    let tables: Vec<(&String, &Table)> = schemas
        .iter()
        .filter_map(|schema| find_entry(&schema.tables, name))
        .collect();
    let spelled = tables.iter().find(|(spelled, _)| *spelled == name);
    // A table that no schema has is none of those that the statements are about.
    let spelled = spelled.map_or("", |(spelled, _)| spelled.as_str());
    let mut meaning = Meaning::new(operation, [spelled]);
    for (name, table) in &tables {
        meaning = meaning.or_names(creation(name, table)?.names().clone());
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
    use super::*;
    use crate::change::alter;
    use crate::hostile;
    use crate::schema::compare::{Options, compare};
    use crate::schema::ddl::{self, Statement};
    use crate::schema::lexer::SqlModes;
    use crate::schema::sql::alter_table;
    use crate::schema::test_schema::hostile_schema;

    /// Statements that passed; a name that cannot be stored or looks like an expression is the only
    /// reason not to.
    fn passed(judged: Vec<Result<String, Blocked>>, name: &str) -> Vec<String> {
        let judged = judged.into_iter();
        judged
            .filter_map(|judged| match judged {
                Ok(statement) => Some(statement),
                Err(blocked) => {
                    assert!(hostile::is_refused(name), "{blocked}");
                    None
                }
            })
            .collect()
    }

    #[test]
    fn whatever_names_are_the_statements_are_those_that_are_meant() {
        for name in hostile::names() {
            let schema = hostile_schema(&name);
            // Made anew: our own parser reads the same table back.
            for statement in passed(schema_creation(&schema), &name) {
                let Ok(Statement::CreateTable(create)) =
                    ddl::parse(&statement, SqlModes::default())
                else {
                    panic!("not read: {statement}");
                };
                let meant = &schema.tables[&create.name.name];
                assert_eq!(create.table.columns, meant.columns);
                assert_eq!(create.table.foreign_keys, meant.foreign_keys);
            }
            // Changed, by diff and by repair, and back.
            let mut without = schema.clone();
            for table in without.tables.values_mut() {
                table.indexes.clear();
                table.foreign_keys.clear();
            }
            for (from, to) in [
                (&without, &schema),
                (&schema, &without),
                (&Schema::default(), &schema),
            ] {
                let differences = compare(from, to, &Options::default());
                let changes = schema_change(from, to, &differences);
                assert_ne!(changes.len(), 0, "{name:?}");
                passed(changes, &name);
                for ((table, from), to) in from.tables.iter().zip(to.tables.values()) {
                    let actions = alter::actions(from, to, true);
                    let meaning = alter::meaning(table, from, to, true);
                    if actions.is_empty() {
                        continue;
                    }
                    let statement = alter_table(table, &actions);
                    let judged = meaning.and_then(|meaning| meaning.pass(statement));
                    passed(vec![judged], &name);
                }
            }
        }
    }

    #[test]
    fn a_change_that_names_less_than_what_differs_does_not_pass() {
        let schema = hostile_schema("a`, DROP COLUMN `b");
        let mut needed = Needed::new();
        for (name, table) in &schema.tables {
            need(&mut needed, name, created(name, table));
        }
        let mut statements = schema_sql(&schema);
        assert!(
            pass(statements.clone(), &[&schema], &needed)
                .iter()
                .all(Result::is_ok)
        );
        // The child without its foreign key, which is all that names the parent in it.
        let child = statements.pop().expect("two tables");
        let start = child.find(",\n  CONSTRAINT").expect("a foreign key");
        let end = child.find("\n)").expect("the end of the table");
        statements.push(child[..start].to_owned() + &child[end..]);
        let judged = pass(statements, &[&schema], &needed);
        let blocked = judged.iter().filter(|judged| judged.is_err()).count();
        assert_eq!(blocked, 1, "{judged:?}");
    }
}

//! Writes a whole schema as SQL.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::keys::foreign_key_item;
use super::table::{alter_table, create_table_with};
use crate::schema::model::{ForeignKey, Schema, Table};

/// Statements that create all tables of a schema, empty, in an empty database.
///
/// The statements run with foreign key checks on: parents come before their children, and a foreign key that
/// closes a circle is added by ALTER TABLE at the end. Foreign keys to tables that the schema lacks are added
/// there, too, because no order would do for them. Views and stored programs are not written.
pub fn schema_sql(schema: &Schema) -> Vec<String> {
    let mut waiting: IndexMap<&String, &Table> = schema.tables.iter().collect();
    let mut created: HashSet<String> = HashSet::new();
    let mut statements = Vec::with_capacity(waiting.len());
    let mut last = Vec::new();
    while let Some((name, table)) = next_table(&mut waiting, &created) {
        created.insert(name.to_ascii_lowercase());
        statements.push(create_table_with(name, table, |key| {
            parent_exists(key, &created)
        }));
        let open: Vec<String> = table
            .foreign_keys
            .iter()
            .filter(|(_, key)| !parent_exists(key, &created))
            .map(|(name, key)| format!("ADD {}", foreign_key_item(name, key)))
            .collect();
        if !open.is_empty() {
            last.push(alter_table(name, &open));
        }
    }
    statements.append(&mut last);
    statements
}

/// Takes the first table whose parents all exist, or else the one that lacks the fewest.
fn next_table<'a>(
    waiting: &mut IndexMap<&'a String, &'a Table>,
    created: &HashSet<String>,
) -> Option<(&'a String, &'a Table)> {
    let missing = |name: &str, table: &Table| {
        table
            .foreign_keys
            .values()
            .filter(|key| !key.referenced_table.eq_ignore_ascii_case(name))
            .filter(|key| !parent_exists(key, created))
            .count()
    };
    let (position, _) = waiting
        .iter()
        .enumerate()
        .map(|(position, (name, table))| (position, missing(name, table)))
        .min_by_key(|(_, missing)| *missing)?;
    waiting.shift_remove_index(position)
}

fn parent_exists(key: &ForeignKey, created: &HashSet<String>) -> bool {
    key.referenced_database.is_some()
        || created.contains(&key.referenced_table.to_ascii_lowercase())
}

/// Joins statements to a script: each ends with a semicolon, comments stand on lines of their own.
pub fn script(statements: &[String]) -> String {
    statements
        .iter()
        .map(|statement| {
            let is_comment = statement.starts_with("-- ");
            format!("{statement}{}\n", if is_comment { "" } else { ";" })
        })
        .collect()
}

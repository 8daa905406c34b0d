//! Reads tables from information_schema. Each is put together as the CREATE TABLE that the server would print,
//! and read by the grammar that reads dumps, so that the same table gives the same model whichever way it
//! comes.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::name;
use crate::schema::ddl::{self, Statement};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{ByName, Table};
use crate::schema::sql::{identifier, string};
use crate::server::answer::{Answer, text};
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::Row;

/// What information_schema says of tables, one answer for each of its views.
#[derive(Default)]
pub(super) struct Answers {
    pub tables: Answer,
    pub columns: Answer,
    pub indexes: Answer,
    pub foreign_keys: Answer,
    pub foreign_key_columns: Answer,
    pub checks: Answer,
    /// The tables that checks belong to, where `checks` does not name them.
    pub constraints: Answer,
}

/// One table as pieces of SQL, not yet put together.
#[derive(Default)]
struct Pieces {
    columns: IndexMap<String, String>,
    keys: IndexMap<String, Key>,
    foreign_keys: ByName<ForeignKey>,
    checks: Vec<String>,
    options: String,
}

#[derive(Default)]
struct Key {
    beginning: String,
    parts: Vec<String>,
}

#[derive(Default)]
struct ForeignKey {
    columns: Vec<String>,
    parent: String,
    parent_columns: Vec<String>,
    rules: String,
}

/// Tables whose foreign keys are shown without their rules: accounts that may only read see the columns of such
/// keys and nothing else (measured on MariaDB 10.5 to 11.8).
pub(super) fn without_rules(answers: &Answers) -> Vec<String> {
    let key = |row: &Row| (name(row, "table_name"), name(row, "constraint_name"));
    let known: HashSet<(String, String)> = answers.foreign_keys.iter().map(key).collect();
    let mut tables: Vec<String> = answers
        .foreign_key_columns
        .iter()
        .map(key)
        .filter(|key| !known.contains(key))
        .map(|(table, _)| table)
        .collect();
    tables.dedup();
    tables
}

/// Tables of which information_schema tells less than SHOW CREATE TABLE: it prints a question mark for
/// characters beyond the Basic Multilingual Plane and for bytes that are not text, and MySQL cuts binary
/// defaults at the first zero byte.
pub(super) fn inexact(answers: &Answers, version: &ServerVersion) -> Vec<String> {
    let is_inexact = |row: &Row| {
        let printed = ["column_type", "column_default", "generation_expression"];
        let is_binary_default = version.family == Family::Mysql
            && name(row, "column_type").contains("binary")
            && name(row, "column_default").starts_with("0x");
        is_binary_default || printed.iter().any(|column| name(row, column).contains('?'))
    };
    let rows = answers.columns.iter().filter(|row| is_inexact(row));
    let mut tables: Vec<String> = rows.map(|row| name(row, "table_name")).collect();
    let expressions = answers.indexes.iter();
    let expressions = expressions.filter(|row| name(row, "expression").contains('?'));
    tables.extend(expressions.map(|row| name(row, "table_name")));
    tables.dedup();
    tables
}

/// Puts the tables together. Also returns the tables that cannot be read, with the reason.
pub(super) fn tables(
    answers: &Answers,
    database: &str,
    version: &ServerVersion,
) -> (ByName<Table>, Vec<(String, String)>) {
    let mut pieces: IndexMap<String, Pieces> = IndexMap::new();
    for row in &answers.tables {
        // Views come from another answer, and sequences are not tables.
        let kind = text(row, "table_type").unwrap_or_default();
        if kind.contains("BASE") || kind.contains("VERSIONED") {
            let options = options(row);
            pieces.entry(name(row, "table_name")).or_default().options = options;
        }
    }
    for row in &answers.columns {
        if let Some(table) = pieces.get_mut(&name(row, "table_name")) {
            let column = name(row, "column_name");
            table
                .columns
                .insert(column, column_definition(row, version));
        }
    }
    for row in &answers.indexes {
        if let Some(table) = pieces.get_mut(&name(row, "table_name")) {
            add_index_part(table, row, version);
        }
    }
    for row in &answers.foreign_key_columns {
        if let Some(table) = pieces.get_mut(&name(row, "table_name")) {
            add_foreign_key_column(table, row, database);
        }
    }
    for row in &answers.foreign_keys {
        let key = pieces
            .get_mut(&name(row, "table_name"))
            .and_then(|table| table.foreign_keys.get_mut(&name(row, "constraint_name")));
        if let Some(key) = key {
            key.rules = format!(
                "ON DELETE {} ON UPDATE {}",
                name(row, "delete_rule"),
                name(row, "update_rule")
            );
        }
    }
    add_checks(&mut pieces, answers, version);

    let mut tables = ByName::default();
    let mut unreadable = Vec::new();
    for (name, pieces) in pieces {
        match ddl::parse(&pieces.create_table(&name), SqlModes::default()) {
            Ok(Statement::CreateTable(create)) => {
                tables.insert(name, create.table);
            }
            Ok(_) => unreadable.push((name, "its definition is not that of a table".to_owned())),
            Err(error) => unreadable.push((name, error.to_string())),
        }
    }
    (tables, unreadable)
}

impl Pieces {
    fn create_table(&self, name: &str) -> String {
        let columns = self
            .columns
            .iter()
            .map(|(name, definition)| format!("{} {definition}", identifier(name)));
        let keys = self
            .keys
            .values()
            .map(|key| format!("{} ({})", key.beginning, key.parts.join(", ")));
        let foreign_keys = self.foreign_keys.iter().map(|(name, key)| {
            format!(
                "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) {}",
                identifier(name),
                key.columns.join(", "),
                key.parent,
                key.parent_columns.join(", "),
                key.rules,
            )
        });
        let checks = self.checks.iter().map(|check| format!("CHECK ({check})"));
        let items: Vec<String> = columns
            .chain(keys)
            .chain(foreign_keys)
            .chain(checks)
            .collect();
        format!(
            "CREATE TABLE {} ({}){}",
            identifier(name),
            items.join(",\n"),
            self.options
        )
    }
}

fn options(row: &Row) -> String {
    let mut options = String::new();
    if let Some(engine) = text(row, "engine") {
        options.push_str(&format!(" ENGINE={engine}"));
    }
    if let Some(collation) = text(row, "table_collation") {
        options.push_str(&format!(" COLLATE={collation}"));
    }
    // Only options that were asked for stand here, as SHOW CREATE TABLE has it too.
    let given = name(row, "create_options");
    let row_format = given
        .split(' ')
        .find_map(|option| option.strip_prefix("row_format="));
    if let Some(format) = row_format {
        options.push_str(&format!(" ROW_FORMAT={format}"));
    }
    options
}

/// The definition of a column: everything after its name.
fn column_definition(row: &Row, version: &ServerVersion) -> String {
    let data_type = name(row, "column_type");
    let extra = name(row, "extra").to_ascii_lowercase();
    let mut sql = data_type.clone();
    if let Some(charset) = text(row, "character_set_name") {
        sql.push_str(&format!(" CHARACTER SET {charset}"));
    }
    if let Some(collation) = text(row, "collation_name") {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    // The period columns of system-versioned tables are stored and never NULL, and the server prints neither of them.
    let is_period = ["ROW START", "ROW END"].contains(&name(row, "generation_expression").as_str());
    let generated = text(row, "generation_expression").filter(|text| !text.is_empty());
    if let Some(expression) = generated {
        let expression = unescaped(&expression, version);
        sql.push_str(&format!(" AS ({expression}) "));
        let is_stored = extra.contains("stored") || extra.contains("persistent");
        sql.push_str(match is_stored && !is_period {
            true => "STORED",
            false => "VIRTUAL",
        });
    }
    if name(row, "is_nullable") == "NO" && !is_period {
        sql.push_str(" NOT NULL");
    }
    if let Some(default) = text(row, "column_default") {
        sql.push_str(" DEFAULT ");
        sql.push_str(&default_value(&default, &data_type, &extra, version));
    }
    if extra.contains("on update current_timestamp") {
        sql.push_str(" ON UPDATE CURRENT_TIMESTAMP");
    }
    if extra.contains("auto_increment") {
        sql.push_str(" AUTO_INCREMENT");
    }
    if let Some(comment) = text(row, "column_comment").filter(|text| !text.is_empty()) {
        sql.push_str(&format!(" COMMENT {}", string(&comment)));
    }
    sql
}

/// The default as SQL. MariaDB prints an expression as SQL from 10.2.7 on. All others print a constant as its
/// bare value, and mark an expression since MySQL 8.0.13; before that, only the current time could be an
/// expression.
fn default_value(default: &str, data_type: &str, extra: &str, version: &ServerVersion) -> String {
    if version.at_least(Family::Mariadb, (10, 2, 7)) {
        return default.to_owned();
    }
    let is_time = ["timestamp", "datetime"]
        .iter()
        .any(|name| data_type.starts_with(name));
    if is_time
        && default
            .to_ascii_uppercase()
            .starts_with("CURRENT_TIMESTAMP")
    {
        return default.to_owned();
    }
    if extra.contains("default_generated") {
        return format!("({})", unescaped(default, version));
    }
    if data_type.starts_with("bit") && default.starts_with("b'") {
        return default.to_owned();
    }
    string(default)
}

/// Removes the backslashes that MySQL 8 and later print before each quote and backslash of an expression in
/// information_schema, and only there.
fn unescaped(expression: &str, version: &ServerVersion) -> String {
    if version.family != Family::Mysql {
        return expression.to_owned();
    }
    let mut plain = String::with_capacity(expression.len());
    let mut rest = expression.chars();
    while let Some(c) = rest.next() {
        match (c, rest.as_str().chars().next()) {
            ('\\', Some(escaped @ ('\'' | '\\'))) => {
                plain.push(escaped);
                rest.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

fn add_index_part(table: &mut Pieces, row: &Row, version: &ServerVersion) {
    let index = name(row, "index_name");
    let key = table.keys.entry(index.clone()).or_default();
    if key.beginning.is_empty() {
        let kind = match name(row, "index_type").as_str() {
            "FULLTEXT" => "FULLTEXT KEY",
            "SPATIAL" => "SPATIAL KEY",
            _ if name(row, "non_unique") == "0" => "UNIQUE KEY",
            _ => "KEY",
        };
        key.beginning = if index == "PRIMARY" {
            "PRIMARY KEY".to_owned()
        } else {
            format!("{kind} {}", identifier(&index))
        };
    }
    let mut part = match text(row, "column_name") {
        Some(column) => identifier(&column),
        None => format!("({})", unescaped(&name(row, "expression"), version)),
    };
    // Servers print lengths for the parts of full-text and spatial indexes that no statement gave.
    let whole = key.beginning.starts_with("FULLTEXT") || key.beginning.starts_with("SPATIAL");
    if let Some(length) = text(row, "sub_part").filter(|_| !whole) {
        part.push_str(&format!("({length})"));
    }
    if text(row, "collation").as_deref() == Some("D") {
        part.push_str(" DESC");
    }
    key.parts.push(part);
}

fn add_foreign_key_column(table: &mut Pieces, row: &Row, database: &str) {
    let key = table
        .foreign_keys
        .entry(name(row, "constraint_name"))
        .or_default();
    let parent = identifier(&name(row, "referenced_table_name"));
    let parent_database = name(row, "referenced_table_schema");
    key.parent = if parent_database.eq_ignore_ascii_case(database) {
        parent
    } else {
        format!("{}.{parent}", identifier(&parent_database))
    };
    key.columns.push(identifier(&name(row, "column_name")));
    key.parent_columns
        .push(identifier(&name(row, "referenced_column_name")));
}

fn add_checks(pieces: &mut IndexMap<String, Pieces>, answers: &Answers, version: &ServerVersion) {
    for row in &answers.checks {
        let constraint = text(row, "constraint_name");
        let table = text(row, "table_name").or_else(|| {
            let of = answers
                .constraints
                .iter()
                .find(|row| text(row, "constraint_name") == constraint)?;
            text(of, "table_name")
        });
        if let Some(pieces) = table.and_then(|table| pieces.get_mut(&table)) {
            pieces
                .checks
                .push(unescaped(&name(row, "check_clause"), version));
        }
    }
}

//! Writes DDL that MySQL 5.7 to 9.x and MariaDB 10.2 to 11.x all run.
//!
//! Statements have no terminator, so that they can be sent one by one; [`script`] joins them to a file. They
//! rely on the default meaning of backslashes, that is on `NO_BACKSLASH_ESCAPES` being off.

mod anti_join;
mod duplicates;
mod migrate;
mod schema;
#[cfg(test)]
mod tests;

use super::{
    meaning::{default_text, family, is_json, is_server_made, serves},
    model::{
        Column, DefaultValue, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Table,
    },
};

pub use anti_join::{AntiJoin, first_rows};
pub use duplicates::Duplicates;
pub use migrate::statements_to;
pub(crate) use migrate::with_charset;
pub use schema::schema_sql;

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

fn create_table_with(name: &str, table: &Table, keep: impl Fn(&ForeignKey) -> bool) -> String {
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

/// Quotes a name with backquotes.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a text as a string literal.
pub fn string(text: &str) -> String {
    let mut literal = String::from('\'');
    for character in text.chars() {
        match character {
            '\'' => literal.push_str("''"),
            '\\' => literal.push_str("\\\\"),
            '\0' => literal.push_str("\\0"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\u{1a}' => literal.push_str("\\Z"),
            _ => literal.push(character),
        }
    }
    literal.push('\'');
    literal
}

/// Bytes as hexadecimal digits in lower case, two for each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Names with backquotes, between commas.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| identifier(name)).collect();
    names.join(", ")
}

/// An ALTER TABLE statement with one action per line.
pub(crate) fn alter_table(name: &str, actions: &[String]) -> String {
    format!(
        "ALTER TABLE {}\n  {}",
        identifier(name),
        actions.join(",\n  ")
    )
}

/// A column's definition with its comment, as a statement that restates the column needs it.
pub(crate) fn whole_column_definition(column: &Column) -> String {
    match &column.comment {
        Some(comment) => format!("{} COMMENT {}", column_definition(column), string(comment)),
        None => column_definition(column),
    }
}

/// The type and attributes of a column: everything after its name except its comment.
///
/// NULL is written out: without it a TIMESTAMP is NOT NULL where
/// `explicit_defaults_for_timestamp` is off, as before MySQL 8.0 and MariaDB 10.10.
pub fn column_definition(column: &Column) -> String {
    // Types carry quoted values (ENUM, SET) in which a backslash stands for itself.
    let mut words = vec![column.data_type.replace('\\', "\\\\")];
    words.extend(charset_words(&column.charset, &column.collation));
    if let Some(expression) = &column.generated {
        words.push(format!("GENERATED ALWAYS AS ({expression})"));
        // MariaDB takes neither NULL nor DEFAULT here; only MySQL takes NOT NULL.
        if !column.nullable {
            words.push("NOT NULL".to_owned());
        }
        return words.join(" ");
    }
    words.push(if column.nullable { "NULL" } else { "NOT NULL" }.to_owned());
    if let Some(default) = &column.default {
        let value = default_value(default, &column.data_type);
        words.push(format!("DEFAULT {value}"));
    }
    if column.on_update_now {
        let digits = column.data_type.find('(');
        let digits = digits.and_then(|start| column.data_type.get(start..));
        let digits = digits.unwrap_or_default();
        words.push(format!("ON UPDATE CURRENT_TIMESTAMP{digits}"));
    }
    if column.auto_increment {
        words.push("AUTO_INCREMENT".to_owned());
    }
    words.join(" ")
}

/// `CHARACTER SET …` and `COLLATE …`, as far as they are known.
fn charset_words(charset: &Option<String>, collation: &Option<String>) -> Vec<String> {
    let charset = charset.iter().map(|name| format!("CHARACTER SET {name}"));
    let collation = collation.iter();
    let collation = collation.map(|name| format!("COLLATE {}", portable_collation(name)));
    charset.chain(collation).collect()
}

/// `utf8_…` is what every server reads as a collation of utf8mb3; `utf8mb3_…` is known
/// only from MySQL 8.0.30 and MariaDB 10.6 on.
fn portable_collation(collation: &str) -> String {
    match collation.strip_prefix("utf8mb3_") {
        Some(rest) => format!("utf8_{rest}"),
        None => collation.to_owned(),
    }
}

fn default_value(default: &DefaultValue, data_type: &str) -> String {
    let family = family(data_type);
    match default {
        // Literals of bits and bytes keep the notation the model has them in.
        DefaultValue::Literal(text)
            if matches!(family, "bit" | "binary" | "varbinary") && is_radix_literal(text) =>
        {
            text.clone()
        }
        // MySQL takes a default of these types only as an expression (8.0.13 on).
        DefaultValue::Literal(text)
            if family.ends_with("text") || family.ends_with("blob") || family == "json" =>
        {
            format!("({})", string(text))
        }
        DefaultValue::Literal(text) => string(text),
        DefaultValue::Expression(text) if text.starts_with("CURRENT_TIMESTAMP") => text.clone(),
        DefaultValue::Expression(text) => format!("({text})"),
    }
}

/// Whether the text is a bit or hexadecimal literal such as `b'01'` or `0x41`.
fn is_radix_literal(text: &str) -> bool {
    let bits = text
        .strip_prefix("b'")
        .and_then(|rest| rest.strip_suffix('\''));
    let hex = text.strip_prefix("0x");
    bits.is_some_and(|digits| digits.bytes().all(|digit| matches!(digit, b'0' | b'1')))
        || hex.is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
}

fn primary_key_item(table: &Table) -> Option<String> {
    (!table.primary_key.is_empty())
        .then(|| format!("PRIMARY KEY {}", key_parts(&table.primary_key)))
}

pub(crate) fn index_item(name: &str, index: &Index) -> String {
    format!(
        "{} {} {}",
        index_keyword(index.kind),
        identifier(name),
        key_parts(&index.parts)
    )
}

/// The words in CREATE TABLE for an index of this kind.
pub(super) fn index_keyword(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Plain => "KEY",
        IndexKind::Unique => "UNIQUE KEY",
        IndexKind::Fulltext => "FULLTEXT KEY",
        IndexKind::Spatial => "SPATIAL KEY",
    }
}

/// The parts of a key in parentheses.
pub(super) fn key_parts(parts: &[KeyPart]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| {
            let mut text = match part.column.starts_with('(') {
                true => part.column.clone(),
                false => identifier(&part.column),
            };
            if let Some(length) = part.length {
                text.push_str(&format!("({length})"));
            }
            if part.descending {
                text.push_str(" DESC");
            }
            text
        })
        .collect();
    format!("({})", parts.join(", "))
}

pub(crate) fn foreign_key_item(name: &str, key: &ForeignKey) -> String {
    format!(
        "CONSTRAINT {} FOREIGN KEY {}",
        identifier(name),
        foreign_key_definition(key)
    )
}

/// A foreign key for ALTER TABLE, without rules that are the default: MariaDB prints `NO ACTION` for a RESTRICT
/// that was added in place, and nothing for a rule that was not given.
pub(crate) fn brief_foreign_key_item(name: &str, key: &ForeignKey) -> String {
    let mut item = foreign_key_item(name, key);
    for (event, action) in [
        (" ON UPDATE ", key.on_update),
        (" ON DELETE ", key.on_delete),
    ] {
        let rule = format!("{event}{}", action.as_sql());
        if action == ReferentialAction::Restrict
            && let Some(start) = item.rfind(&rule)
        {
            item.replace_range(start..start + rule.len(), "");
        }
    }
    item
}

/// The definition of a foreign key, everything after its name: columns, parent and rules.
pub(super) fn foreign_key_definition(key: &ForeignKey) -> String {
    let database = key
        .referenced_database
        .as_ref()
        .map(|database| identifier(database) + ".")
        .unwrap_or_default();
    format!(
        "({}) REFERENCES {database}{} ({}) ON DELETE {} ON UPDATE {}",
        list(&key.columns),
        identifier(&key.referenced_table),
        list(&key.referenced_columns),
        key.on_delete.as_sql(),
        key.on_update.as_sql()
    )
}

/// Engine, character set and row format, as far as the table names them, with a blank before each.
fn table_options(table: &Table) -> String {
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

//! Primary keys, indexes and foreign keys, as items of CREATE TABLE.

use super::quoting::{identifier, list};
use crate::schema::model::{ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Table};

pub(super) fn primary_key_item(table: &Table) -> Option<String> {
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
pub(crate) fn index_keyword(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Plain => "KEY",
        IndexKind::Unique => "UNIQUE KEY",
        IndexKind::Fulltext => "FULLTEXT KEY",
        IndexKind::Spatial => "SPATIAL KEY",
    }
}

/// The parts of a key in parentheses.
pub(crate) fn key_parts(parts: &[KeyPart]) -> String {
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
pub(crate) fn foreign_key_definition(key: &ForeignKey) -> String {
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

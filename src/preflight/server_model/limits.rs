//! The lengths that keys may have.

use super::foreign_key::has_foreign_keys;
use super::{ServerError, ServerModel};
use crate::schema::meaning::begins_with;
use crate::schema::model::{Column, Index, IndexKind, KeyPart, Table, find};
use crate::server_version::Family;

/// The most bytes of a column in an index of a table with the row format COMPACT or REDUNDANT (MySQL manual, "InnoDB
/// Limits").
pub(super) const SHORT_PREFIX: u32 = 767;

/// What a key is for its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The primary key.
    Primary,
    /// Another key, of this kind.
    Secondary(IndexKind),
}

impl ServerModel {
    /// Checks that a key can be made of its columns.
    pub(super) fn check_key(
        &self,
        table: &Table,
        parts: &[KeyPart],
        role: Role,
    ) -> Result<(), ServerError> {
        self.check_columns(table, parts, role)?;
        self.check_length(table, parts, role)
    }

    /// Checks that the columns of a key exist and can be in one.
    pub(super) fn check_columns(
        &self,
        table: &Table,
        parts: &[KeyPart],
        role: Role,
    ) -> Result<(), ServerError> {
        for part in parts.iter().filter(|part| !part.column.starts_with('(')) {
            let column = find(&table.columns, &part.column);
            let column = column.ok_or_else(|| ServerError::NoKeyColumn {
                column: part.column.clone(),
            })?;
            if is_words(role) {
                continue;
            }
            let is_wrong = part
                .length
                .is_some_and(|length| !has_prefix(&column.data_type, length));
            if is_wrong {
                return Err(ServerError::WrongPrefix);
            }
            // MariaDB cuts texts for a plain index, and takes a hash of them for a unique one.
            let takes_texts = self.has_hash_keys() && role != Role::Primary;
            if bytes(column, part, table).is_none() && !takes_texts {
                return Err(ServerError::TextKeyWithoutLength {
                    column: part.column.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether the server sees that a key is too long before it looks at its name: MariaDB, of texts among other columns.
    pub(super) fn sees_length_first(&self, table: &Table, parts: &[KeyPart]) -> bool {
        let is_text = |part: &KeyPart| {
            let column = find(&table.columns, &part.column);
            column.is_some_and(|column| bytes(column, part, table).is_none())
        };
        self.has_hash_keys() && parts.len() > 1 && parts.iter().any(is_text)
    }

    /// Checks that a key is not too long.
    pub(super) fn check_length(
        &self,
        table: &Table,
        parts: &[KeyPart],
        role: Role,
    ) -> Result<(), ServerError> {
        if is_words(role) {
            return Ok(());
        }
        let limit = self.key_limit(table);
        let takes_hash = self.has_hash_keys() && role == Role::Secondary(IndexKind::Unique);
        // MariaDB looks at the row format last, and whatever the mode of the session is.
        let is_short = self.is_mariadb() && has_foreign_keys(table) && has_short_prefixes(table);
        let mut is_too_long = false;
        let mut total: u32 = 0;
        for part in parts.iter().filter(|part| !part.column.starts_with('(')) {
            let Some(column) = find(&table.columns, &part.column) else {
                continue;
            };
            let bytes = bytes(column, part, table);
            // A single column that is too long is cut for a plain index: by MariaDB in MyISAM, or where the session
            // is not strict.
            let is_innodb = has_foreign_keys(table);
            let cuts = !self.strict || self.is_mariadb() && !is_innodb;
            let is_cut = role == Role::Secondary(IndexKind::Plain) && cuts;
            let is_long = bytes.is_none_or(|bytes| bytes > limit.column);
            if is_long && takes_hash {
                return Ok(());
            }
            is_too_long |= is_short && bytes.is_some_and(|bytes| bytes > SHORT_PREFIX);
            if bytes.is_some() && is_long && !is_cut {
                return Err(ServerError::KeyTooLong {
                    limit: limit.column,
                });
            }
            total = total.saturating_add(bytes.unwrap_or(limit.column).min(limit.column));
        }
        if total > limit.key {
            return match takes_hash {
                true => Ok(()),
                false => Err(ServerError::KeyTooLong { limit: limit.key }),
            };
        }
        if is_too_long {
            return Err(ServerError::IndexColumnTooLong);
        }
        Ok(())
    }

    /// Whether the primary key or an index lets the server check a foreign key on these columns. One over texts is cut
    /// or a hash (MariaDB), and does not.
    pub(super) fn serves(&self, table: &Table, columns: &[String]) -> bool {
        if begins_with(&table.primary_key, columns) {
            return true;
        }
        table.indexes.values().any(|index| {
            is_tree(index)
                && begins_with(&index.parts, columns)
                && self
                    .check_length(table, &index.parts, Role::Primary)
                    .is_ok()
                && index.parts.iter().all(|part| {
                    let column = find(&table.columns, &part.column);
                    column.is_none_or(|column| bytes(column, part, table).is_some())
                })
        })
    }

    /// MariaDB makes unique keys over long columns by hashes from 10.4 on.
    fn has_hash_keys(&self) -> bool {
        self.version.at_least(Family::Mariadb, (10, 4, 0))
    }

    /// The most bytes of a key and of one of its columns.
    fn key_limit(&self, table: &Table) -> Limit {
        let engine = table.engine.as_deref().unwrap_or("InnoDB");
        if engine.eq_ignore_ascii_case("MyISAM") {
            return Limit {
                key: 1000,
                column: 1000,
            };
        }
        let long_prefixes = match self.version.family {
            Family::Mysql => self.version.number >= (5, 7, 0),
            Family::Mariadb => self.version.number >= (10, 2, 2),
        };
        let row_format = table.row_format.as_deref().map(str::to_ascii_uppercase);
        let column = match row_format.as_deref() {
            // MariaDB has an error of its own for these (measured: MariaDB 10.11 1709, MySQL 9.7 1071).
            Some("COMPACT" | "REDUNDANT") if self.is_mariadb() && long_prefixes => 3072,
            Some("COMPACT" | "REDUNDANT") => SHORT_PREFIX,
            // Older servers take long keys with innodb_large_prefix, for which CiviCRM's tables name their format.
            Some("DYNAMIC" | "COMPRESSED") => 3072,
            _ if long_prefixes => 3072,
            _ => SHORT_PREFIX,
        };
        Limit { key: 3072, column }
    }
}

/// Whether the rows of a table have a format with which a column takes few bytes in an index.
pub(in crate::preflight) fn has_short_prefixes(table: &Table) -> bool {
    let format = table.row_format.as_deref().unwrap_or_default();
    format.eq_ignore_ascii_case("COMPACT") || format.eq_ignore_ascii_case("REDUNDANT")
}

/// Whether a key that had a prefix of so many characters or bytes of a column keeps it where the column changes its type.
/// Otherwise servers put the whole column into the key (measured on MariaDB 10.11 and MySQL 9.7).
pub(super) fn keeps_prefix(data_type: &str, length: u32) -> bool {
    has_prefix(data_type, length.saturating_add(1))
}

/// Whether an index can take a prefix of so many characters or bytes of a column.
fn has_prefix(data_type: &str, length: u32) -> bool {
    let family = data_type.split([' ', '(']).next().unwrap_or_default();
    if family.ends_with("text") || family.ends_with("blob") {
        return true;
    }
    if !family.ends_with("char") && !family.ends_with("binary") {
        return false;
    }
    let inner = data_type.split_once('(').map_or("", |(_, rest)| rest);
    let own = inner.split_once(')').map_or("", |(own, _)| own);
    own.parse::<u32>().map_or(length == 1, |own| length <= own)
}

fn is_words(role: Role) -> bool {
    matches!(
        role,
        Role::Secondary(IndexKind::Fulltext | IndexKind::Spatial)
    )
}

struct Limit {
    key: u32,
    column: u32,
}

/// The bytes that a column takes in a key; `None` for TEXT or BLOB without a length.
fn bytes(column: &Column, part: &KeyPart, table: &Table) -> Option<u32> {
    let data_type = column.data_type.to_ascii_lowercase();
    let family = data_type.split([' ', '(']).next().unwrap_or_default();
    let declared = || {
        let inner = data_type.split_once('(')?.1.split_once(')')?.0;
        inner.parse::<u32>().ok()
    };
    let charset = column.charset.as_deref().or(table.charset.as_deref());
    let per_character = match charset.unwrap_or("utf8mb3") {
        "utf8mb4" | "utf16" | "utf32" => 4,
        "utf8mb3" => 3,
        "ucs2" => 2,
        _ => 1,
    };
    Some(match family {
        "varchar" | "char" => {
            let length = declared().unwrap_or(1);
            let length = part.length.map_or(length, |part| part.min(length));
            length.saturating_mul(per_character)
        }
        "tinytext" | "text" | "mediumtext" | "longtext" => {
            part.length?.saturating_mul(per_character)
        }
        "tinyblob" | "blob" | "mediumblob" | "longblob" => part.length?,
        "varbinary" | "binary" => {
            let length = declared().unwrap_or(1);
            part.length.map_or(length, |part| part.min(length))
        }
        "bigint" | "double" | "datetime" => 8,
        _ => 4,
    })
}

/// Whether an index can be searched by its first columns.
pub(super) fn is_tree(index: &Index) -> bool {
    matches!(index.kind, IndexKind::Plain | IndexKind::Unique)
}

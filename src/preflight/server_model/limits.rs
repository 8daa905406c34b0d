//! The lengths that keys may have.

use super::{ServerError, ServerModel};
use crate::schema::model::{Column, Index, IndexKind, KeyPart, Table, find};
use crate::server_version::Family;

impl ServerModel {
    /// Checks that the columns of a new key exist and are not too long.
    pub(super) fn check_key(
        &self,
        table: &Table,
        parts: &[KeyPart],
        kind: IndexKind,
    ) -> Result<(), ServerError> {
        let mut total = 0;
        let limit = self.key_limit(table);
        for part in parts.iter().filter(|part| !part.column.starts_with('(')) {
            let column =
                find(&table.columns, &part.column).ok_or_else(|| ServerError::NoKeyColumn {
                    column: part.column.clone(),
                })?;
            if matches!(kind, IndexKind::Fulltext | IndexKind::Spatial) {
                continue;
            }
            let Some(bytes) = bytes(column, part, table) else {
                return Err(ServerError::TextKeyWithoutLength {
                    column: part.column.clone(),
                });
            };
            // A single column that is too long is cut for a plain index, with a warning.
            if bytes > limit.column && (kind != IndexKind::Plain || self.strict) {
                return Err(ServerError::KeyTooLong {
                    limit: limit.column,
                });
            }
            total += bytes.min(limit.column);
        }
        if total > limit.key {
            return Err(ServerError::KeyTooLong { limit: limit.key });
        }
        Ok(())
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
        let row_format = table.row_format.as_deref().unwrap_or("DYNAMIC");
        let long_prefixes = match self.version.family {
            Family::Mysql => self.version.number >= (5, 7, 0),
            Family::Mariadb => self.version.number >= (10, 2, 2),
        };
        let column = match row_format.to_ascii_uppercase().as_str() {
            "COMPACT" | "REDUNDANT" => 767,
            _ if !long_prefixes => 767,
            _ => 3072,
        };
        Limit { key: 3072, column }
    }
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

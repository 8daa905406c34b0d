//! Character sets and collations: canonical names, defaults, and what a column inherits.

use super::model::{Column, Table};

/// Default collations of the character sets, as servers before MySQL 8.0 and MariaDB 11.5 have them. A missing
/// COLLATE in the text of SHOW CREATE means this collation: newer servers always print the collation of
/// `utf8mb4` and `utf8mb3`.
const DEFAULT_COLLATIONS: &[(&str, &str)] = &[
    ("armscii8", "armscii8_general_ci"),
    ("ascii", "ascii_general_ci"),
    ("big5", "big5_chinese_ci"),
    ("binary", "binary"),
    ("cp1250", "cp1250_general_ci"),
    ("cp1251", "cp1251_general_ci"),
    ("cp1256", "cp1256_general_ci"),
    ("cp1257", "cp1257_general_ci"),
    ("cp850", "cp850_general_ci"),
    ("cp852", "cp852_general_ci"),
    ("cp866", "cp866_general_ci"),
    ("cp932", "cp932_japanese_ci"),
    ("dec8", "dec8_swedish_ci"),
    ("eucjpms", "eucjpms_japanese_ci"),
    ("euckr", "euckr_korean_ci"),
    ("gb18030", "gb18030_chinese_ci"),
    ("gb2312", "gb2312_chinese_ci"),
    ("gbk", "gbk_chinese_ci"),
    ("geostd8", "geostd8_general_ci"),
    ("greek", "greek_general_ci"),
    ("hebrew", "hebrew_general_ci"),
    ("hp8", "hp8_english_ci"),
    ("keybcs2", "keybcs2_general_ci"),
    ("koi8r", "koi8r_general_ci"),
    ("koi8u", "koi8u_general_ci"),
    ("latin1", "latin1_swedish_ci"),
    ("latin2", "latin2_general_ci"),
    ("latin5", "latin5_turkish_ci"),
    ("latin7", "latin7_general_ci"),
    ("macce", "macce_general_ci"),
    ("macroman", "macroman_general_ci"),
    ("sjis", "sjis_japanese_ci"),
    ("swe7", "swe7_swedish_ci"),
    ("tis620", "tis620_thai_ci"),
    ("ucs2", "ucs2_general_ci"),
    ("ujis", "ujis_japanese_ci"),
    ("utf16", "utf16_general_ci"),
    ("utf16le", "utf16le_general_ci"),
    ("utf32", "utf32_general_ci"),
    ("utf8mb3", "utf8mb3_general_ci"),
    ("utf8mb4", "utf8mb4_general_ci"),
];

/// The canonical name of a character set or collation: lower case, `utf8mb3` for `utf8`.
pub fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name,
    }
}

/// The character set that a collation belongs to; both names canonical.
pub fn of_collation(collation: &str) -> &str {
    collation.split('_').next().unwrap_or_default()
}

/// The collation of a character set when none is named, or `None` for an unknown set.
pub fn default_collation(charset: &str) -> Option<&'static str> {
    DEFAULT_COLLATIONS
        .iter()
        .find(|(name, _)| *name == charset)
        .map(|(_, collation)| *collation)
}

/// Completes a character set and collation of which the text may name only one, as a server would.
pub fn complete(
    charset: Option<String>,
    collation: Option<String>,
) -> (Option<String>, Option<String>) {
    let charset = charset.or_else(|| {
        collation
            .as_deref()
            .map(|name| of_collation(name).to_owned())
    });
    let collation = collation.or_else(|| {
        charset
            .as_deref()
            .and_then(default_collation)
            .map(str::to_owned)
    });
    (charset, collation)
}

/// Removes a column's character set and collation where they are those of its table.
pub fn drop_inherited(column: &mut Column, table: &Table) {
    let (charset, collation) = complete(column.charset.take(), column.collation.take());
    column.charset = charset.filter(|_| charset_differs(&collation, table));
    column.collation = collation.filter(|name| table.collation.as_ref() != Some(name));
}

fn charset_differs(collation: &Option<String>, table: &Table) -> bool {
    collation
        .as_deref()
        .is_none_or(|name| table.charset.as_deref() != Some(of_collation(name)))
}

/// Writes into a column what it has inherited, before its table's defaults change.
pub fn keep_inherited(column: &mut Column, table: &Table) {
    if has_charset(&column.data_type) && column.collation.is_none() {
        column.charset = table.charset.clone();
        column.collation = table.collation.clone();
    }
}

/// Whether columns of this canonical type have a character set.
pub fn has_charset(data_type: &str) -> bool {
    let word = data_type.split([' ', '(']).next().unwrap_or_default();
    matches!(
        word,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
    )
}

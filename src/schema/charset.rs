//! Character sets and collations: canonical names, defaults, and what a column inherits.

use super::meaning::family;
use super::model::{Column, Table};

/// Character sets whose default collation is `…_general_ci`, as servers before MySQL 8.0 and MariaDB 11.5 have it.
/// A missing COLLATE in the text of SHOW CREATE means the default collation: newer servers always print the
/// collation of `utf8mb4` and `utf8mb3`.
const GENERAL: &[&str] = &[
    "armscii8", "ascii", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866",
    "geostd8", "greek", "hebrew", "keybcs2", "koi8r", "koi8u", "latin2", "latin7", "macce",
    "macroman", "ucs2", "utf16", "utf16le", "utf32", "utf8mb3", "utf8mb4",
];

/// The other character sets, with the part of the default collation's name after the character set's.
const OF_LANGUAGES: &[(&str, &str)] = &[
    ("big5", "chinese_ci"),
    ("cp932", "japanese_ci"),
    ("dec8", "swedish_ci"),
    ("eucjpms", "japanese_ci"),
    ("euckr", "korean_ci"),
    ("gb18030", "chinese_ci"),
    ("gb2312", "chinese_ci"),
    ("gbk", "chinese_ci"),
    ("hp8", "english_ci"),
    ("latin1", "swedish_ci"),
    ("latin5", "turkish_ci"),
    ("sjis", "japanese_ci"),
    ("swe7", "swedish_ci"),
    ("tis620", "thai_ci"),
    ("ujis", "japanese_ci"),
];

/// The canonical name of a character set or collation: lower case, `utf8mb3` for `utf8`.
pub fn canonical(name: &str) -> String {
    let mut name = name.to_owned();
    name.make_ascii_lowercase();
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
pub fn default_collation(charset: &str) -> Option<String> {
    if charset == "binary" {
        return Some("binary".to_owned());
    }
    if GENERAL.contains(&charset) {
        return Some(format!("{charset}_general_ci"));
    }
    let mut languages = OF_LANGUAGES.iter();
    let (_, rest) = languages.find(|(name, _)| *name == charset)?;
    Some(format!("{charset}_{rest}"))
}

/// Completes a character set and collation of which the text may name only one, as a server would.
pub fn complete(
    charset: Option<String>,
    collation: Option<String>,
) -> (Option<String>, Option<String>) {
    let charset = charset.or_else(|| Some(of_collation(collation.as_deref()?).to_owned()));
    let collation = collation.or_else(|| default_collation(charset.as_deref()?));
    (charset, collation)
}

/// Removes a column's character set and collation where they are those of its table.
pub fn drop_inherited(column: &mut Column, table: &Table) {
    if column.charset.is_none() && column.collation.is_none() {
        return;
    }
    let (charset, collation) = complete(column.charset.take(), column.collation.take());
    column.charset = charset.filter(|_| charset_differs(&collation, table));
    column.collation = collation.filter(|name| table.collation.as_ref() != Some(name));
}

fn charset_differs(collation: &Option<String>, table: &Table) -> bool {
    collation
        .as_deref()
        .is_none_or(|name| table.charset.as_deref() != Some(of_collation(name)))
}

/// Whether columns of this canonical type have a character set.
pub fn has_charset(data_type: &str) -> bool {
    matches!(
        family(data_type),
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set"
    )
}

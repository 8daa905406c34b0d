//! The definition of a column.

use super::quoting::string;
use crate::schema::meaning::family;
use crate::schema::model::{Column, DefaultValue};

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
        if column.stored {
            words.push("STORED".to_owned());
        }
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
pub(super) fn charset_words(charset: &Option<String>, collation: &Option<String>) -> Vec<String> {
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

//! Decides which definitions mean the same although they are spelled differently.

use std::borrow::Cow;

use super::model::{ByName, Column, DefaultValue, ForeignKey, Index, IndexKind, KeyPart, Table};

/// Whether two lists of names of columns, indexes or constraints are equal without letter case, as for servers.
pub(crate) fn same_names(left: &[String], right: &[String]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.eq_ignore_ascii_case(right))
}

/// The first word of a type: `decimal` of `decimal(20,2) unsigned`.
pub(crate) fn family(data_type: &str) -> &str {
    data_type.split([' ', '(']).next().unwrap_or_default()
}

/// Whether a column holds JSON: MariaDB has the type only as a LONGTEXT in `utf8mb4_bin`.
pub(crate) fn is_json(column: &Column, table: &Table) -> bool {
    let collation = || match (&column.charset, &column.collation) {
        (None, None) => table.collation.as_deref(),
        (_, collation) => collation.as_deref(),
    };
    column.data_type == "json"
        || column.data_type == "longtext" && collation() == Some("utf8mb4_bin")
}

/// Whether two defaults give the same value in a column of this type.
pub(super) fn same_default(defaults: [Option<&DefaultValue>; 2], data_type: &str) -> bool {
    use DefaultValue::{Expression, Literal};
    match defaults {
        [Some(Literal(left)), Some(Literal(right))] => {
            default_text(left, data_type) == default_text(right, data_type)
        }
        [Some(Expression(left)), Some(Expression(right))] => same_expression(left, right),
        [left, right] => left == right,
    }
}

/// A constant default in the shortest spelling: numbers without superfluous zeros.
pub(super) fn default_text<'a>(text: &'a str, data_type: &str) -> Cow<'a, str> {
    let is_number = matches!(
        family(data_type),
        "tinyint"
            | "smallint"
            | "mediumint"
            | "int"
            | "bigint"
            | "decimal"
            | "float"
            | "double"
            | "year"
    );
    is_number
        .then(|| shortest_number(text))
        .flatten()
        .map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The number without sign of zero, leading zeros and trailing zeros; `None` when the text
/// is not a plain decimal number.
fn shortest_number(text: &str) -> Option<String> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let is_zero = whole.is_empty() && fraction.is_empty();
    let sign = if negative && !is_zero { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Whether two expressions differ only in blanks, letter case and backquotes outside of
/// strings, and in parentheses around the whole. Servers print what they have parsed.
pub(super) fn same_expression(left: &str, right: &str) -> bool {
    left == right || plain_expression(left) == plain_expression(right)
}

fn plain_expression(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_string = false;
    for character in text.chars() {
        if character == '\'' {
            in_string = !in_string;
        }
        if in_string {
            plain.push(character);
        } else if !character.is_whitespace() && character != '`' {
            plain.push(character.to_ascii_lowercase());
        }
    }
    while let Some(inner) = without_parentheses(&plain) {
        plain = inner.to_owned();
    }
    plain
}

/// The text inside the pair of parentheses that encloses the whole text; `None` if there is none.
fn without_parentheses(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_usize;
    let mut in_string = false;
    for byte in inner.bytes() {
        match byte {
            b'\'' => in_string = !in_string,
            b'(' if !in_string => depth += 1,
            b')' if !in_string => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    Some(inner)
}

/// Whether an index is what a server makes by itself for one of these foreign keys: it has exactly the foreign
/// key's columns, and the name of the constraint (InnoDB) or of the first column (`column`, `column_2` …, as
/// servers name any index without a name).
pub(crate) fn is_server_made(name: &str, index: &Index, foreign_keys: &ByName<ForeignKey>) -> bool {
    foreign_keys.iter().any(|(constraint, key)| {
        is_just_on(index, &key.columns)
            && (name.eq_ignore_ascii_case(constraint)
                || key
                    .columns
                    .first()
                    .is_some_and(|column| is_default_name(name, column)))
    })
}

fn is_default_name(name: &str, column: &str) -> bool {
    let Some((start, end)) = name.split_at_checked(column.len()) else {
        return false;
    };
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    start.eq_ignore_ascii_case(column)
        && (end.is_empty() || end.strip_prefix('_').is_some_and(is_number))
}

/// Whether a plain index has exactly these columns.
pub(crate) fn is_just_on(index: &Index, columns: &[String]) -> bool {
    index.kind == IndexKind::Plain
        && index.parts.len() == columns.len()
        && begins_with(&index.parts, columns)
}

/// Whether the primary key or some index lets a server check a foreign key on these
/// columns: it must begin with them, whole and in this order.
pub(crate) fn serves(table: &Table, columns: &[String]) -> bool {
    let is_tree = |index: &&Index| matches!(index.kind, IndexKind::Plain | IndexKind::Unique);
    begins_with(&table.primary_key, columns)
        || table
            .indexes
            .values()
            .filter(is_tree)
            .any(|index| begins_with(&index.parts, columns))
}

/// Whether a key begins with these columns, whole and in this order.
pub(crate) fn begins_with(parts: &[KeyPart], columns: &[String]) -> bool {
    parts.len() >= columns.len()
        && parts
            .iter()
            .zip(columns)
            .all(|(part, column)| part.length.is_none() && part.column.eq_ignore_ascii_case(column))
}

//! Names and values as statements write them.

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

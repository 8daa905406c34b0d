//! What is shown of a message that nobody knows: the words that the table itself holds, and nothing else, since
//! anything else may be a name or an address.

use std::collections::HashSet;

/// The most characters that are shown.
const LONGEST: usize = 160;
/// The most bytes of a record that are looked at.
const FAR: usize = 2000;

/// The words of a text, in lower case, of two letters or more.
pub(super) fn words(text: &[u8]) -> impl Iterator<Item = String> {
    let parts = text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    let is_word = |part: &&[u8]| part.len() > 1 && part.iter().any(u8::is_ascii_alphabetic);
    parts
        .filter(is_word)
        .map(|part| String::from_utf8_lossy(part).to_ascii_lowercase())
}

/// The text with `…` for everything but words of the vocabulary, classes of CiviCRM and its tables.
pub(super) fn masked(text: &[u8], vocabulary: &HashSet<String>) -> String {
    let text = text.get(..FAR).unwrap_or(text);
    let mut shown = String::new();
    let mut is_hidden = false;
    for part in text.split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_') {
        let word = String::from_utf8_lossy(part);
        let is_known = vocabulary.contains(&word.to_ascii_lowercase()) || is_of_civicrm(&word);
        match is_known && part.len() > 1 {
            _ if part.is_empty() => {}
            true => {
                if !shown.is_empty() {
                    shown.push(' ');
                }
                shown.push_str(&word);
                is_hidden = false;
            }
            false if is_hidden => {}
            false => {
                shown.push_str(if shown.is_empty() { "…" } else { " …" });
                is_hidden = true;
            }
        }
        if shown.chars().count() > LONGEST {
            break;
        }
    }
    shown
}

/// Whether a word is the name of a class or a table of CiviCRM. Custom tables are named after what people typed.
fn is_of_civicrm(word: &str) -> bool {
    let is_plain = |rest: &str| {
        rest.bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
    };
    let class = word.strip_prefix("CRM_");
    let table = word.strip_prefix("civicrm_");
    let table = table.filter(|rest| !rest.starts_with("value_"));
    word.len() <= 64 && class.or(table).is_some_and(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_are_shown() {
        let vocabulary = words(b"The upgrade failed for this table").collect();
        let text = b"[error] Upgrade of jane@example.org failed: CRM_Core_Error, civicrm_email, civicrm_value_jane_1";
        assert_eq!(
            masked(text, &vocabulary),
            "… Upgrade … failed CRM_Core_Error civicrm_email …"
        );
    }
}

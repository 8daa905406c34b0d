//! When a server takes two texts for equal.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How text is compared in a unique key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collation {
    weights: Weights,
    /// Whether blanks at the end of a text are ignored, as in collations with the attribute PAD
    /// SPACE.
    pads: bool,
}

/// What a comparison of two texts takes into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weights {
    /// Texts are equal when all their bytes are.
    Binary,
    /// ASCII letters are equal without regard to case; which other characters are equal is not
    /// known.
    Ascii,
    /// Texts are compared as `utf8mb4_general_ci` does.
    General,
    /// Texts are compared as `utf8mb4_unicode_ci` does, the collation that CiviCRM creates its
    /// tables with.
    Unicode,
}

/// Characters, each with the text that it is compared as; the text is empty for a character that is
/// ignored.
type Table = HashMap<char, String>;

static GENERAL: LazyLock<Table> = LazyLock::new(|| table(include_str!("general_ci.tsv")));
static UNICODE: LazyLock<Table> = LazyLock::new(|| table(include_str!("unicode_ci.tsv")));

/// What every character above U+FFFF is compared as, in both collations.
const BEYOND: char = '\u{FFFD}';

impl Collation {
    /// The collation of this name, or the default one of a character set.
    pub fn named(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let weights = match name.as_str() {
            "utf8mb4" | "utf8mb3" | "utf8" => Weights::Ascii,
            name if name.ends_with("_bin") || name.ends_with("_cs") || name == "binary" => {
                Weights::Binary
            }
            name if name.starts_with("utf8") && name.ends_with("_unicode_ci") => Weights::Unicode,
            name if name.starts_with("utf8") && name.ends_with("_general_ci") => Weights::General,
            _ => Weights::Ascii,
        };
        Self {
            weights,
            // Those of MySQL 8 do not pad; all others of MySQL and MariaDB do unless they say so.
            pads: !name.contains("_0900_") && !name.contains("nopad") && name != "binary",
        }
    }

    /// Whether [`Collation::fold`] gives the same result for every text that a server takes for
    /// equal to this one.
    pub fn is_sure_of(self, text: &[u8]) -> bool {
        self.weights != Weights::Ascii || text.is_ascii()
    }

    /// Appends the folded form of a text to `folded`: texts that are equal in the collation have the same one. In
    /// a collation that is not known here, texts that a server takes for equal may have different forms; texts
    /// that differ never share one.
    pub fn fold_into(self, text: &[u8], folded: &mut Vec<u8>) {
        let start = folded.len();
        folded.extend_from_slice(text);
        let added = folded.get_mut(start..).unwrap_or_default();
        // Printable ASCII is the same in all of them.
        let is_simple = added.iter().all(|byte| (b' '..0x7F).contains(byte));
        match (self.weights, std::str::from_utf8(text)) {
            (Weights::Binary, _) => {}
            (Weights::General, Ok(text)) if !is_simple => {
                folded.truncate(start);
                through(&GENERAL, text, folded);
            }
            (Weights::Unicode, Ok(text)) if !is_simple => {
                folded.truncate(start);
                through(&UNICODE, text, folded);
            }
            _ => added.make_ascii_lowercase(),
        }
        if self.pads {
            let added = folded.get(start..).unwrap_or_default();
            let blanks = added.iter().rev().take_while(|byte| **byte == b' ').count();
            folded.truncate(folded.len() - blanks);
        }
    }
}

fn through(table: &Table, text: &str, folded: &mut Vec<u8>) {
    let mut put = |character: char| {
        folded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    };
    for character in text.chars() {
        match table.get(&character) {
            Some(other) => other.chars().for_each(&mut put),
            None if character > '\u{FFFF}' => put(BEYOND),
            None => put(character),
        }
    }
}

/// Reads a table: each line is a text and, behind a tab, the characters and ranges that are
/// compared as that text.
fn table(lines: &str) -> Table {
    let character = |hex: &str| char::from_u32(u32::from_str_radix(hex, 16).ok()?);
    let mut table = Table::new();
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let Some((counts, others)) = line.split_once('\t') else {
            continue;
        };
        let counts: String = counts.split(' ').filter_map(character).collect();
        for others in others.split(' ') {
            let (first, last) = others.split_once('-').unwrap_or((others, others));
            if let (Some(first), Some(last)) = (character(first), character(last)) {
                table.extend((first..=last).map(|other| (other, counts.clone())));
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(collation: Collation, text: &[u8]) -> Vec<u8> {
        let mut folded = Vec::new();
        collation.fold_into(text, &mut folded);
        folded
    }

    #[test]
    fn what_a_server_takes_for_equal_folds_alike() {
        let equal = |collation: &str, one: &str, other: &str| {
            let collation = Collation::named(collation);
            fold(collation, one.as_bytes()) == fold(collation, other.as_bytes())
        };
        for collation in ["utf8mb4_unicode_ci", "utf8mb3_general_ci"] {
            for (one, other, are) in [
                ("Straße", "STRASE", collation.contains("general")),
                ("Straße", "strasse", collation.contains("unicode")),
                ("Élodie ", "elodie", true),
                ("😀", "😁", true),
                ("李", "王", false),
                ("a", "b", false),
                ("Ж", "ж", true),
            ] {
                assert_eq!(
                    equal(collation, one, other),
                    are,
                    "{collation} {one} {other}"
                );
            }
        }
        assert!(!equal("utf8mb4_bin", "A", "a"));
        assert!(equal("utf8mb4_bin", "a", "a "));
        assert!(!equal("utf8mb4_0900_ai_ci", "a", "a "));
        assert!(equal("utf8mb4_0900_ai_ci", "A", "a"));
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let collation = Collation::named("utf8mb4_unicode_ci");
        assert_eq!(fold(collation, b"A\xff "), b"a\xff");
    }
}

//! Patterns of messages: their fixed words, with gaps for what differs.

use memchr::memmem;

use super::names::{NameOf, Names};
use super::text::plain;

/// The most bytes that a gap may hold.
const WIDEST_GAP: usize = 300;
/// How often the first words of a pattern are looked for in one record.
const MOST_TRIES: usize = 16;

/// A pattern: texts in their order, with gaps between them.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    /// How many bytes its texts have together: of two patterns that fit the same words, the longer one counts.
    pub(super) length: usize,
}

/// A text in lower case, and what stands in the gap before it.
#[derive(Clone, Debug)]
struct Piece {
    gap: Option<NameOf>,
    text: Vec<u8>,
}

/// Where a pattern fits, and the names in its gaps.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) names: Names,
}

impl Pattern {
    /// Reads a pattern. `{}` or `{word}` is a gap; `{table}`, `{parent}`, `{column}` and `{key}` keep the name in it.
    /// `None` where there is no text, or one begins with a gap.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut gap = None;
        let mut rest = text;
        loop {
            let (fixed, behind) = match rest.split_once('{') {
                Some((fixed, behind)) => (fixed, Some(behind)),
                None => (rest, None),
            };
            let text = plain(fixed.as_bytes()).to_ascii_lowercase();
            pieces.push(Piece { gap, text });
            let Some(behind) = behind else { break };
            let (word, after) = behind.split_once('}')?;
            gap = match word {
                "table" | "parent" => Some(NameOf::Table),
                "column" => Some(NameOf::Column),
                "key" => Some(NameOf::Key),
                _ => None,
            };
            rest = after;
        }
        let length = pieces.iter().map(|piece| piece.text.len()).sum();
        let begins = pieces.first().is_some_and(|first| !first.text.is_empty());
        begins.then_some(Self { pieces, length })
    }

    /// Its longest text, which is looked for first.
    pub(super) fn anchor(&self) -> &[u8] {
        let texts = self.pieces.iter().map(|piece| piece.text.as_slice());
        texts.max_by_key(|text| text.len()).unwrap_or_default()
    }

    /// The first place where it fits. `plain` is the text as [`plain`] gives it, and `lower` the same in lower case.
    pub(super) fn find(&self, lower: &[u8], plain: &[u8]) -> Option<Fit> {
        let first = self.pieces.first()?;
        let starts = memmem::find_iter(lower, &first.text);
        starts.take(MOST_TRIES).find_map(|start| {
            let mut end = start + first.text.len();
            let mut names = Names::default();
            for piece in self.pieces.iter().skip(1) {
                let behind = lower.get(end..)?;
                let width = match piece.text.is_empty() {
                    // A gap at the end is one word.
                    true => word(behind),
                    false => {
                        let window = behind.len().min(WIDEST_GAP + piece.text.len());
                        memmem::find(behind.get(..window)?, &piece.text)?
                    }
                };
                if let Some(of) = piece.gap {
                    let name = plain.get(end..end + width)?;
                    names.add(of, &String::from_utf8_lossy(name));
                }
                end += width + piece.text.len();
            }
            Some(Fit { start, end, names })
        })
    }
}

/// How long the name is with which a text begins.
fn word(text: &[u8]) -> usize {
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.$'".contains(byte);
    text.iter().take_while(is_of_name).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pattern: &str, text: &str) -> Option<String> {
        let text = plain(text.as_bytes());
        let pattern = Pattern::parse(pattern).unwrap();
        let fit = pattern.find(&text.to_ascii_lowercase(), &text);
        fit.map(|fit| fit.names.describe())
    }

    #[test]
    fn gaps_keep_names_and_nothing_else() {
        let pattern = "Duplicate entry '{value}' for key '{}.{key}'";
        let text = "Duplicate entry 'jane@example.org' for key 'civicrm_uf_match.UI_uf_name'";
        assert_eq!(names(pattern, text).as_deref(), Some("UI_uf_name"));
        assert_eq!(names(pattern, "Duplicate entry"), None);
        assert_eq!(
            names("no such table {table}", "no such table: x").as_deref(),
            None
        );
        let found = names("no such table {table}", "NO such table db.civicrm_x, sorry");
        assert_eq!(found.as_deref(), Some("table civicrm_x"));
    }

    #[test]
    fn a_gap_is_not_wider_than_a_message() {
        let far = format!("Duplicate entry '{}' for key 'x'", "a".repeat(400));
        assert_eq!(names("Duplicate entry '{}' for key '{key}'", &far), None);
    }

    #[test]
    fn a_pattern_begins_with_words() {
        assert!(Pattern::parse("{table} is missing").is_none());
        assert!(Pattern::parse("").is_none());
        assert!(Pattern::parse("Table '{table").is_none());
    }
}

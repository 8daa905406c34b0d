//! Finds the entries of the table in a record of a log, or in a message that somebody gives.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;

use super::envelope::{self, MARKS, numbers};
use super::mask::masked;
use super::names::Names;
use super::nearest::Index;
use super::pattern::{Fit, Pattern};
use super::statement;
use super::table::{Message, TableError, messages};
use super::text::plain;

/// Words that say that a record is about an error, whether or not anybody knows it.
const ERRORS: [&str; 14] = [
    "[error]",
    "[critical]",
    "[alert]",
    "[emergency]",
    "fatal error",
    "db error:",
    "uncaught ",
    "exception: ",
    "mysqldump: error",
    "mysqldump: got error",
    "mysqldump: couldn't",
    "mariadb-dump: error",
    "mariadb-dump: got error",
    "mariadb-dump: couldn't",
];

/// The table, ready to be looked for.
#[derive(Debug)]
pub struct Recogniser {
    messages: Vec<Message>,
    /// The patterns of all entries, each with the position of its entry.
    patterns: Vec<(usize, Pattern)>,
    /// The anchors of the patterns in their order, then [`MARKS`], then [`ERRORS`].
    search: AhoCorasick,
    index: Index,
    vocabulary: HashSet<String>,
}

/// What a record says.
#[derive(Clone, Debug, Default)]
pub struct Recognised {
    /// The entries that it fits, each once.
    pub found: Vec<Found>,
    /// What nobody knows: set where the record is about an error and fits no entry.
    pub unknown: Option<Unknown>,
}

/// An entry that a record fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The position of the entry.
    pub message: usize,
    /// The names in the message and in its statement.
    pub names: Names,
    /// The first words of the statement that failed.
    pub operation: Option<&'static str>,
}

/// A message that fits no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// Its words as far as they may be shown.
    pub text: String,
    /// The number of the server's error, where it has one.
    pub number: Option<u32>,
}

impl Recogniser {
    /// The table that is part of the program.
    ///
    /// # Errors
    /// The table is not of its form, which a test rules out.
    pub fn embedded() -> Result<Self, TableError> {
        let messages = messages()?;
        let mut patterns = Vec::new();
        for (at, message) in messages.iter().enumerate() {
            let read = message.read_patterns()?;
            patterns.extend(read.into_iter().map(|pattern| (at, pattern)));
        }
        let anchors = patterns.iter().map(|(_, pattern)| pattern.anchor());
        let marks = MARKS.iter().chain(&ERRORS).map(|mark| mark.as_bytes());
        let search = AhoCorasick::new(anchors.chain(marks))?;
        let index = Index::of(&messages);
        Ok(Self {
            patterns,
            search,
            vocabulary: index.vocabulary(),
            index,
            messages,
        })
    }

    /// All entries.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The entry at a position that [`Found`] or [`Recogniser::nearest`] names.
    pub fn message(&self, at: usize) -> Option<&Message> {
        self.messages.get(at)
    }

    /// The entries that a record fits. With `is_message` the text is a message that somebody gives, which is unknown
    /// where it fits none; a record of a log that fits none is so only where it is about an error.
    pub fn recognise(&self, record: &[u8], is_message: bool) -> Recognised {
        let plain = plain(record);
        let lower = plain.to_ascii_lowercase();
        let mut candidates: Vec<usize> = Vec::new();
        let (mut has_mark, mut is_error) = (false, is_message);
        for hit in self.search.find_overlapping_iter(&lower) {
            let at = hit.pattern().as_usize();
            if at >= self.patterns.len() + MARKS.len() {
                is_error = true;
            } else if at >= self.patterns.len() {
                has_mark = true;
            } else if !candidates.contains(&at) {
                candidates.push(at);
            }
        }
        // What people call a trouble is looked for in what they type: a log may hold the same words for no reason.
        candidates.retain(|at| is_message || !self.is_of_people(*at));
        let mut found = self.fitting(&candidates, &lower, &plain);
        let numbers = match has_mark {
            true => numbers(&lower),
            false => Vec::new(),
        };
        let unknown_number = self.by_number(&numbers, &mut found);
        if unknown_number.is_none() {
            self.drop_wrappers(&mut found);
            if !found.is_empty() {
                self.add_statement(record, &mut found);
                return Recognised {
                    found,
                    unknown: None,
                };
            }
            if !is_error && numbers.is_empty() {
                return Recognised::default();
            }
        }
        Recognised {
            found: Vec::new(),
            unknown: Some(Unknown {
                text: masked(&plain, &self.vocabulary),
                number: unknown_number,
            }),
        }
    }

    /// The entries that are most like a text, the nearest first.
    pub fn nearest(&self, text: &[u8]) -> Vec<usize> {
        self.index.nearest(text)
    }

    /// Whether a pattern holds the words of people, and not those of a program.
    fn is_of_people(&self, pattern: usize) -> bool {
        let entry = self.patterns.get(pattern);
        let message = entry.and_then(|(message, _)| self.message(*message));
        message.is_some_and(|message| message.by == "people")
    }

    /// The entries of the patterns that fit. Of patterns that fit the same words, the longest counts.
    fn fitting(&self, candidates: &[usize], lower: &[u8], plain: &[u8]) -> Vec<Found> {
        let mut fits: Vec<(usize, usize, Fit)> = Vec::new();
        for &at in candidates {
            if let Some((message, pattern)) = self.patterns.get(at)
                && let Some(fit) = pattern.find(lower, plain)
            {
                fits.push((pattern.length, *message, fit));
            }
        }
        fits.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut taken: Vec<(usize, usize)> = Vec::new();
        let mut found: Vec<Found> = Vec::new();
        for (_, message, fit) in fits {
            let overlaps = |(start, end): &(usize, usize)| fit.start < *end && *start < fit.end;
            if taken.iter().any(overlaps) {
                continue;
            }
            taken.push((fit.start, fit.end));
            if found.iter().any(|found| found.message == message) {
                continue;
            }
            found.push(Found {
                message,
                names: fit.names,
                operation: None,
            });
        }
        found
    }

    /// Adds the entries of numbers, where no words were recognised but those of a wrapper: the server may speak another
    /// language. Gives a number that no entry has.
    fn by_number(&self, numbers: &[u32], found: &mut Vec<Found>) -> Option<u32> {
        let is_plain = |found: &Found| {
            let message = self.message(found.message);
            message.is_some_and(|message| !message.wrapper)
        };
        if found.iter().any(is_plain) {
            return None;
        }
        let mut unknown = None;
        for number in numbers {
            let mut has_entry = false;
            for (at, message) in self.messages.iter().enumerate() {
                if message.codes.contains(number) {
                    has_entry = true;
                    if found.iter().all(|found| found.message != at) {
                        found.push(Found {
                            message: at,
                            names: Names::default(),
                            operation: None,
                        });
                    }
                    break;
                }
            }
            if !has_entry {
                unknown = unknown.or(Some(*number));
            }
        }
        unknown.filter(|_| !found.iter().any(is_plain))
    }

    /// Leaves out what only wraps a message that is there as well.
    fn drop_wrappers(&self, found: &mut Vec<Found>) {
        let is_wrapper = |found: &Found| {
            let message = self.message(found.message);
            message.is_some_and(|message| message.wrapper)
        };
        if found.iter().any(|found| !is_wrapper(found)) {
            found.retain(|found| !is_wrapper(found));
        } else {
            // One wrapper in another says the same twice: the first is the most exact one.
            found.truncate(1);
        }
    }

    /// Adds the names in the statement that failed: its tables, and what the message itself does not name.
    fn add_statement(&self, record: &[u8], found: &mut [Found]) {
        let Some(statement) = envelope::statement(record) else {
            return;
        };
        let read = statement::read(statement);
        for found in found {
            let mut names = read.names.clone();
            if !found.names.columns.is_empty() || !found.names.keys.is_empty() {
                names.columns.clear();
                names.keys.clear();
            }
            found.names.take(names);
            found.operation = read.operation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_record_is_read_to_its_end() {
        let recogniser = Recogniser::embedded().unwrap();
        let seed = b"[debug_info] => ALTER TABLE `a` DROP KEY 'b' [nativecode=1091 ** Can't DROP 'b'; check that \
            column/key exists] SQLSTATE[42000]: x: 1452 (`a`.`b`, CONSTRAINT `c` FOREIGN KEY (`d`) &#039;\xe2\x80\x98\\'";
        let mut state = 1_u64;
        for _ in 0..4000 {
            let mut text = seed.to_vec();
            for _ in 0..4 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = (state >> 33) as usize % text.len();
                text[at] = (state >> 20) as u8;
            }
            text.truncate((state >> 40) as usize % text.len());
            recogniser.recognise(&text, state & 1 == 0);
        }
    }

    #[test]
    fn what_people_call_a_trouble_is_not_looked_for_in_logs() {
        let recogniser = Recogniser::embedded().unwrap();
        let text = b"Mar 03 10:20:30  [info] CIVICRM_DSN was read";
        assert!(recogniser.recognise(text, false).found.is_empty());
        assert_eq!(recogniser.recognise(text, true).found.len(), 1);
    }
}

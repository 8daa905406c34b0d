//! Counts the messages of a log.

use indexmap::IndexMap;

use super::names::Names;
use super::recognise::{Recogniser, Unknown};
use super::records::Record;

/// The most cases of one entry that are told apart.
const MOST_CASES: usize = 20;
/// The most unknown messages that are told apart.
const MOST_UNKNOWN: usize = 50;

/// The messages of a log, each with how often and where it stands.
#[derive(Debug, Default)]
pub struct Tally {
    /// By the position of the entry, in the order in which they were seen.
    pub explained: IndexMap<usize, Explained>,
    /// Messages that fit no entry.
    pub unknown: IndexMap<Unknown, Seen>,
    /// How many more unknown messages there were.
    pub unknown_left_out: u64,
}

/// How often something was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The number of records.
    pub count: u64,
    /// The line of the first one, from 1.
    pub first_line: u64,
    /// Of an unknown message, the entries that are most like it.
    pub nearest: Vec<usize>,
}

/// An entry that was seen.
#[derive(Clone, Debug, Default)]
pub struct Explained {
    /// The number of records.
    pub count: u64,
    /// The line of the first one, from 1.
    pub first_line: u64,
    /// By the names in the message.
    pub cases: IndexMap<Names, Case>,
    /// How many records name something else than the cases that are kept.
    pub cases_left_out: u64,
}

/// Records with the same entry and the same names.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The number of records.
    pub count: u64,
    /// The line of the first one, from 1.
    pub first_line: u64,
    /// The first words of the statement that failed.
    pub operation: Option<&'static str>,
}

impl Tally {
    /// Adds a record. With `is_message` it is a message that somebody gives; see [`Recogniser::recognise`].
    pub fn add(&mut self, recogniser: &Recogniser, record: Record, is_message: bool) {
        let line = record.line;
        let recognised = recogniser.recognise(record.text, is_message);
        for found in recognised.found {
            let explained = self.explained.entry(found.message).or_default();
            count(&mut explained.count, &mut explained.first_line, line);
            let has_room = explained.cases.len() < MOST_CASES;
            if has_room || explained.cases.contains_key(&found.names) {
                let case = explained.cases.entry(found.names).or_default();
                count(&mut case.count, &mut case.first_line, line);
                case.operation = case.operation.or(found.operation);
            } else {
                explained.cases_left_out += 1;
            }
        }
        let Some(unknown) = recognised.unknown else {
            return;
        };
        if self.unknown.len() >= MOST_UNKNOWN && !self.unknown.contains_key(&unknown) {
            self.unknown_left_out += 1;
            return;
        }
        let seen = self.unknown.entry(unknown).or_default();
        if seen.count == 0 {
            seen.nearest = recogniser.nearest(record.text);
        }
        count(&mut seen.count, &mut seen.first_line, line);
    }
}

fn count(count: &mut u64, first_line: &mut u64, line: u64) {
    if *count == 0 {
        *first_line = line;
    }
    *count += 1;
}

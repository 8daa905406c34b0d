//! What was done with a dump.

use indexmap::IndexMap;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::edit::Subject;

/// Most rewrites of which each is told; more are only counted.
const MAX_TOLD: usize = 10_000;

/// Most characters that are told of what stood in the dump, and of what stands there now.
const MAX_SHOWN: usize = 120;

/// One replacement in a dump, or a statement that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Rewrite {
    /// The line of the dump, from 1.
    pub line: u64,
    /// What it is about.
    pub subject: Subject,
    /// What stood there; empty where something was added.
    pub from: String,
    /// What stands there now; empty where something was taken out.
    pub to: String,
}

impl Rewrite {
    /// A rewrite at a line. Long texts are cut short.
    pub(super) fn new(line: u64, subject: Subject, from: &[u8], to: &str) -> Self {
        Self {
            line,
            subject,
            from: shown(&String::from_utf8_lossy(
                from.get(..4 * MAX_SHOWN).unwrap_or(from),
            )),
            to: shown(to),
        }
    }
}

/// A text on one line, cut short where it is long.
fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// A list of which only the first are kept.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The first of them.
    pub list: Vec<Rewrite>,
    /// How many more there were.
    pub more: u64,
}

impl Told {
    pub(super) fn push(&mut self, rewrite: Rewrite) {
        match self.list.len() < MAX_TOLD {
            true => self.list.push(rewrite),
            false => self.more += 1,
        }
    }
}

/// What was done with a dump.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was replaced, taken out or added.
    pub rewrites: Told,
    /// Statements that were left out because nothing says which table they are about.
    pub unplaced: Told,
    /// Number of statements that were left out by choice, those with rows not among them.
    pub left_out: u64,
    /// Number of rows that were taken.
    pub rows: u64,
    /// Rows that were taken, by table; empty where all of the dump is taken as it is.
    pub rows_taken: IndexMap<String, u64>,
    /// Rows that were left out, by table.
    pub rows_left_out: IndexMap<String, u64>,
    /// Bytes of text that were written.
    pub bytes: u64,
}

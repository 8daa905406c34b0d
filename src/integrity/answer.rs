//! What is found for the questions, and how it is asked for.

use std::path::PathBuf;

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

/// What was found for one question. A question for which nothing was found has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The index of the question among [`Questions::list`](super::question::Questions::list).
    pub question: usize,
    /// The table that these rows name, for a reference that is not a foreign key.
    pub names: Option<String>,
    /// The number of offending rows; `None` where a stream could not be read again to count them.
    pub rows: Option<u64>,
    /// The number of different values of the offending rows, or of groups of equal rows, where they
    /// were counted.
    pub values: Option<u64>,
    /// The first offending rows in the order of their keys.
    pub samples: Vec<Sample>,
    /// The file that the offending rows were written to.
    pub file: Option<PathBuf>,
}

/// One offending row, or several that are equal. It holds keys and ids only, no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Sample {
    /// The primary key of the row, or of each row that is equal; the columns of a key are separated
    /// by commas.
    pub keys: Vec<String>,
    /// The offending value where it is a number or a date.
    pub value: Option<String>,
}

/// The most primary keys of equal rows that one sample holds.
pub const MAX_KEYS: usize = 5;

/// The answers to the questions about one source.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// What was found, ordered by question and then by the table that the rows name.
    pub list: Vec<Answer>,
    /// The questions that could not be answered.
    pub not_answered: Vec<NotAnswered>,
    /// How it went.
    pub statistics: Statistics,
}

/// A question that could not be answered.
#[derive(Clone, Debug)]
pub struct NotAnswered {
    /// The index of the question among [`Questions::list`](super::question::Questions::list).
    pub question: usize,
    /// Why the question could not be answered.
    pub why: String,
}

/// What it took to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Statistics {
    /// Questions asked.
    pub questions: usize,
    /// Foreign keys among them.
    pub foreign_keys: usize,
    /// How often a dump was read; `None` of a server.
    pub passes: Option<u32>,
    /// Bytes that ids and keys took in memory; `None` of a server.
    pub memory: Option<u64>,
    /// Statements sent to a server; `None` of a dump.
    pub statements: Option<u64>,
}

/// What the user wants to see of the offending rows.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// Rows to show of each finding.
    pub samples: usize,
    /// The folder to write all of them to.
    pub export: Option<PathBuf>,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            samples: 3,
            export: None,
        }
    }
}

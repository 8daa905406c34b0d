//! What a report comes to: computed once, for the first line, the JSON and the exit code.

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// What a report comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that the command promises was looked at, and nothing that counts was found.
    Pass,
    /// Something that counts was found, or is left to do.
    Fail,
    /// Nothing wrong was found, but part of what the command promises could not be looked at.
    Incomplete,
}

impl Verdict {
    /// The word at the head of a report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Incomplete => "INCOMPLETE",
        }
    }

    /// The exit code that says so.
    pub fn exit(self) -> Exit {
        match self {
            Self::Pass => Exit::Fine,
            Self::Fail => Exit::Findings,
            Self::Incomplete => Exit::Incomplete,
        }
    }
}

//! The exit codes of the program, all in one place.

use std::process::ExitCode;

/// How a command ends. The numbers are part of the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing wrong; notes, and without `--strict` warnings, do not count.
    Fine = 0,
    /// 1: there are findings that count.
    Findings = 1,
    /// 2: the command could not do its work: a source that cannot be read, no connection,
    /// bad arguments.
    Failure = 2,
    /// 3: nothing wrong was found, but part of what the command promises could not be looked at.
    Incomplete = 3,
}

impl Exit {
    /// The more serious of two results: a failure, then findings, then incomplete, then fine.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Fine => 0,
            Self::Incomplete => 1,
            Self::Findings => 2,
            Self::Failure => 3,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

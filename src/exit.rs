//! The exit codes of the program, once. The numbers are part of the contract with scripts.

use std::process::ExitCode;

/// How a command ends. The numbers are part of the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: nothing wrong; notes, and without `--strict` warnings, do not count.
    Fine = 0,
    /// 1: there are findings that count.
    Findings = 1,
    /// 2: the command could not do its work: a source that cannot be read, no connection,
    /// bad arguments.
    Failure = 2,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

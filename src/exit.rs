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

/// The states of a plugin of Nagios and those like it. The numbers are those of the Monitoring Plugins Development
/// Guidelines; where several sources have several states, the last here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginState {
    /// 0: nothing wrong.
    Ok,
    /// 3: a source could not be read, or not as a whole.
    Unknown,
    /// 1: warnings.
    Warning,
    /// 2: a source fails.
    Critical,
}

impl PluginState {
    /// The word at the head of the line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }

    /// The exit code with the number of the state. Only the number counts for a plugin: that of CRITICAL is otherwise
    /// the one of a failure.
    pub fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Fine,
            Self::Warning => Exit::Findings,
            Self::Critical => Exit::Failure,
            Self::Unknown => Exit::Incomplete,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

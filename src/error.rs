//! Errors of a command, and the exit codes.

use std::io;
use std::process::ExitCode;

use crate::civicrm::catalogue::CatalogueError;
use crate::source::SourceError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The reference catalogue could not be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The command is about CiviCRM, and there is none.
    #[error("{name}: there are no CiviCRM tables in it")]
    NoCivicrm {
        /// The source.
        name: String,
    },
    /// The report could not be written.
    #[error("cannot write the report{}: {error}", .path.as_ref().map(|path| format!(" to {path}")).unwrap_or_default())]
    Output {
        /// The file, unless it is standard output.
        path: Option<String>,
        /// What the system says.
        error: io::Error,
    },
}

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

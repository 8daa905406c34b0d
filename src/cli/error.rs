//! Why a command could not do its work.

use std::io;

use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::civicrm::catalogue::{Catalogue, CatalogueError, State};
use crate::civicrm::own_references::OwnReferenceError;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::steps::StepError;
use crate::extract::ExtractError;
use crate::fleet::baseline::BaselineError;
use crate::fleet::state::StateError;
use crate::messages::table::TableError;
use crate::rehearse::RehearseError;
use crate::rollback::BesideError;
use crate::rollback::fresh::FreshError;
use crate::row_file::RowFileError;
use crate::server::error::ServerError;
use crate::source::SourceError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A source could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The source to compare with could not be read.
    #[error(transparent)]
    OtherSource(SourceError),
    /// The reference catalogue could not be read.
    #[error(transparent)]
    Catalogue(#[from] &'static CatalogueError),
    /// A source or a file, named without a password, is not what the command needs, for this reason.
    #[error("{0}: {1}")]
    Unfit(String, String),
    /// The steps that are part of the program could not be read.
    #[error(transparent)]
    Steps(#[from] StepError),
    /// The table of messages that is part of the program could not be read.
    #[error(transparent)]
    Messages(#[from] TableError),
    /// A reference of the user's own could not be read or kept.
    #[error(transparent)]
    OwnReference(#[from] OwnReferenceError),
    /// The name is neither that of a reference nor a known release.
    #[error(
        "'{0}' is neither the name of a reference nor a known release; `cividb reference list` shows all"
    )]
    UnknownReference(String),
    /// The command of this name cannot print this format; what it can print, as a clause.
    #[error("{0} cannot print --format {1}; {2}")]
    NoFormat(&'static str, String, &'static str),
    /// The report would overwrite the source that it is about.
    #[error("--output {0} is one of the sources: the report would overwrite it")]
    OutputIsSource(String),
    /// The report could not be written.
    #[error("cannot write the report{}: {error}", .path.as_ref().map(|path| format!(" to {path}")).unwrap_or_default())]
    Output {
        /// The path of the file; `None` for standard output.
        path: Option<String>,
        /// The error that the operating system gives.
        error: io::Error,
    },
    /// The catalogue has no such release; the text says which it has.
    #[error("{0}")]
    UnknownRelease(String),
    /// A server could not be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A change was not made, or not taken back.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A dump could not be rehearsed.
    #[error(transparent)]
    Rehearse(#[from] RehearseError),
    /// A backup could not be made ready beside a site.
    #[error(transparent)]
    Beside(#[from] BesideError),
    /// What goes could not be backed up before.
    #[error(transparent)]
    Fresh(#[from] FreshError),
    /// A part could not be taken out of a dump, named first.
    #[error("{0}: {1}")]
    Extract(String, ExtractError),
    /// The result of an extraction could not be written.
    #[error("cannot write {}: {error}", .path.as_deref().unwrap_or("to standard output"))]
    Result {
        /// The path of the file; `None` for standard output.
        path: Option<String>,
        /// The error that the operating system gives.
        error: io::Error,
    },
    /// Offending rows could not be written to a file.
    #[error(transparent)]
    Export(#[from] RowFileError),
    /// Rows were to be exported from standard input, which cannot be read a second time.
    #[error(
        "--export needs a source that can be read twice, which standard input cannot; name the file"
    )]
    ExportOfStream,
    /// Offending rows of several sources were to be exported: their files would have the same names.
    #[error("--export takes one source")]
    ExportOfMany,
    /// Several sources were to be changed.
    #[error("--apply takes one source")]
    ChangeOfMany,
    /// Differences of several sources were to be printed as text.
    #[error("--sql and --unified take one source")]
    TextOfMany,
    /// All dumps are older than the user wants; how many they are.
    #[error("nothing to look at: {0}, all last written to before --since")]
    AllOld(String),
    /// A run cannot go on where an earlier one ended.
    #[error(transparent)]
    State(#[from] StateError),
    /// An earlier run cannot be compared with.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// The user could not be asked to confirm a change, without a terminal.
    #[error("nothing was changed: there is no terminal to ask on; --yes answers beforehand")]
    NotConfirmed,
    /// The user did not confirm a change.
    #[error("nothing was changed")]
    Declined,
    /// The arguments do not name a source.
    #[error(
        "name a source: a dump, mysql://user@host/database, a civicrm.settings.php or a site's folder; or \
         say where the server is with --host, --socket, an option file or CIVICRM_DSN"
    )]
    NoSource,
    /// `--format` was given for SQL or a unified diff, which have one format only.
    #[error("--sql and --unified print text; leave --format out")]
    TextOnly,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Change(refusal.into())
    }
}

impl Error {
    /// The id of the reason, where the command was refused; `None` where something failed.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Change(error) => error.refusal(),
            Self::Beside(BesideError::Refused(refusal)) => Some(refusal.id()),
            _ => None,
        }
    }

    /// The error for a release of which the catalogue has no schema.
    pub(crate) fn unknown_release(release: &Version, catalogue: &Catalogue) -> Self {
        let name = |state: Option<&State>| state.map(|s| s.name.clone()).unwrap_or_default();
        Self::UnknownRelease(format!(
            "the schema of CiviCRM {release} is not known, only those of {} to {}",
            name(catalogue.states().first()),
            name(catalogue.states().last())
        ))
    }

    /// The error for a source that has no CiviCRM tables, where the command is about CiviCRM.
    pub(crate) fn no_civicrm(name: String) -> Self {
        Self::Unfit(name, "there are no CiviCRM tables in it".to_owned())
    }

    /// The error for a source whose release could not be told.
    pub(crate) fn no_release(name: &str) -> Self {
        let why = "too few tables of CiviCRM to tell the release; name it with --release, or another source with --against";
        Self::Unfit(name.to_owned(), why.to_owned())
    }
}

//! Why a command could not do its work.

use std::io;

use crate::change::error::ChangeError;
use crate::civicrm::catalogue::{Catalogue, CatalogueError, State};
use crate::civicrm::own_references::{OwnReferenceError, listed};
use crate::civicrm::release::Version;
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
    Catalogue(#[from] CatalogueError),
    /// The source, named without a password, has no CiviCRM tables, and the command is about CiviCRM.
    #[error("{0}: there are no CiviCRM tables in it")]
    NoCivicrm(String),
    /// A reference of the user's own could not be read or kept.
    #[error(transparent)]
    OwnReference(#[from] OwnReferenceError),
    /// The name is neither that of a reference nor a known release.
    #[error(
        "'{0}' is neither the name of a reference nor a known release; `cividb reference list` shows all"
    )]
    UnknownReference(String),
    /// A source is not complete, so that a reference cannot be made of it.
    #[error("{from}: {}", listed(.problems))]
    NotWhole {
        /// The name of the source, without a password.
        from: String,
        /// What is wrong with the source, with the places in a dump.
        problems: Vec<String>,
    },
    /// The command cannot print in the format that was asked for.
    #[error("{command} cannot print --format {format}; {instead}")]
    Format {
        /// The value of `--format`.
        format: &'static str,
        /// The name of the command.
        command: &'static str,
        /// What the command can print, as a clause.
        instead: &'static str,
    },
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
    /// The release of the schema of a source, named without a password, could not be told.
    #[error(
        "{0}: too few tables of CiviCRM to tell the release; name it with --release, or another source with --against"
    )]
    NoRelease(String),
    /// The catalogue has no such release.
    #[error("the schema of CiviCRM {release} is not known, only those of {oldest} to {newest}")]
    UnknownRelease {
        /// The release that was asked for.
        release: String,
        /// The oldest release that is known.
        oldest: String,
        /// The newest release that is known.
        newest: String,
    },
    /// A server could not be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A change was not made, or not taken back.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Offending rows could not be written to a file.
    #[error(transparent)]
    Export(#[from] RowFileError),
    /// Rows were to be exported from standard input, which cannot be read a second time.
    #[error(
        "--export needs a source that can be read twice, which standard input cannot; name the file"
    )]
    ExportOfStream,
    /// A file with grants cannot be read.
    #[error("{path}: {error}")]
    GrantsFile {
        /// The path of the file.
        path: String,
        /// The error that the operating system gives.
        error: io::Error,
    },
    /// A line in a file with grants is not a GRANT statement.
    #[error("{path}, line {line}: the line {problem}; paste what SHOW GRANTS prints")]
    GrantsUnread {
        /// The path of the file.
        path: String,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with the line.
        problem: String,
    },
    /// A file with grants does not hold a GRANT statement.
    #[error("{0}: there is no GRANT in it; paste what SHOW GRANTS prints")]
    NoGrants(String),
    /// A file with grants does not name a database, or names several.
    #[error("{0}: the grants do not name exactly one database; name it with --database")]
    GrantsDatabase(String),
    /// A configuration file cannot be read.
    #[error("{path}: {problem}")]
    Config {
        /// The path of the file.
        path: String,
        /// What is wrong with the file.
        problem: String,
    },
    /// The user could not be asked to confirm a change, without a terminal.
    #[error("nothing was changed: there is no terminal to ask on; --yes answers beforehand")]
    NotConfirmed,
    /// The user did not confirm a change.
    #[error("nothing was changed")]
    Declined,
    /// The version of the site cannot be read.
    #[error("{name}: {why}, so its version is not known")]
    NoVersion {
        /// The name of the source, without a password.
        name: String,
        /// Why the version cannot be read.
        why: String,
    },
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

impl Error {
    /// The id of the reason, where the command was refused; `None` where something failed.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Change(error) => error.refusal(),
            _ => None,
        }
    }

    /// The error for a release of which the catalogue has no schema.
    pub(crate) fn unknown_release(release: &Version, catalogue: &Catalogue) -> Self {
        let name = |state: Option<&State>| state.map(|s| s.name.clone()).unwrap_or_default();
        Self::UnknownRelease {
            release: release.to_string(),
            oldest: name(catalogue.states().first()),
            newest: name(catalogue.states().last()),
        }
    }
}

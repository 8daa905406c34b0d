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
    /// Nor could the one that it is compared with.
    #[error(transparent)]
    OtherSource(SourceError),
    /// The reference catalogue could not be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The command is about CiviCRM, and there is none.
    #[error("{name}: there are no CiviCRM tables in it")]
    NoCivicrm {
        /// The source.
        name: String,
    },
    /// A reference of the user's own could not be read or kept.
    #[error(transparent)]
    OwnReference(#[from] OwnReferenceError),
    /// There is no reference of this name.
    #[error(
        "no reference is called '{0}', and no known release; `cividb reference list` shows all"
    )]
    UnknownReference(String),
    /// A source is not whole, so that no reference can be made of it.
    #[error("{from}: {}", listed(.problems))]
    NotWhole {
        /// The source.
        from: String,
        /// What is wrong, with the places.
        problems: Vec<String>,
    },
    /// The command cannot print in this form.
    #[error("--format {format} is nothing that {command} can print; {instead}")]
    Format {
        /// The form asked for.
        format: &'static str,
        /// The command.
        command: &'static str,
        /// What it can print.
        instead: &'static str,
    },
    /// The report would take the place of what it is about.
    #[error("--output {0} is one of the sources: the report would overwrite it")]
    OutputIsSource(String),
    /// The report could not be written.
    #[error("cannot write the report{}: {error}", .path.as_ref().map(|path| format!(" to {path}")).unwrap_or_default())]
    Output {
        /// The file, unless it is standard output.
        path: Option<String>,
        /// What the system says.
        error: io::Error,
    },
    /// The release of a schema could not be told.
    #[error(
        "{name}: too few tables of CiviCRM to tell their release; name one with --release, or another source with --against"
    )]
    NoRelease {
        /// The source.
        name: String,
    },
    /// The catalogue has no such release.
    #[error("no schema of CiviCRM {release} is known, only of {oldest} to {newest}")]
    UnknownRelease {
        /// As given.
        release: String,
        /// The oldest that is known.
        oldest: String,
        /// The newest that is known.
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
    /// Rows are found in a second pass.
    #[error(
        "--export needs a source that can be read twice, which standard input cannot; name the file"
    )]
    ExportOfStream,
    /// A file with grants cannot be read.
    #[error("{path}: {error}")]
    GrantsFile {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A line in it is no grant.
    #[error("{path}, line {line}: the line {problem}; paste what SHOW GRANTS prints")]
    GrantsUnread {
        /// The file.
        path: String,
        /// Line number from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// There is no grant in it.
    #[error("{0}: there is no GRANT in it; paste what SHOW GRANTS prints")]
    NoGrants(String),
    /// It names no database, or several.
    #[error("{0}: it does not tell one database; name it with --database")]
    GrantsDatabase(String),
    /// A configuration file cannot be read.
    #[error("{path}: {problem}")]
    Config {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no terminal to ask on.
    #[error("nothing was changed: there is no terminal to ask on; --yes answers beforehand")]
    NotConfirmed,
    /// The user said no.
    #[error("nothing was changed")]
    Declined,
    /// The version stands nowhere that can be read.
    #[error("{name}: {why}, so its version is not known")]
    NoVersion {
        /// The source.
        name: String,
        /// Why not.
        why: String,
    },
    /// No source was named.
    #[error(
        "name a source: a dump, mysql://user@host/database, a civicrm.settings.php or a site's folder; or \
         say where the server is with --host, --socket, an option file or CIVICRM_DSN"
    )]
    NoSource,
    /// SQL and unified diffs have one form only.
    #[error("--sql and --unified print text; leave --format out")]
    TextOnly,
}

impl Error {
    /// The catalogue has no schema of this release.
    pub(crate) fn unknown_release(release: &Version, catalogue: &Catalogue) -> Self {
        let name = |state: Option<&State>| state.map(|s| s.name.clone()).unwrap_or_default();
        Self::UnknownRelease {
            release: release.to_string(),
            oldest: name(catalogue.states().first()),
            newest: name(catalogue.states().last()),
        }
    }
}

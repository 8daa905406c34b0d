//! Why a source could not be read.

use std::io;
use std::path::PathBuf;

use crate::dump::container::{ContainerError, Problem};
use crate::dump::reader::ChooseError;
use crate::server::error::ServerError;
use crate::server::login::LoginError;
use crate::server::login::url::UrlError;
use crate::settings::{DsnError, SettingsError};

/// Why a source could not be read. Each message names the source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The argument is not a valid pattern for file names.
    #[error("{pattern}: {error}")]
    Pattern {
        /// The pattern as the user gave it.
        pattern: String,
        /// What is wrong with the pattern.
        error: glob::PatternError,
    },
    /// The argument is neither a file nor a URL with a known scheme; this is the text after the `@`.
    #[error("...@{0}: there is no such file; the URL of a server is mysql://user@host/database")]
    Misspelled(String),
    /// No file matches the argument.
    #[error("{0}: no file of that name, and none that matches it as a pattern")]
    NoMatch(String),
    /// Several files match where one is wanted.
    #[error("{0}: several files match, and only one can be taken")]
    Several(String),
    /// The container cannot be read at all.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A site's settings file does not lead to its database.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An environment variable does not lead to a site's database; its name, and why.
    #[error("environment variable {0}: {1}")]
    Environment(&'static str, DsnError),
    /// A URL does not name a server; the URL without its password, and why.
    #[error("{0}: {1}")]
    Url(String, UrlError),
    /// The server or the account to use cannot be determined.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A server cannot be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A folder cannot be listed.
    #[error("{}: cannot list the folder: {error}", .path.display())]
    Folder {
        /// The path of the folder.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// The folder holds a backup of a kind that cannot be read.
    #[error("{}: {what}; {advice}", .path.display())]
    OtherFolder {
        /// The path of the folder.
        path: PathBuf,
        /// What the folder holds, as a clause.
        what: String,
        /// What the user can do instead.
        advice: String,
    },
    /// The folder does not hold a dump.
    #[error("{}: it is not a folder with a dump", .0.display())]
    NoDump(PathBuf),
    /// The database could not be chosen.
    #[error("{name}: {error}")]
    Choose {
        /// The name of the source.
        name: String,
        /// Why no database could be chosen.
        error: ChooseError,
    },
}

impl SourceError {
    /// The reason, when the source can be read but is not SQL text: that is a finding about a backup, not a
    /// failure to look at it.
    pub fn not_text(&self) -> Option<&Problem> {
        match self {
            Self::Container(error) => match &error.problem {
                problem @ (Problem::WideText(_)
                | Problem::Foreign { .. }
                | Problem::Markup { .. }
                | Problem::OnlyNul(_)
                | Problem::Binary) => Some(problem),
                _ => None,
            },
            _ => None,
        }
    }
}

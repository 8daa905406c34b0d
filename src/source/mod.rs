//! What the user named, and the facts from there.

mod folder;
pub mod settings;

use std::io;
use std::path::{Path, PathBuf};

use crate::civicrm::site;
use crate::dump::container::{ByteStream, ContainerError, Problem, Progress};
use crate::dump::reader::{ChooseError, DumpReader};
use crate::dump::scanner::Scanner;
use crate::snapshot::Snapshot;

/// Where facts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `-`: standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A folder made by mydumper.
    Folder(PathBuf),
}

/// Why a source could not be read. Each message names the source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The pattern is none.
    #[error("{pattern}: {error}")]
    Pattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        error: glob::PatternError,
    },
    /// No file matches.
    #[error("{0}: no file of that name, and none that matches it as a pattern")]
    NoMatch(String),
    /// The container cannot be read at all.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A folder cannot be listed.
    #[error("{}: cannot list the folder: {error}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder holds no dump.
    #[error("{}: the folder is none of mydumper's (no metadata and no *-schema.sql in it); to verify the files in it, name them: '{}/*'", .0.display(), .0.display())]
    NoDump(PathBuf),
    /// The database could not be chosen.
    #[error("{name}: {error}")]
    Choose {
        /// The source.
        name: String,
        /// Why.
        error: ChooseError,
    },
}

impl SourceError {
    /// The reason, when the source can be read but is no text of SQL: that is a finding
    /// about a backup, not a failure to look at it.
    pub fn not_text(&self) -> Option<&Problem> {
        match self {
            Self::Container(error) => match &error.problem {
                problem @ (Problem::WideText(_)
                | Problem::Foreign { .. }
                | Problem::OnlyNul(_)
                | Problem::Binary) => Some(problem),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Location {
    /// The sources that one argument names: itself, or the files that match it as a pattern.
    ///
    /// # Errors
    /// Nothing of that name exists and nothing matches.
    pub fn expand(argument: &str) -> Result<Vec<Self>, SourceError> {
        if argument == "-" {
            return Ok(vec![Self::Stdin]);
        }
        let path = Path::new(argument);
        let is_pattern = argument.contains(['*', '?', '[']);
        if path.exists() || !is_pattern {
            return Ok(vec![Self::of(path.to_owned())]);
        }
        let matches = glob::glob(argument).map_err(|error| SourceError::Pattern {
            pattern: argument.to_owned(),
            error,
        })?;
        let found: Vec<Self> = matches.filter_map(Result::ok).map(Self::of).collect();
        if found.is_empty() {
            return Err(SourceError::NoMatch(argument.to_owned()));
        }
        Ok(found)
    }

    /// The file or folder of this path.
    pub fn of(path: PathBuf) -> Self {
        if path.is_dir() {
            Self::Folder(path)
        } else {
            Self::File(path)
        }
    }

    /// Whether this is the file of that path, through links as well.
    pub fn is(&self, path: &Path) -> bool {
        let Self::File(file) = self else { return false };
        match (file.canonicalize(), path.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }

    /// The name for reports.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) | Self::Folder(path) => path.to_string_lossy().into_owned(),
        }
    }

    /// Reads everything. `watch` is told how far each file has been read, for a progress bar.
    ///
    /// # Errors
    /// The source cannot be read, is no text, or holds several CiviCRM databases.
    pub fn read(
        &self,
        database: Option<&str>,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Snapshot, SourceError> {
        let mut reader = DumpReader::new(site::ROWS_WANTED);
        let container = match self {
            Self::Stdin => {
                let stream = ByteStream::from_reader("standard input", io::stdin())?;
                read_stream(stream, Scanner::default(), &mut reader, watch)
            }
            Self::File(path) => {
                let mut scanner = Scanner::default();
                if let Some(part) = folder::part(path) {
                    reader.begin_file("", Some(&part.database));
                    scanner = part.scanner();
                }
                read_stream(ByteStream::open(path)?, scanner, &mut reader, watch)
            }
            Self::Folder(path) => {
                folder::read(path, &mut reader, watch)?;
                "folder"
            }
        };
        let mut snapshot = reader
            .finish(database, site::TABLE_PREFIX)
            .map_err(|error| SourceError::Choose {
                name: self.name(),
                error,
            })?;
        snapshot.source.name = self.name();
        snapshot.source.container = container;
        Ok(snapshot)
    }
}

/// Scans one stream to its end; returns the kind of its container.
fn read_stream(
    mut stream: ByteStream,
    mut scanner: Scanner,
    reader: &mut DumpReader,
    watch: &mut dyn FnMut(&Progress),
) -> &'static str {
    let container = stream.container().as_str();
    let progress = stream.progress();
    while let Some(chunk) = stream.next_chunk() {
        scanner.feed(chunk, reader);
        watch(&progress);
    }
    let text = scanner.finish(reader);
    let damage = stream.ending().and_then(|ending| ending.damage()).cloned();
    reader.end_file(text, damage);
    container
}

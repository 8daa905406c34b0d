//! Why a settings file does not give a login. No text here holds any part of a DSN.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::dsn::DsnError;
use super::state::Doubt;
use super::value::Reasons;

/// A line of a settings file, or of a file that it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhpPlace {
    /// The file: the settings file, or one that it includes.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

impl PhpPlace {
    pub(super) fn new(file: &Rc<Path>, line: u64) -> Self {
        Self {
            file: file.to_path_buf(),
            line,
        }
    }
}

impl fmt::Display for PhpPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: line {}", self.file.display(), self.line)
    }
}

/// Why a settings file could not be found or read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file or folder cannot be read.
    #[error("{}: cannot read: {error}", .path.display())]
    Read {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// The file is too big.
    #[error("{}: is not a settings file: it has more than {limit} bytes", .path.display())]
    TooLarge {
        /// The path of the file.
        path: PathBuf,
        /// Longest file that is read, in bytes.
        limit: u64,
    },
    /// The file holds NUL bytes.
    #[error("{}: is not PHP text: it holds NUL bytes, as binary files and UTF-16 do", .0.display())]
    Binary(PathBuf),
    /// The file does not hold PHP.
    #[error("{}: is not a settings file: it holds no PHP (<?php)", .0.display())]
    NotPhp(PathBuf),
    /// A string, comment or bracket has no end, so that PHP could not read the file either.
    #[error(
        "{place}: a {what} begins here and never ends; if a quote in a password broke it, write \\' there"
    )]
    Unterminated {
        /// The place where the string, comment or bracket begins.
        place: PhpPlace,
        /// What does not end: `string`, `comment`, `heredoc` or `bracket`.
        what: &'static str,
    },
    /// Following the file would take too long.
    #[error("{0}: is too long or too deeply nested for a settings file")]
    TooComplex(PhpPlace),
    /// The constant is defined nowhere.
    #[error(
        "{}: defines no {constant}{}; set CIVICRM_DSN in the environment, or give --host, --user and --database",
        .path.display(), list_includes(.not_followed)
    )]
    Missing {
        /// The path of the settings file.
        path: PathBuf,
        /// The name of the constant.
        constant: &'static str,
        /// Files that the settings file includes and that were not read; the constant may be in them.
        not_followed: Vec<Include>,
    },
    /// The constant is defined in a place that the script never reaches.
    #[error("{place}: {constant} is defined in a function or behind a condition that never holds")]
    NotReached {
        /// The place of the definition.
        place: PhpPlace,
        /// The name of the constant.
        constant: &'static str,
    },
    /// The value of the constant depends on something that only PHP knows.
    #[error(
        "{place}: {constant} is made of {made_of}, which only PHP can tell when it runs; \
         set CIVICRM_DSN in the environment, or give --host, --user and --database"
    )]
    Unknown {
        /// The place of the definition.
        place: PhpPlace,
        /// The name of the constant.
        constant: &'static str,
        /// The parts of the value that cannot be known without running PHP.
        made_of: Reasons,
    },
    /// The constant is defined differently in different branches.
    #[error(
        "{}: {constant} is defined on {}, and which of them counts only PHP can tell when it runs; \
         set CIVICRM_DSN in the environment, or give --host, --user and --database",
        .path.display(), list_places(.path, .places)
    )]
    Ambiguous {
        /// The path of the settings file.
        path: PathBuf,
        /// The name of the constant.
        constant: &'static str,
        /// The places of the definitions.
        places: Vec<PhpPlace>,
    },
    /// Something that is not followed may define the constant before the file does, or instead of it.
    #[error(
        "{place} {what}, which may define {constant}: only PHP can tell when it runs; \
         set CIVICRM_DSN in the environment, or give --host, --user and --database"
    )]
    Doubtful {
        /// The place of what is not followed.
        place: PhpPlace,
        /// What the line does, behind its number.
        what: String,
        /// The name of the constant.
        constant: &'static str,
    },
    /// The value of the constant is not a DSN that can be read.
    #[error("{place}: {constant} {error}")]
    Dsn {
        /// The place of the definition.
        place: PhpPlace,
        /// The name of the constant.
        constant: &'static str,
        /// What is wrong with the DSN.
        error: DsnError,
    },
    /// A site folder holds several settings files.
    #[error("{}: has several settings files, name one of them: {}", .folder.display(), list_paths(.files))]
    Several {
        /// The path of the site folder.
        folder: PathBuf,
        /// The paths of the settings files.
        files: Vec<PathBuf>,
    },
}

impl SettingsError {
    pub(super) fn doubtful(constant: &'static str, doubt: &Doubt) -> Self {
        Self::Doubtful {
            place: doubt.place.clone(),
            what: doubt.what.clone(),
            constant,
        }
    }

    /// Whether the file was read and it is `CIVICRM_DSN` that it does not tell.
    pub fn is_about_dsn(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::NotReached { .. }
                | Self::Unknown { .. }
                | Self::Ambiguous { .. }
                | Self::Doubtful { .. }
                | Self::Dsn { .. }
        )
    }
}

/// A file that a settings file includes and that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Include {
    /// The place of the `include`.
    pub place: PhpPlace,
    /// The path of the file as it may be shown: the value of a variable or constant in it is a `…`, since it may be
    /// a secret.
    pub path: IncludePath,
}

/// What is said of the path of an included file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncludePath {
    /// It cannot be known without running PHP.
    Unknown,
    /// It does not look like a path of a file, so that it may be a secret.
    Hidden,
    /// The file cannot be read here.
    Unreadable(String),
    /// The file is there and belongs to others.
    Outside(String),
}

impl Include {
    /// An include that was not followed. A path without an extension is shown only where such a file is there, one with
    /// a `://` up to that, and of one that is not literal only the name of the file.
    pub(super) fn new(
        place: PhpPlace,
        path: Option<&Path>,
        is_literal: bool,
        is_outside: bool,
    ) -> Self {
        let shown = |path: &Path| {
            let text = path.display().to_string();
            if let Some((scheme, _)) = text.split_once("://") {
                return Some(format!("{scheme}://…"));
            }
            if !is_outside {
                path.extension()?;
            }
            match is_literal {
                true => Some(text),
                false => Some(format!("…/{}", path.file_name()?.display())),
            }
        };
        let path = match path.map(shown) {
            None => IncludePath::Unknown,
            Some(None) => IncludePath::Hidden,
            Some(Some(path)) if is_outside => IncludePath::Outside(path),
            Some(Some(path)) => IncludePath::Unreadable(path),
        };
        Self { place, path }
    }
}

fn list_includes(includes: &[Include]) -> String {
    let mut text = String::new();
    for include in includes {
        let line = include.place.line;
        // Names come from the file: escape what could reach the terminal as a control sequence.
        let what = match &include.path {
            IncludePath::Outside(path) => format!(
                "{path:?}, which is neither the site's own nor its owner's (--include-outside reads it all the same)"
            ),
            IncludePath::Unreadable(path) => format!("{path:?}, which cannot be read here"),
            IncludePath::Hidden => "a file that cannot be read here".to_owned(),
            IncludePath::Unknown => "a file whose name only PHP can tell".to_owned(),
        };
        text += &format!("; line {line} includes {what}");
    }
    text
}

fn list_places(path: &Path, places: &[PhpPlace]) -> String {
    let places = places.iter().map(|place| match place.file == path {
        true => format!("line {}", place.line),
        false => format!("line {} of {}", place.line, place.file.display()),
    });
    places.collect::<Vec<_>>().join(" and ")
}

fn list_paths(paths: &[PathBuf]) -> String {
    let paths = paths.iter().map(|path| path.display().to_string());
    paths.collect::<Vec<_>>().join(", ")
}

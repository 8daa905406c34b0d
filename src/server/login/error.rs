//! What can be wrong with the files and variables that say where a server is. No message holds a
//! value out of them, for it may be a password.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A line of an option file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file; of a login file, which is encrypted, what is in it counts.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why it cannot be told where a server is, or as whom to speak to it.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// An option file that was named, or that is needed, cannot be read.
    #[error("{}: cannot read the option file: {error}", .path.display())]
    OptionFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A line is no line of an option file.
    #[error("{place}: {problem}")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// A folder of `!includedir` cannot be listed.
    #[error("{place}: cannot list {}: {error}", .folder.display())]
    IncludeDir {
        /// Where it is asked for.
        place: Place,
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Option files include each other without end.
    #[error("{}: more than {limit} option files, so that some must include each other in a circle", .path.display())]
    TooManyFiles {
        /// The first that was too many.
        path: PathBuf,
        /// How many are read.
        limit: usize,
    },
    /// An option has a value that it cannot have.
    #[error("{place}: {option} wants {wanted}")]
    Value {
        /// Where.
        place: Place,
        /// The option.
        option: &'static str,
        /// What its value should be.
        wanted: &'static str,
    },
    /// An environment variable has a value that it cannot have.
    #[error("the environment variable {name} wants {wanted}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What its value should be.
        wanted: &'static str,
    },
    /// The login file cannot be decrypted.
    #[error(
        "{}: {damage}; make it anew with mysql_config_editor, or move it away", .path.display()
    )]
    LoginFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The login path that was asked for is not there.
    #[error(
        "{}: no login path '{name}' is set in it; `mysql_config_editor print --all` lists those that are",
        .path.display()
    )]
    NoLoginPath {
        /// The login file.
        path: PathBuf,
        /// The login path.
        name: String,
    },
    /// A login path was asked for, and there is no place for a login file.
    #[error("no login path can be read: neither HOME nor MYSQL_TEST_LOGIN_FILE is set")]
    NoHome,
    /// A login path was asked for, and others may see the file that holds it.
    #[error("{0}")]
    Unsafe(Warning),
}

/// What is wrong with a line of an option file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// `[client`
    #[error("a group that no ']' ends")]
    OpenGroup,
    /// An option that belongs to no program.
    #[error("an option before the first group; write [client] above it")]
    NoGroup,
    /// `!include` and nothing after it.
    #[error("!include and !includedir want a path")]
    NoPath,
}

/// What is wrong with a login file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file ends too early.
    #[error("the login file is cut off at byte {0}")]
    Cut(usize),
    /// A length is none that AES-128 in blocks of 16 bytes can have.
    #[error("the login file is damaged: a wrong length at byte {0}")]
    Length(usize),
    /// The key does not open what it should.
    #[error("the login file is damaged: what stands at byte {0} cannot be decrypted")]
    Padding(usize),
}

/// Something that the user should know, though it stops nothing.
#[derive(Debug, thiserror::Error)]
pub enum Warning {
    /// As the servers' clients do.
    #[error("{}: ignored, because everybody can write to it; `chmod o-w` makes it count", .0.display())]
    WorldWritable(PathBuf),
    /// As MySQL's clients do.
    #[error(
        "{}: ignored, because not its owner alone can read and write it; `chmod 600` makes it count",
        .0.display()
    )]
    LoginFilePermissions(PathBuf),
    /// A file that exists, or that another includes, cannot be read.
    #[error("{}: not read: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Includes nest too deep.
    #[error("{0}: not followed, because files include each other too deep, or in a circle")]
    Depth(Place),
}

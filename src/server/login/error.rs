//! What can be wrong with the files and variables that say where a server is. No message holds a value out of
//! them, because it may be a password.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A line of an option file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionPlace {
    /// The option file. For a login file, which is encrypted, this is its path as well.
    pub file: PathBuf,
    /// The number of the line, from 1. In a login file, the decrypted lines are counted.
    pub line: usize,
}

impl fmt::Display for OptionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why the server, or the account to use there, cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// An option file that was named, or that is needed, cannot be read.
    #[error("{}: cannot read the option file: {error}", .path.display())]
    OptionFile {
        /// The path of the file.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// A line does not have the form of a line of an option file.
    #[error("{place}: {problem}")]
    Line {
        /// The line in question.
        place: OptionPlace,
        /// What is wrong with the line.
        problem: LineProblem,
    },
    /// A folder of `!includedir` cannot be listed.
    #[error("{place}: cannot list {}: {error}", .folder.display())]
    IncludeDir {
        /// The line that asks for the folder.
        place: OptionPlace,
        /// The path of the folder.
        folder: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// Option files include each other without end, or too many are included.
    #[error("{}: more than {limit} option files, so that some must include each other in a circle", .path.display())]
    TooManyFiles {
        /// The first file that was too many.
        path: PathBuf,
        /// How many files are read at most.
        limit: usize,
    },
    /// An option has a value that is not allowed.
    #[error("{place}: {option} wants {wanted}")]
    Value {
        /// The line with the option.
        place: OptionPlace,
        /// The name of the option.
        option: String,
        /// What its value should be, for the message.
        wanted: &'static str,
    },
    /// An environment variable has a value that is not allowed.
    #[error("the environment variable {name} wants {wanted}")]
    Variable {
        /// The name of the variable.
        name: &'static str,
        /// What its value should be, for the message.
        wanted: &'static str,
    },
    /// The login file cannot be decrypted.
    #[error(
        "{}: {damage}; make it anew with mysql_config_editor, or move it away", .path.display()
    )]
    LoginFile {
        /// The path of the login file.
        path: PathBuf,
        /// What is wrong with the file.
        damage: Damage,
    },
    /// The login path that was asked for does not exist.
    #[error(
        "{}: no login path '{name}' is set in it; `mysql_config_editor print --all` lists those that are",
        .path.display()
    )]
    NoLoginPath {
        /// The path of the login file.
        path: PathBuf,
        /// The name of the login path.
        name: String,
    },
    /// A login path was asked for, and no home folder is known in which a login file could be.
    #[error("no login path can be read: neither HOME nor MYSQL_TEST_LOGIN_FILE is set")]
    NoHome,
    /// A login path was asked for, and other accounts may read the file that holds it.
    #[error("{0}")]
    Unsafe(Warning),
}

/// What is wrong with a line of an option file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// A group header without its closing bracket, such as `[client`.
    #[error("a group without its closing ']'")]
    OpenGroup,
    /// An option that stands before the first group, so that it belongs to no program.
    #[error("an option before the first group; write [client] above it")]
    NoGroup,
    /// An `!include` or `!includedir` without a path.
    #[error("!include and !includedir want a path")]
    NoPath,
}

/// What is wrong with a login file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file ends too early.
    #[error("the login file is cut off at byte {0}")]
    Cut(usize),
    /// A length in the file is impossible for AES-128 with its blocks of 16 bytes.
    #[error("the login file is damaged: a wrong length at byte {0}")]
    Length(usize),
    /// The key in the file does not decrypt its lines.
    #[error("the login file is damaged: what stands at byte {0} cannot be decrypted")]
    Padding(usize),
}

/// Something that the user should know, although it does not stop the program.
#[derive(Debug, thiserror::Error)]
pub enum Warning {
    /// An option file is ignored because all accounts may write it, as the servers' clients ignore it.
    #[error("{}: ignored, because everybody can write to it; `chmod o-w` makes it count", .0.display())]
    WorldWritable(PathBuf),
    /// A login file is ignored because not only its owner may read and write it, as MySQL's clients ignore it.
    #[error(
        "{}: ignored, because not its owner alone can read and write it; `chmod 600` makes it count",
        .0.display()
    )]
    LoginFilePermissions(PathBuf),
    /// A file that exists, or that another file includes, cannot be read.
    #[error("{}: not read: {error}", .path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// Files include each other too deeply; this is the line whose include was not followed.
    #[error("{0}: not followed, because files include each other too deep, or in a circle")]
    Depth(OptionPlace),
}

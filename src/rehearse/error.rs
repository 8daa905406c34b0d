//! Why a rehearsal could not be held.

use std::io;
use std::path::PathBuf;

use crate::sandbox::SandboxError;
use crate::server::error::ServerError;
use crate::source::SourceError;

/// Why a rehearsal could not be held, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// The private server could not be had.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The private server could not be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The dump could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No server on this machine is the one that was asked for.
    #[error(
        "no {wanted} on this machine, but {found}; install one, or name its program with --on PATH"
    )]
    NotInstalled {
        /// The server that was asked for.
        wanted: String,
        /// The servers that are there.
        found: String,
    },
    /// The name is neither a server nor a path.
    #[error("'{0}' is neither a server such as mariadb-10.11 nor the path of a server program")]
    NoSuchServer(String),
    /// The disk has too little room.
    #[error(
        "{}: {free} MiB free, and the restored database may take {needed} MiB; choose another folder with --tmp, \
         or insist with --no-space-check", .folder.display()
    )]
    NoRoom {
        /// The folder in which the server would be.
        folder: PathBuf,
        /// MiB that are free.
        free: u64,
        /// MiB that it may take.
        needed: u64,
    },
    /// It is not known how much room the disk has.
    #[error("{}: {source}", .folder.display())]
    Folder {
        /// The folder in which the server would be.
        folder: PathBuf,
        /// The error that the operating system reports.
        source: io::Error,
    },
    /// The disk became full meanwhile.
    #[error("{}: less than {free} MiB free, so the rehearsal was stopped; choose another folder with --tmp", .folder.display())]
    DiskFull {
        /// The folder in which the server was.
        folder: PathBuf,
        /// MiB below which it is stopped.
        free: u64,
    },
    /// The private server ended by itself.
    #[error("the private server ended; the end of its log:\n{0}")]
    ServerEnded(String),
    /// A signal ended the rehearsal.
    #[error("interrupted: what was restored is removed")]
    Interrupted(i32),
    /// The database is of a later release than the one that it is to be upgraded to.
    #[error(
        "{name}: civicrm_domain.version says {version}, which is later than --target {target}; an upgrade goes to a later \
         release only"
    )]
    TargetIsEarlier {
        /// The name of the dump.
        name: String,
        /// The version that the database declares.
        version: String,
        /// The release that was asked for.
        target: String,
    },
    /// The URL of a server names no database.
    #[error(
        "{0} names no database; name an empty one that the dump may be restored into: mysql://USER@HOST/DATABASE"
    )]
    NoDatabase(String),
    /// An option needs a private server.
    #[error("{0} needs a private server; --on with a URL takes a server of others")]
    OnlyPrivate(&'static str),
    /// The dump makes or chooses its database itself, which is not the one of the URL.
    #[error(
        "the dump names its own database, {dump}, and --on another one; take the name out: cividb extract --database none \
         DUMP | cividb rehearse - --on {url}"
    )]
    OtherDatabase {
        /// The database of the dump.
        dump: String,
        /// What the user named with `--on`.
        url: String,
    },
    /// The source is no dump.
    #[error("{0}: a rehearsal restores a dump, and this is a server")]
    NotADump(String),
    /// A command of the user's could not be started.
    #[error("sh, which runs the command of --upgrade-command, cannot be started: {0}")]
    Shell(io::Error),
    /// The private server could not be left running.
    #[error("the private server cannot be left running: {0}")]
    Keep(io::Error),
}

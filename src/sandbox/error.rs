//! Why a sandbox cannot be had or used, each with what to do about it.

use std::io;
use std::path::PathBuf;

use super::local::SOCKET_LIMIT;
use crate::server::error::ServerError;

/// Why a sandbox cannot be had or used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine has no server program where such programs are: in these folders.
    #[error(
        "no MariaDB or MySQL server program on this machine (looked for mariadbd and mysqld in {0}); \
         install one, for example with: apt-get install mariadb-server-core"
    )]
    NoServer(String),
    /// The path that was named is not a server program and holds none.
    #[error(
        "{}: neither a server program nor a folder with usr/sbin/mariadbd, usr/sbin/mysqld or bin/mysqld in it", .0.display()
    )]
    NotAServer(PathBuf),
    /// The program does not tell its version as a server does, but prints this text.
    #[error("{} --version does not print a server's version but: {}", .0.display(), .1)]
    NoVersion(PathBuf, String),
    /// The scripts that make the system tables of this MariaDB are missing; these folders were searched.
    #[error(
        "{}: its script mariadb_system_tables.sql or mysql_system_tables.sql is not in {}; \
         install the whole package, for example with: apt-get install mariadb-server-core", .0.display(), .1
    )]
    NoSystemTables(PathBuf, String),
    /// The client program of this name is missing, which this Debian package has.
    #[error(
        "no {0} program beside the server or in PATH; install it, for example with: apt-get install {1}"
    )]
    NoClient(&'static str, &'static str),
    /// A socket cannot have so long a path.
    #[error(
        "{}: longer than the {SOCKET_LIMIT} bytes that the path of a socket may have; choose a shorter folder", .0.display()
    )]
    SocketTooLong(PathBuf),
    /// The private folder, or a file in it, could not be made, read or removed.
    #[error("{}: {source}", .path.display())]
    File {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error that the operating system reports.
        source: io::Error,
    },
    /// The program could not be started.
    #[error("{} cannot be started: {source}", .program.display())]
    Spawn {
        /// The path of the program.
        program: PathBuf,
        /// The error that the operating system reports.
        source: io::Error,
    },
    /// The server program could not make its system tables, with the last lines of its log.
    #[error("{} cannot make its data folder; the end of its log:\n{}", .0.display(), .1)]
    Bootstrap(PathBuf, String),
    /// The server is not wanted any more.
    #[error("interrupted: the private server was not started")]
    Interrupted,
    /// The server program ended instead of answering, with the last lines of its log.
    #[error("{} ended at its start; the end of its log:\n{}", .0.display(), .1)]
    Ended(PathBuf, String),
    /// The server did not answer in time.
    #[error("{} does not answer after {seconds} s: {source}; the end of its log:\n{log}", .program.display())]
    NoAnswer {
        /// The path of the server program.
        program: PathBuf,
        /// Seconds for which the program waited for an answer.
        seconds: u64,
        /// The error of the last attempt to connect.
        source: Box<ServerError>,
        /// The last lines of the server's log.
        log: String,
    },
    /// The server in this private folder did not end in time; the id of the process that watches it.
    #[error("the private server in {} does not end; its process is {}", .0.display(), .1)]
    NoEnd(PathBuf, u32),
    /// A dump could not be loaded; the error message of the client program, with the line number.
    #[error("the dump cannot be loaded: {0}")]
    Load(String),
    /// The existing server holds tables.
    #[error(
        "{server} holds {tables} tables, for example {example}; a server to try things on must be empty, \
         because everything on it may be changed or removed"
    )]
    NotEmpty {
        /// The address of the server.
        server: String,
        /// How many tables the account sees outside the server's own databases.
        tables: u64,
        /// `database.table` of one of them.
        example: String,
    },
    /// There is no such database on the server at this address, or the account does not see it.
    #[error(
        "{0} has no database {1} that this account sees; make it, empty, and name it in the URL"
    )]
    NoDatabase(String, String),
    /// The database of this name holds something that is no table, such as this routine.
    #[error("the database {0} is not empty: it holds {1}; name one in which nothing is")]
    NotEmptyDatabase(String, String),
    /// The account does not see everything, so that the server at this address may hold more than it shows.
    #[error(
        "{0}: this account has no SELECT privilege on *.*, so that the server may hold tables which it \
         does not see; use an administrator's account"
    )]
    SeesTooLittle(String),
    /// The server answers with an error, or does not answer.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl SandboxError {
    /// Turns an error of the system into one about this file or folder, for `map_err`.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

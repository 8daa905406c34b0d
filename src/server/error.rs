//! What goes wrong between us and a server, each with what to do about it.

use std::io;

use crate::gate::Blocked;

/// Why a server could not be asked. No message holds a password.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server does not let this account in.
    #[error(
        "{server} refuses {account}: wrong password, no such account for this host, or the account \
         wants TLS, which the server tells nobody; check user and password, and try --ssl-mode required \
         ({message})"
    )]
    WrongPassword {
        /// The server that refused the account.
        server: String,
        /// The account, and whether a password was given.
        account: String,
        /// The server's error message.
        message: String,
    },
    /// The database does not exist, or the account does not see it.
    #[error("{server} has no database '{database}'; it shows this account: {}", shown(.visible))]
    UnknownDatabase {
        /// The server that was asked.
        server: String,
        /// The name of the database asked for.
        database: String,
        /// The databases that this account sees; empty when they could not be asked for.
        visible: Vec<String>,
    },
    /// The account may not use the database.
    #[error(
        "{server}: this account may not use the database '{database}', or no database of that name exists; \
         run as an administrator: GRANT SELECT ON {database}.* TO the account ({message})"
    )]
    DatabaseDenied {
        /// The server that was asked.
        server: String,
        /// The name of the database asked for.
        database: String,
        /// The server's error message.
        message: String,
    },
    /// No database was named, and none that the account sees holds CiviCRM.
    #[error(
        "{server}: no database that this account sees holds CiviCRM; name one with --database, or use an \
         account that may read it (visible: {})", shown(.visible)
    )]
    NoCivicrmDatabase {
        /// The server that was asked.
        server: String,
        /// The databases that the account sees.
        visible: Vec<String>,
    },
    /// Several databases hold CiviCRM, and none was named.
    #[error("{server} holds several CiviCRM databases: {}; choose one with --database", .found.join(", "))]
    SeveralDatabases {
        /// The server that was asked.
        server: String,
        /// The names of the databases that hold CiviCRM.
        found: Vec<String>,
    },
    /// No server answers at the address.
    #[error("{server}: no connection: {error}; {}", advice(.error))]
    NoConnection {
        /// The server that does not answer.
        server: String,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// The server takes encrypted connections only.
    #[error("{server} takes encrypted connections only; leave --ssl-mode disabled out ({message})")]
    TlsRequired {
        /// The server that asks for encryption.
        server: String,
        /// The server's error message.
        message: String,
    },
    /// The server, by its address, cannot encrypt, and `--ssl-mode` asks for it.
    #[error(
        "{0} offers no TLS, and --ssl-mode asks for it; use a server that does, or --ssl-mode preferred over a network you trust"
    )]
    TlsMissing(String),
    /// Client and server could not agree on encryption.
    #[error("{server}: no encrypted connection: {message}; check --ssl-ca and --ssl-mode")]
    TlsFailed {
        /// The server that was connected to.
        server: String,
        /// The error message of the library.
        message: String,
    },
    /// A file that encryption needs cannot be read.
    #[error("{path}: {error}")]
    TlsFile {
        /// The path of the file.
        path: String,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// The account has to change its password first.
    #[error(
        "{server}: the password of this account has expired; set a new one with ALTER USER ({message})"
    )]
    PasswordExpired {
        /// The server that was asked.
        server: String,
        /// The server's error message.
        message: String,
    },
    /// The server takes no connection now, or none from this host.
    #[error("{server} takes no connection from here: {message}")]
    Turned {
        /// The server that was asked.
        server: String,
        /// The server's error message.
        message: String,
    },
    /// The connection was lost while a question was asked.
    #[error(
        "{server}: the connection was lost while reading {question}: {message}; what was begun has been rolled back by the server"
    )]
    Lost {
        /// The server whose connection was lost.
        server: String,
        /// What was asked, in words.
        question: String,
        /// The error message of the library.
        message: String,
    },
    /// The account lacks a privilege for what was asked.
    #[error("{server}: this account may not read {question} ({code}: {message})")]
    Denied {
        /// The server that was asked.
        server: String,
        /// What was asked, in words.
        question: String,
        /// The server's error number.
        code: u16,
        /// The server's error message.
        message: String,
    },
    /// A statement other than a question was given to a connection that can only ask; it was not sent. The text says
    /// what the statement was for.
    #[error("{0}: not sent, because it is not one question (SELECT or SHOW)")]
    NotAQuestion(String),
    /// A statement is not the one that is meant; it was not sent. The text says why.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The server answered with another error.
    #[error("{server}: {question}: error {code}: {message}")]
    Query {
        /// The server that was asked.
        server: String,
        /// What was asked, in words.
        question: String,
        /// The server's error number.
        code: u16,
        /// The server's error message.
        message: String,
    },
}

impl ServerError {
    /// The server's error number; `None` when the error does not come from the server.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Denied { code, .. } | Self::Query { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the connection itself is lost, so that asking anything else is of no use.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}

fn shown(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "no server listens there: is it running, and are host, port or socket right?"
        }
        io::ErrorKind::NotFound => {
            "there is no such socket: is the server running, and where is its socket? \
             Give --socket, or --host 127.0.0.1 for TCP"
        }
        io::ErrorKind::PermissionDenied => "this system account may not use that socket",
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            "nothing answered in time: a firewall, a wrong address, or a server that is stuck \
             (--connect-timeout waits longer)"
        }
        _ => "are host, port or socket right?",
    }
}

/// Whether an error number says that the account lacks a privilege for what it asked.
pub fn is_denial(code: u16) -> bool {
    // ER_DBACCESS_DENIED, ER_TABLEACCESS_DENIED, ER_COLUMNACCESS_DENIED, ER_SPECIFIC_ACCESS_DENIED,
    // ER_PROCACCESS_DENIED, ER_VIEW_NO_EXPLAIN's sibling for SHOW VIEW is 1142 as well.
    matches!(code, 1044 | 1142 | 1143 | 1227 | 1370)
}

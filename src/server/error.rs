//! What goes wrong between us and a server, each with what to do about it.

use std::io;

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
        /// Where it was asked.
        server: String,
        /// The account, and whether a password was given.
        account: String,
        /// What the server says.
        message: String,
    },
    /// The database is not there.
    #[error("{server} has no database '{database}'; it shows this account: {}", shown(.visible))]
    UnknownDatabase {
        /// The server.
        server: String,
        /// As asked for.
        database: String,
        /// What is there for this account, when that could be asked.
        visible: Vec<String>,
    },
    /// The account may not use the database.
    #[error(
        "{server}: this account may not use the database '{database}', or there is none of that name; \
         run as an administrator: GRANT SELECT ON {database}.* TO the account ({message})"
    )]
    DatabaseDenied {
        /// The server.
        server: String,
        /// As asked for.
        database: String,
        /// What the server says.
        message: String,
    },
    /// No database was named, and none that the account sees holds CiviCRM.
    #[error(
        "{server}: no database that this account sees holds CiviCRM; name one with --database, or use an \
         account that may read it (visible: {})", shown(.visible)
    )]
    NoCivicrmDatabase {
        /// The server.
        server: String,
        /// Databases that the account sees.
        visible: Vec<String>,
    },
    /// Several databases hold CiviCRM.
    #[error("{server} holds several CiviCRM databases: {}; choose one with --database", .found.join(", "))]
    SeveralDatabases {
        /// The server.
        server: String,
        /// Their names.
        found: Vec<String>,
    },
    /// Nobody answers at the address.
    #[error("{server}: no connection: {error}; {}", advice(.error))]
    NoConnection {
        /// The server.
        server: String,
        /// What the system says.
        error: io::Error,
    },
    /// The server wants encryption.
    #[error("{server} takes encrypted connections only; leave --ssl-mode disabled out ({message})")]
    TlsRequired {
        /// The server.
        server: String,
        /// What the server says.
        message: String,
    },
    /// The server cannot encrypt.
    #[error(
        "{server} offers no TLS, and --ssl-mode asks for it; use a server that does, or --ssl-mode preferred over a network you trust"
    )]
    TlsMissing {
        /// The server.
        server: String,
    },
    /// Encryption was not agreed on.
    #[error("{server}: no encrypted connection: {message}; check --ssl-ca and --ssl-mode")]
    TlsFailed {
        /// The server.
        server: String,
        /// What the library says.
        message: String,
    },
    /// A file that encryption needs cannot be read.
    #[error("{path}: {error}")]
    TlsFile {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// The account has to change its password first.
    #[error(
        "{server}: the password of this account has expired; set a new one with ALTER USER ({message})"
    )]
    PasswordExpired {
        /// The server.
        server: String,
        /// What the server says.
        message: String,
    },
    /// The server lets nobody in now, or nobody from here.
    #[error("{server} takes no connection from here: {message}")]
    Turned {
        /// The server.
        server: String,
        /// What the server says.
        message: String,
    },
    /// The connection broke.
    #[error(
        "{server}: the connection was lost while reading {question}: {message}; what was begun has been rolled back by the server"
    )]
    Lost {
        /// The server.
        server: String,
        /// What was asked.
        question: String,
        /// What the library says.
        message: String,
    },
    /// The account may not ask this.
    #[error("{server}: this account may not read {question} ({code}: {message})")]
    Denied {
        /// The server.
        server: String,
        /// What was asked.
        question: String,
        /// The server's error number.
        code: u16,
        /// What the server says.
        message: String,
    },
    /// A connection that can only ask was to run something else; it was not sent.
    #[error("{question}: not sent, because it is not one question (SELECT or SHOW)")]
    NotAQuestion {
        /// What it was for.
        question: String,
    },
    /// A statement is not what it is meant to be; it was not sent.
    #[error("{0}")]
    Blocked(String),
    /// The server answered with another error.
    #[error("{server}: {question}: error {code}: {message}")]
    Query {
        /// The server.
        server: String,
        /// What was asked.
        question: String,
        /// The server's error number.
        code: u16,
        /// What the server says.
        message: String,
    },
}

impl ServerError {
    /// The server's error number, where it is the server that answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Denied { code, .. } | Self::Query { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the connection itself is gone, so that asking anything else is of no use.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}

fn shown(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
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

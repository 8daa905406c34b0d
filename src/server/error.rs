//! What goes wrong between us and a server, each with what to do about it.

use crate::gate::Blocked;

/// Why a server could not be asked. No message holds a password.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no way to the server, or to a database of CiviCRM on it; the text says why, and what to do.
    #[error("{0}")]
    NoWayIn(String),
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
    /// The connection was lost while a question was asked.
    #[error("{server}: the connection was lost while reading {question}: {message}")]
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
    /// Several statements were given where one is sent at a time; none was sent. The text says what they were for.
    #[error("{0}: not sent, because it is not one statement")]
    SeveralStatements(String),
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

    /// What the server answered, without what was asked of which one.
    pub fn answer(&self) -> String {
        match self {
            Self::Query { code, message, .. } => format!("error {code}: {message}"),
            other => other.to_string(),
        }
    }

    /// Whether the connection itself is lost, so that asking anything else is of no use.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}

/// Names for a message.
pub(super) fn shown(names: &[String]) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

/// Whether an error number says that the account lacks a privilege for what it asked.
pub fn is_denial(code: u16) -> bool {
    // ER_DBACCESS_DENIED, ER_TABLEACCESS_DENIED, ER_COLUMNACCESS_DENIED, ER_SPECIFIC_ACCESS_DENIED,
    // ER_PROCACCESS_DENIED, ER_VIEW_NO_EXPLAIN's sibling for SHOW VIEW is 1142 as well.
    matches!(code, 1044 | 1142 | 1143 | 1227 | 1370)
}

//! Why a change was not made, or not taken back.

use std::io;

use super::refusal::Refusal;
use crate::gate::Blocked;
use crate::row_file::RowFileError;
use crate::server::error::ServerError;

/// Why a change was not made, or not taken back. Unless the message says otherwise, nothing was
/// changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The server did not do as asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The journal could not be written, so nothing was begun.
    #[error("cannot write the journal {path}: {error}; nothing further was changed")]
    Journal {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A journal of that name is there already.
    #[error(
        "the journal {path} exists already; take it back with cividb undo, or name another file with --journal"
    )]
    JournalExists {
        /// The file.
        path: String,
    },
    /// Rows could not be exported, so they were not changed.
    #[error("{0}; rows are not changed before they are exported")]
    Export(#[from] RowFileError),
    /// There is no such file, or it may not be read.
    #[error("cannot read the journal {path}: {error}")]
    JournalNotRead {
        /// The file.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// The file is not a journal, or it is damaged.
    #[error(
        "{path}, line {line}: {problem}; the file is not a journal of cividb, or it is damaged"
    )]
    JournalUnreadable {
        /// The file.
        path: String,
        /// Line number from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The journal is about another database.
    #[error(
        "the journal {path} is about database '{journal}' of {journal_server}, not about '{database}' of {server}"
    )]
    OtherDatabase {
        /// The file.
        path: String,
        /// The database in it.
        journal: String,
        /// The server in it.
        journal_server: String,
        /// The database given.
        database: String,
        /// The server given.
        server: String,
    },
    /// What is to be changed is no longer what was planned with.
    #[error(
        "{what} has changed since it was read: {detail}; nothing was changed, run the command again"
    )]
    Changed {
        /// The thing.
        what: String,
        /// How.
        detail: String,
    },
    /// What was changed by a journal has been changed again.
    #[error("{what} cannot be taken back: {detail}; it is left as it is now")]
    ChangedSince {
        /// The thing.
        what: String,
        /// How.
        detail: String,
    },
    /// The change is refused, for the user's good.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// A statement is not what it is meant to be; it was neither printed nor run.
    #[error("refused: {0}")]
    Blocked(#[from] Blocked),
    /// The account may not do what is planned.
    #[error(
        "the account {account} may not do all of this, so nothing was begun; an administrator runs: {grants}"
    )]
    Privileges {
        /// The account.
        account: String,
        /// The statements.
        grants: String,
    },
    /// The server takes no writes.
    #[error("the server takes no writes: {0}; connect to the server that does")]
    ReadOnly(String),
    /// A table was never free.
    #[error(
        "table {table} stays in use: {tries} tries found it locked; look for long transactions (SHOW PROCESSLIST) and go on with --resume"
    )]
    InUse {
        /// The table.
        table: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The connection broke while the change was being made final.
    #[error(
        "the connection broke while the change was being committed ({error}); whether it was made is \
         not known: cividb version shows it, and cividb undo {journal} takes it back if it was"
    )]
    Unknown {
        /// What the library says.
        error: String,
        /// The journal.
        journal: String,
    },
}

impl ChangeError {
    /// The reason as one word for programs, where the change was refused; `None` where something
    /// failed. Ids are only ever added to.
    pub fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.id()),
            Self::Blocked(_) => Some("gate"),
            Self::JournalExists { .. } => Some("journal-exists"),
            Self::OtherDatabase { .. } => Some("other-database"),
            Self::Changed { .. } => Some("changed"),
            Self::ChangedSince { .. } => Some("changed-since"),
            Self::Privileges { .. } => Some("privileges"),
            Self::ReadOnly(_) => Some("read-only"),
            Self::InUse { .. } => Some("in-use"),
            Self::Server(_)
            | Self::Journal { .. }
            | Self::Export(_)
            | Self::JournalNotRead { .. }
            | Self::JournalUnreadable { .. }
            | Self::Unknown { .. } => None,
        }
    }
}

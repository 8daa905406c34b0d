//! Why a change was not made, or not taken back.

use super::executor::TRIES;
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
    /// The journal cannot be written or read, or is none; the text says which file and why.
    #[error("{0}")]
    Journal(String),
    /// A journal of that name is there already.
    #[error(
        "the journal {0} exists already; take it back with cividb undo, or name another file with --journal"
    )]
    JournalExists(String),
    /// Rows could not be exported, so they were not changed.
    #[error("{0}; rows are not changed before they are exported")]
    Export(#[from] RowFileError),
    /// The journal is about another database; the text says about which.
    #[error("{0}")]
    OtherDatabase(String),
    /// A thing that is to be changed is no longer what was planned with, and how it is instead.
    #[error("{0} has changed since it was read: {1}; nothing was changed, run the command again")]
    Changed(String, String),
    /// A thing is no longer as it was looked at when several had been changed already, and how it is instead.
    #[error(
        "{0} has changed while other things were being changed: {1}; it is left as it is now, and the command can be given again"
    )]
    ChangedMeanwhile(String, String),
    /// A thing that was changed by a journal has been changed again, and how.
    #[error("{0} cannot be taken back: {1}; it is left as it is now")]
    ChangedSince(String, String),
    /// The change is refused, for the user's good.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// A statement is not what it is meant to be; it was neither printed nor run.
    #[error("refused: {0}")]
    Blocked(#[from] Blocked),
    /// The account may not do what is planned, and the statements that allow it.
    #[error(
        "the account {0} may not do all of this, so nothing was begun; an administrator runs: {1}"
    )]
    Privileges(String, String),
    /// The server takes no writes.
    #[error("the server takes no writes: {0}; connect to the server that does")]
    ReadOnly(String),
    /// A table was never free.
    #[error(
        "table {0} stays in use: {TRIES} tries found it locked; look for long transactions (SHOW PROCESSLIST) and go on with --resume"
    )]
    InUse(String),
    /// The connection broke, with this error, while the change of this journal was being made final.
    #[error(
        "the connection broke while the change was being committed ({0}); whether it was made is \
         not known: cividb version shows it, and cividb undo {1} takes it back if it was"
    )]
    Unknown(ServerError, String),
}

impl ChangeError {
    /// The reason as one word for programs, where the change was refused; `None` where something
    /// failed. Ids are only ever added to.
    pub fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Refused(refusal) => Some(refusal.id()),
            Self::Blocked(_) => Some("gate"),
            Self::JournalExists(_) => Some("journal-exists"),
            Self::OtherDatabase(_) => Some("other-database"),
            Self::Changed(..) | Self::ChangedMeanwhile(..) => Some("changed"),
            Self::ChangedSince(..) => Some("changed-since"),
            Self::Privileges(..) => Some("privileges"),
            Self::ReadOnly(_) => Some("read-only"),
            Self::InUse(_) => Some("in-use"),
            Self::Server(_) | Self::Journal(_) | Self::Export(_) | Self::Unknown(..) => None,
        }
    }
}

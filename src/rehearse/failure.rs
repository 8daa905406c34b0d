//! What did not work in a rehearsal.

use std::time::Duration;

use super::guard::About;
use super::mend;
use crate::server::error::ServerError;
use crate::snapshot::At;
use crate::text::count;

/// The parts of a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The statements of the dump are run.
    Restore,
    /// What arrived is compared with what the dump holds.
    Compare,
    /// Every view is read.
    Views,
    /// Every function is called.
    Functions,
    /// Every trigger is fired.
    Triggers,
    /// A command of the user's upgrades the database.
    Upgrade,
}

impl Phase {
    /// The name of the part in reports for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Compare => "compare",
            Self::Views => "views",
            Self::Functions => "functions",
            Self::Triggers => "triggers",
            Self::Upgrade => "upgrade",
        }
    }
}

/// Something that did not work.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The part of the rehearsal.
    pub phase: Phase,
    /// Where in the dump the statement stands, where it is one of the dump's.
    pub at: Option<At>,
    /// What it is about.
    pub about: About,
    /// The beginning of the statement that failed; empty where none did.
    pub statement: String,
    /// The number of the server's error, where a server gave one.
    pub code: Option<u16>,
    /// The server's error, or what is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

/// Characters of a statement that are shown.
const SHOWN: usize = 160;

/// Bytes of a statement of which the characters that are shown are taken.
const LOOKED_AT: usize = 4 * SHOWN;

impl Failure {
    /// A statement that the server refused.
    pub(super) fn of_statement(
        phase: Phase,
        about: About,
        sql: &[u8],
        error: &ServerError,
    ) -> Self {
        let code = error.code();
        let message = message(error);
        Self {
            phase,
            at: None,
            about,
            statement: beginning(sql),
            code,
            mend: mend::advice(code, &message).to_owned(),
            message,
        }
    }

    /// Something that is not as it should be, without an error of the server.
    pub(super) fn found(
        phase: Phase,
        kind: &'static str,
        name: &str,
        message: String,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            phase,
            at: None,
            about: About {
                kind: Some(kind),
                name: Some(name.to_owned()),
                table: None,
            },
            statement: String::new(),
            code: None,
            message,
            mend: mend.into(),
        }
    }

    /// Says that the statement was ended because it took longer than one may.
    pub(super) fn out_of_time(mut self, limit: Duration) -> Self {
        let limit = count(limit.as_secs(), "second");
        self.message = format!("it did not end within {limit}, and was ended");
        mend::OUT_OF_TIME.clone_into(&mut self.mend);
        self
    }

    /// Says where in the dump it stands.
    pub(super) fn at(mut self, at: At) -> Self {
        self.at = Some(at);
        self
    }
}

/// The server's words, without who was asked what.
pub(super) fn message(error: &ServerError) -> String {
    match error {
        ServerError::Denied { message, .. } | ServerError::Query { message, .. } => message.clone(),
        ServerError::Lost { message, .. } => format!("the connection was lost: {message}"),
        other => other.to_string(),
    }
}

/// The beginning of a statement on one line.
pub(super) fn beginning(sql: &[u8]) -> String {
    let text = String::from_utf8_lossy(sql.get(..LOOKED_AT).unwrap_or(sql));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

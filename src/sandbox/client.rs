//! A session in which what others wrote runs, as in that of a client that reads a file.

use std::time::Duration;

use super::SandboxError;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::login::Login;
use crate::server::writer::Writer;

/// A session on a server that is thrown away, or in a database of its own into which a backup is restored, with the
/// settings that a client finds there.
pub struct Client {
    writer: Writer,
    limit: Duration,
}

impl Client {
    /// Connects to a server, and to `database` there, if one is given. Each statement may take the time `limit`.
    ///
    /// # Errors
    /// The server does not answer, or the database is not there.
    pub fn open(
        login: &Login,
        database: Option<&str>,
        limit: Duration,
    ) -> Result<Self, SandboxError> {
        let mut writer = Writer::begin(Reader::open(login)?)?;
        for statement in [
            "SET SESSION sql_mode = DEFAULT",
            "SET SESSION lock_wait_timeout = DEFAULT",
            "SET SESSION innodb_lock_wait_timeout = DEFAULT",
        ] {
            writer.run("the session's settings", statement)?;
        }
        if let Some(database) = database {
            writer.use_database(database)?;
        }
        Ok(Self { writer, limit })
    }

    /// Runs one statement, or several, as they are.
    ///
    /// # Errors
    /// The account may not do it, the server refuses it or takes longer than the limit, or the connection is lost.
    pub fn run(&mut self, about: &str, sql: &[u8]) -> Result<(), ServerError> {
        self.writer.run_foreign(about, sql, self.limit)
    }

    /// The connection, for statements of our own.
    pub fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }
}

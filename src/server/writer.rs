//! A connection that may change a database: [`Writer`].

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::connection::Reader;
use super::error::ServerError;

/// Seconds that a statement may wait for rows locked by another session, unless it is set otherwise.
const ROW_LOCK_WAIT: u32 = 5;

/// A connection that may change a database; it can ask questions as well.
///
/// Only three parts of the program make a writer: the executor of changes ([`crate::change`]), the probe of
/// privileges ([`super::probe`]) and the private server that is thrown away afterwards. A test holds the list.
/// Code that holds a [`Reader`] and no `Writer` cannot change anything.
pub struct Writer {
    reader: Reader,
}

impl Writer {
    /// Lets a connection change the database that it is connected to.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn begin(mut reader: Reader) -> Result<Self, ServerError> {
        let about = "the session's settings";
        // Servers before MySQL 5.6 and MariaDB 10.0 know no transactions that only read.
        if let Err(error) = reader.send(about, "SET SESSION TRANSACTION READ WRITE")
            && error.is_lost()
        {
            return Err(error);
        }
        let wait = format!("SET SESSION innodb_lock_wait_timeout = {ROW_LOCK_WAIT}");
        reader.send(about, &wait)?;
        Ok(Self { reader })
    }

    /// Turns the connection back into one that can only ask, with the settings that it began with.
    ///
    /// # Errors
    /// The connection is lost.
    pub(crate) fn end(mut self) -> Result<Reader, ServerError> {
        self.run("the session's settings", "SET SESSION time_zone = DEFAULT")?;
        self.reader.settle()?;
        Ok(self.reader)
    }

    /// Runs a statement that has no answer; returns how many rows it changed.
    ///
    /// # Errors
    /// The account may not do it, the server refuses the statement, or the connection is lost.
    pub fn run(&mut self, about: &str, sql: &str) -> Result<u64, ServerError> {
        self.reader.send(about, sql)
    }

    /// Runs a statement like [`Writer::run`], as a prepared statement; the server then takes exactly one.
    ///
    /// # Errors
    /// The errors of [`Writer::run`]. The server cannot prepare statements of every kind.
    pub fn run_prepared(&mut self, about: &str, sql: &str) -> Result<u64, ServerError> {
        self.reader.send_prepared(about, sql)
    }

    /// Runs what another program wrote, as it is, in at most the time `limit`: several statements as well, and bytes of
    /// any character set. Only a server that is thrown away afterwards may be given that, and a database of its own in which a
    /// backup is restored; a test holds that both go through the room `sandbox`.
    ///
    /// # Errors
    /// The errors of [`Writer::run`].
    pub(crate) fn run_foreign(
        &mut self,
        about: &str,
        sql: &[u8],
        limit: Duration,
    ) -> Result<(), ServerError> {
        self.reader.send_foreign(about, sql, limit)
    }
}

impl Deref for Writer {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of src can be listed") {
            let path = entry.expect("an entry of it can be read").path();
            match path.is_dir() {
                true => files(&path, into),
                false => into.push(path),
            }
        }
    }

    #[test]
    fn only_the_executor_the_probe_and_the_sandbox_make_writers_and_only_it_runs_what_others_wrote()
    {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut all = Vec::new();
        files(&source, &mut all);
        let makes = format!("Writer::{}", "begin");
        let foreign = format!(".run_{}(", "foreign");
        for file in all {
            let text = fs::read_to_string(&file).expect("a file of src can be read");
            let place = file.strip_prefix(&source).expect("it is in src");
            let runs_foreign = text.contains(&foreign) && !place.starts_with("server");
            assert!(
                !runs_foreign || place.starts_with("sandbox"),
                "{}",
                place.display()
            );
            let allowed = ["change/session.rs", "server/probe.rs"];
            let is_allowed = allowed.iter().any(|allowed| place == Path::new(allowed))
                || place.starts_with("sandbox");
            assert!(is_allowed || !text.contains(&makes), "{}", place.display());
        }
    }
}

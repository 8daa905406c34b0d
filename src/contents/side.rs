//! One of the two sources: what it holds, and how it is read.

use super::digest::{Hashes, TableDigest};
use super::dump::{self, Passed};
use super::pass::Pass;
use super::passes::DigestPass;
use super::server;
use crate::civicrm::upgrade::steps::StepError;
use crate::row_file::RowFileError;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::snapshot::{ObjectKind, Snapshot};
use crate::source::{Location, SourceError};

/// Why two sources could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// One of them cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The server cannot be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The steps of the upgrade cannot be read.
    #[error(transparent)]
    Steps(#[from] StepError),
    /// The rows that differ cannot be written.
    #[error(transparent)]
    Export(#[from] RowFileError),
}

/// One of the two sources.
pub struct Side<'l> {
    pub(super) location: &'l Location,
    pub(super) connection: Option<Reader>,
    /// What the source holds besides its rows.
    pub snapshot: Snapshot,
    pub(super) digests: Passed<TableDigest>,
}

/// Tells how far a source has been read: the name of the source, and a table or a share of a file.
pub type Watch<'w> = &'w mut dyn FnMut(&Location, &crate::dump::container::Progress);

impl<'l> Side<'l> {
    /// Reads a source once: its facts, and the sums of its tables.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn read(
        location: &'l Location,
        database: Option<&str>,
        hashes: Hashes,
        watch: Watch<'_>,
    ) -> Result<Self, ContentsError> {
        let pass = DigestPass { hashes, only: None };
        if let Location::Server(place) = location {
            let (mut connection, database) = place.connect(database)?;
            let snapshot = place.read(&mut connection, &database)?;
            let digests = server::read(&mut connection, &snapshot.schema, &pass, &mut |_| {})?;
            return Ok(Self {
                location,
                connection: Some(connection),
                snapshot,
                digests,
            });
        }
        let mut watch = |progress: &_| watch(location, progress);
        let (snapshot, digests) = dump::read(location, database, &pass, &mut watch)?;
        Ok(Self {
            location,
            connection: None,
            snapshot,
            digests,
        })
    }

    pub(super) fn can_be_read_again(&self) -> bool {
        self.location.can_be_read_again()
    }

    pub(super) fn again<P: Pass>(
        &mut self,
        pass: &P,
        watch: Watch<'_>,
    ) -> Result<Passed<P::Facts>, ContentsError> {
        if let Some(connection) = &mut self.connection {
            let schema = &self.snapshot.schema;
            return Ok(server::read(connection, schema, pass, &mut |_| {})?);
        }
        let database = self.snapshot.database.as_deref();
        let mut watch = |progress: &_| watch(self.location, progress);
        let (_, passed) = dump::read(self.location, database, pass, &mut watch)?;
        Ok(passed)
    }

    pub(super) fn rows(&self, table: &str) -> u64 {
        let digest = self.digests.tables.get(table);
        digest.map_or(0, |(_, digest)| digest.rows)
    }

    /// What of the source could not be read for a comparison: the table or part, and why.
    pub(super) fn not_read(&self) -> Vec<(String, String)> {
        let name = self.location.name();
        let mut all = Vec::new();
        if let Some(why) = self.snapshot.hidden.get(&ObjectKind::Table) {
            all.push(("tables".to_owned(), format!("{name}: {why}")));
        }
        if let Some((verb, line)) = &self.digests.changed {
            let why =
                format!("{name}: line {line}: {verb} changes rows in a way that is not followed");
            all.push(("rows".to_owned(), why));
        }
        if self.snapshot.rows_estimated {
            return all;
        }
        for (table, count) in &self.snapshot.row_counts {
            let table = table.to_ascii_lowercase();
            let digest = self.digests.tables.get(&table);
            let read = digest.map_or(0, |(_, digest)| digest.rows + digest.unread);
            if read != *count {
                let rows = crate::text::count(*count, "row");
                let why = format!(
                    "{name}: {rows} of it are there, and {read} could be read for a comparison"
                );
                all.push((table, why));
            }
        }
        all
    }

    /// Whether there may be tables and columns that the account cannot see.
    pub(super) fn hides_tables(&self) -> bool {
        self.snapshot.hidden.contains_key(&ObjectKind::Table)
    }

    /// The columns that made the keys of the rows of a table.
    pub(super) fn key_used(&self, table: &str) -> Option<Vec<String>> {
        let (shape, _) = self.digests.tables.get(table)?;
        let names = shape
            .key
            .iter()
            .filter_map(|column| shape.columns.get_index(*column));
        Some(names.map(|(name, _)| name.clone()).collect())
    }
}

/// Why the contents of a table of one source cannot be compared.
pub(super) fn unreadable(side: &Side<'_>, table: &str, digest: &TableDigest) -> Option<String> {
    let name = side.location.name();
    if let Some(why) = side.digests.unread.get(table) {
        return Some(format!("{name}: {why}"));
    }
    if digest.unread > 0 {
        let rows = crate::text::count(digest.unread, "row");
        return Some(format!("{name}: {rows} of it cannot be read"));
    }
    let charset = side.digests.odd_charsets.get(table)?;
    Some(format!(
        "{name}: its text is in the character set {charset}, which is not read"
    ))
}

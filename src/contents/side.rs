//! One of the two sources: what it holds, and how it is read.

use std::sync::Arc;

use super::by_server;
use super::digest::{Hashes, TableDigest};
use super::dump::{self, Passed};
use super::pass::{Pass, Shape};
use super::passes::DigestPass;
use super::server::{self, Moment};
use crate::civicrm::upgrade::steps::StepError;
use crate::row_file::RowFileError;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::snapshot::{ObjectKind, Snapshot};
use crate::source::{Location, ServerLocation, SourceError};

/// Why two sources could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// One of them cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Servers are to sum up their rows, and this source is none.
    #[error("{0} is no running server, which could sum up its rows")]
    NoServer(String),
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
    pub(super) connection: Option<(Reader, Moment)>,
    /// What the source holds besides its rows.
    pub snapshot: Snapshot,
    pub(super) digests: Passed<TableDigest>,
    /// How many tables the servers themselves found equal.
    pub(super) by_server: u64,
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
            let mut side = Self::of_server(location, place, database)?;
            side.digests = side.again(&pass, watch)?;
            return Ok(side);
        }
        let mut watch = |progress: &_| watch(location, progress);
        let (snapshot, digests) = dump::read(location, database, &pass, &mut watch)?;
        Ok(Self {
            location,
            connection: None,
            snapshot,
            digests,
            by_server: 0,
        })
    }

    /// Reads two servers like [`Side::read`], both at nearly the same moment. With `fast` no rows are sent of the tables
    /// that the servers themselves find equal, and no totals of these are known.
    ///
    /// # Errors
    /// One of them is no server, or cannot be read.
    pub fn read_servers(
        [before, after]: [(&'l Location, Option<&str>); 2],
        hashes: Hashes,
        fast: bool,
    ) -> Result<[Self; 2], ContentsError> {
        let begin = |(location, database): (&'l Location, Option<&str>)| match location {
            Location::Server(place) => Self::of_server(location, place, database),
            other => Err(ContentsError::NoServer(other.name())),
        };
        let mut sides = [begin(before)?, begin(after)?];
        if fast {
            by_server::digest(&mut sides, hashes)?;
        }
        for side in &mut sides {
            let known = &side.digests.tables;
            let tables = side.snapshot.schema.tables.iter();
            let rest = tables.filter(|(name, _)| !known.contains_key(&name.to_ascii_lowercase()));
            let keys = rest.map(|(name, table)| {
                let shape = Shape::of(name, table, None);
                (shape.table.clone(), shape.key_names())
            });
            let pass = DigestPass {
                hashes,
                only: Some(Arc::new(keys.collect())),
            };
            let read = side.again(&pass, &mut |_, _| {})?;
            side.digests.unread = read.unread;
            side.digests.tables.extend(read.tables);
        }
        Ok(sides)
    }

    /// Connects to a server, reads all but its rows, and begins to see one moment of them.
    fn of_server(
        location: &'l Location,
        place: &ServerLocation,
        database: Option<&str>,
    ) -> Result<Self, ContentsError> {
        let (mut connection, database) = place.connect(database)?;
        let snapshot = place.read(&mut connection, &database)?;
        let moment = server::begin(&mut connection)?;
        Ok(Self {
            location,
            connection: Some((connection, moment)),
            snapshot,
            digests: Passed::default(),
            by_server: 0,
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
        if let Some((connection, _)) = &mut self.connection {
            let schema = &self.snapshot.schema;
            return Ok(server::read(connection, schema, pass, &mut |_| {})?);
        }
        let database = self.snapshot.database.as_deref();
        let mut watch = |progress: &_| watch(self.location, progress);
        let (_, passed) = dump::read(self.location, database, pass, &mut watch)?;
        Ok(passed)
    }

    /// The tables whose rows were changed since the moment at which they are seen, each with its storage engine where that
    /// does not keep the rows of that moment.
    pub(super) fn changed_since(&mut self) -> Result<Vec<(String, Option<String>)>, ContentsError> {
        let Some((connection, moment)) = &mut self.connection else {
            return Ok(Vec::new());
        };
        Ok(moment.changed_since(connection)?)
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
        Some(shape.key_names())
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

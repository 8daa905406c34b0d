//! The rows of a dump.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use super::form::{Charset, Form, Spelling, minutes_ahead};
use super::layout::Layout;
use super::pass::{Pass, Shape};
use crate::civicrm::site;
use crate::dump::container::Progress;
use crate::dump::reader::DumpReader;
use crate::dump::row_sink::{Gather, RowSink, TableName};
use crate::dump::scanner::Statement;
use crate::snapshot::Snapshot;
use crate::source::{Location, SourceError};

/// What one pass over a source has kept.
pub struct Passed<F> {
    /// The shape and facts of each table that has rows, by its name in lower case.
    pub tables: IndexMap<String, (Arc<Shape>, F)>,
    /// Tables whose TIMESTAMP columns are in a time zone that nothing tells.
    pub without_zone: BTreeSet<String>,
    /// Tables with text in a character set that is not read, with its name.
    pub odd_charsets: IndexMap<String, String>,
    /// Tables that could not be read, with the reason.
    pub unread: IndexMap<String, String>,
    /// The first statement of a dump that changes rows and is not an INSERT with their values: its verb and its line.
    pub changed: Option<(String, u64)>,
}

impl<F> Default for Passed<F> {
    fn default() -> Self {
        Self {
            tables: IndexMap::new(),
            without_zone: BTreeSet::new(),
            odd_charsets: IndexMap::new(),
            unread: IndexMap::new(),
            changed: None,
        }
    }
}

/// Reads all rows of a dump; returns its facts as well.
///
/// # Errors
/// The dump cannot be read, or it holds several CiviCRM databases.
pub fn read<P: Pass>(
    location: &Location,
    database: Option<&str>,
    pass: &P,
    watch: &mut dyn FnMut(&Progress),
) -> Result<(Snapshot, Passed<P::Facts>), SourceError> {
    let reader = DumpReader::new(site::ROWS_WANTED);
    let mut sink = RowSink::new(reader, Sieve::new(pass.clone()));
    let container = location.scan(&mut sink, watch)?;
    let (reader, sieve) = sink.finish();
    let snapshot = location.finish(reader, container, database)?;
    // The reader shows a database that only the head of the dump names by that name.
    let is_named = sieve
        .tables
        .keys()
        .any(|(name, _)| *name == snapshot.database);
    let database = snapshot.database.clone().filter(|_| is_named);
    let passed = sieve.of_database(database.as_ref());
    Ok((snapshot, passed))
}

/// Takes the rows of all databases of a dump: which one matters is known at its end.
struct Sieve<P: Pass> {
    pass: P,
    tables: IndexMap<TableName, (Arc<Shape>, P::Facts)>,
    without_zone: BTreeSet<TableName>,
    odd_charsets: IndexMap<TableName, String>,
    unread: IndexMap<TableName, String>,
    changed: Option<(String, u64)>,
}

impl<P: Pass> Sieve<P> {
    fn new(pass: P) -> Self {
        Self {
            pass,
            tables: IndexMap::new(),
            without_zone: BTreeSet::new(),
            odd_charsets: IndexMap::new(),
            unread: IndexMap::new(),
            changed: None,
        }
    }

    fn of_database(self, database: Option<&String>) -> Passed<P::Facts> {
        let is_of = |name: &TableName| name.0.as_ref() == database;
        Passed {
            tables: (self.tables.into_iter())
                .filter(|(name, _)| is_of(name))
                .map(|((_, table), facts)| (table, facts))
                .collect(),
            without_zone: (self.without_zone.into_iter())
                .filter(is_of)
                .map(|(_, table)| table)
                .collect(),
            odd_charsets: (self.odd_charsets.into_iter())
                .filter(|(name, _)| is_of(name))
                .map(|((_, table), charset)| (table, charset))
                .collect(),
            unread: (self.unread.into_iter())
                .filter(|(name, _)| is_of(name))
                .map(|((_, table), why)| (table, why))
                .collect(),
            changed: self.changed,
        }
    }

    fn note_spelling(
        &mut self,
        name: &TableName,
        shape: &Shape,
        reader: &DumpReader,
        as_is: Spelling,
    ) {
        let forms = || shape.columns.values();
        if as_is.minutes_ahead.is_none() && forms().any(|form| *form == Form::Timestamp) {
            self.without_zone.insert(name.clone());
        }
        let is_odd = match as_is.charset {
            Charset::Other => forms().any(|form| matches!(form, Form::Text(_))),
            Charset::Binary => forms().any(|form| *form == Form::Text(Charset::Other)),
            Charset::Utf8 | Charset::Latin1 => false,
        };
        if is_odd {
            let charset = reader.client_charset().unwrap_or_default();
            self.odd_charsets.insert(name.clone(), charset.to_owned());
        }
    }
}

impl<P: Pass> Gather for Sieve<P> {
    type Rows = Layout<P>;

    fn rows(&mut self, reader: &DumpReader) -> Option<Layout<P>> {
        let (database, table, columns) = reader.current_insert()?;
        let name = (database.map(str::to_owned), table.to_ascii_lowercase());
        let definition = reader.table(database, table)?;
        let shape = match self.tables.get(&name) {
            Some((shape, _)) => Arc::clone(shape),
            None => Arc::new(self.pass.shape(&name.1, definition)?),
        };
        let charset = reader.client_charset();
        let spelling = Spelling {
            charset: charset.map_or(Charset::Utf8, Charset::named),
            minutes_ahead: reader.time_zone().and_then(minutes_ahead),
        };
        self.note_spelling(&name, &shape, reader, spelling);
        let entry = self.tables.entry(name);
        let index = entry.index();
        entry.or_insert_with(|| (Arc::clone(&shape), self.pass.no_rows(&shape)));
        Some(Layout {
            pass: self.pass.clone(),
            table: index,
            places: Layout::<P>::places(&shape, columns),
            shape,
            spelling,
            modes: reader.sql_modes(),
        })
    }

    fn facts(&mut self, table: usize) -> Option<&mut P::Facts> {
        let (_, (_, facts)) = self.tables.get_index_mut(table)?;
        Some(facts)
    }

    fn merge(&mut self, table: usize, facts: P::Facts) {
        if let Some((_, (_, ours))) = self.tables.get_index_mut(table) {
            self.pass.merge(ours, facts);
        }
    }

    fn statement(&mut self, statement: &Statement<'_>) {
        let verb = statement
            .text
            .split(|byte| !byte.is_ascii_alphabetic())
            .next();
        let verb = String::from_utf8_lossy(verb.unwrap_or_default()).to_ascii_uppercase();
        let changes = ["INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD"];
        if self.changed.is_none() && changes.contains(&verb.as_str()) {
            self.changed = Some((verb, statement.place.line));
        }
    }

    fn forget(&mut self, table: &TableName) -> Option<usize> {
        let (index, _, (shape, facts)) = self.tables.get_full_mut(table)?;
        *facts = self.pass.no_rows(shape);
        Some(index)
    }
}

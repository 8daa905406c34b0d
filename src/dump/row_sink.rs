//! Reads a dump as [`DumpReader`] does, and gathers facts about its rows.

use std::sync::{Arc, Weak};

use super::lent::Lent;
use super::reader::{Companion, DumpReader};
use super::scanner::{Sink, Statement, Taken, Wanted};
use super::workers::{RowReader, Workers};
use crate::schema::ddl;
use crate::schema::model::Name;

/// Bytes of rows that are read in one go, before workers are asked again whether they have something to do.
const SLICE: usize = 128 * 1024;

/// A table of one database of a dump, both as the dump names them, the table in lower case.
pub type TableName = (Option<String>, String);

/// What is gathered of which tables.
pub trait Gather {
    /// How the rows of one INSERT are read.
    type Rows: RowReader;

    /// How to read the rows of the INSERT that the reader has just begun; `None` where nothing is needed of them.
    fn rows(&mut self, reader: &DumpReader) -> Option<Self::Rows>;
    /// The facts about the table of this index.
    fn facts(&mut self, table: usize) -> Option<&mut <Self::Rows as RowReader>::Facts>;
    /// Adds facts that a worker has gathered of the table of this index.
    fn merge(&mut self, table: usize, facts: <Self::Rows as RowReader>::Facts);
    /// Takes a statement other than the rows of an INSERT.
    fn statement(&mut self, _: &Statement<'_>) {}
    /// Drops the facts about a table, which a statement of the dump empties or drops; returns its index.
    fn forget(&mut self, table: &TableName) -> Option<usize>;
}

/// Reads a dump as [`DumpReader`] does, and hands the rows of its INSERT statements to what gathers facts about them, on
/// several threads where that is worth it.
pub struct RowSink<G: Gather> {
    reader: DumpReader,
    gather: G,
    rows: Option<Arc<G::Rows>>,
    workers: Workers<G::Rows>,
    /// The buffer in which the text stands.
    lent: Weak<Lent>,
    /// The INSERT statement that `rows` belongs to; empty when there is none.
    head: Vec<u8>,
    /// Which rows of this INSERT statement the reader wants as well.
    reader_wants: Wanted,
    /// Whether the reader has got the first row of this INSERT statement.
    first_is_read: bool,
    scratch: <G::Rows as RowReader>::Scratch,
}

impl<G: Gather> RowSink<G> {
    /// Makes a sink of the reader that takes all other facts from the dump.
    pub fn new(reader: DumpReader, gather: G) -> Self {
        Self {
            reader,
            gather,
            rows: None,
            workers: Workers::default(),
            lent: Weak::new(),
            head: Vec::new(),
            reader_wants: Wanted::None,
            first_is_read: false,
            scratch: <G::Rows as RowReader>::Scratch::default(),
        }
    }

    /// Ends the pass, and returns the reader and what was gathered.
    pub fn finish(mut self) -> (DumpReader, G) {
        for (table, facts) in self.workers.finish() {
            self.gather.merge(table, facts);
        }
        (self.reader, self.gather)
    }

    /// The rows at the beginning of a text that the reader does not want as well.
    fn left_by_reader<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        let end = match self.reader_wants {
            Wanted::None => text.len(),
            Wanted::Containing(what) if self.first_is_read => {
                memchr::memmem::find(text, what).unwrap_or(text.len())
            }
            Wanted::First | Wanted::Containing(_) | Wanted::Whole => 0,
        };
        text.get(..end).unwrap_or_default()
    }

    fn forget(&mut self, statement: &[u8]) {
        for name in emptied(statement, &self.reader) {
            if let Some(table) = self.gather.forget(&name) {
                self.workers.forget(table);
            }
        }
    }
}

impl<G: Gather> Companion for RowSink<G> {
    fn held(&self) -> &DumpReader {
        &self.reader
    }

    fn held_mut(&mut self) -> &mut DumpReader {
        &mut self.reader
    }

    fn statement(&mut self, statement: Statement<'_>) {
        self.head.clear();
        self.forget(statement.text);
        self.gather.statement(&statement);
        self.reader.statement(statement);
    }

    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.reader_wants = self.reader.rows_begin(head);
        self.first_is_read = false;
        if self.head != head.text {
            self.head.clear();
            self.head.extend_from_slice(head.text);
            self.rows = self.gather.rows(&self.reader).map(Arc::new);
        }
        match self.rows {
            Some(_) => Wanted::Whole,
            None => self.reader_wants,
        }
    }

    fn rows(&mut self, text: &[u8]) -> Taken {
        // So few that a worker does not run out of rows meanwhile.
        let text = self.left_by_reader(text.get(..SLICE).unwrap_or(text));
        let Some(rows) = &self.rows else {
            return Taken::default();
        };
        match self.gather.facts(rows.table()) {
            Some(facts) => rows.read_open(text, facts, &mut self.scratch),
            None => Taken::default(),
        }
    }

    fn lent(&mut self, buffer: &Arc<Lent>) {
        self.lent = Arc::downgrade(buffer);
    }

    fn wants_batches(&self) -> bool {
        self.rows.is_some() && self.reader_wants == Wanted::None && self.workers.is_free()
    }

    fn batch(&mut self, rows: &[u8]) -> bool {
        match &self.rows {
            Some(reader) => self.workers.read(reader, rows, self.lent.upgrade()),
            None => false,
        }
    }

    fn row(&mut self, values: Statement<'_>) {
        self.first_is_read = true;
        match self.reader_wants {
            Wanted::None => {}
            Wanted::First => {
                self.reader.row(values);
                self.reader_wants = Wanted::None;
            }
            Wanted::Containing(_) | Wanted::Whole => self.reader.row(values),
        }
        if let Some(rows) = &self.rows
            && let Some(facts) = self.gather.facts(rows.table())
        {
            rows.read(values.text, facts, &mut self.scratch);
        }
    }
}

/// The tables that a statement empties or drops.
pub fn emptied(statement: &[u8], reader: &DumpReader) -> Vec<TableName> {
    let verb = statement
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    if ![&b"DROP"[..], b"TRUNCATE"]
        .iter()
        .any(|known| verb.eq_ignore_ascii_case(known))
    {
        return Vec::new();
    }
    let sql = String::from_utf8_lossy(statement);
    let names: Vec<Name> = match ddl::parse(&sql, reader.sql_modes()) {
        Ok(ddl::Statement::DropTable(drop)) => drop.names,
        Ok(ddl::Statement::TruncateTable(name)) => vec![name],
        _ => return Vec::new(),
    };
    let names = names.into_iter();
    names
        .map(|name| (reader.database_named(&name), name.name.to_ascii_lowercase()))
        .collect()
}

//! The first reading of a dump: its facts, and how many bytes the rows of each table take.

use indexmap::IndexMap;

use crate::dump::reader::{Companion, DumpReader};
use crate::dump::scanner::{Sink, Statement, Wanted};
use crate::snapshot::Place;

/// Reads a dump as [`DumpReader`] does, and counts the bytes of each table's rows.
pub struct Survey {
    reader: DumpReader,
    began: u64,
    in_rows: bool,
    table: String,
    bytes: IndexMap<String, u64>,
}

impl Survey {
    /// A survey that leaves the facts to `reader`.
    pub fn new(reader: DumpReader) -> Self {
        Self {
            reader,
            began: 0,
            in_rows: false,
            table: String::new(),
            bytes: IndexMap::new(),
        }
    }

    /// The reader with the facts, and the bytes of the statements with rows by table.
    pub fn finish(self) -> (DumpReader, IndexMap<String, u64>) {
        (self.reader, self.bytes)
    }
}

impl Companion for Survey {
    fn held(&self) -> &DumpReader {
        &self.reader
    }

    fn held_mut(&mut self) -> &mut DumpReader {
        &mut self.reader
    }

    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.began = head.place.offset;
        self.in_rows = true;
        self.reader.rows_begin(head)
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        let table = self.reader.rows_go_into();
        if self.table != table {
            table.clone_into(&mut self.table);
        }
        self.reader.rows_end(count, broken, place);
    }

    fn ends(&mut self, offset: u64) {
        if std::mem::take(&mut self.in_rows) {
            let bytes = offset.saturating_sub(self.began);
            match self.bytes.get_mut(&self.table) {
                Some(known) => *known += bytes,
                None => {
                    self.bytes.insert(self.table.clone(), bytes);
                }
            }
        }
    }
}

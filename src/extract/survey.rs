//! The first reading of a dump: its facts, and how many bytes the rows of each table take.

use indexmap::IndexMap;

use crate::dump::reader::{DumpReader, DumpSink};
use crate::dump::scanner::{Sink, Statement, Wanted};
use crate::schema::lexer::SqlModes;
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

impl DumpSink for Survey {
    fn reader(&mut self) -> &mut DumpReader {
        &mut self.reader
    }
}

impl Sink for Survey {
    fn statement(&mut self, statement: Statement<'_>) {
        self.reader.statement(statement);
    }

    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.began = head.place.offset;
        self.in_rows = true;
        self.reader.rows_begin(head)
    }

    fn row(&mut self, values: Statement<'_>) {
        self.reader.row(values);
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        let table = self.reader.rows_go_into();
        if self.table != table {
            table.clone_into(&mut self.table);
        }
        self.reader.rows_end(count, broken, place);
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        self.reader.comment(text, place, ended);
    }

    fn comment_inside(&mut self, text: &[u8], place: Place) {
        self.reader.comment_inside(text, place);
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

    fn large(&mut self, bytes: u64, place: Place) {
        self.reader.large(bytes, place);
    }

    fn sets_noise_apart(&self) -> bool {
        self.reader.sets_noise_apart()
    }

    fn noise(&mut self, line: &[u8], place: Place) {
        self.reader.noise(line, place);
    }

    fn modes(&self) -> SqlModes {
        self.reader.modes()
    }
}

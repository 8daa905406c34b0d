//! Sinks that look at some of what a dump holds, and leave all of it to a reader that they hold.

use std::sync::Arc;

use super::{DumpReader, DumpSink};
use crate::dump::lent::Lent;
use crate::dump::scanner::{Sink, Statement, Taken, Wanted};
use crate::schema::lexer::SqlModes;
use crate::snapshot::Place;

/// Looks at statements and rows of a dump besides the [`DumpReader`] that it holds. Whatever it does not look at goes to
/// the reader, and what it looks at it hands on, so that the reader gives the same facts as without it.
pub trait Companion {
    /// The reader.
    fn held(&self) -> &DumpReader;
    /// The reader, to hand something on.
    fn held_mut(&mut self) -> &mut DumpReader;

    /// As [`Sink::statement`].
    fn statement(&mut self, statement: Statement<'_>) {
        self.held_mut().statement(statement);
    }
    /// As [`Sink::rows_begin`].
    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.held_mut().rows_begin(head)
    }
    /// As [`Sink::row`].
    fn row(&mut self, values: Statement<'_>) {
        self.held_mut().row(values);
    }
    /// As [`Sink::rows`].
    fn rows(&mut self, _text: &[u8]) -> Taken {
        Taken::default()
    }
    /// As [`Sink::lent`].
    fn lent(&mut self, _buffer: &Arc<Lent>) {}
    /// As [`Sink::wants_batches`].
    fn wants_batches(&self) -> bool {
        false
    }
    /// As [`Sink::batch`].
    fn batch(&mut self, _rows: &[u8]) -> bool {
        false
    }
    /// As [`Sink::rows_end`].
    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.held_mut().rows_end(count, broken, place);
    }
    /// As [`Sink::ends`].
    fn ends(&mut self, _offset: u64) {}
}

impl<C: Companion> Sink for C {
    fn statement(&mut self, statement: Statement<'_>) {
        Companion::statement(self, statement);
    }

    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        Companion::rows_begin(self, head)
    }

    fn row(&mut self, values: Statement<'_>) {
        Companion::row(self, values);
    }

    fn rows(&mut self, text: &[u8]) -> Taken {
        Companion::rows(self, text)
    }

    fn lent(&mut self, buffer: &Arc<Lent>) {
        Companion::lent(self, buffer);
    }

    fn wants_batches(&self) -> bool {
        Companion::wants_batches(self)
    }

    fn batch(&mut self, rows: &[u8]) -> bool {
        Companion::batch(self, rows)
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        Companion::rows_end(self, count, broken, place);
    }

    fn ends(&mut self, offset: u64) {
        Companion::ends(self, offset);
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        self.held_mut().comment(text, place, ended);
    }

    fn comment_inside(&mut self, text: &[u8], place: Place) {
        self.held_mut().comment_inside(text, place);
    }

    fn large(&mut self, bytes: u64, place: Place) {
        self.held_mut().large(bytes, place);
    }

    fn sets_noise_apart(&self) -> bool {
        self.held().sets_noise_apart()
    }

    fn noise(&mut self, line: &[u8], place: Place) {
        self.held_mut().noise(line, place);
    }

    fn tail(&mut self, text: &[u8]) {
        self.held_mut().tail(text);
    }

    fn values(&mut self, count: u64) {
        self.held_mut().values(count);
    }

    fn zero_byte(&mut self, place: Place) {
        self.held_mut().zero_byte(place);
    }

    fn modes(&self) -> SqlModes {
        self.held().modes()
    }
}

impl<C: Companion> DumpSink for C {
    fn reader(&mut self) -> &mut DumpReader {
        self.held_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::scanner::{LARGE, Scanner};

    /// Looks at nothing.
    struct Idle(DumpReader);

    impl Companion for Idle {
        fn held(&self) -> &DumpReader {
            &self.0
        }

        fn held_mut(&mut self) -> &mut DumpReader {
            &mut self.0
        }
    }

    fn facts(mut sink: impl DumpSink, dump: &[u8]) -> String {
        let mut scanner = Scanner::default();
        scanner.feed(dump, &mut sink);
        let ending = scanner.finish(&mut sink);
        let mut reader = std::mem::take(sink.reader());
        reader.end_file(ending, None, &[]);
        let snapshot = reader.finish(None, &[]).expect("one database");
        format!("{snapshot:#?}")
    }

    #[test]
    fn a_reader_that_is_held_sees_what_one_alone_sees() {
        // Comments between and inside statements, stray lines, rows, a setting and a long statement.
        let long = "(1),".repeat(usize::try_from(LARGE).expect("a size") / 4);
        let dump = format!(
            "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n-- Host: localhost    Database: civicrm\n\
             -- Server version\t5.7.37\nWarning: a stray line\nSET sql_mode='ANSI_QUOTES';\nCREATE TABLE \"a\" (id int);\n\
             INSERT INTO \"a\" VALUES {long}(2);\nINSERT INTO \"a\" VALUES (1),\n\
             -- Dump completed on 2025-05-01  2:00:07\n(2);\n-- Dump completed on 2025-05-02  2:00:07\n"
        );
        let alone = facts(DumpReader::default(), dump.as_bytes());
        for seen in [
            "Dump completed on 2025-05-01",
            "a stray line",
            "finished: Some(",
        ] {
            assert!(alone.contains(seen), "{seen}: {alone}");
        }
        assert!(!alone.contains("large_statements: {},"), "{alone}");
        assert_eq!(facts(Idle(DumpReader::default()), dump.as_bytes()), alone);
    }
}

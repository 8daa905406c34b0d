//! The rows of an INSERT: handed over where they are wanted, else passed over by the block.

use std::ops::Range;

use super::DEFAULT_DELIMITER;
use super::ahead::Cursor;
use super::marks::{begins_with, starts_with};
use super::rows::{Passed, Rows, Separator};
use super::sink::{Sink, Wanted};
use super::state::{Inside, Mode, Scanner};
use crate::schema::lexer::SqlModes;

impl Scanner {
    /// Passes over rows that are not wanted, as far as they are written as dump programs do. The rest is left
    /// to the other functions: under an unusual `sql_mode` or delimiter, or in quotes of another kind, that is
    /// everything.
    pub(super) fn pass_rows(
        &mut self,
        bytes: &[u8],
        ahead: &mut Cursor<'_>,
        pos: usize,
        end: usize,
    ) -> usize {
        let quoted = match self.inside {
            Inside::Plain => false,
            Inside::Quote(b'\'') => true,
            _ => return pos,
        };
        let Some(delimiter) = self.passable_delimiter() else {
            return pos;
        };
        let end = match self.rows_wanted {
            Wanted::None => end,
            // Whole rows, up to the next wanted one.
            Wanted::Containing(what)
                if self.rows > 0 && self.keep_from == Some(pos) && self.text.is_empty() =>
            {
                self.next_hit(bytes, pos, what).min(end)
            }
            Wanted::First | Wanted::Containing(_) | Wanted::Whole => return pos,
        };
        let known = match delimiter {
            DEFAULT_DELIMITER => ahead.next(pos),
            _ => None,
        };
        let passed = match known {
            Some((from, passed)) if from == pos && !quoted && passed.at <= end => passed,
            _ => {
                // No farther than to the rows that are counted already.
                let known = known.map_or(end, |(from, _)| from);
                let end = if known > pos { end.min(known) } else { end };
                self.rows_of(bytes, pos..end, quoted, delimiter)
            }
        };
        if self.rows_wanted == Wanted::None {
            self.count_lines(bytes, pos);
            self.lines += passed.lines;
            self.counted = passed.counted;
            self.inside = match passed.quoted {
                true => Inside::Quote(b'\''),
                false => Inside::Plain,
            };
            self.rows += passed.rows;
            self.add_commas(passed.commas);
            if let Some(separator) = Separator::at(bytes, passed.at) {
                self.separator = separator;
            }
            return passed.at;
        }
        let Some(begins) = passed.row_begins else {
            return pos;
        };
        self.rows += passed.rows;
        self.add_commas(passed.whole_commas);
        self.begin_row(bytes, begins - 1);
        begins
    }

    /// Adds commas between the values of rows.
    pub(super) fn add_commas(&mut self, commas: u64) {
        self.commas = self.commas.map(|counted| counted + commas);
    }

    /// Hands over whole rows from the beginning of one. Returns where the last row begins, which may not be whole;
    /// `None` if the rows are not taken.
    pub(super) fn batch(
        &mut self,
        bytes: &[u8],
        known: Option<(usize, Passed)>,
        pos: usize,
        end: usize,
        sink: &mut dyn Sink,
    ) -> Option<usize> {
        let delimiter = self.passable_delimiter()?;
        let passed = match known {
            Some((from, passed)) if from == pos && passed.at <= end => passed,
            _ => self.whole_rows(bytes, pos..end, delimiter)?,
        };
        let begins = passed.row_begins?;
        let last = bytes
            .get(..begins)?
            .iter()
            .rposition(|byte| *byte == b')')?;
        if !sink.batch(bytes.get(pos..=last)?) {
            return None;
        }
        self.rows += passed.rows;
        self.add_commas(passed.whole_commas);
        self.count_lines(bytes, pos);
        let behind = bytes.get(begins..passed.counted).unwrap_or_default();
        self.lines += passed.lines - memchr::memchr_iter(b'\n', behind).count() as u64;
        self.counted = passed.counted.min(begins);
        self.begin_row(bytes, begins - 1);
        Some(begins)
    }

    /// Passes over rows from the beginning of one, with whatever separator they have.
    fn whole_rows(&mut self, bytes: &[u8], range: Range<usize>, delimiter: u8) -> Option<Passed> {
        loop {
            let passed = self.rows_of(bytes, range.clone(), false, delimiter);
            if passed.row_begins.is_some() {
                return Some(passed);
            }
            let separator = Separator::at(bytes, passed.at)?;
            if separator == self.separator {
                return None;
            }
            self.separator = separator;
        }
    }

    /// Passes over the rows in a range of the piece.
    fn rows_of(&self, bytes: &[u8], range: Range<usize>, quoted: bool, delimiter: u8) -> Passed {
        let rows = Rows {
            bytes,
            from: range.start,
            end: range.end,
            quoted,
            delimiter,
            separator: self.separator,
        };
        rows.pass(self.simd)
    }

    /// The first byte of the delimiter; `None` where [`Rows`] could mistake it for a byte of a row.
    fn passable_delimiter(&self) -> Option<u8> {
        let delimiter = self.delimiter.first().copied().unwrap_or(DEFAULT_DELIMITER);
        let is_passable =
            self.modes == SqlModes::default() && !matches!(delimiter, b'\'' | b',' | b'\n');
        is_passable.then_some(delimiter)
    }

    /// Where `what` stands at or after `pos` of this piece, or the piece's end.
    fn next_hit(&mut self, bytes: &[u8], pos: usize, what: &[u8]) -> usize {
        match self.hit {
            Some((from, hit)) if from <= pos && pos <= hit => hit,
            _ => {
                let rest = bytes.get(pos..).unwrap_or_default();
                let found = memchr::memmem::find(rest, what).unwrap_or(rest.len());
                self.hit = Some((pos, pos + found));
                pos + found
            }
        }
    }

    /// Reads on between the rows of a VALUES list.
    pub(super) fn gap(&mut self, bytes: &[u8], pos: usize, sink: &mut dyn Sink) -> usize {
        match bytes.get(pos) {
            Some(b'(') => {
                self.begin_row(bytes, pos);
                return pos + 1;
            }
            Some(byte) if *byte == b',' || byte.is_ascii_whitespace() => return pos + 1,
            _ => {}
        }
        if starts_with(bytes, pos, &self.delimiter) {
            self.end_statement(bytes, pos, sink);
            return pos + self.delimiter.len();
        }
        if let Some(length) = self.comment_at(bytes, pos) {
            return pos + length;
        }
        self.mode = Mode::Tail;
        self.tail_began = self.place(bytes, pos);
        self.keep_from(pos);
        pos
    }

    /// Whether the text so far is an INSERT or REPLACE that ends with VALUES.
    pub(super) fn values_before(&mut self, bytes: &[u8], at: usize) -> bool {
        self.keep_up_to(bytes, at);
        self.keep_from = Some(at);
        let text = self.text.trim_ascii_end();
        let may_precede = |b: &u8| b.is_ascii_whitespace() || matches!(b, b')' | b'`' | b'/');
        (begins_with(text, b"INSERT") || begins_with(text, b"REPLACE"))
            && [&b"VALUES"[..], b"VALUE"].iter().any(|word| {
                let split = text.split_at_checked(text.len().wrapping_sub(word.len()));
                split.is_some_and(|(before, tail)| {
                    tail.eq_ignore_ascii_case(word) && before.last().is_some_and(may_precede)
                })
            })
    }

    pub(super) fn begin_rows(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) {
        self.rows = 0;
        // What was found before was looked for in the rows of another table.
        self.hit = None;
        self.rows_wanted = sink.rows_begin(self.kept(self.text.trim_ascii_end(), self.began));
        self.commas = Some(0);
        self.head.clear();
        let head = self.text.get(..200).unwrap_or(&self.text);
        self.head.extend_from_slice(head);
        self.begin_row(bytes, at);
    }

    #[inline]
    pub(super) fn begin_row(&mut self, bytes: &[u8], at: usize) {
        self.mode = Mode::Row(1);
        if self.rows_wanted != Wanted::None {
            self.row_began = self.place(bytes, at);
            self.keep_from(at + 1);
        } else {
            self.keep_from = None;
        }
    }

    #[inline]
    pub(super) fn end_row(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) {
        self.mode = Mode::Gap;
        self.rows += 1;
        if self.rows_wanted != Wanted::None {
            self.keep_up_to(bytes, at);
            self.keep_from = None;
            let wanted = match self.rows_wanted {
                Wanted::Containing(what) if self.rows > 1 => {
                    memchr::memmem::find(&self.text, what).is_some()
                }
                _ => true,
            };
            if wanted {
                sink.row(self.kept(&self.text, self.row_began));
            }
            if self.rows_wanted == Wanted::First {
                self.rows_wanted = Wanted::None;
            }
        }
    }
}

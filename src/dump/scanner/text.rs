//! The text of statements: read on outside and inside quotes, kept, and handed over with its place.

use super::blocks::Blocks;
use super::marks::{begins_with, starts_with};
use super::sink::{LARGE, MAX_ROW, MAX_TEXT, Sink, Statement, Wanted};
use super::state::{Inside, Mode, Scanner};
use crate::snapshot::Place;

/// Bytes that are handed over of a text that follows the rows of an INSERT and does not belong there.
const TAIL: usize = 200;

impl Scanner {
    /// Reads on to the closing quote, inside quotes. A doubled quote closes and opens again, which comes to the
    /// same.
    #[inline]
    pub(super) fn quoted(
        &mut self,
        blocks: &mut Blocks<'_>,
        pos: usize,
        end: usize,
        quote: u8,
    ) -> usize {
        let escapes = match self.modes.no_backslash_escapes {
            true => 0,
            false => u64::MAX,
        };
        let at = match quote {
            b'\'' => blocks.next(pos, end, |m| m.single_quote | (m.backslash & escapes)),
            b'"' if self.modes.ansi_quotes => blocks.next(pos, end, |m| m.double_quote),
            b'"' => blocks.next(pos, end, |m| m.double_quote | (m.backslash & escapes)),
            _ => blocks.next(pos, end, |m| m.backquote),
        };
        if at >= end {
            return end;
        }
        if blocks.bytes.get(at) == Some(&b'\\') {
            return at + 2;
        }
        self.inside = Inside::Plain;
        at + 1
    }

    /// Reads on inside a statement, outside quotes and comments.
    #[inline]
    pub(super) fn plain(
        &mut self,
        blocks: &mut Blocks<'_>,
        pos: usize,
        end: usize,
        sink: &mut dyn Sink,
    ) -> usize {
        let at = blocks.next(pos, end, |m| m.structural);
        let bytes = blocks.bytes;
        if self.mode == Mode::Row(1) && self.commas.is_some() {
            let passed = bytes.get(pos..at).unwrap_or_default();
            self.add_commas(memchr::memchr_iter(b',', passed).count() as u64);
        }
        let Some(&byte) = bytes.get(at).filter(|_| at < end) else {
            return end;
        };
        match byte {
            b'\'' | b'"' | b'`' => {
                self.inside = Inside::Quote(byte);
                return at + 1;
            }
            b'(' => {
                if let Mode::Row(depth) = self.mode {
                    self.mode = Mode::Row(depth.saturating_add(1));
                } else if self.mode == Mode::Text && self.values_before(bytes, at) {
                    self.begin_rows(bytes, at, sink);
                }
                return at + 1;
            }
            b')' => {
                if let Mode::Row(depth) = self.mode {
                    if depth > 1 {
                        self.mode = Mode::Row(depth - 1);
                    } else {
                        self.end_row(bytes, at, sink);
                    }
                    return at + 1;
                }
            }
            _ => {
                if let Some(length) = self.comment_at(bytes, at) {
                    return at + length;
                }
            }
        }
        if starts_with(bytes, at, &self.delimiter) {
            self.end_statement(bytes, at, sink);
            return at + self.delimiter.len();
        }
        at + 1
    }

    /// Hands over how many values the rows of the INSERT have, where they were counted.
    fn hand_over_values(&self, sink: &mut dyn Sink) {
        if let Some(commas) = self.commas {
            sink.values(self.rows + commas);
        }
    }

    pub(super) fn end_statement(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) {
        self.hand_over_bytes(bytes, at, sink);
        match self.mode {
            Mode::Row(_) => sink.rows_end(self.rows, Some(&[]), self.began),
            Mode::Gap => {
                self.hand_over_values(sink);
                sink.rows_end(self.rows, None, self.began);
            }
            Mode::Tail => {
                self.keep_up_to(bytes, at);
                let tail = self.text.get(..TAIL).unwrap_or(&self.text);
                // What may follow the rows: ON DUPLICATE KEY UPDATE, AS alias, RETURNING.
                let mut known = [&b"ON"[..], b"AS", b"RETURNING", b"/*"].into_iter();
                let known = known.any(|word| begins_with(tail, word));
                if known {
                    sink.tail(tail);
                    self.hand_over_values(sink);
                }
                sink.rows_end(self.rows, (!known).then_some(tail), self.tail_began);
            }
            Mode::Text | Mode::Between => {
                self.keep_up_to(bytes, at);
                sink.statement(self.kept(self.text.trim_ascii_end(), self.began));
            }
        }
        self.keep_from = None;
        self.mode = Mode::Between;
        let length = self.base + at as u64 - self.began.offset;
        if length >= LARGE {
            sink.large(length, self.began);
        }
        sink.ends(self.base + (at + self.delimiter.len()) as u64);
        if self.bytes_from.take().is_some() {
            sink.ended(self.began, &self.delimiter);
        }
    }

    /// Hands over the bytes of the statement up to `at` of the current piece, where somebody wants them.
    #[inline]
    pub(super) fn hand_over_bytes(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) {
        if let Some(from) = self.bytes_from {
            sink.bytes(bytes.get(from..at).unwrap_or_default());
            self.bytes_from = Some(at);
        }
    }

    /// Keeps the text from `at` of the current piece on, and no other.
    #[inline]
    pub(super) fn keep_from(&mut self, at: usize) {
        self.text.clear();
        self.text_cut_short = false;
        self.keep_from = Some(at);
    }

    /// The text that was kept, or all but its end, as it is handed over.
    #[inline]
    pub(super) fn kept<'a>(&'a self, text: &'a [u8], place: Place) -> Statement<'a> {
        Statement {
            text,
            place,
            cut_short: self.text_cut_short,
            delimiter: &self.delimiter,
        }
    }

    /// Copies the text being kept up to `at` out of the current piece.
    #[inline]
    pub(super) fn keep_up_to(&mut self, bytes: &[u8], at: usize) {
        let Some(from) = self.keep_from else { return };
        let Some(new) = bytes.get(from..at) else {
            return;
        };
        let most = match (self.mode, self.rows_wanted) {
            (Mode::Row(_) | Mode::Gap, Wanted::Whole) => MAX_ROW,
            _ => MAX_TEXT,
        };
        let room = most - self.text.len().min(most);
        self.text_cut_short |= new.len() > room;
        self.text.extend_from_slice(new.get(..room).unwrap_or(new));
        self.keep_from = Some(at);
    }

    #[inline]
    pub(super) fn place(&mut self, bytes: &[u8], at: usize) -> Place {
        self.count_lines(bytes, at);
        Place {
            offset: self.base + at as u64,
            line: self.lines + 1,
        }
    }

    #[inline]
    pub(super) fn count_lines(&mut self, bytes: &[u8], to: usize) {
        if let Some(new) = bytes.get(self.counted..to) {
            self.lines += memchr::memchr_iter(b'\n', new).count() as u64;
            self.counted = to;
        }
    }
}

//! Reads a dump piece by piece, wherever the pieces are cut.

use std::mem;

use super::ahead::{Ahead, Cursor};
use super::blocks::Blocks;
use super::sink::{Sink, Wanted};
use super::state::{Inside, Mode, Scanner};
use super::{DEFAULT_DELIMITER, LOOKAHEAD};
use crate::snapshot::{Ending, Interrupted, Open, Place};

/// Bytes of a new piece that are joined to what the last one left over; more than [`LOOKAHEAD`], so that the
/// rest of the piece is then read in place.
const JOIN: usize = 2 * LOOKAHEAD;

impl Scanner {
    /// A scanner for text that begins at `place` of a dump, with `delimiter` in force.
    pub fn resume(place: Place, delimiter: &[u8]) -> Self {
        Self {
            base: place.offset,
            lines: place.line.saturating_sub(1),
            delimiter: delimiter.to_vec(),
            first_delimiter: delimiter.to_vec(),
            ..Self::default()
        }
    }

    /// Number of bytes of text that have been looked at.
    pub fn bytes_read(&self) -> u64 {
        self.base
    }

    /// The line on which the statement or comment began that is being read or was read last.
    pub fn line(&self) -> u64 {
        self.began.line
    }

    /// Reads the next piece of the dump.
    pub fn feed(&mut self, piece: &[u8], sink: &mut dyn Sink) {
        self.feed_ahead(piece, None, sink);
    }

    /// Reads the next piece of the dump; `ahead` is what other threads have found out about this piece, if they have looked.
    pub fn feed_ahead(&mut self, piece: &[u8], ahead: Option<&Ahead>, sink: &mut dyn Sink) {
        let zeros;
        let ahead = match ahead {
            Some(ahead) => ahead,
            None => {
                zeros = Ahead::of_zeros(piece);
                &zeros
            }
        };
        if let Some(zero) = ahead.zero() {
            let before = piece.get(..zero).unwrap_or_default();
            let newlines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count() as u64;
            sink.zero_byte(Place {
                offset: self.base + (self.carry.len() + zero) as u64,
                line: self.lines + newlines(&self.carry) + newlines(before) + 1,
            });
        }
        let mut again = self.feed_once(piece, ahead, sink);
        while let Some(text) = again {
            again = self.feed_once(&text, &Ahead::default(), sink);
        }
    }

    /// Reads the next piece of the dump; returns what is to be read again of it and of those before it.
    fn feed_once(&mut self, piece: &[u8], ahead: &Ahead, sink: &mut dyn Sink) -> Option<Vec<u8>> {
        let mut rest = piece;
        if !self.carry.is_empty() {
            let old = self.carry.len();
            let (joined, behind) = rest.split_at(rest.len().min(JOIN));
            let mut buffer = mem::take(&mut self.carry);
            buffer.extend_from_slice(joined);
            let used = self.process(&buffer, Ahead::default().from(0), false, sink);
            if self.again.is_some() {
                return self.read_again(buffer.get(used..), behind);
            }
            if used < old {
                buffer.drain(..used);
                self.carry = buffer;
                return None;
            }
            rest = rest.get(used - old..).unwrap_or_default();
            buffer.clear();
            self.carry = buffer;
        }
        let ahead = ahead.from(piece.len() - rest.len());
        let used = self.process(rest, ahead, false, sink);
        if self.again.is_some() {
            return self.read_again(rest.get(used..), &[]);
        }
        self.carry
            .extend_from_slice(rest.get(used..).unwrap_or_default());
        None
    }

    /// The text that is to be read again, with what follows it, and goes back to its beginning.
    fn read_again(&mut self, rest: Option<&[u8]>, behind: &[u8]) -> Option<Vec<u8>> {
        let mut text = self.again.take()?;
        // Some of them would be counted twice.
        self.commas = None;
        self.base -= text.len() as u64;
        self.lines = self.began.line.saturating_sub(1);
        text.extend_from_slice(rest.unwrap_or_default());
        text.extend_from_slice(behind);
        Some(text)
    }

    /// Reads the bytes that are left and tells how the dump ended.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Ending {
        let mut last = mem::take(&mut self.carry);
        loop {
            let used = self.process(&last, Ahead::default().from(0), true, sink);
            match self.read_again(last.get(used..), &[]) {
                Some(text) => last = text,
                None => break,
            }
        }
        let open = match (self.inside, self.mode) {
            (Inside::Quote(_), _) => Some(Open::Quoted),
            (Inside::BlockComment, _) => Some(Open::Comment),
            (_, Mode::Between) => None,
            _ => Some(Open::Statement),
        };
        match self.inside {
            Inside::LineComment | Inside::BlockComment if self.mode == Mode::Between => {
                sink.comment(&self.text, self.began, false);
            }
            Inside::NoiseLine => sink.noise(self.text.trim_ascii_end(), self.began),
            _ => {}
        }
        if matches!(self.mode, Mode::Row(_) | Mode::Gap | Mode::Tail) {
            sink.rows_end(self.rows, None, self.began);
        } else {
            self.head = mem::take(&mut self.text);
        }
        self.head.truncate(200);
        if self.bytes_from.is_some() {
            sink.ended(self.began, &self.delimiter);
        }
        Ending {
            interrupted: open.map(|open| Interrupted {
                open,
                place: self.began,
                head: self.head,
            }),
            inside_delimiter_block: self.delimiter != self.first_delimiter,
            bytes: self.base,
            lines: self.lines,
        }
    }

    /// Looks at `bytes` and returns how many of them are done; the last [`LOOKAHEAD`] stay for the next call
    /// unless these are the `last` ones.
    fn process(
        &mut self,
        bytes: &[u8],
        mut ahead: Cursor<'_>,
        last: bool,
        sink: &mut dyn Sink,
    ) -> usize {
        let kept_back = if last { 0 } else { LOOKAHEAD };
        let end = bytes.len().saturating_sub(kept_back);
        let mut blocks = Blocks::new(bytes, &self.delimiter, self.simd);
        let mut pos = 0;
        self.counted = 0;
        self.hit = None;
        self.keep_from = self.keep_from.map(|_| 0);
        self.bytes_from = self.bytes_from.map(|_| 0);
        while pos < end && self.again.is_none() {
            if self.mode == Mode::Row(1) {
                let at = self.pass_rows(bytes, &mut ahead, pos, end);
                if at > pos {
                    pos = at;
                    continue;
                }
            }
            // At the first byte of a row. Who takes several rows at once does not know of other delimiters.
            if self.rows_wanted == Wanted::Whole
                && self.delimiter.first() == Some(&DEFAULT_DELIMITER)
                && self.mode == Mode::Row(1)
                && self.keep_from == Some(pos)
                && self.text.is_empty()
                && self.inside == Inside::Plain
            {
                let known = ahead.next(pos);
                // No farther than to the rows that are known already.
                let end = match known {
                    Some((from, _)) if from > pos => end.min(from),
                    _ => end,
                };
                if sink.wants_batches()
                    && let Some(begins) = self.batch(bytes, known, pos, end, sink)
                {
                    pos = begins;
                    continue;
                }
                let taken = sink.rows(bytes.get(pos..end).unwrap_or_default());
                if taken.bytes > 0 {
                    self.rows += taken.rows;
                    self.add_commas(taken.values.saturating_sub(taken.rows));
                    self.mode = Mode::Gap;
                    self.keep_from = None;
                    pos += taken.bytes;
                    continue;
                }
            }
            pos = match (self.inside, self.mode) {
                (Inside::Quote(quote), _) => self.quoted(&mut blocks, pos, end, quote),
                (Inside::Plain, Mode::Row(_) | Mode::Text | Mode::Tail) => {
                    self.plain(&mut blocks, pos, end, sink)
                }
                (Inside::Plain, Mode::Gap) => self.gap(bytes, pos, sink),
                (Inside::Plain, Mode::Between) => self.between(bytes, pos, sink),
                (Inside::BlockComment, _) => self.block_comment(bytes, pos, end, sink),
                (Inside::LineComment, _) => self.line_comment(bytes, pos, end, sink),
                (Inside::DelimiterLine, _) => {
                    let after = self.delimiter_line(bytes, pos, end, sink);
                    blocks = Blocks::new(bytes, &self.delimiter, self.simd);
                    after
                }
                (Inside::NoiseLine, _) => self.noise_line(bytes, pos, end, sink),
            };
        }
        let pos = pos.min(bytes.len());
        self.keep_up_to(bytes, pos);
        self.hand_over_bytes(bytes, pos, sink);
        self.count_lines(bytes, pos);
        self.base += pos as u64;
        pos
    }
}

//! Rows counted before the scanner comes to them, by other threads.
//!
//! Only the scanner, which reads from the start, knows where in a piece of a dump rows begin. But `),(` mostly
//! stands between rows, so another thread may guess that it does, and pass over the rows from there. The
//! scanner takes that result where it comes to the same place itself, at the beginning of a row. A wrong guess
//! is never met: it costs time but cannot give a wrong result.

use std::ops::Range;

use super::block::Simd;
use super::rows::{Passed, Rows, Separator};
use super::{DEFAULT_DELIMITER, LOOKAHEAD};

/// Number of bytes of rows that are worth remembering. The texts of the tests are short.
const LEAST: usize = if cfg!(test) { 1 } else { 2048 };

/// Guesses in one piece that may prove useless. Hostile text could make many.
const MOST_MISSES: usize = 64;

/// What was found out about one piece of a dump without the text before it.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    spans: Vec<Span>,
    /// Where the first zero byte of the piece stands; `None` where it has none.
    zero: Option<usize>,
}

/// Rows that the scanner need not look at, if a row begins at their first byte.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: usize,
    passed: Passed,
}

impl Ahead {
    /// Counts the rows of a piece in advance.
    pub fn of(piece: &[u8]) -> Self {
        let simd = Simd::best();
        let end = piece.len().saturating_sub(LOOKAHEAD);
        let mut spans = Vec::new();
        let (mut pos, mut misses) = (0, 0);
        let mut zero = None;
        // Up to where zero bytes are looked for.
        let mut looked = 0;
        while misses < MOST_MISSES
            && let Some(rest) = piece.get(pos..end)
            && let Some(found) = memchr::memmem::find(rest, b"),")
        {
            let at = pos + found;
            pos = at + 2;
            let Some(separator) = Separator::at(piece, at) else {
                continue;
            };
            let from = at + separator.len();
            let passed = Rows {
                bytes: piece,
                from,
                end,
                quoted: false,
                delimiter: DEFAULT_DELIMITER,
                separator,
            }
            .pass(simd);
            if passed.at < from + LEAST {
                misses += 1;
            } else {
                spans.push(Span { from, passed });
                pos = passed.at;
                let until = if passed.zeros { pos } else { from };
                zero = zero.or_else(|| zero_in(piece, looked..until));
                looked = pos;
            }
        }
        Self {
            spans,
            zero: zero.or_else(|| zero_in(piece, looked..piece.len())),
        }
    }

    /// Looks for zero bytes only.
    pub fn of_zeros(piece: &[u8]) -> Self {
        Self {
            spans: Vec::new(),
            zero: zero_in(piece, 0..piece.len()),
        }
    }

    /// Where the first zero byte of the piece stands; `None` where it has none.
    pub(super) fn zero(&self) -> Option<usize> {
        self.zero
    }

    /// The results for reading the piece from its byte `shift` on.
    pub(super) fn from(&self, shift: usize) -> Cursor<'_> {
        Cursor {
            spans: &self.spans,
            shift,
        }
    }
}

/// Where the first zero byte in a range of the piece stands.
fn zero_in(piece: &[u8], range: Range<usize>) -> Option<usize> {
    let from = range.start;
    Some(from + memchr::memchr(0, piece.get(range)?)?)
}

/// The results that the scanner has not come to yet.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    spans: &'a [Span],
    shift: usize,
}

impl Cursor<'_> {
    /// Where the next rows begin at or after `pos`, and how far they go.
    pub(super) fn next(&mut self, pos: usize) -> Option<(usize, Passed)> {
        while let Some((span, rest)) = self.spans.split_first() {
            if let Some(from) = span.from.checked_sub(self.shift)
                && from >= pos
            {
                return Some((from, span.passed.back_by(self.shift)));
            }
            self.spans = rest;
        }
        None
    }
}

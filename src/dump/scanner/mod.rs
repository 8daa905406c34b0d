//! Splits the bytes of a dump into statements.
//!
//! The scanner splits a dump as the `mysql` command-line client does: it knows quotes,
//! comments, version comments and DELIMITER, and nothing of SQL beyond recognising the
//! VALUES list of an INSERT and, where the sink wants them set apart, lines that cannot begin a
//! statement ([`noise`]). Statements are handed over whole; the rows of an INSERT are
//! only counted (and handed over one by one when asked for), so memory does not grow with
//! the dump and no row is ever copied without need.
//!
//! Input comes in pieces of any size; the result never depends on where the pieces are cut, nor on whether rows
//! that are not wanted are passed over by the block ([`rows`]) or were passed over by other threads
//! ([`Ahead`]).

mod ahead;
mod block;
mod masks;
mod noise;
mod rows;
#[cfg(test)]
mod tests;

use std::mem;
use std::ops::Range;

pub use ahead::Ahead;
use ahead::Cursor;
use block::{BLOCK, Simd};
use masks::Masks;
use rows::{Passed, Rows, Separator};

use crate::schema::lexer::SqlModes;
use crate::snapshot::{Ending, Interrupted, Open, Place};

/// Longest text of a statement, in bytes. A longer statement is handed over cut short and marked; no DDL that
/// CiviCRM makes comes near. Rows of an INSERT do not count.
pub const MAX_TEXT: usize = 1 << 20;

/// Longest row, in bytes, that is handed over whole where rows are wanted whole; longer rows are cut short. It
/// is more than any blob that CiviCRM keeps.
pub const MAX_ROW: usize = 256 << 20;

/// Bytes that must be visible after the current one: the longest delimiter that the client takes (16), and
/// `/*M!999999` with room to spare.
const LOOKAHEAD: usize = 32;

/// Bytes of a new piece that are joined to what the last one left over; more than [`LOOKAHEAD`], so that the
/// rest of the piece is then read in place.
const JOIN: usize = 2 * LOOKAHEAD;

/// Bytes that are handed over of a text that follows the rows of an INSERT and does not belong there.
const TAIL: usize = 200;

/// Length in bytes from which [`Sink::large`] is told of a statement: what the servers with the smallest default of
/// `max_allowed_packet`, MySQL 5.6 and 5.7, take.
pub const LARGE: u64 = 4 << 20;

/// Bytes that are handed over of a comment inside a statement.
pub const ASIDE: usize = 200;

/// Longest delimiter of the `mysql` client, in bytes; the client cuts longer ones as well.
const MAX_DELIMITER: usize = 16;

/// The delimiter until a DELIMITER command says otherwise.
const DEFAULT_DELIMITER: u8 = b';';

/// A statement other than the rows of an INSERT.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// The text of the statement, without the delimiter and surrounding white space.
    pub text: &'a [u8],
    /// The place where the statement begins.
    pub place: Place,
    /// Whether the text was longer than [`MAX_TEXT`], so that only its beginning is here.
    pub cut_short: bool,
    /// The delimiter that ends the statement.
    pub delimiter: &'a [u8],
}

/// Takes what the scanner finds, in the order of the dump.
pub trait Sink {
    /// Takes a whole statement.
    fn statement(&mut self, statement: Statement<'_>);
    /// Takes the head of an INSERT or REPLACE, up to and including VALUES. Returns for which of its rows
    /// [`Sink::row`] is to be called.
    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted;
    /// Takes the values of one row, without the outer parentheses.
    fn row(&mut self, values: Statement<'_>);
    /// Takes several rows at once, where rows are wanted whole: a text that begins with the first value of a
    /// row and may end anywhere. Returns how many bytes were taken, up to and including the closing parenthesis
    /// of a row, and how many rows; the others come by [`Sink::row`].
    fn rows(&mut self, _text: &[u8]) -> (usize, u64) {
        (0, 0)
    }
    /// Whether a call of [`Sink::batch`] is useful now, where rows are wanted whole.
    fn wants_batches(&self) -> bool {
        false
    }
    /// Takes whole rows written as dump programs do, with the separators between them: the text begins with the
    /// first value of a row and ends with the closing parenthesis of another. Returns whether the rows were
    /// taken; otherwise they come by [`Sink::rows`] or [`Sink::row`].
    fn batch(&mut self, _rows: &[u8]) -> bool {
        false
    }
    /// Takes the end of an INSERT and how many rows it had. `broken` is `Some` and empty when the INSERT ended
    /// inside a row; when its rows are followed by something that does not belong there, it holds the first
    /// bytes of that. `place` is where that began.
    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place);
    /// Takes a comment between statements, with its marks. `ended` is false when the file stops before the end
    /// of the comment's line (or before `*/`).
    fn comment(&mut self, text: &[u8], place: Place, ended: bool);
    /// Takes a `--` or `#` comment inside a statement, at most its first [`ASIDE`] bytes.
    fn comment_inside(&mut self, _text: &[u8], _place: Place) {}
    /// Takes a statement of at least [`LARGE`] bytes, after it was handed over: its length and where it began.
    fn large(&mut self, _bytes: u64, _place: Place) {}
    /// Whether lines between statements that cannot begin one come by [`Sink::noise`]; otherwise they are part of
    /// the next statement.
    fn sets_noise_apart(&self) -> bool {
        false
    }
    /// Takes a line between statements that cannot begin one, without its line feed.
    fn noise(&mut self, _line: &[u8], _place: Place) {}
    /// The `sql_mode` flags in force after what was handed over so far.
    fn modes(&self) -> SqlModes;
}

/// Which rows of an INSERT are handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// No row is handed over; the rows are only counted.
    #[default]
    None,
    /// The first row of the INSERT is handed over.
    First,
    /// The first row is handed over, and the rows that contain these bytes.
    Containing(&'static [u8]),
    /// All rows are handed over, up to [`MAX_ROW`] bytes of each, or several at once by [`Sink::rows`].
    Whole,
}

/// Which part of the dump the scanner is in, quotes and comments aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The scanner is between statements.
    Between,
    /// The scanner is in a statement whose text is kept.
    Text,
    /// The scanner is in a VALUES list, inside a row, this many parentheses deep.
    Row(u32),
    /// The scanner is in a VALUES list, between rows.
    Gap,
    /// The scanner is after a VALUES list (`ON DUPLICATE KEY UPDATE …`).
    Tail,
}

/// The quotes or comment that enclose the current byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Plain,
    Quote(u8),
    BlockComment,
    LineComment,
    DelimiterLine,
    NoiseLine,
}

/// Splits a dump into statements and rows, piece by piece, and hands them to a [`Sink`].
#[derive(Clone)]
pub struct Scanner {
    mode: Mode,
    inside: Inside,
    modes: SqlModes,
    delimiter: Vec<u8>,
    first_delimiter: Vec<u8>,
    /// Text of the current statement, comment or row that came with earlier pieces.
    text: Vec<u8>,
    text_cut_short: bool,
    /// Index in the current piece from which the text is kept; `None` when no text is kept.
    keep_from: Option<usize>,
    /// The place where the current statement or comment began, and the current row.
    began: Place,
    row_began: Place,
    tail_began: Place,
    /// The comment inside a statement that is being read, and where it began.
    aside: Vec<u8>,
    aside_began: Place,
    /// First bytes of the current INSERT, for the message if it is interrupted.
    head: Vec<u8>,
    rows: u64,
    rows_wanted: Wanted,
    /// The separator between the last two rows.
    separator: Separator,
    /// The first index in the current piece, at or after the index at which the search began, of the bytes that
    /// a wanted row contains; and the index at which that search began.
    hit: Option<(usize, usize)>,
    simd: Simd,
    /// The last bytes of the piece before, which were not looked at yet.
    carry: Vec<u8>,
    /// Bytes of text before the current piece.
    base: u64,
    lines: u64,
    /// Index in the current piece up to which line feeds are counted.
    counted: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        let start = Place::default();
        Self {
            mode: Mode::Between,
            inside: Inside::Plain,
            modes: SqlModes::default(),
            delimiter: vec![DEFAULT_DELIMITER],
            first_delimiter: vec![DEFAULT_DELIMITER],
            text: Vec::new(),
            text_cut_short: false,
            keep_from: None,
            began: start,
            row_began: start,
            tail_began: start,
            aside: Vec::new(),
            aside_began: start,
            head: Vec::new(),
            rows: 0,
            rows_wanted: Wanted::None,
            separator: Separator::Comma,
            hit: None,
            simd: Simd::best(),
            carry: Vec::new(),
            base: 0,
            lines: 0,
            counted: 0,
        }
    }
}

/// The masks of the block that was looked at last.
struct Blocks<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    simd: Simd,
    start: usize,
    masks: Masks,
}

impl<'a> Blocks<'a> {
    fn new(bytes: &'a [u8], delimiter: &[u8], simd: Simd) -> Self {
        Self {
            bytes,
            simd,
            delimiter: delimiter.first().copied().unwrap_or(DEFAULT_DELIMITER),
            start: usize::MAX,
            masks: Masks::default(),
        }
    }

    /// The first position from `from` on whose bit is set in the mask that `select` picks,
    /// or `end` when there is none before it.
    #[inline]
    fn next(&mut self, from: usize, end: usize, select: impl Fn(&Masks) -> u64) -> usize {
        let mut pos = from;
        while pos < end {
            let start = pos / BLOCK * BLOCK;
            if start != self.start {
                self.load(start);
            }
            let found = select(&self.masks) & (u64::MAX << (pos - start));
            if found != 0 {
                return (start + found.trailing_zeros() as usize).min(end);
            }
            pos = start + BLOCK;
        }
        end
    }

    #[inline]
    fn load(&mut self, start: usize) {
        self.start = start;
        let rest = self.bytes.get(start..).unwrap_or_default();
        self.masks = match rest.first_chunk::<BLOCK>() {
            Some(block) => Masks::of(block, self.delimiter, self.simd),
            None => {
                let mut block = [0; BLOCK];
                for (to, from) in block.iter_mut().zip(rest) {
                    *to = *from;
                }
                Masks::of(&block, self.delimiter, self.simd)
            }
        };
    }
}

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

    /// Reads the next piece of the dump.
    pub fn feed(&mut self, piece: &[u8], sink: &mut impl Sink) {
        self.feed_ahead(piece, &Ahead::default(), sink);
    }

    /// Reads the next piece of the dump; `ahead` is what other threads have found out about this piece.
    pub fn feed_ahead(&mut self, piece: &[u8], ahead: &Ahead, sink: &mut impl Sink) {
        let mut rest = piece;
        if !self.carry.is_empty() {
            let old = self.carry.len();
            let (joined, _) = rest.split_at(rest.len().min(JOIN));
            let mut buffer = mem::take(&mut self.carry);
            buffer.extend_from_slice(joined);
            let used = self.process(&buffer, Ahead::default().from(0), false, sink);
            if used < old {
                buffer.drain(..used);
                self.carry = buffer;
                return;
            }
            rest = rest.get(used - old..).unwrap_or_default();
            buffer.clear();
            self.carry = buffer;
        }
        let ahead = ahead.from(piece.len() - rest.len());
        let used = self.process(rest, ahead, false, sink);
        self.carry
            .extend_from_slice(rest.get(used..).unwrap_or_default());
    }

    /// Reads the bytes that are left and tells how the dump ended.
    pub fn finish(mut self, sink: &mut impl Sink) -> Ending {
        let carry = mem::take(&mut self.carry);
        self.process(&carry, Ahead::default().from(0), true, sink);
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
        sink: &mut impl Sink,
    ) -> usize {
        let kept_back = if last { 0 } else { LOOKAHEAD };
        let end = bytes.len().saturating_sub(kept_back);
        let mut blocks = Blocks::new(bytes, &self.delimiter, self.simd);
        let mut pos = 0;
        self.counted = 0;
        self.hit = None;
        self.keep_from = self.keep_from.map(|_| 0);
        while pos < end {
            if self.mode == Mode::Row(1) {
                let at = self.pass_rows(bytes, &mut ahead, pos, end);
                if at > pos {
                    pos = at;
                    continue;
                }
            }
            // At the first byte of a row.
            if self.rows_wanted == Wanted::Whole
                && self.mode == Mode::Row(1)
                && self.keep_from == Some(pos)
                && self.text.is_empty()
                && self.inside == Inside::Plain
            {
                if sink.wants_batches()
                    && let Some((begins, rows)) = self.whole_rows(bytes, pos, end)
                {
                    let batch = bytes.get(pos..=begins - self.separator.len());
                    if sink.batch(batch.unwrap_or_default()) {
                        self.rows += rows;
                        self.begin_row(bytes, begins - 1);
                        pos = begins;
                        continue;
                    }
                }
                let (taken, rows) = sink.rows(bytes.get(pos..end).unwrap_or_default());
                if taken > 0 {
                    self.rows += rows;
                    self.mode = Mode::Gap;
                    self.keep_from = None;
                    pos += taken;
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
                    let after = self.delimiter_line(bytes, pos, end);
                    blocks = Blocks::new(bytes, &self.delimiter, self.simd);
                    after
                }
                (Inside::NoiseLine, _) => self.noise_line(bytes, pos, end, sink),
            };
        }
        let pos = pos.min(bytes.len());
        self.keep_up_to(bytes, pos);
        self.count_lines(bytes, pos);
        self.base += pos as u64;
        pos
    }

    /// Passes over rows that are not wanted, as far as they are written as dump programs do. The rest is left
    /// to the other functions: under an unusual `sql_mode` or delimiter, or in quotes of another kind, that is
    /// everything.
    fn pass_rows(&mut self, bytes: &[u8], ahead: &mut Cursor<'_>, pos: usize, end: usize) -> usize {
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
            if let Some(separator) = Separator::at(bytes, passed.at) {
                self.separator = separator;
            }
            return passed.at;
        }
        let Some(begins) = passed.row_begins else {
            return pos;
        };
        self.rows += passed.rows;
        self.begin_row(bytes, begins - 1);
        begins
    }

    /// Passes over whole rows from the beginning of one. Returns where the last row begins, which may not be
    /// whole, and how many came before it.
    fn whole_rows(&mut self, bytes: &[u8], pos: usize, end: usize) -> Option<(usize, u64)> {
        let delimiter = self.passable_delimiter()?;
        loop {
            let passed = self.rows_of(bytes, pos..end, false, delimiter);
            if let Some(begins) = passed.row_begins {
                return Some((begins, passed.rows));
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

    /// Reads on to the closing quote, inside quotes. A doubled quote closes and opens again, which comes to the
    /// same.
    #[inline]
    fn quoted(&mut self, blocks: &mut Blocks<'_>, pos: usize, end: usize, quote: u8) -> usize {
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
    fn plain(
        &mut self,
        blocks: &mut Blocks<'_>,
        pos: usize,
        end: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let at = blocks.next(pos, end, |m| m.structural);
        let bytes = blocks.bytes;
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

    /// Enters a comment inside a statement, if one begins here; returns the length of its mark.
    fn comment_at(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let (inside, length) = match bytes.get(at)? {
            b'#' => (Inside::LineComment, 1),
            b'-' if starts_with(bytes, at, b"--")
                && bytes.get(at + 2).is_none_or(|b| *b <= b' ') =>
            {
                (Inside::LineComment, 2)
            }
            b'/' if starts_with(bytes, at, b"/*") && !is_version_comment(bytes, at) => {
                (Inside::BlockComment, 2)
            }
            _ => return None,
        };
        self.inside = inside;
        if inside == Inside::LineComment {
            self.aside.clear();
            self.aside_began = self.place(bytes, at);
            self.aside
                .extend_from_slice(bytes.get(at..at + length).unwrap_or_default());
        }
        Some(length)
    }

    /// Reads on between statements: white space, comments, DELIMITER, or the first byte of a statement.
    fn between(&mut self, bytes: &[u8], pos: usize, sink: &impl Sink) -> usize {
        let Some(&byte) = bytes.get(pos) else {
            return pos + 1;
        };
        if byte.is_ascii_whitespace() || byte == 0x0B {
            return pos + 1;
        }
        if starts_with(bytes, pos, &self.delimiter) {
            return pos + self.delimiter.len();
        }
        self.began = self.place(bytes, pos);
        self.keep_from(pos);
        // The client takes `--` at the start of a statement for a comment even without a
        // blank after it. MariaDB's sandbox mark is a version comment that no version runs.
        if byte == b'#' || starts_with(bytes, pos, b"--") {
            self.inside = Inside::LineComment;
            return pos + 1;
        }
        if starts_with(bytes, pos, b"/*")
            && (!is_version_comment(bytes, pos) || is_sandbox_mark(bytes, pos))
        {
            self.inside = Inside::BlockComment;
            return pos + 2;
        }
        if is_delimiter_command(bytes, pos) {
            self.inside = Inside::DelimiterLine;
            return pos + b"delimiter".len();
        }
        if sink.sets_noise_apart() {
            let rest = bytes.get(pos..).unwrap_or_default();
            if !noise::begins_statement(rest.get(..LOOKAHEAD).unwrap_or(rest)) {
                self.inside = Inside::NoiseLine;
                return pos;
            }
        }
        self.modes = sink.modes();
        self.mode = Mode::Text;
        // The byte itself may be a quote or parenthesis, so it is looked at again.
        pos
    }

    /// Reads on between the rows of a VALUES list.
    fn gap(&mut self, bytes: &[u8], pos: usize, sink: &mut impl Sink) -> usize {
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

    fn block_comment(
        &mut self,
        bytes: &[u8],
        pos: usize,
        end: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let rest = bytes.get(pos..end).unwrap_or_default();
        for star in memchr::memchr_iter(b'*', rest) {
            let at = pos + star;
            if bytes.get(at + 1) == Some(&b'/') {
                self.end_comment(bytes, at + 2, sink);
                return at + 2;
            }
        }
        end
    }

    fn line_comment(
        &mut self,
        bytes: &[u8],
        pos: usize,
        end: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let rest = bytes.get(pos..end).unwrap_or_default();
        let line_end = memchr::memchr(b'\n', rest);
        if self.mode != Mode::Between {
            let line = rest.get(..line_end.unwrap_or(rest.len())).unwrap_or(rest);
            let room = ASIDE - self.aside.len().min(ASIDE);
            self.aside
                .extend_from_slice(line.get(..room).unwrap_or(line));
        }
        match line_end {
            Some(length) => {
                self.end_comment(bytes, pos + length, sink);
                pos + length + 1
            }
            None => end,
        }
    }

    /// Reads on to the end of a line that cannot begin a statement.
    fn noise_line(&mut self, bytes: &[u8], pos: usize, end: usize, sink: &mut impl Sink) -> usize {
        let rest = bytes.get(pos..end).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return end;
        };
        self.keep_up_to(bytes, pos + length);
        self.keep_from = None;
        self.inside = Inside::Plain;
        sink.noise(self.text.trim_ascii_end(), self.began);
        pos + length + 1
    }

    fn end_comment(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) {
        self.inside = Inside::Plain;
        if self.mode == Mode::Between {
            self.keep_up_to(bytes, at);
            self.keep_from = None;
            sink.comment(self.text.trim_ascii_end(), self.began, true);
        } else if !self.aside.is_empty() {
            sink.comment_inside(self.aside.trim_ascii_end(), self.aside_began);
            self.aside.clear();
        }
    }

    /// Reads a `DELIMITER xx` line: the rest of the line up to the first blank is the new delimiter.
    fn delimiter_line(&mut self, bytes: &[u8], pos: usize, end: usize) -> usize {
        let rest = bytes.get(pos..end).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return end;
        };
        self.keep_up_to(bytes, pos + length);
        self.keep_from = None;
        self.inside = Inside::Plain;
        let words = self.text.get(b"delimiter".len()..).unwrap_or_default();
        let mut words = words.trim_ascii().split(u8::is_ascii_whitespace);
        if let Some(word) = words.next().filter(|word| !word.is_empty()) {
            self.delimiter = word[..word.len().min(MAX_DELIMITER)].to_vec();
        }
        pos + length + 1
    }

    /// Whether the text so far is an INSERT or REPLACE that ends with VALUES.
    fn values_before(&mut self, bytes: &[u8], at: usize) -> bool {
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

    fn begin_rows(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) {
        self.rows = 0;
        self.rows_wanted = sink.rows_begin(self.kept(self.text.trim_ascii_end(), self.began));
        self.head.clear();
        let head = self.text.get(..200).unwrap_or(&self.text);
        self.head.extend_from_slice(head);
        self.begin_row(bytes, at);
    }

    #[inline]
    fn begin_row(&mut self, bytes: &[u8], at: usize) {
        self.mode = Mode::Row(1);
        if self.rows_wanted != Wanted::None {
            self.row_began = self.place(bytes, at);
            self.keep_from(at + 1);
        } else {
            self.keep_from = None;
        }
    }

    #[inline]
    fn end_row(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) {
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

    fn end_statement(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) {
        match self.mode {
            Mode::Row(_) => sink.rows_end(self.rows, Some(&[]), self.began),
            Mode::Gap => sink.rows_end(self.rows, None, self.began),
            Mode::Tail => {
                self.keep_up_to(bytes, at);
                let tail = self.text.get(..TAIL).unwrap_or(&self.text);
                // What may follow the rows: ON DUPLICATE KEY UPDATE, AS alias, RETURNING.
                let mut known = [&b"ON"[..], b"AS", b"RETURNING", b"/*"].into_iter();
                let known = known.any(|word| begins_with(tail, word));
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
    }

    /// Keeps the text from `at` of the current piece on, and no other.
    fn keep_from(&mut self, at: usize) {
        self.text.clear();
        self.text_cut_short = false;
        self.keep_from = Some(at);
    }

    /// The text that was kept, or all but its end, as it is handed over.
    fn kept<'a>(&'a self, text: &'a [u8], place: Place) -> Statement<'a> {
        Statement {
            text,
            place,
            cut_short: self.text_cut_short,
            delimiter: &self.delimiter,
        }
    }

    /// Copies the text being kept up to `at` out of the current piece.
    fn keep_up_to(&mut self, bytes: &[u8], at: usize) {
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

    fn place(&mut self, bytes: &[u8], at: usize) -> Place {
        self.count_lines(bytes, at);
        Place {
            offset: self.base + at as u64,
            line: self.lines + 1,
        }
    }

    fn count_lines(&mut self, bytes: &[u8], to: usize) {
        if let Some(new) = bytes.get(self.counted..to) {
            self.lines += memchr::memchr_iter(b'\n', new).count() as u64;
            self.counted = to;
        }
    }
}

#[inline]
fn starts_with(bytes: &[u8], at: usize, what: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(what))
}

/// Whether the text begins with a word, in any letter case.
fn begins_with(text: &[u8], word: &[u8]) -> bool {
    let start = text.get(..word.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn is_version_comment(bytes: &[u8], at: usize) -> bool {
    starts_with(bytes, at, b"/*!") || starts_with(bytes, at, b"/*M!")
}

/// Whether `/*M!999999\\- enable the sandbox mode */` stands here; the first releases wrote it without the M.
fn is_sandbox_mark(bytes: &[u8], at: usize) -> bool {
    starts_with(bytes, at, b"/*M!999999") || starts_with(bytes, at, b"/*!999999")
}

fn is_delimiter_command(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let after = rest.get(b"delimiter".len());
    begins_with(rest, b"delimiter") && matches!(after, Some(b' ' | b'\t' | b'\n' | b'\r'))
}

//! What the scanner hands over, and to whom.

use std::sync::Arc;

use crate::dump::lent::Lent;
use crate::schema::lexer::SqlModes;
use crate::snapshot::Place;

/// Longest text of a statement, in bytes. A longer statement is handed over cut short and marked; no DDL that
/// CiviCRM makes comes near. Rows of an INSERT do not count.
pub const MAX_TEXT: usize = 1 << 20;

/// Longest row, in bytes, that is handed over whole where rows are wanted whole; longer rows are cut short. It
/// is more than any blob that CiviCRM keeps.
pub const MAX_ROW: usize = 256 << 20;

/// Length in bytes from which [`Sink::large`] is told of a statement: what the servers with the smallest default of
/// `max_allowed_packet`, MySQL 5.6 and 5.7, no longer take.
pub const LARGE: u64 = (4 << 20) - 1;

/// Bytes that are handed over of a comment inside a statement.
pub const ASIDE: usize = 200;

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
    /// row and may end anywhere. Returns what was taken; the other rows come by [`Sink::row`].
    fn rows(&mut self, _text: &[u8]) -> Taken {
        Taken::default()
    }
    /// Takes the buffer in which the text stands that comes next, so that it may be read later and by other threads.
    fn lent(&mut self, _buffer: &Arc<Lent>) {}
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
    /// Takes how many values the rows of the INSERT have that ends next, where they were counted.
    fn values(&mut self, _count: u64) {}
    /// Takes what follows the rows of the INSERT that ends next and belongs there, as ON DUPLICATE KEY UPDATE does: at least its
    /// first word.
    fn tail(&mut self, _text: &[u8]) {}
    /// Takes the end of an INSERT and how many rows it had. `broken` is `Some` and empty when the INSERT ended
    /// inside a row; when its rows are followed by something that does not belong there, it holds the first
    /// bytes of that. `place` is where that began.
    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place);
    /// Takes a comment between statements, with its marks. `ended` is false when the file stops before the end
    /// of the comment's line (or before `*/`).
    fn comment(&mut self, text: &[u8], place: Place, ended: bool);
    /// Takes a `--` or `#` comment inside a statement, at most its first [`ASIDE`] bytes.
    fn comment_inside(&mut self, _text: &[u8], _place: Place) {}
    /// Takes a DELIMITER command of the client, which begins at this place.
    fn delimiter_command(&mut self, _place: Place) {}
    /// Takes the number of bytes of text before the end of what was handed over last: a statement with its delimiter,
    /// a comment, a DELIMITER command or a line that cannot begin a statement. What follows up to the next of them is
    /// white space and delimiters.
    fn ends(&mut self, _offset: u64) {}
    /// Takes a statement of at least [`LARGE`] bytes, after it was handed over: its length and where it began.
    fn large(&mut self, _bytes: u64, _place: Place) {}
    /// Whether the bytes of statements come by [`Sink::bytes`].
    fn wants_bytes(&self) -> bool {
        false
    }
    /// Takes the next bytes of a statement as they stand in the dump, its rows and the comments inside it among them, its
    /// delimiter not.
    fn bytes(&mut self, _bytes: &[u8]) {}
    /// Takes the end of a statement whose bytes came by [`Sink::bytes`], after it was handed over: by its delimiter or, as
    /// clients take it, by the end of the dump. `place` is where it began, and `delimiter` the one in force.
    fn ended(&mut self, _place: Place, _delimiter: &[u8]) {}
    /// Whether the rest of the dump is of no use.
    fn has_enough(&self) -> bool {
        false
    }
    /// Whether lines between statements that cannot begin one come by [`Sink::noise`]; otherwise they are part of
    /// the next statement.
    fn sets_noise_apart(&self) -> bool {
        false
    }
    /// Takes a line between statements that cannot begin one, without its line feed.
    fn noise(&mut self, _line: &[u8], _place: Place) {}
    /// Takes the place of the first zero byte of a piece of the dump, before the rest of the piece. Dump programs write no zero
    /// byte: in a string they write `\0` for it.
    fn zero_byte(&mut self, _place: Place) {}
    /// The `sql_mode` flags in force after what was handed over so far.
    fn modes(&self) -> SqlModes;
}

/// The rows at the beginning of a text that were taken at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Number of bytes, up to and including the closing parenthesis of a row.
    pub bytes: usize,
    /// Number of rows.
    pub rows: u64,
    /// Number of the values of all these rows.
    pub values: u64,
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

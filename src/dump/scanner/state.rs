//! Where in the dump the scanner is.

use super::DEFAULT_DELIMITER;
use super::block::Simd;
use super::rows::Separator;
use super::sink::Wanted;
use crate::schema::lexer::SqlModes;
use crate::snapshot::Place;

/// Which part of the dump the scanner is in, quotes and comments aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
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
pub(super) enum Inside {
    Plain,
    Quote(u8),
    BlockComment,
    LineComment,
    DelimiterLine,
    NoiseLine,
}

/// Splits a dump into statements and rows, piece by piece, and hands them to a [`super::Sink`].
#[derive(Clone)]
pub struct Scanner {
    pub(super) mode: Mode,
    pub(super) inside: Inside,
    pub(super) modes: SqlModes,
    pub(super) delimiter: Vec<u8>,
    pub(super) first_delimiter: Vec<u8>,
    /// Text of the current statement, comment or row that came with earlier pieces.
    pub(super) text: Vec<u8>,
    pub(super) text_cut_short: bool,
    /// Index in the current piece from which the text is kept; `None` when no text is kept.
    pub(super) keep_from: Option<usize>,
    /// Index in the current piece from which bytes are handed over as they are; `None` between statements, and
    /// where nobody wants them.
    pub(super) bytes_from: Option<usize>,
    /// The place where the current statement or comment began, and the current row.
    pub(super) began: Place,
    pub(super) row_began: Place,
    pub(super) tail_began: Place,
    /// The comment inside a statement that is being read, and where it began.
    pub(super) aside: Vec<u8>,
    pub(super) aside_began: Place,
    /// First bytes of the current INSERT, for the message if it is interrupted.
    pub(super) head: Vec<u8>,
    pub(super) rows: u64,
    /// Number of commas between the values of these rows; `None` where some of them were read twice.
    pub(super) commas: Option<u64>,
    pub(super) rows_wanted: Wanted,
    /// The separator between the last two rows.
    pub(super) separator: Separator,
    /// The first index in the current piece, at or after the index at which the search began, of the bytes that
    /// a wanted row contains; and the index at which that search began.
    pub(super) hit: Option<(usize, usize)>,
    pub(super) simd: Simd,
    /// The last bytes of the piece before, which were not looked at yet.
    pub(super) carry: Vec<u8>,
    /// Text behind a line that was taken for the beginning of a comment, which is to be read again, and how often that
    /// was so.
    pub(super) again: Option<Vec<u8>>,
    pub(super) unclosed: u8,
    /// Bytes of text before the current piece.
    pub(super) base: u64,
    pub(super) lines: u64,
    /// Index in the current piece up to which line feeds are counted.
    pub(super) counted: usize,
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
            bytes_from: None,
            began: start,
            row_began: start,
            tail_began: start,
            aside: Vec::new(),
            aside_began: start,
            head: Vec::new(),
            rows: 0,
            commas: None,
            rows_wanted: Wanted::None,
            separator: Separator::Comma,
            hit: None,
            simd: Simd::best(),
            carry: Vec::new(),
            again: None,
            unclosed: 0,
            base: 0,
            lines: 0,
            counted: 0,
        }
    }
}

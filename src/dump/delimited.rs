//! Rows in a text file of their own, in the delimited-text format of `SELECT … INTO OUTFILE` and LOAD DATA (MySQL
//! manual, "LOAD DATA Statement", "Field and Line Handling"): `mysqldump --tab` and MySQL Shell write them.
//!
//! They are handed over as the rows of one INSERT, so that whoever takes the rows of a dump takes these as well.

use std::mem;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::scanner::{MAX_ROW, MAX_TEXT, Sink, Statement, Wanted};
use crate::schema::sql::identifier;
use crate::snapshot::{Ending, Interrupted, Open, Place};

/// Longest separator of values or rows that is read, in bytes.
const MAX_SEPARATOR: usize = 64;

/// How the values and rows of a file are separated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// What stands between two values; never empty.
    fields: Vec<u8>,
    /// What may enclose a value.
    enclosed: Option<u8>,
    escape: Option<u8>,
    /// What stands behind each row; never empty.
    lines: Vec<u8>,
}

impl Default for Format {
    /// The default of the servers: tabs between values, a line feed behind each row, backslashes as escapes.
    fn default() -> Self {
        Self {
            fields: b"\t".to_vec(),
            enclosed: None,
            escape: Some(b'\\'),
            lines: b"\n".to_vec(),
        }
    }
}

impl Format {
    /// A format by the options of LOAD DATA: FIELDS TERMINATED BY, ENCLOSED BY and ESCAPED BY, LINES TERMINATED BY.
    /// `None` for formats in which values and rows cannot be told apart, and for separators of more than 64 bytes.
    pub fn new(fields: &str, enclosed: &str, escape: &str, lines: &str) -> Option<Self> {
        let one = |text: &str| match text.as_bytes() {
            [] => Some(None),
            [byte] => Some(Some(*byte)),
            _ => None,
        };
        let is_separator = |text: &str| !text.is_empty() && text.len() <= MAX_SEPARATOR;
        if !is_separator(fields) || !is_separator(lines) || fields == lines {
            return None;
        }
        Some(Self {
            fields: fields.as_bytes().to_vec(),
            enclosed: one(enclosed)?,
            escape: one(escape)?,
            lines: lines.as_bytes().to_vec(),
        })
    }

    /// The number of values in the first row of a text; `None` where the text holds no whole row.
    pub fn values_in_first_row(&self, text: &[u8]) -> Option<usize> {
        let mut place = Scan::default();
        let end = place.end_of_row(self, text, true)?;
        let mut row = text.get(..end)?;
        let mut values = 1;
        let mut value = Vec::new();
        while let (_, Some(rest)) = self.value(row, &mut value) {
            values += 1;
            row = rest;
        }
        Some(values)
    }

    /// Whether each whole row of a text ends with a carriage return, which then belongs to what separates them.
    pub fn is_followed_by_returns(&self, mut text: &[u8]) -> bool {
        let mut rows = 0;
        while let Some(end) = Scan::default().end_of_row(self, text, true) {
            match text.get(..end) {
                Some(row) if row.ends_with(b"\r") => rows += 1,
                _ => return false,
            }
            text = text.get(end + self.lines.len()..).unwrap_or_default();
        }
        rows > 0
    }

    /// The bytes that have to be visible to tell what stands at a place.
    fn look_ahead(&self) -> usize {
        2 + self.fields.len().max(self.lines.len())
    }

    /// Reads the first value of a row into `value`; returns whether it is NULL, and the rest of the row behind the
    /// separator, where more values follow.
    fn value<'a>(&self, row: &'a [u8], value: &mut Vec<u8>) -> (bool, Option<&'a [u8]>) {
        value.clear();
        let quote = self.enclosed.filter(|quote| row.first() == Some(quote));
        let mut at = usize::from(quote.is_some());
        let mut has_escaped_n = false;
        let rest = loop {
            let rest = row.get(at..).unwrap_or_default();
            let Some((&byte, after)) = rest.split_first() else {
                break None;
            };
            let next = after.first().copied();
            if let Some(next) = next.filter(|_| Some(byte) == self.escape && Some(byte) != quote) {
                has_escaped_n |= next == b'N';
                value.push(unescaped(next));
                at += 2;
                continue;
            }
            if quote.is_none() && rest.starts_with(&self.fields) {
                break rest.get(self.fields.len()..);
            }
            at += 1;
            if Some(byte) == quote {
                if next == quote {
                    at += 1;
                } else if next.is_none() {
                    break None;
                } else if let Some(rest) = after.strip_prefix(&self.fields[..]) {
                    break Some(rest);
                }
            }
            value.push(byte);
        };
        // The word NULL stands for NULL where values may be enclosed and this one is not.
        let is_word = self.enclosed.is_some() && quote.is_none() && value == b"NULL";
        (is_word || has_escaped_n && value == b"N", rest)
    }
}

/// The byte that an escaped one stands for. An escaped N alone stands for NULL.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'0' => 0,
        b'b' => 8,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 0x1A,
        other => other,
    }
}

/// How the values of a column are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As they are.
    #[default]
    Plain,
    /// As hexadecimal digits, to be decoded with UNHEX.
    Hexadecimal,
    /// To be decoded with `FROM_BASE64`.
    Base64,
}

/// How far a text of rows has been looked at.
#[derive(Default)]
struct Scan {
    at: usize,
    quoted: bool,
    /// Whether what stands at `at` is not the first byte of a value.
    inside: bool,
}

impl Scan {
    /// Looks on for the end of the row; returns where the row's separator begins. Where `last` is not set, the last
    /// bytes of the text are left for the next call.
    fn end_of_row(&mut self, format: &Format, text: &[u8], last: bool) -> Option<usize> {
        loop {
            let rest = text.get(self.at..).unwrap_or_default();
            if rest.is_empty() || !last && rest.len() < format.look_ahead() {
                return None;
            }
            let byte = rest.first().copied();
            let next = rest.get(1).copied();
            if self.quoted {
                if byte == format.enclosed {
                    let after = rest.get(1..).unwrap_or_default();
                    match next == byte {
                        true => self.at += 2,
                        false => {
                            let ends = after.is_empty()
                                || after.starts_with(&format.fields)
                                || after.starts_with(&format.lines);
                            self.quoted = !ends;
                            self.at += 1;
                        }
                    }
                } else if byte == format.escape {
                    self.at += 2;
                } else {
                    self.at += mark(rest, [format.enclosed, format.escape, None]);
                }
            } else if !self.inside && byte.is_some() && byte == format.enclosed {
                self.quoted = true;
                self.inside = true;
                self.at += 1;
            } else if rest.starts_with(&format.lines) {
                return Some(self.at);
            } else if byte == format.escape {
                self.inside = true;
                self.at += 2;
            } else if rest.starts_with(&format.fields) {
                self.inside = false;
                self.at += format.fields.len();
            } else {
                self.inside = true;
                // Without quotes it makes no difference where a value begins.
                let field = format.enclosed.and(format.fields.first().copied());
                let line = format.lines.first().copied();
                self.at += mark(rest, [line, format.escape, field]);
            }
            self.at = self.at.min(text.len());
        }
    }
}

/// The number of bytes up to the next one of these, but at least one.
fn mark(text: &[u8], marks: [Option<u8>; 3]) -> usize {
    let text = text.get(1..).unwrap_or_default();
    let found = match marks {
        [Some(a), Some(b), Some(c)] => memchr::memchr3(a, b, c, text),
        [Some(a), Some(b), None] | [Some(a), None, Some(b)] | [None, Some(a), Some(b)] => {
            memchr::memchr2(a, b, text)
        }
        [Some(a), None, None] | [None, Some(a), None] | [None, None, Some(a)] => {
            memchr::memchr(a, text)
        }
        [None, None, None] => None,
    };
    1 + found.unwrap_or(text.len())
}

/// Reads the rows of one file and hands them over as those of one INSERT.
pub struct DelimitedRows {
    format: Format,
    /// The head of the INSERT, up to VALUES.
    head: String,
    /// How the values of each column are written; plain where there are fewer than columns.
    encodings: Vec<Encoding>,
    buffer: Vec<u8>,
    scan: Scan,
    wanted: Option<Wanted>,
    rows: u64,
    /// Where the row in the buffer begins.
    began: Place,
    /// Bytes and line feeds of it that are not in the buffer any more.
    dropped: (u64, u64),
    /// The row as values of SQL.
    values: Vec<u8>,
}

impl DelimitedRows {
    /// Reads rows of a table. The values are those of `columns`, or of all columns of the table in their order.
    pub fn new(
        format: Format,
        table: &str,
        columns: Option<&[String]>,
        encodings: Vec<Encoding>,
    ) -> Self {
        let table = identifier(table);
        let head = match columns {
            Some(columns) => {
                let names: Vec<String> = columns.iter().map(|name| identifier(name)).collect();
                format!("INSERT INTO {table} ({}) VALUES", names.join(","))
            }
            None => format!("INSERT INTO {table} VALUES"),
        };
        Self {
            format,
            head,
            encodings,
            buffer: Vec::new(),
            scan: Scan::default(),
            wanted: None,
            rows: 0,
            began: Place::default(),
            dropped: (0, 0),
            values: Vec::new(),
        }
    }

    /// Reads the next piece of the file.
    pub fn feed(&mut self, piece: &[u8], sink: &mut dyn Sink) {
        self.buffer.extend_from_slice(piece);
        self.read(false, sink);
    }

    /// Reads what is left and tells how the file ended. Each row has its separator behind it: one without is cut.
    pub fn finish(mut self, sink: &mut dyn Sink) -> Ending {
        self.read(true, sink);
        let Place { offset, line } = self.began;
        let rest = self.dropped.0 + self.buffer.len() as u64;
        let lines = line - 1 + self.dropped.1 + line_feeds(&self.buffer);
        if self.wanted.is_some() {
            sink.rows_end(self.rows, None, self.began);
        }
        Ending {
            interrupted: (rest > 0).then(|| Interrupted {
                open: Open::Row,
                place: self.began,
                head: Vec::new(),
            }),
            inside_delimiter_block: false,
            bytes: offset + rest,
            lines,
        }
    }

    fn read(&mut self, last: bool, sink: &mut dyn Sink) {
        let buffer = mem::take(&mut self.buffer);
        let mut from = 0;
        loop {
            let text = buffer.get(from..).unwrap_or_default();
            if text.is_empty() {
                break;
            }
            let wanted = match self.wanted {
                Some(wanted) => wanted,
                None => {
                    let head = statement(self.head.as_bytes(), self.began, false);
                    *self.wanted.insert(sink.rows_begin(head))
                }
            };
            let Some(end) = self.scan.end_of_row(&self.format, text, last) else {
                break;
            };
            let row = text.get(..end).unwrap_or_default();
            self.rows += 1;
            self.hand_over(row, wanted, sink);
            let whole = end + self.format.lines.len();
            let whole = text.get(..whole).unwrap_or(text);
            self.began.offset += self.dropped.0 + whole.len() as u64;
            self.began.line += self.dropped.1 + line_feeds(whole);
            self.dropped = (0, 0);
            self.scan = Scan::default();
            from += whole.len();
        }
        self.buffer = buffer;
        self.buffer.drain(..from);
        self.drop_what_is_not_wanted();
    }

    /// Hands a row over where it is wanted.
    fn hand_over(&mut self, row: &[u8], wanted: Wanted, sink: &mut dyn Sink) {
        let is_first = self.rows == 1;
        if wanted == Wanted::None || wanted == Wanted::First && !is_first {
            return;
        }
        let cut_short = self.dropped.0 > 0;
        // What was dropped stood behind the text that is kept.
        let row = match cut_short {
            true => row.get(..MAX_TEXT).unwrap_or(row),
            false => row,
        };
        self.values.clear();
        let mut value = Vec::new();
        let mut rest = Some(row);
        let mut encodings = self.encodings.iter();
        while let Some(row) = rest {
            let (is_null, after) = self.format.value(row, &mut value);
            rest = after;
            let encoding = encodings.next().copied().unwrap_or_default();
            match is_null {
                true => self.values.extend_from_slice(b"NULL"),
                false => literal(&value, encoding, &mut self.values),
            }
            if rest.is_some() {
                self.values.push(b',');
            }
        }
        if cut_short {
            // No value that is cut looks whole.
            self.values.pop();
        }
        let is_wanted = match wanted {
            Wanted::Containing(what) => {
                is_first || memchr::memmem::find(&self.values, what).is_some()
            }
            _ => true,
        };
        if is_wanted {
            sink.row(statement(&self.values, self.began, cut_short));
        }
    }

    /// Drops what was looked at of the row in the buffer, beyond what may be handed over of it.
    fn drop_what_is_not_wanted(&mut self) {
        let most = match self.wanted {
            Some(Wanted::Whole) => MAX_ROW,
            Some(Wanted::Containing(_)) => MAX_TEXT,
            Some(Wanted::First) if self.rows == 0 => MAX_TEXT,
            _ => 0,
        };
        let seen = self.scan.at.min(self.buffer.len());
        if seen > most {
            let dropped = self.buffer.drain(most..seen);
            self.dropped.0 += dropped.len() as u64;
            self.dropped.1 += line_feeds(dropped.as_slice());
            drop(dropped);
            self.scan.at = most;
        }
    }
}

fn statement(text: &[u8], place: Place, cut_short: bool) -> Statement<'_> {
    Statement {
        text,
        place,
        cut_short,
        delimiter: b";",
    }
}

fn line_feeds(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}

/// Writes a value as a literal of SQL.
fn literal(value: &[u8], encoding: Encoding, to: &mut Vec<u8>) {
    let decoded = match encoding {
        Encoding::Plain => None,
        Encoding::Hexadecimal => {
            let is_hexadecimal = value.iter().all(u8::is_ascii_hexdigit);
            is_hexadecimal.then(|| value.to_vec())
        }
        Encoding::Base64 => {
            // TO_BASE64 breaks lines.
            let text: Vec<u8> = value.iter().copied().filter(|b| *b != b'\n').collect();
            let bytes = STANDARD.decode(text).ok();
            bytes.map(|bytes| crate::schema::sql::hexadecimal(&bytes).into_bytes())
        }
    };
    if let Some(digits) = decoded {
        to.extend_from_slice(b"x'");
        to.extend_from_slice(&digits);
        to.push(b'\'');
        return;
    }
    to.push(b'\'');
    for byte in value {
        if matches!(byte, b'\'' | b'\\') {
            to.push(b'\\');
        }
        to.push(*byte);
    }
    to.push(b'\'');
}

#[cfg(test)]
mod tests;

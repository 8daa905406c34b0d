//! What stands between and inside statements without being SQL: comments, DELIMITER lines, and lines that cannot
//! begin a statement.

use super::marks::{is_delimiter_command, is_sandbox_mark, is_version_comment, starts_with};
use super::sink::{ASIDE, Sink};
use super::state::{Inside, Mode, Scanner};
use super::{LOOKAHEAD, noise};

/// Longest comment without an end, in bytes, of which all but the first line is read again, and how many there can be:
/// reading again must not take long, whatever the dump is made of.
const MAX_READ_AGAIN: usize = 64 << 10;
const MAX_UNCLOSED: u8 = 16;

/// Longest delimiter of the `mysql` client, in bytes; the client cuts longer ones as well.
const MAX_DELIMITER: usize = 16;

impl Scanner {
    /// Reads on between statements: white space, comments, DELIMITER, or the first byte of a statement.
    pub(super) fn between(&mut self, bytes: &[u8], pos: usize, sink: &dyn Sink) -> usize {
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
            let visible = rest.get(..LOOKAHEAD).unwrap_or(rest);
            if !noise::begins_statement(visible, &self.delimiter) {
                self.inside = Inside::NoiseLine;
                return pos;
            }
        }
        self.modes = sink.modes();
        self.mode = Mode::Text;
        self.bytes_from = sink.wants_bytes().then_some(pos);
        // The byte itself may be a quote or parenthesis, so it is looked at again.
        pos
    }

    /// Enters a comment inside a statement, if one begins here; returns the length of its mark.
    pub(super) fn comment_at(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
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

    pub(super) fn block_comment(
        &mut self,
        bytes: &[u8],
        pos: usize,
        end: usize,
        sink: &mut dyn Sink,
    ) -> usize {
        let rest = bytes.get(pos..end).unwrap_or_default();
        for found in memchr::memchr2_iter(b'*', b'\n', rest) {
            let at = pos + found;
            if bytes.get(at) == Some(&b'*') {
                if bytes.get(at + 1) == Some(&b'/') {
                    self.end_comment(bytes, at + 2, sink);
                    return at + 2;
                }
            } else if is_version_comment(bytes, at + 1) && self.is_unclosed(bytes, at, sink) {
                return at;
            }
        }
        end
    }

    /// Takes the first line of a comment for text that is no comment, where a line of SQL follows before its end: the
    /// end of that line would end the comment, and everything up to it would be lost. What follows the first line is
    /// read again. Returns whether it was so.
    fn is_unclosed(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) -> bool {
        if self.mode != Mode::Between || !sink.sets_noise_apart() || self.unclosed == MAX_UNCLOSED {
            return false;
        }
        self.keep_up_to(bytes, at);
        if self.text.len() > MAX_READ_AGAIN {
            return false;
        }
        let line_end = memchr::memchr(b'\n', &self.text).unwrap_or(self.text.len());
        let rest = self.text.split_off(line_end);
        self.unclosed += 1;
        self.inside = Inside::Plain;
        self.keep_from = None;
        sink.noise(self.text.trim_ascii_end(), self.began);
        sink.ends(self.began.offset + line_end as u64);
        self.again = Some(rest);
        true
    }

    pub(super) fn line_comment(
        &mut self,
        bytes: &[u8],
        pos: usize,
        end: usize,
        sink: &mut dyn Sink,
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
    pub(super) fn noise_line(
        &mut self,
        bytes: &[u8],
        pos: usize,
        end: usize,
        sink: &mut dyn Sink,
    ) -> usize {
        let rest = bytes.get(pos..end).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return end;
        };
        self.keep_up_to(bytes, pos + length);
        self.keep_from = None;
        self.inside = Inside::Plain;
        sink.noise(self.text.trim_ascii_end(), self.began);
        sink.ends(self.base + (pos + length + 1) as u64);
        pos + length + 1
    }

    fn end_comment(&mut self, bytes: &[u8], at: usize, sink: &mut dyn Sink) {
        self.inside = Inside::Plain;
        if self.mode == Mode::Between {
            self.keep_up_to(bytes, at);
            self.keep_from = None;
            sink.comment(self.text.trim_ascii_end(), self.began, true);
            sink.ends(self.base + at as u64);
        } else if !self.aside.is_empty() {
            sink.comment_inside(self.aside.trim_ascii_end(), self.aside_began);
            self.aside.clear();
        }
    }

    /// Reads a `DELIMITER xx` line: the rest of the line up to the first blank is the new delimiter.
    pub(super) fn delimiter_line(
        &mut self,
        bytes: &[u8],
        pos: usize,
        end: usize,
        sink: &mut dyn Sink,
    ) -> usize {
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
        sink.delimiter_command(self.began);
        sink.ends(self.base + (pos + length + 1) as u64);
        pos + length + 1
    }
}

//! Text between the statements of a dump that is not SQL: messages, call stacks, what a shell prints.

use super::{DumpReader, push};
use crate::dump::header;
use crate::snapshot::{Place, Position, StrayText};

/// Longest line of such text that is kept, in bytes.
const MAX_LINE: usize = 400;

/// A first line shorter than this, in bytes, is shown with the next one.
const SHORT_LINE: usize = 7;

/// First lines of dumps that follow a message without a line feed between the two, as `Enter password: ` does.
const FIRST_LINES: [&[u8]; 2] = [b"-- MySQL dump ", b"-- MariaDB dump "];

/// What came so far of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    /// Whether a statement came.
    has_statement: bool,
    /// Whether the first line of a dump program came.
    pub(super) part_began: bool,
    /// Number of texts known when the last statement came: those after it stand behind it.
    known_before: usize,
    /// Whether the last thing that came is such text.
    in_text: bool,
    /// Whether text behind the last statement stands outside it.
    pub(super) is_behind: bool,
    /// Whether foreign keys were turned off once, with a plain 0, and are on again by a plain 1.
    pub(super) keys_on_again: bool,
    /// How often they were turned off so.
    pub(super) keys_off: u32,
}

impl Course {
    /// Notes a statement, when `texts` texts are known.
    pub(super) fn statement(&mut self, texts: usize) {
        self.has_statement = true;
        self.known_before = texts;
        self.in_text = false;
        self.is_behind = true;
    }

    /// Notes the first line of a dump program; returns whether it is what the dump begins with.
    pub(super) fn begin_part(&mut self) -> bool {
        self.part_began = true;
        self.in_text = false;
        !self.has_statement
    }
}

impl DumpReader {
    /// Handles a line between statements that cannot begin one.
    pub(super) fn line_of_noise(&mut self, line: &[u8], place: Place) {
        let header = FIRST_LINES
            .iter()
            .filter_map(|first| memchr::memmem::find(line, first));
        let header = header.min();
        let (message, header_line) = line.split_at(header.unwrap_or(line.len()));
        let at = self.at(place);
        if !self.course.has_statement && !self.course.part_began && is_rest_of_statement(message) {
            self.facts.begins_inside.get_or_insert_with(|| at.clone());
        }
        let message = String::from_utf8_lossy(message.get(..MAX_LINE).unwrap_or(message));
        // Ctrl-Z ends text files of DOS; zero bytes are told apart.
        if !message.trim().trim_matches(['\u{1a}', '\0']).is_empty() {
            self.stray(at, message.trim());
        }
        if let Some(from) = header {
            let place = Place {
                offset: place.offset + from as u64,
                ..place
            };
            crate::dump::scanner::Sink::comment(self, header_line, place, true);
        }
    }

    /// Records text that is not SQL; text that follows other such text belongs to it.
    pub(super) fn stray(&mut self, at: crate::snapshot::At, line: &str) {
        let is_message = header::is_program_message(line);
        if self.course.in_text
            && let Some(last) = self.facts.stray_text.last_mut()
        {
            // A lone brace says nothing.
            if last.more == 0 && last.line.len() < SHORT_LINE {
                last.line = format!("{} {line}", last.line);
            } else {
                last.more += 1;
            }
            last.is_message |= is_message;
            return;
        }
        self.course.in_text = true;
        let position = match self.course.has_statement || self.course.part_began {
            true => Position::Between,
            false => Position::First,
        };
        let text = StrayText {
            at,
            line: line.to_owned(),
            more: 0,
            is_message,
            in_comment: false,
            position,
        };
        push(&mut self.facts.stray_text, text);
    }

    /// At the end of a file: the texts behind its last statement are the last thing in it.
    pub(super) fn end_course(&mut self) {
        if !self.course.has_statement || !self.course.is_behind {
            return;
        }
        let known = self.course.known_before;
        for text in self.facts.stray_text.iter_mut().skip(known) {
            text.position = Position::Last;
        }
    }
}

/// Whether a line looks like the end of a statement whose beginning stands elsewhere.
fn is_rest_of_statement(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let starts = matches!(line.first(), Some(b'\'' | b'`' | b',' | b')')) || is_row(line);
    let ends = line.ends_with(b");") || line.ends_with(b",") && line.contains(&b'`');
    starts || ends || memchr::memmem::find(line, b"),(").is_some()
}

/// Whether a line begins as a row does: `(12,'x'),(13,'y');`. A message may begin `(12 files)`.
fn is_row(line: &[u8]) -> bool {
    let Some(value) = line.strip_prefix(b"(") else {
        return false;
    };
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let is_number = digits > 0 && value.get(digits) == Some(&b',');
    let begins: [&[u8]; 4] = [b"'", b"NULL", b"0x", b"_binary"];
    is_number || begins.iter().any(|it| value.starts_with(it))
}

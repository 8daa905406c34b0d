//! Copies a dump, statement by statement: bytes go through as they are, and only what the plan says is left out or
//! replaced.
//!
//! The scanner tells where statements begin and end; what stands between two of them goes with the first. Bytes are
//! held back only until it is known what becomes of them: those of a statement until its end, those of a comment until
//! the statement behind it, and those of settings that are saved and restored around an object until they are
//! restored. Rows are not held back: what becomes of an INSERT is known from its head.

use std::collections::VecDeque;
use std::io::Write;

use indexmap::IndexMap;

use super::edit::{Edit, Subject};
use super::error::ExtractError;
use super::plan::{Context, Decision, Fate, Plan};
use super::rewrite::{Outcome, Rewrite};
use crate::dump::container::{ByteStream, Progress};
use crate::dump::header::{self, Remark};
use crate::dump::reader::{DumpReader, DumpSink};
use crate::dump::scanner::{Scanner, Sink, Statement as Text, Wanted};
use crate::dump::session::Session;
use crate::schema::ddl::{self, Assignment, Statement, VariableScope};
use crate::schema::lexer::SqlModes;
use crate::snapshot::Place;

/// Most bytes that are held back of a statement; more is no statement that a dump program writes outside rows.
const MAX_HELD: u64 = 32 << 20;

/// Most statements that wait for one behind them.
const MAX_WAITING: usize = 1000;

/// What happens from one byte of the dump on.
#[derive(Debug)]
struct Mark {
    from: u64,
    keep: bool,
    /// Text that is written here first.
    insert: Vec<u8>,
}

/// A statement, comment or command of the dump.
#[derive(Debug)]
struct Item {
    from: u64,
    fate: Fate,
    /// Replacements, with offsets in the dump.
    edits: Vec<(u64, u64, String)>,
    /// The line on which it begins.
    line: u64,
    /// Whether it is part of the end that a dump program writes: settings of before, and the last line.
    is_end: bool,
}

/// The head of the INSERT that came last, and what becomes of it; most repeat.
#[derive(Default)]
struct Head {
    text: Vec<u8>,
    decision: Option<Decision>,
    table: String,
}

/// Copies a dump into `out`; collects the facts of the whole dump on the way.
pub struct Copier<'p, 'a> {
    plan: &'p Plan<'a>,
    reader: DumpReader,
    session: Session,
    current: Option<String>,
    marks: VecDeque<Mark>,
    /// Items whose fate is not known yet.
    waiting: Vec<Item>,
    /// The delimiter when the saved settings that wait were saved; `None` when none wait.
    frame: Option<Vec<u8>>,
    /// Number of bytes before the end of the last whole item.
    ends: u64,
    head: Head,
    /// Whether the rows of an INSERT are being read, and whether they are taken.
    rows: Option<bool>,
    lock_left_out: bool,
    session_is_set: bool,
    /// Statements that are written before the end.
    additions: Vec<String>,
    error: Option<ExtractError>,
    outcome: Outcome,
}

impl<'p, 'a> Copier<'p, 'a> {
    /// A copier that does what `plan` says, and leaves the facts of the dump to `reader`.
    pub fn new(plan: &'p Plan<'a>, reader: DumpReader) -> Self {
        Self {
            plan,
            reader,
            session: Session::default(),
            current: None,
            marks: VecDeque::new(),
            waiting: Vec::new(),
            frame: None,
            ends: 0,
            head: Head::default(),
            rows: None,
            lock_left_out: false,
            session_is_set: plan.session.is_empty(),
            additions: Vec::new(),
            error: None,
            outcome: Outcome::default(),
        }
    }

    /// Copies a whole stream. Returns what was done, and the facts of the dump.
    ///
    /// # Errors
    /// The plan cannot be followed at some statement, or the result cannot be written.
    pub fn copy(
        mut self,
        mut stream: ByteStream,
        out: &mut dyn Write,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<(Outcome, DumpReader), ExtractError> {
        let mut scanner = Scanner::default();
        let progress = stream.progress();
        let mut tape = Tape::default();
        while let Some(piece) = stream.next_piece() {
            scanner.feed_ahead(piece.text, piece.ahead, &mut self);
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let decided = self.decided(scanner.bytes_read());
            tape.take(piece.text, decided, &mut self.marks, out)?;
            if tape.held.len() as u64 > MAX_HELD {
                return Err(ExtractError::TooLong {
                    line: scanner.line(),
                    limit: MAX_HELD,
                });
            }
            watch(&progress);
        }
        let ending = scanner.finish(&mut self);
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.finish(tape.base + tape.held.len() as u64, ending.lines + 1);
        tape.take(&[], u64::MAX, &mut self.marks, out)?;
        let damage = stream.ending().and_then(|ending| ending.damage()).cloned();
        self.reader.end_file(ending, damage, b"");
        self.outcome.bytes = tape.written;
        Ok((self.outcome, self.reader))
    }

    /// The number of bytes of which it is known what becomes of them, when the scanner has read `read`.
    fn decided(&self, read: u64) -> u64 {
        if self.plan.is_plain() {
            return read;
        }
        match (self.waiting.first(), self.rows) {
            (Some(item), _) => item.from,
            (None, Some(_)) => read,
            (None, None) => self.ends,
        }
    }

    /// Takes an item; what it settles is no longer held back.
    fn item(&mut self, item: Item) {
        let settles = item.fate != Fate::Follow && !item.is_end;
        if item.is_end && !self.waiting.iter().any(|it| it.is_end) {
            self.settle();
        }
        self.waiting.push(item);
        if settles && self.frame.is_none() || self.waiting.len() > MAX_WAITING {
            self.settle();
        }
    }

    /// Decides about everything that waits: it goes with the statement that it stands around.
    fn settle(&mut self) {
        self.frame = None;
        let kept = self.waiting.iter().any(|item| item.fate == Fate::Keep);
        let left_out = self.waiting.iter().any(|item| item.fate == Fate::Drop);
        let together = kept || !left_out;
        for item in std::mem::take(&mut self.waiting) {
            let keep = match item.fate {
                Fate::Keep => true,
                Fate::Drop => false,
                Fate::Follow => together,
            };
            self.mark(item.from, keep, Vec::new());
            if keep {
                for (from, to, with) in item.edits {
                    self.mark(from, false, with.into_bytes());
                    self.mark(to, true, Vec::new());
                }
            }
        }
    }

    fn mark(&mut self, from: u64, keep: bool, insert: Vec<u8>) {
        let repeats = self.marks.back().is_some_and(|mark| mark.keep == keep);
        if !repeats || !insert.is_empty() {
            self.marks.push_back(Mark { from, keep, insert });
        }
    }

    /// Puts what the dump lacks before the settings that its end restores, with which it would run as on the server alone:
    /// or before its last line, or at its end, which is `end` bytes from its start and on this line.
    fn finish(&mut self, end: u64, line: u64) {
        let first = self.waiting.iter().find(|item| item.is_end);
        let (at, line) = first.map_or((end, line), |item| (item.from, item.line));
        if first.is_none() {
            self.settle();
        }
        let mut insert = Vec::new();
        for statement in std::mem::take(&mut self.additions) {
            insert.extend_from_slice(statement.as_bytes());
            insert.extend_from_slice(b";\n");
            let rewrite = Rewrite::new(line, Subject::GeneratedColumn, b"", &statement);
            self.outcome.rewrites.push(rewrite);
        }
        for program in &self.plan.programs {
            insert.extend_from_slice(program.script().as_bytes());
            let rewrite = Rewrite::new(line, Subject::Program, b"", &program.name);
            self.outcome.rewrites.push(rewrite);
        }
        if !insert.is_empty() {
            self.mark(at, true, insert);
        }
        self.settle();
    }

    /// Whether something is to stand before the end.
    fn adds(&self) -> bool {
        !self.additions.is_empty() || !self.plan.programs.is_empty()
    }

    /// The decision about a statement, and its object.
    fn decide(&mut self, text: Text<'_>) -> Option<Decision> {
        if text.cut_short {
            self.error.get_or_insert(ExtractError::TooLong {
                line: text.place.line,
                limit: text.text.len() as u64,
            });
            return None;
        }
        let context = Context {
            current: self.current.as_deref(),
            modes: self.reader.sql_modes(),
            line: text.place.line,
        };
        match self.plan.decide(text.text, &context) {
            Ok(decision) => Some(decision),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    /// Notes the replacements of a statement, and gives them offsets in the dump.
    fn edits(&mut self, text: Text<'_>, decision: &Decision) -> Vec<(u64, u64, String)> {
        let mut edits = decision.edits.clone();
        edits.sort_by_key(|edit| edit.range.start);
        for edit in &edits {
            self.note(text, edit);
        }
        let offset = |at: usize| text.place.offset + at as u64;
        let edits = edits.into_iter();
        edits
            .map(|edit| (offset(edit.range.start), offset(edit.range.end), edit.with))
            .collect()
    }

    /// Adds a statement behind all others.
    fn note(&mut self, text: Text<'_>, edit: &Edit) {
        let before = text.text.get(..edit.range.start).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', before).count() as u64;
        let old = text.text.get(edit.range.clone()).unwrap_or_default();
        self.outcome.rewrites.push(Rewrite::new(
            text.place.line + lines,
            edit.subject,
            old,
            &edit.with,
        ));
    }

    /// Follows the settings of the session, and says whether some that were saved wait to be restored.
    fn follow(&mut self, text: &[u8]) -> Followed {
        let sql = String::from_utf8_lossy(text);
        let Ok(statement) = ddl::parse(&sql, self.reader.sql_modes()) else {
            return Followed::default();
        };
        match statement {
            Statement::Set(assignments) => {
                for assignment in &assignments {
                    self.session.assign(assignment);
                }
                let saves = assignments.iter().any(|assignment| {
                    assignment.scope == VariableScope::User && assignment.name.starts_with("saved_")
                });
                let of_before = |it: &Assignment| {
                    let value = it.value.trim().to_ascii_lowercase();
                    it.scope == VariableScope::Session && value.starts_with("@old_")
                };
                let mut open = self.session.unrestored();
                Followed {
                    is_set: true,
                    saves,
                    restores: assignments.iter().all(of_before),
                    is_open: open.any(|name| name.starts_with("saved_")),
                    ..Followed::default()
                }
            }
            Statement::Use(database) => {
                self.current = Some(database);
                Followed::default()
            }
            Statement::LockTables(_) => Followed {
                locks: true,
                ..Followed::default()
            },
            Statement::UnlockTables => Followed {
                unlocks: true,
                ..Followed::default()
            },
            Statement::CreateTable(_) => Followed {
                makes_table: true,
                ..Followed::default()
            },
            _ => Followed::default(),
        }
    }
}

/// What a statement does to the course of the dump.
#[derive(Clone, Copy, Debug, Default)]
struct Followed {
    is_set: bool,
    /// It saves a setting that is restored behind the object that follows.
    saves: bool,
    /// It restores settings of before the dump, as the end of a dump does.
    restores: bool,
    /// Such settings are not restored yet.
    is_open: bool,
    locks: bool,
    unlocks: bool,
    makes_table: bool,
}

impl Sink for Copier<'_, '_> {
    fn statement(&mut self, text: Text<'_>) {
        self.head.text.clear();
        if self.plan.is_plain() {
            self.reader.statement(text);
            return;
        }
        let Some(mut decision) = self.decide(text) else {
            return;
        };
        let followed = self.follow(text.text);
        self.reader.statement(text);
        if followed.locks {
            self.lock_left_out = decision.fate == Fate::Drop;
        }
        if followed.unlocks && std::mem::take(&mut self.lock_left_out) {
            decision = Decision::drop();
        }
        if decision.fate == Fate::Drop {
            let is_by_choice = decision.removed.is_none();
            if let Some(subject) = decision.removed {
                let line = text.place.line;
                self.outcome
                    .rewrites
                    .push(Rewrite::new(line, subject, text.text, ""));
            }
            if decision.is_unplaced {
                self.outcome.unplaced.push(Rewrite::new(
                    text.place.line,
                    Subject::TableList,
                    text.text,
                    "",
                ));
            }
            self.outcome.left_out += u64::from(is_by_choice);
        }
        self.additions.append(&mut decision.later);
        let edits = self.edits(text, &decision);
        if followed.makes_table && decision.fate == Fate::Keep && !self.session_is_set {
            self.session_is_set = true;
            self.settle();
            let mut insert = String::new();
            let delimiter = String::from_utf8_lossy(text.delimiter).into_owned();
            for statement in &self.plan.session {
                insert.push_str(&format!("{statement}{delimiter}\n"));
                let line = text.place.line;
                let rewrite = Rewrite::new(line, Subject::SessionVariable, b"", statement);
                self.outcome.rewrites.push(rewrite);
            }
            self.mark(text.place.offset, true, insert.into_bytes());
        }
        if followed.saves && self.frame.is_none() && self.plan.leaves_out() {
            self.frame = Some(text.delimiter.to_vec());
        }
        let is_in_frame = self.frame.is_some();
        let fate = match (is_in_frame && followed.is_set, decision.fate) {
            (true, Fate::Keep) => Fate::Follow,
            (_, fate) => fate,
        };
        self.item(Item {
            from: text.place.offset,
            fate,
            edits,
            line: text.place.line,
            is_end: followed.restores && !is_in_frame && self.adds(),
        });
        if is_in_frame && followed.is_set && !followed.is_open {
            // A block that changes the delimiter stays whole.
            if self.frame.as_deref() != Some(text.delimiter) {
                for item in &mut self.waiting {
                    if item.fate == Fate::Follow {
                        item.fate = Fate::Keep;
                    }
                }
            }
            self.settle();
        }
    }

    fn rows_begin(&mut self, head: Text<'_>) -> Wanted {
        if self.plan.is_plain() {
            self.rows = Some(true);
            return self.reader.rows_begin(head);
        }
        let is_same = head.text == self.head.text && self.head.decision.is_some();
        if !is_same {
            self.head = Head {
                text: head.text.to_vec(),
                decision: self.decide(head),
                table: String::new(),
            };
        }
        let wanted = self.reader.rows_begin(head);
        if !is_same {
            self.head.table = self.reader.rows_go_into().to_owned();
        }
        let Some(decision) = self.head.decision.clone() else {
            return Wanted::None;
        };
        let edits = match decision.edits.is_empty() {
            true => Vec::new(),
            false => self.edits(head, &decision),
        };
        self.item(Item {
            from: head.place.offset,
            fate: decision.fate,
            edits,
            line: head.place.line,
            is_end: false,
        });
        self.settle();
        self.rows = Some(decision.fate == Fate::Keep);
        wanted
    }

    fn row(&mut self, values: Text<'_>) {
        self.reader.row(values);
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.reader.rows_end(count, broken, place);
        let taken = self.rows.take().unwrap_or_default();
        if self.plan.is_plain() {
            self.outcome.rows += count;
            return;
        }
        let tables = match taken {
            true => &mut self.outcome.rows_taken,
            false => &mut self.outcome.rows_left_out,
        };
        count_rows(tables, &self.head.table, count);
        self.outcome.rows += if taken { count } else { 0 };
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        self.reader.comment(text, place, ended);
        if self.plan.is_plain() {
            return;
        }
        let decision = self.plan.comment(text);
        let statement = Text {
            text,
            place,
            cut_short: false,
            delimiter: b";",
        };
        if let Some(subject) = decision.removed {
            let rewrite = Rewrite::new(place.line, subject, text, "");
            self.outcome.rewrites.push(rewrite);
        }
        let edits = self.edits(statement, &decision);
        let is_end = matches!(header::remark(text, ended), Some(Remark::Ends { .. }));
        self.item(Item {
            from: place.offset,
            fate: decision.fate,
            edits,
            line: place.line,
            is_end: is_end && self.adds(),
        });
    }

    fn comment_inside(&mut self, text: &[u8], place: Place) {
        self.reader.comment_inside(text, place);
    }

    fn delimiter_command(&mut self, place: Place) {
        if self.plan.is_plain() {
            return;
        }
        let fate = match self.frame {
            Some(_) => Fate::Follow,
            None => Fate::Keep,
        };
        self.item(Item {
            from: place.offset,
            fate,
            edits: Vec::new(),
            line: place.line,
            is_end: false,
        });
    }

    fn ends(&mut self, offset: u64) {
        self.ends = offset;
    }

    fn large(&mut self, bytes: u64, place: Place) {
        self.reader.large(bytes, place);
    }

    fn sets_noise_apart(&self) -> bool {
        true
    }

    fn noise(&mut self, line: &[u8], place: Place) {
        self.reader.noise(line, place);
        if self.plan.is_plain() {
            return;
        }
        self.item(Item {
            from: place.offset,
            fate: Fate::Keep,
            edits: Vec::new(),
            line: place.line,
            is_end: false,
        });
    }

    fn modes(&self) -> SqlModes {
        self.reader.sql_modes()
    }
}

fn count_rows(tables: &mut IndexMap<String, u64>, table: &str, count: u64) {
    match tables.get_mut(table) {
        Some(known) => *known += count,
        None => {
            tables.insert(table.to_owned(), count);
        }
    }
}

impl DumpSink for Copier<'_, '_> {
    fn reader(&mut self) -> &mut DumpReader {
        &mut self.reader
    }
}

/// The bytes of the dump that are held back, and where they go.
#[derive(Debug)]
struct Tape {
    /// Offset in the dump of the first byte that is held back.
    base: u64,
    held: Vec<u8>,
    /// Whether the bytes from `base` on are taken, up to the next mark.
    keep: bool,
    written: u64,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            base: 0,
            held: Vec::new(),
            keep: true,
            written: 0,
        }
    }
}

impl Tape {
    /// Writes what is decided, up to `decided` bytes from the start of the dump, of what is held and of `piece`, which
    /// follows it; holds the rest.
    fn take(
        &mut self,
        piece: &[u8],
        decided: u64,
        marks: &mut VecDeque<Mark>,
        out: &mut dyn Write,
    ) -> Result<(), ExtractError> {
        let end = self.base + (self.held.len() + piece.len()) as u64;
        let decided = decided.clamp(self.base, end);
        let mut at = self.base;
        loop {
            let next = marks
                .front()
                .map(|mark| mark.from)
                .filter(|from| *from <= decided);
            let to = next.unwrap_or(decided).max(at);
            if self.keep {
                let parts = self.parts(piece, at, to);
                let bytes = parts.map(|part| part.len() as u64);
                parts.iter().try_for_each(|part| out.write_all(part))?;
                self.written += bytes.iter().sum::<u64>();
            }
            at = to;
            if next.is_none() {
                break;
            }
            if let Some(mark) = marks.pop_front() {
                self.keep = mark.keep;
                out.write_all(&mark.insert)?;
                self.written += mark.insert.len() as u64;
            }
        }
        let from_start = usize::try_from(decided - self.base).unwrap_or(usize::MAX);
        if from_start >= self.held.len() {
            let rest = piece
                .get(from_start - self.held.len()..)
                .unwrap_or_default();
            self.held.clear();
            self.held.extend_from_slice(rest);
        } else {
            self.held.drain(..from_start);
            self.held.extend_from_slice(piece);
        }
        self.base = decided;
        Ok(())
    }

    /// The bytes from one offset in the dump to another: those that are held, and those of the piece.
    fn parts<'t>(&'t self, piece: &'t [u8], from: u64, to: u64) -> [&'t [u8]; 2] {
        let place = |offset: u64| usize::try_from(offset - self.base).unwrap_or(usize::MAX);
        let (from, to, held) = (place(from), place(to), self.held.len());
        let of_held = self.held.get(from.min(held)..to.min(held));
        let of_piece = piece.get(from.saturating_sub(held)..to.saturating_sub(held));
        [of_held.unwrap_or_default(), of_piece.unwrap_or_default()]
    }
}

//! Runs the statements of a dump as a client does that reads it from a file.

use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::RehearseError;
use super::failure::{Failure, Phase, beginning};
use super::ground::Ground;
use super::guard::{self, About, Judgement, Setting};
use super::kind::Kind;
use super::lanes::{Lanes, Outcome, Task};
use super::stage::Definers;
use crate::dump::container::Progress;
use crate::dump::reader::{DumpReader, DumpSink};
use crate::dump::scanner::{Sink, Statement, Wanted};
use crate::sandbox::Client;
use crate::schema::lexer::SqlModes;
use crate::server::connect::PACKET;
use crate::server::error::ServerError;
use crate::snapshot::{At, Place};
use crate::source::Location;

/// The most failures and refusals that are kept; the others are counted.
const MAX_KEPT: usize = 1000;

/// Errors that say that the disk is full: ER_DISK_FULL, ER_RECORD_FILE_FULL.
const DISK_FULL: [u16; 2] = [1021, 1114];

/// A statement that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its kind.
    pub kind: Kind,
    /// Where in the dump the first of them stands.
    pub at: At,
    /// The beginning of that one.
    pub statement: String,
    /// How many there are.
    pub count: u64,
}

/// The work that one table was.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableWork {
    /// How long its statements took.
    pub time: Duration,
    /// How many bytes they have.
    pub bytes: u64,
}

/// What became of the statements of a dump.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Statements that failed.
    pub failures: Vec<Failure>,
    /// How many more failed than are kept.
    pub more_failures: u64,
    /// Statements that were refused, by their kinds.
    pub refused: IndexMap<Kind, Refusal>,
    /// Number of statements run.
    pub statements: u64,
    /// Bytes of the statements run.
    pub bytes: u64,
    /// How long it took.
    pub time: Duration,
    /// The work that each table was.
    pub tables: IndexMap<String, TableWork>,
    /// The first statement that changes or removes rows: its verb, and where it stands.
    pub changes_rows: Option<(&'static str, At)>,
    /// Whether it went to the end of the dump.
    pub is_complete: bool,
}

/// How a dump is restored.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Whether to go on behind a statement that fails.
    pub force: bool,
    /// How many connections put in rows, at least one.
    pub jobs: usize,
}

/// Restores a dump on a ground, up to the first statement that fails unless it is to go on. `watch` is told how far
/// the dump has been read, `tell` which table is worked on.
///
/// # Errors
/// The dump cannot be read, or the server is gone.
pub fn restore(
    stage: &dyn Ground,
    location: &Location,
    how: How,
    watch: &mut dyn FnMut(&Progress),
    tell: &mut dyn FnMut(&str),
) -> Result<Restored, RehearseError> {
    let begun = Instant::now();
    let mut restorer = Restorer {
        stage,
        client: stage.restoring_client()?,
        reader: DumpReader::new(&[]),
        file: String::new(),
        statement: Vec::new(),
        is_too_long: false,
        lanes: (how.jobs > 1)
            .then(|| Lanes::open(stage, how.jobs))
            .transpose()?,
        force: how.force,
        stop: false,
        lost: None,
        restored: Restored::default(),
        tell,
    };
    location.scan(&mut restorer, watch)?;
    if restorer.lost.is_none()
        && let Err(error) = restorer.settle()
    {
        restorer.lost = Some(error);
    }
    if let Some(error) = restorer.lost {
        return Err(error);
    }
    stage.go_on()?;
    let mut restored = restorer.restored;
    restored.is_complete = !restorer.stop;
    restored.time = begun.elapsed();
    Ok(restored)
}

struct Restorer<'a> {
    stage: &'a dyn Ground,
    client: Client,
    /// Keeps track of the session that the dump's statements make.
    reader: DumpReader,
    /// The file of a folder that is being read.
    file: String,
    /// The bytes of the statement that is being read.
    statement: Vec<u8>,
    is_too_long: bool,
    /// The connections for rows, where there are several.
    lanes: Option<Lanes>,
    force: bool,
    stop: bool,
    /// Why the server could not be asked any more.
    lost: Option<RehearseError>,
    restored: Restored,
    tell: &'a mut dyn FnMut(&str),
}

impl Restorer<'_> {
    /// Judges and runs the statement that was read.
    fn end(&mut self, place: Place, usual_delimiter: bool) -> Result<(), RehearseError> {
        if self.reader.file() != self.file {
            // Each file of a folder is loaded in a session of its own.
            self.file = self.reader.file().to_owned();
            self.settle()?;
            self.client = self.stage.restoring_client()?;
            if let Some(lanes) = &self.lanes {
                self.lanes = Some(Lanes::open(self.stage, lanes.len())?);
            }
        }
        let setting = Setting {
            modes: self.modes(),
            current: self.reader.current_database(),
            usual_delimiter,
            own: self.stage.database(),
        };
        let statement = self.statement.trim_ascii_end();
        let (about, judgement) = guard::judge(statement, setting);
        let at = At {
            file: self.file.clone(),
            place,
        };
        match judgement {
            Judgement::Nothing => Ok(()),
            Judgement::Refuse(kind) if !self.stage.allows(kind) => {
                let first = || Refusal {
                    kind,
                    at,
                    statement: beginning(statement),
                    count: 0,
                };
                let refused = self.restored.refused.entry(kind);
                refused.or_insert_with(first).count += 1;
                Ok(())
            }
            _ => self.run(about, at),
        }
    }

    fn run(&mut self, about: About, at: At) -> Result<(), RehearseError> {
        let changed = match self.stage.definers() {
            Definers::Current => guard::with_current_definer(&self.statement, self.modes()),
            _ => None,
        };
        let statement = changed.unwrap_or_else(|| std::mem::take(&mut self.statement));
        if self.restored.changes_rows.is_none() {
            let verb = verb_that_changes_rows(&statement);
            self.restored.changes_rows = verb.map(|verb| (verb, at.clone()));
        }
        if let Some(table) = &about.table
            && self
                .restored
                .tables
                .last()
                .is_none_or(|(last, _)| last != table)
        {
            (self.tell)(table);
        }
        let task = Task {
            statement,
            about,
            at,
        };
        if self.is_too_long {
            return self.note(&task, Err(too_long()), Duration::ZERO);
        }
        let Some(lanes) = self.lanes.as_mut() else {
            return self.run_first(task);
        };
        match role(&task, self.reader.checks_foreign_keys()) {
            Role::Rows => {
                let outcomes = lanes.run(task);
                self.take(outcomes)
            }
            Role::Setting => {
                lanes.set(&task.statement);
                self.run_first(task)
            }
            // Other connections would have to wait for the lock, and InnoDB has no keys to turn off.
            Role::Lock => Ok(()),
            Role::Table
                if task
                    .about
                    .table
                    .as_ref()
                    .is_some_and(|it| !lanes.has_touched(it)) =>
            {
                self.run_first(task)
            }
            Role::Table | Role::Other => {
                self.settle()?;
                self.run_first(task)
            }
        }
    }

    /// Waits until all rows are in.
    fn settle(&mut self) -> Result<(), RehearseError> {
        let outcomes = self.lanes.as_mut().map(Lanes::wait);
        self.take(outcomes.unwrap_or_default())
    }

    fn take(&mut self, outcomes: Vec<Outcome>) -> Result<(), RehearseError> {
        let mut outcomes = outcomes.into_iter();
        outcomes.try_for_each(|outcome| self.note(&outcome.task, outcome.done, outcome.time))
    }

    /// Runs a statement on the first connection.
    fn run_first(&mut self, task: Task) -> Result<(), RehearseError> {
        let begun = Instant::now();
        let done = self.client.run("a statement of the dump", &task.statement);
        let noted = self.note(&task, done, begun.elapsed());
        // The next statement can have its memory.
        self.statement = task.statement;
        noted
    }

    /// Notes what became of a statement.
    fn note(
        &mut self,
        task: &Task,
        done: Result<(), ServerError>,
        time: Duration,
    ) -> Result<(), RehearseError> {
        let bytes = task.statement.len() as u64;
        self.restored.statements += 1;
        self.restored.bytes += bytes;
        if let Some(table) = &task.about.table {
            let work = match self.restored.tables.get_mut(table) {
                Some(work) => work,
                None => self.restored.tables.entry(table.clone()).or_default(),
            };
            work.time += time;
            work.bytes += bytes;
        }
        let Err(error) = done else { return Ok(()) };
        let is_full = error.code().is_some_and(|code| DISK_FULL.contains(&code));
        let failure =
            Failure::of_statement(Phase::Restore, task.about.clone(), &task.statement, &error);
        let is_lost = error.is_lost();
        let limit = self.stage.limit();
        let failure = match is_lost && time >= limit {
            true => failure.out_of_time(limit),
            false => failure,
        };
        self.stop |= !self.force || is_full;
        match self.restored.failures.len() < MAX_KEPT {
            true => self.restored.failures.push(failure.at(task.at.clone())),
            false => self.restored.more_failures += 1,
        }
        if !is_lost {
            return Ok(());
        }
        match self.stage.explain(error.into()) {
            // The statement took too long, or the server gave the connection up: that is the dump's doing.
            RehearseError::Server(_) => {
                self.stop = true;
                Ok(())
            }
            error => Err(error),
        }
    }
}

/// What a statement is to several connections.
enum Role {
    /// It puts in rows, in whatever order.
    Rows,
    /// It sets something in the session, or chooses the database.
    Setting,
    /// It locks tables for the rows that follow, or turns their keys off and on.
    Lock,
    /// It makes or drops a table.
    Table,
    /// It has to wait until all rows are in.
    Other,
}

fn role(task: &Task, checks_foreign_keys: bool) -> Role {
    let text = &task.statement;
    let beginning =
        String::from_utf8_lossy(text.get(..BEGINNING).unwrap_or(text)).to_ascii_uppercase();
    let words: Vec<&str> = beginning
        .split(|c: char| !c.is_ascii_alphabetic() && c != '_')
        .filter(|word| !word.is_empty())
        .take(3)
        .collect();
    match words[..] {
        // Rows that give way to others are not to come before them.
        ["INSERT", "INTO", ..] if !checks_foreign_keys => {
            let is_plain =
                text.ends_with(b")") && memchr::memmem::find(text, b"ON DUPLICATE").is_none();
            if is_plain { Role::Rows } else { Role::Other }
        }
        ["SET" | "USE", ..] => Role::Setting,
        ["LOCK" | "UNLOCK", "TABLES", ..] if !checks_foreign_keys => Role::Lock,
        ["ALTER", "TABLE", ..] if beginning.contains("ABLE KEYS") && !checks_foreign_keys => {
            Role::Lock
        }
        ["CREATE" | "DROP", "TABLE", ..] => Role::Table,
        _ => Role::Other,
    }
}

/// The verb of a statement that changes or removes rows.
fn verb_that_changes_rows(statement: &[u8]) -> Option<&'static str> {
    let is_word = |byte: &u8| byte.is_ascii_alphabetic();
    let word = statement.split(|byte| !is_word(byte)).next()?;
    let mut verbs = ["UPDATE", "DELETE", "TRUNCATE"].into_iter();
    verbs.find(|verb| verb.as_bytes().eq_ignore_ascii_case(word))
}

/// Bytes of a statement by which its role is told.
const BEGINNING: usize = 200;

fn too_long() -> ServerError {
    ServerError::Query {
        server: String::new(),
        question: String::new(),
        code: 1153,
        message: format!(
            "not sent: statements of more than {} MiB are not rehearsed",
            PACKET >> 20
        ),
    }
}

impl DumpSink for Restorer<'_> {
    fn reader(&mut self) -> &mut DumpReader {
        &mut self.reader
    }
}

impl Sink for Restorer<'_> {
    fn statement(&mut self, statement: Statement<'_>) {
        self.reader.statement(statement);
    }

    fn rows_begin(&mut self, head: Statement<'_>) -> Wanted {
        self.reader.rows_begin(head);
        Wanted::None
    }

    fn row(&mut self, _values: Statement<'_>) {}

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.reader.rows_end(count, broken, place);
    }

    fn wants_bytes(&self) -> bool {
        true
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // The packet holds a byte besides.
        self.is_too_long |= self.statement.len() + bytes.len() >= PACKET;
        if !self.is_too_long {
            self.statement.extend_from_slice(bytes);
        }
    }

    fn ended(&mut self, place: Place, delimiter: &[u8]) {
        if !self.has_enough() {
            match self.end(place, delimiter == b";") {
                Ok(()) => self.lost = self.stage.go_on().err(),
                Err(error) => self.lost = Some(error),
            }
        }
        self.statement.clear();
        self.is_too_long = false;
    }

    fn has_enough(&self) -> bool {
        self.stop || self.lost.is_some()
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        self.reader.comment(text, place, ended);
    }

    fn modes(&self) -> SqlModes {
        self.reader.modes()
    }
}

impl Restored {
    /// Whether every statement was run, or refused for a reason that takes nothing from the database.
    pub fn is_whole(&self) -> bool {
        self.is_complete && self.failures.is_empty()
    }

    /// The tables that took longest, the longest first.
    pub fn slowest(&self, number: usize) -> Vec<(&str, TableWork)> {
        let tables = self.tables.iter();
        let mut all: Vec<(&str, TableWork)> = tables
            .map(|(table, work)| (table.as_str(), *work))
            .collect();
        all.sort_by_key(|(_, work)| std::cmp::Reverse(work.time));
        all.truncate(number);
        all
    }
}

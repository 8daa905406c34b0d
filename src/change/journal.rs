//! The journal: what is about to be done and how to take it back, on disk before it is done.
//!
//! A file of JSON lines. The first says which database of which server; then each step has a
//! line `doing`, written and synced before its statement runs, and a line `done` after it.
//! A step without the second line may have been done or not: its statement is guarded or its
//! table's definition tells. A journal never holds a password.
//!
//! Each line ends with a checksum of itself and of the lines before it, so that damage and edits are
//! noticed. Anybody can compute it: it does not say who wrote a journal, and what a journal holds is judged
//! all the same before anything of it is asked or run ([`Step::check_inverse`]).

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::ChangeError;
use super::exchange::Exchange;
use super::permitted;
use crate::gate::Blocked;
use crate::schema::sql::hexadecimal;
use crate::server::answer::first;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::small_file;
use crate::snapshot::Snapshot;

/// The form of journals that this program writes.
const JOURNAL_VERSION: u32 = 2;

/// The most bytes of a journal, which is read as a whole; it holds the rows that a repair changes.
const MAX_SIZE: u64 = 1 << 30;

/// The form of journals before, without checksums, that this program reads as well.
const WITHOUT_SUMS: u32 = 1;

/// The name by which [`proofs`] call the parent table.
pub const PARENT: &str = "cividb_parent";

/// What stands before the checksum of a line, behind all else.
const SUM: &str = ",\"sum\":\"";

/// The first line: what the journal is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The form of the journal.
    pub journal_version: u32,
    /// The program that wrote it, with its version.
    pub tool: String,
    /// When, in UTC (RFC 3339).
    pub begun: String,
    /// The command: `version`, `repair fk-names`, …
    pub command: String,
    /// Where the server was reached.
    pub server: String,
    /// The server's own version.
    pub server_version: String,
    /// The server's `server_uuid`, or its host name and port where it has none.
    pub server_id: String,
    /// The database.
    pub database: String,
    /// The account that made the changes.
    pub account: String,
}

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Number from 1.
    pub step: usize,
    /// The table it changes.
    pub table: String,
    /// What runs.
    pub statement: String,
    /// What takes it back.
    pub inverse: String,
    /// What the step is for, for people.
    pub why: String,
    /// The table's definition before, as SHOW CREATE TABLE prints it; `None` for steps that
    /// change rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The table's definition after, as the line `done` has it; `None` until then, for steps that
    /// change rows, and in journals of older versions.
    #[serde(skip)]
    pub after: Option<String>,
    /// Questions that have to answer 0 before the statement or its inverse may run: with them
    /// proved it runs with `foreign_key_checks` off, and so without copying the table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<String>,
    /// Tables that have to stand still between proof and statement, as LOCK TABLES takes them,
    /// with their aliases. Empty where constraints in force see to it that nothing changes what
    /// was proved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// For steps that change rows of a repair; see [`Rows`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Rows>,
    /// For the step of a rollback in which two sets of tables change places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

/// What a step does to rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// How many the statement changes, and its inverse.
    pub count: u64,
    /// The question how many of them are as they were before.
    pub still_as_before: String,
    /// The question which of them are there as the step left them: none of those that it deleted,
    /// all of those that it changed. It answers with the columns of [`Rows::named`]. Journals of
    /// older versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_left: Option<String>,
    /// The rows, as people call them: `id 9001`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// Where the values of each row stand in an inverse that is an INSERT, as offsets in bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(usize, usize)>,
}

impl Rows {
    /// Whether the statement did not run: all rows of a transaction change, or none.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn are_as_before(&self, connection: &mut Reader) -> Result<bool, ServerError> {
        let answer = connection.ask("rows of the journal", &self.still_as_before)?;
        let count = answer.first().and_then(first);
        Ok(count.is_some_and(|count| count == self.count.to_string()))
    }
}

/// What a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The definition of a table, which was this before.
    Definition(&'a str),
    /// Rows of a table.
    Rows(&'a Rows),
    /// Two sets of tables change places.
    Exchange(&'a Exchange),
    /// The version of a domain, in a journal of an older version: an UPDATE of one row that finds
    /// nothing to change where the version is no longer what was set.
    Version,
}

impl Step {
    /// What the step changes.
    pub fn kind(&self) -> Kind<'_> {
        if let Some(exchange) = &self.exchange {
            return Kind::Exchange(exchange);
        }
        match (&self.rows, &self.before) {
            (Some(rows), _) => Kind::Rows(rows),
            (None, Some(before)) => Kind::Definition(before),
            (None, None) => Kind::Version,
        }
    }

    /// Makes sure that what takes the step back, and what is asked about its rows, is what cividb writes into
    /// journals, and nothing that somebody has made of it since.
    ///
    /// # Errors
    /// It is something else.
    pub fn check_inverse(&self) -> Result<(), ChangeError> {
        permitted::check(self)
    }
}

/// The questions that have to answer 0 before a statement may run unchecked: how many rows of a table have no parent,
/// for each foreign key that it adds.
///
/// # Errors
/// A question does not pass the gate.
pub fn proofs(table: &str, statement: &str) -> Result<Vec<String>, Blocked> {
    permitted::proofs(table, statement)
}

/// A line after the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum Line {
    Doing(Box<Step>),
    Done {
        step: usize,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    Undone {
        step: usize,
    },
    Finished,
}

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It was about to run: whether it did is for its table to tell.
    Doing,
    /// It ran.
    Done,
    /// It was taken back.
    Undone,
}

/// A journal being written.
#[derive(Debug)]
pub struct Journal {
    /// `None` until something is written.
    file: Option<File>,
    path: PathBuf,
    head: Option<Head>,
    sums: Sums,
}

/// The checksums of a journal's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sums {
    /// A journal of the form before, which has none.
    None,
    /// The checksum of the last line; empty before the first.
    After(String),
}

impl Sums {
    /// The checksum of a line.
    fn next(last: &str, line: &[u8]) -> String {
        let mut digest = Md5::new();
        digest.update(last);
        digest.update(line);
        let hex = hexadecimal(&digest.finalize());
        hex.chars().take(16).collect()
    }

    /// A line with its checksum at its end, which is that of an object.
    fn sign(&mut self, line: &mut Vec<u8>) {
        let Self::After(last) = self else {
            return;
        };
        let sum = Self::next(last, line);
        if line.pop() == Some(b'}') {
            line.extend_from_slice(format!("{SUM}{sum}\"}}").as_bytes());
        }
        *last = sum;
    }

    /// Whether a line is as it was written.
    fn take(&mut self, line: &[u8]) -> bool {
        let Self::After(last) = self else {
            return true;
        };
        let tail = SUM.len() + 16 + 2;
        let Some((text, rest)) = line.len().checked_sub(tail).map(|at| line.split_at(at)) else {
            return false;
        };
        let sum = rest.strip_prefix(SUM.as_bytes());
        let sum = sum.and_then(|sum| sum.strip_suffix(b"\"}"));
        let mut text = text.to_vec();
        text.push(b'}');
        let expected = Self::next(last, &text);
        let is_right = sum == Some(expected.as_bytes());
        *last = expected;
        is_right
    }
}

/// A journal as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The file.
    pub path: PathBuf,
    /// What it is about.
    pub head: Head,
    /// Its steps in order.
    pub steps: Vec<(Step, Progress)>,
    /// Whether the run came to its end.
    pub finished: bool,
    /// What the checksum of a line that is added begins with.
    sums: Sums,
}

impl Head {
    /// What a change of this database begins with.
    pub fn of(snapshot: &Snapshot, command: &str) -> Self {
        let facts = snapshot.server.as_ref();
        let variable = |name: &str| facts.and_then(|facts| facts.variable(name));
        // MariaDB has no server_uuid before 10.6, and the same host may run several servers.
        let server_id = variable("server_uuid")
            .or(variable("server_uid"))
            .map_or_else(
                || {
                    let part = |name| variable(name).unwrap_or_default();
                    format!("{}:{}", part("hostname"), part("port"))
                },
                str::to_owned,
            );
        let version = snapshot.source.server_version.as_ref();
        let account = facts.and_then(|facts| facts.account.as_ref());
        Self {
            server_version: version.map(ToString::to_string).unwrap_or_default(),
            server_id,
            account: account.map(ToString::to_string).unwrap_or_default(),
            ..Self::new(
                command,
                snapshot.source.name.clone(),
                snapshot.database.as_deref().unwrap_or_default(),
            )
        }
    }

    /// A head with the time of now.
    fn new(command: &str, server: String, database: &str) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            journal_version: JOURNAL_VERSION,
            tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            begun: now
                .replace_nanosecond(0)
                .unwrap_or(now)
                .format(&Rfc3339)
                .unwrap_or_default(),
            command: command.to_owned(),
            server,
            server_version: String::new(),
            server_id: String::new(),
            database: database.to_owned(),
            account: String::new(),
        }
    }
}

/// The path of a new journal in a folder: `cividb-DATABASE-YYYYMMDD-HHMMSS.journal`, with the time in
/// UTC, and a number behind it where that is there already.
pub fn default_path(folder: &Path, database: &str) -> PathBuf {
    let now = OffsetDateTime::now_utc();
    let safe: String = database
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let (date, time) = (now.date(), now.time());
    let stem = format!(
        "cividb-{safe}-{:04}{:02}{:02}-{:02}{:02}{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    // Two repairs may begin in one second.
    let mut path = folder.join(format!("{stem}.journal"));
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = folder.join(format!("{stem}-{number}.journal"));
    }
    path
}

impl Journal {
    /// Makes a new journal, readable by its owner alone.
    ///
    /// # Errors
    /// The file exists, or cannot be written.
    pub fn create(path: &Path, head: &Head) -> Result<Self, ChangeError> {
        let mut journal = Self::later(path, head);
        journal.begin()?;
        Ok(journal)
    }

    /// A journal that is made when the first step is written, so that none is left behind where
    /// nothing is to be done after all.
    pub fn later(path: &Path, head: &Head) -> Self {
        Self {
            file: None,
            path: path.to_owned(),
            head: Some(head.clone()),
            sums: Sums::After(String::new()),
        }
    }

    /// Makes the file with its first line, unless it is there.
    fn begin(&mut self) -> Result<(), ChangeError> {
        let Some(head) = self.head.take() else {
            return Ok(());
        };
        let path = &self.path;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ChangeError::JournalExists(path.display().to_string()),
            _ => failed(path, error),
        })?;
        self.file = Some(file);
        self.write(&head)?;
        // The file's own name has to outlive a power cut as well.
        if let Some(folder) = self.path.parent() {
            let synced = File::open(Path::new(".").join(folder)).and_then(|it| it.sync_all());
            synced.map_err(|error| failed(&self.path, error))?;
        }
        Ok(())
    }

    /// Opens a journal to go on with it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(record: &Record) -> Result<Self, ChangeError> {
        let path = record.path.clone();
        let file = OpenOptions::new().append(true).open(&path);
        let mut file = file.map_err(|error| failed(&path, error))?;
        // A line that a kill cut short ends here, and an empty one shows that it did.
        file.write_all(b"\n\n")
            .map_err(|error| failed(&path, error))?;
        Ok(Self {
            file: Some(file),
            path,
            head: None,
            sums: record.sums.clone(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes a step that is about to run. When this returns the line is on disk.
    ///
    /// # Errors
    /// The line cannot be written: the step must not run.
    pub fn doing(&mut self, step: &Step) -> Result<(), ChangeError> {
        self.write(&Line::Doing(Box::new(step.clone())))
    }

    /// Notes that a step ran, and what it made of its table's definition, where it changed that.
    ///
    /// # Errors
    /// The line cannot be written.
    pub fn done(&mut self, step: usize, after: Option<String>) -> Result<(), ChangeError> {
        self.write(&Line::Done { step, after })
    }

    /// Notes that a step was taken back.
    ///
    /// # Errors
    /// The line cannot be written.
    pub fn undone(&mut self, step: usize) -> Result<(), ChangeError> {
        self.write(&Line::Undone { step })
    }

    /// Notes that nothing is left to do, unless no step was ever written.
    ///
    /// # Errors
    /// The line cannot be written.
    pub fn finished(&mut self) -> Result<(), ChangeError> {
        match self.file {
            Some(_) => self.write(&Line::Finished),
            None => Ok(()),
        }
    }

    /// Whether a step was written, so that the file is there.
    pub fn is_begun(&self) -> bool {
        self.file.is_some()
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), ChangeError> {
        self.begin()?;
        let Some(file) = &mut self.file else {
            return Err(failed(&self.path, io::ErrorKind::NotFound.into()));
        };
        let sums = &mut self.sums;
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut text| {
                sums.sign(&mut text);
                text.push(b'\n');
                file.write_all(&text)?;
                file.sync_all()
            });
        written.map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: io::Error) -> ChangeError {
    let path = path.display();
    ChangeError::Journal(format!(
        "cannot write the journal {path}: {error}; nothing further was changed"
    ))
}

impl Record {
    /// Reads a journal. A last line that a kill cut short counts as not written: its step had
    /// not begun.
    ///
    /// # Errors
    /// The file cannot be read, or is no journal.
    pub fn read(path: &Path) -> Result<Self, ChangeError> {
        let shown = path.display();
        let unreadable = |line: usize, problem: String| {
            ChangeError::Journal(format!(
                "{shown}, line {line}: {problem}; the file is not a journal of cividb, or it is damaged"
            ))
        };
        let lines: Result<Vec<Vec<u8>>, io::Error> = small_file::read(path, MAX_SIZE)
            .and_then(|bytes| BufRead::split(bytes.as_slice(), b'\n').collect());
        let lines = lines.map_err(|error| {
            ChangeError::Journal(format!("cannot read the journal {shown}: {error}"))
        })?;
        let Some((first, rest)) = lines.split_first() else {
            return Err(unreadable(1, "the file is empty".to_owned()));
        };
        let head: Head =
            serde_json::from_slice(first).map_err(|error| unreadable(1, error.to_string()))?;
        let mut sums = match head.journal_version {
            JOURNAL_VERSION => Sums::After(String::new()),
            WITHOUT_SUMS => Sums::None,
            version => {
                let problem = format!(
                    "journal_version {version} is not one that this program knows ({WITHOUT_SUMS} and {JOURNAL_VERSION})"
                );
                return Err(unreadable(1, problem));
            }
        };
        let changed = || "the line is not as it was written (its checksum is another)".to_owned();
        if !sums.take(first) {
            return Err(unreadable(1, changed()));
        }
        let mut record = Self {
            path: path.to_owned(),
            head,
            steps: Vec::new(),
            finished: false,
            sums: Sums::None,
        };
        for (number, line) in rest.iter().enumerate() {
            if line.is_empty() {
                continue;
            }
            let number = number + 2;
            let before = sums.clone();
            match serde_json::from_slice(line) {
                Ok(_) if !sums.take(line) => return Err(unreadable(number, changed())),
                Ok(line) => record.take(line),
                Err(_) if ends_a_run(rest, number) => sums = before,
                Err(error) => return Err(unreadable(number, error.to_string())),
            }
        }
        record.sums = sums;
        Ok(record)
    }

    /// How many steps are in this state.
    pub fn count(&self, wanted: Progress) -> usize {
        self.steps.iter().filter(|(_, is)| *is == wanted).count()
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Done { step, after } => {
                for (known, progress) in self.steps.iter_mut().filter(|(it, _)| it.step == step) {
                    known.after.clone_from(&after);
                    *progress = Progress::Done;
                }
            }
            Line::Undone { step } => {
                for (_, progress) in self.steps.iter_mut().filter(|(it, _)| it.step == step) {
                    *progress = Progress::Undone;
                }
            }
            Line::Finished => self.finished = true,
            Line::Doing(step) => match self.steps.iter_mut().find(|(s, _)| s.step == step.step) {
                Some(known) => *known = (*step, Progress::Doing),
                None => self.steps.push((*step, Progress::Doing)),
            },
        }
    }
}

/// Whether the line of this number is the last of a run, the only one that can be cut: nothing
/// follows it, or the empty line with which going on begins.
fn ends_a_run(rest: &[Vec<u8>], number: usize) -> bool {
    rest.get(number - 1).is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: usize) -> Step {
        Step {
            step: number,
            table: "civicrm_domain".into(),
            statement: "UPDATE".into(),
            inverse: "UPDATE back".into(),
            why: "a test".into(),
            ..Step::default()
        }
    }

    fn written(steps: usize) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let head = Head::new("version", "server at x".into(), "civi");
        let mut journal = Journal::create(&path, &head).unwrap();
        for number in 1..=steps {
            journal.doing(&step(number)).unwrap();
            if number < steps {
                journal.done(number, None).unwrap();
            }
        }
        (folder, path)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (_folder, path) = written(3);
        let record = Record::read(&path).unwrap();
        let progress: Vec<Progress> = record.steps.iter().map(|(_, p)| *p).collect();
        assert_eq!(progress, [Progress::Done, Progress::Done, Progress::Doing]);
        assert!(!record.finished);
        assert_eq!(record.steps[2].0, step(3));
    }

    #[test]
    fn a_last_line_cut_anywhere_counts_as_not_written_even_after_going_on() {
        let (_folder, path) = written(2);
        let whole = std::fs::read(&path).unwrap();
        let last = whole[..whole.len() - 1]
            .iter()
            .rposition(|b| *b == b'\n')
            .unwrap();
        for end in last + 1..whole.len() - 1 {
            std::fs::write(&path, &whole[..end]).unwrap();
            let record = Record::read(&path).unwrap();
            assert_eq!(record.steps.len(), 1, "cut at {end}");
            let mut journal = Journal::append(&record).unwrap();
            journal.doing(&step(2)).unwrap();
            let again = Record::read(&path).unwrap();
            assert_eq!(again.steps.len(), 2, "cut at {end}");
        }
    }

    #[test]
    fn a_journal_is_never_overwritten_and_belongs_to_its_owner() {
        let (_folder, path) = written(1);
        let head = Head::new("version", "server".into(), "civi");
        let again = Journal::create(&path, &head);
        assert!(matches!(again, Err(ChangeError::JournalExists(_))));
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn damage_in_the_middle_is_an_error_with_its_line() {
        let (_folder, path) = written(3);
        let text = std::fs::read_to_string(&path).unwrap();
        let damaged = text.replacen("\"doing\"", "\"dxing\"", 1);
        std::fs::write(&path, damaged).unwrap();
        let error = Record::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_line_that_was_changed_taken_out_or_moved_is_noticed() {
        let (_folder, path) = written(4);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let without = |place: usize| {
            let mut lines = lines.clone();
            lines.remove(place);
            lines.join("\n")
        };
        let mut moved = lines.clone();
        moved.swap(1, 3);
        for edited in [
            text.replacen("civi\"", "other\"", 1),
            text.replacen("UPDATE back", "UPDATE forth", 1),
            text.replacen("\"step\":2", "\"step\":3", 1),
            without(1),
            without(2),
            moved.join("\n"),
        ] {
            assert_ne!(edited, text);
            std::fs::write(&path, &edited).unwrap();
            let error = Record::read(&path).unwrap_err().to_string();
            assert!(error.contains("checksum"), "{error}");
        }
    }

    #[test]
    fn going_on_with_a_journal_goes_on_with_its_checksums() {
        let (_folder, path) = written(2);
        for _ in 0..3 {
            let record = Record::read(&path).unwrap();
            Journal::append(&record).unwrap().undone(1).unwrap();
        }
        let record = Record::read(&path).unwrap();
        assert_eq!(record.count(Progress::Undone), 1);
    }
}

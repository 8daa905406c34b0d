//! Questions answered by a server, on a few connections at once.
//!
//! Every statement reads only, in a session that can do nothing else and waits for no lock
//! (see [`Reader`]), without a transaction around it: no row and no definition stays
//! locked behind it. Large tables are read in ranges of a column of numbers, each as large as
//! can be read in about a second; a range that takes longer than the limit is read again in
//! halves, and a connection that is lost is made again where the work stood.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ids::IdSet;
use super::question::{Key, Pair, Question, Questions, What};
use super::rows::{compare_samples, exported, file_of, first_groups, joined};
use super::sql::{self, Equal, Range, Rows};
use super::{Answer, Answers, ExportOptions, MAX_KEYS, NotAnswered, Sample, Statistics};
use crate::civicrm::upgrade::own_checks::Rule;
use crate::dump::values::integer;
use crate::row_file::{RowFile, RowFileError};
use crate::schema::model::{Schema, Table};
use crate::server::answer::{self, MOST_ROWS, text};
use crate::server::connection::{Reader, Setting};
use crate::server::error::ServerError;
use crate::snapshot::Row;

/// How hard to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Most seconds that one statement may take.
    pub statement_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2,
            statement_seconds: 30,
        }
    }
}

/// How many numbers the first range of a table covers.
const FIRST_STEP: i128 = 1 << 20;
/// A range that takes less than this is followed by one of twice the size, one that takes more
/// than four times as long by one of half.
const QUICK: Duration = Duration::from_millis(500);
/// How often a lost connection is made again for one statement.
const MAX_LOST: u32 = 3;

/// Why a server gave no answers.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The server cannot be reached or asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Offending rows cannot be written to a file.
    #[error(transparent)]
    Export(#[from] RowFileError),
}

/// Questions that are answered together.
enum Job {
    /// The question of this index.
    One(usize),
    /// The questions of these indexes, about NULLs and zero dates of one table, in one scan.
    Scan(Vec<usize>),
}

/// The jobs that no thread has taken yet.
struct Work {
    jobs: VecDeque<Job>,
    /// The number of threads that take jobs.
    at_work: usize,
}

/// The answers that one connection has got.
#[derive(Default)]
struct PartialAnswers {
    answers: Vec<Answer>,
    not_answered: Vec<NotAnswered>,
    statements: u64,
}

/// Asks the questions. `connect` makes a connection with the database as its current one;
/// `size` tells how large a table is, so that the largest come first.
///
/// # Errors
/// There is no connection, it is lost again and again, or a file cannot be written.
pub fn answer(
    connect: &(dyn Fn() -> Result<Reader, ServerError> + Sync),
    schema: &Schema,
    questions: &Questions,
    size: &dyn Fn(&str) -> u64,
    limits: Limits,
    options: &ExportOptions,
) -> Result<Answers, AskError> {
    let count = limits.connections.clamp(1, 16);
    let work = Mutex::new(Work {
        jobs: jobs(&questions.list, size),
        at_work: count,
    });
    let locked_tables = Mutex::default();
    let asker = || -> Result<PartialAnswers, AskError> {
        let mut asker = Asker {
            connect,
            connection: None,
            refused: false,
            lost: 0,
            schema,
            questions: &questions.list,
            locked_tables: &locked_tables,
            limits,
            options,
            partial: PartialAnswers::default(),
        };
        // A server may have no room for so many connections; then the others do the work.
        if let Err(error) = asker.connect() {
            let mut work = locked(&work);
            work.at_work -= 1;
            return match work.at_work == 0 && !work.jobs.is_empty() {
                true => Err(error.into()),
                false => Ok(asker.partial),
            };
        }
        loop {
            let job = {
                let mut work = locked(&work);
                let Some(job) = work.jobs.pop_front() else {
                    work.at_work -= 1;
                    return Ok(asker.partial);
                };
                job
            };
            let answers = asker.partial.answers.len();
            match asker.job(&job) {
                Err(error) if asker.refused => {
                    let mut work = locked(&work);
                    work.at_work -= 1;
                    if work.at_work == 0 {
                        return Err(error);
                    }
                    asker.partial.answers.truncate(answers);
                    work.jobs.push_front(job);
                    return Ok(asker.partial);
                }
                other => other?,
            }
        }
    };
    let results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(asker)).collect();
        let results: Vec<_> = workers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        results
    });
    let mut answers = Answers {
        statistics: Statistics::of(questions),
        ..Answers::default()
    };
    let mut statements = 0;
    for result in results {
        let partial = match result {
            Ok(partial) => partial?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        answers.list.extend(partial.answers);
        answers.not_answered.extend(partial.not_answered);
        statements += partial.statements;
    }
    answers.statistics.statements = Some(statements);
    answers
        .list
        .sort_by(|a, b| (a.question, &a.names).cmp(&(b.question, &b.names)));
    answers.not_answered.sort_by_key(|skipped| skipped.question);
    Ok(answers)
}

/// A lock is poisoned only by a panic, which ends the program.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Largest tables first, so that no connection is left with the largest at the end.
fn jobs(questions: &[Question], size: &dyn Fn(&str) -> u64) -> VecDeque<Job> {
    let mut jobs: Vec<(u64, Job)> = Vec::new();
    let mut scans: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, question) in questions.iter().enumerate() {
        match question.what {
            What::Nulls(_) | What::ZeroDates(_) => {
                match scans.iter_mut().find(|(table, _)| *table == question.table) {
                    Some((_, scan)) => scan.push(index),
                    None => scans.push((&question.table, vec![index])),
                }
            }
            _ => jobs.push((size(&question.table), Job::One(index))),
        }
    }
    jobs.extend(
        scans
            .into_iter()
            .map(|(table, scan)| (size(table), Job::Scan(scan))),
    );
    jobs.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    jobs.into_iter().map(|(_, job)| job).collect()
}

struct Asker<'a> {
    connect: &'a (dyn Fn() -> Result<Reader, ServerError> + Sync),
    connection: Option<Reader>,
    /// Whether the server refused the last attempt to connect.
    refused: bool,
    lost: u32,
    schema: &'a Schema,
    questions: &'a [Question],
    /// The tables that another session was found to hold a lock on, and the error that said so.
    /// Nobody waits for them again.
    locked_tables: &'a Mutex<BTreeMap<String, String>>,
    limits: Limits,
    options: &'a ExportOptions,
    partial: PartialAnswers,
}

/// The offending rows that were found so far for one question.
#[derive(Default)]
struct Hits {
    rows: u64,
    values: IdSet,
    /// The ranges that have offending rows.
    places: Vec<Option<Range>>,
    samples: Vec<Sample>,
    file: Option<RowFile>,
}

impl Hits {
    fn add(&mut self, count: u64, range: Option<&Range>) {
        self.rows += count;
        if count == 0 {
            return;
        }
        // Ranges that follow each other are one.
        match (self.places.last_mut(), range) {
            (Some(Some(last)), Some(range)) if last.last + 1 == range.first => {
                last.last = range.last;
            }
            _ => self.places.push(range.copied()),
        }
    }
}

impl Asker<'_> {
    fn job(&mut self, job: &Job) -> Result<(), AskError> {
        let indexes = match job {
            Job::One(index) => std::slice::from_ref(index),
            Job::Scan(all) => all,
        };
        let first = indexes.first().and_then(|first| self.questions.get(*first));
        let tables = first.map(Question::tables).unwrap_or_default();
        let why = match self.known_locked(&tables) {
            Some(why) => why,
            None => {
                let result = match job {
                    Job::One(index) => self.one(*index),
                    Job::Scan(all) => self.scan(all),
                };
                match result {
                    Ok(()) => return Ok(()),
                    Err(AskError::Server(error)) if !error.is_lost() && !self.refused => {
                        if is_lock_wait(&error) {
                            self.find_locked(&tables)?;
                        }
                        error.to_string()
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let not_answered = indexes.iter().map(|index| NotAnswered {
            question: *index,
            why: why.clone(),
        });
        self.partial.not_answered.extend(not_answered);
        Ok(())
    }

    fn known_locked(&self, tables: &[&str]) -> Option<String> {
        let known = locked(self.locked_tables);
        tables.iter().find_map(|table| known.get(*table).cloned())
    }

    /// Remembers which of the tables of a question, that waited for a lock in vain, it was.
    fn find_locked(&mut self, tables: &[&str]) -> Result<(), AskError> {
        for table in tables {
            match self.ask(table, &sql::open(table)?) {
                Err(error) if is_lock_wait(&error) => {
                    locked(self.locked_tables).insert((*table).to_owned(), error.to_string());
                    break;
                }
                Err(error) if error.is_lost() || self.refused => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<&mut Reader, ServerError> {
        let opened = open(self.connect, self.limits);
        self.refused = opened.is_err();
        Ok(self.connection.insert(opened?))
    }

    /// Sends a statement and returns its rows; connects again if the connection is lost.
    fn ask(&mut self, table: &str, sql: &str) -> Result<answer::Answer, ServerError> {
        let about = format!("the rows of {table}");
        self.again(|connection, _| connection.ask(&about, sql))
    }

    /// The same row by row, of which there may be `most`; does not connect again once it has some.
    fn each(
        &mut self,
        table: &str,
        sql: &str,
        most: u64,
        take: &mut dyn FnMut(Row),
    ) -> Result<(), ServerError> {
        let about = format!("the rows of {table}");
        self.again(|connection, began| {
            connection.each(&about, sql, most, |row| {
                *began = true;
                take(row);
            })
        })
    }

    fn again<T>(
        &mut self,
        mut talk: impl FnMut(&mut Reader, &mut bool) -> Result<T, ServerError>,
    ) -> Result<T, ServerError> {
        loop {
            self.partial.statements += 1;
            let connection = match &mut self.connection {
                Some(connection) => connection,
                None => self.connect()?,
            };
            let mut began = false;
            match talk(connection, &mut began) {
                // What has been taken already cannot be given back.
                Err(error) if error.is_lost() => {
                    self.connection = None;
                    if began || self.lost == MAX_LOST {
                        return Err(error);
                    }
                    self.lost += 1;
                }
                other => {
                    self.lost = 0;
                    return other;
                }
            }
        }
    }

    fn one(&mut self, index: usize) -> Result<(), AskError> {
        let Some(question) = self.questions.get(index) else {
            return Ok(());
        };
        match &question.what {
            What::Duplicates(key) => self.duplicates(index, question, key),
            What::PolymorphicOrphans(pair) => self.polymorphic_orphans(index, question, pair),
            What::Rule(rule) if sql::present(rule).is_some() => self.present(index, question, rule),
            _ => match Rows::of(question, None, self.schema) {
                Some(rows) => self.rows(index, question, None, &rows),
                None => Ok(()),
            },
        }
    }

    fn present(&mut self, index: usize, question: &Question, rule: &Rule) -> Result<(), AskError> {
        let Some(sql) = sql::present(rule) else {
            return Ok(());
        };
        let answer = self.ask(&question.table, &sql?)?;
        let row = answer.first();
        if row.and_then(|row| number(row, "n")).unwrap_or(0) > 0
            && row.and_then(|row| number(row, "wanted")) == Some(0)
        {
            self.partial.answers.push(Answer {
                question: index,
                names: None,
                rows: None,
                values: None,
                samples: Vec::new(),
                file: None,
            });
        }
        Ok(())
    }

    fn polymorphic_orphans(
        &mut self,
        index: usize,
        question: &Question,
        pair: &Pair,
    ) -> Result<(), AskError> {
        let named = self.ask(&question.table, &sql::named(&question.table, pair)?)?;
        // Whichever of the spellings that the collation takes for equal the server answers.
        let named = named.iter().filter_map(|row| text(row, "named"));
        let named: BTreeSet<String> = named
            .map(|named| named.trim_ascii_end().to_ascii_lowercase())
            .collect();
        for named in named {
            if let Some(rows) = Rows::of(question, Some(&named), self.schema) {
                self.rows(index, question, Some(&named), &rows)?;
            }
        }
        Ok(())
    }

    fn duplicates(&mut self, index: usize, question: &Question, key: &Key) -> Result<(), AskError> {
        let Some(table) = self.schema.table(&question.table) else {
            return Ok(());
        };
        let name = &question.table;
        let equal = Equal::new(name, table, key);
        let answer = self.ask(name, &equal.count()?)?;
        let count = |column| {
            answer
                .first()
                .and_then(|row| number(row, column))
                .unwrap_or(0)
        };
        let (groups, rows) = (count("sets"), count("n"));
        if groups == 0 {
            return Ok(());
        }
        let mut found: Vec<(Vec<Vec<String>>, Option<String>)> = Vec::new();
        for row in self.ask(name, &equal.first(MAX_KEYS)?)? {
            let keys = text(&row, "keys").unwrap_or_default();
            let keys = keys.split(';').filter(|key| !key.is_empty());
            let keys = keys.map(|key| key.split(',').map(str::to_owned).collect());
            found.push((keys.collect(), text(&row, "value")));
        }
        let file = match &self.options.export {
            None => None,
            Some(_) => {
                let mut file = None;
                let written = self.write(index, None, table, &equal.whole()?, &mut file);
                self.keep(index, written, &mut file)?;
                file.map(RowFile::finish).transpose()?
            }
        };
        self.partial.answers.push(Answer {
            question: index,
            names: None,
            rows: Some(rows),
            values: Some(groups),
            samples: first_groups(found.into_iter(), self.options.samples),
            file,
        });
        Ok(())
    }

    /// Counts the rows of one finding, range by range, and fetches those to be shown.
    fn rows(
        &mut self,
        index: usize,
        question: &Question,
        named: Option<&str>,
        rows: &Rows,
    ) -> Result<(), AskError> {
        let Some(table) = self.schema.table(&question.table) else {
            return Ok(());
        };
        let by_value = matches!(
            question.what,
            What::Orphans(_) | What::PolymorphicOrphans(_) | What::Rule(_)
        ) && rows.value.is_some();
        let mut found = Hits::default();
        self.ranges(question, rows.range.as_deref(), |asker, range| {
            let (mut count, mut values) = (0, Vec::new());
            let sql = rows.count(range, by_value)?;
            asker.each(&question.table, &sql, MOST_ROWS, &mut |row| {
                count += number(&row, "n").unwrap_or(0);
                values.extend(text(&row, "value").and_then(|value| integer(value.as_bytes())));
            })?;
            found.add(count, range);
            values.into_iter().for_each(|value| {
                found.values.insert(value);
            });
            Ok(())
        })?;
        self.show(index, named, table, rows, &mut found)?;
        self.bring(index, named, by_value, found)
    }

    fn bring(
        &mut self,
        question: usize,
        named: Option<&str>,
        by_value: bool,
        found: Hits,
    ) -> Result<(), AskError> {
        if found.rows > 0 {
            self.partial.answers.push(Answer {
                question,
                names: named.map(str::to_owned),
                rows: Some(found.rows),
                values: by_value.then(|| found.values.len()),
                samples: found.samples,
                file: found.file.map(RowFile::finish).transpose()?,
            });
        }
        Ok(())
    }

    /// Answers the questions about NULLs and zero dates of one table, in one scan.
    fn scan(&mut self, indexes: &[usize]) -> Result<(), AskError> {
        let asked: Vec<(usize, &Question, Rows)> = indexes
            .iter()
            .filter_map(|index| {
                let question = self.questions.get(*index)?;
                Some((*index, question, Rows::of(question, None, self.schema)?))
            })
            .collect();
        let Some((_, first, rows)) = asked.first() else {
            return Ok(());
        };
        let Some(table) = self.schema.table(&first.table) else {
            return Ok(());
        };
        let key = rows.range.clone();
        let conditions: Vec<&Rows> = asked.iter().map(|(.., rows)| rows).collect();
        let mut found: Vec<Hits> = asked.iter().map(|_| Hits::default()).collect();
        self.ranges(first, key.as_deref(), |asker, range| {
            let sql = sql::scan(&first.table, &conditions, key.as_deref().zip(range))?;
            let answer = asker.ask(&first.table, &sql)?;
            let Some(row) = answer.first() else {
                return Ok(());
            };
            for (i, found) in found.iter_mut().enumerate() {
                found.add(number(row, &format!("n{i}")).unwrap_or(0), range);
            }
            Ok(())
        })?;
        for ((index, _, rows), mut found) in asked.iter().zip(found) {
            self.show(*index, None, table, rows, &mut found)?;
            self.bring(*index, None, false, found)?;
        }
        Ok(())
    }

    /// Fetches the first rows of a finding, and all of them for a file, where ranges have some.
    fn show(
        &mut self,
        index: usize,
        named: Option<&str>,
        table: &Table,
        rows: &Rows,
        found: &mut Hits,
    ) -> Result<(), AskError> {
        let Some(question) = self.questions.get(index) else {
            return Ok(());
        };
        let mut exports = self.options.export.is_some();
        let keys = table.primary_key.len();
        for range in std::mem::take(&mut found.places) {
            if self.options.samples > 0 {
                let sql = rows.first(table, range.as_ref(), self.options.samples)?;
                let shown = match self.ask(&question.table, &sql) {
                    // They are counted all the same.
                    Err(error) if is_timeout(&error) => Vec::new(),
                    shown => shown?,
                };
                for row in shown {
                    let key: Vec<String> = (0..keys)
                        .map(|i| text(&row, &format!("k{i}")).unwrap_or_default())
                        .collect();
                    found.samples.push(Sample {
                        keys: joined(&key).into_iter().collect(),
                        value: text(&row, "value"),
                    });
                }
                found.samples.sort_by(compare_samples);
                found.samples.truncate(self.options.samples);
            }
            if exports {
                let written = self.export(index, named, table, rows, range, &mut found.file);
                exports = self.keep(index, written, &mut found.file)?;
            }
        }
        Ok(())
    }

    /// Writes the rows of a range, in parts where that takes too long.
    fn export(
        &mut self,
        index: usize,
        named: Option<&str>,
        table: &Table,
        rows: &Rows,
        range: Option<Range>,
        file: &mut Option<RowFile>,
    ) -> Result<(), AskError> {
        let mut ranges = vec![range];
        while let Some(range) = ranges.pop() {
            let length = file.as_mut().map(RowFile::sync).transpose()?;
            let sql = rows.whole(table, range.as_ref())?;
            let written = self.write(index, named, table, &sql, file);
            let Err(AskError::Server(error)) = &written else {
                written?;
                continue;
            };
            let (Some(range), true) = (range, is_timeout(error)) else {
                return written;
            };
            let width = range.last.saturating_sub(range.first);
            if width < 1024 {
                return written;
            }
            if let Some(file) = file {
                file.cut(length.unwrap_or(file.head()))?;
            }
            let middle = range.first.saturating_add(width / 2);
            let (first, last) = (middle + 1, middle);
            ranges.push(Some(Range { first, ..range }));
            ranges.push(Some(Range { last, ..range }));
        }
        Ok(())
    }

    /// Keeps a finding whose rows cannot be written in time, and removes its file, which would not
    /// hold all of them. Returns whether the rows were written.
    fn keep(
        &mut self,
        question: usize,
        written: Result<(), AskError>,
        file: &mut Option<RowFile>,
    ) -> Result<bool, AskError> {
        match written {
            Err(AskError::Server(error)) if is_timeout(&error) => {
                file.take().map(RowFile::discard).transpose()?;
                let why = format!("its rows could not be written: {error}");
                let skipped = NotAnswered { question, why };
                self.partial.not_answered.push(skipped);
                Ok(false)
            }
            other => other.map(|()| true),
        }
    }

    /// Writes rows to the file of a finding.
    fn write(
        &mut self,
        index: usize,
        named: Option<&str>,
        table: &Table,
        sql: &str,
        file: &mut Option<RowFile>,
    ) -> Result<(), AskError> {
        let (Some(folder), Some(question)) = (&self.options.export, self.questions.get(index))
        else {
            return Ok(());
        };
        if file.is_none() {
            let path = file_of(folder, self.questions, index, named)?;
            *file = Some(RowFile::create(path, exported(table))?);
        }
        let mut failed = None;
        if let Some(file) = file {
            self.each(&question.table, sql, u64::MAX, &mut |row| {
                if failed.is_none() {
                    failed = file.row(row.values().map(Option::as_deref)).err();
                }
            })?;
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Runs a function on each range of a column, or once on the table as a whole.
    fn ranges(
        &mut self,
        question: &Question,
        column: Option<&str>,
        mut take: impl FnMut(&mut Self, Option<&Range>) -> Result<(), AskError>,
    ) -> Result<(), AskError> {
        let Some(extent) = self.extent(question, column)? else {
            return take(self, None);
        };
        let mut step = FIRST_STEP;
        let mut first = extent.first;
        let mut lost = 0;
        while first <= extent.last {
            let range = Range {
                first,
                last: extent.last.min(first.saturating_add(step - 1)),
            };
            let started = Instant::now();
            match take(self, Some(&range)) {
                Ok(()) => {
                    first = range.last.saturating_add(1);
                    let took = started.elapsed();
                    if took < QUICK {
                        step = step.saturating_mul(2);
                    } else if took > QUICK * 4 {
                        step = (step / 2).max(1024);
                    }
                }
                Err(AskError::Server(error)) if is_timeout(&error) && step > 1024 => step /= 4,
                // In the middle of an answer, of which nothing was taken.
                Err(AskError::Server(error))
                    if error.is_lost() && self.connection.is_none() && lost < MAX_LOST =>
                {
                    lost += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn extent(
        &mut self,
        question: &Question,
        column: Option<&str>,
    ) -> Result<Option<Range>, AskError> {
        let Some(column) = column else {
            return Ok(None);
        };
        let answer = self.ask(&question.table, &sql::extent(&question.table, column)?)?;
        let end = |name: &str| {
            answer
                .first()
                .and_then(|row| text(row, name)?.parse::<i128>().ok())
        };
        // An empty range for a table without rows.
        Ok(Some(match (end("first"), end("last")) {
            (Some(first), Some(last)) => Range { first, last },
            _ => Range { first: 1, last: 0 },
        }))
    }
}

fn number(row: &Row, column: &str) -> Option<u64> {
    text(row, column)?.parse().ok()
}

/// Whether a statement took too long: ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL.
fn is_timeout(error: &ServerError) -> bool {
    matches!(error.code(), Some(1969 | 3024))
}

/// Whether a statement waited in vain for a lock of another session: ER_LOCK_WAIT_TIMEOUT.
fn is_lock_wait(error: &ServerError) -> bool {
    error.code() == Some(1205)
}

/// Opens a connection whose statements are ended by the server when they take too long.
fn open(
    connect: &(dyn Fn() -> Result<Reader, ServerError> + Sync),
    limits: Limits,
) -> Result<Reader, ServerError> {
    let mut connection = connect()?;
    let seconds = limits.statement_seconds.max(1);
    let limit = Setting::StatementSeconds(seconds, connection.version.family);
    for setting in [limit, Setting::GroupConcatBytes(1_048_576)] {
        match connection.set(setting) {
            // Servers before MySQL 5.7.8 and MariaDB 10.1 know no such limit.
            Err(error) if error.is_lost() => return Err(error),
            _ => {}
        }
    }
    Ok(connection)
}

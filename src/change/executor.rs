//! Changing tables, one statement at a time, so that writers hardly notice and every moment
//! can be the last.
//!
//! A step that adds a foreign key or gives one another name runs with `foreign_key_checks`
//! off: only so can servers do it without copying the table. It may because a count showed that
//! no row lacks its parent, and nothing can change that: a key that is there keeps writers from
//! making orphans by itself; for one that is missing, they are counted again under the lock in
//! which it is added, which keeps writers from the child and from the parent. Where that would
//! keep them waiting for too long, the lock is for adding it only; then the key is in force,
//! the rows are counted once more, and if one lost its parent between, the key goes again.

use std::time::{Duration, Instant};

use super::definition::{self, parsed, way_back};
use super::error::ChangeError;
use super::journal::{Journal, Kind, Step};
use super::permitted;
use super::refusal::Refusal;
use super::rows_back;
use super::session;
use crate::gate::{Meaning, Operation};
use crate::schema::model::{ByName, Table};
use crate::schema::sql::string;
use crate::server::answer::first;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::writer::Writer;

/// How often a statement that found its table in use is tried again.
pub(super) const TRIES: u32 = 60;
/// The pause before the next try, in which the others get their turn.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a table may be changed until it is printed as it was; two have been enough.
const ROUNDS: u32 = 4;

/// A session in which a database is changed, the only one of cividb that changes this database now.
pub struct Executor<'a> {
    connection: Writer,
    database: String,
    /// The name of the lock that keeps other runs away.
    lock: String,
    /// Longest time for which writers may wait for a proof.
    max_lock: Duration,
    /// Told what goes on.
    tell: &'a mut dyn FnMut(&str),
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran.
    Done,
    /// It must not run; nothing was changed.
    Refused(String),
    /// So many rows have lost their parent; nothing was changed.
    Orphans(String),
}

/// What a transaction is going to do, once the rows are locked: these steps, each of which changes rows;
/// or nothing, for this reason.
pub type Prepared = Result<Vec<Step>, String>;

impl<'a> Executor<'a> {
    /// Prepares the session, and makes sure that no other run changes this database.
    ///
    /// # Errors
    /// Another run changes it, or the connection is lost.
    pub fn new(
        connection: Reader,
        database: &str,
        max_lock: Duration,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Self, ChangeError> {
        let mut connection = session::begin(connection)?;
        // Names are compared without letter case, as those of databases may be.
        let name = format!("cividb.{}", database.to_lowercase());
        let name: String = name.chars().take(64).collect();
        let sql = format!("SELECT GET_LOCK({}, 5)", string(&name));
        let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
        let answer = connection.ask("the lock against other repairs", &sql)?;
        if answer.first().and_then(first).as_deref() != Some("1") {
            return Err(Refusal::AnotherRun.into());
        }
        Ok(Self {
            connection,
            database: database.to_owned(),
            lock: name,
            max_lock,
            tell,
        })
    }

    /// Lets other runs change the database, and gives the connection back as one that can only ask.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn finish(mut self) -> Result<Reader, ChangeError> {
        let about = "the lock against other repairs";
        let sql = format!("SELECT RELEASE_LOCK({})", string(&self.lock));
        let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
        self.connection.ask(about, &sql)?;
        Ok(self.connection.end()?)
    }

    /// A table's definition as the server prints it, without the counter that every new row
    /// moves; `None` when there is no such table.
    ///
    /// # Errors
    /// The connection is lost, or the account may not see it.
    pub fn definition(&mut self, table: &str) -> Result<Option<String>, ChangeError> {
        definition::read(&mut self.connection, table)
    }

    /// Asks a question whose answer is one value.
    ///
    /// # Errors
    /// The connection is lost, or the account may not ask.
    pub fn count(&mut self, question: &str) -> Result<String, ChangeError> {
        let answer = self.connection.ask("a proof", question)?;
        Ok(answer_of(&answer))
    }

    /// Runs a step: proves what has to be proved, writes it into the journal, changes the table
    /// and notes that it is done. `place` says which it is, and of how many.
    ///
    /// # Errors
    /// The table is no longer what the step was made for, it stays in use for too long, or the
    /// server refuses. The table is then unchanged. When the connection is lost the journal
    /// tells how to go on.
    pub fn run(
        &mut self,
        step: &Step,
        journal: &mut Journal,
        (place, total): (usize, usize),
    ) -> Result<Outcome, ChangeError> {
        let now = self.definition(&step.table)?;
        if step.before.is_some() && now != step.before {
            let what = format!("table {}", step.table);
            let detail = "its definition is another one now".to_owned();
            return Err(ChangeError::Changed(what, detail));
        }
        let begun = Instant::now();
        if let Some(outcome) = self.prove(step, &step.proofs)? {
            return Ok(outcome);
        }
        let prove_inside = begun.elapsed() <= self.max_lock;
        (self.tell)(&format!("{place}/{total} {}", step.table));
        journal.doing(step)?;
        let mut outcome = self.change(step, &step.statement, &step.locks, prove_inside);
        if !prove_inside
            && !step.locks.is_empty()
            && matches!(outcome, Ok(Outcome::Done))
            && let Some(orphans) = self.prove(step, &step.proofs)?
        {
            self.take_back(step, journal)?;
            outcome = Ok(orphans);
        }
        match &outcome {
            Ok(Outcome::Done) => journal.done(step.step, self.definition(&step.table)?)?,
            // It was not run, so there is nothing to take back.
            Ok(Outcome::Refused(_) | Outcome::Orphans(_)) => journal.undone(step.step)?,
            Err(ChangeError::Server(error)) if !error.is_lost() => journal.undone(step.step)?,
            Err(ChangeError::InUse(_)) => journal.undone(step.step)?,
            Err(_) => {}
        }
        outcome
    }

    /// Takes a step back: by its inverse, and then by whatever is left to do, until the table
    /// is printed as it was.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn take_back(&mut self, step: &Step, journal: &mut Journal) -> Result<(), ChangeError> {
        let changed = |detail: &str| {
            ChangeError::ChangedSince(format!("table {}", step.table), detail.to_owned())
        };
        step.check_inverse()?;
        let before = step.before.as_deref().unwrap_or_default();
        let model = parsed(before).ok_or_else(|| changed("its definition cannot be read"))?;
        let mut statement = Some(step.inverse.clone());
        for _ in 0..ROUNDS {
            let now = self.definition(&step.table)?;
            let now = now.ok_or_else(|| changed("it is gone"))?;
            if now == before {
                return journal.undone(step.step);
            }
            let is_inverse = statement.is_some();
            let next = statement.take().map_or_else(
                || way_back(&step.table, &now, before),
                |inverse| Ok(Some(inverse)),
            );
            let Some(next) = next? else { break };
            let Some(read) = parsed(&now) else { break };
            if let Err(why) = permitted::alteration(&step.table, &next, &model, Some(&read)) {
                match is_inverse {
                    true => return Err(changed(&format!("what takes it back {why}"))),
                    // Others have changed what no repair changes.
                    false => break,
                }
            }
            for (column, question) in permitted::dropped_values(&step.table, &next, &read)? {
                if self.count(&question)? != "0" {
                    let why = format!("column {column}, which would be dropped, has values by now");
                    return Err(changed(&why));
                }
            }
            (self.tell)(&format!("taking back {}", step.table));
            match self.run_back(step, &next, &read) {
                Ok(Outcome::Done) => {}
                Ok(Outcome::Refused(why)) => return Err(Refusal::Server(why).into()),
                Ok(Outcome::Orphans(rows)) => {
                    let why = format!("{rows} rows of {} have lost their parent", step.table);
                    return Err(Refusal::Orphans(why).into());
                }
                // It was taken back already, and the table has changed otherwise since; or the server has dropped an index
                // by itself, which has to come back together with this.
                Err(ChangeError::Server(error))
                    if is_inverse && (is_already(&error) || needs_index(&error)) => {}
                // A foreign key without an index of its own can only have been made so.
                Err(ChangeError::Server(error)) if needs_index(&error) && !adds_keys(&next) => {
                    let about = about(step);
                    self.patiently(&step.table, |connection| {
                        alter_unchecked(connection, &about, &next)
                    })?;
                }
                Err(error) => return Err(error),
            }
        }
        let now = self.definition(&step.table)?.unwrap_or_default();
        let difference = first_difference(&now, before);
        if !has_all_of(&now, before) {
            return Err(changed(&difference));
        }
        (self.tell)(&format!(
            "{} is back, but for what others, or the server itself, changed since: {difference}",
            step.table
        ));
        journal.undone(step.step)
    }

    /// Runs a statement that takes a step back; `now` is what its table is.
    fn run_back(
        &mut self,
        step: &Step,
        statement: &str,
        now: &Table,
    ) -> Result<Outcome, ChangeError> {
        let is_checked = step.proofs.is_empty() || !permitted::are_in_force(statement, now);
        if !adds_keys(statement) || is_checked {
            let ran = self.patiently(&step.table, |connection| {
                alter(connection, &about(step), statement)
            });
            return refusal(ran);
        }
        // The keys that the step made are in force until the statement that replaces them.
        let proofs = permitted::proofs(&step.table, statement)?;
        match self.prove(step, &proofs)? {
            Some(outcome) => Ok(outcome),
            None => self.change(step, statement, &[], false),
        }
    }

    /// Takes a step back that changed rows, by a statement that writes `count` rows. Returns the values that triggers of the
    /// table do not let be as they were.
    ///
    /// # Errors
    /// The rows have changed since, or stay in use; they are then left as they are.
    pub fn take_back_rows(
        &mut self,
        step: &Step,
        inverse: &str,
        count: u64,
        journal: &mut Journal,
    ) -> Result<Vec<String>, ChangeError> {
        step.check_inverse()?;
        (self.tell)(&format!("taking back {}", step.why));
        let Some((_, others)) = self.write_back(step, inverse, &[count])? else {
            let detail = "some of these rows were changed by others".to_owned();
            return Err(ChangeError::ChangedSince(step.why.clone(), detail));
        };
        for value in &others {
            (self.tell)(&format!(
                "{}: {value} is not what it was: a trigger of the table sets it",
                step.table
            ));
        }
        journal.undone(step.step)?;
        Ok(others)
    }

    /// Takes back the version that a journal of an older version set; returns whether there was
    /// anything to take back, which there need not be where `may_be_nothing`.
    ///
    /// # Errors
    /// The version has changed since: it is then left as it is.
    pub(super) fn take_back_version(
        &mut self,
        step: &Step,
        may_be_nothing: bool,
        journal: &mut Journal,
    ) -> Result<bool, ChangeError> {
        step.check_inverse()?;
        let written = self.write_back(step, &step.inverse, &[0, 1])?;
        let written = written.map(|(count, _)| count);
        if written.is_none() || written == Some(0) && !may_be_nothing {
            let detail = "it is no longer what the journal says was set".to_owned();
            return Err(ChangeError::ChangedSince(step.why.clone(), detail));
        }
        journal.undone(step.step)?;
        Ok(written == Some(1))
    }

    /// Runs an inverse in a transaction of its own; `None` when it would have changed another number
    /// of rows than one of `counts`, and so did not change any. Returns how many it changed, and the values of rows that
    /// came back which triggers do not let be as they were.
    fn write_back(
        &mut self,
        step: &Step,
        inverse: &str,
        counts: &[u64],
    ) -> Result<Option<(u64, Vec<String>)>, ChangeError> {
        let about = format!("taking back {}", step.why);
        self.patiently(&step.table, |connection| {
            run(connection, &about, "START TRANSACTION")?;
            // Prepared, because of that the server takes one statement and no more.
            let written = connection.run_prepared(&about, inverse).map_err(read_only);
            let written = match written {
                Ok(count) if counts.contains(&count) => {
                    let others = match inverse.starts_with("INSERT ") {
                        true => rows_back::set_right(connection, &step.table, inverse),
                        false => Ok(Vec::new()),
                    };
                    let ended = others.and_then(|others| {
                        run(connection, &about, "COMMIT")?;
                        Ok(others)
                    });
                    ended.map(|others| Some((count, others)))
                }
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            };
            if !matches!(written, Ok(Some(_))) {
                // The connection may be gone; then the server rolls back by itself.
                let _ = connection.run("the end of the transaction", "ROLLBACK");
            }
            written
        })
    }

    /// Changes rows in one transaction. `prepare` locks the rows, looks at them and says which steps
    /// change them; nothing runs before all of these are in the journal. Each has to change as many
    /// rows as it says, or else nothing is changed. Returns the steps.
    ///
    /// # Errors
    /// `prepare` fails, a step changes another number of rows, `table` stays in use, or the server
    /// refuses: then nothing was changed. When the connection is lost the journal tells how to go on.
    pub fn transact(
        &mut self,
        table: &str,
        journal: &mut Journal,
        mut prepare: impl FnMut(&mut Writer) -> Result<Prepared, ChangeError>,
    ) -> Result<Prepared, ChangeError> {
        let prepared = self.patiently(table, |connection| {
            let mut begun = Vec::new();
            let done = transaction(connection, journal, &mut prepare, &mut begun);
            if matches!(done, Ok(Ok(_))) {
                return done;
            }
            // A connection that is gone may have taken the commit with it: the rows will tell.
            let is_lost = matches!(&done, Err(ChangeError::Server(error)) if error.is_lost());
            if !is_lost {
                connection.run("the end of the transaction", "ROLLBACK")?;
                for step in begun {
                    journal.undone(step)?;
                }
            }
            done
        })?;
        for step in prepared.iter().flatten() {
            journal.done(step.step, None)?;
        }
        Ok(prepared)
    }

    /// Runs one ALTER TABLE, under a lock when something has to be held still for it.
    fn change(
        &mut self,
        step: &Step,
        statement: &str,
        locks: &[String],
        prove_inside: bool,
    ) -> Result<Outcome, ChangeError> {
        let about = about(step);
        if step.proofs.is_empty() {
            let ran = self.patiently(&step.table, |connection| {
                alter(connection, &about, statement)
            });
            return refusal(ran);
        }
        if locks.is_empty() {
            let ran = self.patiently(&step.table, |connection| {
                alter_unchecked(connection, &about, statement)
            });
            return refusal(ran);
        }
        let lock = format!("LOCK TABLES {}", locks.join(", "));
        self.patiently(&step.table, |connection| run(connection, &about, &lock))?;
        let proved = prove_inside
            .then(|| self.prove(step, &step.proofs))
            .transpose();
        let changed = proved.and_then(|outcome| match outcome.flatten() {
            Some(outcome) => Ok(outcome),
            None => refusal(alter_unchecked(&mut self.connection, &about, statement)),
        });
        // Also after an error; a connection that is gone has let go of its locks.
        let unlocked = self.connection.run("the end of the lock", "UNLOCK TABLES");
        let outcome = changed?;
        unlocked?;
        Ok(outcome)
    }

    /// Asks the questions that prove a step; says so when one does not answer 0.
    fn prove(&mut self, step: &Step, proofs: &[String]) -> Result<Option<Outcome>, ChangeError> {
        for proof in proofs {
            let answer = self.connection.ask(&about(step), proof)?;
            let rows = answer_of(&answer);
            if rows != "0" {
                return Ok(Some(Outcome::Orphans(rows)));
            }
        }
        Ok(None)
    }

    /// Finds out how a step ended of which the journal says only that it began.
    ///
    /// # Errors
    /// The connection is lost, or the journal cannot be written.
    pub fn settle(&mut self, step: &Step, journal: &mut Journal) -> Result<(), ChangeError> {
        step.check_inverse()?;
        if let Kind::Exchange(_) = step.kind() {
            // Where its tables are tells how far it got, whenever it goes on.
            return Ok(());
        }
        let was_not_run = match &step.rows {
            Some(rows) => rows.are_as_before(&mut self.connection)?,
            None => self.definition(&step.table)? == step.before,
        };
        if was_not_run {
            return journal.undone(step.step);
        }
        // It may have been cut off before the last of its proofs.
        let proofs = permitted::proofs(&step.table, &step.statement)?;
        if !step.locks.is_empty() && self.prove(step, &proofs)?.is_some() {
            return self.take_back(step, journal);
        }
        let after = match step.kind() {
            Kind::Definition(_) => self.definition(&step.table)?,
            _ => None,
        };
        journal.done(step.step, after)
    }

    /// The session.
    pub(crate) fn connection(&mut self) -> &mut Writer {
        &mut self.connection
    }

    /// The database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Says what goes on.
    pub(crate) fn tell(&mut self, message: &str) {
        (self.tell)(message);
    }

    /// Tries again while the table is in use.
    pub(super) fn patiently<T>(
        &mut self,
        table: &str,
        mut attempt: impl FnMut(&mut Writer) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        let mut tried = 1;
        loop {
            match attempt(&mut self.connection) {
                Err(ChangeError::Server(error)) if is_in_use(&error) && tried == TRIES => {
                    return Err(ChangeError::InUse(table.to_owned()));
                }
                Err(ChangeError::Server(error)) if is_in_use(&error) => {
                    if tried % 5 == 1 {
                        (self.tell)(&format!(
                            "{table} is in use; trying again ({tried} of {TRIES})"
                        ));
                    }
                    std::thread::sleep(PAUSE);
                    tried += 1;
                }
                result => return result,
            }
        }
    }
}

/// Changes the rows, and says in `begun` which steps the journal has as begun.
fn transaction(
    connection: &mut Writer,
    journal: &mut Journal,
    prepare: &mut dyn FnMut(&mut Writer) -> Result<Prepared, ChangeError>,
    begun: &mut Vec<usize>,
) -> Result<Prepared, ChangeError> {
    connection.run("a transaction", "START TRANSACTION")?;
    let steps = match prepare(connection)? {
        Ok(steps) => steps,
        refused => return Ok(refused),
    };
    for step in &steps {
        journal.doing(step)?;
        begun.push(step.step);
    }
    for step in &steps {
        let changed = connection.run(&step.why, &step.statement);
        let changed = changed.map_err(read_only)?;
        let expected = step.rows.as_ref().map_or(0, |rows| rows.count);
        if changed != expected {
            let detail = format!("{changed} changed where {expected} should have");
            return Err(ChangeError::Changed(
                format!("rows of {}", step.table),
                detail,
            ));
        }
    }
    connection.run(COMMIT, "COMMIT")?;
    Ok(Ok(steps))
}

/// What errors call the end of a transaction that changes rows.
pub(crate) const COMMIT: &str = "the commit";

/// Says what a refusal to write means.
pub(super) fn read_only(error: ServerError) -> ChangeError {
    match error {
        // ER_OPTION_PREVENTS_STATEMENT: --read-only; ER_READ_ONLY_MODE
        ServerError::Query {
            code: 1290 | 1836,
            message,
            ..
        } => ChangeError::ReadOnly(message),
        other => other.into(),
    }
}

/// The first value of an answer.
fn answer_of(answer: &[crate::snapshot::Row]) -> String {
    answer.first().and_then(first).unwrap_or_default()
}

/// ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK
fn is_in_use(error: &ServerError) -> bool {
    matches!(error.code(), Some(1205 | 1213))
}

/// Runs a statement.
pub(super) fn run(
    connection: &mut Writer,
    about: &str,
    statement: &str,
) -> Result<(), ChangeError> {
    let ran = connection.run(about, statement);
    ran.map(drop).map_err(read_only)
}

/// Runs an ALTER TABLE, which changes no value to make it fit.
fn alter(connection: &mut Writer, about: &str, statement: &str) -> Result<(), ChangeError> {
    run(connection, about, session::STRICT)?;
    let ran = run(connection, about, statement);
    let as_before = run(connection, about, session::AS_READ);
    ran.and(as_before)
}

/// Runs an ALTER TABLE with `foreign_key_checks` off.
fn alter_unchecked(
    connection: &mut Writer,
    about: &str,
    statement: &str,
) -> Result<(), ChangeError> {
    run(connection, about, session::STRICT)?;
    let ran = unchecked(connection, about, statement);
    let as_before = run(connection, about, session::AS_READ);
    ran.and(as_before)
}

/// Runs a statement with `foreign_key_checks` off, and turns them on again.
pub(super) fn unchecked(
    connection: &mut Writer,
    about: &str,
    statement: &str,
) -> Result<(), ChangeError> {
    run(connection, about, "SET SESSION foreign_key_checks = 0")?;
    let ran = run(connection, about, statement);
    // A connection that is gone takes its settings with it.
    let checked = run(connection, about, "SET SESSION foreign_key_checks = 1");
    ran.and(checked)
}

/// The first line in which a table is not as it was.
pub(super) fn first_difference(now: &str, before: &str) -> String {
    let mut lines = now.lines().zip(before.lines());
    match lines.find(|(now, before)| now != before) {
        Some((now, before)) => format!("it says {} and not {}", now.trim(), before.trim()),
        None => "it has more or fewer columns and keys than before".to_owned(),
    }
}

/// ER_CANT_DROP_FIELD_OR_KEY, ER_DUP_KEYNAME, ER_FK_DUP_NAME, ER_KEY_DOES_NOT_EXISTS
fn is_already(error: &ServerError) -> bool {
    matches!(error.code(), Some(1091 | 1061 | 1826 | 1176))
}

/// ER_DROP_INDEX_FK: the index is that of a foreign key.
fn needs_index(error: &ServerError) -> bool {
    error.code() == Some(1553)
}

/// Whether a table has everything that it had `before`: what else it has came from others.
pub(super) fn has_all_of(now: &str, before: &str) -> bool {
    let (Some(now), Some(before)) = (parsed(now), parsed(before)) else {
        return false;
    };
    now.engine == before.engine
        && now.primary_key == before.primary_key
        && is_part(&before.columns, &now.columns)
        && is_part(&before.indexes, &now.indexes)
        && is_part(&before.foreign_keys, &now.foreign_keys)
}

fn is_part<T: PartialEq>(part: &ByName<T>, whole: &ByName<T>) -> bool {
    part.iter()
        .all(|(name, item)| whole.get(name) == Some(item))
}

/// Whether a statement adds foreign keys; also where one of its names says so.
fn adds_keys(statement: &str) -> bool {
    statement.contains("ADD CONSTRAINT")
}

/// What the server cannot do without a copy of the table, or finds rows in the way of, is left
/// undone, and the rest goes on.
fn refusal(ran: Result<(), ChangeError>) -> Result<Outcome, ChangeError> {
    match ran {
        Ok(()) => Ok(Outcome::Done),
        // ER_ALTER_OPERATION_NOT_SUPPORTED, and with a reason; ER_DUP_ENTRY; ER_WARN_DATA_OUT_OF_RANGE,
        // WARN_DATA_TRUNCATED, ER_TRUNCATED_WRONG_VALUE, its form for a column, ER_DATA_TOO_LONG
        Err(ChangeError::Server(ServerError::Query {
            code: 1845 | 1846 | 1062 | 1264 | 1265 | 1292 | 1366 | 1406,
            message,
            ..
        })) => Ok(Outcome::Refused(message)),
        // ER_NO_REFERENCED_ROW_2
        Err(ChangeError::Server(ServerError::Query { code: 1452, .. })) => {
            Ok(Outcome::Orphans("some".to_owned()))
        }
        Err(error) => Err(error),
    }
}

fn about(step: &Step) -> String {
    format!("step {} ({})", step.step, step.why)
}

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

use indexmap::IndexMap;

use super::error::RepairError;
use super::journal::{Journal, Rows, Step};
use super::run::{answer_of, parsed, way_back};
use super::version::read_only;
use crate::schema::sql::identifier;
use crate::server::connection::{Connection, first, text};
use crate::server::error::ServerError;

/// How often a statement that found its table in use is tried again.
const TRIES: u32 = 60;
/// Seconds to wait for a table in use: all that want the table queue up behind the one who waits.
const LOCK_WAIT: u32 = 1;
/// The pause before the next try, in which the others get their turn.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a table may be changed until it is printed as it was; two have been enough.
const ROUNDS: u32 = 4;

/// A session in which tables are changed.
pub struct Applier<'a> {
    connection: &'a mut Connection,
    database: String,
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

impl<'a> Applier<'a> {
    /// Prepares the session, and makes sure that no other repair of this database runs.
    ///
    /// # Errors
    /// Another repair runs, or the connection is lost.
    pub fn new(
        connection: &'a mut Connection,
        database: &str,
        max_lock: Duration,
        tell: &'a mut dyn FnMut(&str),
    ) -> Result<Self, RepairError> {
        let about = "the session's settings";
        connection.run(about, "SET SESSION TRANSACTION READ WRITE")?;
        // MySQL 8.4 and later refuse foreign keys to columns that are not unique, which some of
        // CiviCRM's are; other servers do not know the setting.
        let lenient = "SET SESSION restrict_fk_on_non_standard_key = OFF";
        if let Err(error) = connection.run(about, lenient)
            && error.is_lost()
        {
            return Err(error.into());
        }
        for setting in ["lock_wait_timeout", "innodb_lock_wait_timeout"] {
            connection.run(about, &format!("SET SESSION {setting} = {LOCK_WAIT}"))?;
        }
        // Rows are written back as they were read: an id of 0, an hour that the end of summer
        // time repeats.
        connection.run(about, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")?;
        connection.run(about, "SET SESSION time_zone = '+00:00'")?;
        connection.run(about, "SET SESSION foreign_key_checks = 1")?;
        // Names are compared without letter case, as those of databases may be.
        let name = format!("cividb.{}", database.to_lowercase());
        let name: String = name.chars().take(64).collect();
        let sql = format!("SELECT GET_LOCK({}, 5)", crate::schema::sql::string(&name));
        let answer = connection.ask("the lock against other repairs", &sql)?;
        if answer.first().and_then(first).as_deref() != Some("1") {
            return Err(RepairError::Refused(
                "another repair of this database is running".to_owned(),
            ));
        }
        Ok(Self {
            connection,
            database: database.to_owned(),
            max_lock,
            tell,
        })
    }

    /// A table's definition as the server prints it, without the counter that every new row
    /// moves; `None` when there is no such table.
    ///
    /// # Errors
    /// The connection is lost, or the account may not see it.
    pub fn definition(&mut self, table: &str) -> Result<Option<String>, RepairError> {
        definition(self.connection, table)
    }

    /// Asks a question whose answer is one value.
    ///
    /// # Errors
    /// The connection is lost, or the account may not ask.
    pub fn count(&mut self, question: &str) -> Result<String, RepairError> {
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
    ) -> Result<Outcome, RepairError> {
        let now = self.definition(&step.table)?;
        if step.before.is_some() && now != step.before {
            return Err(RepairError::Changed {
                what: format!("table {}", step.table),
                detail: "its definition is another one now".to_owned(),
            });
        }
        let begun = Instant::now();
        if let Some(outcome) = self.prove(step)? {
            return Ok(outcome);
        }
        let prove_inside = begun.elapsed() <= self.max_lock;
        (self.tell)(&format!("{place}/{total} {}", step.table));
        journal.doing(step)?;
        let mut outcome = self.change(step, &step.statement, &step.locks, prove_inside);
        if !prove_inside
            && !step.locks.is_empty()
            && matches!(outcome, Ok(Outcome::Done))
            && let Some(orphans) = self.prove(step)?
        {
            self.take_back(step, journal)?;
            outcome = Ok(orphans);
        }
        match &outcome {
            Ok(Outcome::Done) => journal.done(step.step)?,
            // It was not run, so there is nothing to take back.
            Ok(Outcome::Refused(_) | Outcome::Orphans(_)) => journal.undone(step.step)?,
            Err(RepairError::Server(error)) if !error.is_lost() => journal.undone(step.step)?,
            Err(RepairError::InUse { .. }) => journal.undone(step.step)?,
            Err(_) => {}
        }
        outcome
    }

    /// Takes a step back: by its inverse, and then by whatever is left to do, until the table
    /// is printed as it was.
    ///
    /// # Errors
    /// As [`Applier::run`].
    pub fn take_back(&mut self, step: &Step, journal: &mut Journal) -> Result<(), RepairError> {
        let changed = |detail: &str| RepairError::ChangedSince {
            what: format!("table {}", step.table),
            detail: detail.to_owned(),
        };
        let before = step.before.as_deref().unwrap_or_default();
        let mut statement = Some(step.inverse.clone());
        for _ in 0..ROUNDS {
            let now = self.definition(&step.table)?;
            let now = now.ok_or_else(|| changed("it is gone"))?;
            if now == before {
                return journal.undone(step.step);
            }
            let is_inverse = statement.is_some();
            let next = statement
                .take()
                .or_else(|| way_back(&step.table, &now, before));
            let Some(next) = next else { break };
            (self.tell)(&format!("taking back {}", step.table));
            match self.run_back(step, &next) {
                Ok(Outcome::Done) => {}
                Ok(Outcome::Refused(why)) => return Err(RepairError::Refused(why)),
                Ok(Outcome::Orphans(rows)) => {
                    let why = format!("{rows} rows of {} have lost their parent", step.table);
                    return Err(RepairError::Refused(why));
                }
                // It was taken back already, and the table has changed otherwise since.
                Err(RepairError::Server(error)) if is_inverse && is_already(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let now = self.definition(&step.table)?.unwrap_or_default();
        let difference = first_difference(&now, before);
        if !has_all_of(&now, before) {
            return Err(changed(&difference));
        }
        (self.tell)(&format!(
            "{} is back; what others changed since stays: {difference}",
            step.table
        ));
        journal.undone(step.step)
    }

    /// Runs a statement that takes a step back.
    fn run_back(&mut self, step: &Step, statement: &str) -> Result<Outcome, RepairError> {
        if !adds_keys(statement) {
            let ran = self.patiently(&step.table, |connection| {
                run(connection, &about(step), statement)
            });
            return refusal(ran);
        }
        // The keys that the step made are in force until the statement that replaces them.
        match self.prove(step)? {
            Some(outcome) => Ok(outcome),
            None => self.change(step, statement, &[], false),
        }
    }

    /// Takes a step back that changed rows.
    ///
    /// # Errors
    /// The rows have changed since, or stay in use; they are then left as they are.
    pub fn take_back_rows(
        &mut self,
        step: &Step,
        rows: &Rows,
        journal: &mut Journal,
    ) -> Result<(), RepairError> {
        let about = about(step);
        let is_inverse = ["INSERT INTO ", "UPDATE "]
            .iter()
            .any(|verb| step.inverse.starts_with(verb));
        if !is_inverse {
            return Err(RepairError::Refused(format!(
                "the journal's step {} writes no rows back",
                step.step
            )));
        }
        if rows.are_as_before(self.connection)? {
            return journal.undone(step.step);
        }
        (self.tell)(&format!("taking back {}", step.why));
        self.patiently(&step.table, |connection| {
            run(connection, &about, "START TRANSACTION")?;
            let written = connection.run(&about, &step.inverse).map_err(read_only);
            let written = match written {
                Ok(count) if count == rows.count => run(connection, &about, "COMMIT"),
                Ok(_) => Err(RepairError::ChangedSince {
                    what: step.why.clone(),
                    detail: "some of these rows were changed by others".to_owned(),
                }),
                Err(error) => Err(error),
            };
            if written.is_err() {
                // The connection may be gone; then the server rolls back by itself.
                let _ = connection.run("the end of the transaction", "ROLLBACK");
            }
            written
        })?;
        journal.undone(step.step)
    }

    /// Runs one ALTER TABLE, under a lock when something has to be held still for it.
    fn change(
        &mut self,
        step: &Step,
        statement: &str,
        locks: &[String],
        prove_inside: bool,
    ) -> Result<Outcome, RepairError> {
        let about = about(step);
        if step.proofs.is_empty() {
            let ran = self.patiently(&step.table, |connection| run(connection, &about, statement));
            return refusal(ran);
        }
        if locks.is_empty() {
            let ran = self.patiently(&step.table, |connection| {
                unchecked(connection, &about, statement)
            });
            return refusal(ran);
        }
        let lock = format!("LOCK TABLES {}", locks.join(", "));
        self.patiently(&step.table, |connection| run(connection, &about, &lock))?;
        let proved = match prove_inside {
            true => self.prove(step),
            false => Ok(None),
        };
        let changed = match proved {
            Ok(None) => refusal(unchecked(self.connection, &about, statement)),
            Ok(Some(outcome)) => Ok(outcome),
            Err(error) => Err(error),
        };
        // Also after an error; a connection that is gone has let go of its locks.
        let unlocked = self.connection.run("the end of the lock", "UNLOCK TABLES");
        let outcome = changed?;
        unlocked?;
        Ok(outcome)
    }

    /// Asks the questions of a step; says so when one does not answer 0.
    fn prove(&mut self, step: &Step) -> Result<Option<Outcome>, RepairError> {
        for proof in &step.proofs {
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
    pub fn settle(&mut self, step: &Step, journal: &mut Journal) -> Result<(), RepairError> {
        let was_not_run = match &step.rows {
            Some(rows) => rows.are_as_before(self.connection)?,
            None => self.definition(&step.table)? == step.before,
        };
        if was_not_run {
            return journal.undone(step.step);
        }
        // It may have been cut off before the last of its proofs.
        if !step.locks.is_empty() && self.prove(step)?.is_some() {
            return self.take_back(step, journal);
        }
        journal.done(step.step)
    }

    /// The session.
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.connection
    }

    /// The database.
    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Says what goes on.
    pub(super) fn tell(&mut self, message: &str) {
        (self.tell)(message);
    }

    /// Tries again while the table is in use.
    pub(super) fn patiently<T>(
        &mut self,
        table: &str,
        mut attempt: impl FnMut(&mut Connection) -> Result<T, RepairError>,
    ) -> Result<T, RepairError> {
        let mut tried = 1;
        loop {
            match attempt(self.connection) {
                Err(RepairError::Server(error)) if is_in_use(&error) && tried == TRIES => {
                    return Err(RepairError::InUse {
                        table: table.to_owned(),
                        tries: TRIES,
                    });
                }
                Err(RepairError::Server(error)) if is_in_use(&error) => {
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

/// ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK
fn is_in_use(error: &ServerError) -> bool {
    matches!(error.code(), Some(1205 | 1213))
}

/// Runs a statement.
fn run(connection: &mut Connection, about: &str, statement: &str) -> Result<(), RepairError> {
    let ran = connection.run(about, statement);
    ran.map(drop).map_err(read_only)
}

/// Runs a statement with `foreign_key_checks` off, and turns them on again.
fn unchecked(connection: &mut Connection, about: &str, statement: &str) -> Result<(), RepairError> {
    run(connection, about, "SET SESSION foreign_key_checks = 0")?;
    let ran = run(connection, about, statement);
    // A connection that is gone takes its settings with it.
    let checked = run(connection, about, "SET SESSION foreign_key_checks = 1");
    ran.and(checked)
}

/// The first line in which a table is not as it was.
fn first_difference(now: &str, before: &str) -> String {
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

/// Whether a table has everything that it had `before`: what else it has came from others.
fn has_all_of(now: &str, before: &str) -> bool {
    let (Some(now), Some(before)) = (parsed(now), parsed(before)) else {
        return false;
    };
    now.engine == before.engine
        && now.primary_key == before.primary_key
        && is_part(&before.columns, &now.columns)
        && is_part(&before.indexes, &now.indexes)
        && is_part(&before.foreign_keys, &now.foreign_keys)
}

fn is_part<T: PartialEq>(part: &IndexMap<String, T>, whole: &IndexMap<String, T>) -> bool {
    part.iter()
        .all(|(name, item)| whole.get(name) == Some(item))
}

/// Whether a statement adds foreign keys; also where one of its names says so.
fn adds_keys(statement: &str) -> bool {
    statement.contains("ADD CONSTRAINT")
}

/// What the server cannot do without a copy of the table, or finds rows in the way of, is left
/// undone, and the rest goes on.
fn refusal(ran: Result<(), RepairError>) -> Result<Outcome, RepairError> {
    match ran {
        Ok(()) => Ok(Outcome::Done),
        // ER_ALTER_OPERATION_NOT_SUPPORTED, and with a reason; ER_DUP_ENTRY
        Err(RepairError::Server(ServerError::Query {
            code: 1845 | 1846 | 1062,
            message,
            ..
        })) => Ok(Outcome::Refused(message)),
        // ER_NO_REFERENCED_ROW_2
        Err(RepairError::Server(ServerError::Query { code: 1452, .. })) => {
            Ok(Outcome::Orphans("some".to_owned()))
        }
        Err(error) => Err(error),
    }
}

fn about(step: &Step) -> String {
    format!("step {} ({})", step.step, step.why)
}

/// A table's definition as SHOW CREATE TABLE prints it, without the AUTO_INCREMENT counter;
/// `None` when there is no such table.
///
/// # Errors
/// The connection is lost, or the account may not see it.
pub fn definition(connection: &mut Connection, table: &str) -> Result<Option<String>, RepairError> {
    let sql = format!("SHOW CREATE TABLE {}", identifier(table));
    match connection.ask(&format!("the definition of {table}"), &sql) {
        Ok(answer) => {
            let printed = answer.first().and_then(|row| text(row, "Create Table"));
            Ok(printed.map(|printed| without_counter(&printed)))
        }
        // ER_NO_SUCH_TABLE
        Err(error) if error.code() == Some(1146) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The counter stands on the last line, among the table's options.
fn without_counter(definition: &str) -> String {
    let (head, options) = definition.rsplit_once("\n)").unwrap_or((definition, ""));
    let Some((before, rest)) = options.split_once(" AUTO_INCREMENT=") else {
        return definition.to_owned();
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{head}\n){before}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_counter_is_taken_out_of_a_definition() {
        let printed = "CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=5'\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4";
        let expected = printed.replace(" AUTO_INCREMENT=17", "");
        assert_eq!(without_counter(printed), expected);
        assert_eq!(without_counter(&expected), expected);
    }
}

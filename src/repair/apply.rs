//! Changing tables, one statement at a time, so that writers hardly notice and every moment
//! can be the last.
//!
//! A step that adds a foreign key or gives one another name runs with `foreign_key_checks`
//! off: only so can servers do it without copying the table. It may because the same lock
//! under which it runs held the child still for writers, and the parent for everybody, while
//! a count showed that no row lacks its parent.

use std::time::{Duration, Instant};

use super::error::RepairError;
use super::journal::{Journal, Step};
use super::run::{answer_of, way_back};
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
    /// Longest time for which a proof may keep writers waiting.
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
    /// and notes that it is done. It is number `place` of `total`.
    ///
    /// # Errors
    /// The table is no longer what the step was made for, it stays in use for too long, or the
    /// server refuses. The table is then unchanged. When the connection is lost the journal
    /// tells how to go on.
    pub fn run(
        &mut self,
        step: &Step,
        journal: &mut Journal,
        place: usize,
        total: usize,
    ) -> Result<Outcome, RepairError> {
        let now = self.definition(&step.table)?;
        if step.before.is_some() && now != step.before {
            return Err(RepairError::Changed {
                what: format!("table {}", step.table),
                detail: "its definition is another one now".to_owned(),
            });
        }
        if let Some(refused) = self.prove(step, Some(self.max_lock))? {
            return Ok(Outcome::Refused(refused));
        }
        (self.tell)(&format!("{place}/{total} {}", step.table));
        journal.doing(step)?;
        let outcome = self.change(step, &step.statement);
        match &outcome {
            Ok(Outcome::Done) => journal.done(step.step)?,
            // It was not run, so there is nothing to take back.
            Ok(Outcome::Refused(_)) => journal.undone(step.step)?,
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
        let changed = |detail: &str| RepairError::Changed {
            what: format!("table {}", step.table),
            detail: detail.to_owned(),
        };
        let mut statement = Some(step.inverse.clone());
        let mut difference = String::new();
        for _ in 0..ROUNDS {
            let now = self
                .definition(&step.table)?
                .ok_or_else(|| changed("it is gone"))?;
            if Some(&now) == step.before.as_ref() {
                return journal.undone(step.step);
            }
            difference = first_difference(&now, step.before.as_deref().unwrap_or_default());
            let next = statement
                .take()
                .or_else(|| way_back(&step.table, &now, step.before.as_deref()?));
            let Some(next) = next else { break };
            (self.tell)(&format!("taking back {}", step.table));
            if let Outcome::Refused(why) = self.change(step, &next)? {
                return Err(RepairError::Refused(why));
            }
        }
        Err(changed(&difference))
    }

    /// Runs one ALTER TABLE, under a lock when something has to be proved for it.
    fn change(&mut self, step: &Step, statement: &str) -> Result<Outcome, RepairError> {
        if step.proofs.is_empty() {
            self.patiently(step, |this| {
                this.connection.run(&about(step), statement).map(drop)
            })?;
            return Ok(Outcome::Done);
        }
        let mut tables = vec![format!("{} WRITE", identifier(&step.table))];
        tables.extend(step.parents.iter().map(|parent| format!("{parent} READ")));
        let lock = format!("LOCK TABLES {}", tables.join(", "));
        self.patiently(step, |this| {
            this.connection.run(&about(step), &lock).map(drop)
        })?;
        let changed = self.change_under_lock(step, statement);
        // Also after an error; a connection that is gone has let go of its locks.
        let unlocked = self.connection.run("the end of the lock", "UNLOCK TABLES");
        let outcome = changed?;
        unlocked?;
        Ok(outcome)
    }

    fn change_under_lock(&mut self, step: &Step, statement: &str) -> Result<Outcome, RepairError> {
        if let Some(refused) = self.prove(step, None)? {
            return Ok(Outcome::Refused(refused));
        }
        let about = about(step);
        self.connection
            .run(&about, "SET SESSION foreign_key_checks = 0")?;
        let ran = self.connection.run(&about, statement);
        // A connection that is gone takes its settings with it.
        let checked = self
            .connection
            .run(&about, "SET SESSION foreign_key_checks = 1");
        let outcome = refusal(ran.map(drop).map_err(read_only));
        checked?;
        outcome
    }

    /// Asks the questions of a step; says what is wrong when one does not answer 0, or took
    /// longer than it may under a lock.
    fn prove(
        &mut self,
        step: &Step,
        at_most: Option<Duration>,
    ) -> Result<Option<String>, RepairError> {
        for proof in &step.proofs {
            let begun = Instant::now();
            let answer = self.connection.ask(&about(step), proof)?;
            let rows = answer.first().and_then(first).unwrap_or_default();
            if rows != "0" {
                return Ok(Some(format!(
                    "{rows} rows of {} have lost their parent",
                    step.table
                )));
            }
            let took = begun.elapsed();
            if let Some(limit) = at_most.filter(|limit| took > *limit) {
                return Ok(Some(format!(
                    "proving that no row has lost its parent takes {:.1} s, in which writers would wait; \
                     --max-lock-seconds allows more than {:.1}",
                    took.as_secs_f64(),
                    limit.as_secs_f64()
                )));
            }
        }
        Ok(None)
    }

    /// Tries again while the table is in use.
    fn patiently(
        &mut self,
        step: &Step,
        mut attempt: impl FnMut(&mut Self) -> Result<(), ServerError>,
    ) -> Result<(), RepairError> {
        for tried in 1..=TRIES {
            match attempt(self) {
                // ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK
                Err(error) if matches!(error.code(), Some(1205 | 1213)) && tried < TRIES => {
                    if tried % 5 == 1 {
                        let table = &step.table;
                        (self.tell)(&format!(
                            "{table} is in use; trying again ({tried} of {TRIES})"
                        ));
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(error) if matches!(error.code(), Some(1205 | 1213)) => {
                    return Err(RepairError::InUse {
                        table: step.table.clone(),
                        tries: TRIES,
                    });
                }
                result => return result.map_err(read_only),
            }
        }
        Ok(())
    }
}

/// The first line in which a table is not as it was.
fn first_difference(now: &str, before: &str) -> String {
    let mut lines = now.lines().zip(before.lines());
    match lines.find(|(now, before)| now != before) {
        Some((now, before)) => format!("it says {} and not {}", now.trim(), before.trim()),
        None => "it has more or fewer columns and keys than before".to_owned(),
    }
}

/// What the server cannot do without a copy of the table is left undone, and the rest goes on.
fn refusal(ran: Result<(), RepairError>) -> Result<Outcome, RepairError> {
    match ran {
        Ok(()) => Ok(Outcome::Done),
        // ER_ALTER_OPERATION_NOT_SUPPORTED, and with a reason
        Err(RepairError::Server(ServerError::Query {
            code: 1845 | 1846,
            message,
            ..
        })) => Ok(Outcome::Refused(message)),
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

//! Taking back what a journal says was done: everything is looked at before anything is taken back.

use std::collections::{HashMap, HashSet};

use super::definition::{self, parsed};
use super::error::ChangeError;
use super::exchange::{self, Exchange, Fate, IsMadeAgain, Record as SetAside, Stranger};
use super::executor::{Executor, has_all_of};
use super::hindrance;
use super::journal::{Head, Journal, Kind, Progress, Record, Rows, Step};
use super::refusal::Refusal;
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::find;
use crate::schema::sql::hexadecimal;
use crate::server::answer::MOST_ROWS;
use crate::server::connection::Reader;

/// How many rows or tables a message names.
const NAMED: usize = 20;

/// The steps of a journal that may have to be taken back, last first.
pub fn steps(record: &Record) -> Vec<(&Step, Progress)> {
    let open = record
        .steps
        .iter()
        .filter(|(_, progress)| *progress != Progress::Undone);
    open.rev()
        .map(|(step, progress)| (step, *progress))
        .collect()
}

/// Makes sure that a journal is about the database that `here` describes, which is one of the same server: or
/// of one that says of itself that it is another, where `same_server` says that it is the same.
///
/// # Errors
/// It is about another one; the text says what differs.
pub fn check_database(record: &Record, here: &Head, same_server: bool) -> Result<(), ChangeError> {
    let head = &record.head;
    let journal = record.path.display();
    if head.database != here.database {
        return Err(ChangeError::OtherDatabase(format!(
            "the journal {journal} is about database '{}' of {}, not about '{}' of {}",
            head.database, head.server, here.database, here.server
        )));
    }
    if head.server_id == here.server_id || same_server {
        return Ok(());
    }
    Err(ChangeError::OtherDatabase(format!(
        "the journal {journal} is about database '{}' of {}, which called itself {} (version {}), and {} calls \
         itself {} (version {}); where it is the same server, moved to another port or host name, say so with \
         --same-server",
        head.database,
        head.server,
        head.server_id,
        head.server_version,
        here.server,
        here.server_id,
        here.server_version
    )))
}

/// A row or a table that is not as a step left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// `table t`, or `id 9001 of t`.
    pub what: String,
    /// How it is instead.
    pub detail: String,
}

/// What has to be done to take one step back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Todo<'r> {
    step: &'r Step,
    progress: Progress,
    /// It was not done, or has been taken back by other means.
    is_back: bool,
    /// Rows that are not as it left them, as places in [`Rows::named`].
    skipped: HashSet<usize>,
    /// Nothing of it can be taken back, because its table is not as it left it.
    is_skipped: bool,
}

/// What was found of a journal's steps, before anything is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination<'r> {
    /// Last first.
    todo: Vec<Todo<'r>>,
    /// What is not as the journal says it was left.
    pub changed: Vec<Changed>,
    /// What CiviCRM has made again since, as sentences; that of before comes in its place.
    pub made_again: Vec<String>,
    /// Triggers, views and routines that the record of an exchange does not know as they are.
    strangers: Vec<Stranger>,
}

/// What was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Steps taken back, all or in part.
    pub steps: usize,
    /// Steps that had not been done.
    pub not_done: usize,
    /// Steps of which nothing was taken back, because their tables or rows have changed since.
    pub skipped: usize,
    /// Steps of which nothing was taken back, because the server refuses their rows.
    pub stuck: usize,
    /// Values of rows that came back which triggers do not let be as they were.
    pub differing: u64,
}

impl<'r> Examination<'r> {
    /// Looks at every table and row that the steps of a journal changed. `is_made_again` tells what CiviCRM makes again by
    /// itself.
    ///
    /// # Errors
    /// A step is not what cividb writes into journals, the account may not look, or the connection
    /// is lost.
    pub fn of(
        connection: &mut Reader,
        record: &'r Record,
        is_made_again: IsMadeAgain,
    ) -> Result<Self, ChangeError> {
        let mut examined = Self {
            todo: Vec::new(),
            changed: Vec::new(),
            made_again: Vec::new(),
            strangers: Vec::new(),
        };
        // What a later step changed once more is as that one left it.
        let mut tables: HashSet<&str> = HashSet::new();
        let mut skipped_tables: HashSet<&str> = HashSet::new();
        // Tables in whose place others are now: what they are shows when they have come back.
        let mut away: HashSet<&str> = HashSet::new();
        // The tables as they are now, read when they are asked for first.
        let mut current: HashMap<&str, Option<String>> = HashMap::new();
        // Those into which no row can come back.
        let mut closed: HashSet<&str> = HashSet::new();
        let mut rows: HashSet<(&str, &str)> = HashSet::new();
        let mut skipped_rows: HashSet<(&str, &str)> = HashSet::new();
        for (step, progress) in steps(record) {
            step.check_inverse()?;
            let mut todo = Todo {
                step,
                progress,
                is_back: false,
                skipped: HashSet::new(),
                is_skipped: false,
            };
            match step.kind() {
                Kind::Definition(before) => {
                    if !away.contains(step.table.as_str()) && tables.insert(&step.table) {
                        let now = definition_now(connection, &mut current, &step.table)?;
                        todo.is_back = now == Some(before);
                        if let Some(detail) = table_changed(step, now) {
                            skipped_tables.insert(&step.table);
                            examined.changed.push(Changed {
                                what: format!("table {}", step.table),
                                detail,
                            });
                        }
                    }
                    todo.is_skipped = skipped_tables.contains(step.table.as_str());
                    if !todo.is_back && !todo.is_skipped && !away.contains(step.table.as_str()) {
                        let now = definition_now(connection, &mut current, &step.table)?;
                        let now = now.unwrap_or_default();
                        if let Some(detail) = hindrance::of_step(connection, step, now)? {
                            todo.is_skipped = true;
                            skipped_tables.insert(&step.table);
                            examined.changed.push(Changed {
                                what: format!("table {}", step.table),
                                detail,
                            });
                        }
                    }
                }
                Kind::Rows(changed) => {
                    let now = definition_now(connection, &mut current, &step.table)?;
                    if let Some(detail) = no_place_for_rows(step, now) {
                        let is_named = skipped_tables.contains(step.table.as_str());
                        if closed.insert(&step.table) && !is_named {
                            examined.changed.push(Changed {
                                what: format!("table {}", step.table),
                                detail,
                            });
                        }
                        todo.is_skipped = true;
                        examined.todo.push(todo);
                        continue;
                    }
                    todo.is_back = changed.are_as_before(connection)?;
                    if !todo.is_back {
                        let as_left = as_left(connection, step, changed)?;
                        for (place, name) in changed.named.iter().enumerate() {
                            let row = (step.table.as_str(), name.as_str());
                            let is_first = rows.insert(row);
                            let is_changed = is_first
                                && as_left.as_ref().is_some_and(|left| !left.contains(name));
                            if is_changed {
                                skipped_rows.insert(row);
                                examined.changed.push(row_changed(step, name));
                            }
                            if skipped_rows.contains(&row) {
                                todo.skipped.insert(place);
                            }
                        }
                        let all = changed.named.len();
                        todo.is_skipped = all > 0 && todo.skipped.len() == all;
                    }
                }
                Kind::Exchange(exchange) => {
                    let (is_back, detail) = exchange_changed(connection, exchange, progress)?;
                    todo.is_back = is_back;
                    if !is_back && detail.is_none() {
                        examined.exchange(connection, exchange, record, is_made_again)?;
                    }
                    away.extend(exchange.goes.iter().map(String::as_str));
                    if let Some(detail) = detail {
                        todo.is_skipped = true;
                        examined.changed.push(Changed {
                            what: step.why.clone(),
                            detail,
                        });
                    }
                }
                Kind::Version => {}
            }
            examined.todo.push(todo);
        }
        Ok(examined)
    }

    /// Looks at what stands where an exchange is to go back.
    fn exchange(
        &mut self,
        connection: &mut Reader,
        exchange: &Exchange,
        journal: &Record,
        is_made_again: IsMadeAgain,
    ) -> Result<(), ChangeError> {
        let Some(set_aside) = SetAside::read(connection, &exchange.aside)? else {
            return Ok(());
        };
        if !set_aside.is_proved {
            return Ok(());
        }
        let is_dropped = |table: &str, key: &str| {
            let mut keys = exchange.references.iter();
            let change = keys.find(|it| it.table == table && it.key == key);
            let drop = change.and_then(|it| it.comes.as_ref()).map(|it| &it.drop);
            drop.is_some_and(|drop| steps(journal).iter().any(|(it, _)| it.inverse == *drop))
        };
        exchange::check_way_back(connection, exchange, &is_dropped)?;
        for stranger in exchange::strangers(connection, &set_aside, is_made_again)? {
            let what = stranger.program.name.describe();
            let detail = stranger.detail().to_owned();
            match stranger.fate {
                Fate::MadeAgain => self.made_again.push(format!("{what}: {detail}")),
                _ => self.changed.push(Changed { what, detail }),
            }
            self.strangers.push(stranger);
        }
        Ok(())
    }

    /// Makes sure that everything is as the journal says it was left.
    ///
    /// # Errors
    /// It is not; all that has changed is named.
    pub fn is_as_left(&self) -> Result<(), ChangeError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let named = self.changed.iter().take(NAMED);
        let mut named: Vec<String> = named
            .map(|changed| format!("{}: {}", changed.what, changed.detail))
            .collect();
        if self.changed.len() > NAMED {
            named.push(format!("and {} more", self.changed.len() - NAMED));
        }
        Err(Refusal::ChangedSince(named.join("; ")).into())
    }

    /// Takes everything back but what has changed since, last step first, until every table is as it
    /// was, byte for byte but for AUTO_INCREMENT counters.
    ///
    /// # Errors
    /// As [`Executor::run`]; what was taken back so far stays so, and is noted.
    pub fn take_back(
        &self,
        executor: &mut Executor,
        journal: &mut Journal,
    ) -> Result<Undone, ChangeError> {
        let mut undone = Undone::default();
        for todo in &self.todo {
            let step = todo.step;
            match step.kind() {
                _ if todo.is_skipped => {
                    undone.skipped += 1;
                    continue;
                }
                _ if todo.is_back => {
                    journal.undone(step.step)?;
                    match todo.progress {
                        Progress::Doing => undone.not_done += 1,
                        _ => undone.steps += 1,
                    }
                    continue;
                }
                Kind::Definition(_) => executor.take_back(step, journal)?,
                Kind::Rows(rows) => {
                    let inverse = inverse(step, rows, &todo.skipped)?;
                    let count = rows.count.saturating_sub(todo.skipped.len() as u64);
                    match executor.take_back_rows(step, &inverse, count, journal) {
                        Ok(others) => undone.differing += others.len() as u64,
                        // The rest comes back all the same.
                        Err(ChangeError::Server(error)) if !error.is_lost() => {
                            executor.tell(&format!("not back: {}: {}", step.why, error.answer()));
                            undone.stuck += 1;
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
                Kind::Exchange(exchange) => {
                    let record = SetAside::read(executor.connection(), &exchange.aside)?;
                    if let Some(record) = record {
                        exchange::back(executor, &record, &self.strangers)?;
                    }
                    journal.undone(step.step)?;
                }
                Kind::Version => {
                    let may_be_nothing = todo.progress == Progress::Doing;
                    if !executor.take_back_version(step, may_be_nothing, journal)? {
                        undone.not_done += 1;
                        continue;
                    }
                }
            }
            undone.steps += 1;
        }
        Ok(undone)
    }
}

/// Whether there is nothing to take back of an exchange; or else why it cannot be taken back.
fn exchange_changed(
    connection: &mut Reader,
    exchange: &Exchange,
    progress: Progress,
) -> Result<(bool, Option<String>), ChangeError> {
    Ok(match SetAside::read(connection, &exchange.aside)? {
        Some(record) if record.exchange == *exchange => (false, None),
        Some(_) => {
            let what = format!("{} holds the tables of another rollback", exchange.aside);
            (false, Some(what))
        }
        None if progress == Progress::Doing => (true, None),
        None => {
            let what = format!("what was set aside in {} is gone", exchange.aside);
            (false, Some(what))
        }
    })
}

/// What a table is now, which is asked for once; `None` where it is gone.
fn definition_now<'c, 'r>(
    connection: &mut Reader,
    current: &'c mut HashMap<&'r str, Option<String>>,
    table: &'r str,
) -> Result<Option<&'c str>, ChangeError> {
    if !current.contains_key(table) {
        current.insert(table, definition::read(connection, table)?);
    }
    Ok(current.get(table).and_then(Option::as_deref))
}

/// How a table is not as the last step that changed it left it; `None` where it is, or where others
/// have only added to it.
fn table_changed(step: &Step, now: Option<&str>) -> Option<String> {
    let Some(now) = now else {
        return Some("it is gone".to_owned());
    };
    let after = step.after.as_deref()?;
    if now == after || Some(now) == step.before.as_deref() || parsed(after).is_none() {
        return None;
    }
    (!has_all_of(now, after)).then(|| super::executor::first_difference(now, after))
}

/// Why the rows of a step cannot come back into their table: the table is gone (`now` is `None`), or a column of them is.
/// Of a definition that cannot be read nothing is said.
fn no_place_for_rows(step: &Step, now: Option<&str>) -> Option<String> {
    let Some(now) = now else {
        return Some("it is gone".to_owned());
    };
    let now = parsed(now)?;
    let mut lexer = Lexer::new(&step.inverse, SqlModes::default());
    loop {
        match lexer.next_lexeme().token {
            // What stands in backquotes in such a statement is the table or one of its columns.
            Token::Quoted(name) if name != step.table && find(&now.columns, &name).is_none() => {
                return Some(format!("its column {name} is gone"));
            }
            Token::End | Token::Unterminated(_) => return None,
            _ => {}
        }
    }
}

fn row_changed(step: &Step, name: &str) -> Changed {
    Changed {
        what: match name.is_empty() {
            true => step.why.clone(),
            false => format!("{name} of {}", step.table),
        },
        detail: match step.inverse.starts_with("INSERT INTO ") {
            true => "it is there again",
            false => "it is no longer what the journal says was set",
        }
        .to_owned(),
    }
}

/// The names of the rows that are as the step left them; `None` where the journal does not tell.
fn as_left(
    connection: &mut Reader,
    step: &Step,
    rows: &Rows,
) -> Result<Option<HashSet<String>>, ChangeError> {
    let Some(question) = &rows.as_left else {
        return Ok(None);
    };
    let mut found = HashSet::new();
    connection.each("rows of the journal", question, MOST_ROWS, |row| {
        found.insert(row_name(&row));
    })?;
    if !step.inverse.starts_with("INSERT INTO ") {
        return Ok(Some(found));
    }
    // Of what was deleted nothing should be there.
    let gone = rows.named.iter().filter(|name| !found.contains(*name));
    Ok(Some(gone.cloned().collect()))
}

/// What people call a row, of which the columns of its primary key are given: `id 9001`.
pub(crate) fn row_name(key: &crate::snapshot::Row) -> String {
    let parts = key.iter().map(|(column, value)| match value {
        Some(value) => match std::str::from_utf8(value) {
            Ok(text) => format!("{column} {text}"),
            Err(_) => format!("{column} 0x{}", hexadecimal(value)),
        },
        None => format!("{column} NULL"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The inverse of a step without the rows at these places.
fn inverse(step: &Step, rows: &Rows, without: &HashSet<usize>) -> Result<String, ChangeError> {
    // An UPDATE finds those that have changed by itself, because it says what the others are.
    if without.is_empty() || rows.values.is_empty() {
        return Ok(step.inverse.clone());
    }
    let damaged = || {
        let step = step.step;
        Refusal::JournalStep(format!(
            "the journal's step {step} does not say where its rows stand"
        ))
    };
    let first = rows.values.first().ok_or_else(damaged)?.0;
    let head = step.inverse.get(..first).ok_or_else(damaged)?;
    let mut values = Vec::new();
    for (place, (from, to)) in rows.values.iter().enumerate() {
        if !without.contains(&place) {
            values.push(step.inverse.get(*from..*to).ok_or_else(damaged)?);
        }
    }
    let mut part = step.clone();
    part.inverse = format!("{head}{}", values.join(", "));
    part.check_inverse()?;
    Ok(part.inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_into_a_table_that_has_their_columns() {
        let step = deletion();
        let why = |now| no_place_for_rows(&step, now);
        assert_eq!(why(Some("CREATE TABLE t (ID int, more int)")), None);
        assert_eq!(
            why(Some("CREATE TABLE t (number int)")).as_deref(),
            Some("its column id is gone")
        );
        assert_eq!(why(Some("CREATE TABLE t LIKE what nobody can read")), None);
        assert_eq!(why(None).as_deref(), Some("it is gone"));
    }

    fn deletion() -> Step {
        let inverse = "INSERT INTO `t` (`id`) VALUES (1), (2), (3)";
        let at = |text: &str| {
            let from = inverse.find(text).expect("it is there");
            (from, from + text.len())
        };
        Step {
            step: 1,
            table: "t".to_owned(),
            statement: "DELETE FROM `t` WHERE `id` IN (1, 2, 3)".to_owned(),
            inverse: inverse.to_owned(),
            why: "a test".to_owned(),
            rows: Some(Rows {
                count: 3,
                named: ["id 1", "id 2", "id 3"].map(str::to_owned).to_vec(),
                values: vec![at("(1)"), at("(2)"), at("(3)")],
                still_as_before: "SELECT COUNT(*) FROM `t` WHERE `id` IN (1, 2, 3)".to_owned(),
                ..Rows::default()
            }),
            ..Step::default()
        }
    }

    #[test]
    fn rows_that_are_there_again_are_left_out_of_what_comes_back() {
        let step = deletion();
        let rows = step.rows.as_ref().expect("rows");
        let without = |places: &[usize]| {
            inverse(&step, rows, &places.iter().copied().collect()).expect("it can be said")
        };
        assert_eq!(without(&[]), step.inverse);
        assert_eq!(without(&[1]), "INSERT INTO `t` (`id`) VALUES (1), (3)");
        assert_eq!(without(&[0, 2]), "INSERT INTO `t` (`id`) VALUES (2)");
    }

    #[test]
    fn a_journal_whose_rows_stand_elsewhere_is_refused() {
        let mut step = deletion();
        if let Some(rows) = &mut step.rows {
            rows.values = vec![(0, 1), (7, 5000)];
        }
        let rows = step.rows.clone().expect("rows");
        let without = HashSet::from([0]);
        let refused = inverse(&step, &rows, &without).expect_err("it cannot be said");
        assert_eq!(refused.refusal(), Some("journal-step"));
    }
}

//! Proves that what was restored works: reads every view, calls every function, and fires every trigger.
//!
//! All of it is done by the account that restored, and in transactions that are rolled back.

use std::collections::BTreeSet;
use std::time::Instant;

use indexmap::IndexMap;

use super::RehearseError;
use super::failure::{Failure, Phase, message};
use super::ground::Ground;
use super::guard::About;
use super::row::{self, Literals};
use crate::gate::{Blocked, Meaning, Operation};
use crate::sandbox::Client;
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{Routine, RoutineKind, Schema, Table, TriggerEvent};
use crate::schema::sql::identifier;
use crate::server::error::ServerError;
use crate::snapshot::Snapshot;

/// What was tried.
#[derive(Clone, Debug, Default)]
pub struct Exercised {
    /// Number of views read.
    pub views: usize,
    /// Number of functions called.
    pub functions: usize,
    /// Number of triggers fired.
    pub triggers: usize,
    /// What did not work.
    pub failures: Vec<Failure>,
    /// What could not be tried, and why.
    pub not_tried: Vec<String>,
}

/// Errors that a made-up value leads to, and not what a trigger or function does: duplicate keys, values out of range,
/// of another form or too long, checks.
const OF_VALUES: [u16; 12] = [
    1062, 1264, 1265, 1292, 1366, 1406, 1411, 1525, 1690, 3140, 3819, 4025,
];

/// ER_SIGNAL_EXCEPTION: what is tried says itself that it does not want such a row.
const SIGNAL: u16 = 1644;

/// Tries everything that can be tried of a restored database.
///
/// # Errors
/// The server is gone.
pub fn exercise(stage: &dyn Ground, restored: &Snapshot) -> Result<Exercised, RehearseError> {
    let mut exercise = Exercise {
        stage,
        client: stage.client()?,
        schema: &restored.schema,
        done: Exercised::default(),
    };
    exercise.views()?;
    exercise.functions()?;
    exercise.triggers()?;
    Ok(exercise.done)
}

struct Exercise<'a> {
    stage: &'a dyn Ground,
    client: Client,
    schema: &'a Schema,
    done: Exercised,
}

/// What became of one try.
enum Tried {
    Worked,
    Failed(ServerError),
    /// It took longer than a statement may, and the connection was given up.
    OutOfTime(ServerError),
}

impl Exercise<'_> {
    fn views(&mut self) -> Result<(), RehearseError> {
        for name in self.schema.views.keys() {
            let sql = format!("SELECT * FROM {} LIMIT 1", identifier(name));
            let sql = Meaning::new(Operation::Select, [name.as_str()]).pass(sql);
            let about = About {
                kind: Some("view"),
                name: Some(name.clone()),
                table: None,
            };
            if self.attempt(Phase::Views, about, sql)? {
                self.done.views += 1;
            }
        }
        Ok(())
    }

    /// Calls functions without values: whatever they call themselves has to be there. A procedure may do anything, so
    /// that none is called.
    fn functions(&mut self) -> Result<(), RehearseError> {
        for ((kind, name), routine) in &self.schema.routines {
            if *kind != RoutineKind::Function {
                continue;
            }
            let nulls = vec!["NULL"; parameters(routine)].join(", ");
            let sql = format!("SELECT {}({nulls})", identifier(name));
            let sql = Meaning::new(Operation::Select, [name.as_str()]).pass(sql);
            let about = About {
                kind: Some("function"),
                name: Some(name.clone()),
                table: None,
            };
            self.begin()?;
            let worked = self.attempt(Phase::Functions, about, sql)?;
            self.roll_back()?;
            if worked {
                self.done.functions += 1;
            }
        }
        Ok(())
    }

    fn triggers(&mut self) -> Result<(), RehearseError> {
        let tables: BTreeSet<&str> = self
            .schema
            .triggers
            .values()
            .map(|it| it.table.as_str())
            .collect();
        for name in tables {
            let Some(table) = self.schema.table(name) else {
                continue;
            };
            self.stage.go_on()?;
            self.begin()?;
            let fired = self.fire(name, table);
            self.roll_back()?;
            fired?;
        }
        Ok(())
    }

    /// Fires the triggers of one table, with a row that did not exist before.
    fn fire(&mut self, name: &str, table: &Table) -> Result<(), RehearseError> {
        let parents = self.parents(name, table)?;
        let model = self.model(name)?;
        // A row like those of the site first, and then one whose values are all made up.
        let like_site = row::new_row(table, &parents, model.as_ref());
        let made_up = row::new_row(table, &parents, None);
        let inserts = [like_site, made_up.clone(), without_nullable(table, made_up)]
            .map(|row| self.insert(name, &row));
        let tried = self.attempts(inserts.into())?;
        let is_inserted = matches!(tried, Tried::Worked);
        self.judge(name, TriggerEvent::Insert, tried);
        // The row that was made, or else any: a row that triggers refuse cannot be changed either.
        let which = match is_inserted {
            true => self.new_row_of(table, &row::new_row(table, &parents, None))?,
            false => None,
        };
        if !is_inserted && model.is_none() {
            for event in [TriggerEvent::Update, TriggerEvent::Delete] {
                for trigger in self.of(name, event) {
                    let why = format!(
                        "trigger {trigger} was not fired: {name} has no row, and none can be added"
                    );
                    self.done.not_tried.push(why);
                }
            }
            return Ok(());
        }
        let same = |column: &String| (column.clone(), identifier(column));
        let unchanged: Literals = table
            .columns
            .iter()
            .filter(|(_, it)| it.generated.is_none())
            .map(|(name, _)| same(name))
            .take(1)
            .collect();
        let updates = [row::changed(table), unchanged];
        let updates = updates.iter().filter(|changes| !changes.is_empty());
        let updates = updates.map(|changes| self.update(name, changes, which.as_ref()));
        let tried = self.attempts(updates.collect())?;
        self.judge(name, TriggerEvent::Update, tried);
        let deletes = vec![self.delete(name, which.as_ref())];
        let tried = self.attempts(deletes)?;
        self.judge(name, TriggerEvent::Delete, tried);
        Ok(())
    }

    /// Values of parents that exist, as literals, by column.
    fn parents(
        &mut self,
        name: &str,
        table: &Table,
    ) -> Result<IndexMap<String, String>, RehearseError> {
        let mut found = IndexMap::new();
        for key in table
            .foreign_keys
            .values()
            .filter(|key| key.referenced_database.is_none())
        {
            let columns: Vec<String> = key
                .referenced_columns
                .iter()
                .map(|it| identifier(it))
                .collect();
            let list = columns.join(", ");
            let parent = &key.referenced_table;
            let mut sql = format!("SELECT {list} FROM {}", identifier(parent));
            let mut names: Vec<String> = key.referenced_columns.clone();
            names.push(parent.clone());
            // Where a parent may have one row only, one that has none yet.
            if let ([column], [referenced]) = (&key.columns[..], &key.referenced_columns[..])
                && row::is_unique(table, column)
            {
                let (column_name, own) = (identifier(column), identifier(name));
                let used =
                    format!("SELECT {column_name} FROM {own} WHERE {column_name} IS NOT NULL");
                sql.push_str(&format!(
                    " WHERE {} NOT IN ({used})",
                    identifier(referenced)
                ));
                names.extend([column.clone(), name.to_owned()]);
            }
            sql.push_str(" LIMIT 1");
            let about = format!("a parent for {name}");
            if let Some(row) =
                self.one_row(&about, Meaning::new(Operation::Select, names).pass(sql))?
            {
                for (column, referenced) in key.columns.iter().zip(&key.referenced_columns) {
                    if let Some(value) = row::value_of(&row, referenced) {
                        found.entry(column.clone()).or_insert(value);
                    }
                }
            }
        }
        Ok(found)
    }

    /// A row of the table, if there is one.
    fn model(&mut self, name: &str) -> Result<Option<crate::snapshot::Row>, RehearseError> {
        let sql = format!("SELECT * FROM {} LIMIT 1", identifier(name));
        let sql = Meaning::new(Operation::Select, [name]).pass(sql);
        self.one_row(&format!("a row of {name}"), sql)
    }

    fn one_row(
        &mut self,
        about: &str,
        sql: Result<String, Blocked>,
    ) -> Result<Option<crate::snapshot::Row>, RehearseError> {
        let Ok(sql) = sql else { return Ok(None) };
        match self.client.writer().ask(about, &sql) {
            Ok(answer) => Ok(answer.into_iter().next()),
            Err(error) if error.is_lost() => Err(self.stage.explain(error.into())),
            Err(_) => Ok(None),
        }
    }

    /// The columns of the primary key of the row that was inserted last, with their values; `None` without a primary
    /// key.
    fn new_row_of(
        &mut self,
        table: &Table,
        row: &Literals,
    ) -> Result<Option<Literals>, RehearseError> {
        let mut found = Literals::new();
        for column in table.primary_key_columns() {
            let is_counted = table
                .columns
                .get(&column)
                .is_some_and(|it| it.auto_increment);
            let value = match row.get(&column) {
                _ if is_counted => {
                    let sql = "SELECT LAST_INSERT_ID() AS id".to_owned();
                    let row = self.one_row("the number of the new row", Ok(sql))?;
                    row.and_then(|row| row::value_of(&row, "id"))
                }
                value => value.cloned(),
            };
            let Some(value) = value else { return Ok(None) };
            found.insert(column, value);
        }
        Ok((!found.is_empty()).then_some(found))
    }

    fn insert(&self, name: &str, row: &Literals) -> Result<String, Blocked> {
        let names = row.keys().map(String::as_str).chain([name]);
        Meaning::new(Operation::Insert, names).pass(row::insert(name, row))
    }

    fn update(
        &self,
        name: &str,
        changes: &Literals,
        which: Option<&Literals>,
    ) -> Result<String, Blocked> {
        let (condition, names) = condition(which);
        let sets: Vec<String> = changes
            .iter()
            .map(|(column, value)| format!("{} = {value}", identifier(column)))
            .collect();
        let sql = format!(
            "UPDATE {} SET {}{condition} LIMIT 1",
            identifier(name),
            sets.join(", ")
        );
        let names = names
            .into_iter()
            .chain(changes.keys().cloned())
            .chain([name.to_owned()]);
        Meaning::new(Operation::Update, names).pass(sql)
    }

    fn delete(&self, name: &str, which: Option<&Literals>) -> Result<String, Blocked> {
        let (condition, names) = condition(which);
        let sql = format!("DELETE FROM {}{condition} LIMIT 1", identifier(name));
        let names = names.into_iter().chain([name.to_owned()]);
        Meaning::new(Operation::Delete, names).pass(sql)
    }

    /// The names of a table's triggers for an event.
    fn of(&self, table: &str, event: TriggerEvent) -> Vec<String> {
        let all = self.schema.triggers.iter();
        all.filter(|(_, trigger)| trigger.event == event && trigger.table == table)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Runs the statements one after the other until one says something of more than its values.
    fn attempts(
        &mut self,
        statements: Vec<Result<String, Blocked>>,
    ) -> Result<Tried, RehearseError> {
        let mut last = None;
        for statement in statements {
            let begun = Instant::now();
            let error = match statement {
                Err(blocked) => ServerError::from(blocked),
                Ok(sql) => match self
                    .client
                    .run("a statement that fires triggers", sql.as_bytes())
                {
                    Ok(()) => return Ok(Tried::Worked),
                    Err(error) => error,
                },
            };
            if error.is_lost() {
                let is_late = begun.elapsed() >= self.stage.limit();
                return self.lost(error, is_late);
            }
            let is_of_values = error.code().is_none_or(|code| OF_VALUES.contains(&code));
            last = Some(error);
            if !is_of_values {
                break;
            }
        }
        Ok(last.map_or(Tried::Worked, Tried::Failed))
    }

    /// The connection is lost: because the server is gone, or because the statement took too long.
    fn lost(&mut self, error: ServerError, is_late: bool) -> Result<Tried, RehearseError> {
        match self.stage.explain(error.into()) {
            RehearseError::Server(error) => {
                self.client = self.stage.client()?;
                self.begin()?;
                Ok(match is_late {
                    true => Tried::OutOfTime(error),
                    false => Tried::Failed(error),
                })
            }
            gone => Err(gone),
        }
    }

    /// Notes what became of the triggers of a table for an event.
    fn judge(&mut self, table: &str, event: TriggerEvent, tried: Tried) {
        let triggers = self.of(table, event);
        let (error, is_late) = match tried {
            Tried::Worked => {
                self.done.triggers += triggers.len();
                return;
            }
            Tried::Failed(error) => (error, false),
            Tried::OutOfTime(error) => (error, true),
        };
        match error.code() {
            Some(SIGNAL) => self.done.triggers += triggers.len(),
            Some(code) if OF_VALUES.contains(&code) => {
                for trigger in triggers {
                    let why = format!(
                        "trigger {trigger} was not fired: no row was found that {table} takes (error {code}: {})",
                        message(&error)
                    );
                    self.done.not_tried.push(why);
                }
            }
            _ => {
                let verb = match event {
                    TriggerEvent::Insert => "INSERT INTO",
                    TriggerEvent::Update => "UPDATE",
                    TriggerEvent::Delete => "DELETE FROM",
                };
                let statement = format!("{verb} {}", identifier(table));
                let Some(first) = triggers.first() else {
                    return;
                };
                let about = About {
                    kind: Some("trigger"),
                    name: Some(self.culprit(&triggers, &error).unwrap_or(first).to_owned()),
                    table: Some(table.to_owned()),
                };
                let failure =
                    Failure::of_statement(Phase::Triggers, about, statement.as_bytes(), &error);
                self.note(failure, is_late);
            }
        }
    }

    /// The trigger whose body holds the last part of a name that the error quotes.
    fn culprit<'t>(&self, triggers: &'t [String], error: &ServerError) -> Option<&'t str> {
        let text = error.to_string();
        let quoted = text
            .rsplit('\'')
            .nth(1)
            .or_else(|| text.split(' ').find(|it| it.contains('.')))?;
        let name = quoted.rsplit('.').next()?;
        let holds = |trigger: &&String| {
            let body = self.schema.trigger(trigger).map(|it| it.body.as_str());
            body.is_some_and(|body| body.contains(name))
        };
        triggers.iter().find(holds).map(String::as_str)
    }

    /// Runs one statement; returns whether it worked.
    fn attempt(
        &mut self,
        phase: Phase,
        about: About,
        sql: Result<String, Blocked>,
    ) -> Result<bool, RehearseError> {
        self.stage.go_on()?;
        let text = sql.clone().unwrap_or_default();
        let tried = self.attempts(vec![sql])?;
        let (error, is_late) = match tried {
            Tried::Worked => return Ok(true),
            Tried::Failed(error) => (error, false),
            Tried::OutOfTime(error) => (error, true),
        };
        match error.code() {
            Some(SIGNAL) => return Ok(true),
            // A function need not take no value.
            Some(code) if OF_VALUES.contains(&code) || code == 1048 => return Ok(true),
            _ => {}
        }
        let failure = Failure::of_statement(phase, about, text.as_bytes(), &error);
        self.note(failure, is_late);
        Ok(false)
    }

    fn note(&mut self, failure: Failure, is_late: bool) {
        self.done.failures.push(match is_late {
            true => failure.out_of_time(self.stage.limit()),
            false => failure,
        });
    }

    fn begin(&mut self) -> Result<(), RehearseError> {
        // A row that is rolled back needs no parent.
        for sql in ["SET SESSION foreign_key_checks = 0", "START TRANSACTION"] {
            let begun = self.client.writer().run("a transaction", sql);
            begun.map_err(|error| self.stage.explain(error.into()))?;
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), RehearseError> {
        let ended = self
            .client
            .writer()
            .run("the end of a transaction", "ROLLBACK");
        ended.map_err(|error| self.stage.explain(error.into()))?;
        Ok(())
    }
}

/// A row without values for the columns that need none.
fn without_nullable(table: &Table, row: Literals) -> Literals {
    let needs = |name: &String| {
        table
            .columns
            .get(name)
            .is_none_or(|it| !it.nullable && it.default.is_none())
    };
    row.into_iter().filter(|(name, _)| needs(name)).collect()
}

/// A WHERE clause for a row, and the names in it.
fn condition(which: Option<&Literals>) -> (String, Vec<String>) {
    let Some(which) = which else {
        return (String::new(), Vec::new());
    };
    let parts: Vec<String> = which
        .iter()
        .map(|(column, value)| format!("{} = {value}", identifier(column)))
        .collect();
    (
        format!(" WHERE {}", parts.join(" AND ")),
        which.keys().cloned().collect(),
    )
}

/// The number of parameters of a function.
fn parameters(routine: &Routine) -> usize {
    let mut lexer = Lexer::new(&routine.definition, SqlModes::default());
    let (mut depth, mut number, mut is_empty) = (0_u32, 0, true);
    loop {
        match lexer.next_lexeme().token {
            Token::End | Token::Unterminated(_) => return number,
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') if depth == 1 => return number + usize::from(!is_empty),
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            Token::Symbol(',') if depth == 1 => number += 1,
            _ => is_empty &= depth == 0,
        }
    }
}

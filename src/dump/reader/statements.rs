//! What each statement other than the rows of an INSERT does to the facts.

use super::{DumpReader, MAX_PLACES, push};
use crate::dump::header;
use crate::dump::scanner::{Scanner, Statement as Text};
use crate::dump::session;
use crate::schema::apply::ApplyError;
use crate::schema::ddl::{self, AlterAction, Assignment, Statement, VariableScope};
use crate::schema::element::Element;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{ForeignKey, Name, Table, find};
use crate::snapshot::{At, KeyBeforeParent, Place};

/// Longest text in bytes that is read again behind a stray line. The first statement of a dump with the
/// comments before it is far shorter.
const MAX_READ_AGAIN: usize = 64 << 10;

impl DumpReader {
    /// Handles a statement that is not SQL as we know it. Lines that programs print into a dump are set apart,
    /// and what follows them is read as if they were not there; returns whether that was so.
    pub(super) fn unreadable(&mut self, text: Text<'_>, error: &ddl::DdlError) -> bool {
        let at = self.at(text.place);
        let line_end = memchr::memchr(b'\n', text.text).unwrap_or(text.text.len());
        let (line, rest) = text.text.split_at(line_end);
        let line = String::from_utf8_lossy(line).trim().to_owned();
        if error.is_no_statement() || header::is_program_message(&line) {
            let room = self.facts.stray_text.len() < MAX_PLACES;
            push(&mut self.facts.stray_text, (at, line));
            if room && rest.len() <= MAX_READ_AGAIN && !rest.trim_ascii().is_empty() {
                let place = Place {
                    offset: text.place.offset + line_end as u64,
                    line: text.place.line,
                };
                let mut scanner = Scanner::resume(place, text.delimiter);
                scanner.feed(rest, self);
                scanner.feed(text.delimiter, self);
                scanner.finish(self);
            }
            return true;
        }
        let other_quotes = SqlModes {
            ansi_quotes: !self.session.modes().ansi_quotes,
            ..self.session.modes()
        };
        let sql = String::from_utf8_lossy(text.text);
        if let Ok(statement) = ddl::parse(&sql, other_quotes) {
            let found = (at.clone(), first_words(&sql));
            push(&mut self.facts.quoted_wrongly, found);
            self.quotes = Some(other_quotes);
            self.run(statement, at);
            self.quotes = None;
        } else if let Some(name) = self.table_without_columns(&sql) {
            let table = name.name.clone();
            self.facts.tables_created += 1;
            let tables = &mut self.database(&name).schema.tables;
            tables.insert(table.clone(), Table::default());
            push(&mut self.facts.without_columns, (at, table));
        } else {
            push(&mut self.facts.unreadable, (at, error.to_string()));
        }
        false
    }

    /// The name in a CREATE TABLE that stops after it, as phpMyAdmin writes in ANSI mode.
    fn table_without_columns(&self, sql: &str) -> Option<Name> {
        let completed = format!("{sql} (x int)");
        [false, true].into_iter().find_map(|ansi_quotes| {
            let modes = SqlModes {
                ansi_quotes,
                ..self.session.modes()
            };
            match ddl::parse(&completed, modes) {
                Ok(Statement::CreateTable(create)) => Some(create.name),
                _ => None,
            }
        })
    }

    pub(super) fn run(&mut self, mut statement: Statement, at: At) {
        match &mut statement {
            Statement::Set(assignments) => {
                for assignment in assignments {
                    self.assign(assignment, &at);
                }
                return;
            }
            Statement::Use(database) => {
                self.current = Some(database.clone());
                return self.note_database_statement(at, format!("USE {database}"));
            }
            Statement::CreateDatabase(name) => {
                return self.note_database_statement(at, format!("CREATE DATABASE {name}"));
            }
            Statement::DropDatabase(name) => {
                self.databases.shift_remove(&Some(name.clone()));
                return self.note_database_statement(at, format!("DROP DATABASE {name}"));
            }
            Statement::LockTables(names) => {
                self.facts.locked = names.iter().map(|name| name.name.clone()).collect();
                for name in names {
                    self.uses_table(name, &at);
                }
                return;
            }
            Statement::UnlockTables => return self.facts.locked.clear(),
            Statement::StartTransaction => {
                self.facts.open_transaction = true;
                return;
            }
            Statement::EndTransaction => {
                self.facts.open_transaction = false;
                return;
            }
            Statement::Insert(head) => {
                // INSERT … SET: one row. (INSERT … SELECT puts in what cannot be known.)
                let table = head.table.name.clone();
                self.uses_table(&head.table, &at);
                let database = self.database(&head.table);
                *database.row_counts.entry(table).or_default() += 1;
                self.facts.rows += 1;
                return;
            }
            Statement::Empty | Statement::Other(_) | Statement::TruncateTable(_) => return,
            Statement::DropTable(drop) => {
                for name in &drop.names {
                    self.database(name).row_counts.insert(name.name.clone(), 0);
                }
            }
            Statement::CreateTable(create) => {
                self.facts.tables_created += 1;
                let announced = self.stand_in_announced.take();
                create.in_version_comment |= announced.is_some_and(|view| view == create.name.name);
                for charset in [&create.table.collation, &create.table.charset] {
                    self.note_collation(charset.as_deref(), &at);
                }
                for column in create.table.columns.values() {
                    self.note_collation(column.collation.as_deref(), &at);
                }
                for key in create.table.foreign_keys.values() {
                    self.check_parent(&create.name, key, &at);
                }
            }
            Statement::AlterTable(alter) => {
                self.uses_table(&alter.name, &at);
                let is_switch = |action: &AlterAction| *action == AlterAction::SwitchKeys;
                if alter.actions.iter().all(is_switch) {
                    return;
                }
                for action in &alter.actions {
                    if let AlterAction::Add { element, .. } = action
                        && let Element::ForeignKey { foreign_key, .. } = element
                    {
                        self.check_parent(&alter.name, foreign_key, &at);
                    }
                }
            }
            Statement::CreateTrigger(create) => {
                let table = Name {
                    database: create.name.database.clone(),
                    name: create.object.table.clone(),
                };
                self.uses_table(&table, &at);
            }
            _ => {}
        }
        self.apply(statement, at);
    }

    fn apply(&mut self, mut statement: Statement, at: At) {
        let sql_mode = match self.quotes {
            Some(modes) => modes.ansi_quotes.then_some("ANSI_QUOTES"),
            None => self.session.sql_mode(),
        };
        let sql_mode = sql_mode.map(str::to_owned);
        match &mut statement {
            Statement::CreateTrigger(create) => create.object.sql_mode = sql_mode,
            Statement::CreateView(create) => create.object.sql_mode = sql_mode,
            Statement::CreateRoutine(_, create) => create.object.sql_mode = sql_mode,
            Statement::CreateEvent(create) => create.object.sql_mode = sql_mode,
            _ => {}
        }
        let key = match &statement {
            Statement::CreateTable(create) => self.database_named(&create.name),
            Statement::AlterTable(alter) => self.database_named(&alter.name),
            Statement::CreateView(create) => self.database_named(&create.name),
            Statement::CreateTrigger(create) => self.database_named(&create.name),
            Statement::CreateRoutine(_, create) => self.database_named(&create.name),
            Statement::CreateEvent(create) => self.database_named(&create.name),
            _ => self.current.clone(),
        };
        let database = self.databases.entry(key).or_default();
        if let Err(error) = database.schema.apply(statement)
            && !matches!(error, ApplyError::Missing { kind: "table", .. })
        {
            push(&mut self.facts.conflicts, (at, error.to_string()));
        }
    }

    pub(super) fn uses_table(&mut self, name: &Name, at: &At) {
        let at = at.clone();
        let database = self.database(name);
        if !database.schema.has_relation(&name.name) {
            database.used.entry(name.name.clone()).or_insert(at);
        }
    }

    fn check_parent(&mut self, child: &Name, key: &ForeignKey, at: &At) {
        if !self.session.foreign_key_checks()
            || key.referenced_database.is_some()
            || key.referenced_table.eq_ignore_ascii_case(&child.name)
        {
            return;
        }
        if find(&self.database(child).schema.tables, &key.referenced_table).is_none() {
            let found = KeyBeforeParent {
                table: child.name.clone(),
                parent: key.referenced_table.clone(),
                at: at.clone(),
            };
            self.facts.keys_before_parent.push(found);
        }
    }

    fn assign(&mut self, assignment: &Assignment, at: &At) {
        self.session.assign(assignment);
        let value = session::unquote(&assignment.value);
        match (assignment.scope, assignment.name.as_str()) {
            (VariableScope::Global, "gtid_purged") => {
                self.facts.gtid_purged.get_or_insert_with(|| at.clone());
            }
            (VariableScope::User, _) => {}
            (_, "names") => {
                let charset = value.split_whitespace().next().unwrap_or_default();
                self.client_charset = Some(charset.to_ascii_lowercase());
            }
            (_, "sql_mode") if !value.starts_with('@') => {
                for flag in session::flags(value) {
                    self.facts
                        .sql_modes
                        .entry(flag.to_ascii_uppercase())
                        .or_insert_with(|| at.clone());
                }
            }
            (_, "collation_connection" | "collation_database") if !value.starts_with('@') => {
                self.note_collation(Some(value), at);
            }
            _ => {}
        }
    }

    fn note_collation(&mut self, name: Option<&str>, at: &At) {
        if let Some(name) = name
            && !self.facts.collations.contains_key(name)
        {
            self.facts.collations.insert(name.to_owned(), at.clone());
        }
    }

    fn note_database_statement(&mut self, at: At, statement: String) {
        let known = &mut self.facts.database_statements;
        if !known.iter().any(|(_, s)| *s == statement) {
            push(known, (at, statement));
        }
    }
}

/// A statement's first words, for a message: verb, kind and name.
fn first_words(sql: &str) -> String {
    let marks = ["*/", "DEFINER="];
    let is_mark = |word: &str| word.starts_with("/*") || marks.iter().any(|it| word.contains(it));
    let words = sql.split_whitespace().filter(|word| !is_mark(word));
    words.take(6).collect::<Vec<_>>().join(" ")
}

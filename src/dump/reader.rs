//! Statements in, facts out: runs the statements of a dump on the model as a server would
//! and writes down what else they tell.

use indexmap::IndexMap;

use crate::dump::container;
use crate::dump::header::{self, Remark};
use crate::dump::scanner::{Ending, Place, Scanner, Sink, Statement as Text, Wanted};
use crate::dump::session::{self, Session};
use crate::dump::values::parse_row;
use crate::schema::apply::ApplyError;
use crate::schema::ddl::{self, AlterAction, Assignment, Statement, VariableScope};
use crate::schema::element::Element;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{ForeignKey, Name, Schema, Table, TriggerEvent, find};
use crate::server_version::ServerVersion;
use crate::snapshot::{
    At, DumpFacts, FileEnding, KeyBeforeParent, Part, Producer, Row, Snapshot, Source,
};

/// Rows to keep: those of `table` whose text contains `containing`.
#[derive(Clone, Copy, Debug)]
pub struct RowsWanted {
    /// The table.
    pub table: &'static str,
    /// Bytes that the row must contain; empty for every row.
    pub containing: &'static [u8],
}

/// Most bytes kept of the rows of one table, so that a hostile dump cannot fill the memory.
const MAX_KEPT_BYTES: usize = 2 << 20;

/// What a kept value costs besides its bytes, roughly.
const VALUE_COST: usize = 100;

/// Most places remembered of one kind of trouble; more would not make a report better.
const MAX_PLACES: usize = 100;

/// Reads the files of one dump.
#[derive(Clone)]
pub struct DumpReader {
    wanted: &'static [RowsWanted],
    file: String,
    source: Source,
    facts: DumpFacts,
    databases: IndexMap<Option<String>, Database>,
    current: Option<String>,
    /// Database that a header names, for dumps that never say USE.
    header_database: Option<String>,
    session: Session,
    /// What SET NAMES said last.
    client_charset: Option<String>,
    insert: Insert,
    /// A view whose stand-in table comes next, as phpMyAdmin's comments say.
    stand_in_announced: Option<String>,
}

/// What the dump says of one database.
#[derive(Clone, Debug, Default)]
struct Database {
    schema: Schema,
    row_counts: IndexMap<String, u64>,
    rows: IndexMap<String, Vec<Row>>,
    /// What the rows kept cost, by table, in bytes.
    kept_bytes: IndexMap<&'static str, usize>,
    used: IndexMap<String, At>,
}

/// The INSERT being read, kept from one to the next because they mostly repeat.
#[derive(Clone, Default)]
struct Insert {
    head: Vec<u8>,
    database: Option<String>,
    table: String,
    /// Index of the table in its database's `row_counts`.
    slot: usize,
    columns: Option<Vec<String>>,
    at: At,
    rows: Wanted,
    wanted: Option<RowsWanted>,
    /// The values of its first row have been counted.
    counted: bool,
}

/// Why a source holds no single database to report on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// The database asked for is not there.
    #[error("there is no database '{wanted}' in it; it holds: {}", .found.join(", "))]
    NotThere {
        /// Asked for.
        wanted: String,
        /// What is there.
        found: Vec<String>,
    },
    /// Several databases hold CiviCRM tables.
    #[error("it holds several CiviCRM databases: {}; choose one with --database", .0.join(", "))]
    Several(Vec<String>),
}

impl DumpReader {
    /// A reader that keeps the rows `wanted`.
    pub fn new(wanted: &'static [RowsWanted]) -> Self {
        Self {
            wanted,
            file: String::new(),
            source: Source::default(),
            facts: DumpFacts::default(),
            databases: IndexMap::new(),
            current: None,
            header_database: None,
            session: Session::default(),
            client_charset: None,
            insert: Insert::default(),
            stand_in_announced: None,
        }
    }

    /// Begins another file of the same dump, as folders have them. Each is loaded by a
    /// session of its own, into `database` where the file's name says so.
    pub fn begin_file(&mut self, name: &str, database: Option<&str>) {
        name.clone_into(&mut self.file);
        self.session = Session::default();
        self.insert = Insert::default();
        if database.is_some() {
            self.current = database.map(str::to_owned);
        }
    }

    /// Says who wrote the dump, where that does not stand in its text.
    pub fn set_producer(&mut self, producer: Producer, version: Option<String>) {
        self.source.producer = producer;
        self.source.producer_version = version;
    }

    /// Begins a part that a folder's own marks show to have `ended` or not.
    pub fn begin_part(&mut self, ended: bool) {
        let begins = self.at(Place::default());
        self.facts.parts.push(Part {
            producer: self.source.producer,
            begins,
            ended,
        });
    }

    /// Names a file or mark that shows that the dump was not finished.
    pub fn unfinished(&mut self, what: String) {
        self.facts.unfinished.push(what);
    }

    /// Takes the end of one file.
    pub fn end_file(&mut self, text: Ending, damage: Option<container::Damage>) {
        if let Some(interrupted) = &text.interrupted {
            let head = String::from_utf8_lossy(&interrupted.head);
            let line = head.lines().next().unwrap_or_default();
            if header::is_program_message(line) {
                let at = self.at(interrupted.place);
                push(&mut self.facts.stray_text, (at, line.to_owned()));
            }
        }
        self.facts.ends_by_variables |= self.session.marks_end();
        for name in self.session.unrestored() {
            self.facts.unrestored.push(name.to_owned());
        }
        self.facts.files.push(FileEnding {
            file: self.file.clone(),
            text,
            damage,
        });
    }

    /// Puts the facts together for the database `wanted`, or else for the one that holds
    /// tables whose name begins with `marker`.
    ///
    /// # Errors
    /// `wanted` is not in the dump, or several databases hold such tables.
    pub fn finish(mut self, wanted: Option<&str>, marker: &str) -> Result<Snapshot, ChooseError> {
        let shown = |name: &Option<String>, header: &Option<String>| {
            name.clone().or_else(|| header.clone())
        };
        let names: Vec<Option<String>> = self.databases.keys().cloned().collect();
        let shown_names: Vec<String> = names
            .iter()
            .filter_map(|name| shown(name, &self.header_database))
            .collect();
        let chosen = match wanted {
            Some(wanted) => names
                .iter()
                .find(|name| shown(name, &self.header_database).as_deref() == Some(wanted))
                .cloned()
                .ok_or_else(|| ChooseError::NotThere {
                    wanted: wanted.to_owned(),
                    found: shown_names.clone(),
                })?,
            None => {
                let marked: Vec<&Option<String>> = self
                    .databases
                    .iter()
                    .filter(|(_, database)| database.has_tables(marker))
                    .map(|(name, _)| name)
                    .collect();
                match marked[..] {
                    [] => names.first().cloned().flatten(),
                    [one] => one.clone(),
                    _ => {
                        return Err(ChooseError::Several(
                            marked
                                .iter()
                                .filter_map(|name| shown(name, &self.header_database))
                                .collect(),
                        ));
                    }
                }
            }
        };
        let database = self.databases.swap_remove(&chosen).unwrap_or_default();
        self.facts.never_created = database
            .used
            .into_iter()
            .filter(|(name, _)| !database.schema.has_relation(name))
            .filter(|(name, _)| find(&database.schema.stand_ins, name).is_none())
            .collect();
        self.source.databases = shown_names;
        Ok(Snapshot {
            source: self.source,
            database: shown(&chosen, &self.header_database),
            schema: database.schema,
            row_counts: database
                .row_counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
            rows: database.rows,
            dump: Some(self.facts),
        })
    }

    /// For dumps without comments; a comment that names the program takes precedence.
    fn guess_producer(&mut self, producer: Producer) {
        if self.source.producer == Producer::Unknown {
            self.source.producer = producer;
        }
    }

    fn at(&self, place: Place) -> At {
        At {
            file: self.file.clone(),
            place,
        }
    }

    fn database_of(&self, name: &Name) -> Option<String> {
        name.database.clone().or_else(|| self.current.clone())
    }

    fn database(&mut self, name: &Name) -> &mut Database {
        let key = self.database_of(name);
        self.databases.entry(key).or_default()
    }

    /// A statement that is no SQL we know. Lines that programs print into a dump are set
    /// apart, and what follows them is read as if they were not there.
    fn unreadable(&mut self, text: Text<'_>, error: &ddl::DdlError) {
        let at = self.at(text.place);
        let line_end = memchr::memchr(b'\n', text.text).unwrap_or(text.text.len());
        let (line, rest) = text.text.split_at(line_end);
        let line = String::from_utf8_lossy(line).trim().to_owned();
        if error.is_no_statement() || header::is_program_message(&line) {
            let room = self.facts.stray_text.len() < MAX_PLACES;
            push(&mut self.facts.stray_text, (at, line));
            if room && !rest.trim_ascii().is_empty() {
                let mut scanner = Scanner::resume(
                    Place {
                        offset: text.place.offset + line_end as u64,
                        line: text.place.line,
                    },
                    text.delimiter,
                );
                scanner.feed(rest, self);
                scanner.feed(text.delimiter, self);
                scanner.finish(self);
            }
            return;
        }
        let other_quotes = SqlModes {
            ansi_quotes: !self.session.modes().ansi_quotes,
            ..self.session.modes()
        };
        let sql = String::from_utf8_lossy(text.text);
        if let Ok(statement) = ddl::parse(&sql, other_quotes) {
            push(
                &mut self.facts.quoted_wrongly,
                (at.clone(), first_words(&sql)),
            );
            self.run(statement, at);
        } else if let Some(name) = self.table_without_columns(&sql) {
            let table = name.name.clone();
            self.facts.tables_created += 1;
            self.database(&name)
                .schema
                .tables
                .insert(table.clone(), Table::default());
            push(&mut self.facts.without_columns, (at, table));
        } else {
            push(&mut self.facts.unreadable, (at, error.to_string()));
        }
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

    fn run(&mut self, mut statement: Statement, at: At) {
        match &mut statement {
            Statement::Set(assignments) => {
                for assignment in assignments {
                    self.assign(assignment, &at);
                }
                return;
            }
            Statement::Use { database } => {
                self.current = Some(database.clone());
                self.databases.entry(self.current.clone()).or_default();
                self.note_database_statement(at, format!("USE {database}"));
                return;
            }
            Statement::CreateDatabase { name, .. } => {
                self.note_database_statement(at, format!("CREATE DATABASE {name}"));
                return;
            }
            Statement::DropDatabase { name, .. } => {
                self.databases.shift_remove(&Some(name.clone()));
                self.note_database_statement(at, format!("DROP DATABASE {name}"));
                return;
            }
            Statement::LockTables(names) => {
                self.facts.locked = names.iter().map(|name| name.name.clone()).collect();
                for name in names {
                    self.uses_table(name, &at);
                }
                return;
            }
            Statement::UnlockTables => {
                self.facts.locked.clear();
                return;
            }
            Statement::StartTransaction => {
                self.facts.open_transaction = true;
                return;
            }
            Statement::Commit | Statement::Rollback => {
                self.facts.open_transaction = false;
                return;
            }
            Statement::Insert(head) | Statement::Replace(head) => {
                // INSERT … SET: one row. (INSERT … SELECT puts in what cannot be known.)
                let table = head.table.name.clone();
                self.uses_table(&head.table, &at);
                *self
                    .database(&head.table.clone())
                    .row_counts
                    .entry(table)
                    .or_default() += 1;
                self.facts.rows += 1;
                return;
            }
            Statement::Empty | Statement::Other { .. } => return,
            Statement::TruncateTable(_) | Statement::Delete(_) => return,
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
                let mut changes = false;
                for action in &alter.actions {
                    match action {
                        AlterAction::DisableKeys | AlterAction::EnableKeys => {}
                        AlterAction::Add {
                            element: Element::ForeignKey { foreign_key, .. },
                            ..
                        } => {
                            changes = true;
                            self.check_parent(&alter.name, foreign_key, &at);
                        }
                        _ => changes = true,
                    }
                }
                if !changes {
                    return;
                }
            }
            Statement::CreateTrigger(create) => {
                let table = Name {
                    database: create.name.database.clone(),
                    name: create.trigger.table.clone(),
                };
                self.uses_table(&table, &at);
            }
            _ => {}
        }
        self.apply(statement, at);
    }

    fn apply(&mut self, mut statement: Statement, at: At) {
        let sql_mode = self.session.sql_mode().map(str::to_owned);
        match &mut statement {
            Statement::CreateTrigger(create) => create.trigger.sql_mode = sql_mode,
            Statement::CreateView(create) => create.view.sql_mode = sql_mode,
            Statement::CreateRoutine(create) => create.routine.sql_mode = sql_mode,
            Statement::CreateEvent(create) => create.event.sql_mode = sql_mode,
            _ => {}
        }
        let key = match &statement {
            Statement::CreateTable(create) => self.database_of(&create.name),
            Statement::AlterTable(alter) => self.database_of(&alter.name),
            Statement::CreateView(create) => self.database_of(&create.name),
            Statement::CreateTrigger(create) => self.database_of(&create.name),
            Statement::CreateRoutine(create) => self.database_of(&create.name),
            Statement::CreateEvent(create) => self.database_of(&create.name),
            _ => self.current.clone(),
        };
        let database = self.databases.entry(key).or_default();
        if let Err(error) = database.schema.apply(statement)
            && !matches!(error, ApplyError::Missing { kind: "table", .. })
        {
            push(&mut self.facts.conflicts, (at, error.to_string()));
        }
    }

    fn uses_table(&mut self, name: &Name, at: &At) {
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

    /// Rows come in the charset of SET NAMES; what it cannot hold the dump program has
    /// already replaced by question marks.
    fn note_charsets(&mut self, table_charset: Option<String>, at: &At) {
        let known = &mut self.facts.rows_in_charset;
        let pair = (self.client_charset.clone(), table_charset);
        if !known.contains_key(&pair) && known.len() < MAX_PLACES {
            known.insert(pair, at.clone());
        }
    }

    fn note_database_statement(&mut self, at: At, statement: String) {
        let known = &mut self.facts.database_statements;
        if !known.iter().any(|(_, s)| *s == statement) {
            push(known, (at, statement));
        }
    }
}

impl Database {
    fn has_tables(&self, prefix: &str) -> bool {
        self.schema
            .tables
            .keys()
            .chain(self.row_counts.keys())
            .any(|name| name.starts_with(prefix))
    }
}

impl Sink for DumpReader {
    fn statement(&mut self, text: Text<'_>) {
        // phpMyAdmin is the only one to begin so, with double quotes.
        if self.facts.statements == 0 && text.text == b"SET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\"" {
            self.guess_producer(Producer::PhpMyAdmin);
        }
        self.facts.statements += 1;
        // It may change the database or the table that the next INSERT goes into.
        self.insert.head.clear();
        let at = self.at(text.place);
        if text.cut_short {
            let message = format!(
                "a statement of more than {} MiB is not looked into",
                crate::dump::scanner::MAX_TEXT >> 20
            );
            push(&mut self.facts.unreadable, (at, message));
            return;
        }
        let sql = String::from_utf8_lossy(text.text);
        match ddl::parse(&sql, self.session.modes()) {
            Ok(statement) => self.run(statement, at),
            Err(error) => self.unreadable(text, &error),
        }
    }

    fn rows_begin(&mut self, head: Text<'_>) -> Wanted {
        self.facts.statements += 1;
        if head.text == self.insert.head {
            return self.insert.rows;
        }
        let at = self.at(head.place);
        let sql = String::from_utf8_lossy(head.text);
        let (Statement::Insert(parsed) | Statement::Replace(parsed)) =
            (match ddl::parse(&sql, self.session.modes()) {
                Ok(statement) => statement,
                Err(error) => {
                    push(&mut self.facts.unreadable, (at.clone(), error.to_string()));
                    Statement::Empty
                }
            })
        else {
            self.insert = Insert::default();
            return Wanted::None;
        };
        self.uses_table(&parsed.table, &at);
        let wanted = self
            .wanted
            .iter()
            .find(|wanted| wanted.table.eq_ignore_ascii_case(&parsed.table.name))
            .copied();
        let key = self.database_of(&parsed.table);
        let database = self.databases.entry(key.clone()).or_default();
        let columns = parsed.columns.or_else(|| {
            let table = find(&database.schema.tables, &parsed.table.name)?;
            Some(table.columns.keys().cloned().collect())
        });
        let fires = database.schema.triggers.iter().find(|(_, trigger)| {
            trigger.event == TriggerEvent::Insert
                && trigger.table.eq_ignore_ascii_case(&parsed.table.name)
        });
        if let Some((trigger, _)) = fires {
            let found = (at.clone(), trigger.clone(), parsed.table.name.clone());
            push(&mut self.facts.triggers_before_rows, found);
        }
        let table = find(&database.schema.tables, &parsed.table.name);
        let charset = table.and_then(|table| table.charset.clone());
        let slot = database.row_counts.entry(parsed.table.name.clone()).index();
        database
            .row_counts
            .entry(parsed.table.name.clone())
            .or_default();
        self.note_charsets(charset, &at);
        self.insert = Insert {
            head: head.text.to_vec(),
            at,
            database: key,
            table: parsed.table.name,
            slot,
            rows: match (&columns, wanted) {
                (None, _) => Wanted::None,
                (Some(_), None) => Wanted::First,
                (Some(_), Some(_)) => Wanted::All,
            },
            wanted,
            columns,
            counted: false,
        };
        self.insert.rows
    }

    fn row(&mut self, values: Text<'_>) {
        let Some(columns) = &self.insert.columns else {
            return;
        };
        // The first row of an INSERT speaks for all: programs write them alike.
        if !self.insert.counted && !values.cut_short {
            self.insert.counted = true;
            if let Some(row) = parse_row(values.text, self.session.modes())
                && row.len() != columns.len()
            {
                let found = (
                    self.insert.at.clone(),
                    self.insert.table.clone(),
                    columns.len(),
                    row.len(),
                );
                push(&mut self.facts.wrong_column_counts, found);
            }
        }
        let Some(wanted) = self.insert.wanted else {
            return;
        };
        if memchr::memmem::find(values.text, wanted.containing).is_none() {
            return;
        }
        let Some(row) = parse_row(values.text, self.session.modes()) else {
            return;
        };
        let database = self
            .databases
            .entry(self.insert.database.clone())
            .or_default();
        let cost = values.text.len() + row.len() * VALUE_COST;
        let kept = database.kept_bytes.entry(wanted.table).or_default();
        if row.len() == columns.len() && *kept + cost <= MAX_KEPT_BYTES {
            *kept += cost;
            let rows = database.rows.entry(wanted.table.to_owned()).or_default();
            rows.push(columns.iter().cloned().zip(row).collect());
        }
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.facts.rows += count;
        if let Some(database) = self.databases.get_mut(&self.insert.database)
            && let Some((_, rows)) = database.row_counts.get_index_mut(self.insert.slot)
        {
            *rows += count;
        }
        if let Some(tail) = broken {
            let at = self.at(place);
            let tail = String::from_utf8_lossy(tail);
            let line = tail.lines().next().unwrap_or_default();
            if header::is_program_message(line) {
                push(&mut self.facts.stray_text, (at, line.to_owned()));
            } else {
                push(
                    &mut self.facts.broken_inserts,
                    (at, self.insert.table.clone()),
                );
            }
        }
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        if text.starts_with(b"/*M!999999") {
            let at = self.at(place);
            self.facts.sandbox_mark.get_or_insert(at);
            // Only MariaDB's program writes it, even where it writes no other comment.
            self.guess_producer(Producer::MariadbDump);
            return;
        }
        match header::remark(text, ended) {
            Some(Remark::Begins {
                producer,
                version,
                server,
            }) => {
                if self.facts.parts.is_empty() {
                    self.source.producer = producer;
                    self.source.producer_version = version;
                    self.source.server_version = server.and_then(|s| ServerVersion::parse(&s));
                }
                let begins = self.at(place);
                self.facts.parts.push(Part {
                    producer,
                    begins,
                    // phpMyAdmin writes no last line; what its statements leave open tells.
                    ended: producer == Producer::PhpMyAdmin,
                });
            }
            Some(Remark::ProducerVersion(version))
                if self.source.producer == Producer::PhpMyAdmin =>
            {
                self.source.producer_version.get_or_insert(version);
            }
            Some(Remark::Server(version)) if self.source.server_version.is_none() => {
                self.source.server_version = ServerVersion::parse(&version);
            }
            Some(Remark::Database(name)) => {
                self.header_database.get_or_insert(name);
            }
            Some(Remark::StandIn(view)) => {
                self.stand_in_announced = Some(view);
            }
            Some(Remark::Ends(producer)) => {
                if let Some(part) = self.facts.parts.last_mut() {
                    let adminer = part.producer == Producer::Adminer;
                    part.ended |= adminer == (producer == Producer::Adminer);
                }
            }
            Some(Remark::Problem(text)) => {
                let at = self.at(place);
                push(&mut self.facts.stray_text, (at, text));
            }
            Some(Remark::ProducerVersion(_) | Remark::Server(_)) | None => {}
        }
    }

    /// The first or last line of a dump inside a statement: the statement was cut, and
    /// another dump follows it.
    fn comment_inside(&mut self, text: &[u8], place: Place) {
        if let Some(Remark::Begins { .. } | Remark::Ends(_)) = header::remark(text, true) {
            let at = self.at(place);
            let line = String::from_utf8_lossy(text).into_owned();
            push(&mut self.facts.swallowed_lines, (at, line));
        }
    }

    fn modes(&self) -> SqlModes {
        self.session.modes()
    }
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < MAX_PLACES {
        list.push(item);
    }
}

/// A statement's first words, for a message: verb, kind and name.
fn first_words(sql: &str) -> String {
    let words: Vec<&str> = sql
        .split_whitespace()
        .filter(|word| {
            !word.contains("*/") && !word.starts_with("/*") && !word.contains("DEFINER=")
        })
        .take(6)
        .collect();
    words.join(" ")
}

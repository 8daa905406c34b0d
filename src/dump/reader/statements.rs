//! What each statement other than the rows of an INSERT does to the facts.

use super::{DumpReader, MAX_PLACES, push};
use crate::dump::header;
use crate::dump::scanner::{Scanner, Statement as Text};
use crate::dump::session;
use crate::schema::apply::ApplyError;
use crate::schema::ddl::{
    self, AlterAction, Assignment, CreateTable, Statement, TableSource, VariableScope,
};
use crate::schema::element::Element;
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{DefaultValue, ForeignKey, Name, Table, find, take_at};
use crate::snapshot::{At, KeyBeforeParent, Place, Producer, VariableReach, WithoutCollation};

/// Longest text in bytes that is read again behind a stray line. The first statement of a dump with the
/// comments before it is far shorter.
const MAX_READ_AGAIN: usize = 64 << 10;

/// Most tables and columns that are remembered of those without a collation; more than a site has.
const MAX_WITHOUT_COLLATION: usize = 4096;

/// Variables of which setting the session's value takes a privilege for the whole server, because it reaches beyond the
/// session (MySQL manual, "System Variable Privileges", and the variables that it calls restricted; MariaDB Knowledge
/// Base, "GRANT", "Global Privileges").
pub(crate) const RESTRICTED: [&str; 18] = [
    "binlog_direct_non_transactional_updates",
    "binlog_format",
    "binlog_row_image",
    "binlog_rows_query_log_events",
    "default_table_encryption",
    "gtid_domain_id",
    "gtid_next",
    "gtid_seq_no",
    "immediate_server_version",
    "original_commit_timestamp",
    "original_server_version",
    "pseudo_slave_mode",
    "pseudo_thread_id",
    "server_id",
    "skip_replication",
    "sql_log_bin",
    "sql_log_off",
    "sql_require_primary_key",
];

/// Other variables that some server or other refuses an account with all privileges on one database (1227): all session
/// variables of MySQL 9.7 and MariaDB 10.5, 10.11 and 11.8 were set by one, and the manual of MySQL 8.0 names those of
/// older releases.
const RESTRICTED_BY_SOME: [&str; 29] = [
    "auto_increment_increment",
    "auto_increment_offset",
    "binlog_annotate_row_events",
    "binlog_row_value_options",
    "binlog_transaction_compression",
    "binlog_transaction_compression_level_zstd",
    "bulk_insert_buffer_size",
    "character_set_database",
    "character_set_filesystem",
    "connection_memory_chunk_size",
    "connection_memory_limit",
    "enforce_storage_engine",
    "global_connection_memory_tracking",
    "histogram_generation_max_mem_size",
    "innodb_strict_mode",
    "innodb_tmpdir",
    "internal_tmp_mem_storage_engine",
    "log_disabled_statements",
    "low_priority_updates",
    "max_delayed_threads",
    "max_error_count",
    "max_insert_delayed_threads",
    "min_examined_row_limit",
    "preload_buffer_size",
    "pseudo_replica_mode",
    "select_into_buffer_size",
    "sql_generate_invisible_primary_key",
    "wsrep_on",
    "xa_detach_on_prepare",
];

/// Variables whose session value nobody can set: every server refuses it with 1621 (measured as those above).
pub(crate) const READ_ONLY: [&str; 3] = [
    "max_allowed_packet",
    "max_user_connections",
    "net_buffer_length",
];

/// The most memory, roughly, that the definitions of tables, views and programs of one dump take. A site with all that
/// there is takes a tenth.
const MAX_SCHEMA: usize = 128 << 20;
/// What a column or an index takes in memory besides its text, roughly; an object counts as two of them.
const ELEMENT: usize = 256;

/// Statements about accounts, replication, libraries and files of the server. `mysqldump --flush-privileges` writes
/// FLUSH, `--master-data` CHANGE, `mariadb-dump --system=users` GRANT and CREATE USER.
const ON_THE_SERVER: &[&str] = &[
    "ALTER INSTANCE",
    "ALTER ROLE",
    "ALTER SERVER",
    "ALTER USER",
    "CHANGE",
    "CLONE",
    "CREATE ROLE",
    "CREATE SERVER",
    "CREATE TABLESPACE",
    "CREATE USER",
    "DROP ROLE",
    "DROP SERVER",
    "DROP USER",
    "FLUSH",
    "GRANT",
    "INSTALL",
    "KILL",
    "LOAD",
    "PURGE",
    "RENAME USER",
    "RESET",
    "RESTART",
    "REVOKE",
    "SET DEFAULT ROLE",
    "SET PASSWORD",
    "SHUTDOWN",
    "START",
    "STOP",
    "UNINSTALL",
];

/// How many columns, indexes and keys a table has.
fn elements(table: &Table) -> usize {
    table.columns.len() + table.primary_key.len() + table.indexes.len() + table.foreign_keys.len()
}

/// The bytes of the longer texts of a table.
fn texts(table: &Table) -> usize {
    let columns = table.columns.iter().map(|(name, column)| {
        let default = match &column.default {
            Some(DefaultValue::Literal(text) | DefaultValue::Expression(text)) => text.len(),
            None => 0,
        };
        let others = [&column.generated, &column.comment].into_iter().flatten();
        let others: usize = others.map(String::len).sum();
        name.len() + column.data_type.len() + default + others
    });
    let parts = table
        .indexes
        .values()
        .map(|index| index.parts.len() * ELEMENT / 4);
    columns
        .chain(parts)
        .chain(table.checks.iter().map(String::len))
        .sum()
}

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
            self.stray(at, &line);
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
        if let Ok((statement, charsets)) = ddl::parse_with_charsets(&sql, other_quotes) {
            let found = (at.clone(), first_words(&sql));
            push(&mut self.facts.quoted_wrongly, found);
            self.quotes = Some(other_quotes);
            self.run(statement, charsets, &sql, at);
            self.quotes = None;
        } else if let Some(name) = self.table_without_columns(&sql) {
            let table = name.name.clone();
            self.facts.tables_created += 1;
            let tables = &mut self.database(&name).schema.tables;
            tables.insert(table.clone(), Table::default());
            push(&mut self.facts.without_columns, (at, table));
        } else {
            let why = format!("'{} …': {error}", beginning(&sql));
            push(&mut self.facts.unreadable, (at, why));
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

    /// Notes the name in `CREATE [AGGREGATE] FUNCTION [IF NOT EXISTS] name RETURNS … SONAME …`.
    fn note_loadable(&mut self, sql: &str) {
        let mut lexer = Lexer::new(sql, self.session.modes());
        let mut name = String::new();
        loop {
            match lexer.next_lexeme().token {
                Token::End => return,
                token if token.is("RETURNS") => break,
                Token::Word(word) => word.clone_into(&mut name),
                Token::Quoted(quoted) => name = quoted.into_owned(),
                _ => {}
            }
        }
        if self.facts.loadable_functions.len() < MAX_PLACES {
            self.facts.loadable_functions.insert(name.to_lowercase());
        }
    }

    pub(super) fn run(
        &mut self,
        mut statement: Statement,
        charsets: Vec<String>,
        text: &str,
        at: At,
    ) {
        for name in &charsets {
            self.note_collation(name, &at);
        }
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
                if let Some(index) = self.databases.get_index_of(&Some(name.clone())) {
                    take_at(&mut self.databases, index);
                }
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
                // It releases the locks, too (MySQL manual, "LOCK TABLES and UNLOCK TABLES Statements").
                self.facts.locked.clear();
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
                let key = self.database_named(&head.table);
                let columns = head.columns.iter().flatten().map(String::as_str);
                self.note_generated(&key, &table, columns, &at);
                let database = self.database(&head.table);
                *database.row_counts.entry(table).or_default() += 1;
                self.facts.rows += 1;
                return;
            }
            Statement::Other(keyword) => {
                // It may remove rows.
                let database = self.database_named(&Name::local(""));
                self.databases.of(database).first_keys.forget(None);
                if keyword == "CREATE FUNCTION" {
                    self.note_loadable(text);
                }
                return self.note_server_statement(keyword, at);
            }
            Statement::Empty => return,
            Statement::TruncateTable(name) => {
                return self.database(name).first_keys.forget(Some(&name.name));
            }
            Statement::DropTable(drop) if drop.temporary => return,
            Statement::DropTable(drop) => {
                for name in &drop.names {
                    self.note_unlocked(name, &at);
                    let database = self.database(name);
                    database.row_counts.insert(name.name.clone(), 0);
                    database.first_keys.forget(Some(&name.name));
                }
            }
            Statement::AlterDatabase { name } => {
                if let Some(name) = name
                    .take()
                    .filter(|name| self.current.as_ref() != Some(name))
                {
                    self.note_object(at, format!("ALTER DATABASE {name}"), name);
                }
                return;
            }
            Statement::CreateTable(create) => {
                self.facts.tables_created += 1;
                if !create.temporary {
                    self.note_unlocked(&create.name, &at);
                }
                self.settle(&mut create.name, "table", &at);
                let announced = self.stand_in_announced.take();
                create.in_version_comment |= announced.is_some_and(|view| view == create.name.name);
                self.note_form(create, &at);
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
            Statement::CreateView(create) => self.settle(&mut create.name, "view", &at),
            Statement::CreateRoutine(kind, create) => {
                self.settle(&mut create.name, kind.as_str(), &at);
            }
            Statement::CreateEvent(create) => self.settle(&mut create.name, "event", &at),
            Statement::CreateTrigger(create) => {
                self.settle(&mut create.name, "trigger", &at);
                let table = Name {
                    database: create.name.database.clone(),
                    name: create.object.table.clone(),
                };
                self.uses_table(&table, &at);
            }
            _ => {}
        }
        if self.has_room(self.memory(&statement, text), &at) {
            self.apply(statement, at.clone());
        }
        if let Some(why) = self.databases.left_out() {
            push(&mut self.facts.unreadable, (at, why));
        }
    }

    /// The memory that what a statement defines takes, roughly.
    fn memory(&self, statement: &Statement, text: &str) -> usize {
        let (elements, more) = match statement {
            Statement::CreateTable(create) => match &create.source {
                TableSource::Like(other) => {
                    let database = self.databases.get(&self.database_named(&create.name));
                    let table = database.and_then(|database| database.schema.table(&other.name));
                    table.map_or((0, 0), |table| (elements(table), texts(table)))
                }
                _ => (elements(&create.table), 0),
            },
            Statement::AlterTable(alter) => (alter.actions.len(), 0),
            Statement::CreateTrigger(_)
            | Statement::CreateView(_)
            | Statement::CreateRoutine(..)
            | Statement::CreateEvent(_) => (0, self.session.sql_mode().map_or(0, str::len)),
            _ => (0, 0),
        };
        text.len() + more + ELEMENT * (2 + elements)
    }

    /// Whether there is room for what takes this many bytes; the first statement without is named.
    fn has_room(&mut self, bytes: usize, at: &At) -> bool {
        let before = self.schema_bytes;
        self.schema_bytes = before.saturating_add(bytes);
        if self.schema_bytes <= MAX_SCHEMA {
            return true;
        }
        if before <= MAX_SCHEMA {
            let why = format!(
                "what the dump defines takes more than {} MiB by here: what the rest defines is not kept",
                MAX_SCHEMA >> 20
            );
            push(&mut self.facts.unreadable, (at.clone(), why));
        }
        false
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
        let database = self.databases.of(key);
        // A trigger counts, and runs as its definer, also where its table is not in the dump.
        let trigger = match &statement {
            Statement::CreateTrigger(create)
                if database.schema.table(&create.object.table).is_none() =>
            {
                Some((create.name.name.clone(), create.object.clone()))
            }
            _ => None,
        };
        if let Err(error) = database.schema.apply(statement)
            && !matches!(error, ApplyError::Missing { kind: "table", .. })
        {
            push(&mut self.facts.conflicts, (at, error.to_string()));
        }
        if let Some((name, trigger)) = trigger {
            database.schema.triggers.insert(name, trigger);
        }
    }

    /// Notes that a statement is about a table which is not among those that are locked, while some are: where the UNLOCK
    /// TABLES between the two was lost. What follows is as if it were there.
    pub(super) fn note_unlocked(&mut self, name: &Name, at: &At) {
        let mut locked = self.facts.locked.iter();
        if locked.len() == 0 || locked.any(|locked| locked.eq_ignore_ascii_case(&name.name)) {
            return;
        }
        let why = format!(
            "{} was not locked with LOCK TABLES (error 1100): no UNLOCK TABLES stands before that statement",
            name.name
        );
        self.facts.locked.clear();
        push(&mut self.facts.conflicts, (at.clone(), why));
    }

    pub(super) fn uses_table(&mut self, name: &Name, at: &At) {
        self.note_elsewhere(name, at);
        let at = at.clone();
        let database = self.database(name);
        if database.temporary.contains(&name.name.to_lowercase()) {
            return;
        }
        if !database.schema.has_relation(&name.name) {
            database.used.entry(name.name.clone()).or_insert(at);
        }
    }

    /// Notes a table that a statement looks for in a database which the dump has not chosen and makes no tables in.
    fn note_elsewhere(&mut self, name: &Name, at: &At) {
        let Some(database) = &name.database else {
            return;
        };
        let known = self.databases.get(&name.database);
        if self.current == name.database || known.is_some_and(|it| !it.schema.tables.is_empty()) {
            return;
        }
        let object = format!("table {}", name.name);
        let mut noted = self.facts.objects_with_database.iter();
        if !noted.any(|(_, it, of)| *it == object && of == database) {
            self.note_object(at.clone(), object, database.clone());
        }
    }

    fn check_parent(&mut self, child: &Name, key: &ForeignKey, at: &At) {
        if !self.session.foreign_key_checks()
            || key.referenced_database.is_some()
            || key.referenced_table.eq_ignore_ascii_case(&child.name)
            || self.databases.get(&self.database_named(child)).is_none()
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
        if let Some(name) = self.session.take_never_saved() {
            match self.course.part_began {
                false => push(&mut self.facts.never_saved, name),
                // HeidiSQL's forms have another value for such a variable.
                true if assignment.value.trim_start().starts_with('@') => {
                    let why = format!(
                        "it sets {} to @{}, in which nothing has saved a value (error 1231)",
                        assignment.name,
                        name.to_ascii_uppercase()
                    );
                    push(&mut self.facts.conflicts, (at.clone(), why));
                }
                true => {}
            }
        }
        self.note_privilege(assignment, at);
        let value = session::unquote(&assignment.value);
        match (assignment.scope, assignment.name.as_str()) {
            (VariableScope::Global, "gtid_purged") => {
                self.facts.gtid_purged.get_or_insert_with(|| at.clone());
            }
            (VariableScope::User, _) => {}
            (VariableScope::Session, "foreign_key_checks") => self.key_checks(value),
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
                self.note_collation(value, at);
            }
            _ => {}
        }
    }

    /// Notes what a plain value of `foreign_key_checks` says of the course of a dump: programs that turn the
    /// checks off at its start and on at its end mark its end so. From Navicat that is the only mark.
    fn key_checks(&mut self, value: &str) {
        match value {
            "0" => self.course.keys_off += 1,
            "1" => self.course.keys_on_again = self.course.keys_off == 1,
            _ => return,
        }
        if let Some(part) = self.facts.parts.last_mut()
            && part.producer == Producer::Navicat
        {
            part.ended = value == "1";
        }
    }

    /// Notes a variable that only accounts with a privilege for the whole server may set, or none for a session.
    fn note_privilege(&mut self, assignment: &Assignment, at: &At) {
        let name = assignment.name.as_str();
        let lists: [&[&str]; 3] = [&RESTRICTED, &RESTRICTED_BY_SOME, &READ_ONLY];
        let reach = match assignment.scope {
            VariableScope::Global | VariableScope::Persist if name != "gtid_purged" => {
                VariableReach::Global
            }
            VariableScope::Session if lists.iter().any(|list| list.contains(&name)) => {
                VariableReach::Session
            }
            _ => return,
        };
        let known = &mut self.facts.privileged_variables;
        if known.len() < MAX_PLACES {
            known
                .entry((reach, name.to_owned()))
                .or_insert_with(|| at.clone());
        }
    }

    /// Notes a statement that is about the server and not about a database.
    fn note_server_statement(&mut self, keyword: &str, at: At) {
        let known = &mut self.facts.server_statements;
        if ON_THE_SERVER.contains(&keyword) && known.len() < MAX_PLACES {
            known.entry(keyword.to_owned()).or_insert(at);
        }
    }

    /// Notes what a CREATE TABLE says besides what the schema keeps.
    fn note_form(&mut self, create: &mut CreateTable, at: &At) {
        let key = create.name.name.to_lowercase();
        let database = self.database(&create.name.clone());
        if create.temporary {
            database.temporary.insert(key);
            return;
        }
        database.temporary.remove(&key);
        match create.source {
            TableSource::Query(_) => database.of_query.insert(key),
            _ => database.of_query.remove(&key),
        };
        if !create.invisible.is_empty() {
            let invisible = std::mem::take(&mut create.invisible);
            database
                .invisible
                .insert(create.name.name.clone(), invisible);
        }
        for (column, charset) in std::mem::take(&mut create.without_collation) {
            let found = WithoutCollation {
                table: create.name.name.clone(),
                column,
                charset,
                at: at.clone(),
            };
            if self.facts.without_collation.len() < MAX_WITHOUT_COLLATION {
                self.facts.without_collation.push(found);
            }
        }
    }

    /// Notes the collations and character sets that a statement names, as it spells them, wherever in it they
    /// stand; and the function that it installs from a library.
    fn note_collation(&mut self, name: &str, at: &At) {
        if !self.facts.collations.contains_key(name)
            && self.facts.collations.len() < MAX_WITHOUT_COLLATION
        {
            self.facts.collations.insert(name.to_owned(), at.clone());
        }
    }

    /// Takes an object whose name has a database for one of the dump's own, unless the dump chose that database
    /// before or makes tables in it: a dump of one database has one, whatever its triggers call it.
    fn settle(&mut self, name: &mut Name, kind: &str, at: &At) {
        let Some(database) = name.database.clone() else {
            return;
        };
        let named = Some(database.clone());
        let has_tables = |key: &Option<String>| {
            let known = self.databases.get(key);
            known.is_some_and(|known| !known.schema.tables.is_empty())
        };
        if self.current == named || kind != "table" && has_tables(&named) {
            return;
        }
        if kind == "table" {
            let mut known = self.facts.objects_with_database.iter();
            if known.any(|(.., other)| *other == database) {
                return;
            }
        } else if has_tables(&self.current) {
            name.database = None;
        }
        self.note_object(at.clone(), format!("{kind} {}", name.name), database);
    }

    fn note_object(&mut self, at: At, object: String, database: String) {
        push(
            &mut self.facts.objects_with_database,
            (at, object, database),
        );
    }

    fn note_database_statement(&mut self, at: At, statement: String) {
        if self.source.producer == Producer::MysqlShell {
            // util.loadDump takes the name from its option `schema`.
            return;
        }
        let known = &mut self.facts.database_statements;
        if !known.iter().any(|(_, s)| *s == statement) {
            push(known, (at, statement));
        }
    }
}

/// A statement's first words without values, for a message.
pub(super) fn beginning(sql: &str) -> String {
    let words = first_words(sql);
    let end = words.find(['(', '\'']).unwrap_or(words.len());
    words.get(..end).unwrap_or_default().trim_end().to_owned()
}

/// A statement's first words, for a message: verb, kind and name.
fn first_words(sql: &str) -> String {
    let marks = ["*/", "DEFINER="];
    let is_mark = |word: &str| word.starts_with("/*") || marks.iter().any(|it| word.contains(it));
    let words = sql.split_whitespace().filter(|word| !is_mark(word));
    words.take(6).collect::<Vec<_>>().join(" ")
}

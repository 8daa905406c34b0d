//! Runs the statements of a dump on the schema model as a server would, and records what else they tell as
//! facts.

mod noise;
mod rows;
mod statements;

use std::collections::HashSet;

use indexmap::IndexMap;

use self::noise::Course;
use self::rows::Insert;
use crate::dump::header::{self, Remark};
use crate::dump::scanner::{Sink, Statement as Text, Wanted};
use crate::dump::session::Session;
use crate::schema::ddl;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{Name, Schema, find};
use crate::server_version::ServerVersion;
use crate::snapshot::{
    At, Damage, DumpFacts, Ending, FileEnding, LargeStatement, Part, Place, Producer, Row,
    RowsWanted, Snapshot, Source,
};

/// Most places remembered of one kind of problem; more would not make a report better.
const MAX_PLACES: usize = 100;

/// Reads the files of one dump and collects the facts that they give.
#[derive(Clone, Default)]
pub struct DumpReader {
    wanted: &'static [RowsWanted],
    file: String,
    source: Source,
    facts: DumpFacts,
    databases: IndexMap<Option<String>, Database>,
    current: Option<String>,
    /// Name of the database in the dump's header comments, for dumps that never say USE.
    header_database: Option<String>,
    session: Session,
    /// Character set that the last SET NAMES named; `None` before the first.
    client_charset: Option<String>,
    insert: Insert,
    /// First and last lines of dumps found inside the statement being read.
    swallowed: Vec<(At, String)>,
    /// How the statement being run is quoted, when that differs from what `sql_mode` says.
    quotes: Option<SqlModes>,
    /// Name of a view whose stand-in table comes next, as phpMyAdmin's comments say.
    stand_in_announced: Option<String>,
    /// What came so far of the file that is being read.
    course: Course,
    /// The bytes of the statements so far that define things.
    schema_bytes: usize,
}

/// Takes a dump's statements and rows, with a [`DumpReader`] inside that keeps track of them.
pub trait DumpSink: Sink {
    /// The [`DumpReader`] that keeps track of the dump.
    fn reader(&mut self) -> &mut DumpReader;
}

impl DumpSink for DumpReader {
    fn reader(&mut self) -> &mut DumpReader {
        self
    }
}

/// What the dump says of one of its databases.
#[derive(Clone, Debug, Default)]
struct Database {
    schema: Schema,
    row_counts: IndexMap<String, u64>,
    rows: IndexMap<String, Vec<Row>>,
    /// Memory that the kept rows need, in bytes, by table.
    kept_bytes: IndexMap<&'static str, usize>,
    used: IndexMap<String, At>,
    /// Names of temporary tables, in lower case.
    temporary: HashSet<String>,
    /// Columns that an INSERT without column names leaves out, by table.
    invisible: IndexMap<String, Vec<String>>,
}

/// What a dump says of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether it is a base table.
    pub is_table: bool,
    /// Whether it is a view.
    pub is_view: bool,
    /// The number of its rows.
    pub rows: u64,
}

/// Why no single database of a source can be chosen to report on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// The database asked for is not in the source.
    #[error("there is no database '{wanted}' in it; it holds: {}", .found.join(", "))]
    NotThere {
        /// The name of the database asked for.
        wanted: String,
        /// The names of the databases in the source.
        found: Vec<String>,
    },
    /// Several databases hold CiviCRM tables; these are their names.
    #[error("it holds several CiviCRM databases: {}; choose one with --database", .0.join(", "))]
    Several(Vec<String>),
}

impl DumpReader {
    /// Makes a reader that keeps the rows described by `wanted`.
    pub fn new(wanted: &'static [RowsWanted]) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Begins another file of the same dump, as a folder has them. Each file is loaded in a session of its own,
    /// into `database` where the file's name gives one.
    pub fn begin_file(&mut self, name: &str, database: Option<&str>) {
        name.clone_into(&mut self.file);
        self.session = Session::default();
        self.insert = Insert::default();
        self.course = Course::default();
        if database.is_some() {
            self.current = database.map(str::to_owned);
        }
    }

    /// Records which program wrote the dump, where the text of the dump does not say so.
    pub fn set_producer(&mut self, producer: Producer, version: Option<String>) {
        self.source.producer = producer;
        self.source.producer_version = version;
    }

    /// Begins a part of the dump that a folder's own marks show to have `ended` or not.
    pub fn begin_part(&mut self, ended: bool) {
        let begins = self.at(Place::default());
        self.facts.parts.push(Part {
            producer: self.source.producer,
            begins,
            ended,
        });
    }

    /// Records a file or mark that shows that the dump was not finished.
    pub fn unfinished(&mut self, what: String) {
        self.facts.unfinished.push(what);
    }

    /// Records how one file ended.
    pub fn end_file(&mut self, text: Ending, damage: Option<Damage>) {
        if let Some(interrupted) = &text.interrupted {
            let head = String::from_utf8_lossy(&interrupted.head);
            let line = head.lines().next().unwrap_or_default();
            if header::is_program_message(line) {
                let at = self.at(interrupted.place);
                self.stray(at, line);
                self.course.is_behind = false;
            }
        }
        self.end_course();
        self.facts.ends_by_variables |= self.session.marks_end() || self.course.keys_on_again;
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
        let header = self.header_database;
        let shown = |name: &Option<String>| name.clone().or_else(|| header.clone());
        let mut names = self.databases.keys();
        let shown_names: Vec<String> = names.clone().filter_map(shown).collect();
        let chosen = match wanted {
            Some(wanted) => names
                .find(|name| shown(name).as_deref() == Some(wanted))
                .ok_or_else(|| ChooseError::NotThere {
                    wanted: wanted.to_owned(),
                    found: shown_names.clone(),
                })?
                .clone(),
            None => {
                let all = self.databases.iter();
                let marked = all.filter(|(_, database)| database.has_tables(marker));
                let marked: Vec<&Option<String>> = marked.map(|(name, _)| name).collect();
                match marked[..] {
                    [] => names.next().cloned().flatten(),
                    [one] => one.clone(),
                    _ => {
                        let several = marked.into_iter().filter_map(shown);
                        return Err(ChooseError::Several(several.collect()));
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
            database: shown(&chosen),
            schema: database.schema,
            row_counts: database
                .row_counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
            rows: database.rows,
            dump: Some(self.facts),
            ..Snapshot::default()
        })
    }

    /// Records a program that the statements hint at, for dumps without comments; a comment that names the
    /// program takes precedence.
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

    /// What the dump says so far of the table or view of this name.
    pub fn object(&self, database: &str, name: &str) -> Found {
        let Some(database) = self.databases.get(&Some(database.to_owned())) else {
            return Found::default();
        };
        let rows = find(&database.row_counts, name);
        Found {
            is_table: find(&database.schema.tables, name).is_some(),
            is_view: find(&database.schema.views, name).is_some(),
            rows: rows.copied().unwrap_or_default(),
        }
    }

    /// The database that a name belongs to at this point of the dump, as the dump names it.
    pub fn database_named(&self, name: &Name) -> Option<String> {
        name.database.clone().or_else(|| self.current.clone())
    }

    fn database(&mut self, name: &Name) -> &mut Database {
        let key = self.database_named(name);
        self.databases.entry(key).or_default()
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
        self.begins_inside(text);
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
        let swallowed = std::mem::take(&mut self.swallowed);
        match ddl::parse(&sql, self.session.modes()) {
            Ok(statement) => {
                self.course.statement(self.facts.stray_text.len());
                self.run(statement, &sql, at);
            }
            // What stands behind a stray line is read again, and then in its place.
            Err(error) if self.unreadable(text, &error) => return,
            Err(_) => self.course.statement(self.facts.stray_text.len()),
        }
        self.facts.swallowed_lines.extend(swallowed);
    }
    fn rows_begin(&mut self, head: Text<'_>) -> Wanted {
        self.course.statement(self.facts.stray_text.len());
        self.course.keys_on_again = false;
        self.begin_insert(head)
    }

    fn row(&mut self, values: Text<'_>) {
        self.read_row(values);
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.end_insert(count, broken, place);
        self.facts.swallowed_lines.append(&mut self.swallowed);
    }

    fn large(&mut self, bytes: u64, place: Place) {
        // Only a statement with rows has left the head of its INSERT.
        let table = match self.insert.head.is_empty() {
            true => String::new(),
            false => self.insert.table().to_owned(),
        };
        let at = self.at(place);
        let known = &mut self.facts.large_statements;
        let is_longer = known.get(&table).is_none_or(|known| known.bytes < bytes);
        if is_longer && (known.contains_key(&table) || known.len() < MAX_PLACES) {
            known.insert(table, LargeStatement { at, bytes });
        }
    }

    fn sets_noise_apart(&self) -> bool {
        true
    }

    fn noise(&mut self, line: &[u8], place: Place) {
        self.line_of_noise(line, place);
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        if text.starts_with(b"/*M!999999") || text.starts_with(b"/*!999999") {
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
                database,
            }) => {
                if self.course.begin_part() {
                    // What stands before it is no part of the dump.
                    self.facts.begins_inside = None;
                }
                if self.facts.parts.is_empty() {
                    self.source.producer = producer;
                    self.source.producer_version = version;
                    // HeidiSQL names the server before itself.
                    let server = server.and_then(|server| ServerVersion::parse(&server));
                    self.source.server_version = server.or(self.source.server_version.take());
                }
                if let Some(database) = database {
                    self.header_database.get_or_insert(database);
                }
                let begins = self.at(place);
                self.facts.parts.push(Part {
                    producer,
                    begins,
                    // Where a program writes no last line, what its statements leave open tells.
                    ended: !producer.has_last_line(),
                });
            }
            Some(Remark::ProducerVersion(version)) => {
                use Producer::{BackupAndMigrate, PhpMyAdmin, SequelAce, SequelPro};
                let producer = self.source.producer;
                if [PhpMyAdmin, SequelAce, SequelPro, BackupAndMigrate].contains(&producer) {
                    self.source.producer_version.get_or_insert(version);
                }
            }
            Some(Remark::TablePrefix(prefix)) => {
                self.facts.table_prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
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
            Some(Remark::Ends { producer, date }) => {
                self.source.finished = date;
                self.facts.ends_by_variables |= self.facts.parts.is_empty();
                if let Some(part) = self.facts.parts.last_mut() {
                    // The last line of mysqldump is that of programs which follow it as well; a date alone is only
                    // Adminer's.
                    let of_itself = part.producer == producer;
                    let others = [Producer::Adminer, Producer::Mydumper, Producer::MysqlShell];
                    let as_mysqldump =
                        producer == Producer::Mysqldump && !others.contains(&part.producer);
                    part.ended |= of_itself || as_mysqldump;
                }
            }
            Some(Remark::Problem(text)) => {
                let at = self.at(place);
                self.stray(at, &text);
            }
            Some(Remark::Server(_)) | None => {}
        }
    }

    /// The first or last line of a dump inside a statement: the statement was cut, and
    /// another dump follows it.
    fn comment_inside(&mut self, text: &[u8], place: Place) {
        if let Some(Remark::Begins { .. } | Remark::Ends { .. }) = header::remark(text, true) {
            let at = self.at(place);
            let line = String::from_utf8_lossy(text).into_owned();
            push(&mut self.swallowed, (at, line));
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

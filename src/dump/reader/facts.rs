//! The facts that a reader collects, file after file, and the snapshot that they make.

use super::database::{Database, Databases, Found};
use super::noise::Course;
use super::rows::Insert;
use crate::dump::header;
use crate::dump::scanner::Sink;
use crate::dump::session::Session;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{Name, Schema, find};
use crate::server_version::ServerVersion;
use crate::snapshot::{
    At, Damage, DumpFacts, Ending, FileEnding, Part, Place, Producer, RowsWanted, Snapshot, Source,
};

/// Reads the files of one dump and collects the facts that they give.
#[derive(Clone, Default)]
pub struct DumpReader {
    pub(super) wanted: &'static [RowsWanted],
    pub(super) file: String,
    pub(super) source: Source,
    pub(super) facts: DumpFacts,
    pub(super) databases: Databases,
    pub(super) current: Option<String>,
    /// Name of the database in the dump's header comments, for dumps that never say USE.
    pub(super) header_database: Option<String>,
    pub(super) session: Session,
    /// Character set that the last SET NAMES named; `None` before the first.
    pub(super) client_charset: Option<String>,
    pub(super) insert: Insert,
    /// First and last lines of dumps found inside the statement being read.
    pub(super) swallowed: Vec<(At, String)>,
    /// How the statement being run is quoted, when that differs from what `sql_mode` says.
    pub(super) quotes: Option<SqlModes>,
    /// Name of a view whose stand-in table comes next, as phpMyAdmin's comments say.
    pub(super) stand_in_announced: Option<String>,
    /// What came so far of the file that is being read.
    pub(super) course: Course,
    /// The bytes of the statements so far that define things.
    pub(super) schema_bytes: usize,
    /// Whether the file that is read holds rows alone, which no statement loads.
    pub(super) is_of_rows: bool,
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
        self.is_of_rows = false;
        if database.is_some() {
            self.current = database.map(str::to_owned);
        }
    }

    /// Begins another file of the same dump, which holds rows of a table and no statement, in the character set of this
    /// name where it is known. Each such file is loaded in a session of its own.
    pub fn begin_rows(&mut self, name: &str, database: Option<&str>, charset: Option<&str>) {
        self.begin_file(name, database);
        self.is_of_rows = true;
        if charset.is_some() {
            self.client_charset = charset.map(str::to_ascii_lowercase);
        }
    }

    /// Turns the checks of foreign keys off for the file that was begun: whatever loads it does so.
    pub fn without_key_checks(&mut self) {
        self.session.set_key_checks(false);
    }

    /// Records that the rows of the dump stand in files of their own, which no statement of it loads.
    pub fn rows_stand_apart(&mut self) {
        self.facts.rows_apart = true;
    }

    /// Records the server that was dumped, where the text of the dump does not name it.
    pub fn set_server(&mut self, version: &str) {
        self.source.server_version = ServerVersion::parse(version);
    }

    /// Records that something besides the text of the dump shows that it got to its end, with the date of that.
    pub fn ended(&mut self, date: Option<String>) {
        self.source.finished = date;
        self.facts.ends_by_variables = true;
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

    /// Records how one file ended. `tail` holds the last bytes of its text, so that a message of the dump program is
    /// found where it stands in the middle of a statement that is cut.
    pub fn end_file(&mut self, text: Ending, damage: Option<Damage>, tail: &[u8]) {
        if let Some(interrupted) = &text.interrupted {
            let head = String::from_utf8_lossy(&interrupted.head);
            let line = head.lines().next().unwrap_or_default();
            if header::is_program_message(line) {
                let at = self.at(interrupted.place);
                self.stray(at, line);
                self.course.is_behind = false;
            } else if let Some((begins, line)) = header::message_inside(tail) {
                let rest = tail.get(begins..).unwrap_or_default();
                let line_feeds = memchr::memchr_iter(b'\n', rest).count() as u64;
                let place = Place {
                    offset: text.bytes.saturating_sub(rest.len() as u64),
                    line: (text.lines + 1).saturating_sub(line_feeds),
                };
                let at = self.at(place);
                self.stray(at, &line);
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

    /// Puts the facts together for the database `wanted`, or else for the one that holds tables with names that
    /// `marks` tells; of several such marks the first that some database has decides.
    ///
    /// # Errors
    /// `wanted` is not in the dump, or several databases hold such tables.
    pub fn finish(
        mut self,
        wanted: Option<&str>,
        marks: &[fn(&str) -> bool],
    ) -> Result<Snapshot, ChooseError> {
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
                let marked_by = |mark: &fn(&str) -> bool| {
                    let all = self.databases.iter();
                    let marked = all.filter(|(_, database)| database.has_tables(mark));
                    marked.map(|(name, _)| name).collect::<Vec<_>>()
                };
                let mut marked = marks.iter().map(marked_by);
                let marked = marked.find(|marked| !marked.is_empty()).unwrap_or_default();
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
        let cms_database = self.databases.only_with_rows().map(|(name, other)| {
            Ok(Box::new(Snapshot {
                database: name,
                schema: other.schema,
                row_counts: other.row_counts,
                rows: other.rows,
                rows_hidden: other.rows_hidden,
                ..Snapshot::default()
            }))
        });
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
            rows_hidden: database.rows_hidden,
            cms_database,
            dump: Some(self.facts),
            ..Snapshot::default()
        })
    }

    /// Records a program that the statements hint at, for dumps without comments; a comment that names the
    /// program takes precedence.
    pub(super) fn guess_producer(&mut self, producer: Producer) {
        if self.source.producer == Producer::Unknown {
            self.source.producer = producer;
        }
    }

    pub(super) fn at(&self, place: Place) -> At {
        At {
            file: self.file.clone(),
            place,
        }
    }

    /// What a database of the dump is made of so far; `None` where nothing of it came.
    pub fn schema(&self, database: Option<&str>) -> Option<&Schema> {
        let database = self.databases.get(&database.map(str::to_owned));
        database.map(|database| &database.schema)
    }

    /// The first database of the dump, as [`DumpReader::finish`] calls it; `None` where the dump names none.
    pub fn first_database(&self) -> Option<String> {
        let first = self.databases.keys().next()?;
        first.clone().or_else(|| self.header_database.clone())
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

    /// The database that the statements so far have chosen; `None` before the first USE.
    pub fn current_database(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Whether foreign keys are checked in the session that the statements so far have made.
    pub fn checks_foreign_keys(&self) -> bool {
        self.session.foreign_key_checks()
    }

    /// The name of the file of a folder that is being read; empty of a dump in one file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The database that a name belongs to at this point of the dump, as the dump names it.
    pub fn database_named(&self, name: &Name) -> Option<String> {
        let named = name.database.as_ref().or(self.current.as_ref());
        if self.current.is_some() {
            return named.cloned();
        }
        // A dump that chooses no database has one, whether or not it puts the name before those of tables.
        let has_tables = |key: &Option<String>| {
            let known = self.databases.get(key);
            known.is_some_and(|known| !known.schema.tables.is_empty())
        };
        let header = self.header_database.as_ref();
        match named {
            Some(_) if named == header && has_tables(&None) => None,
            Some(_) => named.cloned(),
            None if has_tables(&None) => None,
            None => {
                let mut with_tables = self.databases.keys().filter(|key| has_tables(key));
                let only = with_tables
                    .next()
                    .filter(|_| with_tables.next().is_none())?;
                only.clone()
                    .filter(|only| header.is_none_or(|it| it == only))
            }
        }
    }

    pub(super) fn database(&mut self, name: &Name) -> &mut Database {
        let key = self.database_named(name);
        self.databases.of(key)
    }
}

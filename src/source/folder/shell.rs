//! Reads a folder made by MySQL Shell (`util.dumpInstance`, `util.dumpSchemas`, `util.dumpTables`). Its files of JSON say
//! what belongs to the dump (MySQL Shell manual, "Dump Control", "Dump Output"):
//!
//! ```text
//! @.json, @.done.json             the dump; its end, with the files of rows and their bytes
//! SCHEMA.json, SCHEMA.sql         a database: its tables, views and programs; events and routines
//! SCHEMA@TABLE.json, …sql         a table: how its rows are written; its definition
//! SCHEMA@TABLE.triggers.sql       its triggers
//! SCHEMA@TABLE@0.tsv.zst          a chunk of its rows, the last one with @@ before the number
//! SCHEMA@VIEW.pre.sql, …sql       a view: its stand-in, its definition
//! ```

mod metadata;

use std::collections::HashSet;
use std::path::Path;

use self::metadata::{Database, Done, Dump, Table, load};
use super::super::SourceError;
use super::super::location::{read_rows, read_stream};
use crate::dump::container::{ByteStream, Progress};
use crate::dump::delimited::DelimitedRows;
use crate::dump::reader::DumpSink;
use crate::dump::scanner::Scanner;
use crate::schema::model::{RoutineKind, Schema, find};
use crate::snapshot::Producer;

/// What to do about a folder that cannot be read.
const ADVICE: &str = "fetch the whole folder again from where it was made, or load it into a test server \
                      (util.loadDump) and check that: cividb check mysql://root@localhost/DATABASE";

/// A folder, and what reads its files.
struct Reading<'a> {
    folder: &'a Path,
    names: HashSet<&'a str>,
    done: Done,
    sink: &'a mut dyn DumpSink,
    watch: &'a mut dyn FnMut(&Progress),
}

/// Reads the files of the folder, which have these names, in the order in which `util.loadDump` loads them.
///
/// # Errors
/// A file without which nothing can be read is missing or not as MySQL Shell writes it, or a file of statements is not
/// text.
pub(super) fn read(
    folder: &Path,
    names: &[String],
    sink: &mut dyn DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> Result<(), SourceError> {
    let dump: Dump = load(&folder.join("@.json")).map_err(|why| broken(folder, "@.json", &why))?;
    let reader = sink.reader();
    reader.set_producer(Producer::MysqlShell, dump.program());
    if let Some(server) = &dump.server_version {
        reader.set_server(server);
    }
    let names: HashSet<&str> = names.iter().map(String::as_str).collect();
    let done = match names.contains("@.done.json") {
        true => load(&folder.join("@.done.json")),
        false => Err("is missing: MySQL Shell was still running, or was stopped".to_owned()),
    };
    let done: Done = match done {
        Ok(done) => done,
        Err(why) => {
            reader.unfinished(format!("@.done.json {why}"));
            Done::default()
        }
    };
    reader.begin_part(true);
    reader.ended(done.end.clone());
    for name in names.iter().filter(|name| name.ends_with(".dumping")) {
        reader.unfinished(format!("{name} was still being written"));
    }
    let mut reading = Reading {
        folder,
        names,
        done,
        sink,
        watch,
    };
    for schema in &dump.schemas {
        let base = dump.basenames.get(schema).unwrap_or(schema);
        reading.database(schema, base)?;
    }
    reading.lost_files();
    Ok(())
}

fn broken(folder: &Path, name: &str, why: &str) -> SourceError {
    SourceError::OtherFolder {
        path: folder.to_owned(),
        what: format!("it is a dump of MySQL Shell, but {name} {why}"),
        advice: ADVICE.to_owned(),
    }
}

impl Reading<'_> {
    /// Reads the files of one database.
    fn database(&mut self, name: &str, base: &str) -> Result<(), SourceError> {
        let metadata = format!("{base}.json");
        if !self.names.contains(&*metadata) {
            let why = format!("is missing, which says what database {name} holds");
            return Err(broken(self.folder, &metadata, &why));
        }
        let database: Database = load(&self.folder.join(&metadata))
            .map_err(|why| broken(self.folder, &metadata, &why))?;
        let base_of = |object: &String| match database.basenames.get(object) {
            Some(base) => base.clone(),
            None => format!("{base}@{object}"),
        };
        if database.includes_ddl {
            self.statements(&format!("{base}.sql"), name, &format!("database {name}"))?;
            for table in &database.tables {
                let file = format!("{}.sql", base_of(table));
                self.statements(&file, name, &format!("table {table}"))?;
            }
        }
        let mut triggers = Vec::new();
        for table in database.tables.iter().filter(|_| database.includes_data) {
            triggers.extend(self.rows(name, table, &base_of(table))?);
        }
        if database.includes_views_ddl {
            for view in &database.views {
                let file = format!("{}.sql", base_of(view));
                self.statements(&file, name, &format!("view {view}"))?;
            }
        }
        for table in &database.tables {
            let file = format!("{}.triggers.sql", base_of(table));
            let is_announced = triggers.iter().any(|(of, _)| of == table);
            if is_announced || self.names.contains(&*file) {
                self.statements(&file, name, &format!("the triggers of {table}"))?;
            }
        }
        self.lost_objects(name, &database, &triggers);
        Ok(())
    }

    fn statements(&mut self, file: &str, database: &str, makes: &str) -> Result<(), SourceError> {
        if !self.names.contains(file) {
            let what = format!("{file} is missing, which makes {makes}");
            self.sink.reader().unfinished(what);
            return Ok(());
        }
        self.sink.reader().begin_file(file, Some(database));
        // util.loadDump turns them off.
        self.sink.reader().without_key_checks();
        let stream = ByteStream::open(&self.folder.join(file))?;
        read_stream(stream, Scanner::default(), None, self.sink, self.watch);
        Ok(())
    }

    /// Reads the chunks of a table's rows; returns its triggers, each with the table.
    fn rows(
        &mut self,
        database: &str,
        name: &str,
        base: &str,
    ) -> Result<Vec<(String, String)>, SourceError> {
        let metadata = format!("{base}.json");
        if !self.names.contains(&*metadata) {
            let what =
                format!("{metadata} is missing, which says how the rows of {name} are written");
            self.sink.reader().unfinished(what);
            return Ok(Vec::new());
        }
        let broken = |why: String| broken(self.folder, &metadata, &why);
        let table: Table = load(&self.folder.join(&metadata)).map_err(broken)?;
        if table.includes_data {
            let Some(columns) = &table.options.columns else {
                return Err(broken(format!(
                    "does not name the columns of the rows of {name}, as MySQL Shell does (options, columns)"
                )));
            };
            let Some(format) = table.options.format() else {
                return Err(broken(format!(
                    "names separators by which the rows of {name} cannot be told apart"
                )));
            };
            let encodings = table.options.encodings(columns);
            let parts: Vec<&str> = match table.basenames.is_empty() {
                true => vec![base],
                false => table.basenames.values().map(String::as_str).collect(),
            };
            for part in parts {
                for file in self.chunks(part, name, &table) {
                    let rows =
                        DelimitedRows::new(format.clone(), name, Some(columns), encodings.clone());
                    let charset = table.options.default_character_set.as_deref();
                    let reader = self.sink.reader();
                    reader.begin_rows(&file, Some(database), charset);
                    let stream = ByteStream::open_rows(&self.folder.join(&file))?;
                    let ending = read_rows(stream, rows, self.sink, self.watch);
                    let bytes = self.done.chunk_file_bytes.get(&file);
                    if let Some(bytes) = bytes.filter(|bytes| **bytes > ending.bytes) {
                        let what = format!(
                            "{file} holds {} of the {bytes} bytes of rows that @.done.json names",
                            ending.bytes
                        );
                        self.sink.reader().unfinished(what);
                    }
                }
            }
        }
        let triggers = table.triggers.into_iter();
        Ok(triggers.map(|trigger| (name.to_owned(), trigger)).collect())
    }

    /// The names of the files with rows, in order; what is missing of them is noted.
    fn chunks(&mut self, base: &str, table: &str, metadata: &Table) -> Vec<String> {
        let extension = &metadata.extension;
        let only = format!("{base}.{extension}");
        let mut found = Vec::new();
        if self.names.contains(&*only) {
            found.push(only.clone());
        }
        if !metadata.chunking {
            if found.is_empty() {
                let what = format!("{only}, the file with the rows of {table}, is missing");
                self.sink.reader().unfinished(what);
            }
            return found;
        }
        // By their numbers; the last one is marked.
        let number = |name: &str| -> Option<(u64, bool)> {
            let rest = name.strip_prefix(base)?.strip_prefix('@')?;
            let rest = rest.strip_suffix(&**extension)?.strip_suffix('.')?;
            let last = rest.strip_prefix('@');
            Some((last.unwrap_or(rest).parse().ok()?, last.is_some()))
        };
        let mut chunks: Vec<(u64, bool, String)> = self
            .names
            .iter()
            .filter_map(|name| number(name).map(|(n, last)| (n, last, (*name).to_owned())))
            .collect();
        chunks.sort();
        let mut next = 0;
        let mut lost = Vec::new();
        for (number, ..) in &chunks {
            if *number > next {
                lost.push(match *number - next {
                    1 => format!("{base}@{next}.{extension}, a file with rows of {table}, is missing"),
                    many => format!(
                        "{many} files with rows of {table} are missing, the first of them {base}@{next}.{extension}"
                    ),
                });
            }
            next = number.saturating_add(1);
        }
        // Older versions write an empty table in one file.
        if !chunks.last().is_some_and(|(_, last, _)| *last)
            && (found.is_empty() || !chunks.is_empty())
        {
            lost.push(format!(
                "the last file with rows of {table} ({base}@@{next}.{extension}) is missing"
            ));
        }
        for what in lost {
            self.sink.reader().unfinished(what);
        }
        found.extend(chunks.into_iter().map(|(.., name)| name));
        found
    }

    /// Notes what the metadata names and no statement has made.
    fn lost_objects(&mut self, name: &str, database: &Database, triggers: &[(String, String)]) {
        let nothing = Schema::default();
        let schema = self.sink.reader().schema(Some(name)).unwrap_or(&nothing);
        let mut lost = Vec::new();
        let mut look = |kind: &str, object: &str, is_there: bool| {
            if !is_there {
                lost.push(format!(
                    "MySQL Shell names the {kind} {object}, and no statement makes it"
                ));
            }
        };
        if database.includes_ddl {
            for table in &database.tables {
                look("table", table, find(&schema.tables, table).is_some());
            }
            for (_, trigger) in triggers {
                look(
                    "trigger",
                    trigger,
                    find(&schema.triggers, trigger).is_some(),
                );
            }
            let has = |kind, routine: &str| {
                let mut routines = schema.routines.keys();
                routines.any(|(of, known)| *of == kind && known.eq_ignore_ascii_case(routine))
            };
            for function in &database.functions {
                look("function", function, has(RoutineKind::Function, function));
            }
            for procedure in &database.procedures {
                look(
                    "procedure",
                    procedure,
                    has(RoutineKind::Procedure, procedure),
                );
            }
            for event in &database.events {
                look("event", event, find(&schema.events, event).is_some());
            }
        }
        if database.includes_views_ddl {
            for view in &database.views {
                look("view", view, find(&schema.views, view).is_some());
            }
        }
        for what in lost {
            self.sink.reader().unfinished(what);
        }
    }

    /// Notes the files of rows that the end of the dump names and that are not there.
    fn lost_files(&mut self) {
        for file in self.done.chunk_file_bytes.keys() {
            if !self.names.contains(&**file) {
                let what = format!("{file}, which @.done.json names, is missing");
                self.sink.reader().unfinished(what);
            }
        }
    }
}

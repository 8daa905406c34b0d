//! Reads a folder made by `mysqldump --tab` or `mariadb-dump --tab`: `TABLE.sql` with the definition of a table and its
//! triggers, `TABLE.txt` with its rows, `VIEW.sql` for views. Routines and events go to the program's standard output;
//! a file of them that lies in the folder is read as well.

use std::path::Path;

use super::super::SourceError;
use super::super::folder_kind::{self, ROWS};
use super::super::location::{read_rows, read_stream};
use crate::dump::container::{ByteStream, Progress};
use crate::dump::delimited::{DelimitedRows, Format};
use crate::dump::reader::DumpSink;
use crate::dump::scanner::Scanner;
use crate::schema::model::{Column, Table, find};

/// Separators that people choose with --fields-terminated-by, --fields-enclosed-by and --lines-terminated-by, the
/// default first.
const CHOICES: [(&str, &str); 6] = [
    ("\t", ""),
    (",", "\""),
    (",", ""),
    (";", "\""),
    (";", ""),
    ("|", ""),
];

/// Reads the files of the folder, which have these names: all statements first, then all rows.
///
/// # Errors
/// One of the files cannot be read, or the values of a row cannot be told apart.
pub(super) fn read(
    folder: &Path,
    mut names: Vec<String>,
    sink: &mut dyn DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> Result<(), SourceError> {
    names.sort();
    sink.reader().rows_stand_apart();
    for name in names.iter().filter(|name| folder_kind::is_sql(name)) {
        sink.reader().begin_file(name, None);
        // Parents come in the order of the alphabet.
        sink.reader().without_key_checks();
        let stream = ByteStream::open(&folder.join(name))?;
        read_stream(stream, Scanner::default(), None, sink, watch);
    }
    let mut without_rows: Vec<String> = sink
        .reader()
        .schema(None)
        .into_iter()
        .flat_map(|schema| schema.tables.keys().cloned())
        .collect();
    for name in &names {
        let Some(table) = folder_kind::stem(name).strip_suffix(ROWS) else {
            continue;
        };
        let Some(schema) = sink.reader().schema(None) else {
            continue;
        };
        let Some(definition) = find(&schema.tables, table) else {
            // A note to people, say.
            if names
                .iter()
                .any(|other| folder_kind::stem(other) == format!("{table}.sql"))
            {
                let what = format!("{name} holds rows of a table that {table}.sql does not make");
                sink.reader().unfinished(what);
            }
            continue;
        };
        without_rows.retain(|known| !known.eq_ignore_ascii_case(table));
        let path = folder.join(name);
        let rows = rows_of(&path, table, definition)?;
        sink.reader().begin_rows(name, None, None);
        read_rows(ByteStream::open_rows(&path)?, rows, sink, watch);
    }
    for table in without_rows {
        let what = format!("{table}{ROWS}, the file with the rows of {table}, is missing");
        sink.reader().unfinished(what);
    }
    Ok(())
}

/// The rows of a file, in the separators and with the columns that its first row shows.
fn rows_of(path: &Path, table: &str, definition: &Table) -> Result<DelimitedRows, SourceError> {
    let mut stream = ByteStream::open_rows(path)?;
    let text = stream.next_chunk().unwrap_or_default();
    let all: Vec<String> = definition.columns.keys().cloned().collect();
    let of_values = |(_, column): &(&String, &Column)| column.generated.is_none();
    let columns = definition.columns.iter().filter(of_values);
    let given: Vec<String> = columns.map(|(name, _)| name.clone()).collect();
    let mut seen = None;
    for line in ["\n", "\r\n"] {
        for (field, quote) in CHOICES {
            let Some(format) = Format::new(field, quote, "\\", line) else {
                continue;
            };
            let Some(count) = format.values_in_first_row(text) else {
                continue;
            };
            seen.get_or_insert(count);
            if line == "\n" && format.is_followed_by_returns(text) {
                continue;
            }
            for columns in [&all, &given] {
                if columns.len() == count {
                    return Ok(DelimitedRows::new(format, table, Some(columns), Vec::new()));
                }
            }
        }
    }
    let Some(seen) = seen else {
        // No row, or not a whole one.
        return Ok(DelimitedRows::new(
            Format::default(),
            table,
            Some(&all),
            Vec::new(),
        ));
    };
    Err(SourceError::OtherFolder {
        path: path.to_owned(),
        what: format!(
            "the first row has {seen} values between tabs, and table {table} has {} columns: mysqldump --tab was given \
             other separators, which stand nowhere in its files",
            all.len()
        ),
        advice: "load it into a test server with these separators (mysqlimport --fields-terminated-by=…) and check that: \
                 cividb check mysql://root@localhost/DATABASE"
            .to_owned(),
    })
}

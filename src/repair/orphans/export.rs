//! Rows on disk before they change: CSV, and the SQL that loads it again.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::repair::error::RepairError;
use crate::repair::values::{Stored, is_binary};
use crate::schema::model::Table;
use crate::schema::sql::{identifier, list, string};

/// A folder that rows are exported to, one file for each foreign key and table.
///
/// The first line of a file has the names of the columns. NULL is `\N`, a backslash in a value
/// is doubled, binary values are in hexadecimal, times are in UTC, the text is UTF-8. A file of
/// the same name ending in `.sql` puts the rows back. Both are readable by their owner alone.
#[derive(Debug)]
pub struct Export {
    folder: PathBuf,
    files: IndexMap<String, Written>,
}

#[derive(Debug)]
struct Written {
    file: File,
    path: PathBuf,
    /// Bytes that belong to rows that were changed.
    kept: u64,
}

impl Export {
    /// Makes the folder if there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn to(folder: &Path) -> Result<Self, RepairError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(|error| failed(folder, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            files: IndexMap::new(),
        })
    }

    /// Adds rows of a table, which is about to lose them, or their values in `cleared`. When
    /// this returns they are on disk.
    ///
    /// # Errors
    /// A file cannot be written: the rows must not be changed.
    pub fn write(
        &mut self,
        constraint: &str,
        name: &str,
        table: &Table,
        cleared: &[String],
        rows: &[Vec<Option<Vec<u8>>>],
    ) -> Result<(), RepairError> {
        let stored = Stored::of(table);
        let stem = format!("{}.{}", safe(constraint), safe(name));
        if !self.files.contains_key(&stem) {
            let written = self.begin(&stem, name, table, cleared)?;
            self.files.insert(stem.clone(), written);
        }
        let Some(written) = self.files.get_mut(&stem) else {
            return Ok(());
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let result = rows.iter().try_for_each(|row| {
            let values = row.iter().zip(&stored.columns);
            let values = values.map(|(value, (_, column))| match value {
                None => b"\\N".to_vec(),
                Some(value) if is_binary(column) => hexadecimal(value),
                Some(value) => escaped(value),
            });
            writer.write_record(values)
        });
        let result = result.map_err(io::Error::other).and_then(|()| {
            let bytes = writer
                .into_inner()
                .map_err(|error| io::Error::other(error.to_string()))?;
            written.file.write_all(&bytes)?;
            written.file.sync_all()
        });
        result.map_err(|error| failed(&written.path, error))
    }

    /// The rows written so far were changed.
    pub fn keep(&mut self) {
        for written in self.files.values_mut() {
            written.kept = written.file.stream_position().unwrap_or(written.kept);
        }
    }

    /// The rows written since the last [`Export::keep`] were not changed after all.
    ///
    /// # Errors
    /// A file cannot be cut.
    pub fn take_back(&mut self) -> Result<(), RepairError> {
        for written in self.files.values_mut() {
            let cut = written
                .file
                .set_len(written.kept)
                .and_then(|()| written.file.seek(SeekFrom::Start(written.kept)));
            cut.map_err(|error| failed(&written.path, error))?;
        }
        Ok(())
    }

    /// Files written, without those that load them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.values().map(|written| written.path.as_path())
    }

    fn begin(
        &self,
        stem: &str,
        name: &str,
        table: &Table,
        cleared: &[String],
    ) -> Result<Written, RepairError> {
        // A run that goes on with another has files of its own.
        let mut number = 1;
        let (path, mut file) = loop {
            let suffix = if number == 1 {
                String::new()
            } else {
                format!("-{number}")
            };
            let path = self.folder.join(format!("{stem}{suffix}.csv"));
            match new_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => {
                    number += 1;
                }
                Ok(file) => break (path, file),
                Err(error) => return Err(failed(&path, error)),
            }
        };
        let stored = Stored::of(table);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = stored
            .columns
            .iter()
            .map(|(name, _)| escaped(name.as_bytes()));
        let begun = writer
            .write_record(header)
            .map_err(io::Error::other)
            .and_then(|()| {
                writer
                    .into_inner()
                    .map_err(|error| io::Error::other(error.to_string()))
            })
            .and_then(|bytes| file.write_all(&bytes).map(|()| bytes.len() as u64));
        let kept = begun.map_err(|error| failed(&path, error))?;
        let script = path.with_extension("sql");
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        new_file(&script)
            .and_then(|mut file| {
                file.write_all(load_script(&file_name, name, table, cleared).as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(|error| failed(&script, error))?;
        Ok(Written { file, path, kept })
    }
}

/// SQL that puts exported rows back, to be run by the client in the folder of the file.
fn load_script(file: &str, name: &str, table: &Table, cleared: &[String]) -> String {
    let stored = Stored::of(table);
    let mut columns = Vec::new();
    let mut set = Vec::new();
    for (number, (name, column)) in stored.columns.iter().enumerate() {
        if is_binary(column) {
            columns.push(format!("@v{number}"));
            set.push(format!("{} = UNHEX(@v{number})", identifier(name)));
        } else {
            columns.push(identifier(name));
        }
    }
    let set = if set.is_empty() {
        String::new()
    } else {
        format!("\n  SET {}", set.join(", "))
    };
    let load = |table: &str| {
        format!(
            "LOAD DATA LOCAL INFILE {} INTO TABLE {table} CHARACTER SET utf8mb4\n  \
             FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '\\\\'\n  \
             LINES TERMINATED BY '\\n' IGNORE 1 LINES ({}){set};\n",
            string(file),
            columns.join(", ")
        )
    };
    let table_name = identifier(name);
    let mut script = "-- Run it in this folder: mysql --local-infile=1 DATABASE < FILE\n\
         SET NAMES utf8mb4;\nSET SESSION time_zone = '+00:00';\n\
         SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
        .to_owned();
    if cleared.is_empty() {
        script.push_str(&load(&table_name));
        return script;
    }
    let keys: Vec<String> = table
        .primary_key
        .iter()
        .map(|part| part.column.clone())
        .collect();
    let kept = stored
        .columns
        .iter()
        .filter(|(_, column)| column.on_update_now);
    let set: Vec<String> = cleared
        .iter()
        .map(|column| format!("t.{0} = e.{0}", identifier(column)))
        .chain(kept.map(|(name, _)| format!("t.{0} = t.{0}", identifier(name))))
        .collect();
    script.push_str(&format!(
        "CREATE TEMPORARY TABLE cividb_exported LIKE {table_name};\n{}\
         UPDATE {table_name} AS t JOIN cividb_exported AS e USING ({})\n  SET {};\n\
         DROP TEMPORARY TABLE cividb_exported;\n",
        load("cividb_exported"),
        list(&keys),
        set.join(", ")
    ));
    script
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A name that is safe in the name of a file.
fn safe(name: &str) -> String {
    let bytes = name.bytes();
    let safe: String = bytes
        .map(|b| match b {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' => char::from(b).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    // Names of files end at 255 bytes on most systems; two of them make one.
    safe.chars().take(100).collect()
}

/// LOAD DATA takes a backslash for the beginning of an escape.
fn escaped(value: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(value.len());
    for &byte in value {
        if byte == b'\\' {
            escaped.push(b'\\');
        }
        escaped.push(byte);
    }
    escaped
}

fn hexadecimal(value: &[u8]) -> Vec<u8> {
    let digits: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
    digits.into_bytes()
}

fn failed(path: &Path, error: io::Error) -> RepairError {
    RepairError::Export {
        path: path.display().to_string(),
        error,
    }
}

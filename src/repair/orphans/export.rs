//! Rows on disk before they change: CSV, and the SQL that loads it again.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use crate::change::values::{Stored, is_binary};
use crate::gate::{Blocked, Meaning, Operation};
use crate::row_file::{self, FORMAT, RowFile, RowFileError};
use crate::schema::model::Table;
use crate::schema::sql::{hexadecimal, identifier, list, string};

/// A folder that rows are exported to, one file for each foreign key and table.
///
/// Binary values are in hexadecimal, times are in UTC, the text is UTF-8. A file of the same
/// name ending in `.sql` puts the rows back. Both are readable by their owner alone.
#[derive(Debug)]
pub struct Export {
    folder: PathBuf,
    files: IndexMap<String, Written>,
}

#[derive(Debug)]
struct Written {
    file: RowFile,
    /// Bytes on disk, and those of them that belong to rows that were changed.
    written: u64,
    kept: u64,
}

impl Export {
    /// Makes the folder if there is none.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn to(folder: &Path) -> Result<Self, RowFileError> {
        row_file::folder(folder)?;
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
    ) -> Result<(), RowFileError> {
        let stored = Stored::of(table);
        let whose = format!("{constraint}.{name}");
        if !self.files.contains_key(&whose) {
            let stem = row_file::file_name(&whose);
            let written = self.begin(&stem, name, table, cleared)?;
            self.files.insert(whose.clone(), written);
        }
        let Some(Written { file, written, .. }) = self.files.get_mut(&whose) else {
            return Ok(());
        };
        for row in rows {
            let values = row.iter().zip(&stored.columns);
            file.row(values.map(|(value, (_, column))| {
                let value = value.as_ref()?;
                Some(match is_binary(column) {
                    true => hexadecimal(value).to_uppercase().into_bytes(),
                    false => value.clone(),
                })
            }))?;
        }
        *written = file.sync()?;
        Ok(())
    }

    /// The rows written so far were changed.
    pub fn keep(&mut self) {
        for written in self.files.values_mut() {
            written.kept = written.written;
        }
    }

    /// The rows written since the last [`Export::keep`] were not changed after all.
    ///
    /// # Errors
    /// A file cannot be cut.
    pub fn take_back(&mut self) -> Result<(), RowFileError> {
        let mut files = self.files.values_mut();
        files.try_for_each(|written| written.file.cut(written.kept))
    }

    /// Files written, without those that load them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.values().map(|written| written.file.path())
    }

    fn begin(
        &self,
        stem: &str,
        name: &str,
        table: &Table,
        cleared: &[String],
    ) -> Result<Written, RowFileError> {
        let stored = Stored::of(table);
        let columns = stored.columns.iter().map(|(name, _)| name.as_str());
        // A run that goes on with another has files of its own.
        let mut number = 1;
        let mut file = loop {
            let suffix = match number {
                1 => String::new(),
                number => format!("-{number}"),
            };
            let path = self.folder.join(format!("{stem}{suffix}.csv"));
            match RowFile::create(path, columns.clone()) {
                Err(RowFileError { error, .. })
                    if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 =>
                {
                    number += 1;
                }
                file => break file?,
            }
        };
        let written = file.sync()?;
        let script = file.path().with_extension("sql");
        let file_name = file.path().file_name().unwrap_or_default();
        let sql = load_script(&file_name.to_string_lossy(), name, table, cleared)
            .map_err(|blocked| io::Error::other(blocked.to_string()))
            .map_err(RowFileError::at(&script))?;
        let mut out = row_file::create(&script)?;
        out.write_all(sql.as_bytes())
            .and_then(|()| out.sync_all())
            .and_then(|()| File::open(&self.folder)?.sync_all())
            .map_err(RowFileError::at(&script))?;
        Ok(Written {
            file,
            written,
            kept: written,
        })
    }
}

/// SQL that puts exported rows back, to be run by the client in the folder of the file.
///
/// # Errors
/// A statement does not pass the gate.
fn load_script(
    file: &str,
    name: &str,
    table: &Table,
    cleared: &[String],
) -> Result<String, Blocked> {
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
        let names = stored.columns.iter().map(|(name, _)| name.as_str());
        let meaning = Meaning::new(Operation::LoadData, names).or_names([name]);
        let statement = meaning.pass(format!(
            "LOAD DATA LOCAL INFILE {} INTO TABLE {table} CHARACTER SET utf8mb4\n  {FORMAT} ({}){set}",
            string(file),
            columns.join(", ")
        ));
        Ok(format!("{};\n", statement?))
    };
    let table_name = identifier(name);
    let mut script = "-- Run it in this folder: mysql --local-infile=1 DATABASE < FILE\n\
         SET NAMES utf8mb4;\nSET SESSION time_zone = '+00:00';\n\
         SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
        .to_owned();
    if cleared.is_empty() {
        script.push_str(&load(&table_name)?);
        return Ok(script);
    }
    let keys = table.primary_key_columns();
    let kept = stored
        .columns
        .iter()
        .filter(|(_, column)| column.on_update_now);
    let set: Vec<String> = cleared
        .iter()
        .map(|column| format!("t.{0} = e.{0}", identifier(column)))
        .chain(kept.map(|(name, _)| format!("t.{0} = t.{0}", identifier(name))))
        .collect();
    let kept = stored
        .columns
        .iter()
        .filter(|(_, column)| column.on_update_now)
        .map(|(name, _)| (*name).clone());
    let names = keys.iter().chain(cleared).cloned().chain(kept);
    let update = Meaning::new(Operation::Update, names.chain([name.to_owned()]));
    let update = update.pass(format!(
        "UPDATE {table_name} AS t JOIN cividb_exported AS e USING ({})\n  SET {}",
        list(&keys),
        set.join(", ")
    ))?;
    let create = Meaning::new(Operation::CreateTemporaryTable, [name]);
    let create = create.pass(format!(
        "CREATE TEMPORARY TABLE cividb_exported LIKE {table_name}"
    ))?;
    script.push_str(&format!(
        "{create};\n{}{update};\nDROP TEMPORARY TABLE cividb_exported;\n",
        load("cividb_exported")?
    ));
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;
    use crate::schema::model::KeyPart;
    use crate::schema::test_schema::{column, table};

    #[test]
    fn what_loads_an_export_again_is_what_is_meant_whatever_names_are() {
        for name in hostile::names() {
            let mut definition = table(&[(name.as_str(), column("blob")), ("b", column("text"))]);
            definition.primary_key = vec![KeyPart::column("id")];
            for cleared in [Vec::new(), vec![name.clone()]] {
                let script = load_script(&name, &name, &definition, &cleared);
                // The script is whole, or there is none.
                assert_eq!(
                    script.is_err(),
                    hostile::is_unstorable(&name),
                    "{name:?}: {script:?}"
                );
            }
        }
    }
}

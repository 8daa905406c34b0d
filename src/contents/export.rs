//! The rows that differ, as files: those of the first source as they were, and those of the second as they are.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::difference::RowDifference;
use super::digest::Hashes;
use super::matching::{TablePair, Which};
use super::pass::Shape;
use super::passes::{ExportPass, KeyColumns};
use super::side::{ContentsError, Side, Watch};
use crate::row_file::{RowFile, RowFileError, file_name, folder, free_path};
use crate::schema::model::find;

/// Files of rows by table in lower case.
type Files = HashMap<String, Mutex<RowFile>>;

/// Writes the rows that differ into a folder: `TABLE.before.csv` and `TABLE.after.csv`.
pub struct Export {
    folder: PathBuf,
    before: Arc<Files>,
    after: Arc<Files>,
}

impl Export {
    /// Makes the folder, unless it is there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn to(path: &Path) -> Result<Self, RowFileError> {
        folder(path)?;
        Ok(Self {
            folder: path.to_owned(),
            before: Arc::default(),
            after: Arc::default(),
        })
    }

    /// Writes the rows that differ, by table before, out of one of the sources.
    ///
    /// # Errors
    /// The source cannot be read again, or a file cannot be written.
    pub(super) fn rows(
        &mut self,
        pairs: &[&TablePair],
        differing: &HashMap<String, RowDifference>,
        which: Which,
        side: &mut Side<'_>,
        hashes: Hashes,
        watch: Watch<'_>,
    ) -> Result<(), ContentsError> {
        let (mut tables, mut wanted) = (KeyColumns::new(), HashMap::new());
        for pair in pairs {
            let table = pair.table(which);
            let rows = differing.get(&pair.before).map(|it| it.rows_of(which));
            if let Some(rows) = rows.filter(|rows| !rows.is_empty()) {
                self.open(table, which, side)?;
                tables.insert(table.clone(), pair.key(which).clone());
                wanted.insert(table.clone(), Mutex::new(rows));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let pass = ExportPass {
            hashes,
            tables: Arc::new(tables),
            wanted: Arc::new(wanted),
            files: Arc::clone(self.files(which)),
        };
        let written = side.again(&pass, watch)?;
        let mut errors = written.tables.into_values().filter_map(|(_, error)| error);
        errors.next().map_or(Ok(()), |error| Err(error.into()))
    }

    fn files(&mut self, which: Which) -> &mut Arc<Files> {
        match which {
            Which::Before => &mut self.before,
            Which::After => &mut self.after,
        }
    }

    /// Makes the file of a table, unless it is there.
    fn open(&mut self, table: &str, which: Which, side: &Side<'_>) -> Result<(), ContentsError> {
        if self.files(which).contains_key(table) {
            return Ok(());
        }
        let Some(definition) = find(&side.snapshot.schema.tables, table) else {
            return Ok(());
        };
        let end = match which {
            Which::Before => "before",
            Which::After => "after",
        };
        let path = free_path(&self.folder, &format!("{}.{end}", file_name(table)));
        let shape = Shape::of(table, definition, None);
        let file = RowFile::create(path, shape.columns.keys().map(String::as_str))?;
        // No other pass holds the files now.
        if let Some(files) = Arc::get_mut(self.files(which)) {
            files.insert(table.to_owned(), Mutex::new(file));
        }
        Ok(())
    }

    /// Closes the files, and removes those into which nothing was written; returns their paths in order.
    ///
    /// # Errors
    /// A file cannot be written to its end.
    pub fn finish(self) -> Result<Vec<PathBuf>, RowFileError> {
        let mut paths = Vec::new();
        for files in [self.before, self.after] {
            let files = Arc::into_inner(files).unwrap_or_default();
            for file in files.into_values() {
                let mut file = file.into_inner().unwrap_or_else(PoisonError::into_inner);
                match file.sync()? > file.head() {
                    true => paths.push(file.finish()?),
                    false => file.discard()?,
                }
            }
        }
        paths.sort();
        Ok(paths)
    }
}

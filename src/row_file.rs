//! Rows as CSV files that `LOAD DATA` takes back.
//!
//! Every value stands in double quotes, with quotes inside doubled and backslashes doubled;
//! NULL is `\N` without quotes. The first line names the columns. A value without quotes would
//! not do: `LOAD DATA` takes the bare word NULL for a NULL.
//!
//! ```sql
//! LOAD DATA LOCAL INFILE 'civicrm_email.contact_id.orphan-rows.csv' INTO TABLE civicrm_email
//!   CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '\\'
//!   LINES TERMINATED BY '\n' IGNORE 1 LINES (id, contact_id, …);
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How `LOAD DATA` is told to read such a file, but for the names of file, table and columns.
pub const FORMAT: &str = "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\\\\'\n  \
                          LINES TERMINATED BY '\\n' IGNORE 1 LINES";

/// A CSV file being written.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    out: BufWriter<File>,
    /// Length of the first line, in bytes.
    head: u64,
}

/// A file of exported rows could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write rows to {}: {error}", path.display())]
pub struct RowFileError {
    /// The file or folder that could not be written.
    pub path: PathBuf,
    /// The error that the operating system reports.
    pub error: io::Error,
}

impl RowFileError {
    /// Turns an error of the system into one about this file or folder, for `map_err`.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |error| Self { path, error }
    }
}

/// Makes a folder for files of rows if it does not exist, for its owner alone.
///
/// # Errors
/// The folder cannot be made.
pub fn folder(path: &Path) -> Result<(), RowFileError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(RowFileError::at(path))
}

/// Makes a file that only its owner may read: rows are personal data. An existing file is never overwritten.
///
/// # Errors
/// The file cannot be made, or exists already.
pub fn create(path: &Path) -> Result<File, RowFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(RowFileError::at(path))
}

/// A file name for `name` that stays in its folder and is no longer than file systems allow: every character
/// that could have a meaning there is written as `%` and its bytes.
pub fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for byte in name.bytes() {
        let is_harmless = byte.is_ascii_alphanumeric() || b"_-$".contains(&byte);
        if is_harmless || byte == b'.' && !safe.is_empty() {
            safe.push(char::from(byte));
        } else {
            safe.push_str(&format!("%{byte:02X}"));
        }
    }
    safe.truncate(200);
    safe
}

/// The first of `STEM.csv`, `STEM-2.csv`, `STEM-3.csv` and so on in a folder that is not there yet.
pub fn free_path(folder: &Path, stem: &str) -> PathBuf {
    let mut path = folder.join(format!("{stem}.csv"));
    let mut number = 1;
    while path.symlink_metadata().is_ok() {
        number += 1;
        path = folder.join(format!("{stem}-{number}.csv"));
    }
    path
}

impl RowFile {
    /// Makes a file with [`create`] for rows of these columns.
    ///
    /// # Errors
    /// The file cannot be made, or exists already.
    pub fn create<'a>(
        path: PathBuf,
        columns: impl Iterator<Item = &'a str>,
    ) -> Result<Self, RowFileError> {
        let out = BufWriter::new(create(&path)?);
        let mut file = Self { path, out, head: 0 };
        file.row(columns.map(|column| Some(column.as_bytes())))?;
        let head = file.out.stream_position();
        file.head = head.map_err(RowFileError::at(&file.path))?;
        Ok(file)
    }

    /// Length of the file without any row, in bytes: that of its first line.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one row, a value for each column.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn row<V: AsRef<[u8]>>(
        &mut self,
        values: impl Iterator<Item = Option<V>>,
    ) -> Result<(), RowFileError> {
        let mut line = Vec::new();
        for (i, value) in values.enumerate() {
            if i > 0 {
                line.push(b',');
            }
            write_value(value.as_ref().map(AsRef::as_ref), &mut line);
        }
        line.push(b'\n');
        let written = self.out.write_all(&line);
        written.map_err(RowFileError::at(&self.path))
    }

    /// Writes everything through to the disk; returns the length of the file in bytes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn sync(&mut self) -> Result<u64, RowFileError> {
        let written = self.out.flush().and_then(|()| {
            self.out.get_ref().sync_all()?;
            self.out.stream_position()
        });
        written.map_err(RowFileError::at(&self.path))
    }

    /// Cuts the file back to `length` bytes.
    ///
    /// # Errors
    /// The file cannot be cut.
    pub fn cut(&mut self, length: u64) -> Result<(), RowFileError> {
        let cut = self.out.flush().and_then(|()| {
            self.out.get_ref().set_len(length)?;
            self.out.seek(SeekFrom::Start(length)).map(drop)
        });
        cut.map_err(RowFileError::at(&self.path))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn discard(self) -> Result<(), RowFileError> {
        std::fs::remove_file(&self.path).map_err(RowFileError::at(&self.path))
    }

    /// Closes the file; returns its path.
    ///
    /// # Errors
    /// The file cannot be written to its end.
    pub fn finish(mut self) -> Result<PathBuf, RowFileError> {
        self.sync()?;
        Ok(self.path)
    }
}

fn write_value(value: Option<&[u8]>, line: &mut Vec<u8>) {
    let Some(value) = value else {
        line.extend_from_slice(b"\\N");
        return;
    };
    line.push(b'"');
    for byte in value {
        match byte {
            b'"' => line.extend_from_slice(b"\"\""),
            b'\\' => line.extend_from_slice(b"\\\\"),
            0 => line.extend_from_slice(b"\\0"),
            byte => line.push(*byte),
        }
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn null_text_and_every_byte_can_be_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut file = RowFile::create(path.clone(), ["id", "a\"b"].into_iter()).unwrap();
        file.row([Some(&b"\\N"[..]), None].into_iter()).unwrap();
        file.row([Some("NULL"), Some("")].into_iter()).unwrap();
        let kept = file.sync().unwrap();
        file.row([Some("never"), None].into_iter()).unwrap();
        file.sync().unwrap();
        file.cut(kept).unwrap();
        file.row([Some(&b"a\"\n,\\\0"[..]), Some("é".as_bytes())].into_iter())
            .unwrap();
        assert_eq!(file.finish().unwrap(), path);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "\"id\",\"a\"\"b\"\n\"\\\\N\",\\N\n\"NULL\",\"\"\n\"a\"\"\n,\\\\\\0\",\"é\"\n"
        );
        let again = RowFile::create(path, [].into_iter());
        assert!(again.is_err(), "not written over");
    }

    #[test]
    fn files_of_an_earlier_run_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.csv", "x-2.csv", "x-3.csv"] {
            let path = free_path(folder.path(), "x");
            assert_eq!(path, folder.path().join(name));
            RowFile::create(path, ["id"].into_iter()).unwrap();
        }
    }

    #[test]
    fn names_of_files_stay_in_their_folder() {
        assert_eq!(file_name("../x.y"), "%2E.%2Fx.y");
        assert_eq!(file_name("a/b`c é"), "a%2Fb%60c%20%C3%A9");
        assert_eq!(file_name(&"n".repeat(300)).len(), 200);
    }
}

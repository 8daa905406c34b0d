//! Rows as CSV files that `LOAD DATA` takes back.
//!
//! Every value stands in double quotes, with quotes inside doubled and backslashes doubled;
//! NULL is `\N` without quotes. The first line names the columns.
//!
//! ```sql
//! LOAD DATA LOCAL INFILE 'civicrm_email.contact_id.orphan-rows.csv' INTO TABLE civicrm_email
//!   CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' ENCLOSED BY '"' ESCAPED BY '\\'
//!   LINES TERMINATED BY '\n' IGNORE 1 LINES (id, contact_id, …);
//! ```

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A CSV file being written.
#[derive(Debug)]
pub struct RowFile {
    path: PathBuf,
    out: BufWriter<fs::File>,
}

/// A file of exported rows could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write rows to {}: {error}", path.display())]
pub struct ExportError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub error: io::Error,
}

impl RowFile {
    /// Makes `name`.csv in a folder, which is made if need be, for rows of these columns. Only
    /// the user may read it: rows are personal data. A file that is there already is not
    /// written over.
    ///
    /// # Errors
    /// Folder or file cannot be made, or the file is there already.
    pub fn create<'a>(
        folder: &Path,
        name: &str,
        columns: impl Iterator<Item = &'a str>,
    ) -> Result<Self, ExportError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |error| ExportError { path, error }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join(format!("{}.csv", file_name(name)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed(&path))?;
        let mut file = Self {
            path,
            out: BufWriter::new(file),
        };
        file.row(columns.map(|column| Some(column.as_bytes())))?;
        Ok(file)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn row<'a>(
        &mut self,
        values: impl Iterator<Item = Option<&'a [u8]>>,
    ) -> Result<(), ExportError> {
        let mut line = Vec::new();
        for (i, value) in values.enumerate() {
            if i > 0 {
                line.push(b',');
            }
            write_value(value, &mut line);
        }
        line.push(b'\n');
        self.out.write_all(&line).map_err(|error| ExportError {
            path: self.path.clone(),
            error,
        })
    }

    /// Closes the file; returns where it is.
    ///
    /// # Errors
    /// The file cannot be written to its end.
    pub fn finish(self) -> Result<PathBuf, ExportError> {
        let Self { path, out } = self;
        let written = out.into_inner().map_err(|error| error.into_error());
        match written.and_then(|file| file.sync_all()) {
            Ok(()) => Ok(path),
            Err(error) => Err(ExportError { path, error }),
        }
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

/// A name that stays in its folder, whatever the table is called.
fn file_name(name: &str) -> String {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '$');
    let name: String = name
        .chars()
        .map(|c| if is_harmless(c) { c } else { '_' })
        .collect();
    let name = name.trim_start_matches('.');
    name.get(..200).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_text_and_every_byte_can_be_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let mut file =
            RowFile::create(folder.path(), "../x.y", ["id", "a\"b"].into_iter()).unwrap();
        file.row([Some(&b"\\N"[..]), None].into_iter()).unwrap();
        file.row([Some(&b"NULL"[..]), Some(b"")].into_iter())
            .unwrap();
        file.row([Some(&b"a\"\n,\\\0"[..]), Some("é".as_bytes())].into_iter())
            .unwrap();
        let path = file.finish().unwrap();
        assert_eq!(path, folder.path().join("_x.y.csv"));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "\"id\",\"a\"\"b\"\n\"\\\\N\",\\N\n\"NULL\",\"\"\n\"a\"\"\n,\\\\\\0\",\"é\"\n"
        );
        assert!(RowFile::create(folder.path(), "../x.y", [].into_iter()).is_err());
    }
}

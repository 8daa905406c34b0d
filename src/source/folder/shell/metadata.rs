//! The files of JSON in a folder of MySQL Shell, as far as they are needed. Versions differ in what they write, so that
//! nothing but the list of databases is asked for.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::dump::delimited::{Encoding, Format};

/// Most bytes that are read of such a file. A dump of 100,000 tables has a list of 10 MiB.
const MAX_METADATA: u64 = 64 << 20;

/// Reads one file.
///
/// # Errors
/// Why it cannot be read, as the rest of a sentence that begins with its name.
pub(super) fn load<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    file.take(MAX_METADATA)
        .read_to_end(&mut text)
        .map_err(|error| format!("cannot be read: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("is damaged: {error}"))
}

/// `@.json`: the dump.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dump {
    /// The name and version of the program.
    #[serde(default)]
    dumper: Option<String>,
    /// The version of the server that was dumped.
    #[serde(default)]
    pub(super) server_version: Option<String>,
    /// The names of the databases.
    pub(super) schemas: Vec<String>,
    /// The beginnings of the names of each database's files.
    #[serde(default)]
    pub(super) basenames: IndexMap<String, String>,
}

impl Dump {
    /// The version of the program.
    pub(super) fn program(&self) -> Option<String> {
        let (_, rest) = self.dumper.as_deref()?.split_once("Ver ")?;
        rest.split(' ').next().map(str::to_owned)
    }
}

/// `@.done.json`, which is written last.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Done {
    /// Date and time.
    pub(super) end: Option<String>,
    /// The files with rows, and the number of bytes in each before compression.
    pub(super) chunk_file_bytes: IndexMap<String, u64>,
}

/// `SCHEMA.json`: one database.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Database {
    pub(super) includes_ddl: bool,
    pub(super) includes_views_ddl: bool,
    pub(super) includes_data: bool,
    pub(super) tables: Vec<String>,
    pub(super) views: Vec<String>,
    pub(super) functions: Vec<String>,
    pub(super) procedures: Vec<String>,
    pub(super) events: Vec<String>,
    /// The beginnings of the names of the files of tables and views.
    pub(super) basenames: IndexMap<String, String>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            includes_ddl: true,
            includes_views_ddl: true,
            includes_data: true,
            tables: Vec::new(),
            views: Vec::new(),
            functions: Vec::new(),
            procedures: Vec::new(),
            events: Vec::new(),
            basenames: IndexMap::new(),
        }
    }
}

/// `SCHEMA@TABLE.json`: one table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Table {
    pub(super) options: Options,
    pub(super) triggers: Vec<String>,
    pub(super) includes_data: bool,
    /// The end of the names of its files with rows, such as `tsv.zst`.
    pub(super) extension: String,
    /// Whether the rows stand in several files with numbers.
    pub(super) chunking: bool,
    /// The beginnings of the names of the files of each partition; empty for a table without partitions.
    pub(super) basenames: IndexMap<String, String>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            options: Options::default(),
            triggers: Vec::new(),
            includes_data: true,
            extension: "tsv".to_owned(),
            chunking: false,
            basenames: IndexMap::new(),
        }
    }
}

/// How the rows of a table are written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Options {
    /// The columns in the order of the values.
    pub(super) columns: Option<Vec<String>>,
    /// The functions that decode columns of bytes.
    decode_columns: IndexMap<String, String>,
    pub(super) default_character_set: Option<String>,
    fields_terminated_by: String,
    fields_enclosed_by: String,
    fields_escaped_by: String,
    lines_terminated_by: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            columns: None,
            decode_columns: IndexMap::new(),
            default_character_set: None,
            fields_terminated_by: "\t".to_owned(),
            fields_enclosed_by: String::new(),
            fields_escaped_by: "\\".to_owned(),
            lines_terminated_by: "\n".to_owned(),
        }
    }
}

impl Options {
    /// The format of the rows; `None` where they cannot be told apart.
    pub(super) fn format(&self) -> Option<Format> {
        Format::new(
            &self.fields_terminated_by,
            &self.fields_enclosed_by,
            &self.fields_escaped_by,
            &self.lines_terminated_by,
        )
    }

    /// How the values of each of these columns are written.
    pub(super) fn encodings(&self, columns: &[String]) -> Vec<Encoding> {
        let of = |column: &String| match self.decode_columns.get(column).map(String::as_str) {
            Some("UNHEX") => Encoding::Hexadecimal,
            Some("FROM_BASE64") => Encoding::Base64,
            _ => Encoding::Plain,
        };
        columns.iter().map(of).collect()
    }
}

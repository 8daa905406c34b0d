//! References that the user imported, with one file for each in a folder of the user.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::catalogue::Catalogue;
use super::reference_file::{Origin, ReferenceFile, ReferenceTable, VERSION};
use super::release::Version;
use super::site::{Site, TABLE_PREFIX};
use crate::schema::model::{Schema, Table, find};
use crate::small_file;

/// The most bytes of the file of a reference; those of the releases have a megabyte.
const MAX_SIZE: u64 = 64 << 20;

/// Tables that CiviCRM has in all releases.
const ESSENTIAL: [&str; 2] = ["civicrm_contact", "civicrm_domain"];

/// Beginnings of names of tables that belong to one site and not to a release: custom data, temporary tables,
/// and tables with which installers and status checks try the server.
const OF_ONE_SITE: [&str; 9] = [
    "civicrm_value_",
    "civicrm_tmp_",
    "civicrm_temp_",
    "civicrm_import_job_",
    "civicrm_export_temp",
    "civicrm_task_action_temp",
    "civicrm_report_temp",
    "civicrm_install_",
    "civicrm_utf8mb4_test",
];

/// Most problems that one message lists.
const MAX_LISTED: usize = 5;

/// Why a reference could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum OwnReferenceError {
    /// The folder for references is not known.
    #[error("there is no place for imported references: set XDG_DATA_HOME or HOME")]
    NoHome,
    /// A file or folder could not be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// A file is not of the form that [`ReferenceFile`] describes.
    #[error("{}: no reference of this program: {error}; import it again", .path.display())]
    Json {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong, with line and column.
        error: serde_json::Error,
    },
    /// The file was written by a newer version of the program.
    #[error("{}: written by a newer {}, as its reference_version {version} says", .path.display(), env!("CARGO_PKG_NAME"))]
    TooNew {
        /// The path of the file.
        path: PathBuf,
        /// The number under `reference_version` in the file.
        version: u32,
    },
    /// The name cannot be used for a file.
    #[error(
        "'{0}' cannot be the name of a reference: use up to 64 letters, digits, '.', '_' and '-', \
         a letter or digit first"
    )]
    BadName(String),
    /// The name belongs to a reference of the built-in catalogue.
    #[error("'{0}' names a built-in reference; choose another name, such as my-{0}")]
    BuiltIn(String),
    /// A reference of this name exists already.
    #[error("{}: there is a reference '{name}' already; --force replaces it", .path.display())]
    Exists {
        /// The name of the reference.
        name: String,
        /// The path of its file.
        path: PathBuf,
    },
    /// The source does not hold a schema of CiviCRM.
    #[error("{from}: not a schema of CiviCRM: it has no table {table}")]
    NotCivicrm {
        /// The name of the source.
        from: String,
        /// The name of a table that is missing.
        table: &'static str,
    },
    /// Tables of a multilingual site are not those of a release.
    #[error(
        "{0}: the site is multilingual, so that its tables have columns for each language; import \
         sql/civicrm.mysql of the distribution, or the dump of a site with one language"
    )]
    Multilingual(String),
    /// Keys or foreign keys name columns or tables that do not exist.
    #[error("{from}: {}", listed(.problems))]
    Broken {
        /// The name of the source.
        from: String,
        /// What is wrong, each with the name of its table.
        problems: Vec<String>,
    },
}

type Result<T> = std::result::Result<T, OwnReferenceError>;

/// The first few problems as text, and the number of the others.
pub fn listed(problems: &[String]) -> String {
    let shown = problems.iter().take(MAX_LISTED).map(String::as_str);
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if problems.len() > MAX_LISTED {
        text.push_str(&format!("; and {} more", problems.len() - MAX_LISTED));
    }
    text
}

/// The folder of imported references.
#[derive(Clone, Debug)]
pub struct OwnReferences {
    folder: PathBuf,
}

impl OwnReferences {
    /// The user's own folder: `cividb/references` in `$XDG_DATA_HOME`, or in `~/.local/share` where that is not
    /// set or not an absolute path (XDG Base Directory Specification).
    ///
    /// # Errors
    /// The folder is not known, because neither `XDG_DATA_HOME` nor `HOME` is set.
    pub fn of_user() -> Result<Self> {
        let path = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
        let data = match path("XDG_DATA_HOME").map(PathBuf::from) {
            Some(folder) if folder.is_absolute() => folder,
            _ => {
                let home: OsString = path("HOME").ok_or(OwnReferenceError::NoHome)?;
                Path::new(&home).join(".local/share")
            }
        };
        Ok(Self::in_folder(
            data.join(env!("CARGO_PKG_NAME")).join("references"),
        ))
    }

    /// Uses any folder for references; it need not exist.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The names of all imported references, sorted.
    ///
    /// # Errors
    /// The folder exists and cannot be read.
    pub fn names(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| self.io(error))?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".json"));
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The imported reference of this name; `None` when it does not exist.
    ///
    /// # Errors
    /// Its file cannot be read, or was not written by this program.
    pub fn load(&self, name: &str) -> Result<Option<ReferenceFile>> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.path(name);
        let text = match small_file::read(&path, MAX_SIZE) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OwnReferenceError::Io { path, error }),
        };
        let reference: ReferenceFile = match serde_json::from_slice(&text) {
            Ok(reference) => reference,
            Err(error) => return Err(OwnReferenceError::Json { path, error }),
        };
        if reference.reference_version > VERSION {
            let version = reference.reference_version;
            return Err(OwnReferenceError::TooNew { path, version });
        }
        Ok(Some(reference))
    }

    /// Saves a reference, whole or not at all; returns the path of its file.
    ///
    /// # Errors
    /// A reference of this name exists and `replace` is not set, or the file cannot be written.
    pub fn save(&self, reference: &ReferenceFile, replace: bool) -> Result<PathBuf> {
        let path = self.path(&reference.name);
        if !replace && path.exists() {
            let name = reference.name.clone();
            return Err(OwnReferenceError::Exists { name, path });
        }
        fs::create_dir_all(&self.folder).map_err(|error| self.io(error))?;
        let part = self
            .folder
            .join(format!(".{}.{}.part", reference.name, std::process::id()));
        let written = serde_json::to_vec_pretty(reference)
            .map_err(io::Error::from)
            .and_then(|text| {
                let mut file = File::create(&part)?;
                file.write_all(&text)?;
                file.sync_all()?;
                fs::rename(&part, &path)
            });
        if let Err(error) = written {
            // The first error matters; a rest of the file does no harm.
            let _ = fs::remove_file(&part);
            return Err(OwnReferenceError::Io { path, error });
        }
        Ok(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn io(&self, error: io::Error) -> OwnReferenceError {
        let path = self.folder.clone();
        OwnReferenceError::Io { path, error }
    }
}

/// Whether the text can be the name of a reference: it must not have a meaning in a path.
fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Checks a name for a new reference.
///
/// # Errors
/// The name cannot be used for a file, or already means a built-in reference.
pub fn check_name(name: &str, catalogue: &Catalogue) -> Result<()> {
    if !is_name(name) {
        return Err(OwnReferenceError::BadName(name.to_owned()));
    }
    let version = Version::parse(name);
    if version.is_some_and(|version| catalogue.state_for(&version).is_some()) {
        return Err(OwnReferenceError::BuiltIn(name.to_owned()));
    }
    Ok(())
}

/// Makes a reference out of a schema. Also returns the names of the tables that were left out, because they
/// belong to one site or to other software.
///
/// # Errors
/// The schema is not a complete schema of CiviCRM, or it is that of a multilingual site.
pub fn import(
    name: &str,
    from: &str,
    schema: &Schema,
    site: Option<&Site>,
) -> Result<(ReferenceFile, Vec<String>)> {
    if site.is_some_and(|site| !site.locales().is_empty()) {
        return Err(OwnReferenceError::Multilingual(from.to_owned()));
    }
    for table in ESSENTIAL {
        if schema.table(table).is_none() {
            let from = from.to_owned();
            return Err(OwnReferenceError::NotCivicrm { from, table });
        }
    }
    let (kept, left_out): (Vec<_>, Vec<_>) = schema
        .tables
        .iter()
        .partition(|(name, _)| is_of_release(name, site));
    let problems: Vec<String> = kept
        .iter()
        .flat_map(|(name, table)| problems_of(name, table, schema, site))
        .collect();
    if !problems.is_empty() {
        let from = from.to_owned();
        return Err(OwnReferenceError::Broken { from, problems });
    }
    let tables = kept.into_iter().map(|(name, table)| {
        let table = ReferenceTable {
            owner: None,
            installed: None,
            table: table.clone(),
        };
        (name.clone(), table)
    });
    let reference = ReferenceFile {
        reference_version: VERSION,
        name: name.to_owned(),
        origin: Origin::Imported,
        releases: Vec::new(),
        imported_from: Some(from.to_owned()),
        tables: tables.collect(),
    };
    Ok((
        reference,
        left_out.into_iter().map(|(name, _)| name.clone()).collect(),
    ))
}

/// Whether a table may belong to a release or to an extension.
fn is_of_release(table: &str, site: Option<&Site>) -> bool {
    let name = table.to_ascii_lowercase();
    let custom = site.is_some_and(|site| {
        let mut groups = site.custom_groups.iter();
        groups.any(|group| group.table.eq_ignore_ascii_case(table))
    });
    name.starts_with(TABLE_PREFIX)
        && !custom
        && !OF_ONE_SITE.iter().any(|prefix| name.starts_with(prefix))
}

/// Names the columns and tables that a table's keys refer to and that do not exist.
fn problems_of(name: &str, table: &Table, schema: &Schema, site: Option<&Site>) -> Vec<String> {
    let mut problems = Vec::new();
    if table.columns.is_empty() {
        problems.push(format!("table {name} has no columns"));
    }
    let lacks = |table: &Table, column: &str| {
        // Parts of functional indexes are expressions, in parentheses.
        !column.starts_with('(') && find(&table.columns, column).is_none()
    };
    let indexes = table.indexes.iter().map(|(key, index)| (key, &index.parts));
    let primary = "PRIMARY".to_owned();
    for (key, parts) in indexes.chain([(&primary, &table.primary_key)]) {
        for part in parts.iter().filter(|part| lacks(table, &part.column)) {
            let column = &part.column;
            problems.push(format!(
                "index {key} of {name} names column {column}, which is not there"
            ));
        }
    }
    for (key, foreign) in &table.foreign_keys {
        let parent_name = &foreign.referenced_table;
        for column in foreign.columns.iter().filter(|c| lacks(table, c)) {
            problems.push(format!(
                "foreign key {key} of {name} names column {column}, which is not there"
            ));
        }
        match schema
            .table(parent_name)
            .filter(|_| is_of_release(parent_name, site))
        {
            None => problems.push(format!(
                "foreign key {key} of {name} refers to table {parent_name}, which is not there"
            )),
            Some(parent) => {
                let columns = foreign.referenced_columns.iter();
                for column in columns.filter(|column| lacks(parent, column)) {
                    problems.push(format!(
                        "foreign key {key} of {name} refers to column {column} of {parent_name}, \
                         which is not there"
                    ));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::model::{
        ByName, Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction,
    };

    fn schema() -> Schema {
        let id = Column::new("int unsigned", false);
        let table = Table {
            columns: ByName::from_iter([("id".to_owned(), id)]),
            primary_key: vec![KeyPart::column("id")],
            ..Table::default()
        };
        let names = ["civicrm_contact", "civicrm_domain", "civicrm_value_x_1"];
        Schema {
            tables: names
                .map(|name| (name.to_owned(), table.clone()))
                .into_iter()
                .collect(),
            ..Schema::default()
        }
    }

    fn key(column: &str, parent: &str, parent_column: &str) -> ForeignKey {
        ForeignKey {
            columns: vec![column.to_owned()],
            referenced_database: None,
            referenced_table: parent.to_owned(),
            referenced_columns: vec![parent_column.to_owned()],
            on_delete: ReferentialAction::Restrict,
            on_update: ReferentialAction::Restrict,
        }
    }

    #[test]
    fn every_key_that_leads_nowhere_is_named() {
        let (reference, left_out) = import("x", "x.sql", &schema(), None).expect("a schema");
        assert_eq!(reference.tables.len(), 2);
        assert_eq!(left_out, ["civicrm_value_x_1"]);

        let keys = [
            ("good", key("id", "CIVICRM_CONTACT", "ID"), None),
            (
                "FK_a",
                key("x", "civicrm_contact", "id"),
                Some("names column x"),
            ),
            (
                "FK_b",
                key("id", "civicrm_x", "id"),
                Some("table civicrm_x"),
            ),
            // Custom data is no part of the reference.
            (
                "FK_c",
                key("id", "civicrm_value_x_1", "id"),
                Some("table civicrm_value_x_1"),
            ),
            (
                "FK_d",
                key("id", "civicrm_contact", "x"),
                Some("column x of civicrm_contact"),
            ),
        ];
        for (name, key, problem) in keys {
            let mut schema = schema();
            let table = schema
                .tables
                .get_mut("civicrm_domain")
                .expect("it is there");
            table.foreign_keys.insert(name.to_owned(), key);
            match (import("x", "x.sql", &schema, None), problem) {
                (Ok(_), None) => {}
                (Err(error), Some(problem)) => {
                    let message = error.to_string();
                    assert!(message.starts_with("x.sql: foreign key "), "{message}");
                    assert!(
                        message.contains(name) && message.contains(problem),
                        "{message}"
                    );
                }
                (result, _) => panic!("{name}: {result:?}"),
            }
        }
    }

    #[test]
    fn an_index_of_no_column_and_a_missing_table_are_named() {
        let mut no_column = schema();
        let table = no_column
            .tables
            .get_mut("civicrm_domain")
            .expect("it is there");
        let index = Index {
            kind: IndexKind::Plain,
            parts: vec![KeyPart::column("x")],
        };
        table.indexes.insert("UI_x".to_owned(), index);
        let error = import("x", "x.sql", &no_column, None).expect_err("a broken index");
        assert!(
            error
                .to_string()
                .contains("index UI_x of civicrm_domain names column x")
        );

        let mut no_table = schema();
        no_table.tables.shift_remove("civicrm_contact");
        let error = import("x", "x.sql", &no_table, None).expect_err("no CiviCRM");
        assert!(error.to_string().contains("civicrm_contact"));
    }

    #[test]
    fn names_are_safe_in_a_path_and_never_hide_a_release() {
        let catalogue = Catalogue::embedded().expect("the embedded catalogue is readable");
        for good in ["my-5.81", "site_a", "6.16.0", "A"] {
            assert!(check_name(good, catalogue).is_ok(), "{good}");
        }
        for bad in [
            "", ".", "..", "../x", "a/b", "-x", "a b", "é", "4.4", "4.4.5", "5.81.7",
        ] {
            assert!(check_name(bad, catalogue).is_err(), "{bad}");
        }
        assert!(check_name(&"x".repeat(65), catalogue).is_err());
    }
}

//! Reads a folder of state files: one JSON file per schema that some CiviCRM release had, as
//! measured on a server, and three files about all of them. `history.rs` makes the histories
//! from such a folder, and `tests/catalogue.rs` holds them against it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use cividb::civicrm::catalogue::{
    Column, DeclaredSchema, Defaults, ExplicitDefaults, Extension, ForeignKey, Index, Installed,
    Owner, State, TableOptions, TableShape,
};
use cividb::civicrm::release::Version;
use cividb::schema::model::{IndexKind, KeyPart, ReferentialAction};
use md5::{Digest, Md5};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Releases that the index assigns to a later state than they had. `civicrm_site_email_address`
/// got its wider `display_name` in 6.0.3 (pull request 32431, named in the notes of that release).
const CORRECTIONS: [(&str, &str); 2] = [("6.0.0", "6.0.2.json"), ("6.0.1", "6.0.2.json")];

/// Reads all states of a folder in ascending order, and checks that its files agree.
pub fn read_folder(folder: &Path) -> Result<Vec<(State, DeclaredSchema)>> {
    let mut index: IndexFile = read(folder, "INDEX.json")?;
    for (release, file) in CORRECTIONS {
        index
            .point_release_to_file
            .insert(release.to_owned(), file.to_owned());
    }
    let timestamps: Vec<TimestampRun> = read(folder, "TIMESTAMP-MODE.json")?;
    let extensions: Vec<ExtensionRun> = read(folder, "EXTENSIONS.json")?;
    let mut states = Vec::new();
    for (name, entry) in ascending(index.versions) {
        let file: StateFile = read(folder, &entry.file)?;
        let minor = file.minor.clone();
        let served = index
            .point_release_to_file
            .iter()
            .filter(|(_, serving)| **serving == entry.file);
        let releases = ascending(served)
            .into_iter()
            .map(|(release, _)| release.clone())
            .collect();
        let state = State::new(name.clone(), file.version.clone(), releases);
        let mut schema = file.into_schema()?;
        for run in timestamps.iter().filter(|run| covers(&run.minors, &minor)) {
            for (column, mode) in &run.columns {
                // The file speaks of the last state of a minor; in earlier ones the column may be another.
                if !set_explicit_defaults(&mut schema, column, mode) && name == minor {
                    return Err(
                        format!("TIMESTAMP-MODE.json does not fit {column} of {name}").into(),
                    );
                }
            }
        }
        let mut owned = BTreeMap::new();
        for run in extensions.iter().filter(|run| covers(&run.minors, &minor)) {
            for (key, extension) in &run.extensions {
                let installed = extension.installed()?;
                schema.extensions.push(Extension {
                    key: key.clone(),
                    installed,
                });
                let tables = extension
                    .tables
                    .iter()
                    .filter(|table| !table.ends_with("(variant)"));
                owned.extend(tables.map(|table| (table.clone(), Owner::Extension(key.clone()))));
            }
        }
        let by_table = schema
            .tables
            .iter()
            .map(|(name, table)| (name.clone(), table.options.owner.clone()));
        if owned
            != by_table
                .filter(|(_, owner)| *owner != Owner::Core)
                .collect()
        {
            return Err(format!(
                "EXTENSIONS.json and {} do not name the same tables of extensions",
                entry.file
            )
            .into());
        }
        states.push((state, schema));
    }
    split_membership_types(&mut states);
    Ok(states)
}

/// Ends the state of 6.13.0 where the unique key of membership types came to be by domain: the step of 6.13.1
/// (CRM/Upgrade/Incremental/php/SixThirteen.php) makes it, which files read at 6.13.beta1 and later do not say.
fn split_membership_types(states: &mut Vec<(State, DeclaredSchema)>) {
    let Some(place) = states.iter().position(|(state, _)| state.name == "6.13") else {
        return;
    };
    let name = |text: &str| text.to_owned();
    let (first, schema) = states.remove(place);
    let last = State::new(name("6.13"), name("6.13.1"), vec![name("6.13.1")]);
    states.insert(place, (last, schema.clone()));
    let first = State::new(name("6.13.0"), first.read_at, first.releases);
    states.insert(place, (first, schema));
    for (_, schema) in states.iter_mut().skip(place + 1) {
        let table = schema.tables.get_mut("civicrm_membership_type");
        for index in table.into_iter().flat_map(|table| &mut table.indexes) {
            if index.name == "UI_name" {
                index.name = name("UI_name_domain_id");
                index.columns.push(KeyPart::column("domain_id"));
            }
        }
    }
}

/// A hash of everything a schema holds, the order of columns and keys included.
pub fn fingerprint(schema: &DeclaredSchema) -> Result<String> {
    let text = serde_json::to_string(schema)?;
    Ok(Md5::digest(text.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect())
}

fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> Result<T> {
    let text = fs::read_to_string(folder.join(file)).map_err(|e| format!("{file}: {e}"))?;
    Ok(serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?)
}

/// By version number, a bare minor release (its last state) after its point releases.
fn ascending<K: AsRef<str>, V>(map: impl IntoIterator<Item = (K, V)>) -> Vec<(K, V)> {
    let key = |name: &str| {
        let version = Version::parse(name);
        let minor = version.as_ref().map(Version::major_minor);
        (minor, name.split('.').count() == 2, version)
    };
    let mut entries: Vec<(K, V)> = map.into_iter().collect();
    entries.sort_by_cached_key(|(name, _)| key(name.as_ref()));
    entries
}

fn covers([first, last]: &[String; 2], minor: &str) -> bool {
    let number = |name: &str| Version::parse(name).map(|version| version.major_minor());
    (number(first)..=number(last)).contains(&number(minor))
}

/// Notes how a TIMESTAMP column comes out with explicit defaults; `false` if it is not the column meant.
fn set_explicit_defaults(schema: &mut DeclaredSchema, name: &str, mode: &TimestampMode) -> bool {
    let Some((table, column)) = name.split_once('.') else {
        return false;
    };
    let table = schema.tables.get_mut(table);
    let column = table.and_then(|t| t.columns.iter_mut().find(|c| c.name == column));
    match column {
        Some(c) if ExplicitDefaults::from(&mode.explicit_defaults_off) == c.defaults() => {
            c.explicit_defaults = Some((&mode.explicit_defaults_on).into());
            true
        }
        _ => false,
    }
}

#[derive(Deserialize)]
struct IndexFile {
    versions: BTreeMap<String, IndexEntry>,
    point_release_to_file: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct IndexEntry {
    file: String,
}

#[derive(Deserialize)]
struct TimestampRun {
    minors: [String; 2],
    columns: BTreeMap<String, TimestampMode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimestampMode {
    explicit_defaults_off: ModeFile,
    explicit_defaults_on: ModeFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeFile {
    nullable: bool,
    default: Option<String>,
    on_update: Option<Now>,
}

impl From<&ModeFile> for ExplicitDefaults {
    fn from(mode: &ModeFile) -> Self {
        Self {
            nullable: mode.nullable,
            default: mode.default.clone(),
            on_update_now: mode.on_update.is_some(),
        }
    }
}

/// The only thing a column is ever updated with.
#[derive(Deserialize)]
enum Now {
    #[serde(rename = "CURRENT_TIMESTAMP")]
    CurrentTimestamp,
}

#[derive(Deserialize)]
struct ExtensionRun {
    minors: [String; 2],
    extensions: BTreeMap<String, ExtensionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtensionFile {
    on_after_install: String,
    tables: Vec<String>,
}

impl ExtensionFile {
    fn installed(&self) -> Result<Installed> {
        Ok(match self.on_after_install.as_str() {
            "in the installer list" => Installed::ByDefault,
            "only in Standalone" => Installed::OnStandalone,
            "no" => Installed::OnRequest,
            other => return Err(format!("EXTENSIONS.json: `{other}` is not known").into()),
        })
    }
}

// Every key of a state file is named below, so that none can be lost unnoticed.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    version: String,
    minor: String,
    default_charset: String,
    default_collation: String,
    engine: String,
    row_format: Option<String>,
    tables: BTreeMap<String, TableFile>,
    #[serde(default)]
    variant_tables: BTreeMap<String, TableFile>,
    #[serde(rename = "source")]
    _source: IgnoredAny,
    #[serde(rename = "definition")]
    _definition: IgnoredAny,
    #[serde(rename = "adjusted", default)]
    _adjusted: IgnoredAny,
}

impl StateFile {
    fn into_schema(self) -> Result<DeclaredSchema> {
        let shapes = |tables: BTreeMap<String, TableFile>| {
            tables
                .into_iter()
                .map(|(name, table)| Ok((name, table.into_shape()?)))
                .collect::<Result<_>>()
        };
        Ok(DeclaredSchema {
            defaults: Defaults {
                engine: self.engine,
                charset: canonical_charset(&self.default_charset),
                collation: canonical_charset(&self.default_collation),
                row_format: self.row_format,
            },
            extensions: Vec::new(),
            tables: shapes(self.tables)?,
            variants: shapes(self.variant_tables)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    owner: String,
    #[serde(default)]
    log: bool,
    engine: Option<IgnoredAny>,
    collation: Option<String>,
    /// Absent: as the head of the file says; null: none.
    #[serde(default, with = "present")]
    row_format: Option<Option<String>>,
    primary_key: Vec<String>,
    columns: Vec<ColumnFile>,
    indexes: Vec<IndexFileEntry>,
    foreign_keys: Vec<ForeignKeyFile>,
}

mod present {
    use serde::{Deserialize, Deserializer};

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<String>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

impl TableFile {
    fn into_shape(self) -> Result<TableShape> {
        if self.engine.is_some() {
            return Err(
                "a table with an engine of its own: the history format has no place for that yet"
                    .into(),
            );
        }
        Ok(TableShape {
            options: TableOptions {
                owner: self.owner.into(),
                log: self.log,
                primary_key: self.primary_key,
                collation: self.collation.as_deref().map(canonical_charset),
                row_format: self
                    .row_format
                    .map(|format| format.unwrap_or_else(|| "DEFAULT".to_owned())),
            },
            columns: self
                .columns
                .into_iter()
                .map(ColumnFile::into_column)
                .collect(),
            indexes: self
                .indexes
                .into_iter()
                .map(IndexFileEntry::into_index)
                .collect(),
            foreign_keys: self
                .foreign_keys
                .into_iter()
                .map(ForeignKeyFile::into_key)
                .collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    name: String,
    r#type: String,
    nullable: bool,
    default: Option<String>,
    auto_increment: bool,
    on_update: Option<Now>,
    collation: Option<String>,
    localizable: bool,
}

impl ColumnFile {
    fn into_column(self) -> Column {
        Column {
            name: self.name,
            data_type: self.r#type,
            nullable: self.nullable,
            default: self.default,
            on_update_now: self.on_update.is_some(),
            auto_increment: self.auto_increment,
            collation: self.collation.as_deref().map(canonical_charset),
            localizable: self.localizable,
            explicit_defaults: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexFileEntry {
    name: String,
    unique: bool,
    fulltext: bool,
    columns: Vec<KeyPartFile>,
    localizable: bool,
    implied_by_fk: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyPartFile {
    name: String,
    length: Option<u32>,
}

impl IndexFileEntry {
    fn into_index(self) -> Index {
        let part = |part: KeyPartFile| KeyPart {
            length: part.length,
            ..KeyPart::column(part.name)
        };
        Index {
            name: self.name,
            kind: match (self.unique, self.fulltext) {
                (true, _) => IndexKind::Unique,
                (false, true) => IndexKind::Fulltext,
                (false, false) => IndexKind::Plain,
            },
            columns: self.columns.into_iter().map(part).collect(),
            localizable: self.localizable,
            implied_by_fk: self.implied_by_fk,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignKeyFile {
    name: String,
    columns: Vec<String>,
    ref_table: String,
    ref_columns: Vec<String>,
    on_delete: Option<Rule>,
    on_update: Option<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Rule {
    Cascade,
    #[serde(rename = "SET NULL")]
    SetNull,
}

impl ForeignKeyFile {
    fn into_key(self) -> ForeignKey {
        let action = |rule: Option<Rule>| match rule {
            None => ReferentialAction::Restrict,
            Some(Rule::Cascade) => ReferentialAction::Cascade,
            Some(Rule::SetNull) => ReferentialAction::SetNull,
        };
        ForeignKey {
            name: self.name,
            columns: self.columns,
            ref_table: self.ref_table,
            ref_columns: self.ref_columns,
            on_delete: action(self.on_delete),
            on_update: action(self.on_update),
        }
    }
}

/// State files write `utf8` for what the model calls `utf8mb3`.
fn canonical_charset(name: &str) -> String {
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name.to_owned(),
    }
}

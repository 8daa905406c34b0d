//! A schema to compare with, as JSON: what `cividb reference show` prints and
//! `cividb reference import` keeps.
//!
//! ```json
//! {
//!   "reference_version": 1,
//!   "name": "4.4.5",
//!   "origin": "built-in",
//!   "releases": ["4.4.4", "4.4.5"],
//!   "tables": {
//!     "civicrm_domain": {
//!       "owner": "core",
//!       "installed": "always",
//!       "columns": {"id": {"type": "int unsigned", "nullable": false, "auto_increment": true}},
//!       "primary_key": [{"column": "id"}],
//!       "indexes": {"UI_name": {"kind": "unique", "parts": [{"column": "name"}]}},
//!       "foreign_keys": {"FK_civicrm_domain_contact_id": {"columns": ["contact_id"],
//!         "referenced_table": "civicrm_contact", "referenced_columns": ["id"]}},
//!       "engine": "InnoDB", "charset": "utf8mb3", "collation": "utf8mb3_unicode_ci"
//!     }
//!   }
//! }
//! ```
//!
//! Columns, indexes and foreign keys stand in the order of the table, with their names as keys. The model
//! ([`crate::schema::model::Table`]) says what each key means and how types are spelled; a default is
//! `{"literal": "0"}` or `{"expression": "CURRENT_TIMESTAMP"}`. Values that are false, empty, unknown or
//! RESTRICT are left out. Keys are only ever added.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Installed, Owner, State};
use crate::schema::model::{Schema, Table};

/// The current number under `reference_version`.
pub const VERSION: u32 = 1;

/// A schema to compare with, in the form in which it is printed and kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceFile {
    /// The number of the file's form; this program writes [`VERSION`].
    pub reference_version: u32,
    /// The name of the state in the catalogue, or the name that the user gave.
    pub name: String,
    /// Whether the reference is built in or imported.
    pub origin: Origin,
    /// The point releases known to have this schema, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// The source that it was imported from; `None` for a built-in reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_from: Option<String>,
    /// The tables of the reference by name.
    pub tables: IndexMap<String, ReferenceTable>,
}

/// The origin of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The reference is part of the program.
    BuiltIn,
    /// The reference was imported by the user.
    Imported,
}

impl Origin {
    /// The word used in JSON and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Imported => "imported",
        }
    }
}

/// A table, with what is known beyond its DDL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceTable {
    /// The owner of the table; `None` for imported tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Which sites get the table; `None` for imported tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Installed>,
    /// The definition of the table.
    #[serde(flatten)]
    pub table: Table,
}

impl ReferenceFile {
    /// Makes the reference of a state of the catalogue: the tables of a fresh installation with a content
    /// management system, or with `all` every table shipped with it.
    pub fn of_state(catalogue: &Catalogue, state: &State, all: bool) -> Self {
        let release = catalogue.schema(state);
        let schema = if all {
            release.schema.clone()
        } else {
            release.plain_install()
        };
        let tables = schema.tables.into_iter().map(|(name, table)| {
            let facts = release.tables.get(&name);
            let table = ReferenceTable {
                owner: facts.map(|facts| facts.owner.clone()),
                installed: facts.map(|facts| facts.installed),
                table,
            };
            (name, table)
        });
        Self {
            reference_version: VERSION,
            name: state.name.clone(),
            origin: Origin::BuiltIn,
            releases: state.releases.clone(),
            imported_from: None,
            tables: tables.collect(),
        }
    }

    /// The tables as a schema of the model.
    pub fn schema(&self) -> Schema {
        let tables = self.tables.iter();
        Schema {
            tables: tables
                .map(|(name, table)| (name.clone(), table.table.clone()))
                .collect(),
            ..Schema::default()
        }
    }
}

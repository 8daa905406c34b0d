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
//! Columns, indexes and foreign keys stand in the order of the table, their names as keys. The
//! model ([`crate::schema::model::Table`]) says what each key means and how types are spelled; a
//! default is `{"literal": "0"}` or `{"expression": "CURRENT_TIMESTAMP"}`. What is no, empty,
//! unknown or RESTRICT is left out. Keys are only ever added.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Installed, Owner, State};
use crate::schema::model::{Schema, Table};

/// The number under `reference_version`.
pub const VERSION: u32 = 1;

/// See the module's description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceFile {
    /// Of this form: [`VERSION`].
    pub reference_version: u32,
    /// The state of the catalogue, or the name the user gave.
    pub name: String,
    /// Who made it.
    pub origin: Origin,
    /// The point releases known to have this schema, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// What it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported_from: Option<String>,
    /// The tables by name.
    pub tables: IndexMap<String, ReferenceTable>,
}

/// Who made a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is part of the program.
    BuiltIn,
    /// The user imported it.
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
    /// Who brings it; not known of imported tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Which sites get it; not known of imported tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Installed>,
    /// The table itself.
    #[serde(flatten)]
    pub table: Table,
}

impl ReferenceFile {
    /// A state of the catalogue: the tables of a fresh installation with a content management
    /// system, or all that were shipped with it.
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

    /// The tables in the terms of the model.
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

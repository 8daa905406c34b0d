//! The schema of one state in the terms of the model.

use indexmap::IndexMap;

use super::history::{Owner, TableShape, charset_of};
use super::{Catalogue, Defaults, Installed, State};
use crate::schema::model::{self, KeyPart, Schema, Table};

/// The schema of one state, with what CiviCRM knows of its tables beyond their DDL.
#[derive(Clone, Debug)]
pub struct ReleaseSchema<'a> {
    /// The state.
    pub state: &'a State,
    /// Every table of the state, those of all extensions shipped with it included, by name.
    pub schema: Schema,
    /// What there is to know about each of these tables.
    pub tables: IndexMap<String, ReleaseTable>,
    /// Other shapes that extensions give to tables of core, with the name of that table.
    pub variants: Vec<(String, Table, ReleaseTable)>,
}

/// What CiviCRM knows of a table beyond its DDL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseTable {
    /// Who brings it.
    pub owner: Owner,
    /// Which sites get it.
    pub installed: Installed,
    /// Whether CiviCRM describes it as one to be logged.
    pub logged: bool,
    /// Columns that a multilingual site has once per locale, in table order.
    pub localizable_columns: Vec<String>,
    /// Indexes that a multilingual site has once per locale.
    pub localizable_indexes: Vec<String>,
    /// Indexes that the server makes for a foreign key of the same name.
    pub implied_indexes: Vec<String>,
    /// Columns that come out differently on a server with `explicit_defaults_for_timestamp=ON`.
    pub explicit_timestamps: IndexMap<String, model::Column>,
}

impl<'a> ReleaseSchema<'a> {
    pub(super) fn new(catalogue: &Catalogue, state: &'a State) -> Self {
        let defaults = catalogue.defaults(state);
        let build = |shape: TableShape| {
            let installed = catalogue.installed(state, &shape.options.owner);
            let facts = ReleaseTable::new(&shape, installed, &charset(&shape, defaults));
            (table(shape, defaults), facts)
        };
        let mut reference = Self {
            state,
            schema: Schema::default(),
            tables: IndexMap::new(),
            variants: Vec::new(),
        };
        for history in catalogue.histories() {
            if let Some(shape) = history.at(state.place()) {
                let (table, facts) = build(shape);
                reference.schema.tables.insert(history.name.clone(), table);
                reference.tables.insert(history.name.clone(), facts);
            }
        }
        for history in catalogue.variants() {
            if let Some(shape) = history.at(state.place()) {
                let (table, facts) = build(shape);
                reference
                    .variants
                    .push((history.name.clone(), table, facts));
            }
        }
        reference
    }

    /// The schema that a fresh installation with a content management system has: core, and
    /// the extensions that are turned on by default.
    pub fn plain_install(&self) -> Schema {
        let is_plain = |name: &str| {
            self.tables
                .get(name)
                .is_some_and(|t| matches!(t.installed, Installed::Always | Installed::ByDefault))
        };
        let mut schema = self.schema.clone();
        schema.tables.retain(|name, _| is_plain(name));
        schema
    }
}

impl ReleaseTable {
    fn new(shape: &TableShape, installed: Installed, charset: &str) -> Self {
        let indexes = || shape.indexes.iter();
        Self {
            owner: shape.options.owner.clone(),
            installed,
            logged: shape.options.log,
            localizable_columns: shape
                .columns
                .iter()
                .filter(|c| c.localizable)
                .map(|c| c.name.clone())
                .collect(),
            localizable_indexes: indexes()
                .filter(|i| i.localizable)
                .map(|i| i.name.clone())
                .collect(),
            implied_indexes: indexes()
                .filter(|i| i.implied_by_fk)
                .map(|i| i.name.clone())
                .collect(),
            explicit_timestamps: shape
                .columns
                .iter()
                .filter_map(|c| Some((c.name.clone(), c.to_model_explicit(charset)?)))
                .collect(),
        }
    }
}

/// The character set of a table's text.
fn charset(shape: &TableShape, defaults: Option<&Defaults>) -> String {
    match (&shape.options.collation, defaults) {
        (Some(collation), _) => charset_of(collation).to_owned(),
        (None, Some(defaults)) => defaults.charset.clone(),
        (None, None) => String::new(),
    }
}

fn table(shape: TableShape, defaults: Option<&Defaults>) -> Table {
    let charset = charset(&shape, defaults);
    Table {
        columns: shape
            .columns
            .into_iter()
            .map(|c| (c.name.clone(), c.to_model(&charset)))
            .collect(),
        primary_key: shape
            .options
            .primary_key
            .into_iter()
            .map(KeyPart::column)
            .collect(),
        indexes: shape
            .indexes
            .into_iter()
            .map(|i| (i.name.clone(), i.to_model()))
            .collect(),
        foreign_keys: shape
            .foreign_keys
            .into_iter()
            .map(|k| (k.name.clone(), k.to_model()))
            .collect(),
        checks: Vec::new(),
        engine: defaults.map(|d| d.engine.clone()),
        collation: shape
            .options
            .collation
            .or_else(|| defaults.map(|d| d.collation.clone())),
        row_format: match shape.options.row_format {
            Some(format) => (format != "DEFAULT").then_some(format),
            None => defaults.and_then(|d| d.row_format.clone()),
        },
        charset: (!charset.is_empty()).then_some(charset),
    }
}

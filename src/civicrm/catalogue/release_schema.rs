//! The schema of one state as the model has it.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::history::{TableHistory, holding};
use super::items::{Owner, TableOptions};
use super::{Catalogue, Defaults, Installed, State};
use crate::schema::charset::of_collation;
use crate::schema::model::{self, ByName, KeyPart, Schema, Table};

/// The schema of one state, with what CiviCRM knows of its tables beyond their DDL.
#[derive(Clone, Debug)]
pub struct ReleaseSchema<'a> {
    /// The state whose schema this is.
    pub state: &'a State,
    /// Every table of the state, those of all extensions shipped with it included, by name.
    pub schema: Schema,
    /// What CiviCRM knows of each of these tables beyond its DDL.
    pub tables: IndexMap<String, ReleaseTable>,
    /// Other forms that extensions give to tables of core, each with the name of that table.
    pub variants: Vec<(String, Table, ReleaseTable)>,
}

/// What CiviCRM knows of a table beyond its DDL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseTable {
    /// The owner of the table.
    pub owner: Owner,
    /// Which sites get the table.
    pub installed: Installed,
    /// Whether CiviCRM describes the table as one to be logged.
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
        let mut release = Self {
            state,
            schema: Schema::default(),
            tables: IndexMap::new(),
            variants: Vec::new(),
        };
        for history in catalogue.histories() {
            if let Some((table, facts)) = catalogue.table(history, state) {
                release.schema.tables.insert(history.name.clone(), table);
                release.tables.insert(history.name.clone(), facts);
            }
        }
        for history in catalogue.variants() {
            if let Some((table, facts)) = catalogue.table(history, state) {
                release.variants.push((history.name.clone(), table, facts));
            }
        }
        release
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
    fn new(
        history: &TableHistory,
        options: &TableOptions,
        charset: &str,
        catalogue: &Catalogue,
        state: &State,
    ) -> Self {
        let columns = || holding(&history.columns, state.place());
        let indexes = || holding(&history.indexes, state.place());
        Self {
            owner: options.owner.clone(),
            installed: catalogue.installed(state, &options.owner),
            logged: options.log,
            localizable_columns: columns()
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
            explicit_timestamps: columns()
                .filter_map(|c| Some((c.name.clone(), c.to_model_explicit(charset)?)))
                .collect(),
        }
    }
}

impl Catalogue {
    /// The form of one table in a state, and what CiviCRM knows of it beyond that; `None` where the state lacks it.
    pub fn table(&self, history: &TableHistory, state: &State) -> Option<(Table, ReleaseTable)> {
        let options = holding(&history.options, state.place()).next()?;
        let charset = charset(options, self.defaults(state));
        Some((
            table(history, options, charset, self, state),
            ReleaseTable::new(history, options, charset, self, state),
        ))
    }

    /// The default character set and collation of that table, without building it.
    pub fn charset_of<'h>(
        &'h self,
        history: &'h TableHistory,
        state: &State,
    ) -> (Option<&'h str>, Option<&'h str>) {
        let Some(options) = holding(&history.options, state.place()).next() else {
            return (None, None);
        };
        let defaults = self.defaults(state);
        let charset = Some(charset(options, defaults)).filter(|charset| !charset.is_empty());
        let own = options.collation.as_deref();
        (charset, own.or(defaults.map(|d| d.collation.as_str())))
    }
}

/// The default character set of a table.
fn charset<'a>(options: &'a TableOptions, defaults: Option<&'a Defaults>) -> &'a str {
    match &options.collation {
        Some(collation) => of_collation(collation),
        None => defaults.map_or("", |d| &d.charset),
    }
}

/// Collects at most this many objects by name; a map that grows as they come costs as much again.
fn collect<T>(most: usize, objects: impl Iterator<Item = (String, T)>) -> ByName<T> {
    let mut map = ByName::with_capacity_and_hasher(most, RandomState::default());
    map.extend(objects);
    map
}

fn table(
    history: &TableHistory,
    options: &TableOptions,
    charset: &str,
    catalogue: &Catalogue,
    state: &State,
) -> Table {
    let defaults = catalogue.defaults(state);
    let place = state.place();
    Table {
        columns: collect(
            history.columns.len(),
            holding(&history.columns, place).map(|c| (c.name.clone(), c.to_model(charset))),
        ),
        primary_key: options.primary_key.iter().map(KeyPart::column).collect(),
        indexes: collect(
            history.indexes.len(),
            holding(&history.indexes, place).map(|i| (i.name.clone(), i.to_model())),
        ),
        foreign_keys: collect(
            history.foreign_keys.len(),
            holding(&history.foreign_keys, place).map(|k| (k.name.clone(), k.to_model())),
        ),
        checks: Vec::new(),
        engine: defaults.map(|d| d.engine.clone()),
        charset: (!charset.is_empty()).then(|| charset.to_owned()),
        collation: (options.collation.as_ref())
            .or(defaults.map(|d| &d.collation))
            .cloned(),
        row_format: match options.row_format.as_deref() {
            Some("DEFAULT") => None,
            Some(format) => Some(format.to_owned()),
            None => defaults.and_then(|d| d.row_format.clone()),
        },
    }
}

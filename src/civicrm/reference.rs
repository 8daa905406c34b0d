//! The schema that a given database should have in a given release.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};

use super::age::{Age, Aged};
use super::catalogue::{Catalogue, Owner, ReleaseSchema, ReleaseTable, State, TableHistory};
use super::classify::{Class, Classifier};
use super::multilingual;
use super::naming::hashed_name;
use super::release::Version;
use super::site::Site;
use super::{custom, either_form};
use crate::schema::compare::{self, DifferenceKind, usual_charset};
use crate::schema::model::{Schema, Table, find};

/// The database that is compared with releases.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The tables of the database.
    pub schema: &'a Schema,
    /// The site as the database's rows describe it; `None` when that is not known.
    pub site: Option<&'a Site>,
    /// Whether a server wrote the tables. A text that no server has run yet, such as CiviCRM's own
    /// `civicrm.mysql`, need not have the indexes that a server makes for foreign keys.
    pub from_server: bool,
}

/// The schema that a database is compared with: a release's tables, with the parts that depend on the site as
/// the site has them. Built for one schema and one state.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The tables that should exist.
    pub schema: Schema,
    /// The options of the comparison with these tables.
    pub options: compare::Options,
    /// The names of those tables that hold custom data, which no release declares.
    pub custom: HashSet<String>,
    /// The languages of the site: as its rows say, or else as the names of its columns show; empty where it has one.
    pub locales: Vec<String>,
}

impl Reference {
    /// Makes the reference for `subject` in `state`.
    ///
    /// - Tables of an extension should be there where the site has the extension: by
    ///   `civicrm_extension`, or without its rows where one of its tables is there.
    /// - Standalone sites have other shapes of some tables of core.
    /// - Multilingual sites have localizable columns and indexes once per locale.
    /// - A TIMESTAMP column may come out of either setting of `explicit_defaults_for_timestamp`.
    /// - A database all in utf8mb3 is as good as one all in utf8mb4; a mixture is not.
    /// - From 6.0 on long foreign keys go by their long or by their hashed name.
    /// - Tables of custom data are as the rows of their groups and fields ask for ([`custom`]).
    pub fn new(catalogue: &Catalogue, state: &State, subject: Subject) -> Self {
        let Subject {
            schema: actual,
            site,
            from_server,
        } = subject;
        let release = catalogue.schema(state);
        let owners = owners(site, &release, actual);
        let locales = locales(site, &release, actual);
        let ReleaseSchema {
            mut schema,
            mut tables,
            variants,
            ..
        } = release;
        for (name, table, facts) in variants {
            if owners.contains(&facts.owner) {
                schema.tables.insert(name.clone(), table);
                // The table remains one of core, which every site has.
                let owner = Owner::Core;
                tables.insert(name, ReleaseTable { owner, ..facts });
            }
        }
        // A table that core has given up to an extension stays behind on sites without the extension.
        let is_of_core = |name: &str| {
            let history = catalogue.history(name);
            history.is_some_and(TableHistory::is_of_core)
        };
        schema.tables.retain(|name, _| {
            let facts = tables.get(name);
            facts.is_some_and(|facts| owners.contains(&facts.owner))
                || actual.table(name).is_some() && !is_of_core(name)
        });
        for (name, table) in &mut schema.tables {
            let Some(facts) = tables.get(name) else {
                continue;
            };
            let ours = actual.table(name);
            accept_explicit_timestamps(table, facts, ours);
            localize(name, table, facts, &locales, ours, state);
        }
        either_form::accept(&mut schema, state, actual);
        let mut options = compare::Options {
            not_from_server: !from_server,
            ..compare::Options::default()
        };
        if Version::parse(&state.name).is_some_and(|version| version.major_minor() >= (6, 0)) {
            options.foreign_key_aliases = long_names(&schema);
        }
        if usual_charset(actual).is_some_and(|charset| charset.starts_with("utf8")) {
            schema = compare::in_charset_of(schema, actual);
            accept_either_utf8(&mut schema, actual);
        }
        let mut reference = Self {
            schema,
            options,
            custom: HashSet::new(),
            locales,
        };
        reference.add_custom_data(site, actual);
        reference
    }

    /// Adds the tables of custom data that the database has, in the character set of the others.
    fn add_custom_data(&mut self, site: Option<&Site>, actual: &Schema) {
        let like = self.schema.table("civicrm_custom_group");
        let (Some(site), Some(like)) = (site, like.cloned()) else {
            return;
        };
        for made in custom::tables(site, actual, &like) {
            if self.schema.table(&made.name).is_some() {
                continue;
            }
            if let Some(name) = made.key_names.first() {
                let aliases = &mut self.options.foreign_key_aliases;
                aliases.insert(name.clone(), made.key_names.clone());
            }
            self.schema.tables.insert(made.name.clone(), made.table);
            self.custom.insert(made.name);
        }
    }

    /// The differences between the subject and the reference, with the age of each. A table that the reference
    /// does not know counts only where core has it in another release.
    pub fn differences(&self, catalogue: &Catalogue, state: &State, subject: Subject) -> Vec<Aged> {
        let actual = subject.schema;
        let classifier = Classifier::new(catalogue, state, subject.site);
        let is_of_other_release = |table: &str| match classifier.class(table) {
            Class::OtherRelease => true,
            Class::ShippedExtension(_) => catalogue
                .history(table)
                .is_some_and(TableHistory::is_of_core),
            _ => false,
        };
        compare::compare(actual, &self.schema, &self.options)
            .into_iter()
            .filter(|difference| {
                difference.kind != DifferenceKind::TableExtra
                    || is_of_other_release(&difference.table)
            })
            .map(|difference| Aged {
                age: Age::of(&difference, actual, catalogue, state),
                difference,
            })
            .collect()
    }
}

/// The owners of the tables that a site has: core, and the extensions that `civicrm_extension` lists or, where that
/// is not known, of which a table exists.
fn owners(site: Option<&Site>, release: &ReleaseSchema, actual: &Schema) -> HashSet<Owner> {
    let extensions: HashSet<Owner> = match site.and_then(|site| site.extensions.clone()) {
        Some(listed) => listed.into_iter().map(Owner::Extension).collect(),
        None => {
            let tables = release.tables.iter();
            let seen = tables.filter(|(table, _)| actual.tables.contains_key(*table));
            seen.map(|(_, facts)| facts.owner.clone()).collect()
        }
    };
    extensions.into_iter().chain([Owner::Core]).collect()
}

/// The languages of the site: as its rows say, or else as the names of its columns show.
fn locales(site: Option<&Site>, release: &ReleaseSchema, actual: &Schema) -> Vec<String> {
    if let Some(site) = site
        && !site.locales().is_empty()
    {
        return site.locales().to_vec();
    }
    let mut found: IndexSet<&str> = IndexSet::new();
    for (name, facts) in &release.tables {
        let Some(table) = actual.tables.get(name) else {
            continue;
        };
        let localizable = facts.localizable_columns.iter();
        for column in localizable.filter(|column| !table.columns.contains_key(*column)) {
            let ends = table.columns.keys().filter_map(|ours| {
                let end = ours.strip_prefix(column.as_str())?;
                end.strip_prefix('_')
            });
            found.extend(ends.filter(|end| is_locale(end)));
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

/// Whether a text has the form of a locale such as `en_US`.
pub(super) fn is_locale(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, b'_', c, d]
        if [a, b].iter().all(|l| l.is_ascii_lowercase()) && [c, d].iter().all(|l| l.is_ascii_uppercase()))
}

/// Changes a column to the form that a server with `explicit_defaults_for_timestamp=ON` makes of it, where the
/// database has that form.
fn accept_explicit_timestamps(table: &mut Table, facts: &ReleaseTable, ours: Option<&Table>) {
    let Some(ours) = ours else { return };
    for (name, explicit) in &facts.explicit_timestamps {
        if let Some(column) = find(&ours.columns, name)
            && compare::column_aspects(column, ours, explicit, table).is_empty()
        {
            table.columns.insert(name.clone(), explicit.clone());
        }
    }
}

/// Accepts both forms of columns with a collation of their own: they keep the utf8 in which they were declared
/// when a database is made in the other one, and lose it when the database is converted.
fn accept_either_utf8(schema: &mut Schema, actual: &Schema) {
    for (name, table) in &mut schema.tables {
        let Some(ours) = actual.table(name) else {
            continue;
        };
        for (name, column) in &mut table.columns {
            let Some(collation) = &column.collation else {
                continue;
            };
            if let Some(ours) = find(&ours.columns, name)
                && let Some(own) = &ours.collation
                && let (Some((utf8, kind)), Some((own_utf8, own_kind))) =
                    (collation.split_once('_'), own.split_once('_'))
                && kind == own_kind
                && [utf8, own_utf8]
                    .iter()
                    .all(|charset| charset.starts_with("utf8"))
            {
                column.charset.clone_from(&ours.charset);
                column.collation.clone_from(&ours.collation);
            }
        }
    }
}

/// Puts a column or index per locale in the place of each localizable one.
fn localize(
    name: &str,
    table: &mut Table,
    facts: &ReleaseTable,
    locales: &[String],
    ours: Option<&Table>,
    state: &State,
) {
    let our_column = |column: &str| ours.and_then(|ours| find(&ours.columns, column));
    if locales.is_empty() {
        for column in &facts.localizable_columns {
            if let Some(plain) = table.columns.get_mut(column) {
                *plain = multilingual::column_of_one_language(plain, our_column(column), state);
            }
        }
        return;
    }
    let table_name = name;
    let is_localizable = |column: &String| facts.localizable_columns.contains(column);
    let mut columns = IndexMap::with_capacity(table.columns.len());
    for (name, column) in std::mem::take(&mut table.columns) {
        if is_localizable(&name) {
            for locale in locales {
                let own = format!("{name}_{locale}");
                let ours = our_column(&own);
                let column =
                    multilingual::column_of_language(table_name, &name, &column, ours, state);
                columns.insert(own, column);
            }
        } else {
            columns.insert(name, column);
        }
    }
    table.columns = columns;
    let mut indexes = IndexMap::with_capacity(table.indexes.len());
    for (name, index) in std::mem::take(&mut table.indexes) {
        if !facts.localizable_indexes.contains(&name) {
            indexes.insert(name, index);
            continue;
        }
        for locale in locales {
            let mut index = index.clone();
            for part in &mut index.parts {
                if is_localizable(&part.column) {
                    part.column = format!("{}_{locale}", part.column);
                }
            }
            indexes.insert(format!("{name}_{locale}"), index);
        }
    }
    table.indexes = indexes;
}

/// The long names of the foreign keys whose names are hashed in fresh installations.
fn long_names(schema: &Schema) -> HashMap<String, Vec<String>> {
    let mut aliases = HashMap::new();
    for (table, definition) in &schema.tables {
        for (name, key) in &definition.foreign_keys {
            let base = format!("{table}_{}", key.columns.join("_"));
            let hashed = hashed_name(&base);
            let names = hashed.map(|hashed| vec![format!("FK_{base}"), format!("FK_{hashed}")]);
            if let Some(names) = names.filter(|names| names.contains(name)) {
                aliases.insert(name.clone(), names);
            }
        }
    }
    aliases
}

//! Which tables a database should have in a given release, and what decides their form.
//!
//! The tables themselves are built when they are asked for, so that a database can be held against several releases
//! without building again what they have in common.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use indexmap::{IndexMap, IndexSet};

use super::catalogue::{Catalogue, Owner, ReleaseTable, State, TableHistory};
use super::naming::{LONGEST, hashed_name};
use super::reference::{Reference, Subject};
use super::release::Version;
use super::{custom, either_form, multilingual};
use crate::schema::compare::{self, TheirCharset, usual_charset};
use crate::schema::model::{ByName, Schema, Table, find};

/// From here on long foreign keys go by their long or by their hashed name.
const LONG_NAMES: (u32, u32) = (6, 0);
/// The table after which those of custom data are made.
const CUSTOM_GROUP: &str = "civicrm_custom_group";

/// The history that has the form of each table, by name.
type Forms<'a> = IndexMap<&'a str, &'a TableHistory, RandomState>;

/// The tables that a database should have in one state, not built yet.
///
/// - Tables of an extension should be there where the site has the extension: by
///   `civicrm_extension`, or without its rows where one of its tables is there.
/// - Standalone sites have other shapes of some tables of core.
/// - Multilingual sites have localizable columns and indexes once per locale.
/// - A TIMESTAMP column may come out of either setting of `explicit_defaults_for_timestamp`.
/// - A database all in utf8mb3 is as good as one all in utf8mb4; a mixture is not.
/// - From 6.0 on long foreign keys go by their long or by their hashed name.
/// - Tables of custom data are as the rows of their groups and fields ask for ([`custom`]).
#[derive(Clone, Debug)]
pub(super) struct Outline<'a> {
    catalogue: &'a Catalogue,
    state: &'a State,
    subject: Subject<'a>,
    tables: Forms<'a>,
    locales: Vec<String>,
    /// `None` where the tables keep the character set of the release.
    charset: Option<TheirCharset>,
}

impl<'a> Outline<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, state: &'a State, subject: Subject<'a>) -> Self {
        let actual = subject.schema;
        let of_state = |history: &&'a TableHistory| history.owner(state).is_some();
        let mut tables: Forms = catalogue
            .histories()
            .filter(of_state)
            .map(|history| (history.name.as_str(), history))
            .collect();
        let owners = owners(&tables, state, subject);
        let locales = locales(&tables, state, subject);
        let is_owned = |history: &TableHistory| {
            let owner = history.owner(state);
            owner.is_some_and(|owner| owners.contains(owner))
        };
        for variant in catalogue.variants().filter(|variant| is_owned(variant)) {
            tables.insert(&variant.name, variant);
        }
        // A table that core has given up to an extension stays behind on sites without the extension.
        let is_of_core = |name: &str| {
            let history = catalogue.history(name);
            history.is_some_and(TableHistory::is_of_core)
        };
        tables.retain(|name, history| {
            is_owned(history) || actual.table(name).is_some() && !is_of_core(name)
        });
        let is_utf8 = usual_charset(actual).is_some_and(|charset| charset.starts_with("utf8"));
        let charset = is_utf8.then(|| {
            let histories = tables.values();
            TheirCharset::of(actual, histories.map(|it| catalogue.charset_of(it, state)))
        });
        Self {
            catalogue,
            state,
            subject,
            tables,
            locales,
            charset: charset.flatten(),
        }
    }

    /// Builds the tables whose names `is_wanted` says yes to.
    pub(super) fn reference(&self, is_wanted: impl Fn(&str) -> bool) -> Reference {
        let mut reference = Reference {
            schema: Schema::default(),
            options: compare::Options {
                not_from_server: !self.subject.from_server,
                ..compare::Options::default()
            },
            custom: HashSet::new(),
            locales: self.locales.clone(),
        };
        for (name, history) in self.tables.iter().filter(|(name, _)| is_wanted(name)) {
            let Some(table) = self.table(name, history) else {
                continue;
            };
            if !is_before(self.state, LONG_NAMES) {
                let aliases = &mut reference.options.foreign_key_aliases;
                aliases.extend(long_names(name, &table));
            }
            reference.schema.tables.insert((*name).to_owned(), table);
        }
        self.add_custom_data(&mut reference, is_wanted);
        reference
    }

    /// The tables that cannot be taken to be as in the other outline, for the same database: `None` where the two
    /// releases have rules of their own, so that no table can be.
    pub(super) fn unlike(&self, other: &Outline) -> Option<Unlike<'a>> {
        let turns_between = |release: &(u32, u32)| {
            is_before(self.state, *release) != is_before(other.state, *release)
        };
        let have_same_rules = self.locales == other.locales
            && self.charset == other.charset
            && self.catalogue.defaults(self.state) == other.catalogue.defaults(other.state)
            && either_form::are_alike(self.state, other.state)
            && !multilingual::TURNS.iter().any(turns_between);
        if !have_same_rules {
            return None;
        }
        let (place, other_place) = (self.state.place(), other.state.place());
        let mut histories = Vec::new();
        // What one of the releases does not have may be in the database all the same.
        for history in self.catalogue.histories() {
            let name = history.name.as_str();
            let (form, other_form) = (self.tables.get(name), other.tables.get(name));
            let is_same = match (form, other_form) {
                (Some(form), Some(other)) => {
                    std::ptr::eq(*form, *other) && form.is_same(place, other_place)
                }
                (None, None) => true,
                _ => false,
            };
            let has_long_names = |form: &&TableHistory| {
                let mut keys = form.foreign_keys.iter();
                keys.any(|key| is_long(name, &key.item.columns))
            };
            let is_same = is_same
                && history.is_same(place, other_place)
                && !(turns_between(&LONG_NAMES)
                    && form.copied().is_some_and(|it| has_long_names(&it)));
            if !is_same {
                histories.push(history);
            }
        }
        Some(Unlike {
            custom_data: histories.iter().any(|it| it.name == CUSTOM_GROUP),
            histories,
        })
    }

    fn table(&self, name: &str, history: &TableHistory) -> Option<Table> {
        let (mut table, facts) = self.catalogue.table(history, self.state)?;
        let ours = self.subject.schema.table(name);
        accept_explicit_timestamps(&mut table, &facts, ours);
        localize(name, &mut table, &facts, &self.locales, ours, self.state);
        either_form::accept(name, &mut table, self.state, ours);
        if let Some(charset) = &self.charset {
            charset.give(&mut table);
            if let Some(ours) = ours {
                accept_either_utf8(&mut table, ours);
            }
        }
        Some(table)
    }

    /// Adds the tables of custom data that the database has, in the character set of the others.
    fn add_custom_data(&self, reference: &mut Reference, is_wanted: impl Fn(&str) -> bool) {
        let like = reference.schema.table(CUSTOM_GROUP);
        let (Some(site), Some(like)) = (self.subject.site, like.cloned()) else {
            return;
        };
        for made in custom::tables(site, self.subject.schema, &like) {
            let is_name = |name: &&str| name.eq_ignore_ascii_case(&made.name);
            if !is_wanted(&made.name)
                || reference.schema.table(&made.name).is_some()
                || self.tables.keys().any(is_name)
            {
                continue;
            }
            if let Some(name) = made.key_names.first() {
                let aliases = &mut reference.options.foreign_key_aliases;
                aliases.insert(name.clone(), made.key_names.clone());
            }
            reference
                .schema
                .tables
                .insert(made.name.clone(), made.table);
            reference.custom.insert(made.name);
        }
    }
}

/// The tables in which two outlines for one database may differ.
pub(super) struct Unlike<'a> {
    /// The tables of releases among them.
    histories: Vec<&'a TableHistory>,
    /// Whether tables that no release has are among them.
    custom_data: bool,
}

impl Unlike<'_> {
    /// Whether a table is among them, whatever the letter case of its name.
    pub(super) fn contains(&self, catalogue: &Catalogue, table: &str) -> bool {
        match catalogue.history(table) {
            Some(history) => self.histories.iter().any(|it| std::ptr::eq(*it, history)),
            None => self.custom_data,
        }
    }
}

fn is_before(state: &State, release: (u32, u32)) -> bool {
    Version::parse(&state.name).is_none_or(|version| version.major_minor() < release)
}

/// The owners of the tables that a site has: core, and the extensions that `civicrm_extension` lists or, where that
/// is not known, of which a table exists.
fn owners(tables: &Forms, state: &State, Subject { schema, site, .. }: Subject) -> HashSet<Owner> {
    let extensions: HashSet<Owner> = match site.and_then(|site| site.extensions.clone()) {
        Some(listed) => listed.into_iter().map(Owner::Extension).collect(),
        None => {
            let seen = tables
                .iter()
                .filter(|(name, _)| schema.tables.contains_key(**name));
            seen.filter_map(|(_, history)| history.owner(state).cloned())
                .collect()
        }
    };
    extensions.into_iter().chain([Owner::Core]).collect()
}

/// The languages of the site: as its rows say, or else as the names of its columns show.
fn locales(tables: &Forms, state: &State, Subject { schema, site, .. }: Subject) -> Vec<String> {
    if let Some(site) = site
        && !site.locales().is_empty()
    {
        return site.locales().to_vec();
    }
    let mut found: IndexSet<&str> = IndexSet::new();
    for (name, history) in tables {
        let Some(table) = schema.tables.get(*name) else {
            continue;
        };
        let localizable = history
            .columns_at(state)
            .filter(|column| column.localizable);
        for column in localizable.filter(|column| !table.columns.contains_key(&column.name)) {
            let ends = table.columns.keys().filter_map(|ours| {
                let end = ours.strip_prefix(column.name.as_str())?;
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
fn accept_either_utf8(table: &mut Table, ours: &Table) {
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
    let mut columns = ByName::with_capacity_and_hasher(table.columns.len(), RandomState::default());
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
    let mut indexes = ByName::with_capacity_and_hasher(table.indexes.len(), RandomState::default());
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

/// What the name of a foreign key says behind `FK_`, where it is not hashed.
fn after_columns(table: &str, columns: &[String]) -> String {
    format!("{table}_{}", columns.join("_"))
}

/// Whether the name of such a foreign key is hashed in fresh installations.
fn is_long(table: &str, columns: &[String]) -> bool {
    let length: usize = columns.iter().map(|column| column.len() + 1).sum();
    // Most are shorter in bytes already, and need not be put together.
    table.len() + length > LONGEST && hashed_name(&after_columns(table, columns)).is_some()
}

/// The names of those foreign keys of a table whose names are hashed in fresh installations, long and hashed.
fn long_names(table: &str, definition: &Table) -> impl Iterator<Item = (String, Vec<String>)> {
    let keys = definition.foreign_keys.iter();
    keys.filter_map(move |(name, key)| {
        let base = after_columns(table, &key.columns);
        let hashed = hashed_name(&base)?;
        let names = vec![format!("FK_{base}"), format!("FK_{hashed}")];
        names.contains(name).then(|| (name.clone(), names))
    })
}

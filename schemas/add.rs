//! Adds a release to a catalogue, from the tables that a fresh installation of it has.
//!
//! SQL does not say all that the histories keep: who brings a table, whether it is one to be
//! logged, which columns a multilingual site has once per language, and what a TIMESTAMP column
//! is on servers of both settings. What the release before had keeps what was known of it; of
//! what is new the caller says so ([`Facts`]), and [`Added::news`] lists it to be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use cividb::civicrm::catalogue::{
    Catalogue, Column, DeclaredSchema, Extension, ForeignKey, Index, Installed, Owner, State,
    TableOptions, TableShape,
};
use cividb::civicrm::release::Version;
use cividb::schema::model::{self, ByName, DefaultValue, IndexKind, KeyPart, Table};
use indexmap::IndexMap;

use super::state_file::fingerprint;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What SQL does not say of new tables, columns and indexes.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Key of the extension that brings a table, by table; all others are of core.
    pub extensions: BTreeMap<String, String>,
    /// Who gets an extension, by its key; one that is not named here is as it was, and a new one
    /// is in every fresh installation.
    pub installed: BTreeMap<String, Installed>,
    /// Columns and indexes that multilingual sites have once per language, as `table.name`.
    pub localizable: BTreeSet<String>,
    /// Tables of extensions that the release no longer has. Others stay where they are not read.
    pub gone: BTreeSet<String>,
    /// Tables that CiviCRM describes as ones to be logged.
    pub logged: BTreeSet<String>,
}

/// A catalogue with one release more.
#[derive(Debug)]
pub struct Added {
    /// The catalogue.
    pub catalogue: Catalogue,
    /// The text of `state-hashes.json` that belongs to it.
    pub hashes: String,
    /// What is new, gone or different in comparison with the release before, a line each.
    pub news: Vec<String>,
}

/// Adds a release (`6.16.0`) that has these tables. `hashes` is the text of `state-hashes.json`.
///
/// # Errors
/// The release is known already, or older than one of the same minor release that is; or it has
/// something that the histories have no place for.
pub fn add(
    catalogue: &Catalogue,
    hashes: &str,
    release: &str,
    tables: &ByName<Table>,
    facts: &Facts,
) -> Result<Added> {
    let version = Version::parse(release).ok_or("a release looks like 6.16.0")?;
    let mut states: Vec<(State, DeclaredSchema)> = catalogue
        .states()
        .iter()
        .filter_map(|state| Some((state.clone(), catalogue.declared(state)?)))
        .collect();
    let minor = |state: &State| Version::parse(&state.name).map(|version| version.major_minor());
    let before = states
        .iter()
        .rposition(|(state, _)| minor(state) <= Some(version.major_minor()))
        .ok_or("no state before it is known")?;
    let (last, previous) = states.get(before).ok_or("no state before it is known")?;
    let mut news = Vec::new();
    let schema = declare(previous, tables, facts, &mut news)?;

    let mut hashes: IndexMap<String, String> = serde_json::from_str(hashes)?;
    let hash = fingerprint(&schema)?;
    let (major, number) = version.major_minor();
    let name = format!("{major}.{number}");
    let releases: Vec<String> = match release.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        true => vec![release.to_owned()],
        // Alphas and betas are not listed: the state of their minor release serves them.
        false => Vec::new(),
    };
    let mut state = State::new(name.clone(), release.to_owned(), releases);
    if minor(last) != Some(version.major_minor()) {
        states.insert(before + 1, (state, schema));
        hashes.shift_insert(before + 1, name, hash);
    } else {
        let known = Version::parse(last.releases.last().unwrap_or(&last.read_at));
        if known.is_some_and(|known| version <= known) {
            return Err(format!("{release} is not newer than {}", last.last_release()).into());
        }
        let is_same = *previous == schema;
        let (mut last, previous) = states.remove(before);
        if last.releases.is_empty() || is_same {
            // It served nobody yet, or goes on.
            last.releases.append(&mut state.releases);
            state.releases = last.releases;
            states.insert(before, (state, schema));
            hashes.insert(name, hash);
        } else {
            let ended = last.last_release().to_owned();
            let (place, _, old) = hashes.shift_remove_full(&name).ok_or("no hash of it")?;
            hashes.shift_insert(place, ended.clone(), old);
            hashes.shift_insert(place + 1, name, hash);
            last.name = ended;
            states.insert(before, (last, previous));
            states.insert(before + 1, (state, schema));
        }
    }
    let lines: Vec<String> = hashes
        .iter()
        .map(|(name, hash)| format!("\"{name}\": \"{hash}\""))
        .collect();
    Ok(Added {
        catalogue: Catalogue::from_states(states),
        hashes: format!("{{\n {}\n}}\n", lines.join(",\n ")),
        news,
    })
}

/// What a release declares that has these tables, `previous` being what the one before does.
fn declare(
    previous: &DeclaredSchema,
    tables: &ByName<Table>,
    facts: &Facts,
    news: &mut Vec<String>,
) -> Result<DeclaredSchema> {
    let mut schema = DeclaredSchema {
        tables: BTreeMap::new(),
        ..previous.clone()
    };
    for (name, table) in tables {
        let old = previous.tables.get(name);
        let mut shape = shape(name, table, old, previous, facts)?;
        if let Some(key) = facts.extensions.get(name) {
            shape.options.owner = Owner::Extension(key.clone());
        }
        if old.is_none() {
            let TableOptions { owner, log, .. } = &shape.options;
            let owner = String::from(owner.clone());
            let logged = if *log { "" } else { "not " };
            news.push(format!("new table {name}: {owner}, {logged}to be logged"));
        }
        compare(name, old, &shape, news);
        schema.tables.insert(name.clone(), shape);
    }
    for (name, old) in &previous.tables {
        if schema.tables.contains_key(name) {
            continue;
        }
        let Owner::Extension(key) = &old.options.owner else {
            news.push(format!("gone table {name}"));
            continue;
        };
        if facts.gone.contains(name) {
            news.push(format!("gone table {name}: ext:{key}"));
            continue;
        }
        // No fresh installation has the tables of extensions that are not turned on, and CiviCRM's
        // civicrm.mysql has those of none.
        let extension = previous
            .extensions
            .iter()
            .find(|extension| extension.key == *key);
        if extension.is_some_and(|extension| extension.installed == Installed::ByDefault) {
            news.push(format!("kept table {name}, which was not read: ext:{key}"));
        }
        schema.tables.insert(name.clone(), old.clone());
    }
    let mut keys: BTreeSet<&String> = BTreeSet::new();
    for shape in schema.tables.values().chain(schema.variants.values()) {
        if let Owner::Extension(key) = &shape.options.owner {
            keys.insert(key);
        }
    }
    let known = |key: &String| previous.extensions.iter().find(|known| known.key == *key);
    let mut extensions: Vec<Extension> = Vec::new();
    for key in keys {
        let installed = (facts.installed.get(key).copied())
            .or(known(key).map(|known| known.installed))
            .unwrap_or(Installed::ByDefault);
        if known(key).is_none_or(|known| known.installed != installed) {
            news.push(format!("extension {key}: {installed:?}"));
        }
        let key = key.clone();
        extensions.push(Extension { key, installed });
    }
    // Those that were there keep their order.
    extensions.sort_by_key(|extension| {
        let place = previous
            .extensions
            .iter()
            .position(|old| old.key == extension.key);
        place.unwrap_or(usize::MAX)
    });
    schema.extensions = extensions;
    Ok(schema)
}

fn shape(
    name: &str,
    table: &Table,
    old: Option<&TableShape>,
    previous: &DeclaredSchema,
    facts: &Facts,
) -> Result<TableShape> {
    let defaults = &previous.defaults;
    if table
        .engine
        .as_ref()
        .is_some_and(|engine| *engine != defaults.engine)
    {
        return Err(format!(
            "{name} has an engine of its own, for which the histories have no place"
        )
        .into());
    }
    let is_localizable = |item: &str| facts.localizable.contains(&format!("{name}.{item}"));
    let column = |(column, definition): (&String, &model::Column)| {
        let known = old.and_then(|old| old.columns.iter().find(|known| known.name == *column));
        column_of(column, definition, known, is_localizable(column))
    };
    let mut indexes: Vec<Index> = Vec::new();
    for (index, definition) in &table.indexes {
        indexes.push(Index {
            name: index.clone(),
            kind: definition.kind,
            columns: definition.parts.clone(),
            localizable: is_localizable(index),
            implied_by_fk: is_of_foreign_key(index, &definition.parts, table),
        });
    }
    // CiviCRM's own civicrm.mysql leaves these to the server.
    for (key, definition) in &table.foreign_keys {
        if !has_index(table, &definition.columns) {
            indexes.push(Index {
                name: key.clone(),
                kind: IndexKind::Plain,
                columns: definition.columns.iter().map(KeyPart::column).collect(),
                localizable: false,
                implied_by_fk: true,
            });
        }
    }
    for index in &mut indexes {
        let known = old.and_then(|old| old.indexes.iter().find(|known| known.name == index.name));
        if let Some(known) = known {
            index.localizable |= known.localizable;
            index.implied_by_fk = known.implied_by_fk;
        }
    }
    let mut foreign_keys: Vec<ForeignKey> = table
        .foreign_keys
        .iter()
        .map(|(key, definition)| ForeignKey {
            name: key.clone(),
            columns: definition.columns.clone(),
            ref_table: definition.referenced_table.clone(),
            ref_columns: definition.referenced_columns.clone(),
            on_delete: definition.on_delete,
            on_update: definition.on_update,
        })
        .collect();
    // Their order means nothing, and servers print another one than CiviCRM declares.
    if let Some(old) = old {
        indexes = in_order_of(indexes, &old.indexes, |index| &index.name);
        foreign_keys = in_order_of(foreign_keys, &old.foreign_keys, |key| &key.name);
    }
    let differs =
        |value: &Option<String>, usual: &str| value.clone().filter(|value| value != usual);
    Ok(TableShape {
        options: TableOptions {
            owner: old.map_or(Owner::Core, |old| old.options.owner.clone()),
            log: old.is_some_and(|old| old.options.log) || facts.logged.contains(name),
            primary_key: table
                .primary_key
                .iter()
                .map(|part| part.column.clone())
                .collect(),
            collation: differs(&table.collation, &defaults.collation),
            row_format: match (&table.row_format, &defaults.row_format) {
                (None, Some(_)) => Some("DEFAULT".to_owned()),
                (own, usual) => own.clone().filter(|own| Some(own) != usual.as_ref()),
            },
        },
        columns: table.columns.iter().map(column).collect(),
        indexes,
        foreign_keys,
    })
}

/// A column that was there keeps what SQL does not say, whichever setting of
/// `explicit_defaults_for_timestamp` the server had.
fn column_of(
    name: &str,
    column: &model::Column,
    known: Option<&Column>,
    localizable: bool,
) -> Column {
    let new = Column {
        name: name.to_owned(),
        data_type: column.data_type.clone(),
        nullable: column.nullable,
        default: column.default.clone().map(|default| match default {
            DefaultValue::Literal(text) | DefaultValue::Expression(text) => text,
        }),
        on_update_now: column.on_update_now,
        auto_increment: column.auto_increment,
        collation: column.collation.clone(),
        localizable: localizable || known.is_some_and(|known| known.localizable),
        explicit_defaults: None,
    };
    let Some(known) = known else {
        return new;
    };
    let either = [Some(known.defaults()), known.explicit_defaults.clone()];
    let is_same = Column {
        nullable: known.nullable,
        default: known.default.clone(),
        on_update_now: known.on_update_now,
        explicit_defaults: known.explicit_defaults.clone(),
        ..new.clone()
    } == *known;
    match is_same && either.contains(&Some(new.defaults())) {
        true => known.clone(),
        false => new,
    }
}

/// Whether an index is what a server makes for a foreign key: on its columns, under its name.
fn is_of_foreign_key(index: &str, parts: &[KeyPart], table: &Table) -> bool {
    table.foreign_keys.get(index).is_some_and(|key| {
        let parts = parts.iter().map(|part| &part.column);
        parts.eq(key.columns.iter())
    })
}

/// Whether the primary key or an index begins with these columns.
fn has_index(table: &Table, columns: &[String]) -> bool {
    let begins = |parts: &[KeyPart]| {
        parts.len() >= columns.len()
            && parts.iter().zip(columns).all(|(part, column)| {
                part.length.is_none() && part.column.eq_ignore_ascii_case(column)
            })
    };
    begins(&table.primary_key) || table.indexes.values().any(|index| begins(&index.parts))
}

/// What was there in its old order; what is new right behind what stands before it.
fn in_order_of<T>(items: Vec<T>, old: &[T], name: impl Fn(&T) -> &String) -> Vec<T> {
    let place = |item: &T| old.iter().position(|old| name(old) == name(item));
    let mut ordered: Vec<(Option<usize>, T)> = Vec::new();
    let mut new: Vec<(Option<String>, T)> = Vec::new();
    let mut before: Option<String> = None;
    for item in items {
        let predecessor = before.replace(name(&item).clone());
        match place(&item) {
            Some(place) => ordered.push((Some(place), item)),
            None => new.push((predecessor, item)),
        }
    }
    ordered.sort_by_key(|(place, _)| *place);
    let mut ordered: Vec<T> = ordered.into_iter().map(|(_, item)| item).collect();
    for (predecessor, item) in new {
        let at = match &predecessor {
            None => Some(0),
            Some(before) => ordered
                .iter()
                .position(|item| name(item) == before)
                .map(|at| at + 1),
        };
        ordered.insert(at.unwrap_or(ordered.len()), item);
    }
    ordered
}

/// Says what is new, gone or different in a table.
fn compare(name: &str, old: Option<&TableShape>, new: &TableShape, news: &mut Vec<String>) {
    fn each<T: PartialEq>(
        kind: &str,
        table: &str,
        (old, new): (&[T], &[T]),
        name: impl Fn(&T) -> &String,
        is_localizable: impl Fn(&T) -> bool,
        news: &mut Vec<String>,
    ) {
        for item in new {
            let localizable = match is_localizable(item) {
                true => ", localizable",
                false => "",
            };
            match old.iter().find(|old| name(old) == name(item)) {
                None => news.push(format!("new {kind} {table}.{}{localizable}", name(item))),
                Some(old) if old != item => {
                    news.push(format!("different {kind} {table}.{}", name(item)));
                }
                Some(_) => {}
            }
        }
        for item in old {
            if !new.iter().any(|new| name(new) == name(item)) {
                news.push(format!("gone {kind} {table}.{}", name(item)));
            }
        }
    }
    let old_columns = old.map_or(&[][..], |old| &old.columns);
    let old_indexes = old.map_or(&[][..], |old| &old.indexes);
    let old_keys = old.map_or(&[][..], |old| &old.foreign_keys);
    each(
        "column",
        name,
        (old_columns, &new.columns),
        |c| &c.name,
        |c| c.localizable,
        news,
    );
    each(
        "index",
        name,
        (old_indexes, &new.indexes),
        |i| &i.name,
        |i| i.localizable,
        news,
    );
    each(
        "foreign key",
        name,
        (old_keys, &new.foreign_keys),
        |k| &k.name,
        |_| false,
        news,
    );
    if old.is_some_and(|old| old.options != new.options) {
        news.push(format!("different options of table {name}"));
    }
}

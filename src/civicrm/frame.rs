//! What decides which tables a database should have in a state of the catalogue, and in which form.
//!
//! Two states with like frames ask for the same form of every table whose history is the same in both, so that a
//! schema that is compared with several states is compared with each such table once.

use std::collections::{HashMap, HashSet};
use std::ptr;

use indexmap::{IndexMap, IndexSet};

use super::catalogue::{Catalogue, Defaults, Owner, ReleaseTable, State, TableHistory};
use super::reference::{Subject, is_locale};
use super::release::Version;
use super::{either_form, multilingual};
use crate::schema::compare::{Conversion, usual_charset};
use crate::schema::model::{Schema, Table};

/// What the tables that a database should have in one state depend on, beyond the history of each.
#[derive(Clone, Debug)]
pub(super) struct Frame<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) state: &'a State,
    /// The tables, in the order of the reference: their histories, and who brings each.
    tables: Vec<&'a TableHistory>,
    likeness: Likeness<'a>,
}

/// What two frames have in common if they ask for the same form of tables whose histories are the same.
#[derive(Clone, Debug, PartialEq)]
struct Likeness<'a> {
    defaults: Option<&'a Defaults>,
    locales: Vec<String>,
    conversion: Option<Conversion>,
    hashes_names: bool,
    either_forms: either_form::Era,
    multilingual: multilingual::Era,
}

impl<'a> Frame<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, state: &'a State, subject: Subject<'_>) -> Self {
        let actual = subject.schema;
        let owners = owners(catalogue, state, subject);
        let has = |history: &TableHistory| {
            let owner = history.owner(state);
            owner.is_some_and(|owner| owners.contains(owner))
        };
        // A table that core has given up to an extension stays behind on sites without the extension.
        let stays = |history: &TableHistory| {
            history.options(state).is_some()
                && actual.table(&history.name).is_some()
                && !history.is_of_core()
        };
        let mut variants: Vec<&TableHistory> = catalogue.variants().filter(|it| has(it)).collect();
        let mut variant_of = |history: &TableHistory| {
            let place = variants.iter().position(|it| it.name == history.name)?;
            Some(variants.remove(place))
        };
        let mut tables = Vec::new();
        for history in catalogue.histories() {
            if history.options(state).is_none() {
                continue;
            }
            match variant_of(history) {
                // The table remains one of core, which every site has.
                Some(variant) => tables.push(variant),
                None if has(history) || stays(history) => tables.push(history),
                None => {}
            }
        }
        tables.extend(variants);
        let is_utf8 = || usual_charset(actual).is_some_and(|charset| charset.starts_with("utf8"));
        let charsets = tables.iter().filter_map(|history| {
            let options = history.options(state)?;
            Some(catalogue.charset(options, state))
        });
        let conversion = Conversion::new(charsets, actual).filter(|_| is_utf8());
        let version = Version::parse(&state.name);
        Self {
            likeness: Likeness {
                defaults: catalogue.defaults(state),
                locales: locales(catalogue, state, subject),
                conversion,
                hashes_names: version.is_some_and(|version| version.major_minor() >= (6, 0)),
                either_forms: either_form::Era::of(state),
                multilingual: multilingual::Era::of(state),
            },
            catalogue,
            state,
            tables,
        }
    }

    /// The tables whose names `wanted` takes, in the order of the reference, each with its name and with what CiviCRM
    /// knows of it beyond its DDL.
    pub(super) fn tables(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&'a str, Table, ReleaseTable)> {
        let (catalogue, state) = (self.catalogue, self.state);
        let tables = self.tables.iter();
        let tables = tables.filter(move |history| wanted(&history.name));
        tables.filter_map(move |history| {
            let (table, facts) = catalogue.table(history, state)?;
            Some((history.name.as_str(), table, facts))
        })
    }

    /// The languages of the site.
    pub(super) fn locales(&self) -> &[String] {
        &self.likeness.locales
    }

    /// How the character sets of the tables change; `None` where they stay as they are.
    pub(super) fn conversion(&self) -> Option<&Conversion> {
        self.likeness.conversion.as_ref()
    }

    /// Whether long foreign keys go by their long or by their hashed name.
    pub(super) fn hashes_names(&self) -> bool {
        self.likeness.hashes_names
    }

    /// Which objects have two forms.
    pub(super) fn either_forms(&self) -> either_form::Era {
        self.likeness.either_forms
    }

    /// The names, in lower case, of the tables that this frame and another one do not ask for in the same form;
    /// `None` when that may be all.
    pub(super) fn changed(&self, other: &Self) -> Option<HashSet<String>> {
        if self.likeness != other.likeness {
            return None;
        }
        let places = (self.state.place(), other.state.place());
        let is_same = |ours: &TableHistory, theirs: &TableHistory| {
            ptr::eq(ours, theirs) && ours.is_same(places.0, places.1)
        };
        let mut theirs: HashMap<&str, &TableHistory> =
            (other.tables.iter().map(|it| (it.name.as_str(), *it))).collect();
        let ours = self.tables.iter().filter(|ours| {
            let theirs = theirs.remove(ours.name.as_str());
            !theirs.is_some_and(|theirs| is_same(ours, theirs))
        });
        let ours: Vec<&str> = ours.map(|history| history.name.as_str()).collect();
        let names = ours.into_iter().chain(theirs.into_keys());
        // What a table that neither has belongs to may have changed as well.
        let left = (self.catalogue.histories())
            .filter(|history| history.owner(self.state) != history.owner(other.state))
            .map(|history| history.name.as_str());
        Some(names.chain(left).map(str::to_ascii_lowercase).collect())
    }
}

/// The owners of the tables that a site has: core, and the extensions that `civicrm_extension` lists or, where that
/// is not known, of which a table exists.
fn owners(catalogue: &Catalogue, state: &State, subject: Subject) -> HashSet<Owner> {
    let extensions: HashSet<Owner> = match subject.site.and_then(|site| site.extensions.clone()) {
        Some(listed) => listed.into_iter().map(Owner::Extension).collect(),
        None => {
            let tables = &subject.schema.tables;
            let seen = catalogue
                .histories()
                .filter(|history| tables.contains_key(&history.name));
            seen.filter_map(|history| history.owner(state).cloned())
                .collect()
        }
    };
    extensions.into_iter().chain([Owner::Core]).collect()
}

/// The languages of the site: as its rows say, or else as the names of its columns show.
fn locales(catalogue: &Catalogue, state: &State, subject: Subject) -> Vec<String> {
    let Subject {
        schema: actual,
        site,
        ..
    } = subject;
    if let Some(site) = site
        && !site.locales().is_empty()
    {
        return site.locales().to_vec();
    }
    let mut found: IndexSet<&str> = IndexSet::new();
    for history in catalogue.histories() {
        if let Some(table) = actual.tables.get(&history.name) {
            for column in history.localizable_columns(state) {
                add_locales(column, table, &mut found);
            }
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

/// Adds the languages of which a table has a column of its own in the place of a localizable one.
fn add_locales<'a>(column: &str, table: &'a Table, found: &mut IndexSet<&'a str>) {
    if table.columns.contains_key(column) {
        return;
    }
    let ends = table.columns.keys().filter_map(|ours| {
        let end = ours.strip_prefix(column)?;
        end.strip_prefix('_')
    });
    found.extend(ends.filter(|end| is_locale(end)));
}

/// The tables of a schema whose names `wanted` takes.
pub(super) fn named(schema: &Schema, wanted: impl Fn(&str) -> bool) -> IndexMap<String, &Table> {
    let tables = schema.tables.iter().filter(|(name, _)| wanted(name));
    tables.map(|(name, table)| (name.clone(), table)).collect()
}

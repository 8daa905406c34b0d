//! Which parts of a dump are wanted: tables by whom they belong to or by name, and what goes with them.

use std::collections::{HashMap, HashSet};

use glob::Pattern;
use indexmap::IndexMap;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use crate::civicrm::classify::Class;
use crate::civicrm::owner::{Owner, Owners, Ownership};
use crate::schema::model::Schema;

/// Tables, as an option names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tables {
    /// Those that belong to CiviCRM.
    Civicrm,
    /// Those that do not: of the CMS and of others.
    Cms,
    /// Log tables of CiviCRM, of which the structure stays.
    Logs,
    /// Tables of CiviCRM and Drupal whose rows these make again by themselves; the structure stays.
    Caches,
    /// Those whose names match a pattern, with `*`, `?` and `[…]`.
    Named(Pattern),
}

/// What becomes of tables of which nobody can tell whose they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Undecided {
    /// They are asked for: nothing is written.
    #[default]
    Ask,
    /// They are taken.
    Keep,
    /// They are left out.
    Leave,
}

/// The parts of a dump that the user wants; by default all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only these tables, and what goes with them; empty for all.
    pub only: Vec<Tables>,
    /// These tables are left out, or their rows are.
    pub without: Vec<Tables>,
    /// Of these tables the rows are left out.
    pub structure_only: Vec<Pattern>,
    /// What becomes of tables that nobody can place.
    pub undecided: Undecided,
}

impl Wanted {
    /// Whether all of the dump is wanted.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.without.is_empty() && self.structure_only.is_empty()
    }

    /// The first pattern that matches no table and no view: most likely a name that is not spelled right.
    pub fn matching_nothing(&self, schema: &Schema) -> Option<String> {
        let named = self
            .only
            .iter()
            .chain(&self.without)
            .filter_map(|tables| match tables {
                Tables::Named(pattern) => Some(pattern),
                _ => None,
            });
        let names = || schema.tables.keys().chain(schema.views.keys());
        let matches = |pattern: &&Pattern| names().any(|name| pattern.matches(name));
        let mut patterns = named.chain(&self.structure_only);
        let pattern = patterns.find(|pattern| !matches(pattern))?;
        Some(pattern.as_str().to_owned())
    }

    /// Whether the choice turns on whose a table is.
    pub fn is_by_owner(&self) -> bool {
        let by_owner = |tables: &Tables| matches!(tables, Tables::Civicrm | Tables::Cms);
        self.only.iter().any(by_owner)
    }
}

/// How much of a table is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// Nothing of it.
    Nothing,
    /// Its structure, without rows.
    Structure,
    /// All of it.
    All,
}

/// Something in the dump, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Listed {
    /// `table`, `view`, `trigger`, `function`, `procedure` or `event`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What kind of table it is.
    pub class: &'static str,
    /// Whom it belongs to: `civicrm`, `cms`, `both` or `unknown`.
    pub owner: &'static str,
    /// Why it belongs there.
    pub why: String,
    /// Number of its rows; null of what has none.
    pub rows: Option<u64>,
    /// Bytes of the statements with its rows; null of what has none, and where they were not counted.
    pub bytes: Option<u64>,
    /// How much of it is taken.
    pub taken: Share,
}

/// Tables of CiviCRM whose rows it makes again by itself; queues, which it does not, are not among them.
const CACHES: [&str; 6] = [
    "civicrm_cache",
    "civicrm_acl_cache",
    "civicrm_acl_contact_cache",
    "civicrm_group_contact_cache",
    "civicrm_prevnext_cache",
    "civicrm_menu",
];

/// Which parts of one database are taken.
pub struct Selection<'a> {
    wanted: &'a Wanted,
    owners: Owners<'a>,
    schema: &'a Schema,
    /// The database that is looked at; statements about others are left out.
    database: Option<String>,
    /// Routines and events that are taken, each with its kind, in lower case.
    programs: HashSet<(&'static str, String)>,
    /// The tables of triggers, both in lower case.
    triggers: HashMap<String, String>,
    takes_events: bool,
}

impl<'a> Selection<'a> {
    /// Decides about every object of a schema, which is that of the dump's database `database`.
    pub fn new(
        wanted: &'a Wanted,
        owners: Owners<'a>,
        schema: &'a Schema,
        database: Option<String>,
    ) -> Self {
        let triggers = schema.triggers.iter();
        let triggers = triggers.map(|(name, it)| (name.to_lowercase(), it.table.to_lowercase()));
        let mut selection = Self {
            triggers: triggers.collect(),
            takes_events: true,
            programs: HashSet::new(),
            wanted,
            owners,
            schema,
            database,
        };
        selection.programs = selection.programs_taken();
        selection
    }

    /// The name of the CMS whose tables are in the database.
    pub fn cms(&self) -> Option<&'static str> {
        self.owners.cms()
    }

    /// Whether only some tables are wanted, so that what belongs to none is not.
    pub(super) fn is_narrow(&self) -> bool {
        !self.wanted.only.is_empty()
    }

    /// Whether a statement about this database, `None` for the one that is in use, is about the one looked at.
    pub(super) fn is_of(&self, database: Option<&str>) -> bool {
        database.is_none() || self.database.is_none() || database == self.database.as_deref()
    }

    /// How much is taken of the table or view of this name, which need not be there.
    pub fn table(&self, name: &str) -> Share {
        let matches = |tables: &Tables| self.matches(tables, name);
        let is_left_out = |tables: &Tables| matches!(tables, Tables::Named(_)) && matches(tables);
        if self.wanted.without.iter().any(is_left_out) {
            return Share::Nothing;
        }
        if !self.wanted.only.is_empty() && !self.wanted.only.iter().any(matches) {
            return Share::Nothing;
        }
        let without_rows = self.wanted.structure_only.iter();
        let mut without_rows = without_rows.map(|pattern| pattern.matches(name));
        if self.wanted.without.iter().any(matches) || without_rows.any(|is| is) {
            return Share::Structure;
        }
        Share::All
    }

    /// Whether nobody can tell whose a table of this name is, and the user does not say either.
    pub(super) fn is_undecided(&self, name: &str) -> bool {
        self.wanted.is_by_owner()
            && self.wanted.undecided == Undecided::Ask
            && self.owners.table(name).owner == Owner::Unknown
    }

    fn matches(&self, tables: &Tables, name: &str) -> bool {
        match tables {
            Tables::Named(pattern) => pattern.matches(name),
            Tables::Civicrm => self.is_wanted_of(Owner::Civicrm, self.owners.table(name).owner),
            Tables::Cms => self.is_wanted_of(Owner::Cms, self.owners.table(name).owner),
            Tables::Logs => self.owners.class(name) == Class::Log,
            Tables::Caches => self.is_cache(name),
        }
    }

    fn is_wanted_of(&self, wanted: Owner, owner: Owner) -> bool {
        match owner {
            Owner::Both => true,
            Owner::Unknown => self.wanted.undecided == Undecided::Keep,
            known => known == wanted,
        }
    }

    fn is_cache(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if CACHES.contains(&name.as_str()) {
            return true;
        }
        let is_of_drupal = self.owners.cms() == Some("Drupal");
        is_of_drupal
            && self.owners.table(&name).owner == Owner::Cms
            && name.split('_').any(|word| word == "cache")
    }

    /// The same choice without events.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        self.takes_events = false;
        self
    }

    /// Whether the trigger of this name is taken; one that is not there goes as nothing else wants it.
    pub(super) fn trigger(&self, name: &str) -> bool {
        match self.triggers.get(&name.to_lowercase()) {
            Some(table) => self.table(table) != Share::Nothing,
            None => self.wanted.only.is_empty(),
        }
    }

    /// Whether the routine or event of this kind and name is taken.
    pub(super) fn program(&self, kind: &'static str, name: &str) -> bool {
        let is_wanted = self.programs.contains(&(kind, name.to_lowercase()))
            || self.wanted.only.is_empty()
            || !self.is_there(kind, name) && name.to_lowercase().starts_with("civicrm_");
        is_wanted && (self.takes_events || kind != "event")
    }

    fn is_there(&self, kind: &str, name: &str) -> bool {
        let mut users = self.owners.users().iter();
        users.any(|user| user.kind == kind && user.name.eq_ignore_ascii_case(name))
    }

    /// The routines and events that are wanted themselves or that what is taken calls.
    fn programs_taken(&self) -> HashSet<(&'static str, String)> {
        let callers = self.owners.users().iter().filter(|user| match user.table {
            Some(table) => self.table(table) != Share::Nothing,
            None => user.kind == "view" && self.table(user.name) != Share::Nothing,
        });
        let called = self.owners.called_by(callers);
        let programs = self.owners.users().iter().filter(|user| {
            matches!(user.kind, "function" | "procedure" | "event")
                && (self.wanted.only.is_empty()
                    || user.kind != "event" && called.contains(&user.name.to_lowercase())
                    || self.wanted.only.iter().any(|tables| {
                        let owner = || self.owners.program(user).owner;
                        match tables {
                            Tables::Civicrm => self.is_wanted_of(Owner::Civicrm, owner()),
                            Tables::Cms => self.is_wanted_of(Owner::Cms, owner()),
                            _ => false,
                        }
                    }))
        });
        programs
            .map(|user| (user.kind, user.name.to_lowercase()))
            .collect()
    }

    /// Everything in the dump, with what becomes of it. `rows` and `bytes` are by table.
    pub fn listed(
        &self,
        rows: &IndexMap<String, u64>,
        bytes: &IndexMap<String, u64>,
    ) -> Vec<Listed> {
        let mut listed = Vec::new();
        let listed_as = |kind, name: &str, of: Ownership, taken| Listed {
            kind,
            name: name.to_owned(),
            class: of.class,
            owner: word(of.owner),
            why: of.why,
            rows: None,
            bytes: None,
            taken,
        };
        for name in self.schema.tables.keys() {
            let of = self.owners.table(name);
            let listed_table = listed_as("table", name, of, self.table(name));
            listed.push(Listed {
                rows: Some(rows.get(name).copied().unwrap_or_default()),
                bytes: (!bytes.is_empty()).then(|| bytes.get(name).copied().unwrap_or_default()),
                ..listed_table
            });
        }
        for user in self.owners.users() {
            let taken = match (user.kind, user.table) {
                (_, Some(table)) => self.table(table) != Share::Nothing,
                ("view", _) => self.table(user.name) != Share::Nothing,
                (kind, _) => self.program(kind, user.name),
            };
            let taken = if taken { Share::All } else { Share::Nothing };
            let of = self.owners.program(user);
            listed.push(listed_as(user.kind, user.name, of, taken));
        }
        listed
    }

    /// What would be taken or left by a guess: the choice turns on whose it is, and nobody can tell.
    pub fn undecided(&self) -> Vec<Listed> {
        if !self.wanted.is_by_owner() || self.wanted.undecided != Undecided::Ask {
            return Vec::new();
        }
        let none = IndexMap::new();
        let is_named = |name: &str| {
            let named = self.wanted.only.iter().chain(&self.wanted.without);
            named
                .filter(|tables| matches!(tables, Tables::Named(_)))
                .any(|tables| self.matches(tables, name))
        };
        let listed = self.listed(&none, &none).into_iter();
        listed
            .filter(|it| it.owner == word(Owner::Unknown) && !is_named(&it.name))
            // A trigger goes with its table, and a routine with what calls it.
            .filter(|it| it.kind != "trigger")
            .filter(|it| it.taken == Share::Nothing)
            .collect()
    }

    /// What is taken and needs something that is left out, as sentences.
    pub fn torn(&self) -> Vec<String> {
        let mut torn = Vec::new();
        let is_out = |name: &str| {
            let is_there = self.schema.has_relation(name);
            is_there && self.table(name) == Share::Nothing
        };
        for (name, table) in &self.schema.tables {
            if self.table(name) == Share::Nothing {
                continue;
            }
            for (key, foreign_key) in &table.foreign_keys {
                let parent = &foreign_key.referenced_table;
                if foreign_key.referenced_database.is_none() && is_out(parent) {
                    torn.push(format!("foreign key {key} of {name} refers to {parent}"));
                }
            }
        }
        for user in self.owners.users() {
            let taken = match (user.kind, user.table) {
                (_, Some(table)) => self.table(table) != Share::Nothing,
                ("view", _) => self.table(user.name) != Share::Nothing,
                (kind, _) => self.program(kind, user.name),
            };
            for table in user.uses.tables.iter().filter(|_| taken) {
                if table.database.is_none() && is_out(&table.name) {
                    torn.push(format!("{} uses {}", user.describe(), table.name));
                }
            }
        }
        torn
    }
}

fn word(owner: Owner) -> &'static str {
    match owner {
        Owner::Civicrm => "civicrm",
        Owner::Cms => "cms",
        Owner::Both => "both",
        Owner::Unknown => "unknown",
    }
}

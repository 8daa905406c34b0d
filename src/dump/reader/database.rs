//! What a dump says of each of its databases.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};

use indexmap::IndexMap;

use super::first_keys::FirstKeys;
use crate::schema::model::Schema;
use crate::snapshot::{At, Row};

/// What the dump says of one of its databases.
#[derive(Clone, Debug, Default)]
pub(super) struct Database {
    pub(super) schema: Schema,
    pub(super) row_counts: IndexMap<String, u64>,
    pub(super) rows: IndexMap<String, Vec<Row>>,
    /// Tables of which not all wanted rows were kept, with the reason.
    pub(super) rows_hidden: IndexMap<String, String>,
    /// Memory that the kept rows need, in bytes, by table.
    pub(super) kept_bytes: IndexMap<&'static str, usize>,
    pub(super) used: IndexMap<String, At>,
    /// Names of temporary tables, in lower case.
    pub(super) temporary: HashSet<String>,
    /// Names of tables, in lower case, some of whose columns come from a query, which does not say what they are.
    pub(super) of_query: HashSet<String>,
    pub(super) first_keys: FirstKeys,
    /// Columns that an INSERT without column names leaves out, by table.
    pub(super) invisible: IndexMap<String, Vec<String>>,
}

/// The most databases of one dump of which something is kept. Servers that are dumped as a whole have some hundreds.
const MAX_DATABASES: usize = 10_000;

/// The databases of a dump by name; `None` is the one that has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Databases {
    kept: IndexMap<Option<String>, Database>,
    /// What is said of one for which there is no room.
    rest: Database,
    /// Whether there was no room for one.
    are_too_many: bool,
    is_said: bool,
}

impl Databases {
    /// The database of this name, which is a new one where it is not known. Where there is no room for that, what is
    /// said of it is forgotten.
    pub(super) fn of(&mut self, name: Option<String>) -> &mut Database {
        if self.kept.len() < MAX_DATABASES || self.kept.contains_key(&name) {
            return self.kept.entry(name).or_default();
        }
        self.are_too_many = true;
        self.rest = Database::default();
        &mut self.rest
    }

    /// Takes the only database of which rows were kept that is not one of CiviCRM; `None` where there is none, or several.
    pub(super) fn only_with_rows(&mut self) -> Option<(Option<String>, Database)> {
        let with_rows = |(_, database): &(&Option<String>, &Database)| {
            !database.rows.is_empty() && !database.rows.contains_key("civicrm_domain")
        };
        let mut names = self
            .kept
            .iter()
            .filter(with_rows)
            .map(|(name, _)| name.clone());
        let (first, None) = (names.next()?, names.next()) else {
            return None;
        };
        self.kept.swap_remove_entry(&first)
    }

    /// Why the rest is left out, once where there was no room for one.
    pub(super) fn left_out(&mut self) -> Option<String> {
        let is_news = self.are_too_many && !self.is_said;
        self.is_said = self.are_too_many;
        is_news.then(|| {
            format!("there are more than {MAX_DATABASES} databases by here: what the rest hold is not kept")
        })
    }
}

impl Deref for Databases {
    type Target = IndexMap<Option<String>, Database>;

    fn deref(&self) -> &Self::Target {
        &self.kept
    }
}

impl DerefMut for Databases {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.kept
    }
}

/// What a dump says of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether it is a base table.
    pub is_table: bool,
    /// Whether it is a view.
    pub is_view: bool,
    /// The number of its rows.
    pub rows: u64,
}

impl Database {
    pub(super) fn has_tables(&self, is_wanted: &fn(&str) -> bool) -> bool {
        self.schema
            .tables
            .keys()
            .chain(self.row_counts.keys())
            .any(|name| is_wanted(name))
    }
}

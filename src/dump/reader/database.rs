//! What a dump says of each of its databases.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::schema::model::Schema;
use crate::snapshot::{At, Row};

/// What the dump says of one of its databases.
#[derive(Clone, Debug, Default)]
pub(super) struct Database {
    pub(super) schema: Schema,
    pub(super) row_counts: IndexMap<String, u64>,
    pub(super) rows: IndexMap<String, Vec<Row>>,
    /// Memory that the kept rows need, in bytes, by table.
    pub(super) kept_bytes: IndexMap<&'static str, usize>,
    pub(super) used: IndexMap<String, At>,
    /// Names of temporary tables, in lower case.
    pub(super) temporary: HashSet<String>,
    /// Columns that an INSERT without column names leaves out, by table.
    pub(super) invisible: IndexMap<String, Vec<String>>,
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
    pub(super) fn has_tables(&self, prefix: &str) -> bool {
        self.schema
            .tables
            .keys()
            .chain(self.row_counts.keys())
            .any(|name| name.starts_with(prefix))
    }
}

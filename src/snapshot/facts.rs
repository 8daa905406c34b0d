//! All that is known about one database.

use indexmap::IndexMap;

use super::{DumpFacts, ServerFacts, Source, SourceKind};
use crate::schema::model::Schema;

/// All that is known about one database: its schema, its rows as far as they matter, and its source.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where the facts come from.
    pub source: Source,
    /// The name of the database; `None` when a dump does not say.
    pub database: Option<String>,
    /// The tables, views, triggers, routines and events of the database.
    pub schema: Schema,
    /// Number of rows by table, for the tables that have any.
    pub row_counts: IndexMap<String, u64>,
    /// Whether row counts are the storage engine's estimates, rather than counted.
    pub rows_estimated: bool,
    /// The rows of the few tables whose content matters, by table.
    pub rows: IndexMap<String, Vec<Row>>,
    /// Tables whose rows were wanted and could not be read, with the reason.
    pub rows_hidden: IndexMap<String, String>,
    /// Kinds of objects of which there may be more than the account can see, with the reason: an object of such
    /// a kind that is not seen need not be missing.
    pub hidden: IndexMap<ObjectKind, String>,
    /// The database with the tables of the CMS, where that is another one and was looked for; or why it could not be read.
    pub cms_database: Option<Result<Box<Snapshot>, String>>,
    /// The CMS as `CIVICRM_UF` names it, where the settings file of the site was read.
    pub cms_named: Option<String>,
    /// What only a dump tells; `None` when the source is a server.
    pub dump: Option<DumpFacts>,
    /// What only a server tells; `None` when the source is a dump.
    pub server: Option<ServerFacts>,
}

impl Snapshot {
    /// What holds the objects, as sentences call it: a dump or a database.
    pub fn place(&self) -> &'static str {
        match self.source.kind {
            SourceKind::Dump => "the dump",
            SourceKind::Server => "the database",
        }
    }
}

/// Kinds of objects that a server hides from accounts without privileges for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Base tables and views.
    Table,
    /// The queries of views.
    ViewQuery,
    /// Triggers.
    Trigger,
    /// Functions and procedures.
    Routine,
    /// The bodies of functions and procedures.
    RoutineBody,
    /// Scheduled events.
    Event,
}

/// Which rows to keep: those of `table` whose text contains one of `containing`.
#[derive(Clone, Copy, Debug)]
pub struct RowsWanted {
    /// The table whose rows are kept. Where `columns` are given, the end of its name: the prefix of a CMS may stand
    /// before it.
    pub table: &'static str,
    /// The columns by which a table of a CMS is known; empty for a table of exactly this name.
    pub columns: &'static [&'static str],
    /// Bytes of which the row must contain some; empty for every row.
    pub containing: &'static [&'static [u8]],
    /// What a server is asked of a table of a CMS, as the condition of a WHERE; it may give fewer rows than `containing`.
    pub condition: &'static str,
    /// The columns that are kept of each row, of a table with many rows; empty for all.
    pub kept: &'static [&'static str],
}

impl RowsWanted {
    /// All rows of a table of this name.
    pub const fn all(table: &'static str) -> Self {
        Self::some(table, &[])
    }

    /// The rows of a table of this name that contain some of these bytes.
    pub const fn some(table: &'static str, containing: &'static [&'static [u8]]) -> Self {
        Self {
            table,
            columns: &[],
            containing,
            condition: "",
            kept: &[],
        }
    }

    /// The same rows, of which only these columns are kept.
    #[must_use]
    pub const fn only(mut self, kept: &'static [&'static str]) -> Self {
        self.kept = kept;
        self
    }

    /// Whether a column of the rows is kept.
    pub fn keeps(&self, column: &str) -> bool {
        self.kept.is_empty()
            || self
                .kept
                .iter()
                .any(|kept| kept.eq_ignore_ascii_case(column))
    }

    /// Whether these are rows of this table.
    pub fn is_of<'a>(&self, table: &str, columns: impl Iterator<Item = &'a str> + Clone) -> bool {
        if self.columns.is_empty() {
            return self.table.eq_ignore_ascii_case(table);
        }
        let start = table.len().checked_sub(self.table.len());
        let end = start.and_then(|start| table.get(start..));
        let has = |wanted: &&str| {
            let mut columns = columns.clone();
            columns.any(|column| column.eq_ignore_ascii_case(wanted))
        };
        end.is_some_and(|end| end.eq_ignore_ascii_case(self.table)) && self.columns.iter().all(has)
    }
}

/// A row by column name; `None` is NULL.
pub type Row = IndexMap<String, Option<Vec<u8>>>;

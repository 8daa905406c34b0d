//! All that is known about one database, from whichever source it came.
//!
//! Readers (dumps, servers) fill it, checks read it, and no check asks where a fact came
//! from. A fact that a source cannot give is `None`.

mod dump;
mod server;

use indexmap::IndexMap;

use crate::schema::model::Schema;
use crate::server_version::ServerVersion;

pub use dump::{
    At, Damage, DamageKind, DumpFacts, Ending, FileEnding, Interrupted, KeyBeforeParent, Open,
    Part, Place,
};
pub use server::ServerFacts;

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

/// Which rows to keep: those of `table` whose text contains `containing`.
#[derive(Clone, Copy, Debug)]
pub struct RowsWanted {
    /// The table whose rows are kept.
    pub table: &'static str,
    /// Bytes that the row must contain; empty for every row.
    pub containing: &'static [u8],
}

/// A row by column name; `None` is NULL.
pub type Row = IndexMap<String, Option<Vec<u8>>>;

/// The dump or server that the facts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The source as the user named it, without a password.
    pub name: String,
    /// Whether the source is a dump or a server.
    pub kind: SourceKind,
    /// How a dump is stored: its compression (`plain`, `gzip`, …) or `folder`.
    pub container: &'static str,
    /// The program that wrote the dump.
    pub producer: Producer,
    /// The version of that program as it gives it; `None` when not known.
    pub producer_version: Option<String>,
    /// The version of the server that the data came from; `None` when not known.
    pub server_version: Option<ServerVersion>,
    /// When the dump was finished, as its last line says, in the time zone of its maker.
    pub finished: Option<String>,
    /// All databases of the source, in order.
    pub databases: Vec<String>,
}

/// The kinds of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// A dump in a file, folder or stream.
    #[default]
    Dump,
    /// A running server.
    Server,
}

impl SourceKind {
    /// The name of the kind in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dump => "dump",
            Self::Server => "server",
        }
    }
}

/// Programs that write dumps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Producer {
    /// MySQL's mysqldump, or MariaDB's under that name.
    Mysqldump,
    /// MariaDB's mariadb-dump.
    MariadbDump,
    /// phpMyAdmin's export.
    PhpMyAdmin,
    /// Adminer's export.
    Adminer,
    /// The program mydumper, which writes folders.
    Mydumper,
    /// Any other program, and dumps without comments.
    #[default]
    Unknown,
}

impl Producer {
    /// The name of the program in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysqldump => "mysqldump",
            Self::MariadbDump => "mariadb-dump",
            Self::PhpMyAdmin => "phpmyadmin",
            Self::Adminer => "adminer",
            Self::Mydumper => "mydumper",
            Self::Unknown => "unknown",
        }
    }
}

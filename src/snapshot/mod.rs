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

/// See the module's description.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where the facts come from.
    pub source: Source,
    /// The database this is about; `None` when a dump does not say.
    pub database: Option<String>,
    /// Its tables, views, triggers, routines and events.
    pub schema: Schema,
    /// Rows per table, for the tables that have any.
    pub row_counts: IndexMap<String, u64>,
    /// Row counts are what a storage engine guesses, not counted.
    pub rows_estimated: bool,
    /// Rows of the few tables whose content matters, by table.
    pub rows: IndexMap<String, Vec<Row>>,
    /// Those of these tables that could not be read, with the reason.
    pub rows_hidden: IndexMap<String, String>,
    /// Kinds of objects of which there may be more than can be seen, with the reason: what is
    /// not seen of them need not be missing.
    pub hidden: IndexMap<ObjectKind, String>,
    /// What only a dump has.
    pub dump: Option<DumpFacts>,
    /// What only a server has.
    pub server: Option<ServerFacts>,
}

impl Snapshot {
    /// What holds the objects, for sentences.
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

/// Rows to keep: those of `table` whose text contains `containing`.
#[derive(Clone, Copy, Debug)]
pub struct RowsWanted {
    /// The table.
    pub table: &'static str,
    /// Bytes that the row must contain; empty for every row.
    pub containing: &'static [u8],
}

/// A row by column name; `None` is NULL.
pub type Row = IndexMap<String, Option<Vec<u8>>>;

/// Where the facts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// As the user named it, without a password.
    pub name: String,
    /// A dump or a server.
    pub kind: SourceKind,
    /// Of a dump: compression or form: `plain`, `gzip`, … or `folder`.
    pub container: &'static str,
    /// The program that wrote it.
    pub producer: Producer,
    /// That program's version as it gives it.
    pub producer_version: Option<String>,
    /// The server the data came from.
    pub server_version: Option<ServerVersion>,
    /// When the dump was finished, as its last line says, in the time zone of its maker.
    pub finished: Option<String>,
    /// All databases of the source, in order.
    pub databases: Vec<String>,
}

/// Kinds of sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceKind {
    /// A dump in a file, folder or stream.
    #[default]
    Dump,
    /// A running server.
    Server,
}

impl SourceKind {
    /// The name used in reports.
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
    /// mydumper.
    Mydumper,
    /// Anything else, and dumps without comments.
    #[default]
    Unknown,
}

impl Producer {
    /// The name used in reports.
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

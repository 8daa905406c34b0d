//! All that is known about one database, from whichever source it came.
//!
//! Readers (dumps, servers) fill it, checks read it, and no check asks where a fact came
//! from. A fact that a source cannot give is `None`.

use indexmap::IndexMap;

use crate::dump::container::Damage;
use crate::dump::scanner::{Ending, Place};
use crate::schema::model::{Account, Schema};
use crate::server::grants::{Grants, Rules};
use crate::server_version::ServerVersion;

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

/// What a running server tells besides the objects of the database.
#[derive(Clone, Debug, Default)]
pub struct ServerFacts {
    /// What it says of its build.
    pub comment: String,
    /// The account it took us for, which has the privileges.
    pub account: Option<Account>,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
    /// Settings that matter, by name in lower case.
    pub variables: IndexMap<String, String>,
    /// Storage engines in lower case, and whether each can be used; `None` when not known.
    pub engines: Option<IndexMap<String, bool>>,
    /// What the account may do; `None` when it could not be asked.
    pub grants: Option<Grants>,
    /// All accounts of the server; `None` when this one may not ask.
    pub accounts: Option<Vec<Account>>,
    /// Default character set and collation of the database, canonical.
    pub database_charset: Option<(String, String)>,
    /// Bytes of data and indexes by table, as the storage engine guesses.
    pub table_bytes: IndexMap<String, u64>,
    /// Whether it copies another server; `None` when the account may not ask.
    pub is_replica: Option<bool>,
    /// Where the site keeps its log tables, when that is another database.
    pub logging_database: Option<String>,
    /// Servers that copy this one, as far as the account sees them.
    pub replicas: u64,
}

impl ServerFacts {
    /// A setting's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// What the server goes by when it looks privileges up.
    pub fn rules(&self, server: &ServerVersion) -> Rules {
        Rules {
            partial_revokes: self.is_on("partial_revokes") == Some(true),
            ignore_case: self
                .variable("lower_case_table_names")
                .is_some_and(|value| value != "0"),
            ..Rules::of(server.clone())
        }
    }

    /// A setting that is on or off.
    pub fn is_on(&self, name: &str) -> Option<bool> {
        // MariaDB 10.5 has settings that it no longer heeds, with nothing in them.
        let value = self.variable(name).filter(|value| !value.is_empty())?;
        Some(value == "1" || value.eq_ignore_ascii_case("ON"))
    }
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

/// A place in one file of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// File name where the dump has several, otherwise empty.
    pub file: String,
    /// Place in that file's text.
    pub place: Place,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}, ", self.file)?;
        }
        write!(f, "line {} (byte {})", self.place.line, self.place.offset)
    }
}

/// What a dump tells beyond the objects in it: whether it is whole, and what a restore meets.
#[derive(Clone, Debug, Default)]
pub struct DumpFacts {
    /// Statements, INSERTs included.
    pub statements: u64,
    /// Rows of all databases.
    pub rows: u64,
    /// Tables created, in all databases.
    pub tables_created: u64,
    /// One for each run of a dump program whose output the dump holds.
    pub parts: Vec<Part>,
    /// Files whose text ended inside something, or whose container is damaged.
    pub files: Vec<FileEnding>,
    /// Saved variables (`SET @OLD_X=@@X`) that nothing restored.
    pub unrestored: Vec<String>,
    /// Tables locked by the last LOCK TABLES, when no UNLOCK TABLES followed.
    pub locked: Vec<String>,
    /// The dump saves variables at its start, so that restoring them marks its end.
    pub ends_by_variables: bool,
    /// START TRANSACTION without COMMIT.
    pub open_transaction: bool,
    /// Files that a folder announces and lacks, or marks as unfinished.
    pub unfinished: Vec<String>,
    /// Text that is no SQL, such as messages of the dump program.
    pub stray_text: Vec<(At, String)>,
    /// Statements that a server would refuse where they stand, with the reason.
    pub conflicts: Vec<(At, String)>,
    /// INSERTs into tables whose trigger was made before, with the trigger and the table.
    pub triggers_before_rows: Vec<(At, String, String)>,
    /// INSERTs with another number of values than columns: table, columns, values.
    pub wrong_column_counts: Vec<(At, String, usize, usize)>,
    /// Charsets that rows come in, as SET NAMES said, and those of their tables.
    pub rows_in_charset: IndexMap<(Option<String>, Option<String>), At>,
    /// Statements that cannot be read, with the reason.
    pub unreadable: Vec<(At, String)>,
    /// First and last lines of dump programs that stand inside a statement.
    pub swallowed_lines: Vec<(At, String)>,
    /// INSERTs that end inside a row, by table.
    pub broken_inserts: Vec<(At, String)>,
    /// MariaDB's sandbox mark.
    pub sandbox_mark: Option<At>,
    /// `SET @@GLOBAL.GTID_PURGED`, not in a comment.
    pub gtid_purged: Option<At>,
    /// Collations (and charsets) that statements name, with the first place.
    pub collations: IndexMap<String, At>,
    /// `sql_mode` flags that SET statements name, with the first place.
    pub sql_modes: IndexMap<String, At>,
    /// CREATE, DROP and USE of a database by name.
    pub database_statements: Vec<(At, String)>,
    /// Foreign keys made, with checks on, before the table they refer to.
    pub keys_before_parent: Vec<KeyBeforeParent>,
    /// Statements whose quotes do not fit the `sql_mode` they are run under: their first words.
    pub quoted_wrongly: Vec<(At, String)>,
    /// Tables made without a column.
    pub without_columns: Vec<(At, String)>,
    /// Tables that statements use although nothing creates them, with the first place.
    pub never_created: IndexMap<String, At>,
}

/// One run of a dump program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The program.
    pub producer: Producer,
    /// Where its first line is.
    pub begins: At,
    /// Whether its last line was found, whole.
    pub ended: bool,
}

/// How the text of one file ended.
#[derive(Clone, Debug)]
pub struct FileEnding {
    /// File name where the dump has several, otherwise empty.
    pub file: String,
    /// Of the text.
    pub text: Ending,
    /// Of the container.
    pub damage: Option<Damage>,
}

/// A foreign key made before its parent table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBeforeParent {
    /// The child table.
    pub table: String,
    /// The parent table.
    pub parent: String,
    /// The statement.
    pub at: At,
}

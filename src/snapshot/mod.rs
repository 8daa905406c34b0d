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
    At, Damage, DamageKind, DumpFacts, Ending, FileEnding, Interrupted, KeyBeforeParent,
    LargeStatement, Open, Part, Place, Position, StrayText, VariableReach, WithoutCollation,
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
    /// MySQL's mysqlpump, of MySQL 5.7 and 8.0.
    Mysqlpump,
    /// phpMyAdmin's export.
    PhpMyAdmin,
    /// Adminer's export.
    Adminer,
    /// The program mydumper, which writes folders.
    Mydumper,
    /// The dump utilities of MySQL Shell, which write folders.
    MysqlShell,
    /// The PHP library mysqldump-php.
    MysqldumpPhp,
    /// Navicat 12 and later.
    Navicat,
    /// Navicat before 12, which does not mark the end of a dump.
    OldNavicat,
    /// HeidiSQL's export.
    HeidiSql,
    /// Sequel Ace's export.
    SequelAce,
    /// Sequel Pro's export.
    SequelPro,
    /// TablePlus' export.
    TablePlus,
    /// SQLyog's export.
    SqlYog,
    /// dbForge Studio's export.
    DbForge,
    /// The .NET library MySqlBackup.NET.
    MysqlBackupNet,
    /// The script phpMiniAdmin.
    PhpMiniAdmin,
    /// Backup and Migrate, a module of Drupal and Backdrop.
    BackupAndMigrate,
    /// UpdraftPlus, a plugin of WordPress.
    UpdraftPlus,
    /// BackWPup, a plugin of WordPress.
    BackWpup,
    /// WP Migrate, a plugin of WordPress.
    WpMigrate,
    /// Duplicator, a plugin of WordPress.
    Duplicator,
    /// Any other program, and dumps without comments.
    #[default]
    Unknown,
}

impl Producer {
    /// The name of the program in reports for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysqldump => "mysqldump",
            Self::MariadbDump => "mariadb-dump",
            Self::Mysqlpump => "mysqlpump",
            Self::PhpMyAdmin => "phpmyadmin",
            Self::Adminer => "adminer",
            Self::Mydumper => "mydumper",
            Self::MysqlShell => "mysql-shell",
            Self::MysqldumpPhp => "mysqldump-php",
            Self::Navicat | Self::OldNavicat => "navicat",
            Self::HeidiSql => "heidisql",
            Self::SequelAce => "sequel-ace",
            Self::SequelPro => "sequel-pro",
            Self::TablePlus => "tableplus",
            Self::SqlYog => "sqlyog",
            Self::DbForge => "dbforge",
            Self::MysqlBackupNet => "mysqlbackup.net",
            Self::PhpMiniAdmin => "phpminiadmin",
            Self::BackupAndMigrate => "backup-and-migrate",
            Self::UpdraftPlus => "updraftplus",
            Self::BackWpup => "backwpup",
            Self::WpMigrate => "wp-migrate",
            Self::Duplicator => "duplicator",
            Self::Unknown => "unknown",
        }
    }

    /// The name of the program as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MysqlShell => "MySQL Shell",
            Self::Navicat | Self::OldNavicat => "Navicat",
            Self::HeidiSql => "HeidiSQL",
            Self::SequelAce => "Sequel Ace",
            Self::SequelPro => "Sequel Pro",
            Self::TablePlus => "TablePlus",
            Self::SqlYog => "SQLyog",
            Self::DbForge => "dbForge Studio",
            Self::MysqlBackupNet => "MySqlBackup.NET",
            Self::PhpMiniAdmin => "phpMiniAdmin",
            Self::BackupAndMigrate => "Backup and Migrate",
            Self::UpdraftPlus => "UpdraftPlus",
            Self::BackWpup => "BackWPup",
            Self::WpMigrate => "WP Migrate",
            Self::Duplicator => "Duplicator",
            other => other.as_str(),
        }
    }

    /// Whether the last thing that the program writes shows that it got through: a comment or, from Navicat, the
    /// statement that turns foreign keys on again. Others restore variables at most.
    pub fn has_last_line(self) -> bool {
        matches!(
            self,
            Self::Mysqldump
                | Self::MariadbDump
                | Self::Mysqlpump
                | Self::Adminer
                | Self::Mydumper
                | Self::MysqldumpPhp
                | Self::Navicat
                | Self::MysqlBackupNet
                | Self::PhpMiniAdmin
                | Self::BackWpup
                | Self::Duplicator
        )
    }

    /// Whether the program never writes triggers and routines, whatever its options.
    pub fn never_writes_programs(self) -> bool {
        matches!(
            self,
            Self::BackupAndMigrate
                | Self::UpdraftPlus
                | Self::TablePlus
                | Self::WpMigrate
                | Self::PhpMiniAdmin
        )
    }
}

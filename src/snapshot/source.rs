//! The dump or server that facts come from.

use std::time::SystemTime;

use crate::server_version::ServerVersion;

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
    /// When the file of a dump was last written to, of a folder its newest file; `None` for a stream and a server.
    pub modified: Option<SystemTime>,
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
    /// The export of AdminNeo, once AdminerNeo, which comes from Adminer.
    AdminNeo,
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
    /// All-in-One WP Migration, a plugin of WordPress.
    AllInOneWpMigration,
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
            Self::AdminNeo => "adminneo",
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
            Self::AllInOneWpMigration => "all-in-one-wp-migration",
            Self::Unknown => "unknown",
        }
    }

    /// The name of the program as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdminNeo => "AdminNeo",
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
            Self::AllInOneWpMigration => "All-in-One WP Migration",
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
                | Self::AdminNeo
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
                | Self::BackWpup
                | Self::AllInOneWpMigration
                | Self::PhpMiniAdmin
        )
    }
}

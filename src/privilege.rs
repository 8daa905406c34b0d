//! The privileges of MySQL and MariaDB, under the names of their manuals.

use std::collections::BTreeSet;
use std::fmt;

use crate::server_version::{Family, ServerVersion};

/// The narrowest thing on which a privilege can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The privilege can be granted on one table.
    Table,
    /// The privilege can be granted on one routine.
    Routine,
    /// The privilege can be granted on a whole database, and no less.
    Database,
    /// The privilege can be granted on the server only: `ON *.*`.
    Global,
}

type Since = Option<(u32, u32, u32)>;

struct Row {
    privilege: Privilege,
    name: &'static str,
    level: Level,
    mysql: Since,
    mariadb: Since,
}

macro_rules! privileges {
    ($($variant:ident $name:literal $level:ident $mysql:expr, $mariadb:expr;)*) => {
        /// A privilege. The order is that in which servers print privileges, database level first.
        ///
        /// Of MySQL's dynamic privileges, only those on which a site or its backup depends are here; new ones
        /// come with every release.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Privilege {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        const ROWS: &[Row] = &[
            $(Row {
                privilege: Privilege::$variant,
                name: $name,
                level: Level::$level,
                mysql: $mysql,
                mariadb: $mariadb,
            },)*
        ];
    };
}

const ALWAYS: Since = Some((0, 0, 0));

// Name, level, and the first MySQL and MariaDB that know it: MySQL manual, "Privileges Provided
// by MySQL" and the changes of 5.0, 5.1 and 8.x; MariaDB Knowledge Base, "GRANT".
privileges! {
    Select "SELECT" Table ALWAYS, ALWAYS;
    Insert "INSERT" Table ALWAYS, ALWAYS;
    Update "UPDATE" Table ALWAYS, ALWAYS;
    Delete "DELETE" Table ALWAYS, ALWAYS;
    Create "CREATE" Table ALWAYS, ALWAYS;
    Drop "DROP" Table ALWAYS, ALWAYS;
    References "REFERENCES" Table ALWAYS, ALWAYS;
    Index "INDEX" Table ALWAYS, ALWAYS;
    Alter "ALTER" Table ALWAYS, ALWAYS;
    CreateTemporaryTables "CREATE TEMPORARY TABLES" Database ALWAYS, ALWAYS;
    LockTables "LOCK TABLES" Database ALWAYS, ALWAYS;
    Execute "EXECUTE" Routine Some((5, 0, 3)), ALWAYS;
    CreateView "CREATE VIEW" Table Some((5, 0, 1)), ALWAYS;
    ShowView "SHOW VIEW" Table Some((5, 0, 1)), ALWAYS;
    CreateRoutine "CREATE ROUTINE" Database Some((5, 0, 3)), ALWAYS;
    AlterRoutine "ALTER ROUTINE" Routine Some((5, 0, 3)), ALWAYS;
    Event "EVENT" Database Some((5, 1, 6)), ALWAYS;
    Trigger "TRIGGER" Table Some((5, 1, 6)), ALWAYS;
    DeleteHistory "DELETE HISTORY" Table None, Some((10, 3, 4));
    ShowCreateRoutine "SHOW CREATE ROUTINE" Routine None, Some((11, 3, 1));
    Reload "RELOAD" Global ALWAYS, ALWAYS;
    Shutdown "SHUTDOWN" Global ALWAYS, ALWAYS;
    Process "PROCESS" Global ALWAYS, ALWAYS;
    File "FILE" Global ALWAYS, ALWAYS;
    ShowDatabases "SHOW DATABASES" Global ALWAYS, ALWAYS;
    Super "SUPER" Global ALWAYS, ALWAYS;
    ReplicationSlave "REPLICATION SLAVE" Global ALWAYS, ALWAYS;
    ReplicationClient "REPLICATION CLIENT" Global ALWAYS, ALWAYS;
    CreateUser "CREATE USER" Global Some((5, 0, 3)), ALWAYS;
    CreateTablespace "CREATE TABLESPACE" Global Some((5, 5, 0)), Some((5, 5, 0));
    CreateRole "CREATE ROLE" Global Some((8, 0, 0)), None;
    DropRole "DROP ROLE" Global Some((8, 0, 0)), None;
    BinlogAdmin "BINLOG ADMIN" Global None, Some((10, 5, 2));
    BinlogReplay "BINLOG REPLAY" Global None, Some((10, 5, 2));
    ConnectionAdmin "CONNECTION ADMIN" Global None, Some((10, 5, 2));
    FederatedAdmin "FEDERATED ADMIN" Global None, Some((10, 5, 2));
    ReadOnlyAdmin "READ_ONLY ADMIN" Global None, Some((10, 5, 2));
    ReplicationMasterAdmin "REPLICATION MASTER ADMIN" Global None, Some((10, 5, 2));
    ReplicationSlaveAdmin "REPLICATION SLAVE ADMIN" Global None, Some((10, 5, 2));
    SetUser "SET USER" Global None, Some((10, 5, 2));
    SlaveMonitor "SLAVE MONITOR" Global None, Some((10, 5, 9));
    AllowNonexistentDefiner "ALLOW_NONEXISTENT_DEFINER" Global Some((8, 2, 0)), None;
    FlushTables "FLUSH_TABLES" Global Some((8, 0, 23)), None;
    SetAnyDefiner "SET_ANY_DEFINER" Global Some((8, 2, 0)), None;
    SetUserId "SET_USER_ID" Global Some((8, 0, 0)), None;
    ShowRoutine "SHOW_ROUTINE" Global Some((8, 0, 20)), None;
    SystemUser "SYSTEM_USER" Global Some((8, 0, 16)), None;
    SystemVariablesAdmin "SYSTEM_VARIABLES_ADMIN" Global Some((8, 0, 0)), None;
}

/// Other names that servers print or take for one of them.
const ALIASES: &[(&str, Privilege)] = &[
    ("BINLOG MONITOR", Privilege::ReplicationClient),
    ("DELETE VERSIONING ROWS", Privilege::DeleteHistory),
    ("REPLICA MONITOR", Privilege::SlaveMonitor),
    ("REPLICATION REPLICA", Privilege::ReplicationSlave),
    (
        "REPLICATION REPLICA ADMIN",
        Privilege::ReplicationSlaveAdmin,
    ),
];

impl Privilege {
    /// The privilege of this name, in any letter case.
    pub fn named(name: &str) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let by_name = ROWS.iter().find(|row| is(row.name));
        let by_alias = || ALIASES.iter().find(|(alias, _)| is(alias));
        by_name
            .map(|row| row.privilege)
            .or_else(|| by_alias().map(|&(_, privilege)| privilege))
    }

    /// The name of the privilege in the manuals.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// The narrowest thing on which the privilege can be granted.
    pub fn level(self) -> Level {
        self.row().map_or(Level::Global, |row| row.level)
    }

    /// Whether this server knows the privilege.
    pub fn is_known_to(self, server: &ServerVersion) -> bool {
        self.row().is_some_and(|row| row.is_known_to(server))
    }

    /// What ALL PRIVILEGES means at a level of this server.
    pub fn all(level: Level, server: &ServerVersion) -> BTreeSet<Self> {
        ROWS.iter()
            .filter(|row| row.is_known_to(server))
            .filter(|row| match level {
                Level::Routine => row.level == Level::Routine,
                _ => row.level <= level && (level != Level::Table || row.level == Level::Table),
            })
            .map(|row| row.privilege)
            .collect()
    }

    fn row(self) -> Option<&'static Row> {
        // A row for each variant, in the same order.
        ROWS.get(self as usize)
    }
}

impl Row {
    fn is_known_to(&self, server: &ServerVersion) -> bool {
        let since = match server.family {
            Family::Mysql => self.mysql,
            Family::Mariadb => self.mariadb,
        };
        since.is_some_and(|since| server.number >= since)
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(level: Level, server: &str) -> BTreeSet<Privilege> {
        Privilege::all(level, &ServerVersion::parse(server).expect("a version"))
    }

    #[test]
    fn every_privilege_is_found_by_its_name_and_aliases_in_any_letter_case() {
        for row in ROWS {
            assert_eq!(row.privilege.name(), row.name);
            let lower = row.name.to_ascii_lowercase();
            assert_eq!(Privilege::named(&lower), Some(row.privilege));
        }
        assert_eq!(
            Privilege::named("Binlog Monitor"),
            Some(Privilege::ReplicationClient)
        );
        assert_eq!(Privilege::named("USAGE"), None);
        // Two privileges of two families, one letter apart.
        assert_eq!(Privilege::named("BINLOG_ADMIN"), None);
    }

    #[test]
    fn all_of_a_database_is_what_each_server_prints_as_all_privileges() {
        for (server, count) in [
            ("5.0.96", 16),
            ("5.1.73", 18),
            ("5.7.44", 18),
            ("9.7.4", 18),
            ("5.5.64-MariaDB", 18),
            ("10.5.23-MariaDB", 19),
            ("10.11.19-MariaDB", 19),
            ("11.8.6-MariaDB", 20),
        ] {
            assert_eq!(all(Level::Database, server).len(), count, "{server}");
        }
        let eleven = all(Level::Database, "11.8.6-MariaDB");
        assert!(eleven.contains(&Privilege::ShowCreateRoutine));
        assert!(!all(Level::Database, "10.11.19-MariaDB").contains(&Privilege::ShowCreateRoutine));
        assert!(!all(Level::Database, "5.0.96").contains(&Privilege::Trigger));
    }

    #[test]
    fn all_of_a_table_or_routine_holds_nothing_that_only_databases_have() {
        let table = all(Level::Table, "5.7.44");
        assert!(table.contains(&Privilege::Trigger) && table.contains(&Privilege::ShowView));
        assert!(!table.contains(&Privilege::LockTables) && !table.contains(&Privilege::Execute));
        assert_eq!(
            all(Level::Routine, "5.7.44"),
            [Privilege::Execute, Privilege::AlterRoutine].into()
        );
    }

    #[test]
    fn all_of_a_server_holds_super_and_what_was_split_from_it() {
        assert!(all(Level::Global, "5.7.44").contains(&Privilege::Super));
        let mariadb = all(Level::Global, "11.8.6-MariaDB");
        assert!(
            mariadb.contains(&Privilege::SetUser) && !mariadb.contains(&Privilege::ShowRoutine)
        );
        assert!(!all(Level::Global, "10.4.33-MariaDB").contains(&Privilege::BinlogAdmin));
    }
}

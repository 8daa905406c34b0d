//! The kinds of statements that reach outside the database they stand in.

use std::str::FromStr;

use crate::server_version::{Family, ServerVersion};

/// A kind of statement that is refused unless it is allowed by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// SET GLOBAL and SET PERSIST
    SetGlobal,
    /// SET SESSION of a variable that takes a privilege for the whole server, such as SQL_LOG_BIN.
    SetRestricted,
    /// Accounts, roles and privileges.
    Accounts,
    /// Plugins, and functions out of libraries.
    Plugins,
    /// LOAD DATA and LOAD XML
    ReadFile,
    /// SELECT … INTO OUTFILE and DUMPFILE
    WriteFile,
    /// Tables whose files lie elsewhere.
    Directory,
    /// Another database than the one that is restored.
    OtherDatabase,
    /// Replication from and to other servers.
    Replication,
    /// The server as a whole: SHUTDOWN, KILL, FLUSH, CREATE SERVER, CREATE TABLESPACE.
    Server,
    /// CALL, DO, HANDLER, and statements that stand in strings (PREPARE, EXECUTE).
    Call,
    /// Several statements in the place of one.
    Several,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::SetGlobal,
        Self::SetRestricted,
        Self::Accounts,
        Self::Plugins,
        Self::ReadFile,
        Self::WriteFile,
        Self::Directory,
        Self::OtherDatabase,
        Self::Replication,
        Self::Server,
        Self::Call,
        Self::Several,
    ];

    /// The name by which it is allowed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SetGlobal => "set-global",
            Self::SetRestricted => "set-restricted",
            Self::Accounts => "accounts",
            Self::Plugins => "plugins",
            Self::ReadFile => "load-data",
            Self::WriteFile => "into-outfile",
            Self::Directory => "data-directory",
            Self::OtherDatabase => "other-database",
            Self::Replication => "replication",
            Self::Server => "server",
            Self::Call => "call",
            Self::Several => "several-statements",
        }
    }

    /// What such statements do, in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::SetGlobal => "set variables of the whole server",
            Self::SetRestricted => "set variables that a site's account may not set (error 1227)",
            Self::Accounts => "change accounts or privileges",
            Self::Plugins => "load libraries into the server",
            Self::ReadFile => "read files",
            Self::WriteFile => "write files",
            Self::Directory => "put tables into another folder",
            Self::OtherDatabase => "are about another database",
            Self::Replication => "are about replication",
            Self::Server => "are about the whole server",
            Self::Call => "run what stands elsewhere (procedures, strings)",
            Self::Several => "are several in the place of one",
        }
    }

    /// Whether the restored database may lack something without such a statement. What is set or granted on the server
    /// that the dump came from is not part of the database.
    pub fn may_be_missed(self) -> bool {
        !matches!(
            self,
            Self::SetGlobal
                | Self::SetRestricted
                | Self::Accounts
                | Self::OtherDatabase
                | Self::Server
                | Self::Replication
        )
    }

    /// The privileges of the whole server that such statements take.
    pub(super) fn privileges(self, server: &ServerVersion) -> &'static [&'static str] {
        let is_new = match server.family {
            Family::Mysql => server.number >= (8, 0, 0),
            Family::Mariadb => false,
        };
        match self {
            Self::ReadFile | Self::WriteFile | Self::Directory => &["FILE"],
            Self::Accounts => &["CREATE USER"],
            Self::SetGlobal | Self::SetRestricted if is_new => &["SYSTEM_VARIABLES_ADMIN"],
            Self::SetRestricted if server.at_least(Family::Mariadb, (10, 5, 2)) => {
                &["BINLOG ADMIN", "BINLOG REPLAY", "SUPER"]
            }
            Self::SetGlobal | Self::SetRestricted | Self::Replication => &["SUPER"],
            Self::Server => &["RELOAD", "SUPER"],
            Self::OtherDatabase => &["ALL PRIVILEGES"],
            // Where libraries may be loaded from is an empty folder, whatever the account may do.
            Self::Plugins | Self::Call | Self::Several => &[],
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no such kind of statement; write one or more of {names}")
        })
    }
}

//! What only a running server tells.

use indexmap::IndexMap;

use crate::grants::{Grants, Rules};
use crate::schema::model::Account;
use crate::server_version::ServerVersion;

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

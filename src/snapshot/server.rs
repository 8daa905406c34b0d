//! What a running server tells, and a dump does not.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};

use crate::grants::{Grants, Rules, account_taken};
use crate::schema::model::Account;
use crate::server_version::ServerVersion;

/// What a running server tells besides the objects of the database.
#[derive(Clone, Debug, Default)]
pub struct ServerFacts {
    /// What the server says of its build (`version_comment`).
    pub comment: String,
    /// The account that the server authenticated, whose privileges count (`CURRENT_USER()`); `None` when not
    /// known.
    pub account: Option<Account>,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
    /// The server's variables that matter, by name in lower case.
    pub variables: IndexMap<String, String>,
    /// Storage engines in lower case, and whether each can be used; `None` when not known.
    pub engines: Option<IndexMap<String, bool>>,
    /// The privileges of the account; `None` when the account may not ask for them.
    pub grants: Option<Grants>,
    /// All accounts of the server; `None` when this account may not ask for them.
    pub accounts: Option<Vec<Account>>,
    /// The privileges that count for the definers of triggers, views, routines and events, by definer; `None` for those
    /// that this account may not ask for.
    pub definer_grants: IndexMap<Account, Option<Grants>>,
    /// The loadable functions of the server (`mysql.func`), in lower case; `None` when this account may not ask for
    /// them.
    pub loadable_functions: Option<BTreeSet<String>>,
    /// The views that run with the privileges of whoever reads them.
    pub views_by_invoker: IndexSet<String>,
    /// Names of tables, views and routines that this account sees in other databases, for those databases that
    /// triggers, views, routines, events and foreign keys use.
    pub elsewhere: IndexMap<String, IndexSet<String>>,
    /// Default character set and collation of the database, in canonical spelling.
    pub database_charset: Option<(String, String)>,
    /// Bytes of data and indexes by table, as the storage engine estimates them.
    pub table_bytes: IndexMap<String, u64>,
    /// Whether the server is a replica of another server; `None` when the account may not ask.
    pub is_replica: Option<bool>,
    /// The database in which the site keeps its log tables, when that is not its own.
    pub logging_database: Option<String>,
    /// Number of replicas of this server, as far as the account sees them.
    pub replicas: u64,
}

impl ServerFacts {
    /// The account whose privileges the server takes for a definer; `None` where it has no such account. Where the
    /// accounts are not known, it is the definer itself.
    pub fn account_of<'a>(&'a self, definer: &'a Account) -> Option<&'a Account> {
        match &self.accounts {
            Some(accounts) => account_taken(definer, accounts),
            None => Some(definer),
        }
    }

    /// The value of a server variable; `None` when it is not known.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// How the server looks privileges up.
    pub fn rules(&self, server: &ServerVersion) -> Rules {
        Rules {
            partial_revokes: self.is_on("partial_revokes") == Some(true),
            ignore_case: self
                .variable("lower_case_table_names")
                .is_some_and(|value| value != "0"),
            ..Rules::of(server.clone())
        }
    }

    /// Whether a server variable is on; `None` when it is not known.
    pub fn is_on(&self, name: &str) -> Option<bool> {
        // MariaDB 10.5 still has variables that it no longer uses, with an empty value.
        let value = self.variable(name).filter(|value| !value.is_empty())?;
        Some(value == "1" || value.eq_ignore_ascii_case("ON"))
    }
}

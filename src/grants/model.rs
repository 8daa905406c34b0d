//! What SHOW GRANTS says, as data.

use std::collections::BTreeSet;
use std::fmt;

use super::parse::{self, Unread};
use crate::privilege::Privilege;
use crate::schema::sql::identifier;

/// An account or a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grantee {
    /// User or role name; empty for the anonymous user.
    pub user: String,
    /// Host or pattern of hosts; MariaDB's roles have none, MySQL's have `%`.
    pub host: Option<String>,
}

impl Grantee {
    /// Makes an account with a host.
    pub fn new(user: &str, host: &str) -> Self {
        Self {
            user: user.to_owned(),
            host: Some(host.to_owned()),
        }
    }

    /// The identifiers that it is written with.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let host = self.host.clone();
        host.into_iter().chain([self.user.clone()])
    }

    /// Whether this is MariaDB's PUBLIC, whose privileges everyone has (10.11 and later).
    pub(super) fn is_public(&self) -> bool {
        self.host.is_none() && self.user.eq_ignore_ascii_case("PUBLIC")
    }

    /// Whether both are the same account. A host that is left out means any host.
    pub(super) fn is(&self, other: &Self) -> bool {
        let host = |account: &Self| {
            let host = account.host.as_deref().unwrap_or("%");
            host.to_ascii_lowercase()
        };
        self.user == other.user && host(self) == host(other)
    }
}

impl fmt::Display for Grantee {
    /// Writes the account quoted, as in a statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&identifier(&self.user))?;
        match &self.host {
            Some(host) => write!(f, "@{}", identifier(host)),
            None => Ok(()),
        }
    }
}

/// The privileges that a GRANT gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenPrivileges {
    /// ALL PRIVILEGES, whose meaning depends on the level and the server.
    All,
    /// These privileges. An empty set means USAGE.
    These(BTreeSet<Privilege>),
}

/// The object that a GRANT gives privileges on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// The whole server, `*.*`.
    Server,
    /// The databases that match `` `pattern`.* ``, in which `_` and `%` are wildcards unless a backslash is
    /// before them.
    Database(String),
    /// One table, `` `database`.`table` ``, without wildcards.
    Table(String, String),
    /// Columns of a table: its database, its name, the columns.
    Columns(String, String, Vec<String>),
    /// A function, procedure or package: its database and its name.
    Routine(String, String),
}

/// One GRANT of privileges on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The grantee: the account, one of its roles, or PUBLIC.
    pub to: Grantee,
    /// The privileges that are granted.
    pub given: GivenPrivileges,
    /// The object that the privileges are granted on.
    pub on: Object,
}

/// A partial revoke (MySQL 8.0.16 and later): global privileges that do not hold on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The name of the database, without wildcards.
    pub database: String,
    /// The privileges that are taken away on this database.
    pub revoked: GivenPrivileges,
    /// The account or role from which they are taken.
    pub from: Grantee,
}

/// One GRANT of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// The role that is granted.
    pub role: Grantee,
    /// The grantee: the account, or a role.
    pub to: Grantee,
}

/// What SHOW GRANTS says of privileges. Password hashes are skipped and never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The account whose grants these are: the first grantee with a host, or the first one if none has a host.
    pub account: Option<Grantee>,
    /// Privileges, the account's own and those of its roles and of PUBLIC where they are printed.
    pub granted: Vec<Grant>,
    /// The partial revokes.
    pub restrictions: Vec<Restriction>,
    /// The grants of roles.
    pub roles: Vec<RoleGrant>,
    /// Roles that are active after login. MySQL does not print them.
    pub default_roles: Vec<Grantee>,
    /// Roles that were active in the session that asked; `None` when that is not known.
    pub active_roles: Option<Vec<Grantee>>,
    /// Lines that could not be read as statements.
    pub unread: Vec<Unread>,
}

impl Grants {
    /// Adds the answer to `SELECT CURRENT_ROLE()`: `NONE` or nothing, MariaDB's bare name of the role, or
    /// MySQL's quoted list.
    #[must_use]
    pub fn with_current_role(mut self, answer: Option<&str>) -> Self {
        let answer = answer.unwrap_or_default();
        self.active_roles = Some(match answer {
            "" | "NONE" => Vec::new(),
            quoted if quoted.starts_with('`') => parse::accounts(quoted),
            name => vec![Grantee {
                user: name.to_owned(),
                host: None,
            }],
        });
        self
    }

    /// The roles whose privileges count: those active in the session or, when that is not known, the default
    /// roles; with the roles that these have in turn.
    pub(super) fn roles_on(&self) -> Vec<&Grantee> {
        let first = self.active_roles.as_ref().unwrap_or(&self.default_roles);
        self.with_their_roles(first.iter().collect())
    }

    pub(super) fn with_their_roles<'a>(&'a self, mut roles: Vec<&'a Grantee>) -> Vec<&'a Grantee> {
        let mut next = 0;
        while let Some(&holder) = roles.get(next) {
            let inherited = self.roles.iter().filter(|grant| grant.to.is(holder));
            for grant in inherited {
                if !roles.iter().any(|role| role.is(&grant.role)) {
                    roles.push(&grant.role);
                }
            }
            next += 1;
        }
        roles
    }

    /// The roles of the account that are not active.
    pub(super) fn roles_off(&self) -> impl Iterator<Item = &Grantee> {
        let on = self.roles_on();
        self.roles
            .iter()
            .filter(|grant| self.account.as_ref().is_some_and(|own| own.is(&grant.to)))
            .map(|grant| &grant.role)
            .filter(move |role| !on.iter().any(|other| other.is(role)))
    }
}

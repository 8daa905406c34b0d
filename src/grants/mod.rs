//! What an account may do, as SHOW GRANTS tells it.
//!
//! [`Grants::parse`] reads the text, [`Grants::on_database`] says which privileges hold on one
//! database, and [`judge()`] compares them with what is needed and writes the GRANT statements.
//!
//! SHOW GRANTS does not tell everything. Rows for the same user name at another host, and for the
//! anonymous user, also count when they match the client's host (measured on MariaDB 10.5, 10.11
//! and 11.8 and MySQL 9.7), and only an administrator can see those. The probe sees their effect.

mod effective;
mod judge;
pub mod need;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use crate::privilege::Privilege;
use crate::schema::sql::identifier;

pub use effective::{Place, Privileges, Rules};
pub use judge::{Fix, Missing, RoleHint, Verdict, judge};
pub use parse::{Problem, Unread};

/// An account or a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User or role name; empty for the anonymous user.
    pub user: String,
    /// Host or pattern of hosts; MariaDB's roles have none, MySQL's have `%`.
    pub host: Option<String>,
}

impl Account {
    /// An account at a host.
    pub fn new(user: &str, host: &str) -> Self {
        Self {
            user: user.to_owned(),
            host: Some(host.to_owned()),
        }
    }

    /// Whether it is the account of those who have none of their own. Someone who logs in by
    /// name and gets it is shadowed by it: the anonymous user's host is the more specific one.
    pub fn is_anonymous(&self) -> bool {
        self.user.is_empty() && self.host.is_some()
    }

    /// MariaDB's PUBLIC, whose privileges everyone has (10.11 and later).
    fn is_public(&self) -> bool {
        self.host.is_none() && self.user.eq_ignore_ascii_case("PUBLIC")
    }

    /// A host that is left out means any.
    fn is(&self, other: &Self) -> bool {
        let host = |account: &Self| {
            let host = account.host.as_deref().unwrap_or("%");
            host.to_ascii_lowercase()
        };
        self.user == other.user && host(self) == host(other)
    }
}

impl fmt::Display for Account {
    /// As in a statement, quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&identifier(&self.user))?;
        match &self.host {
            Some(host) => write!(f, "@{}", identifier(host)),
            None => Ok(()),
        }
    }
}

/// What a GRANT gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// ALL PRIVILEGES, which means something else on each level and server.
    All,
    /// These. Empty is USAGE.
    These(BTreeSet<Privilege>),
}

/// What a GRANT gives it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// `*.*`.
    Server,
    /// `` `pattern`.* ``: a name in which `_` and `%` are wildcards unless a backslash is before them.
    Database(String),
    /// `` `database`.`table` ``; no wildcards.
    Table(String, String),
    /// Columns of such a table.
    Columns(String, String, Vec<String>),
    /// A function, procedure or package of a database.
    Routine(String, String),
}

/// One GRANT of privileges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who has it: the account, one of its roles, or PUBLIC.
    pub to: Account,
    /// What.
    pub given: Given,
    /// On what.
    pub on: Object,
    /// May it be passed on?
    pub grant_option: bool,
}

/// A partial revoke (MySQL 8.0.16 and later): global privileges that do not hold on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The database's name; no wildcards.
    pub database: String,
    /// What is taken away there.
    pub revoked: Given,
    /// From whom.
    pub from: Account,
}

/// One GRANT of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleGrant {
    /// The role.
    pub role: Account,
    /// Who has it: the account, or a role.
    pub to: Account,
    /// May it be passed on?
    pub admin_option: bool,
}

/// All that SHOW GRANTS says. Password hashes are read over and never kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Whose grants these are: the first grantee with a host, or the first one where none has.
    pub account: Option<Account>,
    /// Privileges, the account's own and those of its roles and of PUBLIC where they are printed.
    pub granted: Vec<Grant>,
    /// Partial revokes.
    pub restrictions: Vec<Restriction>,
    /// Roles.
    pub roles: Vec<RoleGrant>,
    /// Roles that are on after login. MySQL does not print them.
    pub default_roles: Vec<Account>,
    /// Roles that were on in the session that asked; `None` when nobody says.
    pub active_roles: Option<Vec<Account>>,
    /// Accounts as which it may act.
    pub proxies: Vec<Account>,
    /// It has to come over an encrypted connection. MySQL 5.7 and later do not print this.
    pub requires_tls: bool,
    /// Names of privileges that mean nothing here, upper-case: mostly MySQL's dynamic ones.
    pub other_privileges: BTreeSet<String>,
    /// Lines that could not be read.
    pub unread: Vec<Unread>,
}

impl Grants {
    /// Adds what `SELECT CURRENT_ROLE()` answered: `NONE` or nothing, MariaDB's name of the
    /// role as it is, or MySQL's quoted list.
    #[must_use]
    pub fn with_current_role(mut self, answer: Option<&str>) -> Self {
        let answer = answer.unwrap_or_default();
        self.active_roles = Some(match answer {
            "" | "NONE" => Vec::new(),
            quoted if quoted.starts_with('`') => parse::accounts(quoted),
            name => vec![Account {
                user: name.to_owned(),
                host: None,
            }],
        });
        self
    }

    /// Roles whose privileges count: those of the session or, where nobody says, the default
    /// ones; with the roles that these have in turn.
    fn roles_on(&self) -> Vec<&Account> {
        let first = self.active_roles.as_ref().unwrap_or(&self.default_roles);
        self.with_their_roles(first.iter().collect())
    }

    fn with_their_roles<'a>(&'a self, mut roles: Vec<&'a Account>) -> Vec<&'a Account> {
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

    /// The account's roles that are not on.
    fn roles_off(&self) -> impl Iterator<Item = &Account> {
        let on = self.roles_on();
        self.roles
            .iter()
            .filter(|grant| self.account.as_ref().is_some_and(|own| own.is(&grant.to)))
            .map(|grant| &grant.role)
            .filter(move |role| !on.iter().any(|other| other.is(role)))
    }
}

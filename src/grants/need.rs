//! The privileges that an account needs, in the terms of GRANT statements.

use crate::privilege::Privilege;

/// A privilege that an account needs, with alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Any one of these meets the need; the first is the least to grant. Never empty.
    pub any_of: Vec<PrivilegeOn>,
    /// What happens when the need is not met.
    pub weight: Weight,
    /// What the privilege is needed for; it follows the words "is needed".
    pub why: &'static str,
    /// A setting or option that makes the GRANT unnecessary.
    pub instead: Option<Instead>,
    /// The source of the rule: a manual, a file, or a measurement.
    pub source: &'static str,
}

/// A privilege and the object on which it has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivilegeOn {
    /// The privilege that is needed.
    pub privilege: Privilege,
    /// The object on which it is needed.
    pub on: Scope,
}

/// The object on which a privilege has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole server, `*.*`.
    Server,
    /// The whole database of the site.
    Database,
    /// The whole of another database, given by its name.
    OtherDatabase(String),
    /// One table, given by its database and its name.
    Table(&'static str, &'static str),
}

/// What happens when a need is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The upgrade or backup fails, or the backup lacks something.
    Required,
    /// The work succeeds, but prints a message or leaves something for another account to do.
    Advised,
}

/// A setting or option that makes a need unnecessary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// A variable of the server, and the value to set.
    Variable(&'static str, &'static str),
    /// An option of mysqldump.
    DumpOption(&'static str),
}

impl Need {
    /// A need for one privilege on a database, without which the work fails.
    pub(crate) fn on_database(
        privilege: Privilege,
        on: &Scope,
        why: &'static str,
        source: &'static str,
    ) -> Self {
        let wanted = PrivilegeOn {
            privilege,
            on: on.clone(),
        };
        Self::any(vec![wanted], why, source)
    }

    /// A need that any one of several privileges meets, without which the work fails.
    pub(crate) fn any(any_of: Vec<PrivilegeOn>, why: &'static str, source: &'static str) -> Self {
        Self {
            any_of,
            weight: Weight::Required,
            why,
            instead: None,
            source,
        }
    }
}

/// A privilege that is wanted on the whole server.
pub(crate) fn on_server(privilege: Privilege) -> PrivilegeOn {
    PrivilegeOn {
        privilege,
        on: Scope::Server,
    }
}

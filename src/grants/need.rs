//! What an account has to be allowed, in the words of GRANT statements.

use crate::privilege::Privilege;

/// Something that an account has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Any of these meets it; the first is the least to grant. Never empty.
    pub any_of: Vec<Wanted>,
    /// What happens without.
    pub weight: Weight,
    /// What it is needed for, to follow "is needed".
    pub why: &'static str,
    /// What does as well as a GRANT.
    pub instead: Option<Instead>,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// A privilege and where it has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub privilege: Privilege,
    /// Where.
    pub on: Scope,
}

/// Where a privilege has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On the server: `*.*`.
    Server,
    /// On all of the site's database.
    Database,
    /// On all of another one.
    OtherDatabase(String),
    /// On a table.
    Table(&'static str, &'static str),
}

/// What happens when a need is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The upgrade or backup fails, or something is missing from the backup.
    Required,
    /// A message, or work that another account has to do.
    Advised,
}

/// What makes a need go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// A variable of the server.
    Variable(&'static str, &'static str),
    /// An option of mysqldump.
    DumpOption(&'static str),
}

impl Instead {
    /// The statement that sets the variable until the server stops.
    pub fn statement(&self) -> Option<String> {
        match self {
            Self::Variable(name, value) => Some(format!("SET GLOBAL {name} = {value}")),
            Self::DumpOption(_) => None,
        }
    }

    /// The line for the option file's group `[mysqld]`, for the time after that.
    pub fn option_line(&self) -> Option<String> {
        match self {
            Self::Variable(name, value) => Some(format!("{name} = {value}")),
            Self::DumpOption(_) => None,
        }
    }
}

impl Need {
    /// A need of one privilege on a database, without which the work fails.
    pub(crate) fn on_database(
        privilege: Privilege,
        on: &Scope,
        why: &'static str,
        source: &'static str,
    ) -> Self {
        let wanted = Wanted {
            privilege,
            on: on.clone(),
        };
        Self::any(vec![wanted], why, source)
    }

    /// A need that any of several privileges meets, without which the work fails.
    pub(crate) fn any(any_of: Vec<Wanted>, why: &'static str, source: &'static str) -> Self {
        Self {
            any_of,
            weight: Weight::Required,
            why,
            instead: None,
            source,
        }
    }
}

/// A privilege on the server as a whole.
pub(crate) fn on_server(privilege: Privilege) -> Wanted {
    Wanted {
        privilege,
        on: Scope::Server,
    }
}

//! Which privileges hold on one database.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{GivenPrivileges, Grant, Grantee, Grants, Object};
use crate::privilege::{Level, Privilege};
use crate::schema::model::Account;
use crate::server_version::{Family, ServerVersion};

/// The settings of a server that decide how it looks privileges up.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Family and version of the server.
    pub server: ServerVersion,
    /// `partial_revokes` is on (MySQL 8.0.16 and later): names of databases then have neither wildcards nor
    /// escapes: `` `civi\_site` `` is not `civi_site` (measured on MySQL 9.7).
    pub partial_revokes: bool,
    /// `lower_case_table_names` is 1 or 2: the letter case of names does not count.
    pub ignore_case: bool,
}

impl Rules {
    /// The rules of a server with default settings.
    pub fn of(server: ServerVersion) -> Self {
        Self {
            server,
            partial_revokes: false,
            ignore_case: false,
        }
    }

    pub(super) fn is_same_name(&self, one: &str, other: &str) -> bool {
        one == other || (self.ignore_case && one.to_lowercase() == other.to_lowercase())
    }

    fn matches(&self, pattern: &str, database: &str) -> bool {
        if self.partial_revokes {
            self.is_same_name(pattern, database)
        } else if self.ignore_case {
            Pattern::of(&pattern.to_lowercase()).matches(&database.to_lowercase())
        } else {
            Pattern::of(pattern).matches(database)
        }
    }

    /// The pattern by which a GRANT names this database and no other.
    pub fn pattern_of(&self, database: &str) -> String {
        let mut pattern = String::with_capacity(database.len() + 2);
        for c in database.chars() {
            if matches!(c, '_' | '%' | '\\') && !self.partial_revokes {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern
    }

    /// Whether `pattern` means this database, and others at most because an underscore is not escaped, as in
    /// `GRANT ... ON civi_site.*`.
    fn names(&self, pattern: &str, database: &str) -> bool {
        let plain: String = Pattern::of(pattern)
            .parts
            .iter()
            .map(|part| match part {
                PatternPart::Character(c) => *c,
                PatternPart::One => '_',
                PatternPart::Many => '%',
            })
            .collect();
        self.is_same_name(pattern, database) || self.is_same_name(&plain, database)
    }

    /// A key for sorting patterns; the more specific of two patterns has the lesser key. MySQL compares how
    /// much comes before the first wildcard (MySQL manual, "Access Control, Stage 2"). MariaDB since 10.5
    /// compares how many names the patterns can match (MDEV-14735): patterns without `%` come before all with
    /// it, then longer ones before shorter.
    fn specificity(&self, pattern: &str) -> (usize, usize, usize) {
        let parts = Pattern::of(pattern).parts;
        let count = |wanted: PatternPart| parts.iter().filter(|&&part| part == wanted).count();
        let (one, many) = (count(PatternPart::One), count(PatternPart::Many));
        if self.server.at_least(Family::Mariadb, (10, 5, 0)) {
            let shortest = parts.len() - many;
            return match many {
                0 => (0, 0, one),
                many => (usize::MAX - shortest, many, one),
            };
        }
        let before = pattern
            .char_indices()
            .scan(false, |escaped, (at, c)| {
                let is_wildcard = matches!(c, '%' | '_') && !*escaped;
                *escaped = c == '\\' && !*escaped;
                Some((at, is_wildcard))
            })
            .find(|&(_, is_wildcard)| is_wildcard);
        // The place is kept in seven bits.
        before.map_or((0, 0, 0), |(at, _)| (usize::MAX - at.min(126), 0, 0))
    }
}

/// The database name of a GRANT, with its wildcards.
struct Pattern {
    parts: Vec<PatternPart>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PatternPart {
    Character(char),
    /// The wildcard `_`: any one character.
    One,
    /// The wildcard `%`: any number of characters.
    Many,
}

impl Pattern {
    fn of(text: &str) -> Self {
        let mut parts: Vec<PatternPart> = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c == '%' && parts.last() == Some(&PatternPart::Many) {
                continue;
            }
            parts.push(match c {
                '%' => PatternPart::Many,
                '_' => PatternPart::One,
                '\\' => PatternPart::Character(chars.next().unwrap_or('\\')),
                other => PatternPart::Character(other),
            });
        }
        Self { parts }
    }

    fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where to continue after a mismatch: after the last `%`, which then takes one more character.
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() {
            match (self.parts.get(part), name.get(at)) {
                (Some(PatternPart::Many), _) => {
                    part += 1;
                    retry = Some((part, at));
                }
                (Some(PatternPart::One), _) => {
                    part += 1;
                    at += 1;
                }
                (Some(PatternPart::Character(wanted)), Some(found)) if wanted == found => {
                    part += 1;
                    at += 1;
                }
                _ => match &mut retry {
                    Some((behind, given)) => {
                        *given += 1;
                        (part, at) = (*behind, *given);
                    }
                    None => return false,
                },
            }
        }
        let rest = self.parts.get(part..).unwrap_or_default();
        rest.iter().all(|&part| part == PatternPart::Many)
    }
}

/// The account whose privileges a server takes for a definer: that of the same name, or else the one with this user name
/// whose host, as a pattern, has the definer's and says most of it; `None` where the server has no such account, and says
/// error 1449 (measured on MariaDB 10.11 and MySQL 9.7).
pub fn account_taken<'a>(definer: &Account, accounts: &'a [Account]) -> Option<&'a Account> {
    let host = definer.host.to_lowercase();
    let is_named = |account: &&Account| account.user == definer.user;
    let named: Vec<&Account> = accounts.iter().filter(is_named).collect();
    let same = named
        .iter()
        .find(|account| account.host.to_lowercase() == host);
    let fits = |account: &&&Account| Pattern::of(&account.host.to_lowercase()).matches(&host);
    let said = |account: &&&Account| account.host.find(['%', '_']);
    let fitting = || named.iter().filter(fits).max_by_key(said);
    same.or_else(fitting).copied()
}

/// A part of a database on which a privilege can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantPlace {
    /// A table or view.
    Table(String),
    /// Columns of a table.
    Columns(String, Vec<String>),
    /// A stored routine.
    Routine(String),
}

impl fmt::Display for GrantPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table {table}"),
            Self::Columns(table, columns) => {
                write!(f, "columns {} of table {table}", columns.join(", "))
            }
            Self::Routine(routine) => write!(f, "routine {routine}"),
        }
    }
}

/// The privileges that an account has on one database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    /// Privileges on the whole database, from whichever level they come.
    pub whole: BTreeSet<Privilege>,
    /// Privileges on the server: what `*.*` gives, whatever is revoked for single databases.
    pub global: BTreeSet<Privilege>,
    /// Privileges on parts of the database only, and those parts.
    pub partly: BTreeMap<Privilege, Vec<GrantPlace>>,
    pub(super) own_row: Option<OwnRow>,
}

/// The account's own rows for the database, as far as the server uses them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnRow {
    /// The pattern of the row; `Some` only if there is exactly one row and it is for this database alone.
    pub exact: Option<String>,
    pub privileges: BTreeSet<Privilege>,
}

impl Grants {
    /// The privileges on a database: the global ones and those of one row for the database, the
    /// most specific one, less partial revokes. Of rows equally specific the server takes any;
    /// only what all of them give is counted then. A role's rows, and PUBLIC's, are looked up by
    /// themselves; but MySQL adds up all rows that match while a role is on (measured on 9.7).
    pub fn on_database(&self, database: &str, rules: &Rules) -> Privileges {
        self.with_roles(database, rules, &self.roles_on())
    }

    /// The privileges on a database as if `role` were active, too.
    pub(super) fn with_role(&self, role: &Grantee, database: &str, rules: &Rules) -> Privileges {
        let roles = self.roles_on().into_iter().chain([role]).collect();
        self.with_roles(database, rules, &self.with_their_roles(roles))
    }

    /// The rules, with `partial_revokes` on if the grants show a partial revoke.
    pub(super) fn rules(&self, rules: &Rules) -> Rules {
        Rules {
            partial_revokes: rules.partial_revokes || !self.restrictions.is_empty(),
            ..rules.clone()
        }
    }

    fn with_roles(&self, database: &str, rules: &Rules, roles: &[&Grantee]) -> Privileges {
        let rules = &self.rules(rules);
        let is_own = |holder: &Grantee| self.account.as_ref().is_some_and(|own| own.is(holder));
        let is_role = |holder: &Grantee| roles.iter().any(|role| role.is(holder));
        let counts = |holder: &Grantee| is_own(holder) || is_role(holder) || holder.is_public();

        let mut privileges = Privileges::default();
        for grant in self.granted.iter().filter(|grant| counts(&grant.to)) {
            if grant.on == Object::Server {
                privileges
                    .global
                    .extend(grant.given.at(Level::Global, rules));
            }
            privileges.add_part(grant, database, rules);
        }
        privileges.whole = privileges.global.clone();

        let rows = |counts: &dyn Fn(&Grantee) -> bool| self.rows(database, rules, counts);
        let own = rows(&is_own);
        if rules.server.family == Family::Mysql && !roles.is_empty() {
            let all = rows(&|holder| is_own(holder) || is_role(holder));
            privileges.whole.extend(all.into_values().flatten());
        } else {
            for rows in [own.clone(), rows(&is_role), rows(&Grantee::is_public)] {
                privileges.whole.extend(common(most_specific(rows, rules)));
            }
        }
        for restriction in &self.restrictions {
            if counts(&restriction.from) && rules.is_same_name(&restriction.database, database) {
                let revoked = restriction.revoked.at(Level::Database, rules);
                privileges.whole.retain(|kept| !revoked.contains(kept));
            }
        }

        let own = most_specific(own, rules);
        privileges.own_row = (!own.is_empty()).then(|| OwnRow {
            exact: match own.keys().collect::<Vec<_>>().as_slice() {
                [pattern] if rules.names(pattern, database) => Some((*pattern).clone()),
                _ => None,
            },
            privileges: own.into_values().flatten().collect(),
        });
        privileges
    }

    /// The rows that match the database; rows with the same pattern are combined.
    fn rows(
        &self,
        database: &str,
        rules: &Rules,
        counts: &dyn Fn(&Grantee) -> bool,
    ) -> BTreeMap<String, BTreeSet<Privilege>> {
        let mut rows: BTreeMap<String, BTreeSet<Privilege>> = BTreeMap::new();
        for grant in self.granted.iter().filter(|grant| counts(&grant.to)) {
            if let Object::Database(pattern) = &grant.on
                && rules.matches(pattern, database)
            {
                let row = rows.entry(pattern.clone()).or_default();
                row.extend(grant.given.at(Level::Database, rules));
            }
        }
        rows
    }
}

fn most_specific(
    mut rows: BTreeMap<String, BTreeSet<Privilege>>,
    rules: &Rules,
) -> BTreeMap<String, BTreeSet<Privilege>> {
    let best = rows.keys().map(|pattern| rules.specificity(pattern)).min();
    rows.retain(|pattern, _| Some(rules.specificity(pattern)) == best);
    rows
}

fn common(rows: BTreeMap<String, BTreeSet<Privilege>>) -> BTreeSet<Privilege> {
    let both = |one: BTreeSet<Privilege>, other: BTreeSet<Privilege>| &one & &other;
    rows.into_values().reduce(both).unwrap_or_default()
}

impl GivenPrivileges {
    fn at(&self, level: Level, rules: &Rules) -> BTreeSet<Privilege> {
        match self {
            Self::All => Privilege::all(level, &rules.server),
            Self::These(privileges) => privileges.clone(),
        }
    }
}

impl Privileges {
    fn add_part(&mut self, grant: &Grant, database: &str, rules: &Rules) {
        let (of, level, place) = match &grant.on {
            Object::Server | Object::Database(_) => return,
            Object::Table(of, table) => (of, Level::Table, GrantPlace::Table(table.clone())),
            Object::Columns(of, table, columns) => {
                let place = GrantPlace::Columns(table.clone(), columns.clone());
                (of, Level::Table, place)
            }
            Object::Routine(of, routine) => {
                (of, Level::Routine, GrantPlace::Routine(routine.clone()))
            }
        };
        if rules.is_same_name(of, database) {
            for privilege in grant.given.at(level, rules) {
                self.partly
                    .entry(privilege)
                    .or_default()
                    .push(place.clone());
            }
        }
    }
}

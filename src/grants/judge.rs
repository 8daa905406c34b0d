//! Compares the privileges that are needed with those that an account has, and writes the missing GRANT
//! statements.

use std::collections::BTreeSet;

use super::effective::OwnRow;
use super::need::{Instead, Need, PrivilegeOn, Scope, Weight};
use super::{GrantPlace, Grantee, Grants, Privileges, Rules};
use crate::privilege::Privilege;
use crate::schema::sql::identifier;
use crate::server_version::Family;

/// The result of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The needs that are met, each with those of its alternatives that are there.
    pub met: Vec<Need>,
    /// The needs that are not met.
    pub missing: Vec<Missing>,
    /// Statements that an administrator runs, in this order, to meet all needs.
    pub fixes: Vec<Fix>,
    /// Roles of the account that are not active and would meet some of the missing needs.
    pub roles: Vec<RoleHint>,
}

impl Verdict {
    /// Whether all needs are met without which the work would fail or lose something.
    pub fn is_enough(&self) -> bool {
        let mut missing = self.missing.iter();
        missing.all(|missing| missing.need.weight == Weight::Advised)
    }
}

/// A need that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The need that is not met.
    pub need: Need,
    /// Parts of the database on which the privilege is granted.
    pub only_on: Vec<GrantPlace>,
    /// Whether a partial revoke takes away here what the account has on the rest of the server.
    pub revoked: bool,
}

/// A statement that an administrator runs to meet needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The GRANT statement, without a semicolon.
    pub statement: String,
    /// The identifiers that it names.
    pub names: Vec<String>,
    /// A setting or option that makes the GRANT unnecessary.
    pub instead: Option<Instead>,
}

/// A role that the account has and that is not active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHint {
    /// The role in question.
    pub role: Grantee,
    /// Which of the missing privileges the role would add; `None` when its privileges were not shown.
    pub adds: Option<BTreeSet<Privilege>>,
    /// The SET DEFAULT ROLE statement that makes the role active at every login.
    pub statement: String,
    /// The identifiers that it names.
    pub names: Vec<String>,
}

/// Compares needs with the grants of an account. If the grants name no account, no need is met, and there are
/// no statements.
pub fn judge(needs: Vec<Need>, grants: &Grants, database: &str, rules: &Rules) -> Verdict {
    let case = Case {
        grants,
        database,
        rules: &grants.rules(rules),
    };
    let (mut met, missing): (Vec<Need>, Vec<Need>) =
        needs.into_iter().partition(|need| case.meets(need));
    for need in &mut met {
        need.any_of
            .retain(|wanted| case.is_there(wanted, |database| case.on(database)));
    }
    let missing: Vec<Missing> = missing.into_iter().map(|need| case.missing(need)).collect();
    let (fixes, roles) = match &grants.account {
        Some(account) => (case.fixes(&missing, account), case.hints(&missing, account)),
        None => (Vec::new(), Vec::new()),
    };
    Verdict {
        met,
        missing,
        fixes,
        roles,
    }
}

/// The account, database and server that needs are compared for.
struct Case<'a> {
    grants: &'a Grants,
    database: &'a str,
    rules: &'a Rules,
}

/// Privileges that one GRANT statement grants on one object.
struct Grouped<'a> {
    on: &'a Scope,
    instead: Option<&'a Instead>,
    privileges: BTreeSet<Privilege>,
    /// The privileges among these that a partial revoke takes away.
    revoked: BTreeSet<Privilege>,
}

impl<'a> Case<'a> {
    fn on(&self, database: &str) -> Privileges {
        self.grants.on_database(database, self.rules)
    }

    fn meets(&self, need: &Need) -> bool {
        let mut any_of = need.any_of.iter();
        any_of.any(|wanted| self.is_there(wanted, |database| self.on(database)))
    }

    fn is_there(&self, wanted: &PrivilegeOn, on: impl Fn(&str) -> Privileges) -> bool {
        let privilege = &wanted.privilege;
        match &wanted.on {
            Scope::Server => on(self.database).global.contains(privilege),
            Scope::Table(database, table) => {
                let there = on(database);
                let places = there.partly.get(privilege);
                let is_it = |place: &GrantPlace| match place {
                    GrantPlace::Table(name) => self.rules.is_same_name(name, table),
                    GrantPlace::Columns(..) | GrantPlace::Routine(_) => false,
                };
                there.whole.contains(privilege) || places.is_some_and(|all| all.iter().any(is_it))
            }
            Scope::Database | Scope::OtherDatabase(_) => {
                let database = self.database_of(&wanted.on).unwrap_or_default();
                on(database).whole.contains(privilege)
            }
        }
    }

    fn database_of(&self, scope: &'a Scope) -> Option<&'a str> {
        match scope {
            Scope::Database => Some(self.database),
            Scope::OtherDatabase(other) => Some(other),
            Scope::Server | Scope::Table(..) => None,
        }
    }

    fn missing(&self, need: Need) -> Missing {
        let mut only_on = Vec::new();
        let mut revoked = false;
        for wanted in &need.any_of {
            if let Some(database) = self.database_of(&wanted.on) {
                let mut there = self.on(database);
                revoked |= there.global.contains(&wanted.privilege);
                only_on.extend(there.partly.remove(&wanted.privilege).unwrap_or_default());
            }
        }
        Missing {
            need,
            only_on,
            revoked,
        }
    }

    /// One GRANT statement for each object, with the first alternative of each need.
    fn fixes(&self, missing: &[Missing], account: &Grantee) -> Vec<Fix> {
        let mut groups: Vec<Grouped<'_>> = Vec::new();
        for Missing { need, revoked, .. } in missing {
            let Some(wanted) = need.any_of.first() else {
                continue;
            };
            let instead = need.instead.as_ref();
            let same = |group: &Grouped<'_>| group.on == &wanted.on && group.instead == instead;
            let at = groups.iter().position(same).unwrap_or_else(|| {
                groups.push(Grouped {
                    on: &wanted.on,
                    instead,
                    privileges: BTreeSet::new(),
                    revoked: BTreeSet::new(),
                });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(at) {
                group.privileges.insert(wanted.privilege);
                group.revoked.extend(revoked.then_some(wanted.privilege));
            }
        }
        groups
            .into_iter()
            .flat_map(|group| self.grants_for(group, account))
            .collect()
    }

    fn grants_for(&self, group: Grouped<'_>, account: &Grantee) -> Vec<Fix> {
        let mut privileges = group.privileges;
        let object = match group.on {
            Scope::Server => Vec::new(),
            Scope::Table(database, table) => vec![(*database).to_owned(), (*table).to_owned()],
            Scope::Database => vec![self.row_to_grant(self.database, &mut privileges)],
            Scope::OtherDatabase(other) => vec![self.row_to_grant(other, &mut privileges)],
        };
        let on = match object.as_slice() {
            [database, table] => format!("{}.{}", identifier(database), identifier(table)),
            [pattern] => format!("{}.*", identifier(pattern)),
            _ => "*.*".to_owned(),
        };
        let fix = |privileges: &BTreeSet<Privilege>, to: &Grantee| Fix {
            statement: format!("GRANT {} ON {on} TO {to}", names(privileges)),
            names: to.names().chain(object.clone()).collect(),
            instead: group.instead.cloned(),
        };
        let mut fixes = vec![fix(&privileges, account)];
        // A role's partial revoke outweighs what the account itself is granted, and MySQL does
        // not say whose it is (measured on 9.7).
        if !group.revoked.is_empty() {
            let roles = self.grants.roles_on().into_iter();
            fixes.extend(roles.map(|role| fix(&group.revoked, role)));
        }
        fixes
    }

    /// The name for `GRANT ... ON`. A new row for the database hides the pattern that matched it so far, so the
    /// new row gets the privileges of that pattern, too.
    fn row_to_grant(&self, database: &str, privileges: &mut BTreeSet<Privilege>) -> String {
        match self.on(database).own_row {
            Some(OwnRow {
                exact: Some(pattern),
                ..
            }) => pattern,
            hidden => {
                privileges.extend(hidden.into_iter().flat_map(|row| row.privileges));
                self.rules.pattern_of(database)
            }
        }
    }

    fn hints(&self, missing: &[Missing], account: &Grantee) -> Vec<RoleHint> {
        if missing.is_empty() {
            return Vec::new();
        }
        let roles = self.grants.roles_off();
        roles
            .filter_map(|role| {
                let adds = self.added_by(role, missing);
                let is_useless = adds.as_ref().is_some_and(BTreeSet::is_empty);
                let (statement, names) = self.default_role(role, account);
                (!is_useless).then(|| RoleHint {
                    role: role.clone(),
                    adds,
                    statement,
                    names,
                })
            })
            .collect()
    }

    /// Which of the missing privileges a role would add; `None` when its grants are not known.
    fn added_by(&self, role: &Grantee, missing: &[Missing]) -> Option<BTreeSet<Privilege>> {
        let mut granted = self.grants.granted.iter();
        granted.find(|grant| grant.to.is(role))?;
        let on = |database: &str| self.grants.with_role(role, database, self.rules);
        let wanted = missing.iter().flat_map(|missing| &missing.need.any_of);
        let added = wanted.filter(|wanted| self.is_there(wanted, on));
        Some(added.map(|wanted| wanted.privilege).collect())
    }

    /// The statement that makes a role active at login, and the identifiers that it names. In MariaDB one role
    /// is active at a time; MySQL's statement names all roles that are to be active.
    fn default_role(&self, role: &Grantee, account: &Grantee) -> (String, Vec<String>) {
        let (on, to) = match self.rules.server.family {
            Family::Mariadb => (vec![role], "FOR"),
            Family::Mysql => {
                let on = self.grants.active_roles.iter().flatten();
                (on.chain([role]).collect(), "TO")
            }
        };
        let roles: Vec<String> = on.iter().map(ToString::to_string).collect();
        let names = on.into_iter().chain([account]).flat_map(Grantee::names);
        let statement = format!("SET DEFAULT ROLE {} {to} {account}", roles.join(", "));
        (statement, names.collect())
    }
}

fn names(privileges: &BTreeSet<Privilege>) -> String {
    let names: Vec<&str> = privileges
        .iter()
        .map(|privilege| privilege.name())
        .collect();
    names.join(", ")
}

//! What is needed against what is there, and the statements that make up the difference.

use std::collections::BTreeSet;

use super::{Account, Grants, Place, Privileges, Rules};
use crate::civicrm::privileges::{Instead, Need, Scope, Wanted, Weight};
use crate::privilege::Privilege;
use crate::schema::sql::identifier;
use crate::server_version::Family;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Needs that are met.
    pub met: Vec<Need>,
    /// Needs that are not.
    pub missing: Vec<Missing>,
    /// What an administrator runs to meet all of them, in this order.
    pub fixes: Vec<Fix>,
    /// Roles of the account that are not on and would meet some of them.
    pub roles: Vec<RoleHint>,
}

impl Verdict {
    /// Whether everything is there without which it would fail or lose something.
    pub fn is_enough(&self) -> bool {
        let mut missing = self.missing.iter();
        missing.all(|missing| missing.need.weight == Weight::Advised)
    }
}

/// A need that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub need: Need,
    /// Parts of the database where the privilege is there.
    pub only_on: Vec<Place>,
    /// A partial revoke takes away what the account has on the rest of the server.
    pub revoked: bool,
}

/// A statement for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The GRANT, without a semicolon.
    pub statement: String,
    /// What does as well.
    pub instead: Option<Instead>,
}

/// A role that the account has and that is not on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHint {
    /// The role.
    pub role: Account,
    /// What it would add of what is missing; `None` when its privileges were not shown.
    pub adds: Option<BTreeSet<Privilege>>,
    /// The SET DEFAULT ROLE statement that turns it on at every login.
    pub statement: String,
}

/// Compares needs with the grants of an account. Without an account nothing is there, and there
/// are no statements.
pub fn judge(needs: Vec<Need>, grants: &Grants, database: &str, rules: &Rules) -> Verdict {
    let rules = &Rules {
        partial_revokes: rules.partial_revokes || !grants.restrictions.is_empty(),
        ..rules.clone()
    };
    let on = |name: &str| grants.on_database(name, rules);
    let mut verdict = Verdict::default();
    for need in needs {
        if meets(&need, database, rules, on) {
            verdict.met.push(need);
        } else {
            let missing = Missing::of(need, database, on);
            verdict.missing.push(missing);
        }
    }
    if let Some(account) = &grants.account {
        verdict.fixes = fixes(&verdict.missing, account, grants, database, rules);
        verdict.roles = grants
            .roles_off()
            .filter_map(|role| hint(role, &verdict.missing, account, grants, database, rules))
            .collect();
    }
    verdict
}

fn meets(need: &Need, database: &str, rules: &Rules, on: impl Fn(&str) -> Privileges) -> bool {
    need.any_of
        .iter()
        .any(|wanted| wanted.is_in(database, rules, &on))
}

impl Wanted {
    fn is_in(&self, database: &str, rules: &Rules, on: impl Fn(&str) -> Privileges) -> bool {
        match &self.on {
            Scope::Server => on(database).global.contains(&self.privilege),
            Scope::Database => on(database).whole.contains(&self.privilege),
            Scope::OtherDatabase(other) => on(other).whole.contains(&self.privilege),
            Scope::Table(database, table) => {
                let there = on(database);
                let places = there.partly.get(&self.privilege).into_iter().flatten();
                let is_it = |place: &Place| matches!(place, Place::Table(found) if rules.is_same_name(found, table));
                there.whole.contains(&self.privilege) || places.clone().any(is_it)
            }
        }
    }
}

impl Missing {
    fn of(need: Need, database: &str, on: impl Fn(&str) -> Privileges) -> Self {
        let mut missing = Self {
            only_on: Vec::new(),
            revoked: false,
            need,
        };
        for wanted in &missing.need.any_of {
            let there = match &wanted.on {
                Scope::Server | Scope::Table(..) => continue,
                Scope::Database => on(database),
                Scope::OtherDatabase(other) => on(other),
            };
            missing.revoked |= there.global.contains(&wanted.privilege);
            let places = there.partly.get(&wanted.privilege).into_iter().flatten();
            missing.only_on.extend(places.cloned());
        }
        missing
    }
}

/// One GRANT for each thing to grant on, of the first alternative of each need.
fn fixes(
    missing: &[Missing],
    account: &Account,
    grants: &Grants,
    database: &str,
    rules: &Rules,
) -> Vec<Fix> {
    struct Group<'a> {
        on: &'a Scope,
        instead: Option<&'a Instead>,
        privileges: BTreeSet<Privilege>,
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for Missing { need, .. } in missing {
        let Some(wanted) = need.any_of.first() else {
            continue;
        };
        let instead = need.instead.as_ref();
        let same = |group: &&mut Group<'_>| group.on == &wanted.on && group.instead == instead;
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.privileges.insert(wanted.privilege);
            }
            None => groups.push(Group {
                on: &wanted.on,
                instead,
                privileges: [wanted.privilege].into(),
            }),
        }
    }
    groups
        .into_iter()
        .map(|mut group| {
            let on = match group.on {
                Scope::Server => "*.*".to_owned(),
                Scope::Table(database, table) => {
                    format!("{}.{}", identifier(database), identifier(table))
                }
                Scope::Database => row_to_grant(&mut group.privileges, grants, database, rules),
                Scope::OtherDatabase(other) => {
                    row_to_grant(&mut group.privileges, grants, other, rules)
                }
            };
            Fix {
                statement: format!("GRANT {} ON {on} TO {account}", names(&group.privileges)),
                instead: group.instead.cloned(),
            }
        })
        .collect()
}

/// What to name in `GRANT ... ON`. A new row for the database hides the pattern that matched it
/// so far, so it gets that one's privileges, too.
fn row_to_grant(
    privileges: &mut BTreeSet<Privilege>,
    grants: &Grants,
    database: &str,
    rules: &Rules,
) -> String {
    let row = grants.on_database(database, rules).own_row;
    let pattern = match row {
        Some(row) if row.exact.is_some() => row.exact,
        Some(row) => {
            privileges.extend(row.privileges);
            None
        }
        None => None,
    };
    let pattern = pattern.unwrap_or_else(|| {
        if rules.partial_revokes {
            database.to_owned()
        } else {
            escaped(database)
        }
    });
    format!("{}.*", identifier(&pattern))
}

/// A name as a pattern that matches nothing else.
fn escaped(database: &str) -> String {
    let mut pattern = String::with_capacity(database.len() + 2);
    for c in database.chars() {
        if matches!(c, '_' | '%' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

fn names(privileges: &BTreeSet<Privilege>) -> String {
    let names: Vec<&str> = privileges
        .iter()
        .map(|privilege| privilege.name())
        .collect();
    names.join(", ")
}

fn hint(
    role: &Account,
    missing: &[Missing],
    account: &Account,
    grants: &Grants,
    database: &str,
    rules: &Rules,
) -> Option<RoleHint> {
    let is_shown = grants.granted.iter().any(|grant| grant.to.is(role));
    let adds = is_shown.then(|| {
        let on = |name: &str| grants.with_role(role, name, rules);
        let wanted = missing.iter().flat_map(|missing| &missing.need.any_of);
        wanted
            .filter(|wanted| wanted.is_in(database, rules, on))
            .map(|wanted| wanted.privilege)
            .collect::<BTreeSet<_>>()
    });
    if missing.is_empty() || adds.as_ref().is_some_and(BTreeSet::is_empty) {
        return None;
    }
    let statement = match rules.server.family {
        // One role at a time.
        Family::Mariadb => format!("SET DEFAULT ROLE {role} FOR {account}"),
        Family::Mysql => {
            // The statement says all that are to be on.
            let on = grants.active_roles.iter().flatten();
            let on = on.chain([role]).map(Account::to_string);
            let roles: Vec<String> = on.collect();
            format!("SET DEFAULT ROLE {} TO {account}", roles.join(", "))
        }
    };
    Some(RoleHint {
        role: role.clone(),
        adds,
        statement,
    })
}

//! The accounts that triggers, views, routines and events run as.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::advice::REBUILD_ALL;
use super::{Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity};
use crate::gate::{Blocked, Meaning, Operation};
use crate::grants::{GrantPlace, Grants, Rules};
use crate::privilege::Privilege;
use crate::schema::model::{Account, Name, RoutineKind, Schema};
use crate::schema::references::{Access, User};
use crate::schema::sql::identifier;
use crate::snapshot::ServerFacts;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&DEFINER_MISSING, &DEFINER_PRIVILEGES, &DEFINER_NAMED];

pub(crate) static DEFINER_MISSING: Check = Check {
    id: "definer-missing",
    severity: Severity::Error,
    title: "triggers, views, routines or events run as an account that does not exist",
    why: "Every statement that fires, reads or calls them fails with error 1449. Views and routines with SQL SECURITY \
            INVOKER run as whoever uses them, and do not count.",
    fix: "Create the account with the site's privileges, or let CiviCRM make its triggers again under its own: cv \
            flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1.",
    example: "29 triggers, 1 routine (civicrm_activity_before_insert, civicrm_activity_before_update, \
            civicrm_activity_before_delete and 27 more) run as `civicrm`@`localhost`, an account that does not exist",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[Rule::new(Group::Objects, &[Need::Accounts], missing)],
};

pub(crate) static DEFINER_PRIVILEGES: Check = Check {
    id: "definer-privileges",
    severity: Severity::Error,
    title: "triggers, views, routines or events run as an account that may not do what they do",
    why: "Every statement that fires such a trigger fails with error 1142, reads such a view with 1356, calls such \
            a routine with 1370 or 1142.",
    fix: "Give the account the privileges, or let CiviCRM make its triggers again under its own: cv flush \
            --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1.",
    example: "29 triggers (civicrm_activity_before_insert, civicrm_activity_before_update, \
            civicrm_activity_before_delete and 26 more) run as `civicrm`@`localhost`, which lacks SELECT on civicrm_activity and 9 more, INSERT on \
            civicrm_relationship_cache, UPDATE on civicrm_activity and 4 more, DELETE on civicrm_relationship_cache, \
            EXECUTE on civicrm_strip_non_numeric, TRIGGER on civicrm_activity and 11 more",
    source: "MySQL manual, \"Trigger Syntax\" and \"Stored Object Access Control\"; measured on MariaDB 10.11 and \
            MySQL 9.7",
    rules: &[Rule::new(
        Group::Objects,
        &[Need::Accounts],
        without_privileges,
    )],
};

pub(crate) static DEFINER_NAMED: Check = Check {
    id: "definer-named",
    severity: Severity::Note,
    title: "which accounts the triggers, views, routines and events run as",
    why: "On another server the account must exist, or every statement that uses them fails with error \
            1449.",
    fix: "Before restoring on another server create that account there, or replace the DEFINER clauses in \
            the dump. Restore as an account with SET_ANY_DEFINER (MySQL 8.2 on), SET_USER_ID (MySQL 8.0 and 8.1), \
            SET USER (MariaDB 10.5 on) or SUPER (older servers).",
    example: "29 triggers, 1 routine run as `civicrm`@`localhost`",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7; MySQL 8.4 manual, Stored Object Access Control; MariaDB \
            10.5.2, SET USER",
    rules: &[Rule::new(Group::Objects, &[Need::Dump], named)],
};

/// What runs as one account.
#[derive(Default)]
struct Run<'a> {
    kinds: IndexMap<&'static str, usize>,
    names: Vec<&'a str>,
}

impl Run<'_> {
    /// Their number by kind, and the first of their names.
    fn named(&self) -> String {
        const SHOWN: usize = 3;
        let mut names = self
            .names
            .iter()
            .take(SHOWN)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        if self.names.len() > SHOWN {
            names.push_str(&format!(" and {} more", self.names.len() - SHOWN));
        }
        format!("{} ({names}) {}", phrase(&self.kinds), self.verb())
    }

    /// What the objects do: one runs, several run.
    fn verb(&self) -> &'static str {
        match self.kinds.values().sum::<usize>() {
            1 => "runs as",
            _ => "run as",
        }
    }
}

/// The accounts in the DEFINER clauses of objects, each with those.
fn definers<'a>(users: impl Iterator<Item = &'a User<'a>>) -> BTreeMap<&'a Account, Run<'a>> {
    let mut accounts: BTreeMap<&Account, Run> = BTreeMap::new();
    for user in users {
        if let Some(account) = user.definer {
            let kind = match user.kind {
                "function" | "procedure" => "routine",
                kind => kind,
            };
            let run = accounts.entry(account).or_default();
            *run.kinds.entry(kind).or_default() += 1;
            run.names.push(user.name);
        }
    }
    accounts
}

/// Whether an object runs as its definer, and not as whoever uses it.
fn runs_as_definer(user: &User, facts: &ServerFacts) -> bool {
    let is_view_by_invoker = user.kind == "view" && facts.views_by_invoker.contains(user.name);
    !user.by_invoker && !is_view_by_invoker
}

/// Adds a finding for each definer whose account does not exist on the server.
fn missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let Some(facts) = &snapshot.server else {
        return;
    };
    let users = examined.users().iter();
    let definers = definers(users.filter(|user| runs_as_definer(user, facts))).into_iter();
    for (account, run) in definers.filter(|(account, _)| facts.account_of(account).is_none()) {
        let message = format!("{} {account}, an account that does not exist", run.named());
        let fix = format!(
            "Create the account with the site's privileges, or let CiviCRM make its triggers \
             and views again under its own: {REBUILD_ALL}"
        );
        findings.push(Finding::new(check, message, fix).about("account", account.to_string()));
    }
}

/// The privileges that a definer lacks, each with the objects that it lacks it on.
type Lacks = BTreeMap<Privilege, BTreeSet<Name>>;

/// Adds a finding for each definer that may not do what the objects in its name do.
fn without_privileges(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let (Some(facts), Some(database), Some(version)) = (
        &snapshot.server,
        &snapshot.database,
        &snapshot.source.server_version,
    ) else {
        return;
    };
    let rules = facts.rules(version);
    for (definer, grants) in &facts.definer_grants {
        let Some(account) = facts.account_of(definer) else {
            // A definer that does not exist is a finding of its own.
            continue;
        };
        let Some(grants) = grants else {
            let why = format!("this account may not read the privileges of {account}");
            findings.skip(check, Lack::of_promised(why));
            continue;
        };
        let mut judged = Judged {
            database,
            grants,
            rules: &rules,
            lacks: Lacks::new(),
            run: Run::default(),
        };
        let is_meant = |user: &&User| user.definer == Some(definer) && runs_as_definer(user, facts);
        for user in examined.users().iter().filter(is_meant) {
            judged.judge(user, &snapshot.schema);
        }
        if judged.lacks.is_empty() {
            continue;
        }
        if !grants.roles.is_empty() && facts.is_on("activate_all_roles_on_login") == Some(true) {
            let why = format!("which roles of {account} count is not known");
            findings.skip(check, Lack::of_promised(why));
            continue;
        }
        findings.push(judged.finding(check, definer, account));
    }
}

/// What the objects of one definer need, held against what it has.
struct Judged<'a> {
    database: &'a str,
    grants: &'a Grants,
    rules: &'a Rules,
    lacks: Lacks,
    /// The objects that lack something.
    run: Run<'a>,
}

impl<'a> Judged<'a> {
    /// Looks at what one object does.
    fn judge(&mut self, user: &User<'a>, schema: &Schema) {
        let own = |name: &str| Name::local(name);
        let mut needs: BTreeSet<(Privilege, Name)> = BTreeSet::new();
        if let Some(table) = user.table {
            needs.insert((Privilege::Trigger, own(table)));
            let is_read =
                |column: &&String| user.uses.new_columns_set.binary_search(*column).is_err();
            if user
                .uses
                .new_old_columns
                .iter()
                .any(|column| is_read(&column))
            {
                needs.insert((Privilege::Select, own(table)));
            }
            if !user.uses.new_columns_set.is_empty() {
                needs.insert((Privilege::Update, own(table)));
            }
        }
        if user.kind == "view" {
            let tables = user.uses.tables.iter().cloned();
            needs.extend(tables.map(|table| (Privilege::Select, table)));
        }
        for (name, access) in &user.uses.accesses {
            let privilege = match access {
                Access::Select => Privilege::Select,
                Access::Insert => Privilege::Insert,
                Access::Update => Privilege::Update,
                Access::Delete => Privilege::Delete,
            };
            needs.insert((privilege, name.clone()));
        }
        let is_there = |name: &&Name| {
            let kinds = [RoutineKind::Function, RoutineKind::Procedure];
            let here = || {
                kinds
                    .iter()
                    .any(|kind| schema.routine(*kind, &name.name).is_some())
            };
            name.database.is_some() || here()
        };
        let routines = user.uses.functions.iter().chain(&user.uses.procedures);
        needs.extend(
            routines
                .filter(is_there)
                .map(|name| (Privilege::Execute, name.clone())),
        );
        let mut lacks_any = false;
        for (privilege, name) in needs {
            if !self.has(privilege, &name) {
                lacks_any = true;
                self.lacks.entry(privilege).or_default().insert(name);
            }
        }
        if lacks_any {
            *self.run.kinds.entry(user.kind).or_default() += 1;
            self.run.names.push(user.name);
        }
    }

    fn has(&self, privilege: Privilege, name: &Name) -> bool {
        let database = name.database.as_deref().unwrap_or(self.database);
        let privileges = self.grants.on_database(database, self.rules);
        let is_on = |place: &GrantPlace| match place {
            GrantPlace::Table(table) | GrantPlace::Columns(table, _) => {
                table.eq_ignore_ascii_case(&name.name)
            }
            GrantPlace::Routine(routine) => routine.eq_ignore_ascii_case(&name.name),
        };
        privileges.whole.contains(&privilege)
            || privileges
                .partly
                .get(&privilege)
                .is_some_and(|places| places.iter().any(is_on))
    }

    /// `account` is the one whose privileges count for `definer`.
    fn finding(self, check: &'static Check, definer: &Account, account: &Account) -> Finding {
        let lacks = self.lacks.iter().map(|(privilege, names)| {
            let first = names.first().map(Name::to_string).unwrap_or_default();
            match names.len() {
                1 => format!("{privilege} on {first}"),
                more => format!("{privilege} on {first} and {} more", more - 1),
            }
        });
        let lacks = lacks.collect::<Vec<_>>().join(", ");
        let taken = match definer == account {
            true => String::new(),
            false => format!(" (the server takes {account} for it)"),
        };
        let message = format!("{} {definer}{taken}, which lacks {lacks}", self.run.named());
        let privileges: Vec<String> = self.lacks.keys().map(ToString::to_string).collect();
        let fix = format!(
            "Run: {}. Or let CiviCRM make its triggers and views again under its own account: {REBUILD_ALL}",
            self.grants(account)
                .unwrap_or_else(|blocked| blocked.to_string())
        );
        Finding::new(check, message, fix)
            .about("account", definer.to_string())
            .sides(privileges.join(", "), "none")
    }

    /// The statements that give an account what is lacked, one for each database.
    fn grants(&self, account: &Account) -> Result<String, Blocked> {
        let mut by_database: IndexMap<&str, Vec<String>> = IndexMap::new();
        for (privilege, names) in &self.lacks {
            for name in names {
                let database = name.database.as_deref().unwrap_or(self.database);
                let privileges = by_database.entry(database).or_default();
                if !privileges.contains(&privilege.to_string()) {
                    privileges.push(privilege.to_string());
                }
            }
        }
        let statements = by_database.iter().map(|(database, privileges)| {
            grant(privileges, &self.rules.pattern_of(database), account)
        });
        Ok(statements.collect::<Result<Vec<_>, _>>()?.join("; "))
    }
}

fn grant(privileges: &[String], pattern: &str, account: &Account) -> Result<String, Blocked> {
    let names = [pattern, account.user.as_str(), &account.host];
    Meaning::new(Operation::Grant, names).pass(format!(
        "GRANT {} ON {}.* TO {account}",
        privileges.join(", "),
        identifier(pattern)
    ))
}

/// Counts by kind in words, such as `29 triggers, 1 routine`.
fn phrase(kinds: &IndexMap<&'static str, usize>) -> String {
    let counts = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {kind}{}", if *count == 1 { "" } else { "s" }));
    counts.collect::<Vec<_>>().join(", ")
}

/// Adds a finding for each definer in a dump: it is not known whether the accounts exist on the
/// server that it is restored on.
fn named(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    for (account, run) in definers(examined.users().iter()) {
        let message = format!("{} {} {account}", phrase(&run.kinds), run.verb());
        let finding = Finding::new(check, message, check.fix);
        findings.push(finding.about("account", account.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;

    #[test]
    fn the_grant_for_a_definer_is_what_is_meant_whatever_names_are() {
        for name in hostile::names() {
            let account = Account {
                user: name.clone(),
                host: name.clone(),
            };
            let privileges = ["SELECT".to_owned(), "TRIGGER".to_owned()];
            let granted = grant(&privileges, &name, &account);
            let is_refused = hostile::is_unstorable(&name) || name.chars().count() > 64;
            assert_eq!(granted.is_err(), is_refused, "{name:?}: {granted:?}");
        }
    }
}

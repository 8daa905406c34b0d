//! The accounts that triggers, views, routines and events run as.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::objects::REBUILD;
use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::schema::model::{Account, Schema};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&DEFINER_MISSING, &DEFINER_NAMED];

pub(crate) static DEFINER_MISSING: Check = Check {
    id: "definer-missing",
    severity: Severity::Error,
    title: "triggers, views, routines or events run as an account that does not exist",
    why: "Every statement that fires, reads or calls them fails with error 1449.",
    fix: "Create the account with the site's privileges, or let CiviCRM make its triggers and views again \
            under its own: cv flush --triggers.",
    example: "29 triggers, 1 routine run as `civicrm`@`localhost`, an account that does not exist",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[Rule::new(Group::Objects, &[Need::Accounts], missing)],
};

pub(crate) static DEFINER_NAMED: Check = Check {
    id: "definer-named",
    severity: Severity::Note,
    title: "which accounts the triggers, views, routines and events run as",
    why: "On another server the account must exist, or every statement that uses them fails with error \
            1449.",
    fix: "Before restoring on another server create that account there, or replace the DEFINER clauses in \
            the dump.",
    example: "29 triggers, 1 routine run as `civicrm`@`localhost`",
    source: "measured on MariaDB 10.5 to 11.8 and MySQL 9.7",
    rules: &[Rule::new(Group::Objects, &[Need::Dump], named)],
};

/// The accounts that objects run as, each with a phrase such as `29 triggers, 1 routine`.
fn definers(schema: &Schema) -> BTreeMap<&Account, String> {
    let triggers = schema.triggers.values().map(|t| ("trigger", &t.definer));
    let views = schema.views.values().map(|v| ("view", &v.definer));
    let routines = schema.routines.values().map(|r| ("routine", &r.definer));
    let events = schema.events.values().map(|e| ("event", &e.definer));
    let mut accounts: BTreeMap<&Account, IndexMap<&str, usize>> = BTreeMap::new();
    for (kind, definer) in triggers.chain(views).chain(routines).chain(events) {
        if let Some(account) = definer {
            *accounts
                .entry(account)
                .or_default()
                .entry(kind)
                .or_default() += 1;
        }
    }
    let phrase = |kinds: IndexMap<&str, usize>| {
        let counts = kinds
            .iter()
            .map(|(kind, count)| format!("{count} {kind}{}", if *count == 1 { "" } else { "s" }));
        counts.collect::<Vec<_>>().join(", ")
    };
    let accounts = accounts.into_iter();
    accounts
        .map(|(account, kinds)| (account, phrase(kinds)))
        .collect()
}

/// Adds a finding for each definer whose account does not exist on the server.
fn missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let Some(known) = snapshot
        .server
        .as_ref()
        .and_then(|server| server.accounts.as_ref())
    else {
        return;
    };
    let definers = definers(&snapshot.schema).into_iter();
    for (account, counts) in definers.filter(|(account, _)| !known.contains(account)) {
        let message = format!("{counts} run as {account}, an account that does not exist");
        let fix = format!(
            "Create the account with the site's privileges, or let CiviCRM make its triggers \
             and views again under its own: {REBUILD}"
        );
        findings.push(Finding::new(check, message, fix).about("account", account.to_string()));
    }
}

/// Adds a finding for each definer in a dump: it is not known whether the accounts exist on the
/// server that it is restored on.
fn named(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    for (account, counts) in definers(&examined.snapshot().schema) {
        let message = format!("{counts} run as {account}");
        let finding = Finding::new(check, message, check.fix);
        findings.push(finding.about("account", account.to_string()));
    }
}

//! Rules about the accounts of the CMS and the contacts that belong to them.

use std::collections::BTreeMap;

use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::{Lack, Need};
use super::site::rows;
use crate::cms::{Platform, Users};
use crate::gate::{Meaning, Operation};
use crate::schema::sql::identifier;
use crate::settings::Held;
use crate::snapshot::Row;
use crate::text::count;

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[&SITE_USER_GONE, &SITE_USER_TWICE];

static SITE_USER_GONE: Check = Check {
    id: "site-user-gone",
    severity: Severity::Warning,
    title: "contacts belong to accounts that the CMS does not have",
    why: "The accounts were deleted in the CMS, or the two databases do not belong together, as after a move of one of them. An \
          account that gets the number later becomes that of the wrong contact.",
    fix: "Look whether CIVICRM_UF_DSN leads to the CMS of this site. If it does, delete these rows of civicrm_uf_match; the \
          contacts stay.",
    example: "1 row of civicrm_uf_match is of an account that Drupal 7 does not have: 7 (contact 3)",
    source: "civicrm_uf_match.uf_id; table users: uid in Drupal and Backdrop, ID in WordPress, id in Joomla.",
    rules: &[Rule::new(Group::Site, OF_USERS, gone)],
};

static SITE_USER_TWICE: Check = Check {
    id: "site-user-twice",
    severity: Severity::Warning,
    title: "an account of the CMS belongs to several contacts, or a contact to several accounts",
    why: "Who logs in sees the data of one of them, and not always of the same one.",
    fix: "Find out which of them is right, and delete the other rows of civicrm_uf_match; the contacts stay.",
    example: "1 account of Drupal 7 belongs to several contacts: 5 (contacts 3, 8)",
    source: "civicrm_uf_match: one row for each account and each contact of a domain.",
    rules: &[Rule::new(Group::Site, OF_USERS, twice)],
};

const OF_USERS: &[Need] = &[Need::Site, Need::Cms];

/// A row of `civicrm_uf_match`.
struct Match {
    id: u64,
    domain: u64,
    account: u64,
    contact: Option<u64>,
}

fn number(row: &Row, column: &str) -> Option<u64> {
    std::str::from_utf8(row.get(column)?.as_deref()?)
        .ok()?
        .parse()
        .ok()
}

/// The rows of `civicrm_uf_match`; `None`, and said, where they are not all known.
fn matches(
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) -> Option<Vec<Match>> {
    const TABLE: &str = "civicrm_uf_match";
    let rows = rows(check, examined, TABLE, findings)?;
    if examined.ends_early() {
        findings.skip(check, Lack::of_promised("the dump is cut"));
        return None;
    }
    let read = rows.iter().map(|row| {
        Some(Match {
            id: number(row, "id")?,
            // The column came with 3.0.
            domain: number(row, "domain_id").unwrap_or(1),
            account: number(row, "uf_id")?,
            contact: number(row, "contact_id"),
        })
    });
    let read: Option<Vec<Match>> = read.collect();
    if read.is_none() {
        let why = format!("a row of {TABLE} cannot be read");
        findings.skip(check, Lack::of_promised(why));
    }
    read
}

/// Most rows that one message names, and most that one statement deletes.
const NAMED: usize = 5;
const DELETED: usize = 100;

/// A statement about the rows of these ids, up to [`DELETED`].
fn of_rows(operation: Operation, words: &str, ids: impl Iterator<Item = u64>) -> String {
    let ids: Vec<String> = ids.take(DELETED).map(|id| id.to_string()).collect();
    let (table, id) = (identifier("civicrm_uf_match"), identifier("id"));
    let sql = format!("{words} FROM {table} WHERE {id} IN ({})", ids.join(", "));
    let passed = Meaning::new(operation, ["civicrm_uf_match", "id"]).pass(sql);
    passed.map_or_else(|error| error.to_string(), |sql| format!("{sql};"))
}

fn gone(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = examined.case.cms.as_ref() else {
        return;
    };
    if cms.platform == Platform::Standalone {
        return;
    }
    let Some(mut matches) = matches(check, examined, findings) else {
        return;
    };
    if matches.is_empty() {
        return;
    }
    let accounts = match &cms.users {
        Users::Known(accounts) => accounts,
        Users::NotKnown(why) => {
            findings.skip(check, Lack::of_course(why.as_str()));
            return;
        }
    };
    // Each domain may have a CMS of its own; the settings file says which one is the domain of this CMS.
    let first = matches.first().map(|it| it.domain);
    if matches.iter().any(|it| Some(it.domain) != first) {
        let domain = examined.settings.and_then(|settings| {
            match settings.get("CIVICRM_DOMAIN_ID").map(|it| &it.held) {
                None => Some(1),
                Some(Held::Text(text)) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
                Some(_) => None,
            }
        });
        let Some(domain) = domain else {
            let why = "there are several domains, and only the settings file says which is that of this CMS";
            findings.skip(check, Lack::of_course(why));
            return;
        };
        matches.retain(|it| it.domain == domain);
    }
    matches.retain(|it| !accounts.contains(&it.account));
    if matches.is_empty() {
        return;
    }
    let named = matches.iter().take(NAMED).map(|it| match it.contact {
        Some(contact) => format!("{} (contact {contact})", it.account),
        None => it.account.to_string(),
    });
    let mut named: Vec<String> = named.collect();
    if let Some(more @ 1..) = matches.len().checked_sub(NAMED) {
        named.push(format!("and {more} more"));
    }
    let (rows, verb) = (
        matches.len() as u64,
        if matches.len() == 1 {
            "is of an account"
        } else {
            "are of accounts"
        },
    );
    let message = format!(
        "{} of civicrm_uf_match {verb} that {} does not have: {}",
        count(rows, "row"),
        cms.platform.name(),
        named.join(", ")
    );
    let statement = of_rows(Operation::Delete, "DELETE", matches.iter().map(|it| it.id));
    let again = match matches.len() > DELETED {
        true => " Look again for the rest.",
        false => "",
    };
    let fix = format!(
        "Look whether CIVICRM_UF_DSN leads to the CMS of this site. If it does, make a backup, and delete the rows; the contacts \
         stay: {statement}{again}"
    );
    findings.push(Finding::new(check, message, fix).about("table", "civicrm_uf_match"));
}

fn twice(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = examined.case.cms.as_ref() else {
        return;
    };
    let Some(matches) = matches(check, examined, findings) else {
        return;
    };
    let mut by_account: BTreeMap<(u64, u64), Vec<(u64, u64)>> = BTreeMap::new();
    let mut by_contact: BTreeMap<(u64, u64), Vec<(u64, u64)>> = BTreeMap::new();
    for it in &matches {
        let Some(contact) = it.contact else { continue };
        by_account
            .entry((it.domain, it.account))
            .or_default()
            .push((contact, it.id));
        by_contact
            .entry((it.domain, contact))
            .or_default()
            .push((it.account, it.id));
    }
    let name = cms.platform.name();
    for (one, others, of, groups) in [
        ("account", "contacts", format!(" of {name}"), by_account),
        ("contact", "accounts", String::new(), by_contact),
    ] {
        let several = groups.into_iter().filter(|(_, rows)| rows.len() > 1);
        let several: Vec<_> = several.collect();
        if several.is_empty() {
            continue;
        }
        let named = several.iter().take(NAMED).map(|((_, key), rows)| {
            let rows: Vec<String> = rows.iter().map(|(other, _)| other.to_string()).collect();
            format!("{key} ({others} {})", rows.join(", "))
        });
        let mut named: Vec<String> = named.collect();
        if let Some(more @ 1..) = several.len().checked_sub(NAMED) {
            named.push(format!("and {more} more"));
        }
        let verb = if several.len() == 1 {
            "belongs"
        } else {
            "belong"
        };
        let message = format!(
            "{}{of} {verb} to several {others}: {}",
            count(several.len() as u64, one),
            named.join(", ")
        );
        let ids = several
            .iter()
            .flat_map(|(_, rows)| rows.iter().map(|(_, id)| *id));
        let statement = of_rows(Operation::Select, "SELECT *", ids);
        let fix = format!(
            "{statement} shows the rows. Make a backup, and delete those that are wrong by their id; the contacts stay."
        );
        findings.push(Finding::new(check, message, fix).about("table", "civicrm_uf_match"));
    }
}

//! Rules about what the database says of the site: rows without which a part of it does not work, or that tell what
//! state it is in.

use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::{Lack, Need};
use crate::snapshot::Row;

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[&SITE_DECEASED, &SITE_UPGRADE_QUEUE];

static SITE_DECEASED: Check = Check {
    id: "site-deceased",
    severity: Severity::Error,
    title: "the membership status rule Deceased is missing or off",
    why: "The job that updates memberships stops, so that memberships neither expire nor are renewed.",
    fix: "Turn the rule on under Administer, CiviMember, Membership Status Rules. Where it is missing, add a rule with the \
          English name Deceased, reserved and for administrators only; its label may be in another language.",
    example: "no membership status rule is named Deceased, and there are memberships",
    source: "CRM/Member of 3.2 on. The steps 3.0.4, 3.1.0 and 3.2 add the rule, no later one does.",
    rules: &[Rule::new(Group::Site, &[Need::Site], deceased)],
};

static SITE_UPGRADE_QUEUE: Check = Check {
    id: "site-upgrade-queue",
    severity: Severity::Warning,
    title: "tasks of an upgrade are left in the queue",
    why: "An upgrade is running at this moment, or was broken off: what stands in the database is between two releases.",
    fix: "Wait until it is done. Of one that was broken off, look at what the log says of the last task, and restore the \
          backup or go on with the upgrade; the next upgrade empties the queue.",
    example: "1 task of an upgrade is in the queue",
    source: "civicrm_queue_item, queue CRM_Upgrade, 4.2 on.",
    rules: &[Rule::new(Group::Site, &[Need::Site], upgrade_queue)],
};

/// The rows that were kept of a table; `None`, and said, where they could not be read.
pub(super) fn rows<'a>(
    check: &'static Check,
    examined: &Examination<'a, '_>,
    table: &str,
    findings: &mut Findings,
) -> Option<&'a [Row]> {
    let snapshot = examined.snapshot();
    if let Some(why) = snapshot.rows_hidden.get(table) {
        findings.skip(check, Lack::of_promised(format!("{table}: {why}")));
        return None;
    }
    Some(snapshot.rows.get(table).map_or(&[], Vec::as_slice))
}

pub(super) fn holds(row: &Row, column: &str, value: &[u8]) -> bool {
    row.get(column).and_then(Option::as_deref) == Some(value)
}

fn deceased(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const TABLE: &str = "civicrm_membership_status";
    let counts = &examined.snapshot().row_counts;
    let count = |table: &str| counts.get(table).copied().unwrap_or_default();
    // Without memberships the job has nothing to do. Without any rule the rows were left out of the dump.
    if count("civicrm_membership") == 0 || count(TABLE) == 0 {
        return;
    }
    if examined.ends_early() {
        findings.skip(check, Lack::of_promised("the dump is cut"));
        return;
    }
    let Some(rows) = rows(check, examined, TABLE, findings) else {
        return;
    };
    let mut named = rows.iter().filter(|row| holds(row, "name", b"Deceased"));
    let message = match named.clone().count() {
        0 => "no membership status rule is named Deceased, and there are memberships",
        _ if named.any(|row| holds(row, "is_active", b"1")) => return,
        _ => "the membership status rule Deceased is off, and there are memberships",
    };
    findings.push(Finding::new(check, message, check.fix).about("table", TABLE));
}

fn upgrade_queue(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const TABLE: &str = "civicrm_queue_item";
    let Some(rows) = rows(check, examined, TABLE, findings) else {
        return;
    };
    let left = rows
        .iter()
        .filter(|row| holds(row, "queue_name", b"CRM_Upgrade"));
    let left = left.count() as u64;
    if left > 0 {
        let verb = if left == 1 { "is" } else { "are" };
        let message = format!(
            "{} of an upgrade {verb} in the queue",
            crate::text::count(left, "task")
        );
        findings.push(Finding::new(check, message, check.fix).about("table", TABLE));
    }
}

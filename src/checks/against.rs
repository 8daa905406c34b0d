//! Does a backup hold what the site holds that it was made of?

use std::collections::BTreeSet;

use super::table::{
    EVENT_MISSING, ROUTINE_MISSING, ROWS_DIFFER, TABLE_MISSING, TRIGGER_MISSING, VIEW_MISSING,
};
use super::{Check, Finding, Findings, Severity};
use crate::civicrm::naming::is_volatile;
use crate::schema::model::{RoutineKind, find};
use crate::snapshot::{ObjectKind, Snapshot};

/// Fewer rows than this more or less are what a site writes in a day or two.
const FEW_ROWS: u64 = 100;

const FIX: &str = "Make the backup again, of this database, with all its objects.";

/// Adds the objects that `site` has and `backup` has not; those that were found missing for
/// another reason already are not named twice.
pub fn objects(backup: &Snapshot, site: &Snapshot, site_name: &str, findings: &mut Findings) {
    let (ours, theirs) = (&backup.schema, &site.schema);
    let mut missing: Vec<(&'static Check, &'static str, &str, Option<&str>)> = Vec::new();
    for table in theirs.tables.keys() {
        if !ours.has_relation(table) && !is_volatile(table) {
            missing.push((&TABLE_MISSING, "table", table, None));
        }
    }
    for view in theirs.views.keys().filter(|view| !ours.has_relation(view)) {
        missing.push((&VIEW_MISSING, "view", view, None));
    }
    for (name, trigger) in &theirs.triggers {
        if ours.trigger(name).is_none() {
            missing.push((&TRIGGER_MISSING, "trigger", name, Some(&trigger.table)));
        }
    }
    for (kind, name) in theirs.routines.keys() {
        if ours.routine(*kind, name).is_none() {
            missing.push((&ROUTINE_MISSING, RoutineKind::as_str(*kind), name, None));
        }
    }
    for name in theirs.events.keys() {
        if find(&ours.events, name).is_none() {
            missing.push((&EVENT_MISSING, "event", name, None));
        }
    }
    let known: BTreeSet<(&str, String)> = findings
        .list
        .iter()
        .filter_map(|finding| Some((finding.check.id, finding.object.as_ref()?.name.clone())))
        .collect();
    for (check, kind, name, table) in missing {
        if known.contains(&(check.id, name.to_owned())) {
            continue;
        }
        let message = format!("{kind} {name} of {site_name} is not in the dump");
        let mut finding = Finding::new(check, message, FIX)
            .about(kind, name)
            .sides(format!("{kind} {name}"), "none");
        if let Some(table) = table {
            finding = finding.of_table(table);
        }
        findings.push(finding);
    }
    for (kind, check) in [
        (ObjectKind::Table, &TABLE_MISSING),
        (ObjectKind::Trigger, &TRIGGER_MISSING),
        (ObjectKind::Routine, &ROUTINE_MISSING),
        (ObjectKind::Event, &EVENT_MISSING),
    ] {
        if let Some(why) = site.hidden.get(&kind) {
            findings.skip(check, format!("{site_name}: {why}"));
        }
    }
}

/// The tables whose row counts are far enough apart to look at them more closely.
pub fn doubtful<'a>(backup: &'a Snapshot, site: &'a Snapshot) -> Vec<&'a str> {
    let tables = backup.schema.tables.keys();
    tables
        .filter(|table| site.schema.tables.contains_key(*table) && !is_volatile(table))
        .filter(|table| far_apart(count(backup, table), count(site, table)))
        .map(String::as_str)
        .collect()
}

/// Adds the tables whose row counts are far apart.
pub fn rows(backup: &Snapshot, site: &Snapshot, site_name: &str, findings: &mut Findings) {
    let about = if site.rows_estimated { "about " } else { "" };
    for table in doubtful(backup, site) {
        let (ours, theirs) = (count(backup, table), count(site, table));
        let severity = match ours {
            0 => Severity::Error,
            _ => Severity::Warning,
        };
        let message = format!("table {table}: {ours} rows in the dump, {about}{theirs} in {site_name}");
        let fix = if ours < theirs {
            "If nobody added so many rows since, make the backup again: by an account and options \
             that leave no rows out (--where, --no-data, --ignore-table-data)."
        } else {
            "If nobody deleted so many rows since, find out who did before you upgrade."
        };
        findings.push(
            Finding::new(&ROWS_DIFFER, message, fix)
                .severity(severity)
                .about("table", table)
                .sides(theirs.to_string(), ours.to_string()),
        );
    }
}

fn count(snapshot: &Snapshot, table: &str) -> u64 {
    snapshot.row_counts.get(table).copied().unwrap_or(0)
}

/// More than a half is gone, and not just a few rows.
fn far_apart(one: u64, other: u64) -> bool {
    let (less, more) = (one.min(other), one.max(other));
    more - less >= FEW_ROWS && less < more / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(rows: &[(&str, u64)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (table, count) in rows {
            let name = (*table).to_owned();
            snapshot.schema.tables.insert(name.clone(), Default::default());
            snapshot.row_counts.insert(name, *count);
        }
        snapshot
    }

    #[test]
    fn a_day_of_work_is_no_finding_and_a_lost_half_is() {
        let site = snapshot(&[
            ("civicrm_contact", 10_000),
            ("civicrm_email", 10_000),
            ("civicrm_note", 250),
            ("civicrm_tag", 99),
            ("civicrm_group_contact_cache", 90_000),
        ]);
        let backup = snapshot(&[
            ("civicrm_contact", 9_500),
            ("civicrm_email", 4_000),
            ("civicrm_note", 0),
            ("civicrm_tag", 0),
            ("civicrm_group_contact_cache", 0),
        ]);
        let mut findings = Findings::default();
        rows(&backup, &site, "the site", &mut findings);
        let found: Vec<_> = findings
            .list
            .iter()
            .map(|f| (f.object.as_ref().unwrap().name.as_str(), f.severity))
            .collect();
        assert_eq!(
            found,
            [
                ("civicrm_email", Severity::Warning),
                ("civicrm_note", Severity::Error)
            ]
        );
    }
}

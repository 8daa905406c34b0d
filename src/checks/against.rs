//! Compares a backup with the site that it was made of: does it hold what the site holds?

use super::advice::Fixes;
use super::objects::{ROUTINE_MISSING, TABLE_MISSING, TRIGGER_MISSING, VIEW_MISSING};
use super::schema::COLUMN_DIFFERS;
use super::{
    Check, Examination, Finding, Findings, Group, Lack, Need, OtherSource, Rule, Severity,
};
use crate::civicrm::naming::is_volatile;
use crate::schema::model::{RoutineKind, find};
use crate::snapshot::{ObjectKind, Snapshot};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&EVENT_MISSING, &ROWS_DIFFER];

pub(crate) static EVENT_MISSING: Check = Check {
    id: "event-missing",
    severity: Severity::Error,
    title: "a scheduled event of the site is not in the dump",
    why: "After a restore it no longer runs.",
    fix: "Make the backup with --events, by an account with the EVENT privilege.",
    example: "event nightly of mysql://localhost/civicrm is not in the dump",
    source: "mysqldump leaves events out unless --events is given",
    rules: &[Rule::new(
        Group::Against,
        &[
            Need::SiteOfBackup,
            Need::WholeDump,
            Need::OfSite(ObjectKind::Event),
        ],
        missing,
    )],
};

pub(crate) static ROWS_DIFFER: Check = Check {
    id: "rows-differ",
    severity: Severity::Warning,
    title: "the dump has far fewer or far more rows of a table than the site",
    why: "Rows were left out of the backup, or have been lost on the site since.",
    fix: "If nobody added or deleted so many rows since, make the backup again without options that leave \
            rows out.",
    example: "table civicrm_contact: 20 rows in the dump, 1000 in mysql://localhost/civicrm",
    source: "",
    rules: &[Rule::new(
        Group::Against,
        &[Need::SiteOfBackup, Need::WholeDump],
        rows,
    )],
};

/// The least difference in rows that counts; a site writes fewer in a day or two.
const FEW_ROWS: u64 = 100;

/// What makes a backup that has the object, which the site has.
fn fix(check: &Check, backup: &Snapshot) -> String {
    if backup.source.producer.never_writes_programs() && *check != TABLE_MISSING {
        return Fixes::for_source(backup).routine;
    }
    if *check == TRIGGER_MISSING {
        "Make the backup again with --triggers, by an account with the TRIGGER privilege on the whole database."
    } else if *check == ROUTINE_MISSING {
        "Make the backup again with --routines, by an account that may read routines: their definer, or one with SHOW \
         ROUTINE, SHOW CREATE ROUTINE or SELECT on mysql.proc, whichever the server knows."
    } else if *check == VIEW_MISSING {
        "Make the backup again by an account with SHOW VIEW and SELECT on what the view reads."
    } else if *check == EVENT_MISSING {
        EVENT_MISSING.fix
    } else {
        "Make the backup again, of this database, with all its tables; look for --ignore-table, and for an account that \
         cannot read the table."
    }
    .to_owned()
}

/// An object that is in the site and not in its backup.
struct Missing<'a> {
    kind: &'static str,
    name: &'a str,
    table: Option<&'a str>,
}

/// Adds the objects of the check's kind that are in the site and not in the backup. Those that were found
/// missing for another reason already are not named twice.
pub(super) fn missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(site) = examined.site_of_backup else {
        return;
    };
    let is_known = |name: &str| {
        let mut known = findings
            .list
            .iter()
            .filter(|finding| finding.check == check);
        known.any(|finding| {
            finding
                .object
                .as_ref()
                .is_some_and(|object| object.name == name)
        })
    };
    let mut missing = lost(check, examined.snapshot(), site.snapshot);
    missing.retain(|object| !is_known(object.name));
    for Missing { kind, name, table } in missing {
        let message = format!("{kind} {name} of {} is not in the dump", site.name);
        let mut finding = Finding::new(check, message, fix(check, examined.snapshot()))
            .about(kind, name)
            .sides(format!("{kind} {name}"), "none");
        if let Some(table) = table {
            finding = finding.of_table(table);
        }
        findings.push(finding);
    }
}

fn lost<'a>(check: &Check, backup: &Snapshot, site: &'a Snapshot) -> Vec<Missing<'a>> {
    let (ours, theirs) = (&backup.schema, &site.schema);
    let object = |kind, name, table| Missing { kind, name, table };
    if *check == TABLE_MISSING {
        let tables = theirs.tables.keys();
        let lost = tables.filter(|table| !ours.has_relation(table) && !is_volatile(table));
        lost.map(|table| object("table", table, None)).collect()
    } else if *check == VIEW_MISSING {
        let lost = theirs.views.keys().filter(|view| !ours.has_relation(view));
        lost.map(|view| object("view", view, None)).collect()
    } else if *check == TRIGGER_MISSING {
        let lost = theirs
            .triggers
            .iter()
            .filter(|(name, _)| ours.trigger(name).is_none());
        lost.map(|(name, trigger)| object("trigger", name, Some(&trigger.table)))
            .collect()
    } else if *check == ROUTINE_MISSING {
        let lost = theirs
            .routines
            .keys()
            .filter(|(kind, name)| ours.routine(*kind, name).is_none());
        lost.map(|(kind, name)| object(RoutineKind::as_str(*kind), name, None))
            .collect()
    } else {
        let lost = theirs
            .events
            .keys()
            .filter(|name| find(&ours.events, name).is_none());
        lost.map(|name| object("event", name, None)).collect()
    }
}

/// Adds the views, triggers, routines and events of another source that `actual` lacks, as far as both show theirs, and says
/// what of them is not compared.
pub fn check_programs(
    actual: &Snapshot,
    other: &Snapshot,
    other_name: &str,
    findings: &mut Findings,
) {
    let checks = [
        (&VIEW_MISSING, ObjectKind::Table),
        (&TRIGGER_MISSING, ObjectKind::Trigger),
        (&ROUTINE_MISSING, ObjectKind::Routine),
        (&EVENT_MISSING, ObjectKind::Event),
    ];
    for (check, kind) in checks {
        let never_written = actual.source.producer.never_writes_programs().then(|| {
            format!(
                "{} writes no stored programs",
                actual.source.producer.name()
            )
        });
        let hidden = actual
            .hidden
            .get(&kind)
            .or(other.hidden.get(&kind))
            .cloned();
        if let Some(why) = hidden.or(never_written.filter(|_| kind != ObjectKind::Table)) {
            findings.skip(check, Lack::of_course(why));
            continue;
        }
        for Missing { kind, name, table } in lost(check, actual, other) {
            let message = format!("{kind} {name} is missing, {other_name} has it");
            let mut finding = Finding::new(check, message, check.fix)
                .about(kind, name)
                .sides(format!("{kind} {name}"), "none");
            if let Some(table) = table {
                finding = finding.of_table(table);
            }
            findings.push(finding);
        }
        let why = "what views, triggers, routines and events do is not compared, nor which of them are extra";
        findings.skip(check, Lack::of_course(why));
    }
    let why = "CHECK constraints, and whether columns are stored or invisible, are not compared";
    findings.skip(&COLUMN_DIFFERS, Lack::of_course(why));
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

/// Adds a finding for each table whose row counts are far apart.
fn rows(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(OtherSource {
        snapshot: site,
        name: site_name,
    }) = examined.site_of_backup
    else {
        return;
    };
    let backup = examined.snapshot();
    let about = if site.rows_estimated { "about " } else { "" };
    for table in doubtful(backup, site) {
        let (ours, theirs) = (count(backup, table), count(site, table));
        let severity = match ours {
            0 => Severity::Error,
            _ => Severity::Warning,
        };
        let message =
            format!("table {table}: {ours} rows in the dump, {about}{theirs} in {site_name}");
        let fix = if ours < theirs {
            "If nobody added so many rows since, make the backup again: by an account and options \
             that leave no rows out (--where, --no-data, --ignore-table-data)."
        } else {
            "If nobody deleted so many rows since, find out who did before you upgrade."
        };
        findings.push(
            Finding::new(check, message, fix)
                .severity(severity)
                .about("table", table)
                .sides(theirs.to_string(), ours.to_string()),
        );
    }
}

fn count(snapshot: &Snapshot, table: &str) -> u64 {
    snapshot.row_counts.get(table).copied().unwrap_or(0)
}

/// Whether one of two row counts is less than half of the other, and the difference is more than a
/// few rows.
fn far_apart(one: u64, other: u64) -> bool {
    let (less, more) = (one.min(other), one.max(other));
    more - less >= FEW_ROWS && less < more / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::civicrm::catalogue::Catalogue;

    fn snapshot(rows: &[(&str, u64)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (table, count) in rows {
            let name = (*table).to_owned();
            snapshot
                .schema
                .tables
                .insert(name.clone(), Default::default());
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
        let catalogue = Catalogue::embedded().unwrap();
        let case = Case::new(backup, catalogue);
        let mut examined = Examination::of(&case);
        examined.site_of_backup = Some(OtherSource {
            snapshot: &site,
            name: "the site",
        });
        let mut findings = Findings::default();
        rows(&ROWS_DIFFER, &examined, &mut findings);
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

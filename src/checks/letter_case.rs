//! Tables that are named in another letter case than they have.

use super::advice::{REBUILD, REBUILD_ALL};
use super::objects::{ALL_SEEN, is_here};
use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::find_entry;
use crate::schema::sql::{identifier, string};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&NAME_LETTER_CASE];

/// A table is named in another letter case than it has.
pub static NAME_LETTER_CASE: Check = Check {
    id: "name-letter-case",
    severity: Severity::Error,
    title: "a table is named in another letter case than it has",
    why: "Where the server compares names of tables exactly, as on Linux, every statement with that name fails with \
            error 1146.",
    fix: "Let both have one spelling: rename the table, or correct the row or the trigger that names it.",
    example: "civicrm_custom_group names civicrm_value_volunteering_1, and the table has another letter case, \
            civicrm_value_Volunteering_1: this server compares names exactly",
    source: "civicrm/civicrm-core#36306 and #35555; MySQL manual, \"Identifier Case Sensitivity\"",
    rules: &[
        Rule::new(Group::Objects, ALL_SEEN, other_letter_case),
        Rule::new(Group::Schema, &[Need::DetectedRelease], not_as_released),
    ],
};

/// One place that names a table in another letter case than the table has.
struct Misspelled {
    /// The place, as the beginning of a sentence.
    who: String,
    named: String,
    spelled: String,
    fix: String,
}

/// Adds a finding for each table that triggers, views, routines, foreign keys or groups of custom fields name in
/// another letter case than it has. Whether that fails depends on the server.
fn other_letter_case(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    tell(check, examined, misspelled(examined), findings);
}

/// Adds a finding for each of CiviCRM's own tables that has another letter case than in its release.
fn not_as_released(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(detection) = examined.case.detection() else {
        return;
    };
    let tables = &examined.snapshot().schema.tables;
    let names = detection.reference.schema.tables.keys();
    let others = names.filter_map(|name| {
        let (spelled, _) = find_entry(tables, name).filter(|(spelled, _)| *spelled != name)?;
        let rename = renamed(spelled, name).unwrap_or_else(|blocked| blocked.to_string());
        Some(Misspelled {
            who: "CiviCRM's statements name".to_owned(),
            named: name.clone(),
            spelled: spelled.clone(),
            fix: format!("Give the table its name back: {rename};"),
        })
    });
    tell(check, examined, others.collect(), findings);
}

fn tell(
    check: &'static Check,
    examined: &Examination,
    misspelled: Vec<Misspelled>,
    findings: &mut Findings,
) {
    let snapshot = examined.snapshot();
    let facts = snapshot.server.as_ref();
    let compares = facts.and_then(|facts| facts.variable("lower_case_table_names"));
    let (severity, harm) = match compares {
        Some("0") => (Severity::Error, "this server compares names exactly"),
        Some(_) => return,
        None => (
            Severity::Warning,
            "that works only where a server does not compare names exactly",
        ),
    };
    for Misspelled {
        who,
        named,
        spelled,
        fix,
    } in misspelled
    {
        let message =
            format!("{who} {named}, and the table has another letter case, {spelled}: {harm}");
        findings.push(
            Finding::new(check, message, fix)
                .severity(severity)
                .about("table", spelled.clone())
                .sides(named, spelled),
        );
    }
}

/// The tables that are named in another letter case than they have, each place once.
fn misspelled(examined: &Examination) -> Vec<Misspelled> {
    let snapshot = examined.snapshot();
    let schema = &snapshot.schema;
    let other_spelling = |name: &str| {
        let is_there = schema.tables.contains_key(name) || schema.views.contains_key(name);
        let table = find_entry(&schema.tables, name).map(|(spelled, _)| spelled);
        let view = || find_entry(&schema.views, name).map(|(spelled, _)| spelled);
        table.or_else(view).filter(|_| !is_there).cloned()
    };
    let mut found = Vec::new();
    for group in examined
        .case
        .site
        .iter()
        .flat_map(|site| &site.custom_groups)
    {
        let Some(spelled) = other_spelling(&group.table) else {
            continue;
        };
        let update = respelled(&spelled, group.id).unwrap_or_else(|blocked| blocked.to_string());
        let fix = format!(
            "Let both have one spelling: {update}; then clear CiviCRM's caches, and let it rebuild its triggers: \
             {REBUILD}"
        );
        found.push(Misspelled {
            who: "civicrm_custom_group names".to_owned(),
            named: group.table.clone(),
            spelled,
            fix,
        });
    }
    for user in examined.users() {
        for name in user
            .uses
            .tables
            .iter()
            .filter(|name| is_here(snapshot, name))
        {
            if let Some(spelled) = other_spelling(&name.name) {
                found.push(Misspelled {
                    who: format!("{} uses", user.describe()),
                    named: name.name.clone(),
                    spelled,
                    fix: format!("Let CiviCRM rebuild its triggers and views: {REBUILD_ALL}"),
                });
            }
        }
    }
    for (table, definition) in &schema.tables {
        for (name, key) in &definition.foreign_keys {
            if let Some(spelled) = other_spelling(&key.referenced_table)
                && key.referenced_database.is_none()
            {
                found.push(Misspelled {
                    who: format!("foreign key {name} of {table} refers to"),
                    named: key.referenced_table.clone(),
                    spelled,
                    fix:
                        "Drop the foreign key, and add it again with the name as the table has it."
                            .to_owned(),
                });
            }
        }
    }
    found
}

/// The statement that gives a table another name.
fn renamed(table: &str, name: &str) -> Result<String, Blocked> {
    let sql = format!(
        "ALTER TABLE {} RENAME TO {}",
        identifier(table),
        identifier(name)
    );
    Meaning::new(Operation::AlterTable, [table, name]).pass(sql)
}

/// The statement that gives a custom group the name that its table has.
fn respelled(table: &str, group: Option<u64>) -> Result<String, Blocked> {
    let row = group.map_or_else(String::new, |id| format!(" WHERE id = {id}"));
    let table = string(table);
    let sql = format!("UPDATE civicrm_custom_group SET table_name = {table}{row}");
    Meaning::new(Operation::Update, [""; 0]).pass(sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;

    #[test]
    fn a_group_gets_the_name_that_is_meant_whatever_it_is() {
        for name in hostile::names() {
            let update = respelled(&name, Some(7));
            assert!(update.is_ok(), "{name:?}: {update:?}");
        }
    }

    #[test]
    fn a_table_gets_the_name_that_is_meant_whatever_it_is() {
        for name in hostile::names() {
            let rename = renamed(&name, "civicrm_country");
            assert!(
                rename.is_ok() || hostile::is_refused(&name),
                "{name:?}: {rename:?}"
            );
        }
    }
}

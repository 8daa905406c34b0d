//! Which findings about a database are the cause of a message.

use std::collections::HashSet;

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::names::Names;
use super::table::Cause;
use crate::checks::{Finding, Findings};

/// How a finding belongs to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// It is about the key, the column or the table that the message names.
    This,
    /// It may be the cause: the message names nothing, or the finding is about the database as a whole.
    Possible,
    /// It is of the same kind and about something else.
    Elsewhere,
}

/// Which checks of a cause were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The ids of the checks that were made.
    pub made: Vec<String>,
    /// The ids of the others, each with the reason.
    pub not_made: Vec<(String, String)>,
}

/// The findings that belong to a cause, the nearest first.
pub fn of<'f>(
    cause: &Cause,
    names: &Names,
    findings: &'f Findings,
) -> Vec<(Relation, &'f Finding)> {
    let of_checks = findings.list.iter().filter(|finding| {
        finding.accepted.is_none() && cause.checks.iter().any(|id| id == finding.check.id)
    });
    let mut all: Vec<_> = of_checks
        .map(|finding| (relation(names, finding), finding))
        .collect();
    all.sort_by_key(|(relation, _)| *relation);
    all
}

/// Which checks of a cause were made.
pub fn looked(cause: &Cause, findings: &Findings) -> Looked {
    let mut looked = Looked::default();
    for id in &cause.checks {
        let mut skipped = findings.not_checked.iter();
        match skipped.find(|skipped| skipped.check == id) {
            Some(skipped) => looked.not_made.push((id.clone(), skipped.why.clone())),
            None => looked.made.push(id.clone()),
        }
    }
    looked
}

fn relation(names: &Names, finding: &Finding) -> Relation {
    let Some(object) = &finding.object else {
        return Relation::Possible;
    };
    if names.is_empty() || matches!(object.kind, "database" | "domain" | "account" | "server") {
        return Relation::Possible;
    }
    let texts = [
        Some(&object.name),
        object.table.as_ref(),
        finding.expected.as_ref(),
        finding.actual.as_ref(),
        Some(&finding.message),
    ];
    let words: HashSet<String> = texts
        .into_iter()
        .flatten()
        .flat_map(|text| words(text))
        .collect();
    let has = |names: &std::collections::BTreeSet<String>| {
        names
            .iter()
            .any(|name| words.contains(&name.to_lowercase()))
    };
    let is_this = match (names.keys.is_empty(), names.columns.is_empty()) {
        (false, _) => has(&names.keys),
        (true, false) => has(&names.columns) && (names.tables.is_empty() || has(&names.tables)),
        (true, true) => has(&names.tables),
    };
    // A key's name alone does not tell an orphan: its columns and tables do.
    let is_this = is_this
        || !names.keys.is_empty()
            && !names.columns.is_empty()
            && has(&names.columns)
            && has(&names.tables);
    match is_this {
        true => Relation::This,
        false => Relation::Elsewhere,
    }
}

/// The names in a text, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | '-'));
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::super::names::NameOf;
    use super::*;
    use crate::checks::registry;

    fn finding(id: &str, table: &str, name: &str) -> Finding {
        let check = registry::find(id).unwrap();
        Finding::new(check, "a message", "a fix")
            .about("foreign key", name)
            .of_table(table)
    }

    #[test]
    fn the_key_that_a_message_names_is_the_one() {
        let mut names = Names::default();
        names.add(NameOf::Key, "FK_civicrm_case_case_type_id");
        names.add(NameOf::Table, "civicrm_case");
        let named = finding("fk-name", "civicrm_case", "civicrm_case_ibfk_1")
            .sides("FK_civicrm_case_case_type_id", "civicrm_case_ibfk_1");
        assert_eq!(relation(&names, &named), Relation::This);
        let other = finding("fk-name", "civicrm_case", "civicrm_case_ibfk_2");
        assert_eq!(relation(&names, &other), Relation::Elsewhere);
        assert_eq!(relation(&Names::default(), &other), Relation::Possible);
    }

    #[test]
    fn a_column_is_the_one_in_its_own_table_only() {
        let mut names = Names::default();
        names.add(NameOf::Column, "contact_id");
        names.add(NameOf::Table, "civicrm_email");
        let this = finding("orphan-rows", "civicrm_email", "contact_id");
        assert_eq!(relation(&names, &this), Relation::This);
        let other = finding("orphan-rows", "civicrm_phone", "contact_id");
        assert_eq!(relation(&names, &other), Relation::Elsewhere);
    }
}

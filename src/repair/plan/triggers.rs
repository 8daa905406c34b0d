//! Triggers, functions and views. CiviCRM makes them from its own settings and the site's
//! fields, so that it alone knows what they are to say: there is advice, and no statement.

use crate::case::Case;
use crate::checks::{Examination, Group, Selection, examine};

/// What to do about definers that do not exist, and about what is missing.
pub(super) fn advice(case: &Case) -> Vec<String> {
    let selection = Selection {
        only: vec![
            "definer-missing",
            "definer-privileges",
            "reference-broken",
            "name-letter-case",
            "trigger-missing",
            "routine-missing",
            "view-missing",
        ],
        skip: Vec::new(),
    };
    let findings = examine(&Examination::of(case), &[Group::Objects], &selection);
    let findings = findings.list.into_iter();
    findings
        .map(|finding| format!("{}. {}", finding.message, finding.fix))
        .collect()
}

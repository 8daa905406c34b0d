//! Triggers, functions and views. CiviCRM makes them from its own settings and the site's
//! fields, so that it alone knows what they are to say: there is advice, and no statement.

use indexmap::IndexMap;

use crate::case::Case;
use crate::checks::{Examination, Finding, Group, Selection, Severity, examine};

/// What to do about definers that do not exist, about what is missing, and about what does something else.
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
            "program-differs",
        ],
        skip: Vec::new(),
    };
    let findings = examine(
        &Examination::of(case),
        &[Group::Objects, Group::Schema],
        &selection,
    );
    let mut by_fix: IndexMap<(&str, &str), Vec<&str>> = IndexMap::new();
    let counts = |finding: &&Finding| finding.severity != Severity::Note;
    for finding in findings.list.iter().filter(counts) {
        let messages = by_fix.entry((finding.check.id, &finding.fix)).or_default();
        messages.push(&finding.message);
    }
    let advice = by_fix.into_iter().filter_map(|((check, fix), messages)| {
        let first = messages.first()?;
        Some(match messages.len() - 1 {
            0 => format!("{first}. {fix}"),
            more => format!(
                "{first}, and {more} more of {check} (cividb check --verbose lists them). {fix}"
            ),
        })
    });
    advice.collect()
}

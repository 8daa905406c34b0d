//! The index of many sources: how many got which verdict, and which checks found something where.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::checks::{Severity, registry};
use crate::report::{Digest, Outcome, Verdict};
use crate::text::{count, printable, thousands};

/// The checks that found something in any source, in the order of the registry.
fn columns(digests: &[Digest]) -> Vec<&str> {
    let places: BTreeMap<&str, usize> = registry::checks()
        .enumerate()
        .map(|(place, check)| (check.id, place))
        .collect();
    let outcomes = digests
        .iter()
        .filter_map(|digest| digest.result.as_ref().ok());
    let mut ids: Vec<&str> = outcomes
        .flat_map(|outcome| outcome.checks.iter().map(|it| it.check.as_str()))
        .collect();
    ids.sort_unstable_by_key(|id| places.get(id));
    ids.dedup();
    ids
}

/// The table of sources by checks.
pub(super) fn index(digests: &[Digest]) -> Markup {
    let columns = columns(digests);
    html! {
        nav aria-label="Sources" {
            h2 { "All sources" }
            p { (totals(digests)) }
            div.scroll tabindex="0" role="region" aria-label="Findings by source and check" {
                table.heat.sortable {
                    caption { "The number of findings by source and check: E for errors, W for warnings, N for notes." }
                    thead { tr {
                        th scope="col" { "Source" }
                        th scope="col" { "Verdict" }
                        @for id in &columns { th.check scope="col" { (id) } }
                    } }
                    tbody {
                        @for (number, digest) in digests.iter().enumerate() { (row(number, digest, &columns)) }
                    }
                }
            }
        }
    }
}

fn row(number: usize, digest: &Digest, columns: &[&str]) -> Markup {
    let (class, word, rank) = verdict(digest);
    html! {
        tr {
            th scope="row" { a href={ "#source-" (number) } { bdi { (printable(&digest.name())) } } }
            td data-key=(rank) { span.badge.(class) { (word) } }
            @for id in columns { (cell(digest.result.as_ref().ok(), id)) }
        }
    }
}

fn cell(outcome: Option<&Outcome>, id: &str) -> Markup {
    let checks = outcome.iter().flat_map(|outcome| &outcome.checks);
    let of_it = || checks.clone().filter(|it| it.check == id);
    let Some(worst) = of_it().map(|it| it.severity).max() else {
        return html! { td.n data-key="0" {} };
    };
    let number: u64 = of_it().map(|it| it.findings).sum();
    let (letter, rank) = match worst {
        Severity::Error => ("E", 3),
        Severity::Warning => ("W", 2),
        Severity::Note => ("N", 1),
    };
    html! { td.n.(worst.as_str()) data-key={ (rank) "-" (number) } { (letter) " " (thousands(number)) } }
}

/// The class, the word and the rank of what came of a source.
pub(super) fn verdict(digest: &Digest) -> (&'static str, &'static str, u8) {
    match digest.result.as_ref().map(|outcome| outcome.verdict) {
        Ok(Verdict::Pass) => ("pass", "PASS", 0),
        Ok(Verdict::Incomplete) => ("incomplete", "INCOMPLETE", 1),
        Err(_) => ("unread", "NO REPORT", 2),
        Ok(Verdict::Fail) => ("fail", "FAIL", 3),
    }
}

fn totals(digests: &[Digest]) -> String {
    let mut words: BTreeMap<(u8, &str), u64> = BTreeMap::new();
    for digest in digests {
        let (_, word, rank) = verdict(digest);
        *words.entry((rank, word)).or_default() += 1;
    }
    let parts: Vec<String> = words
        .into_iter()
        .rev()
        .map(|((_, word), number)| format!("{} {word}", thousands(number)))
        .collect();
    format!(
        "{}: {}",
        count(digests.len() as u64, "source"),
        parts.join(", ")
    )
}

//! Findings on the page.

use std::collections::HashSet;

use indexmap::IndexMap;
use maud::{Markup, html};

use crate::checks::{Finding, Object};
use crate::text::{printable, printable_lines, thousands};

/// Findings of one table, or of none, that are shown before the rest is only counted.
const SHOWN: usize = 100;
/// All findings of one severity that are shown, so that a page stays under a megabyte a source.
const SHOWN_OF_ALL: usize = 400;

/// What is to be done, as far as the page has said it.
type Said<'a> = HashSet<(&'a str, &'a str)>;

/// Findings under the names of their tables. What is to be done stands open with the first of those that it is the same
/// for, and folded with the others.
pub(super) fn by_table(list: &[&Finding]) -> Markup {
    let mut tables: IndexMap<Option<&str>, Vec<&Finding>> = IndexMap::new();
    let shown = list.iter().take(SHOWN_OF_ALL);
    for finding in shown {
        let table = finding.object.as_ref().and_then(Object::of_table);
        tables.entry(table).or_default().push(finding);
    }
    let mut said = Said::new();
    html! {
        @for (table, findings) in &tables {
            @if let Some(table) = table {
                p { "Table " code { bdi { (printable(table)) } } }
            }
            @for finding in findings.iter().take(SHOWN) {
                (one(finding, !said.insert((finding.check.id, &finding.fix))))
            }
            @if findings.len() > SHOWN { (more(findings.len() - SHOWN)) }
        }
        @if list.len() > SHOWN_OF_ALL { (more(list.len() - SHOWN_OF_ALL)) }
    }
}

fn more(number: usize) -> Markup {
    html! { p.soft { "and " (thousands(number as u64)) " more: --format json has all of them" } }
}

/// One finding, with what it says and what to do; folded where that was said before.
fn one(finding: &Finding, is_said: bool) -> Markup {
    let severity = finding.severity.as_str();
    let word = match &finding.accepted {
        Some(_) => "accepted",
        None => severity,
    };
    let object = finding.object.as_ref();
    html! {
        article.{ "is-" (severity) } {
            h4 {
                span.badge.(word) { (word) }
                code { (finding.check.id) }
                @if let Some(object) = object { span.soft { (object.kind) " " bdi { (printable(&object.name)) } } }
            }
            p { bdi { (printable(&finding.message)) } }
            @if let Some(at) = &finding.at { p.soft { bdi { (printable(&at.to_string())) } } }
            @if let Some(accepted) = &finding.accepted {
                p { "Accepted until " (printable(&accepted.until)) ": " bdi { (printable(&accepted.reason)) } }
            }
            @if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
                details {
                    summary { "Expected and found" }
                    dl {
                        dt { "Expected" } dd { code { bdi { (printable_lines(expected)) } } }
                        dt { "Found" } dd { code { bdi { (printable_lines(actual)) } } }
                    }
                }
            }
            @if is_said {
                details {
                    summary { "What to do, as above" }
                    pre.fix { (printable_lines(&finding.fix)) }
                }
            } @else {
                p.soft { "What to do:" }
                pre.fix { (printable_lines(&finding.fix)) }
                details {
                    summary { "Why it matters" }
                    p { (finding.check.why) }
                }
            }
        }
    }
}

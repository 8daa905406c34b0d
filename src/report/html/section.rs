//! The part of the page about one source.

use maud::{Markup, html};

use super::{charts, finding, index, runbook};
use crate::checks::{Finding, NotChecked, Severity};
use crate::report::render::Unread;
use crate::report::{Digest, PreflightSummary, Report, Section, Verdict, digest, human};
use crate::text::{count, printable, printable_lines};

/// The part about a source with a report.
pub(super) fn report(number: usize, report: &Report) -> Markup {
    let digest = Digest::of(report);
    let (class, word, _) = index::verdict(&digest);
    let name = printable(&digest.name());
    let id = format!("source-{number}");
    let [origin, site, inventory] = human::facts(report);
    let (accepted, counted): (Vec<_>, Vec<_>) = report
        .findings
        .list
        .iter()
        .partition(|finding| finding.accepted.is_some());
    let preflight = report.sections.iter().find_map(|section| match section {
        Section::Preflight(summary) => Some(summary),
        _ => None,
    });
    html! {
        section.source id=(id) aria-labelledby={ (id) "-name" } {
            h2 id={ (id) "-name" } { span.badge.(class) { (word) } " " bdi { (name) } }
            p { (meaning(report)) }
            p { strong { bdi { (printable(&digest::reason(report))) } } }
            dl {
                dt { "Source" } dd { bdi { (origin) } }
                dt { "Site" } dd { bdi { (site) } }
                dt { "Holds" } dd { (inventory) }
                @if let Some(detected) = report.civicrm.as_ref().and_then(|it| it.detected.as_ref()) {
                    dt { "Schema" }
                    dd { "CiviCRM " bdi { (printable(&detected.release)) } ", " (count(detected.differences as u64, "difference")) }
                }
                @if let Some(other) = &report.compared_with {
                    dt { "Compared with" } dd { bdi { (printable(other)) } }
                }
            }
            @if let Some(preflight) = preflight { (upgrade(&id, preflight)) }
            @for section in &report.sections {
                @if let Section::Runbook(it) = section { (runbook::runbook(&id, it)) }
            }
            (findings(&counted))
            @if !accepted.is_empty() {
                h3 { "Accepted" }
                @for one in &accepted { (finding::one(one)) }
            }
            (not_checked(&report.findings.not_checked))
            (others(report))
            @if let Some(timeline) = &report.timeline { (charts::timeline(&id, timeline)) }
            (charts::sizes(&id, report))
            (charts::rows(&id, report))
            (charts::links(&id, report))
        }
    }
}

/// The part about a source without a report.
pub(super) fn unread(number: usize, unread: &Unread) -> Markup {
    let id = format!("source-{number}");
    html! {
        section.source id=(id) aria-labelledby={ (id) "-name" } {
            h2 id={ (id) "-name" } {
                span.badge.unread { "NO REPORT" } " " bdi { (printable(&digest::name(unread.site, unread.name))) }
            }
            p { "Nothing is known about this source: it could not be looked at." }
            p { strong { bdi { (printable(unread.message)) } } }
        }
    }
}

/// What the verdict means.
fn meaning(report: &Report) -> String {
    let command = report.command;
    match report.verdict() {
        Verdict::Pass => format!(
            "Everything that cividb {command} promises was looked at, and nothing was found that counts."
        ),
        Verdict::Incomplete => format!(
            "Nothing wrong was found, but part of what cividb {command} promises could not be looked at: see \
             “not checked” below."
        ),
        Verdict::Fail if report.strict => {
            "Something is wrong. Errors and warnings count in this run.".to_owned()
        }
        Verdict::Fail => {
            "Something is wrong: with an error the backup, the restore, the upgrade or the site will fail or lose data."
                .to_owned()
        }
    }
}

/// Findings by severity, and under it by table.
fn findings(list: &[&Finding]) -> Markup {
    let severities = [
        (Severity::Error, "Errors"),
        (Severity::Warning, "Warnings"),
        (Severity::Note, "Notes"),
    ];
    html! {
        @for (severity, heading) in severities {
            @let of_it: Vec<&Finding> = list.iter().copied().filter(|it| it.severity == severity).collect();
            @if !of_it.is_empty() {
                h3 { (heading) ", " (count(of_it.len() as u64, "finding")) }
                (finding::by_table(&of_it))
            }
        }
    }
}

fn not_checked(list: &[NotChecked]) -> Markup {
    html! {
        @if !list.is_empty() {
            h3 { "Not checked" }
            ul {
                @for group in list.chunk_by(|a, b| a.why == b.why && a.incomplete == b.incomplete) {
                    @if let Some(first) = group.first() {
                        li {
                            @if first.incomplete { span.badge.incomplete { "counts" } " " }
                            @for (place, skipped) in group.iter().enumerate() {
                                @if place > 0 { ", " }
                                code { (skipped.check) }
                            }
                            ": " bdi { (printable(&first.why)) }
                        }
                    }
                }
            }
        }
    }
}

/// How the upgrade would go.
fn upgrade(id: &str, preflight: &PreflightSummary) -> Markup {
    html! {
        h3 { "The upgrade to " bdi { (printable(&preflight.target)) } }
        p { bdi { (printable(&preflight.outcome())) } ", " (count(preflight.steps as u64, "step")) " on " bdi { (printable(&preflight.server)) } "." }
        (charts::path(id, preflight))
        @for stop in preflight.failures.iter().filter(|stop| !stop.mend.is_empty()) {
            p { "Mends the stop in step " bdi { (printable(stop.step.as_deref().unwrap_or("—"))) } " beforehand:" }
            pre.fix { (printable_lines(&stop.mend.join("\n"))) }
        }
    }
}

/// What other sections say, as the report for people has it.
fn others(report: &Report) -> Markup {
    let shown = |section: &&Section| {
        !matches!(
            section,
            Section::Preflight(_) | Section::Integrity(_) | Section::Runbook(_)
        )
    };
    let texts = report.sections.iter().filter(shown).map(|section| {
        let mut text = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = section.write(human::Detail::Normal, &mut text);
        let text = anstream::adapter::strip_bytes(&text).into_vec();
        (
            section.key(),
            String::from_utf8_lossy(&text).trim().to_owned(),
        )
    });
    let texts: Vec<(&str, String)> = texts.filter(|(_, text)| !text.is_empty()).collect();
    html! {
        @for (key, text) in &texts {
            h3 { (title(key)) }
            pre { (printable_lines(text)) }
        }
    }
}

fn title(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

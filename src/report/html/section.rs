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
    let parts = parts(&id, report);
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
            @if parts.len() > 1 {
                p.parts {
                    @for (place, (heading, _)) in parts.iter().enumerate() {
                        @if place > 0 { " · " }
                        a href={ "#" (id) "-part-" (place) } { bdi { (heading) } }
                    }
                }
            }
            @for section in &report.sections {
                @if let Section::Runbook(it) = section { (runbook::runbook(&id, it)) }
            }
            @for (place, (heading, part)) in parts.iter().enumerate() {
                h3 id={ (id) "-part-" (place) } { bdi { (heading) } }
                (part)
            }
        }
    }
}

/// The parts that there are, each with its heading, in the order in which they are wanted: what is wrong, then pictures.
fn parts(id: &str, report: &Report) -> Vec<(String, Markup)> {
    let (accepted, counted): (Vec<_>, Vec<_>) = report
        .findings
        .list
        .iter()
        .partition(|finding| finding.accepted.is_some());
    let mut parts = Vec::new();
    for section in &report.sections {
        if let Section::Preflight(preflight) = section {
            let heading = format!("The upgrade to {}", printable(&preflight.target));
            parts.push((heading, upgrade(id, preflight)));
        }
    }
    parts.extend(findings(&counted));
    let accepted = finding::by_table(&accepted);
    parts.push(("Accepted".to_owned(), accepted));
    let not_checked = not_checked(&report.findings.not_checked);
    parts.push(("Not checked".to_owned(), not_checked));
    parts.extend(others(report));
    if let Some(timeline) = &report.timeline {
        let timeline = charts::timeline(id, timeline);
        parts.push(("The release".to_owned(), timeline));
    }
    parts.push(("Sizes".to_owned(), charts::sizes(id, report)));
    parts.push(("Rows".to_owned(), charts::rows(id, report)));
    let keys = charts::neighbourhoods(id, report);
    let heading = "Foreign keys around the tables with findings";
    parts.push((heading.to_owned(), keys));
    parts.retain(|(_, part)| !part.0.is_empty());
    parts
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
fn findings(list: &[&Finding]) -> impl Iterator<Item = (String, Markup)> {
    let severities = [
        (Severity::Error, "Errors"),
        (Severity::Warning, "Warnings"),
        (Severity::Note, "Notes"),
    ];
    severities.into_iter().map(|(severity, heading)| {
        let all = list.iter().copied();
        let of_it: Vec<&Finding> = all.filter(|it| it.severity == severity).collect();
        let number = count(of_it.len() as u64, "finding");
        (format!("{heading}, {number}"), finding::by_table(&of_it))
    })
}

fn not_checked(list: &[NotChecked]) -> Markup {
    html! {
        @if !list.is_empty() {
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
        p { bdi { (printable(&preflight.outcome())) } ", " (count(preflight.steps as u64, "step")) " on " bdi { (printable(&preflight.server)) } "." }
        (charts::path(id, preflight))
        @for stop in &preflight.failures {
            @let (statements, commands): (Vec<&String>, Vec<&String>) = stop.mend.iter().partition(|line| line.ends_with(';'));
            @if !statements.is_empty() {
                p { "Statements that mend the stop " bdi { (printable(&stop.place())) } ", to run before the upgrade:" }
                pre.fix { (printable_lines(&lines(&statements))) }
            }
            @if !commands.is_empty() {
                p { "A command for the stop " bdi { (printable(&stop.place())) } ":" }
                pre.fix { (printable_lines(&lines(&commands))) }
            }
        }
    }
}

fn lines(list: &[&String]) -> String {
    let lines: Vec<&str> = list.iter().map(|line| line.as_str()).collect();
    lines.join("\n")
}

/// What other sections say, as the report for people has it.
fn others(report: &Report) -> impl Iterator<Item = (String, Markup)> {
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
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        (section.key(), text)
    });
    let texts = texts.filter(|(_, text)| !text.is_empty());
    texts.map(|(key, text)| (title(key), html! { pre { (printable_lines(&text)) } }))
}

fn title(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

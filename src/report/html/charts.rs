//! Pictures of what people would rather look at than read, as inline SVG. Each says in words what it shows.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::checks::Object;
use crate::report::{Link, PreflightSummary, Report};
use crate::text::{count, printable, thousands};

/// Tables whose rows are drawn.
const TABLES: usize = 15;
/// Tables whose foreign keys are drawn, and tables on either side of one.
const CENTRES: usize = 4;
const SIDE: usize = 12;
/// The height of a line.
const LINE: usize = 24;
/// The characters of a name that fit.
const NAME: usize = 38;

/// The beginning of a name that fits into the picture.
fn short(name: &str) -> String {
    let name = printable(name);
    match name.char_indices().nth(NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

/// Tables that findings are about.
fn with_findings(report: &Report) -> BTreeSet<&str> {
    let objects = report
        .findings
        .list
        .iter()
        .filter_map(|it| it.object.as_ref());
    objects.filter_map(Object::of_table).collect()
}

/// The largest tables by their rows.
pub(super) fn rows(id: &str, report: &Report) -> Markup {
    let largest: Vec<&(String, u64)> = report
        .row_counts
        .iter()
        .filter(|(_, rows)| *rows > 0)
        .take(TABLES)
        .collect();
    let Some((_, most)) = largest.first() else {
        return html! {};
    };
    let found = with_findings(report);
    let height = largest.len() * LINE;
    let width = |rows: u64| (u128::from(rows) * 300 / u128::from(*most).max(1)).max(1);
    let title = format!(
        "The {} with the most rows, of {}{}",
        count(largest.len() as u64, "table"),
        thousands(report.inventory.tables as u64),
        if report.inventory.rows_estimated {
            "; the numbers are estimates"
        } else {
            ""
        }
    );
    html! {
        h3 { "Rows" }
        div.scroll tabindex="0" role="region" aria-label={ "Rows of " (printable(&report.source.name)) } { svg viewBox={ "0 0 720 " (height) } width="720" role="img" aria-labelledby={ (id) "-rows" } {
            title id={ (id) "-rows" } { (title) }
            @for (line, (table, rows)) in largest.iter().enumerate() {
                @let class = if found.contains(table.as_str()) { "bar is-found" } else { "bar" };
                text x="0" y=(line * LINE + 16) { (short(table)) }
                rect class=(class) x="300" y=(line * LINE + 4) width=(width(*rows)) height="16" {}
                text.soft x=(310 + width(*rows)) y=(line * LINE + 16) { (thousands(*rows)) }
            }
        } }
        p.soft { (title) "." @if largest.iter().any(|(table, _)| found.contains(table.as_str())) { " A red bar is that of a table with a finding." } }
    }
}

/// The foreign keys around the first tables with findings.
pub(super) fn links(id: &str, report: &Report) -> Markup {
    let found = with_findings(report);
    let has_links = |table: &&&str| {
        report
            .links
            .iter()
            .any(|link| link.child == **table || link.parent == **table)
    };
    let centres: Vec<&&str> = found.iter().filter(has_links).take(CENTRES).collect();
    html! {
        @if !centres.is_empty() {
            h3 { "Foreign keys around the tables with findings" }
            @for (number, table) in centres.iter().enumerate() {
                (neighbourhood(&format!("{id}-links-{number}"), table, &report.links))
            }
        }
    }
}

fn neighbourhood(id: &str, table: &str, links: &[Link]) -> Markup {
    let side = |of: fn(&Link) -> (&str, &str)| {
        let others = links.iter().map(of).filter(|(own, _)| *own == table);
        others.map(|(_, other)| other).collect::<BTreeSet<&str>>()
    };
    let parents = side(|link| (&link.child, &link.parent));
    let children = side(|link| (&link.parent, &link.child));
    let lines = parents.len().min(SIDE).max(children.len().min(SIDE)).max(1);
    let (height, middle) = (lines * LINE + 12, lines * LINE / 2 + 6);
    let title = format!(
        "{} refers to {} and is referred to by {}",
        printable(table),
        count(parents.len() as u64, "table"),
        count(children.len() as u64, "table")
    );
    let y = |line: usize, all: usize| (2 * line + 1) * lines * LINE / (2 * all.clamp(1, SIDE)) + 6;
    let left = children.iter().take(SIDE).enumerate();
    let right = parents.iter().take(SIDE).enumerate();
    html! {
        div.scroll tabindex="0" role="region" aria-label=(title) { svg viewBox={ "0 0 960 " (height) } width="960" role="img" aria-labelledby=(id) {
            title id=(id) { (title) }
            @for (line, name) in left {
                text x="300" y=(y(line, children.len()) + 4) text-anchor="end" { (short(name)) }
                path.line d={ "M306 " (y(line, children.len())) " L340 " (middle) } {}
            }
            rect class="box is-fail" x="340" y=(middle.saturating_sub(12)) width="280" height="24" rx="4" {}
            text x="480" y=(middle + 4) text-anchor="middle" { (short(table)) }
            @for (line, name) in right {
                path.line d={ "M620 " (middle) " L654 " (y(line, parents.len())) } {}
                text x="660" y=(y(line, parents.len()) + 4) { (short(name)) }
            }
        } }
        p.soft { bdi { (title) } "." @if children.len().max(parents.len()) > SIDE { " Not all of them are drawn." } }
    }
}

/// A box of the path.
struct Station {
    class: &'static str,
    text: String,
}

/// The way of the upgrade, with the places at which it stops.
pub(super) fn path(id: &str, preflight: &PreflightSummary) -> Markup {
    let from = preflight.from.as_deref().unwrap_or("an unknown version");
    let mut stations = vec![Station {
        class: "box",
        text: format!("now: {from}"),
    }];
    for stop in preflight.failures.iter().take(SIDE) {
        let step = match (&stop.step, stop.phase) {
            (Some(step), _) => format!("step {step}"),
            (None, "before") => "before the first step".to_owned(),
            (None, _) => "after the last step".to_owned(),
        };
        let error = stop.server_error.map(|number| format!(", error {number}"));
        let task = stop.task.as_deref().map(|task| format!(": {task}"));
        stations.push(Station {
            class: "box is-fail",
            text: format!(
                "stops {step}{}{}",
                error.unwrap_or_default(),
                task.unwrap_or_default()
            ),
        });
    }
    for hop in &preflight.path {
        let reached = preflight.failures.is_empty();
        stations.push(Station {
            class: if reached { "box is-pass" } else { "box" },
            text: format!("CiviCRM {}, on PHP {}", hop.release, hop.php),
        });
    }
    let height = stations.len() * 2 * LINE;
    let words: Vec<String> = stations.iter().map(|it| printable(&it.text)).collect();
    let title = format!("The way of the upgrade: {}", words.join("; then "));
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "The way of the upgrade to " (printable(&preflight.target)) } { svg viewBox={ "0 0 720 " (height) } width="720" role="img" aria-labelledby={ (id) "-path" } {
            title id={ (id) "-path" } { (title) }
            @for (line, station) in stations.iter().enumerate() {
                @if line > 0 { path.line d={ "M24 " (line * 2 * LINE - 16) " V" (line * 2 * LINE + 4) } {} }
                rect class=(station.class) x="4" y=(line * 2 * LINE + 4) width="712" height="28" rx="5" {}
                text x="16" y=(line * 2 * LINE + 23) { (long(&station.text)) }
            }
        } }
    }
}

/// The beginning of a text that fits into a box of the path.
fn long(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(95) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

//! Pictures of what people would rather look at than read, as inline SVG. Each says in words what it shows.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::checks::Object;
use crate::report::{Neighbourhood, PreflightSummary, Report, Timeline};
use crate::text::{count, printable, thousands};

/// Tables whose rows are drawn.
const TABLES: usize = 15;
/// Tables that are drawn on either side of one with a finding.
const SIDE: usize = 12;
/// The height of a line.
const LINE: usize = 24;
/// The cells of a name that fit, which is drawn with letters of one width.
const NAME: usize = 37;

/// The beginning of a name that fits into the picture.
fn short(name: &str) -> String {
    let name = printable(name);
    let mut width = 0;
    for (end, letter) in name.char_indices() {
        width += textwrap::core::display_width(letter.encode_utf8(&mut [0; 4]));
        if width > NAME {
            return format!("{}…", &name[..end]);
        }
    }
    name
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
    let is_guess = report.inventory.rows_estimated;
    let bars = Bars {
        heading: "Rows",
        largest_by: "with the most rows",
        remark: if is_guess {
            "; the numbers are estimates"
        } else {
            ""
        },
        in_words: thousands,
    };
    bars.of(&format!("{id}-rows"), report, &report.row_counts)
}

/// The largest tables by what they take on the disk, where a server said it.
pub(super) fn sizes(id: &str, report: &Report) -> Markup {
    let bars = Bars {
        heading: "Sizes",
        largest_by: "that take the most room",
        remark: "; rows and indexes, as the storage engine guesses them",
        in_words: bytes,
    };
    bars.of(&format!("{id}-sizes"), report, &report.table_bytes)
}

/// A number of bytes in a unit that leaves few digits.
fn bytes(number: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = u128::from(number) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = units.get(unit).unwrap_or(&"TiB");
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A picture of tables and a number of each.
struct Bars {
    heading: &'static str,
    /// Which tables are drawn, as in "the 15 tables …".
    largest_by: &'static str,
    remark: &'static str,
    in_words: fn(u64) -> String,
}

impl Bars {
    /// The picture of these numbers, which are the largest first.
    fn of(&self, id: &str, report: &Report, numbers: &[(String, u64)]) -> Markup {
        let largest: Vec<&(String, u64)> = numbers
            .iter()
            .filter(|(_, number)| *number > 0)
            .take(TABLES)
            .collect();
        let Some((_, most)) = largest.first() else {
            return html! {};
        };
        let found = with_findings(report);
        let height = largest.len() * LINE;
        let width = |number: u64| (u128::from(number) * 300 / u128::from(*most).max(1)).max(1);
        let title = format!(
            "The {} {}, of {}{}",
            count(largest.len() as u64, "table"),
            self.largest_by,
            thousands(report.inventory.tables as u64),
            self.remark
        );
        let of_source = printable(&report.source.name);
        html! {
            div.scroll tabindex="0" role="group" aria-label={ (self.heading) " of " (of_source) } { svg viewBox={ "0 0 720 " (height) } width="720" role="img" aria-labelledby=(id) {
                title id=(id) { (title) }
                @for (line, (table, number)) in largest.iter().enumerate() {
                    @let class = if found.contains(table.as_str()) { "bar is-found" } else { "bar" };
                    text.name x="0" y=(line * LINE + 16) { (short(table)) }
                    rect class=(class) x="300" y=(line * LINE + 4) width=(width(*number)) height="16" {}
                    text.soft x=(310 + width(*number)) y=(line * LINE + 16) { ((self.in_words)(*number)) }
                }
            } }
            p.soft { (title) "." @if largest.iter().any(|(table, _)| found.contains(table.as_str())) { " A red bar is that of a table with a finding." } }
        }
    }
}

/// Compared schemas that are drawn.
const COMPARED: usize = 10;
/// Names that stand under the line of releases.
const TICKS: usize = 9;

/// Where on the line of CiviCRM's releases the schema is, and how far it is from those that it was compared with.
pub(super) fn timeline(id: &str, timeline: &Timeline) -> Markup {
    let (Some(oldest), Some(newest)) = (timeline.states.first(), timeline.states.last()) else {
        return html! {};
    };
    let last = timeline.states.len().saturating_sub(1).max(1);
    let x = |place: usize| 20 + place * 680 / last;
    let name = |place: usize| timeline.states.get(place).map_or("", String::as_str);
    let ticks = (0..TICKS).map(|tick| tick * last / (TICKS - 1));
    let mut compared: Vec<(usize, usize)> = timeline.compared.clone();
    compared.truncate(COMPARED);
    compared.sort_unstable();
    let most = compared.iter().map(|(_, differences)| *differences).max();
    let width = |differences: usize| (differences * 300 / most.unwrap_or(1).max(1)).max(1);
    let fits: Vec<&str> = timeline.fits.iter().map(|place| name(*place)).collect();
    let declared = timeline.declared.map(name);
    let title = format!(
        "Of the {} schemas of CiviCRM {oldest} to {newest}, that of {} fits best; {}",
        timeline.states.len(),
        fits.join(" and "),
        match declared {
            Some(declared) => format!("the version in civicrm_domain is of {declared}"),
            None => "no version in civicrm_domain names one".to_owned(),
        }
    );
    let top = 96;
    let height = top + compared.len() * LINE;
    html! {
        div.scroll tabindex="0" role="group" aria-label={ "The release of the schema among all of CiviCRM, " (id) } { svg viewBox={ "0 0 720 " (height) } width="720" role="img" aria-labelledby={ (id) "-release" } {
            title id={ (id) "-release" } { (title) }
            path.line d="M20 40 H700" {}
            @for place in ticks {
                path.line d={ "M" (x(place)) " 36 V44" } {}
                text.soft x=(x(place)) y="60" text-anchor="middle" { (name(place)) }
            }
            @for (place, _) in &compared { circle.bar cx=(x(*place)) cy="40" r="3" {} }
            @for place in &timeline.fits { circle class="box is-pass" cx=(x(*place)) cy="40" r="7" {} }
            @if let Some(place) = timeline.declared {
                @let class = if timeline.fits.contains(&place) { "box is-pass" } else { "box is-fail" };
                path class=(class) d={ "M" (x(place)) " 32 l-6 -12 h12 z" } {}
                text x=(x(place).clamp(60, 660)) y="14" text-anchor="middle" { "version: " (name(place)) }
            }
            text.soft x="0" y="86" { "Schema of" }
            text.soft x="120" y="86" { "Differences" }
            @for (line, (place, differences)) in compared.iter().enumerate() {
                @let class = if timeline.fits.contains(place) { "bar" } else { "bar is-found" };
                text x="0" y=(top + line * LINE + 16) { (name(*place)) }
                rect class=(class) x="120" y=(top + line * LINE + 4) width=(width(*differences)) height="16" {}
                text.soft x=(130 + width(*differences)) y=(top + line * LINE + 16) {
                    (thousands(*differences as u64))
                    @if timeline.fits.contains(place) { ", fits best" }
                    @if timeline.declared == Some(*place) { ", the version says so" }
                }
            }
        } }
        p.soft { (title) "." }
    }
}

/// The foreign keys around the first tables with findings.
pub(super) fn neighbourhoods(id: &str, report: &Report) -> Markup {
    let found = with_findings(report);
    html! {
        @for (number, it) in report.neighbourhoods.iter().enumerate() {
            (neighbourhood(&format!("{id}-keys-{number}"), it, &found))
        }
    }
}

/// A table between those that refer to it and those that it refers to.
fn neighbourhood(id: &str, around: &Neighbourhood, found: &BTreeSet<&str>) -> Markup {
    // Tables with findings first, so that they are among those that are drawn.
    let side = |tables: &BTreeSet<String>| {
        let mut tables: Vec<(bool, String)> = tables
            .iter()
            .map(|name| (!found.contains(name.as_str()), name.clone()))
            .collect();
        tables.sort_unstable();
        tables.truncate(SIDE);
        tables
    };
    let (left, right) = (side(&around.children), side(&around.parents));
    let lines = left.len().max(right.len()).max(1);
    let (height, middle) = (lines * LINE + 12, lines * LINE / 2 + 6);
    let title = format!(
        "{} refers to {}, and {} to it",
        printable(&around.table),
        count(around.parents.len() as u64, "table"),
        match around.children.len() {
            1 => "1 table refers".to_owned(),
            number => format!("{} tables refer", thousands(number as u64)),
        }
    );
    let y = |line: usize, all: usize| (2 * line + 1) * lines * LINE / (2 * all.max(1)) + 6;
    let class = |other: bool| if other { "line" } else { "line is-found" };
    let is_red = left.iter().chain(&right).any(|(other, _)| !other);
    let is_part = around.children.len().max(around.parents.len()) > SIDE;
    html! {
        div.scroll tabindex="0" role="group" aria-label=(title) { svg.wide viewBox={ "0 0 960 " (height) } width="960" role="img" aria-labelledby=(id) {
            title id=(id) { (title) }
            @for (line, (other, name)) in left.iter().enumerate() {
                text.name x="300" y=(y(line, left.len()) + 4) text-anchor="end" { (short(name)) }
                path class=(class(*other)) d={ "M306 " (y(line, left.len())) " L340 " (middle) } {}
            }
            rect class="box is-fail" x="340" y=(middle.saturating_sub(12)) width="280" height="24" rx="4" {}
            text.name x="480" y=(middle + 4) text-anchor="middle" { (short(&around.table)) }
            @for (line, (other, name)) in right.iter().enumerate() {
                path class=(class(*other)) d={ "M620 " (middle) " L654 " (y(line, right.len())) } {}
                text.name x="660" y=(y(line, right.len()) + 4) { (short(name)) }
            }
        } }
        p.soft {
            bdi { (title) } "."
            @if is_red { " A red line leads to a table with a finding." }
            @if is_part { " No more than " (SIDE) " are drawn on a side." }
        }
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
        let place = stop.place();
        let error = stop.server_error.map(|number| format!(", error {number}"));
        let task = stop.task.as_deref().map(|task| format!(": {task}"));
        stations.push(Station {
            class: "box is-fail",
            text: format!(
                "stops {place}{}{}",
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
        div.scroll tabindex="0" role="group" aria-label={ "The way of the upgrade to " (printable(&preflight.target)) } { svg viewBox={ "0 0 720 " (height) } width="720" role="img" aria-labelledby={ (id) "-path" } {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_said_in_the_unit_that_fits() {
        for (number, said) in [
            (16_384, "16.0 KiB"),
            (1_048_575, "1023.9 KiB"),
            (1_048_576, "1.0 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(bytes(number), said);
        }
    }

    #[test]
    fn a_timeline_of_any_form_is_drawn_inside_its_picture() {
        let states: Vec<String> = (0..165).map(|n| format!("5.{n}")).collect();
        let one = Timeline {
            states: vec!["2.0".to_owned()],
            compared: vec![(0, 0)],
            fits: vec![0],
            declared: None,
        };
        let many = Timeline {
            states,
            compared: (0..40).map(|place| (164 - place, place)).collect(),
            fits: vec![164, 163],
            declared: Some(0),
        };
        for timeline_of in [one, many] {
            let drawn = timeline("source-0", &timeline_of).into_string();
            let places = drawn.split(" cx=\"").skip(1);
            let places: Vec<usize> = places
                .map(|it| {
                    it.split('"')
                        .next()
                        .expect("an end")
                        .parse()
                        .expect("a number")
                })
                .collect();
            assert!(
                !places.is_empty() && places.iter().all(|x| *x <= 720),
                "{drawn}"
            );
        }
    }
}

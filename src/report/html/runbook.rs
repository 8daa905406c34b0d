//! The upgrade guide for one site, as a list to tick off.

use maud::{Markup, html};

use crate::report::runbook;
use crate::runbook::{Runbook, State, Step};
use crate::text::{printable, printable_lines};

/// The phases with their steps.
pub(super) fn runbook(id: &str, it: &Runbook) -> Markup {
    html! {
        @for (first, phase) in runbook::numbered(it) {
            h3 { bdi { (printable(&phase.title)) } }
            ol.steps start=(first) {
                @for (at, one) in phase.steps.iter().enumerate() { (step(id, first + at, one)) }
            }
        }
        @if !it.left_out.is_empty() {
            h3 { "Left out" }
            ul {
                @for left_out in &it.left_out {
                    li { code { (left_out.id) } ": " bdi { (printable(&left_out.why)) } }
                }
            }
        }
    }
}

fn step(id: &str, number: usize, step: &Step) -> Markup {
    let word = runbook::word(step.state);
    let class = match step.state {
        State::Done => "pass",
        State::ToDo => "warning",
        State::Look => "note",
    };
    let box_id = format!("{id}-step-{number}");
    let is_done = step.state == State::Done;
    html! {
        li {
            input type="checkbox" id=(box_id) checked[is_done];
            " " label for=(box_id) { strong { bdi { (printable(&step.title)) } } }
            " " span.badge.(class) { (word) } " " code { (step.id) }
            @if !step.why.is_empty() { p { bdi { (printable(&step.why)) } } }
            @if !is_done {
                @if !step.how.is_empty() {
                    ul { @for sentence in &step.how { li { bdi { (printable(sentence)) } } } }
                }
                (lines(&step.commands))
                @for sentence in &step.traps { p.trap { strong { "Trap: " } bdi { (printable(sentence)) } } }
                @if !step.check.is_empty() { p { "Then look:" } }
                (lines(&step.check))
            }
        }
    }
}

fn lines(commands: &[String]) -> Markup {
    html! {
        @if !commands.is_empty() { pre.fix { (printable_lines(&commands.join("\n"))) } }
    }
}

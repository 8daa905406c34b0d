//! The upgrade guide for one site, for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::runbook::{Phase, Runbook, State, Step};
use crate::text::{count, markdown_code, printable};

/// How many steps there are, and how many are done.
fn tally(runbook: &Runbook) -> (u64, u64, u64) {
    let steps = || runbook.phases.iter().flat_map(|phase| &phase.steps);
    let of = |state| steps().filter(|step| step.state == state).count() as u64;
    (of(State::ToDo), of(State::Look), of(State::Done))
}

/// What it comes to, in the first line.
pub(super) fn outcome(runbook: &Runbook) -> String {
    let from = runbook.from.as_deref().unwrap_or("an unknown version");
    let (to_do, look, done) = tally(runbook);
    let steps = count(to_do + look + done, "step");
    let way = match runbook.can_be_done {
        true => "",
        false => "; something stops the upgrade that cividb knows no cure for",
    };
    format!(
        "{steps} from {from} to {}: {to_do} to do, {look} to look at, {done} done{way}",
        runbook.target
    )
}

/// Whether it leads to its end.
pub(super) fn is_fine(runbook: &Runbook) -> bool {
    runbook.can_be_done
}

/// The box before a step.
fn mark(state: State) -> &'static str {
    match state {
        State::Done => "[x]",
        State::ToDo => "[ ]",
        State::Look => "[?]",
    }
}

const LEGEND: &str =
    "[ ] to do   [?] to be looked at, because the source does not show it   [x] done";

/// Writes it for people.
pub(super) fn write(runbook: &Runbook, out: &mut dyn Write) -> io::Result<()> {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let trap = Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold();
    writeln!(out, "\n{dim}{LEGEND}{dim:#}")?;
    let mut number = 0;
    for phase in &runbook.phases {
        writeln!(out, "\n{bold}== {} =={bold:#}", printable(&phase.title))?;
        for step in &phase.steps {
            number += 1;
            let (mark, title) = (mark(step.state), printable(&step.title));
            writeln!(
                out,
                "\n{mark} {bold}{number}. {title}{bold:#}  {dim}{}{dim:#}",
                step.id
            )?;
            if !step.why.is_empty() {
                writeln!(out, "    {}", printable(&step.why))?;
            }
            if step.state == State::Done {
                continue;
            }
            for sentence in &step.how {
                writeln!(out, "    - {}", printable(sentence))?;
            }
            for command in &step.commands {
                writeln!(out, "      $ {}", printable(command))?;
            }
            for sentence in &step.traps {
                writeln!(out, "    {trap}trap{trap:#}  {}", printable(sentence))?;
            }
            if !step.check.is_empty() {
                writeln!(out, "    then look:")?;
            }
            for command in &step.check {
                writeln!(out, "      $ {}", printable(command))?;
            }
        }
    }
    if !runbook.left_out.is_empty() {
        writeln!(out, "\n{bold}== Left out =={bold:#}\n")?;
    }
    for left_out in &runbook.left_out {
        writeln!(
            out,
            "    {dim}{}{dim:#}  {}",
            left_out.id,
            printable(&left_out.why)
        )?;
    }
    Ok(())
}

/// Writes it as Markdown.
pub(super) fn markdown(runbook: &Runbook, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{LEGEND}")?;
    let mut number = 0;
    for phase in &runbook.phases {
        writeln!(out, "\n#### {}", plain(&phase.title))?;
        for step in &phase.steps {
            number += 1;
            markdown_step(number, step, out)?;
        }
    }
    if !runbook.left_out.is_empty() {
        writeln!(out, "\n#### Left out\n")?;
    }
    for left_out in &runbook.left_out {
        writeln!(
            out,
            "- {}: {}",
            markdown_code(left_out.id),
            plain(&left_out.why)
        )?;
    }
    Ok(())
}

fn markdown_step(number: usize, step: &Step, out: &mut dyn Write) -> io::Result<()> {
    let mark = mark(step.state);
    writeln!(
        out,
        "\n- {mark} **{number}. {}** {}",
        plain(&step.title),
        markdown_code(step.id)
    )?;
    if !step.why.is_empty() {
        writeln!(out, "  {}", plain(&step.why))?;
    }
    if step.state == State::Done {
        return Ok(());
    }
    for sentence in &step.how {
        writeln!(out, "  - {}", plain(sentence))?;
    }
    block(&step.commands, out)?;
    for sentence in &step.traps {
        writeln!(out, "  - **trap**: {}", plain(sentence))?;
    }
    if !step.check.is_empty() {
        writeln!(out, "  - Then look:")?;
    }
    block(&step.check, out)
}

/// Lines for a shell, in a block of code that nothing in them can end.
fn block(commands: &[String], out: &mut dyn Write) -> io::Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  ```sh")?;
    for command in commands {
        writeln!(out, "  {}", printable(command))?;
    }
    writeln!(out, "  ```\n")
}

/// A sentence in which nothing is markup, a link or a mention.
fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        if matches!(
            letter,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '@' | '&' | '!'
        ) {
            shown.push('\\');
        }
        shown.push(letter);
    }
    shown
}

/// The phases with the number of their first step.
pub(super) fn numbered(runbook: &Runbook) -> Vec<(usize, &Phase)> {
    let mut next = 1;
    let numbered = runbook.phases.iter().map(|phase| {
        let first = next;
        next += phase.steps.len();
        (first, phase)
    });
    numbered.collect()
}

/// The word for a state, for the class of an element.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Done => "done",
        State::ToDo => "to do",
        State::Look => "look",
    }
}

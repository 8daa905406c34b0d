//! One line for Nagios, Icinga and others, by the rules for their plugins.

use std::io::{self, Write};

use super::render::{Renderer, Unread};
use super::{Digest, Outcome, Report, Verdict};
use crate::checks::Severity;
use crate::exit::{Exit, PluginState};
use crate::text::{count, nagios_text};

/// Sources that are named in the line.
const NAMED: usize = 3;
/// Characters of a message in the line.
const MESSAGE_CHARACTERS: usize = 120;

/// One line with performance data. The exit code is that of a plugin: see [`PluginState`].
#[derive(Debug)]
pub struct Nagios;

impl Renderer for Nagios {
    fn report(&self, _: usize, _: &Report, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn unread(&self, _: usize, _: &Unread, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn finish(&self, digests: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        let all = state_of_all(digests);
        let reports = || {
            digests
                .iter()
                .filter_map(|digest| digest.result.as_ref().ok())
        };
        let sum = |of: &dyn Fn(&Outcome) -> u64| reports().map(of).sum::<u64>();
        let of = |severity| sum(&|outcome: &Outcome| outcome.count(severity));
        let failed = sum(&|outcome: &Outcome| u64::from(outcome.verdict == Verdict::Fail));
        let incomplete =
            sum(&|outcome: &Outcome| u64::from(outcome.verdict == Verdict::Incomplete));
        let unread = digests.len() - reports().count();
        let worst: Vec<&Digest> = digests.iter().filter(|it| state(it) == all).collect();
        let text = match (all, digests) {
            (PluginState::Ok, [one]) => format!("{}{}", one.name(), why(one)),
            (PluginState::Ok, _) => format!("{} fine", count(digests.len() as u64, "source")),
            _ => {
                let named = worst.iter().take(NAMED);
                let mut text: Vec<String> = named
                    .map(|it| format!("{}{}", it.name(), why(it)))
                    .collect();
                if let Some(more @ 1..) = worst.len().checked_sub(NAMED) {
                    text.push(format!("and {more} more"));
                }
                let these = count(worst.len() as u64, "source");
                match digests.len() {
                    1 => text.join("; "),
                    all => format!("{these} of {all}: {}", text.join("; ")),
                }
            }
        };
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        writeln!(
            out,
            "CIVIDB {} - {} | sources={};;;0 failed={failed};;0;0 unread={unread};0;;0 incomplete={incomplete};0;;0 \
             errors={errors};;0;0 warnings={warnings};0;;0",
            all.word(),
            nagios_text(&text),
            digests.len(),
        )
    }

    fn exit(&self, digests: &[Digest]) -> Exit {
        state_of_all(digests).exit()
    }
}

fn state_of_all(digests: &[Digest]) -> PluginState {
    let states = digests.iter().map(state);
    states.max().unwrap_or(PluginState::Unknown)
}

fn state(digest: &Digest) -> PluginState {
    let Ok(outcome) = &digest.result else {
        return PluginState::Unknown;
    };
    match outcome.verdict {
        Verdict::Fail => PluginState::Critical,
        _ if outcome.count(Severity::Warning) > 0 => PluginState::Warning,
        Verdict::Incomplete => PluginState::Unknown,
        Verdict::Pass => PluginState::Ok,
    }
}

/// What a source has, behind its name.
fn why(digest: &Digest) -> String {
    let message = match &digest.result {
        Ok(outcome) => outcome.worst.as_deref().unwrap_or(&outcome.reason),
        Err(_) => digest.why_unread().unwrap_or_default(),
    };
    match message.char_indices().nth(MESSAGE_CHARACTERS) {
        Some((end, _)) => format!(": {}…", &message[..end]),
        None => format!(": {message}"),
    }
}

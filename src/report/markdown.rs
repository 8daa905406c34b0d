//! Markdown for tickets and chats.

use std::io::{self, Write};

use super::human;
use super::render::{Renderer, Unread};
use super::{Digest, Report, Section, digest, runbook};
use crate::checks::{Finding, NotChecked};
use crate::text::{count, markdown_code};

/// Findings of one check that are shown before the rest is only counted.
const SHOWN: usize = 10;

/// CommonMark, as GitHub and GitLab show it. What comes from a source stands in code spans, in which nothing is a link,
/// a mention or markup.
#[derive(Debug)]
pub struct Markdown {
    several: bool,
}

impl Markdown {
    /// For one report, or for several.
    pub fn new(several: bool) -> Self {
        Self { several }
    }
}

impl Renderer for Markdown {
    fn report(&self, _: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let name = digest::name(report.site.as_deref(), &report.source.name);
        let (word, name) = (report.verdict().word(), markdown_code(&name));
        writeln!(out, "### {word} {name}\n")?;
        writeln!(out, "{}\n", markdown_code(&digest::reason(report)))?;
        for fact in human::facts(report) {
            writeln!(out, "- {}", markdown_code(&fact))?;
        }
        for section in &report.sections {
            if let Section::Runbook(it) = section {
                runbook::markdown(it, out)?;
            }
        }
        let findings = &report.findings.list;
        let same = |a: &Finding, b: &Finding| {
            (a.check.id, a.severity, a.accepted.is_some())
                == (b.check.id, b.severity, b.accepted.is_some())
        };
        for group in findings.chunk_by(same) {
            let Some(first) = group.first() else { continue };
            let word = match &first.accepted {
                Some(accepted) => format!("accepted until {}", accepted.until),
                None => first.severity.as_str().to_owned(),
            };
            writeln!(out, "\n**{word}** {}\n", markdown_code(first.check.id))?;
            for (place, finding) in group.iter().take(SHOWN).enumerate() {
                writeln!(out, "- {}", markdown_code(&finding.message))?;
                let next = group.get(place + 1).filter(|_| place + 1 < SHOWN);
                if next.is_none_or(|next| next.fix != finding.fix) {
                    writeln!(out, "  fix: {}", markdown_code(&finding.fix))?;
                }
            }
            if let Some(more @ 1..) = group.len().checked_sub(SHOWN) {
                writeln!(out, "- and {more} more")?;
            }
        }
        not_checked(&report.findings.not_checked, out)
    }

    fn unread(&self, _: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        let name = markdown_code(&digest::name(unread.site, unread.name));
        let why = markdown_code(unread.message);
        writeln!(out, "### no report {name}\n\n{why}")
    }

    fn separator(&self) -> &'static str {
        "\n"
    }

    fn begins_with_all(&self) -> bool {
        self.several
    }

    fn begin(&self, digests: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        if !self.several {
            return Ok(());
        }
        let sources = count(digests.len() as u64, "source");
        writeln!(
            out,
            "## {sources}\n\n| verdict | source | worst |\n|---|---|---|"
        )?;
        for digest in digests {
            let (word, why) = match &digest.result {
                Ok(outcome) => {
                    let why = outcome.worst.as_ref().unwrap_or(&outcome.reason);
                    (outcome.verdict.word(), why.as_str())
                }
                Err(_) => ("no report", digest.why_unread().unwrap_or_default()),
            };
            // In the cell of a table it ends the cell, also in code.
            let cell = |text: &str| markdown_code(text).replace('|', "\\|");
            writeln!(out, "| {word} | {} | {} |", cell(&digest.name()), cell(why))?;
        }
        writeln!(out)
    }
}

/// What could not be looked at, with each reason once.
fn not_checked(list: &[NotChecked], out: &mut dyn Write) -> io::Result<()> {
    let incomplete: Vec<&NotChecked> = list.iter().filter(|it| it.incomplete).collect();
    if incomplete.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n**not checked**\n")?;
    for group in incomplete.chunk_by(|a, b| a.why == b.why) {
        let checks: Vec<&str> = group.iter().map(|it| it.check).collect();
        let why = group.first().map_or("", |it| &it.why);
        writeln!(
            out,
            "- {}: {}",
            markdown_code(&checks.join(", ")),
            markdown_code(why)
        )?;
    }
    Ok(())
}

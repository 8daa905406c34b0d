//! Forms of a report: what is written for each source, and what at the end.

use std::io::{self, Write};

use super::human::{self, Detail};
use super::verdict::Verdict;
use super::{Report, csv, json};
use crate::text::printable_json;

/// Writes the reports of one run in one form. Nothing of a report is kept but what the end needs. Each method
/// fails where the output cannot be written.
pub trait Renderer {
    /// Writes the report on one source.
    fn report(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands in the place of the report on a source that could not be read.
    fn unread(&mut self, _unread: &Unread, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes what comes after the last source.
    fn finish(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// A source that could not be read.
#[derive(Clone, Debug)]
pub struct Unread<'a> {
    /// The command.
    pub command: &'a str,
    /// The source as the user named it, without a password.
    pub name: &'a str,
    /// Why it could not be read.
    pub message: &'a str,
    /// The id of the reason, where the command was refused.
    pub refusal: Option<&'a str>,
}

/// For people. Several sources have a line each at the end.
#[derive(Debug)]
pub struct Human {
    detail: Detail,
    several: bool,
    is_first: bool,
    /// The lines for the end: of reports, and of sources without one.
    lines: [Vec<u8>; 2],
    verdicts: Vec<Verdict>,
    unread: usize,
}

impl Human {
    /// For one report, or for several.
    pub fn new(detail: Detail, several: bool) -> Self {
        Self {
            detail,
            several,
            is_first: true,
            lines: Default::default(),
            verdicts: Vec::new(),
            unread: 0,
        }
    }
}

impl Renderer for Human {
    fn report(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let is_first = std::mem::take(&mut self.is_first);
        if self.several && !is_first && self.detail != Detail::Quiet {
            writeln!(out)?;
        }
        self.verdicts.push(report.verdict());
        human::summary_line(report, &mut self.lines[0])?;
        human::write(report, self.detail, out)
    }

    fn unread(&mut self, unread: &Unread, _: &mut dyn Write) -> io::Result<()> {
        self.unread += 1;
        human::unread_line(unread.name, &mut self.lines[1])
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.several && self.detail != Detail::Quiet {
            writeln!(out)?;
            out.write_all(&self.lines.concat())?;
            human::totals_line(&self.verdicts, self.unread, out)?;
        }
        Ok(())
    }
}

/// For programs. One report is an object over many lines, several are an object a line.
#[derive(Debug)]
pub struct Json {
    several: bool,
}

impl Json {
    /// For one report, or for several.
    pub fn new(several: bool) -> Self {
        Self { several }
    }
}

impl Renderer for Json {
    fn report(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let value = json::value(report);
        let text = if self.several {
            value.to_string()
        } else {
            format!("{value:#}")
        };
        writeln!(out, "{}", printable_json(&text))
    }

    fn unread(&mut self, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        if self.several {
            writeln!(out, "{}", printable_json(&json::unread(unread).to_string()))?;
        }
        Ok(())
    }
}

/// The findings for spreadsheets, a line each under one header.
#[derive(Debug, Default)]
pub struct Csv {
    has_header: bool,
}

impl Renderer for Csv {
    fn report(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let has_header = std::mem::replace(&mut self.has_header, true);
        csv::write(Some(report), !has_header, out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        csv::write(None, !self.has_header, out)
    }
}

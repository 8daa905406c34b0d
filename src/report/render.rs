//! Forms of a report: what is written for each source, and what at the end.

use std::io::{self, Write};

use super::human::{self, Detail};
use super::{Report, csv, json};
use crate::text::printable_json;

/// Writes the reports of one run in one form. Nothing of a report is kept but what the end needs.
pub trait Renderer {
    /// Writes the report on one source.
    ///
    /// # Errors
    /// The output cannot be written.
    fn report(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands in the place of the report on a source that could not be read.
    ///
    /// # Errors
    /// The output cannot be written.
    fn unread(&mut self, unread: &Unread, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what comes after the last source.
    ///
    /// # Errors
    /// The output cannot be written.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
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
    verdicts: [Vec<u8>; 2],
}

impl Human {
    /// For one report, or for several.
    pub fn new(detail: Detail, several: bool) -> Self {
        Self {
            detail,
            several,
            is_first: true,
            verdicts: Default::default(),
        }
    }
}

impl Renderer for Human {
    fn report(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let is_first = std::mem::take(&mut self.is_first);
        if self.several && !is_first && self.detail != Detail::Quiet {
            writeln!(out)?;
        }
        human::verdict_line(report, &mut self.verdicts[0])?;
        human::write(report, self.detail, out)
    }

    fn unread(&mut self, unread: &Unread, _: &mut dyn Write) -> io::Result<()> {
        human::unread_line(unread.name, &mut self.verdicts[1])
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.several && self.detail != Detail::Quiet {
            writeln!(out)?;
            out.write_all(&self.verdicts.concat())?;
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

    fn finish(&mut self, _: &mut dyn Write) -> io::Result<()> {
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
        csv::write(report, !has_header, out)
    }

    fn unread(&mut self, _: &Unread, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.has_header {
            return Ok(());
        }
        csv::header(out)
    }
}

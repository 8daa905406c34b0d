//! Forms of a report: what is written for each source, and what before and behind all.

use std::io::{self, Write};

use serde_json::Value;

use super::digest::Digest;
use super::human::{self, Detail, Form};
use super::{Report, csv, json};
use crate::exit::Exit;
use crate::text::printable_json;

/// Writes the reports of one run in one form. What is written for a source depends on that source alone and its number, so that
/// several can be written at the same time and put in order later. Each method fails where the output cannot be
/// written.
pub trait Renderer: Send + Sync {
    /// Writes the report on one source, which has this number among all, from 0.
    fn report(&self, number: usize, report: &Report, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands in the place of the report on a source that could not be read.
    fn unread(&self, number: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()>;

    /// What stands between what was written for two sources.
    fn separator(&self) -> &'static str {
        ""
    }

    /// Whether [`Renderer::begin`] needs to know of all sources what came of them; otherwise it is given none.
    fn begins_with_all(&self) -> bool {
        false
    }

    /// Writes what comes before the first source.
    fn begin(&self, _digests: &[Digest], _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes what comes after the last source.
    fn finish(&self, _digests: &[Digest], _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// The exit code that these sources lead to together.
    fn exit(&self, digests: &[Digest]) -> Exit {
        Digest::exit(digests)
    }
}

/// A source that could not be read.
#[derive(Clone, Debug)]
pub struct Unread<'a> {
    /// The command.
    pub command: &'a str,
    /// The source as the user named it, without a password.
    pub name: &'a str,
    /// The name of the site, where a list of sites gives one.
    pub site: Option<&'a str>,
    /// Why it could not be read.
    pub message: &'a str,
    /// The id of the reason, where the command was refused.
    pub refusal: Option<&'a str>,
}

/// For people. Several sources have a line each at the end.
#[derive(Debug)]
pub struct Human {
    form: Form,
    several: bool,
}

impl Human {
    /// For one report, or for several.
    pub fn new(form: Form, several: bool) -> Self {
        Self { form, several }
    }
}

impl Renderer for Human {
    fn report(&self, _: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        human::write(report, self.form, out)
    }

    fn unread(&self, _: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        // Otherwise it has its line at the end.
        match self.several && self.form.detail == Detail::Quiet {
            true => human::summary_line(&Digest::unread(unread), self.form.width, out),
            false => Ok(()),
        }
    }

    fn separator(&self) -> &'static str {
        match self.form.detail {
            Detail::Quiet => "",
            _ => "\n",
        }
    }

    fn finish(&self, digests: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        if !self.several || self.form.detail == Detail::Quiet {
            return Ok(());
        }
        writeln!(out)?;
        for digest in digests {
            human::summary_line(digest, self.form.width, out)?;
        }
        human::totals_line(digests, out)
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

    fn write(&self, value: &Value, out: &mut dyn Write) -> io::Result<()> {
        let text = match self.several {
            true => value.to_string(),
            false => format!("{value:#}"),
        };
        writeln!(out, "{}", printable_json(&text))
    }
}

impl Renderer for Json {
    fn report(&self, _: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        self.write(&json::value(report), out)
    }

    fn unread(&self, _: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        self.write(&json::unread(unread), out)
    }
}

/// The findings for spreadsheets, a line each under one header.
#[derive(Debug)]
pub struct Csv;

impl Renderer for Csv {
    fn report(&self, _: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        csv::write(report, out)
    }

    fn unread(&self, _: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        csv::write_unread(unread, out)
    }

    fn begin(&self, _: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        csv::write_header(out)
    }
}

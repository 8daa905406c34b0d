//! Prints reports: on standard output or into a file, in one of the formats.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};

use super::{Color, Common, Format, complain};
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::report::human::{self, Detail};
use crate::report::{Report, csv, json};
use crate::text::printable_json;

/// The output of one run, which takes its reports.
pub struct Output<'a> {
    common: &'a Common,
    detail: Detail,
    several: bool,
    reports: Vec<Report>,
    /// The names of the sources that could not be read.
    unread: Vec<String>,
    /// The content of the file that `--output` names, which is written at once at the end.
    file: Vec<u8>,
}

impl<'a> Output<'a> {
    /// An output for one report, or for `several`, behind which each source has a line.
    pub(super) fn new(common: &'a Common, several: bool) -> Self {
        let detail = match (common.quiet, common.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Self {
            common,
            detail,
            several,
            reports: Vec::new(),
            unread: Vec::new(),
            file: Vec::new(),
        }
    }

    /// Prints a report at once.
    pub(super) fn add(&mut self, report: Report) -> Result<(), Error> {
        let (detail, several, first) = (self.detail, self.several, self.reports.is_empty());
        match self.common.format {
            Format::Human => self.write(|out| {
                if several && !first && detail != Detail::Quiet {
                    writeln!(out)?;
                }
                human::write(&report, detail, out)
            })?,
            Format::Json => {
                let value = json::value(&report);
                // `{:#}` is pretty; of several reports each takes a line.
                let text = if several {
                    value.to_string()
                } else {
                    format!("{value:#}")
                };
                self.write(|out| writeln!(out, "{}", printable_json(&text)))?;
            }
            Format::Csv => {}
        }
        self.reports.push(report);
        Ok(())
    }

    /// Notes a source that could not be read. In JSON each of several sources has a line, this one as well.
    pub(super) fn add_unread(
        &mut self,
        command: &str,
        name: String,
        error: &Error,
    ) -> Result<(), Error> {
        complain(error);
        if self.common.format == Format::Json && self.several {
            let value = json::unread(command, &name, &error.to_string());
            self.write(|out| writeln!(out, "{}", printable_json(&value.to_string())))?;
        }
        self.unread.push(name);
        Ok(())
    }

    /// The exit code that the sources without a report lead to.
    pub(super) fn exit_of_unread(&self) -> Exit {
        match (self.unread.is_empty(), self.reports.is_empty()) {
            (true, _) => Exit::Fine,
            (false, true) => Exit::Failure,
            (false, false) => Exit::Incomplete,
        }
    }

    /// Prints text in the place of a report.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Error> {
        self.write(|out| out.write_all(text.as_bytes()))
    }

    /// Prints what comes after the last report.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let reports = std::mem::take(&mut self.reports);
        let unread = std::mem::take(&mut self.unread);
        match self.common.format {
            Format::Human if self.several && self.detail != Detail::Quiet => self.write(|out| {
                writeln!(out)?;
                reports
                    .iter()
                    .try_for_each(|report| human::verdict_line(report, out))?;
                unread
                    .iter()
                    .try_for_each(|name| human::unread_line(name, out))
            })?,
            Format::Csv => self.write(|out| csv::write(&reports, out))?,
            _ => {}
        }
        let Some(path) = &self.common.output else {
            return Ok(());
        };
        write_file(path, &self.file)
    }

    fn write(&mut self, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        let choice = match (self.common.color, &self.common.output) {
            // What goes to programs goes as it is, not through a filter of escape sequences.
            _ if self.common.format != Format::Human => ColorChoice::AlwaysAnsi,
            (Color::Always, _) => ColorChoice::Always,
            (Color::Never, _) | (Color::Auto, Some(_)) => ColorChoice::Never,
            (Color::Auto, None) => AutoStream::choice(&io::stdout()),
        };
        let result = if self.common.output.is_some() {
            print(&mut AutoStream::new(
                &mut self.file as &mut dyn Write,
                choice,
            ))
        } else {
            let mut out = AutoStream::new(io::stdout().lock(), choice);
            print(&mut out).and_then(|()| out.flush())
        };
        result.map_err(|error| Error::Output {
            path: self.common.output.clone(),
            error,
        })
    }
}

/// Prints text that is not a report.
pub(super) fn print(common: &Common, text: &str) -> Result<(), Error> {
    match &common.output {
        Some(path) => write_file(path, text.as_bytes()),
        None => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())
                .and_then(|()| out.flush())
                .map_err(|error| Error::Output { path: None, error })
        }
    }
}

/// Writes a file beside its place and renames it, so that nobody ever reads half of it. A path that
/// is not a regular file, such as a device or a pipe, is written to directly.
fn write_file(path: &str, content: &[u8]) -> Result<(), Error> {
    let replace = || -> io::Result<()> {
        if let Ok(metadata) = fs::metadata(path)
            && !metadata.is_file()
        {
            return fs::write(path, content);
        }
        // Through a link to the file itself.
        let place = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        let folder = match place.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        part.write_all(content)?;
        part.persist(&place).map_err(|error| error.error)?;
        Ok(())
    };
    replace().map_err(|error| Error::Output {
        path: Some(path.to_owned()),
        error,
    })
}

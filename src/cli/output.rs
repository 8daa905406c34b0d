//! Prints reports: on standard output or into a file, in one of the formats.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};

use super::{Color, Common, Format, complain};
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::report::Report;
use crate::report::human::Detail;
use crate::report::render::{self, Renderer, Unread};
use crate::text::{Inert, inert};

/// The output of one run, which takes its reports.
pub struct Output<'a> {
    common: &'a Common,
    renderer: Box<dyn Renderer>,
    /// How many reports there are.
    reports: usize,
    /// How many sources could not be read.
    unread: usize,
    /// What goes into `--output`, which is written at once at the end.
    file: Vec<u8>,
    /// Whether the report goes to standard error, because something else goes to standard output.
    on_stderr: bool,
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
            renderer: match common.format {
                Format::Human => Box::new(render::Human::new(detail, several)),
                Format::Json => Box::new(render::Json::new(several)),
                Format::Csv => Box::new(render::Csv::default()),
            },
            reports: 0,
            unread: 0,
            file: Vec::new(),
            on_stderr: false,
        }
    }

    /// An output for one report, which goes to standard error where no file is named for it.
    pub(super) fn on_stderr(common: &'a Common) -> Self {
        Self {
            on_stderr: true,
            ..Self::new(common, false)
        }
    }

    /// Prints a report as soon as it is there.
    pub(super) fn add(&mut self, report: &Report) -> Result<(), Error> {
        self.reports += 1;
        self.render(|renderer, out| renderer.report(report, out))
    }

    /// Says that there is no report on a source.
    pub(super) fn add_unread(
        &mut self,
        command: &str,
        name: &str,
        error: &Error,
    ) -> Result<(), Error> {
        complain(error);
        self.unread += 1;
        let message = &error.to_string();
        self.without_report(&Unread {
            command,
            name,
            message,
            refusal: error.refusal(),
        })
    }

    /// Prints what stands in the place of a report.
    pub(super) fn without_report(&mut self, unread: &Unread) -> Result<(), Error> {
        self.render(|renderer, out| renderer.unread(unread, out))
    }

    /// The exit code that the sources without a report lead to.
    pub(super) fn exit_of_unread(&self) -> Exit {
        match (self.unread, self.reports) {
            (0, _) => Exit::Fine,
            (_, 0) => Exit::Failure,
            _ => Exit::Incomplete,
        }
    }

    /// Prints what comes after the last report.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.render(|renderer, out| renderer.finish(out))?;
        let Some(path) = &self.common.output else {
            return Ok(());
        };
        write_file(path, &self.file)
    }

    fn render(
        &mut self,
        print: impl FnOnce(&mut dyn Renderer, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let renderer = self.renderer.as_mut();
        let choice = match (self.common.color, &self.common.output) {
            // What goes to programs goes as it is, not through a filter of escape sequences.
            _ if self.common.format != Format::Human => ColorChoice::AlwaysAnsi,
            (Color::Always, _) => ColorChoice::Always,
            (Color::Never, _) | (Color::Auto, Some(_)) => ColorChoice::Never,
            (Color::Auto, None) if self.on_stderr => AutoStream::choice(&io::stderr()),
            (Color::Auto, None) => AutoStream::choice(&io::stdout()),
        };
        let print = |out: &mut dyn Write| {
            let mut out = Inert::new(out);
            print(renderer, &mut out).and_then(|()| out.flush())
        };
        let result = if self.common.output.is_some() {
            let file = &mut self.file as &mut dyn Write;
            print(&mut AutoStream::new(file, choice))
        } else if self.on_stderr {
            print(&mut AutoStream::new(io::stderr().lock(), choice))
        } else {
            let mut out = AutoStream::new(io::stdout().lock(), choice);
            print(&mut out)
        };
        result.map_err(|error| Error::Output {
            path: self.common.output.clone(),
            error,
        })
    }
}

/// Prints one report; gives the exit code that it leads to.
pub(super) fn print_report(common: &Common, report: &Report) -> Result<Exit, Error> {
    let mut output = Output::new(common, false);
    output.add(report)?;
    output.finish()?;
    Ok(report.verdict().exit())
}

/// Prints text that is not a report.
pub(super) fn print(common: &Common, text: &str) -> Result<(), Error> {
    let text = &inert(text);
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
        let before = fs::metadata(path).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
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
        // Who could read the report before can read it now; a new one belongs to its owner alone.
        if let Some(before) = before {
            let mode = Permissions::from_mode(before.permissions().mode() & 0o777);
            part.as_file().set_permissions(mode)?;
        }
        part.persist(&place).map_err(|error| error.error)?;
        Ok(())
    };
    replace().map_err(|error| Error::Output {
        path: Some(path.to_owned()),
        error,
    })
}

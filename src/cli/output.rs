//! Prints reports: on standard output or into a file, in one of the formats.

use std::fs::{self, File, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};

use super::{Color, Common, Format, pager};
use crate::cli::error::Error;
use crate::exit::{Exit, PluginState};
use crate::report::html::Html;
use crate::report::human::{Detail, Form};
use crate::report::junit::Junit;
use crate::report::markdown::Markdown;
use crate::report::nagios::Nagios;
use crate::report::prometheus::Prometheus;
use crate::report::render::{self, Renderer, Unread};
use crate::report::{Digest, Report};
use crate::text::{Inert, inert, nagios_text};

/// What is printed for one source.
pub(super) struct Entry {
    pub(super) digest: Digest,
    pub(super) text: Vec<u8>,
}

impl Entry {
    /// What is printed for the report of this number.
    pub(super) fn of(number: usize, report: &Report, renderer: &dyn Renderer) -> Self {
        let mut text = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = renderer.report(number, report, &mut text);
        let digest = Digest::of(report);
        Self { digest, text }
    }

    /// What is printed for a source without a report.
    pub(super) fn unread(number: usize, unread: &Unread, renderer: &dyn Renderer) -> Self {
        let mut text = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = renderer.unread(number, unread, &mut text);
        let digest = Digest::unread(unread);
        Self { digest, text }
    }
}

/// The form that the user wants, for one report or for `several`.
pub(super) fn renderer(common: &Common, several: bool) -> Arc<dyn Renderer> {
    let detail = match (common.quiet, common.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    let width = common.width.map(usize::from);
    match common.format {
        Format::Human => Arc::new(render::Human::new(Form { detail, width }, several)),
        Format::Json => Arc::new(render::Json::new(several)),
        Format::Csv => Arc::new(render::Csv),
        Format::Junit => Arc::new(Junit),
        Format::Prometheus => Arc::new(Prometheus),
        Format::Nagios => Arc::new(Nagios),
        Format::Markdown => Arc::new(Markdown::new(several)),
        Format::Html => Arc::new(Html::new(several)),
    }
}

/// The output of one run, which takes what is printed for its sources one after the other.
pub(super) struct Output<'a> {
    common: &'a Common,
    renderer: Arc<dyn Renderer>,
    digests: Vec<Digest>,
    /// What waits for the end, in a file without a name: of `--output`, which appears as a whole, of a form that
    /// begins with what came of all sources, and for the pager, so that nothing else is on the terminal beside it.
    waiting: Option<File>,
    has_begun: bool,
    /// Whether something was printed for a source.
    has_text: bool,
    /// Whether the report goes to standard error, because something else goes to standard output.
    on_stderr: bool,
}

impl<'a> Output<'a> {
    /// An output in this form.
    ///
    /// # Errors
    /// There is no room for a file that waits.
    pub(super) fn new(common: &'a Common, renderer: Arc<dyn Renderer>) -> Result<Self, Error> {
        let is_to_wait =
            common.output.is_some() || renderer.begins_with_all() || pager::is_wanted(common);
        let waiting = is_to_wait.then(tempfile::tempfile).transpose();
        let waiting = waiting.map_err(|error| Error::Output {
            path: common.output.clone(),
            error,
        })?;
        Ok(Self {
            common,
            renderer,
            digests: Vec::new(),
            waiting,
            has_begun: false,
            has_text: false,
            on_stderr: false,
        })
    }

    /// Prints the line of a plugin that could not do its work; gives its exit code.
    pub(super) fn unknown(why: &str) -> Exit {
        let state = PluginState::Unknown;
        // Nothing can be done when even this cannot be printed.
        let _ = writeln!(
            io::stdout(),
            "CIVIDB {} - {}",
            state.word(),
            nagios_text(why)
        );
        state.exit()
    }

    /// Takes what is printed for the next source, and prints it if it need not wait.
    pub(super) fn add(&mut self, entry: Entry) -> Result<(), Error> {
        if !self.renderer.begins_with_all() {
            self.begin()?;
        }
        self.digests.push(entry.digest);
        if entry.text.is_empty() {
            return Ok(());
        }
        let separator = match std::mem::replace(&mut self.has_text, true) {
            true => self.renderer.separator(),
            false => "",
        };
        self.print(|out| {
            out.write_all(separator.as_bytes())?;
            out.write_all(&entry.text)
        })
    }

    /// Prints what comes after the last source; gives the exit code that all sources lead to.
    pub(super) fn finish(mut self) -> Result<Exit, Error> {
        let renderer = Arc::clone(&self.renderer);
        let digests = std::mem::take(&mut self.digests);
        let exit = renderer.exit(&digests);
        let mut waiting = None;
        if renderer.begins_with_all() {
            waiting = self.waiting.take();
            if self.common.output.is_some() {
                self.waiting = Some(tempfile::tempfile().map_err(|error| self.error(error))?);
            }
            self.print(|out| renderer.begin(&digests, out))?;
        } else {
            self.begin()?;
        }
        if let Some(mut waiting) = waiting {
            waiting.rewind().map_err(|error| self.error(error))?;
            self.print(|out| io::copy(&mut waiting, out).map(drop))?;
        }
        self.print(|out| renderer.finish(&digests, out))?;
        if let Some(mut waiting) = self.waiting.take() {
            waiting.rewind().map_err(|error| self.error(error))?;
            match &self.common.output {
                Some(path) => write_file(path, &mut |out| io::copy(&mut waiting, out).map(drop))?,
                None => pager::show(&mut waiting).map_err(|error| self.error(error))?,
            }
        }
        Ok(exit)
    }

    fn begin(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        let renderer = Arc::clone(&self.renderer);
        self.print(|out| renderer.begin(&[], out))
    }

    fn error(&self, error: io::Error) -> Error {
        Error::Output {
            path: self.common.output.clone(),
            error,
        }
    }

    fn print(&mut self, print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
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
            print(&mut out).and_then(|()| out.flush())
        };
        let result = if let Some(waiting) = &mut self.waiting {
            print(&mut AutoStream::new(waiting as &mut dyn Write, choice))
        } else if self.on_stderr {
            print(&mut AutoStream::new(io::stderr().lock(), choice))
        } else {
            let mut out = AutoStream::new(io::stdout().lock(), choice);
            print(&mut out)
        };
        result.map_err(|error| self.error(error))
    }
}

/// Prints one report; gives the exit code that it leads to.
pub(super) fn print_report(common: &Common, report: &Report) -> Result<Exit, Error> {
    print_one(common, report, false)
}

/// Prints one report like [`print_report`], but on standard error where no file is named for it.
pub(super) fn print_report_on_stderr(common: &Common, report: &Report) -> Result<Exit, Error> {
    print_one(common, report, true)
}

fn print_one(common: &Common, report: &Report, on_stderr: bool) -> Result<Exit, Error> {
    let renderer = renderer(common, false);
    let entry = Entry::of(0, report, &*renderer);
    let mut output = Output::new(common, renderer)?;
    output.on_stderr = on_stderr;
    output.add(entry)?;
    output.finish()
}

/// Prints text that is not a report.
pub(super) fn print(common: &Common, text: &str) -> Result<(), Error> {
    let text = &inert(text);
    match &common.output {
        Some(path) => write_file(path, &mut |out| out.write_all(text.as_bytes())),
        None if pager::is_wanted(common) => {
            let shown = pager::show(&mut text.as_bytes());
            shown.map_err(|error| Error::Output { path: None, error })
        }
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
fn write_file(
    path: &str,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let mut replace = || -> io::Result<()> {
        let before = fs::metadata(path).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            return write(&mut File::create(path)?);
        }
        // Through a link to the file itself.
        let place = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        let folder = match place.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut part = tempfile::NamedTempFile::new_in(folder)?;
        write(&mut part)?;
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

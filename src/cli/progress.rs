//! A progress bar on standard error, on a terminal only.

use std::io::{self, IsTerminal};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Common;
use super::error::Error;
use crate::dump::container::Progress;
use crate::fleet::deadline;
use crate::snapshot::Snapshot;
use crate::source::Location;
use crate::text::printable;

/// The bars of all sources that are worked on.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(5)));

/// The progress bar for one source, and how many tables it was told of; it does nothing where nobody would see it.
pub struct Bar(Option<ProgressBar>, u64);

impl Bar {
    pub(super) fn new(common: &Common, name: &str) -> Self {
        if common.no_progress || common.quiet || !io::stderr().is_terminal() {
            return Self(None, 0);
        }
        let bar = ProgressBar::new_spinner().with_message(printable(name));
        let bar = BARS.add(bar);
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(Some(bar), 0)
    }

    /// Shows how far the file has been read. The time for the source may be up: then it does not come back.
    pub(super) fn update(&mut self, progress: &Progress) {
        deadline::keep();
        let Some(bar) = &self.0 else { return };
        if let Some(total) = progress.total()
            && bar.length() != Some(total)
        {
            bar.set_length(total);
            let with_total = "{msg} {wide_bar} {bytes}/{total_bytes} {eta}";
            // The template is fixed and known to be right; without it the default is fine, too.
            if let Ok(style) = ProgressStyle::with_template(with_total) {
                bar.set_style(style);
            }
        }
        bar.set_position(progress.bytes_read());
    }

    /// Shows which table is worked on, and how fast.
    pub(super) fn about(&mut self, table: &str) {
        let Some(bar) = &self.0 else { return };
        self.1 += 1;
        let tables = self.1;
        let rate = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if bar.length().is_some()
            && let Ok(style) = ProgressStyle::with_template(rate)
        {
            bar.set_style(style);
        }
        bar.set_message(format!("table {tables}: {}", printable(table)));
    }

    /// Removes the bar from the screen.
    pub(super) fn finish(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
            BARS.remove(&bar);
        }
    }
}

/// Reads a source, with a progress bar.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(
    location: &Location,
    database: Option<&str>,
    common: &Common,
) -> Result<Snapshot, Error> {
    let mut bar = Bar::new(common, &location.name());
    let read = location.read(database, &mut |progress| bar.update(progress));
    bar.finish();
    Ok(read?)
}

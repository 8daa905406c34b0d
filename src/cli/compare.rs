//! `cividb compare`: whether the contents of two sources are the same, through a restore, a move or an upgrade.

use std::path::PathBuf;

use clap::Args;

use super::output::print_report;
use super::progress::Bar;
use super::{Common, ServerOptions};
use crate::case::Case;
use crate::checks::contents::CONTENTS_ROWS_LOST;
use crate::checks::{COMPARE, Examination, Lack};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::contents::comparison::{self, Options, Side, compare};
use crate::contents::digest::Hashes;
use crate::contents::export::Export;
use crate::dump::container::Progress;
use crate::exit::Exit;
use crate::report::{ContentsSummary, Layout, Report, Section};
use crate::source::Location;

#[derive(Debug, Args)]
pub struct Compare {
    /// Source as it was: dump file, mydumper folder, server (mysql://user@host/database),
    /// civicrm.settings.php or site's folder
    #[arg(value_name = "BEFORE")]
    before: String,
    /// Source as it is, of the same kinds
    #[arg(value_name = "AFTER")]
    after: String,
    /// Versions of the upgrade that lies between the two; by default those that civicrm_domain names
    #[arg(long, value_name = "X.Y.Z..X.Y.Z", value_parser = versions)]
    through: Option<(Version, Version)>,
    /// Take every difference for one, although the versions show that an upgrade lies between the two
    #[arg(long, conflicts_with = "through")]
    no_upgrade: bool,
    /// Compare caches, queues, sessions and logs as well
    #[arg(long)]
    all_tables: bool,
    /// Number of rows to show of each finding, by their keys
    #[arg(long, value_name = "N", default_value_t = 3)]
    sample: usize,
    /// Show the values of those rows as well, before and now: they may be personal data
    #[arg(long)]
    show_values: bool,
    /// Write all rows that differ into this folder, as CSV: TABLE.before.csv and TABLE.after.csv
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    #[command(flatten)]
    server: ServerOptions,
}

fn versions(text: &str) -> Result<(Version, Version), String> {
    let (from, target) = text
        .split_once("..")
        .ok_or("two versions with .. between them are wanted, such as 4.7.31..5.81.2")?;
    let version = |text: &str| {
        Version::parse(text).ok_or_else(|| format!("'{text}' is not a version of CiviCRM"))
    };
    Ok((version(from)?, version(target)?))
}

impl Compare {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let access = self.server.access();
        let before = Location::one(&self.before, &access)?;
        let after = Location::one(&self.after, &access)?;
        if before == Location::Stdin && after == Location::Stdin {
            let why = "standard input can be one of the two sources only".to_owned();
            return Err(Error::Unfit("-".to_owned(), why));
        }
        let hashes = Hashes::random();
        let read = |location| {
            let mut bar = Bar::new(common, &Location::name(location));
            let database = location.database(common.database.as_deref());
            let side = Side::read(location, database, hashes, &mut |_, progress: &Progress| {
                bar.update(progress);
            });
            bar.finish();
            side
        };
        let before = read(&before)?;
        let after = read(&after)?;
        let options = Options {
            samples: self.sample,
            with_values: self.show_values,
            with_volatile: self.all_tables,
            through: self.through(&before, &after, catalogue),
        };
        let export = self.export.as_deref().map(Export::to).transpose()?;
        let (comparison, before, after) =
            compare(before, after, hashes, &options, export, &mut |_, _| {})?;
        let case = Case::new(after, catalogue);
        let mut examined = Examination::of(&case);
        examined.contents = Some((&comparison, &before.source.name));
        let mut findings = common.examine(&examined, COMPARE)?;
        let before_case = Case::new(before.clone(), catalogue);
        for case in [&before_case, &case] {
            if Examination::of(case).is_cut() {
                let name = &case.snapshot.source.name;
                let why = format!("{name} is cut, damaged or empty: cividb verify says where");
                findings.skip(&CONTENTS_ROWS_LOST, Lack::of_promised(why));
            }
        }
        let mut report = Report::new("compare", &case, findings, common.strict);
        report.layout = Layout::InFull;
        report.compared_with = Some(before.source.name.clone());
        let summary = ContentsSummary::of(&comparison);
        print_report(common, &report.with(Section::Contents(summary)))
    }

    /// The versions of the upgrade that lies between the two sources.
    fn through(
        &self,
        before: &Side<'_>,
        after: &Side<'_>,
        catalogue: &Catalogue,
    ) -> Option<(Version, Version)> {
        if self.no_upgrade || self.through.is_some() {
            return self.through.clone();
        }
        let version = |side: &Side<'_>| {
            let case = Case::new(side.snapshot.clone(), catalogue);
            case.release()
        };
        let (from, target) = (version(before)?, version(after)?);
        (from < target).then_some((from, target))
    }
}

impl From<comparison::ContentsError> for Error {
    fn from(error: comparison::ContentsError) -> Self {
        match error {
            comparison::ContentsError::Source(error) => Self::Source(error),
            comparison::ContentsError::Server(error) => Self::Server(error),
            comparison::ContentsError::Steps(error) => Self::Steps(error),
            comparison::ContentsError::Export(error) => error.into(),
        }
    }
}

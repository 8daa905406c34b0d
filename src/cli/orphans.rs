//! `cividb orphans`: looks for rows that stop restores and upgrades.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::fleet::{Asked, Fleet, FleetOptions};
use super::repair::target_release;
use super::rows::RowExaminer;
use super::{Common, ServerOptions};
use crate::case::Case;
use crate::checks::{Examination, ORPHANS, cut};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::integrity::ExportOptions;
use crate::integrity::server::Limits;
use crate::report::{Report, Section};
use crate::source::Location;

#[derive(Debug, Args)]
pub struct Orphans {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns such as 'sites/*/civicrm.settings.php',
    /// mydumper folders, - for standard input, servers (mysql://user@host/database),
    /// civicrm.settings.php or sites' folders
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
    /// Release that the site is to be upgraded to; by default its own
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// Number of rows to show of each finding, by their keys
    #[arg(long, value_name = "N", default_value_t = 3)]
    sample: usize,
    /// Write all rows of each finding to a CSV file in this folder
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Number of connections to a server at the same time
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    connections: u8,
    /// Longest time in seconds that one statement may take on a server
    #[arg(long, value_name = "N", default_value_t = 30)]
    statement_seconds: u64,
    #[command(flatten)]
    fleet: FleetOptions,
    #[command(flatten)]
    server: ServerOptions,
}

impl Orphans {
    pub(super) fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        if let Some(target) = &self.target {
            target_release(target, Catalogue::embedded()?)?;
        }
        let sources = self.fleet.arguments(&self.sources, &self.server)?;
        let access = self.server.access();
        if self.export.is_some() {
            let [source] = &sources[..] else {
                return Err(Error::ExportOfMany);
            };
            if !Location::one(source, &access)?.can_be_read_again() {
                return Err(Error::ExportOfStream);
            }
        }
        let report_on = move |asked: &Asked| {
            let target = asked.target(self.target.as_ref())?;
            self.report(asked.location, target, common)
        };
        let fleet = Fleet::new("orphans", report_on);
        self.fleet.report_on_each(fleet, &sources, &access, common)
    }

    /// The report on one source.
    fn report(
        &self,
        location: &Location,
        target: Option<&Version>,
        common: &Common,
    ) -> Result<Report, Error> {
        let catalogue = Catalogue::embedded()?;
        let examiner = RowExaminer {
            catalogue,
            options: ExportOptions {
                samples: self.sample,
                export: self.export.clone(),
            },
            limits: Limits {
                connections: usize::from(self.connections),
                statement_seconds: self.statement_seconds,
            },
        };
        let (snapshot, rows) = examiner.read(location, common)?;
        let case = Case::new(snapshot, catalogue).to_release(target.cloned());
        let answered = examiner.ask(&case, rows, common)?;
        let mut examined = Examination::of(&case);
        examined.rows = answered.rows();
        let mut findings = common.examine(&examined, ORPHANS)?;
        cut(&examined, &mut findings);
        common.accept(&mut findings)?;
        let mut report = Report::new("orphans", &case, findings, common.strict);
        report.compared_with = target.map(|target| format!("CiviCRM {target}"));
        Ok(report.with(Section::Integrity(answered.answers.statistics)))
    }
}

//! `cividb orphans`: are the rows sound?

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::rows::Inquiry;
use super::{Common, ServerOptions};
use crate::checks::{self, Findings};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::error::{Error, Exit};
use crate::integrity::Wish;
use crate::integrity::server::Pace;
use crate::report::Report;
use crate::source::Location;

/// Arguments of `orphans`.
#[derive(Debug, Args)]
pub struct Orphans {
    /// A dump file (plain, gzip, bzip2, zstd, xz or zip), a mydumper folder, - for standard
    /// input, a server (mysql://user@host/database), a civicrm.settings.php or a site's folder
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// The release that it is to be upgraded to; by default its own
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// Rows to show of each finding, by their keys
    #[arg(long, value_name = "N", default_value_t = 3)]
    sample: usize,
    /// Write all rows of each finding to a CSV file in this folder
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Connections to a server at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    connections: u8,
    /// Most seconds that one statement may take on a server
    #[arg(long, value_name = "N", default_value_t = 30)]
    statement_seconds: u64,
    #[command(flatten)]
    server: ServerOptions,
}

impl Orphans {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        if let Some(target) = &self.target
            && catalogue.state_for(target).is_none()
        {
            return Err(Error::unknown_release(target, &catalogue));
        }
        let source = self.server.source(self.source.as_deref())?;
        let location = Location::one(&source, &self.server.access())?;
        if !location.can_be_read_again() && self.export.is_some() {
            return Err(Error::ExportOfStream);
        }
        let inquiry = Inquiry {
            catalogue: &catalogue,
            target: self.target.as_ref(),
            wish: Wish {
                samples: self.sample,
                export: self.export.clone(),
            },
            pace: Pace {
                connections: usize::from(self.connections),
                statement_seconds: self.statement_seconds,
            },
        };
        let source = inquiry.read(&location, common)?;
        let mut inquired = inquiry.ask(source, common)?;
        let mut findings = Findings {
            detected: inquired.detected.take(),
            ..Findings::default()
        };
        checks::cut(&inquired.snapshot, &mut findings);
        let effort = inquired.judge(&mut findings);
        findings.sort();
        let mut report = Report::new("orphans", &inquired.snapshot, findings, common.strict);
        report.effort = Some(effort);
        report.compared_with = self
            .target
            .as_ref()
            .map(|target| format!("CiviCRM {target}"));
        let exit = report.exit();
        let mut output = Output::new(common, false);
        output.add(report)?;
        output.finish()?;
        Ok(exit)
    }
}

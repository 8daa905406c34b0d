//! `cividb version`: what the version of each domain means, and what should stand there.

use clap::Args;

use super::Common;
use super::dumps::report_on_each;
use crate::checks::{Context, Findings, schema, version};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::site::Site;
use crate::civicrm::version_state::DetectedRelease;
use crate::error::{Error, Exit};
use crate::report::{Report, VersionSummary};
use crate::snapshot::Snapshot;

/// Arguments of `version`.
#[derive(Debug, Args)]
pub struct Version {
    /// A dump file (plain, gzip, bzip2, zstd, xz or zip), a mydumper folder, or - for standard input
    #[arg(value_name = "SOURCE")]
    source: String,
}

impl Version {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let source = std::slice::from_ref(&self.source);
        report_on_each("version", source, common, |snapshot| {
            report_on(snapshot, &catalogue, common.strict)
        })
    }
}

fn report_on(snapshot: &Snapshot, catalogue: &Catalogue, strict: bool) -> Result<Report, Error> {
    let site = Site::of(snapshot).ok_or_else(|| Error::NoCivicrm {
        name: snapshot.source.name.clone(),
    })?;
    let mut findings = Findings::default();
    let context = Context {
        target: None,
        catalogue: Some(catalogue),
    };
    let detection = schema::detect(snapshot, Some(&site), &context);
    let detected = detection.as_ref().map(DetectedRelease::of);
    let domains = version::check(snapshot, &site, catalogue, detected.as_ref(), &mut findings);
    if let Some(detection) = &detection {
        schema::version_mismatch(Some(&site), catalogue, detection, &mut findings);
    }
    findings.sort();
    Ok(Report {
        version: Some(VersionSummary { domains, detected }),
        ..Report::new("version", snapshot, findings, strict)
    })
}

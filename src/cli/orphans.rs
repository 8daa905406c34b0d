//! `cividb orphans`: are the rows sound?

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::progress::Bar;
use super::{Common, ServerOptions};
use crate::checks::{self, Context, Detected, Findings, schema};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::detect::Detection;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::error::{Error, Exit};
use crate::integrity::question::{Asked, Questions, questions};
use crate::integrity::server::{self, AskError, Pace};
use crate::integrity::{Answers, Wish, dump};
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

/// Arguments of `orphans`.
#[derive(Debug, Args)]
pub struct Orphans {
    /// A dump file (plain, gzip, bzip2, zstd, xz or zip), a mydumper folder, - for standard
    /// input, a server (mysql://user@host/database), a civicrm.settings.php or a site's folder
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// The release that it is to be upgraded to; by default its own
    #[arg(long, value_name = "X.Y.Z", value_parser = release)]
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
        let access = self.server.access();
        let location = Location::one(&source, &access)?;
        if location == Location::Stdin && self.export.is_some() {
            return Err(Error::ExportOfStream);
        }
        let (snapshot, survey, answers) = match &location {
            Location::Server(server) => self.of_server(server, &catalogue, common)?,
            dump => self.of_dump(dump, &catalogue, common)?,
        };
        let mut findings = survey.findings;
        checks::cut(&snapshot, &mut findings);
        checks::rows::check(&survey.questions, &answers, &mut findings);
        findings.sort();
        let mut report = Report::new("orphans", &snapshot, findings, common.strict);
        report.effort = Some(answers.effort);
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

    fn wish(&self) -> Wish {
        Wish {
            samples: self.sample,
            export: self.export.clone(),
        }
    }

    fn of_dump(
        &self,
        location: &Location,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<(Snapshot, Survey, Answers), Error> {
        let mut bar = Bar::new(common, &location.name());
        let gathered = dump::gather(
            location,
            common.database.as_deref(),
            catalogue,
            &mut |progress| {
                bar.update(progress);
            },
        );
        let gathered = match gathered {
            Ok(gathered) => gathered,
            Err(error) => {
                bar.finish();
                return Err(error.into());
            }
        };
        let survey = Survey::of(&gathered.snapshot, catalogue, self.target.as_ref());
        let answered =
            gathered.answer(location, &survey.questions, &self.wish(), &mut |progress| {
                bar.update(progress);
            });
        bar.finish();
        let (snapshot, answers) = answered.map_err(|error| match error {
            dump::DumpError::Source(error) => Error::Source(error),
            dump::DumpError::Export(error) => Error::Export(error),
        })?;
        Ok((snapshot, survey, answers))
    }

    fn of_server(
        &self,
        location: &ServerLocation,
        catalogue: &Catalogue,
        common: &Common,
    ) -> Result<(Snapshot, Survey, Answers), Error> {
        let (mut connection, database) = location.connect(common.database.as_deref())?;
        let snapshot = location.read(&mut connection, &database)?;
        // Its place is better used by one that asks.
        drop(connection);
        let survey = Survey::of(&snapshot, catalogue, self.target.as_ref());
        let size = |table: &str| {
            let facts = snapshot.server.as_ref();
            facts
                .and_then(|facts| facts.table_bytes.get(table))
                .copied()
                .unwrap_or(0)
        };
        let pace = Pace {
            connections: usize::from(self.connections),
            statement_seconds: self.statement_seconds,
        };
        let answers = server::answer(
            &|| Ok(location.connect(Some(&database))?.0),
            &snapshot.schema,
            &survey.questions,
            &size,
            pace,
            &self.wish(),
        );
        let answers = answers.map_err(|error| match error {
            AskError::Server(error) => Error::Server(error),
            AskError::Export(error) => Error::Export(error),
        })?;
        Ok((snapshot, survey, answers))
    }
}

/// The questions for a database, and what is known of it.
struct Survey {
    questions: Questions,
    findings: Findings,
}

impl Survey {
    fn of(snapshot: &Snapshot, catalogue: &Catalogue, target: Option<&Version>) -> Self {
        let site = Site::of(snapshot);
        let site = site.as_ref();
        let context = Context {
            catalogue: Some(catalogue),
            ..Context::default()
        };
        let detection = schema::detect(snapshot, site, &context);
        let declared = site.and_then(Site::declared_version);
        let of_declared = || catalogue.state_for(declared.as_ref()?);
        let state = detection
            .as_ref()
            .map(|detection| detection.state)
            .or_else(of_declared);
        let from = declared
            .clone()
            .or_else(|| Version::parse(state?.last_release()));
        let target = target.and_then(|version| Some((version, catalogue.state_for(version)?)));
        let asked = Asked {
            subject: schema::subject(snapshot, site),
            catalogue,
            state,
            from: from.as_ref(),
            target,
            keys_are_kept: snapshot.server.is_some(),
        };
        let mut findings = Findings {
            detected: detection
                .as_ref()
                .map(|detection: &Detection| Detected::of(detection)),
            ..Findings::default()
        };
        if state.is_none() {
            findings.skip(
                &checks::table::ORPHAN_ROWS,
                "the release is not known, so that only the keys of the database itself were asked about",
            );
        }
        Self {
            questions: questions(&asked),
            findings,
        }
    }
}

fn release(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "a release looks like 5.81.2".to_owned())
}

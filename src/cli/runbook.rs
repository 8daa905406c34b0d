//! `cividb runbook`: the upgrade guide for one site.

use std::path::{Path, PathBuf};

use clap::Args;

use super::grants::for_upgrade;
use super::output::print_report;
use super::preflight::{CUT, newest, not_told, paper_run};
use super::repair::target_release;
use super::rows::RowExaminer;
use super::{Common, ServerOptions, target_server};
use crate::case::Case;
use crate::change::error::ChangeError;
use crate::checks::{Examination, Findings};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::integrity::ExportOptions;
use crate::integrity::server::Limits;
use crate::repair::guard;
use crate::report::{Report, Section};
use crate::runbook::{Connection, Subject, write};
use crate::server_version::ServerVersion;
use crate::settings::SettingsFacts;
use crate::source::{Location, SourceError};

#[derive(Debug, Args)]
pub struct Runbook {
    /// The site, or a backup of it: server (mysql://user@host/database), civicrm.settings.php, site's folder, dump
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Release to upgrade to; by default the newest that cividb knows
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// Settings file of the site, where the source is a dump or a server
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Server that the upgrade runs on, such as mysql-8.4 or mariadb-10.6; by default the one that the
    /// source names
    #[arg(long = "server", alias = "target-server", value_name = "NAME-VERSION", value_parser = target_server)]
    target_server: Option<ServerVersion>,
    #[command(flatten)]
    server: ServerOptions,
}

impl Runbook {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        if let Some(target) = &self.target {
            target_release(target, catalogue)?;
        }
        let source = self.server.source(self.source.as_deref())?;
        let access = self.server.access();
        let location = Location::one(&source, &access)?;
        let mut settings = match &self.settings {
            Some(file) => {
                let read = SettingsFacts::read(file, access.include_outside);
                Some(read.map_err(SourceError::from)?)
            }
            None => location.settings(&access)?,
        };
        if let Some(settings) = &mut settings {
            // The commands run in the folder that the first step goes to.
            settings.path = absolute(&settings.path);
        }
        let examiner = RowExaminer {
            catalogue,
            options: ExportOptions::default(),
            limits: Limits::default(),
        };
        let (mut snapshot, rows) = examiner.read(&location, common)?;
        location.read_cms(&mut snapshot, settings.as_ref());
        let target = self.target.clone().or_else(|| newest(catalogue));
        let case = Case::new(snapshot, catalogue)
            .to_release(target.clone())
            .to_server(self.target_server.clone());
        if case.site.is_none() {
            return Err(Error::no_civicrm(case.snapshot.source.name.clone()));
        }
        if let Some(target) = &target {
            guard::target(target, &case).map_err(ChangeError::from)?;
        }
        let answered = examiner.ask(&case, rows, common)?;
        let mut findings = Findings::default();
        let Some(mut forecast) = paper_run(&case, Some(&answered), None)? else {
            return print_report(
                common,
                &Report::new("runbook", &case, findings, common.strict),
            );
        };
        if Examination::of(&case).ends_early() {
            // What the dump does not hold any more would seem to stop the upgrade.
            forecast.failures.clear();
            forecast.possible.clear();
            forecast.silent.clear();
        }
        not_told(&answered, &mut findings);
        let verdict = for_upgrade(&case, &forecast.target);
        let connection = connection(&location);
        let subject = Subject {
            case: &case,
            forecast: &forecast,
            settings: settings.as_ref(),
            privileges: verdict.as_ref(),
            connection: connection.as_ref(),
            not_told: not_told_of(&findings, &case),
        };
        let runbook = write(&subject, self.site(&location).as_deref());
        let report = Report::new("runbook", &case, findings, common.strict);
        print_report(common, &report.with(Section::Runbook(Box::new(runbook))))
    }

    /// What names the site to cividb; `None` where only a dump is known.
    fn site(&self, location: &Location) -> Option<String> {
        let file = match location {
            Location::Server(server) => match &server.settings_file {
                Some(file) => file,
                None => return Some(server.name.clone()),
            },
            _ => self.settings.as_ref()?,
        };
        Some(absolute(file).to_string_lossy().into_owned())
    }
}

/// A path that names the same file from every folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What of the rows could not be looked at, if anything.
fn not_told_of(findings: &Findings, case: &Case) -> Option<String> {
    if Examination::of(case).ends_early() {
        return Some(CUT.to_owned());
    }
    let lack = findings.not_checked.iter().find(|it| it.incomplete);
    lack.map(|it| it.why.clone())
}

/// How the database of a server is reached.
fn connection(location: &Location) -> Option<Connection> {
    let Location::Server(server) = location else {
        return None;
    };
    Some(Connection::from(server.login.clone()))
}

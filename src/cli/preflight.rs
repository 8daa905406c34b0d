//! `cividb preflight`: whether the upgrade to a release will fail, in which step, and what mends it before.

use clap::Args;

use super::output::print_report;
use super::repair::target_release;
use super::{Common, ServerOptions, read, target_server};
use crate::case::Case;
use crate::checks::{Examination, PREFLIGHT};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::preflight::privileges::UpgradeAccount;
use crate::preflight::{self, Options};
use crate::report::{PreflightSummary, Report, Section};
use crate::server_version::ServerVersion;
use crate::source::Location;

#[derive(Debug, Args)]
pub struct Preflight {
    /// Dump file (plain, gzip, bzip2, zstd, xz or zip), mydumper folder, - for standard
    /// input, server (mysql://user@host/database), civicrm.settings.php or site's folder
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Release to upgrade to; by default the newest that cividb knows
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// Server that the upgrade runs on, such as mysql-8.4 or mariadb-10.6; by default the one that the
    /// source names
    #[arg(long = "server", alias = "target-server", value_name = "NAME-VERSION", value_parser = target_server)]
    target_server: Option<ServerVersion>,
    /// Print every operation of every step, and what becomes of it
    #[arg(long)]
    steps: bool,
    #[command(flatten)]
    server: ServerOptions,
}

impl Preflight {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        if let Some(target) = &self.target {
            target_release(target, &catalogue)?;
        }
        let source = self.server.source(self.source.as_deref())?;
        let location = Location::one(&source, &self.server.access())?;
        let snapshot = read(&location, common.database.as_deref(), common)?;
        let target = match &self.target {
            Some(target) => target.clone(),
            None => newest(&catalogue).ok_or_else(|| Error::no_release(&snapshot.source.name))?,
        };
        let case = Case::new(snapshot, &catalogue)
            .to_release(Some(target.clone()))
            .to_server(self.target_server.clone());
        if case.site.is_none() {
            return Err(Error::no_civicrm(case.snapshot.source.name.clone()));
        }
        let options = Options {
            target: target.clone(),
            server: self.target_server.clone(),
            account: account(&case),
        };
        let forecast = preflight::forecast(&case, &options)?;
        let mut examined = Examination::of(&case);
        examined.forecast = Some(&forecast);
        let findings = common.examine(&examined, PREFLIGHT)?;
        let mut report = Report::new("preflight", &case, findings, common.strict);
        report.compared_with = Some(format!("CiviCRM {target}"));
        let summary = PreflightSummary::of(&forecast, self.steps);
        print_report(common, &report.with(Section::Preflight(summary)))
    }
}

/// The newest release that the catalogue knows.
fn newest(catalogue: &Catalogue) -> Option<Version> {
    let state = catalogue.states().last()?;
    Version::parse(state.last_release())
}

/// The account of a server, with what it may do in the database.
fn account(case: &Case) -> Option<UpgradeAccount> {
    let snapshot = &case.snapshot;
    let facts = snapshot.server.as_ref()?;
    let version = snapshot.source.server_version.as_ref()?;
    let database = snapshot.database.as_deref()?;
    let account = facts.account.as_ref()?;
    Some(UpgradeAccount {
        name: format!("'{}'@'{}'", account.user, account.host),
        privileges: facts
            .grants
            .as_ref()?
            .on_database(database, &facts.rules(version)),
    })
}

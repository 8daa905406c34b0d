//! `cividb preflight`: whether the upgrade to a release will fail, in which step, and what mends it before.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::fleet::{Asked, Fleet, FleetOptions};
use super::grants::GrantsFile;
use super::repair::target_release;
use super::rows::{RowAnswers, RowExaminer};
use super::{Common, ServerOptions, target_server};
use crate::case::Case;
use crate::checks::upgrade::UPGRADE_STOPS;
use crate::checks::{Examination, Findings, Group, Lack, PREFLIGHT, cut};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::grants::Rules;
use crate::integrity::ExportOptions;
use crate::integrity::for_upgrade::{not_answered, row_answers};
use crate::integrity::server::Limits;
use crate::preflight::privileges::UpgradeAccount;
use crate::preflight::{self, Forecast, Options};
use crate::report::{Layout, PreflightSummary, Report, Section};
use crate::server_version::ServerVersion;
use crate::source::Location;

#[derive(Debug, Args)]
pub struct Preflight {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns such as 'sites/*/civicrm.settings.php',
    /// mydumper folders, - for standard input, servers (mysql://user@host/database),
    /// civicrm.settings.php or sites' folders
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
    /// Release to upgrade to; by default the newest that cividb knows
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    /// Server that the upgrade runs on, such as mysql-8.4 or mariadb-10.6; by default the one that the
    /// source names
    #[arg(long = "server", alias = "target-server", value_name = "NAME-VERSION", value_parser = target_server)]
    target_server: Option<ServerVersion>,
    /// Privileges of the account that runs the upgrade: the output of SHOW GRANTS in this file; by
    /// default those of the account that cividb uses on a server
    #[arg(long, value_name = "FILE")]
    grants_file: Option<PathBuf>,
    /// Print every operation of every step, and what becomes of it
    #[arg(long)]
    steps: bool,
    #[command(flatten)]
    fleet: FleetOptions,
    #[command(flatten)]
    server: ServerOptions,
}

impl Preflight {
    pub(super) fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        if let Some(target) = &self.target {
            target_release(target, Catalogue::embedded()?)?;
        }
        let sources = self.fleet.arguments(&self.sources, &self.server)?;
        let report_on = move |asked: &Asked| {
            let target = asked.target(self.target.as_ref())?;
            self.report(asked.location, target, common)
        };
        let fleet = Fleet::new("preflight", report_on);
        let access = self.server.access();
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
            options: ExportOptions::default(),
            limits: Limits::default(),
        };
        let (snapshot, rows) = examiner.read(location, common)?;
        let target = target.cloned().or_else(|| newest(catalogue));
        let case = Case::new(snapshot, catalogue)
            .to_release(target)
            .to_server(self.target_server.clone());
        if case.site.is_none() {
            return Err(Error::no_civicrm(case.snapshot.source.name.clone()));
        }
        let answered = examiner.ask(&case, rows, common)?;
        let own = self.grants_file.as_ref();
        let own = own
            .map(|file| account_of(file, &case, common))
            .transpose()?;
        let mut examined = Examination::of(&case);
        let Some(forecast) = forecast(&case, Some(&answered), own)? else {
            let mut findings = Findings::default();
            cut(&examined, &mut findings);
            findings.skip(&UPGRADE_STOPS, Lack::of_promised(CUT));
            return Ok(Report::new("preflight", &case, findings, common.strict));
        };
        examined.forecast = Some(&forecast);
        let settings = location.settings(&self.server.access())?;
        examined.settings = settings.as_ref();
        let mut findings = common.examine(&examined, PREFLIGHT)?;
        not_told(&answered, &mut findings);
        cut(&examined, &mut findings);
        let mut report = Report::new("preflight", &case, findings, common.strict);
        report.layout = Layout::InFull;
        report.compared_with = Some(format!("CiviCRM {}", forecast.target));
        let summary = summary(&examined, &forecast, self.steps, common)?;
        Ok(report.with(Section::Preflight(summary)))
    }
}

/// How the upgrade would go, with what keeps it from beginning for what stands in the settings file.
pub(super) fn summary(
    examined: &Examination,
    forecast: &Forecast,
    operations: bool,
    common: &Common,
) -> Result<PreflightSummary, Error> {
    let stops = common.examine_part(examined, &[Group::Begin])?;
    Ok(PreflightSummary::of(forecast, operations).not_begun(&stops))
}

/// Why there is no forecast of a case that is to be upgraded.
pub(super) const CUT: &str = "the dump is cut";

/// How the upgrade of a case to its target would go; `None` where it has none, and where the dump is cut: what it does not
/// hold any more would seem to stop the upgrade.
pub(super) fn forecast(
    case: &Case,
    rows: Option<&RowAnswers>,
    own: Option<UpgradeAccount>,
) -> Result<Option<Forecast>, Error> {
    if Examination::of(case).ends_early() {
        return Ok(None);
    }
    paper_run(case, rows, own)
}

/// The paper run of the upgrade of a case to its target, whole or cut; `None` where it has no target.
pub(super) fn paper_run(
    case: &Case,
    rows: Option<&RowAnswers>,
    own: Option<UpgradeAccount>,
) -> Result<Option<Forecast>, Error> {
    let Some(target) = case.target_release.clone() else {
        return Ok(None);
    };
    let options = Options {
        target,
        server: case.target_server.clone(),
        account: own.or_else(|| account(case)),
    };
    let answers = rows.map(|rows| row_answers(&rows.needs, &rows.questions, &rows.answers));
    let forecast = preflight::forecast(case, &options, &answers.unwrap_or_default())?;
    Ok(Some(forecast))
}

/// Says which rows could not be looked at.
pub(super) fn not_told(rows: &RowAnswers, findings: &mut Findings) {
    for why in not_answered(&rows.needs, &rows.questions, &rows.answers) {
        findings.skip(&UPGRADE_STOPS, Lack::of_promised(why));
    }
}

/// The newest release that the catalogue knows.
pub(super) fn newest(catalogue: &Catalogue) -> Option<Version> {
    let state = catalogue.states().last()?;
    Version::parse(state.last_release())
}

/// The account whose grants stand in a file.
fn account_of(file: &Path, case: &Case, common: &Common) -> Result<UpgradeAccount, Error> {
    let GrantsFile {
        granted,
        database,
        server,
    } = GrantsFile::read(file, common.database.as_deref())?;
    let known = case.target_server.clone();
    let known = known.or_else(|| case.snapshot.source.server_version.clone());
    let account = granted.account.as_ref();
    let (user, host) = account.map_or(("", None), |account| {
        (account.user.as_str(), account.host.as_deref())
    });
    Ok(UpgradeAccount {
        name: format!("'{user}'@'{}'", host.unwrap_or("%")),
        privileges: granted.on_database(&database, &Rules::of(known.unwrap_or(server))),
    })
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

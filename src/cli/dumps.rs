//! `cividb verify` and `cividb check`: dumps in, one report each.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::fleet::{Asked, Fleet, FleetOptions, duration};
use super::grants::for_upgrade;
use super::preflight;
use super::repair::target_release;
use super::rows::{RowAnswers, RowExaminer};
use super::{Common, ServerOptions, read, target_server};
use crate::case::Case;
use crate::change::error::ChangeError;
use crate::checks::grants::GRANT_MISSING;
use crate::checks::upgrade::UPGRADE_STOPS;
use crate::checks::{self, Examination, Lack, MaxAge, OtherSource, Privileges, Rows, against};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::integrity::ExportOptions;
use crate::integrity::server::Limits;
use crate::repair::guard;
use crate::report::{Layout, Report, Section};
use crate::server::reader;
use crate::server_version::ServerVersion;
use crate::settings::SettingsFacts;
use crate::snapshot::Snapshot;
use crate::source::Location;

#[derive(Debug, Args)]
pub struct Verify {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns, mydumper folders, or - for
    /// standard input
    #[arg(required_unless_present_any = ["sites", "discover"], value_name = "DUMP")]
    dumps: Vec<OsString>,
    /// Site that the dump was made of, to compare with: a server (mysql://user@host/database), a
    /// civicrm.settings.php, a site's folder, or another dump
    #[arg(long, value_name = "SOURCE")]
    against: Option<String>,
    /// Expect no CiviCRM tables in the dump; without this a dump without them is not a PASS
    #[arg(long)]
    no_civicrm: bool,
    #[command(flatten)]
    restore: Restore,
    #[command(flatten)]
    fleet: FleetOptions,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns such as 'sites/*/civicrm.settings.php',
    /// mydumper folders, - for standard input, servers (mysql://user@host/database),
    /// civicrm.settings.php or sites' folders
    #[arg(value_name = "SOURCE")]
    sources: Vec<OsString>,
    /// Leave out the rows: whether each has its parent, and what else `orphans` looks for
    #[arg(long)]
    no_rows: bool,
    /// Folder that stands for the root of the site's machine (/ on the machine itself): look whether the folders that its
    /// civicrm.settings.php names are there
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Release to upgrade to: whether its upgrade finds the server, the privileges, the rows and the
    /// version that it needs
    #[arg(long, value_name = "X.Y.Z")]
    target: Option<Version>,
    #[command(flatten)]
    restore: Restore,
    #[command(flatten)]
    fleet: FleetOptions,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, Args)]
struct Restore {
    /// Server that the dump is to be restored on, such as mysql-8.4 or mariadb-10.6; by default the
    /// one that the dump names
    #[arg(long, value_name = "NAME-VERSION", value_parser = target_server)]
    target_server: Option<ServerVersion>,
    /// Age from which a backup is too old, such as 26h or 7d: by the last line of the dump, or by when its
    /// file was last written to
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    max_age: Option<Duration>,
}

impl Verify {
    pub(super) fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        let access = self.server.access();
        let site = self.against.as_deref();
        let site = site.map(|site| Location::one(site, &access)).transpose()?;
        let report_on = move |asked: &Asked| {
            let snapshot = read(asked.location, common.database.as_deref(), common)?;
            let case = self.restore.case(snapshot, Catalogue::embedded()?);
            let site_of_backup = site.as_ref().map(|site| read_site(site, &case, common));
            let site_of_backup = site_of_backup.transpose()?;
            let name = site.as_ref().map(Location::name).unwrap_or_default();
            let mut examined = Examination::of(&case);
            examined.without_civicrm = self.no_civicrm;
            examined.max_age = self.restore.max_age();
            examined.site_of_backup = site_of_backup.as_ref().map(|snapshot| OtherSource {
                snapshot,
                name: &name,
            });
            let findings = common.examine(&examined, checks::VERIFY)?;
            let mut report = Report::new("verify", &case, findings, common.strict);
            report.compared_with = site.as_ref().map(Location::name);
            report.holds_until = self.restore.holds_until(&case);
            Ok(report)
        };
        let fleet = Fleet::new("verify", report_on);
        self.fleet
            .report_on_each(fleet, &self.dumps, &access, common)
    }
}

/// Reads the site that a backup was made of, and counts the rows of tables where an estimate is not
/// enough.
pub(super) fn read_site(
    site: &Location,
    backup: &Case,
    common: &Common,
) -> Result<Snapshot, Error> {
    let database = site.database(common.database.as_deref());
    let there = match site {
        Location::Server(server) => {
            let (mut connection, database) = server.connect(database)?;
            let mut there = server.read(&mut connection, &database)?;
            // What the storage engine guesses can be far off, so that doubtful tables are counted.
            let doubtful = against::doubtful(&backup.snapshot, &there);
            let counted = reader::count(&mut connection, doubtful.iter().copied())?;
            there.rows_estimated &= counted.len() < doubtful.len();
            there.row_counts.extend(counted);
            there
        }
        dump => dump
            .read(database, &mut |_| {})
            .map_err(Error::OtherSource)?,
    };
    if backup.site.is_some() && Site::of(&there, backup.catalogue).is_none() {
        return Err(Error::no_civicrm(site.name()));
    }
    Ok(there)
}

impl Check {
    pub(super) fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        let sources = self.fleet.arguments(&self.sources, &self.server)?;
        let access = self.server.access();
        if let Some(target) = &self.target {
            target_release(target, Catalogue::embedded()?)?;
        }
        let of_settings = self.server.access();
        let report_on = move |asked: &Asked| {
            let target = asked.target(self.target.as_ref())?;
            let location = asked.location;
            let read_case = |snapshot| {
                let case = self.restore.case(snapshot, Catalogue::embedded()?);
                let case = case.to_release(target.cloned());
                if let Some(target) = target {
                    guard::target(target, &case).map_err(ChangeError::from)?;
                }
                refuse_empty_database(&case).map(|()| case)
            };
            let mut settings = location.settings(&of_settings)?;
            let mut read_case = |mut snapshot| {
                location.read_cms(&mut snapshot, settings.as_ref());
                let case = read_case(snapshot)?;
                if let (Some(settings), Some(root)) = (&mut settings, &self.root) {
                    settings.look_below(root);
                    let stored = checks::stored_place(&case.snapshot, "extensionsDir");
                    let is_new = case.release().is_some_and(|it| it.major_minor() >= (4, 7));
                    settings.look_for_extensions(root, stored.as_deref(), is_new);
                }
                Ok::<_, Error>(case)
            };
            if self.no_rows {
                let case = read_case(read(location, common.database.as_deref(), common)?)?;
                return self.report(&case, None, settings.as_ref(), common);
            }
            let examiner = RowExaminer {
                catalogue: Catalogue::embedded()?,
                options: ExportOptions::default(),
                limits: Limits::default(),
            };
            let (snapshot, rows) = examiner.read(location, common)?;
            let case = read_case(snapshot)?;
            let answered = examiner.ask(&case, rows, common)?;
            let report = self.report(&case, Some(&answered), settings.as_ref(), common)?;
            Ok(report.with(Section::Integrity(answered.answers.statistics)))
        };
        let fleet = Fleet::new("check", report_on);
        self.fleet.report_on_each(fleet, &sources, &access, common)
    }
}

impl Check {
    /// The report on a source; where it is to be upgraded, with the privileges of the account on its server.
    fn report(
        &self,
        case: &Case,
        rows: Option<&RowAnswers>,
        settings: Option<&SettingsFacts>,
        common: &Common,
    ) -> Result<Report, Error> {
        let target = case.target_release.as_ref();
        let verdict = target.and_then(|target| for_upgrade(case, target));
        let mut examined = Examination::of(case);
        examined.rows = rows.map_or(Rows::LeftOut, RowAnswers::rows);
        examined.max_age = self.restore.max_age();
        examined.settings = settings;
        let forecast = preflight::forecast(case, rows, None)?;
        examined.forecast = forecast.as_ref();
        examined.privileges = verdict.as_ref().map(|verdict| Privileges {
            verdict,
            database: case.snapshot.database.as_deref().unwrap_or_default(),
        });
        let mut findings = common.examine(&examined, checks::CHECK)?;
        if target.is_some() && verdict.is_none() && case.snapshot.server.is_some() {
            let why = "the server does not answer SHOW GRANTS";
            findings.skip(&GRANT_MISSING, Lack::of_promised(why));
        }
        if target.is_some() && forecast.is_none() {
            findings.skip(&UPGRADE_STOPS, Lack::of_promised(preflight::CUT));
        }
        if let Some(rows) = rows.filter(|_| forecast.is_some()) {
            preflight::not_told(rows, &mut findings);
        }
        let mut report = Report::new("check", case, findings, common.strict);
        if let Some(forecast) = &forecast {
            let summary = preflight::summary(&examined, forecast, false, common)?;
            report = report.with(Section::Preflight(summary));
        }
        report.layout = Layout::ReleaseAndByCheck;
        report.holds_until = self.restore.holds_until(case);
        report.compared_with = target.map(|target| format!("CiviCRM {target}"));
        Ok(report)
    }
}

/// Refuses a database without tables: it is what a failed restore leaves, and not a site.
fn refuse_empty_database(case: &Case) -> Result<(), Error> {
    let snapshot = &case.snapshot;
    if snapshot.server.is_some() && snapshot.hidden.is_empty() && case.site.is_none() {
        return Err(Error::no_civicrm(snapshot.source.name.clone()));
    }
    Ok(())
}

impl Restore {
    fn case<'c>(&self, snapshot: Snapshot, catalogue: &'c Catalogue) -> Case<'c> {
        Case::new(snapshot, catalogue).to_server(self.target_server.clone())
    }

    fn max_age(&self) -> Option<MaxAge> {
        let now = SystemTime::now();
        self.max_age.map(|allowed| MaxAge { allowed, now })
    }

    /// When the backup becomes too old.
    fn holds_until(&self, case: &Case) -> Option<SystemTime> {
        self.max_age()?.becomes_old(&case.snapshot.source)
    }
}

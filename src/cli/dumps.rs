//! `cividb verify` and `cividb check`: dumps in, one report each.

use std::path::{Path, PathBuf};

use clap::Args;

use super::grants::for_upgrade;
use super::output::Output;
use super::preflight;
use super::repair::target_release;
use super::rows::{RowAnswers, RowExaminer};
use super::{Common, ServerOptions, read, target_server};
use crate::case::Case;
use crate::change::error::ChangeError;
use crate::checks::grants::GRANT_MISSING;
use crate::checks::{
    self, Examination, Findings, Lack, OtherSource, Privileges, Rows, against, pieces, wholeness,
};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::cli::error::Error;
use crate::dump::container::Problem;
use crate::exit::Exit;
use crate::integrity::ExportOptions;
use crate::integrity::server::Limits;
use crate::repair::guard;
use crate::report::{Layout, PreflightSummary, Report, Section};
use crate::server::login::url;
use crate::server::reader;
use crate::server_version::ServerVersion;
use crate::settings::SettingsFacts;
use crate::snapshot::Snapshot;
use crate::source::{Access, Location};

#[derive(Debug, Args)]
pub struct Verify {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns, mydumper folders, or - for
    /// standard input
    #[arg(required = true, value_name = "DUMP")]
    dumps: Vec<String>,
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
    server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Dump file (plain, gzip, bzip2, zstd, xz or zip), mydumper folder, - for standard
    /// input, server (mysql://user@host/database), civicrm.settings.php or site's folder
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
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
    server: ServerOptions,
}

#[derive(Debug, Args)]
struct Restore {
    /// Server that the dump is to be restored on, such as mysql-8.4 or mariadb-10.6; by default the
    /// one that the dump names
    #[arg(long, value_name = "NAME-VERSION", value_parser = target_server)]
    target_server: Option<ServerVersion>,
}

impl Verify {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let access = self.server.access();
        let site = self.against.as_deref();
        let site = site.map(|site| Location::one(site, &access)).transpose()?;
        let dumps = &self.dumps;
        report_on_each("verify", &catalogue, dumps, common, &access, |location| {
            let snapshot = read(location, common.database.as_deref(), common)?;
            let case = self.restore.case(snapshot, &catalogue);
            let site_of_backup = site.as_ref().map(|site| read_site(site, &case, common));
            let site_of_backup = site_of_backup.transpose()?;
            let name = site.as_ref().map(Location::name).unwrap_or_default();
            let mut examined = Examination::of(&case);
            examined.without_civicrm = self.no_civicrm;
            examined.site_of_backup = site_of_backup.as_ref().map(|snapshot| OtherSource {
                snapshot,
                name: &name,
            });
            let findings = common.examine(&examined, checks::VERIFY)?;
            let mut report = Report::new("verify", &case, findings, common.strict);
            report.compared_with = site.as_ref().map(Location::name);
            Ok(report)
        })
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
    if backup.site.is_some() && Site::of(&there).is_none() {
        return Err(Error::no_civicrm(site.name()));
    }
    Ok(there)
}

impl Check {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let source = self.server.source(self.source.as_deref())?;
        let source = std::slice::from_ref(&source);
        let access = self.server.access();
        if let Some(target) = &self.target {
            target_release(target, &catalogue)?;
        }
        report_on_each("check", &catalogue, source, common, &access, |location| {
            let read_case = |snapshot| {
                let case = self.restore.case(snapshot, &catalogue);
                let case = case.to_release(self.target.clone());
                if let Some(target) = &self.target {
                    guard::target(target, &case).map_err(ChangeError::from)?;
                }
                refuse_empty_database(&case).map(|()| case)
            };
            let mut settings = location.settings(&access)?;
            if let (Some(settings), Some(root)) = (&mut settings, &self.root) {
                settings.look_below(root);
            }
            if self.no_rows {
                let case = read_case(read(location, common.database.as_deref(), common)?)?;
                return self.report(&case, None, settings.as_ref(), common);
            }
            let examiner = RowExaminer {
                catalogue: &catalogue,
                options: ExportOptions::default(),
                limits: Limits::default(),
            };
            let (snapshot, rows) = examiner.read(location, common)?;
            let case = read_case(snapshot)?;
            let answered = examiner.ask(&case, rows, common)?;
            let report = self.report(&case, Some(&answered), settings.as_ref(), common)?;
            Ok(report.with(Section::Integrity(answered.answers.statistics)))
        })
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
        let verdict = self
            .target
            .as_ref()
            .and_then(|target| for_upgrade(case, target));
        let mut examined = Examination::of(case);
        examined.rows = rows.map_or(Rows::LeftOut, RowAnswers::rows);
        examined.settings = settings;
        let forecast = preflight::forecast(case, rows, None)?;
        examined.forecast = forecast.as_ref();
        examined.privileges = verdict.as_ref().map(|verdict| Privileges {
            verdict,
            database: case.snapshot.database.as_deref().unwrap_or_default(),
        });
        let mut findings = common.examine(&examined, checks::CHECK)?;
        if self.target.is_some() && verdict.is_none() && case.snapshot.server.is_some() {
            let why = "the server does not answer SHOW GRANTS";
            findings.skip(&GRANT_MISSING, Lack::of_promised(why));
        }
        if let Some(rows) = rows.filter(|_| forecast.is_some()) {
            preflight::not_told(rows, &mut findings);
        }
        let mut report = Report::new("check", case, findings, common.strict);
        if let Some(forecast) = &forecast {
            let summary = PreflightSummary::of(forecast, false);
            report = report.with(Section::Preflight(summary));
        }
        report.layout = Layout::ReleaseAndByCheck;
        let target = self.target.as_ref();
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
}

/// Reports on each source in turn. One that cannot be read does not keep the others from
/// being read: the result is then incomplete, and a failure only where none could be read.
pub(super) fn report_on_each(
    command: &'static str,
    catalogue: &Catalogue,
    arguments: &[String],
    common: &Common,
    access: &Access,
    report_on: impl Fn(&Location) -> Result<Report, Error>,
) -> Result<Exit, Error> {
    let mut locations = Vec::new();
    let mut unread = Vec::new();
    for argument in arguments {
        match Location::expand(argument, access) {
            Ok(found) => locations.extend(found),
            Err(error) => unread.push((url::without_password(argument), Error::from(error))),
        }
    }
    // A pattern may match several files, so its reports look alike however many it matches.
    let named_one =
        matches!((arguments, &locations[..]), ([argument], [one]) if one.name() == *argument);
    if let Some(path) = common.output.as_deref()
        && locations
            .iter()
            .any(|location| location.is(Path::new(path)))
    {
        return Err(Error::OutputIsSource(path.to_owned()));
    }
    let names: Vec<String> = locations.iter().map(Location::name).collect();
    for sentence in pieces::joined(names.iter().map(String::as_str)) {
        (access.warn)(&sentence);
    }
    let mut output = Output::new(common, !named_one);
    for (name, error) in unread {
        output.add_unread(command, &name, &error)?;
    }
    let mut worst = Exit::Fine;
    for location in locations {
        let report = match report_on(&location) {
            Ok(report) => report,
            Err(error) => {
                let Some(problem) = not_text(&error) else {
                    output.add_unread(command, &location.name(), &error)?;
                    continue;
                };
                let mut snapshot = Snapshot::default();
                snapshot.source.name = location.name();
                snapshot.source.container = "plain";
                let mut findings = Findings::default();
                findings.push(wholeness::not_text(problem, &location.name()));
                findings.retain(&common.selection());
                common.accept(&mut findings)?;
                let case = Case::new(snapshot, catalogue);
                Report::new(command, &case, findings, common.strict)
            }
        };
        worst = worst.worse(report.verdict().exit());
        output.add(&report)?;
    }
    worst = worst.worse(output.exit_of_unread());
    output.finish()?;
    Ok(worst)
}

/// Why a source is not text; `None` for any other error. It says something about the backup, and is
/// not a failure to look at it.
fn not_text(error: &Error) -> Option<&Problem> {
    match error {
        Error::Source(error) => error.not_text(),
        _ => None,
    }
}

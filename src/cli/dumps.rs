//! `cividb verify` and `cividb check`: dumps in, one report each.

use std::path::Path;

use clap::Args;

use super::output::Output;
use super::rows::Inquiry;
use super::{Common, ServerOptions, complain, read, target_server};
use crate::checks::table::{DUMP_ENCODING, DUMP_UNREADABLE, ORPHAN_ROWS};
use crate::checks::{self, Context, Finding, Findings, against};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::site::Site;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::integrity::Wish;
use crate::integrity::server::Pace;
use crate::report::Report;
use crate::server::login::url;
use crate::server::reader;
use crate::server_version::ServerVersion;
use crate::snapshot::{Snapshot, Source};
use crate::source::{Access, Location};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns, mydumper folders, or - for
    /// standard input
    #[arg(required = true, value_name = "DUMP")]
    dumps: Vec<String>,
    /// The site that the dump was made of, to compare with: a server (mysql://user@host/database),
    /// a civicrm.settings.php, a site's folder, or another dump
    #[arg(long, value_name = "SOURCE")]
    against: Option<String>,
    #[command(flatten)]
    restore: Restore,
    #[command(flatten)]
    server: ServerOptions,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A dump file (plain, gzip, bzip2, zstd, xz or zip), a mydumper folder, - for standard
    /// input, a server (mysql://user@host/database), a civicrm.settings.php or a site's folder
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
    /// Leave the rows out: whether each has its parent, and what else `orphans` looks for
    #[arg(long)]
    no_rows: bool,
    #[command(flatten)]
    restore: Restore,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, Args)]
struct Restore {
    /// The server it is to be restored on, such as mysql-8.4 or mariadb-10.6; by default the one
    /// that the dump names
    #[arg(long, value_name = "NAME-VERSION", value_parser = target_server)]
    target_server: Option<ServerVersion>,
}

impl Verify {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let context = self.restore.context(&catalogue);
        let access = self.server.access();
        let site = match &self.against {
            Some(site) => Some(Location::one(site, &access)?),
            None => None,
        };
        report_on_each("verify", &self.dumps, common, &access, |location| {
            let snapshot = read(location, common.database.as_deref(), common)?;
            let mut findings = checks::verify(&snapshot, &context);
            if let Some(site) = &site {
                compare_with(site, &snapshot, common, &mut findings)?;
            }
            let mut report = Report::new("verify", &snapshot, findings, common.strict);
            report.compared_with = site.as_ref().map(Location::name);
            Ok(report)
        })
    }
}

/// Adds what the site has and the backup of it has not.
fn compare_with(
    site: &Location,
    backup: &Snapshot,
    common: &Common,
    findings: &mut Findings,
) -> Result<(), Error> {
    let name = site.name();
    let database = site.database(common.database.as_deref());
    let there = match site {
        Location::Server(server) => {
            let (mut connection, database) = server.connect(database)?;
            let mut there = server.read(&mut connection, &database)?;
            // What the storage engine guesses can be far off, so that doubtful tables are counted.
            let doubtful = against::doubtful(backup, &there);
            let counted = reader::count(&mut connection, doubtful.iter().copied())?;
            there.rows_estimated &= counted.len() < doubtful.len();
            there.row_counts.extend(counted);
            there
        }
        dump => dump
            .read(database, &mut |_| {})
            .map_err(Error::OtherSource)?,
    };
    if Site::of(backup).is_some() && Site::of(&there).is_none() {
        return Err(Error::NoCivicrm { name });
    }
    against::objects(backup, &there, &name, findings);
    against::rows(backup, &there, &name, findings);
    findings.sort();
    Ok(())
}

impl Check {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        let context = self.restore.context(&catalogue);
        let source = self.server.source(self.source.as_deref())?;
        let source = std::slice::from_ref(&source);
        let access = self.server.access();
        report_on_each("check", source, common, &access, |location| {
            if self.no_rows {
                let snapshot = read(location, common.database.as_deref(), common)?;
                let mut findings = check(&snapshot, &context)?;
                findings.skip(&ORPHAN_ROWS, "whether the rows are sound, for --no-rows");
                return Ok(Report::new("check", &snapshot, findings, common.strict));
            }
            let inquiry = Inquiry {
                catalogue: &catalogue,
                target: None,
                wish: Wish::default(),
                pace: Pace::default(),
            };
            let source = inquiry.read(location, common)?;
            let mut findings = check(source.snapshot(), &context)?;
            let inquired = inquiry.ask(source, common)?;
            let effort = inquired.judge(&mut findings);
            findings.sort();
            let mut report = Report::new("check", &inquired.snapshot, findings, common.strict);
            report.effort = Some(effort);
            Ok(report)
        })
    }
}

/// All checks but those of rows.
fn check(snapshot: &Snapshot, context: &Context) -> Result<Findings, Error> {
    // An empty database is what a failed restore leaves, and no site.
    let is_site = Site::of(snapshot).is_some();
    if snapshot.server.is_some() && snapshot.hidden.is_empty() && !is_site {
        return Err(Error::NoCivicrm {
            name: snapshot.source.name.clone(),
        });
    }
    Ok(checks::check(snapshot, context))
}

impl Restore {
    fn context<'a>(&self, catalogue: &'a Catalogue) -> Context<'a> {
        Context {
            target: self.target_server.clone(),
            catalogue: Some(catalogue),
        }
    }
}

/// Reports on each source in turn. One that cannot be read does not keep the others from
/// being read; the worst exit code of all is returned.
pub(super) fn report_on_each(
    command: &'static str,
    arguments: &[String],
    common: &Common,
    access: &Access,
    report_on: impl Fn(&Location) -> Result<Report, Error>,
) -> Result<Exit, Error> {
    let mut worst = Exit::Fine;
    let mut locations = Vec::new();
    let mut unread = Vec::new();
    for argument in arguments {
        match Location::expand(argument, access) {
            Ok(found) => locations.extend(found),
            Err(error) => {
                complain(&error.into());
                worst = Exit::Failure;
                unread.push(url::without_password(argument));
            }
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
    let mut output = Output::new(common, !named_one);
    for name in unread {
        output.add_unread(name);
    }
    for location in locations {
        let report = match report_on(&location) {
            Ok(report) => report,
            Err(error) => match not_text(&error) {
                Some(finding) => {
                    let snapshot = Snapshot {
                        source: Source {
                            name: location.name(),
                            container: "plain",
                            ..Source::default()
                        },
                        ..Snapshot::default()
                    };
                    let mut findings = Findings::default();
                    findings.push(finding);
                    Report::new(command, &snapshot, findings, common.strict)
                }
                None => {
                    complain(&error);
                    worst = Exit::Failure;
                    output.add_unread(location.name());
                    continue;
                }
            },
        };
        worst = worst.max(report.exit());
        output.add(report)?;
    }
    output.finish()?;
    Ok(worst)
}

/// A file that is no text is a finding about the backup, not a failure to look at it.
fn not_text(error: &Error) -> Option<Finding> {
    use crate::dump::container::Problem;
    let Error::Source(error) = error else {
        return None;
    };
    let problem = error.not_text()?;
    let check = match problem {
        Problem::OnlyNul(_) => &DUMP_UNREADABLE,
        _ => &DUMP_ENCODING,
    };
    let fix = match problem {
        Problem::WideText(_) => "Make the backup again, with --result-file instead of >.",
        Problem::Foreign { .. } => "Look whether this is the right file.",
        _ => {
            "Fetch the file again from where it was made; if it is the same there, make the backup again."
        }
    };
    Some(Finding::new(check, format!("it {problem}"), fix))
}

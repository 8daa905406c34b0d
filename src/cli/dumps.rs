//! `cividb verify` and `cividb check`: dumps in, one report each.

use clap::Args;

use super::output::Output;
use super::progress::Bar;
use super::{Common, complain, target_server};
use crate::checks::table::{DUMP_ENCODING, DUMP_UNREADABLE};
use crate::checks::{self, Context, Finding, Findings};
use crate::civicrm::catalogue::Catalogue;
use crate::error::{Error, Exit};
use crate::report::Report;
use crate::server_version::ServerVersion;
use crate::snapshot::{Snapshot, Source};
use crate::source::{Location, SourceError};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns, mydumper folders, or - for
    /// standard input
    #[arg(required = true, value_name = "DUMP")]
    dumps: Vec<String>,
    #[command(flatten)]
    restore: Restore,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A dump file (plain, gzip, bzip2, zstd, xz or zip), a mydumper folder, or - for standard input
    #[arg(value_name = "SOURCE")]
    source: String,
    #[command(flatten)]
    restore: Restore,
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
        let command = ("verify", checks::verify as Examine);
        examine_all(command, &self.dumps, &self.restore, common)
    }
}

impl Check {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let sources = std::slice::from_ref(&self.source);
        let command = ("check", checks::check as Examine);
        examine_all(command, sources, &self.restore, common)
    }
}

/// Makes all checks of a command.
type Examine = fn(&Snapshot, &Context) -> Findings;

/// Reports on each source in turn. One that cannot be read does not keep the others from
/// being read; the worst exit code of all is returned.
fn examine_all(
    (command, examine): (&'static str, Examine),
    arguments: &[String],
    restore: &Restore,
    common: &Common,
) -> Result<Exit, Error> {
    let catalogue = Catalogue::embedded()?;
    let context = Context {
        target: restore.target_server.clone(),
        catalogue: Some(&catalogue),
    };
    let mut worst = Exit::Fine;
    let mut locations = Vec::new();
    for argument in arguments {
        match Location::expand(argument) {
            Ok(found) => locations.extend(found),
            Err(error) => {
                complain(&error.into());
                worst = Exit::Failure;
            }
        }
    }
    let mut output = Output::new(common, arguments.len() > 1 || locations.len() > 1);
    for location in locations {
        let mut bar = Bar::new(common, &location.name());
        let read = location.read(common.database.as_deref(), &mut |progress| {
            bar.update(progress)
        });
        bar.finish();
        let report = match read {
            Ok(snapshot) => {
                let findings = examine(&snapshot, &context);
                Report::new(command, &snapshot, findings, common.strict)
            }
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
                    complain(&error.into());
                    worst = Exit::Failure;
                    continue;
                }
            },
        };
        let exit = if report.passes() {
            Exit::Fine
        } else {
            Exit::Findings
        };
        worst = worst.max(exit);
        output.add(report)?;
    }
    output.finish()?;
    Ok(worst)
}

/// A file that is no text is a finding about the backup, not a failure to look at it.
fn not_text(error: &SourceError) -> Option<Finding> {
    use crate::dump::container::Problem;
    let problem = error.not_text()?;
    let check = match problem {
        Problem::OnlyNul(_) => &DUMP_UNREADABLE,
        _ => &DUMP_ENCODING,
    };
    Some(Finding::new(
        check,
        format!("it {problem}"),
        "Make the backup again, with --result-file instead of > on Windows.",
    ))
}

//! The command line: arguments in, exit code out. One file per command.

mod arguments;
mod build;
mod compare;
mod completions;
mod config;
mod confirm;
mod diff;
mod dumps;
pub mod error;
mod explain;
mod extract;
mod fleet;
mod grants;
mod journals;
mod orphans;
mod output;
mod pager;
mod preflight;
mod preset;
mod process_title;
mod progress;
mod reference;
mod rehearse;
mod repair;
mod rollback;
mod rows;
mod runbook;
mod servers;
mod signals;
mod spool;
mod statement;
mod undo;
mod version;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::output::{Entry, Output};
use self::progress::Bar;
use self::servers::ServerOptions;
use crate::checks::{Examination, Findings, Group, Selection, acceptance, examine, registry};
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::report::render::Unread;
use crate::server_version::ServerVersion;
use crate::snapshot::Snapshot;
use crate::source::Location;

/// Verify, compare and repair the MySQL and MariaDB databases of CiviCRM sites.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

const EXIT_CODES: &str = "\
Options can also be given by environment variables, such as CIVIDB_FORMAT=json, and in cividb.toml.

Exit codes:
  0  nothing wrong (notes and warnings allowed; with --strict warnings count)
  1  findings that count; of repair, something to do or left to do
  2  the command could not do its work: unreadable source, no connection, bad arguments
  3  nothing wrong was found, but part of what the command promises could not be looked at";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check whether a backup is complete and can be restored
    Verify(dumps::Verify),
    /// Check everything that can be checked of a source
    Check(dumps::Check),
    /// Run an upgrade on paper: will it stop, in which step, with which error, and what mends it before
    Preflight(preflight::Preflight),
    /// Write the upgrade guide for this very site: the steps in order, with the commands, and what is done already
    Runbook(runbook::Runbook),
    /// Restore a backup on a private server that is thrown away, and prove that it works
    Rehearse(Box<rehearse::Rehearse>),
    /// Show what civicrm_domain.version says and what it should say, and set it
    Version(version::Version),
    /// Check whether an account may run the upgrade or make a complete backup, and which GRANT is
    /// missing
    Grants(grants::Grants),
    /// Repair names of foreign keys, missing foreign keys and indexes, engines and character sets
    Repair(repair::Repair),
    /// Take back what a command with --apply changed, from the journal that it wrote
    Undo(undo::Undo),
    /// Look for rows that stop upgrades: orphans, duplicates, NULLs and dates
    Orphans(orphans::Orphans),
    /// Take CiviCRM's part, or the CMS's, out of a dump, and make a dump fit for another server
    Extract(extract::Extract),
    /// Go back to a backup: put CiviCRM's tables of a dump in the place of the site's, and leave those of the CMS alone
    Rollback(Box<rollback::Rollback>),
    /// Explain an error message or the errors in a log, or what a check looks for and what to do about it
    Explain(explain::Explain),
    /// List and show the schemas of CiviCRM's releases, and import one of your own
    #[command(subcommand)]
    Reference(reference::Reference),
    /// Compare a schema with its CiviCRM release, or with another source
    Diff(diff::Diff),
    /// Compare the contents of two sources row by row, through a restore, a move or an upgrade
    Compare(compare::Compare),
    /// Print a script that lets a shell complete the commands and options of cividb
    Completions(completions::Completions),
}

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
struct Common {
    /// How to print the report
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the report to FILE instead of standard output
    #[arg(long, global = true, value_name = "FILE")]
    output: Option<String>,
    /// Database to look at, when the source holds several
    #[arg(long, global = true, value_name = "NAME")]
    database: Option<String>,
    /// Count warnings as errors
    #[arg(long, global = true)]
    strict: bool,
    /// Print the verdict only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print all findings, and the rows of each table
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Make these checks alone, by their ids: --only fk-name,fk-missing
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',', value_parser = check_name)]
    only: Vec<String>,
    /// Leave these checks out, by their ids
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',', value_parser = check_id)]
    skip: Vec<&'static str>,
    /// Read accepted findings and options from FILE instead of cividb.toml
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Break the lines of the report for people at so many columns; what is to be pasted stays whole
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    width: Option<u16>,
    /// Show the report for people with $PAGER (less), where standard output is a terminal
    #[arg(long, global = true)]
    pager: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Show no progress bar
    #[arg(long, global = true)]
    no_progress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs: an object, of several sources one a line
    Json,
    /// For spreadsheets: a line a finding
    Csv,
    /// For CI systems: JUnit XML
    Junit,
    /// For the textfile collector of Prometheus
    Prometheus,
    /// For Nagios and Icinga: one line, and the exit code of a plugin
    Nagios,
    /// For tickets
    Markdown,
    /// A page to look at and to share, in one file
    Html,
}

impl Format {
    /// The word that the option takes.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// Use colour on a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

impl Common {
    /// Runs the rules of these groups, of the checks that the user wants, and marks the findings that are
    /// accepted.
    fn examine(&self, examined: &Examination, groups: &[Group]) -> Result<Findings, Error> {
        let mut findings = examine(examined, groups, &self.selection());
        self.accept(&mut findings)?;
        Ok(findings)
    }

    /// Marks the findings that `cividb.toml` accepts, and sorts all.
    fn accept(&self, findings: &mut Findings) -> Result<(), Error> {
        let list = config::accepted(self.config.as_deref())?;
        acceptance::accept(findings, &list, acceptance::today());
        Ok(())
    }

    /// The checks that the user wants.
    fn selection(&self) -> Selection {
        Selection {
            only: self
                .only
                .iter()
                .filter_map(|id| check_id(id).ok())
                .collect(),
            skip: self.skip.clone(),
        }
    }
}

fn check_id(text: &str) -> Result<&'static str, String> {
    let check = registry::find(text);
    check
        .map(|check| check.id)
        .ok_or_else(|| "this is not the id of a check; `cividb explain` lists all ids".to_owned())
}

/// The id of a check as text: `extract` has an option of the same name, which takes other words.
fn check_name(text: &str) -> Result<String, String> {
    check_id(text).map(str::to_owned)
}

fn target_server(text: &str) -> Result<ServerVersion, String> {
    ServerVersion::parse_target(text)
}

impl Cli {
    /// Tells programs why a command was refused.
    fn refuse(&self, message: &str, refusal: Option<&str>) {
        let (command, source) = match &self.command {
            Command::Version(arguments) => ("version", arguments.sources.first()),
            Command::Grants(arguments) => ("grants", arguments.source.as_ref()),
            Command::Repair(arguments) => ("repair", arguments.source.as_ref()),
            Command::Undo(arguments) => ("undo", arguments.source.as_ref()),
            Command::Rollback(arguments) => ("rollback", arguments.named().as_ref()),
            // All others only read.
            _ => return,
        };
        if self.common.format != Format::Json || refusal.is_none() {
            return;
        }
        let source = source.map_or("", String::as_str);
        let renderer = output::renderer(&self.common, true);
        let name = process_title::without_password(source.as_ref());
        let unread = Unread {
            command,
            name: &name.to_string_lossy(),
            site: None,
            message,
            refusal,
        };
        let entry = Entry::unread(0, &unread, &*renderer);
        // It stands on standard error already.
        let _ = Output::new(&self.common, renderer).and_then(|mut output| {
            output.add(entry)?;
            output.finish()
        });
    }
}

/// Runs the command that the process's arguments name.
pub fn run() -> Exit {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    // Where it cannot be done the password stays visible for as long as the process runs.
    if process_title::hide_passwords().is_err() {
        tell("warning: a password in an argument stays visible to other users of this machine");
    }
    let cli = match arguments::parse(&mut arguments) {
        // A source that hangs may be worked on for as long as the program runs.
        Ok(cli) => &*Box::leak(Box::new(cli)),
        Err(Exit::Failure) if asks_for_plugin(&arguments) => {
            return Output::unknown("the arguments are wrong");
        }
        Err(exit) => return exit,
    };
    crate::server::watch::tell_with(tell);
    let result = match &cli.command {
        Command::Verify(arguments) => arguments.run(&cli.common),
        Command::Check(arguments) => arguments.run(&cli.common),
        Command::Version(arguments) => arguments.run(&cli.common),
        Command::Grants(arguments) => arguments.run(&cli.common),
        Command::Repair(arguments) => arguments.run(&cli.common),
        Command::Undo(arguments) => arguments.run(&cli.common),
        Command::Preflight(arguments) => arguments.run(&cli.common),
        Command::Runbook(arguments) => arguments.run(&cli.common),
        Command::Rehearse(arguments) => arguments.run(&cli.common),
        Command::Orphans(arguments) => arguments.run(&cli.common),
        Command::Reference(arguments) => arguments.run(&cli.common),
        Command::Diff(arguments) => arguments.run(&cli.common),
        Command::Compare(arguments) => arguments.run(&cli.common),
        Command::Extract(arguments) => arguments.run(&cli.common),
        Command::Rollback(arguments) => arguments.run(&cli.common),
        Command::Explain(arguments) => arguments.run(&cli.common),
        Command::Completions(arguments) => arguments.run(&cli.common),
    };
    match result {
        Ok(exit) => exit,
        // The reader of a pipe has seen enough.
        Err(Error::Output { path: None, error }) if error.kind() == io::ErrorKind::BrokenPipe => {
            Exit::Fine
        }
        Err(error) => {
            // One that takes an argument for something else than a URL quotes it as it is.
            let arguments = arguments.iter().filter_map(|argument| argument.to_str());
            let message = arguments.fold(error.to_string(), |message, argument| {
                let hidden = process_title::without_password(argument.as_ref());
                message.replace(argument, &hidden.to_string_lossy())
            });
            tell(&message);
            cli.refuse(&message, error.refusal());
            match cli.common.format {
                Format::Nagios => Output::unknown(&message),
                _ => Exit::Failure,
            }
        }
    }
}

/// Whether arguments that are wrong otherwise, or the environment, ask for the line and the exit code of a plugin.
fn asks_for_plugin(arguments: &[OsString]) -> bool {
    if std::env::var_os("CIVIDB_FORMAT").is_some_and(|format| format == "nagios") {
        return true;
    }
    let pairs = arguments.windows(2);
    let mut in_two = pairs.map(|pair| pair == ["--format", "nagios"]);
    in_two.any(|is| is) || arguments.iter().any(|given| given == "--format=nagios")
}

/// Reads a source, with a progress bar.
fn read(location: &Location, database: Option<&str>, common: &Common) -> Result<Snapshot, Error> {
    let mut bar = Bar::new(common, &location.name());
    let read = location.read(database, &mut |progress| bar.update(progress));
    bar.finish();
    Ok(read?)
}

/// Prints a message on standard error, where it does not get into a report.
fn tell(message: &str) {
    for line in message.lines() {
        let text = crate::text::printable(line);
        // Nothing can be done when even this cannot be printed.
        let _ = writeln!(io::stderr(), "cividb: {text}");
    }
}

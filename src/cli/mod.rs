//! The command line: arguments in, exit code out. One file per command.

mod arguments;
mod build;
mod common;
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
mod run;
mod runbook;
mod servers;
mod signals;
mod spool;
mod statement;
mod tell;
mod undo;
mod version;

use clap::{Parser, Subcommand};

use self::common::{Color, Common, Format, check_id, target_server};
use self::progress::read;
use self::servers::ServerOptions;
use self::tell::tell;
use crate::cli::error::Error;
use crate::exit::Exit;

pub use self::run::run;

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

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// It could not do its work.
    fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        match self {
            Self::Verify(arguments) => arguments.run(common),
            Self::Check(arguments) => arguments.run(common),
            Self::Version(arguments) => arguments.run(common),
            Self::Grants(arguments) => arguments.run(common),
            Self::Repair(arguments) => arguments.run(common),
            Self::Undo(arguments) => arguments.run(common),
            Self::Preflight(arguments) => arguments.run(common),
            Self::Runbook(arguments) => arguments.run(common),
            Self::Rehearse(arguments) => arguments.run(common),
            Self::Orphans(arguments) => arguments.run(common),
            Self::Reference(arguments) => arguments.run(common),
            Self::Diff(arguments) => arguments.run(common),
            Self::Compare(arguments) => arguments.run(common),
            Self::Extract(arguments) => arguments.run(common),
            Self::Rollback(arguments) => arguments.run(common),
            Self::Explain(arguments) => arguments.run(common),
            Self::Completions(arguments) => arguments.run(common),
        }
    }
}

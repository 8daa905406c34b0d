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
mod selection;
mod servers;
mod signals;
mod spool;
mod statement;
mod tell;
mod undo;
mod version;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser};

use self::common::{Color, Common, Format, check_id, target_server};
use self::progress::read;
use self::servers::ServerOptions;
use self::tell::tell;
use crate::cli::error::Error;
use crate::exit::Exit;

pub use self::run::run;

/// Verify, compare and repair the MySQL and MariaDB databases of CiviCRM sites.
#[derive(Debug)]
pub struct Cli {
    /// The command to run.
    command: Command,
    common: Common,
}

impl Cli {
    /// Reads arguments of which the second names the command, as of all that scripts give; `None` where it does not, and
    /// where something is wrong with them. The options of all commands take longer to put together than a small dump to read,
    /// so that those of other commands are left out.
    fn of_command_first(arguments: &[OsString]) -> Option<Self> {
        let name = arguments.get(1)?.to_str()?;
        if !Command::has_subcommand(name) {
            return None;
        }
        let program = program(|command| command == name);
        let matches = program.try_get_matches_from(arguments).ok()?;
        Self::from_arg_matches(&matches).ok()
    }
}

impl Parser for Cli {}

impl CommandFactory for Cli {
    fn command() -> clap::Command {
        program(|_| true)
    }

    fn command_for_update() -> clap::Command {
        Self::command()
    }
}

impl FromArgMatches for Cli {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            command: Command::from_arg_matches(matches)?,
            common: Common::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The program with those commands whose names `is_wanted` says yes to.
fn program(is_wanted: impl Fn(&str) -> bool) -> clap::Command {
    let program = clap::Command::new(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Verify, compare and repair the MySQL and MariaDB databases of CiviCRM sites")
        .max_term_width(100)
        .after_help(EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true);
    Common::augment_args(program).subcommands(Command::subcommands(is_wanted))
}

const EXIT_CODES: &str = "\
Options can also be given by environment variables, such as CIVIDB_FORMAT=json, and in cividb.toml.

Exit codes:
  0  nothing wrong (notes and warnings allowed; with --strict warnings count)
  1  findings that count; of repair, something to do or left to do
  2  the command could not do its work: unreadable source, no connection, bad arguments
  3  nothing wrong was found, but part of what the command promises could not be looked at";

/// Makes the enum of all commands, and their options one by one, which `derive(Subcommand)` makes all at once.
macro_rules! commands {
    ($($(#[doc = $about:literal])+ $name:literal => $variant:ident($arguments:ty),)+) => {
        #[derive(Debug)]
        enum Command {
            $($(#[doc = $about])+ $variant(Box<$arguments>),)+
        }

        impl Command {
            /// Runs the command.
            ///
            /// # Errors
            /// It could not do its work.
            fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
                match self {
                    $(Self::$variant(arguments) => arguments.run(common),)+
                }
            }

            fn has_subcommand(name: &str) -> bool {
                [$($name),+].contains(&name)
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// The commands whose names `is_wanted` says yes to, with their options.
            fn subcommands(is_wanted: impl Fn(&str) -> bool) -> Vec<clap::Command> {
                let mut commands = Vec::new();
                $(if is_wanted($name) {
                    let about = concat!($($about),+).trim_start();
                    let command = <$arguments as Args>::augment_args(clap::Command::new($name));
                    // In the place of what describes the options.
                    commands.push(command.about(about).long_about(None));
                })+
                commands
            }
        }

        impl FromArgMatches for Command {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                match matches.subcommand() {
                    $(Some(($name, matches)) => {
                        let arguments = <$arguments>::from_arg_matches(matches)?;
                        Ok(Self::$variant(Box::new(arguments)))
                    })+
                    _ => Err(clap::Error::new(ErrorKind::MissingSubcommand)),
                }
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

commands! {
    /// Check whether a backup is complete and can be restored
    "verify" => Verify(dumps::Verify),
    /// Check everything that can be checked of a source
    "check" => Check(dumps::Check),
    /// Run an upgrade on paper: will it stop, in which step, with which error, and what mends it before
    "preflight" => Preflight(preflight::Preflight),
    /// Write the upgrade guide for this very site: the steps in order, with the commands, and what is done already
    "runbook" => Runbook(runbook::Runbook),
    /// Restore a backup on a private server that is thrown away, and prove that it works
    "rehearse" => Rehearse(rehearse::Rehearse),
    /// Show what civicrm_domain.version says and what it should say, and set it
    "version" => Version(version::Version),
    /// Check whether an account may run the upgrade or make a complete backup, and which GRANT is
    /// missing
    "grants" => Grants(grants::Grants),
    /// Repair names of foreign keys, missing foreign keys and indexes, engines and character sets
    "repair" => Repair(repair::Repair),
    /// Take back what a command with --apply changed, from the journal that it wrote
    "undo" => Undo(undo::Undo),
    /// Look for rows that stop upgrades: orphans, duplicates, NULLs and dates
    "orphans" => Orphans(orphans::Orphans),
    /// Take CiviCRM's part, or the CMS's, out of a dump, and make a dump fit for another server
    "extract" => Extract(extract::Extract),
    /// Go back to a backup: put CiviCRM's tables of a dump in the place of the site's, and leave those of the CMS alone
    "rollback" => Rollback(rollback::Rollback),
    /// Explain an error message or the errors in a log, or what a check looks for and what to do about it
    "explain" => Explain(explain::Explain),
    /// List and show the schemas of CiviCRM's releases, and import one of your own
    "reference" => Reference(reference::Reference),
    /// Compare a schema with its CiviCRM release, or with another source
    "diff" => Diff(diff::Diff),
    /// Compare the contents of two sources row by row, through a restore, a move or an upgrade
    "compare" => Compare(compare::Compare),
    /// Print a script that lets a shell complete the commands and options of cividb
    "completions" => Completions(completions::Completions),
}

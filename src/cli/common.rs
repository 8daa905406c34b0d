//! The options of all commands.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::config;
use super::error::Error;
use super::selection::NotMade;
use crate::checks::{Examination, Findings, Group, Selection, acceptance, examine, registry};
use crate::server_version::ServerVersion;

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(super) struct Common {
    /// How to print the report
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// Write the report to FILE instead of standard output
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) output: Option<String>,
    /// Database to look at, when the source holds several
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) database: Option<String>,
    /// Count warnings as errors
    #[arg(long, global = true)]
    pub(super) strict: bool,
    /// Print the verdict only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print all findings, and the rows of each table
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Make these checks alone, by their ids: --only fk-name,fk-missing
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',', value_parser = check_name)]
    pub(super) only: Vec<String>,
    /// Leave these checks out, by their ids
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',', value_parser = check_id)]
    pub(super) skip: Vec<&'static str>,
    /// Read accepted findings and options from FILE instead of cividb.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Break the lines of the report for people at so many columns; what is to be pasted stays whole
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..))]
    pub(super) width: Option<u16>,
    /// Show the report for people with $PAGER (less), where standard output is a terminal
    #[arg(long, global = true)]
    pub(super) pager: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Show no progress bar
    #[arg(long, global = true)]
    pub(super) no_progress: bool,
    /// The checks of `--only` that the command does not make.
    #[arg(skip)]
    pub(super) not_made: Vec<NotMade>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
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
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// Use colour on a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

impl Common {
    /// Runs the rules of these groups, of the checks that the user wants, and marks the findings that are
    /// accepted.
    pub(super) fn examine(
        &self,
        examined: &Examination,
        groups: &[Group],
    ) -> Result<Findings, Error> {
        let wanted = self.selection();
        let mut findings = self.examine_part(examined, groups)?;
        for (check, lack) in &self.not_made {
            findings.skip(check, lack.clone());
        }
        // Who names checks alone and gets none of them has no answer.
        if !wanted.only.is_empty()
            && !registry::say_what_does_not_apply(&wanted, groups, examined, &mut findings)
        {
            let not_checked = findings.not_checked.iter_mut();
            not_checked.for_each(|skipped| skipped.incomplete = true);
        }
        Ok(findings)
    }

    /// The same for a command that looks at its source in several forms, of which one tells what another does not.
    pub(super) fn examine_part(
        &self,
        examined: &Examination,
        groups: &[Group],
    ) -> Result<Findings, Error> {
        let mut findings = examine(examined, groups, &self.selection());
        self.accept(&mut findings)?;
        Ok(findings)
    }

    /// Marks the findings that `cividb.toml` accepts, and sorts all.
    pub(super) fn accept(&self, findings: &mut Findings) -> Result<(), Error> {
        let list = config::accepted(self.config.as_deref())?;
        acceptance::accept(findings, &list, acceptance::today());
        Ok(())
    }

    /// The checks that the user wants.
    pub(super) fn selection(&self) -> Selection {
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

/// The id of the check of this name, for an option.
///
/// # Errors
/// It is not the id of a check.
pub(super) fn check_id(text: &str) -> Result<&'static str, String> {
    let check = registry::find(text);
    check
        .map(|check| check.id)
        .ok_or_else(|| "this is not the id of a check; `cividb explain` lists all ids".to_owned())
}

/// The id of a check as text: `extract` has an option of the same name, which takes other words.
fn check_name(text: &str) -> Result<String, String> {
    check_id(text).map(str::to_owned)
}

/// A server to which something goes, for an option.
///
/// # Errors
/// It is not the name of a server with its version.
pub(super) fn target_server(text: &str) -> Result<ServerVersion, String> {
    ServerVersion::parse_target(text)
}

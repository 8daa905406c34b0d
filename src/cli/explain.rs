//! `cividb explain`: what a check looks for, why that matters, and what to do about a finding; and what error
//! messages mean.

mod messages;

use std::path::{Path, PathBuf};

use clap::Args;
use rustix::fs::{FileType, fstat};
use serde_json::{Value, json};

use self::messages::Input;
use super::error::Error;
use super::output::print;
use super::{Common, Format, ServerOptions, check_id};
use crate::checks::registry;
use crate::checks::{Check, commands_of};
use crate::civicrm::release::Version;
use crate::exit::Exit;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Explain {
    /// Ids of checks, such as fk-name; or an error message; or a log file (- for standard input). Without any, the log
    /// that is redirected to standard input, or else the list of all checks
    #[arg(value_name = "ID|MESSAGE|LOGFILE")]
    what: Vec<String>,
    /// Look which cause of a message this database has: a dump, a server (mysql://user@host/database), a
    /// civicrm.settings.php or a site's folder
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Release that the upgrade leads to, for messages of an upgrade: its steps are looked at as well
    #[arg(long, value_name = "X.Y.Z", requires = "source")]
    target: Option<Version>,
    #[command(flatten)]
    server: ServerOptions,
}

const AFTER_HELP: &str = "\
A log is read as a stream, also a compressed one. Its values are not shown: only names of tables, columns and keys.

Exit codes:
  0  every message is known, or no error message stands in the log; with --source, none of the causes is there
  1  with --source: a cause was found that counts as an error
  2  the command could not do its work: unreadable log or source, bad arguments
  3  a message is not known, or with --source some of its causes could not be looked at";

/// What the arguments name.
enum Asked {
    /// Checks; all where there is none.
    Checks(Vec<&'static Check>),
    /// Messages.
    Messages(Input),
}

impl Explain {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        match self.asked()? {
            Asked::Checks(_) if self.source.is_some() => Err(Error::Unfit(
                "--source".to_owned(),
                "name a message or a log whose causes are to be looked for".to_owned(),
            )),
            Asked::Checks(checks) => self.explain_checks(checks, common),
            Asked::Messages(input) => self.explain_messages(&input, common),
        }
    }

    /// What the arguments name. Whoever names a check means it, also where a file is named so.
    fn asked(&self) -> Result<Asked, Error> {
        let is_log = |path: &str| Path::new(path).exists();
        let checks: Vec<&Check> = self
            .what
            .iter()
            .filter_map(|id| registry::find(id))
            .collect();
        match &self.what[..] {
            [] if stdin_is_file() => Ok(Asked::Messages(Input::Stdin)),
            all if checks.len() == all.len() => Ok(Asked::Checks(checks)),
            [one] if one == "-" => Ok(Asked::Messages(Input::Stdin)),
            [one] if is_log(one) => Ok(Asked::Messages(Input::Log(PathBuf::from(one)))),
            [one] if is_path(one) => {
                let why = "there is no such file; put a message in quotes".to_owned();
                Err(Error::Unfit(one.clone(), why))
            }
            all => match all
                .iter()
                .find(|word| is_id(word) && registry::find(word).is_none())
            {
                // A message has blanks, or one word that no id looks like.
                Some(word) if all.iter().all(|word| is_id(word)) => {
                    let why = check_id(word).err().unwrap_or_default();
                    Err(Error::Unfit(word.clone(), why))
                }
                _ => Ok(Asked::Messages(Input::Message(all.join(" ")))),
            },
        }
    }

    fn explain_checks(&self, named: Vec<&'static Check>, common: &Common) -> Result<Exit, Error> {
        let checks: Vec<&Check> = match named.is_empty() {
            true => registry::checks().collect(),
            false => named,
        };
        let text = match common.format {
            Format::Json => {
                let checks: Vec<Value> = checks.iter().map(|check| as_json(check)).collect();
                format!("{:#}\n", json!({"report_version": 1, "checks": checks}))
            }
            Format::Human if self.what.is_empty() => list(&checks),
            Format::Human => {
                let pages: Vec<String> = checks.iter().map(|check| page(check)).collect();
                pages.join("\n")
            }
            other => {
                let instead = "it prints text, or JSON with --format json";
                return Err(Error::NoFormat("explain", other.name(), instead));
            }
        };
        print(common, &text)?;
        Ok(Exit::Fine)
    }
}

/// Whether standard input is a file that was redirected: a terminal or an open pipe may never end, and `explain` alone
/// lists the checks.
fn stdin_is_file() -> bool {
    let kind = fstat(std::io::stdin()).map(|stat| FileType::from_raw_mode(stat.st_mode));
    kind.is_ok_and(|kind| kind == FileType::RegularFile)
}

/// Whether a word looks like the path of a log.
fn is_path(word: &str) -> bool {
    let ends = [".log", ".log.gz", ".log.bz2", ".log.xz", ".log.zst", ".txt"];
    !word.contains(char::is_whitespace)
        && (word.contains('/') || ends.iter().any(|end| word.ends_with(end)))
}

/// Whether a word looks like the id of a check.
fn is_id(word: &str) -> bool {
    let is_of_id = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    word.contains('-') && word.bytes().all(is_of_id)
}

fn list(checks: &[&Check]) -> String {
    let width = checks.iter().map(|check| check.id.len()).max();
    let width = width.unwrap_or_default();
    let line = |check: &&Check| {
        let severity = check.severity.as_str();
        format!("{:<width$}  {severity:<7}  {}\n", check.id, check.title)
    };
    checks.iter().map(line).collect::<String>()
        + "\ncividb explain ID says why a check matters, and what to do about its findings.\n\
           cividb explain \"MESSAGE\" or cividb explain LOGFILE says what error messages mean.\n"
}

fn page(check: &Check) -> String {
    let mut text = format!(
        "{}  ({})\n  {}\n\n  why     {}\n  fix     {}\n  example {}\n",
        check.id,
        check.severity.as_str(),
        check.title,
        check.why,
        check.fix,
        check.example
    );
    if !check.source.is_empty() {
        text.push_str(&format!("  source  {}\n", check.source));
    }
    text.push_str(&format!("  made by {}\n", commands_of(check).join(", ")));
    text
}

fn as_json(check: &Check) -> Value {
    json!({
        "check": check.id,
        "severity": check.severity,
        "title": check.title,
        "why": check.why,
        "fix": check.fix,
        "example": check.example,
        "source": check.source,
        "commands": commands_of(check),
    })
}

//! How a rehearsal went.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::AccountName;
use super::human::Detail;
use crate::checks::{Findings, Object, Severity};
use crate::rehearse::compare::{Checksums, Compared};
use crate::rehearse::exercise::Exercised;
use crate::rehearse::steps::Stepped;
use crate::rehearse::{Failure, Refusal, Restored};
use crate::server_version::ServerVersion;
use crate::text::{count, printable, thousands};

/// The tables that are named as those that took longest.
const SLOWEST: usize = 10;

/// Failures that people see before the rest is only counted.
const SHOWN: usize = 10;

/// Tables that took less than this are not worth naming.
const SLOW: Duration = Duration::from_secs(1);

/// Bytes from which on the rows, and not the number of tables, decide how long a restore takes.
const TELLING: u64 = 32 << 20;

/// How a rehearsal went, under the key `rehearsal`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RehearsalSummary {
    /// The server that the dump was restored on.
    pub server: String,
    /// The server that the dump came from, where it says so.
    pub dump_server: Option<String>,
    /// Whether the user chose the server.
    pub server_named: bool,
    /// `works`, `fails`, or `not-restored` where the restore itself stopped.
    pub outcome: &'static str,
    /// How long the restore took, in seconds.
    pub seconds: f64,
    /// Bytes of the statements that were run.
    pub bytes: u64,
    /// Statements that were run.
    pub statements: u64,
    /// Rows that are there after the restore, counted.
    pub rows: u64,
    /// Bytes restored per second.
    pub bytes_per_second: f64,
    /// Rows restored per second.
    pub rows_per_second: f64,
    /// Seconds that a GiB of this dump takes at that rate; null where the dump is too small to tell.
    pub seconds_per_gib: Option<f64>,
    /// The tables that took longest, the longest first.
    pub slowest: Vec<TableTime>,
    /// Tables whose rows were counted and compared with the dump.
    pub tables_compared: usize,
    /// Views that were read.
    pub views_read: usize,
    /// Functions that were called.
    pub functions_called: usize,
    /// Triggers that were fired.
    pub triggers_fired: usize,
    /// What did not work.
    pub failures: Vec<RehearsalFailure>,
    /// How many more failed than are listed.
    pub more_failures: u64,
    /// Statements that reach outside the database and were refused, by kind.
    pub refused: Vec<RefusedKind>,
    /// What could not be tried, and why.
    pub not_tried: Vec<String>,
    /// Accounts that were made because triggers, views, routines or events run as them.
    pub definers_made: Vec<AccountName>,
    /// How the operations of the upgrade to `--target` went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepsSummary>,
    /// The checksums of tables compared with those of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksums: Option<ChecksumSummary>,
    /// What became of the command of `--upgrade-command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<UpgradeCommand>,
    /// How to connect to the server, where it was left running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
}

/// How long a table took.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TableTime {
    /// The table.
    pub table: String,
    /// Seconds of all statements about it.
    pub seconds: f64,
    /// Bytes of these statements.
    pub bytes: u64,
}

/// Something that did not work.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RehearsalFailure {
    /// `restore`, `compare`, `views`, `functions`, `triggers` or `upgrade`.
    pub phase: &'static str,
    /// The file of a folder that the statement stands in; null of a dump in one file.
    pub file: Option<String>,
    /// The line of the dump that the statement begins in.
    pub line: Option<u64>,
    /// The byte of the dump that it begins with, from 0, after decompression.
    pub offset: Option<u64>,
    /// What it is about.
    pub object: Option<Object>,
    /// The beginning of the statement that failed.
    pub statement: Option<String>,
    /// The number of the server's error.
    pub server_error: Option<u16>,
    /// The server's words, or what is wrong.
    pub server_text: String,
    /// What to do about it.
    pub mend: String,
}

/// Statements of one kind that were refused.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RefusedKind {
    /// The name by which they are allowed.
    pub kind: &'static str,
    /// What such statements do.
    pub does: &'static str,
    /// Whether the restored database may lack something without them.
    pub may_be_missed: bool,
    /// How many there are.
    pub count: u64,
    /// The line of the first.
    pub line: u64,
    /// The byte that the first begins with, from 0, after decompression.
    pub offset: u64,
    /// The beginning of the first.
    pub statement: String,
}

/// How the operations of an upgrade went on the restored database. It is not CiviCRM's own upgrade: no code of
/// CiviCRM runs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StepsSummary {
    /// The release that the upgrade goes to.
    pub target: String,
    /// Operations that were run.
    pub operations: usize,
    /// Statements of these operations.
    pub statements: usize,
    /// Where it stops, on the server, on paper, or both; null where it goes to its end.
    pub stop: Option<StepStop>,
    /// Operations whose result only the site can tell.
    pub unknown: Vec<String>,
}

/// Where an upgrade stops.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StepStop {
    /// The step; null around the steps.
    pub step: Option<String>,
    /// The title of the task.
    pub task: String,
    /// What the operation does.
    pub operation: &'static str,
    /// The table of the operation.
    pub table: Option<String>,
    /// The beginning of the statement that the server refused.
    pub statement: Option<String>,
    /// The number of the server's error; null where the server took it.
    pub server_error: Option<u32>,
    /// The server's words.
    pub server_text: Option<String>,
    /// The number of the error that `preflight` foretells; null where it foretells none.
    pub foretold: Option<u32>,
    /// Whether the server says what was foretold.
    pub agrees: bool,
}

impl StepsSummary {
    /// The summary of the operations that were run.
    pub fn of(target: String, stepped: &Stepped) -> Self {
        Self {
            target,
            operations: stepped.operations,
            statements: stepped.statements,
            stop: stepped.stop.as_ref().map(|stop| StepStop {
                step: stop.step.clone(),
                task: stop.task.clone(),
                operation: stop.operation,
                table: stop.table.clone(),
                statement: stop.statement.clone(),
                server_error: stop.error.as_ref().map(|(number, _)| *number),
                server_text: stop.error.as_ref().map(|(_, text)| text.clone()),
                foretold: stop.foretold,
                agrees: stop.is_foretold(),
            }),
            unknown: stepped.unknown.clone(),
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let bold = Style::new().bold();
        let number = |number: Option<u32>| {
            number.map_or("no error".to_owned(), |number| format!("error {number}"))
        };
        let how = match &self.stop {
            None => "to its end".to_owned(),
            Some(stop) => {
                let table = stop.table.as_deref().unwrap_or_default();
                let step = stop.step.as_deref().unwrap_or("around the steps");
                let text = stop.server_text.as_deref().unwrap_or("taken");
                format!(
                    "up to {step}, {}: {} {table}: {} ({text}); on paper {}",
                    stop.task,
                    stop.operation,
                    number(stop.server_error),
                    number(stop.foretold)
                )
            }
        };
        writeln!(
            out,
            "{bold}steps{bold:#}  {} of the upgrade to {} run {}; it is not CiviCRM's own upgrade, whose code does not run",
            count(self.operations as u64, "operation"),
            printable(&self.target),
            printable(&how)
        )?;
        for unknown in &self.unknown {
            writeln!(out, "{bold}unknown{bold:#}  {}", printable(unknown))?;
        }
        Ok(())
    }
}

/// The CHECKSUM TABLE of tables compared with those of the site that the dump was made of.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ChecksumSummary {
    /// How many tables have the same.
    pub same: usize,
    /// Tables that have another: their rows have changed since, or the two servers store them differently.
    pub differ: Vec<String>,
}

impl From<Checksums> for ChecksumSummary {
    fn from(checksums: Checksums) -> Self {
        Self {
            same: checksums.same,
            differ: checksums.differ,
        }
    }
}

/// What became of a command of the user's that upgraded the restored database.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct UpgradeCommand {
    /// The command.
    pub command: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What `civicrm_domain.version` says before it.
    pub version_before: Option<String>,
    /// What `civicrm_domain.version` says after it.
    pub version_after: Option<String>,
}

/// A server that was left running.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Kept {
    /// Its socket.
    pub socket: String,
    /// The account to use, which needs no password.
    pub user: String,
    /// The database.
    pub database: String,
    /// The process to end (`kill NUMBER`), with which the server ends and its folder is removed.
    pub process: u32,
}

/// What a rehearsal has found out, as the command has it.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsed<'a> {
    /// The server.
    pub server: &'a ServerVersion,
    /// Whether the user named it.
    pub server_named: bool,
    /// The server of the dump.
    pub dump_server: Option<&'a ServerVersion>,
    /// What became of the statements.
    pub restored: &'a Restored,
    /// What was compared.
    pub compared: Compared,
    /// What was tried.
    pub exercised: &'a Exercised,
    /// What did not work besides.
    pub failures: &'a [Failure],
}

impl RehearsalSummary {
    /// The summary of a rehearsal.
    pub fn of(rehearsed: &Rehearsed) -> Self {
        let Rehearsed {
            restored,
            exercised,
            compared,
            ..
        } = rehearsed;
        let seconds = restored.time.as_secs_f64();
        let rate = |number: u64| {
            if seconds > 0.0 {
                number as f64 / seconds
            } else {
                0.0
            }
        };
        let all = restored
            .failures
            .iter()
            .chain(rehearsed.failures)
            .chain(&exercised.failures);
        let failures: Vec<RehearsalFailure> = all.map(RehearsalFailure::of).collect();
        let bytes_per_second = rate(restored.bytes);
        Self {
            server: rehearsed.server.to_string(),
            dump_server: rehearsed.dump_server.map(ToString::to_string),
            server_named: rehearsed.server_named,
            outcome: match (restored.is_complete, failures.is_empty()) {
                (false, _) => "not-restored",
                (true, true) => "works",
                (true, false) => "fails",
            },
            seconds: rounded(seconds),
            bytes: restored.bytes,
            statements: restored.statements,
            rows: compared.rows,
            bytes_per_second: rounded(bytes_per_second),
            rows_per_second: rounded(rate(compared.rows)),
            seconds_per_gib: (restored.bytes >= TELLING && bytes_per_second > 0.0)
                .then(|| rounded((1_u64 << 30) as f64 / bytes_per_second)),
            slowest: restored
                .slowest(SLOWEST)
                .into_iter()
                .map(|(table, work)| TableTime {
                    table: table.to_owned(),
                    seconds: rounded(work.time.as_secs_f64()),
                    bytes: work.bytes,
                })
                .collect(),
            tables_compared: compared.tables,
            views_read: exercised.views,
            functions_called: exercised.functions,
            triggers_fired: exercised.triggers,
            failures,
            more_failures: restored.more_failures,
            refused: restored.refused.values().map(RefusedKind::of).collect(),
            not_tried: exercised.not_tried.clone(),
            definers_made: Vec::new(),
            steps: None,
            checksums: None,
            upgrade: None,
            kept: None,
        }
    }

    /// What it comes to, in the first line: what did not work, or else what was found besides.
    pub(super) fn outcome(&self, findings: &Findings, strict: bool) -> String {
        let server = &self.server;
        match (self.outcome, self.failures.first()) {
            ("not-restored", Some(first)) => match first.line {
                Some(line) => format!("the restore on {server} stops at line {}", thousands(line)),
                None => format!("the restore on {server} stops"),
            },
            (_, Some(_)) => {
                let failures = self.failures.len() as u64 + self.more_failures;
                format!(
                    "restored on {server}, but {} did not work",
                    count(failures, "thing")
                )
            }
            _ => {
                let stops = self
                    .steps
                    .as_ref()
                    .is_some_and(|steps| steps.stop.is_some());
                let number = |severity: Severity| {
                    let number = findings.count(severity) as u64;
                    (number > 0).then(|| count(number, severity.as_str()))
                };
                let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
                let fails = errors.is_some() || strict && warnings.is_some();
                let found = errors.into_iter().chain(warnings).filter(|_| fails);
                let found: Vec<String> = found.collect();
                let place = match self.upgrade {
                    Some(_) => "after the upgrade",
                    None => "in the backup",
                };
                let is_complete = self.is_complete() && !findings.are_incomplete();
                let rest = match (stops, found.is_empty(), is_complete) {
                    (true, ..) => ", and it works, but the upgrade stops".to_owned(),
                    (_, false, _) => {
                        let found = found.join(" and ");
                        format!(", and all of it runs; {found} found {place}")
                    }
                    (_, _, false) => ", and what could be tried works".to_owned(),
                    (_, _, true) => ", and it works".to_owned(),
                };
                format!("restored on {server}{rest}")
            }
        }
    }

    /// Whether everything worked.
    pub(super) fn is_fine(&self) -> bool {
        self.outcome == "works" && self.steps.as_ref().is_none_or(|steps| steps.stop.is_none())
    }

    /// Whether everything was tried that the command promises to try.
    pub(super) fn is_complete(&self) -> bool {
        self.not_tried.is_empty() && !self.refused.iter().any(|refused| refused.may_be_missed)
    }
}

impl RehearsalFailure {
    fn of(failure: &Failure) -> Self {
        let at = failure.at.as_ref();
        let about = &failure.about;
        let kind_and_name = about.kind.zip(about.name.clone());
        Self {
            phase: failure.phase.as_str(),
            file: at.map(|at| at.file.clone()).filter(|file| !file.is_empty()),
            line: at.map(|at| at.place.line),
            offset: at.map(|at| at.place.offset),
            object: kind_and_name.map(|(kind, name)| Object {
                kind,
                name,
                table: about.table.clone().filter(|_| kind != "table"),
            }),
            statement: Some(failure.statement.clone()).filter(|text| !text.is_empty()),
            server_error: failure.code,
            server_text: failure.message.clone(),
            mend: failure.mend.clone(),
        }
    }

    /// One line for people, without what is in front of it.
    fn line(&self) -> String {
        let mut parts = Vec::new();
        if let Some(file) = &self.file {
            parts.push(format!("{file}:"));
        }
        if let (Some(line), Some(offset)) = (self.line, self.offset) {
            parts.push(format!(
                "line {}, byte {}:",
                thousands(line),
                thousands(offset)
            ));
        }
        if let Some(object) = &self.object {
            let table = object.table.as_ref();
            let table = table.map_or_else(String::new, |table| format!(" of {table}"));
            parts.push(format!("{} {}{table}:", object.kind, object.name));
        }
        if let Some(number) = self.server_error {
            parts.push(format!("error {number}:"));
        }
        parts.push(self.server_text.clone());
        printable(&parts.join(" "))
    }
}

impl RefusedKind {
    fn of(refusal: &Refusal) -> Self {
        Self {
            kind: refusal.kind.as_str(),
            does: refusal.kind.describe(),
            may_be_missed: refusal.kind.may_be_missed(),
            count: refusal.count,
            line: refusal.at.place.line,
            offset: refusal.at.place.offset,
            statement: refusal.statement.clone(),
        }
    }
}

/// Three digits behind the point are more than a measurement is worth.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// What was done, what did not work, and what was refused.
pub(super) fn write(
    summary: &RehearsalSummary,
    detail: Detail,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bold = Style::new().bold();
    let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    let own = match &summary.dump_server {
        _ if summary.server_named => String::new(),
        Some(own) => format!(" (of the servers here the nearest to {})", printable(own)),
        None => " (the dump does not name its server)".to_owned(),
    };
    let rate = summary.seconds_per_gib.map_or_else(String::new, |seconds| {
        let rate = summary.bytes_per_second / 1e6;
        format!(", {rate:.1} MB/s; a GiB takes {}", duration(seconds))
    });
    writeln!(
        out,
        "  restored on {}{own} in {:.1} s: {}{rate}",
        printable(&summary.server),
        summary.seconds,
        count(summary.statements, "statement")
    )?;
    if summary.outcome != "not-restored" {
        writeln!(
            out,
            "  compared {} with {} in all, read {}, called {}, fired {}",
            count(summary.tables_compared as u64, "table"),
            count(summary.rows, "row"),
            count(summary.views_read as u64, "view"),
            count(summary.functions_called as u64, "function"),
            count(summary.triggers_fired as u64, "trigger")
        )?;
    }
    let shown = if detail == Detail::Verbose {
        usize::MAX
    } else {
        SHOWN
    };
    let mut last_mend = None;
    if !summary.failures.is_empty() {
        writeln!(out)?;
    }
    for failure in summary.failures.iter().take(shown) {
        writeln!(
            out,
            "{red}error{red:#}  {}  {}",
            failure.phase,
            failure.line()
        )?;
        if let Some(statement) = &failure.statement {
            writeln!(out, "       in: {}", printable(statement))?;
        }
        if last_mend != Some(&failure.mend) {
            writeln!(out, "       fix: {}", printable(&failure.mend))?;
        }
        last_mend = Some(&failure.mend);
    }
    let more = summary.failures.len().saturating_sub(shown) as u64 + summary.more_failures;
    if more > 0 {
        writeln!(out, "       and {} more", thousands(more))?;
    }
    if summary.outcome == "not-restored" {
        writeln!(
            out,
            "\n{bold}not tried{bold:#}  the restore stopped there; --force goes on and lists everything that fails"
        )?;
    }
    if !summary.refused.is_empty() {
        writeln!(out)?;
    }
    for refused in &summary.refused {
        writeln!(
            out,
            "{bold}refused{bold:#}  {} that {} (line {}: {}); --allow {} runs them",
            count(refused.count, "statement"),
            refused.does,
            thousands(refused.line),
            printable(&refused.statement),
            refused.kind
        )?;
    }
    if let Some(steps) = &summary.steps {
        steps.write(out)?;
    }
    if let Some(checksums) = &summary.checksums {
        let differ = match checksums.differ.is_empty() {
            true => "none differs".to_owned(),
            false => format!(
                "changed since, or stored differently: {}",
                printable(&checksums.differ.join(", "))
            ),
        };
        writeln!(
            out,
            "{bold}checksums{bold:#}  {} as on the site; {differ}",
            count(checksums.same as u64, "table")
        )?;
    }
    if let Some(upgrade) = &summary.upgrade {
        let version = |version: &Option<String>| printable(version.as_deref().unwrap_or("unknown"));
        writeln!(
            out,
            "{bold}upgrade{bold:#}  {}: {:.1} s, civicrm_domain.version from {} to {}; what is found below is what it left",
            printable(&upgrade.command),
            upgrade.seconds,
            version(&upgrade.version_before),
            version(&upgrade.version_after)
        )?;
    }
    for why in &summary.not_tried {
        writeln!(out, "{bold}not tried{bold:#}  {}", printable(why))?;
    }
    let accounts = summary.definers_made.iter();
    let accounts: Vec<String> = accounts
        .map(|it| format!("'{}'@'{}'", it.user, it.host))
        .collect();
    if !accounts.is_empty() {
        writeln!(
            out,
            "{bold}made{bold:#}  the accounts that triggers, views and routines run as: {}; a server without them refuses with error 1449 (--definers keep shows it)",
            printable(&accounts.join(", "))
        )?;
    }
    let slow: Vec<&TableTime> = summary
        .slowest
        .iter()
        .filter(|it| it.seconds >= SLOW.as_secs_f64())
        .collect();
    if !slow.is_empty() {
        writeln!(out, "\n{bold}slowest tables{bold:#}")?;
    }
    for table in slow {
        let mebibytes = table.bytes as f64 / f64::from(1 << 20);
        writeln!(
            out,
            "  {:>9.1} s  {mebibytes:>9.1} MiB  {}",
            table.seconds,
            printable(&table.table)
        )?;
    }
    if let Some(kept) = &summary.kept {
        writeln!(
            out,
            "\n{bold}left running{bold:#}\n  to connect  mariadb --no-defaults --socket={} --user={} {}\n  to end it   kill {}",
            printable(&kept.socket),
            printable(&kept.user),
            printable(&kept.database),
            kept.process
        )?;
    }
    Ok(())
}

fn duration(seconds: f64) -> String {
    match seconds {
        short if short < 120.0 => format!("{short:.0} s"),
        long => format!("{:.0} min", long / 60.0),
    }
}

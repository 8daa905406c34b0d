//! How an upgrade would go.

use std::io::{self, Write};

use anstyle::Style;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use crate::checks::{Finding, Findings};
use crate::preflight::failure::{Cause, Failure, Retry, When};
use crate::preflight::{Forecast, Hop, Operation, SilentDamage};
use crate::text::{count, printable};

/// How an upgrade would go, under the key `preflight`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PreflightSummary {
    /// What `civicrm_domain.version` says, or should say; null where nothing tells it.
    pub from: Option<String>,
    /// The release that the upgrade goes to.
    pub target: String,
    /// `finishes`, `stops` or `unknown`.
    pub outcome: &'static str,
    /// The server on which it runs, as the source or the user names it.
    pub server: String,
    /// The server of the dump, where the target does not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_on: Option<String>,
    /// The releases whose code runs one after the other.
    pub path: Vec<PathHop>,
    /// The number of upgrade steps.
    pub steps: usize,
    /// Where it stops, in order, each under the assumption that those before it are mended.
    pub failures: Vec<Stop>,
    /// Where it stops if a condition holds that only the site can tell.
    pub possible: Vec<Stop>,
    /// Damage that it does without a word.
    pub silent: Vec<Damage>,
    /// Every operation, where the user wants to see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<OperationLine>>,
    /// How many of the failures are findings about the settings file, which count by themselves.
    #[serde(skip)]
    of_settings: usize,
}

/// One release whose code runs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PathHop {
    /// The release.
    pub release: String,
    /// The PHP versions that its code runs on.
    pub php: String,
    /// The lowest MySQL that it takes.
    pub mysql: String,
    /// The lowest MariaDB that it takes, where it names one.
    pub mariadb: Option<String>,
}

/// A place at which the upgrade stops.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Stop {
    /// `before`, `step` or `after` the steps.
    pub phase: &'static str,
    /// The revision of the step.
    pub step: Option<String>,
    /// The title of the task as CiviCRM shows it.
    pub task: Option<String>,
    /// What the operation does.
    pub operation: Option<&'static str>,
    /// The table of the operation.
    pub object: Option<StopObject>,
    /// The number of the server's error.
    pub server_error: Option<u32>,
    /// The text of the server's error.
    pub server_text: Option<String>,
    /// What CiviCRM shows; where the settings file keeps the upgrade from beginning, what is wrong with it.
    pub shown: String,
    /// What `civicrm_domain.version` says afterwards.
    pub version_after: Option<String>,
    /// `works` or `needs-backup`.
    pub retry: &'static str,
    /// Statements and commands that mend it before the upgrade.
    pub mend: Vec<String>,
    /// The rows that make it stop.
    pub rows: Option<StopRows>,
    /// The condition under which it stops, where only the site can tell whether it holds.
    pub condition: Option<String>,
}

impl Stop {
    /// Where on the way it is, in words.
    pub(super) fn place(&self) -> String {
        match (&self.step, self.phase) {
            (Some(step), "step") => format!("in step {step}"),
            (_, "before") => "before the first step".to_owned(),
            _ => "after the last step".to_owned(),
        }
    }
}

/// What an operation is about.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StopObject {
    /// The table.
    pub table: String,
}

/// Rows that make an upgrade stop.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StopRows {
    /// The table that has them.
    pub table: String,
    /// How many they are, where they were counted.
    pub count: Option<u64>,
    /// Primary keys of the first of them.
    pub sample: Vec<String>,
}

/// Damage that the upgrade does without a word.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Damage {
    /// The step that does it.
    pub step: Option<String>,
    /// The table that it is done to.
    pub table: String,
    /// What is wrong afterwards.
    pub what: String,
}

/// One operation of the upgrade.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct OperationLine {
    /// The step.
    pub step: Option<String>,
    /// The title of the task.
    pub task: String,
    /// What the operation does.
    pub operation: &'static str,
    /// The table of the operation.
    pub table: Option<String>,
    /// `runs`, `skipped`, `fails` or `unknown`.
    pub becomes: &'static str,
}

impl PreflightSummary {
    /// The summary of a forecast, with every operation if `operations` is set.
    pub fn of(forecast: &Forecast, operations: bool) -> Self {
        let stop = |failure: &Failure| Stop::of(failure, forecast);
        let from = forecast.from.as_ref().map(ToString::to_string);
        Self {
            from: from.or_else(|| forecast.declared.clone()),
            target: forecast.target.to_string(),
            outcome: match (
                forecast.failures.is_empty(),
                forecast.possible.is_empty(),
                &forecast.from,
            ) {
                (false, ..) => "stops",
                (true, true, Some(_)) if !forecast.path.is_empty() => "finishes",
                _ => "unknown",
            },
            server: forecast.server.version.to_string(),
            not_on: forecast.not_on.as_ref().map(ToString::to_string),
            path: forecast.path.iter().map(PathHop::of).collect(),
            steps: forecast.steps.len(),
            failures: forecast.failures.iter().map(stop).collect(),
            possible: forecast.possible.iter().map(stop).collect(),
            silent: forecast.silent.iter().map(Damage::of).collect(),
            operations: operations
                .then(|| forecast.operations.iter().map(OperationLine::of).collect()),
            of_settings: 0,
        }
    }

    /// The summary of an upgrade that does not begin for what was found in the settings file.
    #[must_use]
    pub fn not_begun(mut self, found: &Findings) -> Self {
        let stops: Vec<Stop> = found.list.iter().map(Stop::of_settings).collect();
        if !stops.is_empty() {
            self.outcome = "stops";
            self.of_settings = stops.len();
            self.failures.splice(..0, stops);
        }
        self
    }

    /// What it comes to, in the first line.
    pub(super) fn outcome(&self) -> String {
        let target = &self.target;
        let from = self.from.as_deref().unwrap_or("an unknown version");
        let upgrade = format!("the upgrade from {from} to {target}");
        match (self.failures.first(), self.outcome) {
            (Some(first), _) => {
                let place = first.place();
                let more = match self.failures.len() {
                    1 => String::new(),
                    n => format!(", and then at {}", count(n as u64 - 1, "more place")),
                };
                format!("{upgrade} will stop {place}{more}")
            }
            (None, "finishes") if from == target => {
                format!("the database is of {target} already, so that no step runs")
            }
            (None, "finishes") => format!("{upgrade} will finish"),
            _ => format!("it cannot be told whether {upgrade} will finish"),
        }
    }

    /// Whether it leaves nothing to do but what findings tell.
    pub(super) fn is_fine(&self) -> bool {
        self.failures.len() == self.of_settings
    }
}

impl PathHop {
    fn of(hop: &Hop) -> Self {
        let number = |(major, minor, patch): (u32, u32, u32)| match patch {
            0 => format!("{major}.{minor}"),
            _ => format!("{major}.{minor}.{patch}"),
        };
        Self {
            release: hop.release.to_string(),
            php: hop.php.clone(),
            mysql: number(hop.requirements.mysql_minimum),
            mariadb: hop.requirements.mariadb_minimum.map(number),
        }
    }
}

impl Stop {
    /// What keeps the upgrade from beginning.
    fn of_settings(finding: &Finding) -> Self {
        Self {
            phase: "before",
            step: None,
            task: None,
            operation: None,
            object: None,
            server_error: None,
            server_text: None,
            shown: finding.message.clone(),
            version_after: None,
            retry: "works",
            mend: Vec::new(),
            rows: None,
            condition: None,
        }
    }

    fn of(failure: &Failure, forecast: &Forecast) -> Self {
        let error = failure.cause.server_error();
        let server = &forecast.server;
        let statements = failure.statements();
        let mut mend: Vec<String> = statements
            .map(|statement| format!("{statement};"))
            .collect();
        match &failure.cause {
            Cause::Version => mend.push("cividb version --fix --apply".to_owned()),
            Cause::Privilege(..) => {
                mend.push(format!("cividb grants --target {}", forecast.target));
            }
            _ if !failure.mends.is_empty() => {
                mend.push(format!(
                    "cividb repair for-upgrade --target {}",
                    forecast.target
                ));
            }
            _ => {}
        }
        Self {
            phase: match failure.when {
                When::Before => "before",
                When::Step => "step",
                When::After => "after",
            },
            step: failure.step.clone(),
            task: failure.task.clone(),
            operation: failure.operation,
            object: failure.table.clone().map(|table| StopObject { table }),
            server_error: error.map(|error| error.number(server)),
            server_text: error.map(|error| error.text(server)),
            shown: failure.shown.clone(),
            version_after: failure.version_after.clone(),
            retry: match failure.retry {
                Retry::Works => "works",
                Retry::NeedsBackup => "needs-backup",
            },
            mend,
            rows: failure.cause.rows().map(|rows| StopRows {
                table: rows.table.clone(),
                count: rows.rows,
                sample: rows.samples.clone(),
            }),
            condition: failure.condition.clone(),
        }
    }
}

impl Damage {
    fn of(damage: &SilentDamage) -> Self {
        Self {
            step: damage.step.clone(),
            table: damage.table.clone(),
            what: damage.what.clone(),
        }
    }
}

impl OperationLine {
    fn of(operation: &Operation) -> Self {
        Self {
            step: operation.step.clone(),
            task: operation.task.clone(),
            operation: operation.operation,
            table: operation.table.clone(),
            becomes: operation.becomes,
        }
    }
}

/// The path, and the operations where they are wanted.
pub(super) fn write(summary: &PreflightSummary, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    writeln!(
        out,
        "  {} on {}{}",
        count(summary.steps as u64, "upgrade step"),
        printable(&summary.server),
        summary
            .not_on
            .as_ref()
            .map_or_else(String::new, |own| format!(
                ", because CiviCRM {} does not take {}",
                summary.target,
                printable(own)
            ))
    )?;
    if summary.path.len() > 1 {
        writeln!(
            out,
            "\n{bold}path{bold:#}  CiviCRM {} does not take this version, so:",
            summary.target
        )?;
    }
    for hop in summary.path.iter().filter(|_| summary.path.len() > 1) {
        let mariadb = hop.mariadb.as_ref();
        let mariadb =
            mariadb.map_or_else(String::new, |lowest| format!(", MariaDB {lowest} or later"));
        writeln!(
            out,
            "  {:<8} PHP {}, MySQL {} or later{mariadb}",
            hop.release, hop.php, hop.mysql
        )?;
    }
    let mut last = None;
    for line in summary.operations.iter().flatten() {
        let place = (&line.step, &line.task);
        if last != Some(place) {
            let step = line.step.as_deref().unwrap_or("around the steps");
            writeln!(
                out,
                "\n{bold}{}{bold:#}  {}",
                printable(step),
                printable(&line.task)
            )?;
            last = Some(place);
        }
        let table = line.table.as_deref().unwrap_or_default();
        let text = format!("  {:<8} {} {table}", line.becomes, line.operation);
        writeln!(out, "{}", printable(text.trim_end()))?;
    }
    Ok(())
}

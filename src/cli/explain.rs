//! `cividb explain`: what a check looks for, why that matters, and what to do about a finding.

use clap::Args;
use serde_json::{Value, json};

use super::error::Error;
use super::output::print;
use super::{Common, Format, check_id};
use crate::checks::registry;
use crate::checks::{Check, Group};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Explain {
    /// Ids of checks, such as fk-name; without an id all checks are listed
    #[arg(value_name = "ID", value_parser = check_id)]
    checks: Vec<&'static str>,
}

impl Explain {
    pub(super) fn run(&self, common: &Common) -> Result<Exit, Error> {
        let named = self.checks.iter().filter_map(|id| registry::find(id));
        let checks: Vec<&Check> = match self.checks.is_empty() {
            true => registry::checks().collect(),
            false => named.collect(),
        };
        let text = match common.format {
            Format::Json => {
                let checks: Vec<Value> = checks.iter().map(|check| as_json(check)).collect();
                format!("{:#}\n", json!({"report_version": 1, "checks": checks}))
            }
            Format::Human if self.checks.is_empty() => list(&checks),
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

fn list(checks: &[&Check]) -> String {
    let width = checks.iter().map(|check| check.id.len()).max();
    let width = width.unwrap_or_default();
    let line = |check: &&Check| {
        let severity = check.severity.as_str();
        format!("{:<width$}  {severity:<7}  {}\n", check.id, check.title)
    };
    checks.iter().map(line).collect::<String>()
        + "\ncividb explain ID says why a check matters, and what to do about its findings.\n"
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
    text.push_str(&format!("  made by {}\n", commands(check).join(", ")));
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
        "commands": commands(check),
    })
}

/// The names of the commands that make a check.
fn commands(check: &Check) -> Vec<&'static str> {
    let made_in = |groups: &[Group]| check.rules.iter().any(|rule| groups.contains(&rule.group));
    let commands = crate::checks::COMMANDS.iter();
    commands
        .filter(|(_, groups)| made_in(groups))
        .map(|(name, _)| *name)
        .collect()
}

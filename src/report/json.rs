//! The JSON report. Its keys are a contract: they are only ever added to.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Report, Verdict, version};
use crate::checks::{Finding, Severity};
use crate::snapshot::SourceKind;

/// The report as one JSON value. `version` is in it where that was asked.
pub fn value(report: &Report) -> Value {
    let source = &report.source;
    let mut value = json!({
        "report_version": 1,
        "command": report.command,
        "tool": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
        "source": {
            "kind": source.kind.as_str(),
            "name": source.name,
            "container": (source.kind == SourceKind::Dump).then_some(source.container),
            "producer": (source.kind == SourceKind::Dump).then(|| source.producer.as_str()),
            "producer_version": source.producer_version,
            "server_version": source.server_version.as_ref().map(|server| &server.text),
            "databases": source.databases,
            "database": report.database,
            "finished": source.finished,
            "server": report.server,
        },
        "civicrm": report.civicrm.as_ref().map(|civicrm| json!({
            "declared": civicrm.declared,
            "detected": civicrm.detected,
            "multilingual": !civicrm.locales.is_empty(),
            "locales": civicrm.locales,
            "logging": civicrm.logging,
        })),
        "compared_with": report.compared_with,
        "inventory": report.inventory,
        "findings": report.findings.list.iter().map(finding).collect::<Vec<_>>(),
        "not_checked": report.findings.not_checked,
        "summary": {
            "errors": report.findings.count(Severity::Error),
            "warnings": report.findings.count(Severity::Warning),
            "notes": report.findings.count(Severity::Note),
            "accepted": report.findings.count_accepted(),
        },
        "verdict": report.verdict(),
    });
    if let Some(summary) = &report.version {
        value["version"] = version::json(summary);
    }
    if let Some(grants) = &report.grants {
        value["grants"] = json!(grants);
    }
    if let Some(plan) = &report.plan {
        value["plan"] = json!(plan);
    }
    if let Some(rebuild) = &report.rebuild {
        value["rebuild"] = json!(rebuild);
    }
    if let Some(effort) = &report.effort {
        value["integrity"] = json!(effort);
    }
    value
}

/// The object in the place of a report on a source that could not be read, where there are several sources.
pub fn unread(command: &str, name: &str, message: &str) -> Value {
    json!({
        "report_version": 1,
        "command": command,
        "tool": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
        "source": {"name": name},
        "error": {"message": message},
        "verdict": Verdict::Incomplete,
    })
}

fn finding(finding: &Finding) -> Value {
    let mut value = json!({
        "check": finding.check.id,
        "severity": finding.severity,
        "object": finding.object,
        "expected": finding.expected,
        "actual": finding.actual,
        "message": finding.message,
        "fix": finding.fix,
        "inherited": finding.inherited,
        "accepted": finding.accepted,
        "place": finding.at.as_ref().map(|at| Place {
            file: (!at.file.is_empty()).then_some(&at.file),
            line: at.place.line,
            byte: at.place.offset,
        }),
    });
    if let Some(rows) = &finding.rows {
        value["rows"] = json!(rows);
    }
    value
}

#[derive(Serialize)]
struct Place<'a> {
    file: Option<&'a String>,
    line: u64,
    byte: u64,
}

//! Parts of a report besides its header and its findings: what one command is about.

use std::io::{self, Write};

#[cfg(test)]
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::baseline::{self, BaselineSummary};
use super::contents::{self, ContentsSummary};
use super::extract::{self, ExtractSummary};
use super::grants::{self, GrantsSummary};
use super::human::Detail;
use super::integrity;
use super::messages::{self, MessagesSummary};
use super::plan::{self, Plan};
use super::preflight::{self, PreflightSummary};
use super::rebuild::{self, RebuildSummary};
use super::rehearsal::{self, RehearsalSummary};
use super::rollback::{self, RollbackSummary};
use super::runbook;
use super::version::{self, VersionSummary};
use crate::checks::{Findings, Severity};
use crate::integrity::Statistics;
use crate::runbook::Runbook;
use crate::text::count;

/// A part of a report.
#[derive(Clone, Debug)]
pub enum Section {
    /// What it took to look at the rows.
    Integrity(Statistics),
    /// What the versions of the domains say.
    Version(VersionSummary),
    /// What the account may do.
    Grants(GrantsSummary),
    /// Statements that set versions, which the findings speak of as well.
    VersionChange(Plan),
    /// Statements of a repair: what is left to do counts.
    Repair(Plan),
    /// A new database made out of an old one, or to be made.
    Rebuild(RebuildSummary),
    /// How an upgrade would go.
    Preflight(PreflightSummary),
    /// How the contents of two sources compare.
    Contents(ContentsSummary),
    /// How a restore went, and whether what was restored works.
    Rehearsal(Box<RehearsalSummary>),
    /// What was taken out of a dump, or would be.
    Extract(ExtractSummary),
    /// How the findings compare with those of an earlier run.
    Baseline(BaselineSummary),
    /// What error messages mean, and which of their causes the source has.
    Messages(MessagesSummary),
    /// What a rollback does, or has done.
    Rollback(Box<RollbackSummary>),
    /// The upgrade guide for the site.
    Runbook(Box<Runbook>),
}

/// Where people read a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Right behind the header.
    BeforeFindings,
    /// At the end.
    AfterFindings,
}

impl Section {
    /// Its key in the JSON report.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Integrity(_) => "integrity",
            Self::Version(_) => "version",
            Self::Grants(_) => "grants",
            Self::VersionChange(_) | Self::Repair(_) => "plan",
            Self::Rebuild(_) => "rebuild",
            Self::Preflight(_) => "preflight",
            Self::Contents(_) => "contents",
            Self::Rehearsal(_) => "rehearsal",
            Self::Extract(_) => "extract",
            Self::Baseline(_) => "baseline",
            Self::Messages(_) => "messages",
            Self::Rollback(_) => "rollback",
            Self::Runbook(_) => "runbook",
        }
    }

    /// What stands under that key.
    pub fn json(&self) -> Value {
        match self {
            Self::Integrity(statistics) => json!(statistics),
            Self::Version(summary) => json!(version::domains(summary)),
            Self::Grants(summary) => json!(summary),
            Self::VersionChange(plan) | Self::Repair(plan) => json!(plan),
            Self::Rebuild(summary) => json!(summary),
            Self::Preflight(summary) => json!(summary),
            Self::Contents(summary) => json!(summary),
            Self::Rehearsal(summary) => json!(summary),
            Self::Extract(summary) => json!(summary),
            Self::Baseline(summary) => json!(summary),
            Self::Messages(summary) => json!(summary),
            Self::Rollback(summary) => json!(summary),
            Self::Runbook(runbook) => json!(runbook),
        }
    }

    /// The schema of every key.
    #[cfg(test)]
    pub(super) fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
        vec![
            ("integrity", Statistics::json_schema(generator)),
            ("version", Vec::<version::Domain>::json_schema(generator)),
            ("grants", GrantsSummary::json_schema(generator)),
            ("plan", Plan::json_schema(generator)),
            ("rebuild", RebuildSummary::json_schema(generator)),
            ("preflight", PreflightSummary::json_schema(generator)),
            ("contents", ContentsSummary::json_schema(generator)),
            ("rehearsal", RehearsalSummary::json_schema(generator)),
            ("extract", ExtractSummary::json_schema(generator)),
            ("baseline", BaselineSummary::json_schema(generator)),
            ("messages", MessagesSummary::json_schema(generator)),
            ("rollback", RollbackSummary::json_schema(generator)),
            ("runbook", Runbook::json_schema(generator)),
        ]
    }

    /// Whether it leaves nothing to do.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Repair(plan) => plan.is_empty(),
            Self::Rebuild(summary) => summary.is_fine(),
            Self::Preflight(summary) => summary.is_fine(),
            Self::Rehearsal(summary) => summary.is_fine(),
            Self::Rollback(summary) => summary.is_fine(),
            Self::Runbook(runbook) => runbook::is_fine(runbook),
            _ => true,
        }
    }

    /// Whether everything was tried that the command promises to try.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Rehearsal(summary) => summary.is_complete(),
            Self::Messages(summary) => summary.is_complete(),
            _ => true,
        }
    }

    /// What it comes to, for the first line, where that is more than the number of findings.
    pub(super) fn outcome(&self, findings: &Findings, strict: bool) -> Option<String> {
        match self {
            Self::Repair(plan) => Some(plan.outcome()),
            Self::Rebuild(summary) => Some(summary.outcome()),
            Self::Preflight(summary) => {
                let others = findings.count(Severity::Error) > summary.failures.len();
                let errors = findings.count(Severity::Error) as u64;
                Some(match others {
                    true => format!("{}; {}", count(errors, "error"), summary.outcome()),
                    false => summary.outcome(),
                })
            }
            Self::Contents(summary) => Some(summary.outcome()),
            Self::Rehearsal(summary) => Some(summary.outcome(findings, strict)),
            Self::Extract(summary) => summary.outcome(),
            Self::Rollback(summary) => Some(summary.outcome()),
            Self::Runbook(runbook) => Some(runbook::outcome(runbook)),
            _ => None,
        }
    }

    pub(super) fn place(&self) -> Position {
        match self {
            Self::Integrity(_)
            | Self::Version(_)
            | Self::Preflight(_)
            | Self::Rehearsal(_)
            | Self::Runbook(_)
            | Self::Messages(_) => Position::BeforeFindings,
            _ => Position::AfterFindings,
        }
    }

    /// Writes it for people.
    pub(super) fn write(&self, detail: Detail, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Integrity(statistics) if detail == Detail::Verbose => {
                integrity::write(statistics, out)
            }
            Self::Integrity(_) => Ok(()),
            Self::Version(summary) => version::write(summary, out),
            Self::Grants(summary) => grants::write(summary, out),
            Self::VersionChange(plan) | Self::Repair(plan) => plan::write(plan, out),
            Self::Rebuild(summary) => rebuild::write(summary, out),
            Self::Preflight(summary) => preflight::write(summary, out),
            Self::Contents(summary) => contents::write(summary, detail, out),
            Self::Rehearsal(summary) => rehearsal::write(summary, detail, out),
            Self::Extract(summary) => extract::write(summary, detail, out),
            Self::Baseline(summary) => baseline::write(summary, detail, out),
            Self::Messages(summary) => {
                writeln!(out)?;
                messages::write(summary, detail, out)
            }
            Self::Rollback(summary) => rollback::write(summary, detail, out),
            Self::Runbook(runbook) => runbook::write(runbook, out),
        }
    }
}

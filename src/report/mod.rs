//! Findings for people and for programs.

mod baseline;
mod by_table;
mod contents;
pub mod csv;
mod digest;
mod extract;
mod grants;
pub mod html;
pub mod human;
mod integrity;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod messages;
pub mod nagios;
mod plan;
mod preflight;
pub mod prometheus;
mod rebuild;
mod rehearsal;
pub mod render;
mod rollback;
mod runbook;
mod section;
mod summary;
mod timeline;
mod verdict;
mod version;
mod wrap;

pub use baseline::{BaselineSummary, KnownFinding};
pub use contents::ContentsSummary;
pub use digest::{Changes, CheckCount, Digest, Outcome};
pub use extract::ExtractSummary;
pub use grants::GrantsSummary;
pub use messages::MessagesSummary;
pub use plan::{EqualRowSets, OrphanRows, Plan, PlanStep, RowChange};
pub use preflight::PreflightSummary;
pub use rebuild::{RebuildSummary, RebuiltTable};
pub use rehearsal::{
    ChecksumSummary, Kept, RehearsalSummary, Rehearsed, StepsSummary, UpgradeCommand,
};
pub use rollback::{ProofSummary, RefusedBecause, RollbackState, RollbackSummary};
pub use section::Section;
pub use summary::{
    AccountName, CivicrmSummary, Inventory, Layout, Neighbourhood, Report, ServerSummary,
};
pub use timeline::Timeline;
pub use verdict::Verdict;
pub use version::VersionSummary;

//! Findings for people and for programs.

mod by_table;
mod contents;
pub mod csv;
mod extract;
mod grants;
pub mod human;
mod integrity;
pub mod json;
mod plan;
mod preflight;
mod rebuild;
mod rehearsal;
pub mod render;
mod rollback;
mod section;
mod summary;
mod verdict;
mod version;

pub use contents::ContentsSummary;
pub use extract::ExtractSummary;
pub use grants::GrantsSummary;
pub use plan::{EqualRowSets, OrphanRows, Plan, PlanStep, RowChange};
pub use preflight::PreflightSummary;
pub use rebuild::{RebuildSummary, RebuiltTable};
pub use rehearsal::{
    ChecksumSummary, Kept, RehearsalSummary, Rehearsed, StepsSummary, UpgradeCommand,
};
pub use rollback::{ProofSummary, RefusedBecause, RollbackState, RollbackSummary};
pub use section::Section;
pub use summary::{AccountName, CivicrmSummary, Inventory, Layout, Report, ServerSummary};
pub use verdict::Verdict;
pub use version::VersionSummary;

//! From findings to changes: what is to be run, the journal written before it runs, and the
//! way back.
//!
//! Nothing here decides to write: [`crate::cli`] does, when the user said `--apply`.

pub mod apply;
pub mod error;
pub mod journal;
mod online;
pub mod orphans;
pub mod plan;
pub mod rebuild;
pub mod run;
pub mod undo;
pub mod values;
pub mod version;

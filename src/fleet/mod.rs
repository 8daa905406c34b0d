//! Many sources in one run: which they are, who works on which, and what was known of them before.

pub mod baseline;
pub mod deadline;
pub mod engine;
pub mod sites;
pub mod state;

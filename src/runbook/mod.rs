//! The upgrade guide for one site: the steps in order with their commands, what is done already, and what does not apply.
//!
//! ```text
//! case, settings file, upgrade on paper -> subject -> steps of each phase -> runbook
//! ```

mod after;
mod back;
mod backup;
mod before;
mod hop;
mod mend;
mod model;
mod out_of_service;
mod platform;
mod subject;
mod write;

pub use model::{LeftOut, Phase, Runbook, STEPS, State, Step, Variable};
pub use subject::{Connection, Subject};
pub use write::write;

//! A new database with the structure of the release and the data of an old one: CiviCRM's own
//! advice when a schema is beyond repair.
//!
//! The old database is only read. The new one begins empty; while it is made it holds a table
//! [`UNFINISHED`], so that nobody takes it for a whole one.

mod blueprint;
mod copy;
mod fill;
mod parents;
mod programs;
mod target;

pub use blueprint::{Blueprint, Made, blueprint};
pub use copy::TableOutcome;
pub use fill::{Rebuilt, UNFINISHED, rebuild};
pub use parents::prove;
pub use target::{all_is_visible, begin};

//! Back to a backup: CiviCRM's part of a dump comes into a database that it may share with a CMS, whose tables stay.
//!
//! [`plan`] says what goes, comes and stays, and what stands in the way; [`Beside`] restores the backup into a database of
//! its own and proves it; [`run`] lets the two sets of tables change places, by [`crate::change::exchange`];
//! [`afterwards`] lists what is left to do besides the database.

pub mod afterwards;
mod beside;
mod databases;
mod plan;
mod references;
mod run;
pub mod space;

pub use beside::{Beside, BesideError, Proof, Setup};
pub use databases::{Databases, cleared_for};
pub use plan::{Options, Plan, TableSize, plan};
pub use run::{Left, record, resume, run};

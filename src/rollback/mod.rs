//! Back to a backup: CiviCRM's part of a dump comes into a database that it may share with a CMS, whose tables stay.
//!
//! [`plan`] says what goes, comes and stays, and what stands in the way; [`Beside`] restores the backup into a database of
//! its own and proves it; [`run`] lets the two sets of tables change places, by [`crate::change::exchange`];
//! [`afterwards`] lists what is left to do besides the database. Where there is no room for both, what goes is dropped
//! ([`clear`]) once a [`fresh`] backup of it is proved, and the backup is restored in its place.

pub mod afterwards;
mod beside;
mod databases;
pub mod fresh;
mod in_place;
mod plan;
mod references;
mod routine_grants;
mod run;
pub mod space;

pub use beside::{Beside, BesideError, Proof, Setup};
pub use databases::{Databases, cleared_for};
pub use in_place::{clear, move_triggers, with_definers};
pub use plan::{Options, Plan, TableSize, plan};
pub use routine_grants::{grants_lost, routine_grants};
pub use run::{Left, is_as_planned, record, resume, run};

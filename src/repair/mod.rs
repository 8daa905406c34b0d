//! From findings to plans: what is to be run to mend a database, and in which order.
//!
//! [`plan`] turns differences of a schema into steps, [`version`] decides which versions may be set,
//! [`orphans`] is about rows that have lost their parents, [`rebuild`] makes a new database, and
//! [`guard`] refuses where a repair would do harm. How a step runs, is written down and taken back is the
//! business of [`crate::change`].

pub mod equal_rows;
pub mod guard;
mod online;
pub mod orphans;
pub mod plan;
pub mod rebuild;
pub mod run;
pub mod version;

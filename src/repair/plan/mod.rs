//! What to run to mend a schema, in which order, and how to take it back. Nothing runs here.
//!
//! The planner keeps a copy of the schema and edits it, one table at a time. A step is the way
//! from a table as it is then to the table as edited ([`alter`](crate::change::alter)), the way back is its inverse,
//! and what has to be proved before and what it costs follow from the two tables as well.
//! Each step finds what the steps before it left, so they run in this order and are taken back
//! in the reverse order.
//!
//! Indexes that a server made by itself for a foreign key follow its name, and nothing a
//! server prints tells them from others. Steps therefore say what such an index is to be
//! called: RENAME INDEX keeps it in its place either way (measured on MariaDB 10.11 and MySQL
//! 9.7), and from then on it is an index like any other. Where that cannot be said beforehand
//! the table may come out differently; whoever runs a plan reads the table after each step,
//! and [`alter::actions`](crate::change::alter::actions) makes the way back from the table as it really is.
//!
//! The order of a table's indexes is taken from the snapshot. The views of information_schema
//! do not know it: read SHOW CREATE TABLE before planning what is to be taken back exactly.
//!
//! Left alone: tables of which CiviCRM's release knows nothing (custom data, logs, extensions
//! from elsewhere, other software), whatever is more than the release asks for, and what the
//! upgrades of CiviCRM itself leave behind without harm.

mod charset;
mod engine;
mod family;
mod for_upgrade;
mod foreign_key_names;
mod foreign_keys;
mod indexes;
mod planner;
mod proofs;
mod select;
mod server;
mod step;
#[cfg(test)]
mod tests;
mod triggers;

pub use family::{Family, Options};
pub use planner::plan;
pub use step::{Cost, Need, NewKey, Plan, PlannedStep, Refused};

//! What every upgrade step of CiviCRM does to the database, as facts.
//!
//! An upgrade from database version D to code T runs every step R with D < R <= T, in the order of the versions.
//! One file for each step stands in `schemas/upgrade` (that folder's README has the form). What the run does
//! before, around and after the steps stands there in files called `driver-*.json`.
//!
//! - [`op`]: one operation: what is done to which table, and under which condition
//! - [`file`]: the form in which files spell operations
//! - [`step`]: steps, their tasks, and which code has them
//! - [`keys`]: the keys that steps drop by name
//! - [`own_checks`]: what CiviCRM's own code looks at in a step, and stops for
//! - [`path`]: which code takes which version, and the way where it does not
//! - [`steps`]: the steps that are part of the program
//! - [`written`]: how steps write an object

pub mod file;
pub mod keys;
pub mod op;
pub mod own_checks;
pub mod path;
pub mod step;
pub mod steps;
pub mod written;

//! An upgrade on paper: which steps CiviCRM will run, what each would do to this database, and where it would stop.
//!
//! ```text
//! version in civicrm_domain -> checks before the steps
//! schema, steps, server     -> task by task on paper -> failures, silent damage, schema at the end
//! ```
//!
//! - [`server_model`]: a server on paper, with the errors of the real ones
//! - `start`: what CiviCRM looks at before the first step
//! - `run`: the tasks in the order in which CiviCRM runs them
//! - `condition`, `facts`: whether an operation is done
//! - `privileges`: what an operation needs the account to be allowed
//! - [`rows`]: what must be true of rows, and which make an operation fail
//! - [`fit`]: which values go into a column of another type
//! - [`mend`], [`render`]: what mends the database before the upgrade, as statements
//! - [`statements`]: the operations as statements, to ask a server what the paper run tells
//! - `mended`: what an operation takes away before a later one needs it gone
//! - `assumed`: what is assumed where nothing mends it, so that later failures are found, too
//! - `repeat`: whether a failed task can run again
//! - `silent`: what is wrong after an upgrade that says that it succeeded
//! - [`failure`]: where the upgrade stops, and why
//! - `own_checks`: what CiviCRM's own code looks at, and stops for
//! - [`forecast`](mod@forecast): the runs, one for each release whose code is needed, and what comes out

mod assumed;
mod condition;
mod facts;
pub mod failure;
pub mod fit;
pub mod forecast;
pub mod mend;
mod mended;
mod own_checks;
pub mod privileges;
pub mod render;
mod repeat;
pub mod rows;
mod run;
pub mod server_model;
pub mod shown;
mod silent;
mod start;
pub mod statements;

pub use forecast::{Forecast, Hop, Options, as_statements, forecast, row_needs};
pub use run::{Operation, SilentDamage};

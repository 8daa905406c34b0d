//! An upgrade on paper: which steps CiviCRM will run, what each would do to this database, and where it would stop.
//!
//! ```text
//! version in civicrm_domain -> checks before the steps
//! schema, steps, server     -> task by task on paper -> failures, silent damage, schema at the end
//! ```
//!
//! - [`server_model`]: a server on paper, with the errors of the real ones
//! - `run`: the tasks in the order in which CiviCRM runs them
//! - `condition`, `facts`: whether an operation is done
//! - `privileges`: what an operation needs the account to be allowed
//! - `rows`: which rows make an operation fail
//! - `mended`: what is assumed to be mended, so that later failures are found, too
//! - `repeat`: whether a failed task can run again
//! - [`failure`]: where the upgrade stops, and why

mod condition;
mod facts;
pub mod failure;
mod mended;
pub mod privileges;
mod repeat;
mod rows;
mod run;
pub mod server_model;
pub mod shown;

pub use run::{Operation, SilentDamage};

use crate::case::Case;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::steps::StepError;
use crate::schema::model::Schema;
use crate::server_version::ServerVersion;
use failure::Failure;
use privileges::UpgradeAccount;
use server_model::ServerModel;

/// What an upgrade is tried with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release of the code that runs the upgrade.
    pub target: Version,
    /// The server on which it runs.
    pub server: ServerVersion,
    /// The account that runs it; `None` where its privileges are not known.
    pub account: Option<UpgradeAccount>,
}

/// How an upgrade would go.
#[derive(Debug)]
pub struct Forecast {
    /// The places at which it would stop, in order, each under the assumption that those before it are mended.
    pub failures: Vec<Failure>,
    /// The places at which it would stop if a condition holds that only the site itself can tell.
    pub possible: Vec<Failure>,
    /// Damage that it does without a word.
    pub silent: Vec<SilentDamage>,
    /// The schema at the end, if everything in its way is mended.
    pub end: Schema,
    /// The steps that run.
    pub steps: Vec<String>,
    /// Every operation.
    pub operations: Vec<Operation>,
    /// The server on which the upgrade runs.
    pub server: ServerModel,
}

/// Runs an upgrade on paper.
///
/// # Errors
/// A file of steps that is part of the program cannot be read.
pub fn forecast(case: &Case, options: &Options) -> Result<Forecast, StepError> {
    let database = case.snapshot.database.clone().unwrap_or_default();
    let server = ServerModel::new(options.server.clone(), database);
    let rows = facts::RowFacts::new(&case.snapshot);
    let answers = rows::RowAnswers::default();
    let outcome = run::run(&run::Setup {
        case,
        server: &server,
        code: &options.target,
        account: options.account.as_ref(),
        rows: &rows,
        answers: &answers,
    })?;
    Ok(Forecast {
        failures: outcome.failures,
        possible: outcome.possible,
        silent: outcome.silent,
        end: outcome.end,
        steps: outcome.steps,
        operations: outcome.operations,
        server,
    })
}

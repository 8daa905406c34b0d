//! The runs on paper, one for each release whose code is needed, and what comes out.

use std::cell::Cell;

use super::failure::Failure;
use super::privileges::UpgradeAccount;
use super::rows::{RowAnswers, RowNeed, RowState};
use super::run::{self, CodeOf, Operation, SilentDamage};
use super::server_model::ServerModel;
use super::statements::RenderedOperation;
use super::{facts, silent, start};
use crate::case::Case;
use crate::civicrm::reference::Reference;
use crate::civicrm::release::Version;
use crate::civicrm::requirements::{Fitness, Requirements};
use crate::civicrm::upgrade::path;
use crate::civicrm::upgrade::steps::StepError;
use crate::schema::model::{Schema, find_entry};
use crate::server_version::{Family, ServerVersion};

/// What an upgrade is tried with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release of the code that runs the upgrade.
    pub target: Version,
    /// The server on which it runs; `None` for the source's own. In place of a dump's that is older than the target
    /// takes, one is taken that is not; in place of one that is not known, MariaDB 10.11.
    pub server: Option<ServerVersion>,
    /// The account that runs it; `None` where its privileges are not known.
    pub account: Option<UpgradeAccount>,
}

/// One release whose code runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The release.
    pub release: Version,
    /// The PHP versions that its code runs on, in words.
    pub php: String,
    /// What it asks of the database server.
    pub requirements: Requirements,
}

/// How an upgrade would go.
#[derive(Debug)]
pub struct Forecast {
    /// What `civicrm_domain.version` says.
    pub declared: Option<String>,
    /// The version with which the run begins: the declared one, or the one that should stand there; `None` where
    /// nothing tells it.
    pub from: Option<Version>,
    /// The release that the upgrade goes to.
    pub target: Version,
    /// The releases whose code runs one after the other; empty where no way is known.
    pub path: Vec<Hop>,
    /// What the code of the target says where it does not take the version, so that the path has several releases.
    pub below_minimum: Option<String>,
    /// The places at which it would stop, in order, each under the assumption that those before it are mended.
    pub failures: Vec<Failure>,
    /// The places at which it would stop if a condition holds that only the site itself can tell.
    pub possible: Vec<Failure>,
    /// Damage that it does without a word.
    pub silent: Vec<SilentDamage>,
    /// The schema at the end, if everything in its way is mended.
    pub end: Schema,
    /// The database before the upgrade with everything mended that can be.
    pub start: Schema,
    /// The steps that run.
    pub steps: Vec<String>,
    /// Every operation.
    pub operations: Vec<Operation>,
    /// The server on which the upgrade runs.
    pub server: ServerModel,
    /// What must be true of the rows, and was not found to be wrong.
    pub needs: Vec<RowNeed>,
    /// The server of the dump, where the upgrade cannot run on it.
    pub not_on: Option<ServerVersion>,
    /// The operations that run as statements; empty unless they were asked for.
    pub statements: Vec<RenderedOperation>,
}

/// A server that every release from 4.7 on takes, of the family of another.
fn current(family: Family) -> ServerVersion {
    let (number, text) = match family {
        Family::Mysql => ((8, 0, 40), "8.0.40"),
        Family::Mariadb => ((10, 11, 10), "10.11.10"),
    };
    ServerVersion {
        family,
        number,
        text: text.to_owned(),
    }
}

/// The server on which the upgrade runs, and the dump's own where that is another one.
fn server(case: &Case, options: &Options) -> (ServerVersion, Option<ServerVersion>) {
    if let Some(named) = &options.server {
        return (named.clone(), None);
    }
    let Some(own) = &case.snapshot.source.server_version else {
        return (current(Family::Mariadb), None);
    };
    let is_dump = case.snapshot.server.is_none();
    let fitness = Requirements::of(&options.target).fitness(own);
    match fitness {
        Fitness::TooOld(_) if is_dump => (current(own.family), Some(own.clone())),
        _ => (own.clone(), None),
    }
}

/// What the upgrade of a case to its target needs of the rows; nothing where the case goes nowhere.
///
/// # Errors
/// A file of steps that is part of the program cannot be read.
pub fn row_needs(case: &Case) -> Result<Vec<RowNeed>, StepError> {
    let Some(target) = case.target_release.clone() else {
        return Ok(Vec::new());
    };
    let options = Options {
        target,
        server: case.target_server.clone(),
        account: None,
    };
    let wanted = Wanted::default();
    Ok(run_on_paper(case, &options, &RowAnswers::default(), wanted)?.needs)
}

/// Runs an upgrade on paper, release by release where the code of the target does not take the version.
///
/// # Errors
/// A file of steps that is part of the program cannot be read.
pub fn forecast(
    case: &Case,
    options: &Options,
    answers: &RowAnswers,
) -> Result<Forecast, StepError> {
    let start = start::start(case, &options.target, &server(case, options).0);
    let wanted = Wanted {
        clean: start.from.as_ref().and_then(|from| clean_start(case, from)),
        statements: false,
    };
    run_on_paper(case, options, answers, wanted)
}

/// The same run with its operations as statements ([`Forecast::statements`]), and without what it leaves wrong at the
/// end.
///
/// # Errors
/// A file of steps that is part of the program cannot be read.
pub fn as_statements(
    case: &Case,
    options: &Options,
    answers: &RowAnswers,
) -> Result<Forecast, StepError> {
    let wanted = Wanted {
        clean: None,
        statements: true,
    };
    run_on_paper(case, options, answers, wanted)
}

/// What is wanted of a run besides its failures.
#[derive(Default)]
struct Wanted {
    /// A database as its release makes it, against whose end the end is held.
    clean: Option<Schema>,
    /// The operations as statements.
    statements: bool,
}

fn run_on_paper(
    case: &Case,
    options: &Options,
    answers: &RowAnswers,
    wanted: Wanted,
) -> Result<Forecast, StepError> {
    let database = case.snapshot.database.clone().unwrap_or_default();
    let (version, not_on) = server(case, options);
    let mut server = ServerModel::new(version, database);
    let facts = case.snapshot.server.as_ref();
    let own = facts.filter(|_| options.server.is_none());
    if let Some(sql_mode) = own.and_then(|facts| facts.variable("sql_mode")) {
        server = server.with_sql_mode(sql_mode);
    }
    if let Some(value) = own.and_then(|facts| facts.variable("restrict_fk_on_non_standard_key")) {
        server.unique_parents = value == "ON";
    }
    let is_on = |name: &str| {
        let value = own.and_then(|facts| facts.variable(name));
        value.is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("ON"))
    };
    server.programs_need_super = is_on("log_bin") && !is_on("log_bin_trust_function_creators");
    let rows = facts::RowFacts::new(&case.snapshot);
    let start = start::start(case, &options.target, &server.version);
    let site = case.site.as_ref();
    let domain = site.and_then(|site| site.domains.as_ref()?.first());
    let path = start
        .from
        .as_ref()
        .and_then(|from| path::path(case.catalogue, from, &options.target));
    let path = path.unwrap_or_default();
    let mut forecast = Forecast {
        declared: domain.and_then(|domain| domain.version.clone()),
        below_minimum: start
            .from
            .as_ref()
            .and_then(|from| start::below_minimum(from, &options.target)),
        target: options.target.clone(),
        failures: start.failures,
        possible: Vec::new(),
        silent: Vec::new(),
        end: case.snapshot.schema.clone(),
        start: case.snapshot.schema.clone(),
        steps: Vec::new(),
        operations: Vec::new(),
        path: path.iter().map(Hop::of).collect(),
        from: start.from.clone(),
        server,
        not_on,
        needs: Vec::new(),
        statements: Vec::new(),
    };
    let Some(mut from) = start.from else {
        return Ok(forecast);
    };
    let (mut clean_end, mut row_state) = (wanted.clean, RowState::default());
    for code in path {
        from = start::as_steps_count(&from);
        let does = CodeOf::read(&code, &from)?;
        let setup = run::Setup {
            case,
            server: &forecast.server,
            code: &code,
            does: &does,
            from: &from,
            schema: std::mem::take(&mut forecast.end),
            start: std::mem::take(&mut forecast.start),
            account: options.account.as_ref(),
            rows: &rows,
            row_state: Cell::new(std::mem::take(&mut row_state)),
            answers,
            renders: wanted.statements,
        };
        let outcome = run::run(&setup);
        forecast.failures.extend(outcome.failures);
        forecast.possible.extend(outcome.possible);
        forecast.silent.extend(outcome.silent);
        forecast.steps.extend(outcome.steps);
        forecast.operations.extend(outcome.operations);
        forecast.statements.extend(outcome.statements);
        row_state = outcome.rows;
        (forecast.end, forecast.start) = (outcome.end, outcome.start);
        if let Some(schema) = clean_end.take() {
            let setup = run::Setup {
                start: schema.clone(),
                schema,
                account: None,
                row_state: Cell::default(),
                answers: &RowAnswers::default(),
                renders: false,
                ..setup
            };
            clean_end = Some(run::run(&setup).end);
        }
        from = code;
    }
    if let Some(clean) = clean_end {
        let damage = silent::damage(case, &options.target, &forecast.end, &clean);
        let is_known = |damage: &SilentDamage| {
            let mut known = forecast.silent.iter();
            known.any(|known| known.table == damage.table)
        };
        let new: Vec<SilentDamage> = damage
            .into_iter()
            .filter(|damage| !is_known(damage))
            .collect();
        forecast.silent.extend(new);
    }
    forecast.needs = row_state.needs;
    Ok(forecast)
}

/// A database of this version as its release makes it, with what is in the case besides.
fn clean_start(case: &Case, from: &Version) -> Option<Schema> {
    let state = case.catalogue.state_for(from)?;
    let reference = Reference::new(case.catalogue, state, case.subject()).schema;
    let mut schema = case.snapshot.schema.clone();
    for (name, table) in reference.tables {
        let spelled =
            find_entry(&schema.tables, &name).map_or(name.clone(), |(name, _)| name.clone());
        schema.tables.insert(spelled, table);
    }
    Some(schema)
}

impl Hop {
    fn of(release: &Version) -> Self {
        Self {
            php: path::php(release),
            requirements: Requirements::of(release),
            release: release.clone(),
        }
    }
}

//! The run of an upgrade on paper: task by task, as CiviCRM's code would do it.

mod expand;
mod rendered;
mod statement;

pub(super) use statement::is_of_site;

use std::cell::Cell;
use std::collections::HashSet;

use super::assumed::Assumptions;
use super::condition::{Background, Holds};
use super::facts::RowFacts;
use super::failure::{Cause, Failure, Retry, RowCause, When};
use super::mend::{self, Mend};
use super::own_checks;
use super::privileges::UpgradeAccount;
use super::repeat;
use super::rows::{self, RowAnswers, RowNeed, RowState};
use super::server_model::{ServerError, ServerModel};
use super::shown::shown;
use super::start::PARTLY_UPGRADED;
use super::statements::RenderedOperation;
use crate::case::Case;
use crate::civicrm::reference::Reference;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::op::{Action, Guard, Op, RowOf, StopsIf};
use crate::civicrm::upgrade::step::{Phase, Step, Task, covers};
use crate::civicrm::upgrade::steps::{self, StepError};
use crate::schema::model::{Schema, find};

/// What a run takes.
pub(super) struct Setup<'a, 'c> {
    pub case: &'a Case<'c>,
    pub server: &'a ServerModel,
    /// The release of the code that runs the upgrade.
    pub code: &'a Version,
    /// What that code does.
    pub does: &'a CodeOf,
    /// The version of the database.
    pub from: &'a Version,
    /// The schema before the run.
    pub schema: Schema,
    /// The database before the first run, with everything mended so far.
    pub start: Schema,
    pub account: Option<&'a UpgradeAccount>,
    pub rows: &'a RowFacts<'a>,
    /// What the runs before have done to the rows.
    pub row_state: Cell<RowState>,
    pub answers: &'a RowAnswers,
    /// Whether the operations are wanted as statements.
    pub renders: bool,
}

/// How an upgrade would go.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The places at which it would stop, each under the assumption that those before it are mended.
    pub failures: Vec<Failure>,
    /// The places at which it would stop if a condition holds that only the site can tell.
    pub possible: Vec<Failure>,
    /// Statements that succeed and do not do what they say.
    pub silent: Vec<SilentDamage>,
    /// The schema at the end, if everything that stops the upgrade is mended.
    pub end: Schema,
    /// The database before the upgrade with everything mended that can be.
    pub start: Schema,
    /// What the steps need of rows and have done to them.
    pub rows: RowState,
    /// The steps that run.
    pub steps: Vec<String>,
    /// Every operation, for people who want to see them.
    pub operations: Vec<Operation>,
    /// The operations that run as statements, where they are wanted.
    pub statements: Vec<RenderedOperation>,
}

/// Damage that the upgrade does without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentDamage {
    /// The step that does it; `None` around the steps.
    pub step: Option<String>,
    /// The table that it is done to.
    pub table: String,
    /// What is wrong afterwards.
    pub what: String,
}

/// One operation of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The step; `None` around the steps.
    pub step: Option<String>,
    /// The title of the task.
    pub task: String,
    /// What the operation does.
    pub operation: &'static str,
    /// The table of the operation.
    pub table: Option<String>,
    /// What becomes of it: `runs`, `skipped`, `fails` or `unknown`.
    pub becomes: &'static str,
}

/// The state of a run.
struct Run<'a, 'c> {
    setup: &'a Setup<'a, 'c>,
    server: ServerModel,
    schema: Schema,
    assumed: Assumptions<'a, 'c>,
    /// The database as it would be when everything so far is mended before the upgrade.
    start: Schema,
    /// What CiviCRM makes of the release that the database declares.
    reference: Option<Schema>,
    /// What CiviCRM makes of the release of the code, where operations are wanted as statements.
    target: Option<Schema>,
    locales: Vec<String>,
    version: Option<String>,
    when: When,
    step: Option<String>,
    dropped: Vec<(String, String)>,
    rows: RowState,
    /// Tables, and columns as `table.column`, that a mend has given another name, in lower case.
    set_aside: HashSet<String>,
    /// Tables, in lower case, that the run took from the release of the code, because the declared one has none of the
    /// name: they have already what the steps in between add.
    guessed: HashSet<String>,
    /// The number of the first error of the operation that runs.
    error: Option<u32>,
    outcome: Outcome,
}

/// What the code of one release does to a database of one version.
pub(super) struct CodeOf {
    driver: Step,
    steps: Vec<Step>,
}

impl CodeOf {
    /// Reads the steps that code of a release runs on a database of version `from`.
    ///
    /// # Errors
    /// A file of steps that is part of the program cannot be read.
    pub fn read(code: &Version, from: &Version) -> Result<Self, StepError> {
        Ok(Self {
            driver: steps::driver(code)?,
            steps: steps::between(&from.without_marker(), code)?,
        })
    }
}

/// Runs an upgrade with the code of one release.
pub(super) fn run(setup: &Setup<'_, '_>) -> Outcome {
    let site = setup.case.site.as_ref();
    let from = setup.from.without_marker();
    let mut run = Run {
        setup,
        server: setup.server.clone(),
        schema: setup.schema.clone(),
        assumed: Assumptions::new(setup.case, setup.code),
        start: setup.start.clone(),
        reference: reference(setup.case, &from),
        target: setup
            .renders
            .then(|| reference(setup.case, setup.code))
            .flatten(),
        locales: site.map(|site| site.locales().to_vec()).unwrap_or_default(),
        version: Some(from.to_string()),
        when: When::Before,
        step: None,
        dropped: Vec::new(),
        rows: setup.row_state.take(),
        set_aside: HashSet::new(),
        guessed: HashSet::new(),
        error: None,
        outcome: Outcome::default(),
    };
    let CodeOf { driver, steps } = setup.does;
    run.outcome.steps = steps.iter().map(|step| step.revision.clone()).collect();
    run.whole(driver, steps);
    run.outcome.end = run.schema;
    run.outcome.start = run.start;
    run.outcome.rows = run.rows;
    run.outcome
}

/// The tables of the release from which the run starts, or else of the one that the schema is of.
fn reference(case: &Case, from: &Version) -> Option<Schema> {
    let state = case.catalogue.state_for(from).or_else(|| case.state())?;
    Some(Reference::new(case.catalogue, state, case.subject()).schema)
}

impl Run<'_, '_> {
    fn whole(&mut self, driver: &Step, steps: &[Step]) {
        let of_phase = |phase| {
            driver
                .tasks
                .iter()
                .filter(move |task| task.phase == Some(phase))
        };
        for task in of_phase(Phase::Before) {
            self.task(task);
        }
        for step in steps {
            self.step = Some(step.revision.clone());
            let checks = step.tasks.iter();
            for task in
                checks.filter(|task| matches!(task.phase, Some(Phase::Before | Phase::PreCheck)))
            {
                self.task(task);
            }
        }
        self.when = When::Step;
        self.step = steps.first().map(|step| step.revision.clone());
        for task in of_phase(Phase::First) {
            self.task(task);
        }
        for step in steps {
            self.step = Some(step.revision.clone());
            for task in of_phase(Phase::Begin) {
                self.titled(task, &step.revision);
            }
            let marks = self.setup.code.major_minor() >= (3, 1);
            if marks {
                self.version = Some(format!("{}.upgrade", step.revision));
            }
            for task in step
                .tasks
                .iter()
                .filter(|task| task.phase.is_none() && task.weight.is_none())
            {
                self.task(task);
            }
            self.version = Some(step.revision.clone());
            for task in of_phase(Phase::Finish) {
                self.titled(task, &step.revision);
            }
        }
        self.step = None;
        self.when = When::After;
        let own = driver.tasks.iter().map(|task| (None, task));
        let of_steps = steps.iter().flat_map(|step| {
            step.tasks
                .iter()
                .map(move |task| (Some(step.revision.clone()), task))
        });
        let mut late: Vec<_> = own
            .chain(of_steps)
            .filter(|(_, task)| task.weight.is_some())
            .collect();
        late.sort_by_key(|(_, task)| task.weight);
        for (step, task) in late {
            self.step = step;
            if task.weight >= Some(1000) {
                self.version = Some(self.setup.code.as_str().to_owned());
            }
            self.titled(task, self.setup.code.as_str());
        }
        self.step = None;
        self.version = Some(self.setup.code.as_str().to_owned());
        for task in of_phase(Phase::Last) {
            self.task(task);
        }
    }

    fn titled(&mut self, task: &Task, revision: &str) {
        let mut task = task.clone();
        task.task = task
            .task
            .replace("{revision}", revision)
            .replace("{code}", revision);
        self.task(&task);
    }

    fn task(&mut self, task: &Task) {
        self.dropped.clear();
        self.server.foreign_key_checks = true;
        for at in 0..task.ops.len() {
            if covers(&task.code, self.setup.code) {
                self.op(task, at);
            }
        }
        self.checks_again(task);
    }

    fn is_multilingual(&self) -> bool {
        !self.locales.is_empty()
    }

    fn background(&self) -> Background<'_> {
        Background {
            schema: &self.schema,
            steps: &self.outcome.steps,
            rows: self.setup.rows,
            from: Some(self.setup.from),
            added: &self.rows.added,
            filled: &self.rows.filled,
            dropped: &self.dropped,
        }
    }

    fn op(&mut self, task: &Task, at: usize) {
        let Some(op) = task.ops.get(at) else {
            return;
        };
        let logs = self.setup.case.site.as_ref().and_then(|site| site.logging) == Some(true);
        let is_for_site = op
            .multilingual
            .is_none_or(|wanted| wanted == self.is_multilingual());
        if !is_for_site || (op.logging && !logs) {
            return;
        }
        for op in self.expanded(op) {
            self.one(task, at, op);
        }
    }

    /// Runs an operation on one table, in one language.
    fn one(&mut self, task: &Task, at: usize, op: Op) {
        self.error = None;
        let holds = match self.background().is_done(&op) {
            Ok(holds) => holds,
            Err(error) => {
                let mends = self.mend(&error, &op, true);
                self.fail(task, at, Cause::Schema(error.clone()), mends, None);
                self.looked_at(task, &op);
                self.error = None;
                self.assume(&mut op.clone(), &error);
                Holds::Yes
            }
        };
        let holds = match (&task.when, holds) {
            (Some(_), Holds::Yes) => Holds::Unknown,
            (_, holds) => holds,
        };
        if holds == Holds::No {
            self.looked_at(task, &op);
            self.note(task, &op, "skipped");
            return;
        }
        let condition = (holds == Holds::Unknown).then(|| condition_of(task, &op));
        let rendered = self.rendered(task, &op, condition.clone());
        // CiviCRM drops the triggers that it finds.
        let has_nothing_to_drop =
            matches!(op.action, Action::DropTriggers) && self.schema.triggers.is_empty();
        let account = self.setup.account.filter(|_| !has_nothing_to_drop);
        if let Some((privilege, error)) =
            account.and_then(|account| account.denied(&op, &self.server))
        {
            let cause = Cause::Privilege(privilege, error);
            self.fail(task, at, cause, Vec::new(), condition.clone());
        }
        let failures = self.outcome.failures.len() + self.outcome.possible.len();
        self.act(task, at, op.clone(), condition.as_deref());
        self.outcome
            .statements
            .extend(rendered.map(|rendered| RenderedOperation {
                error: self.error,
                ..rendered
            }));
        if condition.is_none() {
            self.rows.note(&op);
        }
        let failed = self.outcome.failures.len() + self.outcome.possible.len() > failures;
        let becomes = match (failed, holds) {
            (true, _) => "fails",
            (false, Holds::Unknown) => "unknown",
            (false, _) => "runs",
        };
        self.note(task, &op, becomes);
    }

    fn note(&mut self, task: &Task, op: &Op, becomes: &'static str) {
        self.outcome.operations.push(Operation {
            step: self.step.clone(),
            task: task.task.clone(),
            operation: op.kind(),
            table: op.table().map(str::to_owned),
            becomes,
        });
    }

    /// Runs an operation; what is in the way is noted as a failure and taken out of the way.
    fn act(&mut self, task: &Task, at: usize, mut op: Op, condition: Option<&str>) {
        if let Action::Other {
            stops_if: Some(stops),
            ..
        } = &op.action
            && self.stops(stops)
        {
            self.fail(
                task,
                at,
                Cause::Version,
                Vec::new(),
                condition.map(str::to_owned),
            );
            return;
        }
        if task.ignores_errors || op.guard == Guard::IgnoreErrors {
            let _ = self.try_op(&op);
            return;
        }
        let reference = self.reference.as_ref();
        if let Some(step) = &self.step
            && let Some((cause, mut mends)) =
                own_checks::of_keys(step, &op, &self.schema, reference)
        {
            mends.retain(|mend| mend.apply(&mut self.start, &self.server).is_ok());
            for mend in &mends {
                // Where the keys cannot be made, nothing is mended, and the failure says so.
                let _ = mend.apply(&mut self.schema, &self.server);
            }
            self.fail(task, at, cause, mends, condition.map(str::to_owned));
        }
        self.rows(task, at, &op, condition);
        if let Some(table) = self.maybe_no_custom_table(&op) {
            let error = ServerError::NoTable { table };
            let mends = self.mend(&error, &op, false);
            let when = "the server compares names of tables exactly (lower_case_table_names = 0)";
            self.fail(task, at, Cause::Schema(error), mends, Some(when.to_owned()));
        }
        let mut result = self.try_op(&op);
        // Every round takes one thing out of the way.
        for _ in 0..40 {
            let Err(error) = result else {
                break;
            };
            // What was in the way was taken for its own by an operation before, which would have made it.
            if (self.is_set_aside(&error, &op) || self.is_guessed(&op))
                && self.assume(&mut op, &error)
            {
                result = self.try_op(&op);
                continue;
            }
            let mends = self.mend(&error, &op, condition.is_none());
            let is_mended = !mends.is_empty();
            let own = condition.map(str::to_owned);
            self.fail(task, at, Cause::Schema(error.clone()), mends, own);
            // Where it is not known whether the operation runs at all, nothing is done.
            if condition.is_some() {
                return;
            }
            if is_mended {
                result = self.try_op(&op);
                if result.as_ref().err() != Some(&error) {
                    continue;
                }
            }
            if !self.assume(&mut op, &error) {
                break;
            }
            result = self.try_op(&op);
        }
    }

    /// Goes on as if somebody had mended what the error is about; returns whether there was anything to do.
    fn assume(&mut self, op: &mut Op, error: &ServerError) -> bool {
        if let ServerError::NoTable { table } | ServerError::NotTable { view: table } = error
            && self
                .reference
                .as_ref()
                .is_some_and(|reference| reference.table(table).is_none())
        {
            self.guessed.insert(table.to_ascii_lowercase());
        }
        self.assumed.mend(&mut self.schema, op, error)
    }

    fn is_guessed(&self, op: &Op) -> bool {
        let table = op.table().map(str::to_ascii_lowercase);
        table.is_some_and(|table| self.guessed.contains(&table))
    }

    /// Whether CiviCRM's own code stops here: up to 3.1 its steps look first whether they have run before.
    fn stops(&self, stops: &StopsIf) -> bool {
        let is_there = |name: &String| match name.split_once('.') {
            Some((table, column)) => {
                let table = self.schema.table(table);
                table.is_some_and(|table| find(&table.columns, column).is_some())
            }
            None => self.schema.table(name).is_some(),
        };
        let exist = match stops.how.as_str() {
            "any" => stops.exist.iter().any(is_there),
            _ => stops.exist.iter().all(is_there),
        };
        exist && !stops.absent.iter().any(is_there)
    }

    /// Looks whether rows of the database make the operation fail, which has not run yet.
    fn rows(&mut self, task: &Task, at: usize, op: &Op, condition: Option<&str>) {
        let start = &self.setup.case.snapshot.schema;
        let own = || condition.map(str::to_owned);
        let reference = self.reference.as_ref();
        let (state, server) = (&self.rows, &self.server);
        for (table, need, error) in rows::needs(op, &self.schema, start, reference, state, server) {
            let answers = self.setup.answers;
            match answers.cause(&table, &need, error, &self.server) {
                Some(cause) => self.fail(task, at, cause, Vec::new(), own()),
                None if condition.is_none() => self.rows.needs.push(RowNeed {
                    table,
                    rows: need,
                    step: self.step.clone(),
                }),
                None => {}
            }
        }
        self.own_rows(task, at, op, condition);
        self.needed_rows(task, at, op, condition);
        for (table, values, error) in rows::clashes(op, &self.schema, &self.rows) {
            if start.table(&table).is_some()
                && self.background().had_row(&table, &values) == Holds::Yes
            {
                let cause = RowCause {
                    what: format!("{table} has such a row already"),
                    table,
                    subject: None,
                    rows: Some(1),
                    samples: Vec::new(),
                    entry: None,
                    has_run_before: true,
                    mend: "A step that adds this row has run before: look whether civicrm_domain.version is right \
                           (cividb version)."
                        .to_owned(),
                };
                self.fail(task, at, Cause::Rows(error, cause), Vec::new(), own());
            }
        }
    }

    /// Looks whether rows make CiviCRM's own code stop.
    fn own_rows(&mut self, task: &Task, at: usize, op: &Op, condition: Option<&str>) {
        let Some(step) = self.step.clone() else {
            return;
        };
        let start = &self.setup.case.snapshot.schema;
        for check in own_checks::of_rows(&step, op, start, self.reference.as_ref(), &self.rows) {
            match self.setup.answers.offending(&check.table, &check.rows) {
                Some(rows) => {
                    let cause = check.cause(rows.clone());
                    self.fail(task, at, cause, Vec::new(), condition.map(str::to_owned));
                }
                None if condition.is_none() => self.rows.needs.push(RowNeed {
                    table: check.table,
                    rows: check.rows,
                    step: Some(step.clone()),
                }),
                None => {}
            }
        }
    }

    /// Looks whether rows that new rows refer to are there; without them CiviCRM inserts a NULL.
    fn needed_rows(&mut self, task: &Task, at: usize, op: &Op, condition: Option<&str>) {
        let Action::Insert(insert) = &op.action else {
            return;
        };
        let table = self.schema.table(&insert.table);
        let refuses_null = |need: &&RowOf| {
            let column = need.purpose.as_deref().unwrap_or_default();
            let column = table.and_then(|table| find(&table.columns, column));
            column.is_some_and(|column| !column.nullable)
        };
        let needs = insert.query.needs.iter().filter(refuses_null);
        let background = self.background();
        let missing = needs.filter(|need| {
            self.schema.table(&need.table).is_some() && background.has_needed_row(need) == Holds::No
        });
        let missing: Vec<RowOf> = missing.cloned().collect();
        for need in missing {
            let error = ServerError::NullForColumn {
                column: need.purpose.clone().unwrap_or_default(),
            };
            let cause = Cause::Rows(error, RowCause::missing(&need));
            self.fail(task, at, cause, Vec::new(), condition.map(str::to_owned));
        }
    }

    /// Whether an object is missing only because one of its name was in the way and is set aside.
    fn is_set_aside(&self, error: &ServerError, op: &Op) -> bool {
        let name = match error {
            ServerError::NoTable { table } => table.clone(),
            ServerError::NoColumn { column, place } => format!("{place}.{column}"),
            ServerError::NoKeyColumn { column } => {
                format!("{}.{column}", op.table().unwrap_or_default())
            }
            _ => return false,
        };
        self.set_aside.contains(&name.to_ascii_lowercase())
    }

    /// What mends the database before the upgrade. Where the operation runs for certain, the schemas of the run get it,
    /// too.
    fn mend(&mut self, error: &ServerError, op: &Op, runs: bool) -> Vec<Mend> {
        let Some(reference) = &self.reference else {
            return Vec::new();
        };
        let mut mends = mend::mends(error, op, &self.start, reference);
        if !runs {
            let mut start = self.start.clone();
            mends.retain(|mend| mend.apply(&mut start, &self.server).is_ok());
            return mends;
        }
        mends.retain(|mend| mend.apply(&mut self.start, &self.server).is_ok());
        for mend in &mends {
            self.set_aside.extend(mend.sets_aside());
            // What the steps have changed meanwhile may not take it.
            let _ = mend.apply(&mut self.schema, &self.server);
        }
        mends
    }

    fn fail(
        &mut self,
        task: &Task,
        at: usize,
        cause: Cause,
        mends: Vec<Mend>,
        condition: Option<String>,
    ) {
        let op = task.ops.get(at);
        let number = cause.server_error().map(|error| error.number(&self.server));
        // What CiviCRM's code refuses, the server does not.
        self.error = self.error.or(number);
        let failure = Failure {
            when: self.when,
            step: self.step.clone(),
            task: (self.when != When::Before).then(|| task.task.clone()),
            operation: op.map(Op::kind),
            table: match (op, cause.server_error()) {
                // The operation is about the table of each custom group.
                (Some(op), Some(ServerError::NoTable { table }))
                    if matches!(op.action, Action::CreateTrigger { .. }) =>
                {
                    Some(table.clone())
                }
                (op, _) => {
                    let table = op.and_then(Op::table);
                    table
                        .filter(|table| !table.contains('{'))
                        .map(str::to_owned)
                }
            },
            shown: match (cause.own_text(), number) {
                (Some(own), _) => own.to_owned(),
                (None, Some(number)) => shown(number).to_owned(),
                (None, None) => PARTLY_UPGRADED.to_owned(),
            },
            version_after: self.version.clone(),
            retry: match self.when {
                When::Before => Retry::Works,
                When::Step => repeat::retry(task, at, &cause, &mends),
                When::After => Retry::NeedsBackup,
            },
            cause,
            mends,
            condition: condition.clone(),
        };
        let list = match condition {
            Some(_) => &mut self.outcome.possible,
            None => &mut self.outcome.failures,
        };
        // The account lacks the privilege for every later operation of the kind as well.
        let is_known = list
            .iter()
            .any(|known| match (&known.cause, &failure.cause) {
                (Cause::Privilege(known, _), Cause::Privilege(new, _)) => known == new,
                (Cause::Schema(known), Cause::Schema(new)) => known == new,
                (Cause::OwnKeys(..), Cause::OwnKeys(..)) => true,
                (Cause::Version, Cause::Version) => true,
                (known, new) => known.rows().is_some() && known.rows() == new.rows(),
            });
        if !is_known {
            list.push(failure);
        }
    }
}

fn condition_of(task: &Task, op: &Op) -> String {
    let own = match &op.guard {
        Guard::When(condition) => condition.when.clone(),
        _ => None,
    };
    own.or_else(|| task.when.clone())
        .unwrap_or_else(|| "it depends on rows that were not read".to_owned())
}

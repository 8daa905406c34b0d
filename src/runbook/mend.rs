//! Steps that mend what would stop the upgrade.

use super::model::{State, Step, Steps};
use super::subject::Subject;
use crate::preflight::failure::{Cause, Failure};
use crate::text::count;

/// Failures that are named one by one.
const NAMED: usize = 5;

/// The steps that mend the database.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    steps.add(version(subject));
    steps.add(mend(subject));
    let target = &subject.forecast.target;
    steps.add(
        Step::new("forecast", "Run the upgrade on paper once more")
            .why("Whatever was changed above is looked at again.")
            .run(format!("cividb preflight \"$SITE\" --target {target}"))
            .how("Go on when it says that the upgrade will finish."),
    );
}

fn is_version(failure: &&Failure) -> bool {
    matches!(failure.cause, Cause::Version)
}

fn version(subject: &Subject) -> Step {
    let forecast = subject.forecast;
    let step = Step::new(
        "version",
        "Have a version in civicrm_domain that the upgrade takes",
    )
    .check("cividb version \"$SITE\"");
    let declared = forecast.declared.as_deref();
    match forecast.failures.iter().find(is_version) {
        None => match declared {
            Some(version) => step.state(
                State::Done,
                format!("civicrm_domain.version is {version}, which the upgrade takes."),
            ),
            None => step.state(
                State::Look,
                "The source does not say what civicrm_domain.version is.",
            ),
        },
        Some(failure) => step
            .why(format!(
                "civicrm_domain.version is {}, and the upgrade stops: {}",
                declared.unwrap_or("empty"),
                failure.shown
            ))
            .run("cividb version \"$SITE\" --fix")
            .run("cividb version \"$SITE\" --fix --apply"),
    }
}

/// Where it stops, in one sentence.
fn sentence(failure: &Failure, server: &crate::preflight::server_model::ServerModel) -> String {
    let place = match &failure.step {
        Some(step) => format!("Step {step}"),
        None => "The check before the steps".to_owned(),
    };
    let table = failure.table.as_ref();
    let table = table.map_or_else(String::new, |table| format!(" at table {table}"));
    let why = match &failure.cause {
        Cause::Rows(_, rows) => rows.what.clone(),
        Cause::Check(what) => what.clone(),
        cause => match cause.server_error() {
            Some(error) => error.text(server),
            None => failure.shown.clone(),
        },
    };
    format!("{place} stops{table}: {why}.")
}

fn mend(subject: &Subject) -> Step {
    let forecast = subject.forecast;
    let target = &forecast.target;
    let step = Step::new(
        "mend",
        "Mend what would stop the upgrade, or is damaged by it",
    );
    let failures: Vec<&Failure> = forecast
        .failures
        .iter()
        .filter(|failure| !is_version(failure) && !matches!(failure.cause, Cause::Privilege(..)))
        .collect();
    if failures.is_empty() && forecast.silent.is_empty() && forecast.possible.is_empty() {
        return match (forecast.path.is_empty(), &subject.not_told) {
            (true, _) => step.state(State::Look, "No way is known, so that nothing can be said."),
            (false, Some(why)) => step
                .state(
                    State::Look,
                    format!("On paper every step runs to its end, as far as the database was looked at: {why}."),
                )
                .check(format!("cividb preflight \"$SITE\" --target {target}")),
            (false, None) => step.state(
                State::Done,
                "On paper every step runs to its end, with the foreign keys, indexes and rows of this database.",
            ),
        };
    }
    let mut step = step.why(format!(
        "The upgrade on paper stops at {}.",
        count(failures.len() as u64, "place")
    ));
    for failure in failures.iter().take(NAMED) {
        step = step.how(sentence(failure, &forecast.server));
    }
    if let Some(more @ 1..) = failures.len().checked_sub(NAMED) {
        step = step.how(format!(
            "And {} more; cividb preflight lists all.",
            count(more as u64, "place")
        ));
    }
    for failure in forecast.possible.iter().take(NAMED) {
        let condition = failure
            .condition
            .as_deref()
            .unwrap_or("something that only the site can tell");
        step = step.how(format!(
            "It depends on {condition}: {}",
            sentence(failure, &forecast.server)
        ));
    }
    for damage in forecast.silent.iter().take(NAMED) {
        step = step.how(format!(
            "Table {} is damaged without a word: {}.",
            damage.table, damage.what
        ));
    }
    let rows = failures
        .iter()
        .any(|failure| matches!(failure.cause, Cause::Rows(..)));
    if rows {
        step = step
            .run(format!("cividb orphans \"$SITE\" --target {target}"))
            .how("Rows without their parents are never deleted unless --orphans says so; cividb repair exports them first.");
    }
    step.run(format!("cividb repair for-upgrade \"$SITE\" --target {target}"))
        .run(format!("cividb repair for-upgrade \"$SITE\" --target {target} --apply"))
        .check(format!("cividb preflight \"$SITE\" --target {target}"))
        .trap("The first command only shows the statements. The second writes a journal, from which cividb undo takes them back.")
}

//! What an upgrade on paper stops at, mended before the upgrade as far as statements mend it.

use super::family::Family;
use super::planner::{Planner, Purpose};
use super::step::{Cost, PlannedStep};
use crate::case::Case;
use crate::civicrm::upgrade::op::Alteration;
use crate::civicrm::upgrade::steps::StepError;
use crate::gate::Blocked;
use crate::preflight::failure::{Cause, Failure};
use crate::preflight::mend::Mend;
use crate::preflight::rows::RowAnswers;
use crate::preflight::server_model::ServerModel;
use crate::preflight::{self, Options, render};
use crate::schema::model::{Table, find};

/// Plans what mends the failures of the upgrade to the target of the case. Rows are not looked at.
///
/// # Errors
/// A file of upgrade steps that is part of the program cannot be read.
pub(super) fn plan(planner: &mut Planner, case: &Case) -> Result<(), StepError> {
    let Some(target) = case.target_release.clone() else {
        return Ok(());
    };
    let options = Options {
        target,
        server: None,
        account: None,
    };
    let forecast = preflight::forecast(case, &options, &RowAnswers::default())?;
    for failure in &forecast.failures {
        if failure.mends.is_empty() {
            advise(planner, failure);
        }
        for mend in &failure.mends {
            mend_one(planner, failure, mend, &forecast.server);
        }
    }
    Ok(())
}

fn place(failure: &Failure) -> String {
    match (&failure.step, &failure.task) {
        (Some(step), Some(task)) => format!("step {step}, task \"{task}\""),
        (_, Some(task)) => format!("task \"{task}\""),
        _ => "the check before the first step".to_owned(),
    }
}

/// What no statement of this plan mends.
fn advise(planner: &mut Planner, failure: &Failure) {
    let how = match &failure.cause {
        Cause::Version => "set the version: cividb version --fix --apply".to_owned(),
        Cause::Check(why) => why.clone(),
        Cause::Privilege(privilege, _) => {
            format!(
                "grant {} to the account: cividb grants --target prints the statement",
                privilege.name()
            )
        }
        Cause::Rows(_, rows) | Cause::OwnRows(_, rows) => rows.mend.clone(),
        Cause::Schema(_) | Cause::OwnKeys(..) => {
            "compare the schema with its release: cividb diff".to_owned()
        }
    };
    planner
        .plan
        .advice
        .push(format!("{} fails: {how}", place(failure)));
}

fn mend_one(planner: &mut Planner, failure: &Failure, mend: &Mend, server: &ServerModel) {
    let Mend::Alter { table, changes } = mend else {
        let (Mend::Create { name, .. } | Mend::Rename { from: name, .. }) = mend else {
            return;
        };
        let statement = mend
            .statement()
            .unwrap_or_else(|blocked| blocked.to_string());
        let mut why = format!("{} needs it; run it yourself: {statement};", place(failure));
        if let Some(caution) = mend.caution() {
            why.push_str(&format!(" {caution}"));
        }
        planner.refuse(name, name, why);
        return;
    };
    let Some((table, before)) = planner
        .table(table)
        .map(|(name, table)| (name.clone(), table.clone()))
    else {
        return;
    };
    let mut after = planner.now.clone();
    if let Err(error) = server.alter(&mut after, &table, changes) {
        planner.refuse(&table, &table, error.text(server));
        return;
    }
    let Some(after) = find(&after.tables, &table).cloned() else {
        return;
    };
    let mut why = format!("{} fails without it", place(failure));
    if let Some(caution) = mend.caution() {
        why.push_str(&format!(". {}", caution.trim_end_matches('.')));
    }
    let needed = failure
        .step
        .as_ref()
        .map(|step| format!("the upgrade fails without this: step {step}"));
    let purpose = Purpose::new(Family::ForUpgrade, why).needed(needed);
    let same_columns = before.columns.keys().eq(after.columns.keys());
    if same_columns && before.primary_key == after.primary_key {
        planner.step(&table, after, purpose);
        return;
    }
    match step(&table, changes, before, after, purpose) {
        Ok(step) => {
            planner.now.tables.insert(table, step.after.clone());
            planner.plan.steps.push(step);
        }
        Err(blocked) => planner.refuse(&table, &table, blocked.to_string()),
    }
}

/// A step that adds, renames or changes columns.
fn step(
    table: &str,
    changes: &[Alteration],
    before: Table,
    after: Table,
    purpose: Purpose,
) -> Result<PlannedStep, Blocked> {
    let back: Vec<Alteration> = changes
        .iter()
        .rev()
        .filter_map(|change| inverse(change, &before))
        .collect();
    let copies = changes.iter().any(|change| match change {
        Alteration::AddPrimaryKey(_) | Alteration::Engine(_) | Alteration::RowFormat(_) => true,
        Alteration::ChangeColumn { from, column, .. } => {
            find(&before.columns, from) != Some(column)
        }
        _ => false,
    });
    Ok(PlannedStep {
        family: purpose.family,
        table: table.to_owned(),
        actions: render::actions(changes),
        inverse: render::actions(&back),
        meaning: render::meaning(table, changes)?,
        inverse_meaning: render::meaning(table, &back)?,
        before,
        after,
        why: purpose.why,
        needed_for_upgrade: purpose.needed_for_upgrade,
        new_keys: Vec::new(),
        new_unique: Vec::new(),
        cost: if copies { Cost::Copy } else { Cost::InPlace },
        needs: Vec::new(),
    })
}

/// What takes a change back; `None` where the table did not have what it changes.
fn inverse(change: &Alteration, before: &Table) -> Option<Alteration> {
    Some(match change {
        Alteration::AddColumn { name, .. } => Alteration::DropColumn(name.clone()),
        Alteration::ChangeColumn { from, to, .. } => Alteration::ChangeColumn {
            from: to.clone(),
            to: from.clone(),
            column: find(&before.columns, from)?.clone(),
            after: None,
            of_type: None,
        },
        Alteration::AddIndex { name, .. } => Alteration::DropIndex(name.clone()),
        Alteration::DropIndex(name) => Alteration::AddIndex {
            name: name.clone(),
            index: find(&before.indexes, name)?.clone(),
            absent_also: Vec::new(),
        },
        Alteration::AddPrimaryKey(_) => Alteration::DropPrimaryKey,
        Alteration::AddForeignKey { name, .. } => Alteration::DropForeignKey(name.clone()?),
        Alteration::DropForeignKey(name) => Alteration::AddForeignKey {
            name: Some(name.clone()),
            key: find(&before.foreign_keys, name)?.clone(),
        },
        Alteration::Engine(_) => Alteration::Engine(before.engine.clone()?),
        Alteration::RowFormat(_) => Alteration::RowFormat(before.row_format.clone()?),
        _ => return None,
    })
}

//! Prints what a repair is going to do: as SQL for people, and as a report.

use std::path::Path;

use super::RowPlan;
use crate::case::Case;
use crate::change::definition::Definitions;
use crate::checks::Findings;
use crate::cli::Common;
use crate::cli::statement::or_comment;
use crate::repair::equal_rows::EqualRows;
use crate::repair::orphans::{Orphans, Tally, Toll};
use crate::repair::plan::{self, Cost, Family, Plan, PlannedStep};
use crate::repair::run::{self, Ran};
use crate::report::{self, Report, Section};
use crate::schema::model::Schema;
use crate::schema::sql;
use crate::snapshot::Snapshot;
use crate::text::{count, sql_comment, sql_on_one_line, sql_statement};

/// The plan as a commented SQL script for people.
pub(super) fn script(
    plan: &Plan,
    rows: &RowPlan,
    snapshot: &Snapshot,
    definitions: &Definitions,
    family: Family,
) -> String {
    let place = snapshot.database.as_deref();
    let place = place.unwrap_or(&snapshot.source.name);
    let mut lines = vec![
        sql_comment(&format!("repair {} of {place}", family.as_str())),
        "-- Make a backup first. Each statement is followed by the one that takes it back."
            .to_owned(),
    ];
    if plan.steps.iter().any(|step| !step.new_keys.is_empty()) {
        // By hand nothing between two statements of a script stops it when a proof fails.
        lines.push(
            "-- Foreign keys come at once with --apply, which proves first that no row has lost its parent; by"
                .to_owned(),
        );
        lines.push(
            "-- hand the server proves it, and writes the table anew while its writers wait (copy)."
                .to_owned(),
        );
    }
    let facts = snapshot.server.as_ref();
    for refused in &plan.refused {
        lines.push(sql_comment(&format!(
            "NOT PLANNED: {}: {}",
            refused.name(),
            refused.why
        )));
    }
    for advice in &plan.advice {
        lines.push(sql_comment(&format!("BY OTHER MEANS: {advice}")));
    }
    for tally in rows.toll.tallies() {
        lines.push(sql_comment(&row_change(&tally)));
    }
    lines.extend(by_triggers(&rows.toll, &snapshot.schema).map(|text| sql_comment(&text)));
    for (number, planned) in plan.steps.iter().enumerate() {
        let before = definitions.get(&planned.table).map(String::as_str);
        let step = match run::step(number + 1, planned, before) {
            Ok(step) => step,
            Err(blocked) => {
                lines.push(sql_comment(&format!(
                    "{}: NOT PRINTED: {blocked}",
                    number + 1
                )));
                continue;
            }
        };
        let size = facts.and_then(|facts| facts.table_bytes.get(&planned.table));
        let size = size.map_or_else(String::new, |bytes| format!(", {} MiB", bytes >> 20));
        let by_hand = match step.proofs.is_empty() {
            true => "",
            false => "; by hand a copy",
        };
        lines.push(sql_comment(&format!(
            "{}: {} ({}{size}: {}{by_hand})",
            number + 1,
            step.why,
            planned.table,
            cost(planned.cost)
        )));
        if let Some(needed) = &planned.needed_for_upgrade {
            lines.push(sql_comment(needed));
        }
        for found in of_step(&rows.orphans, planned) {
            lines.push(match rows.toll.promise(&found.table, &found.constraint) {
                Some(_) => "-- By hand this fails while the rows above are as they are; --apply changes them first."
                    .to_owned(),
                None => sql_comment(&format!("FAILS: {}", found.describe())),
            });
        }
        let is_of_step = |found: &&EqualRows| {
            let mut added = planned.new_unique.iter();
            found.table == planned.table && added.any(|(index, _)| *index == found.index)
        };
        for found in rows.equal.iter().filter(is_of_step) {
            lines.push(sql_comment(&format!("FAILS: {}", found.describe())));
        }
        for need in &planned.needs {
            if let plan::Need::NonStandardForeignKey(_) = need {
                lines.push("SET SESSION restrict_fk_on_non_standard_key = OFF".to_owned());
            }
        }
        lines.push(or_comment(planned.meaning.pass(planned.statement())));
        let back = sql_on_one_line(&step.inverse).map(sql_statement);
        lines.push(match back.filter(|back| !back.starts_with("-- ")) {
            Some(back) => format!("-- back: {back};"),
            None => sql_comment(&format!("back, left out for its names: {}", step.inverse)),
        });
    }
    if plan.steps.is_empty() {
        let nothing = match plan.is_done() {
            true => "-- Nothing to change.",
            false => "-- Nothing that repair can change.",
        };
        lines.push(nothing.to_owned());
    }
    if !plan.left.is_empty() {
        lines.push(format!(
            "-- {} left alone: what CiviCRM's own upgrades leave without harm, and what is more than \
             CiviCRM asks for (cividb diff lists them)",
            count(plan.left.len() as u64, "difference")
        ));
    }
    sql::script(&lines)
}

/// A sentence about the rows of one table that are changed first, and for which foreign key.
pub(super) fn row_change(tally: &Tally) -> String {
    format!(
        "ROWS: {}, for the foreign key {}",
        tally.describe(),
        tally.constraint
    )
}

/// A sentence about the rows that triggers change besides; `None` where they change none.
pub(super) fn by_triggers(toll: &Toll, schema: &Schema) -> Option<String> {
    let tables = toll.written_by_triggers(schema);
    (!tables.is_empty()).then(|| {
        let tables: Vec<String> = tables.into_iter().collect();
        format!(
            "ROWS: triggers run for these rows and may change rows of {} as well, which cividb undo does not take back",
            tables.join(", ")
        )
    })
}

/// The part of the question whether to run a plan that tells the changed rows, such as `, and first delete 5
/// rows, as said above,`.
pub(super) fn row_question(toll: &Toll) -> String {
    let (deleted, set_null) = toll.totals();
    let mut parts = Vec::new();
    if deleted > 0 {
        parts.push(format!("delete {}", count(deleted, "row")));
    }
    if set_null > 0 {
        parts.push(format!("set columns of {} NULL", count(set_null, "row")));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(", and first {}, as said above,", parts.join(" and ")),
    }
}

/// The orphans that keep a step from running.
fn of_step<'o>(
    orphans: &'o [Orphans],
    planned: &'o PlannedStep,
) -> impl Iterator<Item = &'o Orphans> {
    let keys: Vec<&str> = planned
        .new_keys
        .iter()
        .map(|key| key.constraint.as_str())
        .collect();
    let table = &planned.table;
    orphans
        .iter()
        .filter(move |found| found.table == *table && keys.contains(&found.constraint.as_str()))
}

fn cost(cost: Cost) -> &'static str {
    match cost {
        Cost::MetadataOnly => "at once",
        Cost::InPlace => "reads the table once, writers go on",
        Cost::Copy => "copy, writers wait",
    }
}

/// The plan as a section of a report.
pub(super) fn section(plan: &Plan, rows: &RowPlan) -> report::Plan {
    let steps = plan.steps.iter().map(|planned| report::PlanStep {
        statement: planned.statement(),
        inverse: planned.inverse_statement(),
        why: planned.why.join("; "),
        table: Some(planned.table.clone()),
        family: Some(planned.family.as_str()),
        cost: Some(cost(planned.cost)),
        needed_for_upgrade: planned.needed_for_upgrade.clone(),
    });
    report::Plan {
        steps: steps.collect(),
        refused: plan.refused.clone(),
        orphans: rows.orphans.iter().map(report::OrphanRows::of).collect(),
        duplicates: rows.equal.iter().map(report::EqualRowSets::of).collect(),
        advice: plan.advice.clone(),
        rows: rows
            .toll
            .tallies()
            .iter()
            .map(report::RowChange::of)
            .collect(),
        ..report::Plan::default()
    }
}

/// The report on a repair.
pub(super) fn report(plan: report::Plan, case: &Case, common: &Common) -> Report {
    let report = Report::new("repair", case, Findings::default(), common.strict);
    report.with(Section::Repair(plan))
}

/// Adds what a run has done to the report on what remains.
pub(super) fn add_outcome(plan: &mut report::Plan, ran: &Ran, journal: Option<&Path>) {
    plan.applied = true;
    plan.done = Some(ran.done);
    plan.journal = journal.map(Path::to_owned);
    plan.rows_deleted = ran.deleted;
    plan.rows_set_null = ran.set_null;
    plan.exported.clone_from(&ran.exported);
    plan.not_run.clone_from(&ran.not_run);
}

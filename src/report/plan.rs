//! Statements that change a database: those that would run, and those that did.

use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::Style;
#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use crate::repair::equal_rows::EqualRows;
use crate::repair::orphans::{Orphans, Tally};
use crate::repair::plan::Refused;
use crate::repair::run::NotRun;
use crate::repair::version::VersionChange;
use crate::text::{count, printable, sql_comment, sql_statement};

/// Statements that change a database.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Plan {
    /// In the order in which they run; after a repair, those that remain.
    pub steps: Vec<PlanStep>,
    /// What should be changed and cannot be.
    pub refused: Vec<Refused>,
    /// Rows that have lost their parents, over which foreign keys of the plan cannot be added.
    pub orphans: Vec<OrphanRows>,
    /// Rows that are equal in the columns of unique indexes of the plan, which cannot be made over them.
    pub duplicates: Vec<EqualRowSets>,
    /// Rows that `--orphans` lets a repair change, by foreign key and table, with all that hangs on them.
    pub rows: Vec<RowChange>,
    /// What to do by other means.
    pub advice: Vec<String>,
    /// Whether anything was run.
    pub applied: bool,
    /// How many statements a repair ran.
    pub done: Option<usize>,
    /// Statements that a repair left out.
    pub not_run: Vec<NotRun>,
    /// Rows that a repair deleted.
    pub rows_deleted: u64,
    /// Rows in which a repair set columns NULL.
    pub rows_set_null: u64,
    /// Files that these rows were written to.
    pub exported: Vec<PathBuf>,
    /// The journal, if there is something to take back.
    pub journal: Option<PathBuf>,
}

/// One statement.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PlanStep {
    /// What runs.
    pub statement: String,
    /// What takes it back.
    pub inverse: String,
    /// What it is for.
    pub why: String,
    /// Its table.
    pub table: Option<String>,
    /// What kind of repair it belongs to.
    pub family: Option<&'static str>,
    /// What it costs the table.
    pub cost: Option<&'static str>,
    /// Which upgrade fails without it.
    pub needed_for_upgrade: Option<String>,
}

/// Rows that have lost their parents.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct OrphanRows {
    /// Their table.
    pub table: String,
    /// The foreign key that cannot be added.
    pub foreign_key: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table that the parents are missing from.
    pub parent: String,
    /// How many rows.
    pub rows: u64,
    /// Some of them, by primary key and columns.
    pub sample: Vec<String>,
    /// What `--orphans` can do, by the key's own rule: `set-null` or `delete`.
    pub remedy: Option<&'static str>,
}

impl OrphanRows {
    /// As found.
    pub fn of(found: &Orphans) -> Self {
        Self {
            table: found.table.clone(),
            foreign_key: found.constraint.clone(),
            columns: found.key.columns.clone(),
            parent: found.key.referenced_table.clone(),
            rows: found.rows,
            sample: found.sample.clone(),
            remedy: found.by_rule.as_ref().ok().map(|remedy| remedy.as_str()),
        }
    }
}

/// Rows that are equal in the columns of a unique index.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct EqualRowSets {
    /// Their table.
    pub table: String,
    /// The unique index that cannot be made.
    pub index: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// How many sets of equal rows there are.
    pub sets: u64,
    /// Primary keys of the first sets.
    pub sample: Vec<String>,
}

impl EqualRowSets {
    /// As found.
    pub fn of(found: &EqualRows) -> Self {
        Self {
            table: found.table.clone(),
            index: found.index.clone(),
            columns: found.columns.clone(),
            sets: found.sets,
            sample: found.sample.clone(),
        }
    }
}

/// Rows of one table that a repair changes for one foreign key.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RowChange {
    /// Their table.
    pub table: String,
    /// `delete` or `set-null`.
    pub action: &'static str,
    /// The columns that are set NULL.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// The foreign key for which they are changed.
    pub foreign_key: String,
}

impl RowChange {
    /// As counted.
    pub fn of(tally: &Tally) -> Self {
        Self {
            table: tally.table.clone(),
            action: match tally.columns.is_empty() {
                true => "delete",
                false => "set-null",
            },
            columns: tally.columns.clone(),
            rows: tally.rows,
            foreign_key: tally.constraint.clone(),
        }
    }
}

impl Plan {
    /// Whether nothing is left to do, or was left out.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.refused.is_empty()
            && self.not_run.is_empty()
            && self.advice.is_empty()
    }

    /// A plan that sets versions; `journal` when they were set.
    pub fn of_versions(changes: &[VersionChange], journal: Option<PathBuf>) -> Self {
        let step = |change: &VersionChange| PlanStep {
            statement: change.statement(),
            inverse: change.inverse(),
            why: format!("the version of domain {}", change.domain),
            table: Some("civicrm_domain".to_owned()),
            family: None,
            cost: None,
            needed_for_upgrade: None,
        };
        Self {
            steps: changes.iter().map(step).collect(),
            applied: journal.is_some(),
            journal,
            ..Self::default()
        }
    }

    /// What a repair has left to do, in a few words.
    pub(super) fn outcome(&self) -> String {
        match (
            self.steps.len() + self.refused.len() + self.advice.len(),
            self.applied,
        ) {
            (0, true) => "nothing is left to do".to_owned(),
            (0, false) => "nothing to do".to_owned(),
            (left, true) => format!("{left} left to do"),
            (left, false) => format!("{left} to do"),
        }
    }
}

/// The statements, and whether they were run.
pub(super) fn write(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let bold = Style::new().bold();
    if let Some(done) = plan.done {
        let changes = done as u64 + plan.rows_deleted + plan.rows_set_null;
        match &plan.journal {
            Some(journal) if changes > 0 => writeln!(
                out,
                "\n{bold}done{bold:#}  {}; cividb undo {} takes it back",
                count(done as u64, "statement"),
                printable(&journal.display().to_string())
            )?,
            _ => writeln!(out, "\n{bold}nothing was changed{bold:#}")?,
        }
        for (rows, what) in [
            (plan.rows_deleted, "deleted"),
            (plan.rows_set_null, "set NULL"),
        ] {
            if rows > 0 {
                writeln!(out, "  {} {what}", count(rows, "row"))?;
            }
        }
        for file in &plan.exported {
            let file = printable(&file.display().to_string());
            writeln!(out, "  exported to {file}")?;
        }
        if !plan.is_empty() {
            writeln!(out, "\n{bold}remains{bold:#}")?;
        }
        for step in &plan.steps {
            let mut not_run = plan.not_run.iter();
            if let Some(same) = not_run.find(|not_run| not_run.statement == step.statement) {
                writeln!(out, "  {}", sql_comment(&same.why))?;
            }
            statement(&step.statement, out)?;
        }
        for refused in &plan.refused {
            let line = format!("{}: {}", refused.name(), refused.why);
            writeln!(out, "  {}", printable(&line))?;
        }
        return Ok(());
    }
    if plan.steps.is_empty() {
        return writeln!(out, "\n{bold}nothing to change{bold:#}");
    }
    match (&plan.journal, plan.applied) {
        (Some(journal), _) => {
            let journal = printable(&journal.display().to_string());
            let undo = format!("cividb undo {journal} takes it back");
            writeln!(out, "\n{bold}done{bold:#}; {undo}")?;
        }
        (None, true) => writeln!(out, "\n{bold}done{bold:#}")?,
        (None, false) => writeln!(
            out,
            "\n{bold}to run{bold:#}  (nothing was changed; --apply does it and writes a journal to undo it)"
        )?,
    }
    plan.steps
        .iter()
        .try_for_each(|step| statement(&step.statement, out))
}

/// A statement, its lines indented.
fn statement(statement: &str, out: &mut dyn Write) -> io::Result<()> {
    let shown = sql_statement(statement.to_owned());
    let end = if shown.starts_with("-- ") { "" } else { ";" };
    writeln!(out, "  {}{end}", shown.replace('\n', "\n  "))
}

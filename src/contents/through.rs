//! What the steps of an upgrade do to rows and columns on purpose.

use std::collections::{BTreeMap, BTreeSet};

use crate::civicrm::release::Version;
use crate::civicrm::upgrade::op::{Action, Alteration, InsertMode, Op, table_of_entity};
use crate::civicrm::upgrade::step::Step;
use crate::civicrm::upgrade::steps::{self, StepError};

/// Names of upgrade steps, without repetition, in the order of the versions.
pub type StepNames = Vec<String>;

/// What a step does to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Its values are set.
    Sets,
    /// Its NULLs are filled, and nothing else changes.
    Fills,
    /// It gets another type or becomes NOT NULL: values stay the same, as far as the new type can hold them.
    Retypes,
    /// It is dropped or renamed.
    Drops,
}

/// The steps that do something to columns, by column; `*` stands for all columns of a table.
type Columns = BTreeMap<String, Vec<(Effect, String)>>;

/// What the steps of an upgrade do on purpose.
#[derive(Clone, Debug, Default)]
pub struct Purpose {
    /// Tables that are renamed: the name before and the name afterwards.
    renamed_tables: BTreeMap<String, String>,
    /// Columns that are renamed: the table afterwards and the name before, and the name afterwards.
    renamed_columns: BTreeMap<(String, String), String>,
    dropped_tables: BTreeMap<String, StepNames>,
    created_tables: BTreeMap<String, StepNames>,
    /// What is done to columns, by table.
    columns: BTreeMap<String, Columns>,
    /// Tables that get rows, and tables that lose rows.
    inserts: BTreeMap<String, StepNames>,
    deletes: BTreeMap<String, StepNames>,
}

/// Stands for all columns of a table.
const ALL: &str = "*";

/// Rows that go with a table that a step drops: the table that loses them, and the table that is dropped. The extension
/// eventcart takes its participant status and its message templates along (measured: 4.7.31 and 5.21.2, upgraded by
/// 5.81.2).
const GO_ALONG: [(&str, &str); 2] = [
    ("civicrm_participant_status_type", "civicrm_events_in_carts"),
    ("civicrm_msg_template", "civicrm_events_in_carts"),
];

/// The reason that reports name in place of a step.
const MANAGED_ENTITIES: &str = "managed entities of extensions";

/// Tables that get rows at the end of an upgrade, because extensions shipped with CiviCRM declare them as managed
/// entities, from code of this release on (measured: 5.21.2, upgraded by 5.81.2).
const MANAGED: (&str, [&str; 6]) = (
    "5.45",
    [
        "civicrm_option_group",
        "civicrm_option_value",
        "civicrm_saved_search",
        "civicrm_search_display",
        "civicrm_navigation",
        "civicrm_managed",
    ],
);

impl Purpose {
    /// What the code of `target` does to a database of version `from`.
    ///
    /// # Errors
    /// A file of steps that is part of the program cannot be read.
    pub fn of(from: &Version, target: &Version) -> Result<Self, StepError> {
        let mut purpose = Self::default();
        let driver = steps::driver(target)?;
        purpose.step(&driver, "around every step");
        for step in steps::between(from, target)? {
            let name = step.revision.clone();
            purpose.step(&step, &name);
        }
        for (table, with) in GO_ALONG {
            let steps = purpose.drops(with);
            purpose
                .deletes
                .entry(table.to_owned())
                .or_default()
                .extend(steps);
        }
        let (since, tables) = MANAGED;
        if Version::parse(since).is_some_and(|since| *target >= since) {
            for table in tables {
                note(&mut purpose.inserts, table, MANAGED_ENTITIES);
            }
            // Their places in the menu move, too.
            purpose.touch("civicrm_navigation", ALL, Effect::Sets, MANAGED_ENTITIES);
        }
        Ok(purpose)
    }

    fn step(&mut self, step: &Step, name: &str) {
        let of_extensions = step.upgraders.iter().flat_map(|upgrader| &upgrader.steps);
        let ops = step.tasks.iter().flat_map(|task| &task.ops);
        for op in ops.chain(of_extensions.flat_map(|step| &step.ops)) {
            self.op(op, name);
        }
    }

    fn op(&mut self, op: &Op, step: &str) {
        let lower = |name: &str| name.to_ascii_lowercase();
        match &op.action {
            Action::CreateTable(table) => {
                note(&mut self.created_tables, &table.name, step);
                if table.from_select {
                    note(&mut self.inserts, &table.name, step);
                }
            }
            Action::DropTable { table, .. } => note(&mut self.dropped_tables, table, step),
            Action::RenameTable { table, to } => {
                let first = self
                    .renamed_tables
                    .iter()
                    .find(|(_, now)| **now == lower(table));
                let first = first.map_or_else(|| lower(table), |(first, _)| first.clone());
                self.renamed_tables.insert(first, lower(to));
            }
            Action::Alter { table, clauses } => {
                for clause in clauses {
                    self.alteration(table, &clause.change, clause.localized, step);
                }
            }
            Action::Insert(insert) => {
                note(&mut self.inserts, &insert.table, step);
                if matches!(insert.mode, InsertMode::Replace | InsertMode::OnDuplicate) {
                    self.touch(&insert.table, ALL, Effect::Sets, step);
                }
            }
            Action::Update(change) => {
                let fills = !change.mends.is_empty()
                    && change.mends.iter().all(|mend| mend.starts_with("null "));
                let effect = if fills { Effect::Fills } else { Effect::Sets };
                self.set(&change.table, &change.set, effect, step);
            }
            Action::Delete(change) => note(&mut self.deletes, &change.table, step),
            Action::Api(call) => {
                let table = &call
                    .table
                    .clone()
                    .unwrap_or_else(|| table_of_entity(&call.entity));
                match call.action.to_ascii_lowercase().as_str() {
                    "get" | "getsingle" | "getvalue" | "getcount" | "getfields" => {}
                    "delete" => note(&mut self.deletes, table, step),
                    "update" => self.set(table, &call.set, Effect::Sets, step),
                    _ => {
                        note(&mut self.inserts, table, step);
                        self.set(table, &call.set, Effect::Sets, step);
                    }
                }
            }
            Action::Other {
                table: Some(table), ..
            } => {
                note(&mut self.inserts, table, step);
                self.touch(table, ALL, Effect::Sets, step);
            }
            Action::CreateView { .. }
            | Action::DropView { .. }
            | Action::Select(_)
            | Action::DropTriggers
            | Action::CreateTrigger { .. }
            | Action::CreateRoutine
            | Action::RebuildMultilingual { .. }
            | Action::ForeignKeyChecks(_)
            | Action::Other { table: None, .. } => {}
        }
    }

    fn set(&mut self, table: &str, columns: &[String], effect: Effect, step: &str) {
        if columns.is_empty() {
            self.touch(table, ALL, effect, step);
        }
        for column in columns {
            self.touch(table, column, effect, step);
        }
    }

    fn alteration(&mut self, table: &str, change: &Alteration, localized: bool, step: &str) {
        match change {
            Alteration::DropColumn(name) => {
                // `{locale:first}` and the like stand for each language.
                let name = name.split('{').next().unwrap_or(name);
                let localized = localized || name.ends_with('_');
                self.touch_all(table, name, localized, Effect::Drops, step);
            }
            Alteration::ChangeColumn { from, to, .. } => {
                self.touch_all(table, to, localized, Effect::Retypes, step);
                if !from.eq_ignore_ascii_case(to) {
                    self.touch_all(table, from, localized, Effect::Drops, step);
                    let key = (table.to_ascii_lowercase(), from.to_ascii_lowercase());
                    self.renamed_columns.insert(key, to.to_ascii_lowercase());
                }
            }
            Alteration::Convert { .. } => self.touch(table, ALL, Effect::Retypes, step),
            _ => {}
        }
    }

    fn touch_all(
        &mut self,
        table: &str,
        column: &str,
        localized: bool,
        effect: Effect,
        step: &str,
    ) {
        self.touch(table, column, effect, step);
        if localized {
            self.touch(table, &format!("{column}_{ALL}"), effect, step);
        }
    }

    fn touch(&mut self, table: &str, column: &str, effect: Effect, step: &str) {
        let columns = self.columns.entry(table.to_ascii_lowercase()).or_default();
        let steps = columns.entry(column.to_ascii_lowercase()).or_default();
        if steps
            .last()
            .is_none_or(|(last, name)| (*last, name.as_str()) != (effect, step))
        {
            steps.push((effect, step.to_owned()));
        }
    }

    /// The name that a table of before has afterwards.
    pub fn table_afterwards(&self, table: &str) -> String {
        let renamed = self.renamed_tables.get(table);
        renamed.map_or_else(|| table.to_owned(), Clone::clone)
    }

    /// The name that a column of before has afterwards, in the table of this name afterwards.
    pub fn column_afterwards(&self, before: &str, afterwards: &str, column: &str) -> String {
        let renamed = |table: &str| {
            let key = (table.to_owned(), column.to_owned());
            self.renamed_columns.get(&key)
        };
        let renamed = renamed(before).or_else(|| renamed(afterwards));
        renamed.map_or_else(|| column.to_owned(), Clone::clone)
    }

    /// The steps that have one of these effects on a column; `on_update` where the column notes when its row was changed.
    pub fn effects(
        &self,
        tables: &[&str],
        column: &str,
        on_update: bool,
        effects: &[Effect],
    ) -> StepNames {
        let columns = tables.iter().filter_map(|table| self.columns.get(*table));
        let is_meant = |known: &str| {
            known == column
                || known == ALL
                || on_update
                || known
                    .strip_suffix('*')
                    .is_some_and(|start| column.starts_with(start))
        };
        let steps = columns.flatten().filter(|(known, _)| is_meant(known));
        let steps = steps.flat_map(|(_, steps)| steps);
        joined(
            steps
                .filter(|(effect, _)| effects.contains(effect))
                .map(|(_, step)| step),
        )
    }

    /// The steps that add rows to a table.
    pub fn inserts(&self, tables: &[&str]) -> StepNames {
        joined(
            tables
                .iter()
                .filter_map(|table| self.inserts.get(*table))
                .flatten(),
        )
    }

    /// The steps that take rows away from a table.
    pub fn deletes(&self, tables: &[&str]) -> StepNames {
        joined(
            tables
                .iter()
                .filter_map(|table| self.deletes.get(*table))
                .flatten(),
        )
    }

    /// The steps that drop a table.
    pub fn drops(&self, table: &str) -> StepNames {
        joined(self.dropped_tables.get(table).into_iter().flatten())
    }

    /// The steps that create a table.
    pub fn creates(&self, table: &str) -> StepNames {
        joined(self.created_tables.get(table).into_iter().flatten())
    }
}

fn note(names: &mut BTreeMap<String, StepNames>, name: &str, step: &str) {
    let steps = names.entry(name.to_ascii_lowercase()).or_default();
    if steps.last().is_none_or(|last| last != step) {
        steps.push(step.to_owned());
    }
}

fn joined<'s>(steps: impl Iterator<Item = &'s String>) -> StepNames {
    let mut seen = BTreeSet::new();
    let all = steps.filter(|step| seen.insert(step.as_str()));
    let mut all: Vec<String> = all.cloned().collect();
    all.sort_by_key(|step| Version::parse(step));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(from: &str, target: &str) -> Purpose {
        let version = |text| Version::parse(text).unwrap();
        Purpose::of(&version(from), &version(target)).unwrap()
    }

    #[test]
    fn the_steps_that_touch_a_column_are_named() {
        let purpose = purpose("4.7.31", "5.81.2");
        let steps = |table, column, effect| purpose.effects(&[table], column, false, &[effect]);
        assert!(!steps("civicrm_country", "name", Effect::Sets).is_empty());
        assert!(steps("civicrm_email", "email", Effect::Sets).is_empty());
        let deletes = purpose.deletes(&["civicrm_option_value"]);
        assert!(deletes.contains(&"5.23.alpha1".to_owned()), "{deletes:?}");
    }
}

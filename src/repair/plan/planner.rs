//! Plans step after step.

use super::family::{Family, Options};
use super::proofs::{new_keys, new_unique, passed};
use super::server::Server;
use super::step::{Plan, PlannedStep, Refused};
use super::{charset, engine, for_upgrade, foreign_key_names, foreign_keys, indexes, triggers};
use crate::case::Case;
use crate::change::alter;
use crate::civicrm::reference::Reference;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::keys::{self, DropKind, UpgradeDrop};
use crate::civicrm::upgrade::steps::StepError;
use crate::schema::compare::{Difference, DifferenceKind as Kind};
use crate::schema::model::{Schema, Table, find_entry};
use crate::server_version::ServerVersion;

/// Plans the repair of a database, as far as `options` go. Of one whose release cannot be told nothing is planned.
///
/// # Errors
/// A file of upgrade steps that is part of the program cannot be read.
pub fn plan(case: &Case, options: &Options) -> Result<Plan, StepError> {
    let Some(detection) = case.detection() else {
        return Ok(Plan::default());
    };
    let snapshot = &case.snapshot;
    let server = options
        .server
        .as_ref()
        .or(snapshot.source.server_version.as_ref());
    let version = case
        .declared_version()
        .map(|version| version.without_marker())
        .or_else(|| Version::parse(detection.state.last_release()));
    let upgrade = match (&version, &case.target_release) {
        (Some(from), Some(target)) => keys::drops(from, target)?,
        _ => Vec::new(),
    };
    let mut planner = Planner::new(&snapshot.schema, &detection.reference, server, upgrade);
    planner.target = case.target_release.as_ref().map(ToString::to_string);
    if options.family == Family::ForUpgrade {
        for_upgrade::plan(&mut planner, case)?;
        return Ok(planner.plan);
    }
    let wanted = planner.select(&detection.differences, options);
    planner.run(&wanted, options.family);
    if options.family.includes(Family::Triggers) {
        planner.plan.advice = triggers::advice(case);
    }
    Ok(planner.plan)
}

/// Plans step after step.
pub(super) struct Planner<'a> {
    /// The schema as the steps so far leave it.
    pub(super) now: Schema,
    pub(super) reference: &'a Reference,
    pub(super) server: Server,
    /// What the coming upgrade drops.
    pub(super) upgrade: Vec<UpgradeDrop>,
    pub(super) target: Option<String>,
    pub(super) plan: Plan,
}

/// What a step is for.
pub(super) struct Purpose {
    pub(super) family: Family,
    pub(super) why: Vec<String>,
    pub(super) needed_for_upgrade: Option<String>,
}

impl Purpose {
    pub(super) fn new(family: Family, why: String) -> Self {
        Self {
            family,
            why: vec![why],
            needed_for_upgrade: None,
        }
    }

    /// With the step of the coming upgrade that fails without it.
    pub(super) fn needed(mut self, needed_for_upgrade: Option<String>) -> Self {
        self.needed_for_upgrade = needed_for_upgrade;
        self
    }
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        schema: &Schema,
        reference: &'a Reference,
        server: Option<&ServerVersion>,
        upgrade: Vec<UpgradeDrop>,
    ) -> Self {
        Self {
            now: Schema {
                tables: schema.tables.clone(),
                ..Schema::default()
            },
            reference,
            server: Server::of(server),
            upgrade,
            target: None,
            plan: Plan::default(),
        }
    }

    pub(super) fn run(&mut self, differences: &[&Difference], family: Family) {
        let of = |wanted: Family| {
            let is_wanted =
                move |difference: &&&Difference| Family::of(&difference.kind) == Some(wanted);
            differences.iter().filter(is_wanted).copied()
        };
        let converted = engine::plan(self, of(Family::Engine));
        charset::plan(self, of(Family::Charset));
        indexes::plan(self, of(Family::Indexes));
        foreign_key_names::plan(self, of(Family::FkNames), of(Family::ForeignKeys), family);
        if family.includes(Family::FkNames) || family == Family::Indexes {
            indexes::plan_for_upgrade(self);
        }
        let missing =
            of(Family::ForeignKeys).filter(|difference| difference.kind == Kind::ForeignKeyMissing);
        if family == Family::Engine {
            foreign_keys::plan_of_tables(self, missing, &converted);
        } else {
            foreign_keys::plan(self, missing);
        }
    }

    /// The table as the database spells its name, and as it is by now.
    pub(super) fn table(&self, name: &str) -> Option<(&String, &Table)> {
        find_entry(&self.now.tables, name)
    }

    /// The table of the reference.
    pub(super) fn reference_table(&self, name: &str) -> Option<&'a Table> {
        self.reference.schema.table(name)
    }

    /// A table as the database spells its name and as it is by now, and as the reference has it; `None`
    /// where one of them does not have it.
    pub(super) fn with_reference(&self, name: &str) -> Option<(String, Table, &'a Table)> {
        let wanted = self.reference_table(name)?;
        let (spelled, table) = self.table(name)?;
        Some((spelled.clone(), table.clone(), wanted))
    }

    /// Adds the step that makes `after` of a table; nothing where that changes nothing.
    pub(super) fn step(&mut self, table: &str, after: Table, purpose: Purpose) {
        let Some(before) = self.now.tables.get(table) else {
            return;
        };
        let rename = self.server.rename_index;
        let actions = alter::actions(before, &after, rename);
        if actions.is_empty() {
            return;
        }
        let inverse = alter::actions(&after, before, rename);
        let passed = passed(table, before, &after, rename, (&actions, &inverse));
        let (meaning, inverse_meaning) = match passed {
            Ok(meanings) => meanings,
            Err(blocked) => {
                let why = blocked.to_string();
                return self.refuse(table, table, why);
            }
        };
        self.plan.steps.push(PlannedStep {
            family: purpose.family,
            table: table.to_owned(),
            inverse,
            meaning,
            inverse_meaning,
            new_keys: new_keys(before, &after),
            new_unique: new_unique(before, &after),
            cost: self.cost(before, &after),
            needs: self.needs(before, &after),
            before: before.clone(),
            after: after.clone(),
            actions,
            why: purpose.why,
            needed_for_upgrade: purpose.needed_for_upgrade,
        });
        self.now.tables.insert(table.to_owned(), after);
    }

    pub(super) fn refuse(&mut self, table: &str, object: &str, why: String) {
        let refused = Refused {
            table: table.to_owned(),
            object: object.to_owned(),
            why,
        };
        if !self.plan.refused.contains(&refused) {
            self.plan.refused.push(refused);
        }
    }

    /// Which step of the coming upgrade fails when this table has no object of this name.
    pub(super) fn needed_for_upgrade(
        &self,
        kind: DropKind,
        table: &str,
        name: &str,
    ) -> Option<String> {
        let target = self.target.as_ref()?;
        let mut drops = self.upgrade.iter();
        let drop = drops.find(|drop| drop.unconditional && drop.drops(kind, table, name))?;
        let (step, file) = (&drop.version, &drop.source);
        let what = match kind {
            DropKind::ForeignKey => "foreign key",
            DropKind::Index => "index",
        };
        Some(format!(
            "the upgrade to {target} fails without this: step {step} drops the {what} {name} ({file})"
        ))
    }
}

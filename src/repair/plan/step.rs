//! What a plan holds.

#[cfg(test)]
#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::family::Family;
use crate::change::alter::{self, IndexChanges};
use crate::gate::Meaning;
use crate::schema::compare::Difference;
use crate::schema::meaning::serves;
use crate::schema::model::{ForeignKey, KeyPart, Table};
use crate::schema::sql::alter_table;

/// What to run, and what not.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What to run, in this order.
    pub steps: Vec<PlannedStep>,
    /// What should be mended and cannot be.
    pub refused: Vec<Refused>,
    /// Differences that are left as they are.
    pub left: Vec<Difference>,
    /// What is wrong that no statement mends, and what to do by other means.
    pub advice: Vec<String>,
}

impl Plan {
    /// Whether nothing is wrong that the plan is about: nothing to run, nothing that cannot be mended, nothing to do by
    /// other means.
    pub fn is_done(&self) -> bool {
        self.steps.is_empty() && self.refused.is_empty() && self.advice.is_empty()
    }
}

/// One ALTER TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// What it belongs to.
    pub family: Family,
    /// The table, as the database spells it.
    pub table: String,
    /// The parts of the ALTER TABLE.
    pub actions: Vec<String>,
    /// The parts of the ALTER TABLE that takes it back.
    pub inverse: Vec<String>,
    /// What the statement is meant to be.
    pub meaning: Meaning,
    /// What the statement that takes it back is meant to be.
    pub inverse_meaning: Meaning,
    /// The table as the step finds it.
    pub before: Table,
    /// The table as the step leaves it.
    pub after: Table,
    /// What it is for, one line each. Names in it are as the database has them: escape them
    /// for terminals and comments.
    pub why: Vec<String>,
    /// Which upgrade fails without it, and at which step.
    pub needed_for_upgrade: Option<String>,
    /// The foreign keys that it adds: each row of the table has to have its parent, or NULL in one of the columns,
    /// before it may run with `foreign_key_checks=0`. A server that is told not to check takes a key over orphans
    /// without a word.
    pub new_keys: Vec<NewKey>,
    /// The indexes that become unique, with their parts: no two rows may have the same values in them, none NULL.
    pub new_unique: Vec<(String, Vec<KeyPart>)>,
    /// What it costs the table.
    pub cost: Cost,
    /// What the account or the session needs.
    pub needs: Vec<Need>,
}

impl PlannedStep {
    /// The statement, without a terminator. The planner has passed it through the gate.
    pub fn statement(&self) -> String {
        alter_table(&self.table, &self.actions)
    }

    /// What the step changes or relies on and is not `now` as it was planned, for people; `None` where the step can run
    /// although the table is another one in parts that do not matter to it.
    pub fn builds_on(&self, now: &Table) -> Option<String> {
        let (before, after) = (&self.before, &self.after);
        if now.engine != before.engine {
            return Some("the engine of the table".to_owned());
        }
        let dropped = alter::dropped_keys(before, after).map(|(name, _)| name);
        let added = alter::added_keys(before, after).map(|(name, _)| name);
        let mut keys = dropped.chain(added);
        if let Some(name) =
            keys.find(|name| now.foreign_keys.get(*name) != before.foreign_keys.get(*name))
        {
            return Some(format!("the foreign key {name}"));
        }
        // Which of them are renamed, where the server can, or dropped and added anew makes no difference here.
        let indexes = IndexChanges::new(before, after, false);
        let added = indexes.added.iter().map(|(name, _)| *name);
        let mut names = indexes.dropped.iter().copied().chain(added);
        if let Some(name) = names.find(|name| now.indexes.get(*name) != before.indexes.get(*name)) {
            return Some(format!("the index {name}"));
        }
        let keys = after.foreign_keys.iter();
        let mut unserved =
            keys.filter(|(_, key)| serves(before, &key.columns) && !serves(now, &key.columns));
        let (name, _) = unserved.next()?;
        Some(format!("an index for the foreign key {name}"))
    }

    /// Whether something has to be shown of the rows before it runs.
    pub fn needs_proof(&self) -> bool {
        !self.new_keys.is_empty() || !self.new_unique.is_empty()
    }

    /// The statement that takes it back, without a terminator. The planner has passed it through the
    /// gate.
    pub fn inverse_statement(&self) -> String {
        alter_table(&self.table, &self.inverse)
    }
}

/// A foreign key that a step adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The new constraint.
    pub constraint: String,
    /// What it says.
    pub key: ForeignKey,
    /// The constraint that connects the same columns until the step runs: as long as it has been in force all the
    /// time, it proves that no row has lost its parent.
    pub in_force: Option<String>,
}

/// What a step costs, where its proofs let it run with `foreign_key_checks=0`. With checks on,
/// a step that adds a foreign key copies the table and checks every row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Nothing is read: done at once, whatever the size.
    MetadataOnly,
    /// The table is read once, writers go on.
    InPlace,
    /// The table is written anew, or its writers wait.
    Copy,
}

/// What a step needs besides ALTER on its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// MySQL wants the privilege REFERENCES on this parent table.
    References(String),
    /// The parent's key is not unique, which MySQL takes from 8.4 on only from a session with
    /// `restrict_fk_on_non_standard_key=OFF`.
    NonStandardForeignKey(String),
}

/// What should be changed and cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[cfg_attr(test, schemars(rename = "RefusedStep"))]
pub struct Refused {
    /// The table.
    pub table: String,
    /// The table itself, the column, index or foreign key.
    pub object: String,
    /// Why not, and what has to be done first. Names in it are as the database has them.
    pub why: String,
}

impl Refused {
    /// The object and its table, for a sentence.
    pub fn name(&self) -> String {
        match self.object == self.table {
            true => format!("table {}", self.table),
            false => format!("{} of {}", self.object, self.table),
        }
    }
}

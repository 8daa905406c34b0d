//! The foreign keys and indexes that CiviCRM's upgrade steps drop by name.
//!
//! Up to 4.7 many steps drop without looking first: where the object has another name, the statement fails, and
//! the upgrade stops in the middle.

use super::op::{Action, Alteration, Guard, Op};
use super::step::{Step, Task};
use super::steps::{self, StepError};
use crate::civicrm::release::Version;

/// The kinds of objects that upgrade steps drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropKind {
    /// The step drops a foreign key.
    ForeignKey,
    /// The step drops an index, unique or not.
    Index,
}

/// One object that one upgrade step drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeDrop {
    /// The revision of the step; it runs on databases of a lower version.
    pub version: String,
    /// The kind of the object.
    pub kind: DropKind,
    /// The name of the table that has the object.
    pub table: String,
    /// The name of the object.
    pub name: String,
    /// Whether the step fails when the name does not exist, because it does not look first.
    pub unconditional: bool,
    /// The file and function of CiviCRM that has the step.
    pub source: String,
}

impl UpgradeDrop {
    /// Whether the step drops an object of this kind, table and name.
    pub fn drops(&self, kind: DropKind, table: &str, name: &str) -> bool {
        self.kind == kind
            && self.table.eq_ignore_ascii_case(table)
            && self.name.eq_ignore_ascii_case(name)
    }
}

/// The drops of the steps that run when a database of version `from` is upgraded with code of release `target`, in the
/// order of the steps.
///
/// # Errors
/// A file of steps that is part of the program cannot be read.
pub fn drops(from: &Version, target: &Version) -> Result<Vec<UpgradeDrop>, StepError> {
    let mut drops = Vec::new();
    for step in steps::between(from, target)? {
        for task in &step.tasks {
            for op in &task.ops {
                of_op(&step, task, op, &mut drops);
            }
        }
    }
    Ok(drops)
}

fn of_op(step: &Step, task: &Task, op: &Op, drops: &mut Vec<UpgradeDrop>) {
    let Action::Alter { table, clauses } = &op.action else {
        return;
    };
    for clause in clauses {
        let (kind, name) = match &clause.change {
            Alteration::DropForeignKey(name) => (DropKind::ForeignKey, name),
            Alteration::DropIndex(name) => (DropKind::Index, name),
            _ => continue,
        };
        drops.push(UpgradeDrop {
            version: step.revision.clone(),
            kind,
            table: table.clone(),
            name: name.clone(),
            unconditional: op.guard == Guard::None
                && clause.guard == Guard::None
                && op.multilingual.is_none(),
            source: task.source.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, target: &str) -> Vec<UpgradeDrop> {
        let version = |text| Version::parse(text).unwrap();
        drops(&version(from), &version(target)).unwrap()
    }

    fn count(from: &str, target: &str) -> usize {
        let drops = between(from, target);
        drops.iter().filter(|drop| drop.unconditional).count()
    }

    #[test]
    fn only_the_steps_between_two_versions_count() {
        assert_eq!(count("4.7.17", "4.7.17"), 0);
        assert_eq!(count("4.7.17", "4.7.18"), 1);
        // The steps of 4.1 run on a 4.0, and so would those of 4.0, had it any of its own.
        assert_eq!(count("4.0.8", "4.1"), count("3.4.8", "4.1"));
        assert!(count("4.0.8", "4.7") > 30);
    }

    #[test]
    fn names_that_the_server_gave_are_known() {
        let name = "civicrm_financial_trxn_ibfk_1";
        let drops = between("4.2.9", "4.3");
        assert!(drops.iter().any(|drop| drop.drops(
            DropKind::ForeignKey,
            "civicrm_financial_trxn",
            name
        )));
    }
}

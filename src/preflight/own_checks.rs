//! What CiviCRM's own code looks at in an operation, and stops for.

use super::failure::{Cause, RowCause};
use super::mend::Mend;
use super::rows::{RowState, RowsMust};
use super::server_model::ServerError;
use crate::civicrm::upgrade::op::{Action, Alteration, Op};
use crate::civicrm::upgrade::own_checks::{FOREIGN_KEYS, PARENTS, Place, RULES};
use crate::schema::model::{ReferentialAction, Schema, find, find_entry};

/// What one look needs of rows.
#[derive(Debug)]
pub(super) struct OwnCheck {
    /// The table as the database spells it before the upgrade.
    pub table: String,
    /// What must be true of its rows.
    pub rows: RowsMust,
    at: &'static Place,
    /// The error of the server, where it is one that stops.
    error: Option<ServerError>,
}

impl OwnCheck {
    /// Why the upgrade stops, where these rows are there.
    pub fn cause(&self, rows: RowCause) -> Cause {
        match &self.error {
            Some(error) => Cause::Rows(error.clone(), rows),
            None => Cause::OwnRows(self.at, rows),
        }
    }
}

fn is_at(at: &Place, step: &str, op: &Op) -> bool {
    at.step == step && at.operation == op.kind()
}

/// What CiviCRM's code needs of rows where it runs this operation of a step. `start` is the schema before the upgrade,
/// `reference` what CiviCRM makes of the declared release.
pub(super) fn of_rows(
    step: &str,
    op: &Op,
    start: &Schema,
    reference: Option<&Schema>,
    state: &RowState,
) -> Vec<OwnCheck> {
    let mut checks = Vec::new();
    for rule in RULES {
        let Some(at) = rule.at.as_ref().filter(|at| is_at(at, step, op)) else {
            continue;
        };
        if op.table() != Some(rule.table) {
            continue;
        }
        if let Some((table, _)) = state.at_start(start, rule.table) {
            let key = || match &op.action {
                Action::Alter { clauses, .. } => {
                    clauses.iter().find_map(|clause| match &clause.change {
                        Alteration::AddIndex { name, .. } => Some(name.clone()),
                        _ => None,
                    })
                }
                _ => None,
            };
            checks.push(OwnCheck {
                table: table.clone(),
                rows: RowsMust::Pass { rule },
                at,
                error: key().map(|key| ServerError::DuplicateEntry {
                    entry: String::new(),
                    key,
                }),
            });
        }
    }
    for parents in PARENTS {
        if !is_at(&parents.at, step, op) {
            continue;
        }
        let read = op.reads().and_then(|reads| reads.get(parents.table));
        let Some((read, (name, table))) = read.zip(state.at_start(start, parents.table)) else {
            continue;
        };
        for (column, parent) in parents.columns {
            let (Some((own, _)), Some((parent, of_parent))) = (
                find_entry(&table.columns, column),
                find_entry(&start.tables, parent),
            ) else {
                continue;
            };
            if !read.iter().any(|name| name == column) || find(&of_parent.columns, "id").is_none() {
                continue;
            }
            let declared = reference.and_then(|reference| reference.table(parents.table));
            let key = declared.and_then(|table| {
                let mut keys = table.foreign_keys.values();
                keys.find(|key| key.columns.iter().eq([column]))
            });
            checks.push(OwnCheck {
                table: name.clone(),
                rows: RowsMust::HaveParents {
                    column: own.clone(),
                    parent: parent.clone(),
                    parent_column: "id".to_owned(),
                    on_delete: key.map_or(ReferentialAction::Restrict, |key| key.on_delete),
                },
                at: &parents.at,
                error: None,
            });
        }
    }
    checks
}

/// Why CiviCRM's code stops in this operation of a step because tables have no foreign key at all, with what gives them
/// those of `reference`.
pub(super) fn of_keys(
    step: &str,
    op: &Op,
    schema: &Schema,
    reference: Option<&Schema>,
) -> Option<(Cause, Vec<Mend>)> {
    let check = &FOREIGN_KEYS;
    if !is_at(&check.at, step, op) {
        return None;
    }
    let without: Vec<&str> = check
        .tables
        .iter()
        .copied()
        .filter(|name| {
            let table = schema.table(name);
            table.is_some_and(|table| table.foreign_keys.is_empty())
        })
        .collect();
    let first = *without.first()?;
    let mends = without.iter().filter_map(|name| {
        let (table, _) = find_entry(&schema.tables, name)?;
        let keys = &reference?.table(name)?.foreign_keys;
        let add = |(name, key): (&String, &_)| Alteration::AddForeignKey {
            name: Some(name.clone()),
            key: Clone::clone(key),
        };
        Some(Mend::Alter {
            table: table.clone(),
            changes: keys.iter().map(add).collect(),
        })
    });
    let mends = mends.collect();
    let cause = Cause::OwnKeys(&check.at, first.to_owned());
    Some((cause, mends))
}

//! What a step asks of rows, of the account and of the server, and what it costs.

use super::planner::Planner;
use super::step::{Cost, Need, NewKey};
use crate::change::alter;
use crate::gate::{Blocked, Meaning};
use crate::schema::compare::same_ends;
use crate::schema::meaning::begins_with;
use crate::schema::model::{Index, IndexKind, KeyPart, Table};
use crate::schema::sql::alter_table;

impl Planner<'_> {
    pub(super) fn cost(&self, before: &Table, after: &Table) -> Cost {
        let innodb = before.engine.as_deref().is_none_or(is_innodb);
        let restated = alter::changed_columns(before, after).next().is_some();
        if !self.server.in_place || !innodb || before.engine != after.engine || restated {
            return Cost::Copy;
        }
        let changes = alter::IndexChanges::new(before, after, self.server.rename_index);
        let costs = changes.added.iter().map(|(name, index)| {
            if before.indexes.get(*name) == Some(*index) {
                Cost::MetadataOnly
            } else if matches!(index.kind, IndexKind::Fulltext | IndexKind::Spatial) {
                Cost::Copy
            } else {
                Cost::InPlace
            }
        });
        costs.max().unwrap_or(Cost::MetadataOnly)
    }

    pub(super) fn needs(&self, before: &Table, after: &Table) -> Vec<Need> {
        let mut needs = Vec::new();
        for (_, key) in alter::added_keys(before, after) {
            let parent = &key.referenced_table;
            if self.server.references {
                needs.push(Need::References(parent.clone()));
            }
            let unique = self
                .table(parent)
                .is_some_and(|(_, table)| is_unique(table, &key.referenced_columns));
            if self.server.standard_keys && !unique {
                needs.push(Need::NonStandardForeignKey(parent.clone()));
            }
        }
        needs.dedup();
        needs
    }
}

/// What the ALTER TABLE from one table to another and the one back are meant to be, once both have
/// passed the gate.
pub(super) fn passed(
    table: &str,
    before: &Table,
    after: &Table,
    rename_index: bool,
    (actions, inverse): (&[String], &[String]),
) -> Result<(Meaning, Meaning), Blocked> {
    let meaning = alter::meaning(table, before, after, rename_index)?;
    meaning.pass(alter_table(table, actions))?;
    let back = alter::meaning(table, after, before, rename_index)?.or_names(before.columns.keys());
    back.pass(alter_table(table, inverse))?;
    Ok((meaning, back))
}

pub(super) fn is_innodb(engine: &str) -> bool {
    engine.eq_ignore_ascii_case("InnoDB")
}

/// Whether just these columns are unique.
fn is_unique(table: &Table, columns: &[String]) -> bool {
    let just = |parts: &[KeyPart]| parts.len() == columns.len() && begins_with(parts, columns);
    let mut indexes = table.indexes.values();
    just(&table.primary_key)
        || indexes.any(|index| index.kind == IndexKind::Unique && just(&index.parts))
}

/// The foreign keys that only the second of two tables has.
pub(super) fn new_keys(before: &Table, after: &Table) -> Vec<NewKey> {
    let added = alter::added_keys(before, after).map(|(name, key)| {
        let mut old = before.foreign_keys.iter();
        let same = old.find(|(_, other)| same_ends(other, key));
        NewKey {
            constraint: name.clone(),
            key: key.clone(),
            in_force: same.map(|(name, _)| name.clone()),
        }
    });
    added.collect()
}

/// The unique indexes of the second of two tables that the first does not vouch for.
pub(super) fn new_unique(before: &Table, after: &Table) -> Vec<(String, Vec<KeyPart>)> {
    let keeps_unique = |index: &Index| {
        let mut others = before.indexes.values();
        others.any(|other| {
            other.kind == IndexKind::Unique
                && other.parts.iter().all(|part| index.parts.contains(part))
        })
    };
    let added = after.indexes.iter().filter(|(name, index)| {
        index.kind == IndexKind::Unique
            && before.indexes.get(*name) != Some(index)
            && !keeps_unique(index)
    });
    let added = added.map(|(name, index)| (name.clone(), index.parts.clone()));
    added.collect()
}

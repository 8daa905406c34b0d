//! What the server that a result is for makes necessary, beyond single statements.

use super::plan::Plan;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{IndexKind, Schema, find};
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::Snapshot;

impl Plan<'_> {
    /// Adds what the dump of this snapshot needs on the server `target`: generated columns without values, settings of
    /// the session, and the server whose default collations it leaves out.
    ///
    /// # Errors
    /// A statement is not what it is meant to be.
    pub fn fit(&mut self, snapshot: &Snapshot, target: &ServerVersion) -> Result<(), Blocked> {
        self.source.clone_from(&snapshot.source.server_version);
        if target.family == Family::Mysql {
            let facts = snapshot.dump.iter();
            let columns = facts.flat_map(|facts| &facts.values_for_generated);
            for (_, table, column) in columns {
                let found = (table.clone(), column.clone());
                if !self.generated.contains(&found) {
                    self.generated.push(found);
                }
            }
        }
        // MySQL 8.4 and later refuse a foreign key to columns that are not unique (error 6125).
        if target.at_least(Family::Mysql, (8, 4, 0)) && has_key_to_plain_index(&snapshot.schema) {
            let setting = "SET SESSION restrict_fk_on_non_standard_key = OFF".to_owned();
            let meaning = Meaning::new(Operation::SetSession, [""; 0]);
            self.session.push(meaning.pass(setting)?);
        }
        Ok(())
    }
}

/// Whether a foreign key refers to columns that no unique key has, in their order.
fn has_key_to_plain_index(schema: &Schema) -> bool {
    let keys = schema
        .tables
        .values()
        .flat_map(|table| table.foreign_keys.values());
    keys.into_iter().any(|key| {
        let Some(parent) = find(&schema.tables, &key.referenced_table) else {
            return false;
        };
        let is_same = |columns: &mut dyn Iterator<Item = &String>| {
            let columns: Vec<&String> = columns.collect();
            columns.len() == key.referenced_columns.len()
                && columns
                    .iter()
                    .zip(&key.referenced_columns)
                    .all(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        let unique = parent
            .indexes
            .values()
            .filter(|it| it.kind == IndexKind::Unique);
        let mut unique =
            unique.map(|index| is_same(&mut index.parts.iter().map(|part| &part.column)));
        let primary = parent.primary_key.iter().map(|part| &part.column);
        !is_same(&mut primary.into_iter()) && !unique.any(|is| is)
    })
}

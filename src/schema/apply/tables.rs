//! Tables among each other: made, dropped, renamed, and altered in what concerns others.

use super::error::{ApplyError, exists, missing, missing_in, refuse_unless};
use super::names::{key_of, rename_key, take};
use crate::schema::ddl::{AlterAction, AlterTable, CreateTable, Drop, TableSource};
use crate::schema::model::{Name, Schema, Table, are_too_many, find_mut};

impl Schema {
    pub(super) fn table_mut(&mut self, name: &str) -> Result<&mut Table, ApplyError> {
        find_mut(&mut self.tables, name).ok_or_else(|| missing("table", name))
    }

    /// Creates a table. Temporary tables are not part of the schema, and stand-ins only announce a view.
    pub(super) fn create_table(&mut self, create: CreateTable) -> Result<(), ApplyError> {
        let name = create.name.name;
        if create.temporary {
            return Ok(());
        }
        if create.in_version_comment {
            let columns = create.table.columns.into_keys().collect();
            self.stand_ins.insert(name, columns);
            return Ok(());
        }
        if self.has_relation(&name) && !(create.or_replace && self.table(&name).is_some()) {
            return refuse_unless(create.if_not_exists, exists("table", &name));
        }
        let mut table = match create.source {
            TableSource::Like(other) => {
                let mut table = self
                    .table(&other.name)
                    .cloned()
                    .ok_or_else(|| missing("table", &other.name))?;
                // LIKE does not copy foreign keys.
                table.foreign_keys.clear();
                table
            }
            TableSource::Definition | TableSource::Query(_) => create.table,
        };
        if let Some(old) = key_of(&self.tables, &name) {
            take(&mut self.tables, &old);
            self.drop_triggers_of(&old);
        }
        // Of very many small tables, what is reserved for more takes more than what is there.
        table.columns.shrink_to_fit();
        table.indexes.shrink_to_fit();
        table.foreign_keys.shrink_to_fit();
        self.tables.insert(name, table);
        Ok(())
    }

    pub(super) fn drop_tables(&mut self, drop: Drop) -> Result<(), ApplyError> {
        let mut result = Ok(());
        for Name { name, .. } in drop.names.into_iter().filter(|_| !drop.temporary) {
            if take(&mut self.tables, &name).is_some() {
                self.drop_triggers_of(&name);
            } else if !drop.if_exists && key_of(&self.stand_ins, &name).is_none() {
                result = Err(missing("table", &name));
            }
        }
        result
    }

    fn drop_triggers_of(&mut self, table: &str) {
        if are_too_many(self.triggers.len()) {
            return;
        }
        self.triggers
            .retain(|_, trigger| !trigger.table.eq_ignore_ascii_case(table));
    }

    /// Renames a table. Its triggers move along, and the foreign keys of other tables follow.
    pub(super) fn rename_table(&mut self, from: &Name, to: &Name) -> Result<(), ApplyError> {
        let (from, to) = (&from.name, &to.name);
        if self.has_relation(to) && !from.eq_ignore_ascii_case(to) {
            return Err(exists("table", to));
        }
        if rename_key(&mut self.views, from, to) {
            return Ok(());
        }
        let old = key_of(&self.tables, from).ok_or_else(|| missing("table", from))?;
        rename_key(&mut self.tables, &old, to);
        if are_too_many(self.tables.len()) || are_too_many(self.triggers.len()) {
            return Ok(());
        }
        for trigger in self.triggers.values_mut() {
            if trigger.table.eq_ignore_ascii_case(&old) {
                trigger.table.clone_from(to);
            }
        }
        let generated = format!("{old}_ibfk_");
        for (name, table) in &mut self.tables {
            for foreign_key in table.foreign_keys.values_mut() {
                if foreign_key.referenced_table.eq_ignore_ascii_case(&old) {
                    foreign_key.referenced_table.clone_from(to);
                }
            }
            if name == to {
                // Names of foreign keys that InnoDB generated follow the table.
                let names: Vec<String> = table.foreign_keys.keys().cloned().collect();
                for name in names.iter().filter(|name| name.starts_with(&generated)) {
                    let number = name.trim_start_matches(&generated);
                    let renamed = format!("{to}_ibfk_{number}");
                    rename_key(&mut table.foreign_keys, name, &renamed);
                }
            }
        }
        Ok(())
    }

    pub(super) fn alter_table(&mut self, alter: AlterTable) -> Result<(), ApplyError> {
        let mut name = alter.name;
        if self.table(&name.name).is_none() {
            return refuse_unless(alter.if_exists, missing("table", &name.name));
        }
        for action in alter.actions {
            match action {
                AlterAction::RenameTo(to) => {
                    self.rename_table(&name, &to)?;
                    name = to;
                }
                AlterAction::RenameColumn { from, to } => {
                    let table = self.table_mut(&name.name)?;
                    if !rename_key(&mut table.columns, &from, &to) {
                        return Err(missing_in(&name.name, "column", &from));
                    }
                    self.follow_column(&name.name, &from, &to);
                }
                AlterAction::ChangeColumn {
                    from,
                    definition,
                    position,
                    if_exists,
                } => {
                    let to = definition.name.clone();
                    let table = self.table_mut(&name.name)?;
                    if table.change_column(&name.name, &from, definition, position, if_exists)?
                        && from != to
                    {
                        self.follow_column(&name.name, &from, &to);
                    }
                }
                action => self.table_mut(&name.name)?.alter(&name.name, action)?,
            }
        }
        self.table_mut(&name.name)?.settle();
        Ok(())
    }

    /// Gives a renamed column its new name in keys of its table and in foreign keys to it.
    pub(crate) fn follow_column(&mut self, table: &str, from: &str, to: &str) {
        let rename = |column: &mut String| {
            if column.eq_ignore_ascii_case(from) {
                to.clone_into(column);
            }
        };
        if are_too_many(self.tables.len()) {
            return;
        }
        for (name, other) in &mut self.tables {
            let own = name.eq_ignore_ascii_case(table);
            if own {
                let indexes = other.indexes.values_mut();
                let parts = indexes.flat_map(|index| &mut index.parts);
                for part in parts.chain(&mut other.primary_key) {
                    rename(&mut part.column);
                }
            }
            for foreign_key in other.foreign_keys.values_mut() {
                if own {
                    foreign_key.columns.iter_mut().for_each(rename);
                }
                if foreign_key.referenced_table.eq_ignore_ascii_case(table) {
                    foreign_key.referenced_columns.iter_mut().for_each(rename);
                }
            }
        }
    }
}

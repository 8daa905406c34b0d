//! The columns, keys and options of one table.

use super::error::{ApplyError, duplicate_in, missing_in, refuse_unless};
use super::names::{index_of, rename_key, take};
use crate::schema::charset;
use crate::schema::ddl::{AlterAction, Position, TableOption};
use crate::schema::element::{ColumnDefinition, Duplicate};
use crate::schema::model::{KeyPart, Table, find, find_mut, put_at, take_at};
use crate::schema::sql::with_charset;

impl Table {
    /// Runs an action that concerns only this table.
    pub(super) fn alter(&mut self, name: &str, action: AlterAction) -> Result<(), ApplyError> {
        match action {
            AlterAction::AddColumn {
                definition,
                position,
                if_not_exists,
            } => {
                if if_not_exists && find(&self.columns, &definition.name).is_some() {
                    return Ok(());
                }
                let place = self.place(name, position)?;
                self.add_column(definition, place)
                    .map_err(|duplicate| duplicate_in(name, duplicate))
            }
            AlterAction::Add {
                element,
                if_not_exists,
            } => match self.add_element(name, element) {
                Err(duplicate) if !if_not_exists => Err(duplicate_in(name, duplicate)),
                _ => Ok(()),
            },
            AlterAction::SetDefault { column, default } => {
                let found = find_mut(&mut self.columns, &column)
                    .ok_or_else(|| missing_in(name, "column", &column))?;
                found.default = default;
                Ok(())
            }
            AlterAction::DropColumn {
                name: column,
                if_exists,
            } => {
                if take(&mut self.columns, &column).is_none() {
                    return refuse_unless(if_exists, missing_in(name, "column", &column));
                }
                let stays = |part: &KeyPart| !part.column.eq_ignore_ascii_case(&column);
                self.primary_key.retain(stays);
                // Servers take the column out of its indexes, and drop those left empty.
                self.indexes.retain(|_, index| {
                    index.parts.retain(stays);
                    !index.parts.is_empty()
                });
                Ok(())
            }
            AlterAction::DropIndex {
                name: index,
                if_exists,
            } => self.drop_index(name, &index, if_exists),
            AlterAction::DropForeignKey {
                name: key,
                if_exists,
            } => match take(&mut self.foreign_keys, &key) {
                Some(_) => Ok(()),
                None => refuse_unless(if_exists, missing_in(name, "foreign key", &key)),
            },
            AlterAction::DropConstraint(constraint) => {
                // What remains when the constraint is not a key is a check, whose name is not in the model.
                if take(&mut self.foreign_keys, &constraint).is_none() {
                    self.drop_index(name, &constraint, true)?;
                }
                Ok(())
            }
            AlterAction::RenameIndex { from, to } => {
                let renamed = rename_key(&mut self.indexes, &from, &to);
                refuse_unless(renamed, missing_in(name, "index", &from))
            }
            AlterAction::ConvertTo { charset, collation } => {
                for column in self.columns.values_mut() {
                    if charset::has_charset(&column.data_type) {
                        column.charset = None;
                        column.collation = None;
                    }
                }
                self.charset = charset;
                self.collation = collation;
                Ok(())
            }
            AlterAction::Option(option) => {
                self.alter_option(option);
                Ok(())
            }
            AlterAction::ChangeColumn { .. }
            | AlterAction::RenameColumn { .. }
            | AlterAction::RenameTo(_)
            | AlterAction::SwitchKeys
            | AlterAction::Other(_) => Ok(()),
        }
    }

    /// Changes a table option. A new default character set does not change the existing columns.
    fn alter_option(&mut self, option: TableOption) {
        if !matches!(option, TableOption::Charset(_) | TableOption::Collation(_)) {
            self.set_option(option);
            return;
        }
        let mut columns = std::mem::take(&mut self.columns);
        for column in columns.values_mut() {
            *column = with_charset(column, self);
        }
        match &option {
            // COLLATE may follow; without it the collation is the set's default.
            TableOption::Charset(_) => self.collation = None,
            _ => self.charset = None,
        }
        self.set_option(option);
        (self.charset, self.collation) =
            charset::complete(self.charset.take(), self.collation.take());
        for column in columns.values_mut() {
            charset::drop_inherited(column, self);
        }
        self.columns = columns;
    }

    /// Changes a column; returns whether the column exists.
    pub(super) fn change_column(
        &mut self,
        table: &str,
        from: &str,
        mut definition: ColumnDefinition,
        position: Position,
        if_exists: bool,
    ) -> Result<bool, ApplyError> {
        let Some(old) = index_of(&self.columns, from) else {
            return refuse_unless(if_exists, missing_in(table, "column", from)).map(|()| false);
        };
        let taken = find(&self.columns, &definition.name).is_some();
        if taken && !from.eq_ignore_ascii_case(&definition.name) {
            let (kind, name) = ("column", definition.name);
            return Err(duplicate_in(table, Duplicate { kind, name }));
        }
        let column = self.resolve(&mut definition);
        take_at(&mut self.columns, old);
        let place = self.place(table, position)?.unwrap_or(old);
        put_at(&mut self.columns, place, definition.name.clone(), column);
        self.add_attribute_keys(definition)
            .map_err(|duplicate| duplicate_in(table, duplicate))?;
        Ok(true)
    }

    /// The index in the list of columns that a position means; `None` for the end.
    fn place(&self, table: &str, position: Position) -> Result<Option<usize>, ApplyError> {
        match position {
            Position::Unchanged => Ok(None),
            Position::First => Ok(Some(0)),
            Position::After(column) => match index_of(&self.columns, &column) {
                Some(index) => Ok(Some(index + 1)),
                None => Err(missing_in(table, "column", &column)),
            },
        }
    }

    pub(super) fn drop_index(
        &mut self,
        table: &str,
        name: &str,
        if_exists: bool,
    ) -> Result<(), ApplyError> {
        if name.eq_ignore_ascii_case("PRIMARY") && !self.primary_key.is_empty() {
            self.primary_key.clear();
            return Ok(());
        }
        match take(&mut self.indexes, name) {
            Some(_) => Ok(()),
            None => refuse_unless(if_exists, missing_in(table, "index", name)),
        }
    }
}

//! ALTER TABLE on paper.

use super::foreign_key::{Added, has_foreign_keys, has_other_index, is_compatible, referring};
use super::limits::{Role, is_tree, keeps_prefix};
use super::{ServerError, ServerModel};
use crate::civicrm::upgrade::op::Alteration;
use crate::schema::charset;
use crate::schema::meaning::begins_with;
use crate::schema::model::{
    ByName, Column, DefaultValue, IndexKind, KeyPart, ReferentialAction, Schema, Table, find,
    find_entry, find_mut,
};
use crate::server_version::Family;

/// A statement succeeded, and did not do what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silent {
    /// A foreign key was not made, because the engine of its table has none.
    NoForeignKey {
        /// The table.
        table: String,
        /// The columns of the key.
        columns: Vec<String>,
    },
}

/// A table while it is altered.
struct Alter<'a> {
    server: &'a ServerModel,
    schema: &'a Schema,
    name: String,
    table: Table,
    /// Columns that were renamed: the old name and the new one.
    renamed: Vec<(String, String)>,
    silent: Vec<Silent>,
}

impl ServerModel {
    /// Alters a table; the changes succeed or fail together.
    ///
    /// # Errors
    /// The error with which the server would refuse the statement; the schema is then as before.
    pub fn alter(
        &self,
        schema: &mut Schema,
        table: &str,
        changes: &[Alteration],
    ) -> Result<Vec<Silent>, ServerError> {
        let (name, found) = self.existing(schema, table)?;
        let mut alter = Alter {
            server: self,
            schema,
            name: name.clone(),
            table: found.clone(),
            renamed: Vec::new(),
            silent: Vec::new(),
        };
        alter.drop_all(changes)?;
        for change in changes {
            alter.columns(change)?;
        }
        for change in changes {
            alter.check_keys_of(change)?;
        }
        for change in changes {
            alter.keys(change)?;
        }
        alter.check_needed_indexes()?;
        for change in changes {
            alter.foreign_keys(change)?;
        }
        alter.table.settle();
        let Alter {
            name,
            table,
            renamed,
            silent,
            ..
        } = alter;
        if let Some(place) = find_mut(&mut schema.tables, &name) {
            *place = table;
        }
        for (from, to) in renamed {
            schema.follow_column(&name, &from, &to);
        }
        Ok(silent)
    }
}

impl Alter<'_> {
    fn column(&self, name: &str) -> Result<(String, Column), ServerError> {
        let (name, column) =
            find_entry(&self.table.columns, name).ok_or_else(|| ServerError::NoColumn {
                column: name.to_owned(),
                place: self.name.clone(),
            })?;
        Ok((name.clone(), column.clone()))
    }

    /// The place of a column behind another; `otherwise` where no other is named.
    fn place_behind(&self, after: Option<&str>, otherwise: usize) -> Result<usize, ServerError> {
        let columns = &self.table.columns;
        let after = after.map(|after| self.column(after)).transpose()?;
        let place = after.and_then(|(after, _)| columns.get_index_of(&after));
        Ok(place.map_or(otherwise, |place| place + 1))
    }

    /// Servers drop first, whatever the order of the clauses.
    fn drop_all(&mut self, changes: &[Alteration]) -> Result<(), ServerError> {
        let cannot = |kind, name: &str| ServerError::CannotDrop {
            kind,
            name: name.to_owned(),
        };
        for change in changes {
            // MariaDB up to 10.5 leaves that to the storage engine, and MyISAM does not know foreign keys.
            let is_ignored = self.server.sees_names_first() && !has_foreign_keys(&self.table);
            if let Alteration::DropForeignKey(name) = change
                && take(&mut self.table.foreign_keys, name).is_none()
                && !is_ignored
            {
                return Err(cannot("FOREIGN KEY", name));
            }
        }
        for change in changes {
            match change {
                Alteration::DropIndex(name) if take(&mut self.table.indexes, name).is_none() => {
                    return Err(cannot("INDEX", name));
                }
                Alteration::DropPrimaryKey if self.table.primary_key.is_empty() => {
                    return Err(cannot("INDEX", "PRIMARY"));
                }
                Alteration::DropPrimaryKey => self.table.primary_key.clear(),
                _ => {}
            }
        }
        for change in changes {
            if let Alteration::DropColumn(name) = change {
                self.drop_column(name)?;
            }
        }
        let dropped = changes.iter().find_map(|change| match change {
            Alteration::DropColumn(name) => {
                let mut left = self.table.columns.values();
                left.any(|column| is_made_of(column, name)).then_some(name)
            }
            _ => None,
        });
        match dropped {
            Some(column) => Err(ServerError::ColumnGenerates {
                column: column.clone(),
            }),
            None => Ok(()),
        }
    }

    fn drop_column(&mut self, name: &str) -> Result<(), ServerError> {
        let Some((name, _)) = find_entry(&self.table.columns, name) else {
            return Err(ServerError::CannotDrop {
                kind: "COLUMN",
                name: name.to_owned(),
            });
        };
        let name = name.clone();
        let names = |columns: &[String]| {
            columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(&name))
        };
        let own = self
            .table
            .foreign_keys
            .iter()
            .find(|(_, key)| names(&key.columns));
        let in_key =
            |constraint: &String, of_table: Option<&String>| ServerError::ColumnInForeignKey {
                column: name.clone(),
                name: constraint.clone(),
                of_table: of_table.cloned(),
            };
        if let Some((constraint, key)) = own {
            // Of a key to the table itself the server sees its index first.
            let is_own = key.referenced_table.eq_ignore_ascii_case(&self.name);
            return Err(match is_own && self.server.is_mariadb() {
                true => ServerError::IndexInForeignKey {
                    index: constraint.clone(),
                },
                false => in_key(constraint, None),
            });
        }
        let mut others = referring(self.schema, &self.name);
        if let Some((child, constraint, _)) = others
            .find(|(_, _, key)| names(&key.referenced_columns) && self.server.foreign_key_checks)
        {
            return Err(in_key(constraint, Some(child)));
        }
        if self.table.columns.len() == 1 {
            return Err(ServerError::NoColumnLeft);
        }
        // MariaDB keeps unique keys of several columns whole (from 10.2.8 on).
        let has = |parts: &[KeyPart]| {
            parts.len() > 1
                && parts
                    .iter()
                    .any(|part| part.column.eq_ignore_ascii_case(&name))
        };
        let mut unique = self.table.indexes.values();
        let in_unique = has(&self.table.primary_key)
            || unique.any(|index| index.kind == IndexKind::Unique && has(&index.parts));
        if in_unique && self.server.version.at_least(Family::Mariadb, (10, 2, 8)) {
            return Err(ServerError::NoKeyColumn { column: name });
        }
        take(&mut self.table.columns, &name);
        let stays = |part: &KeyPart| !part.column.eq_ignore_ascii_case(&name);
        self.table.primary_key.retain(stays);
        self.table.indexes.retain(|_, index| {
            index.parts.retain(stays);
            !index.parts.is_empty()
        });
        Ok(())
    }

    fn columns(&mut self, change: &Alteration) -> Result<(), ServerError> {
        match change {
            Alteration::AddColumn {
                name,
                column,
                after,
            } => {
                if let Some(after) = after {
                    self.column(after)?;
                }
                if find(&self.table.columns, name).is_some() {
                    return Err(ServerError::ColumnExists {
                        column: name.clone(),
                    });
                }
                let column = self.resolved(column);
                check_default(self.server, name, &column)?;
                let place = self.place_behind(after.as_deref(), self.table.columns.len())?;
                self.table.columns.shift_insert(place, name.clone(), column);
            }
            Alteration::ChangeColumn {
                from,
                to,
                column,
                after,
                ..
            } => {
                self.change_column(from, to, column, after.as_deref())?;
            }
            Alteration::SetDefault { column, default } => {
                let (name, mut found) = self.column(column)?;
                found.default.clone_from(default);
                check_default(self.server, &name, &found)?;
                self.table.columns.insert(name, found);
            }
            Alteration::Engine(engine) => self.table.engine = Some(engine.clone()),
            Alteration::RowFormat(format) => self.table.row_format = Some(format.clone()),
            Alteration::Convert { charset, collation } => {
                for column in self.table.columns.values_mut() {
                    if charset::has_charset(&column.data_type) {
                        column.charset = None;
                        column.collation = None;
                    }
                }
                self.table.charset = Some(charset.clone());
                self.table.collation = Some(collation.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn resolved(&self, column: &Column) -> Column {
        let mut column = as_contact(self.schema, column);
        charset::drop_inherited(&mut column, &self.table);
        column
    }

    fn change_column(
        &mut self,
        from: &str,
        to: &str,
        column: &Column,
        after: Option<&str>,
    ) -> Result<(), ServerError> {
        let (from, old) = self.column(from)?;
        if !from.eq_ignore_ascii_case(to) && find(&self.table.columns, to).is_some() {
            return Err(ServerError::ColumnExists {
                column: to.to_owned(),
            });
        }
        let column = self.resolved(column);
        check_default(self.server, to, &column)?;
        let mut primary = self.table.primary_key.iter();
        let is_in_primary = primary.any(|part| part.column.eq_ignore_ascii_case(&from));
        // A text in a key is seen first.
        let is_text = column.data_type.ends_with("text") || column.data_type.ends_with("blob");
        let refuses = self.server.version.at_least(Family::Mysql, (5, 7, 0));
        if is_in_primary && column.nullable && !is_text && refuses {
            return Err(ServerError::NullInPrimaryKey);
        }
        let is_renamed = !from.eq_ignore_ascii_case(to);
        self.check_foreign_keys(&from, &old, &column, is_renamed)?;
        let Some(place) = self.table.columns.get_index_of(&from) else {
            return Ok(());
        };
        let keys = self.table.indexes.values_mut();
        let keys = keys.filter(|index| is_tree(index));
        let parts = keys.flat_map(|index| &mut index.parts);
        for part in parts.chain(&mut self.table.primary_key) {
            let is_own = part.column.eq_ignore_ascii_case(&from);
            if is_own
                && part
                    .length
                    .is_some_and(|length| !keeps_prefix(&column.data_type, length))
            {
                part.length = None;
            }
        }
        self.table.columns.shift_remove_index(place);
        let place = self.place_behind(after, place)?;
        self.table
            .columns
            .shift_insert(place, to.to_owned(), column);
        if from != to {
            for index in self.table.indexes.values_mut() {
                rename_parts(&mut index.parts, &from, to);
            }
            rename_parts(&mut self.table.primary_key, &from, to);
            for key in self.table.foreign_keys.values_mut() {
                for column in &mut key.columns {
                    if column.eq_ignore_ascii_case(&from) {
                        to.clone_into(column);
                    }
                }
            }
            self.renamed.push((from, to.to_owned()));
        }
        Ok(())
    }

    /// InnoDB keeps the type of columns in foreign keys, and NULL for those that SET NULL needs.
    fn check_foreign_keys(
        &self,
        name: &str,
        old: &Column,
        new: &Column,
        is_renamed: bool,
    ) -> Result<(), ServerError> {
        let changes_type = !is_compatible((old, &self.table), (new, &self.table));
        let names = |columns: &[String]| {
            columns
                .iter()
                .any(|column| column.eq_ignore_ascii_case(name))
        };
        if changes_type && self.server.is_mysql_8() {
            let own = self.table.foreign_keys.iter();
            let own = own.filter(|(_, key)| names(&key.columns));
            let others = referring(self.schema, &self.name)
                .filter(|(_, _, key)| names(&key.referenced_columns))
                .map(|(_, name, key)| (name, key));
            if let Some((constraint, key)) = own.chain(others).next() {
                return Err(ServerError::Incompatible {
                    column: key.columns.first().cloned().unwrap_or_default(),
                    referenced: key.referenced_columns.first().cloned().unwrap_or_default(),
                    name: constraint.clone(),
                });
            }
        }
        let is_in_key = self
            .table
            .foreign_keys
            .values()
            .any(|key| names(&key.columns))
            || self.table.foreign_keys.values().any(|key| {
                key.referenced_table.eq_ignore_ascii_case(&self.name)
                    && names(&key.referenced_columns)
            })
            || referring(self.schema, &self.name).any(|(_, _, key)| names(&key.referenced_columns));
        if changes_type && is_renamed && is_in_key && self.server.is_mariadb() {
            return Err(ServerError::CopyNotSupported);
        }
        let own = self.table.foreign_keys.iter().find(|(_, key)| {
            key.referenced_table.eq_ignore_ascii_case(&self.name) && names(&key.referenced_columns)
        });
        if let Some((constraint, _)) = own.filter(|_| changes_type) {
            return Err(ServerError::TypeInForeignKey {
                column: name.to_owned(),
                name: constraint.clone(),
                of_table: Some(self.name.clone()),
            });
        }
        let mut others = referring(self.schema, &self.name);
        if changes_type
            && let Some((child, constraint, _)) =
                others.find(|(_, _, key)| names(&key.referenced_columns))
        {
            return Err(ServerError::TypeInForeignKey {
                column: name.to_owned(),
                name: constraint.clone(),
                of_table: Some(child.clone()),
            });
        }
        for (constraint, key) in &self.table.foreign_keys {
            if !names(&key.columns) {
                continue;
            }
            let sets_null = [key.on_delete, key.on_update].contains(&ReferentialAction::SetNull);
            if sets_null && old.nullable && !new.nullable {
                return Err(ServerError::NotNullInForeignKey {
                    column: name.to_owned(),
                    name: constraint.clone(),
                });
            }
            if changes_type {
                return Err(ServerError::TypeInForeignKey {
                    column: name.to_owned(),
                    name: constraint.clone(),
                    of_table: None,
                });
            }
        }
        Ok(())
    }

    fn keys(&mut self, change: &Alteration) -> Result<(), ServerError> {
        match change {
            Alteration::AddIndex { name, index, .. } => {
                let role = Role::Secondary(index.kind);
                let exists = || ServerError::IndexExists {
                    index: name.clone(),
                };
                let is_taken = find(&self.table.indexes, name).is_some();
                if is_taken && self.server.sees_names_first() {
                    return Err(exists());
                }
                self.server.check_columns(&self.table, &index.parts, role)?;
                if self.server.sees_length_first(&self.table, &index.parts) {
                    self.server.check_length(&self.table, &index.parts, role)?;
                }
                if is_taken {
                    return Err(exists());
                }
                self.server.check_length(&self.table, &index.parts, role)?;
                self.table.indexes.insert(name.clone(), index.clone());
            }
            Alteration::AddPrimaryKey(columns) => {
                let parts: Vec<KeyPart> = columns.iter().map(KeyPart::column).collect();
                let is_taken = !self.table.primary_key.is_empty();
                if is_taken && self.server.sees_names_first() {
                    return Err(ServerError::PrimaryKeyExists);
                }
                self.server.check_key(&self.table, &parts, Role::Primary)?;
                if is_taken {
                    return Err(ServerError::PrimaryKeyExists);
                }
                self.table.primary_key = parts;
            }
            Alteration::ChangeColumn { to, column, .. }
            | Alteration::AddColumn {
                name: to, column, ..
            } if column.auto_increment => {
                let has_key = has_other_index(&self.table, "", std::slice::from_ref(to));
                if !has_key {
                    return Err(ServerError::AutoIncrementWithoutKey);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An index that a foreign key needs cannot go, unless another one takes its place.
    fn check_needed_indexes(&self) -> Result<(), ServerError> {
        let Some(before) = find(&self.schema.tables, &self.name) else {
            return Ok(());
        };
        let gone = before
            .indexes
            .iter()
            .filter(|(name, _)| find(&self.table.indexes, name).is_none());
        for (name, index) in gone {
            let begins = |columns: &[String]| begins_with(&index.parts, columns);
            let is_needed = |columns: &[String]| {
                begins(columns) && !has_other_index(&self.table, name, columns)
            };
            let own = self
                .table
                .foreign_keys
                .values()
                .any(|key| is_needed(&key.columns));
            let others = referring(self.schema, &self.name)
                .any(|(_, _, key)| is_needed(&key.referenced_columns));
            if own || (others && self.server.foreign_key_checks) {
                return Err(ServerError::IndexInForeignKey {
                    index: name.clone(),
                });
            }
        }
        Ok(())
    }

    /// The keys of a changed column still have to be possible.
    fn check_keys_of(&self, change: &Alteration) -> Result<(), ServerError> {
        let Alteration::ChangeColumn { to, .. } = change else {
            return Ok(());
        };
        let has = |parts: &[KeyPart]| {
            parts
                .iter()
                .any(|part| part.column.eq_ignore_ascii_case(to))
        };
        if has(&self.table.primary_key) {
            self.server
                .check_key(&self.table, &self.table.primary_key, Role::Primary)?;
        }
        for index in self
            .table
            .indexes
            .values()
            .filter(|index| has(&index.parts))
        {
            self.server
                .check_key(&self.table, &index.parts, Role::Secondary(index.kind))?;
        }
        Ok(())
    }

    fn foreign_keys(&mut self, change: &Alteration) -> Result<(), ServerError> {
        let Alteration::AddForeignKey { name, key } = change else {
            return Ok(());
        };
        let added = self.server.add_foreign_key(
            self.schema,
            &self.name,
            &mut self.table,
            name.as_deref(),
            key,
            true,
        )?;
        if matches!(added, Added::Ignored) {
            self.silent.push(Silent::NoForeignKey {
                table: self.name.clone(),
                columns: key.columns.clone(),
            });
        }
        Ok(())
    }
}

/// A change with the character set that the database has where facts say "as civicrm_contact".
pub(in crate::preflight) fn resolved(schema: &Schema, change: &Alteration) -> Alteration {
    let mut change = change.clone();
    if let Alteration::AddColumn { column, .. } | Alteration::ChangeColumn { column, .. } =
        &mut change
    {
        *column = as_contact(schema, column);
    }
    change
}

/// Where facts say "as civicrm_contact", the character set of that table.
pub(super) fn as_contact(schema: &Schema, column: &Column) -> Column {
    let mut column = column.clone();
    let contact = || schema.table("civicrm_contact");
    if column
        .charset
        .as_deref()
        .is_some_and(|charset| charset.starts_with("as "))
    {
        column.charset = contact().and_then(|table| table.charset.clone());
        column.collation = contact().and_then(|table| table.collation.clone());
    }
    if column
        .collation
        .as_deref()
        .is_some_and(|collation| collation.starts_with("as "))
    {
        column.collation = contact().and_then(|table| table.collation.clone());
    }
    column
}

fn check_default(server: &ServerModel, name: &str, column: &Column) -> Result<(), ServerError> {
    let family = column
        .data_type
        .split([' ', '('])
        .next()
        .unwrap_or_default();
    let is_long = matches!(
        family,
        "tinytext"
            | "text"
            | "mediumtext"
            | "longtext"
            | "tinyblob"
            | "blob"
            | "mediumblob"
            | "longblob"
    );
    let is_literal = matches!(column.default, Some(DefaultValue::Literal(_)));
    if is_long && is_literal && !server.version.at_least(Family::Mariadb, (10, 2, 1)) {
        return Err(ServerError::DefaultOfText {
            column: name.to_owned(),
        });
    }
    Ok(())
}

/// Whether a generated column is made of another one.
fn is_made_of(column: &Column, name: &str) -> bool {
    let Some(expression) = &column.generated else {
        return false;
    };
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    let mut words = expression.split(|letter| !is_part(letter));
    words.any(|word| word.eq_ignore_ascii_case(name))
}

fn rename_parts(parts: &mut [KeyPart], from: &str, to: &str) {
    for part in parts {
        if part.column.eq_ignore_ascii_case(from) {
            to.clone_into(&mut part.column);
        }
    }
}

/// Takes an entry out of the map; looks for the exact spelling first, then ignores letter case.
fn take<V>(map: &mut ByName<V>, name: &str) -> Option<V> {
    let name = find_entry(map, name)?.0.clone();
    map.shift_remove(&name)
}

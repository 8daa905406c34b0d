//! CREATE TABLE, DROP TABLE, RENAME TABLE and views on paper.

use super::alter::{Silent, as_contact};
use super::foreign_key::{Added, referring};
use super::limits::Role;
use super::{ServerError, ServerModel};
use crate::civicrm::upgrade::op::NewTable;
use crate::schema::charset;
use crate::schema::ddl::Statement;
use crate::schema::model::{KeyPart, Name, Schema, Table, View, find, find_entry};

impl ServerModel {
    /// Creates a table.
    ///
    /// # Errors
    /// A table or view of this name exists (1050), or a key is refused.
    pub fn create_table(
        &self,
        schema: &mut Schema,
        new: &NewTable,
    ) -> Result<Vec<Silent>, ServerError> {
        if new.temporary {
            return Ok(Vec::new());
        }
        if schema.has_relation(&new.name) {
            return match new.if_not_exists {
                true => Ok(Vec::new()),
                false => Err(ServerError::TableExists {
                    table: new.name.clone(),
                }),
            };
        }
        let mut table = match &new.like {
            Some(like) => {
                let (_, table) = self.existing(schema, like)?;
                let mut table = table.clone();
                table.foreign_keys.clear();
                table
            }
            None => written(schema, new),
        };
        let mut silent = Vec::new();
        if new.like.is_none() {
            self.check_key(&table, &table.primary_key, Role::Primary)?;
            for index in table.indexes.values() {
                self.check_key(&table, &index.parts, Role::Secondary(index.kind))?;
            }
            for (name, key) in &new.foreign_keys {
                let added = self.add_foreign_key(
                    schema,
                    &new.name,
                    &mut table,
                    name.as_deref(),
                    key,
                    false,
                )?;
                if matches!(added, Added::Ignored) {
                    silent.push(Silent::NoForeignKey {
                        table: new.name.clone(),
                        columns: key.columns.clone(),
                    });
                }
            }
        }
        table.settle();
        schema.tables.insert(new.name.clone(), table);
        Ok(silent)
    }

    /// Drops a table.
    ///
    /// # Errors
    /// There is no such table (1051), or foreign keys of other tables refer to it (1451, 3730).
    pub fn drop_table(
        &self,
        schema: &mut Schema,
        table: &str,
        if_exists: bool,
    ) -> Result<(), ServerError> {
        let Some((name, _)) = find_entry(&schema.tables, table) else {
            return match if_exists {
                true => Ok(()),
                false => Err(ServerError::UnknownTable {
                    table: table.to_owned(),
                }),
            };
        };
        let name = name.clone();
        if self.foreign_key_checks
            && let Some((child, constraint, _)) = referring(schema, &name).next()
        {
            return Err(ServerError::TableReferenced {
                table: name.clone(),
                name: constraint.clone(),
                child: child.clone(),
            });
        }
        schema.tables.shift_remove(&name);
        schema
            .triggers
            .retain(|_, trigger| !trigger.table.eq_ignore_ascii_case(&name));
        Ok(())
    }

    /// Renames a table.
    ///
    /// # Errors
    /// There is no such table (1146), or the new name is in use (1050).
    pub fn rename_table(
        &self,
        schema: &mut Schema,
        from: &str,
        to: &str,
    ) -> Result<(), ServerError> {
        if schema.has_relation(to) {
            return Err(ServerError::TableExists {
                table: to.to_owned(),
            });
        }
        let rename = Statement::RenameTable(vec![(Name::local(from), Name::local(to))]);
        schema.apply(rename).map_err(|_| ServerError::NoTable {
            table: from.to_owned(),
        })
    }

    /// Creates a view.
    ///
    /// # Errors
    /// A table, or without OR REPLACE a view, of this name exists (1050).
    pub fn create_view(
        &self,
        schema: &mut Schema,
        view: &str,
        or_replace: bool,
    ) -> Result<(), ServerError> {
        let is_taken = find(&schema.tables, view).is_some()
            || (!or_replace && find(&schema.views, view).is_some());
        if is_taken {
            return Err(ServerError::TableExists {
                table: view.to_owned(),
            });
        }
        let new = View {
            definer: None,
            query: String::new(),
            sql_mode: None,
        };
        schema.views.insert(view.to_owned(), new);
        Ok(())
    }

    /// Drops a view.
    ///
    /// # Errors
    /// There is no such view (1051).
    pub fn drop_view(
        &self,
        schema: &mut Schema,
        view: &str,
        if_exists: bool,
    ) -> Result<(), ServerError> {
        let Some((name, _)) = find_entry(&schema.views, view) else {
            return match if_exists {
                true => Ok(()),
                false => Err(ServerError::UnknownTable {
                    table: view.to_owned(),
                }),
            };
        };
        let name = name.clone();
        schema.views.shift_remove(&name);
        Ok(())
    }
}

/// The table that a definition writes out, without its foreign keys.
pub(in crate::preflight) fn written(schema: &Schema, new: &NewTable) -> Table {
    let contact = schema.table("civicrm_contact");
    let (mut charset, mut collation) = (new.charset.clone(), new.collation.clone());
    let is_as_contact =
        |name: &Option<String>| name.as_deref().is_some_and(|name| name.starts_with("as "));
    // A database has mostly the character set of its tables.
    if is_as_contact(&charset)
        || is_as_contact(&collation)
        || (charset.is_none() && collation.is_none())
    {
        charset = contact.and_then(|table| table.charset.clone());
        collation = contact.and_then(|table| table.collation.clone());
    }
    let (charset, collation) = charset::complete(charset, collation);
    let mut table = Table {
        primary_key: new.primary.iter().map(KeyPart::column).collect(),
        indexes: new.indexes.clone(),
        engine: new.engine.clone().or_else(|| Some("InnoDB".to_owned())),
        charset,
        collation,
        row_format: None,
        ..Table::default()
    };
    for (name, column) in &new.columns {
        let mut column = as_contact(schema, column);
        charset::drop_inherited(&mut column, &table);
        table.columns.insert(name.clone(), column);
    }
    table
}

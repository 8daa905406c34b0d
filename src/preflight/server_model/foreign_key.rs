//! What a server asks of a foreign key.

use super::limits::Role;
use super::{ServerError, ServerModel};
use crate::schema::meaning::begins_with;
use crate::schema::model::{
    Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table, find,
};
use crate::server_version::Family;

/// What becomes of a foreign key that a statement adds.
pub(super) enum Added {
    /// The table gets the key.
    Key,
    /// The storage engine of the table has no foreign keys: the statement succeeds, and no key is made.
    Ignored,
}

impl ServerModel {
    /// Adds a foreign key to `table`, which is about to be the table `name` of the schema; makes the index that the
    /// server makes for it. `is_altered` says that an ALTER TABLE adds it, not the CREATE TABLE.
    pub(super) fn add_foreign_key(
        &self,
        schema: &Schema,
        name: &str,
        table: &mut Table,
        constraint: Option<&str>,
        key: &ForeignKey,
        is_altered: bool,
    ) -> Result<Added, ServerError> {
        let label = constraint.map_or_else(|| free_name(name, table), str::to_owned);
        let needs_index = !self.serves(table, &key.columns);
        let parts: Vec<KeyPart> = key.columns.iter().map(KeyPart::column).collect();
        let index_is_taken = needs_index && find(&table.indexes, &label).is_some();
        if index_is_taken && self.sees_names_first() && !self.is_mariadb() {
            return Err(ServerError::IndexExists { index: label });
        }
        for column in &key.columns {
            if find(&table.columns, column).is_none() {
                return Err(ServerError::NoKeyColumn {
                    column: column.clone(),
                });
            }
        }
        if needs_index && !self.is_mariadb() {
            let role = Role::Secondary(IndexKind::Plain);
            self.check_key(table, &parts, role)?;
        }
        if !has_foreign_keys(table) {
            return Ok(Added::Ignored);
        }
        if index_is_taken && self.is_mariadb() {
            return Err(ServerError::IndexExists { index: label });
        }
        if self.is_mariadb() && !self.foreign_key_checks && is_altered {
            self.check_in_place(schema, name, table, &label, key)?;
        }
        let taken = ServerError::ForeignKeyExists {
            table: name.to_owned(),
            name: label.clone(),
        };
        let is_taken = self.is_taken(schema, name, table, &label);
        let in_own = find(&table.foreign_keys, &label).is_some();
        if in_own || is_taken && self.is_mariadb() {
            return Err(taken);
        }
        self.check_nulls(name, table, &label, key)?;
        self.check_parent(schema, name, table, &label, key)?;
        if is_taken {
            return Err(taken);
        }
        if needs_index {
            let index_name = match constraint {
                Some(constraint) => constraint,
                None => key.columns.first().map_or("", String::as_str),
            };
            let index_name = free_index(table, index_name);
            let index = Index {
                kind: IndexKind::Plain,
                parts,
            };
            table.indexes.insert(index_name, index);
        }
        table.foreign_keys.insert(label, key.clone());
        Ok(Added::Key)
    }

    /// What MariaDB refuses where it does not check foreign keys, and so alters the table in place (measured on 10.11.14).
    fn check_in_place(
        &self,
        schema: &Schema,
        name: &str,
        table: &Table,
        label: &str,
        key: &ForeignKey,
    ) -> Result<(), ServerError> {
        let refused = |number| {
            Err(ServerError::InPlaceKeyRefused {
                table: name.to_owned(),
                name: label.to_owned(),
                parent: key.referenced_table.clone(),
                number,
            })
        };
        if find(&table.foreign_keys, label).is_some() {
            return refused(1826);
        }
        let is_own = key.referenced_table.eq_ignore_ascii_case(name);
        let parent = if is_own {
            Some(table)
        } else {
            schema.table(&key.referenced_table)
        };
        if let Some(parent) = parent.filter(|parent| has_foreign_keys(parent)) {
            if !self.serves(parent, &key.referenced_columns) {
                return refused(1822);
            }
            let mut pairs = key.columns.iter().zip(&key.referenced_columns);
            let fits = pairs.all(|(ours, theirs)| {
                let ours = find(&table.columns, ours);
                let theirs = find(&parent.columns, theirs);
                ours.zip(theirs)
                    .is_some_and(|(ours, theirs)| is_compatible((ours, table), (theirs, parent)))
            });
            if !fits {
                return refused(1825);
            }
        }
        if self.check_nulls(name, table, label, key).is_err() {
            return refused(1825);
        }
        match self.is_taken(schema, name, table, label) {
            true => refused(1823),
            false => Ok(()),
        }
    }

    /// Whether a constraint name is in use. From MariaDB 12.1 on it has to be free only in the table.
    fn is_taken(&self, schema: &Schema, name: &str, table: &Table, label: &str) -> bool {
        if find(&table.foreign_keys, label).is_some() {
            return true;
        }
        if self.version.at_least(Family::Mariadb, (12, 1, 0)) {
            return false;
        }
        let others = schema
            .tables
            .iter()
            .filter(|(other, _)| !other.eq_ignore_ascii_case(name));
        others
            .into_iter()
            .any(|(_, other)| find(&other.foreign_keys, label).is_some())
    }

    fn check_nulls(
        &self,
        name: &str,
        table: &Table,
        label: &str,
        key: &ForeignKey,
    ) -> Result<(), ServerError> {
        let sets_null = [key.on_delete, key.on_update].contains(&ReferentialAction::SetNull);
        let not_null = key
            .columns
            .iter()
            .filter(|_| sets_null)
            .find(|column| find(&table.columns, column).is_some_and(|column| !column.nullable));
        let Some(column) = not_null else {
            return Ok(());
        };
        let error = ServerError::NotNullInForeignKey {
            column: column.clone(),
            name: label.to_owned(),
        };
        let error = match self.is_mariadb() {
            true => ServerError::ForeignKeyRefused {
                table: name.to_owned(),
                why: format!("{column} is NOT NULL and ON DELETE SET NULL would set it to NULL"),
                mysql_8: Box::new(error),
            },
            false => error,
        };
        Err(error)
    }

    fn check_parent(
        &self,
        schema: &Schema,
        name: &str,
        table: &Table,
        label: &str,
        key: &ForeignKey,
    ) -> Result<(), ServerError> {
        let refused = |why: String, mysql_8: ServerError| {
            Err(ServerError::ForeignKeyRefused {
                table: name.to_owned(),
                why,
                mysql_8: Box::new(mysql_8),
            })
        };
        let parent_name = &key.referenced_table;
        let is_own = parent_name.eq_ignore_ascii_case(name);
        let parent = if is_own {
            Some(table)
        } else {
            schema.table(parent_name)
        };
        let not_opened = ServerError::ParentNotOpened {
            table: parent_name.clone(),
        };
        let Some(parent) = parent else {
            if !self.foreign_key_checks {
                return Ok(());
            }
            return refused(format!("there is no table {parent_name}"), not_opened);
        };
        if !has_foreign_keys(parent) {
            if !self.foreign_key_checks {
                return Ok(());
            }
            let engine = parent.engine.as_deref().unwrap_or_default();
            return refused(
                format!("{parent_name} is of the engine {engine}, which has no foreign keys"),
                not_opened,
            );
        }
        for (column, referenced) in key.columns.iter().zip(&key.referenced_columns) {
            let Some(theirs) = find(&parent.columns, referenced) else {
                return refused(
                    format!("{parent_name} has no column {referenced}"),
                    ServerError::NoParentColumn {
                        column: referenced.clone(),
                        name: label.to_owned(),
                        table: parent_name.clone(),
                    },
                );
            };
            let fits = find(&table.columns, column)
                .is_some_and(|ours| is_compatible((ours, table), (theirs, parent)));
            if !fits {
                let ours = find(&table.columns, column).map_or("", |ours| &ours.data_type);
                return refused(
                    format!(
                        "{name}.{column} is {ours}, and {parent_name}.{referenced} is {}",
                        theirs.data_type
                    ),
                    ServerError::Incompatible {
                        column: column.clone(),
                        referenced: referenced.clone(),
                        name: label.to_owned(),
                    },
                );
            }
        }
        if self.unique_parents && !has_unique(parent, &key.referenced_columns) {
            let error = ServerError::NoUniqueParent {
                name: label.to_owned(),
                table: parent_name.clone(),
            };
            let columns = key.referenced_columns.join(", ");
            return refused(
                format!("{parent_name} has no unique key of {columns}"),
                error,
            );
        }
        if !self.serves(parent, &key.referenced_columns) {
            return refused(
                format!(
                    "{parent_name} has no index that begins with {}",
                    key.referenced_columns.join(", ")
                ),
                ServerError::NoParentIndex {
                    name: label.to_owned(),
                    table: parent_name.clone(),
                },
            );
        }
        Ok(())
    }
}

/// Whether the primary key or a unique key has just these columns, whole.
fn has_unique(table: &Table, columns: &[String]) -> bool {
    let is_it = |parts: &[KeyPart]| parts.len() == columns.len() && begins_with(parts, columns);
    let mut indexes = table.indexes.values();
    is_it(&table.primary_key)
        || indexes.any(|index| index.kind == IndexKind::Unique && is_it(&index.parts))
}

/// Whether the storage engine of a table has foreign keys.
pub(super) fn has_foreign_keys(table: &Table) -> bool {
    let engine = table.engine.as_deref();
    engine.is_none_or(|engine| engine.eq_ignore_ascii_case("InnoDB"))
}

/// A constraint name of InnoDB's form: `table_ibfk_N`, N one above the highest of the table.
fn free_name(name: &str, table: &Table) -> String {
    let prefix = format!("{name}_ibfk_");
    let numbers = table.foreign_keys.keys();
    let numbers = numbers.filter_map(|key| key.strip_prefix(&prefix)?.parse::<u64>().ok());
    format!("{prefix}{}", numbers.max().unwrap_or(0).saturating_add(1))
}

fn free_index(table: &Table, wanted: &str) -> String {
    if find(&table.indexes, wanted).is_none() {
        return wanted.to_owned();
    }
    // There are more names in this range than indexes, so one is free.
    (2..table.indexes.len() + 3)
        .map(|number| format!("{wanted}_{number}"))
        .find(|name| find(&table.indexes, name).is_none())
        .unwrap_or_default()
}

/// Whether a column may refer to another: whole numbers of the same size and sign, texts of the same character set
/// and collation whatever their lengths, else the same type.
pub(super) fn is_compatible(ours: (&Column, &Table), theirs: (&Column, &Table)) -> bool {
    let kind = |column: &Column| {
        let data_type = column.data_type.to_ascii_lowercase();
        let (family, rest) = match data_type.split_once('(') {
            Some((family, rest)) => (
                family.to_owned(),
                rest.split_once(')').map_or("", |(_, rest)| rest).to_owned(),
            ),
            None => match data_type.split_once(' ') {
                Some((family, rest)) => (family.to_owned(), rest.to_owned()),
                None => (data_type.clone(), String::new()),
            },
        };
        let is_unsigned = rest.contains("unsigned");
        match family.as_str() {
            "varchar" | "char" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                ("text".to_owned(), false)
            }
            "varbinary" | "binary" => ("binary".to_owned(), false),
            _ => (family, is_unsigned),
        }
    };
    let (one, other) = (kind(ours.0), kind(theirs.0));
    if one != other {
        return false;
    }
    if one.0 != "text" {
        return true;
    }
    let collation = |(column, table): (&Column, &Table)| {
        let own = column.collation.clone();
        own.or_else(|| table.collation.clone())
    };
    collation(ours) == collation(theirs)
}

/// Whether an index of the table, other than `except`, begins with the columns.
pub(super) fn has_other_index(table: &Table, except: &str, columns: &[String]) -> bool {
    let is_primary = except.eq_ignore_ascii_case("PRIMARY");
    (!is_primary && begins_with(&table.primary_key, columns))
        || table.indexes.iter().any(|(name, index)| {
            !name.eq_ignore_ascii_case(except)
                && super::limits::is_tree(index)
                && begins_with(&index.parts, columns)
        })
}

/// The foreign keys of other tables that refer to a table: child table, constraint and key.
pub(super) fn referring<'s>(
    schema: &'s Schema,
    table: &'s str,
) -> impl Iterator<Item = (&'s String, &'s String, &'s ForeignKey)> {
    schema.tables.iter().flat_map(move |(child, other)| {
        let keys = other.foreign_keys.iter().filter(move |(_, key)| {
            key.referenced_table.eq_ignore_ascii_case(table) && !child.eq_ignore_ascii_case(table)
        });
        keys.map(move |(name, key)| (child, name, key))
    })
}

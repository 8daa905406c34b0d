//! What the paper run assumes where nothing mends the database, so that it finds what comes after, too.

use super::server_model::ServerError;
use crate::case::Case;
use crate::civicrm::reference::Reference;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::op::{Action, Alteration, Op};
use crate::schema::model::{Column, Index, IndexKind, KeyPart, Schema, Table, find, find_mut};

/// Takes out of the way what makes an operation fail.
pub(super) struct Assumptions<'a, 'c> {
    case: &'a Case<'c>,
    /// The schemas of the release that the database declares and of the target, made when they are needed.
    references: Option<Vec<Schema>>,
    code: &'a Version,
}

impl<'a, 'c> Assumptions<'a, 'c> {
    pub fn new(case: &'a Case<'c>, code: &'a Version) -> Self {
        Self {
            case,
            references: None,
            code,
        }
    }

    fn references(&mut self) -> &[Schema] {
        let (case, code) = (self.case, self.code);
        self.references.get_or_insert_with(|| {
            let declared = case.declared_version();
            let versions = declared.iter().chain([code]);
            let states = versions.filter_map(|version| case.catalogue.state_for(version));
            states
                .map(|state| Reference::new(case.catalogue, state, case.subject()).schema)
                .collect()
        })
    }

    /// A table as CiviCRM makes it, without the foreign keys that the schema cannot have.
    fn table(&mut self, name: &str) -> Table {
        let found = self
            .references()
            .iter()
            .find_map(|schema| schema.table(name));
        found.cloned().unwrap_or_default()
    }

    /// A column as CiviCRM makes it; a text where it is not known.
    fn column(&mut self, table: &str, name: &str) -> Column {
        let found = self
            .references()
            .iter()
            .find_map(|schema| find(&schema.table(table)?.columns, name));
        found.cloned().unwrap_or_else(|| Column {
            data_type: "varchar(255)".to_owned(),
            nullable: true,
            ..Column::default()
        })
    }

    /// Changes the schema, or the operation, as if somebody had mended what the error is about; returns whether there
    /// was anything to do.
    pub fn mend(&mut self, schema: &mut Schema, op: &mut Op, error: &ServerError) -> bool {
        match error {
            ServerError::NotTable { view } => {
                schema.views.shift_remove(view);
                let new = self.table(view);
                schema.tables.insert(view.clone(), new);
                true
            }
            ServerError::NoTable { table } => {
                let new = self.table(table);
                schema.tables.insert(table.clone(), new);
                true
            }
            ServerError::NoColumn { column, place } => {
                let new = self.column(place, column);
                let Some(table) = find_mut(&mut schema.tables, place) else {
                    return false;
                };
                table.columns.insert(column.clone(), new).is_none()
            }
            ServerError::NoKeyColumn { column } => {
                let Some(name) = op.table().map(str::to_owned) else {
                    return false;
                };
                let new = self.column(&name, column);
                let Some(table) = find_mut(&mut schema.tables, &name) else {
                    return false;
                };
                table.columns.insert(column.clone(), new).is_none()
            }
            ServerError::TableExists { table } => {
                schema.views.shift_remove(table);
                schema.tables.shift_remove(table).is_some()
                    || !matches!(op.action, Action::Alter { .. })
            }
            ServerError::UnknownTable { .. } => false,
            ServerError::NoDefault { column } => {
                let table = op
                    .table()
                    .and_then(|table| find_mut(&mut schema.tables, table));
                let column = table.and_then(|table| find_mut(&mut table.columns, column));
                column.map(|column| column.auto_increment = true).is_some()
            }
            ServerError::ForeignKeyRefused { .. }
            | ServerError::Incompatible { .. }
            | ServerError::NoUniqueParent { .. }
            | ServerError::InPlaceKeyRefused {
                number: 1822 | 1825,
                ..
            } => {
                make_keys_fit(schema, op);
                // What cannot be made to fit is left out.
                true
            }
            ServerError::ForeignKeyExists { name, .. }
            | ServerError::InPlaceKeyRefused { name, .. } => {
                for table in schema.tables.values_mut() {
                    table.foreign_keys.shift_remove(name);
                }
                true
            }
            _ => mend_table(schema, op, error),
        }
    }
}

/// Mends what is about one table that the operation alters.
fn mend_table(schema: &mut Schema, op: &mut Op, error: &ServerError) -> bool {
    let Action::Alter {
        table: name,
        clauses,
    } = &mut op.action
    else {
        return false;
    };
    let mut drop_key = |constraint: &str, of_table: &str| {
        let table = find_mut(&mut schema.tables, of_table);
        table.is_some_and(|table| table.foreign_keys.shift_remove(constraint).is_some())
    };
    match error {
        ServerError::ColumnInForeignKey {
            name: key,
            of_table,
            ..
        }
        | ServerError::TypeInForeignKey {
            name: key,
            of_table,
            ..
        } => {
            return drop_key(key, of_table.as_deref().unwrap_or(name));
        }
        ServerError::NotNullInForeignKey { name: key, .. } if drop_key(key, name) => return true,
        _ => {}
    }
    let Some(table) = find_mut(&mut schema.tables, name) else {
        return false;
    };
    let before = clauses.len();
    match error {
        ServerError::CannotDrop { name: missing, .. } => {
            clauses.retain(|clause| match &clause.change {
                Alteration::DropForeignKey(name)
                | Alteration::DropIndex(name)
                | Alteration::DropColumn(name) => !name.eq_ignore_ascii_case(missing),
                Alteration::DropPrimaryKey => missing != "PRIMARY",
                _ => true,
            })
        }
        ServerError::ColumnExists { column } => {
            return match crate::schema::model::find_entry(&table.columns, column) {
                Some((name, _)) => {
                    let name = name.clone();
                    table.columns.shift_remove(&name).is_some()
                }
                None => false,
            };
        }
        ServerError::IndexExists { index } => return table.indexes.shift_remove(index).is_some(),
        ServerError::PrimaryKeyExists => table.primary_key.clear(),
        ServerError::IndexInForeignKey { index } => {
            let parts = find(&table.indexes, index)
                .map(|index| index.parts.clone())
                .unwrap_or_default();
            let kept = Index {
                kind: IndexKind::Plain,
                parts,
            };
            table.indexes.insert(format!("{index}_kept"), kept);
            return true;
        }
        // The operation itself cannot work.
        _ => return false,
    }
    clauses.len() < before || matches!(error, ServerError::PrimaryKeyExists)
}

/// Gives columns of new foreign keys the type of the columns that they refer to, and parents what they need.
fn make_keys_fit(schema: &mut Schema, op: &Op) {
    let keys: Vec<_> = match &op.action {
        Action::Alter { table, clauses } => {
            let keys = clauses.iter().filter_map(|clause| match &clause.change {
                Alteration::AddForeignKey { key, .. } => Some((table.clone(), key.clone())),
                _ => None,
            });
            keys.collect()
        }
        Action::CreateTable(new) => {
            let keys = new.foreign_keys.iter();
            keys.map(|(_, key)| (new.name.clone(), key.clone()))
                .collect()
        }
        _ => Vec::new(),
    };
    for (child, key) in keys {
        let parent = find_mut(&mut schema.tables, &key.referenced_table);
        let Some(parent) = parent else {
            continue;
        };
        parent.engine = Some("InnoDB".to_owned());
        if !crate::schema::meaning::serves(parent, &key.referenced_columns) {
            let parts = key.referenced_columns.iter().map(KeyPart::column).collect();
            let index = Index {
                kind: IndexKind::Unique,
                parts,
            };
            parent.indexes.insert(format!("for_{child}"), index);
        }
        for (column, referenced) in key.columns.iter().zip(&key.referenced_columns) {
            let theirs = schema.table(&key.referenced_table).and_then(|parent| {
                let column = find(&parent.columns, referenced)?;
                Some((
                    column.data_type.clone(),
                    column.charset.clone(),
                    column.collation.clone(),
                ))
            });
            let ours = find_mut(&mut schema.tables, &child)
                .and_then(|table| find_mut(&mut table.columns, column));
            if let (Some((data_type, charset, collation)), Some(ours)) = (theirs, ours) {
                (ours.data_type, ours.charset, ours.collation) = (data_type, charset, collation);
            }
        }
    }
}

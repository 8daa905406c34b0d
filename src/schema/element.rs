//! The elements of a table definition, and the effect of adding one to a table. CREATE TABLE and ALTER TABLE
//! share this code, so both give unnamed keys the name that a server would.

use super::{
    charset,
    meaning::is_json,
    model::{
        ByName, Column, ForeignKey, Index, IndexKind, KeyPart, Table, are_too_many, find, find_mut,
        put_at,
    },
};

/// A column as a statement defines it, before the table's defaults are taken into account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// The name of the column.
    pub name: String,
    /// The column; character set and collation only where the definition names them.
    pub column: Column,
    /// Whether `PRIMARY KEY` is among the column's attributes.
    pub primary_key: bool,
    /// Whether `UNIQUE` is among the column's attributes.
    pub unique: bool,
    /// Expressions of the checks among the column's attributes. (REFERENCES among them is not kept: servers do
    /// not print it, and InnoDB ignored it before MariaDB 10.5 and MySQL 9.0.)
    pub checks: Vec<String>,
    /// Whether the column has the `BINARY` attribute: the binary collation of whatever character set it has.
    pub binary_collation: bool,
    /// Whether the column is `INVISIBLE`.
    pub invisible: bool,
}

/// A key or constraint of a table definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// A primary key, with its columns.
    PrimaryKey(Vec<KeyPart>),
    /// A key other than the primary key.
    Index {
        /// The name of the key; `None` if the definition gives no name.
        name: Option<String>,
        /// The kind and the columns of the key.
        index: Index,
    },
    /// A foreign key constraint.
    ForeignKey {
        /// The name of the constraint; `None` if the definition gives no name.
        name: Option<String>,
        /// The columns, parent table and rules of the foreign key.
        foreign_key: ForeignKey,
    },
    /// A `CHECK` constraint, with its expression.
    Check(String),
    /// A `PERIOD FOR` of system-versioned tables, which is not in the model.
    Period,
}

/// The table already has an object of this kind and name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the table already has the {kind} {name}")]
pub struct Duplicate {
    /// The kind of object: `column`, `index`, `foreign key` or `primary key`.
    pub kind: &'static str,
    /// The name of the object.
    pub name: String,
}

/// Makes sure that no object of a kind has this name yet.
fn expect_free<V>(objects: &ByName<V>, kind: &'static str, name: &str) -> Result<(), Duplicate> {
    match find(objects, name) {
        Some(_) => Err(Duplicate {
            kind,
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Makes sure that a table has not got more columns or keys than any server takes, which are 4096 columns and 128
/// indexes: of the rest of a hostile dump nothing is kept.
fn expect_room(there: usize, name: &str) -> Result<(), Duplicate> {
    match are_too_many(there) {
        true => Err(Duplicate {
            kind: TOO_MANY,
            name: name.to_owned(),
        }),
        false => Ok(()),
    }
}

/// The kind of objects of which a table has too many.
pub(crate) const TOO_MANY: &str = "full number of columns or keys without";

impl Table {
    /// Adds a column with the keys among its attributes, at index `place` or at the end.
    pub(crate) fn add_column(
        &mut self,
        mut definition: ColumnDefinition,
        place: Option<usize>,
    ) -> Result<(), Duplicate> {
        let name = definition.name.clone();
        expect_free(&self.columns, "column", &name)?;
        expect_room(self.columns.len(), &name)?;
        let column = self.resolve(&mut definition);
        let end = self.columns.len();
        put_at(&mut self.columns, place.unwrap_or(end), name, column);
        self.add_attribute_keys(definition)
    }

    /// Takes the column out of a definition, as it is in this table, with the table's defaults taken into account.
    pub(crate) fn resolve(&self, definition: &mut ColumnDefinition) -> Column {
        let mut column = std::mem::take(&mut definition.column);
        if definition.binary_collation && column.collation.is_none() {
            column.collation = column
                .charset
                .as_ref()
                .or(self.charset.as_ref())
                .map(|charset| format!("{charset}_bin"));
        }
        charset::drop_inherited(&mut column, self);
        column
    }

    /// Adds the keys and checks among a column's attributes.
    pub(crate) fn add_attribute_keys(
        &mut self,
        definition: ColumnDefinition,
    ) -> Result<(), Duplicate> {
        let parts = || vec![KeyPart::column(&definition.name)];
        if definition.primary_key {
            self.primary_key = parts();
        }
        if definition.unique {
            let index = Index {
                kind: IndexKind::Unique,
                parts: parts(),
            };
            self.add_index(None, index)?;
        }
        self.checks.extend(definition.checks);
        Ok(())
    }

    /// Adds a key or constraint; `table` is the table's own name.
    pub(crate) fn add_element(&mut self, table: &str, element: Element) -> Result<(), Duplicate> {
        match element {
            Element::PrimaryKey(_) if !self.primary_key.is_empty() => Err(Duplicate {
                kind: "primary key",
                name: "PRIMARY".to_owned(),
            }),
            Element::PrimaryKey(parts) => {
                self.primary_key = parts;
                Ok(())
            }
            Element::Index { name, index } => self.add_index(name, index),
            Element::ForeignKey { name, foreign_key } => {
                let name = name.unwrap_or_else(|| self.free_foreign_key_name(table));
                expect_free(&self.foreign_keys, "foreign key", &name)?;
                expect_room(self.foreign_keys.len(), &name)?;
                self.foreign_keys.insert(name, foreign_key);
                Ok(())
            }
            Element::Check(expression) => {
                expect_room(self.checks.len(), &expression)?;
                self.checks.push(expression);
                Ok(())
            }
            Element::Period => Ok(()),
        }
    }

    /// Adds a secondary index, named as a server would if it has no name yet.
    pub(crate) fn add_index(
        &mut self,
        name: Option<String>,
        index: Index,
    ) -> Result<(), Duplicate> {
        let name = name.unwrap_or_else(|| self.free_index_name(&index));
        expect_free(&self.indexes, "index", &name)?;
        expect_room(self.indexes.len(), &name)?;
        self.indexes.insert(name, index);
        Ok(())
    }

    /// A free name for an index: servers name an index after its first column, then `column_2` and so on.
    fn free_index_name(&self, index: &Index) -> String {
        let base = match index.parts.first() {
            Some(part) if !part.column.starts_with('(') => part.column.as_str(),
            _ => "functional_index",
        };
        if !base.eq_ignore_ascii_case("PRIMARY") && find(&self.indexes, base).is_none() {
            return base.to_owned();
        }
        // There are more names in this range than indexes, so one is free.
        (2..self.indexes.len() + 3)
            .map(|number| format!("{base}_{number}"))
            .find(|name| find(&self.indexes, name).is_none())
            .unwrap_or_default()
    }

    /// A free name for a foreign key: InnoDB names it `table_ibfk_N`, with N one above the highest in the
    /// table.
    fn free_foreign_key_name(&self, table: &str) -> String {
        let prefix = format!("{table}_ibfk_");
        let names = self.foreign_keys.keys();
        let highest = names
            .filter_map(|name| name.strip_prefix(&prefix)?.parse::<u32>().ok())
            .max();
        format!("{prefix}{}", u64::from(highest.unwrap_or(0)) + 1)
    }

    /// Updates what a server derives from the rest: key columns are not NULL, and what MariaDB prints for JSON
    /// becomes `json`.
    pub(crate) fn settle(&mut self) {
        for part in &self.primary_key {
            if let Some(column) = find_mut(&mut self.columns, &part.column) {
                column.nullable = false;
            }
        }
        for check in std::mem::take(&mut self.checks) {
            let json = json_checked_column(&check).filter(|name| {
                find(&self.columns, name).is_some_and(|column| is_json(column, self))
            });
            match json.and_then(|name| find_mut(&mut self.columns, name)) {
                Some(column) => {
                    "json".clone_into(&mut column.data_type);
                    column.charset = None;
                    column.collation = None;
                }
                None => self.checks.push(check),
            }
        }
    }
}

/// The column of a check that consists of `json_valid(column)` only; otherwise `None`.
fn json_checked_column(check: &str) -> Option<&str> {
    let (function, argument) = check.split_once('(')?;
    let argument = argument.strip_suffix(')')?.trim();
    let column = argument
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
        .unwrap_or(argument);
    function
        .trim()
        .eq_ignore_ascii_case("json_valid")
        .then_some(column)
}

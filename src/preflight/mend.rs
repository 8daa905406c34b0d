//! What mends a database before an upgrade, so that a step does not fail.

use super::render;
use super::server_model::{ServerError, ServerModel, has_short_prefixes};
use crate::civicrm::upgrade::op::{Action, Alteration, Op};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{Column, ForeignKey, Schema, Table, find, find_entry};
use crate::schema::sql::{self, ForeignKeys};

/// One change to the database before the upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// A table is altered.
    Alter {
        /// The table.
        table: String,
        /// The changes, in one statement.
        changes: Vec<Alteration>,
    },
    /// A table that is missing is created.
    Create {
        /// The name of the table.
        name: String,
        /// The table.
        table: Box<Table>,
    },
    /// A table or view that is in the way gets another name, so that nothing is lost, or a table gets back the name that
    /// it should have.
    Rename {
        /// The name of the table.
        from: String,
        /// The name that it gets.
        to: String,
    },
}

/// What is put behind the name of an object that is in the way.
const SET_ASIDE: &str = "_before_upgrade";

impl Mend {
    /// The statement.
    ///
    /// # Errors
    /// The statement reads back as something else.
    pub fn statement(&self) -> Result<String, Blocked> {
        match self {
            Self::Alter { table, changes } => render::alter(table, changes),
            Self::Create { name, table } => {
                let statement = sql::create_table(name, table, ForeignKeys::Included);
                Meaning::of_table(Operation::CreateTable, name).pass(statement)
            }
            Self::Rename { from, to } => render::rename_table_or_view(from, to),
        }
    }

    /// Whether a table or view that is in the way gets another name.
    pub(super) fn is_table_set_aside(&self) -> bool {
        matches!(self, Self::Rename { to, .. } if to.contains(SET_ASIDE))
    }

    /// What somebody has to know before this change is made, as a sentence; `None` where nothing is lost by it.
    pub fn caution(&self) -> Option<String> {
        match self {
            Self::Alter { table, changes } => changes.iter().find_map(|change| match change {
                Alteration::AddColumn { name, .. } => Some(format!(
                    "The new column {table}.{name} has no values but its default; those that stood there are only in a \
                     backup."
                )),
                Alteration::ChangeColumn { from, to, .. }
                    if from != to && !to.contains(SET_ASIDE) =>
                {
                    Some(format!(
                        "{table}.{from} seems to be the column {to} under another name, because it has the same type; \
                         look first whether it holds the values of {to}."
                    ))
                }
                _ => None,
            }),
            Self::Create { name, .. } => Some(format!(
                "The new table {name} has no rows; those that stood there are only in a backup."
            )),
            Self::Rename { .. } if self.is_table_set_aside() => None,
            Self::Rename { from, to } if from.eq_ignore_ascii_case(to) => None,
            Self::Rename { from, to } => Some(format!(
                "{from} seems to be the table {to} under another name, because it has the same columns; look first \
                 whether it holds the rows of {to}. Views that read {from} do not work afterwards."
            )),
        }
    }

    /// The table, or the columns as `table.column`, that get another name, in lower case.
    pub(super) fn sets_aside(&self) -> Vec<String> {
        match self {
            Self::Alter { table, changes } => {
                let renamed = changes.iter().filter_map(|change| match change {
                    Alteration::ChangeColumn { from, to, .. } if from != to => {
                        Some(format!("{table}.{from}").to_ascii_lowercase())
                    }
                    _ => None,
                });
                renamed.collect()
            }
            Self::Rename { from, .. } => vec![from.to_ascii_lowercase()],
            Self::Create { .. } => Vec::new(),
        }
    }

    /// Makes the change on paper.
    ///
    /// # Errors
    /// The server would refuse it.
    pub(super) fn apply(
        &self,
        schema: &mut Schema,
        server: &ServerModel,
    ) -> Result<(), ServerError> {
        match self {
            Self::Alter { table, changes } => server.alter(schema, table, changes).map(|_| ()),
            Self::Create { name, table } => {
                schema.tables.insert(name.clone(), (**table).clone());
                Ok(())
            }
            Self::Rename { from, to } => match schema.views.shift_remove(from) {
                Some(view) => {
                    schema.views.insert(to.clone(), view);
                    Ok(())
                }
                // Only the letter case changes, which the schema does not look at.
                None if from.eq_ignore_ascii_case(to) => {
                    if let Some(table) = schema.tables.shift_remove(from) {
                        schema.tables.insert(to.clone(), table);
                    }
                    Ok(())
                }
                None => server.rename_table(schema, from, to),
            },
        }
    }
}

/// What mends the database at the start of the upgrade, so that the operation does not fail with this error: `start` is
/// the database, `reference` what CiviCRM makes of the release that it is of. Nothing where no change helps.
pub(super) fn mends(error: &ServerError, op: &Op, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let table = op.table().unwrap_or_default();
    match error {
        ServerError::NoTable { table } => create(table, start, reference),
        ServerError::NoColumn { column, place } => add_column(place, column, start, reference),
        ServerError::NoKeyColumn { column } => {
            // A table in the way lacks the columns of the real one.
            match reference.table(table) {
                None => set_aside_table(table, start),
                Some(_) => add_column(table, column, start, reference),
            }
        }
        ServerError::CannotDrop { kind, name } => match *kind {
            "FOREIGN KEY" => add_foreign_key(table, name, start, reference),
            "INDEX" => add_index(table, name, start, reference),
            _ => add_column(table, name, start, reference),
        },
        ServerError::TableExists { table } => set_aside_table(table, start),
        ServerError::NotTable { view } => {
            let mut mends = set_aside_table(view, start);
            let table = find_entry(&reference.tables, view);
            mends.extend(table.and_then(|(name, table)| renamed(name, table, start, reference)));
            mends
        }
        ServerError::IndexColumnTooLong | ServerError::KeyTooLong { .. } => {
            long_prefixes(table, start)
        }
        ServerError::ColumnExists { column } => set_aside_column(table, column, start, reference),
        ServerError::IndexExists { index } => drop_index(table, index, start, reference),
        ServerError::ForeignKeyExists { name, .. }
        | ServerError::InPlaceKeyRefused {
            name,
            number: 1823 | 1826,
            ..
        } => drop_foreign_key(name, start, reference),
        ServerError::NoDefault { column } => fill_itself(table, column, start, reference),
        ServerError::ForeignKeyRefused { .. }
        | ServerError::Incompatible { .. }
        | ServerError::ParentNotOpened { .. }
        | ServerError::NoParentIndex { .. }
        | ServerError::NoUniqueParent { .. }
        | ServerError::InPlaceKeyRefused {
            number: 1822 | 1825,
            ..
        }
        | ServerError::NoParentColumn { .. } => {
            let keys = keys_of(op);
            keys.flat_map(|(child, key)| fit(child, key, start, reference))
                .collect()
        }
        ServerError::ColumnInForeignKey { name, of_table, .. }
        | ServerError::TypeInForeignKey { name, of_table, .. } => {
            let table = of_table.as_deref().unwrap_or(table);
            drop_key(table, name, start, reference)
        }
        ServerError::NotNullInForeignKey { name, .. } => drop_key(table, name, start, reference),
        _ => Vec::new(),
    }
}

fn keys_of(op: &Op) -> impl Iterator<Item = (&str, &ForeignKey)> {
    let keys: Vec<(&str, &ForeignKey)> = match &op.action {
        Action::Alter { table, clauses } => {
            let keys = clauses.iter().filter_map(|clause| match &clause.change {
                Alteration::AddForeignKey { key, .. } => Some((table.as_str(), key)),
                _ => None,
            });
            keys.collect()
        }
        Action::CreateTable(new) => {
            let keys = new.foreign_keys.iter();
            keys.map(|(_, key)| (new.name.as_str(), key)).collect()
        }
        _ => Vec::new(),
    };
    keys.into_iter()
}

fn alter(table: &str, changes: Vec<Alteration>) -> Vec<Mend> {
    if changes.is_empty() {
        return Vec::new();
    }
    vec![Mend::Alter {
        table: table.to_owned(),
        changes,
    }]
}

fn create(name: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    if let Some((spelled, _)) = find_entry(&start.tables, name) {
        // On a server that compares names exactly the table is not there.
        let rename = (spelled != name).then(|| Mend::Rename {
            from: spelled.clone(),
            to: name.to_owned(),
        });
        return rename.into_iter().collect();
    }
    if start.has_relation(name) {
        return Vec::new();
    }
    let Some((name, table)) = find_entry(&reference.tables, name) else {
        return Vec::new();
    };
    if let Some(rename) = renamed(name, table, start, reference) {
        return vec![rename];
    }
    let mut table = table.clone();
    let is_taken = |constraint: &String| {
        let mut tables = start.tables.values();
        tables.any(|other| find(&other.foreign_keys, constraint).is_some())
    };
    // A key to a table that is not there cannot be made, nor one whose name another table has.
    table.foreign_keys.retain(|constraint, key| {
        let has_parent = start.table(&key.referenced_table).is_some()
            || key.referenced_table.eq_ignore_ascii_case(name);
        has_parent && !is_taken(constraint)
    });
    vec![Mend::Create {
        name: name.clone(),
        table: Box::new(table),
    }]
}

/// A table that is not there is there under another name, if just one table that is not CiviCRM's has all of its columns,
/// and a name that holds its name.
fn renamed(name: &str, table: &Table, start: &Schema, reference: &Schema) -> Option<Mend> {
    let has_all = |other: &Table| {
        let mut columns = table.columns.keys();
        columns.all(|column| find(&other.columns, column).is_some())
    };
    let mut same = start.tables.iter().filter(|(other, own)| {
        is_other_name(other, name) && reference.table(other).is_none() && has_all(own)
    });
    match (same.next(), same.next()) {
        (Some((other, _)), None) => Some(Mend::Rename {
            from: other.clone(),
            to: name.to_owned(),
        }),
        _ => None,
    }
}

/// Whether one name holds the other, as those do that people give to what they put away: `is_deceased_old`,
/// `old_is_deceased`, `zz_is_deceased`. Names of CiviCRM's log tables and of its snapshots do not count.
fn is_other_name(other: &str, name: &str) -> bool {
    let [other, name] = [other, name].map(str::to_ascii_lowercase);
    let is_copy = other.starts_with("log_civicrm_") || other.starts_with("snap_civicrm_");
    other != name && other.contains(&name) && !is_copy
}

/// The column that a table has in place of one that it lacks: the only one that is not CiviCRM's, has the same type, and a
/// name that holds the name.
fn renamed_column<'s>(
    name: &str,
    wanted: &Column,
    ours: &'s Table,
    theirs: &Table,
) -> Option<(&'s String, &'s Column)> {
    let mut same = ours.columns.iter().filter(|(other, own)| {
        own.data_type == wanted.data_type
            && is_other_name(other, name)
            && find(&theirs.columns, other).is_none()
    });
    same.next().filter(|_| same.next().is_none())
}

/// A row format with which a column may take more bytes in an index.
fn long_prefixes(table: &str, start: &Schema) -> Vec<Mend> {
    match find_entry(&start.tables, table) {
        Some((name, found)) if has_short_prefixes(found) => {
            alter(name, vec![Alteration::RowFormat("DYNAMIC".to_owned())])
        }
        _ => Vec::new(),
    }
}

/// A column of the reference that the database lacks.
fn add_column(table: &str, column: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let Some((ours, theirs)) = start.table(table).zip(reference.table(table)) else {
        return create(table, start, reference);
    };
    let Some((name, wanted)) = find_entry(&theirs.columns, column) else {
        return Vec::new();
    };
    if find(&ours.columns, name).is_some() {
        return Vec::new();
    }
    if let Some((other, found)) = renamed_column(name, wanted, ours, theirs) {
        let rename = Alteration::ChangeColumn {
            from: other.clone(),
            to: name.clone(),
            column: found.clone(),
            after: None,
            of_type: None,
        };
        return alter(table, vec![rename]);
    }
    let place = theirs.columns.get_index_of(name).unwrap_or(0);
    let before = theirs.columns.keys().take(place).rev();
    let after = before
        .into_iter()
        .find(|before| find(&ours.columns, before).is_some());
    alter(
        table,
        vec![Alteration::AddColumn {
            name: name.clone(),
            column: wanted.clone(),
            after: after.cloned(),
        }],
    )
}

/// A foreign key of the reference: it gets its name back, or is made.
fn add_foreign_key(table: &str, name: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let Some((ours, theirs)) = start.table(table).zip(reference.table(table)) else {
        return Vec::new();
    };
    let Some((name, key)) = find_entry(&theirs.foreign_keys, name) else {
        return Vec::new();
    };
    let same = ours.foreign_keys.iter().find(|(_, other)| {
        other.columns == key.columns
            && other
                .referenced_table
                .eq_ignore_ascii_case(&key.referenced_table)
    });
    let mut changes = Vec::new();
    if let Some((old, _)) = same {
        changes.push(Alteration::DropForeignKey(old.clone()));
    }
    changes.push(Alteration::AddForeignKey {
        name: Some(name.clone()),
        key: key.clone(),
    });
    alter(table, changes)
}

/// An index of the reference: it gets its name back, or is made.
fn add_index(table: &str, name: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let Some((ours, theirs)) = start.table(table).zip(reference.table(table)) else {
        return Vec::new();
    };
    let Some((name, index)) = find_entry(&theirs.indexes, name) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    // An index that the reference has under the same name stays.
    let same = ours.indexes.iter().find(|(other, found)| {
        found.parts == index.parts && find(&theirs.indexes, other).is_none()
    });
    if let Some((old, _)) = same {
        changes.push(Alteration::DropIndex(old.clone()));
    }
    changes.push(Alteration::AddIndex {
        name: name.clone(),
        index: index.clone(),
        absent_also: Vec::new(),
    });
    alter(table, changes)
}

fn set_aside_table(table: &str, start: &Schema) -> Vec<Mend> {
    let names = start.tables.keys().chain(start.views.keys());
    let mut names = names.filter(|name| name.eq_ignore_ascii_case(table));
    let renamed = names.next().map(|name| Mend::Rename {
        from: name.clone(),
        to: aside(name, |free| !start.has_relation(free)),
    });
    renamed.into_iter().collect()
}

/// A free name of at most 64 characters.
fn aside(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let room = 64 - SET_ASIDE.len() - 3;
    let short: String = name.chars().take(room).collect();
    let names = (1..100).map(|number| match number {
        1 => format!("{short}{SET_ASIDE}"),
        _ => format!("{short}{SET_ASIDE}_{number}"),
    });
    names
        .into_iter()
        .find(|name| is_free(name))
        .unwrap_or_else(|| format!("{short}{SET_ASIDE}"))
}

/// A column that the release does not have gets another name, so that nothing is lost.
fn set_aside_column(table: &str, column: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let Some((ours, theirs)) = start.table(table).zip(reference.table(table)) else {
        return Vec::new();
    };
    let Some((name, found)) = find_entry(&ours.columns, column) else {
        return Vec::new();
    };
    if find(&theirs.columns, column).is_some() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    for (constraint, key) in &ours.foreign_keys {
        if key
            .columns
            .iter()
            .any(|column| column.eq_ignore_ascii_case(name))
        {
            changes.push(Alteration::DropForeignKey(constraint.clone()));
        }
    }
    changes.push(Alteration::ChangeColumn {
        from: name.clone(),
        to: aside(name, |free| find(&ours.columns, free).is_none()),
        column: found.clone(),
        after: None,
        of_type: None,
    });
    alter(table, changes)
}

fn drop_index(table: &str, index: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let theirs = reference.table(table);
    let is_theirs = theirs.is_some_and(|theirs| find(&theirs.indexes, index).is_some());
    let ours = start
        .table(table)
        .and_then(|ours| find_entry(&ours.indexes, index));
    match ours {
        Some((name, _)) if !is_theirs => alter(table, vec![Alteration::DropIndex(name.clone())]),
        _ => Vec::new(),
    }
}

fn drop_foreign_key(name: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let holders = start
        .tables
        .iter()
        .filter(|(_, table)| find(&table.foreign_keys, name).is_some());
    holders
        .into_iter()
        .flat_map(|(table, _)| drop_key(table, name, start, reference))
        .collect()
}

/// A foreign key that the release does not have is taken away.
fn drop_key(table: &str, name: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let theirs = reference.table(table);
    let is_theirs = theirs.is_some_and(|theirs| find(&theirs.foreign_keys, name).is_some());
    let ours = start
        .table(table)
        .and_then(|ours| find_entry(&ours.foreign_keys, name));
    match ours {
        Some((name, _)) if !is_theirs => {
            alter(table, vec![Alteration::DropForeignKey(name.clone())])
        }
        _ => Vec::new(),
    }
}

/// A column that has no value in a new row gets the definition of the reference; one that is not CiviCRM's allows NULL.
fn fill_itself(table: &str, column: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let Some((ours, theirs)) = start.table(table).zip(reference.table(table)) else {
        return Vec::new();
    };
    match find_entry(&ours.columns, column) {
        Some((name, own)) if find(&theirs.columns, column).is_none() => {
            let nullable = Column {
                nullable: true,
                ..own.clone()
            };
            alter(table, vec![changed(name, &nullable)])
        }
        _ => restate(table, column, start, reference),
    }
}

/// A column gets the definition of the reference.
fn restate(table: &str, column: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let Some((ours, theirs)) = start.table(table).zip(reference.table(table)) else {
        return Vec::new();
    };
    let ours = find_entry(&ours.columns, column);
    let Some(((name, ours), wanted)) = ours.zip(find(&theirs.columns, column)) else {
        return Vec::new();
    };
    if ours == wanted {
        return Vec::new();
    }
    alter(table, vec![changed(name, wanted)])
}

fn changed(name: &str, column: &Column) -> Alteration {
    Alteration::ChangeColumn {
        from: name.to_owned(),
        to: name.to_owned(),
        column: column.clone(),
        after: None,
        of_type: None,
    }
}

/// What a new foreign key needs: tables of an engine that has foreign keys, columns of the same type, an index.
fn fit(child: &str, key: &ForeignKey, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let mut mends = Vec::new();
    for table in [child, &key.referenced_table] {
        let Some((name, found)) = find_entry(&start.tables, table) else {
            mends.extend(create(table, start, reference));
            continue;
        };
        if found
            .engine
            .as_deref()
            .is_some_and(|engine| !engine.eq_ignore_ascii_case("InnoDB"))
        {
            mends.extend(alter(name, vec![Alteration::Engine("InnoDB".to_owned())]));
        }
    }
    for column in &key.columns {
        mends.extend(set_aside_column(child, column, start, reference));
        mends.extend(restate_type(child, column, start, reference));
    }
    let parent = &key.referenced_table;
    for column in &key.referenced_columns {
        mends.extend(restate_type(parent, column, start, reference));
        mends.extend(add_column(parent, column, start, reference));
    }
    if let Some((ours, theirs)) = start.table(parent).zip(reference.table(parent)) {
        let columns = &key.referenced_columns;
        let serves = |table: &Table| crate::schema::meaning::serves(table, columns);
        let lacks = !serves(ours) && serves(theirs);
        if lacks && ours.primary_key.is_empty() && !theirs.primary_key.is_empty() {
            mends.extend(alter(
                parent,
                vec![Alteration::AddPrimaryKey(theirs.primary_key_columns())],
            ));
        }
    }
    mends
}

fn restate_type(table: &str, column: &str, start: &Schema, reference: &Schema) -> Vec<Mend> {
    let type_of = |schema: &Schema| {
        let table = schema.table(table)?;
        find(&table.columns, column).map(|column| column.data_type.clone())
    };
    match type_of(start).zip(type_of(reference)) {
        Some((ours, theirs)) if ours != theirs => restate(table, column, start, reference),
        _ => Vec::new(),
    }
}

//! Writes the statements that bring one schema to another.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::{
    ForeignKeys, alter_table, charset_option, column_definition, create_table, foreign_key_item,
    identifier, index_item, key_parts, list, whole_column_definition,
};
use crate::schema::{
    charset::has_charset,
    compare::{ColumnAspect, Difference, DifferenceKind as Kind},
    meaning::{same_names, serves},
    model::{Column, ForeignKey, Schema, Table, find, find_entry},
};
use crate::text::printable;

/// The statements that bring `actual` to `reference`, as far as `differences` go, which
/// [`compare`](crate::schema::compare::compare) made of the two.
///
/// They run in this order: foreign keys that stand in the way are dropped; tables are
/// altered, one statement each; missing tables are created; foreign keys are added. A
/// foreign key that only changes its name is dropped and added in one statement, unless
/// the new name is taken at that time. (Servers refuse one ALTER that drops and adds the
/// same name.) Where a column changes its type, foreign keys from and to it are taken off
/// meanwhile, in all tables of `actual`; one that the reference does not know stays off if
/// the columns it connects come to have two types.
///
/// Rows are not looked at: the statements fail on a server whose rows violate them. Nothing that `reference`
/// lacks is dropped, except a foreign key in whose place it has another one; the rest is named in comments (`--
/// …`) at the end.
pub fn statements_to(
    actual: &Schema,
    reference: &Schema,
    differences: &[Difference],
) -> Vec<String> {
    let keys = ForeignKeyChanges::new(actual, reference, differences);
    let mut by_table: IndexMap<&str, Vec<&Difference>> = IndexMap::new();
    for difference in differences {
        by_table
            .entry(&difference.table)
            .or_default()
            .push(difference);
    }

    let mut statements = keys.early_drops();
    for (name, differences) in &by_table {
        if let (Some((name, actual)), Some((_, reference))) = (
            find_entry(&actual.tables, name),
            find_entry(&reference.tables, name),
        ) {
            let mut actions = alterations(actual, reference, differences);
            let changed = with_new_indexes(actual, reference, differences);
            actions.extend(keys.indexes_to_add(name, actual, &changed));
            if !actions.is_empty() {
                statements.push(alter_table(name, &actions));
            }
        }
    }
    for difference in differences {
        if difference.kind == Kind::TableMissing
            && let Some((name, table)) = find_entry(&reference.tables, &difference.table)
        {
            statements.push(create_table(name, table, ForeignKeys::Omitted));
        }
    }
    statements.extend(keys.additions());
    statements.extend(
        differences
            .iter()
            .filter(|difference| !keys.replace(difference))
            .filter_map(left_alone),
    );
    statements.extend(keys.taken_off);
    statements
}

/// The actions of the one ALTER TABLE for everything but foreign keys.
fn alterations(actual: &Table, reference: &Table, differences: &[&Difference]) -> Vec<String> {
    let mut dropped = Vec::new();
    let mut added = Vec::new();
    let mut options = Vec::new();
    let mut new_columns = HashSet::new();
    let mut changed_columns = HashSet::new();
    for difference in differences {
        let name = difference.name();
        match &difference.kind {
            Kind::ColumnMissing => {
                new_columns.insert(name);
            }
            Kind::ColumnDiffers(_) => {
                changed_columns.insert(name);
            }
            Kind::PrimaryKeyDiffers => {
                if !actual.primary_key.is_empty() {
                    dropped.push("DROP PRIMARY KEY".to_owned());
                }
                if !reference.primary_key.is_empty() {
                    let parts = key_parts(&reference.primary_key);
                    added.push(format!("ADD PRIMARY KEY {parts}"));
                }
            }
            // Not RENAME KEY, which MariaDB knows only from 10.5.2 on.
            Kind::IndexMissing | Kind::IndexDiffers(_) | Kind::IndexName => {
                if let Some(old) = &difference.actual {
                    dropped.push(format!("DROP KEY {}", identifier(&old.name)));
                }
                if let Some(index) = reference.indexes.get(name) {
                    added.push(format!("ADD {}", index_item(name, index)));
                }
            }
            Kind::EngineDiffers => {
                let engine = reference.engine.iter();
                options.extend(engine.map(|engine| format!("ENGINE={engine}")));
            }
            // Not CONVERT TO CHARACTER SET: it knows no exceptions, and makes a MEDIUMTEXT
            // of a TEXT where characters come to take more bytes.
            Kind::CharsetDiffers | Kind::CollationDiffers => {
                options.extend(charset_option(reference));
                let columns = reference.columns.iter();
                let texts = columns.filter(|(_, column)| has_charset(&column.data_type));
                let names = texts.map(|(name, _)| name.as_str());
                changed_columns.extend(names.filter(|name| find(&actual.columns, name).is_some()));
            }
            _ => {}
        }
    }

    let mut actions = options;
    actions.append(&mut dropped);
    let mut before: Option<&str> = None;
    for (name, column) in &reference.columns {
        let new = new_columns.contains(name.as_str());
        if new {
            let place = match before {
                Some(before) => format!("AFTER {}", identifier(before)),
                None => "FIRST".to_owned(),
            };
            let (name, definition) = (identifier(name), column_definition(column));
            actions.push(format!("ADD COLUMN {name} {definition} {place}"));
        } else if changed_columns.contains(name.as_str()) {
            let mut column = with_charset(column, reference);
            column.comment = find(&actual.columns, name).and_then(|own| own.comment.clone());
            let definition = whole_column_definition(&column);
            actions.push(format!("MODIFY COLUMN {} {definition}", identifier(name)));
        }
        if new || find(&actual.columns, name).is_some() {
            before = Some(name);
        }
    }
    actions.append(&mut added);
    actions
}

/// The table with the keys that the reference has instead of those that differ.
fn with_new_indexes(actual: &Table, reference: &Table, differences: &[&Difference]) -> Table {
    let mut table = actual.clone();
    for difference in differences {
        match &difference.kind {
            Kind::PrimaryKeyDiffers => table.primary_key.clone_from(&reference.primary_key),
            Kind::IndexMissing | Kind::IndexDiffers(_) | Kind::IndexName => {
                if let Some(old) = &difference.actual {
                    table.indexes.shift_remove(&old.name);
                }
                if let Some((name, index)) = reference.indexes.get_key_value(difference.name()) {
                    table.indexes.insert(name.clone(), index.clone());
                }
            }
            _ => {}
        }
    }
    table
}

/// The column with the character set it has from its table written out.
pub(crate) fn with_charset(column: &Column, table: &Table) -> Column {
    let mut column = column.clone();
    if has_charset(&column.data_type) && column.charset.is_none() && column.collation.is_none() {
        column.charset.clone_from(&table.charset);
        column.collation.clone_from(&table.collation);
    }
    column
}

/// A comment that names what the statements leave as it is.
fn left_alone(difference: &Difference) -> Option<String> {
    let what = match difference.kind {
        Kind::TableExtra => "extra table",
        Kind::ColumnExtra => "extra column",
        Kind::IndexExtra => "extra index",
        Kind::ForeignKeyExtra => "extra foreign key",
        _ => return None,
    };
    let mut path = identifier(&difference.table);
    if difference.kind != Kind::TableExtra {
        path = format!("{path}.{}", identifier(difference.name()));
    }
    Some(format!("-- left alone: {what} {}", printable(&path)))
}

/// The changes to the foreign keys of all tables.
struct ForeignKeyChanges<'a> {
    changes: Vec<Change<'a>>,
    /// Comments on foreign keys that cannot be added again.
    taken_off: Vec<String>,
}

/// The change to one foreign key.
struct Change<'a> {
    /// The table that has the foreign key.
    table: &'a str,
    /// The name of the constraint to drop; `None` if none is dropped.
    drop: Option<&'a str>,
    /// The constraint to add, with its name; `None` if none is added.
    add: Option<(&'a str, &'a ForeignKey)>,
    /// Whether the constraint is dropped before tables are altered, and not in the statement that adds its
    /// successor.
    early: bool,
}

impl<'a> Change<'a> {
    fn drops(&self, table: &str, name: &str) -> bool {
        let is_dropped = |drop: &str| drop.eq_ignore_ascii_case(name);
        self.table.eq_ignore_ascii_case(table) && self.drop.is_some_and(is_dropped)
    }

    fn drop_action(&self) -> Option<String> {
        let name = self.drop?;
        Some(format!("DROP FOREIGN KEY {}", identifier(name)))
    }
}

impl<'a> ForeignKeyChanges<'a> {
    fn new(actual: &'a Schema, reference: &'a Schema, differences: &'a [Difference]) -> Self {
        let mut changes: Vec<Change<'a>> = Vec::new();
        for difference in differences {
            let Some((_, parent)) = find_entry(&reference.tables, &difference.table) else {
                continue;
            };
            let table = find_entry(&actual.tables, &difference.table)
                .map_or(difference.table.as_str(), |(name, _)| name);
            let old = difference.actual.as_ref().map(|side| side.name.as_str());
            let add = |(name, key): (&'a String, &'a ForeignKey)| Change {
                table,
                drop: old,
                add: Some((name, key)),
                early: false,
            };
            match difference.kind {
                Kind::TableMissing => changes.extend(parent.foreign_keys.iter().map(add)),
                Kind::ForeignKeyMissing | Kind::ForeignKeyDiffers(_) | Kind::ForeignKeyName
                    // A foreign key that differs in rule and in name gives two differences.
                    if !old.is_some_and(|old| changes.iter().any(|it| it.drops(table, old))) =>
                {
                    changes.extend(parent.foreign_keys.get_key_value(difference.name()).map(add));
                }
                _ => {}
            }
        }
        let new_names: HashSet<String> = changes
            .iter()
            .filter_map(|change| change.add)
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        changes.extend(replaced(actual, reference, differences, &new_names));
        let taken_off = add_touched(&mut changes, actual, reference, differences);
        for change in &mut changes {
            let is_taken = |name: &str| new_names.contains(&name.to_ascii_lowercase());
            change.early |= change.add.is_none() || change.drop.is_some_and(is_taken);
        }
        Self { changes, taken_off }
    }

    /// Indexes to add for foreign keys that stay while the table is altered, and lose their index by it.
    fn indexes_to_add(&self, table: &str, actual: &Table, changed: &Table) -> Vec<String> {
        let is_dropped = |name: &str| {
            let mut changes = self.changes.iter();
            changes.any(|change| change.early && change.drops(table, name))
        };
        let keys = actual.foreign_keys.iter().filter(|(name, key)| {
            let columns = &key.columns;
            serves(actual, columns) && !serves(changed, columns) && !is_dropped(name)
        });
        keys.map(|(_, key)| format!("ADD KEY ({})", list(&key.columns)))
            .collect()
    }

    /// Whether the difference is a foreign key that is replaced by another.
    fn replace(&self, difference: &Difference) -> bool {
        let mut changes = self.changes.iter();
        difference.kind == Kind::ForeignKeyExtra
            && changes.any(|change| change.drops(&difference.table, difference.name()))
    }

    fn early_drops(&self) -> Vec<String> {
        self.statements(|change| change.drop_action().filter(|_| change.early))
    }

    fn additions(&self) -> Vec<String> {
        self.statements(|change| {
            let (name, key) = change.add?;
            let add = format!("ADD {}", foreign_key_item(name, key));
            Some(match change.drop_action().filter(|_| !change.early) {
                Some(drop) => format!("{drop},\n  {add}"),
                None => add,
            })
        })
    }

    /// One ALTER TABLE for each table that has a change.
    fn statements(&self, action: impl Fn(&Change) -> Option<String>) -> Vec<String> {
        let mut actions: IndexMap<&str, Vec<String>> = IndexMap::new();
        for change in &self.changes {
            if let Some(action) = action(change) {
                actions.entry(change.table).or_default().push(action);
            }
        }
        actions
            .iter()
            .map(|(table, actions)| alter_table(table, actions))
            .collect()
    }
}

/// Extra foreign keys in whose place the reference has another one: on the same columns,
/// or under the same name.
fn replaced<'a>(
    actual: &'a Schema,
    reference: &'a Schema,
    differences: &'a [Difference],
    new_names: &HashSet<String>,
) -> Vec<Change<'a>> {
    differences
        .iter()
        .filter(|difference| difference.kind == Kind::ForeignKeyExtra)
        .filter_map(|difference| {
            let (table, definition) = find_entry(&actual.tables, &difference.table)?;
            let name = difference.name();
            let key = definition.foreign_keys.get(name)?;
            let on_same_columns = reference.table(table).is_some_and(|table| {
                let mut keys = table.foreign_keys.values();
                keys.any(|other| same_names(&other.columns, &key.columns))
            });
            (on_same_columns || new_names.contains(&name.to_ascii_lowercase())).then_some(Change {
                table,
                drop: Some(name),
                add: None,
                early: true,
            })
        })
        .collect()
}

/// Tables and columns, in lower case, whose change a foreign key would forbid.
fn altered_columns(actual: &Schema, differences: &[Difference]) -> HashSet<(String, String)> {
    let mut altered = HashSet::new();
    for difference in differences {
        let table = difference.table.to_ascii_lowercase();
        match &difference.kind {
            Kind::ColumnDiffers(aspects)
                if aspects.iter().any(|aspect| {
                    !matches!(aspect, ColumnAspect::Default | ColumnAspect::OnUpdate)
                }) =>
            {
                altered.insert((table, difference.name().to_ascii_lowercase()));
            }
            Kind::CharsetDiffers | Kind::CollationDiffers => {
                let columns = actual.table(&difference.table).map(|table| &table.columns);
                let columns = columns.into_iter().flatten();
                let texts = columns.filter(|(_, column)| has_charset(&column.data_type));
                altered.extend(texts.map(|(name, _)| (table.clone(), name.to_ascii_lowercase())));
            }
            _ => {}
        }
    }
    altered
}

/// Removes foreign keys from and to altered columns for the time of the change. Adds comments on those that
/// cannot be added again.
fn add_touched<'a>(
    changes: &mut Vec<Change<'a>>,
    actual: &'a Schema,
    reference: &'a Schema,
    differences: &[Difference],
) -> Vec<String> {
    let altered = altered_columns(actual, differences);
    let any_altered = |table: &str, columns: &[String]| {
        let path = |column: &String| (table.to_ascii_lowercase(), column.to_ascii_lowercase());
        columns.iter().any(|column| altered.contains(&path(column)))
    };
    let mut taken_off = Vec::new();
    if altered.is_empty() {
        return taken_off;
    }
    for (table, definition) in &actual.tables {
        for (name, key) in &definition.foreign_keys {
            if !any_altered(table, &key.columns)
                && !any_altered(&key.referenced_table, &key.referenced_columns)
            {
                continue;
            }
            if let Some(change) = changes.iter_mut().find(|change| change.drops(table, name)) {
                change.early = true;
                continue;
            }
            let mut pairs = key.columns.iter().zip(&key.referenced_columns);
            let fits = pairs.all(|(own, parents)| {
                let own = type_to_be(actual, reference, table, own);
                let parents = type_to_be(actual, reference, &key.referenced_table, parents);
                own == parents || own.is_some_and(has_charset) && parents.is_some_and(has_charset)
            });
            if !fits {
                let path = format!("{}.{}", identifier(table), identifier(name));
                taken_off.push(format!(
                    "-- taken off, for its columns have two types now: foreign key {}",
                    printable(&path)
                ));
            }
            changes.push(Change {
                table,
                drop: Some(name),
                add: fits.then_some((name, key)),
                early: true,
            });
        }
    }
    taken_off
}

/// The type of a column after the change: in the reference, or in the actual schema if only that has it.
fn type_to_be<'a>(
    actual: &'a Schema,
    reference: &'a Schema,
    table: &str,
    column: &str,
) -> Option<&'a str> {
    [reference, actual]
        .into_iter()
        .find_map(|schema| find(&schema.table(table)?.columns, column))
        .map(|column| column.data_type.as_str())
}

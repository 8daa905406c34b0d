//! Foreign keys between tables that change places and others.

use crate::change::alter;
use crate::change::definition::Definitions;
use crate::change::error::ChangeError;
use crate::change::exchange::{KeyChange, Reference};
use crate::gate::{Meaning, Operation};
use crate::schema::model::{ForeignKey, Schema, Table, find};
use crate::schema::sql::{alter_table, identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;

/// The foreign keys between the tables that change places and others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Across {
    /// Those that can be dropped and made again: of tables that stay to tables that go, and the other way round.
    pub(super) references: Vec<Reference>,
    /// Those that cannot, in words: from other databases, and to tables that will not be there.
    pub(super) impossible: Vec<String>,
}

/// The two sides, with what leads across.
pub(super) struct Sides<'a> {
    /// The site.
    pub(super) live: &'a Schema,
    /// Its tables as the server prints them.
    pub(super) definitions: &'a Definitions,
    /// The backup.
    pub(super) backup: &'a Schema,
    /// Whether a table of the site goes.
    pub(super) goes: &'a dyn Fn(&str) -> bool,
    /// Whether a table of the backup comes.
    pub(super) comes: &'a dyn Fn(&str) -> bool,
}

/// Finds those keys; `database` is the site's.
///
/// # Errors
/// A statement about one does not pass the gate, or the connection is lost.
pub(super) fn across(
    connection: &mut Reader,
    database: &str,
    sides: &Sides,
) -> Result<Across, ChangeError> {
    let mut found = Across::default();
    for (name, table) in &sides.live.tables {
        for (key, foreign_key) in &table.foreign_keys {
            let parent = &foreign_key.referenced_table;
            let is_here = foreign_key.referenced_database.is_none();
            let leads_to_what_goes = is_here && (sides.goes)(parent);
            if (sides.goes)(name) == leads_to_what_goes || !is_here && !(sides.goes)(name) {
                continue;
            }
            let printed = sides.definitions.get(name).map(String::as_str);
            let change = change(name, table, key, printed)?;
            let comes = (!(sides.goes)(name)).then(|| change.clone());
            if comes.is_some() && !(sides.comes)(parent) {
                found.impossible.push(format!(
                    "{key} of {name} leads to {parent}, which the backup does not have"
                ));
                continue;
            }
            found.references.push(Reference {
                table: name.clone(),
                key: key.clone(),
                parent: parent.clone(),
                goes: Some(change),
                comes,
            });
        }
    }
    for (name, table) in sides
        .backup
        .tables
        .iter()
        .filter(|(name, _)| (sides.comes)(name))
    {
        for (key, foreign_key) in &table.foreign_keys {
            let is_here = foreign_key.referenced_database.is_none();
            if !is_here || !(sides.comes)(&foreign_key.referenced_table) {
                coming(&mut found, sides, name, table, (key, foreign_key))?;
            }
        }
    }
    found
        .impossible
        .extend(elsewhere(connection, database, sides)?);
    Ok(found)
}

/// A foreign key of a table that comes, to one that does not.
fn coming(
    found: &mut Across,
    sides: &Sides,
    name: &str,
    table: &Table,
    (key, foreign_key): (&String, &ForeignKey),
) -> Result<(), ChangeError> {
    let parent = &foreign_key.referenced_table;
    let stays = find(&sides.live.tables, parent).is_some() && !(sides.goes)(parent);
    if foreign_key.referenced_database.is_some() || !stays {
        found.impossible.push(format!(
            "{key} of {name} in the backup leads to {parent}, which neither comes nor stays"
        ));
        return Ok(());
    }
    let change = change(name, table, key, None)?;
    let same = |it: &&mut Reference| it.table == name && it.key == *key && it.comes.is_none();
    match found.references.iter_mut().find(same) {
        Some(reference) => reference.comes = Some(change),
        None => found.references.push(Reference {
            table: name.to_owned(),
            key: key.clone(),
            parent: parent.clone(),
            goes: None,
            comes: Some(change),
        }),
    }
    Ok(())
}

/// The statements about a foreign key of a table, which was printed so.
fn change(
    name: &str,
    table: &Table,
    key: &str,
    printed: Option<&str>,
) -> Result<KeyChange, ChangeError> {
    let mut without = table.clone();
    without.foreign_keys.shift_remove(key);
    let add = alter::actions(&without, table, true);
    let add = match printed {
        Some(printed) => alter::as_printed(&add, printed),
        None => add,
    };
    let add = alter_table(name, &add);
    let drop = format!(
        "ALTER TABLE {} DROP FOREIGN KEY {}",
        identifier(name),
        identifier(key)
    );
    Ok(KeyChange {
        add: alter::meaning(name, &without, table, true)?.pass(add)?,
        drop: Meaning::new(Operation::AlterTable, [name, key]).pass(drop)?,
    })
}

/// The foreign keys of other databases to tables that go.
fn elsewhere(
    connection: &mut Reader,
    database: &str,
    sides: &Sides,
) -> Result<Vec<String>, ChangeError> {
    let sql = format!(
        "SELECT DISTINCT TABLE_SCHEMA AS of_schema, TABLE_NAME AS of_table, CONSTRAINT_NAME AS name, \
         REFERENCED_TABLE_NAME AS parent FROM information_schema.KEY_COLUMN_USAGE \
         WHERE REFERENCED_TABLE_SCHEMA = {0} AND TABLE_SCHEMA <> {0}",
        string(database)
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let mut found = Vec::new();
    for row in connection.ask("foreign keys of other databases", &sql)? {
        let value = |column| text(&row, column).unwrap_or_default();
        let parent = value("parent");
        if (sides.goes)(&parent) {
            let (schema, table) = (value("of_schema"), value("of_table"));
            found.push(format!(
                "{} of {schema}.{table} leads to {parent}",
                value("name")
            ));
        }
    }
    Ok(found)
}

//! Foreign keys between tables that go and others.

use crate::change::alter;
use crate::change::definition::Definitions;
use crate::change::error::ChangeError;
use crate::change::exchange::Reference;
use crate::gate::{Meaning, Operation};
use crate::schema::model::{Schema, find};
use crate::schema::sql::{alter_table, identifier, string};
use crate::server::connection::{Reader, text};

/// The foreign keys between the tables that go and others, by which way they lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Across {
    /// Of tables that stay to tables that go: they can be dropped and made again.
    pub(super) inwards: Vec<Reference>,
    /// Of tables that go to tables that stay, in words.
    pub(super) outwards: Vec<String>,
    /// Of tables of other databases, in words.
    pub(super) elsewhere: Vec<String>,
}

/// Finds those keys. `definitions` has the tables as the server prints them.
///
/// # Errors
/// A statement about one does not pass the gate, or the connection is lost.
pub(super) fn across(
    connection: &mut Reader,
    schema: &Schema,
    database: &str,
    definitions: &Definitions,
    goes: &dyn Fn(&str) -> bool,
) -> Result<Across, ChangeError> {
    let mut found = Across::default();
    for (name, table) in &schema.tables {
        for (key, foreign_key) in &table.foreign_keys {
            let parent = &foreign_key.referenced_table;
            let is_here = foreign_key.referenced_database.is_none();
            match (goes(name), is_here && goes(parent)) {
                (true, false) => found.outwards.push(format!("{key} of {name} to {parent}")),
                (false, true) => {
                    let mut without = table.clone();
                    without.foreign_keys.shift_remove(key);
                    let add = alter::actions(&without, table, true);
                    let add = match definitions.get(name) {
                        Some(printed) => alter::as_printed(&add, printed),
                        None => add,
                    };
                    let add = alter_table(name, &add);
                    let add = alter::meaning(name, &without, table, true)?.pass(add)?;
                    let drop = format!(
                        "ALTER TABLE {} DROP FOREIGN KEY {}",
                        identifier(name),
                        identifier(key)
                    );
                    let drop = Meaning::new(Operation::AlterTable, [name, key]).pass(drop)?;
                    found.inwards.push(Reference {
                        table: name.clone(),
                        key: key.clone(),
                        parent: parent.clone(),
                        drop,
                        add,
                    });
                }
                _ => {}
            }
        }
    }
    let sql = format!(
        "SELECT DISTINCT TABLE_SCHEMA AS of_schema, TABLE_NAME AS of_table, CONSTRAINT_NAME AS name, \
         REFERENCED_TABLE_NAME AS parent FROM information_schema.KEY_COLUMN_USAGE \
         WHERE REFERENCED_TABLE_SCHEMA = {0} AND TABLE_SCHEMA <> {0}",
        string(database)
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    for row in connection.ask("foreign keys of other databases", &sql)? {
        let value = |column| text(&row, column).unwrap_or_default();
        let parent = value("parent");
        let parent = find(&schema.tables, &parent).map_or(parent.clone(), |_| parent);
        if goes(&parent) {
            found.elsewhere.push(format!(
                "{} of {}.{} to {parent}",
                value("name"),
                value("of_schema"),
                value("of_table")
            ));
        }
    }
    Ok(found)
}

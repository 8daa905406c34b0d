//! Foreign keys that would lead across after an exchange: to tables that are set aside, or away from them.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::model::Exchange;
use super::state::tables;
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;

/// A foreign key as the server lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Key {
    database: String,
    table: String,
    name: String,
    columns: Vec<String>,
    parent_database: String,
    parent: String,
    parent_columns: Vec<String>,
    on_delete: String,
    on_update: String,
}

impl Key {
    fn describe(&self) -> String {
        format!(
            "{} of {}.{} to {}.{}",
            self.name, self.database, self.table, self.parent_database, self.parent
        )
    }

    /// The two statements that drop it, and make it again as one to the table in `database`.
    fn again(&self, database: &str) -> Result<(String, String), Blocked> {
        let place =
            |database: &str, table: &str| format!("{}.{}", identifier(database), identifier(table));
        let list = |columns: &[String]| {
            let columns = columns.iter().map(|column| identifier(column));
            columns.collect::<Vec<_>>().join(", ")
        };
        let table = place(&self.database, &self.table);
        let name = identifier(&self.name);
        let drop = format!("ALTER TABLE {table} DROP FOREIGN KEY {name}");
        let add = format!(
            "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} ON UPDATE {}",
            list(&self.columns),
            place(database, &self.parent),
            list(&self.parent_columns),
            self.on_delete,
            self.on_update,
        );
        let mut names = vec![&self.database, &self.table, &self.name];
        let drop = Meaning::new(Operation::AlterTable, names.clone()).pass(drop)?;
        let database = database.to_owned();
        names.extend([&database, &self.parent]);
        names.extend(self.columns.iter().chain(&self.parent_columns));
        let add = Meaning::new(Operation::AlterTable, names).pass(add)?;
        Ok((drop + ";", add + ";"))
    }
}

/// The foreign keys of all databases that belong to tables of `database` or lead to them.
///
/// MariaDB reads the tables of a single database where a condition names just that, and otherwise those of all databases that
/// it has, which can be many; for a join it does so again and again. So the keys of other databases are asked for once, and
/// rules database by database.
fn keys(connection: &mut Reader, database: &str) -> Result<Vec<Key>, ChangeError> {
    let mut ask = |sql: String| -> Result<_, ChangeError> {
        let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
        Ok(connection.ask("the foreign keys", &sql)?)
    };
    let quoted = string(database);
    let own = format!("TABLE_SCHEMA = {quoted} AND REFERENCED_TABLE_NAME IS NOT NULL");
    let elsewhere = format!("REFERENCED_TABLE_SCHEMA = {quoted} AND TABLE_SCHEMA <> {quoted}");
    let mut found: IndexMap<[String; 3], Key> = IndexMap::new();
    for condition in [own, elsewhere] {
        let columns = format!(
            "SELECT TABLE_SCHEMA AS of_schema, TABLE_NAME AS of_table, CONSTRAINT_NAME AS name, COLUMN_NAME AS of_column, \
             REFERENCED_TABLE_SCHEMA AS parent_schema, REFERENCED_TABLE_NAME AS parent, \
             REFERENCED_COLUMN_NAME AS parent_column FROM information_schema.KEY_COLUMN_USAGE WHERE {condition} \
             ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"
        );
        for row in ask(columns)? {
            let value = |column| text(&row, column).unwrap_or_default();
            let place = ["of_schema", "of_table", "name"].map(value);
            let key = found.entry(place.clone()).or_insert_with(|| {
                let [database, table, name] = place;
                Key {
                    database,
                    table,
                    name,
                    parent_database: value("parent_schema"),
                    parent: value("parent"),
                    ..Key::default()
                }
            });
            key.columns.push(value("of_column"));
            key.parent_columns.push(value("parent_column"));
        }
    }
    let databases: BTreeSet<String> = found
        .keys()
        .map(|[database, ..]| database.clone())
        .collect();
    for database in databases {
        let rules = format!(
            "SELECT CONSTRAINT_SCHEMA AS of_schema, TABLE_NAME AS of_table, CONSTRAINT_NAME AS name, \
             DELETE_RULE AS on_delete, UPDATE_RULE AS on_update FROM information_schema.REFERENTIAL_CONSTRAINTS \
             WHERE CONSTRAINT_SCHEMA = {}",
            string(&database)
        );
        for row in ask(rules)? {
            let value = |column| text(&row, column).unwrap_or_default();
            let place = ["of_schema", "of_table", "name"].map(value);
            if let Some(key) = found.get_mut(&place) {
                (key.on_delete, key.on_update) = (value("on_delete"), value("on_update"));
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Makes sure that no foreign key leads between the tables that leave when an exchange goes back and others, but those
/// that are dropped before it (`is_dropped`, by table and name).
///
/// # Errors
/// There are such keys; the text says how to drop them, and make them again. Or the connection is lost.
pub fn check_way_back(
    connection: &mut Reader,
    exchange: &Exchange,
    is_dropped: &dyn Fn(&str, &str) -> bool,
) -> Result<(), ChangeError> {
    let beside = tables(connection, &exchange.beside)?;
    let leaves = |database: &str, table: &String| {
        database == exchange.database && exchange.comes.contains(table) && !beside.contains(table)
    };
    let mut found = Vec::new();
    for key in keys(connection, &exchange.database)? {
        let (child, parent) = (
            leaves(&key.database, &key.table),
            leaves(&key.parent_database, &key.parent),
        );
        let is_known = key.database == exchange.database && is_dropped(&key.table, &key.name);
        if child == parent || is_known {
            continue;
        }
        let (drop, add) = key.again(&key.parent_database)?;
        let again = match child {
            // It goes with its table.
            true => String::new(),
            false => format!(" (and afterwards again: {add})"),
        };
        found.push(format!("{}: {drop}{again}", key.describe()));
    }
    if found.is_empty() {
        return Ok(());
    }
    let why = format!(
        "foreign keys that were made since lead from tables that change places to tables that stay, or the other way round, and \
         would lead into {}; drop them first: {}",
        exchange.beside,
        found.join(" ")
    );
    Err(Refusal::References(why).into())
}

/// Makes sure that no foreign key of another table leads to tables that are to be removed: these, of a database.
///
/// # Errors
/// There are such keys; the text says how to let them lead to the table of the same name in the site's database. Or the
/// connection is lost.
pub(super) fn check_removal(
    connection: &mut Reader,
    exchange: &Exchange,
    (database, removed): (&str, &[String]),
) -> Result<(), ChangeError> {
    let goes = |of: &str, table: &String| of == database && removed.contains(table);
    let mut found = Vec::new();
    for key in keys(connection, database)? {
        if goes(&key.parent_database, &key.parent) && !goes(&key.database, &key.table) {
            let (drop, add) = key.again(&exchange.database)?;
            found.push(format!("{}: {drop} {add}", key.describe()));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let why = format!(
        "foreign keys lead to tables of {database} that would be removed; let them lead to those of {} first: {}",
        exchange.database,
        found.join(" ")
    );
    Err(Refusal::References(why).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_dropped_and_made_again_whatever_it_is_called() {
        for name in crate::hostile::names() {
            let key = Key {
                database: name.clone(),
                table: name.clone(),
                name: name.clone(),
                columns: vec![name.clone()],
                parent_database: "beside".to_owned(),
                parent: name.clone(),
                parent_columns: vec![name.clone()],
                on_delete: "CASCADE".to_owned(),
                on_update: "RESTRICT".to_owned(),
            };
            match key.again("civi") {
                Ok((drop, add)) => {
                    let quoted = identifier(&name);
                    let table = format!("ALTER TABLE {quoted}.{quoted}");
                    assert_eq!(drop, format!("{table} DROP FOREIGN KEY {quoted};"));
                    assert_eq!(
                        add,
                        format!(
                            "{table} ADD CONSTRAINT {quoted} FOREIGN KEY ({quoted}) REFERENCES `civi`.{quoted} ({quoted}) \
                             ON DELETE CASCADE ON UPDATE RESTRICT;"
                        )
                    );
                }
                Err(_) => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }
}

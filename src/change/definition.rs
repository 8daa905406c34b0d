//! Tables as SHOW CREATE TABLE prints them: what a step finds, and what it has to come back to.

use indexmap::IndexMap;

use super::alter;
use super::error::ChangeError;
use crate::schema::ddl::{self, Statement};
use crate::schema::lexer::SqlModes;
use crate::schema::model::Table;
use crate::schema::sql::alter_table;
use crate::server::connection::Reader;
use crate::server::reader::show_create_table;
use crate::snapshot::Snapshot;

/// Definitions of tables as SHOW CREATE TABLE prints them, by name.
pub type Definitions = IndexMap<String, String>;

/// Puts tables into a snapshot as SHOW CREATE TABLE prints them: the views of
/// information_schema know neither the order of indexes nor their options. Returns the text.
///
/// # Errors
/// The connection is lost.
pub fn read_definitions(
    connection: &mut Reader,
    snapshot: &mut Snapshot,
) -> Result<Definitions, ChangeError> {
    let names: Vec<String> = snapshot.schema.tables.keys().cloned().collect();
    let mut definitions = Definitions::new();
    for name in names {
        let Some(text) = read(connection, &name)? else {
            continue;
        };
        if let Some(table) = parsed(&text) {
            snapshot.schema.tables.insert(name.clone(), table);
        }
        definitions.insert(name, text);
    }
    Ok(definitions)
}

/// A table out of what SHOW CREATE TABLE prints; `None` where that is not SQL.
pub(crate) fn parsed(definition: &str) -> Option<Table> {
    match ddl::parse(definition, SqlModes::default()) {
        Ok(Statement::CreateTable(create)) => Some(create.table),
        _ => None,
    }
}

/// A table's definition as SHOW CREATE TABLE prints it, without the AUTO_INCREMENT counter;
/// `None` when there is no such table.
///
/// # Errors
/// The connection is lost, or the account may not see it.
pub fn read(connection: &mut Reader, table: &str) -> Result<Option<String>, ChangeError> {
    match show_create_table(connection, table) {
        Ok(printed) => Ok(printed.map(|printed| without_counter(&printed))),
        // ER_NO_SUCH_TABLE
        Err(error) if error.code() == Some(1146) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The counter stands on the last line, among the table's options.
fn without_counter(definition: &str) -> String {
    let (head, options) = definition.rsplit_once("\n)").unwrap_or((definition, ""));
    let Some((before, rest)) = options.split_once(" AUTO_INCREMENT=") else {
        return definition.to_owned();
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{head}\n){before}{rest}")
}

/// The ALTER TABLE that brings a table from one printed definition to another; `None` where
/// the model sees no difference.
///
/// # Errors
/// The statement does not pass the gate.
pub(super) fn way_back(
    table: &str,
    now: &str,
    before: &str,
) -> Result<Option<String>, ChangeError> {
    let (Some(from), Some(to)) = (parsed(now), parsed(before)) else {
        return Ok(None);
    };
    let actions = alter::actions(&from, &to, true);
    if actions.is_empty() {
        return Ok(None);
    }
    let actions = alter::as_printed(&actions, before);
    let meaning = alter::meaning(table, &from, &to, true)?.or_names(to.columns.keys());
    Ok(Some(meaning.pass(alter_table(table, &actions))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_counter_is_taken_out_of_a_definition() {
        let printed = "CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=5'\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4";
        let expected = printed.replace(" AUTO_INCREMENT=17", "");
        assert_eq!(without_counter(printed), expected);
        assert_eq!(without_counter(&expected), expected);
    }
}

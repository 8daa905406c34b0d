//! Tables as SHOW CREATE TABLE prints them.

use indexmap::IndexMap;

use crate::gate::{Meaning, Operation};
use crate::schema::sql::{identifier, string};
use crate::server::answer::text;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server_version::Family;

/// A table's definition as SHOW CREATE TABLE prints it, as SQL that means the table; `None` where the
/// answer does not hold it.
///
/// # Errors
/// There is no such table, the account may not see it, or the connection is lost.
pub fn show_create_table(
    connection: &mut Reader,
    table: &str,
) -> Result<Option<String>, ServerError> {
    let sql = format!("SHOW CREATE TABLE {}", identifier(table));
    let sql = Meaning::new(Operation::ShowCreate, [table]).pass(sql)?;
    let answer = connection.ask(&format!("the definition of {table}"), &sql)?;
    let Some(printed) = answer.first().and_then(|row| text(row, "create table")) else {
        return Ok(None);
    };
    if connection.version.family != Family::Mariadb || !printed.contains("\n  CONSTRAINT `") {
        return Ok(Some(printed));
    }
    let sql = format!(
        "SELECT CONSTRAINT_NAME, COLUMN_NAME, NULLIF(REFERENCED_TABLE_SCHEMA, DATABASE()), \
         REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE \
         WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL AND TABLE_NAME = {} \
         ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION",
        string(table)
    );
    let sql = Meaning::new(Operation::Select, [""; 0]).pass(sql)?;
    let mut keys: IndexMap<String, Key> = IndexMap::new();
    for row in connection.ask(&format!("the foreign keys of {table}"), &sql)? {
        let text =
            |value: &Option<Vec<u8>>| Some(String::from_utf8_lossy(value.as_ref()?).into_owned());
        let row: Vec<Option<String>> = row.values().map(text).collect();
        if let [
            Some(name),
            Some(column),
            database,
            Some(parent),
            Some(referenced),
        ] = row.as_slice()
        {
            let key = keys.entry(name.clone()).or_default();
            let database = database.iter().chain([parent]).map(|name| identifier(name));
            key.parent = database.collect::<Vec<_>>().join(".");
            key.columns.push(column.clone());
            key.referenced.push(referenced.clone());
        }
    }
    Ok(Some(with_names_quoted(printed, &keys)))
}

/// What the line of a foreign key says.
#[derive(Debug, Default)]
struct Key {
    columns: Vec<String>,
    /// The parent table, quoted.
    parent: String,
    referenced: Vec<String>,
}

impl Key {
    fn line(&self, name: &str, quote: impl Fn(&str) -> String) -> String {
        let list = |names: &[String]| {
            let names = names.iter().map(|name| quote(name));
            names.collect::<Vec<_>>().join(", ")
        };
        format!(
            "\n  CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})",
            quote(name),
            list(&self.columns),
            self.parent,
            list(&self.referenced)
        )
    }
}

/// MariaDB prints the names of foreign keys and of their columns between backquotes as they are,
/// backquotes and all (measured on 10.5 and 10.11), so that only who knows the names can read the text.
fn with_names_quoted(mut printed: String, keys: &IndexMap<String, Key>) -> String {
    let lines = keys.iter().map(|(name, key)| {
        let as_it_is = key.line(name, |name| format!("`{name}`"));
        (as_it_is, key.line(name, identifier))
    });
    let mut lines: Vec<(String, String)> = lines.filter(|(old, new)| old != new).collect();
    // A name may hold the line of a shorter one.
    lines.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
    for (old, new) in lines {
        printed = printed.replacen(&old, &new, 1);
    }
    printed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_printed_as_they_are_come_out_quoted() {
        // The second name holds the line of the first, and both are SQL that means something else.
        let first = "a`` FOREIGN KEY (`p`) -- ";
        let inner = format!("`{first}` FOREIGN KEY (`o`p`) REFERENCES `q``r` (`id`)");
        let second = &format!("x`,\n  CONSTRAINT {inner}, `y");
        let names = [first, "plain", second];
        let key = |_: &str| Key {
            columns: vec!["o`p".to_owned()],
            parent: "`q``r`".to_owned(),
            referenced: vec!["id".to_owned()],
        };
        let keys: IndexMap<String, Key> = names
            .iter()
            .map(|&name| (name.to_owned(), key(name)))
            .collect();
        let table = |quote: &dyn Fn(&str) -> String| {
            let lines = keys.iter().map(|(name, key)| key.line(name, quote));
            let lines: Vec<String> = lines.collect();
            format!(
                "CREATE TABLE `c` (\n  `o``p` int,{}\n) ENGINE=InnoDB",
                lines.join(",")
            )
        };
        let printed = table(&|name| format!("`{name}`"));
        let quoted = table(&identifier);
        assert_eq!(with_names_quoted(printed, &keys), quoted);
        assert_eq!(with_names_quoted(quoted.clone(), &keys), quoted);
    }
}

//! Proofs: the questions that have to answer 0 before a foreign key may be added unchecked.

use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::ForeignKey;
use crate::schema::sql::{AntiJoin, identifier};

/// The question how many rows have lost their parent, which goes by `alias`. A NULL in any
/// column means that there is none.
///
/// # Errors
/// It does not pass the gate.
pub fn count(table: &str, key: &ForeignKey, alias: &str) -> Result<String, Blocked> {
    meaning(table, key, alias, &[]).pass(question("COUNT(*)", table, key, alias))
}

/// What a question about such rows is meant to be, which names `columns` besides those of the key.
pub(crate) fn meaning(table: &str, key: &ForeignKey, alias: &str, columns: &[String]) -> Meaning {
    let names = [table, &key.referenced_table, alias.trim_matches('`')];
    let names = names.into_iter().chain(key.referenced_database.as_deref());
    let columns = columns
        .iter()
        .chain(&key.columns)
        .chain(&key.referenced_columns);
    Meaning::new(Operation::Select, names.chain(columns.map(String::as_str)))
}

/// Those rows; conditions and an order can be added to it.
pub(crate) fn question(select: &str, table: &str, key: &ForeignKey, alias: &str) -> String {
    let join = anti_join(table, key, alias);
    format!(
        "SELECT {select} FROM {} WHERE {}",
        join.from(),
        join.filter()
    )
}

/// The rows of `table` without the parent of a key, which goes by `alias`.
pub(crate) fn anti_join<'a>(table: &str, key: &'a ForeignKey, alias: &'a str) -> AntiJoin<'a> {
    let columns = key.columns.iter().map(String::as_str);
    let referenced = key.referenced_columns.iter().map(String::as_str);
    AntiJoin {
        child: identifier(table),
        child_alias: None,
        parent: parent(key),
        parent_alias: alias,
        columns: columns.zip(referenced).collect(),
    }
}

/// The parent table as statements name it.
pub fn parent(key: &ForeignKey) -> String {
    match &key.referenced_database {
        Some(database) => format!(
            "{}.{}",
            identifier(database),
            identifier(&key.referenced_table)
        ),
        None => identifier(&key.referenced_table),
    }
}

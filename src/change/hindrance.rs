//! What rows keep a table from coming back to an old definition: looked for before anything is taken back, because an ALTER
//! TABLE would stop there or, of characters, lose them.

use super::definition::parsed;
use super::error::ChangeError;
use super::journal::{PARENT, Step};
use super::permitted;
use super::proof;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{IndexKind, KeyPart, Table, find};
use crate::schema::sql::{Duplicates, identifier, with_charset};
use crate::server::answer::first;
use crate::server::connection::Reader;
use crate::text::count;

/// Why what takes a step back would stop at rows of its table, or lose some of what they hold; `None` where nothing is in
/// its way. `now` is the table's definition now.
///
/// # Errors
/// The account may not read the table, or the connection is lost.
pub(super) fn of_step(
    connection: &mut Reader,
    step: &Step,
    now: &str,
) -> Result<Option<String>, ChangeError> {
    let before = step.before.as_deref().and_then(parsed);
    let (Some(before), Some(now)) = (before, parsed(now)) else {
        return Ok(None);
    };
    for (question, why) in questions(&step.table, &before, &now)? {
        let answer = connection.ask(&format!("rows of {}", step.table), &question)?;
        let rows = answer.first().and_then(first);
        let rows = rows.and_then(|rows| rows.parse::<u64>().ok()).unwrap_or(0);
        if rows > 0 {
            return Ok(Some(why(rows)));
        }
    }
    Ok(None)
}

/// Makes a sentence of the number of rows, or of values.
type Why = Box<dyn Fn(u64) -> String>;

/// Questions that have to answer 0, with what it means if they do not.
fn questions(table: &str, before: &Table, now: &Table) -> Result<Vec<(String, Why)>, Blocked> {
    let mut questions: Vec<(String, Why)> = Vec::new();
    for (name, index) in &before.indexes {
        let is_there = now.indexes.values().any(|other| other == index);
        let has_columns = |parts: &[KeyPart]| {
            let mut parts = parts.iter();
            parts.all(|part| find(&now.columns, &part.column).is_some())
        };
        if index.kind != IndexKind::Unique || is_there || !has_columns(&index.parts) {
            continue;
        }
        let names = index.parts.iter().map(|part| part.column.as_str());
        let duplicates = Duplicates {
            table,
            parts: &index.parts,
            left_out: &[],
        };
        let question =
            Meaning::new(Operation::Select, names.chain([table])).pass(duplicates.count())?;
        let name = name.clone();
        questions.push((
            question,
            Box::new(move |rows| {
                let values = match rows {
                    1 => "1 value stands".to_owned(),
                    rows => format!("{rows} values stand"),
                };
                format!("{values} more than once in the columns of the unique index {name}, which the table had")
            }),
        ));
    }
    for (name, column) in &before.columns {
        let Some(there) = find(&now.columns, name) else {
            continue;
        };
        let charsets = (
            with_charset(column, before).charset,
            with_charset(there, now).charset,
        );
        let (Some(old), Some(new)) = charsets else {
            continue;
        };
        // A journal is a file: what it says is a name goes into no statement unless it is one.
        let is_name = old
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if old == new || old == "utf8mb4" || !is_name {
            continue;
        }
        let value = identifier(name);
        let as_bytes = |value: &str| format!("CAST(CONVERT({value} USING utf8mb4) AS BINARY)");
        let question = format!(
            "SELECT COUNT(*) FROM {} WHERE {} <> {}",
            identifier(table),
            as_bytes(&value),
            as_bytes(&format!("CONVERT({value} USING {old})"))
        );
        let question = Meaning::new(Operation::Select, [table, name.as_str()]).pass(question)?;
        let name = name.clone();
        questions.push((
            question,
            Box::new(move |rows| {
                format!(
                    "{} has characters in the column {name} that its old character set {old} does not have, and would lose \
                     them",
                    count(rows, "row")
                )
            }),
        ));
    }
    for (name, key) in &before.foreign_keys {
        let mut columns = key.columns.iter();
        if permitted::is_in_force(key, now)
            || !columns.all(|column| find(&now.columns, column).is_some())
        {
            continue;
        }
        let question = proof::count(table, key, &identifier(PARENT))?;
        let name = name.clone();
        questions.push((
            question,
            Box::new(move |rows| {
                let rows = count(rows, "row");
                format!("{rows} without a parent for the foreign key {name}, which the table had")
            }),
        ));
    }
    Ok(questions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;
    use crate::schema::model::{Index, Schema};
    use crate::schema::test_schema::hostile_schema;

    /// What is asked before the child table of such a schema comes back to a form with a unique index, another character
    /// set and its foreign key.
    fn asked(name: &str) -> Result<Vec<String>, Blocked> {
        let Schema { tables, .. } = hostile_schema(name);
        let (table, mut before) = tables.into_iter().last().expect("the child");
        let index = Index {
            kind: IndexKind::Unique,
            parts: vec![KeyPart::column(name)],
        };
        before.indexes.insert(name.to_owned(), index);
        let mut now = before.clone();
        now.indexes.clear();
        now.foreign_keys.clear();
        if let Some(column) = before.columns.get_mut(name) {
            "varchar(9)".clone_into(&mut column.data_type);
            column.charset = Some("latin1".to_owned());
            let there = now.columns.get_mut(name).expect("the same columns");
            "varchar(9)".clone_into(&mut there.data_type);
            there.charset = Some("utf8mb4".to_owned());
        }
        let asked = questions(&table, &before, &now)?;
        Ok(asked.into_iter().map(|(question, _)| question).collect())
    }

    #[test]
    fn what_is_asked_of_rows_is_what_is_meant_whatever_names_are() {
        for name in hostile::names() {
            match asked(&name) {
                Ok(questions) => assert_eq!(questions.len(), 3, "{name:?}: {questions:?}"),
                Err(blocked) => assert!(hostile::is_refused(&name), "{name:?}: {blocked}"),
            }
        }
    }

    #[test]
    fn a_journal_that_names_no_character_set_asks_nothing_with_it() {
        let before = "CREATE TABLE t (a varchar(9) CHARACTER SET `latin1) OR (1`)";
        let now = "CREATE TABLE t (a varchar(9) CHARACTER SET utf8mb4)";
        let (Some(before), Some(now)) = (parsed(before), parsed(now)) else {
            return;
        };
        assert!(
            questions("t", &before, &now)
                .expect("no question")
                .is_empty()
        );
    }
}

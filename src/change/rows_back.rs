//! Rows that come back: triggers of their table may write other values than those of the INSERT.

use std::collections::HashMap;

use super::definition::{self, parsed};
use super::error::ChangeError;
use super::values::{Key, exact, is_one_of, literal, tuple};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::schema::model::{Column, find};
use crate::schema::sql::identifier;
use crate::server::answer::MOST_ROWS;
use crate::server::writer::Writer;

/// What an INSERT of a journal writes.
#[derive(Debug, PartialEq, Eq)]
struct Written<'s> {
    columns: Vec<String>,
    /// The values of each row, as literals.
    rows: Vec<Vec<&'s str>>,
}

impl<'s> Written<'s> {
    /// Reads an INSERT with a list of columns and of constants; `None` where it is something else.
    fn of(insert: &'s str) -> Option<Self> {
        let mut lexer = Lexer::new(insert, SqlModes::default());
        loop {
            match lexer.next_lexeme().token {
                Token::Symbol('(') => break,
                Token::End | Token::Unterminated(_) => return None,
                _ => {}
            }
        }
        let mut columns = Vec::new();
        loop {
            match lexer.next_lexeme().token {
                Token::Quoted(name) => columns.push(name.into_owned()),
                Token::Symbol(',') => {}
                Token::Symbol(')') => break,
                _ => return None,
            }
        }
        let (mut rows, mut row) = (Vec::new(), Vec::new());
        let mut value: Option<(usize, usize)> = None;
        let mut is_inside = false;
        loop {
            let lexeme = lexer.next_lexeme();
            let ends = matches!(lexeme.token, Token::Symbol(',' | ')'));
            match lexeme.token {
                Token::End => return Some(Self { columns, rows }),
                Token::Unterminated(_) => return None,
                Token::Symbol('(') if !is_inside => is_inside = true,
                _ if !is_inside => {}
                Token::Symbol(symbol) if ends => {
                    let (from, to) = value.take()?;
                    row.push(insert.get(from..to)?);
                    if symbol == ')' {
                        is_inside = false;
                        rows.push(std::mem::take(&mut row));
                    }
                }
                _ => value = Some((value.map_or(lexeme.start, |(from, _)| from), lexeme.end)),
            }
        }
    }
}

/// Rows of one table that were written, with what the table is now.
struct Rows<'s> {
    table: &'s str,
    columns: Vec<(String, Column)>,
    /// Places of the primary key's columns.
    key: Vec<usize>,
    written: Vec<Vec<&'s str>>,
}

impl Rows<'_> {
    fn key_of(&self, row: &[impl AsRef<str>]) -> Key {
        let places = self.key.iter().filter_map(|place| row.get(*place));
        places.map(|value| value.as_ref().to_owned()).collect()
    }

    fn names(&self) -> Vec<&str> {
        let columns = self.columns.iter().map(|(name, _)| name.as_str());
        columns.chain([self.table]).collect()
    }

    fn key_names(&self) -> String {
        let columns = self.key.iter().filter_map(|place| self.columns.get(*place));
        tuple(columns.map(|(name, _)| identifier(name)))
    }

    /// For each row the places of the columns in which it has other values than were written.
    fn differing(&self, connection: &mut Writer) -> Result<Vec<Vec<usize>>, ChangeError> {
        let keys: Vec<Key> = self.written.iter().map(|row| self.key_of(row)).collect();
        let selected: Vec<String> = self
            .columns
            .iter()
            .map(|(name, column)| exact(name, column))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            selected.join(", "),
            identifier(self.table),
            is_one_of(&self.key_names(), &keys)
        );
        let sql = Meaning::new(Operation::Select, self.names()).pass(sql)?;
        let mut found: HashMap<Key, Vec<String>> = HashMap::new();
        let about = format!("rows of {}", self.table);
        connection.each(&about, &sql, MOST_ROWS, |row| {
            let values = row.values().zip(&self.columns);
            let row: Vec<String> = values
                .map(|(value, (_, column))| literal(column, value.as_deref()))
                .collect();
            found.insert(self.key_of(&row), row);
        })?;
        let differing = self.written.iter().zip(&keys).map(|(row, key)| {
            let Some(found) = found.get(key) else {
                return Vec::new();
            };
            let places = row.iter().zip(found).enumerate();
            let others = places.filter(|(_, (written, found))| **written != found.as_str());
            others.map(|(place, _)| place).collect()
        });
        Ok(differing.collect())
    }

    /// The UPDATE that gives a row the values that were written, and leaves columns alone that would say when it was changed.
    fn update(&self, row: &[&str], places: &[usize]) -> Result<String, Blocked> {
        let columns = self.columns.iter().zip(row).enumerate();
        let set = columns
            .filter(|(place, ((_, column), _))| places.contains(place) || column.on_update_now);
        let set = set.map(|(_, ((name, _), value))| format!("{} = {value}", identifier(name)));
        let sql = format!(
            "UPDATE {} SET {} WHERE {} = {}",
            identifier(self.table),
            set.collect::<Vec<_>>().join(", "),
            self.key_names(),
            tuple(self.key_of(row).into_iter())
        );
        Meaning::new(Operation::Update, [""; 0])
            .or_names(self.names())
            .pass(sql)
    }
}

/// Sets right, in the transaction in which an INSERT of a journal has run, what triggers made of its values. Returns the
/// values that triggers do not let be, such as `phone_numeric of id 9001`.
///
/// # Errors
/// The account may not look or write, or the connection is lost.
pub(super) fn set_right(
    connection: &mut Writer,
    table: &str,
    insert: &str,
) -> Result<Vec<String>, ChangeError> {
    let now = definition::read(connection, table)?;
    let Some((now, written)) = now.as_deref().and_then(parsed).zip(Written::of(insert)) else {
        return Ok(Vec::new());
    };
    let columns = written.columns.into_iter();
    let columns: Option<Vec<(String, Column)>> = columns
        .map(|name| {
            find(&now.columns, &name)
                .cloned()
                .map(|column| (name, column))
        })
        .collect();
    let key = now.primary_key_columns();
    let place = |name: &String| {
        let mut columns = columns.iter().flatten();
        columns.position(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    let key: Option<Vec<usize>> = key.iter().map(place).collect();
    let (Some(columns), Some(key)) = (columns, key.filter(|key| !key.is_empty())) else {
        return Ok(Vec::new());
    };
    let rows = Rows {
        table,
        columns,
        key,
        written: written.rows,
    };
    let mut is_changed = false;
    for (row, places) in rows.written.iter().zip(rows.differing(connection)?) {
        if !places.is_empty() {
            is_changed = true;
            let about = format!("rows of {table}");
            connection.run_prepared(&about, &rows.update(row, &places)?)?;
        }
    }
    if !is_changed {
        return Ok(Vec::new());
    }
    let mut left = Vec::new();
    for (row, places) in rows.written.iter().zip(rows.differing(connection)?) {
        let names = rows.key.iter().filter_map(|place| rows.columns.get(*place));
        let key: Vec<String> = names
            .zip(rows.key_of(row))
            .map(|((name, _), value)| format!("{name} {value}"))
            .collect();
        let columns = places.iter().filter_map(|place| rows.columns.get(*place));
        left.extend(columns.map(|(name, _)| format!("{name} of {}", key.join(", "))));
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;
    use crate::schema::sql::string;
    use crate::schema::test_schema::hostile_schema;

    #[test]
    fn a_row_is_set_right_by_the_statement_that_is_meant_whatever_names_and_values_are() {
        let names = hostile::names();
        for (name, value) in names.iter().zip(names.iter().rev()) {
            let schema = hostile_schema(name);
            let (table, definition) = schema.tables.last().expect("the child");
            let columns = definition.columns.clone().into_iter().collect::<Vec<_>>();
            let value = string(value);
            let rows = Rows {
                table,
                columns,
                key: vec![0],
                written: Vec::new(),
            };
            let row: Vec<&str> = rows.columns.iter().map(|_| value.as_str()).collect();
            let places: Vec<usize> = (0..row.len()).collect();
            match rows.update(&row, &places) {
                Ok(update) => assert!(update.starts_with("UPDATE "), "{update}"),
                Err(blocked) => assert!(
                    hostile::is_unstorable(name) || hostile::is_refused(name),
                    "{name:?}: {blocked}"
                ),
            }
        }
    }

    #[test]
    fn the_values_of_an_insert_are_read_as_they_are_written() {
        let insert = "INSERT INTO `t` (`id`, `a``,b`) VALUES (1, 'x, (y)'), (-2, NULL), (3, 0xAB)";
        let written = Written {
            columns: vec!["id".to_owned(), "a`,b".to_owned()],
            rows: vec![vec!["1", "'x, (y)'"], vec!["-2", "NULL"], vec!["3", "0xAB"]],
        };
        assert_eq!(Written::of(insert), Some(written));
        for other in [
            "",
            "INSERT INTO `t",
            "INSERT INTO `t` VALUES (1)",
            "INSERT INTO `t` (`a`) VALUES (",
            "INSERT INTO `t` (`a`) VALUES ('",
        ] {
            assert!(
                Written::of(other).is_none_or(|it| it.rows.is_empty()),
                "{other}"
            );
        }
    }
}

//! Generated columns whose values stand in the rows. MySQL refuses such values (error 3105), and rows are not
//! touched, so the table is made with an ordinary column, which becomes a generated one when the rows are there.

use std::ops::Range;

use super::edit::{Edit, Subject};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::lexer::{Lexeme, Token};
use crate::schema::model::{KeyPart, Table};
use crate::schema::sql::{self, identifier};

/// Where a CREATE TABLE defines a generated column.
struct Place {
    /// The whole definition, from the name to its end.
    definition: Range<usize>,
    /// `GENERATED ALWAYS AS (…) STORED`, or as much of it as there is.
    clause: Range<usize>,
    is_stored: bool,
    /// The name of the column before it.
    after: Option<String>,
}

/// Finds the definition of a column, if it is a generated one.
fn find(tokens: &[Lexeme], column: &str) -> Option<Place> {
    let mut depth = 0_usize;
    let mut item: Vec<&Lexeme> = Vec::new();
    let mut before = None;
    for lexeme in tokens {
        let closes = match lexeme.token {
            Token::Symbol('(') => {
                depth += 1;
                depth == 1
            }
            Token::Symbol(')') => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            Token::Symbol(',') => depth == 1,
            _ => false,
        };
        if !closes {
            if depth > 0 {
                item.push(lexeme);
            }
            continue;
        }
        let name = item.first().and_then(|first| match &first.token {
            Token::Quoted(name) => Some(name.to_string()),
            Token::Word(name) => Some((*name).to_owned()),
            _ => None,
        });
        if name
            .as_ref()
            .is_some_and(|name| name.eq_ignore_ascii_case(column))
        {
            return place(&item, before);
        }
        before = name;
        item.clear();
    }
    None
}

fn place(item: &[&Lexeme], after: Option<String>) -> Option<Place> {
    let begins = |lexeme: &&Lexeme| lexeme.token.is("GENERATED") || lexeme.token.is("AS");
    let at = item.iter().position(begins)?;
    let rest = item.get(at..)?;
    let mut depth = 0_usize;
    let mut end = None;
    for (at, lexeme) in rest.iter().enumerate() {
        match lexeme.token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = Some(at);
                    break;
                }
            }
            _ => {}
        }
    }
    let end = end?;
    let kind = rest.get(end + 1);
    let kind = kind.filter(|kind| kind.token.is_any(&["STORED", "VIRTUAL", "PERSISTENT"]));
    let clause_end = kind.or(rest.get(end))?.end;
    Some(Place {
        definition: item.first()?.start..item.last()?.end,
        clause: rest.first()?.start..clause_end,
        is_stored: kind.is_some_and(|kind| !kind.token.is("VIRTUAL")),
        after,
    })
}

/// The table whose column is postponed.
pub(super) struct Of<'a> {
    /// The name of its database, where the result names it.
    pub(super) database: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) table: &'a Table,
}

/// The replacement that makes a generated column of a CREATE TABLE an ordinary one, and the statement that makes it
/// generated again, without delimiter; `None` where the statement defines no such column. A stored column is changed in
/// place; a virtual one, which MySQL does not change in place, is made anew, with the indexes that it is part of. `edits`
/// are the other replacements in the statement.
pub(super) fn postpone(
    text: &str,
    tokens: &[Lexeme],
    edits: &[Edit],
    of: &Of,
    column: &str,
) -> Result<Option<(Edit, String)>, Blocked> {
    let Some(place) = find(tokens, column) else {
        return Ok(None);
    };
    let edit = Edit {
        subject: Subject::GeneratedColumn,
        range: place.clause.clone(),
        with: String::new(),
    };
    let definition = definition(text, edits, &place.definition);
    let has = |part: &KeyPart| part.column.eq_ignore_ascii_case(column);
    let indexes = of.table.indexes.iter();
    let indexes: Vec<_> = indexes
        .filter(|(_, index)| index.parts.iter().any(has))
        .collect();
    let mut names: Vec<&str> = vec![of.name];
    names.extend(of.database);
    let mut actions = Vec::new();
    if place.is_stored {
        actions.push(format!("MODIFY COLUMN {definition}"));
    } else {
        names.push(column);
        names.extend(place.after.as_deref());
        for (name, index) in &indexes {
            names.push(name);
            names.extend(index.parts.iter().map(|part| part.column.as_str()));
            actions.push(format!("DROP KEY {}", identifier(name)));
        }
        let position = match &place.after {
            Some(before) => format!("AFTER {}", identifier(before)),
            None => "FIRST".to_owned(),
        };
        actions.push(format!("DROP COLUMN {}", identifier(column)));
        actions.push(format!("ADD COLUMN {definition} {position}"));
        let again = indexes.iter();
        actions.extend(again.map(|(name, index)| format!("ADD {}", sql::index_item(name, index))));
    }
    let database = of.database.map(|name| format!("{}.", identifier(name)));
    let statement = format!(
        "ALTER TABLE {}{} {}",
        database.unwrap_or_default(),
        identifier(of.name),
        actions.join(", ")
    );
    let meaning = Meaning::new(Operation::AlterTable, names).with_piece(&definition)?;
    Ok(Some((edit, meaning.pass(statement)?)))
}

/// The text of a column's definition after the replacements in it.
fn definition(text: &str, edits: &[Edit], whole: &Range<usize>) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.range.start);
    let mut definition = String::new();
    let mut at = whole.start;
    for edit in edits {
        if edit.range.start < at || edit.range.end > whole.end {
            continue;
        }
        definition.push_str(text.get(at..edit.range.start).unwrap_or_default());
        definition.push_str(&edit.with);
        at = edit.range.end;
    }
    definition.push_str(text.get(at..whole.end).unwrap_or_default());
    definition
}

#[cfg(test)]
mod tests {
    use super::super::edit::{edited, tokens};
    use super::*;
    use crate::schema::ddl::{self, Statement};
    use crate::schema::lexer::SqlModes;

    fn postponed(text: &str, column: &str) -> (String, String) {
        let modes = SqlModes::default();
        let Ok(Statement::CreateTable(create)) = ddl::parse(text, modes) else {
            panic!("{text}");
        };
        let tokens = tokens(text, modes);
        let of = Of {
            database: None,
            name: &create.name.name,
            table: &create.table,
        };
        let postponed = postpone(text, &tokens, &[], &of, column).expect("one statement");
        let (edit, statement) = postponed.expect("a generated column");
        let text = edited(text.as_bytes(), &[edit]);
        (String::from_utf8_lossy(&text).into_owned(), statement)
    }

    #[test]
    fn stored_columns_are_changed_and_virtual_ones_made_anew() {
        let text = "CREATE TABLE `t` (`a` int, `b` char(2) COLLATE utf8mb4_bin GENERATED ALWAYS AS (concat(`a`,')')) STORED, `c` int AS (a+1) VIRTUAL COMMENT 'x', KEY `k` (`c`,`a`))";
        assert_eq!(
            postponed(text, "b"),
            (
                "CREATE TABLE `t` (`a` int, `b` char(2) COLLATE utf8mb4_bin , `c` int AS (a+1) VIRTUAL COMMENT 'x', KEY `k` (`c`,`a`))".to_owned(),
                "ALTER TABLE `t` MODIFY COLUMN `b` char(2) COLLATE utf8mb4_bin GENERATED ALWAYS AS (concat(`a`,')')) STORED".to_owned(),
            )
        );
        assert_eq!(
            postponed(text, "c").1,
            "ALTER TABLE `t` DROP KEY `k`, DROP COLUMN `c`, ADD COLUMN `c` int AS (a+1) VIRTUAL COMMENT 'x' AFTER `b`, ADD KEY `k` (`c`, `a`)"
        );
    }
}

//! Generated columns whose values stand in the rows. MySQL refuses such values (error 3105), and rows are not
//! touched, so the table is made with an ordinary column, which becomes a generated one when the rows are there.

use std::ops::Range;

use super::edit::{Edit, Subject};
use crate::schema::lexer::{Lexeme, Token};
use crate::schema::model::{KeyPart, Name, Table};
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

/// The replacement that makes a generated column of a CREATE TABLE an ordinary one, and the statement that makes it
/// generated again, without delimiter. A stored column is changed in place; a virtual one, which MySQL does not change
/// in place, is made anew, with the indexes that it is part of. `edits` are the other replacements in the statement.
pub(super) fn postpone(
    text: &str,
    tokens: &[Lexeme],
    edits: &[Edit],
    (name, table): (&Name, &Table),
    column: &str,
) -> Option<(Edit, String)> {
    let place = find(tokens, column)?;
    let mut definition = String::new();
    let mut at = place.definition.start;
    for edit in edits {
        if edit.range.start < at || edit.range.end > place.definition.end {
            continue;
        }
        definition.push_str(text.get(at..edit.range.start)?);
        definition.push_str(&edit.with);
        at = edit.range.end;
    }
    definition.push_str(text.get(at..place.definition.end)?);
    let statement = format!("ALTER TABLE {} ", identifier(&name.name));
    let edit = Edit {
        subject: Subject::GeneratedColumn,
        range: place.clause,
        with: String::new(),
    };
    if place.is_stored {
        return Some((edit, format!("{statement}MODIFY COLUMN {definition}")));
    }
    let has = |part: &KeyPart| part.column.eq_ignore_ascii_case(column);
    let mut actions = Vec::new();
    let mut again = Vec::new();
    for (index_name, index) in &table.indexes {
        if index.parts.iter().any(has) {
            actions.push(format!("DROP KEY {}", identifier(index_name)));
            again.push(format!("ADD {}", sql::index_item(index_name, index)));
        }
    }
    let position = match &place.after {
        Some(before) => format!("AFTER {}", identifier(before)),
        None => "FIRST".to_owned(),
    };
    actions.push(format!("DROP COLUMN {}", identifier(column)));
    actions.push(format!("ADD COLUMN {definition} {position}"));
    actions.append(&mut again);
    Some((edit, statement + &actions.join(", ")))
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
        let of = (&create.name, &create.table);
        let (edit, statement) =
            postpone(text, &tokens, &[], of, column).expect("a generated column");
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

//! What the query of a view shows, as far as it is a plain list of columns.

use super::users::modes;
use crate::schema::lexer::{Lexer, Token};
use crate::schema::model::View;

/// The columns of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Each column of the view, and the column that it shows; `None` where it shows something else.
    pub columns: Vec<(String, Option<String>)>,
    /// Whether the view shows every row of one table once.
    pub is_whole: bool,
}

/// Reads the query of a view. A query that does not begin with SELECT has no columns.
pub fn selected(view: &View) -> Selected {
    /// Words behind the list of columns that leave rows out, or join others to them.
    const CHANGING: &[&str] = &[
        "WHERE",
        "GROUP",
        "HAVING",
        "LIMIT",
        "JOIN",
        "STRAIGHT_JOIN",
        "UNION",
        "EXCEPT",
        "INTERSECT",
    ];
    let mut lexer = Lexer::new(&view.query, modes(view.sql_mode.as_ref()));
    let mut selected = Selected::default();
    if !lexer.next_lexeme().token.is("SELECT") {
        return selected;
    }
    let mut item: Vec<Token> = Vec::new();
    let mut depth = 0_usize;
    loop {
        let token = lexer.next_lexeme().token;
        let is_end = matches!(token, Token::End | Token::Unterminated(_));
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_from = depth == 0 && token.is("FROM");
        if is_end || is_from || (depth == 0 && token == Token::Symbol(',')) {
            selected.columns.extend(column(&item));
            item.clear();
        } else {
            item.push(token);
        }
        if is_end {
            return selected;
        }
        if is_from {
            break;
        }
    }
    selected.is_whole = true;
    loop {
        let token = lexer.next_lexeme().token;
        if matches!(token, Token::End | Token::Unterminated(_)) {
            return selected;
        }
        if token.is_any(CHANGING) || token == Token::Symbol(',') {
            selected.is_whole = false;
        }
    }
}

/// The name of one item of a list of columns, and the column that it shows.
fn column(item: &[Token]) -> Option<(String, Option<String>)> {
    let name = |token: &Token| match token {
        Token::Word(word) => Some((*word).to_owned()),
        Token::Quoted(name) => Some(name.to_string()),
        _ => None,
    };
    let alias = name(item.last()?)?;
    let shown = match item {
        [shown @ .., before, _] if before.is("AS") => shown,
        _ => item,
    };
    let is_path = shown.iter().enumerate().all(|(at, token)| match at % 2 {
        0 => name(token).is_some(),
        _ => *token == Token::Symbol('.'),
    });
    let source = shown.last().filter(|_| is_path).and_then(name);
    Some((alias, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> (Vec<String>, bool) {
        let view = View {
            definer: None,
            query: query.to_owned(),
            sql_mode: None,
        };
        let selected = selected(&view);
        let columns = selected.columns.into_iter();
        let columns = columns.map(|(name, of)| match of {
            Some(of) if of == name => name,
            Some(of) => format!("{name}={of}"),
            None => format!("{name}=?"),
        });
        (columns.collect(), selected.is_whole)
    }

    #[test]
    fn the_columns_of_a_plain_view_are_read_as_each_server_writes_them() {
        let columns = ["id", "title=title_en_US"];
        for query in [
            "select `t`.`id` AS `id`,`t`.`title_en_US` AS `title` from `t`",
            "select `d`.`t`.`id` AS `id`,`d`.`t`.`title_en_US` AS `title` from `d`.`t`",
            "SELECT id, title_en_US AS title FROM t",
        ] {
            let (found, is_whole) = of(query);
            assert_eq!(found, columns, "{query}");
            assert!(is_whole, "{query}");
        }
    }

    #[test]
    fn expressions_and_queries_that_leave_rows_out_are_told() {
        let (found, is_whole) = of("select concat(`t`.`a`,',') AS `x` from `t` where 1 = 0");
        assert_eq!(found, ["x=?"]);
        assert!(!is_whole);
        let (found, is_whole) =
            of("select (select 1 from `u`) AS `x`,`t`.`id` AS `id` from (`t` join `u`)");
        assert_eq!(found, ["x=?", "id"]);
        assert!(!is_whole);
        assert_eq!(of("with x as (select 1) select 2"), (Vec::new(), false));
    }
}

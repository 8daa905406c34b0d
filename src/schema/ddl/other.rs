//! Reads the statements that are not about the schema: variables, locks, transactions, rows.

use super::{Assignment, DdlError, InsertHead, Statement, VariableScope, parser::Parser};
use crate::schema::lexer::Token;

/// Reads SET from after that word.
pub(super) fn set(parser: &mut Parser) -> Result<Statement, DdlError> {
    if parser.at_any(&["PASSWORD", "ROLE", "STATEMENT", "RESOURCE"])
        || parser.at("DEFAULT") && parser.peek_second().is("ROLE")
    {
        // Not looked into: the first holds a secret.
        return Ok(Statement::Other("SET".to_owned()));
    }
    let mut assignments = Vec::new();
    let mut scope = VariableScope::Session;
    loop {
        assignments.push(assignment(parser, &mut scope)?);
        if !parser.eat_symbol(',') {
            parser.expect_end()?;
            return Ok(Statement::Set(assignments));
        }
    }
}

/// Reads one `variable = value`. A scope word also holds for the variables after it.
fn assignment(parser: &mut Parser, scope: &mut VariableScope) -> Result<Assignment, DdlError> {
    if let Token::UserVariable(name) = parser.peek() {
        let name = name.to_lowercase();
        parser.advance();
        return assigned(parser, VariableScope::User, name);
    }
    if let Token::SystemVariable(name) = parser.peek() {
        let name = name.replace('`', "").to_lowercase();
        parser.advance();
        let (scope, name) = match name.split_once('.') {
            Some((word, rest)) => match scope_of(word) {
                Some(scope) => (scope, rest.to_owned()),
                None => (VariableScope::Session, name),
            },
            None => (VariableScope::Session, name),
        };
        return assigned(parser, scope, name);
    }
    if let Token::Word(word) = parser.peek()
        && let Some(named) = scope_of(word)
        && !matches!(
            parser.peek_second(),
            Token::Symbol('=' | '.') | Token::Assign
        )
    {
        parser.advance();
        *scope = named;
    }
    for (words, name) in [
        (&["NAMES"] as &[&str], "names"),
        (&["CHARACTER", "SET"], "character set"),
        (&["CHARSET"], "character set"),
        (&["TRANSACTION"], "transaction"),
    ] {
        if parser.eat_all(words) {
            let value =
                parser.text_until(|token| name != "transaction" && *token == Token::Symbol(','))?;
            return Ok(Assignment {
                scope: *scope,
                name: name.to_owned(),
                value,
            });
        }
    }
    let mut name = parser.identifier("a variable")?;
    if parser.eat_symbol('.') {
        name = format!("{name}.{}", parser.identifier("a variable")?);
    }
    assigned(parser, *scope, name.to_lowercase())
}

fn assigned(
    parser: &mut Parser,
    scope: VariableScope,
    name: String,
) -> Result<Assignment, DdlError> {
    if *parser.peek() == Token::Assign {
        parser.advance();
    } else {
        parser.expect_symbol('=', "=")?;
    }
    let value = parser.text_until(|token| *token == Token::Symbol(','))?;
    if value.is_empty() {
        return Err(parser.unexpected("a value"));
    }
    Ok(Assignment { scope, name, value })
}

fn scope_of(word: &str) -> Option<VariableScope> {
    match word.to_ascii_lowercase().as_str() {
        "session" | "local" => Some(VariableScope::Session),
        "global" => Some(VariableScope::Global),
        "persist" | "persist_only" => Some(VariableScope::Persist),
        _ => None,
    }
}

/// Reads LOCK TABLES from after these words.
pub(super) fn lock_tables(parser: &mut Parser) -> Result<Statement, DdlError> {
    let mut tables = Vec::new();
    loop {
        tables.push(parser.name("the name of a table")?);
        // The alias of the table and the kind of lock.
        parser.text_until(|token| *token == Token::Symbol(','))?;
        if !parser.eat_symbol(',') {
            return Ok(Statement::LockTables(tables));
        }
    }
}

/// Reads INSERT or REPLACE after that word, up to the word VALUES or whatever gives the rows.
pub(super) fn insert(parser: &mut Parser) -> Result<InsertHead, DdlError> {
    parser.eat_any(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY"]);
    parser.eat("IGNORE");
    parser.eat("INTO");
    let table = parser.name("the name of a table")?;
    if parser.eat("PARTITION") {
        parser.parenthesised()?;
    }
    let is_list = parser.at_symbol('(')
        && !parser.peek_second().is_any(&["SELECT", "WITH"])
        && parser.peek_second() != Token::Symbol('(');
    let columns = if is_list {
        Some(parser.identifiers_in_parentheses()?)
    } else {
        None
    };
    if !parser.at_any(&["VALUES", "VALUE", "SELECT", "SET", "WITH", "TABLE", "AS"])
        && !parser.at_symbol('(')
    {
        return Err(parser.unexpected("VALUES"));
    }
    Ok(InsertHead { table, columns })
}

/// Reads DELETE from after that word.
pub(super) fn delete(parser: &mut Parser) -> Result<Statement, DdlError> {
    while parser.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"]) {}
    let table = if parser.eat("FROM") {
        Some(parser.name("the name of a table")?)
            .filter(|_| !parser.at("USING") && !parser.at_symbol(',') && !parser.at_symbol('.'))
    } else {
        None
    };
    parser.rest()?;
    Ok(match table {
        Some(table) => Statement::Delete(table),
        None => Statement::Other("DELETE".to_owned()),
    })
}

//! Reads the statements that are not about the schema: variables, locks, transactions, rows.

use super::{Assignment, DdlError, InsertHead, Statement, VariableScope, parser::Parser};
use crate::schema::lexer::Token;

/// Reads SET from after that word.
pub(super) fn set(parser: &mut Parser) -> Result<Statement, DdlError> {
    let others = ["PASSWORD", "ROLE", "STATEMENT", "RESOURCE"];
    let of_roles = parser.at("DEFAULT") && parser.peek_second().is("ROLE");
    let other = others.into_iter().find(|word| parser.at(word));
    if let Some(word) = other.or(of_roles.then_some("DEFAULT ROLE")) {
        // Not looked into: the first holds a secret.
        return Ok(Statement::Other(format!("SET {word}")));
    }
    let mut scope = VariableScope::Session;
    let assignments = parser.list(|parser| assignment(parser, &mut scope))?;
    parser.expect_end()?;
    Ok(Statement::Set(assignments))
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
        let scoped = name.split_once('.');
        let scoped = scoped.and_then(|(word, rest)| Some((scope_of(word)?, rest.to_owned())));
        let (scope, name) = scoped.unwrap_or((VariableScope::Session, name));
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
    let tables = parser.list(|parser| {
        let table = parser.name("the name of a table")?;
        // The alias of the table and the kind of lock.
        parser.text_until(|token| *token == Token::Symbol(','))?;
        Ok(table)
    })?;
    Ok(Statement::LockTables(tables))
}

/// Reads INSERT or REPLACE after that word, up to the word VALUES or whatever gives the rows.
pub(super) fn insert(parser: &mut Parser, replaces: bool) -> Result<InsertHead, DdlError> {
    parser.eat_any(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY"]);
    let takes_duplicates = parser.eat("IGNORE") || replaces;
    parser.eat("INTO");
    let table = parser.name("the name of a table")?;
    if parser.eat("PARTITION") {
        parser.parenthesised()?;
    }
    let is_list = parser.at_symbol('(')
        && !parser.peek_second().is_any(&["SELECT", "WITH"])
        && parser.peek_second() != Token::Symbol('(');
    let columns = is_list.then(|| parser.identifiers_in_parentheses());
    let mut columns = columns.transpose()?;
    if columns.is_none() && parser.eat("SET") {
        columns = Some(set_columns(parser));
    } else if !parser.at_any(&["VALUES", "VALUE", "SELECT", "SET", "WITH", "TABLE", "AS"])
        && !parser.at_symbol('(')
    {
        return Err(parser.unexpected("VALUES"));
    }
    Ok(InsertHead {
        table,
        columns,
        takes_duplicates,
    })
}

/// Reads `a = 1, b = DEFAULT` of INSERT from after SET, for the columns that get another value than DEFAULT; up to
/// where it has another form.
fn set_columns(parser: &mut Parser) -> Vec<String> {
    let mut columns = Vec::new();
    while let Ok(name) = parser.name("the name of a column") {
        if *parser.peek() == Token::Assign {
            parser.advance();
        } else if !parser.eat_symbol('=') {
            break;
        }
        let is_default = parser.at("DEFAULT") && parser.peek_second() != Token::Symbol('(');
        if !is_default {
            columns.push(name.name);
        }
        let ends = |token: &Token| *token == Token::Symbol(',') || token.is("ON");
        if parser.text_until(ends).is_err() || !parser.eat_symbol(',') {
            break;
        }
    }
    columns
}

/// Reads DELETE from after that word.
pub(super) fn delete(parser: &mut Parser) -> Result<Statement, DdlError> {
    while parser.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"]) {}
    if parser.eat("FROM") {
        parser.name("the name of a table")?;
    }
    parser.rest()?;
    Ok(Statement::Other("DELETE".to_owned()))
}

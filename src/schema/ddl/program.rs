//! Reads views and stored programs: triggers, routines and events.

use super::{Create, DdlError, Statement, parser::Parser};
use crate::schema::{
    lexer::{Lexer, SqlModes, Token},
    model::{Account, Event, Routine, RoutineKind, Trigger, TriggerEvent, TriggerTiming, View},
};

/// Reads `DEFINER = account`, if it comes next. `CURRENT_USER` means whoever runs the statement, so it gives
/// `None`.
pub(super) fn definer(parser: &mut Parser) -> Result<Option<Account>, DdlError> {
    if !parser.eat("DEFINER") {
        return Ok(None);
    }
    parser.expect_symbol('=', "=")?;
    if parser.eat_any(&["CURRENT_USER", "CURRENT_ROLE"]) {
        if parser.eat_symbol('(') {
            parser.expect_symbol(')', ")")?;
        }
        return Ok(None);
    }
    let user = parser.word_or_text("an account")?;
    let host = match parser.peek() {
        Token::UserVariable(host) => {
            let host = host.to_string();
            parser.advance();
            Some(host)
        }
        Token::Symbol('@') => {
            parser.advance();
            Some(parser.word_or_text("a host")?)
        }
        _ => None,
    };
    Ok(Some(Account {
        user,
        host: host.unwrap_or_else(|| "%".to_owned()),
    }))
}

/// Reads CREATE VIEW from after the word VIEW.
pub(super) fn create_view(
    parser: &mut Parser,
    or_replace: bool,
    definer: Option<Account>,
) -> Result<Statement, DdlError> {
    let if_not_exists = parser.eat_if_not_exists();
    let name = parser.name("the name of a view")?;
    if parser.at_symbol('(') {
        parser.identifiers_in_parentheses()?;
    }
    parser.expect("AS")?;
    if !parser.at_any(&["SELECT", "WITH", "VALUES", "TABLE"]) && !parser.at_symbol('(') {
        return Err(parser.unexpected("SELECT"));
    }
    let query = parser.rest()?;
    Ok(Statement::CreateView(Create {
        name,
        or_replace,
        if_not_exists,
        object: View {
            definer,
            query,
            sql_mode: None,
        },
    }))
}

/// The columns of `SELECT 1 AS a, 1 AS b`; `None` for any other query.
pub(super) fn stand_in_columns(query: &str, modes: SqlModes) -> Option<Vec<String>> {
    let mut lexer = Lexer::new(query, modes);
    let mut next = || lexer.next_lexeme().token;
    if !next().is("SELECT") {
        return None;
    }
    let mut columns = Vec::new();
    loop {
        // mariadb-dump 10.11.19 writes NULL, all others 1.
        let value = next();
        if !(value == Token::Number("1") || value.is("NULL")) || !next().is("AS") {
            return None;
        }
        match next() {
            Token::Quoted(name) => columns.push(name.into_owned()),
            Token::Word(name) => columns.push(name.to_owned()),
            _ => return None,
        }
        match next() {
            Token::Symbol(',') => {}
            Token::End => return Some(columns),
            _ => return None,
        }
    }
}

/// Reads CREATE TRIGGER from after the word TRIGGER.
pub(super) fn create_trigger(
    parser: &mut Parser,
    or_replace: bool,
    definer: Option<Account>,
) -> Result<Statement, DdlError> {
    let if_not_exists = parser.eat_if_not_exists();
    let mut name = parser.name("the name of a trigger")?;
    let timing = if parser.eat("BEFORE") {
        TriggerTiming::Before
    } else {
        parser.expect("AFTER")?;
        TriggerTiming::After
    };
    let event = if parser.eat("INSERT") {
        TriggerEvent::Insert
    } else if parser.eat("UPDATE") {
        TriggerEvent::Update
    } else {
        parser.expect("DELETE")?;
        TriggerEvent::Delete
    };
    parser.expect("ON")?;
    let table = parser.name("the name of a table")?;
    // A trigger belongs to the database of its table.
    name.database = name.database.or(table.database);
    parser.expect("FOR")?;
    parser.expect("EACH")?;
    parser.expect("ROW")?;
    if parser.eat_any(&["FOLLOWS", "PRECEDES"]) {
        parser.name("the name of a trigger")?;
    }
    if *parser.peek() == Token::End {
        return Err(parser.unexpected("a body"));
    }
    let body = parser.rest()?;
    Ok(Statement::CreateTrigger(Create {
        name,
        or_replace,
        if_not_exists,
        object: Trigger {
            table: table.name,
            timing,
            event,
            definer,
            body,
            sql_mode: None,
        },
    }))
}

/// Reads CREATE FUNCTION or CREATE PROCEDURE from after that word.
pub(super) fn create_routine(
    parser: &mut Parser,
    kind: RoutineKind,
    or_replace: bool,
    definer: Option<Account>,
) -> Result<Statement, DdlError> {
    let if_not_exists = parser.eat_if_not_exists();
    let name = parser.name("the name of a routine")?;
    if kind == RoutineKind::Function && parser.at("RETURNS") {
        // A loadable function of a shared library: RETURNS type SONAME 'file'.
        parser.rest()?;
        return Ok(Statement::Other("CREATE FUNCTION".to_owned()));
    }
    if !parser.at_symbol('(') {
        return Err(parser.unexpected("("));
    }
    let definition = parser.rest()?;
    let create = Create {
        name,
        or_replace,
        if_not_exists,
        object: Routine {
            definer,
            definition,
            sql_mode: None,
        },
    };
    Ok(Statement::CreateRoutine(kind, create))
}

/// Reads CREATE EVENT from after the word EVENT.
pub(super) fn create_event(
    parser: &mut Parser,
    or_replace: bool,
    definer: Option<Account>,
) -> Result<Statement, DdlError> {
    let if_not_exists = parser.eat_if_not_exists();
    let name = parser.name("the name of an event")?;
    if !parser.at("ON") {
        return Err(parser.unexpected("ON SCHEDULE"));
    }
    let definition = parser.rest()?;
    Ok(Statement::CreateEvent(Create {
        name,
        or_replace,
        if_not_exists,
        object: Event {
            definer,
            definition,
            sql_mode: None,
        },
    }))
}

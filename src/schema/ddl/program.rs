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

/// Reads what follows the kind of the object in CREATE: its name, which is `expected`, and the object itself.
pub(super) fn create<T>(
    parser: &mut Parser,
    or_replace: bool,
    expected: &'static str,
    object: impl FnOnce(&mut Parser) -> Result<T, DdlError>,
) -> Result<Create<T>, DdlError> {
    Ok(Create {
        or_replace,
        if_not_exists: parser.eat_if_not_exists(),
        name: parser.name(expected)?,
        object: object(parser)?,
    })
}

/// Reads a view from after its name.
pub(super) fn view(parser: &mut Parser, definer: Option<Account>) -> Result<View, DdlError> {
    if parser.at_symbol('(') {
        parser.identifiers_in_parentheses()?;
    }
    parser.expect("AS")?;
    if !parser.at_any(&["SELECT", "WITH", "VALUES", "TABLE"]) && !parser.at_symbol('(') {
        return Err(parser.unexpected("SELECT"));
    }
    Ok(View {
        definer,
        query: parser.rest()?,
        sql_mode: None,
    })
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

/// Reads a trigger from after its name; and the database of its table where that is named.
pub(super) fn trigger(
    parser: &mut Parser,
    definer: Option<Account>,
) -> Result<(Trigger, Option<String>), DdlError> {
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
    parser.expect("FOR")?;
    parser.expect("EACH")?;
    parser.expect("ROW")?;
    if parser.eat_any(&["FOLLOWS", "PRECEDES"]) {
        parser.name("the name of a trigger")?;
    }
    if *parser.peek() == Token::End {
        return Err(parser.unexpected("a body"));
    }
    let trigger = Trigger {
        table: table.name,
        timing,
        event,
        definer,
        body: parser.rest()?,
        sql_mode: None,
    };
    Ok((trigger, table.database))
}

/// Reads CREATE FUNCTION or CREATE PROCEDURE from after that word.
pub(super) fn create_routine(
    parser: &mut Parser,
    kind: RoutineKind,
    or_replace: bool,
    definer: Option<Account>,
) -> Result<Statement, DdlError> {
    let create = create(parser, or_replace, "the name of a routine", |parser| {
        let is_loadable = kind == RoutineKind::Function && parser.at("RETURNS");
        if !is_loadable && !parser.at_symbol('(') {
            return Err(parser.unexpected("("));
        }
        Ok(Routine {
            definer,
            definition: parser.rest()?,
            sql_mode: None,
        })
    })?;
    // A loadable function of a shared library: RETURNS type SONAME 'file'.
    Ok(match create.object.definition.starts_with('(') {
        true => Statement::CreateRoutine(kind, create),
        false => Statement::Other("CREATE FUNCTION".to_owned()),
    })
}

/// Reads an event from after its name.
pub(super) fn event(parser: &mut Parser, definer: Option<Account>) -> Result<Event, DdlError> {
    if !parser.at("ON") {
        return Err(parser.unexpected("ON SCHEDULE"));
    }
    Ok(Event {
        definer,
        definition: parser.rest()?,
        sql_mode: None,
    })
}

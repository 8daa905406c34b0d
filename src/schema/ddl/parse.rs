//! Tells statements by their first words.

use std::borrow::Cow;

use super::error::{DdlError, STATEMENT};
use super::parser::Parser;
use super::statement::{Drop, Statement};
use super::{alter, other, program, table};
use crate::schema::lexer::{SqlModes, Token};
use crate::schema::model::RoutineKind;

/// Statements that are recognised by their first word and not looked into.
const OTHER_STATEMENTS: &[&str] = &[
    "ANALYZE",
    "BACKUP",
    "BINLOG",
    "CACHE",
    "CALL",
    "CHANGE",
    "CHECK",
    "CHECKSUM",
    "CLONE",
    "DEALLOCATE",
    "DESC",
    "DESCRIBE",
    "DO",
    "EXECUTE",
    "EXPLAIN",
    "FLUSH",
    "GET",
    "GRANT",
    "HANDLER",
    "HELP",
    "IMPORT",
    "INSTALL",
    "KILL",
    "LOAD",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RELEASE",
    "REPAIR",
    "RESET",
    "RESIGNAL",
    "RESTART",
    "REVOKE",
    "SAVEPOINT",
    "SELECT",
    "SHOW",
    "SHUTDOWN",
    "SIGNAL",
    "STOP",
    "UNINSTALL",
    "UPDATE",
    "WITH",
    "XA",
];

/// Kinds of objects for CREATE, ALTER and DROP that are not part of a schema.
const OTHER_OBJECTS: &[&str] = &[
    "DATABASE",
    "EVENT",
    "FUNCTION",
    "INSTANCE",
    "LIBRARY",
    "LOGFILE",
    "MASKING",
    "PACKAGE",
    "PREPARE",
    "PROCEDURE",
    "RESOURCE",
    "ROLE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "SPATIAL",
    "TABLESPACE",
    "UNDO",
    "USER",
    "VIEW",
];

/// Reads one statement, given without its delimiter.
///
/// # Errors
/// The text is not a statement, such as a message of the dump program, or its grammar differs from what servers
/// print. Nothing is then known of such a statement.
pub fn parse(text: &str, modes: SqlModes) -> Result<Statement, DdlError> {
    let mut parser = Parser::new(text, modes);
    statement(&mut parser)
}

/// Reads one statement like [`parse`], and the names of all character sets and collations in it, as written and each
/// once; none for an INSERT.
///
/// # Errors
/// As those of [`parse`].
pub fn parse_with_charsets(
    text: &str,
    modes: SqlModes,
) -> Result<(Statement, Vec<String>), DdlError> {
    let mut parser = Parser::new(text, modes);
    let statement = statement(&mut parser)?;
    // The values of rows may be long, and hold no names.
    if matches!(statement, Statement::Insert(_)) {
        return Ok((statement, Vec::new()));
    }
    while !matches!(parser.peek(), Token::End) {
        parser.advance();
    }
    let charsets = parser.charsets().map(Cow::into_owned);
    Ok((statement, charsets.collect()))
}

fn statement(parser: &mut Parser) -> Result<Statement, DdlError> {
    if *parser.peek() == Token::End {
        return Ok(Statement::Empty);
    }
    if parser.at_symbol('(') {
        return other("SELECT");
    }
    let in_version_comment = parser.in_version_comment();
    if parser.eat("CREATE") {
        create(parser, in_version_comment)
    } else if parser.eat("ALTER") {
        alter(parser)
    } else if parser.eat("DROP") {
        drop(parser)
    } else if parser.eat("RENAME") {
        rename(parser)
    } else if parser.at_any(&["INSERT", "REPLACE"]) {
        let replaces = parser.eat("REPLACE") || !parser.eat("INSERT");
        Ok(Statement::Insert(other::insert(parser, replaces)?))
    } else if parser.eat("SET") {
        other::set(parser)
    } else if parser.eat("USE") {
        let database = parser.identifier("the name of a database")?;
        parser.expect_end()?;
        Ok(Statement::Use(database))
    } else if parser.eat("LOCK") {
        if parser.eat_any(&["TABLES", "TABLE"]) {
            other::lock_tables(parser)
        } else {
            parser.expect("INSTANCE")?;
            other("LOCK INSTANCE")
        }
    } else if parser.eat("UNLOCK") {
        if parser.eat_any(&["TABLES", "TABLE"]) {
            parser.expect_end()?;
            Ok(Statement::UnlockTables)
        } else {
            parser.expect("INSTANCE")?;
            other("UNLOCK INSTANCE")
        }
    } else if parser.eat("TRUNCATE") {
        parser.eat("TABLE");
        let table = parser.name("the name of a table")?;
        parser.eat_any(&["WAIT", "NOWAIT"]);
        Ok(Statement::TruncateTable(table))
    } else if parser.eat("DELETE") {
        other::delete(parser)
    } else {
        transaction(parser)
    }
}

fn transaction(parser: &mut Parser) -> Result<Statement, DdlError> {
    if parser.eat("START") {
        if parser.eat("TRANSACTION") {
            return Ok(Statement::StartTransaction);
        }
        if parser.eat_any(&["SLAVE", "REPLICA", "GROUP_REPLICATION", "ALL"]) {
            return other("START");
        }
        return Err(parser.unexpected("TRANSACTION"));
    }
    if parser.eat("BEGIN") {
        return if parser.eat("NOT") {
            parser.expect("ATOMIC")?;
            other("BEGIN NOT ATOMIC")
        } else {
            parser.eat("WORK");
            parser.expect_end()?;
            Ok(Statement::StartTransaction)
        };
    }
    if parser.eat("COMMIT") {
        return Ok(Statement::EndTransaction);
    }
    if parser.eat("ROLLBACK") {
        parser.eat("WORK");
        return match parser.eat("TO") {
            true => other("ROLLBACK TO"),
            false => Ok(Statement::EndTransaction),
        };
    }
    match OTHER_STATEMENTS.iter().find(|keyword| parser.eat(keyword)) {
        // A text such as "Check your password: …" is not a statement.
        Some(keyword) if !parser.at_symbol(':') => other(keyword),
        _ => Err(parser.unexpected(STATEMENT)),
    }
}

fn other(keyword: &str) -> Result<Statement, DdlError> {
    Ok(Statement::Other(keyword.to_owned()))
}

fn create(parser: &mut Parser, in_version_comment: bool) -> Result<Statement, DdlError> {
    let or_replace = parser.eat_all(&["OR", "REPLACE"]);
    if parser.eat("TEMPORARY") {
        parser.expect("TABLE")?;
        return table::create(parser, or_replace, true, in_version_comment);
    }
    if parser.eat("TABLE") {
        return table::create(parser, or_replace, false, in_version_comment);
    }
    if parser.eat_any(&["DATABASE", "SCHEMA"]) {
        parser.eat_if_not_exists();
        let name = parser.identifier("the name of a database")?;
        return Ok(Statement::CreateDatabase(name));
    }
    let is_index = parser.at_any(&["UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"])
        && parser.peek_second().is("INDEX");
    if is_index || parser.at("INDEX") {
        return alter::create_index(parser);
    }
    if parser.eat("ALGORITHM") {
        parser.expect_symbol('=', "=")?;
        parser.identifier("an algorithm")?;
    }
    let definer = program::definer(parser)?;
    if parser.eat_all(&["SQL", "SECURITY"]) {
        parser.identifier("DEFINER or INVOKER")?;
    }
    if parser.eat("VIEW") {
        let view = |parser: &mut Parser| program::view(parser, definer);
        let create = program::create(parser, or_replace, "the name of a view", view)?;
        Ok(Statement::CreateView(create))
    } else if parser.eat("TRIGGER") {
        let mut of_table = None;
        let trigger = |parser: &mut Parser| {
            let (trigger, database) = program::trigger(parser, definer)?;
            of_table = database;
            Ok(trigger)
        };
        let mut create = program::create(parser, or_replace, "the name of a trigger", trigger)?;
        // A trigger belongs to the database of its table.
        create.name.database = create.name.database.or(of_table);
        Ok(Statement::CreateTrigger(create))
    } else if parser.eat("PROCEDURE") {
        program::create_routine(parser, RoutineKind::Procedure, or_replace, definer)
    } else if parser.eat_all(&["AGGREGATE", "FUNCTION"]) || parser.eat("FUNCTION") {
        program::create_routine(parser, RoutineKind::Function, or_replace, definer)
    } else if parser.eat("EVENT") {
        let event = |parser: &mut Parser| program::event(parser, definer);
        let create = program::create(parser, or_replace, "the name of an event", event)?;
        Ok(Statement::CreateEvent(create))
    } else {
        other_object(parser, "CREATE")
    }
}

/// Reads `CREATE USER` and similar statements without looking into them.
fn other_object(parser: &Parser, verb: &str) -> Result<Statement, DdlError> {
    match OTHER_OBJECTS.iter().find(|object| parser.at(object)) {
        Some(object) => other(&format!("{verb} {object}")),
        None => Err(parser.unexpected("the kind of an object")),
    }
}

fn alter(parser: &mut Parser) -> Result<Statement, DdlError> {
    parser.eat_any(&["ONLINE", "OFFLINE"]);
    parser.eat("IGNORE");
    if parser.eat("TABLE") {
        return alter::alter_table(parser);
    }
    if parser.at_any(&["ALGORITHM", "DEFINER", "SQL"]) {
        return other("ALTER VIEW");
    }
    if parser.eat_any(&["DATABASE", "SCHEMA"]) {
        let is_option = [
            "DEFAULT",
            "CHARACTER",
            "CHARSET",
            "COLLATE",
            "ENCRYPTION",
            "READ",
        ];
        let name = match parser.at_any(&is_option) {
            true => None,
            false => Some(parser.identifier("the name of a database")?),
        };
        return Ok(Statement::AlterDatabase { name });
    }
    other_object(parser, "ALTER")
}

fn drop(parser: &mut Parser) -> Result<Statement, DdlError> {
    let temporary = parser.eat("TEMPORARY");
    if parser.eat_any(&["TABLE", "TABLES"]) {
        return Ok(Statement::DropTable(dropped(parser, temporary)?));
    }
    if parser.eat("VIEW") {
        return Ok(Statement::DropView(dropped(parser, false)?));
    }
    if parser.eat("TRIGGER") {
        return Ok(Statement::DropTrigger(dropped(parser, false)?));
    }
    for kind in [RoutineKind::Function, RoutineKind::Procedure] {
        if parser.eat(kind.as_str()) {
            return Ok(Statement::DropRoutine(kind, dropped(parser, false)?));
        }
    }
    if parser.eat("EVENT") {
        return Ok(Statement::DropEvent(dropped(parser, false)?));
    }
    if parser.eat_any(&["INDEX", "KEY"]) {
        return alter::drop_index(parser);
    }
    if parser.eat_any(&["DATABASE", "SCHEMA"]) {
        parser.eat_if_exists();
        let name = parser.identifier("the name of a database")?;
        parser.expect_end()?;
        return Ok(Statement::DropDatabase(name));
    }
    other_object(parser, "DROP")
}

fn dropped(parser: &mut Parser, temporary: bool) -> Result<Drop, DdlError> {
    let if_exists = parser.eat_if_exists();
    let names = parser.list(|parser| parser.name("the name of an object"))?;
    if parser.eat("WAIT") {
        parser.number::<u64>()?;
    }
    parser.eat_any(&["RESTRICT", "CASCADE", "NOWAIT"]);
    parser.expect_end()?;
    Ok(Drop {
        names,
        if_exists,
        temporary,
    })
}

fn rename(parser: &mut Parser) -> Result<Statement, DdlError> {
    if parser.at("USER") {
        return other("RENAME USER");
    }
    if !parser.eat_any(&["TABLE", "TABLES"]) {
        return Err(parser.unexpected("TABLE"));
    }
    let pairs = parser.list(|parser| {
        let from = parser.name("the name of a table")?;
        parser.expect("TO")?;
        Ok((from, parser.name("the name of a table")?))
    })?;
    parser.expect_end()?;
    Ok(Statement::RenameTable(pairs))
}

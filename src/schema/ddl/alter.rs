//! Reads ALTER TABLE, CREATE INDEX and DROP INDEX.

use super::{
    AlterAction, AlterTable, DdlError, Position, Statement, column, key, parser::Parser, table,
};
use crate::schema::{charset, lexer::Token};

/// Reads ALTER TABLE from after the word TABLE.
pub(super) fn alter_table(parser: &mut Parser) -> Result<Statement, DdlError> {
    let if_exists = parser.eat_if_exists();
    let name = parser.name("the name of a table")?;
    if parser.eat("WAIT") {
        parser.number::<u64>()?;
    } else {
        parser.eat("NOWAIT");
    }
    let mut actions = Vec::new();
    while *parser.peek() != Token::End {
        action(parser, &mut actions)?;
        // Table options may follow each other without commas.
        if !parser.eat_symbol(',') && !matches!(actions.last(), Some(AlterAction::Option(_))) {
            parser.expect_end()?;
        }
    }
    Ok(Statement::AlterTable(AlterTable {
        name,
        if_exists,
        actions,
    }))
}

fn action(parser: &mut Parser, actions: &mut Vec<AlterAction>) -> Result<(), DdlError> {
    let action = if parser.eat("ADD") {
        return add(parser, actions);
    } else if parser.eat("DROP") {
        drop(parser)?
    } else if parser.at_any(&["MODIFY", "CHANGE"]) {
        let renames = parser.advance().token.is("CHANGE");
        parser.eat("COLUMN");
        let if_exists = parser.eat_if_exists();
        let from = renames.then(|| parser.identifier("a column name"));
        let from = from.transpose()?;
        let definition = column::definition(parser)?;
        AlterAction::ChangeColumn {
            from: from.unwrap_or_else(|| definition.name.clone()),
            definition,
            position: position(parser)?,
            if_exists,
        }
    } else if parser.eat("RENAME") {
        rename(parser)?
    } else if parser.at("ALTER") && !parser.peek_second().is_any(&["INDEX", "KEY", "CHECK"]) {
        parser.advance();
        parser.eat("COLUMN");
        let column = parser.identifier("a column name")?;
        let default = if parser.eat_all(&["SET", "DEFAULT"]) {
            Some(column::default_value(parser)?)
        } else {
            parser.eat_all(&["DROP", "DEFAULT"]).then_some(None)
        };
        match default {
            Some(default) => AlterAction::SetDefault { column, default },
            None => other(parser)?,
        }
    } else if parser.eat_all(&["CONVERT", "TO"]) {
        convert(parser)?
    } else if parser.eat_all(&["DISABLE", "KEYS"]) || parser.eat_all(&["ENABLE", "KEYS"]) {
        AlterAction::SwitchKeys
    } else if let Some(option) = table::option(parser)? {
        AlterAction::Option(option)
    } else {
        other(parser)?
    };
    actions.push(action);
    Ok(())
}

/// Reads an action that is not in the model, up to the next comma.
fn other(parser: &mut Parser) -> Result<AlterAction, DdlError> {
    if !matches!(parser.peek(), Token::Word(_)) {
        return Err(parser.unexpected("an action of ALTER TABLE"));
    }
    let text = parser.text_until(|token| *token == Token::Symbol(','))?;
    Ok(AlterAction::Other(text))
}

fn add(parser: &mut Parser, actions: &mut Vec<AlterAction>) -> Result<(), DdlError> {
    if parser.at("PARTITION") || parser.at("SYSTEM") {
        actions.push(other(parser)?);
        return Ok(());
    }
    if let Some((element, if_not_exists)) = key::element(parser)? {
        actions.push(AlterAction::Add {
            element,
            if_not_exists,
        });
        return Ok(());
    }
    parser.eat("COLUMN");
    let if_not_exists = parser.eat_if_not_exists();
    let several = parser.eat_symbol('(');
    loop {
        let definition = column::definition(parser)?;
        actions.push(AlterAction::AddColumn {
            definition,
            position: position(parser)?,
            if_not_exists,
        });
        if !several {
            return Ok(());
        }
        if !parser.eat_symbol(',') {
            return parser.expect_symbol(')', ", or )");
        }
    }
}

fn position(parser: &mut Parser) -> Result<Position, DdlError> {
    Ok(if parser.eat("FIRST") {
        Position::First
    } else if parser.eat("AFTER") {
        Position::After(parser.identifier("a column name")?)
    } else {
        Position::Unchanged
    })
}

fn drop(parser: &mut Parser) -> Result<AlterAction, DdlError> {
    if parser.eat_all(&["PRIMARY", "KEY"]) {
        let (name, if_exists) = ("PRIMARY".to_owned(), false);
        return Ok(AlterAction::DropIndex { name, if_exists });
    }
    if parser.eat_any(&["KEY", "INDEX"]) {
        return Ok(AlterAction::DropIndex {
            if_exists: parser.eat_if_exists(),
            name: parser.identifier("the name of a key")?,
        });
    }
    if parser.eat_all(&["FOREIGN", "KEY"]) {
        return Ok(AlterAction::DropForeignKey {
            if_exists: parser.eat_if_exists(),
            name: parser.identifier("the name of a foreign key")?,
        });
    }
    if parser.eat("CONSTRAINT") {
        parser.eat_if_exists();
        let name = parser.identifier("the name of a constraint")?;
        return Ok(AlterAction::DropConstraint(name));
    }
    let is_name = !parser.peek_second().is_any(&["RESTRICT", "CASCADE"])
        && matches!(parser.peek_second(), Token::Word(_) | Token::Quoted(_));
    if is_name && parser.at_any(&["CHECK", "PARTITION", "SYSTEM", "PERIOD"]) {
        return other(parser);
    }
    parser.eat("COLUMN");
    let if_exists = parser.eat_if_exists();
    let name = parser.identifier("a column name")?;
    parser.eat_any(&["RESTRICT", "CASCADE"]);
    Ok(AlterAction::DropColumn { name, if_exists })
}

fn rename(parser: &mut Parser) -> Result<AlterAction, DdlError> {
    if parser.eat_any(&["INDEX", "KEY"]) {
        let from = parser.identifier("the name of a key")?;
        parser.expect("TO")?;
        let to = parser.identifier("the name of a key")?;
        return Ok(AlterAction::RenameIndex { from, to });
    }
    if parser.eat("COLUMN") {
        let from = parser.identifier("a column name")?;
        parser.expect("TO")?;
        let to = parser.identifier("a column name")?;
        return Ok(AlterAction::RenameColumn { from, to });
    }
    if !parser.eat_any(&["TO", "AS"]) {
        parser.eat_symbol('=');
    }
    Ok(AlterAction::RenameTo(parser.name("the name of a table")?))
}

/// Reads `CONVERT TO CHARACTER SET x [COLLATE y]`.
fn convert(parser: &mut Parser) -> Result<AlterAction, DdlError> {
    if !parser.eat("CHARSET") {
        parser.expect("CHARACTER")?;
        parser.expect("SET")?;
    }
    let charset = charset::canonical(&parser.word_or_text("a character set")?);
    let collation = if parser.eat("COLLATE") {
        Some(charset::canonical(&parser.word_or_text("a collation")?))
    } else {
        None
    };
    let (charset, collation) = charset::complete(
        Some(charset).filter(|charset| charset != "default"),
        collation,
    );
    Ok(AlterAction::ConvertTo { charset, collation })
}

/// Reads CREATE INDEX from the kind of index on.
pub(super) fn create_index(parser: &mut Parser) -> Result<Statement, DdlError> {
    let kind = key::index_kind(parser).ok_or_else(|| parser.unexpected("INDEX"))?;
    let if_not_exists = parser.eat_if_not_exists();
    let name = key::index_name(parser)?;
    let name = name.ok_or_else(|| parser.unexpected("the name of an index"))?;
    parser.expect("ON")?;
    let table = parser.name("the name of a table")?;
    let index = key::index(parser, kind)?;
    // The options ALGORITHM and LOCK.
    parser.rest()?;
    Ok(Statement::CreateIndex {
        table,
        name,
        index,
        if_not_exists,
    })
}

/// Reads DROP INDEX from after the word INDEX.
pub(super) fn drop_index(parser: &mut Parser) -> Result<Statement, DdlError> {
    let if_exists = parser.eat_if_exists();
    let name = parser.identifier("the name of an index")?;
    parser.expect("ON")?;
    let table = parser.name("the name of a table")?;
    parser.rest()?;
    Ok(Statement::DropIndex {
        table,
        name,
        if_exists,
    })
}

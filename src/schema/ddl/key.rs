//! Reads keys, foreign keys and checks of a table definition.

use super::{
    DdlError,
    parser::{Parser, bare_expression},
};
use crate::schema::{
    element::Element,
    lexer::Token,
    model::{ForeignKey, Index, IndexKind, KeyPart, ReferentialAction},
};

/// Words that begin a key or constraint. All are reserved, so an unquoted column name is never one of them.
const BEGINNINGS: &[&str] = &[
    "PRIMARY",
    "UNIQUE",
    "FULLTEXT",
    "SPATIAL",
    "KEY",
    "INDEX",
    "CONSTRAINT",
    "FOREIGN",
    "CHECK",
];

/// Reads a key or constraint, and whether it says IF NOT EXISTS; `None` when the text here begins neither.
pub(super) fn element(parser: &mut Parser) -> Result<Option<(Element, bool)>, DdlError> {
    if !matches!(parser.peek(), Token::Word(_)) {
        return Ok(None);
    }
    if parser.eat_all(&["PERIOD", "FOR"]) {
        parser.identifier("the name of the period")?;
        parser.parenthesised()?;
        return Ok(Some((Element::Period, false)));
    }
    let vector = parser.at("VECTOR") && parser.peek_second().is_any(&["KEY", "INDEX"]);
    if !parser.at_any(BEGINNINGS) && !vector {
        return Ok(None);
    }
    let mut constraint = None;
    let mut if_not_exists = false;
    if parser.eat("CONSTRAINT") {
        if_not_exists = parser.eat_if_not_exists();
        if !parser.at_any(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
            constraint = Some(parser.identifier("the name of a constraint")?);
        }
    }
    if parser.eat_all(&["PRIMARY", "KEY"]) {
        index_name(parser)?;
        let parts = parts(parser)?;
        options(parser)?;
        return Ok(Some((Element::PrimaryKey(parts), if_not_exists)));
    }
    if parser.eat_all(&["FOREIGN", "KEY"]) {
        if_not_exists |= parser.eat_if_not_exists();
        // MariaDB names the constraint after the key if it has no name of its own; servers
        // print such a constraint with its name, so this matters to hand-written text only.
        let name = constraint.or(index_name(parser)?);
        let columns = parser.identifiers_in_parentheses()?;
        let foreign_key = ForeignKey {
            columns,
            ..reference(parser)?
        };
        return Ok(Some((
            Element::ForeignKey { name, foreign_key },
            if_not_exists,
        )));
    }
    if parser.eat("CHECK") {
        let expression = parser.parenthesised()?;
        if parser.eat("NOT") {
            parser.expect("ENFORCED")?;
        } else {
            parser.eat("ENFORCED");
        }
        let expression = bare_expression(&expression).to_owned();
        return Ok(Some((Element::Check(expression), if_not_exists)));
    }
    let kind = index_kind(parser).ok_or_else(|| parser.unexpected("a key"))?;
    if_not_exists |= parser.eat_if_not_exists();
    let name = index_name(parser)?.or(constraint);
    let index = index(parser, kind)?;
    Ok(Some((Element::Index { name, index }, if_not_exists)))
}

/// Reads `[UNIQUE | FULLTEXT | SPATIAL | VECTOR] [KEY | INDEX]`, at least one of them.
pub(super) fn index_kind(parser: &mut Parser) -> Option<IndexKind> {
    let kinds = [
        ("UNIQUE", IndexKind::Unique),
        ("FULLTEXT", IndexKind::Fulltext),
        ("SPATIAL", IndexKind::Spatial),
    ];
    let kind = kinds.into_iter().find(|(word, _)| parser.eat(word));
    // MariaDB's vector indexes are not a kind of their own in the model.
    let _ = kind.is_none() && parser.eat("VECTOR");
    let word = parser.eat_any(&["KEY", "INDEX"]);
    let kind = kind.map(|(_, kind)| kind);
    kind.or(word.then_some(IndexKind::Plain))
}

/// Reads the parts and options of an index, after its name.
pub(super) fn index(parser: &mut Parser, kind: IndexKind) -> Result<Index, DdlError> {
    let mut parts = parts(parser)?;
    options(parser)?;
    if kind == IndexKind::Spatial {
        // Old servers print a prefix length here that has no meaning.
        for part in &mut parts {
            part.length = None;
        }
    }
    Ok(Index { kind, parts })
}

/// Reads `[name] [USING type]`.
pub(super) fn index_name(parser: &mut Parser) -> Result<Option<String>, DdlError> {
    let name = if parser.at_symbol('(') || parser.at("USING") {
        None
    } else {
        Some(parser.identifier("the name of a key, or (")?)
    };
    if parser.eat_any(&["USING", "TYPE"]) {
        parser.identifier("BTREE")?;
    }
    Ok(name)
}

fn parts(parser: &mut Parser) -> Result<Vec<KeyPart>, DdlError> {
    parser.expect_symbol('(', "(")?;
    let parts = parser.list(part)?;
    parser.expect_symbol(')', ", or )")?;
    Ok(parts)
}

fn part(parser: &mut Parser) -> Result<KeyPart, DdlError> {
    let mut part = KeyPart::column(match parser.at_symbol('(') {
        true => format!("({})", bare_expression(&parser.parenthesised()?)),
        false => parser.identifier("a column name")?,
    });
    if parser.eat_symbol('(') {
        part.length = Some(parser.number()?);
        parser.expect_symbol(')', ")")?;
    }
    part.descending = parser.eat("DESC");
    parser.eat("ASC");
    parser.eat_all(&["WITHOUT", "OVERLAPS"]);
    Ok(part)
}

/// Reads the options of an index, none of which the model keeps.
fn options(parser: &mut Parser) -> Result<(), DdlError> {
    loop {
        if parser.eat_any(&["VISIBLE", "INVISIBLE", "IGNORED"])
            || parser.eat_all(&["NOT", "IGNORED"])
        {
            continue;
        }
        if parser.eat_all(&["WITH", "PARSER"])
            || parser.eat_any(&[
                "USING",
                "TYPE",
                "KEY_BLOCK_SIZE",
                "COMMENT",
                "ENGINE_ATTRIBUTE",
                "SECONDARY_ENGINE_ATTRIBUTE",
            ])
        {
            parser.eat_symbol('=');
        } else if matches!(parser.peek(), Token::Word(_) | Token::Quoted(_))
            && parser.peek_second() == Token::Symbol('=')
        {
            parser.advance();
            parser.advance();
        } else {
            return Ok(());
        }
        parser.option_value()?;
    }
}

/// Reads `REFERENCES table (columns) …`, as a foreign key whose own columns are yet to be filled in.
pub(super) fn reference(parser: &mut Parser) -> Result<ForeignKey, DdlError> {
    parser.expect("REFERENCES")?;
    let table = parser.name("the name of a table")?;
    let mut foreign_key = ForeignKey {
        columns: Vec::new(),
        referenced_database: table.database,
        referenced_table: table.name,
        referenced_columns: match parser.at_symbol('(') {
            true => parser.identifiers_in_parentheses()?,
            false => Vec::new(),
        },
        on_delete: ReferentialAction::default(),
        on_update: ReferentialAction::default(),
    };
    loop {
        if parser.eat("MATCH") {
            parser.identifier("FULL, PARTIAL or SIMPLE")?;
        } else if parser.eat_all(&["ON", "DELETE"]) {
            foreign_key.on_delete = action(parser)?;
        } else if parser.eat_all(&["ON", "UPDATE"]) {
            foreign_key.on_update = action(parser)?;
        } else {
            return Ok(foreign_key);
        }
    }
}

fn action(parser: &mut Parser) -> Result<ReferentialAction, DdlError> {
    let actions: [(&[&str], _); 5] = [
        (&["RESTRICT"], ReferentialAction::Restrict),
        (&["NO", "ACTION"], ReferentialAction::Restrict),
        (&["CASCADE"], ReferentialAction::Cascade),
        (&["SET", "NULL"], ReferentialAction::SetNull),
        (&["SET", "DEFAULT"], ReferentialAction::SetDefault),
    ];
    let action = actions.into_iter().find(|(words, _)| parser.eat_all(words));
    action
        .map(|(_, action)| action)
        .ok_or_else(|| parser.unexpected("RESTRICT, CASCADE, SET NULL, NO ACTION or SET DEFAULT"))
}

//! Reads column definitions.

use super::{
    DdlError, data_type, key,
    parser::{Parser, bare_expression},
};
use crate::schema::{
    charset,
    element::ColumnDefinition,
    lexer::Token,
    model::{Column, DefaultValue},
};

/// The functions that give the current time.
const NOW: &[&str] = &["CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"];

/// Reads a column's name, type and attributes. Stops at the first token that belongs to none of these.
pub(super) fn definition(parser: &mut Parser) -> Result<ColumnDefinition, DdlError> {
    let name = parser.identifier("a column name")?;
    let data_type = data_type::data_type(parser)?;
    let mut definition = ColumnDefinition {
        name,
        column: Column {
            data_type: data_type.name,
            nullable: !data_type.serial,
            auto_increment: data_type.serial,
            charset: data_type.charset.map(str::to_owned),
            ..Column::default()
        },
        primary_key: false,
        unique: data_type.serial,
        checks: Vec::new(),
        binary_collation: false,
        invisible: false,
    };
    while attribute(parser, &mut definition)? {}
    let column = &mut definition.column;
    if let Some(DefaultValue::Literal(value)) = &mut column.default {
        pad_scale(value, &column.data_type);
    }
    Ok(definition)
}

/// Reads one attribute; returns false when no attribute begins here.
fn attribute(parser: &mut Parser, definition: &mut ColumnDefinition) -> Result<bool, DdlError> {
    if parser.at_symbol(',') || parser.at_symbol(')') {
        return Ok(false);
    }
    let column = &mut definition.column;
    if parser.eat("NOT") {
        if parser.eat("NULL") {
            column.nullable = false;
        } else if !parser.eat_any(&["SECONDARY", "ENFORCED"]) {
            return Err(parser.unexpected("NULL"));
        }
    } else if parser.eat("NULL") {
        column.nullable = true;
    } else if parser.eat("DEFAULT") {
        column.default = default_value(parser)?;
    } else if parser.eat("COMMENT") {
        parser.eat_symbol('=');
        if let Token::Text(text) = parser.peek() {
            column.comment = Some(text.to_string()).filter(|text| !text.is_empty());
        }
        parser.option_value()?;
    } else if parser.eat_all(&["ON", "UPDATE"]) {
        if current_time(parser)?.is_none() {
            return Err(parser.unexpected("CURRENT_TIMESTAMP"));
        }
        column.on_update_now = true;
    } else if parser.eat("AUTO_INCREMENT") {
        column.auto_increment = true;
    } else if parser.eat_all(&["SERIAL", "DEFAULT", "VALUE"]) {
        column.auto_increment = true;
        column.nullable = false;
        definition.unique = true;
    } else if parser.eat("UNIQUE") {
        parser.eat_any(&["KEY", "INDEX"]);
        definition.unique = true;
    } else if parser.eat_all(&["PRIMARY", "KEY"]) || parser.eat("KEY") {
        definition.primary_key = true;
    } else if parser.eat_charset() {
        column.charset = Some(charset::canonical(&parser.word_or_text("a character set")?));
    } else if parser.eat("COLLATE") {
        column.collation = Some(charset::canonical(&parser.word_or_text("a collation")?));
    } else if parser.eat("ASCII") {
        column.charset = Some("latin1".to_owned());
    } else if parser.eat("UNICODE") {
        column.charset = Some("ucs2".to_owned());
    } else if parser.eat("BINARY") {
        definition.binary_collation = true;
    } else if parser.eat_all(&["GENERATED", "ALWAYS", "AS"]) || parser.eat("AS") {
        column.generated = Some(if parser.eat("ROW") {
            format!("ROW {}", parser.identifier("START")?.to_ascii_uppercase())
        } else {
            bare_expression(&parser.parenthesised()?).to_owned()
        });
    } else if parser.at_any(&["CONSTRAINT", "CHECK"]) {
        if parser.eat("CONSTRAINT") && !parser.at("CHECK") {
            parser.identifier("CHECK")?;
        }
        parser.expect("CHECK")?;
        definition
            .checks
            .push(bare_expression(&parser.parenthesised()?).to_owned());
    } else if parser.at("REFERENCES") {
        key::reference(parser)?;
    } else if parser.eat_any(&["WITH", "WITHOUT"]) {
        parser.expect("SYSTEM")?;
        parser.expect("VERSIONING")?;
    } else if parser.eat("INVISIBLE") {
        definition.invisible = true;
    } else if parser.at_any(&[
        "COLUMN_FORMAT",
        "STORAGE",
        "SRID",
        "ENGINE_ATTRIBUTE",
        "SECONDARY_ENGINE_ATTRIBUTE",
    ]) || parser.peek_second() == Token::Symbol('=')
    {
        // Attributes that are not in the model, with their value; engines may define others.
        parser.advance();
        parser.eat_symbol('=');
        parser.option_value()?;
    } else if parser.eat_any(&["STORED", "PERSISTENT"]) {
        column.stored = true;
    } else {
        return Ok(parser.eat_any(&["VIRTUAL", "VISIBLE", "COMPRESSED", "ENFORCED"]));
    }
    Ok(true)
}

/// Reads the value after DEFAULT.
pub(super) fn default_value(parser: &mut Parser) -> Result<Option<DefaultValue>, DdlError> {
    if let Some(now) = current_time(parser)? {
        return Ok(Some(DefaultValue::Expression(now)));
    }
    if parser.at_symbol('(') {
        let expression = parser.parenthesised()?;
        let expression = bare_expression(&expression).to_owned();
        return Ok(Some(DefaultValue::Expression(expression)));
    }
    let negative = parser.eat_symbol('-');
    if !negative {
        parser.eat_symbol('+');
    }
    let literal = match parser.peek() {
        Token::Number(number) if negative => format!("-{number}"),
        Token::Number(number) => (*number).to_owned(),
        Token::Text(text) => text.to_string(),
        Token::Hex(digits) => hex_literal(digits),
        Token::Bits(digits) => format!("b'{digits}'"),
        Token::Word(_) => return word_default(parser),
        _ => return Err(parser.unexpected("a default value")),
    };
    parser.advance();
    Ok(Some(DefaultValue::Literal(literal)))
}

/// Reads NULL, TRUE, FALSE, `DATE '…'`, or the call of a function, which MariaDB prints without parentheses
/// around it.
fn word_default(parser: &mut Parser) -> Result<Option<DefaultValue>, DdlError> {
    if parser.eat("NULL") {
        return Ok(None);
    }
    if parser.at_any(&["TRUE", "FALSE"]) {
        let value = if parser.at("TRUE") { "1" } else { "0" };
        parser.advance();
        return Ok(Some(DefaultValue::Literal(value.to_owned())));
    }
    let function = parser.name("a default value")?;
    if let Token::Text(text) = parser.peek() {
        let text = text.to_string();
        parser.advance();
        return Ok(Some(DefaultValue::Literal(text)));
    }
    let arguments = parser.parenthesised()?;
    Ok(Some(DefaultValue::Expression(format!(
        "{function}({arguments})"
    ))))
}

/// Reads the current time in any spelling, as `CURRENT_TIMESTAMP` with its number of fractional digits.
fn current_time(parser: &mut Parser) -> Result<Option<String>, DdlError> {
    if !parser.eat_any(NOW) {
        return Ok(None);
    }
    let mut digits = 0_u8;
    if parser.eat_symbol('(') && !parser.eat_symbol(')') {
        digits = parser.number()?;
        parser.expect_symbol(')', ")")?;
    }
    Ok(Some(match digits {
        0 => "CURRENT_TIMESTAMP".to_owned(),
        _ => format!("CURRENT_TIMESTAMP({digits})"),
    }))
}

/// The text that hexadecimal digits stand for, which is how other servers print the same default; `0x…` with
/// the digits where they do not stand for text.
fn hex_literal(digits: &str) -> String {
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    bytes
        .filter(|_| digits.len().is_multiple_of(2))
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| format!("0x{}", digits.to_ascii_lowercase()))
}

/// Gives a decimal default as many digits after the point as its type has: servers print
/// `0.00` for what may have been written `0`.
fn pad_scale(value: &mut String, data_type: &str) {
    let scale = data_type
        .strip_prefix("decimal(")
        .and_then(|rest| rest.split([',', ')']).nth(1))
        .and_then(|scale| scale.parse::<usize>().ok())
        .filter(|scale| (1..=38).contains(scale));
    let Some(scale) = scale else { return };
    let number = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > scale {
        return;
    }
    let sign = if value.starts_with('-') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    *value = format!("{sign}{whole}.{fraction:0<scale$}");
}

//! Reads data types and gives them their canonical spelling.

use super::{DdlError, parser::Parser};
use crate::schema::lexer::Token;

/// A data type, and what its spelling implies.
pub(super) struct DataType {
    /// The canonical type: lower case, no display width of integers, defaults written out.
    pub name: String,
    /// The character set that spellings such as NCHAR imply.
    pub charset: Option<&'static str>,
    /// Whether the type is `SERIAL`, which implies NOT NULL AUTO_INCREMENT UNIQUE.
    pub serial: bool,
}

/// Integer types: all their spellings, the canonical one, and the digits that ZEROFILL pads to.
const INTEGERS: &[(&[&str], &str, u32)] = &[
    (&["tinyint", "int1"], "tinyint", 3),
    (&["smallint", "int2"], "smallint", 5),
    (&["mediumint", "middleint", "int3"], "mediumint", 8),
    (&["int", "integer", "int4"], "int", 10),
    (&["bigint", "int8"], "bigint", 20),
];

pub(super) fn data_type(parser: &mut Parser) -> Result<DataType, DdlError> {
    if !matches!(parser.peek(), Token::Word(_))
        || parser.at_any(&[
            "NOT", "NULL", "DEFAULT", "PRIMARY", "KEY", "UNIQUE", "COMMENT",
        ])
    {
        return Err(parser.unexpected("a data type"));
    }
    let mut word = parser.identifier("a data type")?;
    word.make_ascii_lowercase();
    let mut charset = None;
    if let Some((_, name, width)) = INTEGERS
        .iter()
        .find(|(spellings, ..)| spellings.contains(&word.as_str()))
    {
        let given = arguments(parser)?;
        let width = given.first().copied().unwrap_or(*width);
        return Ok(plain(signed(parser, (*name).to_owned(), Some(width))));
    }
    let name = match word.as_str() {
        "bool" | "boolean" => "tinyint".to_owned(),
        "serial" => {
            return Ok(DataType {
                serial: true,
                ..plain("bigint unsigned".to_owned())
            });
        }
        "decimal" | "dec" | "numeric" | "fixed" => {
            let given = arguments(parser)?;
            let precision = given.first().copied().unwrap_or(10);
            let scale = given.get(1).copied().unwrap_or(0);
            signed(parser, format!("decimal({precision},{scale})"), None)
        }
        "float" | "double" | "real" | "float4" | "float8" => {
            parser.eat("PRECISION");
            let name = match (word.as_str(), arguments(parser)?.as_slice()) {
                ("float", [bits]) if *bits > 24 => "double".to_owned(),
                ("float" | "float4", [precision, scale]) => format!("float({precision},{scale})"),
                ("float" | "float4", _) => "float".to_owned(),
                (_, [precision, scale]) => format!("double({precision},{scale})"),
                _ => "double".to_owned(),
            };
            signed(parser, name, None)
        }
        "bit" | "binary" => format!("{word}({})", arguments(parser)?.first().unwrap_or(&1)),
        "char" | "character" | "nchar" | "varchar" | "varcharacter" | "nvarchar" | "national" => {
            let mut word = word;
            if word == "national" {
                word = parser.identifier("CHAR")?.to_ascii_lowercase();
                charset = Some("utf8mb3");
            } else if word.starts_with('n') {
                charset = Some("utf8mb3");
            }
            let varying = word.contains("var") || parser.eat_any(&["VARYING", "VARCHAR"]);
            let length = arguments(parser)?.first().copied().unwrap_or(1);
            match (varying, parser.eat("BYTE")) {
                (true, true) => format!("varbinary({length})"),
                (true, false) => format!("varchar({length})"),
                (false, true) => format!("binary({length})"),
                (false, false) => format!("char({length})"),
            }
        }
        "long" => {
            if parser.eat("VARBINARY") {
                return Ok(plain("mediumblob".to_owned()));
            }
            parser.eat_any(&["VARCHAR", "VARCHARACTER"]);
            "mediumtext".to_owned()
        }
        "text" | "blob" => {
            arguments(parser)?;
            word
        }
        "time" | "datetime" | "timestamp" => match arguments(parser)?.first() {
            Some(digits @ 1..) => format!("{word}({digits})"),
            _ => word,
        },
        "year" => match arguments(parser)?.first() {
            Some(2) => "year(2)".to_owned(),
            _ => word,
        },
        "enum" | "set" => format!("{word}({})", values(parser)?),
        "geomcollection" => "geometrycollection".to_owned(),
        _ => {
            let given: Vec<String> = arguments(parser)?.iter().map(u32::to_string).collect();
            if given.is_empty() {
                word
            } else {
                format!("{word}({})", given.join(","))
            }
        }
    };
    Ok(DataType {
        charset,
        ..plain(name)
    })
}

fn plain(name: String) -> DataType {
    DataType {
        name,
        charset: None,
        serial: false,
    }
}

/// Reads the numbers in parentheses after a type; empty if there are no parentheses.
fn arguments(parser: &mut Parser) -> Result<Vec<u32>, DdlError> {
    if !parser.eat_symbol('(') {
        return Ok(Vec::new());
    }
    let numbers = parser.list(Parser::number)?;
    parser.expect_symbol(')', ")")?;
    Ok(numbers)
}

/// Reads the values of ENUM or SET, and quotes them again. Servers remove blanks at their ends.
fn values(parser: &mut Parser) -> Result<String, DdlError> {
    parser.expect_symbol('(', "(")?;
    let values = parser.list(|parser| {
        let value = match parser.peek() {
            Token::Text(value) => {
                let value = value.trim_end_matches(' ').replace('\'', "''");
                format!("'{value}'")
            }
            Token::Hex(digits) => format!("0x{digits}"),
            _ => return Err(parser.unexpected("a value in quotes")),
        };
        parser.advance();
        Ok(value)
    })?;
    parser.expect_symbol(')', ")")?;
    Ok(values.join(","))
}

/// Reads UNSIGNED and ZEROFILL in any order after the name of a type of numbers. The width of an integer matters
/// only with ZEROFILL, which implies UNSIGNED.
fn signed(parser: &mut Parser, name: String, width: Option<u32>) -> String {
    let (mut unsigned, mut zerofill) = (false, false);
    loop {
        if parser.eat("UNSIGNED") {
            unsigned = true;
        } else if parser.eat("ZEROFILL") {
            zerofill = true;
        } else if !parser.eat("SIGNED") {
            break;
        }
    }
    match (unsigned, zerofill, width) {
        (_, true, Some(width)) => format!("{name}({width}) unsigned zerofill"),
        (_, true, None) => name + " unsigned zerofill",
        (true, false, _) => name + " unsigned",
        (false, false, _) => name,
    }
}

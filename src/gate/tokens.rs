//! The tokens of a statement, and what they tell.

use std::collections::BTreeSet;

use sqlparser::dialect::MySqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use super::operation::Operation;
use super::problem::Problem;

/// The tokens of one statement, without white space.
pub(super) fn tokens(statement: &str) -> Result<Vec<Token>, Problem> {
    if statement.contains('\0') {
        return Err(Problem::Nul);
    }
    let all = Tokenizer::new(&MySqlDialect {}, statement)
        .tokenize()
        .map_err(|error| Problem::Unreadable(error.message))?;
    let mut tokens = Vec::with_capacity(all.len() / 2);
    for token in all {
        match token {
            Token::Whitespace(
                Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
            ) => return Err(Problem::Comment),
            Token::Whitespace(_) => {}
            Token::SemiColon => return Err(Problem::NotOne),
            token => tokens.push(token),
        }
    }
    Ok(tokens)
}

/// The identifiers that a statement quotes; none where it cannot be read.
pub(crate) fn identifiers(statement: &str) -> BTreeSet<String> {
    let tokens = tokens(statement).unwrap_or_default();
    quoted(&tokens).collect()
}

pub(super) fn quoted(tokens: &[Token]) -> impl Iterator<Item = String> {
    tokens.iter().filter_map(|token| match token {
        Token::Word(word) if word.quote_style == Some('`') => Some(word.value.clone()),
        _ => None,
    })
}

pub(super) fn match_parentheses(tokens: &[Token]) -> Result<(), Problem> {
    let mut open = 0_usize;
    for token in tokens {
        match token {
            Token::LParen => open += 1,
            Token::RParen => open = open.checked_sub(1).ok_or(Problem::Parentheses)?,
            _ => {}
        }
    }
    match open {
        0 => Ok(()),
        _ => Err(Problem::Parentheses),
    }
}

/// The table that a statement is about, where that stands right after its first words.
pub fn target(operation: Operation, statement: &str) -> Option<String> {
    match tokens(statement).ok()?.get(operation.words().len())? {
        Token::Word(word) => Some(word.value.clone()),
        _ => None,
    }
}

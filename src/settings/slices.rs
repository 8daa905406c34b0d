//! Splits lists of tokens.

use super::php::{Lexeme, StringPart, Token};

/// Tokens that end the expression after `include`.
const AFTER_ARGUMENTS: [&str; 13] = [
    ")", "]", "}", ";", ",", "===", "!==", "==", "!=", "||", "&&", "?", ":",
];

/// The line of `define('CONSTANT'`, wherever it stands; `None` if it does not occur.
pub(super) fn definition(tokens: &[Lexeme], constant: &str) -> Option<u64> {
    let constant = Token::Text(vec![StringPart::Literal(constant.as_bytes().to_vec())]);
    tokens.windows(3).find_map(|window| match window {
        [define, open, name]
            if define.is_word("define") && open.is("(") && name.token == constant =>
        {
            Some(define.line)
        }
        _ => None,
    })
}

/// The tokens up to an unmatched bracket or a comparison: what `include` applies to.
pub(super) fn argument(tokens: &[Lexeme]) -> &[Lexeme] {
    let mut end = 0;
    while let Some(lexeme) = tokens.get(end) {
        let is_end = AFTER_ARGUMENTS.iter().any(|end| lexeme.is(end));
        if is_end || lexeme.is_word("or") || lexeme.is_word("and") {
            break;
        }
        end += bracketed(tokens.get(end..).unwrap_or_default()).unwrap_or(1);
    }
    tokens.get(..end).unwrap_or_default()
}

/// The number of tokens up to the bracket that closes the first one; 1 if the first token is not a bracket.
pub(super) fn bracketed(tokens: &[Lexeme]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, lexeme) in tokens.iter().enumerate() {
        match lexeme.token {
            Token::Symbol("(" | "[" | "{") => depth += 1,
            Token::Symbol(")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Splits at the first occurrence of such a token outside of brackets.
pub(super) fn split_once(
    tokens: &[Lexeme],
    is_it: impl Fn(&Lexeme) -> bool,
) -> Option<(&[Lexeme], &[Lexeme])> {
    let mut at = 0;
    while let Some(lexeme) = tokens.get(at) {
        if is_it(lexeme) {
            return Some((tokens.get(..at)?, tokens.get(at + 1..)?));
        }
        at += bracketed(tokens.get(at..)?)?;
    }
    None
}

/// Splits at every such symbol outside of brackets.
pub(super) fn split<'t>(
    tokens: &'t [Lexeme],
    symbol: &'static str,
) -> impl Iterator<Item = &'t [Lexeme]> {
    let mut rest = Some(tokens);
    std::iter::from_fn(move || {
        let tokens = rest?;
        match split_once(tokens, |lexeme| lexeme.is(symbol)) {
            Some((item, after)) => {
                rest = Some(after);
                Some(item)
            }
            None => {
                rest = None;
                Some(tokens)
            }
        }
    })
}

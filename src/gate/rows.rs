//! Statements of journals about rows.

use sqlparser::tokenizer::Token;

use super::operation::Operation;
use super::problem::{Blocked, Problem, blocked};
use super::tokens::{match_parentheses, tokens};

/// Words of a statement about rows that a journal may hold, by its operation.
fn words_of_rows(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Insert => &["INSERT", "INTO", "VALUES", "NULL", "DEFAULT"],
        Operation::Update => &[
            "UPDATE", "SET", "WHERE", "IN", "AND", "IS", "NOT", "NULL", "CASE", "WHEN", "THEN",
            "END", "CAST", "AS", "BINARY",
        ],
        Operation::Select => &[
            "SELECT", "COUNT", "FROM", "WHERE", "IN", "AND", "IS", "NOT", "NULL", "CAST", "AS",
            "BINARY",
        ],
        _ => &[],
    }
}

/// Lets a statement of a journal pass that writes or counts rows of one table: an INSERT, an UPDATE or a
/// SELECT of nothing but names, constants and comparisons. It holds no subquery, no other table, no variable
/// and no call of a function, whose body could do anything.
///
/// # Errors
/// It is something else.
pub fn rows_alone(operation: Operation, table: &str, statement: String) -> Result<String, Blocked> {
    match are_rows_alone(operation, table, &statement) {
        Ok(()) => Ok(statement),
        Err(problem) => Err(blocked(&statement, problem)),
    }
}

fn are_rows_alone(operation: Operation, table: &str, statement: &str) -> Result<(), Problem> {
    let tokens = tokens(statement)?;
    // Of version comments the tokens say nothing.
    if has_comment(statement) {
        return Err(Problem::Comment);
    }
    let is_word = |place: usize, word: &str| {
        matches!(tokens.get(place), Some(Token::Word(found))
            if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
    };
    let count = |word: &str| {
        (0..tokens.len())
            .filter(|place| is_word(*place, word))
            .count()
    };
    let target = match operation {
        Operation::Select => (0..tokens.len()).find(|place| is_word(*place, "FROM")),
        _ => Some(operation.words().len().saturating_sub(1)),
    };
    let target = target.map_or(usize::MAX, |place| place.saturating_add(1));
    let begins = operation.words().iter().enumerate();
    let is_begun = begins.fold(true, |so_far, (place, word)| so_far && is_word(place, word));
    let is_single = count(operation.words().first().copied().unwrap_or_default()) == 1;
    let behind = target.saturating_add(1);
    let goes_on = match operation {
        Operation::Select => is_word(behind, "WHERE") && count("FROM") == 1,
        Operation::Update => is_word(behind, "SET"),
        _ => tokens.get(behind) == Some(&Token::LParen),
    };
    if !is_begun || !is_single || !goes_on {
        return Err(Problem::OtherOperation(operation));
    }
    if !matches!(tokens.get(target), Some(Token::Word(word)) if word.value == table) {
        return Err(Problem::OtherNames {
            missing: vec![table.to_owned()],
            unexpected: Vec::new(),
        });
    }
    match_parentheses(&tokens)?;
    let words = words_of_rows(operation);
    // The statements about versions do not quote their names.
    let bare: &[&str] = match table {
        "civicrm_domain" => &["civicrm_domain", "id", "version"],
        _ => &[],
    };
    for (place, token) in tokens.iter().enumerate() {
        let is_call = tokens.get(place + 1) == Some(&Token::LParen);
        let is_list = operation == Operation::Insert && place == target;
        let fits = match token {
            Token::Word(word) => match word.quote_style {
                Some('`') => !is_call || is_list,
                None if bare.contains(&word.value.as_str()) => !is_call,
                None => words
                    .iter()
                    .any(|known| word.value.eq_ignore_ascii_case(known)),
                _ => false,
            },
            Token::Mul => place > 1 && is_word(place - 2, "COUNT"),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::Comma
            | Token::LParen
            | Token::RParen
            | Token::Eq
            | Token::Plus
            | Token::Minus => true,
            _ => false,
        };
        if !fits {
            return Err(Problem::NotRowsAlone(token.to_string()));
        }
    }
    Ok(())
}

/// Whether a comment in `/*` begins outside quotes.
fn has_comment(statement: &str) -> bool {
    let (mut quote, mut is_escaped, mut before) = (None, false, ' ');
    for character in statement.chars() {
        match quote {
            _ if is_escaped => is_escaped = false,
            Some('\'' | '"') if character == '\\' => is_escaped = true,
            Some(open) if character == open => quote = None,
            None if matches!(character, '`' | '\'' | '"') => quote = Some(character),
            None if before == '/' && character == '*' => return true,
            _ => {}
        }
        before = character;
    }
    false
}

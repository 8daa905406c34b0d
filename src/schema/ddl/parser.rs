//! The cursor that all parts of the grammar share.

use std::borrow::Cow;

use indexmap::IndexSet;

use super::DdlError;
use crate::schema::{
    lexer::{Lexeme, Lexer, SqlModes, Token},
    model::Name,
};

/// A position in the tokens of one statement, with one token of look-ahead.
pub(crate) struct Parser<'a> {
    lexer: Lexer<'a>,
    current: Lexeme<'a>,
    charsets: IndexSet<Cow<'a, str>>,
    after_character: bool,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, modes: SqlModes) -> Self {
        let mut lexer = Lexer::new(text, modes);
        let current = lexer.next_lexeme();
        Self {
            lexer,
            current,
            charsets: IndexSet::new(),
            after_character: false,
        }
    }

    pub fn peek(&self) -> &Token<'a> {
        &self.current.token
    }

    /// The token after the current one.
    pub fn peek_second(&self) -> Token<'a> {
        self.lexer.clone().next_lexeme().token
    }

    pub fn in_version_comment(&self) -> bool {
        self.current.in_version_comment
    }

    pub fn advance(&mut self) -> Lexeme<'a> {
        if matches!(self.current.token, Token::Word(_)) {
            let is_charset =
                self.at("COLLATE") || self.at("CHARSET") || self.after_character && self.at("SET");
            if is_charset {
                self.note_charset();
            }
            self.after_character = self.at("CHARACTER");
        } else {
            self.after_character = false;
        }
        let next = self.lexer.next_lexeme();
        std::mem::replace(&mut self.current, next)
    }

    /// The error of having found the current token in place of what was `expected`.
    pub fn unexpected(&self, expected: &'static str) -> DdlError {
        let found = match &self.current.token {
            Token::End => "the end of the statement".to_owned(),
            Token::Unterminated(what) => format!("{what} that does not end"),
            _ => {
                let range = self.current.start..self.current.end;
                let text = self.lexer.text().get(range).unwrap_or_default();
                match text.char_indices().nth(40) {
                    Some((end, _)) => format!("{}…", &text[..end]),
                    None => text.to_owned(),
                }
            }
        };
        self.refuse(expected, found)
    }

    /// An error at the current token that is about more than this token.
    pub fn refuse(&self, expected: &'static str, found: String) -> DdlError {
        DdlError {
            offset: self.current.start,
            expected,
            found,
        }
    }

    pub fn at(&self, keyword: &str) -> bool {
        self.peek().is(keyword)
    }

    pub fn at_any(&self, keywords: &[&str]) -> bool {
        self.peek().is_any(keywords)
    }

    pub fn at_symbol(&self, symbol: char) -> bool {
        *self.peek() == Token::Symbol(symbol)
    }

    fn advance_if(&mut self, found: bool) -> bool {
        if found {
            self.advance();
        }
        found
    }

    /// Takes the keyword if it is next.
    pub fn eat(&mut self, keyword: &str) -> bool {
        self.advance_if(self.at(keyword))
    }

    pub fn eat_any(&mut self, keywords: &[&str]) -> bool {
        self.advance_if(self.at_any(keywords))
    }

    /// Takes the keywords if they come next in this order; else takes nothing.
    pub fn eat_all(&mut self, keywords: &[&str]) -> bool {
        if !keywords.first().is_some_and(|first| self.at(first)) {
            return false;
        }
        let mut lexer = self.lexer.clone();
        for keyword in keywords.iter().skip(1) {
            if !lexer.next_lexeme().token.is(keyword) {
                return false;
            }
        }
        for _ in keywords {
            self.advance();
        }
        true
    }

    pub fn eat_symbol(&mut self, symbol: char) -> bool {
        self.advance_if(self.at_symbol(symbol))
    }

    pub fn expect(&mut self, keyword: &'static str) -> Result<(), DdlError> {
        match self.eat(keyword) {
            true => Ok(()),
            false => Err(self.unexpected(keyword)),
        }
    }

    pub fn expect_symbol(&mut self, symbol: char, name: &'static str) -> Result<(), DdlError> {
        match self.eat_symbol(symbol) {
            true => Ok(()),
            false => Err(self.unexpected(name)),
        }
    }

    /// The character sets and collations that were named so far, as written and each once; `DEFAULT` is none.
    pub fn charsets(self) -> impl Iterator<Item = Cow<'a, str>> {
        self.charsets.into_iter()
    }

    fn note_charset(&mut self) {
        let mut lexer = self.lexer.clone();
        let mut token = lexer.next_lexeme().token;
        if token == Token::Symbol('=') {
            token = lexer.next_lexeme().token;
        }
        let name = match token {
            Token::Word(name) => Cow::Borrowed(name),
            Token::Quoted(name) | Token::Text(name) => name,
            _ => return,
        };
        if !name.eq_ignore_ascii_case("DEFAULT") {
            self.charsets.insert(name);
        }
    }

    pub fn expect_end(&self) -> Result<(), DdlError> {
        match self.peek() {
            Token::End => Ok(()),
            _ => Err(self.unexpected("the end of the statement")),
        }
    }

    /// Reads an identifier, quoted or not.
    pub fn identifier(&mut self, expected: &'static str) -> Result<String, DdlError> {
        let name = match self.peek() {
            Token::Word(word) => (*word).to_owned(),
            Token::Quoted(name) => name.to_string(),
            _ => return Err(self.unexpected(expected)),
        };
        self.advance();
        Ok(name)
    }

    /// Reads an identifier or string, as accounts, character sets and option values may be written.
    pub fn word_or_text(&mut self, expected: &'static str) -> Result<String, DdlError> {
        let Token::Text(text) = self.peek() else {
            return self.identifier(expected);
        };
        let text = text.to_string();
        self.advance();
        Ok(text)
    }

    /// Reads `name` or `database.name`.
    pub fn name(&mut self, expected: &'static str) -> Result<Name, DdlError> {
        let first = self.identifier(expected)?;
        if self.eat_symbol('.') {
            Ok(Name {
                database: Some(first),
                name: self.identifier(expected)?,
            })
        } else {
            Ok(Name::local(first))
        }
    }

    /// Reads one or more items between commas.
    pub fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, DdlError>,
    ) -> Result<Vec<T>, DdlError> {
        let mut items = vec![item(self)?];
        while self.eat_symbol(',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Reads the words that come before the name of a character set, if they come next.
    pub fn eat_charset(&mut self) -> bool {
        self.eat("CHARSET") || self.eat_all(&["CHARACTER", "SET"]) || self.eat_all(&["CHAR", "SET"])
    }

    /// Reads `(a, b, c)`; the list may be empty.
    pub fn identifiers_in_parentheses(&mut self) -> Result<Vec<String>, DdlError> {
        self.expect_symbol('(', "(")?;
        let mut names = Vec::new();
        while !self.eat_symbol(')') {
            if !names.is_empty() {
                self.expect_symbol(',', ", or )")?;
            }
            names.push(self.identifier("a column name")?);
        }
        Ok(names)
    }

    pub fn number<T: std::str::FromStr>(&mut self) -> Result<T, DdlError> {
        let number = match self.peek() {
            Token::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected("a number"))?;
        self.advance();
        Ok(number)
    }

    /// Reads the value of an option that is not needed.
    pub fn option_value(&mut self) -> Result<(), DdlError> {
        use Token::{Hex, Number, Quoted, Text, Word};
        let is_value = matches!(
            self.peek(),
            Word(_) | Quoted(_) | Text(_) | Number(_) | Hex(_)
        );
        match self.advance_if(is_value) {
            true => Ok(()),
            false => Err(self.unexpected("the value of an option")),
        }
    }

    pub fn eat_if_exists(&mut self) -> bool {
        self.eat_all(&["IF", "EXISTS"])
    }

    pub fn eat_if_not_exists(&mut self) -> bool {
        self.eat_all(&["IF", "NOT", "EXISTS"])
    }

    /// Reads a pair of parentheses that may hold others; returns the text without the outer pair.
    pub fn parenthesised(&mut self) -> Result<String, DdlError> {
        self.expect_symbol('(', "(")?;
        let text = self.text_until(|token| *token == Token::Symbol(')'))?;
        self.expect_symbol(')', ")")?;
        Ok(text)
    }

    /// Reads all that is left of the statement, as written.
    pub fn rest(&mut self) -> Result<String, DdlError> {
        self.text_until(|_| false)
    }

    /// Reads the text up to the first token outside parentheses for which `stop` holds, or to the end. Comments
    /// stay; the marks of version comments become a blank.
    pub fn text_until(&mut self, stop: impl Fn(&Token) -> bool) -> Result<String, DdlError> {
        let text = self.lexer.text();
        let mut taken = String::new();
        let mut depth = 0_usize;
        let mut end = None;
        loop {
            match self.peek() {
                Token::End if depth == 0 => return Ok(taken),
                Token::End => return Err(self.unexpected(")")),
                Token::Unterminated(_) => return Err(self.unexpected("the rest of the statement")),
                token if depth == 0 && stop(token) => return Ok(taken),
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => {
                    depth = depth
                        .checked_sub(1)
                        .ok_or_else(|| self.unexpected("no )"))?;
                }
                _ => {}
            }
            let lexeme = self.advance();
            match end {
                Some(_) if lexeme.after_marker => taken.push(' '),
                Some(end) => taken.push_str(text.get(end..lexeme.start).unwrap_or_default()),
                None => {}
            }
            taken.push_str(text.get(lexeme.start..lexeme.end).unwrap_or_default());
            end = Some(lexeme.end);
        }
    }
}

/// An expression without white space and redundant parentheses around it: servers differ in
/// how many they print.
pub(crate) fn bare_expression(text: &str) -> &str {
    let mut lexer = Lexer::new(text, SqlModes::default());
    let mut lexemes = Vec::new();
    loop {
        let lexeme = lexer.next_lexeme();
        match lexeme.token {
            Token::End => break,
            Token::Unterminated(_) => return text.trim(),
            _ => lexemes.push(lexeme),
        }
    }
    let run = |symbol: char, lexemes: &mut dyn Iterator<Item = &Lexeme>| {
        lexemes
            .take_while(|lexeme| lexeme.token == Token::Symbol(symbol))
            .count()
    };
    let opening = run('(', &mut lexemes.iter());
    let closing = run(')', &mut lexemes.iter().rev());
    let inside = lexemes
        .get(opening..lexemes.len().saturating_sub(closing))
        .unwrap_or_default();
    // Only as many pairs enclose the whole as never close before the end.
    let mut depth = opening;
    let mut pairs = opening;
    for lexeme in inside {
        match lexeme.token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        pairs = pairs.min(depth);
    }
    let pairs = pairs.min(closing);
    let start = lexemes.get(pairs).map_or(0, |first| first.start);
    let end = lexemes
        .len()
        .checked_sub(pairs + 1)
        .and_then(|last| lexemes.get(last))
        .map_or(text.len(), |last| last.end);
    text.get(start..end).unwrap_or(text).trim()
}

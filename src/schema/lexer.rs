//! Splits MySQL and MariaDB SQL into tokens, with their offsets in the text.
//!
//! The lexer never fails: text that breaks off inside a literal or comment yields
//! [`Token::Unterminated`], and after the last token it yields [`Token::End`] for ever.
//! Version comments are resolved here, so the grammars above need not know of them: the text inside `/*!50003 …
//! */` and `/*M!100616 … */` counts as SQL whatever the version, except for 999999, which no server runs
//! (MariaDB's sandbox line).

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

/// The `sql_mode` flags that change where tokens begin and end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqlModes {
    /// `ANSI_QUOTES`: `"x"` is an identifier, not a string.
    pub ansi_quotes: bool,
    /// `NO_BACKSLASH_ESCAPES`: a backslash in a string is an ordinary character.
    pub no_backslash_escapes: bool,
}

/// A token; text is borrowed unless quotes or escapes had to be taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A keyword or bare identifier.
    Word(&'a str),
    /// A quoted identifier, without its quotes.
    Quoted(Cow<'a, str>),
    /// A string, without quotes, escapes and introducer.
    Text(Cow<'a, str>),
    /// The digits of a hexadecimal literal, `x'…'` or `0x…`.
    Hex(&'a str),
    /// The digits of a bit literal, `b'…'` or `0b…`.
    Bits(&'a str),
    /// An unsigned number as written.
    Number(&'a str),
    /// A user variable `@name` without the `@`; also the host part of an account.
    UserVariable(Cow<'a, str>),
    /// A system variable `@@scope.name` without the `@@`.
    SystemVariable(&'a str),
    /// The operator `:=`.
    Assign,
    /// Any other character, as a token of its own.
    Symbol(char),
    /// The text ends inside this kind of token, given in words.
    Unterminated(&'static str),
    /// The end of the text.
    End,
}

impl Token<'_> {
    /// Whether this is the given keyword, in any letter case. A quoted identifier never is.
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether this is one of the given keywords, in any letter case.
    pub fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }
}

/// A token and its position in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lexeme<'a> {
    /// The token itself.
    pub token: Token<'a>,
    /// Byte offset of the token's first byte.
    pub start: usize,
    /// Byte offset after the token's last byte.
    pub end: usize,
    /// Whether the token stands inside a version comment.
    pub in_version_comment: bool,
    /// Whether a version comment began or ended between the token before and this one.
    pub after_marker: bool,
}

/// Reads the tokens of one statement. Cloning it is cheap, which is the way to look ahead.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    modes: SqlModes,
    position: usize,
    /// Number of version comments that are open; they may be nested.
    depth: usize,
}

impl<'a> Lexer<'a> {
    /// Makes a lexer at the beginning of `text`.
    pub fn new(text: &'a str, modes: SqlModes) -> Self {
        Self {
            text,
            modes,
            position: 0,
            depth: 0,
        }
    }

    /// The whole text being read.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The next token; skips white space and comments.
    pub fn next_lexeme(&mut self) -> Lexeme<'a> {
        let depth = self.depth;
        let mut after_marker = false;
        let skipped = self.skip_blanks(&mut after_marker);
        let start = self.position;
        let token = match skipped {
            Err(what) => Token::Unterminated(what),
            Ok(()) => self.token(),
        };
        Lexeme {
            token,
            start,
            end: self.position,
            in_version_comment: self.depth > 0,
            after_marker: after_marker || depth != self.depth,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + ahead).copied()
    }

    fn finish(&mut self) {
        self.position = self.text.len();
    }

    fn skip_blanks(&mut self, after_marker: &mut bool) -> Result<(), &'static str> {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c) => {
                    self.position += 1;
                    continue;
                }
                Some(byte) if begins_token(byte) => return Ok(()),
                _ => {}
            }
            match (self.byte(0), self.byte(1), self.byte(2)) {
                (Some(b'#'), ..) | (Some(b'-'), Some(b'-'), None | Some(0..=b' ')) => {
                    match memchr(b'\n', self.rest().as_bytes()) {
                        Some(newline) => self.position += newline + 1,
                        None => self.finish(),
                    }
                }
                (Some(b'*'), Some(b'/'), _) if self.depth > 0 => {
                    self.position += 2;
                    self.depth -= 1;
                    *after_marker = true;
                }
                (Some(b'/'), Some(b'*'), _) => match version_comment(self.rest()) {
                    Some(marker) => {
                        self.position += marker;
                        self.depth += 1;
                        *after_marker = true;
                    }
                    None => self.skip_comment()?,
                },
                (Some(0xef), Some(0xbb), Some(0xbf)) if self.position == 0 => self.position = 3,
                (None, ..) if self.depth > 0 => {
                    self.depth = 0;
                    return Err("a version comment");
                }
                _ => return Ok(()),
            }
        }
    }

    /// Skips `/* … */`. As on a server, a version comment that is not run may hold one more level of comments.
    fn skip_comment(&mut self) -> Result<(), &'static str> {
        let rest = self.rest();
        let nests = rest.starts_with("/*!") || rest.starts_with("/*M!");
        let Some(length) = comment_length(rest.as_bytes(), nests) else {
            self.finish();
            return Err("a comment");
        };
        self.position += length;
        Ok(())
    }

    fn token(&mut self) -> Token<'a> {
        let Some(byte) = self.byte(0) else {
            return Token::End;
        };
        match byte {
            b'`' => self.quoted_name(b'`'),
            b'"' if self.modes.ansi_quotes => self.quoted_name(b'"'),
            b'\'' | b'"' => self.quoted_text(byte),
            b'@' => self.variable(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_some_and(|b| b.is_ascii_digit()) && !self.after_name() => {
                self.number()
            }
            b':' if self.byte(1) == Some(b'=') => {
                self.position += 2;
                Token::Assign
            }
            _ if is_word_byte(byte) => self.word(),
            _ => {
                let symbol = self.rest().chars().next().unwrap_or_default();
                self.position += symbol.len_utf8();
                Token::Symbol(symbol)
            }
        }
    }

    /// Whether the byte before could end a name, so that a dot here qualifies it.
    fn after_name(&self) -> bool {
        self.position
            .checked_sub(1)
            .and_then(|before| self.text.as_bytes().get(before))
            .is_some_and(|&byte| is_word_byte(byte) || matches!(byte, b'`' | b'"'))
    }

    fn quoted_name(&mut self, quote: u8) -> Token<'a> {
        match self.quoted(quote, false) {
            Some(name) => Token::Quoted(name),
            None => Token::Unterminated("a quoted name"),
        }
    }

    fn quoted_text(&mut self, quote: u8) -> Token<'a> {
        match self.quoted(quote, !self.modes.no_backslash_escapes) {
            Some(text) => Token::Text(text),
            None => Token::Unterminated("a string"),
        }
    }

    /// Reads what stands in quotes: doubled ones, and backslashes where they do so in strings, are escapes. `None` if
    /// the quotes do not end.
    fn quoted(&mut self, quote: u8, backslash: bool) -> Option<Cow<'a, str>> {
        let start = self.position + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        let mut escaped = false;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let found = match backslash {
                true => memchr2(quote, b'\\', rest),
                false => memchr(quote, rest),
            };
            let Some(found) = found else {
                self.finish();
                return None;
            };
            at += found;
            let is_quote = bytes.get(at) == Some(&quote);
            if is_quote && bytes.get(at + 1) != Some(&quote) {
                break;
            }
            escaped = true;
            at += 2;
        }
        self.position = at + 1;
        let raw = self.slice(start, at);
        Some(if escaped {
            Cow::Owned(unescape(raw, char::from(quote), backslash))
        } else {
            Cow::Borrowed(raw)
        })
    }

    fn variable(&mut self) -> Token<'a> {
        match self.byte(1) {
            Some(b'@') => {
                let start = self.position + 2;
                self.position = self.run(start, |b| is_word_byte(b) || matches!(b, b'.' | b'`'));
                Token::SystemVariable(self.slice(start, self.position))
            }
            Some(quote @ (b'\'' | b'"' | b'`')) => {
                self.position += 1;
                match self.quoted_text(quote) {
                    Token::Text(name) => Token::UserVariable(name),
                    other => other,
                }
            }
            _ => {
                let start = self.position + 1;
                let belongs = |b| is_word_byte(b) || matches!(b, b'.' | b'-' | b'%');
                // `@a-1` is an expression, `u@db-1.example` an account: only the latter
                // follows a name without a blank.
                let whole = self.slice(start, self.run(start, belongs));
                let name = if self.after_name() || self.after_quote() {
                    whole
                } else {
                    whole.split(['-', '%']).next().unwrap_or_default()
                };
                self.position = start + name.len();
                if name.is_empty() {
                    Token::Symbol('@')
                } else {
                    Token::UserVariable(Cow::Borrowed(name))
                }
            }
        }
    }

    fn after_quote(&self) -> bool {
        self.text
            .get(..self.position)
            .is_some_and(|before| before.ends_with('\''))
    }

    /// Reads a number, or a name that begins with a digit.
    fn number(&mut self) -> Token<'a> {
        let start = self.position;
        for (prefix, allowed, make) in [
            (
                b'x',
                (|b: u8| b.is_ascii_hexdigit()) as fn(u8) -> bool,
                Token::Hex as fn(&'a str) -> Token<'a>,
            ),
            (b'b', |b| matches!(b, b'0' | b'1'), Token::Bits),
        ] {
            if self.byte(0) == Some(b'0') && self.byte(1) == Some(prefix) {
                let end = self.run(start + 2, allowed);
                if end > start + 2 && !self.word_byte_at(end) {
                    self.position = end;
                    return make(self.slice(start + 2, end));
                }
            }
        }
        let digits = |from: usize| self.run(from, |b| b.is_ascii_digit());
        let mut end = digits(start);
        let bytes = self.text.as_bytes();
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = end + 1 + sign;
            if digits(exponent) > exponent {
                end = digits(exponent);
            }
        }
        if self.word_byte_at(end) {
            return self.word();
        }
        self.position = end;
        Token::Number(self.slice(start, end))
    }

    /// The end of the run of such bytes that begins at `from`.
    fn run(&self, from: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let bytes = self.text.as_bytes().get(from..).unwrap_or_default();
        from + bytes.iter().take_while(|&&b| belongs(b)).count()
    }

    fn word_byte_at(&self, at: usize) -> bool {
        self.run(at, is_word_byte) > at
    }

    /// Reads a word, or the literal that it introduces: `x'41'`, `N'text'`, `_binary 'text'`.
    fn word(&mut self) -> Token<'a> {
        let start = self.position;
        // A number that turned out to be a name may begin with a dot.
        self.position = self.run(start, is_word_byte).max(start + 1);
        let word = self.slice(start, self.position);
        if self.byte(0) == Some(b'\'') {
            match word {
                "x" | "X" => return self.digits_in_quotes(Token::Hex),
                "b" | "B" => return self.digits_in_quotes(Token::Bits),
                "n" | "N" => return self.quoted_text(b'\''),
                _ => {}
            }
        }
        if word.starts_with('_') {
            let mut ahead = self.clone();
            ahead.position += self.rest().len() - self.rest().trim_start().len();
            if ahead.at_literal() {
                let literal = ahead.token();
                self.position = ahead.position;
                return literal;
            }
        }
        Token::Word(word)
    }

    /// Whether a literal that may have an introducer before it begins here.
    fn at_literal(&self) -> bool {
        match (self.byte(0), self.byte(1)) {
            (Some(b'\''), _)
            | (Some(b'x' | b'X' | b'b' | b'B'), Some(b'\''))
            | (Some(b'0'), Some(b'x' | b'b')) => true,
            (Some(b'"'), _) => !self.modes.ansi_quotes,
            _ => false,
        }
    }

    fn digits_in_quotes(&mut self, make: fn(&'a str) -> Token<'a>) -> Token<'a> {
        let start = self.position + 1;
        match memchr(b'\'', self.slice(start, self.text.len()).as_bytes()) {
            Some(length) => {
                self.position = start + length + 1;
                make(self.slice(start, start + length))
            }
            None => {
                self.finish();
                Token::Unterminated("a literal")
            }
        }
    }
}

/// The length of the opening of a version comment, when one stands at the start of `text`
/// and servers run what it holds. Servers read five or six digits (MySQL manual, "Comments").
fn version_comment(text: &str) -> Option<usize> {
    let (opening, after) = ["/*!", "/*M!"]
        .iter()
        .find_map(|opening| Some((opening.len(), text.strip_prefix(opening)?)))?;
    let digits = after.bytes().take(6).take_while(u8::is_ascii_digit).count();
    match digits {
        6 if after.starts_with("999999") => None,
        5 | 6 => Some(opening + digits),
        _ => Some(opening),
    }
}

/// The length of the comment at the start of `text`; `None` if it does not end.
fn comment_length(text: &[u8], nests: bool) -> Option<usize> {
    let find = |from: usize, mark: &[u8]| Some(from + memmem::find(text.get(from..)?, mark)?);
    let mut at = 2;
    loop {
        let close = find(at, b"*/")?;
        match find(at, b"/*") {
            Some(open) if nests && open < close => at = find(open + 2, b"*/")? + 2,
            _ => return Some(close + 2),
        }
    }
}

fn is_word_byte(byte: u8) -> bool {
    const ARE: [bool; 256] = {
        let mut are = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            let it = byte as u8;
            are[byte] = it.is_ascii_alphanumeric() || matches!(it, b'_' | b'$') || it >= 0x80;
            byte += 1;
        }
        are
    };
    ARE[usize::from(byte)]
}

/// Whether a token begins where this byte stands, for certain: neither a blank nor a comment does.
fn begins_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'`' | b'\'' | b',' | b'(' | b')')
}

fn unescape(raw: &str, quote: char, backslash: bool) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            // The scanner ends a literal at a single quote, so this one is doubled.
            chars.next();
            text.push(quote);
        } else if c == '\\' && backslash {
            match chars.next() {
                Some('0') => text.push('\0'),
                Some('b') => text.push('\u{8}'),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('Z') => text.push('\u{1a}'),
                // Kept as they are, because LIKE gives them a meaning of their own.
                Some(wildcard @ ('%' | '_')) => text.extend(['\\', wildcard]),
                Some(other) => text.push(other),
                None => {}
            }
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests;

//! Bytes to tokens.

mod strings;

use std::ops::Range;

use super::token::{Lexeme, StringPart, Token, Unterminated};

/// Operators and brackets, the longest first.
const SYMBOLS: [&str; 60] = [
    "===", "!==", "<=>", "**=", "...", "<<=", ">>=", "??=", "?->", "==", "!=", "<>", "<=", ">=",
    "&&", "||", "??", ".=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "=>", "->", "::", "++",
    "--", "<<", ">>", "**", ";", ",", ".", "(", ")", "[", "]", "{", "}", "=", "<", ">", "?", ":",
    "!", "@", "&", "|", "+", "-", "*", "/", "%", "^", "~", "$",
];

/// All tokens of a file; empty when it does not hold `<?php`.
pub(in super::super) fn tokens(bytes: &[u8]) -> Result<Vec<Lexeme>, Unterminated> {
    let mut lexer = Lexer::new(bytes, 1, 0);
    lexer.skip_html();
    lexer.run()
}

struct Lexer<'a> {
    bytes: &'a [u8],
    position: usize,
    line: u64,
    nesting: u8,
    tokens: Vec<Lexeme>,
}

impl<'a> Lexer<'a> {
    fn new(bytes: &'a [u8], line: u64, nesting: u8) -> Self {
        Self {
            bytes,
            position: 0,
            line,
            nesting,
            tokens: Vec::new(),
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.position + ahead).copied()
    }

    /// Moves on, and counts the lines: `\n`, `\r\n` and a lone `\r` end one.
    fn advance(&mut self, count: usize) {
        let end = (self.position + count).min(self.bytes.len());
        for at in self.position..end {
            let byte = self.bytes.get(at);
            let lone_return = byte == Some(&b'\r') && self.bytes.get(at + 1) != Some(&b'\n');
            self.line += u64::from(byte == Some(&b'\n') || lone_return);
        }
        self.position = end;
    }

    fn push(&mut self, token: Token, line: u64) {
        self.tokens.push(Lexeme { token, line });
    }

    /// Skips to what follows the next `<?php`, `<?=` or `<? `.
    fn skip_html(&mut self) {
        let opening = |rest: &[u8]| {
            let word = rest
                .get(..5)
                .is_some_and(|tag| tag.eq_ignore_ascii_case(b"<?php"));
            match rest.get(2) {
                _ if word && rest.get(5).is_none_or(u8::is_ascii_whitespace) => Some(5),
                Some(b'=') => Some(3),
                Some(byte) if byte.is_ascii_whitespace() => Some(2),
                _ => None,
            }
        };
        loop {
            let rest = self.rest();
            let Some(start) = memchr::memmem::find(rest, b"<?") else {
                return self.advance(rest.len());
            };
            self.advance(start);
            if let Some(length) = opening(self.rest()) {
                return self.advance(length);
            }
            self.advance(2);
        }
    }

    fn run(mut self) -> Result<Vec<Lexeme>, Unterminated> {
        while let Some(byte) = self.peek(0) {
            self.token(byte)?;
        }
        Ok(self.tokens)
    }

    fn token(&mut self, byte: u8) -> Result<(), Unterminated> {
        let line = self.line;
        match (byte, self.peek(1)) {
            (b' ' | b'\t'..=b'\r', _) => self.advance(1),
            (b'#', _) | (b'/', Some(b'/')) => self.line_comment(),
            (b'/', Some(b'*')) => {
                let end = memchr::memmem::find(self.rest().get(2..).unwrap_or_default(), b"*/");
                self.advance(end.ok_or(Unterminated::new("comment", line))? + 4);
            }
            (b'?', Some(b'>')) => {
                self.advance(2);
                self.push(Token::Symbol(";"), line);
                self.skip_html();
            }
            (b'$', Some(next)) if starts_name(next) => {
                self.advance(1);
                let name = self.name(is_name);
                self.push(Token::Variable(name), line);
            }
            (b'\'', _) => {
                self.advance(1);
                let text = self.single_quoted(line)?;
                self.push(Token::Text(vec![StringPart::Literal(text)]), line);
            }
            (b'"' | b'`', _) => {
                self.advance(1);
                let mut parts = self.template(Some(byte), line)?;
                if byte == b'`' {
                    // The value is the output of a command.
                    parts = vec![StringPart::Expression(Vec::new())];
                }
                self.push(Token::Text(parts), line);
            }
            (b'<', Some(b'<')) if self.heredoc(line)? => {}
            (b'0'..=b'9', _) => {
                let number = self.name(|byte| is_name(byte) || byte == b'.');
                self.push(Token::Number(number), line);
            }
            _ if starts_name(byte) || byte == b'\\' => {
                let name = self.name(|byte| is_name(byte) || byte == b'\\');
                self.push(Token::Name(name), line);
            }
            _ => {
                let symbol = SYMBOLS
                    .iter()
                    .find(|symbol| self.rest().starts_with(symbol.as_bytes()));
                self.advance(symbol.map_or(1, |symbol| symbol.len()));
                self.push(symbol.map_or(Token::Other, |it| Token::Symbol(it)), line);
            }
        }
        Ok(())
    }

    /// Skips a comment up to the end of the line, or of the PHP part.
    fn line_comment(&mut self) {
        let rest = self.rest();
        let newline = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let text = rest.get(..newline.unwrap_or(rest.len())).unwrap_or(rest);
        self.advance(memchr::memmem::find(text, b"?>").unwrap_or(text.len()));
    }

    fn name(&mut self, belongs: impl Fn(u8) -> bool) -> String {
        let length = self.rest().iter().take_while(|&&byte| belongs(byte));
        let text = self.slice(self.position..self.position + length.count());
        self.advance(text.len());
        String::from_utf8_lossy(text).into_owned()
    }
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name(byte: u8) -> bool {
    starts_name(byte) || byte.is_ascii_digit()
}

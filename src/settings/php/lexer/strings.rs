//! Reads strings: quotes, escapes, expressions inside, heredocs.

use super::{Lexer, is_name, starts_name};
use crate::settings::php::token::{Lexeme, StringPart, Token, Unterminated};

/// How many levels of expressions in strings in expressions are read.
const MAX_NESTING: u8 = 8;

impl Lexer<'_> {
    /// Reads a string in single quotes, after its opening quote.
    pub(super) fn single_quoted(&mut self, line: u64) -> Result<Vec<u8>, Unterminated> {
        let mut text = Vec::new();
        loop {
            let byte = self.peek(0).ok_or(Unterminated::new("string", line))?;
            match (byte, self.peek(1)) {
                (b'\'', _) => {
                    self.advance(1);
                    return Ok(text);
                }
                (b'\\', Some(escaped @ (b'\\' | b'\''))) => {
                    text.push(escaped);
                    self.advance(2);
                }
                _ => {
                    text.push(byte);
                    self.advance(1);
                }
            }
        }
    }

    /// The pieces of a string up to the closing quote; without a quote, up to the end of the text.
    pub(super) fn template(
        &mut self,
        quote: Option<u8>,
        line: u64,
    ) -> Result<Vec<StringPart>, Unterminated> {
        let unterminated = Unterminated::new("string", line);
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        loop {
            let byte = match self.peek(0) {
                Some(byte) => byte,
                None if quote.is_some() => return Err(unterminated),
                None => break,
            };
            if Some(byte) == quote {
                self.advance(1);
                break;
            }
            let expression = match (byte, self.peek(1)) {
                (b'\\', Some(_)) => {
                    self.escape(quote, &mut literal);
                    continue;
                }
                (b'$', Some(next)) if starts_name(next) => self.simple_expression(),
                (b'{', Some(b'$')) | (b'$', Some(b'{')) => {
                    self.braced_expression().ok_or(unterminated)??
                }
                _ => {
                    literal.push(byte);
                    self.advance(1);
                    continue;
                }
            };
            parts.push(StringPart::Literal(std::mem::take(&mut literal)));
            parts.push(StringPart::Expression(expression));
        }
        parts.push(StringPart::Literal(literal));
        parts.retain(|part| *part != StringPart::Literal(Vec::new()));
        Ok(parts)
    }

    /// Reads `$x`, `$x[key]` or `$x->name` in a string.
    fn simple_expression(&mut self) -> Vec<Lexeme> {
        let line = self.line;
        let lexeme = |token| Lexeme { token, line };
        self.advance(1);
        let mut tokens = vec![lexeme(Token::Variable(self.name(is_name)))];
        let rest = self.rest();
        if rest.first() == Some(&b'[') {
            let end = memchr::memchr(b']', rest).unwrap_or_default();
            let key = rest.get(1..end).unwrap_or_default();
            if key.is_empty() || !key.iter().all(|&byte| is_name(byte)) {
                // Text that is not PHP, or a variable as the key.
                tokens.push(lexeme(Token::Other));
                return tokens;
            }
            self.advance(end + 1);
            let key = Token::Text(vec![StringPart::Literal(key.to_vec())]);
            tokens.extend([Token::Symbol("["), key, Token::Symbol("]")].map(lexeme));
        } else if rest.starts_with(b"->") && rest.get(2).copied().is_some_and(starts_name) {
            self.advance(2);
            let name = Token::Name(self.name(is_name));
            tokens.extend([Token::Symbol("->"), name].map(lexeme));
        }
        tokens
    }

    /// Reads `{$…}` or `${…}`; `None` when the brace is never closed.
    fn braced_expression(&mut self) -> Option<Result<Vec<Lexeme>, Unterminated>> {
        let is_name_only = self.peek(0) == Some(b'$');
        let start = self.position + if is_name_only { 2 } else { 1 };
        let mut depth = 1_usize;
        let mut quote = None;
        let mut end = start;
        while depth > 0 {
            match (*self.bytes.get(end)?, quote) {
                (b'\\', Some(_)) => end += 1,
                (byte, Some(open)) if byte == open => quote = None,
                (byte @ (b'"' | b'\''), None) => quote = Some(byte),
                (b'{', None) => depth += 1,
                (b'}', None) => depth -= 1,
                _ => {}
            }
            end += 1;
        }
        let code = self.slice(start..end - 1);
        let line = self.line;
        self.advance(end - self.position);
        if self.nesting >= MAX_NESTING {
            return Some(Ok(Vec::new()));
        }
        let tokens = Lexer::new(code, line, self.nesting + 1).run();
        Some(tokens.map(|mut tokens| {
            if let Some(first) = tokens.first_mut().filter(|_| is_name_only)
                && let Token::Name(name) = &first.token
            {
                let token = Token::Variable(name.clone());
                *first = Lexeme { token, line };
            }
            tokens
        }))
    }

    /// Reads a backslash and what follows it, in double quotes or a heredoc.
    fn escape(&mut self, quote: Option<u8>, text: &mut Vec<u8>) {
        let digits = |from: usize, most: usize, radix: u32| {
            let rest = self.rest().get(from..).unwrap_or_default();
            let count = rest
                .iter()
                .take(most)
                .take_while(|&&byte| char::from(byte).is_digit(radix));
            let digits = rest.get(..count.count()).unwrap_or_default();
            let text = std::str::from_utf8(digits).unwrap_or_default();
            (digits.len(), u32::from_str_radix(text, radix).ok())
        };
        let (length, byte) = match self.peek(1) {
            Some(b'n') => (2, b'\n'),
            Some(b't') => (2, b'\t'),
            Some(b'r') => (2, b'\r'),
            Some(b'v') => (2, 0x0b),
            Some(b'e') => (2, 0x1b),
            Some(b'f') => (2, 0x0c),
            Some(byte @ (b'\\' | b'$')) => (2, byte),
            Some(byte) if Some(byte) == quote => (2, byte),
            Some(b'0'..=b'7') => {
                let (length, value) = digits(1, 3, 8);
                // PHP takes the value modulo 256.
                (1 + length, (value.unwrap_or_default() & 0xff) as u8)
            }
            Some(b'x') if digits(2, 2, 16).0 > 0 => {
                let (length, value) = digits(2, 2, 16);
                (2 + length, (value.unwrap_or_default() & 0xff) as u8)
            }
            Some(b'u') if self.peek(2) == Some(b'{') => {
                let (length, value) = digits(3, 6, 16);
                match (value.and_then(char::from_u32), self.peek(3 + length)) {
                    (Some(character), Some(b'}')) => {
                        text.extend(character.to_string().into_bytes());
                        return self.advance(4 + length);
                    }
                    _ => (1, b'\\'),
                }
            }
            // The brace no longer belongs to a `{$`.
            Some(b'{') => {
                text.push(b'\\');
                (2, b'{')
            }
            _ => (1, b'\\'),
        };
        text.push(byte);
        self.advance(length);
    }

    /// Reads a heredoc or nowdoc if one begins here.
    pub(super) fn heredoc(&mut self, line: u64) -> Result<bool, Unterminated> {
        let Some(start) = Heredoc::begin(self.rest()) else {
            return Ok(false);
        };
        let body = self.rest().get(start.length..).unwrap_or_default();
        let end = start.end(body).ok_or(Unterminated::new("heredoc", line))?;
        let text = unindent(body.get(..end.text).unwrap_or_default(), end.indent);
        let parts = if start.is_raw {
            vec![StringPart::Literal(text)]
        } else {
            Lexer::new(&text, line + 1, self.nesting).template(None, line)?
        };
        self.push(Token::Text(parts), line);
        self.advance(start.length + end.total);
        Ok(true)
    }
}

/// The opening of a heredoc: `<<<LABEL` and the rest of its line.
struct Heredoc<'a> {
    label: &'a [u8],
    /// Whether it is written `<<<'LABEL'`, so that its body holds no expressions and no escapes.
    is_raw: bool,
    /// Number of bytes up to the body.
    length: usize,
}

/// Where the body of a heredoc ends.
struct HeredocEnd {
    /// Number of bytes of text, without the last line end.
    text: usize,
    /// Columns of white space before the closing label, which are taken from every line.
    indent: usize,
    /// Number of bytes up to and including the closing label.
    total: usize,
}

impl<'a> Heredoc<'a> {
    fn begin(rest: &'a [u8]) -> Option<Self> {
        let after = rest.strip_prefix(b"<<<")?;
        let blanks = blanks(after);
        let after = after.get(blanks..)?;
        let quote = after.first().filter(|byte| matches!(byte, b'"' | b'\''));
        let quotes = usize::from(quote.is_some());
        let named = after.get(quotes..)?;
        let length = named.iter().take_while(|&&byte| is_name(byte)).count();
        let label = named.get(..length)?;
        if !label.first().copied().is_some_and(starts_name) {
            return None;
        }
        let after = named.get(length..)?;
        let after = match quote {
            Some(quote) => after.strip_prefix(&[*quote])?,
            None => after,
        };
        let newline = match after {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return None,
        };
        Some(Self {
            label,
            is_raw: quote == Some(&b'\''),
            length: 3 + blanks + 2 * quotes + length + newline,
        })
    }

    fn end(&self, body: &[u8]) -> Option<HeredocEnd> {
        let mut start = 0;
        loop {
            let line = body.get(start..)?;
            let indent = blanks(line);
            let closes = line
                .get(indent..)
                .and_then(|text| text.strip_prefix(self.label))
                .is_some_and(|after| !after.first().copied().is_some_and(is_name));
            if closes {
                let before = body.get(..start)?;
                let newline = match before {
                    [.., b'\r', b'\n'] => 2,
                    [] => 0,
                    _ => 1,
                };
                return Some(HeredocEnd {
                    text: start - newline,
                    indent,
                    total: start + indent + self.label.len(),
                });
            }
            start += line.iter().position(|&byte| byte == b'\n')? + 1;
        }
    }
}

/// Takes up to `indent` blanks from the beginning of each line.
fn unindent(text: &[u8], indent: usize) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let blanks = blanks(line).min(indent);
        result.extend_from_slice(line.get(blanks..).unwrap_or_default());
    }
    result
}

/// The number of blanks at the beginning of the text.
fn blanks(text: &[u8]) -> usize {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    blanks.count()
}

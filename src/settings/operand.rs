//! The operands of an expression: texts, variables, names, calls, arrays.

use std::collections::BTreeMap;

use super::expression::{NotFollowed, Reader, Result, truth_value};
use super::functions;
use super::php::{StringPart, Token};
use super::slices::bracketed;
use super::value::Value;

/// Variables that PHP sets itself, so that no file defines them.
const SUPERGLOBALS: [&str; 9] = [
    "_ENV", "_SERVER", "_GET", "_POST", "_REQUEST", "_COOKIE", "_SESSION", "_FILES", "argv",
];

impl Reader<'_> {
    pub(super) fn primary(&mut self) -> Result<Value> {
        let lexeme = self.peek().ok_or(NotFollowed)?;
        self.position += 1;
        match &lexeme.token {
            Token::Text(parts) => self.text(parts),
            Token::Number(digits) => {
                let octal = digits.strip_prefix('0').filter(|octal| !octal.is_empty());
                let number = match octal {
                    Some(octal) => i64::from_str_radix(octal, 8),
                    None => digits.parse(),
                };
                number.map(Value::Int).map_err(|_| NotFollowed)
            }
            Token::Variable(name) => self.variable(name),
            Token::Name(name) => self.name(name),
            Token::Symbol("(") => {
                if let Some(value) = self.cast()? {
                    return Ok(value);
                }
                let value = self.expression()?;
                self.expect(")")?;
                Ok(value)
            }
            Token::Symbol("[") => self.array("]"),
            _ => Err(NotFollowed),
        }
    }

    fn text(&mut self, parts: &[StringPart]) -> Result<Value> {
        let mut text = Value::text(*b"");
        for part in parts {
            let part = match part {
                StringPart::Literal(literal) => Value::text(literal.as_slice()),
                StringPart::Expression(tokens) => {
                    let depth = self.depth.checked_sub(1).ok_or(NotFollowed)?;
                    self.scope.nested(tokens, true, depth)
                }
            };
            text = self.pay(text.concat(part))?;
        }
        Ok(text)
    }

    fn variable(&mut self, name: &str) -> Result<Value> {
        if self.take("=") {
            return self.expression();
        }
        if SUPERGLOBALS.contains(&name) {
            // A key that is computed may hold a secret.
            let is_literal = self.is("[") && self.is_literal(self.position + 1, "]");
            let key = self.key()?.filter(|_| is_literal);
            let key = key.as_ref().map(functions::quoted_name);
            while self.key()?.is_some() {}
            return Ok(Value::unknown(match key.unwrap_or_default().as_str() {
                "" => format!("${name}"),
                key => format!("${name}[{key}]"),
            }));
        }
        let is_literal = self.is("[") && self.is_literal(self.position + 1, "]");
        if name == "GLOBALS"
            && let Some(key) = self.key()?
        {
            let name = key.into_text().unwrap_or_default();
            let name = String::from_utf8_lossy(&name);
            let value = match functions::is_plain(name.as_bytes()) {
                true => self.scope.variable(&name, self.is_quoted),
                false => Value::unknown("$GLOBALS"),
            };
            return self.pay(match value {
                Value::Unknown(_) if !is_literal => Value::unknown("$GLOBALS"),
                value => value,
            });
        }
        self.pay(self.scope.variable(name, self.is_quoted))
    }

    /// Whether a text or a bare word stands at a place, and then this symbol: what the file itself says there, and
    /// not the value of anything.
    fn is_literal(&self, place: usize, end: &str) -> bool {
        let is_end = self
            .tokens
            .get(place + 1)
            .is_some_and(|lexeme| lexeme.is(end));
        is_end
            && self
                .tokens
                .get(place)
                .is_some_and(|lexeme| match &lexeme.token {
                    Token::Text(parts) => {
                        let mut parts = parts.iter();
                        parts.all(|part| matches!(part, StringPart::Literal(_)))
                    }
                    Token::Name(_) => self.is_quoted,
                    _ => false,
                })
    }

    /// Reads `[key]`, if it comes next.
    pub(super) fn key(&mut self) -> Result<Option<Value>> {
        if !self.take("[") {
            return Ok(None);
        }
        let key = self.expression()?;
        self.expect("]")?;
        Ok(Some(key))
    }

    fn name(&mut self, name: &str) -> Result<Value> {
        let word = name.trim_start_matches('\\').to_ascii_lowercase();
        match word.as_str() {
            "array" if self.take("(") => self.array(")"),
            "new" | "clone" => {
                self.deeper(Self::unary)?;
                Ok(Value::unknown("an object"))
            }
            "include" | "include_once" | "require" | "require_once" => {
                self.expression()?;
                Ok(Value::unknown("what another file returns"))
            }
            "function" | "fn" | "static" | "match" | "print" | "yield" | "throw" => {
                Err(NotFollowed)
            }
            "isset" | "empty" if self.is("(") => self.presence(&word),
            "getenv" if self.is("(") && !self.is_literal(self.position + 1, ")") => {
                self.take("(");
                self.arguments()?;
                Ok(Value::unknown("getenv()"))
            }
            _ if self.take("(") => {
                let arguments = self.arguments()?;
                self.pay(functions::call(&self.scope, &word, arguments))
            }
            _ => self.pay(self.scope.constant(name)),
        }
    }

    /// Reads `isset($x)` and `empty($x)`: the result is known only for a variable that is certainly set.
    fn presence(&mut self, word: &str) -> Result<Value> {
        self.expect("(")?;
        let is_variable = matches!(
            self.peek().map(|lexeme| &lexeme.token),
            Some(Token::Variable(name)) if self.scope.state.slot(&format!("${name}")).is_some_and(|slot| slot.always)
        );
        let value = self.expression()?;
        self.expect(")")?;
        let truth = match (word, &value) {
            (_, Value::Unknown(_)) => None,
            ("isset", _) if is_variable => Some(value != Value::Null),
            ("empty", value) => value.truth().map(|truth| !truth),
            _ => None,
        };
        Ok(truth_value(truth, value))
    }

    /// Reads a cast and its operand after `(`; `None` if the bracket does not hold a cast.
    fn cast(&mut self) -> Result<Option<Value>> {
        let mut types = ["string", "int", "integer", "bool", "boolean", "binary"].into_iter();
        let to = match self.tokens.get(self.position..) {
            Some([first, second, ..]) if second.is(")") => types.find(|name| first.is_word(name)),
            _ => None,
        };
        let Some(to) = to else { return Ok(None) };
        self.position += 2;
        let value = self.deeper(Self::unary)?;
        let number = |text: Vec<u8>| {
            functions::integer(&text).map_or_else(|| Value::unknown("a number"), Value::Int)
        };
        Ok(Some(match to {
            "string" | "binary" => value.into_text().map_or_else(Value::Unknown, Value::Text),
            "int" | "integer" => value.into_text().map_or_else(Value::Unknown, number),
            _ => truth_value(value.truth(), value),
        }))
    }

    /// The items of an array up to its closing bracket.
    fn array(&mut self, close: &str) -> Result<Value> {
        let mut items = BTreeMap::new();
        let mut next = 0_i64;
        while !self.take(close) {
            let mut key = Value::Int(next);
            let mut value = self.expression()?;
            if self.take("=>") {
                key = value;
                value = self.expression()?;
            } else {
                next += 1;
            }
            let key = key.into_text().map_err(|_| NotFollowed)?;
            items.insert(key, value);
            if !self.take(",") && !self.is(close) {
                return Err(NotFollowed);
            }
        }
        self.pay(Value::Array(items).bounded())
    }

    /// The arguments of a call, up to its closing bracket.
    fn arguments(&mut self) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        while !self.take(")") {
            values.push(self.expression()?);
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        Ok(values)
    }

    pub(super) fn skip_brackets(&mut self) -> Result<()> {
        let rest = self.tokens.get(self.position..).unwrap_or_default();
        self.position += bracketed(rest).ok_or(NotFollowed)?;
        Ok(())
    }
}

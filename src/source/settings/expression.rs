//! The value of an expression, as far as it is made of constants.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::functions;
use super::php::{Lexeme, Part, Token};
use super::state::State;
use super::value::Value;

/// How deep brackets are followed.
const MAX_DEPTH: u8 = 40;

/// What PHP fills in itself, and no file.
const SUPERGLOBALS: [&str; 9] = [
    "_ENV", "_SERVER", "_GET", "_POST", "_REQUEST", "_COOKIE", "_SESSION", "_FILES", "argv",
];

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub state: &'a State,
    pub file: &'a Path,
    /// The current namespace, empty for the global one.
    pub namespace: &'a str,
    /// Work that may still be done, in bytes and tokens, so that no file takes for ever.
    pub fuel: &'a Cell<usize>,
}

/// An expression that is not followed: PHP that settings files do not need, or no PHP at all.
pub(super) struct NotFollowed;

type Result<T> = std::result::Result<T, NotFollowed>;

impl Scope<'_> {
    /// The value of an expression.
    pub fn value(&self, tokens: &[Lexeme]) -> Value {
        self.nested(tokens, false, MAX_DEPTH)
    }

    fn nested(&self, tokens: &[Lexeme], is_quoted: bool, depth: u8) -> Value {
        let mut reader = Reader {
            scope: *self,
            tokens,
            position: 0,
            depth,
            is_quoted,
        };
        match reader.expression() {
            Ok(value) if reader.peek().is_none() => value,
            _ => Value::unknown("more than constants and texts (or its quotes are wrong)"),
        }
    }

    /// Whether a condition holds, if that can be told.
    pub fn truth(&self, tokens: &[Lexeme]) -> Option<bool> {
        self.value(tokens).truth()
    }

    /// The file of this name; relative ones are looked for beside the script.
    pub fn path(&self, name: &[u8]) -> Option<PathBuf> {
        let name = std::str::from_utf8(name).ok()?;
        let folder = self.file.parent().unwrap_or(Path::new(""));
        Some(folder.join(name))
    }

    /// The full name of something declared here with `const`.
    pub fn full_name(&self, name: &str) -> String {
        match self.namespace {
            "" => name.to_owned(),
            namespace => format!("{namespace}\\{name}"),
        }
    }

    fn constant(&self, name: &str) -> Value {
        let global = name.trim_start_matches('\\');
        let slot = self
            .state
            .slot(&self.full_name(name))
            .or_else(|| self.state.slot(global));
        if let Some(value) = slot.and_then(|slot| slot.value(global)) {
            return value;
        }
        match global.to_ascii_uppercase().as_str() {
            "TRUE" => Value::Bool(true),
            "FALSE" => Value::Bool(false),
            "NULL" => Value::Null,
            "__FILE__" => self.path_text(self.file),
            "__DIR__" => self.path_text(self.file.parent().unwrap_or(Path::new(""))),
            "DIRECTORY_SEPARATOR" => Value::text(*b"/"),
            "PATH_SEPARATOR" => Value::text(*b":"),
            "PHP_EOL" => Value::text(*b"\n"),
            // Anything else may be a text without quotes, which PHP before 8 let pass.
            "" => Value::unknown("a constant"),
            _ if global.contains('_') && functions::is_plain(global.as_bytes()) => {
                Value::unknown(format!("the constant {global} (set elsewhere)"))
            }
            _ => Value::unknown("a constant (set nowhere)"),
        }
    }

    fn path_text(&self, path: &Path) -> Value {
        match path.to_str() {
            Some(path) => Value::text(path),
            None => Value::unknown("a path that is not UTF-8"),
        }
    }

    fn variable(&self, name: &str, is_quoted: bool) -> Value {
        let name = format!("${name}");
        match self.state.slot(&name).and_then(|slot| slot.value(&name)) {
            Some(value) => value,
            // It may be a part of a password: "pa$word".
            None if is_quoted => Value::unknown(
                "a variable in double quotes (set nowhere; a $ of a password is written \\$ there)",
            ),
            None => Value::unknown(format!("{name} (set nowhere)")),
        }
    }
}

struct Reader<'a> {
    scope: Scope<'a>,
    tokens: &'a [Lexeme],
    position: usize,
    depth: u8,
    /// Inside a string.
    is_quoted: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Lexeme> {
        self.tokens.get(self.position)
    }

    fn is(&self, symbol: &str) -> bool {
        self.peek().is_some_and(|lexeme| lexeme.is(symbol))
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        self.take(symbol).then_some(()).ok_or(NotFollowed)
    }

    /// Pays for a value; nothing is followed any more when the fuel is used up.
    fn pay(&self, value: Value) -> Result<Value> {
        let fuel = self.scope.fuel;
        fuel.set(fuel.get().saturating_sub(value.weight()));
        if fuel.get() == 0 {
            return Err(NotFollowed);
        }
        Ok(value)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth = self.depth.checked_sub(1).ok_or(NotFollowed)?;
        let result = read(self);
        self.depth += 1;
        result
    }

    fn expression(&mut self) -> Result<Value> {
        self.deeper(Self::conditional)
    }

    /// `a ? b : c`, `a ?: c`, `a ?? c`.
    fn conditional(&mut self) -> Result<Value> {
        let condition = self.binary(0)?;
        if self.take("??") {
            let other = self.expression()?;
            return Ok(match condition {
                Value::Null => other,
                known => known,
            });
        }
        if !self.take("?") {
            return Ok(condition);
        }
        let first = match self.is(":") {
            true => condition.clone(),
            false => self.expression()?,
        };
        self.expect(":")?;
        let second = self.expression()?;
        Ok(match (condition.truth(), condition) {
            (Some(true), _) => first,
            (Some(false), _) => second,
            (None, _) if first == second => first,
            (None, condition) => condition,
        })
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        let symbol = match &self.peek()?.token {
            Token::Symbol(symbol) => symbol,
            _ => return None,
        };
        // From the PHP manual, "Operator Precedence" (8.0).
        let precedence = match *symbol {
            "||" => 0,
            "&&" => 1,
            "|" | "^" | "&" => 2,
            "==" | "!=" | "<>" | "===" | "!==" | "<=>" => 3,
            "<" | "<=" | ">" | ">=" => 4,
            "." => 5,
            "<<" | ">>" => 6,
            "+" | "-" => 7,
            "*" | "/" | "%" | "**" => 8,
            _ => return None,
        };
        Some((symbol, precedence))
    }

    fn binary(&mut self, weakest: u8) -> Result<Value> {
        let mut left = self.unary()?;
        while let Some((symbol, precedence)) = self.operator() {
            if precedence < weakest {
                break;
            }
            self.position += 1;
            let right = self.deeper(|reader| reader.binary(precedence + 1))?;
            left = self.pay(combine(symbol, left, right))?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Value> {
        if self.take("!") {
            let value = self.deeper(Self::unary)?;
            return Ok(truth_value(value.truth().map(|truth| !truth), value));
        }
        if self.take("-") {
            return match self.deeper(Self::unary)? {
                Value::Int(value) => Ok(Value::Int(value.checked_neg().ok_or(NotFollowed)?)),
                _ => Err(NotFollowed),
            };
        }
        if self.take("@") || self.take("&") {
            return self.deeper(Self::unary);
        }
        let value = self.primary()?;
        self.indices(value)
    }

    /// `[key]` behind a value.
    fn indices(&mut self, mut value: Value) -> Result<Value> {
        loop {
            if self.take("[") {
                let key = self.expression()?;
                self.expect("]")?;
                value = self.pay(value.index(key))?;
            } else if self.is("->") || self.is("?->") || self.is("::") {
                self.position += 2;
                if self.is("(") {
                    self.skip_brackets()?;
                }
                value = Value::unknown("an object");
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Result<Value> {
        let lexeme = self.peek().ok_or(NotFollowed)?;
        self.position += 1;
        match &lexeme.token {
            Token::Text(parts) => self.text(parts),
            Token::Number(digits) => digits.parse().map(Value::Int).map_err(|_| NotFollowed),
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

    fn text(&mut self, parts: &[Part]) -> Result<Value> {
        let mut text = Value::text(*b"");
        for part in parts {
            let part = match part {
                Part::Literal(literal) => Value::text(literal.as_slice()),
                Part::Expression(tokens) => {
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
            let key = match self.take("[") {
                true => {
                    let key = self.expression()?;
                    self.expect("]")?;
                    functions::quoted_name(&key)
                }
                false => String::new(),
            };
            while self.take("[") {
                self.expression()?;
                self.expect("]")?;
            }
            return Ok(Value::unknown(match key.as_str() {
                "" => format!("${name}"),
                key => format!("${name}[{key}]"),
            }));
        }
        if name == "GLOBALS" && self.take("[") {
            let key = self.expression()?;
            self.expect("]")?;
            let name = key.into_text().unwrap_or_default();
            let name = String::from_utf8_lossy(&name);
            return self.pay(match functions::is_plain(name.as_bytes()) {
                true => self.scope.variable(&name, self.is_quoted),
                false => Value::unknown("$GLOBALS"),
            });
        }
        self.pay(self.scope.variable(name, self.is_quoted))
    }

    fn name(&mut self, name: &str) -> Result<Value> {
        let word = name.trim_start_matches('\\').to_ascii_lowercase();
        match word.as_str() {
            "array" if self.take("(") => self.array(")"),
            // `new X(…)`, and functions without a name: what they give, only PHP can tell.
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
            _ if self.take("(") => {
                let arguments = self.arguments()?;
                self.pay(functions::call(&self.scope, &word, arguments))
            }
            _ => self.pay(self.scope.constant(name)),
        }
    }

    /// `isset($x)`, `empty($x)`: certain only for what is certainly set.
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

    /// After `(`: a cast and what it is for, if it is one.
    fn cast(&mut self) -> Result<Option<Value>> {
        let types = ["string", "int", "integer", "bool", "boolean", "binary"];
        let (Some(first), Some(second)) = (
            self.tokens.get(self.position),
            self.tokens.get(self.position + 1),
        ) else {
            return Ok(None);
        };
        let Some(to) = types.iter().find(|name| first.is_word(name)) else {
            return Ok(None);
        };
        if !second.is(")") {
            return Ok(None);
        }
        self.position += 2;
        let value = self.deeper(Self::unary)?;
        Ok(Some(match *to {
            "string" | "binary" => value.into_text().map_or_else(Value::Unknown, Value::Text),
            "int" | "integer" => match value.into_text() {
                Ok(text) => {
                    functions::integer(&text).map_or_else(|| Value::unknown("a number"), Value::Int)
                }
                Err(reasons) => Value::Unknown(reasons),
            },
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

    fn skip_brackets(&mut self) -> Result<()> {
        let rest = self.tokens.get(self.position..).unwrap_or_default();
        self.position += super::slices::bracketed(rest).ok_or(NotFollowed)?;
        Ok(())
    }
}

/// A truth that can be told, or the reasons why not.
fn truth_value(truth: Option<bool>, value: Value) -> Value {
    match (truth, value) {
        (Some(truth), _) => Value::Bool(truth),
        (None, Value::Unknown(reasons)) => Value::Unknown(reasons),
        (None, _) => Value::unknown("a condition"),
    }
}

fn combine(symbol: &str, left: Value, right: Value) -> Value {
    let either = |left: Value, right: Value| match left {
        Value::Unknown(_) => left,
        _ => right,
    };
    let truth = match symbol {
        "." => return left.concat(right),
        "&&" => match (left.truth(), right.truth()) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        "||" => match (left.truth(), right.truth()) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        "===" => left.equals(&right, true),
        "!==" => left.equals(&right, true).map(|equal| !equal),
        "==" => left.equals(&right, false),
        "!=" | "<>" => left.equals(&right, false).map(|equal| !equal),
        _ => None,
    };
    truth_value(truth, either(left, right))
}

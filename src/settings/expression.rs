//! The value of an expression, as far as it is made of constants.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::functions;
use super::php::{Lexeme, Token};
use super::state::State;
use super::value::Value;

/// How many levels of brackets are followed.
const MAX_DEPTH: u8 = 40;

/// The script and namespace that an expression stands in.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub state: &'a State,
    pub file: &'a Path,
    /// The current namespace, empty for the global one.
    pub namespace: &'a str,
    /// Work that may still be done, in bytes and tokens, so that no file takes for ever.
    pub fuel: &'a Cell<usize>,
}

/// An expression that is not followed: PHP that settings files do not need, or text that is not PHP at all.
pub(super) struct NotFollowed;

pub(super) type Result<T> = std::result::Result<T, NotFollowed>;

impl Scope<'_> {
    /// The value of an expression.
    pub fn value(&self, tokens: &[Lexeme]) -> Value {
        self.nested(tokens, false, MAX_DEPTH)
    }

    pub(super) fn nested(&self, tokens: &[Lexeme], is_quoted: bool, depth: u8) -> Value {
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

    /// Whether a condition holds; `None` if that cannot be known.
    pub fn truth(&self, tokens: &[Lexeme]) -> Option<bool> {
        self.value(tokens).truth()
    }

    /// The path that a file name in the script means; relative ones are looked for beside the script.
    pub fn path(&self, name: &[u8]) -> Option<PathBuf> {
        let name = std::str::from_utf8(name).ok()?;
        let folder = self.file.parent().unwrap_or(Path::new(""));
        Some(folder.join(name))
    }

    /// The full name, with the namespace, of a constant declared here with `const`.
    pub fn full_name(&self, name: &str) -> String {
        match self.namespace {
            "" => name.to_owned(),
            namespace => format!("{namespace}\\{name}"),
        }
    }

    pub(super) fn constant(&self, name: &str) -> Value {
        let global = name.trim_start_matches('\\');
        let slot = self.state.slot(&self.full_name(name));
        if let Some(slot) = slot.or_else(|| self.state.slot(global)) {
            return slot.value(global);
        }
        match global.to_ascii_uppercase().as_str() {
            "TRUE" => Value::Bool(true),
            "FALSE" => Value::Bool(false),
            "NULL" => Value::Null,
            "__FILE__" => self.path_text(&self.script()),
            "__DIR__" => self.path_text(self.script().parent().unwrap_or(Path::new(""))),
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

    /// The path of the script as PHP has it: from the root on and without links, however the user named it.
    fn script(&self) -> PathBuf {
        std::fs::canonicalize(self.file).unwrap_or_else(|_| self.file.to_owned())
    }

    fn path_text(&self, path: &Path) -> Value {
        match path.to_str() {
            Some(path) => Value::text(path),
            None => Value::unknown("a path that is not UTF-8"),
        }
    }

    pub(super) fn variable(&self, name: &str, is_quoted: bool) -> Value {
        let name = format!("${name}");
        match self.state.slot(&name).map(|slot| slot.value(&name)) {
            Some(value) => value,
            // It may be a part of a password: "pa$word".
            None if is_quoted => Value::unknown(
                "a variable in double quotes (set nowhere; a $ of a password is written \\$ there)",
            ),
            None => Value::unknown(format!("{name} (set nowhere)")),
        }
    }
}

/// Reads an expression from the left to the right.
pub(super) struct Reader<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) tokens: &'a [Lexeme],
    pub(super) position: usize,
    pub(super) depth: u8,
    /// Whether the expression stands inside a string.
    pub(super) is_quoted: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<&'a Lexeme> {
        self.tokens.get(self.position)
    }

    pub(super) fn is(&self, symbol: &str) -> bool {
        self.peek().is_some_and(|lexeme| lexeme.is(symbol))
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.position += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<()> {
        self.take(symbol).then_some(()).ok_or(NotFollowed)
    }

    /// Uses up fuel for a value; when no fuel is left, nothing more is followed.
    pub(super) fn pay(&self, value: Value) -> Result<Value> {
        let fuel = self.scope.fuel;
        fuel.set(fuel.get().saturating_sub(value.weight()));
        if fuel.get() == 0 {
            return Err(NotFollowed);
        }
        Ok(value)
    }

    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth = self.depth.checked_sub(1).ok_or(NotFollowed)?;
        let result = read(self);
        self.depth += 1;
        result
    }

    pub(super) fn expression(&mut self) -> Result<Value> {
        self.deeper(Self::conditional)
    }

    /// Reads `a ? b : c`, `a ?: c` and `a ?? c`.
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
        let Token::Symbol(symbol) = &self.peek()?.token else {
            return None;
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

    pub(super) fn unary(&mut self) -> Result<Value> {
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

    /// Reads each `[key]` after a value.
    fn indices(&mut self, mut value: Value) -> Result<Value> {
        loop {
            if let Some(key) = self.key()? {
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
}

/// A truth value that is known, or else the reasons of `value` why it is not.
pub(super) fn truth_value(truth: Option<bool>, value: Value) -> Value {
    match (truth, value) {
        (Some(truth), _) => Value::Bool(truth),
        (None, Value::Unknown(reasons)) => Value::Unknown(reasons),
        (None, _) => Value::unknown("a condition"),
    }
}

fn combine(symbol: &str, left: Value, right: Value) -> Value {
    // What decides by itself on either side, and the other truth where both sides have it.
    let either = |decides: bool| match (left.truth(), right.truth()) {
        (Some(truth), _) | (_, Some(truth)) if truth == decides => Some(decides),
        (Some(_), Some(_)) => Some(!decides),
        _ => None,
    };
    let truth = match symbol {
        "." => return left.concat(right),
        "&&" => either(false),
        "||" => either(true),
        "===" => left.equals(&right, true),
        "!==" => left.equals(&right, true).map(|equal| !equal),
        "==" => left.equals(&right, false),
        "!=" | "<>" => left.equals(&right, false).map(|equal| !equal),
        _ => None,
    };
    truth_value(
        truth,
        match left {
            Value::Unknown(_) => left,
            _ => right,
        },
    )
}

//! What expressions do: assignments, `define`, `include`.

use super::error::PhpPlace;
use super::php::{Lexeme, StringPart, Token};
use super::script::Script;
use super::slices::{argument, bracketed, split, split_once};
use super::state::State;
use super::value::Value;

/// Most tokens before an assignment that are taken for what it assigns to.
const MAX_TARGET: usize = 64;

const INCLUDES: [&str; 4] = ["include", "include_once", "require", "require_once"];
const ASSIGNMENTS: [&str; 10] = ["=", ".=", "??=", "+=", "-=", "*=", "/=", "%=", "++", "--"];
/// Tokens that may stand before the target of an assignment inside an expression.
const BEFORE_TARGETS: [&str; 11] = ["(", "=", ";", "{", "}", "&&", "||", "?", ":", "==", "==="];

/// Names in the path of an included file that are not constants of the site.
const PATH_NAMES: [&str; 4] = ["__dir__", "__file__", "dirname", "realpath"];

impl Script<'_> {
    /// Carries out an expression's effects: assignments, `define`, `include`, and `a or b`.
    pub(super) fn execute(&mut self, tokens: &[Lexeme], depth: u8) {
        if self.interpreter.state.is_dead || tokens.is_empty() {
            return;
        }
        self.interpreter.burn(tokens.len());
        let Some(depth) = depth.checked_sub(1) else {
            return self.side_effects(tokens);
        };
        if let [first, rest @ ..] = tokens {
            if first.is("@") {
                return self.execute(rest, depth);
            }
            if first.is("(") && bracketed(tokens) == Some(tokens.len()) {
                let inside = tokens.get(1..tokens.len() - 1).unwrap_or_default();
                return self.execute(inside, depth);
            }
            if first.is_word("exit") || first.is_word("die") {
                self.interpreter.state = State::dead();
                return;
            }
        }
        for (operator, wanted) in [("or", false), ("and", true)] {
            let is_operator = |lexeme: &Lexeme| lexeme.is_word(operator);
            if let Some((left, right)) = split_once(tokens, is_operator) {
                return self.branch(left, right, wanted, depth);
            }
        }
        if self.assignment(tokens) || self.define_call(tokens) {
            return;
        }
        for (operator, wanted) in [("||", false), ("&&", true)] {
            if let Some((left, right)) = split_once(tokens, |lexeme| lexeme.is(operator)) {
                return self.branch(left, right, wanted, depth);
            }
        }
        if let Some((condition, rest)) = split_once(tokens, |lexeme| lexeme.is("?"))
            && let Some((first, second)) = split_once(rest, |lexeme| lexeme.is(":"))
        {
            let truth = self.condition(condition);
            let before = self.interpreter.state.clone();
            self.assume(truth, true);
            self.execute(first, depth);
            let behind = std::mem::replace(&mut self.interpreter.state, before);
            self.assume(truth, false);
            self.execute(second, depth);
            return self.interpreter.join(behind);
        }
        self.side_effects(tokens);
    }

    /// Carries out `left or right`: the right side runs when the left one comes out as `wanted`.
    fn branch(&mut self, left: &[Lexeme], right: &[Lexeme], wanted: bool, depth: u8) {
        self.execute(left, depth);
        let truth = self.scope().truth(left);
        let before = self.interpreter.state.clone();
        self.assume(truth, wanted);
        self.execute(right, depth);
        if truth != Some(wanted) {
            self.interpreter.join(before);
        }
    }

    /// Carries out `$x = …`, `$x .= …` or `$x['key'] = …`. Returns whether the expression is an assignment.
    fn assignment(&mut self, tokens: &[Lexeme]) -> bool {
        let [first, rest @ ..] = tokens else {
            return false;
        };
        let Token::Variable(name) = &first.token else {
            return false;
        };
        let Some((target, expression)) =
            split_once(rest, |lexeme| lexeme.is("=") || lexeme.is(".="))
        else {
            return false;
        };
        let is_append = rest.get(target.len()).is_some_and(|lexeme| lexeme.is(".="));
        let Some(keys) = self.keys(target) else {
            return false;
        };
        if is_append && !keys.is_empty() {
            return false;
        }
        self.side_effects(expression);
        let name = format!("${name}");
        let mut value = self.scope().value(expression);
        let before = self.scope().state.slot(&name).map(|slot| slot.value(&name));
        if is_append {
            let left = before.unwrap_or_else(|| Value::unknown(format!("{name} (set nowhere)")));
            value = left.concat(value);
        } else if !keys.is_empty() {
            let mut array = before.unwrap_or(Value::Null);
            array.insert(&keys, value);
            value = array.bounded();
        }
        self.interpreter.burn(value.weight());
        self.interpreter
            .state
            .assign(&name, value, &self.file, first.line);
        true
    }

    /// The keys in `['a']['b']`; `None` for other tokens.
    fn keys(&self, mut tokens: &[Lexeme]) -> Option<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        while let Some(first) = tokens.first() {
            let length = bracketed(tokens).filter(|_| first.is("["))?;
            let key = self.scope().value(tokens.get(1..length - 1)?);
            keys.push(key.into_text().ok()?);
            tokens = tokens.get(length..)?;
        }
        Some(keys)
    }

    /// Carries out `define('X', …)`. Returns whether the expression is one.
    fn define_call(&mut self, tokens: &[Lexeme]) -> bool {
        let [name, rest @ ..] = tokens else {
            return false;
        };
        let is_define = name.is_word("define") || name.is_word("\\define");
        let is_call = rest.first().is_some_and(|lexeme| lexeme.is("("))
            && bracketed(rest) == Some(rest.len());
        if !is_define || !is_call {
            return false;
        }
        let arguments = rest.get(1..rest.len() - 1).unwrap_or_default();
        self.side_effects(arguments);
        let mut parts = split(arguments, ",");
        let constant = self.scope().value(parts.next().unwrap_or_default());
        let value = self.scope().value(parts.next().unwrap_or_default());
        if let Value::Text(constant) = constant {
            let constant = String::from_utf8_lossy(&constant);
            let constant = constant.trim_start_matches('\\').to_owned();
            self.interpreter.burn(value.weight());
            self.define(&constant, value, name.line);
        }
        true
    }

    /// Notes what any expression changes: the files that it includes, and variables that it sets in a way that
    /// is not followed.
    pub(super) fn side_effects(&mut self, tokens: &[Lexeme]) {
        if self.interpreter.state.is_dead {
            return;
        }
        for (at, lexeme) in tokens.iter().enumerate() {
            if self.interpreter.fuel.get() == 0 {
                return;
            }
            let rest = tokens.get(at + 1..).unwrap_or_default();
            if INCLUDES.iter().any(|word| lexeme.is_word(word)) {
                let name = argument(rest);
                self.interpreter.burn(name.len());
                self.include(name, lexeme.line);
            }
            if ASSIGNMENTS.iter().any(|operator| lexeme.is(operator)) {
                // The variable before the operator and its keys, or `[$a, $b] =`.
                let target = tokens.get(at.saturating_sub(MAX_TARGET)..at);
                let is_part = |lexeme: &&Lexeme| !BEFORE_TARGETS.iter().any(|it| lexeme.is(it));
                let target = target.unwrap_or_default().iter().rev();
                for lexeme in target.take_while(is_part) {
                    self.forget(lexeme);
                }
            }
            if lexeme.is_word("list") {
                let targets = argument(rest);
                self.interpreter.burn(targets.len());
                for lexeme in targets {
                    self.forget(lexeme);
                }
            }
        }
    }

    pub(super) fn forget(&mut self, lexeme: &Lexeme) {
        if let Token::Variable(name) = &lexeme.token {
            let name = format!("${name}");
            let value = Value::unknown(format!("{name} (set on line {})", lexeme.line));
            self.interpreter
                .state
                .assign(&name, value, &self.file, lexeme.line);
        }
    }

    fn include(&mut self, argument: &[Lexeme], line: u64) {
        let path = match self.scope().value(argument) {
            Value::Text(name) => self.scope().path(&name),
            _ => None,
        };
        let is_literal = argument.iter().all(|lexeme| match &lexeme.token {
            Token::Name(name) => PATH_NAMES.contains(&name.to_ascii_lowercase().as_str()),
            Token::Text(parts) => (parts.iter()).all(|part| matches!(part, StringPart::Literal(_))),
            Token::Variable(_) => false,
            Token::Number(_) | Token::Symbol(_) | Token::Other => true,
        });
        let place = PhpPlace::new(&self.file, line);
        self.interpreter.include(path, is_literal, place);
    }
}

//! What expressions do: assignments, `define`, `include`.

use std::rc::Rc;

use super::calls::{self, Calls, Effect};
use super::error::PhpPlace;
use super::php::{Lexeme, StringPart, Token};
use super::script::Script;
use super::slices::{argument, bracketed, split, split_once};
use super::state::{Doubt, State};
use super::value::Value;

const INCLUDES: [&str; 4] = ["include", "include_once", "require", "require_once"];

/// Files that define no login: the last line of every settings file since 4.2, and that of Composer.
const LOADERS: [&str; 2] = ["CRM/Core/ClassLoader.php", "vendor/autoload.php"];

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
                if let [include, name @ ..] = rest
                    && (include.is_word("include") || include.is_word("include_once"))
                    && argument(name).len() == name.len()
                {
                    self.side_effects(name);
                    return self.include(name, include.line, true);
                }
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
        let Some((target, expression)) = split_once(rest, |lexeme| {
            ["=", ".=", "+="].iter().any(|it| lexeme.is(it))
        }) else {
            return false;
        };
        let is_operator = |operator: &str| {
            rest.get(target.len())
                .is_some_and(|lexeme| lexeme.is(operator))
        };
        let (is_append, is_union) = (is_operator(".="), is_operator("+="));
        let Some(mut keys) = self.keys(target) else {
            return false;
        };
        let by_globals = name == "GLOBALS";
        let name = match (by_globals, keys.is_empty()) {
            (true, true) => return false,
            (true, false) => String::from_utf8_lossy(&keys.remove(0)).into_owned(),
            (false, _) => name.clone(),
        };
        if is_append && !keys.is_empty() {
            return false;
        }
        self.side_effects(expression);
        let name = format!("${name}");
        if (0..expression.len()).any(|at| calls::is_reference(expression, at)) {
            self.interpreter.state.share(&name);
        }
        let mut value = self.scope().value(expression);
        let before = self.scope().state.slot(&name).map(|slot| slot.value(&name));
        if is_union {
            let whole = before.clone().unwrap_or(Value::Null);
            let left = keys.iter().fold(whole, |array, key| match array {
                Value::Array(mut items) => items.remove(key).unwrap_or(Value::Null),
                other => other,
            });
            value = left.union(value);
        }
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
            .assign(&name, value, by_globals, &self.file, first.line);
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
        } else {
            self.doubt(
                Effect::All,
                &[],
                "defines a constant whose name only PHP can tell",
                name.line,
            );
        }
        true
    }

    /// Notes what any expression changes: the files that it includes, the variables that it sets in a way that is not
    /// followed, and what the functions that it calls may define.
    pub(super) fn side_effects(&mut self, tokens: &[Lexeme]) {
        let functions = Rc::clone(&self.interpreter.functions);
        let mut calls = Calls::new(tokens, &functions);
        let mut at = 0;
        while let Some(lexeme) = tokens.get(at) {
            if self.interpreter.fuel.get() == 0 || self.interpreter.state.is_dead {
                return;
            }
            let rest = tokens.get(at + 1..).unwrap_or_default();
            if let Some(length) = calls::closure(tokens.get(at..).unwrap_or_default()) {
                self.interpreter.burn(length);
                at += length;
                continue;
            }
            if INCLUDES.iter().any(|word| lexeme.is_word(word)) {
                let name = argument(rest);
                self.interpreter.burn(name.len());
                self.include(name, lexeme.line, false);
            }
            for lexeme in calls::target(tokens, at) {
                self.interpreter.burn(1);
                self.forget(lexeme);
            }
            if lexeme.is_word("extract")
                && let Some(names) = self.extracted(rest)
            {
                for name in names {
                    let token = Token::Variable(String::from_utf8_lossy(&name).into_owned());
                    let line = lexeme.line;
                    self.forget(&Lexeme { token, line });
                }
            } else if let Some(call) = calls.at(at) {
                self.interpreter.burn(tokens.len());
                self.doubt(call.effect, rest, &call.what, lexeme.line);
            }
            if calls::is_reference(tokens, at) {
                self.interpreter.burn(tokens.len());
                self.share(tokens);
            }
            if lexeme.is("$") {
                self.doubt(Effect::Variables, &[], "", lexeme.line);
            }
            if lexeme.is_word("define") && rest.first().is_some_and(|next| next.is("(")) {
                self.nested_define(rest, lexeme.line);
            }
            if registers_class_loader(tokens.get(at..).unwrap_or_default()) {
                self.interpreter.registers_class_loader = true;
            }
            if let Token::Text(parts) = &lexeme.token {
                for part in parts {
                    if let StringPart::Expression(tokens) = part {
                        self.side_effects(tokens);
                    }
                }
            }
            at += 1;
        }
    }

    /// The names that `extract` sets, where its only argument, with which the tokens begin, is an array that is known.
    fn extracted(&self, rest: &[Lexeme]) -> Option<Vec<Vec<u8>>> {
        let argument = bracketed(rest).and_then(|length| rest.get(1..length - 1))?;
        match self.scope().value(argument) {
            Value::Array(items) => Some(items.into_keys().collect()),
            _ => None,
        }
    }

    /// Notes a `define` inside an expression, which may run or not.
    fn nested_define(&mut self, rest: &[Lexeme], line: u64) {
        let arguments = bracketed(rest).and_then(|length| rest.get(1..length - 1));
        let name = split(arguments.unwrap_or_default(), ",").next();
        let name = self.scope().value(name.unwrap_or_default());
        let what = "defines a constant inside an expression";
        match name {
            Value::Text(name) => {
                let name = String::from_utf8_lossy(&name);
                let doubt = self.new_doubt(what, line);
                self.interpreter
                    .state
                    .doubt_constant(name.trim_start_matches('\\'), &doubt);
            }
            _ => self.doubt(Effect::All, &[], what, line),
        }
    }

    fn new_doubt(&self, what: &str, line: u64) -> Rc<Doubt> {
        Rc::new(Doubt {
            place: PhpPlace::new(&self.file, line),
            what: what.to_owned(),
        })
    }

    /// Takes back what is known of all that may be changed here. `rest` begins with the arguments of a call.
    pub(super) fn doubt(&mut self, effect: Effect, rest: &[Lexeme], what: &str, line: u64) {
        if let Effect::Arguments(places) = effect {
            let arguments = bracketed(rest).and_then(|length| rest.get(1..length - 1));
            for (place, argument) in split(arguments.unwrap_or_default(), ",").enumerate() {
                if places.contains(&place) {
                    for lexeme in argument {
                        self.forget(lexeme);
                    }
                }
            }
            return;
        }
        let mut work = self.interpreter.state.doubt_variables(&self.file, line);
        if effect == Effect::All {
            let doubt = self.new_doubt(what, line);
            work += self.interpreter.state.doubt_constants(&doubt);
        }
        self.interpreter.burn(work);
    }

    /// Notes that the variables of an expression may be the same as others.
    pub(super) fn share(&mut self, tokens: &[Lexeme]) {
        for lexeme in tokens {
            if let Token::Variable(name) = &lexeme.token {
                self.interpreter.state.share(&format!("${name}"));
            }
        }
    }

    pub(super) fn forget(&mut self, lexeme: &Lexeme) {
        let Token::Variable(name) = &lexeme.token else {
            return;
        };
        if name == "GLOBALS" {
            return self.doubt(Effect::Variables, &[], "", lexeme.line);
        }
        let name = format!("${name}");
        let value = Value::unknown(format!("{name} (set on line {})", lexeme.line));
        self.interpreter
            .state
            .assign(&name, value, false, &self.file, lexeme.line);
    }

    /// `is_optional`: a file that is not there does no harm, as `@include` has it.
    fn include(&mut self, argument: &[Lexeme], line: u64, is_optional: bool) {
        let name = match self.scope().value(argument) {
            Value::Text(name) => Some(name),
            _ => None,
        };
        // Their names often begin with a folder that only PHP can tell.
        let end = argument
            .iter()
            .rev()
            .find_map(|lexeme| match &lexeme.token {
                Token::Text(parts) => match parts.last() {
                    Some(StringPart::Literal(text)) => Some(text.as_slice()),
                    _ => None,
                },
                _ => None,
            });
        if end.is_some_and(|end| {
            LOADERS
                .iter()
                .any(|loader| end.ends_with(loader.as_bytes()))
        }) {
            return;
        }
        let path = name.as_deref().and_then(|name| self.scope().path(name));
        let is_absolute = name.is_some_and(|name| name.starts_with(b"/"));
        // One that is not absolute may be found in another folder.
        let is_harmless = is_optional
            && is_absolute
            && path
                .as_deref()
                .is_some_and(|path| matches!(path.try_exists(), Ok(false)));
        let is_literal = argument.iter().all(|lexeme| match &lexeme.token {
            Token::Name(name) => PATH_NAMES.contains(&name.to_ascii_lowercase().as_str()),
            Token::Text(parts) => (parts.iter()).all(|part| matches!(part, StringPart::Literal(_))),
            Token::Variable(_) => false,
            Token::Number(_) | Token::Symbol(_) | Token::Other => true,
        });
        let place = PhpPlace::new(&self.file, line);
        let is_followed = self.interpreter.include(path, is_literal, place);
        if let Err(what) = is_followed
            && !is_harmless
        {
            self.doubt(Effect::All, &[], what, line);
        }
    }
}

/// Whether the tokens begin with what registers CiviCRM's class loader.
fn registers_class_loader(tokens: &[Lexeme]) -> bool {
    let [class, colons, singleton, open, close, arrow, register, ..] = tokens else {
        return false;
    };
    (class.is_word("CRM_Core_ClassLoader") || class.is_word("\\CRM_Core_ClassLoader"))
        && colons.is("::")
        && singleton.is_word("singleton")
        && open.is("(")
        && close.is(")")
        && arrow.is("->")
        && register.is_word("register")
}

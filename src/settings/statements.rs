//! Follows the statements of a script.

use super::calls::{self, Effect};
use super::error::SettingsError;
use super::php::{Lexeme, Token};
use super::script::{Interpreter, MAX_DEPTH, Result, Script};
use super::slices::split;
use super::state::State;

/// How many loops inside one another are followed for a second round, since each doubles the work.
const MAX_LOOPS: u8 = 3;

impl<'a> Script<'a> {
    pub(super) fn statement(&mut self) -> Result<()> {
        self.interpreter.burn(1);
        let depth = self.depth.checked_sub(1);
        let depth = depth.filter(|_| self.interpreter.fuel.get() > 0);
        self.depth = depth.ok_or_else(|| SettingsError::TooComplex(self.place()))?;
        let result = self.any_statement();
        self.depth += 1;
        result
    }

    fn any_statement(&mut self) -> Result<()> {
        let Some(lexeme) = self.peek() else {
            return Ok(());
        };
        if self.take("{") {
            while self.peek().is_some() && !self.take("}") {
                self.statement()?;
            }
            return Ok(());
        }
        let Token::Name(name) = &lexeme.token else {
            return self.expression_statement();
        };
        let next = self.tokens.get(self.position + 1);
        match name.to_ascii_lowercase().as_str() {
            "if" => self.if_statement(),
            "switch" => self.switch_statement(),
            "while" | "for" | "foreach" | "declare" => self.loop_statement(name),
            "do" => self.do_statement(),
            "try" => self.try_statement(),
            "return" => self.leave(|interpreter, state| {
                if let Some(returned) = interpreter.returns.last_mut() {
                    returned.join(state);
                }
            }),
            "exit" | "die" | "throw" => self.leave(|_, _| {}),
            "break" | "continue" => {
                let levels = match next.map(|next| &next.token) {
                    Some(Token::Number(digits)) => digits.parse().unwrap_or(1),
                    _ => 1_usize,
                };
                self.leave(|interpreter, state| {
                    let at = interpreter.breaks.len().checked_sub(levels);
                    if let Some(behind) = at.and_then(|at| interpreter.breaks.get_mut(at)) {
                        behind.join(state);
                    }
                })
            }
            "const" => self.const_statement(),
            "namespace" => {
                self.position += 1;
                self.namespace = match self.peek().map(|lexeme| &lexeme.token) {
                    Some(Token::Name(name)) => name.clone(),
                    _ => String::new(),
                };
                self.position += usize::from(!self.namespace.is_empty());
                Ok(())
            }
            "function" if next.is_some_and(|next| !next.is("(")) => self.skip_declaration(),
            "enum" if matches!(next.map(|next| &next.token), Some(Token::Name(_))) => {
                self.skip_declaration()
            }
            "class" | "interface" | "trait" | "abstract" | "final" | "readonly" => {
                self.skip_declaration()
            }
            "unset" => {
                let variables = self.simple_statement()?;
                for lexeme in variables {
                    match &lexeme.token {
                        Token::Variable(name) if name == "GLOBALS" => self.forget(lexeme),
                        Token::Variable(name) => {
                            self.interpreter.state.remove(&format!("${name}"));
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            "global" => {
                for lexeme in self.simple_statement()? {
                    match &lexeme.token {
                        Token::Variable(name) => {
                            let state = &mut self.interpreter.state;
                            state.declare_global(&format!("${name}"), &self.file, lexeme.line);
                        }
                        Token::Symbol("$") => {
                            self.doubt(Effect::Variables, &[], "", lexeme.line);
                        }
                        _ => {}
                    }
                }
                Ok(())
            }
            "goto" => {
                let line = lexeme.line;
                self.simple_statement()?;
                self.doubt(Effect::All, &[], "jumps to another line", line);
                self.interpreter.state.lose_order();
                Ok(())
            }
            "use" => self.simple_statement().map(drop),
            _ => self.expression_statement(),
        }
    }

    /// Handles `return`, `exit` and `break`: the code after it is not reached from here.
    fn leave(&mut self, keep: impl FnOnce(&mut Interpreter, State)) -> Result<()> {
        self.position += 1;
        let expression = self.simple_statement()?;
        self.side_effects(expression);
        let state = self.interpreter.state.take();
        keep(self.interpreter, state);
        Ok(())
    }

    /// Skips a function or class: its body runs elsewhere, if at all.
    fn skip_declaration(&mut self) -> Result<()> {
        while let Some(lexeme) = self.peek() {
            self.position += self.bracketed(0)?;
            if lexeme.is("{") || lexeme.is(";") {
                break;
            }
        }
        Ok(())
    }

    fn const_statement(&mut self) -> Result<()> {
        self.position += 1;
        let tokens = self.simple_statement()?;
        for item in split(tokens, ",") {
            let [first, equals, expression @ ..] = item else {
                continue;
            };
            if let (Token::Name(name), true) = (&first.token, equals.is("=")) {
                let value = self.scope().value(expression);
                let name = self.scope().full_name(name);
                self.define(&name, value, first.line);
            }
        }
        Ok(())
    }

    /// Follows the statements of a branch: one statement, or after `:` all statements up to one of the words in
    /// `ends`.
    fn body(&mut self, ends: &[&str]) -> Result<()> {
        if !self.take(":") {
            return self.statement();
        }
        while let Some(lexeme) = self.peek() {
            if ends.iter().any(|end| lexeme.is_word(end)) {
                break;
            }
            self.statement()?;
        }
        Ok(())
    }

    fn if_statement(&mut self) -> Result<()> {
        let mut behind = State::dead();
        self.position += 1;
        loop {
            let condition = self.in_brackets()?;
            let truth = self.condition(condition);
            let before = self.interpreter.state.clone();
            self.assume(truth, true);
            let is_alternative = self.is(":");
            self.body(&["elseif", "else", "endif"])?;
            self.interpreter.join(behind);
            behind = std::mem::replace(&mut self.interpreter.state, before);
            self.assume(truth, false);
            if self.take_word("elseif") {
                continue;
            }
            if self.take_word("else") {
                if self.take_word("if") {
                    continue;
                }
                self.body(&["endif"])?;
            }
            if is_alternative {
                self.take_word("endif");
            }
            self.interpreter.join(behind);
            return Ok(());
        }
    }

    fn switch_statement(&mut self) -> Result<()> {
        self.position += 1;
        let subject = self.in_brackets()?;
        self.side_effects(subject);
        let subject = self.scope().value(subject);
        let is_alternative = self.take(":");
        if !is_alternative && !self.take("{") {
            return Ok(());
        }
        // The paths that have not matched a case yet.
        let mut pending = self.interpreter.state.take();
        self.breakable(|script| {
            while script.peek().is_some() {
                if is_alternative && script.take_word("endswitch")
                    || !is_alternative && script.take("}")
                {
                    break;
                }
                if script.take_word("case") {
                    let label = script.case_label()?;
                    let here = std::mem::replace(&mut script.interpreter.state, pending.clone());
                    let truth = subject.equals(&script.scope().value(label), false);
                    script.assume(truth, true);
                    script.interpreter.join(here);
                    if truth == Some(true) {
                        pending = State::dead();
                    }
                } else if script.take_word("default") {
                    script.case_label()?;
                    script.interpreter.join(pending.take());
                } else {
                    script.statement()?;
                }
            }
            Ok(())
        })?;
        self.interpreter.join(pending);
        Ok(())
    }

    /// Follows statements that `break` leaves.
    fn breakable(&mut self, follow: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.interpreter.breaks.push(State::dead());
        follow(self)?;
        let broken = self.interpreter.breaks.pop().unwrap_or_else(State::dead);
        self.interpreter.join(broken);
        Ok(())
    }

    /// The label of a case up to `:` or `;`.
    fn case_label(&mut self) -> Result<&'a [Lexeme]> {
        let rest = self.rest();
        let mut end = 0;
        while let Some(lexeme) = rest.get(end)
            && ![":", ";", "}"].iter().any(|end| lexeme.is(end))
        {
            end += self.bracketed(end)?;
        }
        self.position += end;
        if !self.is("}") {
            self.position += 1;
        }
        Ok(rest.get(..end).unwrap_or_default())
    }

    /// Follows a loop not at all, once, and once more with all unknown that a round before may have left.
    fn loop_statement(&mut self, keyword: &str) -> Result<()> {
        let start = self.position;
        self.position += 1;
        let condition = self.in_brackets()?;
        let truth = self.condition(condition);
        let truth = truth.filter(|_| keyword.eq_ignore_ascii_case("while"));
        let before = self.interpreter.state.clone();
        if let Some(at) = condition.iter().position(|lexeme| lexeme.is_word("as")) {
            for lexeme in condition.get(at..).unwrap_or_default() {
                self.forget(lexeme);
            }
        }
        self.assume(truth, true);
        let end = format!("end{}", keyword.to_ascii_lowercase());
        let body = |script: &mut Self| {
            let is_alternative = script.is(":");
            script.body(&[&end])?;
            let _ = is_alternative && script.take_word(&end);
            Ok(true)
        };
        if keyword.eq_ignore_ascii_case("declare") {
            return body(self).map(drop);
        }
        self.rounds(start, before, body)
    }

    fn do_statement(&mut self) -> Result<()> {
        let start = self.position;
        self.position += 1;
        self.rounds(start, State::dead(), |script| {
            script.statement()?;
            script.take_word("while");
            let condition = script.in_brackets()?;
            Ok(script.condition(condition) != Some(false))
        })
    }

    /// Follows the rounds of a loop that begins at the token `start`; a round says whether another one may come. `behind`
    /// is the state where there is no round.
    fn rounds(
        &mut self,
        start: usize,
        behind: State,
        mut round: impl FnMut(&mut Self) -> Result<bool>,
    ) -> Result<()> {
        let body = self.position;
        self.interpreter.loops += 1;
        let result = self.breakable(|script| {
            let first = script.interpreter.state.clone();
            if !round(script)? {
                return Ok(());
            }
            let end = script.position;
            let whole = script.tokens.get(start..end).unwrap_or_default();
            let after_one = script.interpreter.state.clone();
            script.interpreter.join(first);
            let line = whole.first().map_or(1, |lexeme| lexeme.line);
            if script.interpreter.loops > MAX_LOOPS {
                script.doubt(Effect::All, &[], "begins a loop inside other loops", line);
            }
            for lexeme in calls::targets(whole) {
                script.interpreter.burn(1);
                script.forget(lexeme);
            }
            if script.interpreter.loops <= MAX_LOOPS {
                script.position = body;
                round(script)?;
                script.position = end;
            }
            script.interpreter.join(after_one);
            Ok(())
        });
        self.interpreter.loops -= 1;
        result?;
        self.interpreter.join(behind);
        Ok(())
    }

    /// Follows `try`. An exception may occur anywhere in the block, so `catch` begins with the state before the
    /// block joined with the state after it.
    fn try_statement(&mut self) -> Result<()> {
        self.position += 1;
        let before = self.interpreter.state.clone();
        let start = self.position;
        self.statement()?;
        let block = self.tokens.get(start..self.position).unwrap_or_default();
        let mut behind = self.interpreter.state.clone();
        self.interpreter.join(before);
        for lexeme in calls::targets(block) {
            self.interpreter.burn(1);
            self.forget(lexeme);
        }
        let thrown = self.interpreter.state.clone();
        while self.take_word("catch") {
            let exception = self.in_brackets()?;
            self.interpreter.state = thrown.clone();
            for lexeme in exception {
                self.forget(lexeme);
            }
            self.statement()?;
            let caught = self.interpreter.state.clone();
            let work = behind.join(caught);
            self.interpreter.burn(work);
        }
        self.interpreter.state = behind;
        if self.take_word("finally") {
            self.statement()?;
        }
        Ok(())
    }

    fn expression_statement(&mut self) -> Result<()> {
        let tokens = self.simple_statement()?;
        self.execute(tokens, MAX_DEPTH);
        Ok(())
    }
}

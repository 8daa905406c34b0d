//! Follows a settings file along every path that it may take.
//!
//! A condition whose value is known decides; with any other, both branches are followed and their results
//! joined, so that [`State`] knows all that a constant may hold in the end. This module follows the script
//! itself; its statements are in `statements`, the effects of expressions in `effects`.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::calls::{self, Functions};
use super::error::{Include, PhpPlace, SettingsError};
use super::expression::Scope;
use super::php::{self, Lexeme};
use super::slices::{bracketed, definition};
use super::state::State;
use super::text;
use super::tree;
use super::value::Value;

/// How many levels of nested blocks are followed.
pub(super) const MAX_DEPTH: u8 = 60;
/// How many levels of files that include files are followed.
const MAX_INCLUDES: usize = 5;
/// Number of tokens, names and bytes that are looked at before a file counts as too complex; a real file needs
/// a hundredth of it.
const FUEL: usize = 20_000_000;

pub(super) type Result<T> = std::result::Result<T, SettingsError>;

/// A script and what it has done so far.
pub(super) struct Interpreter {
    /// The constant that is wanted; once it is defined for certain, includes are not followed any more.
    wanted: &'static str,
    pub state: State,
    /// The states after the loops and switches that are open.
    pub(super) breaks: Vec<State>,
    /// The states after the files that are open.
    pub(super) returns: Vec<State>,
    pub not_followed: Vec<Include>,
    /// The first place that looks like the definition of the wanted constant, whether it is reached or not.
    pub mentioned: Option<PhpPlace>,
    /// The functions that the files declare.
    pub(super) functions: Rc<Functions>,
    /// How many loops are open.
    pub(super) loops: u8,
    /// Whether the script registers CiviCRM's class loader.
    pub registers_class_loader: bool,
    pub(super) fuel: Cell<usize>,
    /// The file that is followed first, and whether it may include files of others.
    first: Option<PathBuf>,
    include_outside: bool,
}

impl Interpreter {
    pub fn new(wanted: &'static str) -> Self {
        Self {
            first: None,
            include_outside: false,
            wanted,
            state: State::default(),
            breaks: Vec::new(),
            returns: Vec::new(),
            not_followed: Vec::new(),
            mentioned: None,
            functions: Rc::default(),
            loops: 0,
            registers_class_loader: false,
            fuel: Cell::new(FUEL),
        }
    }

    /// The same, which also includes files that belong to others.
    #[must_use]
    pub fn including_outside(self, include_outside: bool) -> Self {
        Self {
            include_outside,
            ..self
        }
    }

    /// Follows a file to its end.
    ///
    /// # Errors
    /// The file cannot be read, or is not PHP.
    pub fn run(&mut self, path: &Path) -> Result<()> {
        let bytes = text::read_text(path)?;
        self.first.get_or_insert_with(|| path.to_owned());
        let file: Rc<Path> = Rc::from(path);
        let unterminated = |place, what| SettingsError::Unterminated { place, what };
        let tokens = php::tokens(&bytes)
            .map_err(|it| unterminated(PhpPlace::new(&file, it.line), it.what))?;
        if tokens.is_empty() && !text::begins_php(&bytes) {
            return Err(SettingsError::NotPhp(path.to_owned()));
        }
        self.burn(bytes.len());
        if self.mentioned.is_none() {
            let line = definition(&tokens, self.wanted);
            self.mentioned = line.map(|line| PhpPlace::new(&file, line));
        }
        calls::declare(&tokens, Rc::make_mut(&mut self.functions));
        self.returns.push(State::dead());
        let breaks = std::mem::take(&mut self.breaks);
        let mut script = Script {
            interpreter: self,
            file,
            tokens: &tokens,
            position: 0,
            namespace: String::new(),
            depth: MAX_DEPTH,
        };
        let result = script.follow();
        self.breaks = breaks;
        let returned = self.returns.pop().unwrap_or_else(State::dead);
        self.join(returned);
        result
    }

    pub(super) fn join(&mut self, other: State) {
        let work = self.state.join(other);
        self.burn(work);
    }

    pub(super) fn burn(&mut self, work: usize) {
        self.fuel.set(self.fuel.get().saturating_sub(work));
    }

    /// Follows an included file, or records that it cannot be read. `is_literal`: no variable and no constant is a
    /// part of its name.
    ///
    /// # Errors
    /// The file was not followed: what the line does that is not known.
    pub(super) fn include(
        &mut self,
        path: Option<PathBuf>,
        is_literal: bool,
        place: PhpPlace,
    ) -> std::result::Result<(), &'static str> {
        if self.state.is_dead {
            return Ok(());
        }
        if self.state.slot(self.wanted).is_some_and(|slot| slot.always) {
            return Err("includes a file that was not read");
        }
        let before = self.state.clone();
        let is_outside = match (&path, &self.first) {
            _ if self.include_outside => false,
            (Some(path), Some(first)) => path.exists() && !tree::is_own(first, path),
            _ => false,
        };
        let is_read = match &path {
            Some(path) if self.returns.len() <= MAX_INCLUDES && !is_outside => {
                self.run(path).is_ok()
            }
            _ => false,
        };
        if is_read {
            return Ok(());
        }
        self.state = before;
        let include = Include::new(place, path.as_deref(), is_literal, is_outside);
        if self.not_followed.iter().all(|it| it.path != include.path) {
            self.not_followed.push(include);
        }
        Err(match is_outside {
            true => {
                "includes a file that is neither the site's own nor its owner's (--include-outside reads it all the same)"
            }
            false => "includes a file that cannot be read here",
        })
    }
}

/// A file that is being followed.
pub(super) struct Script<'a> {
    pub(super) interpreter: &'a mut Interpreter,
    pub(super) file: Rc<Path>,
    pub(super) tokens: &'a [Lexeme],
    pub(super) position: usize,
    pub(super) namespace: String,
    pub(super) depth: u8,
}

impl<'a> Script<'a> {
    pub(super) fn follow(&mut self) -> Result<()> {
        while self.position < self.tokens.len() {
            self.statement()?;
        }
        Ok(())
    }

    pub(super) fn peek(&self) -> Option<&'a Lexeme> {
        self.tokens.get(self.position)
    }

    pub(super) fn rest(&self) -> &'a [Lexeme] {
        self.tokens.get(self.position..).unwrap_or_default()
    }

    pub(super) fn is(&self, symbol: &str) -> bool {
        self.peek().is_some_and(|lexeme| lexeme.is(symbol))
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.position += usize::from(found);
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|lexeme| lexeme.is_word(word));
        self.position += usize::from(found);
        found
    }

    pub(super) fn place(&self) -> PhpPlace {
        let lexeme = self.peek().or(self.tokens.last());
        PhpPlace::new(&self.file, lexeme.map_or(1, |lexeme| lexeme.line))
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            state: &self.interpreter.state,
            file: &self.file,
            namespace: &self.namespace,
            fuel: &self.interpreter.fuel,
        }
    }

    /// The tokens up to the next `;`, which is skipped.
    pub(super) fn simple_statement(&mut self) -> Result<&'a [Lexeme]> {
        let rest = self.rest();
        let mut end = 0;
        while let Some(lexeme) = rest.get(end) {
            // `}` without a bracket of its own ends the block, and with it the statement.
            if lexeme.is(";") || lexeme.is("}") {
                break;
            }
            end += self.bracketed(end)?;
        }
        let tokens = rest.get(..end).unwrap_or_default();
        self.interpreter.burn(end);
        self.position += end;
        // Outside of blocks, a lone `}` must not stop the reader for ever.
        if !self.take(";") && end == 0 {
            self.position += 1;
        }
        Ok(tokens)
    }

    /// The length of what begins `ahead` tokens ahead: one token, or all tokens up to the closing bracket.
    pub(super) fn bracketed(&self, ahead: usize) -> Result<usize> {
        let rest = self.rest().get(ahead..).unwrap_or_default();
        bracketed(rest).ok_or_else(|| SettingsError::Unterminated {
            place: PhpPlace::new(&self.file, rest.first().map_or(1, |lexeme| lexeme.line)),
            what: "bracket",
        })
    }

    /// The tokens inside the brackets that begin here.
    pub(super) fn in_brackets(&mut self) -> Result<&'a [Lexeme]> {
        if !self.is("(") {
            return Ok(&[]);
        }
        let length = self.bracketed(0)?;
        let inside = self.rest().get(1..length - 1).unwrap_or_default();
        self.interpreter.burn(length);
        self.position += length;
        Ok(inside)
    }

    pub(super) fn define(&mut self, name: &str, value: Value, line: u64) {
        self.interpreter.state.define(name, value, &self.file, line);
    }

    /// Carries out the effects of a condition, and returns whether it holds; `None` if that cannot be known.
    pub(super) fn condition(&mut self, tokens: &[Lexeme]) -> Option<bool> {
        self.side_effects(tokens);
        self.scope().truth(tokens)
    }

    /// Keeps only the paths on which a condition of this truth comes out as `wanted`.
    pub(super) fn assume(&mut self, truth: Option<bool>, wanted: bool) {
        if truth == Some(!wanted) {
            self.interpreter.state = State::dead();
        }
    }
}

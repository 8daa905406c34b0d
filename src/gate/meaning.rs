//! What a statement is meant to be, and whether it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::dialect::MySqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::operation::Operation;
use super::problem::{Blocked, Problem, blocked};
use super::tokens::{match_parentheses, quoted, tokens};

/// Longer statements are judged by their tokens alone where they hold no words but those of
/// [`Operation::words_about_rows`]: their syntax tree would take many times their memory.
pub(super) const LONGEST_PARSED: usize = 64 << 10;

/// The most characters of an identifier. MariaDB cuts a longer name of a database in a GRANT, and so
/// grants on another one.
const LONGEST_NAME: usize = 64;

/// What a statement is meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    operation: Operation,
    names: Names,
}

/// Identifiers of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    /// These are quoted in it, and of the others that may be, any.
    Exactly {
        /// Identifiers that it holds.
        all: BTreeSet<String>,
        /// Identifiers that it may hold besides.
        others: Arc<BTreeSet<String>>,
    },
    /// It is about this table and these are quoted in it; the others are not known here.
    AtLeast {
        /// The table, which stands behind the first words.
        table: String,
        /// Identifiers that it holds.
        all: BTreeSet<String>,
    },
}

impl Meaning {
    /// A statement that does `operation` and quotes just the identifiers `names`.
    pub fn new<N: Into<String>>(operation: Operation, names: impl IntoIterator<Item = N>) -> Self {
        Self {
            operation,
            names: Names::Exactly {
                all: names.into_iter().map(Into::into).collect(),
                others: Arc::default(),
            },
        }
    }

    /// A statement that does `operation` to a table. Whatever else it names is not known here, as of
    /// a statement that a journal holds.
    pub fn of_table(operation: Operation, table: &str) -> Self {
        Self {
            operation,
            names: Names::AtLeast {
                table: table.to_owned(),
                all: BTreeSet::new(),
            },
        }
    }

    /// The same about a table, with others that are not known here, as in a definition that a server
    /// printed.
    #[must_use]
    pub fn at_least(self, table: &str) -> Self {
        let (Names::Exactly { all, .. } | Names::AtLeast { all, .. }) = self.names;
        let table = table.to_owned();
        Self {
            operation: self.operation,
            names: Names::AtLeast { table, all },
        }
    }

    /// Adds the identifiers of a piece of SQL that the statement takes over as it is, such as the
    /// expression of a generated column.
    ///
    /// # Errors
    /// The piece cannot be read.
    pub fn with_piece(mut self, piece: &str) -> Result<Self, Blocked> {
        let tokens = tokens(piece).map_err(|problem| blocked(piece, problem))?;
        if let Names::Exactly { all, .. } = &mut self.names {
            all.extend(quoted(&tokens));
        }
        Ok(self)
    }

    /// Identifiers that the statement may hold besides, as the columns of a table in a definition that
    /// the server printed.
    #[must_use]
    pub fn or_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        if let Names::Exactly { others, .. } = &mut self.names {
            Arc::make_mut(others).extend(names.into_iter().map(Into::into));
        }
        self
    }

    /// The identifiers that the statement has to hold.
    pub(crate) fn names(&self) -> &BTreeSet<String> {
        let (Names::Exactly { all, .. } | Names::AtLeast { all, .. }) = &self.names;
        all
    }

    /// Lets a statement pass that is what it is meant to be.
    ///
    /// # Errors
    /// It is something else.
    pub fn pass(&self, statement: String) -> Result<String, Blocked> {
        match self.judge(&statement) {
            Ok(()) => Ok(statement),
            Err(problem) => Err(blocked(&statement, problem)),
        }
    }

    fn judge(&self, statement: &str) -> Result<(), Problem> {
        let tokens = tokens(statement)?;
        let mut words = tokens.iter().take(self.operation.words().len());
        let begins = words.len() == self.operation.words().len()
            && self.operation.words().iter().all(|word| {
                matches!(words.next(), Some(Token::Word(found))
                    if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
            });
        if !begins {
            return Err(Problem::OtherOperation(self.operation));
        }
        match_parentheses(&tokens)?;
        self.compare_names(&tokens)?;
        self.check_lengths(&tokens)?;
        let words = self.operation.words_about_rows();
        let is_about_rows = |token: &Token| match token {
            Token::Word(word) if word.quote_style.is_none() => words
                .iter()
                .any(|known| word.value.eq_ignore_ascii_case(known)),
            _ => true,
        };
        if statement.len() > LONGEST_PARSED && tokens.iter().all(is_about_rows) {
            return Ok(());
        }
        let mut parser = Parser::new(&MySqlDialect {}).with_tokens(tokens);
        match parser.parse_statements().as_deref() {
            Ok([one]) if self.operation.is(one) => Ok(()),
            Ok([_]) => Err(Problem::OtherOperation(self.operation)),
            Ok(_) => Err(Problem::NotOne),
            // What the parser does not know of definitions and grants has been judged by its tokens.
            Err(_) if words.is_empty() => Ok(()),
            Err(error) => Err(Problem::Unreadable(error.to_string())),
        }
    }

    /// Names of accounts, which stand at the end, may be longer than others.
    fn check_lengths(&self, tokens: &[Token]) -> Result<(), Problem> {
        let is_to =
            |token: &Token| matches!(token, Token::Word(word) if word.keyword == Keyword::TO);
        let end = match self.operation {
            Operation::SetDefaultRole
            | Operation::ShowGrants
            | Operation::CreateUser
            | Operation::Revoke => 0,
            Operation::Grant => tokens.iter().position(is_to).unwrap_or(tokens.len()),
            _ => tokens.len(),
        };
        let mut names = quoted(tokens.get(..end).unwrap_or_default());
        match names.find(|name| name.chars().count() > LONGEST_NAME) {
            Some(name) => Err(Problem::TooLong(name)),
            None => Ok(()),
        }
    }

    fn compare_names(&self, tokens: &[Token]) -> Result<(), Problem> {
        let found: BTreeSet<String> = quoted(tokens).collect();
        let is_beyond = |name: &&String| name.chars().any(|character| character > '\u{ffff}');
        if let Some(name) = found.iter().find(is_beyond) {
            return Err(Problem::NotStorable(name.clone()));
        }
        match &self.names {
            Names::Exactly { all, others } => {
                let missing: Vec<String> = all.difference(&found).cloned().collect();
                let unexpected = found.difference(all);
                let unexpected: Vec<String> = unexpected
                    .filter(|name| !others.contains(*name))
                    .cloned()
                    .collect();
                if missing.is_empty() && unexpected.is_empty() {
                    return Ok(());
                }
                Err(Problem::OtherNames {
                    missing,
                    unexpected,
                })
            }
            Names::AtLeast { table, all } => {
                let mut missing: Vec<String> = all.difference(&found).cloned().collect();
                let target = tokens.get(self.operation.words().len());
                if !matches!(target, Some(Token::Word(word)) if word.value == *table) {
                    missing.push(table.clone());
                }
                if missing.is_empty() {
                    return Ok(());
                }
                Err(Problem::OtherNames {
                    missing,
                    unexpected: Vec::new(),
                })
            }
        }
    }
}

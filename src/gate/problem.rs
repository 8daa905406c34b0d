//! Why a statement does not pass.

use std::fmt;

use super::operation::Operation;
use crate::text::printable;

/// Why a statement did not pass the gate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a statement is not what it is meant to be ({problem}), so it is neither printed nor run: {}", shown(.statement))]
pub struct Blocked {
    /// The statement.
    pub statement: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not SQL.
    Unreadable(String),
    /// It is not exactly one statement.
    NotOne,
    /// It holds a comment, in which something may hide.
    Comment,
    /// A NUL character, which no identifier may hold.
    Nul,
    /// It does something else.
    OtherOperation(Operation),
    /// Its parentheses do not match.
    Parentheses,
    /// An identifier is longer than servers take.
    TooLong(String),
    /// An identifier has a character beyond U+FFFF, in the place of which MySQL takes a question mark.
    NotStorable(String),
    /// An index has a column whose name looks like an expression, so that it cannot be told which of
    /// the two it is.
    LooksLikeExpression(String),
    /// A statement about rows holds something else than names, constants and comparisons.
    NotRowsAlone(String),
    /// It names other things.
    OtherNames {
        /// Identifiers that should be in it and are not.
        missing: Vec<String>,
        /// Identifiers that are in it and should not be.
        unexpected: Vec<String>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            let names = names.iter().map(|name| format!("`{}`", printable(name)));
            names.collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Unreadable(why) => write!(f, "it cannot be read: {}", printable(why)),
            Self::NotOne => f.write_str("it is not exactly one statement"),
            Self::Comment => f.write_str("it holds a comment"),
            Self::Nul => f.write_str("it holds a NUL character"),
            Self::OtherOperation(meant) => {
                write!(f, "it should be {}", meant.words().join(" "))
            }
            Self::LooksLikeExpression(column) => {
                write!(
                    f,
                    "the column {} looks like an expression",
                    printable(column)
                )
            }
            Self::Parentheses => f.write_str("its parentheses do not match"),
            Self::NotRowsAlone(what) => write!(
                f,
                "it holds {}, which is not a name, a constant or a comparison that says which rows",
                printable(what)
            ),
            Self::NotStorable(name) => {
                let name = list(std::slice::from_ref(name));
                write!(f, "{name} has a character that no identifier may have")
            }
            Self::TooLong(name) => write!(f, "{} is too long", list(std::slice::from_ref(name))),
            Self::OtherNames {
                missing,
                unexpected,
            } => match (missing.is_empty(), unexpected.is_empty()) {
                (_, true) => write!(f, "it lacks {}", list(missing)),
                (true, _) => write!(f, "it names {}", list(unexpected)),
                _ => write!(
                    f,
                    "it names {} instead of {}",
                    list(unexpected),
                    list(missing)
                ),
            },
        }
    }
}

/// The beginning of a statement, safe for a terminal.
fn shown(statement: &str) -> String {
    let mut shown: String = statement.chars().take(200).collect();
    if shown.len() < statement.len() {
        shown.push('…');
    }
    printable(&shown.replace('\n', " "))
}

pub(super) fn blocked(statement: &str, problem: Problem) -> Blocked {
    Blocked {
        statement: statement.to_owned(),
        problem,
    }
}

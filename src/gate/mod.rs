//! The gate: every statement that cividb generates is read back before it is printed or run.
//!
//! Names in a database may hold anything: quotes, semicolons, comments, the text of other
//! statements. The generators quote them; the gate does not rely on that. It reads the finished text
//! with `sqlparser`, which shares no code with the generators or with the lexer that reads dumps, and
//! compares what it finds with what the plan means: one statement, the operation that is meant, and
//! exactly the quoted identifiers that the plan holds. A statement that is anything else is named
//! and neither printed nor run.
//!
//! `sqlparser` does not know all of MySQL's and MariaDB's syntax. A definition or a grant that it cannot
//! parse is judged by its tokens alone: its first words, its parentheses and its identifiers.

mod meaning;
mod operation;
mod problem;
mod rows;
#[cfg(test)]
mod tests;
mod tokens;

pub use meaning::Meaning;
pub use operation::Operation;
pub use problem::{Blocked, Problem};
pub use rows::rows_alone;
pub(crate) use tokens::identifiers;
pub use tokens::target;

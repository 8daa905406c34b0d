//! Statements as they are printed in scripts.

use crate::text::{sql_comment, sql_statement};

/// A statement that has passed the gate, or a comment that says why it has not; see [`sql_statement`].
pub(super) fn or_comment(passed: Result<String, impl std::fmt::Display>) -> String {
    match passed {
        Ok(statement) => sql_statement(statement),
        Err(why) => sql_comment(&format!("left out: {why}")),
    }
}

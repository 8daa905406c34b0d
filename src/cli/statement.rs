//! Statements as they are printed.

use crate::text::{printable, printable_lines};

/// A statement that has passed the gate, or a comment that says why it has not. In the place of a
/// statement with control characters in a name stands a comment as well: what is printed must
/// neither move the cursor nor become another statement.
pub(super) fn or_comment(passed: Result<String, impl std::fmt::Display>) -> String {
    let statement = match passed {
        Ok(statement) => statement,
        Err(why) => return format!("-- left out: {}", printable(&why.to_string())),
    };
    let shown = printable_lines(&statement);
    match shown == statement {
        true => statement,
        false => format!("-- left out for its names: {}", shown.replace('\n', " ")),
    }
}

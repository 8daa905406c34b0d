//! Why a text cannot be read as a statement.

/// Text that no server would take for a statement, or that this grammar does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: expected {expected}, found {found}")]
pub struct DdlError {
    /// Offset in the statement, in bytes.
    pub offset: usize,
    /// The text that could have stood there.
    pub expected: &'static str,
    /// The text that stands there, shortened to 40 characters.
    pub found: String,
}

/// The text expected where a text is not a statement at all.
pub(super) const STATEMENT: &str = "an SQL statement";

impl DdlError {
    /// Whether the text does not even begin like a statement, unlike a statement that goes wrong further on.
    pub fn is_no_statement(&self) -> bool {
        self.expected == STATEMENT
    }
}

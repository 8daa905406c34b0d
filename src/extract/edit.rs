//! Exact replacements in the text of one statement, each of a clause that the lexer has found.

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;

use crate::schema::lexer::{Lexeme, Lexer, SqlModes, Token};

/// What a replacement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The account that a view or stored program runs as.
    Definer,
    /// A collation.
    Collation,
    /// Flags of `sql_mode`.
    SqlMode,
    /// An option of a table.
    TableOption,
    /// The default of a text column, as an expression.
    Default,
    /// A generated column, made after its table's rows.
    GeneratedColumn,
    /// The name of the database.
    Database,
    /// Which transactions the source had run.
    Gtid,
    /// Whether the restore gets into the binary log.
    BinaryLog,
    /// MariaDB's sandbox mark.
    SandboxLine,
    /// A statement that only MariaDB runs.
    VersionComment,
    /// A setting of the session that the rest of the dump needs.
    SessionVariable,
    /// A list of tables, of which some are left out.
    TableList,
    /// A function or trigger of CiviCRM that the dump lacks.
    Program,
}

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What it is about.
    pub subject: Subject,
    /// The bytes of the statement that are replaced.
    pub range: Range<usize>,
    /// The text that stands in their place.
    pub with: String,
}

/// The text of a statement for the lexer: with the same bytes at the same places, but for those that are not UTF-8.
pub(super) fn readable(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(text) {
        return Cow::Borrowed(text);
    }
    // Letters of another character set: part of a name, a string or a comment.
    let ascii = text
        .iter()
        .map(|&byte| if byte.is_ascii() { byte } else { b'x' });
    Cow::Owned(ascii.map(char::from).collect())
}

/// The tokens of a statement, without the one that marks its end.
pub(super) fn tokens(text: &str, modes: SqlModes) -> Vec<Lexeme<'_>> {
    let mut lexer = Lexer::new(text, modes);
    let mut tokens = Vec::new();
    loop {
        let lexeme = lexer.next_lexeme();
        if matches!(lexeme.token, Token::End | Token::Unterminated(_)) {
            return tokens;
        }
        tokens.push(lexeme);
    }
}

/// The text after the replacements, which do not overlap.
#[cfg(test)]
pub(super) fn edited(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.range.start);
    let mut result = Vec::new();
    let mut at = 0;
    for edit in edits {
        result.extend_from_slice(text.get(at..edit.range.start).unwrap_or_default());
        result.extend_from_slice(edit.with.as_bytes());
        at = edit.range.end;
    }
    result.extend_from_slice(text.get(at..).unwrap_or_default());
    result
}

//! Stand-in until the lexer lands.
/// Flags of `sql_mode` that change how text is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqlModes {
    /// `ANSI_QUOTES`.
    pub ansi_quotes: bool,
    /// `NO_BACKSLASH_ESCAPES`.
    pub no_backslash_escapes: bool,
}

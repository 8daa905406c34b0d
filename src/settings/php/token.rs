//! What tokens are.

/// A token and its line, counted from 1. Tokens hold passwords, so none of these types is `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Lexeme {
    pub token: Token,
    pub line: u64,
}

#[derive(Clone, PartialEq, Eq)]
pub(in super::super) enum Token {
    /// A variable, `$name`, without the `$`.
    Variable(String),
    /// A keyword, constant or function, with its namespace.
    Name(String),
    /// A number as written.
    Number(String),
    /// A string of any kind.
    Text(Vec<StringPart>),
    /// An operator or bracket. `?>` counts as `;`, as it does for PHP.
    Symbol(&'static str),
    /// A byte that does not begin a token.
    Other,
}

/// A piece of a string.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) enum StringPart {
    Literal(Vec<u8>),
    /// An expression that stands as `$x`, `$x[key]`, `{$…}` or `${…}` in the string.
    Expression(Vec<Lexeme>),
}

/// A string, comment, heredoc or bracket that begins and never ends.
#[derive(Clone, Copy)]
pub(in super::super) struct Unterminated {
    pub what: &'static str,
    pub line: u64,
}

impl Unterminated {
    pub fn new(what: &'static str, line: u64) -> Self {
        Self { what, line }
    }
}

impl Lexeme {
    pub fn is(&self, symbol: &str) -> bool {
        matches!(self.token, Token::Symbol(this) if this == symbol)
    }

    /// Whether the token is the keyword, in any letter case.
    pub fn is_word(&self, keyword: &str) -> bool {
        matches!(&self.token, Token::Name(name) if name.eq_ignore_ascii_case(keyword))
    }
}

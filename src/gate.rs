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

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use sqlparser::ast::{ObjectType, Statement};
use sqlparser::dialect::MySqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use crate::text::printable;

/// Longer statements are judged by their tokens alone where they hold no words but those of
/// [`Operation::words_about_rows`]: their syntax tree would take many times their memory.
const LONGEST_PARSED: usize = 64 << 10;

/// The most characters of an identifier. MariaDB cuts a longer name of a database in a GRANT, and so
/// grants on another one.
const LONGEST_NAME: usize = 64;

/// What one statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// ALTER TABLE
    AlterTable,
    /// CREATE TABLE
    CreateTable,
    /// CREATE DATABASE
    CreateDatabase,
    /// DROP TABLE
    DropTable,
    /// SELECT
    Select,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
    /// LOCK TABLES
    LockTables,
    /// SHOW CREATE of a table, view, trigger, routine or event
    ShowCreate,
    /// GRANT
    Grant,
    /// SET DEFAULT ROLE
    SetDefaultRole,
    /// SHOW GRANTS
    ShowGrants,
    /// CREATE TEMPORARY TABLE
    CreateTemporaryTable,
    /// DROP TEMPORARY TABLE
    DropTemporaryTable,
    /// LOAD DATA
    LoadData,
    /// ALTER DATABASE
    AlterDatabase,
    /// USE
    Use,
    /// SET SESSION
    SetSession,
    /// CREATE USER
    CreateUser,
    /// REVOKE
    Revoke,
    /// CHECKSUM TABLE
    Checksum,
    /// CREATE VIEW
    CreateView,
    /// CREATE OR REPLACE VIEW
    ReplaceView,
    /// DROP VIEW
    DropView,
    /// CREATE TRIGGER
    CreateTrigger,
    /// DROP TRIGGER
    DropTrigger,
    /// CREATE FUNCTION
    CreateFunction,
    /// DROP FUNCTION
    DropFunction,
    /// CREATE INDEX
    CreateIndex,
    /// CREATE UNIQUE INDEX
    CreateUniqueIndex,
    /// DROP INDEX
    DropIndex,
    /// TRUNCATE TABLE
    Truncate,
    /// INSERT IGNORE
    InsertIgnore,
    /// REPLACE
    Replace,
    /// UPDATE IGNORE
    UpdateIgnore,
    /// UNLOCK TABLES
    UnlockTables,
    /// RENAME TABLE
    RenameTable,
    /// DROP DATABASE
    DropDatabase,
    /// DROP PROCEDURE
    DropProcedure,
}

impl Operation {
    /// The words that such a statement begins with.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::AlterTable => &["ALTER", "TABLE"],
            Self::CreateTable => &["CREATE", "TABLE"],
            Self::CreateDatabase => &["CREATE", "DATABASE"],
            Self::DropTable => &["DROP", "TABLE"],
            Self::Select => &["SELECT"],
            Self::Insert => &["INSERT", "INTO"],
            Self::Update => &["UPDATE"],
            Self::Delete => &["DELETE", "FROM"],
            Self::LockTables => &["LOCK", "TABLES"],
            Self::ShowCreate => &["SHOW", "CREATE"],
            Self::Grant => &["GRANT"],
            Self::SetDefaultRole => &["SET", "DEFAULT", "ROLE"],
            Self::ShowGrants => &["SHOW", "GRANTS"],
            Self::CreateTemporaryTable => &["CREATE", "TEMPORARY", "TABLE"],
            Self::DropTemporaryTable => &["DROP", "TEMPORARY", "TABLE"],
            Self::LoadData => &["LOAD", "DATA"],
            Self::AlterDatabase => &["ALTER", "DATABASE"],
            Self::Use => &["USE"],
            Self::SetSession => &["SET", "SESSION"],
            Self::CreateUser => &["CREATE", "USER"],
            Self::Revoke => &["REVOKE"],
            Self::Checksum => &["CHECKSUM", "TABLE"],
            Self::CreateView => &["CREATE", "VIEW"],
            Self::ReplaceView => &["CREATE", "OR", "REPLACE", "VIEW"],
            Self::DropView => &["DROP", "VIEW"],
            Self::CreateTrigger => &["CREATE", "TRIGGER"],
            Self::DropTrigger => &["DROP", "TRIGGER"],
            Self::CreateFunction => &["CREATE", "FUNCTION"],
            Self::DropFunction => &["DROP", "FUNCTION"],
            Self::CreateIndex => &["CREATE", "INDEX"],
            Self::CreateUniqueIndex => &["CREATE", "UNIQUE", "INDEX"],
            Self::DropIndex => &["DROP", "INDEX"],
            Self::Truncate => &["TRUNCATE", "TABLE"],
            Self::InsertIgnore => &["INSERT", "IGNORE", "INTO"],
            Self::Replace => &["REPLACE", "INTO"],
            Self::UpdateIgnore => &["UPDATE", "IGNORE"],
            Self::UnlockTables => &["UNLOCK", "TABLES"],
            Self::RenameTable => &["RENAME", "TABLE"],
            Self::DropDatabase => &["DROP", "DATABASE"],
            Self::DropProcedure => &["DROP", "PROCEDURE"],
        }
    }

    /// The words of such a statement about many rows, besides their values; none where it is about
    /// something else.
    fn words_about_rows(self) -> &'static [&'static str] {
        match self {
            Self::Insert => &["INSERT", "INTO", "VALUES", "NULL", "DEFAULT"],
            Self::Delete => &["DELETE", "FROM", "WHERE", "IN"],
            Self::Update => &[
                "UPDATE", "SET", "WHERE", "IN", "AND", "IS", "NOT", "NULL", "CASE", "WHEN", "THEN",
                "END",
            ],
            Self::Select => &[
                "SELECT", "COUNT", "FROM", "LEFT", "JOIN", "AS", "ON", "WHERE", "IN", "AND", "IS",
                "NOT", "NULL", "FOR", "UPDATE",
            ],
            _ => &[],
        }
    }

    /// Whether a parsed statement does this.
    fn is(self, statement: &Statement) -> bool {
        match statement {
            Statement::AlterTable(_) => self == Self::AlterTable,
            Statement::CreateTable(_) => {
                matches!(self, Self::CreateTable | Self::CreateTemporaryTable)
            }
            Statement::CreateDatabase { .. } => self == Self::CreateDatabase,
            Statement::Drop { object_type, .. } => match object_type {
                ObjectType::Table => matches!(self, Self::DropTable | Self::DropTemporaryTable),
                ObjectType::View => self == Self::DropView,
                ObjectType::Index => self == Self::DropIndex,
                ObjectType::Database => self == Self::DropDatabase,
                _ => false,
            },
            Statement::CreateView(_) => matches!(self, Self::CreateView | Self::ReplaceView),
            Statement::CreateTrigger(_) => self == Self::CreateTrigger,
            Statement::DropTrigger(_) => self == Self::DropTrigger,
            Statement::CreateFunction(_) => self == Self::CreateFunction,
            Statement::DropFunction(_) => self == Self::DropFunction,
            Statement::DropProcedure { .. } => self == Self::DropProcedure,
            Statement::RenameTable(_) => self == Self::RenameTable,
            Statement::CreateIndex(_) => {
                matches!(self, Self::CreateIndex | Self::CreateUniqueIndex)
            }
            Statement::Truncate(_) => self == Self::Truncate,
            Statement::UnlockTables => self == Self::UnlockTables,
            Statement::Query(_) => self == Self::Select,
            Statement::Insert(_) => {
                matches!(self, Self::Insert | Self::InsertIgnore | Self::Replace)
            }
            Statement::Update(_) => matches!(self, Self::Update | Self::UpdateIgnore),
            Statement::Delete(_) => self == Self::Delete,
            Statement::LockTables { .. } => self == Self::LockTables,
            Statement::ShowCreate { .. } => self == Self::ShowCreate,
            Statement::Grant(_) => self == Self::Grant,
            Statement::CreateUser(_) => self == Self::CreateUser,
            Statement::Revoke(_) => self == Self::Revoke,
            // The parser takes for it whatever it does not know behind SHOW.
            Statement::ShowVariable { .. } => self == Self::ShowGrants,
            Statement::LoadData { .. } => self == Self::LoadData,
            Statement::Use(_) => self == Self::Use,
            Statement::Set(_) => matches!(self, Self::SetSession | Self::SetDefaultRole),
            _ => false,
        }
    }
}

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

/// Words of a statement about rows that a journal may hold, by its operation.
fn words_of_rows(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Insert => &["INSERT", "INTO", "VALUES", "NULL", "DEFAULT"],
        Operation::Update => &[
            "UPDATE", "SET", "WHERE", "IN", "AND", "IS", "NOT", "NULL", "CASE", "WHEN", "THEN",
            "END", "CAST", "AS", "BINARY",
        ],
        Operation::Select => &[
            "SELECT", "COUNT", "FROM", "WHERE", "IN", "AND", "IS", "NOT", "NULL", "CAST", "AS",
            "BINARY",
        ],
        _ => &[],
    }
}

/// Lets a statement of a journal pass that writes or counts rows of one table: an INSERT, an UPDATE or a
/// SELECT of nothing but names, constants and comparisons. It holds no subquery, no other table, no variable
/// and no call of a function, whose body could do anything.
///
/// # Errors
/// It is something else.
pub fn rows_alone(operation: Operation, table: &str, statement: String) -> Result<String, Blocked> {
    match are_rows_alone(operation, table, &statement) {
        Ok(()) => Ok(statement),
        Err(problem) => Err(blocked(&statement, problem)),
    }
}

fn are_rows_alone(operation: Operation, table: &str, statement: &str) -> Result<(), Problem> {
    let tokens = tokens(statement)?;
    // Of version comments the tokens say nothing.
    if has_comment(statement) {
        return Err(Problem::Comment);
    }
    let is_word = |place: usize, word: &str| {
        matches!(tokens.get(place), Some(Token::Word(found))
            if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
    };
    let count = |word: &str| {
        (0..tokens.len())
            .filter(|place| is_word(*place, word))
            .count()
    };
    let target = match operation {
        Operation::Select => (0..tokens.len()).find(|place| is_word(*place, "FROM")),
        _ => Some(operation.words().len().saturating_sub(1)),
    };
    let target = target.map_or(usize::MAX, |place| place.saturating_add(1));
    let begins = operation.words().iter().enumerate();
    let is_begun = begins.fold(true, |so_far, (place, word)| so_far && is_word(place, word));
    let is_single = count(operation.words().first().copied().unwrap_or_default()) == 1;
    let behind = target.saturating_add(1);
    let goes_on = match operation {
        Operation::Select => is_word(behind, "WHERE") && count("FROM") == 1,
        Operation::Update => is_word(behind, "SET"),
        _ => tokens.get(behind) == Some(&Token::LParen),
    };
    if !is_begun || !is_single || !goes_on {
        return Err(Problem::OtherOperation(operation));
    }
    if !matches!(tokens.get(target), Some(Token::Word(word)) if word.value == table) {
        return Err(Problem::OtherNames {
            missing: vec![table.to_owned()],
            unexpected: Vec::new(),
        });
    }
    match_parentheses(&tokens)?;
    let words = words_of_rows(operation);
    // The statements about versions do not quote their names.
    let bare: &[&str] = match table {
        "civicrm_domain" => &["civicrm_domain", "id", "version"],
        _ => &[],
    };
    for (place, token) in tokens.iter().enumerate() {
        let is_call = tokens.get(place + 1) == Some(&Token::LParen);
        let is_list = operation == Operation::Insert && place == target;
        let fits = match token {
            Token::Word(word) => match word.quote_style {
                Some('`') => !is_call || is_list,
                None if bare.contains(&word.value.as_str()) => !is_call,
                None => words
                    .iter()
                    .any(|known| word.value.eq_ignore_ascii_case(known)),
                _ => false,
            },
            Token::Mul => place > 1 && is_word(place - 2, "COUNT"),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::Comma
            | Token::LParen
            | Token::RParen
            | Token::Eq
            | Token::Plus
            | Token::Minus => true,
            _ => false,
        };
        if !fits {
            return Err(Problem::NotRowsAlone(token.to_string()));
        }
    }
    Ok(())
}

/// Whether a comment in `/*` begins outside quotes.
fn has_comment(statement: &str) -> bool {
    let (mut quote, mut is_escaped, mut before) = (None, false, ' ');
    for character in statement.chars() {
        match quote {
            _ if is_escaped => is_escaped = false,
            Some('\'' | '"') if character == '\\' => is_escaped = true,
            Some(open) if character == open => quote = None,
            None if matches!(character, '`' | '\'' | '"') => quote = Some(character),
            None if before == '/' && character == '*' => return true,
            _ => {}
        }
        before = character;
    }
    false
}

/// The table that a statement is about, where that stands right after its first words.
pub fn target(operation: Operation, statement: &str) -> Option<String> {
    match tokens(statement).ok()?.get(operation.words().len())? {
        Token::Word(word) => Some(word.value.clone()),
        _ => None,
    }
}

fn blocked(statement: &str, problem: Problem) -> Blocked {
    Blocked {
        statement: statement.to_owned(),
        problem,
    }
}

/// The tokens of one statement, without white space.
fn tokens(statement: &str) -> Result<Vec<Token>, Problem> {
    if statement.contains('\0') {
        return Err(Problem::Nul);
    }
    let all = Tokenizer::new(&MySqlDialect {}, statement)
        .tokenize()
        .map_err(|error| Problem::Unreadable(error.message))?;
    let mut tokens = Vec::with_capacity(all.len() / 2);
    for token in all {
        match token {
            Token::Whitespace(
                Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
            ) => return Err(Problem::Comment),
            Token::Whitespace(_) => {}
            Token::SemiColon => return Err(Problem::NotOne),
            token => tokens.push(token),
        }
    }
    Ok(tokens)
}

/// The identifiers that a statement quotes; none where it cannot be read.
pub(crate) fn identifiers(statement: &str) -> BTreeSet<String> {
    let tokens = tokens(statement).unwrap_or_default();
    quoted(&tokens).collect()
}

fn quoted(tokens: &[Token]) -> impl Iterator<Item = String> {
    tokens.iter().filter_map(|token| match token {
        Token::Word(word) if word.quote_style == Some('`') => Some(word.value.clone()),
        _ => None,
    })
}

fn match_parentheses(tokens: &[Token]) -> Result<(), Problem> {
    let mut open = 0_usize;
    for token in tokens {
        match token {
            Token::LParen => open += 1,
            Token::RParen => open = open.checked_sub(1).ok_or(Problem::Parentheses)?,
            _ => {}
        }
    }
    match open {
        0 => Ok(()),
        _ => Err(Problem::Parentheses),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::sql::identifier;

    fn alter(names: &[&str]) -> Meaning {
        Meaning::new(Operation::AlterTable, names.iter().copied())
    }

    #[test]
    fn what_is_meant_passes() {
        let name = "a`; DROP TABLE b; -- */ '\n\"é漢";
        let statement = format!("ALTER TABLE {} DROP KEY `k`", identifier(name));
        assert_eq!(alter(&[name, "k"]).pass(statement.clone()), Ok(statement));
        // Syntax that the parser does not know.
        let statement =
            "ALTER TABLE `t` ADD KEY `k` (`a`) USING HASH COMMENT 'y; z', ALGORITHM=INPLACE";
        assert!(alter(&["t", "k", "a"]).pass(statement.to_owned()).is_ok());
    }

    #[test]
    fn a_name_that_is_not_quoted_is_noticed_whatever_it_makes_of_the_statement() {
        // As a generator would write that puts names between backquotes as they are.
        for name in [
            "a`; DROP TABLE `b",
            "a` DROP KEY `k`, DROP KEY `x",
            "a` /*",
            "a` -- ",
            "a`",
            "a\0b",
            "`",
            "😀",
        ] {
            let statement = format!("ALTER TABLE `{name}` DROP KEY `k`");
            let judged = alter(&[name, "k"]).pass(statement);
            assert!(judged.is_err(), "{name}: {judged:?}");
        }
    }

    #[test]
    fn another_operation_another_name_and_a_second_statement_do_not_pass() {
        let problem = |statement: &str| {
            alter(&["t"])
                .pass(statement.to_owned())
                .map_err(|blocked| blocked.problem)
        };
        let other = Err(Problem::OtherOperation(Operation::AlterTable));
        assert_eq!(problem("DROP TABLE `t`"), other);
        assert_eq!(problem("ALTER DATABASE `t` CHARACTER SET utf8"), other);
        assert_eq!(
            problem("ALTER TABLE `t` ENGINE=InnoDB; SELECT 1"),
            Err(Problem::NotOne)
        );
        assert_eq!(
            problem("ALTER TABLE `t` ENGINE=InnoDB /* x */"),
            Err(Problem::Comment)
        );
        assert_eq!(
            problem("ALTER TABLE `T` ENGINE=InnoDB"),
            Err(Problem::OtherNames {
                missing: vec!["t".to_owned()],
                unexpected: vec!["T".to_owned()]
            })
        );
        assert_eq!(
            problem("ALTER TABLE `t` ADD CHECK (1"),
            Err(Problem::Parentheses)
        );
        assert!(matches!(
            problem("ALTER TABLE `t` COMMENT 'x"),
            Err(Problem::Unreadable(_))
        ));
    }

    #[test]
    fn a_statement_of_a_journal_has_to_be_about_its_table() {
        let meaning = Meaning::of_table(Operation::Insert, "a`b");
        assert!(
            meaning
                .pass("INSERT INTO `a``b` (`x`) VALUES (1)".into())
                .is_ok()
        );
        assert!(
            meaning
                .pass("INSERT INTO `a` (`x`) VALUES (1)".into())
                .is_err()
        );
        assert!(
            meaning
                .pass("INSERT INTO `a``b` (`x`) VALUES (1); DROP TABLE t".into())
                .is_err()
        );
    }

    #[test]
    fn a_statement_about_rows_holds_names_and_constants_alone() {
        use Operation::{Insert, Select, Update};
        for (operation, statement) in [
            (
                Insert,
                "INSERT INTO `t` (`id`, `a``(`) VALUES (1, 'x''; DROP \\' (1)'), (-2.5e3, NULL), (0xff, X'00')",
            ),
            (
                Update,
                "UPDATE `t` SET `a` = CASE WHEN `id` = 1 THEN 'x' WHEN `id` = 2 THEN NULL END, `b` = `b` \
                 WHERE `id` IN (1, 2) AND `a` IS NULL",
            ),
            (
                Update,
                "UPDATE `t` SET `a` = CASE WHEN (`k`, `l`) = (1, 2) THEN 3 END WHERE (`k`, `l`) IN ((1, 2))",
            ),
            (
                Select,
                "SELECT COUNT(*) FROM `t` WHERE `id` IN (1, 2) AND `a` IS NOT NULL",
            ),
            (
                Select,
                "SELECT `k`, `l` FROM `t` WHERE (`k`, `l`) IN ((1, 'x'))",
            ),
        ] {
            let passed = rows_alone(operation, "t", statement.to_owned());
            assert!(passed.is_ok(), "{statement}: {passed:?}");
        }
        for (operation, statement) in [
            (Insert, "INSERT INTO `t` (`id`) VALUES (`f`(1))"),
            (Insert, "INSERT INTO `t` (`id`) VALUES (f(1))"),
            (
                Insert,
                "INSERT INTO `t` (`id`) VALUES (LOAD_FILE('/etc/passwd'))",
            ),
            (
                Insert,
                "INSERT INTO `t` (`id`) VALUES (1) ON DUPLICATE KEY UPDATE `id` = 2",
            ),
            (Insert, "INSERT INTO `t` (`id`) SELECT `id` FROM `u`"),
            (Insert, "INSERT INTO `t` (`id`) VALUES ((SELECT 1))"),
            (Insert, "INSERT INTO `mysql`.`t` (`id`) VALUES (1)"),
            (Insert, "INSERT INTO `u` (`id`) VALUES (1)"),
            (Insert, "INSERT INTO `t` (`id`) VALUES (1); DROP TABLE `t`"),
            (
                Insert,
                "INSERT INTO `t` (`id`) VALUES (1) /*!50000 , (2) */",
            ),
            (Update, "UPDATE `t` SET `a` = @@version WHERE `id` = 1"),
            (Update, "UPDATE `t` SET `a` = @x := 1 WHERE `id` = 1"),
            (Update, "UPDATE `t`, `u` SET `a` = 1 WHERE `id` = 1"),
            (Update, "UPDATE `t` SET `a` = `f` (1) WHERE `id` = 1"),
            (Update, "UPDATE `t` SET `a` = version(1) WHERE `id` = 1"),
            (Select, "SELECT COUNT(*) FROM `t` JOIN `u` WHERE `id` = 1"),
            (Select, "SELECT COUNT(*) FROM `t`, `u` WHERE `id` = 1"),
            (Select, "SELECT `f`(1) FROM `t` WHERE `id` = 1"),
            (Select, "SELECT SLEEP(9) FROM `t` WHERE `id` = 1"),
            (
                Select,
                "SELECT COUNT(*) FROM `t` WHERE `id` IN (SELECT 1 FROM `t`)",
            ),
            (Select, "SELECT COUNT(*) FROM `u` WHERE `id` = 1"),
            (Select, "DROP TABLE `t`"),
        ] {
            let passed = rows_alone(operation, "t", statement.to_owned());
            assert!(passed.is_err(), "{statement}");
        }
    }

    #[test]
    fn a_statement_that_does_not_pass_is_named_safely() {
        let statement = "ALTER TABLE `a\u{1b}[2J` DROP KEY `x`\n, DROP KEY `y`".to_owned();
        let blocked = alter(&["a", "x"]).pass(statement).expect_err("other names");
        insta::assert_snapshot!(blocked, @r"a statement is not what it is meant to be (it names `a\u{1b}[2J`, `y` instead of `a`), so it is neither printed nor run: ALTER TABLE `a\u{1b}[2J` DROP KEY `x` , DROP KEY `y`");
    }

    #[test]
    fn a_long_statement_is_judged_by_its_words_and_else_by_its_syntax() {
        let insert = Meaning::new(Operation::Insert, ["t", "a"]);
        let row = format!(
            "({})",
            crate::schema::sql::string("a'); DROP TABLE `t` -- \\")
        );
        let statement = |rows: &[&str]| format!("INSERT INTO `t` (`a`) VALUES {}", rows.join(", "));
        let rows = vec![row.as_str(); 5000];
        assert!(statement(&rows).len() > LONGEST_PARSED);
        assert!(insert.pass(statement(&rows)).is_ok());
        let other = [&rows[..], &["(NOW())"]].concat();
        assert!(insert.pass(statement(&other)).is_ok());
        for bad in [
            "('a'); DROP TABLE `t`",
            "('a'), DROP TABLE `t`",
            "('a') -- '",
            "('a'",
        ] {
            let rows = [&rows[..], &[bad]].concat();
            assert!(insert.pass(statement(&rows)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_server_printed_has_to_hold_at_least_what_is_known_of_it() {
        let meaning = Meaning::new(Operation::CreateTable, ["t", "a"]).at_least("t");
        let pass = |statement: &str| {
            meaning
                .pass(statement.to_owned())
                .map_err(|blocked| blocked.problem)
        };
        assert!(pass("CREATE TABLE `t` (`a` int, `b` int)").is_ok());
        let missing = |names: &[&str]| {
            Err(Problem::OtherNames {
                missing: names.iter().map(|&name| name.to_owned()).collect(),
                unexpected: Vec::new(),
            })
        };
        assert_eq!(pass("CREATE TABLE `t` (`b` int)"), missing(&["a"]));
        assert_eq!(pass("CREATE TABLE `a` (`t` int)"), missing(&["t"]));
    }

    #[test]
    fn a_pattern_that_a_server_would_cut_does_not_pass_but_a_long_account_does() {
        let (long, account) = ("a".repeat(65), "b".repeat(100));
        let grant = |on: &str| {
            let meaning = Meaning::new(Operation::Grant, [on, &account]);
            meaning.pass(format!("GRANT SELECT ON `{on}`.* TO `{account}`"))
        };
        assert!(grant(&long[1..]).is_ok());
        let blocked = grant(&long).expect_err("too long");
        assert_eq!(blocked.problem, Problem::TooLong(long));
    }

    #[test]
    fn settings_and_the_current_database_pass() {
        for (operation, names, statement) in [
            (Operation::Use, vec!["a`b"], "USE `a``b`"),
            (
                Operation::SetSession,
                vec![],
                "SET SESSION sql_mode = 'a,b'",
            ),
            (
                Operation::AlterDatabase,
                vec!["d"],
                "ALTER DATABASE `d` CHARACTER SET utf8mb4",
            ),
            (
                Operation::SetDefaultRole,
                vec!["r", "u", "h"],
                "SET DEFAULT ROLE `r` FOR `u`@`h`",
            ),
        ] {
            let passed = Meaning::new(operation, names).pass(statement.to_owned());
            assert!(passed.is_ok(), "{passed:?}");
            let other = Meaning::new(Operation::Select, [""; 0]).pass(statement.to_owned());
            assert!(other.is_err(), "{statement}");
        }
    }
}

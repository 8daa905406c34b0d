//! Reads the text of SHOW GRANTS, as servers print it and as people paste it.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{GivenPrivileges, Grant, Grantee, Grants, Object, Restriction, RoleGrant};
use crate::privilege::Privilege;
use crate::schema::lexer::{Lexer, SqlModes, Token};

/// A line that could not be read. The line itself is not kept: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line} {problem}")]
pub struct Unread {
    /// Number of the line, from 1; for a statement over several lines, that of the first.
    pub line: usize,
    /// What is wrong with the line.
    pub problem: Problem,
}

/// Why a line could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The line is another statement, or not a statement.
    #[error("is not a GRANT, REVOKE or SET DEFAULT ROLE")]
    OtherStatement,
    /// The line goes on in a way that no server prints, or ends too early; this is what was expected.
    #[error("does not have {0} where it should be")]
    Expected(&'static str),
}

/// Most lines over which a statement may be wrapped.
const LONGEST_WRAP: usize = 64;

impl Grants {
    /// Reads what SHOW GRANTS prints on MySQL 5.0 to 9.7 and MariaDB 5.1 to 11.8, pasted as it
    /// comes: with or without semicolons, the client's table or `\G` output, headers and prompts.
    /// Several outputs may follow one another, as an account's and those of its roles.
    ///
    /// ```
    /// use cividb::grants::Grants;
    /// let grants = Grants::parse(
    ///     "Grants for civi@localhost\n\
    ///      GRANT USAGE ON *.* TO `civi`@`localhost`\n\
    ///      GRANT SELECT, LOCK TABLES ON `civi\\_site`.* TO `civi`@`localhost`",
    /// );
    /// assert_eq!(grants.account.unwrap().to_string(), "`civi`@`localhost`");
    /// assert_eq!((grants.granted.len(), grants.unread.len()), (2, 0));
    /// ```
    pub fn parse(text: &str) -> Self {
        let mut grants = Self::default();
        let mut grantees = Vec::new();
        let mut wrapped: Option<Wrapped> = None;
        let lines = text.trim_start_matches('\u{feff}').lines();
        for (line, number) in lines.zip(1..) {
            let Some(line) = content(line) else { continue };
            if begins_statement(line) {
                grants.finish(wrapped.replace(Wrapped::new(number, line)), &mut grantees);
            } else if !wrapped.as_mut().is_some_and(|open| open.takes(line)) {
                grants.unread.push(Unread {
                    line: number,
                    problem: Problem::OtherStatement,
                });
            }
        }
        grants.finish(wrapped, &mut grantees);
        let with_host = grantees.iter().position(|account| account.host.is_some());
        grants.account = grantees.into_iter().nth(with_host.unwrap_or(0));
        grants.unread.sort_unstable_by_key(|unread| unread.line);
        grants
    }

    fn finish(&mut self, statement: Option<Wrapped>, grantees: &mut Vec<Grantee>) {
        let Some(statement) = statement else { return };
        match statement.outcome {
            Ok(lines) => lines.into_iter().for_each(|line| self.add(line, grantees)),
            Err(problem) => self.unread.push(Unread {
                line: statement.line,
                problem,
            }),
        }
    }

    fn add(&mut self, (what, to): Line, grantees: &mut Vec<Grantee>) {
        grantees.extend(to.iter().cloned());
        for grantee in to {
            match &what {
                What::Grants(parts) => self.granted.extend(parts.iter().map(|(given, on)| Grant {
                    to: grantee.clone(),
                    given: given.clone(),
                    on: on.clone(),
                })),
                What::Revokes(revoked, database) => self.restrictions.push(Restriction {
                    database: database.clone(),
                    revoked: revoked.clone(),
                    from: grantee,
                }),
                What::Roles(roles) => self.roles.extend(roles.iter().map(|role| RoleGrant {
                    role: role.clone(),
                    to: grantee.clone(),
                })),
                What::DefaultRoles(roles) => self.default_roles.extend(roles.iter().cloned()),
                What::Proxy => {}
            }
        }
    }
}

/// The accounts of a list such as MySQL's CURRENT_ROLE() gives; empty if the list cannot be read.
pub(super) fn accounts(list: &str) -> Vec<Grantee> {
    Reader::new(list).accounts().unwrap_or_default()
}

/// A line without what clients print around it; `None` when nothing is left.
fn content(line: &str) -> Option<&str> {
    let mut line = line.trim();
    if let Some(cell) = line.strip_prefix('|') {
        line = cell.strip_suffix('|').unwrap_or(cell).trim();
    }
    if ["mysql>", "MariaDB [", "->"]
        .iter()
        .any(|prompt| strip_word(line, prompt).is_some())
    {
        line = line.split_once('>').map_or(line, |(_, typed)| typed.trim());
    }
    if strip_word(line, "Grants for ").is_some() {
        // In `\G` output each line is a column: its name, a colon, its value.
        let (at, _) = line.match_indices(": ").find(|&(at, separator)| {
            let value = line.get(at + separator.len()..);
            value.is_some_and(begins_statement)
        })?;
        line = line.get(at + 2..)?;
    }
    let is_frame = line.chars().all(|c| matches!(c, '+' | '-' | '=' | ' '));
    let is_comment = ["--", "#", "***"].iter().any(|mark| line.starts_with(mark))
        || (line.starts_with("/*") && line.ends_with("*/"));
    let is_footer = line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(" in set")
        || strip_word(line, "Empty set").is_some();
    let is_question = strip_word(line, "SHOW GRANTS").is_some();
    (!(is_frame || is_comment || is_footer || is_question)).then_some(line)
}

fn strip_word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let head = line.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &line[word.len()..])
}

fn begins_statement(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    let second = words.next().unwrap_or_default();
    match first.as_str() {
        // A long line may be wrapped right before GRANT OPTION.
        "GRANT" => !second.trim_end_matches(';').eq_ignore_ascii_case("OPTION"),
        "REVOKE" => true,
        "SET" => second.eq_ignore_ascii_case("DEFAULT"),
        _ => false,
    }
}

/// A statement and the lines over which it is wrapped.
struct Wrapped {
    line: usize,
    text: String,
    lines: usize,
    outcome: Result<Vec<Line>, Problem>,
}

impl Wrapped {
    fn new(line: usize, text: &str) -> Self {
        Self {
            line,
            text: text.to_owned(),
            lines: 1,
            outcome: Reader::new(text).lines(),
        }
    }

    /// Takes one more line, unless the statement is complete without it and not with it.
    fn takes(&mut self, line: &str) -> bool {
        if self.lines == LONGEST_WRAP {
            return false;
        }
        let text = format!("{} {line}", self.text);
        let outcome = Reader::new(&text).lines();
        if self.outcome.is_ok() && outcome.is_err() {
            return false;
        }
        self.lines += 1;
        self.text = text;
        self.outcome = outcome;
        true
    }
}

/// What one statement says, and of whom.
type Line = (What, Vec<Grantee>);

enum What {
    Grants(Vec<(GivenPrivileges, Object)>),
    Revokes(GivenPrivileges, String),
    Roles(Vec<Grantee>),
    DefaultRoles(Vec<Grantee>),
    /// That an account may act as another one, which is no privilege on data.
    Proxy,
}

/// A privilege, perhaps with columns, or a role.
struct Item {
    words: Vec<String>,
    quoted: bool,
    host: Option<String>,
    columns: Vec<String>,
}

impl Item {
    fn role(self) -> Result<Grantee, Problem> {
        match <[String; 1]>::try_from(self.words) {
            Ok([user]) if self.columns.is_empty() => Ok(Grantee {
                user,
                host: self.host,
            }),
            _ => Err(Problem::Expected("one role's name")),
        }
    }
}

type Parsed<T> = Result<T, Problem>;

struct Reader<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
}

impl<'a> Reader<'a> {
    /// Makes a reader for one statement. Names may stand in double quotes, so a string is taken for a name
    /// wherever a name may be.
    fn new(text: &'a str) -> Self {
        let mut lexer = Lexer::new(text, SqlModes::default());
        let token = lexer.next_lexeme().token;
        Self { lexer, token }
    }

    fn advance(&mut self) -> Token<'a> {
        let next = self.lexer.next_lexeme().token;
        std::mem::replace(&mut self.token, next)
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let found = self.token.is(keyword);
        if found {
            self.advance();
        }
        found
    }

    fn eat_symbol(&mut self, symbol: char) -> bool {
        let found = self.token == Token::Symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, keyword: &'static str) -> Parsed<()> {
        self.eat(keyword)
            .then_some(())
            .ok_or(Problem::Expected(keyword))
    }

    fn expect_symbol(&mut self, symbol: char, expected: &'static str) -> Parsed<()> {
        self.eat_symbol(symbol)
            .then_some(())
            .ok_or(Problem::Expected(expected))
    }

    fn at_end(&self) -> bool {
        matches!(self.token, Token::End | Token::Symbol(';'))
    }

    fn lines(mut self) -> Parsed<Vec<Line>> {
        let mut lines = Vec::new();
        loop {
            while self.eat_symbol(';') {}
            if self.token == Token::End {
                return Ok(lines);
            }
            lines.push(self.line()?);
        }
    }

    fn line(&mut self) -> Parsed<Line> {
        let line = if self.eat("SET") {
            self.expect("DEFAULT")?;
            self.expect("ROLE")?;
            let roles = if self.eat("NONE") {
                Vec::new()
            } else {
                self.accounts()?
            };
            if !self.eat("FOR") {
                self.expect("TO")?;
            }
            (What::DefaultRoles(roles), self.accounts()?)
        } else if self.eat("REVOKE") {
            let items = self.items()?;
            self.expect("ON")?;
            let Object::Database(database) = self.object()? else {
                return Err(Problem::Expected("`database`.*"));
            };
            self.expect("FROM")?;
            let mut parts = parts(items, &Object::Server)?;
            let revoked = parts.pop().map(|(revoked, _)| revoked);
            let revoked = revoked.ok_or(Problem::Expected("a privilege"))?;
            (What::Revokes(revoked, database), self.accounts()?)
        } else if self.eat("GRANT") {
            let items = self.items()?;
            let what = if !self.eat("ON") {
                let roles: Parsed<_> = items.into_iter().map(Item::role).collect();
                What::Roles(roles?)
            } else if matches!(items.as_slice(), [item] if item.words == ["PROXY"]) {
                self.account()?;
                What::Proxy
            } else {
                let on = self.object()?;
                What::Grants(parts(items, &on)?)
            };
            self.expect("TO")?;
            (what, self.accounts()?)
        } else {
            return Err(Problem::OtherStatement);
        };
        self.skip_options()?;
        Ok(line)
    }

    /// Reads privileges or roles, up to ON or TO.
    fn items(&mut self) -> Parsed<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            let mut item = Item {
                words: Vec::new(),
                quoted: false,
                host: None,
                columns: Vec::new(),
            };
            if let Token::Quoted(_) | Token::Text(_) = self.token {
                item.words.push(self.name()?);
                item.quoted = true;
            }
            while !item.quoted && !self.token.is_any(&["ON", "TO", "FROM"]) {
                let Token::Word(word) = self.token else { break };
                item.words.push(word.to_owned());
                self.advance();
            }
            if item.words.is_empty() {
                return Err(Problem::Expected("a privilege or role"));
            }
            item.host = self.host();
            if self.eat_symbol('(') {
                item.columns = self.columns()?;
            }
            items.push(item);
            if !self.eat_symbol(',') {
                return Ok(items);
            }
        }
    }

    fn columns(&mut self) -> Parsed<Vec<String>> {
        let mut columns = vec![self.name()?];
        while self.eat_symbol(',') {
            columns.push(self.name()?);
        }
        self.expect_symbol(')', ") after the columns")?;
        Ok(columns)
    }

    fn object(&mut self) -> Parsed<Object> {
        let is_routine =
            self.token
                .is_any(&["FUNCTION", "PROCEDURE", "PACKAGE", "LIBRARY", "EVENT"]);
        if is_routine || self.token.is("TABLE") {
            self.advance();
            self.eat("BODY");
        }
        let database = self.part()?;
        self.expect_symbol('.', ". after the database's name")?;
        let object = self.part()?;
        Ok(match (database, object) {
            (None, None) => Object::Server,
            (Some(database), None) => Object::Database(single_backslashes(&database)),
            (Some(database), Some(routine)) if is_routine => Object::Routine(database, routine),
            (Some(database), Some(table)) => Object::Table(database, table),
            (None, Some(_)) => return Err(Problem::Expected("*.*")),
        })
    }

    /// Reads a name, or `None` for `*`.
    fn part(&mut self) -> Parsed<Option<String>> {
        if self.eat_symbol('*') {
            return Ok(None);
        }
        self.name().map(Some)
    }

    fn name(&mut self) -> Parsed<String> {
        match self.advance() {
            Token::Word(name) => Ok(name.to_owned()),
            Token::Quoted(name) | Token::Text(name) => Ok(name.into_owned()),
            _ => Err(Problem::Expected("a name")),
        }
    }

    fn host(&mut self) -> Option<String> {
        let Token::UserVariable(host) = &self.token else {
            return None;
        };
        let host = host.to_string();
        self.advance();
        Some(host)
    }

    fn account(&mut self) -> Parsed<Grantee> {
        let user = self.name()?;
        Ok(Grantee {
            user,
            host: self.host(),
        })
    }

    fn accounts(&mut self) -> Parsed<Vec<Grantee>> {
        let mut accounts = vec![self.account()?];
        while self.eat_symbol(',') {
            accounts.push(self.account()?);
        }
        Ok(accounts)
    }

    /// Skips what comes after the grantee: how the account authenticates is never kept.
    fn skip_options(&mut self) -> Parsed<()> {
        while !self.at_end() {
            if self.eat("IDENTIFIED") {
                self.advance();
                self.skip_to(&["REQUIRE", "WITH"])?;
            } else if self.eat("REQUIRE") {
                self.skip_to(&["WITH"])?;
            } else if self.eat("WITH") {
                self.skip_to(&[])?;
            } else {
                return Err(Problem::Expected("the end, IDENTIFIED, REQUIRE or WITH"));
            }
        }
        Ok(())
    }

    fn skip_to(&mut self, keywords: &[&str]) -> Parsed<()> {
        while !self.at_end() && !self.token.is_any(keywords) {
            if let Token::Unterminated(_) = self.advance() {
                return Err(Problem::Expected("a closing quote"));
            }
        }
        Ok(())
    }
}

/// The privileges of one line: those on the whole object, and those on columns of it.
fn parts(items: Vec<Item>, on: &Object) -> Parsed<Vec<(GivenPrivileges, Object)>> {
    let mut whole = BTreeSet::new();
    let mut all = false;
    let mut parts = Vec::new();
    for item in items {
        if item.quoted || item.host.is_some() {
            return Err(Problem::Expected("a privilege"));
        }
        let name = item.words.join(" ").to_ascii_uppercase();
        match (name.as_str(), Privilege::named(&name), on) {
            ("ALL" | "ALL PRIVILEGES", ..) => all = true,
            ("USAGE", ..) => {}
            (_, Some(privilege), _) if item.columns.is_empty() => {
                whole.insert(privilege);
            }
            (_, Some(privilege), Object::Table(database, table)) => parts.push((
                GivenPrivileges::These([privilege].into()),
                Object::Columns(database.clone(), table.clone(), item.columns),
            )),
            (_, Some(_), _) => return Err(Problem::Expected("a table for its columns")),
            // Privileges that are not used here: mostly MySQL's dynamic ones.
            (_, None, _) => {}
        }
    }
    let whole = if all {
        GivenPrivileges::All
    } else {
        GivenPrivileges::These(whole)
    };
    parts.push((whole, on.clone()));
    Ok(parts)
}

/// Replaces `\\_` by `\_`: clients print the former when they write to a file.
fn single_backslashes(pattern: &str) -> String {
    pattern.replace("\\\\", "\\")
}

//! The clauses that are replaced: found by the lexer, never by a pattern over the text.

use super::edit::{Edit, Subject};
use crate::dialect;
use crate::schema::charset;
use crate::schema::lexer::{Lexeme, SqlModes, Token};
use crate::schema::model::Account;
use crate::schema::sql::{identifier, string};
use crate::server_version::{Family, ServerVersion};

/// What becomes of the accounts that views, triggers, routines and events run as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Definers {
    /// They stay.
    #[default]
    Keep,
    /// The clauses are taken out: whoever restores the dump is the definer.
    Strip,
    /// The clauses say `CURRENT_USER`: whoever restores the dump is the definer.
    Current,
    /// All run as this account.
    Account(Account),
}

/// Kinds of objects that have a definer, as they follow its clause.
const KINDS: [&str; 6] = [
    "TRIGGER",
    "VIEW",
    "FUNCTION",
    "PROCEDURE",
    "EVENT",
    "PACKAGE",
];

/// The replacement of the DEFINER clause of a CREATE or ALTER statement, if there is one.
pub(super) fn definer(text: &[u8], tokens: &[Lexeme], definers: &Definers) -> Option<Edit> {
    let head = tokens.iter().position(|it| it.token.is_any(&KINDS))?;
    let head = tokens.get(..head)?;
    let at = head.iter().position(|it| it.token.is("DEFINER"))?;
    let clause = head.get(at..)?;
    let [definer, equals, user, rest @ ..] = clause else {
        return None;
    };
    if equals.token != Token::Symbol('=') {
        return None;
    }
    let mut end = user.end;
    match rest {
        // `CURRENT_USER()`.
        [open, close, ..]
            if (&open.token, &close.token) == (&Token::Symbol('('), &Token::Symbol(')')) =>
        {
            end = close.end;
        }
        [host, ..] if matches!(host.token, Token::UserVariable(_)) => end = host.end,
        _ => {}
    }
    let edit = |range, with| Edit {
        subject: Subject::Definer,
        range,
        with,
    };
    match definers {
        Definers::Keep => None,
        Definers::Current if user.token.is("CURRENT_USER") => None,
        Definers::Current => Some(edit(user.start..end, "CURRENT_USER".to_owned())),
        Definers::Account(account) => Some(edit(user.start..end, account.to_string())),
        Definers::Strip => Some(edit(
            without_comment(text, definer.start..end),
            String::new(),
        )),
    }
}

/// A CREATE statement, as a server prints it, that makes what runs as this account.
pub fn with_definer(statement: &str, account: &Account) -> String {
    let tokens = super::edit::tokens(statement, SqlModes::default());
    let definers = Definers::Account(account.clone());
    let Some(edit) = definer(statement.as_bytes(), &tokens, &definers) else {
        return statement.to_owned();
    };
    let mut changed = statement.to_owned();
    changed.replace_range(edit.range, &edit.with);
    changed
}

/// The bytes of a clause that is taken out, with the version comment around it, if it stands alone in one, and the
/// blanks after it.
fn without_comment(text: &[u8], clause: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let (mut start, mut end) = (clause.start, clause.end);
    let before = text.get(..start).unwrap_or_default().trim_ascii_end();
    let mark = before.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let is_mark = before.get(mark..).is_some_and(|mark| {
        let digits = mark.strip_prefix(b"/*!").or(mark.strip_prefix(b"/*M!"));
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    });
    let after = text.get(end..).unwrap_or_default();
    let blanks = after.len() - after.trim_ascii_start().len();
    let rest = after.get(blanks..).unwrap_or_default();
    if is_mark && rest.starts_with(b"*/") {
        start = mark;
        end += blanks + 2;
    }
    let after = text.get(end..).unwrap_or_default();
    end += after.len() - after.trim_ascii_start().len();
    start..end
}

/// The replacements of collations that `target` does not know, wherever in the statement they are named.
pub(super) fn collations(tokens: &[Lexeme], target: &ServerVersion) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        let is_variable = match &lexeme.token {
            Token::Word(name) => is_collation_variable(name),
            Token::SystemVariable(name) => {
                is_collation_variable(name.rsplit('.').next().unwrap_or(name))
            }
            _ => false,
        };
        if !is_variable && !lexeme.token.is("COLLATE") {
            continue;
        }
        let mut next = at + 1;
        let is_equals =
            |lexeme: &Lexeme| matches!(lexeme.token, Token::Symbol('=') | Token::Assign);
        if tokens.get(next).is_some_and(is_equals) {
            next += 1;
        } else if is_variable {
            continue;
        }
        let Some(named) = tokens.get(next) else {
            continue;
        };
        let (name, quoted): (&str, fn(&str) -> String) = match &named.token {
            Token::Word(name) => (name, str::to_owned),
            Token::Quoted(name) => (name, identifier),
            Token::Text(name) => (name, string),
            _ => continue,
        };
        if dialect::knows_collation(target, name) {
            continue;
        }
        if let Some(nearest) = dialect::nearest_collation(target, name) {
            edits.push(Edit {
                subject: Subject::Collation,
                range: named.start..named.end,
                with: quoted(&nearest),
            });
        }
    }
    edits
}

/// A COLLATE clause for each character set of a CREATE TABLE or CREATE DATABASE statement that names none, where the
/// `target` would choose another collation for it than the server `source` did that the dump comes from; `None` for
/// a server of before MySQL 8.0 and MariaDB 11.5, which agree.
pub(super) fn missing_collations(
    tokens: &[Lexeme],
    source: Option<&ServerVersion>,
    target: &ServerVersion,
) -> Vec<Edit> {
    let newer =
        |server: &ServerVersion, charset: &str| dialect::newer_default_collation(server, charset);
    let mut edits = Vec::new();
    // A column's definition, or the options of the table or database.
    let mut scope = Scope::default();
    let mut depth = 0_usize;
    for (at, lexeme) in tokens.iter().enumerate() {
        match &lexeme.token {
            Token::Symbol('(') => {
                depth += 1;
                if depth == 1 {
                    scope = Scope::default();
                }
                continue;
            }
            Token::Symbol(')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    edits.extend(scope.end());
                    scope.begun = true;
                }
                continue;
            }
            Token::Symbol(',') if depth == 1 => {
                edits.extend(scope.end());
                continue;
            }
            // Expressions have collations of their own.
            _ if depth > 1 => continue,
            _ => {}
        }
        if !scope.begun && depth == 1 {
            // The name of a column, which may be any word.
            scope.begun = true;
            continue;
        }
        if lexeme.token.is("COLLATE") {
            scope.has_collation = true;
        }
        let is_equals = |at: usize| {
            tokens
                .get(at)
                .is_some_and(|it| it.token == Token::Symbol('='))
        };
        let is_set = |at: usize| tokens.get(at).is_some_and(|it| it.token.is("SET"));
        let mut value = match &lexeme.token {
            token if token.is("CHARSET") => at + 1,
            token if token.is("CHARACTER") && is_set(at + 1) => at + 2,
            _ => continue,
        };
        if is_equals(value) {
            value += 1;
        }
        let Some(named) = tokens.get(value) else {
            continue;
        };
        let name: &str = match &named.token {
            Token::Word(name) => name,
            Token::Quoted(name) | Token::Text(name) => name,
            _ => continue,
        };
        let name = charset::canonical(name);
        let becomes = newer(target, &name);
        let was = source.and_then(|source| newer(source, &name));
        let was_named = was.clone().or_else(|| charset::default_collation(&name));
        if let Some(collation) = was_named.filter(|_| was != becomes) {
            let knows = dialect::knows_collation(target, &collation);
            let nearest = || dialect::nearest_collation(target, &collation);
            let collation = if knows {
                Some(collation.clone())
            } else {
                nearest()
            };
            scope.missing = collation.map(|collation| (named.end, collation));
        }
    }
    edits.extend(scope.end());
    edits
}

/// A part of a statement in which a character set and its collation stand together.
#[derive(Default)]
struct Scope {
    begun: bool,
    has_collation: bool,
    /// Where the collation of a character set is to stand, and which.
    missing: Option<(usize, String)>,
}

impl Scope {
    /// The clause that is missing in it; the next one begins.
    fn end(&mut self) -> Option<Edit> {
        let scope = std::mem::take(self);
        let (at, collation) = scope.missing.filter(|_| !scope.has_collation)?;
        Some(Edit {
            subject: Subject::Collation,
            range: at..at,
            with: format!(" COLLATE {collation}"),
        })
    }
}

fn is_collation_variable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "collation_connection" | "collation_database" | "collation_server"
    )
}

/// The replacements of `sql_mode` flags that `target` refuses, in a SET statement.
pub(super) fn sql_modes(tokens: &[Lexeme], target: &ServerVersion) -> Vec<Edit> {
    let mut edits = Vec::new();
    for three in tokens.windows(3) {
        let [name, equals, value] = three else {
            continue;
        };
        let is_sql_mode = match &name.token {
            Token::Word(name) => name.eq_ignore_ascii_case("sql_mode"),
            Token::SystemVariable(name) => {
                let name = name.rsplit('.').next().unwrap_or(name);
                name.eq_ignore_ascii_case("sql_mode")
            }
            _ => false,
        };
        let is_assigned = matches!(equals.token, Token::Symbol('=') | Token::Assign);
        let Token::Text(flags) = &value.token else {
            continue;
        };
        if !is_sql_mode || !is_assigned {
            continue;
        }
        let all = || flags.split(',');
        let is_taken =
            |flag: &&str| !dialect::refuses_sql_mode(target, &flag.trim().to_ascii_uppercase());
        let kept: Vec<&str> = all().filter(is_taken).collect();
        if kept.len() < all().count() {
            edits.push(Edit {
                subject: Subject::SqlMode,
                range: value.start..value.end,
                with: string(&kept.join(",")),
            });
        }
    }
    edits
}

/// Options of tables that only MariaDB's storage engine Aria, and its InnoDB, have.
const MARIADB_OPTIONS: [&str; 6] = [
    "PAGE_CHECKSUM",
    "TRANSACTIONAL",
    "PAGE_COMPRESSED",
    "PAGE_COMPRESSION_LEVEL",
    "ENCRYPTED",
    "ENCRYPTION_KEY_ID",
];

/// Row formats that InnoDB has.
const ROW_FORMATS: [&str; 5] = ["DEFAULT", "DYNAMIC", "COMPACT", "REDUNDANT", "COMPRESSED"];

/// The replacements of options behind the columns of a CREATE TABLE that `target` does not take.
pub(super) fn table_options(tokens: &[Lexeme], target: &ServerVersion) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut depth = 0_usize;
    let mut seen_columns = false;
    let mut options = Vec::new();
    for (at, lexeme) in tokens.iter().enumerate() {
        match lexeme.token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => {
                depth = depth.saturating_sub(1);
                seen_columns |= depth == 0;
            }
            _ if depth == 0 && seen_columns => options.push(at),
            _ => {}
        }
    }
    // The engine that the table will have.
    let mut is_innodb = true;
    for at in options {
        let Some(named) = tokens.get(at) else {
            continue;
        };
        let name = match &named.token {
            Token::Word(name) => name.to_ascii_uppercase(),
            Token::Quoted(name) => name.to_ascii_uppercase(),
            _ => continue,
        };
        // The first options may follow in any order, so that those of other engines are met first only by chance.
        let mut value = at + 1;
        if tokens
            .get(value)
            .is_some_and(|it| it.token == Token::Symbol('='))
        {
            value += 1;
        }
        let Some(value) = tokens.get(value) else {
            continue;
        };
        let mut replace = |range, with: &str| {
            edits.push(Edit {
                subject: Subject::TableOption,
                range,
                with: with.to_owned(),
            });
        };
        match name.as_str() {
            "ENGINE" if value.token.is("Aria") && target.family == Family::Mysql => {
                replace(value.start..value.end, "InnoDB");
            }
            "ENGINE" => is_innodb = value.token.is("InnoDB"),
            "ROW_FORMAT" if is_innodb && !value.token.is_any(&ROW_FORMATS) => {
                replace(value.start..value.end, "DYNAMIC");
            }
            option if target.family == Family::Mysql && MARIADB_OPTIONS.contains(&option) => {
                replace(named.start..value.end, "");
            }
            _ => {}
        }
    }
    edits
}

/// Types whose columns have no literal default in MySQL (error 1101); an expression they may have from 8.0.13 on.
const WITHOUT_LITERAL_DEFAULT: [&str; 9] = [
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "json",
];

/// The replacements of literal defaults of text columns, which MariaDB has and MySQL has not.
pub(super) fn text_defaults(tokens: &[Lexeme], target: &ServerVersion) -> Vec<Edit> {
    if !target.at_least(Family::Mysql, (8, 0, 13)) {
        return Vec::new();
    }
    let mut edits = Vec::new();
    let mut depth = 0_usize;
    let mut begins = true;
    let mut is_long = false;
    for (at, lexeme) in tokens.iter().enumerate() {
        match &lexeme.token {
            Token::Symbol('(') => {
                depth += 1;
                begins |= depth == 1;
                continue;
            }
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            Token::Symbol(',') if depth == 1 => {
                begins = true;
                continue;
            }
            Token::Word(_) | Token::Quoted(_) if depth == 1 && begins => {
                let kind = tokens.get(at + 1).map(|it| &it.token);
                is_long = kind.is_some_and(|kind| kind.is_any(&WITHOUT_LITERAL_DEFAULT));
                begins = false;
                continue;
            }
            token if depth == 1 && is_long && token.is("DEFAULT") => {
                if let Some(value) = tokens.get(at + 1)
                    && matches!(
                        value.token,
                        Token::Text(_) | Token::Number(_) | Token::Hex(_) | Token::Bits(_)
                    )
                {
                    for (place, with) in [(value.start, "("), (value.end, ")")] {
                        edits.push(Edit {
                            subject: Subject::Default,
                            range: place..place,
                            with: with.to_owned(),
                        });
                    }
                }
            }
            _ => {}
        }
        begins = false;
    }
    edits
}

/// Where the name of a database stands before a dot, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Qualifier {
    /// The bytes of the name.
    pub(super) name: std::ops::Range<usize>,
    /// The bytes of the name and the dot.
    pub(super) with_dot: std::ops::Range<usize>,
}

/// Where a statement names `database` before the name of one of its objects. `None` where the statement has a query or a
/// body, and the same word stands there as something else, such as an alias, so that nobody can tell.
pub(super) fn qualifiers(
    tokens: &[Lexeme],
    database: &str,
    has_body: bool,
) -> Option<Vec<Qualifier>> {
    let mut found = Vec::new();
    let is_name = |lexeme: &Lexeme| match &lexeme.token {
        Token::Word(name) => name.eq_ignore_ascii_case(database),
        Token::Quoted(name) => name.eq_ignore_ascii_case(database),
        _ => false,
    };
    let mut is_other = false;
    for (at, lexeme) in tokens.iter().enumerate() {
        if !is_name(lexeme) {
            continue;
        }
        let dot = tokens
            .get(at + 1)
            .filter(|it| it.token == Token::Symbol('.'));
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let follows_dot = before.is_some_and(|it| it.token == Token::Symbol('.'));
        match dot {
            Some(dot) if !follows_dot => found.push(Qualifier {
                name: lexeme.start..lexeme.end,
                with_dot: lexeme.start..dot.end,
            }),
            // A column or table of that name behind the name of something else.
            _ if follows_dot => {}
            _ => is_other = true,
        }
    }
    (found.is_empty() || !is_other || !has_body).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::super::edit::{edited, readable, tokens};
    use super::*;
    use crate::schema::lexer::SqlModes;

    fn with(text: &[u8], edits: impl Fn(&[Lexeme]) -> Vec<Edit>) -> String {
        let readable = readable(text);
        let edits = edits(&tokens(&readable, SqlModes::default()));
        String::from_utf8_lossy(&edited(text, &edits)).into_owned()
    }

    fn server(name: &str) -> ServerVersion {
        ServerVersion::parse_target(name).expect("a server")
    }

    #[test]
    fn definers_are_replaced_in_every_form() {
        let account = Definers::Account(Account {
            user: "a`b".to_owned(),
            host: "%".to_owned(),
        });
        let mysqldump = "/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 'DEFINER=`x`@`y`' */";
        let view = "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS select 1 */";
        for (text, definers, expected) in [
            (
                mysqldump,
                Definers::Strip,
                "/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 'DEFINER=`x`@`y`' */",
            ),
            (
                mysqldump,
                Definers::Current,
                "/*!50003 CREATE*/ /*!50017 DEFINER=CURRENT_USER*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET @a = 'DEFINER=`x`@`y`' */",
            ),
            (
                view,
                account,
                "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a``b`@`%` SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS select 1 */",
            ),
            (
                view,
                Definers::Strip,
                "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS select 1 */",
            ),
            (
                "create definer = 'a'@'b' function f() returns int return 1",
                Definers::Strip,
                "create function f() returns int return 1",
            ),
            (
                "CREATE DEFINER=CURRENT_USER() PROCEDURE p() SELECT 1",
                Definers::Strip,
                "CREATE PROCEDURE p() SELECT 1",
            ),
            (
                "CREATE VIEW v AS SELECT 'DEFINER=`a`@`b`'",
                Definers::Strip,
                "CREATE VIEW v AS SELECT 'DEFINER=`a`@`b`'",
            ),
        ] {
            let found = with(text.as_bytes(), |tokens| {
                definer(text.as_bytes(), tokens, &definers)
                    .into_iter()
                    .collect()
            });
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn only_names_of_collations_are_replaced() {
        let text = b"CREATE TABLE t (a varchar(9) COLLATE utf8mb4_0900_ai_ci DEFAULT 'COLLATE utf8mb4_0900_ai_ci', b text /* COLLATE utf8mb4_0900_ai_ci */) COLLATE='utf8mb4_0900_as_cs' COMMENT='\xe9'";
        let target = server("mariadb-10.5");
        assert_eq!(
            with(text, |tokens| collations(tokens, &target)),
            "CREATE TABLE t (a varchar(9) COLLATE utf8mb4_unicode_520_nopad_ci DEFAULT 'COLLATE utf8mb4_0900_ai_ci', b text /* COLLATE utf8mb4_0900_ai_ci */) COLLATE='utf8mb4_nopad_bin' COMMENT='\u{fffd}'"
        );
        let set = b"SET collation_connection  = utf8mb4_uca1400_ai_ci";
        assert_eq!(
            with(set, |tokens| collations(tokens, &server("mysql-9.7"))),
            "SET collation_connection  = utf8mb4_0900_ai_ci"
        );
    }

    #[test]
    fn flags_of_sql_mode_are_taken_out_one_by_one() {
        let set = b"/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION' */";
        assert_eq!(
            with(set, |tokens| sql_modes(tokens, &server("mysql-9.7"))),
            "/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION' */"
        );
        assert_eq!(
            with(set, |tokens| sql_modes(tokens, &server("mysql-5.7"))),
            String::from_utf8_lossy(set)
        );
    }

    #[test]
    fn options_and_defaults_of_mariadb_become_those_of_mysql() {
        let text = b"CREATE TABLE t (a text DEFAULT 'x', b int DEFAULT 1, c longtext COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`c`)), KEY text (a(3))) ENGINE=Aria PAGE_CHECKSUM=1 ROW_FORMAT=PAGE TRANSACTIONAL=0";
        let target = server("mysql-9.7");
        assert_eq!(
            with(text, |tokens| {
                let mut edits = table_options(tokens, &target);
                edits.extend(text_defaults(tokens, &target));
                edits
            }),
            "CREATE TABLE t (a text DEFAULT ('x'), b int DEFAULT 1, c longtext COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`c`)), KEY text (a(3))) ENGINE=InnoDB  ROW_FORMAT=DYNAMIC "
        );
    }

    #[test]
    fn the_name_of_a_database_is_told_from_columns_and_aliases() {
        let count = |text: &str| {
            let tokens = tokens(text, SqlModes::default());
            qualifiers(&tokens, "civi", true).map(|found| found.len())
        };
        assert_eq!(count("INSERT INTO `civi`.`t` VALUES"), Some(1));
        assert_eq!(
            count("SELECT civi.t.id FROM CIVI.t WHERE a.civi = 'civi.t'"),
            Some(2)
        );
        assert_eq!(count("SELECT civi.id FROM t civi"), None);
        assert_eq!(count("CREATE TABLE civi (id int)"), Some(0));
    }
}

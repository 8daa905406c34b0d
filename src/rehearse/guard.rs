//! Tells what a statement of a dump does, before it is run: to what, and whether that reaches outside its database.
//!
//! The guard is the first of two lines: the account that restores may do nothing outside its database, whatever gets
//! past the guard.

use super::kind::Kind;
use crate::dump::reader::RESTRICTED;
use crate::schema::ddl::{self, Statement, VariableScope};
use crate::schema::lexer::{Lexer, SqlModes, Token};
use crate::server::one_statement::is_one_statement;

/// Tokens among which the kind of the object in a CREATE, ALTER or DROP stands.
const HEAD: usize = 24;

/// Bytes of a statement with rows that are looked at: its rows do nothing by themselves.
const INSERT_HEAD: usize = 4 << 10;

/// What a statement is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `table`, `view`, `trigger`, … where it is about such an object.
    pub kind: Option<&'static str>,
    /// The name of the object.
    pub name: Option<String>,
    /// The table that it works on, where there is one.
    pub table: Option<String>,
}

/// What becomes of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is run.
    Run,
    /// It holds nothing but comments, which a client does not send.
    Nothing,
    /// It is refused.
    Refuse(Kind),
}

/// Where a statement stands, as far as that decides what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    /// The `sql_mode` flags that change how it is read.
    pub(super) modes: SqlModes,
    /// The database that the dump has chosen; `None` before its first USE.
    pub(super) current: Option<&'a str>,
    /// Whether the delimiter in force is the usual one, at which the dump is split as the server splits it.
    pub(super) usual_delimiter: bool,
    /// The database that is restored.
    pub(super) own: &'a str,
}

/// Judges one statement.
pub(super) fn judge(statement: &[u8], setting: Setting) -> (About, Judgement) {
    let text = readable(statement);
    let mut words = Words::new(text, setting.modes);
    let first = words.next();
    if first == Token::End {
        return (About::default(), Judgement::Nothing);
    }
    // The body of a stored program holds statements of its own. What may stand behind it, the account may not do.
    let is_several = |about: &About| {
        let programs = ["trigger", "function", "procedure", "event", "package"];
        let is_program = about.kind.is_some_and(|kind| programs.contains(&kind));
        let whole = String::from_utf8_lossy(statement);
        !setting.usual_delimiter && !is_program && !is_one_statement(&whole)
    };
    if first.is_any(&["INSERT", "REPLACE"]) {
        let ends = (0..=INSERT_HEAD).rev();
        let head = ends.take(4).find_map(|end| text.get(..end)).unwrap_or(text);
        let (about, judgement) = rows(head, setting);
        let judgement = or_several(judgement, || is_several(&about));
        return (about, judgement);
    }
    let (about, judgement) = match &first {
        token if token.is("SET") => (About::default(), set(text, setting)),
        token if token.is_any(&["CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE"]) => {
            definition(text, setting)
        }
        token if token.is("USE") => {
            let name = words.next();
            (About::default(), of_database(name_of(&name), setting))
        }
        token if token.is_any(&["LOCK", "DELETE", "UPDATE", "ANALYZE", "OPTIMIZE", "CHECK"]) => {
            (About::default(), qualified(text, setting))
        }
        token
            if token.is_any(&["SELECT", "WITH", "TABLE", "VALUES"])
                || *token == Token::Symbol('(') =>
        {
            (About::default(), question(text, setting))
        }
        token => (About::default(), other(token, text, setting)),
    };
    let judgement = or_several(judgement, || is_several(&about));
    (about, judgement)
}

fn or_several(judgement: Judgement, is_several: impl FnOnce() -> bool) -> Judgement {
    match judgement {
        Judgement::Run if is_several() => Judgement::Refuse(Kind::Several),
        other => other,
    }
}

/// The part of a statement that is text: its beginning, where a dump holds bytes of another character set.
fn readable(statement: &[u8]) -> &str {
    match std::str::from_utf8(statement) {
        Ok(text) => text,
        Err(error) => {
            let valid = statement.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    }
}

/// The tokens of a statement, one after the other.
struct Words<'a>(Lexer<'a>);

impl<'a> Words<'a> {
    fn new(text: &'a str, modes: SqlModes) -> Self {
        Self(Lexer::new(text, modes))
    }

    fn next(&mut self) -> Token<'a> {
        self.0.next_lexeme().token
    }

    fn peek(&self) -> Token<'a> {
        self.0.clone().next_lexeme().token
    }

    /// A name that may have its database before it.
    fn name(&mut self) -> (Option<String>, Option<String>) {
        let first = name_of(&self.next());
        if self.peek() != Token::Symbol('.') {
            return (None, first);
        }
        self.next();
        (first, name_of(&self.next()))
    }
}

/// The name that a token is; `None` where it cannot be one.
fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Word(name) => Some((*name).to_owned()),
        Token::Quoted(name) => Some(name.to_string()),
        _ => None,
    }
}

/// A statement in the database that is chosen, or in the one that it names.
fn of_database(named: Option<String>, setting: Setting) -> Judgement {
    let database = named.as_deref().or(setting.current);
    match database.is_none_or(|name| name == setting.own) {
        true => Judgement::Run,
        false => Judgement::Refuse(Kind::OtherDatabase),
    }
}

/// INSERT and REPLACE.
fn rows(head: &str, setting: Setting) -> (About, Judgement) {
    let mut words = Words::new(head, setting.modes);
    words.next();
    let skipped = ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"];
    while words.peek().is_any(&skipped) {
        words.next();
    }
    let (database, table) = words.name();
    let about = About {
        kind: Some("table"),
        name: table.clone(),
        table,
    };
    (about, of_database(database, setting))
}

fn set(text: &str, setting: Setting) -> Judgement {
    let assignments = match ddl::parse(text, setting.modes) {
        Ok(Statement::Set(assignments)) => assignments,
        _ => Vec::new(),
    };
    let assigns_global = assignments
        .iter()
        .any(|it| matches!(it.scope, VariableScope::Global | VariableScope::Persist));
    let is_restricted = assignments.iter().any(|it| {
        it.scope == VariableScope::Session
            && RESTRICTED.contains(&it.name.to_ascii_lowercase().as_str())
    });
    let mut words = Words::new(text, setting.modes);
    words.next();
    let first = words.peek();
    if first.is_any(&["PASSWORD", "ROLE"]) || first.is("DEFAULT") {
        return Judgement::Refuse(Kind::Accounts);
    }
    if first.is("STATEMENT") {
        return Judgement::Refuse(Kind::Call);
    }
    if assigns_global {
        return Judgement::Refuse(Kind::SetGlobal);
    }
    if is_restricted {
        return Judgement::Refuse(Kind::SetRestricted);
    }
    // Whatever the grammar has made of it: what is set behind these words is not the session's.
    let mut may_begin = true;
    loop {
        let token = words.next();
        let is_global = match &token {
            Token::End | Token::Unterminated(_) => return Judgement::Run,
            Token::SystemVariable(name) if may_begin => {
                let scope = name.split('.').next().unwrap_or_default();
                ["global", "persist", "persist_only"]
                    .iter()
                    .any(|it| scope.eq_ignore_ascii_case(it))
            }
            token => may_begin && token.is_any(&["GLOBAL", "PERSIST", "PERSIST_ONLY"]),
        };
        if is_global {
            return Judgement::Refuse(Kind::SetGlobal);
        }
        may_begin = token == Token::Symbol(',');
    }
}

/// CREATE, ALTER, DROP, RENAME and TRUNCATE.
fn definition(text: &str, setting: Setting) -> (About, Judgement) {
    let mut words = Words::new(text, setting.modes);
    let verb = words.next();
    let mut kind = None;
    for _ in 0..HEAD {
        let token = words.next();
        let refused = match &token {
            Token::End => break,
            token if token.is_any(&["USER", "ROLE"]) => Some(Kind::Accounts),
            token
                if token.is_any(&[
                    "SERVER",
                    "TABLESPACE",
                    "LOGFILE",
                    "UNDO",
                    "RESOURCE",
                    "INSTANCE",
                ]) =>
            {
                Some(Kind::Server)
            }
            _ => None,
        };
        if let Some(refused) = refused {
            return (About::default(), Judgement::Refuse(refused));
        }
        let all = [
            ("TABLE", "table"),
            ("TABLES", "table"),
            ("VIEW", "view"),
            ("TRIGGER", "trigger"),
            ("FUNCTION", "function"),
            ("PROCEDURE", "procedure"),
            ("EVENT", "event"),
            ("INDEX", "index"),
            ("DATABASE", "database"),
            ("SCHEMA", "database"),
            ("SEQUENCE", "sequence"),
            ("PACKAGE", "package"),
        ];
        kind = all
            .into_iter()
            .find(|(word, _)| token.is(word))
            .map(|(_, kind)| kind);
        if kind.is_some() {
            break;
        }
    }
    // TRUNCATE may leave its TABLE out.
    let Some(kind) = kind.or(verb.is("TRUNCATE").then_some("table")) else {
        return (About::default(), qualified(text, setting));
    };
    while words.peek().is_any(&["IF", "NOT", "EXISTS"]) {
        words.next();
    }
    let (database, name) = words.name();
    let about = About {
        kind: Some(kind),
        table: match kind {
            "table" => name.clone(),
            "trigger" | "index" => behind(text, setting.modes, "ON"),
            _ => None,
        },
        name,
    };
    if kind == "database" {
        let judgement = of_database(about.name.clone(), setting);
        return (about, judgement);
    }
    let holds = |wanted: &[[&str; 2]]| has_words(text, setting.modes, wanted);
    let judgement = match kind {
        "function"
            if behind(text, setting.modes, "SONAME").is_some()
                || has_word(text, setting.modes, "SONAME") =>
        {
            Judgement::Refuse(Kind::Plugins)
        }
        "table" if holds(&[["DATA", "DIRECTORY"], ["INDEX", "DIRECTORY"]]) => {
            Judgement::Refuse(Kind::Directory)
        }
        // Several tables can stand in one DROP or RENAME.
        "table" | "view" if verb.is_any(&["DROP", "RENAME"]) => qualified(text, setting),
        _ => of_database(database, setting),
    };
    (about, judgement)
}

/// Words behind which a table stands, or a list of tables.
const BEFORE_TABLES: [&str; 9] = [
    "TABLE", "TABLES", "EXISTS", "FROM", "UPDATE", "JOIN", "INTO", "TO", "VIEW",
];

/// A statement that may name several tables: none may be of another database.
fn qualified(text: &str, setting: Setting) -> Judgement {
    let mut words = Words::new(text, setting.modes);
    let mut last = Token::End;
    let mut is_list = false;
    loop {
        let token = words.next();
        if matches!(token, Token::End | Token::Unterminated(_)) {
            return of_database(None, setting);
        }
        if token.is_any(&["WHERE", "SET"]) {
            is_list = false;
        }
        let may_be_table = last.is_any(&BEFORE_TABLES) || is_list && last == Token::Symbol(',');
        if may_be_table
            && let Some(database) = name_of(&token)
            && words.peek() == Token::Symbol('.')
            && database != setting.own
        {
            return Judgement::Refuse(Kind::OtherDatabase);
        }
        is_list |= token.is_any(&BEFORE_TABLES);
        last = token;
    }
}

/// SELECT and the like, which may write files.
fn question(text: &str, setting: Setting) -> Judgement {
    let modes = setting.modes;
    match has_word(text, modes, "OUTFILE") || has_word(text, modes, "DUMPFILE") {
        true => Judgement::Refuse(Kind::WriteFile),
        false => Judgement::Run,
    }
}

fn other(first: &Token, text: &str, setting: Setting) -> Judgement {
    let refused = [
        (Kind::Accounts, &["GRANT", "REVOKE"][..]),
        (Kind::Plugins, &["INSTALL", "UNINSTALL"]),
        (Kind::ReadFile, &["LOAD", "IMPORT"]),
        (
            Kind::Call,
            &["CALL", "DO", "PREPARE", "EXECUTE", "DEALLOCATE", "HANDLER"],
        ),
        (
            Kind::Replication,
            &["CHANGE", "STOP", "RESET", "PURGE", "BINLOG"],
        ),
        (
            Kind::Server,
            &[
                "SHUTDOWN", "RESTART", "KILL", "CLONE", "FLUSH", "BACKUP", "CACHE", "XA",
            ],
        ),
    ];
    let mut kinds = refused.into_iter();
    if let Some((kind, _)) = kinds.find(|(_, words)| first.is_any(words)) {
        return Judgement::Refuse(kind);
    }
    if first.is("START") && !has_word(text, setting.modes, "TRANSACTION") {
        return Judgement::Refuse(Kind::Replication);
    }
    // Everything else a client sends: the server says what it is.
    Judgement::Run
}

fn has_word(text: &str, modes: SqlModes, wanted: &str) -> bool {
    let mut words = Words::new(text, modes);
    loop {
        match words.next() {
            Token::End | Token::Unterminated(_) => return false,
            token if token.is(wanted) => return true,
            _ => {}
        }
    }
}

fn has_words(text: &str, modes: SqlModes, wanted: &[[&str; 2]]) -> bool {
    let mut words = Words::new(text, modes);
    let mut last = Token::End;
    loop {
        let token = words.next();
        if matches!(token, Token::End | Token::Unterminated(_)) {
            return false;
        }
        if wanted
            .iter()
            .any(|[one, two]| last.is(one) && token.is(two))
        {
            return true;
        }
        last = token;
    }
}

/// The name that stands behind a word.
fn behind(text: &str, modes: SqlModes, word: &str) -> Option<String> {
    let mut words = Words::new(text, modes);
    loop {
        match words.next() {
            Token::End | Token::Unterminated(_) => return None,
            token if token.is(word) => return words.name().1,
            _ => {}
        }
    }
}

/// The statement with its DEFINER clause naming whoever runs it; `None` where it has none.
pub(super) fn with_current_definer(statement: &[u8], modes: SqlModes) -> Option<Vec<u8>> {
    let text = readable(statement);
    let mut lexer = Lexer::new(text, modes);
    if !lexer.next_lexeme().token.is_any(&["CREATE", "ALTER"]) {
        return None;
    }
    for _ in 0..HEAD {
        let lexeme = lexer.next_lexeme();
        if lexeme.token == Token::End {
            return None;
        }
        if !lexeme.token.is("DEFINER") || lexer.next_lexeme().token != Token::Symbol('=') {
            continue;
        }
        // The user, and @ with the host, where there is one.
        let user = lexer.next_lexeme();
        let mut end = user.end;
        let mut ahead = lexer.clone();
        let host = ahead.next_lexeme();
        if matches!(host.token, Token::UserVariable(_)) {
            end = host.end;
        } else if host.token == Token::Symbol('@') {
            end = ahead.next_lexeme().end;
        }
        let mut changed = statement.get(..user.start)?.to_vec();
        changed.extend_from_slice(b"CURRENT_USER");
        changed.extend_from_slice(statement.get(end..)?);
        return Some(changed);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(current: Option<&str>) -> Setting<'_> {
        Setting {
            modes: SqlModes::default(),
            current,
            usual_delimiter: true,
            own: "civicrm",
        }
    }

    fn judged(statement: &str) -> Judgement {
        judge(statement.as_bytes(), setting(None)).1
    }

    #[test]
    fn what_dumps_hold_is_run() {
        for statement in [
            "SET NAMES utf8mb4",
            "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
            "SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN",
            "SET @a = @@GLOBAL.sql_mode",
            "/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES' */",
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `civicrm` /*!40100 DEFAULT CHARACTER SET utf8mb4 */",
            "USE `civicrm`",
            "DROP TABLE IF EXISTS `a`, civicrm.b",
            "CREATE TABLE `civicrm_a` (`data` int, `directory` int, `global` int)",
            "LOCK TABLES `civicrm_a` WRITE, `civicrm_b` AS b READ",
            "INSERT INTO `civicrm_a` VALUES ('GRANT ALL ON *.* TO x')",
            "/*!40000 ALTER TABLE `civicrm_a` DISABLE KEYS */",
            "/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET @x = 1 */",
            "/*!50001 CREATE ALGORITHM=UNDEFINED */ /*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */ /*!50001 VIEW `v` AS SELECT a.b FROM a */",
            "START TRANSACTION",
            "COMMIT",
            "UNLOCK TABLES",
            "SELECT 1",
            "mysqldump: [Warning] a message is sent, and the server refuses it",
        ] {
            assert_eq!(judged(statement), Judgement::Run, "{statement}");
        }
        assert_eq!(judged("-- nothing\n/* at all */"), Judgement::Nothing);
    }

    #[test]
    fn what_reaches_outside_is_refused_by_its_kind() {
        for (statement, kind) in [
            (
                "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a:1-3'",
                Kind::SetGlobal,
            ),
            ("SET @a = 1, GLOBAL general_log = 1", Kind::SetGlobal),
            ("/*!40101 SET PERSIST a = 1 */", Kind::SetGlobal),
            ("SET @@SESSION.SQL_LOG_BIN= 0", Kind::SetRestricted),
            ("SET PASSWORD = 'x'", Kind::Accounts),
            ("CREATE USER a@b IDENTIFIED BY 'x'", Kind::Accounts),
            ("CREATE OR REPLACE ROLE a", Kind::Accounts),
            ("GRANT ALL ON *.* TO a@b", Kind::Accounts),
            ("/*!50000 GRANT ALL ON *.* TO a@b */", Kind::Accounts),
            ("INSTALL PLUGIN a SONAME 'b.so'", Kind::Plugins),
            (
                "CREATE AGGREGATE FUNCTION f RETURNS STRING SONAME 'udf.so'",
                Kind::Plugins,
            ),
            (
                "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE a",
                Kind::ReadFile,
            ),
            ("SELECT 1 INTO OUTFILE '/tmp/a'", Kind::WriteFile),
            ("(SELECT 1 INTO DUMPFILE '/tmp/a')", Kind::WriteFile),
            (
                "CREATE TABLE a (b int) DATA DIRECTORY = '/tmp'",
                Kind::Directory,
            ),
            ("USE mysql", Kind::OtherDatabase),
            ("INSERT INTO `mysql`.`user` VALUES (1)", Kind::OtherDatabase),
            (
                "DROP TABLE IF EXISTS a, `drupal`.`users`",
                Kind::OtherDatabase,
            ),
            (
                "CREATE TRIGGER drupal.t BEFORE INSERT ON a FOR EACH ROW SET @x = 1",
                Kind::OtherDatabase,
            ),
            ("DROP DATABASE drupal", Kind::OtherDatabase),
            ("DELETE FROM mysql.user", Kind::OtherDatabase),
            ("CHANGE MASTER TO MASTER_HOST = 'evil'", Kind::Replication),
            ("START REPLICA", Kind::Replication),
            ("SHUTDOWN", Kind::Server),
            (
                "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'evil')",
                Kind::Server,
            ),
            (
                "CREATE TABLESPACE t ADD DATAFILE '/tmp/t.ibd'",
                Kind::Server,
            ),
            ("PREPARE s FROM 'SHUTDOWN'", Kind::Call),
            ("CALL evil()", Kind::Call),
            (
                "SET STATEMENT max_statement_time = 1 FOR CALL evil()",
                Kind::Call,
            ),
        ] {
            assert_eq!(judged(statement), Judgement::Refuse(kind), "{statement}");
        }
        let in_other = judge(b"INSERT INTO a VALUES (1)", setting(Some("drupal"))).1;
        assert_eq!(in_other, Judgement::Refuse(Kind::OtherDatabase));
    }

    #[test]
    fn several_statements_behind_another_delimiter_are_no_statement() {
        let setting = Setting {
            usual_delimiter: false,
            ..setting(None)
        };
        let several = judge(b"SET @a = 1; GRANT ALL ON *.* TO a@b", setting).1;
        assert_eq!(several, Judgement::Refuse(Kind::Several));
        for program in [
            &b"CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END "[..],
            b"CREATE DEFINER=`a`@`b` FUNCTION `f` (`i` VARCHAR(9)) RETURNS VARCHAR(9) CHARSET utf8mb4 NO SQL BEGIN DECLARE a INT; RETURN i; END",
        ] {
            assert_eq!(judge(program, setting).1, Judgement::Run);
        }
    }

    #[test]
    fn a_statement_is_about_an_object() {
        let about = |statement: &str| {
            let about = judge(statement.as_bytes(), setting(None)).0;
            (about.kind, about.name, about.table)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            about(
                "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `c` FOR EACH ROW SET @x = 1 */"
            ),
            (Some("trigger"), some("t"), some("c"))
        );
        assert_eq!(
            about("INSERT IGNORE INTO `a` (`b`) VALUES (1)"),
            (Some("table"), some("a"), some("a"))
        );
        assert_eq!(
            about("ALTER TABLE `a` ADD KEY (b)"),
            (Some("table"), some("a"), some("a"))
        );
    }

    #[test]
    fn a_definer_becomes_whoever_restores() {
        let changed = |text: &str| {
            let changed = with_current_definer(text.as_bytes(), SqlModes::default());
            changed.map(|it| String::from_utf8_lossy(&it).into_owned())
        };
        assert_eq!(
            changed("/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t */")
                .as_deref(),
            Some("/*!50003 CREATE*/ /*!50017 DEFINER=CURRENT_USER*/ /*!50003 TRIGGER t */")
        );
        assert_eq!(
            changed("CREATE DEFINER='a b'@localhost VIEW v AS SELECT 1").as_deref(),
            Some("CREATE DEFINER=CURRENT_USER VIEW v AS SELECT 1")
        );
        assert_eq!(changed("CREATE TABLE a (definer int)"), None);
    }
}

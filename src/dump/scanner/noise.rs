//! Whether a line between statements can begin a statement, or is text that a program or a shell printed.
//!
//! Such text (`Don't …`, a call stack, `Connection closed`) may hold quotes and semicolons. Taken for SQL it would
//! swallow what follows, so it is taken line by line.

use memchr::memchr;

use super::prose;

/// What may follow the first word of a statement.
enum Next {
    /// One of these words, or a comment between the two.
    Words(&'static [&'static str]),
    /// A variable: `@…`, one of these words, or a name before `=`.
    Variable(&'static [&'static str]),
    /// A quoted name, one of these words, or a name with an underscore or a full stop in it, or before one of the words
    /// that can follow a table ([`BEHIND_TABLE`]).
    Table(&'static [&'static str]),
    /// As [`Next::Table`], and any name with the end of the statement behind it.
    TableAndEnd(&'static [&'static str]),
    /// The end of the statement, or one of these words.
    End(&'static [&'static str]),
    /// A name, and then the end of the statement.
    NameAndEnd,
    /// Anything, where the first word is written all in capitals or all in small letters.
    Anything,
}

const CREATED: &[&str] = &[
    "AGGREGATE",
    "ALGORITHM",
    "DATABASE",
    "DEFINER",
    "EVENT",
    "FULLTEXT",
    "FUNCTION",
    "INDEX",
    "LIBRARY",
    "LOGFILE",
    "OR",
    "PACKAGE",
    "PROCEDURE",
    "RESOURCE",
    "ROLE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "SPATIAL",
    "SQL",
    "TABLE",
    "TABLESPACE",
    "TEMPORARY",
    "TRIGGER",
    "UNDO",
    "UNIQUE",
    "USER",
    "VECTOR",
    "VIEW",
];
const ALTERED: &[&str] = &[
    "ALGORITHM",
    "DATABASE",
    "DEFINER",
    "EVENT",
    "FUNCTION",
    "IGNORE",
    "INSTANCE",
    "LOGFILE",
    "OFFLINE",
    "ONLINE",
    "PROCEDURE",
    "RESOURCE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "SQL",
    "TABLE",
    "TABLESPACE",
    "UNDO",
    "USER",
    "VIEW",
];
const DROPPED: &[&str] = &[
    "DATABASE",
    "EVENT",
    "FUNCTION",
    "INDEX",
    "KEY",
    "LIBRARY",
    "LOGFILE",
    "PACKAGE",
    "PREPARE",
    "PROCEDURE",
    "RESOURCE",
    "ROLE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "SPATIAL",
    "TABLE",
    "TABLES",
    "TABLESPACE",
    "TEMPORARY",
    "TRIGGER",
    "UNDO",
    "USER",
    "VIEW",
];
const SET: &[&str] = &[
    "CHARACTER",
    "CHARSET",
    "DEFAULT",
    "GLOBAL",
    "LOCAL",
    "NAMES",
    "PASSWORD",
    "PERSIST",
    "PERSIST_ONLY",
    "RESOURCE",
    "ROLE",
    "SESSION",
    "STATEMENT",
    "TRANSACTION",
];
/// What can follow the name of a table in UPDATE, DELETE, INSERT and REPLACE.
const BEHIND_TABLE: &[&str] = &[
    "AS",
    "CROSS",
    "FROM",
    "INNER",
    "JOIN",
    "LEFT",
    "NATURAL",
    "RIGHT",
    "SELECT",
    "SET",
    "STRAIGHT_JOIN",
    "USING",
    "VALUE",
    "VALUES",
    "WHERE",
];
const INSERTED: &[&str] = &["DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO", "LOW_PRIORITY"];

/// First words of statements, and what follows each. `INSERT` stands first because most statements begin so.
const FIRST: &[(&str, Next)] = &[
    ("INSERT", Next::Table(INSERTED)),
    ("CREATE", Next::Words(CREATED)),
    ("DROP", Next::Words(DROPPED)),
    ("SET", Next::Variable(SET)),
    ("LOCK", Next::Words(&["INSTANCE", "TABLE", "TABLES"])),
    ("UNLOCK", Next::Words(&["INSTANCE", "TABLE", "TABLES"])),
    ("ALTER", Next::Words(ALTERED)),
    ("REPLACE", Next::Table(INSERTED)),
    ("USE", Next::NameAndEnd),
    ("DELIMITER", Next::Anything),
    (
        "START",
        Next::Words(&[
            "ALL",
            "GROUP_REPLICATION",
            "REPLICA",
            "SLAVE",
            "TRANSACTION",
        ]),
    ),
    (
        "STOP",
        Next::Words(&["ALL", "GROUP_REPLICATION", "REPLICA", "SLAVE"]),
    ),
    ("BEGIN", Next::End(&["NOT", "WORK"])),
    ("COMMIT", Next::End(&["AND", "WORK"])),
    ("ROLLBACK", Next::End(&["AND", "TO", "WORK"])),
    ("UPDATE", Next::Table(&["IGNORE", "LOW_PRIORITY"])),
    (
        "DELETE",
        Next::Table(&["FROM", "HISTORY", "IGNORE", "LOW_PRIORITY", "QUICK"]),
    ),
    ("TRUNCATE", Next::TableAndEnd(&["TABLE"])),
    ("RENAME", Next::Words(&["TABLE", "TABLES", "USER"])),
    (
        "ANALYZE",
        Next::Words(&["FORMAT", "LOCAL", "NO_WRITE_TO_BINLOG", "TABLE", "TABLES"]),
    ),
    ("BACKUP", Next::Words(&["LOCK", "STAGE", "UNLOCK"])),
    ("BINLOG", Next::Anything),
    ("CACHE", Next::Words(&["INDEX"])),
    ("CALL", Next::Anything),
    ("CHANGE", Next::Words(&["MASTER", "REPLICATION"])),
    ("CHECK", Next::Words(&["TABLE", "TABLES", "VIEW"])),
    ("CHECKSUM", Next::Words(&["TABLE", "TABLES"])),
    ("CLONE", Next::Words(&["INSTANCE", "LOCAL"])),
    ("DEALLOCATE", Next::Words(&["PREPARE"])),
    ("DESC", Next::Anything),
    ("DESCRIBE", Next::Anything),
    ("DO", Next::Anything),
    ("EXECUTE", Next::Anything),
    ("EXPLAIN", Next::Anything),
    ("FLUSH", Next::Anything),
    ("GET", Next::Words(&["CURRENT", "DIAGNOSTICS", "STACKED"])),
    ("GRANT", Next::Anything),
    ("HANDLER", Next::Anything),
    ("HELP", Next::Anything),
    ("IMPORT", Next::Words(&["TABLE"])),
    ("INSTALL", Next::Words(&["COMPONENT", "PLUGIN", "SONAME"])),
    ("KILL", Next::Anything),
    ("LOAD", Next::Words(&["DATA", "INDEX", "XML"])),
    (
        "OPTIMIZE",
        Next::Words(&["LOCAL", "NO_WRITE_TO_BINLOG", "TABLE", "TABLES"]),
    ),
    ("PREPARE", Next::Anything),
    ("PURGE", Next::Words(&["BINARY", "MASTER"])),
    ("RELEASE", Next::Words(&["SAVEPOINT"])),
    (
        "REPAIR",
        Next::Words(&["LOCAL", "NO_WRITE_TO_BINLOG", "TABLE", "TABLES", "VIEW"]),
    ),
    ("RESET", Next::Anything),
    ("RESIGNAL", Next::Anything),
    ("RESTART", Next::End(&[])),
    ("REVOKE", Next::Anything),
    ("SAVEPOINT", Next::Anything),
    ("SELECT", Next::Anything),
    ("SHOW", Next::Anything),
    ("SHUTDOWN", Next::End(&[])),
    ("SIGNAL", Next::Words(&["SQLSTATE"])),
    ("UNINSTALL", Next::Words(&["COMPONENT", "PLUGIN", "SONAME"])),
    ("WITH", Next::Anything),
    ("XA", Next::Anything),
];

/// Bytes of a text that decide whether its first words are those of a statement.
const WORDS: usize = 32;

/// What a statement in parentheses begins with.
const IN_PARENTHESES: &[&str] = &["SELECT", "TABLE", "VALUES", "WITH"];

/// Whether a statement may begin with this text, of which only the first bytes need to be there: a first word, the
/// next one, what follows it, and the rest of the line. A text that ends early may be a statement that the end of the
/// file cut.
pub(super) fn begins_statement(text: &[u8], delimiter: &[u8]) -> bool {
    if text.starts_with(b"INSERT INTO `") {
        return true;
    }
    match text.first() {
        Some(b'/') => return matches!(text.get(1), Some(b'*') | None),
        Some(b'(') => return begins_in_parentheses(text),
        _ => {}
    }
    has_first_words(text.get(..WORDS).unwrap_or(text)) && !prose::is_prose_line(text, delimiter)
}

fn begins_in_parentheses(text: &[u8]) -> bool {
    let inner = text
        .iter()
        .position(|byte| *byte != b'(' && !byte.is_ascii_whitespace());
    let Some(inner) = inner.and_then(|begins| text.get(begins..)) else {
        return true;
    };
    let (word, rest) = word(inner);
    inner.starts_with(b"/*")
        || IN_PARENTHESES.iter().any(|known| match rest.is_empty() {
            true => begins_with_word(known.as_bytes(), word),
            false => known.as_bytes().eq_ignore_ascii_case(word) && !is_prose(word),
        })
}

/// Whether a text begins with the first words of a statement.
fn has_first_words(text: &[u8]) -> bool {
    let (word, rest) = word(text);
    let is_last = rest.is_empty();
    FIRST.iter().any(|(first, next)| {
        let first = first.as_bytes();
        if is_last {
            return begins_with_word(first, word);
        }
        first.eq_ignore_ascii_case(word) && next.takes(word, rest)
    })
}

impl Next {
    /// Whether what follows the first word, which is not empty, can belong to a statement.
    fn takes(&self, first: &[u8], rest: &[u8]) -> bool {
        let after = rest.trim_ascii_start();
        if after.is_empty() || after.starts_with(b"/*") {
            return true;
        }
        // "SETTINGS: …" has no blank, and "Check: …" is not SQL.
        if rest.len() == after.len()
            && !matches!(after.first(), Some(b'`' | b'"' | b'(' | b';' | b'@' | b'*'))
        {
            return false;
        }
        let (second, behind) = word(after);
        let one_of = |words: &[&str]| {
            words.iter().any(|known| match behind.is_empty() {
                true => begins_with_word(known.as_bytes(), second),
                false => known.as_bytes().eq_ignore_ascii_case(second),
            })
        };
        let is_quoted = matches!(after.first(), Some(b'`' | b'"'));
        match self {
            Self::Words(words) => !second.is_empty() && one_of(words),
            Self::Variable(words) => {
                let sets = matches!(
                    behind.trim_ascii_start(),
                    [] | [b'=' | b'.', ..] | [b':', b'=', ..]
                );
                matches!(after.first(), Some(b'@' | b'`'))
                    || !second.is_empty() && (one_of(words) || sets)
            }
            Self::Table(words) => {
                let is_name = second.contains(&b'_')
                    || matches!(behind, [b'(', ..] | [b'.', b'`' | b'_' | b'a'..=b'z' | b'A'..=b'Z', ..]);
                // `t SET …`, `t AS a JOIN …`, `t, u SET …`: some word behind it is one that prose does not have there.
                let is_followed = || {
                    let rest = behind.trim_ascii_start();
                    let (next, after_next) = word(rest);
                    let (last, _) = word(after_next.trim_ascii_start());
                    let is_known = |found: &[u8]| {
                        let mut known = BEHIND_TABLE.iter();
                        known.any(|known| known.as_bytes().eq_ignore_ascii_case(found))
                    };
                    !is_prose(first)
                        && (rest.first() == Some(&b',') || is_known(next) || is_known(last))
                };
                is_quoted
                    || !second.is_empty()
                        && (one_of(words) || is_name || behind.is_empty() || is_followed())
            }
            Self::TableAndEnd(words) => {
                Self::Table(words).takes(first, rest)
                    || !second.is_empty() && !is_prose(first) && ends_line(behind)
            }
            Self::End(words) => after.starts_with(b";") || !second.is_empty() && one_of(words),
            Self::NameAndEnd => is_quoted || !second.is_empty() && ends_line(behind),
            Self::Anything => !is_prose(first) || memchr(b';', after).is_some(),
        }
    }
}

/// Whether a word is written as at the start of a sentence, with one capital.
fn is_prose(word: &[u8]) -> bool {
    let is_capital = word.first().is_some_and(u8::is_ascii_uppercase);
    is_capital && word.iter().any(u8::is_ascii_lowercase)
}

/// Whether nothing but a delimiter stands on the rest of the line.
fn ends_line(text: &[u8]) -> bool {
    let line = memchr(b'\n', text)
        .and_then(|end| text.get(..end))
        .unwrap_or(text);
    line.trim_ascii()
        .iter()
        .all(|byte| matches!(byte, b';' | b'$' | b'/'))
}

/// Whether `whole` begins with `part`, which may be all that is left of it. Nothing at all is no part.
fn begins_with_word(whole: &[u8], part: &[u8]) -> bool {
    !part.is_empty()
        && whole
            .get(..part.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(part))
}

/// The word at the start of the text, and what follows it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    text.split_at(text.iter().take_while(|byte| is_part(byte)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_dumps_begin_a_statement() {
        for text in [
            "INSERT INTO `civicrm_acl` VALUES",
            "insert into civicrm_acl values (1",
            "INSERT IGNORE INTO `civicrm_acl`",
            "INSERT `civicrm_acl` VALUES (1)",
            "REPLACE INTO t VALUES (1)",
            "CREATE TABLE `civicrm_acl` (\n",
            "CREATE TABLE/*!32312 IF NOT EXIST",
            "CREATE/*!50017 DEFINER=`a`@`b`*/",
            "create or replace view x as sele",
            "DROP TABLE IF EXISTS `civicrm_acl`",
            "SET @OLD_UNIQUE_CHECKS=@@UNIQUE_C",
            "SET NAMES utf8mb4;",
            "SET FOREIGN_KEY_CHECKS = 0;",
            "SET foreign_key_checks=0;",
            "set sql_mode := '';",
            "SET time_zone = \"+00:00\";",
            "/*!40101 SET NAMES utf8mb4 */;",
            "/*M!100616 SET NOTE_VERBOSITY=0 */",
            "USE `civicrm`;",
            "USE civicrm;\n",
            "use civicrm",
            "LOCK TABLES `civicrm_acl` WRITE;",
            "UNLOCK TABLES;",
            "START TRANSACTION;",
            "BEGIN;",
            "COMMIT;",
            "BEGIN",
            "UPDATE civicrm_domain SET version",
            "UPDATE `civicrm_domain` SET versi",
            "DELETE FROM civicrm_cache;",
            "UPDATE users SET name = 'x' WHER",
            "update users u set u.a = 1;",
            "UPDATE users u JOIN groups g ON ",
            "UPDATE users, groups SET a = 1",
            "DELETE u FROM users u WHERE u.id",
            "INSERT users VALUES (1)",
            "TRUNCATE users;",
            "TRUNCATE civicrm_cache;",
            "SELECT 1;",
            "Select pg_catalog.x;",
            "FLUSH PRIVILEGES;",
            "GRANT USAGE ON *.* TO x",
            "call rebuild();",
            "(SELECT 1)",
            "( (select a from b) union (select",
            "(",
            // What a cut leaves.
            "C",
            "CRE",
            "CREATE",
            "CREATE ",
            "CREATE TAB",
            "SET ",
            "SET FOREIGN_K",
            "INSERT INT",
            "US",
            "USE",
            "USE ci",
            "LOCK T",
            "DROP TABLE IF EX",
            "/",
            "/*",
            "UPDATE ci",
        ] {
            assert!(begins_statement(text.as_bytes(), b";"), "{text}");
        }
    }

    #[test]
    fn text_that_programs_and_people_print_begins_none() {
        for text in [
            "Warning: A partial dump from a se",
            "mysqldump: [Warning] Using a pass",
            "mysqldump: Error: 'Access denied;",
            "Deprecated: Return type of Exampl",
            "Call Stack:",
            "Call Stack:\n    0.0002     123456",
            "0.0002     123456   1. {main}() /",
            "Connection closed",
            "Script done on 2025-05-01 02:00:0",
            "Don't panic",
            "Check your password: x",
            "Check that the server runs",
            "Show more",
            "Update complete.",
            "Update available for drush 8",
            "Use of undefined constant X",
            "Set up complete",
            "Create backup done",
            "Delete old backups",
            "Update the values from here",
            "update of all tables failed",
            "delete this file by hand",
            "Truncate users;",
            "Load average: 0.1",
            "Start of backup",
            "Backup completed successfully",
            "Release 12 of x is out",
            "<br />",
            "{\"error\": \"denied\"}",
            "Enter password: ",
            "'foo',NULL),(2,'x');",
            "SETTINGS: x",
            "ERROR 1045 (28000): Access denied",
            "Handler finished",
            "Killed",
            "Help: see the manual",
            "Replace the file by hand",
            "(Reading database ... 12 files)",
            "(node:12) it's x",
            "(base) user@host:~$ mysqldump civ",
            "(Selecting previously unselected ",
            "(1,'x'),(2,'y');",
            "/usr/bin/mysqldump: Deprecated pr",
            "/usr/bin/backup.sh: line 14: [: t",
            "/ is full",
        ] {
            assert!(!begins_statement(text.as_bytes(), b";"), "{text}");
        }
    }
}

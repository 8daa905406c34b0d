//! Whether a line that begins with words of a statement is a message all the same, as
//! `select count(*) from civicrm_contact: 102` is.

use super::noise::begins_statement;

/// First words of statements that begin many sentences as well, and that dumps have on one line.
const DOUBTFUL: &[&str] = &[
    "CALL", "DESC", "DESCRIBE", "DO", "EXECUTE", "EXPLAIN", "FLUSH", "GET", "GRANT", "HANDLER",
    "HELP", "KILL", "PREPARE", "PURGE", "RESET", "REVOKE", "SELECT", "SET", "SHOW", "SIGNAL",
    "START", "STOP", "WITH", "XA",
];

/// First words with which the line behind a message begins another statement, and does not go on with the same one.
const FRESH: &[&str] = &[
    "ALTER",
    "CREATE",
    "DELIMITER",
    "DROP",
    "INSERT",
    "LOCK",
    "SET",
    "UNLOCK",
    "USE",
];

/// Whether the first line of a text that begins with words of a statement is none: a name or a word has a colon and
/// a blank behind it; or the line begins as sentences do as well, has an odd quote or no delimiter, and something of
/// its own follows. `text` need not be there to its end.
pub(super) fn is_prose_line(text: &[u8], delimiter: &[u8]) -> bool {
    let line_end = memchr::memchr(b'\n', text);
    let (line, behind) = text.split_at(line_end.unwrap_or(text.len()));
    // That of mydumper's files ends with the line.
    let delimiter = delimiter.trim_ascii_end();
    match outside_quotes(line, delimiter) {
        Found::Colon => true,
        // A text in quotes goes on behind the line, or what is seen of it ends here.
        Found::Quote => line_end.is_some() && begins_with_one(DOUBTFUL, line),
        Found::Nothing => begins_with_one(DOUBTFUL, line) && stands_alone(behind, delimiter),
        Found::Delimiter | Found::Body => false,
    }
}

/// What tells of a line, outside its quotes and comments.
enum Found {
    /// A colon with a blank or the end of the line behind it.
    Colon,
    /// The end of a statement.
    Delimiter,
    /// A quote without its end.
    Quote,
    /// BEGIN, behind which labels have colons.
    Body,
    Nothing,
}

fn outside_quotes(line: &[u8], delimiter: &[u8]) -> Found {
    let mut rest = line;
    let mut before = b' ';
    while let Some((&byte, behind)) = rest.split_first() {
        if rest.starts_with(delimiter) {
            return Found::Delimiter;
        }
        match byte {
            b'\'' | b'"' | b'`' => {
                let Some(end) = end_of_quoted(behind, byte) else {
                    return Found::Quote;
                };
                rest = behind.get(end + 1..).unwrap_or_default();
                before = byte;
                continue;
            }
            b':' if !before.is_ascii_whitespace()
                && matches!(behind.first(), Some(b' ' | b'\t' | b'\r') | None) =>
            {
                return Found::Colon;
            }
            b'#' => return Found::Nothing,
            b'-' if rest.starts_with(b"-- ") => return Found::Nothing,
            b'/' if rest.starts_with(b"/*") => {
                let Some(end) = memchr::memmem::find(behind, b"*/") else {
                    return Found::Nothing;
                };
                rest = behind.get(end + 2..).unwrap_or_default();
                before = b' ';
                continue;
            }
            b'b' | b'B'
                if before.is_ascii_whitespace()
                    && rest
                        .get(..5)
                        .is_some_and(|word| word.eq_ignore_ascii_case(b"begin")) =>
            {
                return Found::Body;
            }
            _ => {}
        }
        before = byte;
        rest = behind;
    }
    Found::Nothing
}

/// The index of the quote that ends what stands behind a quote; a doubled one ends and begins again.
fn end_of_quoted(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(quote, b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&quote) {
            return Some(at);
        }
        at += 2;
    }
}

/// Whether what follows a line, from its line feed on, has nothing to do with it: a blank line, a comment as programs
/// write them, or the beginning of another statement.
fn stands_alone(behind: &[u8], delimiter: &[u8]) -> bool {
    let Some(next) = behind.strip_prefix(b"\n") else {
        return false;
    };
    let line_end = memchr::memchr(b'\n', next);
    let line = next.get(..line_end.unwrap_or(next.len())).unwrap_or(next);
    let is_blank = line.trim_ascii().is_empty() && line_end.is_some();
    let marks: [&[u8]; 5] = [
        b"--\n",
        b"--\r",
        b"-- MySQL dump ",
        b"-- MariaDB dump ",
        b"/*!",
    ];
    is_blank
        || marks.iter().any(|mark| next.starts_with(mark))
        || begins_with_one(FRESH, line) && begins_statement(next, delimiter)
}

fn begins_with_one(words: &[&str], line: &[u8]) -> bool {
    let length = line
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_');
    let word = line.get(..length.count()).unwrap_or_default();
    let mut words = words.iter();
    words.any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_with_words_of_sql_are_told_from_statements() {
        for text in [
            "select count(*) from civicrm_contact: 102\n-- MySQL dump 10.13\n",
            "SET PASSWORD reminder: it's due\n-- MySQL dump 10.13\n",
            "SET NAMES reminder\n--\n-- Table structure\n",
            "CHECK TABLE civicrm_contact: OK\nDROP TABLE x;",
            "drop table civicrm_x: can't\n",
            "create table civicrm_x: done",
            "show me what's wrong\nDROP TABLE x;",
            "select all backups of today\nDROP TABLE x;",
            "with regards, the cron daemon\n\nSET NAMES utf8;",
            "grant of access for x\n/*!40101 SET NAMES utf8 */;",
        ] {
            assert!(is_prose_line(text.as_bytes(), b";"), "{text}");
        }
        for text in [
            "SELECT 'a: b';",
            "SELECT a\nFROM b;",
            "SELECT 1\nUNION\nSELECT 2;",
            "SELECT 'it''s\n: x';\n",
            "SET NAMES utf8;\n-- MySQL dump",
            "SET @x := 1;",
            "SET @x = 'don\\'t: x', @y = 1;",
            "SET @x = 1,\n@y = 2;",
            "SET NAMES utf8",
            "CREATE TABLE `a: b` (\n",
            "CREATE PROCEDURE p() BEGIN lbl: LOOP",
            "CREATE DEFINER=`a`@`b` TRIGGER x BEFORE INSERT ON y FOR EACH ROW lbl : BEGIN",
            "DROP TABLE x; -- note: it's old",
            "ALTER TABLE x /* note: y */ ADD z int;",
            "GRANT SELECT,\nINSERT, UPDATE ON x.* TO y;",
            "EXPLAIN\nSELECT 1;",
        ] {
            // A quote that goes on behind the line is rare enough in statements that begin so.
            let is_cut_quote = text.contains("it''s\n");
            assert_eq!(is_prose_line(text.as_bytes(), b";"), is_cut_quote, "{text}");
        }
        let of_mydumper = b"SET @PREV_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT;\nSET character_set_client = utf8mb4;\n";
        assert!(!is_prose_line(of_mydumper, b";\n"));
    }
}

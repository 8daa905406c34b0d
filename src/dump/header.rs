//! What the comments of dump programs say: who wrote the dump, and whether it got to the end.
//!
//! Formats as written by mysqldump 5.1 to 9.7, mariadb-dump 10.5 to 11.8, phpMyAdmin 5.2 and
//! Adminer 4.8 to 6.1.

use crate::snapshot::Producer;

/// What one comment line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The first line that a dump program writes.
    Begins {
        /// The program that wrote the line.
        producer: Producer,
        /// The version of the program; `None` when the line does not give it.
        version: Option<String>,
        /// The version of the server; `None` when the line does not give it.
        server: Option<String>,
    },
    /// The program's version on a line of its own (phpMyAdmin).
    ProducerVersion(String),
    /// The version of the server that was dumped.
    Server(String),
    /// The name of the database whose objects follow.
    Database(String),
    /// A stand-in table for this view follows (phpMyAdmin).
    StandIn(String),
    /// The last line that a dump program writes.
    Ends {
        /// The program that wrote the line; mariadb-dump writes the same line as mysqldump.
        producer: Producer,
        /// Date and time of the end of the dump; `None` when the line does not give it.
        date: Option<String>,
    },
    /// A message of the dump program that something was left out.
    Problem(String),
}

/// Reads one comment. `ended` says whether the line feed after it was there: without it, a last line that
/// carries no date may be the beginning of a longer line.
pub fn remark(comment: &[u8], ended: bool) -> Option<Remark> {
    let text = comment.strip_prefix(b"-- ")?;
    // Long comments hold nothing of interest, and most dumps have thousands of short ones.
    let text = str::from_utf8(text.get(..400).unwrap_or(text)).ok()?;
    let word = |text: &str| text.split([' ', ',']).next().unwrap_or_default().to_owned();
    if let Some(rest) = text.strip_prefix("Dump completed") {
        let date = rest.strip_prefix(" on ");
        let whole = date.map_or(rest.is_empty() && ended, is_date_time);
        return whole.then(|| Remark::Ends {
            producer: Producer::Mysqldump,
            date: date.map(str::to_owned),
        });
    }
    for (prefix, producer) in [
        ("MySQL dump ", Producer::Mysqldump),
        ("MariaDB dump ", Producer::MariadbDump),
    ] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let version = rest.split([' ', ',', '-']).next();
            return Some(Remark::Begins {
                producer,
                version: version.map(str::to_owned),
                server: None,
            });
        }
    }
    if let Some(rest) = text.strip_prefix("Adminer ") {
        let mut words = rest.split(' ');
        let version = words.next().map(str::to_owned);
        let family = words.next().unwrap_or_default();
        let server = words.next().map(|number| format!("{number}-{family}"));
        return text.ends_with(" dump").then_some(Remark::Begins {
            producer: Producer::Adminer,
            version,
            server,
        });
    }
    if text == "phpMyAdmin SQL Dump" {
        return Some(Remark::Begins {
            producer: Producer::PhpMyAdmin,
            version: None,
            server: None,
        });
    }
    if let Some(rest) = text.strip_prefix("version ") {
        return Some(Remark::ProducerVersion(word(rest)));
    }
    if let Some(rest) = text.strip_prefix("Server version") {
        let version = rest.trim_start_matches([':', ' ', '\t']);
        return Some(Remark::Server(version.to_owned()));
    }
    let host = text.strip_prefix("Host: ");
    if let Some((_, name)) = host.and_then(|rest| rest.split_once("Database: ")) {
        return (!name.is_empty()).then(|| Remark::Database(name.to_owned()));
    }
    for prefix in ["Current Database: ", "Database: "] {
        if let Some(name) = text.strip_prefix(prefix) {
            return Some(Remark::Database(unquote(name)));
        }
    }
    if let Some(name) = text.strip_prefix("Stand-in structure for view ") {
        let name = name.split("` ").next().unwrap_or(name);
        return Some(Remark::StandIn(unquote(name)));
    }
    if text.starts_with("insufficient privileges to ") {
        return Some(Remark::Problem(text.to_owned()));
    }
    is_date_time(text.strip_suffix(" UTC").unwrap_or(text)).then(|| Remark::Ends {
        producer: Producer::Adminer,
        date: Some(text.to_owned()),
    })
}

fn unquote(name: &str) -> String {
    name.trim_matches(|c| c == '`' || c == '"').to_owned()
}

/// Whether the text is a date and time such as `2026-11-22 17:37:00`; mysqldump pads the hour with a blank.
fn is_date_time(text: &str) -> bool {
    let form = b"dddd-dd-dd hd:dd:dd";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            b'h' => byte.is_ascii_digit() || byte == b' ',
            _ => byte == *form,
        })
}

/// Whether a line looks like what programs print when something goes wrong, such as `mysqldump: Got error:
/// 1045: …` or `Warning: Using a password …`.
pub fn is_program_message(line: &str) -> bool {
    const PROGRAMS: [&str; 12] = [
        "mysqldump",
        "mariadb-dump",
        "mysqlpump",
        "mysql",
        "mariadb",
        "mydumper",
        "ERROR",
        "Error",
        "Warning",
        "WARNING",
        "PHP",
        "drush",
    ];
    let Some((speaker, _)) = line.split_once(": ") else {
        return false;
    };
    let word = speaker.split(' ').next().unwrap_or_default();
    let program = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let program = program.strip_suffix(".exe").unwrap_or(program);
    PROGRAMS.contains(&program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(producer: Producer, version: Option<&str>, server: Option<&str>) -> Remark {
        Remark::Begins {
            producer,
            version: version.map(str::to_owned),
            server: server.map(str::to_owned),
        }
    }

    #[test]
    fn first_lines_of_real_programs_are_known() {
        for (line, expected) in [
            (
                "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)",
                begins(Producer::Mysqldump, Some("10.13"), None),
            ),
            (
                "-- MySQL dump 9.7.4, for Linux (x86_64)",
                begins(Producer::Mysqldump, Some("9.7.4"), None),
            ),
            (
                "-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)",
                begins(Producer::MariadbDump, Some("10.19"), None),
            ),
            (
                "-- MariaDB dump 10.19-11.8.6-MariaDB, for debian-linux-gnu (x86_64)",
                begins(Producer::MariadbDump, Some("10.19"), None),
            ),
            (
                "-- Adminer 4.8.1 MySQL 10.11.6-MariaDB dump",
                begins(
                    Producer::Adminer,
                    Some("4.8.1"),
                    Some("10.11.6-MariaDB-MySQL"),
                ),
            ),
            (
                "-- phpMyAdmin SQL Dump",
                begins(Producer::PhpMyAdmin, None, None),
            ),
            ("-- Server version\t5.7.37", Remark::Server("5.7.37".into())),
            (
                "-- Server version: 10.11.6",
                Remark::Server("10.11.6".into()),
            ),
            (
                "-- Host: localhost    Database: civi db",
                Remark::Database("civi db".into()),
            ),
            (
                "-- Current Database: `civi`",
                Remark::Database("civi".into()),
            ),
        ] {
            assert_eq!(remark(line.as_bytes(), true), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_last_line_counts_only_when_it_is_whole() {
        let ends =
            |line: &str, ended| matches!(remark(line.as_bytes(), ended), Some(Remark::Ends { .. }));
        let line = "-- Dump completed on 2014-06-13  1:22:14";
        assert!(ends(line, false));
        for length in 0..line.len() {
            assert!(!ends(&line[..length], false), "{length}");
        }
        assert!(ends("-- Dump completed", true));
        assert!(ends("-- 2026-11-22 17:00:01", true));
        assert!(ends("-- 2026-11-22 17:00:01 UTC", true));
        assert!(!ends("-- 2026-11-22 17:00:0", true));
    }

    #[test]
    fn messages_of_programs_are_told_from_sql() {
        assert!(is_program_message("mysqldump: [Warning] Using a password"));
        assert!(is_program_message("C:\\x\\mysqldump.exe: Got error: 1045"));
        assert!(is_program_message(
            "Warning: Using a password on the command line"
        ));
        assert!(!is_program_message("CREATE TABLE mysqldump (a int)"));
        assert!(!is_program_message("SET a:=1"));
    }
}

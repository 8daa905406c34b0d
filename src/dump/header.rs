//! What the comments of dump programs say: who wrote the dump, and whether it got to the end.
//!
//! Formats as written by mysqldump 5.1 to 9.7, mariadb-dump 10.5 to 11.8, phpMyAdmin 5.2 and
//! Adminer 4.8 to 6.1; and, as found in public dumps, by the other programs of [`Producer`].

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
        /// The database whose objects follow; `None` when the line does not name it.
        database: Option<String>,
    },
    /// The program's version on a line of its own (phpMyAdmin, Sequel Ace, Backup and Migrate).
    ProducerVersion(String),
    /// Only tables whose names begin so were dumped; empty when all were.
    TablePrefix(String),
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
        /// A message that stands on the same line behind it; `None` where the line ends there.
        behind: Option<String>,
    },
    /// A message of the dump program that something was left out.
    Problem(String),
    /// The dump program left out the rows that do not fit this condition (`mysqldump --where`); all of the table above,
    /// where it has none (HeidiSQL).
    RowsLeftOut(Option<String>),
}

/// Reads one comment. `ended` says whether the line feed after it was there: without it, a last line that
/// carries no date may be the beginning of a longer line.
pub fn remark(comment: &[u8], ended: bool) -> Option<Remark> {
    // Long comments hold nothing of interest, and most dumps have thousands of short ones.
    let comment = comment.get(..MAX_COMMENT).unwrap_or(comment);
    if let Some(text) = comment.strip_prefix(b"/*") {
        return in_block(&String::from_utf8_lossy(text));
    }
    if let Some(text) = comment.strip_prefix(b"#") {
        return behind_hash(str::from_utf8(text).ok()?.trim());
    }
    let text = comment.strip_prefix(b"-- ")?;
    let text = str::from_utf8(text).ok()?;
    let (line, behind) = glued(text);
    if let Some(producer) = last_line(line, ended || behind.is_some()) {
        return Some(Remark::Ends {
            producer,
            date: date_of_end(line),
            behind: behind.map(str::to_owned),
        });
    }
    begins(text).or_else(|| said_of_dump(text))
}

/// Bytes that are looked at of a comment; the block at the start of a dump of Navicat has some 500.
const MAX_COMMENT: usize = 1000;

fn word(text: &str) -> String {
    let word = text.split([' ', ',']).next().unwrap_or_default();
    word.to_owned()
}

/// The first line of a program that says no more than its name and version.
fn first_line(producer: Producer, version: &str) -> Remark {
    Remark::Begins {
        producer,
        version: Some(word(version)).filter(|version| !version.is_empty()),
        server: None,
        database: None,
    }
}

/// The beginnings of first lines that end with the version.
const FIRST_LINES: &[(&str, Producer)] = &[
    (
        "Dump created by MySQL pump utility, version: ",
        Producer::Mysqlpump,
    ),
    (
        "Dump created by MySQL dump utility, version: ",
        Producer::Mysqlpump,
    ),
    ("HeidiSQL Version:", Producer::HeidiSql),
    ("Backup with BackWPup ver.:", Producer::BackWpup),
    ("phpMiniAdmin dump ", Producer::PhpMiniAdmin),
    ("MySqlBackup.NET ", Producer::MysqlBackupNet),
];

/// Reads the first line of a program, as far as it is a comment with two hyphens.
fn begins(text: &str) -> Option<Remark> {
    for (prefix, producer) in [
        ("MySQL dump ", Producer::Mysqldump),
        ("MariaDB dump ", Producer::MariadbDump),
    ] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let version = word(rest);
            return Some(first_line(
                producer,
                version.split('-').next().unwrap_or_default(),
            ));
        }
    }
    // The fork of Adminer has had both names.
    let adminers = [
        ("Adminer ", Producer::Adminer),
        ("AdminNeo ", Producer::AdminNeo),
        ("AdminerNeo ", Producer::AdminNeo),
    ];
    let adminer = |(prefix, producer)| Some((text.strip_prefix(prefix)?, producer));
    if let Some((rest, producer)) = adminers.into_iter().find_map(adminer) {
        let mut words = rest.split(' ');
        let version = words.next().map(str::to_owned);
        let family = words.next().unwrap_or_default();
        let server = words.next().map(|number| format!("{number}-{family}"));
        return text.ends_with(" dump").then_some(Remark::Begins {
            producer,
            version,
            server,
            database: None,
        });
    }
    // In the language of the program: "Script was generated by Devart dbForge Studio 2019 for MySQL, Version 8.2.23.0".
    if text.contains("Devart dbForge Studio ")
        && let Some((_, version)) = text.split_once("for MySQL, ")
    {
        let version = version.rsplit(' ').next().unwrap_or_default();
        return Some(first_line(Producer::DbForge, version));
    }
    if text == "phpMyAdmin SQL Dump" {
        return Some(first_line(Producer::PhpMyAdmin, ""));
    }
    if text == "All In One WP Migration SQL Dump" {
        return Some(first_line(Producer::AllInOneWpMigration, ""));
    }
    if text.starts_with("mysqldump-php ") {
        return Some(first_line(Producer::MysqldumpPhp, ""));
    }
    if text.starts_with("Backup and Migrate ") && text.to_ascii_lowercase().ends_with("mysql dump")
    {
        return Some(first_line(Producer::BackupAndMigrate, ""));
    }
    if let Some(rest) = text.strip_prefix("MySQLShell dump ") {
        let server = rest
            .split_once(" - for MySQL ")
            .map(|(_, server)| word(server));
        let program = rest
            .split_once("Distrib Ver ")
            .map_or(rest, |(_, version)| version);
        return Some(Remark::Begins {
            producer: Producer::MysqlShell,
            version: Some(word(program)),
            server,
            database: None,
        });
    }
    if let Some(rest) = text.strip_prefix("TablePlus ") {
        let is_version = rest.starts_with(|c: char| c.is_ascii_digit());
        let version = rest.split('(').next().unwrap_or(rest);
        return is_version.then(|| first_line(Producer::TablePlus, version));
    }
    FIRST_LINES.iter().find_map(|(prefix, producer)| {
        let rest = text.strip_prefix(prefix).filter(|rest| *rest != "end")?;
        Some(first_line(*producer, rest.trim_start()))
    })
}

/// What a comment of the program says besides: versions, databases, what was left out.
fn said_of_dump(text: &str) -> Option<Remark> {
    for prefix in ["version ", "Backup and Migrate Version: "] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return Some(Remark::ProducerVersion(word(rest)));
        }
    }
    // The last one is dbForge's in Russian.
    for prefix in ["Server version", "MySQL Version:", "Версия сервера"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let version = rest.trim_start_matches([':', ' ', '\t']);
            return Some(Remark::Server(version.to_owned()));
        }
    }
    if let Some((_, name)) = text
        .strip_prefix("Host: ")
        .and_then(|rest| rest.split_once("Database: "))
    {
        let name = name.split("    Table: ").next().unwrap_or(name);
        return (!name.is_empty()).then(|| Remark::Database(name.to_owned()));
    }
    for prefix in ["Current Database: ", "Database: ", "Database Name: "] {
        if let Some(name) = text.strip_prefix(prefix) {
            return Some(Remark::Database(unquote(name)));
        }
    }
    if let Some(name) = text.strip_prefix("Stand-in structure for view ") {
        let name = name.split("` ").next().unwrap_or(name);
        return Some(Remark::StandIn(unquote(name)));
    }
    if let Some(condition) = text.strip_prefix("WHERE: ") {
        return Some(Remark::RowsLeftOut(Some(condition.trim().to_owned())));
    }
    if text.trim_end() == "Data exporting was unselected." {
        return Some(Remark::RowsLeftOut(None));
    }
    text.starts_with("insufficient privileges to ")
        .then(|| Remark::Problem(text.to_owned()))
}

/// The last line of mysqldump and a message behind it, where nothing parts the two.
fn glued(text: &str) -> (&str, Option<&str>) {
    const END: &str = "Dump completed";
    let Some(rest) = text.strip_prefix(END) else {
        return (text, None);
    };
    let length = match rest.strip_prefix(" on ") {
        Some(date) => {
            END.len() + " on ".len() + (date.len() - date.trim_start().len()) + DATE_TIME.len()
        }
        None if rest.starts_with([' ', ':']) => text.len(),
        None => END.len(),
    };
    match text.split_at_checked(length) {
        Some((line, behind)) if !behind.trim().is_empty() => (line, Some(behind.trim())),
        _ => (text, None),
    }
}

/// The program whose last line this is; `None` for any other comment, and for a line that is cut.
fn last_line(text: &str, ended: bool) -> Option<Producer> {
    if let Some(rest) = text.strip_prefix("Dump completed") {
        let whole = match rest.strip_prefix(" on") {
            Some(date) => is_date_time(date.trim_start()) || is_mail_date(date),
            None => rest.is_empty() && ended,
        };
        return whole.then_some(Producer::Mysqldump);
    }
    if let Some(date) = text.strip_prefix("Dump end time: ") {
        return (ended || date.len() == "Thu May  1 02:00:07 2025".len())
            .then_some(Producer::Mysqlpump);
    }
    if let Some(date) = text.strip_prefix("Backup completed on ") {
        return is_date_time(date).then_some(Producer::BackWpup);
    }
    if text == "phpMiniAdmin dump end" {
        return ended.then_some(Producer::PhpMiniAdmin);
    }
    is_date_time(text.strip_suffix(" UTC").unwrap_or(text)).then_some(Producer::Adminer)
}

/// The date in the last line of a program.
fn date_of_end(text: &str) -> Option<String> {
    let date = [
        "Dump completed on",
        "Dump completed",
        "Dump end time: ",
        "Backup completed on ",
    ]
    .iter()
    .find_map(|prefix| text.strip_prefix(prefix))
    .unwrap_or(text);
    let date = date.trim_start_matches(':').trim_start();
    date.starts_with(|c: char| c.is_ascii_alphanumeric())
        .then(|| date.to_owned())
        .filter(|date| date != "phpMiniAdmin dump end")
}

/// Reads a comment behind `#`, as Sequel Ace and plugins of WordPress write them.
fn behind_hash(text: &str) -> Option<Remark> {
    for (line, producer) in [
        ("Sequel Ace SQL dump", Producer::SequelAce),
        ("Sequel Pro SQL dump", Producer::SequelPro),
        ("WordPress MySQL database migration", Producer::WpMigrate),
    ] {
        if text == line {
            return Some(first_line(producer, ""));
        }
    }
    if let Some(version) = text.strip_prefix("Created by UpdraftPlus version ") {
        return Some(first_line(Producer::UpdraftPlus, version));
    }
    if let Some(version) = text.strip_prefix("Version ") {
        return Some(Remark::ProducerVersion(word(version)));
    }
    // UpdraftPlus: "WordPress Version: 6.4.1, running on PHP 8.1.2 (Apache), MySQL 8.0.36"; Sequel Ace, which
    // translates the word Host: "Host: localhost (MySQL 8.0.40)".
    let server = match text.strip_prefix("WordPress Version: ") {
        Some(rest) => rest.rsplit_once(", MySQL ").map(|(_, server)| server),
        None => text
            .strip_suffix(')')
            .and_then(|rest| rest.rsplit_once(" (MySQL "))
            .map(|(_, server)| server),
    };
    if let Some(server) = server {
        return Some(Remark::Server(server.to_owned()));
    }
    if let Some(name) = text.strip_prefix("Database: ") {
        return Some(Remark::Database(unquote(name)));
    }
    let prefix = text.strip_prefix("Filtered table prefix: ");
    prefix.map(|prefix| Remark::TablePrefix(prefix.trim().to_owned()))
}

/// Reads a comment between `/*` and `*/` at the start or end of a dump: Navicat, SQLyog, Duplicator.
fn in_block(text: &str) -> Option<Remark> {
    let mut lines = text
        .lines()
        .map(|line| line.trim_matches([' ', '*', '/', '\r']));
    let first = lines.find(|line| !line.is_empty())?;
    let begins = |producer, version: Option<&str>, server, database| {
        Some(Remark::Begins {
            producer,
            version: version.map(str::to_owned),
            server,
            database,
        })
    };
    if first.starts_with("Navicat ") {
        let value = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| {
                line.trim()
                    .strip_prefix(name)?
                    .trim_start()
                    .strip_prefix(':')
            });
            value.map(|value| value.trim().to_owned())
        };
        let family = value("Source Server Type").unwrap_or_else(|| first.to_owned());
        let server =
            value("Source Server Version").and_then(|number| navicat_version(&number, &family));
        let schema = value("Source Schema");
        let producer = match schema {
            Some(_) => Producer::Navicat,
            None => Producer::OldNavicat,
        };
        return begins(
            producer,
            None,
            server,
            schema.or_else(|| value("Source Database")),
        );
    }
    if let Some(rest) = first.strip_prefix("SQLyog ") {
        let version = rest.split(' ').find_map(|word| word.strip_prefix('v'));
        let about = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("MySQL - "));
        // A dump of single tables does not name the database.
        let (server, database) = match about.and_then(|about| about.split_once(" : Database - ")) {
            Some((server, database)) => (Some(server), Some(database.trim().to_owned())),
            None => (about, None),
        };
        let server = server.map(|server| server.trim().to_owned());
        return begins(Producer::SqlYog, version, server, database);
    }
    if first.starts_with("DUPLICATOR_MYSQLDUMP_EOF") {
        return Some(Remark::Ends {
            producer: Producer::Duplicator,
            date: None,
            behind: None,
        });
    }
    let is_duplicator =
        first.starts_with("DUPLICATOR") && first.contains("MYSQL SCRIPT CREATED ON");
    is_duplicator
        .then(|| begins(Producer::Duplicator, None, None, None))
        .flatten()
}

/// The version that Navicat writes as one number: `80036` and `101119`, from 17 on with the text behind it in
/// parentheses.
fn navicat_version(text: &str, family: &str) -> Option<String> {
    let digits = text.split(' ').next().unwrap_or_default();
    let number: u32 = digits.parse().ok()?;
    let mariadb = family.contains("MariaDB");
    let suffix = if mariadb { "-MariaDB" } else { "" };
    Some(format!(
        "{}.{}.{}{suffix}",
        number / 10_000,
        number / 100 % 100,
        number % 100
    ))
}

fn unquote(name: &str) -> String {
    name.trim_matches(|c| c == '`' || c == '"').to_owned()
}

/// The form of a date and time: digits, and an hour that may begin with a blank.
const DATE_TIME: &[u8; 19] = b"dddd-dd-dd hd:dd:dd";

/// Whether the text is a date and time such as `2026-11-22 17:37:00`; mysqldump pads the hour with a blank, and
/// MySqlBackup.NET separates hours and minutes as the country does, with a full stop in some.
fn is_date_time(text: &str) -> bool {
    text.len() == DATE_TIME.len()
        && text.bytes().zip(DATE_TIME).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            b'h' => byte.is_ascii_digit() || byte == b' ',
            b':' => byte == b':' || byte == b'.',
            _ => byte == *form,
        })
}

/// Whether the text is a date as in mails, behind a colon: `: Thu, 01 May 2025 02:00:07 +0000` (mysqldump-php).
fn is_mail_date(text: &str) -> bool {
    let Some((_, zone)) = text
        .strip_prefix(": ")
        .and_then(|date| date.rsplit_once(' '))
    else {
        return false;
    };
    zone.len() == 5
        && zone.starts_with(['+', '-'])
        && zone.bytes().skip(1).all(|byte| byte.is_ascii_digit())
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

/// Finds the last message of a dump program that stands anywhere in a text, perhaps in the middle of a line: where
/// it begins, and the rest of its line.
pub fn message_inside(text: &[u8]) -> Option<(usize, String)> {
    const PROGRAMS: [&str; 4] = ["mysqldump", "mariadb-dump", "mysqlpump", "mydumper"];
    // What these programs begin with.
    const SAID: [&str; 6] = ["Error", "Got error", "Couldn't", "Can't", "Lost", "[ERROR]"];
    let said = |begins: usize| {
        let line = text.get(begins..)?.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line);
        let (_, message) = line.split_once(": ")?;
        let is_said = SAID.iter().any(|said| message.starts_with(said));
        is_said.then(|| line.trim().to_owned())
    };
    let places = PROGRAMS.iter().flat_map(|program| {
        let both = [format!("{program}: "), format!("{program}.exe: ")];
        both.into_iter().flat_map(|start| {
            let found = memchr::memmem::rfind(text, start.as_bytes());
            found.into_iter().collect::<Vec<_>>()
        })
    });
    let last = places.filter(|begins| said(*begins).is_some()).max()?;
    Some((last, said(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(producer: Producer, version: Option<&str>, server: Option<&str>) -> Remark {
        Remark::Begins {
            producer,
            version: version.map(str::to_owned),
            server: server.map(str::to_owned),
            database: None,
        }
    }

    #[test]
    fn first_lines_of_real_programs_are_known() {
        for (line, expected) in [
            (
                "-- Script was generated by Devart dbForge Studio 2019 for MySQL, Version 8.2.23.0",
                begins(Producer::DbForge, Some("8.2.23.0"), None),
            ),
            (
                "-- Скрипт сгенерирован Devart dbForge Studio for MySQL, Версия 6.3.358.0",
                begins(Producer::DbForge, Some("6.3.358.0"), None),
            ),
            (
                "-- Версия сервера: 5.6.26-log",
                Remark::Server("5.6.26-log".into()),
            ),
            (
                "/*\nSQLyog Ultimate v11.11 (64 bit)\nMySQL - 5.6.17 \n*****\n*/",
                begins(Producer::SqlYog, Some("11.11"), Some("5.6.17")),
            ),
            (
                "/* DUPLICATOR-LITE (PHP BUILD MODE) MYSQL SCRIPT CREATED ON : 2020-10-26 08:15:38 */",
                begins(Producer::Duplicator, None, None),
            ),
            (
                "-- MySqlBackup.NET 2.0.9.3",
                begins(Producer::MysqlBackupNet, Some("2.0.9.3"), None),
            ),
            (
                "-- Dump completed on 2016-05-20 01.18.47",
                Remark::Ends {
                    producer: Producer::Mysqldump,
                    date: Some("2016-05-20 01.18.47".into()),
                    behind: None,
                },
            ),
            (
                "-- Dump completed on 2016-05-20  1:18:47Connection closed",
                Remark::Ends {
                    producer: Producer::Mysqldump,
                    date: Some("2016-05-20  1:18:47".into()),
                    behind: Some("Connection closed".into()),
                },
            ),
            (
                "-- Dump completedmysqldump: Error",
                Remark::Ends {
                    producer: Producer::Mysqldump,
                    date: None,
                    behind: Some("mysqldump: Error".into()),
                },
            ),
            (
                "-- All In One WP Migration SQL Dump",
                begins(Producer::AllInOneWpMigration, None, None),
            ),
            (
                "-- AdminNeo 5.1.1 MySQL 8.0.42 dump",
                begins(Producer::AdminNeo, Some("5.1.1"), Some("8.0.42-MySQL")),
            ),
            (
                "-- AdminerNeo 4.12.0 MySQL 10.11.6-MariaDB dump",
                begins(
                    Producer::AdminNeo,
                    Some("4.12.0"),
                    Some("10.11.6-MariaDB-MySQL"),
                ),
            ),
            (
                "-- phpMiniAdmin dump 1.9.170730",
                begins(Producer::PhpMiniAdmin, Some("1.9.170730"), None),
            ),
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
    fn first_lines_of_other_programs_are_known() {
        let named =
            |producer, version: Option<&str>, server: Option<&str>, database: Option<&str>| {
                Some(Remark::Begins {
                    producer,
                    version: version.map(str::to_owned),
                    server: server.map(str::to_owned),
                    database: database.map(str::to_owned),
                })
            };
        let navicat = "/*\n Navicat Premium Dump SQL\n\n Source Server         : x\n Source Server Type    : MySQL\n \
                       Source Server Version : 80036 (8.0.36)\n Source Schema         : civi\n*/";
        let old = "/*\nNavicat MariaDB Data Transfer\n\nSource Server         : x\nSource Server Version : 100521\n\
                   Source Database       : civi\n*/";
        let sqlyog = "/*\nSQLyog Ultimate v12.09 (64 bit)\nMySQL - 10.4.28-MariaDB : Database - civi\n*****\n*/";
        for (comment, expected) in [
            (
                navicat,
                named(Producer::Navicat, None, Some("8.0.36"), Some("civi")),
            ),
            (
                old,
                named(
                    Producer::OldNavicat,
                    None,
                    Some("10.5.21-MariaDB"),
                    Some("civi"),
                ),
            ),
            (
                sqlyog,
                named(
                    Producer::SqlYog,
                    Some("12.09"),
                    Some("10.4.28-MariaDB"),
                    Some("civi"),
                ),
            ),
            (
                "# Sequel Pro SQL dump",
                named(Producer::SequelPro, None, None, None),
            ),
            (
                "-- HeidiSQL Version:             12.6.0.6765",
                named(Producer::HeidiSql, Some("12.6.0.6765"), None, None),
            ),
            (
                "-- TablePlus 5.6.6(520)",
                named(Producer::TablePlus, Some("5.6.6"), None, None),
            ),
            (
                "-- Backup with BackWPup ver.: 3.6.10",
                named(Producer::BackWpup, Some("3.6.10"), None, None),
            ),
            (
                "-- Backup and Migrate (Backdrop) MySQL Dump",
                named(Producer::BackupAndMigrate, None, None, None),
            ),
            (
                "-- mysqldump-php https://github.com/ifsnop/mysqldump-php",
                named(Producer::MysqldumpPhp, None, None, None),
            ),
            (
                "-- Dump created by MySQL pump utility, version: 8.0.30, Win64 (x86_64)",
                named(Producer::Mysqlpump, Some("8.0.30"), None, None),
            ),
            (
                "-- MySQLShell dump 2.0.1  Distrib Ver 8.0.43 for Win64 on x86_64 - for MySQL 8.0.42 (MySQL Community)",
                named(Producer::MysqlShell, Some("8.0.43"), Some("8.0.42"), None),
            ),
            (
                "# Created by UpdraftPlus version 1.24.3 (https://updraftplus.com)",
                named(Producer::UpdraftPlus, Some("1.24.3"), None, None),
            ),
            (
                "# Host: tools-db (MySQL 5.5.5-10.6.22-MariaDB-log)",
                Some(Remark::Server("5.5.5-10.6.22-MariaDB-log".into())),
            ),
            (
                "# Servidor: 127.0.0.1 (MySQL 8.0.32)",
                Some(Remark::Server("8.0.32".into())),
            ),
            (
                "# WordPress Version: 6.4.1, running on PHP 8.1.2 (Apache), MySQL 8.0.36",
                Some(Remark::Server("8.0.36".into())),
            ),
            (
                "-- MySQL Version: 10.11.6-MariaDB",
                Some(Remark::Server("10.11.6-MariaDB".into())),
            ),
            ("# a comment (of somebody)", None),
            ("-- TablePlus, DBeaver: use one of them", None),
        ] {
            assert_eq!(remark(comment.as_bytes(), true), expected, "{comment}");
        }
    }

    #[test]
    fn last_lines_of_other_programs_count_only_when_they_are_whole() {
        for (line, producer) in [
            (
                "-- Dump completed on: Thu, 01 May 2025 02:00:07 +0000",
                Producer::Mysqldump,
            ),
            (
                "-- Dump end time: Thu May  1 02:00:07 2025",
                Producer::Mysqlpump,
            ),
            (
                "-- Backup completed on 2025-05-01 02:00:07",
                Producer::BackWpup,
            ),
        ] {
            let ends = |line: &str| match remark(line.as_bytes(), false) {
                Some(Remark::Ends { producer, .. }) => Some(producer),
                _ => None,
            };
            assert_eq!(ends(line), Some(producer), "{line}");
            for length in 0..line.len() {
                assert_eq!(ends(&line[..length]), None, "{line} {length}");
            }
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

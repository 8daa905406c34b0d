//! What the scanner hands over, statement by statement.

use std::borrow::Cow;

use super::facts::DumpReader;
use super::statements::beginning;
use super::{MAX_PLACES, push};
use crate::dump::header::{self, Remark};
use crate::dump::scanner::{MAX_TEXT, Sink, Statement as Text, Wanted};
use crate::schema::ddl;
use crate::schema::lexer::SqlModes;
use crate::server_version::ServerVersion;
use crate::snapshot::{LargeStatement, Part, Place, Producer};

/// Bytes of a long statement in which its first words stand.
const HEAD: usize = 400;

impl Sink for DumpReader {
    fn statement(&mut self, text: Text<'_>) {
        // phpMyAdmin is the only one to begin so, with double quotes.
        if self.facts.statements == 0 && text.text == b"SET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\"" {
            self.guess_producer(Producer::PhpMyAdmin);
        }
        self.facts.statements += 1;
        // It may change the database or the table that the next INSERT goes into.
        self.insert.head.clear();
        let at = self.at(text.place);
        if text.cut_short {
            let head = String::from_utf8_lossy(text.text.get(..HEAD).unwrap_or(text.text));
            let message = format!(
                "'{} …' has more than {} MiB and is not looked into",
                beginning(&head),
                MAX_TEXT >> 20
            );
            push(&mut self.facts.unreadable, (at, message));
            return;
        }
        // Most text is sound, and it is sooner found to be so than looked through for what is not.
        let sql = match str::from_utf8(text.text) {
            Ok(sql) => Cow::Borrowed(sql),
            Err(_) => String::from_utf8_lossy(text.text),
        };
        let swallowed = std::mem::take(&mut self.swallowed);
        match ddl::parse_with_charsets(&sql, self.session.modes()) {
            Ok((statement, charsets)) => {
                self.course.statement(self.facts.stray_text.len());
                self.run(statement, charsets, &sql, at);
            }
            // What stands behind a stray line is read again, and then in its place.
            Err(error) if self.unreadable(text, &error) => return,
            Err(_) => self.course.statement(self.facts.stray_text.len()),
        }
        self.facts.swallowed_lines.extend(swallowed);
    }

    fn rows_begin(&mut self, head: Text<'_>) -> Wanted {
        self.course.statement(self.facts.stray_text.len());
        self.course.keys_on_again = false;
        self.begin_insert(head)
    }

    fn row(&mut self, values: Text<'_>) {
        self.read_row(values);
    }

    fn rows_end(&mut self, count: u64, broken: Option<&[u8]>, place: Place) {
        self.end_insert(count, broken, place);
        self.facts.swallowed_lines.append(&mut self.swallowed);
    }

    fn large(&mut self, bytes: u64, place: Place) {
        // Only a statement with rows has left the head of its INSERT.
        let table = match self.insert.head.is_empty() {
            true => String::new(),
            false => self.insert.table().to_owned(),
        };
        let at = self.at(place);
        let known = &mut self.facts.large_statements;
        let is_longer = known.get(&table).is_none_or(|known| known.bytes < bytes);
        if is_longer && (known.contains_key(&table) || known.len() < MAX_PLACES) {
            known.insert(table, LargeStatement { at, bytes });
        }
    }

    fn sets_noise_apart(&self) -> bool {
        true
    }

    fn noise(&mut self, line: &[u8], place: Place) {
        self.line_of_noise(line, place);
    }

    fn comment(&mut self, text: &[u8], place: Place, ended: bool) {
        if text.starts_with(b"/*M!999999") || text.starts_with(b"/*!999999") {
            let at = self.at(place);
            self.facts.sandbox_mark.get_or_insert(at);
            // Only MariaDB's program writes it, even where it writes no other comment.
            self.guess_producer(Producer::MariadbDump);
            return;
        }
        match header::remark(text, ended) {
            Some(Remark::Begins {
                producer,
                version,
                server,
                database,
            }) => {
                if self.course.begin_part() {
                    // What stands before it is no part of the dump.
                    self.facts.begins_inside = None;
                }
                if self.facts.parts.is_empty() {
                    self.source.producer = producer;
                    self.source.producer_version = version;
                    // HeidiSQL names the server before itself.
                    let server = server.and_then(|server| ServerVersion::parse(&server));
                    self.source.server_version = server.or(self.source.server_version.take());
                }
                if let Some(database) = database {
                    self.header_database.get_or_insert(database);
                }
                let begins = self.at(place);
                self.facts.parts.push(Part {
                    producer,
                    begins,
                    // Where a program writes no last line, what its statements leave open tells.
                    ended: !producer.has_last_line(),
                });
            }
            Some(Remark::ProducerVersion(version)) => {
                use Producer::{BackupAndMigrate, PhpMyAdmin, SequelAce, SequelPro};
                let producer = self.source.producer;
                if [PhpMyAdmin, SequelAce, SequelPro, BackupAndMigrate].contains(&producer) {
                    self.source.producer_version.get_or_insert(version);
                }
            }
            Some(Remark::TablePrefix(prefix)) => {
                self.facts.table_prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
            }
            Some(Remark::Server(version)) if self.source.server_version.is_none() => {
                self.source.server_version = ServerVersion::parse(&version);
            }
            Some(Remark::Database(name)) => {
                self.header_database.get_or_insert(name);
            }
            Some(Remark::StandIn(view)) => {
                self.stand_in_announced = Some(view);
            }
            Some(Remark::Ends {
                producer,
                date,
                behind,
            }) => {
                self.source.finished = date;
                self.facts.ends_by_variables |= self.facts.parts.is_empty();
                if let Some(part) = self.facts.parts.last_mut() {
                    // The last line of mysqldump is that of programs which follow it as well; a date alone is only
                    // Adminer's.
                    let of_itself = part.producer == producer
                        || (part.producer, producer) == (Producer::AdminNeo, Producer::Adminer);
                    let others = [
                        Producer::Adminer,
                        Producer::AdminNeo,
                        Producer::Mydumper,
                        Producer::MysqlShell,
                    ];
                    let as_mysqldump =
                        producer == Producer::Mysqldump && !others.contains(&part.producer);
                    part.ended |= of_itself || as_mysqldump;
                }
                if let Some(message) = behind {
                    let at = self.at(place);
                    self.stray(at, &message);
                    if let Some(text) = self.facts.stray_text.last_mut() {
                        text.in_comment = true;
                    }
                }
            }
            Some(Remark::Problem(text)) => {
                let at = self.at(place);
                self.stray(at, &text);
            }
            Some(Remark::RowsLeftOut(condition)) => self.note_rows_left_out(condition, place),
            Some(Remark::Server(_)) | None => {}
        }
    }

    /// The first or last line of a dump inside a statement: the statement was cut, and
    /// another dump follows it.
    fn comment_inside(&mut self, text: &[u8], place: Place) {
        if let Some(Remark::Begins { .. } | Remark::Ends { .. }) = header::remark(text, true) {
            let at = self.at(place);
            let line = String::from_utf8_lossy(text).into_owned();
            push(&mut self.swallowed, (at, line));
        }
    }

    fn tail(&mut self, text: &[u8]) {
        self.insert.updates = text
            .get(..2)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"ON"));
    }

    fn values(&mut self, count: u64) {
        self.insert.values = Some(count);
    }

    fn zero_byte(&mut self, place: Place) {
        let at = self.at(place);
        let known = &mut self.facts.zero_bytes;
        if known.last().is_none_or(|last| last.file != at.file) {
            push(known, at);
        }
    }

    fn modes(&self) -> SqlModes {
        self.session.modes()
    }
}

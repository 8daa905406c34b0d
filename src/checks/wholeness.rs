//! Is the dump whole?

use super::table::{
    DUMP_DAMAGED, DUMP_EMPTY, DUMP_ENCODING, DUMP_ERROR_TEXT, DUMP_NO_DATA, DUMP_NO_END,
    DUMP_NO_STRUCTURE, DUMP_TRUNCATED, DUMP_UNREADABLE,
};
use super::{Finding, Findings, Severity};
use crate::schema::model::Schema;
use crate::snapshot::{At, DamageKind, DumpFacts, FileEnding, Open, Producer, Snapshot};

const MAKE_AGAIN: &str = "Make the backup again and verify it before you need it.";

/// Adds what is wrong with the dump as a file.
pub fn check(snapshot: &Snapshot, dump: &DumpFacts, findings: &mut Findings) {
    for file in &dump.files {
        damaged_container(file, findings);
    }
    for (at, text) in &dump.stray_text {
        findings.push(
            Finding::new(
                &DUMP_ERROR_TEXT,
                format!("text that is not SQL: {}", shorten(text)),
                if text.contains("[Warning] Using a password") {
                    "Delete that line before restoring, and keep messages (standard error) out of backups."
                } else {
                    "Find out what the message means, cure it and make the backup again; send \
                     messages (standard error) to a file of their own."
                },
            )
            .at(at),
        );
    }
    if dump.statements == 0 {
        let bytes: u64 = dump.files.iter().map(|file| file.text.bytes).sum();
        let message = match bytes {
            0 => "the dump is empty".to_owned(),
            _ => format!("there is no statement in {bytes} bytes of text"),
        };
        findings.push(Finding::new(&DUMP_EMPTY, message, MAKE_AGAIN));
        return;
    }
    let nothing =
        dump.rows == 0 && dump.tables_created == 0 && snapshot.schema == Schema::default();
    if nothing {
        findings.push(Finding::new(
            &DUMP_EMPTY,
            "there is no table, no row and no other object in the dump",
            "Look which database was dumped, and by an account that may see its tables.",
        ));
    }
    truncated(dump, findings);
    for (at, line) in &dump.swallowed_lines {
        findings.push(
            Finding::new(
                &DUMP_DAMAGED,
                format!(
                    "a statement is cut, and another part of the dump follows in it: {}",
                    shorten(line)
                ),
                MAKE_AGAIN,
            )
            .at(at),
        );
    }
    for (at, table) in &dump.broken_inserts {
        findings.push(
            Finding::new(
                &DUMP_DAMAGED,
                format!("the rows of {table} break off in the middle of the dump"),
                MAKE_AGAIN,
            )
            .about("table", table)
            .at(at),
        );
    }
    for (at, reason) in &dump.unreadable {
        findings.push(
            Finding::new(
                &DUMP_DAMAGED,
                format!("a statement cannot be read: {reason}"),
                "Look at that place: either the dump is damaged there, or the statement is of a \
                 kind that cividb does not know; then restore it on a test server and report it.",
            )
            .at(at),
        );
    }
    content(snapshot, dump, findings);
    charsets(dump, findings);
}

fn damaged_container(file: &FileEnding, findings: &mut Findings) {
    let Some(damage) = &file.damage else { return };
    let (severity, fix) = match damage.kind {
        DamageKind::ZeroPadding => (
            Severity::Note,
            "Nothing to do: the text is whole. Programs that unpack it may print a warning.",
        ),
        DamageKind::TrailingGarbage => (
            Severity::Warning,
            "The text is whole, but programs that unpack it end with an error: look for what \
             appended to the file.",
        ),
        DamageKind::ReadError => (
            Severity::Error,
            "Check the disk or the connection, copy the file again and verify it.",
        ),
        _ => (
            Severity::Error,
            "Fetch the file again from where it was made; if it is the same there, make the \
             backup again.",
        ),
    };
    let mut finding = Finding::new(
        &DUMP_UNREADABLE,
        format!(
            "{} (byte {} of the file; {} bytes of text could be read)",
            damage.message, damage.compressed_offset, damage.plain_bytes
        ),
        fix,
    )
    .severity(severity);
    if !file.file.is_empty() {
        finding = finding.about("file", &file.file);
    }
    findings.push(finding);
}

/// All signs of an early end, told as one finding: the strongest sign leads.
fn truncated(dump: &DumpFacts, findings: &mut Findings) {
    let mut signs: Vec<(String, Option<At>)> = Vec::new();
    for file in &dump.files {
        let at = |place| At {
            file: file.file.clone(),
            place,
        };
        if let Some(interrupted) = &file.text.interrupted {
            let inside = match interrupted.open {
                Open::Statement => "a statement",
                Open::Quoted => "a quoted string",
                Open::Comment => "a comment",
            };
            let head = String::from_utf8_lossy(&interrupted.head);
            let mut sign = format!("it ends inside {inside}");
            if !head.trim().is_empty() {
                sign = format!("{sign} that begins {}", shorten(&head));
            }
            signs.push((sign, Some(at(interrupted.place))));
        } else if file.text.inside_delimiter_block {
            signs.push(("it ends inside a DELIMITER block".to_owned(), None));
        }
    }
    if !dump.locked.is_empty() {
        signs.push((format!("{} is still locked", dump.locked.join(", ")), None));
    }
    if dump.open_transaction {
        signs.push(("its transaction is not committed".to_owned(), None));
    }
    for part in dump.parts.iter().filter(|part| !part.ended) {
        let sign = format!(
            "the last line that {} writes is missing",
            part.producer.as_str()
        );
        // Where several dumps stand in one file, the place tells which of them it is.
        let at = (dump.parts.len() > 1).then(|| part.begins.clone());
        signs.push((sign, at));
    }
    let has_last_line = dump
        .parts
        .iter()
        .any(|part| part.producer != Producer::PhpMyAdmin);
    let proved_whole = has_last_line && signs.is_empty();
    if !dump.unrestored.is_empty() && !proved_whole {
        let names = dump
            .unrestored
            .iter()
            .take(3)
            .map(|name| format!("@{name}"));
        let sign = format!(
            "saved variables are not restored ({})",
            names.collect::<Vec<_>>().join(", ")
        );
        signs.push((sign, None));
    }
    for what in &dump.unfinished {
        signs.push((what.clone(), None));
    }
    let Some((_, at)) = signs.first().cloned() else {
        if !has_last_line && !dump.ends_by_variables {
            findings.push(Finding::new(
                &DUMP_NO_END,
                "nothing marks the end of the dump, so a cut between two statements would not show",
                "Make backups with comments on (without --compact and --skip-comments).",
            ));
        }
        return;
    };
    // More than two only repeat what is clear by then.
    let text: Vec<String> = signs.into_iter().map(|(sign, _)| sign).take(2).collect();
    let mut finding = Finding::new(
        &DUMP_TRUNCATED,
        format!("the dump is cut: {}", text.join("; ")),
        MAKE_AGAIN,
    );
    finding.at = at;
    findings.push(finding);
}

fn content(snapshot: &Snapshot, dump: &DumpFacts, findings: &mut Findings) {
    for (at, table) in &dump.without_columns {
        findings.push(
            Finding::new(
                &DUMP_NO_STRUCTURE,
                format!("table {table} is made without a column"),
                "Export again without the ANSI option, or with mysqldump.",
            )
            .about("table", table)
            .at(at),
        );
    }
    if dump.rows > 0 && dump.tables_created == 0 {
        findings.push(Finding::new(
            &DUMP_NO_STRUCTURE,
            format!("{} rows, but no CREATE TABLE", dump.rows),
            "Make the backup without --no-create-info, or keep the structure's dump with this one.",
        ));
    }
    // No site is without its own contact, and none runs without its domain.
    for table in ["civicrm_contact", "civicrm_domain"] {
        let others = snapshot.row_counts.len();
        if others > 1
            && snapshot.schema.table(table).is_some()
            && !snapshot.row_counts.contains_key(table)
        {
            findings.push(
                Finding::new(
                    &DUMP_NO_DATA,
                    format!("table {table} has no row, although {others} other tables have"),
                    "Make the backup again with the rows of all tables (look for --ignore-table-data, \
                     --where and structure-only lists).",
                )
                .about("table", table),
            );
        }
    }
    if dump.rows == 0 && !snapshot.schema.tables.is_empty() {
        let tables = snapshot.schema.tables.len();
        findings.push(Finding::new(
            &DUMP_NO_DATA,
            format!("{tables} tables and not a single row"),
            "Make the backup without --no-data.",
        ));
    }
}

/// Rows that came through a charset narrower than their table's.
fn charsets(dump: &DumpFacts, findings: &mut Findings) {
    for ((names, table), at) in &dump.rows_in_charset {
        let Some(table) = table.as_deref().filter(|table| table.starts_with("utf8")) else {
            continue;
        };
        let (message, fix) = match names.as_deref() {
            Some("utf8mb4" | "binary" | "default") => continue,
            Some("utf8" | "utf8mb3") if table == "utf8mb3" => continue,
            Some("utf8" | "utf8mb3") => (
                "the rows of utf8mb4 tables are written as utf8: any emoji and other character of four bytes stands as ? in the dump".to_owned(),
                "Make backups with --default-character-set=utf8mb4.",
            ),
            Some(other) => (
                format!("the rows of {table} tables are written as {other}: any character that it lacks stands as ? in the dump"),
                "Make backups with --default-character-set=utf8mb4.",
            ),
            None => (
                "no SET NAMES says which charset the rows are in".to_owned(),
                "Restore with --default-character-set=utf8mb4, and make backups without --skip-set-charset.",
            ),
        };
        let finding = Finding::new(&DUMP_ENCODING, message, fix).severity(Severity::Warning);
        findings.push(finding.at(at));
        return;
    }
}

/// The first line of a text, at most 80 characters of it.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let mut short: String = line.chars().take(80).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    format!("'{short}'")
}

//! Looks whether the dump is complete.

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity, content, pieces};
use crate::dump::container::Problem;
use crate::schema::model::Schema;
use crate::snapshot::{At, DamageKind, DumpFacts, FileEnding, Open, Position, StrayText};

const MAKE_AGAIN: &str = "Make the backup again and verify it before you need it.";

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &DUMP_UNREADABLE,
    &DUMP_TRUNCATED,
    &DUMP_EMPTY,
    &DUMP_ERROR_TEXT,
    &DUMP_DAMAGED,
    &DUMP_ENCODING,
    &DUMP_NO_STRUCTURE,
    &DUMP_NO_DATA,
    &DUMP_NO_END,
    &DUMP_NO_CIVICRM,
];

pub(crate) static DUMP_UNREADABLE: Check = Check {
    id: "dump-unreadable",
    severity: Severity::Error,
    title: "the container (gzip, zstd, …) is damaged",
    why: "Whatever comes after the damage is lost, and the program that unpacks the dump stops there.",
    fix: "Fetch the file again from where it was made; if it is the same there, make the backup again.",
    example: "the input ends inside the gzip checksum (byte 56277 of the file; 370298 bytes of text could be read)",
    source: "RFC 1952, RFC 8878; measured with gzip -dc",
    rules: &[Rule::new(Group::Dump, &[Need::Dump], damaged_containers)],
};

/// The dump is cut: its end is missing.
pub static DUMP_TRUNCATED: Check = Check {
    id: "dump-truncated",
    severity: Severity::Error,
    title: "the dump is cut: its end or its beginning is missing",
    why: "Tables, rows, triggers or routines that should follow are not in the backup.",
    fix: "Make the backup again, and verify it before you need it.",
    example: "the dump is cut: the last line that mysqldump writes is missing",
    source: "mysqldump writes its last line, restores variables and unlocks tables only when it got through",
    rules: &[
        Rule::new(Group::Dump, &[Need::Dump], beginning_missing),
        Rule::new(Group::Dump, &[Need::Statements], truncated),
    ],
};

/// The dump is empty.
pub static DUMP_EMPTY: Check = Check {
    id: "dump-empty",
    severity: Severity::Error,
    title: "there is nothing in the dump",
    why: "There is nothing to restore.",
    fix: "Look which database was dumped, and whether the account may see its tables.",
    example: "the dump is empty",
    source: "",
    rules: &[Rule::new(Group::Dump, &[Need::Dump], empty)],
};

pub(crate) static DUMP_ERROR_TEXT: Check = Check {
    id: "dump-error-text",
    severity: Severity::Error,
    title: "text that is not SQL stands in the dump, such as a message of the dump program",
    why: "The restore stops there, and the message mostly says that something could not be dumped.",
    fix: "Find out what the message means, cure it and make the backup again; send messages (standard \
            error) to a file of their own.",
    example: "text that is not SQL: 'mysqldump: [Warning] Using a password on the command line is insecure.'",
    source: "mysqldump with standard error in the same file; -- insufficient privileges to …",
    rules: &[Rule::new(Group::Dump, &[Need::Dump], stray_text)],
};

pub(crate) static DUMP_DAMAGED: Check = Check {
    id: "dump-damaged",
    severity: Severity::Error,
    title: "a statement in the middle of the dump is broken",
    why: "The restore stops there, and what the statement should have made is lost.",
    fix: "Make the backup again, and verify it before you need it.",
    example: "the rows of civicrm_worldregion break off in the middle of the dump",
    source: "",
    rules: &[Rule::new(
        Group::Dump,
        &[Need::Statements],
        broken_statements,
    )],
};

pub(crate) static DUMP_ENCODING: Check = Check {
    id: "dump-encoding",
    severity: Severity::Error,
    title: "the dump is UTF-16, is not text, or is in a charset that cannot hold the data",
    why: "No client can restore it as it is, or characters are lost in it.",
    fix: "Make the backup with --result-file instead of >, and with --default-character-set=utf8mb4.",
    example: "the rows of utf8mb4 tables are written as latin1: any character that it lacks stands as ? in the \
            dump",
    source: "PowerShell's > writes UTF-16",
    rules: &[Rule::new(
        Group::Dump,
        &[Need::Statements, Need::Beginning],
        charsets,
    )],
};

pub(crate) static DUMP_NO_STRUCTURE: Check = Check {
    id: "dump-no-structure",
    severity: Severity::Error,
    title: "rows without CREATE TABLE, or tables without columns",
    why: "It cannot be restored into an empty database.",
    fix: "Make the backup without --no-create-info, or keep the dump of the structure with this one.",
    example: "2 rows, but no CREATE TABLE",
    source: "mysqldump --no-create-info; phpMyAdmin 5.2 in ANSI mode writes tables without columns",
    rules: &[Rule::new(
        Group::Dump,
        &[Need::Statements, Need::Beginning],
        no_structure,
    )],
};

pub(crate) static DUMP_NO_DATA: Check = Check {
    id: "dump-no-data",
    severity: Severity::Error,
    title: "no rows at all, or none in a table that always has some",
    why: "The structure alone is not a backup.",
    fix: "Make the backup again with the rows of all tables: without --no-data, --ignore-table-data and \
            --where.",
    example: "table civicrm_domain has no row, although 32 other tables have",
    source: "mysqldump --no-data, mydumper --no-data",
    rules: &[Rule::new(
        Group::Dump,
        &[Need::Statements, Need::Beginning],
        no_data,
    )],
};

pub(crate) static DUMP_NO_END: Check = Check {
    id: "dump-no-end",
    severity: Severity::Warning,
    title: "nothing in the dump marks its end",
    why: "Whether it was cut between two statements cannot be told.",
    fix: "Make backups with comments on, without --compact and --skip-comments.",
    example: "nothing marks the end of the dump, so a cut between two statements would not show",
    source: "mysqldump --compact and --skip-comments leave the last line out",
    rules: &[Rule::new(Group::Dump, &[Need::Statements], no_end)],
};

/// The dump holds no table of CiviCRM.
pub static DUMP_NO_CIVICRM: Check = Check {
    id: "dump-no-civicrm",
    severity: Severity::Error,
    title: "no CiviCRM tables in the dump",
    why: "It is not a backup of the site: what CiviCRM keeps is not in it.",
    fix: "Look which database CiviCRM is in (CIVICRM_DSN in civicrm.settings.php), and dump that one with all its \
            tables. Where the dump is meant to be of something else, verify it with --no-civicrm.",
    example: "there are no CiviCRM tables in the dump: it holds 1 table (menu)",
    source: "UpdraftPlus dumps only tables with WordPress' prefix unless told otherwise; CiviCRM often has a \
            database of its own beside the CMS's",
    rules: &[Rule::new(Group::Dump, &[Need::Statements], no_civicrm)],
};

/// The checks whose findings say that a dump is cut or damaged.
pub(super) const CUT: [&Check; 5] = [
    &DUMP_UNREADABLE,
    &DUMP_TRUNCATED,
    &DUMP_EMPTY,
    &DUMP_DAMAGED,
    &DUMP_NO_STRUCTURE,
];

fn dump<'a>(examined: &Examination<'a, '_>) -> Option<&'a DumpFacts> {
    examined.snapshot().dump.as_ref()
}

fn damaged_containers(_: &'static Check, examined: &Examination, findings: &mut Findings) {
    let piece = pieces::of(&examined.snapshot().source.name);
    for file in dump(examined).iter().flat_map(|dump| &dump.files) {
        damaged_container(file, piece.as_ref(), findings);
    }
}

/// Adds a finding for each text that is not SQL. Of a file that is no dump at all another check tells, and of one
/// that begins inside a statement as well.
fn stray_text(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    let is_whole = signs_of_cut(dump).is_empty() && (has_last_line(dump) || dump.ends_by_variables);
    for text in &dump.stray_text {
        let is_told = match text.position {
            Position::First => {
                dump.statements == 0 && !text.is_message || lacks_beginning(dump).is_some()
            }
            _ => false,
        };
        if !is_told {
            let place = match dump.statements {
                // There is nothing that it could stand in front of.
                0 => Position::Between,
                _ => text.position,
            };
            findings.push(stray_finding(check, text, place, is_whole).at(&text.at));
        }
    }
}

/// The finding about one text. In a dump that `is_whole`, what stands before and behind it can simply go.
fn stray_finding(
    check: &'static Check,
    text: &StrayText,
    position: Position,
    is_whole: bool,
) -> Finding {
    let lines = match text.more {
        0 => "that line",
        _ => "those lines",
    };
    let more = match text.more {
        0 => String::new(),
        more => format!(" and {} after it", crate::text::count(more, "line")),
    };
    let fix = match position {
        Position::First => {
            format!("Delete {lines} before restoring, and keep messages (standard error) out of backups.")
        }
        Position::Last if is_whole && text.in_comment => {
            "It stands in a comment, so a restore passes it; find out what the message means, and keep messages \
             (standard error) out of backups."
                .to_owned()
        }
        Position::Last if is_whole => format!(
            "Delete {lines} before restoring; find out what the message means, and keep messages (standard \
             error) out of backups."
        ),
        _ if text.line.contains("[Warning] Using a password") => {
            "Delete that line before restoring, and keep messages (standard error) out of backups.".to_owned()
        }
        _ => "Find out what the message means, cure it and make the backup again; send messages (standard error) \
              to a file of their own."
            .to_owned(),
    };
    let line = shorten(&text.line);
    let message = match position {
        Position::Last if is_whole => {
            format!(
                "text that is not SQL behind the end of the dump: {line}{more}; everything before it is there"
            )
        }
        Position::First => format!("text that is not SQL in front of the dump: {line}{more}"),
        _ => format!("text that is not SQL: {line}{more}"),
    };
    Finding::new(check, message, fix)
}

fn empty(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    if dump.statements == 0 {
        let bytes: u64 = dump.files.iter().map(|file| file.text.bytes).sum();
        let message = match bytes {
            0 => "the dump is empty".to_owned(),
            _ => format!("there is no statement in {bytes} bytes of text"),
        };
        let message = match dump.stray_text.first() {
            Some(text) => format!("{message}: it begins {}", shorten(&text.line)),
            None => message,
        };
        findings.push(Finding::new(check, message, MAKE_AGAIN));
        return;
    }
    let schema = &examined.snapshot().schema;
    if dump.rows == 0 && dump.tables_created == 0 && *schema == Schema::default() {
        findings.push(Finding::new(
            check,
            "there is no table, no row and no other object in the dump",
            "Look which database was dumped, and whether the account may see its tables.",
        ));
    }
}

fn broken_statements(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, line) in &dump.swallowed_lines {
        let message = format!(
            "a statement is cut, and another part of the dump follows in it: {}",
            shorten(line)
        );
        findings.push(Finding::new(check, message, MAKE_AGAIN).at(at));
    }
    for (at, table, text) in &dump.broken_inserts {
        let follows = match text.trim().is_empty() {
            true => String::new(),
            false => format!(", and {} follows", shorten(text)),
        };
        let message = format!("the rows of {table} break off in the middle of the dump{follows}");
        let finding = Finding::new(check, message, MAKE_AGAIN);
        findings.push(finding.about("table", table).at(at));
    }
    for at in &dump.zero_bytes {
        let message =
            "zero bytes stand in the text, which no dump program writes: what stood there is lost";
        let fix = "Fetch the file again from where it was made; if it is the same there, make the backup again: a disk that \
                   was full, or a copy that broke off, leaves such bytes.";
        findings.push(Finding::new(check, message, fix).at(at));
    }
    for (at, reason) in &dump.unreadable {
        let message = format!("a statement cannot be read: {reason}");
        let fix = "Look at that place: either the dump is damaged there, or the statement is of a \
                   kind that cividb does not know; then restore it on a test server and report it.";
        findings.push(Finding::new(check, message, fix).at(at));
    }
}

fn damaged_container(file: &FileEnding, piece: Option<&pieces::Piece>, findings: &mut Findings) {
    let Some(damage) = &file.damage else { return };
    let advice = piece.map(pieces::Piece::advice);
    let (severity, fix) = match damage.kind {
        _ if advice.is_some() => (Severity::Error, advice.as_deref().unwrap_or_default()),
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

/// All signs that the dump is cut, the strongest first, each with the place where it shows.
fn signs_of_cut(dump: &DumpFacts) -> Vec<(String, Option<At>)> {
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
                Open::Row => "a row",
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
            part.producer.name()
        );
        // Where several dumps stand in one file, the place tells which of them it is.
        let at = (dump.parts.len() > 1).then(|| part.begins.clone());
        signs.push((sign, at));
    }
    for what in &dump.unfinished {
        signs.push((what.clone(), None));
    }
    let proved_whole = has_last_line(dump) && signs.is_empty();
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
    signs
}

/// Whether the producer of the dump writes a last line, which marks its end.
fn has_last_line(dump: &DumpFacts) -> bool {
    let mut parts = dump.parts.iter();
    parts.any(|part| part.producer.has_last_line())
}

/// Why the beginning of the dump must be missing, and where that shows; `None` where nothing says so.
pub(super) fn lacks_beginning(dump: &DumpFacts) -> Option<(String, Option<At>)> {
    if let Some(at) = &dump.begins_inside {
        return Some(("it begins inside a statement".to_owned(), Some(at.clone())));
    }
    let first = dump.never_saved.first()?;
    let sign = format!(
        "it restores @{}, which it never saved",
        first.to_ascii_uppercase()
    );
    Some((sign, None))
}

/// Adds a finding where the beginning of the dump is missing.
fn beginning_missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some((sign, at)) = dump(examined).and_then(lacks_beginning) else {
        return;
    };
    let name = &examined.snapshot().source.name;
    let fix = match pieces::of(name) {
        Some(piece) => piece.advice(),
        None => "Find the file or the piece that comes before this one and read them together (cat FIRST SECOND \
                 | cividb verify -), or make the backup again: a restore of this one alone stops with error 1231."
            .to_owned(),
    };
    let mut finding = Finding::new(
        check,
        format!("the beginning of the dump is missing: {sign}"),
        fix,
    );
    finding.at = at;
    findings.push(finding);
}

/// Adds one finding with all signs that the dump is cut, the strongest first.
fn truncated(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    let signs = signs_of_cut(dump);
    let Some((_, at)) = signs.first().cloned() else {
        return;
    };
    // More than two only repeat what is clear by then, but for files and objects that are missing.
    let more = dump.unfinished.len().saturating_sub(2);
    let text: Vec<String> = signs.into_iter().map(|(sign, _)| sign).take(2).collect();
    let mut message = format!("the dump is cut: {}", text.join("; "));
    if more > 0 {
        message.push_str(&format!("; and {more} more that is missing like this"));
    }
    let fix = match pieces::of(&examined.snapshot().source.name) {
        Some(piece) => piece.advice(),
        None => MAKE_AGAIN.to_owned(),
    };
    let mut finding = Finding::new(check, message, fix);
    finding.at = at;
    findings.push(finding);
}

fn no_end(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    let marked = has_last_line(dump) || dump.ends_by_variables;
    if !marked && signs_of_cut(dump).is_empty() {
        findings.push(Finding::new(
            check,
            "nothing marks the end of the dump, so a cut between two statements would not show",
            "Make backups with comments on (without --compact and --skip-comments).",
        ));
    }
}

/// Adds a finding where no table of CiviCRM is in a dump that holds something, unless the user says that none is
/// meant to be.
fn no_civicrm(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let Some(dump) = dump(examined) else { return };
    let is_empty =
        dump.rows == 0 && dump.tables_created == 0 && snapshot.schema == Schema::default();
    if examined.without_civicrm || examined.case.site.is_some() || is_empty || examined.ends_early()
    {
        return;
    }
    let mut message = format!(
        "there are no CiviCRM tables in the dump: it holds {}",
        content::of(snapshot)
    );
    let mut fix = check.fix.to_owned();
    let catalogue = examined.case.catalogue;
    let mut names = snapshot.schema.tables.keys();
    if let Some(name) = names.find(|name| catalogue.history(name).is_some()) {
        message.push_str(&format!(
            "; {name} has another letter case than CiviCRM's {}",
            name.to_ascii_lowercase()
        ));
        fix = "Restore it on a server with lower_case_table_names=1, which makes all names of tables small, and \
               make the backup there."
            .to_owned();
    }
    if let Some(prefix) = &dump.table_prefix {
        message.push_str(&format!(
            "; {} left out all tables whose names do not begin with {prefix}",
            snapshot.source.producer.name()
        ));
        fix = format!(
            "Make the backup with all tables of the database, CiviCRM's (civicrm_…) too: with mysqldump --routines, \
             or without the prefix {prefix} as a filter."
        );
    }
    findings.push(Finding::new(check, message, fix));
}

fn no_structure(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
    for (at, table) in &dump.without_columns {
        findings.push(
            Finding::new(
                check,
                format!("table {table} is made without a column"),
                "Export again without the ANSI option, or with mysqldump.",
            )
            .about("table", table)
            .at(at),
        );
    }
    if dump.rows > 0 && dump.tables_created == 0 {
        findings.push(Finding::new(
            check,
            format!("{} rows, but no CREATE TABLE", dump.rows),
            "Make the backup without --no-create-info, or keep the structure's dump with this one.",
        ));
    }
}

/// No site is without its own contact, and none runs without its domain.
const ALWAYS_FILLED: [&str; 2] = ["civicrm_contact", "civicrm_domain"];

/// Lists that every installation fills and no page of CiviCRM lets anybody empty: all have rows in the dumps of sites from
/// 4.0 to 6.4 that were looked at, fresh ones and upgraded ones.
const LISTS: [&str; 6] = [
    "civicrm_contact_type",
    "civicrm_country",
    "civicrm_location_type",
    "civicrm_option_group",
    "civicrm_option_value",
    "civicrm_state_province",
];

/// The lists are looked at where at least so many tables have rows; a fresh site has rows in some eighty.
const FEWEST_FILLED: usize = 20;

fn no_data(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (snapshot, Some(dump)) = (examined.snapshot(), dump(examined)) else {
        return;
    };
    let others = snapshot.row_counts.len();
    let filled = ALWAYS_FILLED.iter().map(|table| (*table, 2));
    let lists = LISTS.iter().map(|table| (*table, FEWEST_FILLED));
    for (table, fewest) in filled.chain(lists) {
        if others >= fewest
            && examined.case.site.is_some()
            && snapshot.schema.table(table).is_some()
            && !snapshot.row_counts.contains_key(table)
        {
            findings.push(
                Finding::new(
                    check,
                    format!("table {table} has no row, although {others} other tables have"),
                    "Make the backup again with the rows of all tables (look for --ignore-table-data, \
                     --where and structure-only lists).",
                )
                .about("table", table),
            );
        }
    }
    for (condition, (at, tables)) in &dump.rows_where {
        let tables = crate::text::count(*tables, "table");
        let message =
            format!("of {tables} the dump holds only the rows that fit WHERE {condition}");
        let fix = "Make the backup again without --where.";
        findings.push(Finding::new(check, message, fix).at(at));
    }
    for (at, table) in &dump.rows_left_out {
        let message = format!("the rows of {table} were left out on purpose, as the dump says");
        let fix = "Make the backup again with the rows of all tables (in HeidiSQL's export: Data: Insert).";
        findings.push(
            Finding::new(check, message, fix)
                .about("table", table)
                .at(at),
        );
    }
    if dump.rows == 0 && !snapshot.schema.tables.is_empty() {
        let tables = crate::text::count(snapshot.schema.tables.len() as u64, "table");
        findings.push(Finding::new(
            check,
            format!("{tables} and not a single row"),
            "Make the backup without --no-data.",
        ));
    }
}

/// Adds a finding for rows that are written in a narrower character set than their table's.
fn charsets(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(dump) = dump(examined) else { return };
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
        let finding = Finding::new(check, message, fix).severity(Severity::Warning);
        findings.push(finding.at(at));
        return;
    }
}

/// The first line of a text, at most 80 characters of it.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let is_printable = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = line.chars().map(is_printable).collect();
    let line = line.trim();
    if line.is_empty() {
        return "characters that cannot be printed".to_owned();
    }
    let mut short: String = line.chars().take(80).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    format!("'{short}'")
}

/// The finding about a file of this name that is not text.
pub fn not_text(problem: &Problem, name: &str) -> Finding {
    let check = match problem {
        Problem::OnlyNul(_) => &DUMP_UNREADABLE,
        _ => &DUMP_ENCODING,
    };
    let piece = pieces::of(name).map(|piece| piece.advice());
    let fix = match problem {
        Problem::Binary | Problem::OnlyNul(_) if piece.is_some() => {
            piece.as_deref().unwrap_or_default()
        }
        Problem::WideText(_) => {
            "Make the backup again, with mysqldump's --result-file instead of >. Only if that is not possible: convert \
             it as the finding says, and look whether names with accents are whole."
        }
        Problem::Foreign { .. } | Problem::Markup { .. } => "Look whether this is the right file.",
        _ => {
            "Fetch the file again from where it was made; if it is the same there, make the backup again."
        }
    };
    Finding::new(check, format!("it {problem}"), fix)
}

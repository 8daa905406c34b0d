//! Public reports about backups of sites like CiviCRM's, and what a dump program, a shell or a person makes of a dump
//! besides: the right answer to each. The inputs are no part of the project; see `common::shared`. A row of
//! `reports/expected.tsv` says what the output has to match and what it must not.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common;

/// A row of the table: an input and the right answer.
struct Row {
    file: String,
    command: String,
    exits: String,
    says: String,
    never_says: String,
}

/// The rows of one kind about these files, and the folder that they are in; nothing without the shared folder.
fn rows(kind: &str, files: &[&str]) -> Option<(PathBuf, Vec<Row>)> {
    let folder = common::shared()?.join("reports");
    let table = std::fs::read_to_string(folder.join("expected.tsv")).ok()?;
    let mut found = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [of_kind, file, command, exits, says, never_says, ..] = cells[..] else {
            panic!("a row has too few cells: {line}");
        };
        if of_kind.starts_with(kind) && files.contains(&file) {
            found.push(Row {
                file: file.to_owned(),
                command: command.to_owned(),
                exits: exits.to_owned(),
                says: says.to_owned(),
                never_says: never_says.to_owned(),
            });
        }
    }
    assert!(!found.is_empty(), "no row of kind {kind}");
    Some((folder, found))
}

/// The folder that an archive holds, unpacked.
fn unpacked(archive: &Path, into: &Path) -> PathBuf {
    let status = Command::new("tar")
        .arg("xf")
        .arg(archive)
        .arg("-C")
        .arg(into)
        .status();
    assert!(status.expect("tar runs").success(), "{}", archive.display());
    let mut entries = std::fs::read_dir(into).expect("it can be listed");
    entries.next().expect("a folder").expect("an entry").path()
}

/// Runs the rows of a kind, and compares their answers.
fn answers(kind: &str, files: &[&str]) {
    let Some((folder, rows)) = rows(kind, files) else {
        return;
    };
    for row in rows {
        let unpacking = tempfile::tempdir().expect("a folder");
        let mut path = folder.join(&row.file);
        if row.command.contains("{d}") {
            path = unpacked(&path, unpacking.path());
        }
        let path = path.to_string_lossy().into_owned();
        let arguments: Vec<String> = row
            .command
            .split(' ')
            .skip(1)
            .map(|word| word.replace("{f}", &path).replace("{d}", &path))
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = common::cividb(unpacking.path(), &arguments);
        let said = common::text(&output.stdout) + &common::text(&output.stderr);
        // The names of files do not count.
        let said = said.replace(&path, "INPUT").replace(&row.file, "INPUT");
        let exit = output.status.code().unwrap_or(-1).to_string();
        let at = format!("{} ({kind}): exit {exit}\n{said}", row.file);
        assert!(row.exits.split(',').any(|right| right == exit), "{at}");
        let matches = |pattern: &str| regex(pattern).is_match(&said);
        assert!(matches(&row.says), "{at}\nshould say {}", row.says);
        if row.never_says != "-" {
            let wrong = matches(&row.never_says);
            assert!(!wrong, "{at}\nshould not say {}", row.never_says);
        }
    }
}

fn regex(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a pattern")
}

#[test]
fn a_dump_without_civicrm_tables_is_no_pass_and_says_what_is_in_it() {
    answers("A", &["no-civicrm-updraft.sql", "triggers-only.sql.xz"]);
}

#[test]
fn a_message_behind_the_end_of_a_whole_dump_turns_no_check_off() {
    let files = [
        "noise-end-tablespaces.sql.xz",
        "noise-end-no-function.sql.xz",
        "noise-end-script-done.sql.xz",
    ];
    answers("B", &files);
}

#[test]
fn text_in_front_with_an_odd_quote_is_reported_alone() {
    let files = ["noise-front-gtid.sql.xz", "noise-front-callstack.sql.xz"];
    answers("C", &files);
}

#[test]
fn folders_of_other_programs_are_read_or_named() {
    let files = [
        "workbench-folder.tar.xz",
        "mysqlshell-folder.tar.xz",
        "xtrabackup-folder.tar.xz",
    ];
    answers("D", &files);
}

#[test]
fn variables_that_need_super_are_warned_of() {
    let files = ["sql-log-bin.sql.xz", "other-mysqlpump.sql.xz"];
    answers("E", &files);
}

#[test]
fn a_statement_larger_than_a_packet_is_warned_of() {
    answers("H", &["packet-one-row.sql.xz"]);
}

#[test]
fn values_for_generated_columns_are_an_error_on_mysql() {
    let files = ["generated-mariadb-client.sql.xz", "generated-right.sql.xz"];
    answers("J", &files);
}

#[test]
fn the_collation_of_the_database_counts() {
    answers("K", &["create-database-0900.sql.xz"]);
}

#[test]
fn a_missing_beginning_and_a_piece_of_an_archive_are_named() {
    answers("L", &["piece-last.sql.xz", "piece.sql.gz.aa"]);
}

#[test]
fn rows_that_the_metadata_of_mydumper_counts_are_missed() {
    let files = ["mydumper-rows-lost.tar.xz", "mydumper-whole.tar.xz"];
    answers("M", &files);
}

#[test]
fn a_program_that_never_writes_triggers_is_named() {
    let files = ["other-backupmigrate.sql.xz", "other-updraft.sql.xz"];
    answers("N", &files);
}

#[test]
fn servers_and_ends_are_known_by_the_header_of_the_program() {
    let files = [
        "other-sequelace.sql.xz",
        "other-updraft.sql.xz",
        "other-navicat.sql.xz",
    ];
    answers("O", &files);
}

#[test]
fn tables_without_a_collation_are_warned_of_for_a_server_with_another_default() {
    answers("P", &["no-collate.sql.xz"]);
}

#[test]
fn the_first_line_of_what_is_no_dump_is_quoted() {
    answers("Q", &["text-command-not-found.sql"]);
}

//! `cividb reference`: what it prints creates the schema it names, and what it imports is kept.

use crate::common;
use crate::server::{self, Server};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cividb::civicrm::catalogue::Catalogue;
use cividb::civicrm::reference_file::ReferenceFile;
use cividb::schema::compare::{Options, compare};
use cividb::schema::model::Schema;
use tempfile::TempDir;

fn catalogue() -> &'static Catalogue {
    Catalogue::embedded().expect("the embedded catalogue is readable")
}

/// `cividb` with a data folder of its own.
fn cividb(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .env("XDG_DATA_HOME", home)
        .output()
        .expect("cividb runs")
}

/// What `cividb` prints on success.
fn printed(home: &Path, arguments: &[&str]) -> String {
    let output = cividb(home, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Its message on failure.
fn refused(home: &Path, arguments: &[&str]) -> String {
    let output = cividb(home, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).expect("text")
}

/// The tables of a database as SHOW CREATE TABLE prints them, read as a dump is.
fn schema(server: &Server, database: &str) -> Schema {
    let tables = server.run(Some(database), "SHOW TABLES");
    let questions: String = tables
        .lines()
        .map(|table| format!("SHOW CREATE TABLE `{table}`;\n"))
        .collect();
    // Each row is the name, a tab and the statement, which has lines of its own.
    let mut dump = String::new();
    for line in server.run(Some(database), &questions).lines() {
        match line.split_once("\tCREATE TABLE ") {
            Some((_, rest)) => dump.push_str(&format!(";\nCREATE TABLE {rest}\n")),
            None => dump.push_str(&format!("{line}\n")),
        }
    }
    dump.push(';');
    common::snapshot_of(dump.as_bytes()).schema
}

#[test]
fn the_sql_of_a_state_creates_that_state_on_a_server() {
    let catalogue = catalogue();
    let every = match std::env::var_os("CIVIDB_TEST_ALL") {
        Some(_) => 1,
        None => catalogue.states().len().div_ceil(8),
    };
    let Some(server) = server::installed() else {
        return;
    };
    let home = TempDir::new().expect("a folder");
    let options = Options::default();
    for state in catalogue.states().iter().rev().step_by(every) {
        let name = &state.name;
        let sql = printed(home.path(), &["reference", "show", name, "--sql", "--all"]);
        server.run(
            None,
            "DROP DATABASE IF EXISTS reference_state; CREATE DATABASE reference_state",
        );
        server.run(Some("reference_state"), &sql);
        let expected = catalogue.schema(state).schema;
        let made = schema(server, "reference_state");
        let differences = compare(&made, &expected, &options);
        assert!(differences.is_empty(), "{name}: {differences:#?}");
        for (table, wanted) in &expected.tables {
            let made = made.table(table).expect("it does not differ");
            let same_order = made.columns.keys().eq(wanted.columns.keys());
            assert!(same_order, "{name}: {table}");
            if let (Some(made), Some(wanted)) = (&made.row_format, &wanted.row_format) {
                assert_eq!(made, wanted, "{name}: {table}");
            }
        }
        // What a fresh installation has is not more than that, and needs nothing besides.
        let plain = printed(home.path(), &["reference", "show", name, "--sql"]);
        let plain = common::snapshot_of(plain.as_bytes()).schema;
        assert!(compare(&plain, &catalogue.schema(state).plain_install(), &options).is_empty());
        for (table, shape) in &plain.tables {
            for key in shape.foreign_keys.values() {
                let parent = &key.referenced_table;
                assert!(
                    plain.tables.contains_key(parent),
                    "{name}: {table}, {parent}"
                );
            }
        }
    }
}

#[test]
fn every_state_and_point_release_can_be_shown() {
    let home = TempDir::new().expect("a folder");
    for (asked, state) in [
        ("4.4.5", "4.4.5"),
        ("4.4.4", "4.4.5"),
        ("4.4", "4.4"),
        ("5.81.2", "5.81"),
    ] {
        let text = printed(home.path(), &["reference", "show", asked]);
        let shown: ReferenceFile = serde_json::from_str(&text).expect("a reference");
        let catalogue = catalogue();
        let expected = catalogue.state(state).expect("a state");
        assert_eq!(shown, ReferenceFile::of_state(catalogue, expected, false));
        assert_eq!(shown.schema(), catalogue.schema(expected).plain_install());
    }
    for unknown in ["4.8.0", "7.0.0", "4.4.5.upgrade", "../4.4", ""] {
        let message = refused(home.path(), &["reference", "show", unknown]);
        assert!(message.contains("reference list"), "{message}");
    }
}

#[test]
fn all_states_are_listed_in_each_form() {
    let home = TempDir::new().expect("a folder");
    let states = catalogue().states().len();
    let human = printed(home.path(), &["reference", "list"]);
    assert_eq!(human.lines().count(), states + 1);
    let csv = printed(home.path(), &["reference", "list", "--format", "csv"]);
    assert_eq!(csv.lines().count(), states + 1);
    assert!(csv.contains("\n4.4.5,built-in,145,4.4.4 4.4.5\n"));
    let json = printed(home.path(), &["reference", "list", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["references"].as_array().map(Vec::len), Some(states));
}

/// The sample, unpacked into a file and changed.
fn sample_file(folder: &TempDir, change: impl Fn(&[u8]) -> Vec<u8>) -> PathBuf {
    let path = folder.path().join("sample.sql");
    fs::write(&path, change(&common::sample())).expect("the sample is written");
    path
}

#[test]
fn an_imported_schema_is_listed_and_shown_and_not_replaced_unasked() {
    let home = TempDir::new().expect("a folder");
    let sample = sample_file(&home, <[u8]>::to_vec);
    let path = sample.to_str().expect("text");
    let import = ["reference", "import", path, "--name", "ours"];
    let said = printed(home.path(), &import);
    assert!(said.contains("imported 'ours'"), "{said}");
    assert!(printed(home.path(), &["reference", "list"]).contains("\nours "));

    let shown = printed(home.path(), &["reference", "show", "ours"]);
    let shown: ReferenceFile = serde_json::from_str(&shown).expect("a reference");
    let whole = common::snapshot_of(&common::sample()).schema;
    assert!(shown.tables.len() > 150);
    for (name, table) in &shown.tables {
        assert_eq!(Some(&table.table), whole.tables.get(name), "{name}");
    }
    let again = printed(home.path(), &["reference", "show", "ours", "--sql"]);
    let again = common::snapshot_of(again.as_bytes()).schema;
    assert!(compare(&again, &shown.schema(), &Options::default()).is_empty());

    let kept = home.path().join("cividb/references/ours.json");
    let before = fs::read(&kept).expect("the file is there");
    assert!(refused(home.path(), &import).contains("--force"));
    assert_eq!(fs::read(&kept).expect("the file is there"), before);
    printed(home.path(), &[&import[..], &["--force"]].concat());
    let files = fs::read_dir(home.path().join("cividb/references"));
    assert_eq!(
        files.expect("a folder").count(),
        1,
        "nothing half-written stays"
    );
}

#[test]
fn what_is_no_whole_schema_is_not_imported_and_the_message_says_where() {
    let home = TempDir::new().expect("a folder");
    type Change = fn(&[u8]) -> Vec<u8>;
    let cases: [(&str, Change, &[&str]); 4] = [
        (
            "cut",
            |text| text[..60_000].to_vec(),
            &["sample.sql", "line "],
        ),
        (
            "no parent",
            |text| {
                common::replaced(
                    text,
                    "CREATE TABLE `civicrm_campaign` (",
                    "CREATE TABLE `else` (",
                )
            },
            &["civicrm_campaign"],
        ),
        (
            "no CiviCRM",
            |_| b"CREATE TABLE t (a int);".to_vec(),
            &["no CiviCRM tables"],
        ),
        (
            "multilingual",
            |text| common::replaced(text, "'5.81.2',1,NULL,NULL)", "'5.81.2',1,'en_US',NULL)"),
            &["multilingual"],
        ),
    ];
    for (case, change, words) in cases {
        let path = sample_file(&home, change);
        let path = path.to_str().expect("text");
        let message = refused(
            home.path(),
            &["reference", "import", path, "--name", "ours"],
        );
        for word in words {
            assert!(message.contains(word), "{case}: {message}");
        }
    }
    let path = sample_file(&home, <[u8]>::to_vec);
    let path = path.to_str().expect("text");
    for name in ["4.4.5", "5.81.2", "../x", ".x", "a/b", ""] {
        refused(home.path(), &["reference", "import", path, "--name", name]);
    }
    assert!(!home.path().join("cividb").exists());
}

#[test]
fn a_broken_file_of_ones_own_is_named_and_the_others_are_listed() {
    let home = TempDir::new().expect("a folder");
    let folder = home.path().join("cividb/references");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("broken.json"), "{\n \"name\": 1}").expect("written");
    let output = cividb(home.path(), &["reference", "list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\n4.4.5 "));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("broken.json") && message.contains("line 2"),
        "{message}"
    );
}

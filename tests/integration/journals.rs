//! Journals of the version before the one that says how tables and rows were left: what they say is
//! taken back rightly, or refused in clear words.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::common::{self, cividb, text};
use crate::server::{self, Server};

/// A site, and the first line of a journal about it.
fn site(server: &Server, database: &str, folder: &Path) -> Value {
    server.load(database, &common::sample());
    let url = server.url(database);
    let version = [
        "version", &url, "--set", "4.4.5", "--force", "--apply", "--yes",
    ];
    let set = cividb(folder, &[&version[..], &["--journal", "head"]].concat());
    let undo = cividb(folder, &["undo", "head", &url, "--apply", "--yes"]);
    assert_eq!(undo.status.code(), Some(0), "{}", text(&set.stderr));
    let written = fs::read_to_string(folder.join("head")).expect("a journal");
    let head = written.lines().next().expect("a line");
    serde_json::from_str(head).expect("JSON")
}

fn undo(server: &Server, database: &str, folder: &Path, lines: &[Value]) -> Output {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("old"), lines).expect("the journal is written");
    let url = server.url(database);
    let undo = ["undo", "old", &url, "--apply", "--yes", "--format", "json"];
    cividb(folder, &undo)
}

fn created(server: &Server, database: &str) -> String {
    let printed = server.run(Some(database), "SHOW CREATE TABLE civicrm_note");
    let printed = printed.trim_end().split_once('\t').expect("two columns").1;
    let (head, tail) = printed
        .split_once(" AUTO_INCREMENT=")
        .unwrap_or((printed, " "));
    let rest = tail.trim_start_matches(|digit: char| digit.is_ascii_digit());
    format!("{head}{rest}").trim_end().to_owned()
}

#[test]
fn a_journal_of_the_version_before_is_taken_back() {
    for server in server::all() {
        let database = "old_journal";
        let at = &server.name;
        let folder = tempfile::tempdir().expect("a folder");
        let head = site(server, database, folder.path());
        let before = created(server, database);
        let all = "SELECT * FROM civicrm_contact ORDER BY id; SELECT * FROM civicrm_domain";
        let rows = server.run(Some(database), all);

        // The version, a foreign key's name, and rows: as that version changed them.
        let name = "FK_civicrm_note_contact_id";
        let key = |name: &str| {
            format!(
                "ADD CONSTRAINT `{name}` FOREIGN KEY (`contact_id`) REFERENCES `civicrm_contact` (`id`) ON DELETE SET NULL"
            )
        };
        let alter = |from: &str, to: &str| {
            format!(
                "ALTER TABLE `civicrm_note`\n  DROP FOREIGN KEY `{from}`,\n  {}",
                key(to)
            )
        };
        let version = server.run(Some(database), "SELECT version FROM civicrm_domain");
        let version = version.trim_end();
        let set = |from: &str, to: &str| {
            format!(
                "UPDATE civicrm_domain SET version = '{to}' WHERE id = 1 AND CAST(version AS BINARY) = CAST('{from}' AS BINARY)"
            )
        };
        let forward = [
            alter(name, "other_name"),
            "UPDATE `civicrm_contact` SET `nick_name` = NULL WHERE `id` IN (1)".to_owned(),
            set(version, "4.4.5"),
        ];
        server.run(
            Some(database),
            "UPDATE civicrm_contact SET nick_name = 'a''b' WHERE id = 1",
        );
        let rows_before = server.run(Some(database), all);
        for statement in &forward {
            server.run(Some(database), statement);
        }
        let [renamed, cleared, set_version] = forward;
        let lines = [
            head.clone(),
            json!({"state": "doing", "step": 1, "table": "civicrm_note", "statement": renamed,
                "inverse": alter("other_name", name), "why": "a name", "before": before}),
            json!({"state": "done", "step": 1}),
            json!({"state": "doing", "step": 2, "table": "civicrm_contact", "statement": cleared,
                "inverse": "UPDATE `civicrm_contact` SET `nick_name` = CASE WHEN `id` = 1 THEN 'a''b' END \
                    WHERE `id` IN (1) AND `nick_name` IS NULL",
                "why": "1 row", "rows": {"count": 1,
                    "still_as_before": "SELECT COUNT(*) FROM `civicrm_contact` WHERE `id` IN (1) AND `nick_name` IS NOT NULL"}}),
            json!({"state": "done", "step": 2}),
            json!({"state": "doing", "step": 3, "table": "civicrm_domain", "statement": set_version,
                "inverse": set("4.4.5", version), "why": "the version of domain 1"}),
            json!({"state": "done", "step": 3}),
            json!({"state": "finished"}),
        ];
        let undone = undo(server, database, folder.path(), &lines);
        let errors = text(&undone.stderr);
        assert_eq!(undone.status.code(), Some(0), "{at}: {errors}");
        assert!(errors.contains("3 steps taken back"), "{at}: {errors}");
        assert_eq!(created(server, database), before, "{at}");
        let without_time = |rows: &str| {
            // Each change of a contact notes its time.
            let columns = rows
                .lines()
                .map(|line| line.split('\t').filter(|value| !value.contains(':')));
            columns
                .map(|line| line.collect::<Vec<_>>().join("\t"))
                .collect::<Vec<_>>()
        };
        let now = server.run(Some(database), all);
        assert_eq!(without_time(&now), without_time(&rows_before), "{at}");
        assert_ne!(rows, rows_before, "{at}");
        server.run(None, &format!("DROP DATABASE {database}"));
    }
}

#[test]
fn what_has_changed_since_an_old_journal_and_what_is_none_of_its_statements_is_refused() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "old_journal_refused";
    let folder = tempfile::tempdir().expect("a folder");
    let head = site(server, database, folder.path());
    let before = server.run(Some(database), "SELECT id, version FROM civicrm_domain");
    let step = |inverse: &str| {
        json!({"state": "doing", "step": 1, "table": "civicrm_domain", "statement": "UPDATE civicrm_domain SET version = '4.4.5'",
            "inverse": inverse, "why": "the version of domain 1"})
    };
    let done = json!({"state": "done", "step": 1});
    for (inverse, said, id) in [
        (
            "UPDATE civicrm_domain SET version = '4.4.4' WHERE id = 1 AND CAST(version AS BINARY) = CAST('1.1' AS BINARY)",
            "it is no longer what the journal says was set",
            "changed-since",
        ),
        (
            "UPDATE civicrm_domain SET version = '4.4.4'; DROP TABLE civicrm_note",
            "the journal's step 1 changes no rows",
            "journal-step",
        ),
        (
            "DROP TABLE civicrm_note",
            "the journal's step 1 changes no rows",
            "journal-step",
        ),
    ] {
        let lines = [head.clone(), step(inverse), done.clone()];
        let refused = undo(server, database, folder.path(), &lines);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{errors}");
        assert!(errors.contains(said), "{errors}");
        let report = common::json(&refused);
        assert_eq!(report["error"]["refusal"], id, "{report}");
        assert_eq!(report["command"], "undo", "{report}");
        let now = server.run(Some(database), "SELECT id, version FROM civicrm_domain");
        assert_eq!(now, before, "{errors}");
    }
    server.run(None, &format!("DROP DATABASE {database}"));
}

#[test]
fn a_command_that_is_refused_says_so_to_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    let sample = sample.to_str().expect("a path");
    let repair = ["repair", "fk-names", sample, "--apply", "--format", "json"];
    let refused = cividb(folder.path(), &repair);
    assert_eq!(refused.status.code(), Some(2));
    let report = common::json(&refused);
    assert_eq!(report["error"]["refusal"], "is-a-dump", "{report}");
    assert_eq!(report["source"]["name"], sample, "{report}");
    let message = report["error"]["message"].as_str().expect("a message");
    assert!(text(&refused.stderr).contains(message), "{report}");
    // For people nothing stands on standard output, and what failed was not refused.
    assert_eq!(text(&cividb(folder.path(), &repair[..4]).stdout), "");
    let unread = cividb(folder.path(), &["undo", "none", "--format", "json"]);
    assert_eq!(text(&unread.stdout), "");
}

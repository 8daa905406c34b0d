//! Journals of the version before the one that says how tables and rows were left: what they say is
//! taken back rightly, or refused in clear words.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::common::{self, cividb, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

/// A site, and the first line of a journal about it.
fn site(server: &Server, database: &str, folder: &Path) -> Value {
    server.load_sample(database, &["civicrm_note"]);
    let url = server.url(database);
    let version = [
        "version", &url, "--set", "4.4.5", "--force", "--apply", "--yes",
    ];
    let set = cividb(folder, &[&version[..], &["--journal", "head"]].concat());
    let undo = cividb(folder, &["undo", "head", &url, "--apply", "--yes"]);
    assert_eq!(undo.status.code(), Some(0), "{}", text(&set.stderr));
    let written = fs::read_to_string(folder.join("head")).expect("a journal");
    let head = written.lines().next().expect("a line");
    let mut head: Value = serde_json::from_str(head).expect("JSON");
    // Journals of that version had no checksums.
    assert_eq!(head["journal_version"], 2);
    head["journal_version"] = json!(1);
    head.as_object_mut().expect("an object").remove("sum");
    head
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

/// What a journal can be made to say, and what is said of it.
fn forged(created: &str) -> Vec<(&'static str, Value, &'static str)> {
    let alter = |actions: &str| format!("ALTER TABLE `civicrm_note` {actions}");
    let name = "FK_civicrm_note_contact_id";
    let back = alter(&format!(
        "DROP FOREIGN KEY `{name}`, ADD CONSTRAINT `{name}` FOREIGN KEY (`contact_id`) \
         REFERENCES `civicrm_contact` (`id`) ON DELETE SET NULL"
    ));
    let definition = |inverse: String| {
        json!({"step": 1, "table": "civicrm_note", "statement": "", "why": "x",
            "inverse": inverse, "before": created})
    };
    let rows = |table: &str, inverse: &str, question: &str| {
        json!({"step": 1, "table": table, "statement": "DELETE", "why": "x", "inverse": inverse,
            "rows": {"count": 1, "still_as_before": question}})
    };
    let count = "SELECT COUNT(*) FROM `civicrm_note` WHERE `id` IN (9001)";
    let mut with_proofs = definition(back);
    with_proofs["proofs"] = json!(["DROP DATABASE canary", "SELECT `canary`.`trip`()"]);
    with_proofs["locks"] = json!(["civicrm_note WRITE; DROP DATABASE canary"]);
    let insert = "INSERT INTO `civicrm_note` (`id`) VALUES";
    vec![
        ("proofs and locks", with_proofs, ""),
        (
            "another operation",
            definition("DROP DATABASE canary".into()),
            "should be ALTER TABLE",
        ),
        (
            "a column",
            definition(alter("DROP COLUMN `note`")),
            "holds DROP COLUMN note",
        ),
        (
            "hidden",
            definition(alter("DROP KEY `x` /*!50000 , DROP COLUMN `note` */")),
            "is not one ALTER TABLE",
        ),
        (
            "an engine",
            definition(alter("ENGINE=BLACKHOLE")),
            "an option that the table did not have",
        ),
        (
            "shorter",
            definition(alter("MODIFY COLUMN `note` varchar(1)")),
            "a change of column note",
        ),
        (
            "moved",
            definition(alter("RENAME TO `canary`.`note`")),
            "RENAME TO another table",
        ),
        (
            "a function",
            rows(
                "civicrm_note",
                &format!("{insert} (`canary`.`trip`())"),
                count,
            ),
            "writes no rows back",
        ),
        (
            "a subquery",
            rows(
                "civicrm_note",
                &format!("{insert} ((SELECT canary.trip()))"),
                count,
            ),
            "writes no rows back",
        ),
        (
            "another table",
            rows(
                "civicrm_note",
                "INSERT INTO `civicrm_uf_match` (`id`) VALUES (9001)",
                count,
            ),
            "writes no rows back",
        ),
        (
            "a question",
            rows(
                "civicrm_note",
                &format!("{insert} (9001)"),
                "SELECT canary.trip() FROM `civicrm_note` WHERE `id` IN (1)",
            ),
            "asks no question about rows",
        ),
        (
            "a version",
            json!({"step": 1, "table": "civicrm_note", "statement": "", "why": "x",
                "inverse": "UPDATE civicrm_note SET note = '' WHERE id = 1"}),
            "is about another table",
        ),
    ]
}

#[test]
fn a_journal_that_somebody_made_up_runs_nothing_of_theirs() {
    for server in server::some() {
        let database = "forged_journal";
        let at = &server.name;
        let folder = tempfile::tempdir().expect("a folder");
        let head = site(server, database, folder.path());
        let before = created(server, database);
        server.run(
            None,
            "DROP DATABASE IF EXISTS canary; CREATE DATABASE canary; CREATE TABLE canary.tripped (a int);
             DELIMITER //\nCREATE FUNCTION canary.trip() RETURNS int DETERMINISTIC MODIFIES SQL DATA \
             BEGIN INSERT INTO canary.tripped VALUES (1); RETURN 1; END//\nDELIMITER ;\n",
        );
        let url = server.url(database);
        for (what, mut step, said) in forged(&before) {
            step["state"] = json!("doing");
            for done in [true, false] {
                let mut lines = vec![head.clone(), step.clone()];
                if done {
                    lines.push(json!({"state": "done", "step": 1}));
                }
                let undone = undo(server, database, folder.path(), &lines);
                let errors = text(&undone.stderr);
                assert!(errors.contains(said), "{at}: {what}: {errors}");
                // An interrupted repair that is to go on looks at it as well.
                let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
                fs::write(folder.path().join("old"), lines).expect("the journal is written");
                let resume = [
                    "repair", "fk-names", &url, "--apply", "--yes", "--resume", "old",
                ];
                let resumed = cividb(folder.path(), &resume);
                let errors = text(&resumed.stderr);
                assert!(done || errors.contains(said), "{at}: {what}: {errors}");
                let tripped = server.run(None, "SELECT COUNT(*) FROM canary.tripped");
                assert_eq!(tripped.trim(), "0", "{at}: {what}");
                assert_eq!(created(server, database), before, "{at}: {what}");
            }
            // Nor is it printed as something to run.
            let printed = cividb(folder.path(), &["undo", "old"]);
            let script = text(&printed.stdout);
            let is_comment = |line: &str| line.is_empty() || line.starts_with("-- ");
            let is_safe = said.is_empty() || script.lines().all(is_comment);
            assert!(is_safe, "{at}: {what}: {script}");
        }
        server.run(
            None,
            &format!("DROP DATABASE {database}; DROP DATABASE canary"),
        );
    }
}

#[test]
fn an_edited_journal_is_refused_and_one_of_another_server_says_what_differs() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "edited_journal";
    let folder = tempfile::tempdir().expect("a folder");
    let old_head = site(server, database, folder.path());
    let before = server.run(Some(database), "SELECT version FROM civicrm_domain");
    let url = server.url(database);
    let version = [
        "version", &url, "--set", "4.4.5", "--force", "--apply", "--yes",
    ];
    let set = cividb(folder.path(), &[&version[..], &["--journal", "j"]].concat());
    assert!(set.status.code() < Some(2), "{}", text(&set.stderr));
    let path = folder.path().join("j");
    let whole = fs::read_to_string(&path).expect("a journal");
    fs::write(&path, whole.replace("'4.4.5'", "'4.4.6'")).expect("it is edited");
    let undo = |more: &[&str]| {
        let given = [&["undo", "j", &url, "--apply", "--yes"], more].concat();
        cividb(folder.path(), &given)
    };
    let refused = undo(&[]);
    assert_eq!(refused.status.code(), Some(2));
    let errors = text(&refused.stderr);
    assert!(
        errors.contains("line 2: the line is not as it was written"),
        "{errors}"
    );
    // The same server under another name: what it calls itself differs, and the user says so.
    let mut lines: Vec<Value> = whole
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    lines[0] = old_head;
    lines[0]["server_id"] = json!("elsewhere:3306");
    let moved: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, moved).expect("it is written");
    let refused = undo(&[]);
    assert_eq!(refused.status.code(), Some(2));
    let errors = text(&refused.stderr);
    assert!(
        errors.contains("which called itself elsewhere:3306"),
        "{errors}"
    );
    assert!(errors.contains("--same-server"), "{errors}");
    let undone = undo(&["--same-server"]);
    assert_eq!(undone.status.code(), Some(0), "{}", text(&undone.stderr));
    let now = server.run(Some(database), "SELECT version FROM civicrm_domain");
    assert_eq!(now, before);
    server.run(None, &format!("DROP DATABASE {database}"));
}

#[test]
fn what_an_interruption_leaves_and_the_ways_on_are_said() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "interrupted_messages";
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    server.load(database, &common::sample());
    let key = "FK_civicrm_note_contact_id";
    let column = "FOREIGN KEY (contact_id) REFERENCES civicrm_contact (id) ON DELETE SET NULL";
    let misname = format!(
        "ALTER TABLE civicrm_note DROP FOREIGN KEY `{key}`; ALTER TABLE civicrm_note ADD CONSTRAINT other {column}"
    );
    server.run(Some(database), &misname);
    let proxy = Proxy::start(server.socket(), |sql| {
        match sql.starts_with("ALTER TABLE") || sql.starts_with("UPDATE") {
            true => Action::Cut,
            false => Action::Pass,
        }
    });
    let (url, cut) = (server.url(database), proxy.url(database));
    let run = |arguments: &[&str]| {
        let output = cividb(folder, &[arguments, &["--apply", "--yes"]].concat());
        let errors = text(&output.stderr);
        assert!(!errors.contains("has been rolled back"), "{errors}");
        (output.status.code(), errors)
    };
    let (code, errors) = run(&["repair", "fk-names", &cut, "--journal", "j"]);
    assert_eq!(code, Some(2), "{errors}");
    for said in [
        "interrupted: 0 steps done, and stay; 1 step of which it is not known yet",
        "the same command with --resume j goes on",
        "cividb undo j takes back what was done",
    ] {
        assert!(errors.contains(said), "{errors}");
    }
    server.wait_until_unused(database);
    let (code, errors) = run(&["repair", "fk-names", &url, "--resume", "j"]);
    assert!(code < Some(2), "{errors}");
    let (code, errors) = run(&["undo", "j", &cut]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("interrupted: 1 step done, and stay"),
        "{errors}"
    );
    server.wait_until_unused(database);
    let (code, errors) = run(&["undo", "j", &url]);
    assert_eq!(code, Some(0), "{errors}");
    let (code, errors) = run(&[
        "version",
        &cut,
        "--set",
        "4.4.5",
        "--force",
        "--journal",
        "k",
    ]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("cividb undo k takes back what was done"),
        "{errors}"
    );
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

//! `version --fix` and `--set`: right afterwards, taken back byte for byte, and never half done.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::common::{self, cividb, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

/// A site of its own for a test: the sample, whose schema is that of 5.81.
fn site<'a>(server: &'a Server, name: &'a str) -> &'a str {
    let database = name;
    server.load(database, &common::sample());
    database
}

fn versions(server: &Server, database: &str) -> String {
    let sql = "SELECT id, IFNULL(HEX(version), 'NULL') FROM civicrm_domain ORDER BY id";
    server.run(Some(database), sql)
}

/// The one journal in a folder.
fn journal(folder: &Path) -> String {
    let journals = common::journals(folder);
    assert_eq!(journals.len(), 1, "{journals:?}");
    journals.concat()
}

/// The release of the sample, as its domain says.
fn release(server: &Server, database: &str) -> String {
    server
        .run(Some(database), "SELECT version FROM civicrm_domain")
        .trim()
        .to_owned()
}

#[test]
fn a_wrong_version_is_set_right_and_taken_back_byte_for_byte() {
    for server in server::some() {
        let database = site(server, "version_fix");
        let right = release(server, database);
        for (number, wrong) in [
            "NULL",
            "''",
            "'2.2'",
            "'5.81.2 '",
            "' 5.81.2'",
            "'5.9.99'",
            "'unknown'",
            "'5.81'",
        ]
        .into_iter()
        .enumerate()
        {
            let is_asked_thoroughly = number % common::every(4) == 0;
            let folder = tempfile::tempdir().expect("a folder");
            let set = format!("UPDATE civicrm_domain SET version = {wrong}");
            server.run(Some(database), &set);
            let before = versions(server, database);
            let url = server.url(database);
            let at = format!("{wrong} on {}", server.name);

            let dry = cividb(folder.path(), &["version", &url, "--fix"]);
            assert_eq!(
                versions(server, database),
                before,
                "{at}: nothing without --apply"
            );
            assert!(
                text(&dry.stdout).contains("UPDATE civicrm_domain SET version = '"),
                "{at}"
            );

            if is_asked_thoroughly {
                let unasked = cividb(folder.path(), &["version", &url, "--fix", "--apply"]);
                assert_eq!(unasked.status.code(), Some(2), "{at}: --yes is wanted");
                assert_eq!(versions(server, database), before, "{at}");
            }

            let done = cividb(
                folder.path(),
                &["version", &url, "--fix", "--apply", "--yes"],
            );
            assert_eq!(done.status.code(), Some(0), "{at}: {}", text(&done.stderr));
            let now = release(server, database);
            assert!(now.starts_with("5.81."), "{at}: {now}");

            let journal = journal(folder.path());
            let back = cividb(folder.path(), &["undo", &journal, &url, "--apply", "--yes"]);
            assert_eq!(back.status.code(), Some(0), "{at}: {}", text(&back.stderr));
            assert_eq!(versions(server, database), before, "{at}: byte for byte");
            if is_asked_thoroughly {
                let again = cividb(folder.path(), &["undo", &journal, &url, "--apply", "--yes"]);
                let code = again.status.code();
                assert_eq!(code, Some(0), "{at}: nothing is left to undo");
            }
        }
        server.run(
            Some(database),
            &format!("UPDATE civicrm_domain SET version = '{right}'"),
        );
    }
}

#[test]
fn domains_that_differ_are_set_alike_or_one_alone() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_domains");
    let right = release(server, database);
    server.run(
        Some(database),
        "INSERT INTO civicrm_domain (name, version) VALUES ('second', '5.45.1')",
    );
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    let before = versions(server, database);
    let one = cividb(folder.path(), &["version", &url, "--fix", "--domain", "1"]);
    assert!(
        text(&one.stdout).contains("nothing to change"),
        "{}",
        text(&one.stdout)
    );
    let done = cividb(
        folder.path(),
        &["version", &url, "--fix", "--apply", "--yes"],
    );
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let sql = "SELECT DISTINCT version FROM civicrm_domain";
    assert_eq!(server.run(Some(database), sql).trim(), right);
    let journal = journal(folder.path());
    cividb(folder.path(), &["undo", &journal, &url, "--apply", "--yes"]);
    assert_eq!(versions(server, database), before);
    let none = cividb(folder.path(), &["version", &url, "--fix", "--domain", "7"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("no domain 7"));
}

#[test]
fn an_upgrade_under_way_and_another_release_are_refused() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_refused");
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    for (stored, arguments, reason) in [
        (
            "5.81.1.upgrade",
            &["--fix"][..],
            "an upgrade is under way or has failed",
        ),
        (
            "5.81.1.upgrade",
            &["--set", "5.81.2"],
            "an upgrade is under way or has failed",
        ),
        (
            "5.81.2",
            &["--set", "4.7.31"],
            "the schema is that of CiviCRM 5.81, not of 4.7.31",
        ),
    ] {
        server.run(
            Some(database),
            &format!("UPDATE civicrm_domain SET version = '{stored}'"),
        );
        let before = versions(server, database);
        let mut all = vec!["version", &url, "--apply", "--yes"];
        all.extend(arguments);
        let refused = cividb(folder.path(), &all);
        assert_eq!(refused.status.code(), Some(2), "{stored} {arguments:?}");
        assert!(
            text(&refused.stderr).contains(reason),
            "{}",
            text(&refused.stderr)
        );
        assert_eq!(versions(server, database), before);
        let mut forced = vec!["version", &url, "--apply", "--yes", "--force"];
        forced.extend(arguments);
        if arguments[0] == "--set" {
            let done = cividb(folder.path(), &forced);
            assert!(done.status.code() < Some(2), "{}", text(&done.stderr));
            assert_eq!(release(server, database), arguments[1]);
        }
        for journal in common::journals(folder.path()) {
            std::fs::remove_file(folder.path().join(journal)).expect("it goes");
        }
    }
}

#[test]
fn a_version_changed_meanwhile_is_not_taken_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_changed");
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
    cividb(
        folder.path(),
        &["version", &url, "--fix", "--apply", "--yes"],
    );
    server.run(
        Some(database),
        "UPDATE civicrm_domain SET version = '6.0.0'",
    );
    let journal = journal(folder.path());
    let back = cividb(folder.path(), &["undo", &journal, &url, "--apply", "--yes"]);
    assert_eq!(back.status.code(), Some(2));
    assert!(
        text(&back.stderr).contains("no longer what the journal says was set"),
        "{}",
        text(&back.stderr)
    );
    assert_eq!(release(server, database), "6.0.0");
    let other = site(server, "version_other");
    for (url, more) in [
        (server.url(other), &[][..]),
        (server.url(other), &["--database", other]),
        (server.url(""), &["--database", other]),
    ] {
        let mut undo = vec!["undo", &journal, &url, "--apply", "--yes"];
        undo.extend(more);
        let back = cividb(folder.path(), &undo);
        assert_eq!(back.status.code(), Some(2));
        assert!(
            text(&back.stderr).contains("is about database"),
            "{}",
            text(&back.stderr)
        );
    }
}

/// Wherever the connection breaks, the version is the old or the new one, the journal tells
/// what may have happened, and undo leads back.
#[test]
fn a_connection_cut_at_any_statement_leaves_nothing_half_done() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_cut");
    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    let all = Proxy::start(server.socket(), move |sql| {
        seen.lock().expect("no panic").push(sql.to_owned());
        Action::Pass
    });
    server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = |url: &str| -> Vec<String> {
        ["version", url, "--fix", "--apply", "--yes"]
            .map(str::to_owned)
            .to_vec()
    };
    let run = |folder: &Path, url: &str| {
        let arguments = arguments(url);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        cividb(folder, &arguments)
    };
    assert_eq!(
        run(folder.path(), &all.url(database)).status.code(),
        Some(0)
    );
    let statements = statements.lock().expect("no panic").clone();
    let first_write = statements.iter().position(|sql| sql.contains("READ WRITE"));
    let first_write = first_write.expect("it writes");
    let mut outcomes = [0, 0];
    let places = statements.iter().enumerate().skip(first_write);
    for (place, statement) in places.step_by(common::every(11)) {
        for action in [Action::Cut, Action::PassThenCut] {
            server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
            let before = versions(server, database);
            let count = AtomicUsize::new(0);
            let proxy = Proxy::start(server.socket(), move |_| {
                match count.fetch_add(1, Ordering::SeqCst) == place {
                    true => action,
                    false => Action::Pass,
                }
            });
            let folder = tempfile::tempdir().expect("a folder");
            let cut = run(folder.path(), &proxy.url(database));
            let at = format!("{action:?} at {statement}");
            assert_eq!(cut.status.code(), Some(2), "{at}: {}", text(&cut.stderr));
            let now = release(server, database);
            let is_new = now.starts_with("5.81.");
            assert!(is_new || now == "2.2", "{at}: {now}");
            outcomes[usize::from(is_new)] += 1;
            let has_journal = !common::journals(folder.path()).is_empty();
            assert!(has_journal || !is_new, "{at}: a change without a journal");
            if has_journal {
                let journal = journal(folder.path());
                let url = server.url(database);
                let back = cividb(folder.path(), &["undo", &journal, &url, "--apply", "--yes"]);
                assert_eq!(back.status.code(), Some(0), "{at}: {}", text(&back.stderr));
                assert_eq!(versions(server, database), before, "{at}");
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

/// As above, but it is the program that dies.
#[test]
fn a_kill_at_any_statement_leaves_nothing_half_done() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_kill");
    for word in ["FOR UPDATE", "UPDATE civicrm_domain SET", "COMMIT"] {
        server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
        let before = versions(server, database);
        let child: Arc<Mutex<Option<u32>>> = Arc::default();
        let victim = Arc::clone(&child);
        let writing = AtomicUsize::new(0);
        let proxy = Proxy::start(server.socket(), move |sql| {
            writing.fetch_add(usize::from(sql.contains("READ WRITE")), Ordering::SeqCst);
            if writing.load(Ordering::SeqCst) == 0 || !sql.contains(word) {
                return Action::Pass;
            }
            let pid = victim
                .lock()
                .expect("no panic")
                .expect("it runs")
                .to_string();
            common::kill(&pid);
            Action::Cut
        });
        let folder = tempfile::tempdir().expect("a folder");
        let mut lock = child.lock().expect("no panic");
        let mut running = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args([
                "version",
                &proxy.url(database),
                "--fix",
                "--apply",
                "--yes",
                "--no-defaults",
            ])
            .env("XDG_STATE_HOME", folder.path())
            .current_dir(folder.path())
            .spawn()
            .expect("cividb runs");
        *lock = Some(running.id());
        drop(lock);
        let status = common::end_of(&mut running);
        assert_eq!(status.code(), None, "{word}: killed");
        server.wait_until_unused(database);
        let now = release(server, database);
        assert!(now == "2.2" || now.starts_with("5.81."), "{word}: {now}");
        if !common::journals(folder.path()).is_empty() {
            let journal = journal(folder.path());
            let url = server.url(database);
            let back = cividb(folder.path(), &["undo", &journal, &url, "--apply", "--yes"]);
            assert_eq!(
                back.status.code(),
                Some(0),
                "{word}: {}",
                text(&back.stderr)
            );
        }
        assert_eq!(versions(server, database), before, "{word}");
    }
}

/// A journal is a file, and files get edited.
#[test]
fn a_journal_edited_by_hand_changes_rows_or_nothing() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_edited");
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    let sql =
        "CREATE TABLE IF NOT EXISTS bystander (id INT); UPDATE civicrm_domain SET version = '2.2'";
    server.run(Some(database), sql);
    let fix = ["version", &url, "--fix", "--apply", "--yes"];
    assert_eq!(cividb(folder.path(), &fix).status.code(), Some(0));
    let fixed = versions(server, database);
    let path = folder.path().join(journal(folder.path()));
    let written = std::fs::read_to_string(&path).expect("it is read");
    let (before, rest) = written.split_once(r#""inverse":""#).expect("a way back");
    let (_, after) = rest.split_once('"').expect("its end");
    for inverse in [
        "DROP TABLE bystander",
        "UPDATE civicrm_domain SET version = '1'; DROP TABLE bystander",
        "UPDATE nothing SET version = '1'",
        "UPDATE civicrm_domain SET version = '1' WHERE id = 9",
    ] {
        let edited = format!(r#"{before}"inverse":"{inverse}"{after}"#);
        std::fs::write(&path, edited).expect("it is written");
        let journal = path.to_str().expect("text");
        let output = cividb(folder.path(), &["undo", journal, &url, "--apply", "--yes"]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{inverse}: {errors}");
        assert_eq!(versions(server, database), fixed, "{inverse}");
        let there = server.run(Some(database), "SHOW TABLES LIKE 'bystander'");
        assert_eq!(there.trim(), "bystander", "{inverse}");
    }
}

/// Without transactions the first domain would stay changed when the second cannot be.
#[test]
fn several_domains_without_transactions_are_refused() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_myisam");
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    server.run(
        Some(database),
        "SET foreign_key_checks = 0;
         CREATE TABLE copied LIKE civicrm_domain;
         ALTER TABLE copied ENGINE=MyISAM;
         INSERT INTO copied SELECT * FROM civicrm_domain;
         INSERT INTO copied (name, version) VALUES ('second', '2.2');
         DROP TABLE civicrm_domain;
         RENAME TABLE copied TO civicrm_domain;
         UPDATE civicrm_domain SET version = '2.2';",
    );
    let before = versions(server, database);
    let fix = ["version", &url, "--fix", "--apply", "--yes"];
    let output = cividb(folder.path(), &fix);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("MyISAM, not InnoDB"), "{errors}");
    assert_eq!(versions(server, database), before);
    let mut one = fix.to_vec();
    one.extend(["--domain", "2"]);
    let output = cividb(folder.path(), &one);
    assert!(output.status.code() < Some(2), "{}", text(&output.stderr));
    assert_ne!(versions(server, database), before);
    let journal = journal(folder.path());
    let undo = ["undo", &journal, &url, "--apply", "--yes"];
    assert_eq!(cividb(folder.path(), &undo).status.code(), Some(0));
    assert_eq!(versions(server, database), before);
}

/// Nobody is left without the name of the journal, however the report fares.
#[test]
fn the_journal_is_named_also_when_the_report_cannot_be_written() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_full");
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
    let fix = ["version", &url, "--fix", "--apply", "--yes"];
    let mut full = fix.to_vec();
    full.extend(["--output", "/dev/full"]);
    let output = cividb(folder.path(), &full);
    assert_eq!(output.status.code(), Some(2));
    let journal = journal(folder.path());
    assert!(text(&output.stderr).contains(&journal));
}

/// The day after a release this program knows no better than the site.
#[test]
fn a_version_newer_than_this_program_is_not_set_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_newer");
    server.run(
        Some(database),
        "UPDATE civicrm_domain SET version = '99.1.0'",
    );
    let before = versions(server, database);
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url(database);
    let refused = cividb(
        folder.path(),
        &["version", &url, "--fix", "--apply", "--yes"],
    );
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("use a newer cividb"));
    assert_eq!(versions(server, database), before);
}

/// Journals that nobody named are found again.
#[test]
fn the_journals_of_a_user_are_listed_with_what_became_of_them() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = site(server, "version_listed");
    let url = server.url(database);
    let folder = tempfile::tempdir().expect("a folder");
    let list = |format: &str| {
        let output = cividb(folder.path(), &["undo", "--list", "--format", format]);
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout)
    };
    assert!(
        list("human").starts_with("no journals in "),
        "{}",
        list("human")
    );
    server.run(Some(database), "UPDATE civicrm_domain SET version = '2.2'");
    let apply = ["version", &url, "--fix", "--apply", "--yes"];
    assert_eq!(cividb(folder.path(), &apply).status.code(), Some(0));
    let journal = journal(folder.path());
    let listed = list("human");
    assert!(
        listed.contains(&format!("version on {database}")),
        "{listed}"
    );
    assert!(listed.contains("1 of 1 step done"), "{listed}");
    assert!(listed.contains(&journal), "{listed}");
    let undo = ["undo", &journal, &url, "--apply", "--yes"];
    assert_eq!(cividb(folder.path(), &undo).status.code(), Some(0));
    let entry: serde_json::Value = serde_json::from_str(&list("json")).expect("one object");
    assert_eq!(entry["taken_back"], 1);
    assert_eq!(entry["done"], 0);
}

#[test]
fn neither_version_nor_repair_write_to_a_replica() {
    let Some(known) = server::installed() else {
        return;
    };
    let server = known.another("replica", &["--server-id=7"]);
    server.load("replica", &common::sample());
    server.run(
        None,
        match server.is_mysql() {
            true => "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=1",
            false => "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'",
        },
    );
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url("replica");
    let before = server.run(Some("replica"), "SELECT version FROM civicrm_domain");
    for command in [
        &["version", "--set", "4.4.5", "--force"][..],
        &["version", "--fix", "--force"],
        &["repair", "all"],
    ] {
        let arguments = [command, &[&url, "--apply", "--yes", "--format", "json"]].concat();
        let output = common::cividb(folder.path(), &arguments);
        let errors = common::text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("this server is a replica"), "{errors}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["error"]["refusal"], "replica");
    }
    let now = server.run(Some("replica"), "SELECT version FROM civicrm_domain");
    assert_eq!(now, before);
    server.remove();
}

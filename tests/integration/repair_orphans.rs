//! `cividb repair --orphans`: rows that have lost their parents, by the rules of their keys.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::common::{self, cividb, json, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

/// Checksums of all tables by the server itself.
fn checksums(server: &Server, database: &str) -> BTreeMap<String, String> {
    let tables = server.run(
        Some(database),
        "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'",
    );
    let names: Vec<String> = tables
        .lines()
        .filter_map(|line| line.split('\t').next())
        .map(cividb::schema::sql::identifier)
        .collect();
    let sums = server.run(
        Some(database),
        &format!("CHECKSUM TABLE {}", names.join(", ")),
    );
    sums.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, sum)| (name.to_owned(), sum.to_owned()))
        .collect()
}

/// A database whose rows have lost parents in every way: by CASCADE with what hangs on them, by
/// SET NULL, and by RESTRICT.
fn orphaned(server: &Server, database: &str) -> String {
    server.load_sample(database, &["civicrm_line_item", "civicrm_note"]);
    let json = if server.is_mysql() {
        "JSON"
    } else {
        "LONGTEXT"
    };
    server.run(
        Some(database),
        &format!(
            r#"SET SESSION foreign_key_checks = 0; SET SESSION sql_mode = '';
            ALTER TABLE civicrm_contribution DROP FOREIGN KEY FK_civicrm_contribution_contact_id;
            ALTER TABLE civicrm_note DROP FOREIGN KEY FK_civicrm_note_contact_id;
            ALTER TABLE civicrm_entity_financial_account
              DROP FOREIGN KEY FK_civicrm_entity_financial_account_financial_account_id;
            CREATE TABLE `civicrm_value_o``dd'` (
              id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, entity_id INT UNSIGNED NOT NULL,
              f FLOAT, d DOUBLE, n DECIMAL(20,2), b VARBINARY(20), bits BIT(5), t TEXT, j {json},
              stamp TIMESTAMP NULL, moment DATETIME, made INT AS (entity_id + 1) VIRTUAL,
              `a``b'c` VARCHAR(20) CHARACTER SET latin1,
              CONSTRAINT `k``'` FOREIGN KEY (entity_id) REFERENCES civicrm_contribution (id)
                ON DELETE CASCADE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
            INSERT INTO civicrm_contribution (id, contact_id, financial_type_id, total_amount,
                receive_date, source, currency)
              VALUES (9001, 4000001, 1, 10.50, '2020-02-30 00:00:00', 'it''s "a\\b", \n\\N', 'USD'),
                     (9002, 4000002, 1, 0, NULL, NULL, 'EUR');
            INSERT INTO civicrm_contribution_soft (id, contribution_id, contact_id, amount, currency)
              VALUES (9001, 9001, 1, 5, 'USD');
            INSERT INTO civicrm_line_item (id, entity_table, entity_id, contribution_id, qty, unit_price,
                line_total)
              VALUES (9001, 'civicrm_contribution', 9001, 9001, 1, 10.50, 10.50);
            INSERT INTO `civicrm_value_o``dd'` (id, entity_id, f, d, n, b, bits, t, j, stamp, moment, `a``b'c`)
              VALUES (0, 1, 0, 0, 0, '', b'0', '', '{{}}', NULL, NULL, ''),
                     (7, 9001, 16777217.123, 0.1, -12345678901234567.89, 0x00FF5C27220A, b'10101',
                       'naïve 😀 \\N "q", ''s''\r\n', '{{"a": 1}}', '2025-10-26 01:30:00', '0000-00-00 00:00:00', 'é'),
                     (8, 9001, NULL, NULL, NULL, NULL, NULL, 'NULL', NULL, NULL, NULL, 'NULL');
            UPDATE `civicrm_value_o``dd'` SET id = 0 WHERE entity_id = 1;
            INSERT INTO civicrm_note (id, entity_table, entity_id, contact_id, note, modified_date)
              VALUES (9001, 'civicrm_contact', 1, 4000003, 'a\\Nb', '2001-01-01 00:00:00');
            INSERT INTO civicrm_entity_financial_account (id, entity_table, entity_id,
                account_relationship, financial_account_id)
              VALUES (9001, 'civicrm_financial_type', 1, 1, 4000004);"#
        ),
    );
    server.url(database)
}

const REPAIR: [&str; 2] = ["repair", "foreign-keys"];

#[test]
fn a_plan_counts_and_shows_what_has_lost_its_parents() {
    for server in server::all() {
        let url = orphaned(server, "orphans_plan");
        let folder = tempfile::tempdir().expect("a folder");
        let plan = cividb(
            folder.path(),
            &[REPAIR[0], REPAIR[1], &url, "--format", "json"],
        );
        let orphans = json(&plan)["plan"]["orphans"].clone();
        let lines: Vec<String> = orphans
            .as_array()
            .into_iter()
            .flatten()
            .map(|o| {
                format!(
                    "{} {} {} {} {}",
                    o["table"], o["foreign_key"], o["rows"], o["sample"], o["remedy"]
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#""civicrm_contribution" "FK_civicrm_contribution_contact_id" 2 ["id 9001 (contact_id 4000001)","id 9002 (contact_id 4000002)"] "delete""#,
                r#""civicrm_entity_financial_account" "FK_civicrm_entity_financial_account_financial_account_id" 1 ["id 9001 (financial_account_id 4000004)"] null"#,
                r#""civicrm_note" "FK_civicrm_note_contact_id" 1 ["id 9001 (contact_id 4000003)"] "set-null""#,
            ],
            "{}",
            server.name
        );
        let shown = text(&cividb(folder.path(), &[REPAIR[0], REPAIR[1], &url]).stdout);
        assert!(
            shown.contains("-- FAILS: 1 row of civicrm_note has lost its parent in civicrm_contact: id 9001 (contact_id 4000003); --orphans set-null --export DIR"),
            "{shown}"
        );
    }
}

#[test]
fn orphans_are_cleared_by_the_rule_of_their_key_and_undo_brings_them_back() {
    for server in server::all() {
        let database = "orphans_cleared";
        if !server.is_mysql() {
            // With all tables of a site at least here.
            server.load(database, &common::sample());
        }
        let url = orphaned(server, database);
        let before = checksums(server, database);
        let folder = tempfile::tempdir().expect("a folder");
        let run = |orphans: &str, more: &[&str]| {
            let mut arguments = vec![REPAIR[0], REPAIR[1], &url, "--apply", "--yes"];
            arguments.extend(["--format", "json", "--orphans", orphans]);
            arguments.extend(more);
            cividb(folder.path(), &arguments)
        };
        let at = &server.name;

        let unexported = run("delete", &[]);
        assert_eq!(unexported.status.code(), Some(2), "{at}");
        assert_eq!(checksums(server, database), before, "{at}: no --export");

        // SET NULL does nothing to keys of another rule.
        let nulled = run("set-null", &["--export", "null", "--journal", "j1"]);
        let plan = json(&nulled)["plan"].clone();
        assert_eq!(nulled.status.code(), Some(1), "{at}");
        assert_eq!(plan["rows_set_null"], 1, "{at}: {}", text(&nulled.stderr));
        assert_eq!(plan["rows_deleted"], 0, "{at}");
        assert_eq!(
            plan["not_run"].as_array().map(Vec::len),
            Some(2),
            "{at}: {plan}"
        );
        let mut changed = checksums(server, database);
        for (table, sum) in &before {
            let now = changed.remove(table);
            let is_note = table.ends_with(".civicrm_note");
            assert_eq!(now.as_ref() != Some(sum), is_note, "{at}: {table}");
        }
        let date = "SELECT modified_date FROM civicrm_note WHERE id = 9001";
        assert_eq!(
            server.run(Some(database), date).trim(),
            "2001-01-01 00:00:00",
            "{at}"
        );

        let deleted = run("delete", &["--export", "rows", "--journal", "j2"]);
        let plan = json(&deleted)["plan"].clone();
        assert_eq!(
            plan["rows_deleted"],
            5,
            "{at}: {} {plan}",
            text(&deleted.stderr)
        );
        assert_eq!(plan["rows_set_null"], 1, "{at}");
        let left: Vec<&Value> = plan["not_run"].as_array().into_iter().flatten().collect();
        assert_eq!(left.len(), 1, "{at}: {plan}");
        assert_eq!(left[0]["table"], "civicrm_entity_financial_account", "{at}");
        let orphans = "SELECT COUNT(*) FROM civicrm_contribution WHERE id > 9000 UNION ALL
            SELECT COUNT(*) FROM civicrm_contribution_soft WHERE id > 9000 UNION ALL
            SELECT COUNT(*) FROM `civicrm_value_o``dd'` WHERE id > 0 UNION ALL
            SELECT COUNT(*) FROM civicrm_line_item WHERE id = 9001 AND contribution_id IS NULL";
        assert_eq!(server.run(Some(database), orphans), "0\n0\n0\n1\n", "{at}");

        // What was exported can be put back by hand.
        server.run(
            Some(database),
            "ALTER TABLE civicrm_contribution DROP FOREIGN KEY FK_civicrm_contribution_contact_id;
             ALTER TABLE civicrm_note DROP FOREIGN KEY FK_civicrm_note_contact_id",
        );
        server.run(None, "SET GLOBAL local_infile = 1");
        for (exports, order) in [
            (
                "rows",
                [
                    "civicrm_contribution.sql",
                    "soft.sql",
                    "dd%27.sql",
                    "line_item.sql",
                ]
                .as_slice(),
            ),
            ("null", &["civicrm_note.sql"]),
        ] {
            let exports = folder.path().join(exports);
            for end in order {
                let script = fs::read_dir(&exports)
                    .expect("a folder")
                    .map(|entry| entry.expect("an entry").path())
                    .find(|path| path.to_string_lossy().ends_with(end));
                let script = script.unwrap_or_else(|| panic!("{at}: no script for {end}"));
                let loaded = server
                    .client()
                    .args(["--local-infile=1", database])
                    .current_dir(&exports)
                    .stdin(Stdio::from(File::open(&script).expect("it opens")))
                    .output()
                    .expect("the client runs");
                assert!(
                    loaded.status.success(),
                    "{at}: {script:?} {}",
                    text(&loaded.stderr)
                );
            }
        }
        assert_eq!(checksums(server, database), before, "{at}: loaded again");

        // And undo does it without hands: all of it once more, and back.
        let all = run("set-null,delete", &["--export", "all", "--journal", "j3"]);
        let plan = json(&all)["plan"].clone();
        assert_eq!(
            (
                plan["rows_deleted"].as_u64(),
                plan["rows_set_null"].as_u64()
            ),
            (Some(5), Some(2)),
            "{at}"
        );
        let back = cividb(folder.path(), &["undo", "j3", &url, "--apply", "--yes"]);
        assert_eq!(back.status.code(), Some(0), "{at}: {}", text(&back.stderr));
        assert_eq!(checksums(server, database), before, "{at}: undone");
        assert!(
            !text(&back.stderr).contains("naïve"),
            "{at}: {}",
            text(&back.stderr)
        );
        server.run(None, &format!("DROP DATABASE `{database}`"));
    }
}

#[test]
fn a_deletion_that_something_holds_up_leaves_all_rows_alone() {
    for server in server::all() {
        let database = "orphans_held";
        let url = orphaned(server, database);
        server.run(
            Some(database),
            "CREATE TABLE holds (id INT UNSIGNED PRIMARY KEY, contribution_id INT UNSIGNED,
               CONSTRAINT held FOREIGN KEY (contribution_id) REFERENCES civicrm_contribution (id));
             INSERT INTO holds VALUES (1, 9002)",
        );
        let before = checksums(server, database);
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = [
            REPAIR[0],
            REPAIR[1],
            &url,
            "--apply",
            "--yes",
            "--orphans",
            "delete",
            "--export",
            "e",
            "--journal",
            "j",
        ];
        let held = cividb(folder.path(), &arguments);
        assert_eq!(held.status.code(), Some(1), "{}", server.name);
        let errors = text(&held.stderr);
        assert!(
            errors.contains("1 rows of holds hang on them by held, whose rule is RESTRICT"),
            "{errors}"
        );
        assert_eq!(checksums(server, database), before, "{}", server.name);
        let files = fs::read_dir(folder.path().join("e"))
            .expect("a folder")
            .count();
        assert_eq!(files, 0, "nothing to export");
        server.run(None, &format!("DROP DATABASE `{database}`"));
    }
}

/// Keys and rows of a database.
fn state(server: &Server, database: &str) -> (BTreeMap<String, String>, String) {
    let keys = "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS
        WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1, 2";
    (
        checksums(server, database),
        server.run(Some(database), keys),
    )
}

#[test]
fn clearing_that_is_cut_off_at_any_statement_can_be_gone_on_with_and_taken_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "orphans_cut";
    let url = orphaned(server, database);
    let before = state(server, database);
    let run = |folder: &Path, url: &str, how: &str| {
        let arguments = [
            REPAIR[0],
            REPAIR[1],
            url,
            "--apply",
            "--yes",
            "--orphans",
            "set-null,delete",
            "--export",
            "e",
            how,
            "j",
        ];
        cividb(folder, &arguments)
    };
    let undo = |folder: &Path, at: &str| {
        let back = cividb(folder, &["undo", "j", &url, "--apply", "--yes"]);
        assert_eq!(back.status.code(), Some(0), "{at}: {}", text(&back.stderr));
        assert_eq!(state(server, database), before, "{at}: undone");
    };
    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    let proxy = Proxy::start(server.socket(), move |sql| {
        seen.lock().expect("no panic").push(sql.to_owned());
        Action::Pass
    });
    let folder = tempfile::tempdir().expect("a folder");
    let whole = run(folder.path(), &proxy.url(database), "--journal");
    assert_eq!(whole.status.code(), Some(1), "{}", text(&whole.stderr));
    let after = state(server, database);
    undo(folder.path(), "undisturbed");
    let statements = statements.lock().expect("no panic").clone();
    let first = statements.iter().position(|sql| sql.contains("GET_LOCK"));
    let first = first.expect("it takes a lock");
    let last = statements.iter().rposition(|sql| sql.contains("UNLOCK"));
    let last = last.expect("it lets go");
    for (number, place) in (first..=last).step_by(common::every(11)).enumerate() {
        let action = match number % 2 {
            0 => Action::Cut,
            _ => Action::PassThenCut,
        };
        let count = AtomicUsize::new(0);
        let proxy = Proxy::start(server.socket(), move |_| {
            match count.fetch_add(1, Ordering::SeqCst) == place {
                true => action,
                false => Action::Pass,
            }
        });
        let statement: String = statements[place].chars().take(80).collect();
        let at = format!("{action:?} at {place}: {statement}");
        let folder = tempfile::tempdir().expect("a folder");
        let cut = run(folder.path(), &proxy.url(database), "--journal");
        assert_eq!(cut.status.code(), Some(2), "{at}: {}", text(&cut.stderr));
        // Half of them are gone on with first.
        if number % 4 < 2 {
            let how = match folder.path().join("j").exists() {
                true => "--resume",
                false => "--journal",
            };
            let resumed = run(folder.path(), &url, how);
            assert_eq!(
                resumed.status.code(),
                Some(1),
                "{at}: {}",
                text(&resumed.stderr)
            );
            assert_eq!(state(server, database), after, "{at}: gone on with");
        }
        if folder.path().join("j").exists() {
            undo(folder.path(), &at);
        }
    }
}

#[test]
fn an_account_that_may_not_do_all_of_a_repair_is_told_before_it_begins() {
    for server in server::all() {
        let database = "orphans_account";
        orphaned(server, database);
        let before = state(server, database);
        let folder = tempfile::tempdir().expect("a folder");
        let privileges = [
            "SELECT",
            "ALTER",
            "CREATE",
            "INSERT",
            "LOCK TABLES",
            "UPDATE",
            "DELETE",
        ];
        let mut privileges = privileges.to_vec();
        if server.is_mysql() {
            privileges.push("REFERENCES");
        }
        let url = format!(
            "mysql://mender:secret@localhost/{database}?socket={}",
            server.socket().display()
        );
        let run = |journal: &str| {
            let arguments = [
                REPAIR[0],
                REPAIR[1],
                &url,
                "--apply",
                "--yes",
                "--orphans",
                "set-null,delete",
                "--export",
                "e",
                "--journal",
                journal,
            ];
            cividb(folder.path(), &arguments)
        };
        let grant = |privileges: &str| {
            server.run(
                None,
                &format!(
                    "DROP USER IF EXISTS mender@localhost;
                     CREATE USER mender@localhost IDENTIFIED BY 'secret';
                     GRANT {privileges} ON `{database}`.* TO mender@localhost"
                ),
            );
        };
        for missing in &privileges {
            let others: Vec<&str> = privileges
                .iter()
                .copied()
                .filter(|p| p != missing)
                .collect();
            grant(&others.join(", "));
            let refused = run("j");
            let at = format!("{} without {missing}", server.name);
            assert_eq!(
                refused.status.code(),
                Some(2),
                "{at}: {}",
                text(&refused.stderr)
            );
            let errors = text(&refused.stderr);
            if *missing != "SELECT" {
                let advice = format!("an administrator runs: GRANT {missing} ON `{database}`.* TO");
                assert!(errors.contains(&advice), "{at}: {errors}");
            }
            assert_eq!(state(server, database), before, "{at}");
            assert!(!folder.path().join("j").exists(), "{at}");
        }
        grant(&privileges.join(", "));
        let done = run("j");
        assert_eq!(
            done.status.code(),
            Some(1),
            "{}: {}",
            server.name,
            text(&done.stderr)
        );
        assert_ne!(state(server, database).1, before.1, "{}", server.name);
        server.run(None, &format!("DROP DATABASE `{database}`"));
    }
}

/// The rows of a plan, as `what rows of table for key`.
fn row_changes(plan: &Value) -> Vec<String> {
    let rows = plan["rows"].as_array().into_iter().flatten();
    let mut rows: Vec<String> = rows
        .map(|row| {
            let word = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let (action, table) = (word("action"), word("table"));
            format!(
                "{action} {} of {table} for {}",
                row["rows"],
                word("foreign_key")
            )
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn what_is_asked_for_is_what_is_done_and_a_row_that_has_changed_is_named_before_anything_comes_back()
 {
    for server in server::all() {
        let database = "orphans_asked";
        let url = orphaned(server, database);
        let at = &server.name;
        let folder = tempfile::tempdir().expect("a folder");
        let orphans = ["--orphans", "set-null,delete"];
        let mut arguments = vec![REPAIR[0], REPAIR[1], &url, "--format", "json"];
        arguments.extend(orphans);
        let plan = json(&cividb(folder.path(), &arguments))["plan"].clone();
        let contribution = "for FK_civicrm_contribution_contact_id";
        assert_eq!(
            row_changes(&plan),
            [
                format!("delete 1 of civicrm_contribution_soft {contribution}"),
                format!("delete 2 of civicrm_contribution {contribution}"),
                format!("delete 2 of civicrm_value_o`dd' {contribution}"),
                format!("set-null 1 of civicrm_line_item {contribution}"),
                "set-null 1 of civicrm_note for FK_civicrm_note_contact_id".to_owned(),
            ],
            "{at}: {plan}"
        );
        arguments.extend(["--apply", "--yes", "--export", "e", "--journal", "j"]);
        let done = cividb(folder.path(), &arguments);
        let asked = text(&done.stderr);
        assert!(
            asked.contains(
                "ROWS: DELETE 2 rows of civicrm_contribution, for the foreign key FK_civicrm_contribution_contact_id"
            ),
            "{at}: {asked}"
        );
        let plan = json(&done)["plan"].clone();
        assert_eq!(plan["rows_deleted"], 5, "{at}: {asked}");
        assert_eq!(plan["rows_set_null"], 2, "{at}: {asked}");

        // Somebody makes one of the rows anew.
        server.run(
            Some(database),
            "INSERT INTO civicrm_contribution (id, contact_id, financial_type_id, total_amount)
               VALUES (9002, 1, 1, 7)",
        );
        let before = state(server, database);
        let undo = ["undo", "j", &url, "--apply", "--yes"];
        let refused = cividb(folder.path(), &undo);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        let named = "changed since: id 9002 of civicrm_contribution: it is there again";
        assert!(errors.contains(named), "{at}: {errors}");
        assert_eq!(state(server, database), before, "{at}: nothing came back");

        let rest = cividb(folder.path(), &[&undo[..], &["--skip-changed"]].concat());
        let errors = text(&rest.stderr);
        assert_eq!(rest.status.code(), Some(1), "{at}: {errors}");
        assert!(errors.contains(named), "{at}: {errors}");
        let back = "SELECT id, contact_id FROM civicrm_contribution WHERE id > 9000 ORDER BY 1;
            SELECT COUNT(*) FROM civicrm_contribution_soft WHERE id > 9000;
            SELECT contact_id FROM civicrm_note WHERE id = 9001";
        assert_eq!(
            server.run(Some(database), back),
            "9001\t4000001\n9002\t1\n1\n4000003\n",
            "{at}"
        );
        server.run(None, &format!("DROP DATABASE `{database}`"));
    }
}

#[test]
fn what_became_of_the_tables_is_named_before_anything_comes_back_and_the_rest_can_come_back() {
    for server in server::all() {
        let database = "orphans_later";
        let at = &server.name;
        let later = [
            (
                "RENAME TABLE civicrm_line_item TO line_items_kept",
                "changed since: table civicrm_line_item: it is gone",
            ),
            (
                "ALTER TABLE civicrm_note CHANGE contact_id author_id int unsigned",
                "changed since: table civicrm_note: ",
            ),
            (
                "ALTER TABLE civicrm_contribution_soft DROP COLUMN amount",
                "changed since: table civicrm_contribution_soft: its column amount is gone",
            ),
        ];
        for (statement, named) in later {
            let url = orphaned(server, database);
            let folder = tempfile::tempdir().expect("a folder");
            let repair = [REPAIR[0], REPAIR[1], &url, "--orphans", "set-null,delete"];
            let apply = ["--apply", "--yes", "--export", "e", "--journal", "j"];
            cividb(folder.path(), &[&repair[..], &apply].concat());
            server.run(Some(database), statement);
            let before = state(server, database);
            let undo = ["undo", "j", &url, "--apply", "--yes"];
            let refused = cividb(folder.path(), &undo);
            let errors = text(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
            assert!(errors.contains(named), "{at}: {errors}");
            assert_eq!(state(server, database), before, "{at}: nothing came back");

            let rest = cividb(folder.path(), &[&undo[..], &["--skip-changed"]].concat());
            let errors = text(&rest.stderr);
            assert_eq!(rest.status.code(), Some(1), "{at}: {statement}: {errors}");
            let back = "SELECT id FROM civicrm_contribution WHERE id > 9000 ORDER BY 1";
            assert_eq!(server.run(Some(database), back), "9001\n9002\n", "{at}");
            server.run(None, &format!("DROP DATABASE `{database}`"));
        }
    }
}

#[test]
fn rows_that_come_between_question_and_change_are_not_changed_and_neither_are_the_others() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "orphans_between";
    let url = orphaned(server, database);
    let before = checksums(server, database);
    let other = Mutex::new(server.writer(database));
    // Right before the first row is locked another one loses its parent.
    let proxy = Proxy::start(server.socket(), move |sql| {
        if sql.contains("`civicrm_contribution`")
            && sql.contains("LIMIT 500")
            && !sql.contains(" > ")
        {
            let mut other = other.lock().expect("no panic");
            let insert = "INSERT IGNORE INTO civicrm_contribution_soft (id, contribution_id, contact_id, amount, currency)
                VALUES (9002, 9002, 1, 5, 'USD')";
            if ASKED.fetch_add(1, Ordering::SeqCst) > 0 {
                mysql::prelude::Queryable::query_drop(&mut *other, insert).expect("it comes in");
            }
        }
        Action::Pass
    });
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().expect("a folder");
    let through = proxy.url(database);
    let mut arguments = vec![
        REPAIR[0], REPAIR[1], &through, "--format", "json", "--apply", "--yes",
    ];
    arguments.extend(["--orphans", "delete", "--export", "e", "--journal", "j"]);
    let done = cividb(folder.path(), &arguments);
    let errors = text(&done.stderr);
    assert!(
        errors.contains(
            "1 row of civicrm_contribution_soft would be changed that nobody was asked for"
        ),
        "{errors}"
    );
    assert_eq!(json(&done)["plan"]["rows_deleted"], 0, "{errors}");
    server.run(
        Some(database),
        "DELETE FROM civicrm_contribution_soft WHERE id = 9002",
    );
    assert_eq!(checksums(server, database), before, "{url}: {errors}");
    server.run(None, &format!("DROP DATABASE `{database}`"));
}

/// Contributions whose contact is gone, more than one transaction changes, each with another row that
/// hangs on it.
fn many_orphans(server: &Server, database: &str) {
    server.load(database, &common::sample());
    server.run(
        Some(database),
        "SET SESSION foreign_key_checks = 0;
         ALTER TABLE civicrm_contribution DROP FOREIGN KEY FK_civicrm_contribution_contact_id;
         INSERT INTO civicrm_contribution (id, contact_id, financial_type_id, total_amount)
           SELECT 20000 + 30 * a.n + b.n, 4000001, 1, 1
           FROM (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5
             UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9 UNION SELECT 10 UNION SELECT 11
             UNION SELECT 12 UNION SELECT 13 UNION SELECT 14 UNION SELECT 15 UNION SELECT 16 UNION SELECT 17
             UNION SELECT 18 UNION SELECT 19 UNION SELECT 20 UNION SELECT 21 UNION SELECT 22 UNION SELECT 23
             UNION SELECT 24 UNION SELECT 25 UNION SELECT 26 UNION SELECT 27 UNION SELECT 28 UNION SELECT 29) AS a,
             (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5
             UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9 UNION SELECT 10 UNION SELECT 11
             UNION SELECT 12 UNION SELECT 13 UNION SELECT 14 UNION SELECT 15 UNION SELECT 16 UNION SELECT 17
             UNION SELECT 18 UNION SELECT 19 UNION SELECT 20 UNION SELECT 21 UNION SELECT 22 UNION SELECT 23
             UNION SELECT 24 UNION SELECT 25 UNION SELECT 26 UNION SELECT 27 UNION SELECT 28 UNION SELECT 29) AS b;
         INSERT INTO civicrm_contribution_soft (id, contribution_id, contact_id, amount, currency)
           SELECT id, id, 1, 1, 'USD' FROM civicrm_contribution WHERE id >= 20000;",
    );
}

#[test]
fn a_later_batch_that_is_not_what_was_asked_for_is_refused_and_the_first_comes_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let new_row =
        "INSERT INTO civicrm_contribution_soft (id, contribution_id, contact_id, amount, currency)
        VALUES (30000, 20800, 1, 5, 'USD')";
    let new_orphan =
        "INSERT INTO civicrm_contribution (id, contact_id, financial_type_id, total_amount)
        VALUES (30000, 4000001, 1, 1)";
    for (name, table, insert) in [
        ("row", "civicrm_contribution_soft", new_row),
        ("orphan", "civicrm_contribution", new_orphan),
    ] {
        let database = &format!("orphans_batch_{name}");
        many_orphans(server, database);
        let before = checksums(server, database);
        let other = Mutex::new(server.writer(database));
        let asked = AtomicUsize::new(0);
        // The rows behind the first 500 are asked for once to count them, and once to change them.
        let proxy = Proxy::start(server.socket(), move |sql| {
            let is_second = sql.contains("LIMIT 500") && sql.contains("> 20499");
            if is_second && asked.fetch_add(1, Ordering::SeqCst) == 1 {
                let mut other = other.lock().expect("no panic");
                let inserted = mysql::prelude::Queryable::query_drop(&mut *other, insert);
                inserted.expect("it comes in");
            }
            Action::Pass
        });
        let folder = tempfile::tempdir().expect("a folder");
        let through = proxy.url(database);
        let mut arguments = vec![REPAIR[0], REPAIR[1], &through, "--format", "json"];
        arguments.extend(["--apply", "--yes", "--orphans", "delete"]);
        arguments.extend(["--export", "e", "--journal", "j"]);
        let done = cividb(folder.path(), &arguments);
        let errors = text(&done.stderr);
        let said = format!("1 row of {table} would be changed that nobody was asked for");
        assert!(errors.contains(&said), "{name}: {errors}");
        assert_eq!(json(&done)["plan"]["rows_deleted"], 0, "{name}: {errors}");
        let written = fs::read_to_string(folder.path().join("j")).expect("the journal");
        assert!(
            written.contains("\"undone\""),
            "{name}: the first batch was not changed"
        );
        let inserted = format!("DELETE FROM {table} WHERE id = 30000");
        server.run(Some(database), &inserted);
        assert_eq!(checksums(server, database), before, "{name}: {errors}");
        server.run(None, &format!("DROP DATABASE `{database}`"));
    }
}

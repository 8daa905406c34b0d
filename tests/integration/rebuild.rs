//! `cividb repair rebuild`: a new database with the structure of the release and the old rows.

use std::path::Path;
use std::process::Output;

use crate::common::{self, cividb, json, text};
use crate::server::{self, Server};

fn rebuild(folder: &Path, from: &str, into: &str, apply: bool) -> Output {
    let mut arguments = vec![
        "repair", "rebuild", from, "--into", into, "--format", "json",
    ];
    if apply {
        arguments.extend(["--apply", "--yes"]);
    }
    cividb(folder, &arguments)
}

/// What `diff` finds that counts.
fn differences(folder: &Path, url: &str) -> Vec<String> {
    let report = json(&cividb(folder, &["diff", url, "--format", "json"]));
    let findings = report["findings"].as_array().into_iter().flatten();
    findings
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| finding["message"].to_string())
        .collect()
}

/// A sound site but for its structure, with tables of its own and values of every kind.
fn worn(server: &Server, database: &str) {
    server.load(database, &common::sample());
    server.run(
        Some(database),
        r#"SET SESSION foreign_key_checks = 0; SET SESSION sql_mode = '';
        ALTER TABLE civicrm_note DROP FOREIGN KEY FK_civicrm_note_contact_id, DROP INDEX index_entity;
        ALTER TABLE civicrm_email DROP FOREIGN KEY FK_civicrm_email_contact_id;
        ALTER TABLE civicrm_email ADD CONSTRAINT other FOREIGN KEY (contact_id)
          REFERENCES civicrm_contact (id) ON DELETE CASCADE;
        ALTER TABLE civicrm_tag ADD COLUMN `extra``'` FLOAT DEFAULT 1.1, ADD INDEX `ex``tra` (`extra``'`);
        ALTER TABLE civicrm_contact DROP COLUMN nick_name;
        DROP TABLE civicrm_subscription_history;
        CREATE TABLE `civicrm_value_own_1` (
          id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, entity_id INT UNSIGNED NOT NULL,
          f FLOAT, d DOUBLE, b VARBINARY(20), bits BIT(5), t TEXT, stamp TIMESTAMP NULL, moment DATETIME,
          made INT AS (entity_id + 1) VIRTUAL,
          CONSTRAINT FK_own FOREIGN KEY (entity_id) REFERENCES civicrm_contact (id) ON DELETE CASCADE
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='the site''s own';
        INSERT INTO civicrm_value_own_1 (id, entity_id, f, d, b, bits, t, stamp, moment)
          VALUES (5, 1, 16777217.123, 0.1, 0x00FF5C27220A, b'10101', 'naïve 😀 \\N "q", ''s''\r\n',
            '2025-10-26 01:30:00', '0000-00-00 00:00:00');
        ALTER TABLE civicrm_value_own_1 AUTO_INCREMENT = 77;
        CREATE TABLE watchdog (wid INT PRIMARY KEY) ENGINE=MyISAM;"#,
    );
    server.run(
        Some(database),
        "CREATE VIEW b_view AS SELECT id FROM civicrm_contact;
         CREATE VIEW a_view AS SELECT id FROM b_view;
         CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM watchdog;
         CREATE PROCEDURE `do``it`(IN a INT) SELECT a;",
    );
}

#[test]
fn a_worn_database_comes_out_as_its_release_with_every_row() {
    for server in server::some() {
        let at = &server.name;
        worn(server, "rebuild_old");
        let (old, new) = (server.url("rebuild_old"), server.url("rebuild_new"));
        let folder = tempfile::tempdir().expect("a folder");
        assert_ne!(differences(folder.path(), &old).len(), 0, "{at}");

        let plan = json(&rebuild(folder.path(), &old, &new, false));
        assert_eq!(plan["rebuild"]["applied"], false, "{at}");
        assert_eq!(
            server.run(None, "SHOW DATABASES LIKE 'rebuild_new'"),
            "",
            "{at}"
        );

        let made = rebuild(folder.path(), &old, &new, true);
        let report = json(&made)["rebuild"].clone();
        assert_eq!(
            made.status.code(),
            Some(0),
            "{at}: {} {report}",
            text(&made.stderr)
        );
        assert_eq!(report["whole"], true, "{at}: {report}");
        assert_eq!(report["other_definer"], serde_json::json!([]), "{at}");
        assert_eq!(differences(folder.path(), &new), [""; 0], "{at}");

        let count = |database: &str, table: &str| {
            let sql = format!("SELECT COUNT(*) FROM {table}");
            server.run(Some(database), &sql)
        };
        for table in [
            "civicrm_contact",
            "civicrm_email",
            "civicrm_value_own_1",
            "a_view",
        ] {
            let there = count("rebuild_new", table);
            assert_eq!(there, count("rebuild_old", table), "{at}: {table}");
        }
        let values =
            "SELECT id, entity_id, f + 0e0, d, HEX(b), bits + 0, HEX(t), stamp, moment, made
            FROM civicrm_value_own_1";
        let there = server.run(Some("rebuild_new"), values);
        assert_eq!(there, server.run(Some("rebuild_old"), values), "{at}");
        for facts in [
            "SELECT TRIGGER_NAME, ACTION_STATEMENT, DEFINER, SQL_MODE FROM information_schema.TRIGGERS
             WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1",
            "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, DEFINER, SQL_MODE FROM information_schema.ROUTINES
             WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1",
            "SELECT EVENT_NAME, EVENT_DEFINITION, STATUS FROM information_schema.EVENTS
             WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1",
        ] {
            let there = server.run(Some("rebuild_new"), facts);
            assert_eq!(there, server.run(Some("rebuild_old"), facts), "{at}");
            assert_ne!(there, "", "{at}: {facts}");
        }
        let insert = "INSERT INTO civicrm_value_own_1 (entity_id) VALUES (1);
            SELECT MAX(id) FROM civicrm_value_own_1";
        assert_eq!(
            server.run(Some("rebuild_new"), insert),
            "77\n",
            "{at}: the next number"
        );

        // It is not empty any more.
        let again = rebuild(folder.path(), &old, &new, true);
        assert_eq!(again.status.code(), Some(2), "{at}");
        assert!(
            text(&again.stderr).contains("it is not empty"),
            "{at}: {}",
            text(&again.stderr)
        );
        server.run(None, "DROP DATABASE rebuild_old; DROP DATABASE rebuild_new");
    }
}

#[test]
fn orphans_are_refused_before_anything_is_made_and_rows_that_the_release_does_not_take_are_named() {
    for server in server::some() {
        let at = &server.name;
        let database = "rebuild_bad";
        server.load(database, &common::sample());
        server.run(
            Some(database),
            "SET SESSION foreign_key_checks = 0; SET SESSION sql_mode = '';
             ALTER TABLE civicrm_note DROP FOREIGN KEY FK_civicrm_note_contact_id;
             INSERT INTO civicrm_note (id, entity_table, entity_id, contact_id)
               VALUES (9001, 'civicrm_contact', 1, 4000000);
             ALTER TABLE civicrm_tag MODIFY label VARCHAR(64) NULL, DROP INDEX UI_name;
             INSERT INTO civicrm_tag (id, name, label) VALUES (9001, 'twice', 'a'), (9002, 'twice', 'b'), (9003, 'none', NULL);",
        );
        let folder = tempfile::tempdir().expect("a folder");
        let new = server.url("rebuild_bad_new");
        let refused = rebuild(folder.path(), &server.url(database), &new, true);
        let errors = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{at}: {errors}");
        assert!(
            errors.contains("1 row of civicrm_note has lost its parent in civicrm_contact: id 9001 (contact_id 4000000)"),
            "{at}: {errors}"
        );
        let there = server.run(None, "SHOW DATABASES LIKE 'rebuild_bad_new'");
        assert_eq!(there, "", "{at}: nothing was made");
        server.run(Some(database), "DELETE FROM civicrm_note WHERE id = 9001");
        let made = rebuild(folder.path(), &server.url(database), &new, true);
        let report = json(&made)["rebuild"].clone();
        assert_eq!(made.status.code(), Some(1), "{at}: {}", text(&made.stderr));
        assert_eq!(report["whole"], false, "{at}");
        let table = |name: &str| {
            let tables = report["tables"].as_array().into_iter().flatten();
            tables
                .clone()
                .find(|table| table["table"] == name)
                .cloned()
                .expect("it is there")
        };
        let tags = table("civicrm_tag");
        assert_eq!(tags["left_out"], 1, "{at}: {tags}");
        assert!(
            tags["sample"][0].to_string().contains("id 9002: "),
            "{at}: {tags}"
        );
        assert_eq!(tags["altered"], 1, "{at}: {tags}");
        let orphans = report["orphans"].as_array().cloned().unwrap_or_default();
        assert_eq!(orphans.len(), 0, "{at}: {orphans:?}");
        server.run(
            None,
            &format!("DROP DATABASE {database}; DROP DATABASE rebuild_bad_new"),
        );
    }
}

/// All dumps, as they are, from one server to itself; from MariaDB to MySQL with the others.
#[test]
fn real_databases_are_rebuilt_whole() {
    let servers = server::all();
    let Some(first) = servers.first() else {
        return;
    };
    let all = common::everything();
    for path in common::real_dumps() {
        let name = common::name(&path);
        if !all && !name.starts_with("4.2.16") {
            continue;
        }
        let safe = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let database = format!("rebuild_{safe}");
        first.load(&database, &common::text_of(&path));
        let folder = tempfile::tempdir().expect("a folder");
        let old = first.url(&database);
        for target in &servers {
            if !all && target.name != first.name && !target.is_mysql() {
                continue;
            }
            let at = format!("{name} to {}", target.name);
            let new = target.url("rebuild_target");
            let made = rebuild(folder.path(), &old, &new, true);
            let report = json(&made)["rebuild"].clone();
            let errors = text(&made.stderr);
            assert!(made.status.code() < Some(2), "{at}: {errors}");
            // The release may ask for values where upgraded rows have NULL; each is named.
            let tables = report["tables"].as_array().into_iter().flatten();
            for table in tables.filter(|table| table["altered"] == 0) {
                assert_eq!(table["rows"], table["copied"], "{at}: {table}");
                assert!(
                    table["same_values"] == true || table["new"] == true,
                    "{at}: {table}"
                );
            }
            assert_eq!(report["failed"], serde_json::json!([]), "{at}");
            assert!(!errors.contains("panicked"), "{at}");
            let left = differences(folder.path(), &new);
            assert_eq!(left, [""; 0], "{at}");
            target.run(None, "DROP DATABASE rebuild_target");
        }
        first.run(None, &format!("DROP DATABASE `{database}`"));
    }
}

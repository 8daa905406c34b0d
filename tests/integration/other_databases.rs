//! Objects that name another database than the dump's own.

use cividb::checks::{self, Severity};

use crate::common::{self, cividb};
use crate::server;

/// The messages of one check in the sample, after a change.
fn found(check: &str, change: (&str, &str)) -> Vec<(Severity, String)> {
    let text = common::sample();
    let changed = common::replaced(&text, change.0, change.1);
    assert_ne!(changed, text, "{}", change.0);
    let case = common::case(common::snapshot_of(&changed));
    let list = common::findings(&case, checks::VERIFY).list;
    let mine = list.into_iter().filter(|finding| finding.check.id == check);
    mine.map(|finding| (finding.severity, finding.message))
        .collect()
}

/// The last line of the sample that mysqldump writes.
const END: &str = "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;";

fn at_end(sql: &str) -> String {
    format!("{sql}\n{END}")
}

#[test]
fn a_use_of_another_database_is_named_with_its_object() {
    for (sql, expected) in [
        (
            "CREATE TRIGGER civicrm_tag_after_insert AFTER INSERT ON civicrm_tag FOR EACH ROW INSERT INTO \
             `civicrm_logs`.log_civicrm_tag (id) VALUES (NEW.id);",
            "trigger civicrm_tag_after_insert uses table log_civicrm_tag of the database civicrm_logs, which is not in",
        ),
        (
            "CREATE VIEW v AS SELECT `users`.`name` AS `name` FROM `drupal`.`users`;",
            "view v uses table users of the database drupal, which is not in",
        ),
        (
            "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN other.g();",
            "function f uses function g of the database other, which is not in",
        ),
        (
            "ALTER TABLE civicrm_tag ADD CONSTRAINT fk FOREIGN KEY (created_id) REFERENCES drupal.users (uid);",
            "foreign key fk of civicrm_tag uses table users of the database drupal, which is not in",
        ),
        (
            "INSERT INTO `elsewhere`.`t` VALUES (1),(2);\nINSERT INTO elsewhere.t SET id = 3;",
            "table t goes into elsewhere wherever the dump is restored",
        ),
    ] {
        let found = found("restore-other-database", (END, &at_end(sql)));
        assert!(
            matches!(&found[..], [(Severity::Warning, one)] if one.starts_with(expected)),
            "{sql}: {found:#?}"
        );
    }
    // What every server has is not another database.
    let sql = "CREATE VIEW v AS SELECT 1 AS one FROM information_schema.TABLES;";
    assert!(found("restore-other-database", (END, &at_end(sql))).is_empty());
}

#[test]
fn a_trigger_with_its_database_is_counted_and_warned_of() {
    for (old, new) in [
        (
            "TRIGGER civicrm_email_after_insert after insert ON civicrm_email",
            "TRIGGER `civicrm`.`civicrm_email_after_insert` AFTER INSERT ON `civicrm`.`civicrm_email`",
        ),
        (
            "TRIGGER civicrm_email_after_insert after insert ON civicrm_email",
            "TRIGGER old_site.civicrm_email_after_insert after insert ON old_site.civicrm_email",
        ),
        (
            "TRIGGER civicrm_email_after_insert after insert ON civicrm_email",
            "TRIGGER civicrm_email_after_insert after insert ON old_site.civicrm_email",
        ),
    ] {
        let warned = found("restore-other-database", (old, new));
        assert!(
            warned
                .iter()
                .any(|(_, one)| one.starts_with("trigger civicrm_email_after_insert goes into ")),
            "{new}: {warned:#?}"
        );
        assert!(found("trigger-missing", (old, new)).is_empty(), "{new}");
    }
}

#[test]
fn altering_a_database_by_name_is_warned_of() {
    let found = |sql: &str| found("restore-other-database", (END, &at_end(sql)));
    let named = found("ALTER DATABASE `civicrm` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;");
    assert!(
        matches!(&named[..], [(Severity::Warning, one)] if one.starts_with("ALTER DATABASE civicrm goes into civicrm")),
        "{named:#?}"
    );
    assert!(found("ALTER DATABASE CHARACTER SET utf8mb4;").is_empty());
    assert!(
        found("USE `civicrm`;\nALTER DATABASE `civicrm` CHARACTER SET utf8mb4;")
            .iter()
            .all(|(_, one)| !one.starts_with("ALTER"))
    );
}

#[test]
fn a_trigger_into_a_database_that_is_not_on_the_server_is_an_error() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "other_databases";
    server.load(database, &common::sample());
    server.run(
        None,
        "DROP DATABASE IF EXISTS other_logs; CREATE DATABASE other_logs; CREATE TABLE other_logs.log_civicrm_tag (id int);",
    );
    server.run(
        Some(database),
        "CREATE TRIGGER own_tag AFTER INSERT ON civicrm_tag FOR EACH ROW INSERT INTO other_logs.log_civicrm_tag VALUES (NEW.id);",
    );
    let broken = || {
        let url = server.url(database);
        let arguments = [
            "check",
            "--no-rows",
            "--only",
            "reference-broken",
            "--format",
            "json",
            &url,
        ];
        let report = common::json(&cividb(std::path::Path::new("."), &arguments));
        let findings = report["findings"].as_array().expect("a list").clone();
        findings
            .iter()
            .filter_map(|finding| finding["message"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(broken(), [""; 0]);
    // Names of tables are compared exactly; a foreign key refuses new rows without its parent table.
    server.run(
        Some(database),
        "CREATE TABLE other_logs.users (uid int unsigned PRIMARY KEY);
         ALTER TABLE civicrm_uf_match ADD CONSTRAINT own_uf FOREIGN KEY (id) REFERENCES other_logs.users (uid);",
    );
    assert_eq!(broken(), [""; 0]);
    server.run(
        None,
        "SET foreign_key_checks = 0; DROP TABLE other_logs.users;",
    );
    let lost = broken();
    assert!(
        matches!(&lost[..], [one] if one.starts_with("foreign key own_uf of civicrm_uf_match uses table users of the database other_logs")),
        "{lost:#?}"
    );
    server.run(
        Some(database),
        "ALTER TABLE civicrm_uf_match DROP FOREIGN KEY own_uf;
         RENAME TABLE other_logs.log_civicrm_tag TO other_logs.log_civicrm_Tag;",
    );
    assert_eq!(broken().len(), 1);
    server.run(
        None,
        "RENAME TABLE other_logs.log_civicrm_Tag TO other_logs.log_civicrm_tag;",
    );
    for (sql, state) in [
        (
            "DROP TABLE other_logs.log_civicrm_tag",
            "the table or routine",
        ),
        ("DROP DATABASE other_logs", "the database"),
    ] {
        // One table more, so that the database is seen without the one that is used.
        server.run(
            None,
            &format!("CREATE TABLE IF NOT EXISTS other_logs.more (id int); {sql};"),
        );
        let broken = broken();
        let expected = format!(
            "trigger own_tag uses table log_civicrm_tag of the database other_logs, and {state} is not"
        );
        assert!(
            matches!(&broken[..], [one] if one.starts_with(&expected)),
            "{broken:#?}"
        );
    }
}

//! What to do about a finding fits what is known: of the site, of the dump, of what was looked at.

use std::path::Path;

use serde_json::Value;

use crate::common::{self, cividb};
use crate::server;

/// The sample with these texts in place of others, written to a file of this name.
fn written(folder: &Path, name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = common::sample();
    for (old, new) in changes {
        let changed = common::replaced(&text, old, new);
        assert_ne!(changed, text, "{old}");
        text = changed;
    }
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the dump is written");
    path.to_str().expect("text").to_owned()
}

fn fixes(report: &Value, check: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list").iter();
    let mine = findings.filter(|finding| finding["check"] == check);
    mine.filter_map(|finding| finding["fix"].as_str().map(str::to_owned))
        .collect()
}

const FUNCTION: (&str, &str) = ("FUNCTION `civicrm_strip_non_numeric`(", "FUNCTION `other`(");
const TABLE: (&str, &str) = (
    "CREATE TABLE `civicrm_worldregion` (",
    "CREATE TABLE `other` (",
);

#[test]
fn a_backup_is_not_made_again_for_what_the_site_itself_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let whole = written(folder, "whole.sql", &[]);
    let lacking = written(folder, "lacking.sql", &[FUNCTION, TABLE]);
    let report = |site: &str| {
        let arguments = ["verify", "--format", "json", &lacking, "--against", site];
        common::json(&cividb(folder, &arguments))
    };
    for check in ["routine-missing", "table-missing"] {
        for fix in fixes(&report(&lacking), check) {
            assert!(
                fix.contains("lacking.sql lacks it as well"),
                "{check}: {fix}"
            );
        }
        for fix in fixes(&report(&whole), check) {
            assert!(!fix.contains("lacks it as well"), "{check}: {fix}");
        }
        assert!(!fixes(&report(&whole), check).is_empty(), "{check}");
    }
}

/// `cv flush --triggers` and the page make triggers again, but no view.
#[test]
fn views_are_made_again_by_another_command_than_triggers() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let stand_in =
        "/*!50001 CREATE VIEW `civicrm_country_en_US` AS SELECT 1 AS `id` */;\n-- Dump completed";
    let trigger = "TRIGGER civicrm_activity_before_insert before";
    let other = "TRIGGER other before";
    let dump = written(
        folder,
        "dump.sql",
        &[("-- Dump completed", stand_in), (trigger, other)],
    );
    let report = common::json(&cividb(folder, &["verify", "--format", "json", &dump]));
    for (check, is_by_api) in [("view-missing", true), ("trigger-missing", false)] {
        let fixes = fixes(&report, check);
        assert_eq!(fixes.len(), 1, "{check}: {fixes:?}");
        let by_api = fixes[0].contains("cv api System.rebuildmultilingualschema");
        let by_flush = fixes[0].contains("cv flush --triggers");
        assert_eq!((by_api, by_flush), (is_by_api, !is_by_api), "{fixes:?}");
    }
}

#[test]
fn a_dump_with_other_routines_was_made_with_routines() {
    let folder = tempfile::tempdir().expect("a folder");
    let lacking = written(folder.path(), "lacking.sql", &[FUNCTION]);
    let report = common::json(&cividb(
        folder.path(),
        &["verify", "--format", "json", &lacking],
    ));
    let fixes = fixes(&report, "routine-missing");
    assert!(
        fixes
            .iter()
            .all(|fix| fix.starts_with("The dump has other routines, so --routines was given")),
        "{fixes:#?}"
    );
    assert!(!fixes.is_empty());
}

#[test]
fn what_a_cut_dump_lacks_of_its_site_is_not_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let whole = written(folder, "whole.sql", &[]);
    let text = common::sample();
    let cut = folder.join("cut.sql");
    std::fs::write(&cut, &text[..text.len() / 2]).expect("the dump is written");
    let cut = cut.to_str().expect("text");
    let arguments = ["verify", "--format", "json", cut, "--against", &whole];
    let report = common::json(&cividb(folder, &arguments));
    for check in [
        "table-missing",
        "trigger-missing",
        "routine-missing",
        "rows-differ",
    ] {
        assert_eq!(fixes(&report, check), [""; 0], "{check}");
    }
    assert!(!fixes(&report, "dump-truncated").is_empty());
}

#[test]
fn repair_lists_what_it_cannot_repair_with_what_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let dump = written(
        folder,
        "lost.sql",
        &[TABLE, ("  `hold_date` datetime DEFAULT NULL,\n", "")],
    );
    let output = cividb(folder, &["repair", "all", &dump]);
    let shown = common::text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for line in [
        "-- NOT PLANNED: table civicrm_worldregion: it is missing, and its rows with it: restore it from a backup",
        "-- NOT PLANNED: hold_date of civicrm_email: the column is missing, and its values with it: restore the table",
        "-- Nothing that repair can change.",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    // A whole one is still fine.
    let whole = written(folder, "whole.sql", &[]);
    let output = cividb(folder, &["repair", "all", &whole]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        common::text(&output.stdout)
    );
}

#[test]
fn a_lost_key_of_custom_data_is_offered_and_made_and_taken_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "advice_custom";
    server.load(database, &common::sample());
    let key = "FK_civicrm_value_volunteering_1_entity_id";
    server.run(
        Some(database),
        &format!("ALTER TABLE civicrm_value_volunteering_1 DROP FOREIGN KEY {key}"),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url(database);
    let output = cividb(
        folder.path(),
        &[
            "repair",
            "foreign-keys",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
        ],
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        common::text(&output.stderr)
    );
    let count = || {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = '{database}' \
             AND CONSTRAINT_NAME = '{key}' AND DELETE_RULE = 'CASCADE'"
        );
        server.run(None, &sql).trim().to_owned()
    };
    assert_eq!(count(), "1");
    let output = cividb(folder.path(), &["undo", "j", &url, "--apply", "--yes"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        common::text(&output.stderr)
    );
    assert_eq!(count(), "0");
}

#[test]
fn a_unique_key_over_equal_rows_is_planned_with_the_rows_and_nothing_is_said_to_be_done() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "advice_equal";
    server.load(database, &common::sample());
    server.run(
        Some(database),
        "DROP TRIGGER civicrm_value_volunteering_1_after_insert; SET foreign_key_checks = 0; ALTER TABLE civicrm_value_volunteering_1 DROP INDEX unique_entity_id, ADD INDEX \
         x (entity_id); INSERT INTO civicrm_value_volunteering_1 (id, entity_id) VALUES (901, 1), (902, 1), (903, 2);",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url(database);
    let shown = common::text(&cividb(folder.path(), &["repair", "indexes", &url]).stdout);
    let fails = "-- FAILS: 2 sets of rows of civicrm_value_volunteering_1 are equal in entity_id, so the unique index \
                 unique_entity_id cannot be made (error 1062): id 1, 901, 902; id 2, 903;";
    assert!(shown.contains(fails), "{shown}");
    let output = cividb(
        folder.path(),
        &[
            "repair",
            "indexes",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
        ],
    );
    let shown = common::text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(
        shown.contains("nothing was changed") && !shown.contains("takes it back"),
        "{shown}"
    );
}

#[test]
fn what_fails_is_said_above_the_statement_that_fails_alone() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "advice_two_steps";
    server.load(database, &common::sample());
    server.run(
        Some(database),
        "SET foreign_key_checks = 0; ALTER TABLE civicrm_dedupe_exception DROP FOREIGN KEY FK_civicrm_dedupe_exception_contact_id1, \
         DROP INDEX UI_contact_id1_contact_id2; INSERT INTO civicrm_dedupe_exception (contact_id1, contact_id2) \
         VALUES (1, 2), (1, 2);",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url(database);
    let shown = common::text(&cividb(folder.path(), &["repair", "all", &url]).stdout);
    let lines: Vec<&str> = shown.lines().collect();
    let said: Vec<&str> = lines
        .windows(3)
        .filter(|three| three[0].starts_with("-- FAILS: ") && three[0].contains("equal in"))
        .map(|three| three[2])
        .collect();
    assert!(
        shown.contains("ADD CONSTRAINT `FK_civicrm_dedupe_exception_contact_id1`"),
        "{shown}"
    );
    assert_eq!(said.len(), 1, "{shown}");
    assert!(said[0].contains("UI_contact_id1_contact_id2"), "{shown}");
}

#[test]
fn check_takes_a_target() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let dump = written(folder, "whole.sql", &[]);
    let report = common::json(&cividb(
        folder,
        &["check", "--format", "json", "--target", "6.4.1", &dump],
    ));
    assert_eq!(report["command"], "check");
    let output = cividb(folder, &["check", "--target", "9.9.9", &dump]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        common::text(&output.stderr)
    );
    let output = cividb(folder, &["check", "--target", "5.13.5", &dump]);
    assert_eq!(output.status.code(), Some(2), "back to an older release");
    // NULLs that a step of the upgrade fills are no warning, those of one that does not are.
    let Some(server) = server::installed() else {
        return;
    };
    let database = "advice_target";
    server.load(database, &common::sample());
    server.run(
        None,
        &format!(
            "DROP USER IF EXISTS reader@localhost; CREATE USER reader@localhost IDENTIFIED BY 'Zz9-zz9z-test';
             GRANT SELECT ON {database}.* TO reader@localhost;"
        ),
    );
    let url = server
        .url(database)
        .replace("root@", "reader:Zz9-zz9z-test@");
    let report = |target: &[&str]| {
        let arguments = [&["check", "--format", "json", "--no-rows", &url], target].concat();
        common::json(&cividb(folder, &arguments))
    };
    assert!(fixes(&report(&[]), "grant-missing").is_empty());
    assert!(!fixes(&report(&["--target", "6.4.1"]), "grant-missing").is_empty());
}

#[test]
fn privileges_on_single_columns_are_enough_for_what_they_cover() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "advice_columns";
    server.load(database, &common::sample());
    let url = server
        .url(database)
        .replace("root@", "columns:Zz9-zz9z-test@");
    let folder = tempfile::tempdir().expect("a folder");
    let version = |columns: &str| {
        server.run(
            None,
            &format!(
                "DROP USER IF EXISTS columns@localhost; CREATE USER columns@localhost IDENTIFIED BY 'Zz9-zz9z-test';
                 GRANT SELECT ({columns}) ON {database}.civicrm_domain TO columns@localhost;"
            ),
        );
        common::text(&cividb(folder.path(), &["version", &url]).stdout)
    };
    for columns in ["id, version", "version", "id, name, version, locales"] {
        let report = version(columns);
        assert!(report.contains("stored   '5.81.2'"), "{columns}: {report}");
    }
    let report = version("id, name");
    assert!(!report.contains("stored"), "{report}");
}

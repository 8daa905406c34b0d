//! What single statements of a dump tell.

use cividb::checks::Severity;
use cividb::civicrm::site::Site;

use crate::common::{self, ids, snapshot_of, verify};

/// A whole dump by mysqldump around the given statements.
fn dump(statements: &str) -> Vec<u8> {
    format!(
        "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n-- Host: localhost    Database: civi\n\
         -- Server version\t5.7.37\n/*!40101 SET NAMES utf8mb4 */;\nSET FOREIGN_KEY_CHECKS=0;\n{statements}\n\
         -- Dump completed on 2026-11-22 17:00:00\n"
    )
    .into_bytes()
}

fn errors(statements: &str) -> Vec<String> {
    errors_of(&dump(statements))
}

/// The errors of a dump of a few tables, but for its not being one of all of CiviCRM.
fn errors_of(dump: &[u8]) -> Vec<String> {
    let mut findings = verify(dump);
    findings.list.retain(|finding| {
        finding.check.id != "dump-no-civicrm"
            && !finding.message.ends_with("every release of CiviCRM has it")
    });
    ids(&findings, Severity::Error)
}

const NO_ERRORS: [&str; 0] = [];

#[test]
fn the_same_insert_after_use_goes_into_the_other_database() {
    let snapshot = snapshot_of(
        b"USE `a`;\nCREATE TABLE `civicrm_x` (`id` int);\nINSERT INTO `civicrm_x` VALUES (1);\n\
          INSERT INTO `t` VALUES (1);\nUSE `b`;\nINSERT INTO `t` VALUES (1),(2);\n",
    );
    assert_eq!(snapshot.database.as_deref(), Some("a"));
    assert_eq!(snapshot.row_counts.get("t"), Some(&1));
}

#[test]
fn domain_rows_are_read_by_column_name_whatever_the_order() {
    let snapshot = snapshot_of(&dump(
        "CREATE TABLE `civicrm_domain` (`version` varchar(32), `id` int, `locales` text);\n\
         INSERT INTO `civicrm_domain` (`id`,`locales`,`version`) VALUES (2,'\u{1}en_US\u{1}',NULL);\n\
         INSERT INTO `civicrm_domain` VALUES ('5.81.2',1,NULL);",
    ));
    let site = Site::of(&snapshot, common::catalogue()).expect("a site");
    let domains = site.domains.expect("rows");
    assert_eq!(domains.len(), 2);
    assert_eq!(
        (domains[0].id, domains[0].version.as_deref()),
        (Some(2), None)
    );
    assert_eq!(domains[0].locales, ["en_US"]);
    assert_eq!(domains[1].version.as_deref(), Some("5.81.2"));
}

#[test]
fn a_table_written_to_but_never_made_is_missing() {
    assert_eq!(
        errors(
            "CREATE TABLE `a` (`id` int);\nINSERT INTO `b` VALUES (1);\nINSERT INTO `a` VALUES (1);"
        ),
        ["table-missing b"]
    );
}

#[test]
fn a_parent_table_that_is_not_there_is_missing() {
    assert_eq!(
        errors(
            "CREATE TABLE `a` (`id` int, KEY (`id`), CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `p` (`id`));\nINSERT INTO `a` VALUES (1);"
        ),
        ["table-missing p"]
    );
}

#[test]
fn a_trigger_that_names_a_lost_log_table_is_broken() {
    // Reported with mosaico and in core as error 1146 on every write.
    let found = errors(
        "CREATE TABLE `a` (`id` int);\nINSERT INTO `a` VALUES (1);\nDELIMITER ;;\n\
         CREATE TRIGGER `a_after_insert` AFTER INSERT ON `a` FOR EACH ROW BEGIN\n\
         INSERT INTO `log_a` (`id`, `log_date`) VALUES (NEW.id, NOW()); END ;;\nDELIMITER ;",
    );
    assert_eq!(found, ["reference-broken a_after_insert"]);
}

#[test]
fn a_trigger_that_names_a_column_of_a_newer_release_is_broken() {
    let found = errors(
        "CREATE TABLE `a` (`id` int);\nINSERT INTO `a` VALUES (1);\n\
         CREATE TRIGGER `a_bi` BEFORE INSERT ON `a` FOR EACH ROW SET NEW.created_date = NOW();",
    );
    assert_eq!(found, ["reference-broken a_bi"]);
}

#[test]
fn an_upgrade_under_way_explains_missing_triggers() {
    let dump = dump(
        "CREATE TABLE `civicrm_domain` (`id` int AUTO_INCREMENT PRIMARY KEY, `version` varchar(32));\n\
         CREATE TABLE `civicrm_contact` (`id` int AUTO_INCREMENT PRIMARY KEY);\n\
         INSERT INTO `civicrm_domain` VALUES (1,'5.47.alpha1.upgrade');",
    );
    assert_eq!(errors_of(&dump), NO_ERRORS);
    let findings = verify(&dump);
    let mut skipped = findings.not_checked.iter();
    let skipped = skipped.find(|skipped| skipped.check == "trigger-missing");
    let skipped = skipped.expect("it is said");
    assert!(skipped.why.contains("5.47.alpha1.upgrade"));
}

#[test]
fn logging_asks_for_a_trigger_on_every_logged_table() {
    let found = errors(
        "CREATE TABLE `civicrm_domain` (`id` int AUTO_INCREMENT PRIMARY KEY, `version` varchar(32));\n\
         CREATE TABLE `civicrm_note` (`id` int AUTO_INCREMENT PRIMARY KEY);\n\
         CREATE TABLE `log_civicrm_note` (`id` int, `log_date` timestamp);\n\
         CREATE TABLE `civicrm_setting` (`name` varchar(255), `value` text);\n\
         INSERT INTO `civicrm_domain` VALUES (1,'4.2.16');\n\
         INSERT INTO `civicrm_setting` VALUES ('logging','s:1:\\\"1\\\";');",
    );
    assert_eq!(
        found,
        [
            "trigger-missing civicrm_note_after_insert",
            "trigger-missing civicrm_note_after_update",
            "trigger-missing civicrm_note_after_delete"
        ]
    );
}

#[test]
fn a_second_dump_in_the_file_that_stops_early_is_noticed() {
    let first = dump("CREATE TABLE `a` (`id` int);\nINSERT INTO `a` VALUES (1);");
    let second = dump("CREATE TABLE `b` (`id` int);");
    let without_last_line = |dump: &[u8]| dump[..dump.len() - 41].to_vec();
    let both = [&first[..], &without_last_line(&second)].concat();
    assert_eq!(errors_of(&both), ["dump-truncated"]);
    let other_way = [&without_last_line(&first)[..], b"\n", &second].concat();
    assert_eq!(errors_of(&other_way), ["dump-truncated"]);
    let in_a_statement = [&first[..first.len() - 60], b"\n", &second].concat();
    let found = errors_of(&in_a_statement);
    assert!(found.contains(&"dump-truncated".to_owned()), "{found:?}");
    let whole = [&first[..], &second[..]].concat();
    assert_eq!(errors_of(&whole), NO_ERRORS);
}

#[test]
fn crlf_line_ends_and_a_byte_order_mark_change_nothing() {
    let unix = String::from_utf8(dump(
        "CREATE TABLE `a` (`id` int);\nINSERT INTO `a` VALUES (1),\n(2);",
    ))
    .expect("text");
    let windows = unix.replace('\n', "\r\n");
    assert_eq!(errors_of(windows.as_bytes()), NO_ERRORS);
    assert_eq!(
        snapshot_of(windows.as_bytes()).row_counts.get("a"),
        Some(&2)
    );
}

#[test]
fn a_view_of_which_only_the_stand_in_is_there_is_missing() {
    let found = errors(
        "CREATE TABLE `a` (`id` int);\nINSERT INTO `a` VALUES (1);\n\
         /*!50001 CREATE TABLE `v` (\n  `id` tinyint NOT NULL\n) ENGINE=MyISAM */;\n\
         /*!50001 CREATE VIEW `w` AS SELECT\n 1 AS `id`*/;\n\
         /*!50001 CREATE VIEW `x` AS SELECT\n NULL AS `id`*/;",
    );
    assert_eq!(
        found,
        ["view-missing v", "view-missing w", "view-missing x"]
    );
}

//! Five nights of a database administrator, each with all that is read in it.

use std::fs;

use crate::common::{self, replaced, transcript};
use crate::server::{self, Server};

/// The backup of a site whose definer is root, so that it works on every server.
fn backup() -> Vec<u8> {
    replaced(
        &common::sample(),
        "`civicrm`@`localhost`",
        "`root`@`localhost`",
    )
}

/// A site made from a backup, with a script run on it.
fn site(server: &Server, database: &str, script: &str) {
    server.run(None, &format!("DROP DATABASE IF EXISTS {database}"));
    server.load(database, &backup());
    let charset =
        format!("ALTER DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;");
    server.run(Some(database), &(charset + script));
}

/// The statement of the sample that makes its function, taken out of a dump.
fn without_function(dump: &[u8]) -> Vec<u8> {
    let start =
        memchr::memmem::find(dump, b"FUNCTION `civicrm_strip_non_numeric`").expect("it is there");
    let start = memchr::memmem::rfind(&dump[..start], b"CREATE").expect("its statement");
    let length = memchr::memmem::find(&dump[start..], b";;").expect("its end");
    [&dump[..start], &dump[start + length..]].concat()
}

#[test]
fn the_backup_before_an_upgrade() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "night_backup";
    site(server, database, "");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("whole.sql"), backup()).expect("written");
    fs::write(
        folder.path().join("tonight.sql"),
        without_function(&backup()),
    )
    .expect("written");
    let commands = [
        "verify tonight.sql --against SERVER",
        "verify whole.sql --against SERVER",
        "grants SERVER --target 6.4.1",
        "check SERVER --target 6.4.1",
    ];
    insta::assert_snapshot!(transcript(
        folder.path(),
        &commands,
        &server.places(database)
    ));
}

#[test]
fn database_check_failed_after_an_upgrade_that_stopped() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "night_stopped";
    let script = "UPDATE civicrm_domain SET version = '5.82.alpha1.upgrade'; \
                  DROP TRIGGER civicrm_phone_before_insert; \
                  ALTER TABLE civicrm_address DROP FOREIGN KEY FK_civicrm_address_county_id, \
                  ADD CONSTRAINT civicrm_address_ibfk_3 FOREIGN KEY (county_id) REFERENCES civicrm_county (id) \
                  ON DELETE SET NULL";
    site(server, database, script);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("before.sql"), backup()).expect("written");
    let commands = [
        "version SERVER",
        "check SERVER",
        "diff SERVER --against before.sql",
        "version SERVER --fix --apply --yes",
        "repair fk-names SERVER --apply --yes",
    ];
    insta::assert_snapshot!(transcript(
        folder.path(),
        &commands,
        &server.places(database)
    ));
}

#[test]
fn version_information_missing() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "night_version";
    site(server, database, "UPDATE civicrm_domain SET version = NULL");
    let folder = tempfile::tempdir().expect("a folder");
    let commands = [
        "version SERVER",
        "version SERVER --fix",
        "version SERVER --fix --apply --yes",
        "version SERVER",
        "undo --list",
    ];
    insta::assert_snapshot!(transcript(
        folder.path(),
        &commands,
        &server.places(database)
    ));
}

#[test]
fn misnamed_and_lost_keys_with_orphans() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "night_keys";
    let script = "SET foreign_key_checks = 0; \
                  ALTER TABLE civicrm_email DROP FOREIGN KEY FK_civicrm_email_contact_id; \
                  UPDATE civicrm_email SET contact_id = 999 WHERE id IN (2, 3); \
                  ALTER TABLE civicrm_address DROP FOREIGN KEY FK_civicrm_address_county_id, \
                  ADD CONSTRAINT civicrm_address_ibfk_3 FOREIGN KEY (county_id) REFERENCES civicrm_county (id) \
                  ON DELETE SET NULL";
    site(server, database, script);
    let folder = tempfile::tempdir().expect("a folder");
    let commands = [
        "orphans SERVER --export rows",
        "repair all SERVER --orphans delete --export kept",
        "repair all SERVER --orphans delete --export kept --apply --yes --journal keys.journal",
        "check SERVER",
        "undo keys.journal SERVER --apply --yes",
    ];
    insta::assert_snapshot!(transcript(
        folder.path(),
        &commands,
        &server.places(database)
    ));
}

#[test]
fn the_backups_of_many_sites_by_cron() {
    let folder = tempfile::tempdir().expect("a folder");
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).expect("a folder");
    let whole = backup();
    let wordpress = b"-- MySQL dump 10.13  Distrib 8.0.40, for Linux (x86_64)\n\
        CREATE TABLE `wp_posts` (`ID` bigint NOT NULL, PRIMARY KEY (`ID`)) ENGINE=InnoDB;\n\
        INSERT INTO `wp_posts` VALUES (1);\n-- Dump completed on 2026-11-23  0:10:00\n";
    for (name, content) in [
        ("aid.sql", &whole[..]),
        ("bridge.sql", &without_function(&whole)),
        ("care.sql", &whole[..whole.len() / 2]),
        ("door.sql", wordpress),
        ("empty.sql", b""),
        ("food.sql", b"bash: mysqldump: command not found\n"),
    ] {
        fs::write(backups.join(name), content).expect("written");
    }
    let commands = [
        "verify backups/*.sql backups/gone.sql",
        "verify backups/*.sql --quiet",
        "verify backups/*.sql --format csv",
    ];
    insta::assert_snapshot!(transcript(folder.path(), &commands, &[]));
}

//! What people read: the text of every command on one damaged site, as transcripts.

use crate::common::{self, replaced, transcript};
use crate::server;

/// The sample with a foreign key of another name, one with another rule, an orphan and an old version.
fn damaged() -> Vec<u8> {
    let changes = [
        (
            "`FK_civicrm_address_county_id` FOREIGN KEY",
            "`civicrm_address_ibfk_3` FOREIGN KEY",
        ),
        (
            "REFERENCES `civicrm_acl` (`id`) ON DELETE CASCADE",
            "REFERENCES `civicrm_acl` (`id`)",
        ),
        ("(2,2,2,'sesterpuwen", "(2,999,2,'sesterpuwen"),
        ("Table',NULL,'5.81.2'", "Table',NULL,'5.57.alpha1'"),
    ];
    let changed = |dump: Vec<u8>, (old, new)| replaced(&dump, old, new);
    changes.into_iter().fold(common::sample(), changed)
}

#[test]
fn a_damaged_dump() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("backup.sql"), damaged()).expect("written");
    let commands = [
        "verify backup.sql",
        "version backup.sql",
        "diff backup.sql",
        "diff backup.sql --sql",
        "orphans backup.sql",
        "check backup.sql",
        "repair all backup.sql",
        "check backup.sql --quiet",
    ];
    insta::assert_snapshot!(transcript(folder.path(), &commands, &[]));
}

#[test]
fn an_account_that_may_not_run_the_upgrade() {
    let folder = tempfile::tempdir().expect("a folder");
    let grants = "GRANT USAGE ON *.* TO `civicrm`@`localhost`\n\
                  GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON `civicrm`.* TO `civicrm`@`localhost`\n";
    std::fs::write(folder.path().join("grants.txt"), grants).expect("written");
    let commands = [
        "grants --grants-file grants.txt --target-server mysql-8.4 --target 5.81.2",
        "grants --grants-file grants.txt --target-server mariadb-10.11 --for backup",
    ];
    insta::assert_snapshot!(transcript(folder.path(), &commands, &[]));
}

#[test]
fn a_damaged_site_is_repaired_and_taken_back() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let dump = replaced(&damaged(), "`civicrm`@`localhost`", "`root`@`localhost`");
    server.run(None, "DROP DATABASE IF EXISTS human");
    server.load("human", &dump);
    server.run(
        Some("human"),
        "ALTER DATABASE human CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; \
         ALTER TABLE civicrm_email DROP FOREIGN KEY FK_civicrm_email_contact_id; \
         UPDATE civicrm_domain SET version = NULL",
    );
    let places = server.places("human");
    let commands = [
        "check SERVER",
        "orphans SERVER --export rows",
        "repair all SERVER",
        "repair all SERVER --orphans delete",
        "repair all SERVER --orphans delete --export kept --apply --yes --journal repair.journal",
        "version SERVER --fix",
        "version SERVER --fix --apply --yes --journal version.journal",
        "check SERVER",
        "undo version.journal SERVER",
        "undo repair.journal SERVER",
        "undo version.journal SERVER --apply --yes",
        "undo repair.journal SERVER --apply --yes",
        "grants SERVER",
    ];
    insta::assert_snapshot!(transcript(folder.path(), &commands, &places));
}

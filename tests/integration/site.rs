//! What the database says of the site: on a real server and in its dump alike, and silent on real sites.

use mysql::prelude::Queryable;
use serde_json::Value;

use crate::common;
use crate::server;

const CHECKS: &str = "site-deceased,site-upgrade-queue";

/// The ids and messages that `check` finds of a source.
fn found(source: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [
        "check",
        source,
        "--no-rows",
        "--only",
        CHECKS,
        "--format",
        "json",
    ];
    let report = common::json(&common::cividb(folder.path(), &arguments));
    let findings = report["findings"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .iter()
        .map(|finding| format!("{}: {}", text(&finding["check"]), text(&finding["message"])))
        .collect()
}

#[test]
fn each_fault_of_a_site_is_found_on_a_server_and_in_its_dump() {
    let Some(server) = server::installed() else {
        return;
    };
    server.load("of_site", &common::sample());
    let url = server.url("of_site");
    let mut connection = server.writer("of_site");
    let mut run = |statement: &str| connection.query_drop(statement).expect(statement);
    run("SET SESSION foreign_key_checks = 0, sql_mode = ''");
    let table = "CREATE TABLE IF NOT EXISTS civicrm_membership (id INT UNSIGNED PRIMARY KEY)";
    run(table);
    run("DELETE FROM civicrm_membership_status");
    run(
        "INSERT INTO civicrm_membership_status (id, name, is_active) VALUES (1, 'New', 1), (2, 'Deceased', 1)",
    );
    run("INSERT INTO civicrm_membership (id) VALUES (1)");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dump.sql");
    let dumped = |url: &str| {
        let dump = server
            .program("mysqldump")
            .args(["--no-defaults", "-u", "root", "-S"])
            .arg(server.socket())
            .args(["--routines", "of_site"])
            .output()
            .expect("the dump program runs");
        std::fs::write(&path, dump.stdout).expect("it is written");
        let both = [found(url), found(&path.to_string_lossy())];
        assert_eq!(both[0], both[1]);
        both[0].clone()
    };
    assert_eq!(dumped(&url), [""; 0]);
    let mut run = |statement: &str| connection.query_drop(statement).expect(statement);
    run("UPDATE civicrm_membership_status SET is_active = 0 WHERE id = 2");
    assert_eq!(
        dumped(&url),
        ["site-deceased: the membership status rule Deceased is off, and there are memberships"]
    );
    run("UPDATE civicrm_membership_status SET name = 'Gone', is_active = 1 WHERE id = 2");
    assert_eq!(
        dumped(&url),
        ["site-deceased: no membership status rule is named Deceased, and there are memberships"]
    );
    run("DELETE FROM civicrm_membership");
    assert_eq!(dumped(&url), [""; 0]);
    run(
        "INSERT INTO civicrm_queue_item (queue_name, weight, submit_time, data) VALUES ('CRM_Upgrade', 0, NOW(), 'x'), ('other', 0, NOW(), 'CRM_Upgrade')",
    );
    assert_eq!(
        dumped(&url),
        ["site-upgrade-queue: 1 task of an upgrade is in the queue"]
    );
}

#[test]
fn real_sites_give_no_finding() {
    for path in common::real_dumps() {
        let version = common::name(&path);
        if !common::everything()
            && !["4.2.16", "4.7.31", "5.81.2-small", "6.4.1"]
                .iter()
                .any(|name| version.starts_with(name))
        {
            continue;
        }
        assert_eq!(found(&path.to_string_lossy()), [""; 0], "{version}");
    }
}

//! What could not be looked at is not a PASS: the verdict is `incomplete`, and the exit code 3.

use std::process::{Command, Output};

use mysql::prelude::Queryable;

use crate::{common, server};

fn cividb(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args(["--no-defaults", "--format", "json"])
        .output()
        .expect("cividb runs")
}

fn assert_incomplete(output: &Output, check: &str, at: &str) {
    let report = common::json(output);
    assert_eq!(report["verdict"], "incomplete", "{at}: {report:#}");
    assert_eq!(output.status.code(), Some(3), "{at}");
    let not_checked = report["not_checked"].as_array().expect("a list");
    let is_it =
        |skipped: &serde_json::Value| skipped["check"] == check && skipped["incomplete"] == true;
    assert!(not_checked.iter().any(is_it), "{at}: {report:#}");
}

#[test]
fn an_account_that_sees_two_tables_does_not_get_a_pass() {
    for server in server::all() {
        server.load_sample("incomplete_two", &[]);
        server.run(
            None,
            "ALTER DATABASE incomplete_two CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; \
             CREATE USER IF NOT EXISTS two@localhost IDENTIFIED BY 'two'; \
             GRANT SELECT ON incomplete_two.civicrm_contact TO two@localhost; \
             GRANT SELECT ON incomplete_two.civicrm_domain TO two@localhost",
        );
        let url = server.url("incomplete_two").replace("root@", "two:two@");
        let output = cividb(&["check", &url, "--strict"]);
        assert_incomplete(&output, "table-missing", &server.name);
    }
}

#[test]
fn a_table_that_somebody_has_locked_does_not_get_a_pass() {
    for known in server::some() {
        // A server of its own: whoever flushes tables elsewhere would wait for the lock, and all others for that.
        let server = known.another("incomplete-lock", &[]);
        server.load("incomplete_lock", &common::sample());
        let url = server.url("incomplete_lock");
        assert_eq!(
            cividb(&["orphans", &url]).status.code(),
            Some(0),
            "{}",
            server.name
        );
        let mut holder = server.writer("incomplete_lock");
        let locked = holder.query_drop("LOCK TABLES civicrm_email WRITE");
        locked.expect("root may lock tables");
        let output = cividb(&["orphans", &url, "--connections", "8"]);
        assert_incomplete(&output, "orphan-rows", &server.name);
        drop(holder);
        server.remove();
    }
}

//! What `cividb grants` says of real accounts, against what their servers let them do, and what
//! accounts with too little get to hear.

use std::process::{Command, Output};

use serde_json::Value;

use crate::common;
use crate::server::{self, Server};

const DATABASE: &str = "civi_site";

fn cividb_as(server: &Server, user: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args([
            "--no-defaults",
            "--color",
            "never",
            "--user",
            user,
            "--socket",
        ])
        .arg(server.socket())
        .env("MYSQL_PWD", "test")
        .env_remove("HOME")
        .output()
        .expect("cividb runs")
}

fn json_as(server: &Server, user: &str, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    let output = cividb_as(server, user, &all);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let errors = String::from_utf8_lossy(&output.stderr);
        panic!("{user} on {}: {error}: {errors}", server.name)
    })
}

/// The accounts of `tests/grants/accounts.sql` that exist on a server.
fn accounts(server: &Server) -> Vec<String> {
    let script = include_str!("../grants/accounts.sql");
    if server
        .run(None, &format!("SHOW DATABASES LIKE '{DATABASE}'"))
        .is_empty()
    {
        server.run(None, script);
    }
    // Without it no account of this table could make triggers where a binary log is written.
    server.run(None, "SET GLOBAL log_bin_trust_function_creators = 1");
    let existing = server.run(None, "SELECT User FROM mysql.user WHERE Host = 'localhost'");
    let named = script.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("-- ")?.split_once(": ")?;
        let is_name = name.starts_with('g') && name.as_bytes().get(1)?.is_ascii_digit();
        is_name.then(|| name.to_owned())
    });
    named
        .filter(|name| existing.lines().any(|user| user == name))
        .collect()
}

fn words(value: &Value) -> Vec<String> {
    let words = value.as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().unwrap_or_default().to_owned())
        .collect()
}

/// What the probe was allowed and denied.
fn probed(report: &Value) -> Vec<(String, bool)> {
    let outcomes = report["grants"]["probed"].as_array().into_iter().flatten();
    outcomes
        .filter_map(|outcome| {
            let name = outcome[0].as_str()?.to_owned();
            match outcome[1].as_str()? {
                "allowed" => Some((name, true)),
                other if other.starts_with("denied") => Some((name, false)),
                _ => None,
            }
        })
        .collect()
}

#[test]
fn verdicts_on_real_accounts_are_what_their_servers_do_and_the_printed_grants_mend_them() {
    for server in server::all() {
        let accounts = accounts(server);
        let (mut tried, mut mended) = (0, 0);
        let every = common::every(3);
        for user in accounts.iter().step_by(every) {
            let arguments = [
                "grants",
                "--database",
                DATABASE,
                "--target",
                "5.81.2",
                "--probe",
            ];
            let mut all = arguments.to_vec();
            all.extend(["--format", "json"]);
            let output = cividb_as(server, user, &all);
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            // Accounts that cannot log in this way have nothing to judge.
            if errors.contains("refuses") {
                continue;
            }
            let at = format!("{user} on {}", server.name);
            assert!(output.status.code() < Some(2), "{at}: {errors}");
            let report = common::json(&output);
            let missing = words(&report["grants"]["missing"]);
            let there = words(&report["grants"]["there"]);
            for (privilege, allowed) in probed(&report) {
                let is_missing = missing.contains(&privilege);
                let is_there = there.contains(&privilege);
                if is_missing || is_there {
                    assert_eq!(is_there, allowed, "{at}: {privilege}: {report:#}");
                }
            }
            tried += 1;
            let left = server.run(Some(DATABASE), "SHOW TABLES LIKE 'cividb%'");
            assert_eq!(left, "", "{at}: the probe leaves nothing behind");
            let mut now = report;
            // What an account did not see before may ask for more.
            for round in 0..2 {
                let statements = words(&now["grants"]["statements"]);
                if statements.is_empty() {
                    break;
                }
                server.run(None, &statements.join("\n"));
                now = json_as(server, user, &arguments);
                mended += usize::from(round == 0);
            }
            assert_eq!(words(&now["grants"]["missing"]), [""; 0], "{at}");
            let needed = words(&now["grants"]["there"]);
            for (privilege, allowed) in probed(&now) {
                assert!(allowed || !needed.contains(&privilege), "{at}: {privilege}");
            }
        }
        assert!(tried >= 30 / every, "{tried} accounts on {}", server.name);
        assert!(mended >= 10 / every, "{mended} accounts on {}", server.name);
    }
}

/// Whoever sees only part of a database is told so, and nothing is called missing.
#[test]
fn accounts_with_too_little_get_no_false_findings() {
    for server in server::all() {
        let database = "accounts_weak";
        if !server.is_mysql() {
            // With all tables of a site at least here.
            server.load(database, &common::sample());
        }
        server.load_sample(database, &[]);
        let whole = json_as_root(server, database);
        let findings = |report: &Value| -> Vec<String> {
            let all = report["findings"].as_array().into_iter().flatten();
            all.filter(|finding| finding["severity"] != "note")
                .map(|finding| format!("{} {}", finding["check"], finding["object"]["name"]))
                .collect()
        };
        let known = findings(&whole);
        for (number, grants) in [
            "SELECT",
            "SELECT, TRIGGER",
            "SELECT, TRIGGER, EXECUTE",
            "SELECT, SHOW VIEW, EVENT",
            "INSERT",
            "TRIGGER",
            "EXECUTE",
            "SELECT (id) ON accounts_weak.civicrm_contact",
            "SELECT ON accounts_weak.civicrm_contact",
            "SELECT ON accounts_weak.civicrm_domain",
        ]
        .iter()
        .enumerate()
        {
            let user = format!("weak_{number}");
            let on = match grants.contains(" ON ") {
                true => String::new(),
                false => format!(" ON {database}.*"),
            };
            server.run(
                None,
                &format!(
                    "CREATE USER IF NOT EXISTS {user}@localhost IDENTIFIED BY 'test';
                     GRANT {grants}{on} TO {user}@localhost;"
                ),
            );
            let report = json_as(server, &user, &["check", "--database", database]);
            let at = format!("{grants} on {}", server.name);
            for finding in findings(&report) {
                assert!(known.contains(&finding), "{at}: {finding}");
            }
            let skipped = report["not_checked"].as_array().expect("a list");
            let why = skipped.iter().any(|skipped| {
                skipped["why"]
                    .as_str()
                    .is_some_and(|why| why.contains("this account"))
            });
            assert!(why, "{at}: {report:#}");
            assert_eq!(report["inventory"]["complete"], false, "{at}");
        }
    }
}

fn json_as_root(server: &Server, database: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args([
            "check",
            &server.url(database),
            "--no-defaults",
            "--format",
            "json",
        ])
        .output()
        .expect("cividb runs");
    serde_json::from_slice(&output.stdout).expect("a report")
}

//! Accounts that triggers, views and routines run as, on real servers: what they may not do, the server refuses.

use serde_json::Value;

use crate::common::{self, cividb};
use crate::server::{self, Server};

/// What is found about one account, as messages.
fn found(server: &Server, database: &str, account: &str) -> Vec<String> {
    let folder = std::path::Path::new(".");
    let only = "definer-privileges,definer-missing";
    let url = server.url(database);
    let arguments = [
        "check",
        "--no-rows",
        "--only",
        only,
        "--format",
        "json",
        &url,
    ];
    let report = common::json(&cividb(folder, &arguments));
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .filter(|finding| {
            finding["object"]["name"]
                .as_str()
                .is_some_and(|name| name.contains(account))
        })
        .filter_map(|finding| finding["message"].as_str().map(str::to_owned))
        .collect()
}

/// A database with a trigger, a view and a function that run as an account, which may do everything.
fn made(server: &Server, account: &str) -> String {
    let database = format!("definers_{account}");
    server.run(
        None,
        &format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database};
             DROP USER IF EXISTS {account}@localhost;
             CREATE USER {account}@localhost IDENTIFIED BY 'Zz9-zz9z-test';
             GRANT ALL ON {database}.* TO {account}@localhost;"
        ),
    );
    server.run(Some(&database), &definitions(account));
    database
}

fn definitions(account: &str) -> String {
    format!(
        "CREATE TABLE civicrm_domain (id int PRIMARY KEY, version varchar(32));
         INSERT INTO civicrm_domain VALUES (1, '5.81.2');
         CREATE TABLE civicrm_a (id int PRIMARY KEY, n int);
         CREATE TABLE civicrm_b (id int, n int);
         CREATE DEFINER={account}@localhost FUNCTION own_double(x int) RETURNS int DETERMINISTIC RETURN x * 2;
         CREATE DEFINER={account}@localhost TRIGGER a_insert AFTER INSERT ON civicrm_a FOR EACH ROW
           INSERT INTO civicrm_b VALUES (NEW.id, own_double(NEW.n));
         CREATE DEFINER={account}@localhost VIEW civicrm_v AS SELECT id FROM civicrm_b;"
    )
}

#[test]
fn a_definer_that_may_not_do_what_its_objects_do_is_an_error_where_the_server_refuses() {
    for server in server::all() {
        let account = "judged";
        let database = made(server, account);
        assert_eq!(
            found(server, &database, account),
            [""; 0],
            "{}",
            server.name
        );
        let give = |grants: &str| {
            // One by one, so that a privilege which it does not have stops nothing.
            for sql in [
                format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}@localhost;"),
                grants
                    .replace("db.", &format!("{database}."))
                    .replace("TO it", &format!("TO {account}@localhost")),
            ] {
                server.run(None, &sql);
            }
        };
        let insert = "INSERT INTO civicrm_a VALUES ((SELECT n FROM (SELECT COUNT(*) + 1 AS n FROM civicrm_a) AS x), 1)";
        for (grants, lacks) in [
            ("", "TRIGGER on civicrm_a"),
            (
                "GRANT SELECT, INSERT, TRIGGER ON db.* TO it;",
                "EXECUTE on own_double",
            ),
            (
                "GRANT SELECT, EXECUTE, TRIGGER ON db.* TO it;",
                "INSERT on civicrm_b",
            ),
            (
                "GRANT INSERT, EXECUTE, TRIGGER ON db.* TO it; GRANT SELECT ON db.civicrm_b TO it;",
                "SELECT on civicrm_a",
            ),
        ] {
            give(grants);
            let refused = server.try_run(Some(&database), insert).is_err();
            assert!(refused, "{}: {grants}", server.name);
            let found = found(server, &database, account);
            assert!(
                matches!(&found[..], [one] if one.contains(lacks) && one.contains(" (")),
                "{}: {grants}: {found:#?}",
                server.name
            );
        }
        // The view alone.
        give("GRANT INSERT, EXECUTE, TRIGGER ON db.* TO it; GRANT SELECT ON db.civicrm_a TO it;");
        server.run(Some(&database), insert);
        assert!(
            server
                .try_run(Some(&database), "SELECT * FROM civicrm_v")
                .is_err(),
            "{}",
            server.name
        );
        let one = found(server, &database, account);
        assert!(
            matches!(&one[..], [one] if one.starts_with("1 view (civicrm_v) run")),
            "{one:#?}"
        );
        // As little as is needed.
        give(
            "GRANT TRIGGER, SELECT ON db.civicrm_a TO it; GRANT INSERT, SELECT ON db.civicrm_b TO it;
             GRANT EXECUTE ON FUNCTION db.own_double TO it;",
        );
        server.run(
            Some(&database),
            &format!("{insert}; SELECT * FROM civicrm_v"),
        );
        assert_eq!(
            found(server, &database, account),
            [""; 0],
            "{}",
            server.name
        );
    }
}

#[test]
fn the_account_that_the_server_takes_for_a_definer_is_the_one_that_counts() {
    for server in server::all() {
        let account = "moved";
        let database = made(server, account);
        let insert = "INSERT INTO civicrm_a VALUES ((SELECT n FROM (SELECT COUNT(*) + 1 AS n FROM civicrm_a) AS x), 1)";
        server.run(None, &format!("DROP USER {account}@localhost;"));
        assert!(server.try_run(Some(&database), insert).is_err());
        let gone = found(server, &database, account);
        assert!(
            matches!(&gone[..], [one] if one.contains("does not exist")),
            "{gone:#?}"
        );
        server.run(
            None,
            &format!("DROP USER IF EXISTS {account}@'%'; CREATE USER {account}@'%' IDENTIFIED BY 'Zz9-zz9z-test';"),
        );
        assert!(server.try_run(Some(&database), insert).is_err());
        let weak = found(server, &database, account);
        let taken = format!(
            "`{account}`@`localhost` (the server takes `{account}`@`%` for it), which lacks"
        );
        assert!(
            matches!(&weak[..], [one] if one.contains(&taken)),
            "{weak:#?}"
        );
        server.run(
            None,
            &format!("GRANT ALL ON {database}.* TO {account}@'%';"),
        );
        server.run(Some(&database), insert);
        assert_eq!(found(server, &database, account), [""; 0]);
        server.run(None, &format!("DROP USER {account}@'%';"));
    }
}

#[test]
fn what_runs_as_whoever_uses_it_needs_no_account_of_its_definer() {
    for server in server::all() {
        let account = "invoked";
        let database = made(server, account);
        server.run(
            Some(&database),
            &format!(
                "DROP TRIGGER a_insert; DROP VIEW civicrm_v; DROP FUNCTION own_double;
                 CREATE DEFINER={account}@localhost SQL SECURITY INVOKER VIEW own_v AS SELECT id FROM civicrm_b;
                 CREATE DEFINER={account}@localhost FUNCTION own_f() RETURNS int DETERMINISTIC SQL SECURITY INVOKER RETURN 1;
                 CREATE DEFINER={account}@localhost PROCEDURE own_p() SQL SECURITY INVOKER SELECT 1;
                 DROP USER {account}@localhost;"
            ),
        );
        server.run(
            Some(&database),
            "SELECT id, own_f() FROM own_v; CALL own_p()",
        );
        assert_eq!(
            found(server, &database, account),
            [""; 0],
            "{}",
            server.name
        );
        server.run(
            Some(&database),
            &format!(
                "CREATE DEFINER={account}@localhost VIEW civicrm_v AS SELECT id FROM civicrm_b"
            ),
        );
        let read = server.try_run(Some(&database), "SELECT * FROM civicrm_v");
        assert!(read.is_err(), "{}", server.name);
        let found = found(server, &database, account);
        assert!(
            matches!(&found[..], [one] if one.starts_with("1 view (civicrm_v) runs as")),
            "{}: {found:#?}",
            server.name
        );
    }
}

#[test]
fn the_grant_for_what_is_in_another_database_names_that_database() {
    let Some(server) = server::installed() else {
        return;
    };
    let account = "across";
    let database = made(server, account);
    server.run(
        None,
        "DROP DATABASE IF EXISTS definers_cms; CREATE DATABASE definers_cms; CREATE TABLE definers_cms.users (uid int);",
    );
    server.run(
        Some(&database),
        &format!("CREATE DEFINER={account}@localhost VIEW own_users AS SELECT uid FROM definers_cms.users;"),
    );
    let url = server.url(&database);
    let only = [
        "check",
        "--no-rows",
        "--only",
        "definer-privileges",
        "--format",
        "json",
        &url,
    ];
    let report = common::json(&cividb(std::path::Path::new("."), &only));
    let fix = report["findings"][0]["fix"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let grant = fix
        .strip_prefix("Run: ")
        .and_then(|fix| Some(fix.split_once(". Or let")?.0))
        .unwrap_or_default();
    assert_eq!(
        grant,
        "GRANT SELECT ON `definers\\_cms`.* TO `across`@`localhost`"
    );
    server.run(None, grant);
    server.run(Some(&database), "SELECT * FROM own_users");
    assert_eq!(found(server, &database, account), [""; 0]);
}

#[test]
fn roles_of_a_definer_count_where_the_server_counts_them() {
    for server in server::all() {
        let account = "rolled";
        let database = made(server, account);
        server.run(
            None,
            &format!(
                "REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}@localhost;
                 DROP ROLE IF EXISTS rolled_role; CREATE ROLE rolled_role;
                 GRANT ALL ON {database}.* TO rolled_role; GRANT rolled_role TO {account}@localhost;
                 SET DEFAULT ROLE rolled_role {} {account}@localhost;",
                if server.is_mysql() { "TO" } else { "FOR" }
            ),
        );
        let refused = server
            .try_run(Some(&database), "INSERT INTO civicrm_a VALUES (1, 1)")
            .is_err();
        let found = found(server, &database, account);
        assert_eq!(!found.is_empty(), refused, "{}: {found:#?}", server.name);
    }
}

#[test]
fn what_an_account_may_not_ask_of_definers_is_not_checked() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = made(server, "unseen");
    server.run(
        None,
        &format!(
            "DROP USER IF EXISTS asker@localhost; CREATE USER asker@localhost IDENTIFIED BY 'Zz9-zz9z-test';
             GRANT ALL ON {database}.* TO asker@localhost;"
        ),
    );
    let url = server
        .url(&database)
        .replace("root@", "asker:Zz9-zz9z-test@");
    let output = cividb(
        std::path::Path::new("."),
        &[
            "check",
            "--no-rows",
            "--only",
            "definer-privileges",
            "--format",
            "json",
            &url,
        ],
    );
    let report: Value = common::json(&output);
    assert_eq!(
        report["not_checked"][0]["check"], "definer-privileges",
        "{report:#}"
    );
    assert_eq!(output.status.code(), Some(3));
}

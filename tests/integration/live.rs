//! The commands on running servers.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{self, text};
use crate::proxy::{Action, Proxy};
use crate::server::{self, Server};

fn cividb(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args(["--no-defaults", "--color", "never"])
        .output()
        .expect("cividb runs")
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    let output = cividb(&all);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

fn found(report: &serde_json::Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list");
    findings
        .iter()
        .map(|finding| {
            let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            format!(
                "{} {}",
                word(&finding["check"]),
                word(&finding["object"]["name"])
            )
        })
        .collect()
}

/// A dump of a database by the installed program, whole.
fn dump(server: &Server, database: &str, path: &Path) {
    let output = Command::new("mariadb-dump")
        .args([
            "--no-defaults",
            "-u",
            "root",
            "--routines",
            "--events",
            "-S",
        ])
        .arg(server.socket())
        .arg(database)
        .output()
        .expect("mariadb-dump runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    std::fs::write(path, output.stdout).expect("the dump is written");
}

#[test]
fn a_backup_is_compared_with_the_site_it_was_made_of() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "live_against";
    server.load(database, &common::sample());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup.sql");
    dump(server, database, &path);
    let backup = path.to_str().expect("text");
    let url = server.url(database);
    let arguments = ["verify", backup, "--against", &url];
    let before = found(&json(&["verify", backup]));
    assert_eq!(
        found(&json(&arguments)),
        before,
        "nothing more than without the site"
    );

    // What the site gets later, the backup has not.
    server.run(
        Some(database),
        "CREATE TABLE my_own (id INT PRIMARY KEY);
         CREATE TRIGGER my_trigger BEFORE INSERT ON my_own FOR EACH ROW SET @x = 1;
         CREATE FUNCTION my_function() RETURNS INT DETERMINISTIC RETURN 1;
         CREATE PROCEDURE my_procedure() SELECT 1;
         CREATE VIEW my_view AS SELECT 1 AS one;
         CREATE EVENT my_event ON SCHEDULE EVERY 1 DAY DO SELECT 1;
         CREATE TABLE civicrm_tmp_x (id INT);
         INSERT INTO civicrm_note (entity_table, entity_id, note)
         SELECT 'civicrm_contact', 1, 'x' FROM information_schema.COLUMNS LIMIT 1000;",
    );
    let report = json(&arguments);
    let mut more: Vec<String> = found(&report)
        .into_iter()
        .filter(|finding| !before.contains(finding))
        .collect();
    more.sort();
    assert_eq!(
        more,
        [
            "event-missing my_event",
            "routine-missing my_function",
            "routine-missing my_procedure",
            "rows-differ civicrm_note",
            "table-missing my_own",
            "trigger-missing my_trigger",
            "view-missing my_view",
        ]
    );
    assert_eq!(report["verdict"], "fail");
    // And the other way round there is nothing that the site lacks but the rows.
    dump(server, database, &path);
    let report = json(&arguments);
    assert_eq!(report["verdict"], "pass", "{:?}", found(&report));
}

#[test]
fn a_server_that_dies_in_the_middle_is_an_error_and_no_report() {
    let Some(installed) = server::installed() else {
        return;
    };
    let mut victim = installed.another("victim", &[]);
    victim.load("civicrm", &common::sample());
    for word in ["COLUMNS", "TRIGGERS", "civicrm_domain", "COMMIT"] {
        let socket = victim.socket();
        let pid = std::fs::read_to_string(socket.with_file_name("pid")).expect("it runs");
        let proxy = Proxy::start(socket, move |sql| {
            if sql.contains(word) {
                common::kill(&pid);
            }
            Action::Pass
        });
        for command in ["check", "version", "diff"] {
            let output = cividb(&[command, &proxy.url("civicrm")]);
            let errors = text(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(2),
                "{command} at {word}: {errors}"
            );
            assert!(
                errors.contains("the connection was lost") || errors.contains("no connection"),
                "{command} at {word}: {errors}"
            );
            assert_eq!(text(&output.stdout), "", "{command} at {word}");
        }
        victim.restart();
    }
    victim.remove();
}

#[test]
fn every_way_of_not_getting_in_has_its_own_message() {
    for server in server::all() {
        let sql = "CREATE USER IF NOT EXISTS 'live_pw'@'%' IDENTIFIED BY 'right-one';
            CREATE USER IF NOT EXISTS 'live_tls'@'%' IDENTIFIED BY 'right-one' REQUIRE SSL;
            GRANT SELECT ON live_none.* TO 'live_pw'@'%';";
        server.run(None, sql);
        let port = server.port.to_string();
        for (arguments, password, message) in [
            (
                vec!["--host", "127.0.0.1", "--port", &port, "--user", "live_pw"],
                "wrong-one",
                "refuses 'live_pw' (password given: yes)",
            ),
            (
                vec![
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port,
                    "--user",
                    "live_pw",
                    "--database",
                    "nothing",
                ],
                "right-one",
                "may not use the database 'nothing'",
            ),
            (
                vec!["--host", "127.0.0.1", "--port", &port, "--user", "live_pw"],
                "right-one",
                "no database that this account sees holds CiviCRM",
            ),
            (
                vec!["--host", "127.0.0.1", "--port", "1", "--user", "live_pw"],
                "right-one",
                "no server listens there",
            ),
            (
                vec!["--socket", "/nowhere/sock"],
                "right-one",
                "there is no such socket",
            ),
            (
                vec!["--host", "nowhere.invalid"],
                "right-one",
                "no connection",
            ),
            (
                vec![
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port,
                    "--user",
                    "live_tls",
                    "--ssl-mode",
                    "disabled",
                ],
                "right-one",
                // With its newer plug-in the server asks for the password before it says so.
                match server.is_mysql() {
                    true => "use --ssl-mode required",
                    false => "the account wants TLS",
                },
            ),
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
                .arg("check")
                .args(&arguments)
                .arg("--no-defaults")
                .env("MYSQL_PWD", password)
                .output()
                .expect("cividb runs");
            let errors = text(&output.stderr);
            let at = format!("{arguments:?} on {}", server.name);
            assert_eq!(output.status.code(), Some(2), "{at}: {errors}");
            assert!(errors.contains(message), "{at}: {errors}");
            assert!(!errors.contains(password), "{at}: {errors}");
            assert_eq!(errors.lines().count(), 1, "{at}: {errors}");
        }
    }
}

/// A failed restore leaves an empty database, and a monitor must not stay green.
#[test]
fn a_database_without_civicrm_is_no_sound_site() {
    let Some(server) = server::installed() else {
        return;
    };
    server.run(None, "CREATE DATABASE live_empty");
    let url = server.url("live_empty");
    for command in ["check", "diff", "version", "repair"] {
        let arguments = match command {
            "repair" => vec![command, "all", &url],
            _ => vec![command, &url],
        };
        let output = cividb(&arguments);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let errors = text(&output.stderr);
        assert!(errors.contains("CiviCRM"), "{command}: {errors}");
    }
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.sql.gz");
    let output = cividb(&["verify", sample, "--against", &url]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
}

#[test]
fn a_site_whose_version_cannot_be_read_is_no_pass() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "live_no_version";
    server.load(database, &common::sample());
    server.run(
        Some(database),
        "SET SESSION foreign_key_checks = 0; DROP TABLE civicrm_domain",
    );
    let output = cividb(&["version", &server.url(database)]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    let errors = text(&output.stderr);
    assert!(errors.contains("no table civicrm_domain"), "{errors}");
}

/// A site's folder named from where the user stands, with a settings file that includes another one.
#[test]
fn an_include_beside_the_script_is_found_from_any_folder() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "live_include";
    server.load(database, &common::sample());
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("web/sites/default");
    std::fs::create_dir_all(&site).expect("folders");
    let dsn = format!(
        "mysql://root@unix({})/{database}",
        server.socket().display()
    );
    let include = "<?php require_once __DIR__ . '/../../db.php';";
    std::fs::write(site.join("civicrm.settings.php"), include).expect("written");
    let settings = format!("<?php define('CIVICRM_DSN', '{dsn}');");
    std::fs::write(folder.path().join("web/db.php"), settings).expect("written");
    for (from, named) in [
        ("", "web"),
        ("", "web/sites/default"),
        ("", "./web/sites/default/civicrm.settings.php"),
        ("web/sites", "default"),
        ("web/sites/default", "civicrm.settings.php"),
        ("web/sites/default", "."),
    ] {
        let output = common::cividb(&folder.path().join(from), &["version", named]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{named} from {from}: {}",
            text(&output.stderr)
        );
    }
}

/// The advice of the message works: options and environment say what only PHP could tell.
#[test]
fn what_a_settings_file_does_not_tell_is_heard_from_options_and_environment() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "live_advice";
    server.load(database, &common::sample());
    let folder = tempfile::tempdir().expect("a folder");
    let settings = "<?php define('CIVICRM_DSN', getenv('SECRET_DSN'));";
    std::fs::write(folder.path().join("civicrm.settings.php"), settings).expect("written");
    let run = |arguments: &[&str], dsn: Option<String>| {
        Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(["version", "civicrm.settings.php", "--no-defaults"])
            .args(arguments)
            .envs(dsn.map(|dsn| ("CIVICRM_DSN", dsn)))
            .current_dir(folder.path())
            .output()
            .expect("cividb runs")
    };
    let nothing = run(&[], None);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("set CIVICRM_DSN in the environment"));
    let dsn = format!(
        "mysql://root@unix({})/{database}",
        server.socket().display()
    );
    let by_environment = run(&[], Some(dsn));
    assert_eq!(
        by_environment.status.code(),
        Some(0),
        "{}",
        text(&by_environment.stderr)
    );
    let socket = server.socket().display().to_string();
    let options = [
        "--user",
        "root",
        "--socket",
        &socket,
        "--database",
        database,
    ];
    let by_options = run(&options, None);
    assert_eq!(
        by_options.status.code(),
        Some(0),
        "{}",
        text(&by_options.stderr)
    );
    assert!(text(&by_options.stderr).contains("the options say where"));
}

#[test]
fn a_script_gives_the_password_on_standard_input() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "live_password";
    server.load(database, &common::sample());
    server.run(
        None,
        "CREATE USER IF NOT EXISTS piped@localhost IDENTIFIED BY 'a b\"c'; \
         GRANT ALL ON live_password.* TO piped@localhost",
    );
    let url = server.url(database).replace("root@", "piped@");
    for (typed, code) in [("a b\"c\n", 0), ("a b\"c\r\nmore\n", 0), ("wrong\n", 2)] {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), typed).expect("written");
        let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args(["version", &url, "--no-defaults", "--password"])
            .stdin(std::fs::File::open(file.path()).expect("it opens"))
            .output()
            .expect("cividb runs");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{typed:?}: {}",
            text(&output.stderr)
        );
    }
}

/// The first line of a dump was taken for the password, and was missing in the dump.
#[test]
fn a_dump_on_standard_input_is_not_taken_for_the_password() {
    let Some(server) = server::installed() else {
        return;
    };
    let database = "live_piped_dump";
    server.load(database, &common::sample());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), common::sample()).expect("written");
    // Without a terminal, on which it would ask; root has no password.
    let output = Command::new("setsid")
        .args([
            "--wait",
            env!("CARGO_BIN_EXE_cividb"),
            "verify",
            "-",
            "--against",
        ])
        .args([&server.url(database), "--no-defaults", "--password"])
        .stdin(std::fs::File::open(file.path()).expect("it opens"))
        .output()
        .expect("cividb runs");
    let report = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{report}{}",
        text(&output.stderr)
    );
    assert!(
        report.contains("mysqldump 10.13, from MySQL 5.7.37"),
        "{report}"
    );
}

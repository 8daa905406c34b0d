//! `cividb rehearse` with a dump that comes through a pipe.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{self, text};
use crate::server;

#[test]
fn a_dump_from_standard_input_is_rehearsed_and_nothing_of_it_stays() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = tempfile::TempDir::new_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("a folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    let input = File::open(sample).expect("the sample");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["rehearse", "-", "--tmp", ".", "--format", "json", "--on"])
        .arg(server.kind().path())
        .current_dir(folder.path())
        .stdin(Stdio::from(input))
        .output()
        .expect("cividb runs");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let report = common::json(&output);
    assert_eq!(report["source"]["name"], "-", "{report}");
    assert_eq!(report["rehearsal"]["tables_compared"], 156, "{report}");
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0);
}

/// A server of others with an account that may use the database `scratch` alone.
fn others(server: &server::Server) -> (server::Server, String) {
    let own = server.another("rehearse-others", &[]);
    own.run(
        None,
        "CREATE DATABASE scratch CHARACTER SET latin1 COLLATE latin1_german1_ci; CREATE DATABASE site; \
         CREATE TABLE site.t (id int); CREATE USER small@localhost; GRANT ALL ON scratch.* TO small@localhost",
    );
    if own.is_mysql() {
        // Its binary log is on, and only so may an account make triggers.
        own.run(None, "GRANT SUPER ON *.* TO small@localhost");
    }
    let url = own.url("scratch").replace("root@", "small@");
    (own, url)
}

/// What the database holds, and its character set.
fn state(server: &server::Server) -> String {
    server.run(
        None,
        "SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'scratch'), \
         (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'scratch'), \
         DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'scratch'",
    )
}

#[test]
fn an_empty_database_of_others_is_used_and_emptied_again() {
    let known = server::all().into_iter();
    // MySQL 9.7 refuses the sample, for its foreign keys to what is not unique.
    let known = known.filter(|it| !it.is_mysql());
    let known = known.filter(|it| common::everything() || it.name == "installed");
    for known in known {
        let (server, url) = others(known);
        let folder = tempfile::tempdir().expect("a folder");
        let at = &server.name;
        fs::write(folder.path().join("dump.sql"), common::sample()).expect("it is written");
        let rehearse = |url: &str, more: &[&str]| {
            let arguments = ["rehearse", "dump.sql", "--on", url, "--format", "json"];
            common::cividb(folder.path(), &[&arguments[..], more].concat())
        };
        let empty = state(&server);
        assert_eq!(empty, "0\t0\tlatin1_german1_ci\n");
        let output = rehearse(&url, &[]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{at}: {}",
            text(&output.stderr)
        );
        let report = common::json(&output);
        assert_eq!(report["rehearsal"]["tables_compared"], 156, "{at}");
        assert_eq!(state(&server), empty, "{at}");
        // Never one that holds tables, nor an account that sees others.
        for (other, why) in [
            (server.url("scratch"), "site.t"),
            (url.replace("/scratch", "/nowhere"), "nowhere"),
            (url.replace("/scratch", ""), "no database"),
        ] {
            let output = rehearse(&other, &[]);
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{at}: {errors}");
            assert!(
                text(&output.stdout).contains(why) || errors.contains(why),
                "{at}: {errors}"
            );
        }
        let output = rehearse(&url, &["--upgrade-command", "true"]);
        assert_eq!(output.status.code(), Some(2), "{at}");
        assert_eq!(state(&server), empty, "{at}");
        let kept = rehearse(&url, &["--keep"]);
        assert_eq!(kept.status.code(), Some(0), "{at}: {}", text(&kept.stderr));
        assert!(state(&server).starts_with("156\t1\t"), "{at}");
        let output = rehearse(&url, &[]);
        assert_eq!(output.status.code(), Some(2), "{at}");
        assert!(
            state(&server).starts_with("156\t1\t"),
            "{at}: it is left as it was"
        );
        server.remove();
    }
}

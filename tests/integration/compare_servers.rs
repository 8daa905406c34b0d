//! The contents of running servers: read in parts, at one moment, or summed up by the servers themselves.

use std::path::Path;
use std::thread;
use std::time::Duration;

use cividb::contents::comparison::{Options, Side, compare};
use cividb::contents::digest::Hashes;
use cividb::source::{Access, Location};
use serde_json::{Value, json};

use crate::common::{self, cividb, replaced};
use crate::server::{self, Server};

fn contents(before: &str, after: &str, more: &[&str]) -> Value {
    let arguments = [&["compare", before, after, "--format", "json"], more].concat();
    let mut report = common::json(&cividb(Path::new("/"), &arguments));
    report["contents"].take()
}

/// Numbers from 0 to 99,999 as `n`.
const NUMBERS: &str = "(WITH RECURSIVE ten AS (SELECT 0 AS d UNION ALL SELECT d + 1 FROM ten WHERE d < 9) SELECT a.d + 10 * b.d + 100 * c.d + \
     1000 * d.d + 10000 * e.d AS n FROM ten a, ten b, ten c, ten d, ten e) AS numbers";

/// A database with more rows than one question asks for.
fn many_rows(server: &Server, database: &str) {
    server.run(
        None,
        &format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; USE {database};
             CREATE TABLE civicrm_tag (id bigint unsigned PRIMARY KEY, name varchar(20)) ENGINE=InnoDB;
             INSERT INTO civicrm_tag SELECT n * 3, CONCAT('tag ', n) FROM {NUMBERS};
             INSERT INTO civicrm_tag SELECT n * 3 + 1, CONCAT('tag ', n) FROM {NUMBERS};
             INSERT INTO civicrm_tag VALUES (18446744073709551615, 'last');
             CREATE TABLE civicrm_worldregion (id int PRIMARY KEY, name varchar(20)) ENGINE=InnoDB;
             INSERT INTO civicrm_worldregion VALUES (-7, NULL), (0, ''), (5, 'N');
             CREATE TABLE civicrm_note (a varchar(20), b varchar(20)) ENGINE=InnoDB;
             INSERT INTO civicrm_note VALUES ('1:a', NULL), ('x', '1:N')"
        ),
    );
}

#[test]
fn rows_are_read_in_parts_and_each_change_is_found_also_behind_sums_of_the_servers() {
    for server in server::some() {
        let at = &server.name;
        many_rows(server, "parts_before");
        many_rows(server, "parts_after");
        let (before, after) = (server.url("parts_before"), server.url("parts_after"));
        for (more, by_servers) in [(&[][..], 0), (&["--fast"], 3)] {
            let same = contents(&before, &after, more);
            assert_eq!(same["unexplained"], json!([]), "{at}");
            assert_eq!(same["rows"], 200_006, "{at}");
            assert_eq!(same["equal_by_servers"], by_servers, "{at}");
        }
        server.run(
            Some("parts_after"),
            "UPDATE civicrm_tag SET name = 'tag 99998x' WHERE id = 299995;
             DELETE FROM civicrm_tag WHERE id = 18446744073709551615;
             UPDATE civicrm_worldregion SET name = '' WHERE id = -7;
             UPDATE civicrm_note SET a = '1:aN', b = '' WHERE b IS NULL",
        );
        let plain = contents(&before, &after, &[]);
        let found: Vec<String> = plain["unexplained"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|item| format!("{} {} {}", item["table"], item["what"], item["keys"]))
            .collect();
        for expected in [
            r#""civicrm_tag" "rows-lost" ["18446744073709551615"]"#,
            r#""civicrm_tag" "changed" ["299995"]"#,
            r#""civicrm_worldregion" "changed" ["-7"]"#,
            r#""civicrm_note" "rows-lost" ["1:a,NULL"]"#,
            r#""civicrm_note" "rows-new" ["1:aN,"]"#,
        ] {
            assert!(
                found.contains(&expected.to_owned()),
                "{at}: {expected}: {found:#?}"
            );
        }
        assert_eq!(found.len(), 5, "{at}: {found:#?}");
        let fast = contents(&before, &after, &["--fast"]);
        assert_eq!(fast["unexplained"], plain["unexplained"], "{at}");
        assert_eq!(fast["equal_by_servers"], 0, "{at}");
        server.run(
            None,
            "DROP DATABASE parts_before; DROP DATABASE parts_after",
        );
    }
}

/// Servers of two families spell some values in other ways, and find most tables equal by themselves.
#[test]
fn two_servers_find_the_tables_of_a_real_site_equal_by_themselves() {
    let servers = server::all();
    let Some(path) = common::real_dumps()
        .into_iter()
        .find(|path| common::name(path).starts_with("5.51.3"))
    else {
        return;
    };
    let text = common::text_of(&path);
    let mut urls = Vec::new();
    for server in servers
        .iter()
        .filter(|it| it.name == "installed" || it.is_mysql())
    {
        let flag = "NO_AUTO_CREATE_USER,";
        let is_flagged = memchr::memmem::find(&text, flag.as_bytes()).is_some();
        let text = match server.is_mysql() && is_flagged {
            true => replaced(&text, flag, ""),
            false => text.clone(),
        };
        let database = "compared_5_51_3_small_mysql_bz2";
        server.load(database, &text);
        urls.push(server.url(database));
    }
    for pair in urls.windows(2) {
        let fast = contents(&pair[0], &pair[1], &["--fast"]);
        assert_eq!(fast["unexplained"], json!([]), "{pair:?}");
        assert_eq!(fast["not_compared"], json!([]), "{pair:?}");
        let plain = contents(&pair[0], &pair[1], &[]);
        assert_eq!(fast["equal_tables"], plain["equal_tables"]);
        assert!(fast["equal_by_servers"].as_u64() > Some(100), "{fast}");
    }
}

#[test]
fn what_changes_while_a_server_is_compared_is_said_and_does_not_count() {
    for server in server::some() {
        let at = &server.name;
        let database = "compared_meanwhile";
        server.run(
            None,
            &format!(
                "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; USE {database};
                 CREATE TABLE civicrm_tag (id int PRIMARY KEY, name varchar(20)) ENGINE=InnoDB;
                 CREATE TABLE civicrm_note (id int PRIMARY KEY, name varchar(20)) ENGINE=MyISAM;
                 CREATE TABLE civicrm_cache (id int PRIMARY KEY, name varchar(20)) ENGINE=InnoDB;
                 CREATE TABLE civicrm_email (id int PRIMARY KEY, name varchar(20)) ENGINE=InnoDB;
                 INSERT INTO civicrm_tag VALUES (1, 'a'); INSERT INTO civicrm_note VALUES (1, 'a');
                 INSERT INTO civicrm_cache VALUES (1, 'a'); INSERT INTO civicrm_email VALUES (1, 'a')"
            ),
        );
        // Servers note changes by the second.
        thread::sleep(Duration::from_millis(1100));
        let location = Location::one(&server.url(database), &Access::default()).expect("a server");
        let hashes = Hashes::random();
        let read = || Side::read(&location, None, hashes, &mut |_, _| {}).expect("it is read");
        let before = read();
        server.run(
            Some(database),
            "UPDATE civicrm_tag SET name = 'b'; UPDATE civicrm_note SET name = 'b'; UPDATE civicrm_cache SET name = 'b';
             ALTER TABLE civicrm_email ADD KEY (name)",
        );
        let after = read();
        let compared = compare(
            before,
            after,
            hashes,
            &Options::default(),
            None,
            &mut |_, _| {},
        );
        let (compared, ..) = compared.expect("they are read again");
        // The first reading is of a moment that is over, and goes on to show it.
        let differing: Vec<&str> = compared
            .items
            .iter()
            .map(|item| item.table.as_str())
            .collect();
        assert!(differing.contains(&"civicrm_tag"), "{at}: {differing:?}");
        let url = location.name();
        let changed = compared.changed_meanwhile.iter();
        let changed: Vec<&str> = changed.map(|(table, _)| table.as_str()).collect();
        assert!(changed.contains(&"civicrm_tag"), "{at}: {changed:?}");
        assert!(!changed.contains(&"civicrm_cache"), "{at}: {changed:?}");
        let [(table, why)] = &compared.not_compared[..] else {
            panic!("{at}: {:?}", compared.not_compared);
        };
        assert_eq!(table, "civicrm_note", "{at}");
        assert!(
            why.starts_with(&format!("{url}: its rows changed")),
            "{at}: {why}"
        );
        assert!(why.contains("MyISAM does not keep"), "{at}: {why}");

        // Nothing happened: nothing is said.
        let compared = compare(
            read(),
            read(),
            hashes,
            &Options::default(),
            None,
            &mut |_, _| {},
        );
        let (compared, ..) = compared.expect("they are read");
        assert_eq!(compared.changed_meanwhile, [], "{at}");
        assert_eq!(
            (compared.items, compared.not_compared),
            (Vec::new(), Vec::new()),
            "{at}"
        );
        server.run(None, &format!("DROP DATABASE {database}"));
    }
}

#[test]
fn each_side_may_have_a_database_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = |name: &str, value: &str| {
        format!(
            "CREATE DATABASE `{name}`;\nUSE `{name}`;\nCREATE TABLE civicrm_tag (id int PRIMARY KEY, name varchar(20));\n\
             INSERT INTO civicrm_tag VALUES (1,'{value}');\n"
        )
    };
    let dump = database("one", "a") + &database("two", "b");
    std::fs::write(folder.path().join("d.sql"), dump).expect("written");
    let run = |more: &[&str]| {
        let arguments = [&["compare", "d.sql", "d.sql"], more].concat();
        cividb(folder.path(), &arguments)
    };
    let same = run(&["--database", "two"]);
    assert_eq!(
        same.status.code(),
        Some(0),
        "{}",
        common::text(&same.stderr)
    );
    let other = run(&["--database-before", "one", "--database-after", "two"]);
    let printed = common::text(&other.stdout);
    assert!(
        printed.contains("civicrm_tag.name: 1 row has another value: 1"),
        "{printed}"
    );
    let mixed = run(&["--database", "two", "--database-before", "one"]);
    assert_eq!(common::text(&mixed.stdout), printed);
    let fast = run(&["--fast", "--database", "two"]);
    assert_eq!(fast.status.code(), Some(2));
    let errors = common::text(&fast.stderr);
    assert!(
        errors.contains("d.sql: --fast wants two running servers"),
        "{errors}"
    );
}

#[test]
fn a_backup_is_held_against_the_contents_of_its_site() {
    let folder = tempfile::tempdir().expect("a folder");
    let region = "VALUES (1,'Europe'),(2,'Africa')";
    let changed = replaced(&common::sample(), region, "VALUES (1,'Europe'),(3,'Asia')");
    std::fs::write(folder.path().join("backup.sql"), common::sample()).expect("written");
    std::fs::write(folder.path().join("other.sql"), &changed).expect("written");
    let run = |more: &[&str]| {
        let arguments = [
            &["verify", "backup.sql", "--format", "json", "--against"],
            more,
        ]
        .concat();
        let output = cividb(folder.path(), &arguments);
        (output.status.code(), common::json(&output))
    };
    let ids = |report: &Value| {
        let findings = report["findings"].as_array().expect("a list").iter();
        let ids = findings.filter_map(|it| it["check"].as_str());
        let ids = ids
            .filter(|id| id.starts_with("contents-"))
            .map(str::to_owned);
        ids.collect::<Vec<String>>()
    };
    // As many rows, so that nothing but the contents tells.
    let (code, report) = run(&["other.sql"]);
    assert_eq!((code, ids(&report).len()), (Some(0), 0), "{report:#}");
    assert!(report.get("contents").is_none(), "{report:#}");
    let (code, report) = run(&["other.sql", "--contents"]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(
        ids(&report),
        ["contents-rows-lost", "contents-rows-new"],
        "{report:#}"
    );
    assert_eq!(report["contents"]["intact"], false);
    let (code, report) = run(&["backup.sql", "--contents"]);
    assert_eq!(
        (code, &report["contents"]["intact"]),
        (Some(0), &json!(true)),
        "{report:#}"
    );
    let piped = cividb(
        folder.path(),
        &["verify", "-", "--against", "backup.sql", "--contents"],
    );
    assert_eq!(
        piped.status.code(),
        Some(2),
        "{}",
        common::text(&piped.stdout)
    );
    let errors = common::text(&piped.stderr);
    assert!(
        errors.contains("-: --contents reads each source twice"),
        "{errors}"
    );

    let Some(server) = server::installed() else {
        return;
    };
    let database = "verified_contents";
    server.load(database, &changed);
    let (code, report) = run(&[&server.url(database), "--contents"]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(
        ids(&report),
        ["contents-rows-lost", "contents-rows-new"],
        "{report:#}"
    );
    server.run(None, &format!("DROP DATABASE {database}"));
}

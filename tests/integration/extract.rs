//! `cividb extract`: the wanted part of a dump comes out, loads, and holds the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cividb::dialect;
use cividb::server_version::ServerVersion;
use cividb::snapshot::Snapshot;
use mysql::prelude::Queryable;
use proptest::prelude::*;

use crate::common;
use crate::server::{self, Server};

/// Runs `cividb extract` in a folder.
pub fn extract(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .arg("extract")
        .args(arguments)
        .args(["--color", "never"])
        .current_dir(folder)
        .output()
        .expect("cividb runs")
}

/// What `cividb extract` makes of a text that it gets through a pipe.
fn piped(text: &[u8], arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["extract", "-", "--color", "never"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cividb runs");
    let mut input = child.stdin.take().expect("a pipe");
    let text = text.to_vec();
    let feeder = std::thread::spawn(move || {
        // Where the command is refused it does not read to the end.
        let _ = input.write_all(&text);
    });
    let output = child.wait_with_output().expect("it ends");
    feeder.join().expect("the text is written");
    output
}

/// The result of an extraction that has to succeed.
pub fn result(text: &[u8], arguments: &[&str]) -> Vec<u8> {
    let output = piped(text, arguments);
    let errors = common::text(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output.stdout
}

/// A dump of a site that shares its database with Drupal: what stands before the last lines of the sample, then what
/// Drupal has.
pub fn shared_with_drupal() -> Vec<u8> {
    let sample = common::sample();
    let drupal = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extract/drupal.sql"));
    let end =
        memchr::memmem::rfind(&sample, b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE").expect("its end");
    let mut text = sample[..end].to_vec();
    text.extend_from_slice(&drupal.expect("the tables of Drupal"));
    text.extend_from_slice(&sample[end..]);
    text
}

/// What a dump holds: each object by kind and name, tables with the number of their rows.
fn objects(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let schema = &snapshot.schema;
    let rows = |name: &String| snapshot.row_counts.get(name).copied().unwrap_or_default();
    let tables = schema.tables.keys();
    let mut all: BTreeMap<String, u64> = tables
        .map(|name| (format!("table {name}"), rows(name)))
        .collect();
    all.extend(schema.views.keys().map(|name| (format!("view {name}"), 0)));
    all.extend(
        schema
            .triggers
            .keys()
            .map(|name| (format!("trigger {name}"), 0)),
    );
    let routines = schema.routines.keys();
    all.extend(routines.map(|(kind, name)| (format!("{} {name}", kind.as_str()), 0)));
    all.extend(
        schema
            .events
            .keys()
            .map(|name| (format!("event {name}"), 0)),
    );
    all
}

const OF_DRUPAL: [&str; 12] = [
    "function node_title",
    "table cache_menu",
    "table civicrm_group_roles_rules",
    "table civicrm_member_roles_rules",
    "table d10_key_value",
    "table d10_node",
    "table d10_node__body",
    "table system",
    "table users",
    "trigger body_kept",
    "view pages",
    "",
];

#[test]
fn without_options_a_dump_comes_out_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = common::sample();
    fs::write(folder.path().join("whole.sql"), &text).expect("the dump is written");
    assert_eq!(piped(&text, &[]).stdout, text);
    for name in ["same.sql", "same.sql.gz", "same.sql.zst"] {
        let output = extract(folder.path(), &["whole.sql", "-o", name]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            common::text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
        assert_eq!(common::text_of(&folder.path().join(name)), text, "{name}");
    }
    let magic = |name| fs::read(folder.path().join(name)).expect("a file")[..4].to_vec();
    assert_eq!(magic("same.sql.gz")[..2], [0x1f, 0x8b]);
    assert_eq!(magic("same.sql.zst"), [0x28, 0xb5, 0x2f, 0xfd]);
}

#[test]
fn every_dump_of_every_producer_comes_out_byte_for_byte() {
    let mut paths = common::real_dumps();
    let producers = std::env::var_os("CIVIDB_PRODUCERS");
    for entry in producers.iter().flat_map(fs::read_dir).flatten() {
        let path = entry.expect("an entry").path();
        paths.extend(path.is_file().then_some(path));
    }
    if !common::everything() {
        paths = paths.into_iter().step_by(12).collect();
    }
    for path in paths {
        let output = extract(Path::new("."), &[&path.to_string_lossy()]);
        // What is not whole comes out as well, and is said not to be.
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}",
            path.display()
        );
        assert!(
            output.stdout == common::text_of(&path),
            "{} differs",
            path.display()
        );
    }
}

#[test]
fn the_parts_of_civicrm_and_of_drupal_are_the_whole() {
    let whole = shared_with_drupal();
    let civicrm = result(&whole, &["--only", "civicrm"]);
    let cms = result(&whole, &["--only", "cms"]);
    let [all, of_civicrm, of_cms] =
        [&whole, &civicrm, &cms].map(|text| objects(&common::snapshot_of(text)));
    let names: BTreeSet<&str> = of_cms.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = OF_DRUPAL
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, expected);
    assert!(of_civicrm.keys().all(|name| !of_cms.contains_key(name)));
    let mut both = of_civicrm.clone();
    both.extend(of_cms);
    assert_eq!(both, all);
    let errors = |text: &[u8]| common::ids(&common::verify(text), cividb::checks::Severity::Error);
    assert_eq!(errors(&civicrm), errors(&common::sample()));
    // Nothing is left of what was left out but settings of the session.
    let text = common::text(&cms);
    assert!(!text.contains("civicrm_contact"), "{text}");
    assert!(!text.contains("@saved_cs_client"), "{text}");
    assert!(text.contains("-- Dump completed"), "{text}");
}

#[test]
fn both_parts_load_and_make_the_database_that_the_whole_makes() {
    let whole = shared_with_drupal();
    for server in server::some() {
        let parts = [
            result(&whole, &["--only", "civicrm", "--definers", "current"]),
            result(&whole, &["--only", "cms", "--definers", "current"]),
        ];
        let all = result(&whole, &["--definers", "current"]);
        let (one, two) = ("extract_whole", "extract_parts");
        load(server, one, &all);
        load(server, two, &parts.concat());
        assert_eq!(
            contents(server, two),
            contents(server, one),
            "{}",
            server.name
        );
    }
}

/// Loads a text into a database that is made anew.
pub fn load(server: &Server, database: &str, text: &[u8]) {
    server.run(None, &format!("DROP DATABASE IF EXISTS `{database}`"));
    server.load(database, text);
}

/// Each object of a database as the server shows it, and the checksum of each table's rows.
fn contents(server: &Server, database: &str) -> BTreeMap<String, String> {
    let list = |sql: &str| -> Vec<String> {
        let lines = server.run(None, &sql.replace("DB", database));
        lines.lines().map(str::to_owned).collect()
    };
    let mut found = BTreeMap::new();
    // By one connection: a client for each of hundreds of objects takes far longer than the answers.
    let mut connection = server.writer(database);
    let mut values = |sql: &str| -> Vec<String> {
        let row: Option<mysql::Row> = connection.query_first(sql).expect("an answer");
        let row = row.expect("a row").unwrap();
        row.iter().map(|value| value.as_sql(true)).collect()
    };
    let mut ask = |what: &str, name: &str| {
        let mut shown = values(&format!("SHOW CREATE {what} `{name}`"));
        // When a trigger or event was made is not part of it.
        shown.retain(|part| !part.starts_with("'20"));
        found.insert(
            format!("{what} {name}"),
            shown.join("\t").replace(database, "DB"),
        );
    };
    let relations =
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'DB' AND table_type";
    for table in list(&format!("{relations} = 'BASE TABLE'")) {
        ask("TABLE", &table);
    }
    for view in list(&format!("{relations} = 'VIEW'")) {
        ask("VIEW", &view);
    }
    for trigger in
        list("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'DB'")
    {
        ask("TRIGGER", &trigger);
    }
    for routine in list(
        "SELECT CONCAT(routine_type, ' ', routine_name) FROM information_schema.routines WHERE routine_schema = 'DB'",
    ) {
        let (kind, name) = routine.split_once(' ').expect("kind and name");
        ask(kind, name);
    }
    for event in list("SELECT event_name FROM information_schema.events WHERE event_schema = 'DB'")
    {
        ask("EVENT", &event);
    }
    for table in list(&format!("{relations} = 'BASE TABLE'")) {
        let sum = values(&format!("CHECKSUM TABLE `{table}` EXTENDED"));
        found.insert(format!("rows {table}"), sum[1].clone());
    }
    found
}

#[test]
fn original_and_extract_of_every_dump_make_equal_databases() {
    if !common::everything() {
        return;
    }
    let mut paths = common::real_dumps();
    let producers = std::env::var_os("CIVIDB_PRODUCERS");
    for name in [
        "mariadb-dump-whole.sql",
        "phpmyadmin-quick.sql",
        "adminer.sql",
        "mysql-9.7-mysqldump-no-gtid.sql",
    ] {
        let path = producers
            .as_ref()
            .map(|folder| Path::new(folder).join(name));
        paths.extend(path.filter(|path| path.is_file()));
    }
    let servers = server::all();
    let servers = servers
        .iter()
        .filter(|server| matches!(server.name.as_str(), "installed" | "mysql-9.7"));
    for server in servers {
        for path in &paths {
            let text = common::text_of(path);
            let version = server.run(None, "SELECT VERSION()");
            let family = if server.is_mysql() {
                "mysql"
            } else {
                "mariadb"
            };
            let series: Vec<&str> = version.split('.').take(2).collect();
            let target = format!("{family}-{}", series.join("."));
            // Each is loaded into a database of its own, which the dump may not choose.
            let rewritten = result(
                &text,
                &["--for", &target, "--definers", "keep", "--database", "none"],
            );
            let plain = result(&rewritten, &[]);
            assert!(plain == rewritten, "{}", path.display());
            load(server, "extract_original", &rewritten);
            load(
                server,
                "extract_result",
                &result(&rewritten, &["--only", "civicrm,cms", "--unknown", "keep"]),
            );
            let (original, copy) = (
                contents(server, "extract_original"),
                contents(server, "extract_result"),
            );
            assert_eq!(copy, original, "{} on {}", path.display(), server.name);
        }
    }
}

/// What a server of one family has and those of others do not take.
fn peculiar(server: &Server) -> String {
    let (strict, loose, language) = match server.is_mysql() {
        true => (
            "utf8mb4_0900_as_cs",
            "utf8mb4_0900_ai_ci",
            "utf8mb4_sv_0900_ai_ci",
        ),
        false => (
            "utf8mb4_uca1400_as_cs",
            "utf8mb4_uca1400_ai_ci",
            "utf8mb4_uca1400_swedish_nopad_as_ci",
        ),
    };
    let text_default = if server.is_mysql() {
        "('abc')"
    } else {
        "'abc'"
    };
    let own_table = match server.is_mysql() {
        true => {
            "CREATE TABLE own (id int primary key, b varbinary(9)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC"
        }
        false => {
            "CREATE TABLE own (id int primary key, b varbinary(9)) ENGINE=Aria PAGE_CHECKSUM=1 ROW_FORMAT=PAGE"
        }
    };
    let mode = match server.is_mysql() {
        true => "STRICT_TRANS_TABLES,TIME_TRUNCATE_FRACTIONAL",
        false => "STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
    };
    format!(
        "CREATE TABLE made (id int primary key, a varchar(60) COLLATE {loose}, \
           s char(80) GENERATED ALWAYS AS (left(to_base64(a), 80)) STORED, \
           v int GENERATED ALWAYS AS (length(a) + 1) VIRTUAL, KEY kv (v, a), KEY ks (s)) ENGINE=InnoDB;\n\
         INSERT INTO made (id, a) VALUES (1, 'é'), (2, 'DEFINER=`x`@`y`'), (3, 'COLLATE {loose}'), \
           (4, 'SET @@SESSION.SQL_LOG_BIN= 0;\\n'), (5, '/*M!999999\\\\- enable */'), (6, NULL);\n\
         CREATE TABLE worded (id int primary key, t text DEFAULT {text_default}, j json) \
           ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={language};\n\
         INSERT INTO worded VALUES (1, '{mode}', '{{\"a\": 1}}');\n\
         {own_table};\n\
         INSERT INTO own VALUES (1, X'00FF27'), (2, 'GTID');\n\
         CREATE USER IF NOT EXISTS extract_gone@localhost;\n\
         CREATE DEFINER=extract_gone@localhost VIEW seen AS SELECT a, s FROM made WHERE a = 'x' COLLATE {strict};\n\
         SET sql_mode = '{mode}';\n\
         DELIMITER //\n\
         CREATE DEFINER=extract_gone@localhost TRIGGER fired BEFORE INSERT ON worded FOR EACH ROW BEGIN SET NEW.t = 'y'; END//\n\
         CREATE DEFINER=extract_gone@localhost FUNCTION called(x varchar(9)) RETURNS varchar(9) CHARSET utf8mb4 COLLATE {loose} \
           DETERMINISTIC BEGIN RETURN x; END//\n\
         CREATE DEFINER=extract_gone@localhost EVENT daily ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1//\n\
         DELIMITER ;\n"
    )
}

/// The rows of a database, in a form that does not depend on the server.
fn rows(server: &Server, database: &str) -> String {
    server.run(
        Some(database),
        "SELECT id, hex(a), s, v FROM made ORDER BY id; SELECT id, hex(t), hex(replace(j, ' ', '')) FROM worded; \
         SELECT id, hex(b) FROM own ORDER BY id",
    )
}

#[test]
fn a_dump_of_one_family_loads_on_the_other_with_equal_rows() {
    let servers = server::all();
    let find = |name: &str| servers.iter().find(|server| server.name == name).copied();
    for (from, to, target) in [
        ("mysql-9.7", "mariadb-10.5", "mariadb-10.5"),
        ("mysql-9.7", "installed", "mariadb-10.11"),
        ("mariadb-11.8", "mysql-9.7", "mysql-9.7"),
        ("mariadb-11.8", "mariadb-10.5", "mariadb-10.5"),
    ] {
        let (Some(from), Some(to)) = (find(from), find(to)) else {
            continue;
        };
        let source = "extract_peculiar";
        load(from, source, peculiar(from).as_bytes());
        let program = if from.is_mysql() {
            "mysqldump"
        } else {
            "mariadb-dump"
        };
        let mut dump = from.program(program);
        let socket = format!("--socket={}", from.socket().display());
        let options = [
            "--no-defaults",
            "-uroot",
            &socket,
            "--routines",
            "--events",
            source,
        ];
        let dump = dump.args(options).output().expect("the dump is made");
        assert!(dump.status.success(), "{}", common::text(&dump.stderr));
        let refused = to.try_run(
            None,
            "DROP DATABASE IF EXISTS extract_taken; CREATE DATABASE extract_taken",
        );
        refused.expect("a database");
        let raw = common::text(&dump.stdout);
        let message = to
            .try_run(Some("extract_taken"), &raw)
            .expect_err("the server refuses the dump itself");
        assert!(message.contains("ERROR"), "{message}");
        let arguments = ["--for", target, "--database", "none"];
        let taken = result(&dump.stdout, &arguments);
        load(to, "extract_taken", &taken);
        let at = format!("{} on {}", from.name, to.name);
        assert_eq!(rows(to, "extract_taken"), rows(from, source), "{at}");
        let names = |server: &Server, database: &str| {
            let names = contents(server, database).into_keys();
            names
                .filter(|name| !name.starts_with("rows"))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(to, "extract_taken"), names(from, source), "{at}");
        let definers = "SELECT definer FROM information_schema.triggers WHERE trigger_schema = 'extract_taken' \
                        UNION SELECT definer FROM information_schema.views WHERE table_schema = 'extract_taken'";
        assert_eq!(to.run(None, definers), "root@localhost\n", "{at}");
        // Generated columns are generated.
        to.run(
            Some("extract_taken"),
            "UPDATE made SET a = 'ab' WHERE id = 6",
        );
        let made = to.run(Some("extract_taken"), "SELECT s, v FROM made WHERE id = 6");
        assert_eq!(made, "YWI=\t3\n", "{at}");
        // What was done can be read back: a second time nothing is left to do.
        let again = piped(&taken, &arguments);
        assert_eq!(again.stdout, taken, "{at}");
    }
}

#[test]
fn every_collation_of_one_server_has_a_nearest_one_on_another() {
    let servers = server::all();
    let collations = |server: &Server| -> BTreeSet<String> {
        let sql = match server.is_mysql() {
            true => "SELECT collation_name FROM information_schema.collations",
            // Newer releases give the names of some without their character set.
            false if server.name == "mariadb-10.5" => {
                "SELECT collation_name FROM information_schema.collations"
            }
            false => {
                "SELECT full_collation_name FROM information_schema.collation_character_set_applicability"
            }
        };
        server.run(None, sql).lines().map(str::to_owned).collect()
    };
    for to in &servers {
        let target = match to.name.as_str() {
            "installed" => ServerVersion::parse(to.run(None, "SELECT VERSION()").trim()),
            name => ServerVersion::parse_target(name).ok(),
        };
        let target = target.expect("a server's version");
        let known = collations(to);
        let charsets = to.run(None, "SHOW CHARACTER SET");
        for from in &servers {
            for name in collations(from) {
                let charset = name.split('_').next().unwrap_or_default();
                let has_charset = charsets
                    .lines()
                    .any(|line| line.split('\t').next() == Some(charset));
                // Names of before utf8mb3 are known everywhere.
                if name.starts_with("utf8_")
                    || known.contains(&name)
                    || !has_charset && !charset.starts_with("utf8")
                {
                    continue;
                }
                let at = format!("{name} of {} on {}", from.name, to.name);
                assert!(!dialect::knows_collation(&target, &name), "{at}");
                let nearest = dialect::nearest_collation(&target, &name);
                let nearest = nearest.unwrap_or_else(|| panic!("none for {at}"));
                assert!(known.contains(&nearest), "{nearest} for {at}");
            }
        }
    }
}

/// Values that look like what is replaced elsewhere, in the bytes of many character sets.
fn hostile_value() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"DEFINER=`root`@`localhost`",
        b"/*!50017 DEFINER=`a`@`b`*/",
        b"DELIMITER ;;\n",
        b"\nDELIMITER ;\n",
        b"/*M!999999\\\\- enable the sandbox mode */",
        b"-- Dump completed on 2026-01-01\n",
        b"\n--\n-- Table structure for table `users`\n--\n",
        b"COLLATE utf8mb4_0900_ai_ci",
        b"SET @@GLOBAL.GTID_PURGED=\\'x\\';",
        b"SET sql_mode=\\'NO_AUTO_CREATE_USER\\';",
        b"`civicrm`.`users`",
        b"USE `civicrm`;\n",
        b"),(1,",
        b");\nINSERT INTO `users` VALUES (",
        b"CREATE TABLE `x` (`a` int);",
        b"ROW_FORMAT=FIXED",
        b"''",
        b"\\'",
        b"\\\\",
        b"\\0\\n",
        b"\"",
        b"#",
        b"/*",
        b"*/",
        "é😀\u{202e}".as_bytes(),
        // latin1, UTF-16, Shift JIS without a backslash byte, invalid UTF-8.
        b"\xe9\xfc",
        b"\x00A\x00b",
        b"\x83e\x83X",
        b"\xff\xfe\x80",
        b"\x01\x1a",
    ];
    let piece = proptest::sample::select(pieces).prop_map(<[u8]>::to_vec);
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if common::everything() { 400 } else { 12 }))]

    #[test]
    fn rows_come_out_as_they_went_in(values in proptest::collection::vec(hostile_value(), 1..20), charset in 0..5usize) {
        let names = ["utf8mb4", "latin1", "binary", "cp1251", "utf8mb3"];
        let mut text = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n-- Host: localhost    Database: civicrm\n".to_vec();
        text.extend(format!("/*!40101 SET NAMES {} */;\n", names[charset]).bytes());
        text.extend_from_slice(b"USE `civicrm`;\nCREATE TABLE `system` (`filename` int, `name` text COLLATE utf8mb4_0900_ai_ci, `type` int, `status` int, `schema_version` int);\nCREATE TABLE `users` (`id` int, `v` blob);\nCREATE TABLE `civicrm_contact` (`id` int, `v` blob);\n");
        let mut inserts = [Vec::new(), Vec::new()];
        for (number, value) in values.iter().enumerate() {
            let table = ["users", "civicrm_contact"][number % 2];
            let mut insert = format!("INSERT INTO `{table}` VALUES ({number},'").into_bytes();
            // Programs write `\\0` for a zero byte.
            insert.extend(value.iter().filter(|byte| **byte != 0));
            insert.extend_from_slice(b"'),(7,NULL);\n");
            text.extend_from_slice(&insert);
            inserts[number % 2].extend_from_slice(&insert);
        }
        text.extend_from_slice(b"-- Dump completed\n");
        let every = ["--for", "mysql-5.7", "--definers", "a@b", "--database", "other"];
        for (only, kept) in [("civicrm", 1), ("cms", 0)] {
            let arguments = [&every[..], &["--only", only, "--unknown", "leave"]].concat();
            let output = piped(&text, &arguments);
            prop_assert!(output.status.success(), "{}", common::text(&output.stderr));
            let found = &output.stdout;
            prop_assert!(memchr::memmem::find(found, &inserts[kept]).is_some() || inserts[kept].is_empty());
            let count = |text: &[u8]| memchr::memmem::find_iter(text, b"INSERT INTO").count();
            prop_assert_eq!(count(found), count(&inserts[kept]));
        }
    }
}

#[test]
fn what_nobody_can_place_is_asked_for() {
    let mut text = b"CREATE TABLE `donor_notes` (`id` int, `contact_id` int unsigned, CONSTRAINT `f` FOREIGN KEY (`contact_id`) REFERENCES `civicrm_contact` (`id`));\nCREATE TABLE `civicrm_strange` (`id` int);\nINSERT INTO `civicrm_strange` VALUES (1);\n".to_vec();
    let sample = common::sample();
    let end =
        memchr::memmem::rfind(&sample, b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE").expect("its end");
    text = [&sample[..end], &text, &sample[end..]].concat();
    let output = piped(&text, &["--only", "civicrm"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let message = common::text(&output.stderr);
    for part in [
        "table donor_notes: a foreign key ties it to civicrm_contact",
        "table civicrm_strange: ",
        "--unknown keep",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let has = |arguments: &[&str]| {
        let snapshot = common::snapshot_of(&result(&text, arguments));
        ["donor_notes", "civicrm_strange"].map(|name| snapshot.schema.tables.contains_key(name))
    };
    assert_eq!(
        has(&["--only", "civicrm", "--unknown", "keep"]),
        [true, true]
    );
    assert_eq!(
        has(&["--only", "civicrm", "--unknown", "leave"]),
        [false, false]
    );
    assert_eq!(
        has(&["--only", "civicrm,donor_*", "--without", "civicrm_strange"]),
        [true, false]
    );
    assert_eq!(has(&["--without", "donor_*"]), [false, true]);
}

#[test]
fn parts_are_taken_by_pattern_and_what_they_need_comes_along() {
    let whole = shared_with_drupal();
    let snapshot = |arguments: &[&str]| common::snapshot_of(&result(&whole, arguments));
    let phones = objects(&snapshot(&["--only", "civicrm_phone"]));
    let names: Vec<&str> = phones.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "function civicrm_strip_non_numeric",
            "table civicrm_phone",
            "trigger civicrm_phone_after_delete",
            "trigger civicrm_phone_after_insert",
            "trigger civicrm_phone_after_update",
            "trigger civicrm_phone_before_insert",
            "trigger civicrm_phone_before_update",
        ]
    );
    let lean = snapshot(&[
        "--structure-only",
        "civicrm_worldregion",
        "--without",
        "caches",
    ]);
    assert!(lean.schema.tables.contains_key("civicrm_worldregion"));
    assert_eq!(lean.row_counts.get("civicrm_worldregion"), None);
    assert!(lean.schema.tables.contains_key("cache_menu"));
    assert_eq!(lean.row_counts.get("cache_menu"), None);
    assert_eq!(lean.row_counts.get("users"), Some(&2));
    let rows = result(&whole, &["--rows-only"]);
    let found = common::snapshot_of(&rows);
    assert_eq!(found.row_counts, common::snapshot_of(&whole).row_counts);
    assert!(objects(&found).is_empty(), "{:?}", objects(&found));
    assert!(!common::text(&rows).contains("DROP TABLE"));
}

#[test]
fn the_name_of_the_database_is_replaced_or_taken_out() {
    let text = b"-- MySQL dump 10.13\n-- Host: localhost    Database: old\n--\n-- Current Database: `old`\n--\n\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ `old` /*!40100 DEFAULT CHARACTER SET utf8 */;\n\nUSE `old`;\nCREATE TABLE `old`.`civicrm_contact` (`id` int, `old` text);\nINSERT INTO `old`.`civicrm_contact` VALUES (1,'`old`.`x` USE `old`');\nCREATE VIEW `v` AS select `old`.`civicrm_contact`.`old` AS `old_name` from `old`.`civicrm_contact`;\n-- Dump completed\n";
    let renamed = result(text, &["--database", "new"]);
    assert_eq!(
        common::text(&renamed),
        "-- MySQL dump 10.13\n-- Host: localhost    Database: old\n--\n-- Current Database: `new`\n--\n\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ `new` /*!40100 DEFAULT CHARACTER SET utf8 */;\n\nUSE `new`;\nCREATE TABLE `new`.`civicrm_contact` (`id` int, `old` text);\nINSERT INTO `new`.`civicrm_contact` VALUES (1,'`old`.`x` USE `old`');\nCREATE VIEW `v` AS select `new`.`civicrm_contact`.`old` AS `old_name` from `new`.`civicrm_contact`;\n-- Dump completed\n"
    );
    let without = result(text, &["--database", "none"]);
    assert_eq!(
        common::text(&without),
        "-- MySQL dump 10.13\n-- Host: localhost    Database: old\nCREATE TABLE `civicrm_contact` (`id` int, `old` text);\nINSERT INTO `civicrm_contact` VALUES (1,'`old`.`x` USE `old`');\nCREATE VIEW `v` AS select `civicrm_contact`.`old` AS `old_name` from `civicrm_contact`;\n-- Dump completed\n"
    );
    let alias = b"USE `old`;\nCREATE TABLE `civicrm_contact` (`id` int);\nCREATE VIEW `v` AS select `old`.`id` from `civicrm_contact` `old`;\n";
    let output = piped(alias, &["--database", "new"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        common::text(&output.stderr).contains("at line 3"),
        "{}",
        common::text(&output.stderr)
    );
}

#[test]
fn a_list_of_tables_keeps_those_that_are_taken() {
    let text = b"DROP TABLE IF EXISTS `civicrm_contact`, `users`, `civicrm_email`;\nLOCK TABLES `users` WRITE, `civicrm_email` WRITE;\nUNLOCK TABLES;\nLOCK TABLES `users` WRITE;\nUNLOCK TABLES;\nCREATE TABLE `civicrm_contact` (`id` int);\n";
    let found = result(text, &["--only", "civicrm_*"]);
    assert_eq!(
        common::text(&found),
        "DROP TABLE IF EXISTS `civicrm_contact`, `civicrm_email`;\nLOCK TABLES `civicrm_email` WRITE;\nUNLOCK TABLES;\nCREATE TABLE `civicrm_contact` (`id` int);\n"
    );
}

#[test]
fn a_dump_that_is_not_whole_gives_no_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = common::sample();
    let cut = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).expect("a file");
    let at = memchr::memmem::rfind(&text, b"CREATE TABLE").expect("a statement");
    cut("cut.sql", &text[..at + 40]);
    let end = memchr::memmem::rfind(&text, b"-- Dump completed").expect("its last line");
    cut("ended.sql", &text[..end]);
    fs::write(folder.path().join("old.sql.gz"), b"the result of before").expect("a file");
    for arguments in [
        &["cut.sql", "-o", "old.sql.gz"][..],
        &["cut.sql", "-o", "old.sql.gz", "--only", "civicrm"],
        &["ended.sql", "-o", "old.sql.gz"],
    ] {
        let output = extract(folder.path(), arguments);
        let message = common::text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("dump-truncated"), "{message}");
        assert!(message.contains("nothing was written"), "{message}");
        let before = fs::read(folder.path().join("old.sql.gz")).expect("a file");
        assert_eq!(before, b"the result of before");
    }
    let left: Vec<String> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| common::name(&entry.expect("an entry").path()))
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.sql"), common::sample()).expect("the dump is written");
    fs::create_dir(folder.path().join("folder")).expect("a folder");
    for (arguments, part) in [
        (&["missing.sql"][..], "missing.sql"),
        (&["missing.sql", "--only", "civicrm"], "missing.sql"),
        (&["folder"], "it is a folder"),
        (&["mysql://root@localhost/x"], "extract takes a dump"),
        (&["a.sql", "-o", "a.sql"], "would overwrite the dump"),
        (&["a.sql", "-o", "b.sql.xz"], "not .xz"),
        (&["a.sql", "-o", "nowhere/b.sql"], "nowhere/b.sql"),
        (&["a.sql", "--only", "civicrm["], "not a pattern"),
        (&["a.sql", "--definers", "nobody"], "NAME@HOST"),
        (&["a.sql", "--for", "oracle-9"], "is not a server"),
        (
            &["a.sql", "--from-database", "other"],
            "there is no database 'other'",
        ),
        (&["a.sql", "--format", "csv"], "csv"),
    ] {
        let output = extract(folder.path(), arguments);
        let message = common::text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_list_says_whose_each_object_is_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("shared.sql"), shared_with_drupal()).expect("the dump is written");
    let output = extract(
        folder.path(),
        &[
            "shared.sql",
            "--list",
            "--only",
            "civicrm",
            "--format",
            "json",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    let report = common::json(&output);
    let objects = report["extract"]["objects"].as_array().expect("a list");
    let of = |name: &str| {
        let found = objects.iter().find(|it| it["name"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} is listed"));
        ["kind", "owner", "taken", "why"]
            .map(|key| found[key].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(
        of("civicrm_contact"),
        ["table", "civicrm", "all", "the release has it"]
    );
    assert_eq!(
        of("users"),
        ["table", "cms", "nothing", "Drupal is in the same database"]
    );
    assert_eq!(
        of("civicrm_group_roles_rules"),
        [
            "table",
            "cms",
            "nothing",
            "a module of Drupal has a table of this name"
        ]
    );
    assert_eq!(of("node_title")[1], "cms");
    assert_eq!(of("pages")[1], "cms");
    let users = objects
        .iter()
        .find(|it| it["name"] == "users")
        .expect("it is there");
    assert_eq!(users["rows"], 2);
    let insert = b"INSERT INTO `users` VALUES ";
    let text = shared_with_drupal();
    let at = memchr::memmem::find(&text, insert).expect("its rows");
    let length = memchr::memmem::find(&text[at..], b");\n").expect("their end");
    assert!(users["bytes"].as_u64().expect("a number") >= length as u64);
    let human = common::text(&extract(folder.path(), &["shared.sql", "--list"]).stdout);
    let lines = human.lines().filter(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        [
            "users",
            "civicrm_worldregion",
            "body_kept",
            "pages",
            "civicrm_strip_non_numeric",
        ]
        .iter()
        .any(|name| words.contains(name))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_rewrite_is_told_with_its_line() {
    let text = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19-11.8.2-MariaDB\n--\n-- Host: localhost    Database: civicrm\n\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;\nCREATE TABLE `civicrm_contact` (\n  `id` int,\n  `name` text COLLATE utf8mb4_uca1400_ai_ci DEFAULT 'x'\n) ENGINE=InnoDB ROW_FORMAT=FIXED;\nINSERT INTO `civicrm_contact` VALUES (1,'DEFINER=`a`@`b`');\n/*!50003 SET sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER' */ ;\n/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS select 1 AS `one` */;\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n-- Dump completed on 2026-01-01  0:00:00\n";
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.sql"), text).expect("the dump is written");
    let arguments = ["a.sql", "--for", "mysql-9.7", "-o", "b.sql"];
    let output = extract(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(common::text(&output.stderr));
    let written = fs::read(folder.path().join("b.sql")).expect("the result");
    insta::assert_snapshot!(
        "every_rewrite_is_told_with_its_line_result",
        common::text(&written)
    );
    let output = extract(
        folder.path(),
        &[&arguments[..], &["--format", "json"]].concat(),
    );
    let report = common::json(&output);
    let rewrites = report["extract"]["rewrites"].as_array().expect("a list");
    let lines: Vec<u64> = rewrites
        .iter()
        .filter_map(|it| it["line"].as_u64())
        .collect();
    assert_eq!(lines, [1, 7, 10, 10, 10, 11, 13, 15]);
    assert_eq!(report["extract"]["written"], true);
}

/// A dump without its triggers and routines.
fn without_programs(text: &[u8]) -> Vec<u8> {
    let block =
        regex::bytes::Regex::new(r"(?s)DELIMITER ;;\n.*?\nDELIMITER ;\n").expect("a pattern");
    block.replace_all(text, &b""[..]).into_owned()
}

#[test]
fn what_the_core_of_civicrm_has_is_added_and_marked() {
    let bare = without_programs(&common::sample());
    let errors = |text: &[u8]| common::ids(&common::verify(text), cividb::checks::Severity::Error);
    assert!(errors(&bare).len() >= 29);
    let repaired = result(&bare, &["--repair"]);
    assert_eq!(errors(&repaired), [""; 0]);
    let [whole, added] =
        [&common::sample(), &repaired].map(|text| objects(&common::snapshot_of(text)));
    assert_eq!(added, whole);
    let text = common::text(&repaired);
    assert!(text.contains("-- cividb "), "{text}");
    let place = |what: &str| text.find(what).expect("it is there");
    assert!(place("CREATE TRIGGER `civicrm_address_after_insert`") < place("-- Dump completed"));
    // Of what is left out nothing is added, and what is there is not made twice.
    let phones = objects(&common::snapshot_of(&result(
        &bare,
        &["--repair", "--only", "civicrm_phone"],
    )));
    assert_eq!(phones.len(), 7, "{phones:?}");
    let again = piped(&repaired, &["--repair"]);
    assert_eq!(again.stdout, repaired);
}

#[test]
fn what_is_added_does_what_the_programs_of_the_site_do() {
    let Some(shared) = common::shared().filter(|_| common::everything()) else {
        return;
    };
    let Some(server) = server::installed() else {
        return;
    };
    let whole = common::text_of(&shared.join("dumps/5.81.2-small.mysql.bz2"));
    let function = result(&whole, &["--definers", "current", "--repair"]);
    let bare = without_programs(&whole);
    let repaired = result(&bare, &["--repair"]);
    let work = "SET foreign_key_checks = 0; SET timestamp = 1700000000;
        INSERT INTO civicrm_contact (id, contact_type) VALUES (900001, 'Individual'), (900002, 'Individual');
        SET timestamp = 1700000100;
        INSERT INTO civicrm_phone (id, contact_id, phone) VALUES (900001, 900001, '+49 (0)30/12-34 x\u{0661}'), (900002, 900002, NULL);
        UPDATE civicrm_phone SET phone = '' WHERE id = 900002;
        INSERT INTO civicrm_relationship_type (id, name_a_b, name_b_a) VALUES (9001, 'near', 'far');
        INSERT INTO civicrm_relationship (id, contact_id_a, contact_id_b, relationship_type_id, start_date, is_active)
          VALUES (9001, 900001, 900002, 9001, '2020-01-01', 1), (9002, 900002, 900001, 4, NULL, 0);
        UPDATE civicrm_relationship SET end_date = '2021-01-01', relationship_type_id = 5 WHERE id = 9002;
        UPDATE civicrm_relationship_type SET name_a_b = 'close', description = 'x' WHERE id = 9001;
        SET timestamp = 1700000200;
        DELETE FROM civicrm_phone WHERE id = 900002;
        INSERT INTO civicrm_case (id, case_type_id, status_id) VALUES (9001, 1, 1);
        INSERT INTO civicrm_activity (id, activity_type_id) VALUES (9001, 1);
        SET timestamp = 1700000300;
        INSERT INTO civicrm_case_activity (case_id, activity_id) VALUES (9001, 9001);
        UPDATE civicrm_activity SET subject = 'x' WHERE id = 9001;
        INSERT INTO civicrm_value_constituent_information_1 (entity_id) VALUES (900001);";
    let asked = "SELECT id, created_date, modified_date FROM civicrm_contact WHERE id >= 900001;
        SELECT id, phone, phone_numeric FROM civicrm_phone WHERE id >= 900001;
        SELECT relationship_id, relationship_type_id, orientation, near_contact_id, near_relation, far_contact_id,
          far_relation, start_date, end_date, is_active, case_id FROM civicrm_relationship_cache
          WHERE relationship_id >= 9001 ORDER BY relationship_id, orientation;
        SELECT id, created_date, modified_date FROM civicrm_case WHERE id = 9001;
        SELECT id, created_date, modified_date FROM civicrm_activity WHERE id = 9001;";
    let answers =
        [("extract_own", &function), ("extract_repaired", &repaired)].map(|(database, text)| {
            // What a function takes has the character set of the database, and sites have one that holds every number.
            server.run(
                None,
                &format!(
                    "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database} CHARACTER SET utf8mb4"
                ),
            );
            server.run(Some(database), &common::text(text));
            server.run(Some(database), work);
            server.run(Some(database), asked)
        });
    assert_eq!(answers[1], answers[0]);
    assert!(answers[0].contains("close"), "{}", answers[0]);
}

#[test]
fn keys_to_columns_that_are_not_unique_get_the_setting_that_they_need() {
    let text = b"SET FOREIGN_KEY_CHECKS=0;\nCREATE TABLE `parent` (`id` int, `code` char(9), PRIMARY KEY (`id`), KEY `code` (`code`));\nCREATE TABLE `child` (`code` char(9), CONSTRAINT `of` FOREIGN KEY (`code`) REFERENCES `parent` (`code`));\nINSERT INTO `child` VALUES ('x');\nSET FOREIGN_KEY_CHECKS=1;\n";
    let fit = common::text(&result(text, &["--for", "mysql-9.7"]));
    let setting = "SET SESSION restrict_fk_on_non_standard_key = OFF;\n";
    let before = fit.find("CREATE TABLE `parent`").expect("the table");
    assert_eq!(
        fit.find(setting).map(|at| at + setting.len()),
        Some(before),
        "{fit}"
    );
    for target in ["mysql-8.0", "mariadb-11.8"] {
        assert_eq!(result(text, &["--for", target]), text);
    }
    let unique = common::replaced(text, ", KEY `code`", ", UNIQUE KEY `code`");
    assert_eq!(result(&unique, &["--for", "mysql-9.7"]), unique);
    for server in server::all().into_iter().filter(|server| server.is_mysql()) {
        server.run(
            None,
            "DROP DATABASE IF EXISTS extract_keys; CREATE DATABASE extract_keys",
        );
        let refused = server.try_run(Some("extract_keys"), &common::text(text));
        assert!(refused.expect_err("MySQL refuses it").contains("6125"));
        server.run(
            None,
            "DROP DATABASE extract_keys; CREATE DATABASE extract_keys",
        );
        server.run(Some("extract_keys"), &fit);
    }
}

#[test]
fn of_several_databases_one_is_taken() {
    let text = b"CREATE DATABASE `cms`;\nUSE `cms`;\nCREATE TABLE `users` (`uid` int);\nINSERT INTO `users` VALUES (1);\nCREATE DATABASE `civi`;\nUSE `civi`;\nCREATE TABLE `civicrm_contact` (`id` int);\nINSERT INTO `civicrm_contact` VALUES (1);\nINSERT INTO `cms`.`users` VALUES (2);\n";
    let civi = "CREATE DATABASE `civi`;\nUSE `civi`;\nCREATE TABLE `civicrm_contact` (`id` int);\nINSERT INTO `civicrm_contact` VALUES (1);\n";
    assert_eq!(common::text(&result(text, &["--only", "civicrm"])), civi);
    assert_eq!(
        common::text(&result(text, &["--from-database", "civi"])),
        civi
    );
    let cms = "CREATE DATABASE `cms`;\nUSE `cms`;\nCREATE TABLE `users` (`uid` int);\nINSERT INTO `users` VALUES (1);\nINSERT INTO `cms`.`users` VALUES (2);\n";
    assert_eq!(
        common::text(&result(text, &["--from-database", "cms"])),
        cms
    );
    assert_eq!(
        common::text(&result(text, &["--for", "mysql-8.0"])),
        common::text(text)
    );
    let output = piped(text, &["--only", "civicrm"]);
    assert!(common::text(&output.stderr).contains("other databases, left out  cms"));
}

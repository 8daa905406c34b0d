//! More kinds of dumps as people have them: text that looks like SQL, CMS databases, variables, programs and folders.

use std::fs;
use std::path::Path;

use cividb::checks::Findings;
use cividb::civicrm::site;
use cividb::dump::reader::DumpReader;
use cividb::dump::scanner::Scanner;
use cividb::snapshot::Snapshot;

use crate::common::{self, LAST_LINE, errors, on_server, warnings, with};

const BEFORE_TABLE: &str = "--\n-- Table structure for table `civicrm_contact`";
const COMMENT: &str = "/* it's an old comment of the ops team\n";

/// Lines that begin as statements or comments do.
const MESSAGES: [&str; 12] = [
    "(Reading database ... 12 files)\n",
    "(node:12) [DEP0040] it's deprecated\n",
    "(base) user@host:~$ mysqldump civicrm\n",
    "/usr/bin/mysqldump: Deprecated program name. It's going\n",
    "/usr/bin/backup.sh: line 14: [: too many arguments\n",
    "select count(*) from civicrm_contact: 102\n",
    "SET PASSWORD reminder: it's due\n",
    "SET NAMES and places to be checked\n\n",
    "show me what's wrong\n",
    "check table civicrm_contact: OK\n",
    "drop table civicrm_x: can't\n",
    "insert into civicrm_x: it's done\n",
];

/// The fixes of the findings of a check.
fn fixes(findings: &Findings, check: &str) -> String {
    let found = findings.list.iter().filter(|it| it.check.id == check);
    found
        .map(|it| it.fix.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The sample without its function, and with another first line.
fn without_function(header: &str) -> Vec<u8> {
    let sample = common::text(&common::sample());
    let begins = sample.find("CREATE DEFINER=`civicrm`@`localhost` FUNCTION");
    let begins = begins.expect("a function");
    let ends = begins + sample[begins..].find("END ;;").expect("its end") + "END ;;".len();
    let text = format!("{}{}", &sample[..begins], &sample[ends..]);
    let first = text.lines().next().expect("a line").to_owned();
    let text = text.replacen(&first, header, 1);
    // The last line that Adminer and AdminNeo write.
    match header.contains("Admin") && !header.contains("phpMyAdmin") {
        true => text.replace(
            "-- Dump completed on 2025-05-01  2:00:07",
            "-- 2025-05-01 02:00:07 UTC",
        ),
        false => text,
    }
    .into_bytes()
}

#[test]
fn a_message_that_begins_as_sql_does_is_one_error_wherever_it_stands() {
    let sample = common::sample();
    let whole = common::snapshot_of(&sample);
    for message in MESSAGES {
        let between = format!("{message}{BEFORE_TABLE}");
        for text in [
            [message.as_bytes(), &sample[..]].concat(),
            [&sample[..], message.as_bytes()].concat(),
            common::replaced(&sample, BEFORE_TABLE, &between),
        ] {
            let snapshot = common::snapshot_of(&text);
            assert_eq!(snapshot.source, whole.source, "{message}");
            assert_eq!(snapshot.schema, whole.schema, "{message}");
            let findings = common::verify(&text);
            assert_eq!(errors(&findings), ["dump-error-text"], "{message}");
            assert_eq!(findings.not_checked, [], "{message}");
        }
    }
}

#[test]
fn a_comment_without_an_end_is_text_and_swallows_nothing_wherever_the_pieces_end() {
    let sample = common::sample();
    let whole = common::snapshot_of(&sample);
    let between = format!("{COMMENT}{BEFORE_TABLE}");
    for text in [
        [COMMENT.as_bytes(), &sample[..]].concat(),
        common::replaced(&sample, BEFORE_TABLE, &between),
    ] {
        let findings = common::verify(&text);
        assert_eq!(errors(&findings), ["dump-error-text"]);
        assert_eq!(findings.not_checked, []);
        let at_once = common::snapshot_of(&text);
        assert_eq!(at_once.schema, whole.schema);
        for size in [61, 300, 4096] {
            let mut reader = DumpReader::new(site::ROWS_WANTED);
            let mut scanner = Scanner::default();
            for piece in text.chunks(size) {
                scanner.feed(piece, &mut reader);
            }
            let ending = scanner.finish(&mut reader);
            reader.end_file(ending, None, b"");
            let snapshot = reader.finish(None, &site::MARKS).expect("one database");
            assert_eq!(snapshot.schema, at_once.schema, "{size}");
            let facts = |snapshot: &Snapshot| format!("{:?}", snapshot.dump);
            assert_eq!(facts(&snapshot), facts(&at_once), "{size}");
        }
    }
    // A comment that ends is one, whatever stands in it.
    let ended = common::replaced(
        &sample,
        BEFORE_TABLE,
        &format!("/* it's\n-- x\n(y)\n*/\n{BEFORE_TABLE}"),
    );
    assert_eq!(errors(&common::verify(&ended)), [""; 0]);
}

#[test]
fn very_many_comments_without_an_end_take_no_time() {
    let text = "/* x\n".repeat(100_000) + "/*!40101 SET NAMES utf8 */;\n";
    let findings = common::verify(text.as_bytes());
    assert!(!errors(&findings).is_empty());
}

#[test]
fn statements_that_look_like_messages_are_statements() {
    for text in [
        "(SELECT 1) UNION (SELECT 2);",
        "SELECT 'a: it''s';",
        "SELECT 1\nFROM dual;",
        "SET @x := 'a: b', @y = \"it's\";",
        "CREATE TABLE zz (\n `a` int COMMENT 'note: x'\n);",
        "CALL x(': ');",
    ] {
        assert_eq!(errors(&common::verify(&with(text))), [""; 0], "{text}");
    }
}

#[test]
fn a_message_glued_to_the_last_line_does_not_cut_the_dump() {
    let sample = common::text(&common::sample());
    for message in ["Connection closed", "mysqldump: it's late", "/x: y"] {
        let text = format!("{}{message}\n", sample.trim_end());
        let findings = common::verify(text.as_bytes());
        assert_eq!(errors(&findings), ["dump-error-text"], "{message}");
        assert!(
            findings.list[0]
                .message
                .contains("behind the end of the dump")
        );
        assert!(fixes(&findings, "dump-error-text").contains("a restore passes it"));
        assert_eq!(findings.not_checked, [], "{message}");
    }
}

#[test]
fn a_file_with_a_message_alone_has_no_line_to_delete() {
    for message in [
        "mysqldump: Got error: 1045: \"Access denied for user 'civi'@'localhost'\"\n",
        "ERROR 2002 (HY000): Can't connect to local MySQL server\n",
        "Warning: Permanently added 'db' to the list of known hosts.\nPermission denied.\n",
    ] {
        let findings = common::verify(message.as_bytes());
        assert!(errors(&findings).contains(&"dump-empty".to_owned()));
        let fixes = fixes(&findings, "dump-error-text");
        assert!(!fixes.contains("Delete"), "{fixes}");
        let mut found = findings.list.iter();
        assert!(
            !found.any(|it| it.message.contains("in front of")),
            "{message}"
        );
    }
}

#[test]
fn tables_of_a_cms_that_are_named_like_civicrms_are_none() {
    let text = "CREATE TABLE `users` (`id` int);\nCREATE TABLE `civicrm_event__field_image` (`id` int);\n\
                CREATE TABLE `civicrm_entity_settings` (`id` int);\n\
                CREATE TABLE `civicrm_member_roles_rules` (`id` int);\nINSERT INTO `users` VALUES (1);\n";
    assert_eq!(
        errors(&common::verify(text.as_bytes())),
        ["dump-no-civicrm"]
    );
}

#[test]
fn of_a_cms_and_a_site_in_one_dump_the_site_is_chosen() {
    let sample = common::text(&common::sample());
    let text = format!(
        "CREATE DATABASE `cms`;\nUSE `cms`;\nCREATE TABLE `civicrm_entity_settings` (`id` int);\n\
         CREATE DATABASE `site`;\nUSE `site`;\n{sample}"
    );
    let snapshot = common::snapshot_of(text.as_bytes());
    assert_eq!(snapshot.database.as_deref(), Some("site"));
}

#[test]
fn names_of_civicrm_in_capitals_are_told_by_one_finding() {
    let text = common::replaced(&common::sample(), "`civicrm_", "`CIVICRM_");
    let findings = common::verify(&text);
    assert_eq!(errors(&findings), ["dump-no-civicrm"]);
    assert!(findings.list[0].message.contains("another letter case"));
    assert!(fixes(&findings, "dump-no-civicrm").contains("lower_case_table_names=1"));
}

#[test]
fn tables_named_with_the_dumps_own_database_and_triggers_without_are_one_database() {
    let whole = common::snapshot_of(&common::sample());
    let qualified = common::replaced(
        &common::sample(),
        "CREATE TABLE `civicrm_",
        "CREATE TABLE `civicrm`.`civicrm_",
    );
    let qualified = common::replaced(
        &qualified,
        "INSERT INTO `civicrm_",
        "INSERT INTO `civicrm`.`civicrm_",
    );
    let without_header =
        common::replaced(&qualified, "-- Host: localhost    Database: civicrm", "--");
    for text in [&qualified, &without_header] {
        let snapshot = common::snapshot_of(text);
        assert_eq!(snapshot.schema.triggers, whole.schema.triggers);
        assert_eq!(snapshot.schema.tables, whole.schema.tables);
        assert_eq!(errors(&common::verify(text)), [""; 0]);
    }
}

#[test]
fn columns_that_come_from_a_query_are_not_counted() {
    for text in [
        "CREATE TABLE zz AS SELECT 1 AS a, 2 AS b;\nINSERT INTO zz VALUES (1,2);",
        "CREATE TABLE zz (c int) SELECT 1 AS a, 2 AS b;\nINSERT INTO zz VALUES (1,2,3);",
    ] {
        assert_eq!(errors(&common::verify(&with(text))), [""; 0], "{text}");
    }
}

#[test]
fn values_for_generated_columns_are_found_in_every_form_of_insert() {
    let table = "CREATE TABLE `t` (\n `id` int NOT NULL,\n `g` int GENERATED ALWAYS AS (`id` + 1) VIRTUAL\n);\n";
    for (insert, is_refused) in [
        ("INSERT INTO `t` SET id=1,g=4;", true),
        ("INSERT INTO `t` SET `t`.`g` = f(1, 2), id = 3;", true),
        ("REPLACE INTO `t` SET g:=4;", true),
        ("INSERT INTO `t` (id, g) SELECT 1, 2;", true),
        ("INSERT INTO `t` SET id=1,g=DEFAULT;", false),
        (
            "INSERT INTO `t` SET id=1 ON DUPLICATE KEY UPDATE id=2;",
            false,
        ),
    ] {
        let expected: &[&str] = match is_refused {
            true => &["restore-generated-column g"],
            false => &[],
        };
        let text = with(&format!("{table}{insert}"));
        assert_eq!(errors(&on_server(&text, "mysql-9.7")), expected, "{insert}");
    }
}

#[test]
fn variables_of_a_session_are_told_by_the_servers_that_refuse_them() {
    for (text, server, expected) in [
        ("SET innodb_strict_mode=OFF;", "mysql-8.4", true),
        ("SET innodb_strict_mode=OFF;", "mysql-8.0.26", true),
        ("SET innodb_strict_mode=OFF;", "mysql-8.0.25", false),
        ("SET innodb_strict_mode=OFF;", "mariadb-10.11", false),
        ("SET SESSION bulk_insert_buffer_size=1;", "mysql-9.7", true),
        ("SET @@SESSION.low_priority_updates=1;", "mysql-9.7", true),
        (
            "SET SESSION enforce_storage_engine=InnoDB;",
            "mariadb-11.8",
            true,
        ),
        (
            "SET SESSION auto_increment_increment=1;",
            "mysql-9.7",
            false,
        ),
        ("SET SESSION sort_buffer_size=1;", "mysql-9.7", false),
    ] {
        let found = warnings(&on_server(&with(text), server));
        let is_warned = found.iter().any(|id| id.starts_with("restore-privilege "));
        assert_eq!(is_warned, expected, "{text} {server} {found:?}");
    }
    for server in ["mysql-5.7", "mysql-9.7", "mariadb-10.11"] {
        for variable in [
            "max_allowed_packet",
            "net_buffer_length",
            "max_user_connections",
        ] {
            let found = on_server(&with(&format!("SET SESSION {variable}=8192;")), server);
            assert_eq!(errors(&found), [format!("restore-variable {variable}")]);
            let found = on_server(&with(&format!("SET GLOBAL {variable}=8192;")), server);
            assert_eq!(errors(&found), [""; 0]);
        }
    }
}

/// Measured on MySQL 9.7 and MariaDB 10.11 at 1, 4, 16 and 32 MiB: two bytes less than `max_allowed_packet` go through.
#[test]
fn a_statement_one_byte_shorter_than_the_packet_is_too_large() {
    const PACKET: usize = 4 << 20;
    let head = "INSERT INTO `civicrm_worldregion` VALUES (9,'";
    for (length, is_too_large) in [(PACKET - 2, false), (PACKET - 1, true), (PACKET, true)] {
        let value = "x".repeat(length - head.len() - "')".len());
        let text = with(&format!("{head}{value}');"));
        let findings = on_server(&text, "mysql-5.7");
        let found = warnings(&findings);
        let is_warned = found.iter().any(|id| id.starts_with("restore-packet"));
        assert_eq!(is_warned, is_too_large, "{length}");
        assert_eq!(
            fixes(&findings, "restore-packet").contains("max_allowed_packet to 5M"),
            is_too_large
        );
    }
}

#[test]
fn the_fix_for_a_lost_function_names_an_option_that_the_program_has() {
    for (header, said, unsaid) in [
        (
            "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)",
            "with --routines",
            "option '",
        ),
        (
            "-- phpMyAdmin SQL Dump",
            "FUNCTION / EVENT / TRIGGER statement' on",
            "--routines",
        ),
        (
            "-- AdminNeo 5.1.1 MySQL 8.0.42 dump",
            "with the option Routines on",
            "--routines",
        ),
        (
            "-- Adminer 4.8.1 MySQL 8.0.42 dump",
            "with the option Routines on",
            "--routines",
        ),
        (
            "-- Backup with BackWPup ver.: 4.1.3",
            "BackWPup never writes",
            "the option",
        ),
        (
            "-- All In One WP Migration SQL Dump",
            "All-in-One WP Migration never writes",
            "the option",
        ),
    ] {
        let findings = common::verify(&without_function(header));
        let fix = fixes(&findings, "routine-missing");
        let fix = fix.split("instead").next().expect("a text");
        assert!(fix.contains(said), "{header}: {fix}");
        let own = fix
            .split("make the backup with mysqldump")
            .next()
            .expect("a text");
        assert!(!own.contains(unsaid), "{header}: {fix}");
    }
}

#[test]
fn the_line_of_a_source_names_what_stops_the_restore_before_what_civicrm_makes_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = "CREATE TABLE `t` (\n `id` int NOT NULL,\n `g` int GENERATED ALWAYS AS (`id` + 1) VIRTUAL\n);\n\
                 INSERT INTO `t` VALUES (1,2);\n";
    let header = "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)";
    let text = common::replaced(
        &without_function(header),
        LAST_LINE,
        &format!("{table}{LAST_LINE}"),
    );
    fs::write(folder.path().join("a.sql"), text).expect("written");
    fs::write(folder.path().join("b.sql"), common::sample()).expect("written");
    let output = common::cividb(folder.path(), &["verify", "a.sql", "b.sql"]);
    let said = common::text(&output.stdout);
    // The lines of all sources stand behind the reports.
    let last = said.lines().rfind(|line| line.contains("a.sql"));
    let last = last.expect("a line");
    assert!(last.contains("generated column g"), "{said}");
}

#[test]
fn folders_without_a_dump_are_answered_with_the_command_that_works() {
    for (files, said) in [
        (&[] as &[&str], "the folder is empty"),
        (&["civi.sql", "civi.sql.md5"], "cividb verify f/civi.sql\n"),
        (
            &["a.sql.gz", "b.sql.gz", "SHA256SUMS"],
            "cividb verify f/a.sql.gz f/b.sql.gz\n",
        ),
        (
            &["installer.php", "dup-installer/dup-database__x.sql"],
            "cividb verify f/dup-installer/dup-database__x.sql\n",
        ),
        (
            &["backup_X-db.gz", "backup_X-plugins.zip"],
            "cividb verify f/backup_X-db.gz\n",
        ),
        (
            &["backup.xbstream"],
            "xbstream -x -C restore <f/backup.xbstream",
        ),
        (
            &["xtrabackup_info", "ibdata1"],
            "xtrabackup --prepare --target-dir=f,",
        ),
        (
            &["xtrabackup_info.qp", "civicrm/civicrm_acl.ibd.qp"],
            "xtrabackup --decompress --target-dir=f)",
        ),
        (
            &["xtrabackup_info.zst"],
            "xtrabackup --decompress --target-dir=f)",
        ),
        (
            &["notes.txt"],
            "no file in it has a name that ends with .sql, .gz",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("f");
        fs::create_dir(&inner).expect("a folder");
        for file in files {
            let path = inner.join(file);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
            fs::write(path, common::sample()).expect("written");
        }
        let output = common::cividb(folder.path(), &["verify", "f"]);
        assert_eq!(output.status.code(), Some(2), "{files:?}");
        let error = common::text(&output.stderr);
        assert!(error.contains(said), "{files:?}: {error}");
    }
}

#[test]
fn pieces_of_split_and_of_zip_are_known_by_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).expect("written");
    let said = |name: &str| {
        let output = common::cividb(folder.path(), &["verify", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        common::text(&output.stdout)
    };
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    let packed = fs::read(packed).expect("the sample");
    write("b.sql.gz-aa", &packed[..9000]);
    assert!(said("b.sql.gz-aa").contains("cat b.sql.gz-* | cividb verify -"));
    write("s.z01", &packed[9000..18_000]);
    write("s.zip", &packed[18_000..20_000]);
    for name in ["s.z01", "s.zip"] {
        assert!(
            said(name).contains("zip -s 0 s.zip --out whole.zip"),
            "{name}"
        );
    }
}

#[test]
fn a_custom_group_without_a_table_is_named_by_its_id() {
    let findings = common::verify(&with(
        "INSERT INTO `civicrm_custom_group` (`id`,`title`,`table_name`) VALUES (77,'x','');",
    ));
    assert_eq!(errors(&findings), ["table-missing civicrm_custom_group"]);
    assert!(
        findings.list[0]
            .message
            .contains("with id 77 names no table")
    );
}

#[test]
fn a_collation_is_not_replaced_by_one_that_the_server_lacks_as_well() {
    let old = on_server(&common::sample(), "mysql-5.1");
    let fix = fixes(&old, "restore-collation");
    assert!(
        fix.contains("utf8_unicode_ci") && !fix.contains("such as utf8mb4"),
        "{fix}"
    );
}

#[test]
fn check_counts_the_values_of_rows_as_verify_does() {
    let folder = tempfile::tempdir().unwrap();
    // Of the first table no question is asked; rows of the others are read whole, by one thread or another.
    for (table, old, new) in [
        ("civicrm_worldregion", "),(2,", "),(2,0,"),
        (
            "civicrm_activity_contact",
            "(2,1,16,3),(3,2,20,2)",
            "(2,1,16,20,2)",
        ),
        ("civicrm_email", "),(2,", "),(2,2,"),
        ("civicrm_contact", "),(2,", "),(2,2,"),
    ] {
        let mut damaged = false;
        let lines = common::text(&common::sample());
        let lines = lines.split_inclusive('\n').map(|line| {
            let is_of_table = line.starts_with(&format!("INSERT INTO `{table}`"));
            let changed = if is_of_table {
                line.replacen(old, new, 1)
            } else {
                line.to_owned()
            };
            damaged |= changed != line;
            changed
        });
        std::fs::write(folder.path().join("dump.sql"), lines.collect::<String>()).unwrap();
        assert!(damaged, "{table}");
        let counted = |command| {
            let output = common::cividb(folder.path(), &[command, "--format", "json", "dump.sql"]);
            let report = common::json(&output);
            let findings = report["findings"]
                .as_array()
                .expect("there are findings")
                .iter();
            let mut found = findings.filter(|finding| finding["check"] == "restore-column-count");
            (found.next().cloned(), found.next().cloned())
        };
        let (found, other) = counted("verify");
        let message = found.as_ref().expect("it is found")["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            message.contains(&format!("of an INSERT into {table} have")),
            "{message}"
        );
        assert_eq!(other, None, "{table}");
        assert_eq!(counted("check"), (found.clone(), None), "{table}");
        assert_eq!(
            counted("orphans"),
            (None, None),
            "{table}: it is not what orphans looks for"
        );
    }
}

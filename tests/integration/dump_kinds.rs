//! Kinds of dumps as people have them, made of the sample: each test has several of its kind.

use std::fs;
use std::path::Path;

use crate::common::{self, LAST_LINE, errors, on_server, warnings, with};

/// Runs `verify` on a file of this name.
fn verified(name: &str, content: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), content).expect("written");
    said_of(folder.path(), name)
}

fn said_of(folder: &Path, name: &str) -> (Option<i32>, String) {
    let output = common::cividb(folder, &["verify", name]);
    let said = common::text(&output.stdout) + &common::text(&output.stderr);
    (output.status.code(), said)
}

const MESSAGES: [&str; 10] = [
    "Connection to db.example.org closed.\n",
    "Connection closed",
    "Don't forget to test this backup\n",
    "mysqldump: Couldn't execute 'SHOW FUNCTION STATUS': Access denied; need \"x\" (1227)\n",
    "real\t0m1.2s\nuser\t0m0.9s\n",
    "Backup complete; 1 file; it's done\n",
    "PHP Warning:  foo in bar.php on line 3\n\nWarning: it's \"x\nUpdate complete.\n",
    "Success: Exported to 'civi.sql'.\n",
    "rsync: write failed: No space left; \"x\n",
    "<br />\n<b>Fatal error</b>:  it's \"bad\" in <b>/x</b>\n",
];

#[test]
fn whatever_stands_behind_the_end_is_one_error_and_turns_no_check_off() {
    for message in MESSAGES {
        let text = [&common::sample()[..], message.as_bytes()].concat();
        let findings = common::verify(&text);
        assert_eq!(errors(&findings), ["dump-error-text"], "{message}");
        let said = &findings.list[0].message;
        assert!(said.contains("behind the end of the dump"), "{said}");
        assert_eq!(findings.not_checked, [], "{message}");
    }
}

#[test]
fn whatever_stands_in_front_is_one_error_and_the_rest_is_read_as_without_it() {
    let whole = common::snapshot_of(&common::sample());
    for message in MESSAGES
        .into_iter()
        .chain(["Enter password: ", "stdin: isn't a tty\n"])
    {
        // A message without a line feed may stand on the line of the header.
        let text = [message.as_bytes(), &common::sample()[..]].concat();
        let snapshot = common::snapshot_of(&text);
        assert_eq!(snapshot.source, whole.source, "{message}");
        assert_eq!(snapshot.schema, whole.schema, "{message}");
        let findings = common::verify(&text);
        assert_eq!(errors(&findings), ["dump-error-text"], "{message}");
        assert_eq!(findings.not_checked, [], "{message}");
    }
}

#[test]
fn a_sandbox_mark_behind_a_message_is_named_by_its_line() {
    let mark = b"/*M!999999\\- enable the sandbox mode */ \n";
    let first = [&mark[..], &common::sample()].concat();
    let (_, said) = verified("x.sql", &first);
    assert!(
        said.contains("the first line is MariaDB's sandbox mark") && said.contains("tail -n +2"),
        "{said}"
    );
    let text = [
        b"mysqldump: [Warning] Deprecated program name\n",
        &first[..],
    ]
    .concat();
    let (_, said) = verified("x.sql", &text);
    assert!(said.contains("a line is MariaDB's sandbox mark"), "{said}");
    assert!(
        said.contains("Delete that line before") && !said.contains("tail"),
        "{said}"
    );
}

#[test]
fn utf16_is_to_be_made_again_and_converted_only_where_it_is_ascii() {
    let text = String::from_utf8_lossy(&common::sample()).into_owned();
    let wide: Vec<u8> = format!("\u{FEFF}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (exit, said) = verified("x.sql", &wide);
    assert_eq!(exit, Some(1), "{said}");
    assert!(
        said.contains("spoils every character beyond ASCII"),
        "{said}"
    );
    assert!(said.contains("fix: Make the backup again"), "{said}");
}

#[test]
fn what_an_extension_has_is_said_to_be_of_it() {
    let row = "INSERT INTO `civicrm_extension` VALUES (99,'module','standaloneusers','x','x','x',NULL,1);\n";
    let text = with(row);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("x.sql"), text).expect("written");
    let said = common::text(&common::cividb(folder.path(), &["diff", "x.sql"]).stdout);
    assert!(said.contains("username is missing"), "{said}");
    assert!(
        said.contains("(it belongs to an extension that is on)"),
        "{said}"
    );
    assert!(!said.contains("has it )"), "{said}");
}

#[test]
fn an_empty_version_is_an_unknown_one() {
    let text = common::replaced(&common::sample(), "Table',NULL,'5.81.2'", "Table',NULL,''");
    let (_, said) = verified("x.sql", &text);
    assert!(said.contains("CiviCRM of unknown version\n"), "{said}");
}

#[test]
fn a_message_with_an_odd_quote_between_statements_swallows_nothing() {
    let table = "--\n-- Table structure for table `civicrm_contact`";
    let message = "mysqldump: Couldn't execute 'SHOW FIELDS FROM `x`': view (1356)\n";
    let text = common::replaced(&common::sample(), table, &format!("{message}{table}"));
    assert_eq!(errors(&common::verify(&text)), ["dump-error-text"]);
}

#[test]
fn a_message_at_the_end_of_a_cut_dump_does_not_make_it_whole() {
    let sample = common::sample();
    let end = memchr::memmem::find(&sample, LAST_LINE.as_bytes()).expect("a last line");
    let text = [&sample[..end], b"Connection closed\n"].concat();
    let findings = common::verify(&text);
    assert_eq!(errors(&findings), ["dump-truncated", "dump-error-text"]);
}

#[test]
fn every_piece_but_the_first_lacks_its_beginning_and_no_table() {
    let sample = common::sample();
    for (number, piece) in sample.chunks(70_000).enumerate() {
        let findings = common::verify(piece);
        let has = |text: &str| {
            findings
                .list
                .iter()
                .any(|finding| finding.message.contains(text))
        };
        assert_eq!(
            has("the beginning of the dump is missing"),
            number > 0,
            "{number}"
        );
        let follows = [
            "table-",
            "view-",
            "reference-",
            "restore-",
            "dump-no-",
            "dump-encoding",
        ];
        let mut others = errors(&findings);
        others.extend(warnings(&findings));
        others.retain(|id| number > 0 && follows.iter().any(|start| id.starts_with(start)));
        assert_eq!(others, [""; 0], "{number}");
    }
}

#[test]
fn pieces_by_name_are_to_be_joined() {
    let packed = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz"));
    let packed = packed.expect("the sample");
    for (name, content) in [
        ("backup.sql.gz.aa", &packed[..9000]),
        ("backup.sql.gz.ab", &packed[9000..18_000]),
        ("backup.sql.gz.003", &packed[18_000..20_000]),
        ("backup.sql.part1", &common::sample()[..50_000]),
    ] {
        let (exit, said) = verified(name, content);
        assert_eq!(exit, Some(1), "{said}");
        assert!(
            said.contains("join all pieces") && said.contains("cat backup.sql."),
            "{said}"
        );
    }
}

#[test]
fn a_set_of_pieces_is_offered_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = common::sample();
    for (name, piece) in ["b.sql.aa", "b.sql.ab"].iter().zip(sample.chunks(200_000)) {
        fs::write(folder.path().join(name), piece).expect("written");
    }
    let output = common::cividb(folder.path(), &["verify", "b.sql.*"]);
    let said = common::text(&output.stderr);
    assert!(
        said.contains("2 of these files are by their names pieces of one file"),
        "{said}"
    );
    assert!(said.contains("cat b.sql.* | cividb verify -"), "{said}");
}

#[test]
fn what_is_no_dump_is_quoted() {
    for (content, quoted) in [
        (
            "sh: 1: mysqldump: not found\n",
            "'sh: 1: mysqldump: not found'",
        ),
        (
            "{\n  \"error\": \"access denied\"\n}\n",
            "\"error\": \"access denied\"",
        ),
        (
            "<!doctype html>\n<title>Sign in</title>\n",
            "an HTML page ('Sign in')",
        ),
        ("id;name\n1;It's\n", "'id;name'"),
    ] {
        let (exit, said) = verified("backup.sql", content.as_bytes());
        assert_eq!(exit, Some(1), "{said}");
        assert!(said.contains(quoted), "{said}");
    }
}

#[test]
fn a_cut_dump_of_navicat_is_cut_and_no_more() {
    let header = "/*\n Navicat Premium Data Transfer\n\n Source Server Type    : MariaDB\n Source Server Version : \
                  101119\n Source Schema         : civicrm\n*/\n\nSET NAMES utf8mb4;\nSET FOREIGN_KEY_CHECKS = 0;\n\n";
    let body = "CREATE TABLE `civicrm_domain` (`id` int(10) UNSIGNED NOT NULL, PRIMARY KEY (`id`)) CHARACTER SET = \
                utf8mb4;\nINSERT INTO `civicrm_domain` VALUES (1);\n";
    let whole = format!("{header}{body}\nSET FOREIGN_KEY_CHECKS = 1;\n");
    let ids = |text: &str| {
        let findings = common::verify(text.as_bytes());
        let mut found = errors(&findings);
        found.extend(warnings(&findings));
        found.retain(|id| id.starts_with("dump-"));
        found
    };
    assert_eq!(ids(&whole), [""; 0]);
    assert_eq!(ids(&format!("{header}{body}")), ["dump-truncated"]);
}

#[test]
fn temporary_tables_invisible_columns_and_loadable_functions_are_no_alarm() {
    let table = "CREATE TABLE `t` (\n `id` int NOT NULL,\n `a` int DEFAULT NULL /*!80023 INVISIBLE */,\n `g` int \
                 GENERATED ALWAYS AS (`id` + 1) VIRTUAL,\n PRIMARY KEY (`id`)\n);\n";
    for text in [
        "CREATE TEMPORARY TABLE tt (a int, b int);\nINSERT INTO tt VALUES (1,2);\nDROP TEMPORARY TABLE tt;".to_owned(),
        "CREATE FUNCTION sys_exec RETURNS INTEGER SONAME 'lib_mysqludf_sys.so';\nDELIMITER ;;\nCREATE TRIGGER zz \
         AFTER DELETE ON civicrm_tag FOR EACH ROW BEGIN SET @x = sys_exec('ls'); END ;;\nDELIMITER ;"
            .to_owned(),
        format!("{table}INSERT INTO `t` VALUES (1,DEFAULT);"),
        format!("{table}INSERT INTO `t` (`id`) VALUES (1);"),
    ] {
        assert_eq!(errors(&common::verify(&with(&text))), [""; 0], "{text}");
    }
    let given = with(&format!("{table}INSERT INTO `t` (`id`, `g`) VALUES (1,2);"));
    assert_eq!(
        errors(&common::verify(&given)),
        ["restore-generated-column g"]
    );
    assert_eq!(errors(&on_server(&given, "mariadb-10.6")), [""; 0]);
}

#[test]
fn variables_that_take_a_privilege_are_warned_of_once_each() {
    for (text, expected) in [
        (
            "SET GLOBAL log_bin_trust_function_creators = 1;",
            "log_bin_trust_function_creators",
        ),
        (
            "SET @@GLOBAL.max_allowed_packet=1;\nSET GLOBAL max_allowed_packet=2;",
            "max_allowed_packet",
        ),
        ("/*!50606 SET @@SESSION.SQL_LOG_BIN= 0 */;", "sql_log_bin"),
        ("SET sql_log_bin=0;", "sql_log_bin"),
        ("SET PERSIST max_connections=3;", "max_connections"),
    ] {
        let expected = format!("restore-privilege {expected}");
        assert_eq!(warnings(&common::verify(&with(text))), [expected], "{text}");
    }
    let ordinary = with("SET @x = @@SESSION.SQL_LOG_BIN;\nSET SESSION sort_buffer_size = 1;");
    assert_eq!(warnings(&common::verify(&ordinary)), [""; 0]);
}

#[test]
fn statements_about_the_server_are_warned_of_once_each() {
    for (text, statement) in [
        (
            "GRANT ALL ON *.* TO 'a'@'b';\nGRANT SELECT ON *.* TO 'a'@'b';",
            "GRANT",
        ),
        ("CREATE USER 'a'@'b' IDENTIFIED BY 'secret';", "CREATE USER"),
        (
            "/*!50706 SET PASSWORD FOR 'a'@'b' = 'secret' */;",
            "SET PASSWORD",
        ),
        ("/*! FLUSH PRIVILEGES */;", "FLUSH"),
        (
            "CHANGE MASTER TO MASTER_LOG_FILE='mysql-bin.000003', MASTER_LOG_POS=194;",
            "CHANGE",
        ),
        (
            "LOAD DATA INFILE '/tmp/tags.txt' INTO TABLE civicrm_tag;",
            "LOAD",
        ),
        ("INSTALL PLUGIN x SONAME 'x.so';", "INSTALL"),
    ] {
        let expected = format!("restore-privilege {statement}");
        assert_eq!(warnings(&common::verify(&with(text))), [expected], "{text}");
    }
    let comment =
        with("-- CHANGE MASTER TO MASTER_LOG_FILE='mysql-bin.000003', MASTER_LOG_POS=194;");
    assert_eq!(warnings(&common::verify(&comment)), [""; 0]);
}

#[test]
fn a_collation_counts_wherever_it_stands_and_by_target() {
    for (text, server, is_error) in [
        (
            "ALTER DATABASE `civicrm` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci ;",
            "mysql-5.7",
            true,
        ),
        (
            "ALTER DATABASE `civicrm` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci ;",
            "mysql-9.1",
            false,
        ),
        (
            "SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci;",
            "mariadb-10.6",
            true,
        ),
        (
            "CREATE VIEW zv AS SELECT 'x' COLLATE utf8mb4_uca1400_ai_ci AS a;",
            "mysql-8.4",
            true,
        ),
        (
            "CREATE VIEW zv AS SELECT 'x' COLLATE utf8mb4_uca1400_ai_ci AS a;",
            "mariadb-11.8",
            false,
        ),
        (
            "ALTER TABLE civicrm_tag CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_as_cs;",
            "mariadb-10.3",
            true,
        ),
        (
            "CREATE TABLE z (a varchar(2) COLLATE utf8mb3_general_ci);",
            "mysql-5.7",
            true,
        ),
        (
            "CREATE TABLE z (a varchar(2) COLLATE utf8_general_ci);",
            "mysql-5.7",
            false,
        ),
        (
            "CREATE TABLE z (a varchar(2) COLLATE utf8mb3_general_ci);",
            "mariadb-10.5",
            true,
        ),
        (
            "CREATE TABLE z (a varchar(2) COLLATE utf8mb3_general_ci);",
            "mariadb-10.11",
            false,
        ),
    ] {
        let found = errors(&on_server(&with(text), server));
        let has = found.iter().any(|id| id.starts_with("restore-collation"));
        assert_eq!(has, is_error, "{text} {server}: {found:?}");
    }
}

#[test]
fn a_charset_without_a_collation_means_another_one_on_some_servers() {
    let table = with("CREATE TABLE z (a varchar(2)) DEFAULT CHARSET=utf8mb4;");
    let column = with(
        "CREATE TABLE z (a varchar(2) CHARACTER SET utf8mb4) DEFAULT CHARSET=latin1 COLLATE=latin1_bin;",
    );
    for (server, is_warned) in [
        ("mysql-5.7", false),
        ("mysql-8.0", true),
        ("mysql-9.1", true),
        ("mariadb-10.3", false),
        ("mariadb-11.4", false),
        ("mariadb-11.5", true),
        ("mariadb-12.0", true),
    ] {
        for text in [&table, &column] {
            let found = warnings(&on_server(text, server));
            let has = found.contains(&"restore-collation z".to_owned());
            assert_eq!(has, is_warned, "{server}: {found:?}");
        }
    }
    assert_eq!(warnings(&common::verify(&table)), [""; 0]);
}

#[test]
fn the_limit_of_a_statement_is_that_of_the_target() {
    let of_size = |mebibytes: usize| {
        let value = "x".repeat(mebibytes << 20);
        with(&format!(
            "INSERT INTO `civicrm_tag` (`id`, `name`) VALUES (99,'{value}');"
        ))
    };
    let (five, eighteen) = (of_size(5), of_size(18));
    for (text, server, is_warned) in [
        (&five, "mysql-5.7", true),
        (&five, "mariadb-10.6", false),
        (&eighteen, "mariadb-10.6", true),
        (&eighteen, "mysql-8.4", false),
    ] {
        let found = warnings(&on_server(text, server));
        assert_eq!(
            found.contains(&"restore-packet civicrm_tag".to_owned()),
            is_warned,
            "{server}: {found:?}"
        );
    }
    assert_eq!(warnings(&common::verify(&five)), [""; 0]);
}

#[test]
fn folders_are_read_or_named_by_what_is_in_them() {
    let table = |name: &str| {
        format!(
            "SET NAMES utf8mb4;\nCREATE TABLE `{name}` (`id` int);\nINSERT INTO `{name}` VALUES (1);\n"
        )
    };
    let folder = tempfile::tempdir().expect("a folder");
    let make = |name: &str, files: &[(&str, &str)]| {
        let path = folder.path().join(name);
        fs::create_dir(&path).expect("a folder");
        for (file, content) in files {
            fs::write(path.join(file), content).expect("written");
        }
        said_of(folder.path(), name)
    };
    let [acl, tag, note] = ["civicrm_acl", "civicrm_tag", "civicrm_note"].map(table);
    let (_, said) = make(
        "cpanel",
        &[("acl.sql", &acl), ("tag.sql", &tag), ("note.sql", &note)],
    );
    assert!(said.contains("3 tables, 3 rows"), "{said}");
    let both = format!("{acl}{tag}{note}");
    let (exit, said) = make(
        "nightly",
        &[("mon.sql", &both), ("tue.sql", &both), ("wed.sql", &both)],
    );
    assert_eq!(exit, Some(2));
    assert!(
        said.contains("cividb verify nightly/mon.sql nightly/tue.sql nightly/wed.sql"),
        "{said}"
    );
    let (exit, said) = make("halves", &[("data.sql", &acl), ("schema.sql", &both)]);
    assert_eq!(exit, Some(2));
    let command = "zcat -f halves/schema.sql halves/data.sql | cividb verify -";
    assert!(said.contains(command), "{said}");
    for (name, files, named) in [
        (
            "tab",
            &[
                (
                    "civicrm_acl.sql",
                    "CREATE TABLE `civicrm_acl` (`id` int, `b` int);\n",
                ),
                ("civicrm_acl.txt", "1@2\n"),
            ][..],
            "mysqldump --tab",
        ),
        (
            "shell",
            &[("@.json", "{}"), ("civicrm@civicrm_acl@@0.tsv.zst", "")][..],
            "MySQL Shell",
        ),
        (
            "mariabackup",
            &[("mariadb_backup_info", "")][..],
            "physical backup",
        ),
        ("data", &[("civicrm_acl.ibd", "x")][..], "physical backup"),
    ] {
        let (exit, said) = make(name, files);
        assert_eq!(exit, Some(2), "{said}");
        assert!(
            said.contains(named) && !said.contains("name them: '"),
            "{said}"
        );
    }
}

#[test]
fn a_message_in_the_middle_of_a_cut_statement_is_quoted() {
    let message = "mysqldump: Error 2013: Lost connection to MySQL server during query when dumping table `x` at row: 5";
    for end in [
        "INSERT INTO `civicrm_tag` (`id`, `name`) VALUES (91,'a'),(92,'bmysqldump: Error 2013: Lost connection to \
         MySQL server during query when dumping table `x` at row: 5",
        "CREATE TABLE `civicrm_z` (\n  `id` int,\nmysqldump: Error 2013: Lost connection to MySQL server during query \
         when dumping table `x` at row: 5\n",
        "INSERT INTO `civicrm_tag` (`id`, `name`) VALUES (91,'it\\'s\nmysqldump: Error 2013: Lost connection to MySQL \
         server during query when dumping table `x` at row: 5\nmore",
    ] {
        let whole = with(end);
        let cut = whole.len() - common::sample().len()
            + memchr::memmem::find(&common::sample(), LAST_LINE.as_bytes()).expect("there");
        let (exit, said) = verified("cut.sql", &whole[..cut]);
        assert_eq!(exit, Some(1));
        assert!(said.contains("error  dump-truncated"), "{said}");
        assert!(
            said.contains("dump-error-text") && said.contains(&message[..60]),
            "{said}"
        );
    }
}

#[test]
fn a_function_that_may_be_loadable_is_told_as_what_it_is() {
    let trigger = |function: &str| {
        format!(
            "DELIMITER ;;\nCREATE TRIGGER zt AFTER INSERT ON civicrm_tag FOR EACH ROW BEGIN SET @a = {function}('x'); \
             END ;;\nDELIMITER ;"
        )
    };
    // Beside another routine, which shows that routines were dumped.
    for function in ["levenshtein", "sys_exec"] {
        let findings = common::verify(&with(&trigger(function)));
        assert_eq!(errors(&findings), [""; 0], "{function}");
        assert_eq!(warnings(&findings), [format!("routine-missing {function}")]);
        let message = &findings
            .list
            .iter()
            .find(|it| it.check.id == "routine-missing")
            .expect("a warning")
            .message;
        assert!(
            message.contains("trigger zt") && message.contains("loadable function"),
            "{message}"
        );
    }
    // Without any routine it is lost, but for the names of well-known libraries.
    let without = common::replaced(
        &common::sample(),
        "FUNCTION `civicrm_strip_non_numeric`(",
        "PROCEDURE_OF `x`(",
    );
    for (function, is_error) in [("levenshtein", true), ("sys_exec", false)] {
        let text = common::replaced(
            &without,
            LAST_LINE,
            &format!("{}\n{LAST_LINE}", trigger(function)),
        );
        let is_there =
            errors(&common::verify(&text)).contains(&format!("routine-missing {function}"));
        assert_eq!(is_there, is_error, "{function}");
    }
}

#[test]
fn a_dump_of_something_else_says_what_is_in_it() {
    let findings = common::verify(
        b"/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE `wp_options` (`id` int);\nCREATE TABLE `wp_posts` (`id` int);\n\
          CREATE TRIGGER t AFTER INSERT ON civicrm_tag FOR EACH ROW SET @a = 1;\n",
    );
    let finding = findings
        .list
        .iter()
        .find(|finding| finding.check.id == "dump-no-civicrm");
    assert_eq!(
        finding.map(|finding| finding.message.as_str()),
        Some(
            "there are no CiviCRM tables in the dump: it holds 2 tables (2 wp_…) of WordPress, 1 trigger of tables that \
             are not in it, such as civicrm_tag"
        )
    );
}

#[test]
fn tables_of_drupal_modules_that_are_named_like_civicrms_are_no_civicrm() {
    let findings = common::verify(
        b"CREATE TABLE `civicrm_group_roles_rules` (`id` int);\nCREATE TABLE `users` (`uid` int);\n",
    );
    assert!(errors(&findings).contains(&"dump-no-civicrm".to_owned()));
}

/// A dump of some tables is not a backup, although no release can be told by them.
#[test]
fn a_dump_of_one_table_of_civicrm_lacks_what_every_release_has() {
    let text = "CREATE TABLE `civicrm_contact` (`id` int unsigned NOT NULL, PRIMARY KEY (`id`));\nINSERT INTO \
                `civicrm_contact` VALUES (1);\n";
    let found = errors(&common::verify(text.as_bytes()));
    for table in ["civicrm_domain", "civicrm_email", "civicrm_option_value"] {
        let missing = format!("table-missing {table}");
        assert!(found.contains(&missing), "{missing}: {found:#?}");
    }
}

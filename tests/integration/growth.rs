//! Time grows with the dump, not with its square.

use std::path::Path;
use std::process::Command;

/// How many times as many statements the larger dump has.
const FACTOR: usize = 8;

/// The statement of this number.
type Statement = fn(usize) -> String;

/// Shapes of dumps in which each statement changes what many others have made: how many statements the smaller dump has,
/// and what comes before them, each of them, and each of those behind all of them.
const SHAPES: [(&str, usize, &str, Statement, Statement); 9] = [
    (
        "RENAME",
        10_000,
        "CREATE TABLE t0 (id int);",
        |n| format!("RENAME TABLE t{n} TO t{};", n + 1),
        |_| String::new(),
    ),
    (
        "DROP IF EXISTS and CREATE",
        2_000,
        "",
        |n| format!("CREATE TABLE t{n} (id int);"),
        |n| format!("DROP TABLE IF EXISTS t{n};\nCREATE TABLE t{n} (id int);"),
    ),
    (
        "DROP",
        2_000,
        "",
        |n| format!("CREATE TABLE t{n} (id int);"),
        |n| format!("DROP TABLE t{n};"),
    ),
    (
        "ALTER … FIRST",
        2_000,
        "CREATE TABLE t (id int);",
        |n| format!("ALTER TABLE t ADD c{n} int FIRST;"),
        |_| String::new(),
    ),
    (
        "DROP DATABASE",
        2_000,
        "",
        |n| format!("CREATE DATABASE d{n};\nUSE d{n};\nCREATE TABLE t (id int);"),
        |n| format!("DROP DATABASE d{n};"),
    ),
    (
        "routines",
        2_000,
        "DELIMITER ;;",
        |n| format!("CREATE FUNCTION f{n}() RETURNS int RETURN f{}();;", n + 1),
        |n| format!("DROP FUNCTION f{n};;"),
    ),
    (
        "triggers",
        2_000,
        "CREATE TABLE t (id int);\nDELIMITER ;;",
        |n| format!("CREATE TRIGGER g{n} BEFORE INSERT ON t FOR EACH ROW SET @a = {n};;"),
        |n| format!("DROP TRIGGER g{n};;"),
    ),
    (
        "views",
        4_000,
        "",
        |n| format!("CREATE VIEW v{n} AS SELECT 1 AS a;"),
        |n| format!("DROP VIEW v{n};"),
    ),
    (
        "stand-ins of views",
        2_000,
        "",
        |n| format!("CREATE TABLE v{n} (a int);"),
        |n| format!("DROP TABLE v{n};\nCREATE VIEW v{n} AS SELECT 1 AS a;"),
    ),
];

/// The seconds of processor time that `cividb verify` takes for a dump.
fn processor_time(dump: &Path) -> f64 {
    // `times` tells on its second line what the programs that the shell started have taken: user and system.
    let shell = Command::new("sh")
        .args([
            "-c",
            r#""$0" verify --no-defaults "$1" >"$1.out" 2>&1; times"#,
        ])
        .arg(env!("CARGO_BIN_EXE_cividb"))
        .arg(dump)
        .output()
        .expect("the shell runs");
    let told = String::from_utf8(shell.stdout).expect("it prints figures");
    let seconds = |time: &str| {
        let (minutes, seconds) = time.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    let programs = told.lines().nth(1).expect("a second line");
    let times = programs.split(' ').map(seconds);
    times.sum::<Option<f64>>().expect("minutes and seconds")
}

/// Processor time does not depend on what else the machine does, and the limit is far from both: time that grows with the
/// dump comes to the factor, time that grows with its square to the square of it, 64.
#[test]
fn statements_that_undo_others_take_time_by_their_number() {
    const MOST: f64 = 2.5 * FACTOR as f64;
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for (name, number, begin, each, behind) in SHAPES {
        let [none, some, many] = [0, number, number * FACTOR].map(|number| {
            let mut text = format!("{begin}\n");
            for statement in (0..number).map(each).chain((0..number).map(behind)) {
                text.push_str(&statement);
                text.push('\n');
            }
            text.push_str("-- Dump completed\n");
            let path = folder.path().join("dump.sql");
            std::fs::write(&path, text).expect("it is written");
            processor_time(&path)
        });
        let factor = (many - none) / (some - none).max(0.005);
        if factor > MOST {
            wrong.push(format!(
                "{name}: {some:.2} s became {many:.2} s, {factor:.0} times as much"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Everything that is printed is inert: each command reads names that would write on a terminal, end a
//! comment, run as a formula or hide, in each format, and all that it prints is looked through.

use std::fs;
use std::path::Path;
use std::process::Output;

use regex::Regex;
use serde_json::json;

use crate::common::{self, text};
use crate::server;

/// A name that begins like a formula, sets the clipboard of a terminal, clears it, turns around what follows, holds
/// what cannot be seen, and has a statement on a line of its own.
const NAME: &str =
    "=1+1\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{9b}1m\u{202e}\u{61c}\u{ad}\u{180e}\nDROP TABLE canary;\n";

/// Characters that would do that, besides those beyond U+FFFF, which no server stores.
const UNSEEN: [char; 6] = [
    '\u{202e}',
    '\u{61c}',
    '\u{ad}',
    '\u{180e}',
    '\u{feff}',
    '\u{e0041}',
];

/// A dump of a site in which everything that has a name is called so.
fn dump() -> Vec<u8> {
    let sample = common::sample();
    let key = "FK_civicrm_note_contact_id";
    let sample = common::replaced(&sample, &format!("`{key}`"), &format!("`{key}{NAME}`"));
    let oneline = NAME.replace('\n', " ");
    let mut dump = format!("-- Server version\t5.7.37{oneline}\n").into_bytes();
    dump.extend(sample);
    let tag = '\u{e0041}';
    let objects = format!(
        "SET sql_mode='{NAME}';\nSET collation_connection='{NAME}';\n\
         CREATE TABLE `civicrm_{NAME}{tag}` (`{NAME}` enum('{NAME}') COMMENT '{NAME}', KEY `{NAME}` (`{NAME}`)) ENGINE=MyISAM;\n\
         CREATE TABLE `civicrm_x` (`id` int, CONSTRAINT `{NAME}` FOREIGN KEY (`id`) REFERENCES `gone{NAME}` (`{NAME}`)) ENGINE=`{NAME}` DEFAULT CHARSET=`{NAME}`;\n\
         INSERT INTO `gone{NAME}` (`{NAME}`) VALUES ('{NAME}');\n\
         INSERT INTO civicrm_domain (id, name, version) VALUES (77, '{NAME}', '5.1.{NAME}');\n\
         DELIMITER ;;\n\
         CREATE DEFINER=`{NAME}`@`{NAME}` TRIGGER `{NAME}` BEFORE INSERT ON `civicrm_contact` FOR EACH ROW \
         BEGIN INSERT INTO `missing{NAME}` VALUES (`f{NAME}`(NEW.`{NAME}`)); END ;;\n\
         CREATE DEFINER=`{NAME}`@`{NAME}` FUNCTION `{NAME}`() RETURNS int BEGIN RETURN `g{NAME}`(); END ;;\n\
         DELIMITER ;\n\
         CREATE DEFINER=`{NAME}`@`{NAME}` VIEW `v{NAME}` AS SELECT a.`{NAME}` FROM `missing{NAME}` a;\n\
         CREATE VIEW `w` AS SELECT 1 FROM `other{NAME}`.`{NAME}`;\n\
         mysqldump: Got error: 1045: {oneline}\n;\nXYZZY `{NAME}`;\nUSE `{NAME}`;\nDROP DATABASE `{NAME}`;\n\
         CREATE TABLE `cut{NAME}` (`{NAME}` int,"
    );
    dump.extend(objects.into_bytes());
    dump
}

fn assert_inert(printed: &str, what: &str) {
    let colours = Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    let printed = colours.replace_all(printed, "");
    let is_hidden = |c: char| c.is_control() && c != '\n' || UNSEEN.contains(&c);
    if let Some(at) = printed.find(is_hidden) {
        let before: String = printed[..at].chars().rev().take(200).collect();
        let before: String = before.chars().rev().collect();
        panic!("{what}: {:?} after {before}", printed[at..].chars().next());
    }
    for line in printed.lines() {
        assert!(
            !line.trim_start().starts_with("DROP TABLE canary"),
            "{what}: {line}"
        );
    }
}

fn assert_no_formula(csv: &str, what: &str) {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes());
    for record in reader.records() {
        for cell in &record.expect("it is CSV") {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{what}: {cell}"
            );
        }
    }
}

/// Runs the program with all its folders in this one.
fn cividb(folder: &Path, arguments: &[&str]) -> Output {
    let is_coloured = arguments.contains(&"--color");
    std::process::Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args(["--color", "never"].iter().filter(|_| !is_coloured))
        .env("XDG_STATE_HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("HOME", folder)
        .current_dir(folder)
        .output()
        .expect("cividb runs")
}

const FORMATS: [&str; 3] = ["human", "json", "csv"];

/// Each format with `CIVIDB_TEST_ALL`, or else one in each turn.
fn in_turn(turn: usize) -> &'static [&'static str] {
    match common::everything() {
        true => &FORMATS,
        false => std::slice::from_ref(&FORMATS[turn % FORMATS.len()]),
    }
}

/// Runs a command on the terminal and, in these formats, into a file, and looks at all that it prints.
fn run(folder: &Path, arguments: &[&str], formats: &[&str]) -> Output {
    let what = format!("{arguments:?}");
    let first = cividb(folder, arguments);
    assert!(
        first.status.code().is_some(),
        "{what}: {}",
        text(&first.stderr)
    );
    let coloured = cividb(folder, &[arguments, &["--color", "always"]].concat());
    for output in [&first, &coloured] {
        assert_inert(&text(&output.stdout), &what);
        assert_inert(&text(&output.stderr), &what);
    }
    for &format in formats {
        let more = ["--format", format, "--verbose", "--output", "report"];
        let output = cividb(folder, &[arguments, &more].concat());
        assert_inert(&text(&output.stderr), &what);
        let Ok(report) = fs::read_to_string(folder.join("report")) else {
            continue;
        };
        fs::remove_file(folder.join("report")).expect("it is removed");
        assert_inert(&report, &format!("{what} as {format}"));
        match format {
            // Some commands print text whatever the format.
            "csv" if report.starts_with("source,") || report.starts_with("name,") => {
                assert_no_formula(&report, &what);
            }
            "json" if report.starts_with('{') => {
                let values = serde_json::Deserializer::from_str(&report);
                let mut values = values.into_iter::<serde_json::Value>();
                assert!(values.all(|it| it.is_ok()), "{what}");
            }
            _ => {}
        }
    }
    first
}

#[test]
fn whatever_a_dump_is_called_and_holds_what_is_printed_is_inert() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let file = "d\u{1b}[2J\u{202e}\nDROP TABLE canary;\n.sql";
    fs::write(folder.join(file), dump()).expect("it is written");
    // One that is whole, so that nothing is left out because it is cut.
    let whole = dump();
    let end = memchr::memmem::rfind(&whole, b"CREATE TABLE `cut").expect("the cut table");
    let begin =
        memchr::memmem::find(&whole, b"mysqldump: Got error").expect("the text of an error");
    fs::write(folder.join("whole.sql"), &whole[..begin.min(end)]).expect("it is written");
    let mut found = 0;
    for (turn, dump) in [file, "whole.sql"].into_iter().enumerate() {
        for (number, arguments) in [
            &["verify", dump][..],
            &["check", dump],
            &["check", dump, "--quiet"],
            &["check", "--target", "5.81", dump],
            &["verify", dump, "--against", "whole.sql"],
            &["diff", dump],
            &["diff", "--sql", dump],
            &["diff", "--unified", dump],
            &["diff", "--release", "4.4.5", "--sql", dump],
            &["diff", "--against", "whole.sql", dump],
            &["diff", "--against", file, "--unified", "whole.sql"],
            &["version", dump],
            &["version", "--fix", dump],
            &["orphans", dump],
            &["preflight", dump, "--target", "5.81.0"],
            &["grants", dump],
            &["repair", "all", "--inherited", dump],
            &["repair", "all", "--sql-for", dump],
            &["repair", "for-upgrade", "--target", "5.81.0", dump],
            &["undo", dump],
            &["reference", "import", dump, "--name", "evil", "--force"],
        ]
        .into_iter()
        .enumerate()
        {
            let output = run(folder, arguments, in_turn(turn + number));
            found += usize::from(text(&output.stdout).contains("\\u{1b}"));
        }
    }
    // Or else nothing of all this was ever shown.
    assert!(found > 10, "{found}");
}

#[test]
fn a_reference_and_a_journal_of_others_are_shown_inertly() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let table = json!({"columns": {NAME: {"type": "varchar(64)", "nullable": true, "default": {"literal": NAME}}},
        "indexes": {NAME: {"kind": "plain", "parts": [{"column": NAME}]}}});
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    let sample = sample.to_str().expect("a path");
    let imported = run(
        folder,
        &["reference", "import", sample, "--name", "evil", "--force"],
        &FORMATS,
    );
    let kept = text(&imported.stdout) + &text(&imported.stderr);
    let path = Regex::new(r"kept in (\S+)").expect("a pattern");
    let path = path.captures(&kept).expect("a path")[1].to_owned();
    let mut reference: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("a reference")).expect("JSON");
    reference["tables"][format!("civicrm_{NAME}")] = table;
    reference["releases"] = json!([NAME]);
    fs::write(&path, reference.to_string()).expect("it is written");
    run(folder, &["reference", "show", "evil"], &FORMATS);
    run(folder, &["reference", "show", "evil", "--sql"], &FORMATS);
    run(folder, &["reference", "list"], &FORMATS);
    fs::remove_file(&path).expect("it is removed");

    let head = json!({"journal_version": 1, "tool": NAME, "begun": NAME, "command": NAME, "server": NAME,
        "server_version": NAME, "server_id": NAME, "database": NAME, "account": NAME});
    let created = format!("CREATE TABLE `t{NAME}` (`id` int, KEY `{NAME}` (`id`)) ENGINE=InnoDB");
    let steps = [
        json!({"state": "doing", "step": 1, "table": format!("t{NAME}"), "statement": NAME, "why": NAME,
            "inverse": format!("ALTER TABLE `t{NAME}` DROP KEY `x`, ADD KEY `{NAME}` (`id`)"), "before": created}),
        json!({"state": "doing", "step": 2, "table": "t", "statement": NAME, "why": NAME,
            "inverse": format!("INSERT INTO `t` (`id`) VALUES ('{NAME}')"),
            "rows": {"count": 1, "still_as_before": "SELECT COUNT(*) FROM `t` WHERE `id` = 1", "named": [NAME]}}),
        json!({"state": "doing", "step": 3, "table": NAME, "statement": NAME, "why": NAME, "inverse": NAME}),
        json!({"state": "done", "step": 1, "after": NAME}),
    ];
    let mut journal = format!("{head}\n");
    for step in steps {
        journal += &format!("{step}\n");
    }
    let journals = folder.join("cividb");
    fs::create_dir_all(&journals).expect("a folder");
    let name = "j\u{1b}[2J\nDROP TABLE canary;\n.journal";
    fs::write(journals.join(name), &journal).expect("it is written");
    let path = format!("cividb/{name}");
    let shown = run(folder, &["undo", &path], &FORMATS);
    assert!(
        text(&shown.stdout).contains("-- "),
        "{}",
        text(&shown.stdout)
    );
    run(folder, &["undo", "--list"], &FORMATS);
    run(
        folder,
        &[
            "undo",
            &path,
            "mysql://root@127.0.0.1:1/x",
            "--apply",
            "--yes",
        ],
        &FORMATS,
    );
    fs::write(
        journals.join("bad.journal"),
        format!("{head}\n{NAME}\n\n\n"),
    )
    .expect("it is written");
    run(folder, &["undo", "cividb/bad.journal"], &FORMATS);
    run(folder, &["undo", "--list"], &FORMATS);
}

#[test]
fn whatever_things_on_a_server_are_called_what_is_printed_is_inert() {
    for (turn, server) in server::all().into_iter().enumerate() {
        // One of each family, and of the second a sample of the commands, unless all are wanted.
        let is_first = server.name == "installed";
        if !is_first && !server.is_mysql() && !common::everything() {
            continue;
        }
        let every = if is_first { 1 } else { common::every(4) };
        let database = "inert";
        if !server.is_mysql() {
            // With all tables of a site at least here.
            server.load(database, &common::sample());
        }
        server.load_sample(database, &["civicrm_note"]);
        let key = "FK_civicrm_note_contact_id";
        let name = NAME.trim_end();
        server.run(
            Some(database),
            &format!(
                "ALTER TABLE civicrm_note DROP FOREIGN KEY `{key}`;
                 ALTER TABLE civicrm_note ADD CONSTRAINT `{name}` FOREIGN KEY (contact_id) \
                 REFERENCES civicrm_contact (id) ON DELETE SET NULL, ADD COLUMN `{name}` int COMMENT '{NAME}', \
                 ADD KEY `{name}` (`{name}`);
                 CREATE TABLE `civicrm_{name}` (`{name}` int) ENGINE=MyISAM COMMENT '{NAME}';
                 CREATE VIEW `v{name}` AS SELECT `{name}` FROM `civicrm_{name}`;
                 CREATE TRIGGER `{name}` BEFORE INSERT ON `civicrm_{name}` FOR EACH ROW SET @a = 1;
                 CREATE FUNCTION `{name}`() RETURNS int DETERMINISTIC NO SQL RETURN 1;
                 UPDATE civicrm_domain SET version = '5.1.=1\u{1b}[2J\u{202e}'"
            ),
        );
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let url = server.url(database);
        for (number, arguments) in [
            &["preflight", &url, "--target", "5.81.0"][..],
            &["check", &url],
            &["diff", &url],
            &["diff", "--sql", &url],
            &["diff", "--unified", &url],
            &["version", &url],
            &["version", "--fix", "--force", &url],
            &["orphans", &url],
            &["repair", "for-upgrade", "--target", "5.81.0", &url],
            &["grants", &url],
            &["repair", "all", "--inherited", &url],
        ]
        .into_iter()
        .enumerate()
        .step_by(every)
        {
            run(folder, arguments, in_turn(turn + number));
        }
        let repair = [
            "repair",
            "all",
            "--inherited",
            &url,
            "--apply",
            "--yes",
            "--journal",
            "j",
        ];
        let repaired = cividb(folder, &repair);
        assert!(folder.join("j").exists(), "{}", text(&repaired.stderr));
        let version = [
            "version", "--set", "4.4.5", "--force", &url, "--apply", "--yes",
        ];
        let set = cividb(folder, &[&version[..], &["--journal", "k"]].concat());
        for output in [&repaired, &set] {
            assert_inert(&text(&output.stdout), &server.name);
            assert_inert(&text(&output.stderr), &server.name);
        }
        for journal in ["j", "k"] {
            run(folder, &["undo", journal], in_turn(turn));
            let undone = cividb(folder, &["undo", journal, &url, "--apply", "--yes"]);
            assert_eq!(undone.status.code(), Some(0), "{}", text(&undone.stderr));
            assert_inert(&text(&undone.stderr), &server.name);
        }
        run(folder, &["undo", "--list"], in_turn(turn));
        server.run(None, &format!("DROP DATABASE {database}"));
    }
}

//! The contents of two sources: equal however they are written, and each difference found.

use std::fmt::Write as _;
use std::path::Path;

use cividb::contents::comparison::{Comparison, Item, Options, Side, What, compare};
use cividb::contents::digest::Hashes;
use cividb::dump::container::Progress;
use cividb::source::Location;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::common::{self, cividb, json, replaced, transcript};
use crate::server;

/// Compares two dumps as texts, without an upgrade between them.
fn compared(before: &[u8], after: &[u8]) -> Comparison {
    let folder = tempfile::tempdir().expect("a folder");
    let location = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        Location::of(path)
    };
    let (before, after) = (location("before", before), location("after", after));
    let hashes = Hashes::random();
    let quiet = &mut |_: &Location, _: &Progress| {};
    let [before, after] = [&before, &after]
        .map(|location| Side::read(location, None, hashes, quiet).expect("it is read"));
    let options = Options {
        samples: 10,
        ..Options::default()
    };
    let compared = compare(before, after, hashes, &options, None, quiet);
    compared.expect("they are read again").0
}

/// A value, and two ways of writing it.
type Written = [String; 2];

/// The columns of a row, each with its type.
const COLUMNS: [(&str, &str); 9] = [
    ("amount", "decimal(20,2)"),
    ("words", "text"),
    ("bytes", "blob"),
    ("moment", "datetime(3)"),
    ("ratio", "double"),
    ("share", "float"),
    ("flags", "bit(8)"),
    ("changed", "timestamp NULL"),
    ("code", "varchar(20) CHARACTER SET latin1"),
];

/// The values of a row, in the order of the columns.
fn row() -> impl Strategy<Value = Vec<Written>> {
    let number = (-9999i32..9999, 0u32..100).prop_map(|(n, cents)| match cents {
        0 => [n.to_string(), format!("'{n}.00'")],
        _ => [format!("{n}.{cents:02}"), format!("'{n}.{cents:02}'")],
    });
    let text = |charset: &'static str, pattern: &'static str| {
        pattern.prop_map(move |text| {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
            let doubled = text.replace('\\', "\\\\").replace('\'', "''");
            [format!("'{escaped}'"), format!("{charset}'{doubled}'")]
        })
    };
    let bytes = proptest::collection::vec(any::<u8>(), 1..8).prop_map(|bytes| {
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02X}");
            hex
        });
        [format!("0x{hex}"), format!("x'{hex}'")]
    });
    let day = || (1990u32..2030, 1u32..13, 1u32..29);
    let moment = (day(), 0u32..24, 0u32..3).prop_map(|((y, m, d), hour, fraction)| {
        let moment = format!("{y}-{m:02}-{d:02} {hour:02}:00:00");
        match fraction {
            0 => [format!("'{moment}'"), format!("'{moment}.000'")],
            _ => [
                format!("'{moment}.{fraction}'"),
                format!("'{moment}.{fraction}00'"),
            ],
        }
    });
    let double = (-1000i32..1000).prop_map(|n| [format!("{n}e2"), format!("{n}00")]);
    let float = (-1000i32..1000).prop_map(|n| [format!("{n}.5"), format!("{n}.50")]);
    let bits = any::<u8>().prop_map(|bits| [format!("b'{bits:b}'"), bits.to_string()]);
    // The session of the second way is two hours ahead of UTC.
    let changed = (day(), 0u32..22).prop_map(|((y, m, d), hour)| {
        let at = |hour: u32| format!("'{y}-{m:02}-{d:02} {hour:02}:30:00'");
        [at(hour), at(hour + 2)]
    });
    let or_null = |value: BoxedStrategy<Written>| {
        let null = ["NULL".to_owned(), " NULL ".to_owned()];
        prop_oneof![4 => value, 1 => Just(null)]
    };
    [
        number.boxed(),
        text("_utf8mb4", "[a-zé€',() \\\\]{0,12}").boxed(),
        bytes.boxed(),
        moment.boxed(),
        double.boxed(),
        float.boxed(),
        bits.boxed(),
        changed.boxed(),
        text("", "[A-Zäß'\"`-]{0,12}").boxed(),
    ]
    .map(or_null)
    .to_vec()
}

/// A dump of these rows, written in the first or the second way.
fn dump(rows: &[Vec<[String; 2]>], way: usize) -> String {
    let columns = COLUMNS.map(|(name, definition)| format!("{name} {definition}"));
    let mut text = format!(
        "SET NAMES utf8mb4;\nSET TIME_ZONE='{}';\nCREATE TABLE civicrm_worldregion (id int, {}, PRIMARY KEY (id)) \
         DEFAULT CHARSET=utf8mb4;\n",
        ["+00:00", "+02:00"][way],
        columns.join(", ")
    );
    let mut numbered: Vec<(usize, &Vec<[String; 2]>)> = rows.iter().enumerate().collect();
    if way == 1 {
        numbered.reverse();
    }
    for (id, row) in numbered {
        let values: Vec<&str> = row
            .iter()
            .filter_map(|ways| ways.get(way).map(String::as_str))
            .collect();
        let _ = writeln!(
            text,
            "INSERT INTO civicrm_worldregion VALUES ({id},{});",
            values.join(",")
        );
    }
    text
}

/// Daily 300 random tables, with `CIVIDB_TEST_ALL` 10,000.
#[test]
fn one_changed_value_is_found_and_another_spelling_is_not() {
    let cases = if common::everything() { 10_000 } else { 300 };
    let rows = proptest::collection::vec(row(), 1..8);
    let place = (any::<prop::sample::Index>(), 0..COLUMNS.len(), row());
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&(rows, place), |(rows, (index, column, other))| {
        let before = dump(&rows, 0);
        let same = compared(before.as_bytes(), dump(&rows, 1).as_bytes());
        prop_assert_eq!(&same.items, &[][..]);
        prop_assert_eq!(same.equal_columns, COLUMNS.len() as u64 + 1);
        let mut changed = rows.clone();
        let id = index.index(rows.len());
        prop_assume!(rows[id][column] != other[column]);
        changed[id][column] = other[column].clone();
        let found = compared(before.as_bytes(), dump(&changed, 1).as_bytes());
        let what = match &found.items[..] {
            [
                Item {
                    what: What::Changed { column, .. },
                    rows: Some(1),
                    keys,
                    ..
                },
            ] => (column.as_str(), keys.join(",")),
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        prop_assert_eq!(what, (COLUMNS[column].0, id.to_string()));
        Ok(())
    });
    result.expect("each change is found");
}

#[test]
fn rows_without_a_key_are_matched_as_they_are() {
    let table = "CREATE TABLE civicrm_worldregion (a int, b int);\n";
    let insert = |rows: &str| format!("{table}INSERT INTO civicrm_worldregion VALUES {rows};\n");
    let before = insert("(1,2),(1,2),(3,4),(NULL,5)");
    let same = compared(
        before.as_bytes(),
        insert("(NULL,5),(3,4),(1,2),(1,2)").as_bytes(),
    );
    assert_eq!(same.items, []);
    // The same values in each column, in other rows.
    let mixed = compared(
        before.as_bytes(),
        insert("(1,4),(1,2),(3,2),(NULL,5)").as_bytes(),
    );
    let rows: Vec<(&What, Option<u64>)> = mixed
        .items
        .iter()
        .map(|item| (&item.what, item.rows))
        .collect();
    assert_eq!(
        rows,
        [(&What::RowsLost, Some(2)), (&What::RowsNew, Some(2))]
    );
}

#[test]
fn keys_that_come_behind_their_rows_are_the_keys() {
    let create = "CREATE TABLE civicrm_worldregion (a int, b int, c int);\n";
    let key = "ALTER TABLE civicrm_worldregion ADD PRIMARY KEY (a, b);\n";
    let insert = |rows: &str| format!("INSERT INTO civicrm_worldregion VALUES {rows};\n");
    let before = format!("{create}{key}{}", insert("(1,2,3),(1,3,3)"));
    let after = format!("{create}{}{key}", insert("(1,3,4),(1,2,3)"));
    let found = compared(before.as_bytes(), after.as_bytes());
    let [item] = &found.items[..] else {
        panic!("{:?}", found.items);
    };
    assert_eq!(
        (item.rows, &item.keys[..]),
        (Some(1), &["1,3".to_owned()][..])
    );
}

/// The dumps of one database by every program that the tests have, but for those that leave something out on purpose.
#[test]
fn every_program_writes_the_same_contents() {
    let Some(folder) = std::env::var_os("CIVIDB_PRODUCERS").map(std::path::PathBuf::from) else {
        let why = "CIVIDB_PRODUCERS names no folder made by tests/producers/make";
        crate::skip::skip("producers", why);
        return;
    };
    const LESS: [&str; 13] = [
        // Characters that the character set of the connection does not have are lost.
        "dump-ansi",
        "latin1",
        // Tables, rows or definitions are left out.
        "ignore-table",
        "no-create-info",
        "no-data",
        "no-schemas",
        "some-tables",
        "structure",
        "custom-data",
        "adminer-data",
        "quote-names",
        "no-backquotes",
        // A row has fewer values than its table has columns, or a table has no columns.
        "custom-plain-insert",
    ];
    let mut wrong = Vec::new();
    let mut equal = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = common::name(&path);
        let leaves_out = LESS.iter().any(|less| name.contains(less))
            || [
                "drupal",
                "custom-ansi",
                "insert-update",
                "errors-inside",
                "without-definer.sql",
                // It stopped before its end.
                "no-definition-privilege",
            ]
            .iter()
            .any(|it| name.contains(it));
        if leaves_out {
            continue;
        }
        let path = path.to_string_lossy().into_owned();
        let output = cividb(&folder, &["compare", "mariadb-dump-whole.sql", &path]);
        match output.status.code() {
            Some(0) => equal += 1,
            _ => wrong.push(format!(
                "{name}: {}",
                common::text(&output.stdout)
                    .lines()
                    .take(4)
                    .collect::<Vec<_>>()
                    .join(" / ")
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(equal > 30, "{equal}");
}

#[test]
fn a_server_holds_what_the_dump_holds_that_was_loaded_into_it() {
    for server in server::all() {
        for path in common::real_dumps() {
            let name = common::name(&path);
            let sample = if server.is_mysql() {
                "5.51.3"
            } else {
                "4.2.16"
            };
            if !common::everything() && !name.starts_with(sample) {
                continue;
            }
            let text = common::text_of(&path);
            let text = replaced_if(&text, "NO_AUTO_CREATE_USER,", "", server.is_mysql());
            let database = format!(
                "compared_{}",
                name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
            );
            server.load(&database, &text);
            let url = server.url(&database);
            let dump = path.to_string_lossy();
            for pair in [[&*dump, &*url], [&*url, &*dump]] {
                is_intact(pair, &format!("{name} on {}", server.name));
            }
            let folder = tempfile::tempdir().expect("a folder");
            let spellings = SPELLINGS.iter().enumerate();
            for (_, options) in spellings.filter(|(place, _)| place % common::every(5) == 0) {
                let other = folder.path().join("other.sql");
                let mut program = server.program(match server.is_mysql() {
                    true => "mysqldump",
                    false => "mariadb-dump",
                });
                program.args(["--no-defaults", "-u", "root", "-S"]);
                program.arg(server.socket()).args(options.split(' '));
                let output = program.arg(&database).output().expect("it runs");
                if options.contains("quote-names") && !output.status.success() {
                    // The program itself stumbles over a column that is called as a keyword is.
                    continue;
                }
                assert!(output.status.success(), "{}", common::text(&output.stderr));
                std::fs::write(&other, output.stdout).expect("written");
                let of = format!("{name} on {} with {options}", server.name);
                is_intact([&*dump, &other.to_string_lossy()], &of);
            }
        }
    }
}

/// Options of the dump programs that spell the same contents otherwise.
const SPELLINGS: [&str; 11] = [
    "--skip-extended-insert --complete-insert",
    "--hex-blob",
    "--order-by-primary --insert-ignore",
    "--skip-tz-utc",
    "--skip-quote-names",
    "--replace --no-autocommit --skip-disable-keys",
    "--skip-opt --quick",
    "--single-transaction --skip-lock-tables --routines --events",
    "--skip-set-charset",
    "--skip-add-drop-table --skip-comments --skip-triggers",
    "--compact --skip-triggers",
];

fn is_intact(pair: [&str; 2], of: &str) {
    let output = cividb(Path::new("/"), &["compare", pair[0], pair[1]]);
    let printed = common::text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{of}: {printed}");
    assert!(printed.contains("intact: "), "{of}: {printed}");
}

fn replaced_if(text: &[u8], old: &str, new: &str, wanted: bool) -> Vec<u8> {
    match wanted && memchr::memmem::find(text, old.as_bytes()).is_some() {
        true => replaced(text, old, new),
        false => text.to_vec(),
    }
}

/// The dumps of databases that CiviCRM itself upgraded, each with the dump before.
const UPGRADED: [(&str, &str); 3] = [
    ("4.7.31-setupsh", "4.7.31-to-5.33.2"),
    ("4.7.31-setupsh", "4.7.31-to-5.81.2"),
    ("5.21.2-setupsh", "5.21.2-to-5.81.2"),
];

fn upgraded() -> Vec<[std::path::PathBuf; 2]> {
    let dumps = common::real_dumps();
    let find = |start: &str| {
        dumps
            .iter()
            .find(|path| common::name(path).starts_with(start))
    };
    UPGRADED
        .iter()
        .filter_map(|(before, after)| Some([find(before)?.clone(), find(after)?.clone()]))
        .collect()
}

#[test]
fn an_upgrade_by_civicrm_itself_leaves_the_data_intact() {
    let folder = tempfile::tempdir().expect("a folder");
    // From both releases daily, and to 5.33 on the way as well with CIVIDB_TEST_ALL.
    for [before, after] in upgraded().into_iter().skip(common::every(2) - 1) {
        let (before, after) = (before.to_string_lossy(), after.to_string_lossy());
        let output = cividb(
            folder.path(),
            &["compare", &before, &after, "--format", "json"],
        );
        let report = json(&output);
        let contents = &report["contents"];
        assert_eq!(contents["unexplained"], Value::Array(Vec::new()), "{after}");
        assert_eq!(
            contents["not_compared"],
            Value::Array(Vec::new()),
            "{after}"
        );
        assert_eq!(output.status.code(), Some(0), "{after}");
        assert!(
            contents["equal_columns"].as_u64() > Some(1400),
            "{contents}"
        );
    }
}

/// What is lost before or after an upgrade is found, and nothing else is.
#[test]
fn what_an_upgrade_does_not_do_is_found_behind_it() {
    let Some([before, after]) = upgraded().into_iter().next() else {
        return;
    };
    let text = common::text_of(&after);
    let lost: [(&str, &str, &str); 3] = [
        ("(1,'USD',", "(1,'EUR',", "changed"),
        ("),(12,3,", "),(12,4,", "changed"),
        (
            "INSERT INTO `civicrm_phone` VALUES",
            "INSERT INTO `civicrm_phone_of_others` VALUES",
            "rows-lost",
        ),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let mut found = 0;
    for (old, new, what) in lost {
        if memchr::memmem::find(&text, old.as_bytes()).is_none() {
            continue;
        }
        let at = memchr::memmem::find(&text, old.as_bytes()).expect("it is there");
        let mut changed = text.clone();
        changed.splice(at..at + old.len(), new.bytes());
        let path = folder.path().join("after.sql");
        std::fs::write(&path, changed).expect("written");
        let arguments = [
            "compare",
            &before.to_string_lossy(),
            "after.sql",
            "--format",
            "json",
        ];
        let output = cividb(folder.path(), &arguments);
        let report = json(&output);
        let unexplained = report["contents"]["unexplained"]
            .as_array()
            .expect("a list");
        if let [one] = &unexplained[..] {
            assert_eq!(one["what"], what, "{one}");
            found += 1;
        } else {
            panic!("{old}: {unexplained:?}");
        }
        assert_eq!(output.status.code(), Some(1));
    }
    assert!(found > 0);
}

#[test]
fn a_restore_that_lost_something_as_people_read_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes = [
        (
            "VALUES (1,'Europe'),(2,'Africa')",
            "VALUES (1,'Europe'),(3,'Asia')",
        ),
        ("(2,2,2,'sesterpuwen", "(2,2,2,'Sesterpuwen"),
    ];
    let changed = |dump: Vec<u8>, (old, new)| replaced(&dump, old, new);
    let after = changes.into_iter().fold(common::sample(), changed);
    std::fs::write(folder.path().join("before.sql"), common::sample()).expect("written");
    std::fs::write(folder.path().join("after.sql"), after).expect("written");
    let commands = [
        "compare before.sql before.sql",
        "compare before.sql after.sql",
        "compare before.sql after.sql --through 5.81",
        "compare - -",
    ];
    insta::assert_snapshot!(transcript(folder.path(), &commands, &[]));
    let report = json(&cividb(
        folder.path(),
        &["compare", "before.sql", "after.sql", "--format", "json"],
    ));
    common::assert_follows_schema(&report);
}

/// All rows that differ are written, as they were and as they are, and values are shown only where that is asked for.
#[test]
fn rows_that_differ_are_exported_and_values_shown_only_on_demand() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, rows: &str| {
        let text = format!(
            "CREATE TABLE `civicrm_tag` (`id` int NOT NULL, `name` varchar(64), PRIMARY KEY (`id`));\nINSERT INTO \
             `civicrm_tag` VALUES {rows};\n"
        );
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a dump");
        path.display().to_string()
    };
    let before = write("before.sql", "(1,'same'),(2,'old\"s'),(3,'lost'),(4,NULL)");
    let after = write("after.sql", "(1,'same'),(2,'new'),(4,'set'),(5,'more')");
    let run = |more: &[&str]| {
        let arguments: Vec<&str> = ["compare", &before, &after]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        common::text(&cividb(folder.path(), &arguments).stdout)
    };
    let plain = run(&[]);
    assert!(
        plain.contains("civicrm_tag.name: 2 rows have other values (1 of them NULL before): 2, 4"),
        "{plain}"
    );
    assert!(!plain.contains("lost'"), "{plain}");
    let shown = run(&["--show-values", "--export", "rows"]);
    assert!(
        shown.contains("2 ('old\"s' before, 'new' now), 4 (NULL before, 'set' now)"),
        "{shown}"
    );
    assert!(
        shown.contains("\n  rows/civicrm_tag.after.csv\n  rows/civicrm_tag.before.csv\n"),
        "{shown}"
    );
    let rows = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join("rows").join(name)).expect("rows");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(
        rows("civicrm_tag.before.csv"),
        [
            "\"2\",\"old\"\"s\"",
            "\"3\",\"lost\"",
            "\"4\",\\N",
            "\"id\",\"name\""
        ]
    );
    assert_eq!(
        rows("civicrm_tag.after.csv"),
        [
            "\"2\",\"new\"",
            "\"4\",\"set\"",
            "\"5\",\"more\"",
            "\"id\",\"name\""
        ]
    );
}

/// Rows of a table without a key were shown whole, and exported with those that are equal; numbers were written as bytes.
#[test]
fn values_are_shown_to_who_asks_for_them_and_written_as_numbers() {
    let table = "CREATE TABLE civicrm_nokey (a int, d double, f float, t longtext);
        CREATE TABLE civicrm_worldregion (id int PRIMARY KEY, d double);\n";
    let long = "x".repeat(5000);
    let dump = |row: &str, double: &str| {
        format!(
            "{table}INSERT INTO civicrm_nokey VALUES (1,0.1,0.5,'secret {long}'),(1,0.1,0.5,'secret {long}'),{row};
             INSERT INTO civicrm_worldregion VALUES (1,{double});\n"
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "before.sql",
        dump(&format!("(1,0.1,0.5,'secret {long}')"), "52.123456789"),
    );
    write("after.sql", dump("(2,1e-3,16777216,NULL)", "-0.25"));
    let run = |more: &[&str]| {
        let arguments = [&["compare", "before.sql", "after.sql"][..], more].concat();
        common::text(&cividb(folder.path(), &arguments).stdout)
    };
    let plain = run(&[]);
    assert!(!plain.contains("secret"), "{plain}");
    let shown = run(&["--show-values", "--export", "rows"]);
    assert!(
        shown.contains("'52.123456789' before, '-0.25' now"),
        "{shown}"
    );
    assert!(shown.lines().all(|line| line.len() < 1000), "{shown}");
    let rows = |name: &str| std::fs::read_to_string(folder.path().join("rows").join(name)).unwrap();
    let before = rows("civicrm_nokey.before.csv");
    assert_eq!(
        before.matches("secret").count(),
        1,
        "the other two are there as before"
    );
    let after = rows("civicrm_nokey.after.csv");
    assert_eq!(after.lines().count(), 2, "{after}");
    assert!(after.contains("\"2\",\"0.001\",\"16777216\""), "{after}");
}

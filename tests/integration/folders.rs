//! Folders with the files of one dump: of MySQL Shell, made here as its manual and its loader describe them, and of
//! `mariadb-dump --tab`, made by the real program.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cividb::dump::reader::{DumpReader, DumpSink as _};
use cividb::dump::scanner::{Scanner, Sink, Statement as Text, Wanted};
use cividb::dump::values::parse_row;
use cividb::schema::ddl::{self, Statement};
use cividb::schema::lexer::SqlModes;
use cividb::schema::model::Schema;
use cividb::snapshot::Place;
use cividb::source::{Access, Location};
use serde_json::{Value, json};

use crate::common::{self, cividb, text};
use crate::server::{self, Server};

type Row = Vec<Option<Vec<u8>>>;

/// A table of a dump, as MySQL Shell writes it.
#[derive(Default)]
struct Table {
    create: String,
    triggers: Vec<(String, String)>,
    columns: Vec<String>,
    rows: Vec<Row>,
}

/// Takes a dump apart.
#[derive(Default)]
struct Parts {
    reader: DumpReader,
    tables: BTreeMap<String, Table>,
    views: Vec<(String, String)>,
    routines: Vec<(String, String)>,
    inserted: String,
}

impl Sink for Parts {
    fn statement(&mut self, statement: Text<'_>) {
        let sql = text(statement.text);
        match ddl::parse(&sql, SqlModes::default()) {
            Ok(Statement::CreateTable(create)) => {
                let table = self.tables.entry(create.name.name).or_default();
                table.columns = create.table.columns.keys().cloned().collect();
                table.create = sql;
            }
            Ok(Statement::CreateTrigger(create)) => {
                let table = self.tables.entry(create.object.table.clone()).or_default();
                table.triggers.push((create.name.name, sql));
            }
            Ok(Statement::CreateView(create)) => self.views.push((create.name.name, sql)),
            Ok(Statement::CreateRoutine(_, create)) => self.routines.push((create.name.name, sql)),
            _ => {}
        }
        self.reader.reader().statement(statement);
    }
    fn rows_begin(&mut self, head: Text<'_>) -> Wanted {
        self.reader.rows_begin(head);
        let (_, table, _) = self.reader.current_insert().expect("a table");
        self.inserted = table.to_owned();
        Wanted::Whole
    }
    fn row(&mut self, row: Text<'_>) {
        let row = parse_row(row.text, SqlModes::default()).expect("a row");
        let table = self.tables.get_mut(&self.inserted).expect("a table");
        table.rows.push(row);
    }
    fn rows_end(&mut self, _: u64, _: Option<&[u8]>, _: Place) {}
    fn comment(&mut self, _: &[u8], _: Place, _: bool) {}
    fn modes(&self) -> SqlModes {
        self.reader.modes()
    }
}

/// Columns that are written in code, as MySQL Shell does with those of bytes.
const ENCODED: [(&str, &str); 3] = [
    ("email", "UNHEX"),
    ("entity_table", "FROM_BASE64"),
    ("note", "FROM_BASE64"),
];

fn delimited(columns: &[String], rows: &[Row]) -> Vec<u8> {
    let mut file = Vec::new();
    for row in rows {
        for (index, (column, value)) in columns.iter().zip(row).enumerate() {
            if index > 0 {
                file.push(b'\t');
            }
            let Some(value) = value else {
                file.extend_from_slice(b"\\N");
                continue;
            };
            let encoding = ENCODED.iter().find(|(name, _)| name == column);
            let value = match encoding {
                Some((_, "UNHEX")) => value.iter().map(|b| format!("{b:02X}")).collect(),
                Some(_) => STANDARD.encode(value),
                None => {
                    for byte in value {
                        match byte {
                            0 => file.extend_from_slice(b"\\0"),
                            8 => file.extend_from_slice(b"\\b"),
                            b'\n' => file.extend_from_slice(b"\\n"),
                            b'\r' => file.extend_from_slice(b"\\r"),
                            b'\t' => file.extend_from_slice(b"\\t"),
                            26 => file.extend_from_slice(b"\\Z"),
                            b'\\' => file.extend_from_slice(b"\\\\"),
                            byte => file.push(*byte),
                        }
                    }
                    continue;
                }
            };
            file.extend_from_slice(value.as_bytes());
        }
        file.push(b'\n');
    }
    file
}

/// Writes a dump as the folder that `util.dumpSchemas` makes.
fn shell_folder(folder: &Path, dump: &[u8]) {
    fs::create_dir_all(folder).expect("a folder");
    let mut parts = Parts::default();
    let mut scanner = Scanner::default();
    scanner.feed(dump, &mut parts);
    scanner.finish(&mut parts);
    let write = |name: &str, content: &[u8]| {
        fs::write(folder.join(name), content).expect("written");
    };
    let sql = |name: &str, about: &str, content: &str| {
        let head = format!(
            "-- MySQLShell dump 2.0.1  Distrib Ver 8.0.36 for Linux on x86_64 - for MySQL 8.0.36 (MySQL Community \
             Server (GPL)), for Linux (x86_64)\n--\n-- Host: localhost    Database: civicrm{about}\n\
             -- ------------------------------------------------------\n-- Server version\t8.0.36\n\n"
        );
        write(name, (head + content).as_bytes());
    };
    let programs = |programs: &[(String, String)]| {
        let each = programs
            .iter()
            .map(|(_, sql)| format!("DELIMITER ;;\n{sql} ;;\nDELIMITER ;\n"));
        each.collect::<String>()
    };
    let names = |programs: &[(String, String)]| -> Vec<String> {
        programs.iter().map(|(name, _)| name.clone()).collect()
    };
    sql("@.sql", "", "");
    sql("@.post.sql", "", "");
    let create = "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `civicrm`;\n\nUSE `civicrm`;\n\n";
    sql(
        "civicrm.sql",
        "",
        &format!("{create}{}", programs(&parts.routines)),
    );
    let mut bytes = serde_json::Map::new();
    for (name, table) in &parts.tables {
        let base = format!("civicrm@{name}");
        sql(
            &format!("{base}.sql"),
            &format!("    Table: {name}"),
            &format!("{};\n", table.create),
        );
        if !table.triggers.is_empty() {
            sql(
                &format!("{base}.triggers.sql"),
                "",
                &programs(&table.triggers),
            );
        }
        let encoded: serde_json::Map<String, Value> = ENCODED
            .iter()
            .filter(|(column, _)| table.columns.iter().any(|known| known == column))
            .map(|(column, function)| ((*column).to_owned(), json!(function)))
            .collect();
        let metadata = json!({
            "options": {
                "schema": "civicrm", "table": name, "columns": table.columns, "decodeColumns": encoded,
                "defaultCharacterSet": "utf8mb4", "fieldsTerminatedBy": "\t", "fieldsEnclosedBy": "",
                "fieldsOptionallyEnclosed": false, "fieldsEscapedBy": "\\", "linesTerminatedBy": "\n"
            },
            "triggers": names(&table.triggers), "includesData": true, "includesDdl": true,
            "extension": "tsv.zst", "chunking": true, "compression": "zstd", "primaryIndex": ["id"],
            "partitions": [], "basenames": {}
        });
        write(&format!("{base}.json"), metadata.to_string().as_bytes());
        let (first, rest) = table.rows.split_at(table.rows.len() / 2);
        let chunks = match first {
            [] => vec![(format!("{base}@@0.tsv.zst"), rest)],
            _ => vec![
                (format!("{base}@0.tsv.zst"), first),
                (format!("{base}@@1.tsv.zst"), rest),
            ],
        };
        for (file, rows) in chunks {
            let content = delimited(&table.columns, rows);
            let mut packed = Vec::with_capacity(zstd_safe::compress_bound(content.len()));
            zstd_safe::compress(&mut packed, &content, 1).expect("packed");
            write(&file, &packed);
            write(
                &format!("{file}.idx"),
                &(content.len() as u64).to_be_bytes(),
            );
            bytes.insert(file, json!(content.len()));
        }
    }
    for (view, create) in &parts.views {
        sql(&format!("civicrm@{view}.pre.sql"), "", "");
        sql(&format!("civicrm@{view}.sql"), "", &format!("{create};\n"));
    }
    let tables: Vec<&String> = parts.tables.keys().collect();
    let database = json!({
        "schema": "civicrm", "includesDdl": true, "includesViewsDdl": true, "includesData": true, "tables": tables,
        "views": names(&parts.views), "events": [], "functions": names(&parts.routines), "procedures": [],
        "basenames": {}
    });
    write("civicrm.json", database.to_string().as_bytes());
    let dump = json!({
        "dumper": "mysqlsh Ver 8.0.36 for Linux on x86_64 - for MySQL 8.0.36 (MySQL Community Server (GPL))",
        "version": "2.0.1", "origin": "dumpSchemas", "schemas": ["civicrm"], "basenames": {"civicrm": "civicrm"},
        "defaultCharacterSet": "utf8mb4", "tzUtc": true, "serverVersion": "8.0.36", "begin": "2025-05-01 02:00:00"
    });
    write("@.json", dump.to_string().as_bytes());
    let done = json!({"end": "2025-05-01 02:00:07", "chunkFileBytes": bytes});
    write("@.done.json", done.to_string().as_bytes());
}

/// The sample with a view, and rows with what has to be escaped.
fn site() -> Vec<u8> {
    let more = "CREATE VIEW zv AS SELECT id FROM civicrm_contact;\n\
                CREATE TABLE zz_odd (id int PRIMARY KEY, email text, t text, n int);\n\
                INSERT INTO zz_odd VALUES (1,'a\\tb','c\\nd\\\\e\\0\\rf''g',NULL),(2,'','\\\\N',3),(3,NULL,'NULL',4);\n\
                -- Dump completed on";
    common::replaced(&common::sample(), "-- Dump completed on", more)
}

fn report(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["--format", "json"]);
    common::json(&cividb(folder, &all))
}

/// Severity, check and message of each finding, in the order of the alphabet.
fn found(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list").iter();
    let mut found: Vec<String> = findings
        .map(|it| format!("{} {} {}", it["severity"], it["check"], it["message"]).replace('"', ""))
        .collect();
    found.sort();
    found
}

#[test]
fn a_folder_of_mysql_shell_is_read_as_the_dump_that_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let site = common::replaced(&site(), "VALUES (1,1,1,'sefin", "VALUES (1,4711,1,'sefin");
    shell_folder(&folder.join("shell"), &site);
    fs::write(folder.join("dump.sql"), &site).expect("written");
    let access = Access::default();
    let path = folder.join("shell");
    let [location] = &Location::expand(path.to_str().expect("text"), &access).expect("there")[..]
    else {
        panic!("one source");
    };
    let read = location.read(None, &mut |_| {}).expect("it is read");
    let expected = common::snapshot_of(&site);
    assert_eq!(read.schema.tables, expected.schema.tables);
    let programs = |schema: &Schema| {
        let mut names: Vec<String> = schema
            .triggers
            .keys()
            .chain(schema.views.keys())
            .cloned()
            .collect();
        names.extend(schema.routines.keys().map(|(_, name)| name.clone()));
        names.sort();
        names
    };
    assert_eq!(programs(&read.schema), programs(&expected.schema));
    let mut counts = (read.row_counts.clone(), expected.row_counts.clone());
    counts.0.sort_keys();
    counts.1.sort_keys();
    assert_eq!(counts.0, counts.1);
    assert_eq!(read.rows["civicrm_domain"], expected.rows["civicrm_domain"]);
    let verified = report(folder, &["verify", "shell"]);
    assert_eq!(verified["verdict"], "pass", "{:#?}", found(&verified));
    assert_eq!(verified["source"]["producer"], "mysql-shell");
    assert_eq!(verified["source"]["server_version"], "8.0.36");
    assert_eq!(verified["source"]["finished"], "2025-05-01 02:00:07");
    let orphans = report(folder, &["orphans", "shell"]);
    assert_eq!(
        found(&orphans),
        found(&report(folder, &["orphans", "dump.sql"]))
    );
    assert!(
        found(&orphans).iter().any(|it| it.contains("key 1 → 4711")),
        "{:#?}",
        found(&orphans)
    );
}

#[test]
fn what_is_missing_in_a_folder_of_mysql_shell_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let shell = folder.join("shell");
    shell_folder(&shell, &site());
    for (file, named) in [
        (
            "@.done.json",
            "@.done.json is missing: MySQL Shell was still running",
        ),
        (
            "civicrm.sql",
            "civicrm.sql is missing, which makes database civicrm",
        ),
        ("civicrm@civicrm_note.sql", "which makes table civicrm_note"),
        (
            "civicrm@civicrm_note.json",
            "how the rows of civicrm_note are written",
        ),
        (
            "civicrm@civicrm_phone.triggers.sql",
            "which makes the triggers of civicrm_phone",
        ),
        ("civicrm@zv.sql", "which makes view zv"),
        (
            "civicrm@civicrm_email@0.tsv.zst",
            "civicrm@civicrm_email@0.tsv.zst, a file with rows of civicrm_email",
        ),
        (
            "civicrm@civicrm_email@@1.tsv.zst",
            "the last file with rows of civicrm_email",
        ),
        (
            "civicrm@civicrm_acl@@0.tsv.zst",
            "the last file with rows of civicrm_acl",
        ),
    ] {
        let content = fs::read(shell.join(file)).expect(file);
        fs::remove_file(shell.join(file)).expect(file);
        let found = found(&report(folder, &["verify", "shell"]));
        let is_named = |it: &String| it.starts_with("error dump-truncated") && it.contains(named);
        assert!(found.iter().any(is_named), "{file}: {found:#?}");
        fs::write(shell.join(file), content).expect(file);
    }
    // A chunk that is shorter than it was, and one that was replaced by a shorter one.
    let chunk = shell.join("civicrm@civicrm_email@0.tsv.zst");
    let content = fs::read(&chunk).expect("there");
    fs::write(&chunk, &content[..content.len() / 2]).expect("written");
    let cut = found(&report(folder, &["verify", "shell"]));
    assert!(
        cut.iter().any(|it| it.starts_with("error dump-unreadable")),
        "{cut:#?}"
    );
    let mut packed = Vec::with_capacity(1000);
    zstd_safe::compress(&mut packed, &b"1\t1\n"[..], 1).expect("packed");
    fs::write(&chunk, packed).expect("written");
    let short = found(&report(folder, &["verify", "shell"]));
    assert!(
        short
            .iter()
            .any(|it| it.contains("holds 4 of the") && it.contains("bytes of rows")),
        "{short:#?}"
    );
    fs::write(&chunk, content).expect("written");
    let whole = report(folder, &["verify", "shell"]);
    assert_eq!(whole["verdict"], "pass", "{:#?}", found(&whole));
}

#[test]
fn a_folder_of_mysql_shell_that_does_not_say_how_its_rows_are_written_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    shell_folder(&folder.join("shell"), &common::sample());
    let metadata = folder.join("shell/civicrm@civicrm_domain.json");
    for (content, said) in [
        (
            r#"{"options":{"schema":"civicrm"}}"#,
            "does not name the columns of the rows of civicrm_domain",
        ),
        (
            r#"{"options":{"columns":["id"],"linesTerminatedBy":""}}"#,
            "names separators",
        ),
        ("{", "is damaged"),
    ] {
        fs::write(&metadata, content).expect("written");
        let output = cividb(folder, &["verify", "shell"]);
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(
            shown.contains("MySQL Shell")
                && shown.contains("civicrm@civicrm_domain.json")
                && shown.contains(said),
            "{shown}"
        );
    }
}

/// Makes a folder with `mariadb-dump --tab`; returns what the program wrote to its standard output.
fn tab_folder(server: &Server, folder: &Path, arguments: &[&str]) -> Vec<u8> {
    fs::create_dir_all(folder).expect("a folder");
    fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("set");
    let output = Command::new("mariadb-dump")
        .args(["--no-defaults", "-uroot", "-S"])
        .arg(server.socket())
        .arg(format!("--tab={}", folder.display()))
        .args(arguments)
        .output()
        .expect("mariadb-dump runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    output.stdout
}

#[test]
fn a_folder_of_tab_is_read_whatever_separates_its_values() {
    let Some(server) = server::installed() else {
        return;
    };
    server.run(
        None,
        "CREATE DATABASE folders_odd; USE folders_odd; \
         CREATE TABLE zz_odd (id int PRIMARY KEY, t text, n int, g int AS (n + 1)); \
         INSERT INTO zz_odd (id, t, n) VALUES (1, 'a\\tb\\nc\\\\d,\\0\\r\"', NULL), (2, '\\\\N', 3), (3, NULL, 4)",
    );
    let files = server.socket().with_file_name("files");
    for (name, options, passes) in [
        ("tabs", &[][..], true),
        (
            "csv",
            &["--fields-terminated-by=,", "--fields-enclosed-by=\""],
            true,
        ),
        ("crlf", &["--lines-terminated-by=\r\n"], true),
        ("odd", &["--fields-terminated-by=@"], false),
    ] {
        let folder = files.join(name);
        tab_folder(
            server,
            &folder,
            &[options, &["folders_odd", "zz_odd"]].concat(),
        );
        let path = folder.to_str().expect("text");
        if !passes {
            let shown = text(&cividb(&files, &["verify", path]).stderr);
            let said = "mysqldump --tab was given other separators";
            assert!(shown.contains(said), "{shown}");
            continue;
        }
        let report = report(&files, &["verify", "--no-civicrm", path]);
        assert_eq!(report["inventory"]["rows"], 3, "{name}");
        assert!(
            !found(&report).iter().any(|it| it.starts_with("error")),
            "{name}: {:#?}",
            found(&report)
        );
    }
}

#[test]
fn a_folder_of_tab_loads_as_the_report_says_and_lacks_nothing_then() {
    let Some(server) = server::installed() else {
        return;
    };
    server.load("folders_tab", &site());
    let files = server.socket().with_file_name("files");
    let folder = files.join("site");
    let path = folder.to_str().expect("text");
    let routines = tab_folder(server, &folder, &["--routines", "folders_tab"]);
    let lost = report(&files, &["verify", path]);
    let fix = |report: &Value, check: &str| {
        let findings = report["findings"].as_array().expect("a list").iter();
        let fix = findings
            .filter(|it| it["check"] == check)
            .filter_map(|it| it["fix"].as_str());
        fix.map(str::to_owned).next().expect("a finding")
    };
    assert!(fix(&lost, "routine-missing").contains("to its standard output"));
    fs::write(folder.join("routines.sql"), routines).expect("written");
    let whole = report(&files, &["verify", path]);
    assert_eq!(whole["verdict"], "pass", "{:#?}", found(&whole));
    let rows = "SELECT COUNT(*) FROM civicrm_option_value";
    let rows: u64 = server
        .run(Some("folders_tab"), rows)
        .trim()
        .parse()
        .expect("a number");
    let [location] = &Location::expand(path, &Access::default()).expect("there")[..] else {
        panic!("one source");
    };
    let read = location.read(None, &mut |_| {}).expect("it is read");
    assert_eq!(read.row_counts["civicrm_option_value"], rows);
    let orphans = report(&files, &["orphans", path]);
    assert_eq!(orphans["verdict"], "pass", "{:#?}", found(&orphans));

    let fix = fix(&whole, "restore-key-order");
    let (_, command) = fix.split_once("in its folder: ").expect("a command");
    let client = format!(
        "mariadb --no-defaults -uroot -S {} --local-infile=1 folders_again",
        server.socket().display()
    );
    let command = command.replace("mysql --local-infile=1 DATABASE", &client);
    server.run(None, "CREATE DATABASE folders_again");
    let loaded = Command::new("sh")
        .args(["-c", &command])
        .current_dir(&folder)
        .output()
        .expect("sh runs");
    assert!(loaded.status.success(), "{}", text(&loaded.stderr));
    let checksum = |database: &str| {
        let tables = ["civicrm_contact", "civicrm_email", "zz_odd"];
        let tables = tables.map(|table| format!("{database}.{table}"));
        let sql = format!("CHECKSUM TABLE {}", tables.join(", "));
        server.run(None, &sql).replace(database, "")
    };
    assert_eq!(checksum("folders_again"), checksum("folders_tab"));

    fs::remove_file(folder.join("civicrm_note.txt")).expect("there");
    let lost = found(&report(&files, &["verify", path]));
    let said = "civicrm_note.txt, the file with the rows of civicrm_note, is missing";
    assert!(lost.iter().any(|it| it.contains(said)), "{lost:#?}");
    let email = folder.join("civicrm_email.txt");
    let content = fs::read(&email).expect("there");
    fs::write(&email, &content[..content.len() - 3]).expect("written");
    let cut = found(&report(&files, &["verify", path]));
    let said = "it ends inside a row";
    assert!(cut.iter().any(|it| it.contains(said)), "{cut:#?}");
}

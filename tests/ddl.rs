//! The grammar and the model against real dumps, and against arbitrary text.

#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use cividb::schema::{
    ddl::{self, CreateTable, Statement},
    lexer::SqlModes,
    model::{Name, Schema},
    references::{self, References},
};
use proptest::prelude::*;
use sqlparser::{
    ast,
    dialect::MySqlDialect,
    parser::{Parser, ParserOptions},
};

#[path = "integration/skip.rs"]
mod skip;

const MODES: SqlModes = SqlModes {
    ansi_quotes: false,
    no_backslash_escapes: false,
};

/// The functions that dumps without `--routines` lack.
const LOST_FUNCTION: &str = "civicrm_strip_non_numeric";

fn shared() -> Option<PathBuf> {
    let folder = env::var_os("CIVIDB_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let found = folder.join("dumps").is_dir();
    if !found {
        skip::skip("dumps", format!("no real dumps at {}", folder.display()));
    }
    found.then_some(folder)
}

/// Name and text of every dump, sorted by name; none where the shared folder is absent.
static DUMPS: LazyLock<Vec<(String, String)>> = LazyLock::new(read_dumps);

fn read_dumps() -> Vec<(String, String)> {
    let Some(folder) = shared().map(|folder| folder.join("dumps")) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = [folder.clone(), folder.join("upgraded")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bz2"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 23);
    files
        .into_iter()
        .map(|path| {
            let mut bytes = Vec::new();
            bzip2::read::MultiBzDecoder::new(fs::File::open(&path).unwrap())
                .read_to_end(&mut bytes)
                .unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect()
}

/// The statements of a dump without its rows. These dumps end each statement at the end of
/// a line, which is all this needs to know.
fn statements(dump: &str) -> Vec<String> {
    let mut delimiter = ";";
    let mut statements = Vec::new();
    let mut statement = String::new();
    for line in dump.lines() {
        if let Some(new) = line.strip_prefix("DELIMITER ") {
            delimiter = new.trim();
            continue;
        }
        if statement.is_empty()
            && (line.trim().is_empty()
                || line.starts_with("INSERT INTO `")
                || line.starts_with("--"))
        {
            continue;
        }
        statement.push_str(line);
        statement.push('\n');
        if let Some(end) = line
            .trim_end()
            .strip_suffix(delimiter)
            .map(|line| line.len())
        {
            let start = statement.len() - line.len() - 1;
            statement.truncate(start + end);
            statements.push(std::mem::take(&mut statement));
        }
    }
    assert_eq!(statement.trim(), "", "the last statement does not end");
    statements
}

fn parse(text: &str) -> Statement {
    ddl::parse(text, MODES).unwrap_or_else(|error| panic!("{error} in:\n{text}"))
}

fn tables(dump: &str) -> Vec<(String, CreateTable)> {
    statements(dump)
        .into_iter()
        .filter_map(|text| match parse(&text) {
            Statement::CreateTable(create) => Some((text, *create)),
            _ => None,
        })
        .collect()
}

fn schema(dump: &str) -> Schema {
    let mut schema = Schema::default();
    for text in statements(dump) {
        schema
            .apply(parse(&text))
            .unwrap_or_else(|error| panic!("{error} in:\n{text}"));
    }
    schema
}

#[test]
fn every_table_of_real_dumps_is_read_as_sqlparser_reads_it() {
    let dialect = MySqlDialect {};
    let (mut compared, mut total) = (0, 0);
    for (dump, text) in DUMPS.iter() {
        let tables = tables(text);
        let lines = text
            .lines()
            .filter(|line| line.starts_with("CREATE TABLE"))
            .count();
        assert_eq!(tables.len(), lines, "{dump}");
        for (text, create) in tables {
            total += 1;
            let parsed = Parser::new(&dialect)
                .with_options(ParserOptions::new().with_unescape(true))
                .try_with_sql(&text)
                .and_then(|mut parser| parser.parse_statement());
            let Ok(ast::Statement::CreateTable(peer)) = parsed else {
                continue;
            };
            compared += 1;
            assert_eq!(peer.name.to_string(), format!("`{}`", create.name.name));
            let ours: Vec<&String> = create.table.columns.keys().collect();
            let theirs: Vec<&String> = peer.columns.iter().map(|c| &c.name.value).collect();
            assert_eq!(ours, theirs, "{dump}: {text}");
        }
    }
    assert!(compared * 10 >= total * 9, "only {compared} of {total}");
}

#[test]
fn real_dumps_define_what_their_programs_use() {
    for (dump, text) in DUMPS.iter() {
        let schema = schema(text);
        assert!(schema.stand_ins.is_empty(), "{dump}");
        let count = |marks: &[&str]| {
            text.lines()
                .filter(|line| marks.iter().all(|mark| line.contains(mark)))
                .count()
        };
        let triggers = count(&["/*!50003 CREATE*/", "TRIGGER"]);
        assert_eq!(schema.triggers.len(), triggers, "{dump}");
        assert_eq!(schema.views.len(), count(&["/*!50001 VIEW"]), "{dump}");
        assert_eq!(
            schema.routines.len(),
            count(&["CREATE DEFINER", "FUNCTION"]),
            "{dump}"
        );
        for (name, trigger) in &schema.triggers {
            let found = references::of(&trigger.body, MODES);
            let table = schema.table(&trigger.table).unwrap();
            for column in &found.new_old_columns {
                assert!(
                    table.columns.contains_key(column),
                    "{dump}: {name}: {column}"
                );
            }
            check_references(&schema, &found, &format!("{dump}: trigger {name}"));
        }
        for (name, view) in &schema.views {
            let found = references::of(&view.query, MODES);
            assert_eq!(found.tables.len(), 1, "{dump}: view {name}");
            assert!(!found.columns.is_empty(), "{dump}: view {name}");
            check_references(&schema, &found, &format!("{dump}: view {name}"));
        }
        for ((_, name), routine) in &schema.routines {
            let found = references::of(&routine.definition, MODES);
            assert_eq!(found, References::default(), "{dump}: routine {name}");
        }
    }
}

fn check_references(schema: &Schema, found: &References, place: &str) {
    for table in &found.tables {
        assert!(schema.has_relation(&table.name), "{place}: {table}");
    }
    for (table, column) in &found.columns {
        let columns = &schema.table(&table.name).unwrap().columns;
        assert!(columns.contains_key(column), "{place}: {table}.{column}");
    }
    for function in &found.functions {
        assert_eq!(function.name, LOST_FUNCTION, "{place}");
    }
    assert_eq!(found.procedures, [], "{place}");
}

#[test]
fn relationship_triggers_are_seen_through_their_aliases() {
    let Some((_, text)) = DUMPS.iter().find(|(name, _)| name.starts_with("5.81.2")) else {
        return;
    };
    let schema = schema(text);
    let trigger = schema.trigger("civicrm_relationship_after_insert").unwrap();
    let found = references::of(&trigger.body, MODES);
    let tables: Vec<String> = found.tables.iter().map(Name::to_string).collect();
    assert_eq!(
        tables,
        [
            "civicrm_relationship",
            "civicrm_relationship_cache",
            "civicrm_relationship_type"
        ]
    );
    for (table, column) in [
        ("civicrm_relationship", "contact_id_a"),
        ("civicrm_relationship_cache", "near_contact_id"),
        ("civicrm_relationship_type", "name_a_b"),
    ] {
        let column = (Name::local(table), column.to_owned());
        assert!(found.columns.contains(&column), "{column:?}");
    }
}

#[test]
fn columns_of_dumps_are_spelled_as_in_the_reference_states() {
    let mut columns = 0;
    for (dump, state) in [
        ("4.0.8", "4.0"),
        ("4.4.5", "4.4.5"),
        ("4.7.31-setupsh", "4.7.31"),
        ("5.21.2-setupsh", "5.21"),
        ("5.33.2-setupsh", "5.33"),
        ("5.45.3", "5.45"),
        ("5.69.5", "5.69"),
        ("5.81.2-small", "5.81"),
        ("6.4.1", "6.4"),
    ] {
        let Some((_, text)) = DUMPS.iter().find(|(name, _)| name.starts_with(dump)) else {
            return;
        };
        let schema = schema(text);
        let state = shared()
            .unwrap()
            .join(format!("facts/schemas/{state}.json"));
        let state: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(state).unwrap()).unwrap();
        for (name, table) in &schema.tables {
            // The dumps of 6.x are of Standalone sites, which give this table another shape.
            if dump == "6.4.1" && name == "civicrm_uf_match" {
                continue;
            }
            let expected = state["tables"][name]["columns"].as_array();
            for expected in expected.into_iter().flatten() {
                let column = expected["name"].as_str().unwrap();
                let place = format!("{dump}: {name}.{column}");
                let ours = table.columns.get(column).expect(&place);
                assert_eq!(expected["type"], ours.data_type.as_str(), "{place}");
                assert_eq!(expected["nullable"], ours.nullable, "{place}");
                assert_eq!(expected["auto_increment"], ours.auto_increment, "{place}");
                let default = ours.default.as_ref().map(|default| match default {
                    cividb::schema::model::DefaultValue::Literal(text)
                    | cividb::schema::model::DefaultValue::Expression(text) => text.as_str(),
                });
                assert_eq!(expected["default"].as_str(), default, "{place}");
                assert_eq!(
                    expected["on_update"].is_string(),
                    ours.on_update_now,
                    "{place}"
                );
                let collation = ours
                    .collation
                    .as_ref()
                    .map(|name| name.replace("utf8mb3", "utf8"));
                assert_eq!(
                    expected["collation"].as_str(),
                    collation.as_deref(),
                    "{place}"
                );
                columns += 1;
            }
        }
    }
    assert!(columns > 8000, "only {columns}");
}

#[test]
fn deep_nesting_neither_overflows_nor_takes_long() {
    let deep = 50_000;
    let nested = format!("{}1{}", "(".repeat(deep), ")".repeat(deep));
    let text = format!("CREATE TABLE t (a int CHECK {nested}, b int AS {nested})");
    assert!(matches!(parse(&text), Statement::CreateTable(_)));
    references::of(
        &format!("SELECT {}", "f(SELECT * FROM (".repeat(deep)),
        MODES,
    );
    let version_comments = "/*!50000 ".repeat(deep);
    assert!(ddl::parse(&version_comments, MODES).is_err());
    assert!(ddl::parse(&"_a ".repeat(deep), MODES).is_err());
    assert!(ddl::parse(&format!("SELECT {}", "/*".repeat(deep)), MODES).is_ok());
}

/// Words that the grammar and the reference finder look for, to be thrown together.
fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "CREATE",
        "TABLE",
        "TEMPORARY",
        "VIEW",
        "TRIGGER",
        "FUNCTION",
        "PROCEDURE",
        "EVENT",
        "INDEX",
        "UNIQUE",
        "KEY",
        "PRIMARY",
        "FOREIGN",
        "REFERENCES",
        "CONSTRAINT",
        "CHECK",
        "ALTER",
        "ADD",
        "DROP",
        "MODIFY",
        "CHANGE",
        "COLUMN",
        "RENAME",
        "TO",
        "AS",
        "SELECT",
        "FROM",
        "JOIN",
        "ON",
        "UPDATE",
        "SET",
        "INSERT",
        "INTO",
        "REPLACE",
        "VALUES",
        "DELETE",
        "USING",
        "WITH",
        "WHERE",
        "BEGIN",
        "END",
        "THEN",
        "CALL",
        "LIKE",
        "PARTITION",
        "BY",
        "ENGINE",
        "DEFAULT",
        "CHARSET",
        "COLLATE",
        "int",
        "varchar",
        "enum",
        "decimal",
        "NOT",
        "NULL",
        "GENERATED",
        "ALWAYS",
        "DEFINER",
        "IF",
        "EXISTS",
        "BEFORE",
        "AFTER",
        "FOR",
        "EACH",
        "ROW",
        "LOCK",
        "TABLES",
        "NEW",
        "OLD",
        "FIRST",
        "a",
        "b",
        "`c`",
        "\"d\"",
        "'e'",
        "x'41'",
        "b'1'",
        "0x4",
        "1",
        "1.5e3",
        "@",
        "@v",
        "@@g.v",
        "(",
        ")",
        ",",
        ".",
        ";",
        "=",
        ":=",
        "*",
        "-",
        "/*!50003",
        "/*M!100100",
        "/*!999999",
        "/*",
        "*/",
        "-- x\n",
        "#",
        "_utf8mb4",
        "'",
        "`",
        "\\",
        "{",
        "é",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>(), ansi_quotes: bool, no_backslash_escapes: bool) {
        let modes = SqlModes { ansi_quotes, no_backslash_escapes };
        let _ = ddl::parse(&text, modes);
        references::of(&text, modes);
    }

    #[test]
    fn token_soup_never_panics(
        first in prop::sample::select(vec!["", "CREATE TABLE t (", "ALTER TABLE t ", "CREATE ", "SET ", "INSERT "]),
        tokens in prop::collection::vec(token(), 0..60),
        blank in prop::sample::select(vec!["", " "]),
    ) {
        let text = format!("{first}{}", tokens.join(blank));
        let parsed = ddl::parse(&text, MODES);
        references::of(&text, MODES);
        if let Ok(statement) = parsed {
            let _ = Schema::default().apply(statement);
        }
    }
}

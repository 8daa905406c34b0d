//! Names that break whatever is not quoted with care, on real servers: the statement that is run is the
//! one that is meant.

use cividb::change::definition;
use cividb::change::whole_schema;
use cividb::schema::model::{
    Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table,
};
use cividb::schema::sql::{identifier, schema_sql};

use crate::server;

const PIECES: [&str; 24] = [
    "`",
    "``",
    "'",
    "\"",
    "\\",
    ";",
    "; DROP TABLE x",
    "*/",
    "/*",
    "/*!50000 x */",
    "--",
    " -- ",
    "#",
    "\n",
    "\r",
    "\t",
    "é",
    "(",
    ")",
    "?",
    "%",
    "` ADD COLUMN `b",
    "`; DROP TABLE `id`; -- ",
    "a",
];

/// The name of this number: the pieces that its digits choose, up to 40 characters: servers make file names of them that are five times as long.
fn name(number: usize) -> String {
    let mut rest = number;
    let mut name = String::new();
    for _ in 0..4 {
        name.push_str(PIECES[rest % PIECES.len()]);
        rest = rest / PIECES.len() + number;
    }
    let name: String = name.chars().take(40).collect();
    format!("{name}x")
}

fn column() -> Column {
    Column {
        data_type: "int unsigned".to_owned(),
        nullable: false,
        default: None,
        on_update_now: false,
        auto_increment: false,
        charset: None,
        collation: None,
        generated: None,
        comment: None,
    }
}

/// A table that refers to itself, in which everything has this name.
fn schema(name: &str) -> Schema {
    let index = Index {
        kind: IndexKind::Plain,
        parts: vec![KeyPart::column(name)],
    };
    let key = ForeignKey {
        columns: vec![name.to_owned()],
        referenced_database: None,
        referenced_table: name.to_owned(),
        referenced_columns: vec!["id".to_owned()],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::Restrict,
    };
    let columns = [("id".to_owned(), column()), (name.to_owned(), column())];
    let table = Table {
        columns: columns.into_iter().collect(),
        primary_key: vec![KeyPart::column("id")],
        indexes: [(name.to_owned(), index)].into_iter().collect(),
        foreign_keys: [(format!("{name}k"), key)].into_iter().collect(),
        engine: Some("InnoDB".to_owned()),
        ..Table::default()
    };
    Schema {
        tables: [(name.to_owned(), table)].into_iter().collect(),
        ..Schema::default()
    }
}

#[test]
fn a_table_is_made_as_it_is_meant_whatever_its_names_are() {
    use mysql::prelude::Queryable;
    let step = match std::env::var_os("CIVIDB_TEST_ALL") {
        Some(_) => 1,
        None => 20,
    };
    for server in server::all() {
        server.run(
            None,
            "DROP DATABASE IF EXISTS hostile; CREATE DATABASE hostile",
        );
        let mut writer = server.writer("hostile");
        let mut reader = server.connect();
        reader.use_database("hostile").expect("it is there");
        for number in (0..2000).step_by(step) {
            let name = name(number);
            let at = format!("{} {number} {name:?}", server.name);
            let schema = schema(&name);
            for statement in whole_schema::pass(schema_sql(&schema), &[&schema]) {
                match statement {
                    Ok(statement) => writer.query_drop(&statement).unwrap_or_else(|error| {
                        panic!("{at}: {error}: {statement}");
                    }),
                    Err(blocked) => assert!(name.starts_with('('), "{at}: {blocked}"),
                }
            }
            if name.starts_with('(') {
                continue;
            }
            let tables: Vec<String> = writer.query("SHOW TABLES").expect("an answer");
            assert_eq!(tables, [name.as_str()], "{at}");
            let printed = definition::read(&mut reader, &name).expect("it is read");
            let printed = printed.unwrap_or_else(|| panic!("{at}: it is gone"));
            let made = definition::parsed(&printed).unwrap_or_else(|| panic!("{at}: {printed}"));
            let meant = &schema.tables[name.as_str()];
            let names = |table: &Table| -> Vec<String> { table.columns.keys().cloned().collect() };
            assert_eq!(names(&made), names(meant), "{at}");
            assert_eq!(made.indexes, meant.indexes, "{at}");
            assert_eq!(made.foreign_keys, meant.foreign_keys, "{at}");
            writer
                .query_drop(format!("DROP TABLE {}", identifier(&name)))
                .expect("it goes");
        }
        server.run(None, "DROP DATABASE hostile");
    }
}

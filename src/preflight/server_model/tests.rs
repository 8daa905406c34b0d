//! Refusals of the server on paper, with the words of each server. `tests/integration/paper_server.rs` holds it
//! against real ones.

use super::*;
use crate::civicrm::upgrade::op::{Alteration, NewTable};
use crate::schema::model::{Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction};
use crate::schema::model::{Schema, Table};
use crate::server_version::ServerVersion;

fn server(version: &str) -> ServerModel {
    ServerModel::new(ServerVersion::parse(version).unwrap(), "civicrm")
}

fn table(engine: &str) -> Table {
    let mut table = Table {
        engine: Some(engine.to_owned()),
        primary_key: vec![KeyPart::column("id")],
        ..Table::default()
    };
    let number = Column::new("int unsigned", false);
    table.columns.insert("id".to_owned(), number);
    table
}

fn schema(engine: &str) -> Schema {
    let mut schema = Schema::default();
    for name in ["civicrm_file", "civicrm_contact"] {
        schema.tables.insert(name.to_owned(), table(engine));
    }
    schema
}

fn to_contact(column: &str) -> Alteration {
    Alteration::AddForeignKey {
        name: Some("FK_civicrm_file_created_id".to_owned()),
        key: ForeignKey {
            columns: vec![column.to_owned()],
            referenced_database: None,
            referenced_table: "civicrm_contact".to_owned(),
            referenced_columns: vec!["id".to_owned()],
            on_delete: ReferentialAction::SetNull,
            on_update: ReferentialAction::Restrict,
        },
    }
}

fn refusal(version: &str, schema: &mut Schema, change: Alteration) -> (u32, String) {
    let server = server(version);
    let error = server
        .alter(schema, "civicrm_file", &[change])
        .expect_err("it is refused");
    (error.number(&server), error.text(&server))
}

#[test]
fn a_foreign_key_over_other_types_is_refused_in_the_words_of_each_server() {
    for (version, number, text) in [
        (
            "10.11.14-MariaDB",
            1005,
            "Can't create table `civicrm`.`civicrm_file` (errno: 150 \"Foreign key constraint is incorrectly formed\")",
        ),
        ("5.7.44", 1215, "Cannot add foreign key constraint"),
        (
            "9.7.4",
            3780,
            "Referencing column 'created_id' and referenced column 'id' in foreign key constraint \
             'FK_civicrm_file_created_id' are incompatible.",
        ),
    ] {
        let mut schema = schema("InnoDB");
        let file = &mut schema.tables["civicrm_file"];
        file.columns
            .insert("created_id".to_owned(), Column::new("int", true));
        let refused = refusal(version, &mut schema, to_contact("created_id"));
        assert_eq!(refused, (number, text.to_owned()), "{version}");
    }
}

#[test]
fn myisam_takes_a_foreign_key_without_a_word_and_does_not_make_it() {
    let mut schema = schema("MyISAM");
    let file = &mut schema.tables["civicrm_file"];
    file.columns
        .insert("created_id".to_owned(), Column::new("int unsigned", true));
    let silent =
        server("10.11.14-MariaDB").alter(&mut schema, "civicrm_file", &[to_contact("created_id")]);
    assert_eq!(silent.unwrap().len(), 1);
    assert!(schema.tables["civicrm_file"].foreign_keys.is_empty());
}

#[test]
fn a_foreign_key_brings_its_index() {
    let mut schema = schema("InnoDB");
    let file = &mut schema.tables["civicrm_file"];
    file.columns
        .insert("created_id".to_owned(), Column::new("int unsigned", true));
    let server = server("10.11.14-MariaDB");
    server
        .alter(&mut schema, "civicrm_file", &[to_contact("created_id")])
        .unwrap();
    let file = &schema.tables["civicrm_file"];
    assert!(file.indexes.contains_key("FK_civicrm_file_created_id"));
    let drop = Alteration::DropIndex("FK_civicrm_file_created_id".to_owned());
    let error = server
        .alter(&mut schema, "civicrm_file", &[drop])
        .expect_err("the key needs it");
    assert_eq!(error.number(&server), 1553);
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut changed = schema("InnoDB");
    let changes = [
        Alteration::AddColumn {
            name: "name".to_owned(),
            column: Column::new("varchar(64)", true),
            after: None,
        },
        Alteration::DropColumn("nowhere".to_owned()),
    ];
    let server = server("10.11.14-MariaDB");
    let error = server
        .alter(&mut changed, "civicrm_file", &changes)
        .expect_err("one is missing");
    assert_eq!(
        error.text(&server),
        "Can't DROP COLUMN `nowhere`; check that it exists"
    );
    assert_eq!(changed, schema("InnoDB"));
}

#[test]
fn a_table_that_is_there_is_not_created_again() {
    let mut changed = schema("InnoDB");
    let new = NewTable {
        name: "civicrm_file".to_owned(),
        ..NewTable::default()
    };
    let server = server("9.7.4");
    let error = server
        .create_table(&mut changed, &new)
        .expect_err("it is there");
    assert_eq!(error.number(&server), 1050);
    let new = NewTable {
        if_not_exists: true,
        ..new
    };
    server.create_table(&mut changed, &new).unwrap();
    assert_eq!(changed, schema("InnoDB"));
    let error = server
        .drop_table(&mut changed, "nowhere", false)
        .expect_err("it is not there");
    assert_eq!(error.text(&server), "Unknown table 'civicrm.nowhere'");
}

#[test]
fn a_column_too_long_for_the_row_format_is_refused_in_the_words_of_each_server() {
    let index = |kind| Alteration::AddIndex {
        name: "UI_name".to_owned(),
        index: Index {
            kind,
            parts: vec![KeyPart::column("name")],
        },
        absent_also: Vec::new(),
    };
    for (version, number, text) in [
        (
            "10.11.14-MariaDB",
            1709,
            "Index column size too large. The maximum column size is 767 bytes",
        ),
        (
            "9.7.4",
            1071,
            "Specified key was too long; max key length is 767 bytes",
        ),
    ] {
        for (format, kind) in [
            ("COMPACT", IndexKind::Unique),
            ("Redundant", IndexKind::Plain),
        ] {
            let mut schema = schema("InnoDB");
            let file = &mut schema.tables["civicrm_file"];
            file.charset = Some("utf8mb4".to_owned());
            file.row_format = Some(format.to_owned());
            let name = Column::new("varchar(255)", true);
            file.columns.insert("name".to_owned(), name);
            let refused = refusal(version, &mut schema, index(kind));
            assert_eq!(refused, (number, text.to_owned()), "{format}");
            let dynamic = Alteration::RowFormat("DYNAMIC".to_owned());
            let changes = [dynamic, index(kind)];
            let altered = server(version).alter(&mut schema, "civicrm_file", &changes);
            assert_eq!(altered, Ok(Vec::new()), "{version} {format}");
        }
    }
}

#[test]
fn a_prefix_that_is_as_long_as_the_column_becomes_becomes_a_whole_key() {
    for (data_type, length) in [
        ("varchar(64)", None),
        ("varchar(100)", None),
        ("varchar(101)", Some(100)),
        ("int", None),
        ("text", Some(100)),
    ] {
        let mut schema = schema("InnoDB");
        let file = &mut schema.tables["civicrm_file"];
        let name = Column::new("varchar(1000)", true);
        file.columns.insert("name".to_owned(), name);
        let index = Index {
            kind: IndexKind::Plain,
            parts: vec![KeyPart {
                length: Some(100),
                ..KeyPart::column("name")
            }],
        };
        file.indexes.insert("index_name".to_owned(), index);
        let change = Alteration::ChangeColumn {
            from: "name".to_owned(),
            to: "title".to_owned(),
            column: Column::new(data_type, true),
            after: None,
            of_type: None,
        };
        let altered = server("10.11.14-MariaDB").alter(&mut schema, "civicrm_file", &[change]);
        assert_eq!(altered, Ok(Vec::new()), "{data_type}");
        let part = &schema.tables["civicrm_file"].indexes["index_name"].parts[0];
        assert_eq!((part.column.as_str(), part.length), ("title", length));
    }
}

#[test]
fn a_column_that_a_generated_one_is_made_of_cannot_be_dropped() {
    for (version, number) in [("10.11.14-MariaDB", 1054), ("9.7.4", 3108)] {
        let mut schema = schema("InnoDB");
        let file = &mut schema.tables["civicrm_file"];
        let columns = [("uri", None), ("both", Some("concat(`uri`,`id`)"))];
        for (name, generated) in columns {
            let column = Column {
                generated: generated.map(str::to_owned),
                ..Column::new("varchar(64)", true)
            };
            file.columns.insert(name.to_owned(), column);
        }
        let drop = |name: &str| Alteration::DropColumn(name.to_owned());
        assert_eq!(refusal(version, &mut schema, drop("uri")).0, number);
        let both = [drop("uri"), drop("both")];
        let altered = server(version).alter(&mut schema, "civicrm_file", &both);
        assert_eq!(altered, Ok(Vec::new()));
    }
}

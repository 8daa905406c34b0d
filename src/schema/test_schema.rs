//! A small schema to test with, and generated ones.

use proptest::{collection::vec, prelude::*};

use super::model::{
    Column, DefaultValue, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table,
};

pub fn column(data_type: &str) -> Column {
    Column::new(data_type, true)
}

pub fn literal(text: &str) -> Option<DefaultValue> {
    Some(DefaultValue::Literal(text.to_owned()))
}

pub fn expression(text: &str) -> Option<DefaultValue> {
    Some(DefaultValue::Expression(text.to_owned()))
}

pub fn index(kind: IndexKind, columns: &[&str]) -> Index {
    let parts = columns.iter().map(|name| KeyPart::column(*name)).collect();
    Index { kind, parts }
}

pub fn key(columns: &[&str]) -> Index {
    index(IndexKind::Plain, columns)
}

pub fn foreign_key(column: &str, parent: &str) -> ForeignKey {
    ForeignKey {
        columns: vec![column.to_owned()],
        referenced_database: None,
        referenced_table: parent.to_owned(),
        referenced_columns: vec!["id".to_owned()],
        on_delete: ReferentialAction::SetNull,
        on_update: ReferentialAction::Restrict,
    }
}

/// An InnoDB table in utf8mb4 with the primary key `id`.
pub fn table(columns: &[(&str, Column)]) -> Table {
    let id = Column {
        nullable: false,
        auto_increment: true,
        ..column("int unsigned")
    };
    let columns = columns.iter().map(|(name, c)| (*name, c.clone()));
    Table {
        columns: std::iter::once(("id", id))
            .chain(columns)
            .map(|(name, column)| (name.to_owned(), column))
            .collect(),
        primary_key: vec![KeyPart::column("id")],
        engine: Some("InnoDB".to_owned()),
        charset: Some("utf8mb4".to_owned()),
        collation: Some("utf8mb4_unicode_ci".to_owned()),
        row_format: Some("DYNAMIC".to_owned()),
        ..Table::default()
    }
}

/// `household` and its `member`s, with a column, index or foreign key of every kind.
pub fn schema() -> Schema {
    let household = table(&[("name", column("varchar(64)"))]);
    let mut member = table(&[
        ("household_id", column("int unsigned")),
        ("name", column("varchar(64)")),
        ("notes", column("text")),
        (
            "fee",
            Column {
                nullable: false,
                default: literal("0.00"),
                ..column("decimal(20,2)")
            },
        ),
        (
            "changed",
            Column {
                default: expression("CURRENT_TIMESTAMP"),
                on_update_now: true,
                ..column("timestamp")
            },
        ),
        ("settings", column("longtext")),
    ]);
    let mut notes = key(&["notes"]);
    notes.parts[0].length = Some(20);
    let indexes = [
        ("UI_name", index(IndexKind::Unique, &["name"])),
        ("index_notes", notes),
        ("index_fee_name", key(&["fee", "name"])),
        ("FK_member_household_id", key(&["household_id"])),
    ]
    .map(|(name, index)| (name.to_owned(), index));
    member.indexes.extend(indexes);
    member.foreign_keys.insert(
        "FK_member_household_id".to_owned(),
        foreign_key("household_id", "household"),
    );
    Schema {
        tables: [("household", household), ("member", member)]
            .map(|(name, table)| (name.to_owned(), table))
            .into_iter()
            .collect(),
        ..Schema::default()
    }
}

/// The table `member` of a schema.
pub fn member(schema: &mut Schema) -> &mut Table {
    &mut schema.tables["member"]
}

/// Schemas of up to four tables out of few names, so that two of them overlap.
pub fn any_schema() -> impl Strategy<Value = Schema> {
    vec(any_table(), 0..4).prop_map(|tables| Schema {
        tables: ["t0", "t1", "t2", "t3"]
            .into_iter()
            .map(str::to_owned)
            .zip(tables)
            .map(|(name, table)| {
                let named = named_foreign_keys(&name, table);
                (name, named)
            })
            .collect(),
        ..Schema::default()
    })
}

/// Gives the foreign keys names with the table's name in them: constraint names are unique in a database.
fn named_foreign_keys(name: &str, mut table: Table) -> Table {
    let keys = std::mem::take(&mut table.foreign_keys);
    for (constraint, key) in keys {
        let constraint = format!("{constraint}_{name}");
        if table.primary_key.iter().all(|part| part.column != "p") {
            let index = self::key(&["p"]);
            table.indexes.insert(constraint.clone(), index);
        }
        table.foreign_keys.insert(constraint, key);
    }
    table
}

fn any_table() -> impl Strategy<Value = Table> {
    let columns = (
        any_column(),
        any_column(),
        proptest::option::of(any_column()),
    );
    let indexes = vec(
        (
            prop_oneof![Just(IndexKind::Plain), Just(IndexKind::Unique)],
            proptest::sample::subsequence(vec!["a", "b", "p"], 1..=3)
                // An index on `p` alone is what a server makes for the foreign key.
                .prop_filter("not the key's own", |columns| columns[..] != ["p"]),
        ),
        0..3,
    );
    let foreign_keys = proptest::option::of((
        prop_oneof![Just("fk"), Just("key")],
        prop_oneof![Just("t0"), Just("t1")],
        prop_oneof![
            Just(ReferentialAction::Restrict),
            Just(ReferentialAction::Cascade)
        ],
    ));
    let charset = prop_oneof![
        Just(("utf8mb3", "utf8mb3_unicode_ci")),
        Just(("utf8mb4", "utf8mb4_unicode_ci")),
        Just(("utf8mb4", "utf8mb4_general_ci")),
    ];
    (columns, indexes, foreign_keys, charset).prop_map(
        |((a, b, c), indexes, foreign_keys, (charset, collation))| {
            let mut table = table(&[("p", column("int unsigned")), ("a", a), ("b", b)]);
            table.columns.extend(c.map(|c| ("c".to_owned(), c)));
            for (number, (kind, columns)) in indexes.into_iter().enumerate() {
                let name = format!("index_{number}");
                // Only one index for each list of columns: repeated indexes could be matched in any way.
                let index = index(kind, &columns);
                if !table
                    .indexes
                    .values()
                    .any(|other| other.parts == index.parts)
                {
                    table.indexes.insert(name, index);
                }
            }
            if let Some((name, parent, on_delete)) = foreign_keys {
                let key = ForeignKey {
                    on_delete,
                    ..foreign_key("p", parent)
                };
                table.foreign_keys.insert(name.to_owned(), key);
            }
            table.charset = Some(charset.to_owned());
            table.collation = Some(collation.to_owned());
            table
        },
    )
}

fn any_column() -> impl Strategy<Value = Column> {
    let text = prop_oneof![Just("varchar(64)"), Just("varchar(32)")].prop_flat_map(|data_type| {
        let default = prop_oneof![Just(None), Just(literal("0")), Just(literal("it's \\ new"))];
        (Just(data_type), default)
    });
    let number = prop_oneof![Just("int"), Just("decimal(20,2)")].prop_flat_map(|data_type| {
        let default = prop_oneof![
            Just(None),
            Just(literal("0")),
            Just(literal("0.00")),
            Just(literal("1"))
        ];
        (Just(data_type), default)
    });
    (prop_oneof![text, number], any::<bool>()).prop_map(|((data_type, default), nullable)| Column {
        nullable,
        default,
        ..column(data_type)
    })
}

/// A parent and a child table in which everything is called `name`, as far as that is possible.
pub fn hostile_schema(name: &str) -> Schema {
    let shorter: String = name.chars().take(60).collect();
    let other = |end: &str| format!("{shorter}{end}");
    let number = Column {
        nullable: false,
        ..column("int unsigned")
    };
    let mut parent = table(&[]);
    parent.columns = [(name.to_owned(), number)].into_iter().collect();
    parent.primary_key = vec![KeyPart::column(name)];
    let mut child = table(&[(name, column("int unsigned"))]);
    child.indexes.insert(other("i"), key(&[name]));
    let foreign = ForeignKey {
        referenced_columns: vec![name.to_owned()],
        ..foreign_key(name, name)
    };
    child.foreign_keys.insert(other("k"), foreign);
    Schema {
        tables: [(name.to_owned(), parent), (other("c"), child)]
            .into_iter()
            .collect(),
        ..Schema::default()
    }
}

use proptest::prelude::*;

use super::*;
use crate::schema::{
    model::{Column, ForeignKey, IndexKind, KeyPart, ReferentialAction, Schema},
    sql::canonical,
    test_schema::{any_schema, column, foreign_key, index, key, literal, member, schema, table},
};

/// Differences as lines: kind, object, what is there, what should be.
fn lines(actual: &Schema, reference: &Schema, options: &Options) -> Vec<String> {
    let text = |side: &Option<Side>| match side {
        Some(side) => format!("{} {}", side.name, side.definition),
        None => "-".to_owned(),
    };
    compare(actual, reference, options)
        .iter()
        .map(|it| {
            format!(
                "{:?} in {}: {} | {}",
                it.kind,
                it.table,
                text(&it.actual),
                text(&it.reference)
            )
        })
        .collect()
}

/// Changes the actual schema and expects these differences from the unchanged one.
#[track_caller]
fn check(change: impl FnOnce(&mut Schema), expected: &[&str]) {
    check_with(&Options::default(), |_| {}, change, expected);
}

/// Changes reference and actual schema and expects these differences.
#[track_caller]
fn check_with(
    options: &Options,
    change_reference: impl FnOnce(&mut Schema),
    change_actual: impl FnOnce(&mut Schema),
    expected: &[&str],
) {
    let mut reference = schema();
    change_reference(&mut reference);
    let mut actual = schema();
    change_actual(&mut actual);
    assert_eq!(lines(&actual, &reference, options), expected);
}

fn member_column<'a>(schema: &'a mut Schema, name: &str) -> &'a mut Column {
    &mut member(schema).columns[name]
}

fn rename_foreign_key(schema: &mut Schema, to: &str) {
    let key = member(schema)
        .foreign_keys
        .shift_remove("FK_member_household_id");
    let key = key.expect("the schema has this key");
    member(schema).foreign_keys.insert(to.to_owned(), key);
}

fn set_charset(schema: &mut Schema, table: &str, charset: &str, collation: &str) {
    let table = &mut schema.tables[table];
    table.charset = Some(charset.to_owned());
    table.collation = Some(collation.to_owned());
}

#[test]
fn a_table_that_only_one_side_has_is_one_difference() {
    check(
        |it| {
            it.tables.shift_remove("member");
        },
        &["TableMissing in member: - | member 7 columns, 4 indexes, 1 foreign keys"],
    );
    check(
        |it| {
            it.tables.insert("extra".to_owned(), table(&[]));
        },
        &["TableExtra in extra: extra 1 columns, 0 indexes, 0 foreign keys | -"],
    );
}

#[test]
fn table_names_match_exactly_before_they_match_without_letter_case() {
    let rename = |it: &mut Schema| {
        let table = it.tables.shift_remove("household").expect("is there");
        it.tables.insert("HouseHold".to_owned(), table);
    };
    check(rename, &[]);
    check(
        |it| {
            it.tables.insert("HouseHold".to_owned(), table(&[]));
        },
        &["TableExtra in HouseHold: HouseHold 1 columns, 0 indexes, 0 foreign keys | -"],
    );
}

#[test]
fn engines_differ_by_name_and_not_by_letter_case() {
    check(
        |it| member(it).engine = Some("MyISAM".to_owned()),
        &["EngineDiffers in member: member MyISAM | member InnoDB"],
    );
    check(|it| member(it).engine = Some("INNODB".to_owned()), &[]);
    check(|it| member(it).engine = None, &[]);
}

#[test]
fn a_table_in_another_charset_is_one_difference_for_all_columns_that_inherit_it() {
    check(
        |it| set_charset(it, "member", "latin1", "latin1_swedish_ci"),
        &["CharsetDiffers in member: member latin1_swedish_ci | member utf8mb4_unicode_ci"],
    );
    check(
        |it| set_charset(it, "member", "utf8mb4", "utf8mb4_general_ci"),
        &["CollationDiffers in member: member utf8mb4_general_ci | member utf8mb4_unicode_ci"],
    );
    check(
        |it| {
            member(it).charset = None;
            member(it).collation = None;
        },
        &[],
    );
}

#[test]
fn a_column_that_has_a_charset_of_its_own_is_held_against_what_it_should_have() {
    let set = |collation: &'static str| {
        move |it: &mut Schema| member_column(it, "name").collation = Some(collation.to_owned())
    };
    check(
        set("utf8mb4_bin"),
        &[
            "ColumnDiffers([Collation]) in member: name varchar(64) COLLATE utf8mb4_bin NULL | \
           name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL",
        ],
    );
    check(
        set("latin1_bin"),
        &[
            "ColumnDiffers([Charset]) in member: name varchar(64) COLLATE latin1_bin NULL | \
           name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL",
        ],
    );
    check_with(
        &Options::default(),
        set("utf8mb4_bin"),
        set("utf8mb4_bin"),
        &[],
    );
    // The table is wrong, the column right.
    check(
        |it| {
            set_charset(it, "member", "latin1", "latin1_swedish_ci");
            set("utf8mb4_unicode_ci")(it);
        },
        &["CharsetDiffers in member: member latin1_swedish_ci | member utf8mb4_unicode_ci"],
    );
}

#[test]
fn a_database_all_in_one_charset_is_consistent_and_a_mixture_is_not() {
    let check_in_charset =
        |change_reference: fn(&mut Schema), actual: &dyn Fn(&mut Schema), expected: &[&str]| {
            let (mut reference, mut changed) = (schema(), schema());
            change_reference(&mut reference);
            actual(&mut changed);
            let reference = in_charset_of(reference, &changed);
            assert_eq!(lines(&changed, &reference, &Options::default()), expected);
        };
    let all_utf8mb3 = |it: &mut Schema| {
        set_charset(it, "member", "utf8mb3", "utf8mb3_unicode_ci");
        set_charset(it, "household", "utf8mb3", "utf8mb3_unicode_ci");
        it.tables.insert("extra".to_owned(), table(&[]));
        set_charset(it, "extra", "utf8mb3", "utf8mb3_unicode_ci");
    };
    let extra = "TableExtra in extra: extra 1 columns, 0 indexes, 0 foreign keys | -";
    check_in_charset(|_| {}, &all_utf8mb3, &[extra]);
    check_in_charset(
        |it| member_column(it, "name").collation = Some("utf8mb4_bin".to_owned()),
        &|it| {
            all_utf8mb3(it);
            member_column(it, "name").collation = Some("utf8mb3_bin".to_owned());
        },
        &[extra],
    );
    check_in_charset(
        |_| {},
        &|it| {
            all_utf8mb3(it);
            set_charset(it, "member", "utf8mb4", "utf8mb4_unicode_ci");
        },
        &[
            "CharsetDiffers in member: member utf8mb4_unicode_ci | member utf8mb3_unicode_ci",
            extra,
        ],
    );
}

#[test]
fn a_column_that_only_one_side_has_is_a_difference() {
    check(
        |it| {
            member(it).columns.shift_remove("fee");
        },
        &["ColumnMissing in member: - | fee decimal(20,2) NOT NULL DEFAULT '0.00'"],
    );
    check(
        |it| {
            let new = column("enum('a','b')");
            member(it).columns.insert("new".to_owned(), new);
        },
        &["ColumnExtra in member: new enum('a','b') NULL | -"],
    );
}

#[test]
fn column_names_match_without_letter_case() {
    check(
        |it| {
            let notes = member(it).columns.shift_remove("notes").expect("is there");
            member(it).columns.insert("NOTES".to_owned(), notes);
        },
        &[],
    );
}

#[test]
fn a_column_is_one_difference_with_all_its_aspects() {
    type Change = fn(&mut Column);
    let cases: [(&str, Change, &str); 8] = [
        (
            "name",
            |it| it.data_type = "varchar(32)".to_owned(),
            "[Type]",
        ),
        ("name", |it| it.nullable = false, "[Nullability]"),
        ("name", |it| it.default = literal(""), "[Default]"),
        ("changed", |it| it.default = None, "[Default]"),
        ("changed", |it| it.on_update_now = false, "[OnUpdate]"),
        ("id", |it| it.auto_increment = false, "[AutoIncrement]"),
        (
            "name",
            |it| it.generated = Some("notes".to_owned()),
            "[Generated]",
        ),
        (
            "name",
            |it| {
                it.data_type = "text".to_owned();
                it.nullable = false;
                it.collation = Some("utf8mb4_bin".to_owned());
            },
            "[Type, Nullability, Collation]",
        ),
    ];
    for (name, change, aspects) in cases {
        let mut actual = schema();
        change(member_column(&mut actual, name));
        let found = lines(&actual, &schema(), &Options::default());
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        let start = format!("ColumnDiffers({aspects}) in member: {name} ");
        assert!(found[0].starts_with(&start), "{found:?}");
    }
}

#[test]
fn numeric_defaults_are_compared_by_value_and_texts_by_letter() {
    let with = |name: &'static str, default: &'static str| {
        move |it: &mut Schema| member_column(it, name).default = literal(default)
    };
    for same in ["0", "0.0", "-0", "+0.000", "00", ".0"] {
        check(with("fee", same), &[]);
    }
    for other in ["0.01", "10", "", "abc", "-1"] {
        let mut actual = schema();
        with("fee", other)(&mut actual);
        assert_eq!(
            compare(&actual, &schema(), &Options::default()).len(),
            1,
            "{other}"
        );
    }
    check_with(
        &Options::default(),
        with("name", "0"),
        with("name", "0.00"),
        &[
            "ColumnDiffers([Default]) in member: name varchar(64) NULL DEFAULT '0.00' | \
           name varchar(64) NULL DEFAULT '0'",
        ],
    );
}

#[test]
fn expressions_are_compared_without_blanks_backquotes_and_outer_parentheses() {
    let with = |text: &'static str| {
        move |it: &mut Schema| member_column(it, "name").generated = Some(text.to_owned())
    };
    for same in ["concat(notes, 'A B')", "(CONCAT(`notes`,'A B'))"] {
        check_with(
            &Options::default(),
            with("concat(`notes`,'A B')"),
            with(same),
            &[],
        );
    }
    for other in ["concat(notes,'a b')", "concat(notes,'AB')", "(a)+(b)"] {
        let (mut actual, mut reference) = (schema(), schema());
        with("concat(`notes`,'A B')")(&mut reference);
        with(other)(&mut actual);
        let found = compare(&actual, &reference, &Options::default());
        assert_eq!(found.len(), 1, "{other}");
    }
}

#[test]
fn json_is_the_longtext_that_mariadb_makes_of_it() {
    let json = |it: &mut Schema| member_column(it, "settings").data_type = "json".to_owned();
    let longtext_bin = |it: &mut Schema| {
        let settings = member_column(it, "settings");
        settings.charset = None;
        settings.collation = Some("utf8mb4_bin".to_owned());
    };
    check_with(&Options::default(), json, longtext_bin, &[]);
    check_with(&Options::default(), longtext_bin, json, &[]);
    check_with(
        &Options::default(),
        json,
        |_| {},
        &["ColumnDiffers([Type]) in member: settings longtext NULL | settings json NULL"],
    );
}

#[test]
fn neither_the_order_of_columns_nor_the_row_format_counts() {
    check(|it| member(it).columns.move_index(4, 1), &[]);
    check(|it| member(it).row_format = Some("COMPACT".to_owned()), &[]);
}

#[test]
fn a_primary_key_differs_by_its_columns() {
    check(
        |it| member(it).primary_key.clear(),
        &["PrimaryKeyDiffers in member: PRIMARY none | PRIMARY (`id`)"],
    );
    check(
        |it| member(it).primary_key.push(KeyPart::column("name")),
        &["PrimaryKeyDiffers in member: PRIMARY (`id`, `name`) | PRIMARY (`id`)"],
    );
    check(
        |it| member(it).primary_key = vec![KeyPart::column("ID")],
        &[],
    );
}

#[test]
fn an_index_that_only_one_side_has_is_a_difference() {
    check(
        |it| {
            member(it).indexes.shift_remove("UI_name");
        },
        &["IndexMissing in member: - | UI_name UNIQUE KEY (`name`)"],
    );
    check(
        |it| {
            let new = key(&["changed"]);
            member(it).indexes.insert("new".to_owned(), new);
        },
        &["IndexExtra in member: new KEY (`changed`) | -"],
    );
}

#[test]
fn an_index_of_the_same_name_is_compared_in_every_aspect() {
    type Change = fn(&mut Schema);
    let cases: [(Change, &str); 5] = [
        (
            |it| member(it).indexes["UI_name"].kind = IndexKind::Plain,
            "IndexDiffers([Uniqueness]) in member: UI_name KEY (`name`) | UI_name UNIQUE KEY (`name`)",
        ),
        (
            |it| member(it).indexes["index_notes"].kind = IndexKind::Fulltext,
            "IndexDiffers([Kind]) in member: index_notes FULLTEXT KEY (`notes`(20)) | index_notes KEY (`notes`(20))",
        ),
        (
            |it| member(it).indexes["index_notes"].parts[0].length = Some(10),
            "IndexDiffers([Prefix]) in member: index_notes KEY (`notes`(10)) | index_notes KEY (`notes`(20))",
        ),
        (
            |it| member(it).indexes["index_fee_name"].parts.reverse(),
            "IndexDiffers([Columns]) in member: index_fee_name KEY (`name`, `fee`) | index_fee_name KEY (`fee`, `name`)",
        ),
        (
            |it| member(it).indexes["index_fee_name"].parts[0].descending = true,
            "IndexDiffers([Direction]) in member: index_fee_name KEY (`fee` DESC, `name`) | index_fee_name KEY (`fee`, `name`)",
        ),
    ];
    for (change, expected) in cases {
        check(change, &[expected]);
    }
}

#[test]
fn indexes_of_every_kind_are_told_apart() {
    let kinds = [
        IndexKind::Plain,
        IndexKind::Unique,
        IndexKind::Fulltext,
        IndexKind::Spatial,
    ];
    for ours in kinds {
        for theirs in kinds {
            let with = |kind| {
                move |it: &mut Schema| {
                    let index = index(kind, &["notes"]);
                    member(it).indexes.insert("i".to_owned(), index);
                }
            };
            let (mut actual, mut reference) = (schema(), schema());
            with(ours)(&mut actual);
            with(theirs)(&mut reference);
            let found = compare(&actual, &reference, &Options::default());
            assert_eq!(found.is_empty(), ours == theirs, "{ours:?}, {theirs:?}");
        }
    }
}

#[test]
fn order_and_letter_case_of_indexes_and_whole_prefixes_are_only_spelling() {
    check(|it| member(it).indexes.reverse(), &[]);
    check(
        |it| {
            let unique = member(it)
                .indexes
                .shift_remove("UI_name")
                .expect("is there");
            member(it).indexes.insert("ui_NAME".to_owned(), unique);
            member(it).indexes["ui_NAME"].parts[0].column = "Name".to_owned();
        },
        &[],
    );
    check(
        |it| member(it).indexes["UI_name"].parts[0].length = Some(64),
        &[],
    );
}

#[test]
fn a_renamed_index_is_neither_missing_nor_extra() {
    check(
        |it| {
            let unique = member(it)
                .indexes
                .shift_remove("UI_name")
                .expect("is there");
            member(it).indexes.insert("name_2".to_owned(), unique);
        },
        &["IndexName in member: name_2 UNIQUE KEY (`name`) | UI_name UNIQUE KEY (`name`)"],
    );
}

#[test]
fn an_index_that_repeats_another_is_extra() {
    check(
        |it| {
            let unique = member(it).indexes["UI_name"].clone();
            member(it).indexes.insert("again".to_owned(), unique);
        },
        &["IndexExtra in member: again UNIQUE KEY (`name`) | -"],
    );
    check(
        |it| {
            let own = key(&["household_id"]);
            member(it).indexes.insert("again".to_owned(), own);
        },
        &["IndexExtra in member: again KEY (`household_id`) | -"],
    );
}

#[test]
fn the_index_of_a_foreign_key_may_be_missing_if_another_serves_the_key() {
    let drop_index = |it: &mut Schema| {
        member(it).indexes.shift_remove("FK_member_household_id");
    };
    let index_two = |it: &mut Schema| {
        let two = key(&["household_id", "name"]);
        member(it).indexes.insert("two".to_owned(), two);
    };
    let missing = "IndexMissing in member: - | FK_member_household_id KEY (`household_id`)";
    check(drop_index, &[missing]);
    check_with(
        &Options::default(),
        index_two,
        |it| {
            index_two(it);
            drop_index(it);
        },
        &[],
    );
    // Neither a prefix nor a later column serves it.
    for useless in [key(&["name", "household_id"]), {
        let mut prefix = key(&["household_id"]);
        prefix.parts[0].length = Some(2);
        prefix
    }] {
        let add = |it: &mut Schema| {
            member(it).indexes.insert("two".to_owned(), useless.clone());
        };
        check_with(
            &Options::default(),
            add,
            |it| {
                add(it);
                drop_index(it);
            },
            &[missing],
        );
    }
    let not_from_server = Options {
        not_from_server: true,
        ..Options::default()
    };
    check_with(&not_from_server, |_| {}, drop_index, &[]);
}

#[test]
fn the_index_of_a_foreign_key_may_be_there_under_the_names_that_servers_give() {
    for name in ["FK_member_household_id", "household_id", "household_id_2"] {
        check_with(
            &Options::default(),
            |it| {
                member(it).indexes.shift_remove("FK_member_household_id");
                let explicit = key(&["household_id"]);
                member(it)
                    .indexes
                    .insert("index_household".to_owned(), explicit);
            },
            |it| {
                member(it).indexes.clear();
                let schema = schema();
                member(it)
                    .indexes
                    .extend(schema.tables["member"].indexes.clone());
                member(it).indexes.shift_remove("FK_member_household_id");
                let explicit = key(&["household_id"]);
                let indexes = &mut member(it).indexes;
                indexes.insert("index_household".to_owned(), explicit.clone());
                indexes.insert(name.to_owned(), explicit);
            },
            &[],
        );
    }
}

#[test]
fn a_foreign_key_that_is_gone_is_missing_alone_whether_its_index_stayed_or_not() {
    let missing = "ForeignKeyMissing in member: - | FK_member_household_id (`household_id`) \
                   REFERENCES `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT";
    check(|it| member(it).foreign_keys.clear(), &[missing]);
    check(
        |it| {
            member(it).foreign_keys.clear();
            member(it).indexes.shift_remove("FK_member_household_id");
        },
        &[missing],
    );
    check_with(
        &Options::default(),
        |it| {
            member(it).indexes.shift_remove("FK_member_household_id");
        },
        |it| member(it).foreign_keys.clear(),
        &[missing],
    );
}

#[test]
fn a_foreign_key_of_another_name_differs_by_its_name_alone() {
    let text =
        "(`household_id`) REFERENCES `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT";
    let expected =
        format!("ForeignKeyName in member: member_ibfk_1 {text} | FK_member_household_id {text}");
    // Its index keeps the old name if it was made explicitly, or takes the new one.
    check(|it| rename_foreign_key(it, "member_ibfk_1"), &[&expected]);
    check(
        |it| {
            rename_foreign_key(it, "member_ibfk_1");
            member(it).indexes.shift_remove("FK_member_household_id");
            let own = key(&["household_id"]);
            member(it).indexes.insert("member_ibfk_1".to_owned(), own);
        },
        &[&expected],
    );
    check(|it| rename_foreign_key(it, "fk_MEMBER_household_ID"), &[]);
}

#[test]
fn the_index_named_like_a_former_foreign_key_is_no_difference() {
    check(
        |it| {
            member(it).indexes.shift_remove("FK_member_household_id");
            let own = key(&["household_id"]);
            member(it).indexes.insert("FK_former".to_owned(), own);
        },
        &[],
    );
    // Nor when the reference leaves it to the server to make one.
    check_with(
        &Options::default(),
        |it| {
            member(it).indexes.shift_remove("FK_member_household_id");
        },
        |it| {
            member(it).indexes.shift_remove("FK_member_household_id");
            let own = key(&["household_id"]);
            member(it).indexes.insert("FK_former".to_owned(), own);
        },
        &[],
    );
}

#[test]
fn either_of_two_names_of_a_foreign_key_will_do() {
    let options = Options {
        foreign_key_aliases: std::collections::HashMap::from([(
            "FK_member_household_id".to_owned(),
            vec!["FK_member_0123456789abcdef".to_owned()],
        )]),
        ..Options::default()
    };
    let swap = |to: &'static str| {
        move |it: &mut Schema| {
            rename_foreign_key(it, to);
            let own = member(it).indexes.shift_remove("FK_member_household_id");
            let indexes = &mut member(it).indexes;
            indexes.insert(to.to_owned(), own.expect("is there"));
        }
    };
    check_with(&options, |_| {}, swap("FK_member_0123456789ABCDEF"), &[]);
    let mut actual = schema();
    swap("FK_member_fedcba9876543210")(&mut actual);
    let found = compare(&actual, &schema(), &options);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, DifferenceKind::ForeignKeyName);
}

#[test]
fn a_foreign_key_differs_by_its_rules() {
    check(
        |it| {
            let key = &mut member(it).foreign_keys["FK_member_household_id"];
            key.on_delete = ReferentialAction::Cascade;
        },
        &["ForeignKeyDiffers([OnDelete]) in member: \
           FK_member_household_id (`household_id`) REFERENCES `household` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT | \
           FK_member_household_id (`household_id`) REFERENCES `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT"],
    );
    let mut actual = schema();
    let key = &mut member(&mut actual).foreign_keys["FK_member_household_id"];
    key.on_delete = ReferentialAction::Cascade;
    key.on_update = ReferentialAction::Cascade;
    rename_foreign_key(&mut actual, "other");
    let kinds: Vec<_> = compare(&actual, &schema(), &Options::default())
        .into_iter()
        .map(|it| it.kind)
        .collect();
    let rules = vec![ForeignKeyRule::OnDelete, ForeignKeyRule::OnUpdate];
    assert_eq!(
        kinds,
        [
            DifferenceKind::ForeignKeyDiffers(rules),
            DifferenceKind::ForeignKeyName
        ]
    );
}

#[test]
fn a_foreign_key_to_another_place_is_missing_and_extra() {
    type Change = fn(&mut ForeignKey);
    let cases: [Change; 4] = [
        |it| it.referenced_table = "former".to_owned(),
        |it| it.referenced_columns = vec!["name".to_owned()],
        |it| it.referenced_database = Some("former".to_owned()),
        |it| it.columns = vec!["id".to_owned()],
    ];
    for change in cases {
        let mut actual = schema();
        change(&mut member(&mut actual).foreign_keys["FK_member_household_id"]);
        let kinds: Vec<_> = compare(&actual, &schema(), &Options::default())
            .into_iter()
            .map(|it| it.kind)
            .collect();
        let expected = [
            DifferenceKind::ForeignKeyMissing,
            DifferenceKind::ForeignKeyExtra,
        ];
        assert_eq!(kinds, expected);
    }
    check(
        |it| {
            let key = &mut member(it).foreign_keys["FK_member_household_id"];
            key.referenced_table = "HOUSEHOLD".to_owned();
            key.columns = vec!["Household_ID".to_owned()];
            key.referenced_columns = vec!["ID".to_owned()];
        },
        &[],
    );
}

#[test]
fn of_foreign_keys_that_repeat_each_other_the_closest_is_matched_and_the_rest_extra() {
    let extra = "ForeignKeyExtra in member: member_ibfk_1 (`household_id`) REFERENCES \
                 `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT | -";
    let add = |it: &mut Schema| {
        let again = foreign_key("household_id", "household");
        member(it)
            .foreign_keys
            .insert("member_ibfk_1".to_owned(), again);
        member(it).foreign_keys.reverse();
    };
    check(add, &[extra]);
    // Without the right name the one with the right rules is the closest.
    let mut actual = schema();
    add(&mut actual);
    member(&mut actual).foreign_keys["FK_member_household_id"].on_delete =
        ReferentialAction::Cascade;
    rename_foreign_key(&mut actual, "a");
    member(&mut actual).foreign_keys.sort_keys();
    let found = compare(&actual, &schema(), &Options::default());
    let name = |side: &Option<Side>| side.as_ref().map(|side| side.name.clone());
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].kind, DifferenceKind::ForeignKeyName);
    assert_eq!(name(&found[0].actual).as_deref(), Some("member_ibfk_1"));
    assert_eq!(found[1].kind, DifferenceKind::ForeignKeyExtra);
    assert_eq!(found[1].name(), "a");
}

#[test]
fn definitions_are_printable() {
    let mut actual = schema();
    member_column(&mut actual, "name").default = literal("\u{1b}[2J\u{202e}");
    let found = compare(&actual, &schema(), &Options::default());
    let side = found[0].actual.as_ref().expect("the column is there");
    assert_eq!(
        side.definition,
        "varchar(64) NULL DEFAULT '\\u{1b}[2J\\u{202e}'"
    );
}

/// Makes the actual schema what the differences say it should be, object by object.
fn repaired(actual: &Schema, reference: &Schema, differences: &[Difference]) -> Schema {
    use DifferenceKind as Kind;
    let mut result = actual.clone();
    for difference in differences {
        let name = &difference.table;
        if difference.kind == Kind::TableExtra {
            result.tables.shift_remove(name);
            continue;
        }
        let source = reference.tables[name].clone();
        let target = result.tables.entry(name.clone()).or_insert(source.clone());
        let new = difference.name();
        let old = difference.actual.as_ref().map(|side| side.name.as_str());
        let old = old.unwrap_or_default();
        match difference.kind {
            Kind::ColumnMissing | Kind::ColumnExtra | Kind::ColumnDiffers(_) => {
                target.columns.shift_remove(old);
                let column = source.columns.get_key_value(new);
                target
                    .columns
                    .extend(column.map(|(n, c)| (n.clone(), c.clone())));
            }
            Kind::IndexMissing | Kind::IndexExtra | Kind::IndexName | Kind::IndexDiffers(_) => {
                target.indexes.shift_remove(old);
                let index = source.indexes.get_key_value(new);
                target
                    .indexes
                    .extend(index.map(|(n, i)| (n.clone(), i.clone())));
            }
            Kind::ForeignKeyMissing
            | Kind::ForeignKeyExtra
            | Kind::ForeignKeyName
            | Kind::ForeignKeyDiffers(_) => {
                target.foreign_keys.shift_remove(old);
                if !source.indexes.contains_key(old) {
                    target.indexes.shift_remove(old);
                }
                let key = source.foreign_keys.get_key_value(new);
                target
                    .foreign_keys
                    .extend(key.map(|(n, k)| (n.clone(), k.clone())));
                // What a server does by itself.
                for (name, key) in &source.foreign_keys {
                    if target.foreign_keys.contains_key(name)
                        && !crate::schema::meaning::serves(target, &key.columns)
                    {
                        target.indexes.insert(name.clone(), self::key(&["p"]));
                    }
                }
            }
            Kind::CharsetDiffers | Kind::CollationDiffers => {
                target.charset = source.charset;
                target.collation = source.collation;
            }
            _ => {}
        }
    }
    result
}

fn all_canonical(schema: &Schema) -> Vec<String> {
    let mut texts: Vec<String> = schema
        .tables
        .iter()
        .map(|(name, table)| canonical(name, table))
        .collect();
    texts.sort();
    texts
}

proptest! {
    #[test]
    fn a_schema_does_not_differ_from_itself(schema in any_schema()) {
        prop_assert_eq!(compare(&schema, &schema, &Options::default()), []);
    }

    #[test]
    fn schemas_differ_if_and_only_if_their_canonical_texts_do(
        actual in any_schema(),
        reference in any_schema(),
    ) {
        let differ = !compare(&actual, &reference, &Options::default()).is_empty();
        prop_assert_eq!(differ, all_canonical(&actual) != all_canonical(&reference));
    }

    #[test]
    fn one_changed_table_shows_in_both_or_in_neither(
        (actual, reference) in (any_schema(), any_schema()).prop_map(|(a, b)| {
            // Nearly equal schemas: all tables of the one, the first of the other.
            let mut mixed = a.clone();
            if let (Some(table), Some((name, _))) = (b.tables.values().next(), a.tables.first()) {
                mixed.tables.insert(name.clone(), table.clone());
            }
            (mixed, a)
        })
    ) {
        let differ = !compare(&actual, &reference, &Options::default()).is_empty();
        prop_assert_eq!(differ, all_canonical(&actual) != all_canonical(&reference));
    }

    #[test]
    fn nothing_differs_once_every_difference_is_made_good(
        actual in any_schema(),
        reference in any_schema(),
    ) {
        let differences = compare(&actual, &reference, &Options::default());
        let repaired = repaired(&actual, &reference, &differences);
        prop_assert_eq!(compare(&repaired, &reference, &Options::default()), []);
    }
}

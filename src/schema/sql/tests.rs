use super::*;
use crate::schema::{
    compare::{Options, compare},
    model::{Column, IndexKind, ReferentialAction, Schema},
    test_schema::{column, expression, foreign_key, index, key, literal, member, schema, table},
};

/// The statements that bring the changed schema back to the unchanged one.
fn way_back(change: impl FnOnce(&mut Schema)) -> Vec<String> {
    let mut actual = schema();
    change(&mut actual);
    way(&actual, &schema())
}

fn way(actual: &Schema, reference: &Schema) -> Vec<String> {
    statements_to(
        actual,
        reference,
        &compare(actual, reference, &Options::default()),
    )
}

fn rename_foreign_key(schema: &mut Schema, to: &str) {
    let keys = &mut member(schema).foreign_keys;
    let key = keys.shift_remove("FK_member_household_id");
    keys.insert(to.to_owned(), key.expect("the schema has this key"));
}

#[test]
fn create_table_has_one_item_on_each_line() {
    let schema = schema();
    let text = create_table("member", &schema.tables["member"], ForeignKeys::Included);
    let expected = "\
CREATE TABLE `member` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `household_id` int unsigned NULL,
  `name` varchar(64) NULL,
  `notes` text NULL,
  `fee` decimal(20,2) NOT NULL DEFAULT '0.00',
  `changed` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `settings` longtext NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `UI_name` (`name`),
  KEY `index_notes` (`notes`(20)),
  KEY `index_fee_name` (`fee`, `name`),
  KEY `FK_member_household_id` (`household_id`),
  CONSTRAINT `FK_member_household_id` FOREIGN KEY (`household_id`) REFERENCES `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC";
    assert_eq!(text, expected);
    let without = create_table("member", &schema.tables["member"], ForeignKeys::Omitted);
    assert!(!without.contains("FOREIGN KEY"), "{without}");
}

#[test]
fn names_and_texts_are_quoted() {
    assert_eq!(identifier("`; DROP"), "```; DROP`");
    assert_eq!(
        string("it's \\ a\nb\0\r\u{1a}ü"),
        "'it''s \\\\ a\\nb\\0\\r\\Zü'"
    );
}

#[test]
fn columns_are_written_as_every_server_reads_them() {
    let with = |data_type: &str, default| Column {
        default,
        ..column(data_type)
    };
    let cases = [
        (
            column("enum('a\\b','it''s')"),
            "enum('a\\\\b','it''s') NULL",
        ),
        (with("bit(1)", literal("b'1'")), "bit(1) NULL DEFAULT b'1'"),
        (
            with("varchar(9)", literal("b'1'")),
            "varchar(9) NULL DEFAULT 'b''1'''",
        ),
        (
            with("binary(1)", literal("0xff")),
            "binary(1) NULL DEFAULT 0xff",
        ),
        (
            with("binary(9)", literal("0xfg")),
            "binary(9) NULL DEFAULT '0xfg'",
        ),
        (with("text", literal("x")), "text NULL DEFAULT ('x')"),
        (
            with("char(36)", expression("uuid()")),
            "char(36) NULL DEFAULT (uuid())",
        ),
        (
            Column {
                on_update_now: true,
                ..with("datetime(6)", expression("CURRENT_TIMESTAMP(6)"))
            },
            "datetime(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)",
        ),
        (
            Column {
                charset: Some("utf8mb3".to_owned()),
                collation: Some("utf8mb3_bin".to_owned()),
                ..column("text")
            },
            "text CHARACTER SET utf8mb3 COLLATE utf8_bin NULL",
        ),
        (
            Column {
                generated: Some("`a` + 1".to_owned()),
                ..column("int")
            },
            "int GENERATED ALWAYS AS (`a` + 1)",
        ),
    ];
    for (column, expected) in cases {
        assert_eq!(column_definition(&column), expected);
    }
}

#[test]
fn keys_of_every_kind_are_written() {
    let mut parts = key(&["a", "(lower(`b`))"]).parts;
    parts[0].length = Some(10);
    parts[0].descending = true;
    assert_eq!(key_parts(&parts), "(`a`(10) DESC, (lower(`b`)))");
    let kinds = [
        (IndexKind::Plain, "KEY `i` (`a`)"),
        (IndexKind::Unique, "UNIQUE KEY `i` (`a`)"),
        (IndexKind::Fulltext, "FULLTEXT KEY `i` (`a`)"),
        (IndexKind::Spatial, "SPATIAL KEY `i` (`a`)"),
    ];
    for (kind, expected) in kinds {
        assert_eq!(index_item("i", &index(kind, &["a"])), expected);
    }
    let mut elsewhere = foreign_key("a", "p");
    elsewhere.referenced_database = Some("d`".to_owned());
    assert!(foreign_key_definition(&elsewhere).contains("REFERENCES `d```.`p` (`id`)"));
}

#[test]
fn canonical_text_leaves_out_what_has_no_meaning() {
    let schema = schema();
    let original = &schema.tables["member"];
    let mut same = original.clone();
    same.columns.reverse();
    same.indexes.reverse();
    same.columns["fee"].default = literal("0");
    same.row_format = None;
    assert_eq!(canonical("member", &same), canonical("member", original));

    same.columns["settings"].collation = Some("utf8mb4_bin".to_owned());
    let mut json = original.clone();
    json.columns["settings"].data_type = "json".to_owned();
    assert_eq!(canonical("member", &same), canonical("member", &json));

    let mut unserved = original.clone();
    unserved.indexes.shift_remove("FK_member_household_id");
    assert!(canonical("member", &unserved).contains("/* no index serves it */,\n"));
    let two = key(&["household_id", "name"]);
    unserved.indexes.insert("two".to_owned(), two.clone());
    same.clone_from(original);
    same.indexes.insert("two".to_owned(), two);
    assert_eq!(canonical("member", &unserved), canonical("member", &same));
}

#[test]
fn parents_are_created_before_their_children() {
    let mut schema = schema();
    schema.tables.reverse();
    let member = &mut schema.tables["member"];
    // Neither a key to the table itself nor one to another database has to wait.
    member
        .foreign_keys
        .insert("self".to_owned(), foreign_key("id", "member"));
    let mut elsewhere = foreign_key("id", "log");
    elsewhere.referenced_database = Some("other".to_owned());
    member.foreign_keys.insert("else".to_owned(), elsewhere);
    let statements = schema_sql(&schema);
    assert_eq!(statements.len(), 2);
    assert!(statements[0].starts_with("CREATE TABLE `household` ("));
    assert!(statements[1].starts_with("CREATE TABLE `member` ("));
    assert_eq!(statements[1].matches("FOREIGN KEY").count(), 3);
}

#[test]
fn a_circle_of_foreign_keys_is_closed_at_the_end() {
    let mut schema = schema();
    let first = foreign_key("id", "member");
    schema.tables["household"]
        .foreign_keys
        .insert("FK_first".to_owned(), first);
    let statements = schema_sql(&schema);
    assert_eq!(statements.len(), 3);
    assert!(!statements[0].contains("FOREIGN KEY"));
    assert!(statements[1].contains("FOREIGN KEY"));
    assert!(statements[2].starts_with("ALTER TABLE `household`\n  ADD CONSTRAINT `FK_first`"));
}

#[test]
fn a_foreign_key_to_a_table_that_is_not_there_comes_last() {
    let mut schema = schema();
    schema.tables.shift_remove("household");
    let statements = schema_sql(&schema);
    assert_eq!(statements.len(), 2);
    assert!(!statements[0].contains("FOREIGN KEY"));
    assert!(statements[1].contains("REFERENCES `household`"));
}

#[test]
fn equal_schemas_need_no_statements() {
    assert!(way_back(|_| {}).is_empty());
}

#[test]
fn a_foreign_key_is_renamed_in_one_statement() {
    assert_eq!(
        way_back(|it| rename_foreign_key(it, "member_ibfk_1")),
        [
            "ALTER TABLE `member`\n  DROP FOREIGN KEY `member_ibfk_1`,\n  \
          ADD CONSTRAINT `FK_member_household_id` FOREIGN KEY (`household_id`) \
          REFERENCES `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT"
        ]
    );
}

#[test]
fn a_foreign_key_that_keeps_its_name_takes_two_statements() {
    let statements = way_back(|it| {
        member(it).foreign_keys["FK_member_household_id"].on_delete = ReferentialAction::Cascade;
        rename_foreign_key(it, "fk_member_HOUSEHOLD_id");
    });
    assert_eq!(statements.len(), 2, "{statements:?}");
    assert_eq!(
        statements[0],
        "ALTER TABLE `member`\n  DROP FOREIGN KEY `fk_member_HOUSEHOLD_id`"
    );
    assert!(statements[1].contains("ADD CONSTRAINT `FK_member_household_id`"));
}

#[test]
fn a_foreign_key_with_another_rule_and_name_is_changed_once() {
    let statements = way_back(|it| {
        member(it).foreign_keys["FK_member_household_id"].on_delete = ReferentialAction::Cascade;
        rename_foreign_key(it, "other");
    });
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert_eq!(statements[0].matches("CONSTRAINT").count(), 1);
}

#[test]
fn foreign_keys_that_have_swapped_their_names_are_all_dropped_first() {
    let mut reference = schema();
    let columns = &mut member(&mut reference).columns;
    columns.insert("other_id".to_owned(), column("int unsigned"));
    let keys = &mut member(&mut reference).foreign_keys;
    keys.insert("FK_other".to_owned(), foreign_key("other_id", "household"));
    let mut actual = reference.clone();
    let keys = &mut member(&mut actual).foreign_keys;
    keys.swap_indices(0, 1);
    let swapped: Vec<_> = keys.values().cloned().collect();
    for ((_, key), value) in keys.iter_mut().zip(swapped.into_iter().rev()) {
        *key = value;
    }
    let statements = way(&actual, &reference);
    assert_eq!(statements.len(), 2, "{statements:?}");
    assert_eq!(statements[0].matches("DROP FOREIGN KEY").count(), 2);
    assert_eq!(statements[1].matches("ADD CONSTRAINT").count(), 2);
}

#[test]
fn a_column_changes_its_type_while_its_foreign_keys_are_off() {
    let statements = way_back(|it| member(it).columns["household_id"].data_type = "int".to_owned());
    assert_eq!(
        statements,
        [
            "ALTER TABLE `member`\n  DROP FOREIGN KEY `FK_member_household_id`",
            "ALTER TABLE `member`\n  MODIFY COLUMN `household_id` int unsigned NULL",
            "ALTER TABLE `member`\n  ADD CONSTRAINT `FK_member_household_id` FOREIGN KEY (`household_id`) \
             REFERENCES `household` (`id`) ON DELETE SET NULL ON UPDATE RESTRICT"
        ]
    );
    // Also when it is the parent's; but not for a mere default.
    let parent =
        |it: &mut Schema| it.tables["household"].columns["id"].data_type = "int".to_owned();
    assert_eq!(way_back(parent).len(), 3);
    let default = |it: &mut Schema| member(it).columns["household_id"].default = literal("1");
    assert_eq!(way_back(default).len(), 1);
}

#[test]
fn one_statement_changes_all_of_a_table_but_its_foreign_keys() {
    let statements = way_back(|it| {
        let member = member(it);
        member.engine = Some("MyISAM".to_owned());
        member.columns.shift_remove("name");
        member.columns.shift_remove("notes");
        member.columns["fee"].nullable = true;
        member.primary_key.clear();
        member.indexes["UI_name"].kind = IndexKind::Plain;
        member.indexes.shift_remove("index_notes");
        let index = member.indexes.shift_remove("index_fee_name");
        member
            .indexes
            .insert("former".to_owned(), index.expect("is there"));
    });
    assert_eq!(
        statements,
        ["ALTER TABLE `member`\n  \
          ENGINE=InnoDB,\n  \
          DROP KEY `UI_name`,\n  \
          DROP KEY `former`,\n  \
          ADD COLUMN `name` varchar(64) NULL AFTER `household_id`,\n  \
          ADD COLUMN `notes` text NULL AFTER `name`,\n  \
          MODIFY COLUMN `fee` decimal(20,2) NOT NULL DEFAULT '0.00',\n  \
          ADD PRIMARY KEY (`id`),\n  \
          ADD UNIQUE KEY `UI_name` (`name`),\n  \
          ADD KEY `index_fee_name` (`fee`, `name`),\n  \
          ADD KEY `index_notes` (`notes`(20))"]
    );
}

#[test]
fn another_charset_rewrites_text_columns_with_their_types() {
    let statements = way_back(|it| {
        it.tables["household"].charset = Some("latin1".to_owned());
        it.tables["household"].collation = Some("latin1_swedish_ci".to_owned());
    });
    assert_eq!(
        statements,
        ["ALTER TABLE `household`\n  \
          DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci,\n  \
          MODIFY COLUMN `name` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL"]
    );
}

#[test]
fn missing_tables_are_created_before_their_foreign_keys() {
    let statements = way(&Schema::default(), &schema());
    let starts: Vec<&str> = statements
        .iter()
        .filter_map(|statement| statement.split_inclusive("` ").next())
        .filter_map(|start| start.lines().next())
        .collect();
    assert_eq!(
        starts,
        [
            "CREATE TABLE `household` ",
            "CREATE TABLE `member` ",
            "ALTER TABLE `member`"
        ]
    );
}

#[test]
fn what_the_reference_does_not_know_is_named_in_comments_only() {
    let statements = way_back(|it| {
        let extra = table(&[]);
        it.tables.insert("extra\n; DROP TABLE x".to_owned(), extra);
        let member = member(it);
        member.columns.insert("extra".to_owned(), column("int"));
        member.indexes.insert("extra".to_owned(), key(&["extra"]));
        let foreign = foreign_key("extra", "household");
        member.foreign_keys.insert("extra".to_owned(), foreign);
    });
    assert_eq!(
        statements,
        [
            "-- left alone: extra column `member`.`extra`",
            "-- left alone: extra foreign key `member`.`extra`",
            "-- left alone: extra table `extra\\u{a}; DROP TABLE x`",
        ]
    );
    assert_eq!(
        script(&statements[..1]),
        "-- left alone: extra column `member`.`extra`\n"
    );
    assert_eq!(script(&["DROP TABLE x".to_owned()]), "DROP TABLE x;\n");
}

#[test]
fn a_foreign_key_in_the_place_of_another_is_dropped() {
    let repeated = way_back(|it| {
        let again = foreign_key("household_id", "household");
        member(it).foreign_keys.insert("again".to_owned(), again);
    });
    assert_eq!(
        repeated,
        ["ALTER TABLE `member`\n  DROP FOREIGN KEY `again`"]
    );

    let astray = way_back(|it| {
        let key = &mut member(it).foreign_keys["FK_member_household_id"];
        key.referenced_table = "former".to_owned();
    });
    assert_eq!(astray.len(), 2, "{astray:?}");
    assert!(astray[0].ends_with("DROP FOREIGN KEY `FK_member_household_id`"));
    assert!(astray[1].contains("REFERENCES `household`"));
}

#[test]
fn an_extra_foreign_key_keeps_an_index_when_the_one_it_uses_changes() {
    let mut actual = schema();
    let keys = &mut member(&mut actual).foreign_keys;
    keys.insert("extra".to_owned(), foreign_key("fee", "household"));
    let mut reference = schema();
    member(&mut reference).indexes["index_fee_name"]
        .parts
        .reverse();
    let statements = way(&actual, &reference);
    assert_eq!(
        statements[0],
        "ALTER TABLE `member`\n  DROP KEY `index_fee_name`,\n  \
         ADD KEY `index_fee_name` (`name`, `fee`),\n  ADD KEY (`fee`)"
    );
    // Nothing is needed where the reference brings another index for it.
    let again = key(&["fee"]);
    member(&mut reference)
        .indexes
        .insert("index_fee".to_owned(), again);
    assert!(!way(&actual, &reference)[0].contains("ADD KEY (`fee`)"));
}

#[test]
fn an_extra_foreign_key_stays_off_when_its_columns_come_to_have_two_types() {
    let mut actual = schema();
    let keys = &mut member(&mut actual).foreign_keys;
    keys.insert("extra".to_owned(), foreign_key("name", "household"));
    member(&mut actual).columns["name"].data_type = "int unsigned".to_owned();
    let statements = way(&actual, &schema());
    assert_eq!(
        statements,
        [
            "ALTER TABLE `member`\n  DROP FOREIGN KEY `extra`",
            "ALTER TABLE `member`\n  MODIFY COLUMN `name` varchar(64) \
             CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NULL",
            "-- taken off, for its columns have two types now: foreign key `member`.`extra`",
        ]
    );
}

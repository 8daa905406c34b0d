use super::*;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{
    Account, Column, DefaultValue, IndexKind, KeyPart, Name, ReferentialAction, RoutineKind, Table,
    Trigger, TriggerEvent, TriggerTiming,
};

const ANSI: SqlModes = SqlModes {
    ansi_quotes: true,
    no_backslash_escapes: false,
};

fn read(text: &str) -> Statement {
    parse(text, SqlModes::default()).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn refused(text: &str) -> DdlError {
    match parse(text, SqlModes::default()) {
        Err(error) => error,
        Ok(statement) => panic!("{text} is taken as {statement:?}"),
    }
}

fn create(text: &str) -> CreateTable {
    match read(text) {
        Statement::CreateTable(create) => *create,
        other => panic!("{other:?}"),
    }
}

fn table(text: &str) -> Table {
    create(text).table
}

/// The column that a definition gives in a table of utf8mb4 and utf8mb4_unicode_ci.
fn column(definition: &str) -> Column {
    let text = format!(
        "CREATE TABLE `t` (`c` {definition}) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
    );
    table(&text).columns["c"].clone()
}

fn literal(text: &str) -> Option<DefaultValue> {
    Some(DefaultValue::Literal(text.to_owned()))
}

fn expression(text: &str) -> Option<DefaultValue> {
    Some(DefaultValue::Expression(text.to_owned()))
}

#[test]
fn types_have_one_spelling() {
    for (written, canonical) in [
        ("int(10) unsigned", "int unsigned"),
        ("INTEGER", "int"),
        ("int(6) unsigned zerofill", "int(6) unsigned zerofill"),
        ("int zerofill", "int(10) unsigned zerofill"),
        ("bigint(20)", "bigint"),
        ("tinyint(1)", "tinyint"),
        ("boolean", "tinyint"),
        ("BOOL", "tinyint"),
        ("dec", "decimal(10,0)"),
        ("numeric(5)", "decimal(5,0)"),
        ("decimal(20,2) unsigned", "decimal(20,2) unsigned"),
        ("double precision", "double"),
        ("real(7,3)", "double(7,3)"),
        ("float(24)", "float"),
        ("float(25)", "double"),
        ("float(7,4)", "float(7,4)"),
        ("bit", "bit(1)"),
        ("year(4)", "year"),
        ("timestamp(0)", "timestamp"),
        ("datetime(6)", "datetime(6)"),
        ("char", "char(1)"),
        ("character varying(64)", "varchar(64)"),
        ("character(3)", "char(3)"),
        ("varchar(3) byte", "varbinary(3)"),
        ("binary", "binary(1)"),
        ("long varchar", "mediumtext"),
        ("long varbinary", "mediumblob"),
        ("text(100)", "text"),
        ("enum('a', 'b''c' ,\"d\")", "enum('a','b''c','d')"),
        ("set('x','y ')", "set('x','y')"),
        ("ENUM('it\\'s')", "enum('it''s')"),
        ("json", "json"),
        ("geomcollection", "geometrycollection"),
        ("vector(3)", "vector(3)"),
        ("uuid", "uuid"),
    ] {
        assert_eq!(column(written).data_type, canonical, "{written}");
    }
}

#[test]
fn defaults_have_one_spelling() {
    for (written, canonical) in [
        ("int DEFAULT 0", literal("0")),
        ("int DEFAULT '0'", literal("0")),
        ("int DEFAULT -1", literal("-1")),
        ("int DEFAULT NULL", None),
        ("tinyint(1) DEFAULT TRUE", literal("1")),
        ("decimal(20,2) DEFAULT 0", literal("0.00")),
        ("decimal(20,2) DEFAULT '0.00'", literal("0.00")),
        ("decimal(5,1) DEFAULT -1", literal("-1.0")),
        ("decimal(4,2) DEFAULT .5", literal("0.50")),
        ("double DEFAULT 1.5", literal("1.5")),
        ("varchar(9) DEFAULT 'it''s'", literal("it's")),
        ("varchar(9) DEFAULT _utf8mb4'x'", literal("x")),
        ("varbinary(9) DEFAULT x'6162'", literal("ab")),
        ("varbinary(9) DEFAULT 0x6162", literal("ab")),
        ("varbinary(9) DEFAULT x'FFFE'", literal("0xfffe")),
        ("bit(1) DEFAULT b'0'", literal("b'0'")),
        (
            "timestamp DEFAULT current_timestamp()",
            expression("CURRENT_TIMESTAMP"),
        ),
        ("timestamp DEFAULT now()", expression("CURRENT_TIMESTAMP")),
        (
            "timestamp DEFAULT LOCALTIME",
            expression("CURRENT_TIMESTAMP"),
        ),
        (
            "timestamp(3) DEFAULT current_timestamp(3)",
            expression("CURRENT_TIMESTAMP(3)"),
        ),
        ("char(36) DEFAULT (uuid())", expression("uuid()")),
        ("char(36) DEFAULT uuid()", expression("uuid()")),
        (
            "datetime DEFAULT '0000-00-00 00:00:00'",
            literal("0000-00-00 00:00:00"),
        ),
    ] {
        assert_eq!(column(written).default, canonical, "{written}");
    }
}

#[test]
fn column_attributes_come_in_any_order_and_in_version_comments() {
    let plain = column("int NOT NULL DEFAULT 5");
    assert!(!plain.nullable);
    for written in [
        "int DEFAULT 5 NOT NULL COMMENT 'a, b) c'",
        "int(11) NOT NULL DEFAULT '5' /*!80023 INVISIBLE */",
        "int NOT NULL /*!50606 STORAGE DISK */ /*!50606 COLUMN_FORMAT DYNAMIC */ DEFAULT 5",
        "int NOT NULL DEFAULT 5 COMMENT = 'x'",
        "int NOT NULL DEFAULT 5 REFERENCES p (id) ON DELETE CASCADE ON UPDATE SET NULL",
        "int NOT NULL DEFAULT 5 /*M!100300 INVISIBLE */ WITHOUT SYSTEM VERSIONING",
    ] {
        let mut column = column(written);
        let comment = column.comment.take();
        assert_eq!(comment.is_some(), written.contains("COMMENT"), "{written}");
        assert_eq!(column, plain, "{written}");
    }
    let stamp = column("timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP");
    assert!(stamp.nullable && stamp.on_update_now);
    let serial = table("CREATE TABLE t (id SERIAL)");
    assert_eq!(serial.columns["id"].data_type, "bigint unsigned");
    assert!(serial.columns["id"].auto_increment && !serial.columns["id"].nullable);
    assert_eq!(serial.indexes["id"].kind, IndexKind::Unique);
    let keyed = table("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, u int UNIQUE KEY)");
    assert_eq!(keyed.primary_key, [KeyPart::column("id")]);
    assert!(!keyed.columns["id"].nullable && keyed.columns["u"].nullable);
    assert_eq!(keyed.indexes["u"].kind, IndexKind::Unique);
}

#[test]
fn generated_columns_and_checks_lose_only_redundant_parentheses() {
    let mariadb = "`g` int(11) GENERATED ALWAYS AS (`s` + 1) STORED, CHECK (`s` > 0)";
    let mysql = "`g` int GENERATED ALWAYS AS ((`s` + 1)) STORED, CONSTRAINT `x` CHECK ((`s` > 0))";
    let text = |rest| format!("CREATE TABLE t (s int, {rest})");
    let table_of = |rest| table(&text(rest));
    assert_eq!(table_of(mariadb), table_of(mysql));
    assert_eq!(
        table_of(mysql).columns["g"].generated.as_deref(),
        Some("`s` + 1")
    );
    assert_eq!(table_of(mysql).checks, ["`s` > 0"]);
    assert_eq!(
        column("int AS ((a) + (b)) VIRTUAL").generated.as_deref(),
        Some("(a) + (b)")
    );
    assert_eq!(
        column("int AS (((a + b)) * 2)").generated.as_deref(),
        Some("((a + b)) * 2")
    );
}

#[test]
fn a_stored_column_is_written_as_one() {
    let stored = column("int AS (a + 1) PERSISTENT");
    assert!(stored.stored);
    let written = crate::schema::sql::column_definition(&stored);
    assert!(
        written.ends_with("GENERATED ALWAYS AS (a + 1) STORED"),
        "{written}"
    );
    assert!(!column("int AS (a + 1) VIRTUAL").stored);
}

/// The same table as SHOW CREATE gives it on four servers.
#[test]
fn four_servers_print_the_same_table() {
    let mariadb_10_5 = "CREATE TABLE `t` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `big` bigint(20) DEFAULT NULL,
  `flag` tinyint(4) NOT NULL DEFAULT 0,
  `yes` tinyint(1) DEFAULT 1,
  `padded` int(6) unsigned zerofill DEFAULT NULL,
  `born` year(4) DEFAULT NULL,
  `name` varchar(64) DEFAULT NULL,
  `hash` varchar(32) CHARACTER SET utf8 COLLATE utf8_bin DEFAULT NULL,
  `body` text DEFAULT NULL,
  `price` decimal(20,2) NOT NULL DEFAULT 0.00,
  `ratio` double DEFAULT 1.5,
  `raw` varbinary(8) DEFAULT 'ab',
  `made` timestamp NULL DEFAULT current_timestamp(),
  `changed` timestamp NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  `settings` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`settings`)),
  `next_id` int(11) GENERATED ALWAYS AS (`flag` + 1) STORED,
  PRIMARY KEY (`id`),
  UNIQUE KEY `UI_name` (`name`),
  KEY `FK_t_big` (`big`),
  FULLTEXT KEY `body` (`body`),
  CONSTRAINT `FK_t_big` FOREIGN KEY (`big`) REFERENCES `p` (`id`) ON DELETE SET NULL
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8 COLLATE=utf8_unicode_ci ROW_FORMAT=DYNAMIC COMMENT='x'";
    let mariadb_10_11 = mariadb_10_5
        .replace("utf8 ", "utf8mb3 ")
        .replace("utf8_", "utf8mb3_");
    let mariadb_11_8 = mariadb_10_11.replace("DEFAULT 'ab'", "DEFAULT x'6162'");
    let mysql_9_7 = "CREATE TABLE `t` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `big` bigint DEFAULT NULL,
  `flag` tinyint NOT NULL DEFAULT '0',
  `yes` tinyint(1) DEFAULT '1',
  `padded` int(6) unsigned zerofill DEFAULT NULL,
  `born` year DEFAULT NULL,
  `name` varchar(64) CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci DEFAULT NULL,
  `hash` varchar(32) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT NULL,
  `body` text COLLATE utf8mb3_unicode_ci,
  `price` decimal(20,2) NOT NULL DEFAULT '0.00',
  `ratio` double DEFAULT '1.5',
  `raw` varbinary(8) DEFAULT 'ab',
  `made` timestamp NULL DEFAULT CURRENT_TIMESTAMP,
  `changed` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `settings` json DEFAULT NULL,
  `next_id` int GENERATED ALWAYS AS ((`flag` + 1)) STORED,
  PRIMARY KEY (`id`),
  UNIQUE KEY `UI_name` (`name`),
  KEY `FK_t_big` (`big`),
  FULLTEXT KEY `body` (`body`),
  CONSTRAINT `FK_t_big` FOREIGN KEY (`big`) REFERENCES `p` (`id`) ON DELETE SET NULL
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_unicode_ci ROW_FORMAT=DYNAMIC COMMENT='x'";
    let expected = table(mariadb_10_5);
    for text in [&mariadb_10_11, &mariadb_11_8, mysql_9_7] {
        assert_eq!(table(text), expected, "{text}");
    }
    assert_eq!(expected.columns["settings"].data_type, "json");
    assert_eq!(expected.checks, [""; 0]);
    assert_eq!(expected.columns["name"].collation, None);
    assert_eq!(expected.columns["hash"].charset, None);
    assert_eq!(
        expected.columns["hash"].collation.as_deref(),
        Some("utf8mb3_bin")
    );
    assert_eq!(
        expected.foreign_keys["FK_t_big"].on_delete,
        ReferentialAction::SetNull
    );
    assert_eq!(expected.row_format.as_deref(), Some("DYNAMIC"));
}

#[test]
fn a_missing_collation_is_the_default_of_its_character_set() {
    let mariadb = "CREATE TABLE t (a varchar(9)) DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci";
    let mysql = "CREATE TABLE t (a varchar(9)) DEFAULT CHARSET=latin1";
    assert_eq!(table(mariadb), table(mysql));
    let general = column("varchar(9) CHARACTER SET utf8mb4 DEFAULT NULL");
    assert_eq!(general.charset, None);
    assert_eq!(general.collation.as_deref(), Some("utf8mb4_general_ci"));
    let latin = column("varchar(9) CHARACTER SET latin1");
    assert_eq!(latin.charset.as_deref(), Some("latin1"));
    assert_eq!(latin.collation.as_deref(), Some("latin1_swedish_ci"));
    assert_eq!(
        column("varchar(9) BINARY").collation.as_deref(),
        Some("utf8mb4_bin")
    );
}

#[test]
fn a_check_of_json_on_an_ordinary_column_stays() {
    let plain = table("CREATE TABLE t (a longtext CHECK (json_valid(`a`))) CHARSET=utf8mb4");
    assert_eq!(plain.columns["a"].data_type, "longtext");
    assert_eq!(plain.checks, ["json_valid(`a`)"]);
}

#[test]
fn unnamed_keys_get_the_names_that_servers_make() {
    let table = table(
        "CREATE TABLE t (a int, b int, KEY (a), UNIQUE (a, b), INDEX USING BTREE (a), \
         CONSTRAINT u UNIQUE KEY (b), FOREIGN KEY (a) REFERENCES p (id), \
         CONSTRAINT t_ibfk_4 FOREIGN KEY (b) REFERENCES p (id) ON DELETE NO ACTION, \
         FOREIGN KEY (b) REFERENCES q.p (id) ON UPDATE CASCADE, FOREIGN KEY i (a) REFERENCES p (id), KEY ((lower(`b`))))",
    );
    let indexes: Vec<&String> = table.indexes.keys().collect();
    assert_eq!(indexes, ["a", "a_2", "a_3", "u", "functional_index"]);
    assert_eq!(
        table.indexes["functional_index"].parts[0].column,
        "(lower(`b`))"
    );
    let keys: Vec<&String> = table.foreign_keys.keys().collect();
    assert_eq!(keys, ["t_ibfk_1", "t_ibfk_4", "t_ibfk_5", "i"]);
    assert_eq!(
        table.foreign_keys["t_ibfk_4"].on_delete,
        ReferentialAction::Restrict
    );
    let last = &table.foreign_keys["t_ibfk_5"];
    assert_eq!(last.referenced_database.as_deref(), Some("q"));
    assert_eq!(last.on_update, ReferentialAction::Cascade);
}

#[test]
fn key_parts_keep_prefix_and_direction() {
    let table = table(
        "CREATE TABLE t (a text, g point, KEY k (a(64), b DESC, c ASC) USING BTREE COMMENT 'x', \
         SPATIAL KEY s (g(32)), FULLTEXT KEY f (a) /*!50100 WITH PARSER `ngram` */, \
         UNIQUE KEY v (b) /*!80000 INVISIBLE */, KEY w (b) KEY_BLOCK_SIZE=8 `CLUSTERING`=YES)",
    );
    let parts = &table.indexes["k"].parts;
    assert_eq!(parts[0].length, Some(64));
    assert!(parts[1].descending && !parts[2].descending);
    assert_eq!(table.indexes["s"].kind, IndexKind::Spatial);
    assert_eq!(table.indexes["s"].parts, [KeyPart::column("g")]);
    assert_eq!(table.indexes["f"].kind, IndexKind::Fulltext);
}

#[test]
fn table_options_come_in_any_order_and_shape() {
    let plain = table("CREATE TABLE t (a int) ENGINE=InnoDB DEFAULT CHARSET=utf8");
    for options in [
        "CHARACTER SET utf8, ENGINE InnoDB",
        "type=innodb default character set = utf8mb3 collate utf8mb3_general_ci",
        "ENGINE=INNODB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8 COMMENT='a ) b' PAGE_COMPRESSED=1 `X`='y'",
        "ENGINE=InnoDB UNION=(a,b) DEFAULT CHARSET=utf8 STATS_PERSISTENT=0 WITH SYSTEM VERSIONING",
        "ENGINE=InnoDB DEFAULT CHARSET=utf8 DATA DIRECTORY='/x' ROW_FORMAT=DEFAULT \
         /*!50100 TABLESPACE ts STORAGE DISK */ /*!50100 PARTITION BY RANGE (a) \
         (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB, PARTITION p1 VALUES LESS THAN MAXVALUE) */",
    ] {
        assert_eq!(
            table(&format!("CREATE TABLE t (a int) {options}")),
            plain,
            "{options}"
        );
    }
}

#[test]
fn create_table_has_other_forms() {
    let like = create("CREATE TABLE IF NOT EXISTS `d`.`a` LIKE `b`");
    assert!(like.if_not_exists);
    assert_eq!(like.name.to_string(), "d.a");
    assert_eq!(like.source, TableSource::Like(Name::local("b")));
    let query = create("CREATE TEMPORARY TABLE a ENGINE=MEMORY AS SELECT 1 AS x");
    assert!(query.temporary);
    assert_eq!(query.source, TableSource::Query("SELECT 1 AS x".to_owned()));
    let stand_in =
        create("/*!50001 CREATE TABLE `v` (\n  `id` tinyint NOT NULL\n) ENGINE=MyISAM */");
    assert!(stand_in.in_version_comment);
    assert!(!create("CREATE TABLE /*!32312 IF NOT EXISTS*/ t (a int)").in_version_comment);
    let ansi = parse(r#"CREATE TABLE "t" ("a b" int(11) DEFAULT 'x')"#, ANSI).unwrap();
    assert!(matches!(ansi, Statement::CreateTable(c) if c.table.columns.contains_key("a b")));
}

/// phpMyAdmin writes this when it exports in ANSI mode.
#[test]
fn tables_without_columns_are_refused() {
    assert_eq!(
        refused("CREATE TABLE `civicrm_acl`").expected,
        "at least one column"
    );
    assert_eq!(
        refused("CREATE TABLE t ENGINE=InnoDB").expected,
        "at least one column"
    );
    assert_eq!(
        refused("CREATE TABLE t (KEY (a))").expected,
        "at least one column"
    );
}

#[test]
fn alter_table_knows_what_phpmyadmin_writes() {
    let Statement::AlterTable(alter) = read(
        "ALTER TABLE `t`\n  ADD PRIMARY KEY (`id`),\n  ADD UNIQUE KEY `u` (`a`) USING BTREE,\n  \
         ADD KEY `k` (`b`(10)),\n  ADD FULLTEXT KEY `f` (`c`)",
    ) else {
        panic!("not ALTER TABLE")
    };
    assert_eq!(alter.actions.len(), 4);
    let Statement::AlterTable(alter) = read(
        "ALTER TABLE `t` MODIFY `id` int(10) UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'x', AUTO_INCREMENT=5",
    ) else {
        panic!("not ALTER TABLE")
    };
    assert!(matches!(
        alter.actions.as_slice(),
        [AlterAction::ChangeColumn { definition, .. }, AlterAction::Option(TableOption::Other)]
            if definition.column.auto_increment
    ));
}

#[test]
fn alter_table_actions_are_told_apart() {
    for (text, expected) in [
        ("DISABLE KEYS", AlterAction::SwitchKeys),
        ("ENABLE KEYS", AlterAction::SwitchKeys),
        (
            "DROP PRIMARY KEY",
            AlterAction::DropIndex {
                name: "PRIMARY".into(),
                if_exists: false,
            },
        ),
        (
            "DROP INDEX IF EXISTS `i`",
            AlterAction::DropIndex {
                name: "i".into(),
                if_exists: true,
            },
        ),
        (
            "DROP FOREIGN KEY `f`",
            AlterAction::DropForeignKey {
                name: "f".into(),
                if_exists: false,
            },
        ),
        ("DROP CONSTRAINT c", AlterAction::DropConstraint("c".into())),
        (
            "DROP COLUMN c",
            AlterAction::DropColumn {
                name: "c".into(),
                if_exists: false,
            },
        ),
        (
            "DROP c",
            AlterAction::DropColumn {
                name: "c".into(),
                if_exists: false,
            },
        ),
        (
            "RENAME TO d.u",
            AlterAction::RenameTo(Name {
                database: Some("d".into()),
                name: "u".into(),
            }),
        ),
        (
            "RENAME INDEX a TO b",
            AlterAction::RenameIndex {
                from: "a".into(),
                to: "b".into(),
            },
        ),
        (
            "RENAME COLUMN a TO b",
            AlterAction::RenameColumn {
                from: "a".into(),
                to: "b".into(),
            },
        ),
        (
            "ALTER COLUMN c SET DEFAULT 5",
            AlterAction::SetDefault {
                column: "c".into(),
                default: literal("5"),
            },
        ),
        (
            "ALTER c DROP DEFAULT",
            AlterAction::SetDefault {
                column: "c".into(),
                default: None,
            },
        ),
        (
            "ENGINE=InnoDB",
            AlterAction::Option(TableOption::Engine("InnoDB".into())),
        ),
        ("FORCE", AlterAction::Other("FORCE".into())),
        ("ALGORITHM=INPLACE", AlterAction::Option(TableOption::Other)),
        (
            "CONVERT TO CHARACTER SET utf8 COLLATE utf8_unicode_ci",
            AlterAction::ConvertTo {
                charset: Some("utf8mb3".into()),
                collation: Some("utf8mb3_unicode_ci".into()),
            },
        ),
        (
            "ADD PARTITION (PARTITION p1 VALUES LESS THAN (5))",
            AlterAction::Other("PARTITION (PARTITION p1 VALUES LESS THAN (5))".into()),
        ),
    ] {
        let Statement::AlterTable(alter) = read(&format!("ALTER TABLE t {text}")) else {
            panic!("{text}")
        };
        assert_eq!(alter.actions, [expected], "{text}");
    }
}

fn trigger(text: &str) -> Create<Trigger> {
    match read(text) {
        Statement::CreateTrigger(create) => create,
        other => panic!("{other:?}"),
    }
}

#[test]
fn triggers_are_read_from_split_version_comments_in_any_spelling() {
    let split = trigger(
        "/*!50003 CREATE*/ /*!50017 DEFINER=`u`@`localhost`*/ /*!50003 TRIGGER t_bi before insert \
         ON t FOR EACH ROW BEGIN\n  /* why */ SET NEW.a = ';';\n END */",
    );
    assert_eq!(split.name, Name::local("t_bi"));
    assert_eq!(
        split.object.body,
        "BEGIN\n  /* why */ SET NEW.a = ';';\n END"
    );
    assert_eq!(split.object.timing, TriggerTiming::Before);
    assert_eq!(split.object.event, TriggerEvent::Insert);
    let definer = split.object.definer.unwrap();
    assert_eq!(
        (definer.user.as_str(), definer.host.as_str()),
        ("u", "localhost")
    );
    let other = trigger(
        "create or replace definer='u'@'%' trigger IF NOT EXISTS `db`.`x` AFTER DELETE ON `db`.`t` \
         FOR EACH ROW FOLLOWS `y` DELETE FROM u",
    );
    assert!(other.or_replace && other.if_not_exists);
    assert_eq!(other.name.database.as_deref(), Some("db"));
    assert_eq!(other.object.table, "t");
    assert_eq!(other.object.body, "DELETE FROM u");
}

#[test]
fn definers_have_many_forms() {
    let account = |user: &str, host: &str| {
        Some(Account {
            user: user.to_owned(),
            host: host.to_owned(),
        })
    };
    for (written, expected) in [
        ("`u`@`h`", account("u", "h")),
        ("'u'@'10.0.%'", account("u", "10.0.%")),
        ("u@localhost", account("u", "localhost")),
        ("'u'@db-1.example.org", account("u", "db-1.example.org")),
        ("u@'::1'", account("u", "::1")),
        ("`u`@``", account("u", "")),
        ("r_civi", account("r_civi", "%")),
        ("CURRENT_USER", None),
        ("current_user()", None),
    ] {
        let text =
            format!("CREATE DEFINER={written} TRIGGER x AFTER UPDATE ON t FOR EACH ROW SET @a=1");
        assert_eq!(trigger(&text).object.definer, expected, "{written}");
    }
}

#[test]
fn views_keep_their_query_and_stand_ins_are_recognised() {
    let Statement::CreateView(view) = read(
        "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`u`@`h` SQL SECURITY DEFINER */\n\
         /*!50001 VIEW `v` (`x`) AS select `t`.`a` AS `a` from `t` */\n/*!50002 WITH CASCADED CHECK OPTION */",
    ) else {
        panic!("not CREATE VIEW")
    };
    assert_eq!(
        view.object.query,
        "select `t`.`a` AS `a` from `t` WITH CASCADED CHECK OPTION"
    );
    assert_eq!(view.stand_in_columns(SqlModes::default()), None);
    for text in [
        "/*!50001 CREATE VIEW `v` AS SELECT \n 1 AS `id`,\n 1 AS `na,me`*/",
        "CREATE VIEW v AS SELECT 1 AS id, 1 AS `na,me`",
    ] {
        let Statement::CreateView(view) = read(text) else {
            panic!("{text}")
        };
        let columns = view.stand_in_columns(SqlModes::default()).unwrap();
        assert_eq!(columns, ["id", "na,me"]);
    }
}

#[test]
fn routines_and_events_keep_all_after_their_name() {
    let Statement::CreateRoutine(RoutineKind::Function, function) = read(
        "CREATE DEFINER=`u`@`h` FUNCTION `f`(input VARCHAR(255)) RETURNS varchar(255)\n    NO SQL\nBEGIN RETURN 1; END",
    ) else {
        panic!("not CREATE FUNCTION")
    };
    assert!(
        function
            .object
            .definition
            .starts_with("(input VARCHAR(255)) RETURNS")
    );
    assert!(function.object.definition.ends_with("END"));
    assert!(matches!(
        read("CREATE OR REPLACE AGGREGATE FUNCTION IF NOT EXISTS f(x INT) RETURNS INT RETURN 1"),
        Statement::CreateRoutine(_, f) if f.or_replace && f.if_not_exists
    ));
    assert!(matches!(
        read("/*!50003 CREATE*/ /*!50020 DEFINER=`u`@`h`*/ /*!50003 PROCEDURE `p`() SELECT 1 */"),
        Statement::CreateRoutine(RoutineKind::Procedure, p) if p.object.definition == "() SELECT 1"
    ));
    assert!(matches!(
        read("/*!50106 CREATE*/ /*!50117 DEFINER=`u`@`h`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1 */"),
        Statement::CreateEvent(e) if e.object.definition == "ON SCHEDULE EVERY 1 DAY DO SELECT 1"
    ));
    assert_eq!(
        read("CREATE FUNCTION f RETURNS INTEGER SONAME 'f.so'"),
        Statement::Other("CREATE FUNCTION".to_owned())
    );
}

fn assignments(text: &str) -> Vec<(VariableScope, String, String)> {
    match read(text) {
        Statement::Set(list) => list
            .into_iter()
            .map(|assignment| (assignment.scope, assignment.name, assignment.value))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn set_lists_its_variables() {
    let entry = |scope, name: &str, value: &str| (scope, name.to_owned(), value.to_owned());
    use VariableScope::{Global, Persist, Session, User};
    assert_eq!(
        assignments("/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */"),
        [
            entry(User, "old_unique_checks", "@@UNIQUE_CHECKS"),
            entry(Session, "unique_checks", "0")
        ]
    );
    assert_eq!(
        assignments("SET SQL_MODE='A,B', GLOBAL x = (1, 2), @@persist.y := 3, `z`=4"),
        [
            entry(Session, "sql_mode", "'A,B'"),
            entry(Global, "x", "(1, 2)"),
            entry(Persist, "y", "3"),
            entry(Global, "z", "4")
        ]
    );
    assert_eq!(
        assignments("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '3e11fa47-71ca:1-5'"),
        [entry(Global, "gtid_purged", "'+' '3e11fa47-71ca:1-5'")]
    );
    assert_eq!(
        assignments("/*!40101 SET NAMES utf8 */"),
        [entry(Session, "names", "utf8")]
    );
    assert_eq!(
        assignments("SET character set latin1"),
        [entry(Session, "character set", "latin1")]
    );
    assert_eq!(
        assignments("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
        [entry(
            Session,
            "transaction",
            "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        )]
    );
    assert_eq!(
        read("SET PASSWORD = 'secret'"),
        Statement::Other("SET PASSWORD".to_owned())
    );
}

#[test]
fn rows_are_recognised_by_their_head_alone() {
    for text in [
        "INSERT INTO `t` (`a`, `b`) VALUES",
        "INSERT IGNORE INTO `t`(`a`,`b`) VALUES (1,'unfinished",
        "insert delayed ignore t (a,b) value (1,2)",
        "INSERT INTO t PARTITION (p0) (a, b) SELECT 1, 2",
    ] {
        let Statement::Insert(head) = read(text) else {
            panic!("{text}")
        };
        assert_eq!(head.table.name, "t", "{text}");
        assert_eq!(head.columns.unwrap(), ["a", "b"], "{text}");
    }
    assert!(matches!(
        read("REPLACE INTO `d`.`t` VALUES (1)"),
        Statement::Insert(InsertHead { columns: None, .. })
    ));
    assert!(matches!(
        read("INSERT INTO t () VALUES ()"),
        Statement::Insert(InsertHead { columns: Some(columns), .. }) if columns.is_empty()
    ));
    refused("INSERT INTO t (a, b)");
}

#[test]
fn other_statements_are_told_apart() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| Name::local(*name))
            .collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("", Statement::Empty),
        ("/*M!999999\\- enable the sandbox mode */", Statement::Empty),
        ("-- a comment", Statement::Empty),
        (
            "LOCK TABLES `a` WRITE, b AS x READ LOCAL",
            Statement::LockTables(names(&["a", "b"])),
        ),
        ("UNLOCK TABLES", Statement::UnlockTables),
        (
            "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            Statement::StartTransaction,
        ),
        ("BEGIN", Statement::StartTransaction),
        ("COMMIT", Statement::EndTransaction),
        ("rollback", Statement::EndTransaction),
        ("USE `d`", Statement::Use("d".into())),
        (
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `d` /*!40100 DEFAULT CHARACTER SET utf8 */",
            Statement::CreateDatabase("d".into()),
        ),
        (
            "/*!40000 DROP DATABASE IF EXISTS `d`*/",
            Statement::DropDatabase("d".into()),
        ),
        (
            "RENAME TABLE a TO b",
            Statement::RenameTable(vec![(Name::local("a"), Name::local("b"))]),
        ),
        ("TRUNCATE t", Statement::TruncateTable(Name::local("t"))),
        (
            "DELETE FROM `t` WHERE a = 1",
            Statement::Other("DELETE".into()),
        ),
        ("DELETE a FROM a JOIN b", Statement::Other("DELETE".into())),
        ("GRANT ALL ON *.* TO u", Statement::Other("GRANT".into())),
        ("FLUSH PRIVILEGES", Statement::Other("FLUSH".into())),
        ("CREATE USER u", Statement::Other("CREATE USER".into())),
        (
            "ALTER DATABASE d CHARACTER SET utf8",
            Statement::AlterDatabase {
                name: Some("d".into()),
            },
        ),
        (
            "ALTER SCHEMA COLLATE utf8mb4_bin",
            Statement::AlterDatabase { name: None },
        ),
        ("(SELECT 1)", Statement::Other("SELECT".into())),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert!(matches!(
        read("DROP TABLE IF EXISTS `a`, `b` CASCADE"),
        Statement::DropTable(drop) if drop.if_exists && drop.names == names(&["a", "b"])
    ));
    assert!(matches!(
        read("/*!50001 DROP VIEW IF EXISTS `v`*/"),
        Statement::DropView(_)
    ));
    assert!(matches!(
        read("CREATE UNIQUE INDEX i USING BTREE ON t (a(5), b) LOCK=NONE"),
        Statement::CreateIndex { name, index, .. } if name == "i" && index.kind == IndexKind::Unique
    ));
    assert!(matches!(
        read("DROP INDEX i ON t"),
        Statement::DropIndex { .. }
    ));
}

/// Lines that dump programs, clients and PHP leave in dumps.
#[test]
fn messages_inside_a_dump_are_no_statements() {
    for text in [
        "mysqldump: Got error: 1045: Access denied for user 'u'@'localhost' (using password: YES)",
        "mysqldump: [Warning] Using a password on the command line interface can be insecure.",
        "Warning: Using a password on the command line interface can be insecure.",
        "ERROR 1045 (28000): Access denied for user 'root'@'localhost'",
        "mariadb-dump: Couldn't execute 'SHOW FUNCTION STATUS'",
        "Enter password: ",
        "<br />\n<b>Fatal error</b>:  Allowed memory size of 134217728 bytes exhausted",
        "Use of uninitialized value in string",
        "bash: mysqldump: command not found",
        "{\"error\": 1}",
        "\u{0}\u{0}\u{0}",
    ] {
        refused(text);
    }
}

#[test]
fn errors_say_where_and_what() {
    let error = refused("CREATE TABLE `t` (\n  `a` int,\n  `b` WHAT EVER\n)");
    assert_eq!((error.offset, error.found.as_str()), (41, "EVER"));
    assert_eq!(error.to_string(), "at byte 41: expected , or ), found EVER");
    let error = refused("CREATE TABLE t (a int COMMENT 'no end)");
    assert_eq!(error.found, "a string that does not end");
    assert_eq!(
        refused("CREATE TABLE t (a int").found,
        "the end of the statement"
    );
    assert_eq!(
        refused("/*!50003 CREATE TABLE t (a int)").found,
        "a version comment that does not end"
    );
    assert!(
        refused("CREATE TABLE t (a int, A int)")
            .found
            .contains("column A")
    );
    refused("CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW");
    refused("CREATE TABLE t (a int) garbage");
}

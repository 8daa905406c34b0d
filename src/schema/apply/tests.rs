use super::error::missing;
use super::*;
use crate::schema::{
    ddl,
    lexer::SqlModes,
    model::{DefaultValue, KeyPart, RoutineKind, Schema},
};

fn apply(schema: &mut Schema, text: &str) -> Result<(), ApplyError> {
    let statement =
        ddl::parse(text, SqlModes::default()).unwrap_or_else(|error| panic!("{error} in {text}"));
    schema.apply(statement)
}

fn schema(statements: &[&str]) -> Schema {
    let mut schema = Schema::default();
    for text in statements {
        apply(&mut schema, text).unwrap_or_else(|error| panic!("{error} in {text}"));
    }
    schema
}

#[test]
fn tables_written_in_parts_equal_tables_written_at_once() {
    let parts = schema(&[
        "CREATE TABLE p (id int NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8",
        "CREATE TABLE t (id int NOT NULL, a varchar(9) DEFAULT NULL, b int) DEFAULT CHARSET=utf8",
        "ALTER TABLE p ADD PRIMARY KEY (id)",
        "ALTER TABLE `t` ADD PRIMARY KEY (`id`), ADD UNIQUE KEY u (a), ADD KEY (b)",
        "ALTER TABLE `t` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5",
        "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES p (id) ON DELETE CASCADE",
    ]);
    let whole = schema(&[
        "CREATE TABLE p (id int PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8",
        "CREATE TABLE t (id int NOT NULL AUTO_INCREMENT, a varchar(9) CHARACTER SET utf8, b int, \
         PRIMARY KEY (id), UNIQUE KEY u (a), KEY b (b), \
         CONSTRAINT f FOREIGN KEY (b) REFERENCES p (id) ON DELETE CASCADE) DEFAULT CHARSET=utf8",
    ]);
    assert_eq!(parts, whole);
}

#[test]
fn altering_a_table_that_is_not_there_is_an_error() {
    let mut empty = Schema::default();
    let error = apply(&mut empty, "ALTER TABLE t ADD KEY (a)").unwrap_err();
    assert_eq!(error.to_string(), "there is no table t");
    apply(&mut empty, "ALTER TABLE IF EXISTS t ADD KEY (a)").unwrap();
    let trigger = "CREATE TRIGGER x AFTER INSERT ON t FOR EACH ROW SET @a = 1";
    assert_eq!(apply(&mut empty, trigger), Err(missing("table", "t")));
}

#[test]
fn columns_move_and_change_and_take_their_keys_along() {
    let altered = schema(&[
        "CREATE TABLE t (a int, b int, c int, KEY k (a, b), KEY l (c), PRIMARY KEY (a))",
        "CREATE TABLE u (d int, CONSTRAINT f FOREIGN KEY (d) REFERENCES t (a))",
        "ALTER TABLE t ADD z int FIRST, ADD y int AFTER a, CHANGE a x bigint NOT NULL AFTER c, \
         ALTER b SET DEFAULT 5, RENAME COLUMN b TO w, DROP COLUMN c, RENAME INDEX k TO m",
    ]);
    let t = &altered.tables["t"];
    let columns: Vec<&String> = t.columns.keys().collect();
    assert_eq!(columns, ["z", "y", "w", "x"]);
    assert_eq!(
        t.columns["w"].default,
        Some(DefaultValue::Literal("5".into()))
    );
    assert_eq!(t.columns["x"].data_type, "bigint");
    assert_eq!(t.primary_key, [KeyPart::column("x")]);
    assert_eq!(
        t.indexes["m"].parts,
        [KeyPart::column("x"), KeyPart::column("w")]
    );
    assert!(
        !t.indexes.contains_key("l"),
        "an index without columns is gone"
    );
    assert_eq!(
        altered.tables["u"].foreign_keys["f"].referenced_columns,
        ["x"]
    );
}

#[test]
fn keys_are_dropped_by_any_name_for_them() {
    let altered = schema(&[
        "CREATE TABLE t (a int PRIMARY KEY, b int, KEY k (b), UNIQUE KEY u (b), \
         CONSTRAINT f FOREIGN KEY (b) REFERENCES p (id), CONSTRAINT g FOREIGN KEY (b) REFERENCES p (id))",
        "ALTER TABLE t DROP PRIMARY KEY, DROP KEY K, DROP FOREIGN KEY F, DROP CONSTRAINT g, DROP CONSTRAINT u",
        "CREATE INDEX i ON t (b)",
        "ALTER TABLE t DROP INDEX IF EXISTS nothing",
        "DROP INDEX i ON t",
    ]);
    let t = &altered.tables["t"];
    assert!(t.primary_key.is_empty() && t.indexes.is_empty() && t.foreign_keys.is_empty());
    let mut altered = altered;
    let error = apply(&mut altered, "ALTER TABLE t DROP FOREIGN KEY f").unwrap_err();
    assert_eq!(error.to_string(), "there is no foreign key f in table t");
    apply(&mut altered, "ALTER TABLE t ADD KEY k (b)").unwrap();
    let error = apply(&mut altered, "ALTER TABLE t ADD KEY K (b)").unwrap_err();
    assert_eq!(error.to_string(), "the index K exists already in table t");
}

#[test]
fn dropping_a_table_drops_its_triggers() {
    let left = schema(&[
        "CREATE TABLE a (i int)",
        "CREATE TABLE b (i int)",
        "CREATE TRIGGER x AFTER INSERT ON a FOR EACH ROW SET @a = 1",
        "CREATE TRIGGER y AFTER INSERT ON b FOR EACH ROW SET @a = 1",
        "DROP TABLE IF EXISTS A, nothing",
    ]);
    let tables: Vec<&String> = left.tables.keys().collect();
    let triggers: Vec<&String> = left.triggers.keys().collect();
    assert_eq!(
        (tables.as_slice(), triggers.as_slice()),
        (&[&"b".to_owned()][..], &[&"y".to_owned()][..])
    );
}

#[test]
fn renaming_a_table_takes_triggers_and_keys_along() {
    let renamed = schema(&[
        "CREATE TABLE a (i int PRIMARY KEY, j int, FOREIGN KEY (j) REFERENCES a (i))",
        "CREATE TABLE b (i int, CONSTRAINT f FOREIGN KEY (i) REFERENCES a (i))",
        "CREATE TRIGGER x AFTER INSERT ON a FOR EACH ROW SET @a = 1",
        "RENAME TABLE a TO c",
    ]);
    let tables: Vec<&String> = renamed.tables.keys().collect();
    assert_eq!(tables, ["c", "b"]);
    assert_eq!(renamed.triggers["x"].table, "c");
    assert_eq!(renamed.tables["b"].foreign_keys["f"].referenced_table, "c");
    assert_eq!(
        renamed.tables["c"].foreign_keys["c_ibfk_1"].referenced_table,
        "c"
    );
}

#[test]
fn a_view_fulfils_its_stand_in() {
    let old = "/*!50001 CREATE TABLE `v` (`id` tinyint NOT NULL) ENGINE=MyISAM */";
    let new = "/*!50001 CREATE VIEW `v` AS SELECT 1 AS `id`*/";
    for stand_in in [old, new] {
        let announced = schema(&[stand_in, "/*!50001 DROP VIEW IF EXISTS `v`*/"]);
        assert!(announced.tables.is_empty() && announced.views.is_empty());
        assert_eq!(announced.stand_ins["v"], ["id"]);
        let mut defined = announced;
        apply(&mut defined, "/*!50001 DROP TABLE `v`*/").unwrap();
        apply(&mut defined, "CREATE VIEW v AS SELECT 2 AS id").unwrap();
        assert!(defined.stand_ins.is_empty());
        assert_eq!(defined.views["v"].query, "SELECT 2 AS id");
    }
    // phpMyAdmin's stand-in is an ordinary table, which it drops.
    let phpmyadmin = schema(&[
        "CREATE TABLE `v` (`id` int)",
        "DROP TABLE IF EXISTS `v`",
        "CREATE ALGORITHM=UNDEFINED VIEW `v` AS SELECT 2 AS id",
    ]);
    assert!(phpmyadmin.tables.is_empty() && phpmyadmin.views.len() == 1);
}

#[test]
fn what_exists_is_replaced_only_on_request() {
    let mut schema = schema(&[
        "CREATE TABLE t (a int)",
        "CREATE VIEW v AS SELECT 1 AS a FROM t",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE FUNCTION p() RETURNS INT RETURN 1",
    ]);
    for text in [
        "CREATE TABLE T (b int)",
        "CREATE TABLE v (b int)",
        "CREATE VIEW v AS SELECT 2",
        "CREATE OR REPLACE VIEW t AS SELECT 2",
        "CREATE PROCEDURE P() SELECT 2",
    ] {
        let before = schema.clone();
        let error = apply(&mut schema, text).unwrap_err();
        assert!(matches!(error, ApplyError::Exists { .. }), "{text}");
        assert_eq!(schema, before, "{text}");
    }
    for text in [
        "CREATE TABLE IF NOT EXISTS t (b int)",
        "CREATE OR REPLACE VIEW v AS SELECT 2",
        "CREATE OR REPLACE PROCEDURE P() SELECT 2",
        "DROP FUNCTION p",
        "CREATE TEMPORARY TABLE t (z int)",
        "DROP TEMPORARY TABLE t",
    ] {
        apply(&mut schema, text).unwrap_or_else(|error| panic!("{error} in {text}"));
    }
    assert!(schema.tables["t"].columns.contains_key("a"));
    assert_eq!(schema.views["v"].query, "SELECT 2");
    assert_eq!(schema.routines.len(), 1);
    assert_eq!(
        schema
            .routine(RoutineKind::Procedure, "p")
            .unwrap()
            .definition,
        "() SELECT 2"
    );
}

#[test]
fn a_new_default_character_set_leaves_the_columns_as_they_are() {
    let mut altered = schema(&["CREATE TABLE t (a varchar(9), b int) DEFAULT CHARSET=latin1"]);
    apply(
        &mut altered,
        "ALTER TABLE t DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
    )
    .unwrap();
    let table = &altered.tables["t"];
    assert_eq!(table.collation.as_deref(), Some("utf8mb4_bin"));
    assert_eq!(table.columns["a"].charset.as_deref(), Some("latin1"));
    assert_eq!(table.columns["b"].charset, None);
    apply(
        &mut altered,
        "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4",
    )
    .unwrap();
    let table = &altered.tables["t"];
    assert_eq!(table.collation.as_deref(), Some("utf8mb4_general_ci"));
    assert_eq!(table.columns["a"].charset, None);
    assert_eq!(table.columns["a"].collation, None);
}

/// With a walk over all that is there for each statement this takes hours, and is ended by the time limit of tests.
#[test]
fn a_hundred_thousand_of_everything_are_made_renamed_and_dropped_in_the_end() {
    const MANY: usize = 100_000;
    let mut schema = Schema::default();
    let mut run = |text: &str| {
        let statement = ddl::parse(text, SqlModes::default()).expect("it is SQL");
        schema.apply(statement).expect("a server takes it");
    };
    run("CREATE TABLE a (id int)");
    for statement in [
        "CREATE TABLE t{} (id int)",
        "RENAME TABLE t{} TO u{}",
        "CREATE TRIGGER g{} BEFORE INSERT ON u{} FOR EACH ROW SET @a = 1",
        "CREATE OR REPLACE TABLE u{} (id int)",
        "DROP TABLE u{}",
        "CREATE VIEW v{} AS SELECT 1 AS a",
        "CREATE VIEW v{} AS SELECT id FROM a",
        "DROP VIEW v{}",
        "CREATE FUNCTION f{}() RETURNS int RETURN 1",
        "DROP FUNCTION f{}",
        "CREATE PROCEDURE p{}() SELECT 1",
        "CREATE EVENT e{} ON SCHEDULE EVERY 1 DAY DO SELECT 1",
        "DROP EVENT e{}",
    ] {
        for number in 0..MANY {
            run(&statement.replace("{}", &number.to_string()));
        }
    }
    assert_eq!(schema.tables.len(), 1);
    assert_eq!((schema.views.len(), schema.events.len()), (0, 0));
    assert_eq!(schema.routines.len(), MANY);
}

#[test]
fn a_table_takes_no_more_columns_than_servers_do() {
    let mut schema = Schema::default();
    let mut run = |text: &str| {
        let statement = ddl::parse(text, SqlModes::default()).expect("it is SQL");
        schema.apply(statement)
    };
    run("CREATE TABLE a (id int)").expect("a server takes it");
    let last = (0..5000).map(|number| run(&format!("ALTER TABLE a ADD c{number} int FIRST")));
    let refused = last.filter(Result::is_err).count();
    assert!(refused > 500, "{refused}");
    assert!(schema.tables["a"].columns.len() < 4200);
}

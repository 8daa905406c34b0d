use super::*;

fn references(body: &str) -> References {
    of(body, SqlModes::default())
}

fn tables(body: &str) -> Vec<String> {
    references(body)
        .tables
        .iter()
        .map(Name::to_string)
        .collect()
}

fn functions(body: &str) -> Vec<String> {
    references(body)
        .functions
        .iter()
        .map(Name::to_string)
        .collect()
}

fn columns(body: &str) -> Vec<String> {
    references(body)
        .columns
        .iter()
        .map(|(table, column)| format!("{table}.{column}"))
        .collect()
}

#[test]
fn tables_are_found_wherever_a_statement_names_them() {
    for (body, expected) in [
        (
            "SELECT 1 FROM a, b AS x, d.`c` y LEFT JOIN e ON x.i = y.i, f",
            vec!["a", "b", "e", "f", "d.c"],
        ),
        (
            "select 1 from ((`a` `x` left join `b` on((`x`.`i` = `b`.`i`))) join `c`)",
            vec!["a", "b", "c"],
        ),
        (
            "BEGIN UPDATE a SET i = (SELECT MAX(j) FROM b), k = 2 WHERE i IN (SELECT i FROM c); END",
            vec!["a", "b", "c"],
        ),
        (
            "BEGIN IF NEW.x THEN INSERT IGNORE INTO a (i) VALUES (1); ELSE REPLACE b SET i = 1; END IF; END",
            vec!["a", "b"],
        ),
        ("DELETE FROM a WHERE i IN (SELECT i FROM b)", vec!["a", "b"]),
        ("DELETE x FROM a x NATURAL JOIN b", vec!["a", "b"]),
        ("BEGIN TRUNCATE TABLE a; TRUNCATE b; END", vec!["a", "b"]),
        (
            "BEGIN DECLARE c CURSOR FOR SELECT i FROM a; OPEN c; FETCH NEXT FROM c INTO v; END",
            vec!["a"],
        ),
        (
            "SELECT * FROM a USE INDEX FOR JOIN (i, j) STRAIGHT_JOIN b",
            vec!["a", "b"],
        ),
        ("SELECT * FROM a FOR SYSTEM_TIME ALL JOIN b", vec!["a", "b"]),
        (
            "(IN p INT) NO SQL DETERMINISTIC UPDATE a SET i = p",
            vec!["a"],
        ),
        ("() UPDATE a SET i = 1", vec!["a"]),
        ("ON SCHEDULE EVERY 1 DAY DO DELETE FROM a", vec!["a"]),
        ("SELECT 1 FROM a UNION SELECT 2 FROM b", vec!["a", "b"]),
    ] {
        assert_eq!(tables(body), expected, "{body}");
    }
}

#[test]
fn what_is_no_table_is_not_taken_for_one() {
    for body in [
        "SELECT TRIM(LEADING 'x' FROM y), EXTRACT(YEAR FROM d), SUBSTRING(s FROM 2 FOR 3)",
        "WITH c AS (SELECT 1) SELECT * FROM c",
        "WITH RECURSIVE c (a, b) AS (SELECT 1, 2 UNION SELECT a, b FROM c) SELECT * FROM C",
        "SELECT * FROM (SELECT 1) AS x, LATERAL (SELECT 2) y",
        "SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (i INT PATH '$')) j",
        "SELECT 1 FROM DUAL",
        "BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS tmp (i INT, KEY k (i)); INSERT INTO tmp VALUES (1); \
         UPDATE tmp SET i = 2; DROP TEMPORARY TABLE tmp; END",
        "BEGIN DECLARE c CURSOR FOR SELECT 1; FETCH c INTO v; FETCH FROM c INTO v; END",
        "SET @a = INSERT('abc', 1, 1, 'x'), @b = REPLACE(@a, 'x', 'y')",
        "SET @sql = 'SELECT * FROM a'",
        "/* FROM a */ SELECT 1 -- FROM b",
        "ALTER TABLE a ADD UNIQUE u (i)",
        "SHOW TABLES FROM d",
    ] {
        assert_eq!(tables(body), [""; 0], "{body}");
        assert_eq!(functions(body), [""; 0], "{body}");
    }
    assert_eq!(tables("DELETE FROM x USING a AS x"), ["a"]);
    assert_eq!(
        tables("INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE i = 1"),
        ["a"]
    );
    assert_eq!(tables("SELECT 1 FROM a FOR UPDATE"), ["a"]);
}

#[test]
fn only_stored_functions_are_found() {
    assert_eq!(
        functions(
            "SET NEW.n = strip(NEW.p), NEW.m = `d`.`other` (CONCAT_WS(',', IFNULL(NEW.p, '')), CAST(1 AS CHAR(3)))"
        ),
        ["strip", "d.other"]
    );
    assert_eq!(
        functions(
            "BEGIN DECLARE v VARCHAR(255) DEFAULT ''; IF (v IN ('a')) AND EXISTS (SELECT 1) THEN \
             INSERT INTO t (i) VALUES (v); INSERT t2(i) SELECT 1; END IF; END"
        ),
        [""; 0]
    );
    assert_eq!(
        functions("SELECT RANK() OVER w FROM t WINDOW w AS (PARTITION BY i)"),
        [""; 0]
    );
    assert_eq!(
        functions("WHILE busy(1) DO DO work(2); END WHILE"),
        ["busy", "work"]
    );
}

#[test]
fn procedures_are_found_by_call() {
    let found = references("BEGIN CALL p(1); IF x THEN CALL d.q; END IF; END");
    let names: Vec<String> = found.procedures.iter().map(Name::to_string).collect();
    assert_eq!(names, ["p", "d.q"]);
    assert_eq!(found.functions.len(), 0);
}

#[test]
fn columns_are_found_where_their_table_is_certain() {
    for (body, expected) in [
        (
            "INSERT INTO a (i, `j`) SELECT k, l FROM b",
            vec!["a.i", "a.j"],
        ),
        (
            "UPDATE a SET i = 1, j = CASE WHEN k THEN 1 ELSE 2 END, l = 3 WHERE m = n",
            vec!["a.i", "a.j", "a.l"],
        ),
        ("UPDATE a x SET x.i = 1", vec!["a.i"]),
        ("INSERT INTO a SET i = 1, j = 2", vec!["a.i", "a.j"]),
        (
            "INSERT INTO a (i) VALUES (1) ON DUPLICATE KEY UPDATE j = 2",
            vec!["a.i", "a.j"],
        ),
        (
            "select `x`.`i` AS `o`, `b`.`j` from `a` `x` join `b`",
            vec!["a.i", "b.j"],
        ),
        ("SELECT d.a.i FROM d.a", vec!["d.a.i"]),
        // Any of the two tables may have these.
        ("UPDATE a JOIN b SET i = 1, j = 2", vec![]),
        // One alias for two tables, a derived table, an expression's table, a variable.
        (
            "BEGIN SELECT x.i FROM a x; SELECT x.j FROM b x; END",
            vec![],
        ),
        ("SELECT x.i FROM (SELECT 1 AS i) x", vec![]),
        ("WITH c AS (SELECT 1 AS i) SELECT c.i FROM c", vec![]),
        ("SET r.field = 1", vec![]),
        ("SELECT z.i FROM a", vec![]),
    ] {
        assert_eq!(columns(body), expected, "{body}");
    }
}

#[test]
fn new_and_old_are_found_in_any_spelling() {
    let found = references(
        "BEGIN SET NEW.a = old.b; IF `NEW`.`c` <=> 1 THEN SET @x = Old.`d e`; END IF; END",
    );
    let columns: Vec<&String> = found.new_old_columns.iter().collect();
    assert_eq!(columns, ["a", "b", "c", "d e"]);
    assert_eq!(found.columns.len(), 0);
}

#[test]
fn quotes_follow_the_sql_mode() {
    let ansi = SqlModes {
        ansi_quotes: true,
        no_backslash_escapes: false,
    };
    let body = r#"SELECT "a"."i" FROM "a""#;
    assert_eq!(of(body, ansi).tables.len(), 1);
    assert_eq!(of(body, SqlModes::default()).tables.len(), 0);
}

#[test]
fn a_column_qualified_by_database_and_table_is_certain() {
    assert_eq!(columns("select `d`.`t`.`id` AS `id` from `t`"), ["d.t.id"]);
}

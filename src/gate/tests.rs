//! What passes and what does not.

use super::meaning::LONGEST_PARSED;
use super::*;
use crate::schema::sql::identifier;

fn alter(names: &[&str]) -> Meaning {
    Meaning::new(Operation::AlterTable, names.iter().copied())
}

#[test]
fn what_is_meant_passes() {
    let name = "a`; DROP TABLE b; -- */ '\n\"é漢";
    let statement = format!("ALTER TABLE {} DROP KEY `k`", identifier(name));
    assert_eq!(alter(&[name, "k"]).pass(statement.clone()), Ok(statement));
    // Syntax that the parser does not know.
    let statement =
        "ALTER TABLE `t` ADD KEY `k` (`a`) USING HASH COMMENT 'y; z', ALGORITHM=INPLACE";
    assert!(alter(&["t", "k", "a"]).pass(statement.to_owned()).is_ok());
}

#[test]
fn a_name_that_is_not_quoted_is_noticed_whatever_it_makes_of_the_statement() {
    // As a generator would write that puts names between backquotes as they are.
    for name in [
        "a`; DROP TABLE `b",
        "a` DROP KEY `k`, DROP KEY `x",
        "a` /*",
        "a` -- ",
        "a`",
        "a\0b",
        "`",
        "😀",
    ] {
        let statement = format!("ALTER TABLE `{name}` DROP KEY `k`");
        let judged = alter(&[name, "k"]).pass(statement);
        assert!(judged.is_err(), "{name}: {judged:?}");
    }
}

#[test]
fn another_operation_another_name_and_a_second_statement_do_not_pass() {
    let problem = |statement: &str| {
        alter(&["t"])
            .pass(statement.to_owned())
            .map_err(|blocked| blocked.problem)
    };
    let other = Err(Problem::OtherOperation(Operation::AlterTable));
    assert_eq!(problem("DROP TABLE `t`"), other);
    assert_eq!(problem("ALTER DATABASE `t` CHARACTER SET utf8"), other);
    assert_eq!(
        problem("ALTER TABLE `t` ENGINE=InnoDB; SELECT 1"),
        Err(Problem::NotOne)
    );
    assert_eq!(
        problem("ALTER TABLE `t` ENGINE=InnoDB /* x */"),
        Err(Problem::Comment)
    );
    assert_eq!(
        problem("ALTER TABLE `T` ENGINE=InnoDB"),
        Err(Problem::OtherNames {
            missing: vec!["t".to_owned()],
            unexpected: vec!["T".to_owned()]
        })
    );
    assert_eq!(
        problem("ALTER TABLE `t` ADD CHECK (1"),
        Err(Problem::Parentheses)
    );
    assert!(matches!(
        problem("ALTER TABLE `t` COMMENT 'x"),
        Err(Problem::Unreadable(_))
    ));
}

#[test]
fn a_statement_of_a_journal_has_to_be_about_its_table() {
    let meaning = Meaning::of_table(Operation::Insert, "a`b");
    assert!(
        meaning
            .pass("INSERT INTO `a``b` (`x`) VALUES (1)".into())
            .is_ok()
    );
    assert!(
        meaning
            .pass("INSERT INTO `a` (`x`) VALUES (1)".into())
            .is_err()
    );
    assert!(
        meaning
            .pass("INSERT INTO `a``b` (`x`) VALUES (1); DROP TABLE t".into())
            .is_err()
    );
}

#[test]
fn a_statement_about_rows_holds_names_and_constants_alone() {
    use Operation::{Insert, Select, Update};
    for (operation, statement) in [
        (
            Insert,
            "INSERT INTO `t` (`id`, `a``(`) VALUES (1, 'x''; DROP \\' (1)'), (-2.5e3, NULL), (0xff, X'00')",
        ),
        (
            Update,
            "UPDATE `t` SET `a` = CASE WHEN `id` = 1 THEN 'x' WHEN `id` = 2 THEN NULL END, `b` = `b` \
             WHERE `id` IN (1, 2) AND `a` IS NULL",
        ),
        (
            Update,
            "UPDATE `t` SET `a` = CASE WHEN (`k`, `l`) = (1, 2) THEN 3 END WHERE (`k`, `l`) IN ((1, 2))",
        ),
        (
            Select,
            "SELECT COUNT(*) FROM `t` WHERE `id` IN (1, 2) AND `a` IS NOT NULL",
        ),
        (
            Select,
            "SELECT `k`, `l` FROM `t` WHERE (`k`, `l`) IN ((1, 'x'))",
        ),
    ] {
        let passed = rows_alone(operation, "t", statement.to_owned());
        assert!(passed.is_ok(), "{statement}: {passed:?}");
    }
    for (operation, statement) in [
        (Insert, "INSERT INTO `t` (`id`) VALUES (`f`(1))"),
        (Insert, "INSERT INTO `t` (`id`) VALUES (f(1))"),
        (
            Insert,
            "INSERT INTO `t` (`id`) VALUES (LOAD_FILE('/etc/passwd'))",
        ),
        (
            Insert,
            "INSERT INTO `t` (`id`) VALUES (1) ON DUPLICATE KEY UPDATE `id` = 2",
        ),
        (Insert, "INSERT INTO `t` (`id`) SELECT `id` FROM `u`"),
        (Insert, "INSERT INTO `t` (`id`) VALUES ((SELECT 1))"),
        (Insert, "INSERT INTO `mysql`.`t` (`id`) VALUES (1)"),
        (Insert, "INSERT INTO `u` (`id`) VALUES (1)"),
        (Insert, "INSERT INTO `t` (`id`) VALUES (1); DROP TABLE `t`"),
        (
            Insert,
            "INSERT INTO `t` (`id`) VALUES (1) /*!50000 , (2) */",
        ),
        (Update, "UPDATE `t` SET `a` = @@version WHERE `id` = 1"),
        (Update, "UPDATE `t` SET `a` = @x := 1 WHERE `id` = 1"),
        (Update, "UPDATE `t`, `u` SET `a` = 1 WHERE `id` = 1"),
        (Update, "UPDATE `t` SET `a` = `f` (1) WHERE `id` = 1"),
        (Update, "UPDATE `t` SET `a` = version(1) WHERE `id` = 1"),
        (Select, "SELECT COUNT(*) FROM `t` JOIN `u` WHERE `id` = 1"),
        (Select, "SELECT COUNT(*) FROM `t`, `u` WHERE `id` = 1"),
        (Select, "SELECT `f`(1) FROM `t` WHERE `id` = 1"),
        (Select, "SELECT SLEEP(9) FROM `t` WHERE `id` = 1"),
        (
            Select,
            "SELECT COUNT(*) FROM `t` WHERE `id` IN (SELECT 1 FROM `t`)",
        ),
        (Select, "SELECT COUNT(*) FROM `u` WHERE `id` = 1"),
        (Select, "DROP TABLE `t`"),
    ] {
        let passed = rows_alone(operation, "t", statement.to_owned());
        assert!(passed.is_err(), "{statement}");
    }
}

#[test]
fn a_statement_that_does_not_pass_is_named_safely() {
    let statement = "ALTER TABLE `a\u{1b}[2J` DROP KEY `x`\n, DROP KEY `y`".to_owned();
    let blocked = alter(&["a", "x"]).pass(statement).expect_err("other names");
    insta::assert_snapshot!(blocked, @r"a statement is not what it is meant to be (it names `a\u{1b}[2J`, `y` instead of `a`), so it is neither printed nor run: ALTER TABLE `a\u{1b}[2J` DROP KEY `x` , DROP KEY `y`");
}

#[test]
fn a_long_statement_is_judged_by_its_words_and_else_by_its_syntax() {
    let insert = Meaning::new(Operation::Insert, ["t", "a"]);
    let row = format!(
        "({})",
        crate::schema::sql::string("a'); DROP TABLE `t` -- \\")
    );
    let statement = |rows: &[&str]| format!("INSERT INTO `t` (`a`) VALUES {}", rows.join(", "));
    let rows = vec![row.as_str(); 5000];
    assert!(statement(&rows).len() > LONGEST_PARSED);
    assert!(insert.pass(statement(&rows)).is_ok());
    let other = [&rows[..], &["(NOW())"]].concat();
    assert!(insert.pass(statement(&other)).is_ok());
    for bad in [
        "('a'); DROP TABLE `t`",
        "('a'), DROP TABLE `t`",
        "('a') -- '",
        "('a'",
    ] {
        let rows = [&rows[..], &[bad]].concat();
        assert!(insert.pass(statement(&rows)).is_err(), "{bad}");
    }
}

#[test]
fn what_a_server_printed_has_to_hold_at_least_what_is_known_of_it() {
    let meaning = Meaning::new(Operation::CreateTable, ["t", "a"]).at_least("t");
    let pass = |statement: &str| {
        meaning
            .pass(statement.to_owned())
            .map_err(|blocked| blocked.problem)
    };
    assert!(pass("CREATE TABLE `t` (`a` int, `b` int)").is_ok());
    let missing = |names: &[&str]| {
        Err(Problem::OtherNames {
            missing: names.iter().map(|&name| name.to_owned()).collect(),
            unexpected: Vec::new(),
        })
    };
    assert_eq!(pass("CREATE TABLE `t` (`b` int)"), missing(&["a"]));
    assert_eq!(pass("CREATE TABLE `a` (`t` int)"), missing(&["t"]));
}

#[test]
fn a_pattern_that_a_server_would_cut_does_not_pass_but_a_long_account_does() {
    let (long, account) = ("a".repeat(65), "b".repeat(100));
    let grant = |on: &str| {
        let meaning = Meaning::new(Operation::Grant, [on, &account]);
        meaning.pass(format!("GRANT SELECT ON `{on}`.* TO `{account}`"))
    };
    assert!(grant(&long[1..]).is_ok());
    let blocked = grant(&long).expect_err("too long");
    assert_eq!(blocked.problem, Problem::TooLong(long));
}

#[test]
fn settings_and_the_current_database_pass() {
    for (operation, names, statement) in [
        (Operation::Use, vec!["a`b"], "USE `a``b`"),
        (
            Operation::SetSession,
            vec![],
            "SET SESSION sql_mode = 'a,b'",
        ),
        (
            Operation::AlterDatabase,
            vec!["d"],
            "ALTER DATABASE `d` CHARACTER SET utf8mb4",
        ),
        (
            Operation::SetDefaultRole,
            vec!["r", "u", "h"],
            "SET DEFAULT ROLE `r` FOR `u`@`h`",
        ),
    ] {
        let passed = Meaning::new(operation, names).pass(statement.to_owned());
        assert!(passed.is_ok(), "{passed:?}");
        let other = Meaning::new(Operation::Select, [""; 0]).pass(statement.to_owned());
        assert!(other.is_err(), "{statement}");
    }
}

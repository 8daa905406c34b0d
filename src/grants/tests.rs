use std::collections::BTreeSet;

use super::*;
use crate::civicrm::privileges::{
    BackupFacts, UpgradeFacts, needed_for_backup, needed_for_upgrade,
};
use crate::civicrm::release::Version;
use crate::grants::need::{Instead, Scope};
use crate::privilege::Privilege;
use crate::server_version::ServerVersion;

const MARIADB: &str = "mariadb-10.11";
const MYSQL: &str = "mysql-9.7";

fn rules(server: &str) -> Rules {
    Rules::of(ServerVersion::parse_target(server).expect("a server"))
}

/// Reads a text of which every line has to be understood.
fn read(text: &str) -> Grants {
    let grants = Grants::parse(text);
    assert_eq!(grants.unread, [], "{text}");
    grants
}

fn whole(text: &str, database: &str, rules: &Rules) -> String {
    names(&read(text).on_database(database, rules).whole)
}

fn names(privileges: &BTreeSet<Privilege>) -> String {
    let names: Vec<&str> = privileges.iter().map(|one| one.name()).collect();
    names.join(", ")
}

fn upgrade(text: &str, database: &str, rules: &Rules, facts: &UpgradeFacts) -> Verdict {
    let target = Version::parse("5.81.2").expect("a release");
    let needs = needed_for_upgrade(&target, &rules.server, facts);
    judge(needs, &read(text), database, rules)
}

fn statements(verdict: &Verdict) -> Vec<&str> {
    let fixes = verdict.fixes.iter();
    fixes.map(|fix| fix.statement.as_str()).collect()
}

#[test]
fn the_same_grants_are_read_from_every_way_to_paste_them() {
    let plain = "GRANT USAGE ON *.* TO `civi`@`localhost`\n\
                 GRANT SELECT, LOCK TABLES ON `civi\\_site`.* TO `civi`@`localhost` WITH GRANT OPTION\n";
    let expected = read(plain);
    assert_eq!(expected.granted.len(), 2);
    let lines: Vec<&str> = plain.lines().collect();
    let semicolons = plain.replace('\n', ";\n");
    let table = format!(
        "mysql> show grants;\n+-----+\n| Grants for civi@localhost |\n+-----+\n| {} |\n| {}   |\n+-----+\n\
         2 rows in set (0.00 sec)\n\nmysql> ",
        lines[0], lines[1]
    );
    let vertical = format!(
        "MariaDB [(none)]> SHOW GRANTS FOR CURRENT_USER\\G\n*************************** 1. row ***\n\
         Grants for civi@localhost: {}\n*************************** 2. row ***\n\
         Grants for civi@localhost: {}\n2 rows in set (0.001 sec)\n",
        lines[0], lines[1]
    );
    for text in [
        plain.replace('\n', "\r\n"),
        format!("\u{feff}{plain}"),
        format!("-- from the old host\n\n# root\n/* pasted */\nGrants for civi@localhost\n{plain}"),
        plain.replace('\n', "; "),
        semicolons.replace('\n', ""),
        semicolons,
        table,
        vertical,
        // The client's batch mode doubles backslashes.
        plain.replace("\\_", "\\\\_"),
        // Wrapped by a mail program, once right before GRANT OPTION.
        plain
            .replace(" TABLES ON", "\nTABLES\nON")
            .replace("WITH GRANT", "WITH\nGRANT"),
        plain.to_lowercase(),
        plain.replace('`', "\""),
        plain.replace('`', "'"),
        plain.replace("`civi`@`localhost`", "civi@localhost"),
    ] {
        assert_eq!(read(&text), expected, "{text}");
    }
}

#[test]
fn what_proves_who_somebody_is_is_read_over_and_not_kept() {
    for text in [
        "GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' IDENTIFIED BY PASSWORD '*94BD' WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA mysql_native_password USING \
         '*94BD' OR unix_socket WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' IDENTIFIED WITH 'sha256_password' AS '*94BD' \
         WITH GRANT OPTION MAX_QUERIES_PER_HOUR 3",
        "GRANT ALL ON *.* TO root@localhost IDENTIFIED BY '*94BD' WITH MAX_USER_CONNECTIONS 3 GRANT OPTION;",
    ] {
        let grants = read(text);
        assert!(!format!("{grants:?}").contains("94BD"), "{text}");
        assert_eq!(grants.account, Some(Grantee::new("root", "localhost")));
        let [grant] = grants.granted.as_slice() else {
            panic!("{text}");
        };
        assert!(grant.given == GivenPrivileges::All, "{text}");
    }
}

#[test]
fn each_form_of_require_is_read_over() {
    for require in [
        "REQUIRE SSL",
        "REQUIRE X509 WITH MAX_QUERIES_PER_HOUR 3",
        "REQUIRE ISSUER 'x' SUBJECT 'y'",
        "REQUIRE CIPHER 'z'",
        "REQUIRE NONE",
        "",
    ] {
        let text = format!("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*D8' {require}");
        assert_eq!(read(&text).granted.len(), 1, "{text}");
    }
}

#[test]
fn lines_that_cannot_be_read_are_named_and_the_others_read() {
    let grants = Grants::parse(
        "GRANT SELECT ON `a`.* TO `u`@`%`\nhello\n\nmysql -psecret -e 'x'\nGRANT SELECT ON `a` TO `u`@`%`\n\
         GRANT SELECT (`a`) ON `b`.* TO `u`@`%`\nSET PASSWORD = 'secret'\nGRANT INSERT ON `a`.* TO `u`@`%`\n\
         REVOKE INSERT ON *.* FROM `u`@`%`\nGRANT SELECT ON `a`.* TO `u`@`%",
    );
    let lines: Vec<usize> = grants.unread.iter().map(|unread| unread.line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 9, 10]);
    assert_eq!(
        grants.unread.first().map(ToString::to_string).as_deref(),
        Some("line 2 is not a GRANT, REVOKE or SET DEFAULT ROLE")
    );
    assert!(!format!("{grants:?}").contains("secret"));
    assert_eq!(grants.granted.len(), 2);
    assert_eq!(Grants::parse(""), Grants::default());
}

#[test]
fn names_may_hold_anything() {
    let grants = read("GRANT ALL PRIVILEGES ON `o``x \"y\"; ON`.* TO `TO 'me``you`@`10.0.%`");
    let account = grants.account.expect("an account");
    assert_eq!(account, Grantee::new("TO 'me`you", "10.0.%"));
    assert_eq!(account.to_string(), "`TO 'me``you`@`10.0.%`");
    let on = &grants.granted.first().expect("a grant").on;
    assert_eq!(*on, Object::Database("o`x \"y\"; ON".to_owned()));
}

#[test]
fn anonymous_accounts_proxies_and_privileges_of_later_servers_are_read() {
    let grants = read(
        "GRANT USAGE ON *.* TO ``@`localhost`\nGRANT PROXY ON 'a'@'%' TO ''@'localhost' WITH GRANT OPTION\n\
         GRANT AUDIT_ADMIN,SHOW_ROUTINE,NEW_POWER ON *.* TO ``@`localhost`",
    );
    assert_eq!(grants.account, Some(Grantee::new("", "localhost")));
    assert_eq!(whole_global(&grants), "SHOW_ROUTINE");
}

fn whole_global(grants: &Grants) -> String {
    names(&grants.on_database("x", &rules(MYSQL)).global)
}

#[test]
fn a_role_counts_when_it_is_on_and_its_own_roles_with_it() {
    let text = "GRANT `r_outer` TO `u`@`localhost` WITH ADMIN OPTION\nGRANT USAGE ON *.* TO `u`@`localhost`\n\
                GRANT `r_in` TO `r_outer`\nGRANT USAGE ON *.* TO `r_outer`\nGRANT SELECT ON `a`.* TO `r_in`\n";
    let rules = rules(MARIADB);
    let seen = |text: &str| whole(text, "a", &rules);
    assert_eq!(seen(text), "");
    let default = format!("{text}SET DEFAULT ROLE `r_outer` FOR `u`@`localhost`\n");
    assert_eq!(seen(&default), "SELECT");
    assert_eq!(
        seen(&format!(
            "{text}SET DEFAULT ROLE NONE FOR `u`@`localhost`\n"
        )),
        ""
    );
    // The session knows better than the default.
    for (answer, expected) in [(Some("r_outer"), "SELECT"), (Some("NONE"), ""), (None, "")] {
        let grants = read(&default).with_current_role(answer);
        assert_eq!(names(&grants.on_database("a", &rules).whole), expected);
    }
    assert_eq!(
        read(text)
            .with_current_role(Some("`r_a`@`%`,`r b`@`%`"))
            .active_roles,
        Some(vec![Grantee::new("r_a", "%"), Grantee::new("r b", "%")])
    );
}

#[test]
fn roles_that_have_each_other_end_somewhere() {
    let text = "GRANT `a` TO `u`@`%`\nGRANT `b` TO `a`\nGRANT `a` TO `b`\nSET DEFAULT ROLE `a` FOR `u`@`%`\n\
                GRANT SELECT ON `x`.* TO `b`";
    assert_eq!(whole(text, "x", &rules(MARIADB)), "SELECT");
}

#[test]
fn everyone_has_what_public_has() {
    let text = "GRANT USAGE ON *.* TO `u`@`%`\nGRANT SELECT ON `a`.* TO PUBLIC";
    assert_eq!(whole(text, "a", &rules(MARIADB)), "SELECT");
}

#[test]
fn one_row_counts_and_it_is_the_most_specific_one() {
    let pick = |rows: [&str; 2], database: &str, server: &str| {
        let [select, insert] = rows;
        let text =
            format!("GRANT SELECT ON `{select}`.* TO u@h\nGRANT INSERT ON `{insert}`.* TO u@h");
        whole(&text, database, &rules(server))
    };
    for (rows, database, mysql, mariadb) in [
        (["civi%", "civi\\_site"], "civi_site", "INSERT", "INSERT"),
        (["civi%", "civi\\_site"], "civi_log", "SELECT", "SELECT"),
        (["civi%", "%"], "civi_site", "SELECT", "SELECT"),
        (["civi\\_%", "civi_%"], "civi_site", "SELECT", "SELECT"),
        (["civi\\_%", "civi_%"], "civixsite", "INSERT", "INSERT"),
        // Equally far to the first wildcard: MySQL takes any, MariaDB the one that matches less.
        (["civi%", "civi_site"], "civi_site", "", "INSERT"),
        (["civ%", "%vi\\_site"], "civi_site", "SELECT", "INSERT"),
        (["civ%e", "civ%"], "civi_site", "", "SELECT"),
        (["a%b%c", "z%"], "a1b2c", "SELECT", "SELECT"),
        (["a%b%c", "z%"], "a1b2cd", "", ""),
        (["%", "Civi\\_site"], "civi_site", "SELECT", "SELECT"),
        (["civi\\%", "x"], "civi%", "SELECT", "SELECT"),
        (["civi\\%", "x"], "civis", "", ""),
    ] {
        assert_eq!(
            pick(rows, database, MYSQL),
            mysql,
            "{rows:?} {database} on MySQL"
        );
        assert_eq!(
            pick(rows, database, MARIADB),
            mariadb,
            "{rows:?} {database} on MariaDB"
        );
    }
}

#[test]
fn letter_case_of_databases_counts_unless_the_server_says_not() {
    let text = "GRANT SELECT ON `CiVi\\_%`.* TO u@h";
    let mut rules = rules(MYSQL);
    assert_eq!(whole(text, "civi_site", &rules), "");
    rules.ignore_case = true;
    assert_eq!(whole(text, "civi_Site", &rules), "SELECT");
}

#[test]
fn with_partial_revokes_names_are_names_and_what_is_revoked_is_gone() {
    let mut rules = rules(MYSQL);
    rules.partial_revokes = true;
    for (pattern, expected) in [("civi_site", "SELECT"), ("civi\\_site", ""), ("civi%", "")] {
        let text = format!("GRANT SELECT ON `{pattern}`.* TO u@h");
        assert_eq!(whole(&text, "civi_site", &rules), expected, "{pattern}");
    }
    let text =
        "GRANT SELECT, INSERT ON *.* TO `u`@`h`\nREVOKE INSERT ON `civi_site`.* FROM `u`@`h`";
    assert_eq!(whole(text, "civi_site", &rules), "SELECT");
    assert_eq!(whole(text, "civixsite", &rules), "SELECT, INSERT");
    // A REVOKE in the text says that the variable is on.
    let escaped = format!("{text}\nGRANT DELETE ON `civi\\_site`.* TO `u`@`h`");
    assert_eq!(whole(&escaped, "civi_site", &self::rules(MYSQL)), "SELECT");
}

#[test]
fn parts_of_a_database_are_told_apart_from_all_of_it() {
    let text = "GRANT SELECT (`id`, `name`), UPDATE (`name`) ON `a`.`t` TO `u`@`h`\n\
                GRANT INSERT ON `a`.`s` TO `u`@`h`\nGRANT EXECUTE ON FUNCTION `a`.`f` TO `u`@`h`\n\
                GRANT DELETE ON `b`.`s` TO `u`@`h`";
    let there = read(text).on_database("a", &rules(MARIADB));
    assert!(there.whole.is_empty());
    let shown: Vec<String> = there
        .partly
        .iter()
        .flat_map(|(privilege, places)| {
            places
                .iter()
                .map(move |place| format!("{privilege}: {place}"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "SELECT: columns id, name of table t",
            "INSERT: table s",
            "UPDATE: columns name of table t",
            "EXECUTE: routine f"
        ]
    );
    let verdict = upgrade(text, "a", &rules(MARIADB), &UpgradeFacts::default());
    let select = verdict.missing.first().expect("SELECT is missing");
    assert_eq!(select.only_on.len(), 1);
}

#[test]
fn statements_name_account_and_database_quoted_and_escaped() {
    let facts = UpgradeFacts::default();
    let text = "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, \
                LOCK TABLES, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE ON `ci``vi\\_%`.* TO `o'x``y`@`%`";
    // The pattern's privileges come along: the new row hides it.
    let verdict = upgrade(text, "ci`vi_50%", &rules(MARIADB), &facts);
    assert_eq!(
        statements(&verdict),
        [
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, CREATE TEMPORARY TABLES, \
          LOCK TABLES, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER ON `ci``vi\\_50\\%`.* TO `o'x``y`@`%`"
        ]
    );
    // A row for the database itself is kept as it is written.
    for row in ["ci_vi", "ci\\_vi"] {
        let text = text.replace("ci``vi\\_%", row);
        let verdict = upgrade(&text, "ci_vi", &rules(MYSQL), &facts);
        let expected = format!("GRANT REFERENCES, TRIGGER ON `{row}`.* TO `o'x``y`@`%`");
        assert_eq!(statements(&verdict), [expected.as_str()]);
        assert!(!verdict.is_enough());
    }
    let mut partial = rules(MYSQL);
    partial.partial_revokes = true;
    let verdict = upgrade("GRANT ALL ON `x`.* TO u@h", "ci_vi", &partial, &facts);
    assert!(statements(&verdict)[0].ends_with(" ON `ci_vi`.* TO `u`@`h`"));
}

#[test]
fn binary_logging_is_met_by_super_alone_or_by_a_variable() {
    let facts = UpgradeFacts {
        binary_logging: true,
        ..UpgradeFacts::default()
    };
    let text = "GRANT BINLOG ADMIN, SET USER ON *.* TO u@h\nGRANT ALL PRIVILEGES ON `a`.* TO u@h";
    let verdict = upgrade(text, "a", &rules(MARIADB), &facts);
    let [fix] = verdict.fixes.as_slice() else {
        panic!("{:?}", verdict.fixes);
    };
    assert_eq!(fix.statement, "GRANT SUPER ON *.* TO `u`@`h`");
    let variable = Instead::Variable("log_bin_trust_function_creators", "1");
    assert_eq!(fix.instead, Some(variable));
    let with_super = text.replace("BINLOG ADMIN", "SUPER");
    assert!(upgrade(&with_super, "a", &rules(MARIADB), &facts).is_enough());
    let trusting = UpgradeFacts {
        trusts_function_creators: true,
        ..facts
    };
    assert!(upgrade(text, "a", &rules(MARIADB), &trusting).is_enough());
}

#[test]
fn a_role_that_is_off_is_hinted_at_when_it_would_help() {
    let facts = UpgradeFacts::default();
    let text =
        "GRANT `r_all` TO `u`@`h`\nGRANT `r_log` TO `u`@`h`\nGRANT USAGE ON *.* TO `u`@`h`\n";
    let hints = |text: &str, server: &str, current: Option<&str>| {
        let target = Version::parse("5.81.2").expect("a release");
        let rules = rules(server);
        let needs = needed_for_upgrade(&target, &rules.server, &facts);
        let grants = read(text).with_current_role(current);
        judge(needs, &grants, "a", &rules).roles
    };
    // Their privileges are not shown: both may help.
    let unknown = hints(text, MARIADB, None);
    assert_eq!(unknown.len(), 2);
    assert!(unknown.iter().all(|hint| hint.adds.is_none()));
    let shown =
        format!("{text}GRANT ALL PRIVILEGES ON `a`.* TO `r_all`\nGRANT SELECT ON `l`.* TO `r_log`");
    let known = hints(&shown, MARIADB, None);
    let [hint] = known.as_slice() else {
        panic!("{known:?}");
    };
    assert_eq!(hint.statement, "SET DEFAULT ROLE `r_all` FOR `u`@`h`");
    assert_eq!(hint.adds.as_ref().map(BTreeSet::len), Some(14));
    // MySQL's statement keeps the role that is on.
    let mysql = text
        .replace("r_all`", "r_all`@`%`")
        .replace("r_log`", "r_log`@`%`");
    let hint = hints(&mysql, MYSQL, Some("`r_log`@`%`"));
    assert_eq!(
        hint.first().map(|hint| hint.statement.as_str()),
        Some("SET DEFAULT ROLE `r_log`@`%`, `r_all`@`%` TO `u`@`h`")
    );
    let enough = format!("{text}GRANT ALL PRIVILEGES ON `a`.* TO `u`@`h`");
    assert_eq!(hints(&enough, MARIADB, None), []);
}

#[test]
fn a_backup_without_the_right_to_read_routines_is_not_whole() {
    let facts = BackupFacts {
        views: true,
        triggers: true,
        routines_of_others: true,
        events: true,
        ..BackupFacts::default()
    };
    let judged = |text: &str, server: &str| {
        let rules = rules(server);
        judge(
            needed_for_backup(&rules.server, &facts),
            &read(text),
            "a",
            &rules,
        )
    };
    let all = "GRANT ALL PRIVILEGES ON `a`.* TO u@h";
    assert!(judged(all, "mariadb-11.8").is_enough());
    for (server, expected) in [
        (
            "mariadb-10.5",
            vec!["GRANT SELECT ON `mysql`.`proc` TO `u`@`h`"],
        ),
        (
            "mysql-5.7.20",
            vec!["GRANT SELECT ON `mysql`.`proc` TO `u`@`h`"],
        ),
        (
            MYSQL,
            vec![
                "GRANT SHOW_ROUTINE ON *.* TO `u`@`h`",
                "GRANT PROCESS ON *.* TO `u`@`h`",
            ],
        ),
    ] {
        let verdict = judged(all, server);
        assert!(!verdict.is_enough());
        assert_eq!(statements(&verdict), expected, "{server}");
    }
    for enough in [
        "GRANT SELECT ON *.* TO u@h",
        "GRANT SELECT ON `mysql`.`proc` TO u@h",
        "GRANT SELECT ON `mysql`.* TO u@h",
    ] {
        assert!(
            judged(&format!("{all}\n{enough}"), "mariadb-10.5").is_enough(),
            "{enough}"
        );
    }
    // What is only advised does not fail the verdict.
    let verdict = judged(&format!("{all}\nGRANT SHOW_ROUTINE ON *.* TO u@h"), MYSQL);
    assert!(verdict.is_enough() && verdict.missing.len() == 1);
    assert_eq!(
        verdict.fixes.first().and_then(|fix| fix.instead.clone()),
        Some(Instead::DumpOption("--no-tablespaces"))
    );
}

#[test]
fn without_an_account_everything_is_missing_and_nothing_can_be_granted() {
    let verdict = upgrade("", "a", &rules(MARIADB), &UpgradeFacts::default());
    assert!(verdict.met.is_empty() && verdict.fixes.is_empty() && !verdict.missing.is_empty());
    let on = &verdict
        .missing
        .first()
        .expect("one")
        .need
        .any_of
        .first()
        .expect("one")
        .on;
    assert_eq!(*on, Scope::Database);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_named(text in "(GRANT |REVOKE |SET DEFAULT ROLE |ON |TO |[a-z`'\"@.,*;()\\\\%|\n ]|\\PC){0,60}") {
        let grants = Grants::parse(&text);
        let lines = text.lines().count();
        proptest::prop_assert!(grants.unread.iter().all(|unread| (1..=lines).contains(&unread.line)));
        grants.on_database(&text, &rules(MARIADB));
        grants.on_database("a", &rules(MYSQL));
    }
}

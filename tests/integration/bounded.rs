//! Whatever comes, memory is bounded, and what is left out is said.

use std::fs;
use std::process::{Command, Output};

use crate::common::{json, text};

/// Runs a command on a dump with 1.5 GiB of address space, of which a thread takes some as well.
fn cividb(dump: &[u8], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("dump.sql"), dump).expect("it is written");
    Command::new("sh")
        .args(["-c", "ulimit -v 1572864; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_cividb"))
        .args(arguments)
        .args(["--format", "json", "--no-progress", "dump.sql"])
        .current_dir(folder.path())
        .output()
        .expect("a shell runs")
}

const HEAD: &str =
    "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n-- Server version\t5.7.37\n";
const TAIL: &str = "-- Dump completed on 2025-05-01  2:00:07\n";

fn dump(statements: &str) -> Vec<u8> {
    format!("{HEAD}{statements}{TAIL}").into_bytes()
}

#[test]
fn a_site_with_too_many_languages_is_looked_at_as_far_as_real_sites_go() {
    let locales: Vec<String> = (0..150_000).map(|number| format!("l{number}_XX")).collect();
    let dump = dump(&format!(
        "CREATE TABLE civicrm_domain (id int, name varchar(64), version varchar(32), locales text);\n\
         INSERT INTO civicrm_domain VALUES (1,'a','5.81.2','{}');\n\
         CREATE TABLE civicrm_contact (id int);\n",
        locales.join("\u{1}")
    ));
    for command in ["check", "diff"] {
        let output = cividb(&dump, &[command]);
        assert!(
            output.status.code().is_some(),
            "{command}: {}",
            text(&output.stderr)
        );
    }
    let report = json(&cividb(&dump, &["check"]));
    let skipped = report["not_checked"].as_array().expect("a list");
    let says = |it: &serde_json::Value| {
        let why = it["why"].as_str().unwrap_or_default();
        why.contains("too many languages: 149,800 languages not looked at")
    };
    assert!(skipped.iter().any(says), "{skipped:#?}");
}

#[test]
fn a_table_has_no_more_columns_and_keys_than_servers_take() {
    let mut statements = "CREATE TABLE `a` (`id` int);\n".to_owned();
    for statement in 0..10 {
        let columns: Vec<String> = (0..20_000)
            .map(|number| format!("ADD c{statement}_{number} int"))
            .collect();
        statements += &format!("ALTER TABLE `a` {};\n", columns.join(","));
        let keys: Vec<String> = (0..20_000).map(|_| "ADD KEY (`id`)".to_owned()).collect();
        statements += &format!("ALTER TABLE `a` {};\n", keys.join(","));
    }
    let output = cividb(&dump(&statements), &["verify"]);
    let report = json(&output);
    let findings = report["findings"].to_string();
    assert!(findings.contains("full number of columns"), "{findings}");
}

#[test]
fn definitions_beyond_what_is_kept_are_named() {
    let filler = "x".repeat(1 << 19);
    let mut statements = String::new();
    for number in 0..280 {
        statements += &format!("CREATE TABLE `t{number}` (`id` int COMMENT '{filler}');\n");
    }
    let output = cividb(&dump(&statements), &["check"]);
    let report = json(&output);
    let findings = report["findings"].to_string();
    assert!(
        findings.contains("takes more than 128 MiB by here"),
        "{findings:.500}"
    );
}

/// Each of these short statements defines as much as the long one.
#[test]
fn tables_that_are_like_a_large_one_count_as_much_as_that() {
    let columns: Vec<String> = (0..3000)
        .map(|number| format!("`column_{number}` int"))
        .collect();
    let mut statements = format!("CREATE TABLE `t` ({});\n", columns.join(","));
    for number in 0..3000 {
        statements += &format!("CREATE TABLE `t{number}` LIKE `t`;\n");
    }
    let report = json(&cividb(&dump(&statements), &["verify"]));
    let findings = report["findings"].to_string();
    assert!(
        findings.contains("takes more than 128 MiB by here"),
        "{findings:.500}"
    );
}

#[test]
fn databases_beyond_what_is_kept_are_named() {
    let mut statements = String::new();
    for number in 0..10_100 {
        statements +=
            &format!("USE `d{number}`;\nCREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n");
    }
    let report = json(&cividb(&dump(&statements), &["verify", "--no-civicrm"]));
    let findings = report["findings"].to_string();
    assert!(
        findings.contains("more than 10000 databases by here"),
        "{findings:.500}"
    );
    assert!(!findings.contains("parent"), "{findings:.500}");
}

/// A mode of sql_mode is kept with each trigger.
#[test]
fn what_is_kept_with_each_trigger_counts_with_each() {
    let modes = "x".repeat(1 << 19);
    let mut statements =
        format!("SET sql_mode='{modes}';\nCREATE TABLE `t` (`id` int);\nDELIMITER ;;\n");
    for number in 0..4000 {
        statements += &format!(
            "CREATE TRIGGER `g{number}` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.id = 1;;\n"
        );
    }
    statements += "DELIMITER ;\n";
    let output = cividb(&dump(&statements), &["verify"]);
    assert!(output.status.code().is_some(), "{}", text(&output.stderr));
}

#[test]
fn findings_beyond_what_is_kept_are_counted() {
    let mut statements = String::from("CREATE TABLE `civicrm_contact` (`id` int);\nDELIMITER ;;\n");
    for number in 0..40 {
        let calls: String = (0..20_000)
            .map(|call| format!("SET NEW.id=f{number}_{call}(1);"))
            .collect();
        statements += &format!(
            "CREATE TRIGGER `g{number}` BEFORE INSERT ON `civicrm_contact` FOR EACH ROW BEGIN {calls} END ;;\n"
        );
    }
    statements += "DELIMITER ;\n";
    let output = cividb(&dump(&statements), &["check"]);
    let report = json(&output);
    let size = output.stdout.len() >> 20;
    assert!(size < 256, "{size} MiB");
    assert_ne!(report["verdict"], "pass");
}

/// With each of them asked about each, this takes hours.
#[test]
fn a_hundred_thousand_domains_come_to_an_end() {
    let mut statements = String::from(
        "CREATE TABLE civicrm_domain (id int, name varchar(64), version varchar(32), locales text);\n\
         CREATE TABLE civicrm_contact (id int);\n",
    );
    for number in 0..100_000 {
        statements +=
            &format!("INSERT INTO civicrm_domain VALUES ({number},'n','5.{number}.x','');\n");
    }
    let output = cividb(&dump(&statements), &["version"]);
    assert!(output.status.code().is_some(), "{}", text(&output.stderr));
}

//! `cividb runbook`: the guide has nothing that it lacks, and every command in it is right to paste.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use cividb::checks::registry;
use cividb::cli::Cli;
use cividb::messages::table;
use cividb::runbook::STEPS;
use clap::Parser;
use regex::Regex;
use serde_json::Value;

use crate::common;
use crate::sample_sites::Kind::{Drupal6, Drupal7, Drupal10, Joomla, Standalone, WordPress};
use crate::sample_sites::{Kind, Site, s};
use crate::server;
use crate::settings;

/// A dump with the tables of a CMS behind its own.
fn with_cms(text: &[u8], kind: Kind, change: fn(&mut Site)) -> Vec<u8> {
    let mut site = Site::only_cms(kind);
    change(&mut site);
    let end = memchr::memmem::rfind(text, b"-- Dump completed").unwrap_or(text.len());
    let mut whole = text[..end].to_vec();
    whole.extend_from_slice(b"\n");
    whole.extend_from_slice(site.statements().as_bytes());
    whole.extend_from_slice(&text[end..]);
    whole
}

/// A new database of a release, as the reference has its schema, and one row of `civicrm_domain`.
fn bare(state: &str, version: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["reference", "show", state, "--sql"])
        .current_dir(folder.path())
        .output()
        .expect("cividb runs");
    let schema = common::text(&output.stdout);
    assert!(schema.contains("CREATE TABLE"), "{schema}");
    format!(
        "-- MySQL dump 10.13  Distrib 5.7.37, for Linux (x86_64)\n{schema}\n\
         INSERT INTO `civicrm_domain` (`id`, `name`, `version`) VALUES (1, 'Sample', '{version}');\n\
         -- Dump completed on 2025-05-01  2:00:07\n"
    )
    .into_bytes()
}

/// The front page is CiviCRM's, and modules are on.
fn busy(site: &mut Site) {
    let table = format!("{}variable", site.prefix());
    site.set(&table, ("name", "site_frontpage"), "value", &s("civicrm"));
    let package = s("CiviCRM");
    site.module("webform_civicrm", &[("package", &package)]);
    site.module("realname", &[("package", &s("Other"))]);
}

fn report(folder: &Path, arguments: &[&str]) -> Value {
    let output = common::cividb(
        folder,
        &[&["runbook", "--format", "json"], arguments].concat(),
    );
    common::json(&output)
}

/// The steps of a report, in order.
fn steps(report: &Value) -> Vec<&Value> {
    let phases = report["runbook"]["phases"].as_array().expect("phases");
    let steps = phases
        .iter()
        .map(|phase| phase["steps"].as_array().expect("steps"));
    steps.flatten().collect()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
}

/// The ids of the steps that are there, and of those that were left out.
fn ids(report: &Value) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let there = steps(report)
        .into_iter()
        .filter_map(|step| step["id"].as_str());
    let left_out = report["runbook"]["left_out"].as_array().expect("a list");
    let left_out = left_out.iter().filter_map(|it| it["id"].as_str());
    (there.collect(), left_out.collect())
}

#[test]
fn every_item_of_the_upgrade_guide_has_a_check_a_step_or_an_entry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/guide.tsv");
    let guide = fs::read_to_string(path).expect("the list");
    let entries = table::messages().expect("the table of messages");
    let messages: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let mut items = BTreeSet::new();
    for line in guide.lines().filter(|line| !line.starts_with('#')) {
        let [id, kind, name, what] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        assert!(!what.is_empty(), "{line}");
        assert!(items.insert(id.parse::<u64>().expect("a number")), "{line}");
        let is_there = match kind {
            "step" => STEPS.contains(&name),
            "check" => registry::find(name).is_some(),
            "explain" => messages.contains(name),
            "reason" => !name.is_empty(),
            _ => false,
        };
        assert!(is_there, "{line}");
    }
    assert_eq!(items, (1..=86).collect());
    // The list itself, where it is there to be compared.
    let Some(shared) = common::shared() else {
        return;
    };
    let Ok(text) = fs::read(shared.join("facts/site-checks.json")) else {
        return;
    };
    let facts: Value = serde_json::from_slice(&text).expect("JSON");
    let listed = facts["guide_items"].as_array().expect("a list").iter();
    let listed: BTreeSet<u64> = listed.filter_map(|item| item["id"].as_u64()).collect();
    assert_eq!(items, listed);
}

#[test]
fn in_the_guide_s_own_case_each_of_its_steps_is_there_or_ruled_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = with_cms(&bare("2.2", "2.2.9"), Drupal7, busy);
    fs::write(folder.path().join("site.sql"), text).expect("it is written");
    let report = report(folder.path(), &["site.sql", "--target", "4.4.21"]);
    let (there, left_out) = ids(&report);
    for id in STEPS {
        assert!(
            there.contains(id) != left_out.contains(id),
            "{id}: {there:?} {left_out:?}"
        );
    }
    let path = steps(&report)
        .into_iter()
        .find(|step| step["id"] == "path")
        .expect("it is there");
    assert!(
        path["why"]
            .as_str()
            .expect("text")
            .contains("4.1.6, then 4.4.21"),
        "{path}"
    );
    assert!(path["traps"].to_string().contains("3.3.2"), "{path}");
    // Steps of a hop stand once for each of the two.
    let of = |id: &str| {
        steps(&report)
            .iter()
            .filter(|step| step["id"] == id)
            .count()
    };
    assert_eq!(
        (of("code-exchange"), of("upgrade"), of("settings")),
        (2, 2, 2)
    );
    let front = steps(&report)
        .into_iter()
        .find(|step| step["id"] == "front-page")
        .expect("it is there");
    assert_eq!(
        front["commands"][0],
        "drush variable-set --yes site_frontpage node"
    );
    let off = steps(&report)
        .into_iter()
        .find(|step| step["id"] == "modules-off")
        .expect("it is there");
    assert_eq!(
        off["commands"][0],
        "drush pm-disable --yes webform_civicrm realname"
    );
    let on = steps(&report)
        .into_iter()
        .find(|step| step["id"] == "civicrm-on")
        .expect("it is there");
    assert_eq!(on["state"], "done");
    assert!(on["traps"].to_string().contains("Never uninstall"), "{on}");
}

/// Makes sure that a shell takes every line, and that cividb takes its own.
fn assert_can_be_pasted(report: &Value) {
    let all = steps(report);
    let names = all
        .iter()
        .find(|step| step["id"] == "names")
        .expect("it is there");
    let set: String = texts(&names["commands"])
        .map(|line| format!("{line}\n"))
        .collect();
    let mut script = format!("{set}LOG=CiviCRM.log\n");
    let mut lines = Vec::new();
    for step in &all {
        for line in texts(&step["commands"]).chain(texts(&step["check"])) {
            let is_taken = Command::new("/bin/sh")
                .args(["-n", "-c", line])
                .status()
                .expect("sh runs");
            assert!(is_taken.success(), "{line}");
            assert!(!line.contains('\n'), "{line}");
            if let Some(arguments) = line.strip_prefix("cividb ") {
                script += &format!("set -- {arguments}\nprintf '%s\\037' \"$@\"; echo\n");
                lines.push(line);
            }
        }
    }
    assert!(lines.len() > 15, "{lines:?}");
    let output = Command::new("/bin/sh")
        .args(["-c", &script])
        .output()
        .expect("sh runs");
    let printed = common::text(&output.stdout);
    assert_eq!(
        printed.lines().count(),
        lines.len(),
        "{}",
        common::text(&output.stderr)
    );
    for (words, line) in printed.lines().zip(&lines) {
        let words = words.trim_end_matches('\u{1f}').split('\u{1f}');
        let parsed = Cli::try_parse_from(std::iter::once("cividb").chain(words));
        assert!(parsed.is_ok(), "{line}: {}", parsed.expect_err("an error"));
    }
}

#[test]
fn every_command_can_be_pasted_for_every_cms_with_a_settings_file_or_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    for (kind, cms) in [
        (Drupal6, "Drupal6"),
        (Drupal7, "Drupal"),
        (Drupal10, "Drupal8"),
        (WordPress, "WordPress"),
        (Joomla, "Joomla"),
        (Standalone, "Standalone"),
    ] {
        fs::write(
            folder.join("site.sql"),
            with_cms(&common::sample(), kind, |_| {}),
        )
        .expect("it is written");
        let text = settings::healthy(cms, (5, 81));
        fs::write(folder.join("civicrm.settings.php"), text).expect("it is written");
        if kind == Drupal7 {
            assert_can_be_pasted(&report(folder, &["site.sql", "--target", "6.10.2"]));
        }
        let with = report(
            folder,
            &[
                "site.sql",
                "--target",
                "6.10.2",
                "--settings",
                "civicrm.settings.php",
            ],
        );
        assert_can_be_pasted(&with);
        let (there, left_out) = ids(&with);
        for id in STEPS {
            assert!(there.contains(id) || left_out.contains(id), "{cms}: {id}");
        }
        let known = with["runbook"]["variables"].as_array().expect("a list");
        assert!(
            known.iter().all(|variable| variable["is_known"] == true),
            "{known:?}"
        );
    }
}

#[test]
fn names_that_no_module_can_have_get_into_no_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = with_cms(&common::sample(), Drupal7, |site| {
        site.module("x; touch hacked", &[("package", &s("CiviCRM"))]);
        site.module("$(touch hacked)", &[("package", &s("CiviCRM"))]);
    });
    fs::write(folder.path().join("site.sql"), text).expect("it is written");
    let report = report(folder.path(), &["site.sql"]);
    for step in steps(&report) {
        for line in texts(&step["commands"]).chain(texts(&step["check"])) {
            assert!(!line.contains("hacked"), "{line}");
        }
    }
    assert_can_be_pasted(&report);
}

#[test]
fn a_site_reads_its_runbook_from_a_server_and_its_commands_run() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    server.load("runbook_site", &with_cms(&common::sample(), Drupal7, busy));
    let url = server.url("runbook_site");
    let report = report(folder, &[&url, "--target", "6.10.2"]);
    assert_can_be_pasted(&report);
    let mut script = "set -e\n".to_owned();
    for id in ["names", "backup", "version", "forecast"] {
        let step = steps(&report)
            .into_iter()
            .find(|step| step["id"] == id)
            .expect("it is there");
        for line in texts(&step["commands"]).chain(texts(&step["check"])) {
            // The dump was restored here for this test: the accounts of its definers are not there.
            script += &format!("echo '+' {}\n{line} || test $? -ne 2\n", id);
        }
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_cividb"))
        .parent()
        .expect("a folder");
    let path = std::env::var("PATH").expect("PATH");
    let output = Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(folder)
        .env("HOME", folder)
        .env("PATH", format!("{}:{path}", programs.display()))
        .output()
        .expect("sh runs");
    let errors = common::text(&output.stderr);
    assert!(
        output.status.success(),
        "{script}\n{errors}\n{}",
        common::text(&output.stdout)
    );
    let backup = fs::read(folder.join("civicrm-5.81.2.sql")).expect("the backup is there");
    assert!(backup.ends_with(b"\n") && memchr::memmem::find(&backup, b"dr_variable").is_some());
}

/// What a person reads, of a real dump with the tables of Drupal 7.
fn shown(dump: &str, target: &str, arguments: &[&str]) -> Option<String> {
    let dumps = common::real_dumps();
    let dump = dumps
        .iter()
        .find(|path| common::name(path).starts_with(dump))?;
    let folder = tempfile::tempdir().expect("a folder");
    let text = with_cms(&common::text_of(dump), Drupal7, busy);
    fs::write(folder.path().join("site.sql"), text).expect("it is written");
    let settings = settings::healthy("Drupal", (4, 2));
    fs::write(folder.path().join("civicrm.settings.php"), settings).expect("it is written");
    let all = [&["runbook", "site.sql", "--target", target], arguments].concat();
    let output = common::cividb(folder.path(), &all);
    assert!(
        output.status.code() != Some(2),
        "{}",
        common::text(&output.stderr)
    );
    let folder = folder.path().display().to_string();
    let text = common::text(&output.stdout).replace(&folder, "/FOLDER");
    // What the makers of the dump had for a folder is nobody's business.
    let homes = Regex::new(r"/home/[^\s;]+").expect("a pattern");
    Some(homes.replace_all(&text, "/home/…").into_owned())
}

#[test]
fn from_4_2_on_drupal_7_to_4_4() {
    if let Some(text) = shown("4.2.16", "4.4.21", &["--settings", "civicrm.settings.php"]) {
        insta::assert_snapshot!(text);
    }
}

#[test]
fn from_4_4_to_6_10_over_releases_between() {
    if let Some(text) = shown("4.4.5", "6.10.2", &[]) {
        insta::assert_snapshot!(text);
    }
}

#[test]
fn markdown_and_html_have_every_step_and_let_nothing_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = with_cms(&common::sample(), Drupal7, |site| {
        site.module(
            "<script>alert(1)</script>`*_",
            &[("package", &s("CiviCRM"))],
        );
    });
    fs::write(folder.path().join("site.sql"), text).expect("it is written");
    let printed = |format: &str| {
        let output = common::cividb(
            folder.path(),
            &[
                "runbook", "site.sql", "--target", "6.10.2", "--format", format,
            ],
        );
        common::text(&output.stdout)
    };
    let json = report(folder.path(), &["site.sql", "--target", "6.10.2"]);
    let (markdown, html) = (printed("markdown"), printed("html"));
    for step in steps(&json) {
        let id = step["id"].as_str().expect("text");
        assert!(markdown.contains(&format!("`{id}`")), "{id}");
        assert!(html.contains(&format!("<code>{id}</code>")), "{id}");
    }
    assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;alert"));
    assert!(!markdown.contains("<script>") || markdown.contains("\\<script\\>"));
}

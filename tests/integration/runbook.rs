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
use crate::sample_sites::Kind::{
    Backdrop, Drupal6, Drupal7, Drupal10, Joomla, Standalone, WordPress,
};
use crate::sample_sites::{Kind, Site, array, s};
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
        "drush variable-set --always-set --yes site_frontpage node"
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
    for (kind, cms, place) in [
        (Drupal6, "Drupal6", "sites/default"),
        (Drupal7, "Drupal", "sites/example.org"),
        (Drupal10, "Drupal8", "web/sites/default"),
        (Backdrop, "Backdrop", "."),
        (WordPress, "WordPress", "wp-content/uploads/civicrm"),
        (Joomla, "Joomla", "administrator/components/com_civicrm"),
        (Standalone, "Standalone", "private"),
    ] {
        fs::write(
            folder.join("site.sql"),
            with_cms(&common::sample(), kind, |_| {}),
        )
        .expect("it is written");
        let text = settings::healthy(cms, (5, 81));
        let file = folder.join(cms).join(place).join("civicrm.settings.php");
        fs::create_dir_all(file.parent().expect("a folder")).expect("it is made");
        fs::write(&file, text).expect("it is written");
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
                &file.display().to_string(),
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

/// A site with its settings file, which lies in a folder below `folder`, and the runbook for it from there.
fn with_settings(folder: &Path, kind: Kind, file: &str, text: &str) -> Value {
    let dump = with_cms(&common::sample(), kind, |_| {});
    fs::write(folder.join("site.sql"), dump).expect("it is written");
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
    fs::write(path, text).expect("it is written");
    let arguments = ["site.sql", "--target", "6.10.2", "--settings", file];
    report(folder, &arguments)
}

/// The commands of the steps with this id.
fn commands<'r>(report: &'r Value, id: &str) -> Vec<&'r str> {
    let steps = steps(report).into_iter().filter(|step| step["id"] == id);
    steps.flat_map(|step| texts(&step["commands"])).collect()
}

/// The first step goes to another folder than the one that the runbook was made in.
#[test]
fn a_settings_file_named_by_a_relative_path_is_found_from_every_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let file = "sites/default/civicrm.settings.php";
    let report = with_settings(folder, Drupal7, file, &settings::healthy("Drupal", (5, 81)));
    let whole = folder.join(file).display().to_string();
    for id in ["backup-files", "code-back"] {
        let lines = commands(&report, id);
        assert!(lines.iter().any(|line| line.contains(&whole)), "{lines:?}");
    }
    for step in steps(&report) {
        let lines = texts(&step["commands"]).chain(texts(&step["check"]));
        for line in lines.chain(texts(&step["how"])) {
            assert!(!line.contains(&format!(" {file}")), "{line}");
        }
    }
}

#[test]
fn the_way_back_of_wordpress_brings_the_whole_plugin() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let file = "wp-content/uploads/civicrm/civicrm.settings.php";
    let text = settings::healthy("WordPress", (5, 81));
    let report = with_settings(folder, WordPress, file, &text);
    let plugin = folder.join("wp-content/plugins/civicrm");
    let release = |name: &str| {
        fs::create_dir_all(plugin.join("civicrm")).expect("it is made");
        for file in ["civicrm.php", "civicrm/civicrm-version.php"] {
            fs::write(plugin.join(file), name).expect("it is written");
        }
    };
    let run = |id: &str, program: &str| {
        let lines = commands(&report, id);
        let lines = lines.into_iter().filter(|line| line.starts_with(program));
        for line in lines.filter(|line| !line.contains("COMPILED")) {
            let status = Command::new("/bin/sh")
                .args(["-c", line])
                .env("CODE", plugin.join("civicrm"))
                .env("ASIDE", folder.join("aside"))
                .status();
            assert!(status.expect("sh runs").success(), "{line}");
        }
    };
    release("old");
    run("backup-files", "mkdir");
    run("backup-files", "tar");
    run("code-exchange", "mv");
    assert!(!plugin.exists());
    release("new");
    run("code-back", "mv");
    run("code-back", "tar");
    for file in ["civicrm.php", "civicrm/civicrm-version.php"] {
        let text = fs::read_to_string(plugin.join(file)).expect("it is there");
        assert_eq!(text, "old", "{file}");
    }
}

#[test]
fn a_check_of_the_settings_file_is_named_once_in_a_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "<?php\ndefine('CIVICRM_UF', 'Drupal');\n\
                define('CIVICRM_UF_DSN', 'mysql://u:p@localhost/site');\n\
                define('CIVICRM_DSN', 'mysql://u:p@localhost/site');\n\
                define('CIVICRM_SITE_KEY', 'abc');\n$civicrm_root = '/var/www/civicrm/';\n";
    let file = "sites/default/civicrm.settings.php";
    let report = with_settings(folder.path(), Drupal7, file, text);
    let settings = steps(&report)
        .into_iter()
        .find(|step| step["id"] == "settings");
    let line = texts(&settings.expect("it is there")["check"])
        .next()
        .expect("a command")
        .to_owned();
    let (_, checks) = line.split_once("--only ").expect("checks");
    let all: Vec<&str> = checks.split(',').collect();
    assert!(all.len() > 1, "{line}");
    assert_eq!(
        all.len(),
        all.iter().collect::<BTreeSet<_>>().len(),
        "{line}"
    );
}

#[test]
fn the_database_of_civicrm_uf_dsn_is_not_another_one_where_civicrm_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let of = |cms: &str| {
        let text = format!(
            "<?php\ndefine('CIVICRM_UF', 'Drupal');\n\
             define('CIVICRM_UF_DSN', 'mysql://u:p@localhost/{cms}');\n\
             define('CIVICRM_DSN', 'mysql://u:p@localhost/site');\n"
        );
        fs::write(folder.join("site.sql"), common::sample()).expect("it is written");
        fs::write(folder.join("civicrm.settings.php"), text).expect("it is written");
        let report = report(folder, &["site.sql", "--settings", "civicrm.settings.php"]);
        let step = steps(&report)
            .into_iter()
            .find(|step| step["id"] == "backup-others");
        step.expect("it is there").to_string()
    };
    assert!(of("site").contains("settings file of the CMS names"));
    assert!(of("cms").contains("The database cms has the tables of the CMS"));
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
    // The folder of the CMS is not known from a URL, and put in by whoever reads the runbook.
    let own = format!("CMS={}", folder.display());
    let mut script = "set -e\n".to_owned();
    for id in ["names", "backup", "version", "forecast"] {
        let step = steps(&report)
            .into_iter()
            .find(|step| step["id"] == id)
            .expect("it is there");
        for line in texts(&step["commands"]).chain(texts(&step["check"])) {
            // The dump was restored here for this test: the accounts of its definers are not there.
            let line = line.replace("CMS=/var/www/site", &own);
            script += &format!("echo '+' {id}\n{line} || test $? -ne 2\n");
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

/// The ids of the steps that are ticked.
fn ticked(report: &Value) -> Vec<&str> {
    let done = steps(report)
        .into_iter()
        .filter(|step| step["state"] == "done");
    done.filter_map(|step| step["id"].as_str()).collect()
}

/// The steps that are ticked of a dump with the tables of a CMS.
fn ticked_of(text: &[u8], target: &str, settings: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("site.sql"), text).expect("it is written");
    let mut arguments = vec!["site.sql", "--target", target];
    if let Some(settings) = settings {
        let path = folder.path().join("civicrm.settings.php");
        fs::write(&path, settings).expect("it is written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        fs::set_permissions(&path, mode).expect("it is set");
        arguments.extend(["--settings", "civicrm.settings.php"]);
    }
    let report = report(folder.path(), &arguments);
    ticked(&report).into_iter().map(str::to_owned).collect()
}

#[test]
fn nothing_is_ticked_that_was_not_looked_at() {
    let dump = bare("5.81", "5.81.2");
    let of = |kind: Kind, change: fn(&mut Site)| {
        ticked_of(&with_cms(&dump, kind, change), "6.10.2", None)
    };
    // What the database says by itself.
    let always = ["path", "version", "mend"];
    assert_eq!(ticked_of(&dump, "6.10.2", None), always);
    // No table says which releases of the CMS the target takes.
    let all = [
        "path",
        "civicrm-on",
        "modules-off",
        "code-copies",
        "version",
        "mend",
    ];
    assert_eq!(of(Drupal7, |_| {}), all);
    // The guide for 4.4 says that it is for Drupal 7; the tables have to say which release it is.
    let old = bare("4.2", "4.2.16");
    let ticked = ticked_of(&with_cms(&old, Drupal7, |_| {}), "4.4.21", None);
    assert!(ticked.contains(&"cms-release".to_owned()), "{ticked:?}");
    let without_version = with_cms(&old, Drupal7, |site| {
        let info = array(&[("package", &s("Core"))]);
        site.set("dr_system", ("name", "system"), "info", &info);
    });
    let ticked = ticked_of(&without_version, "4.4.21", None);
    assert!(!ticked.contains(&"cms-release".to_owned()), "{ticked:?}");
    // Names alone do not tell which plugins use CiviCRM.
    let by_name = ["path", "civicrm-on", "version", "mend"];
    assert_eq!(of(WordPress, |_| {}), by_name);
    assert_eq!(of(Joomla, |_| {}), by_name);
    // A dump does not tell whether a site is offline now.
    let offline = |site: &mut Site| {
        site.set("dr_variable", ("name", "maintenance_mode"), "value", "i:1;");
    };
    assert_eq!(of(Drupal7, offline), all);
    // Tables of which a dump has the structure alone.
    let text = common::text(&with_cms(&dump, Drupal7, |_| {}));
    let structure = |line: &&str| !line.contains("INSERT INTO `dr_");
    let text: Vec<&str> = text.lines().filter(structure).collect();
    assert_eq!(
        ticked_of(text.join("\n").as_bytes(), "6.10.2", None),
        always
    );
    // What stands behind the place where a dump is cut.
    let text = with_cms(&dump, Drupal7, |_| {});
    let end = memchr::memmem::find(&text, b"INSERT INTO `dr_system`").expect("it is there");
    assert_eq!(
        ticked_of(&text[..end + 40], "6.10.2", None),
        ["path", "version"]
    );
    // Lines of a settings file that another file may have.
    let healthy = settings::healthy("Drupal", (6, 10));
    let is_fit = |settings: &str| {
        let ticked = ticked_of(&dump, "6.10.2", Some(settings));
        ticked.contains(&"settings".to_owned())
    };
    assert!(is_fit(&healthy));
    let key = "define('CIVICRM_SITE_KEY', 'aSecretOfThisSiteAlone');";
    assert!(!is_fit(&healthy.replace(key, "include getenv('OTHER');")));
}

#[test]
fn privileges_are_those_of_the_site_s_account_alone() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    server.load("runbook_account", &common::sample());
    let url = server.url("runbook_account");
    // The account of the URL may all; the settings file names another one.
    let settings = settings::healthy("Drupal", (5, 81));
    fs::write(folder.path().join("civicrm.settings.php"), settings).expect("it is written");
    for more in [&[][..], &["--settings", "civicrm.settings.php"]] {
        let report = report(
            folder.path(),
            &[&[url.as_str(), "--target", "6.10.2"], more].concat(),
        );
        assert!(!ticked(&report).contains(&"grants"), "{more:?}");
        let grants = steps(&report)
            .into_iter()
            .find(|step| step["id"] == "grants");
        let why = grants.expect("it is there")["why"].to_string();
        assert!(why.contains("has every privilege"), "{why}");
    }
}

/// The commands of the steps with this id that begin with this program, of a runbook from a new database of a release.
fn commands_of(site: (&str, &str, Kind), target: &str, id: &str, program: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let text = with_cms(&bare(site.0, site.1), site.2, |_| {});
    fs::write(folder.path().join("site.sql"), text).expect("it is written");
    let report = report(folder.path(), &["site.sql", "--target", target]);
    let steps = steps(&report).into_iter().filter(|step| step["id"] == id);
    let lines = steps.flat_map(|step| texts(&step["commands"]));
    lines
        .filter(|line| line.starts_with(program))
        .map(str::to_owned)
        .collect()
}

/// As the sources of drush, wp-cli, cv, bee and Joomla have them; src/runbook/platform.rs says which.
#[test]
fn commands_of_other_programs_are_those_of_the_releases_that_go_with_the_code() {
    let old = |kind| ("4.4", "4.4.5", kind);
    let new = |kind| ("5.81", "5.81.2", kind);
    // drush comes with CiviCRM's own command, and asks about a variable that another begins with, --yes or not.
    let of = |site, id, program| commands_of(site, "6.10.2", id, program);
    assert_eq!(
        of(old(Drupal7), "upgrade", ""),
        ["drush civicrm-upgrade-db", "cv upgrade:db"]
    );
    for (kind, offline) in [
        (
            Drupal6,
            "drush variable-set --always-set --yes site_offline 1",
        ),
        (
            Drupal7,
            "drush variable-set --always-set --yes maintenance_mode 1",
        ),
        (
            Drupal10,
            "drush state:set system.maintenance_mode 1 --input-format=integer",
        ),
        (Backdrop, "bee maintenance-mode 1"),
        (Joomla, "php \"$CMS\"/cli/joomla.php site:down"),
        (Standalone, "cv setting:set core_maintenance_mode=1"),
    ] {
        let site = match kind {
            Standalone => ("6.10", "6.1.0", kind),
            _ => new(kind),
        };
        let lines = of(site, "offline", "");
        assert!(lines[0].starts_with(offline), "{offline}: {lines:?}");
    }
    for kind in [Drupal10, Backdrop, WordPress, Joomla, Standalone] {
        assert_eq!(of(new(kind), "upgrade", ""), ["cv upgrade:db"], "{kind:?}");
    }
    // cv takes no code before 5.26, and the PHP of that code takes no cv.
    let of = |kind| commands_of(old(kind), "5.20.0", "upgrade", "");
    assert_eq!(of(WordPress), ["wp civicrm upgrade-db"]);
    assert_eq!(of(Joomla), [""; 0]);
    assert_eq!(of(Drupal7), ["drush civicrm-upgrade-db"]);
}

/// What `wp maintenance-mode activate` writes is heeded for ten minutes, and ends cv.
#[test]
fn wordpress_is_offline_by_a_file_that_lets_programs_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = ("5.81", "5.81.2", WordPress);
    let run = |line: &str| {
        let status = Command::new("/bin/sh")
            .args(["-c", line])
            .env("CMS", folder.path())
            .status();
        assert!(status.expect("sh runs").success(), "{line}");
    };
    let file = folder.path().join(".maintenance");
    run(&commands_of(site, "6.10.2", "offline", "printf")[0]);
    assert_eq!(
        fs::read_to_string(&file).expect("it is there"),
        "<?php $upgrading = PHP_SAPI === \"cli\" ? 0 : time();\n"
    );
    run(&commands_of(site, "6.10.2", "online", "rm")[0]);
    assert!(!file.exists());
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

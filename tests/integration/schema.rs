//! The JSON report is as its schema says. `common::json` holds every report of every test against it.

use std::fs;

use serde_json::json;

use crate::common;

#[test]
fn the_reports_of_all_commands_follow_the_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.sql"), common::sample()).expect("the sample is written");
    let bad = common::replaced(&common::sample(), "'5.81.2'", "'5.81.2.upgrade'");
    let cut = bad.len() * 2 / 3;
    fs::write(folder.path().join("bad.sql"), &bad[..cut]).expect("a bad dump is written");
    let grants = "GRANT SELECT ON `civicrm`.* TO `c`@`localhost`\n";
    fs::write(folder.path().join("grants.txt"), grants).expect("grants are written");
    for command in [
        "verify",
        "check",
        "diff",
        "version",
        "orphans",
        "repair all",
    ] {
        for dump in ["good.sql", "bad.sql"] {
            let words: Vec<&str> = command
                .split(' ')
                .chain([dump, "--format", "json"])
                .collect();
            let report = common::json(&common::cividb(folder.path(), &words));
            assert_eq!(
                report["command"],
                command.split(' ').next().expect("a word"),
                "{dump}"
            );
        }
    }
    let of_file = ["grants", "--grants-file", "grants.txt", "--format", "json"];
    assert!(common::json(&common::cividb(folder.path(), &of_file))["grants"].is_object());
    let several = ["verify", "good.sql", "missing.sql", "--format", "json"];
    let output = common::cividb(folder.path(), &several);
    let lines = common::text(&output.stdout);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "a line for each source");
    for line in lines {
        common::assert_follows_schema(&serde_json::from_str(line).expect("JSON"));
    }
}

#[test]
#[should_panic(expected = "not a verdict")]
fn a_report_that_does_not_follow_the_schema_is_noticed() {
    common::assert_follows_schema(&json!({"verdict": "not a verdict"}));
}

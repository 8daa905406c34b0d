//! Many sources in one run: each has one answer, in order, in every form, whatever becomes of the others.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::common::{self, cividb, text};

/// A folder with the sample, the sample as it is damaged in several ways, and no backup at all.
fn backups(copies: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let sample = common::sample();
    for number in 0..copies {
        let content = match number % 5 {
            1 => &sample[..sample.len() / (2 + number % 7)],
            3 => b"",
            _ => &sample[..],
        };
        let path = folder.path().join(format!("{number:05}.sql"));
        match number % 5 {
            // There is no such file.
            4 => std::os::unix::fs::symlink("gone", path).expect("a link"),
            _ => fs::write(path, content).expect("written"),
        }
    }
    folder
}

/// The reports of a list, a line each.
fn reports(output: &[u8]) -> Vec<Value> {
    let lines = text(output);
    let reports = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a report"));
    let reports: Vec<Value> = reports.collect();
    reports.iter().for_each(common::assert_follows_schema);
    reports
}

#[test]
fn the_report_is_the_same_whatever_the_number_of_jobs() {
    let folder = backups(if common::everything() { 50 } else { 5 });
    for format in ["human", "json", "csv"] {
        let run = |jobs: &str| {
            let arguments = ["verify", "*.sql", "--format", format, "--jobs", jobs];
            let output = cividb(folder.path(), &arguments);
            assert_eq!(output.status.code(), Some(1));
            (text(&output.stdout), text(&output.stderr))
        };
        let one = run("1");
        assert!(one.0.contains("00004.sql"));
        assert_eq!(run("3"), one, "{format}");
    }
}

#[test]
fn every_source_has_one_answer_and_none_is_lost() {
    let folder = backups(5);
    let output = cividb(
        folder.path(),
        &["verify", "*.sql", "--format", "json", "--jobs", "3"],
    );
    let all = reports(&output.stdout);
    let names: Vec<&str> = all
        .iter()
        .filter_map(|it| it["source"]["name"].as_str())
        .collect();
    let expected: Vec<String> = (0..5).map(|number| format!("{number:05}.sql")).collect();
    assert_eq!(names, expected);
    let verdicts = ["pass", "fail", "pass", "fail", "incomplete"];
    for (number, report) in all.iter().enumerate() {
        assert_eq!(report["verdict"], verdicts[number % 5], "{report:#}");
        assert_eq!(report["error"].is_object(), number % 5 == 4);
    }
}

#[test]
fn several_sources_are_taken_by_every_command_that_reports() {
    let folder = backups(2);
    for command in ["check", "verify", "diff", "preflight", "orphans", "version"] {
        let arguments = [
            command,
            "00000.sql",
            "00001.sql",
            "none.sql",
            "--format",
            "json",
            "--jobs",
            "2",
        ];
        let output = cividb(folder.path(), &arguments);
        let all = reports(&output.stdout);
        assert_eq!(all.len(), 3, "{command}: {}", text(&output.stderr));
        assert!(
            all[2]["error"]["message"]
                .as_str()
                .is_some_and(|it| it.contains("none.sql"))
        );
        let one = cividb(folder.path(), &[command, "00000.sql", "--format", "json"]);
        let one: Value = serde_json::from_slice(&one.stdout).expect("a report");
        assert_eq!(one, all[0], "{command}");
    }
    for arguments in [
        &["orphans", "00000.sql", "00001.sql", "--export", "rows"][..],
        &["diff", "00000.sql", "00001.sql", "--sql"],
        &[
            "version",
            "mysql://a@b/c",
            "mysql://a@b/d",
            "--fix",
            "--apply",
        ],
    ] {
        let output = cividb(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains("take one source")
                || text(&output.stderr).contains("takes one source")
        );
    }
}

#[test]
fn a_source_that_hangs_has_an_answer_and_stops_no_other() {
    let folder = backups(1);
    // Nobody writes into it.
    let pipe = folder.path().join("b.sql");
    let made = Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo runs");
    assert!(made.success());
    let begun = Instant::now();
    let arguments = ["verify", "b.sql", "00000.sql", "--deadline", "4"];
    let output = cividb(folder.path(), &arguments);
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(output.status.code(), Some(3));
    let report = text(&output.stdout);
    let line = "????  b.sql  (no report): no report within 4 seconds (--deadline)\nPASS  00000.sql";
    assert!(report.contains(line), "{report}");
}

#[test]
fn a_run_that_is_to_end_at_the_first_failure_names_what_it_did_not_look_at() {
    let folder = backups(3);
    for jobs in ["1", "3"] {
        let arguments = [
            "verify",
            "*.sql",
            "--fail-fast",
            "--jobs",
            jobs,
            "--format",
            "json",
        ];
        let output = cividb(folder.path(), &arguments);
        let all = reports(&output.stdout);
        assert_eq!(all[1]["verdict"], "fail");
        let message = "00002.sql: not looked at: --fail-fast ended the run before it";
        assert_eq!(all[2]["error"]["message"], message);
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_ended_with_the_same_report() {
    let copies = if common::everything() { 5000 } else { 20 };
    let folder = backups(copies);
    let formats = ["json", "human", "html"];
    let number = if common::everything() { 3 } else { 1 };
    for format in formats.into_iter().take(number) {
        let common = [
            "verify", "*.sql", "--format", format, "--jobs", "2", "--output", "report",
        ];
        let whole = cividb(folder.path(), &common);
        let report = folder.path().join("report");
        let expected = fs::read_to_string(&report).expect("a report");
        fs::remove_file(&report).expect("removed");
        let state = folder.path().join("state");
        let mut killed = 0;
        let resumed = [&common[..], &["--resume", "state"]].concat();
        // Until one gets through, a killed one does not.
        let last = loop {
            let mut child = Command::new(env!("CARGO_BIN_EXE_cividb"))
                .args(&resumed)
                .args(["--no-defaults", "--color", "never"])
                .current_dir(folder.path())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it starts");
            let lines =
                || fs::read(&state).map_or(0, |it| it.iter().filter(|it| **it == b'\n').count());
            let before = lines();
            // A third of the sources more, and then it is killed.
            while killed < 2 && child.try_wait().expect("waited").is_none() {
                if lines() > before.max(1) + copies / 4 {
                    common::kill(&child.id().to_string());
                    killed += 1;
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            let output = child.wait_with_output().expect("it ends");
            if output.status.code().is_some() {
                break output;
            }
            assert!(!report.exists());
        };
        assert_eq!(killed, 2);
        let said = text(&last.stderr);
        assert!(
            said.contains("going on where an earlier run ended: "),
            "{said}"
        );
        let done: usize = said
            .split_once("ended: ")
            .and_then(|(_, rest)| rest.split_once(' '))
            .and_then(|(number, _)| number.replace(',', "").parse().ok())
            .expect("a number");
        assert!(done >= copies / 2, "{said}");
        assert_eq!(last.status.code(), whole.status.code());
        assert_eq!(fs::read_to_string(&report).expect("a report"), expected);
        // Sources without a report are tried again, so the state stays as long as there are any.
        assert!(state.exists());
        fs::remove_file(&state).expect("removed");
        fs::remove_file(&report).expect("removed");
    }
}

#[test]
fn a_state_is_gone_when_all_is_done_and_fits_no_other_run() {
    let folder = backups(2);
    let path = folder.path();
    let arguments = ["verify", "00000.sql", "00001.sql", "--resume", "state"];
    assert_eq!(cividb(path, &arguments).status.code(), Some(1));
    assert!(!path.join("state").exists());
    // It stays where a source had no report, and that one is tried again.
    let arguments = ["verify", "00000.sql", "late.sql", "--resume", "state"];
    assert_eq!(cividb(path, &arguments).status.code(), Some(3));
    let other = cividb(
        path,
        &["check", "00000.sql", "late.sql", "--resume", "state"],
    );
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("a run with other sources or options"));
    fs::write(path.join("late.sql"), common::sample()).expect("written");
    let arguments = [&arguments[..], &["--jobs", "2"]].concat();
    let output = cividb(path, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!path.join("state").exists());
    // No file is taken for a state that is none.
    let output = cividb(path, &["verify", "00000.sql", "--resume", "00001.sql"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("does not begin like the state of a run"));
}

#[test]
fn a_report_that_was_kept_is_made_again_when_its_backup_became_too_old_or_the_list_changed() {
    let folder = backups(1);
    let path = folder.path();
    // The time in its last line would count otherwise.
    let undated = common::replaced(&common::sample(), " on 2025-05-01  2:00:07", "");
    fs::write(path.join("00000.sql"), undated).expect("written");
    let written = SystemTime::now() - Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(path.join("00000.sql"));
    file.and_then(|file| file.set_modified(written))
        .expect("set");
    let list = |accepted: &str| {
        let text = format!(
            "[[site]]\nname = \"Aid\"\nsource = \"00000.sql\"\n{accepted}[[site]]\nname = \"Gone\"\nsource = \"gone\"\n"
        );
        fs::write(path.join("sites.toml"), text).expect("written");
    };
    list("");
    let run = |age: &str| {
        let arguments = [
            "verify",
            "--sites",
            "sites.toml",
            "--resume",
            "state",
            "--format",
            "json",
            "--max-age",
            age,
        ];
        let output = cividb(path, &arguments);
        (reports(&output.stdout).swap_remove(0), text(&output.stderr))
    };
    let soon = SystemTime::now() + Duration::from_secs(3);
    let age = format!("{}s", 3603);
    let (first, _) = run(&age);
    assert_eq!(first["verdict"], "pass", "{first}");
    let (again, said) = run(&age);
    assert!(
        said.contains("going on where an earlier run ended: 1 source done"),
        "{said}"
    );
    assert_eq!(first, again);
    list(
        "[[site.accept]]\ncheck = \"definer-named\"\nreason = \"known\"\nuntil = \"2099-01-31\"\n",
    );
    let (accepted, _) = run(&age);
    assert_eq!(accepted["summary"]["accepted"], 1, "{accepted}");
    let wait = soon.duration_since(SystemTime::now()).unwrap_or_default();
    std::thread::sleep(wait + Duration::from_secs(1));
    let (late, _) = run(&age);
    assert_eq!(late["verdict"], "fail", "{late}");
    assert_eq!(late["findings"][0]["check"], "backup-old");
}

#[test]
fn a_run_is_compared_with_an_earlier_one() {
    let folder = backups(3);
    let path = folder.path();
    let before = [
        "verify",
        "00000.sql",
        "00001.sql",
        "00002.sql",
        "--format",
        "json",
        "--output",
        "before",
    ];
    cividb(path, &before);
    let sample = common::sample();
    fs::write(path.join("00000.sql"), &sample[..sample.len() / 2]).expect("written");
    fs::write(path.join("00001.sql"), &sample).expect("written");
    fs::write(path.join("new.sql"), &sample).expect("written");
    let arguments = [
        "verify",
        "00000.sql",
        "00001.sql",
        "new.sql",
        "--baseline",
        "before",
    ];
    let output = cividb(path, &arguments);
    insta::assert_snapshot!(text(&output.stdout) + &text(&output.stderr));
    let output = cividb(path, &[&arguments[..], &["--format", "json"]].concat());
    let all = reports(&output.stdout);
    assert_eq!(all[0]["baseline"]["new"][0]["check"], "dump-truncated");
    assert_eq!(all[1]["baseline"]["gone"][0]["check"], "dump-truncated");
    assert_eq!(all[2]["baseline"]["known"], false);
    let wrong = cividb(path, &["check", "00000.sql", "--baseline", "before"]);
    assert!(
        text(&wrong.stderr).contains("before: it is of verify, and cannot be compared with check")
    );
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_list_gives_sites_their_names_targets_and_accepted_findings() {
    let folder = backups(2);
    let list = r#"
        [[site]]
        name = "Aid"
        source = "00000.sql"
        target = "6.4.1"

        [[site]]
        name = "Bridge"
        source = "00001.sql"
        [[site.accept]]
        check = "dump-truncated"
        reason = "known, made again tonight"
        until = "2999-01-31"

        [[site]]
        name = "Care"
        source = "care.sql"
    "#;
    let lists = folder.path().join("lists");
    fs::create_dir(&lists).expect("a folder");
    fs::write(
        lists.join("sites.toml"),
        list.replace("source = \"", "source = \"../"),
    )
    .expect("written");
    let output = cividb(
        folder.path(),
        &["check", "--sites", "lists/sites.toml", "--no-rows"],
    );
    let report = text(&output.stdout).replace("lists/../", "");
    insta::assert_snapshot!(report);
    let arguments = ["verify", "--sites", "lists/sites.toml", "--format", "json"];
    let all = reports(&cividb(folder.path(), &arguments).stdout);
    assert_eq!(all[1]["site"], "Bridge");
    let findings = all[1]["findings"].as_array().expect("a list");
    let accepted = findings.iter().find(|it| it["check"] == "dump-truncated");
    assert_eq!(
        accepted.expect("it is shown")["accepted"]["until"],
        "2999-01-31"
    );
    assert_eq!(all[1]["verdict"], "incomplete");
    assert_eq!(all[2]["site"], "Care");
    fs::write(
        lists.join("sites.toml"),
        list.replace("00000.sql", "mysql://a:secret@b/c"),
    )
    .expect("written");
    let output = cividb(folder.path(), &["verify", "--sites", "lists/sites.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("lists/sites.toml: site 'Aid': the source holds a password"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
}

#[test]
fn old_backups_are_findings_or_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    for name in ["old.sql", "new.sql"] {
        // One without the day on which it was made: its file tells it.
        let content = common::replaced(&common::sample(), " on 2025-05-01  2:00:07", "");
        fs::write(path.join(name), content).expect("written");
    }
    let touched = Command::new("touch")
        .args(["-d", "30 hours ago"])
        .arg(path.join("old.sql"))
        .status();
    assert!(touched.expect("touch runs").success());
    let verdict = |arguments: &[&str]| {
        let output = cividb(path, arguments);
        text(&output.stdout) + &text(&output.stderr)
    };
    let report = verdict(&["verify", "old.sql", "--max-age", "26h"]);
    let finding = "error  backup-old  the backup is at least 30 hours old (its file was last written to then), and 26 hours are allowed";
    assert!(report.contains(finding), "{report}");
    assert!(!verdict(&["check", "new.sql", "--max-age", "26h"]).contains("backup-old"));
    assert!(!verdict(&["verify", "old.sql", "--max-age", "2d"]).contains("backup-old"));
    let report = verdict(&["verify", "*.sql", "--since", "26h"]);
    assert!(
        report.contains("1 source: 1 PASS\ncividb: 1 dump left out"),
        "{report}"
    );
    let report = verdict(&["verify", "old.sql", "--since", "1h"]);
    assert!(
        report.contains("nothing to look at: 1 dump, all last written to before --since"),
        "{report}"
    );
    // A stream has no file, and its last line no day.
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["verify", "-", "--max-age", "26h"])
        .stdin(fs::File::open(path.join("new.sql")).expect("it opens"))
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stdout)
            .contains("not checked  backup-old: nothing says when the backup was made")
    );
}

#[test]
fn the_sites_under_a_folder_are_found_and_each_has_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = |path: &str, dsn: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(&path).expect("a folder");
        let settings = format!("<?php define('CIVICRM_DSN', {dsn});");
        fs::write(path.join("civicrm.settings.php"), settings).expect("written");
    };
    site(
        "vhosts/a.org/httpdocs/sites/default",
        "'mysql://u:secret@127.0.0.1:1/a'",
    );
    site(
        "vhosts/b.org/httpdocs/wp-content/uploads/civicrm",
        "getenv('DSN')",
    );
    let output = cividb(
        folder.path(),
        &[
            "check",
            "--discover",
            "vhosts",
            "--format",
            "json",
            "--jobs",
            "2",
        ],
    );
    let all = reports(&output.stdout);
    let message = |number: usize| {
        all[number]["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(all.len(), 2);
    assert!(message(0).contains("127.0.0.1"), "{}", message(0));
    assert!(message(1).contains("getenv('DSN')"), "{}", message(1));
    assert!(!text(&output.stdout).contains("secret"));
    assert_eq!(output.status.code(), Some(2));
    let none = cividb(folder.path(), &["check", "--discover", "."]);
    assert_eq!(none.status.code(), Some(2));
    let nothing = tempfile::tempdir().expect("a folder");
    let none = cividb(nothing.path(), &["check", "--discover", "."]);
    assert!(text(&none.stderr).contains("there is no civicrm.settings.php in it"));
}

/// What a process that ended used at most, in KiB.
fn peak(folder: &Path, arguments: &[&str]) -> (u64, Duration) {
    let begun = Instant::now();
    let output = Command::new("/usr/bin/time")
        .args(["-f", "peak %M", env!("CARGO_BIN_EXE_cividb")])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .output()
        .expect("time runs");
    let took = begun.elapsed();
    let said = text(&output.stderr);
    let peak = said
        .rsplit_once("peak ")
        .and_then(|(_, rest)| rest.trim().parse().ok());
    (peak.expect("a number"), took)
}

#[test]
fn memory_does_not_grow_with_the_number_of_sources() {
    if !Path::new("/usr/bin/time").exists() {
        crate::skip::skip("time", "no /usr/bin/time".to_owned());
        return;
    }
    let (few, many) = if common::everything() {
        (100, 5000)
    } else {
        (5, 50)
    };
    let measured = [few, many].map(|copies| {
        let folder = backups(copies);
        peak(
            folder.path(),
            &["verify", "*.sql", "--jobs", "2", "--format", "json"],
        )
    });
    let [(small, _), (large, took)] = measured;
    println!("{many} sources: {large} KiB (of {few}: {small} KiB), {took:?}");
    assert!(large < 200 << 10, "{large} KiB");
    // Reports that wait for their turn have bounds, and a few kilobytes a source are its line at the end.
    assert!(
        large < small + (24 << 10) + 4 * many as u64,
        "{small} and {large} KiB"
    );
}

#[test]
fn a_name_that_is_not_utf8_is_a_source_like_others() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let name = OsStr::from_bytes(b"inv\xff.sql");
    for name in [name, OsStr::new("ok.sql")] {
        fs::write(folder.path().join(name), common::sample()).expect("written");
    }
    for command in ["verify", "check", "preflight", "orphans", "version", "diff"] {
        let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
            .args([command, "--format", "json"])
            .args([
                name,
                OsStr::new("ok.sql"),
                OsStr::from_bytes(b"gone\xfe.sql"),
            ])
            .current_dir(folder.path())
            .output()
            .expect("cividb runs");
        let all = reports(&output.stdout);
        let names = all.iter().filter_map(|it| it["source"]["name"].as_str());
        let names: Vec<&str> = names.collect();
        assert_eq!(
            names,
            ["inv\u{fffd}.sql", "ok.sql", "gone\u{fffd}.sql"],
            "{command}"
        );
        let have_error: Vec<bool> = all.iter().map(|it| !it["error"].is_null()).collect();
        assert_eq!(have_error, [false, false, true], "{command}");
    }
}

#[test]
fn one_source_alone_that_cannot_be_read_has_its_answer_in_json() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in ["verify", "check", "preflight", "orphans", "version", "diff"] {
        let output = cividb(folder.path(), &[command, "nope", "--format", "json"]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains("nope: cannot open"));
        let answer = common::json(&output);
        common::assert_follows_schema(&answer);
        assert_eq!(answer["source"]["name"], "nope");
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(message.contains("cannot open"), "{message}");
    }
    let into = ["verify", "nope", "--format", "json", "--output", "o.json"];
    assert_eq!(cividb(folder.path(), &into).status.code(), Some(2));
    let written = fs::read(folder.path().join("o.json")).expect("a file");
    let answer: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(answer["verdict"], "incomplete");
}

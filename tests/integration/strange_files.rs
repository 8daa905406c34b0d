//! Files that are not what they seem: none is passed over in silence, and none is waited for.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::common::{self, cividb, json, text};

#[test]
fn a_pattern_names_files_whose_names_are_not_utf8() {
    let folder = tempfile::tempdir().expect("a folder");
    let dumps = folder.path().join("dumps");
    fs::create_dir(&dumps).expect("a folder");
    fs::write(dumps.join("a.sql"), common::sample()).expect("it is written");
    let strange = OsString::from_vec(b"b\xff.sql".to_vec());
    fs::write(dumps.join(strange), "no dump at all").expect("it is written");
    let output = cividb(folder.path(), &["verify", "dumps/*"]);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("dumps/b\u{fffd}.sql"), "{said}");
    assert!(said.contains("2 sources"), "{said}");
    assert_ne!(output.status.code(), Some(0), "{said}");
}

#[test]
fn a_pipe_in_a_folder_of_dumps_is_named_and_not_waited_for() {
    for pipe in [
        "metadata",
        "civi.civicrm_acl-schema.sql",
        "civi.civicrm_acl.sql",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let dump = folder.path().join("dump");
        fs::create_dir(&dump).expect("a folder");
        let table = "CREATE TABLE `civicrm_contact` (`id` int);\n";
        fs::write(dump.join("civi.civicrm_contact-schema.sql"), table).expect("it is written");
        let made = Command::new("mkfifo").arg(dump.join(pipe)).status();
        assert!(made.expect("it runs").success());
        let output = cividb(folder.path(), &["verify", "dump", "--format", "json"]);
        let findings = json(&output)["findings"].to_string();
        assert!(
            findings.contains(&format!("{pipe} in the folder is not a file")),
            "{findings}"
        );
    }
}

#[test]
fn a_report_keeps_the_mode_of_the_file_that_it_replaces() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("dump.sql"), common::sample()).expect("it is written");
    let report = folder.path().join("report");
    let mode = || {
        fs::metadata(&report)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    let verify = ["verify", "dump.sql", "--output", "report"];
    cividb(folder.path(), &verify);
    assert_eq!(mode(), 0o600);
    for wanted in [0o644, 0o640, 0o600] {
        fs::set_permissions(&report, Permissions::from_mode(wanted)).expect("its mode is set");
        cividb(folder.path(), &verify);
        assert_eq!(mode(), wanted);
    }
}

#[test]
fn a_first_row_too_long_to_count_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "x".repeat((1 << 20) + 10);
    let dump = format!(
        "CREATE TABLE `a` (`id` int, `b` longtext);\nINSERT INTO `a` VALUES (1,'{long}',3);\n"
    );
    fs::write(folder.path().join("dump.sql"), dump).expect("it is written");
    let output = cividb(folder.path(), &["verify", "dump.sql", "--format", "json"]);
    let skipped = json(&output)["not_checked"].to_string();
    let why = "the first row of an INSERT into a is too long to count its values";
    assert!(skipped.contains(why), "{skipped}");
}

/// None of them has an end.
#[test]
fn files_that_are_read_as_a_whole_are_given_up_where_they_are_too_large() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    let sample = sample.to_str().expect("a path");
    let server = "mysql://root@127.0.0.1:1/x";
    for arguments in [
        &["preflight", "--grants-file", "/dev/zero", sample][..],
        &["check", "--ssl-ca", "/dev/zero", server],
        &["check", "--server-public-key-path", "/dev/zero", server],
    ] {
        let output = cividb(folder, arguments);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(
            errors.contains("it has more than"),
            "{arguments:?}: {errors}"
        );
    }
    std::os::unix::fs::symlink("/dev/zero", folder.join("cividb.toml")).expect("a link");
    let output = cividb(folder, &["verify", sample]);
    let errors = text(&output.stderr);
    assert!(errors.contains("it is not a regular file"), "{errors}");
}

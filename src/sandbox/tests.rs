use super::*;

#[test]
fn a_path_that_holds_no_server_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Program::find(Some(folder.path())).unwrap_err();
    assert!(matches!(error, SandboxError::NotAServer(_)), "{error}");
    let missing = folder.path().join("missing");
    let error = Program::find(Some(&missing)).unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
}

#[test]
fn a_program_that_is_no_server_is_told_by_its_version() {
    let error = Program::find(Some(std::path::Path::new("/bin/true"))).unwrap_err();
    assert!(matches!(error, SandboxError::NoVersion { .. }), "{error}");
}

#[test]
fn what_a_log_says_controls_no_terminal() {
    assert_eq!(watched::inert("a\u{1b}[31m\nb\n"), "a\\u{1b}[31m\nb");
}

//! What the README says is true.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cividb::checks::registry;

/// The part of the README between two marks.
fn part<'a>(readme: &'a str, name: &str) -> &'a str {
    let (_, rest) = readme
        .split_once(&format!("<!-- {name} -->\n"))
        .expect("the part begins");
    rest.split_once(&format!("<!-- /{name} -->"))
        .expect("the part ends")
        .0
}

#[test]
fn the_table_of_checks_is_the_one_in_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).expect("README.md");
    let mut table = "| Check | Severity | Finds |\n|---|---|---|\n".to_owned();
    for check in registry::checks() {
        writeln!(
            table,
            "| `{}` | {} | {} |",
            check.id,
            check.severity.as_str(),
            check.title
        )
        .expect("a line");
    }
    let written = part(&readme, "checks");
    if std::env::var_os("INSTA_UPDATE").is_some() {
        fs::write(&path, readme.replace(written, &table)).expect("README.md is written");
    } else {
        assert_eq!(
            written, table,
            "run with INSTA_UPDATE=always to write it anew"
        );
    }
}

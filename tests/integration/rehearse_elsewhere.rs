//! `cividb rehearse` with a dump that comes through a pipe.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{self, text};
use crate::server;

#[test]
fn a_dump_from_standard_input_is_rehearsed_and_nothing_of_it_stays() {
    let Some(server) = server::installed() else {
        return;
    };
    let folder = tempfile::TempDir::new_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("a folder");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample.sql.gz");
    let input = File::open(sample).expect("the sample");
    let output = Command::new(env!("CARGO_BIN_EXE_cividb"))
        .args(["rehearse", "-", "--tmp", ".", "--format", "json", "--on"])
        .arg(server.kind().path())
        .current_dir(folder.path())
        .stdin(Stdio::from(input))
        .output()
        .expect("cividb runs");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let report = common::json(&output);
    assert_eq!(report["source"]["name"], "-", "{report}");
    assert_eq!(report["rehearsal"]["tables_compared"], 156, "{report}");
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0);
}

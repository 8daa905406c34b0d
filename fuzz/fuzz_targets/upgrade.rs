//! Any dump: every check, questions about its rows, the upgrade on paper, plans. It must not panic or hang.
#![no_main]

#[path = "../../tests/integration/whole_way.rs"]
mod whole_way;

use std::fs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dump.sql");
    fs::write(&file, data).expect("it is written");
    whole_way::of_dump(&file);
});

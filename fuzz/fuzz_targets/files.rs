//! The small files of others; the first byte says of which kind. None may make the program panic or hang.
#![no_main]

#[path = "../../tests/integration/small_files.rs"]
mod small_files;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((kind, data)) = data.split_first() {
        small_files::read(*kind, data);
    }
});

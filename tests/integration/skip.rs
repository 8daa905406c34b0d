//! Tests that cannot run on this machine. Compiled into tests only, those in `tests/` as well.

use std::fmt::Display;

/// Says that a test, or a part of one, does not run because the machine lacks `what`, a single
/// word such as the name of a server.
///
/// # Panics
/// `CIVIDB_TEST_REQUIRE` is set, as `tests/run` does, and `what` is not among the words of
/// `CIVIDB_TEST_WITHOUT`: a test that does nothing must not look like one that passes.
pub fn skip(what: &str, why: impl Display) {
    let without = std::env::var("CIVIDB_TEST_WITHOUT").unwrap_or_default();
    let is_known = without.split_whitespace().any(|word| word == what);
    let required = std::env::var_os("CIVIDB_TEST_REQUIRE").is_some();
    assert!(is_known || !required, "not run for want of {what}: {why}");
    eprintln!("skipped for want of {what}: {why}");
}

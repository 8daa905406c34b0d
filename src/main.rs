//! The `cividb` command; see the library for what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    cividb::cli::run().into()
}

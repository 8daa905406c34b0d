//! The program with which the user reads long texts on a terminal.

use std::env;
use std::io::{self, IsTerminal, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;

use super::{Common, Format};

/// What a shell exits with where it cannot run a command.
const CANNOT_RUN: [i32; 2] = [126, 127];

/// Whether the report is shown with the pager: only if the user asks, on a terminal, and where no question follows.
pub(super) fn is_wanted(common: &Common) -> bool {
    common.pager
        && common.format == Format::Human
        && common.output.is_none()
        && !env::args_os().any(|given| given == "--apply")
        && io::stdout().is_terminal()
}

/// Shows a text with `$PAGER`, or otherwise with less, and waits until the user has read it. Where neither can be
/// run, prints it.
///
/// # Errors
/// The text cannot be read or printed.
pub(super) fn show(text: &mut dyn Read) -> io::Result<()> {
    let mut all = Vec::new();
    text.read_to_end(&mut all)?;
    let pager = env::var_os("PAGER").filter(|pager| !pager.is_empty());
    let mut command = Command::new("sh");
    command.arg("-c");
    command.arg(pager.unwrap_or_else(|| "less".into()));
    if env::var_os("LESS").is_none() {
        // Ends at once where one screen has room for all, shows colours, and leaves the text on the screen.
        command.env("LESS", "FRX");
    }
    // Ctrl-C is for the pager, and the report is the last that this program does.
    signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)))?;
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(&all) {
            // The user has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    let code = child.wait()?.code();
    if code.is_some_and(|code| CANNOT_RUN.contains(&code)) {
        let mut out = io::stdout().lock();
        out.write_all(&all)?;
        out.flush()?;
    }
    Ok(())
}

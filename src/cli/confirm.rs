//! Confirmation by the user before something is changed.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::cli::error::Error;
use crate::text::printable;

/// Asks a question on the terminal that the user has to answer with yes; with `yes` it is answered
/// already.
///
/// # Errors
/// The answer is no, or there is no terminal to ask on.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Error::NotConfirmed);
    }
    let mut errors = io::stderr().lock();
    let mut answer = String::new();
    let asked = write!(errors, "{} [y/N] ", printable(question))
        .and_then(|()| errors.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    match (asked, answer.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        _ => Err(Error::Declined),
    }
}

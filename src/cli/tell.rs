//! What goes to standard error.

use std::io::{self, Write};

/// Prints a message on standard error, where it does not get into a report.
pub(super) fn tell(message: &str) {
    for line in message.lines() {
        let text = crate::text::printable(line);
        // Nothing can be done when even this cannot be printed.
        let _ = writeln!(io::stderr(), "cividb: {text}");
    }
}

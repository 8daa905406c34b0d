//! What it took to look at the rows.

use std::io::{self, Write};

use crate::integrity::Statistics;
use crate::text::{count, thousands};

/// One line.
pub(super) fn write(statistics: &Statistics, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}", line(statistics))
}

fn line(statistics: &Statistics) -> String {
    let mut text = format!(
        "asked {}, {} among them",
        count(statistics.questions as u64, "question"),
        count(statistics.foreign_keys as u64, "foreign key")
    );
    if let (Some(passes), Some(memory)) = (statistics.passes, statistics.memory) {
        let kilobytes = thousands(memory.div_ceil(1024));
        let times = match passes {
            1 => "once".to_owned(),
            _ => format!("{passes} times"),
        };
        text.push_str(&format!("; read {times}, ids in {kilobytes} KiB"));
    }
    if let Some(statements) = statistics.statements {
        text.push_str(&format!("; {}", count(statements, "statement")));
    }
    text
}

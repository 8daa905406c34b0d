//! The findings as CSV, one line each.

use std::io::{self, Write};

use super::Report;
use crate::text::csv_cell;

/// Names of the columns.
const HEADER: [&str; 13] = [
    "source", "severity", "check", "kind", "name", "table", "message", "fix", "expected", "actual",
    "file", "line", "byte",
];

/// Writes the findings of a report, if there is one, under a header if that is wanted.
///
/// # Errors
/// The output cannot be written.
pub fn write(report: Option<&Report>, with_header: bool, output: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    if with_header {
        writer.write_record(HEADER).map_err(cause)?;
    }
    let findings = report.map(|report| report.findings.list.iter());
    for finding in findings.into_iter().flatten() {
        let object = finding.object.as_ref();
        let at = finding.at.as_ref();
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let fields = [
            report.map_or("", |report| &report.source.name),
            finding.severity.as_str(),
            finding.check.id,
            object.map_or("", |o| o.kind),
            object.map_or("", |o| &o.name),
            object.and_then(|o| o.table.as_deref()).unwrap_or_default(),
            &finding.message,
            &finding.fix,
            finding.expected.as_deref().unwrap_or_default(),
            finding.actual.as_deref().unwrap_or_default(),
            at.map_or("", |at| &at.file),
            &number(at.map(|at| at.place.line)),
            &number(at.map(|at| at.place.offset)),
        ];
        writer.write_record(fields.map(csv_cell)).map_err(cause)?;
    }
    writer.flush()
}

/// What the system says, whose kind is lost when [`csv::Error`] is made an [`io::Error`].
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

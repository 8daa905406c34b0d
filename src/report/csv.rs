//! The findings as CSV, one line each.

use std::io::{self, Write};

use super::Report;
use super::render::Unread;
use crate::text::csv_cell;

/// Names of the columns.
const HEADER: [&str; 13] = [
    "source", "severity", "check", "kind", "name", "table", "message", "fix", "expected", "actual",
    "file", "line", "byte",
];

/// Writes the line with the names of the columns.
///
/// # Errors
/// The output cannot be written.
pub fn write_header(output: &mut dyn Write) -> io::Result<()> {
    lines([HEADER.map(str::to_owned)].into_iter(), output)
}

/// Writes the findings of a report.
///
/// # Errors
/// The output cannot be written.
pub fn write(report: &Report, output: &mut dyn Write) -> io::Result<()> {
    let findings = report.findings.list.iter();
    let fields = findings.map(|finding| {
        let object = finding.object.as_ref();
        let at = finding.at.as_ref();
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let fields = [
            report.source.name.as_str(),
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
        fields.map(csv_cell)
    });
    lines(fields, output)
}

/// Writes the line of a source that could not be read: an error of no check, about the source.
///
/// # Errors
/// The output cannot be written.
pub fn write_unread(unread: &Unread, output: &mut dyn Write) -> io::Result<()> {
    let mut fields = HEADER.map(|_| "");
    let values = [
        unread.name,
        "error",
        "",
        "source",
        unread.name,
        "",
        unread.message,
    ];
    for (field, value) in fields.iter_mut().zip(values) {
        *field = value;
    }
    lines([fields.map(csv_cell)].into_iter(), output)
}

fn lines(
    records: impl Iterator<Item = [String; HEADER.len()]>,
    output: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    for record in records {
        writer.write_record(record).map_err(cause)?;
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

//! Metrics for the textfile collector of Prometheus' node exporter.

use std::collections::HashMap;
use std::io::{self, Write};

use super::render::{Renderer, Unread};
use super::{Digest, Outcome, Report};
use crate::checks::Severity;
use crate::text::prometheus_label;

/// Metrics of each source. The collector itself says when their file was written (`node_textfile_mtime_seconds`).
#[derive(Debug)]
pub struct Prometheus;

impl Renderer for Prometheus {
    fn report(&self, _: usize, _: &Report, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn unread(&self, _: usize, _: &Unread, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn finish(&self, digests: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        let sources = labels(digests);
        let all = || sources.iter().zip(digests);
        let read =
            || all().filter_map(|(labels, digest)| Some((labels, digest.result.as_ref().ok()?)));
        let verdicts = all().flat_map(|(labels, digest)| {
            let is = digest
                .result
                .as_ref()
                .ok()
                .map(|outcome| outcome.verdict.word());
            let is = is.map_or_else(|| "unread".to_owned(), str::to_lowercase);
            ["pass", "fail", "incomplete", "unread"].map(|verdict| {
                let labels = format!("{labels},verdict=\"{verdict}\"");
                (labels, u64::from(is == verdict))
            })
        });
        gauge(
            "verdict",
            "What came of a source: 1 for its verdict, 0 for the others.",
            verdicts,
            out,
        )?;
        let findings = read().flat_map(|(labels, outcome)| {
            [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
                let labels = format!("{labels},severity=\"{}\"", severity.as_str());
                (labels, outcome.count(severity))
            })
        });
        gauge(
            "findings",
            "Findings of a source that count, by severity.",
            findings,
            out,
        )?;
        let by_check = read().flat_map(|(labels, outcome)| {
            outcome.checks.iter().map(move |it| {
                let (check, severity) = (prometheus_label(&it.check), it.severity.as_str());
                let labels = format!("{labels},check=\"{check}\",severity=\"{severity}\"");
                (labels, it.findings)
            })
        });
        gauge(
            "check_findings",
            "Findings of a source that count, by check. A check without such findings has no line.",
            by_check,
            out,
        )?;
        let one = |of: fn(&Outcome) -> Option<u64>| {
            read().filter_map(move |(labels, outcome)| Some((labels.clone(), of(outcome)?)))
        };
        gauge(
            "findings_accepted",
            "Findings of a source that are accepted.",
            one(|it| Some(it.accepted)),
            out,
        )?;
        gauge(
            "tables",
            "Tables of a source.",
            one(|it| Some(it.tables)),
            out,
        )?;
        gauge(
            "rows",
            "Rows of all tables of a source; of a server often an estimate.",
            one(|it| Some(it.rows)),
            out,
        )?;
        gauge(
            "source_modified_timestamp_seconds",
            "When the file of a dump was last written to, in seconds since 1970.",
            one(|it| it.modified),
            out,
        )
    }
}

/// The labels of each source; one that is named several times gets a number, since no series may be there twice.
fn labels(digests: &[Digest]) -> Vec<String> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let of = |digest: &Digest| {
        let (command, source) = (&digest.command, prometheus_label(&digest.source));
        let site = prometheus_label(digest.site.as_deref().unwrap_or_default());
        format!("command=\"{command}\",site=\"{site}\",source=\"{source}\"")
    };
    let labels = digests.iter().map(|digest| {
        let labels = of(digest);
        let time = times.entry(labels.clone()).or_insert(0);
        *time += 1;
        match time {
            1 => labels,
            _ => format!("{labels},again=\"{time}\""),
        }
    });
    labels.collect()
}

/// All series of one metric; nothing where there are none.
fn gauge(
    name: &str,
    help: &str,
    series: impl Iterator<Item = (String, u64)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut series = series.peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "# HELP cividb_{name} {help}\n# TYPE cividb_{name} gauge"
    )?;
    for (labels, value) in series {
        writeln!(out, "cividb_{name}{{{labels}}} {value}")?;
    }
    Ok(())
}

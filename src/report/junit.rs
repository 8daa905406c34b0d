//! JUnit XML for CI systems: a test suite for each source, and in it a test case for each check that found something or
//! could not be made, and one for the verdict.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::render::{Renderer, Unread};
use super::{Digest, Report, Verdict, digest};
use crate::checks::{Finding, Severity, registry};
use crate::text::xml_text;

/// Findings of one check whose text stands in its test case before the rest is only counted.
const SHOWN: usize = 50;

/// JUnit XML, as Jenkins, GitLab and others read it.
#[derive(Debug)]
pub struct Junit;

/// What became of one check.
enum Case<'a> {
    /// It found something that counts as a failure, or that does not.
    Found(Vec<&'a Finding>),
    NotMade(&'a str),
}

impl Renderer for Junit {
    fn report(&self, _: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut cases: BTreeMap<(usize, &str), Case> = BTreeMap::new();
        let place = |id: &str| {
            registry::checks()
                .take_while(|check| check.id != id)
                .count()
        };
        for skipped in report
            .findings
            .not_checked
            .iter()
            .filter(|it| it.incomplete)
        {
            cases.insert(
                (place(skipped.check), skipped.check),
                Case::NotMade(&skipped.why),
            );
        }
        let counted = report.findings.list.iter();
        for finding in counted.filter(|finding| finding.accepted.is_none()) {
            let id = finding.check.id;
            // What was found counts, even where not everything could be looked at.
            match cases.get_mut(&(place(id), id)) {
                Some(Case::Found(findings)) => findings.push(finding),
                _ => drop(cases.insert((place(id), id), Case::Found(vec![finding]))),
            }
        }
        let fails = |finding: &Finding| {
            finding.severity == Severity::Error
                || report.strict && finding.severity == Severity::Warning
        };
        let is_failure =
            |case: &Case| matches!(case, Case::Found(found) if found.iter().any(|it| fails(it)));
        let failures = cases.values().filter(|case| is_failure(case)).count();
        let skipped = cases
            .values()
            .filter(|it| matches!(it, Case::NotMade(_)))
            .count();
        // It can come from more than findings: from a restore that failed, or a plan that is not done.
        let verdict = match report.verdict() {
            Verdict::Fail => Some("failure"),
            Verdict::Incomplete => Some("skipped"),
            Verdict::Pass => None,
        };
        let of_verdict = |word| usize::from(verdict == Some(word));
        let suite = Suite {
            name: &digest::name(report.site.as_deref(), &report.source.name),
            package: report.command,
            tests: cases.len() + 1,
            failures: failures + of_verdict("failure"),
            errors: 0,
            skipped: skipped + of_verdict("skipped"),
        };
        suite.begin(out)?;
        let (word, reason) = (report.verdict().word(), digest::reason(report));
        let reason = xml_text(&format!("{word}: {reason}"));
        begin_case("verdict", suite.name, out)?;
        match verdict {
            Some(word) => writeln!(out, "><{word} message=\"{reason}\"/></testcase>")?,
            None => writeln!(out, "><system-out>{reason}</system-out></testcase>")?,
        }
        for ((_, id), case) in &cases {
            begin_case(id, suite.name, out)?;
            match case {
                Case::NotMade(why) => {
                    writeln!(out, "><skipped message=\"{}\"/></testcase>", xml_text(why))?;
                }
                Case::Found(findings) => {
                    let name = if is_failure(case) {
                        "failure"
                    } else {
                        "system-out"
                    };
                    match (is_failure(case), findings.first()) {
                        (true, Some(first)) => {
                            let (message, severity) = (&first.message, first.severity.as_str());
                            let message = xml_text(message);
                            write!(out, "><failure type=\"{severity}\" message=\"{message}\">")?;
                        }
                        _ => write!(out, "><{name}>")?,
                    }
                    for finding in findings.iter().take(SHOWN) {
                        let severity = finding.severity.as_str();
                        let (message, fix) = (xml_text(&finding.message), xml_text(&finding.fix));
                        writeln!(out, "{severity}: {message}\n  fix: {fix}")?;
                    }
                    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
                        writeln!(out, "and {more} more")?;
                    }
                    writeln!(out, "</{name}></testcase>")?;
                }
            }
        }
        writeln!(out, "</testsuite>")
    }

    fn unread(&self, _: usize, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        let suite = Suite {
            name: &digest::name(unread.site, unread.name),
            package: unread.command,
            tests: 1,
            failures: 0,
            errors: 1,
            skipped: 0,
        };
        suite.begin(out)?;
        begin_case("source", suite.name, out)?;
        let message = xml_text(unread.message);
        writeln!(
            out,
            "><error type=\"unread\" message=\"{message}\"/></testcase>\n</testsuite>"
        )
    }

    fn begin(&self, _: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cividb\">"
        )
    }

    fn finish(&self, _: &[Digest], out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</testsuites>")
    }
}

struct Suite<'a> {
    name: &'a str,
    package: &'a str,
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Suite<'_> {
    fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self {
            package,
            tests,
            failures,
            errors,
            skipped,
            ..
        } = self;
        let name = xml_text(self.name);
        writeln!(
            out,
            "<testsuite name=\"{name}\" package=\"cividb.{package}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\" skipped=\"{skipped}\">"
        )
    }
}

/// The beginning of a test case, without the end of its tag.
fn begin_case(name: &str, suite: &str, out: &mut dyn Write) -> io::Result<()> {
    let (name, suite) = (xml_text(name), xml_text(suite));
    write!(out, "<testcase name=\"{name}\" classname=\"{suite}\"")
}

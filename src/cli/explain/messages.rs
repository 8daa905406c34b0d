//! What error messages mean: one that was given, or those of a log; and which of their causes a source has.

use std::io;
use std::path::PathBuf;

use super::Explain;
use crate::case::Case;
use crate::checks::{self, Examination, Findings, Group, Rows, Selection, registry};
use crate::civicrm::catalogue::Catalogue;
use crate::cli::error::Error;
use crate::cli::grants::for_upgrade;
use crate::cli::output::{print, print_report};
use crate::cli::progress::Bar;
use crate::cli::repair::target_release;
use crate::cli::rows::{RowAnswers, RowExaminer};
use crate::cli::{Common, Format, preflight, read};
use crate::dump::container::ByteStream;
use crate::exit::Exit;
use crate::integrity::ExportOptions;
use crate::integrity::server::Limits;
use crate::messages::records::{Record, Records};
use crate::messages::{Recogniser, Tally};
use crate::report::human::Detail;
use crate::report::{Layout, MessagesSummary, Report, Section, json, messages};
use crate::source::{Location, SourceError};
use crate::text::{printable_json, shell_word};

/// Where messages come from.
pub(super) enum Input {
    /// The message itself.
    Message(String),
    /// A log, plain or compressed.
    Log(PathBuf),
    /// A log on standard input.
    Stdin,
}

/// What was read of the input.
struct Seen {
    tally: Tally,
    lines: u64,
    /// Why the log could not be read to its end.
    damage: Option<String>,
}

impl Input {
    /// The name of the log; `None` of a message.
    fn log(&self) -> Option<String> {
        match self {
            Self::Message(_) => None,
            Self::Log(path) => Some(path.display().to_string()),
            Self::Stdin => Some("-".to_owned()),
        }
    }

    fn read(&self, recogniser: &Recogniser, common: &Common) -> Result<Seen, Error> {
        let mut tally = Tally::default();
        let stream = match self {
            Self::Message(text) => {
                let text = text.as_bytes();
                tally.add(recogniser, Record { text, line: 1 }, true);
                return Ok(Seen {
                    tally,
                    lines: 1,
                    damage: None,
                });
            }
            Self::Log(path) if path.is_dir() => {
                let why = "this is a folder; name the log in it".to_owned();
                return Err(Error::Unfit(path.display().to_string(), why));
            }
            Self::Log(path) => ByteStream::open(path),
            Self::Stdin => ByteStream::from_reader("standard input", io::stdin()),
        };
        let mut stream = stream.map_err(SourceError::from)?;
        let progress = stream.progress();
        let mut bar = Bar::new(common, &self.log().unwrap_or_default());
        let mut records = Records::default();
        let mut add = |record: Record| tally.add(recogniser, record, false);
        while let Some(piece) = stream.next_chunk() {
            records.feed(piece, &mut add);
            bar.update(&progress);
        }
        let lines = records.finish(&mut add);
        bar.finish();
        let damage = stream.ending().and_then(|ending| ending.damage());
        let damage = damage.map(|damage| damage.message.clone());
        Ok(Seen {
            tally,
            lines,
            damage,
        })
    }
}

impl Explain {
    pub(super) fn explain_messages(&self, input: &Input, common: &Common) -> Result<Exit, Error> {
        let recogniser = Recogniser::embedded()?;
        let seen = input.read(&recogniser, common)?;
        let mut places = Vec::new();
        if let Some(log) = input.log().filter(|log| log != "-") {
            places.push(("LOGFILE", shell_word(&log)));
        }
        if let Some(target) = &self.target {
            places.push(("X.Y.Z", target.to_string()));
        }
        let summary = |looked_at: Option<(&str, &Findings)>| {
            let tally = &seen.tally;
            let mut summary =
                MessagesSummary::of(input.log(), seen.lines, tally, &recogniser, looked_at);
            summary.damage.clone_from(&seen.damage);
            summary
        };
        let Some(source) = &self.source else {
            let mut summary = summary(None);
            summary.fill_in(&places);
            return show(&summary, common);
        };
        let catalogue = Catalogue::embedded()?;
        if let Some(target) = &self.target {
            target_release(target, catalogue)?;
        }
        let location = Location::one(source, &self.server.access())?;
        let wanted = self.checks_of(&seen.tally, &recogniser, common);
        let looked = Looked::at(&location, self, catalogue, &wanted, common)?;
        let name = location.name();
        let mut summary = summary(Some((&name, &looked.findings)));
        places.push(("SOURCE", shell_word(&name)));
        summary.fill_in(&places);
        let mut findings = looked.findings;
        findings
            .list
            .retain(|finding| summary.is_cause(finding.check.id, &finding.message));
        let mut report = Report::new("explain", &looked.case, findings, common.strict);
        report.layout = Layout::ByCheck;
        let target = self.target.as_ref();
        report.compared_with = target.map(|target| format!("CiviCRM {target}"));
        print_report(common, &report.with(Section::Messages(summary)))
    }

    /// The checks that find causes of the messages, of those that the user wants.
    fn checks_of(&self, tally: &Tally, recogniser: &Recogniser, common: &Common) -> Selection {
        let messages = tally
            .explained
            .keys()
            .filter_map(|at| recogniser.message(*at));
        let ids = messages
            .flat_map(|message| &message.causes)
            .flat_map(|cause| &cause.checks);
        let mut wanted = Selection {
            only: Vec::new(),
            skip: common.selection().skip,
        };
        for check in ids.filter_map(|id| registry::find(id)) {
            if !wanted.only.contains(&check.id) && common.selection().includes(check) {
                wanted.only.push(check.id);
            }
        }
        wanted
    }
}

/// What was found out about a source.
struct Looked<'c> {
    case: Case<'c>,
    findings: Findings,
}

impl<'c> Looked<'c> {
    /// Makes the checks that are wanted. The rows are asked only where one of these is about them.
    fn at(
        location: &Location,
        asked: &Explain,
        catalogue: &'c Catalogue,
        wanted: &Selection,
        common: &Common,
    ) -> Result<Self, Error> {
        let is_wanted = |groups: &[Group]| {
            let checks = wanted.only.iter().filter_map(|id| registry::find(id));
            let mut rules = checks.flat_map(|check| check.rules);
            rules.any(|rule| groups.contains(&rule.group))
        };
        let (mut snapshot, rows, examiner);
        if is_wanted(&[Group::Rows]) || is_wanted(&[Group::Upgrade]) && asked.target.is_some() {
            let of_rows = RowExaminer {
                catalogue,
                options: ExportOptions::default(),
                limits: Limits::default(),
            };
            let (read, source) = of_rows.read(location, common)?;
            (snapshot, rows, examiner) = (read, Some(source), Some(of_rows));
        } else {
            let read = read(location, common.database.as_deref(), common)?;
            (snapshot, rows, examiner) = (read, None, None);
        }
        let settings = location.settings(&asked.server.access())?;
        location.read_cms(&mut snapshot, settings.as_ref());
        let case = Case::new(snapshot, catalogue).to_release(asked.target.clone());
        let rows: Option<RowAnswers> = match (examiner, rows) {
            (Some(examiner), Some(rows)) => Some(examiner.ask(&case, rows, common)?),
            _ => None,
        };
        let verdict = asked
            .target
            .as_ref()
            .and_then(|target| for_upgrade(&case, target));
        let forecast = preflight::forecast(&case, rows.as_ref(), None)?;
        let mut findings = Findings::default();
        // Without a check there is nothing to look for; a selection of none would be all.
        if !wanted.only.is_empty() {
            let mut examined = Examination::of(&case);
            examined.rows = rows.as_ref().map_or(Rows::NotAsked, RowAnswers::rows);
            examined.forecast = forecast.as_ref();
            examined.settings = settings.as_ref();
            examined.privileges = verdict.as_ref().map(|verdict| checks::Privileges {
                verdict,
                database: case.snapshot.database.as_deref().unwrap_or_default(),
            });
            findings = checks::examine(&examined, checks::CHECK, wanted);
            common.accept(&mut findings)?;
            findings.retain(wanted);
            let is_wanted = |id: &str| wanted.only.contains(&id);
            findings
                .not_checked
                .retain(|skipped| is_wanted(skipped.check));
            registry::say_what_does_not_apply(wanted, checks::CHECK, &examined, &mut findings);
        }
        Ok(Self { case, findings })
    }
}

/// Prints what messages mean where no source was named; gives the exit code that it leads to.
fn show(summary: &MessagesSummary, common: &Common) -> Result<Exit, Error> {
    let text = match common.format {
        Format::Json => printable_json(&format!("{:#}\n", json::messages(summary))),
        Format::Human => {
            let detail = match (common.quiet, common.verbose) {
                (true, _) => Detail::Quiet,
                (_, true) => Detail::Verbose,
                _ => Detail::Normal,
            };
            let mut text = Vec::new();
            let written = messages::write(summary, detail, &mut text);
            written.map_err(|error| Error::Output { path: None, error })?;
            anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string()
        }
        other => {
            let instead = "it prints text, or JSON with --format json";
            return Err(Error::NoFormat("explain", other.name(), instead));
        }
    };
    print(common, &text)?;
    Ok(match summary.is_complete() {
        true => Exit::Fine,
        false => Exit::Incomplete,
    })
}

//! The whole way of what others wrote: every check, the upgrade on paper, every plan, and reports of it. The fuzzer
//! goes it by the same functions.

use std::path::Path;
use std::sync::LazyLock;

use cividb::case::Case;
use cividb::checks::{CHECK, Examination, Rows, Selection, VERIFY, examine};
use cividb::civicrm::catalogue::Catalogue;
use cividb::civicrm::release::Version;
use cividb::integrity::for_upgrade::row_answers;
use cividb::integrity::question::{Questions, questions};
use cividb::integrity::{Answers, ExportOptions, dump};
use cividb::preflight::{self, Options};
use cividb::repair::plan::{self, Family};
use cividb::repair::run;
use cividb::report::human::{self, Detail, Form};
use cividb::report::{PreflightSummary, Report, Section, json};
use cividb::snapshot::Snapshot;
use cividb::source::Location;
use clap::ValueEnum;

static CATALOGUE: LazyLock<&'static Catalogue> =
    LazyLock::new(|| Catalogue::embedded().expect("the catalogue can be read"));

/// Goes the whole way of a dump, whose rows are asked about, too.
pub fn of_dump(file: &Path) {
    let location = Location::of(file.to_owned());
    let Ok((snapshot, rows)) = dump::gather(&location, None, &CATALOGUE, &mut |_| {}) else {
        return;
    };
    of(snapshot, |case, questions| {
        let (snapshot, options) = (&case.snapshot, ExportOptions::default());
        let answers = rows.answer(&location, snapshot, questions, &options, &mut |_| {});
        answers.ok()
    });
}

/// Goes the whole way of a snapshot; `ask` answers questions about its rows.
pub fn of(snapshot: Snapshot, ask: impl FnOnce(&Case, &Questions) -> Option<Answers>) {
    let newest = CATALOGUE.states().last().map(|state| state.last_release());
    let target = newest.and_then(Version::parse).expect("a release");
    let case = Case::new(snapshot, &CATALOGUE).to_release(Some(target.clone()));
    let needs = preflight::row_needs(&case).expect("the steps can be read");
    let questions = questions(&case, &needs);
    let answers = ask(&case, &questions).unwrap_or_default();
    let options = Options {
        target,
        server: None,
        account: None,
    };
    let rows = row_answers(&needs, &questions, &answers);
    let forecast = preflight::forecast(&case, &options, &rows).expect("the steps can be read");
    let mut examined = Examination::of(&case);
    examined.rows = Rows::Asked(&questions, &answers);
    examined.forecast = Some(&forecast);
    for groups in [VERIFY, CHECK] {
        let findings = examine(&examined, groups, &Selection::default());
        let report = Report::new("check", &case, findings, false);
        let summary = PreflightSummary::of(&forecast, true);
        let report = report.with(Section::Preflight(summary));
        json::value(&report);
        let form = Form {
            detail: Detail::Verbose,
            width: Some(80),
        };
        human::write(&report, form, &mut Vec::new()).expect("it is written");
    }
    for family in Family::value_variants() {
        let mut options = plan::Options::new(*family);
        options.inherited = true;
        for planned in plan::plan(&case, &options).expect("the steps").steps {
            let _ = planned.meaning.pass(planned.statement());
            let _ = run::step(1, &planned, None);
        }
    }
}

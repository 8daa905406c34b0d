//! `cividb version`: shows what the version of each domain means and what it should be, and sets
//! it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::confirm::confirm;
use super::fleet::{Asked, Fleet, FleetOptions};
use super::output::print_report;
use super::{Common, ServerOptions, journals, read, tell};
use crate::case::Case;
use crate::change::journal::Head;
use crate::change::refusal::Refusal;
use crate::checks::{Examination, Findings, VERSION, version};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::release::{self, NotARelease};
use crate::civicrm::version_state::DetectedRelease;
use crate::cli::error::Error;
use crate::exit::Exit;
use crate::repair::guard;
use crate::repair::version::{self as repair, VersionChange};
use crate::report::{Plan, Report, Section, VersionSummary};
use crate::snapshot::Snapshot;
use crate::source::{Location, ServerLocation};

#[derive(Debug, Args)]
pub struct Version {
    /// Dump files (plain, gzip, bzip2, zstd, xz or zip), patterns such as 'sites/*/civicrm.settings.php',
    /// mydumper folders, - for standard input, servers (mysql://user@host/database),
    /// civicrm.settings.php or sites' folders
    #[arg(value_name = "SOURCE")]
    pub(super) sources: Vec<OsString>,
    /// Set each version that is wrong to the release that the schema is
    #[arg(long, conflicts_with = "set")]
    fix: bool,
    /// Set the version to this release
    #[arg(long, value_name = "X.Y.Z", value_parser = version_to_set)]
    set: Option<String>,
    /// Set the version of this domain only
    #[arg(long, value_name = "ID")]
    domain: Option<u64>,
    /// Make the changes; without this the statements are printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Set the version even where an upgrade is under way or the schema is that of another release
    #[arg(long)]
    force: bool,
    /// Where to write the journal that cividb undo takes the change back from; by default
    /// cividb-DATABASE-DATE-TIME.journal in
    /// $XDG_STATE_HOME/cividb or ~/.local/state/cividb (cividb undo --list)
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    fleet: FleetOptions,
    #[command(flatten)]
    server: ServerOptions,
}

fn version_to_set(text: &str) -> Result<String, NotARelease> {
    let is_release = release::is_valid_format(text) && !text.ends_with("upgrade");
    let valid = Some(text).filter(|text| is_release && text.trim() == *text);
    valid.map(str::to_owned).ok_or(NotARelease)
}

impl Version {
    pub(super) fn run(&'static self, common: &'static Common) -> Result<Exit, Error> {
        let sources = self.fleet.arguments(&self.sources, &self.server)?;
        let access = self.server.access();
        if !self.apply {
            let report_on = move |asked: &Asked| {
                let snapshot = read(asked.location, common.database.as_deref(), common)?;
                let judged = judge(Case::new(snapshot, Catalogue::embedded()?), common)?;
                let snapshot = &judged.case.snapshot;
                if snapshot.server.is_some() && judged.summary.domains.is_empty() {
                    let why = format!("{}, so its version is not known", why_no_version(snapshot));
                    return Err(Error::Unfit(snapshot.source.name.clone(), why));
                }
                if !self.fix && self.set.is_none() {
                    return Ok(judged.report(common.strict));
                }
                let plan = Plan::of_versions(&self.plan(&judged)?, None);
                let report = judged.report(common.strict);
                Ok(report.with(Section::VersionChange(plan)))
            };
            let fleet = Fleet::new("version", report_on);
            return self.fleet.report_on_each(fleet, &sources, &access, common);
        }
        let [source] = &sources[..] else {
            return Err(Error::ChangeOfMany);
        };
        let Location::Server(server) = Location::one(source, &access)? else {
            let source = source.to_string_lossy().into_owned();
            return Err(Refusal::DumpUnchanged(source).into());
        };
        self.apply(&server, common)
    }

    /// Sets the versions, reads them again and reports on what is there then.
    fn apply(&self, server: &ServerLocation, common: &Common) -> Result<Exit, Error> {
        let catalogue = Catalogue::embedded()?;
        if !self.fix && self.set.is_none() {
            return Err(Refusal::NothingToSet.into());
        }
        let (mut connection, database) = server.connect(common.database.as_deref())?;
        let snapshot = server.read(&mut connection, &database)?;
        // What it says of ALTER TABLE is not about this.
        guard::server(&snapshot)?;
        let judged = judge(Case::new(snapshot, catalogue), common)?;
        let snapshot = &judged.case.snapshot;
        let changes = self.plan(&judged)?;
        let mut written = None;
        if !changes.is_empty() {
            let journal = journals::path(self.journal.as_deref(), &database)?;
            for change in &changes {
                tell(&format!("{};", change.statement()));
            }
            let name = &snapshot.source.name;
            confirm(&format!("Change {database} of {name}?"), self.yes)?;
            if self.force {
                let question = "With --force the version may not be what the schema is, and the \
                                next upgrade may then destroy data. Really?";
                confirm(question, self.yes)?;
            }
            // Said before anything can go wrong.
            tell(&format!(
                "the journal for cividb undo is kept in {}",
                journal.display()
            ));
            let head = Head::of(snapshot, "version");
            let told = &mut |message: &str| tell(message);
            let applied = repair::apply(connection, &database, &head, &changes, &journal, told);
            if applied.is_err() {
                tell(&journals::interrupted(&journal, None));
            }
            connection = applied?;
            written = Some(journal);
        }
        let after = server.read(&mut connection, &database)?;
        let after = judge(Case::new(after, catalogue), common)?;
        let plan = Plan::of_versions(&changes, written);
        let report = after.report(common.strict);
        let report = report.with(Section::VersionChange(plan));
        print_report(common, &report)
    }

    /// The changes that are to be made.
    ///
    /// # Errors
    /// The version that would be set is not the release that the schema is of, or an upgrade is
    /// under way.
    fn plan(&self, judged: &Judged) -> Result<Vec<VersionChange>, Error> {
        let wanted = repair::VersionRequest {
            release: self.set.clone(),
            domain: self.domain,
            force: self.force,
        };
        let domains = &judged.summary.domains;
        Ok(repair::plan(&judged.case, domains, &wanted)?)
    }
}

fn why_no_version(snapshot: &Snapshot) -> String {
    if snapshot.schema.table("civicrm_domain").is_none() {
        return "there is no table civicrm_domain that this account can see".to_owned();
    }
    match snapshot.rows_hidden.get("civicrm_domain") {
        Some(why) => format!("civicrm_domain cannot be read: {why}"),
        None => "civicrm_domain cannot be read".to_owned(),
    }
}

/// The versions of the domains, and the release that the schema is of.
struct Judged<'a> {
    case: Case<'a>,
    summary: VersionSummary,
    findings: Findings,
}

fn judge<'a>(case: Case<'a>, common: &Common) -> Result<Judged<'a>, Error> {
    if case.site.is_none() {
        return Err(Error::no_civicrm(case.snapshot.source.name.clone()));
    }
    let has_rows = !case.snapshot.row_counts.is_empty();
    let domains = version::domain_versions(&case).filter(|_| has_rows);
    let summary = VersionSummary {
        domains: domains.unwrap_or_default(),
        detected: case.detection().map(DetectedRelease::of),
    };
    let findings = common.examine(&Examination::of(&case), VERSION)?;
    Ok(Judged {
        case,
        summary,
        findings,
    })
}

impl Judged<'_> {
    fn report(self, strict: bool) -> Report {
        Report::new("version", &self.case, self.findings, strict)
            .with(Section::Version(self.summary))
    }
}

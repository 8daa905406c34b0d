//! Rules: what is known of a database in, findings out.
//!
//! [`table`] lists every check once, for help, documents and JSON. Each family has a file;
//! all of them read the [`Snapshot`] only and never ask where a fact came from.

pub mod against;
pub mod grants;
pub mod objects;
pub mod restore;
pub mod rows;
pub mod schema;
pub mod server;
pub mod table;
pub mod version;
pub mod wholeness;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::detect::Detection;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::civicrm::version_state::DetectedRelease;
use crate::integrity::Sample;
use crate::server_version::ServerVersion;
use crate::snapshot::{At, Snapshot};

/// What a finding does to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The backup, the upgrade or the application may fail or lose data.
    Warning,
    /// It will.
    Error,
}

impl Severity {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// An entry of the table of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Part of the contract with scripts; never changes.
    pub id: &'static str,
    /// How its findings usually rank; a finding may rank lower where it does less harm.
    pub severity: Severity,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// The thing a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Object {
    /// `table`, `view`, `trigger`, `function`, `procedure`, `event`, `account`, `file`, …
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The table it belongs to, where it belongs to one.
    pub table: Option<String>,
}

/// Something a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// How it ranks.
    pub severity: Severity,
    /// What it is about; `None` for the source as a whole.
    pub object: Option<Object>,
    /// What should be.
    pub expected: Option<String>,
    /// What is.
    pub actual: Option<String>,
    /// One sentence for people.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Where in the dump.
    pub at: Option<At>,
    /// The rows it is about, where it is about rows.
    pub rows: Option<RowsFound>,
    /// What CiviCRM's own upgrades leave in every database says where it comes from, in a few
    /// words; reports fold such findings.
    pub inherited: Option<String>,
}

/// Rows that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowsFound {
    /// How many; `None` where a stream could not be read again to count them.
    pub count: Option<u64>,
    /// Different values among them, or groups of equal rows, where they were counted.
    pub values: Option<u64>,
    /// The columns that are wrong.
    pub columns: Vec<String>,
    /// The upgrade step that fails on them.
    pub step: Option<String>,
    /// The first of them.
    pub samples: Vec<Sample>,
    /// The file they were written to.
    pub file: Option<PathBuf>,
}

impl Finding {
    /// A finding of the check's own severity about the source as a whole.
    pub fn new(check: &'static Check, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            check,
            severity: check.severity,
            object: None,
            expected: None,
            actual: None,
            message: message.into(),
            fix: fix.into(),
            at: None,
            rows: None,
            inherited: None,
        }
    }

    /// Ranks it differently from the check's usual severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says what it is about.
    #[must_use]
    pub fn about(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.object = Some(Object {
            kind,
            name: name.into(),
            table: None,
        });
        self
    }

    /// Says which table the object belongs to.
    #[must_use]
    pub fn of_table(mut self, table: impl Into<String>) -> Self {
        if let Some(object) = &mut self.object {
            object.table = Some(table.into());
        }
        self
    }

    /// Sets both sides.
    #[must_use]
    pub fn sides(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.actual = Some(actual.into());
        self
    }

    /// Says where in the dump.
    #[must_use]
    pub fn at(mut self, at: &At) -> Self {
        self.at = Some(at.clone());
        self
    }
}

/// A check that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// The check's id.
    pub check: &'static str,
    /// Why not.
    pub why: String,
}

/// What the checks of one run found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Worst first once [`Findings::sort`] was called.
    pub list: Vec<Finding>,
    /// Checks that could not be made.
    pub not_checked: Vec<NotChecked>,
    /// The release that the schema is of, where the catalogue was asked.
    pub detected: Option<Detected>,
}

/// The release that a schema is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detected {
    /// The last release of that schema, as a minor release where that is enough.
    pub release: String,
    /// Name of the state in the catalogue.
    pub state: String,
    /// How many differences there are to it.
    pub differences: usize,
    /// Other states that fit as well.
    pub also: Vec<String>,
    /// Objects that tell it from its neighbours.
    pub evidence: Vec<String>,
    /// Tables and columns of later releases.
    pub later: Vec<String>,
    /// Tables that no release says anything about, by class.
    pub not_compared: BTreeMap<&'static str, usize>,
    /// The last step that the upgrader noted.
    pub last_step: Option<String>,
}

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Says that a check could not be made.
    pub fn skip(&mut self, check: &'static Check, why: impl Into<String>) {
        self.not_checked.push(NotChecked {
            check: check.id,
            why: why.into(),
        });
    }

    /// Whether there is a finding of this check.
    pub fn has(&self, check: &Check) -> bool {
        self.list.iter().any(|finding| finding.check.id == check.id)
    }

    /// Whether there is a finding of this check that ranks as an error.
    pub fn has_error(&self, check: &Check) -> bool {
        self.list
            .iter()
            .any(|finding| finding.check.id == check.id && finding.severity == Severity::Error)
    }

    /// Whether they say that a dump is not all there.
    fn are_of_cut_dump(&self) -> bool {
        CUT.iter().any(|check| self.has_error(check))
    }

    /// How many findings rank so.
    pub fn count(&self, severity: Severity) -> usize {
        self.list
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Worst first, then in the order of the table of checks; within a check what is
    /// inherited last, otherwise as found.
    pub fn sort(&mut self) {
        let rank = |check: &Check| table::CHECKS.iter().position(|known| known.id == check.id);
        self.list.sort_by_key(|finding| {
            let severity = std::cmp::Reverse(finding.severity);
            (severity, rank(finding.check), finding.inherited.is_some())
        });
    }
}

/// What checks are told besides the snapshot.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// The server the dump is to be restored on; `None` for the one it came from.
    pub target: Option<ServerVersion>,
    /// What the releases of CiviCRM look like; without it nothing is held against them.
    pub catalogue: Option<&'a Catalogue>,
}

/// Whether a dump is whole and can be restored.
pub fn verify(snapshot: &Snapshot, context: &Context) -> Findings {
    let site = Site::of(snapshot);
    let detection = schema::detect(snapshot, site.as_ref(), context);
    let mut findings = wholeness(snapshot, site.as_ref(), context, detection.as_ref());
    if let (Some(catalogue), Some(detection)) = (context.catalogue, &detection) {
        if !findings
            .not_checked
            .iter()
            .any(|skipped| skipped.check == table::TABLE_MISSING.id)
        {
            schema::missing_tables(detection, catalogue, &mut findings);
        }
        findings.detected = Some(Detected::of(detection));
    }
    upgrade_under_way(site.as_ref(), &mut findings);
    findings.sort();
    findings
}

/// A backup made in the middle of an upgrade is whole, but no state to go back to.
fn upgrade_under_way(site: Option<&Site>, findings: &mut Findings) {
    if let Some(version) = site.and_then(Site::declared_version)
        && version.is_upgrade_marker()
    {
        let message =
            format!("civicrm_domain.version is {version}: an upgrade was under way, or failed");
        let fix = "Use a backup from before the upgrade; cividb version says more.";
        let finding = Finding::new(&table::VERSION_PARTIAL_UPGRADE, message, fix);
        findings.push(finding.severity(Severity::Warning));
    }
}

/// Everything that can be checked.
pub fn check(snapshot: &Snapshot, context: &Context) -> Findings {
    let site = Site::of(snapshot);
    let detection = schema::detect(snapshot, site.as_ref(), context);
    let mut findings = wholeness(snapshot, site.as_ref(), context, detection.as_ref());
    schema::check(
        snapshot,
        site.as_ref(),
        context,
        detection.as_ref(),
        &mut findings,
    );
    if let (Some(site), Some(catalogue)) = (&site, context.catalogue) {
        let detected = detection.as_ref().map(DetectedRelease::of);
        version::check(snapshot, site, catalogue, detected.as_ref(), &mut findings);
    }
    if snapshot.server.is_some() {
        let release = site.as_ref().and_then(Site::declared_version);
        let detected = || Version::parse(&detection.as_ref()?.state.name);
        match release.or_else(detected) {
            Some(release) => server::check(snapshot, &release, context.catalogue, &mut findings),
            None => findings.skip(&table::SERVER_TOO_OLD, "the site's release is not known"),
        }
    } else {
        findings.skip(&table::GRANT_MISSING, "a dump carries no grants");
    }
    findings.sort();
    findings
}

fn wholeness(
    snapshot: &Snapshot,
    site: Option<&Site>,
    context: &Context,
    detection: Option<&Detection>,
) -> Findings {
    let mut findings = Findings::default();
    if let Some(dump) = &snapshot.dump {
        wholeness::check(snapshot, dump, &mut findings);
        restore::check(snapshot, dump, context, &mut findings);
    }
    let detected = detection.and_then(|detection| Version::parse(detection.state.last_release()));
    let newest = context.catalogue.and_then(|catalogue| {
        let newest = Version::parse(&catalogue.states().last()?.name)?;
        Some(newest.major_minor())
    });
    objects::check(snapshot, site, detected, newest, &mut findings);
    findings
}

/// What says that a dump is not all there.
const CUT: [&Check; 5] = [
    &table::DUMP_UNREADABLE,
    &table::DUMP_TRUNCATED,
    &table::DUMP_EMPTY,
    &table::DUMP_DAMAGED,
    &table::DUMP_NO_STRUCTURE,
];

/// Adds what says that a dump is not all there, so that its structure may not be either.
pub fn cut(snapshot: &Snapshot, findings: &mut Findings) {
    let Some(dump) = &snapshot.dump else { return };
    let mut all = Findings::default();
    wholeness::check(snapshot, dump, &mut all);
    all.list.retain(|finding| {
        finding.severity == Severity::Error && CUT.iter().any(|check| check.id == finding.check.id)
    });
    findings.list.append(&mut all.list);
}

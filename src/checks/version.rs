//! What does `civicrm_domain.version` say?

use super::table::{
    VERSION_DOMAINS_DIFFER, VERSION_INVALID, VERSION_MISSING, VERSION_PARTIAL_UPGRADE,
    VERSION_UNKNOWN,
};
use super::{Check, Finding, Findings, Severity};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::site::{Domain, Site};
use crate::civicrm::version_state::{DetectedRelease, Proposer, VersionState};
use crate::snapshot::Snapshot;

/// The version of one domain, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainVersion {
    /// `id` of its row; `None` when the table has no row at all.
    pub id: Option<u64>,
    /// As stored; `None` is NULL.
    pub value: Option<String>,
    /// What it is.
    pub state: VersionState,
    /// The release that should stand there; `None` when nothing tells.
    pub proposed: Option<String>,
}

impl DomainVersion {
    /// The value as SQL would write it, so that blanks show.
    pub fn quoted(&self) -> String {
        if self.id.is_none() && self.value.is_none() {
            return "no row".to_owned();
        }
        quoted(self.value.as_deref())
    }
}

fn quoted(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("'{value}'"))
}

/// Judges the version of each domain; `None` when the rows are not known.
pub fn domain_versions(
    site: &Site,
    catalogue: &Catalogue,
    detected: Option<&DetectedRelease>,
) -> Option<Vec<DomainVersion>> {
    let proposer = Proposer {
        catalogue,
        site,
        detected,
    };
    let judge = |domain: &Domain| {
        let state = VersionState::of(domain.version.as_deref(), catalogue);
        DomainVersion {
            id: domain.id,
            value: domain.version.clone(),
            proposed: proposer.propose(domain.version.as_deref(), &state),
            state,
        }
    };
    let domains = site.domains.as_deref()?;
    Some(if domains.is_empty() {
        vec![judge(&Domain::default())]
    } else {
        domains.iter().map(judge).collect()
    })
}

/// Adds what is wrong with the version of each domain, and returns these versions.
pub fn check(
    snapshot: &Snapshot,
    site: &Site,
    catalogue: &Catalogue,
    detected: Option<&DetectedRelease>,
    findings: &mut Findings,
) -> Vec<DomainVersion> {
    let known = domain_versions(site, catalogue, detected);
    let Some(versions) = known.filter(|_| !snapshot.row_counts.is_empty()) else {
        let why = match snapshot.schema.table("civicrm_domain") {
            _ if snapshot.row_counts.is_empty() => "there are no rows at all",
            Some(_) => "the rows of civicrm_domain cannot be read",
            None => "there is no table civicrm_domain",
        };
        findings.skip(&VERSION_MISSING, why);
        return Vec::new();
    };
    let proposer = Proposer {
        catalogue,
        site,
        detected,
    };
    for version in &versions {
        findings.list.extend(finding(version, &proposer));
    }
    if versions.windows(2).any(|pair| match pair {
        [one, other] => one.value != other.value,
        _ => false,
    }) {
        findings.push(domains_differ(&versions));
    }
    versions
}

fn finding(version: &DomainVersion, proposer: &Proposer) -> Option<Finding> {
    let value = version.value.as_deref();
    let (check, severity): (&'static Check, Severity) = match &version.state {
        VersionState::Release => return None,
        VersionState::Step => (&VERSION_PARTIAL_UPGRADE, Severity::Note),
        VersionState::Missing => (&VERSION_MISSING, Severity::Error),
        VersionState::PartialUpgrade => (&VERSION_PARTIAL_UPGRADE, Severity::Error),
        VersionState::Invalid(_) => (&VERSION_INVALID, Severity::Error),
        VersionState::NoSuchRelease => (&VERSION_UNKNOWN, Severity::Error),
        VersionState::TooNew => (&VERSION_UNKNOWN, Severity::Warning),
    };
    let name = version.id.map_or_else(String::new, |id| id.to_string());
    let mut message = match version.id {
        Some(id) => format!("version of domain {id} is {}: ", version.quoted()),
        None if value.is_none() => "civicrm_domain has no row: ".to_owned(),
        None => format!("version of a domain without id is {}: ", version.quoted()),
    };
    message.push_str(&version.state.explain(value));
    if let Some(said) = version.state.civicrm_says() {
        message.push_str(&format!(
            "; CiviCRM ({}) says \"{}\"",
            said.releases, said.text
        ));
    }
    let mut finding = Finding::new(check, message, fix(version, proposer))
        .severity(severity)
        .about("domain", name)
        .of_table("civicrm_domain");
    finding.expected.clone_from(&version.proposed);
    finding.actual.clone_from(&version.value);
    Some(finding)
}

/// What to do about a version that is no release.
fn fix(version: &DomainVersion, proposer: &Proposer) -> String {
    let set = version.proposed.as_deref().map(set_statement);
    match version.state {
        VersionState::PartialUpgrade => {
            let mut text =
                "Restore the backup from before the upgrade, cure what stopped it and upgrade again. "
                    .to_owned();
            if let Some((finished, began)) = proposer.last_step() {
                text.push_str(&format!(
                    "By the upgrader's notes in civicrm_log the last finished step is {finished}"
                ));
                if let Some(began) = began {
                    text.push_str(&format!(", and {began} began after it"));
                }
                text.push_str(". ");
            }
            text.push_str(
                "Only if there is no backup: take out what the unfinished step left behind",
            );
            match set {
                Some(set) => text.push_str(&format!(", and then: {set}")),
                None => text.push_str(" and set the version that the schema then has."),
            }
            text
        }
        VersionState::Step => "If an upgrade stopped there, run the upgrader again; nothing is \
                               wrong with a test release."
            .to_owned(),
        VersionState::TooNew => format!(
            "If the site runs that release, use a newer {}; otherwise set the release that the \
             schema is{}",
            env!("CARGO_PKG_NAME"),
            set.map_or_else(|| ".".to_owned(), |set| format!(": {set}")),
        ),
        VersionState::Missing if version.id.is_none() && version.value.is_none() => format!(
            "Restore the rows of civicrm_domain from a backup{}",
            version.proposed.as_deref().map_or_else(
                || ".".to_owned(),
                |release| format!("; the version of this schema is {release}.")
            ),
        ),
        _ => set.unwrap_or_else(|| {
            "Set the release that the schema is: a lower one repeats steps that were done, and \
             they fail."
                .to_owned()
        }),
    }
}

/// For all domains at once, as the upgrader does it.
fn set_statement(release: &str) -> String {
    format!("UPDATE civicrm_domain SET version = '{release}';")
}

fn domains_differ(versions: &[DomainVersion]) -> Finding {
    let each: Vec<String> = versions
        .iter()
        .map(|version| {
            let id = version
                .id
                .map_or_else(|| "?".to_owned(), |id| id.to_string());
            format!("{} in domain {id}", version.quoted())
        })
        .collect();
    let mut proposed = versions.iter().map(|version| version.proposed.as_deref());
    let first = proposed.next().flatten();
    let agreed = first.filter(|&release| proposed.all(|other| other == Some(release)));
    let fix = agreed.map_or_else(
        || "Set the release that the schema is in every row.".to_owned(),
        set_statement,
    );
    let message = format!(
        "the domains differ in their version: {}; the upgrader sets all of them at once, so one \
         was changed or added by hand",
        each.join(", ")
    );
    let mut finding =
        Finding::new(&VERSION_DOMAINS_DIFFER, message, fix).about("table", "civicrm_domain");
    finding.expected = agreed.map(str::to_owned);
    finding
}

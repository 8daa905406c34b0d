//! Looks at what `civicrm_domain.version` says.

use super::{Check, Examination, Finding, Findings, Group, Need, Rule, Severity};
use crate::case::Case;
use crate::civicrm::site::Domain;
use crate::civicrm::version_state::{DetectedRelease, Proposer, VersionState};
use crate::gate::{Meaning, Operation};
use crate::schema::sql::string;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &VERSION_MISSING,
    &VERSION_PARTIAL_UPGRADE,
    &VERSION_INVALID,
    &VERSION_UNKNOWN,
    &VERSION_DOMAINS_DIFFER,
    &LOCALES_MISSING,
];

pub(crate) static VERSION_MISSING: Check = Check {
    id: "version-missing",
    severity: Severity::Error,
    title: "civicrm_domain.version holds nothing",
    why: "The upgrader does not know where to begin and stops.",
    fix: "cividb version --fix shows the statement that sets the release that the schema is, and runs it \
            with --apply.",
    example: "version of domain 1 is NULL: there is no value, so the upgrader does not know where to begin; \
            CiviCRM (2.2 on) says \"Version information missing in civicrm database\"",
    source: "CRM/Upgrade/Form.php 2.2 and later",
    rules: &[Rule::new(Group::Version, &[Need::Versions], versions)],
};

pub(crate) static VERSION_PARTIAL_UPGRADE: Check = Check {
    id: "version-partial-upgrade",
    severity: Severity::Error,
    title: "an upgrade began and did not finish",
    why: "The schema may be anything between two releases; the upgrader refuses to go on.",
    fix: "Restore the backup from before the upgrade, and begin the upgrade again.",
    example: "version of domain 1 is '5.81.upgrade': the upgrader began this step and did not finish it, so the \
            schema may be anything between two releases; CiviCRM (3.1 on) says \"Database check failed - the \
            database looks to have been partially upgraded\"",
    source: "CRM/Upgrade/Form.php 3.1 and later",
    rules: &[
        Rule::new(Group::Backup, &[Need::Dump], upgrade_under_way),
        Rule::new(Group::Version, &[Need::Versions], versions),
    ],
};

pub(crate) static VERSION_INVALID: Check = Check {
    id: "version-invalid",
    severity: Severity::Error,
    title: "civicrm_domain.version is not of the form that CiviCRM takes",
    why: "The upgrader stops.",
    fix: "cividb version --fix shows the statement that sets the release that the schema is, and runs it \
            with --apply.",
    example: "version of domain 1 is '5.81': the upgrader wants three parts, such as 4.4.0; CiviCRM (3.1 on) \
            says \"Database is marked with invalid version format\"",
    source: "CRM/Utils/System.php, isVersionFormatValid, 3.1 and later",
    rules: &[Rule::new(Group::Version, &[Need::Versions], versions)],
};

pub(crate) static VERSION_UNKNOWN: Check = Check {
    id: "version-unknown",
    severity: Severity::Error,
    title: "civicrm_domain.version names no release of CiviCRM",
    why: "The upgrader stops, or runs the wrong steps.",
    fix: "cividb version --fix shows the statement that sets the release that the schema is, and runs it \
            with --apply.",
    example: "version of domain 1 is '4.9.0': the form is right, but there is no such release; CiviCRM (2.2 on, \
            where the code is older than that) says \"Your database is marked with an unexpected version \
            number\"",
    source: "CRM/Upgrade/Form.php 2.2 and later",
    rules: &[Rule::new(Group::Version, &[Need::Versions], versions)],
};

pub(crate) static VERSION_DOMAINS_DIFFER: Check = Check {
    id: "version-domains-differ",
    severity: Severity::Error,
    title: "the domains of a multi-site database have different versions",
    why: "Which steps the upgrader runs depends on the domain it is started for.",
    fix: "Set the release that the schema is in every row of civicrm_domain: cividb version --set X.Y.Z --apply.",
    example: "the domains differ in their version: '5.81.2' in domain 1, '5.81.0' in domain 2; the upgrader \
            sets all of them at once, so one was changed or added by hand",
    source: "CRM/Upgrade/Form.php, setVersion, writes all rows at once",
    rules: &[Rule::new(Group::Version, &[Need::Versions], domains_differ)],
};

pub(crate) static LOCALES_MISSING: Check = Check {
    id: "locales-missing",
    severity: Severity::Error,
    title: "the tables are those of a multilingual site, and civicrm_domain.locales is empty",
    why: "CiviCRM takes the site for one with a single language and asks for columns that are not there: its \
            statements fail with error 1054.",
    fix: "Put the languages back into civicrm_domain.locales; the finding has the statement.",
    example: "civicrm_domain.locales is empty, and the tables have columns for en_US, fr_FR, nl_NL",
    source: "CRM/Core/I18n/Schema.php, makeMultilingual; CRM/Core/DAO.php, VALUE_SEPARATOR",
    rules: &[Rule::new(
        Group::Version,
        &[Need::Versions, Need::DetectedRelease],
        locales_missing,
    )],
};

/// The version of one domain, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainVersion {
    /// The `id` of the domain's row; `None` when the table does not have a row.
    pub id: Option<u64>,
    /// The version as it is stored; `None` is NULL.
    pub value: Option<String>,
    /// What the version means.
    pub state: VersionState,
    /// The release that should be stored; `None` when it is not known.
    pub proposed: Option<String>,
}

impl DomainVersion {
    /// The value as an SQL literal, so that blanks show.
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

/// Adds a finding where the columns are those of several languages, and the domain names none.
fn locales_missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let case = examined.case;
    let (Some(site), Some(detection)) = (&case.site, case.detection()) else {
        return;
    };
    let locales = &detection.reference.locales;
    let has_row = site.domains.as_ref().is_some_and(|rows| !rows.is_empty());
    if !has_row || !site.locales().is_empty() || locales.is_empty() {
        return;
    }
    let message = format!(
        "civicrm_domain.locales is empty, and the tables have columns for {}",
        locales.join(", ")
    );
    // CiviCRM separates the codes with byte 1, which also stands at both ends.
    let codes: Vec<String> = locales.iter().map(|locale| string(locale)).collect();
    let statement = Meaning::new(Operation::Update, [""; 0]).pass(format!(
        "UPDATE civicrm_domain SET locales = CONCAT_WS(CHAR(1), '', {}, '')",
        codes.join(", ")
    ));
    let fix = match statement {
        Ok(statement) => {
            format!("Look whether these are the languages of the site, then run: {statement};")
        }
        Err(blocked) => blocked.to_string(),
    };
    findings.push(
        Finding::new(check, message, fix)
            .about("table", "civicrm_domain")
            .sides(locales.join(", "), "none"),
    );
}

/// Judges the version of each domain; `None` when the rows are not known.
pub fn domain_versions(case: &Case) -> Option<Vec<DomainVersion>> {
    let domains = case.site.as_ref()?.domains.as_deref()?;
    let detected = case.detection().map(DetectedRelease::of);
    let proposer = proposer(case, detected.as_ref())?;
    let judge = |domain: &Domain| {
        let state = VersionState::of(domain.version.as_deref(), case.catalogue);
        DomainVersion {
            id: domain.id,
            value: domain.version.clone(),
            proposed: proposer.propose(domain.version.as_deref(), &state),
            state,
        }
    };
    Some(if domains.is_empty() {
        vec![judge(&Domain::default())]
    } else {
        domains.iter().map(judge).collect()
    })
}

fn proposer<'a>(case: &'a Case, detected: Option<&'a DetectedRelease>) -> Option<Proposer<'a>> {
    Some(Proposer {
        catalogue: case.catalogue,
        site: case.site.as_ref()?,
        detected,
    })
}

/// Adds what is wrong with the version of each domain, as far as it belongs to the check.
fn versions(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let case = examined.case;
    let detected = case.detection().map(DetectedRelease::of);
    let Some(proposer) = proposer(case, detected.as_ref()) else {
        return;
    };
    let versions = domain_versions(case).unwrap_or_default();
    let found = versions
        .iter()
        .filter_map(|version| finding(version, &proposer));
    findings
        .list
        .extend(found.filter(|finding| finding.check == check));
}

/// Adds a finding about a backup that was made in the middle of an upgrade: it is complete, but it
/// is not a state to go back to.
fn upgrade_under_way(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    if let Some(version) = examined.case.declared_version()
        && version.is_upgrade_marker()
    {
        let message =
            format!("civicrm_domain.version is {version}: an upgrade was under way, or failed");
        let fix = "Use a backup from before the upgrade; cividb version says more.";
        findings.push(Finding::new(check, message, fix).severity(Severity::Warning));
    }
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

/// What to do about a version that is not a release.
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

/// The statement that sets the version of all domains at once, as the upgrader does it.
fn set_statement(release: &str) -> String {
    format!("UPDATE civicrm_domain SET version = '{release}';")
}

fn domains_differ(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let versions = domain_versions(examined.case).unwrap_or_default();
    let differ = |pair: &[DomainVersion]| match pair {
        [one, other] => one.value != other.value,
        _ => false,
    };
    if !versions.windows(2).any(differ) {
        return;
    }
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
    let mut finding = Finding::new(check, message, fix).about("table", "civicrm_domain");
    finding.expected = agreed.map(str::to_owned);
    findings.push(finding);
}

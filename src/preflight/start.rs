//! What CiviCRM's code looks at before the first step: the version in `civicrm_domain`, and the server.

use super::failure::{Cause, Failure, Retry, When};
use crate::case::Case;
use crate::civicrm::detect::Detection;
use crate::civicrm::release::{Version, is_valid_format};
use crate::civicrm::requirements::{Fitness, Requirements};
use crate::civicrm::upgrade::path;
use crate::civicrm::version_state::{DetectedRelease, Proposer, VersionState};
use crate::server_version::ServerVersion;

/// What CiviCRM shows where the database looks as if an upgrade had begun.
pub(super) const PARTLY_UPGRADED: &str = "Database check failed - the database looks to have been partially upgraded. You may \
     want to reload the database with the backup and try the upgrade process again.";

/// The version from which the steps are counted, and what CiviCRM refuses before them.
pub(super) struct Start {
    /// The version with which the run goes on: the declared one, or the one that should stand there.
    pub from: Option<Version>,
    /// What CiviCRM refuses, in the order in which it looks.
    pub failures: Vec<Failure>,
}

fn refused(shown: String, version: Option<&str>, cause: Cause) -> Failure {
    Failure {
        when: When::Before,
        step: None,
        task: None,
        operation: None,
        table: Some("civicrm_domain".to_owned()),
        cause,
        shown,
        version_after: version.map(str::to_owned),
        retry: Retry::Works,
        mends: Vec::new(),
        condition: None,
    }
}

/// Looks at the version as CiviCRM's code of release `code` does (CRM/Upgrade/Form.php, checkUpgradeableVersion).
pub(super) fn start(case: &Case, code: &Version, server: &ServerVersion) -> Start {
    let Some(site) = &case.site else {
        return Start {
            from: None,
            failures: Vec::new(),
        };
    };
    let domain = site.domains.as_ref().and_then(|domains| {
        let first = domains.iter().find(|domain| domain.id == Some(1));
        first.or_else(|| domains.first().filter(|domain| domain.id.is_none()))
    });
    let any = site.domains.as_ref().and_then(|domains| domains.first());
    let value = domain.or(any).and_then(|domain| domain.version.as_deref());
    let mut failures = Vec::new();
    let mut refuse = |shown: String| failures.push(refused(shown, value, Cause::Version));
    if site.domains.is_some() && domain.is_none() {
        refuse("No domain in DB".to_owned());
    }
    let state = VersionState::of(value, case.catalogue);
    let proposed = || {
        let detected = case.detection().map(DetectedRelease::of);
        let proposer = Proposer {
            catalogue: case.catalogue,
            site,
            detected: detected.as_ref(),
        };
        Version::parse(&proposer.propose(value, &state)?)
    };
    let marks = code.major_minor() >= (3, 1);
    let version = value.and_then(Version::parse);
    let from = match value {
        None | Some("" | "0") => {
            if domain.is_some() || site.domains.is_none() {
                refuse("Version information missing in civicrm database.".to_owned());
            }
            proposed()
        }
        Some(text)
            if marks
                && text
                    .to_ascii_lowercase()
                    .find("upgrade")
                    .is_some_and(|at| at > 0) =>
        {
            refuse(PARTLY_UPGRADED.to_owned());
            proposed()
        }
        Some(text)
            if marks
                && converted(text).is_none()
                && (!is_valid_format(text) || text.ends_with('\n')) =>
        {
            refuse(
                "Database is marked with invalid version format. You may want to investigate this before you proceed \
                 further."
                    .to_owned(),
            );
            proposed()
        }
        Some(text) => match version {
            Some(version) if version > *code => {
                refuse(format!(
                    "Your database is marked with an unexpected version number: {text}. The automated upgrade to \
                     version {code} can not be run"
                ));
                proposed().filter(|proposed| proposed <= code)
            }
            Some(version) if version == *code => {
                let older = case
                    .detection()
                    .and_then(|detection| older(detection, code));
                if older.is_some() {
                    refuse(format!(
                        "Your database has already been upgraded to CiviCRM {code}"
                    ));
                }
                older.or(Some(version))
            }
            Some(version) => Some(converted(text).unwrap_or(version)),
            None => proposed(),
        },
    };
    if code.major_minor() >= (5, 28)
        && let Fitness::TooOld((major, minor, _)) = Requirements::of(code).fitness(server)
    {
        let shown = format!(
            "CiviCRM {code} requires MySQL version v{major}.{minor} (or newer), but the current system uses {server}"
        );
        let cause = Cause::Check(format!("{server} is older than CiviCRM {code} takes"));
        failures.push(refused(shown, value, cause));
    }
    let stack = case
        .snapshot
        .server
        .as_ref()
        .and_then(|server| server.variable("thread_stack"));
    if code.major_minor() >= (4, 3)
        && let Some(bytes) = stack.and_then(|stack| stack.parse::<u64>().ok())
        && bytes < 192 << 10
    {
        let shown = format!("CiviCRM {code} requires MySQL thread stack >= 192k");
        let cause = Cause::Check(format!("the server's thread_stack is {bytes} bytes"));
        failures.push(refused(shown, value, cause));
    }
    Start { from, failures }
}

/// The release that the schema is of, where it is older than the code for certain.
fn older(detection: &Detection, code: &Version) -> Option<Version> {
    let detected = DetectedRelease::of(detection);
    let newest = detected.also.iter().chain([&detected.state]);
    let newest = newest.filter_map(|state| Version::parse(state)).max()?;
    if newest.major_minor() >= code.major_minor() {
        return None;
    }
    Version::parse(&detected.release).or(Some(newest))
}

/// Old short forms that code up to 4.6 reads as other versions.
fn converted(text: &str) -> Option<Version> {
    let meant = match text {
        "2.1" => "2.1.0",
        "2.2" => "2.2.alpha1",
        "2.2.alph" => "2.2.alpha3",
        "3.1.0" => "3.1.1",
        _ => return None,
    };
    Version::parse(meant)
}

/// The version as its steps are numbered: those of 4.0, which has the schema of 3.4, are called after 3.4. The lowest
/// version that code takes is compared with the version itself.
pub(super) fn as_steps_count(version: &Version) -> Version {
    let rest = version.as_str().strip_prefix("4.0.");
    let twin = rest.and_then(|rest| Version::parse(&format!("3.4.{rest}")));
    twin.unwrap_or_else(|| version.clone())
}

/// Where code of the target does not take the version, what it says.
pub(super) fn below_minimum(from: &Version, code: &Version) -> Option<String> {
    let minimum = path::minimum(code).filter(|minimum| from < minimum)?;
    Some(format!(
        "CiviCRM versions prior to {minimum} cannot be upgraded directly to {code}."
    ))
}

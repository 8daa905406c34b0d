//! Triggers, functions and views. CiviCRM makes them from its own settings and the site's
//! fields, so that it alone knows what they are to say: there is advice, and no statement.

use super::Advice;
use crate::checks::table::{DEFINER_MISSING, ROUTINE_MISSING, TRIGGER_MISSING, VIEW_MISSING};
use crate::checks::{Findings, objects};
use crate::civicrm::catalogue::Catalogue;
use crate::civicrm::detect::Detection;
use crate::civicrm::release::Version;
use crate::civicrm::site::Site;
use crate::snapshot::Snapshot;

/// What to do about definers that do not exist, and about what is missing.
pub(super) fn advice(
    snapshot: &Snapshot,
    site: Option<&Site>,
    detection: &Detection,
    catalogue: &Catalogue,
) -> Vec<Advice> {
    let detected = Version::parse(detection.state.last_release());
    let newest = catalogue.states().last();
    let newest = newest
        .and_then(|state| Version::parse(&state.name))
        .map(|version| version.major_minor());
    let mut findings = Findings::default();
    objects::check(snapshot, site, detected, newest, &mut findings);
    let wanted = [
        &DEFINER_MISSING,
        &TRIGGER_MISSING,
        &ROUTINE_MISSING,
        &VIEW_MISSING,
    ];
    findings
        .list
        .into_iter()
        .filter(|finding| wanted.iter().any(|check| check.id == finding.check.id))
        .map(|finding| Advice {
            message: finding.message,
            fix: finding.fix,
        })
        .collect()
}

//! A finding about a line of the file.

use super::super::check::Check;
use super::super::examination::Examination;
use super::super::finding::{Finding, Findings};
use super::super::needs::{Lack, Need};
use crate::settings::{Defined, FilePlace, Held, NotFollowed, SettingsFacts};

pub(super) const OF_FILE: &[Need] = &[Need::Settings];
pub(super) const OF_RELEASE: &[Need] = &[Need::Settings, Need::Release];
pub(super) const BEFORE_UPGRADE: &[Need] = &[Need::Settings, Need::Target, Need::Release];

/// The name under which findings speak of the file.
pub(super) const FILE: &str = "civicrm.settings.php";

/// The settings file; the needs of the rules have seen to it that it is there.
pub(super) fn settings<'a>(examined: &Examination<'a, '_>) -> Option<&'a SettingsFacts> {
    examined.settings
}

/// The release as two numbers; the needs of the rules have seen to it that it is known.
pub(super) fn release(examined: &Examination) -> (u32, u32) {
    examined
        .release()
        .map_or((0, 0), |release| release.major_minor())
}

pub(super) fn release_name(examined: &Examination) -> String {
    examined
        .release()
        .map_or_else(String::new, |release| format!("CiviCRM {release}"))
}

/// A finding about a line of the file.
pub(super) fn at(
    check: &'static Check,
    place: Option<FilePlace>,
    message: &str,
    fix: String,
) -> Finding {
    let message = match place {
        Some(place) => format!("{message} ({place})"),
        None => message.to_owned(),
    };
    Finding::new(check, message, fix).about("file", FILE)
}

/// Says that something is missing; or that it cannot be told, where something is not followed that may define it.
pub(super) fn missing(
    check: &'static Check,
    facts: &SettingsFacts,
    findings: &mut Findings,
    what: &str,
    finding: Finding,
) {
    match &facts.not_followed {
        None => findings.push(finding),
        Some(NotFollowed {
            file,
            line,
            what: does,
        }) => findings.skip(
            check,
            Lack::of_promised(format!(
                "line {line} of {file} {does}, which may define {what}"
            )),
        ),
    }
}

pub(super) fn is_empty(defined: &Defined) -> bool {
    matches!(&defined.held, Held::Null)
        || matches!(&defined.held, Held::Text(text) if text.is_empty())
}

/// The advice to put a line into the file, with `how` as in `with the value of this site`: PHP keeps the first definition
/// of a constant, so that the line has to take the place of one that is there.
pub(super) fn put(defined: Option<&Defined>, how: &str, line: &str) -> String {
    match defined.map(|defined| defined.at) {
        None => format!("Add the line, {how}: {line}"),
        Some(Some(FilePlace { line: number, .. })) => {
            format!("Replace the definition on line {number} by this one, {how}: {line}")
        }
        Some(None) => format!(
            "Replace the definition, which stands in a file that {FILE} includes, by this one, {how}: {line}"
        ),
    }
}

/// Says that only PHP can tell what a constant holds.
pub(super) fn unknown(
    check: &'static Check,
    name: &str,
    defined: &Defined,
    findings: &mut Findings,
) {
    let place = defined.at.map(|place| format!(" ({place})"));
    let why = format!(
        "only PHP can tell what {name} holds{}",
        place.unwrap_or_default()
    );
    findings.skip(check, Lack::of_promised(why));
}

//! Rules about the extensions of CiviCRM: whether their code is there, and whether the release takes them.

use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::{Lack, Need};
use super::site::{holds, rows};
use crate::civicrm::extensions;
use crate::civicrm::release::Version;
use crate::settings::{ExtensionSeen, ExtensionsSeen};

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[
    &SITE_EXTENSION,
    &SITE_EXTENSION_MISSING,
    &SITE_EXTENSION_TARGET,
    &SITE_EXTENSION_CORE,
];

static SITE_EXTENSION: Check = Check {
    id: "site-extension",
    severity: Severity::Warning,
    title: "an extension is on that the release does without",
    why: "Its work is done by CiviCRM itself in this release. An upgrade step takes such extensions out: one that is on was \
          installed again, or the upgrade did not come to its end.",
    fix: "Turn the extension off and uninstall it.",
    example: "the extension org.civicrm.api4 is on, and CiviCRM 5.81.2 does without it",
    source: "Table civicrm_extension; the steps of 5.8 to 6.13 that take extensions out.",
    rules: &[Rule::new(
        Group::Site,
        &[Need::Site, Need::Release],
        obsolete,
    )],
};

static SITE_EXTENSION_MISSING: Check = Check {
    id: "site-extension-missing",
    severity: Severity::Error,
    title: "an extension is on, and its code is not on the disk",
    why: "Pages and jobs that use it end in errors, and the upgrade may stop at its first page.",
    fix: "Put the code of the extension back. Where nobody wants it any more, put it back, and uninstall it on CiviCRM's page for \
          extensions: that is the only way by which its tables and settings go as well.",
    example: "the extension org.example.own is on, and no info.xml below /var/www/site/files/civicrm/ext has this key",
    source: "Table civicrm_extension, setting extensionsDir; info.xml of each extension, attribute key.",
    rules: &[Rule::new(
        Group::Site,
        &[Need::Site, Need::Folders],
        missing,
    )],
};

static SITE_EXTENSION_TARGET: Check = Check {
    id: "site-extension-target",
    severity: Severity::Warning,
    title: "an extension is on that does not say it is for the target release",
    why: "An extension for another release may stop the upgrade, or the first page behind it.",
    fix: "Look for a release of the extension that is for the target, and put it in place right behind CiviCRM's code. Where there \
          is none, turn the extension off (do not uninstall it, which drops its tables) until the upgrade is done.",
    example: "the extension org.example.own is for CiviCRM 4.4 by its info.xml, and not for 5.81.2",
    source: "info.xml, compatibility: up to 4.7 CiviCRM's list of extensions asked for the very release; later releases go on from 4.7.",
    rules: &[Rule::new(
        Group::Site,
        &[Need::Site, Need::Target, Need::Folders],
        target,
    )],
};

static SITE_EXTENSION_CORE: Check = Check {
    id: "site-extension-core",
    severity: Severity::Warning,
    title: "an extension that is on became part of CiviCRM",
    why: "CiviCRM brings the extension with its own code. A copy in the folder of extensions is taken instead, and grows old.",
    fix: "Remove the copy from the folder of extensions when the new code of CiviCRM is in its place, and empty the caches. \
          Do not uninstall the extension.",
    example: "the extension org.civicrm.flexmailer is on, and comes with CiviCRM itself in 5.81.2; its copy is in \
              /var/www/site/files/civicrm/ext/flexmailer",
    source: "The steps of 5.24 to 6.12 that turn extensions on which come with CiviCRM.",
    rules: &[Rule::new(Group::Site, &[Need::Site, Need::Release], core)],
};

/// The keys of the extensions that are on; `None`, and said, where they are not known.
fn active(
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) -> Option<Vec<String>> {
    let rows = rows(check, examined, "civicrm_extension", findings)?;
    let active = rows.iter().filter(|row| holds(row, "is_active", b"1"));
    let keys = active.filter_map(|row| row.get("full_name")?.as_deref());
    Some(
        keys.map(|key| String::from_utf8_lossy(key).into_owned())
            .collect(),
    )
}

/// The extensions on the disk; `None`, and said where they were looked for in vain.
fn seen<'a>(
    check: &'static Check,
    examined: &Examination<'a, '_>,
    findings: &mut Findings,
) -> Option<&'a ExtensionsSeen> {
    match examined.settings?.extensions.as_ref()? {
        Ok(seen) => Some(seen),
        Err(why) => {
            let why = format!("the folder of extensions cannot be looked at: {why}");
            findings.skip(check, Lack::of_course(why));
            None
        }
    }
}

fn obsolete(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    // An upgrade takes them out: what counts is the release that runs.
    let Some(release) = examined.case.release() else {
        return;
    };
    let Some(active) = active(check, examined, findings) else {
        return;
    };
    for key in active {
        if extensions::is_obsolete(&key, &release) {
            let message =
                format!("the extension {key} is on, and CiviCRM {release} does without it");
            findings.push(Finding::new(check, message, check.fix).about("extension", key));
        }
    }
}

fn missing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(active), Some(seen)) = (
        active(check, examined, findings),
        seen(check, examined, findings),
    ) else {
        return;
    };
    let folders = seen
        .folders
        .iter()
        .map(|folder| folder.display().to_string());
    let folders: Vec<String> = folders.collect();
    for key in active {
        // The components of 5.63 on are extensions without a folder of their own in some releases.
        if seen.found.iter().any(|found| found.key == key) || extensions::is_component(&key) {
            continue;
        }
        let what = format!("the extension {key} is on, and no info.xml");
        let message = match &folders[..] {
            [] => format!("{what} is looked for, because the site has no folder of extensions"),
            folders => format!("{what} below {} has this key", folders.join(" and ")),
        };
        findings.push(Finding::new(check, message, check.fix).about("extension", key));
    }
}

/// Whether an extension says that it is for a release.
fn is_for(extension: &ExtensionSeen, release: &Version) -> bool {
    let release = release.major_minor();
    let mut releases = extension.releases.iter();
    match release < (4, 7) {
        true => releases.any(|one| *one == release),
        false => releases.any(|one| (4, 7) <= *one && *one <= release),
    }
}

fn target(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(target) = examined.release() else {
        return;
    };
    let (Some(active), Some(seen)) = (
        active(check, examined, findings),
        seen(check, examined, findings),
    ) else {
        return;
    };
    for key in active {
        let own = seen
            .found
            .iter()
            .find(|found| found.key == key && !found.is_of_code);
        let Some(own) = own.filter(|own| !own.releases.is_empty() && !is_for(own, &target)) else {
            continue;
        };
        if extensions::since(&key).is_some_and(|since| target.major_minor() >= since) {
            continue;
        }
        let releases = own
            .releases
            .iter()
            .map(|(major, minor)| format!("{major}.{minor}"));
        let message = format!(
            "the extension {key} is for CiviCRM {} by its info.xml, and not for {target}",
            releases.collect::<Vec<_>>().join(", ")
        );
        findings.push(Finding::new(check, message, check.fix).about("extension", key));
    }
}

fn core(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(release), Some(now)) = (examined.release(), examined.case.release()) else {
        return;
    };
    let Some(active) = active(check, examined, findings) else {
        return;
    };
    let on_disk = examined
        .settings
        .and_then(|settings| settings.extensions.as_ref()?.as_ref().ok());
    for key in active {
        let Some(since) = extensions::since(&key).filter(|since| release.major_minor() >= *since)
        else {
            continue;
        };
        let copy = on_disk.map(|seen| {
            seen.found
                .iter()
                .find(|found| found.key == key && !found.is_of_code)
        });
        let (copy, severity) = match copy {
            // Looked for, and not there: the extension is CiviCRM's own.
            Some(None) => continue,
            Some(Some(copy)) => (
                format!("; its copy is in {}", copy.folder.display()),
                check.severity,
            ),
            // Not looked for: a site of an earlier release that has it got it from elsewhere.
            None if now.major_minor() < since => (String::new(), Severity::Note),
            None => continue,
        };
        let message =
            format!("the extension {key} is on, and comes with CiviCRM itself in {release}{copy}");
        findings.push(
            Finding::new(check, message, check.fix)
                .severity(severity)
                .about("extension", key),
        );
    }
}

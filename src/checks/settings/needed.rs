//! Rules about what has to stand in the file, so that the release works or its upgrade begins.

use super::super::check::{Check, Group, Rule, Severity};
use super::super::examination::Examination;
use super::super::finding::{Finding, Findings};
use super::super::needs::Lack;
use super::line::{
    BEFORE_UPGRADE, FILE, OF_FILE, OF_RELEASE, at, is_empty, missing, put, release, release_name,
    settings, unknown,
};
use crate::settings::{Defined, FilePlace, Held, ROOT, SettingsFacts};

pub(super) static SETTINGS_REQUIRED: Check = Check {
    id: "settings-required",
    severity: Severity::Error,
    title: "civicrm.settings.php lacks a definition without which no page works",
    why: "CiviCRM stops on every page: it has no value of its own for these.",
    fix: "Add the line at the beginning of civicrm.settings.php, or give the line that is there a value.",
    example: "civicrm.settings.php does not define CIVICRM_TEMPLATE_COMPILEDIR",
    source: "Settings files of CiviCRM 2.2 to 6.15.",
    rules: &[
        Rule::new(Group::Settings, OF_FILE, required),
        Rule::new(Group::Begin, BEFORE_UPGRADE, |check, examined, findings| {
            errors_of(required, check, examined, findings);
        }),
    ],
};

pub(super) static SETTINGS_CLASS_LOADER: Check = Check {
    id: "settings-class-loader",
    severity: Severity::Error,
    title: "civicrm.settings.php lacks the lines that register the class loader",
    why: "From 4.2 on, pages and command line tools do not find CiviCRM's classes without them. The upgrade to 4.2 adds \
          them where the web server may write to the file, and stops with a message otherwise.",
    fix: "Put the two lines at the very end of civicrm.settings.php.",
    example: "the lines that register the class loader are not in civicrm.settings.php, and CiviCRM 5.81.2 needs them",
    source: "The step 4.2.beta2 adds the lines where their text does not stand in the file, not even in a comment.",
    rules: &[
        Rule::new(Group::Settings, OF_RELEASE, class_loader),
        Rule::new(Group::Begin, BEFORE_UPGRADE, class_loader_of_now),
    ],
};

pub(super) static SETTINGS_KEYS: Check = Check {
    id: "settings-keys",
    severity: Severity::Error,
    title: "civicrm.settings.php lacks the keys that encrypt credentials or sign tokens",
    why: "The upgrade to 6.10 and later refuses to begin without CIVICRM_CRED_KEYS. Before that, passwords of mail \
          servers and payment processors stand in the database as they are.",
    fix: "Add the line with a random text of your own in the place of one that is there, and keep a copy of it: what was encrypted with it cannot be read \
          without it.",
    example: "civicrm.settings.php does not define CIVICRM_CRED_KEYS, without which the upgrade to CiviCRM 6.10.2 does \
              not begin",
    source: "CIVICRM_CRED_KEYS since 5.34, needed since 6.10; CIVICRM_SIGN_KEYS since 5.36.",
    rules: &[
        Rule::new(Group::Settings, OF_RELEASE, keys),
        Rule::new(Group::Begin, BEFORE_UPGRADE, |check, examined, findings| {
            errors_of(keys, check, examined, findings);
        }),
    ],
};

pub(super) static SETTINGS_SITE_KEY: Check = Check {
    id: "settings-site-key",
    severity: Severity::Warning,
    title: "civicrm.settings.php has no site key of its own",
    why: "Cron jobs, mailing scripts and REST calls are refused without a site key; with one that everybody knows, \
          anybody may call them.",
    fix: "Define CIVICRM_SITE_KEY with a random text of your own in the place of the old definition, and give it to the cron job.",
    example: "civicrm.settings.php does not define CIVICRM_SITE_KEY",
    source: "Since CiviCRM 2.0.7.",
    rules: &[Rule::new(Group::Settings, OF_FILE, site_key)],
};

pub(super) static SETTINGS_CMS: Check = Check {
    id: "settings-cms",
    severity: Severity::Error,
    title: "CIVICRM_UF names no CMS that the release knows",
    why: "CiviCRM loads a class of this name, and without that class every page stops.",
    fix: "Set CIVICRM_UF to the name of the CMS that is there.",
    example: "CIVICRM_UF is 'Drupl', and CiviCRM knows no CMS of this name (line 3, column 9)",
    source: "Classes of CiviCRM for each CMS, by release.",
    rules: &[
        Rule::new(Group::Settings, OF_FILE, cms),
        Rule::new(Group::Begin, BEFORE_UPGRADE, unknown_cms),
    ],
};

/// A random text as a shell makes it, for advice.
const RANDOM: &str = "the output of: openssl rand -hex 16";

/// The CMS that CiviCRM has had classes for.
const KNOWN_CMS: [&str; 10] = [
    "Drupal",
    "Drupal6",
    "Drupal8",
    "Backdrop",
    "WordPress",
    "Joomla",
    "Standalone",
    "Mambo",
    "Soap",
    "UnitTests",
];

/// Folders in which sites of one CMS alone have the file.
const PLACES: [(&str, &str); 3] = [
    ("/wp-content/", "WordPress"),
    ("/components/com_civicrm/", "Joomla"),
    ("/private/civicrm.settings.php", "Standalone"),
];

/// Runs a rule for what keeps the upgrade from beginning: its errors alone.
fn errors_of(
    rule: fn(&'static Check, &Examination, &mut Findings),
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) {
    let mut found = Findings::default();
    rule(check, examined, &mut found);
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    found.list.retain(is_error);
    findings.merge(found);
}

fn required(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    for (name, line) in [
        (
            ROOT,
            "global $civicrm_root; $civicrm_root = '/path/to/civicrm';",
        ),
        ("CIVICRM_UF", "define('CIVICRM_UF', 'Drupal');"),
        (
            "CIVICRM_TEMPLATE_COMPILEDIR",
            "define('CIVICRM_TEMPLATE_COMPILEDIR', '/path/to/files/civicrm/templates_c/');",
        ),
        (
            "CIVICRM_UF_BASEURL",
            "define('CIVICRM_UF_BASEURL', 'https://www.example.org/');",
        ),
    ] {
        let message = match facts.get(name) {
            None => format!("{FILE} does not define {name}"),
            Some(defined) if is_empty(defined) => format!("{FILE} gives no value to {name}"),
            Some(_) => continue,
        };
        if name != ROOT && is_standalone(facts) && !facts.defined.contains_key(name) {
            let why = format!("{name} may come from the environment, as Standalone takes it");
            findings.skip(check, Lack::of_course(why));
            continue;
        }
        let defined = facts.get(name);
        let fix = put(defined, "with the value of this site", line);
        let finding = at(check, defined.and_then(|defined| defined.at), &message, fix);
        missing(check, facts, findings, name, finding);
    }
}

/// Whether the CMS is Standalone, which takes some definitions from the environment (5.79 on).
fn is_standalone(facts: &SettingsFacts) -> bool {
    let cms = facts.get("CIVICRM_UF").map(|defined| &defined.held);
    matches!(cms, Some(Held::Text(name)) if name == b"Standalone")
}

fn class_loader(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    if facts.has_class_loader || release(examined) < (4, 2) {
        return;
    }
    let message = format!(
        "the lines that register the class loader are not in {FILE}, and {} needs them",
        release_name(examined)
    );
    let fix = "Put these lines at the very end of civicrm.settings.php: require_once 'CRM/Core/ClassLoader.php'; \
               CRM_Core_ClassLoader::singleton()->register();";
    let finding = at(check, None, &message, fix.to_owned());
    missing(check, facts, findings, "it", finding);
}

/// The lines that the code of now needs to show the page of the upgrade; the upgrade from older code adds them.
fn class_loader_of_now(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let now = examined.case.release();
    if now.is_some_and(|now| now.major_minor() >= (4, 2)) {
        class_loader(check, examined, findings);
    }
}

fn keys(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let release = release(examined);
    let is_plain =
        |defined: &Defined| matches!(&defined.held, Held::Text(text) if text == b"plain");
    for (name, since, form) in [
        ("CIVICRM_CRED_KEYS", (5, 34), "aes-cbc:hkdf-sha256:RANDOM"),
        ("CIVICRM_SIGN_KEYS", (5, 36), "jwt-hs256:hkdf-sha256:RANDOM"),
    ] {
        let held = facts.get(name);
        if let Some(defined) = held
            && defined.held == Held::Unknown
            && release >= since
        {
            unknown(check, name, defined, findings);
            continue;
        }
        if release < since || held.is_some_and(|held| !is_empty(held) && !is_plain(held)) {
            continue;
        }
        let stops = name == "CIVICRM_CRED_KEYS" && release >= (6, 10);
        let what = match held {
            None => format!("{FILE} does not define {name}"),
            Some(_) => format!("{name} holds no key"),
        };
        let message = match stops {
            true => format!(
                "{what}, without which the upgrade to {} does not begin",
                release_name(examined)
            ),
            false => format!("{what}, so that {} does without", release_name(examined)),
        };
        let severity = if stops {
            Severity::Error
        } else {
            Severity::Note
        };
        let how = format!("with {RANDOM} in the place of RANDOM");
        let fix = put(held, &how, &format!("define('{name}', '{form}');"));
        let finding = at(check, held.and_then(|held| held.at), &message, fix).severity(severity);
        missing(check, facts, findings, name, finding);
    }
}

fn site_key(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    const NAME: &str = "CIVICRM_SITE_KEY";
    let held = facts.get(NAME);
    let message = match held.map(|held| &held.held) {
        None => format!("{FILE} does not define {NAME}"),
        Some(Held::Unknown) => {
            if let Some(defined) = held {
                unknown(check, NAME, defined, findings);
            }
            return;
        }
        Some(Held::Null) => format!("{NAME} holds no key"),
        Some(Held::Text(key)) => match key.len() {
            0 => format!("{NAME} holds no key"),
            // %%siteKey%% and the like stand in the file before it is installed.
            _ if key.contains(&b'%') => format!("{NAME} was never filled in"),
            1..8 => format!("{NAME} is so short that it can be guessed"),
            _ => return,
        },
    };
    let how = format!("with {RANDOM} in the place of RANDOM");
    let fix = put(held, &how, &format!("define('{NAME}', 'RANDOM');"));
    let finding = at(check, held.and_then(|held| held.at), &message, fix);
    missing(check, facts, findings, NAME, finding);
}

fn cms(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    unknown_cms(check, examined, findings);
    let Some((facts, place, name)) = named_cms(examined) else {
        return;
    };
    if !KNOWN_CMS.contains(&name.as_str()) {
        return;
    }
    let path = facts.path.display().to_string();
    let of_place = PLACES.iter().find(|(place, _)| path.contains(place));
    if let Some((_, of_place)) =
        of_place.filter(|(_, of_place)| *of_place != name && name != "UnitTests")
    {
        let message =
            format!("CIVICRM_UF is '{name}', and the file lies where sites of {of_place} have it");
        let fix = format!("Set it to {of_place}, or look whether the file is the one in use.");
        findings.push(at(check, place, &message, fix));
    }
}

/// The CMS that the file names; `None` for an empty name, which another check says.
fn named_cms<'a>(
    examined: &Examination<'a, '_>,
) -> Option<(&'a SettingsFacts, Option<FilePlace>, String)> {
    let facts = settings(examined)?;
    let defined = facts.get("CIVICRM_UF")?;
    let Held::Text(name) = &defined.held else {
        return None;
    };
    let name = String::from_utf8_lossy(name).into_owned();
    (!name.is_empty()).then_some((facts, defined.at, name))
}

fn unknown_cms(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some((_, place, name)) = named_cms(examined) else {
        return;
    };
    if KNOWN_CMS.contains(&name.as_str()) {
        return;
    }
    let message = format!("CIVICRM_UF is '{name}', and CiviCRM knows no CMS of this name");
    let fix =
        "Set it to Drupal (7), Drupal8 (8 and later), Backdrop, WordPress, Joomla or Standalone.";
    findings.push(at(check, place, &message, fix.to_owned()));
}

//! Rules about settings that the file overrides, or holds instead of the database.

use super::super::check::{Check, Group, Rule, Severity};
use super::super::examination::Examination;
use super::super::finding::Findings;
use super::line::{OF_RELEASE, at, is_empty, release, release_name, settings};
use crate::settings::Held;

pub(super) static SETTINGS_OVERRIDE_FORM: Check = Check {
    id: "settings-override-form",
    severity: Severity::Warning,
    title: "civicrm.settings.php overrides a setting in a form that the release does not read",
    why: "The override is ignored without a word, and the value in the database counts: mails may go out from a copy \
          of the site, or pages load from another one.",
    fix: "Put the new line behind the old one.",
    example: "the definition of 'URL Preferences.customCSSURL' is not read by CiviCRM 5.81.2 (line 12, column 9)",
    source: "define('Group.name') is read by 4.1 alone, $civicrm_setting from 4.2.0 on (the upgrade guide says 4.3).",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, override_form)],
};

pub(super) static SETTINGS_OVERRIDE_NAME: Check = Check {
    id: "settings-override-name",
    severity: Severity::Warning,
    title: "civicrm.settings.php overrides a setting under a name that the release does not know",
    why: "The override is ignored without a word, and the value in the database counts.",
    fix: "Use the new name.",
    example: "the override of 'is_enabled' has no effect in CiviCRM 6.10.2, where the setting is named \
              'multisite_is_enabled' (line 12, column 1)",
    source: "Renamed by the steps 4.7.alpha1 and 6.4.alpha1.",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, override_name)],
};

pub(super) static SETTINGS_NOT_TAKEN_OVER: Check = Check {
    id: "settings-not-taken-over",
    severity: Severity::Warning,
    title: "civicrm.settings.php defines what became a setting in 4.1, and the upgrade did not take it over",
    why: "The step 4.1.alpha1 fills the settings with fixed values and does not look at these definitions, which no \
          code reads from then on.",
    fix: "Put the line in the place of the definition, or delete the definition and set the value once on the page for \
          settings.",
    example: "the definition of CIVICRM_MULTISITE is not read by CiviCRM 5.81.2, where the setting 'is_enabled' has \
              its place (line 11, column 9)",
    source: "Settings files of 3.0 to 4.0, step 4.1.alpha1.",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, not_taken_over)],
};

pub(super) static SETTINGS_OBSOLETE: Check = Check {
    id: "settings-obsolete",
    severity: Severity::Note,
    title: "civicrm.settings.php holds what the release no longer reads",
    why: "The line does nothing. Whoever relies on it is wrong: the protection that CIVICRM_IDS_ENABLE turned off is on \
          again from 4.4 on.",
    fix: "Delete the line.",
    example: "CIVICRM_IDS_ENABLE has not been read since CiviCRM 4.4 (line 11, column 9)",
    source: "Constants that the code of each release reads.",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, obsolete)],
};

/// Settings that got another name: the old one, the new one, and the first release with it.
const RENAMED: [(&str, &str, (u32, u32)); 4] = [
    ("debug", "debug_enabled", (4, 7)),
    ("enableComponents", "enable_components", (4, 7)),
    ("maxAttachments", "max_attachments", (4, 7)),
    ("is_enabled", "multisite_is_enabled", (6, 4)),
];

/// What 3.0 to 4.0 read from the file and 4.1 keeps in the database: the constant, the group that the setting had in 4.1 to
/// 4.6, and the setting.
const NOT_TAKEN_OVER: [(&str, &str, &str); 13] = [
    ("CIVICRM_MULTISITE", "Multi Site Preferences", "is_enabled"),
    (
        "CIVICRM_UNIQ_EMAIL_PER_SITE",
        "Multi Site Preferences",
        "uniq_email_per_site",
    ),
    (
        "CIVICRM_DOMAIN_GROUP_ID",
        "Multi Site Preferences",
        "domain_group_id",
    ),
    (
        "CIVICRM_DOMAIN_ORG_ID",
        "Multi Site Preferences",
        "domain_org_id",
    ),
    (
        "CIVICRM_EVENT_PRICE_SET_DOMAIN_ID",
        "Multi Site Preferences",
        "event_price_set_domain_id",
    ),
    (
        "CIVICRM_ACTIVITY_ASSIGNEE_MAIL",
        "CiviCRM Preferences",
        "activity_assignee_notification",
    ),
    (
        "CIVICRM_PROFILE_DOUBLE_OPTIN",
        "Mailing Preferences",
        "profile_double_optin",
    ),
    (
        "CIVICRM_PROFILE_ADD_TO_GROUP_DOUBLE_OPTIN",
        "Mailing Preferences",
        "profile_add_to_group_double_optin",
    ),
    (
        "CIVICRM_CONTACT_AJAX_CHECK_SIMILAR",
        "CiviCRM Preferences",
        "contact_ajax_check_similar",
    ),
    (
        "CIVICRM_TRACK_CIVIMAIL_REPLIES",
        "Mailing Preferences",
        "track_civimail_replies",
    ),
    (
        "CIVICRM_TAG_UNCONFIRMED",
        "Campaign Preferences",
        "tag_unconfirmed",
    ),
    (
        "CIVICRM_PETITION_CONTACTS",
        "Campaign Preferences",
        "petition_contacts",
    ),
    (
        "CIVICRM_CIVIMAIL_WORKFLOW",
        "Mailing Preferences",
        "civimail_workflow",
    ),
];

/// Constants that code no longer reads: the first release without them, and what has taken their place.
const OBSOLETE: [(&str, (u32, u32), &str); 20] = [
    ("CIVICRM_HRD", (3, 3), ""),
    ("CIVICRM_ALLOW_ALL", (3, 4), ""),
    ("CIVICRM_SUNLIGHT", (4, 1), ""),
    ("CIVICRM_USE_MEMCACHE", (4, 2), "CIVICRM_DB_CACHE_CLASS"),
    ("CIVICRM_SMS_CLASS", (4, 2), "the page for SMS providers"),
    ("CIVICRM_SMS_USERNAME", (4, 2), "the page for SMS providers"),
    ("CIVICRM_SMS_PASSWORD", (4, 2), "the page for SMS providers"),
    ("CIVICRM_MEMCACHE_HOST", (4, 3), "CIVICRM_DB_CACHE_HOST"),
    ("CIVICRM_MEMCACHE_PORT", (4, 3), "CIVICRM_DB_CACHE_PORT"),
    (
        "CIVICRM_MEMCACHE_TIMEOUT",
        (4, 3),
        "CIVICRM_DB_CACHE_TIMEOUT",
    ),
    (
        "CIVICRM_IDS_ENABLE",
        (4, 4),
        "the permission 'skip IDS check'",
    ),
    ("CIVICRM_MEMCACHE_PREFIX", (4, 7), "CIVICRM_DB_CACHE_PREFIX"),
    ("CIVICRM_SETTINGS_LOCAL_PATH", (4, 7), ""),
    ("CIVICRM_GROUPTREE", (5, 0), ""),
    ("CIVICRM_UF_HEAD", (5, 0), ""),
    ("CIVICRM_SYMFONY_PATH", (5, 0), ""),
    ("CIVICRM_SUPPORT_MULTIPLE_LOCKS", (5, 20), ""),
    ("CIVICRM_BAO_CACHE_ADAPTER", (5, 29), ""),
    ("CIVICRM_MYSQL_STRICT", (5, 34), ""),
    (
        "CIVICRM_SMARTY3_AUTOLOAD_PATH",
        (5, 71),
        "CIVICRM_SMARTY_AUTOLOAD_PATH",
    ),
];

fn override_form(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let (release, release_name) = (release(examined), release_name(examined));
    if release >= (4, 2) {
        for (name, defined) in &facts.defined {
            let Some((group, setting)) = name.split_once('.') else {
                continue;
            };
            let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
            let fix = format!(
                "Put this line behind it, which takes over its value: global $civicrm_setting; \
                 $civicrm_setting['{}']['{}'] = constant('{}');",
                quoted(group),
                quoted(setting),
                quoted(name)
            );
            let message = format!("the definition of '{name}' is not read by {release_name}");
            findings.push(at(check, defined.at, &message, fix));
        }
    }
    if release == (4, 1) {
        for one in &facts.overrides {
            let message = format!(
                "$civicrm_setting['{}']['{}'] is not read by {release_name}",
                one.group, one.name
            );
            let fix = format!(
                "CiviCRM 4.1 reads this form alone: define('{}.{}', …); with the same value.",
                one.group, one.name
            );
            findings.push(at(check, Some(one.at), &message, fix));
        }
    }
}

fn override_name(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    for one in &facts.overrides {
        let renamed = RENAMED.iter().find(|(old, _, _)| *old == one.name);
        let Some((old, new, _)) = renamed.filter(|(_, _, since)| release(examined) >= *since)
        else {
            continue;
        };
        let message = format!(
            "the override of '{old}' has no effect in {}, where the setting is named '{new}'",
            release_name(examined)
        );
        let fix = format!("Write $civicrm_setting['domain']['{new}'] in its place.");
        findings.push(at(check, Some(one.at), &message, fix));
    }
}

fn not_taken_over(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let release = release(examined);
    if release < (4, 1) {
        return;
    }
    for (name, group, old) in NOT_TAKEN_OVER {
        let Some(defined) = facts.get(name) else {
            continue;
        };
        // As installed, 0 or nothing: the settings have the same.
        if is_empty(defined) || matches!(&defined.held, Held::Text(text) if text == b"0") {
            continue;
        }
        let renamed = RENAMED.iter().find(|(name, ..)| *name == old);
        let renamed = renamed.filter(|(_, _, since)| release >= *since);
        let setting = renamed.map_or(old, |(_, new, _)| *new);
        let message = format!(
            "the definition of {name} is not read by {}, where the setting '{setting}' has its place",
            release_name(examined)
        );
        let (value, place) = match &defined.held {
            Held::Text(text) if text.iter().all(u8::is_ascii_digit) => {
                let number = String::from_utf8_lossy(text).into_owned();
                (number, "in the place of the definition")
            }
            _ => (format!("constant('{name}')"), "behind the definition"),
        };
        let group = if release < (4, 7) { group } else { "domain" };
        let line = match release {
            (4, 1) => format!("define('{group}.{setting}', {value});"),
            _ => format!(
                "global $civicrm_setting; $civicrm_setting['{group}']['{setting}'] = {value};"
            ),
        };
        let fix = format!(
            "Put this line {place}: {line} Or delete the definition, and set the value once on the page for settings."
        );
        findings.push(at(check, defined.at, &message, fix));
    }
}

fn obsolete(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let (release, release_name) = (release(examined), release_name(examined));
    for (name, since, instead) in OBSOLETE {
        let Some(defined) = facts.get(name).filter(|_| release >= since) else {
            continue;
        };
        let message = format!(
            "{name} has not been read since CiviCRM {}.{}",
            since.0, since.1
        );
        let fix = match instead {
            "" => "Delete the line.".to_owned(),
            instead => format!("Delete the line; {instead} has taken its place."),
        };
        findings.push(at(check, defined.at, &message, fix));
    }
    if let Some(place) = facts.line_endings.filter(|_| release >= (5, 62)) {
        let message = format!(
            "{release_name} asks for auto_detect_line_endings to be taken out, which PHP gives up"
        );
        findings.push(at(
            check,
            Some(place),
            &message,
            "Delete the line.".to_owned(),
        ));
    }
}

//! Rules about `civicrm.settings.php`: what the release, or the one to upgrade to, needs in it, no longer reads, or
//! reads in another form. They know the file and the release alone, and where somebody has looked for
//! them, the folders that it names.

use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::{Lack, Need};
use crate::settings::{Defined, FilePlace, FolderState, Held, ROOT, SettingsFacts};

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[
    &SETTINGS_REQUIRED,
    &SETTINGS_CLASS_LOADER,
    &SETTINGS_KEYS,
    &SETTINGS_SITE_KEY,
    &SETTINGS_DSN,
    &SETTINGS_UF_DSN,
    &SETTINGS_SECOND,
    &SETTINGS_OVERRIDE_FORM,
    &SETTINGS_OVERRIDE_NAME,
    &SETTINGS_NOT_TAKEN_OVER,
    &SETTINGS_OBSOLETE,
    &SETTINGS_CMS,
    &SETTINGS_READABLE,
    &SETTINGS_PATH,
];

const OF_FILE: &[Need] = &[Need::Settings];
const OF_RELEASE: &[Need] = &[Need::Settings, Need::Release];

static SETTINGS_REQUIRED: Check = Check {
    id: "settings-required",
    severity: Severity::Error,
    title: "civicrm.settings.php lacks a definition without which no page works",
    why: "CiviCRM stops on every page: it has no value of its own for these.",
    fix: "Add the line at the beginning of civicrm.settings.php.",
    example: "civicrm.settings.php does not define CIVICRM_TEMPLATE_COMPILEDIR",
    source: "Settings files of CiviCRM 2.2 to 6.15.",
    rules: &[Rule::new(Group::Settings, OF_FILE, required)],
};

static SETTINGS_CLASS_LOADER: Check = Check {
    id: "settings-class-loader",
    severity: Severity::Error,
    title: "civicrm.settings.php lacks the lines that register the class loader",
    why: "From 4.2 on, pages and command line tools do not find CiviCRM's classes without them. The upgrade to 4.2 adds \
          them where the web server may write to the file, and stops with a message otherwise.",
    fix: "Put the two lines at the very end of civicrm.settings.php.",
    example: "the lines that register the class loader are not in civicrm.settings.php, and CiviCRM 5.81.2 needs them",
    source: "The step 4.2.beta2 looks for the same text in the file.",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, class_loader)],
};

static SETTINGS_KEYS: Check = Check {
    id: "settings-keys",
    severity: Severity::Error,
    title: "civicrm.settings.php lacks the keys that encrypt credentials or sign tokens",
    why: "The upgrade to 6.10 and later refuses to begin without CIVICRM_CRED_KEYS. Before that, passwords of mail \
          servers and payment processors stand in the database as they are.",
    fix: "Add the line with a random text of your own, and keep a copy of it: what was encrypted with it cannot be read \
          without it.",
    example: "civicrm.settings.php does not define CIVICRM_CRED_KEYS, without which the upgrade to CiviCRM 6.10.2 does \
              not begin",
    source: "CIVICRM_CRED_KEYS since 5.34, needed since 6.10; CIVICRM_SIGN_KEYS since 5.36.",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, keys)],
};

static SETTINGS_SITE_KEY: Check = Check {
    id: "settings-site-key",
    severity: Severity::Warning,
    title: "civicrm.settings.php has no site key of its own",
    why: "Cron jobs, mailing scripts and REST calls are refused without a site key; with one that everybody knows, \
          anybody may call them.",
    fix: "Define CIVICRM_SITE_KEY with a random text of your own, and give it to the cron job.",
    example: "civicrm.settings.php does not define CIVICRM_SITE_KEY",
    source: "Since CiviCRM 2.0.7.",
    rules: &[Rule::new(Group::Settings, OF_FILE, site_key)],
};

static SETTINGS_DSN: Check = Check {
    id: "settings-dsn",
    severity: Severity::Warning,
    title: "a DSN in civicrm.settings.php is not what it should be",
    why: "A DSN that cannot be read stops pages that use the CMS's tables; log tables in another database are in no \
          backup of CiviCRM's own.",
    fix: "Write it as mysql://user:password@host/database?new_link=true, with %40 for @ and the like in a password.",
    example: "CIVICRM_UF_DSN is not a DSN (line 5, column 9)",
    source: "",
    rules: &[
        Rule::new(Group::Settings, OF_FILE, dsn),
        Rule::new(Group::Settings, OF_RELEASE, new_link),
    ],
};

static SETTINGS_UF_DSN: Check = Check {
    id: "settings-uf-dsn",
    severity: Severity::Warning,
    title: "CIVICRM_UF_DSN names another database than the CMS's own settings",
    why: "CiviCRM reads and writes the users of another site: after a move or a copy only one of the two files was changed.",
    fix: "Let CIVICRM_UF_DSN name the database of the CMS.",
    example: "CIVICRM_UF_DSN names the database cms, and settings.php of the CMS names drupal (line 5, column 9)",
    source: "Drupal: $databases, $db_url; Backdrop: $database; WordPress: DB_NAME; Joomla: $db.",
    rules: &[Rule::new(Group::Settings, OF_FILE, uf_dsn)],
};

static SETTINGS_SECOND: Check = Check {
    id: "settings-second",
    severity: Severity::Warning,
    title: "a site has two settings files that name two databases",
    why: "One of them is not in use, or is in use by one half of the site: whoever changes one finds nothing changed.",
    fix: "Find out which of the two is right, make the other one the same (Joomla) or delete it (WordPress).",
    example: "wp-content/plugins/civicrm/civicrm.settings.php is there as well, and names the database old",
    source: "Places where CiviCRM looks for its settings file in WordPress and Joomla.",
    rules: &[Rule::new(Group::Settings, OF_FILE, second)],
};

static SETTINGS_OVERRIDE_FORM: Check = Check {
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

static SETTINGS_OVERRIDE_NAME: Check = Check {
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

static SETTINGS_NOT_TAKEN_OVER: Check = Check {
    id: "settings-not-taken-over",
    severity: Severity::Warning,
    title: "civicrm.settings.php defines what became a setting in 4.1, and the upgrade did not take it over",
    why: "The step 4.1.alpha1 fills the settings with fixed values and does not look at these definitions, which no \
          code reads from then on.",
    fix: "Set the value on the page for settings once, or add the line; then delete the definition.",
    example: "the definition of CIVICRM_MULTISITE is not read by CiviCRM 5.81.2, where the setting 'is_enabled' has \
              its place (line 11, column 9)",
    source: "Settings files of 3.0 to 4.0, step 4.1.alpha1.",
    rules: &[Rule::new(Group::Settings, OF_RELEASE, not_taken_over)],
};

static SETTINGS_OBSOLETE: Check = Check {
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

static SETTINGS_CMS: Check = Check {
    id: "settings-cms",
    severity: Severity::Error,
    title: "CIVICRM_UF names no CMS that the release knows",
    why: "CiviCRM loads a class of this name, and without that class every page stops.",
    fix: "Set CIVICRM_UF to the name of the CMS that is there.",
    example: "CIVICRM_UF is 'Drupl', and CiviCRM knows no CMS of this name (line 3, column 9)",
    source: "Classes of CiviCRM for each CMS, by release.",
    rules: &[Rule::new(Group::Settings, OF_FILE, cms)],
};

static SETTINGS_READABLE: Check = Check {
    id: "settings-readable",
    severity: Severity::Warning,
    title: "every user of the machine may read civicrm.settings.php",
    why: "The passwords of the database stand in it.",
    fix: "Take the right to read from others, and give it to the group of the web server.",
    example: "civicrm.settings.php may be read by every user of the machine (mode 644)",
    source: "",
    rules: &[Rule::new(Group::Settings, OF_FILE, readable)],
};

static SETTINGS_PATH: Check = Check {
    id: "settings-path",
    severity: Severity::Error,
    title: "civicrm.settings.php names a folder that is not there",
    why: "CiviCRM stops on every page: it finds neither its code nor a place for compiled templates. Mostly the file came \
          from another machine.",
    fix: "Correct the path in civicrm.settings.php.",
    example: "$civicrm_root is /var/www/site/civicrm, which is not there (line 7, column 1)",
    source: "",
    rules: &[Rule::new(
        Group::Settings,
        &[Need::Settings, Need::Folders],
        folders,
    )],
};

/// A random text as a shell makes it, for advice.
const RANDOM: &str = "the output of: openssl rand -hex 16";

/// The settings file; the needs of the rules have seen to it that it is there.
fn settings<'a>(examined: &Examination<'a, '_>) -> Option<&'a SettingsFacts> {
    examined.settings
}

/// The release as two numbers; the needs of the rules have seen to it that it is known.
fn release(examined: &Examination) -> (u32, u32) {
    examined
        .release()
        .map_or((0, 0), |release| release.major_minor())
}

fn release_name(examined: &Examination) -> String {
    examined
        .release()
        .map_or_else(String::new, |release| format!("CiviCRM {release}"))
}

/// A finding about a line of the file.
fn at(check: &'static Check, place: Option<FilePlace>, message: &str, fix: String) -> Finding {
    let message = match place {
        Some(place) => format!("{message} ({place})"),
        None => message.to_owned(),
    };
    Finding::new(check, message, fix).about("file", FILE)
}

/// The name under which findings speak of the file.
const FILE: &str = "civicrm.settings.php";

/// Says that something is missing; or that it cannot be told, where a file is included that was not read.
fn missing(
    check: &'static Check,
    facts: &SettingsFacts,
    findings: &mut Findings,
    what: &str,
    finding: Finding,
) {
    match facts.not_followed {
        None => findings.push(finding),
        Some(line) => findings.skip(
            check,
            Lack::of_promised(format!(
                "line {line} of {FILE} includes a file that was not read, which may define {what}"
            )),
        ),
    }
}

fn is_empty(defined: &Defined) -> bool {
    matches!(&defined.held, Held::Null)
        || matches!(&defined.held, Held::Text(text) if text.is_empty())
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
        let place = facts.get(name).and_then(|defined| defined.at);
        let fix = format!("Add the line, with the value of this site: {line}");
        let finding = at(check, place, &message, fix);
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
        let fix = format!(
            "Add the line, with {RANDOM} in the place of RANDOM: define('{name}', '{form}');"
        );
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
        Some(Held::Unknown) => return,
        Some(Held::Null) => format!("{NAME} holds no key"),
        Some(Held::Text(key)) => match key.len() {
            0 => format!("{NAME} holds no key"),
            // %%siteKey%% and the like stand in the file before it is installed.
            _ if key.contains(&b'%') => format!("{NAME} was never filled in"),
            1..8 => format!("{NAME} is so short that it can be guessed"),
            _ => return,
        },
    };
    let fix =
        format!("Add the line, with {RANDOM} in the place of RANDOM: define('{NAME}', 'RANDOM');");
    let finding = at(check, held.and_then(|held| held.at), &message, fix);
    missing(check, facts, findings, NAME, finding);
}

fn dsn(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let database = |name: &str| match facts.get(name).map(|defined| &defined.held) {
        Some(Held::Text(dsn)) if !dsn.is_empty() => {
            Some(crate::settings::parse_dsn(dsn).map(|login| login.database.unwrap_or_default()))
        }
        _ => None,
    };
    for name in ["CIVICRM_UF_DSN", "CIVICRM_LOGGING_DSN"] {
        if let Some(Err(_)) = database(name) {
            let place = facts.get(name).and_then(|defined| defined.at);
            let message = format!("{name} is not a DSN");
            findings.push(at(check, place, &message, check.fix.to_owned()));
        }
    }
    if let (Some(Ok(own)), Some(Ok(log))) =
        (database("CIVICRM_DSN"), database("CIVICRM_LOGGING_DSN"))
        && own != log
    {
        let place = facts
            .get("CIVICRM_LOGGING_DSN")
            .and_then(|defined| defined.at);
        let message =
            format!("CIVICRM_LOGGING_DSN leads to the database {log}, and CIVICRM_DSN to {own}");
        let fix =
            format!("Back up the database {log} as well: the log tables are in no dump of {own}.");
        findings.push(at(check, place, &message, fix).severity(Severity::Note));
    }
}

/// The DSN that a constant holds, as text and read.
fn dsn_of(facts: &SettingsFacts, name: &str) -> Option<(String, crate::server::login::Login)> {
    let Held::Text(text) = &facts.get(name)?.held else {
        return None;
    };
    let login = crate::settings::parse_dsn(text).ok()?;
    Some((String::from_utf8_lossy(text).into_owned(), login))
}

fn new_link(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    // Later releases use mysqli, which makes a connection for each DSN.
    if release(examined) >= (4, 7) {
        return;
    }
    let (Some((own_text, own)), Some((cms_text, cms))) = (
        dsn_of(facts, "CIVICRM_DSN"),
        dsn_of(facts, "CIVICRM_UF_DSN"),
    ) else {
        return;
    };
    let has_link = |text: &str| text.contains("new_link=true") || text.contains("new_link=1");
    let is_one_connection = own.host == cms.host && own.port == cms.port && own.user == cms.user;
    if own.database == cms.database
        || !is_one_connection
        || (has_link(&own_text) && has_link(&cms_text))
    {
        return;
    }
    let name = match has_link(&own_text) {
        true => "CIVICRM_UF_DSN",
        false => "CIVICRM_DSN",
    };
    let message = format!(
        "{name} lacks new_link=true, and CiviCRM and the CMS have two databases on one account"
    );
    let fix = format!(
        "Add ?new_link=true to the end of {name}: without it PHP takes one connection for both, and looks for tables in the wrong database."
    );
    let place = facts.get(name).and_then(|defined| defined.at);
    findings.push(at(check, place, &message, fix));
}

fn uf_dsn(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const NAME: &str = "CIVICRM_UF_DSN";
    let Some((facts, cms)) =
        settings(examined).and_then(|facts| Some((facts, facts.cms.as_ref()?)))
    else {
        return;
    };
    let Some((_, login)) = dsn_of(facts, NAME) else {
        return;
    };
    let file = cms.path.file_name().unwrap_or_default().to_string_lossy();
    if cms.is_part {
        let why = format!(
            "{file} of the CMS includes files that were not read, which may name another database"
        );
        findings.skip(check, Lack::of_promised(why));
        return;
    }
    let (Some(own), Some(of_cms)) = (&login.database, &cms.database) else {
        return;
    };
    let message = match own == of_cms {
        false => format!("{NAME} names the database {own}, and {file} of the CMS names {of_cms}"),
        true => {
            let is_here = |host: &Option<String>| {
                host.as_deref()
                    .is_none_or(|host| matches!(host, "" | "localhost" | "127.0.0.1" | "::1"))
            };
            let is_same = login.host == cms.host || (is_here(&login.host) && is_here(&cms.host));
            let port_in_host = cms
                .host
                .as_ref()
                .is_some_and(|host| host.contains([':', '/']));
            if is_same || port_in_host || cms.host.is_none() {
                return;
            }
            let (own, of_cms) = (login.host.as_deref(), cms.host.as_deref());
            format!(
                "{NAME} names the server {}, and {file} of the CMS names {}",
                own.unwrap_or("localhost"),
                of_cms.unwrap_or("localhost")
            )
        }
    };
    let place = facts.get(NAME).and_then(|defined| defined.at);
    findings.push(at(check, place, &message, check.fix.to_owned()));
}

fn second(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let Some((path, Some(database))) = &facts.second else {
        return;
    };
    let own = dsn_of(facts, "CIVICRM_DSN").and_then(|(_, login)| login.database);
    if own.is_none_or(|own| own == *database) {
        return;
    }
    let parts: Vec<_> = path.components().collect();
    let end: std::path::PathBuf = parts.iter().rev().take(4).rev().collect();
    let message = format!(
        "{} is there as well, and names the database {database}",
        end.display()
    );
    findings.push(at(check, None, &message, check.fix.to_owned()));
}

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

/// Settings that got another name: the old one, the new one, and the first release with it.
const RENAMED: [(&str, &str, (u32, u32)); 4] = [
    ("debug", "debug_enabled", (4, 7)),
    ("enableComponents", "enable_components", (4, 7)),
    ("maxAttachments", "max_attachments", (4, 7)),
    ("is_enabled", "multisite_is_enabled", (6, 4)),
];

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

/// What 3.0 to 4.0 read from the file and 4.1 keeps in the database: the constant, and the setting.
const NOT_TAKEN_OVER: [(&str, &str); 13] = [
    ("CIVICRM_MULTISITE", "is_enabled"),
    ("CIVICRM_UNIQ_EMAIL_PER_SITE", "uniq_email_per_site"),
    ("CIVICRM_DOMAIN_GROUP_ID", "domain_group_id"),
    ("CIVICRM_DOMAIN_ORG_ID", "domain_org_id"),
    (
        "CIVICRM_EVENT_PRICE_SET_DOMAIN_ID",
        "event_price_set_domain_id",
    ),
    (
        "CIVICRM_ACTIVITY_ASSIGNEE_MAIL",
        "activity_assignee_notification",
    ),
    ("CIVICRM_PROFILE_DOUBLE_OPTIN", "profile_double_optin"),
    (
        "CIVICRM_PROFILE_ADD_TO_GROUP_DOUBLE_OPTIN",
        "profile_add_to_group_double_optin",
    ),
    (
        "CIVICRM_CONTACT_AJAX_CHECK_SIMILAR",
        "contact_ajax_check_similar",
    ),
    ("CIVICRM_TRACK_CIVIMAIL_REPLIES", "track_civimail_replies"),
    ("CIVICRM_TAG_UNCONFIRMED", "tag_unconfirmed"),
    ("CIVICRM_PETITION_CONTACTS", "petition_contacts"),
    ("CIVICRM_CIVIMAIL_WORKFLOW", "civimail_workflow"),
];

fn not_taken_over(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    if release(examined) < (4, 1) {
        return;
    }
    for (name, setting) in NOT_TAKEN_OVER {
        let Some(defined) = facts.get(name) else {
            continue;
        };
        // As installed, 0 or nothing: the settings have the same.
        if is_empty(defined) || matches!(&defined.held, Held::Text(text) if text == b"0") {
            continue;
        }
        let message = format!(
            "the definition of {name} is not read by {}, where the setting '{setting}' has its place",
            release_name(examined)
        );
        findings.push(at(check, defined.at, &message, check.fix.to_owned()));
    }
}

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

fn cms(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let Some(Defined {
        at: place,
        held: Held::Text(name),
    }) = facts.get("CIVICRM_UF")
    else {
        return;
    };
    let name = String::from_utf8_lossy(name);
    // The empty one is missing, which another check says.
    if name.is_empty() {
        return;
    }
    if KNOWN_CMS.contains(&name.as_ref()) {
        let path = facts.path.display().to_string();
        let of_place = PLACES.iter().find(|(place, _)| path.contains(place));
        if let Some((_, of_place)) =
            of_place.filter(|(_, of_place)| *of_place != name && name != "UnitTests")
        {
            let message = format!(
                "CIVICRM_UF is '{name}', and the file lies where sites of {of_place} have it"
            );
            let fix = format!("Set it to {of_place}, or look whether the file is the one in use.");
            findings.push(at(check, *place, &message, fix));
        }
        return;
    }
    let message = format!("CIVICRM_UF is '{name}', and CiviCRM knows no CMS of this name");
    let fix =
        "Set it to Drupal (7), Drupal8 (8 and later), Backdrop, WordPress, Joomla or Standalone.";
    findings.push(at(check, *place, &message, fix.to_owned()));
}

fn readable(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    if facts.mode & 0o004 == 0 {
        return;
    }
    let message = format!(
        "{FILE} may be read by every user of the machine (mode {:o})",
        facts.mode
    );
    let path = crate::text::shell_word(&facts.path.display().to_string());
    let fix =
        format!("chgrp www-data {path} && chmod 640 {path}, with the group of the web server.");
    findings.push(at(check, None, &message, fix));
}

fn folders(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    for folder in facts.folders.iter().flatten() {
        let (name, path) = (folder.name, folder.path.display());
        let what = match folder.state {
            FolderState::There => continue,
            FolderState::Hidden => {
                let why = format!("this account may not look for {name}");
                findings.skip(check, Lack::of_promised(why));
                continue;
            }
            FolderState::Missing => "which is not there",
            FolderState::ReadOnly => "into which nobody may write",
            FolderState::WithoutCode => {
                "a folder without CRM/Core/Config.php, so not that of CiviCRM's code"
            }
        };
        let message = format!("{name} is {path}, {what}");
        findings.push(at(check, folder.at, &message, check.fix.to_owned()));
    }
}

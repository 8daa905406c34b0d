//! The checks of `civicrm.settings.php`: silent on healthy files of all CMS and eras, and each fault gives its finding
//! and no other.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cividb::checks::{Examination, Findings, Group, Selection, Severity, examine};
use cividb::civicrm::release::Version;
use cividb::settings::SettingsFacts;
use cividb::snapshot::Snapshot;

use crate::common;
use crate::server;

/// A settings file as a site of this CMS and this release has it.
pub fn healthy(cms: &str, release: (u32, u32)) -> String {
    let mut file = format!(
        "<?php\nglobal $civicrm_root, $civicrm_setting;\ndefine('CIVICRM_UF', '{cms}');\n\
         define('CIVICRM_DSN', 'mysql://civi:p%40ss@localhost/civicrm?new_link=true');\n"
    );
    if !matches!(cms, "WordPress" | "Standalone") {
        file += "define('CIVICRM_UF_DSN', 'mysql://cms:p%40ss@localhost/cms?new_link=true');\n";
    }
    if release >= (3, 3) {
        file += "define('CIVICRM_LOGGING_DSN', CIVICRM_DSN);\n";
    }
    file += "$civicrm_root = '/var/www/site/civicrm';\n\
             define('CIVICRM_TEMPLATE_COMPILEDIR', '/var/www/site/files/civicrm/templates_c/');\n\
             define('CIVICRM_UF_BASEURL', 'https://www.example.org/');\n\
             define('CIVICRM_SITE_KEY', 'aSecretOfThisSiteAlone');\n";
    if release >= (3, 0) {
        file += "define('CIVICRM_DOMAIN_ID', 1);\n";
    }
    if ((3, 0)..(4, 1)).contains(&release) {
        file +=
            "define('CIVICRM_MULTISITE', null);\ndefine('CIVICRM_EVENT_PRICE_SET_DOMAIN_ID', 0);\n";
    }
    if ((3, 2)..(4, 4)).contains(&release) {
        file += "define('CIVICRM_IDS_ENABLE', 1);\n";
    }
    if release == (4, 1) {
        file += "define('Mailing Preferences.verpSeparator', '.');\n";
    }
    if release >= (4, 2) {
        file += "$civicrm_setting['Mailing Preferences']['verpSeparator'] = '.';\n";
    }
    if release >= (5, 34) {
        file += "define('CIVICRM_CRED_KEYS', 'aes-cbc:hkdf-sha256:aRandomText');\n\
                 define('CIVICRM_SIGN_KEYS', 'jwt-hs256:hkdf-sha256:aRandomText');\n";
    }
    if release < (5, 62) {
        file += "ini_set('auto_detect_line_endings', '1');\n";
    }
    file += "$include_path = '.' . PATH_SEPARATOR . $civicrm_root . PATH_SEPARATOR . get_include_path();\n\
             set_include_path($include_path);\n\
             if (!defined('CIVICRM_CLEANURL')) {\n  define('CIVICRM_CLEANURL', 1);\n}\n";
    if release >= (4, 2) {
        file += "require_once 'CRM/Core/ClassLoader.php';\nCRM_Core_ClassLoader::singleton()->register();\n";
    }
    file
}

/// What is read of a file of this text and these permissions.
pub fn facts_of(folder: &Path, text: &str, mode: u32) -> SettingsFacts {
    let path = folder.join("civicrm.settings.php");
    std::fs::write(&path, text).expect("it is written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("it is set");
    SettingsFacts::read(&path, false).expect("it is read")
}

/// What the checks find in a file for a release, on a machine with the folders that healthy files name.
fn findings(text: &str, mode: u32, release: &str) -> Findings {
    let folder = tempfile::tempdir().expect("a folder");
    for made in [
        "var/www/site/civicrm/CRM/Core",
        "var/www/site/files/civicrm/templates_c",
    ] {
        std::fs::create_dir_all(folder.path().join(made)).expect("it is made");
    }
    let code = folder
        .path()
        .join("var/www/site/civicrm/CRM/Core/Config.php");
    std::fs::write(code, "").expect("it is written");
    let mut facts = facts_of(folder.path(), text, mode);
    facts.look_below(folder.path());
    findings_of(&facts, release)
}

/// The same, on a machine without these folders.
pub fn findings_elsewhere(text: &str, mode: u32, release: &str) -> Findings {
    let folder = tempfile::tempdir().expect("a folder");
    let mut facts = facts_of(folder.path(), text, mode);
    facts.look_below(folder.path());
    findings_of(&facts, release)
}

/// What they find in the settings file at `path` of a site, beside another file.
pub fn findings_beside(
    (path, text): (&str, &str),
    (other, other_text): (&str, &str),
    release: &str,
) -> Findings {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in [(path, text), (other, other_text)] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(&path, text).expect("it is written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("it is set");
    }
    let facts = SettingsFacts::read(&folder.path().join(path), false).expect("it is read");
    findings_of(&facts, release)
}

/// What the checks find for a release, of what was read of a file.
fn findings_of(facts: &SettingsFacts, release: &str) -> Findings {
    let case = common::case(Snapshot::default());
    let case = case.to_release(Version::parse(release));
    let mut examined = Examination::of(&case);
    examined.settings = Some(facts);
    examine(&examined, &[Group::Settings], &Selection::default())
}

const RELEASES: [(&str, (u32, u32)); 14] = [
    ("2.2.9", (2, 2)),
    ("3.2.5", (3, 2)),
    ("3.4.8", (3, 4)),
    ("4.0.8", (4, 0)),
    ("4.1.6", (4, 1)),
    ("4.2.22", (4, 2)),
    ("4.3.11", (4, 3)),
    ("4.4.21", (4, 4)),
    ("4.7.31", (4, 7)),
    ("5.33.2", (5, 33)),
    ("5.57.0", (5, 57)),
    ("5.81.2", (5, 81)),
    ("6.4.1", (6, 4)),
    ("6.10.2", (6, 10)),
];

#[test]
fn healthy_settings_files_of_all_cms_and_eras_give_no_finding() {
    for cms in [
        "Drupal",
        "Drupal6",
        "Drupal8",
        "Backdrop",
        "WordPress",
        "Joomla",
        "Standalone",
    ] {
        for (name, release) in RELEASES {
            let found = findings(&healthy(cms, release), 0o640, name);
            let messages: Vec<&String> = found.list.iter().map(|it| &it.message).collect();
            assert_eq!(messages, [""; 0], "{cms} {name}");
            assert_eq!(found.not_checked, [], "{cms} {name}");
        }
    }
}

/// A fault: the release, the text that is replaced and what takes its place; the finding.
type Fault = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Severity,
    &'static str,
);

use Severity::{Error, Note, Warning};

const FAULTS: &[Fault] = &[
    (
        "5.81.2",
        "$civicrm_root = '/var/www/site/civicrm';",
        "",
        "settings-required",
        Error,
        "does not define $civicrm_root",
    ),
    (
        "2.2.9",
        "$civicrm_root = '/var/www/site/civicrm';",
        "$civicrm_root = '';",
        "settings-required",
        Error,
        "gives no value to $civicrm_root (line 6, column 1)",
    ),
    (
        "4.4.21",
        "define('CIVICRM_UF', 'Drupal');",
        "",
        "settings-required",
        Error,
        "does not define CIVICRM_UF",
    ),
    (
        "4.4.21",
        "define('CIVICRM_TEMPLATE_COMPILEDIR', '/var/www/site/files/civicrm/templates_c/');",
        "",
        "settings-required",
        Error,
        "does not define CIVICRM_TEMPLATE_COMPILEDIR",
    ),
    (
        "6.10.2",
        "define('CIVICRM_UF_BASEURL', 'https://www.example.org/');",
        "// define('CIVICRM_UF_BASEURL', 'https://www.example.org/');",
        "settings-required",
        Error,
        "does not define CIVICRM_UF_BASEURL",
    ),
    (
        "4.2.22",
        "CRM_Core_ClassLoader::singleton()->register();",
        "",
        "settings-class-loader",
        Error,
        "class loader are not in civicrm.settings.php, and CiviCRM 4.2.22",
    ),
    (
        "6.10.2",
        "CRM_Core_ClassLoader::singleton()->register();",
        "",
        "settings-class-loader",
        Error,
        "CiviCRM 6.10.2 needs them",
    ),
    (
        "6.10.2",
        "define('CIVICRM_CRED_KEYS', 'aes-cbc:hkdf-sha256:aRandomText');",
        "",
        "settings-keys",
        Error,
        "does not define CIVICRM_CRED_KEYS, without which the upgrade to CiviCRM 6.10.2 does not begin",
    ),
    (
        "6.10.2",
        "'aes-cbc:hkdf-sha256:aRandomText'",
        "'plain'",
        "settings-keys",
        Error,
        "CIVICRM_CRED_KEYS holds no key",
    ),
    (
        "6.10.2",
        "'aes-cbc:hkdf-sha256:aRandomText'",
        "''",
        "settings-keys",
        Error,
        "CIVICRM_CRED_KEYS holds no key",
    ),
    (
        "5.81.2",
        "define('CIVICRM_CRED_KEYS', 'aes-cbc:hkdf-sha256:aRandomText');",
        "",
        "settings-keys",
        Note,
        "does not define CIVICRM_CRED_KEYS, so that CiviCRM 5.81.2 does without",
    ),
    (
        "6.10.2",
        "define('CIVICRM_SIGN_KEYS', 'jwt-hs256:hkdf-sha256:aRandomText');",
        "",
        "settings-keys",
        Note,
        "does not define CIVICRM_SIGN_KEYS",
    ),
    (
        "4.4.21",
        "define('CIVICRM_SITE_KEY', 'aSecretOfThisSiteAlone');",
        "",
        "settings-site-key",
        Warning,
        "does not define CIVICRM_SITE_KEY",
    ),
    (
        "3.4.8",
        "'aSecretOfThisSiteAlone'",
        "null",
        "settings-site-key",
        Warning,
        "CIVICRM_SITE_KEY holds no key",
    ),
    (
        "4.4.21",
        "'aSecretOfThisSiteAlone'",
        "'%%siteKey%%'",
        "settings-site-key",
        Warning,
        "CIVICRM_SITE_KEY was never filled in",
    ),
    (
        "4.4.21",
        "'aSecretOfThisSiteAlone'",
        "'civi'",
        "settings-site-key",
        Warning,
        "so short that it can be guessed",
    ),
    (
        "4.4.21",
        "'mysql://cms:p%40ss@localhost/cms?new_link=true'",
        "'localhost'",
        "settings-dsn",
        Warning,
        "CIVICRM_UF_DSN is not a DSN (line 5, column 9)",
    ),
    (
        "4.4.21",
        "'CIVICRM_LOGGING_DSN', CIVICRM_DSN",
        "'CIVICRM_LOGGING_DSN', 'mysql://civi:p%40ss@localhost/logs'",
        "settings-dsn",
        Note,
        "CIVICRM_LOGGING_DSN leads to the database logs, and CIVICRM_DSN to civicrm",
    ),
    (
        "4.2.22",
        "$civicrm_setting['Mailing Preferences']['verpSeparator'] = '.';",
        "define('Mailing Preferences.verpSeparator', '.');",
        "settings-override-form",
        Warning,
        "'Mailing Preferences.verpSeparator' is not read by CiviCRM 4.2.22",
    ),
    (
        "5.81.2",
        "$civicrm_setting['Mailing Preferences']['verpSeparator'] = '.';",
        "define('URL Preferences.customCSSURL', '');",
        "settings-override-form",
        Warning,
        "'URL Preferences.customCSSURL' is not read",
    ),
    (
        "4.1.6",
        "define('Mailing Preferences.verpSeparator', '.');",
        "$civicrm_setting['Mailing Preferences']['verpSeparator'] = '.';",
        "settings-override-form",
        Warning,
        "is not read by CiviCRM 4.1.6",
    ),
    (
        "4.7.31",
        "['verpSeparator']",
        "['debug']",
        "settings-override-name",
        Warning,
        "'debug' has no effect in CiviCRM 4.7.31, where the setting is named 'debug_enabled'",
    ),
    (
        "4.7.31",
        "['verpSeparator']",
        "['enableComponents']",
        "settings-override-name",
        Warning,
        "'enable_components'",
    ),
    (
        "5.81.2",
        "['verpSeparator']",
        "['maxAttachments']",
        "settings-override-name",
        Warning,
        "'max_attachments'",
    ),
    (
        "6.4.1",
        "['Mailing Preferences']['verpSeparator']",
        "['domain']['is_enabled']",
        "settings-override-name",
        Warning,
        "'multisite_is_enabled'",
    ),
    (
        "4.4.21",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('CIVICRM_MULTISITE', TRUE);",
        "settings-not-taken-over",
        Warning,
        "the definition of CIVICRM_MULTISITE is not read by CiviCRM 4.4.21, where the setting 'is_enabled'",
    ),
    (
        "4.1.6",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('CIVICRM_TRACK_CIVIMAIL_REPLIES', 1);",
        "settings-not-taken-over",
        Warning,
        "'track_civimail_replies'",
    ),
    (
        "5.81.2",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('CIVICRM_PROFILE_DOUBLE_OPTIN', 1);",
        "settings-not-taken-over",
        Warning,
        "'profile_double_optin'",
    ),
    (
        "4.4.21",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('CIVICRM_IDS_ENABLE', 0);",
        "settings-obsolete",
        Note,
        "CIVICRM_IDS_ENABLE has not been read since CiviCRM 4.4 (line 11, column 9)",
    ),
    (
        "4.2.22",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('CIVICRM_USE_MEMCACHE', 0);",
        "settings-obsolete",
        Note,
        "CIVICRM_USE_MEMCACHE has not been read since CiviCRM 4.2",
    ),
    (
        "5.81.2",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('CIVICRM_MYSQL_STRICT', TRUE);",
        "settings-obsolete",
        Note,
        "since CiviCRM 5.34",
    ),
    (
        "5.81.2",
        "define('CIVICRM_DOMAIN_ID', 1);",
        "ini_set('auto_detect_line_endings', '1');",
        "settings-obsolete",
        Note,
        "auto_detect_line_endings",
    ),
    (
        "4.4.21",
        "'CIVICRM_UF', 'Drupal'",
        "'CIVICRM_UF', 'Drupl'",
        "settings-cms",
        Error,
        "CIVICRM_UF is 'Drupl', and CiviCRM knows no CMS of this name (line 3, column 9)",
    ),
];

#[test]
fn each_fault_of_a_settings_file_gives_its_finding_alone() {
    let mut wrong = Vec::new();
    for (release, old, new, check, severity, says) in FAULTS {
        let (_, numbers) = RELEASES
            .iter()
            .find(|(name, _)| name == release)
            .expect("a release");
        let text = healthy("Drupal", *numbers);
        assert!(text.contains(old), "{release}: {old}");
        let found = findings(&text.replace(old, new), 0o640, release);
        let right = match &found.list[..] {
            [one] => {
                one.check.id == *check && one.severity == *severity && one.message.contains(says)
            }
            _ => false,
        };
        if !right || !found.not_checked.is_empty() {
            wrong.push(format!(
                "{release} {old} -> {new}: {:#?} {:?}",
                found.list, found.not_checked
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = findings(&healthy("Drupal", (4, 4)), 0o644, "4.4.21");
    let [one] = &found.list[..] else {
        panic!("{:?}", found.list)
    };
    assert_eq!(one.check.id, "settings-readable");
}

#[test]
fn what_an_included_file_may_define_is_not_said_to_be_missing() {
    let text = healthy("Drupal", (5, 81));
    let text = text.replace(
        "$civicrm_root = '/var/www/site/civicrm';",
        "include '/nowhere/local.php';",
    );
    let found = findings(&text, 0o640, "5.81.2");
    assert_eq!(found.list, []);
    let required = found.not_checked.iter();
    let [one] = &required
        .filter(|it| it.check == "settings-required")
        .collect::<Vec<_>>()[..]
    else {
        panic!("{:?}", found.not_checked)
    };
    assert!(one.incomplete);
    assert!(one.why.contains("line 7"), "{}", one.why);
    // What is defined behind it may have been defined there before.
    let mut others = found.not_checked.iter().map(|it| it.why.as_str());
    assert!(others.any(|why| why.contains("what CIVICRM_CRED_KEYS holds")));
}

#[test]
fn the_advice_for_a_key_that_is_there_is_to_replace_it() {
    let text = healthy("Drupal", (6, 10));
    for (old, name, value) in [
        (
            "'aes-cbc:hkdf-sha256:aRandomText'",
            "CIVICRM_CRED_KEYS",
            "''",
        ),
        (
            "'jwt-hs256:hkdf-sha256:aRandomText'",
            "CIVICRM_SIGN_KEYS",
            "'plain'",
        ),
        ("'aSecretOfThisSiteAlone'", "CIVICRM_SITE_KEY", "''"),
        ("'Drupal'", "CIVICRM_UF", "''"),
    ] {
        let text = text.replace(old, value);
        let found = findings(&text, 0o640, "6.10.2");
        let [one] = &found.list[..] else {
            panic!("{name}: {:?}", found.list)
        };
        let line = text
            .lines()
            .position(|line| line.contains(&format!("'{name}'")));
        let line = line.expect("a line") + 1;
        assert!(
            one.fix.starts_with(&format!(
                "Replace the definition on line {line} by this one, "
            )),
            "{}",
            one.fix
        );
    }
    let found = findings(
        &text.replace("define('CIVICRM_SITE_KEY'", "// ("),
        0o640,
        "6.10.2",
    );
    assert!(
        found.list[0].fix.starts_with("Add the line, "),
        "{:?}",
        found.list
    );
}

#[test]
fn a_key_that_only_php_can_tell_is_not_said_to_be_right() {
    let text = healthy("Drupal", (6, 10));
    for (old, name) in [
        ("'aes-cbc:hkdf-sha256:aRandomText'", "CIVICRM_CRED_KEYS"),
        ("'jwt-hs256:hkdf-sha256:aRandomText'", "CIVICRM_SIGN_KEYS"),
        ("'aSecretOfThisSiteAlone'", "CIVICRM_SITE_KEY"),
    ] {
        let found = findings(&text.replace(old, "getenv('X') ?: ''"), 0o640, "6.10.2");
        assert_eq!(found.list, [], "{name}");
        let [one] = &found.not_checked[..] else {
            panic!("{name}: {:?}", found.not_checked)
        };
        let says = format!("only PHP can tell what {name} holds (line ");
        assert!(one.incomplete && one.why.starts_with(&says), "{}", one.why);
    }
}

#[test]
fn the_line_for_what_became_a_setting_is_of_the_release() {
    for (release, numbers, value, line) in [
        (
            "6.10.2",
            (6, 10),
            "1",
            "in the place of the definition: global $civicrm_setting; \
             $civicrm_setting['domain']['multisite_is_enabled'] = 1;",
        ),
        (
            "5.81.2",
            (5, 81),
            "'x'",
            "behind the definition: global $civicrm_setting; \
             $civicrm_setting['domain']['is_enabled'] = constant('CIVICRM_MULTISITE');",
        ),
        (
            "4.4.21",
            (4, 4),
            "TRUE",
            "$civicrm_setting['Multi Site Preferences']['is_enabled'] = 1;",
        ),
        (
            "4.1.6",
            (4, 1),
            "TRUE",
            "define('Multi Site Preferences.is_enabled', 1);",
        ),
    ] {
        let text = healthy("Drupal", numbers).replace(
            "define('CIVICRM_DOMAIN_ID', 1);",
            &format!("define('CIVICRM_MULTISITE', {value});"),
        );
        let found = findings(&text, 0o640, release);
        let [one] = &found.list[..] else {
            panic!("{release}: {:?}", found.list)
        };
        assert!(one.fix.contains(line), "{release}: {}", one.fix);
    }
}

#[test]
fn folders_are_looked_for_where_somebody_says_so_alone() {
    let text = healthy("Drupal", (5, 81));
    let folder = tempfile::tempdir().expect("a folder");
    let mut facts = facts_of(folder.path(), &text, 0o640);
    let unasked = findings_of(&facts, "5.81.2");
    assert_eq!(unasked.list, []);
    let [one] = &unasked.not_checked[..] else {
        panic!("{:?}", unasked.not_checked)
    };
    assert_eq!((one.check, one.incomplete), ("settings-path", false));
    facts.look_below(folder.path());
    let messages = |facts: &SettingsFacts| {
        let found = findings_of(facts, "5.81.2");
        let messages = found.list.into_iter().map(|finding| finding.message);
        messages.collect::<Vec<String>>()
    };
    assert_eq!(
        messages(&facts),
        [
            "$civicrm_root is /var/www/site/civicrm, which is not there (line 7, column 1)",
            "CIVICRM_TEMPLATE_COMPILEDIR is /var/www/site/files/civicrm/templates_c/, which is not there (line 8, column 9)",
        ]
    );
    for made in [
        "var/www/site/civicrm",
        "var/www/site/files/civicrm/templates_c",
    ] {
        std::fs::create_dir_all(folder.path().join(made)).expect("it is made");
    }
    facts.look_below(folder.path());
    let [one] = &messages(&facts)[..] else {
        panic!("{:?}", messages(&facts))
    };
    assert!(one.contains("not that of CiviCRM's code"), "{one}");
}

#[test]
fn a_file_that_lies_where_another_cms_keeps_it_is_noticed() {
    for (place, cms, other) in [
        ("wp-content/uploads/civicrm", "WordPress", "Drupal"),
        (
            "administrator/components/com_civicrm",
            "Joomla",
            "WordPress",
        ),
        ("private", "Standalone", "Drupal8"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join(place);
        std::fs::create_dir_all(&place).expect("it is made");
        let facts = facts_of(&place, &healthy(cms, (6, 4)), 0o640);
        assert_eq!(findings_of(&facts, "6.4.1").list, [], "{cms}");
        let facts = facts_of(&place, &healthy(other, (6, 4)), 0o640);
        let found = findings_of(&facts, "6.4.1");
        let [one] = &found.list[..] else {
            panic!("{:?}", found.list)
        };
        assert!(
            one.message.contains(&format!("sites of {cms} have it")),
            "{}",
            one.message
        );
    }
}

#[test]
fn what_standalone_takes_from_the_environment_is_not_said_to_be_missing() {
    let text = healthy("Standalone", (6, 4));
    let text = text.replace(
        "define('CIVICRM_UF_BASEURL', 'https://www.example.org/');",
        "",
    );
    let found = findings(&text, 0o640, "6.4.1");
    assert_eq!(found.list, []);
    let [one] = &found.not_checked[..] else {
        panic!("{:?}", found.not_checked)
    };
    assert_eq!((one.check, one.incomplete), ("settings-required", false));
}

/// The advice that takes over an override in the old form is PHP that says the same as the old line.
#[test]
fn the_line_for_an_override_names_the_old_definition() {
    let text = healthy("Drupal", (4, 4)).replace(
        "define('CIVICRM_DOMAIN_ID', 1);",
        "define('URL Preferences.customCSSURL', '/secret.css');",
    );
    let found = findings(&text, 0o640, "4.4.21");
    let [one] = &found.list[..] else {
        panic!("{:?}", found.list)
    };
    assert!(
        one.fix.contains("$civicrm_setting['URL Preferences']['customCSSURL'] = constant('URL Preferences.customCSSURL');"),
        "{}",
        one.fix
    );
    assert!(!format!("{} {}", one.message, one.fix).contains("secret"));
}

#[test]
fn check_of_a_site_looks_at_its_settings_file_as_well() {
    let Some(server) = server::installed() else {
        return;
    };
    server.load("with_settings", &common::sample());
    let folder = tempfile::tempdir().expect("a folder");
    let socket = server.socket().display().to_string();
    let dsn = format!("mysql://root@unix({socket})/with_settings");
    let text = healthy("Drupal", (5, 81))
        .replace("mysql://civi:p%40ss@localhost/civicrm?new_link=true", &dsn)
        .replace("CRM_Core_ClassLoader::singleton()->register();", "");
    facts_of(folder.path(), &text, 0o640);
    let arguments = [
        "check",
        ".",
        "--no-rows",
        "--only",
        "settings-class-loader,settings-keys",
        "--format",
        "json",
    ];
    let report = common::json(&common::cividb(folder.path(), &arguments));
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 1, "{report:#}");
    assert_eq!(findings[0]["check"], "settings-class-loader");
    let explained = [
        "explain",
        "The settings file (x) must be updated.",
        "--source",
        ".",
        "--format",
        "json",
    ];
    let report = common::json(&common::cividb(folder.path(), &explained));
    assert_eq!(
        report["messages"]["explained"][0]["causes"][0]["found"], true,
        "{report:#}"
    );
}

#[test]
fn what_the_settings_file_keeps_from_beginning_is_no_upgrade_that_finishes() {
    let Some(server) = server::installed() else {
        return;
    };
    server.load("not_begun", &common::sample());
    let socket = server.socket().display().to_string();
    let dsn = format!("mysql://root@unix({socket})/not_begun");
    let healthy = healthy("Drupal", (5, 81))
        .replace("mysql://civi:p%40ss@localhost/civicrm?new_link=true", &dsn);
    let key = "define('CIVICRM_CRED_KEYS', 'aes-cbc:hkdf-sha256:aRandomText');";
    let folder = tempfile::tempdir().expect("a folder");
    let report = |command: &str, text: &str| {
        facts_of(folder.path(), text, 0o640);
        let arguments = [
            command,
            ".",
            "--target",
            "6.10.2",
            "--format",
            "json",
            "--skip",
            "charset-differs",
        ];
        common::json(&common::cividb(folder.path(), &arguments))
    };
    for command in ["preflight", "check"] {
        let good = report(command, &healthy);
        assert_eq!(good["preflight"]["outcome"], "finishes", "{good:#}");
        for (text, check) in [
            (healthy.replace(key, ""), "settings-keys"),
            (
                healthy.replace("'CIVICRM_UF', 'Drupal'", "'CIVICRM_UF', 'Drupl'"),
                "settings-cms",
            ),
            (
                healthy.replace("CRM_Core_ClassLoader::singleton()->register();", ""),
                "settings-class-loader",
            ),
        ] {
            let bad = report(command, &text);
            assert_eq!(bad["verdict"], "fail", "{bad:#}");
            assert_eq!(bad["preflight"]["outcome"], "stops", "{bad:#}");
            assert_eq!(
                bad["preflight"]["failures"][0]["phase"], "before",
                "{bad:#}"
            );
            let findings = bad["findings"].as_array().expect("a list").iter();
            let of_check = findings.filter(|it| it["check"] == check && it["severity"] == "error");
            assert_eq!(of_check.count(), 1, "{bad:#}");
        }
    }
    facts_of(folder.path(), &healthy.replace(key, ""), 0o640);
    let arguments = ["preflight", ".", "--target", "6.10.2", "--quiet"];
    let printed = common::cividb(folder.path(), &arguments);
    assert!(
        common::text(&printed.stdout).contains("will stop before the first step"),
        "{}",
        common::text(&printed.stdout)
    );
}

#[test]
fn the_cms_s_own_file_is_held_against_civicrm_s() {
    let drupal = "sites/default/civicrm.settings.php";
    let healthy_file = healthy("Drupal", (4, 4));
    let with = |text: &str, own: &str| {
        let found = findings_beside(
            (drupal, own),
            ("sites/default/settings.php", text),
            "4.4.21",
        );
        let list = found.list.iter();
        list.map(|finding| format!("{}: {}", finding.check.id, finding.message))
            .collect::<Vec<String>>()
    };
    let databases = |database: &str, host: &str| {
        format!(
            "<?php\n$databases['default']['default'] = array('database' => '{database}', 'username' => 'u', 'host' => '{host}');"
        )
    };
    for host in [
        "localhost",
        "127.0.0.1",
        "",
        "localhost:/var/run/mysqld.sock",
    ] {
        assert_eq!(
            with(&databases("cms", host), &healthy_file),
            [""; 0],
            "{host}"
        );
    }
    assert_eq!(
        with(&databases("old", "localhost"), &healthy_file),
        [
            "settings-uf-dsn: CIVICRM_UF_DSN names the database cms, and settings.php of the CMS names old (line 5, column 9)"
        ]
    );
    assert_eq!(
        with(&databases("cms", "db.example.net"), &healthy_file),
        [
            "settings-uf-dsn: CIVICRM_UF_DSN names the server localhost, and settings.php of the CMS names db.example.net (line 5, column 9)"
        ]
    );
    // What only PHP knows is no finding.
    let of_env = "<?php $databases['default']['default']['database'] = getenv('DB');";
    assert_eq!(with(of_env, &healthy_file), [""; 0]);
    let included = format!(
        "{}\ninclude getenv('OTHER');",
        databases("old", "localhost")
    );
    assert_eq!(with(&included, &healthy_file), [""; 0]);
}

#[test]
fn two_databases_on_one_account_need_links_of_their_own_before_4_7() {
    let one_account = healthy("Drupal", (4, 4)).replace("mysql://cms:", "mysql://civi:");
    let found = |text: &str, release: &str| {
        let list = findings(text, 0o640, release).list;
        list.iter()
            .map(|finding| finding.message.clone())
            .collect::<Vec<String>>()
    };
    assert_eq!(found(&one_account, "4.4.21"), [""; 0]);
    let without = one_account.replace("localhost/cms?new_link=true", "localhost/cms");
    assert_eq!(
        found(&without, "4.4.21"),
        [
            "CIVICRM_UF_DSN lacks new_link=true, and CiviCRM and the CMS have two databases on one account (line 5, column 9)"
        ]
    );
    // Two accounts, one database, or a later release: nothing is wrong.
    assert_eq!(
        found(
            &without.replace(
                "mysql://civi:p%40ss@localhost/cms",
                "mysql://cms:p@localhost/cms"
            ),
            "4.4.21"
        ),
        [""; 0]
    );
    assert_eq!(
        found(
            &without.replace("localhost/cms", "localhost/civicrm"),
            "4.4.21"
        ),
        [""; 0]
    );
    let newer = healthy("Drupal", (5, 33))
        .replace("?new_link=true", "")
        .replace("mysql://cms:", "mysql://civi:");
    assert_eq!(found(&newer, "5.33.2"), [""; 0]);
}

#[test]
fn the_second_file_of_a_site_is_named_where_it_leads_elsewhere() {
    let [uploads, plugins] =
        ["uploads", "plugins"].map(|it| format!("wp-content/{it}/civicrm/civicrm.settings.php"));
    let text = healthy("WordPress", (5, 81));
    let found = |other: &str| {
        let list = findings_beside((&uploads, &text), (&plugins, other), "5.81.2").list;
        list.iter()
            .map(|finding| finding.message.clone())
            .collect::<Vec<String>>()
    };
    assert_eq!(found(&text), [""; 0]);
    assert_eq!(
        found(&text.replace("localhost/civicrm", "localhost/old")),
        [
            "wp-content/plugins/civicrm/civicrm.settings.php is there as well, and names the database old"
        ]
    );
    assert_eq!(found("<?php"), [""; 0]);
}

#[test]
fn a_folder_of_compiled_templates_into_which_nobody_may_write_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let compiled = folder.path().join("var/www/site/files/civicrm/templates_c");
    for made in [
        compiled.clone(),
        folder.path().join("var/www/site/civicrm/CRM/Core"),
    ] {
        std::fs::create_dir_all(made).expect("it is made");
    }
    std::fs::write(
        folder
            .path()
            .join("var/www/site/civicrm/CRM/Core/Config.php"),
        "",
    )
    .expect("it is written");
    std::fs::set_permissions(&compiled, PermissionsExt::from_mode(0o555)).expect("it is set");
    let mut facts = facts_of(folder.path(), &healthy("Drupal", (5, 81)), 0o640);
    facts.look_below(folder.path());
    let list = findings_of(&facts, "5.81.2").list;
    let messages: Vec<&str> = list
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    std::fs::set_permissions(&compiled, PermissionsExt::from_mode(0o755)).expect("it is set");
    assert!(
        matches!(messages[..], [one] if one.starts_with("CIVICRM_TEMPLATE_COMPILEDIR is /var/www/site/files/civicrm/templates_c/, into which nobody may write")),
        "{messages:?}"
    );
}

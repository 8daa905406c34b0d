//! Sites of every CMS, healthy and with one fault each, in a dump and on a real server: what `site-*` checks find.

use std::collections::BTreeSet;
use std::path::Path;

use cividb::case::Case;
use cividb::checks::{Examination, Group, Selection, examine, registry};
use cividb::civicrm::release::Version;
use cividb::civicrm::site;
use cividb::cms::Platform;
use cividb::server::reader::{self, ReadOptions};
use cividb::settings::SettingsFacts;
use cividb::snapshot::Snapshot;

use crate::common;
use crate::sample_sites::Kind::{
    Backdrop, Drupal6, Drupal7, Drupal10, Joomla, Standalone, WordPress,
};
use crate::sample_sites::{
    ALL, JOOMLA_RULES, Kind, Site, array, days_ago, list, s, wordpress_roles,
};
use crate::server::{self, Server};
use crate::settings;

/// A fault: of which sites, what makes it, whether the site is to be upgraded, and what is found.
struct Fault(&'static [Kind], fn(&mut Site), bool, &'static str);

const SMTP: &str = "s:1:\"0\";";

fn variable(site: &mut Site, name: &str, value: &str) {
    let table = format!("{}variable", site.prefix());
    site.set(&table, ("name", name), "value", value);
}

fn system(site: &mut Site, column: &str, value: &str) {
    let table = format!("{}system", site.prefix());
    site.set(&table, ("name", "civicrm"), column, value);
}

fn off(site: &mut Site) {
    match site.kind {
        Drupal6 | Drupal7 | Backdrop => system(site, "status", "0"),
        WordPress => {
            let value = list(&["akismet/akismet.php"]);
            site.set(
                "wp_options",
                ("option_name", "active_plugins"),
                "option_value",
                &value,
            );
        }
        _ => site.set("jos_extensions", ("element", "com_civicrm"), "enabled", "0"),
    }
}

fn not_installed(site: &mut Site) {
    match site.kind {
        Drupal10 => {
            let data = array(&[("module", &array(&[("node", "i:0;")]))]);
            site.set("config", ("name", "core.extension"), "data", &data);
        }
        Joomla => site.remove("jos_extensions", ("element", "com_civicrm")),
        _ => {
            system(site, "status", "0");
            system(site, "schema_version", "-1");
        }
    }
}

fn front(site: &mut Site) {
    match site.kind {
        Drupal6 | Drupal7 => variable(site, "site_frontpage", &s("civicrm")),
        Drupal10 => {
            let page = array(&[("front", &s("/civicrm/dashboard"))]);
            site.set(
                "config",
                ("name", "system.site"),
                "data",
                &array(&[("page", &page)]),
            );
        }
        WordPress => site.set(
            "wp_options",
            ("option_name", "page_on_front"),
            "option_value",
            "3",
        ),
        _ => {
            site.set("jos_menu", ("id", "101"), "home", "0");
            site.set("jos_menu", ("id", "102"), "home", "1");
        }
    }
}

fn maintenance(site: &mut Site) {
    match site.kind {
        Drupal6 => variable(site, "site_offline", "s:1:\"1\";"),
        Drupal7 => variable(site, "maintenance_mode", "i:1;"),
        Drupal10 => site.set(
            "key_value",
            ("name", "system.maintenance_mode"),
            "value",
            "b:1;",
        ),
        _ => site.set("state", ("name", "maintenance_mode"), "value", "i:1;"),
    }
}

fn integration(site: &mut Site) {
    let package = s("CiviCRM");
    match site.kind {
        Drupal6 | Drupal7 | Backdrop => site.module("webform_civicrm", &[("package", &package)]),
        WordPress => site.module("civicrm-wp-profile-sync", &[]),
        _ => site.module("civicrmgroups", &[]),
    }
}

fn copy_of_code(site: &mut Site) {
    let table = format!("{}system", site.prefix());
    let file = "sites/all/modules/civicrm.bak/drupal/civicrm.module";
    site.add(
        &table,
        &[
            ("filename", file),
            ("name", "civicrm_bak"),
            ("type", "module"),
            ("status", "0"),
            ("schema_version", "-1"),
        ],
    );
}

fn old_lightbox(site: &mut Site) {
    let stamp = s("1240000000");
    site.module(
        "lightbox2",
        &[("package", &s("User interface")), ("datestamp", &stamp)],
    );
}

fn debug(site: &mut Site) {
    match site.kind {
        Drupal6 | Drupal7 | Joomla => site.config(&[("debug", "s:1:\"1\";")]),
        _ => site.setting("debug_enabled", "i:1;"),
    }
}

fn backtrace(site: &mut Site) {
    match site.kind {
        Drupal6 | Drupal7 | Joomla => site.config(&[("backtrace", "b:1;")]),
        _ => site.setting("backtrace", "s:1:\"1\";"),
    }
}

const WITH_MODULES: &[Kind] = &[Drupal6, Drupal7, Backdrop, WordPress, Joomla];
const OLD_DRUPALS: &[Kind] = &[Drupal6, Drupal7, Backdrop];
const WITH_ACCOUNTS: &[Kind] = &[Drupal6, Drupal7, Drupal10, Backdrop, WordPress, Joomla];
const SINCE_4_7: &[Kind] = &[Drupal10, Backdrop, WordPress, Standalone];

/// Every fault, alone, gives exactly this finding; where the CMS says it in other words, `…` stands for them.
const FAULTS: &[Fault] = &[
    Fault(
        WITH_MODULES,
        off,
        false,
        "site-module-off: the … civicrm of … is off",
    ),
    Fault(
        &[Drupal6, Drupal7, Drupal10, Backdrop, Joomla],
        not_installed,
        false,
        "site-module-off: the … civicrm of … is not installed, and its tables are there",
    ),
    Fault(
        &[Drupal6, Drupal7, Drupal10, WordPress, Joomla],
        front,
        true,
        "site-front-page: the front page of … is …civicrm…",
    ),
    Fault(
        &[WordPress],
        |site| {
            site.set(
                "wp_options",
                ("option_name", "page_on_front"),
                "option_value",
                "4",
            )
        },
        true,
        "site-front-page: the front page of WordPress is join",
    ),
    Fault(
        &[Drupal6, Drupal7],
        |site| variable(site, "site_frontpage", &s("civicrm/user")),
        true,
        "site-front-page: the front page of … is civicrm/user",
    ),
    Fault(
        WITH_MODULES,
        integration,
        true,
        "site-integrations: 1 … that uses CiviCRM is on: …civicrm…",
    ),
    Fault(
        OLD_DRUPALS,
        |site| {
            let needs = list(&["views", "civicrm (>=4.4)"]);
            site.module(
                "own_reports",
                &[("package", &s("Other")), ("dependencies", &needs)],
            );
        },
        true,
        "site-integrations: 1 module that uses CiviCRM is on: own_reports",
    ),
    Fault(
        OLD_DRUPALS,
        |site| site.module("realname", &[("package", &s("Other"))]),
        true,
        "site-integrations: 1 module that uses CiviCRM is on: realname",
    ),
    Fault(
        &[Drupal6, Drupal7, Drupal10, Backdrop],
        maintenance,
        false,
        "site-maintenance: … is in maintenance mode",
    ),
    Fault(
        OLD_DRUPALS,
        copy_of_code,
        false,
        "site-module-twice: … knows 2 files civicrm.module: …",
    ),
    Fault(
        OLD_DRUPALS,
        old_lightbox,
        false,
        "site-lightbox: the module lightbox2 is on, in a release of before July 2009",
    ),
    Fault(
        &[Drupal7],
        |site| {
            site.remove(
                "dr_role_permission",
                ("permission", "access CiviMail subscribe/unsubscribe pages"),
            )
        },
        false,
        "site-unsubscribe: the role anonymous user may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    ),
    Fault(
        &[Drupal6],
        |site| site.set("permission", ("rid", "1"), "perm", "access content"),
        false,
        "site-unsubscribe: the role anonymous user may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    ),
    Fault(
        &[Drupal10],
        |site| {
            let role = array(&[
                ("label", &s("Anonymous user")),
                ("permissions", &list(&["access content"])),
            ]);
            site.set("config", ("name", "user.role.anonymous"), "data", &role);
        },
        false,
        "site-unsubscribe: the role Anonymous user may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    ),
    Fault(
        &[WordPress],
        |site| {
            let roles = wordpress_roles("b:0;");
            site.set(
                "wp_options",
                ("option_name", "wp_user_roles"),
                "option_value",
                &roles,
            );
        },
        false,
        "site-unsubscribe: the role Anonymous User may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    ),
    Fault(
        &[Joomla],
        |site| {
            let rules =
                JOOMLA_RULES.replace("unsubscribe_pages\":{\"1\"", "unsubscribe_pages\":{\"2\"");
            site.set("jos_assets", ("id", "90"), "rules", &rules);
        },
        false,
        "site-unsubscribe: the role Guest may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    ),
    Fault(
        &[Standalone],
        |site| {
            site.set(
                "civicrm_role",
                ("id", "1"),
                "permissions",
                "\u{1}view event info\u{1}",
            )
        },
        false,
        "site-unsubscribe: the role everyone may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    ),
    Fault(
        WITH_ACCOUNTS,
        |site| {
            let (table, column) = site.accounts();
            site.remove(&table, (column, "5"));
        },
        false,
        "site-user-gone: 1 row of civicrm_uf_match is of an account that … does not have: 5 (contact 2)",
    ),
    Fault(
        WITH_ACCOUNTS,
        |site| {
            let (table, column) = site.accounts();
            for account in ["5", "6"] {
                site.remove(&table, (column, account));
            }
        },
        false,
        "site-user-gone: 2 rows of civicrm_uf_match are of accounts that … does not have: 5 (contact 2), 6 (contact 3)",
    ),
    Fault(
        &ALL,
        |site| site.set("civicrm_uf_match", ("id", "3"), "uf_id", "5"),
        false,
        "site-user-twice: 1 account of … belongs to several contacts: 5 (contacts 2, 3)",
    ),
    Fault(
        &ALL,
        |site| site.set("civicrm_uf_match", ("id", "3"), "contact_id", "1"),
        false,
        "site-user-twice: 1 contact belongs to several accounts: 1 (accounts 1, 6)",
    ),
    Fault(
        &ALL,
        |site| {
            site.set(
                "civicrm_menu",
                ("id", "2"),
                "page_callback",
                "CRM_Event_Page_EventInfo",
            )
        },
        false,
        "site-menu: 1 path of civicrm_menu cannot be read, such as civicrm/event/info: …",
    ),
    Fault(
        &[Drupal6, Drupal7],
        |site| {
            let table = format!("{}menu_router", site.prefix());
            site.remove(&table, ("path", "civicrm"));
        },
        false,
        "site-menu: the menu of … does not have the path civicrm, and the module is on",
    ),
    Fault(
        &[Drupal10, Standalone],
        |site| {
            site.set("civicrm_job", ("id", "1"), "last_run", &days_ago(3));
            site.set("civicrm_job", ("id", "1"), "last_run_end", &days_ago(4));
        },
        false,
        "site-job-crashed: the scheduled job process_mailing began on … and did not come to its end",
    ),
    Fault(
        &[Drupal6, Drupal7, Joomla, Backdrop],
        |site| {
            site.set(
                "civicrm_extension",
                ("id", "1"),
                "full_name",
                "org.civicrm.flexmailer",
            )
        },
        true,
        "site-extension-core: the extension org.civicrm.flexmailer is on, and comes with CiviCRM itself in 6.10.2",
    ),
    Fault(
        &[Drupal6],
        |site| {
            variable(site, "site_frontpage", &s("members"));
            site.table(
                "url_alias",
                &[("src", "varchar(128)"), ("dst", "varchar(128)")],
            );
            site.add("url_alias", &[("src", "civicrm/user"), ("dst", "members")]);
        },
        true,
        "site-front-page: the front page of Drupal 6 is members",
    ),
    Fault(
        &[Drupal10],
        |site| {
            let page = array(&[("front", &s("/welcome"))]);
            site.set(
                "config",
                ("name", "system.site"),
                "data",
                &array(&[("page", &page)]),
            );
            site.table(
                "path_alias",
                &[("path", "varchar(255)"), ("alias", "varchar(255)")],
            );
            site.add(
                "path_alias",
                &[("path", "/civicrm/event"), ("alias", "/welcome")],
            );
        },
        true,
        "site-front-page: the front page of Drupal is /welcome",
    ),
    Fault(
        &[Drupal6],
        |site| {
            let perm = "access CiviCRM, schedule mailings subscribe/unsubscribe pages";
            site.set("permission", ("rid", "3"), "perm", perm);
        },
        false,
        "site-permission-name: the role administrator has the permission \"schedule mailings subscribe/unsubscribe pages\"",
    ),
    Fault(
        SINCE_4_7,
        |site| site.setting("environment", &s("Development")),
        false,
        "site-copy-live: the site is a copy by its setting environment (Development), and mails go out by SMTP",
    ),
    Fault(
        SINCE_4_7,
        |site| {
            site.setting("environment", &s("Staging"));
            site.setting("mailing_backend", &array(&[("outBound_option", "i:3;")]));
        },
        false,
        "site-copy-live: the site is a copy by its setting environment (Staging), and mails go out by PHP",
    ),
    Fault(
        &ALL,
        |site| site.set("civicrm_mailing_job", ("id", "1"), "status", "Running"),
        true,
        "site-mailing: 1 job of mailings is running",
    ),
    Fault(
        &ALL,
        |site| site.set("civicrm_job", ("id", "1"), "last_run", &days_ago(30)),
        false,
        "site-jobs-stopped: 1 scheduled job is on, and the last run of any was on …",
    ),
    Fault(&ALL, debug, false, "site-debug: debugging is on (debug…)"),
    Fault(
        &ALL,
        backtrace,
        false,
        "site-debug: error pages show a backtrace (backtrace)",
    ),
    Fault(
        &[Drupal10, Backdrop, WordPress, Standalone],
        |site| {
            site.set(
                "civicrm_extension",
                ("id", "1"),
                "full_name",
                "org.civicrm.api4",
            )
        },
        false,
        "site-extension: the extension org.civicrm.api4 is on, and CiviCRM … does without it",
    ),
    Fault(
        &ALL,
        |site| {
            site.setting(
                "userFrameworkResourceURL",
                "s:9:\"https://www.example.org/a\";",
            )
        },
        false,
        "site-serialized: the value of the setting userFrameworkResourceURL cannot be read: the lengths of its texts do not fit",
    ),
    Fault(
        &[Drupal6, Drupal7, Joomla],
        |site| {
            let broken = array(&[("debug", "i:0;"), ("lcMessages", "s:5:\"en_GB.UTF-8\";")]);
            site.set("civicrm_domain", ("id", "1"), "config_backend", &broken);
        },
        false,
        "site-serialized: the value of the column config_backend of civicrm_domain cannot be read: the lengths of its texts do not fit",
    ),
    Fault(
        &ALL,
        |site| {
            site.setting(
                "userFrameworkResourceURL",
                &s("varwwwsiteallmodulescivicrm"),
            )
        },
        false,
        "site-paths: userFrameworkResourceURL is varwwwsiteallmodulescivicrm, which has lost its slashes",
    ),
    Fault(
        &ALL,
        |site| site.setting("imageUploadURL", &s("https://old.example.net/files/")),
        false,
        "site-paths: imageUploadURL leads to the host old.example.net, and CIVICRM_UF_BASEURL to example.org",
    ),
    Fault(
        &ALL,
        |site| site.setting("customCSSURL", &s("http://www.example.org/own.css")),
        false,
        "site-paths: customCSSURL begins with http:, and CIVICRM_UF_BASEURL with https:, so that browsers refuse it",
    ),
    Fault(
        &ALL,
        |site| site.setting("extensionsDir", &s("/home/old/htdocs/extensions/")),
        false,
        "site-paths: extensionsDir is /home/old/htdocs/extensions/, and the folders in civicrm.settings.php begin with /var/www",
    ),
    Fault(
        &ALL,
        |site| site.setting("site_id", &s("0123456789abcdef0123456789abcdef")),
        false,
        "site-copy-live: the site was made with another key or address than civicrm.settings.php has (site_id), so it is a copy or has moved, and mails go out by SMTP, 1 scheduled job is on",
    ),
];

/// The settings file of the site.
fn settings_of(site: &Site) -> (tempfile::TempDir, SettingsFacts) {
    let folder = tempfile::tempdir().expect("a folder");
    let cms = match site.kind {
        Drupal6 => "Drupal6",
        Drupal7 => "Drupal",
        Drupal10 => "Drupal8",
        Backdrop => "Backdrop",
        WordPress => "WordPress",
        Joomla => "Joomla",
        Standalone => "Standalone",
    };
    let release = Version::parse(site.release)
        .expect("a release")
        .major_minor();
    let facts = settings::facts_of(folder.path(), &settings::healthy(cms, release), 0o640);
    (folder, facts)
}

/// What the checks of the site find.
fn found_of(site: &Site, snapshot: Snapshot, is_upgraded: bool) -> Vec<String> {
    let (_folder, settings) = settings_of(site);
    let target = is_upgraded.then(|| Version::parse("6.10.2").expect("a release"));
    let case: Case = common::case(snapshot).to_release(target);
    let mut examined = Examination::of(&case);
    examined.settings = Some(&settings);
    let findings = examine(&examined, &[Group::Site], &Selection::default());
    let promised = findings.not_checked.iter().filter(|it| it.incomplete);
    assert_eq!(promised.count(), 0, "{:?}", findings.not_checked);
    let list = findings.list.iter();
    list.map(|finding| format!("{}: {}", finding.check.id, finding.message))
        .collect()
}

fn of_dump(site: &Site, is_upgraded: bool) -> Vec<String> {
    let snapshot = common::snapshot_of(site.dump().as_bytes());
    found_of(site, snapshot, is_upgraded)
}

/// What they find in the same site on a server.
fn of_server(server: &Server, site: &Site, is_upgraded: bool) -> Vec<String> {
    const DATABASE: &str = "sample_site";
    server.run(
        None,
        &format!("DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE}"),
    );
    server.run(
        Some(DATABASE),
        &format!("SET sql_mode = '';\n{}", site.statements()),
    );
    let mut connection = server.connect();
    connection.use_database(DATABASE).expect("it is there");
    let wanted = ReadOptions {
        rows: site::ROWS_WANTED,
        exact_counts: true,
    };
    let snapshot = reader::read(&mut connection, DATABASE, wanted).expect("it can be read");
    found_of(site, snapshot, is_upgraded)
}

/// Whether a finding is the one that is meant.
fn is_meant(found: &str, meant: &str) -> bool {
    let mut rest = found;
    let mut parts = meant.split('…');
    let Some(first) = parts.next().and_then(|first| rest.strip_prefix(first)) else {
        return false;
    };
    rest = first;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty() || meant.ends_with('…')
}

#[test]
fn a_healthy_site_of_every_cms_gives_no_finding_before_an_upgrade_or_without_one() {
    for kind in ALL {
        let site = Site::healthy(kind);
        for is_upgraded in [false, true] {
            assert_eq!(of_dump(&site, is_upgraded), [""; 0], "{kind:?}");
        }
    }
}

#[test]
fn each_fault_alone_gives_its_finding_and_no_other() {
    let mut cases = 0;
    let mut checks = BTreeSet::new();
    for Fault(kinds, make, is_upgraded, meant) in FAULTS {
        for kind in *kinds {
            let mut site = Site::healthy(*kind);
            make(&mut site);
            let found = of_dump(&site, *is_upgraded);
            assert!(
                matches!(&found[..], [one] if is_meant(one, meant)),
                "{kind:?}: {found:#?} for {meant}"
            );
            cases += 1;
            checks.extend(meant.split_once(':').map(|(check, _)| check));
        }
    }
    assert!(cases >= 60, "{cases}");
    // The others are held by tests of their own: of the membership status, the queue, and tables with a million rows, and
    // the code of extensions on the disk.
    let others = [
        "site-deceased",
        "site-upgrade-queue",
        "site-table-large",
        "site-extension-missing",
        "site-extension-target",
    ];
    for check in registry::checks().filter(|check| check.id.starts_with("site-")) {
        assert!(
            checks.contains(check.id) || others.contains(&check.id),
            "{}",
            check.id
        );
    }
}

#[test]
fn a_server_says_the_same_as_the_dump() {
    let Some(server) = server::installed() else {
        return;
    };
    for kind in ALL {
        let site = Site::healthy(kind);
        assert_eq!(of_server(server, &site, true), [""; 0], "{kind:?}");
    }
    let cases = FAULTS
        .iter()
        .flat_map(|fault| fault.0.iter().map(move |kind| (fault, *kind)));
    for (Fault(_, make, is_upgraded, meant), kind) in cases.step_by(common::every(17)) {
        let mut site = Site::healthy(kind);
        make(&mut site);
        let found = of_server(server, &site, *is_upgraded);
        assert!(
            matches!(&found[..], [one] if is_meant(one, meant)),
            "{kind:?}: {found:#?} for {meant}"
        );
    }
}

#[test]
fn mail_that_does_not_go_out_and_jobs_that_are_off_are_no_fault_of_a_copy() {
    let mut site = Site::healthy(WordPress);
    site.setting("environment", &s("Development"));
    for option in ["2", "4", "5"] {
        site.setting(
            "mailing_backend",
            &array(&[("outBound_option", &s(option))]),
        );
        assert_eq!(of_dump(&site, false), [""; 0], "{option}");
    }
    site.setting("mailing_backend", &array(&[("outBound_option", SMTP)]));
    assert_eq!(of_dump(&site, false).len(), 1);
}

#[test]
fn the_identity_of_a_site_is_its_own_whatever_the_scheme_of_its_address_was() {
    use md5::{Digest as _, Md5};
    for address in [
        "http://example.org/",
        "https://www.example.org/",
        "http://www.example.org",
    ] {
        let mut site = Site::healthy(Drupal10);
        let made = Md5::digest(format!("sid_aSecretOfThisSiteAlone_{address}"));
        let made: String = made.iter().map(|byte| format!("{byte:02x}")).collect();
        site.setting("site_id", &s(&made));
        assert_eq!(of_dump(&site, false), [""; 0], "{address}");
    }
}

#[test]
fn of_two_sites_in_one_database_the_one_that_names_civicrm_is_looked_at() {
    let mut site = Site::healthy(Drupal7);
    let other = Site::healthy(Drupal6).statements();
    let is_of_cms = |line: &&str| !line.contains("civicrm");
    let other: String = other
        .split(";\n")
        .filter(is_of_cms)
        .map(|statement| format!("{statement};\n"))
        .collect();
    variable(&mut site, "maintenance_mode", "i:1;");
    let text = site
        .dump()
        .replace("-- Dump completed", &format!("{other}\n-- Dump completed"));
    let found = found_of(&site, common::snapshot_of(text.as_bytes()), false);
    assert_eq!(found, ["site-maintenance: Drupal 7 is in maintenance mode"]);
}

/// A dump of the first site with the CMS's tables of the second beside it, as a site has that moved to another CMS.
fn with_remains(site: &Site, other: &Site) -> Snapshot {
    let remains = other.statements();
    let text = site.dump();
    let text = text.replace(
        "-- Dump completed",
        &format!("{remains}\n-- Dump completed"),
    );
    common::snapshot_of(text.as_bytes())
}

#[test]
fn remains_of_a_wordpress_without_civicrm_leave_the_cms_that_has_it() {
    let mut site = Site::healthy(Drupal7);
    variable(&mut site, "maintenance_mode", "i:1;");
    let mut other = Site::only_cms(WordPress);
    let plugins = ("option_name", "active_plugins");
    other.set("wp_options", plugins, "option_value", &list(&[]));
    let case = common::case(with_remains(&site, &other));
    let platform = case.cms.map(|cms| cms.platform);
    assert_eq!(platform, Some(Platform::Drupal7));
}

#[test]
fn of_two_cms_that_name_civicrm_the_one_of_the_settings_file_is_looked_at_or_neither() {
    let both = |named: Option<&str>| {
        let mut snapshot = with_remains(&Site::healthy(Drupal7), &Site::only_cms(WordPress));
        snapshot.cms_named = named.map(str::to_owned);
        common::case(snapshot)
    };
    for (named, platform) in [
        ("Drupal", Some(Platform::Drupal7)),
        ("Drupal8", Some(Platform::Drupal7)),
        ("WordPress", Some(Platform::WordPress)),
        ("Joomla", None),
    ] {
        let case = both(Some(named));
        assert_eq!(case.cms.map(|cms| cms.platform), platform, "{named}");
        assert_eq!(case.cms_unclear, None, "{named}");
    }
    let case = both(None);
    let findings = examine(
        &Examination::of(&case),
        &[Group::Site],
        &Selection {
            only: vec!["site-module-off"],
            ..Selection::default()
        },
    );
    let [one] = &findings.not_checked[..] else {
        panic!("{:?}", findings.not_checked)
    };
    assert!(one.incomplete);
    assert_eq!(
        one.why,
        "there are tables of several CMS (Drupal 7 with the prefix dr_, WordPress with the prefix wp_), and nothing tells in \
         which of them CiviCRM is"
    );
}

/// What real sites have: values that lost their slashes on the way into a dump, and debugging that is on.
const REAL: [(&str, &str); 3] = [
    (
        "4.0.8",
        "site-paths: userFrameworkResourceURL is …, which has lost its slashes",
    ),
    (
        "4.1.6",
        "site-paths: userFrameworkResourceURL is …, which has lost its slashes",
    ),
    ("4.3.0", "site-debug: debugging is on (debug)"),
];

#[test]
fn real_databases_give_only_what_is_wrong_with_them() {
    for path in common::real_dumps() {
        let name = common::name(&path);
        let some = ["4.0.8", "4.4.5", "4.7.31", "5.81.2-small", "6.4.1"];
        if !common::everything() && !some.iter().any(|some| name.starts_with(some)) {
            continue;
        }
        let case = common::case(common::snapshot_of(&common::text_of(&path)));
        let examined = Examination::of(&case);
        let findings = examine(&examined, &[Group::Site], &Selection::default()).list;
        let found: Vec<String> = findings
            .iter()
            .map(|finding| format!("{}: {}", finding.check.id, finding.message))
            .collect();
        let known = REAL.iter().filter(|(dump, _)| name.starts_with(dump));
        let known: Vec<&str> = known.map(|(_, meant)| *meant).collect();
        let are_meant = found.len() == known.len()
            && found
                .iter()
                .zip(&known)
                .all(|(found, meant)| is_meant(found, meant));
        assert!(are_meant, "{name}: {found:#?}");
    }
}

/// Runs `cividb check` on a settings file; the findings of these checks, and why checks were not made.
fn checked(file: &Path, only: &str, more: &[&str]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = file.display().to_string();
    let arguments = [
        "check",
        &file,
        "--no-rows",
        "--only",
        only,
        "--format",
        "json",
    ];
    let report = common::json(&common::cividb(
        folder.path(),
        &[&arguments[..], more].concat(),
    ));
    let list = |key: &str, part: &str| {
        let list = report[key].as_array().expect("a list").iter();
        list.map(|it| it[part].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    (list("findings", "message"), list("not_checked", "why"))
}

#[test]
fn accounts_in_the_database_of_civicrm_uf_dsn_are_looked_at_and_it_is_said_where_they_cannot_be() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::healthy(Drupal7);
    let of_cms = |statement: &&str| statement.contains("`dr_");
    let text = site.statements();
    let (cms, civicrm): (Vec<&str>, Vec<&str>) = text.split_inclusive(";\n").partition(of_cms);
    for (database, statements) in [("split_civicrm", civicrm), ("split_cms", cms)] {
        server.run(
            None,
            &format!("DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}"),
        );
        server.run(
            Some(database),
            &format!("SET sql_mode = '';\n{}", statements.concat()),
        );
    }
    server.run(Some("split_cms"), "DELETE FROM dr_users WHERE uid = 5");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("civicrm.settings.php");
    let dsn = |database: &str| {
        let socket = server.socket().display().to_string();
        format!("mysql://root@unix({socket})/{database}?new_link=true")
    };
    let write = |cms: &str| {
        let text = settings::healthy("Drupal", (4, 4))
            .replace(
                "mysql://civi:p%40ss@localhost/civicrm?new_link=true",
                &dsn("split_civicrm"),
            )
            .replace("mysql://cms:p%40ss@localhost/cms?new_link=true", &dsn(cms));
        std::fs::write(&file, text).expect("it is written");
    };
    write("split_cms");
    let (found, not_made) = checked(&file, "site-user-gone,site-module-off", &[]);
    assert_eq!(
        found,
        ["1 row of civicrm_uf_match is of an account that Drupal 7 does not have: 5 (contact 2)"]
    );
    assert_eq!(not_made, [""; 0]);
    write("split_nowhere");
    let (found, not_made) = checked(&file, "site-user-gone", &[]);
    assert_eq!(found, [""; 0]);
    assert!(
        matches!(&not_made[..], [why] if why.contains("the database split_nowhere of CIVICRM_UF_DSN cannot be read")),
        "{not_made:?}"
    );
    // Both in one dump.
    let both = server
        .program("mysqldump")
        .args(["--no-defaults", "-u", "root", "-S"])
        .arg(server.socket())
        .args(["--databases", "split_cms", "split_civicrm"])
        .output()
        .expect("the dump program runs");
    let snapshot = common::snapshot_of(&both.stdout);
    assert_eq!(
        found_of(&site, snapshot, false),
        [
            "site-user-gone: 1 row of civicrm_uf_match is of an account that Drupal 7 does not have: 5 (contact 2)"
        ]
    );
}

#[test]
fn of_several_domains_only_the_one_of_this_cms_is_held_against_its_accounts() {
    let mut site = Site::healthy(Drupal7);
    site.add(
        "civicrm_uf_match",
        &[
            ("id", "9"),
            ("domain_id", "2"),
            ("uf_id", "99"),
            ("uf_name", "x"),
            ("contact_id", "9"),
        ],
    );
    assert_eq!(of_dump(&site, false), [""; 0]);
}

#[test]
fn extensions_on_the_disk_are_those_of_the_site() {
    let Some(server) = server::installed() else {
        return;
    };
    let site = Site::healthy(Drupal10);
    server.run(
        None,
        "DROP DATABASE IF EXISTS with_extensions; CREATE DATABASE with_extensions",
    );
    server.run(
        Some("with_extensions"),
        &format!("SET sql_mode = '';\n{}", site.statements()),
    );
    let root = tempfile::tempdir().expect("a folder");
    let root = root.path();
    let make = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    };
    make("var/www/site/civicrm/CRM/Core/Config.php", "");
    make("var/www/site/files/civicrm/templates_c/x", "");
    let socket = server.socket().display().to_string();
    let dsn = format!("mysql://root@unix({socket})/with_extensions");
    let text = settings::healthy("Drupal8", (5, 81))
        .replace("mysql://civi:p%40ss@localhost/civicrm?new_link=true", &dsn)
        .replace("mysql://cms:p%40ss@localhost/cms?new_link=true", &dsn);
    make("civicrm.settings.php", &text);
    let file = root.join("civicrm.settings.php");
    let shown = root.display().to_string();
    let only = "site-extension-missing,site-extension-target,site-extension-core";
    let look = |more: &[&str]| checked(&file, only, &[&["--root", shown.as_str()], more].concat());
    // Without the folder nothing is said but that it is not there.
    let (found, not_made) = look(&[]);
    assert_eq!(found, [""; 0]);
    assert!(
        matches!(&not_made[..], [absent, target]
            if target == "name the release with --target" && absent.contains("the folder of extensions cannot be looked at")),
        "{not_made:?}"
    );
    make(
        "var/www/site/files/civicrm/ext/other/info.xml",
        "<extension key='org.example.other'/>",
    );
    let (found, _) = look(&[]);
    assert_eq!(
        found,
        [
            "the extension org.example.own is on, and no info.xml below /var/www/site/files/civicrm/ext has this key"
        ]
    );
    // Wherever it lies below the folder.
    make(
        "var/www/site/files/civicrm/ext/bundle/own-1.2/info.xml",
        "<extension key='org.example.own'><compatibility><ver>4.6</ver></compatibility></extension>",
    );
    assert_eq!(look(&[]).0, [""; 0]);
    assert_eq!(
        look(&["--target", "6.10.2"]).0,
        ["the extension org.example.own is for CiviCRM 4.6 by its info.xml, and not for 6.10.2"]
    );
    make(
        "var/www/site/files/civicrm/ext/bundle/own-1.2/info.xml",
        "<extension key='org.example.own'><compatibility><ver>5.45</ver></compatibility></extension>",
    );
    assert_eq!(look(&["--target", "6.10.2"]).0, [""; 0]);
    // One that comes with the code needs no folder of its own, and a copy of it is in the way.
    server.run(
        Some("with_extensions"),
        "INSERT INTO civicrm_extension (id, full_name, is_active) VALUES (2, 'authx', 1)",
    );
    make(
        "var/www/site/civicrm/ext/authx/info.xml",
        "<extension key='authx'/>",
    );
    assert_eq!(look(&[]).0, [""; 0]);
    make(
        "var/www/site/files/civicrm/ext/authx/info.xml",
        "<extension key='authx'/>",
    );
    assert_eq!(
        look(&[]).0,
        [
            "the extension authx is on, and comes with CiviCRM itself in 5.81.2; its copy is in /var/www/site/files/civicrm/ext/authx"
        ]
    );
}

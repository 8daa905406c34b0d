//! Rules about what the tables of the CMS say: its front page, its modules, its permissions.

use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::{Lack, Need};
use super::site::rows;
use crate::cms::{Cms, Module, ModuleState, Platform};
use crate::serialized::Value;
use crate::text::count;

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[
    &SITE_MODULE_OFF,
    &SITE_MODULE_TWICE,
    &SITE_FRONT_PAGE,
    &SITE_INTEGRATIONS,
    &SITE_LIGHTBOX,
    &SITE_MAINTENANCE,
    &SITE_UNSUBSCRIBE,
    &SITE_PERMISSION_NAME,
    &SITE_MENU,
];

const OF_CMS: &[Need] = &[Need::Cms];
const BEFORE_UPGRADE: &[Need] = &[Need::Target, Need::Cms];

static SITE_MODULE_OFF: Check = Check {
    id: "site-module-off",
    severity: Severity::Error,
    title: "the module civicrm of the CMS is off or not installed",
    why: "No page of CiviCRM is found, that of the upgrade neither.",
    fix: "Turn the module on with the code that fits the database in its place. Never uninstall it: with Drupal and Backdrop \
          that drops every table of CiviCRM.",
    example: "the module civicrm of Drupal 7 is off",
    source: "Drupal: table system, columns status and schema_version; config core.extension. WordPress: option \
             active_plugins. Joomla: table extensions.",
    rules: &[Rule::new(Group::Site, OF_CMS, module_off)],
};

static SITE_MODULE_TWICE: Check = Check {
    id: "site-module-twice",
    severity: Severity::Warning,
    title: "the CMS knows CiviCRM's module in several folders",
    why: "Drupal runs every .module file below its folders for modules, also that of a copy that somebody keeps there: after \
          an exchange of the code it runs files of two releases.",
    fix: "Move all copies of the code but the one in use out of the folders for modules, and empty the caches of Drupal.",
    example: "Drupal 7 knows 2 files civicrm.module: sites/all/modules/civicrm/drupal/civicrm.module, \
              sites/all/modules/civicrm.bak/drupal/civicrm.module",
    source: "Table system, column filename.",
    rules: &[Rule::new(Group::Site, OF_CMS, module_twice)],
};

static SITE_FRONT_PAGE: Check = Check {
    id: "site-front-page",
    severity: Severity::Warning,
    title: "CiviCRM is the front page of the site that is to be upgraded",
    why: "Between the exchange of the code and the end of the upgrade CiviCRM's pages end in errors, and with them the front \
          page: the administrator does not get in.",
    fix: "Make another page the front page for the time of the upgrade, and note the one of now.",
    example: "the front page of Drupal 7 is civicrm",
    source: "Drupal: variable site_frontpage, config system.site. WordPress: options show_on_front and page_on_front. \
             Joomla: table menu, column home.",
    rules: &[Rule::new(Group::Site, BEFORE_UPGRADE, front_page)],
};

static SITE_INTEGRATIONS: Check = Check {
    id: "site-integrations",
    severity: Severity::Warning,
    title: "modules that use CiviCRM are on in a site that is to be upgraded",
    why: "A module that does not fit the new release may stop the upgrade: it runs in the same pages.",
    fix: "Note which are on, and turn them off until the upgrade is done. Do not uninstall them, which deletes their settings.",
    example: "2 modules that use CiviCRM are on: webform_civicrm, realname",
    source: "Drupal: package and dependencies in column info of table system. Else the names.",
    rules: &[Rule::new(Group::Site, BEFORE_UPGRADE, integrations)],
};

static SITE_LIGHTBOX: Check = Check {
    id: "site-lightbox",
    severity: Severity::Warning,
    title: "a release of the module lightbox2 is on that greys CiviCRM's pages out",
    why: "It takes CiviCRM's links for pictures: the screen turns grey and shows a camera behind every click.",
    fix: "Turn the module off, or take a release of July 2009 or later.",
    example: "the module lightbox2 is on, in a release of before July 2009",
    source: "Table system, column info, key datestamp.",
    rules: &[Rule::new(Group::Site, OF_CMS, lightbox)],
};

static SITE_MAINTENANCE: Check = Check {
    id: "site-maintenance",
    severity: Severity::Note,
    title: "the site is in maintenance mode",
    why: "Visitors see nothing of it. CiviCRM's own cron goes on before 6.1, also in maintenance mode.",
    fix: "Let the site online when the work is done.",
    example: "Drupal 7 is in maintenance mode",
    source: "Drupal 7: variable maintenance_mode; Drupal 6: site_offline; Drupal 8 and later: key_value \
             system.maintenance_mode; Backdrop: state maintenance_mode.",
    rules: &[Rule::new(Group::Site, OF_CMS, maintenance)],
};

static SITE_UNSUBSCRIBE: Check = Check {
    id: "site-unsubscribe",
    severity: Severity::Warning,
    title: "visitors may not open CiviMail's pages to unsubscribe",
    why: "The links in mailings lead to a page that is forbidden: nobody can unsubscribe without an account.",
    fix: "Give the role of anonymous visitors the permission \"access CiviMail subscribe/unsubscribe pages\".",
    example: "the role anonymous user may not \"access CiviMail subscribe/unsubscribe pages\", and there are mailings",
    source: "Permissions of CiviCRM from 2.2 on. Role 1 of Drupal 6 and 7, anonymous of Drupal 8 and later, anonymous_user of \
             WordPress, Guest or Public of Joomla, everyone of CiviCRM Standalone.",
    rules: &[Rule::new(Group::Site, OF_CMS, unsubscribe)],
};

static SITE_PERMISSION_NAME: Check = Check {
    id: "site-permission-name",
    severity: Severity::Warning,
    title: "a role has a permission whose name an old upgrade spoilt",
    why: "The step 3.3.2 put new permissions into the names of others, so that the role lost what it had.",
    fix: "Give the role \"access CiviMail subscribe/unsubscribe pages\" again on the CMS's page of permissions.",
    example: "the role editor has the permission \"schedule mailings subscribe/unsubscribe pages\"",
    source: "Steps of 3.2 and 3.3 replace text in Drupal 6's table permission.",
    rules: &[Rule::new(Group::Site, OF_CMS, permission_name)],
};

static SITE_MENU: Check = Check {
    id: "site-menu",
    severity: Severity::Warning,
    title: "a cached menu is not what CiviCRM made it",
    why: "Pages of CiviCRM are not found, or end in an error about a function that does not exist.",
    fix: "Make the menus anew: open the page civicrm/menu/rebuild?reset=1 as an administrator, and empty the caches of the CMS.",
    example: "the menu of Drupal 7 does not have the path civicrm, and the module is on",
    source: "Drupal 6 and 7: table menu_router. CiviCRM: civicrm_menu, columns page_callback and access_callback, which PHP \
             serialized.",
    rules: &[
        Rule::new(Group::Site, OF_CMS, menu_of_cms),
        Rule::new(Group::Site, &[Need::Site], menu),
    ],
};

/// The CMS; the needs of the rules have seen to it that it is there.
fn cms<'a>(examined: &Examination<'a, '_>) -> Option<&'a Cms> {
    examined.case.cms.as_ref()
}

fn module_off(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined) else { return };
    let what = match cms.civicrm {
        Some(ModuleState::Off) => "off",
        Some(ModuleState::NotInstalled) => "not installed, and its tables are there",
        Some(ModuleState::On) | None => return,
    };
    let (kind, name) = (cms.platform.extension(), cms.platform.name());
    let message = format!("the {kind} civicrm of {name} is {what}");
    findings.push(Finding::new(check, message, check.fix));
}

fn module_twice(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined).filter(|cms| cms.civicrm_files.len() > 1) else {
        return;
    };
    let files = cms.civicrm_files.len() as u64;
    let message = format!(
        "{} knows {} civicrm.module: {}",
        cms.platform.name(),
        count(files, "file"),
        cms.civicrm_files.join(", ")
    );
    findings.push(Finding::new(check, message, check.fix));
}

fn front_page(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined) else { return };
    let Some(front) = cms.front_page.as_ref().filter(|front| front.is_civicrm) else {
        return;
    };
    let message = format!(
        "the front page of {} is {}",
        cms.platform.name(),
        front.path
    );
    findings.push(Finding::new(check, message, check.fix));
}

fn integrations(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined) else { return };
    // Those of Drupal 8 and later cannot be off and stay installed.
    if cms.platform == Platform::Drupal8 {
        return;
    }
    let list: Vec<&Module> = cms.integrations.iter().flatten().collect();
    if list.is_empty() {
        return;
    }
    let names: Vec<&str> = list.iter().map(|module| module.name.as_str()).collect();
    let verb = if list.len() == 1 {
        "uses CiviCRM is"
    } else {
        "use CiviCRM are"
    };
    let message = format!(
        "{} that {verb} on: {}",
        count(list.len() as u64, cms.platform.extension()),
        names.join(", ")
    );
    findings.push(Finding::new(check, message, check.fix));
}

/// The beginning of July 2009, in seconds since 1970.
pub const LIGHTBOX_MENDED: i64 = 1_246_406_400;

fn lightbox(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined) else { return };
    let mut others = cms.others.iter();
    let is_old = others.any(|module| {
        module.name == "lightbox2" && module.released.is_some_and(|at| at < LIGHTBOX_MENDED)
    });
    if is_old {
        let message = "the module lightbox2 is on, in a release of before July 2009";
        findings.push(Finding::new(check, message, check.fix));
    }
}

fn maintenance(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    // A site that is to be upgraded is rightly offline.
    let is_upgraded = examined.case.target_release.is_some();
    let Some(cms) = cms(examined).filter(|cms| cms.is_offline == Some(true) && !is_upgraded) else {
        return;
    };
    let message = format!("{} is in maintenance mode", cms.platform.name());
    findings.push(Finding::new(check, message, check.fix));
}

fn unsubscribe(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const PERMISSION: &str = "access CiviMail subscribe/unsubscribe pages";
    let mailings = examined.snapshot().row_counts.get("civicrm_mailing");
    if mailings.is_none_or(|rows| *rows == 0) {
        return;
    }
    let Some(cms) = cms(examined) else { return };
    let Some(roles) = &cms.roles else {
        let why = "the tables of the CMS do not say what its roles may do";
        findings.skip(check, Lack::of_course(why));
        return;
    };
    let anonymous = roles.iter().find(|role| role.is_anonymous);
    if let Some(role) = anonymous.filter(|role| !role.may(PERMISSION)) {
        let name = &role.name;
        let message = format!("the role {name} may not \"{PERMISSION}\", and there are mailings");
        findings.push(Finding::new(check, message, check.fix));
    }
}

fn permission_name(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined) else { return };
    for role in cms.roles.iter().flatten() {
        let mut permissions = role.permissions.iter();
        let spoilt = permissions.find(|permission| {
            permission.ends_with(" subscribe/unsubscribe pages")
                && *permission != "access CiviMail subscribe/unsubscribe pages"
        });
        if let Some(permission) = spoilt {
            let message = format!("the role {} has the permission \"{permission}\"", role.name);
            findings.push(Finding::new(check, message, check.fix).about("role", &role.name));
        }
    }
}

fn menu_of_cms(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(cms) = cms(examined) else { return };
    if cms.has_path == Some(false) && cms.civicrm == Some(ModuleState::On) {
        let name = cms.platform.name();
        let message =
            format!("the menu of {name} does not have the path civicrm, and the module is on");
        findings.push(Finding::new(check, message, check.fix).about("path", "civicrm"));
    }
}

fn menu(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const TABLE: &str = "civicrm_menu";
    let Some(rows) = rows(check, examined, TABLE, findings) else {
        return;
    };
    let is_broken =
        |value: &[u8]| !value.is_empty() && value.is_ascii() && Value::parse(value).is_none();
    let broken = rows.iter().filter(|row| {
        let cells = ["page_callback", "access_callback"].into_iter();
        let mut cells = cells.filter_map(|column| row.get(column)?.as_deref());
        cells.any(is_broken)
    });
    let mut paths = broken.filter_map(|row| row.get("path")?.as_deref());
    let Some(first) = paths.next() else { return };
    let message = format!(
        "{} of civicrm_menu cannot be read, such as {}: its values are not those that PHP serialized",
        count(paths.count() as u64 + 1, "path"),
        String::from_utf8_lossy(first)
    );
    findings.push(Finding::new(check, message, check.fix).about("table", TABLE));
}

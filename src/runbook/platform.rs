//! What is done in each CMS: the command, and the page for it.
//!
//! None of these programs is there when cividb is tested, so each command was held against the program's own source:
//!
//! | command | program, as read | file of it |
//! | --- | --- | --- |
//! | `variable-set`, `role-add-perm`, `pm-enable`, `pm-disable`, `cache-clear` | drush 8, for Drupal 6 and 7 | `commands/core/variable.drush.inc`, `role.drush.inc`, `commands/pm/pm.drush.inc` |
//! | `state:set`, `cache:rebuild`, `config:set`, `pm:enable`, `role:perm:add` | drush 9 to 13, for Drupal 8 to 11 | `StateCommands`, `ConfigCommands`, `PmCommands`, `RoleCommands` |
//! | `civicrm-upgrade-db` | CiviCRM 4.2 to 6.x for Drupal 6 and 7 | `drush/civicrm.drush.inc` |
//! | `civicrm upgrade-db` | CiviCRM 4.6 to 5.25 for WordPress, with wp-cli | `wp-cli/civicrm.php` |
//! | `plugin`, `cap add` | wp-cli 2 | `Plugin_Command`, `Capabilities_Command` |
//! | `upgrade:db`, `setting:set`, `api`, `flush` | cv 0.3.47 to 0.3.70 | `src/Command/*.php`, `lib/src/Util/BootTrait.php` |
//! | `site:down`, `site:up` | Joomla 4 on | `libraries/src/Console` |
//! | `maintenance-mode`, `enable`, `disable`, `role-add-perm` | bee 1.1.0, for Backdrop | `commands/*.bee.inc` |
//! | `require`, `install` | Composer 2 | `src/Composer/Command` |

use super::subject::Subject;
use crate::cms::Platform;

/// A command of a CMS's own tool, if it has one for this, and the page that does the same.
pub(super) struct Action {
    pub command: Option<String>,
    pub page: String,
}

/// An action of this command, and this page below the address of the CMS.
fn action(subject: &Subject, command: Option<String>, page: &str) -> Action {
    let page = match page.strip_prefix('!') {
        Some(words) => words.to_owned(),
        None => format!("{}{page}", subject.base_url()),
    };
    Action { command, page }
}

const NO_PAGE: &str = "!the page for that in the CMS";

/// Sets a variable of Drupal 6 or 7. A variable that has no row yet is one that drush asks about, `--yes` or not, where
/// another begins with its name, as maintenance_mode_message does; `--exact` came later than the drush of PHP 5.3.
fn variable(name: &str, value: &str) -> Option<String> {
    Some(format!(
        "drush variable-set --always-set --yes {name} {value}"
    ))
}

/// Has WordPress answer every page with a notice, and lets programs of the command line in. `wp maintenance-mode
/// activate` writes the time of that moment, which WordPress heeds for ten minutes, and at which cv ends as a page does.
const WORDPRESS_OFFLINE: &str =
    r#"printf '%s\n' '<?php $upgrading = PHP_SAPI === "cli" ? 0 : time();' > "$CMS/.maintenance""#;

/// Takes the site offline, or lets it online again.
pub(super) fn offline(subject: &Subject, is_to_be: bool) -> Action {
    let on = if is_to_be { "1" } else { "0" };
    match subject.platform() {
        Some(Platform::Drupal6) => action(
            subject,
            variable("site_offline", on),
            "admin/settings/site-maintenance",
        ),
        Some(Platform::Drupal7) => action(
            subject,
            variable("maintenance_mode", on),
            "admin/config/development/maintenance",
        ),
        Some(Platform::Drupal8) => action(
            subject,
            Some(format!(
                "drush state:set system.maintenance_mode {on} --input-format=integer && drush cache:rebuild"
            )),
            "admin/config/development/maintenance",
        ),
        Some(Platform::Backdrop) => action(
            subject,
            Some(format!("bee maintenance-mode {on}")),
            "admin/config/development/maintenance",
        ),
        Some(Platform::WordPress) if is_to_be => action(
            subject,
            Some(WORDPRESS_OFFLINE.to_owned()),
            "!the same line in a file .maintenance beside wp-load.php",
        ),
        Some(Platform::WordPress) => action(
            subject,
            Some("rm \"$CMS/.maintenance\"".to_owned()),
            "!the file .maintenance beside wp-load.php goes",
        ),
        Some(Platform::Joomla) => {
            let word = if is_to_be { "down" } else { "up" };
            action(
                subject,
                Some(format!("php \"$CMS\"/cli/joomla.php site:{word}")),
                "administrator/index.php?option=com_config",
            )
        }
        Some(Platform::Standalone) if subject.from() >= (6, 1) => action(
            subject,
            Some(format!("cv setting:set core_maintenance_mode={on}")),
            NO_PAGE,
        ),
        Some(Platform::Standalone) => action(
            subject,
            None,
            "!the web server, which answers with a page of its own (CiviCRM has no switch for it before 6.1)",
        ),
        None => action(subject, None, NO_PAGE),
    }
}

/// Turns modules on or off.
pub(super) fn modules(subject: &Subject, names: &[&str], on: bool) -> Action {
    // What stands in a command is a name as the CMS allows them; all others are named on the page only.
    let is_plain = |name: &&str| {
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        !name.is_empty() && !name.starts_with('-') && name.bytes().all(of_name)
    };
    let all_plain = !names.is_empty() && names.iter().all(is_plain);
    let names = names.join(" ");
    let command = |text: String| all_plain.then_some(text);
    match subject.platform() {
        Some(platform @ (Platform::Drupal6 | Platform::Drupal7)) => {
            let word = if on { "pm-enable" } else { "pm-disable" };
            let page = match platform {
                Platform::Drupal6 => "admin/build/modules",
                _ => "admin/modules",
            };
            action(
                subject,
                command(format!("drush {word} --yes {names}")),
                page,
            )
        }
        Some(Platform::Drupal8) => {
            let enable = on.then(|| format!("drush pm:enable --yes {names}"));
            action(subject, enable.and_then(command), "admin/modules")
        }
        Some(Platform::Backdrop) => {
            let word = if on { "enable" } else { "disable" };
            action(
                subject,
                command(format!("bee {word} {names}")),
                "admin/modules",
            )
        }
        Some(Platform::WordPress) => {
            let word = if on { "activate" } else { "deactivate" };
            action(
                subject,
                command(format!("wp plugin {word} {names}")),
                "wp-admin/plugins.php",
            )
        }
        Some(Platform::Joomla) => action(
            subject,
            None,
            "administrator/index.php?option=com_installer&view=manage",
        ),
        Some(Platform::Standalone) => action(subject, None, "civicrm/admin/extensions?reset=1"),
        None => action(subject, None, NO_PAGE),
    }
}

/// Sets the front page.
pub(super) fn front_page(subject: &Subject, path: &str) -> Action {
    match subject.platform() {
        Some(Platform::Drupal6) => action(
            subject,
            variable("site_frontpage", &crate::text::shell_word(path)),
            "admin/settings/site-information",
        ),
        Some(Platform::Drupal7) => action(
            subject,
            variable("site_frontpage", &crate::text::shell_word(path)),
            "admin/config/system/site-information",
        ),
        Some(Platform::Drupal8) => {
            let path = crate::text::shell_word(&format!("/{}", path.trim_start_matches('/')));
            action(
                subject,
                Some(format!(
                    "drush config:set --yes system.site page.front {path}"
                )),
                "admin/config/system/site-information",
            )
        }
        Some(Platform::Backdrop) => action(subject, None, "admin/config/system/site-information"),
        Some(Platform::WordPress) => action(subject, None, "wp-admin/options-reading.php"),
        Some(Platform::Joomla) => action(
            subject,
            None,
            "administrator/index.php?option=com_menus&view=items",
        ),
        Some(Platform::Standalone) | None => action(subject, None, NO_PAGE),
    }
}

/// The front page that the CMS has by itself.
pub(super) fn plain_front_page(platform: Option<Platform>) -> &'static str {
    match platform {
        Some(Platform::WordPress) => "posts",
        Some(Platform::Joomla) => "featured",
        _ => "node",
    }
}

/// The first release whose code cv upgrades to: what cv calls behind the steps (setDispatchPolicy of the dispatcher) is
/// there from 5.26 on.
pub(super) const BY_CV: (u32, u32) = (5, 26);

/// The first release that runs on the PHP which cv needs today (7.4); before it an older cv is needed.
pub(super) const BY_CV_OF_TODAY: (u32, u32) = (5, 46);

/// Runs CiviCRM's upgrade with code of this release. What comes with that code (drush, wp) runs on the PHP of that code.
pub(super) fn upgrade(subject: &Subject, release: (u32, u32)) -> Action {
    let some = |command: &str| Some(command.to_owned());
    let command = match subject.platform() {
        Some(Platform::Drupal6 | Platform::Drupal7) if release < BY_CV_OF_TODAY => {
            some("drush civicrm-upgrade-db")
        }
        _ if release >= BY_CV => some("cv upgrade:db"),
        Some(Platform::WordPress) if release >= (4, 6) => some("wp civicrm upgrade-db"),
        _ => None,
    };
    let page = match subject.platform() {
        Some(Platform::WordPress) => "wp-admin/admin.php?page=CiviCRM&q=civicrm/upgrade&reset=1",
        Some(Platform::Joomla) => {
            "administrator/index.php?option=com_civicrm&task=civicrm/upgrade&reset=1"
        }
        _ => "civicrm/upgrade?reset=1",
    };
    action(subject, command, page)
}

/// The page of CiviCRM with this path and this query.
pub(super) fn page(subject: &Subject, path: &str) -> String {
    let base = subject.base_url();
    let (path, query) = path.split_once('?').unwrap_or((path, "reset=1"));
    match subject.platform() {
        Some(Platform::WordPress) => {
            format!("{base}wp-admin/admin.php?page=CiviCRM&q={path}&{query}")
        }
        Some(Platform::Joomla) => {
            format!("{base}administrator/index.php?option=com_civicrm&task={path}&{query}")
        }
        _ => format!("{base}{path}?{query}"),
    }
}

/// Empties the caches of the CMS.
pub(super) fn clear_caches(subject: &Subject) -> Option<String> {
    let command = match subject.platform()? {
        Platform::Drupal6 | Platform::Drupal7 => "drush cache-clear all",
        Platform::Drupal8 => "drush cache:rebuild",
        Platform::WordPress => "wp cache flush",
        _ => return None,
    };
    Some(command.to_owned())
}

/// The file with CiviCRM's code of a release; `None` where another tool fetches it.
pub(super) fn package(
    subject: &Subject,
    release: &crate::civicrm::release::Version,
) -> Option<String> {
    let end = match subject.platform()? {
        Platform::Drupal6 if release.major_minor() >= (4, 1) => "drupal6.tar.gz",
        Platform::Drupal6 | Platform::Drupal7 => "drupal.tar.gz",
        Platform::Backdrop => "backdrop.tar.gz",
        Platform::WordPress => "wordpress.zip",
        Platform::Joomla => "joomla.zip",
        Platform::Standalone => "standalone.tar.gz",
        Platform::Drupal8 => return None,
    };
    Some(format!("civicrm-{release}-{end}"))
}

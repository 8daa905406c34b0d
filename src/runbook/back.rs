//! The way back, if the upgrade cannot be brought to its end.

use super::model::{State, Step, Steps};
use super::out_of_service::names;
use super::platform;
use super::subject::Subject;
use crate::cms::Platform;

/// The way back.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    let from = subject.from_name();
    let mut step = Step::new("rollback", format!("Go back to CiviCRM {from}"))
        .state(State::Look, "Only if the upgrade cannot be brought to its end.")
        .how("The site is offline, and the modules are off, as above.")
        .how("The first command shows what goes, comes and stays; the second does it. The tables of the CMS stay as they are.")
        .run("cividb rollback \"$BACKUP\" \"$SITE\"")
        .run("cividb rollback \"$BACKUP\" \"$SITE\" --apply");
    step = match subject.platform() {
        Some(Platform::Drupal8) => step
            .how("Put composer.json and composer.lock of before back, and let Composer install what they name.")
            .run("cp -p \"$ASIDE/composer.json\" \"$ASIDE/composer.lock\" . && composer install"),
        _ => step
            .how("Put the old code back in its place.")
            .run("mv \"$CODE\" \"$ASIDE/code-new\"")
            .run("tar -xzf \"$ASIDE/code.tar.gz\" -C \"$(dirname \"$CODE\")\""),
    };
    step = match subject.settings {
        Some(settings) => {
            let path = settings.path.display().to_string();
            let name = settings
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let kept = crate::text::shell_word(&name.unwrap_or_default());
            step.run(format!(
                "cp -p \"$ASIDE\"/{kept} {}",
                crate::text::shell_word(&path)
            ))
        }
        None => step.how("Put the settings file of before back as well."),
    };
    step = step
        .how("Empty the folder of compiled templates: what is in it was made by the other code.")
        .run("find \"$COMPILED\" -mindepth 1 -delete");
    let names = names(subject);
    if !names.is_empty() {
        step = step.how(format!("Turn the modules on again: {}.", names.join(", ")));
        if let Some(command) = platform::modules(subject, &names, true).command {
            step = step.run(command);
        }
    }
    let online = platform::offline(subject, false);
    step = step.how(format!("Let the site online: {}.", online.page));
    if let Some(command) = online.command {
        step = step.run(command);
    }
    step = step
        .how(format!("Open CiviCRM, and let it make its menu anew: {}.", platform::page(subject, "civicrm/menu/rebuild?reset=1&triggerRebuild=1")))
        .check("cividb check \"$SITE\"")
        .how("When the site has run well for some days, remove the tables that were set aside.")
        .run("cividb rollback --finish \"$SITE\" --apply")
        .trap(
            "Tables whose names begin with civicrm_ may be Drupal's: civicrm_group_roles_rules and civicrm_member_roles_rules. \
             A DROP of everything of that name loses them; cividb rollback leaves them alone.",
        )
        .trap("Whatever was entered since the backup is in the tables that are set aside, and not in the site: compare them before they go.");
    steps.add(step);
}

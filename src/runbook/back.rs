//! The way back, if the upgrade cannot be brought to its end.

use super::hop::PROJECT;
use super::model::{State, Step, Steps};
use super::out_of_service::{names, with};
use super::platform;
use super::subject::Subject;
use crate::civicrm::upgrade::path::php;
use crate::cms::Platform;
use crate::text::shell_word;

const ONLY_IF: &str = "Only if the upgrade cannot be brought to its end.";

/// The way back.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    steps.add(tables_back(subject));
    steps.add(code_back(subject));
    steps.add(online_back(subject));
    steps.add(finish());
}

fn tables_back(subject: &Subject) -> Step {
    let from = subject.from_name();
    Step::new("rollback", format!("Put the tables of CiviCRM {from} back"))
        .state(State::Look, ONLY_IF)
        .how("The site is offline, and the modules are off, as above.")
        .how("The first command shows what goes, comes and stays; the second asks, and does it. The tables of the CMS stay as they are.")
        .run("cividb rollback \"$BACKUP\" \"$SITE\"")
        .run("cividb rollback \"$BACKUP\" \"$SITE\" --apply")
        .trap(
            "Tables whose names begin with civicrm_ may be Drupal's: civicrm_group_roles_rules and civicrm_member_roles_rules. \
             A DROP of everything of that name loses them; cividb rollback leaves them alone.",
        )
}

fn code_back(subject: &Subject) -> Step {
    let from = subject.from_name();
    let step = Step::new(
        "code-back",
        format!("Put the code and the settings file of CiviCRM {from} back"),
    )
    .state(State::Look, ONLY_IF);
    let step = match &subject.forecast.from {
        Some(from) if subject.forecast.path.iter().any(|hop| hop.php != php(from)) => {
            step.how(format!(
                "CiviCRM {from} runs on PHP {}: let the site run on that again.",
                php(from)
            ))
        }
        _ => step,
    };
    let code = subject.exchanged();
    let step = match subject.platform() {
        Some(Platform::Drupal8) => step
            .how("Composer installs what composer.json and composer.lock of before name.")
            .run(format!(
                "cp -p \"$ASIDE/composer.json\" \"$ASIDE/composer.lock\" {PROJECT}/"
            ))
            .run(format!("composer install --working-dir={PROJECT}")),
        _ => step
            .run(format!("mv {code} \"$ASIDE/code-new\""))
            .run(format!(
                "tar -xzf \"$ASIDE/code.tar.gz\" -C \"$(dirname {code})\""
            )),
    };
    let step = match subject.settings {
        Some(settings) => {
            let path = settings.path.display().to_string();
            let name = settings.path.file_name();
            let kept = name.map(|name| name.to_string_lossy().into_owned());
            let kept = shell_word(&kept.unwrap_or_default());
            step.run(format!("cp -p \"$ASIDE\"/{kept} {}", shell_word(&path)))
        }
        None => step.how("Put the settings file of before back as well."),
    };
    step.how("Empty the folder of compiled templates: what is in it was made by the other code.")
        .run("find \"$COMPILED\" -mindepth 1 -delete")
}

fn online_back(subject: &Subject) -> Step {
    let step = Step::new(
        "online-back",
        "Turn the modules on again, and let the site online",
    )
    .state(State::Look, ONLY_IF)
    .how(format!(
        "Open CiviCRM, and let it make its menu anew: {}.",
        platform::page(subject, "civicrm/menu/rebuild?reset=1&triggerRebuild=1")
    ));
    let names = names(subject);
    let command = platform::modules(subject, &names, true).command;
    let step = match (&names[..], command) {
        ([], _) => step,
        (_, Some(command)) => step.run(command),
        (names, None) => step.how(format!("The modules: {}.", names.join(", "))),
    };
    let step = with(step, platform::offline(subject, false));
    step.check("cividb check \"$SITE\"")
}

fn finish() -> Step {
    Step::new("rollback-finish", "When the site has run well for some days, remove the tables that were set aside")
        .state(State::Look, ONLY_IF)
        .run("cividb rollback --finish \"$SITE\"")
        .run("cividb rollback --finish \"$SITE\" --apply")
        .trap("Whatever was entered since the backup is in these tables, and not in the site: compare them before they go.")
}

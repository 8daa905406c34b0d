//! Steps behind the last hop: everything back, and looked at.

use super::model::{State, Step, Steps};
use super::out_of_service::{names, with};
use super::platform;
use super::subject::Subject;
use crate::checks::LIGHTBOX_MENDED;
use crate::cms::Platform;
use crate::text::count;

/// The steps behind the last hop.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    steps.add(resource_url(subject));
    modules_on(subject, steps);
    theme(subject, steps);
    permissions(subject, steps);
    views(subject, steps);
    front_page_back(subject, steps);
    steps.add(cron_on(subject));
    steps.add(data(subject));
    steps.add(online(subject));
    renewals(subject, steps);
    steps.add(troubles(subject));
}

/// Settings of addresses and folders.
const PLACES: [&str; 9] = [
    "userFrameworkResourceURL",
    "imageUploadURL",
    "customCSSURL",
    "extensionsURL",
    "uploadDir",
    "imageUploadDir",
    "customFileUploadDir",
    "customTemplateDir",
    "extensionsDir",
];

fn resource_url(subject: &Subject) -> Step {
    let step = Step::new(
        "resource-url",
        "Look at the addresses and folders in the database",
    )
    .how(format!(
        "Addresses: {}.",
        platform::page(subject, "civicrm/admin/setting/url")
    ))
    .how(format!(
        "Folders: {}.",
        platform::page(subject, "civicrm/admin/setting/path")
    ))
    .check("cividb check \"$SITE\" --only site-paths");
    let stored: Vec<String> = PLACES
        .iter()
        .filter_map(|name| {
            let value = subject.civicrm_setting(name)?.as_text()?;
            (!value.is_empty()).then(|| format!("{name} is {value}"))
        })
        .collect();
    let step = match &stored[..] {
        [] => step.state(
            State::Look,
            "Missing icons and styles are the sign of a wrong one.",
        ),
        stored => step.state(
            State::Look,
            format!("In the database: {}.", stored.join("; ")),
        ),
    };
    match subject.from() < (4, 7) {
        true => step.trap(
            "The page that cleans caches and updates paths (civicrm/admin/setting/updateConfigBackend) of 4.1 to 4.6 never \
             updates civicrm_setting, where these values are kept since 4.1: change them on the two pages above.",
        ),
        false => step,
    }
}

fn modules_on(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "modules-on";
    let platform = subject.platform();
    let integrations = subject.cms().and_then(|cms| cms.integrations.as_ref());
    if matches!(platform, Some(Platform::Standalone | Platform::Drupal8)) {
        steps.leave_out(ID, "no module was turned off");
        return;
    }
    let what = platform.map_or("module", Platform::extension);
    if integrations.is_some_and(Vec::is_empty) {
        steps.leave_out(
            ID,
            format!("no {what} that uses CiviCRM was on when this runbook was made"),
        );
        return;
    }
    let names = names(subject);
    let mut step = Step::new(
        ID,
        format!("Turn the {what}s on again that fit the new release"),
    );
    if !names.is_empty() {
        step = step.why(format!(
            "{} to turn on: {}.",
            count(names.len() as u64, what),
            names.join(", ")
        ));
    }
    let step = step.how("One after the other, and a look at a page of CiviCRM behind each.");
    let step = step.trap("A page that says \"Unknown column\" now comes from one of them: turn it off, and look for its new release.");
    steps.add(with(step, platform::modules(subject, &names, true)));
}

fn theme(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "theme";
    let is_drupal = matches!(
        subject.platform(),
        Some(Platform::Drupal7 | Platform::Backdrop | Platform::Drupal8)
    );
    if !is_drupal || subject.target() < (4, 0) {
        steps.leave_out(
            ID,
            "the module for a theme of CiviCRM's own is for Drupal 7 and later, and Backdrop",
        );
        return;
    }
    if subject.cms().is_some_and(|cms| cms.has_on("civicrmtheme")) {
        steps.leave_out(
            ID,
            "the module civicrmtheme was on, and is among those that are turned on again",
        );
        return;
    }
    let step = Step::new(
        ID,
        "If CiviCRM's pages are to have a theme of their own: turn the module civicrmtheme on",
    )
    .state(State::Look, "This is as one likes it.");
    let step = with(step, platform::modules(subject, &["civicrmtheme"], true));
    steps.add(step.how(format!(
        "Then choose the theme: {}admin/appearance.",
        subject.base_url()
    )));
}

/// A permission that the guide names: when it is worth a look, and who needs it.
struct Wanted {
    permission: &'static str,
    who: &'static str,
    applies: fn(&Subject) -> bool,
}

const WANTED: [Wanted; 7] = [
    Wanted {
        permission: "access CiviMail subscribe/unsubscribe pages",
        who: "anonymous visitors, so that the links in mailings to unsubscribe work",
        applies: |subject| subject.rows("civicrm_mailing") > 0,
    },
    Wanted {
        permission: "view event participants",
        who: "whoever may see the list of participants that an event shows",
        applies: |subject| subject.rows("civicrm_event") > 0,
    },
    Wanted {
        permission: "access all custom data",
        who: "everybody who sees or fills in custom fields, also in profiles",
        applies: |subject| subject.rows("civicrm_custom_field") > 0,
    },
    Wanted {
        permission: "access Contact Dashboard",
        who: "users who look at their own contributions, memberships and events",
        applies: |_| true,
    },
    Wanted {
        permission: "access CiviEvent",
        who: "those who manage events",
        applies: |subject| subject.rows("civicrm_event") > 0,
    },
    Wanted {
        permission: "register for events",
        who: "everybody who registers online, also anonymous visitors",
        applies: |subject| subject.rows("civicrm_event") > 0,
    },
    Wanted {
        permission: "delete contacts",
        who: "those who delete contacts; delete activities and delete in CiviContribute, CiviEvent, CiviMember and so on alike",
        applies: |subject| subject.from() < (3, 0),
    },
];

fn permissions(subject: &Subject, steps: &mut Steps) {
    let page = match subject.platform() {
        Some(Platform::Drupal6) => format!("{}admin/user/permissions", subject.base_url()),
        Some(Platform::Drupal7 | Platform::Drupal8) => {
            format!("{}admin/people/permissions", subject.base_url())
        }
        Some(Platform::Backdrop) => {
            format!("{}admin/config/people/permissions", subject.base_url())
        }
        _ => platform::page(subject, "civicrm/admin/access"),
    };
    let mut step = Step::new("permissions", "Look at the permissions of the roles")
        .how(format!("The page: {page}."));
    let mut missing = 0;
    for wanted in WANTED.iter().filter(|wanted| (wanted.applies)(subject)) {
        let roles = subject
            .cms()
            .and_then(|cms| cms.roles_with(wanted.permission));
        let who = match &roles {
            None => String::new(),
            Some(roles) if roles.is_empty() => {
                missing += 1;
                " No role has it.".to_owned()
            }
            Some(roles) => format!(" These have it: {}.", roles.join(", ")),
        };
        step = step.how(format!(
            "\"{}\" is for {}.{who}",
            wanted.permission, wanted.who
        ));
    }
    let has_ids = subject
        .settings
        .is_some_and(|settings| settings.get("CIVICRM_IDS_ENABLE").is_some());
    if subject.from() < (4, 4) && subject.target() >= (4, 4) {
        let ids = match has_ids {
            true => "CIVICRM_IDS_ENABLE is in civicrm.settings.php, and no longer read: ",
            false => "",
        };
        step = step.how(format!(
            "{ids}\"skip IDS check\" is for roles whose entries PHPIDS takes for an attack; it stands in the place of CIVICRM_IDS_ENABLE from 4.4 on."
        ));
    }
    const UNSUBSCRIBE: &str = "access CiviMail subscribe/unsubscribe pages";
    let roles = subject.cms().and_then(|cms| cms.roles.as_ref());
    let mut anonymous = roles.into_iter().flatten().filter(|role| role.is_anonymous);
    // Where the roles are known, only those that lack it get it.
    let may = anonymous.any(|role| role.may(UNSUBSCRIBE));
    let is_needed = subject.rows("civicrm_mailing") > 0 && !may;
    step = match (subject.platform(), is_needed) {
        (Some(Platform::Drupal7), true) => step.run(
            "drush role-add-perm 'anonymous user' 'access CiviMail subscribe/unsubscribe pages'",
        ),
        (Some(Platform::Drupal8), true) => {
            step.run("drush role:perm:add anonymous 'access CiviMail subscribe/unsubscribe pages'")
        }
        (Some(Platform::Backdrop), true) => {
            step.run("bee role-add-perm 'access CiviMail subscribe/unsubscribe pages' anonymous")
        }
        (Some(Platform::WordPress), true) => {
            step.run("wp cap add anonymous_user access_civimail_subscribe_unsubscribe_pages")
        }
        _ => step,
    };
    let step = match subject.cms().and_then(|cms| cms.roles.as_ref()) {
        None => step.state(
            State::Look,
            "The source does not say what the roles may do.",
        ),
        Some(_) if missing == 0 => step.state(
            State::Look,
            "Every permission that the guide names is given to some role.",
        ),
        Some(_) => step.why(format!("{} given to no role.", are(missing))),
    };
    steps.add(step.trap("A rebuild of CiviCRM's caches takes permissions of extensions away that are off at that moment."));
}

fn are(number: u64) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, "permission"))
}

fn views(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "views";
    if !matches!(
        subject.platform(),
        Some(Platform::Drupal6 | Platform::Drupal7) | None
    ) {
        steps.leave_out(
            ID,
            "only Drupal 6 and 7 keep CiviCRM's tables in a cache of the module views",
        );
        return;
    }
    let page = match subject.platform() {
        Some(Platform::Drupal6) => "admin/build/views/tools",
        _ => "admin/structure/views/settings/advanced",
    };
    let step = Step::new(ID, "Empty the cache of the module views")
        .how(format!("By hand: {}{page}.", subject.base_url()));
    let step = match platform::clear_caches(subject) {
        Some(command) => step.run(command),
        None => step,
    };
    match subject.cms() {
        Some(cms) if cms.has_on("views") => steps.add(step.why("The module is on.")),
        Some(cms) if cms.integrations.is_some() => steps.leave_out(ID, "the module views is off"),
        _ => steps.add(step.state(
            State::Look,
            "The source does not say whether the module is on.",
        )),
    }
}

fn front_page_back(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "front-page-back";
    if subject.platform() == Some(Platform::Standalone) {
        steps.leave_out(ID, "CiviCRM Standalone has no front page but CiviCRM's");
        return;
    }
    let step = Step::new(ID, "Make the page of before the front page again");
    match subject.cms().and_then(|cms| cms.front_page.as_ref()) {
        Some(front) if front.is_civicrm => {
            let step = step.why(format!("It was {}.", front.path));
            steps.add(with(step, platform::front_page(subject, &front.path)));
        }
        Some(front) => steps.leave_out(ID, format!("it was {}, and stays that", front.path)),
        None => steps.add(step.state(State::Look, "Where it was changed above.")),
    }
}

fn cron_on(subject: &Subject) -> Step {
    let (from, target) = (subject.from(), subject.target());
    let step = Step::new("cron-on", "Let the cron jobs of CiviCRM run again");
    let jobs = platform::page(subject, "civicrm/admin/job");
    let cron = match subject.platform() {
        _ if target < (4, 2) => "Take the # away before their lines.".to_owned(),
        Some(Platform::Standalone | Platform::Drupal8) => {
            "One line of the crontab runs all jobs: cv api job.execute --user=USER --cwd=PATH, with the folder $CMS for PATH.".to_owned()
        }
        _ if target < (4, 7) => "One line of the crontab runs all jobs: php PATH/bin/cli.php -s SITE -u USER -p PASSWORD -e Job -a execute, with the folder $CODE for PATH.".to_owned(),
        _ => "One line of the crontab runs all jobs: php PATH/bin/cli.php -s SITE -u USER -p PASSWORD -e Job -a execute, with the folder $CODE for PATH; or cv api job.execute --user=USER --cwd=PATH, with the folder $CMS for PATH.".to_owned(),
    };
    let step = step
        .how(cron)
        .how(format!("The jobs, each on or off: {jobs}."))
        .how("The user and the password of the cron job stand in the crontab alone; no table has them.");
    let step = step.check("cividb check \"$SITE\" --only site-jobs-stopped");
    match (from, target) {
        (from, (4, 2..) | (5.., _)) if from < (4, 2) => step
            .why("Every cron job of 4.1 and earlier stops working with the upgrade: the scripts of bin/ are gone.")
            .how("Turn on the scheduled jobs that did the same, such as those for mailings, memberships, reminders and bounces: all are off at first."),
        ((4, 2), _) if target > (4, 2) => step
            .why("Jobs that run by cli.php need a password from 4.3 on.")
            .how("Add -p PASSWORD to the lines that call cli.php."),
        _ => step.why("They were stopped above."),
    }
}

fn data(subject: &Subject) -> Step {
    let (from, target) = (subject.from_name(), &subject.forecast.target);
    let step = Step::new("data", "See that the data is all there")
        .why("Every row of the backup is looked for in the upgraded database, through what the steps change.");
    match subject.forecast.from {
        Some(_) => step.run(format!(
            "cividb compare \"$BACKUP\" \"$SITE\" --through {from}..{target}"
        )),
        None => step.run("cividb compare \"$BACKUP\" \"$SITE\""),
    }
    .how("Open a contact, a contribution, an event and a membership that you know.")
}

fn online(subject: &Subject) -> Step {
    let step = Step::new("online", "Let the site online again")
        .why("When everything above is looked at.")
        .check("cividb check \"$SITE\" --only site-maintenance");
    let step = with(step, platform::offline(subject, false));
    let lightbox = subject.cms().and_then(|cms| {
        let mut others = cms.others.iter();
        others.find(|module| module.name == "lightbox2")
    });
    let is_old =
        lightbox.is_some_and(|module| module.released.is_none_or(|at| at < LIGHTBOX_MENDED));
    match is_old {
        true => step.trap(
            "The module lightbox2 is on, in a release before July 2009: it turns the screen grey behind every link of \
             CiviCRM. Turn it off, or take a newer one.",
        ),
        false => step,
    }
}

fn renewals(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "renewals";
    if subject.rows("civicrm_membership") == 0 {
        steps.leave_out(ID, "the site has no memberships");
        return;
    }
    if subject.from() >= (4, 2) {
        steps.leave_out(
            ID,
            "memberships are renewed by a scheduled job since 4.2, not by a script in the code",
        );
        return;
    }
    steps.add(
        Step::new(ID, "Let the memberships be renewed again")
            .why("The script bin/UpdateMembershipRecord.php went with the old code.")
            .how(format!("From 4.2 on the scheduled job for memberships does it (process_membership): turn it on at {}.", platform::page(subject, "civicrm/admin/job")))
            .check("cividb check \"$SITE\" --only site-deceased"),
    );
}

fn troubles(subject: &Subject) -> Step {
    Step::new("troubles", "If something looks wrong afterwards")
        .state(State::Look, "Each of these explains itself.")
        .run("cividb check \"$SITE\"")
        .run("cividb explain \"Page not found: civicrm/upgrade\"")
        .run("cividb explain \"Unknown column 'is_deleted' in 'field list'\"")
        .how(format!("Menus that are wrong are made anew by {}.", platform::page(subject, "civicrm/menu/rebuild?reset=1")))
        .how("Settings pages that behave oddly: empty $COMPILED, and delete Config.IDS.ini in the folder ConfigAndLog beside it.")
        .how("Errors of foreign keys for one person alone: let that person log out and in again.")
        .how("Pages that are forbidden (403): look at the permissions of the folder of files, and turn clean URLs off for a moment.")
        .trap("Debugging that was turned on for this is turned off again: it shows settings and paths to every visitor.")
}

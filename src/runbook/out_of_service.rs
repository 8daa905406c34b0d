//! Steps that take the site out of service, so that nothing changes it but the upgrade.

use super::model::{State, Step, Steps};
use super::platform::{self, Action};
use super::subject::Subject;
use crate::cms::{ModuleState, Platform};
use crate::text::count;

/// The steps that take the site out of service.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    steps.add(login(subject));
    steps.add(offline(subject));
    steps.add(cron_off(subject));
    mailings(subject, steps);
    front_page(subject, steps);
    civicrm_on(subject, steps);
    modules_off(subject, steps);
    logging_off(subject, steps);
    full_text_off(subject, steps);
    code_copies(subject, steps);
}

/// A step with what the CMS has for it.
pub(super) fn with(step: Step, action: Action) -> Step {
    match action.command {
        Some(command) => step
            .run(command)
            .how(format!("Or by hand: {}.", action.page)),
        None => step.how(format!("By hand: {}.", action.page)),
    }
}

fn login(subject: &Subject) -> Step {
    let name = subject.platform().map_or("the CMS", Platform::name);
    let step = Step::new(
        "login",
        format!("Log in to {name} as its administrator, and stay logged in until the end"),
    )
    .state(
        State::Look,
        "A session lasts for minutes; no backup tells of it.",
    );
    let step = step.how("The page of the upgrade asks for the permissions \"access CiviCRM\" and \"administer CiviCRM\".");
    let roles = subject
        .cms()
        .and_then(|cms| cms.roles_with("administer CiviCRM"));
    match roles {
        Some(roles) if !roles.is_empty() => {
            step.how(format!("The roles that may administer CiviCRM: {}. The first account of the CMS may everything.", roles.join(", ")))
        }
        Some(_) => step.how("No role may administer CiviCRM: only the first account of the CMS can run the upgrade."),
        None => step,
    }
}

fn offline(subject: &Subject) -> Step {
    let step = Step::new("offline", "Take the site offline")
        .check("cividb check \"$SITE\" --only site-maintenance");
    let trap = match subject.target() < (6, 1) || subject.from() < (6, 1) {
        true => {
            "The maintenance mode of the CMS does not stop CiviCRM's own cron: before 6.1 it goes on, and sends mailings. The \
             next step stops it."
        }
        false => "Calls of CiviCRM's REST interface end with an error as long as it is offline.",
    };
    let step = step.trap(trap);
    let step = match subject.platform() {
        Some(Platform::WordPress) => step
            .how("The file belongs beside wp-load.php, where that is in another folder than $CMS.")
            .trap(
                "WordPress's maintenance mode keeps everybody out, administrators too: with it only the commands work, and \
                 the upgrade runs by them. To see pages, let it online again, and close the site by the web server.",
            )
            .trap(
                "wp maintenance-mode activate would not do: WordPress heeds what it writes for ten minutes, and cv ends at it.",
            ),
        Some(Platform::Standalone) if subject.from() >= (6, 1) => step.how(
            "The setting stops the scheduled jobs and the REST interface, and pages may stay open: let the web server \
             answer with a page of its own as well.",
        ),
        Some(Platform::Joomla) => step.how("The command is there from Joomla 4 on."),
        _ => step,
    };
    match subject.cms().and_then(|cms| cms.is_offline) {
        Some(true) if subject.is_dump() => with(
            step.state(
                State::Look,
                "The site was in maintenance mode when the dump was made; look whether it still is.",
            ),
            platform::offline(subject, true),
        ),
        Some(true) => step.state(
            State::Done,
            format!(
                "The site is in maintenance mode{}.",
                subject.unless_overridden()
            ),
        ),
        Some(false) => with(
            step.why(format!(
                "The site is online{}.",
                subject.unless_overridden()
            )),
            platform::offline(subject, true),
        ),
        None => with(
            step.state(
                State::Look,
                "The database does not say whether the site is offline.",
            ),
            platform::offline(subject, true),
        ),
    }
}

fn cron_off(subject: &Subject) -> Step {
    let jobs = subject.case.snapshot.rows.get("civicrm_job");
    let active = jobs.map(|rows| {
        let is_on = |row: &&crate::snapshot::Row| {
            row.get("is_active").and_then(Option::as_deref) == Some(b"1")
        };
        rows.iter().filter(is_on).count() as u64
    });
    let why = match active {
        Some(0) => {
            "No scheduled job is on; a script in the crontab may run all the same.".to_owned()
        }
        Some(jobs) => format!("{} on.", are(jobs, "scheduled job")),
        None => "The scripts of CiviCRM run from the crontab.".to_owned(),
    };
    Step::new("cron-off", "Stop the cron jobs of CiviCRM, and note them")
        .why(why)
        .how("Put a # before the lines that call cron.php, cli.php, civimail.cronjob.php, cv, drush or wp for CiviCRM.")
        .run("grep -rsil civicrm /etc/crontab /etc/cron.d /var/spool/cron")
        .run("crontab -l")
        .trap("Let a job that runs come to its end first: it writes while the backup is made.")
}

fn are(number: u64, noun: &str) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, noun))
}

fn mailings(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "mailings";
    let of_test =
        |row: &crate::snapshot::Row| row.get("is_test").and_then(Option::as_deref) == Some(b"1");
    let is = |row: &crate::snapshot::Row, status: &[u8]| {
        row.get("status").and_then(Option::as_deref) == Some(status) && !of_test(row)
    };
    let Some(rows) = subject.rows_of("civicrm_mailing_job") else {
        let step = Step::new(ID, "Let the mailings go out, or pause them");
        steps.add(
            step.state(
                State::Look,
                "The source does not say whether mailings go out.",
            )
            .how(format!(
                "They are listed on {}.",
                platform::page(
                    subject,
                    "civicrm/mailing/browse/scheduled?scheduled=true&reset=1"
                )
            )),
        );
        return;
    };
    let running = rows.iter().filter(|row| is(row, b"Running")).count() as u64;
    let waiting = rows.iter().filter(|row| is(row, b"Scheduled")).count() as u64;
    if running + waiting == 0 {
        let when = if subject.is_dump() {
            " when the dump was made"
        } else {
            ""
        };
        steps.leave_out(
            ID,
            format!("no mailing goes out or waits for its time{when}"),
        );
        return;
    }
    let step = Step::new(ID, "Let the mailings go out, or pause them")
        .why(format!(
            "{} of mailings running, and {} scheduled.",
            are(running, "job"),
            are(waiting, "job")
        ))
        .how(format!("Wait until they are done, or pause them: {}.", platform::page(subject, "civicrm/mailing/browse/scheduled?scheduled=true&reset=1")))
        .trap("A mailing that is cut off in the middle goes on after the upgrade, and may reach people twice.");
    steps.add(step);
}

fn front_page(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "front-page";
    let platform = subject.platform();
    if platform == Some(Platform::Standalone) {
        steps.leave_out(ID, "CiviCRM Standalone has no front page but CiviCRM's");
        return;
    }
    let cms = subject.cms();
    let deciders: Vec<&str> = cms.map_or_else(Vec::new, |cms| {
        FRONT_PAGE_MODULES
            .iter()
            .copied()
            .filter(|name| cms.has_on(name))
            .collect()
    });
    let warn = |step: Step| match &deciders[..] {
        [] => step,
        names => step.trap(format!(
            "These modules may decide about the front page as well, each on a page of its own: {}.",
            names.join(", ")
        )),
    };
    let plain = platform::plain_front_page(platform);
    let step = Step::new(
        ID,
        "Make another page than CiviCRM the front page, and note the one of now",
    );
    match cms.and_then(|cms| cms.front_page.as_ref()) {
        Some(front) if front.is_civicrm => {
            let why = format!(
                "The front page is {}{}.",
                front.path,
                subject.unless_overridden()
            );
            let step = with(step.why(why), platform::front_page(subject, plain));
            let step = step.check(format!(
                "cividb check \"$SITE\" --target {} --only site-front-page",
                subject.forecast.target
            ));
            steps.add(warn(step));
        }
        Some(front) if deciders.is_empty() => steps.leave_out(
            ID,
            format!(
                "the front page is {}{}",
                front.path,
                subject.unless_overridden()
            ),
        ),
        Some(front) => steps.add(warn(step.state(
            State::Look,
            format!(
                "The CMS itself has {} as its front page{}.",
                front.path,
                subject.unless_overridden()
            ),
        ))),
        None => {
            let step = step.state(
                State::Look,
                "The source does not say which page is the front page.",
            );
            steps.add(with(step, platform::front_page(subject, plain)));
        }
    }
}

/// Modules of Drupal that decide which page is the front page.
const FRONT_PAGE_MODULES: [&str; 8] = [
    "front_page",
    "domain",
    "i18n_variable",
    "variable_store",
    "variable_realm",
    "page_manager",
    "homebox",
    "context",
];

fn civicrm_on(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "civicrm-on";
    let platform = subject.platform();
    if platform == Some(Platform::Standalone) {
        steps.leave_out(ID, "CiviCRM Standalone is not a module of another program");
        return;
    }
    let what = platform.map_or("module", Platform::extension);
    let step = Step::new(ID, format!("Leave the {what} civicrm itself on"));
    let step = match platform {
        Some(Platform::Drupal6 | Platform::Drupal7 | Platform::Drupal8 | Platform::Backdrop) | None => step.trap(format!(
            "Never uninstall the {what} civicrm: that drops every table of CiviCRM. Turning it off drops nothing, and \
             yet the upgrade cannot run then."
        )),
        _ => step,
    };
    let step = match subject.cms().and_then(|cms| cms.civicrm) {
        Some(ModuleState::On) => step.state(State::Done, format!("The {what} is on.")),
        Some(ModuleState::Off) => with(
            step.why(format!("The {what} is off: the page of the upgrade is not found.")),
            platform::modules(subject, &["civicrm"], true),
        )
        .how("It has to be turned on with the old code in its place: put that back where the new one is there already."),
        Some(ModuleState::NotInstalled) => step
            .why(format!("The {what} is not installed, and the tables of CiviCRM are there."))
            .how("Put the old code in its place, set the tables of CiviCRM aside (a dump), install the module, and restore the tables over the new ones.")
            .trap("Installing it writes into the tables that are there."),
        None => step.state(State::Look, format!("The source does not say whether the {what} is on.")),
    };
    steps.add(step);
}

fn modules_off(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "modules-off";
    let platform = subject.platform();
    if platform == Some(Platform::Standalone) {
        steps.leave_out(ID, "CiviCRM Standalone has extensions of its own only");
        return;
    }
    let what = platform.map_or("module", Platform::extension);
    if platform == Some(Platform::Drupal8) {
        let names = names(subject);
        let step = Step::new(ID, "Have releases of the integration modules that fit, instead of turning them off")
            .state(State::Look, match &names[..] {
                [] => "No integration module is seen in the source.".to_owned(),
                names => format!("These are on: {}.", names.join(", ")),
            })
            .trap("Drupal 8 and later cannot turn a module off without uninstalling it, which deletes its settings and its data.");
        steps.add(step);
        return;
    }
    let step = Step::new(
        ID,
        format!("Note the {what}s that use CiviCRM, and turn them off"),
    );
    let step = step.trap(format!(
        "Turn them off, and do not uninstall them: that deletes their settings. Leave the {what} civicrm itself on."
    ));
    match subject.cms().map(|cms| &cms.integrations) {
        Some(Some(list)) if list.is_empty() && subject.cms().is_some_and(|cms| cms.names_only) => {
            let others = subject.cms().map_or(&[][..], |cms| &cms.others).iter();
            let others: Vec<&str> = others.map(|module| module.name.as_str()).collect();
            let others = match &others[..] {
                [] => String::new(),
                names => format!(" These are on: {}.", names.join(", ")),
            };
            let why = format!(
                "No {what} with civicrm in its name is on; nothing but the names tells which use CiviCRM.{others}"
            );
            steps.add(step.state(State::Look, why));
        }
        Some(Some(list)) if list.is_empty() => {
            steps.add(step.state(State::Done, format!("No {what} is on that uses CiviCRM.")));
        }
        Some(Some(_)) => {
            let names = names(subject);
            let step = step.why(format!(
                "{} on: {}.",
                are(names.len() as u64, what),
                names.join(", ")
            ));
            let step = with(step, platform::modules(subject, &names, false));
            steps.add(step.check(format!(
                "cividb check \"$SITE\" --target {} --only site-integrations",
                subject.forecast.target
            )));
        }
        _ => {
            let step = step.state(
                State::Look,
                format!("The source does not say which {what}s are on."),
            );
            let step = with(step, platform::modules(subject, &[], false));
            steps.add(
                step.how(
                    "Turn off all that belong to CiviCRM or use its tables, such as realname.",
                ),
            );
        }
    }
}

/// The names of the integration modules that are on.
pub(super) fn names<'a>(subject: &Subject<'a, '_>) -> Vec<&'a str> {
    let integrations = subject.cms().and_then(|cms| cms.integrations.as_ref());
    let list = integrations.into_iter().flatten();
    list.map(|module| module.name.as_str()).collect()
}

fn logging_off(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "logging-off";
    let logging = subject.case.site.as_ref().and_then(|site| site.logging);
    if logging.is_none() && subject.rows_of("civicrm_setting").is_none() {
        let step = Step::new(ID, "Turn the detailed log off until the upgrade is done");
        steps.add(step.state(
            State::Look,
            "The source does not say whether the detailed log is on.",
        ));
        return;
    }
    if logging != Some(true) {
        steps.leave_out(
            ID,
            format!("the detailed log is off{}", subject.unless_overridden()),
        );
        return;
    }
    let step = Step::new(ID, "Turn the detailed log off until the upgrade is done")
        .why("The detailed log is on. The upgrade to 4.2 refuses to begin with it, and every other one is slower and fills its tables.")
        .how(format!("Set it off on {}.", platform::page(subject, "civicrm/admin/setting/misc")))
        .how("Set it on again behind the last hop; CiviCRM then makes its triggers anew.")
        .trap("The log tables stay. They are part of the backup, unless CIVICRM_LOGGING_DSN names another database.");
    steps.add(step);
}

fn full_text_off(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "full-text-off";
    if subject.rows_of("civicrm_setting").is_none() {
        let step = Step::new(
            ID,
            "Turn the full-text indexes off until the upgrade is done",
        );
        steps.add(step.state(State::Look, "The source does not say whether they are on."));
        return;
    }
    let is_on = subject.civicrm_setting("enable_innodb_fts");
    if !is_on.is_some_and(|value| value.is_on()) {
        steps.leave_out(
            ID,
            format!(
                "the setting for full-text indexes is off{}",
                subject.unless_overridden()
            ),
        );
        return;
    }
    let step = Step::new(ID, "Turn the full-text indexes off until the upgrade is done")
        .why("The setting enable_innodb_fts is on: steps that change the indexed tables take much longer, or fail.")
        .how(format!("Set it off on {}, and on again behind the last hop.", platform::page(subject, "civicrm/admin/setting/search")));
    steps.add(step);
}

fn code_copies(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "code-copies";
    let is_drupal = matches!(
        subject.platform(),
        Some(Platform::Drupal6 | Platform::Drupal7 | Platform::Backdrop) | None
    );
    if !is_drupal {
        steps.leave_out(
            ID,
            "this CMS does not load code of a folder only because it lies beside its modules",
        );
        return;
    }
    let step = Step::new(ID, "Keep no second copy of CiviCRM's code below a folder of modules")
        .trap("The CMS runs every .module file below its folders for modules, also that of a folder such as civicrm.bak.");
    let files = subject.cms().map(|cms| &cms.civicrm_files);
    let step = match files.map(Vec::as_slice) {
        Some([one]) => step.state(State::Done, format!("The CMS knows one: {one}.")),
        Some([]) | None => step.state(
            State::Look,
            "The source does not say where CiviCRM's code lies.",
        ),
        Some(several) => step
            .why(format!("The CMS knows several: {}.", several.join(", ")))
            .how("Move all but the one in use out of the folders for modules."),
    };
    steps.add(step);
}

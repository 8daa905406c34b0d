//! Steps that can be done days before: what the target asks for, and what is got ready.

use super::backup::dump_command;
use super::hop::capital;
use super::model::{State, Step, Steps};
use super::platform;
use super::subject::Subject;
use crate::checks::{Examination, Findings, Group, Selection, Severity, examine};
use crate::civicrm::extensions;
use crate::civicrm::requirements::Fitness;
use crate::cms::Platform;
use crate::preflight::Hop;
use crate::text::count;

/// The steps before the day of the upgrade.
pub(super) fn steps(subject: &Subject, steps: &mut Steps) {
    steps.add(path(subject));
    cms_release(subject, steps);
    other_modules(subject, steps);
    steps.add(server(subject));
    steps.add(php(subject));
    steps.add(grants(subject));
    steps.add(copy_first(subject));
    steps.add(code_download(subject));
    localisation(subject, steps);
    other_extensions(subject, steps);
}

fn path(subject: &Subject) -> Step {
    let forecast = subject.forecast;
    let (from, target) = (subject.from_name(), &forecast.target);
    let step = Step::new("path", format!("Know the way from {from} to {target}"));
    let hops: Vec<String> = forecast
        .path
        .iter()
        .map(|hop| hop.release.to_string())
        .collect();
    let step = match &hops[..] {
        [] => {
            return step.state(
                State::Look,
                format!("No release that cividb knows takes {from} and leads to {target}."),
            );
        }
        [_] => step.state(
            State::Done,
            format!("The code of {target} takes {from}, so that one upgrade is enough."),
        ),
        several => step.state(
            State::Done,
            format!(
                "The code of {target} does not take {from}: the upgrade goes by {}, each with its own code.",
                several.join(", then ")
            ),
        ),
    };
    let step = step.check(format!("cividb preflight \"$SITE\" --target {target}"));
    match subject.from() < (3, 3) && subject.target() >= (4, 3) {
        true => step.trap(
            "The guide for 4.4 says that its code takes 2.2 and later. It really takes 3.3.2 and later: before that it \
             reads a column that is not there yet, and stops before the first step.",
        ),
        false => step,
    }
}

fn cms_release(subject: &Subject, steps: &mut Steps) {
    const TITLE: &str = "Hold the release of the CMS against what CiviCRM takes";
    let step = Step::new("cms-release", TITLE);
    let version = subject.cms().and_then(|cms| cms.version.as_deref());
    let platform = subject.platform();
    let (target, names) = (subject.target(), platform.map(Platform::name));
    let what = match (names, version) {
        (Some(name), Some(version)) => format!("The site runs on {name}, release {version}."),
        (Some(name), None) => {
            format!("The site runs on {name}; its tables do not say which release.")
        }
        (None, _) => {
            let why = "Neither the database nor a settings file says which CMS the site runs on.";
            let step = step.state(State::Look, why);
            steps.add(step.how(
                "Name the settings file with --settings, and make this runbook again: the steps then have the commands of the CMS.",
            ));
            return;
        }
    };
    let page = "Look at the page about requirements of CiviCRM's documentation for the target.";
    let step = match platform {
        Some(Platform::Standalone) => {
            steps.leave_out("cms-release", "CiviCRM Standalone runs in no CMS");
            return;
        }
        Some(Platform::Drupal6) if target >= (4, 3) => step.state(State::Look, what).how(
            "The guide for 4.4 says that it is made for Drupal 7 and may run on Drupal 6: look whether there is a package of \
             the target for Drupal 6, or bring Drupal to 7 first.",
        ),
        Some(Platform::Drupal7) if subject.from() < (4, 0) && version.is_some() => step
            .state(State::Look, what)
            .how("CiviCRM before 4.0 does not run on Drupal 7. The tables of the CMS are newer than CiviCRM's: CiviCRM's code is not in use at this moment."),
        // What the guide for 4.4 asks for.
        Some(Platform::Drupal7) if version.is_some() && target <= (4, 4) => step.state(
            State::Done,
            format!("{what} CiviCRM 4.0 to 4.4 is made for Drupal 7."),
        ),
        Some(Platform::Drupal7) if target >= (5, 25) => step
            .state(State::Look, what)
            .how(page)
            .how("Bring Drupal 7 to its last release first: earlier ones do not run on PHP 8."),
        _ => step.state(State::Look, what).how(page),
    };
    steps.add(step);
}

fn other_modules(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "other-modules";
    let Some(cms) = subject
        .cms()
        .filter(|cms| cms.platform == Platform::Drupal6)
    else {
        steps.leave_out(
            ID,
            "only a site on Drupal 6 that goes to Drupal 7 as well has to look for releases of its other modules",
        );
        return;
    };
    let names: Vec<String> = cms
        .others
        .iter()
        .map(|module| match &module.version {
            Some(version) => format!("{} {version}", module.name),
            None => module.name.clone(),
        })
        .collect();
    let step = Step::new(ID, "Look whether the other modules have a release for Drupal 7")
        .state(
            State::Look,
            format!(
                "{} on that {} not part of Drupal: {}.",
                count(names.len() as u64, "module"),
                if names.len() == 1 { "is" } else { "are" },
                names.join(", ")
            ),
        )
        .how("This is for a site that goes to Drupal 7 as well. Drupal's own instructions say to turn off all modules before.")
        .trap(
            "Leave the module civicrm on when Drupal goes from 6 to 7. With the module off, CiviCRM cannot be upgraded \
             afterwards.",
        );
    match names.is_empty() {
        true => steps.leave_out(ID, "no module is on but those of Drupal and CiviCRM"),
        false => steps.add(step),
    }
}

fn needs(hop: &Hop) -> String {
    let number = |(major, minor, patch): (u32, u32, u32)| match patch {
        0 => format!("{major}.{minor}"),
        _ => format!("{major}.{minor}.{patch}"),
    };
    let mysql = number(hop.requirements.mysql_minimum);
    let mariadb = hop.requirements.mariadb_minimum.map(number);
    let mariadb = mariadb.map_or_else(String::new, |lowest| format!(" or MariaDB {lowest}"));
    format!(
        "CiviCRM {} needs MySQL {mysql}{mariadb} or later.",
        hop.release
    )
}

fn server(subject: &Subject) -> Step {
    let mut step = Step::new(
        "server",
        "Have a database server that every release on the way takes",
    );
    for hop in &subject.forecast.path {
        step = step.how(needs(hop));
    }
    step = step
        .how("It needs InnoDB, a thread_stack of at least 192 KiB and auto_increment_increment 1.");
    let target = &subject.forecast.target;
    let step = step.check(format!("cividb grants \"$SITE\" --target {target}"));
    let Some(server) = subject.server() else {
        return step.state(
            State::Look,
            "The source does not say which server it comes from.",
        );
    };
    let hops = subject.forecast.path.iter();
    let too_old = hops
        .filter(|hop| matches!(hop.requirements.fitness(server), Fitness::TooOld(_)))
        .map(|hop| hop.release.to_string())
        .collect::<Vec<String>>();
    let is_dump = subject.case.snapshot.server.is_none();
    match (&too_old[..], is_dump) {
        ([], false) => {
            let found = of_server(subject);
            let not_seen = found.not_checked.iter().find(|it| it.incomplete);
            match (&found.list[..], not_seen) {
                ([], None) => step.state(
                    State::Done,
                    format!("{server} is new enough for all of them, and its settings fit."),
                ),
                ([], Some(lack)) => step.state(
                    State::Look,
                    format!("{server} is new enough for all of them. Of its settings not all were seen: {}.", lack.why),
                ),
                (list, _) => list.iter().fold(
                    step.why(format!("{server} is new enough for all of them; its settings do not all fit.")),
                    |step, finding| step.how(format!("{}. {}", capital(&finding.message), finding.fix)),
                ),
            }
        }
        ([], true) => step.state(
            State::Look,
            format!("The dump comes from {server}, which is new enough; look whether the site is still on it."),
        ),
        (releases, _) => step
            .why(format!("{server} is too old for {}.", releases.join(" and for ")))
            .how("Move the database before that hop: dump it, restore it on the newer server, and let the settings file name it."),
    }
}

/// What the checks say of the server, for every release on the way.
fn of_server(subject: &Subject) -> Findings {
    let mut all = Findings::default();
    for hop in &subject.forecast.path {
        let mut examined = Examination::of(subject.case);
        examined.for_release = Some(&hop.release);
        let found = examine(&examined, &[Group::Server], &Selection::default());
        let lasting = found
            .list
            .into_iter()
            .filter(|it| it.severity > Severity::Note);
        for finding in lasting {
            if !all
                .list
                .iter()
                .any(|known| known.message == finding.message)
            {
                all.push(finding);
            }
        }
        all.not_checked.extend(found.not_checked);
    }
    all
}

/// The account of CIVICRM_DSN, where another one than that was looked at, or it is not known which one it is.
fn other_account(subject: &Subject) -> Option<String> {
    let asked = subject
        .connection
        .and_then(|it| it.user.clone())
        .unwrap_or_default();
    match subject.dsn() {
        Some(dsn) if dsn.user.as_deref() == Some(asked.as_str()) => None,
        Some(dsn) => Some(format!(
            "The account {asked} has every privilege that is needed, and CIVICRM_DSN names the account {}.",
            dsn.user.unwrap_or_default()
        )),
        None => Some(format!(
            "The account {asked} has every privilege that is needed; whether CIVICRM_DSN names it was not looked at."
        )),
    }
}

fn php(subject: &Subject) -> Step {
    let mut step = Step::new("php", "Have the PHP of every release on the way ready")
        .state(State::Look, "No database says which PHP its site runs on.");
    for hop in &subject.forecast.path {
        step = step.how(format!("CiviCRM {} runs on PHP {}.", hop.release, hop.php));
    }
    step = step.how("PHP's PCRE has to know Unicode properties: the second command prints 1.");
    step.run("php --version")
        .run("php -r 'echo preg_match(\"/\\\\pL/u\", \"x\"), PHP_EOL;'")
        .trap(
            "The PHP of the command line is often not that of the web server. Look at both (the page of the CMS for its \
             status, or phpinfo()).",
        )
}

fn grants(subject: &Subject) -> Step {
    let target = &subject.forecast.target;
    let step = Step::new(
        "grants",
        "Give the account of CIVICRM_DSN what the upgrade needs",
    )
    .check(format!("cividb grants \"$SITE\" --target {target}"));
    match subject.privileges {
        None => step.state(
            State::Look,
            "Only the server can tell what the account may do: the command prints each GRANT that is missing.",
        ),
        Some(verdict) if verdict.is_enough() => match other_account(subject) {
            None => step.state(State::Done, "The account has every privilege that is needed."),
            Some(why) => step.state(State::Look, why),
        },
        Some(verdict) => {
            let missing = verdict.missing.len() as u64;
            let verb = if missing == 1 { "is" } else { "are" };
            let step = step
                .why(format!("{} {verb} missing.", count(missing, "privilege")))
                .how("Let an administrator of the server run the statements; the lines with them stand behind this one.");
            let fixes = verdict.fixes.iter();
            fixes.fold(step, |step, fix| step.how(format!("{};", fix.statement.trim_end_matches(';'))))
        }
    }
}

fn copy_first(subject: &Subject) -> Step {
    let target = &subject.forecast.target;
    let file = "\"$BACKUP.trial.sql\"";
    let rest = format!("--result-file={file} {}", subject.client_options());
    let (dump, _) = dump_command(subject, &rest);
    Step::new("copy-first", "Upgrade a copy of the site first")
        .why("What goes wrong there costs nothing.")
        .how("Copy the database, the code and the files, and let the settings file of the copy name the copy's database, folders and address.")
        .how("Turn the copy's outgoing mail and its cron off before anything else.")
        .how("Or try the database alone: the commands make a backup for that, restore it on a private server of this machine, and run there what the steps do to the database.")
        .run(dump)
        .run(format!("cividb rehearse {file} --target {target}"))
        .run(format!("rm {file}"))
        .trap(
            "Paths and addresses stand in the database as well, so that a copy may write into the folders of the site \
             that it was made of.",
        )
}

fn code_download(subject: &Subject) -> Step {
    let mut step = Step::new(
        "code-download",
        "Download CiviCRM's code for every release on the way",
    )
    .state(
        State::Look,
        "The database does not say what lies on the disk.",
    )
    .run("mkdir -p \"$DOWNLOADS\"");
    for hop in &subject.forecast.path {
        let line = match platform::package(subject, &hop.release) {
            Some(file) => {
                step = step.check(format!("ls -l \"$DOWNLOADS\"/{file}"));
                format!("For {}: {file}.", hop.release)
            }
            None if subject.platform().is_some() => {
                format!("For {}: Composer fetches it at the hop.", hop.release)
            }
            None => format!("For {}: the package for the site's CMS.", hop.release),
        };
        step = step.how(line);
    }
    step.how("CiviCRM's page for downloads links to older releases as well. Put the files into the folder $DOWNLOADS.")
}

pub(super) fn localisation(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "localisation";
    let language = subject
        .civicrm_setting("lcMessages")
        .and_then(|it| it.as_text());
    let of_config = || {
        let rows = subject.case.snapshot.rows.get("civicrm_domain")?;
        let config = rows.first()?.get("config_backend")?.as_deref()?;
        crate::serialized::Value::parse(config)?
            .get("lcMessages")?
            .as_text()
    };
    let language = language.or_else(of_config);
    let locales = subject
        .case
        .site
        .as_ref()
        .map_or(&[][..], |site| site.locales());
    let mut languages: Vec<&str> = locales.iter().map(String::as_str).collect();
    languages.extend(language.as_deref());
    languages.retain(|language| *language != "en_US" && !language.is_empty());
    languages.dedup();
    if languages.is_empty() {
        let why = match language {
            Some(_) => "the language of the site is en_US, which is in the code itself",
            None => "the database names no language but en_US, which is in the code itself",
        };
        steps.leave_out(ID, why);
        return;
    }
    let mut step = Step::new(ID, "Download the translations of every release on the way")
        .why(format!("The site uses {}.", languages.join(", ")));
    for hop in &subject.forecast.path {
        step = step.how(format!(
            "For {}: civicrm-{}-l10n.tar.gz, unpacked over the code.",
            hop.release, hop.release
        ));
    }
    steps.add(step);
}

fn other_extensions(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "extensions";
    let Some(rows) = subject.rows_of("civicrm_extension") else {
        let step = Step::new(ID, "Look for releases of the extensions that fit");
        steps.add(step.state(
            State::Look,
            "The source does not say which extensions of CiviCRM are on.",
        ));
        return;
    };
    let active: Option<Vec<String>> = Some(rows).map(|rows| {
        let is_on = |row: &&crate::snapshot::Row| {
            row.get("is_active").and_then(Option::as_deref) != Some(b"0")
        };
        let name = |row: &crate::snapshot::Row| {
            let name = row.get("full_name")?.as_deref()?;
            Some(String::from_utf8_lossy(name).into_owned())
        };
        rows.iter().filter(is_on).filter_map(name).collect()
    });
    let Some(active) = active.filter(|active| !active.is_empty()) else {
        steps.leave_out(ID, "the database names no extension of CiviCRM that is on");
        return;
    };
    let target = &subject.forecast.target;
    let is_gone = |name: &str| {
        let from = subject.forecast.from.as_ref();
        from.is_some_and(|from| extensions::is_taken_out(name, from, target))
    };
    let names = active.iter().map(String::as_str);
    let (gone, others): (Vec<&str>, Vec<&str>) = names
        .filter(|name| is_gone(name) || !extensions::is_shipped(name))
        .partition(|name| is_gone(name));
    if gone.is_empty() && others.is_empty() {
        steps.leave_out(
            ID,
            "the extensions that are on are those that come with CiviCRM",
        );
        return;
    }
    let mut step = Step::new(ID, "Look for releases of the extensions that fit")
        .state(State::Look, format!("{} of CiviCRM on.", are(active.len())));
    if !others.is_empty() {
        step = step.how(format!(
            "Ask the makers of these for a release for {}, and put it in place right behind CiviCRM's code: {}.",
            target,
            others.join(", ")
        ));
    }
    if !gone.is_empty() {
        step = step.how(format!(
            "The upgrade itself takes these out, because CiviCRM does without: {}.",
            gone.join(", ")
        ));
    }
    if subject.settings.is_some() {
        step = step.check(format!(
            "cividb check \"$SITE\" --target {target} --root / --only site-extension-missing,site-extension-target,site-extension-core"
        ));
    }
    steps.add(step.trap(
        "An extension for the old release may stop the upgrade, or the first page behind it. Turn off (do not uninstall) \
         what has no fitting release: uninstalling drops its tables.",
    ));
}

fn are(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number as u64, "extension"))
}

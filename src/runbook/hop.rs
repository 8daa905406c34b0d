//! The steps of one hop: the code of a release is put in place, and its upgrade runs.

use super::backup::dump_command;
use super::model::{State, Step, Steps};
use super::out_of_service::with;
use super::platform;
use super::subject::Subject;
use crate::checks::{Examination, Findings, Group, Selection, examine};
use crate::civicrm::requirements::Fitness;
use crate::cms::Platform;
use crate::preflight::Hop;

/// The folder with composer.json of Drupal 8 and later.
pub(super) const PROJECT: &str = "\"$(dirname \"$CMS\")\"";

/// What is said once, in the first hop that it is for.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The checks and the advice about lines of the settings file.
    lines: Vec<(&'static str, String)>,
    /// Whether a hop stands before.
    is_later: bool,
    /// Whether a hop before needs a newer database server, too.
    has_moved: bool,
}

/// The steps of a hop, which starts with the code of the release `before`.
pub(super) fn steps(
    subject: &Subject,
    hop: &Hop,
    before: &str,
    said: &mut Said,
    steps: &mut Steps,
) {
    let is_first = !std::mem::replace(&mut said.is_later, true);
    steps.add(server(subject, hop, said));
    if !is_first {
        steps.add(backup(subject, before));
    } else if subject.forecast.path.len() < 2 {
        steps.leave_out(
            "hop-backup",
            "one upgrade leads to the target, so that there is nothing to back up on the way",
        );
    }
    steps.add(code_exchange(subject, hop, before));
    if is_first {
        steps.add(files_writable(subject));
    }
    steps.add(settings(subject, hop, said));
    if is_first {
        settings_writable(subject, steps);
        maintenance_page(subject, steps);
        linked_code(subject, steps);
    }
    steps.add(upgrade(subject, hop));
    steps.add(upgrade_done(subject, hop));
    if is_first {
        steps.add(upgrade_stopped(subject));
    }
}

fn server(subject: &Subject, hop: &Hop, said: &mut Said) -> Step {
    let release = &hop.release;
    let step = Step::new(
        "hop-server",
        format!("Let the site run on the PHP of CiviCRM {release}"),
    )
    .state(
        State::Look,
        format!("CiviCRM {release} runs on PHP {}.", hop.php),
    )
    .run("php --version");
    match subject
        .server()
        .map(|server| hop.requirements.fitness(server))
    {
        Some(Fitness::TooOld(_)) if !std::mem::replace(&mut said.has_moved, true) => {
            step.how("The database server is too old for this release: move the database now.")
        }
        _ => step,
    }
}

fn backup(subject: &Subject, before: &str) -> Step {
    let file = format!("\"$BACKUP.{before}.sql\"");
    let rest = format!("--result-file={file} {}", subject.client_options());
    let (command, _) = dump_command(subject, &rest);
    Step::new(
        "hop-backup",
        format!("Back up the database of CiviCRM {before}"),
    )
    .why("If the next upgrade stops, the site goes back to here, and not to the beginning.")
    .how(format!(
        "The code of {before} belongs to it: keep what the next step puts aside."
    ))
    .run(command)
    .check(format!("cividb verify {file}"))
}

fn code_exchange(subject: &Subject, hop: &Hop, before: &str) -> Step {
    let release = &hop.release;
    let step = Step::new(
        "code-exchange",
        format!("Put the code of CiviCRM {release} in the place of the old one"),
    )
    .state(
        State::ToDo,
        format!("Files of {before} among those of {release} make errors that nobody can explain."),
    )
    .trap("Be logged in to the CMS before the old code goes.");
    let code = subject.exchanged();
    let aside = format!("mv {code} \"$ASIDE/code-{before}\"");
    let package = platform::package(subject, release);
    let step = match (subject.platform(), package) {
        (Some(Platform::Drupal8), _) => step
            .run(format!("cp -p {PROJECT}/composer.json {PROJECT}/composer.lock \"$ASIDE/\""))
            .run(format!("composer require --working-dir={PROJECT} --update-with-all-dependencies civicrm/civicrm-core:{release} civicrm/civicrm-packages:{release} civicrm/civicrm-drupal-8:{release}"))
            .how("The folder with composer.json is the one above $CMS. Where it is $CMS itself, write \"$CMS\" in its place."),
        (Some(Platform::WordPress), Some(package)) => step
            .run(format!("mv {code} \"$ASIDE/plugin-{before}\""))
            .run(format!("unzip -q \"$DOWNLOADS\"/{package} -d \"$(dirname {code})\""))
            .how("$CODE is the folder civicrm in the folder of the plugin; the whole plugin is exchanged.")
            .how("Where civicrm.settings.php is in that folder, as in older sites, copy it from what was put aside to where it was."),
        (Some(Platform::Joomla), Some(package)) => step
            .run(format!("cp -a \"$CODE\" \"$ASIDE/code-{before}\""))
            .how(format!("Install {package} over the old one: {}administrator/index.php?option=com_installer.", subject.base_url()))
            .trap("Do not uninstall the component: that may drop the tables of CiviCRM."),
        (Some(Platform::Standalone), Some(package)) => step
            .run(aside)
            .how(format!("Unpack {package}, and put the folder with CiviCRM's code (the one with CRM/Core/Config.php) at $CODE.")),
        (_, Some(package)) => step.run(aside).run(format!("tar -xzf \"$DOWNLOADS\"/{package} -C \"$(dirname \"$CODE\")\"")),
        (_, None) => step.run(aside).how("Unpack the package for the site's CMS where the old code was."),
    };
    let step = match needs_translations(subject) {
        true => step.how(format!("Unpack civicrm-{release}-l10n.tar.gz as well.")),
        false => step,
    };
    step.how("Empty the folder of compiled templates: what is in it was made by the old code.")
        .run("find \"$COMPILED\" -mindepth 1 -delete")
        .check("ls \"$CODE/CRM/Core/Config.php\"")
}

fn needs_translations(subject: &Subject) -> bool {
    let mut left_out = Steps::default();
    super::before::localisation(subject, &mut left_out);
    !left_out.steps.is_empty()
}

fn files_writable(subject: &Subject) -> Step {
    let step = Step::new("files-writable", "Let the web server write into CiviCRM's folder of files")
        .state(State::Look, "The database does not tell what the web server may do.")
        .how("The folder is the one around the compiled templates, with upload, custom and ConfigAndLog in it.")
        .run("ls -ld \"$COMPILED\" \"$(dirname \"$COMPILED\")\"");
    match subject.settings {
        Some(_) => step.check("cividb check \"$SITE\" --root / --only settings-path"),
        None => step,
    }
}

/// What the checks say of the settings file for a release.
fn findings(subject: &Subject, hop: &Hop) -> Findings {
    let mut examined = Examination::of(subject.case);
    examined.settings = subject.settings;
    examined.for_release = Some(&hop.release);
    examine(&examined, &[Group::Settings], &Selection::default())
}

fn settings(subject: &Subject, hop: &Hop, said: &mut Said) -> Step {
    let release = &hop.release;
    let step = Step::new(
        "settings",
        format!("Make civicrm.settings.php fit CiviCRM {release}"),
    );
    let needed = |step: Step| {
        let step = match hop.release.major_minor() >= (4, 2) {
            true => step.how("From 4.2 on it ends with the two lines that register the class loader (CRM_Core_ClassLoader)."),
            false => step,
        };
        match hop.release.major_minor() >= (6, 10) {
            true => step.how("From 6.10 on the upgrade does not begin without CIVICRM_CRED_KEYS."),
            false => step,
        }
    };
    let step = step.trap(
        "Settings that the file overrides are not seen in the database, and those of the database do nothing while it \
         overrides them.",
    );
    if subject.settings.is_none() {
        let step = step.state(State::Look, "The settings file was not read; make this runbook with --settings FILE to have the lines.");
        return needed(step)
            .how("Compare $civicrm_root, CIVICRM_TEMPLATE_COMPILEDIR, CIVICRM_UF_BASEURL, CIVICRM_UF_DSN, CIVICRM_DSN and CIVICRM_SITE_KEY with what is there.");
    }
    let Findings {
        list: mut new,
        not_checked,
        ..
    } = findings(subject, hop);
    let has_any = !new.is_empty();
    new.retain(|finding| {
        let key = (finding.check.id, finding.fix.clone());
        let is_new = !said.lines.contains(&key);
        if is_new {
            said.lines.push(key);
        }
        is_new
    });
    if new.is_empty() && has_any {
        return step.state(
            State::Look,
            format!("{release} needs no more than what was said for the release before."),
        );
    }
    if let Some(lack) = not_checked
        .iter()
        .find(|it| it.incomplete && new.is_empty())
    {
        return step.state(
            State::Look,
            format!(
                "What was seen of the file fits {release}; not all was: {}.",
                lack.why
            ),
        );
    }
    if new.is_empty() {
        return step.state(
            State::Done,
            format!("The file has what {release} needs, and nothing that it no longer reads."),
        );
    }
    let count = crate::text::count(new.len() as u64, "thing");
    let step = step.why(format!(
        "{count} to see to, with the code of {release} in its place."
    ));
    let step = new.iter().fold(step, |step, finding| {
        step.how(format!("{}: {}", capital(&finding.message), finding.fix))
    });
    let unknown = not_checked.iter().filter(|it| it.incomplete);
    let step = unknown.fold(step, |step, lack| {
        step.how(format!("{}, so look at it yourself.", capital(&lack.why)))
    });
    let mut checks: Vec<&str> = Vec::new();
    for finding in &new {
        if !checks.contains(&finding.check.id) {
            checks.push(finding.check.id);
        }
    }
    step.check(format!(
        "cividb check \"$SITE\" --target {release} --no-rows --only {}",
        checks.join(",")
    ))
}

/// A sentence with a capital letter at its beginning, unless it begins with the name of a file.
pub(super) fn capital(text: &str) -> String {
    if text.starts_with("civicrm.settings.php") || text.starts_with('$') {
        return text.to_owned();
    }
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn settings_writable(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "settings-writable";
    let adds_lines = subject.from() < (4, 2) && subject.target() >= (4, 2);
    if !adds_lines {
        steps.leave_out(
            ID,
            "no upgrade step from this version on writes into civicrm.settings.php",
        );
        return;
    }
    if subject
        .settings
        .is_some_and(|settings| settings.has_class_loader)
    {
        steps.leave_out(
            ID,
            "the lines that the upgrade to 4.2 would add to civicrm.settings.php are there",
        );
        return;
    }
    steps.add(
        Step::new(ID, "Let the web server write to civicrm.settings.php during the upgrade, or add the lines yourself")
            .state(State::Look, "The step 4.2.beta2 adds the lines of the class loader where it may write to the file, and stops with a message otherwise.")
            .how("Where the step before has added them by hand, nothing is needed here.")
            .trap("Take the right to write away again afterwards."),
    );
}

fn maintenance_page(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "maintenance-page";
    let is_drupal = matches!(
        subject.platform(),
        Some(Platform::Drupal6 | Platform::Drupal7 | Platform::Backdrop) | None
    );
    if !is_drupal {
        steps.leave_out(ID, "this CMS has no template maintenance-page.tpl.php");
        return;
    }
    steps.add(
        Step::new(ID, "Put a template maintenance-page.tpl.php of the theme aside")
            .state(State::Look, "The page of the upgrade is shown in Drupal's maintenance page; a template of one's own may hide its buttons.")
            .run("find \"$CMS\" -name 'maintenance-page*.tpl.php' -path '*themes*'")
            .how("Rename what it finds below sites, and back behind the upgrade."),
    );
}

fn linked_code(subject: &Subject, steps: &mut Steps) {
    const ID: &str = "linked-code";
    let is_drupal = matches!(
        subject.platform(),
        Some(Platform::Drupal6 | Platform::Drupal7) | None
    );
    if !is_drupal {
        steps.leave_out(
            ID,
            "only a site on Drupal 6 or 7 finds its settings file by the place of the code",
        );
        return;
    }
    let files = subject.cms().map(|cms| cms.civicrm_files.as_slice());
    let is_plain = |file: &String| {
        file.starts_with("sites/all/modules/civicrm/") || file.starts_with("modules/civicrm/")
    };
    match files {
        Some([_, ..]) if files.iter().copied().flatten().all(is_plain) => {
            steps.leave_out(ID, "the code lies where CiviCRM looks for it, unless that folder is a link");
        }
        _ => steps.add(
            Step::new(ID, "Look whether the code lies behind a link, and if so write settings_location.php into it")
                .state(State::Look, "From a linked folder the scripts of CiviMail and the calendar do not find the settings file.")
                .run("ls -ld \"$CODE\"")
                .how("The file settings_location.php in $CODE defines CIVICRM_CONFDIR as the folder sites of Drupal. It goes with the old code, so keep it."),
        ),
    }
}

fn upgrade(subject: &Subject, hop: &Hop) -> Step {
    let release = &hop.release;
    let step = Step::new("upgrade", format!("Run the upgrade to CiviCRM {release}"))
        .why(format!("It brings the database to {release}."))
        .trap("Do not run it twice at once, and do not close the page before it is done. Where one browser stays at 0 %, take another one.");
    let action = platform::upgrade(subject, release.major_minor());
    let by_cv = action
        .command
        .as_deref()
        .is_some_and(|command| command.starts_with("cv "));
    let mut step = with(step, action);
    if by_cv {
        step = step.how("cv shows what the release says before it begins, and asks; with -n it goes on without asking.");
    }
    if by_cv && release.major_minor() < platform::BY_CV_OF_TODAY {
        step = step.how("cv 0.3.70 needs PHP 7.4, and cv 0.3.48 runs on PHP 7.3 as well; on an older PHP take the page.");
    }
    step.how("Note every message that it shows at its end.")
}

fn upgrade_done(subject: &Subject, hop: &Hop) -> Step {
    let release = &hop.release;
    let step = Step::new("upgrade-done", format!("See that the database is CiviCRM {release}"))
        .why("A page that says so is not enough: the version, the tables, the triggers and the queue are looked at.")
        .check("cividb version \"$SITE\"")
        .check(format!("cividb diff \"$SITE\" --release {release}"));
    let step = match release == &subject.forecast.target {
        true => step.check("cividb check \"$SITE\""),
        false => step.check(format!(
            "cividb preflight \"$SITE\" --target {}",
            subject.forecast.target
        )),
    };
    step.how("The triggers are made anew by a visit of the first page, or at once by the page in the next line.")
        .how(format!("{}.", platform::page(subject, "civicrm/menu/rebuild?reset=1&triggerRebuild=1")))
}

fn upgrade_stopped(subject: &Subject) -> Step {
    let target = &subject.forecast.target;
    let step = Step::new("upgrade-stopped", "If an upgrade stops: read what it says before anything else")
        .state(State::Look, "For every hop.")
        .how("Note the message, and let cividb look for its cause in the database.")
        .run("LOG=$(ls -t \"$(dirname \"$COMPILED\")\"/ConfigAndLog/CiviCRM*log | head -n 1)")
        .run("cividb explain --source \"$SITE\" \"$LOG\"")
        .run(format!("cividb preflight \"$SITE\" --target {target}"))
        .how("cividb preflight says whether the same task can run again after a mend, or the backup has to be restored.");
    let step = match subject.target() >= platform::BY_CV {
        true => step.how("Where it can run again after cv stopped, cv upgrade:db --retry goes on with that task."),
        false => step,
    };
    step.trap("Most steps before 5.x cannot run twice: an upgrade that is only started again fails at what it has done already.")
}

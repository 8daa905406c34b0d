//! Puts the steps together, in order.

use super::hop::{self, Said};
use super::model::{Phase, Runbook, State, Step, Steps, Variable};
use super::subject::Subject;
use super::{after, back, backup, before, mend, out_of_service};
use crate::cms::Platform;
use crate::preflight::failure::{Cause, Failure};
use crate::text::shell_word;

/// The upgrade guide for a site. `site` is what names the site to cividb, where the source is the site itself.
pub fn write(subject: &Subject, site: Option<&str>) -> Runbook {
    let forecast = subject.forecast;
    let variables = variables(subject, site);
    let mut phases = Vec::new();
    let mut left_out = Vec::new();
    let mut phase = |title: String, fill: &mut dyn FnMut(&mut Steps)| {
        let mut steps = Steps::default();
        fill(&mut steps);
        left_out.extend(steps.left_out);
        if !steps.steps.is_empty() {
            let steps = steps.steps;
            phases.push(Phase { title, steps });
        }
    };
    phase("Before the day".to_owned(), &mut |steps| {
        steps.add(names(subject, &variables));
        before::steps(subject, steps);
    });
    phase("Out of service".to_owned(), &mut |steps| {
        out_of_service::steps(subject, steps)
    });
    phase("The backup".to_owned(), &mut |steps| {
        backup::steps(subject, steps)
    });
    phase("What would stop it".to_owned(), &mut |steps| {
        mend::steps(subject, steps)
    });
    let mut said = Said::default();
    let mut release = subject.from_name();
    for hop in &forecast.path {
        let title = format!("From {release} to {}", hop.release);
        phase(title, &mut |steps| {
            hop::steps(subject, hop, &release, &mut said, steps)
        });
        release = hop.release.to_string();
    }
    phase("Back in service".to_owned(), &mut |steps| {
        after::steps(subject, steps)
    });
    phase("The way back".to_owned(), &mut |steps| {
        back::steps(subject, steps)
    });
    // What nothing is known against would stop it in spite of all steps.
    let is_mended = |failure: &Failure| {
        !failure.mends.is_empty()
            || matches!(
                failure.cause,
                Cause::Version | Cause::Privilege(..) | Cause::Rows(..)
            )
    };
    Runbook {
        from: forecast.from.as_ref().map(ToString::to_string),
        target: forecast.target.to_string(),
        cms: subject.platform().map(Platform::name),
        can_be_done: !forecast.path.is_empty() && forecast.failures.iter().all(is_mended),
        variables,
        phases,
        left_out,
    }
}

fn variables(subject: &Subject, site: Option<&str>) -> Vec<Variable> {
    let variable = |name, known: Option<String>, example: &str, what: &str| Variable {
        name,
        is_known: known.is_some(),
        value: known.unwrap_or_else(|| example.to_owned()),
        what: what.to_owned(),
    };
    let from = subject.from_name();
    vec![
        variable(
            "SITE",
            site.map(str::to_owned),
            "/var/www/site",
            "the site as cividb takes it: its folder, its civicrm.settings.php, or mysql://USER@HOST/DATABASE",
        ),
        variable(
            "BACKUP",
            Some(format!("$HOME/civicrm-{from}.sql")),
            "",
            "the file that the backup is written to, on a disk with room for it",
        ),
        variable(
            "ASIDE",
            Some(format!("$HOME/civicrm-{from}-aside")),
            "",
            "a folder for what is kept of the old code, outside the web root",
        ),
        variable(
            "DOWNLOADS",
            Some("$HOME/civicrm-downloads".to_owned()),
            "",
            "the folder that the packages with CiviCRM's code are downloaded to",
        ),
        variable(
            "CMS",
            subject.cms_folder(),
            "/var/www/site",
            match subject.platform() {
                Some(Platform::Standalone) => "the folder of the site",
                _ => "the folder of the CMS",
            },
        ),
        variable(
            "CODE",
            subject.code(),
            "/var/www/site/civicrm",
            "the folder of CiviCRM's code ($civicrm_root)",
        ),
        variable(
            "COMPILED",
            subject.compiled(),
            "/var/www/site/files/civicrm/templates_c",
            "the folder of compiled templates (CIVICRM_TEMPLATE_COMPILEDIR)",
        ),
    ]
}

fn names(subject: &Subject, variables: &[Variable]) -> Step {
    let unknown: Vec<&str> = variables
        .iter()
        .filter(|variable| !variable.is_known)
        .map(|variable| variable.name)
        .collect();
    let mut step = Step::new(
        "names",
        "Set the names that the commands below use, in the shell that runs them",
    );
    for variable in variables {
        step = step.how(format!("{} is {}.", variable.name, variable.what));
        let value = match variable.value.strip_prefix("$HOME/") {
            Some(path) => format!("\"$HOME\"/{}", shell_word(path)),
            None => shell_word(&variable.value),
        };
        step = step.run(format!("{}={value}", variable.name));
    }
    step = step.run(match subject.site_folder() {
        Some(site) => format!("cd \"$CMS\"/{}", shell_word(&site)),
        None => "cd \"$CMS\"".to_owned(),
    });
    if subject.setting("CIVICRM_UF_BASEURL").is_none() {
        step = step.how(
            "Where the address of the site is not known, https://www.example.org/ stands for it.",
        );
    }
    step = match subject.platform() {
        Some(Platform::Drupal8) => {
            step.how("Where the shell does not find drush, it is vendor/bin/drush of the project.")
        }
        Some(Platform::WordPress) => {
            step.how("wp does not run as root: be the account that owns the files.")
        }
        _ => step,
    };
    let step = step.trap(
        "The commands stop at nothing by themselves: read what each prints before the next one.",
    );
    match &unknown[..] {
        [] => step.why("They are those of this site."),
        unknown => step.state(
            State::Look,
            format!(
                "{} not known from the source: put those of the site.",
                are(unknown)
            ),
        ),
    }
}

fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(", "))
}

//! Rules about the file itself and the folders that it names.

use super::super::check::{Check, Group, Rule, Severity};
use super::super::examination::Examination;
use super::super::finding::Findings;
use super::super::needs::{Lack, Need};
use super::line::{FILE, OF_FILE, at, settings};
use crate::settings::FolderState;

pub(super) static SETTINGS_READABLE: Check = Check {
    id: "settings-readable",
    severity: Severity::Warning,
    title: "every user of the machine may read civicrm.settings.php",
    why: "The passwords of the database stand in it.",
    fix: "Take the right to read from others, and give it to the group of the web server.",
    example: "civicrm.settings.php may be read by every user of the machine (mode 644)",
    source: "",
    rules: &[Rule::new(Group::Settings, OF_FILE, readable)],
};

pub(super) static SETTINGS_PATH: Check = Check {
    id: "settings-path",
    severity: Severity::Error,
    title: "civicrm.settings.php names a folder that is not there",
    why: "CiviCRM stops on every page: it finds neither its code nor a place for compiled templates. Mostly the file came \
          from another machine.",
    fix: "Correct the path in civicrm.settings.php.",
    example: "$civicrm_root is /var/www/site/civicrm, which is not there (line 7, column 1)",
    source: "",
    rules: &[Rule::new(
        Group::Settings,
        &[Need::Settings, Need::Folders],
        folders,
    )],
};

fn readable(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    if facts.mode & 0o004 == 0 {
        return;
    }
    let message = format!(
        "{FILE} may be read by every user of the machine (mode {:o})",
        facts.mode
    );
    let path = crate::text::shell_word(&facts.path.display().to_string());
    let fix =
        format!("chgrp www-data {path} && chmod 640 {path}, with the group of the web server.");
    findings.push(at(check, None, &message, fix));
}

fn folders(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    for folder in facts.folders.iter().flatten() {
        let (name, path) = (folder.name, folder.path.display());
        let what = match folder.state {
            FolderState::There => continue,
            FolderState::Hidden => {
                let why = format!("this account may not look for {name}");
                findings.skip(check, Lack::of_promised(why));
                continue;
            }
            FolderState::Missing => "which is not there",
            FolderState::ReadOnly => "into which nobody may write",
            FolderState::WithoutCode => {
                "a folder without CRM/Core/Config.php, so not that of CiviCRM's code"
            }
        };
        let message = format!("{name} is {path}, {what}");
        findings.push(at(check, folder.at, &message, check.fix.to_owned()));
    }
}

//! Rules about the databases that the file names.

use super::super::check::{Check, Group, Rule, Severity};
use super::super::examination::Examination;
use super::super::finding::Findings;
use super::super::needs::Lack;
use super::line::{OF_FILE, OF_RELEASE, at, release, settings};
use crate::settings::{Held, SettingsFacts};

pub(super) static SETTINGS_DSN: Check = Check {
    id: "settings-dsn",
    severity: Severity::Warning,
    title: "a DSN in civicrm.settings.php is not what it should be",
    why: "A DSN that cannot be read stops pages that use the CMS's tables; log tables in another database are in no \
          backup of CiviCRM's own.",
    fix: "Write it as mysql://user:password@host/database?new_link=true, with %40 for @ and the like in a password.",
    example: "CIVICRM_UF_DSN is not a DSN (line 5, column 9)",
    source: "",
    rules: &[
        Rule::new(Group::Settings, OF_FILE, dsn),
        Rule::new(Group::Settings, OF_RELEASE, new_link),
    ],
};

pub(super) static SETTINGS_UF_DSN: Check = Check {
    id: "settings-uf-dsn",
    severity: Severity::Warning,
    title: "CIVICRM_UF_DSN names another database than the CMS's own settings",
    why: "CiviCRM reads and writes the users of another site: after a move or a copy only one of the two files was changed.",
    fix: "Let CIVICRM_UF_DSN name the database of the CMS.",
    example: "CIVICRM_UF_DSN names the database cms, and settings.php of the CMS names drupal (line 5, column 9)",
    source: "Drupal: $databases, $db_url; Backdrop: $database; WordPress: DB_NAME; Joomla: $db.",
    rules: &[Rule::new(Group::Settings, OF_FILE, uf_dsn)],
};

pub(super) static SETTINGS_SECOND: Check = Check {
    id: "settings-second",
    severity: Severity::Warning,
    title: "a site has two settings files that name two databases",
    why: "One of them is not in use, or is in use by one half of the site: whoever changes one finds nothing changed.",
    fix: "Find out which of the two is right, make the other one the same (Joomla) or delete it (WordPress).",
    example: "wp-content/plugins/civicrm/civicrm.settings.php is there as well, and names the database old",
    source: "Places where CiviCRM looks for its settings file in WordPress and Joomla.",
    rules: &[Rule::new(Group::Settings, OF_FILE, second)],
};

fn dsn(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let database = |name: &str| match facts.get(name).map(|defined| &defined.held) {
        Some(Held::Text(dsn)) if !dsn.is_empty() => {
            Some(crate::settings::parse_dsn(dsn).map(|login| login.database.unwrap_or_default()))
        }
        _ => None,
    };
    for name in ["CIVICRM_UF_DSN", "CIVICRM_LOGGING_DSN"] {
        if let Some(Err(_)) = database(name) {
            let place = facts.get(name).and_then(|defined| defined.at);
            let message = format!("{name} is not a DSN");
            findings.push(at(check, place, &message, check.fix.to_owned()));
        }
    }
    if let (Some(Ok(own)), Some(Ok(log))) =
        (database("CIVICRM_DSN"), database("CIVICRM_LOGGING_DSN"))
        && own != log
    {
        let place = facts
            .get("CIVICRM_LOGGING_DSN")
            .and_then(|defined| defined.at);
        let message =
            format!("CIVICRM_LOGGING_DSN leads to the database {log}, and CIVICRM_DSN to {own}");
        let fix =
            format!("Back up the database {log} as well: the log tables are in no dump of {own}.");
        findings.push(at(check, place, &message, fix).severity(Severity::Note));
    }
}

/// The DSN that a constant holds, as text and read.
fn dsn_of(facts: &SettingsFacts, name: &str) -> Option<(String, crate::server::login::Login)> {
    let Held::Text(text) = &facts.get(name)?.held else {
        return None;
    };
    let login = crate::settings::parse_dsn(text).ok()?;
    Some((String::from_utf8_lossy(text).into_owned(), login))
}

fn new_link(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    // Later releases use mysqli, which makes a connection for each DSN.
    if release(examined) >= (4, 7) {
        return;
    }
    let (Some((own_text, own)), Some((cms_text, cms))) = (
        dsn_of(facts, "CIVICRM_DSN"),
        dsn_of(facts, "CIVICRM_UF_DSN"),
    ) else {
        return;
    };
    let has_link = |text: &str| text.contains("new_link=true") || text.contains("new_link=1");
    let is_one_connection = own.host == cms.host && own.port == cms.port && own.user == cms.user;
    if own.database == cms.database
        || !is_one_connection
        || (has_link(&own_text) && has_link(&cms_text))
    {
        return;
    }
    let name = match has_link(&own_text) {
        true => "CIVICRM_UF_DSN",
        false => "CIVICRM_DSN",
    };
    let message = format!(
        "{name} lacks new_link=true, and CiviCRM and the CMS have two databases on one account"
    );
    let fix = format!(
        "Add ?new_link=true to the end of {name}: without it PHP takes one connection for both, and looks for tables in the wrong database."
    );
    let place = facts.get(name).and_then(|defined| defined.at);
    findings.push(at(check, place, &message, fix));
}

fn uf_dsn(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const NAME: &str = "CIVICRM_UF_DSN";
    let Some((facts, cms)) =
        settings(examined).and_then(|facts| Some((facts, facts.cms.as_ref()?)))
    else {
        return;
    };
    let Some((_, login)) = dsn_of(facts, NAME) else {
        return;
    };
    let file = cms.path.file_name().unwrap_or_default().to_string_lossy();
    if cms.is_part {
        let why = format!(
            "{file} of the CMS includes files that were not read, which may name another database"
        );
        findings.skip(check, Lack::of_promised(why));
        return;
    }
    let (Some(own), Some(of_cms)) = (&login.database, &cms.database) else {
        return;
    };
    let message = match own == of_cms {
        false => format!("{NAME} names the database {own}, and {file} of the CMS names {of_cms}"),
        true => {
            let is_here = |host: &Option<String>| {
                host.as_deref()
                    .is_none_or(|host| matches!(host, "" | "localhost" | "127.0.0.1" | "::1"))
            };
            let is_same = login.host == cms.host || (is_here(&login.host) && is_here(&cms.host));
            let port_in_host = cms
                .host
                .as_ref()
                .is_some_and(|host| host.contains([':', '/']));
            if is_same || port_in_host || cms.host.is_none() {
                return;
            }
            let (own, of_cms) = (login.host.as_deref(), cms.host.as_deref());
            format!(
                "{NAME} names the server {}, and {file} of the CMS names {}",
                own.unwrap_or("localhost"),
                of_cms.unwrap_or("localhost")
            )
        }
    };
    let place = facts.get(NAME).and_then(|defined| defined.at);
    findings.push(at(check, place, &message, check.fix.to_owned()));
}

fn second(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(facts) = settings(examined) else {
        return;
    };
    let Some((path, Some(database))) = &facts.second else {
        return;
    };
    let own = dsn_of(facts, "CIVICRM_DSN").and_then(|(_, login)| login.database);
    if own.is_none_or(|own| own == *database) {
        return;
    }
    let parts: Vec<_> = path.components().collect();
    let end: std::path::PathBuf = parts.iter().rev().take(4).rev().collect();
    let message = format!(
        "{} is there as well, and names the database {database}",
        end.display()
    );
    findings.push(at(check, None, &message, check.fix.to_owned()));
}

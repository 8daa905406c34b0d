//! Rules about the addresses and folders that a site keeps in its database, and about values that PHP wrote there.

use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::Need;
use super::site::{holds, rows};
use crate::serialized::Value;
use crate::settings::{Held, ROOT, SettingsFacts};
use crate::snapshot::{Row, Snapshot};

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[&SITE_SERIALIZED, &SITE_PATHS];

static SITE_SERIALIZED: Check = Check {
    id: "site-serialized",
    severity: Severity::Error,
    title: "a value that PHP serialized cannot be read any more",
    why: "Somebody replaced text in the database or in a dump, and the lengths in front of the texts no longer fit: CiviCRM \
          takes the value for nothing, and loses the setting.",
    fix: "Restore the value from a backup, and change it on CiviCRM's own page. To replace an address in all of a database, use \
          a tool that knows serialized values.",
    example: "the value of the setting userFrameworkResourceURL cannot be read: the lengths of its texts do not fit",
    source: "civicrm_domain.config_backend, and civicrm_setting.value of those settings that other checks look at as well: \
             components, debugging, mail, language, site_id, addresses and folders. The values of other settings are not looked at.",
    rules: &[Rule::new(Group::Site, &[Need::Site], serialized)],
};

static SITE_PATHS: Check = Check {
    id: "site-paths",
    severity: Severity::Warning,
    title: "an address or a folder in the database is not of this site",
    why: "Icons and styles are missing, or a copy writes into the folders of the site that it was made of.",
    fix: "Correct it under Administer, System Settings, Resource URLs or Directories. The page for cleaning caches and updating paths \
          does not change it in 4.1 to 4.6.",
    example: "userFrameworkResourceURL is varwwwsiteallmodulescivicrm, which has lost its slashes",
    source: "civicrm_setting from 4.1 on, civicrm_option_value in 3.3 to 4.0, civicrm_domain.config_backend before.",
    rules: &[Rule::new(Group::Site, &[Need::Site], paths)],
};

fn serialized(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(settings), Some(domains)) = (
        rows(check, examined, "civicrm_setting", findings),
        rows(check, examined, "civicrm_domain", findings),
    ) else {
        return;
    };
    // The lengths are those of the bytes that PHP wrote. Where others than those of ASCII are among them, a client may
    // have changed their form on the way.
    let is_broken =
        |value: &[u8]| !value.is_empty() && value.is_ascii() && Value::parse(value).is_none();
    let mut found = Vec::new();
    for row in settings {
        let value = row
            .get("value")
            .and_then(Option::as_deref)
            .unwrap_or_default();
        if is_broken(value) {
            found.push(format!("setting {}", name_of(row)));
        }
    }
    for row in domains {
        let value = row.get("config_backend").and_then(Option::as_deref);
        if is_broken(value.unwrap_or_default()) {
            found.push("column config_backend of civicrm_domain".to_owned());
        }
    }
    for what in found {
        let message =
            format!("the value of the {what} cannot be read: the lengths of its texts do not fit");
        findings.push(Finding::new(check, message, check.fix).about("value", what));
    }
}

fn name_of(row: &Row) -> String {
    let name = row
        .get("name")
        .and_then(Option::as_deref)
        .unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// Settings of addresses.
const ADDRESSES: [&str; 4] = [
    "userFrameworkResourceURL",
    "imageUploadURL",
    "customCSSURL",
    "extensionsURL",
];

/// Settings of folders.
const FOLDERS: [&str; 6] = [
    "uploadDir",
    "imageUploadDir",
    "customFileUploadDir",
    "customTemplateDir",
    "customPHPPathDir",
    "extensionsDir",
];

/// What the database has for a setting of an address or folder, wherever its release keeps it.
fn stored(name: &str, settings: &[Row], options: &[Row], config: Option<&Value>) -> Option<String> {
    let row = |rows: &[Row]| {
        let mut rows = rows.iter();
        let row = rows.find(|row| holds(row, "name", name.as_bytes()))?;
        row.get("value")?.clone()
    };
    let of_setting = row(settings).and_then(|value| Value::parse(&value)?.as_text());
    let of_option = || row(options).map(|value| String::from_utf8_lossy(&value).into_owned());
    let of_config = || config?.get(name)?.as_text();
    let value = of_setting.or_else(of_option).or_else(of_config)?;
    Some(value).filter(|value| !value.is_empty())
}

/// What a database has for a setting of an address or folder, wherever its release keeps it; `None` where it has nothing.
pub fn stored_place(snapshot: &Snapshot, name: &str) -> Option<String> {
    let rows = |table: &str| snapshot.rows.get(table).map_or(&[][..], Vec::as_slice);
    let config = rows("civicrm_domain").first();
    let config = config.and_then(|row| Value::parse(row.get("config_backend")?.as_deref()?));
    stored(
        name,
        rows("civicrm_setting"),
        rows("civicrm_option_value"),
        config.as_ref(),
    )
}

/// The shortest value without a slash that cannot be the name of a folder.
const WITHOUT_SLASH: usize = 20;

fn paths(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(settings), Some(options), Some(domains)) = (
        rows(check, examined, "civicrm_setting", findings),
        rows(check, examined, "civicrm_option_value", findings),
        rows(check, examined, "civicrm_domain", findings),
    ) else {
        return;
    };
    let config = domains
        .first()
        .and_then(|row| Value::parse(row.get("config_backend")?.as_deref()?));
    let overridden = |name: &str| {
        let overrides = examined.settings.map(|settings| &settings.overrides);
        overrides.into_iter().flatten().any(|one| one.name == name)
    };
    for name in ADDRESSES.into_iter().chain(FOLDERS) {
        let value = stored(name, settings, options, config.as_ref());
        let Some(value) = value.filter(|_| !overridden(name)) else {
            continue;
        };
        let problem = match value.contains(['/', '\\', '[']) {
            false if value.len() >= WITHOUT_SLASH => {
                Some(format!("{name} is {value}, which has lost its slashes"))
            }
            false => None,
            true if ADDRESSES.contains(&name) => address(name, &value, examined.settings),
            true => folder(name, &value, examined.settings),
        };
        if let Some(message) = problem {
            findings.push(Finding::new(check, message, check.fix).about("setting", name));
        }
    }
}

fn held(settings: Option<&SettingsFacts>, name: &str) -> Option<String> {
    match settings?.get(name).map(|defined| &defined.held) {
        Some(Held::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// The scheme and the host of an address, without `www.` and a port.
fn host(address: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', ':', '?']).next()?;
    Some((scheme, host.strip_prefix("www.").unwrap_or(host)))
}

/// What is wrong with an address, against that of the CMS.
fn address(name: &str, value: &str, settings: Option<&SettingsFacts>) -> Option<String> {
    let base = held(settings, "CIVICRM_UF_BASEURL")?;
    let ((own_scheme, own), (scheme, host)) = (host(&base)?, host(value)?);
    if !own.eq_ignore_ascii_case(host) {
        return Some(format!(
            "{name} leads to the host {host}, and CIVICRM_UF_BASEURL to {own}"
        ));
    }
    let is_mixed = own_scheme.eq_ignore_ascii_case("https") && scheme.eq_ignore_ascii_case("http");
    is_mixed.then(|| format!("{name} begins with http:, and CIVICRM_UF_BASEURL with https:, so that browsers refuse it"))
}

/// What is wrong with a folder, against those that the settings file names.
fn folder(name: &str, value: &str, settings: Option<&SettingsFacts>) -> Option<String> {
    if !value.starts_with('/') {
        return None;
    }
    let start = |path: &str| -> Option<String> {
        let mut parts = path.strip_prefix('/')?.split('/');
        Some(format!("/{}/{}", parts.next()?, parts.next()?))
    };
    let mut own: Vec<String> = [ROOT, "CIVICRM_TEMPLATE_COMPILEDIR"]
        .into_iter()
        .filter_map(|name| start(&held(settings, name)?))
        .collect();
    own.dedup();
    let of_value = start(value)?;
    let is_elsewhere = !own.is_empty() && !own.contains(&of_value);
    is_elsewhere.then(|| {
        format!(
            "{name} is {value}, and the folders in civicrm.settings.php begin with {}",
            own.join(" and ")
        )
    })
}

//! Rules about what a site does by itself, as its rows tell it: mail, jobs, mailings, debugging, caches.

use md5::{Digest as _, Md5};
use time::{OffsetDateTime, PrimitiveDateTime};

use super::age::local_time;
use super::check::{Check, Group, Rule, Severity};
use super::examination::Examination;
use super::finding::{Finding, Findings};
use super::needs::Need;
use super::site::{holds, rows};
use crate::serialized::Value;
use crate::settings::{Held, SettingsFacts};
use crate::snapshot::Row;
use crate::text::{count, thousands};

/// The checks of this file, in the order in which reports list them.
pub(super) const CHECKS: &[&Check] = &[
    &SITE_COPY_LIVE,
    &SITE_MAILING,
    &SITE_JOBS_STOPPED,
    &SITE_JOB_CRASHED,
    &SITE_DEBUG,
    &SITE_TABLE_LARGE,
];

const OF_SITE: &[Need] = &[Need::Site];

static SITE_COPY_LIVE: Check = Check {
    id: "site-copy-live",
    severity: Severity::Warning,
    title: "a copy of a site sends mail or runs jobs",
    why: "The people in the database get mails twice, or mails that are only a test.",
    fix: "On a copy, turn outgoing mail off or redirect it to the database (Administer, System Settings, Outbound Email), and \
          the scheduled jobs as well.",
    example: "the site is a copy by its setting environment (Development), and mails go out by SMTP",
    source: "Settings environment (4.7.26 on), mailing_backend (4.1 on) and site_id (4.6 on), table civicrm_job.",
    rules: &[Rule::new(Group::Site, OF_SITE, copy_live)],
};

static SITE_MAILING: Check = Check {
    id: "site-mailing",
    severity: Severity::Warning,
    title: "a mailing goes out while the site is to be upgraded",
    why: "A mailing that is cut off in the middle goes on behind the upgrade, and may reach people twice.",
    fix: "Let it come to its end, or pause it, before the backup is made.",
    example: "1 job of mailings is running",
    source: "Table civicrm_mailing_job, column status.",
    rules: &[Rule::new(Group::Site, &[Need::Site, Need::Target], mailing)],
};

static SITE_JOBS_STOPPED: Check = Check {
    id: "site-jobs-stopped",
    severity: Severity::Warning,
    title: "scheduled jobs are on, and none has run for a week",
    why: "The site's cron does not call CiviCRM, or calls it in a way that the release no longer knows: mailings do not go \
          out, memberships do not expire. Upgrades from 4.1 and earlier leave sites so.",
    fix: "Look at the line of the crontab that runs CiviCRM's jobs, and at the log of the jobs.",
    example: "3 scheduled jobs are on, and none has ever run",
    source: "Table civicrm_job, columns is_active and last_run, 4.1 on.",
    rules: &[Rule::new(Group::Site, OF_SITE, jobs_stopped)],
};

static SITE_JOB_CRASHED: Check = Check {
    id: "site-job-crashed",
    severity: Severity::Warning,
    title: "the last run of a scheduled job did not come to its end",
    why: "The job stopped in the middle, mostly for lack of memory or time or with an error of PHP, and the jobs behind it in the list \
          did not run either.",
    fix: "Look into the log of the job (Administer, System Settings, Scheduled Jobs) and that of PHP, and run the job by itself.",
    example: "the scheduled job process_membership began on 2025-04-29 and did not come to its end",
    source: "Table civicrm_job, columns last_run and last_run_end, 5.72 on.",
    rules: &[Rule::new(Group::Site, OF_SITE, job_crashed)],
};

static SITE_DEBUG: Check = Check {
    id: "site-debug",
    severity: Severity::Warning,
    title: "debugging is on in a live site",
    why: "It shows settings, paths and statements to whoever adds a word to an address.",
    fix: "Turn it off under Administer, System Settings, Debugging and Error Handling.",
    example: "debugging is on (debug_enabled)",
    source: "civicrm_domain.config_backend up to 4.6, civicrm_setting debug_enabled and backtrace from 4.7 on.",
    rules: &[Rule::new(Group::Site, OF_SITE, debug)],
};

static SITE_TABLE_LARGE: Check = Check {
    id: "site-table-large",
    severity: Severity::Note,
    title: "a table that can be emptied is very large",
    why: "It makes every backup and every upgrade longer, and nothing is lost with its rows.",
    fix: "Empty it before the backup for an upgrade.",
    example: "civicrm_job_log has 2,400,000 rows",
    source: "Tables of caches, logs and sessions that CiviCRM and the CMS fill again.",
    rules: &[Rule::new(Group::Site, OF_SITE, table_large)],
};

/// The serialized value of a setting of CiviCRM.
fn setting(rows: &[Row], name: &str) -> Option<Value> {
    let mut rows = rows.iter();
    let row = rows.find(|row| holds(row, "name", name.as_bytes()))?;
    Value::parse(row.get("value")?.as_deref()?)
}

/// Whether the settings file overrides a setting, so that the database does not tell it.
fn is_overridden(examined: &Examination, name: &str) -> bool {
    let overrides = examined.settings.map(|settings| &settings.overrides);
    let mut overrides = overrides.into_iter().flatten();
    overrides.any(|one| one.name == name)
}

/// How mails go out, where they do.
fn mails_go_out(settings: &[Row], examined: &Examination) -> Option<&'static str> {
    if is_overridden(examined, "mailing_backend") {
        return None;
    }
    let backend = setting(settings, "mailing_backend")?;
    match backend.get("outBound_option")?.as_text()?.as_str() {
        "0" => Some("SMTP"),
        "1" => Some("sendmail"),
        "3" => Some("PHP"),
        // 2: off; 4: none; 5: into the database.
        _ => None,
    }
}

/// The jobs that are on, without the one that only asks for news of CiviCRM.
fn jobs(rows: &[Row]) -> Vec<&Row> {
    let is_on = |row: &&Row| {
        holds(row, "is_active", b"1")
            && !row.get("api_action").is_some_and(|action| {
                action
                    .as_deref()
                    .is_some_and(|it| it.eq_ignore_ascii_case(b"version_check"))
            })
    };
    rows.iter().filter(is_on).collect()
}

/// Whether the identity that CiviCRM gave the site was made with the key and the address of this settings file; `None`
/// where that cannot be told. A change from http to https or to another host below www is none.
fn is_own_identity(site_id: &str, settings: &SettingsFacts) -> Option<bool> {
    let held = |name: &str| match settings.get(name).map(|it| &it.held) {
        Some(Held::Text(text)) => String::from_utf8(text.clone()).ok(),
        _ => None,
    };
    let (key, address) = (held("CIVICRM_SITE_KEY")?, held("CIVICRM_UF_BASEURL")?);
    let (_, rest) = address.split_once("://")?;
    let rest = rest
        .strip_prefix("www.")
        .unwrap_or(rest)
        .trim_end_matches('/');
    let forms = ["http://", "https://", "http://www.", "https://www."];
    let mut forms = forms.iter().flat_map(|form| {
        let address = format!("{form}{rest}");
        [format!("{address}/"), address]
    });
    Some(forms.any(|address| {
        let made = Md5::digest(format!("sid_{key}_{address}"));
        let made: String = made.iter().map(|byte| format!("{byte:02x}")).collect();
        made == site_id
    }))
}

fn copy_live(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let Some(settings) = rows(check, examined, "civicrm_setting", findings) else {
        return;
    };
    let Some(all_jobs) = rows(check, examined, "civicrm_job", findings) else {
        return;
    };
    let environment = setting(settings, "environment").and_then(|it| it.as_text());
    let environment =
        environment.filter(|it| it != "Production" && !is_overridden(examined, "environment"));
    let identity = setting(settings, "site_id").and_then(|it| it.as_text());
    let is_own = identity.and_then(|id| is_own_identity(&id, examined.settings?));
    let why = match (&environment, is_own) {
        (Some(environment), _) => format!("the site is a copy by its setting environment ({environment})"),
        (None, Some(false)) => {
            "the site was made with another key or address than civicrm.settings.php has (site_id), so it is a copy or has moved".to_owned()
        }
        _ => return,
    };
    let mut what = Vec::new();
    if let Some(way) = mails_go_out(settings, examined) {
        what.push(format!("mails go out by {way}"));
    }
    let on = jobs(all_jobs).len() as u64;
    // Jobs do not run but in production, where the setting exists.
    if on > 0 && environment.is_none() {
        let verb = if on == 1 { "is" } else { "are" };
        what.push(format!("{} {verb} on", count(on, "scheduled job")));
    }
    if what.is_empty() {
        return;
    }
    let message = format!("{why}, and {}", what.join(", "));
    let severity = match environment {
        Some(_) => check.severity,
        None => Severity::Note,
    };
    findings.push(Finding::new(check, message, check.fix).severity(severity));
}

fn mailing(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const TABLE: &str = "civicrm_mailing_job";
    let Some(rows) = rows(check, examined, TABLE, findings) else {
        return;
    };
    let running = rows
        .iter()
        .filter(|row| holds(row, "status", b"Running") && !holds(row, "is_test", b"1"));
    let running = running.count() as u64;
    if running > 0 {
        let verb = if running == 1 { "is" } else { "are" };
        let message = format!("{} of mailings {verb} running", count(running, "job"));
        findings.push(Finding::new(check, message, check.fix).about("table", TABLE));
    }
}

/// Days without a run of any job from which on something is wrong.
const WEEK: i64 = 7;

/// The time of the source: of a dump when it was made, of a server now.
fn time_of(examined: &Examination) -> Option<PrimitiveDateTime> {
    let source = &examined.snapshot().source;
    if examined.snapshot().server.is_some() {
        let now = OffsetDateTime::now_utc();
        return Some(PrimitiveDateTime::new(now.date(), now.time()));
    }
    local_time(source.finished.as_deref()?)
}

fn jobs_stopped(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const TABLE: &str = "civicrm_job";
    let (Some(all), Some(settings)) = (
        rows(check, examined, TABLE, findings),
        rows(check, examined, "civicrm_setting", findings),
    ) else {
        return;
    };
    let on = jobs(all).len() as u64;
    // Jobs do not run but in production, and rightly so.
    let environment = setting(settings, "environment").and_then(|it| it.as_text());
    if on == 0 || environment.is_some_and(|environment| environment != "Production") {
        return;
    }
    let last = all.iter().filter_map(|row| {
        let text = row.get("last_run")?.as_deref()?;
        local_time(std::str::from_utf8(text).ok()?)
    });
    let verb = if on == 1 { "is" } else { "are" };
    let jobs = format!("{} {verb} on", count(on, "scheduled job"));
    let message = match (last.max(), time_of(examined)) {
        (None, _) => format!("{jobs}, and none has ever run"),
        (Some(last), Some(now)) if (now - last).whole_days() >= WEEK => {
            format!("{jobs}, and the last run of any was on {}", last.date())
        }
        _ => return,
    };
    findings.push(Finding::new(check, message, check.fix).about("table", TABLE));
}

/// Hours after which a job that has not come to its end is not running any more.
const LONGEST_RUN: i64 = 24;

fn job_crashed(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    const TABLE: &str = "civicrm_job";
    let Some(all) = rows(check, examined, TABLE, findings) else {
        return;
    };
    let Some(now) = time_of(examined) else {
        return;
    };
    for row in jobs(all) {
        let cell = |column: &str| row.get(column)?.as_deref();
        let time = |column: &str| local_time(std::str::from_utf8(cell(column)?).ok()?);
        // Before 5.72 nothing says when a job ended.
        let Some(began) = time("last_run").filter(|_| row.contains_key("last_run_end")) else {
            continue;
        };
        let has_ended = match cell("last_run_end") {
            // The column came with an upgrade, and the job has not run since.
            None => !all
                .iter()
                .any(|row| row.get("last_run_end").is_some_and(Option::is_some)),
            Some(_) => time("last_run_end").is_none_or(|ended| ended >= began),
        };
        if has_ended || (now - began).whole_hours() < LONGEST_RUN {
            continue;
        }
        let name = String::from_utf8_lossy(cell("api_action").unwrap_or_default()).into_owned();
        let day = began.date();
        let message =
            format!("the scheduled job {name} began on {day} and did not come to its end");
        findings.push(Finding::new(check, message, check.fix).about("job", name));
    }
}

fn debug(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let (Some(settings), Some(domains)) = (
        rows(check, examined, "civicrm_setting", findings),
        rows(check, examined, "civicrm_domain", findings),
    ) else {
        return;
    };
    let environment = setting(settings, "environment").and_then(|it| it.as_text());
    if environment.is_some_and(|environment| environment != "Production") {
        return;
    }
    let release = examined.case.release().map(|release| release.major_minor());
    let config = domains
        .first()
        .and_then(|row| Value::parse(row.get("config_backend")?.as_deref()?));
    let is_old = release.is_some_and(|release| release < (4, 7));
    let names = match is_old {
        true => ["debug", "backtrace"],
        false => ["debug_enabled", "backtrace"],
    };
    for name in names {
        let value = match is_old {
            true => config.as_ref().and_then(|config| config.get(name)).cloned(),
            false => setting(settings, name),
        };
        if !value.is_some_and(|value| value.is_on()) || is_overridden(examined, name) {
            continue;
        }
        let what = match name {
            "backtrace" => "error pages show a backtrace",
            _ => "debugging is on",
        };
        let message = format!("{what} ({name})");
        findings.push(Finding::new(check, message, check.fix).about("setting", name));
    }
}

/// Rows from which on a table that can be emptied is worth a word.
const LARGE: u64 = 1_000_000;

/// Tables that can be emptied, by the ends of their names, and what empties them.
const REBUILT: [(&str, &str); 11] = [
    (
        "civicrm_cache",
        "cv flush, or civicrm/menu/rebuild?reset=1, when nobody works in CiviCRM.",
    ),
    (
        "civicrm_prevnext_cache",
        "cv flush, or civicrm/menu/rebuild?reset=1, when nobody works in CiviCRM.",
    ),
    (
        "civicrm_acl_cache",
        "cv flush, or civicrm/menu/rebuild?reset=1.",
    ),
    (
        "civicrm_acl_contact_cache",
        "cv flush, or civicrm/menu/rebuild?reset=1.",
    ),
    (
        "civicrm_group_contact_cache",
        "cv flush, or civicrm/menu/rebuild?reset=1.",
    ),
    (
        "civicrm_job_log",
        "The scheduled job for cleaning up deletes old rows of it; it has an option for the log of jobs.",
    ),
    (
        "civicrm_system_log",
        "Delete its old rows: nothing refers to them.",
    ),
    (
        "sessions",
        "The cron of the CMS deletes sessions that are over.",
    ),
    ("watchdog", "The CMS has a page and a limit for its log."),
    (
        "cache_form",
        "The cron of the CMS deletes what is over; clearing all caches leaves it alone.",
    ),
    (
        "cache_page",
        "drush cache-clear all (Drupal 8 on: drush cache:rebuild), or the CMS's page for it.",
    ),
];

fn table_large(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    for (table, rows) in &examined.snapshot().row_counts {
        let known = REBUILT
            .iter()
            .find(|(name, _)| match name.starts_with("civicrm_") {
                true => table == name,
                false => table.ends_with(name) && !table.starts_with("civicrm_"),
            });
        let Some((_, fix)) = known.filter(|_| *rows >= LARGE) else {
            continue;
        };
        let about = match examined.snapshot().rows_estimated {
            true => "about ",
            false => "",
        };
        let message = format!("{table} has {about}{} rows", thousands(*rows));
        findings.push(Finding::new(check, message, *fix).about("table", table));
    }
}

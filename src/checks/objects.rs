//! Is everything there that a backup should hold, and does it fit together?

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};

use super::table::{
    COLUMN_DIFFERS, DEFINER_MISSING, DEFINER_NAMED, DUMP_TRUNCATED, DUMP_UNREADABLE, REFERENCE_BROKEN,
    ROUTINE_MISSING, TABLE_MISSING, TRIGGER_MISSING, VIEW_MISSING,
};
use super::{Finding, Findings};
use crate::civicrm::programs::{self, PHONE_FUNCTION};
use crate::civicrm::release::Version;
use crate::civicrm::site::{Site, TABLE_PREFIX};
use crate::schema::lexer::SqlModes;
use crate::schema::model::{Account, Name, RoutineKind, Schema};
use crate::schema::references::{self, References};
use crate::snapshot::{ObjectKind, Snapshot, SourceKind};

/// How CiviCRM makes its triggers, views and function again.
const REBUILD: &str = "cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1";

/// What to do about objects that are missing; a backup can be made again, a live database
/// has to be mended.
struct Fixes {
    trigger: String,
    no_trigger: String,
    routine: String,
    table: String,
    view: String,
}

impl Fixes {
    fn for_source(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Dump => Self {
                trigger: format!(
                    "Make the backup with --triggers, by an account with the TRIGGER privilege. \
                     On a restored site let CiviCRM rebuild them: {REBUILD}"
                ),
                no_trigger: format!(
                    "There is no trigger at all: the backup was made with --skip-triggers, or by an \
                     account without the TRIGGER privilege, which loses them without a message. Make \
                     it again. On a restored site let CiviCRM rebuild them: {REBUILD}"
                ),
                routine: format!(
                    "Make the backup with --routines, by an account that may read routines. \
                     On a restored site let CiviCRM create it: {REBUILD}"
                ),
                table: "Make the backup again with all tables; look for --ignore-table, an account \
                        that cannot read the table, or a damaged table on the server."
                    .to_owned(),
                view: format!(
                    "Make the backup again by an account with SHOW VIEW. On a restored multilingual \
                     site let CiviCRM rebuild its views: {REBUILD}"
                ),
            },
            SourceKind::Server => {
                let rebuild = format!("Let CiviCRM rebuild its triggers and views: {REBUILD}");
                Self {
                    trigger: rebuild.clone(),
                    no_trigger: format!(
                        "There is no trigger at all: perhaps the database was restored from a backup \
                         without them. {rebuild}"
                    ),
                    routine: rebuild.clone(),
                    table: "Restore it from a backup, or take out what still refers to it.".to_owned(),
                    view: rebuild,
                }
            }
        }
    }
}

/// Adds what is missing from the database, or does not fit.
///
/// `detected` is the release that the schema is, for a site whose version cannot be read;
/// `newest` the newest minor release that is known.
pub fn check(
    snapshot: &Snapshot,
    site: Option<&Site>,
    detected: Option<Version>,
    newest: Option<(u32, u32)>,
    findings: &mut Findings,
) {
    let structure = snapshot
        .dump
        .as_ref()
        .is_none_or(|dump| dump.tables_created > 0);
    if !structure {
        for check in [
            &TABLE_MISSING,
            &VIEW_MISSING,
            &TRIGGER_MISSING,
            &ROUTINE_MISSING,
            &REFERENCE_BROKEN,
        ] {
            findings.skip(check, "the dump holds no structure");
        }
        return;
    }
    definers(snapshot, findings);
    // What stands behind a cut is not there, of course, and the finding about the cut says so.
    if [&DUMP_TRUNCATED, &DUMP_UNREADABLE]
        .iter()
        .any(|check| findings.has_error(check))
    {
        for check in [
            &TABLE_MISSING,
            &VIEW_MISSING,
            &TRIGGER_MISSING,
            &ROUTINE_MISSING,
            &REFERENCE_BROKEN,
        ] {
            findings.skip(check, "the dump is cut");
        }
        return;
    }
    // Of objects that may be hidden none is known to be missing, and so with what uses them.
    if let Some(why) = snapshot.hidden.get(&ObjectKind::Table) {
        for check in [
            &TABLE_MISSING,
            &VIEW_MISSING,
            &TRIGGER_MISSING,
            &ROUTINE_MISSING,
            &REFERENCE_BROKEN,
        ] {
            findings.skip(check, why);
        }
        return;
    }
    let fixes = Fixes::for_source(snapshot.source.kind);
    missing_tables(snapshot, site, &fixes, findings);
    missing_views(snapshot, site, &fixes, findings);
    let release = site.and_then(Site::declared_version).or(detected);
    let judged = missing_triggers(snapshot, site, release.as_ref(), newest, &fixes, findings);
    let phone_function =
        judged && release.is_some_and(|release| needs_phone_function(&release, snapshot));
    broken_references(snapshot, phone_function, &fixes, findings);
    if site.is_some() {
        lost_auto_increment(&snapshot.schema, findings);
    }
}

/// `mysqldump --skip-opt` leaves AUTO_INCREMENT out of every table.
fn lost_auto_increment(schema: &Schema, findings: &mut Findings) {
    let mut ids = 0;
    for (name, table) in &schema.tables {
        let [key] = &table.primary_key[..] else {
            continue;
        };
        if table.columns.values().any(|column| column.auto_increment) {
            return;
        }
        ids += u64::from(name.starts_with(TABLE_PREFIX) && key.column == "id");
    }
    if ids > 0 {
        findings.push(
            Finding::new(
                &COLUMN_DIFFERS,
                format!("no table has an AUTO_INCREMENT column, not even the {ids} of CiviCRM with an id"),
                "Make the backup without --skip-opt and --skip-create-options; restored as it is, no \
                 contact could be added.",
            )
            .sides("AUTO_INCREMENT", "none"),
        );
    }
}

/// Tables that something needs and nothing creates; one finding each, with all reasons.
fn missing_tables(
    snapshot: &Snapshot,
    site: Option<&Site>,
    fixes: &Fixes,
    findings: &mut Findings,
) {
    let schema = &snapshot.schema;
    let mut missing: IndexMap<&str, IndexSet<String>> = IndexMap::new();
    if let Some(dump) = &snapshot.dump {
        for (table, at) in &dump.never_created {
            let reason = match snapshot.row_counts.get(table) {
                Some(rows) => format!("{rows} rows for it are there"),
                None => format!("{at} uses it"),
            };
            missing.entry(table).or_default().insert(reason);
        }
    }
    for (table, definition) in &schema.tables {
        for (name, key) in &definition.foreign_keys {
            let elsewhere = key
                .referenced_database
                .as_ref()
                .is_some_and(|database| snapshot.database.as_ref() != Some(database));
            if !elsewhere && !schema.has_relation(&key.referenced_table) {
                missing
                    .entry(&key.referenced_table)
                    .or_default()
                    .insert(format!("foreign key {name} of {table} refers to it"));
            }
        }
    }
    for group in site.iter().flat_map(|site| &site.custom_groups) {
        if !schema.has_relation(&group.table) {
            missing
                .entry(&group.table)
                .or_default()
                .insert("civicrm_custom_group names it as a table of custom fields".to_owned());
        }
    }
    for (table, reasons) in missing {
        let count = reasons.len();
        let mut text = reasons.into_iter().take(3).collect::<Vec<_>>().join(", ");
        if count > 3 {
            text.push_str(&format!(" and {} more", count - 3));
        }
        findings.push(
            Finding::new(
                &TABLE_MISSING,
                format!("table {table} is not in {}: {text}", snapshot.place()),
                &fixes.table,
            )
            .about("table", table)
            .sides("CREATE TABLE", "none"),
        );
    }
}

fn missing_views(
    snapshot: &Snapshot,
    site: Option<&Site>,
    fixes: &Fixes,
    findings: &mut Findings,
) {
    let mut missing: IndexMap<String, &str> = snapshot
        .schema
        .stand_ins
        .keys()
        .map(|view| (view.clone(), "only its stand-in is there"))
        .collect();
    if let Some(site) = site {
        for view in programs::expected_views(site, &snapshot.schema) {
            if !snapshot.schema.has_relation(&view) {
                missing
                    .entry(view)
                    .or_insert("every multilingual table has one for each language");
            }
        }
    }
    for (view, reason) in missing {
        findings.push(
            Finding::new(
                &VIEW_MISSING,
                format!("view {view} is not in {}: {reason}", snapshot.place()),
                &fixes.view,
            )
            .about("view", view)
            .sides("CREATE VIEW", "none"),
        );
    }
}

/// Returns whether they could be judged.
fn missing_triggers(
    snapshot: &Snapshot,
    site: Option<&Site>,
    release: Option<&Version>,
    newest: Option<(u32, u32)>,
    fixes: &Fixes,
    findings: &mut Findings,
) -> bool {
    let schema = &snapshot.schema;
    let skip = |findings: &mut Findings, why: &str| {
        findings.skip(&TRIGGER_MISSING, why);
        false
    };
    if let Some(why) = snapshot.hidden.get(&ObjectKind::Trigger) {
        return skip(findings, why);
    }
    let Some(site) = site else {
        return skip(findings, "no CiviCRM tables");
    };
    let Some(release) = release else {
        return skip(
            findings,
            "civicrm_domain.version cannot be read, so the release is not known",
        );
    };
    if release.is_upgrade_marker() {
        let why = format!(
            "civicrm_domain.version is {release}: an upgrade is under way or failed, and the \
             upgrader drops all triggers until its end"
        );
        return skip(findings, &why);
    }
    if let Some(newest) = newest
        && release.major_minor() > newest
    {
        let why = format!(
            "CiviCRM {release} is newer than all releases that cividb knows, up to {}.{}",
            newest.0, newest.1
        );
        return skip(findings, &why);
    }
    if site.triggers_by_hand {
        let why = "setting logging_no_trigger_permission is on: triggers are made by hand";
        return skip(findings, why);
    }
    if between_steps(release) && schema.triggers.is_empty() {
        let why = format!(
            "civicrm_domain.version is {release}, a step of an upgrade, during which there are no triggers"
        );
        return skip(findings, &why);
    }
    let fix = if schema.triggers.is_empty() {
        &fixes.no_trigger
    } else {
        &fixes.trigger
    };
    for expected in programs::expected_triggers(site, release, schema) {
        // A long table name may be cut differently, so the place counts as well as the name.
        let there = schema.trigger(&expected.name).is_some()
            || expected.table.len() > 48
                && schema.triggers.values().any(|trigger| {
                    trigger.table == expected.table
                        && trigger.timing == expected.timing
                        && trigger.event == expected.event
                });
        if !there {
            findings.push(
                Finding::new(
                    &TRIGGER_MISSING,
                    format!(
                        "trigger {} of {} is not in {}: {}",
                        expected.name,
                        expected.table,
                        snapshot.place(),
                        expected.reason
                    ),
                    fix,
                )
                .about("trigger", expected.name)
                .of_table(expected.table)
                .sides("CREATE TRIGGER", "none"),
            );
        }
    }
    true
}

/// CiviCRM makes its phone function from 4.3 on.
fn needs_phone_function(release: &Version, snapshot: &Snapshot) -> bool {
    Version::parse("4.3.alpha1").is_some_and(|since| *release >= since)
        && snapshot.schema.table("civicrm_phone").is_some()
}

/// A version such as 4.4.alpha1 that no site runs but an upgrade passes through.
fn between_steps(release: &Version) -> bool {
    release.as_str().contains("alpha") || release.as_str().contains("beta")
}

/// What one trigger, view, routine or event uses.
pub(super) struct User<'a> {
    kind: &'static str,
    name: &'a str,
    table: Option<&'a str>,
    pub(super) uses: References,
}

impl User<'_> {
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// All triggers, views, routines and events, with what they use.
pub(super) fn users(schema: &Schema) -> Vec<User<'_>> {
    let modes = |sql_mode: Option<&String>| {
        let has = |flag| sql_mode.is_some_and(|mode| mode.contains(flag));
        SqlModes {
            ansi_quotes: has("ANSI"),
            no_backslash_escapes: has("NO_BACKSLASH_ESCAPES"),
        }
    };
    let triggers = schema.triggers.iter().map(|(name, trigger)| User {
        kind: "trigger",
        name,
        table: Some(&trigger.table),
        uses: references::of(&trigger.body, modes(trigger.sql_mode.as_ref())),
    });
    let views = schema.views.iter().map(|(name, view)| User {
        kind: "view",
        name,
        table: None,
        uses: references::of(&view.query, modes(view.sql_mode.as_ref())),
    });
    let routines = schema.routines.iter().map(|((kind, name), routine)| User {
        kind: kind.as_str(),
        name,
        table: None,
        uses: references::of(&routine.definition, modes(routine.sql_mode.as_ref())),
    });
    let events = schema.events.iter().map(|(name, event)| User {
        kind: "event",
        name,
        table: None,
        uses: references::of(&event.definition, modes(event.sql_mode.as_ref())),
    });
    triggers
        .chain(views)
        .chain(routines)
        .chain(events)
        .collect()
}

fn broken_references(
    snapshot: &Snapshot,
    phone_function: bool,
    fixes: &Fixes,
    findings: &mut Findings,
) {
    let schema = &snapshot.schema;
    let here = |name: &Name| {
        name.database
            .as_ref()
            .is_none_or(|database| snapshot.database.as_ref() == Some(database))
    };
    let mut routines: BTreeMap<(RoutineKind, String), BTreeSet<String>> = BTreeMap::new();
    if phone_function
        && schema
            .routine(RoutineKind::Function, PHONE_FUNCTION)
            .is_none()
    {
        routines.insert(
            (RoutineKind::Function, PHONE_FUNCTION.to_owned()),
            BTreeSet::new(),
        );
    }
    for user in users(schema) {
        let calls = [
            (RoutineKind::Function, &user.uses.functions),
            (RoutineKind::Procedure, &user.uses.procedures),
        ];
        for (kind, names) in calls {
            for called in names.iter().filter(|name| here(name)) {
                if schema.routine(kind, &called.name).is_none() {
                    routines
                        .entry((kind, called.name.clone()))
                        .or_default()
                        .insert(user.describe());
                }
            }
        }
        for (what, object) in broken_parts(schema, &user, &here) {
            let mut finding = Finding::new(
                &REFERENCE_BROKEN,
                format!("{} uses {what}, which is not there", user.describe()),
                "If it was lost, make the backup again; if the site has it so, let CiviCRM rebuild its \
                 triggers and views, or drop what is left over.",
            )
            .about(user.kind, user.name)
            .sides(object, "missing");
            if let Some(table) = user.table {
                finding = finding.of_table(table);
            }
            findings.push(finding);
        }
    }
    for hidden in [ObjectKind::ViewQuery, ObjectKind::RoutineBody] {
        if let Some(why) = snapshot.hidden.get(&hidden) {
            findings.skip(&REFERENCE_BROKEN, why);
        }
    }
    if let Some(why) = snapshot.hidden.get(&ObjectKind::Routine) {
        findings.skip(&ROUTINE_MISSING, why);
        return;
    }
    for ((kind, name), callers) in routines {
        let kind = kind.as_str();
        let why = match callers.len() {
            0 => "CiviCRM creates it for civicrm_phone".to_owned(),
            1 => format!("{} calls it", callers.into_iter().collect::<String>()),
            2 => format!(
                "{} call it",
                callers.into_iter().collect::<Vec<_>>().join(" and ")
            ),
            more => {
                let first = callers.into_iter().next().unwrap_or_default();
                format!("{first} and {} others call it", more - 1)
            }
        };
        findings.push(
            Finding::new(
                &ROUTINE_MISSING,
                format!("{kind} {name} is not in {}: {why}", snapshot.place()),
                &fixes.routine,
            )
            .about(kind, name)
            .sides(format!("CREATE {}", kind.to_uppercase()), "none"),
        );
    }
}

/// Tables and columns that `user` uses and that do not exist: for a sentence, and by name.
fn broken_parts(
    schema: &Schema,
    user: &User<'_>,
    here: &impl Fn(&Name) -> bool,
) -> Vec<(String, String)> {
    let mut broken = Vec::new();
    for table in user.uses.tables.iter().filter(|name| here(name)) {
        if !schema.has_relation(&table.name) {
            broken.push((format!("table {}", table.name), table.name.clone()));
        }
    }
    let mut columns: BTreeSet<(&str, &str)> = BTreeSet::new();
    if let Some(table) = user.table {
        for column in &user.uses.new_old_columns {
            columns.insert((table, column));
        }
    }
    for (table, column) in &user.uses.columns {
        if here(table) {
            columns.insert((&table.name, column));
        }
    }
    for (table, column) in columns {
        // A table without a column is a finding of its own.
        let known = schema
            .table(table)
            .filter(|table| !table.columns.is_empty())
            .map(|table| {
                table
                    .columns
                    .keys()
                    .any(|known| known.eq_ignore_ascii_case(column))
            });
        if known == Some(false) {
            broken.push((
                format!("column {column} of {table}"),
                format!("{table}.{column}"),
            ));
        }
    }
    broken
}

/// The accounts that objects run as: on a server those that do not exist, in a dump all, for
/// nobody knows which server it goes to.
fn definers(snapshot: &Snapshot, findings: &mut Findings) {
    let schema = &snapshot.schema;
    let triggers = schema.triggers.values().map(|t| ("trigger", &t.definer));
    let views = schema.views.values().map(|v| ("view", &v.definer));
    let routines = schema.routines.values().map(|r| ("routine", &r.definer));
    let events = schema.events.values().map(|e| ("event", &e.definer));
    let mut accounts: BTreeMap<&Account, IndexMap<&str, usize>> = BTreeMap::new();
    for (kind, definer) in triggers.chain(views).chain(routines).chain(events) {
        if let Some(account) = definer {
            *accounts
                .entry(account)
                .or_default()
                .entry(kind)
                .or_default() += 1;
        }
    }
    let known = match &snapshot.server {
        Some(server) if server.accounts.is_none() => {
            if !accounts.is_empty() {
                findings.skip(&DEFINER_MISSING, "this account may not read mysql.user");
            }
            return;
        }
        Some(server) => server.accounts.as_deref(),
        None => None,
    };
    for (account, kinds) in accounts {
        let counts = kinds
            .iter()
            .map(|(kind, count)| format!("{count} {kind}{}", if *count == 1 { "" } else { "s" }));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let finding = match known {
            None => Finding::new(
                &DEFINER_NAMED,
                format!("{counts} run as {account}"),
                "Before restoring on another server create that account there, or replace the DEFINER \
                 clauses in the dump.",
            ),
            Some(known) if known.contains(account) => continue,
            Some(_) => Finding::new(
                &DEFINER_MISSING,
                format!("{counts} run as {account}, an account that does not exist"),
                format!(
                    "Create the account with the site's privileges, or let CiviCRM make its triggers \
                     and views again under its own: {REBUILD}"
                ),
            ),
        };
        findings.push(finding.about("account", account.to_string()));
    }
}

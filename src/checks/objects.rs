//! Looks whether a database has all objects that it should have, and whether they fit together.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};

use super::advice::{Fixes, REBUILD_ALL, fix_by_site};
use super::needs::TOO_FEW_TABLES;
use super::{
    Answer, Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity, against,
    schema,
};
use crate::civicrm::catalogue::Owner;
use crate::civicrm::programs::{self, PHONE_FUNCTION};
use crate::civicrm::release::Version;
use crate::civicrm::site::TABLE_PREFIX;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{Name, RoutineKind, Schema, Table, find};
use crate::schema::references::User;
use crate::schema::sql::string;
use crate::snapshot::{ObjectKind, Snapshot};

/// What has to be seen before anything can be called missing.
pub(super) const ALL_SEEN: &[Need] = &[Need::Structure, Need::WholeDump, Need::AllTables];

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &TABLE_MISSING,
    &VIEW_MISSING,
    &TRIGGER_MISSING,
    &ROUTINE_MISSING,
    &REFERENCE_BROKEN,
];

pub(crate) static TABLE_MISSING: Check = Check {
    id: "table-missing",
    severity: Severity::Error,
    title: "a table is missing that the CiviCRM release or other parts of the database need",
    why: "Its rows, what refers to it and the pages that read it are lost.",
    fix: "Make the backup again with all tables; on a running site restore the table, or find out who \
            dropped it.",
    example: "table civicrm_worldregion is not in the dump: 2 rows for it are there, foreign key \
            FK_civicrm_country_region_id of civicrm_country refers to it",
    source: "the schema of the release",
    rules: &[
        Rule::new(Group::Objects, ALL_SEEN, missing_tables),
        Rule::new(Group::Objects, ALL_SEEN, schema::differences),
        Rule::new(
            Group::Schema,
            &[Need::WholeDump, Need::DetectedRelease],
            schema::differences,
        ),
        Rule::new(
            Group::Against,
            &[
                Need::SiteOfBackup,
                Need::WholeDump,
                Need::OfSite(ObjectKind::Table),
            ],
            against::missing,
        ),
    ],
};

pub(crate) static VIEW_MISSING: Check = Check {
    id: "view-missing",
    severity: Severity::Error,
    title: "a view is not in the dump",
    why: "Pages and reports of a multilingual site read through its views.",
    fix: "Make the backup again by an account with SHOW VIEW, or let CiviCRM make its views again: cv api \
            System.rebuildmultilingualschema (CiviCRM 5.2 on).",
    example: "view civicrm_country_en_US is not in the dump: only its stand-in is there",
    source: "CRM/Core/I18n/Schema.php: one view per localizable table and language",
    rules: &[
        Rule::new(Group::Objects, ALL_SEEN, missing_views),
        Rule::new(
            Group::Against,
            &[Need::SiteOfBackup, Need::WholeDump],
            against::missing,
        ),
    ],
};

/// Whether a finding is about something lost that CiviCRM makes again by itself, on the site or after a restore.
pub fn is_made_again(finding: &Finding) -> bool {
    let is_phone_function = || {
        let object = finding.object.as_ref();
        object.is_some_and(|object| object.name == PHONE_FUNCTION)
    };
    finding.check.id == TRIGGER_MISSING.id
        || finding.check.id == ROUTINE_MISSING.id && is_phone_function()
}

pub(crate) static TRIGGER_MISSING: Check = Check {
    id: "trigger-missing",
    severity: Severity::Error,
    title: "a trigger that CiviCRM makes is not in the dump",
    why: "After a restore, change dates, phone search, relationships or the log stop being kept, silently.",
    fix: "Make the backup with --triggers, by an account with the TRIGGER privilege, or let CiviCRM make \
            its triggers again: cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1.",
    example: "trigger civicrm_activity_before_insert of civicrm_activity is not in the dump: CiviCRM creates it \
            on every site",
    source: "CRM/Contact/BAO/Contact.php, Civi/Core/SqlTriggers.php, CRM/Logging/Schema.php",
    rules: &[
        Rule::new(
            Group::Objects,
            &[
                Need::Structure,
                Need::WholeDump,
                Need::AllTables,
                Need::ExpectedTriggers,
            ],
            missing_triggers,
        ),
        Rule::new(
            Group::Against,
            &[
                Need::SiteOfBackup,
                Need::WholeDump,
                Need::OfSite(ObjectKind::Trigger),
            ],
            against::missing,
        ),
    ],
};

pub(crate) static ROUTINE_MISSING: Check = Check {
    id: "routine-missing",
    severity: Severity::Error,
    title: "a function or procedure that triggers or views call is not in the dump",
    why: "After a restore every write that fires such a trigger fails with error 1305.",
    fix: "Make the backup with --routines, by an account that may read routines, or let CiviCRM make its \
            function again: cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1.",
    example: "function civicrm_strip_non_numeric (CiviCRM makes it again: cv flush --triggers) is not in the dump: trigger civicrm_phone_before_insert and \
            trigger civicrm_phone_before_update call it",
    source: "mysqldump leaves routines out unless --routines is given",
    rules: &[
        Rule::new(
            Group::Objects,
            &[
                Need::Structure,
                Need::WholeDump,
                Need::AllTables,
                Need::AllRoutines,
            ],
            missing_routines,
        ),
        Rule::new(
            Group::Against,
            &[
                Need::SiteOfBackup,
                Need::WholeDump,
                Need::OfSite(ObjectKind::Routine),
            ],
            against::missing,
        ),
    ],
};

pub(crate) static REFERENCE_BROKEN: Check = Check {
    id: "reference-broken",
    severity: Severity::Error,
    title: "a trigger, view or routine uses a table or column that does not exist",
    why: "Every statement that fires or reads it fails with error 1146 or 1054.",
    fix: "If the table or column was lost, make the backup again; if the site has it so, let CiviCRM \
            rebuild its triggers and views.",
    example: "trigger civicrm_activity_before_insert uses column made of civicrm_activity, which is not there",
    source: "reported with stale log tables and views",
    rules: &[Rule::new(Group::Objects, ALL_SEEN, broken_references)],
};

/// Adds a finding when no table has an AUTO_INCREMENT column: `mysqldump --skip-opt` leaves the
/// attribute out.
pub(super) fn lost_auto_increment(
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) {
    let mut ids = 0;
    for (name, table) in &examined.snapshot().schema.tables {
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
                check,
                format!("no table has an AUTO_INCREMENT column, not even the {ids} of CiviCRM with an id"),
                "Make the backup without --skip-opt and --skip-create-options; restored as it is, no \
                 contact could be added.",
            )
            .sides("AUTO_INCREMENT", "none"),
        );
    }
}

/// Adds a finding when no table has a foreign key although the release has many: programs leave them out where they are not
/// asked for them (phpMyAdmin's `Add CONSTRAINT` statement).
pub(super) fn lost_foreign_keys(
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) {
    let Some(detection) = examined.case.detection() else {
        return;
    };
    let number = |schema: &Schema| -> usize {
        schema
            .tables
            .values()
            .map(|table| table.foreign_keys.len())
            .sum()
    };
    let (ours, theirs) = (
        number(&examined.snapshot().schema),
        number(&detection.reference.schema),
    );
    if ours > 0 || theirs == 0 {
        return;
    }
    findings.push(
        Finding::new(
            check,
            format!("no table has a foreign key; CiviCRM {} has {theirs}", detection.state.name),
            "Make the backup again with the foreign keys (phpMyAdmin: with the CONSTRAINT statements). Where the site's own \
             database has none, cividb repair foreign-keys makes them.",
        )
        .sides("no foreign key", theirs.to_string()),
    );
}

/// Adds one finding, with all reasons, for each table that something needs and nothing creates.
fn missing_tables(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let fixes = Fixes::for_source(snapshot);
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
    let site = examined.case.site.iter();
    for group in site.flat_map(|site| &site.custom_groups) {
        if group.table.trim().is_empty() {
            let id = group.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
            findings.push(
                Finding::new(
                    check,
                    format!("the row of civicrm_custom_group with id {id} names no table: its column table_name is empty"),
                    "Find out what made that group, and give it the name of its table, or delete the group on the site; \
                     until then CiviCRM stops with an error of syntax where it reads the group's fields.",
                )
                .about("table", "civicrm_custom_group"),
            );
        } else if !schema.has_relation(&group.table) {
            missing
                .entry(&group.table)
                .or_default()
                .insert("civicrm_custom_group names it as a table of custom fields".to_owned());
        }
    }
    let case = examined.case;
    let may_be_a_part = snapshot.dump.is_some() && has_domain(snapshot);
    let is_told_elsewhere = examined.without_civicrm || examined.names_lost_tables;
    if case.site.is_some() && may_be_a_part && !is_told_elsewhere && case.detection().is_none() {
        findings.skip(check, Lack::of_promised(TOO_FEW_TABLES));
    }
    for table in of_every_release(examined) {
        let reasons = missing.entry(table).or_default();
        reasons.insert("every release of CiviCRM has it".to_owned());
    }
    for (table, reasons) in missing {
        let count = reasons.len();
        let mut text = reasons.into_iter().take(3).collect::<Vec<_>>().join(", ");
        if count > 3 {
            text.push_str(&format!(" and {} more", count - 3));
        }
        findings.push(
            Finding::new(
                check,
                format!("table {table} is not in {}: {text}", snapshot.place()),
                fix_by_site(
                    examined.site_of_backup.as_ref(),
                    "table",
                    |schema| !schema.has_relation(table),
                    &fixes.table,
                ),
            )
            .about("table", table)
            .sides("CREATE TABLE", "none"),
        );
    }
}

fn has_domain(snapshot: &Snapshot) -> bool {
    snapshot.schema.has_relation("civicrm_domain")
}

/// The tables that are not there although every release of CiviCRM has them, where a dump is one of some tables:
/// without civicrm_domain, and with so few that no release can be told. Otherwise the comparison with the release names
/// what is missing.
fn of_every_release<'a>(examined: &Examination<'a, '_>) -> Vec<&'a str> {
    let case = examined.case;
    if case.site.is_none() || has_domain(&case.snapshot) || case.detection().is_some() {
        return Vec::new();
    }
    let states = case.catalogue.states();
    case.catalogue
        .histories()
        .filter(|table| {
            let mut owners = states.iter().map(|state| table.owner(state));
            owners.all(|owner| owner == Some(&Owner::Core))
        })
        .map(|table| table.name.as_str())
        .filter(|name| !case.snapshot.schema.has_relation(name))
        .collect()
}

fn missing_views(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let fixes = Fixes::for_source(snapshot);
    let mut missing: IndexMap<String, &str> = snapshot
        .schema
        .stand_ins
        .keys()
        .map(|view| (view.clone(), "only its stand-in is there"))
        .collect();
    if let Some(site) = &examined.case.site {
        for view in programs::expected_views(site, &snapshot.schema) {
            if !snapshot.schema.has_relation(&view.name) {
                missing
                    .entry(view.name)
                    .or_insert("every multilingual table has one for each language");
            }
        }
    }
    for (view, reason) in missing {
        findings.push(
            Finding::new(
                check,
                format!("view {view} is not in {}: {reason}", snapshot.place()),
                fix_by_site(
                    examined.site_of_backup.as_ref(),
                    "view",
                    |schema| !schema.has_relation(&view),
                    &fixes.view,
                ),
            )
            .about("view", view)
            .sides("CREATE VIEW", "none"),
        );
    }
}

fn missing_triggers(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let (Some(site), Some(release)) = (&examined.case.site, examined.case.release()) else {
        return;
    };
    let fixes = Fixes::for_source(snapshot);
    let schema = &snapshot.schema;
    let fix = if schema.triggers.is_empty() {
        &fixes.no_trigger
    } else {
        &fixes.trigger
    };
    for expected in programs::expected_triggers(site, &release, schema) {
        // A long table name may be cut differently, so the place counts as well as the name.
        let there = schema.trigger(&expected.name).is_some()
            || expected.table.len() > 48
                && schema.triggers.values().any(|trigger| {
                    trigger.table == expected.table
                        && trigger.timing == expected.timing
                        && trigger.event == expected.event
                });
        if !there {
            let lacks = |schema: &Schema| schema.trigger(&expected.name).is_none();
            let fix = fix_by_site(examined.site_of_backup.as_ref(), "trigger", lacks, fix);
            findings.push(
                Finding::new(
                    check,
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
}

/// Whether CiviCRM's function for phone numbers should exist: from 4.3 on CiviCRM makes it together
/// with its triggers.
fn wants_phone_function(examined: &Examination) -> bool {
    let makes =
        |release: Version| Version::parse("4.3.alpha1").is_some_and(|since| release >= since);
    Need::ExpectedTriggers.answer(examined) == Answer::Met
        && examined.case.release().is_some_and(makes)
        && examined.snapshot().schema.table("civicrm_phone").is_some()
}

/// Databases that every server has, and that no backup of a site holds.
const OF_SERVER: &[&str] = &["information_schema", "mysql", "performance_schema", "sys"];

/// What is used of another database.
pub(super) struct UsedElsewhere<'a> {
    /// What uses it, as the beginning of a sentence.
    pub(super) user: String,
    /// Its kind and its name.
    pub(super) object: (&'static str, &'a str),
    /// The table that it belongs to.
    pub(super) table: Option<&'a str>,
    /// `table`, `function` or `procedure`.
    pub(super) kind: &'static str,
    /// What is used.
    pub(super) name: Name,
}

impl UsedElsewhere<'_> {
    /// The database in which it is used.
    pub(super) fn database(&self) -> &str {
        self.name.database.as_deref().unwrap_or_default()
    }
}

/// What views, stored programs and foreign keys use of other databases.
pub(super) fn elsewhere<'a>(examined: &'a Examination) -> Vec<UsedElsewhere<'a>> {
    let snapshot = examined.snapshot();
    let mut all = Vec::new();
    for user in examined.users() {
        all.extend(by_user(user, snapshot).map(|(kind, name)| UsedElsewhere {
            user: user.describe(),
            object: (user.kind, user.name),
            table: user.table,
            kind,
            name: name.clone(),
        }));
    }
    for (table, definition) in &snapshot.schema.tables {
        for (name, key) in &definition.foreign_keys {
            if let Some(database) = &key.referenced_database
                && snapshot.database.as_ref() != Some(database)
            {
                all.push(UsedElsewhere {
                    user: format!("foreign key {name} of {table}"),
                    object: ("foreign key", name),
                    table: Some(table),
                    kind: "table",
                    name: Name {
                        database: Some(database.clone()),
                        name: key.referenced_table.clone(),
                    },
                });
            }
        }
    }
    all
}

/// What a user uses of other databases, each with its kind.
fn by_user<'u>(
    user: &'u User<'_>,
    snapshot: &'u Snapshot,
) -> impl Iterator<Item = (&'static str, &'u Name)> {
    let is_elsewhere = move |name: &&Name| {
        let database = name.database.as_ref();
        database.is_some_and(|database| !OF_SERVER.contains(&database.to_lowercase().as_str()))
            && !is_here(snapshot, name)
            // A dump that does not say of which database it is.
            && !(snapshot.database.is_none() && snapshot.schema.has_relation(&name.name))
    };
    let kinds = [
        ("table", &user.uses.tables),
        ("function", &user.uses.functions),
        ("procedure", &user.uses.procedures),
    ];
    let names = kinds
        .into_iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)));
    names.filter(move |(_, name)| is_elsewhere(name))
}

/// Whether a name is one of this database.
pub(super) fn is_here(snapshot: &Snapshot, name: &Name) -> bool {
    let database = name.database.as_ref();
    database.is_none_or(|database| snapshot.database.as_ref() == Some(database))
}

fn broken_references(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    for user in examined.users() {
        let broken = broken_parts(&snapshot.schema, user, &|name| is_here(snapshot, name));
        for (what, object) in broken {
            let mut finding = Finding::new(
                check,
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
    broken_elsewhere(check, examined, findings);
    for hidden in [ObjectKind::ViewQuery, ObjectKind::RoutineBody] {
        if let Some(why) = snapshot.hidden.get(&hidden) {
            findings.skip(check, Lack::of_promised(why));
        }
    }
}

/// Adds a finding for each object of another database that is used and not to be seen on the server.
fn broken_elsewhere(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let Some(facts) = &snapshot.server else {
        return;
    };
    // Names of tables are compared exactly on most servers, those of routines on none.
    let is_exact = facts.variable("lower_case_table_names") == Some("0");
    for used in elsewhere(examined) {
        let (database, name) = (used.database(), &used.name.name);
        let seen = facts.elsewhere.get(database);
        let is_seen = |known: &IndexSet<String>| match is_exact && used.kind == "table" {
            true => known.contains(name),
            false => known.iter().any(|known| known.eq_ignore_ascii_case(name)),
        };
        if seen.is_some_and(is_seen) {
            continue;
        }
        let state = match seen {
            Some(known) if !known.is_empty() => "the table or routine",
            _ => "the database",
        };
        let fix = match used.object.0 {
            "foreign key" => format!(
                "If {database} was lost, or is on another server, restore it here: until then the server refuses \
                 every new row with error 1452. If nothing needs the key any more, drop it."
            ),
            _ => format!(
                "If {database} was lost, or is on another server, restore it here. If nothing needs it any \
                 more, turn off what wrote to it (detailed logging), and let CiviCRM make its triggers and \
                 views again: {REBUILD_ALL}"
            ),
        };
        let (user, kind) = (&used.user, used.kind);
        let message = format!(
            "{user} uses {kind} {name} of the database {database}, and {state} is not there or not readable for this \
             account"
        );
        let (object, object_name) = used.object;
        let mut finding = Finding::new(check, message, fix)
            .about(object, object_name)
            .sides(used.name.to_string(), "missing");
        if let Some(table) = used.table {
            finding = finding.of_table(table);
        }
        findings.push(finding);
    }
}

/// Functions and procedures that are called and do not exist, each with what calls it.
fn lost_routines(examined: &Examination) -> BTreeMap<(RoutineKind, String), BTreeSet<String>> {
    let snapshot = examined.snapshot();
    let schema = &snapshot.schema;
    let mut lost: BTreeMap<(RoutineKind, String), BTreeSet<String>> = BTreeMap::new();
    let is_lost = |kind, name: &str| schema.routine(kind, name).is_none();
    if wants_phone_function(examined) && is_lost(RoutineKind::Function, PHONE_FUNCTION) {
        let function = (RoutineKind::Function, PHONE_FUNCTION.to_owned());
        lost.insert(function, BTreeSet::new());
    }
    for user in examined.users() {
        let calls = [
            (RoutineKind::Function, &user.uses.functions),
            (RoutineKind::Procedure, &user.uses.procedures),
        ];
        for (kind, names) in calls {
            let called = names.iter().filter(|name| is_here(snapshot, name));
            let is_loadable = |name: &str| {
                let dump = snapshot.dump.as_ref().map(|dump| &dump.loadable_functions);
                let server = snapshot.server.as_ref();
                let server = server.and_then(|facts| facts.loadable_functions.as_ref());
                let known = dump.or(server);
                known.is_some_and(|known| known.contains(&name.to_lowercase()))
            };
            let lost_ones =
                called.filter(|called| is_lost(kind, &called.name) && !is_loadable(&called.name));
            for called in lost_ones {
                let callers = lost.entry((kind, called.name.clone())).or_default();
                callers.insert(user.describe());
            }
        }
    }
    lost
}

/// Beginnings of the names of loadable functions that are widespread: of lib_mysqludf_sys, _info, _preg and _json,
/// mysql-udf-http, and of the examples of MySQL.
const LOADABLE: [&str; 9] = [
    "sys_exec",
    "sys_eval",
    "sys_get",
    "sys_set",
    "lib_mysqludf_",
    "preg_",
    "http_",
    "myfunc_",
    "udf_",
];

/// Why a function that is not there may be a loadable one, which no dump and no database holds, as a clause; `None`
/// where nothing speaks for that.
fn may_be_loadable(snapshot: &Snapshot, routine: RoutineKind, name: &str) -> Option<&'static str> {
    if routine != RoutineKind::Function || name == PHONE_FUNCTION {
        return None;
    }
    match &snapshot.server {
        Some(facts) if facts.loadable_functions.is_none() => {
            Some("this account may not read mysql.func, which lists them")
        }
        Some(_) => None,
        None if LOADABLE
            .iter()
            .any(|known| name.to_lowercase().starts_with(known)) =>
        {
            Some("its name is like those of libraries of functions")
        }
        None if !snapshot.schema.routines.is_empty() => {
            Some("the dump has other routines, and mysqldump writes none of these")
        }
        None => None,
    }
}

/// The finding about a function that may be a loadable one, `why` being the clause that says what speaks for it.
fn loadable(
    check: &'static Check,
    snapshot: &Snapshot,
    name: &str,
    callers: &str,
    why: &str,
) -> Finding {
    let place = snapshot.place();
    Finding::new(
        check,
        format!("function {name} is not in {place}: {callers}; it may be a loadable function ({why})"),
        format!(
            "Look on the site: {}. If it is there, install its library on every server that the backup is restored on \
             (CREATE FUNCTION … SONAME); else make the backup with --routines, by an account that may read routines.",
            loadable_question(name).unwrap_or_else(|blocked| blocked.to_string())
        ),
    )
    .severity(Severity::Warning)
}

/// The question whether a server has a loadable function of this name.
fn loadable_question(name: &str) -> Result<String, Blocked> {
    let name = string(name);
    let sql = format!("SELECT name, dl FROM mysql.func WHERE name = {name}");
    Meaning::new(Operation::Select, [""; 0]).pass(sql)
}

fn missing_routines(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let fixes = Fixes::for_source(snapshot);
    for ((routine, name), callers) in lost_routines(examined) {
        let kind = routine.as_str();
        let lacks = |schema: &Schema| schema.routine(routine, &name).is_none();
        // CiviCRM makes the one function only.
        let is_of_site = name != PHONE_FUNCTION && snapshot.server.is_some();
        let usual = match is_of_site {
            true => {
                "CiviCRM does not make it: create it again (a backup with --routines, or the extension that it \
                     belongs to, has it), or drop what calls it."
            }
            false => &fixes.routine,
        };
        let fix = fix_by_site(examined.site_of_backup.as_ref(), kind, lacks, usual);
        // Not lost with the dump, as what a site has of its own is.
        let again = match name == PHONE_FUNCTION {
            true => " (CiviCRM makes it again: cv flush --triggers)",
            false => "",
        };
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
        let finding = match may_be_loadable(snapshot, routine, &name) {
            Some(reason) => loadable(check, snapshot, &name, &why, reason),
            None => Finding::new(
                check,
                format!("{kind} {name}{again} is not in {}: {why}", snapshot.place()),
                fix,
            ),
        };
        findings.push(
            finding
                .about(kind, name)
                .sides(format!("CREATE {}", kind.to_uppercase()), "none"),
        );
    }
}

/// The tables and columns that `user` uses and that do not exist, each as a phrase for a sentence
/// and by its name.
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
        let definition = schema.table(table);
        let lacks_it = |it: &Table| !it.columns.is_empty() && find(&it.columns, column).is_none();
        if definition.is_some_and(lacks_it) {
            broken.push((
                format!("column {column} of {table}"),
                format!("{table}.{column}"),
            ));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;

    #[test]
    fn a_loadable_function_is_asked_for_as_meant_whatever_its_name_is() {
        for name in hostile::names() {
            let question = loadable_question(&name);
            assert!(question.is_ok(), "{name:?}: {question:?}");
        }
    }
}

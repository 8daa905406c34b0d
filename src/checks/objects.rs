//! Looks whether a database has all objects that it should have, and whether they fit together.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};

use super::{
    Answer, Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity, against,
    schema,
};
use crate::civicrm::programs::{self, PHONE_FUNCTION};
use crate::civicrm::release::Version;
use crate::civicrm::site::TABLE_PREFIX;
use crate::schema::lexer::SqlModes;
use crate::schema::model::{Name, RoutineKind, Schema};
use crate::schema::references::{self, References};
use crate::snapshot::{ObjectKind, Producer, Snapshot, Source, SourceKind};

/// How to let CiviCRM make its triggers, views and function again.
pub(super) const REBUILD: &str =
    "cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1";

/// What to do about missing objects of each kind: a backup can be made again, a live database has
/// to be repaired.
struct Fixes {
    trigger: String,
    no_trigger: String,
    routine: String,
    table: String,
    view: String,
}

impl Fixes {
    fn for_source(source: &Source) -> Self {
        match source.kind {
            SourceKind::Dump if source.producer.never_writes_programs() => {
                Self::for_program(source)
            }
            SourceKind::Dump => Self {
                trigger: format!(
                    "Make the backup with --triggers, by an account with the TRIGGER privilege. \
                     On a restored site let CiviCRM rebuild them: {REBUILD}"
                ),
                no_trigger: format!(
                    "There is no trigger at all: the backup was made {}, or by an \
                     account without the TRIGGER privilege, which loses them without a message. Make \
                     it again. On a restored site let CiviCRM rebuild them: {REBUILD}",
                    without_triggers(source.producer)
                ),
                routine: format!(
                    "Make the backup with --routines, by an account that may read routines. \
                     On a restored site let CiviCRM create it: {REBUILD}"
                ),
                table:
                    "Make the backup again with all tables; look for --ignore-table, an account \
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
                    table: "Restore it from a backup, or take out what still refers to it."
                        .to_owned(),
                    view: rebuild,
                }
            }
        }
    }
}

impl Fixes {
    /// What to do about a dump of a program that writes no stored programs whatever its options.
    fn for_program(source: &Source) -> Self {
        let what = format!(
            "{} never writes triggers and routines: make the backup with mysqldump --routines --triggers (or \
             mariadb-dump) instead. On a restored site let CiviCRM rebuild them: {REBUILD}",
            source.producer.name()
        );
        Self {
            trigger: what.clone(),
            no_trigger: what.clone(),
            routine: what.clone(),
            table: format!(
                "Make the backup again with all tables: look which ones {} leaves out.",
                source.producer.name()
            ),
            view: what,
        }
    }
}

/// How a program comes to leave triggers out.
fn without_triggers(producer: Producer) -> &'static str {
    match producer {
        Producer::Mysqldump | Producer::MariadbDump | Producer::Unknown => "with --skip-triggers",
        Producer::Mysqlpump => "with --skip-triggers or for some tables only",
        Producer::Mydumper => "without --triggers",
        Producer::MysqlShell => "with the option triggers: false",
        Producer::PhpMyAdmin => {
            "with the option 'Add CREATE PROCEDURE / FUNCTION / EVENT / TRIGGER statement' off"
        }
        Producer::Adminer => "with the option Triggers off",
        Producer::MysqldumpPhp => "with the setting skip-triggers",
        _ => "by a program that writes none, or with its option for triggers off",
    }
}

/// What has to be seen before anything can be called missing.
const ALL_SEEN: &[Need] = &[Need::Structure, Need::WholeDump, Need::AllTables];

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &TABLE_MISSING,
    &VIEW_MISSING,
    &TRIGGER_MISSING,
    &ROUTINE_MISSING,
    &REFERENCE_BROKEN,
];

/// A table is missing that the CiviCRM release or other parts of the database need.
pub static TABLE_MISSING: Check = Check {
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
            &[Need::SiteOfBackup, Need::OfSite(ObjectKind::Table)],
            against::missing,
        ),
    ],
};

/// A view is not in the dump.
pub static VIEW_MISSING: Check = Check {
    id: "view-missing",
    severity: Severity::Error,
    title: "a view is not in the dump",
    why: "Pages and reports of a multilingual site read through its views.",
    fix: "Make the backup again by an account with SHOW VIEW, or let CiviCRM make its views again: cv \
            flush --triggers.",
    example: "view civicrm_country_en_US is not in the dump: only its stand-in is there",
    source: "CRM/Core/I18n/Schema.php: one view per localizable table and language",
    rules: &[
        Rule::new(Group::Objects, ALL_SEEN, missing_views),
        Rule::new(Group::Against, &[Need::SiteOfBackup], against::missing),
    ],
};

/// A trigger that CiviCRM makes is not in the dump.
pub static TRIGGER_MISSING: Check = Check {
    id: "trigger-missing",
    severity: Severity::Error,
    title: "a trigger that CiviCRM makes is not in the dump",
    why: "After a restore, change dates, phone search, relationships or the log stop being kept, silently.",
    fix: "Make the backup with --triggers, by an account with the TRIGGER privilege, or let CiviCRM make \
            its triggers again: cv flush --triggers.",
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
            &[Need::SiteOfBackup, Need::OfSite(ObjectKind::Trigger)],
            against::missing,
        ),
    ],
};

/// A function or procedure that triggers or views call is not in the dump.
pub static ROUTINE_MISSING: Check = Check {
    id: "routine-missing",
    severity: Severity::Error,
    title: "a function or procedure that triggers or views call is not in the dump",
    why: "After a restore every write that fires such a trigger fails with error 1305.",
    fix: "Make the backup with --routines, by an account that may read routines, or let CiviCRM make its \
            function again: cv flush --triggers.",
    example: "function civicrm_strip_non_numeric is not in the dump: trigger civicrm_phone_before_insert and \
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
            &[Need::SiteOfBackup, Need::OfSite(ObjectKind::Routine)],
            against::missing,
        ),
    ],
};

/// A trigger, view or routine uses a table or column that does not exist.
pub static REFERENCE_BROKEN: Check = Check {
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

/// Adds one finding, with all reasons, for each table that something needs and nothing creates.
fn missing_tables(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let fixes = Fixes::for_source(&snapshot.source);
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
                check,
                format!("table {table} is not in {}: {text}", snapshot.place()),
                &fixes.table,
            )
            .about("table", table)
            .sides("CREATE TABLE", "none"),
        );
    }
}

fn missing_views(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let fixes = Fixes::for_source(&snapshot.source);
    let mut missing: IndexMap<String, &str> = snapshot
        .schema
        .stand_ins
        .keys()
        .map(|view| (view.clone(), "only its stand-in is there"))
        .collect();
    if let Some(site) = &examined.case.site {
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
                check,
                format!("view {view} is not in {}: {reason}", snapshot.place()),
                &fixes.view,
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
    let fixes = Fixes::for_source(&snapshot.source);
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

/// One trigger, view, routine or event, and the tables, columns and routines that it uses.
#[derive(Debug)]
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

/// Whether a name is one of this database.
fn is_here(snapshot: &Snapshot, name: &Name) -> bool {
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
    for hidden in [ObjectKind::ViewQuery, ObjectKind::RoutineBody] {
        if let Some(why) = snapshot.hidden.get(&hidden) {
            findings.skip(check, Lack::of_promised(why));
        }
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
                let dump = snapshot.dump.as_ref();
                dump.is_some_and(|dump| dump.loadable_functions.contains(&name.to_lowercase()))
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

fn missing_routines(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let fixes = Fixes::for_source(&snapshot.source);
    for ((kind, name), callers) in lost_routines(examined) {
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
                check,
                format!("{kind} {name} is not in {}: {why}", snapshot.place()),
                &fixes.routine,
            )
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

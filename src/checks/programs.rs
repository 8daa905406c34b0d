//! Looks whether triggers, views and the function of CiviCRM do what CiviCRM makes them for.
//!
//! Their texts differ by release, by logging, by languages and by what extensions add, so they are not compared: what counts
//! is that something does what every form of them does. Whether they are there is looked at elsewhere ([`super::objects`]).

use indexmap::IndexMap;

use super::advice::{REBUILD, REBUILD_VIEWS};
use super::{Check, Examination, Finding, Findings, Group, Lack, Need, Rule, Severity};
use crate::civicrm::programs::{self, ExpectedTrigger, ExpectedView, PHONE_FUNCTION, Purpose};
use crate::schema::model::{RoutineKind, Schema, Table, View, find};
use crate::schema::references::{Access, User, selected};
use crate::snapshot::{ObjectKind, SourceKind};

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[&PROGRAM_DIFFERS];

/// What has to be seen before the text of a program can be judged.
const SEEN: &[Need] = &[Need::WholeDump, Need::DetectedRelease];

pub(crate) static PROGRAM_DIFFERS: Check = Check {
    id: "program-differs",
    severity: Severity::Error,
    title: "a trigger, view or function of CiviCRM does not do what CiviCRM makes it for",
    why: "Change dates, phone search, relationships or the log are not kept, silently; pages in a language fail with \
            error 1054 or show the texts of another one.",
    fix: "Let CiviCRM make it again: cv flush --triggers, or civicrm/menu/rebuild?reset=1&triggerRebuild=1, and for the \
            views of languages cv api System.rebuildmultilingualschema (CiviCRM 5.2 on).",
    example: "trigger civicrm_phone_before_update of civicrm_phone does not set phone_numeric and does not call \
            civicrm_strip_non_numeric; CiviCRM's own does",
    source: "what the triggers, views and functions of all releases have in common: CRM/Contact/BAO/Contact.php, \
            Civi/Core/SqlTriggers.php, CRM/Logging/Schema.php, CRM/Core/I18n/Schema.php",
    rules: &[
        Rule::new(
            Group::Schema,
            &[
                Need::WholeDump,
                Need::DetectedRelease,
                Need::ExpectedTriggers,
            ],
            triggers,
        ),
        Rule::new(Group::Schema, SEEN, phone_function),
        Rule::new(Group::Schema, SEEN, views),
    ],
};

/// What to do, on a site or about a backup of one.
fn fix(examined: &Examination, rebuild: &str) -> String {
    match examined.snapshot().source.kind {
        SourceKind::Server => format!("Let CiviCRM make it again: {rebuild}"),
        SourceKind::Dump => {
            format!(
                "Let CiviCRM make it again, on the site or where the dump is restored: {rebuild}"
            )
        }
    }
}

fn triggers(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let case = examined.case;
    let (Some(site), Some(release), Some(detection)) =
        (&case.site, case.release(), case.detection())
    else {
        return;
    };
    let schema = &case.snapshot.schema;
    for expected in programs::expected_triggers(site, &release, schema) {
        // Whoever makes several triggers for the same event may have divided the work.
        let there: Vec<&User> = examined
            .users()
            .iter()
            .filter(|user| is_for(user, schema, &expected))
            .collect();
        let Some(first) = there.first() else {
            continue;
        };
        let in_release = detection.reference.schema.table(&expected.table);
        let lacks = expected
            .purposes
            .iter()
            .filter(|purpose| is_asked(purpose, in_release))
            .filter(|purpose| !there.iter().any(|user| does(user, purpose)));
        let lacks: Vec<Lacking> = lacks.map(lacking).collect();
        if lacks.is_empty() {
            continue;
        }
        if there.iter().any(|user| !user.uses.procedures.is_empty()) {
            let why = format!("{} calls a procedure, which may do it", first.describe());
            findings.skip(check, Lack::of_course(why));
            continue;
        }
        let what = format!("{} of {}", first.describe(), expected.table);
        let found = finding(check, &what, &lacks, fix(examined, REBUILD));
        findings.push(found.about("trigger", first.name).of_table(&expected.table));
    }
}

/// What a program does not do, and with what.
type Lacking = (&'static str, String);

/// The finding that a program does not do what CiviCRM's own does.
fn finding(check: &'static Check, what: &str, lacks: &[Lacking], fix: String) -> Finding {
    const SHOWN: usize = 3;
    let mut clauses: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for (verb, object) in lacks {
        clauses.entry(*verb).or_default().push(object);
    }
    let clauses = clauses.iter().map(|(verb, objects)| {
        let shown: Vec<&str> = objects.iter().take(SHOWN).copied().collect();
        let more = match objects.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{verb} {}{more}", shown.join(", "))
    });
    let clauses: Vec<String> = clauses.collect();
    let message = format!("{what} {}; CiviCRM's own does", clauses.join(" and "));
    let objects: Vec<&str> = lacks.iter().map(|(_, object)| object.as_str()).collect();
    Finding::new(check, message, fix).sides(objects.join(", "), "none")
}

/// Whether a trigger runs where the expected one does.
fn is_for(user: &User, schema: &Schema, expected: &ExpectedTrigger) -> bool {
    let trigger = (user.kind == "trigger").then(|| schema.trigger(user.name));
    trigger.flatten().is_some_and(|trigger| {
        trigger.table.eq_ignore_ascii_case(&expected.table)
            && trigger.timing == expected.timing
            && trigger.event == expected.event
    })
}

/// Whether the release asks for it: a column in a language may be left from an earlier release.
fn is_asked(purpose: &Purpose, in_release: Option<&Table>) -> bool {
    match purpose {
        Purpose::Sets(column) => {
            in_release.is_some_and(|table| find(&table.columns, column).is_some())
        }
        Purpose::Calls(_) | Purpose::Writes(_) => true,
    }
}

fn does(user: &User, purpose: &Purpose) -> bool {
    let uses = &user.uses;
    match purpose {
        Purpose::Sets(column) => {
            let mut set = uses.new_columns_set.iter();
            set.any(|set| set.eq_ignore_ascii_case(column))
        }
        Purpose::Calls(function) => {
            let mut called = uses.functions.iter();
            called.any(|called| called.name.eq_ignore_ascii_case(function))
        }
        Purpose::Writes(table) => uses.accesses.iter().any(|(name, access)| {
            name.name.eq_ignore_ascii_case(table)
                && matches!(access, Access::Insert | Access::Update)
        }),
    }
}

fn lacking(purpose: &Purpose) -> Lacking {
    match purpose {
        Purpose::Sets(column) => ("does not set", column.clone()),
        Purpose::Calls(function) => ("does not call", (*function).to_owned()),
        Purpose::Writes(table) => ("does not write to", table.clone()),
    }
}

fn phone_function(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let snapshot = examined.snapshot();
    let function = snapshot
        .schema
        .routine(RoutineKind::Function, PHONE_FUNCTION);
    let Some(function) = function else {
        return;
    };
    if let Some(why) = snapshot.hidden.get(&ObjectKind::RoutineBody) {
        findings.skip(check, Lack::of_promised(why));
        return;
    }
    let Some(lack) = programs::phone_function_lacks(function) else {
        return;
    };
    let calls_another = examined.users().iter().any(|user| {
        user.kind == "function"
            && user.name.eq_ignore_ascii_case(PHONE_FUNCTION)
            && !user.uses.functions.is_empty()
    });
    if calls_another {
        let why = format!("function {PHONE_FUNCTION} calls another function, which may do it");
        findings.skip(check, Lack::of_course(why));
        return;
    }
    let message = format!("function {PHONE_FUNCTION} {lack}; CiviCRM's own does");
    findings.push(
        Finding::new(check, message, fix(examined, REBUILD))
            .about("function", PHONE_FUNCTION)
            .sides("the digits of a text", lack),
    );
}

fn views(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    let case = examined.case;
    let (Some(site), Some(detection)) = (&case.site, case.detection()) else {
        return;
    };
    let schema = &case.snapshot.schema;
    let expected = programs::expected_views(site, schema);
    if expected.is_empty() {
        return;
    }
    if let Some(why) = case.snapshot.hidden.get(&ObjectKind::ViewQuery) {
        findings.skip(check, Lack::of_promised(why));
        return;
    }
    if let Some(release) = case.release().filter(|it| it.is_upgrade_marker()) {
        let why = format!(
            "civicrm_domain.version is {release}: an upgrade is under way or failed, which makes the views of languages anew"
        );
        findings.skip(check, Lack::of_course(why));
        return;
    }
    for expected in &expected {
        let in_release = detection.reference.schema.table(&expected.table);
        let (Some(view), Some(in_release)) = (find(&schema.views, &expected.name), in_release)
        else {
            continue;
        };
        let lacks = view_lacks(view, expected, in_release);
        if lacks.is_empty() {
            continue;
        }
        let what = format!("view {}", expected.name);
        let found = finding(check, &what, &lacks, fix(examined, REBUILD_VIEWS));
        findings.push(found.about("view", &expected.name));
    }
}

/// What a view of one language does not show. Columns that the release does not have do not count.
fn view_lacks(view: &View, expected: &ExpectedView, in_release: &Table) -> Vec<Lacking> {
    const VERB: &str = "does not show";
    let shown = selected(view);
    let columns = expected.columns.iter();
    let asked = columns.filter(|(_, column)| find(&in_release.columns, column).is_some());
    let lacks = asked.filter_map(|(name, column)| {
        let mut found = shown.columns.iter();
        let found = found.find(|(shown, _)| shown.eq_ignore_ascii_case(name));
        match found {
            None => Some((VERB, name.clone())),
            Some((_, Some(of))) if !of.eq_ignore_ascii_case(column) => {
                Some((VERB, format!("{column} as {name}")))
            }
            Some(_) => None,
        }
    });
    let mut lacks: Vec<Lacking> = lacks.collect();
    if !shown.is_whole {
        lacks.push((VERB, format!("every row of {}", expected.table)));
    }
    lacks
}

//! Compares the schema with that of its CiviCRM release.
//!
//! How a difference ranks: *error* is what breaks statements, loses data or stops upgrades
//! whatever its age: a table or column that is missing, a lost foreign key, another engine.
//! What CiviCRM's own upgrades leave in every database is a *note*, with these exceptions:
//!
//! - A foreign key that never came (`civicrm_custom_field.option_group_id` in databases from
//!   before 5.0) stays an error: nothing else keeps rows from losing their parents, and rows
//!   that have lost them stop whoever adds the key later.
//! - A unique key that never came is a warning: the site works as it did before the release
//!   asked for the key, but duplicates may have come in. One that earlier releases had, too,
//!   was lost, which is an error. Where a unique key on the same columns in another order
//!   keeps duplicates out, it is a note.
//! - A foreign key that deletes rows which the release keeps is a warning even where the upgrade step that changes it
//!   leaves it (5.57 and 5.64, `civicrm_activity`, on large sites): nothing fails, and rows are lost.
//! - A foreign key with the name that a server gave it is a warning even where an upgrade
//!   step of CiviCRM made it (5.67, `civicrm_mailing_event_queue`): nothing fails today, but
//!   a later step may drop it by the name it should have.

use super::advice::fix_by_site;
use super::objects::{self, TABLE_MISSING};
use super::{
    Check, Detected, Examination, Finding, Findings, Group, Need, OtherSource, Rule, Severity,
    server,
};
use crate::case::Case;
use crate::civicrm::age::{Aged, Origin};
use crate::civicrm::catalogue::State;
use crate::civicrm::detect::Detection;
use crate::civicrm::reference::Reference;
use crate::civicrm::release::Version;
use crate::civicrm::version_state::VersionState;
use crate::schema::compare::{
    self, ColumnAspect, Difference, DifferenceKind as Kind, IndexAspect, Options, Side,
};
use crate::schema::model::{ReferentialAction, Schema, find};
use crate::snapshot::SourceKind;

/// The checks of this file.
pub(super) const CHECKS: &[&Check] = &[
    &TABLE_EXTRA,
    &COLUMN_MISSING,
    &COLUMN_DIFFERS,
    &COLUMN_EXTRA,
    &FK_MISSING,
    &FK_NAME,
    &FK_DIFFERS,
    &FK_EXTRA,
    &INDEX_MISSING,
    &INDEX_DIFFERS,
    &INDEX_EXTRA,
    &ENGINE_DIFFERS,
    &CHARSET_DIFFERS,
    &VERSION_SCHEMA_MISMATCH,
];

/// The rule of the checks that are made of nothing but the differences from the release.
const DIFFERENCES: &[Rule] = &[Rule::new(
    Group::Schema,
    &[Need::DetectedRelease],
    differences,
)];

pub(crate) static TABLE_EXTRA: Check = Check {
    id: "table-extra",
    severity: Severity::Warning,
    title: "a table of another CiviCRM release",
    why: "An upgrade stopped halfway, or an older backup was restored over a newer database; upgrades then \
            fail to create it.",
    fix: "If nobody needs the table, drop it by hand after a backup.",
    example: "table civicrm_site_email_address is extra (CiviCRM has it from 6.0 on)",
    source: "the schemas of all releases",
    rules: DIFFERENCES,
};

pub(crate) static COLUMN_MISSING: Check = Check {
    id: "column-missing",
    severity: Severity::Error,
    title: "a column of the release is missing",
    why: "Every statement of CiviCRM that uses it fails with error 1054.",
    fix: "cividb diff --sql prints the statement that adds it.",
    example: "column civicrm_email.hold_date is missing, CiviCRM 5.81 has datetime NULL (CiviCRM has it in \
            every release)",
    source: "the schema of the release",
    rules: DIFFERENCES,
};

pub(crate) static COLUMN_DIFFERS: Check = Check {
    id: "column-differs",
    severity: Severity::Error,
    title: "a column differs from what CiviCRM needs",
    why: "CiviCRM's statements fail on it or store something else.",
    fix: "cividb diff --sql prints the statement that changes it.",
    example: "column civicrm_email.hold_date is varchar(20) NULL, CiviCRM 5.81 has datetime NULL (so in no \
            release of CiviCRM)",
    source: "the schema of the release",
    rules: &[
        Rule::new(
            Group::Objects,
            &[
                Need::Structure,
                Need::WholeDump,
                Need::AllTables,
                Need::Site,
            ],
            objects::lost_auto_increment,
        ),
        Rule::new(Group::Schema, &[Need::DetectedRelease], differences),
    ],
};

pub(crate) static COLUMN_EXTRA: Check = Check {
    id: "column-extra",
    severity: Severity::Note,
    title: "a column that the release does not have",
    why: "CiviCRM does not write it; NOT NULL without a default it may refuse rows.",
    fix: "If nobody needs the column, drop it by hand after a backup.",
    example: "column civicrm_worldregion.size is extra: int NULL (so in no release of CiviCRM)",
    source: "the schemas of all releases",
    rules: DIFFERENCES,
};

pub(crate) static FK_MISSING: Check = Check {
    id: "fk-missing",
    severity: Severity::Error,
    title: "a foreign key of the release is missing",
    why: "Rows lose their parents unnoticed, and an upgrade that drops or adds the key fails with error \
            1091 or 1452.",
    fix: "cividb repair foreign-keys counts the rows whose parent is gone, shows the statement, and runs \
            it with --apply.",
    example: "foreign key FK_civicrm_domain_contact_id of civicrm_domain is missing, CiviCRM 5.81 has \
            (`contact_id`) REFERENCES `civicrm_contact` (`id`) ON DELETE RESTRICT ON UPDATE RESTRICT (CiviCRM \
            has it from 4.3 on)",
    source: "the schema of the release",
    rules: &[
        Rule::new(
            Group::Backup,
            &[Need::Structure, Need::WholeDump, Need::Site],
            objects::lost_foreign_keys,
        ),
        Rule::new(Group::Schema, &[Need::DetectedRelease], differences),
    ],
};

pub(crate) static FK_NAME: Check = Check {
    id: "fk-name",
    severity: Severity::Error,
    title: "a foreign key has another name than CiviCRM gives it",
    why: "An upgrade step that drops it by its name fails with error 1091.",
    fix: "cividb repair fk-names shows the statement, and runs it with --apply.",
    example: "foreign key civicrm_domain_ibfk_1 of civicrm_domain should be named FK_civicrm_domain_contact_id \
            (so in no release of CiviCRM)",
    source: "the schema of the release; naming rules of CRM/Core/BAO/SchemaHandler.php",
    rules: DIFFERENCES,
};

pub(crate) static FK_DIFFERS: Check = Check {
    id: "fk-differs",
    severity: Severity::Error,
    title: "a foreign key has other rules than in the release",
    why: "Deleting a contact or another parent deletes rows that it should keep, or is refused.",
    fix: "cividb repair foreign-keys shows the statement, and runs it with --apply.",
    example: "foreign key FK_civicrm_domain_contact_id of civicrm_domain is (`contact_id`) REFERENCES \
            `civicrm_contact` (`id`) ON DELETE CASCADE ON UPDATE RESTRICT, CiviCRM 5.81 has (`contact_id`) \
            REFERENCES `civicrm_contact` (`id`) ON DELETE RESTRICT ON UPDATE RESTRICT (so in no release of \
            CiviCRM): deleting a row of civicrm_contact deletes the rows of civicrm_domain that name it in \
            contact_id",
    source: "the schema of the release",
    rules: DIFFERENCES,
};

pub(crate) static FK_EXTRA: Check = Check {
    id: "fk-extra",
    severity: Severity::Warning,
    title: "a foreign key that the release does not have",
    why: "It may refuse rows or deletions that CiviCRM thinks possible.",
    fix: "If nobody needs the foreign key, drop it by hand after a backup.",
    example: "foreign key other of civicrm_worldregion is extra: (`id`) REFERENCES `civicrm_country` (`id`) ON \
            DELETE RESTRICT ON UPDATE RESTRICT (so in no release of CiviCRM): deleting a row of civicrm_country \
            fails with error 1451 while a row of civicrm_worldregion names it in id",
    source: "the schemas of all releases",
    rules: DIFFERENCES,
};

pub(crate) static INDEX_MISSING: Check = Check {
    id: "index-missing",
    severity: Severity::Warning,
    title: "an index of the release is missing",
    why: "Pages become slow; without a unique key duplicates come in that CiviCRM does not expect.",
    fix: "cividb repair indexes shows the statement, and runs it with --apply.",
    example: "index UI_email of civicrm_email is missing, CiviCRM 5.81 has KEY (`email`) (CiviCRM has it in \
            every release)",
    source: "the schema of the release",
    rules: DIFFERENCES,
};

pub(crate) static INDEX_DIFFERS: Check = Check {
    id: "index-differs",
    severity: Severity::Warning,
    title: "an index or the primary key differs from that of the release",
    why: "Pages become slow or duplicates come in, as without the index; an upgrade step that drops it by its name may fail.",
    fix: "cividb repair indexes shows the statement, and runs it with --apply.",
    example: "index UI_email of civicrm_email is KEY (`email`, `on_hold`), CiviCRM 5.81 has KEY (`email`) (so \
            in no release of CiviCRM)",
    source: "the schema of the release",
    rules: DIFFERENCES,
};

pub(crate) static INDEX_EXTRA: Check = Check {
    id: "index-extra",
    severity: Severity::Note,
    title: "an index that the release does not have",
    why: "It costs a little time for each write; a unique one may refuse rows.",
    fix: "If nobody needs the index, drop it by hand after a backup.",
    example: "index other of civicrm_email is extra: KEY (`on_hold`) (so in no release of CiviCRM)",
    source: "the schemas of all releases",
    rules: DIFFERENCES,
};

pub(crate) static ENGINE_DIFFERS: Check = Check {
    id: "engine-differs",
    severity: Severity::Error,
    title: "a table of CiviCRM is not InnoDB",
    why: "MyISAM has neither foreign keys nor transactions: the keys are lost, a failed upgrade cannot be \
            rolled back.",
    fix: "cividb repair engine shows the statements, and runs them with --apply.",
    example: "table civicrm_worldregion is MyISAM, CiviCRM 5.81 has InnoDB (so in no release of CiviCRM)",
    source: "the schema of the release",
    rules: DIFFERENCES,
};

pub(crate) static CHARSET_DIFFERS: Check = Check {
    id: "charset-differs",
    severity: Severity::Warning,
    title: "a table's character set or collation is not that of the others",
    why: "Joins fail with error 1267 or lose their indexes, and foreign keys on text cannot be made.",
    fix: "cividb repair charset shows the statements, and runs them with --apply.",
    example: "table civicrm_worldregion is utf8mb3_general_ci, CiviCRM 5.81 has utf8mb4_unicode_ci (so in no \
            release of CiviCRM)",
    source: "measured: a database all in utf8mb3 is consistent",
    rules: &[
        Rule::new(Group::Schema, &[Need::DetectedRelease], differences),
        Rule::new(Group::Server, &[Need::Server], server::database_charset),
    ],
};

pub(crate) static VERSION_SCHEMA_MISMATCH: Check = Check {
    id: "version-schema-mismatch",
    severity: Severity::Error,
    title: "civicrm_domain.version names another release than the schema is of",
    why: "The upgrader begins at the version that is stored: it skips steps that the schema needs, or \
            repeats those it had.",
    fix: "Restore a backup into an empty database, or run an upgrade that stopped again from a backup. \
            Only if the version itself was changed by hand: cividb version --fix.",
    example: "civicrm_domain.version is 5.75.0, but the schema is that of 5.82: 0 differences, against 30 from \
            5.75.0; civicrm_saved_search.is_template is there (from 5.81 on), \
            civicrm_action_schedule.entity_status is not yet so (from 6.0 on), \
            civicrm_action_schedule.start_action_date is not yet so (from 6.0 on)",
    source: "the schemas of all releases",
    rules: &[Rule::new(
        Group::Release,
        &[Need::DetectedRelease],
        version_mismatch,
    )],
};

const FIX: &str = "cividb diff --sql prints the statements that bring the schema to its release.";
const FIX_KEY: &str = "cividb repair foreign-keys counts the rows whose parent is gone, shows the statement and \
     runs it with --apply.";
const FIX_NAME: &str = "cividb repair fk-names shows the statement and runs it with --apply.";
const FIX_INDEX: &str = "cividb repair indexes shows the statement and runs it with --apply.";
const FIX_ENGINE: &str = "cividb repair engine shows the statements and runs them with --apply.";
const FIX_CHARSET: &str = "cividb repair charset shows the statements and runs them with --apply.";
const NO_FIX: &str =
    "Nothing needs to be done; cividb diff --sql prints the statements for those who want it.";
const FIX_EXTRA: &str =
    "If nobody needs it, drop it by hand after a backup; cividb leaves it alone.";
const FIX_TABLE: &str = "Make the backup again with all tables, or find out who dropped it; cividb diff --sql \
     prints the statement for an empty one.";
const FIX_LIVE_TABLE: &str = "Restore it from a backup, or find out who dropped it; cividb diff --sql prints the \
     statement for an empty one.";
/// A key of the right name that leads to another table or column.
const FIX_ENDS: &str = "The key of this name leads elsewhere. cividb diff --sql prints the statements that drop it and \
     add the right one; cividb repair foreign-keys counts the rows that have no parent then.";
const FIX_VERSION: &str = "If a backup was restored over another database, restore it into an empty one. If an \
     upgrade stopped, run it again from a backup. Only if the version itself was changed by hand: cividb version --fix.";

impl Detected {
    /// Summarizes which release a schema was detected to be of.
    pub fn of(detection: &Detection) -> Self {
        Self {
            release: detection.state.name.clone(),
            state: detection.state.name.clone(),
            differences: detection.differences.len(),
            also: detection
                .also
                .iter()
                .map(|state| state.name.clone())
                .collect(),
            evidence: detection.evidence.clone(),
            later: detection.later.clone(),
            not_compared: detection.not_compared.clone(),
            last_step: detection.last_step.clone(),
        }
    }
}

/// Adds the differences from the detected release that belong to this check.
pub(super) fn differences(check: &'static Check, examined: &Examination, findings: &mut Findings) {
    if let Some(detection) = examined.case.detection() {
        let (case, site) = (examined.case, examined.site_of_backup.as_ref());
        let of = (&detection.differences[..], detection.state);
        add(check, of, case, site, findings);
    }
}

/// Compares the schema with a release that the user named.
pub fn check_release(
    case: &Case,
    state: &State,
    findings: &mut Findings,
) -> (Reference, Vec<Difference>) {
    let reference = Reference::new(case.catalogue, state, case.subject());
    let aged = reference.differences(case.catalogue, state, case.subject());
    for check in CHECKS.iter().copied().chain([&TABLE_MISSING]) {
        add(check, (&aged, state), case, None, findings);
    }
    let plain = aged.into_iter().map(|aged| aged.difference).collect();
    (reference, plain)
}

/// Compares the schema with another one, without any knowledge of CiviCRM.
pub fn check_other(
    actual: &Schema,
    other: &Schema,
    other_name: &str,
    findings: &mut Findings,
) -> Vec<Difference> {
    let differences = compare::compare(actual, other, &Options::default());
    for difference in &differences {
        let (check, fix) = check_and_fix(&difference.kind);
        let severity = match &difference.kind {
            Kind::IndexExtra | Kind::ColumnExtra | Kind::TableExtra | Kind::ForeignKeyExtra => {
                Severity::Warning
            }
            kind => usual_severity(kind, difference),
        };
        let message = sentence(difference, &format!("{other_name} has"));
        findings.push(finding(difference, check, message, fix).severity(severity));
    }
    differences
}

/// Adds a finding when `civicrm_domain.version` names another release than the schema is of.
pub(super) fn version_mismatch(
    check: &'static Check,
    examined: &Examination,
    findings: &mut Findings,
) {
    let case = examined.case;
    let (Some(declared), Some(detection)) = (case.declared_version(), case.detection()) else {
        return;
    };
    // An upgrade that stopped has a schema between two releases and says so itself.
    if declared.is_upgrade_marker() {
        return;
    }
    let Some(state) = case.catalogue.state_for(&declared) else {
        if let Some(finding) = newer_than_its_schema(check, case, &declared, detection) {
            findings.push(finding);
        }
        return;
    };
    if detection.fits(state) {
        return;
    }
    let count = |name: &str| {
        let mut candidates = detection.candidates.iter();
        candidates
            .find(|(state, _)| state.name == name)
            .map_or(0, |(_, count)| *count)
    };
    let release = &detection.state.name;
    findings.push(
        Finding::new(
            check,
            format!(
                "civicrm_domain.version is {declared}, but the schema is that of {release}: {} differences, against {} from {declared}; {}",
                count(release),
                count(&state.name),
                detection.evidence.join(", "),
            ),
            FIX_VERSION,
        )
        .about("table", "civicrm_domain")
        .sides(release, declared.as_str()),
    );
}

/// The finding that the version is newer than all known releases, and the schema is far from the newest of them. The
/// schema of a release that is still to come is nearest to the newest one, so that this one is among those compared.
fn newer_than_its_schema(
    check: &'static Check,
    case: &Case,
    declared: &Version,
    detection: &Detection,
) -> Option<Finding> {
    let is_newer =
        VersionState::of(Some(declared.as_str()), case.catalogue) == VersionState::TooNew;
    let newest = case.catalogue.states().last()?;
    let mut compared = detection.candidates.iter();
    if !is_newer || compared.any(|(state, _)| state.name == newest.name) {
        return None;
    }
    let release = &detection.state.name;
    let message = format!(
        "civicrm_domain.version is {declared}, which is newer than {}, the newest release that cividb knows, but the schema is that of {release}: {}; {}",
        newest.name,
        crate::text::count(detection.differences.len() as u64, "difference"),
        detection.evidence.join(", "),
    );
    let finding = Finding::new(check, message, FIX_VERSION).about("table", "civicrm_domain");
    Some(finding.sides(release, declared.as_str()))
}

/// Adds a finding for each difference that belongs to this check and that no other finding tells
/// already.
fn add(
    check: &'static Check,
    (all, state): (&[Aged], &State),
    case: &Case,
    site: Option<&OtherSource>,
    findings: &mut Findings,
) {
    let no_auto_increment = (findings.list.iter())
        .any(|finding| *finding.check == COLUMN_DIFFERS && finding.object.is_none());
    for aged in all
        .iter()
        .filter(|aged| check_and_fix(&aged.difference.kind).0 == check)
    {
        let difference = &aged.difference;
        let known = match &difference.kind {
            Kind::TableMissing => findings.list.iter().any(|finding| {
                let object = finding.object.as_ref();
                finding.check == check
                    && object.is_some_and(|o| o.name.eq_ignore_ascii_case(&difference.table))
            }),
            Kind::ColumnDiffers(aspects) => {
                no_auto_increment && aspects[..] == [ColumnAspect::AutoIncrement]
            }
            _ => false,
        };
        if !known {
            let severity = severity(aged, all);
            let mut finding = aged_finding(aged, severity, case, state);
            match &difference.kind {
                Kind::TableMissing => finding.fix = table_fix(case, site, &difference.table),
                Kind::ForeignKeyMissing | Kind::ForeignKeyExtra
                    if has_other_ends(difference, all) =>
                {
                    finding.fix = FIX_ENDS.to_owned();
                }
                _ => {}
            }
            findings.push(finding);
        }
    }
}

/// What to do about a missing table of the release.
fn table_fix(case: &Case, site: Option<&OtherSource>, table: &str) -> String {
    let usual = match case.snapshot.source.kind {
        SourceKind::Dump => FIX_TABLE,
        SourceKind::Server => FIX_LIVE_TABLE,
    };
    let lacks = |schema: &Schema| !schema.has_relation(table);
    fix_by_site(site, "table", lacks, usual)
}

/// Whether a foreign key that is missing or extra has the name of one that is extra or missing.
fn has_other_ends(difference: &Difference, all: &[Aged]) -> bool {
    all.iter().any(|other| {
        let other = &other.difference;
        let is_key = matches!(other.kind, Kind::ForeignKeyMissing | Kind::ForeignKeyExtra);
        is_key
            && other.kind != difference.kind
            && other.table.eq_ignore_ascii_case(&difference.table)
            && object_name(other).eq_ignore_ascii_case(object_name(difference))
    })
}

fn aged_finding(aged: &Aged, severity: Severity, case: &Case, state: &State) -> Finding {
    let Aged { difference, age } = aged;
    let catalogue = case.catalogue;
    let (check, mut fix) = check_and_fix(&difference.kind);
    let is_cut = is_cut_by_server(difference);
    let history = if is_cut {
        "a server with the limit of 767 bytes cut it".to_owned()
    } else {
        age.describe(&difference.kind, catalogue)
    };
    let has = match (age.origin, &difference.kind) {
        (Origin::CustomData, Kind::CharsetDiffers | Kind::CollationDiffers) => {
            "the other tables are".to_owned()
        }
        (Origin::CustomData, _) => "its custom fields ask for".to_owned(),
        _ => format!("CiviCRM {} has", state.name),
    };
    let mut message = format!("{} ({history})", sentence(difference, &has));
    let quiet = severity == Severity::Note && age.is_inherited();
    let schema = &case.snapshot.schema;
    if let Some(effect) = effect(difference, schema).filter(|_| !quiet) {
        message.push_str(&format!(": {effect}"));
    }
    if quiet {
        fix = NO_FIX;
    }
    let mut finding = finding(difference, check, message, fix).severity(severity);
    finding.inherited = quiet.then(|| age.source(&difference.kind, catalogue));
    finding
}

/// The severity of a difference, given all the others; the description of the module says how they
/// rank.
pub(crate) fn severity(aged: &Aged, all: &[Aged]) -> Severity {
    let Aged { difference, age } = aged;
    let inherited = age.is_inherited();
    match &difference.kind {
        Kind::TableExtra if age.origin == Origin::Later => Severity::Warning,
        Kind::TableExtra => Severity::Note,
        Kind::ColumnExtra if age.origin == Origin::Later => Severity::Warning,
        Kind::ColumnExtra if refuses_rows(difference) && !inherited => Severity::Warning,
        Kind::ForeignKeyDiffers(_) if inherited && deletes_more(difference) => Severity::Warning,
        Kind::ColumnDiffers(_) | Kind::ForeignKeyDiffers(_) | Kind::PrimaryKeyDiffers
            if inherited =>
        {
            Severity::Note
        }
        Kind::IndexMissing if inherited && another_keeps_unique(difference, all) => Severity::Note,
        Kind::IndexMissing | Kind::IndexDiffers(_) if loses_unique(difference) => {
            if inherited {
                Severity::Warning
            } else {
                Severity::Error
            }
        }
        Kind::IndexMissing
        | Kind::IndexDiffers(_)
        | Kind::IndexExtra
        | Kind::ForeignKeyExtra
        | Kind::CharsetDiffers
            if inherited =>
        {
            Severity::Note
        }
        Kind::IndexExtra if is_unique(difference.actual.as_ref()) => Severity::Warning,
        // No upgrade step drops keys of custom data by name.
        Kind::ForeignKeyName if inherited || age.origin == Origin::CustomData => Severity::Warning,
        kind => usual_severity(kind, difference),
    }
}

/// The severity of a difference whose age is not known.
fn usual_severity(kind: &Kind, difference: &Difference) -> Severity {
    match kind {
        Kind::ColumnDiffers(aspects) => aspects
            .iter()
            .map(|aspect| match aspect {
                ColumnAspect::Type if holds_more(difference) => Severity::Warning,
                ColumnAspect::Type | ColumnAspect::AutoIncrement | ColumnAspect::Generated => {
                    Severity::Error
                }
                // NULL where there should be none is harmless until something counts on it;
                // the reverse refuses rows.
                ColumnAspect::Nullability if refuses_rows(difference) => Severity::Error,
                _ => Severity::Warning,
            })
            .max()
            .unwrap_or(Severity::Warning),
        Kind::IndexMissing | Kind::IndexDiffers(_) if loses_unique(difference) => Severity::Error,
        Kind::IndexDiffers(_) if is_cut_by_server(difference) => Severity::Note,
        Kind::IndexName => Severity::Note,
        Kind::PrimaryKeyDiffers => Severity::Error,
        Kind::EngineDiffers | Kind::CharsetDiffers | Kind::CollationDiffers => {
            let of_actual = |text: &str| {
                let side = difference.actual.as_ref();
                side.is_some_and(|side| side.definition.starts_with(text))
            };
            if *kind == Kind::CharsetDiffers && !of_actual("utf8") {
                Severity::Error
            } else {
                check_and_fix(kind).0.severity
            }
        }
        kind => check_and_fix(kind).0.severity,
    }
}

fn is_unique(side: Option<&Side>) -> bool {
    side.is_some_and(|side| side.definition.starts_with("UNIQUE"))
}

fn loses_unique(difference: &Difference) -> bool {
    is_unique(difference.reference.as_ref()) && !is_unique(difference.actual.as_ref())
}

/// Whether the table has another unique index on the same columns in another order.
fn another_keeps_unique(difference: &Difference, all: &[Aged]) -> bool {
    /// The column names in the definition of an index, in alphabetical order.
    fn columns(side: Option<&Side>) -> Vec<&str> {
        let definition = side.map_or("", |side| &side.definition);
        let mut columns: Vec<&str> = definition.split('`').skip(1).step_by(2).collect();
        columns.sort_unstable();
        columns
    }
    all.iter().map(|aged| &aged.difference).any(|other| {
        other.kind == Kind::IndexExtra
            && other.table == difference.table
            && is_unique(other.actual.as_ref())
            && columns(other.actual.as_ref()) == columns(difference.reference.as_ref())
    })
}

/// Whether the actual column is NOT NULL and has no default value, so that it refuses rows without
/// a value.
fn refuses_rows(difference: &Difference) -> bool {
    difference.actual.as_ref().is_some_and(|side| {
        side.definition.contains(" NOT NULL") && !side.definition.contains(" DEFAULT ")
    })
}

/// Whether the actual column has the same text type as the reference and is only longer.
fn holds_more(difference: &Difference) -> bool {
    let length = |side: &Option<Side>| -> Option<u32> {
        let text = side.as_ref()?.definition.strip_prefix("varchar(")?;
        text.split_once(')')?.0.parse().ok()
    };
    length(&difference.actual) > length(&difference.reference)
        && length(&difference.reference).is_some()
}

/// The rule for the deletion of parents in the definition of a foreign key.
fn on_delete(side: &Side) -> Option<&str> {
    let (_, rules) = side.definition.rsplit_once(" ON DELETE ")?;
    rules.split(" ON UPDATE ").next()
}

/// Whether a foreign key deletes rows that the release keeps.
fn deletes_more(difference: &Difference) -> bool {
    let rule = |side: &Option<Side>| side.as_ref().and_then(on_delete).map(str::to_owned);
    rule(&difference.actual).as_deref() == Some("CASCADE")
        && rule(&difference.reference).as_deref() != Some("CASCADE")
}

/// What a foreign key does that the release does not ask for, as a clause.
fn effect(difference: &Difference, schema: &Schema) -> Option<String> {
    let actual = difference.actual.as_ref()?;
    let is_more = match &difference.kind {
        Kind::ForeignKeyDiffers(_) => {
            let reference = difference.reference.as_ref().and_then(on_delete);
            on_delete(actual) != reference
        }
        Kind::ForeignKeyExtra => true,
        _ => false,
    };
    let table = schema.table(&difference.table)?;
    let key = find(&table.foreign_keys, &actual.name).filter(|_| is_more)?;
    let (parent, child) = (&key.referenced_table, &difference.table);
    let columns = key.columns.join(", ");
    match key.on_delete {
        ReferentialAction::Cascade => Some(format!(
            "deleting a row of {parent} deletes the rows of {child} that name it in {columns}"
        )),
        ReferentialAction::Restrict => Some(format!(
            "deleting a row of {parent} fails with error 1451 while a row of {child} names it in {columns}"
        )),
        ReferentialAction::SetNull | ReferentialAction::SetDefault => None,
    }
}

/// Whether two indexes differ only in prefix lengths, because a server that allows 767 bytes for an
/// index cut them: to 255 characters of utf8mb3, or 191 of utf8mb4.
fn is_cut_by_server(difference: &Difference) -> bool {
    matches!(&difference.kind, Kind::IndexDiffers(aspects) if aspects[..] == [IndexAspect::Prefix])
        && difference.actual.as_ref().is_some_and(|side| {
            side.definition.contains("(255)") || side.definition.contains("(191)")
        })
}

fn check_and_fix(kind: &Kind) -> (&'static Check, &'static str) {
    match kind {
        Kind::TableMissing => (&TABLE_MISSING, FIX_TABLE),
        Kind::TableExtra => (&TABLE_EXTRA, FIX_EXTRA),
        Kind::EngineDiffers => (&ENGINE_DIFFERS, FIX_ENGINE),
        Kind::CharsetDiffers | Kind::CollationDiffers => (&CHARSET_DIFFERS, FIX_CHARSET),
        Kind::ColumnMissing => (&COLUMN_MISSING, FIX),
        Kind::ColumnExtra => (&COLUMN_EXTRA, FIX_EXTRA),
        Kind::ColumnDiffers(_) => (&COLUMN_DIFFERS, FIX),
        Kind::PrimaryKeyDiffers => (&INDEX_DIFFERS, FIX),
        Kind::IndexDiffers(_) | Kind::IndexName => (&INDEX_DIFFERS, FIX_INDEX),
        Kind::IndexMissing => (&INDEX_MISSING, FIX_INDEX),
        Kind::IndexExtra => (&INDEX_EXTRA, FIX_EXTRA),
        Kind::ForeignKeyMissing => (&FK_MISSING, FIX_KEY),
        Kind::ForeignKeyExtra => (&FK_EXTRA, FIX_EXTRA),
        Kind::ForeignKeyDiffers(_) => (&FK_DIFFERS, FIX_KEY),
        Kind::ForeignKeyName => (&FK_NAME, FIX_NAME),
    }
}

/// What the object is called in reports.
fn object_kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::ColumnMissing | Kind::ColumnExtra | Kind::ColumnDiffers(_) => "column",
        Kind::PrimaryKeyDiffers
        | Kind::IndexMissing
        | Kind::IndexExtra
        | Kind::IndexDiffers(_)
        | Kind::IndexName => "index",
        Kind::ForeignKeyMissing
        | Kind::ForeignKeyExtra
        | Kind::ForeignKeyDiffers(_)
        | Kind::ForeignKeyName => "foreign-key",
        _ => "table",
    }
}

/// The name of the object in the database, or otherwise in the reference.
fn object_name(difference: &Difference) -> &str {
    let side = difference.actual.as_ref().or(difference.reference.as_ref());
    side.map_or(&difference.table, |side| &side.name)
}

/// A finding about the object of a difference, with what was expected and what the source has.
fn finding(
    difference: &Difference,
    check: &'static Check,
    message: String,
    fix: &'static str,
) -> Finding {
    let kind = object_kind(&difference.kind);
    let side = |side: &Option<Side>| match side {
        Some(side) if is_name(&difference.kind) => side.name.clone(),
        Some(side) => side.definition.clone(),
        None => "none".to_owned(),
    };
    let finding = Finding::new(check, message, fix)
        .about(kind, object_name(difference))
        .sides(side(&difference.reference), side(&difference.actual));
    if kind == "table" {
        finding
    } else {
        finding.of_table(&difference.table)
    }
}

/// Whether only the name of the object differs.
fn is_name(kind: &Kind) -> bool {
    matches!(kind, Kind::ForeignKeyName | Kind::IndexName)
}

/// A sentence about a difference, with both definitions. `has` introduces that of the reference.
fn sentence(difference: &Difference, has: &str) -> String {
    let table = &difference.table;
    let name = object_name(difference);
    let object = match object_kind(&difference.kind) {
        "table" => format!("table {table}"),
        "column" => format!("column {table}.{name}"),
        "index" => format!("index {name} of {table}"),
        _ => format!("foreign key {name} of {table}"),
    };
    match (&difference.kind, &difference.actual, &difference.reference) {
        (Kind::TableMissing, ..) => format!("{object} is missing, {has} it"),
        (_, Some(_), Some(reference)) if is_name(&difference.kind) => {
            format!("{object} should be named {}", reference.name)
        }
        (_, Some(actual), Some(reference)) => format!(
            "{object} is {}, {has} {}",
            actual.definition, reference.definition
        ),
        (_, None, Some(reference)) => {
            format!("{object} is missing, {has} {}", reference.definition)
        }
        (Kind::TableExtra, ..) | (_, None, None) => format!("{object} is extra"),
        (_, Some(actual), None) => format!("{object} is extra: {}", actual.definition),
    }
}

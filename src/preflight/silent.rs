//! What is wrong after an upgrade that says that it succeeded.

use std::collections::HashSet;

use super::run::SilentDamage;
use crate::case::Case;
use crate::civicrm::reference::{Reference, Subject};
use crate::civicrm::release::Version;
use crate::schema::compare::{ColumnAspect, Difference, DifferenceKind};
use crate::schema::model::Schema;

/// What the schema at the end of an upgrade lacks of the target's. `clean` is the end of the same upgrade of a database
/// that is as its release makes it: what that lacks, CiviCRM's own steps leave undone everywhere.
pub(super) fn damage(
    case: &Case,
    target: &Version,
    end: &Schema,
    clean: &Schema,
) -> Vec<SilentDamage> {
    let lacking = lacks(case, target, end);
    if lacking.is_empty() {
        return Vec::new();
    }
    let usual: HashSet<String> = lacks(case, target, clean)
        .iter()
        .map(|(_, known)| known.clone())
        .collect();
    lacking
        .into_iter()
        .filter(|(_, known)| !usual.contains(known))
        .map(|(difference, _)| SilentDamage {
            step: None,
            what: words(&difference),
            table: difference.table,
        })
        .collect()
}

/// What a schema lacks of a release, each with a text that is the same for the same lack.
fn lacks(case: &Case, target: &Version, schema: &Schema) -> Vec<(Difference, String)> {
    let Some(state) = case.catalogue.state_for(target) else {
        return Vec::new();
    };
    let subject = Subject {
        schema,
        ..case.subject()
    };
    let reference = Reference::new(case.catalogue, state, subject);
    let differences = reference.differences(case.catalogue, state, subject);
    let lacking = differences
        .into_iter()
        .filter(|aged| !aged.age.is_inherited());
    lacking
        .map(|aged| aged.difference)
        .filter(|difference| is_lack(&difference.kind))
        .map(|difference| {
            let known = format!(
                "{:?} {} {}",
                difference.kind,
                difference.table,
                difference.name()
            );
            (difference, known.to_ascii_lowercase())
        })
        .collect()
}

/// Whether something is missing without which CiviCRM or a later upgrade fails.
fn is_lack(kind: &DifferenceKind) -> bool {
    match kind {
        DifferenceKind::TableMissing
        | DifferenceKind::ColumnMissing
        | DifferenceKind::ForeignKeyMissing
        | DifferenceKind::PrimaryKeyDiffers
        | DifferenceKind::EngineDiffers => true,
        DifferenceKind::ColumnDiffers(aspects) => aspects
            .iter()
            .any(|aspect| matches!(aspect, ColumnAspect::Type | ColumnAspect::AutoIncrement)),
        _ => false,
    }
}

fn words(difference: &Difference) -> String {
    let name = difference.name();
    match &difference.kind {
        DifferenceKind::TableMissing => "the table is not there afterwards".to_owned(),
        DifferenceKind::ColumnMissing => format!("column {name} is not there afterwards"),
        DifferenceKind::ForeignKeyMissing => {
            format!("the foreign key {name} is not there afterwards")
        }
        DifferenceKind::PrimaryKeyDiffers => {
            "the primary key is not the one of the release afterwards".to_owned()
        }
        DifferenceKind::EngineDiffers => {
            let engine = difference
                .actual
                .as_ref()
                .map_or("", |side| &side.definition);
            format!("the engine is {engine} afterwards")
        }
        _ => {
            let [actual, wanted] = [&difference.actual, &difference.reference]
                .map(|side| side.as_ref().map_or("", |side| &side.definition));
            format!("column {name} is {actual} afterwards instead of {wanted}")
        }
    }
}

//! Which differences are mended.

use super::family::{Family, Options};
use super::planner::Planner;
use crate::checks::{Severity, schema::severity};
use crate::civicrm::age::Aged;
use crate::schema::compare::{Difference, DifferenceKind as Kind, Side};

/// Why a difference that no family mends is not planned, and what helps.
fn by_other_means(kind: &Kind, difference: &Difference) -> String {
    let definition = |side: &Option<Side>| side.as_ref().map(|side| side.definition.clone());
    match kind {
        Kind::TableMissing => "it is missing, and its rows with it: restore it from a backup; cividb diff --sql \
                               prints the statement for an empty one, which is enough only where nobody needs the rows"
            .to_owned(),
        Kind::ColumnMissing => "the column is missing, and its values with it: restore the table from a backup; \
                                cividb diff --sql prints the statement that adds an empty one"
            .to_owned(),
        _ => format!(
            "it is {}, and should be {}, which may take rows that fit: cividb diff --sql prints the statement, and \
             cividb repair rebuild copies the data into a new database with the structure of the release",
            definition(&difference.actual).unwrap_or_else(|| "not there".to_owned()),
            definition(&difference.reference).unwrap_or_else(|| "gone".to_owned()),
        ),
    }
}

impl Planner<'_> {
    /// The differences to mend; the rest of what the family is about is noted as left alone.
    pub(super) fn select<'d>(&mut self, all: &'d [Aged], options: &Options) -> Vec<&'d Difference> {
        let mut wanted = Vec::new();
        for aged in all {
            let difference = &aged.difference;
            let family = Family::of(&difference.kind);
            let is_meant = match family {
                Some(family) => options.family.includes(family),
                None => options.family == Family::All,
            };
            // Another engine than InnoDB is what kept foreign keys away.
            let comes_with_engine =
                options.family == Family::Engine && difference.kind == Kind::ForeignKeyMissing;
            if !is_meant && !comes_with_engine {
                continue;
            }
            let note = severity(aged, all) == Severity::Note;
            let is_left = match (&difference.kind, aged.age.is_inherited()) {
                // More than CiviCRM asks for: repair takes nothing away.
                (
                    Kind::TableExtra | Kind::ColumnExtra | Kind::IndexExtra | Kind::ForeignKeyExtra,
                    _,
                ) => true,
                (kind, _) if family.is_none() && !note => {
                    let (table, object) = (&difference.table, difference.name());
                    let why = by_other_means(kind, difference);
                    self.refuse(table, object, why);
                    continue;
                }
                _ if family.is_none() => true,
                // A server with the limit of 767 bytes made it so, and may do so again.
                (Kind::IndexDiffers(_), false) => note,
                // CiviCRM's own upgrades leave it so, and it does no harm.
                (_, true) => note && !options.inherited,
                _ => false,
            };
            match is_left {
                true => self.plan.left.push(difference.clone()),
                false => wanted.push(difference),
            }
        }
        wanted
    }
}

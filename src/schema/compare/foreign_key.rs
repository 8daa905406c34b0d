//! Compares the foreign keys of a table.

use super::names::{Named, take_pairs};
use super::tables::Comparison;
use super::{DifferenceKind as Kind, ForeignKeyRule, Options, Side};
use crate::schema::{meaning::same_names, model::ForeignKey, sql::foreign_key_definition};

pub(super) fn compare(table: &mut Comparison) {
    let options = table.options;
    let mut extra: Vec<Named<ForeignKey>> = table.actual.foreign_keys.iter().collect();
    let mut missing: Vec<Named<ForeignKey>> = table.reference.foreign_keys.iter().collect();
    // Several foreign keys of one table may connect the same columns: the closest pair first.
    let mut both = take_pairs(&mut extra, &mut missing, |actual, reference| {
        same_ends(actual.1, reference.1) && is_name_of(actual.0, reference.0, options)
    });
    both.extend(take_pairs(&mut extra, &mut missing, |actual, reference| {
        same_ends(actual.1, reference.1) && differing_rules(actual.1, reference.1).is_empty()
    }));
    both.extend(take_pairs(&mut extra, &mut missing, |actual, reference| {
        same_ends(actual.1, reference.1)
    }));

    for (actual, reference) in both {
        let rules = differing_rules(actual.1, reference.1);
        if !rules.is_empty() {
            let kind = Kind::ForeignKeyDiffers(rules);
            table.add(kind, Some(side(actual)), Some(side(reference)));
        }
        if !is_name_of(actual.0, reference.0, options) {
            let kind = Kind::ForeignKeyName;
            table.add(kind, Some(side(actual)), Some(side(reference)));
        }
    }
    for key in missing {
        table.add(Kind::ForeignKeyMissing, None, Some(side(key)));
    }
    for key in extra {
        table.add(Kind::ForeignKeyExtra, Some(side(key)), None);
    }
}

/// Whether two foreign keys of one table connect the same columns.
pub fn same_ends(left: &ForeignKey, right: &ForeignKey) -> bool {
    same_names(&left.columns, &right.columns)
        && left
            .referenced_table
            .eq_ignore_ascii_case(&right.referenced_table)
        && left.referenced_database == right.referenced_database
        && same_names(&left.referenced_columns, &right.referenced_columns)
}

/// Whether a foreign key of the reference may go by this name.
fn is_name_of(name: &str, reference: &str, options: &Options) -> bool {
    name.eq_ignore_ascii_case(reference)
        || options
            .foreign_key_aliases
            .get(reference)
            .is_some_and(|aliases| aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)))
}

/// The rules in which two foreign keys differ.
pub fn differing_rules(actual: &ForeignKey, reference: &ForeignKey) -> Vec<ForeignKeyRule> {
    let rules = [
        (actual.on_delete != reference.on_delete).then_some(ForeignKeyRule::OnDelete),
        (actual.on_update != reference.on_update).then_some(ForeignKeyRule::OnUpdate),
    ];
    rules.into_iter().flatten().collect()
}

fn side((name, key): Named<ForeignKey>) -> Side {
    Side::new(name, &foreign_key_definition(key))
}

//! Compares the columns of a table.

use super::charset::{inherits, of_column};
use super::names::{Named, match_names};
use super::tables::Comparison;
use super::{ColumnAspect, DifferenceKind as Kind, Side};
use crate::schema::{
    charset::has_charset,
    meaning::{is_json, same_default, same_expression},
    model::{Column, Table},
    sql::{column_definition, with_charset},
};

pub(super) fn compare(table: &mut Comparison) {
    let (both, extra, missing) = match_names(&table.actual.columns, &table.reference.columns);
    for (actual, reference) in both {
        let aspects = differing(actual.1, table.actual, reference.1, table.reference);
        if !aspects.is_empty() {
            let with_charset = aspects
                .iter()
                .any(|aspect| matches!(aspect, ColumnAspect::Charset | ColumnAspect::Collation));
            let actual = side(actual, with_charset.then_some(table.actual));
            let reference = side(reference, with_charset.then_some(table.reference));
            table.add(Kind::ColumnDiffers(aspects), Some(actual), Some(reference));
        }
    }
    for column in missing {
        table.add(Kind::ColumnMissing, None, Some(side(column, None)));
    }
    for column in extra {
        table.add(Kind::ColumnExtra, Some(side(column, None)), None);
    }
}

/// The aspects in which a column of one table differs from a column of another; empty when they mean the same.
pub fn differing(
    actual: &Column,
    actual_table: &Table,
    reference: &Column,
    reference_table: &Table,
) -> Vec<ColumnAspect> {
    // Most columns mean the same because they are the same.
    if actual.data_type == reference.data_type
        && actual.default == reference.default
        && actual.charset == reference.charset
        && actual.collation == reference.collation
        && actual.generated == reference.generated
        && actual.nullable == reference.nullable
        && actual.auto_increment == reference.auto_increment
        && actual.on_update_now == reference.on_update_now
    {
        return Vec::new();
    }
    let both_json = is_json(actual, actual_table) && is_json(reference, reference_table);
    let both_text = has_charset(&actual.data_type) && has_charset(&reference.data_type);
    let compares_charset = both_text && !both_json && !(inherits(actual) && inherits(reference));
    let ours = of_column(actual, actual_table);
    let charset = ours.difference(of_column(reference, reference_table));
    let defaults = [actual.default.as_ref(), reference.default.as_ref()];
    let same_generated = match (&actual.generated, &reference.generated) {
        (Some(actual), Some(reference)) => same_expression(actual, reference),
        (actual, reference) => actual == reference,
    };
    let aspects = [
        (actual.data_type != reference.data_type && !both_json).then_some(ColumnAspect::Type),
        (actual.nullable != reference.nullable).then_some(ColumnAspect::Nullability),
        (!same_default(defaults, &reference.data_type)).then_some(ColumnAspect::Default),
        (actual.auto_increment != reference.auto_increment).then_some(ColumnAspect::AutoIncrement),
        (actual.on_update_now != reference.on_update_now).then_some(ColumnAspect::OnUpdate),
        charset.filter(|_| compares_charset),
        (!same_generated).then_some(ColumnAspect::Generated),
    ];
    aspects.into_iter().flatten().collect()
}

/// A column as text; `charset_from` is the table whose collation it is shown with, where it has none of its own.
fn side((name, column): Named<Column>, charset_from: Option<&Table>) -> Side {
    match charset_from {
        Some(table) => Side::new(name, &column_definition(&with_charset(column, table))),
        None => Side::new(name, &column_definition(column)),
    }
}

//! Compares the columns of a table.

use std::collections::HashMap;

use super::{
    ColumnAspect, Comparison, DifferenceKind as Kind, Named, Side,
    charset::{inherits, of_column},
    match_names,
};
use crate::schema::{
    charset::has_charset,
    meaning::{is_json, same_default, same_expression},
    model::{Column, Table},
    sql::column_definition,
};

pub(super) fn compare(table: &mut Comparison) {
    let (both, extra, missing) = match_names(&table.actual.columns, &table.reference.columns);
    for &(actual, reference) in &both {
        let aspects = differing(actual.1, table.actual, reference.1, table.reference);
        if !aspects.is_empty() {
            let with_charset = aspects
                .iter()
                .any(|aspect| matches!(aspect, ColumnAspect::Charset | ColumnAspect::Collation));
            let actual = side(actual, table.actual, with_charset);
            let reference = side(reference, table.reference, with_charset);
            table.add(Kind::ColumnDiffers(aspects), Some(actual), Some(reference));
        }
    }
    for column in missing {
        let side = side(column, table.reference, false);
        table.add(Kind::ColumnMissing, None, Some(side));
    }
    for column in extra {
        let side = side(column, table.actual, false);
        table.add(Kind::ColumnExtra, Some(side), None);
    }
    if table.options.column_order {
        compare_order(table, &both);
    }
}

/// The aspects in which a column of one table differs from a column of another; empty when they mean the same.
pub fn differing(
    actual: &Column,
    actual_table: &Table,
    reference: &Column,
    reference_table: &Table,
) -> Vec<ColumnAspect> {
    let both_json = is_json(actual, actual_table) && is_json(reference, reference_table);
    let mut aspects = Vec::new();
    if actual.data_type != reference.data_type && !both_json {
        aspects.push(ColumnAspect::Type);
    }
    if actual.nullable != reference.nullable {
        aspects.push(ColumnAspect::Nullability);
    }
    if !same_default(
        actual.default.as_ref(),
        reference.default.as_ref(),
        &reference.data_type,
    ) {
        aspects.push(ColumnAspect::Default);
    }
    if actual.auto_increment != reference.auto_increment {
        aspects.push(ColumnAspect::AutoIncrement);
    }
    if actual.on_update_now != reference.on_update_now {
        aspects.push(ColumnAspect::OnUpdate);
    }
    let both_text = has_charset(&actual.data_type) && has_charset(&reference.data_type);
    if both_text && !both_json && !(inherits(actual) && inherits(reference)) {
        let ours = of_column(actual, actual_table);
        aspects.extend(ours.difference(of_column(reference, reference_table)));
    }
    let same_generated = match (&actual.generated, &reference.generated) {
        (Some(actual), Some(reference)) => same_expression(actual, reference),
        (actual, reference) => actual == reference,
    };
    if !same_generated {
        aspects.push(ColumnAspect::Generated);
    }
    aspects
}

/// A column as text; `with_charset` adds the collation that it has from its table.
fn side((name, column): Named<Column>, table: &Table, with_charset: bool) -> Side {
    if with_charset && inherits(column) {
        let mut column = column.clone();
        column.charset.clone_from(&table.charset);
        column.collation.clone_from(&table.collation);
        Side::new(name, &column_definition(&column))
    } else {
        Side::new(name, &column_definition(column))
    }
}

/// Reports the first of the common columns that has another position than in the reference.
fn compare_order(table: &mut Comparison, both: &[(Named<Column>, Named<Column>)]) {
    let places: HashMap<&String, usize> = both
        .iter()
        .enumerate()
        .map(|(place, (actual, _))| (actual.0, place))
        .collect();
    let order = table.actual.columns.keys();
    let order = order.filter(|name| places.contains_key(*name));
    let Some((found, (_, expected))) = order
        .zip(both)
        .find(|(name, (actual, _))| name != &actual.0)
    else {
        return;
    };
    let actual = Side::new(found, &format!("`{found}` here"));
    let reference = Side::new(expected.0, &format!("`{}` here", expected.0));
    table.add(Kind::ColumnOrder, Some(actual), Some(reference));
}

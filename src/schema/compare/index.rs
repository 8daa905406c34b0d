//! Compares the primary key and indexes of a table.

use super::names::{Named, match_names, take_pairs};
use super::tables::Comparison;
use super::{DifferenceKind as Kind, IndexAspect, Side};
use crate::schema::{
    meaning::{family, is_just_on, is_server_made, serves},
    model::{Index, IndexKind, KeyPart, Table, find},
    sql::{index_keyword, key_parts},
};

pub(super) fn compare_primary_key(table: &mut Comparison) {
    let (actual, reference) = (&table.actual.primary_key, &table.reference.primary_key);
    if !differing_parts(actual, table.actual, reference, table.reference).is_empty() {
        let actual = whole_columns(actual, table.actual);
        let reference = whole_columns(reference, table.reference);
        let side = |parts: &[KeyPart]| {
            let text = key_parts(parts);
            Side::new("PRIMARY", if parts.is_empty() { "none" } else { &text })
        };
        let (actual, reference) = (side(&actual), side(&reference));
        table.add(Kind::PrimaryKeyDiffers, Some(actual), Some(reference));
    }
}

pub(super) fn compare(table: &mut Comparison) {
    let (both, mut extra, missing) = match_names(&table.actual.indexes, &table.reference.indexes);
    for (actual, reference) in both {
        let aspects = differing(actual.1, table.actual, reference.1, table.reference);
        if !aspects.is_empty() {
            let kind = Kind::IndexDiffers(aspects);
            table.add(kind, Some(side(actual)), Some(side(reference)));
        }
    }

    let (ours, theirs) = (table.actual, table.reference);
    let server_made = |(name, index): Named<Index>| {
        is_server_made(name, index, &ours.foreign_keys)
            || is_server_made(name, index, &theirs.foreign_keys)
    };
    let same = |actual: Named<Index>, reference: Named<Index>| {
        differing(actual.1, ours, reference.1, theirs).is_empty()
    };
    let (mut implied, mut missing): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|&index| server_made(index));
    // An index that was not made for a foreign key is the better match.
    let mut renamed = take_pairs(&mut extra, &mut missing, |actual, reference| {
        !server_made(actual) && same(actual, reference)
    });
    renamed.extend(take_pairs(&mut extra, &mut missing, same));
    take_pairs(&mut extra, &mut implied, same);
    extra.retain(|&index| !server_made(index) && !is_only_server(ours, index));
    if !table.options.not_from_server {
        missing.extend(implied.into_iter().filter(|(_, index)| lacks(ours, index)));
    }

    for (actual, reference) in renamed {
        table.add(Kind::IndexName, Some(side(actual)), Some(side(reference)));
    }
    for index in missing {
        table.add(Kind::IndexMissing, None, Some(side(index)));
    }
    for index in extra {
        table.add(Kind::IndexExtra, Some(side(index)), None);
    }
}

/// Whether the table has the foreign key that this index of the reference was made for, but no index that
/// serves it. Without the foreign key no index is needed, and a server makes one when the foreign key is added.
fn lacks(table: &Table, index: &Index) -> bool {
    let mut keys = table.foreign_keys.values();
    keys.any(|key| is_just_on(index, &key.columns) && !serves(table, &key.columns))
}

/// Whether this index is the only one that serves a foreign key of the table. After a foreign key has changed
/// its name, that is the index with the old name.
fn is_only_server(table: &Table, (name, index): Named<Index>) -> bool {
    let mut keys = table.foreign_keys.values();
    let key = keys.find(|key| is_just_on(index, &key.columns));
    key.is_some_and(|key| {
        let mut without = table.clone();
        without.indexes.shift_remove(name);
        !serves(&without, &key.columns)
    })
}

/// The aspects in which an index of one table differs from an index of another; empty when they mean the same,
/// whatever their names.
pub fn differing(
    actual: &Index,
    actual_table: &Table,
    reference: &Index,
    reference_table: &Table,
) -> Vec<IndexAspect> {
    let mut aspects = differing_parts(
        &actual.parts,
        actual_table,
        &reference.parts,
        reference_table,
    );
    if actual.kind != reference.kind {
        let is_tree = |kind| matches!(kind, IndexKind::Plain | IndexKind::Unique);
        aspects.push(if is_tree(actual.kind) && is_tree(reference.kind) {
            IndexAspect::Uniqueness
        } else {
            IndexAspect::Kind
        });
    }
    aspects
}

fn differing_parts(
    actual: &[KeyPart],
    actual_table: &Table,
    reference: &[KeyPart],
    reference_table: &Table,
) -> Vec<IndexAspect> {
    let any_pair = |differ: &dyn Fn(&KeyPart, &KeyPart) -> bool| {
        let mut pairs = actual.iter().zip(reference);
        pairs.any(|(actual, reference)| differ(actual, reference))
    };
    let other_prefix =
        |a: &KeyPart, b: &KeyPart| prefix(a, actual_table) != prefix(b, reference_table);
    if actual.len() != reference.len()
        || any_pair(&|a, b| !a.column.eq_ignore_ascii_case(&b.column))
    {
        return vec![IndexAspect::Columns];
    }
    let aspects = [
        any_pair(&other_prefix).then_some(IndexAspect::Prefix),
        any_pair(&|a, b| a.descending != b.descending).then_some(IndexAspect::Direction),
    ];
    aspects.into_iter().flatten().collect()
}

/// The key parts, without prefix lengths that reach to the end of their column: servers drop those.
fn whole_columns(parts: &[KeyPart], table: &Table) -> Vec<KeyPart> {
    let mut parts = parts.to_vec();
    for part in &mut parts {
        part.length = prefix(part, table);
    }
    parts
}

/// The prefix length of a key part; `None` where it has none, or one that reaches to the end of the column.
fn prefix(part: &KeyPart, table: &Table) -> Option<u32> {
    let length = part.length?;
    let column = find(&table.columns, &part.column);
    let whole = column.and_then(|column| declared_length(&column.data_type));
    Some(length).filter(|prefix| whole.is_none_or(|whole| *prefix < whole))
}

/// The length of a type that has one: 64 of `varchar(64)`.
fn declared_length(data_type: &str) -> Option<u32> {
    matches!(
        family(data_type),
        "char" | "varchar" | "binary" | "varbinary"
    )
    .then(|| data_type.split(['(', ')']).nth(1)?.parse().ok())
    .flatten()
}

fn side((name, index): Named<Index>) -> Side {
    let text = format!("{} {}", index_keyword(index.kind), key_parts(&index.parts));
    Side::new(name, &text)
}

//! Compares character sets and collations of tables and columns.

use indexmap::IndexMap;

use super::ColumnAspect;
use crate::schema::charset::of_collation;
use crate::schema::model::{Column, Schema, Table};

/// A character set and a collation; `None` for one that is not known.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Charset<'a> {
    charset: Option<&'a str>,
    collation: Option<&'a str>,
}

impl<'a> Charset<'a> {
    fn new(charset: Option<&'a str>, collation: Option<&'a str>) -> Self {
        Self {
            charset: charset.or_else(|| collation.map(of_collation)),
            collation,
        }
    }

    /// How two differ for certain: a part that one side does not name is not compared.
    pub(super) fn difference(self, other: Charset) -> Option<ColumnAspect> {
        let differ =
            |left: Option<&str>, right: Option<&str>| left.zip(right).is_some_and(|(l, r)| l != r);
        if differ(self.charset, other.charset) {
            Some(ColumnAspect::Charset)
        } else if differ(self.collation, other.collation) {
            Some(ColumnAspect::Collation)
        } else {
            None
        }
    }

    /// The name of the collation, which contains the character set, or else the name of the character set.
    pub(super) fn name(self) -> &'a str {
        self.collation.or(self.charset).unwrap_or_default()
    }
}

/// The default character set and collation of a table.
pub(super) fn of_table(table: &Table) -> Charset<'_> {
    Charset::new(table.charset.as_deref(), table.collation.as_deref())
}

/// The character set and collation of a column, its own or those of its table.
pub(super) fn of_column<'a>(column: &'a Column, table: &'a Table) -> Charset<'a> {
    if inherits(column) {
        of_table(table)
    } else {
        Charset::new(column.charset.as_deref(), column.collation.as_deref())
    }
}

/// Whether a column has the character set and collation of its table.
pub(super) fn inherits(column: &Column) -> bool {
    column.charset.is_none() && column.collation.is_none()
}

/// The reference as it would be in a database like `actual`: tables that have the usual character set of the
/// reference get the one that most tables of `actual` have, and names that are `utf8mb3` or `utf8mb4` as an
/// exception become the one of the two that `actual` has.
pub fn in_charset_of(mut reference: Schema, actual: &Schema) -> Schema {
    let Some((charset, collation)) = usual(actual) else {
        return reference;
    };
    let before = usual(&reference);
    let in_family = |name: &mut Option<String>| {
        if let Some(name) = name {
            *name = in_utf8_of(charset.as_deref(), name);
        }
    };
    for table in reference.tables.values_mut() {
        let own = (table.charset.clone(), table.collation.clone());
        if of_table(table).charset.is_none() || before.as_ref() == Some(&own) {
            table.charset.clone_from(&charset);
            table.collation.clone_from(&collation);
        } else {
            in_family(&mut table.charset);
            in_family(&mut table.collation);
        }
        for column in table.columns.values_mut() {
            // LONGTEXT in utf8mb4_bin is how MariaDB spells JSON in a utf8mb3 database too.
            if column.data_type != "longtext" || column.collation.as_deref() != Some("utf8mb4_bin")
            {
                in_family(&mut column.charset);
                in_family(&mut column.collation);
            }
        }
    }
    reference
}

/// The character set that most tables have by default.
pub fn usual_charset(schema: &Schema) -> Option<String> {
    usual(schema)?.0
}

/// The character set and collation of most tables; on a tie, the pair that comes first.
fn usual(schema: &Schema) -> Option<(Option<String>, Option<String>)> {
    let mut counts: IndexMap<Charset, usize> = IndexMap::new();
    for table in schema.tables.values() {
        let charset = of_table(table);
        if charset.charset.is_some() {
            *counts.entry(charset).or_default() += 1;
        }
    }
    // The last of equal maxima is what max_by_key gives.
    let (charset, _) = counts.iter().rev().max_by_key(|(_, count)| **count)?;
    Some((
        charset.charset.map(str::to_owned),
        charset.collation.map(str::to_owned),
    ))
}

/// A character set or collation of `utf8mb3` or `utf8mb4`, as the one of the two that is `charset`.
fn in_utf8_of(charset: Option<&str>, name: &str) -> String {
    let mut both = ["utf8mb3", "utf8mb4"].into_iter();
    match (charset, both.find_map(|utf8| name.strip_prefix(utf8))) {
        (Some(charset @ ("utf8mb3" | "utf8mb4")), Some(rest)) => format!("{charset}{rest}"),
        _ => name.to_owned(),
    }
}

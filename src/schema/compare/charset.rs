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

/// The reference as it would be in a database like `actual`: see [`TheirCharset`].
pub fn in_charset_of(mut reference: Schema, actual: &Schema) -> Schema {
    let charsets = reference.tables.values().map(of_table);
    if let Some(theirs) = TheirCharset::new(actual, usual(charsets)) {
        for table in reference.tables.values_mut() {
            theirs.give(table);
        }
    }
    reference
}

/// How the tables of a reference are in a database of another character set: those that have the usual one of the
/// reference get the one that most tables of the database have, and names that are `utf8mb3` or `utf8mb4` as an
/// exception become the one of the two that the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TheirCharset {
    usual: (Option<String>, Option<String>),
    usual_of_reference: Option<(Option<String>, Option<String>)>,
}

impl TheirCharset {
    /// The character set of `actual`, for a reference whose tables have these by default, each with its collation.
    /// `None` where `actual` names none.
    pub fn of<'a>(
        actual: &Schema,
        reference: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
    ) -> Option<Self> {
        let charsets = reference.map(|(charset, collation)| Charset::new(charset, collation));
        Self::new(actual, usual(charsets))
    }

    fn new(
        actual: &Schema,
        usual_of_reference: Option<(Option<String>, Option<String>)>,
    ) -> Option<Self> {
        Some(Self {
            usual: usual(actual.tables.values().map(of_table))?,
            usual_of_reference,
        })
    }

    /// Gives a table of the reference the character set of the database.
    pub fn give(&self, table: &mut Table) {
        let (charset, collation) = &self.usual;
        let in_family = |name: &mut Option<String>| {
            if let Some(name) = name {
                change_utf8(charset.as_deref(), name);
            }
        };
        let is_usual = |(charset, collation): &(Option<String>, Option<String>)| {
            *charset == table.charset && *collation == table.collation
        };
        if of_table(table).charset.is_none()
            || self.usual_of_reference.as_ref().is_some_and(is_usual)
        {
            table.charset.clone_from(charset);
            table.collation.clone_from(collation);
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
}

/// The character set that most tables have by default.
pub fn usual_charset(schema: &Schema) -> Option<String> {
    usual(schema.tables.values().map(of_table))?.0
}

/// The character set and collation of most tables; on a tie, the pair that comes first.
fn usual<'a>(
    tables: impl Iterator<Item = Charset<'a>>,
) -> Option<(Option<String>, Option<String>)> {
    let mut counts: IndexMap<Charset, usize> = IndexMap::new();
    for charset in tables {
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

/// Makes of a character set or collation of `utf8mb3` or `utf8mb4` the one of the two that is `charset`.
fn change_utf8(charset: Option<&str>, name: &mut String) {
    const UTF8: [&str; 2] = ["utf8mb3", "utf8mb4"];
    if let Some(charset) = charset
        && UTF8.contains(&charset)
        && let Some(other) = UTF8.iter().find(|utf8| name.starts_with(*utf8))
    {
        name.replace_range(..other.len(), charset);
    }
}

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

/// A default character set and collation; `None` for one that is not known.
type Usual = (Option<String>, Option<String>);

/// From which character set to which the tables of a reference change, so that they are as they would be in the
/// database that they are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The usual character set and collation of the reference; `None` when no table of it has one.
    from: Option<Usual>,
    /// Those of the database.
    to: Usual,
}

impl Conversion {
    /// The conversion of tables with these default character sets and collations, in the order of the reference,
    /// into those of `actual`; `None` when no table of `actual` has a character set.
    pub fn new<'a>(
        reference: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
        actual: &Schema,
    ) -> Option<Self> {
        let to = usual(of_tables(actual))?;
        let from = usual(reference.map(|(charset, collation)| Charset::new(charset, collation)));
        Some(Self { from, to })
    }

    /// Converts a table of the reference: if it has the usual character set, it gets the one that most tables of the
    /// database have, and names that are `utf8mb3` or `utf8mb4` as an exception become the one of the two that
    /// the database has.
    pub fn apply(&self, table: &mut Table) {
        let (charset, collation) = &self.to;
        let in_family = |name: &mut Option<String>| {
            if let Some(name) = name {
                in_utf8_of(charset.as_deref(), name);
            }
        };
        let (own, own_collation) = (table.charset.as_deref(), table.collation.as_deref());
        let is_usual = (self.from.as_ref()).is_some_and(|(charset, collation)| {
            (charset.as_deref(), collation.as_deref()) == (own, own_collation)
        });
        if of_table(table).charset.is_none() || is_usual {
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
    usual(of_tables(schema))?.0
}

fn of_tables(schema: &Schema) -> impl Iterator<Item = Charset<'_>> {
    schema.tables.values().map(of_table)
}

/// The character set and collation of most tables; on a tie, the pair that comes first.
fn usual<'a>(tables: impl Iterator<Item = Charset<'a>>) -> Option<Usual> {
    let mut counts: IndexMap<Charset, usize> = IndexMap::new();
    for charset in tables.filter(|charset| charset.charset.is_some()) {
        *counts.entry(charset).or_default() += 1;
    }
    // The last of equal maxima is what max_by_key gives.
    let (charset, _) = counts.iter().rev().max_by_key(|(_, count)| **count)?;
    Some((
        charset.charset.map(str::to_owned),
        charset.collation.map(str::to_owned),
    ))
}

/// Makes a character set or collation of `utf8mb3` or `utf8mb4` the one of the two that is `charset`.
fn in_utf8_of(charset: Option<&str>, name: &mut String) {
    let mut both = ["utf8mb3", "utf8mb4"].into_iter();
    if let Some(charset @ ("utf8mb3" | "utf8mb4")) = charset
        && let Some(own) = both.find(|utf8| name.starts_with(utf8))
        && own != charset
    {
        name.replace_range(..own.len(), charset);
    }
}

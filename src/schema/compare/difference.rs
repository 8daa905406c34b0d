//! What the comparison of two schemas can find.

use crate::text::printable;

/// An object in which the two schemas differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The kind of difference.
    pub kind: DifferenceKind,
    /// The name of the table, in the reference's spelling if the reference has the table.
    pub table: String,
    /// The object in the actual schema; `None` when it is missing there.
    pub actual: Option<Side>,
    /// The object in the reference; `None` when it is extra.
    pub reference: Option<Side>,
}

impl Difference {
    /// The object's name: in the reference if it is there, else in the actual schema.
    pub fn name(&self) -> &str {
        self.reference
            .as_ref()
            .or(self.actual.as_ref())
            .map_or(&self.table, |side| &side.name)
    }

    pub(super) fn new(
        kind: DifferenceKind,
        table: &str,
        actual: Option<Side>,
        reference: Option<Side>,
    ) -> Self {
        Self {
            kind,
            table: table.to_owned(),
            actual,
            reference,
        }
    }
}

/// An object as one of the two schemas has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Name of the column, index or constraint, or of the table when the object is a table.
    pub name: String,
    /// The object in a few words of SQL on one line, without control characters.
    pub definition: String,
}

impl Side {
    pub(super) fn new(name: &str, definition: &str) -> Self {
        Self {
            name: name.to_owned(),
            definition: printable(definition),
        }
    }
}

/// The kinds of differences between an object and its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The actual schema lacks a table. No difference inside that table is reported.
    TableMissing,
    /// The actual schema has a table that the reference lacks.
    TableExtra,
    /// The tables have different storage engines.
    EngineDiffers,
    /// The default character sets of the tables differ. Columns that inherit it are not reported as well.
    CharsetDiffers,
    /// The default collations of the tables differ, within the same character set.
    CollationDiffers,
    /// The actual schema lacks a column.
    ColumnMissing,
    /// The actual schema has a column that the reference lacks.
    ColumnExtra,
    /// Both have the column, and it differs in these aspects, at least one.
    ColumnDiffers(Vec<ColumnAspect>),
    /// The primary keys differ, or only one side has one.
    PrimaryKeyDiffers,
    /// The actual schema lacks an index.
    IndexMissing,
    /// The actual schema has an index that the reference lacks; also one that repeats another.
    IndexExtra,
    /// Both have an index of this name, and it differs in these aspects, at least one.
    IndexDiffers(Vec<IndexAspect>),
    /// Both have the index, under different names.
    IndexName,
    /// The actual schema lacks a foreign key.
    ForeignKeyMissing,
    /// The actual schema has a foreign key that the reference lacks; also one that repeats another.
    ForeignKeyExtra,
    /// Both have the foreign key, and these rules of it differ, at least one.
    ForeignKeyDiffers(Vec<ForeignKeyRule>),
    /// Both have the foreign key, under different names.
    ForeignKeyName,
}

/// The aspects in which a column can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnAspect {
    /// The data type of the column.
    Type,
    /// Whether the column allows NULL.
    Nullability,
    /// The default value of the column.
    Default,
    /// Whether the column has AUTO_INCREMENT.
    AutoIncrement,
    /// Whether the column has ON UPDATE CURRENT_TIMESTAMP.
    OnUpdate,
    /// The character set of the column.
    Charset,
    /// The collation of the column, within the same character set.
    Collation,
    /// Whether the column is generated, or from which expression.
    Generated,
}

/// The aspects in which an index can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexAspect {
    /// The columns of the index, or their order.
    Columns,
    /// Whether the index is UNIQUE.
    Uniqueness,
    /// The prefix lengths of the index's columns.
    Prefix,
    /// The ascending or descending order of a column of the index.
    Direction,
    /// Whether the index is FULLTEXT, SPATIAL or neither.
    Kind,
}

/// The two rules of a foreign key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForeignKeyRule {
    /// The rule ON DELETE.
    OnDelete,
    /// The rule ON UPDATE.
    OnUpdate,
}

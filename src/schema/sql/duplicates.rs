//! Rows that are equal in the columns of a key, as a question.

use super::identifier;
use crate::schema::model::KeyPart;

/// Groups of rows of one table, which goes by `c`, that are equal in all parts of a key.
#[derive(Clone, Debug)]
pub struct Duplicates<'a> {
    /// The table, not quoted.
    pub table: &'a str,
    /// The columns, or as much of their beginnings as the key looks at.
    pub parts: &'a [KeyPart],
    /// NULLs are equal as well. They are to no server: rows with a NULL in any part are left
    /// out otherwise.
    pub nulls_equal: bool,
}

impl Duplicates<'_> {
    /// The values that are compared, one for each part.
    pub fn values(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|part| {
            let column = identifier(&part.column);
            match part.length {
                Some(length) => format!("LEFT(c.{column}, {length})"),
                None => format!("c.{column}"),
            }
        })
    }

    /// A row for each group.
    pub fn groups(&self, select: &str) -> String {
        let columns = self.parts.iter().map(|part| identifier(&part.column));
        let there: Vec<String> = columns.map(|c| format!("c.{c} IS NOT NULL")).collect();
        let filter = match self.nulls_equal {
            true => String::new(),
            false => format!(" WHERE {}", there.join(" AND ")),
        };
        format!(
            "SELECT {select} FROM {} AS c{filter} GROUP BY {} HAVING COUNT(*) > 1",
            identifier(self.table),
            self.values().collect::<Vec<_>>().join(", ")
        )
    }

    /// How many groups and rows there are, as `sets` and `n`.
    pub fn count(&self) -> String {
        format!(
            "SELECT COUNT(*) AS sets, SUM(d.n) AS n FROM ({}) AS d",
            self.groups("COUNT(*) AS n")
        )
    }
}

//! The query for rows that are equal in the columns of a key.

use super::{identifier, string};
use crate::schema::model::KeyPart;

/// Groups of rows of one table, with the alias `c`, that are equal in all parts of a key. Rows with a NULL in any part
/// are equal to no other, as in a unique key of a server.
#[derive(Clone, Debug)]
pub struct Duplicates<'a> {
    /// The name of the table, not quoted.
    pub table: &'a str,
    /// The parts of the key: whole columns or prefixes of them.
    pub parts: &'a [KeyPart],
    /// Values of the first part whose rows are left out.
    pub left_out: &'a [&'a str],
}

impl Duplicates<'_> {
    /// The expressions that are compared, one for each part of the key.
    pub fn values(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|part| {
            let column = identifier(&part.column);
            match part.length {
                Some(length) => format!("LEFT(c.{column}, {length})"),
                None => format!("c.{column}"),
            }
        })
    }

    /// The query that returns a row for each group.
    pub fn groups(&self, select: &str) -> String {
        let columns = self.parts.iter().map(|part| identifier(&part.column));
        let mut filter: Vec<String> = columns.map(|c| format!("c.{c} IS NOT NULL")).collect();
        if let (Some(first), false) = (self.parts.first(), self.left_out.is_empty()) {
            let values: Vec<String> = self.left_out.iter().map(|value| string(value)).collect();
            let column = identifier(&first.column);
            filter.push(format!("c.{column} NOT IN ({})", values.join(", ")));
        }
        format!(
            "SELECT {select} FROM {} AS c WHERE {} GROUP BY {} HAVING COUNT(*) > 1",
            identifier(self.table),
            filter.join(" AND "),
            self.values().collect::<Vec<_>>().join(", ")
        )
    }

    /// The query that returns the number of groups as `sets` and of their rows as `n`.
    pub fn count(&self) -> String {
        format!(
            "SELECT COUNT(*) AS sets, SUM(d.n) AS n FROM ({}) AS d",
            self.groups("COUNT(*) AS n")
        )
    }
}

//! The query for rows whose parent row does not exist.

use super::identifier;

/// The FROM and WHERE of a query for the rows of a child table that refer to no row of the parent table. A row
/// with a NULL in any of the columns refers to nothing and is not such a row.
#[derive(Clone, Debug)]
pub struct AntiJoin<'a> {
    /// The child table, quoted.
    pub child: String,
    /// The alias of the child table, quoted; `None` for its own name.
    pub child_alias: Option<&'a str>,
    /// The parent table, quoted, with its database if that is another.
    pub parent: String,
    /// The alias of the parent table, quoted; an alias is needed because it may be the child table itself.
    pub parent_alias: &'a str,
    /// The columns of the child table and those of the parent table that they refer to, not quoted.
    pub columns: Vec<(&'a str, &'a str)>,
}

impl AntiJoin<'_> {
    /// The text after FROM: both tables and their join.
    pub fn from(&self) -> String {
        let alias = self.child_alias.map(|alias| format!(" AS {alias}"));
        format!(
            "{}{} LEFT JOIN {} AS {} ON {}",
            self.child,
            alias.unwrap_or_default(),
            self.parent,
            self.parent_alias,
            self.joined(),
        )
    }

    /// The condition under which a row of the parent table is the parent of a row of the child table.
    pub fn joined(&self) -> String {
        let columns = self.columns.iter();
        let equal = columns.map(|(column, parent)| {
            let parent = identifier(parent);
            format!("{}.{parent} = {}", self.parent_alias, self.own(column))
        });
        equal.collect::<Vec<_>>().join(" AND ")
    }

    /// The text after WHERE.
    pub fn filter(&self) -> String {
        let columns = self.columns.iter();
        let there = columns.map(|(column, _)| format!("{} IS NOT NULL", self.own(column)));
        // One column that the join compares tells whether there is a parent.
        let first = self.columns.iter().take(1);
        let gone = first.map(|(_, parent)| {
            let parent = identifier(parent);
            format!("{}.{parent} IS NULL", self.parent_alias)
        });
        there.chain(gone).collect::<Vec<_>>().join(" AND ")
    }

    fn own(&self, column: &str) -> String {
        let child = self.child_alias.unwrap_or(&self.child);
        format!("{child}.{}", identifier(column))
    }
}

/// The query for the first rows in the order of their key; without a key, for any rows.
pub fn first_rows(
    select: &[String],
    from: &str,
    filter: &str,
    key: &[String],
    count: usize,
) -> String {
    let order = match key.is_empty() {
        true => String::new(),
        false => format!(" ORDER BY {}", key.join(", ")),
    };
    format!(
        "SELECT {} FROM {from} WHERE {filter}{order} LIMIT {count}",
        select.join(", ")
    )
}

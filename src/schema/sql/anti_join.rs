//! Rows whose parent is not there, as a question.

use super::identifier;

/// Rows of a child table that refer to no row of the parent table, as FROM and WHERE say it. A
/// NULL in any of the columns refers to nothing and is no such row.
#[derive(Clone, Debug)]
pub struct AntiJoin<'a> {
    /// The table that refers, quoted.
    pub child: String,
    /// What it goes by, quoted; its own name if `None`.
    pub child_alias: Option<&'a str>,
    /// The table referred to, quoted, with its database if that is another.
    pub parent: String,
    /// What it goes by, quoted: it may be the child itself.
    pub parent_alias: &'a str,
    /// The columns that refer and those they refer to, not quoted.
    pub columns: Vec<(&'a str, &'a str)>,
}

impl AntiJoin<'_> {
    /// Tables and join.
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

    /// What makes a row of the parent table the parent of one of the child table.
    pub fn joined(&self) -> String {
        let columns = self.columns.iter();
        let equal = columns.map(|(column, parent)| {
            let parent = identifier(parent);
            format!("{}.{parent} = {}", self.parent_alias, self.own(column))
        });
        equal.collect::<Vec<_>>().join(" AND ")
    }

    /// The condition.
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

/// The question for the first rows by their key; without a key, any.
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

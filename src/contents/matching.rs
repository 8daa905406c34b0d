//! Which table and column of one source is which of the other, and which columns make the key of their rows.

use indexmap::IndexMap;

use super::pass::{Shape, key_of};
use super::through::Purpose;
use crate::schema::model::{Schema, Table};

/// A table that both sources have, with the columns that both have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePair {
    /// The name of the table before, in lower case.
    pub before: String,
    /// The name of the table afterwards, in lower case.
    pub after: String,
    /// The columns that both have: the name before and the name afterwards, in lower case.
    pub columns: Vec<(String, String)>,
    /// The columns that make the key of a row, before and afterwards.
    pub key: (Vec<String>, Vec<String>),
    /// Columns that only the first source has.
    pub only_before: Vec<String>,
    /// Columns that only the second source has.
    pub only_after: Vec<String>,
}

/// One of the two sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The source as it was.
    Before,
    /// The source as it is.
    After,
}

impl TablePair {
    /// The name of the table in one of the sources.
    pub fn table(&self, which: Which) -> &String {
        match which {
            Which::Before => &self.before,
            Which::After => &self.after,
        }
    }

    /// The columns that make the key of a row in one of the sources.
    pub fn key(&self, which: Which) -> &Vec<String> {
        match which {
            Which::Before => &self.key.0,
            Which::After => &self.key.1,
        }
    }

    /// The columns that both have, as one of the sources names them.
    pub fn columns(&self, which: Which) -> impl Iterator<Item = &String> {
        self.columns.iter().map(move |(before, after)| match which {
            Which::Before => before,
            Which::After => after,
        })
    }

    /// The names of the table.
    pub fn names(&self) -> [&str; 2] {
        [&self.before, &self.after]
    }
}

/// The tables of two schemas, matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// Tables that both have.
    pub pairs: Vec<TablePair>,
    /// Tables that only the first has, in lower case.
    pub only_before: Vec<String>,
    /// Tables that only the second has, in lower case.
    pub only_after: Vec<String>,
}

type Tables<'s> = IndexMap<String, &'s Table>;

fn lower(schema: &Schema) -> Tables<'_> {
    let tables = schema.tables.iter();
    tables
        .map(|(name, table)| (name.to_ascii_lowercase(), table))
        .collect()
}

impl Matched {
    /// Matches the tables of two schemas by their names and by what the steps of an upgrade rename.
    pub fn of(before: &Schema, after: &Schema, purpose: &Purpose) -> Self {
        let (before, mut after) = (lower(before), lower(after));
        let mut matched = Self::default();
        for (name, table) in &before {
            let renamed = purpose.table_afterwards(name);
            // A table that a step renames may be there under its old name as well.
            let now = match after.contains_key(&renamed) {
                true => renamed,
                false => name.clone(),
            };
            match after.shift_remove(&now) {
                Some(other) => {
                    matched.pairs.push(pair(name, table, &now, other, purpose));
                }
                None => matched.only_before.push(name.clone()),
            }
        }
        matched.only_after = after.into_keys().collect();
        matched
    }
}

fn pair(name: &str, table: &Table, now: &str, other: &Table, purpose: &Purpose) -> TablePair {
    let ours = Shape::of(name, table, None);
    let theirs = Shape::of(now, other, None);
    let mut only_after: Vec<String> = theirs.columns.keys().cloned().collect();
    let (mut columns, mut only_before) = (Vec::new(), Vec::new());
    for column in ours.columns.keys() {
        let renamed = purpose.column_afterwards(name, now, column);
        let found = [renamed.as_str(), column.as_str()]
            .into_iter()
            .find_map(|wanted| only_after.iter().position(|column| column == wanted));
        match found {
            Some(position) => columns.push((column.clone(), only_after.remove(position))),
            None => only_before.push(column.clone()),
        }
    }
    let key = common_key(&key_of(table), &key_of(other), &columns);
    TablePair {
        before: name.to_owned(),
        after: now.to_owned(),
        columns,
        key,
        only_before,
        only_after,
    }
}

/// The key of one of the tables whose columns both have; otherwise all columns that both have.
fn common_key(
    ours: &[String],
    theirs: &[String],
    columns: &[(String, String)],
) -> (Vec<String>, Vec<String>) {
    let of_ours = |name: &String| columns.iter().find(|(before, _)| before == name).cloned();
    let of_theirs = |name: &String| columns.iter().find(|(_, after)| after == name).cloned();
    let all = |pairs: Option<Vec<(String, String)>>| {
        let pairs = pairs.filter(|pairs| !pairs.is_empty());
        pairs.map(|pairs| pairs.into_iter().unzip())
    };
    let by_ours = || all(ours.iter().map(of_ours).collect());
    let by_theirs = || all(theirs.iter().map(of_theirs).collect());
    by_ours().or_else(by_theirs).unwrap_or_else(|| {
        let mut columns = columns.to_vec();
        columns.sort();
        columns.into_iter().unzip()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::model::{Column, KeyPart};

    fn table(columns: &[&str], key: &[&str]) -> Table {
        Table {
            columns: columns
                .iter()
                .map(|name| ((*name).to_owned(), Column::new("int", true)))
                .collect(),
            primary_key: key.iter().map(|name| KeyPart::column(*name)).collect(),
            ..Table::default()
        }
    }

    fn schema(tables: &[(&str, Table)]) -> Schema {
        Schema {
            tables: tables
                .iter()
                .map(|(name, table)| ((*name).to_owned(), table.clone()))
                .collect(),
            ..Schema::default()
        }
    }

    #[test]
    fn tables_and_columns_are_matched_whatever_their_order_and_letter_case() {
        let before = schema(&[
            ("a", table(&["id", "x", "gone"], &["id"])),
            ("b", table(&["y", "z"], &[])),
            ("lost", table(&["id"], &["id"])),
        ]);
        let after = schema(&[
            ("new", table(&["id"], &["id"])),
            ("B", table(&["z", "more", "y"], &[])),
            ("a", table(&["X", "id"], &["id"])),
        ]);
        let matched = Matched::of(&before, &after, &Purpose::default());
        assert_eq!(matched.only_before, ["lost"]);
        assert_eq!(matched.only_after, ["new"]);
        let [a, b] = &matched.pairs[..] else {
            panic!("{matched:?}");
        };
        assert_eq!(a.key, (vec!["id".to_owned()], vec!["id".to_owned()]));
        assert_eq!(a.only_before, ["gone"]);
        let both = || vec!["y".to_owned(), "z".to_owned()];
        assert_eq!(b.key, (both(), both()));
        assert_eq!(b.only_after, ["more"]);
    }
}

//! Names of tables, columns and keys, which are all that is kept of a message or of the statement in it.

use std::collections::BTreeSet;

/// The most names of one kind that are kept of one message.
const MOST: usize = 20;
/// The most characters of a name, which is that of servers.
const LONGEST: usize = 64;

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    /// A table or view.
    Table,
    /// A column.
    Column,
    /// A foreign key, an index, or a stored program.
    Key,
}

/// The names in a message and in its statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Names {
    /// Tables and views.
    pub tables: BTreeSet<String>,
    /// Columns.
    pub columns: BTreeSet<String>,
    /// Foreign keys, indexes and stored programs.
    pub keys: BTreeSet<String>,
}

impl Names {
    /// Keeps a name. What does not look like one may be a value, and is left out.
    pub(super) fn add(&mut self, of: NameOf, name: &str) {
        // Columns come with their table, and tables with their database.
        let mut parts = name.trim().split('.').map(|part| part.trim_matches('\''));
        let Some(name) = parts.next_back().filter(|last| is_name(last)) else {
            return;
        };
        if !parts.all(is_name) {
            return;
        }
        let names = match of {
            NameOf::Table => &mut self.tables,
            NameOf::Column => &mut self.columns,
            NameOf::Key => &mut self.keys,
        };
        if names.len() < MOST {
            names.insert(name.to_owned());
        }
    }

    /// Takes over the names of another part of the same message.
    pub(super) fn take(&mut self, other: Self) {
        for (mine, others) in [
            (&mut self.tables, other.tables),
            (&mut self.columns, other.columns),
            (&mut self.keys, other.keys),
        ] {
            let room = MOST.saturating_sub(mine.len());
            mine.extend(others.into_iter().take(room));
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty() && self.keys.is_empty()
    }

    /// The names in words: `FK_a, table b, column c`; empty where there is none.
    pub fn describe(&self) -> String {
        let list = |noun: &str, names: &BTreeSet<String>| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            match names[..] {
                [] => None,
                [one] => Some(format!("{noun} {one}")),
                _ => Some(format!("{noun}s {}", names.join(", "))),
            }
        };
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let keys = Some(keys.join(", ")).filter(|keys| !keys.is_empty());
        let all = [
            keys,
            list("table", &self.tables),
            list("column", &self.columns),
        ];
        all.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// Whether a text is a name as CiviCRM and its extensions give them. A value of a row mostly is not: it has blanks,
/// signs or accents.
fn is_name(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '-');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.len() <= LONGEST && text.chars().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_no_names() {
        let mut names = Names::default();
        for text in [
            "Jane Doe",
            "jane@example.org",
            "4711",
            "1999-01-01",
            "",
            "é",
        ] {
            names.add(NameOf::Key, text);
        }
        assert!(names.is_empty());
        names.add(NameOf::Table, "db.civicrm_case");
        names.add(NameOf::Column, "'a'.'b'");
        assert_eq!(names.describe(), "table civicrm_case, column b");
    }
}

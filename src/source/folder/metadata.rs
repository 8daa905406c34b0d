//! What mydumper's file `metadata` says of the tables of a dump. From 0.14 on it has a section for each table and
//! view:
//!
//! ```text
//! [`civicrm`.`civicrm_note`]
//! real_table_name=civicrm_note
//! rows = 14
//! ```

use crate::dump::reader::{DumpReader, Found};

/// A table or view that mydumper says it has dumped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    database: String,
    name: String,
    rows: Option<u64>,
    is_view: bool,
}

/// The tables and views that the text of `metadata` names.
pub(super) fn tables(metadata: &str) -> Vec<Announced> {
    let mut found: Vec<Announced> = Vec::new();
    let mut in_table = false;
    for line in metadata.lines().map(str::trim) {
        let section = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(section) = section {
            let table = quoted_pair(section);
            in_table = table.is_some();
            found.extend(table);
            continue;
        }
        if in_table
            && let Some((key, value)) = line.split_once('=')
            && let Some(table) = found.last_mut()
        {
            table.note(key.trim(), value.trim());
        }
    }
    found
}

/// Database and table in a section's name: both quoted, with a full stop between them.
fn quoted_pair(section: &str) -> Option<Announced> {
    let mut characters = section.chars();
    let quote = characters
        .next()
        .filter(|quote| matches!(quote, '`' | '"'))?;
    let inside = section.strip_prefix(quote)?.strip_suffix(quote)?;
    let (database, name) = inside.split_once(&format!("{quote}.{quote}"))?;
    Some(Announced {
        database: database.to_owned(),
        name: name.to_owned(),
        ..Announced::default()
    })
}

impl Announced {
    fn note(&mut self, key: &str, value: &str) {
        match key {
            "rows" => self.rows = value.parse().ok(),
            "real_table_name" => value.clone_into(&mut self.name),
            "is_view" => self.is_view = value == "1",
            _ => {}
        }
    }

    /// What of it is not in the dump, as a clause; `None` if it is all there. `has_structure` says whether the dump
    /// holds definitions of tables at all.
    pub(super) fn lost(&self, reader: &DumpReader, has_structure: bool) -> Option<String> {
        self.lacks(reader.object(&self.database, &self.name), has_structure)
    }

    fn lacks(&self, found: Found, has_structure: bool) -> Option<String> {
        let name = &self.name;
        if self.is_view && has_structure && !found.is_view {
            return Some(format!(
                "mydumper's metadata names the view {name}, whose definition is not there"
            ));
        }
        if has_structure && !found.is_table && !found.is_view {
            return Some(format!(
                "mydumper's metadata names the table {name}, whose definition is not there"
            ));
        }
        let announced = self.rows.filter(|rows| *rows > found.rows)?;
        Some(format!(
            "mydumper's metadata says {announced} rows of {name}, and {} are there: a file of rows is missing",
            found.rows
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_tables_and_views_are_read() {
        let text = "# Started dump at: 2025-05-01 02:00:00\n[config]\nquote-character = BACKTICK\nrows = 9\n\
                    [`a`.`t`]\nreal_table_name=T\nrows = 14\n[\"a\".\"v\"]\nis_view=1\nrows=0\n[myloader]\nrows=1\n";
        let table = |name: &str, rows, is_view| Announced {
            database: "a".to_owned(),
            name: name.to_owned(),
            rows,
            is_view,
        };
        let expected = [table("T", Some(14), false), table("v", Some(0), true)];
        assert_eq!(tables(text), expected);
    }

    #[test]
    fn lost_rows_tables_and_views_are_noticed() {
        let table = |rows| Announced {
            rows,
            ..Announced::default()
        };
        let view = Announced {
            is_view: true,
            ..Announced::default()
        };
        let found = |is_table, is_view, rows| Found {
            is_table,
            is_view,
            rows,
        };
        for (announced, found, has_structure, is_lost) in [
            (table(Some(14)), found(true, false, 14), true, false),
            (table(Some(14)), found(true, false, 10), true, true),
            (table(Some(0)), found(false, false, 0), true, true),
            (table(Some(2)), found(false, false, 2), false, false),
            (table(None), found(true, false, 5), true, false),
            (view.clone(), found(true, false, 0), true, true),
            (view, found(false, true, 0), true, false),
        ] {
            let lost = announced.lacks(found, has_structure);
            assert_eq!(lost.is_some(), is_lost, "{announced:?} {found:?}");
        }
    }
}

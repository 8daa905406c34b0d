//! What the paper run knows about rows.

use super::condition::Holds;
use crate::civicrm::upgrade::op::{RowOf, Values};
use crate::snapshot::{Row, Snapshot};

/// What is known about the rows that the database has before the upgrade: numbers of rows, and the rows of a few small
/// tables.
#[derive(Debug)]
pub(super) struct RowFacts<'a> {
    snapshot: &'a Snapshot,
}

impl<'a> RowFacts<'a> {
    /// What the snapshot says.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self { snapshot }
    }

    /// Whether the database has this table before the upgrade.
    pub fn has_table(&self, table: &str) -> bool {
        self.snapshot.schema.table(table).is_some()
    }

    /// Whether a table has no rows. A server's number is an estimate, which is 0 only for very small tables.
    pub fn is_empty(&self, table: &str) -> Holds {
        let counts = &self.snapshot.row_counts;
        match crate::schema::model::find(counts, table) {
            Some(0) => Holds::Yes,
            Some(_) => Holds::No,
            None if self.snapshot.dump.is_some() && !counts.is_empty() => Holds::Yes,
            None => Holds::Unknown,
        }
    }

    /// Whether a column is NULL in every row; of a table without rows it is.
    pub fn is_all_null(&self, column: &str) -> Holds {
        let table = column.split('.').next().unwrap_or_default();
        match self.is_empty(table) {
            Holds::Yes => Holds::Yes,
            _ => Holds::Unknown,
        }
    }

    /// Whether the highest number in a column is below a limit; far fewer rows than that are taken for yes.
    pub fn is_below(&self, column: &str, limit: u64) -> Holds {
        let table = column.split('.').next().unwrap_or_default();
        let rows = crate::schema::model::find(&self.snapshot.row_counts, table);
        if rows.copied().unwrap_or(0) < limit / 2 {
            Holds::Yes
        } else {
            Holds::Unknown
        }
    }

    /// Whether a component of CiviCRM is on. Up to 4.6 `civicrm_domain.config_backend` lists those that are, later the
    /// setting `enable_components` of each domain. Where it is not stored, the site's own files may say.
    pub fn has_component(&self, component: &str) -> Holds {
        let domains = self
            .snapshot
            .rows
            .get("civicrm_domain")
            .map(Vec::as_slice)
            .unwrap_or_default();
        let config = domains
            .iter()
            .find_map(|row| row.get("config_backend")?.as_deref());
        match config.map(String::from_utf8_lossy) {
            Some(config) if config.contains("enableComponents") => {
                if config.contains(component) {
                    Holds::Yes
                } else {
                    Holds::No
                }
            }
            // The default list does not have these two.
            _ if self.has_config_backend() => Holds::No,
            _ => self.has_in_settings(component),
        }
    }

    fn has_in_settings(&self, component: &str) -> Holds {
        let rows = self.snapshot.rows.get("civicrm_setting");
        let is_list = |row: &&Row| {
            let name = row.get("name").and_then(Option::as_deref);
            name == Some(b"enable_components")
        };
        let lists = rows.into_iter().flatten().filter(is_list);
        let mut lists = lists
            .map(|row| row.get("value").and_then(Option::as_deref))
            .peekable();
        if lists.peek().is_none() {
            return Holds::Unknown;
        }
        // As PHP writes an array of texts.
        let wanted = format!("\"{component}\"");
        lists.fold(Holds::No, |found, list| {
            let has = list.map(|list| memchr::memmem::find(list, wanted.as_bytes()).is_some());
            match (found, has) {
                (Holds::Yes, _) | (_, Some(true)) => Holds::Yes,
                (Holds::Unknown, _) | (_, None) => Holds::Unknown,
                (Holds::No, Some(false)) => Holds::No,
            }
        })
    }

    /// Whether the database is of a release that keeps its settings in `civicrm_domain`.
    fn has_config_backend(&self) -> bool {
        let schema = &self.snapshot.schema;
        let domain = schema.table("civicrm_domain");
        let has_value = schema
            .table("civicrm_setting")
            .is_none_or(|table| crate::schema::model::find(&table.columns, "group_name").is_some());
        domain.is_some_and(|table| table.columns.contains_key("config_backend")) && has_value
    }

    /// Whether a row with these values exists.
    pub fn has_row(&self, row: &RowOf) -> Holds {
        if self.is_empty(&row.table) == Holds::Yes {
            return Holds::No;
        }
        if let Some(rows) = self.whole(&row.table) {
            let is_meant = rows.iter().any(|found| matches(found, &row.values));
            return if is_meant { Holds::Yes } else { Holds::No };
        }
        Holds::Unknown
    }

    /// All rows of a table, where the snapshot has all of them.
    fn whole(&self, table: &str) -> Option<&[Row]> {
        let wanted = crate::civicrm::site::ROWS_WANTED.iter();
        let is_whole = wanted
            .into_iter()
            .any(|wanted| wanted.table == table && wanted.containing.is_empty());
        let rows = self.snapshot.rows.get(table).filter(|_| is_whole)?;
        let counted = self.snapshot.row_counts.get(table);
        let is_all = self.snapshot.dump.is_none() || counted == Some(&(rows.len() as u64));
        is_all.then_some(rows.as_slice())
    }
}

fn matches(row: &Row, values: &Values) -> bool {
    values.iter().all(|(column, wanted)| {
        let found = row.get(column).and_then(Option::as_deref);
        let found = found.map(String::from_utf8_lossy);
        // As the collations of CiviCRM's columns compare them.
        found.is_some_and(|found| found.eq_ignore_ascii_case(&text(wanted)))
    })
}

/// The value of a fact as the text that a row has.
pub(super) fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Bool(yes) => u8::from(*yes).to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_case(lists: &[Option<&str>]) -> Holds {
        let mut snapshot = Snapshot::default();
        let rows = lists.iter().map(|list| {
            let value = list.map(|list| list.as_bytes().to_vec());
            let name = Some(b"enable_components".to_vec());
            [("name".to_owned(), name), ("value".to_owned(), value)]
                .into_iter()
                .collect()
        });
        let rows: Vec<Row> = rows.collect();
        snapshot.rows.insert("civicrm_setting".to_owned(), rows);
        RowFacts::new(&snapshot).has_component("CiviCase")
    }

    #[test]
    fn components_are_read_from_the_setting_of_each_domain() {
        let with = Some(r#"a:2:{i:0;s:9:"CiviEvent";i:1;s:8:"CiviCase";}"#);
        let without = Some(r#"a:1:{i:0;s:9:"CiviEvent";}"#);
        assert_eq!(has_case(&[with]), Holds::Yes);
        assert_eq!(has_case(&[without]), Holds::No);
        assert_eq!(has_case(&[without, with]), Holds::Yes);
        assert_eq!(has_case(&[without, None]), Holds::Unknown);
        assert_eq!(has_case(&[]), Holds::Unknown);
    }
}

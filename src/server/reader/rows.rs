//! Reads the rows of the few tables whose content matters, and counts rows.

use indexmap::IndexMap;

use super::database::FactReader;
use crate::gate::{Meaning, Operation};
use crate::schema::model::Table;
use crate::schema::sql::{identifier, string};
use crate::server::answer::{Answer, first};
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::snapshot::{RowsWanted, Snapshot};

/// Tables and the statements that read their rows.
const QUESTIONS: &[(&str, &str)] = &[
    ("civicrm_domain", sql!("rows/civicrm_domain")),
    ("civicrm_custom_group", sql!("rows/civicrm_custom_group")),
    ("civicrm_custom_field", sql!("rows/civicrm_custom_field")),
    ("civicrm_setting", sql!("rows/civicrm_setting")),
    ("civicrm_log", sql!("rows/civicrm_log")),
    ("civicrm_extension", sql!("rows/civicrm_extension")),
    ("civicrm_option_group", sql!("rows/civicrm_option_group")),
    ("civicrm_country", sql!("rows/civicrm_country")),
    ("civicrm_worldregion", sql!("rows/civicrm_worldregion")),
    (
        "civicrm_mailing_bounce_type",
        sql!("rows/civicrm_mailing_bounce_type"),
    ),
    (
        "civicrm_membership_status",
        sql!("rows/civicrm_membership_status"),
    ),
    ("civicrm_queue_item", sql!("rows/civicrm_queue_item")),
    ("civicrm_job", sql!("rows/civicrm_job")),
    ("civicrm_status_pref", sql!("rows/civicrm_status_pref")),
    ("civicrm_mailing_job", sql!("rows/civicrm_mailing_job")),
    ("civicrm_option_value", sql!("rows/civicrm_option_value")),
];

/// The most tables of a CMS that are asked for the same rows: a network of sites has a set of tables for each.
const MAX_TABLES: usize = 20;

/// The most rows that are asked of a table of a CMS.
const MAX_ROWS: usize = 10_000;

impl FactReader<'_> {
    /// Reads the wanted rows into the snapshot.
    pub(super) fn rows(
        &mut self,
        wanted: &[RowsWanted],
        snapshot: &mut Snapshot,
    ) -> Result<(), ServerError> {
        for wanted in wanted {
            if !wanted.columns.is_empty() {
                self.rows_of_cms(wanted, snapshot)?;
                continue;
            }
            let question = QUESTIONS.iter().find(|(table, _)| *table == wanted.table);
            let Some((table, sql)) = question else {
                continue;
            };
            match self.connection.ask(&format!("the rows of {table}"), sql) {
                Ok(rows) => {
                    if !rows.is_empty() {
                        snapshot.rows.insert((*table).to_owned(), rows);
                    }
                }
                Err(error) if error.is_lost() => return Err(error),
                // ER_NO_SUCH_TABLE: then there are no rows; ER_BAD_FIELD_ERROR: releases differ.
                Err(error) if matches!(error.code(), Some(1146 | 1054)) => {}
                Err(error) if matches!(error.code(), Some(1142 | 1143)) => {
                    match self.allowed_columns(table, sql)? {
                        Some(rows) if rows.is_empty() => {}
                        Some(rows) => {
                            snapshot.rows.insert((*table).to_owned(), rows);
                        }
                        None => {
                            let why = error.to_string();
                            snapshot.rows_hidden.insert((*table).to_owned(), why);
                        }
                    }
                }
                Err(error) => {
                    snapshot
                        .rows_hidden
                        .insert((*table).to_owned(), error.to_string());
                }
            }
        }
        Ok(())
    }

    /// Reads the rows of tables of a CMS, which their columns tell.
    fn rows_of_cms(
        &mut self,
        wanted: &RowsWanted,
        snapshot: &mut Snapshot,
    ) -> Result<(), ServerError> {
        let tables = snapshot.schema.tables.iter();
        let is_of = |(name, table): &(&String, &Table)| {
            wanted.is_of(name, table.columns.keys().map(String::as_str))
        };
        let tables: Vec<String> = tables.filter(is_of).map(|(name, _)| name.clone()).collect();
        for (at, table) in tables.into_iter().enumerate() {
            if at >= MAX_TABLES {
                let why = format!("{MAX_TABLES} tables of this kind were read before");
                snapshot.rows_hidden.insert(table, why);
                continue;
            }
            let sql = format!(
                "SELECT * FROM {} WHERE {} LIMIT {MAX_ROWS}",
                identifier(&table),
                wanted.condition
            );
            let sql = Meaning::new(Operation::Select, [&table]).pass(sql)?;
            match self.connection.ask(&format!("rows of {table}"), &sql) {
                Ok(rows) if rows.is_empty() => {}
                Ok(rows) => {
                    if rows.len() >= MAX_ROWS {
                        let why = format!("it has more than {MAX_ROWS} of these rows");
                        snapshot.rows_hidden.insert(table.clone(), why);
                    }
                    snapshot.rows.insert(table, rows);
                }
                Err(error) if error.is_lost() => return Err(error),
                Err(error) => {
                    snapshot.rows_hidden.insert(table, error.to_string());
                }
            }
        }
        Ok(())
    }

    /// Reads the columns that the account may read; `None` where those are not enough to know what the table says.
    fn allowed_columns(&mut self, table: &str, sql: &str) -> Result<Option<Answer>, ServerError> {
        let about = format!("the columns of {table} that can be read");
        let question = format!(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_NAME = {} AND FIND_IN_SET('select', PRIVILEGES) ORDER BY ORDINAL_POSITION",
            string(table)
        );
        let question = Meaning::new(Operation::Select, [""; 0]).pass(question)?;
        let columns: Vec<String> = self
            .connection
            .ask(&about, &question)?
            .iter()
            .filter_map(first)
            .collect();
        let needed = NEEDED.iter().find(|(of, _)| *of == table);
        let is_there = |column: &&str| columns.iter().any(|known| known == column);
        if !needed.is_some_and(|(_, needed)| needed.iter().all(&is_there)) {
            return Ok(None);
        }
        let list: Vec<String> = columns.iter().map(|column| identifier(column)).collect();
        // A comment stands in front, which the gate lets no statement have.
        let (_, rest) = sql.split_once("SELECT *").unwrap_or_default();
        let mut sql = format!("SELECT {}{}", list.join(", "), rest.trim_end());
        if !is_there(&"id") {
            sql = sql.replace(" ORDER BY id", "");
        }
        let names = columns.iter().map(String::as_str);
        let sql = Meaning::new(Operation::Select, names)
            .or_names([table])
            .pass(sql)?;
        match self.connection.ask(&format!("the rows of {table}"), &sql) {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if error.is_lost() => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// Without these columns the rows of a table would say something else.
const NEEDED: &[(&str, &[&str])] = &[
    ("civicrm_domain", &["version"]),
    (
        "civicrm_custom_group",
        &["id", "table_name", "extends", "is_multiple"],
    ),
    (
        "civicrm_custom_field",
        &[
            "custom_group_id",
            "column_name",
            "data_type",
            "html_type",
            "is_required",
            "text_length",
        ],
    ),
    ("civicrm_setting", &["name", "value"]),
    ("civicrm_log", &["data"]),
    ("civicrm_extension", &["full_name"]),
    ("civicrm_option_group", &["name"]),
    ("civicrm_country", &["name", "iso_code"]),
    ("civicrm_worldregion", &["name"]),
    ("civicrm_mailing_bounce_type", &["name"]),
];

/// Counts the rows of tables; leaves out tables that the account may not read.
///
/// # Errors
/// The connection is lost.
pub fn count<'a>(
    connection: &mut Reader,
    tables: impl Iterator<Item = &'a str>,
) -> Result<IndexMap<String, u64>, ServerError> {
    let mut counts = IndexMap::new();
    for table in tables {
        let about = format!("the number of rows of {table}");
        let sql = format!("SELECT COUNT(*) FROM {}", identifier(table));
        let sql = Meaning::new(Operation::Select, [table]).pass(sql)?;
        let answer = connection.ask_if_possible(&about, &sql)?;
        let count = answer.and_then(|answer| first(answer.first()?)?.parse().ok());
        counts.extend(count.map(|count: u64| (table.to_owned(), count)));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civicrm::site::ROWS_WANTED;

    #[test]
    fn there_is_a_question_for_every_table_of_civicrm_whose_rows_are_wanted() {
        for wanted in ROWS_WANTED.iter().filter(|it| it.columns.is_empty()) {
            assert!(
                QUESTIONS.iter().any(|(table, _)| *table == wanted.table),
                "{}",
                wanted.table
            );
        }
    }
}

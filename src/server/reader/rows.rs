//! Reads the rows of the few tables whose content matters, and counts rows.

use indexmap::IndexMap;

use super::FactReader;
use crate::gate::{Meaning, Operation};
use crate::schema::sql::identifier;
use crate::server::connection::{Reader, first};
use crate::server::error::ServerError;
use crate::snapshot::{RowsWanted, Snapshot};

/// Tables and the statements that read their rows.
const QUESTIONS: &[(&str, &str)] = &[
    ("civicrm_domain", sql!("rows/civicrm_domain")),
    ("civicrm_custom_group", sql!("rows/civicrm_custom_group")),
    ("civicrm_setting", sql!("rows/civicrm_setting")),
    ("civicrm_log", sql!("rows/civicrm_log")),
    ("civicrm_extension", sql!("rows/civicrm_extension")),
];

impl FactReader<'_> {
    /// Reads the wanted rows into the snapshot.
    pub(super) fn rows(
        &mut self,
        wanted: &[RowsWanted],
        snapshot: &mut Snapshot,
    ) -> Result<(), ServerError> {
        for wanted in wanted {
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
                Err(error) => {
                    snapshot
                        .rows_hidden
                        .insert((*table).to_owned(), error.to_string());
                }
            }
        }
        Ok(())
    }
}

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
    fn there_is_a_question_for_every_table_whose_rows_are_wanted() {
        for wanted in ROWS_WANTED {
            assert!(
                QUESTIONS.iter().any(|(table, _)| *table == wanted.table),
                "{}",
                wanted.table
            );
        }
    }
}

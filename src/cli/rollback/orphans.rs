//! Rows of tables that stay which the backup has no parents for: their foreign keys cannot be made again.

use std::collections::BTreeSet;

use super::Site;
use crate::change::error::ChangeError;
use crate::change::exchange::Reference;
use crate::civicrm::site::ROWS_WANTED;
use crate::cli::Common;
use crate::cli::error::Error;
use crate::cli::progress::Bar;
use crate::dump::reader::DumpReader;
use crate::gate::{Blocked, Meaning, Operation};
use crate::integrity::gather::of_any;
use crate::integrity::ids::IdSet;
use crate::rollback::Plan;
use crate::schema::model::find;
use crate::schema::sql::identifier;
use crate::source::{Location, SourceError};
use crate::text::count;

/// Counts them for each key of a table that stays which is to be made again. Returns sentences: about keys with such rows,
/// and about keys of which they could not be counted.
pub(super) fn orphans(
    site: &mut Site,
    plan: &Plan,
    (backup, name, database): (&Location, &str, Option<&str>),
    common: &Common,
) -> Result<Vec<String>, Error> {
    let stays = |it: &&Reference| it.comes.is_some() && !plan.exchange.comes.contains(&it.table);
    let references: Vec<&Reference> = plan.exchange.references.iter().filter(stays).collect();
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let mut gatherer = of_any(DumpReader::new(ROWS_WANTED), site.case.catalogue);
    let mut bar = Bar::new(common, name);
    let scanned = backup.scan(&mut gatherer, &mut |progress| bar.update(progress));
    bar.finish();
    scanned.map_err(|error: SourceError| Error::from(error))?;
    let gathered = gatherer.finish().1.tables();
    let parents = |table: &str, column: &str| -> Option<&IdSet> {
        let table = table.to_ascii_lowercase();
        let named = (database.map(str::to_owned), table.clone());
        let facts = gathered.get(&named).or(gathered.get(&(None, table)))?;
        let (column, of) = facts.column(column)?;
        (of.ids && facts.unread == 0 && column.odd == 0 && column.left_out == 0)
            .then_some(&column.ids)
    };
    let mut sentences = Vec::new();
    for Reference {
        table, key, parent, ..
    } in references
    {
        let schema = &site.case.snapshot.schema;
        let of_key = find(&schema.tables, table).and_then(|it| it.foreign_keys.get(key));
        let columns = of_key.map(|it| (it.columns.as_slice(), it.referenced_columns.as_slice()));
        let ids = match columns {
            Some(([column], [of_parent])) => {
                parents(parent, of_parent).map(|ids| (column.clone(), ids))
            }
            _ => None,
        };
        let Some((column, ids)) = ids else {
            sentences.push(format!(
                "whether foreign key {key} of {table} can be made again was not looked at: rows without a parent in the backup's \
                 {parent} would stop it"
            ));
            continue;
        };
        let sql = question(&site.database, table, &column).map_err(ChangeError::from)?;
        let (mut rows, mut missing) = (0_u64, BTreeSet::new());
        let number = |value: Option<&Option<Vec<u8>>>| -> Option<u64> {
            std::str::from_utf8(value?.as_deref()?).ok()?.parse().ok()
        };
        site.connection
            .each_row("the rows of a foreign key", &sql, |values| {
                let id = number(values.first());
                if !id.is_some_and(|id| ids.contains(id)) {
                    rows += number(values.get(1)).unwrap_or_default();
                    missing.extend(id);
                }
            })?;
        if rows > 0 {
            let shown: Vec<String> = missing.iter().take(5).map(u64::to_string).collect();
            let more = if missing.len() > shown.len() {
                ", …"
            } else {
                ""
            };
            sentences.push(format!(
                "foreign key {key} of {table} will not be made again: {} of {table} lead to rows of {parent} that the backup does \
                 not have ({column} {}{more}); clear them first, or afterwards",
                count(rows, "row"),
                shown.join(", ")
            ));
        }
    }
    Ok(sentences)
}

/// The values of a column, each with the number of its rows.
fn question(database: &str, table: &str, column: &str) -> Result<String, Blocked> {
    let sql = format!(
        "SELECT {0} AS id, COUNT(*) AS number FROM {1}.{2} WHERE {0} IS NOT NULL GROUP BY {0}",
        identifier(column),
        identifier(database),
        identifier(table)
    );
    Meaning::new(Operation::Select, [column, database, table]).pass(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_its_column_and_table_whatever_they_are_called() {
        for name in crate::hostile::names() {
            match question(&name, &name, &name) {
                Ok(sql) => {
                    let quoted = identifier(&name);
                    assert_eq!(
                        sql,
                        format!(
                            "SELECT {quoted} AS id, COUNT(*) AS number FROM {quoted}.{quoted} WHERE {quoted} IS NOT NULL \
                             GROUP BY {quoted}"
                        )
                    );
                }
                Err(_) => assert!(crate::hostile::is_refused(&name), "{name:?}"),
            }
        }
    }
}

//! Rows that are equal in the columns of a unique index, over which it cannot be made.

use super::plan::PlannedStep;
use crate::change::error::ChangeError;
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::KeyPart;
use crate::schema::sql::{Duplicates, identifier};
use crate::server::answer::first;
use crate::server::connection::Reader;
use crate::text::count;

/// How many sets of equal rows are shown.
const SAMPLE: usize = 3;

/// The rows that keep one unique index from being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EqualRows {
    /// Their table.
    pub table: String,
    /// The unique index.
    pub index: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// How many sets of equal rows there are.
    pub sets: u64,
    /// Primary keys of the first sets, as `id 3, 9`; empty for a table without a primary key of one column.
    pub sample: Vec<String>,
}

impl EqualRows {
    /// Looks for the rows that keep the unique indexes of a step from being made.
    ///
    /// # Errors
    /// The connection is lost, or the account may not read the table.
    pub fn of(connection: &mut Reader, planned: &PlannedStep) -> Result<Vec<Self>, ChangeError> {
        let mut all = Vec::new();
        for (index, parts) in &planned.new_unique {
            all.extend(Self::find(connection, planned, index, parts)?);
        }
        Ok(all)
    }

    fn find(
        connection: &mut Reader,
        planned: &PlannedStep,
        index: &str,
        parts: &[KeyPart],
    ) -> Result<Option<Self>, ChangeError> {
        let table = planned.table.as_str();
        let id = match &planned.before.primary_key[..] {
            [id] => Some(id.column.as_str()),
            _ => None,
        };
        let about = format!("equal rows of {table}");
        let answer = connection.ask(&about, &how_many(table, parts)?)?;
        let sets = answer.first().and_then(first);
        let sets: u64 = sets.and_then(|sets| sets.parse().ok()).unwrap_or(0);
        if sets == 0 {
            return Ok(None);
        }
        let mut sample = Vec::new();
        if let Some(id) = id {
            let answer = connection.ask(&about, &sample_of(table, parts, id)?)?;
            let shown = answer.iter().filter_map(first);
            sample.extend(shown.map(|ids| format!("{id} {}", ids.replace(',', ", "))));
        }
        Ok(Some(Self {
            table: table.to_owned(),
            index: index.to_owned(),
            columns: parts.iter().map(|part| part.column.clone()).collect(),
            sets,
            sample,
        }))
    }

    /// What stands in the way, and what to do.
    pub fn describe(&self) -> String {
        let more = match self.sets > self.sample.len() as u64 && !self.sample.is_empty() {
            true => "; …",
            false => "",
        };
        let rows = match self.sample.is_empty() {
            true => String::new(),
            false => format!(": {}{more}", self.sample.join("; ")),
        };
        format!(
            "{} of rows of {} {} equal in {}, so the unique index {} cannot be made (error 1062){rows}; merge \
             or change all but one of each set first: cividb orphans --export DIR writes them all",
            count(self.sets, "set"),
            self.table,
            if self.sets == 1 { "is" } else { "are" },
            self.columns.join(", "),
            self.index,
        )
    }
}

fn duplicates<'a>(table: &'a str, parts: &'a [KeyPart]) -> Duplicates<'a> {
    Duplicates {
        table,
        parts,
        left_out: &[],
    }
}

/// The statement that counts the sets of equal rows.
fn how_many(table: &str, parts: &[KeyPart]) -> Result<String, Blocked> {
    let names = parts.iter().map(|part| part.column.as_str());
    Meaning::new(Operation::Select, names.chain([table])).pass(duplicates(table, parts).count())
}

/// The statement that selects the values of a column, `id`, of the first sets.
fn sample_of(table: &str, parts: &[KeyPart], id: &str) -> Result<String, Blocked> {
    let names = parts.iter().map(|part| part.column.as_str());
    let ids = format!("GROUP_CONCAT(c.{0} ORDER BY c.{0}) AS ids", identifier(id));
    let groups = duplicates(table, parts).groups(&ids);
    let sql = format!("{groups} ORDER BY 1 LIMIT {SAMPLE}");
    Meaning::new(Operation::Select, names.chain([table, id])).pass(sql)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile;

    #[test]
    fn equal_rows_are_asked_for_as_meant_whatever_names_are() {
        for name in hostile::names() {
            let parts = [KeyPart::column(name.as_str()), KeyPart::column("other")];
            for statement in [how_many(&name, &parts), sample_of(&name, &parts, &name)] {
                assert_eq!(
                    statement.is_err(),
                    hostile::is_unstorable(&name),
                    "{name:?}: {statement:?}"
                );
            }
        }
    }
}

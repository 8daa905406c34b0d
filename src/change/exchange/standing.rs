//! What stands where an exchange is to go back, and is not as its record says: triggers, views and routines that were
//! made or changed since.

use super::programs::{self, Program, ProgramKind};
use super::record::Record;
use super::state::tables;
use crate::change::error::ChangeError;
use crate::change::refusal::Refusal;
use crate::server::connection::Reader;

/// Whether CiviCRM makes a trigger, view or routine again by itself, told by its name and by the table of a trigger.
pub type IsMadeAgain<'f> = &'f dyn Fn(&str, Option<&str>) -> bool;

/// What becomes of one that the record does not know as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// CiviCRM has made it again: it goes, and that of before comes back.
    MadeAgain,
    /// A trigger of somebody else on a table that leaves: it is made again on the table that comes back.
    Moves,
    /// A trigger of somebody else on a table that leaves, in whose place none comes back: it goes with its table.
    Goes,
    /// A view, a routine or another table's trigger that somebody else has changed: it stays as it is now.
    Stays,
}

/// A trigger, view or routine that is not as the record of an exchange says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// How it is now.
    pub program: Program,
    /// What becomes of it on the way back.
    pub fate: Fate,
}

impl Stranger {
    /// What becomes of it, as the end of a sentence.
    pub fn detail(&self) -> &'static str {
        match self.fate {
            Fate::MadeAgain => "it was made again since; that of before comes back in its place",
            Fate::Moves => {
                "it was made or changed since; with --skip-changed it is made again on the table that comes back"
            }
            Fate::Goes => {
                "it was made since, on a table that has no table of before in its place; with --skip-changed it goes with \
                 its table"
            }
            Fate::Stays => "it was changed since; with --skip-changed it stays as it is now",
        }
    }
}

/// Finds them, of an exchange that is to go back.
///
/// # Errors
/// The account does not see one of them, or the connection is lost.
pub fn strangers(
    connection: &mut Reader,
    record: &Record,
    is_made_again: IsMadeAgain,
) -> Result<Vec<Stranger>, ChangeError> {
    let exchange = &record.exchange;
    connection.use_database(&exchange.database)?;
    let beside = tables(connection, &exchange.beside)?;
    let leaves = |table: &String| exchange.comes.contains(table) && !beside.contains(table);
    let mut found = Vec::new();
    for (name, table) in programs::all(connection, &exchange.database)? {
        let recorded = |side: &[Program]| side.iter().find(|it| it.name == name).cloned();
        let recorded = [recorded(&record.goes), recorded(&record.comes)];
        let on_leaving = table.as_ref().is_some_and(&leaves);
        if !on_leaving && recorded.iter().all(Option::is_none) {
            continue;
        }
        let hidden = || Refusal::HiddenProgram(name.describe(), exchange.database.clone());
        let program = programs::show(connection, &name)?.ok_or_else(hidden)?;
        let mut known = recorded.into_iter().flatten();
        let same = known.find(|known| known.statement == program.statement);
        // The server may have taken the settings of the session otherwise when it was made from the record.
        let is_same_text = match same {
            Some(known) if known == program => continue,
            same => same.is_some(),
        };
        let is_elsewhere = name.kind == ProgramKind::Trigger && !on_leaving;
        let fate = match on_leaving {
            _ if is_elsewhere => Fate::Stays,
            _ if is_same_text || is_made_again(&name.name, table.as_deref()) => Fate::MadeAgain,
            true if table.is_some_and(|table| exchange.goes.contains(&table)) => Fate::Moves,
            true => Fate::Goes,
            false => Fate::Stays,
        };
        found.push(Stranger { program, fate });
    }
    Ok(found)
}

/// The record for the way back past these.
pub(super) fn past(record: &Record, strangers: &[Stranger]) -> Record {
    let mut record = record.clone();
    for Stranger { program, fate } in strangers {
        let is_other = |it: &Program| it.name != program.name;
        match fate {
            // It may stand where that of before comes.
            Fate::MadeAgain | Fate::Goes => record.comes.push(program.clone()),
            Fate::Moves => {
                for side in [&mut record.goes, &mut record.comes] {
                    side.retain(is_other);
                    side.push(program.clone());
                }
            }
            Fate::Stays => {
                record.goes.retain(is_other);
                record.comes.retain(is_other);
            }
        }
    }
    record
}

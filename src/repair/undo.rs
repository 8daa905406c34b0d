//! Taking back what a journal says was done.

use super::error::RepairError;
use super::journal::{Head, Journal, Progress, Record, Step};
use super::version::read_only;
use crate::server::connection::Connection;

/// The steps of a journal that may have to be taken back, last first.
pub fn steps(record: &Record) -> Vec<(&Step, Progress)> {
    let open = record
        .steps
        .iter()
        .filter(|(_, progress)| *progress != Progress::Undone);
    open.rev()
        .map(|(step, progress)| (step, *progress))
        .collect()
}

/// Makes sure that a journal is about the database that `here` describes.
///
/// # Errors
/// It is about another one.
pub fn check_database(record: &Record, here: &Head) -> Result<(), RepairError> {
    let head = &record.head;
    if head.database == here.database && head.server_id == here.server_id {
        return Ok(());
    }
    Err(RepairError::OtherDatabase {
        path: record.path.display().to_string(),
        journal: head.database.clone(),
        journal_server: head.server.clone(),
        database: here.database.clone(),
        server: here.server.clone(),
    })
}

/// Takes back the changes of rows in one transaction; returns how many steps that were.
///
/// A step that had only been about to run may have found nothing to change: then there is
/// nothing to take back.
///
/// # Errors
/// What a step set has been changed since: then nothing is taken back.
pub fn rows(connection: &mut Connection, record: &Record) -> Result<usize, RepairError> {
    let steps = steps(record);
    // First, so that nothing is taken back that cannot be noted.
    let mut journal = Journal::append(record)?;
    connection.begin_writing()?;
    let undone = run(connection, &steps);
    if undone.is_err() {
        // The connection may be gone; then the server rolls back by itself.
        let _ = connection.run("the end of the transaction", "ROLLBACK");
    }
    let undone = undone?;
    connection.run("the commit", "COMMIT")?;
    for (step, _) in &steps {
        journal.undone(step.step)?;
    }
    Ok(undone)
}

fn run(connection: &mut Connection, steps: &[(&Step, Progress)]) -> Result<usize, RepairError> {
    let mut undone = 0;
    for (step, progress) in steps {
        // A journal may have been edited: anything else would be committed at once, whatever
        // came after it.
        if !step.inverse.starts_with("UPDATE ") {
            return Err(RepairError::Refused(format!(
                "the journal's step {} changes no rows: {}",
                step.step, step.inverse
            )));
        }
        let about = format!("taking back {}", step.why);
        // Prepared, because of that the server takes one statement and no more.
        let changed = connection.run_with(&about, &step.inverse, &[]);
        let changed = changed.map_err(read_only)?;
        match (changed, progress) {
            (1, _) => undone += 1,
            (0, Progress::Doing) => {}
            _ => {
                return Err(RepairError::ChangedSince {
                    what: step.why.clone(),
                    detail: "it is no longer what the journal says was set".to_owned(),
                });
            }
        }
    }
    Ok(undone)
}

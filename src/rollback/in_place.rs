//! A rollback without a second place: what goes is dropped, and the backup is restored where it was.

use crate::change::error::ChangeError;
use crate::change::exchange::{self, Program};
use crate::change::executor::Executor;
use crate::extract::with_definer;

use super::plan::Plan;
use super::run::Left;

/// Drops what goes by a plan, for good. Returns the triggers of others that are to be made again on the tables that come.
///
/// # Errors
/// The server refuses, or the connection is lost; some may be gone then.
pub fn clear(executor: &mut Executor, plan: &Plan) -> Result<Vec<Program>, ChangeError> {
    let exchange = &plan.exchange;
    let moved = &plan.triggers_moved;
    let moved = exchange::read_programs(executor.connection(), &exchange.database, moved)?;
    executor.connection().use_database(&exchange.database)?;
    exchange::drop_in_place(
        executor,
        &exchange.database,
        &exchange.goes,
        &plan.programs_go,
    )?;
    Ok(moved)
}

/// Makes triggers of others on the tables that came. Returns those that could not be made, as sentences.
///
/// # Errors
/// The connection is lost.
pub fn move_triggers(executor: &mut Executor, moved: &[Program]) -> Result<Left, ChangeError> {
    let mut left = Left::new();
    for trigger in moved {
        match exchange::make_programs(executor, std::slice::from_ref(trigger), &[]) {
            Err(ChangeError::Server(error)) if !error.is_lost() => left.push(format!(
                "{} was not made again on the table of the backup: {error}; the fresh backup holds its statement",
                trigger.name.describe()
            )),
            made => made?,
        }
    }
    Ok(left)
}

/// Makes the triggers, views and routines again that are to run as accounts of the backup.
///
/// # Errors
/// The account may not, or the connection is lost.
pub fn with_definers(executor: &mut Executor, plan: &Plan) -> Result<(), ChangeError> {
    let database = &plan.exchange.database;
    let names: Vec<_> = plan.definers.keys().cloned().collect();
    let now = exchange::read_programs(executor.connection(), database, &names)?;
    let wanted = now
        .iter()
        .map(|program| match plan.definers.get(&program.name) {
            Some(account) => Program {
                statement: with_definer(&program.statement, account),
                ..program.clone()
            },
            None => program.clone(),
        });
    let wanted: Vec<Program> = wanted.collect();
    exchange::make_programs(executor, &wanted, &now)
}

//! A rollback without a second place: what goes is dropped, and the backup is restored where it was.

use crate::change::error::ChangeError;
use crate::change::exchange::{self, Program};
use crate::change::executor::Executor;
use crate::extract::with_definer;

use super::plan::Plan;

/// Drops what goes by a plan, for good.
///
/// # Errors
/// The server refuses, or the connection is lost; some may be gone then.
pub fn clear(executor: &mut Executor, plan: &Plan) -> Result<(), ChangeError> {
    let exchange = &plan.exchange;
    executor.connection().use_database(&exchange.database)?;
    exchange::drop_in_place(
        executor,
        &exchange.database,
        &exchange.goes,
        &plan.programs_go,
    )
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

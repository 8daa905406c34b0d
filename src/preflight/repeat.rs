//! Whether a task that failed can run a second time.

use super::failure::{Cause, Retry};
use super::mend::Mend;
use super::server_model::ServerError;
use crate::civicrm::upgrade::op::{Action, Alteration, Clause, Guard, InsertMode, Op};
use crate::civicrm::upgrade::step::Task;

/// Whether mending and running the upgrade again works: CiviCRM then runs the whole task once more, and what ran
/// before the failed operation must not fail the second time.
pub(super) fn retry(task: &Task, failed: usize, cause: &Cause, mends: &[Mend]) -> Retry {
    // A task before has taken a table in the way for its own, and does not run again.
    let is_in_the_way = mends.iter().any(Mend::is_table_set_aside);
    if is_in_the_way && !matches!(cause, Cause::Schema(ServerError::TableExists { .. })) {
        return Retry::NeedsBackup;
    }
    if matches!(cause, Cause::Rows(_, rows) if rows.has_run_before) {
        return Retry::NeedsBackup;
    }
    let before = task.ops.iter().take(failed);
    if before.into_iter().all(runs_twice) {
        Retry::Works
    } else {
        Retry::NeedsBackup
    }
}

fn runs_twice(op: &Op) -> bool {
    if !matches!(op.guard, Guard::None) {
        return true;
    }
    match &op.action {
        Action::CreateTable(new) => new.if_not_exists || new.temporary,
        Action::DropTable { if_exists, .. } | Action::DropView { if_exists, .. } => *if_exists,
        Action::CreateView { or_replace, .. } => *or_replace,
        Action::RenameTable { .. } => false,
        Action::Alter { clauses, .. } => clauses_run_twice(clauses),
        // Rows with known values clash with themselves in a unique key; others only pile up.
        Action::Insert(insert) => insert.mode != InsertMode::Insert || insert.rows.is_empty(),
        _ => true,
    }
}

/// One ALTER TABLE may drop what it adds.
fn clauses_run_twice(clauses: &[Clause]) -> bool {
    let drops = |name: &str| {
        clauses.iter().any(|clause| match &clause.change {
            Alteration::DropForeignKey(dropped) | Alteration::DropIndex(dropped) => {
                dropped.eq_ignore_ascii_case(name)
            }
            _ => false,
        })
    };
    let adds = |name: &str| {
        clauses.iter().any(|clause| match &clause.change {
            Alteration::AddForeignKey { name: added, .. } => added
                .as_ref()
                .is_some_and(|added| added.eq_ignore_ascii_case(name)),
            Alteration::AddIndex { name: added, .. } => added.eq_ignore_ascii_case(name),
            _ => false,
        })
    };
    clauses.iter().all(|clause| match &clause.change {
        Alteration::AddColumn { .. }
        | Alteration::DropColumn(_)
        | Alteration::AddPrimaryKey(_)
        | Alteration::DropPrimaryKey => false,
        Alteration::ChangeColumn { from, to, .. } => from == to,
        Alteration::AddIndex { name, .. } => drops(name),
        Alteration::AddForeignKey { name, .. } => name.as_ref().is_some_and(|name| drops(name)),
        Alteration::DropIndex(name) | Alteration::DropForeignKey(name) => adds(name),
        Alteration::SetDefault { .. }
        | Alteration::Engine(_)
        | Alteration::RowFormat(_)
        | Alteration::Convert { .. }
        | Alteration::AutoIncrement => true,
    })
}

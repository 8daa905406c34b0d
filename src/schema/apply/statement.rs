//! Which statement changes what of a schema.

use super::error::{ApplyError, duplicate_in, missing};
use super::programs::{create_in, drop_all};
use crate::schema::ddl::Statement;
use crate::schema::model::{Name, Schema};

impl Schema {
    /// Runs one statement on the schema.
    ///
    /// # Errors
    /// The error that a server would answer with: an object does not exist, or exists already.
    pub fn apply(&mut self, statement: Statement) -> Result<(), ApplyError> {
        match statement {
            Statement::CreateTable(create) => self.create_table(*create),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::CreateIndex {
                table: Name { name: table, .. },
                name,
                index,
                if_not_exists,
            } => match self.table_mut(&table)?.add_index(Some(name), index) {
                Err(duplicate) if !if_not_exists => Err(duplicate_in(&table, duplicate)),
                _ => Ok(()),
            },
            Statement::DropIndex {
                table: Name { name: table, .. },
                name,
                if_exists,
            } => (self.table_mut(&table)?).drop_index(&table, &name, if_exists),
            Statement::DropTable(drop) => self.drop_tables(drop),
            Statement::DropView(drop) => drop_all(&mut self.views, "view", drop),
            Statement::RenameTable(pairs) => pairs
                .into_iter()
                .try_for_each(|(from, to)| self.rename_table(&from, &to)),
            Statement::CreateView(create) => self.create_view(create),
            Statement::CreateTrigger(create) => match self.table(&create.object.table) {
                Some(_) => create_in(&mut self.triggers, "trigger", create),
                None => Err(missing("table", &create.object.table)),
            },
            Statement::CreateRoutine(kind, create) => self.create_routine(kind, create),
            Statement::CreateEvent(create) => create_in(&mut self.events, "event", create),
            Statement::DropTrigger(drop) => drop_all(&mut self.triggers, "trigger", drop),
            Statement::DropRoutine(kind, drop) => self.drop_routines(kind, drop),
            Statement::DropEvent(drop) => drop_all(&mut self.events, "event", drop),
            Statement::Empty
            | Statement::CreateDatabase(_)
            | Statement::AlterDatabase { .. }
            | Statement::DropDatabase(_)
            | Statement::Use(_)
            | Statement::Set(_)
            | Statement::LockTables(_)
            | Statement::UnlockTables
            | Statement::StartTransaction
            | Statement::EndTransaction
            | Statement::Insert(_)
            | Statement::TruncateTable(_)
            | Statement::Other(_) => Ok(()),
        }
    }
}

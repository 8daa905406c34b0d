//! What one operation does to the schema, or why the server refuses it.

use super::Run;
use crate::civicrm::upgrade::op::{
    Action, Alteration, Clause, Guard, Insert, InsertMode, Op, Reads,
};
use crate::preflight::condition::Holds;
use crate::preflight::run::SilentDamage;
use crate::preflight::server_model::{ServerError, Silent};
use crate::schema::model::{Schema, find};

impl Run<'_, '_> {
    /// Runs an operation on paper.
    pub(super) fn try_op(&mut self, op: &Op) -> Result<(), ServerError> {
        match &op.action {
            Action::CreateTable(new) => {
                self.reads(&new.reads)?;
                let mut new = new.clone();
                if self.is_multilingual() {
                    new.localize(&self.locales);
                }
                let silent = self.server.create_table(&mut self.schema, &new)?;
                self.silent(silent);
            }
            Action::DropTable { table, if_exists } => {
                self.server
                    .drop_table(&mut self.schema, table, *if_exists)?;
            }
            Action::RenameTable { table, to } => {
                self.server.rename_table(&mut self.schema, table, to)?
            }
            Action::Alter { table, clauses } => self.alter(table, clauses)?,
            Action::CreateView {
                view,
                reads,
                or_replace,
            } => {
                self.reads(reads)?;
                self.server
                    .create_view(&mut self.schema, view, *or_replace)?;
            }
            Action::DropView { view, if_exists } => {
                self.server.drop_view(&mut self.schema, view, *if_exists)?;
            }
            Action::Insert(insert) => {
                self.columns(&insert.table, &insert.columns)?;
                self.reads(&insert.query.reads)?;
                for need in &insert.query.needs {
                    self.columns(&need.table, &[])?;
                }
                self.inserts(insert)?;
            }
            Action::Update(change) | Action::Delete(change) => {
                self.columns(&change.table, &change.set)?;
                self.reads(&change.query.reads)?;
            }
            Action::Select(query) => self.reads(&query.reads)?,
            Action::Api(call) => {
                self.reads(&call.query.reads)?;
                if let Some(table) = &call.table {
                    self.columns(table, &call.set)?;
                    if matches!(call.action.as_str(), "create" | "save") {
                        self.numbered(table)?;
                        self.inserts_all_but_own(table)?;
                    }
                }
            }
            Action::DropTriggers => self.schema.triggers.clear(),
            Action::CreateTrigger { table, reads } => {
                self.reads(reads)?;
                if is_of_custom_tables(table.as_deref())
                    && let Some(table) = self.no_custom_table(self.compares_exactly() == Some(true))
                {
                    return Err(ServerError::NoTable { table });
                }
            }
            Action::ForeignKeyChecks(on) => self.server.foreign_key_checks = *on,
            Action::Other { reads, .. } => self.reads(reads)?,
            Action::CreateRoutine | Action::RebuildMultilingual { .. } => {}
        }
        Ok(())
    }

    /// What the clauses change whose conditions hold.
    pub(super) fn changes(
        &self,
        table: &str,
        clauses: &[Clause],
    ) -> Result<Vec<Alteration>, ServerError> {
        let mut changes: Vec<Alteration> = Vec::new();
        for clause in clauses {
            if clause.guard != Guard::None {
                let alone = Op::of_clause(table, clause);
                if self.background().is_done(&alone)? == Holds::No {
                    continue;
                }
            }
            if let Alteration::ChangeColumn {
                from,
                of_type: Some(of_type),
                ..
            } = &clause.change
            {
                let column = self
                    .schema
                    .table(table)
                    .and_then(|table| find(&table.columns, from));
                let found = column.map(|column| column.data_type.as_str());
                let is_meant = match of_type {
                    Ok(wanted) => found == Some(wanted.as_str()),
                    Err(other) => found.is_some_and(|found| found != other),
                };
                if !is_meant {
                    continue;
                }
            }
            changes.push(clause.change.clone());
        }
        Ok(changes)
    }

    fn alter(&mut self, table: &str, clauses: &[Clause]) -> Result<(), ServerError> {
        let changes = self.changes(table, clauses)?;
        if changes.is_empty() {
            return Ok(());
        }
        let silent = self.server.alter(&mut self.schema, table, &changes)?;
        for change in &changes {
            if let Alteration::DropForeignKey(name) = change {
                self.dropped
                    .push((table.to_ascii_lowercase(), name.to_ascii_lowercase()));
            }
        }
        self.silent(silent);
        Ok(())
    }

    fn silent(&mut self, silent: Vec<Silent>) {
        for Silent::NoForeignKey { table, columns } in silent {
            let found = self
                .schema
                .table(&table)
                .and_then(|table| table.engine.clone());
            let engine = found.unwrap_or_default();
            self.outcome.silent.push(SilentDamage {
                step: self.step.clone(),
                what: format!(
                    "the foreign key on {} is not made, because the engine {engine} has none",
                    columns.join(", ")
                ),
                table,
            });
        }
    }

    /// Whether all that a query reads is there.
    fn reads(&self, reads: &Reads) -> Result<(), ServerError> {
        for (table, columns) in reads {
            self.columns(table, columns)?;
        }
        Ok(())
    }

    /// Whether columns of a table are there; on a multilingual site under the name of any language, too.
    fn columns(&self, table: &str, columns: &[String]) -> Result<(), ServerError> {
        // Temporary tables of the task, and custom tables, are not looked at.
        if table.contains('{') {
            return Ok(());
        }
        let plain = columns
            .iter()
            .map(String::as_str)
            .filter(|column| !column.contains(['{', '*']));
        if !self.is_multilingual() {
            return self.server.reads(&self.schema, table, plain);
        }
        let Some(found) = self.schema.table(table) else {
            return self.server.reads(&self.schema, table, []);
        };
        let is_there = |column: &str| {
            find(&found.columns, column).is_some()
                || self
                    .locales
                    .iter()
                    .any(|locale| find(&found.columns, &format!("{column}_{locale}")).is_some())
        };
        let missing = plain.filter(|column| !is_there(column));
        self.server.reads(&self.schema, table, missing)
    }

    /// The columns that get a value, in each language.
    fn given(&self, columns: &[String]) -> Vec<String> {
        let mut given = columns.to_vec();
        for locale in &self.locales {
            given.extend(columns.iter().map(|column| format!("{column}_{locale}")));
        }
        given
    }

    /// Whether a row can be inserted without the other columns. Of what CiviCRM's own table would refuse as well, a step
    /// has taken care.
    fn inserts(&self, insert: &Insert) -> Result<(), ServerError> {
        if insert.mode == InsertMode::Ignore {
            return Ok(());
        }
        let mut given = self.given(&insert.columns);
        let reference = self.reference.as_ref();
        let theirs = reference.and_then(|schema| schema.table(&insert.table));
        let own = self.schema.table(&insert.table);
        for name in own.into_iter().flat_map(|table| table.columns.keys()) {
            let column = theirs.and_then(|table| find(&table.columns, name));
            let fills_itself = column.is_some_and(|column| {
                column.auto_increment || column.nullable || column.default.is_some()
            });
            if !fills_itself && !self.is_of_site(&insert.table, name) {
                given.push(name.clone());
            }
        }
        self.server.inserts(&self.schema, &insert.table, &given)
    }

    /// Whether a row can be inserted that has no values for columns that are not CiviCRM's: its data layer does not know
    /// them.
    fn inserts_all_but_own(&self, table: &str) -> Result<(), ServerError> {
        let found = self.schema.table(table);
        let names = found.into_iter().flat_map(|table| table.columns.keys());
        let given: Vec<String> = names
            .filter(|name| !self.is_of_site(table, name))
            .cloned()
            .collect();
        self.server.inserts(&self.schema, table, &given)
    }

    /// Whether a column is neither CiviCRM's nor made by a step.
    fn is_of_site(&self, table: &str, column: &str) -> bool {
        let at_start = &self.setup.case.snapshot.schema;
        is_of_site(at_start, self.reference.as_ref(), table, column)
    }

    /// Whether the server numbers new rows of the table, on which CiviCRM's data layer relies.
    fn numbered(&self, table: &str) -> Result<(), ServerError> {
        let id = self
            .schema
            .table(table)
            .and_then(|table| find(&table.columns, "id"));
        let is_numbered =
            id.is_none_or(|id| id.auto_increment || id.nullable || id.default.is_some());
        if is_numbered || !self.server.strict {
            return Ok(());
        }
        Err(ServerError::NoDefault {
            column: "id".to_owned(),
        })
    }

    /// A trigger is made for the table of every active custom group: the first that is not there. `is_exact` tells whether
    /// the letter case counts in which the group names it.
    fn no_custom_table(&self, is_exact: bool) -> Option<String> {
        let site = self.setup.case.site.as_ref();
        let groups = site.iter().flat_map(|site| &site.custom_groups);
        let mut active = groups.filter(|group| group.is_active);
        let missing = active.find(|group| match is_exact {
            true => !self.schema.tables.contains_key(&group.table),
            false => self.schema.table(&group.table).is_none(),
        });
        missing.map(|group| group.table.clone())
    }

    /// The first custom table for which a trigger cannot be made if the server compares names of tables exactly, where it
    /// is not known whether it does.
    pub(super) fn maybe_no_custom_table(&self, op: &Op) -> Option<String> {
        let Action::CreateTrigger { table, .. } = &op.action else {
            return None;
        };
        let is_unknown = is_of_custom_tables(table.as_deref()) && self.compares_exactly().is_none();
        let name = self.no_custom_table(true).filter(|_| is_unknown)?;
        self.schema.table(&name).is_some().then_some(name)
    }

    /// Whether the server compares names of tables exactly; `None` where that is not known.
    fn compares_exactly(&self) -> Option<bool> {
        let facts = self.setup.case.snapshot.server.as_ref();
        let compares = facts.and_then(|facts| facts.variable("lower_case_table_names"));
        compares.map(|compares| compares == "0")
    }
}

fn is_of_custom_tables(table: Option<&str>) -> bool {
    table.is_none_or(|table| table == "{custom_table}")
}

/// Whether a column that the database has at the start of the upgrade is not one of CiviCRM's.
pub(in crate::preflight) fn is_of_site(
    start: &Schema,
    reference: Option<&Schema>,
    table: &str,
    column: &str,
) -> bool {
    let has = |schema: &Schema| {
        let table = schema.table(table);
        table.map(|table| find(&table.columns, column).is_some())
    };
    has(start) == Some(true) && reference.and_then(has) == Some(false)
}

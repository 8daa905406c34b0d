//! The operations of a run as statements, as they are when the run comes to them.

use super::Run;
use crate::civicrm::upgrade::op::{Action, Guard, Op};
use crate::civicrm::upgrade::step::Task;
use crate::preflight::statements::{RenderedOperation, Renderer, foreign_key_checks, looks_at};

impl Run<'_, '_> {
    /// The operation as statements, before it runs; `None` where they are not wanted.
    pub(super) fn rendered(
        &self,
        task: &Task,
        op: &Op,
        condition: Option<String>,
    ) -> Option<RenderedOperation> {
        if !self.setup.renders {
            return None;
        }
        let renderer = self.renderer();
        let changes = match &op.action {
            // Where a condition cannot be looked at, the run has said so.
            Action::Alter { table, clauses } => self.changes(table, clauses).unwrap_or_default(),
            _ => Vec::new(),
        };
        let statements = renderer
            .operation(op, &changes)
            .and_then(|own| Ok([renderer.looks(op)?, own].concat()));
        Some(RenderedOperation {
            step: self.step.clone(),
            task: task.task.clone(),
            operation: op.kind(),
            table: op.table().map(str::to_owned),
            statements,
            ignores_errors: task.ignores_errors || op.guard == Guard::IgnoreErrors,
            condition,
            error: None,
        })
    }

    /// Notes that CiviCRM looks at the table of an operation that it does not run.
    pub(super) fn looked_at(&mut self, task: &Task, op: &Op) {
        if !self.setup.renders || looks_at(op, &self.schema).is_none() {
            return;
        }
        let rendered = RenderedOperation {
            step: self.step.clone(),
            task: task.task.clone(),
            operation: op.kind(),
            table: op.table().map(str::to_owned),
            statements: self.renderer().looks(op),
            ignores_errors: task.ignores_errors,
            condition: None,
            error: self.error,
        };
        self.outcome.statements.push(rendered);
    }

    /// Foreign keys are checked again behind a task that has turned that off.
    pub(super) fn checks_again(&mut self, task: &Task) {
        if self.setup.renders && !self.server.foreign_key_checks {
            self.outcome.statements.push(RenderedOperation {
                step: self.step.clone(),
                task: task.task.clone(),
                operation: "session",
                table: None,
                statements: foreign_key_checks(true).map(|statement| vec![statement]),
                ignores_errors: false,
                condition: None,
                error: None,
            });
        }
        self.server.foreign_key_checks = true;
    }

    fn renderer(&self) -> Renderer<'_> {
        let site = self.setup.case.site.as_ref();
        let groups = site.iter().flat_map(|site| &site.custom_groups);
        Renderer {
            schema: &self.schema,
            background: self.background(),
            start: &self.setup.case.snapshot.schema,
            reference: self.reference.as_ref(),
            target: self.target.as_ref(),
            locales: &self.locales,
            custom_tables: groups
                .filter(|group| group.is_active)
                .map(|group| group.table.as_str())
                .collect(),
        }
    }
}

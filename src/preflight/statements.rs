//! The operations of an upgrade as statements, so that a server can be asked what the paper run tells.
//!
//! A statement that changes the schema is the one that CiviCRM runs. Of rows the facts know which tables and columns a
//! statement names, the values of some new rows and what it mends; such a statement reads, writes and mends just that.

mod programs;
mod rows;

use super::condition::Background;
use super::render;
use super::server_model::{resolved, written};
use crate::civicrm::upgrade::op::{Action, Alteration, Guard, NewTable, Op, Reads, Via};
use crate::gate::{Blocked, Meaning, Operation};
use crate::schema::model::{ForeignKey, Index, IndexKind, Schema, Table, find};
use crate::schema::sql::{ForeignKeys, create_table, identifier, key_parts};

/// One operation of an upgrade as statements, and what the server on paper says to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedOperation {
    /// The step; `None` around the steps.
    pub step: Option<String>,
    /// The title of the task.
    pub task: String,
    /// What the operation does, as [`Op::kind`] names it.
    pub operation: &'static str,
    /// The table of the operation.
    pub table: Option<String>,
    /// The statements in order, without semicolons; the operation fails with the first that fails. An error where a name
    /// cannot be written so that it reads back as itself.
    pub statements: Result<Vec<String>, Blocked>,
    /// Whether the upgrade goes on when the operation fails.
    pub ignores_errors: bool,
    /// The condition under which CiviCRM runs it, where only the site can tell whether it holds.
    pub condition: Option<String>,
    /// The number of the error that the server on paper gives.
    pub error: Option<u32>,
}

/// What operations are rendered with.
pub(super) struct Renderer<'a> {
    /// The schema before the operation.
    pub schema: &'a Schema,
    /// What is known of the rows before the operation.
    pub background: Background<'a>,
    /// The schema before the upgrade.
    pub start: &'a Schema,
    /// What CiviCRM makes of the release that the database declares.
    pub reference: Option<&'a Schema>,
    /// What CiviCRM makes of the release of the code.
    pub target: Option<&'a Schema>,
    /// The languages of a multilingual site.
    pub locales: &'a [String],
    /// The tables of active custom groups.
    pub custom_tables: Vec<&'a str>,
}

impl Renderer<'_> {
    /// The statements of an operation; of an ALTER TABLE those `changes` whose conditions hold.
    ///
    /// # Errors
    /// A statement reads back as something else.
    pub fn operation(&self, op: &Op, changes: &[Alteration]) -> Result<Vec<String>, Blocked> {
        match &op.action {
            Action::CreateTable(new) => self.create_table(new),
            Action::DropTable { table, if_exists } => {
                one(drop_object(Operation::DropTable, table, *if_exists))
            }
            Action::RenameTable { table, to } => one(render::rename_table(table, to)),
            Action::Alter { table, .. } => self.alter(table, op.via, changes),
            Action::CreateView {
                view,
                reads,
                or_replace,
            } => self.create_view(view, reads, *or_replace),
            Action::DropView { view, if_exists } => {
                one(drop_object(Operation::DropView, view, *if_exists))
            }
            Action::Insert(insert) => self.insert(insert),
            Action::Update(change) => self.update(change),
            Action::Delete(change) => self.delete(change, op.via),
            Action::Select(query) => self.reads(&query.reads),
            Action::Api(call) => self.api(call),
            Action::DropTriggers => self.drop_triggers(),
            Action::CreateTrigger { table, reads } => self.create_triggers(table.as_deref(), reads),
            Action::CreateRoutine => self.create_function(),
            Action::ForeignKeyChecks(on) => one(foreign_key_checks(*on)),
            Action::Other { table, reads, .. } => {
                let mut statements = self.reads(reads)?;
                if let (Some(Via::LockTables), Some(table)) = (op.via, table) {
                    statements.extend(lock(table)?);
                }
                Ok(statements)
            }
            // The data layer does this, at the level of its release.
            Action::RebuildMultilingual { .. } => Ok(Vec::new()),
        }
    }

    /// What CiviCRM looks at before an operation whose condition is about its own object.
    ///
    /// # Errors
    /// A statement reads back as something else.
    pub fn looks(&self, op: &Op) -> Result<Vec<String>, Blocked> {
        let table = looks_at(op, self.schema);
        let table = table.map(|table| self.read(table, &[]));
        table.into_iter().collect()
    }

    fn alter(
        &self,
        table: &str,
        via: Option<Via>,
        changes: &[Alteration],
    ) -> Result<Vec<String>, Blocked> {
        match (via, changes) {
            (_, []) => Ok(Vec::new()),
            (Some(Via::CreateIndex), [Alteration::AddIndex { name, index, .. }]) => {
                one(create_index(table, name, index))
            }
            (Some(Via::DropIndex), [Alteration::DropIndex(name)]) => {
                let statement = format!("DROP INDEX {} ON {}", identifier(name), identifier(table));
                one(Meaning::new(Operation::DropIndex, [name.as_str(), table]).pass(statement))
            }
            _ => {
                let changes: Vec<Alteration> = changes
                    .iter()
                    .map(|change| resolved(self.schema, change))
                    .collect();
                one(render::alter(table, &changes))
            }
        }
    }

    fn create_table(&self, new: &NewTable) -> Result<Vec<String>, Blocked> {
        let mut statements = self.reads(&new.reads)?;
        let name = identifier(&new.name);
        let words = match (new.temporary, new.if_not_exists) {
            (true, true) => "CREATE TEMPORARY TABLE IF NOT EXISTS ",
            (true, false) => "CREATE TEMPORARY TABLE ",
            (false, true) => "CREATE TABLE IF NOT EXISTS ",
            (false, false) => "CREATE TABLE ",
        };
        let operation = match new.temporary {
            true => Operation::CreateTemporaryTable,
            false => Operation::CreateTable,
        };
        if let Some(like) = &new.like {
            let statement = format!("{words}{name} LIKE {}", identifier(like));
            let meaning = Meaning::new(operation, [&new.name, like]);
            statements.push(meaning.pass(statement)?);
            return Ok(statements);
        }
        let mut new = new.clone();
        if !self.locales.is_empty() {
            new.localize(self.locales);
        }
        let mut table = written(self.schema, &new);
        for (number, (constraint, key)) in new.foreign_keys.iter().enumerate() {
            // The name that the server would choose.
            let chosen = || format!("{}_ibfk_{}", new.name, number + 1);
            let constraint = constraint.clone().unwrap_or_else(chosen);
            table.foreign_keys.insert(constraint, key.clone());
        }
        let statement = create_table(&new.name, &table, ForeignKeys::Included);
        let statement = statement.replacen("CREATE TABLE ", words, 1);
        statements.push(meaning_of_table(operation, &new.name, &table)?.pass(statement)?);
        Ok(statements)
    }

    fn create_view(
        &self,
        view: &str,
        reads: &Reads,
        or_replace: bool,
    ) -> Result<Vec<String>, Blocked> {
        let mut statements = self.reads(reads)?;
        let (words, operation) = match or_replace {
            true => ("CREATE OR REPLACE VIEW", Operation::ReplaceView),
            false => ("CREATE VIEW", Operation::CreateView),
        };
        let mut names = vec![view.to_owned()];
        let from = reads.keys().next().map_or_else(String::new, |table| {
            names.push(table.clone());
            format!(" FROM {}", identifier(table))
        });
        let statement = format!("{words} {} AS SELECT 1 AS one{from}", identifier(view));
        statements.push(Meaning::new(operation, names).pass(statement)?);
        Ok(statements)
    }
}

fn one(statement: Result<String, Blocked>) -> Result<Vec<String>, Blocked> {
    statement.map(|statement| vec![statement])
}

fn drop_object(operation: Operation, name: &str, if_exists: bool) -> Result<String, Blocked> {
    let words = match operation {
        Operation::DropView => "DROP VIEW",
        _ => "DROP TABLE",
    };
    let condition = if if_exists { " IF EXISTS" } else { "" };
    let statement = format!("{words}{condition} {}", identifier(name));
    Meaning::new(operation, [name]).pass(statement)
}

/// `SET SESSION foreign_key_checks`.
///
/// # Errors
/// None that is known: it quotes no name.
pub(super) fn foreign_key_checks(on: bool) -> Result<String, Blocked> {
    let statement = format!("SET SESSION foreign_key_checks = {}", u8::from(on));
    Meaning::new::<String>(Operation::SetSession, []).pass(statement)
}

fn lock(table: &str) -> Result<Vec<String>, Blocked> {
    let statement = format!("LOCK TABLES {} WRITE", identifier(table));
    let unlock = Meaning::new::<String>(Operation::UnlockTables, []);
    Ok(vec![
        Meaning::new(Operation::LockTables, [table]).pass(statement)?,
        unlock.pass("UNLOCK TABLES".to_owned())?,
    ])
}

fn create_index(table: &str, name: &str, index: &Index) -> Result<String, Blocked> {
    let (words, operation) = match index.kind {
        IndexKind::Unique => ("CREATE UNIQUE INDEX", Operation::CreateUniqueIndex),
        _ => ("CREATE INDEX", Operation::CreateIndex),
    };
    let statement = format!(
        "{words} {} ON {} {}",
        identifier(name),
        identifier(table),
        key_parts(&index.parts)
    );
    let columns = index.parts.iter().map(|part| part.column.as_str());
    Meaning::new(operation, columns.chain([name, table])).pass(statement)
}

/// What a CREATE TABLE is meant to be.
fn meaning_of_table(operation: Operation, name: &str, table: &Table) -> Result<Meaning, Blocked> {
    let of_key = |key: &ForeignKey| {
        let columns = key.columns.iter().chain(&key.referenced_columns).cloned();
        columns.collect::<Vec<_>>()
    };
    let mut names: Vec<String> = vec![name.to_owned()];
    names.extend(table.columns.keys().chain(table.indexes.keys()).cloned());
    let parts = table.indexes.values().flat_map(|index| &index.parts);
    names.extend(parts.map(|part| part.column.clone()));
    for (constraint, key) in &table.foreign_keys {
        names.extend([constraint.clone(), key.referenced_table.clone()]);
        names.extend(of_key(key));
    }
    let types = table.columns.values().map(|column| &column.data_type);
    types
        .into_iter()
        .try_fold(Meaning::new(operation, names), |meaning, piece| {
            meaning.with_piece(piece)
        })
}

/// Whether CiviCRM looks at the table before the operation, which fails where the table is missing; and at which.
pub(super) fn looks_at<'o>(op: &'o Op, schema: &Schema) -> Option<&'o str> {
    if !matches!(op.guard, Guard::IfExists | Guard::IfAbsent) {
        return None;
    }
    let Action::Alter { table, clauses } = &op.action else {
        return None;
    };
    let is_log = table.starts_with("log_") && find(&schema.tables, table).is_none();
    let by_table = clauses.first().is_some_and(|clause| {
        !matches!(
            clause.change,
            Alteration::AddForeignKey { .. }
                | Alteration::DropForeignKey(_)
                | Alteration::Engine(_)
                | Alteration::RowFormat(_)
                | Alteration::Convert { .. }
                | Alteration::AutoIncrement
        )
    });
    (by_table && !is_log).then_some(table)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::civicrm::upgrade::op::Clause;
    use crate::hostile;
    use crate::preflight::facts::RowFacts;
    use crate::schema::model::{Column, KeyPart};
    use crate::snapshot::Snapshot;

    /// The statements of an action on a database that has one table with one column and one trigger of this name.
    fn rendered(action: Action, name: &str) -> Result<Vec<String>, Blocked> {
        let mut table = Table::default();
        table
            .columns
            .insert(name.to_owned(), Column::new("varchar(64)", false));
        let mut schema = Schema::default();
        schema.tables.insert(name.to_owned(), table);
        rendered_with(action, schema, None)
    }

    /// The statements of an action on a database of this schema, where CiviCRM's releases have `target`.
    pub(super) fn rendered_with(
        action: Action,
        schema: Schema,
        target: Option<&Schema>,
    ) -> Result<Vec<String>, Blocked> {
        let snapshot = Snapshot {
            schema,
            ..Snapshot::default()
        };
        let custom_tables = snapshot.schema.tables.keys().map(String::as_str).collect();
        let rows = RowFacts::new(&snapshot);
        let filled = HashSet::new();
        let renderer = Renderer {
            schema: &snapshot.schema,
            background: Background {
                schema: &snapshot.schema,
                rows: &rows,
                steps: &[],
                from: None,
                added: &[],
                filled: &filled,
                dropped: &[],
            },
            start: &snapshot.schema,
            reference: None,
            target,
            locales: &[],
            custom_tables,
        };
        let op = Op {
            action,
            guard: Guard::None,
            code: Vec::new(),
            multilingual: None,
            logging: false,
            via: None,
        };
        renderer.operation(&op, &[])
    }

    /// Makes sure that the statements of these actions are what they are meant to be, whatever names are.
    pub(super) fn assert_meant(actions: impl Fn(&str) -> Vec<Action>) {
        for name in hostile::names() {
            for action in actions(&name) {
                let statements = rendered(action.clone(), &name);
                if hostile::is_refused(&name) && statements.is_err() {
                    continue;
                }
                let statements = statements.unwrap_or_else(|error| panic!("{name:?}: {error}"));
                assert!(!statements.is_empty(), "{name:?}: {action:?}");
            }
        }
    }

    #[test]
    fn tables_and_views_are_those_that_are_meant_whatever_names_are() {
        assert_meant(|name| {
            let name = name.to_owned();
            let mut new = NewTable {
                name: name.clone(),
                primary: vec![name.clone()],
                ..NewTable::default()
            };
            new.columns
                .insert(name.clone(), Column::new("varchar(64)", false));
            vec![
                Action::CreateTable(Box::new(new)),
                Action::DropTable {
                    table: name.clone(),
                    if_exists: true,
                },
                Action::RenameTable {
                    table: name.clone(),
                    to: name.clone(),
                },
                Action::CreateView {
                    view: name.clone(),
                    reads: Reads::default(),
                    or_replace: true,
                },
                Action::DropView {
                    view: name.clone(),
                    if_exists: false,
                },
            ]
        });
        for name in hostile::names()
            .iter()
            .filter(|name| !hostile::is_refused(name))
        {
            let index = Index {
                kind: IndexKind::Unique,
                parts: vec![KeyPart::column(name)],
            };
            let statement = create_index(name, name, &index).expect("it is meant");
            assert!(
                statement.starts_with("CREATE UNIQUE INDEX `"),
                "{statement}"
            );
            assert_eq!(lock(name).expect("it is meant").len(), 2);
        }
        let clause = |change| Clause {
            change,
            localized: false,
            multilingual: None,
            guard: Guard::None,
        };
        let drop = clause(Alteration::DropColumn("a".to_owned()));
        let alter = Action::Alter {
            table: "t".to_owned(),
            clauses: vec![drop],
        };
        assert_eq!(rendered(alter, "t").expect("nothing holds"), [""; 0]);
    }
}

//! Whether the condition of an operation holds for this database.

use std::collections::HashSet;

use super::facts::RowFacts;
use super::server_model::ServerError;
use crate::civicrm::release::Version;
use crate::civicrm::upgrade::op::{Action, Alteration, Condition, Guard, Op, RowOf, Test, Values};
use crate::schema::model::{ForeignKey, Schema, find};

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// Only the site itself can tell.
    Unknown,
}

impl Holds {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::Yes,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// What conditions are looked up in.
pub(super) struct Background<'a> {
    pub schema: &'a Schema,
    pub rows: &'a RowFacts<'a>,
    /// The steps of the upgrade.
    pub steps: &'a [String],
    /// The version of the database at the start of the upgrade.
    pub from: Option<&'a Version>,
    /// Rows that earlier operations have added.
    pub added: &'a [(String, Values)],
    /// Tables, in lower case, that earlier operations have given rows whose values are not known.
    pub filled: &'a HashSet<String>,
    /// Foreign keys that operations of this task dropped: table and name, in lower case.
    pub dropped: &'a [(String, String)],
}

impl Background<'_> {
    /// Whether an operation is done.
    ///
    /// # Errors
    /// CiviCRM looks at columns and indexes of a table by SHOW COLUMNS and SHOW INDEX, which fail where the table is
    /// missing (1146).
    pub fn is_done(&self, op: &Op) -> Result<Holds, ServerError> {
        match &op.guard {
            Guard::None | Guard::IgnoreErrors => Ok(Holds::Yes),
            Guard::When(condition) => Ok(self.holds(condition)),
            Guard::IfExists => Ok(Holds::of(self.is_there(&op.action)?.unwrap_or(true))),
            Guard::IfAbsent => Ok(Holds::of(!self.is_there(&op.action)?.unwrap_or(false))),
        }
    }

    /// Whether the object of an operation is there; `None` if the operation has no object in the schema.
    fn is_there(&self, action: &Action) -> Result<Option<bool>, ServerError> {
        let (table, change) = match action {
            Action::Alter { table, clauses } => match clauses.first() {
                Some(clause) => (table, &clause.change),
                None => return Ok(None),
            },
            Action::CreateTable(new) => return Ok(Some(self.schema.has_relation(&new.name))),
            Action::DropTable { table, .. } | Action::RenameTable { table, .. } => {
                return Ok(Some(self.schema.table(table).is_some()));
            }
            Action::CreateView { view, .. } | Action::DropView { view, .. } => {
                return Ok(Some(self.schema.has_relation(view)));
            }
            _ => return Ok(None),
        };
        let found = self.schema.table(table);
        match change {
            Alteration::AddForeignKey { name, .. } => {
                let name = name.as_deref().unwrap_or_default();
                return Ok(Some(
                    found.is_some_and(|table| find(&table.foreign_keys, name).is_some()),
                ));
            }
            Alteration::DropForeignKey(name) => {
                return Ok(Some(
                    found.is_some_and(|table| find(&table.foreign_keys, name).is_some()),
                ));
            }
            Alteration::Engine(_)
            | Alteration::RowFormat(_)
            | Alteration::Convert { .. }
            | Alteration::AutoIncrement => {
                return Ok(Some(found.is_some()));
            }
            _ => {}
        }
        let Some(found) = found else {
            // The columns of a view can be looked at, and are not those of the table.
            if find(&self.schema.views, table).is_some() {
                return Ok(Some(false));
            }
            // CiviCRM looks in the list of tables whether there is a log table.
            if table.starts_with("log_") {
                return Ok(Some(!matches!(
                    change,
                    Alteration::DropColumn(_)
                        | Alteration::DropIndex(_)
                        | Alteration::ChangeColumn { .. }
                )));
            }
            return Err(ServerError::NoTable {
                table: table.clone(),
            });
        };
        Ok(Some(match change {
            Alteration::AddColumn { name, .. } | Alteration::DropColumn(name) => {
                find(&found.columns, name).is_some()
            }
            Alteration::ChangeColumn { from, .. } => find(&found.columns, from).is_some(),
            Alteration::SetDefault { column, .. } => find(&found.columns, column).is_some(),
            Alteration::AddIndex {
                name, absent_also, ..
            } => {
                let mut names = std::iter::once(name).chain(absent_also);
                names.any(|name| find(&found.indexes, name).is_some())
            }
            Alteration::DropIndex(name) => find(&found.indexes, name).is_some(),
            _ => !found.primary_key.is_empty(),
        }))
    }

    /// Whether all tests of a condition hold.
    pub fn holds(&self, condition: &Condition) -> Holds {
        let mut tests: Vec<Holds> = Vec::new();
        for test in &condition.test {
            tests.push(self.test(test));
        }
        let Condition {
            when: _,
            test: _,
            column_type,
            column_exists,
            column_absent,
            index_absent,
            fk_exists,
            fk_absent,
            table_exists,
            table_empty,
            table_not_empty,
            row_exists,
            row_absent,
            all_null,
            max_below,
            from_at_least,
            from_below,
            steps_hold,
            component,
            collation_differs,
        } = condition;
        let mut add = |holds: Option<Holds>| tests.extend(holds);
        add(column_type.as_ref().map(|(column, wanted)| {
            let found = self.column(column).map(|column| column.data_type.as_str());
            Holds::of(found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        }));
        add(column_exists
            .as_ref()
            .map(|column| Holds::of(self.column(column).is_some())));
        add(column_absent
            .as_ref()
            .map(|column| Holds::of(self.column(column).is_none())));
        add(index_absent
            .as_ref()
            .map(|index| Holds::of(!self.has_index(index))));
        add(fk_exists
            .as_ref()
            .map(|key| Holds::of(self.foreign_key(key).is_some())));
        add(fk_absent
            .as_ref()
            .map(|key| Holds::of(self.foreign_key(key).is_none())));
        add(table_exists
            .as_ref()
            .map(|table| Holds::of(self.schema.has_relation(table))));
        add(table_empty.as_ref().map(|table| self.is_empty(table)));
        add(table_not_empty
            .as_ref()
            .map(|table| self.is_empty(table).not()));
        add(row_exists
            .as_ref()
            .map(|(table, values)| self.has_row(table, values)));
        add(row_absent
            .as_ref()
            .map(|(table, values)| self.has_row(table, values).not()));
        add(all_null
            .as_ref()
            .map(|column| self.rows.is_all_null(column)));
        add(max_below
            .as_ref()
            .map(|(column, below)| self.rows.is_below(column, *below)));
        add(from_at_least.as_ref().map(|wanted| {
            let wanted = Version::parse(wanted);
            Holds::of(
                self.from
                    .zip(wanted)
                    .is_some_and(|(from, wanted)| *from >= wanted),
            )
        }));
        add(from_below.as_ref().map(|below| {
            let below = Version::parse(below);
            Holds::of(
                self.from
                    .zip(below)
                    .is_some_and(|(from, below)| *from < below),
            )
        }));
        add(steps_hold
            .as_ref()
            .map(|step| Holds::of(self.steps.contains(step))));
        add(component
            .as_ref()
            .map(|component| self.rows.has_component(component)));
        add(collation_differs.as_ref().map(|(one, other)| {
            let collation = |table| {
                self.schema
                    .table(table)
                    .and_then(|table| table.collation.as_ref())
            };
            Holds::of(collation(one) != collation(other))
        }));
        if tests.is_empty() {
            return Holds::Unknown;
        }
        tests.into_iter().fold(Holds::Yes, Holds::and)
    }

    fn test(&self, test: &Test) -> Holds {
        let exists = test.exists.unwrap_or(true);
        if let Some(column) = &test.column {
            return Holds::of(self.column(column).is_some() == exists);
        }
        if let Some(index) = &test.index {
            return Holds::of(self.has_index(index) == exists);
        }
        if let Some(row) = &test.row {
            let found = self.has_row(&row.table, &row.values);
            return if exists { found } else { found.not() };
        }
        let Some(name) = &test.foreign_key else {
            return Holds::Unknown;
        };
        let key = self.foreign_key(name);
        let is_other_rule = test
            .on_delete_not
            .as_deref()
            .is_none_or(|rule| key.is_none_or(|key| key.on_delete.as_sql() != rule));
        let exists = test.exists.is_none_or(|exists| key.is_some() == exists);
        let dropped = !test.dropped || {
            let (table, key) = name.split_once('.').unwrap_or_default();
            let wanted = (table.to_ascii_lowercase(), key.to_ascii_lowercase());
            self.dropped.contains(&wanted)
        };
        Holds::of(is_other_rule && exists && dropped)
    }

    fn column(&self, name: &str) -> Option<&crate::schema::model::Column> {
        let (table, column) = name.split_once('.')?;
        find(&self.schema.table(table)?.columns, column)
    }

    fn has_index(&self, name: &str) -> bool {
        let parts = name.split_once('.');
        parts.is_some_and(|(table, index)| {
            let table = self.schema.table(table);
            table.is_some_and(|table| find(&table.indexes, index).is_some())
        })
    }

    fn foreign_key(&self, name: &str) -> Option<&ForeignKey> {
        let (table, key) = name.split_once('.')?;
        find(&self.schema.table(table)?.foreign_keys, key)
    }

    fn is_empty(&self, table: &str) -> Holds {
        if self.schema.table(table).is_none() {
            return Holds::Yes;
        }
        self.rows.is_empty(table)
    }

    /// Whether a row with these values exists: before the upgrade, or because an earlier operation has added it.
    fn has_row(&self, table: &str, values: &Values) -> Holds {
        let is_added = self.added.iter().any(|(of, row)| {
            let has = |(column, value): (&String, _)| row.get(column) == Some(value);
            of.eq_ignore_ascii_case(table) && values.iter().all(has)
        });
        if is_added {
            return Holds::Yes;
        }
        self.had_row(table, values)
    }

    /// Whether a row that new rows refer to is there.
    pub fn has_needed_row(&self, need: &RowOf) -> Holds {
        let is_known = self.rows.has_table(&need.table)
            && !self.filled.contains(&need.table.to_ascii_lowercase());
        match self.has_row(&need.table, &need.values) {
            Holds::No if !is_known => Holds::Unknown,
            holds => holds,
        }
    }

    /// Whether the database has a row with these values before the upgrade.
    pub fn had_row(&self, table: &str, values: &Values) -> Holds {
        if !self.schema.has_relation(table) {
            return Holds::No;
        }
        self.rows.has_row(&RowOf {
            table: table.to_owned(),
            values: values.clone(),
            purpose: None,
        })
    }
}

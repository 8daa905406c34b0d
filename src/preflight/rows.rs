//! What must be true of the rows for an operation, and which rows make it fail.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::failure::{Cause, RowCause};
use super::fit::{Fit, Misfit};
use super::mended::Mended;
use super::server_model::{ServerError, ServerModel};
use crate::civicrm::upgrade::op::{
    Action, Alteration, Clause, Insert, InsertMode, Op, Values, table_of_entity,
};
use crate::civicrm::upgrade::own_checks::Rule;
use crate::schema::meaning::family;
use crate::schema::model::{
    Column, ForeignKey, Index, IndexKind, KeyPart, ReferentialAction, Schema, Table, find,
    find_entry,
};

/// Something that must be true of the rows that the database has before the upgrade, so that a step does not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowNeed {
    /// The table as the database spells it before the upgrade.
    pub table: String,
    /// What must be true.
    pub rows: RowsMust,
    /// The step that fails otherwise.
    pub step: Option<String>,
}

/// What must be true of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowsMust {
    /// Each row has its parent.
    HaveParents {
        /// The column that refers.
        column: String,
        /// The parent table.
        parent: String,
        /// The column of the parent table.
        parent_column: String,
        /// What the new foreign key does when the parent is deleted.
        on_delete: ReferentialAction,
    },
    /// No two rows are equal in a key; NULLs count as different.
    Differ {
        /// The name of the key.
        key: String,
        /// The columns of the key.
        parts: Vec<KeyPart>,
    },
    /// No row has NULL in a column.
    HaveValue {
        /// The column.
        column: String,
    },
    /// Each value of a column goes into a column of another type.
    Fit {
        /// The column.
        column: String,
        /// What the values have to be.
        fit: Fit,
    },
    /// No row has a date without a day or month in a column.
    HaveDates {
        /// The column.
        column: String,
    },
    /// The rows pass a test of CiviCRM's own code.
    Pass {
        /// The test.
        rule: &'static Rule,
    },
}

impl RowsMust {
    /// The same need as one text, whatever the letter case of its names.
    fn key(&self, table: &str) -> String {
        let text = match self {
            Self::HaveParents { column, parent, .. } => {
                format!("{table} parents {column} {parent}")
            }
            Self::Differ { parts, .. } => {
                let mut columns: Vec<&str> =
                    parts.iter().map(|part| part.column.as_str()).collect();
                columns.sort_unstable();
                format!("{table} differ {}", columns.join(" "))
            }
            Self::HaveValue { column } => format!("{table} value {column}"),
            Self::Fit { column, fit } => format!("{table} fit {column} {}", fit.key()),
            Self::HaveDates { column } => format!("{table} dates {column}"),
            Self::Pass { rule } => format!("{table} rule {}", rule.name),
        };
        text.to_ascii_lowercase()
    }
}

/// The rows for which something is not true.
#[derive(Clone, Debug, Default)]
pub struct RowAnswers {
    offending: BTreeMap<String, RowCause>,
}

impl RowAnswers {
    /// Adds rows of a table for which a need is not met.
    pub fn add(&mut self, table: &str, need: &RowsMust, cause: RowCause) {
        self.offending.insert(need.key(table), cause);
    }
}

/// What the steps of a run need of rows, and have done to them so far.
#[derive(Debug, Default)]
pub(super) struct RowState {
    /// The tables and columns that have other names than at the start: name now, `table` or `table.column` in lower
    /// case, to the name at the start.
    renamed: HashMap<String, String>,
    /// What earlier operations have mended: kind and `table.column` in lower case.
    mended: HashSet<(&'static str, String)>,
    /// Tables of which an earlier operation deleted rows, and columns (`table.column`) that one has changed, in lower
    /// case.
    changed: HashSet<String>,
    /// Tables, in lower case, that earlier operations have given rows whose values are not known.
    pub filled: HashSet<String>,
    /// Rows that earlier operations have added, by what is known of their values.
    pub added: Vec<(String, Values)>,
    /// What must be true of the rows.
    pub needs: Vec<RowNeed>,
}

impl RowState {
    /// The table under its name at the start, with its name there; `None` if the run has made it.
    pub fn at_start<'s>(&self, start: &'s Schema, table: &str) -> Option<(&'s String, &'s Table)> {
        let lower = table.to_ascii_lowercase();
        let name = self.renamed.get(&lower).map_or(table, String::as_str);
        find_entry(&start.tables, name)
    }

    /// A column under its name at the start; `None` if the run has made it.
    fn column_at_start(&self, table: &Table, name: &str, column: &str) -> Option<String> {
        let lower = format!("{name}.{column}").to_ascii_lowercase();
        let column = self.renamed.get(&lower).map_or(column, String::as_str);
        find_entry(&table.columns, column).map(|(column, _)| column.clone())
    }

    fn is_mended(&self, kind: &'static str, table: &str, column: &str) -> bool {
        let whole = (kind, table.to_ascii_lowercase());
        let one = (kind, format!("{table}.{column}").to_ascii_lowercase());
        // The column of one language is mended with those of the others.
        let of_language = self.mended.iter().any(|(other, mended)| {
            let rest = one.1.strip_prefix(mended.as_str());
            *other == kind
                && rest.is_some_and(|rest| rest.starts_with('_') && rest.len() == "_en_us".len())
        });
        of_language || self.mended.contains(&whole) || self.mended.contains(&one)
    }

    /// Notes what an operation that ran has done to names and rows.
    pub fn note(&mut self, op: &Op) {
        match &op.action {
            Action::RenameTable { table, to } => {
                let lower = table.to_ascii_lowercase();
                let first = self.renamed.get(&lower).unwrap_or(table).clone();
                self.renamed.insert(to.to_ascii_lowercase(), first);
            }
            Action::Alter { table, clauses } => {
                for clause in clauses {
                    if let Alteration::ChangeColumn { from, to, .. } = &clause.change
                        && from != to
                    {
                        let before = format!("{table}.{from}").to_ascii_lowercase();
                        let first = self.renamed.get(&before).unwrap_or(from).clone();
                        self.renamed
                            .insert(format!("{table}.{to}").to_ascii_lowercase(), first);
                    }
                }
            }
            Action::Insert(insert) => {
                if insert.rows.is_empty() {
                    self.filled.insert(insert.table.to_ascii_lowercase());
                }
                for row in &insert.rows {
                    let values = insert.row_columns.iter().cloned().zip(row.iter().cloned());
                    self.added.push((insert.table.clone(), values.collect()));
                }
            }
            Action::Update(change) => {
                let mends = || {
                    let mends = change.mends.iter();
                    mends.filter_map(|words| Mended::read(&change.table, words))
                };
                // Of a column whose NULLs get a value all other values stay.
                let fills_nulls = |column: &&String| {
                    let is_other = |mend: &Mended| !matches!(mend, Mended::Nulls { .. });
                    mends().any(|mend| mend == Mended::nulls(&change.table, column))
                        && !mends().any(|mend| is_other(&mend))
                };
                let changed = change.set.iter().filter(|column| !fills_nulls(column));
                self.note_changed(&change.table, changed);
                self.note_mended(&change.table, &change.mends);
            }
            Action::Delete(change) => {
                self.changed.insert(change.table.to_ascii_lowercase());
                self.note_mended(&change.table, &change.mends);
            }
            Action::Api(call) => {
                let own = call.table.as_deref().map(str::to_ascii_lowercase);
                self.filled
                    .insert(own.unwrap_or_else(|| table_of_entity(&call.entity)));
                let table = call.table.as_deref().unwrap_or_default();
                match call.action.as_str() {
                    "delete" | "replace" => drop(self.changed.insert(table.to_ascii_lowercase())),
                    "update" => self.note_changed(table, call.set.iter()),
                    _ => {}
                }
                self.note_mended(table, &call.mends);
            }
            _ => {}
        }
    }

    fn note_changed<'c>(&mut self, table: &str, columns: impl Iterator<Item = &'c String>) {
        let changed = columns.map(|column| format!("{table}.{column}").to_ascii_lowercase());
        self.changed.extend(changed);
    }

    /// Whether earlier operations may have changed which values stand in a column.
    fn may_be_changed(&self, table: &str, column: &str) -> bool {
        let one = format!("{table}.{column}").to_ascii_lowercase();
        self.changed.contains(&table.to_ascii_lowercase()) || self.changed.contains(&one)
    }

    fn note_mended(&mut self, table: &str, mends: &[String]) {
        for mend in mends.iter().filter_map(|words| Mended::read(table, words)) {
            self.mended.insert(match mend {
                Mended::Nulls { table, column } => ("null", format!("{table}.{column}")),
                Mended::Orphans { table, column, .. } => ("orphan", format!("{table}.{column}")),
                Mended::Duplicates { table, .. } => ("duplicate", table),
            });
        }
    }
}

/// What an operation needs of rows: each need with the error that the server gives otherwise. `before` is the schema
/// before the operation, `start` the one before the upgrade, `reference` what CiviCRM makes of the declared release.
pub(super) fn needs(
    op: &Op,
    before: &Schema,
    start: &Schema,
    reference: Option<&Schema>,
    state: &RowState,
    server: &ServerModel,
) -> Vec<(String, RowsMust, ServerError)> {
    let found = Finder {
        before,
        start,
        state,
        server,
    };
    match &op.action {
        Action::Alter { table, clauses } => {
            let Some((name, at_start)) = state.at_start(start, table) else {
                return Vec::new();
            };
            let changes = clauses.iter().map(|clause| &clause.change);
            let mut needs = found.of_copy(table, name, at_start, clauses);
            needs.extend(changes.flat_map(|change| found.of_change(table, name, at_start, change)));
            needs
        }
        Action::Insert(insert) => found.of_copies(insert),
        Action::Update(change) => {
            let mends = change.mends.iter();
            let mends = mends.filter_map(|words| Mended::read(&change.table, words));
            mends
                .filter_map(|mend| found.filled(mend, reference?))
                .collect()
        }
        _ => Vec::new(),
    }
}

struct Finder<'a> {
    before: &'a Schema,
    start: &'a Schema,
    state: &'a RowState,
    server: &'a ServerModel,
}

impl Finder<'_> {
    fn of_change(
        &self,
        table: &str,
        name: &str,
        at_start: &Table,
        change: &Alteration,
    ) -> Vec<(String, RowsMust, ServerError)> {
        let found = match change {
            Alteration::AddForeignKey {
                name: constraint,
                key,
            } => self.parents(table, at_start, constraint.as_deref(), key),
            Alteration::AddIndex {
                name: key, index, ..
            } => self.differ(table, at_start, key, index),
            Alteration::AddPrimaryKey(columns) => {
                let index = Index {
                    kind: IndexKind::Unique,
                    parts: columns.iter().map(KeyPart::column).collect(),
                };
                self.differ(table, at_start, "PRIMARY", &index)
            }
            Alteration::ChangeColumn {
                from, to, column, ..
            } => {
                let needs = self.values(table, at_start, from, (to, column));
                let needs = needs.into_iter();
                return needs
                    .map(|(rows, error)| (name.to_owned(), rows, error))
                    .collect();
            }
            _ => None,
        };
        let found = found.map(|(rows, error)| (name.to_owned(), rows, error));
        found.into_iter().collect()
    }

    /// NULLs of a column of numbers get a 0, which is no date where the column holds dates.
    fn filled(&self, mend: Mended, reference: &Schema) -> Option<(String, RowsMust, ServerError)> {
        let Mended::Nulls { table, column } = mend else {
            return None;
        };
        let of_type = |schema: &Schema, wanted: &[&str]| {
            let found = schema.table(&table);
            let found = found.and_then(|table| find(&table.columns, &column));
            found.is_some_and(|column| wanted.contains(&family(&column.data_type)))
        };
        let fits = !of_type(self.before, &["date", "datetime", "timestamp"])
            || !of_type(reference, &["tinyint", "smallint", "int", "bigint"])
            || self.state.is_mended("null", &table, &column);
        if fits || !self.server.forbids_zero_dates() {
            return None;
        }
        let (name, at_start) = self.state.at_start(self.start, &table)?;
        let first = self.state.column_at_start(at_start, name, &column)?;
        let error = ServerError::WrongDate {
            value: "0".to_owned(),
            column,
        };
        Some((name.clone(), RowsMust::HaveValue { column: first }, error))
    }

    /// What the rows of a table need so that an ALTER TABLE can copy them, whichever column it changes.
    fn of_copy(
        &self,
        table: &str,
        name: &str,
        at_start: &Table,
        clauses: &[Clause],
    ) -> Vec<(String, RowsMust, ServerError)> {
        let Some(before) = self.before.table(table) else {
            return Vec::new();
        };
        let is_copied = clauses.iter().any(|clause| match &clause.change {
            Alteration::AddForeignKey { .. } => self.server.foreign_key_checks,
            Alteration::ChangeColumn { from, column, .. } => {
                find(&before.columns, from).is_some_and(|old| is_copied(old, column))
            }
            Alteration::Convert { charset, .. } => before.charset.as_ref() != Some(charset),
            _ => false,
        });
        if !is_copied {
            return Vec::new();
        }
        let mut needs = Vec::new();
        if self.server.checks_copied_rows() {
            let is_dropped = |constraint: &str| {
                clauses.iter().any(|clause| {
                    matches!(&clause.change, Alteration::DropForeignKey(name) if name.eq_ignore_ascii_case(constraint))
                })
            };
            let kept = before.foreign_keys.iter();
            let kept = kept.filter(|(constraint, _)| !is_dropped(constraint));
            needs.extend(kept.filter_map(|(constraint, key)| {
                self.parents(table, at_start, Some(constraint), key)
            }));
        }
        if self.server.forbids_zero_dates() {
            needs.extend(self.dates(table, at_start, before));
        }
        let needs = needs.into_iter();
        needs
            .map(|(rows, error)| (name.to_owned(), rows, error))
            .collect()
    }

    /// Where the server forbids dates without a day, a copy fails with the first of them (measured on MariaDB 10.11 and
    /// MySQL 9.7).
    fn dates(&self, table: &str, at_start: &Table, before: &Table) -> Vec<(RowsMust, ServerError)> {
        let is_date = |column: &Column| {
            let kinds = ["date", "timestamp"];
            kinds.iter().any(|kind| column.data_type.starts_with(kind))
        };
        let columns = before.columns.iter();
        let columns = columns.filter(|(column, definition)| {
            is_date(definition) && !self.state.may_be_changed(table, column)
        });
        let needs = columns.filter_map(|(column, _)| {
            let first = self.state.column_at_start(at_start, table, column)?;
            let error = ServerError::WrongDate {
                value: "0000-00-00".to_owned(),
                column: column.clone(),
            };
            Some((RowsMust::HaveDates { column: first }, error))
        });
        needs.collect()
    }

    /// What the values of a column need so that it can become another.
    fn values(
        &self,
        table: &str,
        at_start: &Table,
        from: &str,
        (to, column): (&String, &Column),
    ) -> Vec<(RowsMust, ServerError)> {
        let old = self.before.table(table);
        let old = old.and_then(|table| find(&table.columns, from));
        let first = self.state.column_at_start(at_start, table, from);
        let (Some(old), Some(first), true) = (old, first, self.server.strict) else {
            return Vec::new();
        };
        let mut needs = Vec::new();
        let is_timestamp = column.data_type.starts_with("timestamp");
        let becomes_not_null = old.nullable && !column.nullable && !is_timestamp;
        if becomes_not_null && !self.state.is_mended("null", table, from) {
            let in_place = self.server.is_mariadb() || !is_copied(old, column);
            let error = match in_place {
                true => ServerError::NullInColumn { column: to.clone() },
                false => ServerError::Truncated { column: to.clone() },
            };
            let column = first.clone();
            needs.push((RowsMust::HaveValue { column }, error));
        }
        let was_timestamp = old.data_type.starts_with("timestamp");
        if is_timestamp && !was_timestamp && self.server.forbids_zero_dates() {
            let error = ServerError::WrongDate {
                value: "0000-00-00".to_owned(),
                column: to.clone(),
            };
            let column = first.clone();
            needs.push((RowsMust::HaveDates { column }, error));
        }
        // What an earlier step has made of the values is not known.
        let fit = Fit::between(old, column).filter(|_| !self.state.may_be_changed(table, from));
        if let Some(fit) = fit {
            // Which error it is, the first value tells.
            let error = ServerError::Truncated { column: to.clone() };
            needs.push((RowsMust::Fit { column: first, fit }, error));
        }
        needs
    }

    fn parents(
        &self,
        table: &str,
        at_start: &Table,
        constraint: Option<&str>,
        key: &ForeignKey,
    ) -> Option<(RowsMust, ServerError)> {
        let ([column], [parent_column]) = (&key.columns[..], &key.referenced_columns[..]) else {
            return None;
        };
        let engine = |table: &str| {
            let table = self.before.table(table)?;
            table.engine.as_deref().map(str::to_ascii_lowercase)
        };
        let has_keys = engine(table).is_none_or(|engine| engine == "innodb");
        if !self.server.foreign_key_checks
            || !has_keys
            || self.state.is_mended("orphan", table, column)
        {
            return None;
        }
        let (parent, of_parent) = self.state.at_start(self.start, &key.referenced_table)?;
        let first = self.state.column_at_start(at_start, table, column)?;
        let parent_column =
            self.state
                .column_at_start(of_parent, &key.referenced_table, parent_column)?;
        let error = ServerError::NoParentRow {
            table: table.to_owned(),
            name: constraint.unwrap_or_default().to_owned(),
        };
        let rows = RowsMust::HaveParents {
            column: first,
            parent: parent.clone(),
            parent_column,
            on_delete: key.on_delete,
        };
        Some((rows, error))
    }

    fn differ(
        &self,
        table: &str,
        at_start: &Table,
        key: &str,
        index: &Index,
    ) -> Option<(RowsMust, ServerError)> {
        if index.kind != IndexKind::Unique {
            return None;
        }
        let first = index.parts.first()?;
        if self.state.is_mended("duplicate", table, &first.column) {
            return None;
        }
        let parts = index.parts.iter().map(|part| {
            let column = self.state.column_at_start(at_start, table, &part.column)?;
            Some(KeyPart {
                column,
                ..part.clone()
            })
        });
        let error = ServerError::DuplicateEntry {
            entry: "…".to_owned(),
            key: key.to_owned(),
        };
        let rows = RowsMust::Differ {
            key: key.to_owned(),
            parts: parts.collect::<Option<_>>()?,
        };
        Some((rows, error))
    }

    /// Rows that are copied into a table with foreign keys need the parents of those keys.
    fn of_copies(&self, insert: &Insert) -> Vec<(String, RowsMust, ServerError)> {
        let Some(target) = self
            .before
            .table(&insert.table)
            .filter(|_| matches!(insert.mode, InsertMode::Insert | InsertMode::OnDuplicate))
        else {
            return Vec::new();
        };
        let copies = insert.copies.iter().filter_map(|(column, from)| {
            let (source, from) = from.split_once('.')?;
            let mut keys = target.foreign_keys.iter();
            let (constraint, key) = keys.find(|(_, key)| key.columns == [column.clone()])?;
            let (name, at_start) = self.state.at_start(self.start, source)?;
            let copied = ForeignKey {
                columns: vec![from.to_owned()],
                ..key.clone()
            };
            let (rows, _) = self.parents(source, at_start, Some(constraint), &copied)?;
            let error = ServerError::NoParentRow {
                table: insert.table.clone(),
                name: constraint.clone(),
            };
            Some((name.clone(), rows, error))
        });
        copies.collect()
    }
}

/// Whether servers copy the rows of a table so that a column can become another.
fn is_copied(old: &Column, new: &Column) -> bool {
    let length = |column: &Column| {
        let (_, rest) = column.data_type.split_once('(')?;
        rest.split_once(')')?.0.parse::<u32>().ok()
    };
    let name = |column: &Column| column.data_type.split('(').next().map(str::to_owned);
    let same = old.data_type == new.data_type;
    let is_varchar = new.data_type.starts_with("varchar(");
    let is_wider = is_varchar && name(old) == name(new) && length(old) <= length(new);
    let is_longer_list = new.data_type.starts_with("enum(") && Fit::between(old, new).is_none();
    let numbers = !old.auto_increment && new.auto_increment;
    numbers || !same && !is_wider && !is_longer_list
}

/// The values with which an INSERT clashes if a row has them: of each row of the operation, those of a unique key of
/// the table.
pub(super) fn clashes(
    op: &Op,
    before: &Schema,
    state: &RowState,
) -> Vec<(String, Values, ServerError)> {
    let Action::Insert(insert) = &op.action else {
        return Vec::new();
    };
    let Some(table) = before
        .table(&insert.table)
        .filter(|_| insert.mode == InsertMode::Insert)
    else {
        return Vec::new();
    };
    let unique = table
        .indexes
        .iter()
        .filter(|(_, index)| index.kind == IndexKind::Unique);
    let keys: Vec<(&str, &[KeyPart])> = unique
        .map(|(name, index)| (name.as_str(), index.parts.as_slice()))
        .chain([("PRIMARY", table.primary_key.as_slice())])
        .filter(|(_, parts)| !parts.is_empty())
        .collect();
    let mut clashes = Vec::new();
    for row in &insert.rows {
        for (key, parts) in &keys {
            let values: Option<Values> = parts
                .iter()
                .map(|part| {
                    let place = insert
                        .row_columns
                        .iter()
                        .position(|name| name.eq_ignore_ascii_case(&part.column))?;
                    let value = row.get(place)?;
                    let is_literal = value.is_string() || value.is_number();
                    // What earlier steps have made of the rows is not known.
                    let is_known = is_literal && !state.may_be_changed(&insert.table, &part.column);
                    is_known.then(|| (part.column.clone(), value.clone()))
                })
                .collect();
            if let Some(values) = values {
                let entry: Vec<String> = values.values().map(super::facts::text).collect();
                let error = ServerError::DuplicateEntry {
                    entry: entry.join("-"),
                    key: (*key).to_owned(),
                };
                clashes.push((insert.table.clone(), values, error));
            }
        }
    }
    clashes
}

impl RowAnswers {
    /// The rows for which a need is not met.
    pub(super) fn offending(&self, table: &str, need: &RowsMust) -> Option<&RowCause> {
        self.offending.get(&need.key(table))
    }

    /// Why the operation fails because of rows, of what it needs.
    pub(super) fn cause(
        &self,
        table: &str,
        need: &RowsMust,
        error: ServerError,
        server: &ServerModel,
    ) -> Option<Cause> {
        let cause = self.offending(table, need)?;
        let error = match (need, error) {
            (RowsMust::Fit { fit, .. }, ServerError::Truncated { column }) => {
                let misfit = cause.entry.as_deref().and_then(Misfit::of_words);
                match misfit {
                    Some(misfit) => fit.error(misfit, &column, server),
                    None => ServerError::Truncated { column },
                }
            }
            (_, error) => error,
        };
        let error = match (error, &cause.entry) {
            (ServerError::DuplicateEntry { key, .. }, Some(entry)) => ServerError::DuplicateEntry {
                entry: entry.clone(),
                key,
            },
            (error, _) => error,
        };
        Some(Cause::Rows(error, cause.clone()))
    }
}

//! One operation of an upgrade step.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::step::Span;
use crate::schema::model::{ByName, Column, DefaultValue, ForeignKey, Index, IndexKind, KeyPart};

/// Tables, each with the columns that are read of it. The column `*` stands for all columns that both the release
/// before the step and the release of the code have.
pub type Reads = IndexMap<String, Vec<String>>;

/// One operation of an upgrade step: what is done, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// What is done.
    pub action: Action,
    /// The condition under which it is done.
    pub guard: Guard,
    /// The code releases in which the operation has this form; empty for all that have the step.
    pub code: Vec<Span>,
    /// Whether it is done only on multilingual sites (`true`) or only on others (`false`).
    pub multilingual: Option<bool>,
    /// Whether it is done only where detailed logging is on.
    pub logging: bool,
    /// The statement that is used, where it is not the usual one of the action. It decides which privilege is needed.
    pub via: Option<Via>,
}

/// When an operation is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// The statement simply runs.
    #[default]
    None,
    /// The code looks first, and runs the statement if the object is there.
    IfExists,
    /// The code looks first, and runs the statement if the object is not there.
    IfAbsent,
    /// The statement runs, and an error does not stop the upgrade.
    IgnoreErrors,
    /// The code looks at something else.
    When(Box<Condition>),
}

/// A condition that is not about the object of the operation itself. All of its tests have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The condition in words. Where there is no test beside it, only the site itself can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Tests of single objects.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "one_or_many")]
    pub test: Vec<Test>,
    /// `table.column` and the type that it must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_type: Option<(String, String)>,
    /// `table.column` that must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_exists: Option<String>,
    /// `table.column` that must not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_absent: Option<String>,
    /// `table.index` that must not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_absent: Option<String>,
    /// `table.foreign_key` that must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fk_exists: Option<String>,
    /// `table.foreign_key` that must not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fk_absent: Option<String>,
    /// A table that must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_exists: Option<String>,
    /// A table that must be missing or empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_empty: Option<String>,
    /// A table that must have rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_not_empty: Option<String>,
    /// A row that must exist: the table, and values by column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_exists: Option<(String, Values)>,
    /// A row that must not exist: the table, and values by column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_absent: Option<(String, Values)>,
    /// `table.column` that must be NULL in every row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_null: Option<String>,
    /// `table.column` and the number that its highest value must be below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_below: Option<(String, u64)>,
    /// The lowest database version, at the start of the upgrade, for which it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_at_least: Option<String>,
    /// The database version, at the start of the upgrade, below which it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_below: Option<String>,
    /// A step that the upgrade must run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_hold: Option<String>,
    /// A component of CiviCRM that must be on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Two tables whose collations must differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collation_differs: Option<(String, String)>,
}

/// Values by column, as facts spell them.
pub type Values = IndexMap<String, serde_json::Value>;

/// A test of one object: a column, an index, a foreign key or a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Test {
    /// `table.column`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// `table.index`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// `table.foreign_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_key: Option<String>,
    /// A row, by the values of some columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<RowOf>,
    /// Whether the object must exist (`true`) or must not (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// A rule that the foreign key must not have on delete; one that is not there does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_delete_not: Option<String>,
    /// Whether an operation before it, of the same task, must have dropped the object.
    #[serde(skip_serializing_if = "crate::schema::model::is_false")]
    pub dropped: bool,
}

/// A row of a table, by the values of some columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowOf {
    /// The table.
    pub table: String,
    /// Values by column.
    #[serde(rename = "where")]
    pub values: Values,
    /// What the row is looked up for.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// The statement that an operation uses where it is not the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// `CREATE INDEX`, which needs the privilege INDEX; indexes are otherwise made by ALTER TABLE.
    CreateIndex,
    /// `DROP INDEX`, which needs the privilege INDEX.
    DropIndex,
    /// `TRUNCATE TABLE`, which needs the privilege DROP.
    Truncate,
    /// `LOCK TABLES`, which needs the privilege LOCK TABLES.
    LockTables,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `CREATE TABLE`.
    CreateTable(Box<NewTable>),
    /// `DROP TABLE`.
    DropTable {
        /// The table.
        table: String,
        /// Whether the statement says IF EXISTS.
        if_exists: bool,
    },
    /// `RENAME TABLE`.
    RenameTable {
        /// The table before.
        table: String,
        /// The new name of the table.
        to: String,
    },
    /// `ALTER TABLE`; its clauses succeed or fail together.
    Alter {
        /// The table; `{custom_table}` and `{log_table}` stand for each of their kind.
        table: String,
        /// What is altered, in order.
        clauses: Vec<Clause>,
    },
    /// `CREATE VIEW`.
    CreateView {
        /// The name of the view.
        view: String,
        /// What the query of the view reads.
        reads: Reads,
        /// Whether the statement says OR REPLACE.
        or_replace: bool,
    },
    /// `DROP VIEW`.
    DropView {
        /// The name of the view.
        view: String,
        /// Whether the statement says IF EXISTS.
        if_exists: bool,
    },
    /// `INSERT` or `REPLACE`.
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Change),
    /// `DELETE` or `TRUNCATE TABLE`.
    Delete(Change),
    /// A query that stops the upgrade if a table or column does not exist.
    Select(Query),
    /// A call of CiviCRM's own data layer.
    Api(Box<ApiCall>),
    /// All triggers are dropped.
    DropTriggers,
    /// Triggers are created.
    CreateTrigger {
        /// The table, where it is one; `{custom_table}` stands for the table of each active custom group.
        table: Option<String>,
        /// What is read to know which triggers to create.
        reads: Reads,
    },
    /// A stored routine is created.
    CreateRoutine,
    /// The views, triggers and indexes of a multilingual site are made anew.
    RebuildMultilingual {
        /// The step whose list of localized columns is used; `None` for that of the code.
        structure: Option<String>,
        /// Whether only tables that exist are looked at.
        existing_only: bool,
        /// Tables that go back to one language.
        single: Vec<String>,
    },
    /// `SET foreign_key_checks` for the rest of the task.
    ForeignKeyChecks(bool),
    /// Anything else, in words.
    Other {
        /// The table that it is about, if any.
        table: Option<String>,
        /// What is done.
        what: String,
        /// What it reads.
        reads: Reads,
        /// The upgrade is stopped by CiviCRM's own code if this holds.
        stops_if: Option<StopsIf>,
    },
}

/// What makes CiviCRM's own code stop the upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopsIf {
    /// Tables and columns (`table.column`) that exist.
    pub exist: Vec<String>,
    /// Tables and columns that do not exist, while all of `exist` do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
    /// `all` or `any` of `exist`.
    pub how: String,
}

/// One clause of an ALTER TABLE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What is altered.
    pub change: Alteration,
    /// Whether the column has one form for each language on a multilingual site (`name_{locale}`).
    pub localized: bool,
    /// Whether the clause stands only on multilingual sites (`true`) or only on others (`false`).
    pub multilingual: Option<bool>,
    /// The condition of this clause alone.
    pub guard: Guard,
}

/// What one clause of an ALTER TABLE does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// `ADD COLUMN`.
    AddColumn {
        /// The name of the column.
        name: String,
        /// The new column; its charset may be `as civicrm_contact`.
        column: Column,
        /// The column that it stands behind.
        after: Option<String>,
    },
    /// `DROP COLUMN`.
    DropColumn(String),
    /// `MODIFY COLUMN`, or `CHANGE COLUMN` with another name.
    ChangeColumn {
        /// The name of the column before.
        from: String,
        /// The name of the column afterwards.
        to: String,
        /// The column afterwards.
        column: Column,
        /// The column that it stands behind.
        after: Option<String>,
        /// The column must have this type (`Ok`), or must not have it (`Err`), or nothing is done.
        of_type: Option<Result<String, String>>,
    },
    /// `ALTER COLUMN … SET DEFAULT`.
    SetDefault {
        /// The column.
        column: String,
        /// The new default; `None` for DROP DEFAULT or NULL.
        default: Option<DefaultValue>,
    },
    /// `ADD INDEX`, `ADD UNIQUE` or `ADD FULLTEXT`.
    AddIndex {
        /// The name of the index.
        name: String,
        /// The index.
        index: Index,
        /// Other names under which the code takes the index as present.
        absent_also: Vec<String>,
    },
    /// `DROP INDEX`.
    DropIndex(String),
    /// `ADD PRIMARY KEY`.
    AddPrimaryKey(Vec<String>),
    /// `DROP PRIMARY KEY`.
    DropPrimaryKey,
    /// `ADD FOREIGN KEY`.
    AddForeignKey {
        /// The name of the constraint; `None` where the server chooses it.
        name: Option<String>,
        /// The foreign key.
        key: ForeignKey,
    },
    /// `DROP FOREIGN KEY`.
    DropForeignKey(String),
    /// `ENGINE = …`.
    Engine(String),
    /// `ROW_FORMAT = …`, which no step has: it mends a table before an upgrade.
    RowFormat(String),
    /// `CONVERT TO CHARACTER SET … COLLATE …`.
    Convert {
        /// The character set.
        charset: String,
        /// The collation.
        collation: String,
    },
    /// `AUTO_INCREMENT = …`.
    AutoIncrement,
}

/// A table that a step creates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTable {
    /// The name of the table.
    pub name: String,
    /// Whether the statement says IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Whether the table is TEMPORARY.
    pub temporary: bool,
    /// The table that it is made like (`LIKE`); the columns are then those that table is expected to have.
    pub like: Option<String>,
    /// Whether the rows come from a query (`AS SELECT`).
    pub from_select: bool,
    /// Columns by name, in order.
    pub columns: ByName<Column>,
    /// Columns of the primary key.
    pub primary: Vec<String>,
    /// Indexes by name.
    pub indexes: ByName<Index>,
    /// Foreign keys with their names; `None` where the server chooses the name.
    pub foreign_keys: Vec<(Option<String>, ForeignKey)>,
    /// Storage engine; `None` for the server's default.
    pub engine: Option<String>,
    /// Character set, canonical, or `as civicrm_contact`; `None` for the database's default.
    pub charset: Option<String>,
    /// Collation, canonical.
    pub collation: Option<String>,
    /// The columns that have one form for each language on a multilingual site.
    pub localized: Vec<String>,
    /// What the query of its rows reads.
    pub reads: Reads,
}

/// What a query reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Tables and columns.
    pub reads: Reads,
    /// Columns (of the table of the operation, or `table.column`) that carry the language suffix on multilingual sites.
    pub localized: Localized,
    /// Rows that have to exist.
    pub needs: Vec<RowOf>,
    /// SQL modes in which it fails on healthy databases, each with the reason.
    pub fails_under: IndexMap<String, String>,
}

/// Which columns carry the language suffix on multilingual sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Localized {
    /// None of them.
    #[default]
    No,
    /// All that the operation writes.
    All,
    /// These.
    Columns(Vec<String>),
}

/// Rows that are changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The table whose rows change.
    pub table: String,
    /// The columns that are set; empty for DELETE.
    pub set: Vec<String>,
    /// What else is read.
    pub query: Query,
    /// What it takes away before a later operation needs it gone: `null T.c`, `duplicate T.c,d`, `orphan T.c > R.k`.
    pub mends: Vec<String>,
    /// Whether the statement says IGNORE.
    pub ignore: bool,
}

/// Rows that are inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The table that gets the rows.
    pub table: String,
    /// The columns that the statement names.
    pub columns: Vec<String>,
    /// What happens to a row that exists already.
    pub mode: InsertMode,
    /// The columns whose values are known.
    pub row_columns: Vec<String>,
    /// The known values of each row: a literal, or an object that says where the value is looked up.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Columns that are copied from other tables: column to `table.column`.
    pub copies: IndexMap<String, String>,
    /// What is read beside.
    pub query: Query,
}

/// What INSERT does with a row whose key exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InsertMode {
    /// The statement fails.
    Insert,
    /// The row is left out.
    Ignore,
    /// The old row is replaced.
    Replace,
    /// The old row is changed.
    OnDuplicate,
}

/// A call of CiviCRM's data layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiCall {
    /// The entity.
    pub entity: String,
    /// The action.
    pub action: String,
    /// The version of the API, where one is used.
    pub version: Option<u32>,
    /// The table that is written, if any.
    pub table: Option<String>,
    /// The columns that are written, if any.
    pub set: Vec<String>,
    /// What is read.
    pub query: Query,
    /// A row that makes the call do nothing.
    pub unless: Option<RowOf>,
    /// What it takes away, as in [`Change::mends`].
    pub mends: Vec<String>,
    /// When it runs, where that is not in the order of the operations.
    pub when: Option<String>,
}

/// The table of an entity of CiviCRM's data layer: `OptionGroup` is kept in `civicrm_option_group`.
pub fn table_of_entity(entity: &str) -> String {
    let mut table = "civicrm".to_owned();
    for letter in entity.chars() {
        if letter.is_ascii_uppercase() {
            table.push('_');
        }
        table.push(letter.to_ascii_lowercase());
    }
    table
}

impl Op {
    /// Tables of which something has to exist for the operation, with the columns that it reads.
    pub fn reads(&self) -> Option<&Reads> {
        match &self.action {
            Action::Insert(insert) => Some(&insert.query.reads),
            Action::Update(change) | Action::Delete(change) => Some(&change.query.reads),
            Action::Select(query) => Some(&query.reads),
            Action::Api(call) => Some(&call.query.reads),
            Action::CreateView { reads, .. }
            | Action::CreateTrigger { reads, .. }
            | Action::Other { reads, .. } => Some(reads),
            Action::CreateTable(table) => Some(&table.reads),
            _ => None,
        }
    }

    /// The table that the operation is about, if it is about one.
    pub fn table(&self) -> Option<&str> {
        match &self.action {
            Action::CreateTable(table) => Some(&table.name),
            Action::DropTable { table, .. }
            | Action::RenameTable { table, .. }
            | Action::Alter { table, .. } => Some(table),
            Action::CreateView { view, .. } | Action::DropView { view, .. } => Some(view),
            Action::Insert(insert) => Some(&insert.table),
            Action::Update(change) | Action::Delete(change) => Some(&change.table),
            Action::Api(call) => call.table.as_deref(),
            Action::CreateTrigger { table, .. } | Action::Other { table, .. } => table.as_deref(),
            Action::Select(query) => query.reads.keys().next().map(String::as_str),
            Action::DropTriggers
            | Action::CreateRoutine
            | Action::RebuildMultilingual { .. }
            | Action::ForeignKeyChecks(_) => None,
        }
    }
}

impl Op {
    /// What the operation does, in the word that files use; of an ALTER TABLE with one clause, what that clause does.
    pub fn kind(&self) -> &'static str {
        match &self.action {
            Action::CreateTable(_) => "create_table",
            Action::DropTable { .. } => "drop_table",
            Action::RenameTable { .. } => "rename_table",
            Action::Alter { clauses, .. } => match clauses.as_slice() {
                [clause] => clause.change.kind(),
                _ => "alter_table",
            },
            Action::CreateView { .. } => "create_view",
            Action::DropView { .. } => "drop_view",
            Action::Insert(_) => "insert",
            Action::Update(_) => "update",
            Action::Delete(_) => "delete",
            Action::Select(_) => "select",
            Action::Api(_) => "api",
            Action::DropTriggers => "drop_triggers",
            Action::CreateTrigger { .. } => "create_trigger",
            Action::CreateRoutine => "create_routine",
            Action::RebuildMultilingual { .. } => "rebuild_multilingual",
            Action::ForeignKeyChecks(_) => "session",
            Action::Other { .. } => "other",
        }
    }
}

impl Op {
    /// An ALTER TABLE of one clause alone, with its condition.
    pub fn of_clause(table: &str, clause: &Clause) -> Self {
        let plain = Clause {
            guard: Guard::None,
            ..clause.clone()
        };
        Self {
            action: Action::Alter {
                table: table.to_owned(),
                clauses: vec![plain],
            },
            guard: clause.guard.clone(),
            code: Vec::new(),
            multilingual: None,
            logging: false,
            via: None,
        }
    }
}

impl Alteration {
    /// What the clause does, in the word that files use.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AddColumn { .. } => "add_column",
            Self::DropColumn(_) => "drop_column",
            Self::ChangeColumn { from, to, .. } if from == to => "modify_column",
            Self::ChangeColumn { .. } => "change_column",
            Self::SetDefault { .. } => "set_default",
            Self::AddIndex { .. } => "add_index",
            Self::DropIndex(_) => "drop_index",
            Self::AddPrimaryKey(_) => "add_primary",
            Self::DropPrimaryKey => "drop_primary",
            Self::AddForeignKey { .. } => "add_foreign_key",
            Self::DropForeignKey(_) => "drop_foreign_key",
            Self::Engine(_) => "engine",
            Self::RowFormat(_) => "row_format",
            Self::Convert { .. } => "convert",
            Self::AutoIncrement => "auto_increment",
        }
    }

    /// Gives the columns of the clause the suffix of a language.
    pub fn add_suffix(&mut self, locale: &str) {
        let suffixed = |name: &mut String| *name = format!("{name}_{locale}");
        match self {
            // The column behind which it stands is that of the language before.
            Self::AddColumn { name, after, .. } => {
                suffixed(name);
                *after = None;
            }
            Self::ChangeColumn {
                from, to, after, ..
            } => {
                suffixed(from);
                suffixed(to);
                *after = None;
            }
            Self::DropColumn(name) | Self::DropIndex(name) => suffixed(name),
            Self::SetDefault { column, .. } => suffixed(column),
            Self::AddIndex { name, index, .. } => {
                suffixed(name);
                index
                    .parts
                    .iter_mut()
                    .for_each(|part| suffixed(&mut part.column));
            }
            _ => {}
        }
    }
}

impl Clause {
    /// The clause with the languages of the site in its names: `{locale:first}` and `{locale:others}`, the latter once
    /// for each.
    pub fn of_locales(&self, first: &str, others: &[String]) -> Vec<Self> {
        let replaced = |from: &str, to: &str| {
            let mut clause = self.clone();
            match &mut clause.change {
                Alteration::ChangeColumn { from: name, .. } | Alteration::DropColumn(name) => {
                    *name = name.replace(from, to);
                }
                _ => {}
            }
            clause
        };
        let name = match &self.change {
            Alteration::ChangeColumn { from, .. } | Alteration::DropColumn(from) => from.as_str(),
            _ => "",
        };
        if name.contains("{locale:first}") {
            vec![replaced("{locale:first}", first)]
        } else if name.contains("{locale:others}") {
            others
                .iter()
                .map(|other| replaced("{locale:others}", other))
                .collect()
        } else {
            vec![self.clone()]
        }
    }
}

impl NewTable {
    /// Gives the table one form of each localized column for each language.
    pub fn localize(&mut self, locales: &[String]) {
        let columns = std::mem::take(&mut self.columns);
        for (name, column) in columns {
            if self.localized.contains(&name) {
                for locale in locales {
                    self.columns
                        .insert(format!("{name}_{locale}"), column.clone());
                }
            } else {
                self.columns.insert(name, column);
            }
        }
    }
}

/// Makes an index of columns that may end in a prefix length: `name`, `name(10)`.
pub(super) fn index_of(kind: IndexKind, columns: &[String]) -> Index {
    let parts = columns.iter().map(|column| {
        let parts = column.strip_suffix(')').and_then(|c| c.split_once('('));
        match parts.and_then(|(name, length)| Some((name, length.parse().ok()?))) {
            Some((name, length)) => KeyPart {
                length: Some(length),
                ..KeyPart::column(name)
            },
            None => KeyPart::column(column),
        }
    });
    Index {
        kind,
        parts: parts.collect(),
    }
}

/// Lists that are written without brackets where they hold one element.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        One(T),
        Many(Vec<T>),
    }

    pub fn serialize<S: Serializer, T: Serialize>(list: &[T], to: S) -> Result<S::Ok, S::Error> {
        match list {
            [one] => one.serialize(to),
            many => many.serialize(to),
        }
    }

    pub fn deserialize<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de>,
    {
        Ok(match OneOrMany::deserialize(from)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }
}

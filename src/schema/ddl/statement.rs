//! What one statement says.

use crate::schema::{
    element::{ColumnDefinition, Element},
    lexer::SqlModes,
    model::{DefaultValue, Event, Index, Name, Routine, RoutineKind, Table, Trigger, View},
};

/// One SQL statement, as far as the schema of a database and the way of a dump are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Nothing but comments, among them those that no server runs.
    Empty,
    /// `CREATE TABLE`.
    CreateTable(Box<CreateTable>),
    /// `ALTER TABLE`.
    AlterTable(AlterTable),
    /// `CREATE INDEX`.
    CreateIndex {
        /// The table.
        table: Name,
        /// The name of the index.
        name: String,
        /// What it covers.
        index: Index,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `DROP INDEX`.
    DropIndex {
        /// The table.
        table: Name,
        /// The name of the index; `PRIMARY` for the primary key.
        name: String,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `DROP TABLE`.
    DropTable(Drop),
    /// `DROP VIEW`.
    DropView(Drop),
    /// `RENAME TABLE`, each from the first name to the second.
    RenameTable(Vec<(Name, Name)>),
    /// `CREATE VIEW`.
    CreateView(CreateView),
    /// `CREATE TRIGGER`.
    CreateTrigger(CreateTrigger),
    /// `CREATE FUNCTION` or `CREATE PROCEDURE`, stored ones only.
    CreateRoutine(CreateRoutine),
    /// `CREATE EVENT`.
    CreateEvent(CreateEvent),
    /// `DROP TRIGGER`.
    DropTrigger(Drop),
    /// `DROP FUNCTION` or `DROP PROCEDURE`.
    DropRoutine(RoutineKind, Drop),
    /// `DROP EVENT`.
    DropEvent(Drop),
    /// `CREATE DATABASE`.
    CreateDatabase {
        /// The database.
        name: String,
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// `DROP DATABASE`.
    DropDatabase {
        /// The database.
        name: String,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `USE`.
    Use {
        /// The database.
        database: String,
    },
    /// `SET`, one entry for each variable.
    Set(Vec<Assignment>),
    /// `LOCK TABLES`.
    LockTables(Vec<Name>),
    /// `UNLOCK TABLES`.
    UnlockTables,
    /// `START TRANSACTION` or `BEGIN`.
    StartTransaction,
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
    /// `INSERT` up to where its rows begin.
    Insert(InsertHead),
    /// `REPLACE` up to where its rows begin.
    Replace(InsertHead),
    /// `TRUNCATE TABLE`.
    TruncateTable(Name),
    /// `DELETE` from one table; the deletes that join tables are `Other`.
    Delete(Name),
    /// Any other statement that servers know, not looked into.
    Other {
        /// Its first word or words, upper case: `GRANT`, `CREATE USER`.
        keyword: String,
    },
}

/// `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// The table's name.
    pub name: Name,
    /// `OR REPLACE` (MariaDB).
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// CREATE stands inside a version comment, as only the stand-ins for views do.
    pub in_version_comment: bool,
    /// The table; as far as it is written out when `source` gives the rest.
    pub table: Table,
    /// Where columns come from that are not written out.
    pub source: TableSource,
}

/// Where a new table's columns come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableSource {
    /// All are written out.
    Definition,
    /// `LIKE` another table.
    Like(Name),
    /// `AS SELECT`: also from the query, here as written.
    Query(String),
}

/// `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// The table's name.
    pub name: Name,
    /// `IF EXISTS` (MariaDB).
    pub if_exists: bool,
    /// What is done, in order.
    pub actions: Vec<AlterAction>,
}

/// One action of `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterAction {
    /// `ADD COLUMN`.
    AddColumn {
        /// The new column.
        definition: ColumnDefinition,
        /// Where it goes.
        position: Position,
        /// `IF NOT EXISTS` (MariaDB).
        if_not_exists: bool,
    },
    /// `ADD` key, foreign key or check.
    Add {
        /// What is added.
        element: Element,
        /// `IF NOT EXISTS` (MariaDB).
        if_not_exists: bool,
    },
    /// `MODIFY COLUMN` and `CHANGE COLUMN`.
    ChangeColumn {
        /// The column's name so far.
        from: String,
        /// What it becomes.
        definition: ColumnDefinition,
        /// Where it goes.
        position: Position,
        /// `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// `RENAME COLUMN`.
    RenameColumn {
        /// The name so far.
        from: String,
        /// The new name.
        to: String,
    },
    /// `ALTER COLUMN … SET DEFAULT` or `DROP DEFAULT`.
    SetDefault {
        /// The column.
        column: String,
        /// The new default.
        default: Option<DefaultValue>,
    },
    /// `DROP COLUMN`.
    DropColumn {
        /// The column.
        name: String,
        /// `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// `DROP PRIMARY KEY`.
    DropPrimaryKey,
    /// `DROP KEY` or `DROP INDEX`.
    DropIndex {
        /// The index; `PRIMARY` for the primary key.
        name: String,
        /// `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// `DROP FOREIGN KEY`.
    DropForeignKey {
        /// The constraint.
        name: String,
        /// `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// `DROP CONSTRAINT`: a foreign key, a unique key, the primary key or a check.
    DropConstraint {
        /// The constraint.
        name: String,
    },
    /// `RENAME INDEX` or `RENAME KEY`.
    RenameIndex {
        /// The name so far.
        from: String,
        /// The new name.
        to: String,
    },
    /// `RENAME TO`.
    RenameTo(Name),
    /// `CONVERT TO CHARACTER SET`: the table's and that of all its text columns.
    ConvertTo {
        /// Character set, canonical.
        charset: Option<String>,
        /// Collation, canonical.
        collation: Option<String>,
    },
    /// A table option.
    Option(TableOption),
    /// `DISABLE KEYS`.
    DisableKeys,
    /// `ENABLE KEYS`.
    EnableKeys,
    /// Anything else, which does not change the model.
    Other {
        /// Its text.
        text: String,
    },
}

/// Where `ALTER TABLE` puts a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// At the end, or where the column is.
    Unchanged,
    /// `FIRST`.
    First,
    /// `AFTER` another column.
    After(String),
}

/// A table option that the model knows; values are canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableOption {
    /// `ENGINE`.
    Engine(String),
    /// `DEFAULT CHARSET`.
    Charset(String),
    /// `COLLATE`.
    Collation(String),
    /// `ROW_FORMAT`; `None` for `DEFAULT`.
    RowFormat(Option<String>),
    /// Any other.
    Other,
}

/// A `DROP` of objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// The objects.
    pub names: Vec<Name>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `TEMPORARY`, of tables.
    pub temporary: bool,
}

/// `CREATE VIEW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// The view's name.
    pub name: Name,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS` (MariaDB).
    pub if_not_exists: bool,
    /// Names of its columns, where they do not come from the query.
    pub columns: Option<Vec<String>>,
    /// Definer and query.
    pub view: View,
}

impl CreateView {
    /// The columns of a stand-in, or `None` for a real view. Dump programs first create
    /// each view as `SELECT 1 AS a, 1 AS b`, so that other views may name it.
    pub fn stand_in_columns(&self, modes: SqlModes) -> Option<Vec<String>> {
        super::program::stand_in_columns(&self.view.query, modes)
    }
}

/// `CREATE TRIGGER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTrigger {
    /// The trigger's name.
    pub name: Name,
    /// `OR REPLACE` (MariaDB).
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// What it is; `sql_mode` is not part of the statement and stays `None`.
    pub trigger: Trigger,
    /// Another trigger which it fires after (`FOLLOWS`) or before (`PRECEDES`).
    pub order: Option<TriggerOrder>,
}

/// The place of a trigger among those of the same table, time and event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerOrder {
    /// `FOLLOWS`.
    Follows(String),
    /// `PRECEDES`.
    Precedes(String),
}

/// `CREATE FUNCTION` or `CREATE PROCEDURE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRoutine {
    /// Which of the two.
    pub kind: RoutineKind,
    /// The routine's name.
    pub name: Name,
    /// `OR REPLACE` (MariaDB).
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// What it is.
    pub routine: Routine,
}

/// `CREATE EVENT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateEvent {
    /// The event's name.
    pub name: Name,
    /// `OR REPLACE` (MariaDB).
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// What it is.
    pub event: Event,
}

/// One variable that `SET` sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which kind of variable.
    pub scope: VariableScope,
    /// Its name, lower case; `names` for `SET NAMES`, `character set` for
    /// `SET CHARACTER SET`, `transaction` for `SET TRANSACTION`.
    pub name: String,
    /// The text of the value, without the marks of version comments.
    pub value: String,
}

/// Where a variable lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableScope {
    /// `SESSION`, `LOCAL`, or nothing said.
    Session,
    /// `GLOBAL`.
    Global,
    /// `PERSIST` or `PERSIST_ONLY`.
    Persist,
    /// A user's own: `@name`.
    User,
}

/// The beginning of `INSERT` and `REPLACE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertHead {
    /// The table.
    pub table: Name,
    /// The columns it names, `None` for all in table order.
    pub columns: Option<Vec<String>>,
    /// `IGNORE`.
    pub ignore: bool,
}

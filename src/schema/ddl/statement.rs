//! The statements of a dump as the grammar gives them.

use crate::schema::{
    element::{ColumnDefinition, Element},
    lexer::SqlModes,
    model::{DefaultValue, Event, Index, Name, Routine, RoutineKind, Table, Trigger, View},
};

/// An SQL statement, as far as it matters to the schema of a database or to the course of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// The text holds only comments, or version comments that no server runs.
    Empty,
    /// A `CREATE TABLE` statement.
    CreateTable(Box<CreateTable>),
    /// An `ALTER TABLE` statement.
    AlterTable(AlterTable),
    /// A `CREATE INDEX` statement.
    CreateIndex {
        /// The table that gets the index.
        table: Name,
        /// The name of the index.
        name: String,
        /// The kind and the columns of the index.
        index: Index,
        /// Whether the statement says `IF NOT EXISTS`.
        if_not_exists: bool,
    },
    /// A `DROP INDEX` statement.
    DropIndex {
        /// The table that has the index.
        table: Name,
        /// The name of the index; `PRIMARY` for the primary key.
        name: String,
        /// Whether the statement says `IF EXISTS`.
        if_exists: bool,
    },
    /// A `DROP TABLE` statement.
    DropTable(Drop),
    /// A `DROP VIEW` statement.
    DropView(Drop),
    /// A `RENAME TABLE` statement; each pair is the old name and the new name.
    RenameTable(Vec<(Name, Name)>),
    /// A `CREATE VIEW` statement.
    CreateView(Create<View>),
    /// A `CREATE TRIGGER` statement.
    CreateTrigger(Create<Trigger>),
    /// A `CREATE FUNCTION` or `CREATE PROCEDURE` statement, of stored routines only.
    CreateRoutine(RoutineKind, Create<Routine>),
    /// A `CREATE EVENT` statement.
    CreateEvent(Create<Event>),
    /// A `DROP TRIGGER` statement.
    DropTrigger(Drop),
    /// A `DROP FUNCTION` or `DROP PROCEDURE` statement.
    DropRoutine(RoutineKind, Drop),
    /// A `DROP EVENT` statement.
    DropEvent(Drop),
    /// A `CREATE DATABASE` statement, with the name of the database.
    CreateDatabase(String),
    /// An `ALTER DATABASE` statement.
    AlterDatabase {
        /// The name of the database; `None` for the current one.
        name: Option<String>,
    },
    /// A `DROP DATABASE` statement, with the name of the database.
    DropDatabase(String),
    /// A `USE` statement, with the name of the database.
    Use(String),
    /// A `SET` statement, with one entry for each variable.
    Set(Vec<Assignment>),
    /// A `LOCK TABLES` statement, with the tables.
    LockTables(Vec<Name>),
    /// An `UNLOCK TABLES` statement.
    UnlockTables,
    /// A `START TRANSACTION` or `BEGIN` statement.
    StartTransaction,
    /// A `COMMIT` or `ROLLBACK` statement.
    EndTransaction,
    /// An `INSERT` or `REPLACE` statement, up to where its rows begin.
    Insert(InsertHead),
    /// A `TRUNCATE TABLE` statement, with the table.
    TruncateTable(Name),
    /// Any other statement that servers know, which is not looked into; its first word or words, in upper case:
    /// `GRANT`, `CREATE USER`.
    Other(String),
}

/// A `CREATE TABLE` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// The name of the new table.
    pub name: Name,
    /// Whether the statement says `OR REPLACE` (MariaDB).
    pub or_replace: bool,
    /// Whether the statement says `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Whether the table is `TEMPORARY`.
    pub temporary: bool,
    /// Whether CREATE stands inside a version comment, as only the stand-ins for views do.
    pub in_version_comment: bool,
    /// The new table. When `source` gives a part of it, only the part that is written out.
    pub table: Table,
    /// The source of columns that are not written out.
    pub source: TableSource,
    /// The columns that are `INVISIBLE`: rows without column names have no values for them.
    pub invisible: Vec<String>,
    /// The character sets, in canonical spelling, that are named without a collation: those of columns, and
    /// with `None` the table's.
    pub without_collation: Vec<(Option<String>, String)>,
}

/// The source of a new table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableSource {
    /// All columns are written out.
    Definition,
    /// The columns are those of another table (`LIKE`).
    Like(Name),
    /// Some columns come from a query (`AS SELECT`), here as written.
    Query(String),
}

/// An `ALTER TABLE` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// The name of the table.
    pub name: Name,
    /// Whether the statement says `IF EXISTS` (MariaDB).
    pub if_exists: bool,
    /// The actions of the statement, in order.
    pub actions: Vec<AlterAction>,
}

/// One action of an `ALTER TABLE` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlterAction {
    /// The action `ADD COLUMN`.
    AddColumn {
        /// The definition of the new column.
        definition: ColumnDefinition,
        /// The position of the new column.
        position: Position,
        /// Whether the action says `IF NOT EXISTS` (MariaDB).
        if_not_exists: bool,
    },
    /// The action `ADD` with a key, foreign key or check.
    Add {
        /// The key, foreign key or check that is added.
        element: Element,
        /// Whether the action says `IF NOT EXISTS` (MariaDB).
        if_not_exists: bool,
    },
    /// The action `MODIFY COLUMN` or `CHANGE COLUMN`.
    ChangeColumn {
        /// The name of the column before the change.
        from: String,
        /// The definition of the column after the change.
        definition: ColumnDefinition,
        /// The position of the column after the change.
        position: Position,
        /// Whether the action says `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// The action `RENAME COLUMN`.
    RenameColumn {
        /// The name of the column before the change.
        from: String,
        /// The new name of the column.
        to: String,
    },
    /// The action `ALTER COLUMN … SET DEFAULT` or `… DROP DEFAULT`.
    SetDefault {
        /// The name of the column.
        column: String,
        /// The new default; `None` for `DROP DEFAULT`.
        default: Option<DefaultValue>,
    },
    /// The action `DROP COLUMN`.
    DropColumn {
        /// The name of the column.
        name: String,
        /// Whether the action says `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// The action `DROP KEY`, `DROP INDEX` or `DROP PRIMARY KEY`.
    DropIndex {
        /// The name of the index; `PRIMARY` for the primary key.
        name: String,
        /// Whether the action says `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// The action `DROP FOREIGN KEY`.
    DropForeignKey {
        /// The name of the constraint.
        name: String,
        /// Whether the action says `IF EXISTS` (MariaDB).
        if_exists: bool,
    },
    /// The action `DROP CONSTRAINT`: of a foreign key, a unique key, the primary key or a check, by its
    /// name.
    DropConstraint(String),
    /// The action `RENAME INDEX` or `RENAME KEY`.
    RenameIndex {
        /// The name of the index before the change.
        from: String,
        /// The new name of the index.
        to: String,
    },
    /// The action `RENAME TO`, with the new name of the table.
    RenameTo(Name),
    /// The action `CONVERT TO CHARACTER SET`, which changes the table's character set and that of all its text
    /// columns.
    ConvertTo {
        /// The character set in canonical spelling.
        charset: Option<String>,
        /// The collation in canonical spelling.
        collation: Option<String>,
    },
    /// The change of a table option.
    Option(TableOption),
    /// The action `DISABLE KEYS` or `ENABLE KEYS`.
    SwitchKeys,
    /// Any other action, as written; it does not change the model.
    Other(String),
}

/// The position at which `ALTER TABLE` puts a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// A new column goes to the end; an existing column stays where it is.
    Unchanged,
    /// The column becomes the first one (`FIRST`).
    First,
    /// The column goes after another one (`AFTER`).
    After(String),
}

/// A table option that the model knows; values are canonical.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableOption {
    /// The storage engine (`ENGINE`).
    Engine(String),
    /// The default character set (`DEFAULT CHARSET`).
    Charset(String),
    /// The default collation (`COLLATE`).
    Collation(String),
    /// The row format (`ROW_FORMAT`); `None` for `DEFAULT`.
    RowFormat(Option<String>),
    /// Any other table option.
    Other,
}

/// A `DROP` statement for objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// The names of the objects.
    pub names: Vec<Name>,
    /// Whether the statement says `IF EXISTS`.
    pub if_exists: bool,
    /// Whether the statement says `TEMPORARY`, which only `DROP TABLE` can.
    pub temporary: bool,
}

/// A `CREATE` statement for a view, trigger, routine or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create<T> {
    /// The name of the object.
    pub name: Name,
    /// Whether the statement says `OR REPLACE` (MariaDB; of views MySQL as well).
    pub or_replace: bool,
    /// Whether the statement says `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The object itself; `sql_mode` is not part of the statement and stays `None`.
    pub object: T,
}

impl Create<View> {
    /// The columns of a stand-in; `None` for a real view. Dump programs first create each view as `SELECT 1 AS
    /// a, 1 AS b`, so that other views may name it.
    pub fn stand_in_columns(&self, modes: SqlModes) -> Option<Vec<String>> {
        super::program::stand_in_columns(&self.object.query, modes)
    }
}

/// One variable that a `SET` statement sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The scope of the variable.
    pub scope: VariableScope,
    /// The name of the variable in lower case; `names` for `SET NAMES`, `character set` for `SET CHARACTER
    /// SET`, `transaction` for `SET TRANSACTION`.
    pub name: String,
    /// The text of the value, without the marks of version comments.
    pub value: String,
}

/// The scope of a variable that a `SET` statement sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableScope {
    /// A session variable: `SESSION`, `LOCAL`, or no scope given.
    Session,
    /// A global variable (`GLOBAL`).
    Global,
    /// A persisted variable (`PERSIST` or `PERSIST_ONLY`).
    Persist,
    /// A user variable, `@name`.
    User,
}

/// The beginning of an `INSERT` or `REPLACE` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertHead {
    /// The table that gets the rows.
    pub table: Name,
    /// The columns that the statement names; `None` for all columns in table order. Of `INSERT … SET` those that get
    /// another value than DEFAULT.
    pub columns: Option<Vec<String>>,
    /// Whether the server takes rows whose key the table has already, as for INSERT IGNORE and REPLACE.
    pub takes_duplicates: bool,
}

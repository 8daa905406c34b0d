//! What one statement does.

use sqlparser::ast::{ObjectType, Statement};

/// What one statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// ALTER TABLE
    AlterTable,
    /// CREATE TABLE
    CreateTable,
    /// CREATE DATABASE
    CreateDatabase,
    /// DROP TABLE
    DropTable,
    /// SELECT
    Select,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
    /// LOCK TABLES
    LockTables,
    /// SHOW CREATE of a table, view, trigger, routine or event
    ShowCreate,
    /// GRANT
    Grant,
    /// SET DEFAULT ROLE
    SetDefaultRole,
    /// SHOW GRANTS
    ShowGrants,
    /// CREATE TEMPORARY TABLE
    CreateTemporaryTable,
    /// DROP TEMPORARY TABLE
    DropTemporaryTable,
    /// LOAD DATA
    LoadData,
    /// ALTER DATABASE
    AlterDatabase,
    /// USE
    Use,
    /// SET SESSION
    SetSession,
    /// CREATE USER
    CreateUser,
    /// REVOKE
    Revoke,
    /// CHECKSUM TABLE
    Checksum,
    /// CREATE VIEW
    CreateView,
    /// CREATE OR REPLACE VIEW
    ReplaceView,
    /// DROP VIEW
    DropView,
    /// CREATE TRIGGER
    CreateTrigger,
    /// DROP TRIGGER
    DropTrigger,
    /// CREATE FUNCTION
    CreateFunction,
    /// DROP FUNCTION
    DropFunction,
    /// CREATE INDEX
    CreateIndex,
    /// CREATE UNIQUE INDEX
    CreateUniqueIndex,
    /// DROP INDEX
    DropIndex,
    /// TRUNCATE TABLE
    Truncate,
    /// INSERT IGNORE
    InsertIgnore,
    /// REPLACE
    Replace,
    /// UPDATE IGNORE
    UpdateIgnore,
    /// UNLOCK TABLES
    UnlockTables,
    /// RENAME TABLE
    RenameTable,
    /// DROP DATABASE
    DropDatabase,
    /// DROP PROCEDURE
    DropProcedure,
}

impl Operation {
    /// The words that such a statement begins with.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Self::AlterTable => &["ALTER", "TABLE"],
            Self::CreateTable => &["CREATE", "TABLE"],
            Self::CreateDatabase => &["CREATE", "DATABASE"],
            Self::DropTable => &["DROP", "TABLE"],
            Self::Select => &["SELECT"],
            Self::Insert => &["INSERT", "INTO"],
            Self::Update => &["UPDATE"],
            Self::Delete => &["DELETE", "FROM"],
            Self::LockTables => &["LOCK", "TABLES"],
            Self::ShowCreate => &["SHOW", "CREATE"],
            Self::Grant => &["GRANT"],
            Self::SetDefaultRole => &["SET", "DEFAULT", "ROLE"],
            Self::ShowGrants => &["SHOW", "GRANTS"],
            Self::CreateTemporaryTable => &["CREATE", "TEMPORARY", "TABLE"],
            Self::DropTemporaryTable => &["DROP", "TEMPORARY", "TABLE"],
            Self::LoadData => &["LOAD", "DATA"],
            Self::AlterDatabase => &["ALTER", "DATABASE"],
            Self::Use => &["USE"],
            Self::SetSession => &["SET", "SESSION"],
            Self::CreateUser => &["CREATE", "USER"],
            Self::Revoke => &["REVOKE"],
            Self::Checksum => &["CHECKSUM", "TABLE"],
            Self::CreateView => &["CREATE", "VIEW"],
            Self::ReplaceView => &["CREATE", "OR", "REPLACE", "VIEW"],
            Self::DropView => &["DROP", "VIEW"],
            Self::CreateTrigger => &["CREATE", "TRIGGER"],
            Self::DropTrigger => &["DROP", "TRIGGER"],
            Self::CreateFunction => &["CREATE", "FUNCTION"],
            Self::DropFunction => &["DROP", "FUNCTION"],
            Self::CreateIndex => &["CREATE", "INDEX"],
            Self::CreateUniqueIndex => &["CREATE", "UNIQUE", "INDEX"],
            Self::DropIndex => &["DROP", "INDEX"],
            Self::Truncate => &["TRUNCATE", "TABLE"],
            Self::InsertIgnore => &["INSERT", "IGNORE", "INTO"],
            Self::Replace => &["REPLACE", "INTO"],
            Self::UpdateIgnore => &["UPDATE", "IGNORE"],
            Self::UnlockTables => &["UNLOCK", "TABLES"],
            Self::RenameTable => &["RENAME", "TABLE"],
            Self::DropDatabase => &["DROP", "DATABASE"],
            Self::DropProcedure => &["DROP", "PROCEDURE"],
        }
    }

    /// The words of such a statement about many rows, besides their values; none where it is about
    /// something else.
    pub(super) fn words_about_rows(self) -> &'static [&'static str] {
        match self {
            Self::Insert => &["INSERT", "INTO", "VALUES", "NULL", "DEFAULT"],
            Self::Delete => &["DELETE", "FROM", "WHERE", "IN"],
            Self::Update => &[
                "UPDATE", "SET", "WHERE", "IN", "AND", "IS", "NOT", "NULL", "CASE", "WHEN", "THEN",
                "END",
            ],
            Self::Select => &[
                "SELECT", "COUNT", "FROM", "LEFT", "JOIN", "AS", "ON", "WHERE", "IN", "AND", "IS",
                "NOT", "NULL", "FOR", "UPDATE",
            ],
            _ => &[],
        }
    }

    /// Whether a parsed statement does this.
    pub(super) fn is(self, statement: &Statement) -> bool {
        match statement {
            Statement::AlterTable(_) => self == Self::AlterTable,
            Statement::CreateTable(_) => {
                matches!(self, Self::CreateTable | Self::CreateTemporaryTable)
            }
            Statement::CreateDatabase { .. } => self == Self::CreateDatabase,
            Statement::Drop { object_type, .. } => match object_type {
                ObjectType::Table => matches!(self, Self::DropTable | Self::DropTemporaryTable),
                ObjectType::View => self == Self::DropView,
                ObjectType::Index => self == Self::DropIndex,
                ObjectType::Database => self == Self::DropDatabase,
                _ => false,
            },
            Statement::CreateView(_) => matches!(self, Self::CreateView | Self::ReplaceView),
            Statement::CreateTrigger(_) => self == Self::CreateTrigger,
            Statement::DropTrigger(_) => self == Self::DropTrigger,
            Statement::CreateFunction(_) => self == Self::CreateFunction,
            Statement::DropFunction(_) => self == Self::DropFunction,
            Statement::DropProcedure { .. } => self == Self::DropProcedure,
            Statement::RenameTable(_) => self == Self::RenameTable,
            Statement::CreateIndex(_) => {
                matches!(self, Self::CreateIndex | Self::CreateUniqueIndex)
            }
            Statement::Truncate(_) => self == Self::Truncate,
            Statement::UnlockTables => self == Self::UnlockTables,
            Statement::Query(_) => self == Self::Select,
            Statement::Insert(_) => {
                matches!(self, Self::Insert | Self::InsertIgnore | Self::Replace)
            }
            Statement::Update(_) => matches!(self, Self::Update | Self::UpdateIgnore),
            Statement::Delete(_) => self == Self::Delete,
            Statement::LockTables { .. } => self == Self::LockTables,
            Statement::ShowCreate { .. } => self == Self::ShowCreate,
            Statement::Grant(_) => self == Self::Grant,
            Statement::CreateUser(_) => self == Self::CreateUser,
            Statement::Revoke(_) => self == Self::Revoke,
            // The parser takes for it whatever it does not know behind SHOW.
            Statement::ShowVariable { .. } => self == Self::ShowGrants,
            Statement::LoadData { .. } => self == Self::LoadData,
            Statement::Use(_) => self == Self::Use,
            Statement::Set(_) => matches!(self, Self::SetSession | Self::SetDefaultRole),
            _ => false,
        }
    }
}

//! The errors of a server, with their numbers and words.

use super::ServerModel;
use super::limits::SHORT_PREFIX;

/// Why a server refuses a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerError {
    /// A table or view of this name exists (1050).
    TableExists {
        /// The table.
        table: String,
    },
    /// DROP names a table that does not exist (1051).
    UnknownTable {
        /// The table.
        table: String,
    },
    /// A column does not exist (1054).
    NoColumn {
        /// The column.
        column: String,
        /// The table in which it was looked for.
        place: String,
    },
    /// A generated column is made of the column to drop (MariaDB: 1054; MySQL: 3108).
    ColumnGenerates {
        /// The column to drop.
        column: String,
    },
    /// A column of this name exists (1060).
    ColumnExists {
        /// The column.
        column: String,
    },
    /// An index of this name exists (1061).
    IndexExists {
        /// The index.
        index: String,
    },
    /// Two rows are equal in a unique key (1062).
    DuplicateEntry {
        /// The values, joined by `-`.
        entry: String,
        /// The unique key.
        key: String,
    },
    /// The table has a primary key (1068).
    PrimaryKeyExists,
    /// An index needs more bytes than the table format allows (1071).
    KeyTooLong {
        /// The most bytes.
        limit: u32,
    },
    /// A column takes more bytes in an index than the row format of the table allows (MariaDB: 1709).
    IndexColumnTooLong,
    /// An index names a column that does not exist (1072).
    NoKeyColumn {
        /// The column.
        column: String,
    },
    /// An index takes a prefix of a column that is no text, or is shorter (1089).
    WrongPrefix,
    /// The column of an AUTO_INCREMENT has no index (1075).
    AutoIncrementWithoutKey,
    /// All columns would be gone (1090).
    NoColumnLeft,
    /// DROP names a column, an index or a foreign key that does not exist (1091).
    CannotDrop {
        /// `COLUMN`, `INDEX` or `FOREIGN KEY`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A TEXT or BLOB column has a default (1101).
    DefaultOfText {
        /// The column.
        column: String,
    },
    /// A NULL stands in a column that becomes NOT NULL (1138 or 1265).
    NullInColumn {
        /// The column.
        column: String,
    },
    /// A table does not exist (1146).
    NoTable {
        /// The table.
        table: String,
    },
    /// An index on a TEXT or BLOB column has no length (1170).
    TextKeyWithoutLength {
        /// The column.
        column: String,
    },
    /// A foreign key is wrong in some way (MariaDB: 1005 with errno 150; MySQL up to 5.7: 1215).
    ForeignKeyRefused {
        /// The table that was to get the key.
        table: String,
        /// Why, in words of this program.
        why: String,
        /// The error that MySQL 8 has for it.
        mysql_8: Box<ServerError>,
    },
    /// The constraint name of a foreign key is in use (MariaDB: 1005 with errno 121; MySQL 8: 1826).
    ForeignKeyExists {
        /// The table that was to get the key.
        table: String,
        /// The name of the constraint.
        name: String,
    },
    /// The columns of a foreign key have other types than those they refer to (3780).
    Incompatible {
        /// The column of the child table.
        column: String,
        /// The column of the parent table.
        referenced: String,
        /// The name of the constraint.
        name: String,
    },
    /// The parent table does not exist, or its engine has no foreign keys (1824).
    ParentNotOpened {
        /// The parent table.
        table: String,
    },
    /// The parent table has no index on the columns (1822).
    NoParentIndex {
        /// The name of the constraint.
        name: String,
        /// The parent table.
        table: String,
    },
    /// No unique key of the parent table has just these columns (6125).
    NoUniqueParent {
        /// The name of the constraint.
        name: String,
        /// The parent table.
        table: String,
    },
    /// MariaDB, without checks of foreign keys, alters the table in place and refuses the key with another error: 1822 for
    /// want of an index, 1823 and 1826 for a name in use, 1825 for types or a rule that do not fit.
    InPlaceKeyRefused {
        /// The table that was to get the key.
        table: String,
        /// The name of the constraint.
        name: String,
        /// The parent table.
        parent: String,
        /// The number of the error.
        number: u32,
    },
    /// The parent table lacks the column (3734).
    NoParentColumn {
        /// The column.
        column: String,
        /// The name of the constraint.
        name: String,
        /// The parent table.
        table: String,
    },
    /// A column that becomes NOT NULL is in a foreign key with SET NULL (1830).
    NotNullInForeignKey {
        /// The column.
        column: String,
        /// The name of the constraint.
        name: String,
    },
    /// The column to drop is in a foreign key (1828), of another table (1829).
    ColumnInForeignKey {
        /// The column.
        column: String,
        /// The name of the constraint.
        name: String,
        /// The other table; `None` for the column's own.
        of_table: Option<String>,
    },
    /// The type of a column in a foreign key would change (1832), one of another table (1833).
    TypeInForeignKey {
        /// The column.
        column: String,
        /// The name of the constraint.
        name: String,
        /// The other table; `None` for the column's own.
        of_table: Option<String>,
    },
    /// The index to drop is needed by a foreign key (1553).
    IndexInForeignKey {
        /// The index.
        index: String,
    },
    /// The table to drop is the parent of a foreign key (MariaDB: 1451; MySQL 8: 3730).
    TableReferenced {
        /// The table.
        table: String,
        /// The name of the constraint.
        name: String,
        /// The child table.
        child: String,
    },
    /// A column of the primary key would allow NULL (1171).
    NullInPrimaryKey,
    /// MariaDB cannot rename a column of a foreign key and change its type at once (1846).
    CopyNotSupported,
    /// A column without a value is NOT NULL and has no default (1364).
    NoDefault {
        /// The column.
        column: String,
    },
    /// A child row has no parent (1452).
    NoParentRow {
        /// The child table.
        table: String,
        /// The name of the constraint.
        name: String,
    },
    /// A NULL for a column that is NOT NULL (1048).
    NullForColumn {
        /// The column.
        column: String,
    },
    /// A date that the SQL mode forbids (1292).
    WrongDate {
        /// The value.
        value: String,
        /// The column.
        column: String,
    },
    /// A text is longer than the column (1406).
    TooLong {
        /// The column.
        column: String,
    },
    /// A value does not go whole into the column (1265).
    Truncated {
        /// The column.
        column: String,
    },
    /// A number is too great or too small for the column (1264).
    OutOfRange {
        /// The column.
        column: String,
    },
    /// A text for a column of numbers is no number (MariaDB: 1292; MySQL: 1366).
    WrongNumber {
        /// The column.
        column: String,
    },
    /// The statement is about a view, and needs a table (1347).
    NotTable {
        /// The view.
        view: String,
    },
    /// The account lacks a privilege on a table (1142).
    TablePrivilege {
        /// The privilege or command.
        command: String,
        /// The account.
        account: String,
        /// The table.
        table: String,
    },
    /// The account lacks a privilege on the database (1044).
    DatabasePrivilege {
        /// The account.
        account: String,
    },
    /// The account makes a trigger or function without SUPER while binary logging is on (1419).
    NeedsSuper,
    /// The account may not change a routine (1370).
    RoutinePrivilege {
        /// The command.
        command: String,
        /// The account.
        account: String,
        /// The routine.
        routine: String,
    },
}

impl ServerError {
    /// The number that the server has for the error.
    pub fn number(&self, server: &ServerModel) -> u32 {
        match self {
            Self::TableExists { .. } => 1050,
            Self::UnknownTable { .. } => 1051,
            Self::NoColumn { .. } => 1054,
            Self::ColumnGenerates { .. } if server.is_mariadb() => 1054,
            Self::ColumnGenerates { .. } => 3108,
            Self::ColumnExists { .. } => 1060,
            Self::IndexExists { .. } => 1061,
            Self::DuplicateEntry { .. } => 1062,
            Self::PrimaryKeyExists => 1068,
            Self::KeyTooLong { .. } => 1071,
            Self::IndexColumnTooLong => 1709,
            Self::NoKeyColumn { .. } => 1072,
            Self::WrongPrefix => 1089,
            Self::AutoIncrementWithoutKey => 1075,
            Self::NoColumnLeft => 1090,
            Self::CannotDrop { .. } => 1091,
            Self::DefaultOfText { .. } => 1101,
            Self::NullInColumn { .. } if server.is_mariadb() => 1265,
            Self::NullInColumn { .. } => 1138,
            Self::NoTable { .. } => 1146,
            Self::TextKeyWithoutLength { .. } => 1170,
            Self::ForeignKeyRefused { .. } if server.is_mariadb() => 1005,
            Self::ForeignKeyRefused { mysql_8, .. } if server.is_mysql_8() => {
                mysql_8.number(server)
            }
            Self::ForeignKeyRefused { .. } => 1215,
            Self::ForeignKeyExists { .. } if server.is_mariadb() => 1005,
            Self::ForeignKeyExists { .. } if server.is_mysql_8() => 1826,
            Self::ForeignKeyExists { .. } => 1022,
            Self::Incompatible { .. } => 3780,
            Self::ParentNotOpened { .. } => 1824,
            Self::NoParentIndex { .. } => 1822,
            Self::NoUniqueParent { .. } => 6125,
            Self::InPlaceKeyRefused { number, .. } => *number,
            Self::NoParentColumn { .. } => 3734,
            Self::NotNullInForeignKey { .. } => 1830,
            Self::ColumnInForeignKey { of_table: None, .. } => 1828,
            Self::ColumnInForeignKey { .. } => 1829,
            Self::TypeInForeignKey { of_table: None, .. } => 1832,
            Self::TypeInForeignKey { .. } => 1833,
            Self::IndexInForeignKey { .. } => 1553,
            Self::TableReferenced { .. } if server.is_mysql_8() => 3730,
            Self::TableReferenced { .. } => 1451,
            Self::NullInPrimaryKey => 1171,
            Self::CopyNotSupported => 1846,
            Self::NoDefault { .. } => 1364,
            Self::NoParentRow { .. } => 1452,
            Self::NullForColumn { .. } => 1048,
            Self::WrongDate { .. } => 1292,
            Self::TooLong { .. } => 1406,
            Self::Truncated { .. } => 1265,
            Self::OutOfRange { .. } => 1264,
            Self::WrongNumber { .. } if server.is_mariadb() => 1292,
            Self::WrongNumber { .. } => 1366,
            Self::NotTable { .. } => 1347,
            Self::TablePrivilege { .. } => 1142,
            Self::NeedsSuper => 1419,
            Self::DatabasePrivilege { .. } => 1044,
            Self::RoutinePrivilege { .. } => 1370,
        }
    }

    /// The words of the server.
    pub fn text(&self, server: &ServerModel) -> String {
        let mariadb = server.is_mariadb();
        let database = &server.database;
        match self {
            Self::TableExists { table } => format!("Table '{table}' already exists"),
            Self::UnknownTable { table } => format!("Unknown table '{database}.{table}'"),
            Self::NoColumn { column, place } => format!("Unknown column '{column}' in '{place}'"),
            Self::ColumnGenerates { column } if mariadb => {
                format!("Unknown column '{column}' in 'GENERATED ALWAYS AS'")
            }
            Self::ColumnGenerates { column } => {
                format!("Column '{column}' has a generated column dependency.")
            }
            Self::ColumnExists { column } => format!("Duplicate column name '{column}'"),
            Self::IndexExists { index } => format!("Duplicate key name '{index}'"),
            Self::DuplicateEntry { entry, key } => {
                format!("Duplicate entry '{entry}' for key '{key}'")
            }
            Self::PrimaryKeyExists => "Multiple primary key defined".to_owned(),
            Self::KeyTooLong { limit } => {
                format!("Specified key was too long; max key length is {limit} bytes")
            }
            Self::IndexColumnTooLong => format!(
                "Index column size too large. The maximum column size is {SHORT_PREFIX} bytes"
            ),
            Self::NoKeyColumn { column } => format!("Key column '{column}' doesn't exist in table"),
            Self::WrongPrefix => {
                "Incorrect prefix key; the used key part isn't a string, the used length is longer than the key part, \
                 or the storage engine doesn't support unique prefix keys"
                    .to_owned()
            }
            Self::AutoIncrementWithoutKey => {
                "Incorrect table definition; there can be only one auto column and it must \
                                              be defined as a key"
                    .to_owned()
            }
            Self::NoColumnLeft => {
                "You can't delete all columns with ALTER TABLE; use DROP TABLE instead".to_owned()
            }
            Self::CannotDrop { kind, name } if mariadb => {
                format!("Can't DROP {kind} `{name}`; check that it exists")
            }
            Self::CannotDrop { name, .. } => {
                format!("Can't DROP '{name}'; check that column/key exists")
            }
            Self::DefaultOfText { column } => {
                format!("BLOB, TEXT, GEOMETRY or JSON column '{column}' can't have a default value")
            }
            Self::NullInColumn { column } if mariadb => {
                format!("Data truncated for column '{column}' at row 1")
            }
            Self::NullInColumn { .. } => "Invalid use of NULL value".to_owned(),
            Self::NoTable { table } => format!("Table '{database}.{table}' doesn't exist"),
            Self::TextKeyWithoutLength { column } => {
                format!(
                    "BLOB/TEXT column '{column}' used in key specification without a key length"
                )
            }
            Self::ForeignKeyRefused { table, mysql_8, .. } => {
                if mariadb {
                    format!(
                        "Can't create table `{database}`.`{table}` (errno: 150 \"Foreign key constraint is \
                         incorrectly formed\")"
                    )
                } else if server.is_mysql_8() {
                    mysql_8.text(server)
                } else {
                    "Cannot add foreign key constraint".to_owned()
                }
            }
            Self::ForeignKeyExists { table, .. } if mariadb => format!(
                "Can't create table `{database}`.`{table}` (errno: 121 \"Duplicate key on write or update\")"
            ),
            Self::ForeignKeyExists { name, .. } if server.is_mysql_8() => {
                format!("Duplicate foreign key constraint name '{name}'")
            }
            Self::ForeignKeyExists { table, .. } => {
                format!("Can't write; duplicate key in table '{table}'")
            }
            Self::Incompatible {
                column,
                referenced,
                name,
            } => format!(
                "Referencing column '{column}' and referenced column '{referenced}' in foreign key constraint \
                 '{name}' are incompatible."
            ),
            Self::ParentNotOpened { table } => {
                format!("Failed to open the referenced table '{table}'")
            }
            Self::NoParentIndex { name, table } => format!(
                "Failed to add the foreign key constraint. Missing index for constraint '{name}' in the referenced \
                 table '{table}'"
            ),
            Self::NoUniqueParent { name, table } => format!(
                "Failed to add the foreign key constraint. Missing unique key for constraint '{name}' in the \
                 referenced table '{table}'"
            ),
            Self::InPlaceKeyRefused {
                table,
                name,
                parent,
                number,
            } => match number {
                1822 => format!(
                    "Failed to add the foreign key constraint. Missing index for constraint '{name}' in the \
                     referenced table '{parent}'"
                ),
                1823 => format!(
                    "Failed to add the foreign key constraint '{database}/{name}' to system tables"
                ),
                1826 => format!("Duplicate FOREIGN KEY constraint name '{database}/{name}'"),
                _ => format!(
                    "Failed to add the foreign key constraint on table '{table}'. Incorrect options in FOREIGN KEY \
                     constraint '{database}/{name}'"
                ),
            },
            Self::NoParentColumn {
                column,
                name,
                table,
            } => format!(
                "Failed to add the foreign key constraint. Missing column '{column}' for constraint '{name}' in the \
                 referenced table '{table}'"
            ),
            Self::NotNullInForeignKey { column, name } => format!(
                "Column '{column}' cannot be NOT NULL: needed in a foreign key constraint '{name}' SET NULL"
            ),
            Self::ColumnInForeignKey {
                column,
                name,
                of_table,
            } => {
                let of = of_other(of_table);
                format!(
                    "Cannot drop column '{column}': needed in a foreign key constraint '{name}'{of}"
                )
            }
            Self::TypeInForeignKey {
                column,
                name,
                of_table,
            } => {
                let of = of_other(of_table);
                format!(
                    "Cannot change column '{column}': used in a foreign key constraint '{name}'{of}"
                )
            }
            Self::IndexInForeignKey { index } => {
                format!("Cannot drop index '{index}': needed in a foreign key constraint")
            }
            Self::TableReferenced { table, name, child } if server.is_mysql_8() => format!(
                "Cannot drop table '{table}' referenced by a foreign key constraint '{name}' on table '{child}'."
            ),
            Self::TableReferenced { name, child, .. } => format!(
                "Cannot delete or update a parent row: a foreign key constraint fails (`{database}`.`{child}`, \
                 CONSTRAINT `{name}`)"
            ),
            Self::NullInPrimaryKey => {
                "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead".to_owned()
            }
            Self::CopyNotSupported => {
                "ALGORITHM=COPY is not supported. Reason: Columns participating in a foreign key \
                                       are renamed. Try ALGORITHM=INPLACE"
                    .to_owned()
            }
            Self::NoDefault { column } => format!("Field '{column}' doesn't have a default value"),
            Self::NoParentRow { table, name } => format!(
                "Cannot add or update a child row: a foreign key constraint fails (`{database}`.`{table}`, \
                 CONSTRAINT `{name}`)"
            ),
            Self::NullForColumn { column } => format!("Column '{column}' cannot be null"),
            Self::WrongDate { value, column } => {
                format!("Incorrect datetime value: '{value}' for column '{column}' at row 1")
            }
            Self::TooLong { column } => format!("Data too long for column '{column}' at row 1"),
            Self::Truncated { column } => format!("Data truncated for column '{column}' at row 1"),
            Self::OutOfRange { column } => {
                format!("Out of range value for column '{column}' at row 1")
            }
            Self::WrongNumber { .. } if mariadb => "Truncated incorrect INTEGER value".to_owned(),
            Self::WrongNumber { column } => {
                format!("Incorrect integer value for column '{column}' at row 1")
            }
            Self::NotTable { view } if mariadb => {
                format!("'{database}.{view}' is not of type 'BASE TABLE'")
            }
            Self::NotTable { view } => format!("'{database}.{view}' is not BASE TABLE"),
            Self::TablePrivilege {
                command,
                account,
                table,
            } if mariadb => {
                format!(
                    "{command} command denied to user {account} for table `{database}`.`{table}`"
                )
            }
            Self::TablePrivilege {
                command,
                account,
                table,
            } => {
                format!("{command} command denied to user {account} for table '{table}'")
            }
            Self::NeedsSuper => "You do not have the SUPER privilege and binary logging is enabled (you *might* want to \
                                 use the less safe log_bin_trust_function_creators variable)"
                .to_owned(),
            Self::DatabasePrivilege { account } => {
                format!("Access denied for user {account} to database '{database}'")
            }
            Self::RoutinePrivilege {
                command,
                account,
                routine,
            } => {
                format!(
                    "{command} command denied to user {account} for routine '{database}.{routine}'"
                )
            }
        }
    }
}

/// Where the constraint of another table is meant, that table.
fn of_other(table: &Option<String>) -> String {
    let table = table.as_ref();
    table.map_or_else(String::new, |table| format!(" of table '{table}'"))
}

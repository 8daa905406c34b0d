//! What only a dump tells: whether it is whole, and what a restore meets.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::Producer;

/// A place in the text of a dump (after decompression).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes of text before the place.
    pub offset: u64,
    /// Line number of the place, from 1.
    pub line: u64,
}

impl Default for Place {
    /// The beginning of the text: offset 0, line 1.
    fn default() -> Self {
        Self { offset: 0, line: 1 }
    }
}

/// A place in one file of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// File name where the dump has several, otherwise empty.
    pub file: String,
    /// Place in the text of that file.
    pub place: Place,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}, ", self.file)?;
        }
        write!(f, "line {} (byte {})", self.place.line, self.place.offset)
    }
}

/// What a dump tells beyond the objects in it: whether it is whole, and what a restore meets.
#[derive(Clone, Debug, Default)]
pub struct DumpFacts {
    /// Number of statements, INSERTs included.
    pub statements: u64,
    /// Number of rows in all databases.
    pub rows: u64,
    /// Number of tables created, in all databases.
    pub tables_created: u64,
    /// One for each run of a dump program whose output the dump holds.
    pub parts: Vec<Part>,
    /// Files whose text ended inside something, or whose container is damaged.
    pub files: Vec<FileEnding>,
    /// Saved variables (`SET @OLD_X=@@X`) that nothing restored.
    pub unrestored: Vec<String>,
    /// Tables locked by the last LOCK TABLES, when no UNLOCK TABLES followed.
    pub locked: Vec<String>,
    /// Whether something else than the last line of its program marks the end of the dump: variables that it saves at
    /// its start and restores, or a last line without the first one.
    pub ends_by_variables: bool,
    /// Whether the rows stand in files of their own, which no statement of the dump loads (`mysqldump --tab`).
    pub rows_apart: bool,
    /// Whether START TRANSACTION stands without a COMMIT after it.
    pub open_transaction: bool,
    /// Files that a folder announces and lacks, or marks as unfinished.
    pub unfinished: Vec<String>,
    /// The first zero byte of each file that has one. Dump programs write none.
    pub zero_bytes: Vec<At>,
    /// Text that is not SQL, such as messages of the dump program.
    pub stray_text: Vec<StrayText>,
    /// User variables named `@OLD_…` or `@saved_…` that statements restore although none has saved them, in a file that does not
    /// begin as the program begins one: its beginning is missing.
    pub never_saved: Vec<String>,
    /// The place of a first line that can only be the rest of a statement: the beginning of the file is missing.
    pub begins_inside: Option<At>,
    /// Only tables whose names begin so were dumped, as the program's comments say; `None` when all were.
    pub table_prefix: Option<String>,
    /// The conditions that rows had to fit to be dumped (`mysqldump --where`), each with the first place and the number of
    /// tables.
    pub rows_where: IndexMap<String, (At, u64)>,
    /// Tables whose rows the program says that it left out.
    pub rows_left_out: Vec<(At, String)>,
    /// The longest statement for each table, of those that are longer than servers take by default; empty for
    /// statements that are not about a table.
    pub large_statements: IndexMap<String, LargeStatement>,
    /// Variables that only accounts with a privilege for the whole server may set, with the first place.
    pub privileged_variables: IndexMap<(VariableReach, String), At>,
    /// Statements about the server and not about a database, such as `GRANT` and `CHANGE`, by their first words, with
    /// the first place.
    pub server_statements: IndexMap<String, At>,
    /// INSERTs that give values for a generated column: the table and the column.
    pub values_for_generated: Vec<(At, String, String)>,
    /// Character sets of tables and columns for which the dump names no collation, so that the server chooses.
    pub without_collation: Vec<WithoutCollation>,
    /// Loadable functions that the dump installs (`CREATE FUNCTION … SONAME`), in lower case.
    pub loadable_functions: BTreeSet<String>,
    /// Statements that a server would refuse at their place in the dump, with the reason.
    pub conflicts: Vec<(At, String)>,
    /// INSERTs into tables whose trigger was created before, with the trigger and the table.
    pub triggers_before_rows: Vec<(At, String, String)>,
    /// INSERTs whose number of values is not that of the columns: table, columns, values.
    pub wrong_column_counts: Vec<(At, String, usize, usize)>,
    /// INSERTs of which the first row has as many values as there are columns, and others have not.
    pub uneven_inserts: Vec<UnevenInsert>,
    /// Tables of which the first row of an INSERT is too long to count its values.
    pub uncounted_rows: Vec<String>,
    /// Character sets that rows come in, as SET NAMES said, and those of their tables.
    pub rows_in_charset: IndexMap<(Option<String>, Option<String>), At>,
    /// Statements that cannot be read, with the reason.
    pub unreadable: Vec<(At, String)>,
    /// First and last lines of dump programs that stand inside a statement.
    pub swallowed_lines: Vec<(At, String)>,
    /// INSERTs whose rows are followed by what does not belong there: the table, and the first line of that; empty where
    /// the INSERT ended inside a row.
    pub broken_inserts: Vec<(At, String, String)>,
    /// Place of MariaDB's sandbox mark; `None` if there is none.
    pub sandbox_mark: Option<At>,
    /// Place of `SET @@GLOBAL.GTID_PURGED` outside a comment; `None` if there is none.
    pub gtid_purged: Option<At>,
    /// Collations (and character sets) that statements name, as they spell them, with the first place.
    pub collations: IndexMap<String, At>,
    /// `sql_mode` flags that SET statements name, with the first place.
    pub sql_modes: IndexMap<String, At>,
    /// CREATE, DROP and USE of a database by name.
    pub database_statements: Vec<(At, String)>,
    /// Objects that the dump makes in a database which it names itself without choosing it: the place, the kind
    /// and name of the object, and the database.
    pub objects_with_database: Vec<(At, String, String)>,
    /// Foreign keys created, with `foreign_key_checks` on, before the table that they refer to.
    pub keys_before_parent: Vec<KeyBeforeParent>,
    /// First words of statements whose quotes do not fit the `sql_mode` under which they run.
    pub quoted_wrongly: Vec<(At, String)>,
    /// Tables created without a column.
    pub without_columns: Vec<(At, String)>,
    /// Tables that statements use although no statement creates them, with the first place.
    pub never_created: IndexMap<String, At>,
}

/// Text in a dump that is not SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayText {
    /// The place of its first line.
    pub at: At,
    /// Its first line.
    pub line: String,
    /// Number of lines that follow the first and are not SQL either.
    pub more: u64,
    /// Whether the line looks like a message of a program.
    pub is_message: bool,
    /// Whether it stands in a comment, as what is glued to the last line of a dump does, so that a restore passes it.
    pub in_comment: bool,
    /// Where it stands among the statements.
    pub position: Position,
}

/// Where something stands among the statements of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// No statement stands before it.
    First,
    /// Statements stand before and behind it.
    Between,
    /// No statement stands behind it.
    Last,
}

/// The longest statement for a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LargeStatement {
    /// The place where it begins.
    pub at: At,
    /// Its length in bytes.
    pub bytes: u64,
}

/// An INSERT whose rows do not have the same number of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnevenInsert {
    /// The place where it begins.
    pub at: At,
    /// The table that gets the rows.
    pub table: String,
    /// The number of columns that each row should have a value for.
    pub columns: usize,
    /// The number of rows.
    pub rows: u64,
    /// The number of values of all rows.
    pub values: u64,
}

/// How far the setting of a variable reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VariableReach {
    /// Only the session: `SET SESSION`.
    Session,
    /// The whole server: `SET GLOBAL`, `SET PERSIST`.
    Global,
}

/// A table, or a column of it, whose character set is named without a collation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithoutCollation {
    /// The table.
    pub table: String,
    /// The column; `None` for the default of the table.
    pub column: Option<String>,
    /// The character set, in canonical spelling.
    pub charset: String,
    /// The place of the statement.
    pub at: At,
}

/// One run of a dump program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The program that wrote this part of the dump.
    pub producer: Producer,
    /// The place of the program's first line.
    pub begins: At,
    /// Whether the program's last line was found, whole.
    pub ended: bool,
}

/// How the text of one file ended.
#[derive(Clone, Debug)]
pub struct FileEnding {
    /// File name where the dump has several, otherwise empty.
    pub file: String,
    /// How the text of the file ended.
    pub text: Ending,
    /// Damage of the file's container; `None` if it is not damaged.
    pub damage: Option<Damage>,
}

/// A foreign key created before its parent table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBeforeParent {
    /// The child table.
    pub table: String,
    /// The parent table.
    pub parent: String,
    /// The place of the statement that creates the foreign key.
    pub at: At,
}

/// The statement that the end of the file interrupted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The innermost thing that was open.
    pub open: Open,
    /// The place where the statement or comment began.
    pub place: Place,
    /// The first bytes of that statement or comment, at most 200.
    pub head: Vec<u8>,
}

/// What a file can end inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// The file ends inside a statement, before its delimiter.
    Statement,
    /// The file ends inside a quoted string or name.
    Quoted,
    /// The file ends inside a `/* */` comment.
    Comment,
    /// A file of rows ends inside a row.
    Row,
}

/// How the text of a dump ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What was still open at the end; `None` if nothing was.
    pub interrupted: Option<Interrupted>,
    /// Whether a DELIMITER block was not closed.
    pub inside_delimiter_block: bool,
    /// Number of bytes of text read.
    pub bytes: u64,
    /// Number of line feeds read.
    pub lines: u64,
}

/// What is wrong with a container, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The kind of damage.
    pub kind: DamageKind,
    /// Place in the input as stored, in bytes from its start. Exact for a read error, a cut (the
    /// input's length), a missing or wrong footer of gzip and zip (where the footer begins, or for
    /// zip the data ends), and padding and garbage (where they begin). For `Corrupt`, and for wrong
    /// checksums inside bzip2, zstd and xz, it is where the decoder noticed: up to one compressed
    /// block after the damage, or one read buffer before.
    pub compressed_offset: u64,
    /// Bytes of text delivered before the damage. A byte order mark does not count.
    pub plain_bytes: u64,
    /// One sentence for people that says what is wrong, without the input's name.
    pub message: String,
}

/// The ways in which a container can be damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// The compressed data ends too early. bzip2, zstd and xz do not show whether only their footer
    /// is missing, so that is `Truncated` as well.
    Truncated,
    /// All text came out, but gzip's checksum or zip's directory is missing or cut.
    FooterMissing,
    /// The text does not match the checksum or the length stored with it.
    ChecksumMismatch,
    /// The compressed data is not valid. bzip2 and xz report wrong checksums this way, too.
    Corrupt,
    /// The text is complete and checked, but something else follows it.
    TrailingGarbage,
    /// The text is complete and checked, and zero bytes follow it: harmless, as from tapes.
    ZeroPadding,
    /// The input could not be read further.
    ReadError,
    /// A later part of the input needs what is not supported: too much memory, another compression method, or a
    /// further file of a zip archive that came through a pipe.
    Unsupported,
}

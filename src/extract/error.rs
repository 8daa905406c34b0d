//! Why no part of a dump could be taken out of it.

use std::io;

use crate::gate::Blocked;
use crate::schema::ddl::DdlError;

/// Why no part of a dump could be taken out of it. The result is then not whole, and is thrown away where that is
/// possible.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// A statement cannot be read, so that nobody can tell what it is about.
    #[error(
        "the statement at line {line} cannot be read ({error}), so that nobody can tell whether it belongs to what is wanted"
    )]
    Unreadable {
        /// The line on which it begins.
        line: u64,
        /// What is wrong with it.
        error: DdlError,
    },
    /// A statement uses the name of the database for something else as well.
    #[error(
        "the statement at line {line} uses {database} as the name of the database and of something else (a table or an \
         alias), so that the name of the database cannot be replaced in it"
    )]
    Ambiguous {
        /// The line on which it begins.
        line: u64,
        /// The name.
        database: String,
    },
    /// A statement without rows is longer than is kept in memory.
    #[error(
        "the statement at line {line} has more than {} MiB before its end and is not an INSERT with VALUES; it is not looked into",
        .limit >> 20
    )]
    TooLong {
        /// The line on which it begins.
        line: u64,
        /// The most bytes that are kept.
        limit: u64,
    },
    /// A statement that would be added is not what it is meant to be.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The result cannot be written.
    #[error("{0}")]
    Write(#[from] io::Error),
}

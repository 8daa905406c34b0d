//! Connects to a running server and reads the facts of a database from it.
//!
//! [`login`] finds out where a server is and which account to use, [`connection`] asks it, and only a
//! [`writer`] can change anything.

/// A question of the folder `sql`, by the name of its file.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $name, ".sql"))
    };
}
pub(crate) use sql;

pub mod answer;
mod authorities;
pub(crate) mod connect;
pub mod connection;
pub mod error;
pub mod login;
pub(crate) mod one_statement;
pub mod probe;
pub mod reader;
pub mod watch;
pub mod writer;

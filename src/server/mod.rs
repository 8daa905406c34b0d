//! Connects to a running server and reads the facts of a database from it.
//!
//! [`login`] finds out where a server is and which account to use, [`connection`] asks it, and only a
//! [`writer`] can change anything.

pub mod connection;
pub mod error;
pub mod login;
pub mod probe;
pub mod reader;
pub mod writer;

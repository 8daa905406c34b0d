//! A running server: how to reach it, and the facts from there.
//!
//! [`login`] says where a server is and as whom to speak to it, [`connection`] asks it, and only a
//! [`writer`] can change anything.

pub mod connection;
pub mod error;
pub mod login;
pub mod probe;
pub mod reader;
pub mod writer;

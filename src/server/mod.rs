//! A running server: how to reach it, and the facts from there.
//!
//! [`login`] says where a server is and as whom to speak to it, [`connection`] speaks to it.

pub mod connection;
pub mod error;
pub mod login;
pub mod probe;
pub mod reader;

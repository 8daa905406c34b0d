//! A database server to try things on: a private one that exists only as long as it is needed, or an empty one
//! that another person provides.
//!
//! [`Program`] finds a MariaDB or MySQL server program on this machine. [`LocalServer`] runs it in
//! a private folder, and stops and removes it in every way that its owner can end. [`Existing`] is
//! a server that already runs and holds no tables. [`Sandbox`] is either of the two. [`Scratch`] is an empty database on a
//! server that already runs.
//!
//! No system service, option file or data folder is read or touched, and no privilege is needed.

mod accounts;
mod bootstrap;
mod client;
mod error;
mod existing;
mod leftovers;
mod local;
mod program;
mod scratch;
mod watched;

pub use accounts::AccountPrivileges;
pub use client::Client;
pub use error::SandboxError;
pub use existing::Existing;
pub use local::{LocalServer, Options};
pub use program::Program;
pub use scratch::Scratch;

use crate::server::connection::Reader;
use crate::server::login::Login;

/// A server to try things on, private or existing.
#[derive(Debug)]
pub enum Sandbox {
    /// A private server on this machine.
    Local(LocalServer),
    /// An empty server that was already running.
    Existing(Existing),
}

impl Sandbox {
    /// The server and the account to use, which may do everything that a sandbox is for.
    pub fn login(&self) -> Login {
        match self {
            Self::Local(server) => server.login(),
            Self::Existing(server) => server.login().clone(),
        }
    }

    /// Opens a connection to the server.
    ///
    /// # Errors
    /// The server no longer answers.
    pub fn connect(&self) -> Result<Reader, SandboxError> {
        Ok(Reader::open(&self.login())?)
    }

    /// Stops and removes a private server. An existing one is left running.
    ///
    /// # Errors
    /// The server does not end, or its folder cannot be removed.
    pub fn stop(self) -> Result<(), SandboxError> {
        match self {
            Self::Local(server) => server.stop(),
            Self::Existing(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

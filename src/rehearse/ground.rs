//! Where a dump is restored: the stage of a rehearsal, or a database of its own beside a site.

use std::time::Duration;

use super::RehearseError;
use super::kind::Kind;
use super::stage::{Definers, Stage};
use crate::sandbox::Client;
use crate::server::connection::Reader;

/// A database into which a dump is restored, and in which it is proved to work.
pub trait Ground {
    /// The name of the database.
    fn database(&self) -> &str;

    /// Whether statements of this kind are run, which reach outside the database.
    fn allows(&self, kind: Kind) -> bool;

    /// What becomes of the accounts that triggers, views, routines and events run as.
    fn definers(&self) -> Definers;

    /// The longest time that one statement may take.
    fn limit(&self) -> Duration;

    /// A session of the account that restores, in the database.
    ///
    /// # Errors
    /// The server does not answer, or the database is not there.
    fn client(&self) -> Result<Client, RehearseError>;

    /// A session for the statements of the dump.
    ///
    /// # Errors
    /// The server does not answer.
    fn restoring_client(&self) -> Result<Client, RehearseError> {
        self.client()
    }

    /// A connection that only asks, in the database.
    ///
    /// # Errors
    /// The server does not answer, or the database is not there any more.
    fn reader(&self) -> Result<Reader, RehearseError>;

    /// What ended a connection, as far as more is known of it than the error says.
    fn explain(&self, error: RehearseError) -> RehearseError;

    /// The error to end with, where a signal has come or the disk is full.
    ///
    /// # Errors
    /// That is so.
    fn go_on(&self) -> Result<(), RehearseError>;
}

impl Ground for Stage {
    fn database(&self) -> &str {
        &self.database
    }

    fn allows(&self, kind: Kind) -> bool {
        self.allowed.contains(&kind)
    }

    fn definers(&self) -> Definers {
        self.definers
    }

    fn limit(&self) -> Duration {
        Self::limit(self)
    }

    fn client(&self) -> Result<Client, RehearseError> {
        Self::client(self)
    }

    fn restoring_client(&self) -> Result<Client, RehearseError> {
        Self::restoring_client(self)
    }

    fn reader(&self) -> Result<Reader, RehearseError> {
        Self::reader(self)
    }

    fn explain(&self, error: RehearseError) -> RehearseError {
        Self::explain(self, error)
    }

    fn go_on(&self) -> Result<(), RehearseError> {
        Self::go_on(self)
    }
}

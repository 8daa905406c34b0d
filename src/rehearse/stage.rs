//! The private server with its accounts and its empty database, on which a dump is rehearsed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::RehearseError;
use super::kind::Kind;
use super::space::Warden;
use crate::sandbox::{AccountPrivileges, Client, LocalServer, Options, Program, SandboxError};
use crate::schema::model::Account;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::login::Login;
use crate::server_version::{Family, ServerVersion};
use crate::snapshot::Snapshot;

/// The account that restores, and that the site would have: it may do everything in its database.
const ACCOUNT: &str = "cividb";

/// The name of the database where the dump does not say it.
const DATABASE: &str = "civicrm";

/// What becomes of the accounts that triggers, views, routines and events run as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Definers {
    /// They are made on the private server, locked, with the privileges of a site's account.
    #[default]
    Create,
    /// The DEFINER clauses stay and the accounts are not made, as on a server that does not have them.
    Keep,
    /// The account that restores takes their place.
    Current,
}

/// How a rehearsal is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The server program.
    pub program: Program,
    /// The folder for the private server; `None` means that for temporary files.
    pub parent: Option<PathBuf>,
    /// What becomes of definers.
    pub definers: Definers,
    /// The kinds of statements that are allowed.
    pub allowed: Vec<Kind>,
    /// The longest time that one statement may take.
    pub limit: Duration,
    /// Becomes the number of a signal that has come.
    pub signal: Arc<AtomicUsize>,
}

/// A private server, ready for a dump. It ends when this is dropped.
pub struct Stage {
    pub(super) warden: Warden,
    server: LocalServer,
    /// The name of the database.
    pub database: String,
    /// Whether the dump makes the database.
    dump_makes_database: bool,
    pub(super) definers: Definers,
    pub(super) allowed: Vec<Kind>,
    limit: Duration,
    /// The accounts that were made for definers.
    pub made: Vec<Account>,
    /// The accounts that could not be made, and why.
    pub not_made: Vec<(Account, String)>,
}

impl Stage {
    /// Starts the server and makes the accounts and the database for a dump.
    ///
    /// # Errors
    /// The server does not start, or a signal came.
    pub fn set(setup: Setup, dump: &Snapshot) -> Result<Self, RehearseError> {
        let options = Options {
            parent: setup.parent,
            confined: true,
            interrupted: Some(Arc::clone(&setup.signal)),
            ..Options::default()
        };
        let is_interrupted = || match setup.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        };
        let server = LocalServer::start(setup.program, options).map_err(|error| {
            is_interrupted().map_or_else(|| error.into(), RehearseError::Interrupted)
        })?;
        let warden = Warden::begin(server.folder(), &setup.signal);
        let database = dump.database.clone().unwrap_or_else(|| DATABASE.to_owned());
        let makes = format!("CREATE DATABASE {database}");
        let facts = dump.dump.iter();
        let mut statements = facts.flat_map(|facts| &facts.database_statements);
        let dump_makes_database = statements.any(|(_, statement)| *statement == makes);
        let mut stage = Self {
            database,
            dump_makes_database,
            definers: setup.definers,
            allowed: setup.allowed,
            limit: setup.limit,
            made: Vec::new(),
            not_made: Vec::new(),
            warden,
            server,
        };
        let result = stage.furnish(dump);
        result.map_err(|error| stage.explain(error))?;
        Ok(stage)
    }

    fn furnish(&mut self, dump: &Snapshot) -> Result<(), SandboxError> {
        self.server.confine()?;
        if !self.dump_makes_database {
            self.server.create_database(&self.database)?;
        }
        let databases = [self.database.clone()];
        let version = self.server.program().version();
        let mut privileges = match self.definers {
            Definers::Current => Vec::new(),
            _ => of_definers(version).to_vec(),
        };
        privileges.extend(
            self.allowed
                .iter()
                .flat_map(|kind| kind.privileges(version)),
        );
        let own = AccountPrivileges {
            databases: &databases,
            server: &privileges,
            locked: false,
        };
        self.server.add_account(&account(), own)?;
        if self.definers != Definers::Create {
            return Ok(());
        }
        let is_of_server = |account: &&Account| {
            account.user.starts_with("mysql.") || account.user.starts_with("mariadb.")
        };
        let definers: BTreeSet<Account> = dump.schema.definers().cloned().collect();
        for definer in definers
            .iter()
            .filter(|it| !is_of_server(it) && **it != account())
        {
            let privileges = AccountPrivileges {
                databases: &databases,
                server: &[],
                locked: true,
            };
            match self.server.add_account(definer, privileges) {
                Ok(()) => self.made.push(definer.clone()),
                Err(SandboxError::Server(error)) if !error.is_lost() => {
                    self.not_made.push((definer.clone(), error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A session of the account that restores, in the database.
    ///
    /// # Errors
    /// The server does not answer, or the database is not there.
    pub fn client(&self) -> Result<Client, RehearseError> {
        self.session(Some(&self.database))
    }

    /// A session for the statements of the dump: in the database, unless the dump makes that itself.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) fn restoring_client(&self) -> Result<Client, RehearseError> {
        self.session((!self.dump_makes_database).then_some(self.database.as_str()))
    }

    fn session(&self, database: Option<&str>) -> Result<Client, RehearseError> {
        let login = self.server.login_of(ACCOUNT);
        let client = Client::open(&login, database, self.limit);
        client.map_err(|error| self.explain(error))
    }

    /// A connection of the administration, which only asks.
    ///
    /// # Errors
    /// The server does not answer, or the database is not there any more.
    pub fn reader(&self) -> Result<Reader, RehearseError> {
        let mut reader = Reader::open(&self.login()).map_err(|error| self.explain(error))?;
        let used = reader.use_database(&self.database);
        used.map_err(|error| self.explain(error))?;
        Ok(reader)
    }

    /// The login of the administration, for commands that look at servers.
    pub fn login(&self) -> Login {
        Login {
            database: Some(self.database.clone()),
            ..self.server.login()
        }
    }

    /// The longest time that one statement may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// The version of the server.
    pub fn version(&self) -> &ServerVersion {
        self.server.program().version()
    }

    /// The private server.
    pub fn server(&self) -> &LocalServer {
        &self.server
    }

    /// What ended a connection: a full disk, a signal, the end of the server; or the error as it is.
    pub fn explain(&self, error: impl Into<RehearseError>) -> RehearseError {
        let error = error.into();
        let is_lost = match &error {
            RehearseError::Server(error) => error.is_lost() || is_refused(error),
            RehearseError::Sandbox(SandboxError::Server(error)) => {
                error.is_lost() || is_refused(error)
            }
            _ => false,
        };
        if !is_lost {
            return error;
        }
        if let Some(reason) = self.warden.error() {
            return reason;
        }
        match self.server.is_running() {
            true => error,
            false => RehearseError::ServerEnded(self.server.log()),
        }
    }

    /// The error to end with, where a signal has come or the disk is full.
    ///
    /// # Errors
    /// That is so.
    pub fn go_on(&self) -> Result<(), RehearseError> {
        self.warden.error().map_or(Ok(()), Err)
    }

    /// Leaves the server running when this program ends; returns how to end it: the number of a process.
    ///
    /// # Errors
    /// No process could be started that keeps it.
    pub fn keep(self) -> Result<u32, RehearseError> {
        let Self { server, .. } = self;
        server.keep().map_err(RehearseError::Keep)
    }

    /// Ends the server and removes all that belongs to it.
    ///
    /// # Errors
    /// It does not end, or its folder cannot be removed.
    pub fn strike(self) -> Result<(), RehearseError> {
        let Self { server, warden, .. } = self;
        drop(warden);
        Ok(server.stop()?)
    }
}

/// The name of the account that restores.
pub fn account() -> Account {
    Account {
        user: ACCOUNT.to_owned(),
        host: "localhost".to_owned(),
    }
}

/// Whether a connection could not be made, which after the first means that the server is gone.
fn is_refused(error: &ServerError) -> bool {
    matches!(error, ServerError::NoWayIn(_))
}

/// The privileges that an account needs to make triggers, views and routines that run as somebody else (MySQL manual,
/// "Stored Object Access Control"; MariaDB Knowledge Base, "GRANT", "SET USER").
fn of_definers(server: &ServerVersion) -> &'static [&'static str] {
    match server.family {
        Family::Mysql if server.number >= (8, 2, 0) => {
            &["SET_ANY_DEFINER", "ALLOW_NONEXISTENT_DEFINER"]
        }
        Family::Mysql if server.number >= (8, 0, 0) => &["SET_USER_ID"],
        Family::Mariadb if server.number >= (10, 5, 2) => &["SET USER"],
        _ => &["SUPER"],
    }
}

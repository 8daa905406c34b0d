//! The private server with its accounts and its empty database, on which a dump is rehearsed; or such a database on a
//! server of others.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::RehearseError;
use super::kind::Kind;
use super::space::Warden;
use crate::sandbox::{
    AccountPrivileges, Client, LocalServer, Options, Program, SandboxError, Scratch,
};
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
    /// What holds on every server.
    pub limits: Limits,
}

/// What a rehearsal may do and how long it may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The kinds of statements that are allowed.
    pub allowed: Vec<Kind>,
    /// The longest time that one statement may take.
    pub limit: Duration,
    /// Becomes the number of a signal that has come.
    pub signal: Arc<AtomicUsize>,
}

/// Where the database is.
enum House {
    /// On a private server, which is watched over.
    Private(Warden, LocalServer),
    /// On a server of others; the number becomes that of a signal that has come.
    Scratch(Scratch, Arc<AtomicUsize>),
}

/// A database on a private server, or an empty one on a server of others, ready for a dump. The server ends when this is
/// dropped, and the database of others is emptied.
pub struct Stage {
    house: House,
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
            interrupted: Some(Arc::clone(&setup.limits.signal)),
            ..Options::default()
        };
        let Limits {
            allowed,
            limit,
            signal,
        } = setup.limits;
        let server = LocalServer::start(setup.program, options)
            .map_err(|error| interrupted(&signal).unwrap_or_else(|| error.into()))?;
        let warden = Warden::begin(server.folder(), &signal);
        let database = dump.database.clone().unwrap_or_else(|| DATABASE.to_owned());
        let makes = format!("CREATE DATABASE {database}");
        let facts = dump.dump.iter();
        let mut statements = facts.flat_map(|facts| &facts.database_statements);
        let dump_makes_database = statements.any(|(_, statement)| *statement == makes);
        let mut stage = Self {
            database,
            dump_makes_database,
            definers: setup.definers,
            allowed,
            limit,
            made: Vec::new(),
            not_made: Vec::new(),
            house: House::Private(warden, server),
        };
        let result = stage.furnish(dump);
        result.map_err(|error| stage.explain(error))?;
        Ok(stage)
    }

    /// A stage in an empty database of others. What runs as other accounts runs as the one that restores.
    ///
    /// # Errors
    /// The database is not empty, or the dump names its own, which is another one. `url` is what the user named.
    pub fn in_scratch(
        login: Login,
        url: &str,
        limits: Limits,
        dump: &Snapshot,
    ) -> Result<Self, RehearseError> {
        let Some(database) = login.database.clone() else {
            return Err(RehearseError::NoDatabase(url.to_owned()));
        };
        let facts = dump.dump.iter();
        let mut statements = facts.flat_map(|facts| &facts.database_statements);
        if let Some(own) = &dump.database
            && *own != database
            && statements.next().is_some()
        {
            return Err(RehearseError::OtherDatabase {
                dump: own.clone(),
                url: url.to_owned(),
            });
        }
        let scratch = Scratch::open(login, &database)?;
        Ok(Self {
            house: House::Scratch(scratch, limits.signal),
            database,
            dump_makes_database: false,
            definers: Definers::Current,
            allowed: limits.allowed,
            limit: limits.limit,
            made: Vec::new(),
            not_made: Vec::new(),
        })
    }

    fn furnish(&mut self, dump: &Snapshot) -> Result<(), SandboxError> {
        let House::Private(_, server) = &mut self.house else {
            return Ok(());
        };
        server.confine()?;
        if !self.dump_makes_database {
            server.create_database(&self.database)?;
        }
        let databases = [self.database.clone()];
        let version = server.program().version();
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
        server.add_account(&account(), own)?;
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
            match server.add_account(definer, privileges) {
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
        let login = match &self.house {
            House::Private(_, server) => server.login_of(ACCOUNT),
            House::Scratch(scratch, _) => scratch.login().clone(),
        };
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
        let login = match &self.house {
            House::Private(_, server) => server.login(),
            House::Scratch(scratch, _) => scratch.login().clone(),
        };
        Login {
            database: Some(self.database.clone()),
            ..login
        }
    }

    /// The longest time that one statement may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// The version of the server.
    pub fn version(&self) -> &ServerVersion {
        match &self.house {
            House::Private(_, server) => server.program().version(),
            House::Scratch(scratch, _) => scratch.version(),
        }
    }

    /// The private server; `None` where the database is on one of others.
    pub fn server(&self) -> Option<&LocalServer> {
        match &self.house {
            House::Private(_, server) => Some(server),
            House::Scratch(..) => None,
        }
    }

    /// How many servers of runs that were killed were removed.
    pub fn leftovers_removed(&self) -> usize {
        self.server().map_or(0, LocalServer::leftovers_removed)
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
        if let Err(reason) = self.go_on() {
            return reason;
        }
        match self.server() {
            Some(server) if !server.is_running() => RehearseError::ServerEnded(server.log()),
            _ => error,
        }
    }

    /// The error to end with, where a signal has come or the disk is full.
    ///
    /// # Errors
    /// That is so.
    pub fn go_on(&self) -> Result<(), RehearseError> {
        let error = match &self.house {
            House::Private(warden, _) => warden.error(),
            House::Scratch(_, signal) => interrupted(signal),
        };
        error.map_or(Ok(()), Err)
    }

    /// Leaves the private server running when this program ends, and returns how to end it: the number of a process; or leaves
    /// a database of others as it is.
    ///
    /// # Errors
    /// No process could be started that keeps it.
    pub fn keep(self) -> Result<Option<u32>, RehearseError> {
        match self.house {
            House::Private(warden, server) => {
                drop(warden);
                server.keep().map(Some).map_err(RehearseError::Keep)
            }
            House::Scratch(scratch, _) => {
                scratch.keep();
                Ok(None)
            }
        }
    }

    /// Ends the private server and removes all that belongs to it; or empties a database of others.
    ///
    /// # Errors
    /// It does not end, its folder cannot be removed, or the database cannot be emptied.
    pub fn strike(self) -> Result<(), RehearseError> {
        match self.house {
            House::Private(warden, server) => {
                drop(warden);
                Ok(server.stop()?)
            }
            House::Scratch(scratch, _) => Ok(scratch.clear()?),
        }
    }
}

/// The error to end with where a signal has come.
fn interrupted(signal: &AtomicUsize) -> Option<RehearseError> {
    match signal.load(Ordering::Relaxed) {
        0 => None,
        number => i32::try_from(number).ok().map(RehearseError::Interrupted),
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

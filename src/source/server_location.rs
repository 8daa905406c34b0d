//! A database on a running server, and how it is named.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::error::SourceError;
use crate::civicrm::site;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::login::{Gathered, Given, Login, Secret, System, gather, url};
use crate::server::reader::{self, ReadOptions};
use crate::settings::{self, CmsSettings, SettingsFile};
use crate::snapshot::Snapshot;

/// What is needed to connect to servers, besides the source's own name.
#[derive(Clone, Debug)]
pub struct Access {
    /// What the command line says about the server and its option files.
    pub given: Given,
    /// Whether to count rows instead of taking the storage engine's estimates.
    pub exact_counts: bool,
    /// Whether a settings file may include files that belong neither to its site nor to its owner.
    pub include_outside: bool,
    /// Asks the user for the password of the source of this name; `None` if there is no answer.
    pub ask_password: fn(&str) -> Option<Secret>,
    /// Tells the user a warning.
    pub warn: fn(&str),
}

impl Default for Access {
    /// Access that never asks for a password and never shows a warning.
    fn default() -> Self {
        Self {
            given: Given::default(),
            exact_counts: false,
            include_outside: false,
            ask_password: |_| None,
            warn: |_| {},
        }
    }
}

/// A database on a running server, and the login for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLocation {
    /// The source as the user named it, without a password.
    pub name: String,
    /// The server and the account to use.
    pub login: Login,
    /// The database in which the site keeps its log tables, when that is not its own.
    pub logging_database: Option<String>,
    /// Whether to count rows instead of taking the storage engine's estimates.
    pub exact_counts: bool,
    /// The settings file that named the server.
    pub settings_file: Option<PathBuf>,
    /// The server, the account and the database of the CMS, where that is another database.
    pub cms_login: Option<Box<Login>>,
}

impl ServerLocation {
    /// The server that an argument names: a URL, a settings file, or the folder of a site. `None` if the
    /// argument names something else.
    pub(super) fn named(argument: &OsStr, access: &Access) -> Result<Option<Self>, SourceError> {
        if let Some(text) = argument.to_str().filter(|text| url::is_url(text)) {
            return Self::of_url(text, access).map(Some);
        }
        let path = Path::new(argument);
        let file = if path.is_dir() {
            settings::site::find(path)?
        } else {
            settings::is_settings(path).then(|| path.to_owned())
        };
        file.map(|file| Self::of_settings(&file, access))
            .transpose()
    }

    fn of_url(text: &str, access: &Access) -> Result<Self, SourceError> {
        let login = url::parse(text)
            .map_err(|error| SourceError::Url(url::without_password(text), error))?;
        let is_bare = login == Login::default();
        // Neither argument nor option names a server: then the environment may.
        if is_bare
            && access.given.is_silent()
            && let Ok(dsn) = std::env::var("CIVICRM_DSN")
        {
            let login = settings::parse_dsn(dsn.as_bytes())
                .map_err(|error| SourceError::Environment("CIVICRM_DSN", error))?;
            let name = url::without_password(&dsn);
            let gathered = Gathered::of_site(&access.given, login);
            return Ok(Self::new(name, gathered, access));
        }
        let gathered = gather(access.given.clone(), Some(login), &System::real())?;
        let name = match is_bare {
            true => url::of(&gathered.login),
            false => url::without_password(text),
        };
        Ok(Self::new(name, gathered, access))
    }

    fn of_settings(path: &Path, access: &Access) -> Result<Self, SourceError> {
        let file = match SettingsFile::read_with(path, access.include_outside) {
            Ok(file) => file,
            // What only PHP can tell, the environment or the options may.
            Err(error) if error.is_about_dsn() => {
                let by = match access.given.names_account() {
                    true => "the options say",
                    false if std::env::var_os("CIVICRM_DSN").is_some() => {
                        "CIVICRM_DSN of the environment says"
                    }
                    false => return Err(error.into()),
                };
                let name = path.to_string_lossy().into_owned();
                (access.warn)(&format!("{error}; {by} where the database of {name} is"));
                return Ok(Self {
                    name,
                    settings_file: Some(path.to_owned()),
                    ..Self::of_url("mysql://", access)?
                });
            }
            Err(error) => return Err(error.into()),
        };
        let log = match &file.logging_dsn {
            Ok(Some(log)) => log.login.database.clone(),
            _ => None,
        };
        let logging_database = log.filter(|name| file.dsn.login.database.as_ref() != Some(name));
        if let Some(database) = &logging_database {
            let path = path.display();
            (access.warn)(&format!(
                "{path}: CIVICRM_LOGGING_DSN leads to another database, {database}; its log tables are \
                 not looked at"
            ));
        }
        let cms_login = cms_login(&file, access).map(Box::new);
        let gathered = Gathered::of_site(&access.given, file.dsn.login);
        let name = file.path.to_string_lossy().into_owned();
        Ok(Self {
            logging_database,
            settings_file: Some(path.to_owned()),
            cms_login,
            ..Self::new(name, gathered, access)
        })
    }

    fn new(name: String, gathered: Gathered, access: &Access) -> Self {
        for warning in &gathered.warnings {
            (access.warn)(&warning.to_string());
        }
        let mut login = gathered.login;
        if gathered.ask_password {
            login.password = (access.ask_password)(&name).or(login.password);
        }
        Self {
            name,
            login,
            logging_database: None,
            exact_counts: access.exact_counts,
            settings_file: None,
            cms_login: None,
        }
    }

    /// Connects, and makes the database the current one: the one asked for, or else the only one that holds
    /// CiviCRM. Returns the name of the database as well.
    ///
    /// # Errors
    /// The connection cannot be made, or the database does not exist.
    pub fn connect(&self, database: Option<&str>) -> Result<(Reader, String), ServerError> {
        let mut connection = Reader::open(&self.login)?;
        let database = match database.or(self.login.database.as_deref()) {
            Some(name) => {
                connection.use_database(name)?;
                name.to_owned()
            }
            None => connection.find_database()?,
        };
        Ok((connection, database))
    }

    /// Reads everything over a connection made by [`ServerLocation::connect`].
    ///
    /// # Errors
    /// The connection is lost, or a question that every server answers is not answered.
    pub fn read(&self, connection: &mut Reader, database: &str) -> Result<Snapshot, ServerError> {
        let wanted = ReadOptions {
            rows: site::ROWS_WANTED,
            exact_counts: self.exact_counts,
        };
        let mut snapshot = reader::read(connection, database, wanted)?;
        snapshot.source.name.clone_from(&self.name);
        if let Some(server) = &mut snapshot.server {
            server.logging_database.clone_from(&self.logging_database);
        }
        Ok(snapshot)
    }

    /// Reads the database of the CMS into the snapshot, where that is another one.
    pub fn read_cms(&self, snapshot: &mut Snapshot) {
        let Some(login) = &self.cms_login else {
            return;
        };
        let database = login.database.as_deref().unwrap_or_default();
        let read = || {
            let mut connection = Reader::open(login)?;
            connection.use_database(database)?;
            let wanted = ReadOptions {
                rows: site::ROWS_WANTED,
                exact_counts: false,
            };
            reader::read(&mut connection, database, wanted)
        };
        let read = read().map(Box::new);
        snapshot.cms_database = Some(read.map_err(|error: ServerError| {
            format!("the database {database} of CIVICRM_UF_DSN cannot be read: {error}")
        }));
    }
}

/// The login to the database of the CMS, where that is another one than CiviCRM's: that of `CIVICRM_UF_DSN`, or the one that
/// the CMS's own settings file names, with CiviCRM's account.
fn cms_login(file: &SettingsFile, access: &Access) -> Option<Login> {
    let own = &file.dsn.login;
    let of_dsn = file.uf_dsn.as_ref().map(|dsn| dsn.login.clone());
    let of_cms = || {
        let cms = CmsSettings::beside(&file.path).ok().flatten()?;
        let is_here = cms.host.is_none() || cms.host == own.host;
        is_here.then(|| Login {
            database: cms.database,
            ..own.clone()
        })
    };
    let found = of_dsn.or_else(of_cms)?;
    let database = found.database.clone()?;
    if Some(&database) == own.database.as_ref() {
        return None;
    }
    let login = Gathered::of_site(&access.given, found).login;
    Some(Login {
        database: Some(database),
        ..login
    })
}

//! The sources that the user names, and the facts read from them.

mod folder;
mod folder_kind;
mod pattern;
mod settings;

use std::io;
use std::path::{Path, PathBuf};

use self::settings::{DsnError, SettingsError, SettingsFile};
use crate::civicrm::site;
use crate::dump::container::{ByteStream, ContainerError, Problem, Progress};
use crate::dump::reader::{ChooseError, DumpReader, DumpSink};
use crate::dump::scanner::Scanner;
use crate::server::connection::Reader;
use crate::server::error::ServerError;
use crate::server::login::url::UrlError;
use crate::server::login::{Gathered, Given, Login, LoginError, Secret, System, gather, url};
use crate::server::reader::{self, ReadOptions};
use crate::snapshot::Snapshot;

/// The place that facts are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Standard input, named by `-`.
    Stdin,
    /// A file of this path.
    File(PathBuf),
    /// A folder made by mydumper.
    Folder(PathBuf),
    /// A database on a running server.
    Server(Box<ServerLocation>),
}

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
}

impl ServerLocation {
    /// The server that an argument names: a URL, a settings file, or the folder of a site. `None` if the
    /// argument names something else.
    fn named(argument: &str, access: &Access) -> Result<Option<Self>, SourceError> {
        if url::is_url(argument) {
            return Self::of_url(argument, access).map(Some);
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
                    true => "the options",
                    false if std::env::var_os("CIVICRM_DSN").is_some() => {
                        "CIVICRM_DSN of the environment"
                    }
                    false => return Err(error.into()),
                };
                let name = path.to_string_lossy().into_owned();
                (access.warn)(&format!(
                    "{error}; {by} say where the database of {name} is"
                ));
                return Ok(Self {
                    name,
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
        let gathered = Gathered::of_site(&access.given, file.dsn.login);
        let name = file.path.to_string_lossy().into_owned();
        Ok(Self {
            logging_database,
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
}

/// Why a source could not be read. Each message names the source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The argument is not a valid pattern for file names.
    #[error("{pattern}: {error}")]
    Pattern {
        /// The pattern as the user gave it.
        pattern: String,
        /// What is wrong with the pattern.
        error: glob::PatternError,
    },
    /// The argument is neither a file nor a URL with a known scheme; this is the text after the `@`.
    #[error("...@{0}: there is no such file; the URL of a server is mysql://user@host/database")]
    Misspelled(String),
    /// No file matches the argument.
    #[error("{0}: no file of that name, and none that matches it as a pattern")]
    NoMatch(String),
    /// Several files match where one is wanted.
    #[error("{0}: several files match, and only one can be taken")]
    Several(String),
    /// The container cannot be read at all.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A site's settings file does not lead to its database.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// An environment variable does not lead to a site's database; its name, and why.
    #[error("environment variable {0}: {1}")]
    Environment(&'static str, DsnError),
    /// A URL does not name a server; the URL without its password, and why.
    #[error("{0}: {1}")]
    Url(String, UrlError),
    /// The server or the account to use cannot be determined.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A server cannot be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A folder cannot be listed.
    #[error("{}: cannot list the folder: {error}", .path.display())]
    Folder {
        /// The path of the folder.
        path: PathBuf,
        /// The error that the operating system reports.
        error: io::Error,
    },
    /// The folder holds a backup of a kind that cannot be read.
    #[error("{}: {what}; {advice}", .path.display())]
    OtherFolder {
        /// The path of the folder.
        path: PathBuf,
        /// What the folder holds, as a clause.
        what: &'static str,
        /// What the user can do instead.
        advice: &'static str,
    },
    /// The folder does not hold a dump.
    #[error("{}: the folder was not made by mydumper (no metadata and no *-schema.sql in it); to verify the files in it, name them: '{}/*'", .0.display(), .0.display())]
    NoDump(PathBuf),
    /// The database could not be chosen.
    #[error("{name}: {error}")]
    Choose {
        /// The name of the source.
        name: String,
        /// Why no database could be chosen.
        error: ChooseError,
    },
}

impl SourceError {
    /// The reason, when the source can be read but is not SQL text: that is a finding about a backup, not a
    /// failure to look at it.
    pub fn not_text(&self) -> Option<&Problem> {
        match self {
            Self::Container(error) => match &error.problem {
                problem @ (Problem::WideText(_)
                | Problem::Foreign { .. }
                | Problem::Markup { .. }
                | Problem::OnlyNul(_)
                | Problem::Binary) => Some(problem),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Location {
    /// The sources that one argument names: itself, or the files that match it as a pattern.
    ///
    /// # Errors
    /// Neither a file of that name exists, nor does any file match it as a pattern.
    pub fn expand(argument: &str, access: &Access) -> Result<Vec<Self>, SourceError> {
        if argument == "-" {
            return Ok(vec![Self::Stdin]);
        }
        if let Some(server) = ServerLocation::named(argument, access)? {
            return Ok(vec![Self::Server(Box::new(server))]);
        }
        let path = Path::new(argument);
        if !path.exists()
            && let Some(server) = url::misspelled(argument)
        {
            return Err(SourceError::Misspelled(server.to_owned()));
        }
        let is_pattern = argument.contains(['*', '?', '[']);
        if path.exists() || !is_pattern {
            return Ok(vec![Self::of(path.to_owned())]);
        }
        let found = pattern::matching(argument).map_err(|error| SourceError::Pattern {
            pattern: argument.to_owned(),
            error,
        })?;
        if found.is_empty() {
            return Err(SourceError::NoMatch(argument.to_owned()));
        }
        Ok(found.into_iter().map(Self::of).collect())
    }

    /// The only source that an argument names.
    ///
    /// # Errors
    /// The errors of [`Location::expand`], or the argument is a pattern that several files match.
    pub fn one(argument: &str, access: &Access) -> Result<Self, SourceError> {
        let mut locations = Self::expand(argument, access)?.into_iter();
        match (locations.next(), locations.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(SourceError::Several(argument.to_owned())),
        }
    }

    /// The database to take from a source that is compared with another: the one that the source itself names,
    /// or else the one that the user named for both.
    pub fn database<'a>(&'a self, of_both: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Server(server) => server.login.database.as_deref().or(of_both),
            _ => of_both,
        }
    }

    /// The file or folder at this path.
    pub fn of(path: PathBuf) -> Self {
        if path.is_dir() {
            Self::Folder(path)
        } else {
            Self::File(path)
        }
    }

    /// Whether this is the file at that path, also through links.
    pub fn is(&self, path: &Path) -> bool {
        let Self::File(file) = self else { return false };
        match (file.canonicalize(), path.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }

    /// The name of the source in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) | Self::Folder(path) => path.to_string_lossy().into_owned(),
            Self::Server(server) => server.name.clone(),
        }
    }

    /// Whether a second reading finds the same content. Standard input, pipes and devices can be read only
    /// once.
    pub fn can_be_read_again(&self) -> bool {
        match self {
            Self::Stdin => false,
            Self::File(path) => path.is_file(),
            Self::Folder(_) | Self::Server(_) => true,
        }
    }

    /// Reads all facts. `watch` is told how far each file has been read, for a progress bar.
    ///
    /// # Errors
    /// The source cannot be read, is not text, or holds several CiviCRM databases.
    pub fn read(
        &self,
        database: Option<&str>,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<Snapshot, SourceError> {
        if let Self::Server(server) = self {
            let (mut connection, database) = server.connect(database)?;
            return Ok(server.read(&mut connection, &database)?);
        }
        let mut reader = DumpReader::new(site::ROWS_WANTED);
        let container = self.scan(&mut reader, watch)?;
        self.finish(reader, container, database)
    }

    /// Scans the files of a dump; returns the kind of container.
    ///
    /// # Errors
    /// The source cannot be read, is not text, or is a server and not a dump.
    pub fn scan(
        &self,
        sink: &mut impl DumpSink,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<&'static str, SourceError> {
        match self {
            Self::Server(_) => Err(SourceError::NoDump(PathBuf::from(self.name()))),
            Self::Stdin => {
                let stream = ByteStream::from_reader("standard input", io::stdin())?;
                Ok(read_stream(stream, Scanner::default(), sink, watch))
            }
            Self::File(path) => {
                let mut scanner = Scanner::default();
                if let Some(part) = folder::part(path) {
                    sink.reader().begin_file("", Some(&part.database));
                    scanner = part.scanner();
                }
                Ok(read_stream(ByteStream::open(path)?, scanner, sink, watch))
            }
            Self::Folder(path) => {
                folder::read(path, sink, watch)?;
                Ok("folder")
            }
        }
    }

    /// Puts together the facts that a reader has collected from the dump.
    ///
    /// # Errors
    /// The dump holds several CiviCRM databases, or not the one asked for.
    pub fn finish(
        &self,
        reader: DumpReader,
        container: &'static str,
        database: Option<&str>,
    ) -> Result<Snapshot, SourceError> {
        let mut snapshot = reader
            .finish(database, site::TABLE_PREFIX)
            .map_err(|error| SourceError::Choose {
                name: self.name(),
                error,
            })?;
        snapshot.source.name = self.name();
        snapshot.source.container = container;
        Ok(snapshot)
    }
}

/// Scans one stream to its end; returns the kind of its container.
fn read_stream(
    mut stream: ByteStream,
    mut scanner: Scanner,
    sink: &mut impl DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> &'static str {
    let container = stream.container().as_str();
    let progress = stream.progress();
    while let Some(piece) = stream.next_piece() {
        scanner.feed_ahead(piece.text, piece.ahead, sink);
        watch(&progress);
    }
    let text = scanner.finish(sink);
    let damage = stream.ending().and_then(|ending| ending.damage()).cloned();
    sink.reader().end_file(text, damage);
    container
}

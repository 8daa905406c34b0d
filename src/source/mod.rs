//! What the user named, and the facts from there.

mod folder;
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
use crate::server::reader::{self, Wanted};
use crate::snapshot::Snapshot;

/// Where facts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `-`: standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A folder made by mydumper.
    Folder(PathBuf),
    /// A database on a running server.
    Server(Box<ServerLocation>),
}

/// How to get at servers.
#[derive(Clone, Debug)]
pub struct Access {
    /// What the command line says.
    pub given: Given,
    /// Count rows instead of taking the storage engine's guess.
    pub exact_counts: bool,
    /// Asks the user for the password of the source of this name.
    pub ask_password: fn(&str) -> Option<Secret>,
    /// Tells the user what was ignored.
    pub warn: fn(&str),
}

impl Default for Access {
    /// Asks nobody and warns nobody.
    fn default() -> Self {
        Self {
            given: Given::default(),
            exact_counts: false,
            ask_password: |_| None,
            warn: |_| {},
        }
    }
}

/// A database on a running server, and the way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLocation {
    /// As the user named it, without a password.
    pub name: String,
    /// The way in.
    pub login: Login,
    /// Where the site keeps its log tables, when that is another database.
    pub logging_database: Option<String>,
    /// Count rows instead of taking the storage engine's guess.
    pub exact_counts: bool,
}

impl ServerLocation {
    /// The server that an argument names, if it names one: a URL, a settings file, or the
    /// folder of a site.
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
        // Nobody says where: then the environment may.
        let dsn = std::env::var("CIVICRM_DSN").ok();
        if let Some(dsn) = dsn.filter(|_| login == Login::default() && access.given.is_silent()) {
            let login = settings::parse_dsn(dsn.as_bytes())
                .map_err(|error| SourceError::Environment("CIVICRM_DSN", error))?;
            let name = url::without_password(&dsn);
            let gathered = Gathered::of_site(&access.given, login);
            return Ok(Self::new(name, gathered, access));
        }
        let is_bare = login == Login::default();
        let gathered = gather(access.given.clone(), Some(login), &System::real())?;
        let name = match is_bare {
            true => url::of(&gathered.login),
            false => url::without_password(text),
        };
        Ok(Self::new(name, gathered, access))
    }

    fn of_settings(path: &Path, access: &Access) -> Result<Self, SourceError> {
        let file = SettingsFile::read(path)?;
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

    /// Connects, and makes the database the current one: the one asked for, or else the only
    /// one that holds CiviCRM. Returns its name as well.
    ///
    /// # Errors
    /// There is no way in, or no such database.
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
        let wanted = Wanted {
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
    /// The pattern is none.
    #[error("{pattern}: {error}")]
    Pattern {
        /// As given.
        pattern: String,
        /// What is wrong with it.
        error: glob::PatternError,
    },
    /// No file, and no URL that is known.
    #[error("...@{0}: there is no such file; the URL of a server is mysql://user@host/database")]
    Misspelled(String),
    /// No file matches.
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
    /// An environment variable does not.
    #[error("environment variable {0}: {1}")]
    Environment(&'static str, DsnError),
    /// A URL names no server.
    #[error("{0}: {1}")]
    Url(String, UrlError),
    /// The way into a server cannot be told.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A server cannot be asked.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A folder cannot be listed.
    #[error("{}: cannot list the folder: {error}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A folder holds no dump.
    #[error("{}: the folder is none of mydumper's (no metadata and no *-schema.sql in it); to verify the files in it, name them: '{}/*'", .0.display(), .0.display())]
    NoDump(PathBuf),
    /// The database could not be chosen.
    #[error("{name}: {error}")]
    Choose {
        /// The source.
        name: String,
        /// Why.
        error: ChooseError,
    },
}

impl SourceError {
    /// The reason, when the source can be read but is no text of SQL: that is a finding
    /// about a backup, not a failure to look at it.
    pub fn not_text(&self) -> Option<&Problem> {
        match self {
            Self::Container(error) => match &error.problem {
                problem @ (Problem::WideText(_)
                | Problem::Foreign { .. }
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
    /// Nothing of that name exists and nothing matches.
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
        let matches = glob::glob(argument).map_err(|error| SourceError::Pattern {
            pattern: argument.to_owned(),
            error,
        })?;
        let found: Vec<Self> = matches.filter_map(Result::ok).map(Self::of).collect();
        if found.is_empty() {
            return Err(SourceError::NoMatch(argument.to_owned()));
        }
        Ok(found)
    }

    /// The one source that an argument names.
    ///
    /// # Errors
    /// As [`Location::expand`], and when it is a pattern that several files match.
    pub fn one(argument: &str, access: &Access) -> Result<Self, SourceError> {
        let mut locations = Self::expand(argument, access)?.into_iter();
        match (locations.next(), locations.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(SourceError::Several(argument.to_owned())),
        }
    }

    /// The database to take of a source that another is compared with: what the source itself
    /// names comes before what the user said of both.
    pub fn database<'a>(&'a self, of_both: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Server(server) => server.login.database.as_deref().or(of_both),
            _ => of_both,
        }
    }

    /// The file or folder of this path.
    pub fn of(path: PathBuf) -> Self {
        if path.is_dir() {
            Self::Folder(path)
        } else {
            Self::File(path)
        }
    }

    /// Whether this is the file of that path, through links as well.
    pub fn is(&self, path: &Path) -> bool {
        let Self::File(file) = self else { return false };
        match (file.canonicalize(), path.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        }
    }

    /// The name for reports.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) | Self::Folder(path) => path.to_string_lossy().into_owned(),
            Self::Server(server) => server.name.clone(),
        }
    }

    /// Whether a second reading finds the same: not so of standard input, pipes and devices.
    pub fn can_be_read_again(&self) -> bool {
        match self {
            Self::Stdin => false,
            Self::File(path) => path.is_file(),
            Self::Folder(_) | Self::Server(_) => true,
        }
    }

    /// Reads everything. `watch` is told how far each file has been read, for a progress bar.
    ///
    /// # Errors
    /// The source cannot be read, is no text, or holds several CiviCRM databases.
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
    /// The source cannot be read, is no text, or is no dump but a server.
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

    /// Puts together what a reader has made of the dump.
    ///
    /// # Errors
    /// It holds several CiviCRM databases, or not the one asked for.
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

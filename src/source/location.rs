//! What one argument names, and the facts from there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use super::error::SourceError;
use super::kept_text::KeptText;
use super::server_location::{Access, ServerLocation};
use super::{folder, pattern};
use crate::civicrm::site;
use crate::dump::container::{ByteStream, Progress};
use crate::dump::delimited::DelimitedRows;
use crate::dump::reader::{DumpReader, DumpSink};
use crate::dump::scanner::Scanner;
use crate::server::login::url;
use crate::settings::{Held, SettingsFacts};
use crate::snapshot::{Ending, Snapshot};

/// The place that facts are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Standard input, named by `-`.
    Stdin,
    /// A file of this path.
    File(PathBuf),
    /// A folder with the files of one dump.
    Folder(PathBuf),
    /// A database on a running server.
    Server(Box<ServerLocation>),
}

impl Location {
    /// Whether an argument is a pattern, which several files may match, and no URL and no file.
    pub fn is_pattern(argument: impl AsRef<OsStr>) -> bool {
        let Some(argument) = argument.as_ref().to_str() else {
            return false;
        };
        let may_be = argument.contains(['*', '?', '[']) && !argument.contains("://");
        may_be && !Path::new(argument).exists()
    }

    /// The sources that one argument names: itself, or the files that match it as a pattern.
    ///
    /// # Errors
    /// Neither a file of that name exists, nor does any file match it as a pattern.
    pub fn expand(argument: impl AsRef<OsStr>, access: &Access) -> Result<Vec<Self>, SourceError> {
        let argument = argument.as_ref();
        if argument == "-" {
            return Ok(vec![Self::Stdin]);
        }
        if let Some(server) = ServerLocation::named(argument, access)? {
            return Ok(vec![Self::Server(Box::new(server))]);
        }
        let path = Path::new(argument);
        // A name that is not UTF-8 is that of a file.
        let Some(argument) = argument.to_str() else {
            return Ok(vec![Self::of(path.to_owned())]);
        };
        if !path.exists()
            && let Some(server) = url::misspelled(argument)
        {
            return Err(SourceError::Misspelled(server.to_owned()));
        }
        if !Self::is_pattern(argument) {
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
    pub fn one(argument: impl AsRef<OsStr>, access: &Access) -> Result<Self, SourceError> {
        let argument = argument.as_ref();
        let mut locations = Self::expand(argument, access)?.into_iter();
        match (locations.next(), locations.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(SourceError::Several(
                argument.to_string_lossy().into_owned(),
            )),
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

    /// When the file was last written to, of a folder its newest file; `None` of a stream and a server, and where the
    /// system does not say.
    pub fn modified(&self) -> Option<SystemTime> {
        let of = |path: &Path| fs::metadata(path).ok()?.modified().ok();
        match self {
            Self::Stdin | Self::Server(_) => None,
            Self::File(path) if !path.is_file() => None,
            Self::File(path) => of(path),
            Self::Folder(path) => {
                let entries = fs::read_dir(path).into_iter().flatten().flatten();
                entries.filter_map(|entry| of(&entry.path())).max()
            }
        }
    }

    /// What the settings file defines that named the source; `None` where another argument did.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn settings(&self, access: &Access) -> Result<Option<SettingsFacts>, SourceError> {
        let Self::Server(server) = self else {
            return Ok(None);
        };
        let file = server.settings_file.as_deref();
        let read = file.map(|file| SettingsFacts::read(file, access.include_outside));
        Ok(read.transpose()?)
    }

    /// Notes which CMS the settings file names, and reads its database into the snapshot, where the source is a site's settings
    /// file that names another one for it.
    pub fn read_cms(&self, snapshot: &mut Snapshot, settings: Option<&SettingsFacts>) {
        let named = settings.and_then(|settings| settings.get("CIVICRM_UF"));
        if let Some(Held::Text(name)) = named.map(|named| &named.held) {
            snapshot.cms_named = Some(String::from_utf8_lossy(name).into_owned());
        }
        if let Self::Server(server) = self {
            server.read_cms(snapshot);
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
        sink: &mut dyn DumpSink,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<&'static str, SourceError> {
        self.scan_keeping(&mut KeptText::default(), sink, watch)
    }

    /// Scans the dump as [`scan`](Self::scan) does, and keeps its text where that is short; scans `kept` where it has the
    /// text already.
    ///
    /// # Errors
    /// The file cannot be opened or is of a kind that cannot be read.
    pub fn scan_keeping(
        &self,
        kept: &mut KeptText,
        sink: &mut dyn DumpSink,
        watch: &mut dyn FnMut(&Progress),
    ) -> Result<&'static str, SourceError> {
        match self {
            Self::Server(_) => Err(SourceError::NoDump(PathBuf::from(self.name()))),
            Self::Stdin => {
                let stream = ByteStream::from_reader("standard input", io::stdin())?;
                Ok(read_stream(stream, Scanner::default(), None, sink, watch))
            }
            Self::File(path) => {
                let mut scanner = Scanner::default();
                if let Some(part) = folder::part(path) {
                    sink.reader().begin_file("", Some(&part.database));
                    scanner = part.scanner();
                }
                if let Some((text, container)) = kept.whole() {
                    read_text(text, scanner, sink);
                    return Ok(container);
                }
                let stream = ByteStream::open(path)?;
                Ok(read_stream(stream, scanner, Some(kept), sink, watch))
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
        let mut snapshot =
            reader
                .finish(database, &site::MARKS)
                .map_err(|error| SourceError::Choose {
                    name: self.name(),
                    error,
                })?;
        snapshot.source.name = self.name();
        snapshot.source.container = container;
        snapshot.source.modified = self.modified();
        Ok(snapshot)
    }
}

/// Bytes that are kept of the end of a text.
const TAIL: usize = 8 << 10;

/// Keeps the last bytes of a text, of which the next piece has come.
fn keep_tail(tail: &mut Vec<u8>, piece: &[u8]) {
    let kept = TAIL.saturating_sub(piece.len()).min(tail.len());
    tail.drain(..tail.len() - kept);
    let new = piece.len().saturating_sub(TAIL);
    tail.extend_from_slice(piece.get(new..).unwrap_or_default());
}

/// Reads the rows of one stream to its end.
pub(super) fn read_rows(
    mut stream: ByteStream,
    mut rows: DelimitedRows,
    sink: &mut dyn DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> Ending {
    let progress = stream.progress();
    while let Some(piece) = stream.next_chunk() {
        rows.feed(piece, sink);
        watch(&progress);
    }
    let text = rows.finish(sink);
    let damage = stream.ending().and_then(|ending| ending.damage()).cloned();
    sink.reader().end_file(text.clone(), damage, b"");
    text
}

/// Scans a text that has no damage.
fn read_text(text: &[u8], mut scanner: Scanner, sink: &mut dyn DumpSink) {
    scanner.feed(text, sink);
    let ending = scanner.finish(sink);
    let mut tail = Vec::new();
    keep_tail(&mut tail, text);
    sink.reader().end_file(ending, None, &tail);
}

/// Scans one stream to its end, and keeps its text where that is asked for; returns the kind of its container.
pub(super) fn read_stream(
    mut stream: ByteStream,
    mut scanner: Scanner,
    mut kept: Option<&mut KeptText>,
    sink: &mut dyn DumpSink,
    watch: &mut dyn FnMut(&Progress),
) -> &'static str {
    let container = stream.container().as_str();
    let progress = stream.progress();
    let mut tail = Vec::new();
    while !sink.has_enough()
        && let Some(piece) = stream.next_piece()
    {
        sink.lent(piece.buffer);
        scanner.feed_ahead(piece.text, piece.ahead, sink);
        keep_tail(&mut tail, piece.text);
        if let Some(kept) = &mut kept {
            kept.add(piece.text);
        }
        watch(&progress);
    }
    let text = scanner.finish(sink);
    let ending = stream.ending();
    let damage = ending.and_then(|ending| ending.damage()).cloned();
    if let Some(kept) = kept
        && ending.is_some()
        && damage.is_none()
    {
        kept.is_whole(container);
    }
    sink.reader().end_file(text, damage, &tail);
    container
}

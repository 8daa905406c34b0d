//! Opens an input, tells what it is, and starts the threads that read it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{ContainerError, Problem, Stop};
use super::input::Input;
use super::kind::Container;
use super::lanes::{CHUNK, Lane, POOL, lane, spawn};
use super::sink::Sink;
use super::stream::{ByteStream, Progress};
use super::{blocks, decode, members, plain, zip};
use crate::threads;

/// Files smaller than this, in bytes, are read by one thread.
pub const LARGE: u64 = 2 * CHUNK as u64;

/// What a file is to hold.
#[derive(Clone, Copy)]
enum Content {
    /// SQL text, by which the first block is judged.
    Sql,
    /// Values of any bytes.
    Rows,
}

impl ByteStream {
    /// Opens a file and starts reading it.
    ///
    /// Returns after the first block is there and has been judged, so a pipe is waited for. An empty
    /// file is not an error; it has no chunk.
    ///
    /// # Errors
    /// The file cannot be opened or its start not read, it is a directory, it is not SQL text, or its container
    /// cannot be read at all. Damage further on is not an error but an [`super::Ending`].
    pub fn open(path: &Path) -> Result<Self, ContainerError> {
        let name = path.to_string_lossy().into_owned();
        Self::open_file(path).map_err(|problem| ContainerError { name, problem })
    }

    /// Reads an input from any reader, such as standard input.
    ///
    /// `name` is what errors call it. A zip archive is then read without its directory at the end;
    /// that it holds more than one file is found only when the first has been delivered.
    ///
    /// # Errors
    /// As for [`ByteStream::open`].
    pub fn from_reader(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, ContainerError> {
        let input = Input::new(Box::new(reader), 0);
        Self::start(input, None, Content::Sql).map_err(|problem| ContainerError {
            name: name.into(),
            problem,
        })
    }

    /// Opens a file of rows without SQL, whose values may be any bytes, so that nothing is refused for what it
    /// holds.
    ///
    /// # Errors
    /// The file cannot be opened or its start not read, it is a directory, or its container cannot be read at all.
    pub fn open_rows(path: &Path) -> Result<Self, ContainerError> {
        let open = || {
            let file = File::open(path).map_err(Problem::Open)?;
            let metadata = file.metadata().map_err(Problem::Open)?;
            if metadata.is_dir() {
                return Err(Problem::Directory);
            }
            let mut stream = Self::start(Input::new(Box::new(file), 0), None, Content::Rows)?;
            stream.progress.total = metadata.is_file().then_some(metadata.len());
            Ok(stream)
        };
        open().map_err(|problem| ContainerError {
            name: path.to_string_lossy().into_owned(),
            problem,
        })
    }

    fn open_file(path: &Path) -> Result<Self, Problem> {
        let mut file = File::open(path).map_err(Problem::Open)?;
        let metadata = file.metadata().map_err(Problem::Open)?;
        if metadata.is_dir() {
            return Err(Problem::Directory);
        }
        if !metadata.is_file() {
            return Self::start(Input::new(Box::new(file), 0), None, Content::Sql);
        }
        let directory = zip::read_directory_of(&mut file).transpose()?;
        let start = directory.as_ref().map_or(0, zip::Directory::entry_offset);
        file.seek(SeekFrom::Start(start)).map_err(Problem::Open)?;
        if directory.is_none() && metadata.len() >= LARGE {
            let mut head = Input::new(Box::new(file.try_clone().map_err(Problem::Open)?), 0);
            let container = decode::sniff(&mut head).map_err(Stop::into_problem)?;
            if let Some(stream) = Self::start_several(container, &file, metadata.len())? {
                return Ok(stream);
            }
            file.rewind().map_err(Problem::Open)?;
        }
        let input = Input::new(Box::new(file), start);
        let mut stream = Self::start(input, directory, Content::Sql)?;
        stream.progress.total = Some(metadata.len());
        Ok(stream)
    }

    fn start(
        mut input: Input,
        directory: Option<zip::Directory>,
        content: Content,
    ) -> Result<Self, Problem> {
        let container = match directory {
            Some(_) => Container::Zip,
            None => decode::sniff(&mut input).map_err(Stop::into_problem)?,
        };
        let progress = Progress {
            read: input.progress(),
            total: None,
        };
        let (lane, sender, returned) = lane(POOL);
        let sink = match content {
            Content::Sql => Sink::new(sender, returned),
            Content::Rows => Sink::further(sender, returned),
        };
        spawn("decompress", move || {
            run(container, input, directory, sink);
        })?;
        Self::wait(container, progress, vec![lane])
    }

    /// Reads a file with several threads, if its container allows.
    fn start_several(
        container: Container,
        file: &File,
        length: u64,
    ) -> Result<Option<Self>, Problem> {
        let threads = threads::count();
        let progress = Progress {
            read: Arc::default(),
            total: Some(length),
        };
        let file = || file.try_clone().map(Arc::new).map_err(Problem::Open);
        let lanes = match container {
            Container::Plain if threads > 1 => {
                Some(plain::start(file()?, threads, &progress.read)?)
            }
            Container::Gzip | Container::Zstd => {
                members::start(&file()?, container, length, threads, &progress.read)?
            }
            Container::Bzip2 if threads > 1 => {
                blocks::start(&file()?, length, threads, &progress.read)?
            }
            _ => None,
        };
        let stream = lanes.map(|lanes| Self::wait(container, progress, lanes));
        stream.transpose()
    }
}

/// Starts a thread that decodes all of a file again, of which the consumer has got the first `delivered` bytes.
pub(super) fn alone(
    file: &File,
    container: Container,
    delivered: u64,
    read: &Arc<AtomicU64>,
) -> Result<Lane, Problem> {
    let mut file = file.try_clone().map_err(Problem::Open)?;
    file.rewind().map_err(Problem::Open)?;
    read.store(0, Ordering::Relaxed);
    let input = Input::counted(Box::new(file), 0, Arc::clone(read));
    let (lane, sender, returned) = lane(POOL);
    let sink = Sink::after(delivered, sender, returned);
    spawn("decompress", move || run(container, input, None, sink))?;
    Ok(lane)
}

/// Decodes an input to its end into the sink.
fn run(container: Container, mut input: Input, directory: Option<zip::Directory>, mut sink: Sink) {
    let result = match container {
        Container::Plain => decode::plain(&mut input, &mut sink),
        Container::Gzip => decode::gzip(&mut input, &mut sink),
        Container::Bzip2 => decode::bzip2(&mut input, &mut sink),
        Container::Zstd => decode::zstd(&mut input, &mut sink),
        Container::Xz => decode::xz(&mut input, &mut sink),
        Container::Zip => zip::decode(&mut input, &mut sink, directory),
    };
    sink.finish(result, input.offset());
}

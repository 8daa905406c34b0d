//! From a path or standard input to the plain bytes of SQL text.
//!
//! What a file is, is told by its content, never by its name. Reading and decompression run on a
//! thread of their own, and a large file that is plain, or was compressed in parts, is read by
//! several; a few buffers of [`CHUNK`] bytes go round between each thread and the consumer, so
//! memory does not grow with the input. A decoder adds what its format needs, at most the 128 MiB
//! window that `zstd -d` accepts too.
//!
//! ```
//! use cividb::dump::container::{ByteStream, Container, Ending};
//!
//! let mut stream = ByteStream::from_reader("example", &b"SELECT 1;\n"[..])?;
//! assert_eq!(stream.container(), Container::Plain);
//! while let Some(chunk) = stream.next_chunk() {
//!     assert_eq!(chunk, b"SELECT 1;\n");
//! }
//! assert_eq!(stream.ending(), Some(&Ending::Clean));
//! # Ok::<(), cividb::dump::container::ContainerError>(())
//! ```

mod decode;
mod error;
mod input;
mod members;
mod plain;
mod sink;
#[cfg(test)]
mod tests;
mod text;
mod zip;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::scanner::Ahead;
use crate::snapshot::{Damage, DamageKind};
use crate::threads;

use error::Stop;
pub use error::{ContainerError, Problem};
use input::Input;
use sink::Sink;

/// Bytes in one buffer: the upper bound of what [`ByteStream::next_chunk`] returns. Measured from 64 KiB
/// to 4 MiB: smaller ones cost hand-overs (256 KiB 5 to 10 % on a machine of two cores), larger cache misses.
pub const CHUNK: usize = 1024 * 1024;

/// Number of buffers that go round between the decompressing thread and the consumer.
pub const POOL: usize = 4;

/// Files smaller than this, in bytes, are read by one thread.
const LARGE: u64 = 2 * CHUNK as u64;

/// The compression or archive format that the SQL text is wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// Plain text, not wrapped.
    Plain,
    /// One or more gzip members (RFC 1952).
    Gzip,
    /// One or more bzip2 streams.
    Bzip2,
    /// One or more zstd frames, skippable ones included (RFC 8878).
    Zstd,
    /// One or more xz streams, with or without padding between them.
    Xz,
    /// A zip archive that holds exactly one file, stored or deflated.
    Zip,
}

impl Container {
    /// The container's name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Zip => "zip",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a [`ByteStream`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The input was read to its end and every checksum in it holds.
    Clean,
    /// Something is wrong with the container. All text before the damage has been delivered.
    Damaged(Damage),
}

impl Ending {
    /// The consumer fills in how much text came before.
    fn damaged(kind: DamageKind, offset: u64, message: impl Into<String>) -> Self {
        Self::Damaged(Damage {
            kind,
            compressed_offset: offset,
            plain_bytes: 0,
            message: message.into(),
        })
    }

    fn unreadable(offset: u64, error: &io::Error) -> Self {
        let message = format!("cannot read at byte {offset}: {error}");
        Self::damaged(DamageKind::ReadError, offset, message)
    }

    /// The damage; `None` if the stream ended clean.
    pub fn damage(&self) -> Option<&Damage> {
        match self {
            Self::Clean => None,
            Self::Damaged(damage) => Some(damage),
        }
    }
}

/// How far the reading thread has come, for a progress bar. Cheap to clone and to ask.
#[derive(Clone, Debug)]
pub struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes of the input, as stored, read so far.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Size of the input, as stored; `None` for anything but a regular file.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// Plain bytes of SQL text out of a container, in chunks.
///
/// A UTF-8 byte order mark at the start is taken off: offsets of the text begin after it. Dropping
/// the stream early ends its thread at the thread's next buffer.
#[derive(Debug)]
pub struct ByteStream {
    container: Container,
    progress: Progress,
    /// The threads that read; blocks come from each in turn.
    lanes: Vec<Lane>,
    /// How often one thread has handed over to the next.
    next: usize,
    /// The first message from a thread, which `open` had to receive to learn whether this is text.
    first: Option<Message>,
    current: Option<Block>,
    delivered: u64,
    ending: Option<Ending>,
}

/// A piece of SQL text out of a container.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The bytes of the piece, 1 to [`CHUNK`] of them.
    pub text: &'a [u8],
    /// What the reading thread has found out about the piece.
    pub ahead: &'a Ahead,
}

/// The consumer's end of a thread: full buffers come, empty ones go back.
#[derive(Debug)]
struct Lane {
    messages: Receiver<Message>,
    empties: SyncSender<Vec<u8>>,
}

/// Makes a lane with `pool` buffers, and the ends of its channels that the thread holds.
fn lane(pool: usize) -> (Lane, SyncSender<Message>, Receiver<Vec<u8>>) {
    // Room for every buffer in both directions and for the ending: no send ever waits.
    let (sender, messages) = sync_channel(pool + 1);
    let (empties, returned) = sync_channel(pool);
    for _ in 0..pool {
        // Cannot fail: there is room, and the receiver is in scope.
        let _ = empties.send(vec![0; CHUNK]);
    }
    (Lane { messages, empties }, sender, returned)
}

/// Starts a thread that reads, and ends when it has nothing more to do.
fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Problem> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map(drop).map_err(Problem::Thread)
}

/// What the thread tells the consumer.
#[derive(Debug)]
enum Message {
    Block(Block),
    End(Ending),
    /// The input is refused from here on; if no block came before, all of it is.
    Refused {
        problem: Problem,
        /// Offset in bytes in the input as stored.
        offset: u64,
    },
}

/// A buffer of the pool and the part of it that holds text.
#[derive(Debug)]
struct Block {
    buffer: Vec<u8>,
    text: Range<usize>,
    ahead: Ahead,
    /// Whether the next block comes from the next thread.
    hands_over: bool,
    /// How the stream ended, if this is the last block; otherwise `None`.
    ending: Option<Ending>,
}

impl ByteStream {
    /// Opens a file and starts reading it.
    ///
    /// Returns after the first block is there and has been judged, so a pipe is waited for. An empty
    /// file is not an error; it has no chunk.
    ///
    /// # Errors
    /// The file cannot be opened or its start not read, it is a directory, it is not SQL text, or its container
    /// cannot be read at all. Damage further on is not an error but an [`Ending`].
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
        Self::start(Input::new(Box::new(reader), 0), None).map_err(|problem| ContainerError {
            name: name.into(),
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
            return Self::start(Input::new(Box::new(file), 0), None);
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
        let mut stream = Self::start(Input::new(Box::new(file), start), directory)?;
        stream.progress.total = Some(metadata.len());
        Ok(stream)
    }

    fn start(mut input: Input, directory: Option<zip::Directory>) -> Result<Self, Problem> {
        let container = match directory {
            Some(_) => Container::Zip,
            None => decode::sniff(&mut input).map_err(Stop::into_problem)?,
        };
        let progress = Progress {
            read: input.progress(),
            total: None,
        };
        let (lane, sender, returned) = lane(POOL);
        spawn("decompress", move || {
            let mut sink = Sink::new(sender, returned);
            let result = match container {
                Container::Plain => decode::plain(&mut input, &mut sink),
                Container::Gzip => decode::gzip(&mut input, &mut sink),
                Container::Bzip2 => decode::bzip2(&mut input, &mut sink),
                Container::Zstd => decode::zstd(&mut input, &mut sink),
                Container::Xz => decode::xz(&mut input, &mut sink),
                Container::Zip => zip::decode(&mut input, &mut sink, directory),
            };
            sink.finish(result, input.offset());
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
            _ => None,
        };
        let stream = lanes.map(|lanes| Self::wait(container, progress, lanes));
        stream.transpose()
    }

    /// Waits for the first block, which may show that the input is not to be read.
    fn wait(container: Container, progress: Progress, lanes: Vec<Lane>) -> Result<Self, Problem> {
        let mut stream = Self {
            container,
            progress,
            lanes,
            next: 0,
            first: None,
            current: None,
            delivered: 0,
            ending: None,
        };
        match stream.receive() {
            Message::Refused { problem, .. } => Err(problem),
            message => {
                stream.first = Some(message);
                Ok(stream)
            }
        }
    }

    /// The lane from which the next block comes.
    fn lane(&self) -> Option<&Lane> {
        self.lanes.get(self.next % self.lanes.len().max(1))
    }

    fn receive(&self) -> Message {
        let message = self.lane().and_then(|lane| lane.messages.recv().ok());
        message.unwrap_or_else(|| {
            // The thread has gone without a last message: a panic inside a decoder.
            let message = "the decoder failed on this data";
            let offset = self.progress.bytes_read();
            Message::End(Ending::damaged(DamageKind::Corrupt, offset, message))
        })
    }

    /// The container that was recognised.
    pub fn container(&self) -> Container {
        self.container
    }

    /// The next piece of text, in order, of 1 to [`CHUNK`] bytes; `None` at the end, whose nature
    /// [`ByteStream::ending`] then tells. Pieces end anywhere, not at lines.
    pub fn next_chunk(&mut self) -> Option<&[u8]> {
        self.next_piece().map(|piece| piece.text)
    }

    /// The next piece of text together with what its thread has found out about it; see
    /// [`ByteStream::next_chunk`].
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        loop {
            self.give_back();
            if self.ending.is_some() {
                return None;
            }
            let message = match self.first.take() {
                Some(message) => message,
                None => self.receive(),
            };
            match message {
                Message::Block(block) => {
                    let length = block.text.len();
                    self.delivered += length as u64;
                    self.current = Some(block);
                    if length > 0 {
                        break;
                    }
                }
                Message::End(ending) => self.end(ending),
                Message::Refused { problem, offset } => {
                    let (kind, message) = (DamageKind::Unsupported, problem.to_string());
                    self.end(Ending::damaged(kind, offset, message));
                }
            }
        }
        let block = self.current.as_ref()?;
        Some(Piece {
            text: block.buffer.get(block.text.clone())?,
            ahead: &block.ahead,
        })
    }

    /// Gives the buffer whose text has been read back to its thread.
    fn give_back(&mut self) {
        let Some(block) = self.current.take() else {
            return;
        };
        if let Some(lane) = self.lane() {
            // Fails only when the thread has ended and needs no more buffers.
            let _ = lane.empties.send(block.buffer);
        }
        if block.hands_over {
            self.next += 1;
        }
        if let Some(ending) = block.ending {
            self.end(ending);
        }
    }

    fn end(&mut self, mut ending: Ending) {
        if let Ending::Damaged(damage) = &mut ending {
            damage.plain_bytes = self.delivered;
        }
        self.ending = Some(ending);
    }

    /// How the stream ended; `None` until [`ByteStream::next_chunk`] has returned `None`.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// A handle to watch the progress from another thread.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

//! The plain bytes as the consumer takes them.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ending::Ending;
use super::error::Problem;
use super::kind::Container;
use super::lanes::{Lane, Message};
use super::open;
use crate::dump::lent::Lent;
use crate::dump::scanner::Ahead;
use crate::snapshot::DamageKind;

/// How far the reading thread has come, for a progress bar. Cheap to clone and to ask.
#[derive(Clone, Debug)]
pub struct Progress {
    pub(super) read: Arc<AtomicU64>,
    pub(super) total: Option<u64>,
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
    pub(super) progress: Progress,
    /// The threads that read; blocks come from each in turn.
    lanes: Vec<Lane>,
    /// How often one thread has handed over to the next.
    next: usize,
    /// The first message from a thread, which `open` had to receive to learn whether this is text.
    first: Option<Message>,
    current: Option<Current>,
    delivered: u64,
    /// Number of bytes decoded before what comes next: those delivered and a byte order mark.
    decoded: u64,
    ending: Option<Ending>,
}

/// The text that is being read.
#[derive(Debug)]
struct Current {
    buffer: Arc<Lent>,
    text: Range<usize>,
    ahead: Option<Ahead>,
    ending: Option<Ending>,
}

/// A piece of SQL text out of a container.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The bytes of the piece, 1 to [`super::CHUNK`] of them.
    pub text: &'a [u8],
    /// What the reading thread has found out about the piece; `None` where it has not looked.
    pub ahead: Option<&'a Ahead>,
    /// The buffer in which the text stands.
    pub buffer: &'a Arc<Lent>,
}

impl ByteStream {
    /// Waits for the first block, which may show that the input is not to be read.
    pub(super) fn wait(
        container: Container,
        progress: Progress,
        lanes: Vec<Lane>,
    ) -> Result<Self, Problem> {
        let mut stream = Self {
            container,
            progress,
            lanes,
            next: 0,
            first: None,
            current: None,
            delivered: 0,
            decoded: 0,
            ending: None,
        };
        loop {
            match stream.receive() {
                Message::Alone(file) => stream.decode_alone(&file)?,
                Message::Refused { problem, .. } => return Err(problem),
                message => {
                    stream.first = Some(message);
                    return Ok(stream);
                }
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

    /// Has one thread decode the file again in the place of several, and leave out what has been delivered.
    fn decode_alone(&mut self, file: &Arc<File>) -> Result<(), Problem> {
        let lane = open::alone(file, self.container, self.decoded, &self.progress.read)?;
        self.lanes = vec![lane];
        Ok(())
    }

    /// The container that was recognised.
    pub fn container(&self) -> Container {
        self.container
    }

    /// The next piece of text, in order, of 1 to [`super::CHUNK`] bytes; `None` at the end, whose nature
    /// [`ByteStream::ending`] then tells. Pieces end anywhere, not at lines.
    pub fn next_chunk(&mut self) -> Option<&[u8]> {
        self.next_piece().map(|piece| piece.text)
    }

    /// The next piece of text together with what its thread has found out about it; see
    /// [`ByteStream::next_chunk`].
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        loop {
            if let Some(ending) = self.current.take().and_then(|read| read.ending) {
                self.end(ending);
            }
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
                    self.decoded += block.text.end as u64;
                    let pool = self.lane().map(|lane| lane.empties.clone());
                    self.current = Some(Current {
                        buffer: Arc::new(Lent::new(block.buffer, pool)),
                        text: block.text,
                        ahead: block.ahead,
                        ending: block.ending,
                    });
                    if block.hands_over {
                        self.next += 1;
                    }
                    if length > 0 {
                        break;
                    }
                }
                Message::End(ending) => self.end(ending),
                Message::Alone(file) => {
                    if let Err(problem) = self.decode_alone(&file) {
                        self.refuse(&problem, 0);
                    }
                }
                Message::Refused { problem, offset } => self.refuse(&problem, offset),
            }
        }
        let current = self.current.as_ref()?;
        Some(Piece {
            text: current.buffer.get(current.text.clone())?,
            ahead: current.ahead.as_ref(),
            buffer: &current.buffer,
        })
    }

    /// Ends the stream at an offset, in bytes of the input as stored, from which on it cannot be read.
    fn refuse(&mut self, problem: &Problem, offset: u64) {
        let (kind, message) = (DamageKind::Unsupported, problem.to_string());
        self.end(Ending::damaged(kind, offset, message));
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

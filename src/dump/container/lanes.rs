//! The threads that read, and the buffers that go round between them and the consumer.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::ending::Ending;
use super::error::Problem;
use crate::dump::scanner::Ahead;

/// Bytes in one buffer: the upper bound of what [`super::ByteStream::next_chunk`] returns. Measured from 64 KiB
/// to 4 MiB: smaller ones cost hand-overs (256 KiB 5 to 10 % on a machine of two cores), larger cache misses.
pub const CHUNK: usize = 1024 * 1024;

/// Number of buffers that go round between the decompressing thread and the consumer.
pub const POOL: usize = 4;

/// The consumer's end of a thread: full buffers come, empty ones go back.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) messages: Receiver<Message>,
    pub(super) empties: SyncSender<Vec<u8>>,
}

/// Makes a lane with `pool` buffers, and the ends of its channels that the thread holds.
pub(super) fn lane(pool: usize) -> (Lane, SyncSender<Message>, Receiver<Vec<u8>>) {
    // Room for every buffer in both directions and for the ending: no send ever waits.
    let (sender, messages) = sync_channel(pool + 1);
    let (empties, returned) = sync_channel(pool);
    for _ in 0..pool {
        // Cannot fail: there is room, and the receiver is in scope.
        let _ = empties.send(Vec::new());
    }
    (Lane { messages, empties }, sender, returned)
}

/// A buffer that has come back; each is made when it is needed first, because most files fill only one.
pub(super) fn made(buffer: Vec<u8>) -> Vec<u8> {
    match buffer.is_empty() {
        true => vec![0; CHUNK],
        false => buffer,
    }
}

/// Starts a thread that reads, and ends when it has nothing more to do.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Problem> {
    let thread = thread::Builder::new().name(name.into()).spawn(work);
    thread.map(drop).map_err(Problem::Thread)
}

/// What the thread tells the consumer.
#[derive(Debug)]
pub(super) enum Message {
    Block(Block),
    End(Ending),
    /// One thread is to decode all of the file, because several cannot from here on.
    Alone(Arc<File>),
    /// The input is refused from here on; if no block came before, all of it is.
    Refused {
        problem: Problem,
        /// Offset in bytes in the input as stored.
        offset: u64,
    },
}

/// A buffer of the pool and the part of it that holds text.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) buffer: Vec<u8>,
    pub(super) text: Range<usize>,
    /// What the thread has found out about the text; `None` where it has not looked.
    pub(super) ahead: Option<Ahead>,
    /// Whether the next block comes from the next thread.
    pub(super) hands_over: bool,
    /// How the stream ended, if this is the last block; otherwise `None`.
    pub(super) ending: Option<Ending>,
}

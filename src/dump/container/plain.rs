//! A plain file read by several threads, each with every n-th block.
//!
//! Besides reading its blocks a thread looks for rows in them ([`Ahead`]), while they are still
//! in the cache of its core: what is left for the scanner is little.

use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::error::Problem;
use super::lanes::{Block, CHUNK, Lane, Message, lane, made, spawn};
use super::{Ending, text};
use crate::dump::scanner::Ahead;

/// Number of buffers of each thread.
const POOL: usize = 3;

/// Starts `threads` threads on a file that is read from its first byte; the blocks come from
/// them in turn.
pub(super) fn start(
    file: Arc<File>,
    threads: usize,
    read: &Arc<AtomicU64>,
) -> Result<Vec<Lane>, Problem> {
    let mut lanes = Vec::new();
    for number in 0..threads {
        let (lane, messages, empties) = lane(POOL);
        lanes.push(lane);
        let reader = Reader {
            file: Arc::clone(&file),
            next: number as u64,
            step: threads as u64,
            read: Arc::clone(read),
        };
        spawn("read", move || reader.run(&messages, &empties))?;
    }
    Ok(lanes)
}

struct Reader {
    file: Arc<File>,
    /// Number of the next block to read, and the distance in blocks from one read to the next.
    next: u64,
    step: u64,
    read: Arc<AtomicU64>,
}

impl Reader {
    /// Reads until the file ends or the consumer wants no more.
    fn run(mut self, messages: &SyncSender<Message>, empties: &Receiver<Vec<u8>>) {
        while let Ok(buffer) = empties.recv() {
            let message = self.block(made(buffer));
            let goes_on = matches!(&message, Message::Block(block) if block.ending.is_none());
            if messages.send(message).is_err() || !goes_on {
                return;
            }
        }
    }

    fn block(&mut self, mut buffer: Vec<u8>) -> Message {
        let offset = self.next * CHUNK as u64;
        let (filled, ending) = self.fill(&mut buffer, offset);
        let first = self.next == 0;
        self.next += self.step;
        if filled == 0
            && let Some(ending) = ending
        {
            return Message::End(ending);
        }
        let mut text = 0..filled;
        if first {
            match text::judge(buffer.get(..filled).unwrap_or_default()) {
                Ok(start) => text.start = start,
                Err(problem) => return Message::Refused { problem, offset },
            }
        }
        let ahead = Ahead::of(buffer.get(text.clone()).unwrap_or_default());
        Message::Block(Block {
            buffer,
            text,
            ahead: Some(ahead),
            hands_over: true,
            ending,
        })
    }

    /// Fills the buffer as far as the file has text; returns an ending when there is no more.
    fn fill(&self, buffer: &mut [u8], offset: u64) -> (usize, Option<Ending>) {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..)
            && !room.is_empty()
        {
            let place = offset + filled as u64;
            match read_at(&self.file, room, place) {
                Ok(0) => return (filled, Some(Ending::Clean)),
                Ok(count) => {
                    self.read.fetch_add(count as u64, Ordering::Relaxed);
                    filled += count;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    return (filled, Some(Ending::unreadable(place, &error)));
                }
            }
        }
        (filled, None)
    }
}

/// Reads at an offset of a file, which other threads may read at the same time.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

//! The thread's end of the channel: buffers to decode into, judged and sent when full.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use super::error::Stop;
use super::lanes::{Block, Message, made};
use super::{Ending, text};

/// Takes decoded bytes and hands them to the consumer a buffer at a time.
pub(super) struct Sink {
    messages: SyncSender<Message>,
    empties: Receiver<Vec<u8>>,
    buffer: Vec<u8>,
    filled: usize,
    /// Whether the first block has been accepted as text.
    judged: bool,
    /// Number of bytes that are still to be thrown away when they are written.
    unwanted: u64,
}

impl Sink {
    pub(super) fn new(messages: SyncSender<Message>, empties: Receiver<Vec<u8>>) -> Self {
        Self {
            judged: false,
            ..Self::further(messages, empties)
        }
    }

    /// Makes a sink for a thread that does not decode the beginning of the input, or decodes no SQL, so that no block
    /// is judged.
    pub(super) fn further(messages: SyncSender<Message>, empties: Receiver<Vec<u8>>) -> Self {
        Self {
            messages,
            empties,
            buffer: Vec::new(),
            filled: 0,
            judged: true,
            unwanted: 0,
        }
    }

    /// Makes a sink for a thread that decodes again what others have decoded, of which the consumer has got the first
    /// `delivered` bytes.
    pub(super) fn after(
        delivered: u64,
        messages: SyncSender<Message>,
        empties: Receiver<Vec<u8>>,
    ) -> Self {
        Self {
            judged: delivered > 0,
            unwanted: delivered,
            ..Self::further(messages, empties)
        }
    }

    /// Free space for at least one byte; waits for the consumer if it holds all buffers.
    pub(super) fn space(&mut self) -> Result<&mut [u8], Stop> {
        if self.filled == self.buffer.len() {
            self.flush()?;
            self.buffer = made(self.empties.recv().map_err(|_| Stop::ConsumerGone)?);
        }
        Ok(self.buffer.get_mut(self.filled..).unwrap_or_default())
    }

    /// Records that the first `count` bytes of the space have been written.
    pub(super) fn advance(&mut self, count: usize) {
        let end = (self.filled + count).min(self.buffer.len());
        let count = end - self.filled;
        let unwanted = usize::try_from(self.unwanted).map_or(count, |unwanted| count.min(unwanted));
        self.unwanted -= unwanted as u64;
        if 0 < unwanted && unwanted < count {
            let wanted = self.filled + unwanted..end;
            self.buffer.copy_within(wanted, self.filled);
        }
        self.filled = end - unwanted;
    }

    /// Runs `decode` and throws away what it writes.
    pub(super) fn muted(
        &mut self,
        decode: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.unwanted = u64::MAX;
        let result = decode(self);
        self.unwanted = 0;
        result
    }

    fn flush(&mut self) -> Result<(), Stop> {
        match self.filled {
            0 => Ok(()),
            _ => self.send_block(false),
        }
    }

    /// Sends the text that is left and says that what follows comes from the next thread.
    pub(super) fn hand_over(&mut self) -> Result<(), Stop> {
        if self.buffer.is_empty() {
            self.space()?;
        }
        self.send_block(true)
    }

    fn send_block(&mut self, hands_over: bool) -> Result<(), Stop> {
        let mut text = 0..self.filled;
        if !self.judged && !text.is_empty() {
            let head = self.buffer.get(text.clone()).unwrap_or_default();
            text.start = text::judge(head).map_err(Stop::Refused)?;
            self.judged = true;
        }
        self.filled = 0;
        let message = Message::Block(Block {
            buffer: std::mem::take(&mut self.buffer),
            text,
            // Decoding is what takes longest, so this thread does nothing else.
            ahead: None,
            hands_over,
            ending: None,
        });
        self.messages.send(message).map_err(|_| Stop::ConsumerGone)
    }

    /// Sends the text that is left and how decoding ended. `offset` is the position in the input.
    pub(super) fn finish(mut self, result: Result<(), Stop>, offset: u64) {
        // Text that cannot be delivered, or is not text, outweighs what the decoder found.
        let result = self.flush().and(result);
        self.send(match result {
            Ok(()) => Message::End(Ending::Clean),
            Err(Stop::ConsumerGone) => return,
            Err(Stop::Refused(problem)) => Message::Refused { problem, offset },
            Err(Stop::Damaged {
                kind,
                offset,
                message,
            }) => Message::End(Ending::damaged(kind, offset, message)),
            Err(Stop::Read { offset, error }) => Message::End(Ending::unreadable(offset, &error)),
        });
    }

    /// Leaves the file to one thread, which decodes it again behind what was delivered. Text that has not been sent is dropped.
    pub(super) fn leave(self, file: Arc<File>) {
        self.send(Message::Alone(file));
    }

    fn send(&self, message: Message) {
        // Fails only when the consumer is gone, and then the ending is of no use.
        let _ = self.messages.send(message);
    }
}

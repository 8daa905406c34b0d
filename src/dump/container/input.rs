//! The input as stored, with look-ahead and an exact offset.

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr;

use super::error::{Stop, damaged};
use crate::snapshot::DamageKind;

/// Bytes per read of compressed input, and the most that can be looked at ahead.
const SIZE: usize = 128 * 1024;

/// A reader with a buffer that knows its offset.
///
/// Unlike `BufRead` it can be made to hold a given number of bytes at once, and it never reads again
/// once the end was seen, which matters for terminals and pipes.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Box<[u8]>,
    /// Index in `buffer` of the first unread byte.
    start: usize,
    end: usize,
    /// Offset of `buffer[start]` in the input.
    offset: u64,
    ended: bool,
    read: Arc<AtomicU64>,
}

impl Input {
    /// Makes an input whose reader stands at `offset`, in bytes from the start.
    pub(super) fn new(reader: Box<dyn Read + Send>, offset: u64) -> Self {
        Self::counted(reader, offset, Arc::new(AtomicU64::new(offset)))
    }

    /// Like `new`, and adds the number of bytes read to `read`.
    pub(super) fn counted(reader: Box<dyn Read + Send>, offset: u64, read: Arc<AtomicU64>) -> Self {
        Self {
            reader,
            buffer: vec![0; SIZE].into_boxed_slice(),
            start: 0,
            end: 0,
            offset,
            ended: false,
            read,
        }
    }

    /// Counts the bytes read from the reader so far.
    pub(super) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// Offset of the next unconsumed byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Offset of the end of the buffered bytes; the offset of the input's end once that was seen.
    pub(super) fn buffered_end(&self) -> u64 {
        self.offset + (self.end - self.start) as u64
    }

    /// The buffered bytes; reads first if the buffer is empty. The result is empty only at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], Stop> {
        self.peek(1)
    }

    /// At least `wanted` bytes, or all that are left; without consuming them.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8], Stop> {
        debug_assert!(wanted <= SIZE);
        while self.end - self.start < wanted && !self.ended {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            let place = self.buffered_end();
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            let count = read(&mut *self.reader, room, place, &self.read)?;
            self.end += count;
            self.ended = count == 0;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    /// Consumes `count` of the bytes that were looked at.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads into `target`: first the buffered bytes, then straight from the reader. 0 means the end.
    pub(super) fn read_into(&mut self, target: &mut [u8]) -> Result<usize, Stop> {
        let buffered = self.buffer.get(self.start..self.end).unwrap_or_default();
        if !buffered.is_empty() {
            let count = buffered.len().min(target.len());
            if let (Some(to), Some(from)) = (target.get_mut(..count), buffered.get(..count)) {
                to.copy_from_slice(from);
            }
            self.consume(count);
            return Ok(count);
        }
        if self.ended {
            return Ok(0);
        }
        let count = read(&mut *self.reader, target, self.offset, &self.read)?;
        self.ended = count == 0;
        self.offset += count as u64;
        Ok(count)
    }

    /// Takes exactly `count` bytes. If there are fewer, the input is cut, with damage of kind `kind`.
    pub(super) fn take(
        &mut self,
        count: usize,
        kind: DamageKind,
        part: &str,
    ) -> Result<Vec<u8>, Stop> {
        let available = self.peek(count)?;
        let Some(bytes) = available.get(..count).map(<[u8]>::to_vec) else {
            return cut(kind, self.buffered_end(), part);
        };
        self.consume(count);
        Ok(bytes)
    }

    /// Consumes all bytes up to and including the next zero byte. Without one, the input is cut.
    pub(super) fn skip_past_nul(&mut self, part: &str) -> Result<(), Stop> {
        loop {
            let available = self.fill()?;
            let (length, nul) = (available.len(), memchr(0, available));
            if length == 0 {
                return cut(DamageKind::Truncated, self.offset, part);
            }
            self.consume(nul.map_or(length, |nul| nul + 1));
            if nul.is_some() {
                return Ok(());
            }
        }
    }

    /// Consumes zero bytes, at most `limit`, and counts them.
    pub(super) fn skip_zeros(&mut self, limit: u64) -> Result<u64, Stop> {
        let mut skipped = 0;
        while skipped < limit {
            let available = self.fill()?;
            let zeros = available.iter().take_while(|&&byte| byte == 0).count();
            let more = zeros > 0 && zeros == available.len();
            self.consume(zeros);
            skipped += zeros as u64;
            if !more {
                break;
            }
        }
        Ok(skipped)
    }
}

fn cut<T>(kind: DamageKind, end: u64, part: &str) -> Result<T, Stop> {
    damaged(kind, end, format!("the input ends inside {part}"))
}

fn read(
    reader: &mut dyn Read,
    target: &mut [u8],
    offset: u64,
    progress: &AtomicU64,
) -> Result<usize, Stop> {
    loop {
        match reader.read(target) {
            Ok(count) => {
                progress.fetch_add(count as u64, Ordering::Relaxed);
                return Ok(count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Stop::Read { offset, error }),
        }
    }
}

//! Text that several threads read where it stands, in a buffer that goes round.

use std::mem;
use std::ops::Range;
use std::sync::mpsc::SyncSender;

/// A buffer with text, which goes back to its pool as soon as nobody reads it any longer.
#[derive(Debug)]
pub struct Lent {
    bytes: Vec<u8>,
    /// Where it goes back to; `None` for a buffer of no pool.
    pool: Option<SyncSender<Vec<u8>>>,
}

impl Lent {
    pub(super) fn new(bytes: Vec<u8>, pool: Option<SyncSender<Vec<u8>>>) -> Self {
        Self { bytes, pool }
    }

    /// The bytes of a range.
    pub(super) fn get(&self, range: Range<usize>) -> Option<&[u8]> {
        self.bytes.get(range)
    }

    /// Where a text stands in this buffer; `None` for a text from elsewhere.
    pub(super) fn range_of(&self, text: &[u8]) -> Option<Range<usize>> {
        let (own, its) = (self.bytes.as_ptr_range(), text.as_ptr_range());
        let is_part = own.start <= its.start && its.end <= own.end;
        let start = its.start.addr().checked_sub(own.start.addr())?;
        is_part.then_some(start..start + text.len())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            // Fails only when the thread that fills the buffers has ended.
            let _ = pool.send(mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_only_in_its_own_buffer() {
        let (lent, other) = (
            Lent::new(b"abcabc".to_vec(), None),
            Lent::new(b"abc".to_vec(), None),
        );
        let part = lent.get(3..5).expect("it is that long");
        assert_eq!(lent.range_of(part), Some(3..5));
        assert_eq!(other.range_of(part), None);
    }

    #[test]
    fn a_buffer_goes_back_with_the_last_who_reads_it() {
        let (pool, returned) = std::sync::mpsc::sync_channel(1);
        let one = std::sync::Arc::new(Lent::new(b"abc".to_vec(), Some(pool)));
        let other = one.clone();
        drop(one);
        assert!(returned.try_recv().is_err());
        drop(other);
        assert_eq!(returned.try_recv(), Ok(b"abc".to_vec()));
    }
}

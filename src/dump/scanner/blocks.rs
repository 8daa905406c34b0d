//! Finds the bytes of a piece that the scanner has to look at, block by block.

use super::DEFAULT_DELIMITER;
use super::block::{BLOCK, Simd};
use super::masks::Masks;

/// The masks of the block that was looked at last.
pub(super) struct Blocks<'a> {
    pub(super) bytes: &'a [u8],
    delimiter: u8,
    simd: Simd,
    start: usize,
    masks: Masks,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(bytes: &'a [u8], delimiter: &[u8], simd: Simd) -> Self {
        Self {
            bytes,
            simd,
            delimiter: delimiter.first().copied().unwrap_or(DEFAULT_DELIMITER),
            start: usize::MAX,
            masks: Masks::default(),
        }
    }

    /// The first position from `from` on whose bit is set in the mask that `select` picks,
    /// or `end` when there is none before it.
    #[inline]
    pub(super) fn next(
        &mut self,
        from: usize,
        end: usize,
        select: impl Fn(&Masks) -> u64,
    ) -> usize {
        let mut pos = from;
        while pos < end {
            let start = pos / BLOCK * BLOCK;
            if start != self.start {
                self.load(start);
            }
            let found = select(&self.masks) & (u64::MAX << (pos - start));
            if found != 0 {
                return (start + found.trailing_zeros() as usize).min(end);
            }
            pos = start + BLOCK;
        }
        end
    }

    #[inline]
    fn load(&mut self, start: usize) {
        self.start = start;
        let rest = self.bytes.get(start..).unwrap_or_default();
        self.masks = match rest.first_chunk::<BLOCK>() {
            Some(block) => Masks::of(block, self.delimiter, self.simd),
            None => {
                let mut block = [0; BLOCK];
                for (to, from) in block.iter_mut().zip(rest) {
                    *to = *from;
                }
                Masks::of(&block, self.delimiter, self.simd)
            }
        };
    }
}

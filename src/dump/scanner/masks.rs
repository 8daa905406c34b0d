//! Where the bytes stand that can change the scanner's state, found for 64 bytes at a time.
//!
//! A dump is mostly text in which nothing happens. Comparing a whole block at once and
//! then walking the set bits is several times faster than looking at every byte.

use super::block::{BLOCK, Baseline, Block, Portable, Simd};

/// The bytes of a block that matter to the scanner: one bit per byte, lowest bit first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// The bytes that are a single quote, `'`.
    pub single_quote: u64,
    /// The bytes that are a double quote, `"`.
    pub double_quote: u64,
    /// The bytes that are a backquote, `` ` ``.
    pub backquote: u64,
    /// The bytes that are a backslash, `\`.
    pub backslash: u64,
    /// Everything that matters outside quotes: the three quotes, `(`, `)`, `-`, `#`, `/`
    /// and the first byte of the delimiter.
    pub structural: u64,
}

impl Masks {
    /// Classifies one block. `delimiter` is the first byte of the statement delimiter.
    /// Wider vectors than every processor has would gain nothing here: whole rows are handled by
    /// [`super::rows`].
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK], delimiter: u8, simd: Simd) -> Self {
        // SAFETY: every processor has these.
        unsafe {
            match simd {
                Simd::Portable => Self::classify::<Portable>(block, delimiter),
                _ => Self::classify::<Baseline>(block, delimiter),
            }
        }
    }

    /// Finds the bytes that matter.
    ///
    /// # Safety
    /// The processor must have the instructions that `B` is named after.
    #[inline(always)]
    unsafe fn classify<B: Block>(block: &[u8; BLOCK], delimiter: u8) -> Self {
        // SAFETY: as the caller promises.
        let block = unsafe { B::load(block) };
        let single = block.is(b'\'');
        let double = block.is(b'"');
        let backquote = block.is(b'`');
        let brackets = block.is(b'(') | block.is(b')');
        let comments = block.is(b'-') | block.is(b'#') | block.is(b'/');
        let marks = brackets | comments | block.is(delimiter);
        Self {
            single_quote: B::bits(single),
            double_quote: B::bits(double),
            backquote: B::bits(backquote),
            backslash: B::bits(block.is(b'\\')),
            structural: B::bits(single | double | backquote | marks),
        }
    }
}

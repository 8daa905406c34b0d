//! Where the bytes stand that can change the scanner's state, 64 bytes at a time.
//!
//! A dump is mostly text in which nothing happens. Comparing a whole block at once and
//! then walking the set bits is several times faster than looking at every byte.

/// Bytes looked at in one go.
pub(super) const BLOCK: usize = 64;

/// One bit per byte of a block, lowest bit first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Masks {
    /// `'`
    pub single_quote: u64,
    /// `"`
    pub double_quote: u64,
    /// `` ` ``
    pub backquote: u64,
    /// `\`
    pub backslash: u64,
    /// Everything that matters outside quotes: the three quotes, `(`, `)`, `-`, `#`, `/`
    /// and the first byte of the delimiter.
    pub structural: u64,
}

impl Masks {
    /// Classifies one block. `delimiter` is the first byte of the statement delimiter.
    #[inline]
    pub(super) fn of(block: &[u8; BLOCK], delimiter: u8) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            sse2(block, delimiter)
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            portable(block, delimiter)
        }
    }
}

/// The same answer byte by byte: the fallback, and what the vector code is tested against.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(block: &[u8; BLOCK], delimiter: u8) -> Masks {
    let mut masks = Masks::default();
    for (i, &byte) in block.iter().enumerate() {
        let bit = 1u64 << i;
        match byte {
            b'\'' => masks.single_quote |= bit,
            b'"' => masks.double_quote |= bit,
            b'`' => masks.backquote |= bit,
            b'\\' => masks.backslash |= bit,
            _ => {}
        }
        if matches!(byte, b'\'' | b'"' | b'`' | b'(' | b')' | b'-' | b'#' | b'/')
            || byte == delimiter
        {
            masks.structural |= bit;
        }
    }
    masks
}

/// SSE2 belongs to every x86-64 processor, so no run-time detection is needed.
#[cfg(target_arch = "x86_64")]
#[inline]
fn sse2(block: &[u8; BLOCK], delimiter: u8) -> Masks {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };

    let mut masks = Masks::default();
    for lane in 0..BLOCK / 16 {
        // SAFETY: `lane * 16 + 16 <= 64`, so the unaligned 16-byte load stays inside the
        // block; the other intrinsics need only SSE2, which x86-64 guarantees.
        unsafe {
            let bytes = _mm_loadu_si128(block.as_ptr().add(lane * 16).cast::<__m128i>());
            let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()));
            let bits =
                |mask: __m128i| u64::from(_mm_movemask_epi8(mask).cast_unsigned()) << (lane * 16);
            let or = |a: __m128i, b: __m128i| _mm_or_si128(a, b);

            let single = is(b'\'');
            let double = is(b'"');
            let backquote = is(b'`');
            masks.single_quote |= bits(single);
            masks.double_quote |= bits(double);
            masks.backquote |= bits(backquote);
            masks.backslash |= bits(is(b'\\'));
            let quotes = or(or(single, double), backquote);
            let brackets = or(is(b'('), is(b')'));
            let comments = or(or(is(b'-'), is(b'#')), is(b'/'));
            masks.structural |= bits(or(or(quotes, brackets), or(comments, is(delimiter))));
        }
    }
    masks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn vector_and_portable_masks_agree(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(&b"'\"`\\()-#/;$"[..])], BLOCK),
            delimiter in proptest::sample::select(&b";$/|"[..]),
        ) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            prop_assert_eq!(Masks::of(&block, delimiter), portable(&block, delimiter));
        }
    }
}

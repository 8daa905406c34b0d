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
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                unsafe { avx2(block, delimiter) }
            } else {
                sse2(block, delimiter)
            }
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

/// Bytes that follow an odd number of backslashes, and whether the byte after the block does.
/// `first` says whether the block's first byte follows one itself.
///
/// The method is that of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per
/// Second", 2019): a carry runs through each sequence of backslashes and tells its parity.
#[inline]
pub(super) fn escaped(backslash: u64, first: bool) -> (u64, bool) {
    let first = u64::from(first);
    if backslash == 0 {
        return (first, false);
    }
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslash = backslash & !first;
    let follows = backslash << 1 | first;
    let odd_starts = backslash & !EVEN & !follows;
    let (sequences, overflow) = odd_starts.overflowing_add(backslash);
    let invert = sequences << 1;
    ((EVEN ^ invert) & follows, overflow)
}

/// Each bit becomes the parity of the set bits up to and including it: set from an opening
/// quote to before the closing one.
#[inline]
pub(super) fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Twice the bytes an instruction; about one fifth less time for a whole dump.
///
/// # Safety
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(block: &[u8; BLOCK], delimiter: u8) -> Masks {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8,
    };

    let mut masks = Masks::default();
    for lane in 0..BLOCK / 32 {
        // SAFETY: `lane * 32 + 32 <= 64`, so the unaligned 32-byte load stays inside the block.
        let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().add(lane * 32).cast::<__m256i>()) };
        let is = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()));
        let bits =
            |mask: __m256i| u64::from(_mm256_movemask_epi8(mask).cast_unsigned()) << (lane * 32);
        let or = |a: __m256i, b: __m256i| _mm256_or_si256(a, b);

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
    masks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escapes_are_found_as_by_reading_byte_by_byte(
            backslash in prop_oneof![any::<u64>(), any::<u64>().prop_map(|b| b | b << 1 | b << 2)],
            first: bool,
        ) {
            let mut expected = 0;
            let mut escaped_next = first;
            for bit in (0..64).map(|i| 1u64 << i) {
                if escaped_next {
                    expected |= bit;
                    escaped_next = false;
                } else {
                    escaped_next = backslash & bit != 0;
                }
            }
            prop_assert_eq!(escaped(backslash, first), (expected, escaped_next));
        }

        #[test]
        fn vector_and_portable_masks_agree(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(&b"'\"`\\()-#/;$"[..])], BLOCK),
            delimiter in proptest::sample::select(&b";$/|"[..]),
        ) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            let expected = portable(&block, delimiter);
            prop_assert_eq!(Masks::of(&block, delimiter), expected);
            #[cfg(target_arch = "x86_64")]
            prop_assert_eq!(sse2(&block, delimiter), expected);
        }
    }
}

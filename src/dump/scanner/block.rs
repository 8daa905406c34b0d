//! 64 bytes compared at once, with whatever vectors the processor has.
//!
//! What is looked for stands in `masks` and `rows`, once, in terms of [`Block`]; here is only
//! how a block is loaded and compared. Every kind of block gives the same answers (tested).

use std::env;
use std::ops::{BitAnd, BitOr};
use std::sync::OnceLock;

/// Number of bytes in a block, one for each bit of a `u64`.
pub(super) const BLOCK: usize = 64;

/// A block of bytes in registers.
pub(super) trait Block: Copy {
    /// A mask: true or false for each byte of a block.
    type Flags: Copy + BitAnd<Output = Self::Flags> + BitOr<Output = Self::Flags>;

    /// Loads the bytes of a block into registers.
    ///
    /// # Safety
    /// The processor must have the instructions that the type is named after.
    unsafe fn load(bytes: &[u8; BLOCK]) -> Self;

    /// The mask of the bytes that are equal to `byte`.
    fn is(self, byte: u8) -> Self::Flags;

    /// The mask of the bytes that are less than `byte`, which is at most 128.
    fn below(self, byte: u8) -> Self::Flags;

    /// The mask as a number with one bit for each byte, the first byte lowest.
    fn bits(flags: Self::Flags) -> u64;

    /// Each bit becomes the parity of the set bits up to and including it: set from an
    /// opening quote to before the closing one.
    #[inline(always)]
    fn prefix_xor(self, mut bits: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}

/// The kind of block that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Simd {
    /// Portable code without vector instructions.
    Portable,
    /// The vectors that every processor of the kind has (SSE2 or NEON), or portable code.
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The kind of block that every processor of this architecture can use.
#[cfg(target_arch = "x86_64")]
pub(super) type Baseline = x86::Sse2;
#[cfg(target_arch = "aarch64")]
pub(super) type Baseline = neon::Neon;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) type Baseline = Portable;

impl Simd {
    /// All kinds of blocks that this processor can use, best first.
    pub(super) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = {
            let clmul = is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("bmi2");
            let avx2 = clmul && is_x86_feature_detected!("avx2");
            let avx512 = avx2 && is_x86_feature_detected!("avx512bw");
            [avx512.then_some(Self::Avx512), avx2.then_some(Self::Avx2)]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<Self>; 0] = [];
        wide.into_iter()
            .flatten()
            .chain([Self::Baseline, Self::Portable])
    }

    /// The best kind that this processor can use. In tests, `CIVIDB_SIMD=none` turns all vectors off.
    pub(super) fn best() -> Self {
        static BEST: OnceLock<Simd> = OnceLock::new();
        *BEST.get_or_init(|| match env::var_os("CIVIDB_SIMD") {
            Some(value) if value == "none" => Self::Portable,
            _ => Self::available().next().unwrap_or(Self::Portable),
        })
    }
}

/// A block of eight words of eight bytes: the fallback, and what the other kinds are tested against.
#[derive(Clone, Copy)]
pub(super) struct Portable([u64; 8]);

impl Block for Portable {
    type Flags = u64;

    #[inline(always)]
    unsafe fn load(bytes: &[u8; BLOCK]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let mut block = [0; 8];
        for (word, bytes) in block.iter_mut().zip(words) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self(block)
    }

    #[inline(always)]
    fn is(self, byte: u8) -> u64 {
        let all = ONES * u64::from(byte);
        let differs = self.0.map(|word| {
            let other = word ^ all;
            ((other & LOW) + LOW) | other
        });
        highest_of(differs.map(|highest| !highest))
    }

    #[inline(always)]
    fn below(self, byte: u8) -> u64 {
        let reach = ONES * u64::from(128 - byte);
        let others = self.0.map(|word| ((word & LOW) + reach) | word);
        highest_of(others.map(|highest| !highest))
    }

    #[inline(always)]
    fn bits(flags: u64) -> u64 {
        flags
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = ONES * 0x7F;

/// The highest bit of each byte.
#[inline(always)]
fn highest_of(words: [u64; 8]) -> u64 {
    // A multiplication that brings the lowest bits of eight bytes together on top.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bits = 0;
    for (i, word) in words.into_iter().enumerate() {
        bits |= ((word >> 7 & ONES).wrapping_mul(GATHER) >> 56) << (8 * i);
    }
    bits
}

/// A value of these types comes from `load`, whose caller vouches for the processor; that is
/// why their other methods may use its instructions.
#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_and_si128, _mm_clmulepi64_si128, _mm_cmpeq_epi8,
        _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8,
        _mm_or_si128, _mm_set1_epi8, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256,
        _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
        _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_loadu_si512, _mm512_set1_epi8,
    };

    use super::{BLOCK, BitAnd, BitOr, Block};

    /// The sum of shifted copies that `prefix_xor` makes, as one multiplication without
    /// carries. The processor must have PCLMULQDQ.
    #[inline(always)]
    unsafe fn multiply(bits: u64) -> u64 {
        // SAFETY: as the caller promises.
        unsafe {
            let product =
                _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), _mm_set1_epi8(-1));
            _mm_cvtsi128_si64(product).cast_unsigned()
        }
    }

    /// A block in four registers of 16 bytes (SSE2). (`map` of an array is not always inlined.)
    #[derive(Clone, Copy)]
    pub(in super::super) struct Sse2(__m128i, __m128i, __m128i, __m128i);

    impl Sse2 {
        #[inline(always)]
        fn with(self, other: Self, apply: impl Fn(__m128i, __m128i) -> __m128i) -> Self {
            Self(
                apply(self.0, other.0),
                apply(self.1, other.1),
                apply(self.2, other.2),
                apply(self.3, other.3),
            )
        }
    }

    impl Block for Sse2 {
        type Flags = Self;

        #[inline(always)]
        unsafe fn load(bytes: &[u8; BLOCK]) -> Self {
            let from = bytes.as_ptr().cast::<__m128i>();
            // SAFETY: the four unaligned loads are of the 64 bytes; x86-64 has SSE2.
            let part = |i| unsafe { _mm_loadu_si128(from.add(i)) };
            Self(part(0), part(1), part(2), part(3))
        }

        #[inline(always)]
        fn is(self, byte: u8) -> Self {
            // SAFETY: x86-64 has SSE2.
            let all = unsafe { _mm_set1_epi8(byte.cast_signed()) };
            // SAFETY: as above.
            self.with(Self(all, all, all, all), |part, all| unsafe {
                _mm_cmpeq_epi8(part, all)
            })
        }

        #[inline(always)]
        fn below(self, byte: u8) -> Self {
            // SAFETY: x86-64 has SSE2.
            let most = unsafe { _mm_set1_epi8((byte - 1).cast_signed()) };
            // SAFETY: as above.
            self.with(Self(most, most, most, most), |part, most| unsafe {
                _mm_cmpeq_epi8(_mm_min_epu8(part, most), part)
            })
        }

        #[inline(always)]
        fn bits(flags: Self) -> u64 {
            // SAFETY: x86-64 has SSE2.
            let bits = |part| u64::from(unsafe { _mm_movemask_epi8(part) }.cast_unsigned());
            bits(flags.0) | bits(flags.1) << 16 | bits(flags.2) << 32 | bits(flags.3) << 48
        }
    }

    impl BitAnd for Sse2 {
        type Output = Self;

        #[inline(always)]
        fn bitand(self, other: Self) -> Self {
            // SAFETY: x86-64 has SSE2.
            self.with(other, |a, b| unsafe { _mm_and_si128(a, b) })
        }
    }

    impl BitOr for Sse2 {
        type Output = Self;

        #[inline(always)]
        fn bitor(self, other: Self) -> Self {
            // SAFETY: x86-64 has SSE2.
            self.with(other, |a, b| unsafe { _mm_or_si128(a, b) })
        }
    }

    /// A block in two registers of 32 bytes. It needs AVX2 and PCLMULQDQ.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256i, __m256i);

    impl Block for Avx2 {
        type Flags = Self;

        #[inline(always)]
        unsafe fn load(bytes: &[u8; BLOCK]) -> Self {
            let from = bytes.as_ptr().cast::<__m256i>();
            // SAFETY: the two unaligned loads are of the 64 bytes; the caller has AVX2.
            unsafe { Self(_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))) }
        }

        #[inline(always)]
        fn is(self, byte: u8) -> Self {
            // SAFETY: see the module.
            unsafe {
                let byte = _mm256_set1_epi8(byte.cast_signed());
                Self(
                    _mm256_cmpeq_epi8(self.0, byte),
                    _mm256_cmpeq_epi8(self.1, byte),
                )
            }
        }

        #[inline(always)]
        fn below(self, byte: u8) -> Self {
            // SAFETY: see the module.
            unsafe {
                let most = _mm256_set1_epi8((byte - 1).cast_signed());
                Self(
                    _mm256_cmpeq_epi8(_mm256_min_epu8(self.0, most), self.0),
                    _mm256_cmpeq_epi8(_mm256_min_epu8(self.1, most), self.1),
                )
            }
        }

        #[inline(always)]
        fn bits(flags: Self) -> u64 {
            // SAFETY: see the module.
            let bits = |half| u64::from(unsafe { _mm256_movemask_epi8(half) }.cast_unsigned());
            bits(flags.0) | bits(flags.1) << 32
        }

        #[inline(always)]
        fn prefix_xor(self, bits: u64) -> u64 {
            // SAFETY: see the module.
            unsafe { multiply(bits) }
        }
    }

    impl BitAnd for Avx2 {
        type Output = Self;

        #[inline(always)]
        fn bitand(self, other: Self) -> Self {
            // SAFETY: see the module.
            unsafe {
                Self(
                    _mm256_and_si256(self.0, other.0),
                    _mm256_and_si256(self.1, other.1),
                )
            }
        }
    }

    impl BitOr for Avx2 {
        type Output = Self;

        #[inline(always)]
        fn bitor(self, other: Self) -> Self {
            // SAFETY: see the module.
            unsafe {
                Self(
                    _mm256_or_si256(self.0, other.0),
                    _mm256_or_si256(self.1, other.1),
                )
            }
        }
    }

    /// A block in one register of 64 bytes. It needs AVX-512BW and PCLMULQDQ.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512i);

    impl Block for Avx512 {
        type Flags = u64;

        #[inline(always)]
        unsafe fn load(bytes: &[u8; BLOCK]) -> Self {
            // SAFETY: the unaligned load is of the 64 bytes; the caller has AVX-512.
            unsafe { Self(_mm512_loadu_si512(bytes.as_ptr().cast::<__m512i>())) }
        }

        #[inline(always)]
        fn is(self, byte: u8) -> u64 {
            // SAFETY: see the module.
            unsafe { _mm512_cmpeq_epi8_mask(self.0, _mm512_set1_epi8(byte.cast_signed())) }
        }

        #[inline(always)]
        fn below(self, byte: u8) -> u64 {
            // SAFETY: see the module.
            unsafe { _mm512_cmplt_epu8_mask(self.0, _mm512_set1_epi8(byte.cast_signed())) }
        }

        #[inline(always)]
        fn bits(flags: u64) -> u64 {
            flags
        }

        #[inline(always)]
        fn prefix_xor(self, bits: u64) -> u64 {
            // SAFETY: see the module.
            unsafe { multiply(bits) }
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) mod neon {
    use std::arch::aarch64::{
        uint8x16_t, vandq_u8, vceqq_u8, vcltq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vorrq_u8,
        vpaddq_u8, vreinterpretq_u64_u8,
    };

    use super::{BLOCK, BitAnd, BitOr, Block};

    /// A block in four registers of 16 bytes (NEON).
    #[derive(Clone, Copy)]
    pub(in super::super) struct Neon([uint8x16_t; 4]);

    impl Block for Neon {
        type Flags = Self;

        #[inline(always)]
        unsafe fn load(bytes: &[u8; BLOCK]) -> Self {
            // SAFETY: the four loads are of the 64 bytes; AArch64 has NEON.
            unsafe { Self([0, 16, 32, 48].map(|i| vld1q_u8(bytes.as_ptr().add(i)))) }
        }

        #[inline(always)]
        fn is(self, byte: u8) -> Self {
            // SAFETY: AArch64 has NEON.
            Self(
                self.0
                    .map(|part| unsafe { vceqq_u8(part, vdupq_n_u8(byte)) }),
            )
        }

        #[inline(always)]
        fn below(self, byte: u8) -> Self {
            // SAFETY: AArch64 has NEON.
            Self(
                self.0
                    .map(|part| unsafe { vcltq_u8(part, vdupq_n_u8(byte)) }),
            )
        }

        #[inline(always)]
        fn bits(flags: Self) -> u64 {
            const BIT: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
            // SAFETY: AArch64 has NEON, and the load is of 16 bytes.
            unsafe {
                let bit = vld1q_u8(BIT.as_ptr());
                // Sums of neighbours, until each sum is of eight.
                let [a, b, c, d] = flags.0.map(|part| vandq_u8(part, bit));
                let sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
                vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
            }
        }
    }

    impl BitAnd for Neon {
        type Output = Self;

        #[inline(always)]
        fn bitand(self, other: Self) -> Self {
            let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
            // SAFETY: AArch64 has NEON.
            Self([(a, e), (b, f), (c, g), (d, h)].map(|(a, b)| unsafe { vandq_u8(a, b) }))
        }
    }

    impl BitOr for Neon {
        type Output = Self;

        #[inline(always)]
        fn bitor(self, other: Self) -> Self {
            let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
            // SAFETY: AArch64 has NEON.
            Self([(a, e), (b, f), (c, g), (d, h)].map(|(a, b)| unsafe { vorrq_u8(a, b) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dump::scanner::masks::Masks;
    use crate::dump::scanner::rows::{Rows, Separator};

    #[inline(always)]
    unsafe fn compared<B: Block>(bytes: &[u8; BLOCK], byte: u8) -> (u64, u64) {
        // SAFETY: as the caller promises.
        let block = unsafe { B::load(bytes) };
        (B::bits(block.is(byte)), B::bits(block.below(byte)))
    }

    /// Bytes as they stand between and inside rows, and what does not belong there.
    fn rows() -> impl Strategy<Value = Vec<u8>> {
        let piece = proptest::sample::select(
            &[
                "),(",
                "),\n(",
                "'",
                "''",
                "\\\\",
                "\\'",
                "\\",
                "12",
                "-",
                "--",
                ",",
                "(",
                ")",
                "\n",
                "a",
                "'abc'",
                "'a long text without anything of interest, (or so)'",
                ";",
                "\"",
                "`",
                "#",
                "/",
                "é",
                "NULL,",
                "'2026-11-23 00:00:00',",
            ][..],
        );
        let common = proptest::sample::select(
            &[
                "),(",
                "'abc',",
                "1,",
                "NULL,",
                "'it\\'s (so), \\\\',",
                "'x''y',",
            ][..],
        );
        proptest::collection::vec(prop_oneof![1 => piece, 12 => common], 0..120)
            .prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn masks_are_those_found_byte_by_byte(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(&b"'\"`\\()-#/;$"[..])], BLOCK),
            delimiter in proptest::sample::select(&b";$/|"[..]),
        ) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            let marks = |among: &[u8]| {
                let bit = |(i, byte)| u64::from(among.contains(byte)) << i;
                block.iter().enumerate().map(bit).sum::<u64>()
            };
            let expected = Masks {
                single_quote: marks(b"'"),
                double_quote: marks(b"\""),
                backquote: marks(b"`"),
                backslash: marks(b"\\"),
                structural: marks(&[b'\'', b'"', b'`', b'(', b')', b'-', b'#', b'/', delimiter]),
            };
            for simd in Simd::available() {
                prop_assert_eq!(Masks::of(&block, delimiter, simd), expected);
            }
        }

        #[test]
        fn bytes_are_compared_as_one_by_one(
            bytes in proptest::collection::vec(any::<u8>(), BLOCK),
            byte in 1u8..=128,
        ) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            let of = |is: &dyn Fn(u8) -> bool| {
                (0..).zip(block).map(|(i, byte)| u64::from(is(byte)) << i).sum::<u64>()
            };
            let expected = (of(&|other| other == byte), of(&|other| other < byte));
            // SAFETY: every processor has these.
            let found = unsafe { (compared::<Portable>(&block, byte), compared::<Baseline>(&block, byte)) };
            prop_assert_eq!(found, (expected, expected));
        }

        #[test]
        fn rows_are_passed_alike_by_every_kind_of_block(
            bytes in rows(),
            from in 0usize..40,
            quoted: bool,
            delimiter in proptest::sample::select(&b";$/|(a"[..]),
            separator in proptest::sample::select(&[Separator::Comma, Separator::CommaNewline][..]),
        ) {
            let rows = Rows { bytes: &bytes, from, end: bytes.len(), quoted, delimiter, separator };
            let expected = rows.pass(Simd::Portable);
            for simd in Simd::available() {
                prop_assert_eq!(rows.pass(simd), expected, "{:?}", simd);
            }
        }
    }
}

//! Passes over rows as dump programs write them, whole blocks at a time.
//!
//! The bytes inside quotes are found by arithmetic on the masks instead of one quote after the other, and so
//! are the separators between rows. Only the end of the loop depends on the data, so the processor predicts
//! every other branch rightly.

#[cfg(target_arch = "x86_64")]
use super::block::x86::{Avx2, Avx512};
use super::block::{BLOCK, Baseline, Block, Portable, Simd};

/// The text between two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// The separator `),(`, as mysqldump writes it.
    Comma,
    /// The separator `),` with `(` on a line of its own, as mariadb-dump, phpMyAdmin and mydumper write it.
    CommaNewline,
}

impl Separator {
    /// The separator that begins at index `at`; `None` for any other text.
    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        match bytes.get(at..)? {
            [b')', b',', b'(', ..] => Some(Self::Comma),
            [b')', b',', b'\n', b'(', ..] => Some(Self::CommaNewline),
            _ => None,
        }
    }

    /// Length of the separator in bytes, both parentheses included.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Comma => 3,
            Self::CommaNewline => 4,
        }
    }
}

/// A part of a VALUES list, and what encloses its first byte: a row, and maybe single quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub bytes: &'a [u8],
    pub from: usize,
    /// Index at which to stop at the latest.
    pub end: usize,
    pub quoted: bool,
    /// First byte of the statement delimiter. It must not be a quote or a comma.
    pub delimiter: u8,
    pub separator: Separator,
}

/// How far [`Rows::pass`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    /// Index of the first byte that was not looked at or not understood; it stands in a row.
    pub at: usize,
    /// Whether that byte stands inside single quotes.
    pub quoted: bool,
    /// Number of rows that ended.
    pub rows: u64,
    /// Number of commas between values, those between rows not; and of those before the last row that began here.
    pub commas: u64,
    pub whole_commas: u64,
    /// Whether a block that was looked at holds a zero byte, maybe behind `at`.
    pub zeros: bool,
    /// Number of line feeds before `counted`, which is at most 3 before `at`.
    pub lines: u64,
    pub counted: usize,
    /// Index at which the last row began, after its opening parenthesis; `None` if no row began here.
    pub row_begins: Option<usize>,
}

impl Passed {
    /// The same result for text that begins `shift` bytes later.
    pub(super) fn back_by(self, shift: usize) -> Self {
        Self {
            at: self.at - shift,
            counted: self.counted - shift,
            row_begins: self.row_begins.map(|begins| begins - shift),
            ..self
        }
    }
}

impl Rows<'_> {
    /// Passes over rows. Stops before the first thing that is more than values in single quotes, numbers and
    /// separators between rows, and at the last whole block before the end.
    pub(super) fn pass(self, simd: Simd) -> Passed {
        // SAFETY: `simd` names what the processor has.
        unsafe {
            match simd {
                Simd::Portable => self.pass_blocks::<Portable>(),
                Simd::Baseline => self.pass_blocks::<Baseline>(),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx2 => self.avx2(),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512 => self.avx512(),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx2(self) -> Passed {
        // SAFETY: as the caller promises.
        unsafe { self.pass_blocks::<Avx2>() }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,avx512bw,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx512(self) -> Passed {
        // SAFETY: as the caller promises.
        unsafe { self.pass_blocks::<Avx512>() }
    }

    /// Passes over rows, with the separator and block given.
    ///
    /// # Safety
    /// The processor must have the instructions that `B` is named after.
    #[inline(always)]
    unsafe fn pass_blocks<B: Block>(self) -> Passed {
        // SAFETY: as the caller promises.
        unsafe {
            match self.separator {
                Separator::Comma => self.run::<B, 2>(),
                Separator::CommaNewline => self.run::<B, 3>(),
            }
        }
    }

    /// Passes over rows. `GAP` is the distance in bytes between the parentheses of two rows.
    ///
    /// # Safety
    /// The processor must have the instructions that `B` is named after.
    #[inline(always)]
    unsafe fn run<B: Block, const GAP: usize>(self) -> Passed {
        let mut pos = self.from;
        let mut rows = 0;
        let mut lines = 0;
        let (mut commas, mut whole_commas) = (0, 0);
        let mut zeros = 0;
        // The first byte of the block is the comma of a separator of the block before.
        let mut between_rows = 0;
        // All ones inside quotes.
        let mut quoted = if self.quoted { u64::MAX } else { 0 };
        // The byte at `pos` comes after a backslash.
        let mut escaped = 0;
        // Where the next row begins, by a separator of the block before.
        let mut awaited = 0;
        // The block with the last separator, and all of those in it.
        let mut last = (0, 0);
        while pos + BLOCK <= self.end
            && let Some(window) = bytes_at::<{ BLOCK + 3 }>(self.bytes, pos)
        {
            let (block, second, before_open, open);
            // SAFETY: as the caller promises.
            unsafe {
                block = B::load(part(window, 0));
                second = B::load(part(window, 1));
                before_open = B::load(part(window, GAP - 1));
                open = B::load(part(window, GAP));
            }
            let (escapes, escaped_after) = escaped_by(B::bits(block.is(b'\\')), escaped);
            let quotes = B::bits(block.is(b'\'')) & !escapes;
            let inside = block.prefix_xor(quotes) ^ quoted;
            let between = if GAP == 2 { b',' } else { b'\n' };
            let separators =
                B::bits(block.is(b')') & second.is(b',') & before_open.is(between) & open.is(b'('))
                    & !inside;
            let comment = block.is(b'-') & second.is(b'-') | block.is(b'#') | block.is(b'/');
            let quote = block.is(b'"') | block.is(b'`');
            let bracket = block.is(b'(') | block.is(b')');
            let marks = bracket | quote | comment | block.is(b'\\') | block.is(self.delimiter);
            let known = separators | separators << GAP | awaited;
            let unknown = B::bits(marks) & !inside & !known;
            let newlines = B::bits(block.is(b'\n'));
            zeros |= B::bits(block.is(0));
            let between_values =
                B::bits(block.is(b',')) & !inside & !(separators << 1 | between_rows);
            let whole = |separators: u64| {
                let before = u64::MAX >> separators.leading_zeros();
                commas + u64::from((between_values & before).count_ones())
            };
            if unknown != 0 {
                let stop = unknown.trailing_zeros();
                let before = !(u64::MAX << stop);
                let at = pos + stop as usize;
                let here = separators & before;
                // These bytes are whole: no byte of a separator is unknown.
                return Passed {
                    at,
                    quoted: false,
                    rows: rows + u64::from(here.count_ones()),
                    commas: commas + u64::from((between_values & before).count_ones()),
                    whole_commas: if here != 0 { whole(here) } else { whole_commas },
                    zeros: zeros != 0,
                    lines: lines + u64::from((newlines & before).count_ones()),
                    counted: at,
                    row_begins: row_begins::<GAP>(if here != 0 { (pos, here) } else { last }),
                };
            }
            if separators != 0 {
                whole_commas = whole(separators);
            }
            commas += u64::from(between_values.count_ones());
            between_rows = separators >> (BLOCK - 1);
            rows += u64::from(separators.count_ones());
            lines += u64::from(newlines.count_ones());
            if separators != 0 {
                last = (pos, separators);
            }
            awaited = separators >> (BLOCK - GAP);
            quoted = (inside.cast_signed() >> (BLOCK - 1)).cast_unsigned();
            escaped = escaped_after;
            pos += BLOCK;
        }
        // The rest of a separator, or the byte that a backslash escapes, belongs to what came before.
        let rest = (u64::BITS - awaited.leading_zeros()) as usize + escaped as usize;
        Passed {
            at: pos + rest,
            quoted: quoted != 0,
            rows,
            commas,
            whole_commas,
            zeros: zeros != 0,
            lines,
            counted: pos,
            row_begins: row_begins::<GAP>(last),
        }
    }
}

fn row_begins<const GAP: usize>((block, separators): (usize, u64)) -> Option<usize> {
    let last = separators.checked_ilog2()?;
    Some(block + last as usize + GAP + 1)
}

#[inline(always)]
pub(super) fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<&[u8; N]> {
    bytes.get(at..)?.first_chunk()
}

/// The block that begins `from` bytes into the window: 0 to 3.
#[inline(always)]
fn part(window: &[u8; BLOCK + 3], from: usize) -> &[u8; BLOCK] {
    bytes_at(window, from).unwrap_or_else(|| unreachable!("the window is long enough"))
}

/// Bytes that follow an odd number of backslashes, and 1 if the byte after the block does.
/// `first` is 1 if the block's first byte follows one itself.
///
/// The method is that of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per
/// Second", 2019): a carry runs through each sequence of backslashes and tells its parity.
#[inline(always)]
pub(super) fn escaped_by(backslash: u64, first: u64) -> (u64, u64) {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslash = backslash & !first;
    let follows = backslash << 1 | first;
    let odd_starts = backslash & !EVEN & !follows;
    let (sequences, overflow) = odd_starts.overflowing_add(backslash);
    let invert = sequences << 1;
    ((EVEN ^ invert) & follows, u64::from(overflow))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn escapes_are_found_as_by_reading_byte_by_byte(
            backslash in prop_oneof![any::<u64>(), any::<u64>().prop_map(|b| b | b << 1 | b << 2)],
            first in 0u64..2,
        ) {
            let mut expected = 0;
            let mut escaped_next = first;
            for bit in (0..64).map(|i| 1u64 << i) {
                if escaped_next == 1 {
                    expected |= bit;
                    escaped_next = 0;
                } else {
                    escaped_next = u64::from(backslash & bit != 0);
                }
            }
            prop_assert_eq!(escaped_by(backslash, first), (expected, escaped_next));
        }

        #[test]
        fn multiplication_finds_the_parity(bits: u64) {
            let mut parity = 0;
            let expected = (0..64).fold(0, |sum, i| {
                parity ^= bits >> i & 1;
                sum | parity << i
            });
            // SAFETY: every processor has it.
            let block = unsafe { Portable::load(&[0; BLOCK]) };
            prop_assert_eq!(block.prefix_xor(bits), expected);
        }
    }
}

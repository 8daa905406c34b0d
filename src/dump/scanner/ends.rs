//! Where the values of rows stand, so that those of a column are reached without reading the ones before it.
//!
//! As in [`super::rows`], the commas between values are told from those inside quotes by arithmetic on the masks of
//! whole blocks.

#[cfg(target_arch = "x86_64")]
use super::block::x86::{Avx2, Avx512};
use super::block::{BLOCK, Baseline, Block, Portable, Simd};
use super::rows::{bytes_at, escaped_by, part};

/// Bytes that are looked at before the rows among them are read: few enough to stay in the cache.
const STRIDE: usize = if cfg!(test) { BLOCK } else { 16 << 10 };

/// The longest text whose ends are found: they are kept as 32-bit numbers.
const LONGEST: usize = i32::MAX as usize;

/// The ends of the values of rows, as [`super::Sink::batch`] hands rows over, found one stretch after the other.
#[derive(Debug, Default)]
pub struct ValueEnds {
    /// The index behind each value.
    ends: Vec<u32>,
    /// For each whole row the index in `ends` of its last value.
    lasts: Vec<usize>,
    /// Where the first row begins that was not given out.
    start: usize,
    /// Index of the first byte that was not looked at.
    pos: usize,
    /// All ones where that byte is inside quotes.
    quoted: u64,
    /// Whether that byte comes after a backslash.
    escaped: u64,
    /// Whether that byte is the comma between two rows.
    between: u64,
    /// Whether something was met that is not written as dump programs do.
    is_odd: bool,
}

/// The values of one row.
#[derive(Clone, Copy, Debug)]
pub struct RowValues<'a, 'e> {
    rows: &'a [u8],
    start: usize,
    ends: &'e [u32],
}

impl<'a> RowValues<'a, '_> {
    /// The number of values, at least 1.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of the value of this index, counted from 0, perhaps with one blank before it; empty where the row has
    /// no such value.
    #[inline]
    pub fn get(&self, index: usize) -> &'a [u8] {
        let start = match index.checked_sub(1) {
            None => Some(self.start),
            Some(before) => self.ends.get(before).map(|end| *end as usize + 1),
        };
        let end = self.ends.get(index).map(|end| *end as usize);
        let range = start.zip(end).map(|(start, end)| start..end);
        range
            .and_then(|range| self.rows.get(range))
            .unwrap_or_default()
    }

    /// The text of the whole row, without the outer parentheses.
    pub fn text(&self) -> &'a [u8] {
        let end = self.ends.last().map_or(self.start, |end| *end as usize);
        self.rows.get(self.start..end).unwrap_or_default()
    }
}

impl ValueEnds {
    /// Begins with other rows.
    pub fn begin(&mut self) {
        let Self { ends, lasts, .. } = std::mem::take(self);
        *self = Self {
            ends,
            lasts,
            ..Self::default()
        };
        self.ends.clear();
        self.lasts.clear();
    }

    /// Finds the ends in the next stretch of the rows. Returns whether there is more to find.
    pub fn find(&mut self, rows: &[u8]) -> bool {
        self.find_with(rows, Simd::best())
    }

    fn find_with(&mut self, rows: &[u8], simd: Simd) -> bool {
        if rows.len() > LONGEST || rows.first().is_none_or(|first| b",) ".contains(first)) {
            return false;
        }
        // SAFETY: `simd` names what the processor has.
        unsafe {
            match simd {
                Simd::Portable => self.stretch::<Portable>(rows),
                Simd::Baseline => self.stretch::<Baseline>(rows),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx2 => self.avx2(rows),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512 => self.avx512(rows),
            }
        }
        if self.is_odd {
            return false;
        }
        if self.pos < rows.len() {
            return true;
        }
        // The closing parenthesis of the last row.
        self.lasts.push(self.ends.len());
        self.ends.push(rows.len().saturating_sub(1) as u32);
        false
    }

    /// Gives out the rows that were found, and forgets them.
    pub fn take_rows<'a>(&mut self, rows: &'a [u8], mut take: impl FnMut(RowValues<'a, '_>)) {
        let mut first = 0;
        for last in self.lasts.drain(..) {
            let ends = self.ends.get(first..=last).unwrap_or_default();
            let start = self.start;
            take(RowValues { rows, start, ends });
            first = last + 1;
            let end = ends.last().map_or(start, |end| *end as usize);
            // `),(` or `),` and a line feed before `(`.
            self.start = match rows.get(end + 2) {
                None => rows.len(),
                Some(b'(') => end + 3,
                Some(_) => end + 4,
            };
        }
        self.ends.drain(..first);
    }

    /// Where the first row begins that was not given out; the length of the rows when all were.
    pub fn rest(&self) -> usize {
        self.start
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx2(&mut self, rows: &[u8]) {
        // SAFETY: as the caller promises.
        unsafe { self.stretch::<Avx2>(rows) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,avx512bw,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx512(&mut self, rows: &[u8]) {
        // SAFETY: as the caller promises.
        unsafe { self.stretch::<Avx512>(rows) }
    }

    /// Looks at the next blocks, up to the first one with something odd.
    ///
    /// # Safety
    /// The processor must have the instructions that `B` is named after.
    #[inline(always)]
    unsafe fn stretch<B: Block>(&mut self, rows: &[u8]) {
        let until = rows.len().min(self.pos + STRIDE);
        let mut last;
        while self.pos < until {
            let window = match bytes_at::<{ BLOCK + 3 }>(rows, self.pos) {
                Some(window) => window,
                None => {
                    let rest = rows.get(self.pos..).unwrap_or_default();
                    last = [0; BLOCK + 3];
                    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                    &last
                }
            };
            let (block, second, third, fourth);
            // SAFETY: as the caller promises.
            unsafe {
                block = B::load(part(window, 0));
                second = B::load(part(window, 1));
                third = B::load(part(window, 2));
                fourth = B::load(part(window, 3));
            }
            let (escapes, escaped) = escaped_by(B::bits(block.is(b'\\')), self.escaped);
            let quotes = B::bits(block.is(b'\'')) & !escapes;
            let inside = block.prefix_xor(quotes) ^ self.quoted;
            let is_blank = |block: B| {
                let tab = block.is(b'\t') | block.is(b'\x0C');
                block.is(b' ') | block.is(b'\n') | block.is(b'\r') | tab
            };
            let (comma, closes) = (block.is(b','), second.is(b',') | second.is(b')'));
            // A value without text, and blanks that are more than one before a value.
            let odd =
                (comma | block.is(b'(')) & closes | is_blank(block) & (closes | is_blank(second));
            if B::bits(odd) & !inside != 0 {
                self.is_odd = true;
                return;
            }
            let begins = third.is(b'(') | third.is(b'\n') & fourth.is(b'(');
            let row_ends = B::bits(block.is(b')') & second.is(b',') & begins) & !inside;
            let commas = B::bits(comma) & !inside;
            let between = row_ends << 1 | self.between;
            let count = commas.count_ones() as usize;
            let mut found = [0; BLOCK];
            let mut left = commas;
            for end in found.iter_mut().take(count) {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                // The value before a comma between rows ends with the parenthesis.
                let is_last = (between >> bit & 1) as u32;
                *end = self.pos as u32 + bit - is_last;
            }
            let mut left = between & commas;
            while left != 0 {
                let before = commas & (left & left.wrapping_neg()).wrapping_sub(1);
                left &= left.wrapping_sub(1);
                self.lasts
                    .push(self.ends.len() + before.count_ones() as usize);
            }
            self.ends
                .extend_from_slice(found.get(..count).unwrap_or_default());
            self.between = row_ends >> (BLOCK - 1);
            self.quoted = (inside.cast_signed() >> (BLOCK - 1)).cast_unsigned();
            self.escaped = escaped;
            self.pos += BLOCK;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The values of rows, read one byte after the other.
    fn plainly(rows: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let (mut all, mut row, mut value) = (Vec::new(), Vec::new(), Vec::new());
        let (mut quoted, mut escaped, mut outside) = (false, false, false);
        for byte in rows {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'\'' => quoted = !quoted,
                _ => {}
            }
            match byte {
                b')' if !quoted => {
                    row.push(std::mem::take(&mut value));
                    all.push(std::mem::take(&mut row));
                    outside = true;
                }
                b'(' if !quoted => outside = false,
                _ if outside => {}
                b',' if !quoted => row.push(std::mem::take(&mut value)),
                _ => value.push(*byte),
            }
        }
        all
    }

    fn found(rows: &[u8], simd: Simd) -> (Vec<Vec<Vec<u8>>>, usize) {
        let mut ends = ValueEnds::default();
        ends.begin();
        let mut all = Vec::new();
        loop {
            let more = ends.find_with(rows, simd);
            ends.take_rows(rows, |row| {
                all.push((0..row.len()).map(|i| row.get(i).to_vec()).collect());
            });
            if !more {
                return (all, ends.rest());
            }
        }
    }

    fn rows() -> impl Strategy<Value = Vec<u8>> {
        let value = proptest::sample::select(
            &[
                "1",
                "123456",
                "NULL",
                "''",
                "'a'",
                "' , '",
                "'),('",
                "'it\\'s'",
                "'\\\\'",
                "'x''y'",
                "'a long text, with (all) that is in texts, and more than a block of it, so'",
                "-1.5",
                " 2",
                "0x4142",
            ][..],
        );
        let row = proptest::collection::vec(value, 1..9).prop_map(|values| values.join(","));
        (proptest::collection::vec(row, 1..30), any::<bool>()).prop_map(|(rows, lines)| {
            let all = rows.join(if lines { "),\n(" } else { "),(" });
            (all.trim_start().to_owned() + ")").into_bytes()
        })
    }

    proptest! {
        #[test]
        fn ends_are_those_found_byte_by_byte(rows in rows()) {
            for simd in Simd::available() {
                prop_assert_eq!(found(&rows, simd), (plainly(&rows), rows.len()), "{:?}", simd);
            }
        }

        /// What is odd is left from the beginning of a row on, and what came before is whole.
        #[test]
        fn nothing_odd_is_given_out(rows in rows(), odd in proptest::sample::select(&[",,", "  ", ",)", " )"][..])) {
            let mut all = rows.clone();
            all.truncate(rows.len() - 1);
            all.extend_from_slice(b"),(1,");
            let begins = all.len() - 2;
            all.extend_from_slice(odd.as_bytes());
            all.extend_from_slice(b"2),(3)");
            for simd in Simd::available() {
                let (given, rest) = found(&all, simd);
                let whole = plainly(all.get(..rest).unwrap());
                prop_assert!(rest <= begins);
                prop_assert_eq!(given, whole);
            }
        }
    }
}

//! Where the values of rows end, found for whole blocks at a time.
//!
//! Most values of a row are not needed. They are passed over by counting commas, which stand for the values where rows
//! are written as dump programs write them; other rows are left to whoever asks.

#[cfg(target_arch = "x86_64")]
use super::block::x86::{Avx2, Avx512};
use super::block::{BLOCK, Baseline, Block, Portable, Simd};
use super::rows::{bytes_at, escaped_by};

/// Bytes of text that are looked at in one go: a place in them fits into 16 bits, and all places into the first cache.
const WINDOW: usize = 32 * 1024;

/// The places at which the values of whole rows end.
#[derive(Debug, Default)]
pub struct Ends {
    /// Where the values end, one place after the other; those behind `count` are of no account.
    values: Vec<u16>,
    count: usize,
    /// For each row the number of values up to its end.
    rows: Vec<u16>,
}

impl Ends {
    /// Looks at the beginning of a text, which begins with the first value of a row. Under a `sql_mode` in which a
    /// backslash escapes nothing it may go wrong.
    pub fn find(&mut self, text: &[u8]) {
        self.find_with(Simd::best(), text);
    }

    fn find_with(&mut self, simd: Simd, text: &[u8]) {
        self.count = 0;
        self.rows.clear();
        self.values.resize(WINDOW + BLOCK, 0);
        let text = text.get(..WINDOW).unwrap_or(text);
        // SAFETY: `simd` names what the processor has.
        unsafe {
            match simd {
                Simd::Portable => self.run::<Portable>(text),
                Simd::Baseline => self.run::<Baseline>(text),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx2 => self.avx2(text),
                #[cfg(target_arch = "x86_64")]
                Simd::Avx512 => self.avx512(text),
            }
        }
    }

    /// For each whole row that a separator follows where its values end; none of them is empty. The values begin one byte
    /// behind the end before, the next row behind the separator.
    pub fn rows(&self) -> impl Iterator<Item = &[u16]> {
        let mut from = 0;
        self.rows.iter().map_while(move |end| {
            let to = usize::from(*end);
            let row = self.values.get(from..to);
            from = to;
            row
        })
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx2(&mut self, text: &[u8]) {
        // SAFETY: as the caller promises.
        unsafe { self.run::<Avx2>(text) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,avx512bw,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx512(&mut self, text: &[u8]) {
        // SAFETY: as the caller promises.
        unsafe { self.run::<Avx512>(text) }
    }

    /// Notes ends up to the first byte that is not understood, or the last whole block.
    ///
    /// # Safety
    /// The processor must have the instructions that `B` is named after.
    #[inline(always)]
    unsafe fn run<B: Block>(&mut self, text: &[u8]) {
        // All ones inside quotes.
        let mut quoted = 0;
        // The byte at `pos` comes after a backslash.
        let mut escaped = 0;
        // What the first byte of the block comes after: a value begins there.
        let mut after = After {
            end: 1,
            ..After::default()
        };
        let mut pos = 0;
        while let Some(bytes) = bytes_at::<BLOCK>(text, pos) {
            // SAFETY: as the caller promises.
            let block = unsafe { B::load(bytes) };
            let bits = |byte| B::bits(block.is(byte));
            let (escapes, escaped_after) = escaped_by(bits(b'\\'), escaped);
            let quotes = bits(b'\'') & !escapes;
            let inside = block.prefix_xor(quotes) ^ quoted;
            let plain = |byte| bits(byte) & !inside;
            let (comma, line, blank) = (plain(b','), plain(b'\n'), plain(b' '));
            let (closing, opening) = (plain(b')'), plain(b'('));

            // A separator is `),(` or `),` with `(` on a line of its own.
            let to_comma = follow(closing, &mut after.closing);
            let gap = comma & to_comma;
            let to_open = follow(gap, &mut after.gap);
            let broken = line & to_open;
            let to_row = follow(broken, &mut after.line);
            let begins = opening & (to_open | to_row);
            let ends = comma & !gap;
            let starts = follow(ends | begins, &mut after.end);
            // As in `_binary 'x'`.
            let to_quote = follow(blank, &mut after.blank);
            let dash = plain(b'-');
            let comment = dash & follow(dash, &mut after.dash);

            let odd = block.below(b'\'') | block.is(b'/') | block.is(b';') | block.is(b'`');
            let odd = B::bits(odd | block.is(b'\\')) & !inside & !broken & !blank;
            let missing = to_comma & !comma
                | to_open & !(opening | line)
                | to_row & !opening
                | to_quote & !(quotes & inside);
            let empty = starts & (ends | closing | blank);
            let unknown = odd | missing | empty | comment | opening & !begins;
            let known = match unknown {
                0 => u64::MAX,
                _ => !(u64::MAX << unknown.trailing_zeros()),
            };

            let mut values = (ends | closing) & known;
            let mut rows = begins & known;
            while rows != 0 {
                let before = values & (rows ^ (rows - 1));
                // A window has fewer values than bytes.
                self.rows
                    .push(self.count as u16 + before.count_ones() as u16);
                rows &= rows - 1;
            }
            // By eight, some of them for nothing: most blocks have no more, so that the processor foresees what comes next.
            let count = values.count_ones() as usize;
            let room = self.values.get_mut(self.count..).unwrap_or_default();
            for eight in room.chunks_exact_mut(8).take(count.div_ceil(8)) {
                for place in eight {
                    *place = pos as u16 + values.trailing_zeros() as u16;
                    values &= values.wrapping_sub(1);
                }
            }
            self.count += count;
            if unknown != 0 {
                return;
            }
            quoted = (inside.cast_signed() >> (BLOCK - 1)).cast_unsigned();
            escaped = escaped_after;
            pos += BLOCK;
        }
    }
}

/// For some kinds of bytes whether the last byte of the block before was one of them: 1 or 0.
#[derive(Default)]
struct After {
    end: u64,
    closing: u64,
    gap: u64,
    line: u64,
    blank: u64,
    dash: u64,
}

/// The bytes that come after these, in the block and the next one.
#[inline(always)]
fn follow(bits: u64, last: &mut u64) -> u64 {
    let after = bits << 1 | *last;
    *last = bits >> (BLOCK - 1);
    after
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dump::values::{Next, Value, Values};
    use crate::schema::lexer::SqlModes;

    /// Rows as they stand in dumps, and what does not belong there.
    fn rows() -> impl Strategy<Value = String> {
        let value = r"NULL|-?[0-9]{1,3}|'[a,() ;-]{0,9}'|'([a']|''|\\.){0,9}'|'a long text without anything of interest'|x'41'|0x41|_binary 'x'";
        let value = prop_oneof![60 => value, 1 => r#"["`(); #/\\a'-]{0,3}"#];
        let row = proptest::collection::vec(value, 1..9).prop_map(|values| values.join(","));
        let separator = prop_oneof![30 => Just("),("), 30 => Just("),\n("), 1 => Just("), (")];
        proptest::collection::vec((row, separator), 0..30).prop_map(|rows| {
            let rows = rows.into_iter();
            rows.map(|(row, separator)| row + separator).collect()
        })
    }

    /// The text of each row that is found, and its values.
    fn found<'a>(text: &'a str, ends: &Ends) -> Vec<(&'a str, Vec<Value<'a>>)> {
        let mut begins = 0;
        let rows = ends.rows().map(|ends| {
            let (mut row, from) = (Vec::new(), begins);
            for end in ends {
                let end = usize::from(*end);
                let text = &text.as_bytes()[begins..];
                row.push(Value::of(text, end - begins, SqlModes::default()));
                begins = end + 1;
            }
            let written = &text[from..begins - 1];
            begins += if text[begins..].starts_with(",(") {
                2
            } else {
                3
            };
            (written, row)
        });
        rows.collect()
    }

    proptest! {
        #[test]
        fn rows_are_found_alike_by_every_kind_of_block(text in rows()) {
            let of = |simd| {
                let mut ends = Ends::default();
                ends.find_with(simd, text.as_bytes());
                found(&text, &ends).len()
            };
            let expected = of(Simd::Portable);
            for simd in Simd::available() {
                prop_assert_eq!(of(simd), expected, "{:?}", simd);
            }
        }

        #[test]
        fn what_is_found_is_what_reading_value_by_value_finds(text in rows()) {
            let mut ends = Ends::default();
            ends.find(text.as_bytes());
            for (text, row) in found(&text, &ends) {
                let mut values = Values::new(text.as_bytes(), SqlModes::default());
                for value in row {
                    prop_assert_eq!(values.value(), Next::Value(value), "{}", text);
                }
                prop_assert_eq!(values.value(), Next::End);
            }
        }
    }

    #[test]
    fn whole_rows_are_found_up_to_what_is_odd() {
        let row = "1,NULL,'a, b (c),(d) -- \\'',''),\n(-2,'it''s',0x41),(";
        for (odd, rows) in [
            ("", 20),
            ("1, 2),(", 10),
            ("1,,2),(", 10),
            ("f(1)),(", 10),
            ("),(", 10),
        ] {
            let text = format!(
                "{}{odd}{}{}",
                row.repeat(5),
                row.repeat(5),
                "'x'".repeat(70)
            );
            let mut ends = Ends::default();
            ends.find(text.as_bytes());
            assert_eq!(found(&text, &ends).len(), rows, "{odd}");
        }
    }
}

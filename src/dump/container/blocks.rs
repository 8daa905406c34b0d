//! A bzip2 file of many blocks, decoded by several threads.
//!
//! A bzip2 stream is a row of blocks, each of at most 900 kB before it was compressed and packed bit by bit behind
//! the one before; a mark of 48 bits begins each and another ends the stream. Every thread looks for the
//! marks on its own and decodes every n-th run of blocks. The decoder is given the mark behind its block as well,
//! so that it finds out whether the block ends there: the bits of a mark may be part of a block by chance.
//!
//! Whatever is not a whole block with a mark behind it (damage, a mark by chance, something else behind the
//! end) is left to one thread, which decodes all of the file again and tells what it finds ([`Message::Alone`]).

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aho_corasick::packed::Searcher;
use bzip2::Decompress;

use super::decode::EMPTY_BZIP2;
use super::error::{Problem, Stop};
use super::lanes::{Lane, POOL, lane, spawn};
use super::sink::Sink;

/// The 48 bits at the start of a block, and those at the end of a stream.
const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
const MARK_BITS: u64 = 48;
/// Bytes of the file that are all of one mark, wherever in the byte before them it begins.
const INNER: usize = 5;
/// Bits of the checksum behind either mark.
const CHECKSUM_BITS: u64 = 32;

/// The most that a block takes in a file, in bits; a block that takes more is left to one thread. Of 900,000 symbols none has
/// more than 20 bits, and the tables before them are small.
const LONGEST: u64 = 3 << 23;

/// Blocks are taken together until they have this many bits: some programs make every other block a small one.
const RUN: u64 = 64 * 1024 * 8;

/// Bytes that are searched for marks at a time.
const WINDOW: usize = 256 * 1024;

/// Starts several threads on a bzip2 file; `None` for one of a single block, or that does not begin with a block, and where the
/// search for marks would take long.
pub(super) fn start(
    file: &Arc<File>,
    length: u64,
    threads: usize,
    read: &Arc<AtomicU64>,
) -> Result<Option<Vec<Lane>>, Problem> {
    let Some(marks) = Marks::new(Arc::clone(file), length) else {
        return Ok(None);
    };
    let blocks = Blocks::new(marks);
    if blocks.clone().nth(1).is_none() {
        return Ok(None);
    }
    let mut lanes = Vec::new();
    for number in 0..threads {
        let (lane, messages, empties) = lane(POOL);
        lanes.push(lane);
        let mut own = blocks
            .clone()
            .filter(move |block| block.run % threads == number);
        let sink = match number {
            0 => Sink::new(messages, empties),
            _ => Sink::further(messages, empties),
        };
        let (file, read) = (Arc::clone(file), Arc::clone(read));
        spawn("decompress", move || {
            own.try_fold(sink, |sink, block| decode(&file, &block, &read, sink));
        })?;
    }
    Ok(Some(lanes))
}

/// Decodes one block into the sink; gives the sink back if more can come.
fn decode(file: &Arc<File>, block: &Block, read: &AtomicU64, mut sink: Sink) -> Option<Sink> {
    let decoded = match block.follows {
        Follows::Unclear => Ok(false),
        _ => block.decode(file, &mut sink),
    };
    match decoded {
        Ok(true) => {}
        Ok(false) => {
            sink.leave(Arc::clone(file));
            return None;
        }
        Err(stop) => {
            sink.finish(Err(stop), block.bits.start / 8);
            return None;
        }
    }
    read.fetch_add((block.bits.end - block.bits.start) / 8, Ordering::Relaxed);
    match block.follows {
        Follows::Block if block.ends_run => sink.hand_over().is_ok().then_some(sink),
        Follows::Block => Some(sink),
        _ => {
            sink.finish(Ok(()), block.bits.end.div_ceil(8));
            None
        }
    }
}

/// A block of the file.
#[derive(Debug)]
struct Block {
    /// The bits of the file from the mark of the block to the mark behind it.
    bits: Range<u64>,
    /// The digit of the stream's header: the most that a block holds, in 100 kB.
    level: u8,
    follows: Follows,
    /// The number of the run of blocks that this one belongs to, and whether it is the last of them.
    run: usize,
    ends_run: bool,
}

/// What comes behind a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    /// Another block, of this stream or of the next.
    Block,
    /// The end of the file.
    Nothing,
    /// Anything else.
    Unclear,
}

impl Block {
    /// Decodes the block into the sink. `false` if it is damaged or does not end where the next mark begins: then the
    /// sink has got a part of its text, or none.
    fn decode(&self, file: &File, sink: &mut Sink) -> Result<bool, Stop> {
        let end = self.bits.end + MARK_BITS;
        if end - self.bits.start > LONGEST {
            return Ok(false);
        }
        let Some(input) = self.as_stream(file, end) else {
            return Ok(false);
        };
        let mut decoder = Decompress::new(false);
        loop {
            let space = sink.space()?;
            let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
            let rest = input.get(before_in as usize..).unwrap_or_default();
            let status = decoder.decompress(rest, space);
            let written = decoder.total_out() - before_out;
            sink.advance(written as usize);
            if !matches!(status, Ok(bzip2::Status::Ok)) {
                return Ok(false);
            }
            // The mark behind the block is looked at when all its text has been written.
            if decoder.total_in() == input.len() as u64 {
                return Ok(decoder.total_out() > 0);
            }
            if written == 0 && decoder.total_in() == before_in {
                return Ok(false);
            }
        }
    }

    /// The block as the start of a stream of its own, up to the last whole byte before the bit `end` of the file.
    fn as_stream(&self, file: &File, end: u64) -> Option<Vec<u8>> {
        let first = self.bits.start / 8;
        let shift = self.bits.start % 8;
        let mut bytes = vec![0; (end.div_ceil(8) - first) as usize];
        file.read_exact_at(&mut bytes, first).ok()?;
        let mut stream = Vec::with_capacity(bytes.len() + 4);
        stream.extend([b'B', b'Z', b'h', self.level]);
        if shift == 0 {
            stream.extend(&bytes);
        } else {
            stream.extend(
                bytes
                    .iter()
                    .zip(bytes.iter().skip(1))
                    .map(|(byte, next)| byte << shift | next >> (8 - shift)),
            );
        }
        stream.truncate(4 + ((end - self.bits.start) / 8) as usize);
        Some(stream)
    }
}

/// The blocks of a bzip2 file, found by their marks; the last is the first behind which no mark is found.
#[derive(Clone)]
struct Blocks {
    marks: Marks,
    /// The mark of the next block, as a bit of the file, and the level of its stream; `None` behind the last.
    next: Option<(u64, u8)>,
    /// Number of the run of blocks that comes next or has begun, and bits of its blocks so far.
    run: usize,
    in_run: u64,
    /// The checksum of the stream as far as it goes: that of each block, one bit further to the left for each that follows.
    checksum: u32,
}

impl Iterator for Blocks {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let (start, level) = self.next.take()?;
        let end = self.checksum_at(start).and_then(|checksum| {
            self.checksum = self.checksum.rotate_left(1) ^ checksum;
            self.marks.find(start + MARK_BITS + CHECKSUM_BITS)
        });
        let (end, follows) = match end {
            Some((end, BLOCK)) => {
                self.next = Some((end, level));
                (end, Follows::Block)
            }
            Some((end, _)) => (end, self.end_stream(end)),
            None => (start, Follows::Unclear),
        };
        let run = self.run;
        self.in_run += end - start;
        let ends_run = self.in_run >= RUN;
        if ends_run {
            self.run += 1;
            self.in_run = 0;
        }
        Some(Block {
            bits: start..end,
            level,
            follows,
            run,
            ends_run,
        })
    }
}

impl Blocks {
    fn new(marks: Marks) -> Self {
        let mut blocks = Self {
            marks,
            next: None,
            run: 0,
            in_run: 0,
            checksum: 0,
        };
        blocks.begin_stream(0);
        blocks
    }

    fn checksum_at(&self, mark: u64) -> Option<u32> {
        let bits = self.marks.bits(mark + MARK_BITS)?;
        Some((bits >> (64 - CHECKSUM_BITS)) as u32)
    }

    /// What comes behind the stream whose end has its mark at this bit.
    fn end_stream(&mut self, mark: u64) -> Follows {
        if self.checksum_at(mark) != Some(self.checksum) {
            return Follows::Unclear;
        }
        self.checksum = 0;
        self.begin_stream((mark + MARK_BITS + CHECKSUM_BITS).div_ceil(8))
    }

    /// What stands at this byte: the first block of a stream, behind any number of streams without blocks.
    fn begin_stream(&mut self, mut byte: u64) -> Follows {
        loop {
            if byte == self.marks.length {
                // The file may be longer by now.
                let is_same = |now: std::fs::Metadata| now.len() == byte;
                return match self.marks.file.metadata().is_ok_and(is_same) {
                    true => Follows::Nothing,
                    false => Follows::Unclear,
                };
            }
            let mut head = [0; 4 + EMPTY_BZIP2.len()];
            let is_read = self.marks.file.read_exact_at(&mut head, byte).is_ok();
            match head {
                [b'B', b'Z', b'h', level @ b'1'..=b'9', rest @ ..] if is_read => {
                    if rest == EMPTY_BZIP2 {
                        byte += head.len() as u64;
                    } else if rest.starts_with(&BLOCK.to_be_bytes()[2..]) {
                        self.next = Some(((byte + 4) * 8, level));
                        return Follows::Block;
                    } else {
                        return Follows::Unclear;
                    }
                }
                _ => return Follows::Unclear,
            }
        }
    }
}

/// Looks for marks, which may begin at any bit.
#[derive(Clone)]
struct Marks {
    file: Arc<File>,
    /// Of the file, in bytes.
    length: u64,
    /// Finds the bytes that are all of one mark.
    inner_bytes: Searcher,
    /// Bytes of the file from the byte `at` on.
    window: Vec<u8>,
    at: u64,
}

impl Marks {
    /// `None` where the processor has none of the instructions by which the search is fast.
    fn new(file: Arc<File>, length: u64) -> Option<Self> {
        let inner_bytes = [BLOCK, END].into_iter().flat_map(|mark| {
            (0..8).map(move |shift| {
                let bytes = (mark << (16 - shift)).to_be_bytes();
                let [_, inner @ .., _, _] = bytes;
                inner as [u8; INNER]
            })
        });
        Some(Self {
            file,
            length,
            inner_bytes: Searcher::new(inner_bytes)?,
            window: Vec::new(),
            at: 0,
        })
    }

    /// The next mark from this bit on, as its first bit and its bits; `None` if there is none.
    fn find(&mut self, from: u64) -> Option<(u64, u64)> {
        let mut byte = from / 8;
        loop {
            let inner = self.find_inner(byte)?;
            // The mark begins in the byte before the five.
            let first = inner.saturating_sub(1) * 8;
            for bit in first.max(from)..inner * 8 {
                let mark = self.bits(bit)? >> (64 - MARK_BITS);
                if mark == BLOCK || mark == END {
                    return Some((bit, mark));
                }
            }
            byte = inner + 1;
        }
    }

    /// The next byte, from this one on, at which the inner bytes of a mark begin.
    fn find_inner(&mut self, from: u64) -> Option<u64> {
        let mut from = from;
        loop {
            let end = self.at + self.window.len() as u64;
            if from < self.at || end < (from + INNER as u64).min(self.length) {
                self.load(from)?;
            }
            let haystack = self.window.get((from - self.at) as usize..)?;
            if let Some(found) = self.inner_bytes.find(haystack) {
                return Some(from + found.start() as u64);
            }
            let end = self.at + self.window.len() as u64;
            if end >= self.length {
                return None;
            }
            // Some of them may stand at the end of the window.
            from = end - INNER as u64 + 1;
            self.load(from)?;
        }
    }

    /// Reads the window anew, from this byte on.
    fn load(&mut self, byte: u64) -> Option<()> {
        let left = usize::try_from(self.length.saturating_sub(byte)).unwrap_or(usize::MAX);
        self.window.resize(left.min(WINDOW), 0);
        self.at = byte;
        self.file.read_exact_at(&mut self.window, byte).ok()
    }

    /// 64 bits from this bit on, with zeros where the file has ended; `None` if nothing can be read there.
    fn bits(&self, bit: u64) -> Option<u64> {
        let byte = bit / 8;
        let mut bytes = [0; 16];
        let left = usize::try_from(self.length.saturating_sub(byte)).unwrap_or(usize::MAX);
        let there = bytes.get_mut(..left.min(9))?;
        self.file.read_exact_at(there, byte).ok()?;
        Some((u128::from_be_bytes(bytes) << (bit % 8) >> 64) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::container::Ending;
    use crate::dump::container::tests::{Outcome, file, pipe, run, sql};
    use crate::snapshot::DamageKind;

    fn bzip2(text: &[u8], level: u32) -> Vec<u8> {
        use std::io::Write;
        let level = bzip2::Compression::new(level);
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn blocks(bytes: &[u8]) -> Vec<Block> {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Blocks::new(Marks::new(Arc::new(file), bytes.len() as u64).unwrap()).collect()
    }

    /// Several streams, with streams of nothing among them.
    fn streams(text: &[u8]) -> Vec<u8> {
        let (one, other) = text.split_at(text.len() / 3);
        let nothing = bzip2(b"", 9);
        [
            &bzip2(one, 1)[..],
            &nothing,
            &nothing,
            &bzip2(other, 9),
            &nothing,
        ]
        .concat()
    }

    #[test]
    fn blocks_are_found_without_decoding() {
        let text = sql(9_000_000);
        for (bytes, fewest) in [(bzip2(&text, 9), 8), (streams(&text), 30)] {
            let found = blocks(&bytes);
            assert!(found.len() > fewest, "{}", found.len());
            assert!(bytes.len() > 2 << 20, "{}", bytes.len());
            let (last, others) = found.split_last().unwrap();
            assert_eq!(last.follows, Follows::Nothing);
            assert!(others.iter().all(|it| it.follows == Follows::Block));
            let outcome = file(&bytes);
            assert_eq!(outcome.ending, Ending::Clean);
            assert!(outcome.text == text);
        }
    }

    #[test]
    fn each_block_is_decoded_alone() {
        use std::io::Write;
        let text = sql(9_000_000);
        for bytes in [bzip2(&text, 9), streams(&text)] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            let mut decoded = Vec::new();
            for block in blocks(&bytes) {
                let (lane, messages, empties) = lane(POOL);
                let mut sink = Sink::further(messages, empties);
                let is_whole = block.decode(&file, &mut sink);
                assert!(matches!(is_whole, Ok(true)), "{block:?}");
                sink.hand_over().unwrap();
                drop(sink);
                for message in lane.messages {
                    if let super::super::lanes::Message::Block(block) = message {
                        decoded.extend_from_slice(&block.buffer[block.text]);
                    }
                }
            }
            assert!(decoded == text);
        }
    }

    #[test]
    fn blocks_of_real_programs_are_found() {
        let text = sql(9_000_000);
        for program in [&["bzip2", "-c"], &["lbzip2", "-c"], &["pbzip2", "-c"]] {
            let Some(bytes) = run(program, &text) else {
                continue;
            };
            let found = blocks(&bytes);
            assert!(found.len() > 8, "{program:?}");
            assert_eq!(found.last().map(|it| it.follows), Some(Follows::Nothing));
            assert!(file(&bytes).text == text, "{program:?}");
        }
    }

    /// Wherever the window ends, and at whatever bit a mark begins.
    #[test]
    fn a_mark_is_found_at_every_bit() {
        use std::io::Write;
        for bit in (0..64).chain(((WINDOW - 9) * 8..(WINDOW + 2) * 8).map(|bit| bit as u64)) {
            for mark in [BLOCK, END] {
                let mut bytes = vec![0x55; WINDOW + 100];
                let at = (bit / 8) as usize;
                let pattern = (u64::MAX >> 16 << 16 >> (bit % 8), mark << 16 >> (bit % 8));
                let mut there = u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
                there = there & !pattern.0 | pattern.1;
                bytes[at..at + 8].copy_from_slice(&there.to_be_bytes());
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&bytes).unwrap();
                let marks = Marks::new(Arc::new(file), bytes.len() as u64).unwrap();
                for from in [0, bit.saturating_sub(3), bit] {
                    assert_eq!(marks.clone().find(from), Some((bit, mark)), "{bit} {from}");
                }
                assert_eq!(marks.clone().find(bit + 1), None, "{bit}");
            }
        }
    }

    /// Through a pipe one thread decodes all of it and knows nothing of blocks.
    #[test]
    fn whatever_is_wrong_is_told_as_one_thread_tells_it() {
        let whole = streams(&sql(9_000_000));
        let mut wrong: Vec<(String, Vec<u8>)> = Vec::new();
        let found = blocks(&whole);
        let ends = found.iter().skip(found.len() / 2).take(2);
        let places = (1..4).map(|n| n * whole.len() / 4 + n);
        let places = places.chain(ends.map(|it| (it.bits.end / 8) as usize + 2));
        for (number, place) in places.enumerate() {
            let mut flipped = whole.clone();
            flipped[place] ^= 0x10;
            let all = [
                ("cut", whole[..place].to_vec()),
                ("flipped", flipped),
                (
                    "garbage",
                    [&whole[..place], b"garbage", &whole[place..]].concat(),
                ),
            ];
            // With CIVIDB_TEST_ALL all of it at each place, or else by turns.
            let is_all = std::env::var_os("CIVIDB_TEST_ALL").is_some();
            let some = all.into_iter().enumerate();
            let some = some.filter(|(kind, _)| is_all || number % 3 == *kind);
            wrong.extend(some.map(|(_, (what, bytes))| (format!("{what} at {place}"), bytes)));
        }
        // The checksum of the last stream but one.
        let mut checksum = whole.clone();
        let last = checksum.len() - bzip2(b"", 9).len() - 3;
        checksum[last] ^= 0x10;
        wrong.push(("another checksum".into(), checksum));
        for (what, extra) in [("garbage", &b"garbage"[..]), ("zeros", &[0; 4096])] {
            wrong.push((format!("{what} after it"), [&whole, extra].concat()));
        }
        let level = [b"BZh1", &bzip2(&sql(9_000_000), 9)[4..]].concat();
        wrong.push(("a level too low".into(), level));
        for (what, bytes) in wrong {
            same_by_pipe(&what, &bytes);
        }
    }

    fn same_by_pipe(what: &str, bytes: &[u8]) -> Outcome {
        let (by_pipe, by_file) = (pipe(bytes), file(bytes));
        assert_eq!(by_pipe.ending, by_file.ending, "{what}");
        assert!(by_pipe.text == by_file.text, "{what}: the text");
        by_file
    }

    /// A list of Huffman tables may be longer than the block needs, and then hold the bits of a mark.
    #[test]
    fn bits_of_a_mark_inside_a_block_do_not_end_it() {
        let text = sql(9_000_000);
        let whole = bzip2(&text, 9);
        let honest = blocks(&whole);
        for mark in [BLOCK, END] {
            let block = honest.get(5).unwrap();
            let mut bytes = with_mark_inside(&whole, block.bits.start, mark);
            let end = honest.last().unwrap().bits.end + MARK_BITS + CHECKSUM_BITS;
            bytes.truncate((end + ADDED_BITS).div_ceil(8) as usize);
            let found = blocks(&bytes);
            assert_eq!(found.get(5).unwrap().bits.start, block.bits.start);
            assert!(found.get(5).unwrap().bits.end < block.bits.start + 100_000);
            let outcome = same_by_pipe("a mark inside", &bytes);
            assert_eq!(outcome.kind(), None::<DamageKind>);
            assert!(outcome.text == text);
        }
    }

    const ADDED_BITS: u64 = MARK_BITS + 1;

    /// Adds the bits of a mark to the list of tables of the block whose mark begins at this bit.
    fn with_mark_inside(whole: &[u8], start: u64, mark: u64) -> Vec<u8> {
        let bit = |at: u64| whole[(at / 8) as usize] >> (7 - at % 8) & 1;
        let number =
            |at: u64, bits: u64| (0..bits).fold(0, |sum, n| sum << 1 | u64::from(bit(at + n)));
        // Mark, checksum, a flag, and the place of the text in its sorted rotations.
        let mut at = start + 48 + 32 + 1 + 24;
        let used = number(at, 16);
        at += 16 + 16 * u64::from(used.count_ones());
        assert!(number(at, 3) >= 3, "enough tables for these bits");
        at += 3;
        let selectors_at = at;
        let selectors = number(at, 15);
        at += 15;
        for _ in 0..selectors {
            while bit(at) == 1 {
                at += 1;
            }
            at += 1;
        }
        // Each of them ends with a zero bit.
        let mark_bits = (0..48).rev().map(|n| (mark >> n & 1) as u8);
        let added: Vec<u8> = mark_bits.chain([0]).collect();
        let zeros = added.iter().filter(|bit| **bit == 0).count() as u64;
        let selectors = selectors + zeros;
        let bits = (0..selectors_at)
            .map(bit)
            .chain((0..15).rev().map(|n| (selectors >> n & 1) as u8))
            .chain((selectors_at + 15..at).map(bit))
            .chain(added)
            .chain((at..whole.len() as u64 * 8).map(bit));
        let bits: Vec<u8> = bits.collect();
        let bytes = bits.chunks(8);
        bytes
            .map(|bits| (0..8).fold(0, |byte, n| byte << 1 | bits.get(n).copied().unwrap_or(0)))
            .collect()
    }
}

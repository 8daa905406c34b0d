//! Files that were compressed in parts, decoded by several threads.
//!
//! Where a part ends can be told without decoding it where `bgzip` made it, which writes the length
//! of each gzip member into its header (SAM specification, section 4.1), and of every zstd frame by
//! the headers of its blocks (RFC 8878, section 3.1.1.2): pzstd, the seekable format and `cat` make
//! files of many. Each thread finds the parts on its own and decodes every n-th run of them, with
//! the same decoders as one thread alone, so that damage is told in the same words.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::error::Problem;
use super::input::Input;
use super::lanes::{Lane, POOL, lane, spawn};
use super::plain::read_at;
use super::sink::Sink;
use super::{Container, decode};

/// Parts of a compressed file are taken together until they have this many bytes.
const RUN: u64 = 256 * 1024;

/// Length in bytes above which a part is not decoded beside others: threads would wait until the text before it
/// has been read.
const LONGEST: u64 = 8 << 20;

/// Window in bytes above which a part is not decoded beside others: each thread needs a window.
const WINDOW: u64 = 8 << 20;

/// Number of buffers that all threads together use.
const BUFFERS: usize = 16;

/// Starts several threads on a file that was compressed in parts; `None` for any other file.
pub(super) fn start(
    file: &Arc<File>,
    container: Container,
    length: u64,
    threads: usize,
    read: &Arc<AtomicU64>,
) -> Result<Option<Vec<Lane>>, Problem> {
    let runs = Runs {
        file: Arc::clone(file),
        container,
        at: 0,
        length,
    };
    let is_one = runs.clone().next().is_none_or(|run| run.end == length);
    if is_one {
        return Ok(None);
    }
    let mut lanes = Vec::new();
    for number in 0..threads {
        let (lane, messages, empties) = lane((BUFFERS / threads.max(1)).max(POOL));
        lanes.push(lane);
        let mut own = runs.clone().skip(number).step_by(threads);
        let sink = match number {
            0 => Sink::new(messages, empties),
            _ => Sink::further(messages, empties),
        };
        let (file, read) = (Arc::clone(file), Arc::clone(read));
        spawn("decompress", move || {
            own.try_fold(sink, |sink, run| {
                let is_last = run.end == length;
                decode_run(&file, container, run, is_last, &read, sink)
            });
        })?;
    }
    Ok(Some(lanes))
}

/// Decodes one run into the sink; gives the sink back if more can come.
fn decode_run(
    file: &Arc<File>,
    container: Container,
    run: Range<u64>,
    is_last: bool,
    read: &Arc<AtomicU64>,
    mut sink: Sink,
) -> Option<Sink> {
    let offset = run.start;
    let part = Member {
        file: Arc::clone(file),
        // The file may be longer by now; whoever decodes it alone would read on.
        rest: if is_last { offset..u64::MAX } else { run },
    };
    let mut input = Input::counted(Box::new(part), offset, Arc::clone(read));
    let mut result = match container {
        Container::Gzip => decode::gzip(&mut input, &mut sink),
        _ => decode::zstd(&mut input, &mut sink),
    };
    if !is_last {
        result = result.and_then(|()| sink.hand_over());
        if result.is_ok() {
            return Some(sink);
        }
    }
    sink.finish(result, input.offset());
    None
}

/// A part of a file, as a reader.
struct Member {
    file: Arc<File>,
    rest: Range<u64>,
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.rest.end.saturating_sub(self.rest.start);
        let room = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let room = buffer.get_mut(..room).unwrap_or_default();
        let count = read_at(&self.file, room, self.rest.start)?;
        self.rest.start += count as u64;
        Ok(count)
    }
}

/// The runs of parts that can be decoded on their own, in order; the last ends with the file, and
/// begins where anything else than another part is found.
#[derive(Clone)]
struct Runs {
    file: Arc<File>,
    container: Container,
    at: u64,
    length: u64,
}

impl Iterator for Runs {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        let start = self.at;
        if start >= self.length {
            return None;
        }
        let mut end = start;
        while end - start < RUN && end < self.length {
            end = self.part_end(end).unwrap_or(self.length);
        }
        if !self.begins_part(end) {
            end = self.length;
        }
        self.at = end;
        Some(start..end)
    }
}

impl Runs {
    fn begins_part(&self, offset: u64) -> bool {
        let start: Option<[u8; 4]> = self.bytes(offset);
        start.is_some_and(|start| decode::magic(&start) == Some(self.container))
    }

    /// Where the part ends that begins at `start`; `None` if that cannot be told, or it is too
    /// large.
    fn part_end(&self, start: u64) -> Option<u64> {
        let end = match self.container {
            Container::Gzip => self.member_end(start)?,
            _ => self.frame_end(start)?,
        };
        (end <= self.length && end - start <= LONGEST).then_some(end)
    }

    /// Where the gzip member made by bgzip ends that begins at `start`; `None` if that cannot be told.
    fn member_end(&self, start: u64) -> Option<u64> {
        const EXTRA: u8 = 1 << 2;
        let header: [u8; 18] = self.bytes(start)?;
        let [0x1F, 0x8B, 8, flags, .., b'B', b'C', 2, 0, low, high] = header else {
            return None;
        };
        let size = u64::from(u16::from_le_bytes([low, high])) + 1;
        (flags & EXTRA != 0).then_some(start + size)
    }

    fn frame_end(&self, start: u64) -> Option<u64> {
        let [magic @ .., a, b, c, d]: [u8; 8] = self.bytes(start)?;
        if matches!(magic, [0x50..=0x5F, 0x2A, 0x4D, 0x18]) {
            return Some(start + 8 + u64::from(u32::from_le_bytes([a, b, c, d])));
        }
        if magic != [0x28, 0xB5, 0x2F, 0xFD] {
            return None;
        }
        let (descriptor, window) = (a, b);
        let is_single_segment = descriptor & 1 << 5 != 0;
        let has_checksum = descriptor & 1 << 2 != 0;
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let content = match descriptor >> 6 {
            0 => u64::from(is_single_segment),
            power => 1 << power,
        };
        // Without a window descriptor all of the content is the window: it is no longer than
        // what the blocks below, of 128 KiB at most, can make.
        let exponent = u32::from(window >> 3);
        if !is_single_segment && 1u64 << (exponent + 10) > WINDOW {
            return None;
        }
        let mut at = start + 5 + u64::from(!is_single_segment) + dictionary + content;
        let mut text = 0;
        loop {
            let header: [u8; 3] = self.bytes(at)?;
            let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
            let size = u64::from(header >> 3);
            at += 3 + match header >> 1 & 3 {
                0 | 2 => size,
                1 => 1,
                _ => return None,
            };
            text += 128 << 10;
            if at - start > LONGEST || is_single_segment && text > WINDOW {
                return None;
            }
            if header & 1 != 0 {
                return Some(at + 4 * u64::from(has_checksum));
            }
        }
    }

    fn bytes<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        let mut part = Member {
            file: Arc::clone(&self.file),
            rest: offset..self.length,
        };
        part.read_exact(&mut bytes).ok().map(|()| bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::dump::container::Ending;
    use crate::dump::container::tests::{Outcome, file, pipe, run, sql};
    use crate::snapshot::DamageKind;

    /// As bgzip does it: members of at most 64 KiB with their length, and an empty one.
    fn bgzip(text: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        for part in text.chunks(60_000).chain([&b""[..]]) {
            let builder = flate2::GzBuilder::new().extra([b'B', b'C', 2, 0, 0, 0]);
            let mut encoder = builder.write(Vec::new(), flate2::Compression::default());
            encoder.write_all(part).unwrap();
            let mut member = encoder.finish().unwrap();
            let size = u16::try_from(member.len() - 1).unwrap();
            member[16..18].copy_from_slice(&size.to_le_bytes());
            all.extend(member);
        }
        all
    }

    /// Frames with and without checksum, content size and window, as many programs make them, and
    /// skippable frames before some of them.
    fn zstd_frames(text: &[u8]) -> Vec<u8> {
        use zstd_safe::{
            CCtx, CParameter, InBuffer, OutBuffer, zstd_sys::ZSTD_EndDirective as End,
        };
        let mut all = Vec::new();
        let (mut rest, mut number) = (text, 0usize);
        while !rest.is_empty() {
            let sizes = [1, 200, 60_000, 400_000, 1_000_000];
            let (part, left) = rest.split_at(rest.len().min(sizes[number % sizes.len()]));
            rest = left;
            number += 1;
            let mut context = CCtx::create();
            let set = |context: &mut CCtx, parameter| {
                context.set_parameter(parameter).unwrap();
            };
            set(
                &mut context,
                CParameter::ChecksumFlag(number.is_multiple_of(2)),
            );
            set(
                &mut context,
                CParameter::ContentSizeFlag(!number.is_multiple_of(3)),
            );
            if number.is_multiple_of(7) {
                all.extend_from_slice(&[0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
            }
            let mut frame = vec![0; zstd_safe::compress_bound(part.len())];
            let mut out = OutBuffer::around(&mut frame[..]);
            if number.is_multiple_of(5) {
                // In a stream whose end is not known: no content size, but a window.
                let mut input = InBuffer::around(part);
                let (next, end) = (End::ZSTD_e_continue, End::ZSTD_e_end);
                context
                    .compress_stream2(&mut out, &mut input, next)
                    .unwrap();
                while context.compress_stream2(&mut out, &mut input, end).unwrap() > 0 {}
                let size = out.pos();
                frame.truncate(size);
            } else {
                let size = context.compress2(&mut frame[..], part).unwrap();
                frame.truncate(size);
            }
            all.extend(frame);
        }
        all
    }

    fn samples() -> [(Container, Vec<u8>); 2] {
        let text = sql(9_000_000);
        [
            (Container::Gzip, bgzip(&text)),
            (Container::Zstd, zstd_frames(&text)),
        ]
    }

    fn runs(container: Container, bytes: &[u8]) -> Vec<Range<u64>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Runs {
            file: Arc::new(file),
            container,
            at: 0,
            length: bytes.len() as u64,
        }
        .collect()
    }

    #[test]
    fn parts_are_found_without_decoding() {
        for (container, bytes) in samples() {
            let runs = runs(container, &bytes);
            assert!(runs.len() > 5, "{container}: {runs:?}");
            let mut place = 0;
            for run in &runs {
                assert_eq!(run.start, place);
                place = run.end;
            }
            assert_eq!(place, bytes.len() as u64);
            let outcome = file(&bytes);
            assert_eq!(outcome.ending, Ending::Clean, "{container}");
            assert!(outcome.text == sql(9_000_000), "{container}");
        }
    }

    #[test]
    fn parts_of_real_programs_are_found() {
        let text = sql(20_000_000);
        let programs: [(Container, &[&str]); 2] = [
            (Container::Gzip, &["bgzip", "-c"]),
            (Container::Zstd, &["pzstd", "-qc1p2"]),
        ];
        for (container, program) in programs {
            let Some(bytes) = run(program, &text) else {
                continue;
            };
            assert!(runs(container, &bytes).len() > 3, "{program:?}");
            assert!(file(&bytes).text == text, "{program:?}");
        }
    }

    /// Through a pipe one thread decodes all of it and knows nothing of parts.
    #[test]
    fn whatever_is_wrong_with_a_part_is_told_as_one_thread_tells_it() {
        let told = |outcome: &Outcome| {
            let damage = outcome.ending.damage();
            damage.map(|damage| (damage.kind, damage.message.clone()))
        };
        for (container, whole) in samples() {
            let mut wrong: Vec<(String, Vec<u8>)> = Vec::new();
            let ends = runs(container, &whole);
            let places = (1..12).map(|n| n * whole.len() / 12 + n);
            let places = places.chain(ends.iter().take(3).map(|run| run.end as usize));
            // With CIVIDB_TEST_ALL all of it at each place, or else every second by turns.
            let is_all = std::env::var_os("CIVIDB_TEST_ALL").is_some();
            for (number, place) in places.enumerate() {
                let is_wanted = |kind: usize| is_all || (number + kind).is_multiple_of(2);
                if is_wanted(0) {
                    wrong.push((format!("cut at {place}"), whole[..place].to_vec()));
                }
                if is_wanted(1) {
                    let mut flipped = whole.clone();
                    flipped[place] ^= 0x55;
                    wrong.push((format!("flipped at {place}"), flipped));
                }
                let extras = [
                    ("garbage", &b"garbage"[..]),
                    ("zeros", &[0; 4096]),
                    ("half a mark", &whole[..3]),
                ];
                for (kind, (what, extra)) in extras.into_iter().enumerate() {
                    if is_wanted(kind) {
                        let bytes = [&whole[..place], extra, &whole[place..]].concat();
                        wrong.push((format!("{what} at {place}"), bytes));
                    }
                }
            }
            for (what, extra) in [("garbage", &b"garbage"[..]), ("zeros", &[0; 4096])] {
                wrong.push((format!("{what} after it"), [&whole, extra].concat()));
            }
            for (what, bytes) in wrong {
                let (by_pipe, by_file) = (pipe(&bytes), file(&bytes));
                let at = format!("{container}, {what}");
                assert_eq!(told(&by_pipe), told(&by_file), "{at}");
                assert!(by_pipe.text == by_file.text, "{at}: the text before it");
                if by_pipe.kind() != Some(DamageKind::Corrupt) {
                    assert_eq!(by_pipe.ending, by_file.ending, "{at}");
                }
            }
        }
    }
}

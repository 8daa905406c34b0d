//! The containers that are a sequence of members: gzip, bzip2, zstd, xz. And no container.
//!
//! zstd and xz come from C, built in statically: on SQL text lzma-rust2
//! (0.15 and 0.25) takes 1.6 to 2 times as long as liblzma.

use bzip2::Decompress as Bunzip2;
use liblzma::stream::{Action, Stream as Unxz};
use zstd_safe::zstd_sys::ZSTD_ErrorCode as ZstdError;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use super::error::{Problem, Stop, damaged};
use super::inflate::Inflate;
use super::input::Input;
use super::kind::Container;
use super::sink::Sink;
use crate::snapshot::DamageKind;

/// log2 of the largest window of a zstd frame: 128 MiB, the default limit of `zstd -d`.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Memory limit for xz, in bytes: the 64 MiB dictionary of `xz -9` and what the decoder needs besides.
const XZ_MEMORY: u64 = 72 << 20;

/// Zero bytes after the end of a container that are read; if all of these are zero, the rest is taken for zeros
/// as well.
const PADDING_READ: u64 = 1 << 20;

/// Bytes at the start of an input that are enough to recognise its container.
const MAGIC: usize = 6;

/// The container whose mark `start` begins with; `None` for no known container.
pub(super) fn magic(start: &[u8]) -> Option<Container> {
    match start {
        [0x1F, 0x8B, ..] => Some(Container::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Container::Bzip2),
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Container::Zstd),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Container::Xz),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Container::Zip),
        _ => None,
    }
}

/// The container of a whole input so short that it ends inside the mark of one.
fn cut_magic(whole: &[u8]) -> Option<Container> {
    let marks: [(&[u8], Container); 6] = [
        (b"\x1F\x8B", Container::Gzip),
        (b"BZh", Container::Bzip2),
        (b"\x28\xB5\x2F\xFD", Container::Zstd),
        (b"\xFD7zXZ\0", Container::Xz),
        (b"PK\x03\x04", Container::Zip),
        (b"PK\x05\x06", Container::Zip),
    ];
    let mut marks = marks.into_iter();
    let found = marks.find(|(mark, _)| !whole.is_empty() && mark.starts_with(whole));
    found.map(|(_, container)| container)
}

/// Looks at the first bytes of the input.
pub(super) fn sniff(input: &mut Input) -> Result<Container, Stop> {
    let start = input.peek(MAGIC)?;
    let whole = Some(start).filter(|start| start.len() < MAGIC);
    let cut = || cut_magic(whole?);
    Ok(magic(start).or_else(cut).unwrap_or(Container::Plain))
}

/// Copies plain input to the sink, without a buffer in between after the first.
pub(super) fn plain(input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    loop {
        match input.read_into(sink.space()?)? {
            0 => return Ok(()),
            count => sink.advance(count),
        }
    }
}

/// What one call of a decoder used, wrote and found.
pub(super) struct Step {
    read: usize,
    written: usize,
    /// Whether the member is complete, or what is wrong with it.
    done: Result<bool, Fault>,
}

/// What a decoder reports as wrong with a member.
pub(super) enum Fault {
    Damage(DamageKind, String),
    Refusal(Problem),
}

fn corrupt(reason: impl ToString) -> Fault {
    Fault::Damage(
        DamageKind::Corrupt,
        format!("the compressed data is damaged: {}", reason.to_string()),
    )
}

/// A streaming decoder of one member.
pub(super) trait Decoder {
    /// Bytes of input with which it gets on; fewer are only left at the end.
    const ENOUGH: usize = 1;

    /// Decodes some of `input` into some of `output`.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step;
}

/// Runs a decoder to the end of its member.
pub(super) fn pump<D: Decoder>(
    decoder: &mut D,
    input: &mut Input,
    sink: &mut Sink,
) -> Result<(), Stop> {
    loop {
        let space = sink.space()?;
        let available = input.peek(D::ENOUGH)?;
        let left = available.len();
        let at_end = left < D::ENOUGH;
        let step = decoder.step(available, space);
        input.consume(step.read);
        sink.advance(step.written);
        match step.done {
            Ok(true) => return Ok(()),
            Ok(false) if step.read > 0 || step.written > 0 => {}
            Ok(false) => {
                if at_end {
                    input.consume(left);
                    let message = "the compressed data ends too early";
                    return damaged(DamageKind::Truncated, input.offset(), message);
                }
                let message = "the decoder cannot go on";
                return damaged(DamageKind::Corrupt, input.offset(), message);
            }
            Err(Fault::Damage(kind, message)) => return damaged(kind, input.offset(), message),
            Err(Fault::Refusal(problem)) => return Err(Stop::Refused(problem)),
        }
    }
}

/// Deflate, with the checksum of what it wrote.
pub(super) struct Deflated {
    inflate: Inflate,
}

impl Deflated {
    pub(super) fn new() -> Self {
        Self {
            inflate: Inflate::new(),
        }
    }

    fn reset(&mut self) {
        self.inflate.reset();
    }

    /// CRC-32 of the text written since the start.
    pub(super) fn crc(&self) -> u32 {
        self.inflate.crc()
    }

    /// Bytes of text written since the start.
    pub(super) fn written(&self) -> u64 {
        self.inflate.total_out()
    }

    /// Bytes of deflate data used since the start.
    pub(super) fn read(&self) -> u64 {
        self.inflate.total_in()
    }
}

impl Decoder for Deflated {
    const ENOUGH: usize = Inflate::ENOUGH;

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let done = self.inflate.decompress(input, output);
        Step {
            read: (self.inflate.total_in() - before_in) as usize,
            written: (self.inflate.total_out() - before_out) as usize,
            done: done.map_err(corrupt),
        }
    }
}

impl Decoder for Bunzip2 {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let (before_in, before_out) = (self.total_in(), self.total_out());
        let status = self.decompress(input, output);
        Step {
            read: (self.total_in() - before_in) as usize,
            written: (self.total_out() - before_out) as usize,
            done: match status {
                Ok(bzip2::Status::MemNeeded) => Err(corrupt("a block asks for too much memory")),
                Ok(status) => Ok(status == bzip2::Status::StreamEnd),
                Err(error) => Err(corrupt(error)),
            },
        }
    }
}

/// zstd frames, one after the other with the same context.
struct Unzstd {
    context: DCtx<'static>,
    /// What the decoder asked for: the rest of the block, in bytes. The decoder is given no more than this,
    /// because it forgets what it wrote in a call that fails, and so a good block before a bad one would be
    /// lost.
    wanted: usize,
    /// There was no room for all of the last block. The rest is fetched without giving a new block, for the
    /// same reason as in `wanted`.
    has_more: bool,
}

impl Unzstd {
    fn call(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        let room = output.len();
        let mut source = InBuffer::around(input);
        let mut target = OutBuffer::around(output);
        let status = self.context.decompress_stream(&mut target, &mut source);
        self.has_more = target.pos() == room;
        if let Ok(hint) = status {
            self.wanted = hint.max(1);
        }
        Step {
            read: source.pos(),
            written: target.pos(),
            done: status.map(|hint| hint == 0).map_err(zstd_fault),
        }
    }
}

impl Decoder for Unzstd {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        if self.has_more {
            let step = self.call(&[], output);
            if step.written > 0 || !matches!(step.done, Ok(false)) {
                return step;
            }
        }
        self.call(input.get(..self.wanted).unwrap_or(input), output)
    }
}

fn zstd_fault(code: usize) -> Fault {
    // The library returns the number of an error as a negative size.
    let number = code.wrapping_neg();
    if number == ZstdError::ZSTD_error_frameParameter_windowTooLarge as usize {
        Fault::Refusal(Problem::Memory {
            limit_mib: 1 << (ZSTD_WINDOW_LOG - 20),
            program: "zstd -d --long=31",
        })
    } else if number == ZstdError::ZSTD_error_dictionary_wrong as usize {
        Fault::Refusal(Problem::Unsupported(
            "needs a zstd dictionary; decompress it first (zstd -d -D DICTIONARY)",
        ))
    } else if number == ZstdError::ZSTD_error_checksum_wrong as usize {
        Fault::Damage(
            DamageKind::ChecksumMismatch,
            "the text does not match its checksum".into(),
        )
    } else {
        corrupt(zstd_safe::get_error_name(code))
    }
}

impl Decoder for Unxz {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Step {
        use liblzma::stream::{Error, Status};
        let (before_in, before_out) = (self.total_in(), self.total_out());
        let status = self.process(input, output, Action::Run);
        Step {
            read: (self.total_in() - before_in) as usize,
            written: (self.total_out() - before_out) as usize,
            done: match status {
                Ok(status) => Ok(matches!(status, Status::StreamEnd)),
                Err(Error::MemLimit | Error::Mem) => Err(Fault::Refusal(xz_memory())),
                Err(Error::Options) => Err(Fault::Refusal(Problem::Unsupported(
                    "uses a feature of xz that is not supported; decompress it first (xz -d)",
                ))),
                Err(error) => Err(corrupt(error)),
            },
        }
    }
}

fn xz_memory() -> Problem {
    Problem::Memory {
        limit_mib: (XZ_MEMORY >> 20) as u32,
        program: "xz -d",
    }
}

/// Decodes gzip members.
pub(super) fn gzip(input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    let mut deflated = Deflated::new();
    loop {
        gzip_header(input)?;
        deflated.reset();
        pump(&mut deflated, input, sink)?;
        let footer_offset = input.offset();
        let footer = input.take(8, DamageKind::FooterMissing, "the gzip checksum")?;
        // The stored length is that of the text modulo 4 GiB.
        let expected = [
            deflated.crc().to_le_bytes(),
            (deflated.written() as u32).to_le_bytes(),
        ];
        if footer != expected.as_flattened() {
            let message = "the text does not match the gzip checksum";
            return damaged(DamageKind::ChecksumMismatch, footer_offset, message);
        }
        if !another_member(input, Container::Gzip)? {
            return Ok(());
        }
    }
}

/// Consumes a member's header: RFC 1952, section 2.3.
fn gzip_header(input: &mut Input) -> Result<(), Stop> {
    const HEADER_CRC: u8 = 1 << 1;
    const EXTRA: u8 = 1 << 2;
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;
    const RESERVED: u8 = 0b1110_0000;
    const PART: &str = "a gzip header";

    let offset = input.offset();
    let fixed = input.take(10, DamageKind::Truncated, PART)?;
    let flags = match fixed.as_slice() {
        &[0x1F, 0x8B, 8, flags, ..] if flags & RESERVED == 0 => flags,
        _ => return damaged(DamageKind::Corrupt, offset, "the gzip header is damaged"),
    };
    if flags & EXTRA != 0 {
        let length = input.take(2, DamageKind::Truncated, PART)?;
        let length = length.first_chunk().copied().map_or(0, u16::from_le_bytes);
        input.take(usize::from(length), DamageKind::Truncated, PART)?;
    }
    for field in [NAME, COMMENT] {
        if flags & field != 0 {
            input.skip_past_nul(PART)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        input.take(2, DamageKind::Truncated, PART)?;
    }
    Ok(())
}

/// What follows the first four bytes of a bzip2 stream without any text: the mark of its end, and the checksum 0.
pub(super) const EMPTY_BZIP2: [u8; 10] = *b"\x17\x72\x45\x38\x50\x90\0\0\0\0";

/// Decodes bzip2 streams.
pub(super) fn bzip2(input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    loop {
        // A decoder takes megabytes, which streams of nothing, one behind the other, need not wait for.
        match input.peek(EMPTY_BZIP2.len() + 4)? {
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if rest.starts_with(&EMPTY_BZIP2) => {
                input.consume(EMPTY_BZIP2.len() + 4);
            }
            _ => pump(&mut Bunzip2::new(false), input, sink)?,
        }
        if !another_member(input, Container::Bzip2)? {
            return Ok(());
        }
    }
}

/// Decodes zstd frames and passes over skippable ones.
pub(super) fn zstd(input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    let out_of_memory = || Stop::Refused(Problem::Unsupported("no memory for the zstd decoder"));
    let mut context = DCtx::try_create().ok_or_else(out_of_memory)?;
    context
        .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))
        .map_err(|_| out_of_memory())?;
    let mut decoder = Unzstd {
        context,
        wanted: 1,
        has_more: false,
    };
    loop {
        pump(&mut decoder, input, sink)?;
        if !another_member(input, Container::Zstd)? {
            return Ok(());
        }
    }
}

/// Decodes xz streams.
pub(super) fn xz(input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    loop {
        let mut decoder =
            Unxz::new_stream_decoder(XZ_MEMORY, 0).map_err(|_| Stop::Refused(xz_memory()))?;
        pump(&mut decoder, input, sink)?;
        if !another_member(input, Container::Xz)? {
            return Ok(());
        }
    }
}

/// Whether another member follows in the input. Anything else that follows is damage.
fn another_member(input: &mut Input, container: Container) -> Result<bool, Stop> {
    let start = input.offset();
    let zeros = input.skip_zeros(PADDING_READ)?;
    // xz may be padded, also between streams, by zero bytes in fours.
    let continues = zeros == 0 || container == Container::Xz && zeros % 4 == 0;
    let next = input.peek(MAGIC)?;
    if continues && magic(next) == Some(container) {
        return Ok(true);
    }
    if continues && next.is_empty() && zeros < PADDING_READ {
        return Ok(false);
    }
    if continues && next.len() < MAGIC && cut_magic(next) == Some(container) {
        let message = "the input ends at the start of another member";
        return damaged(DamageKind::Truncated, input.buffered_end(), message);
    }
    after_end(input, start, zeros)
}

/// What follows the complete container from `start` on, after `zeros` zero bytes.
fn after_end(input: &mut Input, start: u64, zeros: u64) -> Result<bool, Stop> {
    if zeros >= PADDING_READ || input.fill()?.is_empty() {
        let message = "zero bytes follow the end; they do no harm";
        return damaged(DamageKind::ZeroPadding, start, message);
    }
    let message = "something else follows the end of the compressed data";
    damaged(DamageKind::TrailingGarbage, start, message)
}

/// Checks that nothing follows a complete container.
pub(super) fn expect_end(input: &mut Input) -> Result<(), Stop> {
    let start = input.offset();
    let zeros = input.skip_zeros(PADDING_READ)?;
    if zeros == 0 && input.fill()?.is_empty() {
        return Ok(());
    }
    after_end(input, start, zeros).map(drop)
}

//! A zip archive that holds one file (PKWARE APPNOTE 6.3).
//!
//! A file is looked up in the directory at the archive's end, which tells at once whether there is
//! exactly one and where. A pipe, and a file whose directory is gone, is read from the front: header,
//! data, header, data, directory. The data goes through the same code either way.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use flate2::Crc;
use memchr::memmem;

use super::decode::{Deflated, expect_end, pump};
use super::error::{Problem, Stop, damaged};
use super::input::Input;
use super::sink::Sink;
use crate::snapshot::DamageKind;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const SIGNATURE: [u8; 4] = *b"PK\x05\x05";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Sizes in bytes of the fixed parts of the records, signatures included.
const LOCAL_SIZE: usize = 30;
const CENTRAL_SIZE: usize = 46;
const END_SIZE: usize = 22;
const END_64_SIZE: usize = 56;
const LOCATOR_64_SIZE: usize = 20;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

const ENCRYPTED: u16 = 1;
/// Flag: the checksum and sizes follow the data and are zero in the header.
const HAS_DESCRIPTOR: u16 = 1 << 3;

/// What a header says of a file. The header may stand before the data or in the directory.
#[derive(Debug)]
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u64,
    plain: u64,
    /// Offset of the file's header before the data. Only the directory gives it.
    offset: u64,
}

impl Entry {
    /// Reads an entry from the part that both kinds of header share (flags to the length of the extra field),
    /// the offset as the directory gives it, the name and the extra field.
    fn parse(shared: &[u8], offset: u32, name: &[u8], extra: &[u8]) -> Option<Self> {
        let mut fields = Fields(shared);
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4)?; // time and date
        let crc = fields.u32()?;
        let (compressed, plain) = (fields.u32()?, fields.u32()?);
        let mut long = Fields(long_values(extra));
        // Values that do not fit are all ones, and stand in the zip64 field in this order.
        let mut widen = |value: u32| match value {
            u32::MAX => long.u64(),
            _ => Some(u64::from(value)),
        };
        Some(Self {
            name: String::from_utf8_lossy(name).into_owned(),
            flags,
            method,
            crc,
            plain: widen(plain)?,
            compressed: widen(compressed)?,
            offset: widen(offset)?,
        })
    }

    /// Whether the entry is a folder, or one of the files that macOS adds to every archive.
    fn is_clutter(&self) -> bool {
        self.name.ends_with('/')
            || self.name.starts_with("__MACOSX/")
            || self.name.ends_with(".DS_Store")
    }

    fn has_descriptor(&self) -> bool {
        self.flags & HAS_DESCRIPTOR != 0
    }

    fn check_supported(&self) -> Result<(), Problem> {
        let entry = self.name.clone();
        if self.flags & ENCRYPTED != 0 {
            return Err(Problem::ZipEncrypted(entry));
        }
        match self.method {
            STORED | DEFLATED => Ok(()),
            method => Err(Problem::ZipMethod { entry, method }),
        }
    }
}

/// The zip64 field (id 1) of an extra field; empty if there is none.
fn long_values(extra: &[u8]) -> &[u8] {
    let mut fields = Fields(extra);
    while let (Some(id), Some(size)) = (fields.u16(), fields.u16()) {
        let Some(value) = fields.skip(size.into()) else {
            break;
        };
        if id == 1 {
            return value;
        }
    }
    &[]
}

/// The directory of an archive that holds one file.
#[derive(Debug)]
pub(super) struct Directory {
    entry: Entry,
    /// Whether nothing follows the directory, or what does.
    after: Result<(), Stop>,
}

impl Directory {
    /// Offset in bytes at which the file's header begins.
    pub(super) fn entry_offset(&self) -> u64 {
        self.entry.offset
    }
}

/// Looks for a zip archive's directory. `None`: not a zip archive, or one without a readable
/// directory.
pub(super) fn read_directory_of(file: &mut File) -> Option<Result<Directory, Problem>> {
    let mut start = [0; 4];
    file.read_exact(&mut start).ok()?;
    if start != LOCAL && start != END {
        return None;
    }
    let offset = locate_directory(file)?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut input = Input::new(Box::new(file.try_clone().ok()?), offset);
    let entries = read_directory(&mut input, DamageKind::FooterMissing).ok()?;
    Some(only_file(entries).map(|entry| Directory {
        entry,
        after: expect_end(&mut input),
    }))
}

/// The offset of the directory's first record, out of the record at the archive's end.
fn locate_directory(file: &mut File) -> Option<u64> {
    const LONGEST_TAIL: u64 = (LOCATOR_64_SIZE + END_SIZE + u16::MAX as usize) as u64;
    let length = file.metadata().ok()?.len();
    let start = length.saturating_sub(LONGEST_TAIL);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut tail = Vec::new();
    file.take(LONGEST_TAIL).read_to_end(&mut tail).ok()?;

    let (before, end) = tail.split_at_checked(memmem::rfind(&tail, &END)?)?;
    let mut end = Fields(end);
    end.skip(16)?;
    let offset = end.u32()?;
    let locator = before.last_chunk::<LOCATOR_64_SIZE>();
    let Some(locator) = locator.and_then(|locator| locator.strip_prefix(&LOCATOR_64)) else {
        return Some(offset.into());
    };
    let mut locator = Fields(locator);
    locator.skip(4)?;
    file.seek(SeekFrom::Start(locator.u64()?)).ok()?;
    let mut end_64 = [0; END_64_SIZE];
    file.read_exact(&mut end_64).ok()?;
    Fields(end_64.strip_prefix(&END_64)?.get(44..)?).u64()
}

fn only_file(entries: Vec<Entry>) -> Result<Entry, Problem> {
    let files = entries.into_iter().filter(|entry| !entry.is_clutter());
    let mut files: Vec<Entry> = files.collect();
    if files.len() > 1 {
        let names = files.into_iter().map(|entry| entry.name);
        return Err(Problem::ZipSeveral(names.collect()));
    }
    let entry = files.pop().ok_or(Problem::ZipEmpty)?;
    entry.check_supported()?;
    Ok(entry)
}

/// Decodes the one file of an archive; `input` stands at its header.
pub(super) fn decode(
    input: &mut Input,
    sink: &mut Sink,
    directory: Option<Directory>,
) -> Result<(), Stop> {
    let Some(Directory {
        entry: listed,
        after,
    }) = directory
    else {
        return decode_in_order(input, sink);
    };
    if !next_is(input, LOCAL)? {
        let message = "the zip directory points to no file";
        return damaged(DamageKind::Corrupt, input.offset(), message);
    }
    read_local(input)?;
    // The directory knows checksum and sizes even where the header before the data does not.
    let listed = Entry {
        flags: listed.flags & !HAS_DESCRIPTOR,
        ..listed
    };
    decode_data(&listed, input, sink)?;
    after
}

/// Decodes an archive from the front, without the directory's help.
fn decode_in_order(input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    let mut file: Option<String> = None;
    while next_is(input, LOCAL)? {
        let entry = read_local(input)?;
        let is_clutter = entry.is_clutter();
        if let Some(first) = file.take_if(|_| !is_clutter) {
            return Err(Stop::Refused(Problem::ZipSeveral(vec![first, entry.name])));
        }
        entry.check_supported().map_err(Stop::Refused)?;
        if is_clutter {
            sink.muted(|sink| decode_data(&entry, input, sink))?;
        } else {
            decode_data(&entry, input, sink)?;
            file = Some(entry.name);
        }
    }
    let cut = match file.is_some() {
        true => DamageKind::FooterMissing,
        false => DamageKind::Truncated,
    };
    read_directory(input, cut)?;
    if file.is_none() {
        return Err(Stop::Refused(Problem::ZipEmpty));
    }
    expect_end(input)
}

fn decode_data(entry: &Entry, input: &mut Input, sink: &mut Sink) -> Result<(), Stop> {
    let (plain, compressed, crc) = if entry.method == DEFLATED {
        let mut data = Deflated::new();
        pump(&mut data, input, sink)?;
        (data.written(), data.read(), data.crc())
    } else if entry.has_descriptor() && entry.compressed == 0 {
        return Err(Stop::Refused(Problem::ZipNeedsFile(entry.name.clone())));
    } else {
        let crc = copy(entry.compressed, input, sink)?;
        (entry.compressed, entry.compressed, crc)
    };
    let offset = input.offset();
    let holds = if entry.has_descriptor() {
        skip_descriptor(crc, compressed, plain, input)?
    } else {
        crc == entry.crc && plain == entry.plain
    };
    if holds {
        return Ok(());
    }
    let message = "the text does not match the zip checksum";
    damaged(DamageKind::ChecksumMismatch, offset, message)
}

/// Passes on `count` bytes of data that was stored without compression; returns their checksum.
fn copy(count: u64, input: &mut Input, sink: &mut Sink) -> Result<u32, Stop> {
    let mut crc = Crc::new();
    let mut left = count;
    while left > 0 {
        let space = sink.space()?;
        let room = space.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let space = space.get_mut(..room).unwrap_or_default();
        let read = input.read_into(space)?;
        if read == 0 {
            let message = "the stored data ends too early";
            return damaged(DamageKind::Truncated, input.offset(), message);
        }
        crc.update(space.get(..read).unwrap_or_default());
        sink.advance(read);
        left -= read as u64;
    }
    Ok(crc.sum())
}

/// Consumes the checksum and sizes after the data and tells whether they are right. The signature is
/// optional and the sizes have 4 or 8 bytes; which, only the right values tell.
fn skip_descriptor(crc: u32, compressed: u64, plain: u64, input: &mut Input) -> Result<bool, Stop> {
    let crc = crc.to_le_bytes();
    let short = [compressed, plain].map(|size| (size as u32).to_le_bytes());
    let (short, long) = (
        short.concat(),
        [compressed, plain].map(u64::to_le_bytes).concat(),
    );
    let layouts = [
        [&DESCRIPTOR[..], &crc, &long].concat(),
        [&DESCRIPTOR[..], &crc, &short].concat(),
        [&crc[..], &long].concat(),
        [&crc[..], &short].concat(),
    ];
    let next = input.peek(DESCRIPTOR.len() + crc.len() + long.len())?;
    if let Some(layout) = layouts.iter().find(|layout| next.starts_with(layout)) {
        input.consume(layout.len());
        return Ok(true);
    }
    if layouts.iter().any(|layout| layout.starts_with(next)) {
        let message = "the input ends inside the zip checksum";
        return damaged(DamageKind::FooterMissing, input.buffered_end(), message);
    }
    Ok(false)
}

fn next_is(input: &mut Input, signature: [u8; 4]) -> Result<bool, Stop> {
    Ok(input.peek(4)?.starts_with(&signature))
}

/// Consumes a header before the data.
fn read_local(input: &mut Input) -> Result<Entry, Stop> {
    let offset = input.offset();
    let fixed = input.take(LOCAL_SIZE, DamageKind::Truncated, "a zip header")?;
    let shared = fixed.get(6..).unwrap_or_default();
    read_variable(input, offset, shared, 0, 0, DamageKind::Truncated)
}

/// Consumes the directory up to the record at its end. An input that ends before that is damage of kind `cut`.
fn read_directory(input: &mut Input, cut: DamageKind) -> Result<Vec<Entry>, Stop> {
    const PART: &str = "the zip directory";
    let mut entries = Vec::new();
    loop {
        let offset = input.offset();
        match input.take(4, cut, PART)?.as_slice() {
            signature if signature == CENTRAL => {
                let fixed = input.take(CENTRAL_SIZE - 4, cut, PART)?;
                let mut rest = Fields(fixed.get(28..).unwrap_or_default());
                let comment = rest.u16().unwrap_or_default().into();
                rest.skip(8);
                let header = rest.u32().unwrap_or_default();
                let shared = fixed.get(4..).unwrap_or_default();
                entries.push(read_variable(input, offset, shared, comment, header, cut)?);
            }
            signature if signature == END => {
                let fixed = input.take(END_SIZE - 4, cut, PART)?;
                let comment = Fields(fixed.get(16..).unwrap_or_default())
                    .u16()
                    .unwrap_or_default();
                input.take(comment.into(), cut, PART)?;
                return Ok(entries);
            }
            signature if signature == END_64 => drop(input.take(END_64_SIZE - 4, cut, PART)?),
            signature if signature == LOCATOR_64 => {
                drop(input.take(LOCATOR_64_SIZE - 4, cut, PART)?)
            }
            signature if signature == SIGNATURE => {
                let size = input.take(2, cut, PART)?;
                input.take(Fields(&size).u16().unwrap_or_default().into(), cut, PART)?;
            }
            _ => return damaged(DamageKind::Corrupt, offset, "the zip directory is damaged"),
        }
    }
}

/// Consumes the name, extra field and comment after the fixed part of a header and makes the entry.
fn read_variable(
    input: &mut Input,
    header_offset: u64,
    shared: &[u8],
    comment: usize,
    offset: u32,
    cut: DamageKind,
) -> Result<Entry, Stop> {
    const PART: &str = "a zip header";
    let mut lengths = Fields(shared.get(20..).unwrap_or_default());
    let mut length = || usize::from(lengths.u16().unwrap_or_default());
    let name = input.take(length(), cut, PART)?;
    let extra = input.take(length(), cut, PART)?;
    input.take(comment, cut, PART)?;
    let message = "a zip header is damaged";
    Entry::parse(shared, offset, &name, &extra)
        .map_or_else(|| damaged(DamageKind::Corrupt, header_offset, message), Ok)
}

/// Little-endian values, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn skip(&mut self, count: usize) -> Option<&'a [u8]> {
        let (skipped, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(skipped)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

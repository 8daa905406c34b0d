use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::snapshot::DamageKind;

/// What came out of an input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    container: Container,
    pub(super) text: Vec<u8>,
    pub(super) ending: Ending,
}

impl Outcome {
    pub(super) fn kind(&self) -> Option<DamageKind> {
        self.ending.damage().map(|damage| damage.kind)
    }
}

fn drain(mut stream: ByteStream) -> Outcome {
    let mut text = Vec::new();
    while let Some(chunk) = stream.next_chunk() {
        assert!(!chunk.is_empty() && chunk.len() <= CHUNK);
        text.extend_from_slice(chunk);
    }
    let ending = stream.ending().expect("ended").clone();
    if let Some(damage) = ending.damage() {
        assert_eq!(damage.plain_bytes, text.len() as u64);
    }
    assert!(stream.next_chunk().is_none(), "stays ended");
    Outcome {
        container: stream.container(),
        text,
        ending,
    }
}

fn try_pipe(bytes: &[u8]) -> Result<Outcome, ContainerError> {
    ByteStream::from_reader("pipe", Cursor::new(bytes.to_vec())).map(drain)
}

pub(super) fn pipe(bytes: &[u8]) -> Outcome {
    try_pipe(bytes).unwrap()
}

fn try_file(bytes: &[u8]) -> Result<Outcome, ContainerError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    ByteStream::open(file.path()).map(drain)
}

pub(super) fn file(bytes: &[u8]) -> Outcome {
    try_file(bytes).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    let by_pipe = try_pipe(bytes).unwrap_err().problem.to_string();
    let by_file = try_file(bytes).unwrap_err().problem.to_string();
    assert_eq!(by_pipe, by_file);
    by_pipe
}

/// Numbers without a pattern, the same in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(seed: u64, count: usize) -> Vec<u8> {
        let mut noise = Self(seed);
        (0..count).map(|_| (noise.next() >> 32) as u8).collect()
    }
}

/// SQL text of about `size` bytes with latin1, NUL and other binary bytes in it.
pub(super) fn sql(size: usize) -> Vec<u8> {
    let mut noise = Noise(0x2545_F491_4F6C_DD1D);
    let mut text = b"-- A dump\nCREATE TABLE `t` (`id` int, `data` blob);\n".to_vec();
    while text.len() < size {
        let number = noise.next();
        write!(text, "INSERT INTO `t` VALUES ({number},'M").unwrap();
        text.extend_from_slice(b"\xFCller \0\x01\x02\x1F");
        text.extend(number.to_le_bytes().iter().filter(|&&byte| byte != b'\''));
        text.extend_from_slice(b"');\n");
    }
    text
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd_with(text: &[u8], parameters: &[zstd_safe::CParameter]) -> Vec<u8> {
    let mut context = zstd_safe::CCtx::create();
    for &parameter in parameters {
        context.set_parameter(parameter).unwrap();
    }
    let mut encoded = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    context.compress2(&mut encoded, text).unwrap();
    encoded
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd_with(text, &[zstd_safe::CParameter::ChecksumFlag(true)])
}

fn xz(text: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// How a test archive is written.
#[derive(Clone, Copy, Default)]
struct ZipStyle {
    stored: bool,
    /// Checksum and sizes after the data: none, or with 4 or 8 bytes a size, with signature or not.
    descriptor: Option<(bool, bool)>,
    zip64: bool,
    flags: u16,
    method: Option<u16>,
}

fn zip_with(files: &[(&str, &[u8])], style: ZipStyle) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, text) in files {
        let mut crc = flate2::Crc::new();
        crc.update(text);
        let data = if style.stored {
            text.to_vec()
        } else {
            let mut encoder =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let header = |signature: &[u8], blank: bool, offset: Option<u64>| {
            let shown = |value: u64| match (blank, style.zip64) {
                (true, false) => 0,
                (_, true) => u32::MAX,
                (false, false) => value as u32,
            };
            let mut extra = Vec::new();
            if style.zip64 {
                let values = [text.len() as u64, data.len() as u64]
                    .map(|value| if blank { 0 } else { value });
                let values: Vec<u64> = values.into_iter().chain(offset).collect();
                extra.extend(b"\x99\x99\x02\0ab\x01\0"); // another field before
                extra.extend((8 * values.len() as u16).to_le_bytes());
                extra.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            let flags = style.flags | if style.descriptor.is_some() { 8 } else { 0 };
            let mut bytes = signature.to_vec();
            bytes.extend(flags.to_le_bytes());
            bytes.extend(
                style
                    .method
                    .unwrap_or(if style.stored { 0 } else { 8 })
                    .to_le_bytes(),
            );
            bytes.extend([0; 4]);
            bytes.extend(if blank { 0 } else { crc.sum() }.to_le_bytes());
            bytes.extend(shown(data.len() as u64).to_le_bytes());
            bytes.extend(shown(text.len() as u64).to_le_bytes());
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend((extra.len() as u16).to_le_bytes());
            if let Some(offset) = offset {
                bytes.extend([0; 10]);
                bytes.extend(shown(offset).to_le_bytes());
            }
            bytes.extend(name.as_bytes());
            bytes.extend(extra);
            bytes
        };
        directory.extend(header(
            b"PK\x01\x02\x14\0\x14\0",
            false,
            Some(archive.len() as u64),
        ));
        archive.extend(header(
            b"PK\x03\x04\x14\0",
            style.descriptor.is_some(),
            None,
        ));
        archive.extend(&data);
        if let Some((signed, long)) = style.descriptor {
            let size = if long { 8 } else { 4 };
            archive.extend(if signed { &b"PK\x07\x08"[..] } else { b"" });
            archive.extend(crc.sum().to_le_bytes());
            archive.extend(&data.len().to_le_bytes()[..size]);
            archive.extend(&text.len().to_le_bytes()[..size]);
        }
    }
    let start = archive.len() as u64;
    let count = files.len() as u64;
    archive.extend(&directory);
    if style.zip64 {
        let at = archive.len() as u64;
        archive.extend(b"PK\x06\x06\x2C\0\0\0\0\0\0\0\x2D\0\x2D\0\0\0\0\0\0\0\0\0");
        for value in [count, count, directory.len() as u64, start] {
            archive.extend(value.to_le_bytes());
        }
        archive.extend(b"PK\x06\x07\0\0\0\0");
        archive.extend(at.to_le_bytes());
        archive.extend(1u32.to_le_bytes());
    }
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(count as u16).to_le_bytes(), (count as u16).to_le_bytes()].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(if style.zip64 { u32::MAX } else { start as u32 }.to_le_bytes());
    archive.extend(b"\x07\0comment");
    archive
}

fn zip(text: &[u8]) -> Vec<u8> {
    zip_with(&[("dump.sql", text)], ZipStyle::default())
}

type Encoder = fn(&[u8]) -> Vec<u8>;

const COMPRESSED: [(Container, Encoder); 5] = [
    (Container::Gzip, gzip),
    (Container::Bzip2, bzip2),
    (Container::Zstd, zstd),
    (Container::Xz, xz),
    (Container::Zip, zip),
];

fn plain_too() -> impl Iterator<Item = (Container, Encoder)> {
    std::iter::once((Container::Plain, <[u8]>::to_vec as Encoder)).chain(COMPRESSED)
}

#[test]
fn every_container_gives_the_text_back() {
    for size in [0, 10, 5_000, 3 * CHUNK, 6 * CHUNK + 17] {
        let text = if size < 50 {
            b"SELECT 1;\n"[..size].to_vec()
        } else {
            sql(size)
        };
        for (container, encode) in plain_too() {
            let expected = Outcome {
                container,
                text: text.clone(),
                ending: Ending::Clean,
            };
            let encoded = encode(&text);
            assert!(
                pipe(&encoded) == expected,
                "{container} of {size} bytes through a pipe"
            );
            assert!(
                file(&encoded) == expected,
                "{container} of {size} bytes from a file"
            );
        }
    }
}

/// Runs a program over standard input; `None` if it is not installed.
pub(super) fn run(program: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let spawned = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        crate::skip::skip(program[0], "it is not installed");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{program:?}");
    Some(output.stdout)
}

#[test]
fn what_the_real_programs_write_is_read() {
    let text = sql(2 * CHUNK);
    let python_zip = |options: &str| {
        format!(
            "import sys, zipfile\n\
             archive = zipfile.ZipFile(sys.stdout.buffer, 'w', {options})\n\
             archive.writestr('backup/', '')\n\
             archive.open('backup/dump.sql', 'w', force_zip64='{options}' == 'zipfile.ZIP_DEFLATED').write(sys.stdin.buffer.read())\n\
             archive.close()"
        )
    };
    let deflated = python_zip("zipfile.ZIP_DEFLATED");
    let stored = python_zip("zipfile.ZIP_STORED");
    let programs: &[(Container, &[&str])] = &[
        (Container::Gzip, &["gzip", "-c1"]),
        (Container::Gzip, &["gzip", "-c9"]),
        (Container::Gzip, &["pigz", "-c", "-b128"]),
        (Container::Bzip2, &["bzip2", "-c1"]),
        (Container::Bzip2, &["bzip2", "-c9"]),
        (Container::Zstd, &["zstd", "-c1"]),
        (Container::Zstd, &["zstd", "-c", "--no-check", "--long=27"]),
        (Container::Xz, &["xz", "-c1", "-T1"]),
        (
            Container::Xz,
            &["xz", "-c0", "--block-size=100000", "--check=sha256"],
        ),
        (Container::Xz, &["xz", "-c0", "--check=none"]),
        (Container::Zip, &["zip", "-q", "-", "-"]),
        (Container::Zip, &["python3", "-c", &deflated]),
        (Container::Zip, &["python3", "-c", &stored]),
    ];
    for &(container, program) in programs {
        let Some(encoded) = run(program, &text) else {
            continue;
        };
        let expected = Outcome {
            container,
            text: text.clone(),
            ending: Ending::Clean,
        };
        assert!(file(&encoded) == expected, "{program:?} from a file");
        if program.last() == Some(&stored.as_str()) {
            // Python stores to a pipe without lengths; only the directory has them.
            let problem = try_pipe(&encoded).unwrap_err().problem;
            assert!(matches!(problem, Problem::ZipNeedsFile(_)), "{problem}");
        } else {
            assert!(pipe(&encoded) == expected, "{program:?} through a pipe");
        }
    }
}

#[test]
fn every_layout_of_a_zip_archive_is_read() {
    let text = sql(1000);
    let descriptors = [
        None,
        Some((true, false)),
        Some((true, true)),
        Some((false, false)),
        Some((false, true)),
    ];
    for descriptor in descriptors {
        for (stored, zip64) in [(false, false), (false, true), (true, false), (true, true)] {
            let style = ZipStyle {
                stored,
                descriptor,
                zip64,
                ..ZipStyle::default()
            };
            let archive = zip_with(&[("folder/", b""), ("folder/dump.sql", &text)], style);
            let expected = Outcome {
                container: Container::Zip,
                text: text.clone(),
                ending: Ending::Clean,
            };
            assert!(
                file(&archive) == expected,
                "{descriptor:?} stored {stored} zip64 {zip64}"
            );
            if !(stored && descriptor.is_some()) {
                assert!(
                    pipe(&archive) == expected,
                    "pipe, {descriptor:?} stored {stored} zip64 {zip64}"
                );
            }
        }
    }
}

#[test]
fn zip_archives_that_are_not_one_plain_file_say_why() {
    let (a, b) = (sql(500), sql(700));
    let default = ZipStyle::default();
    let several = zip_with(&[("a.sql", &a), ("b.sql", &b), ("c\x1B.sql", &b)], default);
    assert_eq!(
        try_file(&several).unwrap_err().problem.to_string(),
        r#"the zip archive holds several files ("a.sql", "b.sql", "c\u{1b}.sql"); unpack the one to read"#
    );
    // Through a pipe the second is found when the first has been read.
    let outcome = pipe(&several);
    assert_eq!(
        (outcome.kind(), &outcome.text),
        (Some(DamageKind::Unsupported), &a)
    );
    assert!(
        outcome
            .ending
            .damage()
            .unwrap()
            .message
            .contains(r#"("a.sql", "b.sql")"#)
    );

    let macos = zip_with(
        &[("dump.sql", &a), ("__MACOSX/._dump.sql", b"\0\x05")],
        default,
    );
    assert_eq!(
        (file(&macos).text, pipe(&macos).text),
        (a.clone(), a.clone())
    );
    assert_eq!(
        (file(&macos).ending, pipe(&macos).ending),
        (Ending::Clean, Ending::Clean)
    );

    assert!(refusal(&zip_with(&[], default)).contains("holds no file"));
    assert!(refusal(&zip_with(&[("folder/", b"")], default)).contains("holds no file"));
    let encrypted = ZipStyle {
        flags: 1,
        ..default
    };
    assert!(refusal(&zip_with(&[("a.sql", &a)], encrypted)).contains("encrypted"));
    let method = ZipStyle {
        method: Some(12),
        ..default
    };
    assert!(refusal(&zip_with(&[("a.sql", &a)], method)).contains("method 12"));
}

#[test]
fn members_one_after_the_other_are_one_text() {
    let (a, b) = (sql(3_000), sql(70_000));
    let text = [&a[..], &b, b"", &a].concat();
    for (container, encode) in COMPRESSED
        .into_iter()
        .filter(|(container, _)| *container != Container::Zip)
    {
        let members = [encode(&a), encode(&b), encode(b""), encode(&a)].concat();
        assert!(
            pipe(&members)
                == Outcome {
                    container,
                    text: text.clone(),
                    ending: Ending::Clean
                },
            "{container}"
        );
    }
}

#[test]
fn bzip2_streams_of_nothing_cost_nothing_and_count() {
    let empty = bzip2(b"");
    assert_eq!(empty.len(), 14);
    let many = [
        empty.repeat(100_000),
        bzip2(b"SELECT 1;\n"),
        empty.repeat(10),
    ]
    .concat();
    let outcome = try_pipe(&many).expect("it is read");
    assert_eq!(outcome.text, b"SELECT 1;\n");
    assert_eq!(outcome.ending, Ending::Clean);
    // One that is cut is damage, as of any other.
    let outcome = try_pipe(&many[..many.len() - 3]).expect("it is read");
    assert_ne!(outcome.ending, Ending::Clean);
}

#[test]
fn zstd_skippable_frames_are_passed_over() {
    let text = sql(1000);
    let skippable = b"\x53\x2A\x4D\x18\x05\0\0\0hello";
    let frames = [&skippable[..], &zstd(&text), skippable, skippable].concat();
    let expected = Outcome {
        container: Container::Zstd,
        text,
        ending: Ending::Clean,
    };
    assert_eq!(pipe(&frames), expected);
    assert_eq!(
        pipe(&frames[..frames.len() - 1]).kind(),
        Some(DamageKind::Truncated)
    );
}

#[test]
fn xz_padding_in_fours_is_part_of_the_format() {
    let text = sql(1000);
    let padded = [xz(&text), vec![0; 8], xz(&text), vec![0; 4]].concat();
    let expected = Outcome {
        container: Container::Xz,
        text: text.repeat(2),
        ending: Ending::Clean,
    };
    assert_eq!(pipe(&padded), expected);
    assert_eq!(
        pipe(&[&padded[..], b"\0"].concat()).kind(),
        Some(DamageKind::ZeroPadding)
    );
}

#[test]
fn gzip_header_fields_are_passed_over() {
    let text = sql(1000);
    let with_fields = flate2::GzBuilder::new()
        .filename("dump.sql")
        .comment("c")
        .extra(vec![7; 300]);
    let mut encoder = with_fields.write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&text).unwrap();
    let mut encoded = encoder.finish().unwrap();
    assert_eq!(
        pipe(&encoded),
        Outcome {
            container: Container::Gzip,
            text,
            ending: Ending::Clean
        }
    );
    encoded[3] |= 0x80;
    assert_eq!(pipe(&encoded).kind(), Some(DamageKind::Corrupt));
}

/// A damaged input is never reported as clean with text missing or altered.
fn assert_noticed(container: Container, damaged: &[u8], text: &[u8], what: &str) {
    // The door matters to zip alone.
    let by_file = (container == Container::Zip).then(|| try_file(damaged));
    for outcome in by_file.into_iter().chain([try_pipe(damaged)]).flatten() {
        let same = outcome.text == text;
        assert!(
            outcome.ending != Ending::Clean || same,
            "{container}, {what}: clean with another text"
        );
    }
}

fn assert_cut_noticed(container: Container, encoded: &[u8], cut: usize, text: &[u8]) {
    for outcome in [try_pipe(&encoded[..cut]), try_file(&encoded[..cut])] {
        let outcome = outcome.unwrap_or_else(|error| panic!("{container} cut at {cut}: {error}"));
        let damage = outcome
            .ending
            .damage()
            .unwrap_or_else(|| panic!("{container} cut at {cut}: clean"));
        assert!(
            text.starts_with(&outcome.text),
            "{container} cut at {cut}: other text"
        );
        assert_eq!(
            damage.compressed_offset, cut as u64,
            "{container} cut at {cut}: {damage:?}"
        );
        match damage.kind {
            DamageKind::FooterMissing => assert!(
                outcome.text == text,
                "{container} cut at {cut}: not all text"
            ),
            DamageKind::Truncated => {}
            other => panic!("{container} cut at {cut}: {other:?}"),
        }
    }
}

#[test]
fn a_cut_at_every_byte_of_a_small_file_is_noticed() {
    let text = sql(120);
    for (container, encode) in COMPRESSED {
        let encoded = encode(&text);
        for cut in 1..encoded.len() {
            assert_cut_noticed(container, &encoded, cut, &text);
        }
        assert_eq!(
            pipe(&[]),
            Outcome {
                container: Container::Plain,
                text: Vec::new(),
                ending: Ending::Clean
            }
        );
    }
}

#[test]
fn a_cut_anywhere_in_a_bigger_file_is_noticed() {
    let text = sql(150_000);
    for (container, encode) in COMPRESSED {
        let encoded = encode(&text);
        let mut noise = Noise(7);
        for _ in 0..200 {
            let cut = 1 + noise.next() as usize % (encoded.len() - 1);
            let outcome = pipe(&encoded[..cut]);
            assert_ne!(outcome.ending, Ending::Clean, "{container} cut at {cut}");
            assert!(text.starts_with(&outcome.text), "{container} cut at {cut}");
        }
    }
}

#[test]
fn text_before_a_cut_is_delivered() {
    let text = sql(3_000_000);
    for (container, encode) in COMPRESSED {
        let encoded = encode(&text);
        let outcome = pipe(&encoded[..encoded.len() * 3 / 4]);
        assert_eq!(outcome.kind(), Some(DamageKind::Truncated));
        assert!(
            outcome.text.len() > text.len() / 2,
            "{container}: only {} bytes",
            outcome.text.len()
        );
        assert!(text.starts_with(&outcome.text), "{container}");
    }
}

#[test]
fn a_cut_gzip_footer_is_told_from_cut_text() {
    let text = sql(1000);
    let encoded = gzip(&text);
    for missing in 1..=8 {
        let outcome = pipe(&encoded[..encoded.len() - missing]);
        assert_eq!(
            (outcome.kind(), &outcome.text),
            (Some(DamageKind::FooterMissing), &text)
        );
    }
    assert_eq!(
        pipe(&encoded[..encoded.len() - 9]).kind(),
        Some(DamageKind::Truncated)
    );
}

#[test]
fn a_flipped_bit_never_alters_text_unnoticed() {
    let text = sql(120);
    for (container, encode) in COMPRESSED {
        let encoded = encode(&text);
        for bit in 0..encoded.len() * 8 {
            let mut flipped = encoded.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // A flip in the mark makes another file of it, which is no container any more.
            if magic_is(&flipped, container) {
                assert_noticed(container, &flipped, &text, &format!("bit {bit}"));
            }
        }
    }
}

fn magic_is(bytes: &[u8], container: Container) -> bool {
    super::decode::magic(bytes) == Some(container)
}

#[test]
fn wrong_checksums_are_told_with_all_text() {
    let text = sql(1000);
    let mut encoded = gzip(&text);
    let footer = encoded.len() - 8;
    for byte in footer..encoded.len() {
        encoded[byte] ^= 0x10;
        let outcome = pipe(&encoded);
        let damage = outcome.ending.damage().unwrap();
        assert_eq!(
            (damage.kind, damage.compressed_offset),
            (DamageKind::ChecksumMismatch, footer as u64)
        );
        assert_eq!(outcome.text, text);
        encoded[byte] ^= 0x10;
    }
    let mut encoded = zstd(&text);
    *encoded.last_mut().unwrap() ^= 1;
    let outcome = pipe(&encoded);
    assert_eq!(
        (outcome.kind(), outcome.text),
        (Some(DamageKind::ChecksumMismatch), text.clone())
    );

    let mut encoded = zip_with(
        &[("a.sql", &text)],
        ZipStyle {
            stored: true,
            ..ZipStyle::default()
        },
    );
    let blob = encoded.len() / 2;
    encoded[blob] ^= 1;
    assert_eq!(pipe(&encoded).kind(), Some(DamageKind::ChecksumMismatch));
    assert_eq!(file(&encoded).kind(), Some(DamageKind::ChecksumMismatch));
}

#[test]
fn padding_and_garbage_after_the_end_are_told_apart() {
    let text = sql(1000);
    let garbage: [&[u8]; 5] = [b"x", b"\n", b"\0\0\0junk", b"\x1F", b"-- more SQL\n"];
    for (container, encode) in COMPRESSED {
        let encoded = encode(&text);
        let padded = [&encoded[..], &[0; 1023]].concat();
        for outcome in [pipe(&padded), file(&padded)] {
            let damage = outcome.ending.damage().unwrap();
            let found = (damage.kind, damage.compressed_offset);
            assert_eq!(
                found,
                (DamageKind::ZeroPadding, encoded.len() as u64),
                "{container}"
            );
            assert_eq!(outcome.text, text);
        }
        for junk in garbage {
            let followed = [&encoded[..], junk].concat();
            for outcome in [pipe(&followed), file(&followed)] {
                let damage = outcome.ending.damage().unwrap();
                let cut_member = container == Container::Gzip && junk == b"\x1F";
                let expected = if cut_member {
                    DamageKind::Truncated
                } else {
                    DamageKind::TrailingGarbage
                };
                assert_eq!(damage.kind, expected, "{container} {junk:?}");
                assert_eq!(outcome.text, text);
            }
        }
    }
}

/// Gives one byte a read, with an interruption before each.
struct Drop1<R>(R, bool);

impl<R: Read> Read for Drop1<R> {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let one = target.len().min(1);
        self.0.read(&mut target[..one])
    }
}

#[test]
fn one_byte_a_read_gives_the_same() {
    let text = sql(30_000);
    for (container, encode) in plain_too() {
        let encoded = encode(&text);
        for end in [encoded.len(), encoded.len() - 1, encoded.len() / 2] {
            let whole = pipe(&encoded[..end]);
            let reader = Drop1(Cursor::new(encoded[..end].to_vec()), false);
            assert!(
                drain(ByteStream::from_reader("bytes", reader).unwrap()) == whole,
                "{container} {end}"
            );
        }
    }
}

/// Endless text; tells when it was dropped.
struct Endless {
    dropped: Arc<AtomicBool>,
    read: Arc<AtomicUsize>,
}

impl Read for Endless {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        target.fill(b'x');
        self.read.fetch_add(target.len(), Ordering::Relaxed);
        Ok(target.len())
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

#[test]
fn dropping_the_stream_ends_its_thread_and_memory_stays_bounded() {
    let (dropped, read) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let reader = Endless {
        dropped: Arc::clone(&dropped),
        read: Arc::clone(&read),
    };
    let mut stream = ByteStream::from_reader("endless", reader).unwrap();
    assert!(stream.next_chunk().is_some());
    std::thread::sleep(Duration::from_millis(20));
    assert!(
        read.load(Ordering::Relaxed) <= (POOL + 1) * CHUNK,
        "reads no further than there are buffers"
    );
    assert!(!dropped.load(Ordering::Relaxed));
    drop(stream);
    let start = Instant::now();
    while !dropped.load(Ordering::Relaxed) {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "the thread still runs"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn content_decides_not_the_name() {
    let text = sql(1000);
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, container) in [
        ("dump.sql", gzip(&text), Container::Gzip),
        ("dump.sql.gz", text.clone(), Container::Plain),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let stream = ByteStream::open(&path).unwrap();
        assert_eq!(stream.progress().total(), Some(bytes.len() as u64));
        let progress = stream.progress();
        assert_eq!(
            drain(stream),
            Outcome {
                container,
                text: text.clone(),
                ending: Ending::Clean
            }
        );
        assert_eq!(
            (progress.bytes_read(), progress.total()),
            (bytes.len() as u64, Some(bytes.len() as u64))
        );
    }
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    for text in [&b"SELECT 1;"[..], b""] {
        let marked = [b"\xEF\xBB\xBF", text].concat();
        assert_eq!(pipe(&marked).text, text);
        assert_eq!(pipe(&gzip(&marked)).text, text);
    }
}

#[test]
fn what_is_not_text_is_refused_in_plain_words() {
    let mut innodb = vec![0; 16_384];
    innodb[..4].copy_from_slice(b"\x8A\x11\x9C\x02");
    innodb[25] = 8;
    innodb[37] = 41;
    innodb[41] = 41;
    let mut tar = vec![0; 10_240];
    tar[..8].copy_from_slice(b"dump.sql");
    tar[257..262].copy_from_slice(b"ustar");
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let swapped = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<u8>>()
    };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Noise::bytes(99, 1_000_000), "not a text file"),
        (vec![0; 100], "all NUL"),
        (vec![0; 3 * CHUNK], "all NUL"),
        (wide("\u{FEFF}-- Dump\r\n"), "iconv -f UTF-16 -t UTF-8"),
        (swapped("\u{FEFF}-- Dump\r\n"), "iconv -f UTF-16 -t UTF-8"),
        (
            wide("-- Dump\r\nINSERT INTO a VALUES (1);"),
            "iconv -f UTF-16LE",
        ),
        (
            swapped("-- Dump\r\nINSERT INTO a VALUES (1);"),
            "iconv -f UTF-16BE",
        ),
        (b"\xFF\xFE\0\0S\0\0\0".to_vec(), "UTF-32"),
        (innodb, "InnoDB"),
        (tar, "tar archive; extract"),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0".to_vec(), "ELF"),
        (b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR".to_vec(), "PNG"),
        (b"7z\xBC\xAF\x27\x1C\0\x04".to_vec(), "7-Zip"),
        (b"Rar!\x1A\x07\x01\0".to_vec(), "RAR"),
        (b"\x04\x22\x4D\x18\x64\x40\xA7".to_vec(), "lz4"),
        (b"\x8C\x0D\x04\x07\x03\x02".to_vec(), "GPG"),
        (b"\x85\x01\x0C\x03\x11\x22".to_vec(), "GPG"),
        (b"-----BEGIN PGP MESSAGE-----\n".to_vec(), "GPG"),
        (b"SQLite format 3\0\x10\0".to_vec(), "SQLite"),
        (b"<!DOCTYPE html>".to_vec(), "an HTML page; was"),
        (
            b"\n<html><head><TITLE lang='en'>Log\n in</title>".to_vec(),
            "an HTML page ('Log in'); was",
        ),
        (
            b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".to_vec(),
            "an XML document ('AccessDenied'); was",
        ),
    ];
    for (bytes, expected) in cases {
        for input in [bytes.clone(), gzip(&bytes), xz(&bytes), zip(&bytes)] {
            let message = refusal(&input);
            assert!(message.contains(expected), "{expected}: {message}");
        }
    }
    let nested = gzip(&sql(500));
    assert!(refusal(&zip(&nested)).contains("holds a gzip file inside"));
    assert!(refusal(&gzip(&nested)).contains("holds a gzip file inside"));
}

#[test]
fn odd_but_real_text_is_never_refused() {
    let blob = [b"INSERT INTO t VALUES ('", &Noise::bytes(5, 8000)[..]].concat();
    let nuls = [&b"SELECT '"[..], &[0; 4000]].concat();
    let cyrillic = "# Дамп\nINSERT".as_bytes();
    let cases: [&[u8]; 12] = [
        b"SELECT 1;",
        b";",
        b"\n",
        b"x",
        b"\r\n\r\n",
        b"\x1A",
        b"-- M\xFCller",
        cyrillic,
        &blob,
        &nuls,
        b"/*!40101 SET NAMES utf8 */;\0",
        b"\xEF\xBB\xBF\n\nUSE a",
    ];
    for text in cases {
        for input in [text.to_vec(), bzip2(text)] {
            let outcome = pipe(&input);
            let expected = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
            assert_eq!(
                (outcome.text.as_slice(), outcome.ending),
                (expected, Ending::Clean)
            );
        }
    }
}

#[test]
fn nothing_in_a_container_is_no_error() {
    for (container, encode) in plain_too() {
        let expected = Outcome {
            container,
            text: Vec::new(),
            ending: Ending::Clean,
        };
        assert_eq!(pipe(&encode(b"")), expected);
        assert_eq!(file(&encode(b"")), expected);
    }
}

#[test]
fn endless_zeros_end() {
    assert!(ByteStream::from_reader("zeros", std::io::repeat(0)).is_err());
    let text = sql(100);
    for (container, encode) in COMPRESSED {
        let endless = Cursor::new(encode(&text)).chain(std::io::repeat(0));
        let outcome = drain(ByteStream::from_reader("padded", endless).unwrap());
        assert_eq!(
            (outcome.kind(), &outcome.text),
            (Some(DamageKind::ZeroPadding), &text),
            "{container}"
        );
    }
}

#[test]
fn bombs_are_refused_before_they_grow() {
    let zeros = vec![0; 20 << 20];
    for (container, encode) in COMPRESSED {
        let bomb = encode(&zeros);
        assert!(bomb.len() < 100_000, "{container}");
        assert!(refusal(&bomb).contains("all NUL"), "{container}");
    }
}

#[test]
fn decoders_that_want_too_much_memory_are_refused() {
    // A frame header with a window of 256 MiB, as `zstd --long=28` writes for longer input.
    let window = b"\x28\xB5\x2F\xFD\0\x90\x01\0\0";
    assert!(refusal(window).contains("more than 128 MiB"));
    let in_second_frame = pipe(&[&zstd(b"SELECT 1;"), &window[..]].concat());
    assert_eq!(in_second_frame.kind(), Some(DamageKind::Unsupported));
    assert_eq!(in_second_frame.text, b"SELECT 1;");

    let dictionary = |mib: u32| {
        let mut options = liblzma::stream::LzmaOptions::new_preset(0).unwrap();
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma2(options.dict_size(mib << 20));
        let stream =
            liblzma::stream::Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32)
                .unwrap();
        let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        encoder.write_all(b"SELECT 1;").unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(pipe(&dictionary(64)).text, b"SELECT 1;");
    assert!(refusal(&dictionary(128)).contains("more than 72 MiB"));
}

/// Text, then an error.
struct Broken(Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(target)? {
            0 if !target.is_empty() => Err(std::io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_read_error_says_where() {
    let text = sql(600_000);
    for (container, encode) in plain_too() {
        let mut encoded = encode(&text);
        encoded.truncate(encoded.len() - 10);
        let length = encoded.len() as u64;
        let outcome = drain(ByteStream::from_reader("disk", Broken(Cursor::new(encoded))).unwrap());
        let damage = outcome.ending.damage().unwrap();
        assert_eq!(
            (damage.kind, damage.compressed_offset),
            (DamageKind::ReadError, length),
            "{container}"
        );
        assert_eq!(
            damage.message,
            format!("cannot read at byte {length}: the disk is gone")
        );
        assert!(
            !outcome.text.is_empty() && text.starts_with(&outcome.text),
            "{container}"
        );
    }
    let error = ByteStream::from_reader("disk", Broken(Cursor::new(Vec::new()))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "disk: cannot read at byte 0: the disk is gone"
    );
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = ByteStream::open(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: is a directory, not a file", folder.path().display())
    );
    let error = ByteStream::open(Path::new("no/such.sql")).unwrap_err();
    assert!(
        error.to_string().starts_with("no/such.sql: cannot open: "),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_damage_passes_for_clean_text(
        which in 0..COMPRESSED.len(),
        text in "[ -~]{0,3000}",
        place in 0.0..1.0f64,
        mask in 1..=255u8,
        cut in any::<bool>(),
    ) {
        let (container, encode) = COMPRESSED[which];
        let encoded = encode(text.as_bytes());
        let place = ((encoded.len() - 1) as f64 * place) as usize;
        if cut {
            if place > 0 {
                assert_cut_noticed(container, &encoded, place, text.as_bytes());
            }
        } else {
            let mut altered = encoded.clone();
            altered[place] ^= mask;
            if magic_is(&altered, container) {
                assert_noticed(container, &altered, text.as_bytes(), &format!("byte {place} ^ {mask}"));
            }
        }
    }

    #[test]
    fn no_input_panics(start in 0..7usize, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let marks: [&[u8]; 7] =
            [b"", b"\x1F\x8B\x08", b"BZh9", b"\x28\xB5\x2F\xFD", b"\xFD7zXZ\0", b"PK\x03\x04", b"PK\x05\x06"];
        let input = [marks[start], &bytes].concat();
        for outcome in [try_pipe(&input), try_file(&input)].into_iter().flatten() {
            if let Some(damage) = outcome.ending.damage() {
                prop_assert!(damage.compressed_offset <= input.len() as u64);
            }
        }
    }
}

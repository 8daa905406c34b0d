//! Whether the first block of decoded bytes can be SQL text.
//!
//! Dumps are bytes, not UTF-8: latin1, binary blobs and NUL inside strings are all real. So only what
//! cannot be a dump is refused: a known other format, wide text, or binary data from the first byte.

use super::decode::magic;
use super::error::Problem;

/// Bytes of the first block in which control bytes are counted.
const SAMPLE: usize = 4096;

/// More than one control byte in this many bytes is suspicious. In binary data it is about one in nine.
const SUSPICIOUS: usize = 20;

/// Number of printable bytes at the start that prove text, whatever binary data follows: `INSERT I`.
const PROOF: usize = 8;

const EXTRACT: &str = "extract it first and give the SQL file inside";
const DECOMPRESS: &str = "decompress it first";
const DECRYPT: &str = "decrypt it first";
const DUMP: &str = "make a dump of the database and give that";
const RESTORE: &str = "a physical backup: restore it, then dump the database";
const WRONG_FILE: &str = "is it the right file?";

const GPG: &str = "an encrypted GPG file";

/// Formats that are not SQL text: offset, the bytes there, the name with its article, and what to do.
const FOREIGN: &[(usize, &[u8], &str, &str)] = &[
    (257, b"ustar", "a tar archive", EXTRACT),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive", EXTRACT),
    (0, b"Rar!\x1A\x07", "a RAR archive", EXTRACT),
    (
        0,
        b"XBSTCK01",
        "an xtrabackup or mariabackup stream",
        RESTORE,
    ),
    (0, b"\x04\x22\x4D\x18", "an lz4 file", DECOMPRESS),
    (0, b"\x02\x21\x4C\x18", "an lz4 file", DECOMPRESS),
    (0, b"\x89LZO\0", "an lzop file", DECOMPRESS),
    (0, b"LZIP\x01", "an lzip file", DECOMPRESS),
    (0, b"\x5D\0\0", "an lzma file", DECOMPRESS),
    (0, b"\x1F\x9D", "a compress (.Z) file", DECOMPRESS),
    (0, b"-----BEGIN PGP MESSAGE-----", GPG, DECRYPT),
    (0, b"Salted__", "a file encrypted with openssl", DECRYPT),
    (
        0,
        b"age-encryption.org/",
        "a file encrypted with age",
        DECRYPT,
    ),
    (0, b"SQLite format 3\0", "an SQLite database", WRONG_FILE),
    (0, b"PGDMP", "a PostgreSQL dump", WRONG_FILE),
    (
        0,
        b"\xFEbin",
        "a binary log of a MySQL or MariaDB server",
        "mysqlbinlog turns it into SQL",
    ),
    (0, b"\xFE\xFE\x07", "the index file of a MyISAM table", DUMP),
    (0, b"\xFE\x01", "a table definition file (.frm)", DUMP),
    (0, b"\x7FELF", "a program (ELF)", WRONG_FILE),
    (0, b"\x89PNG\r\n", "a PNG image", WRONG_FILE),
    (0, b"\xFF\xD8\xFF", "a JPEG image", WRONG_FILE),
    (0, b"GIF8", "a GIF image", WRONG_FILE),
    (0, b"%PDF-", "a PDF document", WRONG_FILE),
];

/// Judges the first block. Returns the length of the byte order mark to leave out, in bytes.
pub(super) fn judge(block: &[u8]) -> Result<usize, Problem> {
    if let Some(encoding) = wide_encoding(block) {
        return Err(Problem::WideText(encoding));
    }
    if let Some(container) = magic(block) {
        return Err(Problem::Nested(container));
    }
    let known = |&&(at, magic, ..): &&(usize, &[u8], _, _)| {
        block.get(at..).is_some_and(|b| b.starts_with(magic))
    };
    let foreign = match FOREIGN.iter().find(known) {
        Some(&(.., what, advice)) => Some((what, advice)),
        None if is_innodb(block) => Some(("an InnoDB data file", DUMP)),
        None => is_openpgp(block).then_some((GPG, DECRYPT)),
    };
    if let Some((what, advice)) = foreign {
        return Err(Problem::Foreign { what, advice });
    }
    if let Some(problem) = markup(block) {
        return Err(problem);
    }
    let text = block.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(block);
    if text.iter().all(|&byte| byte == 0) && !text.is_empty() {
        return Err(Problem::OnlyNul(block.len()));
    }
    if is_binary(text) {
        return Err(Problem::Binary);
    }
    Ok(block.len() - text.len())
}

/// The problem with a page or document that a download or `--xml` gave instead of a dump.
fn markup(block: &[u8]) -> Option<Problem> {
    let text = block
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(block)
        .trim_ascii_start();
    let begins = |start: &[u8]| {
        let found = text.get(..start.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(start))
    };
    let problem = |what, elements: &[&str], advice| {
        let says = elements.iter().find_map(|element| content(text, element));
        Some(Problem::Markup {
            what,
            says: says.map(|says| format!(" ('{says}')")).unwrap_or_default(),
            advice,
        })
    };
    if begins(b"<!DOCTYPE") || begins(b"<html") || begins(b"<head") {
        let advice = "was the download a login or error page?";
        return problem("an HTML page", &["title", "h1"], advice);
    }
    if begins(b"<?xml") {
        let advice = "was the download an error, or was it made with mysqldump --xml?";
        return problem("an XML document", &["Message", "Code"], advice);
    }
    None
}

/// The text of the first element of this name, in one line of at most 80 characters.
fn content(text: &[u8], element: &str) -> Option<String> {
    let text = String::from_utf8_lossy(text.get(..SAMPLE).unwrap_or(text));
    let lower = text.to_ascii_lowercase();
    let begin = lower.find(&format!("<{}", element.to_ascii_lowercase()))?;
    let begin = begin + lower.get(begin..)?.find('>')? + 1;
    let end = begin + lower.get(begin..)?.find('<')?;
    let words: Vec<&str> = text.get(begin..end)?.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(80).collect();
    Some(line).filter(|line| !line.is_empty())
}

fn is_binary(block: &[u8]) -> bool {
    let sample = block.get(..SAMPLE).unwrap_or(block);
    let controls = sample.iter().filter(|&&byte| is_control(byte)).count();
    let leading = sample
        .trim_ascii_start()
        .iter()
        .take_while(|byte| byte.is_ascii() && !is_control(**byte))
        .count();
    controls * SUSPICIOUS > sample.len() && leading < PROOF
}

/// A control byte that text files do not hold. Ctrl-Z ends text files of DOS.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0B' | b'\x0C' | b'\x1A')
}

/// The name, as iconv knows it, of a 16 or 32 bit encoding: by its mark, or because every second byte
/// of the first KiB is NUL and no other is.
fn wide_encoding(block: &[u8]) -> Option<&'static str> {
    match block {
        [0xFF, 0xFE, 0, 0, ..] => return Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Some("UTF-16"),
        _ => {}
    }
    let units = block.get(..1024).unwrap_or(block).chunks_exact(2);
    if units.len() < 2 {
        return None;
    }
    if units.clone().all(|unit| matches!(unit, [1..=255, 0])) {
        Some("UTF-16LE")
    } else if units.clone().all(|unit| matches!(unit, [0, 1..=255])) {
        Some("UTF-16BE")
    } else {
        None
    }
}

/// Page 0 of a tablespace: page number 0, type FSP_HDR (8), and the space id twice.
fn is_innodb(block: &[u8]) -> bool {
    block.get(4..8) == Some(&[0; 4])
        && block.get(24..26) == Some(&[0, 8])
        && block.get(34..38) == block.get(38..42)
}

/// A first packet with a session key (RFC 9580: public-key, tag 1, version 3 or 6; symmetric, tag 3,
/// version 4 to 6), in old and new packet format.
fn is_openpgp(block: &[u8]) -> bool {
    matches!(
        block,
        [0x84, _, 3 | 6, ..]
            | [0x85, _, _, 3 | 6, ..]
            | [0x8C, _, 4..=6, ..]
            | [0xC1, _, 3 | 6, ..]
            | [0xC1, 0xC0..=0xDF, _, 3 | 6, ..]
            | [0xC3, _, 4..=6, ..]
    )
}

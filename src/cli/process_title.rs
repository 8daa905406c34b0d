//! Takes passwords out of what `ps` shows of this process.
//!
//! The servers' own clients do the same: a password in a URL is accepted, one behind `-p` or `--password=` is not, and
//! either is overwritten in the process's arguments before anything else happens. Linux keeps the arguments in memory that the
//! process may write to, at an address that `/proc/self/stat` tells.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;

use crate::server::login::url::parts::password_in;

/// Overwrites every password in an argument that is a database URL, or behind `-p` or `--password=`. Where that cannot
/// be done the arguments stay as they are.
pub(super) fn hide_passwords() -> io::Result<()> {
    if !std::env::args_os().any(|argument| password(argument.as_encoded_bytes()).is_some()) {
        return Ok(());
    }
    let arguments = fs::read("/proc/self/cmdline")?;
    let mut places = Vec::new();
    let mut start = 0;
    for argument in arguments.split(|byte| *byte == 0) {
        if let Some(place) = password(argument) {
            places.push((start + place.start, place.len()));
        }
        start += argument.len() + 1;
    }
    if places.is_empty() {
        return Ok(());
    }
    let base = arguments_address()?;
    let mut memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
    for (place, length) in places {
        memory.seek(SeekFrom::Start(base + place as u64))?;
        memory.write_all(&vec![b'x'; length])?;
    }
    Ok(())
}

/// The argument with its password overwritten, if it is a database URL with one.
pub(super) fn without_password(argument: &OsStr) -> OsString {
    let mut bytes = argument.as_encoded_bytes().to_vec();
    let place = password(&bytes);
    if let Some(place) = place.and_then(|place| bytes.get_mut(place)) {
        place.fill(b'x');
    }
    OsString::from_vec(bytes)
}

/// The range of the password in an argument that is a database URL, or was meant as one, or that is an option of
/// MySQL's clients which gives one.
fn password(argument: &[u8]) -> Option<Range<usize>> {
    password_option(argument).or_else(|| password_in(std::str::from_utf8(argument).ok()?))
}

/// The range of the password in `-pSECRET`, perhaps behind other letters as in `-vpSECRET`, or in
/// `--password=SECRET`.
pub(super) fn password_option(argument: &[u8]) -> Option<Range<usize>> {
    const LONG: &[u8] = b"--password=";
    if argument.starts_with(LONG) {
        return Some(LONG.len()..argument.len());
    }
    let letters = argument.strip_prefix(b"-")?;
    let flags = letters.iter().take_while(|letter| b"qv".contains(letter));
    let start = 1 + flags.count() + 1;
    (argument.get(start - 1) == Some(&b'p') && start < argument.len())
        .then_some(start..argument.len())
}

/// The address of the process's arguments: field 48 of `/proc/self/stat` (proc(5), `arg_start`).
/// The second field may hold blanks, so counting begins behind its parenthesis.
fn arguments_address() -> io::Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let field = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(48 - 3));
    field
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::other("no arg_start in /proc/self/stat"))
}

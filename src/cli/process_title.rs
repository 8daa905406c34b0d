//! Takes passwords out of what `ps` shows of this process.
//!
//! As the servers' own clients do: a password in a URL is accepted, and written over in the
//! process's arguments before anything else happens. Linux keeps them in memory that the
//! process may write to, at an address that `/proc/self/stat` tells.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStringExt;

/// Overwrites every password in an argument that is a database URL. Where that cannot be done
/// the arguments stay as they are.
pub(super) fn hide_passwords() -> io::Result<()> {
    if !std::env::args_os().any(|argument| password(argument.as_encoded_bytes()).is_some()) {
        return Ok(());
    }
    let arguments = fs::read("/proc/self/cmdline")?;
    let mut places = Vec::new();
    let mut start = 0;
    for argument in arguments.split(|byte| *byte == 0) {
        if let Some((from, to)) = password(argument) {
            places.push((start + from, to - from));
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

/// An argument with its password written over, if it is a database URL with one.
pub(super) fn without_password(argument: &OsStr) -> OsString {
    let mut bytes = argument.as_encoded_bytes().to_vec();
    let place = password(&bytes);
    if let Some(place) = place.and_then(|(from, to)| bytes.get_mut(from..to)) {
        place.fill(b'x');
    }
    OsString::from_vec(bytes)
}

/// Where the password of a URL stands in an argument, if it is one or was meant as one: between
/// the first colon after `://` and the last `@`.
fn password(argument: &[u8]) -> Option<(usize, usize)> {
    let text = std::str::from_utf8(argument).ok()?.to_ascii_lowercase();
    // `--against=mysql://…` is one as well, and so are `postgres://…`, `mysql:/…` and `user:…@host`
    // by mistake.
    let begin = match (text.find("://"), text.find(":/"), text.find("//")) {
        (Some(scheme), ..) => scheme + 3,
        (None, Some(scheme), _) | (None, None, Some(scheme)) => scheme + 2,
        _ => 0,
    };
    let rest = text.get(begin..)?;
    let at = rest.rfind('@')?;
    let colon = rest.get(..at)?.find(':')?;
    Some((begin + colon + 1, begin + at))
}

/// Field 48 of `/proc/self/stat` (proc(5), `arg_start`); the second field may hold blanks, so
/// counting begins behind its parenthesis.
fn arguments_address() -> io::Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let field = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(48 - 3));
    field
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| io::Error::other("no arg_start in /proc/self/stat"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_where_they_stand_in_urls_only() {
        for (argument, expected) in [
            ("mysql://u:secret@h/db", Some("secret")),
            ("MySQL://u:secret@h/db", Some("secret")),
            ("--against=mysqli://u:se:c@ret@h/db?x=1", Some("se:c@ret")),
            ("mysql://u:@h/db", Some("")),
            ("mysql://u@h:3306/db", None),
            ("mysql:///db", None),
            ("postgres://u:secret@h/", Some("secret")),
            ("mysql:/u:secret@h/", Some("secret")),
            ("mysql//u:secret@h/", Some("secret")),
            ("u:secret@h/db", Some("secret")),
            ("backup@x.sql", None),
        ] {
            let found = password(argument.as_bytes()).map(|(from, to)| &argument[from..to]);
            assert_eq!(found, expected, "{argument}");
        }
    }
}

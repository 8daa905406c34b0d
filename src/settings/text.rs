//! The text of PHP files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::SettingsError;

/// Most bytes that are read of a file; CiviCRM's own settings files have about 25,000.
const MAX_BYTES: u64 = 1 << 20;

/// Whether a path names a PHP file: by the end of its name, or by the first bytes of the file.
pub fn is_settings(path: &Path) -> bool {
    let is_named = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("php"));
    is_named || read_start(path, 64).is_ok_and(|start| begins_php(&start))
}

pub(super) fn begins_php(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.trim_ascii_start()
        .get(..5)
        .is_some_and(|tag| tag.eq_ignore_ascii_case(b"<?php"))
}

/// Reads a whole text file.
pub(super) fn read_text(path: &Path) -> Result<Vec<u8>, SettingsError> {
    let bytes = read_start(path, MAX_BYTES + 1).map_err(|error| SettingsError::Read {
        path: path.to_owned(),
        error,
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SettingsError::TooLarge {
            path: path.to_owned(),
            limit: MAX_BYTES,
        });
    }
    if memchr::memchr(0, &bytes).is_some() {
        return Err(SettingsError::Binary(path.to_owned()));
    }
    Ok(bytes)
}

pub(super) fn read_start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // A pipe would wait, and would lose what was read; the file may be one that a script includes.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

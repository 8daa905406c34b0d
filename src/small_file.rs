//! Files that are read as a whole, but for those that are too large to be what they should.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of a file that holds settings, certificates or what SHOW GRANTS prints.
pub const SMALL: u64 = 1 << 24;

/// Reads a file as a whole.
///
/// # Errors
/// It cannot be read, or has more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_from(File::open(path)?, most)
}

/// Reads what has come from somewhere as a whole, like [`read`].
///
/// # Errors
/// The errors of [`read`].
pub fn read_from(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= most {
        true => Ok(bytes),
        false => Err(io::Error::other(format!(
            "it has more than {} MiB, so it is not a file of this kind",
            most >> 20
        ))),
    }
}

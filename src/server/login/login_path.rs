//! The login file `.mylogin.cnf` (MySQL manual, "mysql_config_editor"): an option file whose
//! lines are encrypted, with a key that stands beside them, so that nobody reads it by chance.
//!
//! 4 unused bytes, 20 bytes of key, then for each line its length when encrypted (4 bytes, least
//! first) and the line itself, in AES-128-ECB with the padding of PKCS #7.

use std::fs::File;
use std::io;
use std::path::Path;

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aes::{Aes128, Block};

use super::error::{Damage, LoginError, Warning};
use super::option_file::{is_absent, mode, read_all};

const UNUSED: usize = 4;
const KEY: usize = 20;
const BLOCK: usize = 16;

/// What a login file gives.
pub(super) enum LoginFile {
    /// The lines of it, decrypted.
    Text(Vec<u8>),
    /// There is none.
    Absent,
    /// There is one, but it does not count.
    Ignored(Warning),
}

/// Reads a login file. As for MySQL's clients it does not count if others than its owner may
/// read or write it.
pub(super) fn read(path: &Path) -> Result<LoginFile, LoginError> {
    let bytes = match read_bytes(path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let warning = Warning::LoginFilePermissions(path.to_owned());
            return Ok(LoginFile::Ignored(warning));
        }
        Err(error) if is_absent(&error) => return Ok(LoginFile::Absent),
        Err(error) => {
            let path = path.to_owned();
            return Ok(LoginFile::Ignored(Warning::Unreadable { path, error }));
        }
    };
    match decrypt(&bytes) {
        Ok(text) => Ok(LoginFile::Text(text)),
        Err(damage) => Err(LoginError::LoginFile {
            path: path.to_owned(),
            damage,
        }),
    }
}

/// What is in the file, unless others may read or write it.
fn read_bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && mode(&metadata) & 0o177 != 0 {
        return Ok(None);
    }
    read_all(file).map(Some)
}

/// The lines of a login file. Empty files are taken for login files without lines.
fn decrypt(file: &[u8]) -> Result<Vec<u8>, Damage> {
    let mut text = Vec::new();
    if file.is_empty() {
        return Ok(text);
    }
    let cut = Damage::Cut(file.len());
    let (_, rest) = file.split_at_checked(UNUSED).ok_or(cut)?;
    let (key, mut rest) = rest.split_at_checked(KEY).ok_or(cut)?;
    let cipher = Aes128::new(&fold(key).into());
    while !rest.is_empty() {
        let at = file.len() - rest.len();
        let (length, tail) = rest.split_first_chunk().ok_or(cut)?;
        let length = usize::try_from(i32::from_le_bytes(*length)).unwrap_or(0);
        if length == 0 || !length.is_multiple_of(BLOCK) {
            return Err(Damage::Length(at));
        }
        let (line, tail) = tail.split_at_checked(length).ok_or(cut)?;
        for block in line.as_chunks::<BLOCK>().0 {
            let mut block = Block::from(*block);
            cipher.decrypt_block(&mut block);
            text.extend_from_slice(&block);
        }
        let padding = padding(&text).ok_or(Damage::Padding(at))?;
        text.truncate(text.len() - padding);
        rest = tail;
    }
    Ok(text)
}

/// The key of AES-128: bytes beyond the sixteenth are folded over the first.
fn fold(key: &[u8]) -> [u8; BLOCK] {
    let mut folded = [0; BLOCK];
    for chunk in key.chunks(BLOCK) {
        for (byte, more) in folded.iter_mut().zip(chunk) {
            *byte ^= more;
        }
    }
    folded
}

/// How many bytes at the end are padding: that many, each of which says so.
fn padding(text: &[u8]) -> Option<usize> {
    let length = usize::from(*text.last()?);
    let (_, padding) = text.split_at_checked(text.len().checked_sub(length)?)?;
    let right = (1..=BLOCK).contains(&length) && padding.iter().all(|&b| usize::from(b) == length);
    right.then_some(length)
}

#[cfg(test)]
pub(super) mod tests;

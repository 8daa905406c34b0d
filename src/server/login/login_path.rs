//! Reads the login file `.mylogin.cnf` (MySQL manual, "mysql_config_editor"): an option file whose lines are
//! encrypted with a key that is stored beside them, so that nobody reads it by accident.
//!
//! Its format: 4 unused bytes, 20 bytes of key, then for each line its length when encrypted (4 bytes,
//! little-endian) and the line itself, in AES-128-ECB with the padding of PKCS #7.

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

/// The result of reading a login file.
pub(super) enum LoginFile {
    /// The lines of the file, decrypted.
    Text(Vec<u8>),
    /// The file does not exist.
    Absent,
    /// The file exists but is ignored, for the reason in the warning.
    Ignored(Warning),
}

/// Reads a login file. As MySQL's clients do, it ignores a file that accounts other than its owner may read or
/// write.
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
    let text = decrypt(&bytes).map_err(|damage| LoginError::LoginFile(path.to_owned(), damage));
    text.map(LoginFile::Text)
}

/// The bytes of the file; `None` if accounts other than its owner may read or write it.
fn read_bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && mode(&metadata) & 0o177 != 0 {
        return Ok(None);
    }
    read_all(file).map(Some)
}

/// Decrypts the lines of a login file. An empty file counts as a login file without lines.
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

/// Makes the key of AES-128: bytes beyond the sixteenth are folded over the first.
fn fold(key: &[u8]) -> [u8; BLOCK] {
    let mut folded = [0; BLOCK];
    for chunk in key.chunks(BLOCK) {
        for (byte, more) in folded.iter_mut().zip(chunk) {
            *byte ^= more;
        }
    }
    folded
}

/// Number of padding bytes at the end of `text`, each of which holds this number; `None` if the padding is
/// wrong.
fn padding(text: &[u8]) -> Option<usize> {
    let length = usize::from(*text.last()?);
    let (_, padding) = text.split_at_checked(text.len().checked_sub(length)?)?;
    let right = (1..=BLOCK).contains(&length) && padding.iter().all(|&b| usize::from(b) == length);
    right.then_some(length)
}

#[cfg(test)]
pub(super) mod tests;

//! The login path file `.mylogin.cnf` that mysql_config_editor writes: an option file, hidden
//! from casual looks by AES-128 in ECB mode with the key beside it (MySQL manual,
//! "mysql_config_editor"; the form is that of the program's own files).

use std::fs;
use std::io;
use std::path::Path;

use aes::Aes128;
use aes::cipher::{BlockDecrypt, KeyInit, generic_array::GenericArray};

use super::option_file::{Options, read_text};
use super::{Login, LoginError};

/// Four bytes that mean nothing, then the key.
const UNUSED: usize = 4;
const KEY: usize = 20;
const BLOCK: usize = 16;
/// Real files hold a few hundred bytes.
const MAX_FILE: u64 = 1 << 20;

/// Reads the groups `client`, `mysql` and the one named. Nothing when there is no file.
///
/// # Errors
/// The file is damaged.
pub(super) fn read(path: &Path, group: Option<&str>) -> Result<Options, LoginError> {
    let failed = |problem: String| LoginError::LoginPath {
        path: path.to_owned(),
        problem,
    };
    let mut options = Options::default();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && group.is_none() => {
            return Ok(options);
        }
        Err(error) => return Err(failed(error.to_string())),
    };
    use std::os::unix::fs::PermissionsExt;
    if metadata.permissions().mode() & 0o077 != 0 {
        options.warnings.push(format!(
            "{} is ignored: others may read it (chmod 600)",
            path.display()
        ));
        return Ok(options);
    }
    if metadata.len() > MAX_FILE {
        return Err(failed("it is too large to be one".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
    let text = decrypted(&bytes).ok_or_else(|| {
        failed("it is damaged; write it again with mysql_config_editor".to_owned())
    })?;
    let mut groups = vec!["client", "mysql"];
    groups.extend(group);
    read_text(&text, &groups, &mut options).map_err(failed)?;
    if let Some(group) = group
        && !text.lines().any(|line| line.trim() == format!("[{group}]"))
    {
        return Err(failed(format!("it has no login path '{group}'")));
    }
    // An empty file says nothing.
    if text.is_empty() {
        options.login = Login::default();
    }
    Ok(options)
}

/// The text in such a file; `None` when it is none.
fn decrypted(bytes: &[u8]) -> Option<String> {
    let (key, mut rest) = bytes.get(UNUSED..)?.split_at_checked(KEY)?;
    let mut folded = [0; BLOCK];
    for (place, byte) in key.iter().enumerate() {
        *folded.get_mut(place % BLOCK)? ^= byte;
    }
    let cipher = Aes128::new(GenericArray::from_slice(&folded));
    let mut text = Vec::new();
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (line, tail) = tail.split_at_checked(length)?;
        if line.len() % BLOCK != 0 {
            return None;
        }
        let begin = text.len();
        for block in line.chunks(BLOCK) {
            let mut block = *GenericArray::from_slice(block);
            cipher.decrypt_block(&mut block);
            text.extend(block);
        }
        // The last byte says how many bytes fill the last block up (PKCS #7).
        let filled = usize::from(*text.last()?);
        if filled == 0 || filled > BLOCK || filled > text.len() - begin {
            return None;
        }
        text.truncate(text.len() - filled);
        rest = tail;
    }
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::cipher::BlockEncrypt;

    /// A file in the form that mysql_config_editor writes.
    fn file(lines: &[&str]) -> Vec<u8> {
        let key: Vec<u8> = (1..=20).collect();
        let mut folded = [0u8; BLOCK];
        for (place, byte) in key.iter().enumerate() {
            folded[place % BLOCK] ^= byte;
        }
        let cipher = Aes128::new(GenericArray::from_slice(&folded));
        let mut bytes = vec![0; UNUSED];
        bytes.extend(&key);
        for line in lines {
            let mut line = format!("{line}\n").into_bytes();
            let fill = BLOCK - line.len() % BLOCK;
            line.extend(std::iter::repeat_n(u8::try_from(fill).unwrap(), fill));
            bytes.extend(u32::try_from(line.len()).unwrap().to_le_bytes());
            for block in line.chunks(BLOCK) {
                let mut block = *GenericArray::from_slice(block);
                cipher.encrypt_block(&mut block);
                bytes.extend(block);
            }
        }
        bytes
    }

    fn written(bytes: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".mylogin.cnf");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn the_group_named_comes_over_the_usual_one() {
        let lines = [
            "[client]",
            "user = \"a\"",
            "[backup]",
            "user = \"b\"",
            "password = \"p#1\"",
        ];
        let (_folder, path) = written(&file(&lines), 0o600);
        let usual = read(&path, None).unwrap();
        assert_eq!(usual.login.user.as_deref(), Some("a"));
        let named = read(&path, Some("backup")).unwrap();
        assert_eq!(named.login.user.as_deref(), Some("b"));
        assert_eq!(named.login.password.unwrap().reveal(), "p#1");
        assert!(read(&path, Some("none")).is_err());
    }

    #[test]
    fn a_damaged_file_is_an_error_wherever_it_is_cut() {
        let whole = file(&["[client]", "user = \"somebody\"", "password = \"s3cret\""]);
        for end in 1..whole.len() {
            let (_folder, path) = written(&whole[..end], 0o600);
            match read(&path, None) {
                // Cut between two lines it is shorter and whole.
                Ok(options) => assert!(options.login.password.is_none(), "{end}"),
                Err(error) => assert!(!error.to_string().contains("s3cret"), "{end}"),
            }
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_ignored() {
        let (_folder, path) = written(&file(&["[client]", "user = \"a\""]), 0o644);
        let options = read(&path, None).unwrap();
        assert_eq!(options.login.user, None);
        assert_eq!(options.warnings.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = decrypted(&bytes);
        }
    }
}

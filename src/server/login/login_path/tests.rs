use aes::cipher::BlockCipherEncrypt;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What `mysql_config_editor` of MySQL 9.7 wrote.
pub(in crate::server::login) fn by_mysql_config_editor() -> Vec<u8> {
    std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/mylogin.cnf"
    ))
    .unwrap()
}

/// A login file with these lines.
pub(in crate::server::login) fn encrypt(lines: &[&str]) -> Vec<u8> {
    let key: Vec<u8> = (1..=20).collect();
    let cipher = Aes128::new(&fold(&key).into());
    let mut file = [vec![0; UNUSED], key].concat();
    for line in lines {
        let padding = BLOCK - line.len() % BLOCK;
        let padded = [line.as_bytes(), &vec![padding as u8; padding]].concat();
        file.extend((padded.len() as u32).to_le_bytes());
        for block in padded.as_chunks::<BLOCK>().0 {
            let mut block = Block::from(*block);
            cipher.encrypt_block(&mut block);
            file.extend_from_slice(&block);
        }
    }
    file
}

#[test]
fn a_file_of_mysql_config_editor_is_decrypted() {
    let text = decrypt(&by_mysql_config_editor()).unwrap();
    assert_eq!(
        String::from_utf8(text).unwrap(),
        r#"[client]
user = "reader"
password = "test-only"
host = "localhost"
[site]
user = "civi crm"
password = "test-only"
host = "db.example.org"
socket = "/run/a b.sock"
port = 3307
[quoted]
user = "o'brien \"x\""
password = "test-only # \\"q' "
[bare]
host = "bare.example.org"
"#
    );
}

#[test]
fn lines_of_any_length_are_decrypted() {
    let lines: Vec<String> = (0..40).map(|length| "x".repeat(length)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        decrypt(&encrypt(&lines)).unwrap(),
        lines.concat().into_bytes()
    );
}

#[test]
fn a_file_cut_anywhere_is_an_error_unless_between_lines() {
    let file = by_mysql_config_editor();
    let whole = decrypt(&file).unwrap();
    for length in 1..file.len() {
        match decrypt(&file[..length]) {
            Ok(text) => assert!(text.is_empty() || text.ends_with(b"\n"), "{length}"),
            Err(damage) => assert_eq!(damage, Damage::Cut(length)),
        }
        if let Ok(text) = decrypt(&file[..length]) {
            assert!(whole.starts_with(&text));
        }
    }
}

#[test]
fn another_key_or_length_is_an_error() {
    let mut file = encrypt(&["[client]\n"]);
    file[UNUSED] ^= 1;
    assert_eq!(decrypt(&file), Err(Damage::Padding(24)));
    for length in [0, 1, 17, -16, i32::MIN] {
        let mut file = encrypt(&["[client]\n"]);
        file[24..28].copy_from_slice(&i32::to_le_bytes(length));
        assert_eq!(decrypt(&file), Err(Damage::Length(24)), "{length}");
    }
    let mut file = encrypt(&["[client]\n"]);
    file[24..28].copy_from_slice(&i32::to_le_bytes(i32::MAX - 15));
    assert_eq!(decrypt(&file), Err(Damage::Cut(44)));
}

#[test]
fn an_empty_file_holds_nothing() {
    assert_eq!(decrypt(&[]), Ok(Vec::new()));
}

proptest! {
    #[test]
    fn no_bytes_make_decryption_panic(
        bytes in vec(any::<u8>(), 0..200),
        at in 0..500usize,
        byte: u8,
    ) {
        let _ = decrypt(&bytes);
        let mut damaged = by_mysql_config_editor();
        damaged[at] = byte;
        if let Err(damage) = decrypt(&damaged) {
            prop_assert!(!damage.to_string().contains("test-only"));
        }
    }
}

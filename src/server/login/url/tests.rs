use proptest::prelude::*;

use super::super::TlsMode;
use super::*;

fn login(user: &str, password: Option<&str>, host: &str, port: Option<u16>, db: &str) -> Login {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Login {
        user: text(user),
        password: password.map(Secret::new),
        host: text(host),
        port,
        database: text(db),
        ..Login::default()
    }
}

#[test]
fn every_part_is_found() {
    for (url, expected) in [
        ("mysql://", login("", None, "", None, "")),
        ("mysql:///civicrm", login("", None, "", None, "civicrm")),
        (
            "mysqli://db/civicrm",
            login("", None, "db", None, "civicrm"),
        ),
        ("MariaDB://u@db", login("u", None, "db", None, "")),
        (
            "mysql://u:p@db:3307/c",
            login("u", Some("p"), "db", Some(3307), "c"),
        ),
        ("mysql://u:@db", login("u", Some(""), "db", None, "")),
        ("mysql://:p@db", login("", Some("p"), "db", None, "")),
        ("mysql://@db:/", login("", None, "db", None, "")),
        ("mysql://[::1]/c", login("", None, "::1", None, "c")),
        (
            "mysql://u@[fe80::1%25eth0]:3306/c",
            login("u", None, "fe80::1%eth0", Some(3306), "c"),
        ),
        (
            "mysql://u%40x:p%3A%2F%25@db/c%20d",
            login("u@x", Some("p:/%"), "db", None, "c d"),
        ),
        (
            "mysql://u:p@ss/w?rd#%@db/c",
            login("u", Some("p@ss/w?rd#%"), "db", None, "c"),
        ),
        (
            "mysql://u:a:b@db/c",
            login("u", Some("a:b"), "db", None, "c"),
        ),
        (
            "mysql://u@db/c?new_link=true",
            login("u", None, "db", None, "c"),
        ),
        (
            "mysql://u@db/c?&&new_link",
            login("u", None, "db", None, "c"),
        ),
    ] {
        assert_eq!(parse(url).as_ref(), Ok(&expected), "{url}");
    }
}

#[test]
fn parameters_say_socket_and_encryption() {
    let url = "mysql://u@localhost/c?socket=/run/a%20b.sock&ssl-mode=VERIFY_CA&ssl-ca=/ca&\
               ssl_capath=/cas&ssl-cert=/cert&ssl-key=%2Fkey";
    let expected = Login {
        socket: Some("/run/a b.sock".into()),
        tls: Tls {
            mode: Some(TlsMode::VerifyCa),
            ca: Some("/ca".into()),
            ca_path: Some("/cas".into()),
            certificate: Some("/cert".into()),
            key: Some("/key".into()),
            public_key: None,
        },
        ..login("u", None, "localhost", None, "c")
    };
    assert_eq!(parse(url), Ok(expected));
}

#[test]
fn what_is_wrong_is_named_without_the_password() {
    for (url, expected) in [
        ("postgres://u:s3cret@h", UrlError::Scheme),
        ("backup.sql", UrlError::Scheme),
        ("mysql:/h", UrlError::Scheme),
        ("mysql://u:s3cret@[::1/c", UrlError::Bracket),
        ("mysql://u:s3cret@h:x", UrlError::Port),
        ("mysql://u:s3cret@h:65536", UrlError::Port),
        ("mysql://u:s3cret@[::1]x", UrlError::Port),
        ("mysql://u:s3cret@::1", UrlError::Port),
        ("mysql://u:s3cret", UrlError::Port),
        ("mysql://u:s3cret%ff@h", UrlError::Encoding("password")),
        ("mysql://u:s3cret@h/%ff", UrlError::Encoding("database")),
        ("mysql://u:s3cret@h?a=b", UrlError::UnknownKey("a".into())),
        (
            "mysql://h?password=s3cret",
            UrlError::UnknownKey("password".into()),
        ),
        ("mysql://u:s3cret@h?ssl-mode=s3cret", UrlError::TlsMode),
        ("mysql://u:s3cret@h?ssl-mode", UrlError::TlsMode),
    ] {
        let error = parse(url).unwrap_err();
        assert_eq!(error, expected, "{url}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
        if is_url(url) {
            assert!(!without_password(url).contains("s3cret"), "{url}");
        }
    }
}

#[test]
fn a_shown_url_has_no_password() {
    for (url, expected) in [
        (
            "mysql://u:s3cret@db:3307/c?socket=/s",
            "mysql://u@db:3307/c?socket=/s",
        ),
        ("mysqli://u:@db", "mysqli://u@db"),
        ("mysql://:s3cret@db", "mysql://@db"),
        ("mysql://u:s3@cret/s3:cret@db", "mysql://u@db"),
        ("mysql://u@db/c", "mysql://u@db/c"),
        ("mysql:///c", "mysql:///c"),
        ("mysql://u:s3cret", "mysql://..."),
        ("backup.sql", "backup.sql"),
    ] {
        assert_eq!(without_password(url), expected);
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text: String, scheme in 0..SCHEMES.len()) {
        for url in [format!("{}://{text}", SCHEMES[scheme]), text] {
            let _ = parse(&url);
            let _ = without_password(&url);
        }
    }

    /// However the rest looks, so long as an `@` says where the password ends.
    #[test]
    fn no_message_and_no_shown_url_holds_the_password(
        before: String,
        after: String,
        rest: String,
    ) {
        let rest = rest.replace('@', "");
        let url = format!("mysql://user:{before}s3cret{after}@{rest}");
        if let Err(error) = parse(&url) {
            let text = format!("{error} {error:?}");
            prop_assert!(!text.contains("s3cret"), "{}", text);
        }
        prop_assert!(!without_password(&url).contains("s3cret"));
    }

    #[test]
    fn a_password_as_it_is_or_encoded_is_found_again(password: String, plain in "[a-zA-Z0-9/?#@:!&= ]*") {
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for (written, meant) in [(&encoded, &password), (&plain, &plain)] {
            let login = parse(&format!("mysql://u:{written}@db:1/c")).unwrap();
            prop_assert_eq!(login.password.as_ref().map(Secret::reveal), Some(meant.as_str()));
            prop_assert_eq!(login.host.as_deref(), Some("db"));
        }
    }
}

#[test]
fn a_way_in_is_written_so_that_it_is_read_back() {
    for url in [
        "mysql://localhost",
        "mysql://u%40x@h:3307/d%2Fb",
        "mysql://u@[::1]:3306/d",
        "mysql://u@localhost/d?socket=/run/s.sock",
    ] {
        assert_eq!(of(&parse(url).unwrap()), url);
    }
}

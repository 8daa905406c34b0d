use std::path::PathBuf;

use super::super::{OptionPlace, Tls};
use super::*;

/// What these lines come to; the password shown, for tests alone.
fn options(lines: &[&str]) -> Result<Options, LoginError> {
    let mut options = Options::default();
    for (at, line) in lines.iter().enumerate() {
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.as_bytes().to_vec())),
            None => (*line, None),
        };
        options.set(&Setting {
            place: OptionPlace {
                file: "my.cnf".into(),
                line: at + 1,
            },
            name: name.into(),
            value,
        })?;
    }
    Ok(options)
}

fn tls_mode_of(lines: &[&str]) -> Option<TlsMode> {
    options(lines).unwrap().login.tls.mode
}

#[test]
fn every_option_has_its_place() {
    let all = options(&[
        "host=h",
        "port=3307",
        "socket=/s",
        "protocol=TCP",
        "user=u",
        "password=p",
        "database=d",
        "connect-timeout=5",
        "ssl-mode=verify_identity",
        "ssl-ca=/ca",
        "ssl-capath=/cas",
        "ssl-cert=/cert",
        "ssl-key=/key",
        "server-public-key-path=/public",
    ]);
    let expected = Login {
        host: Some("h".into()),
        port: Some(3307),
        socket: Some("/s".into()),
        protocol: Some(Protocol::Tcp),
        user: Some("u".into()),
        password: Some(Secret::new("p")),
        database: Some("d".into()),
        connect_timeout: Some(5),
        tls: Tls {
            mode: Some(TlsMode::VerifyIdentity),
            ca: Some("/ca".into()),
            ca_path: Some("/cas".into()),
            certificate: Some("/cert".into()),
            key: Some("/key".into()),
            public_key: Some("/public".into()),
        },
        read_timeout: None,
    };
    assert_eq!(all.unwrap().login, expected);
}

#[test]
fn names_are_those_that_the_clients_take() {
    for line in [
        "ssl_ca=/x",
        "ssl-ca=/x",
        "loose_ssl-ca=/x",
        "loose-SSL_CA=/x",
        "enable-ssl-ca=/x",
    ] {
        let ca = options(&[line]).unwrap().login.tls.ca;
        assert_eq!(ca, Some(PathBuf::from("/x")), "{line}");
    }
    for line in [
        "prompt=x",
        "sslca=/x",
        "skip-ssl-ca=/x",
        "pager",
        "=x",
        "loose-x",
    ] {
        assert_eq!(options(&[line]).unwrap().login, Login::default(), "{line}");
    }
}

#[test]
fn the_last_setting_counts() {
    let login = options(&["host=a", "user=u", "host=b", "user=", "port=1", "port=0"]);
    let expected = Login {
        host: Some("b".into()),
        ..Login::default()
    };
    assert_eq!(login.unwrap().login, expected);
}

#[test]
fn a_password_without_a_value_is_asked_for() {
    let known = |password| (false, Some(Secret::new(password)));
    for (lines, expected) in [
        (&["password"][..], (true, None)),
        (&["password=x", "password"], (true, None)),
        (&["password", "password=x"], known("x")),
        (&["password", "password="], known("")),
        (&["password", "skip-password"], known("")),
        (&["skip_password"], known("")),
        (&["user=u"], (false, None)),
    ] {
        let options = options(lines).unwrap();
        assert_eq!(
            (options.ask_password, options.login.password),
            expected,
            "{lines:?}"
        );
    }
}

#[test]
fn all_ways_to_ask_for_encryption_act_on_one_mode() {
    use TlsMode::{Disabled, Preferred, Required, VerifyCa, VerifyIdentity};
    for (lines, expected) in [
        (&["user=u"][..], None),
        (&["ssl"], Some(Required)),
        (&["ssl=1"], Some(Required)),
        (&["ssl=ON"], Some(Required)),
        (&["enable-ssl"], Some(Required)),
        (&["skip-ssl=0"], Some(Required)),
        (&["ssl=0"], Some(Disabled)),
        (&["ssl=False"], Some(Disabled)),
        (&["skip-ssl"], Some(Disabled)),
        (&["loose-skip_ssl"], Some(Disabled)),
        (&["disable-ssl"], Some(Disabled)),
        (&["disable-ssl=1"], Some(Disabled)),
        (&["ssl=0", "ssl=1"], Some(Required)),
        (&["ssl", "skip-ssl"], Some(Disabled)),
        (&["ssl-mode=PREFERRED"], Some(Preferred)),
        (&["ssl_mode=verify-ca"], Some(VerifyCa)),
        (&["ssl-mode=VERIFY_IDENTITY", "ssl"], Some(VerifyIdentity)),
        (&["ssl-mode=REQUIRED", "skip-ssl"], Some(Disabled)),
        (&["ssl-verify-server-cert"], Some(VerifyIdentity)),
        (&["ssl-verify-server-cert=0"], None),
        (&["ssl", "disable-ssl-verify-server-cert"], Some(Required)),
        (
            &["ssl-verify-server-cert", "skip-ssl-verify-server-cert"],
            Some(VerifyCa),
        ),
        (&["ssl-ca=/ca"], Some(VerifyCa)),
        (&["ssl-capath=/cas"], Some(VerifyCa)),
        (&["ssl-ca=/ca", "ssl"], Some(VerifyCa)),
        (&["ssl-ca=/ca", "ssl=0"], Some(Disabled)),
        (
            &["ssl-verify-server-cert", "ssl-ca=/ca"],
            Some(VerifyIdentity),
        ),
        (&["ssl-mode=REQUIRED", "ssl-ca=/ca"], Some(Required)),
        (&["ssl-ca=/ca", "ssl-mode=REQUIRED"], Some(Required)),
        (&["ssl-cert=/c", "ssl-key=/k"], None),
    ] {
        assert_eq!(tls_mode_of(lines), expected, "{lines:?}");
    }
}

#[test]
fn wrong_values_are_named_by_place_and_not_shown() {
    for (line, expected) in [
        (
            "port=s3cret",
            "my.cnf:2: port wants a number from 0 to 65535",
        ),
        (
            "port=65536",
            "my.cnf:2: port wants a number from 0 to 65535",
        ),
        ("port=-1", "my.cnf:2: port wants a number from 0 to 65535"),
        ("port=", "my.cnf:2: port wants a number from 0 to 65535"),
        ("port", "my.cnf:2: port wants a value"),
        ("user", "my.cnf:2: user wants a value"),
        ("protocol=pipe", "my.cnf:2: protocol wants TCP or SOCKET"),
        (
            "connect_timeout=s3cret",
            "my.cnf:2: connect-timeout wants a number of seconds",
        ),
        (
            "loose-ssl=s3cret",
            "my.cnf:2: ssl wants one of 0, 1, OFF, ON, FALSE, TRUE",
        ),
        (
            "ssl-mode=s3cret",
            "my.cnf:2: ssl-mode wants one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY",
        ),
    ] {
        let error = options(&["user=u", line]).err().unwrap().to_string();
        assert_eq!(error, expected, "{line}");
    }
}

#[test]
fn a_password_that_is_no_utf8_is_an_error_that_hides_it() {
    let setting = Setting {
        place: OptionPlace {
            file: "my.cnf".into(),
            line: 1,
        },
        name: b"password".to_vec(),
        value: Some(b"s3cret\xe9".to_vec()),
    };
    let error = Options::default().set(&setting).unwrap_err();
    assert_eq!(
        error.to_string(),
        "my.cnf:1: password wants a value in UTF-8"
    );
    assert!(!format!("{error:?}").contains("s3cret"));
}

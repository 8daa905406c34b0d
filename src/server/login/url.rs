//! `mysql://user@host:port/database?socket=…`: a server as the command line names it.

use std::path::PathBuf;

use super::option_file::tls_mode;
use super::{Login, LoginError, Secret};

/// Whether an argument is a URL of ours.
pub fn is_url(text: &str) -> bool {
    split_scheme(text).is_some()
}

fn split_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    ["mysql", "mysqli", "mariadb"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name))
        .then_some(rest)
}

/// Reads a URL; every part may be left out. User, password, host, database and values are
/// percent-encoded where they hold `: / ? # [ ] @ %`.
///
/// # Errors
/// It is none. The message holds no password.
pub fn parse(text: &str) -> Result<Login, LoginError> {
    let wrong = |problem: &str| LoginError::Url {
        url: without_password(text),
        problem: problem.to_owned(),
    };
    let rest = split_scheme(text).ok_or_else(|| wrong("it begins with mysql://"))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password may hold a bare @ or /, so the host begins behind the last @.
    let (account, place) = match rest.rsplit_once('@') {
        Some((account, place)) => (Some(account), place),
        None => (None, rest),
    };
    let (address, database) = place.split_once('/').unwrap_or((place, ""));
    let mut login = Login::default();
    let decoded = |text: &str| {
        decoded(text).ok_or_else(|| wrong("a % is followed by two hexadecimal digits"))
    };
    if let Some(account) = account {
        let (user, password) = match account.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (account, None),
        };
        login.user = Some(decoded(user)?).filter(|user| !user.is_empty());
        login.password = password
            .map(|password| decoded(password).map(Secret::new))
            .transpose()?;
    }
    let (host, port) = match address.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, rest))) => (host, rest.strip_prefix(':')),
        Some(None) => return Err(wrong("an address in brackets needs a ]")),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    login.host = Some(decoded(host)?).filter(|host| !host.is_empty());
    if let Some(port) = port {
        login.port = Some(
            port.parse()
                .map_err(|_| wrong("the port is no number up to 65535"))?,
        );
    }
    login.database = Some(decoded(database)?).filter(|name| !name.is_empty());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value)?;
        let path = || Some(PathBuf::from(&value));
        match name {
            "socket" => login.socket = path(),
            "ssl-mode" => {
                let mode = tls_mode(&value).ok_or_else(|| wrong("ssl-mode is none of disabled, preferred, required, verify-ca, verify-identity"))?;
                login.tls.mode = Some(mode);
            }
            "ssl-ca" => login.tls.ca = path(),
            "ssl-capath" => login.tls.ca_path = path(),
            "ssl-cert" => login.tls.certificate = path(),
            "ssl-key" => login.tls.key = path(),
            // CiviCRM's own DSNs say it; it is for PHP.
            "new_link" => {}
            _ => {
                return Err(wrong(
                    "after the ? stand socket, ssl-mode, ssl-ca, ssl-capath, ssl-cert or ssl-key",
                ));
            }
        }
    }
    Ok(login)
}

/// A way in as a URL, without its password.
pub fn of(login: &Login) -> String {
    let mut url = "mysql://".to_owned();
    if let Some(user) = &login.user {
        url.push_str(&encoded(user));
        url.push('@');
    }
    let host = login.host.as_deref().unwrap_or("localhost");
    if host.contains(':') {
        url.push_str(&format!("[{host}]"));
    } else {
        url.push_str(&encoded(host));
    }
    if let Some(port) = login.port {
        url.push_str(&format!(":{port}"));
    }
    if let Some(database) = &login.database {
        url.push_str(&format!("/{}", encoded(database)));
    }
    if let Some(socket) = &login.socket {
        url.push_str(&format!("?socket={}", socket.display()));
    }
    url
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The URL without its password, for reports and messages.
pub fn without_password(url: &str) -> String {
    let hidden = || {
        let begin = url.find("://")? + 3;
        let rest = url.get(begin..)?;
        let query = rest.find('?').unwrap_or(rest.len());
        let at = rest.get(..query)?.rfind('@').or_else(|| rest.rfind('@'))?;
        let colon = rest.get(..at)?.find(':')?;
        Some(format!(
            "{}{}",
            url.get(..begin + colon)?,
            url.get(begin + at..)?
        ))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        type Parts<'a> = (
            Option<&'a str>,
            Option<&'a str>,
            Option<&'a str>,
            Option<u16>,
            Option<&'a str>,
            Option<&'a str>,
        );
        let cases: &[(&str, Parts)] = &[
            ("mysql://", (None, None, None, None, None, None)),
            (
                "mysql:///civi",
                (None, None, None, None, Some("civi"), None),
            ),
            (
                "mysql://u@h:3307/d",
                (Some("u"), None, Some("h"), Some(3307), Some("d"), None),
            ),
            (
                "mysqli://u:p%40%2F@h/d?new_link=true",
                (Some("u"), Some("p@/"), Some("h"), None, Some("d"), None),
            ),
            (
                "mariadb://u:p@ss/w@h/d",
                (Some("u"), Some("p@ss/w"), Some("h"), None, Some("d"), None),
            ),
            (
                "mysql://u@[::1]:3306/d",
                (Some("u"), None, Some("::1"), Some(3306), Some("d"), None),
            ),
            (
                "MySQL://u@localhost/d?socket=/run/x%20y.sock",
                (
                    Some("u"),
                    None,
                    Some("localhost"),
                    None,
                    Some("d"),
                    Some("/run/x y.sock"),
                ),
            ),
            (
                "mysql://u:@h",
                (Some("u"), Some(""), Some("h"), None, None, None),
            ),
        ];
        for (url, expected) in cases {
            let login = parse(url).unwrap();
            let socket = login.socket.as_ref().map(|path| path.to_str().unwrap());
            let found = (
                login.user.as_deref(),
                login.password.as_ref().map(Secret::reveal),
                login.host.as_deref(),
                login.port,
                login.database.as_deref(),
                socket,
            );
            assert_eq!(found, *expected, "{url}");
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

    #[test]
    fn errors_and_names_hold_no_password() {
        for url in [
            "mysql://u:s3cret@h:port/d",
            "mysql://u:s3cret@[::1/d",
            "mysql://u:s3cret@h/d?x=1",
            "mysql://u:s3cret%zz@h/d",
            "mysql://u:s3cret@h/d?ssl-mode=x",
            "mysql://u:s3cr?s3cret@h/d",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(!error.contains("s3cr"), "{error}");
        }
        assert_eq!(without_password("mysql://u:p@h/d"), "mysql://u@h/d");
        assert_eq!(without_password("mysql://u@h:1/d"), "mysql://u@h:1/d");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = parse(&format!("mysql://{text}"));
        }
    }
}

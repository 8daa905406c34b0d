//! Servers as URLs: `mysql://user:password@host:port/database?socket=/path`.
//!
//! Everything up to the last `@` is user and password. Neither need be percent-encoded, but for a `%` before
//! two hexadecimal digits, and for a `:` in the name of a user. After the last `@`, an `@` must be encoded.

pub mod parts;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::parts::{Address, Dialect, Malformed, host_and_port, password_in};
use super::options::{TLS_MODES, tls_mode};
use super::{LOCALHOST, Login, Secret, Tls};

/// Bytes that have a meaning in a URL, or are not ASCII.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'-')
    .remove(b'.')
    .remove(b'~');

const SCHEMES: [&str; 3] = ["mysql", "mysqli", "mariadb"];

/// Why a URL does not name a server. No message holds what may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The URL has another scheme than `mysql` or `mariadb`, or none.
    #[error("a server's URL begins with mysql://, mysqli:// or mariadb://")]
    Scheme,
    /// The bracket of an IPv6 address is not closed, as in `[::1`.
    #[error("the URL has an IPv6 address that no ']' ends")]
    Bracket,
    /// The port is not a number, or the number is too great.
    #[error(
        "the port in the URL is not a number from 0 to 65535 (an IPv6 address stands in brackets, \
         and an '@' after the host is written %40)"
    )]
    Port,
    /// A part of the URL is not UTF-8 after decoding; this is the name of the part.
    #[error("the {0} in the URL is not UTF-8")]
    Encoding(&'static str),
    /// The URL has a parameter that is not known; this is its name.
    #[error(
        "the URL has the unknown parameter '{0}'; known are socket, ssl-mode, ssl-ca, ssl-capath, \
         ssl-cert, ssl-key"
    )]
    UnknownKey(String),
    /// The TLS mode in the URL does not exist.
    #[error("ssl-mode in the URL wants {TLS_MODES}")]
    TlsMode,
}

/// Whether the text is meant as the URL of a server.
pub fn is_url(text: &str) -> bool {
    split_scheme(text).is_some()
}

/// Reads a URL. Each part may be empty: `mysql://` is a URL, too.
///
/// # Errors
/// The text is not a URL of a server, or has a part that is not known.
pub fn parse(url: &str) -> Result<Login, UrlError> {
    let (_, rest) = split_scheme(url).ok_or(UrlError::Scheme)?;
    let parts = parts::split(rest, Dialect::Url)?;
    let (Address::Tcp(address) | Address::Socket(address)) = parts.address;
    let (host, port) = host_and_port(address)?;
    let (user, password) = match parts.account {
        Some(account) => (account.user, account.password),
        None => ("", None),
    };
    let mut login = Login {
        host: decode(host, "host")?,
        port: match port {
            "" => None,
            port => Some(port.parse().map_err(|_| UrlError::Port)?),
        },
        user: decode(user, "user")?,
        password: match password {
            Some(password) => decode(password, "password")?.or_else(|| Some(String::new())),
            None => None,
        }
        .map(Secret::new),
        database: decode(parts.database, "database")?,
        ..Login::default()
    };
    for pair in parts.options.split('&').filter(|pair| !pair.is_empty()) {
        set_parameter(&mut login, pair)?;
    }
    Ok(login)
}

/// A URL as it may be shown. Of a URL that cannot be read only the scheme is left, because its password may be
/// anywhere; a text that is not the URL of a server is returned as it is.
pub fn without_password(url: &str) -> String {
    let Some((scheme, _)) = split_scheme(url) else {
        return match misspelled(url) {
            Some(server) => format!("...@{server}"),
            None => url.to_owned(),
        };
    };
    if parse(url).is_err() {
        return format!("{scheme}://...");
    }
    let Some(password) = password_in(url) else {
        return url.to_owned();
    };
    // The colon before the password is removed as well.
    let mut shown = url.to_owned();
    shown.replace_range(password.start.saturating_sub(1)..password.end, "");
    shown
}

/// The text after the `@`, if the text would be a URL with a password but for its scheme.
pub fn misspelled(text: &str) -> Option<&str> {
    let (account, server) = text.rsplit_once('@')?;
    (split_scheme(text).is_none() && account.contains(':')).then_some(server)
}

/// The URL of a login, without its password.
pub fn of(login: &Login) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let mut url = "mysql://".to_owned();
    if let Some(user) = &login.user {
        url.push_str(&format!("{}@", encoded(user)));
    }
    let host = login.host.as_deref().unwrap_or(LOCALHOST);
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

/// The scheme and the text after `://`; `None` if there is no `://`.
fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let known = SCHEMES.iter().any(|name| name.eq_ignore_ascii_case(scheme));
    known.then_some((scheme, rest))
}

impl From<Malformed> for UrlError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Bracket => Self::Bracket,
            Malformed::Port => Self::Port,
            Malformed::Protocol => Self::Scheme,
        }
    }
}

fn set_parameter(login: &mut Login, pair: &str) -> Result<(), UrlError> {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let Tls {
        mode,
        ca,
        ca_path,
        certificate,
        key: private_key,
        public_key,
    } = &mut login.tls;
    let (file, name) = match key.replace('_', "-").as_str() {
        // An option of PHP: a second connection to the same server.
        "new-link" => return Ok(()),
        "ssl-mode" => {
            let value = decode(value, "ssl-mode")?.unwrap_or_default();
            *mode = Some(tls_mode(&value).ok_or(UrlError::TlsMode)?);
            return Ok(());
        }
        "socket" => (&mut login.socket, "socket"),
        "ssl-ca" => (ca, "ssl-ca"),
        "ssl-capath" => (ca_path, "ssl-capath"),
        "ssl-cert" => (certificate, "ssl-cert"),
        "ssl-key" => (private_key, "ssl-key"),
        "server-public-key-path" => (public_key, "server-public-key-path"),
        _ => return Err(UrlError::UnknownKey(key.to_owned())),
    };
    *file = decode(value, name)?.map(Into::into);
    Ok(())
}

/// The decoded text; `None` if it is empty.
fn decode(part: &str, name: &'static str) -> Result<Option<String>, UrlError> {
    let text = parts::decode(part).map_err(|_| UrlError::Encoding(name))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests;

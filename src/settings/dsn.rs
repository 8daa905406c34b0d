//! A DSN, `mysql://user:password@host:port/database?option=value`, and the login in it.
//!
//! CiviCRM gives the DSN to PEAR's `DB::parseDSN`, whose rules these are: the host begins after the last `@`,
//! the password after the first `:`, and `%XX` counts as a byte wherever two hexadecimal digits follow. Since
//! CiviCRM 5.39, installers write all special characters in this form.

use std::path::PathBuf;

use crate::server::login::url::parts::{self, Address, Dialect, Malformed};
use crate::server::login::{Login, Secret, Tls, TlsMode};

/// Why a DSN does not give a login. No message holds a part of the DSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DsnError {
    /// The DSN is not for MySQL.
    #[error("does not begin with mysql:// or mysqli://")]
    Scheme,
    /// The DSN holds placeholders of the installer's template.
    #[error(
        "holds placeholders (%%...%%): this is the template for settings files, not a site's file"
    )]
    Template,
    /// The DSN does not name a database.
    #[error("names no database (mysql://user:password@host/database)")]
    NoDatabase,
    /// The port is not a number from 1 to 65535.
    #[error(
        "has a port that is not a number from 1 to 65535; an @ : / ? or % in the user name or the \
         password has to be written as %40 %3A %2F %3F or %25"
    )]
    Port,
    /// A bracket of `unix(` or of an IPv6 address is not closed.
    #[error("has a bracket in its host that is not closed")]
    Bracket,
    /// The DSN has a protocol other than `tcp` and `unix`.
    #[error("has a protocol other than tcp(host) and unix(/path/of/socket)")]
    Protocol,
    /// A part of the DSN is not UTF-8.
    #[error("holds bytes that are not UTF-8; write them as %XX of their UTF-8 form")]
    Encoding,
    /// The value of the constant is not text.
    #[error("is not text")]
    NotText,
}

/// Reads a DSN into a login.
///
/// # Errors
/// The text is not a DSN, or does not name a database.
pub fn parse(dsn: &[u8]) -> Result<Login, DsnError> {
    let dsn = std::str::from_utf8(dsn).map_err(|_| DsnError::Encoding)?;
    let (scheme, rest) = dsn.split_once("://").ok_or(DsnError::Scheme)?;
    if !matches!(scheme, "mysql" | "mysqli") {
        return Err(DsnError::Scheme);
    }
    let parts = parts::split(rest, Dialect::Pear)?;
    if is_placeholder(parts.database) {
        return Err(DsnError::Template);
    }
    let mut login = Login {
        database: Some(some(decode(parts.database)?).ok_or(DsnError::NoDatabase)?),
        tls: tls(parts.options)?,
        ..Login::default()
    };
    match parts.address {
        Address::Socket(socket) => login.socket = some(decode(socket)?).map(PathBuf::from),
        Address::Tcp(host) => (login.host, login.port) = host_and_port(&decode(host)?)?,
    }
    if login.host.as_deref() == Some("localhost") {
        login.socket = socket(parts.options)?;
    }
    if let Some(account) = parts.account {
        if is_placeholder(account.user) {
            return Err(DsnError::Template);
        }
        login.user = some(decode(account.user)?);
        // With `None`, a password from elsewhere would be used, which PHP would not send.
        login.password = Some(Secret::new(decode(account.password.unwrap_or_default())?));
    }
    Ok(login)
}

impl From<Malformed> for DsnError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Bracket => Self::Bracket,
            Malformed::Port => Self::Port,
            Malformed::Protocol => Self::Protocol,
        }
    }
}

/// Reads `host`, `host:port`, `[IPv6]` or `[IPv6]:port`.
fn host_and_port(text: &str) -> Result<(Option<String>, Option<u16>), DsnError> {
    // An IPv6 address without brackets leaves no room for a port.
    let (host, port) = match text.parse::<std::net::Ipv6Addr>() {
        Ok(_) => (text, ""),
        Err(_) => parts::host_and_port(text)?,
    };
    let port = match port {
        "" => None,
        port => match port.parse() {
            Ok(0) | Err(_) => return Err(DsnError::Port),
            Ok(port) => Some(port),
        },
    };
    // PHP takes an empty host for localhost; with `None`, a host from elsewhere would be used.
    let host = some(host.to_owned()).unwrap_or_else(|| "localhost".to_owned());
    Ok((Some(host), port))
}

/// The value of the option `socket`, which PEAR's DB hands on, and PHP uses for localhost.
fn socket(options: &str) -> Result<Option<PathBuf>, DsnError> {
    let mut named = options
        .split('&')
        .filter_map(|option| option.strip_prefix("socket="));
    let socket = named.next().map(decode).transpose()?;
    Ok(socket.and_then(some).map(PathBuf::from))
}

/// Reads the options that concern encryption; `new_link` and others are ignored.
///
/// CiviCRM encrypts when any of the six is there, `ssl=` whatever its value
/// (`CRM_Utils_SQL::isSSLDSN`). PHP's mysqlnd then checks the server's certificate and its name,
/// unless nothing but `ssl` is given (`enable_ssl` in `mysqlnd_vio.c`: `verify_peer` and
/// `verify_peer_name` follow from key, cert, ca, capath or cipher).
fn tls(options: &str) -> Result<Tls, DsnError> {
    let mut tls = Tls::default();
    for option in options.split('&') {
        let Some((name, value)) = option.split_once('=') else {
            continue;
        };
        let target = match name {
            "key" => Some(&mut tls.key),
            "cert" => Some(&mut tls.certificate),
            "ca" => Some(&mut tls.ca),
            "capath" => Some(&mut tls.ca_path),
            "cipher" | "ssl" => None,
            _ => continue,
        };
        if let Some(target) = target {
            *target = some(decode(value)?).map(PathBuf::from);
        }
        let mode = match name == "ssl" || value.is_empty() {
            true => TlsMode::Required,
            false => TlsMode::VerifyIdentity,
        };
        tls.mode = tls.mode.max(Some(mode));
    }
    Ok(tls)
}

fn decode(part: &str) -> Result<String, DsnError> {
    parts::decode(part).map_err(|_| DsnError::Encoding)
}

/// Whether the text is a placeholder such as `%%dbUser%%` of the installer's template.
fn is_placeholder(text: &str) -> bool {
    text.strip_prefix("%%")
        .and_then(|text| text.strip_suffix("%%"))
        .is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

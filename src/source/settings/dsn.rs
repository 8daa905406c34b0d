//! A DSN, `mysql://user:password@host:port/database?option=value`, and the login in it.
//!
//! CiviCRM gives it to PEAR's `DB::parseDSN`, whose rules these are: the host begins behind the
//! last `@`, the password behind the first `:`, and `%XX` counts as a byte wherever it is two hex
//! digits; since CiviCRM 5.39 installers write all special characters so.

use std::path::PathBuf;

use crate::server::login::{Login, Secret, Tls, TlsMode};

/// Why a DSN gives no login. It says nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DsnError {
    /// It is not for MySQL.
    #[error("does not begin with mysql:// or mysqli://")]
    Scheme,
    /// The installer's placeholders stand in it.
    #[error(
        "holds placeholders (%%...%%): this is the template for settings files, not a site's file"
    )]
    Template,
    /// There is no database.
    #[error("names no database (mysql://user:password@host/database)")]
    NoDatabase,
    /// The port is none.
    #[error(
        "has a port that is no number from 1 to 65535; an @ : / ? or % in the user name or the \
         password has to be written as %40 %3A %2F %3F or %25"
    )]
    Port,
    /// A bracket of `unix(` or of an IPv6 address stays open.
    #[error("has a bracket in its host that is not closed")]
    Bracket,
    /// A protocol other than `tcp` and `unix`.
    #[error("has a protocol other than tcp(host) and unix(/path/of/socket)")]
    Protocol,
    /// A part is not UTF-8.
    #[error("holds bytes that are not UTF-8; write them as %XX of their UTF-8 form")]
    Encoding,
    /// The value is no text.
    #[error("is no text")]
    NotText,
}

/// Reads a DSN.
///
/// # Errors
/// It is none, or names no database.
pub fn parse(dsn: &[u8]) -> Result<Login, DsnError> {
    let dsn = std::str::from_utf8(dsn).map_err(|_| DsnError::Encoding)?;
    let (scheme, rest) = dsn.split_once("://").ok_or(DsnError::Scheme)?;
    if !matches!(scheme, "mysql" | "mysqli") {
        return Err(DsnError::Scheme);
    }
    let (account, place) = match rest.rsplit_once('@') {
        Some((account, place)) => (Some(account), place),
        None => (None, rest),
    };
    let mut login = address(place)?;
    if let Some(account) = account {
        let (user, password) = account.split_once(':').unwrap_or((account, ""));
        if is_placeholder(user) {
            return Err(DsnError::Template);
        }
        login.user = some(decode(user)?);
        // None would let a password from elsewhere in, which PHP would not send.
        login.password = Some(Secret::new(decode(password)?));
    }
    Ok(login)
}

/// What stands behind the `@`.
fn address(place: &str) -> Result<Login, DsnError> {
    let (host, path) = match place.split_once('(') {
        Some(("unix", rest)) => {
            let (socket, path) = rest.split_once(')').ok_or(DsnError::Bracket)?;
            (Host::Socket(socket), path.strip_prefix('/').unwrap_or(path))
        }
        Some(("tcp", rest)) => {
            let (host, path) = rest.split_once(')').ok_or(DsnError::Bracket)?;
            (Host::Tcp(host), path.strip_prefix('/').unwrap_or(path))
        }
        Some((before, _)) if !before.contains('/') => return Err(DsnError::Protocol),
        _ => {
            let (host, path) = place.split_once('/').unwrap_or((place, ""));
            (Host::Tcp(host), path)
        }
    };
    let (database, options) = path.split_once('?').unwrap_or((path, ""));
    if is_placeholder(database) {
        return Err(DsnError::Template);
    }
    let mut login = Login {
        database: Some(some(decode(database)?).ok_or(DsnError::NoDatabase)?),
        tls: tls(options)?,
        ..Login::default()
    };
    match host {
        Host::Socket(socket) => login.socket = some(decode(socket)?).map(PathBuf::from),
        Host::Tcp(host) => (login.host, login.port) = host_and_port(&decode(host)?)?,
    }
    Ok(login)
}

enum Host<'a> {
    Socket(&'a str),
    Tcp(&'a str),
}

/// `host`, `host:port`, `[IPv6]`, `[IPv6]:port`.
fn host_and_port(text: &str) -> Result<(Option<String>, Option<u16>), DsnError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(DsnError::Bracket)?;
            (host, rest.strip_prefix(':').unwrap_or(rest))
        }
        // An IPv6 address without brackets leaves no room for a port.
        None if text.matches(':').count() > 1 && text.parse::<std::net::Ipv6Addr>().is_ok() => {
            (text, "")
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = match port {
        "" => None,
        port => match port.parse() {
            Ok(0) | Err(_) => return Err(DsnError::Port),
            Ok(port) => Some(port),
        },
    };
    // PHP takes no host for localhost; None would let a host from elsewhere in.
    let host = some(host.to_owned()).unwrap_or_else(|| "localhost".to_owned());
    Ok((Some(host), port))
}

/// The options that concern encryption; `new_link` and others mean nothing here.
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

/// `%XX` is a byte where two hex digits follow; any other `%` stays.
fn decode(text: &str) -> Result<String, DsnError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| DsnError::Encoding)
}

/// `%%dbUser%%` and the like, as the installer's template has them.
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

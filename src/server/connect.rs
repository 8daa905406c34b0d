//! How a connection is made: over a socket or TCP, with TLS where the login asks for it, and why it cannot be made.

use std::error::Error as _;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use mysql::{Conn, OptsBuilder, SslOpts};
use tempfile::NamedTempFile;

use super::authorities;
use super::error::ServerError;
use super::login::{Endpoint, Login, Tls, TlsMode};
use super::watch::guarded;
use crate::small_file::{self, SMALL};

/// Seconds to wait for a connection unless the login gives another number.
const CONNECT_TIMEOUT: u64 = 10;
/// Seconds to wait for the next piece of an answer unless the login gives another number.
const READ_TIMEOUT: u64 = 300;
/// How long a statement may take that works on a whole table, during which the server says nothing: a day.
pub(super) const LONG: Duration = Duration::from_secs(24 * 60 * 60);
/// The most bytes of one packet, which no row of CiviCRM comes near; servers take at most 1 GiB.
pub(crate) const PACKET: usize = 256 << 20;
/// Seconds after which a connection on which nothing goes on is tried whether it is still there, and between tries.
const KEEPALIVE: u32 = 30;

/// How long to wait for the next piece of an answer.
pub(super) fn patience(login: &Login) -> Duration {
    Duration::from_secs(login.read_timeout.unwrap_or(READ_TIMEOUT).max(1))
}

/// The server's name in messages.
pub(super) fn name_of(endpoint: &Endpoint) -> String {
    format!("server at {endpoint}")
}

/// Certificates in the form that the library takes: one file for all certificate authorities.
pub(super) struct Certificates {
    ca: Option<PathBuf>,
    /// Keeps the joined file of a folder's certificate authorities while the connection is made.
    _joined: Option<NamedTempFile>,
}

impl Certificates {
    pub(super) fn gather(tls: &Tls) -> Result<Self, ServerError> {
        let about = |path: &Path| {
            let path = path.display().to_string();
            move |error| ServerError::NoWayIn(format!("{path}: {error}"))
        };
        let readable = |path: &Path| small_file::read(path, SMALL).map_err(about(path));
        let files = [&tls.ca, &tls.certificate, &tls.key, &tls.public_key];
        for path in files.into_iter().flatten() {
            readable(path)?;
        }
        let Some(folder) = tls.ca_path.as_deref().filter(|_| tls.ca.is_none()) else {
            return Ok(Self {
                ca: tls.ca.clone(),
                _joined: None,
            });
        };
        let in_folder = |error| about(folder)(error);
        let mut all = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(in_folder)? {
            let path = entry.map_err(in_folder)?.path();
            if path.is_file() {
                let text = readable(&path)?;
                if text.windows(11).any(|part| part == b"CERTIFICATE") {
                    all.extend(text);
                    all.push(b'\n');
                }
            }
        }
        let joined = NamedTempFile::new().map_err(in_folder)?;
        std::fs::write(joined.path(), all).map_err(in_folder)?;
        Ok(Self {
            ca: Some(joined.path().to_owned()),
            _joined: Some(joined),
        })
    }
}

/// Connects in the way that the TLS mode asks for; returns whether the connection is encrypted.
pub(super) fn connect(
    login: &Login,
    endpoint: &Endpoint,
    certificates: &Certificates,
) -> Result<(Conn, bool), ServerError> {
    // A socket leaves the machine no more than shared memory does; the library never encrypts it.
    let mode = match endpoint {
        Endpoint::Socket(_) => TlsMode::Disabled,
        Endpoint::Tcp { .. } => login.tls.mode.unwrap_or(TlsMode::Preferred),
    };
    let refused = |error| refusal(login, endpoint, error);
    let plain = || Ok((connect_once(login, endpoint, None).map_err(refused)?, false));
    if mode == TlsMode::Disabled {
        return plain();
    }
    let verify = mode >= TlsMode::VerifyCa;
    let mut tls = SslOpts::default()
        .with_danger_accept_invalid_certs(!verify)
        .with_danger_skip_domain_validation(mode != TlsMode::VerifyIdentity);
    if verify && let Some(ca) = &certificates.ca {
        tls = tls.with_root_cert_path(Some(ca.clone()));
    }
    if let (Some(certificate), Some(key)) = (&login.tls.certificate, &login.tls.key) {
        let identity = mysql::ClientIdentity::new(certificate.clone(), key.clone());
        tls = tls.with_client_identity(Some(identity));
    }
    match connect_once(login, endpoint, Some(tls)) {
        Ok(conn) => Ok((conn, true)),
        // As MySQL's clients do: encrypted if that is possible, otherwise not.
        Err(error) if mode == TlsMode::Preferred && is_about_tls(&error) => plain(),
        Err(error) => Err(refused(error)),
    }
}

fn is_about_tls(error: &mysql::Error) -> bool {
    match error {
        mysql::Error::TlsError(_) => true,
        mysql::Error::DriverError(mysql::DriverError::TlsNotSupported) => true,
        // rustls reports certificates it does not trust, alerts and unreadable records of old
        // servers so.
        mysql::Error::IoError(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn connect_once(
    login: &Login,
    endpoint: &Endpoint,
    tls: Option<SslOpts>,
) -> Result<Conn, mysql::Error> {
    let timeout = Duration::from_secs(login.connect_timeout.unwrap_or(CONNECT_TIMEOUT).max(1));
    let mut options = OptsBuilder::new()
        .user(login.user.as_deref())
        .pass(login.password.as_ref().map(|secret| secret.reveal()))
        .prefer_socket(false)
        .ssl_opts(tls.clone())
        .tcp_connect_timeout(Some(timeout))
        .tcp_keepalive_time_ms(Some(KEEPALIVE * 1000))
        .tcp_keepalive_probe_interval_secs(Some(KEEPALIVE))
        .tcp_keepalive_probe_count(Some(3))
        // The watch is there before.
        .read_timeout(Some(LONG))
        .write_timeout(Some(patience(login)))
        .max_allowed_packet(Some(PACKET))
        .server_key_path(Some(public_key(login)))
        .stmt_cache_size(0);
    options = match endpoint {
        Endpoint::Socket(path) => options.socket(path.to_str()),
        Endpoint::Tcp { host, port } => options.ip_or_hostname(Some(host.as_str())).tcp_port(*port),
    };
    // The library's own limit ends with the connection of the socket: what listens there may
    // never answer.
    let (sender, receiver) = mpsc::channel();
    let read = |path: &Path| small_file::read(path, SMALL);
    let authorities = tls.and_then(|tls| tls.root_cert_path().map(read));
    let authorities = authorities.transpose()?;
    std::thread::spawn(move || {
        let connect = || Conn::new(options).map_err(unwrapped);
        let connected = guarded(|| authorities::trusting(authorities, connect));
        let failed = |panic: String| Err(io::Error::new(io::ErrorKind::InvalidInput, panic).into());
        sender.send(connected.unwrap_or_else(failed))
    });
    receiver
        .recv_timeout(timeout)
        .unwrap_or_else(|_| Err(mysql::Error::IoError(io::ErrorKind::TimedOut.into())))
}

/// The file of the server's public key, with which the library encrypts a password where the connection is not encrypted.
/// Where the user gave none, a file that cannot be there: the library would ask the server for its key, and whoever
/// answers there could read the password. (MySQL's clients refuse as well, with error 2061.)
fn public_key(login: &Login) -> PathBuf {
    let given = login.tls.public_key.clone();
    given.unwrap_or_else(|| PathBuf::from("\0"))
}

/// The error of the system or of rustls, also where the library wraps it in one of its own.
fn unwrapped(error: mysql::Error) -> mysql::Error {
    let mysql::Error::CodecError(codec) = &error else {
        return error;
    };
    match codec.source().and_then(|source| source.downcast_ref()) {
        Some(system) => {
            let system: &io::Error = system;
            mysql::Error::IoError(io::Error::new(system.kind(), system.to_string()))
        }
        None => error,
    }
}

/// Says why a connection could not be made, and what to do.
fn refusal(login: &Login, endpoint: &Endpoint, error: mysql::Error) -> ServerError {
    let server = name_of(endpoint);
    let nobody_there =
        |error: io::Error| format!("{server}: no connection: {error}; {}", advice(&error));
    ServerError::NoWayIn(match error {
        mysql::Error::MySqlError(mysql::MySqlError { code, message, .. }) => match code {
            // ER_ACCESS_DENIED_ERROR, and without a password, and by the authentication plugin
            1045 | 1698 => format!(
                "{server} refuses '{}' (password given: {}): wrong password, no such account for this host, or \
                 the account wants TLS, which the server tells nobody; check user and password, and try \
                 --ssl-mode required ({message})",
                login.user.as_deref().unwrap_or_default(),
                login.password.as_ref().map_or("no", |_| "yes")
            ),
            // ER_SECURE_TRANSPORT_REQUIRED
            3159 => format!(
                "{server} takes encrypted connections only; leave --ssl-mode disabled out ({message})"
            ),
            // ER_MUST_CHANGE_PASSWORD_LOGIN
            1820 | 1862 => format!(
                "{server}: the password of this account has expired; set a new one with ALTER USER ({message})"
            ),
            _ => format!("{server} takes no connection from here: {message}"),
        },
        mysql::Error::DriverError(mysql::DriverError::TlsNotSupported) => format!(
            "{server} offers no TLS, and --ssl-mode asks for it; use a server that does, or --ssl-mode \
             preferred over a network you trust"
        ),
        mysql::Error::IoError(error)
            if error.kind() == io::ErrorKind::InvalidInput && login.tls.public_key.is_none() =>
        {
            format!(
                "{server} wants the password itself, over a connection that is not encrypted: it was not sent, because \
                 whoever answers there could read it; use --ssl-mode required or a socket, or name the server's public \
                 key with --server-public-key-path"
            )
        }
        mysql::Error::IoError(error) if error.kind() == io::ErrorKind::InvalidInput => {
            format!(
                "{server}: no connection: {error}; is --server-public-key-path a public key (PEM)?"
            )
        }
        error if is_about_tls(&error) => {
            let message = match error {
                mysql::Error::TlsError(error) => error.to_string(),
                mysql::Error::IoError(error) => error.to_string(),
                other => other.to_string(),
            };
            format!("{server}: no encrypted connection: {message}; check --ssl-ca and --ssl-mode")
        }
        mysql::Error::CodecError(error) => nobody_there(io::Error::other(format!(
            "what answers there does not speak the protocol of MySQL and MariaDB ({error})"
        ))),
        mysql::Error::IoError(error) => nobody_there(reason(login, endpoint, error)),
        mysql::Error::DriverError(error) => {
            let error = io::Error::other(error.to_string());
            nobody_there(reason(login, endpoint, error))
        }
        other => format!("{server} takes no connection from here: {other}"),
    })
}

/// What to do where nothing answers.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "no server listens there: is it running, and are host, port or socket right?"
        }
        io::ErrorKind::NotFound => {
            "there is no such socket: is the server running, and where is its socket? \
             Give --socket, or --host 127.0.0.1 for TCP"
        }
        io::ErrorKind::PermissionDenied => "this system account may not use that socket",
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            "nothing answered in time: a firewall, a wrong address, or a server that is stuck \
             (--connect-timeout waits longer)"
        }
        _ => "are host, port or socket right?",
    }
}

/// The system's reason for a connection that failed, which the library does not pass on.
fn reason(login: &Login, endpoint: &Endpoint, error: io::Error) -> io::Error {
    let timeout = Duration::from_secs(login.connect_timeout.unwrap_or(CONNECT_TIMEOUT).max(1));
    let tried = match endpoint {
        Endpoint::Socket(path) => std::os::unix::net::UnixStream::connect(path).map(drop),
        Endpoint::Tcp { host, port } => {
            (host.as_str(), *port)
                .to_socket_addrs()
                .and_then(|mut all| {
                    let nowhere = || io::Error::other("the host name leads nowhere");
                    let address = all.next().ok_or_else(nowhere)?;
                    TcpStream::connect_timeout(&address, timeout).map(drop)
                })
        }
    };
    tried.err().unwrap_or(error)
}

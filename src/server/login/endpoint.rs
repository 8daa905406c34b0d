//! The address that a client connects to.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{LOCALHOST, Login, Protocol};

/// The default TCP port of MySQL and MariaDB.
const DEFAULT_PORT: u16 = 3306;
/// Paths at which Debian, MySQL's own packages and Red Hat put the socket.
const SOCKETS: [&str; 4] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/tmp/mysql.sock",
    "/var/lib/mysql/mysql.sock",
];

/// The address that a client connects to: a Unix socket, or a TCP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The path of a Unix socket.
    Socket(PathBuf),
    /// A TCP port of a host.
    Tcp {
        /// Host name or address; an IPv6 address stands without brackets.
        host: String,
        /// The TCP port.
        port: u16,
    },
}

impl Login {
    /// The address to connect to, by the rules of the servers' clients: a host that is not `localhost` is
    /// reached by TCP, whatever the socket; `localhost`, or no host, by a socket unless `protocol` says TCP. If
    /// no path of a socket is given, the first usual path that exists is taken; if none exists, TCP, unless
    /// `protocol` says otherwise.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint_among(&SOCKETS.map(Path::new))
    }

    fn endpoint_among(&self, usual_sockets: &[&Path]) -> Endpoint {
        let host = self.host.as_deref().filter(|host| !host.is_empty());
        let host = host.unwrap_or(LOCALHOST);
        if host == LOCALHOST && self.protocol != Some(Protocol::Tcp) {
            let given = self.socket.as_deref();
            let existing = usual_sockets.iter().find(|path| path.exists());
            let first = usual_sockets
                .first()
                .filter(|_| self.protocol == Some(Protocol::Socket));
            let socket = given
                .filter(|path| !path.as_os_str().is_empty())
                .or(existing.or(first).copied());
            if let Some(socket) = socket {
                return Endpoint::Socket(socket.to_owned());
            }
        }
        Endpoint::Tcp {
            host: host.to_owned(),
            port: self.port.filter(|&port| port != 0).unwrap_or(DEFAULT_PORT),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "socket {}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(host: Option<&str>, socket: Option<&str>, protocol: Option<Protocol>) -> Login {
        Login {
            host: host.map(Into::into),
            socket: socket.map(Into::into),
            protocol,
            port: Some(3307),
            ..Login::default()
        }
    }

    /// As measured with the clients of MariaDB 10.11 and 11.8 and MySQL 9.7; where a protocol
    /// contradicts the host, MySQL's stops with an error and MariaDB's takes TCP.
    #[test]
    fn the_host_decides_between_socket_and_tcp() {
        let (tcp, socket) = (Some(Protocol::Tcp), Some(Protocol::Socket));
        let cases = [
            (None, Some("/s"), None, "socket /s"),
            (Some(""), Some("/s"), None, "socket /s"),
            (Some("localhost"), Some("/s"), None, "socket /s"),
            (Some("localhost"), Some("/s"), socket, "socket /s"),
            (Some("localhost"), Some("/s"), tcp, "localhost:3307"),
            (None, Some("/s"), tcp, "localhost:3307"),
            (Some("LocalHost"), Some("/s"), None, "LocalHost:3307"),
            (Some("127.0.0.1"), Some("/s"), None, "127.0.0.1:3307"),
            (Some("127.0.0.1"), Some("/s"), socket, "127.0.0.1:3307"),
            (Some("db.example.org"), None, None, "db.example.org:3307"),
            (Some("::1"), None, None, "[::1]:3307"),
        ];
        for (host, path, protocol, expected) in cases {
            let endpoint = login(host, path, protocol).endpoint_among(&[]);
            assert_eq!(
                endpoint.to_string(),
                expected,
                "{host:?} {path:?} {protocol:?}"
            );
        }
    }

    #[test]
    fn the_first_usual_socket_that_exists_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (absent, present) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&present, "").unwrap();
        let usual = [absent.as_path(), present.as_path()];
        let endpoint = |protocol, usual: &[&Path]| {
            let login = login(Some("localhost"), None, protocol);
            login.endpoint_among(usual)
        };
        let tcp = Endpoint::Tcp {
            host: "localhost".into(),
            port: 3307,
        };
        assert_eq!(endpoint(None, &usual), Endpoint::Socket(present.clone()));
        assert_eq!(endpoint(None, &usual[..1]), tcp);
        assert_eq!(
            endpoint(Some(Protocol::Socket), &usual[..1]),
            Endpoint::Socket(absent.clone())
        );
        assert_eq!(endpoint(Some(Protocol::Tcp), &usual), tcp);
    }

    #[test]
    fn the_port_is_3306_unless_said() {
        for port in [None, Some(0)] {
            let login = Login {
                host: Some("db".into()),
                port,
                ..Login::default()
            };
            assert_eq!(login.endpoint().to_string(), "db:3306");
        }
    }
}

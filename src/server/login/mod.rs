//! Where a server is, and as whom to speak to it.
//!
//! Command line, URL, login path file, option files and environment each give a [`Login`]; what
//! comes first in this order wins, as with the servers' own clients.

mod gather;
mod login_path;
mod option_file;
pub mod url;

use std::fmt;
use std::path::PathBuf;

pub use gather::{Gathered, Surroundings, gather};

/// Why the way into a server could not be told. No message holds a password.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// An option file cannot be read.
    #[error("{}{}: {problem}", .path.display(), in_line(*.line))]
    OptionFile {
        /// The file.
        path: PathBuf,
        /// Line number from 1; 0 for the file as a whole.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The login path file cannot be read.
    #[error("login path file {}: {problem}", .path.display())]
    LoginPath {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A URL cannot be read.
    #[error("{url}: {problem}; write mysql://user@host:port/database?socket=/path")]
    Url {
        /// The URL without its password.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// An environment variable holds what it cannot.
    #[error("environment variable {0} is no port number")]
    Port(&'static str),
}

fn in_line(number: usize) -> String {
    match number {
        0 => String::new(),
        number => format!(", line {number}"),
    }
}

/// What is known of a way into a server. Each source of such knowledge (URL, arguments, option
/// files, environment, settings file) gives one; [`Login::or`] puts them over one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// Host name or address; `localhost` means the socket, as for the servers' own clients.
    pub host: Option<String>,
    /// TCP port.
    pub port: Option<u16>,
    /// Path of a Unix socket.
    pub socket: Option<PathBuf>,
    /// The protocol to use where host and socket leave a choice.
    pub protocol: Option<Protocol>,
    /// Account name.
    pub user: Option<String>,
    /// Its password; empty is a password, too.
    pub password: Option<Secret>,
    /// The database.
    pub database: Option<String>,
    /// Encryption.
    pub tls: Tls,
    /// Seconds to wait for a connection.
    pub connect_timeout: Option<u64>,
}

impl Login {
    /// This, and from `lower` what this does not say.
    #[must_use]
    pub fn or(self, lower: Self) -> Self {
        Self {
            host: self.host.or(lower.host),
            port: self.port.or(lower.port),
            socket: self.socket.or(lower.socket),
            protocol: self.protocol.or(lower.protocol),
            user: self.user.or(lower.user),
            password: self.password.or(lower.password),
            database: self.database.or(lower.database),
            tls: self.tls.or(lower.tls),
            connect_timeout: self.connect_timeout.or(lower.connect_timeout),
        }
    }
}

/// What the command line says of the way in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The parts given one by one.
    pub login: Login,
    /// `--defaults-file`.
    pub defaults_file: Option<PathBuf>,
    /// `--defaults-extra-file`.
    pub defaults_extra_file: Option<PathBuf>,
    /// `--no-defaults`.
    pub no_defaults: bool,
    /// `--login-path`.
    pub login_path: Option<String>,
    /// `--password`: ask for it.
    pub ask_password: bool,
}

impl Given {
    /// Whether it says nothing of where the server is and who asks.
    pub fn is_silent(&self) -> bool {
        let login = &self.login;
        login.host.is_none()
            && login.port.is_none()
            && login.socket.is_none()
            && login.user.is_none()
            && self.defaults_file.is_none()
            && self.defaults_extra_file.is_none()
            && self.login_path.is_none()
    }
}

/// `--protocol` of the servers' clients, as far as it exists outside Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP, even to localhost.
    Tcp,
    /// A Unix socket.
    Socket,
}

/// What a connection has to be encrypted with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// How much is asked of it.
    pub mode: Option<TlsMode>,
    /// File of certificates of authorities to trust.
    pub ca: Option<PathBuf>,
    /// Folder of such files.
    pub ca_path: Option<PathBuf>,
    /// File of the client's own certificate.
    pub certificate: Option<PathBuf>,
    /// File of its key.
    pub key: Option<PathBuf>,
}

impl Tls {
    /// This, and from `lower` what this does not say.
    #[must_use]
    pub fn or(self, lower: Self) -> Self {
        Self {
            mode: self.mode.or(lower.mode),
            ca: self.ca.or(lower.ca),
            ca_path: self.ca_path.or(lower.ca_path),
            certificate: self.certificate.or(lower.certificate),
            key: self.key.or(lower.key),
        }
    }
}

/// `--ssl-mode` of MySQL's clients (MySQL manual, "Command Options for Encrypted Connections").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum TlsMode {
    /// Never.
    Disabled,
    /// If the server can.
    Preferred,
    /// Or no connection.
    Required,
    /// With a certificate of an authority that is trusted.
    VerifyCa,
    /// With such a certificate, for this very host.
    VerifyIdentity,
}

/// A password. Nothing prints it, in debug output neither.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, for the server alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_password() {
        let login = Login {
            password: Some(Secret::new("s3cret")),
            ..Login::default()
        };
        assert!(!format!("{login:?}").contains("s3cret"));
    }
}

//! What a login is made of.

use std::fmt;
use std::path::PathBuf;

/// What is known of where a server is and which account to use. Each source of such knowledge (URL, arguments,
/// option files, environment, settings file) gives one; [`Login::or`] puts them over one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// Host name or address; `localhost` means the Unix socket, as for the servers' own clients.
    pub host: Option<String>,
    /// TCP port of the server.
    pub port: Option<u16>,
    /// Path of a Unix socket.
    pub socket: Option<PathBuf>,
    /// The protocol to use where host and socket leave a choice.
    pub protocol: Option<Protocol>,
    /// Name of the account, without its host.
    pub user: Option<String>,
    /// The password of the account; an empty one is a password, too.
    pub password: Option<Secret>,
    /// The name of the database.
    pub database: Option<String>,
    /// How the connection is to be encrypted.
    pub tls: Tls,
    /// Seconds to wait for a connection.
    pub connect_timeout: Option<u64>,
    /// Seconds to wait for the next piece of an answer.
    pub read_timeout: Option<u64>,
}

impl Login {
    /// This login, with the parts that it does not give taken from `lower`.
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
            read_timeout: self.read_timeout.or(lower.read_timeout),
        }
    }
}

/// `--protocol` of the servers' clients, as far as it exists outside Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP, even for localhost.
    Tcp,
    /// A Unix socket.
    Socket,
}

/// How a connection is to be encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// How strictly encryption is required; `None` when nothing says so.
    pub mode: Option<TlsMode>,
    /// File of certificates of the certificate authorities to trust.
    pub ca: Option<PathBuf>,
    /// Folder of such files.
    pub ca_path: Option<PathBuf>,
    /// File of the client's own certificate.
    pub certificate: Option<PathBuf>,
    /// File of the private key of the client's certificate.
    pub key: Option<PathBuf>,
    /// File of the server's public key, with which a password is encrypted where the connection is not.
    pub public_key: Option<PathBuf>,
}

impl Tls {
    /// These settings, with those that they do not give taken from `lower`.
    #[must_use]
    pub fn or(self, lower: Self) -> Self {
        Self {
            mode: self.mode.or(lower.mode),
            ca: self.ca.or(lower.ca),
            ca_path: self.ca_path.or(lower.ca_path),
            certificate: self.certificate.or(lower.certificate),
            key: self.key.or(lower.key),
            public_key: self.public_key.or(lower.public_key),
        }
    }
}

/// `--ssl-mode` of MySQL's clients (MySQL manual, "Command Options for Encrypted Connections").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum TlsMode {
    /// The connection is never encrypted.
    Disabled,
    /// The connection is encrypted if the server can do so.
    Preferred,
    /// The connection is encrypted, or it is not made.
    Required,
    /// As `Required`, and the server's certificate must come from a trusted certificate authority.
    VerifyCa,
    /// As `VerifyCa`, and the certificate must be for this very host.
    VerifyIdentity,
}

/// A password. Nothing prints it, not even debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, only for sending it to the server.
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

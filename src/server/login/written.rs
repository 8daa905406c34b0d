//! A login as an option file, for a client program of the server that this program starts.

use super::{Endpoint, Login, TlsMode};
use crate::server_version::Family;

impl Login {
    /// The text of an option file by which the server's own client programs connect as this login does. `family` is that
    /// of the programs. It may hold a password, so that nobody but the owner may read the file.
    pub fn as_option_file(&self, family: Family) -> String {
        let mut lines = vec!["[client]".to_owned()];
        let mut set = |name: &str, value: &str| lines.push(format!("{name}={}", quoted(value)));
        match self.endpoint() {
            Endpoint::Socket(path) => set("socket", &path.to_string_lossy()),
            Endpoint::Tcp { host, port } => {
                set("protocol", "tcp");
                set("host", &host);
                set("port", &port.to_string());
            }
        }
        if let Some(user) = &self.user {
            set("user", user);
        }
        // Without one none is asked for.
        let password = self.password.as_ref();
        set(
            "password",
            password.map_or("", |password| password.reveal()),
        );
        let tls = &self.tls;
        let files = [
            ("ssl-ca", &tls.ca),
            ("ssl-capath", &tls.ca_path),
            ("ssl-cert", &tls.certificate),
            ("ssl-key", &tls.key),
        ];
        for (name, path) in files {
            if let Some(path) = path {
                set(name, &path.to_string_lossy());
            }
        }
        match (family, tls.mode) {
            (Family::Mysql, Some(mode)) => set("ssl-mode", mysql_mode(mode)),
            (Family::Mariadb, Some(TlsMode::Disabled)) => set("ssl", "0"),
            (Family::Mariadb, Some(TlsMode::VerifyIdentity)) => {
                set("ssl", "1");
                set("ssl-verify-server-cert", "1");
            }
            // Programs of MariaDB 11.4 and later look at the name in a certificate unless they are told not to.
            (Family::Mariadb, mode) => {
                if mode.is_some_and(|mode| mode >= TlsMode::Required) {
                    set("ssl", "1");
                }
                set("ssl-verify-server-cert", "0");
            }
            (Family::Mysql, None) => {}
        }
        if family == Family::Mysql
            && let Some(path) = &tls.public_key
        {
            set("server-public-key-path", &path.to_string_lossy());
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn mysql_mode(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disabled => "DISABLED",
        TlsMode::Preferred => "PREFERRED",
        TlsMode::Required => "REQUIRED",
        TlsMode::VerifyCa => "VERIFY_CA",
        TlsMode::VerifyIdentity => "VERIFY_IDENTITY",
    }
}

/// A value as option files quote it.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::login::Secret;

    #[test]
    fn an_option_file_that_is_written_says_the_login_again() {
        let login = Login {
            host: Some("db.example.org".to_owned()),
            port: Some(3307),
            user: Some("a\\b #;\"'\u{e9}".to_owned()),
            password: Some(Secret::new(" x\"\\n\t\n#'= ")),
            ..Login::default()
        };
        let text = login.as_option_file(Family::Mysql);
        assert!(text.contains("user=\"a\\\\b #;\\\"'\u{e9}\""), "{text}");
        assert!(
            text.contains("password=\" x\\\"\\\\n\\t\\n#'= \""),
            "{text}"
        );
        assert!(
            text.contains("host=\"db.example.org\"\nport=\"3307\""),
            "{text}"
        );
    }
}

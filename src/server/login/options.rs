//! The options of the servers' clients that say where a server is. Of an option that is set twice, the later
//! setting counts.

use clap::ValueEnum;

use super::error::LoginError;
use super::option_file::Setting;
use super::{Login, Protocol, Secret, TlsMode};

/// The result of all settings read so far.
#[derive(Default)]
pub(super) struct Options {
    pub login: Login,
    /// Whether the last setting of the password was `password` without a value.
    pub ask_password: bool,
    /// Whether `--ssl-mode` was given, which `--ssl-ca` then leaves alone.
    tls_mode_is_explicit: bool,
}

impl Options {
    /// Takes one setting. Options of other programs stand in the same groups, so unknown options are ignored.
    pub fn set(&mut self, setting: &Setting) -> Result<(), LoginError> {
        let name = canonical(&setting.name);
        let (option, negated) = without_prefix(&name);
        let value = Value(setting.value.as_deref());
        let result = match negated {
            true => self.negate(option, value),
            false => self.assign(option, value),
        };
        result.map_err(|wanted| LoginError::Value {
            place: setting.place.clone(),
            option: option.to_owned(),
            wanted,
        })
    }

    fn assign(&mut self, option: &str, value: Value<'_>) -> Result<(), Wanted> {
        let login = &mut self.login;
        match option {
            "host" => login.host = value.text()?,
            "port" => login.port = value.number("a number from 0 to 65535")?,
            "socket" => login.socket = value.text()?.map(Into::into),
            "protocol" => login.protocol = value.protocol()?,
            "user" => login.user = value.text()?,
            "database" => login.database = value.text()?,
            "connect-timeout" => login.connect_timeout = value.number("a number of seconds")?,
            "password" => {
                self.ask_password = value.0.is_none();
                login.password = match value.0 {
                    Some(_) => Some(Secret::new(value.text()?.unwrap_or_default())),
                    None => None,
                };
            }
            "ssl" => self.use_tls(value.truth()?),
            "ssl-verify-server-cert" => self.verify_identity(value.truth()?),
            "ssl-mode" => self.set_tls_mode(value.tls_mode()?),
            "ssl-ca" => {
                login.tls.ca = value.text()?.map(Into::into);
                self.verify_ca();
            }
            "ssl-capath" => {
                login.tls.ca_path = value.text()?.map(Into::into);
                self.verify_ca();
            }
            "ssl-cert" => login.tls.certificate = value.text()?.map(Into::into),
            "ssl-key" => login.tls.key = value.text()?.map(Into::into),
            "server-public-key-path" => login.tls.public_key = value.text()?.map(Into::into),
            _ => {}
        }
        Ok(())
    }

    /// Applies an option with `skip-` or `disable-` before it; only options that can be switched off take it.
    fn negate(&mut self, option: &str, value: Value<'_>) -> Result<(), Wanted> {
        match option {
            "ssl" => self.use_tls(!value.truth()?),
            "ssl-verify-server-cert" => self.verify_identity(!value.truth()?),
            "password" => {
                self.ask_password = false;
                self.login.password = Some(Secret::default());
            }
            _ => {}
        }
        Ok(())
    }

    /// Puts what the command line says over all else. What it names counts, and an option elsewhere that it
    /// does not name cannot undo that: a socket there means this machine, whatever the host in a file, and a
    /// port means TCP, as for MariaDB's clients.
    pub fn put_over(&mut self, top: Login) {
        if top.socket.is_some() && top.host.is_none() {
            self.login.host = Some(super::LOCALHOST.to_owned());
        }
        match (&top.socket, top.port) {
            (Some(_), None) => self.login.protocol = Some(Protocol::Socket),
            (None, Some(_)) => self.login.protocol = Some(Protocol::Tcp),
            _ => {}
        }
        if top.password.is_some() {
            self.ask_password = false;
        }
        match top.tls.mode {
            Some(mode) => self.set_tls_mode(mode),
            None if top.tls.ca.is_some() || top.tls.ca_path.is_some() => self.verify_ca(),
            None => {}
        }
        let lower = std::mem::take(&mut self.login);
        self.login = top.or(lower);
    }

    // The four ways to ask for encryption act on one mode, as in MySQL 5.7, the only client that knows all
    // four. The one exception: naming a certificate authority never weakens the mode.

    fn set_tls_mode(&mut self, mode: TlsMode) {
        self.login.tls.mode = Some(mode);
        self.tls_mode_is_explicit = true;
    }

    fn use_tls(&mut self, on: bool) {
        self.login.tls.mode = match on {
            true => self.login.tls.mode.max(Some(TlsMode::Required)),
            false => Some(TlsMode::Disabled),
        };
    }

    fn verify_identity(&mut self, on: bool) {
        let mode = &mut self.login.tls.mode;
        if on {
            *mode = Some(TlsMode::VerifyIdentity);
        } else if *mode == Some(TlsMode::VerifyIdentity) {
            *mode = Some(TlsMode::VerifyCa);
        }
    }

    fn verify_ca(&mut self) {
        if !self.tls_mode_is_explicit {
            self.login.tls.mode = self.login.tls.mode.max(Some(TlsMode::VerifyCa));
        }
    }
}

/// The name with `-` for `_`, and in lower case: MariaDB's clients do not tell them apart.
fn canonical(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .to_ascii_lowercase()
        .replace('_', "-")
}

/// The name without `loose-`, `enable-`, `skip-` and `disable-`, and whether one of the last two negated it
/// (MySQL manual, "Program Option Modifiers").
fn without_prefix(name: &str) -> (&str, bool) {
    let name = name.strip_prefix("loose-").unwrap_or(name);
    let negated = name
        .strip_prefix("skip-")
        .or_else(|| name.strip_prefix("disable-"));
    match negated {
        Some(name) => (name, true),
        None => (name.strip_prefix("enable-").unwrap_or(name), false),
    }
}

/// What a value should have been, for the error message.
type Wanted = &'static str;

/// The text after `=`; `None` if there is no `=`.
#[derive(Clone, Copy)]
struct Value<'a>(Option<&'a [u8]>);

impl<'a> Value<'a> {
    fn utf8(self) -> Result<&'a str, Wanted> {
        let bytes = self.0.ok_or("a value")?;
        str::from_utf8(bytes).map_err(|_| "a value in UTF-8")
    }

    /// The value as text. An empty text takes back what was set before.
    fn text(self) -> Result<Option<String>, Wanted> {
        Ok(Some(self.utf8()?)
            .filter(|text| !text.is_empty())
            .map(str::to_owned))
    }

    /// The value as a number. 0 takes back what was set before.
    fn number<T>(self, wanted: Wanted) -> Result<Option<T>, Wanted>
    where
        T: std::str::FromStr + Default + PartialEq,
    {
        let number = self.utf8()?.parse().map_err(|_| wanted)?;
        Ok(Some(number).filter(|number| *number != T::default()))
    }

    fn truth(self) -> Result<bool, Wanted> {
        match self.0.map(<[u8]>::to_ascii_lowercase).as_deref() {
            None | Some(b"1" | b"on" | b"true") => Ok(true),
            Some(b"0" | b"off" | b"false") => Ok(false),
            Some(_) => Err("one of 0, 1, OFF, ON, FALSE, TRUE"),
        }
    }

    fn protocol(self) -> Result<Option<Protocol>, Wanted> {
        match self.utf8()?.to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "tcp" => Ok(Some(Protocol::Tcp)),
            "socket" => Ok(Some(Protocol::Socket)),
            _ => Err("TCP or SOCKET"),
        }
    }

    fn tls_mode(self) -> Result<TlsMode, Wanted> {
        tls_mode(self.utf8()?).ok_or(TLS_MODES)
    }
}

/// The mode of the name that `--ssl-mode` takes; `None` for any other name.
pub(super) fn tls_mode(name: &str) -> Option<TlsMode> {
    TlsMode::from_str(&name.replace('_', "-"), true).ok()
}

/// The names of the modes, for messages.
pub(super) const TLS_MODES: &str =
    "one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY";

#[cfg(test)]
mod tests;

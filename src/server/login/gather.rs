//! Puts together everything that says where a server is and which account to use, in the order of MySQL's
//! clients (MySQL manual, "Specifying Program Options" and "Using Option Files").

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::{LoginError, Warning};
use super::login_path::{self, LoginFile};
use super::option_file::{Groups, Reader};
use super::options::Options;
use super::{Login, Secret};

/// The groups that the command-line clients of both servers read, and the program's own.
const GROUPS: [&str; 6] = [
    "client",
    "mysql",
    "client-server",
    "client-mariadb",
    "mariadb-client",
    "cividb",
];

/// What the command line says about the server and its option files.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--host`, `--port`, `--socket`, `--user`, `--database` and the like.
    pub login: Login,
    /// `--defaults-file`: read only this option file.
    pub defaults_file: Option<PathBuf>,
    /// `--defaults-extra-file`: read this file after those of the system, before `~/.my.cnf`.
    pub defaults_extra_file: Option<PathBuf>,
    /// `--no-defaults`: read no option file. The login file does not count as one.
    pub no_defaults: bool,
    /// `--defaults-group-suffix`: read `[client_x]` beside `[client]`, and so on.
    pub defaults_group_suffix: Option<String>,
    /// `--login-path`: read this group of the login file as well.
    pub login_path: Option<String>,
    /// `--password`: ask for the password, whatever is set elsewhere.
    pub ask_password: bool,
}

/// What the operating system provides, as a type of its own so that tests can replace it.
pub struct System<'a> {
    /// Returns the value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The folder that holds `etc`.
    pub root: &'a Path,
    /// Whether this process runs as root.
    pub is_superuser: bool,
}

impl System<'static> {
    /// The system that this program runs on.
    pub fn real() -> Self {
        Self {
            variable: &|name| std::env::var_os(name),
            root: Path::new("/"),
            is_superuser: rustix::process::geteuid().is_root(),
        }
    }
}

/// The result of putting all sources together.
#[derive(Debug)]
pub struct Gathered {
    /// The server and the account to use.
    pub login: Login,
    /// Whether to ask for the password, which `login` then lacks.
    pub ask_password: bool,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
}

/// Puts the sources over one another. The highest first: command line, `url`, login path, the
/// rest of the login file, option files (of several the one read last), environment.
///
/// Option files: `/etc/my.cnf`, `/etc/mysql/my.cnf`, `my.cnf` in `$MARIADB_HOME` or `$MYSQL_HOME`,
/// `--defaults-extra-file`, `~/.my.cnf`. The account is by default the one of the system, as for
/// the clients: root for the superuser, else `$USER` or `$LOGNAME`.
///
/// MySQL's clients let `[client]` of the login file win over the login path that was asked for if it comes
/// later in the file; here the login path wins.
///
/// # Errors
/// A file that is named cannot be read, a file has a line that is wrong, or the login path does not exist.
pub fn gather(
    given: Given,
    url: Option<Login>,
    system: &System<'_>,
) -> Result<Gathered, LoginError> {
    let variable = |name| (system.variable)(name).filter(|value| !value.is_empty());
    let home = variable("HOME").map(PathBuf::from);
    let suffix = given
        .defaults_group_suffix
        .clone()
        .or_else(|| variable("MYSQL_GROUP_SUFFIX")?.into_string().ok());
    let groups = Groups::new(&GROUPS, suffix.as_deref());
    let mut reader = Reader::new(home.as_deref());
    if !given.no_defaults {
        read_option_files(&mut reader, &groups, &given, home.as_deref(), system)?;
    }
    let login_file = variable("MYSQL_TEST_LOGIN_FILE")
        .map(PathBuf::from)
        .or_else(|| Some(home.as_ref()?.join(".mylogin.cnf")));
    read_login_file(&mut reader, login_file, &groups, &given, suffix.as_deref())?;

    let mut options = Options::default();
    for setting in &reader.settings {
        options.set(setting)?;
    }
    options.put_over(given.login.or(url.unwrap_or_default()));
    let mut login = options.login.or(environment(&variable, system)?);
    let ask_password = given.ask_password || options.ask_password;
    if ask_password {
        login.password = None;
    }
    Ok(Gathered {
        login,
        ask_password,
        warnings: reader.warnings,
    })
}

impl Given {
    /// Whether the command line says nothing of where the server is and which account to use.
    pub fn is_silent(&self) -> bool {
        !self.names_account() && self.defaults_file.is_none() && self.defaults_extra_file.is_none()
    }

    /// Whether the command line itself names the server or the account, not only files that may.
    pub fn names_account(&self) -> bool {
        let login = &self.login;
        login.host.is_some()
            || login.port.is_some()
            || login.socket.is_some()
            || login.user.is_some()
            || self.login_path.is_some()
    }
}

impl Gathered {
    /// The login that a site's own settings file gives as a whole, as PHP takes it: only what the command line
    /// says overrides it, and the password belongs to the account.
    pub fn of_site(given: &Given, site: Login) -> Self {
        let other_account = given.login.user.is_some() && given.login.user != site.user;
        let mut login = given.login.clone().or(site);
        if other_account {
            login.password.clone_from(&given.login.password);
        }
        Self {
            login,
            ask_password: given.ask_password,
            warnings: Vec::new(),
        }
    }
}

fn read_option_files(
    reader: &mut Reader<'_>,
    groups: &Groups,
    given: &Given,
    home: Option<&Path>,
    system: &System<'_>,
) -> Result<(), LoginError> {
    if let Some(file) = &given.defaults_file {
        return reader.required(file, groups);
    }
    for file in global_files(system) {
        reader.optional(&file, groups)?;
    }
    if let Some(file) = &given.defaults_extra_file {
        reader.required(file, groups)?;
    }
    match home {
        Some(home) => reader.optional(&home.join(".my.cnf"), groups),
        None => Ok(()),
    }
}

/// The option files of the whole system. A file that is listed twice is read at its second place.
fn global_files(system: &System<'_>) -> Vec<PathBuf> {
    let home = (system.variable)("MARIADB_HOME").or_else(|| (system.variable)("MYSQL_HOME"));
    let mut folders = vec![system.root.join("etc"), system.root.join("etc/mysql")];
    if let Some(home) = home.filter(|home| !home.is_empty()).map(PathBuf::from) {
        folders.retain(|folder| *folder != home);
        folders.push(home);
    }
    folders.iter().map(|folder| folder.join("my.cnf")).collect()
}

/// Adds the settings of the login file, those of the login path last.
fn read_login_file(
    reader: &mut Reader<'_>,
    path: Option<PathBuf>,
    groups: &Groups,
    given: &Given,
    suffix: Option<&str>,
) -> Result<(), LoginError> {
    let name = given.login_path.as_deref();
    let Some(path) = path else {
        return name.map_or(Ok(()), |_| Err(LoginError::NoHome));
    };
    let text = match login_path::read(&path)? {
        LoginFile::Text(text) => text,
        LoginFile::Absent => Vec::new(),
        LoginFile::Ignored(warning) if name.is_some() => return Err(LoginError::Unsafe(warning)),
        LoginFile::Ignored(warning) => {
            reader.warnings.push(warning);
            return Ok(());
        }
    };
    reader.login_file(&path, &text, groups)?;
    if let Some(name) = name {
        let before = reader.settings.len();
        reader.login_file(&path, &text, &Groups::new(&[name], suffix))?;
        if reader.settings.len() == before {
            let name = name.to_owned();
            return Err(LoginError::NoLoginPath { path, name });
        }
    }
    Ok(())
}

/// Adds what the environment says (MySQL manual, "Environment Variables").
fn environment(
    variable: &dyn Fn(&'static str) -> Option<OsString>,
    system: &System<'_>,
) -> Result<Login, LoginError> {
    let text = |name| match variable(name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(LoginError::Variable {
            name,
            wanted: "text in UTF-8",
        }),
    };
    let port = |port: String| {
        port.parse().map_err(|_| LoginError::Variable {
            name: "MYSQL_TCP_PORT",
            wanted: "a number from 0 to 65535",
        })
    };
    let user = match system.is_superuser {
        true => Some("root".to_owned()),
        false => text("USER")?.or(text("LOGNAME")?),
    };
    Ok(Login {
        host: text("MYSQL_HOST")?,
        port: text("MYSQL_TCP_PORT")?.map(port).transpose()?,
        socket: variable("MYSQL_UNIX_PORT").map(PathBuf::from),
        user,
        password: text("MYSQL_PWD")?.map(Secret::new),
        ..Login::default()
    })
}

#[cfg(test)]
mod tests;
